//! Plans as readers of narrow and wide terminals see them, and what a plan has to say.

use super::*;
use crate::mapping::People;
use crate::model::LinkId;
use crate::reason::{HoldWhy, ValueWhy};
use crate::reconcile::plan::Hold;
use std::collections::BTreeMap;
use unicode_width::UnicodeWidthStr;

const COLUMNS: [usize; 3] = [60, 100, 200];

fn in_columns(plan_: &PairPlan, width: usize, all: bool) -> String {
    let style = Style {
        colour: false,
        width,
        ..Style::default()
    };
    let show = Show {
        all,
        ..Show::default()
    };
    plan(
        &plan_of(crate::model::Timestamp(0), vec![plan_.clone()]),
        &show,
        &style,
    )
}

const PARAGRAPH: &str = "购物车页面在等待价格时一直显示转圈，没有任何说明。 The page of the basket shows a spinner for as long as the \
                         price is asked for, and nothing says what it waits for, so people close it and call us. 🚀 \
                         Nobody wants that, and the phone rings all day.";

/// One of every kind: a long paragraph with a few new words, wide titles, people without a counterpart, a type that is not
/// mapped.
fn three() -> PairPlan {
    let mut policy = policy();
    let known = BTreeMap::from([("ana@clickup-mail.com".to_owned(), "Ana".to_owned())]);
    policy.people = People::new([("ana@contoso.com", "ana@clickup-mail.com")], Some(known));
    let edited = Linked::new(1)
        .same(
            FieldKey::Title,
            FieldValue::text("登录失败：在 Safari 18 上无法登录"),
        )
        .same(FieldKey::Description, rich(PARAGRAPH))
        .now(
            Side::Ado,
            FieldKey::Description,
            rich(
                &PARAGRAPH
                    .replace("a spinner", "a grey bar")
                    .replace("all day", "all night"),
            ),
        )
        .now(Side::Ado, FieldKey::State, FieldValue::choice("Removed"));
    let mut all = view(vec![edited.view()]);
    let mut story = item(
        Side::Ado,
        "130",
        "🚀🚀 导出看板为 CSV，包括所有列，并使用 UTF-8 编码，这样就可以在任何地方打开它 👨‍👩‍👧‍👦",
    );
    story.fields.extend([
        (FieldKey::Type, FieldValue::choice("User Story")),
        (FieldKey::State, FieldValue::choice("New")),
        (FieldKey::Assignees, fixture::people(&["bo@contoso.com"])),
        (FieldKey::Tags, FieldValue::tags(["导出", "web"])),
        (
            FieldKey::Description,
            rich("As a lead I want it.\n\n- all columns\n- UTF-8"),
        ),
    ]);
    let mut task = item(Side::ClickUp, "86d3f01jq", "Empty search crashes the page");
    task.fields.extend([
        (FieldKey::Type, FieldValue::choice("Bug")),
        (FieldKey::State, FieldValue::choice("in progress")),
    ]);
    all.fresh = Sided {
        ado: vec![fresh(story, Origin::Person)],
        clickup: vec![fresh(task, Origin::Person)],
    };
    reconcile(&all, &policy)
}

fn three_hundred() -> PairPlan {
    let mut policy = policy();
    policy.approved = false;
    let new = |side: Side| {
        (1..=150).map(move |n| {
            let mut new = match side {
                Side::Ado => item(side, &n.to_string(), &format!("Story number {n}")),
                Side::ClickUp => item(side, &format!("86d{n}"), &format!("Task number {n}")),
            };
            let words = match side {
                Side::Ado => ("User Story", "New"),
                Side::ClickUp => ("Task", "to do"),
            };
            new.fields.extend([
                (FieldKey::Type, FieldValue::choice(words.0)),
                (FieldKey::State, FieldValue::choice(words.1)),
            ]);
            fresh(new, Origin::Person)
        })
    };
    let mut all = view(Vec::new());
    all.fresh = Sided {
        ado: new(Side::Ado).collect(),
        clickup: new(Side::ClickUp).collect(),
    };
    reconcile(&all, &policy)
}

/// Everything is equal.
fn nothing() -> PairPlan {
    let mut quiet = PairPlan::empty("web".into(), String::new());
    quiet.looked_at = 1_000;
    quiet.in_sync = 1_000;
    quiet
}

/// Nothing changed where two are not equal: what is open there is so from before.
fn unequal() -> PairPlan {
    let mut quiet = nothing();
    quiet.in_sync = 998;
    quiet
}

fn from_before() -> BTreeMap<crate::model::PairName, StillOpen> {
    let held = Hold {
        link: Some(LinkId(9)),
        side: Side::ClickUp,
        item: "86d9".into(),
        title: "登录失败：无法登录".to_owned(),
        subject: (&FieldKey::State).into(),
        why: HoldWhy::from(ValueWhy::StateUnmapped {
            side: Side::ClickUp,
            state: "in review".to_owned(),
        }),
    };
    let open = OpenConflict {
        id: 7,
        link: LinkId(3),
        items: Sided {
            ado: "103".into(),
            clickup: "86d3".into(),
        },
        field: FieldKey::Title,
        title: "Login fails on Safari".to_owned(),
    };
    let still_open = StillOpen {
        conflicts: vec![open],
        holds: vec![held],
    };
    BTreeMap::from([("web".into(), still_open)])
}

