-- Schema version 2: what the safety rails must know in the next run.

CREATE TABLE attempt (
    pair        TEXT    NOT NULL,
    side        TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side of the item whose change could not be carried over
    item        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,      -- kind of failure, one word
    failures    INTEGER NOT NULL CHECK (failures > 0), -- in a row
    alike       INTEGER NOT NULL CHECK (alike > 0),    -- the last so many of them were of this kind
    inputs      TEXT    NOT NULL,      -- key of the action that failed: other inputs, another key
    fingerprint TEXT    NOT NULL,      -- configuration fingerprint it failed under
    last_at     INTEGER NOT NULL,      -- local time
    retry_at    INTEGER,               -- local time; NULL: quarantined until the inputs change
    reason      TEXT    NOT NULL,      -- sentence for people
    PRIMARY KEY (pair, side, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE freeze (
    link      INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field     TEXT    NOT NULL,        -- FieldKey in text form
    reason    TEXT    NOT NULL,        -- sentence for people
    since     INTEGER NOT NULL,        -- local time
    thawed_at INTEGER,                 -- local time; NULL: frozen. Writes before it no longer count
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE breaker (
    side      TEXT    NOT NULL PRIMARY KEY CHECK (side IN ('ado', 'clickup')),
    reason    TEXT    NOT NULL,        -- sentence for people
    opened_at INTEGER NOT NULL,        -- local time
    failures  INTEGER NOT NULL CHECK (failures > 0), -- failed cycles in a row
    retry_at  INTEGER NOT NULL         -- local time of the next probe
) STRICT, WITHOUT ROWID;

-- A sweep asks for the version of every item and must not read the bodies for that.
CREATE INDEX observation_version ON observation (side, item, version);
-- What is still to be read back: nearly always nothing.
CREATE INDEX base_ado_open     ON base (link) WHERE ado_confirmed = 0;
CREATE INDEX base_clickup_open ON base (link) WHERE clickup_confirmed = 0;
