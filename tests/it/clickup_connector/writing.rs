//! Creates, updates and deletes.

use crate::clickup_connector::world::{
    BACKLOG, MARKER, START, day, new_item, person, title, world,
};
use boardsync::connector::{ErrorKind, Fetched, Reader, Writer};
use boardsync::model::{FieldKey, FieldValue, Folded, PairName};
use boardsync::sandbox::faults::Fault;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn a_created_task_reads_back_as_it_was_asked_for() {
    let world = world(|_| {}).await;
    let fields = [
        title("Login fails"),
        (FieldKey::Type, FieldValue::choice("Bug")),
        (FieldKey::State, FieldValue::choice("In Progress")),
        (FieldKey::Assignees, person("ada@example.com")),
        (FieldKey::Priority, FieldValue::Number(2000)),
        (FieldKey::Tags, FieldValue::tags(["Web", "needs review"])),
        (FieldKey::StartDate, day("2026-03-03")),
        (FieldKey::DueDate, day("2026-03-09")),
        (FieldKey::Estimate, FieldValue::Duration(5_400_000)),
        (FieldKey::Points, FieldValue::Number(3500)),
        (FieldKey::Description, FieldValue::Rich("Steps.".into())),
    ];
    let written = world.writer.create(&new_item(&fields)).await.unwrap();
    assert_eq!(written.pending, BTreeMap::new());
    let posts: Vec<_> = world
        .requests(0)
        .into_iter()
        .filter(|request| !request.starts_with("GET"))
        .collect();
    assert_eq!(posts, [format!("POST list/{BACKLOG}/task")]);
    let item = world.read(&written.item.id).await;
    assert_eq!(item.markers, [MARKER]);
    for (key, value) in &fields {
        if *key != FieldKey::Description {
            assert_eq!(item.fields.get(key), Some(value), "{key}");
        }
    }
    let raw = &item.raw[&FieldKey::Description].text();
    assert!(raw.starts_with("Steps."), "{raw}");
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_once_and_found_by_its_marker() {
    let world = world(|_| {}).await;
    world.seed(BACKLOG, json!({"name": "other"}));
    world.fault("POST", "/task", Fault::DropAfterApply);
    let error = world
        .writer
        .create(&new_item(&[title("t")]))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    let posts = world.requests(0);
    assert_eq!(
        posts.iter().filter(|line| line.starts_with("POST")).count(),
        1
    );
    let pair = PairName::from("web");
    let found = world
        .reader
        .find_marker(&pair, MARKER, START)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let longer = format!("{MARKER}3");
    let other = world.reader.find_marker(&pair, &longer, START).await;
    assert_eq!(other.unwrap(), []);
}

#[tokio::test]
async fn a_status_that_a_create_dropped_is_set_at_once() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    world.fault(
        "POST",
        "/task",
        Fault::Status {
            status: 200,
            body: world.clickup.task(id.as_str()).unwrap().to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
    );
    let fields = [
        title("t"),
        (FieldKey::State, FieldValue::choice("in progress")),
    ];
    let written = world.writer.create(&new_item(&fields)).await.unwrap();
    assert_eq!(written.pending, BTreeMap::new());
    assert_eq!(
        world.read(&id).await.fields.get(&FieldKey::State),
        Some(&FieldValue::choice("in progress"))
    );
}

/// Answers the next create with a task that is there already.
fn answered_with(world: &crate::clickup_connector::world::World, id: &str) {
    answered(world, world.clickup.task(id).unwrap().to_string());
}

fn answered(world: &crate::clickup_connector::world::World, body: String) {
    let content_type = "application/json".to_owned();
    world.fault(
        "POST",
        "/task",
        Fault::StatusAfterApply {
            status: 200,
            body,
            content_type,
        },
    );
}

/// Nothing else is written to it, not even the status that it does not have.
#[tokio::test]
async fn a_create_that_is_answered_with_another_task_leaves_that_one_alone() {
    for (name, age, said) in [
        ("other", 0, "another title"),
        ("t", 3_600_000, "was there before"),
    ] {
        let world = world(|_| {}).await;
        let id = world.seed(BACKLOG, json!({"name": name}));
        world.clock.advance(age);
        world.read(&id).await;
        answered_with(&world, id.as_str());
        let state = (FieldKey::State, FieldValue::choice("in progress"));
        let new = new_item(&[title("t"), state]);
        let error = world.writer.create(&new).await.unwrap_err();
        assert_eq!(error.stranger, Some(id.clone()), "{name}");
        assert!(error.may_be_in_force(), "{name}");
        assert!(error.message.contains(said), "{error}");
        assert_eq!(
            world.clickup.task(id.as_str()).unwrap()["status"]["status"],
            "to do"
        );
    }
}

#[tokio::test]
async fn a_new_task_that_does_not_show_its_footer_says_so() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    // As a read shows it, and as the answer to a create does.
    for shown in [&[][..], &["markdown_description", "text_content"]] {
        let mut body = world.clickup.task(id.as_str()).unwrap();
        let fields = body.as_object_mut().unwrap();
        fields.retain(|name, _| !shown.contains(&name.as_str()));
        answered(&world, body.to_string());
        let created = world.writer.create(&new_item(&[title("t")])).await;
        let reason = created.unwrap().unmarked.unwrap();
        assert!(
            reason.contains(id.as_str()) && reason.contains("footer"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_status_that_the_list_lacks_is_refused_by_field() {
    let world = world(|_| {}).await;
    let wrong = (FieldKey::State, FieldValue::choice("no such status"));
    let created = new_item(&[title("t"), wrong.clone()]);
    let error = world.writer.create(&created).await.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::State))
    );
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let change = world.change(&id, &[wrong]).await;
    let error = world.writer.update(&change).await.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::State))
    );
}

