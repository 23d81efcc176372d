//! What people see, as snapshots; the plans come out of the real core.

mod before;
mod plans;
mod runs;

use super::*;
use crate::fixture::reconcile;
use crate::fixture::{self, Linked, fresh, gone, item, policy, rich, view};
use crate::model::{FieldKey, FieldValue, Side, Sided, Timestamp};
use crate::reason::{SettledBy, Took};
use crate::reconcile::plan::{PairPlan, Plan};
use crate::reconcile::{LinkView, Origin, View, plan_of};

fn shown(plans: Vec<PairPlan>) -> String {
    plan(
        &plan_of(crate::model::Timestamp(0), plans),
        &Show::default(),
        &Style::default(),
    )
}

fn of(links: Vec<LinkView>) -> String {
    shown(vec![reconcile(&view(links), &policy())])
}

fn both_new() -> View {
    let mut all = view(vec![Linked::new(1).view()]);
    let mut story = item(Side::Ado, "130", "Export the board as CSV");
    story.fields.extend([
        (FieldKey::Type, FieldValue::choice("User Story")),
        (FieldKey::State, FieldValue::choice("New")),
        (FieldKey::Priority, FieldValue::Number(2000)),
        (FieldKey::Assignees, fixture::people(&["ana@contoso.com"])),
        (FieldKey::Tags, FieldValue::tags(["export", "web"])),
        (
            FieldKey::Description,
            rich("As a lead I want the board as CSV.\n\n- all columns\n- UTF-8"),
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
    all
}

const TEXT: &str = "Steps:\n\n1. Open the login page\n2. Press Return\n\nIt should log in.";

fn edited(n: i64) -> Linked {
    Linked::new(n)
        .same(FieldKey::Description, rich(TEXT))
        .same(FieldKey::Tags, FieldValue::tags(["web", "old"]))
        .same(FieldKey::Priority, FieldValue::Number(3000))
        .now(
            Side::Ado,
            FieldKey::Title,
            FieldValue::text("Login fails on Safari 18"),
        )
        .now(
            Side::Ado,
            FieldKey::Description,
            rich(&TEXT.replace("Press Return", "Press Return twice")),
        )
        .now(
            Side::Ado,
            FieldKey::Tags,
            FieldValue::tags(["web", "safari"]),
        )
        .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(1000))
}

#[test]
fn creates_in_both_directions() {
    insta::assert_snapshot!(shown(vec![reconcile(&both_new(), &policy())]));
}

#[test]
fn an_update_of_title_description_and_tags() {
    insta::assert_snapshot!(of(vec![edited(1).view()]));
}

#[test]
fn an_update_in_colour() {
    let style = Style {
        colour: true,
        width: 80,
        ..Style::default()
    };
    let plan_ = reconcile(&view(vec![edited(1).view()]), &policy());
    let text = plan(
        &plan_of(crate::model::Timestamp(0), vec![plan_]),
        &Show::default(),
        &style,
    );
    insta::assert_snapshot!(text.replace('\u{1b}', "ESC"));
}

fn contested() -> LinkView {
    Linked::new(1)
        .same(FieldKey::Description, rich(TEXT))
        .now(
            Side::Ado,
            FieldKey::Title,
            FieldValue::text("Login fails on Safari"),
        )
        .now(
            Side::ClickUp,
            FieldKey::Title,
            FieldValue::text("Login is broken"),
        )
        .now(
            Side::Ado,
            FieldKey::Description,
            rich(&TEXT.replace("Press Return", "Press Return twice")),
        )
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich(&TEXT.replace("Press Return", "Click the button")),
        )
        .view()
}

#[test]
fn a_conflict_with_the_base_and_both_values() {
    insta::assert_snapshot!(of(vec![contested()]));
}

#[test]
fn a_stored_conflict_and_the_list() {
    let plan = reconcile(&view(vec![contested()]), &policy());
    let rows: Vec<ConflictRow> = plan
        .conflicts
        .iter()
        .zip(7..)
        .map(|(conflict, id)| ConflictRow {
            barred: None,
            unwritten: None,
            rule: None,
            id,
            pair: "web".into(),
            since: Timestamp(1_000),
            standing: match id {
                7 => Standing::Settled {
                    took: Some(Took::Of(Side::Ado)),
                    by: Some(SettledBy::Rule),
                    at: Timestamp(2_000),
                },
                _ => Standing::Open,
            },
            since_then: SinceThen::default(),
            conflict: conflict.clone(),
        })
        .collect();
    let style = Style::default();
    let when = |at: Timestamp| at.to_rfc3339();
    let mut hidden = Ends::default();
    for by in [SettledBy::Person, SettledBy::Agreed, SettledBy::Replaced] {
        hidden.add(Standing::Settled {
            took: None,
            by: Some(by),
            at: Timestamp(2_000),
        });
    }
    let list = conflict_list(&rows, hidden, "boardsync", &style);
    let shown: Vec<String> = rows
        .iter()
        .map(|row| conflict_show(row, "boardsync", &style, &when))
        .collect();
    insta::assert_snapshot!(format!("{list}\n{}", shown.join("\n")));
    let json = conflict_list_json(&rows);
    assert_eq!(json["conflicts"][0]["id"], 7);
    assert_eq!(json["conflicts"][0]["base"], "Login fails");
    assert_eq!(json["conflicts"][0]["clickup_value"], "Login is broken");
    assert_eq!(json["conflicts"][0]["taken"], "ado");
}

#[test]
fn holds_with_their_reasons() {
    let removed = Linked::new(1).now(Side::Ado, FieldKey::State, FieldValue::choice("Removed"));
    let moved = Linked::new(2);
    let elsewhere = moved.items.clickup.clone();
    insta::assert_snapshot!(of(vec![
        removed.view(),
        moved.with(
            Side::ClickUp,
            crate::reconcile::Presence::OutOfScope(Box::new(elsewhere))
        ),
    ]));
}

#[test]
fn a_tripped_guard_and_what_to_type() {
    insta::assert_snapshot!(of((1..=4)
        .map(|n| Linked::new(n).with(Side::Ado, gone()))
        .collect()));
}

#[test]
fn a_guard_says_what_it_counts_beside_the_plan() {
    let missing = |n| {
        let evidence = "HTTP 404".to_owned();
        let missing = crate::reconcile::Presence::Missing {
            evidence,
            left_ms: 60_000,
        };
        Linked::new(n).with(Side::ClickUp, missing)
    };
    let first = Linked::new(1).with(Side::ClickUp, gone());
    let text = of(std::iter::once(first).chain((2..=5).map(missing)).collect());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "what side counted allowed items gone one by one ClickUp 5 3",
        "5 linked items vanish in ClickUp, not all in one plan: 1 in this plan, 4 that seem deleted and are asked for again.",
        "If they come back nothing is lost",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn a_first_contact_and_what_to_type() {
    let mut policy = policy();
    policy.approved = false;
    insta::assert_snapshot!(shown(vec![reconcile(&both_new(), &policy)]));
}

#[test]
fn a_plan_before_a_question_names_no_command_that_the_answer_replaces() {
    let mut policy = policy();
    policy.approved = false;
    let plan_ = plan_of(Timestamp(0), vec![reconcile(&both_new(), &policy)]);
    for (asks, named) in [
        (Asks::Nothing, true),
        (Asks::Yes, false),
        (Asks::All, false),
    ] {
        let show = Show {
            asks,
            ..Show::default()
        };
        let text = plan(&plan_, &show, &Style::default());
        assert!(text.contains("first plan of this pair"), "{text}");
        assert_eq!(text.contains("apply FILE"), named, "{asks:?}: {text}");
        assert_eq!(text.contains("--yes"), named, "{asks:?}: {text}");
    }
}

/// Pure code knows no time zone, and a plan says the same time as `status`.
#[test]
fn an_instant_in_a_reason_is_told_as_the_reader_is_told_times() {
    let mut blocked = PairPlan::empty("web".into(), String::new());
    blocked.blocked = Some("left alone until 2026-11-29T15:13:05Z".to_owned());
    let style = Style {
        words: |text| text.replace("2026-11-29T15:13:05Z", "16:13:05 here"),
        ..Style::default()
    };
    let plan_ = plan_of(Timestamp(0), vec![blocked]);
    let text = plan(&plan_, &Show::default(), &style);
    assert!(text.contains("left alone until 16:13:05 here"), "{text}");
}

/// `custom:#` and a UUID: nothing that stands beside it is pushed over the edge.
#[test]
fn a_field_that_is_named_by_its_id_keeps_within_the_columns() {
    let key = FieldKey::Custom("#0f7c1c5e-5d0e-4e58-9d3f-000000000003".to_owned());
    let mut policy = policy();
    let rule = policy.fields[&FieldKey::Title];
    policy.fields.insert(key.clone(), rule);
    let value =
        |text: &str| FieldValue::text(&format!("{text} of some words that take their place"));
    let edited = Linked::new(1).same(key.clone(), value("before")).now(
        Side::Ado,
        key.clone(),
        value("after"),
    );
    let mut contested = Linked::new(2)
        .same(key.clone(), value("before"))
        .now(Side::Ado, key.clone(), value("ours"))
        .now(Side::ClickUp, key.clone(), value("theirs"))
        .view();
    contested.link = crate::model::LinkId(2);
    let made = reconcile(&view(vec![edited.view(), contested]), &policy);
    let open = OpenConflict {
        id: 7,
        link: crate::model::LinkId(3),
        items: Linked::new(3).items.map(|_, item| item.id),
        field: key,
        title: "Login fails on every phone of the shop".to_owned(),
    };
    let before = StillOpen {
        conflicts: vec![open],
        holds: Vec::new(),
    };
    let still_open = std::collections::BTreeMap::from([("web".into(), before)]);
    for width in [60, 80] {
        let show = Show {
            still_open: &still_open,
            ..Show::default()
        };
        let style = Style {
            width,
            ..Style::default()
        };
        let text = plan(&plan_of(Timestamp(0), vec![made.clone()]), &show, &style);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}\n{text}");
        }
    }
}

