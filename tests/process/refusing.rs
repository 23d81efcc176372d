//! A value that a service refuses: told by name, quiet afterwards, and the rest goes on.

use super::bench::Bench;
use boardsync::sandbox::ado::{CustomRule, FieldDef, Kind, Snapshot};
use boardsync::sandbox::world::LIST;
use serde_json::{Value, json};

const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
const CAUSE: &str = "Custom.RootCause";
const REMAINING: &str = "Microsoft.VSTS.Scheduling.RemainingWork";

fn text(item: &Snapshot, field: &str) -> String {
    let value = item.fields.get(field).and_then(|value| value.as_str());
    value.unwrap_or_default().to_owned()
}

/// A settled board, one of its tasks with the work item that belongs to it, and another work item.
async fn settled() -> (Bench, i64, String, i64) {
    let bench = Bench::equal().await;
    let (id, other) = (bench.ids[3], bench.ids[2]);
    let task = bench.task_named("Validate postcodes");
    (bench, id, task, other)
}

fn field(bench: &Bench, id: i64, name: &str) -> Value {
    let item = bench.world.ado.item(id).unwrap();
    item.fields.get(name).cloned().unwrap_or_default()
}

fn on_task(bench: &Bench, task: &str, name: &str) -> Value {
    bench.world.clickup.task(task).unwrap()[name].clone()
}

/// Nothing more is sent, however often one looks, and the exit code goes on saying that something is held.
async fn held_and_quiet(bench: &Bench) {
    bench.world.ledger.clear();
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
    ] {
        bench.run(args).await.left_with(3);
    }
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_may_not_be_made_is_told_by_name_and_the_rest_flows() {
    let (bench, id, task, other) = settled().await;
    bench
        .world
        .ado
        .quirks(|quirks| quirks.may_create_tags = false);
    let edit = json!({"name": "Neu", "priority": 1, "tags": ["Checkout", "nowhere yet"]});
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.rename(other, "Renamed in Azure DevOps");
    // A right that is missing for a tag is none that the token lacks as a whole: not 77.
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(field(&bench, id, "System.Title"), "Neu");
    assert_eq!(field(&bench, id, PRIORITY), 1);
    assert_eq!(field(&bench, id, "System.Tags"), "Checkout");
    assert!(
        bench
            .titles()
            .contains(&"Renamed in Azure DevOps".to_owned())
    );
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("nowhere yet")
        .says("TF401289")
        .says("--retry");
    held_and_quiet(&bench).await;
    // The right is given: nothing tells boardsync, so a person does.
    bench
        .world
        .ado
        .quirks(|quirks| quirks.may_create_tags = true);
    bench
        .run(&["reconcile", "--once", "--retry"])
        .await
        .left_with(0);
    let tags = field(&bench, id, "System.Tags").to_string();
    assert!(tags.contains("nowhere yet"), "{tags}");
    bench.run(&["status"]).await.left_with(0);
    bench.quiet().await;
}

