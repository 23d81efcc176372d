//! Bases that move because the same content is read differently.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, Item, RichText, Side, TextFormat, Version};
use crate::reason::Limit;
use crate::reconcile::{LinkView, View, noise};

/// A linked pair as another version of the program read it, and as this one reads it: the description of the work item
/// has another canonical form.
fn read_anew(raw_then: &str, raw_now: &str) -> (LinkView, Item) {
    let mut link = Linked::new(1)
        .same(FieldKey::Description, rich("old form"))
        .now(Side::Ado, FieldKey::Description, rich("new form"))
        .view();
    let crate::reconcile::Presence::Seen(now) = &mut link.now.ado else {
        panic!("the fixture shows both items");
    };
    let raw = |text: &str| RichText::new(TextFormat::Html, text);
    now.raw.insert(FieldKey::Description, raw(raw_now));
    let mut earlier = now.as_ref().clone();
    earlier.raw.insert(FieldKey::Description, raw(raw_then));
    earlier
        .fields
        .insert(FieldKey::Description, rich("old form"));
    (link, earlier)
}

fn settled(link: LinkView, earlier: &Item) -> View {
    let mut whole = view(vec![]);
    let found = noise::reread(Side::Ado, &link, earlier);
    let link = noise::settle(&mut whole, link, Side::Ado, found);
    whole.links.push(link);
    whole.bases = 100;
    whole
}

#[test]
fn equal_raw_text_read_differently_is_no_edit_and_moves_its_base() {
    let (link, mut earlier) = read_anew("<p>x</p>", "<p>x</p>");
    // Somebody edited another field meanwhile.
    earlier.version = Version(earlier.version.0 - 1);
    let plan = reconcile(&settled(link, &earlier), &policy());
    assert_eq!(plan.actions, []);
    assert_eq!(plan.tripped, []);
    assert_eq!(plan.reread.len(), 1);
    let moved = &plan.reread[0].fields[&FieldKey::Description];
    assert_eq!(
        (&moved.ado, &moved.clickup),
        (&rich("new form"), &rich("old form"))
    );
}

#[test]
fn other_raw_text_is_an_edit() {
    let (link, earlier) = read_anew("<p>x</p>", "<p>y</p>");
    let plan = reconcile(&settled(link, &earlier), &policy());
    assert_eq!(plan.reread, []);
    assert_eq!(plan.actions.len(), 1);
}

#[test]
fn a_value_without_raw_text_is_judged_by_the_version() {
    for (older, edits) in [(0, 0), (1, 1)] {
        let link = Linked::new(1)
            .now(Side::Ado, FieldKey::Title, FieldValue::text("Read anew"))
            .view();
        let mut earlier = link.now.ado.item().unwrap().clone();
        let base = link.base[&FieldKey::Title].ado.clone();
        earlier.fields.insert(FieldKey::Title, base);
        earlier.version = Version(earlier.version.0 - older);
        let plan = reconcile(&settled(link, &earlier), &policy());
        assert_eq!(plan.actions.len(), edits, "{older}");
    }
}

#[test]
fn an_edit_that_the_base_has_not_seen_is_no_noise() {
    let (link, mut earlier) = read_anew("<p>x</p>", "<p>x</p>");
    earlier
        .fields
        .insert(FieldKey::Description, rich("something else"));
    assert_eq!(settled(link, &earlier).reread, []);
}

#[test]
fn an_edit_on_the_other_side_is_carried_over_the_moved_base() {
    let (mut link, earlier) = read_anew("<p>x</p>", "<p>x</p>");
    let crate::reconcile::Presence::Seen(task) = &mut link.now.clickup else {
        panic!("the fixture shows both items");
    };
    task.fields.insert(FieldKey::Description, rich("edited"));
    let plan = reconcile(&settled(link, &earlier), &policy());
    assert_eq!(plan.conflicts, []);
    assert_eq!(
        changes(&plan),
        [(Side::Ado, "description".to_owned(), "edited".to_owned())]
    );
}

#[test]
fn more_than_the_allowed_share_stops_the_pair() {
    for (percent, stops) in [(0.0, true), (0.9, true), (1.0, false), (3.0, false)] {
        let (link, earlier) = read_anew("<p>x</p>", "<p>x</p>");
        let mut policy = policy();
        policy.guard.noise = percent;
        let plan = reconcile(&settled(link, &earlier), &policy);
        let tripped: Vec<_> = plan
            .tripped
            .iter()
            .map(|t| (t.what, t.side, t.count))
            .collect();
        let expected = [(Limit::Noise, Side::Ado, 1)];
        assert_eq!(
            tripped,
            if stops { &expected[..] } else { &[] },
            "{percent}"
        );
    }
}

#[test]
fn an_approval_names_what_is_read_differently_too() {
    let (link, earlier) = read_anew("<p>x</p>", "<p>x</p>");
    let plan = reconcile(&settled(link, &earlier), &policy());
    let nothing = reconcile(&view(vec![Linked::new(1).view()]), &policy());
    assert_ne!(plan.hash(), nothing.hash());
}

#[test]
fn each_link_has_its_own_new_bases() {
    let mut seen = View::default();
    let moved = |keys: &[FieldKey]| {
        let pairs = keys
            .iter()
            .map(|key| (key.clone(), FieldValue::text("New")));
        pairs.collect::<std::collections::BTreeMap<_, _>>()
    };
    let title = moved(&[FieldKey::Title]);
    let both = moved(&[FieldKey::Title, FieldKey::State]);
    noise::settle(&mut seen, Linked::new(1).view(), Side::Ado, title);
    let link = noise::settle(&mut seen, Linked::new(2).view(), Side::Ado, both);
    assert_eq!(link.base[&FieldKey::State].ado, FieldValue::text("New"));
    let rows: Vec<_> = seen
        .reread
        .iter()
        .map(|rebase| (rebase.link.0, rebase.fields.len()))
        .collect();
    assert_eq!(rows, [(1, 1), (2, 2)]);
    assert_eq!(seen.noise.ado, 3);
}
