//! A version of the program that reads the same content differently than the one before.

use crate::sync_rules::bench::*;
use boardsync::engine::Scope;
use boardsync::engine::apply::{Consent, Report, Stopped};
use boardsync::engine::observe::Observed;
use boardsync::reason::Limit;
use serde_json::{Value, json};

const FIELD: &str = "System.Description";

/// Four linked pairs with a description each.
async fn described() -> (Bench, Vec<(i64, String)>) {
    let t = bench("").await;
    let mut linked = Vec::new();
    for number in 0..4 {
        let text = json!(format!("<p>Described as {number}</p>"));
        linked.push(t.linked("Task", &[(FIELD, text)]).await);
    }
    t.quiet().await;
    (t, linked)
}

/// Has the state say that another version of the program read the descriptions of the first `count` work items, and made
/// another text of them.
async fn read_by_another(t: &mut Bench, linked: &[(i64, String)], count: usize) {
    t.instance = None;
    let database = rusqlite::Connection::open(t.folder.path().join("boardsync.db")).unwrap();
    database
        .execute("UPDATE observation SET reader = '0.0.1'", [])
        .unwrap();
    for (id, _) in &linked[..count] {
        let id = id.to_string();
        let body: String = database
            .query_row(
                "SELECT body FROM observation WHERE side = 'ado' AND item = ?1",
                [&id],
                |row| row.get(0),
            )
            .unwrap();
        let mut item: Value = serde_json::from_str(&body).unwrap();
        let fields = item["fields"].to_string().replace("Described", "DESCRIBED");
        item["fields"] = serde_json::from_str(&fields).unwrap();
        assert_ne!(item.to_string(), body);
        let changed = database
            .execute(
                "UPDATE observation SET body = ?2 WHERE side = 'ado' AND item = ?1",
                [&id, &item.to_string()],
            )
            .unwrap();
        let moved = database
            .execute(
                "UPDATE base SET ado = replace(ado, 'Described', 'DESCRIBED')
                 WHERE field = 'description' AND link = (SELECT id FROM link WHERE ado = ?1)",
                [&id],
            )
            .unwrap();
        assert_eq!((changed, moved), (1, 1));
    }
    drop(database);
    t.open().await;
    t.world.ledger.clear();
}

async fn unapproved(t: &Bench, full: bool) -> (Observed, Report) {
    let scope = Scope {
        full,
        ..Scope::default()
    };
    let observed = t.engine().observe(&scope).await.unwrap();
    let report = t.apply_with(&observed, &Consent::default()).await;
    (observed, report)
}

#[tokio::test]
async fn a_value_that_is_read_differently_is_no_edit_and_others_flow() {
    let (mut t, linked) = described().await;
    read_by_another(&mut t, &linked, 1).await;
    let (id, task) = &linked[0];
    let text = t.text(task);
    t.ado(*id, "System.Title", json!("Edited"));
    let (observed, report) = unapproved(&t, true).await;
    assert_eq!(report.stopped, []);
    assert_eq!(observed.plan().pairs[0].reread.len(), 1);
    assert_eq!(t.task(task)["name"], "Edited");
    assert_eq!(t.text(task), text);
    assert_eq!(t.world.ledger.writes().len(), 1);
    t.quiet().await;
    t.ado(*id, FIELD, json!("<p>Described anew</p>"));
    t.cycle().await;
    assert!(t.text(task).contains("Described anew"));
    t.quiet().await;
}

#[tokio::test]
async fn many_of_them_stop_the_pair_until_somebody_says_yes() {
    let (mut t, linked) = described().await;
    read_by_another(&mut t, &linked, 4).await;
    let (id, task) = &linked[0];
    t.ado(*id, "System.Title", json!("Edited"));
    for full in [true, false] {
        let (observed, report) = unapproved(&t, full).await;
        assert!(matches!(report.stopped[0].1, Stopped::Guard));
        let tripped = &observed.plan().pairs[0].tripped[0];
        assert_eq!((tripped.what, tripped.count), (Limit::Noise, 4));
        assert_eq!(t.world.ledger.writes(), []);
    }
    let texts: Vec<String> = linked.iter().map(|(_, task)| t.text(task)).collect();
    let (_, report) = t.sweep().await;
    assert_eq!(report.stopped, []);
    assert_eq!(t.task(task)["name"], "Edited");
    assert_eq!(t.world.ledger.writes().len(), 1);
    let after: Vec<String> = linked.iter().map(|(_, task)| t.text(task)).collect();
    assert_eq!(after, texts);
    t.quiet().await;
}

#[tokio::test]
async fn after_a_new_version_that_reads_alike_nothing_is_written() {
    let (mut t, linked) = described().await;
    read_by_another(&mut t, &linked, 0).await;
    let (observed, report) = unapproved(&t, true).await;
    assert_eq!((observed.plan().writes(), report.stopped.len()), (0, 0));
    t.quiet().await;
}
