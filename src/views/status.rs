//! How fresh and how clean each pair is.

use super::conflicts::{barred, held, unsettled};
use super::notices::{Bars, notices, works_elsewhere};
use super::{ClaimView, newest_title};
use crate::claim::Claim;
use crate::config::{Config, Pair, Poll};
use crate::engine::left_alone_until;
use crate::engine::stop::stop_file_stands;
use crate::model::{ItemId, PairName, Service, Side, Sided, Subject, Timestamp, subject};
use crate::reason::{self, RunEnd, Switched};
use crate::render::{Standing, rfc3339, rfc3339_if_any};
use crate::store::{HoldRow, Holder, RESTORED, StateLock, Store, StoreError, Watching};
use serde::{Serialize, Serializer};

/// Whether somebody has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Everything is fresh and equal.
    Nothing,
    /// Something is late, and the next cycles mend it if they can: a cycle that is overdue or failed, a write that is tried
    /// again, a create whose answer was lost.
    Time,
    /// Somebody has to act: a conflict, a hold that nothing ends by itself, a plan that waits for a yes, a refused token.
    Somebody,
}

impl Need {
    fn act(needed: bool) -> Need {
        match needed {
            true => Need::Somebody,
            false => Need::Nothing,
        }
    }

    fn wait(needed: bool) -> Need {
        match needed {
            true => Need::Time,
            false => Need::Nothing,
        }
    }
}

/// The whole installation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The database that this is read from, as an absolute path.
    pub state: String,
    /// Whether somebody has to do something, about anything below.
    pub need: Need,
    /// What works on the state now; `None`: nothing.
    pub running: Option<Running>,
    /// A daemon that only looks (`--read-only`) and stays; `None`: none, as far as is known.
    pub watching: Option<Running>,
    /// The last cycle, also one that an error ended; `None`: there never was one, or its record is older than the journal.
    pub last_cycle: Option<LastCycle>,
    /// Whether each service takes our token.
    pub tokens: Sided<Token>,
    /// Every configured pair, in the order of the configuration.
    pub pairs: Vec<PairStatus>,
    /// One sentence for each thing that keeps work from being done and is not a hold of its own.
    pub notices: Vec<String>,
    /// Everything that is held, in any pair.
    pub holds: Vec<HoldView>,
}

/// A process that works on the state, or stays and only looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Its id; `None`: not known.
    pub pid: Option<u32>,
    /// What was typed, without the name of the program; `None`: not known.
    pub command: Option<String>,
    /// Since when; `None`: not known.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub since: Option<Timestamp>,
}

/// How a cycle ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastCycle {
    /// Its id.
    pub run: String,
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    pub started_at: Timestamp,
    /// When it ended; `None`: not known.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub finished_at: Option<Timestamp>,
    /// `done`, `stopped` (at least one pair stood still) or `failed` (an error ended it).
    #[serde(serialize_with = "run_end")]
    pub outcome: RunEnd,
    /// How much it wrote.
    pub writes: i64,
    /// How many items it found to belong together, and linked.
    pub linked: i64,
    /// How many links it ended.
    pub unlinked: i64,
    /// How many actions failed.
    pub failures: i64,
    /// Why it stopped or failed; `None`: nothing to say.
    pub detail: Option<String>,
}

fn run_end<S: Serializer>(end: &RunEnd, to: S) -> Result<S::Ok, S::Error> {
    end.key().serialize(to)
}

/// Whether a service takes our token, by what the last cycles met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Token {
    /// It did when a cycle last asked.
    Ok,
    /// It refused it when a cycle last asked.
    Refused {
        /// When it did so first, without taking it in between.
        #[serde(serialize_with = "rfc3339")]
        since: Timestamp,
        /// What it said.
        said: String,
    },
    /// No cycle has asked it anything yet.
    NeverTried,
}

