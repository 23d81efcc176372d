//! A stateful fake of Azure DevOps Boards, from the published specification and from recordings.
//!
//! HTTP comes in through [`AdoSandbox::router`]; the other methods are what a person does in the web portal, without HTTP.

mod admin;
mod attachments;
mod comments;
mod custom_rules;
mod discovery;
mod draft;
mod feeds;
mod fields;
mod html;
mod http;
mod links;
mod locations;
mod markdown;
mod meta;
mod patch;
mod people;
mod person;
mod process;
mod quirks;
mod recycle;
mod render;
mod reply;
mod rules;
mod state;
mod tags;
mod wiql;
mod workitems;

pub use custom_rules::CustomRule;
pub use fields::{FieldDef, Kind};
pub use people::Person;
pub use person::Snapshot;
pub use process::{Process, StateDef, TypeDef};
pub use quirks::{PriorityCleared, Quirks, Throttle};
pub use reply::Refusal;

use super::clock::SandboxClock;
use super::faults::Faults;
use super::ledger::Ledger;
use sha2::{Digest, Sha256};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the fake organisation is made of.
#[derive(Clone, Debug)]
pub struct AdoConfig {
    /// Organisation name, the first path segment.
    pub org: String,
    /// Its projects.
    pub projects: Vec<ProjectConfig>,
    /// The personal access token of boardsync.
    pub pat: String,
    /// Tokens of other people, each with its owner's address.
    pub others: Vec<(String, String)>,
    /// Its members. The first one owns the token.
    pub people: Vec<Person>,
    /// Fields that every type has besides the stock ones.
    pub custom_fields: Vec<FieldDef>,
    /// Id of the first work item.
    pub first_id: i64,
}

/// One project.
#[derive(Clone, Debug)]
pub struct ProjectConfig {
    /// Name.
    pub name: String,
    /// Process that its types come from.
    pub process: Process,
    /// Area paths below the root, without the project name: `Web`, `Web\Login`.
    pub areas: Vec<String>,
    /// Iteration paths below the root, without the project name.
    pub iterations: Vec<String>,
}

impl ProjectConfig {
    /// A project without areas and iterations of its own.
    pub fn new(name: &str, process: Process) -> ProjectConfig {
        ProjectConfig {
            name: name.to_owned(),
            process,
            areas: Vec::new(),
            iterations: Vec::new(),
        }
    }
}

impl Default for AdoConfig {
    /// Organisation `contoso` with the Agile project `Shop`, three people and the token `pat`.
    fn default() -> AdoConfig {
        let mut shop = ProjectConfig::new("Shop", Process::Agile);
        shop.areas = vec![
            "Web".to_owned(),
            "Web\\Checkout".to_owned(),
            "Mobile".to_owned(),
        ];
        shop.iterations = vec!["Sprint 1".to_owned(), "Sprint 2".to_owned()];
        AdoConfig {
            org: "contoso".to_owned(),
            projects: vec![shop],
            pat: "pat".to_owned(),
            others: Vec::new(),
            people: vec![
                Person::new("Sync Robot", "robot@contoso.example"),
                Person::new("Ada Byron", "ada@contoso.example"),
                Person::new("Grace Murray", "grace@contoso.example"),
            ],
            custom_fields: Vec::new(),
            first_id: 1,
        }
    }
}

/// The fake organisation. Clones share it.
#[derive(Clone, Debug)]
pub struct AdoSandbox {
    state: Arc<Mutex<State>>,
    clock: SandboxClock,
    ledger: Ledger,
    faults: Faults,
}

impl AdoSandbox {
    /// An organisation without work items.
    pub fn new(
        clock: SandboxClock,
        ledger: Ledger,
        faults: Faults,
        config: AdoConfig,
    ) -> AdoSandbox {
        AdoSandbox {
            state: Arc::new(Mutex::new(State::new(config))),
            clock,
            ledger,
            faults,
        }
    }

    /// The HTTP side. Everything lies below `/{org}`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Switches behaviour.
    pub fn quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.lock().quirks);
    }

    /// Makes WIQL lag behind by `ms` of sandbox time.
    pub fn set_index_lag(&self, ms: i64) {
        self.quirks(|quirks| quirks.index_lag_ms = ms);
    }

    /// Returns the clock.
    pub fn clock(&self) -> &SandboxClock {
        &self.clock
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A GUID that follows from its arguments, so that two runs look the same.
pub(crate) fn guid(kind: &str, name: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{kind}/{}", name.to_lowercase())));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}
