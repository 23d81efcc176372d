//! Sets: tags that both sides change at once, people beside the lead, and what belongs to the scope.

use crate::sync_rules::bench::*;
use boardsync::engine::apply::Stopped;
use boardsync::model::{FieldKey, Service};
use boardsync::sandbox::ado::CustomRule;
use boardsync::sandbox::world::World;
use boardsync::store::LinkState;
use serde_json::json;

fn tags_of(t: &Bench, id: i64) -> Vec<String> {
    let text = t.string(id, TAGS);
    let mut tags: Vec<String> = text
        .split(';')
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort();
    tags
}

#[tokio::test]
async fn tags_edited_on_both_sides_in_one_cycle_are_merged_one_by_one() {
    let t = bench("").await;
    let (id, task) = t
        .linked("Task", &[(TAGS, json!("keep; from ado; from clickup"))])
        .await;
    t.ado(id, TAGS, json!("keep; from clickup; Added in ADO; Both"));
    t.clickup(
        &task,
        json!({"tags": ["keep", "from ado", "added in clickup", "both"]}),
    );
    t.cycle().await;
    assert_eq!(
        t.tags(&task),
        ["added in ado", "added in clickup", "both", "keep"]
    );
    assert_eq!(
        tags_of(&t, id),
        ["Added in ADO", "Both", "added in clickup", "keep"]
    );
    assert!(t.conflicts().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn tags_that_change_case_on_both_sides_write_nothing() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("UX; Web"))]).await;
    t.ado(id, TAGS, json!("ux; WEB"));
    t.clickup(&task, json!({"tags": ["Ux", "weB"]}));
    t.quiet().await;
    assert_eq!((tags_of(&t, id).len(), t.tags(&task).len()), (2, 2));
}

#[tokio::test]
async fn a_tag_that_is_renamed_without_a_revision_arrives_with_the_next_sweep() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("beta; Web"))]).await;
    let (_, other) = t.linked("Task", &[(TAGS, json!("Web"))]).await;
    t.sweep().await;
    let before = t.field(id, "System.Rev");
    assert!(t.world.ado.rename_tag("Shop", "Beta", "Release 2"));
    assert_eq!(t.field(id, "System.Rev"), before);
    t.clickup(&task, json!({"tags": ["beta", "web", "added"]}));
    t.sweep().await;
    assert_eq!(t.tags(&task), ["added", "release 2", "web"]);
    assert_eq!(tags_of(&t, id), ["Release 2", "Web", "added"]);
    assert_eq!(t.tags(&other), ["web"]);
    assert!(t.world.ado.rename_tag("Shop", "web", "Site"));
    t.sweep().await;
    assert_eq!(t.tags(&task), ["added", "release 2", "site"]);
    assert_eq!(t.tags(&other), ["site"]);
    t.quiet().await;
}

#[tokio::test]
async fn a_tag_that_a_rule_puts_beside_those_of_a_create_goes_over() {
    let t = bench("").await;
    t.world.ado.add_rule(CustomRule::Sets {
        state: "New".to_owned(),
        field: TAGS.to_owned(),
        value: json!("one; from a rule"),
    });
    let task = t.create_task(&json!({"name": "Item", "tags": ["one", "two"]}));
    for _ in 0..3 {
        t.cycle().await;
    }
    let id = t.item_of(&task);
    assert_eq!(tags_of(&t, id), ["from a rule", "one", "two"]);
    assert_eq!(t.tags(&task), ["from a rule", "one", "two"]);
    t.quiet().await;
}

#[tokio::test]
async fn a_tag_that_azure_devops_cannot_hold_is_told_until_it_is_renamed() {
    let t = bench("").await;
    let task = t.create_task(&json!({"name": "New", "tags": ["one", "x;y"]}));
    let (id, other) = t.linked("Task", &[(TAGS, json!("one"))]).await;
    t.clickup(&other, json!({"tags": ["one", "a,b", "x;y"]}));
    for _ in 0..2 {
        t.cycle().await;
        t.sweep().await;
    }
    let reasons = |t: &Bench| {
        let mut reasons: Vec<String> = t.holds().into_iter().map(|hold| hold.reason()).collect();
        reasons.sort();
        reasons
    };
    let told = reasons(&t);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("`a,b`, `x;y` stay in ClickUp alone"),
        "{told:?}"
    );
    assert!(told[1].contains("`x;y` stays in ClickUp alone"), "{told:?}");
    t.quiet().await;
    t.clickup(&task, json!({"tags": ["one", "xy"]}));
    t.clickup(&other, json!({"tags": ["one", "ab", "xy"]}));
    t.cycle().await;
    assert_eq!(reasons(&t), [""; 0]);
    assert_eq!(tags_of(&t, t.item_of(&task)), ["one", "xy"]);
    assert_eq!(tags_of(&t, id), ["ab", "one", "xy"]);
}

