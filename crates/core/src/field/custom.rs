//! A custom field, of which only the configuration's name is known.

use super::{Ado, ClickUp, Create, Field, Form, Kind, duration, line, text};
use crate::model::{FieldValue, Side};

/// The row of every custom field.
pub(super) static ROW: Field = Field {
    word: "custom",
    also: &[],
    kind: &Custom,
    unasked: false,
    everywhere: false,
    create: Create::OPTIONAL,
    suspect: None,
    ado: Ado {
        names: &[],
        label: None,
        every_type: false,
    },
    clickup: ClickUp {
        name: "",
        feature: None,
    },
};

/// Whatever the field holds.
struct Custom;

impl Kind for Custom {
    fn form(&self) -> Form {
        Form::ByShape
    }

    /// The kind of a custom field shows only by the shape of its value, which an answer may give in another one.
    fn in_force(&self, side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        match (wanted, shown) {
            (FieldValue::Rich(_), FieldValue::Rich(_) | FieldValue::Empty) => {
                text::Text.in_force(side, wanted, shown)
            }
            (FieldValue::Text(_), FieldValue::Text(_)) => line::Line.in_force(side, wanted, shown),
            (FieldValue::Duration(_), FieldValue::Duration(_)) => {
                duration::Duration.in_force(side, wanted, shown)
            }
            _ => wanted.to_string() == shown.to_string(),
        }
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::text(&format!("value {n}"))
    }
}
