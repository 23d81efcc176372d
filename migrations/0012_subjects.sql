-- What a row is about is a subject: the item as a whole (`item`), a field by its name (`title`, `custom:Team`), or a part
-- by its kind, the side where it was made and its id there (`comment:ado:456`; no kind is known yet). What can only be
-- about a value keeps its column `field`: base, conflict, choice, refusal, transit and kept.

CREATE TABLE hold_by_subject (
    id       INTEGER NOT NULL PRIMARY KEY,
    pair     TEXT    NOT NULL,
    link     INTEGER REFERENCES link (id) ON DELETE CASCADE, -- NULL: not about a linked pair of items
    side     TEXT    CHECK (side IN ('ado', 'clickup')),     -- NULL: about both sides
    item     TEXT,                     -- item id on side; NULL: about the whole pair
    subject  TEXT    NOT NULL DEFAULT 'item', -- what of the item
    reason   TEXT    NOT NULL,         -- sentence for people
    since    INTEGER NOT NULL,         -- local time of the first cycle with this hold
    tries    INTEGER NOT NULL CHECK (tries >= 0), -- failed attempts so far
    retry_at INTEGER,                  -- local time before which it is not tried again; NULL: next cycle
    why      TEXT    NOT NULL DEFAULT '{"code":"told_before"}' -- JSON HoldWhy
) STRICT;
INSERT INTO hold_by_subject (id, pair, link, side, item, subject, reason, since, tries, retry_at, why)
    SELECT id, pair, link, side, item, ifnull(field, 'item'), reason, since, tries, retry_at, why FROM hold;
DROP TABLE hold;
ALTER TABLE hold_by_subject RENAME TO hold;
CREATE INDEX hold_pair ON hold (pair);

ALTER TABLE freeze RENAME COLUMN field TO subject;

-- A part of an item is made and tried by itself, so it has an intent and failures of its own.
CREATE TABLE intent_by_subject (
    pair          TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('create')),
    source_side   TEXT    NOT NULL CHECK (source_side IN ('ado', 'clickup')),
    source        TEXT    NOT NULL,    -- id of the source item on source_side
    subject       TEXT    NOT NULL,    -- what of the source item gets a counterpart
    marker        TEXT    NOT NULL,    -- origin marker sent with the request
    body_hash     TEXT    NOT NULL,    -- hash of the request body, hex
    opened_at     INTEGER NOT NULL,    -- local time
    last_sent     INTEGER,             -- local time of the last send; NULL: never sent
    server_t0     INTEGER,             -- target's server time at the first send; NULL: not known
    tries         INTEGER NOT NULL CHECK (tries >= 0), -- number of sends
    source_fields TEXT    NOT NULL,    -- JSON map FieldKey -> FieldValue of the source that it was sent from
    generation    INTEGER NOT NULL CHECK (generation >= 0), -- generation in the marker
    PRIMARY KEY (pair, kind, source_side, source, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO intent_by_subject (pair, kind, source_side, source, subject, marker, body_hash, opened_at, last_sent, server_t0,
        tries, source_fields, generation)
    SELECT pair, kind, source_side, source, 'item', marker, body_hash, opened_at, last_sent, server_t0, tries, source_fields,
        generation
    FROM intent;
DROP TABLE intent;
ALTER TABLE intent_by_subject RENAME TO intent;

CREATE TABLE attempt_by_subject (
    pair        TEXT    NOT NULL,
    side        TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side of the item whose change could not be carried over
    item        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,      -- what of it
    kind        TEXT    NOT NULL,      -- kind of failure, one word
    failures    INTEGER NOT NULL CHECK (failures > 0), -- in a row
    alike       INTEGER NOT NULL CHECK (alike > 0),    -- the last so many of them were of this kind
    inputs      TEXT    NOT NULL,      -- key of the action that failed: other inputs, another key
    fingerprint TEXT    NOT NULL,      -- configuration fingerprint it failed under
    last_at     INTEGER NOT NULL,      -- local time
    retry_at    INTEGER,               -- local time; NULL: quarantined until the inputs change
    reason      TEXT    NOT NULL,      -- sentence for people
    PRIMARY KEY (pair, side, item, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt_by_subject (pair, side, item, subject, kind, failures, alike, inputs, fingerprint, last_at, retry_at, reason)
    SELECT pair, side, item, 'item', kind, failures, alike, inputs, fingerprint, last_at, retry_at, reason FROM attempt;
DROP TABLE attempt;
ALTER TABLE attempt_by_subject RENAME TO attempt;
