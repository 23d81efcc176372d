//! Resident memory of the real program: `cargo bench --bench daemon [-- LINKS ...]` (Linux; 10,000 and then 100,000 links
//! unless told).
//!
//! Both fake services run in this process. The program runs as a process of its own: first `reconcile --once --yes`
//! carries work items over, some thousands at a time, then `reconcile` runs until it has been idle for some cycles, once
//! started into a delta and once into a full sweep. Prints what `/proc/PID/status` says of each. Fails when
//! - an idle daemon, or a sweep at its highest, holds more than [`MOST_KIB`];
//! - the highest of a sweep grows with the number of links by more than [`EVEN`];
//! - a sweep sends more than [`SPARE`] times the requests that its pages need;
//! - a link that is made has more than [`MOST_READ`] read from files, as a query does that reads a whole table each time.
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

const SIZES: [usize; 2] = [10_000, 100_000];
/// Items that are carried over by one run: a first plan holds all that it makes.
const CHUNK: usize = 10_000;
/// The goal for a daemon, idle or in a sweep.
const MOST_KIB: u64 = 64_000_000 / 1024;
/// How much more than on the smallest board a sweep may hold on a larger one.
const EVEN: f64 = 1.1;
/// How many requests a sweep may send for each that its pages need.
const SPARE: f64 = 1.05;
/// Bytes read from files for each link that is made, the look at all others included.
const MOST_READ: u64 = 1_000_000;
/// Requests that a listing of a large board needs.
const LARGE: usize = 1000;
/// Ids that one query of work items can return, revisions that one batch returns, and tasks on one page.
const PAGES: (usize, usize, usize) = (19_000, 200, 100);
/// Cycles without a change before an idle daemon is looked at.
const IDLE_CYCLES: usize = 3;
/// Between two cycles: less than the interval in the configuration, more than any wait within a cycle.
const SILENCE: Duration = Duration::from_secs(2);
/// Requests of an idle cycle.
const IDLE_REQUESTS: usize = 3;

async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Adds work items up to a number and carries them over, each chunk in a process of its own.
async fn grow(world: &World, config: &Path, have: usize, links: usize) {
    let begun = Instant::now();
    let mut highest = Memory::default();
    for first in (have..links).step_by(CHUNK) {
        for n in first..links.min(first + CHUNK) {
            let text = format!("<div>Text {n} of ordinary length.</div><ul><li>one</li></ul>");
            let fields = [
                ("System.Title", json!(format!("Story {n:06}"))),
                ("System.Description", json!(text)),
            ];
            world.ado.create_item(PROJECT, "Task", &fields).unwrap();
        }
        let memory = carry_over(world, config).await;
        let made = links.min(first + CHUNK) - first;
        let read = memory.read / made as u64;
        println!(
            "  {} links: {read} bytes read for each of the last {made}",
            first + made
        );
        assert!(read <= MOST_READ, "{first} links before");
        if memory.highest > highest.highest {
            highest = memory;
        }
        world.ledger.clear();
    }
    assert_eq!(world.clickup.all_ids().len(), links);
    let seconds = begun.elapsed().as_secs_f64();
    highest.show(&format!("back-fill of {} ({seconds:.0} s)", links - have));
}

/// Carries everything over in a process of its own.
async fn carry_over(world: &World, config: &Path) -> Memory {
    // Whatever waits for something else to settle is due by now.
    world.clock.advance(20 * 60_000);
    let arguments = ["reconcile", "--once", "--yes", "--full"];
    let mut process = start(config, &arguments, Stdio::null());
    let mut last = Memory::default();
    loop {
        last = Memory::of(&process).unwrap_or(last);
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return last;
        }
        pause().await;
    }
}

/// Starts the daemon and looks at it once it has sent as many requests as its first cycle needs and been idle for some cycles.
/// A pause on a busy machine, in the middle of a sweep, looks like the end of a cycle and is none. Returns that, and the requests that it sent before it was idle.
async fn idle(
    world: &World,
    config: &Path,
    what: &str,
    arguments: &[&str],
    least: usize,
) -> (Option<Memory>, usize) {
    world.ledger.clear();
    let mut daemon = start(config, arguments, Stdio::null());
    let (mut quiet, mut idle_sent, mut before, mut burst) = (0, 0, 0, 0);
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
            (quiet, idle_sent) = match burst {
                1..=IDLE_REQUESTS if before - burst >= least => (quiet + 1, idle_sent + burst),
                _ => (0, 0),
            };
            burst = 0;
        }
        burst += count - before;
        (before, seen) = (count, Instant::now());
    }
    let memory = Memory::of(&daemon);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    // The burst that is going on belongs to a cycle after the idle ones.
    let sent = before - burst - idle_sent;
    if let Some(memory) = memory {
        memory.show(&format!("{what}, {sent} requests"));
    }
    (memory, sent)
}

/// Requests that a full listing of both sides needs at least.
fn needed(links: usize) -> usize {
    let (ids, revisions, tasks) = PAGES;
    links.div_ceil(ids) + links.div_ceil(revisions) + links.div_ceil(tasks)
}

/// What one size of board took.
struct Figures {
    links: usize,
    idle: Option<Memory>,
    sweep: Option<Memory>,
    /// Requests of the daemon that began with a sweep.
    sent: usize,
}

async fn measure(sizes: &[usize]) -> Vec<Figures> {
    let folder = tempfile::tempdir().unwrap();
    let world = services().await;
    let config = config(&world, folder.path());
    let (mut have, mut all) = (0, Vec::new());
    for &links in sizes {
        println!("{links} links");
        grow(&world, &config, have, links).await;
        have = links;
        // What was just created is listed as changed by the next cycle, and again for some minutes; that is not idle.
        carry_over(&world, &config).await;
        world.clock.advance(20 * 60_000);
        let delta = ["reconcile"];
        let (idle_memory, _) = idle(&world, &config, "  idle after a delta", &delta, 0).await;
        let full = ["reconcile", "--full"];
        let (sweep, sent) = idle(
            &world,
            &config,
            "  idle after a sweep",
            &full,
            needed(links),
        )
        .await;
        println!("  a listing of all of it needs {} requests", needed(links));
        all.push(Figures {
            links,
            idle: idle_memory,
            sweep,
            sent,
        });
    }
    all
}

fn main() {
    let named: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let sizes = if named.is_empty() {
        SIZES.to_vec()
    } else {
        named
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let all = runtime.block_on(measure(&sizes));
    if all.iter().any(|one| one.idle.or(one.sweep).is_none()) {
        println!("resident memory is read from /proc, which is not here");
    }
    for one in &all {
        let links = one.links;
        if let Some(idle) = one.idle {
            assert!(idle.resident <= MOST_KIB, "{links} links, idle: {idle:?}");
        }
        if let Some(sweep) = one.sweep {
            assert!(sweep.highest <= MOST_KIB, "{links} links, sweep: {sweep:?}");
        }
    }
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return;
    };
    if let (Some(small), Some(large)) = (first.sweep, last.sweep) {
        let ratio = large.highest as f64 / small.highest as f64;
        println!(
            "highest of a sweep, {} to {}: {ratio:.2}",
            last.links, first.links
        );
        assert!(ratio <= EVEN, "the memory of a sweep grows with the board");
    }
    let needed = needed(last.links);
    let spare = last.sent as f64 / needed as f64;
    println!(
        "requests of a sweep of {}, to what it needs: {spare:.3}",
        last.links
    );
    // On a small board the few requests that look up types, states and lists weigh more than that.
    assert!(needed < LARGE || spare <= SPARE, "requests of a sweep");
}
