-- Schema version 8: what a cycle notes for the next ones has tables of its own. It used to be text in `meta`, most of it
-- JSON, under keys such as 'again:web'.

-- Links to look at in the next cycle although nothing says that they changed.
CREATE TABLE revisit (
    pair TEXT    NOT NULL,
    link INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    PRIMARY KEY (pair, link)
) STRICT, WITHOUT ROWID;

-- Fields that a service said it took and did not. Gone once it takes them.
CREATE TABLE kept (
    link     INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field    TEXT    NOT NULL,         -- FieldKey in text form
    side     TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side that was written
    sent     TEXT    NOT NULL,         -- digest of the value that was sent, hex
    shown    TEXT    NOT NULL,         -- digest of the value that is there instead, hex
    tries    INTEGER NOT NULL CHECK (tries > 0), -- how often it was sent
    last_at  INTEGER NOT NULL,         -- local time of the last time
    retry_at INTEGER,                  -- local time of the next time; NULL: held until a value changes
    reason   TEXT    NOT NULL,         -- sentence for people: what was sent and what is there
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;

-- Pairs whose plan was stopped, which a daemon leaves alone for a while.
CREATE TABLE stopped (
    pair        TEXT    NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,      -- local time
    tries       INTEGER NOT NULL CHECK (tries >= 0), -- how often it was stopped again after a wait
    fingerprint TEXT    NOT NULL       -- configuration fingerprint that was stopped; under another one nothing waits
) STRICT, WITHOUT ROWID;

-- What this installation remembers of its claim on a pair's canary. A claim is in the text form that stands on the canary:
-- sxc1:<pair>:<instance>:<counter>:<nonce>:<time>:<host>
CREATE TABLE claim (
    pair         TEXT NOT NULL PRIMARY KEY,
    held         TEXT CHECK (held GLOB 'sxc1:*:*:*:*:*:*'),   -- the one last found on the canary; NULL: none
    place        TEXT NOT NULL,        -- where the state was then; empty: not known
    wanted       TEXT CHECK (wanted GLOB 'sxc1:*:*:*:*:*:*'), -- the one that is to take its place, perhaps sent; NULL: none
    wanted_place TEXT NOT NULL,        -- where the state was when `wanted` was written down; empty: not known
    since        INTEGER,              -- local time at which `held` was found for the first time; NULL: never
    damaged      TEXT,                 -- what schema version 7 held and nobody can read; the pair stands still. NULL: nothing
    CHECK (damaged IS NULL OR (held IS NULL AND wanted IS NULL))
) STRICT, WITHOUT ROWID;

-- Pairs that a person gave to this installation.
CREATE TABLE takeover (
    pair TEXT    NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL              -- local time
) STRICT, WITHOUT ROWID;

-- That the database was restored, and how far the way back to normal has come: no row, or one.
CREATE TABLE restore (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at             INTEGER NOT NULL,   -- local time at which it was noticed
    ado_server     INTEGER,            -- server time of ADO in the first cycle after that; NULL: there was none yet
    clickup_server INTEGER,            -- the same of ClickUp
    begun          INTEGER NOT NULL CHECK (begun IN (0, 1)) -- 1: that cycle noted the pairs of the configuration below
) STRICT;
CREATE TABLE restore_pair (
    pair       TEXT    NOT NULL PRIMARY KEY,
    configured INTEGER NOT NULL CHECK (configured IN (0, 1)), -- 1: the configuration had it in the first cycle after the restore
    trusted    INTEGER NOT NULL CHECK (trusted IN (0, 1)),    -- 1: it was listed in full since, so its bases are trusted again
    CHECK (configured = 1 OR trusted = 1)
) STRICT, WITHOUT ROWID;

-- The mapping under which a pair's first contact began, while that is not carried out to its end.
CREATE TABLE begun (
    pair        TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT                   -- configuration fingerprint; NULL: more than one
) STRICT, WITHOUT ROWID;

-- Items that wait for a counterpart in a pair, with the version at which its own listing last showed each.
CREATE TABLE waiting (
    pair    TEXT    NOT NULL,
    side    TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')),
    item    TEXT    NOT NULL,          -- item id on side
    version INTEGER NOT NULL,
    PRIMARY KEY (pair, side, item)
) STRICT, WITHOUT ROWID;

-- The last new item of a side, where it does not show its marker: nothing more is created there until it does.
CREATE TABLE unmarked (
    side   TEXT NOT NULL PRIMARY KEY CHECK (side IN ('ado', 'clickup')),
    item   TEXT NOT NULL,              -- item id on side
    marker TEXT NOT NULL,              -- the marker that it was sent
    reason TEXT NOT NULL               -- sentence for people
) STRICT, WITHOUT ROWID;

-- Sides that answered creates with another item. Gone with the first right answer.
CREATE TABLE misanswered (
    side   TEXT    NOT NULL PRIMARY KEY CHECK (side IN ('ado', 'clickup')),
    times  INTEGER NOT NULL CHECK (times > 0), -- in a row
    at     INTEGER NOT NULL,           -- local time of the last one
    until  INTEGER NOT NULL,           -- local time of the next create
    reason TEXT    NOT NULL            -- what was said of the last one
) STRICT, WITHOUT ROWID;

-- Unlinked items that carry a valid marker, with each item on the other side that it names.
CREATE TABLE carrier (
    pair    TEXT NOT NULL,             -- pair in which the carrier was last looked at
    side    TEXT NOT NULL CHECK (side IN ('ado', 'clickup')), -- the carrier's side
    carrier TEXT NOT NULL,             -- item id on side
    named   TEXT NOT NULL,             -- item id on the other side
    PRIMARY KEY (pair, side, carrier, named)
) STRICT, WITHOUT ROWID;

-- Single values of this installation and its database: no row (then all are as by default), or one.
CREATE TABLE installation (
    one           INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch         INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0), -- raised at every start and before every request that writes
    key_check     TEXT,                -- a marker signed with the key that the database is used with; NULL: none yet
    pruned_at     INTEGER,             -- local time of the last complete pruning; NULL: never
    apart_ado     INTEGER,             -- server time of ADO when the clocks were last seen too far apart; NULL: never
    apart_clickup INTEGER,             -- server time of ClickUp then
    is_copy       INTEGER NOT NULL DEFAULT 0 CHECK (is_copy IN (0, 1)), -- 1: a backup that was not taken into use yet
    CHECK ((apart_ado IS NULL) = (apart_clickup IS NULL))
) STRICT;

