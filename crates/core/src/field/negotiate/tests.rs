//! What two fields agree on, and what is refused.

use super::*;

fn native(id: &str, kind: &str, options: &[&str]) -> Native {
    let options = options.iter().enumerate();
    Native {
        id: id.to_owned(),
        name: "Severity".to_owned(),
        kind: kind.to_owned(),
        options: options
            .map(|(n, name)| (format!("{id}-{n}"), (*name).to_owned()))
            .collect(),
        ..Native::default()
    }
}

fn agreed(
    ado: &Native,
    clickup: &[&Native],
    direction: Direction,
    values: &[(String, String)],
) -> Result<Agreed, Unfit> {
    let key = FieldKey::Custom("Severity".to_owned());
    let asked = Asked {
        key: &key,
        direction,
        time: false,
        scale: None,
        values,
    };
    agree(&asked, Some(ado), clickup)
}

fn form(ado: &str, clickup: &str, direction: Direction) -> Result<Form, Unfit> {
    let (ado, clickup) = (native("A.B", ado, &[]), native("id", clickup, &[]));
    agreed(&ado, &[&clickup], direction, &[]).map(|agreed| agreed.rule.form)
}

#[test]
fn the_types_of_both_sides_make_the_kind() {
    for (ado, clickup, wanted) in [
        ("string", "short_text", Form::Plain),
        ("plainText", "text", Form::Plain),
        ("string", "text", Form::Plain),
        ("html", "text", Form::LongText),
        ("string", "url", Form::Plain),
        ("integer", "number", Form::Decimal),
        ("double", "number", Form::Decimal),
        ("boolean", "checkbox", Form::YesNo),
        ("dateTime", "date", Form::Day),
        ("string", "drop_down", Form::Name),
        ("integer", "emoji", Form::Decimal),
        ("double", "manual_progress", Form::Decimal),
        ("string", "labels", Form::Names),
        ("plainText", "labels", Form::Names),
        ("identity", "users", Form::People),
    ] {
        assert_eq!(form(ado, clickup, Direction::Both), Ok(wanted), "{clickup}");
    }
    assert_eq!(
        form("double", "currency", Direction::ToAdo),
        Ok(Form::Decimal)
    );
}

#[test]
fn labels_need_free_text_and_no_separator_in_their_names() {
    let both = |list: &[&str], labels: &[&str]| {
        let (ado, clickup) = (
            native("A.B", "string", list),
            native("id", "labels", labels),
        );
        agreed(&ado, &[&clickup], Direction::Both, &[])
    };
    let fit = both(&[], &["Web", "Shop"]).unwrap().rule;
    assert_eq!(fit.values.names(Side::ClickUp).len(), 2);
    assert!(fit.open.ado && !fit.open.clickup);
    assert_eq!(both(&["Web"], &["Web"]).unwrap_err().side, Side::Ado);
    let odd = both(&[], &["Web; Shop"]).unwrap_err();
    assert!(
        odd.side == Side::ClickUp && odd.text.contains("Web; Shop"),
        "{}",
        odd.text
    );
}

#[test]
fn a_list_of_numbers_is_told_by_value_however_it_is_written() {
    let (ado, clickup) = (
        native("A.B", "double", &["1", "2.50"]),
        native("id", "number", &[]),
    );
    let agreed = agreed(&ado, &[&clickup], Direction::Both, &[]).unwrap();
    assert_eq!(
        agreed.rule.only,
        BTreeSet::from([Folded::new("1"), Folded::new("2.5")])
    );
}

#[test]
fn what_clickup_works_out_flows_to_azure_devops_only() {
    for (ado, clickup, wanted) in [
        ("double", "formula", Form::Decimal),
        ("string", "formula", Form::Plain),
        ("double", "rollup", Form::Decimal),
        ("double", "automatic_progress", Form::Decimal),
        ("string", "location", Form::Plain),
    ] {
        assert_eq!(
            form(ado, clickup, Direction::ToAdo),
            Ok(wanted),
            "{clickup}"
        );
        let refused = form(ado, clickup, Direction::Both).unwrap_err();
        assert!(refused.text.contains("to_ado"), "{}", refused.text);
    }
}

#[test]
fn time_is_for_dates_and_scale_for_money() {
    let key = FieldKey::Custom("When".to_owned());
    let of = |ado: &str, clickup: &str, time: bool, scale: Option<i64>| {
        let asked = Asked {
            key: &key,
            direction: Direction::Both,
            time,
            scale,
            values: &[],
        };
        let (ado, clickup) = (native("A.B", ado, &[]), native("id", clickup, &[]));
        agree(&asked, Some(&ado), &[&clickup]).map(|agreed| agreed.rule)
    };
    let date = of("dateTime", "date", true, None).unwrap();
    assert_eq!(date.form, Form::Moment);
    assert!(of("double", "number", true, None).is_err());
    let money = of("double", "currency", false, Some(100)).unwrap();
    assert_eq!((money.form, money.scale), (Form::Decimal, 100));
    assert!(of("double", "currency", false, None).is_err());
    assert!(of("double", "number", false, Some(100)).is_err());
}

