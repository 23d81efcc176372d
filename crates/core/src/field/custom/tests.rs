//! Values of custom fields, by the rules of their pair.

use super::*;
use crate::field::text_of;
use crate::fixture::policy;
use crate::reconcile::policy::Policy;

fn with(rule: Rule) -> (FieldKey, Policy) {
    let (key, mut policy) = (rule.key.clone(), policy());
    policy.customs.insert(key.clone(), rule);
    (key, policy)
}

fn rule(form: Form) -> Rule {
    Rule {
        key: FieldKey::Custom("Severity".to_owned()),
        id: "f1".to_owned(),
        form,
        values: Relation::new([("1 - Critical", "critical"), ("High", "high")]),
        open: Sided::default(),
        whole: true,
        range: None,
        scale: 1,
        one_line: true,
        only: BTreeSet::new(),
    }
}

fn there(rule: Rule, from: Side, value: &FieldValue) -> Result<FieldValue, ValueWhy> {
    let (key, policy) = with(rule);
    key.kind().translate(from, value, &policy.tables_of(&key))
}

#[test]
fn an_option_goes_by_its_row_and_one_without_a_row_is_held() {
    let choice = FieldValue::choice;
    let name = || rule(Form::Name);
    let critical = there(name(), Side::ClickUp, &choice("Critical"));
    assert_eq!(critical, Ok(choice("1 - Critical")));
    let low = there(name(), Side::Ado, &choice("Low"));
    assert!(matches!(low, Err(ValueWhy::OptionUnmapped { .. })));
    let open = Rule {
        open: Sided {
            ado: true,
            clickup: false,
        },
        ..name()
    };
    let low = there(open.clone(), Side::ClickUp, &choice("Low"));
    assert_eq!(low, Ok(choice("Low")));
    assert!(there(open, Side::Ado, &choice("Low")).is_err());
    assert_eq!(
        there(name(), Side::Ado, &FieldValue::Empty),
        Ok(FieldValue::Empty)
    );
}

/// Somebody has added the option, or the stars, in a service, and no version of an item tells that.
#[test]
fn what_is_held_for_want_of_a_counterpart_is_taken_once_there_is_one() {
    let choice = FieldValue::choice;
    let before = rule(Form::Name);
    let more = Rule {
        values: Relation::of(vec![(Folded::new("Low"), Folded::person("f1-low", "low"))]),
        ..rule(Form::Name)
    };
    for (side, name) in [(Side::Ado, "Low"), (Side::ClickUp, "Low")] {
        let held = there(before.clone(), side, &choice(name)).unwrap_err();
        assert!(!before.takes(&held) && more.takes(&held), "{side}");
    }
    let stars = |most| Rule {
        range: Some((0, most)),
        ..rule(Form::Decimal)
    };
    let held = there(stars(5), Side::Ado, &FieldValue::Number(7000)).unwrap_err();
    assert!(!stars(5).takes(&held) && stars(10).takes(&held));
    let list = |name: &str| Rule {
        only: BTreeSet::from([Folded::new(name)]),
        ..rule(Form::Plain)
    };
    let held = there(list("Web"), Side::ClickUp, &FieldValue::plain("Shop")).unwrap_err();
    assert!(!list("Web").takes(&held) && list("shop").takes(&held));
}

#[test]
fn a_listed_text_is_spelt_as_the_list_has_it_and_is_the_same_in_any_case() {
    let listed = Rule {
        only: BTreeSet::from([Folded::new("Web Shop")]),
        ..rule(Form::Plain)
    };
    let text = FieldValue::plain;
    let sent = there(listed.clone(), Side::ClickUp, &text("web shop"));
    assert_eq!(sent, Ok(text("Web Shop")));
    let (key, policy) = with(listed);
    let agree = |ado: &str, clickup: &str| {
        let now = Sided {
            ado: text(ado),
            clickup: text(clickup),
        };
        key.kind().agree(&now, &policy.tables_of(&key))
    };
    assert!(agree("Web Shop", "web shop"));
    assert!(!agree("Web Shop", "shop"));
}

#[test]
fn an_integer_side_takes_no_fraction_and_gives_any_number() {
    let half = FieldValue::Number(500);
    let whole = there(rule(Form::Decimal), Side::ClickUp, &half);
    assert!(matches!(whole, Err(ValueWhy::NumberNotWhole { .. })));
    assert!(there(rule(Form::Decimal), Side::Ado, &half).is_ok());
    let two = FieldValue::Number(2000);
    assert_eq!(there(rule(Form::Decimal), Side::ClickUp, &two), Ok(two));
}

#[test]
fn a_number_goes_only_to_a_list_that_has_it() {
    let tiers = Rule {
        only: BTreeSet::from([Folded::new("1"), Folded::new("2.5")]),
        whole: false,
        ..rule(Form::Decimal)
    };
    let put = |number| there(tiers.clone(), Side::ClickUp, &FieldValue::Number(number));
    assert!(put(1000).is_ok() && put(2500).is_ok());
    let held = put(3000).unwrap_err();
    assert!(matches!(held, ValueWhy::NotOnTheList { .. }), "{held}");
}

