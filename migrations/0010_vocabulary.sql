-- What the services said of their types, states, lists, members and fields. It is asked for again after a day, or when it
-- turns out to be wrong; a person may delete any row at any time.

CREATE TABLE vocabulary (
    service  TEXT    NOT NULL CHECK (service IN ('ado', 'clickup')),
    place    TEXT    NOT NULL,   -- address of the service; for ClickUp with the workspace
    what     TEXT    NOT NULL,   -- what was asked for: 'type shop/bug', 'list 901100000001', 'members'
    asked_by TEXT    NOT NULL,   -- SHA-256 over the configuration and the token that it was asked with
    answer   TEXT    NOT NULL,   -- JSON
    read_at  INTEGER NOT NULL,   -- local time
    PRIMARY KEY (service, place, what)
) STRICT, WITHOUT ROWID;
