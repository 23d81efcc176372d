//! The ways to kill a run.

use crate::kills::program::Program;
use boardsync::sandbox::ledger::Stage;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// When a run is killed.
#[derive(Clone, Debug)]
pub enum Kill {
    /// At the n-th edge of a commit: odd ones before, even ones after it.
    Commit(u32),
    /// At the n-th request, before the service does anything.
    Arrived(u32),
    /// At the n-th request, when the service has done it and not answered yet.
    Done(u32),
    /// So long after the n-th request was answered: in the midst of whatever comes then.
    Later(u32, Duration),
    /// So long after the start.
    Time(Duration),
}

impl Kill {
    pub const KINDS: [&'static str; 6] = [
        "before a commit",
        "after a commit",
        "before a request",
        "after a request, before its answer",
        "shortly after an answer",
        "at a random time",
    ];

    pub fn any(rng: &mut fastrand::Rng) -> Kill {
        match rng.u8(0..10) {
            0..=3 => Kill::Commit(rng.u32(1..24)),
            4 | 5 => Kill::Done(rng.u32(1..12)),
            6 => Kill::Arrived(rng.u32(1..12)),
            7 | 8 => Kill::Later(rng.u32(1..12), Duration::from_micros(rng.u64(0..6_000))),
            _ => Kill::Time(Duration::from_millis(rng.u64(5..150))),
        }
    }

    pub fn kind(&self) -> &'static str {
        Kill::KINDS[match self {
            Kill::Commit(n) if n % 2 == 1 => 0,
            Kill::Commit(_) => 1,
            Kill::Arrived(_) => 2,
            Kill::Done(_) => 3,
            Kill::Later(..) => 4,
            Kill::Time(_) => 5,
        }]
    }
}

impl Program {
    /// Runs one cycle and kills it. Returns whether it was killed before it ended by itself.
    pub fn run_killed(&self, kill: &Kill) -> bool {
        let mut command = self.command(&["reconcile", "--once"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if let Kill::Commit(n) = kill {
            command.env("BOARDSYNC_DIE_AT_COMMIT", n.to_string());
        }
        let child = Arc::new(Mutex::new(None::<Child>));
        self.watch(kill, &child);
        *child.lock().unwrap() = Some(command.spawn().unwrap());
        if let Kill::Time(after) = kill {
            std::thread::sleep(*after);
            let _ = child.lock().unwrap().as_mut().unwrap().kill();
        }
        let status = loop {
            if let Some(status) = child.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.world.ledger.watch(None);
        status.signal() == Some(9)
    }

    fn watch(&self, kill: &Kill, child: &Arc<Mutex<Option<Child>>>) {
        let (at, n, wait) = match kill {
            Kill::Arrived(n) => (Stage::Arrived, *n, Duration::ZERO),
            Kill::Done(n) => (Stage::Done, *n, Duration::ZERO),
            Kill::Later(n, wait) => (Stage::Done, *n, *wait),
            Kill::Commit(_) | Kill::Time(_) => return,
        };
        let (child, seen) = (child.clone(), Mutex::new(0));
        self.world.ledger.watch(Some(Arc::new(move |stage, _, _| {
            if stage != at {
                return;
            }
            let mut seen = seen.lock().unwrap();
            *seen += 1;
            if *seen != n {
                return;
            }
            let child = child.clone();
            let kill = move || {
                std::thread::sleep(wait);
                if let Some(child) = child.lock().unwrap().as_mut() {
                    let _ = child.kill();
                }
            };
            if wait.is_zero() {
                kill();
            } else {
                std::thread::spawn(kill);
            }
        })));
    }
}
