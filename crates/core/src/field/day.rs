//! A calendar day without a time of day.

use super::{Form, Kind};
use crate::model::{FieldValue, Side};

pub(super) struct Day;

impl Kind for Day {
    fn form(&self) -> Form {
        Form::Day
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 1 + n % 25);
        day.map_or(FieldValue::Empty, FieldValue::Day)
    }
}
