//! What the fake organisation holds.

use super::custom_rules::CustomRule;
use super::fields::FieldDef;
use super::people::Person;
use super::process::{Process, TypeDef};
use super::{AdoConfig, ProjectConfig, Quirks, Refusal, guid};
use boardsync_core::model::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Field values by reference name. Identity fields hold the person's id; unset fields are absent.
pub type Fields = BTreeMap<String, Value>;

/// Everything in the organisation.
#[derive(Debug)]
pub struct State {
    pub config: AdoConfig,
    pub catalogue: Vec<FieldDef>,
    pub quirks: Quirks,
    pub rules: Vec<CustomRule>,
    /// GUID of each project, which a renaming leaves alone.
    pub project_ids: Vec<String>,
    /// Ids of people who left.
    pub left: BTreeSet<String>,
    pub items: BTreeMap<i64, WorkItem>,
    /// Tag spellings per project, in order of first use.
    pub tags: BTreeMap<usize, Vec<String>>,
    pub attachments: BTreeMap<String, Vec<u8>>,
    pub link_events: Vec<LinkEvent>,
    /// Every revision ever saved: watermark, item, rev.
    pub feed: Vec<(i64, i64, i64)>,
    pub next_id: i64,
    pub watermark: i64,
    pub next_comment: i64,
    pub next_resource: i64,
}

/// One work item, deleted ones included.
#[derive(Clone, Debug)]
pub struct WorkItem {
    pub id: i64,
    pub project: usize,
    pub rev: i64,
    pub watermark: i64,
    pub fields: Fields,
    pub formats: BTreeMap<String, String>,
    pub relations: Vec<Relation>,
    pub deleted: Option<Deletion>,
    pub revisions: Vec<Revision>,
    pub updates: Vec<Update>,
    pub comments: Vec<Comment>,
}

#[derive(Clone, Debug)]
pub struct Deletion {
    pub at: Timestamp,
    /// Id of the person.
    pub by: String,
}

#[derive(Clone, Debug)]
pub struct Revision {
    pub rev: i64,
    pub at: Timestamp,
    pub watermark: i64,
    pub fields: Fields,
    pub formats: BTreeMap<String, String>,
    pub deleted: bool,
    /// The comment added, edited or deleted in this revision: id, version.
    pub comment: Option<(i64, i64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    pub rel: String,
    pub target: Target,
    /// Attributes besides `isLocked` and `name` of work item links.
    pub attributes: serde_json::Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Item(i64),
    Resource { id: i64, url: String },
}

#[derive(Clone, Debug, Default)]
pub struct Update {
    pub rev: i64,
    pub by: String,
    pub at: Timestamp,
    pub fields: BTreeMap<String, (Option<Value>, Option<Value>)>,
    pub added: Vec<Relation>,
    pub removed: Vec<Relation>,
    pub updated: Vec<Relation>,
}

#[derive(Clone, Debug)]
pub struct Comment {
    pub id: i64,
    pub version: i64,
    pub text: String,
    pub markdown: bool,
    pub by: String,
    pub created: Timestamp,
    pub modified_by: String,
    pub modified: Timestamp,
    pub deleted: bool,
}

/// A row of the link feed. `rel` without `-Forward` or `-Reverse`.
#[derive(Clone, Debug)]
pub struct LinkEvent {
    pub rel: String,
    pub source: i64,
    pub target: i64,
    pub at: Timestamp,
    pub active: bool,
}

impl State {
    pub fn new(config: AdoConfig) -> State {
        let mut catalogue = super::fields::stock();
        catalogue.extend(config.custom_fields.iter().cloned());
        State {
            next_id: config.first_id,
            project_ids: config.projects.iter().map(ProjectConfig::id).collect(),
            config,
            catalogue,
            quirks: Quirks::default(),
            rules: Vec::new(),
            left: BTreeSet::new(),
            items: BTreeMap::new(),
            tags: BTreeMap::new(),
            attachments: BTreeMap::new(),
            link_events: Vec::new(),
            feed: Vec::new(),
            watermark: 1_000,
            next_comment: 1,
            next_resource: 1,
        }
    }

    /// Finds a project by name or GUID, without regard to case.
    pub fn project(&self, name: &str) -> Option<usize> {
        self.config
            .projects
            .iter()
            .position(|p| p.name.eq_ignore_ascii_case(name))
            .or_else(|| {
                let mut ids = self.project_ids.iter();
                ids.position(|id| id.eq_ignore_ascii_case(name))
            })
    }

    /// The GUID of a project; empty when there is none.
    pub fn project_id(&self, index: usize) -> &str {
        self.project_ids.get(index).map_or("", String::as_str)
    }

    pub fn project_at(&self, index: usize) -> Option<&ProjectConfig> {
        self.config.projects.get(index)
    }

    pub fn person(&self, id: &str) -> Option<&Person> {
        self.config.people.iter().find(|p| p.id == id)
    }

    /// Whose token that is: the id of a person; `None`: nobody's.
    pub fn owner_of(&self, token: &str) -> Option<String> {
        if token == self.config.pat {
            return Some(self.owner());
        }
        let mut others = self.config.others.iter();
        let (_, address) = others.find(|(known, _)| known == token)?;
        let person = self.config.people.iter().find(|p| p.unique == *address)?;
        Some(person.id.clone())
    }

    /// The owner of the token: the first person.
    pub fn owner(&self) -> String {
        self.config
            .people
            .first()
            .map_or_else(String::new, |p| p.id.clone())
    }

    /// A live item, seen from a project (`None`: from the organisation).
    pub fn live(&self, project: Option<usize>, id: i64) -> Result<&WorkItem, Refusal> {
        self.items
            .get(&id)
            .filter(|i| i.deleted.is_none() && project.is_none_or(|p| p == i.project))
            .ok_or_else(|| Refusal::no_such_item(id))
    }

    pub fn type_of(&self, project: usize, name: &str) -> Option<&'static TypeDef> {
        self.process(project).find(name)
    }

    pub fn process(&self, project: usize) -> Process {
        self.project_at(project)
            .map_or(Process::Agile, |p| p.process)
    }
}

impl WorkItem {
    pub fn text(&self, reference: &str) -> &str {
        self.fields
            .get(reference)
            .and_then(Value::as_str)
            .unwrap_or("")
    }

    pub fn parent(&self) -> Option<i64> {
        parent_of(&self.relations)
    }

    /// The revision that was current at an instant, or nothing when the item did not exist yet.
    pub fn at(&self, at: Timestamp) -> Option<&Revision> {
        self.revisions.iter().rev().find(|r| r.at <= at)
    }
}

/// The parent among relations.
pub fn parent_of(relations: &[Relation]) -> Option<i64> {
    relations.iter().find_map(|r| match r.target {
        Target::Item(id) if r.rel == super::links::PARENT => Some(id),
        _ => None,
    })
}

/// The order in which the server returns relations: stable, but not the order of insertion.
/// Azure DevOps CLI recordings: 974, 975, 976 came back as 975, 974, 976.
pub fn ordered(relations: &[Relation]) -> Vec<Relation> {
    let mut sorted = relations.to_vec();
    sorted.sort_by_key(|r| match &r.target {
        Target::Item(id) => (0, id.wrapping_mul(2_654_435_761) & 0xFFFF, *id),
        Target::Resource { id, .. } => (1, *id, 0),
    });
    sorted
}

impl ProjectConfig {
    /// The GUID of a new project; follows from its name.
    fn id(&self) -> String {
        guid("project", &self.name)
    }
}
