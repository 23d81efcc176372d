-- Schema version 3: versions that were seen but not yet dealt with.

-- Set before a write that such a read led to, so that after a kill an older answer shows as one. NULL: none beyond `version`.
ALTER TABLE observation ADD COLUMN newest INTEGER;
