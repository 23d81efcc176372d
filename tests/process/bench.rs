//! A world, a folder with a configuration, and the program.

use boardsync::model::Side;
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::seed;
use boardsync::sandbox::world::{PROJECT, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Token texts that no byte of output, log or database may hold.
pub const ADO_TOKEN: &str = "canary-ado-6f1d0c52e7";
pub const CLICKUP_TOKEN: &str = "pk_1001_CANARY9C41B7";

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails with everything that was printed when the exit code is another.
    #[track_caller]
    pub fn left_with(self, code: i32) -> Ran {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.out, self.err
        );
        self
    }

    /// Fails unless stdout or stderr holds the text, wherever its lines break.
    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        let joined = |output: &str| output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            [&self.out, &self.err]
                .iter()
                .any(|output| { output.contains(text) || joined(output).contains(text) }),
            "{text:?} is missing\n--- stdout\n{}\n--- stderr\n{}",
            self.out,
            self.err
        );
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect(&self.out)
    }
}

/// A world with the seeded board, and a folder with its configuration.
pub struct Bench {
    pub world: World,
    pub folder: tempfile::TempDir,
    pub config: PathBuf,
    pub ids: Vec<i64>,
}

impl Bench {
    pub async fn new() -> Bench {
        Bench::at(SandboxClock::real()).await
    }

    /// As `new`, with services that live in this time.
    pub async fn at(clock: SandboxClock) -> Bench {
        let mut bench = Bench::empty_at(clock).await;
        bench.ids = seed::ado_board(&bench.world.ado, PROJECT).unwrap();
        bench
    }

    /// A world without any item.
    pub async fn empty() -> Bench {
        Bench::empty_at(SandboxClock::real()).await
    }

    async fn empty_at(clock: SandboxClock) -> Bench {
        let ado = AdoConfig {
            pat: ADO_TOKEN.to_owned(),
            ..AdoConfig::default()
        };
        let world = World::start_on(clock, ado, clickup(), 0).await.unwrap();
        Bench::of(world, &World::example_pair())
    }

    /// A world with these pairs.
    pub fn of(world: World, pairs: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let config = world.write_config(folder.path(), pairs).unwrap();
        Bench {
            world,
            folder,
            config,
            ids: Vec::new(),
        }
    }

    /// A world whose board was carried over, with an empty ledger.
    pub async fn equal() -> Bench {
        let bench = Bench::new().await;
        bench
            .run(&["reconcile", "--once", "--yes"])
            .await
            .left_with(0);
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        bench.world.ledger.clear();
        bench
    }

    /// A world with a conflict that waits for a person: ADO calls an item "Ours", ClickUp got `edit`.
    pub async fn contested(edit: &Value) -> Bench {
        let bench = Bench::new().await;
        bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
        bench
            .run(&["reconcile", "--once", "--yes"])
            .await
            .left_with(0);
        let task = bench.task_named("Validate postcodes");
        bench.rename(bench.ids[3], "Ours");
        bench.world.clickup.edit(&task, edit).unwrap();
        bench.run(&["reconcile", "--once"]).await.left_with(3);
        bench
    }

    /// The program with an empty environment, in the folder of this bench.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("boardsync"));
        command.env_clear();
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .current_dir(self.folder.path())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut all = vec!["--config", self.config.to_str().unwrap()];
        all.extend(args);
        self.bare(&all)
    }

    /// Runs the program to its end.
    pub async fn run(&self, args: &[&str]) -> Ran {
        end(self.command(args)).await
    }

    /// Starts the daemon, with nobody to listen to what it says.
    pub fn daemon(&self) -> Child {
        self.command(&["reconcile"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until the daemon has brought something about.
    pub async fn until(&self, done: impl Fn(&Bench) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(20), "no cycle came");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// No cycle writes anything, neither by deltas nor in full.
    pub async fn quiet(&self) {
        self.quiet_with(0).await;
    }

    /// As `quiet`, beside conflicts that are open or items that are held: every cycle says so.
    pub async fn open_and_quiet(&self) {
        self.quiet_with(3).await;
    }

    async fn quiet_with(&self, code: i32) {
        self.world.ledger.clear();
        for args in [
            &["reconcile", "--once"][..],
            &["reconcile", "--once", "--full"],
            &["reconcile", "--once"],
        ] {
            self.run(args).await.left_with(code);
            assert_eq!(self.world.ledger.writes(), [], "{args:?}");
        }
    }

    /// Every file of the folder with its bytes, but lock files, whose content is a note, and the record of recent requests,
    /// in which commands that only look note theirs as well.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_none_or(|end| end != "lock" && end != "sends")
            })
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect()
    }

    /// As after a day: what is kept of the services' names is too old.
    pub fn forget_names(&self) {
        let state = rusqlite::Connection::open(self.folder.path().join("boardsync.db")).unwrap();
        state.execute("DELETE FROM vocabulary", []).unwrap();
    }

    pub fn fault(&self, service: Side, method: Option<&str>, path: &str, fault: Fault, times: u32) {
        self.world.faults.add(FaultRule {
            service: service.into(),
            method: method.map(str::to_owned),
            path_contains: path.to_owned(),
            fault,
            skip: 0,
            times,
        });
    }

    /// Titles of all tasks, sorted.
    pub fn titles(&self) -> Vec<String> {
        let mut titles: Vec<String> = self
            .world
            .clickup
            .all_ids()
            .iter()
            .filter_map(|id| self.world.clickup.task(id))
            .map(|task| task["name"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    }

    pub fn task_named(&self, title: &str) -> String {
        let ids = self.world.clickup.all_ids();
        let named = |id: &String| self.world.clickup.task(id).unwrap()["name"] == title;
        ids.into_iter().find(named).expect(title)
    }

    pub fn rename(&self, id: i64, title: &str) {
        self.world
            .ado
            .edit(id, &[("System.Title", json!(title))], "ada@contoso.example")
            .unwrap();
    }

    pub fn add_story(&self, title: &str) -> i64 {
        self.world
            .ado
            .create_item(PROJECT, "User Story", &[("System.Title", json!(title))])
            .unwrap()
    }

    pub fn replace_config(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&self.config, text.replacen(from, to, 1)).unwrap();
    }
}

/// A ClickUp that knows our token and has room for a test.
pub fn clickup() -> ClickUpConfig {
    ClickUpConfig {
        token: CLICKUP_TOKEN.to_owned(),
        quirks: Quirks {
            rate_limit: 10_000,
            ..Quirks::default()
        },
        ..ClickUpConfig::example()
    }
}

/// Runs a command to its end.
pub async fn end(command: Command) -> Ran {
    let args: Vec<String> = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    tokio::task::spawn_blocking(move || {
        let output = assert_cmd::Command::from_std(command)
            .timeout(Duration::from_secs(60))
            .output()
            .unwrap();
        super::schema::holds(&args, &String::from_utf8_lossy(&output.stdout));
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    })
    .await
    .unwrap()
}

/// A plain answer with this status.
pub fn status(status: u16, headers: &[(&str, &str)]) -> Fault {
    Fault::Status {
        status,
        // A refusal of the service's own, of either.
        body:
            r#"{"err":"made up","ECODE":"TEST_000","message":"made up","typeKey":"TestException"}"#
                .to_owned(),
        content_type: "application/json".to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}
