//! Custom fields read and written.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::field::Rule;
use crate::field::negotiate::Native;
use crate::mapping::Relation;
use crate::model::Sided;

const ID: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000003";

fn key() -> FieldKey {
    FieldKey::Custom("Severity".to_owned())
}

fn agreed(kind: &str, form: Form) -> Agreed {
    let options = [("o1", "Critical"), ("o2", "Minor")];
    Agreed {
        native: Sided {
            ado: Native::default(),
            clickup: Native {
                id: ID.to_owned(),
                kind: kind.to_owned(),
                options: options
                    .map(|(id, name)| (id.to_owned(), name.to_owned()))
                    .to_vec(),
                ..Native::default()
            },
        },
        rule: Rule {
            key: key(),
            id: ID.to_owned(),
            form,
            values: Relation::new([]),
            open: Sided::default(),
            whole: false,
            range: None,
            scale: 1,
            one_line: false,
            only: BTreeSet::new(),
        },
    }
}

fn shown(kind: &str, form: Form, rows: Value, alone: bool) -> Shown {
    let task: Task = serde_json::from_value(json!({"id": "a", "custom_fields": rows})).unwrap();
    let fields = CustomFields::from([(key(), agreed(kind, form))]);
    let lookups = Lookups {
        zone: Some(chrono_tz::Europe::Berlin),
        alone,
        ..Lookups::default()
    };
    read(&task, &fields, &lookups)
}

fn value(kind: &str, form: Form, value: Value) -> Option<FieldValue> {
    let rows = json!([{"id": ID, "type": kind, "value": value}]);
    let found = shown(kind, form, rows, false);
    assert_eq!(found.values.is_empty(), found.unread.contains(&key()));
    found.values.get(&key()).cloned()
}

#[test]
fn every_kind_is_read_as_it_comes_back() {
    let choice = |id, name| Some(FieldValue::Choice(Folded::person(id, name)));
    for (kind, form, wire, wanted) in [
        (
            "number",
            Form::Decimal,
            json!("8"),
            Some(FieldValue::Number(8000)),
        ),
        (
            "number",
            Form::Decimal,
            json!(2.125),
            Some(FieldValue::Number(2125)),
        ),
        (
            "currency",
            Form::Decimal,
            json!("0.1"),
            Some(FieldValue::Number(100)),
        ),
        (
            "checkbox",
            Form::YesNo,
            json!("true"),
            Some(FieldValue::choice(YES)),
        ),
        (
            "checkbox",
            Form::YesNo,
            json!(false),
            Some(FieldValue::Empty),
        ),
        (
            "short_text",
            Form::Plain,
            json!(" one "),
            Some(FieldValue::text("one")),
        ),
        (
            "text",
            Form::Plain,
            json!("a\r\nb"),
            Some(FieldValue::Text("a\nb".to_owned())),
        ),
        ("drop_down", Form::Name, json!(1), choice("o2", "Minor")),
        (
            "drop_down",
            Form::Name,
            json!("o1"),
            choice("o1", "Critical"),
        ),
        ("drop_down", Form::Name, json!(7), None),
        ("number", Form::Decimal, json!({"odd": 1}), None),
    ] {
        assert_eq!(value(kind, form, wire.clone()), wanted, "{kind} {wire}");
    }
    // 04:00 in the zone of whoever set it.
    let day = value("date", Form::Day, json!("1778464800000"));
    let wanted = chrono::NaiveDate::from_ymd_opt(2026, 5, 11);
    assert_eq!(day, wanted.map(FieldValue::Day));
}

#[test]
fn a_number_with_more_decimals_than_are_kept_is_not_read_as_another_one() {
    for wire in [json!(0.0004), json!("0.0004"), json!(1.23456)] {
        assert_eq!(value("number", Form::Decimal, wire.clone()), None, "{wire}");
    }
}

#[test]
fn a_missing_value_is_empty_in_a_task_that_was_asked_for_and_nothing_in_a_listing() {
    let rows = json!([{"id": ID, "type": "number"}]);
    let alone = shown("number", Form::Decimal, rows.clone(), true);
    assert_eq!(alone.values.get(&key()), Some(&FieldValue::Empty));
    let listed = shown("number", Form::Decimal, rows, false);
    assert_eq!(listed, Shown::default());
}

