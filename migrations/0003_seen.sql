-- Schema version 3: versions that were seen but not yet dealt with.

-- Stored before a write that such a read led to, so that after a kill an older answer shows as one. Gone when the item is
-- observed at that version or a later one.
CREATE TABLE seen (
    side    TEXT    NOT NULL CHECK (side IN ('ado', 'clickup')),
    item    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (side, item)
) STRICT, WITHOUT ROWID;