#[tokio::test]
async fn tags_go_through_their_own_calls() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t", "tags": ["keep", "a/b old"]}));
    let tags = FieldValue::tags(["Keep", "needs review"]);
    let change = world.change(&id, &[(FieldKey::Tags, tags.clone())]).await;
    let before = world.ledger.entries().len();
    let written = world.writer.update(&change).await.unwrap();
    assert_eq!(written.item.fields.get(&FieldKey::Tags), Some(&tags));
    assert!(written.pending.is_empty());
    assert_eq!(
        world.requests(before),
        [
            format!("POST task/{id}/tag/needs%20review"),
            format!("DELETE task/{id}/tag/a%2Fb%20old"),
            format!("GET task/{id}"),
        ]
    );
    assert_eq!(written.item.version, world.read(&id).await.version);
}

#[tokio::test]
async fn people_not_in_force_are_pending() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t", "assignees": [1002]}));
    let both = FieldValue::from_people(BTreeSet::from([
        Folded::person("bo@example.com", "Bo"),
        Folded::person("gil@example.net", "Gil"),
    ]));
    let change = world.change(&id, &[(FieldKey::Assignees, both)]).await;
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.contains_key(&FieldKey::Assignees));
    assert_eq!(
        world.read(&id).await.fields.get(&FieldKey::Assignees),
        Some(&person("bo@example.com"))
    );
}

#[tokio::test]
async fn a_person_outside_the_workspace_is_refused_before_sending() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let stranger = (FieldKey::Assignees, person("nobody@example.org"));
    let change = world.change(&id, &[stranger]).await;
    let before = world.ledger.entries().len();
    let error = world.writer.update(&change).await.unwrap_err();
    assert_eq!(error.field, Some(FieldKey::Assignees));
    let sent = world.requests(before);
    assert!(sent.iter().all(|line| line.starts_with("GET")), "{sent:?}");
}

#[tokio::test]
async fn every_field_can_be_cleared() {
    let world = world(|_| {}).await;
    let id = world.seed(
        BACKLOG,
        json!({"name": "t", "assignees": [1002], "priority": 1, "due_date": 1_772_600_000_000_i64,
            "start_date": 1_772_500_000_000_i64, "time_estimate": 60_000, "points": 2, "markdown_content": "text", "tags": ["a"]}),
    );
    let keys = [
        FieldKey::Assignees,
        FieldKey::Priority,
        FieldKey::DueDate,
        FieldKey::StartDate,
        FieldKey::Estimate,
        FieldKey::Points,
        FieldKey::Description,
        FieldKey::Tags,
    ];
    let set = keys.clone().map(|key| (key, FieldValue::Empty));
    let change = world.change(&id, &set).await;
    for key in &keys {
        let now = change.current.fields.get(key).unwrap();
        assert!(!now.is_empty(), "{key} is set first");
    }
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    let item = world.read(&id).await;
    for key in &keys {
        assert_eq!(item.fields.get(key), Some(&FieldValue::Empty), "{key}");
    }
}