#[tokio::test]
async fn one_side_clears_its_tags_while_the_other_adds_one() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("a; b"))]).await;
    t.ado(id, TAGS, json!(""));
    t.clickup(&task, json!({"tags": ["a", "b", "c"]}));
    t.cycle().await;
    assert_eq!(t.tags(&task), ["c"]);
    assert_eq!(tags_of(&t, id), ["c"]);
    t.quiet().await;
}

#[tokio::test]
async fn a_member_added_in_clickup_stays_while_the_lead_changes_in_azure_devops() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(PERSON, json!(ADA))]).await;
    assert_eq!(t.people(&task), [1002]);
    t.ado(id, PERSON, json!("grace@contoso.example"));
    t.clickup(&task, json!({"assignees": {"add": [1001], "rem": []}}));
    t.cycle().await;
    let mut people = t.people(&task);
    people.sort_unstable();
    assert_eq!(people, [1001, 1003]);
    assert_eq!(t.field(id, PERSON)["uniqueName"], "grace@contoso.example");
    assert!(t.conflicts().is_empty(), "nothing contradicts");
    t.quiet().await;
}

#[tokio::test]
async fn leads_changed_on_both_sides_are_a_conflict_that_azure_devops_wins() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(PERSON, json!(ADA))]).await;
    t.ado(id, PERSON, json!("grace@contoso.example"));
    t.clickup(&task, json!({"assignees": {"add": [1001], "rem": [1002]}}));
    t.cycle().await;
    assert_eq!(t.field(id, PERSON)["uniqueName"], "grace@contoso.example");
    assert!(t.people(&task).contains(&1003));
    let stored = t.conflicts();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].record.taken, Some(boardsync::model::Side::Ado));
    t.quiet().await;
}

/// The example pair with a condition that a person can step in and out of.
fn conditional() -> String {
    World::example_pair().replace(
        "ado.where = \"",
        "ado.where = \"[System.Title] NOT CONTAINS 'private' AND ",
    )
}

#[tokio::test]
async fn an_item_that_leaves_by_where_and_comes_back_makes_no_twin_and_loses_no_edit() {
    let t = bench_of(&conditional()).await;
    let (id, task) = t.linked("Task", &[(TITLE, json!("Open matter"))]).await;
    t.ado(id, TITLE, json!("private matter"));
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    assert_eq!(
        t.task(&task)["name"],
        "Open matter",
        "what is private stays there"
    );
    t.clickup(&task, json!({"priority": 1}));
    t.ado(id, STATE, json!("Active"));
    t.quiet().await;
    assert_eq!((t.status(&task).as_str(), t.counts()), ("to do", (1, 1)));
    t.ado(id, TITLE, json!("Open again"));
    t.cycle().await;
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::Active);
    assert_eq!(t.task(&task)["name"], "Open again");
    assert_eq!(t.status(&task), "in progress");
    assert_eq!(t.field(id, "Microsoft.VSTS.Common.Priority"), 1);
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