/// The keys of the configuration by which a service lets us in or does not: each of them, when wrong, is answered as a token
/// that is no good is. ClickUp says 401 with an `OAUTH_` code also of a workspace that the token may not see
/// (developer.clickup.com/docs/common_errors), and Azure DevOps signs nobody in to another organisation than the token's.
pub fn keys_of_access(side: Side) -> [&'static str; 2] {
    match side {
        Side::Ado => ["[ado] pat", "[ado] url"],
        Side::ClickUp => ["[clickup] token", "[clickup] workspace"],
    }
}

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairStatus {
    /// Its name.
    pub pair: PairName,
    /// Whether somebody has to do something about it.
    pub need: Need,
    /// When a cycle last ended well; `None`: none ever did.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub last_success: Option<Timestamp>,
    /// When a cycle last got as far as this pair; `None`: none ever did.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub last_attempt: Option<Timestamp>,
    /// When both sides were last listed in full; `None`: never, or the next cycle has to do it anew (`sweep_due`).
    #[serde(serialize_with = "rfc3339_if_any")]
    pub last_sweep: Option<Timestamp>,
    /// Whether the next cycle lists both sides in full whenever the last one did: none did yet, or what one found was not carried
    /// out, because a guard stopped it for example.
    pub sweep_due: bool,
    /// Whether the last success is longer ago than some polls.
    pub stale: bool,
    /// Whether a person said yes to the present scope and mapping.
    pub approved: bool,
    /// Whether that yes was to another scope or mapping. Then nothing that is known of the pair is by the present one.
    #[serde(skip)]
    pub reconfigured: bool,
    /// How many links are alive.
    pub links: u64,
    /// Creates whose answer was lost.
    pub open_intents: usize,
    /// Conflicts that wait for a person, or for both sides to agree.
    pub open_conflicts: usize,
    /// Conflicts in which somebody chose, and no cycle has carried that out yet.
    pub chosen_conflicts: usize,
    /// How many of those are held: a cycle tried, and the next one does not just carry them out.
    #[serde(skip)]
    pub held_choices: usize,
    /// The numbers of those that no cycle carries out at present: their field is switched off, or stands still.
    #[serde(skip)]
    pub barred_choices: Vec<i64>,
    /// When the oldest open one was recorded; `None`: there is none.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub oldest_conflict: Option<Timestamp>,
    /// How much is held, but for what counts as an open conflict.
    pub holds: usize,
    /// Since when the oldest hold is there; `None`: there is none.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub oldest_hold: Option<Timestamp>,
    /// Until when a running daemon leaves the pair alone after it was stopped or could not be listed; `None`: its next cycle
    /// looks at it. A daemon that is started, and a single cycle, look at once.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub next_look: Option<Timestamp>,
    /// Why the pair is not as it should be, else `ok`.
    pub note: String,
    /// The work item that carries the claim on the pair, with the claim; `None`: the pair has none. In JSON the claim alone.
    #[serde(rename = "claim")]
    pub canary: Option<Canary>,
}

impl PairStatus {
    /// Whether its note has nothing to say.
    pub fn is_ok(&self) -> bool {
        self.note == OK
    }
}

const OK: &str = "ok";
const STALE: &str = "stale";
const FREE: &str = "was stopped by the stop file, which is gone: the next cycle goes on";
const TAKEN_OVER: &str = "was taken over: the next cycle plans it";
const NOT_REACHED: &str = "the last cycle ended by an error before it came to this pair";

/// A canary and the claim that this database holds on its pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// The work item.
    pub item: ItemId,
    /// The claim; `None`: not claimed yet. An error is what makes the stored claim unreadable.
    pub held: Result<Option<Claim>, String>,
}

impl Serialize for Canary {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let held = self.held.as_ref().ok().and_then(Option::as_ref);
        held.map(ClaimView::from).serialize(to)
    }
}

/// Something that is deliberately not done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HoldView {
    /// The pair.
    pub pair: PairName,
    /// The side of the item; `None`: it is about no single item.
    pub side: Option<Side>,
    /// The item; as `side`.
    pub item: Option<ItemId>,
    /// Whether the whole item is held, one of its fields, or something that hangs on it.
    #[serde(flatten, with = "subject::named")]
    pub subject: Subject,
    /// The item's title as it was read last; `None`: it is about no single item, or the item was never read.
    pub title: Option<String>,
    /// Why, as a code that is never renamed.
    pub code: String,
    /// Why, in words.
    pub reason: String,
    /// Whether it ends by itself or somebody has to act.
    pub need: Need,
    /// When a cycle first held it.
    #[serde(serialize_with = "rfc3339")]
    pub since: Timestamp,
    /// How often it failed.
    pub tries: u32,
    /// When it is tried again; `None`: by the next cycle where it ends by itself, else not before something changes.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub retry_at: Option<Timestamp>,
    /// The open conflict whose choice ends it, as which it counts; `None`: it counts as a hold.
    pub conflict: Option<i64>,
}

