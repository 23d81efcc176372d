//! The real program as a process of its own, and the two fake services that it works with.

use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::World;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the kernel says of a process; memory in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub resident: u64,
    pub anonymous: u64,
    /// The most that was ever resident.
    pub highest: u64,
    /// Bytes read from files, most of them from the database. What comes over the network is not among them.
    pub read: u64,
}

impl Memory {
    /// `None`: the process has ended, or the system has no `/proc`.
    pub fn of(process: &Child) -> Option<Memory> {
        let file = |name| std::fs::read_to_string(format!("/proc/{}/{name}", process.id())).ok();
        let told = format!("{}{}", file("status")?, file("io")?);
        let field = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Memory {
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
            highest: field("VmHWM:")?,
            read: field("rchar:")?,
        })
    }

    pub fn show(self, what: &str) {
        let mib = |kib: u64| kib as f64 / 1024.0;
        println!(
            "{what:<44} resident {:6.1} MiB (anonymous {:6.1}), highest {:6.1} MiB; {:.0} MB read",
            mib(self.resident),
            mib(self.anonymous),
            mib(self.highest),
            self.read as f64 / 1e6
        );
    }
}

/// Starts the program. `BOARDSYNC_PROGRAM` names another build, for comparing the two.
pub fn start(config: &Path, arguments: &[&str], out: impl Into<Stdio>) -> Child {
    let program = std::env::var_os("BOARDSYNC_PROGRAM");
    Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_boardsync").into()))
        .env_clear()
        .arg("--config")
        .arg(config)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Both services, with nothing in them, that may be asked as fast as one can.
pub async fn services() -> World {
    let clickup = ClickUpConfig {
        quirks: Quirks {
            rate_limit: 10_000_000,
            ..Quirks::default()
        },
        ..ClickUpConfig::example()
    };
    let world = World::start_on(SandboxClock::real(), AdoConfig::default(), clickup, 0).await;
    world.unwrap()
}

/// A board grows by thousands here, which is more than a guard lets through.
const HEAD: &str =
    "[schedule]\npoll = \"5s\"\n\n[guard]\nmax_creates = 100000\ncreates_percent = 100\n\n";

/// Writes the configuration of a program that asks as fast as it can, and returns its path.
pub fn config(world: &World, folder: &Path) -> PathBuf {
    let path = world.write_config(folder, &World::example_pair()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text
        .replace("requests_per_second = 200", "requests_per_second = 1000")
        .replace("requests_per_minute = 10000", "requests_per_minute = 60000");
    std::fs::write(&path, format!("{HEAD}{text}")).unwrap();
    path
}
