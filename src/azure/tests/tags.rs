//! Tags and what is left out on the way.

use super::scope;
use super::server::{Server, made, start, wire};
use super::writing::{change, current, new_item};
use crate::azure::*;
use crate::model::{FieldKey, FieldValue};
use serde_json::{Value, json};

/// The operation of the last write on a field.
fn sent(server: &Server, field: &str) -> Option<Value> {
    let script = server.lock().unwrap();
    let (_, _, body) = script.log.last().unwrap();
    let path = format!("/fields/{field}");
    let mut ops = body.as_array().unwrap().iter();
    ops.rfind(|op| op["path"] == path.as_str()).cloned()
}

/// What an update of the tags sends for an item with `held`.
async fn tag_op(held: &[&str], wanted: &[&str]) -> Option<Value> {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, wire(4, 7, "One", "New"))];
    let mut change = change(&[
        (FieldKey::Tags, FieldValue::tags(wanted.iter().copied())),
        (FieldKey::Title, FieldValue::text("new")),
    ]);
    let held = FieldValue::tags(held.iter().copied());
    change.current.fields.insert(FieldKey::Tags, held);
    writer.update(&change).await.unwrap();
    sent(&server, "System.Tags")
}

#[tokio::test]
async fn a_removed_tag_stays_removed() {
    // `add` would unite the list with the tags that are there.
    let op = tag_op(&["a", "b", "c"], &["a", "c"]).await.unwrap();
    assert_eq!(
        (&op["op"], &op["value"]),
        (&json!("replace"), &json!("a; c"))
    );
    let op = tag_op(&["a"], &["a", "b"]).await.unwrap();
    assert_eq!(
        (&op["op"], &op["value"]),
        (&json!("replace"), &json!("a; b"))
    );
}

#[tokio::test]
async fn first_tags_are_added_and_the_last_ones_removed() {
    let op = tag_op(&[], &["a"]).await.unwrap();
    assert_eq!((&op["op"], &op["value"]), (&json!("add"), &json!("a")));
    let op = tag_op(&["a"], &[]).await.unwrap();
    assert_eq!((&op["op"], op.get("value")), (&json!("remove"), None));
    assert_eq!(tag_op(&[], &[]).await, None);
}

#[tokio::test]
async fn a_create_adds_its_tags() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, made(4))];
    let mut new = new_item("New");
    new.fields
        .insert(FieldKey::Tags, FieldValue::tags(["x", "y"]));
    new.marker = "sx1:m".to_owned();
    writer.create(&new).await.unwrap();
    let body = server
        .lock()
        .unwrap()
        .log
        .iter()
        .find(|(m, _, _)| m == "POST")
        .unwrap()
        .2
        .to_string();
    assert!(body.contains(r#""value":"x; y""#), "{body}");
}

#[tokio::test]
async fn characters_that_have_a_patch_refused_are_not_sent() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, wire(4, 7, "One", "New"))];
    let change = change(&[
        // As a plan that was saved by an earlier version holds it.
        (
            FieldKey::Title,
            FieldValue::Text("a\u{1}b\u{ffff}".to_owned()),
        ),
        (FieldKey::Tags, FieldValue::tags(["x\u{1}y"])),
        (
            FieldKey::Description,
            FieldValue::Rich("one\u{ffff}two".into()),
        ),
    ]);
    writer.update(&change).await.unwrap();
    for (field, value) in [
        ("System.Title", "ab"),
        ("System.Tags", "xy"),
        ("System.Description", "onetwo"),
    ] {
        assert_eq!(sent(&server, field).unwrap()["value"], value, "{field}");
    }
}

#[test]
fn a_value_is_the_same_with_and_without_characters_that_nobody_sees() {
    assert_eq!(
        FieldValue::text("a\u{1} \u{ffff} b"),
        FieldValue::text("a b")
    );
    assert_eq!(
        FieldValue::tags(["x\u{1}y", "\u{1}"]),
        FieldValue::tags(["xy"])
    );
    assert_eq!(FieldValue::text("\u{1}"), FieldValue::Empty);
    let raw = |text: &str| crate::markup::canonical(crate::model::TextFormat::Markdown, text);
    assert_eq!(
        raw("a\u{ffff}b `c\u{fdd0}d`\n\n```\ne\u{1}f\n```"),
        raw("ab `cd`\n\n```\nef\n```")
    );
    // A tag is still named as its service spells it.
    let shown = FieldValue::tags(["x\u{1}y"]).members();
    assert_eq!(shown.first().unwrap().shown, "x\u{1}y");
}

#[tokio::test]
async fn a_title_that_does_not_fit_is_held_and_never_cut() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let long = format!("{}🚀", "x".repeat(254));
    let changed = change(&[(FieldKey::Title, FieldValue::text(&long))]);
    let error = writer.update(&changed).await.unwrap_err();
    assert_eq!(error.field, Some(FieldKey::Title));
    assert!(
        error.message.contains("256") && error.message.contains("255"),
        "{error}"
    );
    let mut new = new_item("New");
    new.fields.insert(FieldKey::Title, FieldValue::text(&long));
    let error = writer.create(&new).await.unwrap_err();
    // Made without its title it would be another item, so the whole create is refused.
    assert_eq!((error.kind, error.field), (ErrorKind::Refused, None));
    assert!(server.lock().unwrap().writes.is_empty());
    assert!(
        server
            .lock()
            .unwrap()
            .log
            .iter()
            .all(|(m, _, _)| m == "GET")
    );
    // Exactly at the limit it arrives whole.
    server.lock().unwrap().writes = vec![(200, wire(4, 7, "One", "New"))];
    let fits = format!("{}🚀", "x".repeat(253));
    writer
        .update(&change(&[(FieldKey::Title, FieldValue::text(&fits))]))
        .await
        .unwrap();
    assert_eq!(
        sent(&server, "System.Title").unwrap()["value"],
        fits.as_str()
    );
}

#[tokio::test]
async fn a_date_that_the_service_cannot_store_is_refused_by_its_field() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let day = chrono::NaiveDate::from_ymd_opt(12_000, 1, 1).unwrap();
    let change = change(&[(FieldKey::StartDate, FieldValue::Day(day))]);
    let error = writer.update(&change).await.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::StartDate))
    );
    assert!(
        server
            .lock()
            .unwrap()
            .log
            .iter()
            .all(|(m, _, _)| m == "GET")
    );
    assert_eq!(current().fields.len(), 4, "the item as it was");
}
