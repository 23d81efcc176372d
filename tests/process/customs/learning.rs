//! What a running daemon, and a value that is held, learn of the services while they change.

use super::*;
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;

const ROW: &str = "[[pair.field]]\nclickup = \"custom:Severity\"\nado = \"Custom.Note\"\n";

fn add_option(bench: &Bench, id: &str, name: &str) {
    bench.world.clickup.custom_fields(|fields| {
        let severity = fields.iter_mut().find(|field| field.name == "Severity");
        let options = severity.unwrap().type_config["options"].as_array_mut();
        let options = options.unwrap();
        let place = options.len();
        options.push(json!({"id": id, "name": name, "orderindex": place}));
    });
}

/// A daemon has run for a while, and somebody adds an option and chooses it: no restart is needed.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_is_added_while_a_daemon_runs_goes_over() {
    let bench = with_fields(ROW).await;
    let one = bug(&bench, "One", &[("Custom.Note", json!("Critical"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    let mut daemon = bench.daemon();
    edit(&bench, one, &[("System.Title", json!("Uno"))]);
    bench.until(|bench| bench.titles() == ["Uno"]).await;
    add_option(&bench, "0f7c1c5e-5d0e-4e58-9d3f-00000000beef", "Blocker");
    set(
        &bench,
        &task,
        "Severity",
        json!("0f7c1c5e-5d0e-4e58-9d3f-00000000beef"),
    );
    bench
        .until(|bench| field(bench, one, "Custom.Note") == "Blocker")
        .await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// No version of an item tells that its value has a counterpart by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_held_for_want_of_an_option_goes_over_once_there_is_one() {
    let bench = with_fields(ROW).await;
    let one = bug(&bench, "One", &[("Custom.Note", json!("Critical"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, one, &[("Custom.Note", json!("Blocker"))]);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.open_and_quiet().await;
    add_option(&bench, "0f7c1c5e-5d0e-4e58-9d3f-00000000beef", "Blocker");
    bench.forget_names();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Severity"), 2);
    bench.quiet().await;
}

/// An update carries three fields, and the answer to the call for the first one is lost: the others were never sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_never_sent_is_no_doubt() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(
        &bench,
        id,
        &[
            ("Custom.Count", json!(7)),
            ("Custom.Note", json!("new")),
            ("Custom.Size", json!(2.0)),
        ],
    );
    bench.fault(
        Side::ClickUp,
        Some("POST"),
        "/field/",
        Fault::DropAfterApply,
        1,
    );
    bench.run(&["reconcile", "--once"]).await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Count"), "7");
    assert_eq!(value(&bench, &task, "Note"), "new");
    assert_eq!(value(&bench, &task, "Size"), "2");
    let told = bench.run(&["conflicts", "list", "--all", "--json"]).await;
    assert_eq!(told.json()["conflicts"], json!([]));
    bench.quiet().await;
}
