//! Titles and long texts.

use crate::sync_rules::bench::*;
use boardsync::model::{FieldKey, Service, Side};
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::store::HoldRow;
use serde_json::json;

const TWO: &str = "<p>First words here.</p><p>Second words here.</p>";

#[tokio::test]
async fn edits_of_different_fields_survive_on_both_sides() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    t.ado(id, TITLE, json!("New title"));
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("Second", "Another")}),
    );
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "New title");
    assert_eq!(t.string(id, TITLE), "New title");
    assert!(t.string(id, TEXT).contains("Another words"));
    assert!(t.text(&task).contains("Another words"));
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn edits_of_different_paragraphs_are_merged() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    t.ado(
        id,
        TEXT,
        json!(t.string(id, TEXT).replace("First", "Ada's")),
    );
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("Second", "Bo's")}),
    );
    t.cycle().await;
    for text in [t.string(id, TEXT), t.text(&task)] {
        assert!(
            text.contains("Ada's words") && text.contains("Bo's words"),
            "{text}"
        );
    }
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

/// The merged text stands on what both sides held. Where the first write fails, somebody may have been faster there.
#[tokio::test]
async fn half_a_merge_that_failed_keeps_the_other_half_back() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    let mine = t.string(id, TEXT).replace("First", "Ada's");
    t.ado(id, TEXT, json!(mine));
    let theirs = t.text(&task).replace("Second", "Bo's");
    t.clickup(&task, json!({ "markdown_content": theirs }));
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("PUT".to_owned()),
        path_contains: format!("/task/{task}"),
        fault: Fault::Status {
            status: 500,
            body: "{}".to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: u32::MAX,
    });
    t.world.ledger.clear();
    t.cycle().await;
    let writes = t.world.ledger.writes();
    assert!(!writes.is_empty());
    assert!(
        writes.iter().all(|entry| entry.service == Service::ClickUp),
        "{writes:#?}"
    );
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    for text in [t.string(id, TEXT), t.text(&task)] {
        assert!(text.contains("Ada's words") && text.contains("Bo's words"));
    }
    t.quiet().await;
}

/// ClickUp takes the new title and refuses its half of the merged text. The work item's half goes on, and what it got from
/// ClickUp's text is then no reason to take the task's own for settled.
#[tokio::test]
async fn half_a_merge_that_was_refused_beside_another_field_is_still_owed() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    let mine = t.string(id, TEXT).replace("First", "Ada's");
    t.ado(id, TEXT, json!(mine));
    t.ado(id, TITLE, json!("New title"));
    let theirs = t.text(&task).replace("Second", "Bo's");
    t.clickup(&task, json!({ "markdown_content": theirs }));
    // The whole is refused, then the title alone is taken, then the text is refused again.
    for (skip, times) in [(0, 1), (1, u32::MAX)] {
        t.world.faults.add(FaultRule {
            service: Service::ClickUp,
            method: Some("PUT".to_owned()),
            path_contains: format!("/task/{task}"),
            fault: Fault::Status {
                status: 400,
                body: r#"{"err":"Content invalid","ECODE":"INPUT_003"}"#.to_owned(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
            skip,
            times,
        });
    }
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "New title");
    assert!(!t.text(&task).contains("Ada's"), "its half was refused");
    let holds = t.holds();
    let held = |hold: &HoldRow| hold.subject == FieldKey::Description;
    assert!(holds.iter().any(held), "{holds:#?}");
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    for text in [t.string(id, TEXT), t.text(&task)] {
        assert!(
            text.contains("Ada's words") && text.contains("Bo's words"),
            "{text}"
        );
    }
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn the_same_paragraph_on_both_sides_goes_to_ado_and_keeps_both_values() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    t.ado(
        id,
        TEXT,
        json!(t.string(id, TEXT).replace("First words", "Ada's phrase")),
    );
    t.clickup(&task, json!({"markdown_content": t.text(&task).replace("First words", "Bo's saying"), "priority": 1}));
    t.cycle().await;
    assert!(t.text(&task).contains("Ada's phrase"));
    assert!(t.string(id, TEXT).contains("Ada's phrase"));
    assert_eq!(
        t.field(id, "Microsoft.VSTS.Common.Priority"),
        1,
        "other fields flow"
    );
    let stored = t.conflicts();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].record.field, FieldKey::Description);
    assert_eq!(stored[0].record.taken, Some(Side::Ado));
    assert!(
        stored[0]
            .record
            .raw
            .ado
            .as_ref()
            .unwrap()
            .contains("Ada's phrase")
    );
    assert!(
        stored[0]
            .record
            .raw
            .clickup
            .as_ref()
            .unwrap()
            .contains("Bo's saying")
    );
    t.quiet().await;
    assert_eq!(t.conflicts().len(), 1);
}

