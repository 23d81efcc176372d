//! Rules whose breach would lose or delete something and shows only in rare circumstances: what a sweep, a clock, a
//! mapping or a half-done action may and may not conclude.

use crate::sync_rules::bench::*;
use boardsync::clock::ManualClock;
use boardsync::engine::apply::Stopped;
use boardsync::model::{
    BaseState, Clock as _, FieldKey, FieldValue, LinkId, Service, Side, Subject, Timestamp,
};
use boardsync::reason::{HoldWhy, Reason};
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::{LIST, World};
use boardsync::store::{Batch, HoldRow, Op};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const ALWAYS: u32 = u32::MAX;
const HOUR: i64 = 3_600_000;

fn refuse(t: &Bench, service: Side, method: &str, path: &str) {
    fail(t, 400, service, method, path);
}

fn fail(t: &Bench, status: u16, service: Side, method: &str, path: &str) {
    t.world.faults.add(FaultRule {
        service: service.into(),
        method: Some(method.to_owned()),
        path_contains: path.to_owned(),
        fault: Fault::Status {
            status,
            body: r#"{"err":"made up","ECODE":"TEST_000","message":"TF401320: made up","typeKey":"RuleValidationException"}"#.to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: ALWAYS,
    });
}

fn link_of(t: &Bench, task: &str) -> LinkId {
    let store = t.engine().store();
    let link = store.link_by_item(&"web".into(), Side::ClickUp, &task.into());
    link.unwrap().unwrap().id
}

/// Has the title count as sent to these sides and not shown by them yet, as after answers that left it out.
fn open_title(t: &Bench, link: LinkId, sides: &[Side]) {
    let mut store = t.engine().store();
    let mut fields = store.base(link).unwrap();
    fields.retain(|key, _| *key == FieldKey::Title);
    for side in sides {
        let half = fields.get_mut(&FieldKey::Title).unwrap().get_mut(*side);
        *half = BaseState::Sent(half.value().clone());
    }
    let base = Op::SetBase { link, fields };
    store.commit(&Batch(vec![base])).unwrap();
}

/// Puts the local clock of the running instance `ms` away from the true time, where it stands still.
fn set_clock(t: &mut Bench, ms: i64) -> ManualClock {
    let engine = &mut t.instance.as_mut().unwrap().engine;
    let clock = ManualClock::new(boardsync::clock::SystemClock.now().plus_ms(ms));
    engine.clock = Arc::new(clock.clone());
    clock
}

#[tokio::test]
async fn a_failed_close_keeps_the_link_and_is_tried_again() {
    let t = bench("on_delete = \"close\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.world.ado.delete(id);
    t.sweep().await;
    assert_eq!(t.status(&task), "to do");
    assert!(
        t.link_state(id).is_living(),
        "a link whose close failed is the only memory that there is something to close"
    );
    assert!(!t.holds().is_empty(), "the failure is told");
    t.world.faults.clear();
    let clock = ManualClock::new(boardsync::clock::SystemClock.now().plus_ms(HOUR));
    let mut t = t;
    t.instance.as_mut().unwrap().engine.clock = Arc::new(clock);
    t.sweep().await;
    assert_eq!(t.status(&task), "complete");
    assert!(!t.link_state(id).is_living());
}

/// Of ten linked pairs three cannot be seen in their list any more: one known item must be readable before anything of
/// that is believed. Of two (a fifth) it need not be.
#[tokio::test]
async fn a_known_item_is_read_when_more_than_a_fifth_is_missing() {
    for (gone, believed) in [(2, true), (3, false)] {
        let t = bench("").await;
        let mut tasks = Vec::new();
        for _ in 0..10 {
            t.create("Task", &[]);
        }
        t.cycle().await;
        t.quiet().await;
        for id in t.world.ado.all_ids() {
            tasks.push(t.task_of(id).unwrap());
        }
        for task in &tasks[..gone] {
            t.world.clickup.move_to_list(task, "901100000003").unwrap();
        }
        // The newest link that is not in doubt is the one that is read.
        t.world.faults.add(FaultRule {
            service: Service::ClickUp,
            method: Some("GET".to_owned()),
            path_contains: format!("/task/{}", tasks[9]),
            fault: Fault::Status {
                status: 401,
                body: r#"{"err":"no access","ECODE":"ACCESS_083"}"#.to_owned(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
            skip: 0,
            times: ALWAYS,
        });
        let (_, report) = t.sweep().await;
        let stopped = matches!(&report.stopped[..], [(_, Stopped::Canary(_))]);
        assert_eq!(!stopped, believed, "{gone} of 10: {:?}", report.stopped);
    }
}

/// The clock was a year ahead when everything was listed and when an item failed. Once it is right again, neither the
/// next sweep nor the next try may wait for that year.
#[tokio::test]
async fn a_clock_that_was_ahead_delays_neither_a_sweep_nor_a_retry() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    set_clock(&mut t, 365 * 24 * HOUR);
    fail(&t, 500, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    t.sweep().await;
    assert!(t.holds().iter().any(|hold| hold.retry_at.is_some()));
    t.world.faults.clear();
    set_clock(&mut t, 0);
    let (observed, _) = t.cycle().await;
    assert!(
        !observed.findings().swept.is_empty(),
        "a sweep is due at once"
    );
    assert_eq!(t.task(&task)["name"], "Renamed");
    assert_eq!(t.holds(), []);
}

/// An hour is too little for a sweep to be due by it, so a link that waits comes back by its hold alone.
#[tokio::test]
async fn a_hold_of_a_clock_that_was_ahead_is_due_at_once() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let link = link_of(&t, &task);
    let now = boardsync::clock::SystemClock.now();
    for (since, due) in [(-HOUR, false), (HOUR, true)] {
        let hold = HoldRow {
            pair: "web".into(),
            link: Some(link),
            side: Some(Side::Ado),
            item: Some(id.to_string().as_str().into()),
            subject: Subject::Item,
            why: HoldWhy::told_before("made up".to_owned()),
            since: now.plus_ms(since),
            tries: 1,
            retry_at: Some(now.plus_ms(2 * HOUR)),
        };
        let holds = Op::SetHolds {
            pair: "web".into(),
            holds: vec![hold],
        };
        t.engine().store().commit(&Batch(vec![holds])).unwrap();
        let scope = boardsync::engine::Scope::default();
        let observed = t.engine().observe(&scope).await.unwrap();
        assert!(
            observed.findings().swept.is_empty(),
            "this is about a delta"
        );
        let links = observed.findings().links.values().flatten();
        let looked_at = links.filter(|(looked_at, _)| *looked_at == link).count();
        assert_eq!(looked_at > 0, due, "held since {since} ms from now");
    }
}

/// What held an item is gone as soon as its cause is, and not at the next sweep hours later.
#[tokio::test]
async fn a_hold_ends_with_its_cause_and_waits_for_no_sweep() {
    let t = bench("").await;
    t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "POST", "/task");
    let id = t.create("Task", &[(TITLE, json!("Not taken"))]);
    t.cycle().await;
    assert_eq!(t.holds().len(), 1);
    t.world.faults.clear();
    t.ado(id, TITLE, json!("Taken"));
    let (observed, _) = t.cycle().await;
    assert!(
        observed.findings().swept.is_empty(),
        "this is about a delta"
    );
    assert!(t.task_of(id).is_some());
    assert_eq!(t.holds(), []);
    // One that could not be read and is there again.
    let task = t.task_of(id).unwrap();
    t.world.clickup.hide(&task, true);
    t.ado(id, TITLE, json!("Unseen"));
    t.cycle().await;
    assert_eq!(t.holds().len(), 1);
    t.world.clickup.hide(&task, false);
    t.ado(id, TITLE, json!("Seen"));
    let (observed, _) = t.cycle().await;
    assert!(
        observed.findings().swept.is_empty(),
        "this is about a delta"
    );
    assert_eq!(t.task(&task)["name"], "Seen");
    assert_eq!(t.holds(), []);
}

/// An item that was refused waits longer and longer, and in the end for a person. Another mapping is what a person does
/// about it, so the failures of the old one no longer count.
#[tokio::test]
async fn failures_under_another_mapping_do_not_count() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    for _ in 0..6 {
        t.sweep().await;
    }
    t.world.faults.clear();
    t.sweep().await;
    assert_ne!(t.task(&task)["name"], "Renamed", "it waits");
    let pair = format!("{}create = \"ado\"\n", World::example_pair());
    t.path = t.world.write_config(t.folder.path(), &pair).unwrap();
    t.open().await;
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Renamed");
    assert_eq!(t.holds(), []);
}

