//! What `log` and `history` tell.

use super::super::deeds::{ChangeView, DeedView, RunView, Tally, Told, runs};
use super::{fixture, rich};
use crate::model::{ActionId, FieldKey, FieldValue, LinkId, Side, Timestamp};
use crate::reason::{Cause, JournalKind, Outcome, RunEnd};
use crate::render::Style;
use unicode_width::UnicodeWidthStr;

fn change(key: FieldKey, before: Option<FieldValue>, after: FieldValue) -> ChangeView {
    let reason = before
        .is_some()
        .then(|| "changed in Azure DevOps".to_owned());
    ChangeView {
        subject: (&key).into(),
        before,
        after: Some(after),
        reason,
    }
}

fn deed(n: i64, kind: JournalKind, outcome: Outcome) -> DeedView {
    DeedView {
        at: Timestamp(1_764_338_710_000 + n),
        run: "c1764338710000".to_owned(),
        action: ActionId(format!("5f0c11d2a7b8e9{n:02x}")),
        link: Some(LinkId(n)),
        pair: "web".into(),
        side: Side::ClickUp,
        item: Some(format!("86d{n}").as_str().into()),
        counterpart: Some(n.to_string().as_str().into()),
        title: Some("登录失败：在 Safari 18 上无法登录 🚀 and a few words more".to_owned()),
        kind,
        outcome,
        detail: String::new(),
        changes: Vec::new(),
    }
}

fn run(deeds: Vec<DeedView>) -> RunView {
    let whole = Tally::of(&deeds);
    RunView {
        whole,
        undone_by: None,
        run: "c1764338710000".to_owned(),
        at: Timestamp(1_764_338_710_000),
        ended_at: Some(Timestamp(1_764_338_712_000)),
        cause: Some(Cause::Cycle),
        outcome: Some(RunEnd::Done),
        detail: None,
        deeds,
    }
}

fn three() -> RunView {
    let text = "Open the page of the basket and wait until the price is there, then press the button and see what happens.";
    let mut updated = deed(1, JournalKind::Update, Outcome::Done);
    updated.changes = vec![
        change(
            FieldKey::Title,
            Some(FieldValue::text("Login fails")),
            FieldValue::text("Login fails on Safari 18"),
        ),
        change(
            FieldKey::Description,
            Some(rich(text)),
            rich(&text.replace("the button", "Return twice")),
        ),
        change(
            FieldKey::Tags,
            Some(FieldValue::tags(["web"])),
            FieldValue::tags(["web", "导出"]),
        ),
    ];
    let mut created = deed(2, JournalKind::Create, Outcome::Done);
    created.changes = vec![
        change(FieldKey::Title, None, FieldValue::text("Export as CSV")),
        change(
            FieldKey::Assignees,
            None,
            fixture::people(&["ana@contoso.com"]),
        ),
    ];
    let mut failed = deed(3, JournalKind::Update, Outcome::Failed);
    failed.detail = "ClickUp answered 403: you have no right to edit this task".to_owned();
    run(vec![updated, created, failed])
}

fn in_columns(views: &[RunView], width: usize, all: bool) -> String {
    let style = Style {
        colour: false,
        width,
        ..Style::default()
    };
    let told = Told {
        program: "boardsync",
        time: &|_| "2025-11-28 16:05:10 +02:00 (14:05:10 UTC)".to_owned(),
        all,
    };
    runs(views, &told, &style)
}

#[test]
fn a_log_in_60_100_and_200_columns() {
    let nothing = RunView {
        outcome: Some(RunEnd::Stopped),
        detail: Some("web: 4 deletes in ClickUp, 3 allowed".to_owned()),
        ..run(Vec::new())
    };
    for width in [60, 100, 200] {
        let shown = in_columns(&[three(), nothing.clone()], width, false);
        for line in shown.lines() {
            assert!(line.width() <= width, "{width}: {line}");
        }
        insta::assert_snapshot!(format!("a_log_in_{width}_columns"), shown);
    }
}

#[test]
fn a_long_run_is_cut_with_a_count_and_the_command_that_shows_all() {
    let deeds = (1..=300).map(|n| deed(n, JournalKind::Update, Outcome::Done));
    let view = run(deeds.collect());
    let shown = in_columns(std::slice::from_ref(&view), 80, false);
    assert_eq!(shown.matches("updated ClickUp").count(), 20);
    let more = "... and 280 actions more (all of them: boardsync log c1764338710000)";
    assert!(shown.contains(more), "{shown}");
    assert!(shown.contains("cycle: 300 actions done"), "{shown}");
    assert_eq!(
        in_columns(&[view], 80, true)
            .matches("updated ClickUp")
            .count(),
        300
    );
}

#[test]
fn a_log_says_what_was_written_and_not_what_was_meant_to_be() {
    for (outcome, word) in [
        (Outcome::Done, "updated ClickUp 86d1"),
        (Outcome::Failed, "update failed of ClickUp 86d1"),
        (
            Outcome::Sent,
            "update sent, answer not recorded, of ClickUp 86d1",
        ),
    ] {
        let shown = in_columns(
            &[run(vec![deed(1, JournalKind::Update, outcome)])],
            100,
            false,
        );
        assert!(shown.contains(word), "{shown}");
        assert_eq!(
            shown.contains("to take it back"),
            outcome == Outcome::Done,
            "{shown}"
        );
    }
}