#[tokio::test]
async fn a_new_item_outside_of_where_is_made_once_when_it_comes_in() {
    let t = bench_of(&conditional()).await;
    let id = t.create("Task", &[(TITLE, json!("private plan"))]);
    t.cycle().await;
    t.quiet().await;
    assert_eq!(t.counts(), (1, 0));
    t.ado(id, TITLE, json!("Public plan"));
    t.cycle().await;
    t.sweep().await;
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

#[tokio::test]
async fn both_halves_with_markers_are_linked_again_after_a_lost_database() {
    for key_too in [false, true] {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[(TEXT, json!("<p>Words</p>"))]).await;
        // The first real change from ClickUp brings the work item its own marker.
        t.clickup(&task, json!({"priority": 1}));
        t.cycle().await;
        t.quiet().await;
        let relations = format!("{:?}", t.world.ado.item(id).unwrap().relations);
        assert!(relations.contains("sx1:"), "{relations}");
        // And one pair of which only the made half has one.
        let (single, of_single) = t.linked("Bug", &[(TITLE, json!("Single"))]).await;
        t.instance = None;
        let mut names = vec!["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"];
        if key_too {
            names.push("boardsync.db.key");
            assert!(t.folder.path().join("boardsync.db.key").exists());
        }
        for name in names {
            let _ = std::fs::remove_file(t.folder.path().join(name));
        }
        t.open().await;
        t.world.ledger.clear();
        if key_too {
            // Nothing tells this one from a second installation: it stands still until a person says that it is none.
            let (_, report) = t.run(false).await;
            assert!(
                matches!(report.stopped.as_slice(), [(_, Stopped::Taken(_))]),
                "{:?}",
                report.stopped
            );
            t.take_over().await;
        }
        for full in [false, false, true] {
            t.run(full).await;
        }
        assert_eq!(t.counts(), (2, 2), "key lost: {key_too}: no twin");
        assert!(
            t.world.ledger.writes().is_empty(),
            "{:#?}",
            t.world.ledger.writes()
        );
        // An edit makes every half appear in a listing on its own.
        t.ado(single, TITLE, json!("Single, edited"));
        t.cycle().await;
        t.ado(id, TITLE, json!("Edited"));
        t.cycle().await;
        assert_eq!(
            t.counts(),
            (2, 2),
            "key lost: {key_too}: no twin after an edit"
        );
        if key_too {
            // Without the key nobody can tell a marker from a copied one, so a person is asked.
            assert_eq!((t.task_of(id), t.task_of(single)), (None, None));
            let holds = t.holds();
            assert!(
                holds.iter().any(|hold| hold.reason().contains("marker")),
                "{holds:?}"
            );
        } else {
            assert_eq!(
                (t.task_of(id), t.task_of(single)),
                (Some(task), Some(of_single))
            );
        }
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_pair_under_another_name_does_not_make_its_items_again() {
    let mut t = bench("").await;
    let (id, _) = t
        .linked("Task", &[(TITLE, json!("Made for ClickUp"))])
        .await;
    let task = t.create_task(&json!({"name": "Made for Azure DevOps"}));
    t.cycle().await;
    t.quiet().await;
    let text = std::fs::read_to_string(&t.path).unwrap();
    std::fs::write(&t.path, text.replace("name = \"web\"", "name = \"shop\"")).unwrap();
    t.open().await;
    t.quiet().await;
    t.ado(id, TITLE, json!("Edited"));
    t.clickup(&task, json!({"name": "Edited too"}));
    t.quiet().await;
    assert_eq!(t.counts(), (2, 2), "no twin");
    let holds = t.holds();
    assert!(
        holds.iter().any(|hold| hold.reason().contains("pair web")),
        "{holds:?}"
    );
}

#[tokio::test]
async fn more_tags_than_azure_devops_takes_are_held_and_the_rest_flows() {
    let t = bench("").await;
    let tags: Vec<String> = (0..101).map(|n| format!("tag{n:03}")).collect();
    let task = t.create_task(&json!({ "name": "Many tags", "priority": 2, "tags": tags }));
    t.sweep().await;
    let id = t.item_of(&task);
    assert_eq!(t.string(id, "System.Title"), "Many tags");
    assert_eq!(t.field(id, "Microsoft.VSTS.Common.Priority"), 2);
    let holds = t.engine().store().holds(None).unwrap();
    let held = holds.iter().find(|hold| hold.subject == FieldKey::Tags);
    let reason = held.expect("the tags are held").reason();
    assert!(reason.contains("101 tags"), "{reason}");
    let sent = t.world.ledger.entries();
    let over = sent.iter().filter(|entry| entry.service == Service::Ado);
    assert!(over.clone().count() > 0);
    assert!(
        over.into_iter().all(|entry| !entry.body.contains("tag100")),
        "sent all the same"
    );
}
