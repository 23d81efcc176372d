//! Each screen says what is so: which item, which pair, which command tells more.

use super::bench::{Bench, Ran};
use serde_json::json;

#[track_caller]
fn lacks(ran: &Ran, text: &str) {
    let both = format!("{}{}", ran.out, ran.err);
    let joined = both.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!joined.contains(text), "{text:?}\n{both}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_that_waits_for_its_yes_holds_is_told_by_the_plan() {
    let bench = Bench::new().await;
    let title = json!("x".repeat(300));
    let list = boardsync::sandbox::world::LIST;
    bench
        .world
        .clickup
        .create_task(list, &json!({ "name": title }))
        .unwrap();
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(4);
    lacks(&ran, "status` says what and why");
    let ran = ran.says("1 item or field is held in what was not carried out;");
    ran.says("plan` says what and why");
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("title has 300 characters");
}

/// A title that Azure DevOps does not take is the task's.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_value_is_told_of_the_item_that_has_it() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    let id = bench.ids[1].to_string();
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan.says(&format!("ClickUp {task} title"));
    lacks(&plan, &format!("ADO {id} title"));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status"]).await.left_with(3);
    status.says(&format!("held: ClickUp {task}"));
    bench
        .world
        .clickup
        .edit(&task, &json!({ "name": "Short" }))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_command_names_the_command_that_tells_what_it_found() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    let verify = bench.run(&["--quiet", "verify"]).await.left_with(3);
    assert!(
        verify.err.contains("1 difference; `boardsync"),
        "{}",
        verify.err
    );
    assert!(
        verify.err.contains(" verify` says what and why"),
        "{}",
        verify.err
    );
    assert!(!verify.err.contains("status"), "{}", verify.err);
    std::fs::remove_file(bench.folder.path().join("boardsync.db.key")).unwrap();
    let doctor = bench.run(&["--quiet", "doctor"]).await;
    assert!(doctor.err.contains(" doctor` names"), "{}", doctor.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_was_renamed_is_named_with_what_stays_of_it() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status"]).await.left_with(3);
    lacks(&status, "in pair \"web\"");
    bench.replace_config("name = \"web\"", "name = \"shop\"");
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("the pair \"web\" is not in the configuration any more, and 5 links of it stay")
        .says(&format!("held in pair \"web\": ClickUp {task}"))
        .says("waits for a first yes");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_what_counts_for_a_token_and_tells_a_refusal_once() {
    let bench = Bench::new().await;
    bench.run(&["check"]).await.left_with(0);
    let status = bench.run(&["status"]).await.left_with(3);
    lacks(&status, "never tried");
    status.says("ADO token: no cycle has used it yet");
    bench.world.clickup.set_token("another");
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(77);
    let json = bench.run(&["status", "--json"]).await.left_with(3).json();
    let said = json["tokens"]["clickup"]["said"].as_str().unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let status = bench.run(&["status"]).await.left_with(3);
    let shown = status.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(shown.matches(&said).count(), 1, "{}", status.out);
    status
        .says("This line ends with the next cycle that gets in")
        .says("reconcile --once");
    bench.world.clickup.set_token(super::bench::CLICKUP_TOKEN);
    bench.run(&first).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

/// Before a cycle has noted it there is no time at which it was noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_told_as_lost_and_without_a_time_that_slides() {
    let bench = Bench::equal().await;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    let status = bench.run(&["status"]).await;
    let again = bench.run(&["status"]).await;
    assert_eq!(status.out, again.out);
    lacks(&status, "noticed");
    status
        .says("boardsync.db is not there")
        .says("nothing is created for 5m after the next cycle begins");
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let status = bench.run(&["status"]).await;
    lacks(&status, "is not there");
    status.says("(noticed ").says("nothing is created before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_keeps_everything_from_being_written_is_told_by_check_and_doctor() {
    let bench = Bench::equal().await;
    bench.run(&["check"]).await.left_with(0);
    std::fs::write(bench.folder.path().join("boardsync.db.stop"), "").unwrap();
    let says = "boardsync.db.stop is there: nothing is written to either service";
    bench
        .run(&["check", "--offline"])
        .await
        .left_with(0)
        .says(says);
    bench.run(&["check"]).await.left_with(0).says(says);
    let doctor = bench.run(&["doctor", "--offline", "--json"]).await;
    let json = doctor.left_with(3).json();
    let mut findings = json["findings"].as_array().unwrap().iter();
    assert!(findings.any(|one| one["found"].as_str().unwrap().contains(says)));
    std::fs::remove_file(bench.folder.path().join("boardsync.db.stop")).unwrap();
    bench.replace_config("[[pair]]", "[guard]\nread_only = true\n\n[[pair]]");
    let says = "read_only = true: nothing is written to either service";
    bench
        .run(&["check", "--offline"])
        .await
        .left_with(0)
        .says(says);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_runs_says_that_there_are_older_ones_and_what_an_undo_of_each_comes_to() {
    let bench = Bench::equal().await;
    for n in 0..21 {
        bench.rename(bench.ids[1], &format!("Renamed {n}"));
        bench.run(&["reconcile", "--once"]).await.left_with(0);
    }
    let log = bench.run(&["log", "-n", "21"]).await.left_with(0);
    log.says("older runs are on record too: boardsync")
        .says("log -n 42");
    let undo = bench.run(&["undo"]).await.left_with(0);
    undo.says("older runs are on record too");
    let log = bench.run(&["log", "-n", "100"]).await.left_with(0);
    lacks(&log, "older runs");
    let runs = bench.run(&["undo", "--json"]).await.json();
    let last = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.run(&["undo", &last, "--yes"]).await.left_with(3);
    bench.run(&["undo"]).await.says("done by c");
    let fresh = Bench::equal().await;
    let undo = fresh.run(&["undo"]).await.left_with(0);
    undo.says("taking it back").says("only with");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_log_is_json_to_its_last_line() {
    let bench = Bench::equal().await;
    std::fs::remove_file(bench.folder.path().join("ado.token")).unwrap();
    for args in [
        &["--log", "json", "reconcile", "--once"][..],
        &["--log", "json", "reconcile"],
    ] {
        let ran = bench.run(args).await.left_with(77);
        let lines: Vec<_> = ran.err.lines().collect();
        let line: serde_json::Value = serde_json::from_str(lines.last().unwrap()).expect(&ran.err);
        assert_eq!(line["level"], "ERROR", "{}", ran.err);
        let message = line["message"].as_str().unwrap();
        assert!(message.contains("ado.token"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_linked_to_nothing_does_not_count_among_linked_pairs() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    bench.add_story("Alone");
    bench.add_story("Alone too");
    let verify = bench.run(&["verify"]).await.left_with(3);
    verify.says("5 linked pairs compared, 1 difference: 1 pending; 2 items not linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_pair_stands_still_and_no_others_go_on() {
    let bench = Bench::equal().await;
    bench.replace_config("ado.project = \"Shop\"", "ado.project = \"Shoe\"");
    let plan = bench.run(&["plan"]).await.left_with(78);
    lacks(&plan, "the others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_item_in_no_link_it_is_said_whether_any_is_linked_at_all() {
    let bench = Bench::equal().await;
    let id = bench.ids[1].to_string();
    let history = bench.run(&["history", "999"]).await.left_with(64);
    history
        .says("`boardsync --config")
        .says("links` lists them");
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    for command in ["history", "why"] {
        let ran = bench.run(&[command, &id]).await.left_with(64);
        lacks(&ran, "links` lists them");
        ran.says("boardsync.db is not there");
    }
}

/// Nothing waits after a failure there, so nothing is tried sooner.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_offered_only_where_something_waits_for_one() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    let once = ["--quiet", "reconcile", "--once"];
    let ran = bench.run(&once).await.left_with(3);
    lacks(&ran, "--retry");
    bench.add_story("Refused");
    let fault = super::bench::status(400, &[]);
    bench.fault(
        boardsync::model::Side::ClickUp,
        Some("POST"),
        "/task",
        fault,
        100,
    );
    let ran = bench.run(&once).await.left_with(3);
    ran.says("reconcile --once --retry` tries at once what waits after a failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_made_and_ended_by_hand_are_told_by_the_history_in_their_place() {
    let bench = Bench::equal().await;
    let id = bench.ids[1].to_string();
    let links = bench.run(&["links", "--json"]).await.json();
    let links = links["links"].as_array().unwrap();
    let link = links.iter().find(|link| link["ado"] == id.as_str());
    let task = link.unwrap()["clickup"].as_str().unwrap().to_owned();
    bench.run(&["links", "remove", &id]).await.left_with(0);
    let add = ["links", "add", "web", &id, &task];
    bench.run(&add).await.left_with(0);
    let history = bench.run(&["history", &id]).await.left_with(0);
    let made = format!("linked ADO {id} = ClickUp {task}");
    let ended = format!("unlinked ADO {id} = ClickUp {task}: removed by hand");
    let places = ["created ClickUp", &ended, &format!("  {made}")];
    let places = places.map(|said| history.out.find(said));
    assert!(
        places.is_sorted() && places[0].is_some(),
        "{places:?}\n{}",
        history.out
    );

    // Every line has the number of the link that it belongs to, and `log --link` shows that line.
    let json = bench.run(&["history", &id, "--json"]).await.json();
    let first = json["entries"][0]["link"].as_i64().unwrap();
    let turns = json["links"].as_array().unwrap();
    let numbers: Vec<_> = turns.iter().map(|turn| turn["link"].as_i64()).collect();
    assert_eq!(numbers[0], Some(first), "{json}");
    assert!(numbers[1] > numbers[0], "{json}");
    let log = ["log", "--link", &first.to_string()];
    bench.run(&log).await.left_with(0).says("created ClickUp");
    let later = numbers[1].unwrap().to_string();
    let log = ["log", "--link", &later];
    bench
        .run(&log)
        .await
        .left_with(64)
        .says("no run on record did anything by it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_the_configuration_begins_with_its_place() {
    let bench = Bench::empty().await;
    bench.replace_config("types = ", "typs = ");
    bench.replace_config("workspace = ", "workspac = ");
    let ran = bench.run(&["status"]).await.left_with(78);
    let problems = ran.err.lines().filter(|line| line.contains(": error: "));
    let problems: Vec<_> = problems.collect();
    assert!(problems.len() > 1, "{}", ran.err);
    for problem in problems {
        assert!(problem.contains("config.toml:"), "{problem}");
        assert!(!problem.starts_with("error: "), "{problem}");
    }
}

/// A task without a priority, whose work item got one of its own, is as it should be until the state is restored. Then one
/// field asks for one decision.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_whose_conflict_is_open_is_counted_once() {
    let bench = Bench::equal().await;
    let list = boardsync::sandbox::world::LIST;
    let task = json!({ "name": "Gap" });
    bench.world.clickup.create_task(list, &task).unwrap();
    let once = ["reconcile", "--once"];
    bench.run(&once).await.left_with(0);
    bench.run(&["backup", "copy"]).await.left_with(0);
    bench.rename(bench.ids[1], "Edited");
    bench.run(&once).await.left_with(0);
    let at = |name: &str| bench.folder.path().join(name);
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(at(&format!("boardsync.db{suffix}")));
    }
    std::fs::copy(at("copy"), at("boardsync.db")).unwrap();
    let why = "the database was restored and the two sides differ here";
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "1 held");
    plan.says("nothing to write, 1 conflict;").says(why);
    let yes = ["reconcile", "--once", "--yes"];
    let ran = bench.run(&yes).await.left_with(3);
    lacks(&ran, "held");
    ran.says("1 open conflict");
    let json = bench.run(&["status", "--json"]).await.left_with(3).json();
    let pair = &json["pairs"][0];
    let counts = (&pair["holds"], &pair["open_conflicts"]);
    assert_eq!(counts, (&json!(0), &json!(1)), "{json}");
    let held = &json["holds"][0]["conflict"];
    let status = bench.run(&["status"]).await.left_with(3);
    status.says(&format!("conflict {held}: ADO")).says(why);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_that_is_not_there_is_one_finding_with_its_place() {
    let bench = Bench::equal().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nado.area = 'Shop\\Wbe'");
    let check = bench.run(&["check"]).await.left_with(78);
    let found = check.out.lines().filter(|line| line.contains("error: "));
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 1, "{}", check.out);
    assert!(found[0].contains("config.toml:"), "{}", check.out);
    lacks(&check, "is refused");
    lacks(&check, "was asked to validate");
    check
        .says("ADO has no area path \"Shop\\Wbe\"")
        .says("Until that is put right the pair stands still")
        .says("1 error");
    let ran = bench.run(&["-v", "reconcile", "--once"]).await;
    let ran = ran.left_with(78);
    lacks(&ran, "the others go on");
    ran.says("check` tells where that stands");
}

/// An empty list looks as if nothing was ever done.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_told_wherever_a_list_is_empty_for_it() {
    let bench = Bench::equal().await;
    let id = bench.ids[1].to_string();
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    let path = bench.folder.path().join("boardsync.db");
    let says = format!("the database {} is not there", path.display());
    for args in [&["links"][..], &["log"], &["conflicts"], &["undo"]] {
        bench.run(args).await.left_with(0).says(&says);
    }
    let history = ["history", &id];
    bench.run(&history).await.left_with(64).says(&says);
    let said = format!("state: {} (not there)", path.display());
    bench.run(&["status"]).await.says(&said);
}

/// One screen, one way to tell a time.
#[tokio::test(flavor = "multi_thread")]
async fn status_tells_every_time_in_the_same_way() {
    let bench = Bench::equal().await;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let status = bench.run(&["status"]).await;
    let told = status.out.split_whitespace();
    let zulu = told
        .filter(|word| word.contains('T') && word.contains("Z"))
        .filter(|word| word.contains("20"));
    assert_eq!(zulu.collect::<Vec<_>>(), [""; 0], "{}", status.out);
    status.says("(noticed 20").says("nothing is created before");
    bench.add_story("Waits for the quiet time");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    for args in [&["plan"][..], &["verify"]] {
        let told = bench.run(args).await;
        let told = told.says("Waits for the quiet time");
        let zulu = |word: &&str| word.starts_with("20") && word.contains('T') && word.contains('Z');
        let words = told.out.split_whitespace();
        assert_eq!(
            words.filter(zulu).collect::<Vec<_>>(),
            [""; 0],
            "{}",
            told.out
        );
    }
    let status = bench.run(&["status", "--json"]).await.json();
    let holds = status["holds"].as_array().unwrap().iter();
    let titles: Vec<_> = holds.map(|hold| hold["title"].clone()).collect();
    assert!(
        titles.contains(&json!("Waits for the quiet time")),
        "{status}"
    );
}

/// What is listed without a run is what could be taken back.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_only_looks_and_names_nothing_lists_the_last_runs() {
    let bench = Bench::equal().await;
    let listed = bench.run(&["undo"]).await.left_with(0).out;
    let dry = bench.run(&["undo", "--dry-run"]).await.left_with(0);
    assert_eq!(dry.out, listed);
    let words: Vec<&str> = listed.split_whitespace().collect();
    let listed = words.join(" ");
    assert!(listed.contains("--delete-created"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_explains_tags_and_people_only_where_it_leaves_them_apart() {
    let bench = Bench::equal().await;
    let says = "Of tags and assignees";
    for (field, value, told) in [
        ("Microsoft.VSTS.Common.Priority", json!(1), false),
        ("System.Tags", json!("extra"), true),
    ] {
        let ado = &bench.world.ado;
        ado.edit(bench.ids[4], &[(field, value)], "ada@contoso.example")
            .unwrap();
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        let runs = bench.run(&["undo", "--json"]).await.json();
        let run = runs["runs"][0]["run"].as_str().unwrap();
        let undo = bench.run(&["undo", run, "--dry-run"]).await;
        match told {
            true => drop(undo.says(says)),
            false => lacks(&undo, says),
        }
    }
}
