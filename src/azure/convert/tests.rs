use super::*;
use crate::model::FieldKey;
use serde_json::from_value;

fn specs() -> FieldSpecs {
    let type_fields = [
        "System.Description",
        "Microsoft.VSTS.Common.Priority",
        "Microsoft.VSTS.Scheduling.OriginalEstimate",
        "Microsoft.VSTS.Scheduling.StoryPoints",
        "Microsoft.VSTS.Scheduling.TargetDate",
    ];
    let type_fields: BTreeSet<String> = type_fields.iter().map(|name| (*name).to_owned()).collect();
    FieldSpecs::resolve(&BTreeMap::new(), &type_fields)
}

fn convert(body: Value) -> Item {
    let wire: WorkItem = from_value(body).unwrap();
    let context = Context {
        specs: &specs(),
        zone: None,
        hosts: &[],
        base_url: "https://dev.azure.com/acme",
    };
    item(&context, &wire)
}

fn sample() -> Item {
    convert(json!({
        "id": 41, "rev": 7,
        "fields": {
            "System.TeamProject": "Blue Sky", "System.AreaPath": "Blue Sky\\Web",
            "System.WorkItemType": "Task", "System.State": "Active", "System.Title": " Paint  the fence ",
            "System.AssignedTo": {"displayName": "Ana", "uniqueName": "Ana@Acme.example", "id": "11-22"},
            "System.Tags": "Garden; garden ;Wood", "Microsoft.VSTS.Common.Priority": 2.0,
            "Microsoft.VSTS.Scheduling.OriginalEstimate": 1.5, "Microsoft.VSTS.Scheduling.StoryPoints": 0.5,
            "Microsoft.VSTS.Scheduling.TargetDate": "2026-03-04T22:00:00Z",
            "System.CreatedDate": "2026-03-01T10:00:00.5Z", "System.ChangedDate": "2026-03-02T10:00:00.26Z",
            "System.Description": "# Plan"
        },
        "multilineFieldsFormat": {"System.Description": "Markdown"},
        "relations": [
            {"rel": "Hyperlink", "url": "https://app.clickup.com/t/1", "attributes": {"comment": "sx1:abc"}},
            {"rel": "Hyperlink", "url": "https://app.clickup.com/t/2", "attributes": {}},
            {"rel": "Hyperlink", "url": "https://elsewhere.example/t/2", "attributes": {"comment": "see"}},
            {"rel": "ArtifactLink", "url": "vstfs:///Git/Commit/1", "attributes": {"name": "sx1:no"}},
            {"rel": "System.LinkTypes.Hierarchy-Reverse", "url": "https://dev.azure.com/acme/guid/_apis/wit/workItems/40"}
        ]
    }))
}

#[test]
fn an_item_reads_in_canonical_form() {
    let item = sample();
    let get = |key: FieldKey| item.fields[&key].clone();
    assert_eq!(
        get(FieldKey::Title),
        FieldValue::Text("Paint the fence".to_owned())
    );
    assert_eq!(get(FieldKey::State), FieldValue::choice("active"));
    assert_eq!(get(FieldKey::Priority), FieldValue::Number(2000));
    assert_eq!(get(FieldKey::Points), FieldValue::Number(500));
    assert_eq!(get(FieldKey::Estimate), FieldValue::Duration(5_400_000));
    assert_eq!(get(FieldKey::Tags), FieldValue::tags(["garden", "wood"]));
    assert_eq!(get(FieldKey::DueDate).to_string(), "2026-03-05");
    let people = get(FieldKey::Assignees).members();
    assert_eq!(people.first().unwrap().key, "ana@acme.example");
    assert_eq!(people.first().unwrap().shown, "Ana");
    assert_eq!(
        item.raw[&FieldKey::Description].format(),
        TextFormat::EscapedMarkdown
    );
    assert_eq!(item.raw[&FieldKey::Description].text(), "# Plan");
    assert_eq!(item.markers, ["sx1:abc"]);
    assert_eq!(item.backlinks, ["https://app.clickup.com/t/2"]);
    assert_eq!(item.parent, Some(ItemId::from("40")));
    assert_eq!(item.container, "Blue Sky|Blue Sky\\Web");
    assert_eq!(
        item.url,
        "https://dev.azure.com/acme/Blue%20Sky/_workitems/edit/41"
    );
    assert_eq!(item.changed_at.since(item.created_at), 86_399_760);
    assert_eq!(item.version, Version(7));
}

