//! Which reference name holds which canonical field. Pure.

use crate::model::FieldKey;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const TITLE: &str = "System.Title";
pub(super) const TYPE: &str = "System.WorkItemType";
pub(super) const STATE: &str = "System.State";
pub(super) const TAGS: &str = "System.Tags";
pub(super) const ITERATION: &str = "System.IterationPath";
pub(super) const PROJECT: &str = "System.TeamProject";
pub(super) const AREA: &str = "System.AreaPath";

/// Whether every type has a field, whatever its list says.
fn is_everywhere(name: &str) -> bool {
    let mut rows = FieldKey::BUILT_IN.iter().map(|key| key.row().ado);
    rows.any(|ado| ado.every_type && ado.names.contains(&name))
}

/// Returns the reference name that holds each field on a type with these fields. A key whose candidates the type lacks
/// is left out: such an item cannot hold it. `configured` goes before the built-in candidates.
pub(super) fn resolve(
    configured: &BTreeMap<FieldKey, Vec<String>>,
    type_fields: &BTreeSet<String>,
) -> BTreeMap<FieldKey, String> {
    let custom = configured
        .keys()
        .filter(|key| matches!(key, FieldKey::Custom(_)));
    FieldKey::BUILT_IN
        .iter()
        .chain(custom)
        .filter_map(|key| {
            let candidates: Vec<&str> = match configured.get(key) {
                Some(names) if !names.is_empty() => names.iter().map(String::as_str).collect(),
                _ => key.row().ado.names.to_vec(),
            };
            let name = candidates
                .into_iter()
                .find(|name| is_everywhere(name) || type_fields.contains(*name))?;
            Some((key.clone(), name.to_owned()))
        })
        .collect()
}

/// Returns the reference name of a field that every type has, by the name that people see, in lower case.
pub(super) fn shown(name: &str) -> Option<&'static str> {
    let mut rows = FieldKey::BUILT_IN.iter().map(|key| key.row().ado);
    let row = rows.find(|ado| ado.label == Some(name))?;
    row.names.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "System.Description";
    const REPRO_STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn bugs_use_repro_steps_and_other_types_the_description() {
        let none = BTreeMap::new();
        let bug = resolve(&none, &set(&[DESCRIPTION, REPRO_STEPS]));
        let task = resolve(&none, &set(&[DESCRIPTION]));
        assert_eq!(bug[&FieldKey::Description], REPRO_STEPS);
        assert_eq!(task[&FieldKey::Description], DESCRIPTION);
    }

    #[test]
    fn the_first_candidate_that_the_type_has_wins_and_a_type_without_any_lacks_the_field() {
        let configured = BTreeMap::from([
            (
                FieldKey::DueDate,
                vec!["A.One".to_owned(), "A.Two".to_owned()],
            ),
            (
                FieldKey::Custom("Team".to_owned()),
                vec!["Custom.Team".to_owned()],
            ),
        ]);
        let found = resolve(
            &configured,
            &set(&["A.Two", "Custom.Team", "Microsoft.VSTS.Scheduling.DueDate"]),
        );
        assert_eq!(found[&FieldKey::DueDate], "A.Two");
        assert_eq!(found[&FieldKey::Custom("Team".to_owned())], "Custom.Team");
        assert_eq!(found[&FieldKey::Title], TITLE);
        assert!(!found.contains_key(&FieldKey::Points));
    }
}