#[tokio::test]
async fn a_priority_that_null_does_not_clear_is_pending() {
    let world = world(|quirks| quirks.null_clears_priority = false).await;
    let id = world.seed(BACKLOG, json!({"name": "t", "priority": 1}));
    let clear = (FieldKey::Priority, FieldValue::Empty);
    let change = world.change(&id, &[clear]).await;
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.contains_key(&FieldKey::Priority));
}

#[tokio::test]
async fn an_exact_status_name_is_sent_where_case_matters() {
    let world = world(|quirks| quirks.status_case_sensitive = true).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let state = (FieldKey::State, FieldValue::choice("In  PROGRESS"));
    let change = world.change(&id, &[state]).await;
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.is_empty());
}

#[tokio::test]
async fn a_delete_moves_to_the_trash_and_a_second_one_is_not_found() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let pair = PairName::from("web");
    world.writer.delete(&pair, &id).await.unwrap();
    assert!(matches!(world.fetch(&id).await, Fetched::Gone { .. }));
    let again = world.writer.delete(&pair, &id).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::NotFound);
}

/// A proxy or a captive portal may answer for the service. The task may be there all the same, so the caller must look.
#[tokio::test]
async fn a_create_answered_200_with_no_json_may_have_made_the_task() {
    for (content_type, body) in [
        ("text/html", "<html>welcome</html>"),
        ("text/plain", "OK"),
        ("application/json", "{\"id\":"),
        ("application/json", ""),
    ] {
        let world = world(|_| {}).await;
        world.fault(
            "POST",
            "/task",
            Fault::Status {
                status: 200,
                body: body.to_owned(),
                content_type: content_type.to_owned(),
                headers: Vec::new(),
            },
        );
        let new = new_item(&[title("t")]);
        let error = world.writer.create(&new).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{content_type} {body:?}");
    }
}

/// The status names of a list are looked up between the read and the write. Where that takes longer than a read stays
/// fresh, an edit may have come in between, and ClickUp could not tell.
#[tokio::test]
async fn a_read_that_grew_old_while_names_were_looked_up_is_stale() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let set = [(FieldKey::State, FieldValue::choice("in progress"))];
    let change = world.change(&id, &set).await;
    world.fault(
        "GET",
        &format!("/list/{BACKLOG}"),
        Fault::Delay { ms: 1_300 },
    );
    let before = world.ledger.entries().len();
    let outcome = world.writer.update(&change).await;
    let requests = world.requests(before);
    let error = outcome.expect_err("the read is too old by now");
    assert_eq!(error.kind, ErrorKind::Stale, "{error}");
    assert!(
        requests.iter().all(|line| line.starts_with("GET")),
        "{requests:?}"
    );
}

/// What is left of a text after a credential was taken out is not what its author wrote: only its own field is at fault.
#[tokio::test]
async fn a_text_that_held_a_credential_is_refused_by_its_field_and_never_sent() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let text = format!("token: {}", boardsync::redact::REMOVED);
    let set = [
        title("fine"),
        (FieldKey::Description, FieldValue::rich(text)),
    ];
    let change = world.change(&id, &set).await;
    let before = world.ledger.entries().len();
    let error = world.writer.update(&change).await.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::Description))
    );
    let error = world.writer.create(&new_item(&set)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::Description))
    );
    assert_eq!(world.requests(before), Vec::<String>::new());
}

/// The plan's read did not show the tags, so the task is read again: at another version it is not the planned task.
#[tokio::test]
async fn a_task_that_is_read_again_for_its_tags_must_be_the_planned_one() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let set = [title("ours"), (FieldKey::Tags, FieldValue::tags(["new"]))];
    let mut change = world.change(&id, &set).await;
    change.current.fields.remove(&FieldKey::Tags);
    world.edit(&id, json!({"name": "human"}));
    let error = world.writer.update(&change).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale, "{error}");
    assert_eq!(world.read(&id).await.title(), "human");
}

/// Somebody may take the task out of the trash meanwhile.
#[tokio::test]
async fn a_delete_whose_answer_says_nothing_is_not_sent_again() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let gateway = Fault::Status {
        status: 502,
        body: "<html>bad gateway</html>".to_owned(),
        content_type: "text/html".to_owned(),
        headers: Vec::new(),
    };
    world.fault("DELETE", "/task", gateway);
    let before = world.ledger.entries().len();
    let error = world.writer.delete(&PairName::from("web"), &id).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Ambiguous);
    assert_eq!(world.requests(before), [format!("DELETE task/{id}")]);
}
