-- Schema version 9: why something is held, frozen, refused, ended or run, as a code with its facts (JSON in `why`) beside the
-- sentence (`reason`; of a cycle `cause`). Rules ask the code, people read the sentence.
--
-- Rows from before get the code where the sentence alone gives it. All others have the code `told_before`: what is known of
-- them is the sentence, with what a rule asks about it.

ALTER TABLE hold ADD COLUMN why TEXT NOT NULL DEFAULT '{"code":"told_before"}'; -- JSON HoldWhy
UPDATE hold SET why = CASE
    WHEN reason LIKE 'a marker that cannot be trusted names it%' THEN '{"code":"told_before","about":"named_by_marker"}'
    WHEN reason LIKE 'has its counterpart outside this pair%' THEN '{"code":"told_before","about":"counterpart_away"}'
    WHEN reason LIKE 'carries a marker that this installation did not write%' THEN '{"code":"strangers_marker"}'
    WHEN reason = 'no longer in the pair''s scope; its fields are left alone until it comes back' THEN '{"code":"out_of_scope"}'
    WHEN reason = 'title is empty; neither service takes that' THEN '{"code":"title_empty"}'
    WHEN reason = 'a create got lost; it is planned again' THEN '{"code":"planned_again"}'
    WHEN reason = 'waits for the other half' THEN '{"code":"waits_for_half"}'
    ELSE why
END;

ALTER TABLE freeze ADD COLUMN why TEXT NOT NULL DEFAULT '{"code":"told_before"}'; -- JSON HoldWhy
UPDATE freeze SET why = '{"code":"restored_differs"}' WHERE reason LIKE 'the database was restored and the two sides differ here,%';

ALTER TABLE refusal ADD COLUMN why TEXT NOT NULL DEFAULT '{"code":"told_before"}'; -- JSON HoldWhy

ALTER TABLE link ADD COLUMN why TEXT; -- state 'tombstone': JSON ActionWhy
UPDATE link SET why = CASE
    WHEN reason LIKE 'counterpart deleted in ADO%' THEN '{"code":"told_before","deleted_in":"ado"}'
    WHEN reason LIKE 'counterpart deleted in ClickUp%' THEN '{"code":"told_before","deleted_in":"clickup"}'
    WHEN reason = 'deleted on both sides' THEN '{"code":"deleted_on_both_sides"}'
    WHEN reason = 'removed by hand' THEN '{"code":"removed_by_hand"}'
    ELSE '{"code":"told_before"}'
END WHERE state = 'tombstone';

ALTER TABLE cycle ADD COLUMN why TEXT NOT NULL DEFAULT '{"code":"told_before"}'; -- JSON Cause
UPDATE cycle SET why = CASE
    WHEN cause LIKE 'undo of all writes to %'
        THEN json_object('code', 'undo_of_item', 'item', substr(cause, length('undo of all writes to ') + 1))
    WHEN cause LIKE 'undo of %' THEN json_object('code', 'undo_of_run', 'run', substr(cause, length('undo of ') + 1))
    WHEN cause = 'cycle' THEN '{"code":"cycle"}'
    ELSE why
END;

-- The words of the journal are those that the program knows: two rules ask them (what is a loop, what an undo takes back).
CREATE TABLE journal_of_words (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,      -- local time
    cycle       TEXT    NOT NULL,      -- id of the cycle
    pair        TEXT    NOT NULL,
    link        INTEGER,               -- link id, kept after the link is gone; NULL: none yet
    side        TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')), -- side that was or would have been changed
    item        TEXT,                  -- item id on side; NULL: none yet (create)
    action_id   TEXT    NOT NULL,      -- idempotency key of the action
    kind        TEXT    NOT NULL CHECK (kind IN ('create', 'update', 'delete', 'close', 'link', 'unlink', 'restore', 'choice', 'claim')),
    changes     TEXT    NOT NULL,      -- JSON map FieldKey -> {before, after}
    outcome     TEXT    NOT NULL CHECK (outcome IN ('sent', 'done', 'failed', 'lost', 'answered in doubt', 'dropped')),
    detail      TEXT    NOT NULL,      -- more in words; may be empty
    request_ids TEXT    NOT NULL,      -- JSON array of the services' request ids
    version     INTEGER                -- of a line 'sent' the version written on, of 'done' the one left; NULL: not known
) STRICT;
INSERT INTO journal_of_words
    SELECT id, at, cycle, pair, link, side, item, action_id, kind, changes, outcome, detail, request_ids, version FROM journal;
-- Ids are never given twice, also where the newest lines are gone.
DELETE FROM sqlite_sequence WHERE name = 'journal_of_words';
INSERT INTO sqlite_sequence (name, seq) SELECT 'journal_of_words', seq FROM sqlite_sequence WHERE name = 'journal';
DROP TABLE journal;
ALTER TABLE journal_of_words RENAME TO journal;
CREATE INDEX journal_item ON journal (item, side);
CREATE INDEX journal_link ON journal (link);
CREATE INDEX journal_at   ON journal (at);
