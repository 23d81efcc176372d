//! A plan that was saved or shown and is carried out later: as it was, or not at all.

mod instead;

pub use instead::{Instead, Moved};

use crate::engine::Engine;
use crate::engine::apply::Consent;
use crate::engine::observe::Observed;
use crate::model::{ActionId, ItemId, PairName, Side, Sided, Version};
use crate::reason::Outcome;
use crate::reconcile::plan::{Action, ActionKind, PairPlan, Tripped};
use crate::store::StoreError;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A saved plan, as far as carrying it out needs it: what is written is taken from the plan of now, where that still holds
/// the same actions. So the long texts of a large plan are not kept a second time.
#[derive(Deserialize)]
pub struct SavedPairs {
    /// As in a plan.
    pub pairs: Vec<SavedPair>,
}

/// What was planned in one pair.
#[derive(Deserialize)]
pub struct SavedPair {
    /// The pair.
    pub pair: PairName,
    /// Fingerprint of the configuration that it was planned under.
    pub fingerprint: String,
    /// What was to be done.
    pub actions: Vec<SavedAction>,
    /// Guards that stopped it, as they were told with it.
    #[serde(default)]
    pub tripped: Vec<Tripped>,
}

/// One planned action.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Action")]
pub struct SavedAction {
    /// Its key.
    pub id: ActionId,
    /// What is to be done.
    pub kind: ActionKind,
    /// The items that it is about, by side: the one that it changes and the one that it comes from.
    pub items: Sided<Option<ItemId>>,
    /// The versions that it was planned on, by side; `None`: none was read.
    pub versions: Sided<Option<Version>>,
    /// Title of the item.
    pub title: String,
    /// [`Action::parent`].
    pub parent: Option<ItemId>,
    /// [`Action::content`].
    pub content: String,
}

impl From<Action> for SavedAction {
    fn from(action: Action) -> SavedAction {
        SavedAction {
            parent: action.parent.clone(),
            content: action.content(),
            kind: action.kind,
            items: instead::items_of(&action),
            versions: instead::versions_of(&action),
            id: action.id,
            title: action.title,
        }
    }
}

/// What became of a saved plan's actions that are not carried out now.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Those that are no longer planned like this: the items changed since.
    pub moved: Vec<Moved>,
    /// Pairs whose configuration changed since. Nothing of them is carried out, and nobody has said yes to it.
    pub reconfigured: Vec<PairName>,
    /// How many this plan wrote before, in a run that was cut short: they are done, and no refusal.
    pub done: usize,
    /// Those whose content was changed in the file. If there is one, the present plan was left as it is and must not be
    /// carried out.
    pub edited: Vec<SavedAction>,
    /// Planned now and not in the file: cut out of it, or new since. The next cycle plans them again. Not those that
    /// take the place of one that moved.
    pub beside: BTreeMap<PairName, Vec<SavedAction>>,
}

/// A plan that was shown before a question, as far as carrying it out after the answer needs it.
pub struct Shown(Vec<ShownPair>);

struct ShownPair {
    saved: SavedPair,
    /// The guards that nobody let it through; empty: the yes is to this pair too.
    declined: Vec<Tripped>,
}

impl Shown {
    /// Keeps what a yes was asked for. `approved` says of a pair that a guard stops whether it was let through.
    pub fn of(pairs: Vec<PairPlan>, approved: impl Fn(&PairPlan) -> bool) -> Shown {
        let shown = |pair: PairPlan| ShownPair {
            declined: match approved(&pair) {
                true => Vec::new(),
                false => pair.guarded().cloned().collect(),
            },
            saved: SavedPair {
                pair: pair.pair,
                fingerprint: pair.fingerprint,
                actions: pair.actions.into_iter().map(SavedAction::from).collect(),
                tripped: pair.tripped,
            },
        };
        Shown(pairs.into_iter().map(shown).collect())
    }

