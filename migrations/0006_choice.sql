-- Schema version 6: what a person chose in a conflict, until it is written.

CREATE TABLE choice (
    link         INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field        TEXT    NOT NULL,     -- FieldKey in text form
    conflict     INTEGER NOT NULL,     -- number of the conflict that it settles
    side         TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- in whose vocabulary `value` is
    value        TEXT    NOT NULL,     -- JSON of a FieldValue
    ado_seen     TEXT    NOT NULL,     -- JSON of what ADO held when it was chosen, or what our write of this choice made of it
    clickup_seen TEXT    NOT NULL,     -- the same for ClickUp
    at           INTEGER NOT NULL,     -- local time of the choice
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;

-- What our own write made of a side's value when the conflict was settled; NULL: it was not written.
ALTER TABLE conflict ADD COLUMN ado_after TEXT;
ALTER TABLE conflict ADD COLUMN clickup_after TEXT;

-- Choices used to be settings that did not say what their person saw. They are not carried over: where one still
-- waited, the two sides differ, and the next cycle opens the conflict again.
DELETE FROM meta WHERE key LIKE 'chosen:%';
