//! The schema files, held against what the program prints. Only what these files use of JSON Schema is understood, and a
//! word that is not is a fault of the file: nothing may be left unjudged.

use serde_json::Value;
use std::path::Path;

/// Panics unless a value is what the schema file of this name says.
#[track_caller]
pub fn holds(name: &str, value: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let text = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    let root: Value = serde_json::from_slice(&text).unwrap();
    if let Err(why) = judge(&root, &root, value, "") {
        panic!("{name}.json: {why}\n{value:#}");
    }
}

const KNOWN: [&str; 14] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "format",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
];

fn judge(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let words = schema
        .as_object()
        .ok_or(format!("{at}: a schema that says nothing"))?;
    for word in words.keys() {
        assert!(
            KNOWN.contains(&word.as_str()),
            "{at}: {word} is not understood"
        );
    }
    if let Some(name) = words.get("$ref") {
        let name = name.as_str().unwrap().strip_prefix('#').unwrap();
        return judge(root, root.pointer(name).unwrap(), value, at);
    }
    if let Some(any) = words.get("anyOf") {
        let any = any.as_array().unwrap().iter();
        let judged: Vec<_> = any.map(|schema| judge(root, schema, value, at)).collect();
        return match judged.iter().any(Result::is_ok) {
            true => Ok(()),
            false => Err(format!("{at}: {judged:?}")),
        };
    }
    if let Some(one) = words.get("const") {
        return (value == one)
            .then_some(())
            .ok_or(format!("{at}: not {one}"));
    }
    if let Some(some) = words.get("enum") {
        let known = some.as_array().unwrap().contains(value);
        return known
            .then_some(())
            .ok_or(format!("{at}: not one of {some}"));
    }
    let wrong = |what: &str| Err(format!("{at}: not {what}"));
    match words.get("type").and_then(Value::as_str) {
        Some("null") if value.is_null() => Ok(()),
        Some("integer") if value.is_i64() || value.is_u64() => Ok(()),
        Some("boolean") if value.is_boolean() => Ok(()),
        Some("string") => match value.as_str() {
            None => wrong("a text"),
            Some(text) if words.contains_key("format") && !is_time(text) => wrong("a time in UTC"),
            Some(_) => Ok(()),
        },
        Some("array") => {
            let Some(list) = value.as_array() else {
                return wrong("a list");
            };
            let mut items = list.iter().enumerate();
            items.try_for_each(|(n, item)| judge(root, &words["items"], item, &format!("{at}/{n}")))
        }
        Some("object") => object(root, schema, value, at),
        other => Err(format!("{at}: not {other:?}")),
    }
}

fn object(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(members) = value.as_object() else {
        return Err(format!("{at}: no object"));
    };
    assert_eq!(
        schema["additionalProperties"], false,
        "{at}: anything may stand there"
    );
    for name in schema["required"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        members
            .get(name)
            .ok_or(format!("{at}: {name} is missing"))?;
    }
    for (name, member) in members {
        let said = schema["properties"].get(name);
        let said = said.ok_or(format!("{at}: {name} is not in the schema"))?;
        judge(root, said, member, &format!("{at}/{name}"))?;
    }
    Ok(())
}

fn is_time(text: &str) -> bool {
    text.ends_with('Z') && boardsync::model::Timestamp::parse_rfc3339(text).is_some()
}