/// Returns how everything stands. `now`: local time.
///
/// # Errors
/// Only the database's.
pub fn status(config: &Config, store: &Store, now: Timestamp) -> Result<Status, StoreError> {
    let path = &config.state.path;
    let tokens = Sided {
        ado: token(config, store, Side::Ado)?,
        clickup: token(config, store, Side::ClickUp)?,
    };
    let pairs: Result<Vec<PairStatus>, StoreError> = config
        .pairs
        .iter()
        .map(|pair| pair_status(config, pair, store, &tokens, now))
        .collect();
    let (mut pairs, last_cycle) = (pairs?, last_cycle(config, store)?);
    for pair in &mut pairs {
        let failed = last_cycle
            .as_ref()
            .filter(|run| run.outcome == RunEnd::Failed);
        let missed =
            failed.is_some_and(|run| pair.last_attempt.is_none_or(|at| at < run.started_at));
        if missed && pair.is_ok() {
            pair.note = NOT_REACHED.to_owned();
        }
    }
    let waiting = store.waiting_conflicts()?;
    let mut holds = Vec::new();
    for row in store.holds(None)? {
        let conflict = waiting.iter().find(|one| one.is_about(&row));
        holds.push(HoldView {
            conflict: conflict.map(|one| one.id),
            ..hold(store, row)?
        });
    }
    let holder = StateLock::holder(path);
    let notices = notices(config, store, now, holder.as_ref())?;
    let refused = Side::BOTH.map(|side| matches!(tokens.get(side), Token::Refused { .. }));
    let failed = last_cycle.as_ref().map(|run| run.outcome == RunEnd::Failed);
    let needs = pairs
        .iter()
        .map(|pair| pair.need)
        .chain(notices.iter().map(|notice| notice.need))
        .chain(refused.map(Need::act))
        .chain([Need::wait(failed == Some(true))]);
    Ok(Status {
        state: std::path::absolute(path)
            .unwrap_or_else(|_| path.clone())
            .display()
            .to_string(),
        need: needs.max().unwrap_or(Need::Nothing),
        running: holder.map(Running::from),
        watching: Watching::holder(path).map(Running::from),
        last_cycle,
        tokens,
        pairs,
        notices: notices.into_iter().map(|notice| notice.text).collect(),
        holds,
    })
}

impl From<Holder> for Running {
    fn from(holder: Holder) -> Running {
        Running {
            pid: holder.pid,
            command: holder.command,
            since: holder.since,
        }
    }
}

/// Returns what is to be said where a process works on another database than the one that is there now; `None`: none does.
pub fn replaced_under_a_process(config: &Config) -> Option<String> {
    let holder = StateLock::holder(&config.state.path)?;
    works_elsewhere(config, &holder).map(|notice| notice.text)
}

/// Cycles and undos that are looked through for the last cycle.
const RECENT: usize = 50;

fn last_cycle(config: &Config, store: &Store) -> Result<Option<LastCycle>, StoreError> {
    let mut runs = store.recent_cycles(RECENT)?.into_iter();
    let last = runs.find(|run| !run.cause.is_undo());
    Ok(last.map(|run| {
        let count = |name: &str| run.counts.get(name).copied().unwrap_or(0);
        LastCycle {
            writes: count("writes"),
            linked: count("linked"),
            unlinked: count("unlinked"),
            failures: count("failures"),
            run: run.id,
            started_at: run.started_at,
            finished_at: run.finished_at,
            outcome: run.outcome,
            detail: run.detail.map(|detail| of_today(config, detail)),
        }
    }))
}

/// What a run had to say, without the advice to take a stop file away that is gone.
fn of_today(config: &Config, detail: String) -> String {
    if stop_file_stands(&config.state.stop_file) {
        return detail;
    }
    let line = |line: &str| {
        let why = line.split_once(": ").map_or(line, |(_, why)| why);
        match [line, why].into_iter().find_map(Switched::file_in) {
            Some(file) => format!("stopped by the file {file}, which is gone"),
            None => line.to_owned(),
        }
    };
    let lines: Vec<String> = detail.lines().map(line).collect();
    lines.join("\n")
}

