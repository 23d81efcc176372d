-- Schema version 22: since when a field stood for what it stood for before. An entry that is put right before anything was synced under
-- it goes on as if it had never been another one.
ALTER TABLE identity ADD COLUMN before INTEGER NOT NULL DEFAULT 0; -- `since` of what is put aside; 0: always
