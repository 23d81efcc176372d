//! Whole plans: the order of the rows, and the counts of the guard.

use crate::bench::*;
use boardsync_core::model::{FieldKey, FieldValue, Side, Sided};
use boardsync_core::reason::Limit;
use boardsync_core::reconcile::policy::{GuardLimits, OnDelete, Policy};
use boardsync_core::reconcile::{FreshItem, LinkView, Origin, Presence, View};
use proptest::prelude::*;

/// What happened to one linked pair.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Quiet,
    Renamed(Side),
    Cleared(Side),
    Gone(Side),
    Both,
    Unclear,
}

fn fate() -> impl Strategy<Value = Fate> {
    let side = || prop::sample::select(&Side::BOTH[..]);
    prop_oneof![
        Just(Fate::Quiet),
        side().prop_map(Fate::Renamed),
        side().prop_map(Fate::Cleared),
        side().prop_map(Fate::Gone),
        Just(Fate::Both),
        Just(Fate::Unclear),
    ]
}

fn linked(n: i64, fate: Fate) -> LinkView {
    let points = |n: i64| FieldValue::Number(n * 1000);
    let base = pair_of(&points(1), &points(1));
    let mut now = base.clone();
    match fate {
        Fate::Renamed(side) => *now.get_mut(side) = points(2),
        Fate::Cleared(side) => *now.get_mut(side) = FieldValue::Empty,
        Fate::Both => now = pair_of(&points(2), &points(3)),
        Fate::Quiet | Fate::Gone(_) | Fate::Unclear => {}
    }
    let mut link = link(n, &FieldKey::Points, Some(&base), &now);
    match fate {
        Fate::Gone(side) => {
            *link.now.get_mut(side) = Presence::Gone {
                evidence: "in the recycle bin".to_owned(),
            };
        }
        Fate::Unclear => {
            link.now.ado = Presence::Unclear {
                reason: "timed out".to_owned(),
            };
        }
        Fate::Quiet | Fate::Renamed(_) | Fate::Cleared(_) | Fate::Both => {}
    }
    link
}

fn fresh(side: Side, n: i64) -> FreshItem {
    let mut item = item(side, &n.to_string());
    let state = match side {
        Side::Ado => "New",
        Side::ClickUp => "to do",
    };
    item.fields.extend([
        (FieldKey::Title, FieldValue::text(&format!("New {n}"))),
        (FieldKey::State, FieldValue::choice(state)),
    ]);
    FreshItem {
        item,
        origin: Origin::Person,
    }
}

fn view(fates: &[Fate], new: Sided<usize>) -> View {
    View {
        links: (1..).zip(fates).map(|(n, fate)| linked(n, *fate)).collect(),
        fresh: Sided::build(|side| {
            (1000..)
                .take(*new.get(side))
                .map(|n| fresh(side, n))
                .collect()
        }),
        total_links: fates.len() as u64,
        ..View::default()
    }
}

fn deleting(rule: OnDelete) -> Policy {
    Policy {
        on_delete: rule,
        ..policy()
    }
}

type Shuffled = (Vec<LinkView>, Vec<FreshItem>, Vec<FreshItem>);

fn shuffled() -> impl Strategy<Value = (View, Shuffled)> {
    (prop::collection::vec(fate(), 0..12), 0_usize..6, 0_usize..6).prop_flat_map(
        |(fates, ado, clickup)| {
            let view = view(&fates, Sided { ado, clickup });
            let rows = (
                Just(view.links.clone()).prop_shuffle(),
                Just(view.fresh.ado.clone()).prop_shuffle(),
                Just(view.fresh.clickup.clone()).prop_shuffle(),
            );
            (Just(view), rows)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_rows_changes_nothing((straight, (links, ado, clickup)) in shuffled()) {
        let other = View { links, fresh: Sided { ado, clickup }, total_links: straight.total_links, ..View::default() };
        for rule in [OnDelete::Unlink, OnDelete::Close, OnDelete::Delete] {
            let (one, two) = (reconcile(&straight, &deleting(rule)), reconcile(&other, &deleting(rule)));
            prop_assert_eq!(one.hash(), two.hash());
            prop_assert_eq!(&one, &two);
        }
    }

    /// Counted a second time from what happened: the guard names exactly the limits that are exceeded.
    #[test]
    fn the_guard_counts_what_the_plan_does(
        fates in prop::collection::vec(fate(), 0..30),
        new in (0_usize..8, 0_usize..8),
        floors in (0_u32..6, 0_u32..6, 0_u32..6, 0_u32..6),
        percent in prop::sample::select(vec![0.0, 2.0, 10.0, 50.0]),
    ) {
        let limits = GuardLimits {
            creates: (floors.0, percent),
            updates: (floors.1, percent),
            clears: (floors.2, percent),
            deletes: (floors.3, percent),
            noise: 100.0,
        };
        let policy = Policy { guard: limits, ..deleting(OnDelete::Delete) };
        let plan = reconcile(&view(&fates, Sided { ado: new.0, clickup: new.1 }), &policy);
        let share = (fates.len() as f64 * percent / 100.0) as usize;
        let mut expected = Vec::new();
        for side in Side::BOTH {
            let of = |wanted: fn(Fate, Side) -> bool| fates.iter().filter(|fate| wanted(**fate, side)).count();
            let clears = of(|fate, side| matches!(fate, Fate::Cleared(at) if at == side.other()));
            let edits = of(|fate, side| matches!(fate, Fate::Renamed(at) if at == side.other()));
            let settled = of(|fate, side| matches!(fate, Fate::Both) && side == Side::ClickUp);
            let deletes = of(|fate, side| matches!(fate, Fate::Gone(at) if at == side.other()));
            let creates = match side { Side::Ado => new.1, Side::ClickUp => new.0 };
            for (what, count, floor) in [
                (Limit::Creates, creates, floors.0),
                (Limit::Updates, clears + edits + settled, floors.1),
                (Limit::Clears, clears, floors.2),
                (Limit::Deletes, deletes, floors.3),
            ] {
                let limit = share.max(floor as usize);
                if count > limit {
                    expected.push((what, side, count, limit));
                }
            }
            let vanished = of(|fate, side| matches!(fate, Fate::Gone(at) if at == side));
            if vanished > 1 && (fates.len() - vanished) * 10 < fates.len() {
                let limit = (fates.len() - fates.len().div_ceil(10)).max(1);
                expected.push((Limit::Vanished, side, vanished, limit));
            }
        }
        let mut found: Vec<_> = plan
            .tripped
            .into_iter()
            .map(|tripped| (tripped.what, tripped.side, tripped.count, tripped.limit))
            .collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}
