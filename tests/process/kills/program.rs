//! The program, its folder, and both services.

use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::World;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The quiet time in the configuration: nothing here is ever late, so it may be short.
pub const QUIET: Duration = Duration::from_millis(300);

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Both services, a folder with a configuration and a database, and the program.
pub struct Program {
    pub world: World,
    pub folder: tempfile::TempDir,
    config: PathBuf,
}

impl Program {
    /// Starts both services and writes a configuration with this `[schedule]` table.
    pub async fn new(schedule: &str) -> Program {
        let clickup = ClickUpConfig {
            quirks: Quirks {
                rate_limit: 1_000_000,
                ..Quirks::default()
            },
            ..ClickUpConfig::example()
        };
        let world = World::start_on(SandboxClock::real(), AdoConfig::default(), clickup, 0)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let rest = format!(
            "[schedule]\nquiet_time = \"{}ms\"\n{schedule}\n\n{}",
            QUIET.as_millis(),
            World::example_pair()
        );
        let config = world.write_config(folder.path(), &rest).unwrap();
        Program {
            world,
            folder,
            config,
        }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("boardsync"));
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .current_dir(self.folder.path())
            .arg("--config")
            .arg(&self.config)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(args);
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{args:?}: {ran:?}"))
    }

    /// How many creates still wait for their answer to be settled, and how many items or fields are held.
    pub fn open(&self) -> (u64, u64) {
        let status = self.json(&["status", "--json"]);
        let pairs = status["pairs"].as_array().unwrap();
        let sum = |key: &str| pairs.iter().map(|pair| pair[key].as_u64().unwrap()).sum();
        (sum("open_intents"), sum("holds"))
    }
}
