#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::model::FieldValue;
use serde_json::{Value, json};

fn lookups() -> Lookups {
    Lookups {
        zone: Some(chrono_tz::Europe::Berlin),
        ..Lookups::default()
    }
}

fn read_with(mut body: Value, lookups: &Lookups) -> Item {
    let base = json!({"id": "86x1", "date_updated": "1750000000000", "date_created": "1740000000000", "list": {"id": 77}});
    for (key, value) in base.as_object().unwrap() {
        body.as_object_mut()
            .unwrap()
            .entry(key)
            .or_insert(value.clone());
    }
    item(&serde_json::from_value(body).unwrap(), lookups).unwrap()
}

fn read(body: Value) -> Item {
    read_with(body, &lookups())
}

#[test]
fn a_field_missing_from_the_answer_stays_absent() {
    let item = read(json!({}));
    assert_eq!(item.fields, BTreeMap::new());
    assert!(item.raw.is_empty());
    assert_eq!(item.container, "77");
    assert_eq!(item.version, Version(1_750_000_000_000));
}

#[test]
fn a_null_field_is_known_to_be_empty() {
    let item = read(
        json!({"due_date": null, "points": null, "priority": null, "time_estimate": null, "assignees": [], "tags": []}),
    );
    for key in [
        FieldKey::DueDate,
        FieldKey::Points,
        FieldKey::Priority,
        FieldKey::Estimate,
        FieldKey::Assignees,
        FieldKey::Tags,
    ] {
        assert_eq!(item.fields.get(&key), Some(&FieldValue::Empty), "{key}");
    }
}

#[test]
fn a_task_without_change_time_or_home_list_is_not_an_item() {
    for body in [
        json!({"id": "a", "list": {"id": "1"}}),
        json!({"id": "a", "date_updated": "5"}),
        json!({"date_updated": "5", "list": {"id": "1"}}),
    ] {
        assert!(item(&serde_json::from_value(body).unwrap(), &lookups()).is_none());
    }
}

#[test]
fn a_day_is_told_in_the_zone_of_the_token_user() {
    // 04:00 on 2 June in Berlin is 02:00 UTC.
    let four_in_berlin = 1_748_829_600_000_i64;
    let berlin = read(json!({"due_date": four_in_berlin.to_string()}));
    assert_eq!(
        berlin.fields.get(&FieldKey::DueDate).unwrap().to_string(),
        "2025-06-02"
    );
    let west = Lookups {
        zone: Some(chrono_tz::America::Los_Angeles),
        ..Lookups::default()
    };
    let west = read_with(json!({"due_date": four_in_berlin}), &west);
    assert_eq!(
        west.fields.get(&FieldKey::DueDate).unwrap().to_string(),
        "2025-06-01"
    );
}

#[test]
fn a_day_beyond_the_calendar_of_its_zone_stays_absent() {
    let last = NaiveDate::MAX.and_hms_opt(23, 59, 59).unwrap();
    let far_east = Lookups {
        zone: Some(chrono_tz::Pacific::Kiritimati),
        ..Lookups::default()
    };
    let body = json!({"due_date": last.and_utc().timestamp_millis()});
    let item = read_with(body, &far_east);
    assert_eq!(item.fields.get(&FieldKey::DueDate), None);
}

#[test]
fn a_day_without_a_known_zone_stays_absent() {
    let item = read_with(
        json!({"due_date": "1748829600000", "start_date": null}),
        &Lookups::default(),
    );
    assert_eq!(item.fields.get(&FieldKey::DueDate), None);
    assert_eq!(
        item.fields.get(&FieldKey::StartDate),
        Some(&FieldValue::Empty)
    );
}

#[test]
fn a_written_day_is_read_back_as_itself_around_the_world() {
    let wanted = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    assert_eq!(noon_ms(wanted, None), Some(1_774_785_600_000));
    for zone in [
        chrono_tz::Pacific::Auckland,
        chrono_tz::Pacific::Kiritimati,
        chrono_tz::Pacific::Pago_Pago,
        chrono_tz::America::Los_Angeles,
        chrono_tz::UTC,
        chrono_tz::Europe::Berlin,
        chrono_tz::Asia::Kolkata,
        chrono_tz::Australia::Sydney,
    ] {
        let ms = noon_ms(wanted, Some(zone)).unwrap();
        assert_eq!(day(ms, zone), Some(wanted), "{zone}");
    }
}

#[test]
fn an_estimate_of_zero_is_empty_because_zero_clears_it() {
    let item = read(json!({"time_estimate": 0}));
    assert_eq!(
        item.fields.get(&FieldKey::Estimate),
        Some(&FieldValue::Empty)
    );
}

#[test]
fn people_are_keyed_by_mail_then_directory_then_id() {
    let mut lookups = lookups();
    lookups
        .people
        .insert(2, Folded::person("bo@example.org", "Bo"));
    let item = read_with(
        json!({"assignees": [
            {"id": 1, "username": "Ana", "email": "Ana@Example.org"},
            {"id": 2, "username": "Bo B"},
            {"id": -3, "username": "Agent", "email": ""}]}),
        &lookups,
    );
    let keys: Vec<String> = item
        .fields
        .get(&FieldKey::Assignees)
        .unwrap()
        .members()
        .into_iter()
        .map(|person| person.key)
        .collect();
    assert_eq!(keys, ["ana@example.org", "bo@example.org", "id:-3"]);
}