/// ClickUp tests no version, so a write stands on a read of the last second. A clock that was set back since makes that
/// read's age negative: then nobody knows how old it is, and the task is read again right before the write.
#[tokio::test]
async fn a_read_from_before_the_clock_was_set_back_is_no_ground_for_a_write() {
    for (ms, again) in [(0, false), (-HOUR, true)] {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        let clock = set_clock(&mut t, 0);
        t.ado(id, TITLE, json!("Renamed"));
        let observed = {
            let instance = t.instance.as_ref().unwrap();
            instance
                .engine
                .observe(&boardsync::engine::Scope::default())
                .await
                .unwrap()
        };
        clock.set(clock.now().plus_ms(ms));
        t.world.ledger.clear();
        t.apply(&observed).await;
        let read = format!("/task/{task}");
        let entries = t.world.ledger.entries();
        let put = entries
            .iter()
            .position(|entry| entry.method == "PUT")
            .expect("it is written");
        let reads = entries[..put]
            .iter()
            .filter(|entry| entry.method == "GET" && entry.path.contains(&read));
        assert_eq!(
            reads.count() > 0,
            again,
            "clock set by {ms} ms: {entries:#?}"
        );
    }
}

/// `status` says how long something waits, and that is not since the last try.
#[tokio::test]
async fn an_item_that_fails_again_and_again_waits_since_the_first_time() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    fail(&t, 500, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    t.cycle().await;
    let first = t.holds()[0].since;
    for hours in [2, 4] {
        set_clock(&mut t, hours * HOUR);
        t.world.ledger.clear();
        t.cycle().await;
        assert_eq!(t.world.ledger.writes().len(), 1, "tried again");
        let holds = t.holds();
        assert_eq!((holds.len(), holds[0].since), (1, first));
    }
}

