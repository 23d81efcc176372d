//! A changed mapping: everything is compared again, and only what is written is read one by one.

use super::*;

const COUNT: usize = 300;
const POINTS: &str = "Microsoft.VSTS.Scheduling.RemainingWork";

/// Reads of single tasks.
fn reads(sent: &[LedgerEntry]) -> usize {
    let single = |entry: &&LedgerEntry| entry.method == "GET" && entry.path.contains("/v2/task/");
    sent.iter().filter(single).count()
}

/// A back-filled pair whose mapping now has points as well, and the work items that have some.
async fn remapped() -> (Bench, Instance, Vec<i64>) {
    let before = pair("web", "Web", LIST);
    let bench = Bench::new(&before).await;
    let items = bench.work_items("Web", "Story", COUNT);
    let estimated: Vec<i64> = items.iter().copied().step_by(100).collect();
    for id in &estimated {
        bench.ado(*id, POINTS, json!(5));
    }
    let instance = Instance::open(&bench.path).await;
    instance.cycle().await.unwrap();
    bench.settle(&instance).await;
    drop(instance);
    let more = format!(
        "[[pair.field]]\nado = \"{POINTS}\"\nclickup = \"points\"\ndirection = \"to_clickup\"\n"
    );
    let text = std::fs::read_to_string(&bench.path).unwrap();
    std::fs::write(&bench.path, text + &more).unwrap();
    let instance = Instance::open(&bench.path).await;
    (bench, instance, estimated)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_mapping_reads_one_by_one_only_what_it_writes() {
    let (bench, instance, estimated) = remapped().await;
    let (sent, report) = bench.cycle(&instance).await;
    println!("mapping change on {COUNT} links: {}", show(&sent));
    assert_eq!(report.failures(), 0, "{:#?}", report.outcomes);
    assert_eq!(report.writes(), estimated.len());
    assert_eq!(reads(&sent), estimated.len(), "{}", show(&sent));
    for id in &estimated {
        let task = instance.counterpart("web", Side::Ado, &id.to_string());
        assert_eq!(bench.world.clickup.task(&task).unwrap()["points"], json!(5));
    }
    // Pages with one read again, a look for archived tasks and one at the list; the query, revisions and items of two
    // batches, types, and the feed of links.
    let most = (COUNT / 100 + 1 + 3) + (1 + 2 + 2 + 2 + 1) + 2 * estimated.len() + 2;
    assert!(sent.len() <= most, "{} > {most}", show(&sent));
    bench.settle(&instance).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_edited_after_the_listing_is_not_overwritten() {
    let (bench, instance, estimated) = remapped().await;
    let task = instance.counterpart("web", Side::Ado, &estimated[1].to_string());
    let engine = &instance.engine;
    let observed = engine.observe(&Scope::default()).await.unwrap();
    let edit = json!({"name": "Renamed meanwhile"});
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.world.ledger.clear();
    let yes = Consent {
        first_contact: true,
        ..Consent::default()
    };
    let writers = &instance.services.writers;
    let report = engine.apply(writers, &observed, &yes).await.unwrap();
    assert_eq!(report.writes(), estimated.len() - 1);
    assert_eq!(report.failures(), 1, "{:#?}", report.outcomes);
    let sent = bench.world.ledger.entries();
    let touched = |entry: &&LedgerEntry| entry.is_write() && entry.path.contains(&task);
    assert_eq!(sent.iter().filter(touched).count(), 0, "{}", show(&sent));
    // The next look takes both: the name to ADO, the points to ClickUp.
    instance.cycle().await.unwrap();
    let shown = bench.world.ado.item(estimated[1]).unwrap();
    assert_eq!(
        shown.fields.get("System.Title"),
        Some(&json!("Renamed meanwhile"))
    );
    assert_eq!(bench.world.clickup.task(&task).unwrap()["points"], json!(5));
    bench.settle(&instance).await;
}
