-- A half of a base may be doubted: its side counts as changed whatever it shows, because somebody may have set just that
-- value over one of ours whose answer was lost.

CREATE TABLE base_with_doubt (
    link          INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field         TEXT    NOT NULL,  -- FieldKey in text form
    ado           TEXT    NOT NULL,  -- JSON FieldValue that the work item's is compared with
    clickup       TEXT    NOT NULL,  -- JSON FieldValue that the task's is compared with
    -- 'shown' by the service; 'sent' by us and not shown yet; 'owed': this side's value has still to be carried over;
    -- 'doubted': this side counts as changed, whatever it shows
    ado_state     TEXT    NOT NULL CHECK (ado_state IN ('shown', 'sent', 'owed', 'doubted')),
    clickup_state TEXT    NOT NULL CHECK (clickup_state IN ('shown', 'sent', 'owed', 'doubted')),
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;
INSERT INTO base_with_doubt (link, field, ado, clickup, ado_state, clickup_state)
    SELECT link, field, ado, clickup, ado_state, clickup_state FROM base;
DROP TABLE base;
ALTER TABLE base_with_doubt RENAME TO base;
-- What is still to be shown: nearly always nothing.
CREATE INDEX base_ado_open     ON base (link) WHERE ado_state = 'sent';
CREATE INDEX base_clickup_open ON base (link) WHERE clickup_state = 'sent';
