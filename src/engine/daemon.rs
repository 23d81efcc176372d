//! The long-running loop: a bell rings, one cycle runs to its end, the bell is heard again.
//!
//! The scheduler only rings. It polls the wall clock and would start a second run beside a slow first one, so no work
//! is done in its jobs: rings that come during a cycle melt into one. A plain timer beside it rings as well, because a
//! clock that was set back silences cron jobs until it has caught up.

use super::apply::{Consent, Report, about};
use super::cycle::{Answer, Approver};
use super::observe::Observed;
use super::rails::trips;
use super::{CycleError, Engine, Scope, Writers};
use crate::config::Poll;
use crate::connector::ErrorKind;
use crate::model::{PairName, Side};
use crate::reconcile::plan::Plan;
use crate::store::StateLock;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_cron_scheduler::{Job, JobScheduler};

/// Why the loop ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The schedule could not be set up, or the state could not be read.
    #[error("{0}")]
    Setup(String),
    /// The state's files are not those any more that this process has open.
    #[error(
        "{0}. Nothing more is written: what this process knows is not what the file knows that is there now. Of -wal and -shm \
         files delete none: they belong to the database that was there before, whose last changes may be in them alone. Keep \
         them beside that one, wherever it is now, and away from any other; then start boardsync again"
    )]
    Lost(String),
}

impl From<String> for DaemonError {
    fn from(what: String) -> Self {
        DaemonError::Setup(what)
    }
}

/// Runs cycles until the engine's stop switch is asked. Without writers every cycle only looks and plans. A cycle that is under way
/// ends cleanly: what was sent is recorded. `refresh` is called before each of them, and may put other rules in their place.
///
/// `lock` is that of the state, where it is open for writing: each cycle says by it that the daemon is at work, and none
/// begins once the files of the state are others.
///
/// # Errors
/// When the schedule cannot be set up, and when the files of the state were replaced; a failing cycle is logged and the next
/// one comes.
pub async fn run(
    engine: &mut Engine,
    writers: Option<&Writers>,
    poll: &Poll,
    (scope, mut refresh): (&Scope, impl AsyncFnMut(&mut Engine)),
    lock: Option<&StateLock>,
) -> Result<(), DaemonError> {
    let bell = Arc::new(Notify::new());
    bell.notify_one();
    let (cron, fallback) = schedule_of(poll);
    let mut scheduler = JobScheduler::new()
        .await
        .map_err(|error| format!("cannot start the scheduler: {error}"))?;
    if let Some(cron) = cron {
        let ring = bell.clone();
        let job = Job::new(cron.as_str(), move |_, _| ring.notify_one())
            .map_err(|error| format!("cannot read the schedule {cron:?}: {error}"))?;
        scheduler
            .add(job)
            .await
            .map_err(|error| format!("cannot schedule: {error}"))?;
    }
    let mut watchdog = None;
    if let Some(limit) = sd_notify::watchdog_enabled() {
        watchdog = Some(tokio::spawn(beat(limit / 2, || {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        })));
    }
    scheduler
        .start()
        .await
        .map_err(|error| format!("cannot start the scheduler: {error}"))?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    engine
        .try_at_once()
        .map_err(|error| format!("cannot read the state: {error}"))?;
    // The first cycle looks at every pair, so that a restart shows at once what still waits for a yes.
    let mut full = scope.clone();
    let mut told = Told::default();
    loop {
        tokio::select! {
            () = engine.safety.stop.wait() => break,
            () = bell.notified() => {}
            () = tokio::time::sleep(fallback) => {}
        }
        if let Some(lock) = lock {
            if let Some(lost) = lock.lost() {
                return Err(DaemonError::Lost(lost));
            }
            lock.beat(engine.clock.now());
        }
        refresh(engine).await;
        match one(engine, writers, &full, &mut told).await {
            Ok(report) => {
                told.cycle(&report);
                full.full = false;
                full.patient = true;
            }
            Err(CycleError::Connector(error)) if error.kind == ErrorKind::Cancelled => break,
            Err(error) => told.failure(&error),
        }
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let _ = scheduler.shutdown().await;
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    tracing::info!("stopped; nothing is under way any more");
    Ok(())
}

/// Tells the supervisor that the process is alive, for ever. Beside the cycles and not once in each: a full listing of a
/// large board may take longer than the limit, and a cycle that waits for a throttled service is alive. On the
/// monotonic clock and not from a scheduled job: a wall clock that is set back must not look like a hang.
async fn beat(every: Duration, tell: impl Fn()) {
    let mut timer = tokio::time::interval(every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        tell();
    }
}

/// Says yes to what needs no person: a daemon asks nobody, and what waits for a yes goes on waiting.
struct Nobody;

impl Approver for Nobody {
    type Error = CycleError;

    fn comes_again(&self) -> bool {
        true
    }

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        Ok(Answer::CarryOut(Box::new(observed), Consent::default()))
    }
}

