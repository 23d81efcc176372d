//! The judge of what the database says after a cycle: bases hold what their items held once, and links end only where an item
//! was deleted or somebody dissolved them.

use super::kinds::kind;
use super::world::{Record, World};
use boardsync::model::{BaseState, FieldKey, FieldValue, LinkId, Side, Sided};
use boardsync::store::Store;
use std::collections::BTreeMap;

impl World {
    /// After every cycle: I13, I22, and I9 for dissolved links. One that was killed may not have looked at an edit, so that a
    /// base still holds what the engine left there, and a person has set just that since. The next one has to see it.
    ///
    /// Example: a state stood at Active half way and became Resolved, and the answer to that was lost. Somebody sets Active,
    /// and the process is killed before it reads anything. The base says Active until the next cycle takes it away.
    pub fn judge_store(&mut self, store: &Store, killed: bool) {
        if !killed {
            self.judge_answers(store);
        }
        self.judge_half_way(store);
        self.judge_guard(store);
        self.judge_vanished(store);
        for conflict in store.conflicts(false).unwrap_or_default() {
            self.told.conflicts.entry(conflict.id).or_insert(self.now);
        }
        for n in 0..self.setup.pairs as usize {
            for link in store.links(&self.name(n)).unwrap_or_default() {
                let (Some(ado), Some(clickup)) = (
                    self.side.ado.find(&link.ado),
                    self.side.clickup.find(&link.clickup),
                ) else {
                    self.violate(
                        "I4",
                        format!("link {} names an item that never was", link.id),
                    );
                    continue;
                };
                if !link.state.is_living() {
                    let ever = self.told.unlinked.contains(&link.id)
                        || self.side.ado.records[ado].ever_deleted
                        || self.side.clickup.records[clickup].ever_deleted;
                    if !ever {
                        self.violate(
                            "I9",
                            format!(
                                "link of {} and {} dissolved, nothing was deleted",
                                link.ado, link.clickup
                            ),
                        );
                    }
                    continue;
                }
                let base = store.base(link.id).unwrap_or_default();
                self.judge_base(&base, (ado, clickup), link.id);
            }
        }
    }

    fn judge_base(
        &mut self,
        base: &BTreeMap<FieldKey, Sided<BaseState>>,
        (ado, clickup): (usize, usize),
        link: LinkId,
    ) {
        let (mut wrong, mut owed) = (Vec::new(), Vec::new());
        // A design under trial may keep both sides' states in one vocabulary.
        let one_vocabulary = self.one_vocabulary;
        for (key, both) in base {
            for (side, half) in both.iter() {
                let value = half.value();
                let at = Sided { ado, clickup };
                let record = &self.side.get(side).records[*at.get(side)];
                let other = *at.get(side.other());
                let twin = &self.side.get(side.other()).records[other];
                // What is owed is measured by nothing, or by what the other service has instead. A half that was only sent
                // keeps such a measure when the wait for it ends: then it agrees with what that service did not take.
                let same = kind(key)
                    .is_some_and(|kind| kind.agree(both.ado.value(), both.clickup.value()));
                let untaken = self
                    .told
                    .untaken
                    .contains(&(side.other(), other, key.clone()));
                let untaken = untaken
                    || self.refuses(key, [&record.id, &twin.id])
                    // Nor one that was not to flow there.
                    || self.told.were_one_way.contains(key);
                let measured = same && untaken;
                // Both halves of a field without a base are owed. Once its two values are a conflict, one of the halves is
                // doubted: that side counts as edited whatever it shows, so nothing is measured by this half either. And so it
                // is with a half that was owed before it was doubted.
                let beside = both.get(side.other());
                let of_value = (link, key.clone(), side, value.to_string());
                let was_owed = self.told.owed.contains(&of_value);
                if matches!(half, BaseState::Owed(_)) {
                    owed.push(of_value);
                }
                let unmeasured =
                    half.is_doubted() && (was_owed || matches!(beside, BaseState::Owed(_)));
                let fine = matches!(half, BaseState::Owed(_))
                    || unmeasured
                    || measured
                    || one_vocabulary && *key == FieldKey::State
                    || held(side, record, key, value);
                if !half.is_sent() && !fine {
                    wrong.push(format!(
                        "link {link}: base of {key} on {} is {value}, which it never held",
                        record.id
                    ));
                }
            }
        }
        self.told.owed.extend(owed);
        if self.counts.contains_key("database put back") {
            // A restored intent may be older than the item that it finds.
            return;
        }
        for what in wrong {
            self.violate("I13", what);
        }
    }
}

/// Where nothing showed how the service took a value before somebody touched the item, what was sent is its base. Of tags a
/// refused one is left out, so that it stays owed. A set in ClickUp is written as a difference, so of one that somebody
/// added to meanwhile the base is our own part, and the rest counts as that person's edit.
fn held(side: Side, record: &Record, key: &FieldKey, value: &FieldValue) -> bool {
    let stored = kind(key).map(|kind| kind.stored(side, value.clone()));
    let by_parts = side == Side::ClickUp && kind(key).is_some_and(|kind| kind.is_set());
    let mut states = record.past.iter().map(|state| state.values.get(key));
    if *key == FieldKey::Tags {
        // Nor need those on which both sides agree be those of one moment.
        let ever = states.clone().flatten().flat_map(FieldValue::members);
        return value.members().is_subset(&ever.collect());
    }
    states.any(|state| {
        let part =
            by_parts && state.is_some_and(|state| value.members().is_subset(&state.members()));
        part || state == Some(value) || state == stored.as_ref()
    })
}
