//! Fields that flow one way for a while: what is edited against the direction is no agreement, and nothing of it is lost.

use crate::sync_rules::bench::*;
use serde_json::json;

fn one_way(field: &str, direction: &str) -> String {
    format!(
        "[[pair.field]]\nclickup = \"{field}\"\ndirection = \"{direction}\"\nconflict = \"ado\"\n"
    )
}

impl Bench {
    /// The configuration lets the field flow both ways from here on.
    async fn both_ways(&mut self) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let text = text.replace("\"to_ado\"", "\"both\"");
        std::fs::write(&self.path, text.replace("\"to_clickup\"", "\"both\"")).unwrap();
        self.open().await;
    }
}

#[tokio::test]
async fn what_was_edited_against_the_direction_flows_once_it_may() {
    let mut t = bench(&one_way("title", "to_clickup")).await;
    let (id, task) = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.clickup(&task, json!({"name": "Theirs"}));
    t.cycle().await;
    t.quiet().await;
    assert_eq!(t.string(id, TITLE), "Item");
    t.both_ways().await;
    t.sweep().await;
    assert_eq!(t.string(id, TITLE), "Theirs");
    t.quiet().await;
    assert_eq!(t.conflicts().len(), 0);
}

#[tokio::test]
async fn what_the_source_overwrites_stands_in_the_conflict_log() {
    let t = bench(&one_way("title", "to_clickup")).await;
    let (id, task) = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.clickup(&task, json!({"name": "Theirs"}));
    t.cycle().await;
    t.ado(id, TITLE, json!("Ours"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Ours");
    let conflicts = t.conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].record.now.clickup.to_string(), "Theirs");
    t.quiet().await;
}

#[tokio::test]
async fn a_merge_written_to_one_side_leaves_the_words_of_that_side_to_flow() {
    let mut t = bench(&one_way("description", "to_clickup")).await;
    let text = json!("<p>one</p><p>two</p><p>three</p>");
    let (id, task) = t.linked("Task", &[(TEXT, text)]).await;
    t.clickup(
        &task,
        json!({"markdown_content": "one\n\ntwo\n\nthree by Bo"}),
    );
    t.ado(id, TEXT, json!("<p>one by Ada</p><p>two</p><p>three</p>"));
    t.cycle().await;
    let both = |text: &str| text.contains("one by Ada") && text.contains("three by Bo");
    assert!(both(&t.text(&task)), "{}", t.text(&task));
    assert!(!both(&t.string(id, TEXT)));
    t.quiet().await;
    t.both_ways().await;
    t.sweep().await;
    assert!(both(&t.string(id, TEXT)), "{}", t.string(id, TEXT));
    t.quiet().await;
    assert_eq!(t.conflicts().len(), 0);
}

#[tokio::test]
async fn what_a_create_left_out_by_direction_flows_once_it_may() {
    let fields = one_way("status", "to_ado") + &one_way("tags", "to_ado");
    let mut t = bench(&fields).await;
    let start = [(STATE, json!("Active")), (TAGS, json!("UX"))];
    let (id, task) = t.linked("User Story", &start).await;
    assert_eq!(
        (t.status(&task), t.tags(&task)),
        ("to do".to_owned(), vec![])
    );
    assert_eq!(t.string(id, STATE), "Active");
    t.both_ways().await;
    t.sweep().await;
    assert_eq!(t.status(&task), "in progress");
    assert_eq!(t.tags(&task), ["ux"]);
    t.quiet().await;
    assert_eq!(t.conflicts().len(), 0);
}

#[tokio::test]
async fn a_choice_against_the_direction_is_refused_and_says_what_works() {
    let line = one_way("title", "to_clickup").replace("\"ado\"", "\"hold\"");
    let mut t = bench(&line).await;
    let (id, task) = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.clickup(&task, json!({"name": "Theirs"}));
    t.ado(id, TITLE, json!("Ours"));
    t.cycle().await;
    let (code, said) = t
        .command(&["conflicts", "resolve", "1", "--take", "clickup"])
        .await;
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("title is not written to ADO"), "{said}");
    assert!(said.contains("--take ado"), "{said}");
    t.take("ado").await;
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Ours");
    t.quiet().await;
}
