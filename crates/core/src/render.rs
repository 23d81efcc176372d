//! The face of the product: plans, conflicts and outcomes as text for people and JSON for programs.
//!
//! Pure: values go in, a `String` comes out. Nothing here decides; what is shown is exactly what is carried out, because
//! both read the same plan. Text of either service is escaped before it meets a terminal.

mod conflict;
pub mod deeds;
mod diff;
mod drift;
mod json;
mod measure;
pub mod outcome;
mod paint;
mod plan;
mod table;

pub use conflict::plain;
pub use conflict::{
    ConflictRow, Ends, SinceThen, Standing, When, chosen, conflict_list, conflict_list_json,
    conflict_show,
};
pub use drift::{DriftView, drift};
pub use json::{
    PlanJson, differences_json, holds_json, not_compared_json, plan_json, rfc3339, rfc3339_if_any,
};
pub use outcome::{Outcome, OutcomeResult, ReportView, report, report_json};
pub use paint::{Style, amount, escape, escape_json, folded, hanging, plural};
pub use plan::{Addresses, Asks, OpenConflict, Show, StillOpen, plan, plan_of_pairs};
pub use table::table;

#[cfg(test)]
mod tests;
