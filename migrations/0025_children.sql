-- Schema version 25: the children of an item are looked up, because one service deletes them along with it.
CREATE INDEX observation_parent ON observation (side, json_extract(body, '$.parent'))
    WHERE json_extract(body, '$.parent') IS NOT NULL;