/// The feed of changed links goes on from a token; from the beginning it would be read for ever, from now on it would
/// pass over what changed between two sweeps.
#[tokio::test]
async fn a_sweep_keeps_the_place_in_the_feed_of_changed_links() {
    let t = bench("").await;
    t.linked("Task", &[]).await;
    let token = || t.engine().store().watermark(Side::Ado).unwrap().link_token;
    t.cycle().await;
    let before = token();
    assert!(before.is_some());
    t.sweep().await;
    assert_eq!(token(), before);
}

/// The watermarks move on without a pair that cannot be listed, so only a full listing shows what changed meanwhile.
#[tokio::test]
async fn a_pair_whose_list_was_gone_is_listed_in_full_as_soon_as_it_is_back() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    assert!(t.world.clickup.archive_list(LIST, true));
    let (observed, _) = t.sweep().await;
    assert_eq!(observed.findings().troubled.len(), 1);
    t.ado(id, TITLE, json!("Meanwhile"));
    t.cycle().await;
    assert!(t.world.clickup.archive_list(LIST, false));
    let scope = boardsync::engine::Scope::default();
    let observed = t.engine().observe(&scope).await.unwrap();
    assert_eq!(observed.findings().swept.len(), 1);
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Meanwhile");
}

/// Nor do they make the first failure of the new mapping the seventh: that would be a quarantine at once.
#[tokio::test]
async fn the_first_failure_under_another_mapping_is_the_first() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    fail(&t, 500, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    let failures = |t: &Bench| t.engine().store().attempts(None).unwrap()[0].failures;
    for hours in 0..3 {
        set_clock(&mut t, 2 * hours * HOUR);
        t.cycle().await;
    }
    assert_eq!(failures(&t), 3);
    let pair = format!("{}create = \"ado\"\n", World::example_pair());
    t.path = t.world.write_config(t.folder.path(), &pair).unwrap();
    t.open().await;
    t.cycle().await;
    assert_eq!(failures(&t), 1);
}

