//! What rows are about: the item, a field or a part.

use super::notes::all_of;
use super::*;
use crate::model::{ActionId, LinkId};

const LINK: &str =
    "INSERT INTO link (id, pair, ado, clickup, state, generation, created_at, changed_at)
    VALUES (1, 'shop', '1', 't1', 'active', 0, 1, 1)";

const ROWS: &str = r#"
    INSERT INTO hold (id, pair, link, side, item, field, reason, since, tries, retry_at, why) VALUES
        (1, 'shop', 1, 'ado', '1', NULL, 'no longer in the pair''s scope; its fields are left alone until it comes back', 2, 1,
         3, '{"code":"out_of_scope"}'),
        (2, 'shop', 1, 'ado', '1', 'custom:Team', 'some words', 4, 0, NULL, '{"code":"told_before"}'),
        (3, 'shop', NULL, NULL, NULL, NULL, 'of the whole pair', 5, 0, NULL, '{"code":"told_before"}');
    INSERT INTO freeze (link, field, reason, since, thawed_at, why)
        VALUES (1, 'title', 'it goes round', 6, NULL, '{"code":"told_before"}'),
               (1, 'status', 'it went round', 6, 7, '{"code":"told_before"}');
    INSERT INTO intent VALUES ('shop', 'create', 'clickup', 't9', 'sx1:shop:clickup:t9:0:00000000', 'ab', 8, 9, 10, 1,
        '{"title":{"kind":"text","value":"New"}}', 2);
    INSERT INTO attempt (pair, side, item, kind, failures, alike, inputs, fingerprint, last_at, retry_at, reason)
        VALUES ('shop', 'clickup', 't9', 'refused', 3, 2, 'a1', 'f', 11, NULL, 'HTTP 400');
    INSERT INTO journal (id, at, cycle, pair, link, side, item, action_id, kind, changes, outcome, detail, request_ids)
        VALUES (1, 12, 'c', 'shop', 1, 'ado', '1', 'a', 'update', '{"title":{"before":null,"after":null}}', 'done', '', '[]');
"#;

/// A database that came from schema version 10, the last one that named fields only.
fn upgraded() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let old = of_schema(&path, 10);
    for sql in [LINK, ROWS] {
        old.execute_batch(sql).unwrap();
    }
    drop(old);
    (folder, Store::open(&path).unwrap())
}

fn hold(subject: Subject, reason: &str, since: i64) -> HoldRow {
    HoldRow {
        pair: shop(),
        link: Some(LinkId(1)),
        side: Some(Side::Ado),
        item: Some("1".into()),
        subject,
        why: HoldWhy::told_before(reason.to_owned()),
        since: Timestamp(since),
        tries: 0,
        retry_at: None,
    }
}

fn intent() -> Intent {
    Intent {
        opened_at: Timestamp(8),
        last_sent: Some(Timestamp(9)),
        server_t0: Some(Timestamp(10)),
        tries: 1,
        source_fields: BTreeMap::from([(FieldKey::Title, FieldValue::text("New"))]),
        ..super::intent()
    }
}

/// The rows of [`ROWS`] as the program stores them now.
fn now() -> Vec<Op> {
    let freeze = |field: FieldKey, reason: &str| {
        Op::Rail(RailOp::Freeze {
            link: LinkId(1),
            subject: field.into(),
            why: HoldWhy::told_before(reason.to_owned()),
            at: Timestamp(6),
        })
    };
    let holds = vec![
        HoldRow {
            why: crate::reason::ReadWhy::OutOfScope.into(),
            tries: 1,
            retry_at: Some(Timestamp(3)),
            ..hold(Subject::Item, "", 2)
        },
        hold(FieldKey::Custom("Team".to_owned()).into(), "some words", 4),
        HoldRow {
            link: None,
            side: None,
            item: None,
            ..hold(Subject::Item, "of the whole pair", 5)
        },
    ];
    let change = JournalChange {
        before: None,
        after: None,
        reason: None,
    };
    vec![
        Op::SetHolds {
            pair: shop(),
            holds,
        },
        freeze(FieldKey::Title, "it goes round"),
        freeze(FieldKey::State, "it went round"),
        Op::Rail(RailOp::Thaw {
            link: LinkId(1),
            subject: FieldKey::State.into(),
            at: Timestamp(7),
        }),
        Op::OpenIntent(intent()),
        Op::Rail(RailOp::SaveAttempt(Attempt {
            pair: shop(),
            about: About::item(Side::ClickUp, "t9".into()),
            kind: "refused".to_owned(),
            failures: 3,
            alike: 2,
            inputs: "a1".to_owned(),
            fingerprint: "f".to_owned(),
            last_at: Timestamp(11),
            retry_at: None,
            reason: "HTTP 400".to_owned(),
        })),
        Op::Journal(NewJournal {
            at: Timestamp(12),
            cycle: "c".to_owned(),
            pair: shop(),
            link: Some(LinkId(1)),
            side: Side::Ado,
            item: Some("1".into()),
            action_id: ActionId("a".to_owned()),
            kind: JournalKind::Update,
            changes: BTreeMap::from([(FieldKey::Title.into(), change)]),
            outcome: Outcome::Done,
            detail: String::new(),
            request_ids: Vec::new(),
            version: None,
        }),
    ]
}