#[test]
fn nothing_to_do_is_one_line_a_pair() {
    let mut quiet = PairPlan::empty("web".into(), String::new());
    quiet.looked_at = 1_000;
    quiet.in_sync = 1_000;
    let idle = PairPlan::empty("app".into(), String::new());
    assert_eq!(
        shown(vec![quiet, idle]),
        "web: nothing to do; 1,000 linked items\napp: nothing to do\n"
    );
}

#[test]
fn long_lists_are_cut_and_counted() {
    let links = (1..=60)
        .map(|n| {
            Linked::new(n)
                .now(Side::Ado, FieldKey::Title, FieldValue::text("x"))
                .view()
        })
        .collect();
    let text = of(links);
    assert_eq!(text.matches("to ClickUp:").count(), 50);
    assert!(text.contains("... and 10 items more"), "{text}");
    assert!(text.contains("to ClickUp  60 updates"), "{text}");
}

#[test]
fn lines_stay_within_eighty_columns() {
    let links = vec![edited(1).view(), contested()];
    for line in of(links).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn no_control_character_of_a_service_reaches_the_terminal() {
    let evil = "a\u{1b}[2Jb\u{7}\u{202e}c";
    let mut new = item(Side::Ado, "9", "-");
    new.fields
        .insert(FieldKey::Title, FieldValue::Text(evil.to_owned()));
    new.fields.insert(FieldKey::Type, FieldValue::choice("Bug"));
    new.fields.insert(FieldKey::Description, rich(evil));
    let link = Linked::new(1)
        .same(FieldKey::Description, rich("x"))
        .now(
            Side::Ado,
            FieldKey::Title,
            FieldValue::Text(evil.to_owned()),
        )
        .now(Side::Ado, FieldKey::Description, rich(evil))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("other"))
        .now(Side::Ado, FieldKey::State, FieldValue::choice(evil));
    let mut all = view(vec![link.view()]);
    all.fresh.ado.push(fresh(new, Origin::Person));
    let text = shown(vec![reconcile(&all, &policy())]);
    assert!(
        text.chars()
            .all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')),
        "{text:?}"
    );
    assert!(text.contains("\\u{1b}"));
}

