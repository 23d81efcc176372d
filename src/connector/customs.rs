//! What the custom fields of each pair are, as both schemas agree. Shared by the two clients and whoever asked for the schemas:
//! a field that is not in here is neither read nor written.

use crate::field::negotiate::Agreed;
use crate::field::{Wanted, WantedFields};
use crate::model::{FieldKey, PairName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The custom fields of one pair.
pub type CustomFields = BTreeMap<FieldKey, Agreed>;

/// The custom fields of every pair.
#[derive(Default)]
pub struct Customs(Mutex<State>);

#[derive(Default)]
struct State {
    pairs: BTreeMap<PairName, Arc<CustomFields>>,
    generation: u64,
}

impl Customs {
    /// Puts what was agreed on in the place of what was before.
    pub fn put(&self, pair: &PairName, fields: CustomFields) {
        let mut state = self.held();
        let same = state.pairs.get(pair).is_some_and(|old| **old == fields);
        if !same && (!fields.is_empty() || state.pairs.contains_key(pair)) {
            state.pairs.insert(pair.clone(), Arc::new(fields));
            state.generation += 1;
        }
    }

    /// Returns the custom fields of a pair.
    pub fn of(&self, pair: &PairName) -> Option<Arc<CustomFields>> {
        self.held().pairs.get(pair).cloned()
    }

    /// Returns a number that changes whenever something else is agreed on.
    pub fn generation(&self) -> u64 {
        self.held().generation
    }

    /// Returns the fields that a pair wants, its custom ones with what they are.
    pub fn wanted(&self, pair: &PairName, fields: &WantedFields) -> WantedFields {
        let agreed = self.of(pair);
        let with_form = |(key, wanted): (&FieldKey, &Wanted)| {
            let agreed = agreed.as_ref().and_then(|agreed| agreed.get(key));
            let form = agreed.map(|agreed| agreed.rule.form).or(wanted.form);
            let mut wanted = Wanted {
                form,
                ..wanted.clone()
            };
            // Items show a field under the service's own spelling of its name.
            if let Some(agreed) = agreed {
                wanted.ado = vec![agreed.native.ado.id.clone()];
            }
            (key.clone(), wanted)
        };
        fields.iter().map(with_form).collect()
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a number in thousandths; `None`: that would round it. A service shows what a program made of a number, so the last
/// digits of a double are no decimals of it.
pub fn thousandths(number: f64) -> Option<i64> {
    let scaled = number * 1000.0;
    let whole = scaled.round();
    let slack = scaled.abs() * 4.0 * f64::EPSILON + 1e-9;
    let exact = whole.is_finite() && whole.abs() < 9e15 && (scaled - whole).abs() <= slack;
    exact.then_some(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_in_thousandths_or_not_at_all() {
        for (number, wanted) in [
            (0.1, Some(100)),
            (2.125, Some(2125)),
            (-7.0, Some(-7000)),
            (123_456_789.123, Some(123_456_789_123)),
            (0.0004, None),
            (1.0005, None),
            (123_456_789.123_4, None),
            (1e300, None),
            (f64::NAN, None),
        ] {
            assert_eq!(thousandths(number), wanted, "{number}");
        }
    }
}
