-- What somebody let through counts no more when items vanish one by one, and the links that ended lately are looked up.

-- Local time at which a plan that deletes, closes or unlinks ended that somebody had approved by its hash; NULL: there was none.
ALTER TABLE pair_state ADD COLUMN let_through_at INTEGER;

CREATE INDEX link_ended ON link (pair, changed_at) WHERE state = 'tombstone';
