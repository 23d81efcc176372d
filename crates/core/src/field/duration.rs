//! A length of time.

use super::{Form, Kind};
use crate::model::{FieldValue, Side};

pub(super) struct Duration;

impl Kind for Duration {
    fn form(&self) -> Form {
        Form::Duration
    }

    /// Hours as a fraction do not hold every millisecond.
    fn in_force(&self, _side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        let (FieldValue::Duration(wanted), FieldValue::Duration(shown)) = (wanted, shown) else {
            return false;
        };
        (wanted - shown).abs() < 1_000
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::Duration(1_800_000 * i64::from(1 + n % 40))
    }
}
