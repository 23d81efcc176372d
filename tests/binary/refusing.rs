//! A value that a service refuses: told by name, quiet afterwards, and the rest goes on.

use super::bench::Bench;
use boardsync::sandbox::ado::Snapshot;
use serde_json::json;

fn text(item: &Snapshot, field: &str) -> String {
    let value = item.fields.get(field).and_then(|value| value.as_str());
    value.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_tag_is_told_by_name_and_once() {
    let bench = Bench::equal().await;
    let item = bench.world.ado.item(bench.ids[1]).unwrap();
    let task = bench.task_named(&text(&item, "System.Title"));
    let edit = json!({"name": "Neu", "tags": ["ui", "🤖 bot"]});
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let item = bench.world.ado.item(bench.ids[1]).unwrap();
    assert_eq!(text(&item, "System.Title"), "Neu");
    assert_eq!(text(&item, "System.Tags"), "ui");
    bench
        .run(&["status"])
        .await
        .says("🤖 bot")
        .says("TF401407")
        .says("--retry");
    bench.world.ledger.clear();
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
    ] {
        bench.run(args).await.left_with(3);
    }
    assert_eq!(bench.world.ledger.writes(), []);
    // A dry run shows it as held and not as a write.
    bench.run(&["plan"]).await.left_with(0);
    // Once more on a person's word, and not again after that.
    bench
        .run(&["reconcile", "--once", "--retry"])
        .await
        .left_with(3);
    assert_eq!(bench.world.ledger.writes().len(), 1);
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(bench.world.ledger.writes(), []);
}
