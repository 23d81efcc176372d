//! `undo` between people's edits: only what boardsync wrote and nobody typed again goes back, and nothing stays apart in
//! silence.

use crate::sync_rules::bench::*;
use boardsync::model::{ItemId, Service, Side};
use boardsync::reason::Outcome;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::World;
use serde_json::{Value, json};

/// The newest run that wrote something.
pub async fn last_run(t: &mut Bench) -> String {
    let said = t.command(&["undo", "--json"]).await.1;
    let runs: Value = serde_json::from_str(&said).unwrap();
    runs["runs"][0]["run"].as_str().unwrap().to_owned()
}

async fn undo(t: &mut Bench, what: &str) -> (i32, String) {
    t.command(&["undo", what, "--yes"]).await
}

fn rename(t: &Bench, side: Side, (id, task): &(i64, String), title: &str) {
    match side {
        Side::Ado => t.ado(*id, TITLE, json!(title)),
        Side::ClickUp => t.clickup(task, json!({"name": title})),
    }
}

fn titles(t: &Bench, (id, task): &(i64, String)) -> (String, String) {
    let name = t.task(task)["name"].as_str().unwrap().to_owned();
    (t.string(*id, TITLE), name)
}

/// A tag that somebody adds beside what an undo left apart goes over, and the conflict follows it, so that it can be settled.
#[tokio::test]
async fn a_conflict_that_an_undo_left_can_be_settled_after_an_edit_beside_it() {
    for side in Side::BOTH {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        t.ado(id, TAGS, json!("alpha; beta"));
        t.cycle().await;
        let (_, said) = undo(&mut t, &id.to_string()).await;
        assert!(t.tags(&task).is_empty(), "{said}");
        t.cycle().await;
        assert_eq!(t.open_conflicts(), 1);
        match side {
            Side::Ado => t.ado(id, TAGS, json!("alpha; beta; gamma")),
            Side::ClickUp => t.clickup(&task, json!({"tags": ["gamma"]})),
        }
        t.cycle().await;
        assert_eq!(t.tags(&task), ["gamma"], "{side}");
        assert_eq!(t.open_conflicts(), 1, "{side}");
        t.quiet().await;
        let open = t
            .conflicts()
            .into_iter()
            .find(|one| one.resolved_at.is_none());
        let number = open.unwrap().id.to_string();
        let choice = ["conflicts", "resolve", &number, "--take", "ado"];
        let (code, said) = t.command(&choice).await;
        assert_eq!(code, 0, "{side}: {said}");
        t.cycle().await;
        assert_eq!(t.tags(&task), ["alpha", "beta", "gamma"], "{side}");
        assert_eq!(t.open_conflicts(), 0, "{side}");
        t.quiet().await;
    }
}

/// What a created work item filled in by itself was in step with the empty task. Brought back from the bin it still is, and an
/// edit made meanwhile goes over.
#[tokio::test]
async fn an_undo_of_an_undo_goes_on_from_what_both_had_agreed_on() {
    let mut t = bench("").await;
    let task = t.create_task(&json!({"name": "Item"}));
    t.cycle().await;
    let id = t.item_of(&task);
    let run = last_run(&mut t).await;
    let removed = ["undo", &run, "--delete-created", "--yes"];
    let (code, said) = t.command(&removed).await;
    assert_eq!((code, t.counts()), (0, (0, 1)), "{said}");
    let run = last_run(&mut t).await;
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!((code, t.counts()), (0, (1, 1)), "{said}");
    t.clickup(&task, json!({"name": "Edited"}));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Edited");
    assert_eq!(t.task(&task)["priority"], Value::Null, "nobody set one");
    t.quiet().await;
}

/// A tag decides whether a work item belongs to the pair, and nothing but a listing tells, which may be late. So an undo does
/// not write to one that was changed a moment ago and whose task is gone: somebody may have moved it to another team.
#[tokio::test]
async fn an_undo_leaves_what_may_have_left_the_pair_a_moment_ago() {
    let pair = World::example_pair();
    let pair = pair.replace(
        "ado.where = \"",
        "ado.where = \"[System.Tags] CONTAINS 'web' AND ",
    );
    let mut t = bench_of(&pair).await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("web"))]).await;
    t.clickup(&task, json!({"name": "Renamed"}));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Renamed");
    let run = last_run(&mut t).await;
    t.world.clickup.delete(&task).unwrap();
    t.ado(id, TAGS, json!(""));
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!(t.string(id, TITLE), "Renamed", "{code} {said}");
    assert!(
        said.contains("it was changed a moment ago"),
        "{code} {said}"
    );
}