-- Every old row is carried over. Of JSON that is damaged only what can be read is; where the rest could do harm, the safe
-- reading is taken. `CASE` keeps SQLite from reading text as JSON that is none: that would fail the whole migration.

INSERT INTO revisit (pair, link)
SELECT substr(old.key, 7), link.id
FROM meta AS old, json_each(CASE WHEN json_valid(old.value) THEN old.value ELSE '[]' END) AS listed
     JOIN link ON link.id = listed.value
WHERE old.key GLOB 'again:*' AND listed.type = 'integer';
-- Which links a damaged list named is not known, so every living link of the pair is looked at.
INSERT OR IGNORE INTO revisit (pair, link)
SELECT link.pair, link.id
FROM meta AS old JOIN link ON link.pair = substr(old.key, 7) AND link.state <> 'tombstone'
WHERE old.key GLOB 'again:*' AND CASE WHEN json_valid(old.value) THEN json_type(old.value) <> 'array' ELSE 1 END;

INSERT INTO kept (link, field, side, sent, shown, tries, last_at, retry_at, reason)
SELECT link, field, note ->> 'side', note ->> 'sent', note ->> 'shown', note ->> 'tries', note ->> 'last_at',
       note ->> 'retry_at', note ->> 'reason'
FROM (
    SELECT link.id AS link, f.key AS field, CASE f.type WHEN 'object' THEN f.value ELSE '{}' END AS note
    FROM meta AS old JOIN link ON link.id = CAST(substr(old.key, 6) AS INTEGER),
         json_each(CASE WHEN json_valid(old.value) THEN old.value ELSE '{}' END) AS f
    WHERE old.key GLOB 'kept:*'
)
WHERE (field GLOB 'custom:*' OR field IN ('title', 'type', 'status', 'assignees', 'priority', 'tags', 'start_date', 'due_date',
        'time_estimate', 'points', 'description'))
    AND note ->> 'side' IN ('ado', 'clickup') AND json_type(note, '$.sent') = 'text' AND json_type(note, '$.shown') = 'text'
    AND json_type(note, '$.tries') = 'integer' AND note ->> 'tries' BETWEEN 1 AND 4294967295 AND json_type(note, '$.last_at') = 'integer'
    AND ifnull(json_type(note, '$.retry_at'), 'null') IN ('null', 'integer') AND json_type(note, '$.reason') = 'text';

INSERT INTO stopped (pair, at, tries, fingerprint)
SELECT pair, note ->> 'at', note ->> 'tries', note ->> 'fingerprint'
FROM (
    SELECT substr(key, 9) AS pair, CASE WHEN json_valid(value) THEN value ELSE '{}' END AS note
    FROM meta WHERE key GLOB 'stopped:*'
)
WHERE json_type(note, '$.at') = 'integer' AND json_type(note, '$.tries') = 'integer'
    AND note ->> 'tries' BETWEEN 0 AND 4294967295
    AND json_type(note, '$.fingerprint') = 'text';