fn token(config: &Config, store: &Store, side: Side) -> Result<Token, StoreError> {
    if let Some(refused) = store.refused_token(Service::from(side))? {
        return Ok(Token::Refused {
            since: refused.since,
            said: refused.said,
        });
    }
    // A cycle that got as far as a pair has listed both sides.
    for pair in &config.pairs {
        if store.pair_state(&pair.name)?.last_attempt.is_some() {
            return Ok(Token::Ok);
        }
    }
    // So has one that an error did not end, of whatever pairs: they may have had other names then.
    let mut runs = store.recent_cycles(RECENT)?.into_iter();
    let got_in = runs.any(|run| !run.cause.is_undo() && run.outcome == RunEnd::Done);
    Ok(match got_in {
        true => Token::Ok,
        false => Token::NeverTried,
    })
}

fn pair_status(
    config: &Config,
    pair: &Pair,
    store: &Store,
    tokens: &Sided<Token>,
    now: Timestamp,
) -> Result<PairStatus, StoreError> {
    let state = store.pair_state(&pair.name)?;
    let intents = store.open_intents()?.into_iter();
    let open_intents = intents.filter(|intent| intent.pair == pair.name).count();
    let mut conflicts = unsettled(store)?;
    conflicts.retain(|(conflict, _)| conflict.record.pair == pair.name);
    let mut holds = store.holds(Some(&pair.name))?;
    let poll = &config.schedule.poll;
    let stale = state.last_success.is_none_or(|at| is_stale(poll, at, now));
    let before = state.fingerprint.as_deref();
    let approved = before == Some(pair.fingerprint.as_str());
    let (conflicts, chosen): (Vec<_>, Vec<_>) = conflicts
        .into_iter()
        .partition(|(_, standing)| matches!(standing, Standing::Open));
    // One field asks for one decision.
    holds.retain(|hold| !conflicts.iter().any(|(one, _)| one.is_about(hold)));
    let (mut held_choices, mut barred_choices) = (0, Vec::new());
    for (conflict, standing) in &chosen {
        let record = &conflict.record;
        if barred(config, store, &pair.name, &record.field, record.at)?.is_some() {
            barred_choices.push(conflict.id);
        } else if held(store, conflict, *standing)?.is_some() {
            held_choices += 1;
        }
    }
    let chosen = chosen.len();
    let refuses = |side: &Side| matches!(tokens.get(*side), Token::Refused { .. });
    let refuses = Side::BOTH.into_iter().find(refuses);
    // A stop file is taken away by hand, and nothing but the next cycle tells the database.
    let by_file = state.last_error.as_deref().and_then(Switched::file_in);
    let free = by_file.is_some() && !stop_file_stands(&config.state.stop_file);
    // No cycle has looked since, so what the last one said is of the time before.
    let taken = store.takeover(&pair.name)?;
    let taken = taken.is_some_and(|at| state.last_attempt.is_none_or(|last| at >= last));
    let over = free || taken;
    let needs = [
        Need::act((state.last_error.is_some() && !over) || !approved || refuses.is_some()),
        Need::act(!conflicts.is_empty() || !barred_choices.is_empty()),
        Need::act(holds.iter().any(|hold| !hold.why.ends_by_itself())),
        Need::wait(over || stale || open_intents > 0 || chosen > 0 || !holds.is_empty()),
    ];
    Ok(PairStatus {
        pair: pair.name.clone(),
        need: needs.into_iter().max().unwrap_or(Need::Nothing),
        last_success: state.last_success,
        last_attempt: state.last_attempt,
        last_sweep: state.last_sweep,
        sweep_due: state.last_sweep.is_none(),
        stale,
        approved,
        reconfigured: !approved && before.is_some_and(|before| before != RESTORED),
        links: store.count_links(&pair.name)?,
        open_intents,
        open_conflicts: conflicts.len(),
        chosen_conflicts: chosen,
        held_choices,
        barred_choices,
        oldest_conflict: conflicts.iter().map(|(one, _)| one.record.at).min(),
        oldest_hold: holds.iter().map(|hold| hold.since).min(),
        holds: holds.len(),
        next_look: left_alone_until(store, &pair.name, &pair.fingerprint, now)?,
        note: match (state.last_error.filter(|_| !over), approved, stale) {
            // Also where an earlier cycle stopped the pair: before the token is mended nothing else can be.
            _ if let Some(side) = refuses => format!("stands still until {side} lets a cycle in again"),
            (Some(error), _, _) => error,
            // Of what was agreed to there is a fingerprint alone, so nobody can tell which key it was.
            (None, false, _) if state.fingerprint.as_deref() == Some(RESTORED) => {
                "the state was restored from a backup: the next plan compares everything and waits for a yes".to_owned()
            }
            (None, false, _) if state.fingerprint.is_some() => {
                "its configuration (project, area, lists, types, states, people, fields) is another one than the last yes was \
                 for: the next plan waits for a yes"
                    .to_owned()
            }
            (None, false, _) if taken => "was taken over: the next plan waits for a first yes".to_owned(),
            (None, false, _) => "waits for a first yes".to_owned(),
            (None, true, _) if taken => TAKEN_OVER.to_owned(),
            (None, true, _) if free => FREE.to_owned(),
            (None, true, true) => STALE.to_owned(),
            (None, true, false) => OK.to_owned(),
        },
        canary: canary(pair, store)?,
    })
}

