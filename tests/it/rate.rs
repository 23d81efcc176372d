//! The configured rate is a ceiling, whatever is asked and however often the program is restarted. Time is virtual:
//! nothing here waits, and no machine is too slow for it.
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use boardsync::commands::setup;
use boardsync::connector::client::{Priority, RateLimit};
use boardsync::connector::limiter::Limiter;
use boardsync::connector::limiter::log::SendLog;
use boardsync::model::{Service, Timestamp};
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::{LIST, PROJECT, World};
use boardsync::store::SendFile;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::common::back_fill;
use crate::common::instance::Instance;

use back_fill::back_fill;

const MINUTE_MS: i64 = 60_000;
/// Requests per minute in the configuration of the back-fills.
const RATE: usize = 100;
/// Step of virtual time. Far below any timeout: loopback has thousands of turns to deliver before one fires.
const STEP: Duration = Duration::from_millis(5);

/// Something that happens to a limiter.
#[derive(Clone, Debug)]
enum Event {
    /// Nothing happens for so many milliseconds.
    Gap(u64),
    /// So many callers ask at once.
    Ask(usize, Priority),
    /// A header names another limit.
    Announce(u32),
    /// The service asks for a pause of so many milliseconds.
    Pause(u64),
    /// The program is killed and started again at once: who waited is gone, and so is what the limiter knew.
    Restart,
    /// Somebody runs a command in another terminal: so many requests of its own, and it is gone.
    Beside(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0_u64..90_000).prop_map(Event::Gap),
        4 => (1_usize..12).prop_map(|callers| Event::Ask(callers, Priority::Live)),
        4 => (1_usize..12).prop_map(|callers| Event::Ask(callers, Priority::Backfill)),
        1 => (0_u32..200).prop_map(Event::Announce),
        1 => (0_u64..30_000).prop_map(Event::Pause),
        2 => Just(Event::Restart),
        2 => (1_usize..12).prop_map(Event::Beside),
    ]
}

/// A process's own limiter, by itself or with a record that it shares with the others.
fn limiter(rate: RateLimit, shared: Option<&Path>) -> Arc<Limiter> {
    let log = shared.map(|database| {
        let sends = SendFile::beside(database, Service::ClickUp, "https://api.example.invalid");
        Arc::new(sends.unwrap()) as Arc<dyn SendLog>
    });
    Arc::new(Limiter::with_log(rate, log))
}

/// Plays the events and returns when each caller was let through, in nanoseconds, sorted.
fn admitted(rate: RateLimit, events: &[Event], shared: Option<&Path>) -> Vec<u128> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (start, mut limiter) = (Instant::now(), limiter(rate, shared));
        let times = Arc::new(Mutex::new(Vec::new()));
        let mut callers: Vec<tokio::task::JoinHandle<()>> = Vec::new();
        let mut others = Vec::new();
        for event in events {
            match *event {
                Event::Gap(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Event::Announce(limit) => limiter.announce(limit),
                Event::Pause(ms) => limiter.pause(Duration::from_millis(ms)),
                Event::Restart => {
                    for caller in callers.drain(..) {
                        caller.abort();
                        // Either it was through already or it is gone now.
                        let _ = caller.await;
                    }
                    limiter = self::limiter(rate, shared);
                }
                Event::Ask(count, priority) => {
                    callers.extend((0..count).map(|_| ask(&limiter, priority, &times, start)));
                }
                Event::Beside(count) => {
                    let other = self::limiter(rate, shared);
                    let live = Priority::Live;
                    others.extend((0..count).map(|_| ask(&other, live, &times, start)));
                }
            }
        }
        callers.extend(others);
        for caller in callers {
            caller.await.unwrap();
        }
        let mut times = times.lock().unwrap().clone();
        times.sort_unstable();
        times
    })
}

/// One request that waits for its turn.
fn ask(
    limiter: &Arc<Limiter>,
    priority: Priority,
    times: &Arc<Mutex<Vec<u128>>>,
    start: Instant,
) -> tokio::task::JoinHandle<()> {
    let (limiter, times) = (limiter.clone(), times.clone());
    tokio::spawn(async move {
        let patience = Duration::from_secs(86_400);
        let never = CancellationToken::new();
        limiter.acquire(priority, patience, &never).await.unwrap();
        times.lock().unwrap().push(start.elapsed().as_nanos());
    })
}

