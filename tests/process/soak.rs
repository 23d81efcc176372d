//! Soak: the daemon against both fake services for a long time, with people at work and services that fail at random.
//!
//! `BOARDSYNC_SOAK_MINUTES=30 cargo test --test process soak:: -- --ignored --nocapture`
//!
//! Every round ends with a rest without faults: the boards are judged, the daemon must write nothing while nothing
//! changes, and its memory, open files and database size are taken.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail by panicking"
)]

use crate::kills::board::Board;
use crate::kills::program::Program;
use boardsync::model::{Service, Timestamp};
use boardsync::sandbox::faults::{Fault, FaultRule};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take to bring both boards to rest once nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long nothing may be written before the boards count as at rest, and how long the idle phase then lasts.
const STILL: Duration = Duration::from_secs(12);

/// What is taken at each rest.
#[derive(Debug)]
struct Sample {
    minutes: f64,
    rss_kib: f64,
    files: usize,
    database: u64,
    items: usize,
}

#[test]
#[ignore = "takes BOARDSYNC_SOAK_MINUTES (default 1); run with --ignored --nocapture"]
fn a_daemon_under_faults_neither_grows_nor_writes_while_idle() {
    let minutes: f64 = std::env::var("BOARDSYNC_SOAK_MINUTES").map_or(1.0, |text| {
        text.parse().expect("BOARDSYNC_SOAK_MINUTES is a number")
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // People are busy here: what piles up while a service is left alone must not wait for a yes.
    let settings =
        "poll = \"5s\"\nsweep = \"1m\"\n\n[guard]\nmax_creates = 1000\nmax_updates = 1000";
    let program = runtime.block_on(Program::new(settings));
    let mut rng = fastrand::Rng::with_seed(7);
    let mut board = Board::new(40);
    let first = program.run(&["reconcile", "--once", "--yes"]);
    assert_eq!(first.code, 0, "{}", first.err);
    let log = program.folder.path().join("daemon.log");
    let child = program
        .command(&["reconcile"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut daemon = Daemon(child);
    let begun = Instant::now();
    let end = Duration::from_secs_f64(minutes * 60.0);
    let round = Duration::from_secs(60).min(end / 4);
    let (mut edits, mut faults, mut in_window, mut samples) = (0, 0, 0, Vec::new());
    while begun.elapsed() < end {
        let until = Instant::now() + round;
        while Instant::now() < until {
            board.edit(&program.world, &mut rng);
            edits += 1;
            if rng.u8(0..3) == 0 {
                program.world.faults.add(any_fault(&mut rng));
                faults += 1;
            }
            std::thread::sleep(Duration::from_millis(rng.u64(50..600)));
        }
        program.world.faults.clear();
        settle(&program, &mut daemon.0, &log);
        in_window += board.judge(&program, 7);
        std::thread::sleep(STILL);
        let idle = program.world.ledger.writes();
        assert!(idle.is_empty(), "writes while idle: {idle:?}");
        samples.push(sample(&program, &daemon.0, begun.elapsed()));
        println!("{:?}", samples.last().unwrap());
    }
    drop(daemon);
    // The first quarter is warm-up: caches, pools, the allocator's own habits.
    let settled = &samples[samples.len() / 4..];
    println!(
        "soak {minutes} min: edits {edits}, faults {faults}, rests {}, writes while idle 0, lost edits 0 ({in_window} in ClickUp's window); RSS {:.1} MiB, slope {:+.2} MiB/h; \
         open files {}..{}; database {} KiB for {} items and {edits} edits",
        samples.len(),
        settled.last().unwrap().rss_kib / 1024.0,
        slope(settled) * 60.0 / 1024.0,
        settled.iter().map(|s| s.files).min().unwrap(),
        settled.iter().map(|s| s.files).max().unwrap(),
        settled.last().unwrap().database / 1024,
        settled.last().unwrap().items,
    );
    let first = settled.first().unwrap().files;
    let last = settled.last().unwrap().files;
    assert!(last <= first + 4, "open files grow: {first} to {last}");
}

/// The running program, killed at the end, also when the test fails.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn any_fault(rng: &mut fastrand::Rng) -> FaultRule {
    let plain = |status: u16, headers: Vec<(String, String)>| Fault::Status {
        status,
        body: "{}".to_owned(),
        content_type: "application/json".to_owned(),
        headers,
    };
    let fault = match rng.u8(0..8) {
        0 => Fault::DropBeforeApply,
        1 => Fault::DropAfterApply,
        2 => Fault::TruncateBody,
        3 => Fault::MissingPage,
        4 => Fault::EmptyListing,
        5 => plain(503, Vec::new()),
        6 => plain(429, vec![("retry-after".to_owned(), "1".to_owned())]),
        _ => Fault::Delay {
            ms: rng.u64(1..800),
        },
    };
    FaultRule {
        service: if rng.bool() {
            Service::Ado
        } else {
            Service::ClickUp
        },
        method: None,
        path_contains: String::new(),
        fault,
        skip: rng.u32(0..4),
        times: 1,
    }
}

/// Waits until both sides were swept without a fault, nothing has been written for a while, no create is open and nothing
/// waits for another try. The sweep, because a page that lacked a row hides that row's edit until then.
fn settle(program: &Program, daemon: &mut Child, log: &std::path::Path) {
    let begun = Instant::now();
    let cleared = program.world.clock.now().0;
    let mut seen = program.world.ledger.writes().len();
    let mut still = Instant::now();
    loop {
        if let Some(status) = daemon.try_wait().unwrap() {
            panic!("the daemon ended: {status}\n{}", tail(log));
        }
        let now = program.world.ledger.writes().len();
        if now != seen {
            (seen, still) = (now, Instant::now());
        }
        if still.elapsed() > STILL && program.open() == (0, 0) && last_sweep(program) > cleared {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "no rest; nothing written for {} s, the last sweep {} ms after the faults ended\n{}\n{}",
            still.elapsed().as_secs(),
            last_sweep(program) - cleared,
            program.run(&["status"]).out,
            tail(log)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Local time of the last complete sweep, in milliseconds; 0: never.
fn last_sweep(program: &Program) -> i64 {
    let status = program.json(&["status", "--json"]);
    let at = status["pairs"][0]["last_sweep"].as_str();
    at.and_then(Timestamp::parse_rfc3339).map_or(0, |at| at.0)
}

fn tail(log: &std::path::Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn sample(program: &Program, daemon: &Child, at: Duration) -> Sample {
    let process = format!("/proc/{}", daemon.id());
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let rss = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().split(' ').next())
        .and_then(|number| number.parse().ok())
        .expect("VmRSS");
    let database = ["boardsync.db", "boardsync.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(program.folder.path().join(name)).ok())
        .map(|file| file.len())
        .sum();
    Sample {
        minutes: at.as_secs_f64() / 60.0,
        rss_kib: rss,
        files: std::fs::read_dir(format!("{process}/fd")).unwrap().count(),
        database,
        items: program.world.ado.all_ids().len(),
    }
}

/// Least-squares slope of the resident memory, in KiB per minute.
fn slope(samples: &[Sample]) -> f64 {
    let n = samples.len() as f64;
    let mean_x = samples.iter().map(|s| s.minutes).sum::<f64>() / n;
    let mean_y = samples.iter().map(|s| s.rss_kib).sum::<f64>() / n;
    let above: f64 = samples
        .iter()
        .map(|s| (s.minutes - mean_x) * (s.rss_kib - mean_y))
        .sum();
    let below: f64 = samples.iter().map(|s| (s.minutes - mean_x).powi(2)).sum();
    if below == 0.0 { 0.0 } else { above / below }
}
