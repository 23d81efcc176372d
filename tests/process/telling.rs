//! What conflicts, status, why, verify and check say, and that it is so.

use super::bench::{ADO_TOKEN, Bench, Ran, clickup};
use boardsync::model::Side;
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::world::{PROJECT, World};
use serde_json::{Value, json};

/// A conflict about a title that waits for a person: "Ours" in Azure DevOps, "Theirs" in ClickUp.
async fn contested() -> Bench {
    Bench::contested(&json!({ "name": "Theirs" })).await
}

fn title_of(bench: &Bench) -> String {
    let item = bench.world.ado.item(bench.ids[3]).unwrap();
    item.fields["System.Title"].as_str().unwrap().to_owned()
}

async fn take(bench: &Bench, what: &[&str]) -> Ran {
    let args = [&["conflicts", "resolve", "1", "--take"][..], what].concat();
    bench.run(&args).await.left_with(0)
}

fn lacks(ran: &Ran, text: &str) {
    assert!(!ran.out.contains(text), "{text:?}\n{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_conflict_looks_settled_and_says_whose_value_won_by_whom_and_when() {
    let bench = contested().await;
    take(&bench, &["clickup"]).await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let list = bench.run(&["conflicts"]).await.left_with(0);
    lacks(&list, "title");
    list.says("no open conflicts").says("1 settled");
    let all = bench.run(&["conflicts", "--all"]).await.left_with(0);
    all.says("settled: ClickUp's, chosen");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    lacks(&shown, "settle it with");
    let shown = shown.says("conflict 1 in web: settled");
    shown
        .says("ClickUp's value won")
        .says("by a person")
        .says(" UTC");
    let all = bench.run(&["conflicts", "--all", "--json"]).await.json();
    let row = &all["conflicts"][0];
    assert_eq!(row["state"], "settled", "{row}");
    assert_eq!(row["taken"], "clickup", "{row}");
    assert_eq!(row["settled_by"], "person", "{row}");
    assert!(
        row["settled_at"].is_string() && row["since"].is_string(),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_the_rule_settled_says_so() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Ours");
    let edit = json!({ "name": "Theirs" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let list = bench.run(&["conflicts", "list"]).await.left_with(0);
    list.says("no open conflicts; 1 settled");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown
        .says("by the rule of the configuration (conflict = \"ado\" of pair \"web\")")
        .says("ADO's value won")
        .says("resolve 1 --take clickup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_text_is_told_as_both_merged_and_not_as_one_sides() {
    let bench = contested().await;
    std::fs::write(bench.folder.path().join("title.txt"), "Of both").unwrap();
    let chosen = take(&bench, &["merged", "title.txt"]).await;
    chosen
        .says("merged of both")
        .says("\"Ours\" -> \"Of both\"");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(title_of(&bench), "Of both");
    let all = bench.run(&["conflicts", "--all"]).await.left_with(0);
    lacks(&all, "ADO's");
    all.says("settled: both merged, chosen");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    lacks(&shown, "(kept)");
    shown.says("both were merged");
    let row = bench
        .run(&["conflicts", "show", "1", "--json"])
        .await
        .json();
    assert_eq!(row["conflicts"][0]["taken"], "merged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_is_not_carried_out_is_a_state_of_its_own() {
    let bench = contested().await;
    let chosen = take(&bench, &["clickup"]).await;
    chosen
        .says("ADO 4: \"Ours\" -> \"Theirs\"")
        .says("\"Theirs\" stays")
        .says("Nothing is written yet")
        .says("reconcile --once, or the first one of a daemon that is started again")
        .says("--withdraw");
    let list = bench.run(&["conflicts"]).await.left_with(0);
    list.says("chosen: ClickUp's, not carried out")
        .says("0 open");
    let open = bench.run(&["conflicts", "--open"]).await.left_with(0);
    lacks(&open, "title");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("not carried out yet").says("--withdraw");
    // Nobody has to act: the next cycle does.
    let status = bench.run(&["status"]).await.left_with(5);
    status
        .says("1 conflict is chosen: the next cycle carries that out")
        .says("0, 1 chosen");
    let status = bench.run(&["--quiet", "status"]).await.left_with(5);
    assert!(!status.err.contains("open"), "{}", status.err);
    status.says("1 conflict is chosen and waits for the next cycle");
    let json = bench.run(&["status", "--json"]).await.json();
    let pair = &json["pairs"][0];
    assert_eq!(pair["open_conflicts"], 0, "{pair}");
    assert_eq!(pair["chosen_conflicts"], 1, "{pair}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_both_sides_that_a_merged_text_is_written_to() {
    let bench = contested().await;
    std::fs::write(bench.folder.path().join("title.txt"), "Of both").unwrap();
    take(&bench, &["merged", "title.txt"]).await;
    let why = bench.run(&["why", &bench.ids[3].to_string()]).await;
    why.left_with(0).says("write to ClickUp and ADO: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_can_be_taken_back_until_a_cycle_has_carried_it_out() {
    let bench = contested().await;
    take(&bench, &["clickup"]).await;
    let back = ["conflicts", "resolve", "1", "--withdraw"];
    bench.run(&back).await.left_with(0).says("open again");
    bench.run(&["conflicts"]).await.left_with(0).says("1 open");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(title_of(&bench), "Ours");
    bench.run(&back).await.left_with(64).says("no choice waits");
    take(&bench, &["clickup"]).await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&back).await.left_with(64).says("carried out");
    assert_eq!(title_of(&bench), "Theirs");
    // One or the other has to be said.
    let neither = ["conflicts", "resolve", "1"];
    bench.run(&neither).await.left_with(64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_text_is_offered_for_texts_only() {
    let bench = Bench::contested(&json!({ "name": "Theirs", "priority": 1 })).await;
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("--take merged FILE");
    let priority = [("Microsoft.VSTS.Common.Priority", json!(4))];
    bench
        .world
        .ado
        .edit(bench.ids[3], &priority, "ada@contoso.example")
        .unwrap();
    let task = bench.task_named("Theirs");
    let edit = json!({ "priority": 3 });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let rows = bench.run(&["conflicts", "--json"]).await.json();
    let rows = rows["conflicts"].as_array().unwrap();
    let row = rows.iter().find(|row| row["field"] == "priority").unwrap();
    let id = row["id"].to_string();
    let shown = bench.run(&["conflicts", "show", &id]).await.left_with(0);
    lacks(&shown, "merged");
    shown.says("--take clickup");
    let merged = [
        "conflicts",
        "resolve",
        &id,
        "--take",
        "merged",
        "config.toml",
    ];
    let refused = bench.run(&merged).await.left_with(64);
    refused.says("nothing to merge");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_the_state_the_last_cycle_and_the_tokens() {
    let bench = Bench::new().await;
    let before = bench.run(&["status"]).await.left_with(3);
    let database = bench.folder.path().join("boardsync.db");
    let first = before.out.lines().next().unwrap();
    assert!(first.contains(database.to_str().unwrap()), "{first}");
    before
        .says("no cycle has used it yet")
        .says("last cycle: none yet");
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(0);
    let status = bench.run(&["status"]).await.left_with(0);
    let status = status.says("ADO token: ok").says("ClickUp token: ok");
    status.says("running: nothing").says("ago: done, 5 writes");
    let json = bench.run(&["status", "--json"]).await.json();
    assert_eq!(json["need"], "nothing", "{json}");
    assert_eq!(json["tokens"]["ado"]["state"], "ok", "{json}");
    assert_eq!(json["last_cycle"]["outcome"], "done", "{json}");
    assert_eq!(json["running"], Value::Null, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_at_once_and_since_when() {
    let bench = Bench::equal().await;
    bench.world.clickup.set_token("another");
    bench.run(&["reconcile", "--once"]).await.left_with(77);
    let status = bench.run(&["status"]).await.left_with(3);
    let status = status.says("ClickUp token: not let in by any cycle since");
    status
        .says("ADO token: ok")
        .says("ended by an error")
        .says("[clickup] token or [clickup] workspace is wrong")
        .says(" check tries both and says which");
    let json = bench.run(&["status", "--json"]).await.json();
    let since = json["tokens"]["clickup"]["since"].clone();
    bench.run(&["reconcile", "--once"]).await.left_with(77);
    let json = bench.run(&["status", "--json"]).await.json();
    assert_eq!(json["tokens"]["clickup"]["since"], since, "{json}");
    bench.world.clickup.set_token(super::bench::CLICKUP_TOKEN);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let status = bench.run(&["status"]).await.left_with(0);
    status.says("ClickUp token: ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_an_error_ended_is_not_ok_and_nobody_has_to_act_yet() {
    let bench = Bench::equal().await;
    bench.fault(Side::ClickUp, None, "", Fault::DropBeforeApply, 1_000);
    bench.run(&["reconcile", "--once"]).await.left_with(69);
    let status = bench.run(&["status"]).await.left_with(5);
    status.says("ended by an error").says("ClickUp token: ok");
    bench.world.faults.clear();
    let retry = ["reconcile", "--once", "--retry"];
    bench.run(&retry).await.left_with(0);
    bench.run(&["status"]).await.left_with(0).says("ago: done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_leaves_with_another_code_than_what_waits_for_somebody() {
    let bench = Bench::equal().await;
    let state = rusqlite::Connection::open(bench.folder.path().join("boardsync.db")).unwrap();
    let late = "UPDATE pair_state SET last_success = last_success - 86400000";
    state.execute(late, []).unwrap();
    let json = bench.run(&["status", "--json"]).await.left_with(5).json();
    assert_eq!(
        (&json["need"], &json["pairs"][0]["need"]),
        (&json!("time"), &json!("time"))
    );
    let contested = contested().await;
    let json = contested.run(&["status", "--json"]).await.left_with(3);
    assert_eq!(json.json()["need"], "somebody");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_what_works_on_the_state_now() {
    let bench = Bench::equal().await;
    let mut daemon = bench.daemon();
    bench.until(|bench| bench.world.ledger.count() > 0).await;
    let status = bench.run(&["status", "--json"]).await.json();
    let shown = bench.run(&["status"]).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let running = &status["running"];
    assert_eq!(running["pid"], daemon.id(), "{status}");
    assert!(running["since"].is_string(), "{running}");
    let command = running["command"].as_str().unwrap();
    assert!(command.ends_with("reconcile"), "{command}");
    shown.says(&format!("(process {})", daemon.id()));
    bench.run(&["status"]).await.says("running: nothing");
}

/// A bench with a new item whose state the other side lacks, which is held.
async fn with_a_held_item() -> (Bench, String) {
    let bench = Bench::equal().await;
    let id = bench.add_story("Stays here");
    let state = [("System.State", json!("Removed"))];
    bench
        .world
        .ado
        .edit(id, &state, "ada@contoso.example")
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    (bench, id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_named_with_their_age_and_next_try_in_json_too() {
    let (bench, id) = with_a_held_item().await;
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says(&format!("held: ADO {id} \"Stays here\" status"))
        .says("waits for somebody")
        .says("1, oldest");
    let json = bench.run(&["status", "--json"]).await.json();
    let hold = &json["holds"][0];
    assert_eq!(hold["item"], id, "{json}");
    assert_eq!(hold["field"], "status", "{hold}");
    assert!(hold["since"].is_string(), "{hold}");
    assert!(
        hold["reason"].as_str().unwrap().contains("Removed"),
        "{hold}"
    );
    assert!(hold.get("retry_at").is_some(), "{hold}");
    assert_eq!(json["pairs"][0]["oldest_hold"], hold["since"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_knows_every_item_that_status_names() {
    let (bench, id) = with_a_held_item().await;
    let why = bench.run(&["why", &id]).await.left_with(0);
    why.says("held").says("Removed");
    let why = bench.run(&["why", &id, "--json"]).await.left_with(0).json();
    assert_eq!(why["holds"][0]["item"], id, "{why}");
    bench.run(&["why", "4711"]).await.left_with(64);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_as_json_has_links_that_ended_and_holds_that_are_about_no_field() {
    let bench = Bench::equal().await;
    bench.run(&["links", "remove", "2"]).await.left_with(0);
    let why = bench.run(&["why", "2", "--json"]).await.left_with(0).json();
    assert_eq!(why["ended"][0]["ado"], "2", "{why}");
    assert_eq!(why["links"], json!([]), "{why}");
    // An item that left the scope: a hold of the whole link.
    let task = bench.task_named("Validate postcodes");
    assert!(
        bench
            .world
            .clickup
            .move_to_list(&task, "901100000002")
            .is_ok()
    );
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(3);
    let why = bench.run(&["why", "4", "--json"]).await.left_with(0).json();
    let holds = why["links"][0]["holds"].as_array().unwrap();
    assert!(
        holds
            .iter()
            .any(|hold| hold["reason"].as_str().unwrap().contains("scope")),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_or_in_conflict_is_not_counted_as_equal() {
    let bench = contested().await;
    // Nothing moved since, so the plan itself has nothing of it.
    bench.rename(bench.ids[1], "Only this");
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "5 of 5");
    plan.says("3 of 5 linked items equal");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "nothing to do");
    plan.says("nothing to write, 1 open conflict")
        .says("conflicts show 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_as_json_names_what_it_refused() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Planned");
    bench.run(&["plan", "--out", "f"]).await.left_with(0);
    bench.rename(bench.ids[1], "Moved on");
    let report = bench
        .run(&["apply", "f", "--json"])
        .await
        .left_with(3)
        .json();
    let refused = report["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 1, "{report}");
    assert!(
        refused[0]["items"]
            .as_array()
            .unwrap()
            .contains(&json!("2")),
        "{report}"
    );
    assert!(
        refused[0]["reason"] == "was edited in ADO since the plan was made",
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_claim_on_a_pair_is_no_run_that_undo_lists() {
    let bench = Bench::equal().await;
    let title = [("System.Title", json!("boardsync lives here"))];
    let canary = bench
        .world
        .ado
        .create_item(PROJECT, "Epic", &title)
        .unwrap();
    let line = format!("ado.canary = {canary}\nado.project");
    bench.replace_config("ado.project", &line);
    let runs = async || {
        let listed = bench.run(&["undo", "--json"]).await.json();
        listed["runs"].as_array().unwrap().len()
    };
    let before = runs().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["status"]).await.says("number 1");
    assert_eq!(runs().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_answered_with_json_by_every_command() {
    let bench = contested().await;
    let json = async |args: &[&str], code: i32| {
        let args = [args, &["--json"][..]].concat();
        bench.run(&args).await.left_with(code).json()
    };
    let resolved = json(&["conflicts", "resolve", "1", "--take", "clickup"], 0).await;
    assert_eq!(resolved["choice"]["took"], "clickup", "{resolved}");
    assert_eq!(
        resolved["choice"]["sides"][0]["written"], "Theirs",
        "{resolved}"
    );
    assert_eq!(resolved["choice"]["sides"][1]["written"], Value::Null);
    let back = json(&["conflicts", "resolve", "1", "--withdraw"], 0).await;
    assert_eq!(back["conflicts"][0]["state"], "open", "{back}");
    let task = bench.task_named("Guest can enter an address");
    let removed = json(&["links", "remove", &task], 0).await;
    assert_eq!(removed["ended"][0]["clickup"], task, "{removed}");
    let item = removed["ended"][0]["ado"].as_str().unwrap().to_owned();
    let added = json(&["links", "add", "web", &item, &task], 0).await;
    assert_eq!(added["added"], true, "{added}");
    for wrong in [
        &["demo"][..],
        &["plan", "--bogus"],
        &["conflicts", "resolve"],
    ] {
        let refused = json(wrong, 64).await;
        assert_eq!(refused["error"]["exit_code"], 64, "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().len() > 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_of_an_error_whether_reconcile_goes_on_all_the_same() {
    let bench = Bench::new().await;
    bench.replace_config("\"in review\"", "\"in revue\"");
    let check = bench.run(&["check"]).await.left_with(78);
    check.says("config.toml reconcile`: it goes on");
    let report = bench.run(&["check", "--json"]).await.left_with(78).json();
    assert_eq!(report["findings"][0]["stops"], false, "{report}");
}

/// Two pairs look at one project: every item is in both.
#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_pair_that_has_an_item_which_is_in_two() {
    let ado = AdoConfig {
        pat: ADO_TOKEN.to_owned(),
        ..AdoConfig::default()
    };
    let world = World::start_on(SandboxClock::real(), ado, clickup(), 0)
        .await
        .unwrap();
    let pair = |name: &str, list: &str| {
        format!(
            "[[pair]]\nname = \"{name}\"\nado.project = \"{PROJECT}\"\nclickup.list = \"{list}\"\n\
             types = [[\"Task\", \"Task\"]]\n\
             states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Closed\", \"complete\"]]\n"
        )
    };
    let (old, new) = (pair("old", "901100000001"), pair("new", "901100000003"));
    let bench = Bench::of(world, &old);
    let title = [("System.Title", json!("Of both"))];
    bench
        .world
        .ado
        .create_item(PROJECT, "Task", &title)
        .unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.replace_config(&old, &format!("{new}\n{old}"));
    let verify = bench.run(&["verify"]).await.left_with(3);
    lacks(&verify, "no longer in the pair's scope");
    verify.says("is in the scope of pair \"new\" as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_promises_no_write_that_something_keeps_back() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    let verify = bench.run(&["verify"]).await.left_with(3);
    lacks(&verify, "nothing is written at present");
    std::fs::write(bench.folder.path().join("boardsync.db.stop"), "").unwrap();
    let verify = bench.run(&["verify"]).await.left_with(3);
    verify.says("nothing is written at present: the file");
    let json = bench.run(&["verify", "--json"]).await.left_with(3).json();
    let why = json["pairs"][0]["in_the_way"].as_array().unwrap();
    assert_eq!(why.len(), 1, "{json}");
}

/// Without a table of states the services are asked for theirs before the first look.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_before_the_first_look_or_at_a_write_is_told_too() {
    let bench = Bench::new().await;
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("states"));
    std::fs::write(&bench.config, kept.collect::<Vec<_>>().join("\n")).unwrap();
    bench.world.clickup.set_token("another");
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(77);
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("ClickUp token: not let in by any cycle since")
        .says("ADO token: no cycle has used it yet")
        .says("ended by an error");

    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    let put = Some("PUT");
    bench.fault(Side::ClickUp, put, "/task", Fault::TokenRevoked, 1_000);
    let mut since = Vec::new();
    for _ in 0..2 {
        bench.run(&["reconcile", "--once"]).await.left_with(77);
        let status = bench.run(&["status", "--json"]).await.left_with(3).json();
        assert_eq!(status["last_cycle"]["outcome"], "failed", "{status}");
        since.push(status["tokens"]["clickup"]["since"].clone());
    }
    assert_eq!(since[0], since[1]);
    bench.world.faults.clear();
    let retry = ["reconcile", "--once", "--retry"];
    bench.run(&retry).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_and_the_help_tell_the_exit_codes_of_status() {
    let bench = Bench::new().await;
    let help = bench.run(&["status", "--help"]).await.left_with(0);
    help.says("somebody has to act").says("something is late");
    std::fs::create_dir(bench.folder.path().join("man")).unwrap();
    bench.run(&["man", "man"]).await.left_with(0);
    let page = bench.folder.path().join("man/boardsync-status.1");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("somebody has to act"), "{page}");
    let page = bench
        .folder
        .path()
        .join("man/boardsync-conflicts-resolve.1");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("withdraw"), "{page}");
}

/// "Changed on both sides" would send somebody to look for an edit that nobody made.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_an_undo_leaves_is_open_in_verify_and_is_not_said_to_be_edited_on_both_sides()
 {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed by mistake");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    // The sides differ from now on: somebody has to settle that.
    let undone = bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    undone.says("until somebody edits");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    lacks(&shown, "changed on both sides");
    shown.says("is different on the two sides");
    let verify = bench.run(&["verify"]).await.left_with(3);
    lacks(&verify, "settled");
    verify.says("1 difference: 1 conflict");
    // Of an edit on both sides it is said as ever.
    let bench = contested().await;
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("changed on both sides");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_as_taken_only_for_as_long_as_the_service_was_asked() {
    let bench = Bench::equal().await;
    bench
        .run(&["status"])
        .await
        .left_with(0)
        .says("ClickUp token: ok when a cycle last asked, ");
    bench.fault(Side::ClickUp, None, "", Fault::DropBeforeApply, u32::MAX);
    bench.run(&["reconcile", "--once"]).await.left_with(69);
    let status = bench.run(&["status"]).await;
    status.says("ClickUp token: ok when a cycle last asked, ");
}
