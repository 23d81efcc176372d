//! Rules of pruning: what goes, how much of it at once, and what stays however old it is.

use super::rows::conflict;
use super::*;

#[test]
fn pruning_goes_in_steps_oldest_first_and_keeps_what_is_open() {
    let (mut store, link) = linked();
    let line = |at| {
        Op::Journal(NewJournal {
            at: Timestamp(at),
            cycle: format!("c{at}"),
            pair: shop(),
            link: Some(link),
            side: Side::Ado,
            item: Some("1".into()),
            action_id: crate::model::ActionId(at.to_string()),
            kind: JournalKind::Update,
            changes: BTreeMap::new(),
            outcome: Outcome::Done,
            detail: String::new(),
            request_ids: Vec::new(),
            version: None,
        })
    };
    let lines = (1..=5).map(line).collect();
    store.commit(&Batch(lines)).unwrap();
    let before = Before {
        journal: Timestamp(4),
        conflicts: Timestamp(4),
    };
    let times = |store: &Store| -> Vec<i64> {
        let rows = store.journal_of(None, &"1".into()).unwrap();
        rows.iter().map(|row| row.entry.at.0).collect()
    };
    assert_eq!(store.prune_journal(before, 2).unwrap(), 2);
    assert_eq!(times(&store), [3, 4, 5]);
    assert_eq!(store.prune_journal(before, 2).unwrap(), 1);
    assert_eq!(times(&store), [4, 5]);
    assert_eq!(store.prune_journal(before, 2).unwrap(), 0);
    assert_eq!(store.links(&shop()).unwrap().len(), 1);
    let runs = store.recent_runs(9).unwrap();
    let runs: Vec<(&str, u64)> = runs.iter().map(|r| (r.id.as_str(), r.actions)).collect();
    assert_eq!(runs, [("c5", 1), ("c4", 1)]);
}

/// An intent is the only memory of a create whose answer was lost. However old it is, forgetting it makes a twin.
#[test]
fn pruning_never_takes_an_open_intent() {
    let (mut store, _) = linked();
    store
        .commit(&Batch(vec![Op::OpenIntent(intent())]))
        .unwrap();
    let end = Timestamp(i64::MAX);
    let before = Before {
        journal: end,
        conflicts: end,
    };
    while store.prune_journal(before, 1_000).unwrap() > 0 {}
    assert_eq!(store.open_intents().unwrap(), [intent()]);
}

#[test]
fn pruning_never_takes_an_open_conflict_however_old() {
    let (mut store, link) = linked();
    let open = conflict(link, "a", None);
    let later = Timestamp(open.at.0 + 1_000_000);
    store.commit(&Batch(vec![Op::AddConflict(open)])).unwrap();
    let before = Before {
        journal: later,
        conflicts: later,
    };
    store.prune_journal(before, 10).unwrap();
    assert_eq!(store.conflicts(true).unwrap().len(), 1);
}
