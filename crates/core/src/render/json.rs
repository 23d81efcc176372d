//! The plan for programs.

use crate::reconcile::plan::{PLAN_FORMAT, PairPlan, Plan};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Version of the JSON that commands print. That of a plan has the version of the saved form, whose members it has.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The plan for programs: the saved form of the plan, plus each pair's approval hash and counts. Written piece by piece,
/// because the first plan of a large board is as large as the board.
pub struct PlanJson<'a>(pub &'a Plan);

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
    #[serde(flatten)]
    plan: &'a PairPlan,
}

impl Serialize for PlanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = |plan| Pair {
            hash: PairPlan::hash(plan),
            writes: PairPlan::writes(plan),
            plan,
        };
        let shown = Shown {
            format_version: PLAN_FORMAT,
            planned_at: self.0.planned_at.to_rfc3339(),
            writes: self.0.writes(),
            pairs: self.0.pairs.iter().map(pair).collect(),
        };
        shown.serialize(serializer)
    }
}

/// Returns [`PlanJson`] as one value, to be part of another.
pub fn plan_json(plan: &Plan) -> Value {
    serde_json::to_value(PlanJson(plan)).unwrap_or(Value::Null)
}
