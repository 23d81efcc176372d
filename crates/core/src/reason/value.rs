//! Why a value has no counterpart.

use crate::model::{FieldKey, Folded, ItemId, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Why a value cannot be given to the other side as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ValueWhy {
    /// A state has no counterpart.
    StateUnmapped {
        /// The side that has it.
        side: Side,
        /// The state.
        state: String,
    },
    /// The type of a work item lacks the state that a status stands for.
    StateOfNoType {
        /// The type.
        kind: String,
        /// The state.
        state: String,
        /// The status.
        status: String,
        /// Whether the work item is still to be made.
        new: bool,
    },
    /// A type has no counterpart.
    TypeUnmapped {
        /// The side that has it.
        side: Side,
        /// The type.
        kind: String,
    },
    /// Nobody of these people has a counterpart.
    PeopleUnmapped {
        /// Their names.
        people: Vec<String>,
        /// What a row of `people` has to name: their addresses, in the same order. Empty in what was stored before it was
        /// told.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        addresses: Vec<String>,
        /// Rows of `people` that are there and name somebody whom the side does not know, as what they say of the other side and
        /// of this one. Nobody in them is among the addresses.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rows: Vec<(String, String)>,
        /// The side that lacks the counterparts.
        side: Side,
    },
    /// Nobody of a task's assignees has a counterpart in Azure DevOps: stored by an earlier build, which did not name them.
    AssigneesUnmapped,
    /// A title is longer than Azure DevOps takes.
    TitleTooLong {
        /// Its length as Azure DevOps counts it.
        units: usize,
        /// The most that it takes.
        most: usize,
    },
    /// A title is empty.
    TitleEmpty,
    /// A side gives no value for a field that has to have one.
    NoValue {
        /// The side.
        side: Side,
        /// The field.
        field: FieldKey,
    },
    /// An option of a custom field has no counterpart.
    OptionUnmapped {
        /// The side that has it.
        side: Side,
        /// The field.
        field: FieldKey,
        /// The option.
        option: String,
    },
    /// A number with decimals, for a field of Azure DevOps that holds whole numbers.
    NumberNotWhole {
        /// The field.
        field: FieldKey,
        /// The number.
        number: String,
    },
    /// A number that a field of ClickUp does not take.
    NumberOutOfRange {
        /// The field.
        field: FieldKey,
        /// The number.
        number: String,
        /// The least that it takes.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A text of several lines, for a field of Azure DevOps that holds one.
    SeveralLines {
        /// The field.
        field: FieldKey,
    },
    /// A text that is longer than a field of Azure DevOps takes.
    TextTooLong {
        /// The field.
        field: FieldKey,
        /// Its length as Azure DevOps counts it.
        units: usize,
        /// The most that it takes.
        most: usize,
    },
    /// A text that is none of those that a field of Azure DevOps takes.
    NotOnTheList {
        /// The field.
        field: FieldKey,
        /// The text.
        value: String,
    },
    /// Tags of a task that Azure DevOps cannot hold.
    TagsStay {
        /// The tags.
        tags: Vec<String>,
    },
    /// An edit could only be written by taking formatting away.
    Flattens {
        /// The side whose formatting it is.
        side: Side,
        /// What would be gone.
        what: String,
    },
    /// The counterpart was deleted, and the item that is left cannot be closed.
    CannotClose {
        /// Where the counterpart was deleted.
        side: Side,
        /// What was seen.
        evidence: String,
        /// Why it cannot be closed.
        because: NotClosable,
    },
    /// The counterpart was deleted, and a delete of the item that is left would reach others.
    CannotDelete {
        /// Where the counterpart was deleted.
        side: Side,
        /// What was seen.
        evidence: String,
        /// Ids of the children that would be deleted along with it; empty: the service could not be asked.
        children: BTreeSet<ItemId>,
    },
}

/// Why an item is not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NotClosable {
    /// Its state is not synced.
    StateNotSynced,
    /// Nobody knows the states of its type.
    StatesUnknown {
        /// Its type; `None`: it has none.
        kind: Option<String>,
        /// The side.
        side: Side,
    },
    /// Its type has no state that means "done".
    NoClosedState {
        /// Its type; `None`: it has none.
        kind: Option<String>,
        /// The side.
        side: Side,
    },
}

impl ValueWhy {
    /// Says that none of these people has a counterpart on a side. A person is a name and what identifies them.
    pub fn people_unmapped<'a>(
        people: impl IntoIterator<Item = &'a Folded>,
        side: Side,
    ) -> ValueWhy {
        let (people, addresses) = people
            .into_iter()
            .map(|person| (person.shown.clone(), person.key.clone()))
            .unzip();
        ValueWhy::PeopleUnmapped {
            people,
            addresses,
            rows: Vec::new(),
            side,
        }
    }

    /// Returns the side that has the value; `None`: either may have it.
    pub fn side(&self) -> Option<Side> {
        match self {
            ValueWhy::StateUnmapped { side, .. }
            | ValueWhy::TypeUnmapped { side, .. }
            | ValueWhy::NoValue { side, .. }
            | ValueWhy::OptionUnmapped { side, .. }
            | ValueWhy::CannotClose { side, .. }
            | ValueWhy::CannotDelete { side, .. } => Some(*side),
            ValueWhy::PeopleUnmapped { side, .. } | ValueWhy::Flattens { side, .. } => {
                Some(side.other())
            }
            // Azure DevOps alone has these limits.
            ValueWhy::AssigneesUnmapped
            | ValueWhy::StateOfNoType { .. }
            | ValueWhy::TitleTooLong { .. }
            | ValueWhy::NumberNotWhole { .. }
            | ValueWhy::SeveralLines { .. }
            | ValueWhy::TextTooLong { .. }
            | ValueWhy::NotOnTheList { .. }
            | ValueWhy::TagsStay { .. } => Some(Side::ClickUp),
            // A rating ends at so many in ClickUp alone.
            ValueWhy::NumberOutOfRange { .. } => Some(Side::Ado),
            ValueWhy::TitleEmpty => None,
        }
    }

    /// Returns what to add to the configuration, as a phrase.
    fn add(&self) -> String {
        let row = self.missing_row();
        let row = row.map(|(key, row)| format!("add {row} to `{key}` of the pair"));
        row.unwrap_or_default()
    }

    /// Returns the key of the pair's configuration that a row is missing in, and the row with `...` for what has to be
    /// filled in; `None`: no line of the configuration would help. Example: `states` and `["Removed", "..."]`.
    pub fn missing_row(&self) -> Option<(&'static str, String)> {
        let row = |side: &Side, name: &str| {
            let name = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
            match side {
                Side::Ado => format!("[{name}, \"...\"]"),
                Side::ClickUp => format!("[\"...\", {name}]"),
            }
        };
        match self {
            ValueWhy::StateUnmapped { side, state } => Some(("states", row(side, state))),
            ValueWhy::StateOfNoType { status, .. } => Some(("states", row(&Side::ClickUp, status))),
            ValueWhy::TypeUnmapped { side, kind } => Some(("types", row(side, kind))),
            ValueWhy::OptionUnmapped { side, option, .. } => Some(("values", row(side, option))),
            ValueWhy::PeopleUnmapped {
                addresses, side, ..
            } if !addresses.is_empty() => {
                let rows: Vec<String> = addresses.iter().map(|a| row(&side.other(), a)).collect();
                Some(("people", rows.join(", ")))
            }
            ValueWhy::PeopleUnmapped { side, rows, .. } if rows.is_empty() => {
                Some(("people", row(&side.other(), "...")))
            }
            ValueWhy::AssigneesUnmapped => Some(("people", row(&Side::ClickUp, "..."))),
            ValueWhy::TitleTooLong { .. }
            | ValueWhy::TitleEmpty
            | ValueWhy::NoValue { .. }
            | ValueWhy::NumberNotWhole { .. }
            | ValueWhy::NumberOutOfRange { .. }
            | ValueWhy::SeveralLines { .. }
            | ValueWhy::TextTooLong { .. }
            | ValueWhy::NotOnTheList { .. }
            | ValueWhy::PeopleUnmapped { .. }
            | ValueWhy::TagsStay { .. }
            | ValueWhy::Flattens { .. }
            | ValueWhy::CannotClose { .. }
            | ValueWhy::CannotDelete { .. } => None,
        }
    }
}

