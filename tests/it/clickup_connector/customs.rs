//! Custom fields of tasks: each goes by a request of its own, and what somebody types meanwhile stays.

use super::world::*;
use boardsync::connector::Writer;
use boardsync::connector::customs::CustomFields;
use boardsync::field::Direction;
use boardsync::field::negotiate::{Agreed, Asked, Native, agree};
use boardsync::model::{FieldKey, FieldValue, Folded, PairName};
use boardsync::sandbox::faults::Fault;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const SEVERITY: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000003";
const EFFORT: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000002";
const UPSTREAM: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000001";

fn key(name: &str) -> FieldKey {
    FieldKey::Custom(name.to_owned())
}

fn agreed(
    name: &str,
    id: &str,
    kinds: (&str, &str),
    options: &[(&str, &str)],
) -> (FieldKey, Agreed) {
    let native = |id: &str, kind: &str| Native {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        places: BTreeSet::from([BACKLOG.to_owned()]),
        ..Native::default()
    };
    let options = options.iter();
    let clickup = Native {
        options: options
            .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
        ..native(id, kinds.1)
    };
    let asked = Asked {
        key: &key(name),
        direction: Direction::Both,
        time: false,
        scale: None,
        values: &[],
    };
    let ado = native("Custom.Field", kinds.0);
    (key(name), agree(&asked, Some(&ado), &[&clickup]).unwrap())
}

fn option(n: u32, name: &str) -> FieldValue {
    let id = format!("5e7e0000-0000-4000-8000-00000000000{n}");
    FieldValue::Choice(Folded::person(&id, name))
}

async fn with_fields() -> World {
    let world = world(|_| {}).await;
    let fields = CustomFields::from([
        agreed(
            "Severity",
            SEVERITY,
            ("string", "drop_down"),
            &[
                ("5e7e0000-0000-4000-8000-000000000001", "Critical"),
                ("5e7e0000-0000-4000-8000-000000000002", "Minor"),
            ],
        ),
        agreed("Effort", EFFORT, ("double", "number"), &[]),
        agreed("Upstream", UPSTREAM, ("string", "url"), &[]),
    ]);
    world.customs.put(&PairName::from("web"), fields);
    world
}

#[tokio::test]
async fn each_custom_field_has_a_request_of_its_own_and_null_is_none() {
    let world = with_fields().await;
    let id = world.seed(
        BACKLOG,
        json!({"name": "t", "custom_fields": [{"id": EFFORT, "value": 3}]}),
    );
    let set = [
        title("new"),
        (key("Effort"), FieldValue::Empty),
        (key("Severity"), option(2, "Minor")),
    ];
    let change = world.change(&id, &set).await;
    let before = world.ledger.entries().len();
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    assert_eq!(
        written.item.fields.get(&key("Effort")),
        Some(&FieldValue::Empty)
    );
    assert_eq!(
        written.item.fields.get(&key("Severity")),
        Some(&option(2, "Minor"))
    );
    assert_eq!(
        world.requests(before),
        [
            format!("PUT task/{id}"),
            format!("DELETE task/{id}/field/{EFFORT}"),
            format!("POST task/{id}/field/{SEVERITY}"),
            format!("GET task/{id}"),
        ]
    );
    assert_eq!(written.item.version, world.read(&id).await.version);
}

#[tokio::test]
async fn a_refused_custom_field_keeps_none_of_the_others_back() {
    let world = with_fields().await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let set = [
        title("new"),
        (key("Effort"), FieldValue::Number(4000)),
        (key("Severity"), option(2, "Minor")),
    ];
    let change = world.change(&id, &set).await;
    let refused = Fault::Status {
        status: 400,
        body: json!({"err": "Custom field usages exceeded for your plan", "ECODE": "FIELD_033"})
            .to_string(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    world.fault("POST", EFFORT, refused);
    let written = world.writer.update(&change).await.unwrap();
    let pending: Vec<&FieldKey> = written.pending.keys().collect();
    assert_eq!(pending, [&key("Effort")]);
    let now = world.read(&id).await;
    assert_eq!(
        now.fields.get(&FieldKey::Title),
        Some(&FieldValue::text("new"))
    );
    assert_eq!(now.fields.get(&key("Severity")), Some(&option(2, "Minor")));
    assert_eq!(now.fields.get(&key("Effort")), Some(&FieldValue::Empty));
}

/// The service takes its time over the first field, and somebody sets the second one meanwhile.
#[tokio::test]
async fn what_somebody_sets_between_two_requests_is_not_written_over() {
    let world = with_fields().await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let set = [
        (key("Effort"), FieldValue::Number(4000)),
        (key("Severity"), option(2, "Minor")),
    ];
    let change = world.change(&id, &set).await;
    world.fault("POST", EFFORT, Fault::Delay { ms: 1_400 });
    let (written, ()) = tokio::join!(world.writer.update(&change), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.edit(
            &id,
            json!({"custom_fields": [{"id": SEVERITY, "value": 0}]}),
        );
    });
    let written = written.unwrap();
    assert!(written.later.contains(&key("Severity")));
    assert_eq!(
        written.item.fields.get(&key("Effort")),
        Some(&FieldValue::Number(4000))
    );
    let now = world.read(&id).await;
    assert_eq!(
        now.fields.get(&key("Severity")),
        Some(&option(1, "Critical"))
    );
}

#[tokio::test]
async fn a_value_that_clickup_drops_with_a_yes_is_pending() {
    let world = with_fields().await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let set = [(key("Upstream"), FieldValue::text("no address"))];
    let change = world.change(&id, &set).await;
    let written = world.writer.update(&change).await.unwrap();
    assert!(written.pending.contains_key(&key("Upstream")));
    let new = new_item(&[title("new"), set[0].clone()]);
    let made = world.writer.create(&new).await.unwrap();
    assert!(made.pending.contains_key(&key("Upstream")));
}

#[tokio::test]
async fn a_create_carries_custom_fields() {
    let world = with_fields().await;
    let new = new_item(&[
        title("new"),
        (key("Effort"), FieldValue::Number(2500)),
        (key("Severity"), option(1, "Critical")),
    ]);
    let before = world.ledger.entries().len();
    let made = world.writer.create(&new).await.unwrap();
    assert!(made.pending.is_empty(), "{:?}", made.pending);
    assert_eq!(
        made.item.fields.get(&key("Effort")),
        Some(&FieldValue::Number(2500))
    );
    assert_eq!(
        world.requests(before),
        [format!("POST list/{BACKLOG}/task")]
    );
}
