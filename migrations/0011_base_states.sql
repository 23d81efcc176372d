-- Schema version 11: what each side's half of a base is worth, in place of whether it was confirmed.
--
-- What was not read back is what was sent. All else counts as shown, also where it is empty: before, an empty value stood for
-- a field that is empty as well as for one whose value had still to be carried over. Both are compared in the same way.

CREATE TABLE base_with_states (
    link          INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    field         TEXT    NOT NULL,  -- FieldKey in text form
    ado           TEXT    NOT NULL,  -- JSON FieldValue that the work item's is compared with
    clickup       TEXT    NOT NULL,  -- JSON FieldValue that the task's is compared with
    -- 'shown' by the service; 'sent' by us and not shown yet; 'owed': this side's value has still to be carried over
    ado_state     TEXT    NOT NULL CHECK (ado_state IN ('shown', 'sent', 'owed')),
    clickup_state TEXT    NOT NULL CHECK (clickup_state IN ('shown', 'sent', 'owed')),
    PRIMARY KEY (link, field)
) STRICT, WITHOUT ROWID;
INSERT INTO base_with_states (link, field, ado, clickup, ado_state, clickup_state)
    SELECT link, field, ado, clickup,
        CASE ado_confirmed WHEN 1 THEN 'shown' ELSE 'sent' END,
        CASE clickup_confirmed WHEN 1 THEN 'shown' ELSE 'sent' END
    FROM base;
DROP TABLE base;
ALTER TABLE base_with_states RENAME TO base;
-- What is still to be shown: nearly always nothing.
CREATE INDEX base_ado_open     ON base (link) WHERE ado_state = 'sent';
CREATE INDEX base_clickup_open ON base (link) WHERE clickup_state = 'sent';
