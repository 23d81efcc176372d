//! The plan for programs.

use super::plan::{StillOpen, Twins, beside, likely_twins};
use crate::model::{PairName, Timestamp};
use crate::reconcile::plan::{PLAN_FORMAT, PairPlan, Plan};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the JSON that commands print. That of a plan has the version of the saved form, whose members it has.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The plan for programs: the saved form of the plan, plus each pair's approval hash and counts. Written piece by piece,
/// because the first plan of a large board is as large as the board.
pub struct PlanJson<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What is open beside it, as for [`super::Show`].
    pub still_open: &'a BTreeMap<PairName, StillOpen>,
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    planned_at: String,
    writes: usize,
    pairs: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct Pair<'a> {
    hash: String,
    writes: usize,
    /// Items that each side has under one title and that would each get a counterpart.
    likely_twins: Vec<Twins>,
    /// Conflicts and holds from before, which the plan does not name because nothing about them changed.
    from_before: StillOpen,
    #[serde(flatten)]
    plan: &'a PairPlan,
}

impl PlanJson<'_> {
    fn beside(&self, plan: &PairPlan) -> StillOpen {
        beside(self.still_open.get(&plan.pair), plan)
    }
}

impl Serialize for PlanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = |plan| Pair {
            hash: PairPlan::hash(plan),
            writes: PairPlan::writes(plan),
            likely_twins: likely_twins(plan),
            from_before: self.beside(plan),
            plan,
        };
        let shown = Shown {
            format_version: PLAN_FORMAT,
            planned_at: self.plan.planned_at.to_rfc3339(),
            writes: self.plan.writes(),
            pairs: self.plan.pairs.iter().map(pair).collect(),
        };
        shown.serialize(serializer)
    }
}

/// Returns [`PlanJson`] as one value, to be part of another.
pub fn plan_json(plan: &Plan) -> Value {
    let still_open = &BTreeMap::new();
    serde_json::to_value(PlanJson { plan, still_open }).unwrap_or(Value::Null)
}

/// Serialises a time as RFC 3339 in UTC. For `#[serde(serialize_with)]`.
pub fn rfc3339<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    at.to_rfc3339().serialize(to)
}

/// As [`rfc3339`]; a time that there is not is `null`.
pub fn rfc3339_if_any<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_rfc3339).serialize(to)
}