    /// Names of its pairs.
    pub fn pairs(&self) -> BTreeSet<PairName> {
        self.0.iter().map(|old| old.saved.pair.clone()).collect()
    }

    /// Reduces what was read after the answer to what was shown before the question, and says yes to exactly that. A pair
    /// that was not shown stays as it is. Returns what is no longer planned as it was shown: somebody edited meanwhile,
    /// so the next cycle plans it again.
    ///
    /// Example: a work item was deleted, and the plan says to delete its task. While the question stands somebody takes
    /// it out of the recycle bin: the task stays.
    ///
    /// A pair in which by now more is gone than a plan may follow is not carried out where nobody was told of that.
    pub fn keep(&self, observed: &mut Observed, consent: &mut Consent) -> Vec<Moved> {
        let mut moved = Vec::new();
        for pair in pairs_of(observed) {
            let Some(old) = self.0.iter().find(|old| old.saved.pair == pair) else {
                continue;
            };
            if old.declined.is_empty() {
                let now = observed.plan().pairs.iter().find(|plan| plan.pair == pair);
                moved.extend(now.into_iter().flat_map(|now| gone(&old.saved, now)));
                if !is_news(&old.saved, observed) {
                    reduce(&old.saved, observed);
                    say_yes(&pair, observed, consent);
                }
            } else {
                observed.decline(&pair, &old.declined);
            }
        }
        moved
    }
}

impl Engine {
    /// Reduces the present plan to what the saved one holds, and says yes to exactly that.
    ///
    /// What is left out is left as if nobody had looked at it: its next cycle finds it changed, as it is.
    ///
    /// # Errors
    /// Only the database's.
    pub fn keep_saved(
        &self,
        saved: &[SavedPair],
        observed: &mut Observed,
        consent: &mut Consent,
    ) -> Result<Kept, StoreError> {
        let mut found = Kept::default();
        let of = |pair: &PairName| saved.iter().find(|old| old.pair == *pair);
        for plan in &observed.plan().pairs {
            if let Some(old) = of(&plan.pair) {
                self.compare(old, plan, &mut found)?;
            }
        }
        self.explain(observed, &mut found.moved)?;
        if found.edited.is_empty() {
            // Carried out even in part, such a pair would count as approved. Example: `on_delete` is another now, and the
            // next cycle would delete by a rule that nobody has seen a plan of.
            observed.leave_pairs(&found.reconfigured);
            for pair in pairs_of(observed) {
                if let Some(old) = of(&pair).filter(|old| !is_news(old, observed)) {
                    reduce(old, observed);
                    say_yes(&pair, observed, consent);
                }
            }
        }
        Ok(found)
    }

    /// Says more exactly of what needs nothing any more why that is so.
    ///
    /// # Errors
    /// Only the database's.
    pub fn explain(&self, observed: &Observed, moved: &mut [Moved]) -> Result<(), StoreError> {
        for moved in moved {
            if moved.now == Instead::Nothing {
                moved.now = instead::why_nothing(&moved.action, observed, &self.store())?;
            }
        }
        Ok(())
    }

    /// Sorts the actions of a saved plan that the present one does not hold as they were saved.
    fn compare(
        &self,
        old: &SavedPair,
        plan: &PairPlan,
        found: &mut Kept,
    ) -> Result<(), StoreError> {
        let same_rules = old.fingerprint == plan.fingerprint;
        if !same_rules {
            found.reconfigured.push(old.pair.clone());
        }
        let planned: BTreeMap<_, _> = plan.actions.iter().map(|now| (&now.id, now)).collect();
        for action in &old.actions {
            let now = planned.get(&action.id);
            if now.is_some_and(|now| now.content() != action.content) {
                found.edited.push(action.clone());
            } else if now.is_some_and(|now| now.parent != action.parent) && same_rules {
                // Its source was put under another item, which is no edit of it.
                found.moved.push(Moved {
                    now: instead::instead(action, plan),
                    action: action.clone(),
                });
            } else if now.is_none() && self.store().has_outcome(&action.id, Outcome::Done)? {
                found.done += 1;
            } else if same_rules && now.is_none() {
                found.moved.push(Moved {
                    now: instead::instead(action, plan),
                    action: action.clone(),
                });
            }
        }
        if same_rules {
            let beside = beside(old, plan, &found.moved);
            if !beside.is_empty() {
                found.beside.insert(old.pair.clone(), beside);
            }
        }
        Ok(())
    }
}

