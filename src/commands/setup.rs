//! From a configuration to an engine.

use super::{Failure, customs, env};
use crate::cli::ExitCode;
use crate::clock::SystemClock;
use crate::config::{
    Config, ConflictPolicy, CreateSide, OnDelete as Removal, Pair, Places, SecretSource,
};
use crate::connector::client::ReadAgain;
use crate::connector::customs::Customs;
use crate::connector::limiter::log::SendLog;
use crate::connector::vocabulary::Vocabulary;
use crate::connector::{ConnectorError, ErrorKind, Kept, Reader, Schema, Writer};
use crate::engine::rails::Safety;
use crate::engine::stop::StopSwitch;
use crate::engine::{Engine, Timing, Writers, failed_at_start};
use crate::field::negotiate::Agreed;
use crate::mapping::{People, Relation};
use crate::marker::MarkerKey;
use crate::model::{Clock, FieldKey, ItemId, Side, Sided};
use crate::reconcile::identity;
use crate::reconcile::policy::{FieldPolicy, GuardLimits, OnDelete, Policy};
use crate::store::{SendFile, StateLock, Store, StoreError};
use crate::{azure, clickup};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Both halves of both services.
pub struct Services {
    /// The reading halves.
    pub readers: Sided<Arc<dyn Reader>>,
    /// The writing halves.
    pub writers: Writers,
    /// Says how many requests were sent to each service and what is left, in a few words.
    pub budget: Arc<dyn Fn() -> String + Send + Sync>,
    /// What the services said of their types, states, lists, members and fields.
    pub vocabulary: Arc<Vocabulary>,
    /// What the custom fields of each pair are; the clients read and write by it.
    customs: Arc<Customs>,
    /// Tells answers to this configuration and token from others, as a hash.
    asked_by: String,
}

/// Whether a command takes the names of types, states, lists and members from what earlier processes were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Yes, where that is not too old ([`crate::connector::vocabulary`]).
    Kept,
    /// No: the services are asked, and what they say is kept.
    Anew,
}