/// As with failures: what a person does about a refused value is another mapping, or the service's own rules.
#[tokio::test]
async fn a_value_that_was_refused_under_another_mapping_is_sent_again() {
    let mut t = bench("").await;
    let (_, task) = t.linked("Task", &[]).await;
    t.clickup(&task, json!({"tags": ["🤖 bot"]}));
    t.cycle().await;
    let writes = |t: &Bench| t.world.ledger.writes().len();
    t.world.ledger.clear();
    t.sweep().await;
    assert_eq!((t.holds().len(), writes(&t)), (1, 0), "not again");
    let pair = format!("{}create = \"ado\"\n", World::example_pair());
    t.path = t.world.write_config(t.folder.path(), &pair).unwrap();
    t.open().await;
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!((t.holds().len(), writes(&t) > 0), (1, true));
}

/// The service says yes and keeps the old status: nothing is closed, and without the link nobody would ever look again.
#[tokio::test]
async fn a_close_that_a_service_did_not_take_keeps_the_link() {
    let t = bench("on_delete = \"close\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.clickup.keep_quietly("status", None);
    t.world.ado.delete(id);
    t.sweep().await;
    assert_eq!(t.status(&task), "to do");
    assert!(t.link_state(id).is_living());
    assert!(!t.holds().is_empty(), "it is told");
}

/// What an answer left out may be told by a listing only as long as it shows the version of that very write. A title that
/// a later version shows is a person's: it stands in the conflict, and no listing makes a base of it.
#[tokio::test]
async fn a_value_of_a_later_version_is_never_agreed_by_being_listed() {
    let t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    open_title(&t, link_of(&t, &task), &[Side::ClickUp]);
    t.ado(id, TITLE, json!("Other"));
    t.clickup(&task, json!({"name": "Human"}));
    t.cycle().await;
    for _ in 0..3 {
        t.sweep().await;
    }
    assert_eq!(t.string(id, TITLE), "Other");
    assert_eq!(t.task(&task)["name"], "Human");
    assert_eq!(t.open_conflicts(), 1);
}

/// Both titles were sent and neither answer showed its one. From a later version on each may be a person's: if one half
/// went on waiting, the next read would take that person's title for what the service made of ours, and the other one would
/// go over it.
#[tokio::test]
async fn both_halves_of_a_field_end_their_wait_in_one_cycle() {
    for titles in [true, false] {
        let t = bench("conflict = \"hold\"").await;
        let (id, task) = t.linked("Task", &[]).await;
        let link = link_of(&t, &task);
        open_title(&t, link, &Side::BOTH);
        // Two other titles are a conflict, so that nothing is written; what is not synced only makes a new version.
        if titles {
            t.ado(id, TITLE, json!("Other"));
            t.clickup(&task, json!({"name": "Human"}));
        } else {
            t.ado(id, "System.History", json!("Called the customer"));
            t.clickup(&task, json!({"points": 5}));
        }
        t.world.ledger.clear();
        t.cycle().await;
        assert_eq!(t.world.ledger.writes().len(), 0, "titles {titles}");
        let base = t.engine().store().base(link).unwrap();
        let waits = base[&FieldKey::Title]
            .as_ref()
            .map(|_, half| half.is_sent());
        assert_eq!(
            (waits.ado, waits.clickup),
            (false, false),
            "titles {titles}"
        );
        // Both items are read again, and the one in Azure DevOps at the version that is known.
        t.clickup(&task, json!({"points": 8}));
        t.cycle().await;
        let names = if titles {
            ["Other", "Human"]
        } else {
            ["Item"; 2]
        };
        assert_eq!(t.string(id, TITLE), names[0]);
        assert_eq!(t.task(&task)["name"], names[1]);
        assert_eq!(t.open_conflicts(), usize::from(titles));
    }
}

/// The sweep shows what was sent last time, and then the same cycle sends something newer.
#[tokio::test]
async fn what_a_cycle_writes_is_newer_than_what_it_has_listed() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let link = link_of(&t, &task);
    open_title(&t, link, &[Side::ClickUp]);
    t.ado(id, TITLE, json!("Newer"));
    let (observed, _) = t.sweep().await;
    assert!(
        !observed.findings().looks.is_empty(),
        "the listing told of it"
    );
    let base = t.engine().store().base(link).unwrap();
    assert_eq!(
        base[&FieldKey::Title].ado.value(),
        &FieldValue::text("Newer")
    );
    assert_eq!(
        base[&FieldKey::Title].clickup.value(),
        &FieldValue::text("Newer")
    );
}

