//! What is held of a pair at the end of its part in a cycle, and when it is looked at again.

use super::super::earlier;
use super::Ending;
use crate::model::{About, FieldKey, ItemId, Side, Subject, Timestamp};
use crate::reason::{self, HoldWhy, ReadWhy};
use crate::reconcile::plan::Hold;
use crate::reconcile::rails::attempt;
use crate::store::{HoldRow, Op, StoreError};
use std::collections::BTreeSet;

impl Ending<'_> {
    /// Remembers what the synced fields stand for. Of one that stands still, what it was stays known.
    pub(super) fn identities(&self) -> Result<Option<Op>, StoreError> {
        let pair = &self.plan.pair;
        let before = self.store.identities(pair)?;
        let mut fields = self.policy.identities.clone();
        fields.retain(|key, is| {
            let before = before.get(key);
            before.is_none_or(|before| before.is != *is || !before.used)
        });
        Ok((!fields.is_empty()).then(|| Op::SetIdentities {
            pair: pair.clone(),
            fields,
        }))
    }

    /// Replaces the holds of fields that stand still: they are about the whole pair, one for each.
    pub(super) fn paused(&self) -> Op {
        let before = |field: &FieldKey| {
            let mut before = self.before.iter();
            before.find(|hold| hold.item.is_none() && hold.subject == *field)
        };
        let rows = self.policy.paused.iter().map(|(field, why)| HoldRow {
            pair: self.plan.pair.clone(),
            link: None,
            side: None,
            item: None,
            subject: field.into(),
            why: why.clone().into(),
            since: before(field).map_or(self.now, |hold| hold.since),
            tries: 0,
            retry_at: None,
        });
        Op::SetHoldsOfPair {
            pair: self.plan.pair.clone(),
            holds: rows.collect(),
        }
    }

    /// Replaces the holds of the items that were looked at with those of this cycle.
    pub(super) fn holds(&self, looked_at: BTreeSet<(Side, ItemId)>) -> Result<Op, StoreError> {
        let mut holds = self.run.holds.clone();
        holds.extend(self.plan.holds.iter().map(|hold| self.planned(hold)));
        holds.extend(self.unreadable());
        let mut items = looked_at;
        items.extend(holds.iter().filter_map(item_of));
        let unlinked = self.before.iter().filter(|hold| hold.link.is_none());
        let unlinked: BTreeSet<(Side, ItemId)> = unlinked.filter_map(item_of).collect();
        if self.swept() {
            // What waited without a link and is in neither listing any more has left the scope or is gone.
            items.extend(unlinked.iter().cloned());
        }
        // What the search said of a create that is open stands until it is settled. Example: a task was deleted, or left the
        // scope, while the create for it was looked for, and two work items carry its marker.
        let open = self.store.open_intents()?.into_iter();
        let open = open.filter(|open| open.pair == self.plan.pair);
        let open = open.map(|open| (open.source_side, open.source));
        let told: BTreeSet<(Side, ItemId)> = open.filter(|item| unlinked.contains(item)).collect();
        items.retain(|item| !told.contains(item));
        holds.retain(|hold| item_of(hold).is_none_or(|item| !told.contains(&item)));
        Ok(Op::SetHoldsFor {
            pair: self.plan.pair.clone(),
            items,
            holds,
        })
    }

    /// A hold of the plan. A whole linked item is held when it could not be read or left the scope: no edit may ever
    /// announce that it is back, so it is looked at again, and so is a field that was not shown. Any other held field waits for
    /// an edit.
    fn planned(&self, hold: &Hold) -> HoldRow {
        let key = About {
            side: hold.side,
            item: hold.item.clone(),
            subject: hold.subject.clone(),
        };
        let unread = matches!(&hold.why, HoldWhy::Read(why) if why.is_of_field());
        let looked_at = hold.link.is_some() && (hold.subject.is_item() || unread);
        let (tries, retry_at) = match self.plan.retry.get(&key) {
            Some(retry_at) => {
                let failures = self.run.attempts.get(&key).map_or(0, |a| a.failures);
                (failures, *retry_at)
            }
            None => {
                let (_, tries, retry_at) = self.next_look(hold.side, &hold.item);
                let tries = if looked_at { tries } else { 0 };
                let again = hold.link.zip(hold.subject.field().cloned());
                let again = again.and_then(|field| self.plan.kept.get(&field));
                (
                    tries,
                    again.copied().unwrap_or(looked_at.then_some(retry_at)),
                )
            }
        };
        HoldRow {
            pair: self.plan.pair.clone(),
            link: hold.link,
            side: Some(hold.side),
            item: Some(hold.item.clone()),
            subject: hold.subject.clone(),
            why: hold.why.clone(),
            since: self.held_since(hold).unwrap_or(self.now),
            tries,
            retry_at,
        }
    }

    /// Since when the same is held for the same kind of reason; `None`: it was not. Each full listing, and each first plan
    /// under a changed configuration, plans such a hold again, and that makes it no younger. A hold of another field of the
    /// item is another one.
    fn held_since(&self, hold: &Hold) -> Option<Timestamp> {
        let code = reason::code(&hold.why);
        let same = |before: &&HoldRow| {
            before.side == Some(hold.side)
                && before.item.as_ref() == Some(&hold.item)
                && before.subject == hold.subject
        };
        let alike = |before: &&HoldRow| same(before) && reason::code(&before.why) == code;
        let known = self.before.iter().find(alike);
        // What is looked at again and again has one reason today and perhaps another one tomorrow.
        let tried = |before: &&HoldRow| same(before) && before.retry_at.is_some();
        let known = known.or_else(|| self.before.iter().find(tried));
        known.map(|before| before.since)
    }

    /// Holds of items without a link that could not be read.
    fn unreadable(&self) -> impl Iterator<Item = HoldRow> {
        let unreadable = self.run.observed.findings.unreadable.get(&self.plan.pair);
        unreadable.into_iter().flatten().map(|(side, id, said)| {
            let (since, tries, retry_at) = self.next_look(*side, id);
            HoldRow {
                pair: self.plan.pair.clone(),
                link: None,
                side: Some(*side),
                item: Some(id.clone()),
                subject: Subject::Item,
                why: ReadWhy::Unclear { said: said.clone() }.into(),
                since,
                tries,
                retry_at: Some(retry_at),
            }
        })
    }

    /// Returns since when an item is looked at again and again, how often it was, and when it is next.
    fn next_look(&self, side: Side, item: &ItemId) -> (Timestamp, u32, Timestamp) {
        let earlier = earlier(&self.before, side, item).filter(|hold| hold.retry_at.is_some());
        let tries = earlier.map_or(0, |hold| hold.tries.saturating_add(1));
        let since = earlier.map_or(self.now, |hold| hold.since);
        let wait = attempt::wait_ms(tries.saturating_add(1), &self.plan.pair, item);
        (since, tries, self.now.plus_ms(wait))
    }
}

pub(super) fn item_of(hold: &HoldRow) -> Option<(Side, ItemId)> {
    Some((hold.side?, hold.item.clone()?))
}
