//! One cycle: recover, observe, plan, guard, show or apply, commit.
//!
//! The engine knows traits, not vendors. Everything it decides comes from [`crate::reconcile`]; here things are only fetched,
//! carried out and recorded. [`Engine::cycle`] is the one sequence of its steps. A dry run calls [`Engine::observe`] and
//! stops: that half of the engine has no writer.

pub mod apply;
mod backoff;
mod begun;
pub mod claim;
pub mod cycle;
pub mod daemon;
pub mod deeds;
mod failed;
mod housekeeping;
mod looked;
pub mod observe;
pub mod rails;
pub mod recover;
pub mod stop;
mod strangers;
mod trouble;

pub use backoff::left_alone_until;
pub use failed::failed_at_start;
pub use looked::Seen;

use crate::connector::{ConnectorError, Reader, Writer};
use crate::marker::MarkerKey;
use crate::model::{Clock, PairName, Side, Sided, Timestamp};
use crate::reconcile::policy::Policy;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The writing half of both services. Only `apply` takes one.
pub type Writers = Sided<Arc<dyn Writer>>;

/// Everything a cycle needs but the writers.
pub struct Engine {
    /// The reading half of both services.
    pub readers: Sided<Arc<dyn Reader>>,
    /// The state.
    pub store: Mutex<Store>,
    /// Local time, for waits and for showing.
    pub clock: Arc<dyn Clock>,
    /// The rules of every configured pair, in configuration order.
    pub policies: Vec<Policy>,
    /// Signs and checks markers.
    pub key: MarkerKey,
    /// Waits and intervals.
    pub timing: Timing,
    /// What keeps writes back from outside.
    pub safety: rails::Safety,
    /// Where a test or the demo may stop the process; see [`Interrupt`].
    pub interrupt: Option<Interrupt>,
    /// Told after every action, for a progress display; see [`Progress`].
    pub progress: Option<Progress>,
}

/// Called with the number of actions that were dealt with and the number in the plan.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Called with the name of every point between two durable steps. Returning true abandons the cycle there, as a kill
/// would: nothing after that point is done. Production leaves it out.
pub type Interrupt = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Waits and intervals, in milliseconds of local time.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a create whose answer was lost is only looked for before it may be sent again.
    pub quiet_ms: i64,
    /// How often both sides are listed in full.
    pub sweep_ms: i64,
    /// How far apart two reads must be that both say "deleted" where the service has no recycle bin to show.
    pub gone_ms: i64,
    /// How old a read may be for a write to a side without compare-and-swap to stand on it.
    pub stale_ms: i64,
    /// For how long journal lines are kept.
    pub journal_ms: i64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            quiet_ms: 300_000,
            sweep_ms: 6 * 3_600_000,
            gone_ms: 600_000,
            stale_ms: 1_000,
            journal_ms: 90 * 24 * 3_600_000,
        }
    }
}

/// What kind of cycle is asked for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Sweep everything, whatever the interval says.
    pub full: bool,
    /// Only these pairs; empty: all.
    pub only: BTreeSet<PairName>,
    /// Nobody is waiting for the answer: a pair whose plan was stopped is planned again only after a while.
    pub patient: bool,
}

/// Why a cycle could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// A service could not be read or written.
    #[error("the cycle stopped at a service")]
    Connector(#[from] ConnectorError),
    /// The state could not be read or written.
    #[error("the cycle stopped at the database")]
    Store(#[from] StoreError),
    /// A service keeps failing and is left alone for a while.
    #[error(
        "{side} is left alone until {until}, or until its token is replaced or boardsync is started again, because it failed: {reason}"
    )]
    Paused {
        /// The service.
        side: Side,
        /// Local time of the next probe.
        until: Timestamp,
        /// Its last error.
        reason: String,
    },
    /// No copy of the database could be made before a large plan; nothing of the plan was carried out.
    #[error(
        "nothing was written: the database could not be backed up before so large a plan; make room or correct the rights of its folder"
    )]
    Backup(#[source] StoreError),
    /// The interrupt hook asked for it.
    #[error("the cycle was interrupted at {0}")]
    Interrupted(String),
}

impl Engine {
    /// Borrows the store for one synchronous step. Never held across an await.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the rules of a pair.
    pub fn policy(&self, pair: &PairName) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.pair == *pair)
    }

    fn point(&self, name: &str) -> Result<(), CycleError> {
        match &self.interrupt {
            Some(hook) if hook(name) => Err(CycleError::Interrupted(name.to_owned())),
            Some(_) | None => Ok(()),
        }
    }
}
