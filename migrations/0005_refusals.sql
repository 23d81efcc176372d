-- Schema version 5: what a service refused, and changes in steps that are under way.

-- A value that a service did not take. It is not sent again as long as the item is at this version and the value is wanted.
CREATE TABLE refusal (
    pair        TEXT    NOT NULL,
    side        TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side that refused it
    item        TEXT    NOT NULL,      -- item on that side
    field       TEXT    NOT NULL,      -- FieldKey in text form
    value       TEXT    NOT NULL,      -- JSON FieldValue; of several tags the refused ones only
    version     INTEGER NOT NULL,      -- the item's version then; our own later writes of it move this
    fingerprint TEXT    NOT NULL,      -- configuration fingerprint it was refused under
    reason      TEXT    NOT NULL,      -- sentence for people
    PRIMARY KEY (pair, side, item, field)
) STRICT, WITHOUT ROWID;

-- A change that takes several requests (a state that is reached through another one), stored before the first of them.
-- A kill in between leaves the item at one of the steps, which is no person's edit. Gone once the outcome is known.
CREATE TABLE transit (
    link     INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    side     TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side that is written
    field    TEXT    NOT NULL,         -- FieldKey in text form
    origin   TEXT    NOT NULL,         -- JSON FieldValue before the first step
    via      TEXT    NOT NULL,         -- JSON array of FieldValue: the steps in between, in order
    wanted   TEXT    NOT NULL,         -- JSON FieldValue after the last step
    expected INTEGER NOT NULL,         -- the item's version before the first step
    sent     TEXT    NOT NULL,         -- JSON map FieldKey -> FieldValue of what the first request sets beside it
    PRIMARY KEY (link, side, field)
) STRICT, WITHOUT ROWID;