#[tokio::test]
async fn a_held_conflict_writes_nothing_until_a_person_chooses() {
    let mut t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.ado(id, TITLE, json!("Ada's"));
    t.clickup(&task, json!({"name": "Bo's", "priority": 1}));
    t.cycle().await;
    assert_eq!(
        (
            t.string(id, TITLE).as_str(),
            t.task(&task)["name"].as_str().unwrap()
        ),
        ("Ada's", "Bo's")
    );
    assert_eq!(
        t.field(id, "Microsoft.VSTS.Common.Priority"),
        1,
        "other fields flow"
    );
    t.quiet().await;
    let stored = t.conflicts();
    assert_eq!(stored.len(), 1, "one row however often it is seen");
    assert!(stored[0].resolved_at.is_none());
    t.clickup(&task, json!({"priority": 2}));
    t.cycle().await;
    assert_eq!(
        t.field(id, "Microsoft.VSTS.Common.Priority"),
        2,
        "other fields flow while it is open"
    );
    t.take("clickup").await;
    t.cycle().await;
    assert_eq!(
        (
            t.string(id, TITLE).as_str(),
            t.task(&task)["name"].as_str().unwrap()
        ),
        ("Bo's", "Bo's")
    );
    t.quiet().await;
    assert!(t.conflicts()[0].resolved_at.is_some());
}

#[tokio::test]
async fn html_that_the_server_rewrote_is_no_edit() {
    let t = bench("").await;
    let html = "<div><b>Bold</b> &amp; <i>thin</i><br>line</div><ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>";
    let (id, _) = t.linked("Task", &[(TEXT, json!(html))]).await;
    t.ado(id, TEXT, json!("<DIV><STRONG>Bold</STRONG> &amp; <em>thin</em><br/>line</DIV><ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"));
    t.quiet().await;
}

#[tokio::test]
async fn markdown_that_clickup_rendered_anew_is_no_edit() {
    for markdown in [
        "* one\n* two\n    * three\n\n1. a\n2. b",
        "Some *thin* and __bold__ and snake_case_name words.",
        "See [the page](https://example.com/a_b?c=d) or `x = 1`.\n\n```\ncode *stays*\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "# Heading\n\n> quoted\n\n---\n\nlast",
        "- [ ] open\n- [x] done",
    ] {
        let t = bench("").await;
        let task = t.create_task(&json!({"name": "Text", "markdown_content": markdown}));
        t.cycle().await;
        let id = t.item_of(&task);
        assert!(!t.string(id, TEXT).is_empty());
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_table_and_an_image_elsewhere_keep_their_bytes() {
    let t = bench("").await;
    let html = "<p>First words.</p><table border=\"1\"><tr><td>a</td><td>b</td></tr></table><p><img src=\"https://example.com/x.png\" width=\"40\"></p><p>Last words.</p>";
    let (id, task) = t.linked("Task", &[(TEXT, json!(html))]).await;
    let stored = t.string(id, TEXT);
    let table = &stored[stored.find("<table").unwrap()..stored.find("<p>Last").unwrap()];
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("First words", "Other words")}),
    );
    t.cycle().await;
    let now = t.string(id, TEXT);
    assert!(now.contains("Other words"), "{now}");
    assert!(now.contains(table), "{now}");
    t.quiet().await;
}

