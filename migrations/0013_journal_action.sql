-- Before each create the journal is asked what became of the action before. Without this the question reads all of it:
-- of a board with 60,000 links, some 20 MB for each create.

CREATE INDEX journal_action ON journal (action_id, outcome);
