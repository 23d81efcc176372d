//! Resident memory of the real program: `cargo bench --bench daemon [-- LINKS]` (Linux; 10000 links unless told).
//!
//! Both fake services run in this process. The program runs as a process of its own: first `reconcile --once --yes`
//! carries every work item over, then `reconcile` runs until it has been idle for some cycles, once started into a delta
//! and once into a full sweep. Prints what `/proc/PID/status` says of each. Fails when an idle daemon holds more than
//! [`MOST_KIB`].
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot set itself up has nothing to report, and its report goes to stdout"
)]

use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::{PROJECT, World};
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LINKS: usize = 10_000;
/// The goal for an idle daemon.
const MOST_KIB: u64 = 64_000_000 / 1024;
/// Cycles without a change before an idle daemon is looked at.
const IDLE_CYCLES: usize = 3;
/// Between two cycles: less than the interval in the configuration, more than any wait within a cycle.
const SILENCE: Duration = Duration::from_secs(2);
/// Requests of an idle cycle.
const IDLE_REQUESTS: usize = 3;

/// What the kernel says of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    resident: u64,
    anonymous: u64,
    highest: u64,
}

impl Memory {
    fn of(process: &Child) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Memory {
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
            highest: field("VmHWM:")?,
        })
    }

    fn show(self, what: &str) {
        let mib = |kib: u64| kib as f64 / 1024.0;
        println!(
            "{what:<44} resident {:6.1} MiB (anonymous {:6.1}), highest {:6.1} MiB",
            mib(self.resident),
            mib(self.anonymous),
            mib(self.highest)
        );
    }
}

fn start(config: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_boardsync"))
        .env_clear()
        .arg("--config")
        .arg(config)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Both services with `links` work items, and the configuration of a program that may ask as fast as it can.
async fn world(folder: &Path, links: usize) -> (World, std::path::PathBuf) {
    let clickup = ClickUpConfig {
        quirks: Quirks {
            rate_limit: 10_000_000,
            ..Quirks::default()
        },
        ..ClickUpConfig::example()
    };
    let clock = SandboxClock::real();
    let world = World::start_on(clock, AdoConfig::default(), clickup, 0).await;
    let world = world.unwrap();
    for n in 1..=links {
        let text = format!("<div>Text {n} of ordinary length.</div><ul><li>one</li></ul>");
        let fields = [
            ("System.Title", json!(format!("Story {n:06}"))),
            ("System.Description", json!(text)),
        ];
        world.ado.create_item(PROJECT, "Task", &fields).unwrap();
    }
    let path = world.write_config(folder, &World::example_pair()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text
        .replace("requests_per_second = 200", "requests_per_second = 1000")
        .replace("requests_per_minute = 10000", "requests_per_minute = 60000");
    std::fs::write(&path, format!("[schedule]\npoll = \"5s\"\n\n{text}")).unwrap();
    (world, path)
}

/// Carries everything over in a process of its own.
async fn back_fill(world: &World, config: &Path, links: usize) {
    let begun = Instant::now();
    let mut process = start(config, &["reconcile", "--once", "--yes"]);
    let mut last = Memory::default();
    let status = loop {
        last = Memory::of(&process).unwrap_or(last);
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        pause().await;
    };
    assert!(status.success(), "{status}");
    assert_eq!(world.clickup.all_ids().len(), links);
    last.show(&format!(
        "back-fill of {links} ({:.0} s, {} requests)",
        begun.elapsed().as_secs_f64(),
        world.ledger.count()
    ));
}

/// Starts the daemon and looks at it once it has been idle for some cycles.
async fn idle(world: &World, config: &Path, what: &str, arguments: &[&str]) -> Option<Memory> {
    world.ledger.clear();
    let mut daemon = start(config, arguments);
    let (mut quiet, mut before, mut burst) = (0, 0, 0);
    let mut seen = Instant::now();
    while quiet < IDLE_CYCLES {
        pause().await;
        assert_eq!(daemon.try_wait().unwrap(), None, "the daemon has ended");
        let count = world.ledger.count();
        if count == before {
            continue;
        }
        // Requests after a silence belong to the next cycle; then the size of the one before is known.
        if seen.elapsed() >= SILENCE {
            quiet = match burst {
                1..=IDLE_REQUESTS => quiet + 1,
                _ => 0,
            };
            burst = 0;
        }
        burst += count - before;
        (before, seen) = (count, Instant::now());
    }
    let memory = Memory::of(&daemon);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    if let Some(memory) = memory {
        memory.show(what);
    }
    memory
}

fn main() {
    let links = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let links = links.unwrap_or(LINKS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let figures = runtime.block_on(async {
        let (world, config) = world(folder.path(), links).await;
        back_fill(&world, &config, links).await;
        // What was just created is listed again and again for some minutes; that is not idle.
        world.clock.advance(20 * 60_000);
        let delta = idle(
            &world,
            &config,
            "idle, started into a delta",
            &["reconcile"],
        )
        .await;
        let full = ["reconcile", "--full"];
        let swept = idle(&world, &config, "idle, started into a full sweep", &full).await;
        [delta, swept]
    });
    for memory in figures {
        match memory {
            Some(memory) => assert!(memory.resident <= MOST_KIB, "{memory:?} is above the goal"),
            None => println!("resident memory is read from /proc, which is not here"),
        }
    }
}
