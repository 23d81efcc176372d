//! What the commands say that only look, and `conflicts resolve`.

use super::bench::{ADO_TOKEN, Bench, CLICKUP_TOKEN, Ran};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_pair_is_shown_as_such() {
    let bench = Bench::equal().await;
    bench
        .run(&["status"])
        .await
        .left_with(0)
        .says("web")
        .says("ok");
    let status = bench.run(&["status", "--json"]).await.left_with(0).json();
    assert_eq!(status["pairs"][0]["links"], 5);
    let task = bench.task_named("Guest can enter an address");
    bench
        .run(&["links", "list"])
        .await
        .left_with(0)
        .says(&task)
        .says("active");
    bench
        .run(&["why", "2"])
        .await
        .left_with(0)
        .says("unchanged")
        .says("Guest can enter");
    bench
        .run(&["history", "2"])
        .await
        .left_with(0)
        .says("create");
    bench
        .run(&["history", &task])
        .await
        .left_with(0)
        .says("create");
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("no conflicts");
    bench.run(&["why", "4711"]).await.left_with(64).says("4711");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_shown_with_its_title_and_settled() {
    let edit = json!({ "name": "Theirs", "tags": ["urgent"] });
    let bench = Bench::contested(&edit).await;
    bench.run(&["status"]).await.left_with(3);
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("1 open")
        .says("title");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    for text in ["Ours", "Theirs", "resolve 1 --take ado"] {
        assert!(shown.out.contains(text), "{text}\n{}", shown.out);
    }
    bench.run(&["why", "4"]).await.left_with(0).says("conflict");
    bench
        .run(&["conflicts", "show", "99"])
        .await
        .left_with(64)
        .says("99");
    bench
        .run(&["conflicts", "resolve", "1", "--take", "clickup"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(
        bench.world.ado.item(bench.ids[3]).unwrap().fields["System.Title"],
        "Theirs"
    );
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("no open conflicts; 1 settled");
    bench
        .run(&["history", "4"])
        .await
        .left_with(0)
        .says("Ours")
        .says("Theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_no_output_log_or_file() {
    let bench = Bench::new().await;
    let mut seen: Vec<Ran> = Vec::new();
    for args in [
        &["-vvv", "check"][..],
        &["-vvv", "plan", "--out", "p"],
        &["-vvv", "reconcile", "--once", "--yes"],
        &["-vvv", "reconcile", "--once", "--full"],
        &["-vvv", "status"],
        &["-vvv", "history", "2"],
    ] {
        seen.push(bench.run(args).await.left_with(0));
    }
    bench.world.clickup.set_token("another");
    seen.push(
        bench
            .run(&["-vvv", "reconcile", "--once"])
            .await
            .left_with(77),
    );
    assert!(
        seen.iter().any(|ran| ran.err.len() > 200),
        "the log is empty"
    );
    for token in [ADO_TOKEN, CLICKUP_TOKEN] {
        for ran in &seen {
            assert!(
                !ran.out.contains(token) && !ran.err.contains(token),
                "{ran:?}"
            );
        }
        for (name, bytes) in bench.files() {
            let found = bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes());
            assert!(!found || name.ends_with(".token"), "{token} is in {name}");
        }
    }
}
