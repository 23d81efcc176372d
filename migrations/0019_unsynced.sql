-- A conflict also ends because its field is no longer synced: 'unsynced'. A check of a column cannot be changed, so the column is
-- made anew with the same name.
ALTER TABLE conflict ADD COLUMN ended_by TEXT
    CHECK (ended_by IN ('rule', 'person', 'agreed', 'replaced', 'unlinked', 'unsynced'));
UPDATE conflict SET ended_by = settled_by;
ALTER TABLE conflict DROP COLUMN settled_by;
ALTER TABLE conflict RENAME COLUMN ended_by TO settled_by;