#[test]
fn what_cannot_be_kept_equal_is_refused_with_what_to_do() {
    let text = |ado, clickup| form(ado, clickup, Direction::Both).unwrap_err();
    assert!(text("boolean", "number").text.contains("double or integer"));
    assert_eq!(text("boolean", "number").side, Side::Ado);
    assert!(text("double", "currency").text.contains("to_ado"));
    assert!(text("boolean", "button").text.contains("press"));
    assert!(text("identity", "short_text").text.contains("identity"));
    assert!(text("string", "hologram").text.contains("not known"));
    for kind in ["short_text", "url", "drop_down", "labels"] {
        let refused = text("html", kind);
        assert_eq!(refused.side, Side::Ado);
        assert!(refused.text.starts_with("it is of the type html"));
        assert!(refused.text.contains("string"), "{}", refused.text);
    }
    assert!(text("history", "text").text.contains("html"));
    let own = native("WEF_12_Kanban.Column", "string", &[]);
    let clickup = native("id", "short_text", &[]);
    let refused = agreed(&own, &[&clickup], Direction::Both, &[]).unwrap_err();
    assert!(refused.text.contains("itself"));
}

/// By its name and by its id; the first entry is synced.
#[test]
fn one_field_of_clickup_is_synced_once() {
    let clickup = native("id", "number", &[]);
    let entry = |name: &str, ado: &str| {
        let ado = native(ado, "double", &[]);
        let agreed = agreed(&ado, &[&clickup], Direction::Both, &[]);
        (FieldKey::Custom(name.to_owned()), agreed)
    };
    let mut found = [entry("Size", "A.One"), entry("#id", "A.Two")];
    refuse_twice(&mut found);
    assert!(found[0].1.is_ok());
    let text = found[1].1.clone().unwrap_err().text;
    assert!(text.contains("`custom:Size`"), "{text}");
}

/// Setting the project would move the item.
#[test]
fn a_field_of_the_system_is_no_custom_one() {
    let clickup = native("id", "short_text", &[]);
    for name in ["System.TeamProject", "System.Reason", "System.Parent"] {
        let ado = native(name, "string", &[]);
        let refused = agreed(&ado, &[&clickup], Direction::Both, &[]).unwrap_err();
        assert_eq!(refused.side, Side::Ado, "{name}");
    }
}

#[test]
fn a_name_that_several_fields_have_asks_for_the_id() {
    let (one, two) = (native("a", "number", &[]), native("b", "number", &[]));
    let ado = native("A.B", "double", &[]);
    let refused = agreed(&ado, &[&one, &two], Direction::Both, &[]).unwrap_err();
    assert!(refused.text.contains("\"custom:#b\""), "{}", refused.text);
    let none = agreed(&ado, &[], Direction::Both, &[]).unwrap_err();
    assert!(none.text.contains("custom:Severity"), "{}", none.text);
}

#[test]
fn options_of_equal_names_need_no_row_and_a_row_comes_first() {
    let ado = native("A.B", "string", &["1 - Critical", "Minor", "Other"]);
    let clickup = native("id", "drop_down", &["Critical", "minor", "New"]);
    let rows = [("1 - Critical".to_owned(), "critical".to_owned())];
    let rule = agreed(&ado, &[&clickup], Direction::Both, &rows)
        .unwrap()
        .rule;
    let there = |id: &str| {
        let option = Folded::person(id, "");
        let own = rule.values.translate(Side::ClickUp, &option);
        own.map(|own| own.shown)
    };
    assert_eq!(there("id-0").as_deref(), Some("1 - Critical"));
    assert_eq!(there("id-1").as_deref(), Some("Minor"));
    assert_eq!(there("id-2"), None);
    assert!(!rule.open.ado);
    let free = native("A.B", "string", &[]);
    let rule = agreed(&free, &[&clickup], Direction::Both, &[])
        .unwrap()
        .rule;
    assert!(rule.open.ado && !rule.open.clickup);
    let there = rule.values.translate(Side::Ado, &Folded::new("NEW"));
    assert_eq!(there, Some(Folded::person("id-2", "New")));
}

#[test]
fn a_row_with_an_option_that_is_not_there_and_options_that_read_alike_are_refused() {
    let ado = native("A.B", "string", &["High"]);
    let clickup = native("id", "drop_down", &["Critical"]);
    let rows = [("High".to_owned(), "Criticall".to_owned())];
    let refused = agreed(&ado, &[&clickup], Direction::Both, &rows).unwrap_err();
    assert_eq!(refused.value.as_deref(), Some("Criticall"));
    let alike = native("id", "drop_down", &["Critical", "critical "]);
    let refused = agreed(&ado, &[&alike], Direction::Both, &[]).unwrap_err();
    assert!(refused.text.contains("nothing tells them apart"));
    let number = native("id", "number", &[]);
    let double = native("A.B", "double", &[]);
    let refused = agreed(&double, &[&number], Direction::Both, &rows).unwrap_err();
    assert!(refused.text.contains("remove it"));
}
