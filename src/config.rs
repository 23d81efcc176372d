//! The validated configuration: what the rest of the program is allowed to believe.
//!
//! `raw` reads the TOML into values that remember where they stood, `check` turns them into the
//! types below and collects every problem, `diagnostic` and `mask` show problems without showing secrets,
//! `secret` fetches the two tokens when they are needed. Nothing outside this folder sees TOML.
//!
//! Why a walk of our own instead of serde: serde stops at the first problem, and its messages quote
//! the offending line, which may hold a token.

mod check;
mod diagnostic;
mod file;
mod mask;
mod pairs;
mod places;
mod raw;
mod rules;
mod secret;

pub use diagnostic::{ConfigErrors, MaskedText, Place, Problem};
pub use file::{load, parse, search_paths};
pub use places::{Places, did_you_mean};
pub use raw::known_keys;
pub use secret::{SecretError, SecretSource};

pub use crate::field::Direction;

use crate::field::{Wanted, WantedFields};
use crate::model::{FieldKey, PairName, Timestamp};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Looks up an environment variable; `None` when it is not set. Passed in so that tests own theirs.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that the program was told, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file that was read. Relative paths inside it start at its folder.
    pub path: PathBuf,
    /// SHA-256 (hex) over all pairs in normal form and the services they connect. Equal when only
    /// comments, order, schedule or secrets changed.
    pub fingerprint: String,
    /// Where the state lives.
    pub state: State,
    /// When cycles run.
    pub schedule: Schedule,
    /// The Azure DevOps side.
    pub ado: Ado,
    /// The ClickUp side.
    pub clickup: ClickUp,
    /// Limits that stop a plan.
    pub guard: Guard,
    /// What is kept equal; at least one, in the order of the file, names unique.
    pub pairs: Vec<Pair>,
    /// Legal but doubtful settings, one line each, `file:line:column: warning: ...`. Usually empty.
    pub warnings: Vec<String>,
}

impl Config {
    /// Returns the folder against which relative paths (also of secret files) are resolved.
    pub fn base_dir(&self) -> PathBuf {
        self.path
            .parent()
            .map_or_else(PathBuf::new, std::path::Path::to_path_buf)
    }

    /// Returns the pair of this name, if there is one.
    pub fn pair(&self, name: &PairName) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.name == *name)
    }
}

/// `[state]`: the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Path of the SQLite file, already joined with the configuration's folder.
    pub path: PathBuf,
    /// Days for which finished journal rows (with pre-images) are kept.
    pub journal_days: u32,
    /// While this file is there, nothing is written to either service. Joined with the configuration's folder; the
    /// database's path with `.stop` appended unless given.
    pub stop_file: PathBuf,
}

/// `[schedule]`: when cycles run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How often changes are asked for.
    pub poll: Poll,
    /// Time between two full listings of both sides.
    pub sweep: Duration,
    /// Wait before an unanswered create may be sent again.
    pub quiet_time: Duration,
}

/// How often changes are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// This long after the end of the previous cycle; at least 5 s.
    Every(Duration),
    /// A valid cron expression of six fields, seconds first, in UTC.
    Cron(String),
}

impl Poll {
    /// Returns when the `times`-th cycle after this moment is due, both by the local clock. A schedule that never comes again
    /// gives `None`.
    pub fn due(&self, after: Timestamp, times: u32) -> Option<Timestamp> {
        match self {
            Poll::Every(every) => {
                let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
                Some(Timestamp(
                    after
                        .0
                        .saturating_add(every.saturating_mul(i64::from(times))),
                ))
            }
            Poll::Cron(line) => rules::next_of_cron(line, after, times),
        }
    }
}

/// `[ado]`: the organisation or collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ado {
    /// Organisation or collection URL without a trailing slash, `https` unless on loopback.
    pub url: String,
    /// Where the personal access token comes from.
    pub pat: SecretSource,
    /// Upper bound on requests, at least 1.
    pub requests_per_second: u32,
    /// Zone in which ADO's date fields are read as days; `None` means the organisation's own answer, else UTC.
    pub time_zone: Option<chrono_tz::Tz>,
}

/// `[clickup]`: the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickUp {
    /// API root without a trailing slash, `https` unless on loopback.
    pub url: String,
    /// Workspace ("team") id, digits.
    pub workspace: String,
    /// Where the API token comes from.
    pub token: SecretSource,
    /// Upper bound on requests, at least 1; the service's own headers may lower it.
    pub requests_per_minute: u32,
}

/// `[guard]`: a plan is stopped when it holds more than `max(max_*, *_percent of the linked items)` changes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Creations per plan and side that always pass.
    pub max_creates: u32,
    /// Updates per plan and side that always pass.
    pub max_updates: u32,
    /// Fields cleared to empty per plan and side that always pass.
    pub max_clears: u32,
    /// Deletes, closes and unlinks per plan and side that always pass.
    pub max_deletes: u32,
    /// Share of linked items (0 to 100) that may be created beyond `max_creates`.
    pub creates_percent: u32,
    /// Share of linked items (0 to 100) that may be updated beyond `max_updates`.
    pub updates_percent: u32,
    /// Share of linked items (0 to 100) that may lose a value beyond `max_clears`.
    pub clears_percent: u32,
    /// Share of linked items (0 to 100) that may be deleted beyond `max_deletes`.
    pub deletes_percent: u32,
    /// Share of bases (0 to 100) that may look changed only through a new canonical form.
    pub noise_percent: u32,
    /// Whether nothing is ever written to either service.
    pub read_only: bool,
}

