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

#[path = "board/program.rs"]
mod program;

use boardsync::sandbox::world::{PROJECT, World};
use program::{Memory, config, services, start};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
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

async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Both services with `links` work items, and the configuration of a program that may ask as fast as it can.
async fn world(folder: &Path, links: usize) -> (World, std::path::PathBuf) {
    let world = services().await;
    for n in 1..=links {
        let text = format!("<div>Text {n} of ordinary length.</div><ul><li>one</li></ul>");
        let fields = [
            ("System.Title", json!(format!("Story {n:06}"))),
            ("System.Description", json!(text)),
        ];
        world.ado.create_item(PROJECT, "Task", &fields).unwrap();
    }
    let path = config(&world, folder);
    (world, path)
}

/// Carries everything over in a process of its own.
async fn back_fill(world: &World, config: &Path, links: usize) {
    let begun = Instant::now();
    let mut process = start(config, &["reconcile", "--once", "--yes"], Stdio::null());
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
    let mut daemon = start(config, arguments, Stdio::null());
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
