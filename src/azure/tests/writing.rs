//! Updates and creates: what is sent, and what an answer means.

use super::scope;
use super::server::{made, start, wire};
use crate::azure::*;
use crate::model::{FieldKey, FieldValue, Folded, Item, RichText, TextFormat, Version};
use serde_json::json;

pub(super) fn current() -> Item {
    Item {
        id: ItemId::from("4"),
        version: Version(6),
        url: String::new(),
        fields: BTreeMap::from([
            (FieldKey::State, FieldValue::choice("New")),
            (FieldKey::Tags, FieldValue::tags(["a"])),
            (
                FieldKey::StartDate,
                FieldValue::Day("2026-05-02".parse().unwrap()),
            ),
            (FieldKey::Assignees, FieldValue::Empty),
        ]),
        unread: BTreeSet::new(),
        raw: FromIterator::from_iter([(
            FieldKey::Description,
            RichText::new(TextFormat::Markdown, "old"),
        )]),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "One|One".to_owned(),
        created_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

pub(super) fn change(set: &[(FieldKey, FieldValue)]) -> Change {
    Change {
        pair: PairName::from("a"),
        id: ItemId::from("4"),
        expected: Version(6),
        current: Box::new(current()),
        set: set.iter().cloned().collect(),
        backlink: None,
    }
}

#[tokio::test]
async fn an_update_tests_the_revision_and_sends_only_what_differs() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, wire(4, 7, "One", "New"))];
    let change = change(&[
        (FieldKey::Tags, FieldValue::Empty),
        (
            FieldKey::StartDate,
            FieldValue::Day("2026-05-02".parse().unwrap()),
        ),
        (FieldKey::Assignees, FieldValue::Empty),
        (FieldKey::Points, FieldValue::Number(1000)),
        (FieldKey::Description, FieldValue::Rich("new".into())),
    ]);
    let written = writer.update(&change).await.unwrap();
    assert_eq!(written.item.version, Version(7));
    let script = server.lock().unwrap();
    let (method, address, body) = script.log.last().unwrap();
    assert_eq!(method, "PATCH");
    assert!(address.starts_with("/acme/_apis/wit/workitems/4?"));
    assert_eq!(body[0], json!({"op": "test", "path": "/rev", "value": 6}));
    let paths: Vec<_> = body
        .as_array()
        .unwrap()
        .iter()
        .map(|op| (op["op"].as_str().unwrap(), op["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        paths[1..],
        [
            ("remove", "/fields/System.Tags"),
            ("add", "/fields/System.Description")
        ]
    );
}

#[tokio::test]
async fn a_state_out_of_reach_is_walked_to_and_a_refused_step_is_pending() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![
        (200, wire(4, 7, "One", "Active")),
        (400, json!({"message": "TF401320: rule"})),
    ];
    let written = writer
        .update(&change(&[(FieldKey::State, FieldValue::choice("closed"))]))
        .await
        .unwrap();
    assert_eq!(
        written.item.fields[&FieldKey::State],
        FieldValue::choice("Active")
    );
    assert!(written.pending[&FieldKey::State].contains("TF401320"));
    let script = server.lock().unwrap();
    let last = &script.log.last().unwrap().2;
    assert_eq!(
        last[0]["value"], 7,
        "each step tests the revision of the one before"
    );
    assert_eq!(last[1]["value"], "Closed");
}

/// The step may be in force all the same. Had the state before it been told, it would become the base, and a person who sets
/// just that state afterwards would be overwritten.
#[tokio::test]
async fn after_a_last_step_without_an_answer_nothing_tells_the_state() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let raced = (
        412,
        json!({"message": "VS403351: test failed", "typeKey": "WorkItemRevisionMismatchException"}),
    );
    // Without an answer to the last attempt, and refused after an attempt that had none: it is our own write that was met.
    for last in [(503, json!({})), raced] {
        let rest = [(503, json!({})), last];
        let step = (200, wire(4, 7, "One", "Active"));
        server.lock().unwrap().writes = std::iter::once(step).chain(rest).collect();
        let written = writer
            .update(&change(&[(FieldKey::State, FieldValue::choice("closed"))]))
            .await
            .unwrap();
        assert_eq!(written.item.version, Version(7));
        assert!(!written.item.fields.contains_key(&FieldKey::State));
        assert!(written.item.fields.contains_key(&FieldKey::Title));
        assert!(written.pending.contains_key(&FieldKey::State));
    }
}

#[tokio::test]
async fn nothing_to_change_sends_no_patch_and_a_lost_race_is_stale() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let same = change(&[(FieldKey::Tags, FieldValue::tags(["A"]))]);
    assert_eq!(writer.update(&same).await.unwrap().item, current());
    server.lock().unwrap().writes = vec![(412, json!({"message": "VS403351: test failed"}))];
    let other = change(&[(FieldKey::Tags, FieldValue::tags(["b"]))]);
    let error = writer.update(&other).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Stale, Some("VS403351"))
    );
}

pub(super) fn new_item(state: &str) -> NewItem {
    NewItem {
        parent: None,
        pair: PairName::from("a"),
        fields: BTreeMap::from([
            (FieldKey::Title, FieldValue::Text("Paint".to_owned())),
            (FieldKey::State, FieldValue::choice(state)),
            (FieldKey::Points, FieldValue::Number(1000)),
            (
                FieldKey::Assignees,
                FieldValue::from_people([Folded::person("Ana@acme.example", "Ana")].into()),
            ),
        ]),
        marker: "sx1:m".to_owned(),
        source: ItemId::from("86x"),
        source_type: "Task".to_owned(),
        source_url: "https://app.clickup.com/t/86x".to_owned(),
    }
}

