//! Rules about what cycles note for the next ones, and about what becomes of the notes of schema version 7.

use super::*;
use crate::claim::{Claim, Own};
use crate::model::Service;
use rusqlite::types::Value;
use std::path::PathBuf;

/// Bases as they were stored before they had states: shown by both sides, sent to one of them, and an empty one.
const BASES_BEFORE: &str = r#"
    INSERT INTO base (link, field, ado, clickup, ado_confirmed, clickup_confirmed) VALUES
        (1, 'priority', '{"kind":"number","value":2000}', '{"kind":"number","value":2000}', 1, 1),
        (1, 'title', '{"kind":"text","value":"Old"}', '{"kind":"text","value":"Old"}', 1, 0),
        (1, 'points', '{"kind":"empty"}', '{"kind":"number","value":1000}', 1, 1);
"#;

/// The same as they are stored now. The empty one may well be owed, but nothing says so any more.
const BASES: &str = r#"
    INSERT INTO base (link, field, ado, clickup, ado_state, clickup_state) VALUES
        (1, 'priority', '{"kind":"number","value":2000}', '{"kind":"number","value":2000}', 'shown', 'shown'),
        (1, 'title', '{"kind":"text","value":"Old"}', '{"kind":"text","value":"Old"}', 'shown', 'sent'),
        (1, 'points', '{"kind":"empty"}', '{"kind":"number","value":1000}', 'shown', 'shown');
"#;

/// Two links with a conflict, a choice and a journal line: what people would miss.
const RECORDS: &str = r#"
    INSERT INTO link (id, pair, ado, clickup, state, generation, created_at, changed_at)
        VALUES (1, 'shop', '1', 't1', 'active', 0, 1, 1), (2, 'shop', '2', 't2', 'active', 0, 1, 1);
    INSERT INTO link (id, pair, ado, clickup, state, reason, generation, created_at, changed_at)
        VALUES (3, 'shop', '3', 't3', 'tombstone', 'why', 0, 1, 1);
    INSERT INTO conflict (id, link, pair, ado, clickup, field, ado_value, clickup_value, ado_version, clickup_version, at)
        VALUES (4, 1, 'shop', '1', 't1', 'title', '{"kind":"text","value":"A"}', '{"kind":"text","value":"B"}', 2, 3, 5);
    INSERT INTO choice VALUES (1, 'title', 4, 'ado', '{"kind":"text","value":"A"}', '{"kind":"text","value":"A"}', '{"kind":"text","value":"B"}', 6);
    INSERT INTO journal (at, cycle, pair, link, side, item, action_id, kind, changes, outcome, detail, request_ids)
        VALUES (7, 'c', 'shop', 1, 'ado', '1', 'a', 'update', '{}', 'done', '', '[]');
    INSERT INTO pair_state (pair, fingerprint, last_sweep) VALUES ('shop', 'f', 8);
"#;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

/// A database of schema version 7, which had the notes as text in one table, with these settings.
fn old(path: &Path, settings: &[(&str, &str)]) {
    let database = of_schema(path, 7);
    database.execute_batch(RECORDS).unwrap();
    database.execute_batch(BASES_BEFORE).unwrap();
    for setting in settings {
        let text = "INSERT INTO meta (key, value) VALUES (?1, ?2)";
        database.execute(text, *setting).unwrap();
    }
}

/// Every row of every table, in words, and the schema.
pub(super) fn all_of(store: &Store) -> Vec<String> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let read = |text: &str| -> Vec<String> {
        let mut statement = store.connection.prepare(text).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|n| row.get::<_, Value>(n));
            Ok(format!(
                "{:?}",
                values.collect::<Result<Vec<_>, _>>().unwrap()
            ))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let mut names = store.connection.prepare(names).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<String> = names.map(Result::unwrap).collect();
    let mut all = read("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'");
    for name in names {
        let rows = read(&format!("SELECT * FROM {name}"));
        all.extend(rows.into_iter().map(|row| format!("{name}: {row}")));
    }
    all.sort();
    all
}

fn claim(counter: u64) -> Claim {
    Claim {
        pair: shop(),
        instance: "ab12".to_owned(),
        counter,
        nonce: "0f".to_owned(),
        at: Timestamp(31),
        host: "box".to_owned(),
    }
}

