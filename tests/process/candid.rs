//! What is told is what is so: of what nobody can be let in by, of what was refused, and of what only the database knows.

use super::bench::{Bench, Ran};
use serde_json::{Value, json};

#[track_caller]
fn lacks(ran: &Ran, text: &str) {
    for output in [&ran.out, &ran.err] {
        let joined = output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!joined.contains(text), "{text:?}\n{}{}", ran.out, ran.err);
    }
}

/// A work item and a task of the same title that nothing ties together.
async fn strangers(bench: &Bench) -> (String, String) {
    bench.replace_config("name = \"web\"", "name = \"web\"\ncreate = \"none\"");
    let id = bench.add_story("By hand").to_string();
    let list = boardsync::sandbox::world::LIST;
    let task = json!({ "name": "By hand" });
    let task = bench.world.clickup.create_task(list, &task).unwrap();
    (id, task)
}

/// ClickUp answers of a workspace that the token may not see as it does of a dead token.
#[tokio::test(flavor = "multi_thread")]
async fn status_blames_the_token_or_the_workspace_and_names_both_keys() {
    let bench = Bench::equal().await;
    bench.replace_config("\"9010000001\"", "\"9010000002\"");
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(78);
    let status = bench.run(&["status"]).await.left_with(3);
    lacks(&status, "refused in every cycle");
    lacks(&status, "takes the token");
    status
        .says("ClickUp token: not let in by any cycle since")
        .says("correct [clickup] workspace")
        .says("[clickup] token or [clickup] workspace is wrong")
        .says("check tries both and says which");
    let quiet = bench.run(&["--quiet", "status"]).await.left_with(3);
    quiet.says("ClickUp does not let us in ([clickup] token or [clickup] workspace)");
    let check = bench.run(&["check"]).await;
    check.says("correct [clickup] workspace");
}

/// A row of `people` is there and names somebody who is no member: asking for another row for them helps nobody.
#[tokio::test(flavor = "multi_thread")]
async fn plan_and_hold_give_the_same_help_for_somebody_whom_a_row_names_and_clickup_does_not_know()
{
    let bench = Bench::equal().await;
    bench.replace_config(
        "[\"grace@contoso.example\", \"bo@example.com\"]",
        "[\"grace@contoso.example\", \"gone@example.com\"]",
    );
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let lead = [("System.AssignedTo", json!("grace@contoso.example"))];
    let edited = bench
        .world
        .ado
        .edit(bench.ids[1], &lead, "ada@contoso.example");
    edited.unwrap();
    let help = "row [\"grace@contoso.example\", \"gone@example.com\"] of `people` of the pair names an address that ClickUp \
                does not know; correct it, or add the account there";
    let plan = bench.run(&["plan"]).await.left_with(0).says(help);
    lacks(&plan, "add [\"");
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(3);
    // One thing is counted once.
    lacks(&ran, "1 failed, 1 held");
    ran.says("failed update ClickUp").says("web: 1 held");
    let status = bench.run(&["status"]).await.left_with(3).says(help);
    lacks(&status, "name the person's address");
    bench.run(&["plan"]).await.left_with(0).says(help);
}

/// A type of work items lacks a state: what is held says so, as the plan did, and not only what Azure DevOps answered.
#[tokio::test(flavor = "multi_thread")]
async fn plan_and_hold_give_the_same_help_for_a_state_that_a_type_lacks() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let status = json!({"status": "in review"});
    bench.world.clickup.edit(&task, &status).unwrap();
    let help = "ADO type \"Task\" has no state \"Resolved\": put [\"...\", \"in review\"]";
    bench.run(&["plan"]).await.left_with(0).says(help);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.run(&["status"]).await.left_with(3).says(help);
    bench.run(&["plan"]).await.left_with(0).says(help);
}

