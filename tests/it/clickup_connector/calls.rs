//! An update is several calls; every answer is compared with what was sent.

use crate::clickup_connector::world::{BACKLOG, MARKER, World, day, new_item, title, world};
use boardsync::connector::{Backlink, Writer};
use boardsync::model::{FieldKey, FieldValue, ItemId};
use boardsync::sandbox::faults::Fault;
use serde_json::{Value, json};
use std::time::Duration;

/// A person edits as soon as the task has been written.
async fn once_written(world: &World, id: &ItemId, body: Value) {
    let from = world.ledger.entries().len();
    for _ in 0..400 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if world
            .requests(from)
            .iter()
            .any(|line| line.starts_with("PUT"))
        {
            world.edit(id, body);
            return;
        }
    }
    panic!("nothing was written");
}

/// The body of the only PUT since `from`.
fn put_body(world: &World, from: usize) -> Value {
    let entries = world.ledger.entries();
    let puts: Vec<_> = entries
        .iter()
        .skip(from)
        .filter(|entry| entry.method == "PUT")
        .collect();
    assert_eq!(puts.len(), 1);
    serde_json::from_str(&puts[0].body).unwrap()
}

#[tokio::test]
async fn an_edit_between_the_calls_of_one_update_is_somebody_elses() {
    let world = world(|_| {}).await;
    let id = world.seed(
        BACKLOG,
        json!({"name": "old", "tags": ["a"], "priority": 3}),
    );
    world.fault("POST", "/tag/", Fault::Delay { ms: 400 });
    let set = [
        title("ours"),
        (FieldKey::Tags, FieldValue::tags(["a", "b"])),
    ];
    let change = world.change(&id, &set).await;
    let edit = once_written(&world, &id, json!({"name": "human", "priority": 1}));
    let (written, ()) = tokio::join!(world.writer.update(&change), edit);
    let written = written.unwrap();
    let later: Vec<_> = written.later.iter().cloned().collect();
    assert_eq!(later, [FieldKey::Title, FieldKey::Priority]);
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    let fields = &written.item.fields;
    assert_eq!(fields[&FieldKey::Title], FieldValue::text("ours"));
    assert_eq!(fields[&FieldKey::Priority], FieldValue::Number(3000));
    assert_eq!(fields[&FieldKey::Tags], set[1].1);
    assert_eq!(written.item.version, world.read(&id).await.version);
}

/// ClickUp answers 200 and keeps what it had.
fn keep_everything(world: &World, id: &ItemId) {
    let kept = Fault::Status {
        status: 200,
        body: world.clickup.task(id.as_str()).unwrap().to_string(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    world.fault("PUT", "/task/", kept);
}

#[tokio::test]
async fn every_written_field_is_compared_with_the_answer() {
    let world = world(|_| {}).await;
    let id = world.seed(
        BACKLOG,
        json!({"name": "old", "priority": 3, "markdown_content": "old text", "points": 1}),
    );
    for (key, value) in [
        title("new"),
        (FieldKey::State, FieldValue::choice("in progress")),
        (FieldKey::Priority, FieldValue::Number(1000)),
        (FieldKey::StartDate, day("2026-03-03")),
        (FieldKey::DueDate, day("2026-03-09")),
        (FieldKey::Estimate, FieldValue::Duration(5_400_000)),
        (FieldKey::Points, FieldValue::Number(3500)),
        (FieldKey::Description, FieldValue::Rich("New text.".into())),
    ] {
        let change = world.change(&id, &[(key.clone(), value.clone())]).await;
        keep_everything(&world, &id);
        let written = world.writer.update(&change).await.unwrap();
        let reason = written.pending.get(&key).cloned().unwrap_or_default();
        let sent = format!("{:?}", value.to_string());
        assert!(reason.contains(&sent), "{key}: {reason:?} names {sent}");
        let again = world.change(&id, &[(key.clone(), value.clone())]).await;
        let written = world.writer.update(&again).await.unwrap();
        assert!(written.pending.is_empty(), "{key}: {:?}", written.pending);
    }
}

#[tokio::test]
async fn what_an_answer_leaves_out_is_read_before_it_is_agreed() {
    let world = world(|quirks| quirks.put_omits_description = true).await;
    let id = world.seed(BACKLOG, json!({"name": "old", "markdown_content": "old"}));
    let text = (
        FieldKey::Description,
        FieldValue::Rich("- one\n- two".into()),
    );
    let change = world.change(&id, std::slice::from_ref(&text)).await;
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.is_empty() && written.later.is_empty());
    let now = world.read(&id).await;
    assert_eq!(written.item.fields.get(&text.0), now.fields.get(&text.0));
    assert_eq!(written.item.version, now.version);
}

#[tokio::test]
async fn a_recurring_task_that_opens_again_is_not_completed_twice() {
    let world = world(|quirks| quirks.reopened_in_answer = true).await;
    let id = world.seed(BACKLOG, json!({"name": "t", "status": "in progress"}));
    let done = (FieldKey::State, FieldValue::choice("complete"));
    let change = world.change(&id, std::slice::from_ref(&done)).await;
    let mut reopened = world.clickup.task(id.as_str()).unwrap();
    reopened["status"]["status"] = json!("to do");
    world.fault(
        "PUT",
        "/task/",
        Fault::Status {
            status: 200,
            body: reopened.to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
    );
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    assert!(written.later.contains(&FieldKey::State));
}

#[tokio::test]
async fn an_untouched_text_is_not_sent_with_other_fields() {
    let world = world(|_| {}).await;
    let id = world.seed(
        BACKLOG,
        json!({"name": "old", "markdown_content": "their text"}),
    );
    let link = Backlink {
        url: "https://dev.azure.com/contoso/web/_workitems/edit/123".to_owned(),
        label: "Bug 123".to_owned(),
        marker: MARKER.to_owned(),
    };
    let mut change = world.change(&id, &[title("new")]).await;
    change.backlink = Some(link.clone());
    let from = world.ledger.entries().len();
    world.writer.update(&change).await.unwrap();
    assert_eq!(put_body(&world, from), json!({"name": "new"}));
    // With a change of the text the link goes along.
    let text = (FieldKey::Description, FieldValue::Rich("New text.".into()));
    let mut change = world.change(&id, &[text]).await;
    change.backlink = Some(link);
    world.writer.update(&change).await.unwrap();
    assert_eq!(world.read(&id).await.markers, [MARKER]);
}

#[tokio::test]
async fn the_status_call_of_a_create_takes_no_edit_for_its_own() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "ours"}));
    let created = world.clickup.task(id.as_str()).unwrap().to_string();
    world.fault(
        "POST",
        "/task",
        Fault::Status {
            status: 200,
            body: created,
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
    );
    // Somebody was faster than the second call.
    world.edit(&id, json!({"name": "human"}));
    let fields = [
        title("ours"),
        (FieldKey::State, FieldValue::choice("in progress")),
    ];
    let written = world.writer.create(&new_item(&fields)).await.unwrap();
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    assert!(written.later.contains(&FieldKey::Title));
    let fields = &written.item.fields;
    assert_eq!(fields[&FieldKey::Title], FieldValue::text("ours"));
    assert_eq!(fields[&FieldKey::State], FieldValue::choice("in progress"));
}