#[test]
fn a_report_names_what_did_not_work_and_counts_the_rest() {
    let plan = reconcile(&view(vec![edited(1).view(), edited(2).view()]), &policy());
    let results = [
        OutcomeResult::Done,
        OutcomeResult::Failed("the service answered 400: the field is read-only".to_owned()),
        OutcomeResult::Stale("revision 8, planned on 7".to_owned()),
        OutcomeResult::Done,
    ];
    let view = ReportView {
        pair: "web".into(),
        outcomes: plan
            .actions
            .into_iter()
            .zip(results)
            .map(|(action, result)| Outcome { action, result })
            .collect(),
        holds: 1,
        ruled: 2,
        conflicts: 0,
        failed_and_held: 0,
        refused: 0,
        stopped: None,
    };
    insta::assert_snapshot!(report(&view, &Style::default()));
    assert_eq!(report_json(&view)["outcomes"][1]["result"], "failed");
}

/// Approving and carrying out are of the saved form; the other is for reading, with values as everywhere else.
#[test]
fn a_plan_is_saved_in_one_form_and_shown_to_programs_in_another() {
    let mut pair = reconcile(&both_new(), &policy());
    pair.nothing_due.clear();
    let plan = plan_of(crate::model::Timestamp(0), vec![pair.clone()]);
    let json = plan_json(&plan);
    assert_eq!(json["format_version"], 1);
    assert_eq!(json["pairs"][0]["hash"], pair.hash());
    let change = &json["pairs"][0]["actions"][0]["changes"][0];
    assert!(change["after"].is_string(), "{change}");
    assert!(serde_json::from_value::<Plan>(json).is_err());
    let saved = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&saved).unwrap(), plan);
}