-- A claim that cannot be read is not "none": it would be made anew over one that may be another's by now.
INSERT INTO claim (pair, held, place, wanted, wanted_place, since, damaged)
WITH old AS (
    SELECT substr(key, 7) AS pair, value, CASE WHEN json_valid(value) THEN value ELSE 'null' END AS own
    FROM meta WHERE key GLOB 'claim:*'
),
half AS (
    SELECT old.pair, which.name, ifnull(json_type(own, '$.' || which.name), 'null') = 'null' AS is_none,
        CASE WHEN json_type(own, '$.' || which.name) = 'object' THEN own -> which.name ELSE '{}' END AS one
    FROM old, (SELECT 'held' AS name UNION ALL SELECT 'wanted') AS which
),
told AS (
    SELECT pair, name, is_none,
        CASE WHEN json_type(one, '$.pair') = 'text' AND json_type(one, '$.instance') = 'text'
                AND json_type(one, '$.counter') = 'integer' AND one ->> 'counter' >= 0
                AND json_type(one, '$.nonce') = 'text' AND json_type(one, '$.at') = 'integer'
                AND json_type(one, '$.host') = 'text'
                AND instr((one ->> 'pair') || (one ->> 'instance') || (one ->> 'nonce') || (one ->> 'host'), ':') = 0
            THEN 'sxc1:' || (one ->> 'pair') || ':' || (one ->> 'instance') || ':' || (one ->> 'counter') || ':'
                || (one ->> 'nonce') || ':' || (one ->> 'at') || ':' || (one ->> 'host')
        END AS text
    FROM half
),
own AS (
    SELECT old.pair, old.value, old.own, held.text AS held, wanted.text AS wanted,
        ifnull(json_type(old.own, '$.place') = 'text'
            AND ifnull(json_type(old.own, '$.wanted_place'), 'text') = 'text'
            AND ifnull(json_type(old.own, '$.since'), 'null') IN ('null', 'integer')
            AND (held.is_none OR held.text IS NOT NULL) AND (wanted.is_none OR wanted.text IS NOT NULL), 0) AS sound
    FROM old
        JOIN told AS held ON held.pair = old.pair AND held.name = 'held'
        JOIN told AS wanted ON wanted.pair = old.pair AND wanted.name = 'wanted'
)
SELECT pair, iif(sound, held, NULL), iif(sound, own ->> 'place', ''), iif(sound, wanted, NULL),
    iif(sound, ifnull(own ->> 'wanted_place', ''), ''), iif(sound, own ->> 'since', NULL), iif(sound, NULL, value)
FROM own;

-- Whatever its time says: somebody did give the pair to this installation.
INSERT INTO takeover (pair, at)
SELECT substr(key, 10), CAST(value AS INTEGER) FROM meta WHERE key GLOB 'takeover:*';

-- A mark that cannot be read tells neither when the database was restored nor which pairs were compared since. So it counts
-- as restored now, and every pair is listed in full before its bases are trusted again.
UPDATE meta SET value = '' WHERE key = 'restored' AND CASE
    WHEN NOT json_valid(value) THEN 1
    WHEN json_type(value, '$.at') = 'integer' AND json_type(value, '$.server') = 'object'
        AND ifnull(json_type(value, '$.server.ado'), 'null') IN ('null', 'integer')
        AND ifnull(json_type(value, '$.server.clickup'), 'null') IN ('null', 'integer')
        AND json_type(value, '$.trusted') = 'array' AND ifnull(json_type(value, '$.pairs'), 'null') IN ('null', 'array')
        THEN EXISTS (SELECT 1 FROM json_each(meta.value, '$.trusted') AS listed WHERE listed.type <> 'text')
            OR EXISTS (SELECT 1 FROM json_each(meta.value, '$.pairs') AS listed WHERE listed.type NOT IN ('text', 'null'))
    ELSE 1
END;
UPDATE pair_state SET last_sweep = NULL WHERE EXISTS (SELECT 1 FROM meta WHERE key = 'restored' AND value = '');
INSERT INTO restore (one, at, ado_server, clickup_server, begun)
SELECT 1, ifnull(mark ->> 'at', unixepoch() * 1000), mark ->> '$.server.ado',
    mark ->> '$.server.clickup', ifnull(json_type(mark, '$.pairs') = 'array', 0)
