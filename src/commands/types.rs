//! The types of work items that a pair syncs, as the schema lists them, with the fields of the pair on each. Pure.

use crate::config::Pair;
use crate::connector::{Schema, SchemaType};
use crate::field::{AdoType, FieldSpecs};
use crate::model::{FieldKey, Folded, Side};
use std::collections::BTreeSet;

/// An ADO type with the pair's fields on it.
pub type Typed<'a> = (&'a SchemaType, FieldSpecs);

/// Returns types with what the fields of a pair are on each.
pub fn typed<'a>(pair: &Pair, kinds: &[&'a SchemaType]) -> Vec<Typed<'a>> {
    let wanted = pair.wanted();
    let specs = |kind| FieldSpecs::resolve(&wanted, &Checked(kind));
    kinds.iter().map(|kind| (*kind, specs(kind))).collect()
}

/// A type as the vocabulary lists it.
struct Checked<'a>(&'a SchemaType);

impl AdoType for Checked<'_> {
    fn spelling(&self, name: &str) -> Option<String> {
        let of_the_system = SYSTEM.iter().find(|own| own.eq_ignore_ascii_case(name));
        let own = of_the_system.map(|own| (*own).to_owned());
        own.or_else(|| self.0.fields.spelling(name))
    }

    fn options(&self, key: &FieldKey) -> BTreeSet<Folded> {
        let states = self.0.states.iter();
        match *key == FieldKey::State {
            true => states.map(|state| Folded::new(&state.name)).collect(),
            false => BTreeSet::new(),
        }
    }
}

/// Returns the ADO types that the pair syncs; all of them where it names none.
pub fn mapped_kinds<'a>(pair: &Pair, ado: &'a Schema) -> Vec<&'a SchemaType> {
    let mapped: BTreeSet<String> = pair.types.iter().map(|(ado, _)| fold(ado)).collect();
    ado.types
        .iter()
        .filter(|kind| mapped.is_empty() || mapped.contains(&fold(&kind.name)))
        .collect()
}

/// Returns a name as names are compared.
pub fn fold(text: &str) -> String {
    Folded::new(text).key
}

/// Whether no type that a pair syncs has any of the fields of Azure DevOps that hold one of its own. Where no type is known, one may
/// have it.
pub fn has_no_place(pair: &Pair, ado: &Schema, key: &FieldKey) -> bool {
    let kinds = typed(pair, &mapped_kinds(pair, ado));
    let mut held = kinds.iter();
    !kinds.is_empty() && !held.any(|(_, specs)| specs.name(Side::Ado, key).is_some())
}

/// Fields that every type has, whether or not it lists them (learn.microsoft.com, work-item-fields and
/// titles-ids-descriptions).
const SYSTEM: [&str; 12] = [
    "System.AreaPath",
    "System.AssignedTo",
    "System.ChangedDate",
    "System.CreatedBy",
    "System.CreatedDate",
    "System.Description",
    "System.IterationPath",
    "System.Reason",
    "System.State",
    "System.Tags",
    "System.Title",
    "System.WorkItemType",
];
