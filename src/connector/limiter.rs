//! Token bucket per credential: how fast requests may leave, and when they must stop for a while.
//!
//! One limiter belongs to one [`super::client::HttpClient`], because both services count per credential. Two things hold a
//! request back:
//!
//! - The **log** of recent sends ([`log::SendLog`]), which all processes of an installation share: no period holds more
//!   than the limit, whoever sent. It is the only thing that a restart has to remember.
//! - The **bucket**, governor's: it spreads what is left of the period. The first half of the limit is not paced, so that
//!   a command for a person has its answer at once; from there on one request follows the other at an even distance, and
//!   an edit never waits long behind a bulk. Back-fill is paced from its first request on.
//!
//! For example, with 100 a minute and 3 sent lately, `check` sends its six requests at once. A first plan that needs 300
//! sends 50 at once and the others 0.6 s apart.
//!
//! Without a log there is only the bucket, and it does without a memory: a bucket is drained before it is used, so the
//! first request waits for its turn, and no period holds more than the limit however often a program that is paced like
//! this is killed and started again. governor's quota cannot be changed in place, so a lower limit learnt from a header
//! builds a new bucket, drained as well: a fresh one starts full, and its burst would come on top of what went before.
//!
//! A log that fails says nothing of what was sent lately, so the period counts as full: nothing leaves until it is over,
//! and from then on the bucket alone decides.

pub mod log;

use super::client::{Priority, RateLimit};
use arc_swap::ArcSwap;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use log::{Ask, Note, SendLog, Turn};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a request was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The run is shutting down.
    Cancelled,
    /// The service asked for a longer pause than the caller has patience for; holds what is left of that pause.
    TooLong(Duration),
}

/// Monotonic time of tokio, so that paused tests move the bucket too.
#[derive(Clone, Debug)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// Paces the requests of one credential.
pub struct Limiter {
    configured: RateLimit,
    /// Requests per period in force: the configured number or a lower one from a header.
    in_force: AtomicU32,
    clock: TokioClock,
    bucket: ArcSwap<Bucket>,
    not_before: Mutex<Option<Instant>>,
    live_waiting: AtomicUsize,
    live_left: Notify,
    /// A turn that somebody got and keeps for later.
    kept: Mutex<Option<Ticket>>,
    past: Mutex<Past>,
}

/// A turn: one request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(Option<Note>);

/// What is known of what was sent before.
#[derive(Default)]
struct Past {
    log: Option<Arc<dyn SendLog>>,
    /// Since when the log has been busy without a break.
    busy: Option<Instant>,
    /// Until when everything counts as used up, because the log failed.
    full_until: Option<Instant>,
}

/// How long to wait for another process to be done with the log, and after how long it counts as stuck.
const BUSY: Duration = Duration::from_millis(3);
const STUCK: Duration = Duration::from_secs(10);

impl Limiter {
    /// Builds a limiter without any allowance yet. A rate of zero counts as one.
    pub fn new(configured: RateLimit) -> Limiter {
        Limiter::with_log(configured, None)
    }

    /// As [`Limiter::new`], for a process that shares a log with others.
    pub fn with_log(configured: RateLimit, log: Option<Arc<dyn SendLog>>) -> Limiter {
        let clock = TokioClock {
            start: Instant::now(),
        };
        let bucket = drained(configured, clock.clone());
        Limiter {
            configured,
            in_force: AtomicU32::new(amount(configured)),
            clock,
            bucket: ArcSwap::from_pointee(bucket),
            not_before: Mutex::new(None),
            live_waiting: AtomicUsize::new(0),
            live_left: Notify::new(),
            kept: Mutex::new(None),
            past: Mutex::new(Past {
                log,
                ..Past::default()
            }),
        }
    }

    /// Keeps a turn that [`Limiter::acquire`] gave for a later request.
    pub fn keep(&self, turn: Ticket) {
        *held(&self.kept) = Some(turn);
    }

    /// Returns whether a turn is kept.
    pub fn has_kept(&self) -> bool {
        held(&self.kept).is_some()
    }

    /// Takes the kept turn; `false`: there is none, or it is so old that it counts for nothing any more.
    pub fn take_kept(&self) -> bool {
        let Some(Ticket(note)) = held(&self.kept).take() else {
            return false;
        };
        let log = held(&self.past).log.clone();
        let (Some(note), Some(log)) = (note, log) else {
            // Without a log the bucket counts it as of when it was given.
            return note.is_none();
        };
        log.later(note, self.ask(Priority::Live))
            .unwrap_or_else(|why| {
                self.give_up(&why);
                false
            })
    }

