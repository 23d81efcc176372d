-- Schema version 7: the versions between which a write lies, so that an undo sees whether anybody else wrote to the item.

-- Of a line `sent` the version that was written on, of a line `done` the one that the write left; NULL: not known.
ALTER TABLE journal ADD COLUMN version INTEGER;
