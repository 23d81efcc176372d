-- What ended a conflict and which value settled it, and whose token is refused: for `conflicts` and `status`.

-- NULL: open, or ended before this was recorded.
ALTER TABLE conflict ADD COLUMN settled_by TEXT CHECK (settled_by IN ('rule', 'person', 'agreed', 'replaced', 'unlinked'));
-- 1: a person's own text settled it; `taken` says in which side's words that text was given.
ALTER TABLE conflict ADD COLUMN merged INTEGER NOT NULL DEFAULT 0 CHECK (merged IN (0, 1));

-- A row for each service whose token was refused by the last cycle that asked it.
CREATE TABLE refused_token (
    service TEXT    NOT NULL PRIMARY KEY,
    since   INTEGER NOT NULL,          -- local time of the first refusal in a row
    said    TEXT    NOT NULL           -- what the service said
) STRICT, WITHOUT ROWID;