/// The actions of a plan that was shown which are not planned any more as they were.
fn gone(old: &SavedPair, now: &PairPlan) -> Vec<Moved> {
    let planned: BTreeSet<_> = now.actions.iter().map(|now| &now.id).collect();
    let gone = old.actions.iter();
    let gone = gone.filter(|action| !planned.contains(&action.id));
    let moved = |action: &SavedAction| Moved {
        action: action.clone(),
        now: instead::instead(action, now),
    };
    gone.map(moved).collect()
}

/// What is planned now, is not in the saved plan and does not take the place of what moved.
fn beside(old: &SavedPair, now: &PairPlan, moved: &[Moved]) -> Vec<SavedAction> {
    let saved: BTreeSet<_> = old.actions.iter().map(|action| &action.id).collect();
    let items = |action: &SavedAction| {
        let all = Side::BOTH.map(|side| action.items.get(side).clone().map(|id| (side, id)));
        all.into_iter().flatten()
    };
    let again: BTreeSet<_> = moved
        .iter()
        .flat_map(|moved| items(&moved.action))
        .collect();
    let others = now.actions.iter().filter(|now| !saved.contains(&now.id));
    let others = others.map(|now| SavedAction::from(now.named()));
    others
        .filter(|now| !items(now).any(|item| again.contains(&item)))
        .collect()
}

/// The pairs that are planned, in order.
fn pairs_of(observed: &Observed) -> Vec<PairName> {
    let plans = observed.plan().pairs.iter();
    plans.map(|plan| plan.pair.clone()).collect()
}

/// Leaves of a pair's plan what the saved one holds.
fn reduce(old: &SavedPair, observed: &mut Observed) {
    let saved = old.actions.iter();
    let wanted: BTreeMap<_, _> = saved.map(|action| (&action.id, &action.parent)).collect();
    observed.keep(&old.pair, |action| {
        wanted.get(&action.id) == Some(&&action.parent)
    });
}

/// Says yes to exactly what is left of a pair's plan.
fn say_yes(pair: &PairName, observed: &Observed, consent: &mut Consent) {
    let plans = observed.plan().pairs.iter();
    let plan = plans.filter(|plan| plan.pair == *pair);
    consent.hashes.extend(plan.map(PairPlan::hash));
}

/// Whether more is gone by now than a plan may follow, and whoever says yes to what follows for some of it was not told. Such a
/// plan stays as it is, and waits.
///
/// Example: a task was deleted, and the plan says to delete its work item. While the question stands ten others begin to answer
/// 404. The yes is to the one delete, and nobody has seen what speaks against that. Whoever was told of work items that are gone
/// was not told of tasks that are.
fn is_news(old: &SavedPair, observed: &Observed) -> bool {
    let shown: BTreeSet<_> = old.actions.iter().map(|action| &action.id).collect();
    let told = |one: &Tripped| {
        let mut then = old.tripped.iter();
        then.any(|other| other.gone_on() == one.gone_on())
    };
    let mut plans = observed.plan().pairs.iter();
    let Some(now) = plans.find(|plan| plan.pair == old.pair) else {
        return false;
    };
    let mut actions = now.actions.iter();
    let mut guards = now.guarded().filter(|one| one.gone_on().is_some());
    actions.any(|action| action.kind.dissolves() && shown.contains(&action.id))
        && guards.any(|one| !told(one))
}

#[cfg(test)]
mod tests;