FROM (SELECT CASE value WHEN '' THEN '{}' ELSE value END AS mark FROM meta WHERE key = 'restored');
INSERT INTO restore_pair (pair, configured, trusted)
SELECT pair, max(configured), max(trusted)
FROM (
    SELECT listed.value AS pair, 1 AS configured, 0 AS trusted
    FROM meta AS old, json_each(CASE old.value WHEN '' THEN '{}' ELSE old.value END, '$.pairs') AS listed
    WHERE old.key = 'restored' AND listed.type = 'text'
    UNION ALL
    SELECT listed.value, 0, 1
    FROM meta AS old, json_each(CASE old.value WHEN '' THEN '{}' ELSE old.value END, '$.trusted') AS listed
    WHERE old.key = 'restored' AND listed.type = 'text'
)
GROUP BY pair;

INSERT INTO begun (pair, fingerprint)
SELECT substr(key, 7), nullif(value, 'several') FROM meta WHERE key GLOB 'begun:*';

INSERT INTO waiting (pair, side, item, version)
SELECT substr(old.key, 9), sides.key, items.key, items.value
FROM meta AS old,
     json_each(CASE WHEN json_valid(old.value) THEN old.value ELSE '{}' END) AS sides,
     json_each(CASE sides.type WHEN 'object' THEN sides.value ELSE '{}' END) AS items
WHERE old.key GLOB 'waiting:*' AND sides.key IN ('ado', 'clickup') AND items.type = 'integer';

INSERT INTO unmarked (side, item, marker, reason)
SELECT side, note ->> 'item', note ->> 'marker', note ->> 'reason'
FROM (
    SELECT substr(key, 10) AS side, CASE WHEN json_valid(value) THEN value ELSE '{}' END AS note
    FROM meta WHERE key IN ('unmarked:ado', 'unmarked:clickup')
)
WHERE json_type(note, '$.item') = 'text' AND json_type(note, '$.marker') = 'text' AND json_type(note, '$.reason') = 'text';

INSERT INTO misanswered (side, times, at, until, reason)
SELECT side, note ->> 'times', note ->> 'at', note ->> 'until', note ->> 'reason'
FROM (
    SELECT substr(key, 13) AS side, CASE WHEN json_valid(value) THEN value ELSE '{}' END AS note
    FROM meta WHERE key IN ('misanswered:ado', 'misanswered:clickup')
)
WHERE json_type(note, '$.times') = 'integer' AND note ->> 'times' BETWEEN 1 AND 4294967295 AND json_type(note, '$.at') = 'integer'
    AND json_type(note, '$.until') = 'integer' AND json_type(note, '$.reason') = 'text';

INSERT INTO carrier (pair, side, carrier, named)
SELECT DISTINCT pairs.key, sides.key, carriers.key, names.value
FROM meta AS old,
     json_each(CASE WHEN json_valid(old.value) THEN old.value ELSE '{}' END) AS pairs,
     json_each(CASE pairs.type WHEN 'object' THEN pairs.value ELSE '{}' END) AS sides,
     json_each(CASE sides.type WHEN 'object' THEN sides.value ELSE '{}' END) AS carriers,
     json_each(CASE carriers.type WHEN 'array' THEN carriers.value ELSE '[]' END) AS names
WHERE old.key = 'carriers' AND pairs.type = 'object' AND typeof(pairs.key) = 'text' AND sides.key IN ('ado', 'clickup')
    AND names.type = 'text';

INSERT INTO installation (one, epoch, key_check, pruned_at, apart_ado, apart_clickup, is_copy)
SELECT 1,
    ifnull(max(iif(key = 'epoch' AND value <> '' AND value NOT GLOB '*[^0-9]*', CAST(value AS INTEGER), NULL)), 0),
    max(iif(key = 'key_check', value, NULL)),
    max(iif(key = 'pruned_at' AND value <> '' AND value NOT GLOB '*[^0-9]*', CAST(value AS INTEGER), NULL)),
    max(CASE WHEN key = 'clocks_apart_at' AND json_valid(value)
        THEN iif(json_type(value, '$.ado') = 'integer' AND json_type(value, '$.clickup') = 'integer', value ->> 'ado', NULL) END),
    max(CASE WHEN key = 'clocks_apart_at' AND json_valid(value)
        THEN iif(json_type(value, '$.ado') = 'integer' AND json_type(value, '$.clickup') = 'integer', value ->> 'clickup', NULL) END),
    max(key = 'is_a_copy')
FROM meta
WHERE key IN ('epoch', 'key_check', 'pruned_at', 'clocks_apart_at', 'is_a_copy')
HAVING count(*) > 0;

DROP TABLE meta;