/// Reads the configuration and says its warnings.
pub fn config(path: Option<&Path>) -> Result<Config, Failure> {
    let config = crate::config::load(path, &env)?;
    refuse_misplaced(&config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

/// Builds the clients. Sends nothing.
pub fn connect(config: &Config, cancel: &CancellationToken) -> Result<Services, Failure> {
    let secret = |key: &str, source: &SecretSource| {
        source
            .read(&env, &config.base_dir())
            .map_err(|error| Failure::new(ExitCode::Credentials, format!("{key}: {error}")))
    };
    let pat = secret("[ado] pat", &config.ado.pat);
    let token = secret("[clickup] token", &config.clickup.token);
    let (pat, token) = match (pat, token) {
        (Ok(pat), Ok(token)) => (pat, token),
        (Err(one), Err(other)) => return Err(one.and(&other)),
        (Err(one), Ok(_)) | (Ok(_), Err(one)) => return Err(one),
    };
    refuse_misplaced(config)?;
    let asked_by = asked_by(config, &token);
    let vocabulary: Arc<Vocabulary> = Arc::default();
    let customs: Arc<Customs> = Arc::default();
    let kept = |side: Side, url: &str, token: &SecretSource| Kept {
        sends: SendFile::beside(&config.state.path, side.into(), url)
            .map(|sends| Arc::new(sends) as Arc<dyn SendLog>),
        vocabulary: Arc::clone(&vocabulary),
        customs: Arc::clone(&customs),
        token: Some(read_again(token, config)),
    };
    let (ado_reader, ado_writer) = azure::connect(azure::Settings {
        url: config.ado.url.clone(),
        pat,
        requests_per_second: config.ado.requests_per_second,
        time_zone: config.ado.time_zone,
        pairs: config.pairs.iter().map(ado_scope).collect(),
        cancel: cancel.clone(),
        max_body: None,
        kept: kept(Side::Ado, &config.ado.url, &config.ado.pat),
    })?;
    let (clickup_reader, clickup_writer) = clickup::connect(clickup::Settings {
        url: config.clickup.url.clone(),
        workspace: config.clickup.workspace.clone(),
        token,
        requests_per_minute: config.clickup.requests_per_minute,
        pairs: config
            .pairs
            .iter()
            .map(|pair| clickup_scope(pair, &config.ado.url))
            .collect(),
        cancel: cancel.clone(),
        max_body: None,
        kept: kept(Side::ClickUp, &config.clickup.url, &config.clickup.token),
    })?;
    let (ado_client, clickup_client) = (ado_reader.clone(), clickup_reader.http().clone());
    let budget = move || {
        let (ado, clickup) = (ado_client.budget(), clickup_client.budget());
        let left = clickup
            .remaining
            .map_or_else(String::new, |left| format!(", {left} left"));
        format!(
            "requests: ADO {}, ClickUp {}{left}",
            ado.requests, clickup.requests
        )
    };
    Ok(Services {
        budget: Arc::new(budget),
        vocabulary,
        customs,
        asked_by,
        readers: Sided {
            ado: Arc::new(ado_reader),
            clickup: Arc::new(clickup_reader),
        },
        writers: Sided {
            ado: Arc::new(ado_writer) as Arc<dyn Writer>,
            clickup: Arc::new(clickup_writer) as Arc<dyn Writer>,
        },
    })
}

/// Reads a token again after it was refused: whoever replaced it put the new one where the old one was.
fn read_again(source: &SecretSource, config: &Config) -> ReadAgain {
    let (source, folder) = (source.clone(), config.base_dir());
    Arc::new(move || match source.read(&env, &folder) {
        Ok(secret) => Some(secret),
        Err(error) => {
            tracing::warn!("a token was refused, and cannot be read again: {error}");
            None
        }
    })
}

/// Hashes what answers about names depend on besides the place that is asked: the pairs, and who the token of ClickUp
/// belongs to, whose time zone days are told in.
fn asked_by(config: &Config, token: &SecretString) -> String {
    let mut hash = Sha256::new();
    for part in ["names", &config.fingerprint, token.expose_secret().trim()] {
        hash.update(part);
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

/// Refuses a configuration one of whose values is a credential in use: as a name it would reach logs, the state and the
/// other service. The arguments of secret commands are no part of what is looked at.
fn refuse_misplaced(config: &Config) -> Result<(), Failure> {
    if !crate::redact::holds(format!("{config:?}").as_bytes()) {
        return Ok(());
    }
    let text = std::fs::read_to_string(&config.path).unwrap_or_default();
    let line = text
        .lines()
        .position(|line| crate::redact::holds(line.as_bytes()));
    let place = match line {
        Some(index) => format!("{}:{}", config.path.display(), index + 1),
        None => "the environment".to_owned(),
    };
    Err(Failure::new(
        ExitCode::Config,
        format!(
            "{place}: one of the tokens in use stands where a name or an address belongs\nhelp: take it out, and \
             replace the token: it may have been shown to others"
        ),
    ))
}

fn ado_scope(pair: &Pair) -> azure::Scope {
    azure::Scope {
        pair: pair.name.clone(),
        project: pair.ado.project.clone(),
        area: pair.ado.area.clone(),
        condition: pair.ado.condition.clone(),
        assigned_to: pair.ado.assigned_to.clone(),
        default_type: pair
            .types
            .first()
            .map_or_else(|| "Task".to_owned(), |(ado, _)| ado.clone()),
        area_for_new: None,
        fields: pair.wanted(),
        marker_hosts: Vec::new(),
    }
}

fn clickup_scope(pair: &Pair, ado_url: &str) -> clickup::Scope {
    clickup::Scope {
        pair: pair.name.clone(),
        list: pair.clickup.list.clone(),
        lists: pair.clickup.lists.clone(),
        fields: pair.wanted(),
        default_type: None,
        ado_url_prefix: ado_url.to_owned(),
    }
}

/// Opens the state for writing, as the only process that may.
pub fn open_state(config: &Config) -> Result<(StateLock, Store, MarkerKey), Failure> {
    crate::store::examine(&config.state.path)?;
    let lock = StateLock::acquire(&config.state.path)?;
    let store = Store::start(&lock, SystemClock.now())?;
    #[cfg(debug_assertions)]
    let store = die_at_commit(store);
    let mut store = store;
    let key = crate::store::load_or_create_key(&lock)?;
    if !store.remember_key(&key)? {
        tracing::warn!(
            "the key file is not the one that this database was first used with: markers on the items count as a \
             stranger's; restore the key from a backup (`boardsync doctor`)"
        );
    }
    Ok((lock, store, key))
}

/// Lets a crash test (tests/process/kills.rs) have this process killed at the n-th edge of a commit, odd ones before and even
/// ones after it. Debug builds only: a program that people run has no such switch.
#[cfg(debug_assertions)]
fn die_at_commit(mut store: Store) -> Store {
    let Some(mut left) = env("BOARDSYNC_DIE_AT_COMMIT").and_then(|n| n.parse::<u32>().ok()) else {
        return store;
    };
    store.on_commit(Box::new(move |_, _| {
        left = left.saturating_sub(1);
        if left == 0 {
            // A true SIGKILL, so that nothing of this process runs any more: no destructor, no flush, no unlock.
            let me = std::process::id().to_string();
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &me])
                .status();
            loop {
                std::thread::park();
            }
        }
        false
    }));
    store
}

/// Opens the state for looking. Changes no byte of it, and works beside a running daemon.
pub fn open_state_read_only(config: &Config) -> Result<(Store, MarkerKey), Failure> {
    let store = Store::look(&config.state.path, SystemClock.now())?;
    // Without a key file nothing was ever created, so no marker can be ours.
    let key =
        crate::store::load_key(&config.state.path)?.unwrap_or_else(|| MarkerKey::new([0; 32]));
    Ok((store, key))
}

/// Builds the engine, with names as the services have them now.
pub async fn engine(
    config: &Config,
    services: &Services,
    store: Store,
    key: MarkerKey,
) -> Result<Engine, Failure> {
    build(config, services, (store, key), Names::Anew, false).await
}

/// As [`engine`], for cycles: says where names come from, and an error counts as a cycle that it ended.
pub async fn engine_with(
    config: &Config,
    services: &Services,
    state: (Store, MarkerKey),
    names: Names,
) -> Result<Engine, Failure> {
    build(config, services, state, names, true).await
}

async fn build(
    config: &Config,
    services: &Services,
    (mut store, key): (Store, MarkerKey),
    names: Names,
    for_cycles: bool,
) -> Result<Engine, Failure> {
    if names == Names::Kept {
        let kept = store.vocabulary(&services.asked_by)?;
        services.vocabulary.hand_down(kept);
    }
    store.keep_vocabulary(Arc::clone(&services.vocabulary), &services.asked_by);
    let policies = match policies(config, services).await {
        Ok(mut policies) => {
            follow_fields(config, services, &mut store, &mut policies)?;
            policies
        }
        Err(error) => {
            failed_at_start(&mut store, SystemClock.now(), &error, for_cycles)?;
            return Err(error.into());
        }
    };
    let ms =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Ok(Engine {
        readers: services.readers.clone(),
        store: Mutex::new(store),
        clock: Arc::new(SystemClock),
        policies,
        key,
        timing: Timing {
            quiet_ms: ms(config.schedule.quiet_time),
            sweep_ms: ms(config.schedule.sweep),
            journal_ms: i64::from(config.state.journal_days).saturating_mul(24 * 3_600_000),
            ..Timing::default()
        },
        safety: Safety {
            stop_file: Some(config.state.stop_file.clone()),
            canaries: config
                .pairs
                .iter()
                .map(|pair| (pair.name.clone(), canaries(pair)))
                .collect(),
            place: place(&config.state.path),
            host: host(),
            stop: StopSwitch::default(),
        },
        interrupt: None,
        progress: None,
    })
}

/// Tells this machine and folder from others, as a hash: the machine's id is nobody's business.
pub(super) fn place(database: &Path) -> String {
    // machine-id(5): set once for each installation of the system. Where there is none, the folder alone must do.
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let path = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut hash = Sha256::new();
    hash.update(machine.trim().as_bytes());
    hash.update([0]);
    hash.update(path.as_os_str().as_encoded_bytes());
    hex::encode(hash.finalize())
}

/// This machine's name; empty where the system does not tell it.
fn host() -> String {
    // proc(5) and hostname(5); a hardened service does not see the first (systemd.exec(5), ProcSubset).
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| env("COMPUTERNAME"))
        .or_else(|| env("HOSTNAME"))
        .unwrap_or_default()
}

fn canaries(pair: &Pair) -> Sided<Option<ItemId>> {
    Sided {
        ado: pair.ado.canary.clone().map(ItemId),
        clickup: pair.clickup.canary.clone().map(ItemId),
    }
}

/// A vocabulary that is refused for one pair is no reason to stop the others: without it nothing is known of the pair's
/// states, and its listing says what is wrong.
fn own_trouble(schema: Result<Schema, ConnectorError>) -> Result<Schema, ConnectorError> {
    match schema {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
            tracing::warn!("the states cannot be proposed: {error}");
            Ok(Schema::default())
        }
        other => other,
    }
}