/// Turns a stored hold into one that can be shown.
pub(super) fn hold(store: &Store, row: HoldRow) -> Result<HoldView, StoreError> {
    let title = match row.side.zip(row.item.clone()) {
        Some((side, item)) => newest_title(store, row.link, &Sided::of(side, Some(item), None))?,
        None => None,
    };
    Ok(HoldView {
        code: reason::code(&row.why),
        reason: row.reason(),
        need: match row.why.ends_by_itself() {
            true => Need::Time,
            false => Need::Somebody,
        },
        pair: row.pair,
        side: row.side,
        item: row.item,
        subject: row.subject,
        title,
        since: row.since,
        tries: row.tries,
        retry_at: row.retry_at,
        conflict: None,
    })
}

/// Returns what keeps the next cycle from writing in a pair, as sentences. Empty: nothing that is known. `creates`: whether it
/// is about items that are to be created too.
///
/// # Errors
/// Only the database's.
pub fn in_the_way(
    config: &Config,
    store: &Store,
    now: Timestamp,
    pair: &PairName,
    creates: bool,
) -> Result<Vec<String>, StoreError> {
    let status = status(config, store, now)?;
    let holder = StateLock::holder(&config.state.path);
    let notices = notices(config, store, now, holder.as_ref())?.into_iter();
    let notices = notices.filter(|notice| match notice.bars {
        Bars::Writes => true,
        Bars::Creates => creates,
        Bars::Nothing => false,
    });
    let mut why: Vec<String> = notices.map(|notice| notice.text).collect();
    let pairs = status.pairs.into_iter();
    // These say how fresh it is; the next cycle may well write.
    let fresh = [OK, STALE, NOT_REACHED, FREE, TAKEN_OVER];
    let stopped = pairs.filter(|of| of.pair == *pair && !fresh.contains(&of.note.as_str()));
    why.extend(stopped.map(|of| of.note));
    Ok(why)
}

/// Returns the claim that this database holds on a pair.
fn canary(pair: &Pair, store: &Store) -> Result<Option<Canary>, StoreError> {
    let Some(item) = &pair.ado.canary else {
        return Ok(None);
    };
    let held = match store.claim(&pair.name) {
        Err(error @ StoreError::Claim { .. }) => Err(error.to_string()),
        own => Ok(own?.held),
    };
    Ok(Some(Canary {
        item: ItemId(item.clone()),
        held,
    }))
}

/// How long a pair is fresh at least: a single cycle that is late or fails is nothing to call anybody for.
const FRESH_MS: i64 = 300_000;

/// Whether a pair that a cycle last ended well for then is out of date: so many cycles were due since.
fn is_stale(poll: &Poll, success: Timestamp, now: Timestamp) -> bool {
    let missed = match poll {
        Poll::Every(_) => 5,
        // Each is told by the clock, so a cycle that takes long delays none.
        Poll::Cron(_) => 3,
    };
    let overdue = poll.due(success, missed).is_some_and(|at| now > at);
    overdue && now.since(success) > FRESH_MS
}