#[test]
fn unset_is_empty_and_a_field_that_the_type_lacks_is_absent() {
    let item = convert(json!({"id": 1, "rev": 1, "fields": {"System.Title": "x"}}));
    assert_eq!(item.fields[&FieldKey::Assignees], FieldValue::Empty);
    assert_eq!(item.fields[&FieldKey::Description], FieldValue::Empty);
    assert_eq!(item.raw[&FieldKey::Description].format(), TextFormat::Html);
    assert!(!item.fields.contains_key(&FieldKey::StartDate));
}

#[test]
fn a_title_or_a_state_that_an_answer_lacks_is_absent_rather_than_empty() {
    for fields in [
        json!({}),
        json!({"System.Title": null, "System.State": null}),
    ] {
        let item = convert(json!({"id": 1, "rev": 1, "fields": fields}));
        for key in [FieldKey::Title, FieldKey::State] {
            assert!(!item.fields.contains_key(&key), "{key}");
            assert!(
                !item.unread.contains(&key),
                "{key}: it may be shown by the next answer"
            );
        }
    }
}

#[test]
fn a_value_of_an_unexpected_shape_is_absent_rather_than_empty() {
    let item = convert(json!({"id": 1, "rev": 1, "fields": {
        "System.Title": 5, "System.AssignedTo": "Ana", "Microsoft.VSTS.Common.Priority": "high"}}));
    for key in [FieldKey::Title, FieldKey::Assignees, FieldKey::Priority] {
        assert!(!item.fields.contains_key(&key), "{key}");
    }
}

#[test]
fn a_person_of_a_server_is_known_by_domain_and_name() {
    let value = json!({"displayName": "Bo", "uniqueName": "CORP\\bo", "id": "A-1"});
    assert_eq!(person(&value).unwrap().key, "corp\\bo");
}

#[test]
fn a_person_without_a_sign_in_name_is_known_by_id() {
    let value = json!({"displayName": "Bo", "uniqueName": "Bo", "id": "A-1"});
    let bo = person(&value).unwrap();
    assert_eq!(bo.key, "id:a-1");
    assert_eq!(
        written(&FieldValue::People(BTreeSet::from([bo])), None),
        Some(json!("a-1"))
    );
}

#[test]
fn days_survive_the_picking_persons_time_zone() {
    let without = |text: &str| day(text, None).unwrap().to_string();
    assert_eq!(
        without("2026-03-04T22:00:00Z"),
        "2026-03-05",
        "picked at UTC+2"
    );
    assert_eq!(
        without("2026-03-05T08:00:00Z"),
        "2026-03-05",
        "picked at UTC-8"
    );
    assert_eq!(
        without("2026-03-05T00:00:00Z"),
        "2026-03-05",
        "written by us"
    );
    for zone in [
        "Europe/Berlin",
        "America/Los_Angeles",
        "Pacific/Auckland",
        "America/Santiago",
        "UTC",
    ] {
        let zone: Tz = zone.parse().unwrap();
        let mut date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        for _ in 0..366 {
            assert_eq!(
                day(&instant_of(date, Some(zone)), Some(zone)),
                Some(date),
                "{zone}"
            );
            assert_eq!(day(&instant_of(date, None), None), Some(date));
            date = date.succ_opt().unwrap();
        }
    }
}