#[test]
fn an_upgraded_database_says_what_its_rows_are_about_as_a_fresh_one_does() {
    let (_folder, upgraded) = upgraded();
    let mut fresh = Store::open_in_memory().unwrap();
    fresh.connection.execute_batch(LINK).unwrap();
    fresh.commit(&Batch(now())).unwrap();
    assert_eq!(all_of(&upgraded), all_of(&fresh));
    let held: Vec<Subject> = upgraded
        .holds(None)
        .unwrap()
        .into_iter()
        .map(|hold| hold.subject)
        .collect();
    let team = FieldKey::Custom("Team".to_owned());
    assert_eq!(held, [Subject::Item, team.into(), Subject::Item]);
    assert_eq!(upgraded.open_intents().unwrap(), [intent()]);
    let attempts = upgraded.attempts(None).unwrap();
    assert_eq!(attempts[0].about, intent().about());
    let line = upgraded.journal_of_cycle("c").unwrap().remove(0);
    assert!(
        line.entry
            .changes
            .contains_key(&Subject::from(FieldKey::Title))
    );
}

#[test]
fn an_intent_of_one_thing_leaves_that_of_another_thing_of_the_item_alone() {
    let mut store = Store::open_in_memory().unwrap();
    let part = Intent {
        subject: FieldKey::Title.into(),
        last_sent: None,
        ..intent()
    };
    store
        .commit(&Batch(vec![
            Op::OpenIntent(intent()),
            Op::OpenIntent(part.clone()),
            Op::CloseIntent {
                key: intent().key(),
            },
        ]))
        .unwrap();
    assert_eq!(store.open_intents().unwrap(), [part]);
}

#[test]
fn failures_of_one_thing_leave_those_of_another_thing_of_the_item_alone() {
    let mut store = Store::open_in_memory().unwrap();
    let failed = |subject: Subject, failures| Attempt {
        pair: shop(),
        about: About {
            side: Side::Ado,
            item: "1".into(),
            subject,
        },
        kind: "other".to_owned(),
        failures,
        alike: 1,
        inputs: "a".to_owned(),
        fingerprint: "f".to_owned(),
        last_at: Timestamp(1),
        retry_at: None,
        reason: "HTTP 500".to_owned(),
    };
    let (item, title) = (failed(Subject::Item, 1), failed(FieldKey::Title.into(), 2));
    let save = |attempt: &Attempt| Op::Rail(RailOp::SaveAttempt(attempt.clone()));
    let ops = vec![save(&item), save(&title)];
    store.commit(&Batch(ops)).unwrap();
    assert_eq!(store.attempts(None).unwrap(), [item.clone(), title.clone()]);
    let forget = RailOp::ForgetAttempt {
        pair: shop(),
        about: item.about,
    };
    store.commit(&Batch(vec![Op::Rail(forget)])).unwrap();
    assert_eq!(store.attempts(None).unwrap(), [title]);
}

/// A newer program knows parts and gives them no schema version of their own. What it wrote must neither be taken for
/// something about the whole item nor be passed over and lost.
#[test]
fn a_row_about_a_part_that_only_a_newer_program_knows_is_an_error_that_says_so() {
    let part = "comment:ado:456";
    for table in ["hold", "freeze", "intent", "attempt"] {
        let (_folder, store) = upgraded();
        let text = format!("UPDATE OR REPLACE {table} SET subject = ?1");
        store.connection.execute(&text, [part]).unwrap();
        let read = match table {
            "hold" => store.holds(None).map(|_| ()),
            "freeze" => store.freezes(&shop()).map(|_| ()),
            "intent" => store.open_intents().map(|_| ()),
            _ => store.attempts(None).map(|_| ()),
        };
        let error = read.unwrap_err().to_string();
        assert!(
            error.starts_with("cannot understand the stored subject of a"),
            "{error}"
        );
        assert!(
            error.contains("\"comment:ado:456\" is no item, field or part"),
            "{error}"
        );
        assert!(
            error.contains("a newer boardsync wrote it, use that one"),
            "{error}"
        );
    }
    let (_folder, store) = upgraded();
    let changes =
        r#"UPDATE journal SET changes = '{"comment:ado:456":{"before":null,"after":null}}'"#;
    store.connection.execute(changes, []).unwrap();
    let error = store.journal_of_cycle("c").unwrap_err().to_string();
    assert!(
        error.contains("a newer boardsync wrote it, use that one"),
        "{error}"
    );
}