/// Compares what the fields of each pair stand for with what they stood for when they were synced last. A store that was opened
/// for looking follows in memory alone.
fn follow_fields(
    config: &Config,
    services: &Services,
    store: &mut Store,
    policies: &mut [Policy],
) -> Result<(), StoreError> {
    for (pair, policy) in config.pairs.iter().zip(policies) {
        let known = store.identities(&pair.name)?;
        customs::pause_made_anew(config, policy, &known);
        let agreed = services.customs.of(&pair.name).unwrap_or_default();
        policy.identities = customs::identities(pair, policy, &agreed);
        let moves = identity::moves(&known, &policy.identities);
        if !moves.is_empty() {
            store.follow(&pair.name, &moves)?;
            customs::tell(pair, &moves);
        }
    }
    Ok(())
}

/// Returns the rules of every pair.
pub(super) async fn policies(
    config: &Config,
    services: &Services,
) -> Result<Vec<Policy>, ConnectorError> {
    let mut policies = Vec::new();
    for pair in &config.pairs {
        policies.push(policy(config, pair, services).await?);
    }
    Ok(policies)
}

/// Returns whether proposed tables of states, or what custom fields are, were made from kept names that an item has just shown to be
/// out of date. What
/// was planned by them must be planned again, after [`renew`].
pub fn outdated(config: &Config, services: &Services) -> bool {
    let made_from_names = |pair: &Pair| {
        let mut fields = pair.fields.iter();
        pair.states.is_empty() || fields.any(|field| field.key.is_custom())
    };
    let made_from_names = config.pairs.iter().any(made_from_names);
    services.vocabulary.take_contradicted() && made_from_names
}