#[test]
fn times_in_the_json_of_a_log_are_rfc_3339_in_utc_and_values_are_text() {
    let json = serde_json::to_value(three()).unwrap();
    assert_eq!(json["at"], "2025-11-28T14:05:10.000Z");
    assert_eq!(json["ended_at"], "2025-11-28T14:05:12.000Z");
    let change = &json["deeds"][0]["changes"][0];
    assert_eq!(change["field"], "title");
    assert_eq!(change["before"], "Login fails");
    assert_eq!(json["deeds"][0]["outcome"], "done");
    assert_eq!(
        json["deeds"][1]["changes"][0]["before"],
        serde_json::Value::Null
    );
}

#[test]
fn of_a_part_of_a_run_it_is_said_what_the_undo_of_the_whole_is_about() {
    let deeds = (1..=5).map(|n| deed(n, JournalKind::Update, Outcome::Done));
    let mut view = run(deeds.collect());
    let whole = in_columns(std::slice::from_ref(&view), 100, false);
    assert!(whole.contains("cycle: 5 actions done\n"), "{whole}");
    assert!(whole.contains("  to take it back: "), "{whole}");

    view.deeds.truncate(1);
    let part = in_columns(&[view], 100, false);
    assert!(
        part.contains("cycle: 1 action done, 5 in the whole run\n"),
        "{part}"
    );
    assert!(
        part.contains("  to take all 5 actions of the run back: "),
        "{part}"
    );
}

#[test]
fn of_a_run_without_anything_of_the_item_the_counts_do_not_contradict_each_other() {
    let mut view = run(vec![
        deed(1, JournalKind::Update, Outcome::Done),
        deed(2, JournalKind::Update, Outcome::Lost),
    ]);
    view.deeds.remove(0);
    let shown = in_columns(&[view], 100, false);
    let words = "cycle: nothing of this written, 1 action done in the whole run, 1 not done\n";
    assert!(shown.contains(words), "{shown}");
}

#[test]
fn what_takes_creates_back_is_named_with_the_option_that_deletes() {
    let made = (1..=2).map(|n| deed(n, JournalKind::Create, Outcome::Done));
    let made = run(made.collect());
    let shown = in_columns(std::slice::from_ref(&made), 100, false);
    let command = "boardsync undo c1764338710000 --delete-created";
    assert!(shown.contains(command), "{shown}");
    let mut deeds = made.deeds;
    deeds.push(deed(3, JournalKind::Update, Outcome::Done));
    let shown = in_columns(&[run(deeds)], 100, false);
    let plain = "to take it back: boardsync undo c1764338710000\n";
    assert!(shown.contains(plain), "{shown}");
    let stays = "what it created stays, unless --delete-created is added";
    assert!(shown.contains(stays), "{shown}");
}

#[test]
fn a_run_that_was_taken_back_is_not_offered_for_that_again() {
    let mut view = run(vec![deed(1, JournalKind::Update, Outcome::Done)]);
    view.undone_by = Some("u1764338799000".to_owned());
    let shown = in_columns(&[view], 100, false);
    assert!(shown.contains("boardsync log u1764338799000"), "{shown}");
    assert!(!shown.contains("boardsync undo"), "{shown}");
}

#[test]
fn a_write_without_an_answer_is_not_called_undone() {
    let mut lost = deed(1, JournalKind::Update, Outcome::Failed);
    lost.changes = vec![change(
        FieldKey::Title,
        Some(FieldValue::text("A")),
        FieldValue::text("B"),
    )];
    let refused = deed(2, JournalKind::Update, Outcome::Failed);
    let alone = in_columns(&[run(vec![lost.clone()])], 100, false);
    assert!(alone.contains("cycle: 1 without an answer\n"), "{alone}");
    let both = in_columns(&[run(vec![lost, refused])], 100, false);
    let counts = "cycle: 1 not done, 1 without an answer\n";
    assert!(both.contains(counts), "{both}");
}

#[test]
fn a_run_that_deleted_a_task_says_that_a_person_has_to_restore_it() {
    let said = "restore it there";
    let on = |side: Side| {
        let mut deleted = deed(1, JournalKind::Delete, Outcome::Done);
        deleted.side = side;
        in_columns(&[run(vec![deleted])], 200, false)
    };
    assert!(on(Side::ClickUp).contains(said));
    assert!(!on(Side::Ado).contains(said), "an undo restores work items");
    let mut failed = deed(1, JournalKind::Delete, Outcome::Failed);
    failed.side = Side::ClickUp;
    assert!(!in_columns(&[run(vec![failed])], 200, false).contains(said));
}

#[test]
fn a_run_that_an_error_ended_says_so_with_the_error() {
    let failed = RunView {
        outcome: Some(RunEnd::Failed),
        detail: Some("web: waits for its first yes\nClickUp cannot be reached".to_owned()),
        ..run(Vec::new())
    };
    let text = in_columns(&[failed], 100, false);
    assert!(
        text.contains("nothing written, ended by an error\n"),
        "{text}"
    );
    let said = "  web: waits for its first yes\n  ClickUp cannot be reached\n";
    assert!(text.contains(said), "{text}");
}