/// Closing needs a value in a field that is not mapped.
fn closing_needs_a_cause(bench: &Bench, named: bool) {
    bench.world.ado.add_field(FieldDef {
        reference: CAUSE.to_owned(),
        name: "Root Cause".to_owned(),
        kind: Kind::String,
        server_only: false,
    });
    bench.world.ado.add_rule(CustomRule::Required {
        state: "Closed".to_owned(),
        field: CAUSE.to_owned(),
        named,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_a_field_that_was_not_sent_keeps_back_the_state_alone() {
    for named in [true, false] {
        let (bench, id, task, other) = settled().await;
        closing_needs_a_cause(&bench, named);
        let before = field(&bench, id, "System.State");
        let edit = json!({"name": "Neu", "priority": 1, "status": "complete"});
        bench.world.clickup.edit(&task, &edit).unwrap();
        bench.rename(other, "Renamed in Azure DevOps");
        bench.run(&["reconcile", "--once"]).await.left_with(3);
        assert_eq!(field(&bench, id, "System.Title"), "Neu");
        assert_eq!(field(&bench, id, PRIORITY), 1);
        assert_eq!(field(&bench, id, "System.State"), before);
        assert_eq!(on_task(&bench, &task, "status")["status"], "complete");
        assert!(
            bench
                .titles()
                .contains(&"Renamed in Azure DevOps".to_owned())
        );
        let ran = bench.run(&["status"]).await.left_with(3);
        let ran = ran.says("status").says("\"Closed\"").says("TF401320");
        assert_eq!(ran.out.contains("Root Cause"), named, "{}", ran.out);
        let why = bench.run(&["why", &id.to_string()]).await.left_with(0);
        why.says("TF401320");
        held_and_quiet(&bench).await;
        // What the rule misses is filled in. That is an edit, so nobody has to say more.
        let cause = [(CAUSE, json!("a typo"))];
        bench
            .world
            .ado
            .edit(id, &cause, "ada@contoso.example")
            .unwrap();
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        assert_eq!(field(&bench, id, "System.State"), "Closed");
        bench.run(&["status"]).await.left_with(0);
        bench.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_item_whose_state_a_rule_refuses_is_made_once_and_told() {
    let bench = Bench::equal().await;
    closing_needs_a_cause(&bench, true);
    for (name, status) in [("Done already", "complete"), ("Still open", "to do")] {
        let body = json!({"name": name, "status": status, "priority": 1});
        bench.world.clickup.create_task(LIST, &body).unwrap();
    }
    // A work item is made in the first state of its type, and moved on from there.
    bench.run(&["reconcile", "--once"]).await;
    let made = |title: &str| {
        let ids = bench.world.ado.all_ids().into_iter();
        let named = ids.filter(|id| field(&bench, *id, "System.Title") == title);
        named.collect::<Vec<_>>()
    };
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(made("Still open").len(), 1);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("\"Closed\"")
        .says("Root Cause")
        .says("TF401320");
    held_and_quiet(&bench).await;
    let [id] = made("Done already")[..] else {
        panic!("not made, or made twice");
    };
    assert_eq!(field(&bench, id, PRIORITY), 1);
    bench.world.ado.clear_rules();
    bench
        .run(&["reconcile", "--once", "--retry"])
        .await
        .left_with(0);
    assert_eq!(field(&bench, id, "System.State"), "Closed");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_new_state_makes_read_only_keeps_back_itself_alone() {
    let bench = Bench::new().await;
    let row = format!("\n[[pair.field]]\nado = \"{REMAINING}\"\nclickup = \"time_estimate\"\n");
    let text = std::fs::read_to_string(&bench.config).unwrap();
    std::fs::write(&bench.config, format!("{text}{row}")).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let (id, task) = (bench.ids[3], bench.task_named("Validate postcodes"));
    let edit = json!({"name": "Neu", "status": "complete", "time_estimate": 7_200_000});
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.rename(bench.ids[2], "Renamed in Azure DevOps");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(field(&bench, id, "System.Title"), "Neu");
    assert_eq!(field(&bench, id, "System.State"), "Closed");
    assert_eq!(field(&bench, id, REMAINING), Value::Null);
    assert!(
        bench
            .titles()
            .contains(&"Renamed in Azure DevOps".to_owned())
    );
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("time_estimate")
        .says("Remaining Work");
    held_and_quiet(&bench).await;
    // Nobody took the estimate away from the person who gave it.
    assert_eq!(on_task(&bench, &task, "time_estimate"), 7_200_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_changes_in_our_own_save_is_carried_over_and_is_nobodys_edit() {
    let (bench, id, task, _) = settled().await;
    bench.world.ado.add_rule(CustomRule::Sets {
        state: "Closed".to_owned(),
        field: PRIORITY.to_owned(),
        value: json!(4),
    });
    let edit = json!({"status": "complete"});
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, "System.State"), "Closed");
    assert_eq!(field(&bench, id, PRIORITY), 4);
    assert_eq!(on_task(&bench, &task, "priority")["id"], "4");
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("no conflicts");
    bench.run(&["verify"]).await.left_with(0);
    bench.quiet().await;
    // What a person says afterwards wins as ever.
    bench
        .world
        .clickup
        .edit(&task, &json!({"priority": 1}))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, PRIORITY), 1);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_against_the_value_of_the_same_edit_is_told_with_both_values() {
    let (bench, id, task, _) = settled().await;
    bench.world.ado.add_rule(CustomRule::Sets {
        state: "Closed".to_owned(),
        field: PRIORITY.to_owned(),
        value: json!(4),
    });
    let edit = json!({"name": "Neu", "status": "complete", "priority": 1});
    bench.world.clickup.edit(&task, &edit).unwrap();
    for _ in 0..8 {
        bench.run(&["reconcile", "--once"]).await;
    }
    assert_eq!(field(&bench, id, "System.State"), "Closed");
    assert_eq!(field(&bench, id, "System.Title"), "Neu");
    // The rule acts on entering the state only, so sending the person's value again may settle it. Else it is held, and
    // said with both values.
    assert_eq!(on_task(&bench, &task, "priority")["id"], "1");
    if field(&bench, id, PRIORITY) == 1 {
        bench.run(&["status"]).await.left_with(0);
        bench.quiet().await;
    } else {
        bench.run(&["status"]).await.left_with(3).says("priority");
        held_and_quiet(&bench).await;
    }
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