async fn one(
    engine: &Engine,
    writers: Option<&Writers>,
    scope: &Scope,
    told: &mut Told,
) -> Result<Report, CycleError> {
    engine.probe().await?;
    let Some(writers) = writers else {
        let (report, plan) = engine.look_around(scope).await?;
        told.plan(&plan, &report);
        return Ok(report);
    };
    let ended = engine.cycle(writers, scope, &mut Nobody).await?;
    Ok(ended.report.unwrap_or_default())
}

/// How often the log is told the same again.
const AGAIN: Duration = Duration::from_secs(3600);

/// What the log was told last. A board at rest is looked at a thousand times a day, and a service that is down fails as
/// often: such cycles get one line at first and one an hour.
#[derive(Default)]
struct Told {
    last: String,
    at: Option<Instant>,
    /// How many cycles since then ended in the same way.
    alike: u32,
    /// What was told of the plans of pairs that are only looked at, as a hash.
    plans: BTreeMap<PairName, u64>,
}

impl Told {
    /// Returns how many cycles ended like this since the log was told; `None`: it is not yet time to tell it again.
    fn due(&mut self, what: String) -> Option<u32> {
        let same = self.last == what;
        if same && self.at.is_some_and(|at| at.elapsed() < AGAIN) {
            self.alike = self.alike.saturating_add(1);
            return None;
        }
        let alike = if same {
            self.alike.saturating_add(1)
        } else {
            1
        };
        (self.last, self.at, self.alike) = (what, Some(Instant::now()), 0);
        Some(alike)
    }

    /// Tells what would be written, what contends and what would be held, where it is not what was told the last time.
    /// `report`: what is held and open with what is known from before.
    fn plan(&mut self, plan: &Plan, report: &Report) {
        for plan in &plan.pairs {
            let holds = plan.holds.iter();
            let holds: Vec<_> = holds
                .map(|hold| (hold.side, &hold.item, hold.reason()))
                .collect();
            let open: Vec<_> = (plan.conflicts.iter())
                .filter(|conflict| conflict.taken.is_none())
                .collect();
            let contending: Vec<_> = open.iter().map(|one| (one.link, &one.field)).collect();
            let count = |of: &BTreeMap<PairName, usize>| of.get(&plan.pair).copied();
            let held = count(&report.held).unwrap_or(plan.holds.len() + plan.paused.len());
            let waiting = count(&report.open).unwrap_or(open.len());
            let mut hash = DefaultHasher::new();
            (plan.hash(), holds, contending, held, waiting).hash(&mut hash);
            let hash = hash.finish();
            if self.plans.insert(plan.pair.clone(), hash) == Some(hash) {
                continue;
            }
            let (pair, writes) = (&plan.pair, plan.writes());
            let asks = plan.first_contact || plan.guarded().next().is_some();
            let then = match &plan.blocked {
                Some(why) => format!("this could not be carried out: {why}"),
                None if asks => "this would wait for a yes".to_owned(),
                None => "this is what would be".to_owned(),
            };
            tracing::info!(%pair, writes, held, open = waiting, "read-only: nothing is written; {then}");
            for action in &plan.actions {
                about(plan, action)
                    .in_scope(|| tracing::info!(outcome = "planned", "{}", action.reason()));
            }
            for conflict in open {
                let item = format_args!("{} {}", Side::Ado, conflict.items.ado);
                tracing::info!(%pair, %item, field = %conflict.field, outcome = "conflict", "the two sides differ; neither value is written");
            }
            for hold in &plan.holds {
                let item = format_args!("{} {}", hold.side, hold.item);
                tracing::info!(%pair, %item, field = %hold.subject, outcome = "held", "{}", hold.reason());
            }
            for why in &plan.paused {
                tracing::info!(%pair, outcome = "paused", "{why}");
            }
        }
    }

    fn cycle(&mut self, report: &Report) {
        for (pair, why) in &report.stopped {
            tracing::warn!(%pair, outcome = "stopped", "the pair's plan was not carried out: {why}; look at it with `boardsync plan`");
        }
        // The others are told with how long they are left alone.
        for error in report.closed.iter().filter(|error| !trips(error)) {
            tracing::error!(service = %error.service, hint = error.hint().unwrap_or_default(), "{error}");
        }
        let (writes, failures) = (report.writes(), report.failures());
        let (held, open) = (report.holds(), report.open_conflicts());
        if writes + failures > 0 {
            *self = Told::default();
            tracing::info!(
                run = report.cycle,
                writes,
                failures,
                held,
                open,
                "cycle done"
            );
        } else if report.looked()
            && report.stopped.is_empty()
            && let Some(cycles) = self.due(format!("{held} {open}"))
        {
            tracing::info!(
                cycles,
                held,
                open,
                "nothing written; while it stays so, that is said once an hour"
            );
        }
    }

