//! One person in ADO, several in ClickUp.

use crate::bench::*;
use boardsync_core::model::{FieldKey, Side, Sided};
use boardsync_core::reconcile::View;
use boardsync_core::reconcile::merge::Merged;
use boardsync_core::reconcile::policy::{Direction, FieldPolicy};

const ANA: &str = "ana@contoso.com";
const ANA_C: &str = "ana@clickup-mail.com";

fn both_change_the_lead() -> (
    Sided<boardsync_core::model::FieldValue>,
    Sided<boardsync_core::model::FieldValue>,
) {
    (
        pair_of(&people(&[ANA]), &people(&[ANA_C, "dee@x.com"])),
        pair_of(&people(&["bo@x.com"]), &people(&["cy@x.com", "dee@x.com"])),
    )
}

#[test]
fn leads_changed_on_both_sides_are_a_conflict_and_ado_wins_by_default() {
    let (base, now) = both_change_the_lead();
    let view = View {
        total_links: 1,
        links: vec![link(1, &FieldKey::Assignees, Some(&base), &now)],
        ..View::default()
    };
    let plan = reconcile(&view, &policy());
    assert_eq!(plan.conflicts.len(), 1);
    let conflict = &plan.conflicts[0];
    assert_eq!(conflict.taken, Some(Side::Ado));
    assert_eq!(conflict.base.as_ref(), Some(&base));
    assert_eq!(conflict.now, now, "both values are kept");
    assert_eq!(plan.actions.len(), 1);
    assert_eq!(plan.actions[0].target, Side::ClickUp);
    let after = plan.actions[0].changes[0].after.members();
    assert!(after.iter().any(|person| person.key == "bo@x.com"));
    assert!(
        after.iter().any(|person| person.key == "dee@x.com"),
        "a bystander stays"
    );
}

#[test]
fn leads_changed_on_both_sides_follow_the_rule() {
    let (base, now) = both_change_the_lead();
    for (winner, ado, clickup) in [(Some(Side::ClickUp), true, false), (None, false, false)] {
        let rule = FieldPolicy {
            direction: Direction::Both,
            winner,
        };
        let merged = merge(&FieldKey::Assignees, Some(&base), &now, rule, &policy());
        assert!(matches!(&merged, Merged::Conflict { taken, .. } if *taken == winner));
        let to = writes(&merged);
        assert_eq!((to.ado.is_some(), to.clickup.is_some()), (ado, clickup));
        if let Some(lead) = to.ado {
            assert_eq!(lead, people(&["cy@x.com"]));
        }
    }
}

#[test]
fn a_member_added_in_clickup_while_the_lead_changes_in_ado_is_no_conflict() {
    let base = pair_of(&people(&[ANA]), &people(&[ANA_C]));
    let now = pair_of(&people(&["bo@x.com"]), &people(&[ANA_C, "cy@x.com"]));
    for rule in rules() {
        let merged = merge(&FieldKey::Assignees, Some(&base), &now, rule, &policy());
        assert!(
            !matches!(merged, Merged::Conflict { .. }),
            "{rule:?} {merged:?}"
        );
        let to = writes(&merged);
        assert_eq!(to.ado, None, "{rule:?}: the new lead stays");
        if rule.direction.writes_to(Side::ClickUp) {
            assert_eq!(to.clickup, Some(people(&["bo@x.com", "cy@x.com"])));
        }
    }
}