/// What to do about rows of `people` that name somebody whom a side does not know, as a phrase.
fn correct(side: Side, rows: &[(String, String)]) -> String {
    let named = |(own, there): &(String, String)| match side {
        Side::ClickUp => format!("[\"{own}\", \"{there}\"]"),
        Side::Ado => format!("[\"{there}\", \"{own}\"]"),
    };
    let named: Vec<String> = rows.iter().map(named).collect();
    let (rows, name, it) = match named.len() {
        1 => ("row", "names an address", "it"),
        _ => ("rows", "name addresses", "them"),
    };
    format!(
        "{rows} {} of `people` of the pair {name} that {side} does not know; correct {it}, or add the account there",
        named.join(", ")
    )
}

/// Says what a delete on a side would take along, and what to do.
fn taken_along(f: &mut fmt::Formatter<'_>, side: Side, children: &BTreeSet<ItemId>) -> fmt::Result {
    let ids: Vec<&str> = children.iter().map(ItemId::as_str).collect();
    let (what, them) = match ids.as_slice() {
        [] => {
            return f.write_str(
                "what was deleted along with it, or would be, could not be told, so nothing is written; it is asked again",
            );
        }
        [_] => ("a subtask", "it"),
        _ => ("subtasks", "them"),
    };
    write!(
        f,
        "on_delete = delete, but {side} would delete {what} along with it ({}); nothing is deleted: move or delete {them} there, \
         or end the link with `boardsync links remove`",
        ids.join(", ")
    )
}

