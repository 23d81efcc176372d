//! A statement that reads all of a table that grows with the board makes each link dearer than the one before.

use super::*;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Tables with a row or more for each link, or for each write.
const GROWING: [&str; 6] = ["link", "base", "observation", "seen", "journal", "conflict"];

/// Statements that may read all of one, by words that no other has, and when they do.
const SELDOM: [(&str, &str); 16] = [
    ("min(at) FROM journal", "status, doctor"),
    (
        "WHERE pair IS NULL OR pair NOT IN (SELECT value FROM json_each",
        "doctor",
    ),
    (
        "WHERE state <> 'tombstone' AND pair NOT IN (SELECT value FROM json_each",
        "doctor, status",
    ),
    (
        "SELECT journal.cycle, coalesce(cycle.started_at, min(journal.at))",
        "undo, to offer runs",
    ),
    ("resolved_at IS NOT NULL AND resolved_at <", "once a day"),
    ("settled_by, merged FROM conflict", "conflicts"),
    ("JOIN refusal r ON r.pair = l.pair", "--retry"),
    (
        "origin, created_at, why FROM link",
        "the head of other statements",
    ),
    (
        "ORDER BY o.seen_at DESC",
        "where several items cannot be read",
    ),
    ("pair = ?1 AND origin IS NOT NULL", "stops at the first row"),
    ("NOT EXISTS (SELECT 1 FROM link)", "stops at the first row"),
    (
        "UPDATE OR REPLACE freeze SET subject",
        "once, after an entry got another name",
    ),
    (
        "UPDATE conflict SET field = ?3",
        "once, after an entry got another name",
    ),
    (
        "SELECT conflict FROM choice\n",
        "once, after an entry stands for other fields",
    ),
    (
        "UPDATE conflict SET resolved_at = ?3, settled_by = ?4",
        "once, after an entry stands for other fields",
    ),
    (
        "UPDATE conflict SET resolved_at = NULL",
        "once, after an entry came back",
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if !path.is_dir() {
            found.push(path);
        } else if !path.ends_with("tests") {
            sources(&path, found);
        }
    }
}

/// The statements that stand in the source as they are. Those that the program puts together are not among them.
fn statements() -> Vec<String> {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"),
        &mut files,
    );
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for verb in ["\"SELECT ", "\"UPDATE ", "\"DELETE "] {
            let starts = text.match_indices(verb).map(|(at, _)| at + 1);
            let strings = starts.filter_map(|at| text.get(at..)?.split('"').next());
            found.extend(strings.filter(|sql| !sql.contains('{')).map(str::to_owned));
        }
    }
    found
}

/// The steps in which a statement reads a whole table; `None` where it is only a part of one.
fn whole_tables(connection: &Connection, sql: &str) -> Option<Vec<String>> {
    let explained = format!("EXPLAIN QUERY PLAN {sql}");
    let mut plan = connection.prepare(&explained).ok()?;
    let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
    let steps = steps.map(Result::unwrap);
    Some(steps.filter(|step| step.starts_with("SCAN ")).collect())
}

#[test]
fn no_statement_that_runs_for_each_item_reads_a_whole_table_that_grows() {
    let store = Store::open_in_memory().unwrap();
    let (mut looked_at, mut excused, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for sql in statements() {
        let Some(steps) = whole_tables(&store.connection, &sql) else {
            continue;
        };
        looked_at += 1;
        // A table has its own name in a step, or the first letter of it where the statement calls it so.
        let grows = |step: &String| {
            let name = step.split(' ').nth(1).unwrap_or_default();
            let called =
                |table: &&str| *table == name || name.len() == 1 && table.starts_with(name);
            GROWING.iter().any(called)
        };
        if !steps.iter().any(grows) {
            continue;
        }
        match SELDOM.iter().find(|(words, _)| sql.contains(words)) {
            Some((words, _)) => drop(excused.insert(*words)),
            None => wrong.push((sql, steps)),
        }
    }
    assert!(looked_at >= 60, "only {looked_at} statements were found");
    assert_eq!(wrong, []);
    let all: BTreeSet<&str> = SELDOM.iter().map(|(words, _)| *words).collect();
    assert_eq!(excused, all, "an excuse that nothing needs any more");
}
