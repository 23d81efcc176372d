//! What one field is in one pair: its row of the table, what the configuration wants of it, and what the services' own
//! schemas say. Put together once, for each pair and each type of work item, and asked from then on.
//!
//! Example: a pair syncs the due date both ways. Its spec for a Task of the Basic process says
//! `Microsoft.VSTS.Scheduling.TargetDate` in Azure DevOps and `due_date` in ClickUp; that for an Epic without any date says
//! that Azure DevOps has no place for it, so it is neither read nor written there.

use super::{Form, Kind};
use crate::model::{FieldKey, Folded, Side, Sided};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which way a field flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Only ClickUp to ADO.
    ToAdo,
    /// Only ADO to ClickUp.
    ToClickUp,
}

impl Direction {
    /// Returns whether `side` may be written to.
    pub fn writes_to(self, side: Side) -> bool {
        match (self, side) {
            (Direction::Both, _)
            | (Direction::ToAdo, Side::Ado)
            | (Direction::ToClickUp, Side::ClickUp) => true,
            (Direction::ToAdo, Side::ClickUp) | (Direction::ToClickUp, Side::Ado) => false,
        }
    }
}

/// What a pair's configuration wants of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which way it flows.
    pub direction: Direction,
    /// The reference names that may hold it in Azure DevOps, best first.
    pub ado: Vec<String>,
    /// What both services agree on that its values are, where it is a custom field; `None`: nothing yet, and then it is not read.
    pub form: Option<Form>,
}

impl Wanted {
    /// A field that flows in a direction; `named` is the reference name that the configuration gives it.
    pub fn new(key: &FieldKey, direction: Direction, named: Option<String>) -> Wanted {
        let ado = match named {
            Some(name) => vec![name],
            None => usual(key).map(str::to_owned).collect(),
        };
        Wanted {
            direction,
            ado,
            form: None,
        }
    }
}

/// The fields that a pair syncs.
pub type WantedFields = BTreeMap<FieldKey, Wanted>;

/// The reference names that hold a field where the configuration names none.
fn usual(key: &FieldKey) -> impl Iterator<Item = &'static str> {
    key.row().ado.names.iter().copied()
}

/// What Azure DevOps says of one type of work item.
pub trait AdoType {
    /// Returns the type's own spelling of the reference name of one of its fields; `None`: it has no such field. Azure DevOps takes
    /// such a name in any case, and its answers have its own spelling.
    fn spelling(&self, name: &str) -> Option<String>;

    /// The names that one of its fields may have as its value; empty: any, or it is not known.
    fn options(&self, key: &FieldKey) -> BTreeSet<Folded>;
}

impl AdoType for BTreeSet<String> {
    fn spelling(&self, name: &str) -> Option<String> {
        if let Some(own) = self.get(name) {
            return Some(own.clone());
        }
        self.iter()
            .find(|own| own.eq_ignore_ascii_case(name))
            .cloned()
    }

    fn options(&self, _key: &FieldKey) -> BTreeSet<Folded> {
        BTreeSet::new()
    }
}

/// One field of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// The field.
    pub key: FieldKey,
    /// Which way it flows; `None`: it is read, and not synced.
    pub direction: Option<Direction>,
    /// What each service calls it: a reference name, and the member of a task. `None`: it can't be held there.
    pub native: Sided<Option<String>>,
    /// The names that it may have in Azure DevOps; empty: any, or it is not known.
    pub options: BTreeSet<Folded>,
    /// As [`Wanted::form`].
    pub agreed: Option<Form>,
}

impl FieldSpec {
    fn new(key: &FieldKey, wanted: Option<&Wanted>, of: &dyn AdoType) -> FieldSpec {
        let held = |name: &str| everywhere(name).or_else(|| of.spelling(name));
        let named = wanted.map(|wanted| wanted.ado.as_slice());
        let ado = match named.filter(|names| !names.is_empty()) {
            Some(names) => names.iter().find_map(|name| held(name)),
            None => usual(key).find_map(held),
        };
        let member = key.row().clickup.name;
        FieldSpec {
            direction: wanted.map(|wanted| wanted.direction),
            options: of.options(key),
            agreed: wanted.and_then(|wanted| wanted.form),
            native: Sided {
                ado,
                clickup: (!member.is_empty()).then(|| member.to_owned()),
            },
            key: key.clone(),
        }
    }

    /// Returns the kind of its values.
    pub fn kind(&self) -> &'static dyn Kind {
        self.key.kind()
    }

    /// Returns what a connector has to read and write.
    pub fn form(&self) -> Form {
        self.agreed.unwrap_or_else(|| self.kind().form())
    }
}

/// Returns the spelling of a field that every type has, whatever its list says; `None`: it is none of those.
fn everywhere(name: &str) -> Option<String> {
    let rows = FieldKey::BUILT_IN.iter().map(|key| key.row().ado);
    let mut names = rows.filter(|ado| ado.every_type).flat_map(|ado| ado.names);
    let own = names.find(|own| own.eq_ignore_ascii_case(name))?;
    Some((*own).to_owned())
}

/// The fields of a pair for one type of work item: every built-in field, synced or not, and the custom ones that the pair
/// wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSpecs(BTreeMap<FieldKey, FieldSpec>);

impl FieldSpecs {
    /// No field at all.
    pub const NONE: FieldSpecs = FieldSpecs(BTreeMap::new());