/// The most entries of a sorted list that lie within any closed span.
fn most_within<T: Copy + PartialOrd + std::ops::Add<Output = T>>(times: &[T], span: T) -> usize {
    let from = |(index, first): (usize, &T)| {
        let end = *first + span;
        times[index..].partition_point(|at| *at <= end)
    };
    times.iter().enumerate().map(from).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_minute_holds_more_than_the_configured_number(limit in 1_u32..200, events in vec(event(), 1..25)) {
        // Without a record nobody knows what a second process sends.
        let events: Vec<Event> = events.into_iter().filter(|e| !matches!(e, Event::Beside(_))).collect();
        let times = admitted(RateLimit::PerMinute(limit), &events, None);
        let last = events.iter().rposition(|event| matches!(event, Event::Restart)).map_or(0, |at| at + 1);
        let asked = |events: &[Event]| events.iter().map(|event| match event {
            Event::Ask(count, _) => *count,
            Event::Gap(_) | Event::Announce(_) | Event::Pause(_) | Event::Restart | Event::Beside(_) => 0,
        }).sum::<usize>();
        let range = asked(&events[last..])..=asked(&events);
        prop_assert!(range.contains(&times.len()), "{} got through of {range:?}", times.len());
        let most = most_within(&times, Duration::from_secs(60).as_nanos());
        prop_assert!(most <= limit as usize, "{} in one minute", most);
    }

    #[test]
    fn no_second_holds_more_than_the_configured_number(limit in 1_u32..50, events in vec(event(), 1..25)) {
        // Headers name a limit per minute; for a rate per second they are not read as one.
        let events: Vec<Event> = events.into_iter().filter(|e| !matches!(e, Event::Announce(_) | Event::Beside(_))).collect();
        let times = admitted(RateLimit::PerSecond(limit), &events, None);
        for seconds in [1_u64, 2, 10, 60] {
            let most = most_within(&times, Duration::from_secs(seconds).as_nanos()) as u64;
            prop_assert!(most <= u64::from(limit) * seconds, "{} in {} s", most, seconds);
        }
    }

    #[test]
    fn all_processes_that_share_a_record_together_keep_to_the_rate(
        limit in 1_u32..200, per_second in any::<bool>(), mut events in vec(event(), 1..25), old in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        if old {
            // There has been a record for a while: half of the limit may go at once.
            events.splice(0..0, [Event::Ask(1, Priority::Live), Event::Gap(200_000)]);
        }
        if per_second {
            events.retain(|event| !matches!(event, Event::Announce(_)));
        }
        let rate = if per_second { RateLimit::PerSecond(limit) } else { RateLimit::PerMinute(limit) };
        let times = admitted(rate, &events, Some(&folder.path().join("state.db")));
        let spans: &[u64] = if per_second { &[1, 2, 10, 60] } else { &[60] };
        for span in spans {
            let most = most_within(&times, Duration::from_secs(*span).as_nanos()) as u64;
            let allowed = if per_second { u64::from(limit) * span } else { u64::from(limit) };
            prop_assert!(most <= allowed, "{} in {} s", most, span);
        }
    }
}

/// How long so many requests take that are asked for at once.
async fn time_of(limiter: &Arc<Limiter>, count: usize) -> Duration {
    let (start, times) = (Instant::now(), Arc::default());
    for caller in (0..count).map(|_| ask(limiter, Priority::Live, &times, start)) {
        caller.await.unwrap();
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_fresh_process_sends_at_once_what_the_minute_still_has() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("state.db");
    let rate = RateLimit::PerMinute(100);
    let first = limiter(rate, Some(&database));
    assert!(
        time_of(&first, 10).await > Duration::from_secs(3),
        "nothing is known yet"
    );
    tokio::time::sleep(Duration::from_secs(120)).await;
    let at_once = Duration::from_millis(50);
    assert!(time_of(&limiter(rate, Some(&database)), 30).await < at_once);
    assert!(time_of(&limiter(rate, Some(&database)), 20).await < at_once);
    // From here on they come at an even distance, so that nobody waits long behind them.
    let ten = time_of(&limiter(rate, Some(&database)), 10).await;
    assert!(
        ten > Duration::from_secs(5) && ten < Duration::from_secs(7),
        "{ten:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_fails_counts_the_present_minute_as_used_up_and_then_all_is_paced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("state.db.sends")).unwrap();
    let limiter = limiter(
        RateLimit::PerMinute(100),
        Some(&folder.path().join("state.db")),
    );
    let first = time_of(&limiter, 1).await;
    assert!(
        first >= Duration::from_secs(60) && first < Duration::from_secs(63),
        "{first:?}"
    );
    assert!(time_of(&limiter, 20).await > Duration::from_secs(8));
}

/// Both fake services in virtual time, with work items to carry over.
struct Bench {
    world: World,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// `allowed`: what the fake ClickUp lets through per minute.
    async fn new(items: usize, allowed: u32) -> Bench {
        let clickup = ClickUpConfig {
            quirks: Quirks {
                rate_limit: allowed,
                ..Quirks::default()
            },
            ..ClickUpConfig::example()
        };
        let began = Timestamp(1_800_000_000_000);
        let clock = SandboxClock::new(began);
        let world = World::start_on(clock.clone(), AdoConfig::default(), clickup, 0)
            .await
            .unwrap();
        let start = Instant::now();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(STEP).await;
                let elapsed = i64::try_from(start.elapsed().as_millis()).unwrap();
                clock.advance(elapsed - clock.now().since(began));
            }
        });
        for number in 1..=items {
            let title = ("System.Title", json!(format!("Story {number:05}")));
            world.ado.create_item(PROJECT, "Task", &[title]).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = world
            .write_config(folder.path(), &World::example_pair())
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let rate = format!("requests_per_minute = {RATE}");
        let text = text.replace("requests_per_minute = 10000", &rate);
        assert!(text.contains(&rate));
        std::fs::write(&path, text).unwrap();
        Bench {
            world,
            path,
            _folder: folder,
        }
    }

    /// Carries all work items over, killed after the create number `kill` (0: never), and checks that none has a twin.
    /// Returns when each request reached ClickUp, in milliseconds, and how many were refused as too many.
    async fn back_fill(&self, items: usize, kill: usize) -> (Vec<i64>, usize) {
        back_fill(&self.world, &self.path, kill).await;
        assert_eq!(self.world.clickup.all_ids().len(), items, "{LIST}");
        let sent = self.world.ledger.entries();
        let sent = sent
            .iter()
            .filter(|entry| entry.service == Service::ClickUp);
        let refused = sent.clone().filter(|entry| entry.status == 429).count();
        (sent.map(|entry| entry.at.0).collect(), refused)
    }
}

