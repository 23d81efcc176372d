-- Schema version 4: which program read what is stored, so that a change of reading is not taken for a person's edit.

ALTER TABLE observation ADD COLUMN reader TEXT; -- version of the program that made `body` of the raw content; NULL: before this column

-- The index that a sweep asks, with the reader: what another version read is read again.
DROP INDEX observation_version;
CREATE INDEX observation_version ON observation (side, item, version, reader);
