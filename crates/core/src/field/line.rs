//! The title: a single line that is never empty.

use super::{Form, Kind, Tables};
use crate::capabilities::{self, units};
use crate::model::{FieldValue, Side};
use crate::reason::ValueWhy;

pub(super) struct Line;

impl Kind for Line {
    fn form(&self) -> Form {
        Form::Line
    }

    fn translate(
        &self,
        from: Side,
        value: &FieldValue,
        _tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        let target = capabilities::of(from.other());
        match (value, target.line) {
            (FieldValue::Empty, _) => Err(ValueWhy::TitleEmpty),
            (FieldValue::Text(title), Some(most)) if units(title) > most => {
                Err(ValueWhy::TitleTooLong {
                    units: units(title),
                    most,
                })
            }
            _ => Ok(value.clone()),
        }
    }

    /// Characters that no service keeps make no other title.
    fn in_force(&self, _side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        let (FieldValue::Text(wanted), FieldValue::Text(shown)) = (wanted, shown) else {
            return false;
        };
        let visible = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
        visible(wanted) == visible(shown)
    }

    fn typed(&self, text: &str) -> Option<FieldValue> {
        Some(FieldValue::text(text))
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::text(&format!("title {n}"))
    }
}