/// Makes proposed tables of states, and what custom fields are, anew, from names as the services have them now.
pub async fn renew(
    config: &Config,
    services: &Services,
    engine: &mut Engine,
) -> Result<(), Failure> {
    let mut policies = policies(config, services).await?;
    follow_fields(config, services, &mut engine.store(), &mut policies)?;
    engine.policies = policies;
    Ok(())
}

async fn policy(
    config: &Config,
    pair: &Pair,
    services: &Services,
) -> Result<Policy, ConnectorError> {
    let mut states = pair.states.clone();
    let (mut agreed, mut paused) = Default::default();
    let has_customs = pair.fields.iter().any(|field| field.key.is_custom());
    if states.is_empty() || has_customs {
        let readers = &services.readers;
        let schema = Sided {
            ado: own_trouble(readers.ado.fetch_schema(&pair.name).await)?,
            clickup: own_trouble(readers.clickup.fetch_schema(&pair.name).await)?,
        };
        if states.is_empty() {
            states = propose_states(&schema.ado, &schema.clickup);
        }
        if has_customs {
            let mut found = customs::agreements(pair, &schema);
            let earlier = config
                .pairs
                .iter()
                .take_while(|other| other.name != pair.name);
            let earlier =
                earlier.filter_map(|other| Some((other, services.customs.of(&other.name)?)));
            customs::refuse_clashes(pair, &mut found, earlier);
            (agreed, paused) = customs::split(pair, found, &Places::of(config));
        }
    }
    let rules = agreed
        .iter()
        .map(|(key, agreed): (&FieldKey, &Agreed)| (key.clone(), agreed.rule.clone()));
    let rules = rules.collect();
    services.customs.put(&pair.name, agreed);
    let pairs = |rows: &[(String, String)]| {
        Relation::new(rows.iter().map(|(a, c)| (a.as_str(), c.as_str())))
    };
    let winner = |policy: ConflictPolicy| match policy {
        ConflictPolicy::Ado => Some(Side::Ado),
        ConflictPolicy::ClickUp => Some(Side::ClickUp),
        ConflictPolicy::Hold => None,
    };
    let fields = pair
        .fields
        .iter()
        .filter(|field| field.key != FieldKey::Type || !pair.types.is_empty())
        .filter(|field| !paused.contains_key(&field.key))
        .map(|field| {
            let rule = FieldPolicy {
                direction: field.direction,
                winner: winner(field.conflict.unwrap_or(pair.conflict)),
            };
            (field.key.clone(), rule)
        })
        .collect();
    let guard = &config.guard;
    let percent = |value: u32| f64::from(value);
    Ok(Policy {
        pair: pair.name.clone(),
        fingerprint: pair.fingerprint.clone(),
        approved: false,
        create_on: match pair.create {
            CreateSide::Both => vec![Side::Ado, Side::ClickUp],
            CreateSide::Ado => vec![Side::Ado],
            CreateSide::ClickUp => vec![Side::ClickUp],
            CreateSide::None => Vec::new(),
        },
        on_delete: match pair.on_delete {
            Removal::Unlink => OnDelete::Unlink,
            Removal::Close => OnDelete::Close,
            Removal::Delete => OnDelete::Delete,
        },
        fields,
        customs: rules,
        paused,
        identities: BTreeMap::new(),
        closed_states: Sided::default(),
        states: pairs(&states),
        types: pairs(&pair.types),
        people: People::new(
            pair.people.iter().map(|(a, c)| (a.as_str(), c.as_str())),
            None,
        ),
        backlink: pair.backlink,
        guard: GuardLimits {
            creates: (guard.max_creates, percent(guard.creates_percent)),
            updates: (guard.max_updates, percent(guard.updates_percent)),
            clears: (guard.max_clears, percent(guard.clears_percent)),
            deletes: (guard.max_deletes, percent(guard.deletes_percent)),
            noise: percent(guard.noise_percent),
        },
    })
}

