-- Which fields of both services each field of a pair stood for when it was synced last. Its bases are about those: under another
-- entry in the configuration, the same two fields go on from them, and other ones begin anew.
--
-- A custom field that was removed in ClickUp and made anew under the same name is another one, and its tasks, which have no values
-- yet, empty nothing.

CREATE TABLE identity (
    pair    TEXT NOT NULL,  -- name of the pair
    field   TEXT NOT NULL,  -- FieldKey in text form
    clickup TEXT NOT NULL,  -- UUID of a custom field in ClickUp, or the key of a built-in one
    ado     TEXT NOT NULL,  -- reference names in Azure DevOps, with commas in between; empty: not known (schema version 20)
    unit    TEXT NOT NULL,  -- what a value is counted in, where the configuration says that: `1/100`, `time`
    since   INTEGER NOT NULL, -- local time from which on it stands for them; 0: always. What was written before is another field's
    used    INTEGER NOT NULL CHECK (used IN (0, 1)), -- whether it has been synced since then
    PRIMARY KEY (pair, field)
) STRICT, WITHOUT ROWID;
INSERT INTO identity (pair, field, clickup, ado, unit, since, used) SELECT pair, field, id, '', '', 0, 1 FROM custom;
DROP TABLE custom;

-- The bases of fields whose entry stands for others by now. They come back with the old entry, unless something was synced under
-- the new one: then boardsync itself may have written what differs from them.
CREATE TABLE parked_base (
    link          INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    clickup       TEXT    NOT NULL,  -- as in `identity`
    ado           TEXT    NOT NULL,
    unit          TEXT    NOT NULL,
    base_ado      TEXT    NOT NULL,  -- as in `base`
    base_clickup  TEXT    NOT NULL,
    ado_state     TEXT    NOT NULL,
    clickup_state TEXT    NOT NULL,
    PRIMARY KEY (link, clickup, ado, unit)
) STRICT, WITHOUT ROWID;
