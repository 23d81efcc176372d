//! Numbers.

use super::{Form, Kind};
use crate::model::{FieldValue, Side, Sided};

/// Any number.
pub(super) struct Number;

impl Kind for Number {
    fn form(&self) -> Form {
        Form::Number
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::Number(500 * i64::from(n % 40))
    }
}

/// One of the four priorities.
pub(super) struct Priority;

impl Kind for Priority {
    fn form(&self) -> Form {
        Form::Number
    }

    /// A work item gets the priority 2 where a create names none (Agile, Scrum and CMMI process templates), and a task may
    /// have none at all. That default is not carried over to the task: nobody chose it, and a task from which somebody
    /// takes the priority would get it back. The two stay as they are until somebody sets either.
    fn in_step(&self, now: &Sided<FieldValue>) -> Option<&'static str> {
        matches!((&now.ado, &now.clickup), (FieldValue::Number(_), FieldValue::Empty)).then_some(
            "the task has no priority and Azure DevOps keeps one of its own; set it on either side to have the same on both",
        )
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::Number(1000 * i64::from(1 + n % 4))
    }
}
