//! A stateful fake of Azure DevOps Boards, from the published specification and from recordings.
//!
//! HTTP comes in through [`AdoSandbox::router`]; the other methods are what a person does in the web portal, without HTTP.

mod attachments;
mod comments;
mod discovery;
mod draft;
mod feeds;
mod fields;
mod html;
mod http;
mod links;
mod meta;
mod patch;
mod people;
mod person;
mod process;
mod recycle;
mod render;
mod reply;
mod rules;
mod state;
mod wiql;
mod workitems;

pub use fields::{FieldDef, Kind};
pub use people::Person;
pub use person::Snapshot;
pub use process::{Process, StateDef, TypeDef};
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
    /// The only personal access token that is accepted.
    pub pat: String,
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

/// Behaviour that can be switched while the sandbox runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Quirks {
    /// Whether long text is rewritten on save.
    pub rewrite_html: bool,
    /// Whether characters beyond the basic plane come back as numeric entities.
    pub emoji_entities: bool,
    /// Whether a patch that changes nothing makes a revision (not established for the real service).
    pub noop_bumps_rev: bool,
    /// By how many ms of sandbox time WIQL lags behind.
    pub index_lag_ms: i64,
    /// Revisions per item that the REST API allows. Azure DevOps docs object-limits.md (2024-09): 10,000.
    pub rev_limit: i64,
    /// Rows that a WIQL answer may have. Azure DevOps docs object-limits.md (2024-09): 20,000.
    pub wiql_limit: usize,
    /// Rows in one batch of the reporting feeds.
    pub feed_page: usize,
    /// Newest api-version that the server knows: 7.2 for Services, 6.0 for Azure DevOps Server 2020 (docs
    /// integrate/concepts/rest-api-versioning.md, 2025).
    pub newest_version: f64,
    /// Throttling headers on every answer.
    pub throttle: Option<Throttle>,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            rewrite_html: true,
            emoji_entities: true,
            noop_bumps_rev: false,
            index_lag_ms: 0,
            rev_limit: 10_000,
            wiql_limit: 20_000,
            feed_page: 200,
            newest_version: 7.2,
            throttle: None,
        }
    }
}

/// What the throttling headers say. Azure DevOps docs rate-limits.md (2025-09).
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    /// `Retry-After`, seconds.
    pub retry_after: u64,
    /// `X-RateLimit-Delay`, seconds.
    pub delay: f64,
    /// `X-RateLimit-Limit`.
    pub limit: u64,
    /// `X-RateLimit-Remaining`.
    pub remaining: u64,
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