/// What a person decided is not dropped because the write has to wait.
#[tokio::test]
async fn a_choice_waits_while_a_service_refuses_it() {
    let mut t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let link = link_of(&t, &task);
    t.ado(id, TITLE, json!("Ours"));
    t.clickup(&task, json!({"name": "Theirs"}));
    t.cycle().await;
    t.take("clickup").await;
    refuse(&t, Side::Ado, "PATCH", "/workitems/");
    for _ in 0..2 {
        t.sweep().await;
        assert_eq!(t.string(id, TITLE), "Ours");
        assert_eq!(t.engine().store().choices(link).unwrap().len(), 1);
    }
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Theirs");
    assert_eq!(t.engine().store().choices(link).unwrap(), []);
    assert_eq!(t.open_conflicts(), 0);
    t.quiet().await;
}

/// The service says yes and keeps its own title: the choice is not carried out, so it is not ticked off.
#[tokio::test]
async fn a_choice_that_a_service_did_not_take_is_not_spent() {
    let mut t = bench("conflict = \"hold\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let link = link_of(&t, &task);
    t.ado(id, TITLE, json!("Ours"));
    t.clickup(&task, json!({"name": "Theirs"}));
    t.cycle().await;
    t.take("ado").await;
    t.world.clickup.keep_quietly("name", None);
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Theirs");
    assert_eq!(t.engine().store().choices(link).unwrap().len(), 1);
    t.world.clickup.clear_quiet();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Ours");
    assert_eq!(t.engine().store().choices(link).unwrap(), []);
}

/// Time that passes whenever somebody asks for it.
struct Hurried(AtomicI64);

impl boardsync::model::Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_100, Ordering::SeqCst))
    }
}

/// While a refused update is taken apart, time goes by; each part stands on a read of the last second like any write.
#[tokio::test]
async fn the_parts_of_a_refused_update_stand_on_fresh_reads() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let path = format!("/task/{task}");
    t.ado(id, TITLE, json!("Renamed"));
    t.ado(id, "Microsoft.VSTS.Common.Priority", json!(1));
    refuse(&t, Side::ClickUp, "PUT", &path);
    let now = boardsync::clock::SystemClock.now().0;
    let engine = &mut t.instance.as_mut().unwrap().engine;
    engine.clock = Arc::new(Hurried(AtomicI64::new(now)));
    t.world.ledger.clear();
    t.cycle().await;
    let entries = t.world.ledger.entries();
    let ours = entries.iter().filter(|entry| entry.path.contains(&path));
    let methods: Vec<&str> = ours.map(|entry| entry.method.as_str()).collect();
    let puts = methods.iter().filter(|method| **method == "PUT").count();
    assert!(puts > 1, "{methods:?}");
    let unread = methods.windows(2).any(|two| two == ["PUT", "PUT"]);
    assert!(!unread, "{methods:?}");
}

/// Where a create is to be looked for may be gone; that is one pair's trouble, and the others are recovered and synced.
#[tokio::test]
async fn a_lost_create_that_cannot_be_looked_for_stays_open_and_stops_nobody() {
    let t = bench("").await;
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("POST".to_owned()),
        path_contains: "/task".to_owned(),
        fault: Fault::DropBeforeApply,
        skip: 0,
        times: 1,
    });
    t.create("Task", &[]);
    t.cycle().await;
    assert_eq!(t.engine().store().open_intents().unwrap().len(), 1);
    refuse(&t, Side::ClickUp, "GET", "/team/");
    assert_eq!(t.engine().recover().await.unwrap().open, 1);
}

/// A replica of Azure DevOps that lags answers a listing: it shows the title from before our own write.
#[tokio::test]
async fn a_listing_older_than_our_own_write_undoes_no_edit() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let old = t.world.ado.item(id).unwrap();
    t.clickup(&task, json!({"name": "Edited in ClickUp"}));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Edited in ClickUp");
    t.stale_once(&old);
    for _ in 0..3 {
        t.cycle().await;
        assert_eq!(t.task(&task)["name"], "Edited in ClickUp");
    }
    assert_eq!(t.string(id, TITLE), "Edited in ClickUp");
    t.quiet().await;
}
