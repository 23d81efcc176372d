//! What goes wrong before the first request, and the commands that need none.

use super::bench::{Bench, Ran};
use boardsync::store::StateLock;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_leaves_with_75() {
    let bench = Bench::new().await;
    let lock = StateLock::acquire(&bench.folder.path().join("boardsync.db")).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(75)
        .says(&std::process::id().to_string());
    bench.run(&["reconcile"]).await.left_with(75);
    assert_eq!(bench.world.ledger.writes(), []);
    drop(lock);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_is_shown_where_it_is() {
    let bench = Bench::new().await;
    bench.replace_config("requests_per_second = 200", "requests_per_secnd = 200");
    bench
        .run(&["plan"])
        .await
        .left_with(78)
        .says("config.toml:7:1")
        .says("requests_per_second");
    std::fs::write(&bench.config, "[ado\n").unwrap();
    bench
        .run(&["plan"])
        .await
        .left_with(78)
        .says("config.toml:1:");
    std::fs::remove_file(&bench.config).unwrap();
    bench.run(&["plan"]).await.left_with(78).says("config.toml");
    assert_eq!(bench.world.ledger.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_leaves_with_64() {
    let bench = Bench::new().await;
    bench
        .run(&["plan", "--bogus"])
        .await
        .left_with(64)
        .says("--bogus");
    bench
        .run(&["reconcile", "--yes"])
        .await
        .left_with(64)
        .says("--once");
    bench
        .run(&["plan", "--pair", "none"])
        .await
        .left_with(64)
        .says("the configuration has: web");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_token_leaves_with_77() {
    let bench = Bench::new().await;
    std::fs::remove_file(bench.folder.path().join("clickup.token")).unwrap();
    bench
        .run(&["plan"])
        .await
        .left_with(77)
        .says("clickup.token");
    bench.replace_config("{ file = \"ado.token\" }", "{ env = \"NO_SUCH_TOKEN\" }");
    bench
        .run(&["plan"])
        .await
        .left_with(77)
        .says("NO_SUCH_TOKEN");
    assert_eq!(bench.world.ledger.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_accepts_the_example_and_names_a_wrong_status() {
    let bench = Bench::new().await;
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("fits both services");
    bench
        .run(&["check", "--offline"])
        .await
        .left_with(0)
        .says("well-formed");
    bench.replace_config("\"in review\"", "\"in revue\"");
    bench.run(&["check", "--offline"]).await.left_with(0);
    bench
        .run(&["check"])
        .await
        .left_with(78)
        .says("in revue")
        .says("in review");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_manual_pages_need_no_configuration() {
    let bench = Bench::new().await;
    std::fs::remove_file(&bench.config).unwrap();
    bench
        .run(&["completions", "bash"])
        .await
        .left_with(0)
        .says("_boardsync");
    // A pair has a name, which is no file; a configuration is one.
    let script = bench.run(&["completions", "bash"]).await.out;
    let offers_files = |option: &str| {
        let case = format!("                {option})");
        let mut cases = script.split(&case).skip(1);
        cases.any(|case| case.lines().nth(1).unwrap().contains("compgen -f"))
    };
    assert!(!offers_files("--pair") && !offers_files("--link"));
    assert!(offers_files("--config"));
    let pages = bench.folder.path().join("man");
    std::fs::create_dir(&pages).unwrap();
    bench.run(&["man", "man"]).await.left_with(0);
    let main = std::fs::read_to_string(pages.join("boardsync.1")).unwrap();
    assert!(main.contains("boardsync"));
    assert!(pages.join("boardsync-reconcile.1").exists());
    bench
        .run(&["man", "no/such"])
        .await
        .left_with(1)
        .says("no/such");
}

/// Returns every file below `path` with its text, if it is text.
fn texts(path: &std::path::Path, found: &mut Vec<(String, String)>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            texts(&entry.unwrap().path(), found);
        }
    } else if let Ok(text) = std::fs::read_to_string(path) {
        found.push((path.display().to_string(), text));
    }
}

#[test]
fn every_command_that_a_text_recommends_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for place in ["src", "systemd", "README.md", "config.toml.example"] {
        texts(&root.join(place), &mut found);
    }
    let command = boardsync::cli::command();
    let known: Vec<&str> = command.get_subcommands().map(|c| c.get_name()).collect();
    let mut seen = 0;
    for (file, text) in found {
        for rest in text.split("`boardsync ").skip(1) {
            let word = rest.split([' ', '`', '\n']).next().unwrap();
            // What stands behind the name there is the next cell of a table.
            if word.is_empty() {
                continue;
            }
            assert!(
                word.starts_with('-') || word == "COMMAND" || known.contains(&word),
                "{file}: `boardsync {word}` does not exist"
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} commands were found in the texts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_json_where_json_was_asked_for() {
    let bench = Bench::empty().await;
    bench.replace_config("workspace = ", "workspac = ");
    for args in [
        &["check", "--offline", "--json"][..],
        &["plan", "--json"],
        &["status", "--json"],
    ] {
        let ran = bench.run(args).await.left_with(78).says("did you mean");
        let json = ran.json();
        assert_eq!(json["format_version"], 1, "{json}");
        assert_eq!(json["error"]["exit_code"], 78, "{json}");
        // One slip is one problem: that the right key is missing follows from it.
        assert_eq!(json["error"]["problems"].as_array().unwrap().len(), 1);
        let problem = &json["error"]["problems"][0];
        assert!(
            problem["line"].as_u64().unwrap() > 1 && problem["column"] == 1,
            "{json}"
        );
        assert!(
            problem["what"]
                .as_str()
                .unwrap()
                .contains("unknown key `workspac`"),
            "{json}"
        );
        assert!(
            problem["help"].as_str().unwrap().contains("workspace"),
            "{json}"
        );
    }
    // A failure of another kind has no places.
    let bench = Bench::empty().await;
    let json = bench
        .run(&["why", "999", "--json"])
        .await
        .left_with(64)
        .json();
    assert_eq!(json["error"]["problems"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_and_histories_keep_to_the_columns() {
    let bench = Bench::new().await;
    let long =
        "A title of many words that goes on and on until nobody reads it any more, up to its end";
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.rename(bench.ids[1], long);
    let tags: Vec<String> = (0..30).map(|n| format!("label number {n}")).collect();
    bench
        .world
        .ado
        .edit(
            bench.ids[1],
            &[("System.Tags", serde_json::json!(tags.join("; ")))],
            "ada@contoso.example",
        )
        .unwrap();
    bench.add_story(long);
    let plan = bench
        .run(&["plan"])
        .await
        .left_with(0)
        .says("label number 29");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let history = bench
        .run(&["history", &bench.ids[1].to_string()])
        .await
        .left_with(0);
    let history = history.says("up to its end");
    let lines = plan.out.lines().chain(history.out.lines());
    // A command to type stays on its line, so that it can be copied.
    for line in lines.filter(|line| !line.contains("boardsync --config")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_says_what_is_wrong_in_one_line_of_stderr() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let line = |ran: Ran, says: &str| {
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        assert!(ran.err.contains(says), "{}", ran.err);
    };
    let status = bench.run(&["--quiet", "status"]).await.left_with(3);
    line(status, "web: 1 conflict is open");
    for (args, says) in [
        (
            &["--quiet", "plan", "--bogus"][..],
            "unexpected argument '--bogus'",
        ),
        (&["-q", "reconcile", "--yes"], "--once"),
        (
            &["--quiet", "plan", "--pair", "none"],
            "the configuration has: web",
        ),
        (&["--quiet", "why", "999"], "in no link"),
    ] {
        line(bench.run(args).await.left_with(64), says);
    }
    bench.replace_config("requests_per_second = 200", "requests_per_secnd = 200");
    let wrong = bench.run(&["--quiet", "plan"]).await.left_with(78);
    line(
        wrong,
        "config.toml:7:1: error: unknown key `requests_per_secnd`",
    );
    std::fs::remove_file(&bench.config).unwrap();
    line(
        bench.run(&["--quiet", "plan"]).await.left_with(78),
        "config.toml",
    );
}

/// The bench names its configuration, so what is to be typed next has to name it too.
#[tokio::test(flavor = "multi_thread")]
async fn hints_name_the_configuration_that_was_named() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let program = format!("boardsync --config {}", bench.config.display());
    let status = bench.run(&["status"]).await.left_with(3);
    status.says(&format!("{program} conflicts lists"));
    let cycle = bench.run(&["reconcile", "--once"]).await.left_with(3);
    cycle.says(&format!("`{program} conflicts` says"));
    let cycle = bench
        .run(&["--quiet", "reconcile", "--once"])
        .await
        .left_with(3);
    cycle.says(&format!("`{program} conflicts` says"));
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says(&format!("{program} conflicts resolve 1 --take ado"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_service_lacks_is_told_with_its_place_and_what_may_be_meant() {
    let bench = Bench::new().await;
    bench.replace_config("\"in review\"", "\"in revue\"");
    bench.replace_config("bo@example.com", "bob@example.com");
    let ran = bench.run(&["check"]).await.left_with(78);
    let ran = ran
        .says("config.toml:21:")
        .says("error: web: ClickUp has no status \"in revue\"; did you mean \"in review\"?")
        .says("did you mean bo@example.com?");
    // That the right name stands in no row follows from it.
    let follows = "status \"in review\" stands in no row";
    assert!(!ran.out.contains(follows), "{}", ran.out);
    let json = bench.run(&["check", "--json"]).await.left_with(78).json();
    let findings = json["findings"].as_array().unwrap();
    let placed = findings.iter().filter(|finding| finding["line"].is_u64());
    assert_eq!(placed.count(), 2, "{json:#}");
}

/// An error with a line is mended where it is, the others are searched for.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_a_project_a_condition_and_a_field_that_a_service_lacks_are_told_with_their_line() {
    for (key, other) in [
        ("clickup.list", "clickup.list = \"901100009999\""),
        ("ado.project", "ado.project = \"Fabrikan\""),
        ("ado.where", "ado.where = \"[System.Nothing] = 1\""),
        (
            "",
            "[[pair.field]]\nclickup = \"points\"\nado = \"Custom.Nothing\"",
        ),
    ] {
        let bench = Bench::new().await;
        let text = std::fs::read_to_string(&bench.config).unwrap();
        let of_key = |line: &&str| !key.is_empty() && line.starts_with(&format!("{key} ="));
        match text.lines().find(of_key) {
            Some(line) => bench.replace_config(line, other),
            None => std::fs::write(&bench.config, format!("{text}\n{other}\n")).unwrap(),
        }
        let wrong = other.lines().last().unwrap();
        let text = std::fs::read_to_string(&bench.config).unwrap();
        let line = text.lines().position(|line| line == wrong).unwrap() + 1;
        let ran = bench.run(&["check"]).await;
        assert!([77, 78].contains(&ran.code), "{ran:?}");
        ran.says(&format!("config.toml:{line}:"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_there_is_told_with_the_key_that_names_it() {
    let bench = Bench::new().await;
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let line = |key: &str| {
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(&format!("{key} =")));
        line.unwrap().to_owned()
    };
    for (key, named) in [("pat", "[ado] pat: "), ("token", "[clickup] token: ")] {
        std::fs::write(&bench.config, &text).unwrap();
        bench.replace_config(&line(key), &format!("{key} = {{ file = \"nothing\" }}"));
        bench.run(&["plan"]).await.left_with(77).says(named);
    }
}

/// Whoever mends the list of errors would else take the next ones for new.
#[tokio::test(flavor = "multi_thread")]
async fn check_says_that_it_asks_nobody_while_the_file_has_errors() {
    let bench = Bench::new().await;
    bench.replace_config("requests_per_second = 200", "requests_per_secnd = 200");
    let said = "Neither service was asked";
    bench.run(&["check"]).await.left_with(78).says(said);
    let offline = bench.run(&["check", "--offline"]).await.left_with(78);
    assert!(!offline.err.contains(said), "{}", offline.err);
}

/// What cannot be a secret helps to find the slip; what may be one is shown nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_value_of_a_misspelt_key_is_shown_and_that_of_a_strange_one_is_not() {
    let bench = Bench::new().await;
    bench.replace_config("types = [[", "typs = [[");
    let ran = bench.run(&["check", "--offline"]).await.left_with(78);
    ran.says("did you mean `types`?")
        .says("typs = [[\"User Story\", \"Task\"]");
    bench.replace_config("typs = [[", "types = [[");
    for key in [
        "strange", "pt", "tokn", "apikey", "my_pat", "secrt", "bearr", "ulr",
    ] {
        let line = format!("[ado]\n{key} = \"hidden-value\"\n");
        bench.replace_config("[ado]\n", &line);
        let ran = bench.run(&["check", "--offline"]).await.left_with(78);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains("hidden-value"), "{key}\n{said}");
        bench.replace_config(&line, "[ado]\n");
    }
}