impl fmt::Display for NotClosable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |kind: &Option<String>| match kind {
            Some(kind) => format!("type \"{kind}\""),
            None => "this item".to_owned(),
        };
        match self {
            NotClosable::StateNotSynced => f.write_str("its status is not synced"),
            NotClosable::StatesUnknown { kind, side } => {
                write!(f, "the states of {} in {side} are not known", shown(kind))
            }
            NotClosable::NoClosedState { kind, side } => {
                write!(f, "{} has no closed state in {side}", shown(kind))
            }
        }
    }
}

impl fmt::Display for ValueWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueWhy::StateUnmapped { side, state } => {
                let what = match side {
                    Side::Ado => "ADO state",
                    Side::ClickUp => "ClickUp status",
                };
                write!(f, "{what} \"{state}\" is not mapped: {}", self.add())
            }
            ValueWhy::StateOfNoType {
                kind,
                state,
                status,
                new,
            } => {
                let then = match new {
                    true => ", so Azure DevOps refuses the new item",
                    false => "",
                };
                let (_, row) = self.missing_row().unwrap_or_default();
                write!(
                    f,
                    "ADO type \"{kind}\" has no state \"{state}\"{then}: put {row} with a state that it has before the other rows for \
                     \"{status}\" in `states` of the pair"
                )
            }
            ValueWhy::TypeUnmapped { side, kind } => {
                write!(f, "{side} type \"{kind}\" is not mapped: {}", self.add())
            }
            ValueWhy::PeopleUnmapped {
                people,
                addresses,
                rows,
                side,
            } => {
                let have = match people.len() {
                    1 => "has",
                    _ => "have",
                };
                let people = people.join(", ");
                let correct = (!rows.is_empty()).then(|| correct(*side, rows));
                let add = (correct.is_none() || !addresses.is_empty()).then(|| self.add());
                let help: Vec<String> = correct.into_iter().chain(add).collect();
                write!(
                    f,
                    "{people} {have} no counterpart in {side}: {}",
                    help.join("; ")
                )
            }
            ValueWhy::AssigneesUnmapped => write!(
                f,
                "none of the assignees has a counterpart in Azure DevOps: {}",
                self.add()
            ),
            ValueWhy::TitleTooLong { units, most } => write!(
                f,
                "title has {units} characters as Azure DevOps counts them, and it takes {most}; shorten it"
            ),
            ValueWhy::TitleEmpty => f.write_str("title is empty; neither service takes that"),
            ValueWhy::NoValue { side, field } => write!(f, "{side} gives no {field}"),
            ValueWhy::OptionUnmapped {
                side,
                field,
                option,
            } => {
                let (_, row) = self.missing_row().unwrap_or_default();
                write!(
                    f,
                    "{side} has {field} \"{option}\", which has no counterpart in {}: add the option there, or add {row} to \
                     `values` of the field",
                    side.other()
                )
            }
            ValueWhy::NumberNotWhole { field, number } => write!(
                f,
                "{field} is {number}, and Azure DevOps takes whole numbers only; nothing is rounded, so set one without \
                 decimals"
            ),
            ValueWhy::NumberOutOfRange {
                field,
                number,
                least,
                most,
            } => write!(
                f,
                "{field} is {number}, and ClickUp takes whole numbers from {least} to {most}; set one of those"
            ),
            ValueWhy::SeveralLines { field } => write!(
                f,
                "{field} has several lines, and Azure DevOps takes one; write it on one line"
            ),
            ValueWhy::TextTooLong { field, units, most } => write!(
                f,
                "{field} has {units} characters as Azure DevOps counts them, and it takes {most}; shorten it"
            ),
            ValueWhy::NotOnTheList { field, value } => write!(
                f,
                "{field} is \"{value}\", which is none of the values that Azure DevOps takes; choose one of those, or add \
                 it there"
            ),
            ValueWhy::TagsStay { tags } => {
                let names: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
                let stay = match names.as_slice() {
                    [name] => format!("{name} stays"),
                    names => format!("{} stay", names.join(", ")),
                };
                write!(
                    f,
                    "Azure DevOps takes no tag with `;` or `,` or of more than 400 characters, so {stay} in ClickUp alone; \
                     rename it there"
                )
            }
            ValueWhy::Flattens { side, what } => write!(
                f,
                "what was edited in {} would take {what} away in {side}, so neither text is written; \
                 make the edit there too, or choose one with `boardsync conflicts resolve`",
                side.other()
            ),
            ValueWhy::CannotClose {
                side,
                evidence,
                because,
            } => write!(
                f,
                "counterpart deleted in {side} ({evidence}); on_delete = close, but {because}; nothing is written, close it \
                 by hand and end the link with `boardsync links remove`"
            ),
            ValueWhy::CannotDelete {
                side,
                evidence,
                children,
            } => {
                write!(f, "counterpart deleted in {side} ({evidence}); ")?;
                taken_along(f, side.other(), children)
            }
        }
    }
}
