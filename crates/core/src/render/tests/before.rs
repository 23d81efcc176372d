//! What a plan says of what an earlier cycle held or recorded.

use super::*;
use crate::model::LinkId;
use crate::reason::{HoldWhy, ReadWhy};
use crate::reconcile::plan::Hold;
use std::collections::BTreeMap;

/// A plan with what is open in its pair.
fn beside(pair: &PairPlan, before: StillOpen) -> String {
    let still_open = BTreeMap::from([("web".into(), before)]);
    let show = Show {
        still_open: &still_open,
        ..Show::default()
    };
    let plans = plan_of(Timestamp(0), vec![pair.clone()]);
    let wide = Style {
        width: 200,
        ..Style::default()
    };
    plan(&plans, &show, &wide)
}

/// The title of the first link is in conflict.
fn in_conflict() -> StillOpen {
    let open = OpenConflict {
        id: 7,
        link: LinkId(1),
        items: Linked::new(1).items.map(|_, item| item.id),
        field: FieldKey::Title,
        title: "Login fails".to_owned(),
    };
    StillOpen {
        conflicts: vec![open],
        holds: Vec::new(),
    }
}

#[test]
fn what_was_open_of_a_link_that_ends_is_not_called_unchanged() {
    let gone = Linked::new(1).with(Side::ClickUp, gone());
    let pair = reconcile(&view(vec![gone]), &policy());
    assert_eq!(pair.actions.len(), 1, "{pair:?}");
    let why = ReadWhy::SeemsDeleted {
        evidence: "404".to_owned(),
    };
    let held = Hold {
        link: Some(LinkId(1)),
        side: Side::ClickUp,
        item: "86d1".into(),
        title: "Login fails".to_owned(),
        subject: crate::model::Subject::Item,
        why: HoldWhy::from(why),
    };
    let before = StillOpen {
        holds: vec![held],
        ..in_conflict()
    };
    let text = beside(&pair, before);
    assert!(!text.contains("from before"), "{text}");
    assert!(!text.contains("held"), "{text}");
}

fn two_unmapped(states: [&str; 2]) -> PairPlan {
    let links = (1..=2).zip(states).map(|(n, state)| {
        let state = FieldValue::choice(state);
        Linked::new(n).now(Side::Ado, FieldKey::State, state).view()
    });
    reconcile(&view(links.collect()), &policy())
}

#[test]
fn what_an_earlier_cycle_held_for_the_same_reason_is_no_news() {
    let pair = two_unmapped(["Removed", "Removed"]);
    let before = |holds: &[Hold]| StillOpen {
        conflicts: Vec::new(),
        holds: holds.to_vec(),
    };
    let text = beside(&pair, before(&pair.holds[..1]));
    let (news, known) = text.split_once("from before, unchanged: 1 held").unwrap();
    assert!(news.contains("held, nothing is written there:"), "{text}");
    assert_eq!(news.matches("is not mapped").count(), 1, "{text}");
    assert_eq!(known.matches("is not mapped").count(), 1, "{text}");
    assert!(news.contains("2 held"), "{text}");

    let text = beside(&pair, before(&pair.holds));
    assert!(!text.contains("nothing is written there"), "{text}");
    assert!(text.contains("from before, unchanged: 2 held"), "{text}");

    // Held for another value it is news.
    let other = two_unmapped(["Cut", "Removed"]);
    let text = beside(&pair, before(&other.holds));
    assert!(text.contains("from before, unchanged: 1 held"), "{text}");
}

#[test]
fn what_is_held_at_a_field_above_is_counted_where_the_rest_is_listed() {
    let links = (1..=2).map(|n| {
        let removed = FieldValue::choice("Removed");
        let link = Linked::new(n).now(Side::Ado, FieldKey::State, removed);
        match n {
            1 => link
                .now(Side::Ado, FieldKey::Title, FieldValue::text("Renamed"))
                .view(),
            _ => link.view(),
        }
    });
    let pair = reconcile(&view(links.collect()), &policy());
    let text = beside(&pair, StillOpen::default());
    assert!(text.contains("open        2 held"), "{text}");
    let head = "held, nothing is written there (1 more at its field above):";
    assert!(text.contains(head), "{text}");
}

#[test]
fn a_conflict_that_no_cycle_has_recorded_is_not_said_to_be_in_the_list() {
    let mut policy = policy();
    for rule in policy.fields.values_mut() {
        rule.winner = None;
    }
    let pair = reconcile(&view(vec![contested()]), &policy);
    let pair = PairPlan {
        conflicts: pair.conflicts[..1].to_vec(),
        ..pair
    };
    let once = "once a cycle has recorded it";
    let text = beside(&pair, StillOpen::default());
    assert!(text.contains(once), "{text}");
    let mut known = in_conflict();
    known.conflicts[0].field = pair.conflicts[0].field.clone();
    let text = beside(&pair, known);
    assert!(!text.contains(once), "{text}");
    assert!(text.contains("boardsync conflicts list"), "{text}");
}
