use super::*;
use crate::connector::Backlink;
use crate::model::{RichText, TextFormat};

fn item(raw: Option<&str>) -> Item {
    let mut item = bare_item(&ItemId::from("86x"), &Task::default(), "1");
    if let Some(raw) = raw {
        item.raw.insert(
            FieldKey::Description,
            RichText::new(TextFormat::Markdown, raw),
        );
    }
    item
}

fn change(current: Item, set: &[(FieldKey, FieldValue)], backlink: Option<&str>) -> Change {
    Change {
        pair: PairName::from("web"),
        id: current.id.clone(),
        expected: current.version,
        current: Box::new(current),
        set: set.iter().cloned().collect(),
        backlink: backlink.map(|marker| Backlink {
            url: "https://dev.example/edit/5".into(),
            label: "Bug 5".into(),
            marker: marker.to_owned(),
        }),
    }
}

#[test]
fn a_description_is_left_alone_unless_something_about_it_changes() {
    let change = change(
        item(Some("text")),
        &[(FieldKey::Title, FieldValue::text("t"))],
        None,
    );
    assert_eq!(new_description(&change.current, None, &change), None);
}

#[test]
fn an_untouched_text_is_not_sent_again_for_a_footer() {
    let title = (FieldKey::Title, FieldValue::text("t"));
    let renamed = change(
        item(Some("text")),
        std::slice::from_ref(&title),
        Some("sx1:m"),
    );
    assert_eq!(new_description(&renamed.current, None, &renamed), None);
    let text = (FieldKey::Description, FieldValue::rich("new".to_owned()));
    let edited = change(item(Some("text")), &[title, text], Some("sx1:m"));
    let written = new_description(&edited.current, Some("new"), &edited).unwrap_or_default();
    assert!(written.starts_with("new") && markup::footer(&written).is_some());
}

#[test]
fn a_backlink_is_added_once() {
    let first = change(item(Some("text")), &[], Some("sx1:m"));
    let written = new_description(&first.current, None, &first).unwrap_or_default();
    assert!(written.starts_with("text"));
    assert_eq!(
        markup::footer(&written),
        Some(("Bug 5".into(), "https://dev.example/edit/5#sx1:m".into()))
    );
    let again = change(item(Some(&written)), &[], Some("sx1:m"));
    assert_eq!(new_description(&again.current, None, &again), None);
}

#[test]
fn deltas_are_not_computed_against_something_that_was_not_read() {
    let tags = [(FieldKey::Tags, FieldValue::Empty)];
    let blind = change(item(None), &tags, None);
    assert!(!shows_what_is_needed(&blind.current, &blind));
    let mut seen = item(None);
    seen.fields.insert(FieldKey::Tags, FieldValue::tags(["a"]));
    let seen = change(seen, &tags, None);
    assert!(shows_what_is_needed(&seen.current, &seen));
    let text = change(
        item(None),
        &[(FieldKey::Description, FieldValue::Empty)],
        None,
    );
    assert!(!shows_what_is_needed(&text.current, &text));
    let link = change(item(None), &[], Some("sx1:m"));
    assert!(!shows_what_is_needed(&link.current, &link));
}

/// An answer without a list is one about a task that has none, as long as it is about the task that was asked for.
#[test]
fn only_an_answer_about_the_task_tells_its_subtasks() {
    let id = ItemId::from("86x");
    let none = BTreeSet::new();
    let one = BTreeSet::from([ItemId::from("86y")]);
    for (answer, told) in [
        (json!({"id": "86x"}), Some(&none)),
        (json!({"id": "86x", "subtasks": null}), Some(&none)),
        (json!({"id": "86x", "subtasks": []}), Some(&none)),
        (
            json!({"id": "86x", "subtasks": [{"id": "86y"}]}),
            Some(&one),
        ),
        (json!({"id": "86x", "subtasks": [{"id": 1234}]}), None),
        (json!({"id": "86x", "subtasks": {"0": {"id": "86y"}}}), None),
        (json!({"id": "86z", "subtasks": []}), None),
        (json!({"err": "made up"}), None),
        (json!({}), None),
        (json!(null), None),
        (json!([]), None),
    ] {
        assert_eq!(subtasks(&id, &answer).ok().as_ref(), told, "{answer}");
    }
}
