//! What a service says of the fields, types and states of its place, and where a configuration does not fit them.

use crate::field::negotiate::Native;
use std::collections::{BTreeMap, BTreeSet};

/// The live vocabulary of one side of a pair. Empty lists mean "could not be read", and are then not checked.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Schema {
    /// Types with their states.
    pub types: Vec<SchemaType>,
    /// Known people: (key as in [`crate::model::Folded::person`], display name).
    pub people: Vec<(String, String)>,
    /// Who the token belongs to: (id, display name).
    pub me: Option<(String, String)>,
    /// Containers that can be named in the configuration (area paths; list ids with names).
    pub containers: Vec<(String, String)>,
    /// What will not work as configured (missing features, unreadable parts).
    pub findings: Vec<SchemaFinding>,
    /// Rights that the token lacks, with what to do about it.
    pub missing_rights: Vec<SchemaFinding>,
    /// What stops nothing but is worth knowing, as sentences.
    pub warnings: Vec<String>,
    /// The fields that a custom field may be made of; asked for only where the pair has one.
    #[serde(default)]
    pub customs: Vec<Native>,
    /// Whether types could not be read, so that one which is not among `types` may be there.
    #[serde(default)]
    pub types_unread: bool,
    /// The same of the states in which new items are made.
    #[serde(default)]
    pub states_unread: bool,
    /// Why some of those fields are not known, as a phrase; `None`: all of them are.
    #[serde(default)]
    pub customs_unread: Option<String>,
}

/// Something about a pair that will not work.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SchemaFinding {
    /// What it is, as a sentence.
    pub text: String,
    /// The key of the pair's configuration that it is about, as `list` or `project` of `ado.project`, and the value there;
    /// `None`: no single one.
    pub about: Option<(String, String)>,
}

impl SchemaFinding {
    /// Builds one about a value of the pair's configuration.
    pub fn about(text: String, key: &str, value: &str) -> SchemaFinding {
        SchemaFinding {
            text,
            about: Some((key.to_owned(), value.to_owned())),
        }
    }
}

impl From<String> for SchemaFinding {
    fn from(text: String) -> SchemaFinding {
        SchemaFinding { text, about: None }
    }
}

/// Something that speaks against a write that was only tried, not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Whether the token lacks a right for it; otherwise a rule of the service is in the way.
    pub missing_right: bool,
    /// What it is and what to do about it, as a sentence.
    pub text: String,
}

/// One type of item.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemaType {
    /// Name in the side's vocabulary.
    pub name: String,
    /// Its states, in board order.
    pub states: Vec<SchemaState>,
    /// Allowed transitions by state name; empty when the service knows none (ClickUp).
    pub transitions: BTreeMap<String, BTreeSet<String>>,
    /// Native names of the fields that it has.
    pub fields: BTreeSet<String>,
    /// Native names of fields that must be given and have no default.
    pub required: BTreeSet<String>,
}

/// One state.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemaState {
    /// Name in the side's vocabulary.
    pub name: String,
    /// ADO: Proposed, InProgress, Resolved, Completed, Removed. ClickUp: open, unstarted, custom, done, closed.
    pub category: String,
}
