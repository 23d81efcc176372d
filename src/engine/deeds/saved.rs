//! A plan that was saved and is carried out later: as it was saved, or not at all.

use crate::engine::Engine;
use crate::engine::apply::Consent;
use crate::engine::observe::Observed;
use crate::model::{ActionId, ItemId, LinkId, PairName};
use crate::reconcile::plan::{Action, PairPlan};
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
}

/// One planned action.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Action")]
pub struct SavedAction {
    /// Its key.
    pub id: ActionId,
    /// The item to name it by: the one that it changes, else the one that it comes from.
    pub item: Option<ItemId>,
    /// Title of the item.
    pub title: String,
    /// [`Action::content`].
    pub content: String,
}

impl From<Action> for SavedAction {
    fn from(action: Action) -> SavedAction {
        SavedAction {
            content: action.content(),
            id: action.id,
            item: action.target_item.or(action.source_item),
            title: action.title,
        }
    }
}

/// What became of a saved plan's actions that are not carried out now.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Those that are no longer planned like this: the items changed since.
    pub moved: Vec<SavedAction>,
    /// Pairs whose configuration changed since. Nothing of them is carried out, and nobody has said yes to it.
    pub reconfigured: Vec<PairName>,
    /// How many this plan wrote before, in a run that was cut short: they are done, and no refusal.
    pub done: usize,
    /// Those whose content was changed in the file. If there is one, the present plan was left as it is and must not be
    /// carried out.
    pub edited: Vec<SavedAction>,
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
        let mut plans = std::mem::take(&mut observed.plan.pairs);
        let of = |plan: &PairPlan| saved.iter().find(|old| old.pair == plan.pair);
        for plan in &plans {
            if let Some(old) = of(plan) {
                self.compare(old, plan, &mut found)?;
            }
        }
        if found.edited.is_empty() {
            // Carried out even in part, such a pair would count as approved. Example: `on_delete` is another now, and the
            // next cycle would delete by a rule that nobody has seen a plan of.
            plans.retain(|plan| !found.reconfigured.contains(&plan.pair));
            observed.partial |= !found.reconfigured.is_empty();
            for plan in &mut plans {
                if let Some(old) = of(plan) {
                    reduce(old, plan, observed);
                    consent.hashes.insert(plan.hash());
                }
            }
        }
        observed.plan.pairs = plans;
        Ok(found)
    }

    /// Sorts the actions of a saved plan that the present one does not hold as they were saved.
    fn compare(&self, old: &SavedPair, now: &PairPlan, found: &mut Kept) -> Result<(), StoreError> {
        let same_rules = old.fingerprint == now.fingerprint;
        if !same_rules {
            found.reconfigured.push(old.pair.clone());
        }
        let planned: BTreeMap<_, _> = now.actions.iter().map(|now| (&now.id, now)).collect();
        for action in &old.actions {
            let now = planned.get(&action.id);
            if now.is_some_and(|now| now.content() != action.content) {
                found.edited.push(action.clone());
            } else if now.is_none() && self.store().has_outcome(&action.id, "done")? {
                found.done += 1;
            } else if same_rules && now.is_none() {
                found.moved.push(action.clone());
            }
        }
        Ok(())
    }
}

/// Leaves of a pair's plan what the saved one holds.
fn reduce(old: &SavedPair, pair: &mut PairPlan, observed: &mut Observed) {
    let wanted: BTreeSet<_> = old.actions.iter().map(|action| &action.id).collect();
    let (kept, left): (Vec<_>, Vec<_>) = std::mem::take(&mut pair.actions)
        .into_iter()
        .partition(|action| wanted.contains(&action.id));
    pair.actions = kept;
    let links: BTreeSet<_> = left.iter().filter_map(|action| action.link).collect();
    observed.partial |= left.iter().any(|action| action.link.is_none());
    // A link with one action of two carried out is looked at again too, but keeps its conflicts and bases.
    let whole = |link: &LinkId| {
        links.contains(link) && !pair.actions.iter().any(|action| action.link == Some(*link))
    };
    pair.conflicts.retain(|conflict| !whole(&conflict.link));
    pair.rebases.retain(|rebase| !whole(&rebase.link));
    observed.left_out.extend(links);
}