/// There was something to do, and it is not done: that is neither "nothing to do" nor no run at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_is_refused_as_a_whole_says_so_and_is_in_the_log() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Planned");
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    bench.rename(bench.ids[1], "Edited since");
    let ran = bench.run(&["apply", "p"]).await.left_with(3);
    lacks(&ran, "nothing to do");
    ran.says("refused: ")
        .says("was edited in ADO since the plan was made")
        .says("nothing written, see what is refused");
    let log = bench.run(&["log"]).await.left_with(0);
    log.says("refused: ")
        .says("was edited in ADO since the plan was made");
    let log = bench.run(&["log", "--json"]).await.json();
    let detail = log["runs"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("refused: "), "{log}");
    let quiet = bench.run(&["--quiet", "apply", "p"]).await.left_with(3);
    assert_eq!(quiet.err.lines().count(), 1, "{}", quiet.err);
}

/// One line is what a cron job mails.
#[tokio::test(flavor = "multi_thread")]
async fn quiet_says_in_one_line_what_is_held_in_one_pair_and_what_is_wrong_with_another() {
    let bench = Bench::equal().await;
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let pair = text.find("[[pair]]").unwrap();
    let second = text[pair..]
        .replacen("name = \"web\"", "name = \"other\"", 1)
        .replacen("901100000001", "901100009999", 1);
    std::fs::write(&bench.config, format!("{text}\n{second}")).unwrap();
    let task = bench.task_named("Validate postcodes");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    let ran = bench.run(&["--quiet", "reconcile", "--once"]).await;
    let ran = ran.left_with(78);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    ran.says("pair \"other\" stands still").says("held");
    let plan = bench.run(&["--quiet", "plan"]).await.left_with(78);
    assert_eq!(plan.err.lines().count(), 1, "{}", plan.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_by_hand_says_that_only_the_database_knows_it_until_a_marker_is_written() {
    let bench = Bench::equal().await;
    let (id, task) = strangers(&bench).await;
    let added = bench.run(&["links", "add", "web", &id, &task]).await;
    added
        .left_with(0)
        .says("only the database knows that they belong together")
        .says("the task with the next one of its description");
    // A priority is no text, so the task gets no marker with it, and the work item was not written to.
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let number: i64 = id.parse().unwrap();
    let edit = [("Microsoft.VSTS.Common.Priority", json!(1))];
    bench
        .world
        .ado
        .edit(number, &edit, "ada@contoso.example")
        .unwrap();
    bench.run(&["reconcile", "--once"]).await;
    let doctor = bench.run(&["doctor", "--json"]).await;
    doctor
        .says("1 link has neither marker nor back-link")
        .says("or one of a task's description, adds it");

    let bench = Bench::equal().await;
    let (id, task) = strangers(&bench).await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nbacklink = false");
    let added = bench.run(&["links", "add", "web", &id, &task]).await;
    added.left_with(0).says("The pair has backlink = false");
}

/// Links are kept by the name of the pair.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_pair_is_told_with_its_old_name_and_its_links_end_at_once() {
    let bench = Bench::equal().await;
    let links = bench.run(&["links", "--json"]).await.json();
    let links = links["links"].as_array().unwrap().len();
    bench.replace_config("name = \"web\"", "name = \"shop\"");
    let status = bench.run(&["status"]).await.left_with(3);
    lacks(&status, "no cycle has used it yet");
    status
        .says("give it its old name back")
        .says("links remove --pair \"web\"");
    bench.run(&["links", "remove"]).await.left_with(64);
    let none = bench.run(&["links", "remove", "--pair", "shop"]).await;
    none.left_with(64)
        .says("has no link that could be dissolved");
    let ended = bench
        .run(&["links", "remove", "--pair", "web", "--json"])
        .await;
    let ended = ended.left_with(0).json();
    assert_eq!(ended["ended"].as_array().unwrap().len(), links, "{ended}");
    let status = bench.run(&["status"]).await;
    lacks(&status, "old name");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_links_end_in_one_call_or_none_does() {
    let bench = Bench::equal().await;
    let ids: Vec<String> = bench.ids[1..3].iter().map(ToString::to_string).collect();
    let unknown = ["links", "remove", &ids[0], "987654"];
    bench.run(&unknown).await.left_with(64);
    let active = |json: &Value| {
        let links = json["links"].as_array().unwrap().iter();
        links.filter(|link| link["state"] == "active").count()
    };
    let before = active(&bench.run(&["links", "--json"]).await.json());
    let both = ["links", "remove", &ids[0], &ids[1]];
    bench.run(&both).await.left_with(0);
    let after = active(&bench.run(&["links", "--json"]).await.json());
    assert_eq!(after, before - 2);
}

/// What a stopped sweep found is looked for again, and nobody takes the null for "never".
#[tokio::test(flavor = "multi_thread")]
async fn status_says_whether_a_full_listing_is_due() {
    let bench = Bench::equal().await;
    let pair = |json: Value| json["pairs"][0].clone();
    let status = pair(bench.run(&["status", "--json"]).await.json());
    assert_eq!(status["sweep_due"], false, "{status}");
    let edit = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", edit);
    for id in &bench.ids[0..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let full = ["reconcile", "--once", "--full"];
    bench.run(&full).await.left_with(4);
    let status = pair(bench.run(&["status", "--json"]).await.json());
    assert_eq!(
        (&status["last_sweep"], &status["sweep_due"]),
        (&Value::Null, &json!(true))
    );
}

/// The links are in the database: they go on, and what the lost key signed is a stranger's.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_beside_its_database_lets_links_go_on_and_is_told() {
    let bench = Bench::equal().await;
    std::fs::remove_file(bench.folder.path().join("boardsync.db.key")).unwrap();
    bench.rename(bench.ids[1], "Goes over");
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(0);
    ran.says("the key file is not the one that this database was first used with");
    assert!(bench.titles().contains(&"Goes over".to_owned()));
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("markers from before are strangers");
    bench.quiet().await;
}

/// A field that stands still is held: in a plan, a run, `status` and `verify` alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_stands_still_counts_as_held_in_every_command() {
    let bench = Bench::equal().await;
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let field = "\n[[pair.field]]\nado = \"Custom.Note\"\nclickup = \"custom:Nothing\"\n";
    std::fs::write(&bench.config, text + field).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("nothing to write, 1 held");
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.left_with(3).says("web: nothing to write, 1 held");
    let status = bench.run(&["status", "--json"]).await.left_with(3).json();
    assert_eq!(status["pairs"][0]["holds"], 1, "{status}");
    bench.run(&["plan"]).await.left_with(0).says("1 held");
    let verify = bench.run(&["verify"]).await.left_with(3);
    verify.says("1 field held and not compared");
}

/// What is held from before is held under the stop file too.
#[tokio::test(flavor = "multi_thread")]
async fn under_the_stop_file_as_much_is_held_as_without() {
    let bench = Bench::contested(&json!({"name": "Theirs"})).await;
    let task = bench.task_named("Guest gets a receipt by mail");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    let once = ["--quiet", "reconcile", "--once"];
    let free = bench.run(&once).await.left_with(3);
    free.says("1 item or field is held, 1 conflict is open");
    std::fs::write(bench.folder.path().join("boardsync.db.stop"), "").unwrap();
    let stopped = bench.run(&once).await.left_with(4);
    assert_eq!(stopped.err.lines().count(), 1, "{}", stopped.err);
    stopped
        .says("1 item or field is held")
        .says("1 conflict is open");
}

/// An undo is a run: what is held of its pairs is told by its exit code too.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_with_the_code_of_every_run_while_something_is_held() {
    let bench = Bench::equal().await;
    let id = bench.add_story("Made here");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let task = bench.task_named("Guest gets a receipt by mail");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let undo = ["undo", &run, "--yes", "--delete-created"];
    bench.run(&undo).await.left_with(3).says("1 held");
    assert!(bench.world.ado.item(id).is_some());
    let plan = ["reconcile", "--once", "--read-only"];
    bench.run(&plan).await.left_with(0);
}

/// Nothing of it is written, so it is no update; what is not carried over is told in the totals.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_no_update_of_which_nothing_is_carried_over() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let status = json!({"status": "in review"});
    bench.world.clickup.edit(&task, &status).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "1 update");
    lacks(&plan, "to ADO");
    plan.says("1 not carried over");
    let edit = json!({"status": "in review", "name": "Renamed"});
    bench.world.clickup.edit(&task, &edit).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("1 update").says("1 not carried over");
}
