//! What is made of refusals.

use super::scope;
use super::server::{made, start, wire};
use super::writing::{change, new_item};
use crate::azure::*;
use crate::connector::Backlink;
use crate::field::{Direction, Form, Wanted};
use crate::model::{FieldKey, FieldValue};
use serde_json::{Value, json};

fn rule(name: &str) -> Value {
    json!({"message": "TF401320: Rule Error for field X. Error code: Required.", "typeKey": "RuleValidationException",
           "customProperties": {"RuleValidationErrors": [{"fieldReferenceName": name, "fieldStatusCode": 524289}]}})
}

#[tokio::test]
async fn a_refusal_names_the_field_that_the_pair_maps_and_not_the_usual_one() {
    const OWN: &str = "Custom.RootCause";
    let mut one = scope("a", "One");
    let key = FieldKey::Custom("Cause".to_owned());
    let wanted = Wanted {
        form: Some(Form::Plain),
        ..Wanted::new(&key, Direction::Both, Some(OWN.to_owned()))
    };
    one.fields.insert(key.clone(), wanted);
    let (server, _, writer) = start(vec![one]).await;
    server.lock().unwrap().writes = vec![(400, rule(OWN)), (400, rule(OWN))];
    let state = (FieldKey::State, FieldValue::choice("Active"));
    let both = change(&[state.clone(), (key.clone(), FieldValue::text("x"))]);
    let error = writer.update(&both).await.unwrap_err();
    assert_eq!((error.field, error.unsent), (Some(key), None));
    assert_eq!(error.type_key.as_deref(), Some("RuleValidationException"));
    let error = writer.update(&change(&[state])).await.unwrap_err();
    assert_eq!((error.field, error.unsent.as_deref()), (None, Some(OWN)));
}

#[tokio::test]
async fn a_link_that_is_there_already_does_not_hold_up_the_fields() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let twice =
        json!({"message": "TF201999: it exists", "typeKey": "RelationAlreadyExistsException"});
    server.lock().unwrap().writes = vec![(400, twice.clone()), (200, wire(4, 7, "One", "New"))];
    let mut change = change(&[(FieldKey::Title, FieldValue::text("new"))]);
    change.backlink = Some(Backlink {
        url: "https://app.clickup.com/t/86x".to_owned(),
        label: "Task 86x".to_owned(),
        marker: "sx1:m".to_owned(),
    });
    assert!(writer.update(&change).await.is_ok());
    let body = server.lock().unwrap().log.last().unwrap().2.to_string();
    assert!(
        body.contains("System.Title") && !body.contains("sx1:m"),
        "{body}"
    );
    // Nothing but the link: it is there, so nothing is left to do.
    change.set.clear();
    server.lock().unwrap().writes = vec![(400, twice)];
    assert!(writer.update(&change).await.is_ok());
}

#[tokio::test]
async fn a_create_that_does_not_show_its_link_says_so() {
    let linked = |id: i64| {
        let mut item = made(id);
        item["relations"] = json!([{"rel": "Hyperlink", "url": "https://x.example", "attributes": {"comment": "sx1:m"}}]);
        item
    };
    for (answered, read, marked) in [
        (linked(4), None, true),
        (made(4), Some(linked(4)), true),
        (made(4), Some(made(4)), false),
        (made(4), None, false),
    ] {
        let (server, _, writer) = start(vec![scope("a", "One")]).await;
        {
            let mut script = server.lock().unwrap();
            script.writes = vec![(200, answered)];
            script.items = read.into_iter().map(|item| (4, item)).collect();
        }
        let written = writer.create(&new_item("New")).await.unwrap();
        assert_eq!(written.unmarked.is_none(), marked, "{:?}", written.unmarked);
    }
}
