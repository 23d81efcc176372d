use super::*;
use crate::model::{LinkId, Subject, Timestamp};
use crate::reason::{ActionWhy, Limit};
use crate::reconcile::plan::{PairPlan, Slow};

fn action(kind: ActionKind) -> Action {
    Action {
        id: ActionId(format!("{kind:?}")),
        kind,
        subject: Subject::Item,
        link: Some(LinkId(1)),
        target: Side::Ado,
        target_item: Some(ItemId::from("1")),
        source_item: Some(ItemId::from("86x")),
        title: String::new(),
        url: String::new(),
        expected: None,
        source_version: None,
        changes: Vec::new(),
        why: ActionWhy::Differs {
            from: Side::ClickUp,
        },
        parent: None,
        after: Vec::new(),
    }
}

fn plan(kinds: &[ActionKind], tripped: Option<&Tripped>) -> PairPlan {
    let mut plan = PairPlan::empty("web".into(), String::new());
    plan.actions = kinds.iter().map(|kind| action(*kind)).collect();
    plan.tripped = tripped.into_iter().cloned().collect();
    plan
}

/// About tasks that are gone, or about edits.
fn guard(what: Limit, slow: bool) -> Tripped {
    let slow = slow.then_some(Slow {
        planned: 1,
        waiting: 4,
        ended: 0,
        within_ms: 600_000,
    });
    Tripped {
        what,
        side: match what {
            Limit::Deletes => Side::Ado,
            _ => Side::ClickUp,
        },
        count: 5,
        limit: 3,
        slow,
    }
}

/// While the question stands more and more tasks answer 404: the yes is to one delete, and nobody was told.
#[test]
fn a_yes_passes_no_guard_of_deletes_that_nobody_was_told_of() {
    use ActionKind::{Delete, Update};
    let gone = &guard(Limit::Vanished, true);
    let deletes = &guard(Limit::Deletes, false);
    let updates = &guard(Limit::Updates, false);
    let of_work_items = &Tripped {
        side: Side::ClickUp,
        ..deletes.clone()
    };
    type Row<'a> = (
        &'a str,
        &'a [ActionKind],
        Option<&'a Tripped>,
        &'a [ActionKind],
        &'a Tripped,
        bool,
    );
    #[rustfmt::skip]
    let rows: [Row<'_>; 7] = [
        ("told", &[Delete], Some(gone), &[Delete], gone, true),
        ("told as deletes", &[Delete], Some(deletes), &[Delete], gone, true),
        ("told of the other side", &[Delete], Some(of_work_items), &[Delete], gone, false),
        ("not told", &[Delete], None, &[Delete], gone, false),
        ("not told, of others", &[Delete], None, &[Delete, Update], deletes, false),
        ("of edits", &[Delete], None, &[Delete], updates, true),
        ("of nothing that was shown", &[Update], None, &[Update, Delete], gone, true),
    ];
    for (what, shown, told, now, by, yes) in rows {
        let shown = Shown::of(vec![plan(shown, told)], |_| true);
        let mut observed = Observed::empty(Timestamp(0));
        observed.forge(|all| all.pairs.push(plan(now, Some(by))));
        let mut consent = Consent::default();
        shown.keep(&mut observed, &mut consent);
        let hash = observed.plan().pairs[0].hash();
        assert_eq!(consent.hashes.contains(&hash), yes, "{what}");
    }
}