fn kept() -> KeptRow {
    KeptRow {
        side: Side::ClickUp,
        sent: "aa".to_owned(),
        shown: "bb".to_owned(),
        tries: 2,
        last_at: Timestamp(21),
        retry_at: None,
        reason: "not taken".to_owned(),
    }
}

/// One note of each kind, in the order of the migration.
fn notes() -> Vec<NoteOp> {
    let pairs = |names: &[&str]| names.iter().map(|name| PairName::from(*name)).collect();
    let id = |text: &str| ItemId::from(text);
    vec![
        NoteOp::Revisit {
            pair: shop(),
            links: BTreeSet::from([LinkId(1), LinkId(2)]),
        },
        NoteOp::Kept {
            link: LinkId(1),
            fields: BTreeMap::from([(FieldKey::Custom("Team size".to_owned()), kept())]),
        },
        NoteOp::Stopped {
            pair: shop(),
            note: Some(StopNote {
                at: Timestamp(22),
                tries: 0,
                fingerprint: "f".to_owned(),
            }),
        },
        NoteOp::Claim {
            pair: shop(),
            own: Box::new(Own {
                held: Some(claim(3)),
                place: "here".to_owned(),
                wanted: Some(claim(4)),
                wanted_place: "there".to_owned(),
                since: Some(Timestamp(23)),
            }),
        },
        NoteOp::TakenOver {
            pair: shop(),
            at: Timestamp(24),
        },
        NoteOp::Restored(Restored {
            at: Timestamp(25),
            server: Sided {
                ado: None,
                clickup: Some(Timestamp(26)),
            },
            trusted: pairs(&["shop"]),
            pairs: Some(pairs(&["app", "shop"])),
        }),
        NoteOp::Begun {
            pair: shop(),
            begun: Begun::Under("f".to_owned()),
        },
        NoteOp::Begun {
            pair: "app".into(),
            begun: Begun::Several,
        },
        NoteOp::Waiting {
            pair: shop(),
            items: Sided {
                ado: BTreeMap::from([(id("9"), Version(3))]),
                clickup: BTreeMap::from([(id("t9"), Version(4))]),
            },
        },
        NoteOp::Unmarked {
            side: Side::ClickUp,
            note: Some(Unmarked {
                item: id("t8"),
                marker: "sx1:m".to_owned(),
                reason: "no marker".to_owned(),
            }),
        },
        NoteOp::RefusedToken {
            service: Service::ClickUp,
            note: Some(RefusedToken {
                since: Timestamp(23),
                said: "401".to_owned(),
            }),
        },
        NoteOp::Misanswered {
            side: Side::Ado,
            note: Some(Misanswered {
                times: 2,
                at: Timestamp(27),
                until: Timestamp(28),
                reason: "another item".to_owned(),
            }),
        },
        NoteOp::Carriers {
            pair: shop(),
            carriers: Sided {
                ado: BTreeMap::from([(id("7"), BTreeSet::from([id("t6"), id("t7")]))]),
                clickup: BTreeMap::new(),
            },
        },
        NoteOp::Epoch(5),
        NoteOp::KeyCheck {
            signed: "sx1:k".to_owned(),
        },
        NoteOp::Pruned { at: Timestamp(29) },
        NoteOp::ClocksApart {
            told: Sided {
                ado: Timestamp(30),
                clickup: Timestamp(32),
            },
        },
    ]
}

