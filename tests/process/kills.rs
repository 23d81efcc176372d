//! Real kills: the real program with a real database file against both fake services, SIGKILL at commits, at requests and
//! at random times; then it is started again, and what both boards hold is judged from outside.
//!
//! `BOARDSYNC_KILLS` says how many kills (default 60), `BOARDSYNC_KILL_SEED` which history (default 1). Ten thousand:
//! `BOARDSYNC_KILLS=10000 cargo test --test process kills:: -- --nocapture`

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail by panicking, and the figures are for people"
)]

pub mod board;
mod kill;
pub mod program;

use board::Board;
use kill::Kill;
use program::Program;
use std::collections::BTreeMap;
use std::time::Instant;

/// Histories that run beside each other: half of the time a run waits for a disk or a socket.
const JOBS: u64 = 3;

/// Kills of one board's life: then a new one begins, so that a run does not get longer with every item ever made.
const KILLS_OF_A_BOARD: u64 = 250;

/// Runs after which a board at rest must be equal, with an open create and its quiet time in between.
const PATIENCE: usize = 12;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

#[derive(Default)]
struct Tally {
    kills: BTreeMap<&'static str, u64>,
    survived: u64,
    edits: u64,
    judged: u64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        for (kind, count) in other.kills {
            *self.kills.entry(kind).or_default() += count;
        }
        self.survived += other.survived;
        self.edits += other.edits;
        self.judged += other.judged;
    }
}

#[test]
fn killed_at_any_instant_it_resumes_without_twin_or_lost_edit() {
    let wanted = number("BOARDSYNC_KILLS", 60);
    let seed = number("BOARDSYNC_KILL_SEED", 1);
    let begun = Instant::now();
    let workers: Vec<_> = (0..JOBS)
        .map(|job| {
            let share = wanted / JOBS + u64::from(job < wanted % JOBS);
            std::thread::spawn(move || boards(seed * 1_000 + job, share))
        })
        .collect();
    let mut sum = Tally::default();
    for worker in workers {
        sum.add(worker.join().expect("a history failed"));
    }
    let killed: u64 = sum.kills.values().sum();
    println!(
        "kills {killed} in {} s: {:?}; runs that ended before their kill {}; edits {}; boards judged {}; twins 0, lost edits 0",
        begun.elapsed().as_secs(),
        sum.kills,
        sum.survived,
        sum.edits,
        sum.judged
    );
    assert_eq!(killed, wanted);
    if wanted >= 60 {
        for kind in Kill::KINDS {
            assert!(sum.kills.contains_key(kind), "no kill of the kind {kind:?}");
        }
    }
}

/// One board after the other, until there were so many kills.
fn boards(seed: u64, kills: u64) -> Tally {
    let mut sum = Tally::default();
    for board in 0..kills.div_ceil(KILLS_OF_A_BOARD) {
        let begun = Instant::now();
        let share = KILLS_OF_A_BOARD.min(kills - board * KILLS_OF_A_BOARD);
        sum.add(history(seed + 1_000_000 * board, share));
        let seconds = begun.elapsed().as_secs();
        println!("seed {seed}, board {board}: {share} kills in {seconds} s, judged whole");
    }
    sum
}

/// One board's life: people edit, runs are killed, and every now and then the board comes to rest and is judged.
fn history(seed: u64, kills: u64) -> Tally {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    let program = runtime.block_on(Program::new(""));
    let mut board = Board::new(3);
    program.run(&["reconcile", "--once", "--yes"]);
    let mut killed = 0;
    while killed < kills {
        for _ in 0..rng.usize(1..4) {
            board.edit(&program.world, &mut rng);
            tally.edits += 1;
        }
        // More than one death before the board comes to rest: a crash during the recovery from a crash.
        for _ in 0..rng.usize(1..4) {
            if killed == kills {
                break;
            }
            let kill = Kill::any(&mut rng);
            if program.run_killed(&kill) {
                *tally.kills.entry(kill.kind()).or_default() += 1;
                killed += 1;
            } else {
                tally.survived += 1;
            }
            if rng.u8(0..4) == 0 {
                board.edit(&program.world, &mut rng);
                tally.edits += 1;
            }
        }
        rest(&program, seed, &kill_note(killed));
        assert_eq!(board.judge(&program, seed), 0, "edits in ClickUp's window");
        tally.judged += 1;
    }
    tally
}

fn kill_note(killed: u64) -> String {
    format!("after {killed} kills")
}

/// Runs without kills until one writes nothing and holds nothing.
fn rest(program: &Program, seed: u64, note: &str) {
    let mut last = None;
    for _ in 0..PATIENCE {
        let before = program.world.ledger.writes().len();
        let ran = program.run(&["reconcile", "--once"]);
        let writes = program.world.ledger.writes().len() - before;
        // 3: something is held or in conflict; both may stay for good, an open create may not.
        if ran.code == 0 && writes == 0 {
            return;
        }
        if ran.code == 3 && writes == 0 && program.open().0 == 0 {
            return;
        }
        if !matches!(ran.code, 0 | 3) {
            panic!(
                "seed {seed}, {note}: exit {}\n{}\n{}",
                ran.code, ran.out, ran.err
            );
        }
        last = Some(ran);
        std::thread::sleep(program::QUIET);
    }
    let status = program.run(&["status"]);
    panic!(
        "seed {seed}, {note}: never came to rest: {last:?}\n{}",
        status.out
    );
}