    /// Waits until one request may leave. Live requests go before back-fill ones. `patience` bounds only pauses that the
    /// service asked for, never ordinary pacing.
    pub async fn acquire(
        &self,
        priority: Priority,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<Ticket, NotAdmitted> {
        let _turn = (priority == Priority::Live).then(|| LiveTurn::take(self));
        let deadline = Instant::now() + patience;
        loop {
            if cancel.is_cancelled() {
                return Err(NotAdmitted::Cancelled);
            }
            if priority == Priority::Backfill {
                // Registered before looking, so that the last live request leaving in between is not missed.
                let left = self.live_left.notified();
                tokio::pin!(left);
                left.as_mut().enable();
                if self.live_waiting.load(Ordering::SeqCst) > 0 {
                    tokio::select! {
                        () = left => {}
                        () = cancel.cancelled() => return Err(NotAdmitted::Cancelled),
                    }
                    continue;
                }
            }
            let wait = match self.paused_until() {
                Some(until) if until > deadline => {
                    return Err(NotAdmitted::TooLong(until - Instant::now()));
                }
                Some(until) => until - Instant::now(),
                None => match self.turn(priority) {
                    Ok(ticket) => return Ok(ticket),
                    Err(wait) => wait,
                },
            };
            tokio::select! {
                // Timers have millisecond steps: never wake before the bucket says so.
                () = tokio::time::sleep(wait + Duration::from_millis(1)) => {}
                () = cancel.cancelled() => return Err(NotAdmitted::Cancelled),
            }
        }
    }

    /// Takes a turn now, or says how long to wait before asking again.
    fn turn(&self, priority: Priority) -> Result<Ticket, Duration> {
        let log = {
            let mut past = held(&self.past);
            if let Some(left) = past.full_until.map(|until| until - Instant::now()) {
                if !left.is_zero() {
                    return Err(left);
                }
                past.full_until = None;
            }
            past.log.clone()
        };
        let Some(log) = log else {
            return self.pace().map(|()| Ticket(None));
        };
        match log.take(self.ask(priority), &mut || self.pace()) {
            Ok(Turn::Taken(note)) => {
                held(&self.past).busy = None;
                Ok(Ticket(Some(note)))
            }
            Ok(Turn::Wait(wait)) => {
                held(&self.past).busy = None;
                Err(wait)
            }
            Ok(Turn::Busy) => {
                let since = *held(&self.past).busy.get_or_insert_with(Instant::now);
                match since.elapsed() < STUCK {
                    true => Err(BUSY),
                    false => Err(self.give_up("another process does not let go of it")),
                }
            }
            Ok(Turn::Nowhere) => {
                held(&self.past).log = None;
                self.pace().map(|()| Ticket(None))
            }
            Err(why) => Err(self.give_up(&why)),
        }
    }

    fn ask(&self, priority: Priority) -> Ask {
        let limit = self.in_force();
        Ask {
            limit,
            free: match priority {
                Priority::Live => limit / 2,
                Priority::Backfill => 0,
            },
            period: period(self.configured),
        }
    }

    fn pace(&self) -> Result<(), Duration> {
        self.bucket
            .load()
            .check()
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Goes on without the log, from when the present period is over. Returns how long that is.
    fn give_up(&self, why: &str) -> Duration {
        let period = period(self.configured);
        let full = period + period / 60;
        tracing::warn!(
            "the record of recent requests cannot be used, so nothing is sent for {} s: {why}",
            full.as_secs().max(1)
        );
        let mut past = held(&self.past);
        past.log = None;
        past.full_until = Some(Instant::now() + full);
        full
    }

    /// Lets nothing through for `wait` from now. A pause already in force is only ever prolonged.
    pub fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut gate = self
            .not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if gate.is_none_or(|current| current < until) {
            *gate = Some(until);
        }
    }

    /// Returns how long the pause in force still lasts, if there is one.
    pub fn paused_for(&self) -> Option<Duration> {
        self.paused_until().map(|until| until - Instant::now())
    }

    /// Takes over a limit that the service announced, in the unit of the configured rate. Never goes above the
    /// configured rate; zero is ignored.
    pub fn announce(&self, limit: u32) {
        if limit == 0 {
            return;
        }
        let wanted = limit.min(amount(self.configured));
        if self.in_force.swap(wanted, Ordering::SeqCst) == wanted {
            return;
        }
        let bucket = drained(with_amount(self.configured, wanted), self.clock.clone());
        self.bucket.store(Arc::new(bucket));
    }

    /// Returns the requests per period in force, in the unit of the configured rate.
    pub fn in_force(&self) -> u32 {
        self.in_force.load(Ordering::SeqCst)
    }

    fn paused_until(&self) -> Option<Instant> {
        let mut gate = self
            .not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if gate.is_some_and(|until| until <= Instant::now()) {
            *gate = None;
        }
        *gate
    }
}

/// A live request in the queue; back-fill holds still while one exists.
struct LiveTurn<'a> {
    limiter: &'a Limiter,
}

impl<'a> LiveTurn<'a> {
    fn take(limiter: &'a Limiter) -> LiveTurn<'a> {
        limiter.live_waiting.fetch_add(1, Ordering::SeqCst);
        LiveTurn { limiter }
    }
}

impl Drop for LiveTurn<'_> {
    fn drop(&mut self) {
        if self.limiter.live_waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.limiter.live_left.notify_waiters();
        }
    }
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn period(rate: RateLimit) -> Duration {
    match rate {
        RateLimit::PerSecond(_) => Duration::from_secs(1),
        RateLimit::PerMinute(_) => Duration::from_secs(60),
    }
}

