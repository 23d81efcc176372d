//! What becomes of requests without an answer, as this cycle found it (see `observe::half_way`).

use super::Run;
use super::record::saw;
use crate::engine::observe::LeftBehind;
use crate::model::{BaseState, FieldKey, FieldValue, ItemId, LinkId, Side, Sided};
use crate::reconcile::plan::PairPlan;
use crate::reconcile::settle;
use crate::store::{ChoiceOp, NewConflict, Op, PartOp, StoreError};
use std::collections::BTreeMap;

impl Run<'_> {
    /// What earlier runs sent without an answer, as this cycle found it. A state that stands half way becomes the base of its
    /// side, so that it stays ours whatever happens to the item later; the note stays as long as a later step may arrive. A
    /// text of which nobody can tell who shortened it has no base. A value that somebody may have chosen over ours counts as an
    /// edit from now on.
    pub(super) fn left_behind(&self, plan: &PairPlan) -> Result<Vec<Op>, StoreError> {
        let links = self.observed.findings.links_of(&plan.pair).iter();
        let links: BTreeMap<LinkId, &Sided<ItemId>> =
            links.map(|(link, ids)| (*link, ids)).collect();
        let found = self.observed.findings.left_behind.iter();
        let mut ops = Vec::new();
        for (link, side, field, left) in found {
            let Some(ids) = links.get(link) else {
                continue;
            };
            // A base of what was read goes with its version: after a kill an older answer must be known as one.
            for side in Side::BOTH {
                let item = self.observed.items.get(side).get(ids.get(side));
                ops.extend(item.map(|item| saw(side, item)));
            }
            let (link, side, field) = (*link, *side, field.clone());
            match left.clone() {
                LeftBehind::HalfWay { base, made, .. } | LeftBehind::SetBack { base, made } => {
                    if plan.chosen.contains(&(link, field.clone())) {
                        ops.push(Op::Choice(ChoiceOp::Wrote {
                            link,
                            field: field.clone(),
                            side,
                            value: made,
                        }));
                    }
                    let fields = BTreeMap::from([(field.clone(), base)]);
                    ops.push(Op::SetBase { link, fields });
                }
                LeftBehind::Agreed(base) => {
                    let fields = BTreeMap::from([(field.clone(), base)]);
                    ops.push(Op::SetBase { link, fields });
                }
                LeftBehind::Unclear(sent) => {
                    ops.extend(self.doubtful_text(plan, (link, side), &field, sent));
                    ops.push(Op::ClearBase {
                        link,
                        field: field.clone(),
                    });
                }
                LeftBehind::Doubted {
                    origin,
                    base,
                    doubts,
                    ..
                } => {
                    let stored = self.engine.store().base(link)?.remove(&field);
                    let base = base.or(stored);
                    let mut base =
                        base.unwrap_or_else(|| settle::doubted_without_base(side, origin));
                    // What the other side owes is measured by nothing that it has shown, so it counts as an edit anyway.
                    let owed = matches!(base.get(side.other()), BaseState::Owed(_));
                    for at in Side::BOTH.into_iter().filter(|at| *doubts.get(*at)) {
                        if at == side || !owed {
                            base = settle::doubted(at, base);
                        }
                    }
                    let fields = BTreeMap::from([(field.clone(), base)]);
                    ops.push(Op::SetBase { link, fields });
                }
                LeftBehind::Settled => {}
            }
            let open = matches!(left, LeftBehind::HalfWay { open: true, .. });
            if !open {
                ops.push(Op::Part(PartOp::EndTransitOf { link, side, field }));
            }
        }
        Ok(ops)
    }

    /// Keeps a text that was sent and that nobody may have any more, beside what the other side has: the two sides may agree
    /// on what is left of it.
    fn doubtful_text(
        &self,
        plan: &PairPlan,
        (link, side): (LinkId, Side),
        field: &FieldKey,
        sent: FieldValue,
    ) -> Option<Op> {
        let mut links = self.observed.findings.links_of(&plan.pair).iter();
        let (_, ids) = links.find(|(id, _)| *id == link)?;
        let item = |side: Side| self.observed.items.get(side).get(ids.get(side));
        let versions = Sided {
            ado: item(Side::Ado)?.version,
            clickup: item(Side::ClickUp)?.version,
        };
        let there = item(side.other())?.fields.get(field)?.clone();
        Some(Op::AddConflict(NewConflict {
            link,
            pair: plan.pair.clone(),
            items: ids.clone(),
            field: field.clone(),
            base: Sided::default(),
            now: Sided::of(side, sent, there),
            raw: Sided::default(),
            versions,
            taken: None,
            at: self.engine.clock.now(),
        }))
    }
}