impl Default for Guard {
    fn default() -> Self {
        Guard {
            max_creates: 20,
            max_updates: 50,
            max_clears: 5,
            max_deletes: 3,
            creates_percent: 10,
            updates_percent: 25,
            clears_percent: 2,
            deletes_percent: 2,
            noise_percent: 3,
            read_only: false,
        }
    }
}

/// One `[[pair]]`: a set of work items and a set of tasks that are kept equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Unique name: letters, digits, `-`, `_` and `.`.
    pub name: PairName,
    /// SHA-256 (hex) over this pair in normal form and the services it connects.
    #[serde(skip)]
    pub fingerprint: String,
    /// Which work items.
    pub ado: AdoScope,
    /// Which tasks.
    pub clickup: ClickUpScope,
    /// Where counterparts may be created.
    pub create: CreateSide,
    /// What happens to the counterpart of a deleted item.
    pub on_delete: OnDelete,
    /// Which side wins a field that both sides changed.
    pub conflict: ConflictPolicy,
    /// Whether new items stand under the counterpart of their source's parent. As it is by default it is not part of the
    /// fingerprint, so that pairs from before there was a choice need no new yes.
    #[serde(skip_serializing_if = "Parents::is_default")]
    pub parents: Parents,
    /// Whether the source item gets a link to its counterpart.
    pub backlink: bool,
    /// Work item type <-> task type, a relation; empty when types are not synced.
    pub types: Vec<(String, String)>,
    /// State <-> status, a relation; empty means "propose from the categories".
    pub states: Vec<(String, String)>,
    /// ADO e-mail <-> ClickUp e-mail for people whose addresses differ; usually empty.
    pub people: Vec<(String, String)>,
    /// Synced fields, defaults included, in the order of [`FieldKey::BUILT_IN`], then the custom ones by name; never two of one
    /// key.
    pub fields: Vec<Field>,
}

impl Pair {
    /// Returns the synced fields as the services' halves are asked for them.
    pub fn wanted(&self) -> WantedFields {
        let wanted = self.fields.iter().map(|field| {
            let wanted = Wanted {
                direction: field.direction,
                ado: field.ado.clone(),
                form: None,
            };
            (field.key.clone(), wanted)
        });
        wanted.collect()
    }
}

/// Which work items belong to a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdoScope {
    /// Project name.
    pub project: String,
    /// Area path without a leading backslash, children included; `None` means the whole project.
    pub area: Option<String>,
    /// WIQL condition, joined with AND; `None` means none.
    pub condition: Option<String>,
    /// Assignee as written (`@Me`, e-mail or name); `None` means anyone.
    pub assigned_to: Option<String>,
    /// Work item that must be readable for anything to be carried out; `None` means none in particular. Not part of the
    /// fingerprint: it changes nothing that is synced.
    #[serde(skip)]
    pub canary: Option<String>,
}

/// Which tasks belong to a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClickUpScope {
    /// List id in which tasks are created.
    pub list: String,
    /// Watched list ids: `list` first, the rest sorted, no duplicates.
    pub lists: Vec<String>,
    /// Custom field that carries the marker (`custom:NAME` as `NAME`); `None` means the description footer.
    pub marker: Option<String>,
    /// As [`AdoScope::canary`], a task id.
    #[serde(skip)]
    pub canary: Option<String>,
}

/// Where counterparts may be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CreateSide {
    /// On both sides.
    Both,
    /// Only on ADO.
    Ado,
    /// Only on ClickUp.
    ClickUp,
    /// Nowhere: only linked items are synced.
    None,
}

/// What happens to the counterpart of a deleted item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OnDelete {
    /// The link is dissolved, the counterpart stays.
    Unlink,
    /// The counterpart is moved to a finished state.
    Close,
    /// The counterpart goes to its service's recycle bin.
    Delete,
}

/// What becomes of the place of an item under another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Parents {
    /// A new item stands under the counterpart of the item that its source stands under. Later moves are not carried over.
    #[default]
    New,
    /// Every new item stands at the top.
    None,
}

impl Parents {
    fn is_default(&self) -> bool {
        *self == Parents::default()
    }
}

/// Which side wins a field that both sides changed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ConflictPolicy {
    /// The ADO value; the other is kept in a conflict record.
    Ado,
    /// The ClickUp value; the other is kept in a conflict record.
    ClickUp,
    /// Neither: the field waits for a person.
    Hold,
}

/// One synced field of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Which field.
    pub key: FieldKey,
    /// Candidate ADO reference names, best first, at least one: the first that a work item type has is used.
    pub ado: Vec<String>,
    /// Which way it flows.
    pub direction: Direction,
    /// The field's own conflict policy; `None` means the pair's.
    pub conflict: Option<ConflictPolicy>,
    /// ADO option <-> ClickUp option of a custom field, a relation; options of equal names need no row. Left out of the
    /// fingerprint where there is none, so that no other field has another one because of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
    /// Whether a custom field that is a date is a moment and not a day.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub time: bool,
    /// How many parts of a custom currency field make one of Azure DevOps, 1 or 100; `None`: it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<i64>,
}
