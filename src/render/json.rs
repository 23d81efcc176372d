//! The plan for programs.

use crate::reconcile::plan::Plan;
use serde_json::{Value, json};

/// Version of the JSON that commands print.
pub(super) const FORMAT_VERSION: u32 = 1;

/// Returns the plan for programs: the saved form of the plan, plus each pair's approval hash and counts.
pub fn plan_json(plan: &Plan) -> Value {
    let pairs: Vec<Value> = plan
        .pairs
        .iter()
        .map(|pair| {
            let mut value = serde_json::to_value(pair).unwrap_or(Value::Null);
            if let Value::Object(map) = &mut value {
                map.insert("hash".to_owned(), json!(pair.hash()));
                map.insert("writes".to_owned(), json!(pair.writes()));
            }
            value
        })
        .collect();
    json!({
        "format_version": FORMAT_VERSION,
        "planned_at": plan.planned_at.to_rfc3339(),
        "writes": plan.writes(),
        "pairs": pairs,
    })
}