    fn failure(&mut self, error: &CycleError) {
        // The id of a request, which is in the text of an error, is another one each time.
        let alike = match error {
            CycleError::Connector(error) => {
                format!("{} {} {}", error.service, error.operation, error.message)
            }
            CycleError::Paused { side, .. } => format!("{side} paused"),
            CycleError::Store(_) | CycleError::Backup(_) | CycleError::Interrupted(_) => {
                error.to_string()
            }
        };
        let Some(cycles) = self.due(alike) else {
            return;
        };
        let then = "while it stays so, that is said once an hour";
        match error {
            CycleError::Paused { .. } => tracing::warn!(cycles, "{error}; {then}"),
            // Told with how long the service is left alone.
            CycleError::Connector(error) if trips(error) => {}
            CycleError::Connector(error) => {
                tracing::error!(cycles, service = %error.service, hint = error.hint().unwrap_or_default(), "{error}; the next cycle tries again; {then}");
            }
            CycleError::Store(_) | CycleError::Backup(_) | CycleError::Interrupted(_) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(
                    cycles,
                    cause = cause.unwrap_or_default(),
                    "{error}; the next cycle tries again; {then}"
                );
            }
        }
    }
}

/// Returns the cron line that stands for the schedule, where one does, and after how long the plain timer rings.
fn schedule_of(poll: &Poll) -> (Option<String>, Duration) {
    match poll {
        Poll::Cron(line) => {
            let fields = line.split_whitespace().count();
            // The scheduler wants seconds; a line of five fields means second 0.
            let line = if fields == 5 {
                format!("0 {line}")
            } else {
                line.clone()
            };
            (Some(line), Duration::from_secs(24 * 3600))
        }
        Poll::Every(every) => {
            let seconds = every.as_secs();
            let cron = match seconds {
                1..=59 if 60 % seconds == 0 => Some(format!("*/{seconds} * * * * *")),
                60..=3599 if seconds % 60 == 0 && 60 % (seconds / 60) == 0 => {
                    Some(format!("0 */{} * * * *", seconds / 60))
                }
                3600 => Some("0 0 * * * *".to_owned()),
                _ => None,
            };
            // With a cron job the timer is only the safety net.
            let fallback = if cron.is_some() {
                every.saturating_mul(2)
            } else {
                *every
            };
            (cron, fallback)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_by_the_monotonic_clock() {
        let beats = Arc::new(AtomicUsize::new(0));
        let count = beats.clone();
        let task = tokio::spawn(beat(Duration::from_secs(15), move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        // Virtual minutes: a timer that looks at the wall clock would see none of them.
        tokio::time::sleep(Duration::from_secs(151)).await;
        task.abort();
        assert_eq!(beats.load(Ordering::SeqCst), 11);
    }

    /// A day of cycles a minute apart.
    #[tokio::test(start_paused = true)]
    async fn a_board_at_rest_gets_one_line_an_hour() {
        let mut told = Told::default();
        let mut lines = Vec::new();
        for _ in 0..24 * 60 {
            lines.extend(told.due("0 0".to_owned()));
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert_eq!(lines.len(), 24, "{lines:?}");
        assert_eq!(lines[..3], [1, 60, 60]);
        assert_eq!(told.due("1 0".to_owned()), Some(1), "something else");
        assert_eq!(told.due("0 0".to_owned()), Some(1));
    }

    #[test]
    fn a_minute_becomes_a_cron_line_and_an_odd_interval_a_timer() {
        assert_eq!(
            schedule_of(&Poll::Every(Duration::from_secs(60)))
                .0
                .as_deref(),
            Some("0 */1 * * * *")
        );
        assert_eq!(
            schedule_of(&Poll::Every(Duration::from_secs(15)))
                .0
                .as_deref(),
            Some("*/15 * * * * *")
        );
        let (cron, fallback) = schedule_of(&Poll::Every(Duration::from_secs(77)));
        assert_eq!((cron, fallback), (None, Duration::from_secs(77)));
        assert_eq!(
            schedule_of(&Poll::Cron("*/5 * * * *".to_owned()))
                .0
                .as_deref(),
            Some("0 */5 * * * *")
        );
    }
}
