//! Formatting that canonical Markdown cannot express.

use super::fixture::*;
use crate::model::{FieldKey, RichText, Side, TextFormat};
use crate::reconcile::LinkView;
use crate::reconcile::policy::Direction;
use boardsync_markup::canonical;

const RAW: &str =
    "<p>Plain words.</p><p>Words in <span style=\"color:#c00000\">red</span> here.</p>";

/// ADO holds `RAW`, both sides agree, and ClickUp's text then has `from` replaced by `to`.
fn edited_in_clickup(from: &str, to: &str) -> LinkView {
    let text = canonical(TextFormat::Html, RAW);
    let mut link = Linked::new(1).same(FieldKey::Description, rich(&text)).now(
        Side::ClickUp,
        FieldKey::Description,
        rich(&text.replace(from, to)),
    );
    let raw = RichText::new(TextFormat::Html, RAW);
    link.items.ado.raw.insert(FieldKey::Description, raw);
    link.view()
}

#[test]
fn an_edit_beside_the_formatting_is_written() {
    let plan = plan_one(edited_in_clickup("Plain", "Other"), &policy());
    assert_eq!(changes(&plan).len(), 1);
    assert!(plan.conflicts.is_empty() && plan.holds.is_empty());
}

#[test]
fn an_edit_of_the_formatted_block_writes_nothing_and_says_why() {
    let view = edited_in_clickup("here", "there");
    for winner in [Some(Side::Ado), None] {
        let policy = with_rule(FieldKey::Description, Direction::Both, winner);
        let plan = plan_one(view.clone(), &policy);
        assert_eq!(changes(&plan), [], "{winner:?}");
        assert_eq!(plan.conflicts[0].taken, None);
        assert_eq!(plan.conflicts[0].raw.ado.as_deref(), Some(RAW));
        assert!(plan.conflicts[0].now.clickup.to_string().contains("there"));
        assert!(plan.holds[0].reason().contains("coloured text"));
        assert_eq!(plan.holds[0].subject, FieldKey::Description);
        // Nothing moved, so the next plan says the same and again writes nothing.
        let again = plan_one(carried_out(view.clone(), &plan), &policy);
        assert_eq!(again, plan);
    }
}

#[test]
fn the_edited_side_wins_where_the_policy_says_so_and_the_formatted_text_is_kept() {
    let view = edited_in_clickup("here", "there");
    for (direction, winner) in [
        (Direction::Both, Some(Side::ClickUp)),
        (Direction::ToAdo, Some(Side::Ado)),
    ] {
        let policy = with_rule(FieldKey::Description, direction, winner);
        let plan = plan_one(view.clone(), &policy);
        assert_eq!(changes(&plan).len(), 1, "{direction:?}");
        assert_eq!(plan.conflicts[0].taken, Some(Side::ClickUp));
        assert_eq!(plan.conflicts[0].raw.ado.as_deref(), Some(RAW));
        assert!(plan.holds.is_empty());
        let again = plan_one(carried_out(view.clone(), &plan), &policy);
        assert!(changes(&again).is_empty() && again.conflicts.is_empty());
    }
}

#[test]
fn a_block_taken_out_whole_is_no_conflict() {
    let plan = plan_one(edited_in_clickup("\n\nWords in red here.", ""), &policy());
    assert_eq!(changes(&plan).len(), 1);
    assert!(plan.conflicts.is_empty());
}

#[test]
fn a_merge_that_would_flatten_one_side_writes_to_neither() {
    let mut view = edited_in_clickup("here", "there");
    let raw = RAW.replace("Plain", "Other");
    let text = canonical(TextFormat::Html, &raw);
    if let crate::reconcile::Presence::Seen(item) = &mut view.now.ado {
        item.fields.insert(FieldKey::Description, rich(&text));
        item.raw
            .insert(FieldKey::Description, RichText::new(TextFormat::Html, raw));
    }
    let plan = plan_one(view, &policy());
    assert_eq!(changes(&plan), []);
    assert_eq!(plan.conflicts[0].taken, None);
}

#[test]
fn a_choice_in_resolve_is_written_in_spite_of_the_formatting() {
    let mut view = edited_in_clickup("here", "there");
    let clickup = view.now.clickup.item().unwrap().fields[&FieldKey::Description].clone();
    crate::fixture::choose(&mut view, &FieldKey::Description, Side::ClickUp, clickup);
    let plan = plan_one(view, &policy());
    assert_eq!(changes(&plan).len(), 1);
    assert!(plan.conflicts.is_empty());
}
