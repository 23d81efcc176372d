-- Schema version 24: whoever lets a plan through that a guard of deletes stopped was told of the items that are gone on one side. What
-- is gone on the other side counts as before.

-- Local time at which a plan ended that somebody had approved by its hash although a guard stopped what is gone on that side;
-- NULL: there was none.
ALTER TABLE pair_state RENAME COLUMN let_through_at TO let_through_ado;
ALTER TABLE pair_state ADD COLUMN let_through_clickup INTEGER;

-- Nothing told for which side an older yes was, so it goes on counting for both.
UPDATE pair_state SET let_through_clickup = let_through_ado;
