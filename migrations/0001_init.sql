-- Schema version 1 (PRAGMA user_version = 1).
-- Times are INTEGER milliseconds since 1970-01-01 UTC. "server time" is the clock of the service of that side,
-- "local time" is the clock of this machine; the two are never compared. Sides are 'ado' or 'clickup'.
-- JSON columns hold the serde form of the types in crates/core/src/model.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,   -- name of a single setting of the database itself
    value TEXT NOT NULL                -- its value, meaning depends on the key
) STRICT, WITHOUT ROWID;

CREATE TABLE observation (
    side       TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')),
    item       TEXT    NOT NULL,       -- id on its own side
    version    INTEGER NOT NULL,       -- rev (ADO) or date_updated in ms (ClickUp)
    changed_at INTEGER NOT NULL,       -- server time of the item's last change
    pair       TEXT,                   -- pair whose scope it was in; NULL: in no scope
    seen_at    INTEGER NOT NULL,       -- server time at which it was read
    body       TEXT    NOT NULL,       -- JSON Item as read at this version
    PRIMARY KEY (side, item)
) STRICT;

CREATE TABLE link (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- never reused, the journal refers to it
    pair          TEXT    NOT NULL,    -- name of the configured pair
    ado           TEXT    NOT NULL,    -- work item id
    clickup       TEXT    NOT NULL,    -- task id
    state         TEXT    NOT NULL CHECK (state IN ('active', 'out_of_scope', 'missing', 'tombstone')),
    missing_side  TEXT    CHECK (missing_side IN ('ado', 'clickup')), -- state 'missing': side that cannot be read
    missing_since INTEGER,             -- state 'missing': server time of the first failed read
    reason        TEXT,                -- state 'tombstone': why the link ended, in words
    generation    INTEGER NOT NULL CHECK (generation >= 0), -- grows when a link is dissolved on purpose; part of the marker
    origin        TEXT    CHECK (origin IN ('ado', 'clickup')), -- side whose item came first; NULL: matched by hand
    created_at    INTEGER NOT NULL,    -- local time
    changed_at    INTEGER NOT NULL,    -- local time of the last change of state
    CHECK ((state = 'missing') = (missing_side IS NOT NULL AND missing_since IS NOT NULL)),
    CHECK ((state = 'tombstone') = (reason IS NOT NULL))
) STRICT;
-- An item has at most one living link in a pair; any number of tombstones.
CREATE UNIQUE INDEX link_ado     ON link (pair, ado)     WHERE state <> 'tombstone';
CREATE UNIQUE INDEX link_clickup ON link (pair, clickup) WHERE state <> 'tombstone';
CREATE INDEX link_by_ado     ON link (ado);
CREATE INDEX link_by_clickup ON link (clickup);

