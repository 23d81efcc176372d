//! A database that was put back or lost: nothing is made twice, nothing is overwritten.

use super::bench::{Bench, TAGS, TEXT, TITLE, bench};
use boardsync::engine::Scope;
use boardsync::model::{FieldKey, FieldValue, Side, Sided, Subject, Timestamp, Version};
use boardsync::reason::Outcome;
use boardsync::store::{Batch, Choice, ChoiceOp, LinkState, NewConflict, Op};
use serde_json::json;
use std::path::PathBuf;

fn database(t: &Bench) -> PathBuf {
    t.folder.path().join("boardsync.db")
}

/// Returns the database as it is now, as a backup does.
async fn rolled_back(t: &mut Bench) -> Vec<u8> {
    t.instance = None;
    let copy = std::fs::read(database(t)).unwrap();
    t.open().await;
    copy
}

async fn restore(t: &mut Bench, copy: &[u8]) {
    t.instance = None;
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(t.folder.path().join(format!("boardsync.db{suffix}")));
    }
    std::fs::write(database(t), copy).unwrap();
    t.open().await;
}

/// Loses the database, but not the key.
async fn lose(t: &mut Bench) {
    t.instance = None;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(t.folder.path().join(name));
    }
    t.open().await;
}

#[tokio::test]
async fn a_restored_database_makes_no_twin_and_overwrites_nothing() {
    let mut t = bench("").await;
    let (one, task) = t.linked("Task", &[]).await;
    let (still, still_task) = t.linked("Task", &[]).await;
    let copy = rolled_back(&mut t).await;
    let two = t.create("Task", &[(TITLE, json!("Made after the backup"))]);
    t.ado(one, TITLE, json!("Second"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Second");
    let task_two = t.task_of(two).unwrap();
    t.clickup(&task, json!({"name": "Third"}));
    t.create("Task", &[(TITLE, json!("Made while it was down"))]);
    restore(&mut t, &copy).await;
    t.world.ledger.clear();
    t.cycle().await;
    t.cycle().await;
    t.sweep().await;
    assert_eq!(
        t.world.ledger.writes(),
        [],
        "nothing is created or overwritten"
    );
    assert_eq!(t.task_of(two), Some(task_two), "found by its marker");
    assert_eq!(t.string(one, TITLE), "Second");
    assert_eq!(t.task(&task)["name"], "Third");
    assert_eq!(t.open_conflicts(), 1);
    assert!(
        t.holds()
            .iter()
            .any(|hold| hold.reason().contains("restored")
                && hold.reason().contains("created")
                && hold.retry_at.is_some()),
        "{:?}",
        t.holds()
    );
    // What was equal is trusted again; what differs is not, however often it is looked at.
    t.clickup(&task, json!({"priority": 1}));
    t.cycle().await;
    assert_eq!(t.field(one, "Microsoft.VSTS.Common.Priority"), 1);
    assert_eq!(t.task(&task)["name"], "Third");
    // What nobody touched is trusted as ever.
    t.ado(still, TITLE, json!("Goes on"));
    t.cycle().await;
    assert_eq!(t.task(&still_task)["name"], "Goes on");
    t.instance.as_mut().unwrap().engine.timing.quiet_ms = 0;
    t.sweep().await;
    assert_eq!(t.counts(), (4, 4), "the wait is over");
    t.quiet().await;
    // A person makes both sides equal: trusted again.
    t.ado(one, TITLE, json!("Third"));
    t.cycle().await;
    assert_eq!(t.open_conflicts(), 0);
    t.ado(one, TITLE, json!("Fourth"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Fourth");
    t.quiet().await;
}

#[tokio::test]
async fn a_restored_database_deletes_and_closes_nothing() {
    for rule in ["delete", "close"] {
        let mut t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (one, task) = t.linked("Task", &[]).await;
        let (two, edited) = t.linked("Task", &[]).await;
        let copy = rolled_back(&mut t).await;
        t.ado(two, TITLE, json!("Synced after the backup"));
        t.cycle().await;
        for id in [one, two] {
            t.world.ado.delete(id);
        }
        restore(&mut t, &copy).await;
        t.world.ledger.clear();
        t.sweep().await;
        t.sweep().await;
        assert_eq!(t.world.ledger.writes(), [], "{rule}");
        for (id, task) in [(one, task), (two, edited)] {
            assert_eq!(t.status(&task), "to do");
            let state = t.link_state(id);
            assert!(!state.is_living(), "{state:?}");
        }
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_kill_at_any_commit_after_a_restore_makes_no_twin_and_forgets_no_restore() {
    for kill in 0..14 {
        let mut t = bench("").await;
        let (one, task) = t.linked("Task", &[]).await;
        let copy = rolled_back(&mut t).await;
        let two = t.create("Task", &[]);
        t.ado(one, TITLE, json!("Second"));
        t.cycle().await;
        let task_two = t.task_of(two);
        t.clickup(&task, json!({"name": "Third"}));
        t.create("Task", &[]);
        restore(&mut t, &copy).await;
        t.world.ledger.clear();
        let mut edges = 0;
        t.engine().store().on_commit(Box::new(move |_, _| {
            edges += 1;
            edges > kill
        }));
        let _ = t.try_run(false).await;
        t.open().await;
        t.quiet().await;
        assert_eq!(t.counts(), (3, 2), "kill {kill}");
        assert_eq!(t.task_of(two), task_two, "kill {kill}");
        assert_eq!(t.task(&task)["name"], "Third", "kill {kill}");
        assert_eq!(t.string(one, TITLE), "Second", "kill {kill}");
    }
}

#[tokio::test]
async fn a_choice_of_before_the_backup_is_not_carried_out_again() {
    let mut t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let link = {
        let store = t.engine().store();
        store.link_by_item(&"web".into(), Side::Ado, &id.to_string().as_str().into())
    };
    let link = link.unwrap().unwrap().id;
    let choice = Choice {
        link,
        field: FieldKey::Title,
        conflict: 1,
        side: Side::ClickUp,
        value: FieldValue::text("Old choice"),
        seen: Sided::build(|_| FieldValue::text("Item")),
        at: Timestamp(0),
    };
    let conflict = NewConflict {
        link,
        pair: "web".into(),
        items: Sided {
            ado: id.to_string().as_str().into(),
            clickup: task.as_str().into(),
        },
        field: FieldKey::Title,
        base: Sided::default(),
        now: Sided {
            ado: FieldValue::text("Item"),
            clickup: FieldValue::text("Old choice"),
        },
        raw: Sided::default(),
        versions: Sided::build(|_| Version(1)),
        taken: None,
        at: Timestamp(0),
    };
    let made = vec![
        Op::AddConflict(conflict),
        Op::Choice(ChoiceOp::Make(choice)),
    ];
    t.engine().store().commit(&Batch(made)).unwrap();
    let copy = rolled_back(&mut t).await;
    t.ado(id, TITLE, json!("Newer"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Newer");
    // As the choice had seen them: only that the database was put back speaks against it.
    t.ado(id, TITLE, json!("Item"));
    t.cycle().await;
    restore(&mut t, &copy).await;
    t.world.ledger.clear();
    t.quiet().await;
    assert_eq!(t.string(id, TITLE), "Item");
    assert_eq!(t.engine().store().choices(link).unwrap(), []);
}

#[tokio::test]
async fn after_a_lost_database_nothing_is_created_for_the_quiet_time() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.instance = None;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(t.folder.path().join(name));
    }
    t.create("Task", &[(TITLE, json!("New"))]);
    t.open().await;
    t.quiet().await;
    assert_eq!(t.counts(), (2, 1));
    assert_eq!(t.task_of(id).as_ref(), Some(&task));
    t.instance.as_mut().unwrap().engine.timing.quiet_ms = 0;
    t.sweep().await;
    assert_eq!(t.counts(), (2, 2));
    t.quiet().await;
}

/// The marker says that it had a counterpart. That one was deleted before the database was lost, so nothing tells any more
/// what became of the link; a second counterpart is what nobody asked for.
#[tokio::test]
async fn an_item_whose_marker_names_what_was_deleted_gets_no_second_counterpart() {
    for (made_in, deleted_in, destroyed) in [
        (Side::Ado, Side::Ado, false),
        (Side::Ado, Side::Ado, true),
        (Side::Ado, Side::ClickUp, false),
        (Side::ClickUp, Side::Ado, false),
        (Side::ClickUp, Side::Ado, true),
        (Side::ClickUp, Side::ClickUp, false),
    ] {
        let what = format!("made in {made_in}, deleted in {deleted_in}, for ever: {destroyed}");
        let mut t = bench("").await;
        let (id, task) = match made_in {
            Side::Ado => t.linked("Task", &[]).await,
            Side::ClickUp => {
                let task = t.create_task(&json!({"name": "From ClickUp"}));
                t.cycle().await;
                (t.item_of(&task), task)
            }
        };
        // What is first carried to the source brings it a marker too; to a task it comes with the description.
        match made_in {
            Side::Ado => t.clickup(&task, json!({"name": "Edited"})),
            Side::ClickUp => t.ado(id, TEXT, json!("<p>Edited</p>")),
        }
        t.cycle().await;
        t.quiet().await;
        match deleted_in {
            Side::Ado => assert!(t.world.ado.delete(id)),
            Side::ClickUp => t.world.clickup.delete(&task).unwrap(),
        }
        if destroyed {
            assert!(t.world.ado.destroy(id));
        }
        for _ in 0..3 {
            t.sweep().await;
        }
        lose(&mut t).await;
        t.instance.as_mut().unwrap().engine.timing.quiet_ms = 0;
        let before = t.counts();
        t.world.ledger.clear();
        t.run(true).await;
        if !destroyed {
            let now = t.link_state(id);
            assert!(
                matches!(now, LinkState::Tombstone { .. }),
                "at once: {what}: {now:?}"
            );
        }
        for full in [false, true, true] {
            t.run(full).await;
        }
        assert_eq!(t.world.ledger.writes(), [], "{what}");
        assert_eq!(t.counts(), before, "{what}");
        // What is surely gone is noted as a link that has ended, and what nobody can read is held by its name.
        let holds = t.holds();
        let state = t.link_state(id);
        match destroyed {
            true => assert!(
                holds
                    .iter()
                    .any(|hold| hold.reason().contains("is in no recycle bin")),
                "{what}: {holds:?}"
            ),
            false => assert!(
                matches!(&state, LinkState::Tombstone { why } if why.to_string().contains("so it stays")),
                "{what}: {state:?}"
            ),
        }
    }
}

/// Many items were deleted over the years and their counterparts stayed, and then the database is lost. None of these is linked
/// with what is in the bin, and no guard stops the pair over ends that nobody has just caused.
#[tokio::test]
async fn a_lost_database_makes_no_guard_of_what_was_deleted_long_ago() {
    let mut t = bench("").await;
    let (kept, task) = t.linked("Task", &[]).await;
    let mut deleted = Vec::new();
    for _ in 0..12 {
        let (id, _) = t.linked("Task", &[]).await;
        assert!(t.world.ado.delete(id));
        deleted.push(id);
    }
    lose(&mut t).await;
    t.instance.as_mut().unwrap().engine.timing.quiet_ms = 0;
    t.world.ledger.clear();
    let (observed, _) = t.run(true).await;
    assert_eq!(observed.plan().pairs[0].tripped, []);
    // Both sides agree again, and what is edited from then on goes over.
    t.run(true).await;
    t.ado(kept, TITLE, json!("Edited after the loss"));
    t.run(false).await;
    assert_eq!(t.task(&task)["name"], "Edited after the loss");
    for id in deleted {
        let state = t.link_state(id);
        assert!(matches!(state, LinkState::Tombstone { .. }), "{state:?}");
    }
    t.quiet().await;
}

#[tokio::test]
async fn after_a_restore_not_even_an_empty_field_is_filled_in() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let copy = rolled_back(&mut t).await;
    t.clickup(&task, json!({"tags": ["late"]}));
    t.cycle().await;
    assert_eq!(t.string(id, TAGS), "late");
    t.ado(id, TAGS, json!(""));
    restore(&mut t, &copy).await;
    t.quiet().await;
    assert_eq!(t.string(id, TAGS), "");
    assert_eq!(t.tags(&task), ["late"]);
    assert_eq!(t.open_conflicts(), 1);
    // It stays so when something else of the item is edited, until a person has chosen.
    t.ado(id, TITLE, json!("Edited"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Edited");
    assert_eq!((t.string(id, TAGS).as_str(), t.open_conflicts()), ("", 1));
    t.take("ado").await;
    t.cycle().await;
    assert!(t.tags(&task).is_empty());
    t.quiet().await;
}

/// The first listing after a restore trusts no choice, and nothing would ask for a second look at its items.
#[tokio::test]
async fn a_choice_made_right_after_a_restore_is_carried_out() {
    let mut t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.ado(id, TITLE, json!("Ours"));
    t.clickup(&task, json!({"name": "Theirs"}));
    t.cycle().await;
    let copy = rolled_back(&mut t).await;
    t.linked("Task", &[]).await;
    restore(&mut t, &copy).await;
    t.take("clickup").await;
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(t.string(id, TITLE), "Theirs");
    assert_eq!(t.open_conflicts(), 0);
}

/// By the epoch a database that lacks the record of a request shows as put back: each kind of request raises it before
/// it goes out.
#[tokio::test]
async fn every_request_that_writes_raises_the_epoch() {
    let t = bench("on_delete = \"delete\"").await;
    let epoch = || t.engine().store().epoch().unwrap();
    let start = epoch();
    let (id, task) = t.linked("Task", &[]).await;
    let created = epoch();
    t.ado(id, TITLE, json!("Edited"));
    t.cycle().await;
    let updated = epoch();
    t.world.ado.delete(id);
    t.sweep().await;
    assert!(t.world.clickup.task(&task).is_none());
    let epochs = [start, created, updated, epoch()];
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
}

/// A process that dies right before its request: what was about to be overwritten, and by what, is on record.
#[tokio::test]
async fn a_write_is_in_the_journal_before_it_is_sent() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.ado(id, TITLE, json!("Edited"));
    let observed = t.engine().observe(&Scope::default()).await.unwrap();
    let engine = &mut t.instance.as_mut().unwrap().engine;
    engine.interrupt = Some(std::sync::Arc::new(|point: &str| point == "before-update"));
    assert!(t.try_apply(&observed).await.is_err());
    let store = t.engine().store();
    let rows = store.journal_of(Some(Side::ClickUp), &task.as_str().into());
    let rows = rows.unwrap();
    let row = rows.last().unwrap();
    let change = &row.entry.changes[&Subject::from(FieldKey::Title)];
    assert_eq!(row.entry.outcome, Outcome::Sent);
    assert_eq!(change.before, Some(FieldValue::text("Item")));
    assert_eq!(change.after, Some(FieldValue::text("Edited")));
}

#[tokio::test]
async fn an_ordinary_start_holds_nothing() {
    let mut t = bench("").await;
    t.linked("Task", &[]).await;
    for n in 2..5 {
        t.open().await;
        t.create("Task", &[]);
        t.cycle().await;
        assert_eq!(t.counts(), (n, n));
    }
}