/// The most requests in any minute, as far as the step of virtual time tells.
fn most_in_a_minute(times: &[i64]) -> usize {
    most_within(
        times,
        MINUTE_MS - 2 * i64::try_from(STEP.as_millis()).unwrap(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_back_fill_keeps_to_the_configured_rate_and_wastes_little_of_it() {
    let items = 300;
    let bench = Bench::new(items, 1_000_000).await;
    let (times, refused) = bench.back_fill(items, 0).await;
    let (most, took) = (most_in_a_minute(&times), times[times.len() - 1] - times[0]);
    println!(
        "{} requests in {took} ms, at most {most} in a minute",
        times.len()
    );
    assert_eq!(refused, 0);
    assert!(most <= RATE, "{most} requests in one minute");
    // At the full rate the requests would take this long; 4 % of the rate are kept back for the burst.
    let ideal = MINUTE_MS * i64::try_from(times.len()).unwrap() / i64::try_from(RATE).unwrap();
    assert!(took * 100 <= ideal * 105, "{took} ms instead of {ideal}");
}

#[tokio::test(start_paused = true)]
async fn a_back_fill_that_was_killed_keeps_to_the_rate_across_both_processes() {
    let items = 150;
    let bench = Bench::new(items, 1_000_000).await;
    // Within the first minute, so that both processes fall into one window.
    let (times, _) = bench.back_fill(items, 40).await;
    let most = most_in_a_minute(&times);
    println!("{} requests, at most {most} in a minute", times.len());
    assert!(most <= RATE, "{most} requests in one minute");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_allows_just_the_configured_rate_never_refuses_even_after_a_kill() {
    let items = 240;
    let allowed = u32::try_from(RATE).unwrap();
    let bench = Bench::new(items, allowed).await;
    let (times, refused) = bench.back_fill(items, 40).await;
    println!(
        "{} requests, at most {} in a minute, {refused} refused",
        times.len(),
        most_in_a_minute(&times)
    );
    assert_eq!(refused, 0);
}

/// What `check` asks of ClickUp, and how long that takes from its first request to its last.
#[tokio::test(start_paused = true)]
async fn check_on_an_idle_pair_asks_clickup_without_a_pause() {
    let bench = Bench::new(5, 1_000_000).await;
    let first = Instance::once(&bench.path).await;
    first.cycle().await.unwrap();
    drop(first);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Instance::once(&bench.path).await.cycle().await.unwrap();
    }
    bench.world.ledger.clear();
    // A process of its own, as `check` is one.
    let config = setup::config(Some(&bench.path)).map_err(|error| error.message);
    let services = setup::connect(&config.unwrap(), &CancellationToken::new());
    let readers = services
        .map_err(|error| error.message)
        .unwrap()
        .sources
        .readers;
    readers.clickup.fetch_schema(&"web".into()).await.unwrap();
    let sent = bench.world.ledger.entries();
    assert!(sent.len() >= 5, "{sent:?}");
    let took = sent[sent.len() - 1].at.since(sent[0].at);
    println!("{} requests in {took} ms", sent.len());
    // At an even distance they would take 2.4 s.
    assert!(took < 500, "{took} ms");
}