CREATE TABLE base (
    link              INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field             TEXT    NOT NULL,  -- FieldKey in text form
    ado               TEXT    NOT NULL,  -- JSON FieldValue that ADO held when both sides agreed
    clickup           TEXT    NOT NULL,  -- JSON FieldValue that ClickUp held when both sides agreed
    ado_confirmed     INTEGER NOT NULL CHECK (ado_confirmed IN (0, 1)),     -- 0: intended, not read back yet
    clickup_confirmed INTEGER NOT NULL CHECK (clickup_confirmed IN (0, 1)), -- 0: intended, not read back yet
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE intent (
    pair          TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('create')),
    source_side   TEXT    NOT NULL CHECK (source_side IN ('ado', 'clickup')),
    source        TEXT    NOT NULL,    -- id of the source item on source_side
    marker        TEXT    NOT NULL,    -- origin marker sent with the request
    body_hash     TEXT    NOT NULL,    -- hash of the request body, hex
    opened_at     INTEGER NOT NULL,    -- local time
    last_sent     INTEGER,             -- local time of the last send; NULL: never sent
    server_t0     INTEGER,             -- target's server time at the first send; NULL: not known
    tries         INTEGER NOT NULL CHECK (tries >= 0), -- number of sends
    source_fields TEXT    NOT NULL,    -- JSON map FieldKey -> FieldValue of the source that it was sent from
    generation    INTEGER NOT NULL CHECK (generation >= 0), -- generation in the marker
    PRIMARY KEY (pair, kind, source_side, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflict (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    link            INTEGER NOT NULL REFERENCES link (id),
    pair            TEXT    NOT NULL,
    ado             TEXT    NOT NULL,  -- work item id
    clickup         TEXT    NOT NULL,  -- task id
    field           TEXT    NOT NULL,  -- FieldKey in text form
    ado_base        TEXT,              -- JSON FieldValue; NULL: no base
    clickup_base    TEXT,              -- JSON FieldValue; NULL: no base
    ado_value       TEXT    NOT NULL,  -- JSON FieldValue found on ADO
    clickup_value   TEXT    NOT NULL,  -- JSON FieldValue found on ClickUp
    ado_raw         TEXT,              -- raw long text of ADO; NULL: not a long text
    clickup_raw     TEXT,              -- raw long text of ClickUp; NULL: not a long text
    ado_version     INTEGER NOT NULL,  -- version of the work item that held the value
    clickup_version INTEGER NOT NULL,  -- version of the task that held the value
    taken           TEXT CHECK (taken IN ('ado', 'clickup')), -- winning side; NULL: held, or closed without a winner
    at              INTEGER NOT NULL,  -- local time
    resolved_at     INTEGER            -- local time; NULL: open
) STRICT;
CREATE INDEX conflict_link ON conflict (link, field);
CREATE INDEX conflict_open ON conflict (id) WHERE resolved_at IS NULL;

CREATE TABLE hold (
    id       INTEGER NOT NULL PRIMARY KEY,
    pair     TEXT    NOT NULL,
    link     INTEGER REFERENCES link (id) ON DELETE CASCADE, -- NULL: not about a linked pair of items
    side     TEXT    CHECK (side IN ('ado', 'clickup')),     -- NULL: about both sides
    item     TEXT,                     -- item id on side; NULL: about the whole pair
    field    TEXT,                     -- FieldKey; NULL: about the whole item
    reason   TEXT    NOT NULL,         -- sentence for people
    since    INTEGER NOT NULL,         -- local time of the first cycle with this hold
    tries    INTEGER NOT NULL CHECK (tries >= 0), -- failed attempts so far
    retry_at INTEGER                   -- local time before which it is not tried again; NULL: next cycle
) STRICT;
CREATE INDEX hold_pair ON hold (pair);

CREATE TABLE journal (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,      -- local time
    cycle       TEXT    NOT NULL,      -- id of the cycle
    pair        TEXT    NOT NULL,
    link        INTEGER,               -- link id, kept after the link is gone; NULL: none yet
    side        TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side that was or would have been changed
    item        TEXT,                  -- item id on side; NULL: none yet (create)
    action_id   TEXT    NOT NULL,      -- idempotency key of the action
    kind        TEXT    NOT NULL,      -- kind of action
    changes     TEXT    NOT NULL,      -- JSON map FieldKey -> {before, after}
    outcome     TEXT    NOT NULL,      -- what became of it, one word
    detail      TEXT    NOT NULL,      -- more in words; may be empty
    request_ids TEXT    NOT NULL       -- JSON array of the services' request ids
) STRICT;
CREATE INDEX journal_item ON journal (item, side);
CREATE INDEX journal_link ON journal (link);
CREATE INDEX journal_at   ON journal (at);

CREATE TABLE watermark (
    side TEXT NOT NULL PRIMARY KEY CHECK (side IN ('ado', 'clickup')),
    body TEXT NOT NULL                 -- JSON Watermark; times in it are server times of that side
) STRICT, WITHOUT ROWID;

CREATE TABLE pair_state (
    pair         TEXT NOT NULL PRIMARY KEY,
    fingerprint  TEXT,                 -- configuration fingerprint that was approved; NULL: none yet
    approved_at  INTEGER,              -- local time
    last_success INTEGER,              -- local time of the last cycle without an error
    last_attempt INTEGER,              -- local time of the last cycle
    last_sweep   INTEGER,              -- local time of the last complete sweep
    last_error   TEXT                  -- error of the last attempt; NULL: it went well
) STRICT, WITHOUT ROWID;

CREATE TABLE cycle (
    id          TEXT    NOT NULL PRIMARY KEY,
    started_at  INTEGER NOT NULL,      -- local time
    finished_at INTEGER,               -- local time; NULL: running, or the program was killed
    cause       TEXT    NOT NULL,      -- timer, wake, start, command
    outcome     TEXT    NOT NULL,      -- what became of it, one word
    counts      TEXT    NOT NULL,      -- JSON map of counters by name
    detail      TEXT                   -- error or remark; NULL: none
) STRICT, WITHOUT ROWID;
CREATE INDEX cycle_started ON cycle (started_at);