#[test]
fn written_values_read_back_as_themselves() {
    let same = |key: FieldKey, value: FieldValue| {
        let sent = written(&value, None).unwrap();
        assert_eq!(read_as(key.kind().form(), &sent, None), Some(value));
    };
    same(FieldKey::Priority, FieldValue::Number(3000));
    same(FieldKey::Points, FieldValue::Number(2500));
    for minutes in [1, 7, 20, 61, 100_000] {
        same(FieldKey::Estimate, FieldValue::Duration(minutes * 60_000));
    }
    same(FieldKey::Tags, FieldValue::tags(["b", "A c"]));
    same(FieldKey::State, FieldValue::choice("In Progress"));
    assert_eq!(written(&FieldValue::Empty, None), None);
}

#[test]
fn a_title_is_one_line_and_never_cut() {
    let long = "🦀".repeat(200);
    assert_eq!(one_line(&long), long);
    assert_eq!(one_line(" a \n b "), "a b");
}

#[test]
fn a_value_that_cannot_be_read_is_named_and_never_taken_for_cleared() {
    for text in [json!({"html": "x"}), json!(5), json!(["x"])] {
        let item = convert(json!({"id": 1, "rev": 1, "fields": {
            "System.Title": 5, "System.AssignedTo": "Ana", "Microsoft.VSTS.Common.Priority": "high",
            "System.Tags": "a", "System.Description": text}}));
        let odd = [
            FieldKey::Title,
            FieldKey::Assignees,
            FieldKey::Priority,
            FieldKey::Description,
        ];
        assert_eq!(item.unread, BTreeSet::from(odd));
        assert!(!item.fields.contains_key(&FieldKey::Description));
        assert_eq!(item.fields[&FieldKey::Tags], FieldValue::tags(["a"]));
    }
}

#[test]
fn a_text_in_an_unknown_markup_is_not_read() {
    let with = |formats: Value| {
        convert(
            json!({"id": 1, "rev": 1, "fields": {"System.Description": "x"},
                       "multilineFieldsFormat": formats}),
        )
    };
    for known in [
        json!(null),
        json!({}),
        json!({"System.Description": null}),
        json!({"System.Description": "HTML", "Custom.Notes": 7}),
    ] {
        assert_eq!(with(known).unread, BTreeSet::new());
    }
    for unknown in [json!("asciidoc"), json!(2)] {
        let item = with(json!({"System.Description": unknown}));
        assert_eq!(item.unread, BTreeSet::from([FieldKey::Description]));
    }
}

#[test]
fn an_odd_relation_keeps_its_place() {
    let wire: WorkItem = from_value(json!({"id": 1, "rev": 1, "fields": {}, "relations": [
        null, {"rel": "Hyperlink", "url": null}, 7,
        {"rel": "Hyperlink", "url": "https://app.clickup.com/t/1", "attributes": {"comment": "sx1:abc"}}]}))
    .unwrap();
    let places: Vec<bool> = wire
        .relations
        .iter()
        .flatten()
        .map(|relation| relation.rel == "Hyperlink")
        .collect();
    // A link without an address is still a link, and what cannot be read at all leaves its place empty.
    assert_eq!(places, [false, true, false, true]);
    let none: WorkItem =
        from_value(json!({"id": 1, "rev": 1, "fields": {}, "relations": null})).unwrap();
    assert_eq!(none.relations.iter().flatten().count(), 0);
}

#[test]
fn a_no_is_sent_as_one_and_reads_like_nothing() {
    let sent = |value| crate::azure::patch::sent(Form::YesNo, &value, None, None);
    for (value, wire) in [
        (FieldValue::choice(YES), json!(true)),
        (FieldValue::Empty, json!(false)),
    ] {
        assert_eq!(read_as(Form::YesNo, &wire, None), Some(value.clone()));
        assert_eq!(sent(value), Some(wire));
    }
    assert_eq!(read_as(Form::YesNo, &json!("yes"), None), None);
}