#[test]
fn an_assignee_without_an_id_leaves_the_field_absent() {
    let item = read(json!({"assignees": [{"username": "Ana", "email": "ana@example.org"}]}));
    assert_eq!(item.fields.get(&FieldKey::Assignees), None);
}

#[test]
fn a_type_is_named_by_id_and_absent_when_unknown() {
    let mut lookups = lookups();
    lookups.types.insert(1300, "Bug".into());
    let named = |id: Value, lookups: &Lookups| {
        read_with(json!({"custom_item_id": id}), lookups)
            .fields
            .get(&FieldKey::Type)
            .map(ToString::to_string)
    };
    assert_eq!(named(json!(0), &lookups).as_deref(), Some("Task"));
    assert_eq!(named(json!(null), &lookups).as_deref(), Some("Task"));
    assert_eq!(named(json!(1), &lookups).as_deref(), Some("Milestone"));
    assert_eq!(named(json!("1300"), &lookups).as_deref(), Some("Bug"));
    assert_eq!(named(json!(1301), &lookups), None);
    assert_eq!(type_id(&Folded::new("bug"), &lookups.types), Some(1300));
    assert_eq!(type_id(&Folded::new("task"), &lookups.types), Some(0));
}

#[test]
fn a_null_description_is_empty_only_if_the_plain_one_agrees() {
    let agreed = read(json!({"markdown_description": null, "description": ""}));
    assert_eq!(
        agreed.fields.get(&FieldKey::Description),
        Some(&FieldValue::Empty)
    );
    for body in [
        json!({"markdown_description": null, "description": "text"}),
        json!({"markdown_description": null}),
        json!({"description": "text"}),
    ] {
        assert_eq!(read(body).fields.get(&FieldKey::Description), None);
    }
}

#[test]
fn the_footer_gives_the_marker_and_stays_out_of_the_canonical_text() {
    let raw = crate::markup::with_footer(
        "Steps.",
        "Bug 123",
        "https://dev.azure.com/o/p/_workitems/edit/123#sx1:web:ado:123:0:abcdef12",
    );
    let item = read(json!({"markdown_description": raw}));
    assert_eq!(item.markers, ["sx1:web:ado:123:0:abcdef12"]);
    assert!(item.backlinks.is_empty());
    assert_eq!(item.raw.get(&FieldKey::Description).unwrap().text(), raw);
}

#[test]
fn a_footer_without_a_marker_is_a_backlink_only_under_the_prefix() {
    let prefixes = vec!["https://dev.azure.com/o/".to_owned()];
    let ours =
        crate::markup::with_footer("", "Bug 1", "https://DEV.azure.com/o/p/_workitems/edit/1");
    let other = crate::markup::with_footer("", "docs", "https://learn.example.org/");
    assert_eq!(
        footer_of(&ours, &prefixes),
        Some(Footer::Backlink(
            "https://DEV.azure.com/o/p/_workitems/edit/1".into()
        ))
    );
    assert_eq!(footer_of(&other, &prefixes), None);
}

#[test]
fn a_marker_survives_the_footer_whatever_the_pair_is_called() {
    for marker in [
        "sx1:web:ado:1:0:ab",
        "sx1:my pair (old)%:ado:1:0:ab",
        "sx1:größe:ado:1:0:ab",
    ] {
        let url = footer_url("https://x.example/edit/1#old", marker);
        assert!(!url.contains([' ', '(', ')']), "{url}");
        let raw = crate::markup::with_footer("text", "Bug 1", &url);
        assert_eq!(
            footer_of(&raw, &[]),
            Some(Footer::Marker(marker.to_owned()))
        );
    }
}

#[test]
fn a_value_that_cannot_be_read_is_named_and_never_taken_for_cleared() {
    let item = read(json!({
        "name": null, "custom_item_id": "bug", "status": {"status": null}, "assignees": null,
        "tags": [{"name": "a"}, {"name": null}], "priority": {"id": "7", "priority": "asap"},
        "due_date": "soon", "start_date": "99999999999999999", "time_estimate": [], "points": "many",
        "markdown_description": 5}));
    assert_eq!(item.fields, BTreeMap::new());
    let is_member = |key: &FieldKey| !key.row().clickup.name.is_empty();
    let all: BTreeSet<FieldKey> = FieldKey::BUILT_IN.into_iter().filter(is_member).collect();
    assert_eq!(item.unread, all);
    assert_eq!(read(json!({})).unread, BTreeSet::new(), "absent is not odd");
}

#[test]
fn an_odd_entry_in_a_list_makes_the_whole_list_unreadable_and_nothing_else() {
    for (body, key) in [
        (json!({"tags": null, "points": 3}), FieldKey::Tags),
        (json!({"tags": [null], "points": 3}), FieldKey::Tags),
        (json!({"tags": "a", "points": 3}), FieldKey::Tags),
        (
            json!({"assignees": [{"id": 1, "email": "a@b.example"}, null], "points": 3}),
            FieldKey::Assignees,
        ),
        (
            json!({"assignees": [{"username": "Ana"}], "points": 3}),
            FieldKey::Assignees,
        ),
    ] {
        let item = read(body);
        assert_eq!(item.unread, BTreeSet::from([key]));
        assert_eq!(item.fields.len(), 1, "{:?}", item.fields);
    }
}