#[test]
fn a_field_that_a_task_does_not_show_is_none_of_its_type() {
    let found = shown("number", Form::Decimal, json!([]), true);
    assert_eq!(found, Shown::default());
    let task: Task = serde_json::from_value(json!({"id": "a"})).unwrap();
    let fields = CustomFields::from([(key(), agreed("number", Form::Decimal))]);
    let odd = read(&task, &fields, &Lookups::default().of_one());
    assert!(odd.unread.contains(&key()), "an answer without the list");
}

#[test]
fn a_field_that_was_made_anew_as_another_type_is_not_read() {
    let rows = json!([{"id": ID, "type": "short_text", "value": "8"}]);
    let found = shown("number", Form::Decimal, rows, true);
    assert!(found.values.is_empty() && found.unread.contains(&key()));
}

#[test]
fn an_option_goes_by_the_tasks_own_list_whatever_the_order_was_before() {
    let rows = json!([{"id": ID, "type": "drop_down", "value": 0, "type_config": {"options": [
        {"id": "o2", "name": "Minor", "orderindex": 0}, {"id": "o1", "name": "Critical", "orderindex": 1}]}}]);
    let found = shown("drop_down", Form::Name, rows, false);
    assert_eq!(
        found.values.get(&key()),
        Some(&FieldValue::Choice(Folded::person("o2", "Minor")))
    );
}

#[test]
fn every_kind_is_written_and_cleared_in_its_own_way() {
    let put =
        |kind, form, value: FieldValue| written(&agreed(kind, form), &value, &Means::default());
    let number = put("number", Form::Decimal, FieldValue::Number(2500));
    assert_eq!(number, Ok(Some(json!(2.5))));
    let option = put(
        "drop_down",
        Form::Name,
        FieldValue::Choice(Folded::person("o2", "Minor")),
    );
    assert_eq!(option, Ok(Some(json!("o2"))));
    assert!(put("drop_down", Form::Name, FieldValue::choice("Other")).is_err());
    for (kind, form) in [
        ("number", Form::Decimal),
        ("drop_down", Form::Name),
        ("date", Form::Day),
        ("short_text", Form::Plain),
    ] {
        assert_eq!(put(kind, form, FieldValue::Empty), Ok(None), "{kind}");
    }
    let yes = |value| put("checkbox", Form::YesNo, value);
    assert_eq!(yes(FieldValue::Empty), Ok(Some(json!(false))));
    assert_eq!(yes(FieldValue::choice(YES)), Ok(Some(json!(true))));
}

#[test]
fn labels_go_by_their_ids_and_one_that_nobody_knows_is_not_read() {
    let row = |ids: Value| {
        let options =
            json!({"options": [{"id": "o1", "label": "Web"}, {"id": "o2", "label": "Shop"}]});
        json!([{"id": ID, "type": "labels", "value": ids, "type_config": options}])
    };
    let read = |ids| shown("labels", Form::Names, row(ids), true);
    let label = |id: &str, name: &str| Folded::person(id, name);
    let both = FieldValue::from_tags(BTreeSet::from([label("o1", "Web"), label("o2", "Shop")]));
    assert_eq!(read(json!(["o2", "o1"])).values.get(&key()), Some(&both));
    assert_eq!(read(json!([])).values.get(&key()), Some(&FieldValue::Empty));
    assert!(read(json!(["o1", "o9"])).unread.contains(&key()));
    assert!(read(json!("o1")).unread.contains(&key()));
    let put =
        |value: &FieldValue| written(&agreed("labels", Form::Names), value, &Means::default());
    assert_eq!(put(&both), Ok(Some(json!(["o1", "o2"]))));
    assert_eq!(put(&FieldValue::Empty), Ok(None));
    assert!(put(&FieldValue::tags(["Odd"])).is_err());
}

