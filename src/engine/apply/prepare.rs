//! What is stored before the first write of a plan.

use super::{Run, record};
use crate::engine::CycleError;
use crate::engine::observe::{LeftBehind, rebased};
use crate::model::Sided;
use crate::reconcile::plan::{Conflict, PairPlan};
use crate::reconcile::settle;
use crate::store::{Batch, Op};
use std::collections::BTreeMap;

impl Run<'_> {
    /// Stores what must be durable before the first write: both values of every conflict, and bases that move because
    /// this program reads the same content differently.
    pub(super) fn prepare(&self, plan: &PairPlan) -> Result<(), CycleError> {
        let at = self.engine.clock.now();
        let ops = plan
            .conflicts
            .iter()
            .map(|conflict| Op::AddConflict(record::conflict(&plan.pair, conflict, at)))
            .chain(plan.reread.iter().map(|moved| Op::SetBase {
                link: moved.link,
                fields: rebased(moved),
            }))
            .chain(self.left_behind(plan)?)
            .chain(self.unmeasured(plan)?)
            .chain(
                plan.dropped
                    .iter()
                    .flat_map(|choice| self.dropped(plan, choice)),
            )
            .collect();
        self.engine.store().commit(&Batch(ops))?;
        self.engine.point("after-conflicts")
    }

    /// The bases of values that were never taken, or that an undo left apart, and that somebody has left, in a conflict or while
    /// nothing flows, but for those that this cycle has found out anew.
    fn unmeasured(&self, plan: &PairPlan) -> Result<Vec<Op>, CycleError> {
        let Some(policy) = self.engine.policy(&plan.pair) else {
            return Ok(Vec::new());
        };
        let store = self.engine.store();
        let mut ops = Vec::new();
        for conflict in &plan.conflicts {
            let Conflict { link, field, .. } = conflict;
            let mut found = self.observed.findings.left_behind.iter();
            let base = store.base(*link)?.remove(field);
            // What is there, and not what an undo is about to make of it.
            let now = Sided::build(|side| {
                let items = self.observed.items.get(side);
                items.get(conflict.items.get(side))?.fields.get(field)
            });
            let base = base.and_then(|base| settle::unmeasured(field, &base, &now, policy));
            let anew = found.any(|(of, _, noted, left)| {
                of == link && noted == field && !matches!(left, LeftBehind::Settled)
            });
            if let Some(base) = base.filter(|_| !anew) {
                ops.push(Op::SetBase {
                    link: *link,
                    fields: BTreeMap::from([(field.clone(), base)]),
                });
            }
        }
        let findings = &self.observed.findings;
        for (link, _) in findings.links_of(&plan.pair) {
            let fields = findings.unmeasured.get(link).cloned();
            ops.extend(fields.map(|fields| Op::SetBase {
                link: *link,
                fields,
            }));
        }
        Ok(ops)
    }
}