/// Proposes a state table from the categories, where the configuration has none: every ADO state beside the first
/// ClickUp status of the matching kind, and every ClickUp status beside at least one state.
pub(super) fn propose_states(ado: &Schema, clickup: &Schema) -> Vec<(String, String)> {
    let kinds = |category: &str| match category {
        "Proposed" => ["open", "unstarted", "custom"],
        "InProgress" => ["custom", "unstarted", "open"],
        "Resolved" => ["done", "custom", "closed"],
        _ => ["closed", "done", "custom"],
    };
    let mut states: Vec<(&str, &str)> = Vec::new();
    for state in ado.types.iter().flat_map(|kind| &kind.states) {
        if !states.iter().any(|(name, _)| *name == state.name) {
            states.push((&state.name, &state.category));
        }
    }
    let statuses: Vec<(&str, &str)> = clickup
        .types
        .first()
        .map(|kind| {
            kind.states
                .iter()
                .map(|s| (s.name.as_str(), s.category.as_str()))
                .collect()
        })
        .unwrap_or_default();
    let mut rows = Vec::new();
    for (state, category) in &states {
        let status = kinds(category)
            .iter()
            .find_map(|kind| statuses.iter().find(|(_, of)| of == kind));
        if let Some((status, _)) = status {
            rows.push(((*state).to_owned(), (*status).to_owned()));
        }
    }
    for (status, kind) in &statuses {
        if rows.iter().any(|(_, used)| used == status) {
            continue;
        }
        let state = states
            .iter()
            .find(|(_, category)| kinds(category).first() == Some(kind))
            .or(states.first());
        if let Some((state, _)) = state {
            rows.push(((*state).to_owned(), (*status).to_owned()));
        }
    }
    rows
}
