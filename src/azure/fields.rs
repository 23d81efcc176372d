//! Which reference name holds which canonical field. Pure.

use crate::model::FieldKey;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const TITLE: &str = "System.Title";
pub(super) const TYPE: &str = "System.WorkItemType";
pub(super) const STATE: &str = "System.State";
pub(super) const ASSIGNED_TO: &str = "System.AssignedTo";
pub(super) const TAGS: &str = "System.Tags";
pub(super) const ITERATION: &str = "System.IterationPath";
pub(super) const PROJECT: &str = "System.TeamProject";
pub(super) const AREA: &str = "System.AreaPath";
pub(super) const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
pub(super) const DESCRIPTION: &str = "System.Description";
/// Bugs of the stock processes show this one instead of the description (ADO-8).
pub(super) const REPRO_STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";

const START: &str = "Microsoft.VSTS.Scheduling.StartDate";
const DUE: [&str; 3] = [
    "Microsoft.VSTS.Scheduling.DueDate",
    "Microsoft.VSTS.Scheduling.TargetDate",
    "Microsoft.VSTS.Scheduling.FinishDate",
];
const ESTIMATE: &str = "Microsoft.VSTS.Scheduling.OriginalEstimate";
/// Agile, Scrum and CMMI name it differently (microsoft/process-customization-scripts, Import, 2022).
const POINTS: [&str; 3] = [
    "Microsoft.VSTS.Scheduling.StoryPoints",
    "Microsoft.VSTS.Scheduling.Effort",
    "Microsoft.VSTS.Scheduling.Size",
];

/// Fields that every type has, whatever its list says.
const ALWAYS: [&str; 5] = [TITLE, TYPE, STATE, ASSIGNED_TO, TAGS];

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
                _ => defaults(key),
            };
            let name = candidates
                .into_iter()
                .find(|name| ALWAYS.contains(name) || type_fields.contains(*name))?;
            Some((key.clone(), name.to_owned()))
        })
        .collect()
}

fn defaults(key: &FieldKey) -> Vec<&'static str> {
    match key {
        FieldKey::Title => vec![TITLE],
        FieldKey::Type => vec![TYPE],
        FieldKey::State => vec![STATE],
        FieldKey::Assignees => vec![ASSIGNED_TO],
        FieldKey::Priority => vec![PRIORITY],
        FieldKey::Tags => vec![TAGS],
        FieldKey::StartDate => vec![START],
        FieldKey::DueDate => DUE.to_vec(),
        FieldKey::Estimate => vec![ESTIMATE],
        FieldKey::Points => POINTS.to_vec(),
        FieldKey::Description => vec![REPRO_STEPS, DESCRIPTION],
        FieldKey::Custom(_) => Vec::new(),
    }
}

/// Returns the reference name of a field that every type has, by the name that people see, in lower case.
pub(super) fn shown(name: &str) -> Option<&'static str> {
    Some(match name {
        "title" => TITLE,
        "work item type" => TYPE,
        "state" => STATE,
        "assigned to" => ASSIGNED_TO,
        "tags" => TAGS,
        "priority" => PRIORITY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = resolve(&configured, &set(&["A.Two", "Custom.Team", DUE[0]]));
        assert_eq!(found[&FieldKey::DueDate], "A.Two");
        assert_eq!(found[&FieldKey::Custom("Team".to_owned())], "Custom.Team");
        assert_eq!(found[&FieldKey::Title], TITLE);
        assert!(!found.contains_key(&FieldKey::Points));
    }
}