    /// Puts together what a pair wants and what a type has.
    pub fn resolve(wanted: &WantedFields, of: &dyn AdoType) -> FieldSpecs {
        let custom = wanted
            .keys()
            .filter(|key| matches!(key, FieldKey::Custom(_)));
        let specs = FieldKey::BUILT_IN.iter().chain(custom);
        let specs = specs.map(|key| (key.clone(), FieldSpec::new(key, wanted.get(key), of)));
        FieldSpecs(specs.collect())
    }

    /// Returns the fields that a side can hold, with what it calls them, but for those of which nobody knows what they are.
    pub fn on(&self, side: Side) -> impl Iterator<Item = (&FieldSpec, &str)> {
        let specs = self.0.values();
        let specs = specs.filter(|spec| spec.form() != Form::Negotiated);
        specs.filter_map(move |spec| Some((spec, spec.native.get(side).as_deref()?)))
    }

    /// Returns what a side calls a field; `None`: it can't be held there.
    pub fn name(&self, side: Side, key: &FieldKey) -> Option<&str> {
        self.0.get(key)?.native.get(side).as_deref()
    }

    /// Returns what a connector has to read and write of a field.
    pub fn form(&self, key: &FieldKey) -> Form {
        let spec = self.0.get(key);
        spec.map_or_else(|| key.kind().form(), FieldSpec::form)
    }

    /// Returns the fields that are synced.
    pub fn synced(&self) -> impl Iterator<Item = &FieldSpec> {
        self.0.values().filter(|spec| spec.direction.is_some())
    }

    /// Returns the names that a field may have in Azure DevOps; `None`: any, or it is not known.
    pub fn options(&self, key: &FieldKey) -> Option<&BTreeSet<Folded>> {
        let options = &self.0.get(key)?.options;
        (!options.is_empty()).then_some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "System.Description";
    const REPRO_STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";

    fn of_type(wanted: &WantedFields, names: &[&str]) -> FieldSpecs {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        FieldSpecs::resolve(wanted, &names)
    }

    #[test]
    fn bugs_use_repro_steps_and_other_types_the_description() {
        let none = WantedFields::new();
        let bug = of_type(&none, &[DESCRIPTION, REPRO_STEPS]);
        let task = of_type(&none, &[DESCRIPTION]);
        let name = |specs: &FieldSpecs| {
            let name = specs.name(Side::Ado, &FieldKey::Description);
            name.map(str::to_owned)
        };
        assert_eq!(name(&bug).as_deref(), Some(REPRO_STEPS));
        assert_eq!(name(&task).as_deref(), Some(DESCRIPTION));
    }

    #[test]
    fn a_reference_name_is_the_same_in_any_case_and_is_spelt_as_the_type_has_it() {
        let wanted = |key: &FieldKey, name: &str| {
            let wanted = Wanted::new(key, Direction::Both, Some(name.to_owned()));
            WantedFields::from([(key.clone(), wanted)])
        };
        let points = wanted(&FieldKey::Points, "custom.POINTS");
        let found = of_type(&points, &["Custom.Points"]);
        let name = found.name(Side::Ado, &FieldKey::Points);
        assert_eq!(name, Some("Custom.Points"));
        let title = of_type(&wanted(&FieldKey::Title, "system.title"), &[]);
        assert_eq!(
            title.name(Side::Ado, &FieldKey::Title),
            Some("System.Title")
        );
    }

    #[test]
    fn the_first_candidate_that_the_type_has_wins_and_a_type_without_any_lacks_the_field() {
        let team = FieldKey::Custom("Team".to_owned());
        let due = Wanted {
            direction: Direction::ToAdo,
            ado: vec!["A.One".to_owned(), "A.Two".to_owned()],
            form: None,
        };
        let named = Some("Custom.Team".to_owned());
        let wanted = WantedFields::from([
            (FieldKey::DueDate, due),
            (team.clone(), Wanted::new(&team, Direction::Both, named)),
        ]);
        let fields = ["A.Two", "Custom.Team", "Microsoft.VSTS.Scheduling.DueDate"];
        let found = of_type(&wanted, &fields);
        let name = |key: &FieldKey| found.name(Side::Ado, key);
        assert_eq!(name(&FieldKey::DueDate), Some("A.Two"));
        assert_eq!(name(&team), Some("Custom.Team"));
        assert_eq!(name(&FieldKey::Title), Some("System.Title"));
        assert_eq!(name(&FieldKey::Points), None);
        let synced: Vec<&FieldKey> = found.synced().map(|spec| &spec.key).collect();
        assert_eq!(synced, [&FieldKey::DueDate, &team]);
    }

    #[test]
    fn a_field_that_the_configuration_gives_no_name_has_those_of_its_row() {
        for key in FieldKey::BUILT_IN {
            let wanted = Wanted::new(&key, Direction::Both, None);
            assert_eq!(wanted.ado, key.row().ado.names, "{key}");
            let held = of_type(&WantedFields::from([(key.clone(), wanted)]), &[]);
            let unnamed = of_type(&WantedFields::new(), &[]);
            let name = |specs: &FieldSpecs| specs.name(Side::Ado, &key).map(str::to_owned);
            assert_eq!(name(&held), name(&unnamed), "{key}");
        }
    }
}
