//! Memory of a cycle, counted in allocations: `cargo bench --bench memory [-- LINKS ...]`. The first plan of a large board
//! alone, in the real program (Linux) and counted: `cargo bench --bench memory -- first`; `-- program` leaves the count out.
//!
//! Counts what the program itself allocates on the one thread that runs the cycle. SQLite's page cache (2 MiB per
//! connection) is C and not in it. Fails when an idle cycle, or the peak of a sweep, depends on the number of links.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot set itself up has nothing to report, and its report goes to stdout"
)]

#[path = "board/board.rs"]
mod board;
#[path = "board/first.rs"]
mod first;
#[path = "board/program.rs"]
mod program;

use allocation_counter::{AllocationInfo, measure};
use board::Board;
use boardsync::render::PlanJson;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

const SIZES: [i64; 3] = [1_000, 10_000, 100_000];
/// How much more than for the smallest board an idle cycle may take for a larger one.
const EVEN: f64 = 1.05;
/// How much more than for the smallest board the peak of a sweep may be: it holds one page at a time.
const EVEN_SWEEP: f64 = 1.1;

struct Figures {
    links: i64,
    pages: usize,
    memory: AllocationInfo,
    ms: f64,
}

/// Pages read since the last call, on both sides.
fn pages(board: &Board) -> usize {
    let services = [&board.services.ado, &board.services.clickup];
    let taken = services.map(|service| service.pages.swap(0, Ordering::Relaxed));
    taken.iter().sum()
}

/// Runs one cycle and counts.
fn count(board: &Board, links: i64, full: bool) -> Figures {
    pages(board);
    let start = Instant::now();
    let memory = measure(|| {
        board.cycle(full);
    });
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    Figures {
        links,
        pages: pages(board),
        memory,
        ms,
    }
}

fn show(title: &str, all: &[Figures]) {
    println!("\n{title}");
    println!(
        "{:>8} {:>7} {:>12} {:>14} {:>11} {:>11} {:>9}",
        "links", "pages", "allocations", "peak bytes", "peak/link", "left over", "ms"
    );
    for one in all {
        println!(
            "{:>8} {:>7} {:>12} {:>14} {:>11.1} {:>11} {:>9.1}",
            one.links,
            one.pages,
            one.memory.count_total,
            one.memory.bytes_max,
            one.memory.bytes_max as f64 / one.links as f64,
            one.memory.bytes_current,
            one.ms,
        );
    }
    if let (Some(first), Some(last)) = (all.first(), all.last()) {
        println!(
            "ratio {}/{}: pages {:.2}, allocations {:.2}, peak {:.2}, ms {:.2}",
            last.links,
            first.links,
            last.pages as f64 / first.pages as f64,
            last.memory.count_total as f64 / first.memory.count_total as f64,
            last.memory.bytes_max as f64 / first.memory.bytes_max as f64,
            last.ms / first.ms,
        );
    }
}

/// The board of the first plan: items, and bytes of text in each.
const FIRST: (i64, usize) = (20_500, 4096);
/// Most bytes that it may take. The systemd unit has `MemoryMax=512M`, for this and for the rest of the program.
const MOST: u64 = 400 << 20;

/// What the first plan of a board takes, shown as JSON and saved.
fn first_plan() {
    let (items, text) = FIRST;
    let board = Board::unread(items, text);
    let mut actions = 0;
    let memory = measure(|| {
        let observed = board.observe(true);
        actions = observed.plan().writes();
        let (plan, still_open) = (observed.plan(), &BTreeMap::new());
        serde_json::to_writer_pretty(std::io::sink(), &PlanJson { plan, still_open }).unwrap();
        serde_json::to_writer_pretty(std::io::sink(), observed.plan()).unwrap();
    });
    println!(
        "\nFirst plan of {items} items with {text} bytes of text: {actions} creates, peak {} bytes, {} an item",
        memory.bytes_max,
        memory.bytes_max / items.unsigned_abs()
    );
    assert_eq!(actions, usize::try_from(items).unwrap());
    assert!(memory.bytes_max <= MOST, "peak of a first plan");
}

fn main() {
    let asked = |what: &str| std::env::args().any(|argument| argument == what);
    if asked("first") || asked("program") {
        let (items, text) = FIRST;
        first::in_the_program(usize::try_from(items).unwrap(), text);
        if asked("first") {
            first_plan();
        }
        return;
    }
    let named: Vec<i64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let sizes = if named.is_empty() {
        SIZES.to_vec()
    } else {
        named
    };
    let (mut idle, mut sweeps) = (Vec::new(), Vec::new());
    for links in sizes {
        let board = Board::new(links);
        let size = std::fs::metadata(&board.database).unwrap().len();
        println!("{links} links: database {} bytes", size);
        // Fills statement cache and page cache.
        board.cycle(false);
        idle.push(count(&board, links, false));
        sweeps.push(count(&board, links, true));
        for service in [&board.services.ado, &board.services.clickup] {
            assert_eq!(service.writes.load(Ordering::Relaxed), 0);
        }
    }
    show("Idle cycle (delta)", &idle);
    show("Full sweep, nothing changed", &sweeps);
    first_plan();
    if let Some(first) = sweeps.first() {
        let most = first.memory.bytes_max as f64 * EVEN_SWEEP;
        for one in &sweeps {
            assert!(one.memory.bytes_max as f64 <= most, "peak of a sweep");
        }
    }
    let Some(first) = idle.first() else { return };
    for one in &idle {
        assert_eq!(one.pages, first.pages, "requests of an idle cycle");
        let most = first.memory.count_total as f64 * EVEN;
        assert!(
            one.memory.count_total as f64 <= most,
            "allocations of an idle cycle"
        );
        let most = first.memory.bytes_max as f64 * EVEN;
        assert!(one.memory.bytes_max as f64 <= most, "peak of an idle cycle");
    }
}