/// The same as schema version 7 held them.
const SETTINGS: [(&str, &str); 20] = [
    ("again:shop", "[1,2]"),
    ("again:app", "[]"),
    (
        "kept:1",
        r#"{"custom:Team size":{"side":"clickup","sent":"aa","shown":"bb","tries":2,"last_at":21,"retry_at":null,"reason":"not taken"}}"#,
    ),
    ("kept:2", "{}"),
    ("stopped:shop", r#"{"at":22,"tries":0,"fingerprint":"f"}"#),
    ("stopped:app", ""),
    (
        "claim:shop",
        r#"{"held":{"pair":"shop","instance":"ab12","counter":3,"nonce":"0f","at":31,"host":"box"},"place":"here","wanted":{"pair":"shop","instance":"ab12","counter":4,"nonce":"0f","at":31,"host":"box"},"wanted_place":"there","since":23}"#,
    ),
    ("takeover:shop", "24"),
    (
        "restored",
        r#"{"at":25,"server":{"ado":null,"clickup":26},"trusted":["shop"],"pairs":["app","shop"]}"#,
    ),
    ("begun:shop", "f"),
    ("begun:app", "several"),
    ("waiting:shop", r#"{"ado":{"9":3},"clickup":{"t9":4}}"#),
    ("unmarked:ado", "{}"),
    (
        "unmarked:clickup",
        r#"{"item":"t8","marker":"sx1:m","reason":"no marker"}"#,
    ),
    (
        "misanswered:ado",
        r#"{"times":2,"at":27,"until":28,"reason":"another item"}"#,
    ),
    (
        "carriers",
        r#"{"shop":{"ado":{"7":["t6","t7"]},"clickup":{}}}"#,
    ),
    ("epoch", "5"),
    ("key_check", "sx1:k"),
    ("pruned_at", "29"),
    ("clocks_apart_at", r#"{"ado":30,"clickup":32}"#),
];

#[test]
fn an_upgraded_database_equals_a_fresh_one_and_keeps_every_note() {
    let (_folder, path) = folder();
    old(&path, &SETTINGS);
    let upgraded = Store::open(&path).unwrap();
    let mut fresh = Store::open_in_memory().unwrap();
    fresh.connection.execute_batch(RECORDS).unwrap();
    fresh.connection.execute_batch(BASES).unwrap();
    // Why the third link ended is known by its sentence alone.
    let told = r#"UPDATE link SET why = '{"code":"told_before"}' WHERE state = 'tombstone'"#;
    fresh.connection.execute_batch(told).unwrap();
    // No earlier version noted that a token is refused.
    let kept = |note: &NoteOp| !matches!(note, NoteOp::RefusedToken { .. });
    let ops = notes().into_iter().filter(kept).map(Op::Note).collect();
    fresh.commit(&Batch(ops)).unwrap();
    assert_eq!(all_of(&upgraded), all_of(&fresh));
    assert_eq!(upgraded.choices(LinkId(1)).unwrap().len(), 1);
    assert_eq!(upgraded.conflicts(true).unwrap().len(), 1);
    let base = upgraded.base(LinkId(1)).unwrap();
    let old = || FieldValue::text("Old");
    let title = Sided {
        ado: BaseState::Shown(old()),
        clickup: BaseState::Sent(old()),
    };
    assert_eq!((base.len(), &base[&FieldKey::Title]), (3, &title));
    assert_eq!(
        base[&FieldKey::Points].ado,
        BaseState::Shown(FieldValue::Empty)
    );
}

#[test]
fn a_note_comes_back_as_it_was_saved() {
    let mut store = Store::open_in_memory().unwrap();
    store.connection.execute_batch(RECORDS).unwrap();
    // Twice: a note replaces the one before it.
    for _ in 0..2 {
        let ops = notes().into_iter().map(Op::Note).collect();
        store.commit(&Batch(ops)).unwrap();
    }
    for op in notes() {
        match op {
            NoteOp::Revisit { pair, links } => assert_eq!(store.revisits(&pair).unwrap(), links),
            NoteOp::Kept { link, fields } => assert_eq!(store.kept(link).unwrap(), fields),
            NoteOp::Stopped { pair, note } => assert_eq!(store.stop_note(&pair).unwrap(), note),
            NoteOp::Claim { pair, own } => assert_eq!(store.claim(&pair).unwrap(), *own),
            NoteOp::TakenOver { pair, at } => assert_eq!(store.takeover(&pair).unwrap(), Some(at)),
            NoteOp::Restored(mark) => assert_eq!(store.restored().unwrap(), Some(mark)),
            NoteOp::Begun { pair, begun } => assert_eq!(store.begun(&pair).unwrap(), Some(begun)),
            NoteOp::Waiting { pair, items } => assert_eq!(store.waiting(&pair).unwrap(), items),
            NoteOp::Unmarked { side, note } => assert_eq!(store.unmarked(side).unwrap(), note),
            NoteOp::Misanswered { side, note } => {
                assert_eq!(store.misanswered(side).unwrap(), note);
            }
            NoteOp::RefusedToken { service, note } => {
                assert_eq!(store.refused_token(service).unwrap(), note);
            }
            NoteOp::Carriers { pair, carriers } => {
                assert_eq!(store.carriers().unwrap()[&pair], carriers);
            }
            NoteOp::Pruned { at } => assert_eq!(store.pruned_at().unwrap(), Some(at)),
            NoteOp::ClocksApart { told } => assert_eq!(store.clocks_apart().unwrap(), Some(told)),
            NoteOp::KeyCheck { signed } => assert_eq!(store.key_check().unwrap(), Some(signed)),
            NoteOp::Epoch(epoch) => assert_eq!(store.epoch().unwrap(), epoch),
        }
    }
}

#[test]
fn a_note_that_is_replaced_by_nothing_is_gone() {
    let mut store = Store::open_in_memory().unwrap();
    store.connection.execute_batch(RECORDS).unwrap();
    let empty = all_of(&store);
    let link = LinkId(1);
    let ends = [
        NoteOp::Revisit {
            pair: shop(),
            links: BTreeSet::new(),
        },
        NoteOp::Kept {
            link,
            fields: BTreeMap::new(),
        },
        NoteOp::Stopped {
            pair: shop(),
            note: None,
        },
        NoteOp::Waiting {
            pair: shop(),
            items: Waiting::default(),
        },
        NoteOp::Unmarked {
            side: Side::ClickUp,
            note: None,
        },
        NoteOp::Misanswered {
            side: Side::Ado,
            note: None,
        },
        NoteOp::RefusedToken {
            service: Service::ClickUp,
            note: None,
        },
        NoteOp::Carriers {
            pair: shop(),
            carriers: Carriers::default(),
        },
    ];
    let begins = notes().into_iter().filter(|note| {
        let same = |end: &NoteOp| std::mem::discriminant(end) == std::mem::discriminant(note);
        ends.iter().any(same)
    });
    for begin in begins {
        store.note(begin).unwrap();
    }
    assert_ne!(all_of(&store), empty);
    for end in ends {
        store.note(end).unwrap();
    }
    assert_eq!(all_of(&store), empty);
}

#[test]
fn a_damaged_claim_of_before_the_upgrade_is_an_error_and_no_other_pairs() {
    for damaged in [
        "",
        "{",
        "null",
        "[]",
        r#"{"held":null,"wanted":null}"#,
        r#"{"held":{"pair":"shop"},"place":"","wanted":null}"#,
        r#"{"held":null,"place":"","wanted":7}"#,
        r#"{"held":null,"place":"","wanted":null,"since":"x"}"#,
    ] {
        let (_folder, path) = folder();
        let sound = r#"{"held":null,"place":"","wanted":null,"wanted_place":"","since":null}"#;
        old(
            &path,
            &[
                ("claim:shop", damaged),
                ("claim:app", sound),
                ("takeover:shop", "24"),
            ],
        );
        let mut store = Store::open(&path).unwrap();
        let error = store.claim(&shop()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Claim { .. }), "{error:?}");
        assert!(text.contains("`boardsync links takeover shop`"), "{text}");
        assert_eq!(store.claim(&"app".into()).unwrap(), Own::default());
        assert_eq!(store.takeover(&shop()).unwrap(), Some(Timestamp(24)));
        let own = Own {
            held: Some(claim(1)),
            ..Own::default()
        };
        let mended = NoteOp::Claim {
            pair: shop(),
            own: Box::new(own.clone()),
        };
        store.note(mended).unwrap();
        assert_eq!(store.claim(&shop()).unwrap(), own);
    }
}

#[test]
fn a_pair_stays_taken_over_whatever_its_time_says() {
    let (_folder, path) = folder();
    old(&path, &[("takeover:shop", "yesterday")]);
    let store = Store::open(&path).unwrap();
    assert!(store.takeover(&shop()).unwrap().is_some());
    assert_eq!(store.takeover(&"app".into()).unwrap(), None);
}

#[test]
fn a_mark_of_a_restore_that_cannot_be_read_has_every_base_compared_anew() {
    for damaged in [
        "",
        "{",
        "{}",
        r#"{"at":25,"server":{},"trusted":[1]}"#,
        r#"{"at":25,"server":{},"trusted":["shop"],"pairs":[{}]}"#,
    ] {
        let (_folder, path) = folder();
        old(&path, &[("restored", damaged)]);
        let store = Store::open(&path).unwrap();
        let mark = store.restored().unwrap().unwrap();
        // Not long ago: what was made meanwhile is found before anything is created.
        assert!(mark.at > Timestamp(1_700_000_000_000), "{mark:?}");
        assert_eq!((mark.trusted, mark.pairs), (BTreeSet::new(), None));
        assert_eq!(mark.server, Sided::default());
        assert_eq!(store.pair_state(&shop()).unwrap().last_sweep, None);
        assert_eq!(store.choices(LinkId(1)).unwrap().len(), 1);
    }
    let (_folder, path) = folder();
    old(&path, &[]);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.restored().unwrap(), None);
    let state = store.pair_state(&shop()).unwrap();
    assert_eq!(state.last_sweep, Some(Timestamp(8)));
}

#[test]
fn a_damaged_list_of_links_to_look_at_has_every_living_one_looked_at() {
    let (_folder, path) = folder();
    old(&path, &[("again:shop", "[1,")]);
    let store = Store::open(&path).unwrap();
    let living = BTreeSet::from([LinkId(1), LinkId(2)]);
    assert_eq!(store.revisits(&shop()).unwrap(), living);
}

/// No text under any old key keeps the database from being opened.
#[test]
fn whatever_a_setting_held_the_upgrade_goes_through() {
    for text in [
        "",
        "x",
        "null",
        "3",
        "-1",
        "\"s\"",
        "[]",
        "{}",
        "[[]]",
        "[1.5,\"2\",1,99]",
        r#"{"ado":3}"#,
        r#"{"ado":{"x":[1,"t"],"y":7}}"#,
        r#"{"a":{"ado":{"x":[1,"t"]}}}"#,
        r#"{"title":null,"tags":[],"type":{"side":"ado","tries":0}}"#,
    ] {
        let (_folder, path) = folder();
        let settings: Vec<(&str, &str)> = SETTINGS.iter().map(|(key, _)| (*key, text)).collect();
        old(&path, &settings);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.links(&shop()).unwrap().len(), 3, "{text}");
    }
}