#[test]
fn a_plan_in_60_100_and_200_columns() {
    for width in COLUMNS {
        let shown = in_columns(&three(), width, false);
        insta::assert_snapshot!(format!("three_items_in_{width}_columns"), shown);
        let shown = in_columns(&three_hundred(), width, false);
        insta::assert_snapshot!(format!("three_hundred_items_in_{width}_columns"), shown);
        let shown = in_columns(&nothing(), width, false);
        insta::assert_snapshot!(format!("nothing_to_do_in_{width}_columns"), shown);
    }
}

#[test]
fn no_line_of_a_plan_is_wider_than_the_terminal() {
    for width in [60, 80, 100, 200] {
        for plan in [three(), three_hundred(), nothing()] {
            for line in in_columns(&plan, width, true).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn totals_by_side_and_kind_stand_before_the_items() {
    let shown = in_columns(&three_hundred(), 80, false);
    let head: Vec<&str> = shown.lines().take(3).collect();
    assert_eq!(
        head,
        [
            "web",
            "  to ADO      150 creates",
            "  to ClickUp  150 creates"
        ]
    );
}

#[test]
fn everything_is_shown_on_demand_and_what_is_cut_is_counted() {
    let cut = in_columns(&three_hundred(), 80, false);
    assert_eq!(cut.matches("+ new in").count(), 50);
    assert!(
        cut.contains("... and 250 items more (all of them: --all)"),
        "{cut}"
    );
    let all = in_columns(&three_hundred(), 80, true);
    assert_eq!(all.matches("+ new in").count(), 300);
    assert!(!all.contains("--all"));
}

#[test]
fn open_conflicts_and_holds_are_named_where_nothing_is_to_do() {
    let still_open = from_before();
    let show = Show {
        still_open: &still_open,
        ..Show::default()
    };
    let plans = plan_of(crate::model::Timestamp(0), vec![unequal()]);
    let mut texts = Vec::new();
    for width in COLUMNS {
        let style = Style {
            colour: false,
            width,
            ..Style::default()
        };
        let text = plan(&plans, &show, &style);
        let (head, _) = text.split_once("from before").unwrap();
        assert!(head.lines().all(|line| line.width() <= width), "{head}");
        texts.push(text);
    }
    assert!(!texts[0].contains("nothing to do"), "{}", texts[0]);
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_plan_that_writes_nothing_counts_what_is_not_equal() {
    let text = in_columns(&unequal(), 80, false);
    let said = "web: nothing to write; 1,000 linked items, 2 not equal\n";
    assert_eq!(text, said);
}

#[test]
fn what_the_plan_says_itself_is_not_said_again_as_open_from_before() {
    let mut pair = unequal();
    let still_open = from_before();
    let before = &still_open[&"web".into()];
    pair.holds.clone_from(&before.holds);
    let show = Show {
        still_open: &still_open,
        ..Show::default()
    };
    let plans = plan_of(crate::model::Timestamp(0), vec![pair]);
    let text = plan(&plans, &show, &Style::default());
    assert_eq!(text.matches("86d9").count(), 1, "{text}");
    assert!(text.contains("conflict 7: title"), "{text}");
}

#[test]
fn a_conflict_whose_field_the_plan_writes_is_not_told_as_unchanged() {
    let mut still_open = from_before();
    for open in &mut still_open.get_mut(&"web".into()).unwrap().conflicts {
        (open.link, open.field) = (LinkId(1), FieldKey::Description);
    }
    let show = Show {
        still_open: &still_open,
        ..Show::default()
    };
    let plans = plan_of(crate::model::Timestamp(0), vec![three()]);
    let text = plan(&plans, &show, &Style::default());
    assert!(!text.contains("conflict 7"), "{text}");
    assert!(text.contains("from before, unchanged: 1 held"), "{text}");
}

#[test]
fn what_cannot_be_carried_over_stands_at_its_field_with_the_line_that_helps() {
    let shown = in_columns(&three(), 100, false);
    let after = |head: &str| shown.split(head).nth(1).unwrap().to_owned();
    let new = after("+ new in ClickUp:");
    let new = new.split("\n\n").next().unwrap();
    assert!(
        new.contains(
            "assignees      not carried over: bo@contoso.com has no counterpart in ClickUp"
        ),
        "{new}"
    );
    assert!(
        new.contains("[\"bo@contoso.com\", \"...\"] to `people`"),
        "{new}"
    );
    let edited = after("ADO 101 = ClickUp 86d1");
    let edited = edited.split("\n\n").next().unwrap();
    assert!(
        edited.contains("status         not carried over: ADO state \"Removed\" is not mapped"),
        "{edited}"
    );
    assert!(!shown.contains("held, nothing is written there"), "{shown}");
}

#[test]
fn of_several_people_the_one_without_a_counterpart_is_named() {
    let mut task = item(Side::ClickUp, "86d3", "Two people");
    task.fields.extend([
        (FieldKey::Type, FieldValue::choice("Task")),
        (FieldKey::State, FieldValue::choice("to do")),
        (
            FieldKey::Assignees,
            fixture::people(&["ana@clickup-mail.com", "id:77"]),
        ),
    ]);
    let mut all = view(Vec::new());
    all.fresh.clickup.push(fresh(task, Origin::Person));
    let pair = reconcile(&all, &policy());
    assert_eq!(pair.holds, []);
    let text = in_columns(&pair, 100, false);
    assert!(
        text.contains("not carried over: id:77 has no counterpart in ADO"),
        "{text}"
    );
    assert!(text.contains("[\"...\", \"id:77\"]"), "{text}");
}

fn twins() -> PairPlan {
    let mut all = view(Vec::new());
    for (n, title) in ["Login fails", "Export as CSV", "登录失败"]
        .into_iter()
        .enumerate()
    {
        for side in Side::BOTH {
            let (id, kind, state) = match side {
                Side::Ado => (format!("13{n}"), "Bug", "Active"),
                Side::ClickUp => (format!("86d{n}"), "Bug", "in progress"),
            };
            let title = match side {
                Side::Ado => title.to_owned(),
                Side::ClickUp => format!(" {}  ", title.to_uppercase()),
            };
            let mut new = item(side, &id, title.trim());
            new.fields.extend([
                (FieldKey::Type, FieldValue::choice(kind)),
                (FieldKey::State, FieldValue::choice(state)),
            ]);
            all.fresh.get_mut(side).push(fresh(new, Origin::Person));
        }
    }
    let mut policy = policy();
    policy.approved = false;
    reconcile(&all, &policy)
}

#[test]
fn equal_titles_on_both_boards_are_pointed_out_before_the_first_creates() {
    let shown = in_columns(&twins(), 80, false);
    insta::assert_snapshot!(shown);
    let json = plan_json(&plan_of(crate::model::Timestamp(0), vec![twins()]));
    let named = json["pairs"][0]["likely_twins"].as_array().unwrap();
    assert_eq!(named.len(), 3);
    assert_eq!(named[0]["ado"], "130");
    assert_eq!(named[0]["clickup"], "86d0");
}

#[test]
fn a_guard_says_its_numbers_and_what_lets_the_plan_through() {
    let links = (1..=4)
        .map(|n| Linked::new(n).with(Side::Ado, gone()))
        .collect();
    let text = of(links);
    for part in [
        "STOPPED     by a guard: 4 unlinks in ClickUp, 3 allowed",
        "max_deletes, deletes_percent",
        "boardsync apply FILE",
        "--approve ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn hints_repeat_the_options_and_the_file_that_were_given() {
    let show = Show {
        program: "boardsync --config etc/c.toml",
        file: Some("first.plan"),
        ..Show::default()
    };
    let mut policy = policy();
    policy.approved = false;
    let plans = plan_of(
        crate::model::Timestamp(0),
        vec![reconcile(&both_new(), &policy)],
    );
    let text = plan(&plans, &show, &Style::default());
    assert!(
        text.contains("boardsync --config etc/c.toml apply first.plan"),
        "{text}"
    );
    assert!(
        text.contains("boardsync --config etc/c.toml reconcile --once --yes"),
        "{text}"
    );
    assert!(!text.contains("boardsync apply"), "{text}");
}

#[test]
fn addresses_are_shown_on_demand_as_text_or_as_links() {
    let plans = plan_of(crate::model::Timestamp(0), vec![three()]);
    let of = |addresses| {
        let show = Show {
            addresses,
            ..Show::default()
        };
        plan(&plans, &show, &Style::default())
    };
    assert!(!of(Addresses::Hidden).contains("https://"));
    let written = of(Addresses::Written);
    assert!(
        written.contains("\n    https://ado.example/Fabrikam/_workitems/edit/130\n"),
        "{written}"
    );
    let linked = of(Addresses::Linked);
    let link = "\u{1b}]8;;https://clickup.example/t/86d1\u{1b}\\ClickUp 86d1\u{1b}]8;;\u{1b}\\";
    assert!(linked.contains(link), "{linked:?}");
}

#[test]
fn an_address_that_could_steer_the_terminal_is_no_link() {
    let mut pair = three();
    for action in &mut pair.actions {
        action.url = "https://x/\u{1b}]0;title\u{7}".to_owned();
    }
    let plans = plan_of(crate::model::Timestamp(0), vec![pair]);
    for addresses in [Addresses::Written, Addresses::Linked] {
        let show = Show {
            addresses,
            ..Show::default()
        };
        assert!(!plan(&plans, &show, &Style::default()).contains('\u{1b}'));
    }
}
