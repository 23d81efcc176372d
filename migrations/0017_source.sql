-- What the other side had when a field was sent, so that an update whose answer was lost and that is in force settles as an
-- answered one would have: whatever differs from that by now is somebody's edit.
ALTER TABLE transit ADD COLUMN source        TEXT;  -- JSON FieldValue; NULL: not known
-- Of the first half of a merge what the other side was to get yet.
ALTER TABLE transit ADD COLUMN source_wanted TEXT;  -- JSON FieldValue; NULL: nothing
