//! A change of type takes the long text along.

use super::scope;
use super::server::{Server, start, wire};
use super::writing::change;
use crate::azure::*;
use crate::model::{FieldKey, FieldValue, RichText, TextFormat};
use serde_json::{Value, json};

const STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";

/// A Bug whose type becomes Task, with what the service holds of it.
async fn retyped(
    service: Value,
    set: &[(FieldKey, FieldValue)],
) -> (Server, Result<Written, ConnectorError>) {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.items = BTreeMap::from([(4, service)]);
        script.writes = vec![(200, wire(4, 7, "One", "New"))];
    }
    let mut change = change(set);
    let task = (FieldKey::Type, FieldValue::choice("Task"));
    change.set.extend([task]);
    change.current.fields.extend([
        (FieldKey::Type, FieldValue::choice("Bug")),
        (FieldKey::Description, FieldValue::Rich("press *it*".into())),
    ]);
    let raw = RichText::new(TextFormat::Html, "<div>press <i>it</i></div>");
    change.current.raw.insert(FieldKey::Description, raw);
    let written = writer.update(&change).await;
    (server, written)
}

fn bug(fields: Value) -> Value {
    let mut item = wire(4, 6, "One", "New");
    item["fields"]["System.WorkItemType"] = json!("Bug");
    for (name, value) in fields.as_object().unwrap() {
        item["fields"][name] = value.clone();
    }
    item
}

/// What the one patch wrote into the description.
fn description(server: &Server) -> Option<Value> {
    let script = server.lock().unwrap();
    let (_, _, body) = script.log.iter().find(|(method, _, _)| method == "PATCH")?;
    let mut ops = body.as_array().unwrap().iter();
    assert!(ops.clone().any(|op| op["value"] == "Task"), "{body}");
    ops.find(|op| op["path"] == "/fields/System.Description")
        .map(|op| op["value"].clone())
}

#[tokio::test]
async fn a_change_of_type_takes_the_long_text_along() {
    let (server, written) = retyped(bug(json!({STEPS: "<div>press <i>it</i></div>"})), &[]).await;
    written.unwrap();
    assert_eq!(
        description(&server),
        Some(json!("<p>press <em>it</em></p>"))
    );
    // In the language that the new type's field has.
    let mut item = bug(json!({STEPS: "<div>press <i>it</i></div>"}));
    item["multilineFieldsFormat"] = json!({"System.Description": "markdown"});
    let (server, written) = retyped(item, &[]).await;
    written.unwrap();
    assert_eq!(description(&server), Some(json!("press *it*")));
}

#[tokio::test]
async fn a_text_that_changed_in_the_same_plan_goes_into_the_new_field() {
    let new = [(FieldKey::Description, FieldValue::Rich("pull it".into()))];
    let (server, written) = retyped(bug(json!({STEPS: "<div>press <i>it</i></div>"})), &new).await;
    written.unwrap();
    assert_eq!(description(&server), Some(json!("<p>pull it</p>")));
}

#[tokio::test]
async fn another_text_in_the_new_field_holds_the_type() {
    let (server, written) = retyped(bug(json!({"System.Description": "older"})), &[]).await;
    let error = written.unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::Type))
    );
    assert_eq!(description(&server), None);
    // The same text is no other one.
    let (_, written) = retyped(
        bug(json!({"System.Description": "<p>press <em>it</em></p>"})),
        &[],
    )
    .await;
    assert!(written.is_ok());
}