#[tokio::test]
async fn a_create_carries_its_marker_and_reaches_other_states_afterwards() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let answer = |rev: i64, state: &str| {
        let mut item = wire(4, rev, "One", state);
        item["fields"]["System.Title"] = json!("Paint");
        item["fields"]["System.AssignedTo"] = json!({"uniqueName": "Ana@acme.example"});
        (200, item)
    };
    server.lock().unwrap().writes = vec![answer(1, "New"), answer(2, "Active")];
    let written = writer.create(&new_item("Active")).await.unwrap();
    assert_eq!(written.item.version, Version(2));
    assert!(written.pending.is_empty());
    let script = server.lock().unwrap();
    let writes: Vec<_> = script
        .log
        .iter()
        .filter(|(m, a, _)| m != "GET" && a.contains("/workitems/"))
        .collect();
    assert_eq!(
        (writes[0].0.as_str(), writes[1].0.as_str()),
        ("POST", "PATCH")
    );
    assert!(
        writes[0]
            .1
            .starts_with("/acme/One/_apis/wit/workitems/$Task?"),
        "{}",
        writes[0].1
    );
    let body = writes[0].2.to_string();
    assert!(
        body.contains("sx1:m") && body.contains("ana@acme.example"),
        "{body}"
    );
    assert!(!body.contains("System.State"), "{body}");
}

#[tokio::test]
async fn a_create_with_an_unclear_answer_is_sent_once_and_ambiguous() {
    for answer in [(503, json!({})), (200, json!({"unexpected": true}))] {
        let (server, _, writer) = start(vec![scope("a", "One")]).await;
        server.lock().unwrap().writes = vec![answer];
        let error = writer.create(&new_item("New")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous);
    }
}

/// The work item is told, so that it is linked at once, but for its state.
#[tokio::test]
async fn a_create_whose_last_step_has_no_answer_tells_everything_but_the_state() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, made(4)), (503, json!({})), (503, json!({}))];
    let written = writer.create(&new_item("Active")).await.unwrap();
    assert_eq!(written.item.id, ItemId::from("4"));
    assert!(!written.item.fields.contains_key(&FieldKey::State));
    assert!(written.pending.contains_key(&FieldKey::State));
}

/// What is pending after an update that was answered with these fields.
async fn pending(
    set: &[(FieldKey, FieldValue)],
    shown: &[(&str, serde_json::Value)],
) -> BTreeMap<FieldKey, String> {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let mut item = wire(4, 7, "One", "New");
    for (name, value) in shown {
        item["fields"][*name] = value.clone();
    }
    server.lock().unwrap().writes = vec![(200, item)];
    writer.update(&change(set)).await.unwrap().pending
}

#[tokio::test]
async fn a_write_is_compared_with_its_answer_field_by_field_and_by_meaning() {
    let day = |text: &str| FieldValue::Day(text.parse().unwrap());
    let set = [
        (FieldKey::Title, FieldValue::text("a b")),
        (FieldKey::Tags, FieldValue::tags(["x", "Y"])),
        (FieldKey::Priority, FieldValue::Number(1000)),
        (FieldKey::StartDate, day("2026-05-03")),
        (
            FieldKey::Description,
            FieldValue::Rich("**one** two".into()),
        ),
    ];
    const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
    const START: &str = "Microsoft.VSTS.Scheduling.StartDate";
    // The same by meaning: order, spelling, white space, markup of its own.
    let same = [
        ("System.Title", json!("a  b")),
        ("System.Tags", json!("y; x")),
        (PRIORITY, json!(1.0)),
        (START, json!("2026-05-02T22:00:00Z")),
        (
            "System.Description",
            json!("<div>one</div> <span>two</span>"),
        ),
    ];
    assert_eq!(pending(&set, &same).await, BTreeMap::new());
    for (name, value, key, said) in [
        ("System.Title", json!("a"), FieldKey::Title, "\"a b\""),
        ("System.Tags", json!("x; y; old"), FieldKey::Tags, "old"),
        (PRIORITY, json!(2), FieldKey::Priority, "2"),
        (
            START,
            json!("2026-05-09T00:00:00Z"),
            FieldKey::StartDate,
            "2026-05-09",
        ),
        (
            "System.Description",
            json!("<p>one</p>"),
            FieldKey::Description,
            "two",
        ),
    ] {
        let mut shown = same.clone();
        for field in &mut shown {
            if field.0 == name {
                field.1 = value.clone();
            }
        }
        let pending = pending(&set, &shown).await;
        assert_eq!(pending.keys().collect::<Vec<_>>(), [&key], "{pending:?}");
        assert!(pending[&key].contains(said), "{pending:?}");
    }
    // What is not there at all is empty.
    let shown = &same[..4];
    assert!(
        pending(&set, shown)
            .await
            .contains_key(&FieldKey::Description)
    );
}

#[tokio::test]
async fn a_rule_that_set_another_state_in_the_same_save_is_told() {
    let set = [(FieldKey::State, FieldValue::choice("Active"))];
    let pending = pending(&set, &[("System.State", json!("Closed"))]).await;
    assert!(pending[&FieldKey::State].contains("Closed"), "{pending:?}");
}

#[tokio::test]
async fn a_create_is_compared_with_its_answer_too() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, made(4))];
    let written = writer.create(&new_item("New")).await.unwrap();
    let keys: Vec<_> = written.pending.keys().collect();
    assert_eq!(keys, [&FieldKey::Assignees]);
}
