//! One name out of a side's own list, which a table of the pair translates: the type and the state.

use super::{Form, Kind, Tables};
use crate::mapping::Relation;
use crate::model::{FieldKey, FieldValue, Side, Sided};
use crate::reason::ValueWhy;

/// A field whose names are translated.
pub(super) struct Vocabulary {
    /// The field.
    key: FieldKey,
    /// Says that a name of a side stands in no row of the table.
    unmapped: fn(Side, String) -> ValueWhy,
    /// The table.
    rows: for<'a> fn(&Tables<'a>) -> &'a Relation,
    /// Names that the examples take, as in the table of the pair that tests use.
    examples: Sided<&'static [&'static str]>,
}

/// Work item type and task type.
pub(super) static TYPE: Vocabulary = Vocabulary {
    key: FieldKey::Type,
    unmapped: |side, kind| ValueWhy::TypeUnmapped { side, kind },
    rows: |tables| tables.types,
    examples: Sided {
        ado: &["User Story", "Bug"],
        clickup: &["Task", "Bug"],
    },
};

/// State and status.
pub(super) static STATE: Vocabulary = Vocabulary {
    key: FieldKey::State,
    unmapped: |side, state| ValueWhy::StateUnmapped { side, state },
    rows: |tables| tables.states,
    examples: Sided {
        ado: &["New", "Active", "Resolved", "Closed"],
        clickup: &["to do", "in progress", "in review", "complete"],
    },
};

impl Kind for Vocabulary {
    fn form(&self) -> Form {
        Form::Name
    }

    fn agree(&self, now: &Sided<FieldValue>, tables: &Tables<'_>) -> bool {
        match (&now.ado, &now.clickup) {
            (FieldValue::Choice(ado), FieldValue::Choice(clickup)) => {
                (self.rows)(tables).consistent(ado, clickup)
            }
            (ado, clickup) => ado == clickup,
        }
    }

    fn translate(
        &self,
        from: Side,
        value: &FieldValue,
        tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        match value {
            FieldValue::Choice(name) => (self.rows)(tables)
                .translate(from, name)
                .map(FieldValue::Choice)
                .ok_or_else(|| (self.unmapped)(from, name.shown.clone())),
            FieldValue::Empty => Err(ValueWhy::NoValue {
                side: from,
                field: self.key.clone(),
            }),
            _ => Ok(value.clone()),
        }
    }

    fn same_words(&self) -> bool {
        false
    }

    /// It is never empty, so an empty base can't be taken for a value.
    fn owed(&self, _side: Side, _old: Option<&FieldValue>, _image: FieldValue) -> FieldValue {
        FieldValue::Empty
    }

    fn example(&self, side: Side, n: u32) -> FieldValue {
        let names = self.examples.get(side);
        let name = names.get(n as usize % names.len().max(1));
        name.map_or(FieldValue::Empty, |name| FieldValue::choice(name))
    }
}