#[test]
fn the_copy_before_the_upgrade_is_known_as_one_by_either_schema() {
    let (_folder, path) = folder();
    old(&path, &SETTINGS);
    drop(Store::open(&path).unwrap());
    let copy = open::beside(&path, &format!(".before-schema-{}", open::NEWEST));
    let marks = "SELECT count(*) FROM meta WHERE key = 'is_a_copy'";
    let old = rusqlite::Connection::open(&copy).unwrap();
    let marks: i64 = old.query_row(marks, [], |row| row.get(0)).unwrap();
    assert_eq!(marks, 1);
    drop(old);
    let store = Store::open(&copy).unwrap();
    let state = store.pair_state(&shop()).unwrap();
    assert_eq!(state.fingerprint.as_deref(), Some(RESTORED));
    assert!(store.base(LinkId(1)).unwrap().is_empty());
}

/// Example: somebody edits the database by hand. The choice is not left out in silence, and it can be made again.
#[test]
fn a_damaged_choice_is_an_error_that_says_what_to_do() {
    let mut store = Store::open_in_memory().unwrap();
    store.connection.execute_batch(RECORDS).unwrap();
    let good = store.choices(LinkId(1)).unwrap().remove(0);
    store
        .connection
        .execute_batch("UPDATE choice SET value = '{'")
        .unwrap();
    let text = store.choices(LinkId(1)).unwrap_err().to_string();
    assert!(text.contains("`boardsync conflicts resolve 4`"), "{text}");
    let again = Op::Choice(ChoiceOp::Make(good.clone()));
    store.commit(&Batch(vec![again])).unwrap();
    assert_eq!(store.choices(LinkId(1)).unwrap(), [good]);
}
