-- Schema version 23: the title of an item that waits. Nothing else is stored of one that is held without a link, and people know an
-- item by its title.
ALTER TABLE seen ADD COLUMN title TEXT; -- NULL: not known