#[tokio::test]
async fn the_text_of_a_bug_is_its_repro_steps() {
    let t = bench("").await;
    const REPRO: &str = "Microsoft.VSTS.TCM.ReproSteps";
    let (id, task) = t
        .linked(
            "Bug",
            &[(REPRO, json!("<ol><li>Open</li><li>Tap</li></ol>"))],
        )
        .await;
    assert!(t.text(&task).contains("Open"), "{}", t.text(&task));
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("Tap", "Press")}),
    );
    t.cycle().await;
    assert!(t.string(id, REPRO).contains("Press"));
    assert_eq!(t.string(id, TEXT), "");
    t.quiet().await;
}

#[tokio::test]
async fn a_markdown_description_stays_markdown() {
    let t = bench("").await;
    let id = t.create("Task", &[]);
    t.world
        .ado
        .patch_as(
            id,
            &[
                json!({"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "Markdown"}),
                json!({"op": "add", "path": "/fields/System.Description", "value": "Some *thin* words\n\n- a\n- b"}),
            ],
            ADA,
        )
        .unwrap();
    t.cycle().await;
    t.quiet().await;
    let task = t.task_of(id).unwrap();
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("words", "letters")}),
    );
    t.cycle().await;
    let text = t.string(id, TEXT);
    assert!(text.contains("letters") && !text.contains('<'), "{text}");
    let formats = t.world.ado.item(id).unwrap().formats;
    assert_eq!(formats[TEXT].to_lowercase(), "markdown");
    t.quiet().await;
}

#[tokio::test]
async fn a_cleared_text_is_cleared_on_the_other_side() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(TWO))]).await;
    t.ado(id, TEXT, json!(""));
    t.cycle().await;
    assert!(!t.text(&task).contains("words"), "{}", t.text(&task));
    t.quiet().await;
}

const LOSSY: &str = r##"<p>See <a href="/org/P/_workitems/edit/5">#5</a> and <a href="#six">#6</a>.</p><ul><li>ask <a href="#bo">Bo</a></li><li>wait</li></ul><p>Second words.</p>"##;

/// The first paragraph as ADO has it, byte for byte.
fn first(text: &str) -> &str {
    text.split("</p>").next().unwrap()
}

#[tokio::test]
async fn an_edit_in_clickup_leaves_what_it_dropped_elsewhere_alone_in_ado() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(LOSSY))]).await;
    let before = t.string(id, TEXT);
    let shown = t.text(&task);
    assert!(
        !shown.contains("six"),
        "it leads nowhere from there: {shown}"
    );
    assert!(
        shown.contains("/org/P/_workitems/edit/5"),
        "written with its host: {shown}"
    );
    t.clickup(
        &task,
        json!({"markdown_content": shown.replace("Second", "Another").replace("wait", "hurry")}),
    );
    t.cycle().await;
    let after = t.string(id, TEXT);
    assert_eq!(first(&after), first(&before));
    for kept in ["Another words", "hurry", "href=\"#bo\"", "href=\"#six\""] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn an_edit_in_ado_does_not_rewrite_what_clickup_shows_of_the_rest() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(LOSSY))]).await;
    let before = t.text(&task);
    t.ado(
        id,
        TEXT,
        json!(t.string(id, TEXT).replace("Second", "Another")),
    );
    t.cycle().await;
    assert_eq!(t.text(&task), before.replace("Second", "Another"));
    t.quiet().await;
}

#[tokio::test]
async fn edits_on_both_sides_leave_what_clickup_dropped_alone() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(LOSSY))]).await;
    let before = t.string(id, TEXT);
    t.ado(id, TEXT, json!(before.replace("Second", "Ada's")));
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("wait", "hurry")}),
    );
    t.cycle().await;
    let after = t.string(id, TEXT);
    assert_eq!(first(&after), first(&before));
    for text in [&after, &t.text(&task)] {
        assert!(
            text.contains("Ada's words") && text.contains("hurry"),
            "{text}"
        );
    }
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn a_link_whose_words_survive_an_edit_of_its_paragraph_keeps_its_target() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(LOSSY))]).await;
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("#6.", "#6 before Friday.")}),
    );
    t.cycle().await;
    let after = t.string(id, TEXT);
    assert!(after.contains("before Friday"), "{after}");
    assert!(after.contains("href=\"#six\""), "{after}");
    t.quiet().await;
}