#[test]
fn users_are_added_and_taken_out_one_by_one() {
    let rows = json!([{"id": ID, "type": "users", "value": [
        {"id": 7, "username": "Ana", "email": "Ana@contoso.com"}, {"id": 9, "username": "Bo"}]}]);
    let found = shown("users", Form::People, rows, false);
    let person = |key: &str, name: &str| Folded::person(key, name);
    let before = FieldValue::from_people(BTreeSet::from([
        person("ana@contoso.com", "Ana"),
        person("id:9", "Bo"),
    ]));
    assert_eq!(found.values.get(&key()), Some(&before));
    let means = Means {
        before: Some(before),
        ids: BTreeMap::from([
            ("ana@contoso.com".to_owned(), 7),
            ("cy@contoso.com".to_owned(), 8),
            ("id:9".to_owned(), 9),
        ]),
        ..Means::default()
    };
    let put = |people: &[(&str, &str)]| {
        let people = people.iter().map(|(key, name)| person(key, name));
        let wanted = FieldValue::from_people(people.collect());
        written(&agreed("users", Form::People), &wanted, &means)
    };
    let bo = ("id:9", "Bo");
    assert_eq!(
        put(&[bo, ("cy@contoso.com", "Cy")]),
        Ok(Some(json!({"add": [8], "rem": [7]})))
    );
    assert_eq!(put(&[]), Ok(Some(json!({"add": [], "rem": [7, 9]}))));
    assert!(put(&[("dee@contoso.com", "Dee")]).is_err());
}

fn long_text(row: Value, alone: bool) -> Shown {
    let mut rows = json!([{"id": ID, "type": "text"}]);
    for (name, value) in row.as_object().unwrap() {
        rows[0][name] = value.clone();
    }
    shown("text", Form::LongText, rows, alone)
}

/// Beside `value_markdown`, `value` is the text without its formatting, unless it was set since.
#[test]
fn long_text_is_read_as_markdown_where_nothing_speaks_against_it() {
    for (row, wanted) in [
        (json!({"value": "a **b**"}), Some("a **b**")),
        (
            json!({"value": "a b", "value_markdown": "a **b**\n"}),
            Some("a **b**"),
        ),
        (json!({"value": "a b", "value_markdown": null}), Some("a b")),
        (json!({"value": "a b", "value_markdown": ""}), Some("a b")),
        (
            json!({"value": "a new b", "value_markdown": "a **b**"}),
            Some("a new b"),
        ),
        (json!({"value_markdown": "a **b**"}), Some("a **b**")),
        (json!({"value": "a <!-- b -->"}), Some("a &lt;!-- b --&gt;")),
        (json!({"value": {"odd": 1}, "value_markdown": "a"}), None),
    ] {
        let found = long_text(row.clone(), true);
        let value = found.values.get(&key());
        assert_eq!(
            value,
            wanted
                .map(|text| FieldValue::rich(text.to_owned()))
                .as_ref(),
            "{row}"
        );
        assert_eq!(found.unread.is_empty(), wanted.is_some(), "{row}");
        assert_eq!(found.raw.contains_key(&key()), wanted.is_some(), "{row}");
    }
    let empty = long_text(json!({}), true);
    assert_eq!(empty.values.get(&key()), Some(&FieldValue::Empty));
}

/// A listing may show less of it than the task does, and that would take the formatting away in Azure DevOps.
#[test]
fn long_text_of_a_listing_counts_only_where_it_is_said_to_be_markdown() {
    let plain = long_text(json!({"value": "a b"}), false);
    assert_eq!(plain, Shown::default());
    let markdown = long_text(json!({"value": "a b", "value_markdown": "a **b**"}), false);
    let wanted = FieldValue::rich("a **b**".to_owned());
    assert_eq!(markdown.values.get(&key()), Some(&wanted));
}

#[test]
fn what_is_not_edited_of_a_long_text_is_sent_as_it_came() {
    let text = |raw: Option<&str>, new: &str| {
        let means = Means {
            raw: raw.map(|raw| RichText::new(TextFormat::Markdown, raw)),
            ..Means::default()
        };
        let new = FieldValue::rich(new.to_owned());
        written(&agreed("text", Form::LongText), &new, &means)
    };
    assert_eq!(text(None, "a **b**"), Ok(Some(json!("a **b**"))));
    let sent = text(Some("__a__ b\n\nc"), "**a** b\n\nc d");
    assert_eq!(sent, Ok(Some(json!("__a__ b\n\nc d"))));
    let none = written(
        &agreed("text", Form::LongText),
        &FieldValue::Empty,
        &Means::default(),
    );
    assert_eq!(none, Ok(None));
}