fn labels(rule: &Rule, base: [&[&str]; 2], now: [&[&str]; 2]) -> Merged {
    let (key, policy) = with(rule.clone());
    let sides = |of: [&[&str]; 2]| Sided {
        ado: FieldValue::tags(of[0].iter().copied()),
        clickup: FieldValue::tags(of[1].iter().copied()),
    };
    let (base, now) = (sides(base), sides(now));
    let changed = Sided::build(|side| base.get(side) != now.get(side));
    key.kind().merge(&Merge {
        base: &base,
        now: &now,
        changed,
        winner: Some(Side::Ado),
        tables: &policy.tables_of(&key),
    })
}

#[test]
fn labels_of_both_sides_are_united_one_by_one() {
    let rule = Rule {
        values: Relation::new([("Web", "web"), ("Shop", "shop"), ("App", "app")]),
        ..rule(Form::Names)
    };
    let to = |ado: Option<&[&str]>, clickup: Option<&[&str]>| {
        let set = |names: &[&str]| FieldValue::tags(names.iter().copied());
        Sided {
            ado: ado.map(set),
            clickup: clickup.map(set),
        }
    };
    for (base, now, wanted) in [
        // One side alone.
        (
            [&["Web"][..], &["web"][..]],
            [&["Web", "Shop"][..], &["web"][..]],
            to(None, Some(&["web", "shop"])),
        ),
        // Added on both sides.
        (
            [&["Web"], &["web"]],
            [&["Web", "Shop"], &["web", "app"]],
            to(Some(&["Web", "Shop", "App"]), Some(&["web", "app", "shop"])),
        ),
        // Taken off here, added there.
        (
            [&["Web"], &["web"]],
            [&[], &["web", "app"]],
            to(Some(&["App"]), Some(&["app"])),
        ),
        ([&["Web"], &["web"]], [&[], &[]], to(None, None)),
    ] {
        match labels(&rule, base, now) {
            Merged::Write { to, .. } => assert_eq!(to, wanted, "{base:?} {now:?}"),
            Merged::Rebase => assert_eq!(wanted, Sided::default(), "{base:?} {now:?}"),
            other => panic!("{other:?}"),
        }
    }
    // One that ClickUp does not have holds the field: nothing of it goes over in part.
    let odd = labels(&rule, [&[], &[]], [&["Web", "Odd"], &["app"]]);
    assert!(
        matches!(odd, Merged::Blocked(ValueWhy::OptionUnmapped { .. })),
        "{odd:?}"
    );
    // A label was renamed since both agreed: whether it was taken off here, the name there does not tell.
    for (base, now) in [
        (
            [&["Old"][..], &["web"][..]],
            [&["Old", "App"][..], &["shop"][..]],
        ),
        ([&["Old"], &["web"]], [&["Web"], &["web", "app"]]),
    ] {
        let renamed = labels(&rule, base, now);
        let held = matches!(renamed, Merged::Blocked(_) | Merged::Conflict { .. });
        assert!(held, "{renamed:?}");
    }
    // In doubt, a side counts as changed although it shows what it had: nothing is merged into that.
    let (key, policy) = with(rule);
    let set = |name: &str| FieldValue::tags([name]);
    let base = Sided {
        ado: set("Web"),
        clickup: set("web"),
    };
    let now = Sided {
        ado: set("Web"),
        clickup: set("app"),
    };
    let doubted = key.kind().merge(&Merge {
        base: &base,
        now: &now,
        changed: Sided::build(|_| true),
        winner: None,
        tables: &policy.tables_of(&key),
    });
    assert!(
        matches!(doubted, Merged::Conflict { taken: None, .. }),
        "{doubted:?}"
    );
}

#[test]
fn labels_that_do_not_fit_into_a_line_are_held() {
    let long = "x".repeat(200);
    let rule = Rule {
        open: Sided {
            ado: true,
            clickup: false,
        },
        ..rule(Form::Names)
    };
    let one = FieldValue::tags([long.as_str()]);
    assert!(there(rule.clone(), Side::ClickUp, &one).is_ok());
    let other = "y".repeat(200);
    let two = FieldValue::tags([long.as_str(), other.as_str()]);
    let held = there(rule, Side::ClickUp, &two);
    assert!(matches!(held, Err(ValueWhy::TextTooLong { .. })));
}

#[test]
fn a_rating_takes_whole_numbers_up_to_its_stars() {
    let stars = || Rule {
        range: Some((0, 5)),
        ..rule(Form::Decimal)
    };
    let put = |number| there(stars(), Side::Ado, &FieldValue::Number(number));
    assert!(put(5000).is_ok() && put(0).is_ok());
    for number in [6000, -1000, 2500] {
        let held = put(number);
        assert!(matches!(held, Err(ValueWhy::NumberOutOfRange { .. })));
    }
}

