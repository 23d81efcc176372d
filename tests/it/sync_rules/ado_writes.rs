//! What Azure DevOps really does with a write, and what becomes of it on both sides.

use crate::sync_rules::bench::{Bench, TAGS, TEXT, TITLE, bench};
use serde_json::json;

const REPRO: &str = "Microsoft.VSTS.TCM.ReproSteps";
const TYPE: &str = "System.WorkItemType";

fn ado_tags(t: &Bench, id: i64) -> Vec<String> {
    let text = t.string(id, TAGS);
    let tags = text.split(';').map(str::trim).filter(|tag| !tag.is_empty());
    let mut tags: Vec<String> = tags.map(str::to_lowercase).collect();
    tags.sort();
    tags
}

#[tokio::test]
async fn a_tag_removed_in_clickup_stays_removed() {
    for refuses_unset in [false, true] {
        let t = bench("").await;
        t.world
            .ado
            .quirks(|quirks| quirks.refuses_unset = refuses_unset);
        let (id, task) = t.linked("Task", &[(TAGS, json!("a; b; c"))]).await;
        t.clickup(&task, json!({"tags": ["a", "c"]}));
        t.cycle().await;
        assert_eq!(ado_tags(&t, id), ["a", "c"]);
        t.quiet().await;
        // All of them, and a first one again.
        t.clickup(&task, json!({"tags": []}));
        t.cycle().await;
        assert_eq!(ado_tags(&t, id), [""; 0]);
        t.quiet().await;
        t.clickup(&task, json!({"tags": ["d"]}));
        t.cycle().await;
        assert_eq!(ado_tags(&t, id), ["d"]);
        assert_eq!(t.tags(&task), ["d"]);
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_change_of_type_in_azure_devops_empties_no_task() {
    for shows_former in [true, false] {
        let t = bench("").await;
        t.world
            .ado
            .quirks(|quirks| quirks.shows_fields_of_former_type = shows_former);
        let (id, task) = t
            .linked("Bug", &[(REPRO, json!("<p>Press it twice</p>"))])
            .await;
        t.ado(id, TYPE, json!("User Story"));
        t.cycle().await;
        t.cycle().await;
        assert!(
            t.text(&task).contains("Press it twice"),
            "{}",
            t.text(&task)
        );
        assert!(
            t.string(id, TEXT).contains("Press it twice"),
            "{}",
            t.string(id, TEXT)
        );
        t.quiet().await;
        // An edit from then on is one of the new field, and clearing it is an edit.
        t.ado(id, TEXT, json!("<p>Other words</p>"));
        t.cycle().await;
        assert!(t.text(&task).contains("Other words"), "{}", t.text(&task));
        t.quiet().await;
        t.ado(id, TEXT, json!(""));
        t.cycle().await;
        assert!(!t.text(&task).contains("Other words"), "{}", t.text(&task));
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_text_edited_in_clickup_while_the_type_changed_goes_into_the_new_field() {
    let t = bench("").await;
    let (id, task) = t
        .linked("Bug", &[(REPRO, json!("<p>Press it twice</p>"))])
        .await;
    t.ado(id, TYPE, json!("User Story"));
    let text = t.text(&task).replace("twice", "thrice");
    t.clickup(&task, json!({ "markdown_content": text }));
    t.cycle().await;
    t.cycle().await;
    assert!(t.text(&task).contains("thrice"), "{}", t.text(&task));
    assert!(
        t.string(id, TEXT).contains("thrice"),
        "{}",
        t.string(id, TEXT)
    );
    t.quiet().await;
}

#[tokio::test]
async fn code_with_angle_brackets_survives_a_markdown_field() {
    let t = bench("").await;
    let id = t.create("Task", &[]);
    let markdown = json!({"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "Markdown"});
    let text = json!({"op": "add", "path": "/fields/System.Description", "value": "Some words"});
    let sent = t
        .world
        .ado
        .patch_as(id, &[markdown, text], "ada@contoso.example");
    sent.unwrap();
    t.cycle().await;
    t.quiet().await;
    let task = t.task_of(id).unwrap();
    let code = "```\nif (a<b) { say(\"x\" & y) }\n```\n\nlast paragraph";
    let longer = t
        .text(&task)
        .replace("Some words", &format!("Some words\n\n{code}"));
    t.clickup(&task, json!({ "markdown_content": longer }));
    t.cycle().await;
    let stored = t.string(id, TEXT);
    assert!(
        stored.contains("last paragraph") && !stored.contains('<'),
        "{stored}"
    );
    t.quiet().await;
    // What the service escaped reaches ClickUp as people wrote it.
    t.ado(id, TEXT, json!(stored.replace("Some words", "Other words")));
    t.cycle().await;
    let shown = t.text(&task);
    assert!(shown.contains("Other words"), "{shown}");
    assert!(shown.contains("if (a<b) { say(\"x\" & y) }"), "{shown}");
    t.quiet().await;
}

#[tokio::test]
async fn a_title_that_does_not_fit_is_held_whole_and_one_at_the_limit_arrives() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let long = format!("{}🚀", "x".repeat(254));
    t.clickup(&task, json!({ "name": long }));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Item");
    let holds = t.holds();
    let held = holds.iter().find(|hold| hold.reason().contains("256"));
    assert!(
        held.is_some_and(|hold| hold.reason().contains("255")),
        "{holds:?}"
    );
    let new = t.create_task(&json!({ "name": long }));
    t.cycle().await;
    assert_eq!(t.counts(), (1, 2), "a create that does not fit is not made");
    assert!(
        t.holds()
            .iter()
            .any(|hold| hold.item.as_ref().is_some_and(|item| item.as_str() == new))
    );
    let fits = format!("{}🚀", "x".repeat(253));
    t.clickup(&task, json!({ "name": fits }));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), fits);
}

#[tokio::test]
async fn characters_that_nobody_sees_hold_up_nothing() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.clickup(
        &task,
        json!({ "name": "one\u{1}\u{ffff} two", "markdown_content": "a\u{b}b \u{ffff}c" }),
    );
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "one two");
    assert!(
        t.string(id, TEXT).contains("a b c"),
        "{}",
        t.string(id, TEXT)
    );
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

#[tokio::test]
async fn nothing_more_is_created_where_a_new_item_does_not_show_its_marker() {
    let mut t = bench("").await;
    t.linked("Task", &[]).await;
    t.world.ado.quirks(|quirks| quirks.sees_relations = false);
    for name in ["one", "two", "three"] {
        t.create_task(&json!({ "name": name }));
    }
    t.cycle().await;
    assert_eq!(t.counts().0, 2, "one create, and none after it");
    let waits = |t: &Bench| {
        let holds = t.holds();
        holds
            .iter()
            .filter(|hold| hold.reason().contains("nothing more is created"))
            .count()
    };
    assert_eq!(waits(&t), 2, "{:?}", t.holds());
    // A restart does not forget it.
    t.open().await;
    t.sweep().await;
    assert_eq!(t.counts().0, 2);
    t.world.ado.quirks(|quirks| quirks.sees_relations = true);
    t.sweep().await;
    assert_eq!(t.counts().0, 4);
    assert_eq!(waits(&t), 0, "{:?}", t.holds());
    t.quiet().await;
}
