//! Rules that an administrator gave a process, beside those of the stock types.
//!
//! A refusal by such a rule covers the whole patch and may name a field that the patch does not hold, or none:
//! azure-boards-automate-state-transitions issue 18, WorkItemUpdater issue 48, FortifyBugTrackerUtility issue 57.

use super::draft::Draft;
use super::fields::find;
use super::reply::Broken;
use super::state::{State, WorkItem};
use super::{Refusal, render};
use serde_json::Value;

/// Field that the closed states empty.
const REMAINING: &str = "Microsoft.VSTS.Scheduling.RemainingWork";
const ASSIGNEE: &str = "System.AssignedTo";

/// One rule. States and fields are compared without regard to case; a field is given by its reference name.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomRule {
    /// Every save of an item that is in `state` afterwards needs a value in `field`, whatever the patch holds.
    Required {
        /// The state.
        state: String,
        /// The field, which must be in the catalogue (`AdoSandbox::add_field`).
        field: String,
        /// Whether the refusal names the field.
        named: bool,
    },
    /// Entering `state`, also as the first one, sets `field`, whatever the patch says about it.
    Sets {
        /// The state.
        state: String,
        /// The field.
        field: String,
        /// Its new value as it is stored; null clears it.
        value: Value,
    },
    /// A write over the REST API is answered with 200 and a new revision, and the field keeps its value.
    Keeps {
        /// The field.
        field: String,
        /// The only value that has no effect; `None`: none has any.
        value: Option<Value>,
    },
}

/// Whether a write of this (already normalised) value is to have no effect.
pub fn keeps(state: &State, reference: &str, stored: Option<&Value>) -> bool {
    state.rules.iter().any(|rule| match rule {
        CustomRule::Keeps { field, value } => {
            field.eq_ignore_ascii_case(reference)
                && value
                    .as_ref()
                    .is_none_or(|only| stored.unwrap_or(&Value::Null) == only)
        }
        _ => false,
    })
}

/// Applies all rules to an item about to be saved. `entered`: the save makes the item or changes its state.
pub fn apply(
    state: &State,
    draft: &mut Draft,
    before: Option<&WorkItem>,
    category: &str,
    entered: bool,
) -> Result<(), Refusal> {
    let target = draft.text("System.State").to_owned();
    if entered {
        for rule in &state.rules {
            if let CustomRule::Sets {
                state: of,
                field,
                value,
            } = rule
                && of.eq_ignore_ascii_case(&target)
            {
                match value {
                    Value::Null => draft.fields.remove(field),
                    value => draft.fields.insert(field.clone(), value.clone()),
                };
            }
        }
    }
    let mut broken = Vec::new();
    if category == "Completed" {
        broken.extend(emptied(draft));
    }
    let mut nameless = false;
    for rule in &state.rules {
        let CustomRule::Required {
            state: of,
            field,
            named,
        } = rule
        else {
            continue;
        };
        if of.eq_ignore_ascii_case(&target) && !draft.fields.contains_key(field) {
            if *named {
                broken.push(required(state, field));
            } else {
                nameless = true;
            }
        }
    }
    broken.extend(left(state, draft, before));
    if let Some(refusal) = Refusal::rules(&broken) {
        return Err(refusal);
    }
    if nameless {
        return Err(Refusal::nameless_rule());
    }
    Ok(())
}

/// The closed states empty RemainingWork, and refuse a value that comes with them.
/// vscode-sprint-planner issue 40, solidify/jira-azuredevops-migrator issue 756.
fn emptied(draft: &mut Draft) -> Option<Broken> {
    let holds = draft.fields.contains_key(REMAINING);
    if holds && draft.touched.contains(REMAINING) {
        return Some(Broken {
            field: REMAINING.to_owned(),
            flags: "invalidNotEmpty",
            message: "Rule Error for field Remaining Work. Error code: InvalidNotEmpty.".to_owned(),
        });
    }
    draft.fields.remove(REMAINING);
    None
}

fn required(state: &State, field: &str) -> Broken {
    let name = find(&state.catalogue, field).map_or(field, |f| f.name.as_str());
    Broken {
        field: field.to_owned(),
        flags: "required, hasValues, invalidEmpty",
        message: format!(
            "Rule Error for field {name}. Error code: Required, HasValues, InvalidEmpty."
        ),
    }
}

/// Somebody who left stays in old values; whether the next save of such an item is refused depends on the process.
fn left(state: &State, draft: &Draft, before: Option<&WorkItem>) -> Option<Broken> {
    let held = before.is_some_and(|item| state.left.contains(item.text(ASSIGNEE)));
    let stays = held && state.left.contains(draft.text(ASSIGNEE));
    (stays && state.quirks.refuses_people_who_left).then(|| {
        let who = state.person(draft.text(ASSIGNEE));
        let who = who.map_or_else(String::new, |p| p.combined());
        Broken {
            field: ASSIGNEE.to_owned(),
            flags: "hasValues, limitedToValues, invalidListValue",
            message: format!(
                "The field 'Assigned To' contains the value '{who}' that is not in the list of supported values"
            ),
        }
    })
}

/// The fields of an item that its type has, for an organisation that answers no others.
pub fn shown_by_type(state: &State, item: &WorkItem) -> super::state::Fields {
    let kind = state.type_of(item.project, item.text("System.WorkItemType"));
    let has = |name: &str| {
        let stock = |list: &[&str]| list.contains(&name);
        let long_text = render::is_long_text(state, name);
        !long_text
            || kind.is_none_or(|k| stock(k.fields))
            || stock(super::process::SYSTEM_FIELDS)
            || state
                .config
                .custom_fields
                .iter()
                .any(|f| f.reference == name)
    };
    let mut fields = item.fields.clone();
    fields.retain(|name, _| has(name));
    fields
}