fn amount(rate: RateLimit) -> u32 {
    match rate {
        RateLimit::PerSecond(count) | RateLimit::PerMinute(count) => count.max(1),
    }
}

fn with_amount(rate: RateLimit, amount: u32) -> RateLimit {
    match rate {
        RateLimit::PerSecond(_) => RateLimit::PerSecond(amount),
        RateLimit::PerMinute(_) => RateLimit::PerMinute(amount),
    }
}

/// Builds a bucket that holds nothing yet.
fn drained(rate: RateLimit, clock: TokioClock) -> Bucket {
    let quota = quota(rate);
    let bucket = RateLimiter::direct_with_clock(quota, clock);
    // A full burst always fits its own bucket, so both layers of the answer say yes.
    let _ = bucket.check_n(quota.burst_size());
    bucket
}

/// Turns a rate into burst and refill. A twentieth of the rate (at most ten) may go at once and the rest trickles,
/// because a bucket lets `burst + period / interval` pass in the worst period, and that sum must not exceed the limit.
fn quota(rate: RateLimit) -> Quota {
    let count = amount(rate);
    let period = period(rate);
    let burst = (count / 20).clamp(1, 10);
    // The excess keeps `period / interval`, rounded down, at `count - burst`: a period's closed end catches no more.
    let interval = period / (count - burst + 1) + period / 60_000;
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(interval)
        .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(900);

    async fn admitted_within(limiter: &Limiter, span: Duration) -> Vec<Instant> {
        let start = Instant::now();
        let cancel = CancellationToken::new();
        let mut times = Vec::new();
        loop {
            limiter
                .acquire(Priority::Live, PATIENCE, &cancel)
                .await
                .unwrap();
            if start.elapsed() > span {
                return times;
            }
            times.push(Instant::now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_holds_more_than_the_limit_and_little_is_wasted() {
        for limit in [1_u32, 2, 7, 19, 20, 100, 1000] {
            let limiter = Limiter::new(RateLimit::PerMinute(limit));
            tokio::time::advance(Duration::from_secs(300)).await;
            let times = admitted_within(&limiter, Duration::from_secs(300)).await;
            for (index, first) in times.iter().enumerate() {
                let in_window = times[index..]
                    .iter()
                    .take_while(|at| **at <= *first + Duration::from_secs(60))
                    .count();
                assert!(in_window <= limit as usize, "{in_window} of {limit}");
            }
            if limit == 100 {
                assert!(times.len() >= 5 * 95, "{}", times.len());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_announced_limit_holds_at_once_and_grants_no_new_burst() {
        let limiter = Limiter::new(RateLimit::PerMinute(100));
        limiter.announce(40);
        assert_eq!(limiter.in_force(), 40);
        let start = Instant::now();
        admitted_within(&limiter, Duration::ZERO).await;
        assert!(start.elapsed() >= Duration::from_millis(1500));
        limiter.announce(1000);
        assert_eq!(limiter.in_force(), 100, "never above the configured rate");
    }

    #[tokio::test(start_paused = true)]
    async fn backfill_waits_while_a_live_request_is_waiting() {
        let limiter = Arc::new(Limiter::new(RateLimit::PerMinute(20)));
        let cancel = CancellationToken::new();
        limiter
            .acquire(Priority::Live, PATIENCE, &cancel)
            .await
            .unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut jobs = Vec::new();
        for (index, priority) in [Priority::Backfill, Priority::Live, Priority::Live]
            .into_iter()
            .enumerate()
        {
            let (limiter, cancel, order) = (limiter.clone(), cancel.clone(), order.clone());
            jobs.push(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(index as u64)).await;
                limiter.acquire(priority, PATIENCE, &cancel).await.unwrap();
                order.lock().unwrap().push(priority);
            }));
        }
        for job in jobs {
            job.await.unwrap();
        }
        assert_eq!(
            *order.lock().unwrap(),
            [Priority::Live, Priority::Live, Priority::Backfill]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everyone_and_ends() {
        let limiter = Limiter::new(RateLimit::PerSecond(10));
        let cancel = CancellationToken::new();
        limiter.pause(Duration::from_secs(30));
        limiter.pause(Duration::from_secs(5));
        let start = Instant::now();
        limiter
            .acquire(Priority::Backfill, PATIENCE, &cancel)
            .await
            .unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30));
        assert_eq!(limiter.paused_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_patience_is_refused_at_once() {
        let limiter = Limiter::new(RateLimit::PerSecond(10));
        limiter.pause(Duration::from_secs(30));
        let refused = limiter
            .acquire(
                Priority::Live,
                Duration::from_secs(10),
                &CancellationToken::new(),
            )
            .await;
        assert_eq!(refused, Err(NotAdmitted::TooLong(Duration::from_secs(30))));
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_a_wait() {
        let limiter = Limiter::new(RateLimit::PerSecond(1));
        let cancel = CancellationToken::new();
        limiter.pause(Duration::from_secs(600));
        let stop = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.cancel();
        });
        let start = Instant::now();
        let refused = limiter.acquire(Priority::Live, PATIENCE, &cancel).await;
        assert_eq!(refused, Err(NotAdmitted::Cancelled));
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}
