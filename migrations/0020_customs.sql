-- By which id ClickUp knew each custom field of a pair when it was synced last: a field that was removed and made anew under the
-- same name is another one, and its tasks, which have no values yet, empty nothing.

CREATE TABLE custom (
    pair  TEXT NOT NULL,  -- name of the pair
    field TEXT NOT NULL,  -- FieldKey in text form
    id    TEXT NOT NULL,  -- UUID of the field in ClickUp
    PRIMARY KEY (pair, field)
) STRICT, WITHOUT ROWID;
