//! How fresh and how clean each pair is.

use super::ClaimView;
use super::notices::notices;
use crate::claim::Claim;
use crate::config::{Config, Pair, Poll};
use crate::model::{ItemId, PairName, Side, Subject, Timestamp, subject};
use crate::store::{Store, StoreError};
use serde::{Serialize, Serializer};

/// The whole installation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Every configured pair, in the order of the configuration.
    pub pairs: Vec<PairStatus>,
    /// One sentence for each thing that keeps work from being done and is not a hold of its own.
    pub notices: Vec<String>,
    /// Everything that is held, in any pair. Not in JSON, where each pair has their number.
    #[serde(skip)]
    pub holds: Vec<HoldView>,
}

impl Status {
    /// Whether there is nothing for anybody to do.
    pub fn clean(&self) -> bool {
        self.notices.is_empty() && self.pairs.iter().all(PairStatus::clean)
    }
}

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairStatus {
    /// Its name.
    pub pair: PairName,
    /// When a cycle last ended well; `None`: none ever did.
    #[serde(rename = "last_success_ms")]
    pub last_success: Option<Timestamp>,
    /// When a cycle last got as far as this pair; `None`: none ever did.
    #[serde(rename = "last_attempt_ms")]
    pub last_attempt: Option<Timestamp>,
    /// When both sides were last listed in full; `None`: never, or they are to be listed in full next.
    #[serde(rename = "last_sweep_ms")]
    pub last_sweep: Option<Timestamp>,
    /// Whether the last success is longer ago than some polls.
    pub stale: bool,
    /// Whether a person said yes to the present scope and mapping.
    pub approved: bool,
    /// How many links are alive.
    pub links: u64,
    /// Creates whose answer was lost.
    pub open_intents: usize,
    /// Conflicts that wait for a person, or for both sides to agree.
    pub open_conflicts: usize,
    /// How much is held.
    pub holds: usize,
    /// Why the pair is not as it should be, else `ok`.
    pub note: String,
    /// The work item that carries the claim on the pair, with the claim; `None`: the pair has none. In JSON the claim alone.
    #[serde(rename = "claim")]
    pub canary: Option<Canary>,
}

impl PairStatus {
    /// Whether there is nothing for anybody to do.
    pub fn clean(&self) -> bool {
        self.note == OK && self.holds + self.open_intents + self.open_conflicts == 0
    }
}

const OK: &str = "ok";

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
    /// Why, in words.
    pub reason: String,
}

/// Returns how everything stands. `now`: local time.
///
/// # Errors
/// Only the database's.
pub fn status(config: &Config, store: &Store, now: Timestamp) -> Result<Status, StoreError> {
    let stale_after = stale_after(&config.schedule.poll);
    let intents = store.open_intents()?;
    let conflicts = store.conflicts(true)?;
    let look = |pair: &Pair| {
        let state = store.pair_state(&pair.name)?;
        let intents = intents.iter().filter(|intent| intent.pair == pair.name);
        let conflicts = conflicts.iter();
        let stale = state
            .last_success
            .is_none_or(|at| now.since(at) > stale_after);
        let approved = state.fingerprint.as_deref() == Some(pair.fingerprint.as_str());
        Ok(PairStatus {
            pair: pair.name.clone(),
            last_success: state.last_success,
            last_attempt: state.last_attempt,
            last_sweep: state.last_sweep,
            stale,
            approved,
            links: store.count_links(&pair.name)?,
            open_intents: intents.count(),
            open_conflicts: conflicts
                .filter(|conflict| conflict.record.pair == pair.name)
                .count(),
            holds: store.holds(Some(&pair.name))?.len(),
            note: match (state.last_error, approved, stale) {
                (Some(error), _, _) => error,
                (None, false, _) => "waits for a first yes".to_owned(),
                (None, true, true) => "stale".to_owned(),
                (None, true, false) => OK.to_owned(),
            },
            canary: canary(pair, store)?,
        })
    };
    let pairs: Result<Vec<PairStatus>, StoreError> = config.pairs.iter().map(look).collect();
    let holds = store.holds(None)?.into_iter().map(|hold| HoldView {
        reason: hold.reason(),
        pair: hold.pair,
        side: hold.side,
        item: hold.item,
        subject: hold.subject,
    });
    Ok(Status {
        pairs: pairs?,
        notices: notices(config, store, now)?,
        holds: holds.collect(),
    })
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

/// After how many milliseconds without a success a pair counts as stale.
fn stale_after(poll: &Poll) -> i64 {
    match poll {
        Poll::Every(every) => i64::try_from(every.as_millis())
            .unwrap_or(i64::MAX)
            .saturating_mul(5)
            .max(300_000),
        Poll::Cron(_) => 24 * 3_600_000,
    }
}
