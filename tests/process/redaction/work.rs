//! A day's work with each way of giving a secret: nothing that the program prints, stores or sends holds one.

use crate::bench::Bench;
use crate::redaction::evidence::{Canaries, Evidence, finds, sent_to_its_own_service_only};
use base64::Engine as _;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// Where the program gets its two secrets from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    File,
    Env,
    SeedNames,
    Credential,
    Command,
}

/// Text that must be found in what the program leaves behind.
const CONTROL: &str = "Control title qzv81";

struct Day<'a> {
    bench: Bench,
    canaries: &'a Canaries,
    source: Source,
    evidence: Evidence,
    runs: usize,
}

impl Day<'_> {
    fn prepare(&self) {
        let (folder, canaries) = (self.bench.folder.path(), self.canaries);
        let (ado, clickup) = match self.source {
            Source::File => return,
            Source::Env => ("{ env = \"MY_PAT\" }", "{ env = \"MY_TOKEN\" }"),
            Source::SeedNames => ("{ env = \"ADO_PAT\" }", "{ env = \"CLICKUP_API_TOKEN\" }"),
            Source::Credential => ("{ credential = \"ado\" }", "{ credential = \"clickup\" }"),
            Source::Command => (
                "{ command = [\"cat\", \"vault/ado.token\"] }",
                "{ command = [\"cat\", \"vault/clickup.token\"] }",
            ),
        };
        for (name, secret) in [
            ("ado.token", &canaries.ado),
            ("clickup.token", &canaries.clickup),
        ] {
            std::fs::remove_file(folder.join(name)).unwrap();
            for (place, name) in [
                ("vault", name),
                ("credentials.token", name.trim_end_matches(".token")),
            ] {
                let place = folder.join(place);
                let _ = std::fs::create_dir(&place);
                let file = place.join(name);
                std::fs::write(&file, format!("{secret}\n")).unwrap();
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        // Only what is in use may lie about: the search goes through the whole folder.
        let unused = match self.source {
            Source::Command => &["credentials.token"][..],
            Source::Credential => &["vault"],
            _ => &["credentials.token", "vault"],
        };
        for folder_name in unused {
            std::fs::remove_dir_all(folder.join(folder_name)).unwrap();
        }
        if self.source == Source::Credential {
            let outside = self.secrets_folder();
            std::fs::rename(folder.join("credentials.token"), outside).unwrap();
        }
        self.bench.replace_config("{ file = \"ado.token\" }", ado);
        self.bench
            .replace_config("{ file = \"clickup.token\" }", clickup);
    }

    fn secrets_folder(&self) -> std::path::PathBuf {
        let own = self
            .bench
            .folder
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        std::env::temp_dir().join(format!("boardsync-credentials-{own}"))
    }

    async fn run(&mut self, args: &[&str]) -> crate::bench::Ran {
        let mut command = self.bench.command(args);
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        match self.source {
            Source::Env => {
                command.env("MY_PAT", &self.canaries.ado);
                command.env("MY_TOKEN", &self.canaries.clickup);
            }
            Source::SeedNames => {
                command.env("ADO_PAT", &self.canaries.ado);
                command.env("CLICKUP_API_TOKEN", &self.canaries.clickup);
            }
            Source::Credential => {
                command.env("CREDENTIALS_DIRECTORY", self.secrets_folder());
            }
            Source::File | Source::Command => {}
        }
        let output = tokio::task::spawn_blocking(move || {
            assert_cmd::Command::from_std(command)
                .timeout(std::time::Duration::from_secs(60))
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        let ran = crate::bench::Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        self.runs += 1;
        self.evidence.ran(&format!("{args:?}"), &ran);
        ran
    }
}

async fn a_day(canaries: &Canaries, source: Source) {
    let bench = canaries.bench().await;
    let mut day = Day {
        bench,
        canaries,
        source,
        evidence: Evidence::default(),
        runs: 0,
    };
    day.prepare();
    day.bench.add_story(CONTROL);
    day.run(&["check", "--offline"]).await.left_with(0);
    day.run(&["check"]).await.left_with(0);
    day.run(&["plan"]).await.left_with(0);
    day.run(&["plan", "--json", "--out", "first.plan"])
        .await
        .left_with(0);
    day.run(&["reconcile", "--once"]).await.left_with(4);
    day.run(&["apply", "first.plan"]).await.left_with(0);
    // One field changed on both sides for a conflict, one on one side for an update.
    let (id, task) = (
        day.bench.ids[1],
        day.bench.task_named("Guest gets a receipt by mail"),
    );
    let other = day.bench.ids[2];
    day.bench.rename(other, "One name");
    day.bench
        .world
        .clickup
        .edit(&task, &json!({ "name": "Another name" }))
        .unwrap();
    day.bench.rename(id, "Only here");
    day.run(&["-vv", "reconcile", "--once", "--full"])
        .await
        .left_with(0);
    day.run(&["reconcile", "--once", "--json"])
        .await
        .left_with(0);
    let story = id.to_string();
    for args in [
        &["status"][..],
        &["why", &story],
        &["history", &story],
        &["conflicts"],
        &["conflicts", "show", "1"],
        &["links"],
        &["verify"],
        &["doctor"],
        &["undo"],
        &["undo", &story, "--dry-run"],
    ] {
        day.run(args).await;
        day.run(&[args, &["--json"]].concat()).await;
    }
    day.run(&["doctor", "--offline"]).await;
    day.run(&["backup", "copy.db"]).await.left_with(0);
    day.run(&["undo", &story, "--yes"]).await.left_with(3);
    daemon(&mut day).await;
    day.evidence.collect(&day.bench);
    // What must be there is there: in results, requests, the database, the saved plan and the copy.
    let holding = day.evidence.holding(CONTROL).join("\n");
    for place in [
        "stdout of [\"plan\"]",
        "to ClickUp POST",
        "boardsync.db",
        "first.plan",
        "copy.db",
    ] {
        assert!(holding.contains(place), "{place} is not among\n{holding}");
    }
    assert!(
        !day.evidence.holding("request answered").is_empty(),
        "no trace"
    );
    sent_to_its_own_service_only(&day.bench, canaries);
    day.evidence
        .clean(&format!("{source:?}, {} runs", day.runs), canaries);
    marker_key_stays_in_its_files(&day);
    if source == Source::Credential {
        std::fs::remove_dir_all(day.secrets_folder()).unwrap();
    }
}

/// The key that signs markers is in its file and in that of the copy, in no form elsewhere.
fn marker_key_stays_in_its_files(day: &Day<'_>) {
    let files: std::collections::BTreeMap<String, Vec<u8>> =
        std::fs::read_dir(day.bench.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect();
    let key = &files["boardsync.db.key"];
    let text = String::from_utf8_lossy(key).trim().to_owned();
    let raw = hex::decode(&text).unwrap_or_else(|_| key.clone());
    let forms = [
        hex::encode(&raw),
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(&raw),
    ];
    for form in forms {
        let holding = day.evidence.holding(&form);
        assert!(
            holding.iter().all(|name| name.ends_with(".key")),
            "{holding:?}"
        );
    }
    for (name, bytes) in files.iter().filter(|(name, _)| !name.ends_with(".key")) {
        assert!(
            !bytes.windows(raw.len()).any(|window| window == raw),
            "{name}"
        );
    }
    assert!(finds(key, &hex::encode(&raw)) || key.windows(raw.len()).any(|w| w == raw));
}

/// The daemon with a JSON log, until it has worked a little.
async fn daemon(day: &mut Day<'_>) {
    let mut command = day.bench.command(&["reconcile", "--json"]);
    command.env("RUST_LOG", "trace");
    if day.source != Source::File {
        return;
    }
    let log = day.bench.folder.path().join("daemon.log");
    command.stderr(std::fs::File::create(&log).unwrap());
    command.stdout(std::fs::File::create(day.bench.folder.path().join("daemon.out")).unwrap());
    let before = day.bench.world.ledger.count();
    let mut child = command.spawn().unwrap();
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if day.bench.world.ledger.count() > before + 3 {
            break;
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("\"message\":\"request answered\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_from_files_stay_where_they_belong() {
    a_day(&Canaries::real(), Source::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_odd_characters_stay_where_they_belong() {
    a_day(&Canaries::odd(), Source::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_from_the_environment_stay_where_they_belong() {
    a_day(&Canaries::real(), Source::Env).await;
    a_day(&Canaries::real(), Source::SeedNames).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_from_the_service_manager_stay_where_they_belong() {
    a_day(&Canaries::real(), Source::Credential).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_from_a_command_stay_where_they_belong() {
    a_day(&Canaries::real(), Source::Command).await;
}