#[tokio::test]
async fn an_edit_that_waits_on_the_other_side_flows_after_an_undo() {
    for side in Side::BOTH {
        for by_item in [false, true] {
            let mut t = bench("").await;
            let pair = t.linked("Task", &[]).await;
            rename(&t, side, &pair, "v2");
            t.cycle().await;
            let what = match by_item {
                true => pair.0.to_string(),
                false => last_run(&mut t).await,
            };
            rename(&t, side, &pair, "v3");
            let (code, said) = undo(&mut t, &what).await;
            assert_eq!(code, 3, "{said}");
            assert!(said.contains("next cycle"), "{said}");
            t.sweep().await;
            assert_eq!(
                titles(&t, &pair),
                ("v3".into(), "v3".into()),
                "{side} {by_item}"
            );
            rename(&t, side.other(), &pair, "v4");
            t.cycle().await;
            assert_eq!(titles(&t, &pair), ("v4".into(), "v4".into()));
            t.quiet().await;
        }
    }
}

#[tokio::test]
async fn paragraphs_and_chains_of_states_that_wait_flow_after_an_undo() {
    let mut t = bench("").await;
    let text = "<p>One here.</p><p>Two here.</p><p>Three here.</p>";
    let (id, task) = t.linked("User Story", &[(TEXT, json!(text))]).await;
    let edit = |t: &Bench, from: &str, to: &str| {
        t.ado(id, TEXT, json!(t.string(id, TEXT).replace(from, to)));
    };
    edit(&t, "One", "First");
    t.ado(id, STATE, json!("Active"));
    t.cycle().await;
    edit(&t, "Two", "Second");
    t.cycle().await;
    let run = last_run(&mut t).await;
    edit(&t, "Three", "Third");
    t.ado(id, STATE, json!("Closed"));
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!(code, 3, "{said}");
    t.cycle().await;
    t.cycle().await;
    for word in ["First", "Second", "Third"] {
        assert!(t.text(&task).contains(word), "{}", t.text(&task));
        assert!(t.string(id, TEXT).contains(word));
    }
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Closed", "complete")
    );
    t.quiet().await;
}

