//! A pair that waits for a yes costs a daemon little, costs the other pairs nothing, and loses nothing.

use super::*;
use boardsync::engine::apply::Stopped;
use boardsync::engine::observe::Observed;
use boardsync::reason::YesTo;

const TITLE: &str = "System.Title";
const MINUTE: i64 = 60_000;

impl Instance {
    /// One cycle as the daemon runs it, with what a person has said yes to.
    async fn poll(&self, hashes: &[String], only: &[&str]) -> (Observed, Report) {
        let scope = Scope {
            patient: true,
            only: only.iter().map(|name| (*name).into()).collect(),
            ..Scope::default()
        };
        let mut consent = Consent {
            hashes: hashes.iter().cloned().collect(),
            ..Consent::default()
        };
        let writers = &self.services.writers;
        let ended = self.engine.cycle(writers, &scope, &mut consent).await;
        ended.unwrap().carried_out().unwrap()
    }

    fn hash(observed: &Observed, pair: &str) -> String {
        let plan = observed
            .plan()
            .pairs
            .iter()
            .find(|plan| plan.pair.0 == pair);
        plan.unwrap().hash()
    }
}

async fn two(count: usize) -> (Bench, Instance, Vec<i64>, Vec<i64>) {
    let pairs = pair("web", "Web", LIST) + &pair("mobile", "Mobile", SECOND_LIST);
    let bench = Bench::new(&pairs).await;
    let web = bench.work_items("Web", "Web", count);
    let mobile = bench.work_items("Mobile", "Mobile", count);
    let mut instance = Instance::open(&bench.path).await;
    instance.engine.clock = Arc::new(bench.world.clock.clone());
    (bench, instance, web, mobile)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unapproved_pair_is_planned_in_full_now_and_then_and_the_other_goes_on() {
    let (bench, instance, web, _) = two(10).await;
    let look = instance.engine.observe(&Scope::default()).await.unwrap();
    let yes = [Instance::hash(&look, "web")];
    let (_, report) = instance.poll(&yes, &[]).await;
    assert_eq!(
        report.stopped,
        [("mobile".into(), Stopped::FirstContact(YesTo::First))],
        "web is approved"
    );
    let mut planned = Vec::new();
    let mut total = 0;
    for minute in 1..=60 {
        bench.world.clock.advance(MINUTE);
        bench.world.ledger.clear();
        let (observed, _) = instance.poll(&[], &[]).await;
        let sent = bench.world.ledger.entries();
        total += sent.len();
        if observed.plan().pairs.len() == 2 {
            planned.push(minute);
        } else if minute > 2 {
            assert!(sent.len() <= IDLE, "minute {minute}: {}", show(&sent));
        }
    }
    println!(
        "an hour of polls beside an unapproved pair: {total} requests, planned at {planned:?}"
    );
    assert_eq!(planned, [15, 45]);

    // Meanwhile the other pair is in step, and what happens in the waiting one is not forgotten.
    bench.ado(web[3], TITLE, json!("Renamed"));
    let late = bench.work_items("Mobile", "Late", 1)[0];
    instance.poll(&[], &[]).await;
    let task = instance.counterpart("web", Side::Ado, &web[3].to_string());
    assert_eq!(bench.world.clickup.task(&task).unwrap()["name"], "Renamed");
    let report = instance.cycle().await.unwrap();
    assert_eq!(report.writes(), 11, "a person's yes does not wait");
    instance.counterpart("mobile", Side::Ado, &late.to_string());
    bench.settle(&instance).await;
    assert!(bench.names().values().all(|tasks| *tasks == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_pair_waits_and_is_caught_up_in_full() {
    let (bench, instance, web, mobile) = two(60).await;
    instance.cycle().await.unwrap();
    bench.settle(&instance).await;
    for id in &web {
        bench.ado(*id, TITLE, json!(format!("Renamed {id}")));
    }
    let (observed, report) = instance.poll(&[], &[]).await;
    assert_eq!(report.stopped, [("web".into(), Stopped::Guard)]);
    let yes = [Instance::hash(&observed, "web")];
    let mark = || instance.engine.store().watermark(Side::Ado).unwrap().high;
    let stopped = mark();
    bench.ado(mobile[0], TITLE, json!("Other pair"));
    for _ in 0..3 {
        bench.world.clock.advance(MINUTE);
        let (observed, report) = instance.poll(&[], &[]).await;
        assert!(report.stopped.is_empty(), "{:?}", report.stopped);
        assert_eq!(observed.plan().pairs.len(), 1);
    }
    assert!(mark() > stopped, "or each cycle would list more and more");
    let names = bench.names();
    assert!(
        names.contains_key("Other pair") && !names.contains_key(&format!("Renamed {}", web[0]))
    );
    bench.world.clock.advance(12 * MINUTE);
    let (_, report) = instance.poll(&yes, &[]).await;
    assert_eq!(report.writes(), 60, "{:?}", report.stopped);
    bench.settle(&instance).await;
    let names = bench.names();
    assert!(
        web.iter()
            .all(|id| names.contains_key(&format!("Renamed {id}")))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_of_one_pair_does_not_hide_changes_from_the_other() {
    let (bench, instance, web, mobile) = two(3).await;
    instance.cycle().await.unwrap();
    bench.settle(&instance).await;
    bench.world.clock.advance(30 * MINUTE);
    bench.ado(web[0], TITLE, json!("One"));
    bench.ado(mobile[0], TITLE, json!("Two"));
    bench.world.clock.advance(30 * MINUTE);
    instance.poll(&[], &["web"]).await;
    assert!(bench.names().contains_key("One") && !bench.names().contains_key("Two"));
    instance.poll(&[], &[]).await;
    assert!(bench.names().contains_key("Two"));
    bench.settle(&instance).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_mapping_ends_the_wait_of_a_stopped_pair() {
    let (_bench, mut instance, _, _) = two(1).await;
    instance.poll(&[], &[]).await;
    let (observed, _) = instance.poll(&[], &[]).await;
    assert!(observed.plan().pairs.is_empty(), "both wait for a yes");
    instance.engine.policies[0].fingerprint = "mended".to_owned();
    let (observed, _) = instance.poll(&[], &[]).await;
    assert_eq!(observed.plan().pairs.len(), 1, "looked at again at once");
}
