//! What a rule of the process changed in the save that was ours.

use super::Run;
use crate::connector::{Change, Written};
use crate::model::{BaseState, FieldKey, Item, ItemId, Side, Sided};
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::settle;
use std::collections::BTreeMap;

impl Run<'_> {
    /// The bases of fields that Azure DevOps itself changed in this save while a person's edit in ClickUp waits to be
    /// written there. The test of the revision rules another person out, so the change is nobody's.
    pub(super) fn ruled(
        &self,
        plan: &PairPlan,
        action: &Action,
        written: &Written,
        sent: &Change,
        stored: &BTreeMap<FieldKey, Sided<BaseState>>,
    ) -> BTreeMap<FieldKey, Sided<BaseState>> {
        let side = Side::Ado;
        // What this run wrote there is newer than what was read, and no edit that waits.
        let of = |items: &Sided<BTreeMap<ItemId, Item>>, id: &ItemId| {
            items.get(side.other()).get(id).cloned()
        };
        let source = action.source_item.as_ref();
        let source =
            source.and_then(|id| of(&self.written, id).or_else(|| of(&self.observed.items, id)));
        let (Some(policy), Some(source)) = (self.engine.policy(&plan.pair), source) else {
            return BTreeMap::new();
        };
        if action.target != side {
            return BTreeMap::new();
        }
        let written_to = policy.fields.iter();
        let written_to = written_to.filter(|(_, rule)| rule.direction.writes_to(side));
        let ours = written_to
            .map(|(key, _)| key)
            .filter(|key| !sent.set.contains_key(*key) && !written.later.contains(*key));
        let mut fields = BTreeMap::new();
        for key in ours {
            let before = sent.current.fields.get(key);
            let (Some(now), Some(base)) = (written.item.fields.get(key), stored.get(key)) else {
                continue;
            };
            let opposite = source.fields.get(key);
            let base = settle::ruled(side, base, (before, now), opposite);
            fields.extend(base.map(|base| (key.clone(), base)));
        }
        fields
    }
}