#[tokio::test]
async fn what_an_undo_leaves_apart_is_an_open_conflict_until_somebody_edits_or_decides() {
    for end in ["edit", "ado", "clickup"] {
        let mut t = bench("").await;
        let pair = t.linked("Task", &[]).await;
        rename(&t, Side::Ado, &pair, "v2");
        t.cycle().await;
        let run = last_run(&mut t).await;
        assert_eq!(undo(&mut t, &run).await.0, 3);
        assert_eq!(titles(&t, &pair), ("v2".into(), "Item".into()));
        t.quiet().await;
        // Looking at the item again does not settle it.
        t.clickup(&pair.1, json!({"priority": 1}));
        t.cycle().await;
        assert_eq!(titles(&t, &pair), ("v2".into(), "Item".into()));
        assert_eq!(t.open_conflicts(), 1);
        let title = match end {
            "edit" => {
                rename(&t, Side::ClickUp, &pair, "v3");
                "v3"
            }
            side => {
                t.take(side).await;
                if side == "ado" { "v2" } else { "Item" }
            }
        };
        t.cycle().await;
        assert_eq!(titles(&t, &pair), (title.into(), title.into()), "{end}");
        t.cycle().await;
        assert_eq!(t.open_conflicts(), 0, "{end}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn what_a_person_typed_again_after_an_undo_is_theirs() {
    for typed_on in Side::BOTH {
        for cycle_between in [false, true] {
            let mut t = bench("").await;
            let pair = t.linked("Task", &[]).await;
            rename(&t, Side::Ado, &pair, "v2");
            t.cycle().await;
            let run = last_run(&mut t).await;
            assert_eq!(undo(&mut t, &run).await.0, 3);
            if typed_on == Side::Ado {
                // Their own value once more: first something else, so that it is an edit.
                rename(&t, Side::Ado, &pair, "between");
                t.cycle().await;
            }
            rename(&t, typed_on, &pair, "v2");
            if cycle_between || typed_on == Side::Ado {
                t.cycle().await;
            }
            let (code, said) = undo(&mut t, &run).await;
            assert_eq!(code, 3, "{typed_on} {cycle_between}: {said}");
            t.cycle().await;
            assert_eq!(titles(&t, &pair), ("v2".into(), "v2".into()), "{typed_on}");
            t.quiet().await;
        }
    }
}

#[tokio::test]
async fn a_number_of_a_work_item_finds_what_was_written_to_its_task_too() {
    for named in ["work item", "task"] {
        let mut t = bench("").await;
        let pair = t.linked("Task", &[]).await;
        rename(&t, Side::Ado, &pair, "v2");
        t.clickup(&pair.1, json!({"priority": 1}));
        t.cycle().await;
        let what = match named {
            "task" => pair.1.clone(),
            _ => pair.0.to_string(),
        };
        let (_, said) = undo(&mut t, &what).await;
        assert_eq!(titles(&t, &pair).1, "Item", "{said}");
        assert_ne!(
            t.field(pair.0, "Microsoft.VSTS.Common.Priority"),
            1,
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_created_item_with_a_comment_a_file_or_a_subtask_is_left_and_named() {
    for (what, says) in [
        ("comment", "a comment"),
        ("file", "a file"),
        ("subtask", "a subtask"),
        ("nothing", "1 deleted"),
    ] {
        let mut t = bench("").await;
        let (_, task) = t.linked("Task", &[]).await;
        let run = last_run(&mut t).await;
        match what {
            "comment" => {
                t.world
                    .clickup
                    .comment(&task, 1001, "Please keep this")
                    .unwrap();
            }
            "file" => {
                t.world
                    .clickup
                    .attach(&task, 1001, "notes.txt", b"bytes".to_vec())
                    .unwrap();
            }
            "subtask" => {
                t.create_task(&json!({"name": "Theirs", "parent": task}));
            }
            _ => {}
        }
        let (code, said) = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await;
        assert!(said.contains(says), "{what}: {said}");
        let gone = t.world.clickup.task(&task).is_none();
        assert_eq!(
            (code, gone),
            if what == "nothing" {
                (0, true)
            } else {
                (3, false)
            },
            "{said}"
        );

        let task = t.create_task(&json!({"name": "From ClickUp"}));
        t.cycle().await;
        let run = last_run(&mut t).await;
        let id = t.item_of(&task);
        if what == "comment" {
            t.world.ado.add_comment(id, "<p>Mine</p>", ADA).unwrap();
        } else {
            continue;
        }
        let (code, said) = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await;
        assert!(code == 3 && said.contains("a comment"), "{said}");
        assert!(t.world.ado.item(id).is_some());
    }
}

/// A task of a person's gets a work item, and an undo is to remove that again. The work item goes to the bin, and no answer says
/// so. Were it taken for somebody's delete, the person's task would be deleted or closed after it.
#[tokio::test]
async fn what_an_undo_removed_without_an_answer_takes_nothing_with_it() {
    for rule in ["delete", "close", "unlink"] {
        let mut t = bench(&format!("on_delete = \"{rule}\"")).await;
        let task = t.create_task(&json!({"name": "From ClickUp"}));
        t.cycle().await;
        let id = t.item_of(&task);
        let run = last_run(&mut t).await;
        t.world.faults.add(FaultRule {
            service: Service::Ado,
            method: Some("DELETE".to_owned()),
            path_contains: String::new(),
            fault: Fault::DropAfterApply,
            skip: 0,
            times: 9,
        });
        let said = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await
            .1;
        t.world.faults.clear();
        assert_eq!(t.world.ado.deleted_ids(), [id], "{said}");
        let before = t.task(&task)["status"].clone();
        t.sweep().await;
        assert!(t.world.clickup.task(&task).is_some(), "{rule}: {said}");
        assert_eq!(t.task(&task)["status"], before, "{rule}: {said}");
        t.quiet().await;
    }
}

/// Azure DevOps did not let the undo remove the work item. Who deletes it later has deleted it.
#[tokio::test]
async fn what_an_undo_could_not_remove_is_deleted_by_whoever_does_it_later() {
    let mut t = bench("on_delete = \"delete\"").await;
    let task = t.create_task(&json!({"name": "From ClickUp"}));
    t.cycle().await;
    let id = t.item_of(&task);
    let run = last_run(&mut t).await;
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("DELETE".to_owned()),
        path_contains: String::new(),
        fault: Fault::Status {
            status: 400,
            body: json!({"message": "VS402323: a rule forbids that"}).to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: 9,
    });
    let said = t
        .command(&["undo", &run, "--yes", "--delete-created"])
        .await
        .1;
    t.world.faults.clear();
    assert!(t.world.ado.item(id).is_some(), "{said}");
    t.world.ado.delete(id);
    t.sweep().await;
    t.cycle().await;
    assert!(t.world.clickup.task(&task).is_none(), "{said}");
    t.quiet().await;
}

/// Both sides got each other's tag. Of the undo only one half goes through: that is no edit, so the other side keeps what it has,
/// and the conflict stays.
#[tokio::test]
async fn half_of_an_undo_of_a_merge_is_no_edit() {
    for side in Side::BOTH {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        t.ado(id, TAGS, json!("mine"));
        t.clickup(&task, json!({"tags": ["theirs"]}));
        t.cycle().await;
        t.quiet().await;
        let run = last_run(&mut t).await;
        let (service, method, path) = match side {
            Side::Ado => (Service::Ado, Some("PATCH".to_owned()), ""),
            Side::ClickUp => (Service::ClickUp, None, "/tag/"),
        };
        t.world.faults.add(FaultRule {
            service,
            method,
            path_contains: path.to_owned(),
            fault: Fault::DropBeforeApply,
            skip: 0,
            times: 20,
        });
        let said = undo(&mut t, &run).await.1;
        t.world.faults.clear();
        let seen = |t: &Bench| (t.string(id, TAGS), t.tags(&task));
        let apart = seen(&t);
        let whole = match side {
            Side::Ado => apart.0 == "mine; theirs" && apart.1 == ["theirs"],
            Side::ClickUp => apart.0 == "mine" && apart.1 == ["mine", "theirs"],
        };
        assert!(whole, "{side} {apart:?}: {said}");
        t.cycle().await;
        t.cycle().await;
        assert_eq!(seen(&t), apart, "{side}");
        assert_eq!(t.open_conflicts(), 1, "{side}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_stop_file_stops_an_undo() {
    let mut t = bench("").await;
    let pair = t.linked("Task", &[]).await;
    rename(&t, Side::Ado, &pair, "v2");
    t.cycle().await;
    let run = last_run(&mut t).await;
    let stop = t.engine().safety.stop_file.clone().unwrap();
    std::fs::write(&stop, "").unwrap();
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!(code, 4, "{said}");
    assert!(!said.contains("this was run"), "{said}");
    assert_eq!(titles(&t, &pair).1, "v2");
    std::fs::remove_file(&stop).unwrap();
    assert_eq!(undo(&mut t, &run).await.0, 3);
}

/// What both sides agree on without a write is a person's all the same: a second person on a task stays there.
#[tokio::test]
async fn a_created_item_whose_edit_went_nowhere_is_left_and_named() {
    for edited in [true, false] {
        let mut t = bench("").await;
        let (_, task) = t.linked("Task", &[(PERSON, json!(ADA))]).await;
        let run = last_run(&mut t).await;
        if edited {
            t.clickup(&task, json!({"assignees": {"add": [1003], "rem": []}}));
        }
        t.world.ledger.clear();
        t.cycle().await;
        assert_eq!(t.world.ledger.writes().len(), 0, "it goes nowhere");
        let (code, said) = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await;
        assert_eq!(
            t.world.clickup.task(&task).is_some(),
            edited,
            "{code} {said}"
        );
        assert_eq!(said.contains("was edited since"), edited, "{said}");
    }
}

/// A field that is not synced belongs to whoever set it, and only the version tells of it.
#[tokio::test]
async fn a_created_item_with_an_edit_of_what_is_not_synced_is_left_and_named() {
    for edited in [true, false] {
        let mut t = bench("").await;
        let (_, task) = t.linked("Task", &[]).await;
        let run = last_run(&mut t).await;
        if edited {
            t.clickup(&task, json!({"points": 5}));
        }
        let (code, said) = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await;
        assert_eq!(
            t.world.clickup.task(&task).is_some(),
            edited,
            "{code} {said}"
        );
        assert_eq!(
            said.contains("at which boardsync left it"),
            edited,
            "{said}"
        );

        let mut t = bench("").await;
        let task = t.create_task(&json!({"name": "From ClickUp"}));
        t.cycle().await;
        let run = last_run(&mut t).await;
        let id = t.item_of(&task);
        if edited {
            let effort = ("Microsoft.VSTS.Scheduling.RemainingWork", json!(3));
            t.world.ado.edit(id, &[effort], ADA).unwrap();
        }
        let (code, said) = t
            .command(&["undo", &run, "--yes", "--delete-created"])
            .await;
        assert_eq!(t.world.ado.item(id).is_some(), edited, "{code} {said}");
        assert_eq!(
            said.contains("at which boardsync left it"),
            edited,
            "{said}"
        );
    }
}

/// A replica of Azure DevOps that lags shows the title from before our write, which looks as if nothing were to be undone.
#[tokio::test]
async fn an_undo_that_reads_an_older_version_says_so() {
    let mut t = bench("").await;
    let pair = t.linked("Task", &[]).await;
    let old = t.world.ado.item(pair.0).unwrap();
    rename(&t, Side::ClickUp, &pair, "v2");
    t.cycle().await;
    let run = last_run(&mut t).await;
    t.stale_once(&old);
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("read again later"), "{said}");
    let (code, said) = undo(&mut t, &run).await;
    assert_eq!(code, 3, "{said}");
    assert_eq!(titles(&t, &pair), ("Item".into(), "v2".into()));
}

/// The connection breaks after a title was taken, and its repeat is refused because of that very title.
#[tokio::test]
async fn a_write_found_in_force_although_its_repeat_was_refused_is_journalled_as_done_and_undone() {
    let mut t = bench("").await;
    let item = t.linked("Task", &[]).await;
    let before = titles(&t, &item);
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("PATCH".to_owned()),
        path_contains: "/workitems/".to_owned(),
        fault: Fault::DropAfterApply,
        skip: 0,
        times: 1,
    });
    rename(&t, Side::ClickUp, &item, "Sent twice");
    let journal = |t: &Bench| {
        let id = ItemId::from(item.0.to_string().as_str());
        let rows = t.engine().store().journal_of(Some(Side::Ado), &id).unwrap();
        rows.into_iter().next_back().unwrap().entry
    };
    t.cycle().await;
    let sent = journal(&t);
    assert_eq!(sent.outcome, Outcome::Failed, "{}", sent.detail);
    t.cycle().await;
    let found = journal(&t);
    assert_eq!(found.outcome, Outcome::Done, "{}", found.detail);
    assert!(
        found.detail.contains("in force after all"),
        "{}",
        found.detail
    );
    assert_eq!(
        found.cycle, sent.cycle,
        "it belongs to the run that sent it"
    );
    t.quiet().await;
    assert_eq!(journal(&t), found, "told once");
    let run = last_run(&mut t).await;
    assert_eq!(run, sent.cycle);
    let (_, said) = undo(&mut t, &run).await;
    assert_eq!(titles(&t, &item).0, before.0, "{said}");
}

/// A plain refusal is none of ours, whatever somebody types afterwards.
#[tokio::test]
async fn a_title_that_was_refused_and_typed_by_a_person_later_is_not_ours() {
    let t = bench("").await;
    let item = t.linked("Task", &[]).await;
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("PATCH".to_owned()),
        path_contains: "/workitems/".to_owned(),
        fault: Fault::Status {
            status: 400,
            body: r#"{"message":"TF401320: no","typeKey":"RuleValidationException"}"#.to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: u32::MAX,
    });
    rename(&t, Side::ClickUp, &item, "Refused");
    t.cycle().await;
    t.world.faults.clear();
    rename(&t, Side::Ado, &item, "Refused");
    t.cycle().await;
    let id = ItemId::from(item.0.to_string().as_str());
    let rows = t.engine().store().journal_of(Some(Side::Ado), &id).unwrap();
    assert!(
        !rows
            .iter()
            .any(|row| row.entry.detail.contains("in force after all"))
    );
}

/// The task that a work item is linked to.
fn partner(t: &Bench, id: i64) -> Option<String> {
    let rows = t
        .engine()
        .store()
        .find_item(&ItemId(id.to_string()))
        .unwrap();
    let living = rows.into_iter().find(|link| link.state.is_living());
    living.map(|link| link.clickup.0)
}

/// An undo ends the link that its run made, and none that somebody made by hand since: neither of the same two items nor of
/// one of them and another.
#[tokio::test]
async fn an_undo_of_a_link_leaves_what_somebody_linked_by_hand_since() {
    for again in [true, false] {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        assert!(t.world.ado.delete(id));
        t.sweep().await;
        assert!(t.world.ado.restore(id));
        let ended = last_run(&mut t).await;
        let (_, said) = undo(&mut t, &ended).await;
        assert_eq!(partner(&t, id), Some(task.clone()), "{said}");
        let linking = last_run(&mut t).await;
        let number = id.to_string();
        let (code, said) = t.command(&["links", "remove", &number]).await;
        assert_eq!(code, 0, "{said}");
        let other = match again {
            true => task,
            false => t.create_task(&json!({"name": "Another"})),
        };
        let (code, said) = t.command(&["links", "add", "web", &number, &other]).await;
        assert_eq!(code, 0, "{said}");
        let (_, said) = undo(&mut t, &linking).await;
        assert_eq!(partner(&t, id), Some(other), "{again} {said}");
        let says = match again {
            true => "somebody linked the two by hand since",
            false => "the link is dissolved already",
        };
        assert!(said.contains(says), "{said}");
    }
}
