//! From a configuration to an engine.

use super::{Failure, env, rules};
use crate::cli::ExitCode;
use crate::clock::SystemClock;
use crate::config::{Config, Pair, SecretSource};
use crate::connector::client::ReadAgain;
use crate::connector::customs::Customs;
use crate::connector::limiter::log::SendLog;
use crate::connector::vocabulary::Vocabulary;
use crate::connector::{Kept, Reader, Writer};
use crate::engine::rails::Safety;
use crate::engine::stop::StopSwitch;
use crate::engine::{Engine, Timing, Writers, failed_at_start};
use crate::marker::MarkerKey;
use crate::model::{Clock, ItemId, Side, Sided};
use crate::store::{SendFile, StateLock, Store};
use crate::{azure, clickup};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Both halves of both services.
pub struct Services {
    /// The reading halves, and what they said of their own words.
    pub sources: Sources,
    /// The writing halves.
    pub writers: Writers,
    /// Says how many requests were sent to each service and what is left, in a few words.
    pub budget: Arc<dyn Fn() -> String + Send + Sync>,
    /// Tells answers to this configuration and token from others, as a hash.
    asked_by: String,
}

/// What the rules of a pair are made from, besides the configuration.
#[derive(Clone)]
pub struct Sources {
    /// The reading halves of both services.
    pub readers: Sided<Arc<dyn Reader>>,
    /// What the services said of their types, states, lists, members and fields.
    pub vocabulary: Arc<Vocabulary>,
    /// What the custom fields of each pair are; the clients read and write by it.
    pub customs: Arc<Customs>,
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
        asked_by,
        sources: Sources {
            readers: Sided {
                ado: Arc::new(ado_reader),
                clickup: Arc::new(clickup_reader),
            },
            vocabulary,
            customs,
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

/// Has an engine that only looks see what other commands have made of the state since. What it found out itself stays in the services,
/// where the next cycle finds it again.
pub fn look_again(config: &Config, sources: &Sources, engine: &mut Engine) -> Result<(), Failure> {
    let (mut store, _) = open_state_read_only(config)?;
    rules::follow_fields(config, sources, &mut store, &mut engine.policies)?;
    engine.store = Mutex::new(store);
    Ok(())
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
    let sources = &services.sources;
    if names == Names::Kept {
        let kept = store.vocabulary(&services.asked_by)?;
        sources.vocabulary.hand_down(kept);
    }
    store.keep_vocabulary(Arc::clone(&sources.vocabulary), &services.asked_by);
    let policies = match rules::policies(config, sources).await {
        Ok(mut policies) => {
            rules::follow_fields(config, sources, &mut store, &mut policies)?;
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
        readers: sources.readers.clone(),
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
