//! Yes or no.

use super::{Form, Kind, YES};
use crate::model::{FieldValue, Side};

pub(super) struct Flag;

impl Kind for Flag {
    fn form(&self) -> Form {
        Form::YesNo
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        match n % 2 {
            0 => FieldValue::choice(YES),
            _ => FieldValue::Empty,
        }
    }
}
