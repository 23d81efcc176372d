//! Planning: how long a plan over linked pairs takes. Run with `cargo bench --bench plan`.

use boardsync::mapping::{People, Relation};
use boardsync::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, LinkId, Side, Sided, Timestamp, Version,
};
use boardsync::reconcile::policy::{Direction, FieldPolicy, GuardLimits, OnDelete, Policy};
use boardsync::reconcile::{LinkView, Presence, View, reconcile};
use divan::Bencher;
use std::collections::BTreeMap;

fn main() {
    divan::main();
}

fn policy() -> Policy {
    let rule = FieldPolicy {
        direction: Direction::Both,
        winner: Some(Side::Ado),
    };
    Policy {
        pair: "web".into(),
        fingerprint: String::new(),
        approved: true,
        create_on: vec![Side::Ado, Side::ClickUp],
        on_delete: OnDelete::Unlink,
        fields: FieldKey::BUILT_IN
            .into_iter()
            .map(|key| (key, rule))
            .collect(),
        states: Relation::new([
            ("New", "to do"),
            ("Active", "in progress"),
            ("Closed", "complete"),
        ]),
        types: Relation::new([("Task", "Task")]),
        people: People::default(),
        backlink: true,
        guard: GuardLimits::default(),
        closed_states: Sided {
            ado: None,
            clickup: None,
        },
    }
}

fn item(side: Side, n: i64) -> Item {
    let state = if side == Side::Ado {
        "Active"
    } else {
        "in progress"
    };
    let fields = BTreeMap::from([
        (FieldKey::Title, FieldValue::text(&format!("Item {n}"))),
        (FieldKey::Type, FieldValue::choice("Task")),
        (FieldKey::State, FieldValue::Choice(Folded::new(state))),
        (FieldKey::Priority, FieldValue::Number(2000)),
        (FieldKey::Tags, FieldValue::tags(["web", "checkout"])),
        (
            FieldKey::Description,
            FieldValue::rich(format!("What item {n} is about.\n\n- one\n- two")),
        ),
    ]);
    Item {
        id: ItemId(n.to_string()),
        version: Version(n),
        url: String::new(),
        fields,
        raw: BTreeMap::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: String::new(),
        created_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

/// A view of `n` linked pairs, every `edit`-th of them with a new title on ADO (0: none).
fn view(n: i64, edit: i64) -> View {
    let links = (0..n)
        .map(|n| {
            let mut items = Sided::build(|side| item(side, n));
            let base = items
                .ado
                .fields
                .iter()
                .map(|(key, ado)| {
                    (
                        key.clone(),
                        Sided {
                            ado: ado.clone(),
                            clickup: items
                                .clickup
                                .fields
                                .get(key)
                                .cloned()
                                .unwrap_or(FieldValue::Empty),
                        },
                    )
                })
                .collect();
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
                now: items.map(|_, item| Presence::Seen(Box::new(item))),
                chosen: BTreeMap::new(),
            }
        })
        .collect();
    View {
        links,
        total_links: n.unsigned_abs(),
        ..View::default()
    }
}

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