#[test]
fn a_text_that_azure_devops_cannot_hold_whole_is_held() {
    let held = |text: &str| {
        let value = FieldValue::Text(text.to_owned());
        there(rule(Form::Plain), Side::ClickUp, &value).err()
    };
    assert_eq!(held("one"), None);
    let lines = held("one\ntwo");
    assert!(matches!(lines, Some(ValueWhy::SeveralLines { .. })));
    let long = held(&"x".repeat(256));
    assert!(matches!(long, Some(ValueWhy::TextTooLong { .. })));
    let listed = Rule {
        only: BTreeSet::from([Folded::new("Blue")]),
        ..rule(Form::Plain)
    };
    let value = |text: &str| FieldValue::text(text);
    assert!(there(listed.clone(), Side::ClickUp, &value("blue")).is_ok());
    let off = there(listed, Side::ClickUp, &value("red"));
    assert!(matches!(off, Err(ValueWhy::NotOnTheList { .. })));
}

#[test]
fn options_of_one_row_agree() {
    let (key, policy) = with(rule(Form::Name));
    let agree = |ado: &str, clickup: &str| {
        let now = Sided {
            ado: FieldValue::choice(ado),
            clickup: FieldValue::choice(clickup),
        };
        key.kind().agree(&now, &policy.tables_of(&key))
    };
    assert!(agree("1 - Critical", "Critical") && agree("", ""));
    assert!(!agree("High", "critical") && !agree("High", ""));
}

/// What ClickUp makes of Markdown in a custom field is not documented: what has all the words of it is what was sent.
#[test]
fn a_long_text_is_in_force_as_long_as_no_word_of_it_is_missing() {
    let key = rule(Form::LongText).key;
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    let in_force = |side: Side, sent: &str, shown: &str| {
        let (sent, shown) = (rich(sent), rich(shown));
        sent == shown || key.kind().in_force(side, &sent, &shown)
    };
    let linked = "a [link](https://example.com) and **b**";
    for (sent, shown, wanted) in [
        ("a **b**", "a b", true),
        ("# T\n\n- a\n- b", "T\na\nb", true),
        (linked, "a link and b", true),
        ("2\\*3\\*4", "2*3*4", true),
        ("a **b** c", "a b", false),
        ("a **b**", "a c", false),
        ("a **b**", "", false),
    ] {
        assert_eq!(in_force(Side::ClickUp, sent, shown), wanted, "{shown}");
    }
    // Azure DevOps keeps links.
    assert!(!in_force(Side::Ado, linked, "a link and b"));
    let values = [rich("a"), FieldValue::Empty];
    assert!(key.kind_of(&values).is_rendered());
    assert!(key.kind_of(&values).typed("*x*").is_some());
    assert!(!key.kind_of([&FieldValue::Empty]).is_rendered());
}

/// What ClickUp dropped is no edit of anybody.
#[test]
fn an_edit_of_a_long_text_without_formatting_leaves_the_formatting_of_the_rest() {
    let (key, policy) = with(rule(Form::LongText));
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    let base = Sided {
        ado: rich("# T\n\na **b**\n\nc"),
        clickup: rich("T\n\na b\n\nc"),
    };
    let now = Sided {
        clickup: rich("T\n\na b\n\nc d"),
        ..base.clone()
    };
    let merged = key.kind().merge(&Merge {
        base: &base,
        now: &now,
        changed: Sided {
            ado: false,
            clickup: true,
        },
        winner: None,
        tables: &policy.tables_of(&key),
    });
    let Merged::Write { to, .. } = merged else {
        panic!("{merged:?}");
    };
    assert_eq!(to.ado, Some(rich("# T\n\na **b**\n\nc d")));
    assert_eq!(to.clickup, None);
}

/// Example of the second: ClickUp shows paragraphs as lines.
#[test]
fn edits_of_two_paragraphs_are_merged_whatever_clickup_shows_of_them() {
    let (key, policy) = with(rule(Form::LongText));
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    for shown in [
        "the **first**\n\nmiddle\n\nthe second",
        "the first\\\nmiddle\\\nthe second",
    ] {
        let base = Sided {
            ado: rich("the **first**\n\nmiddle\n\nthe second"),
            clickup: rich(shown),
        };
        let now = Sided {
            ado: rich("the **first there**\n\nmiddle\n\nthe second"),
            clickup: rich(&format!("{shown} here")),
        };
        let merged = key.kind().merge(&Merge {
            base: &base,
            now: &now,
            changed: Sided {
                ado: true,
                clickup: true,
            },
            winner: None,
            tables: &policy.tables_of(&key),
        });
        let Merged::Write { to, .. } = merged else {
            panic!("{merged:?}");
        };
        let both = "the **first there**\n\nmiddle\n\nthe second here";
        assert_eq!(to.ado, Some(rich(both)));
        let there = to.clickup.map(|text| markup::plain(text_of(&text)));
        let there = there.unwrap().replace("\n\n", "\n");
        assert_eq!(there, "the first there\nmiddle\nthe second here");
    }
}
