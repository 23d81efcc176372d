//! Planning: what a plan over linked pairs takes, alone and with all that a sweep does around it.
//! `cargo bench --bench plan`.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot set itself up has nothing to report"
)]

#[allow(dead_code, reason = "`memory` uses the rest of it")]
#[path = "board/board.rs"]
mod board;

use board::{Board, base, item, policy};
use boardsync::model::{FieldKey, FieldValue, ItemId, LinkId, Sided};
use boardsync::reconcile::{LinkView, Presence, View};
use boardsync_core::fixture::reconcile;
use divan::Bencher;
use std::collections::{BTreeMap, BTreeSet};

fn main() {
    divan::main();
}

/// A view of `n` linked pairs, every `edit`-th of them with a new title on ADO (0: none).
fn view(n: i64, edit: i64) -> View {
    let links = (0..n)
        .map(|n| {
            let mut items = Sided::build(|side| item(side, n));
            let base = base(&items);
            if edit > 0 && n % edit == 0 {
                items
                    .ado
                    .fields
                    .insert(FieldKey::Title, FieldValue::text("Renamed"));
            }
            LinkView {
                link: LinkId(n),
                items: Sided::build(|_| ItemId(n.to_string())),
                base,
                doubted: BTreeSet::new(),
                now: items.map(|_, item| Presence::Seen(Box::new(item))),
                chosen: BTreeMap::new(),
                contested: BTreeSet::new(),
                removed: None,
                left_out: BTreeSet::new(),
                as_seen: BTreeSet::new(),
            }
        })
        .collect();
    View {
        links,
        total_links: n.unsigned_abs(),
        ..View::default()
    }
}

/// The pure core: every item is at hand and compared field by field with its base.
#[divan::bench(args = [10_000, 100_000], sample_count = 5)]
fn unchanged(bencher: Bencher, n: i64) {
    let (view, policy) = (view(n, 0), policy());
    bencher.bench_local(|| reconcile(&view, &policy));
}

#[divan::bench(args = [10_000, 100_000], sample_count = 5)]
fn one_in_a_hundred_edited(bencher: Bencher, n: i64) {
    let (view, policy) = (view(n, 100), policy());
    bencher.bench_local(|| reconcile(&view, &policy));
}

/// The engine: both sides listed in full, every row looked up in the database and compared with what is stored, then
/// planned. The listings come from memory, so this is all that a sweep costs beside waiting for the services.
#[divan::bench(args = [10_000, 100_000], sample_count = 3, sample_size = 1)]
fn sweep_of_unchanged(bencher: Bencher, n: i64) {
    let board = Board::new(n);
    bencher.bench_local(|| board.observe(true));
}

/// The part of `sweep_of_unchanged` that is not the engine's: making up both listings.
#[divan::bench(args = [10_000, 100_000], sample_count = 3, sample_size = 1)]
fn listings_of_a_sweep(bencher: Bencher, n: i64) {
    let board = Board::new(0);
    bencher.bench_local(|| board.services.clone().map(|_, service| service.rows(0..n)));
}

/// A whole cycle in which nothing changed, by delta.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 20)]
fn idle_cycle(bencher: Bencher, n: i64) {
    let board = Board::new(n);
    bencher.bench_local(|| board.cycle(false));
}
