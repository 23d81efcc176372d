//! What ends a command, how gently, and what is said of it.
//!
//! The first signal asks: no write begins any more, reads are dropped, and the write in hand gets its answer and is
//! recorded. A second one, or eight seconds, ends the process where it stands; what was under way then is found out by
//! the next run, as after a kill.

use super::{Failure, note, typed};
use crate::cli::ExitCode;
use crate::connector::ErrorKind;
use crate::engine::apply::{Done, Report};
use crate::engine::stop::StopSwitch;
use crate::reconcile::plan::Plan;
use crate::render;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the write in hand may wait for its turn and its answer before its waits and reads are dropped too.
const GENTLE: Duration = Duration::from_secs(5);
/// How long after that the process ends in any case. Together below the 10 s after which `docker stop` kills.
const LAST: Duration = Duration::from_millis(2_500);

/// Watches the signals for as long as the process lives.
pub(super) struct Signals {
    /// Given to the engine.
    pub stop: StopSwitch,
    /// Given to the clients of both services.
    pub cancel: CancellationToken,
    /// Exit code of the first signal; 0: none came.
    code: Arc<AtomicU8>,
    tally: Mutex<Option<Tally>>,
}

/// How far a run came.
struct Tally {
    done: usize,
    total: usize,
    /// Creates whose answer is not known.
    open: usize,
    cut: bool,
}

impl Signals {
    /// For a command that ends by itself: after a signal it ends within eight seconds.
    pub fn of_command() -> Signals {
        Signals::watch(false)
    }

    /// For the daemon: it takes the time that a write in hand needs, and SIGHUP changes nothing.
    pub fn of_daemon() -> Signals {
        Signals::watch(true)
    }

    fn watch(daemon: bool) -> Signals {
        let signals = Signals {
            stop: StopSwitch::default(),
            cancel: CancellationToken::new(),
            code: Arc::default(),
            tally: Mutex::default(),
        };
        let asked = Asked {
            stop: signals.stop.clone(),
            cancel: signals.cancel.clone(),
            code: signals.code.clone(),
            daemon,
        };
        listen(asked);
        signals
    }

    /// Notes how far a plan was carried out; `open` is the number of creates whose answer is not known.
    pub fn count(&self, plan: &Plan, report: &Report, open: usize) {
        let done = |(_, _, done): &&(_, _, Done)| matches!(done, Done::Done(_));
        let dropped = report
            .closed
            .iter()
            .any(|error| error.kind == ErrorKind::Cancelled);
        let tally = Tally {
            done: report.outcomes.iter().filter(done).count(),
            total: plan.pairs.iter().map(|pair| pair.actions.len()).sum(),
            open,
            cut: report.not_begun > 0 || dropped,
        };
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner) = Some(tally);
    }

    /// Turns the end of a command that was told to end into the exit code of its signal, and says how far it came and how
    /// to go on. Any other end stays as it is, also one that came before the signal was noticed.
    pub fn conclude(&self, result: Result<ExitCode, Failure>) -> Result<ExitCode, Failure> {
        let Some(code) = self.code() else {
            return result;
        };
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let far = match (&*tally, &result) {
            (Some(tally), Ok(_)) if tally.cut => format!(
                "{} of {} are done and recorded, no further one was begun",
                render::amount(tally.done),
                render::plural(tally.total, "action", "actions")
            ),
            (None, Ok(ExitCode::Guard)) => "nothing was written".to_owned(),
            // A request was dropped: see `exit_code`.
            (None, Err(failure)) if failure.code == ExitCode::Done => {
                "nothing was written".to_owned()
            }
            _ => return result,
        };
        note(&format!("ended by {}: {far}\n", code.signal()));
        if let Some(open) = tally.as_ref().map(|tally| tally.open).filter(|n| *n > 0) {
            note(&format!(
                "{} not answered in time; the next run looks for what was made before it makes anything\n",
                render::plural(open, "create was", "creates were")
            ));
        }
        note(&format!("{}\n", go_on(std::env::args().skip(1))));
        Ok(code)
    }

    fn code(&self) -> Option<ExitCode> {
        let code = self.code.load(Ordering::SeqCst);
        [
            ExitCode::Hangup,
            ExitCode::Interrupted,
            ExitCode::Terminated,
        ]
        .into_iter()
        .find(|known| known.number() == code)
    }
}

/// Says what to type to go on after these arguments. An approval was for a plan that is no more.
fn go_on(args: impl Iterator<Item = String>) -> String {
    let args: Vec<String> = args.collect();
    if args.iter().any(|arg| arg.starts_with("--approve")) {
        return "look at what is left with `boardsync plan`".to_owned();
    }
    let typed: Vec<String> = args.iter().map(|arg| typed(arg)).collect();
    format!("go on with: boardsync {}", typed.join(" "))
}

/// What a signal acts on.
struct Asked {
    stop: StopSwitch,
    cancel: CancellationToken,
    code: Arc<AtomicU8>,
    daemon: bool,
}

impl Asked {
    /// Acts on a signal that ends the process.
    fn end(&self, code: ExitCode) {
        let first =
            self.code
                .compare_exchange(0, code.number(), Ordering::SeqCst, Ordering::SeqCst);
        if first.is_err() {
            leave(code);
        }
        self.stop.ask();
        if !self.stop.is_writing() {
            self.cancel.cancel();
        } else if !self.daemon {
            note("\nfinishing the write under way; once more ends at once\n");
        }
        if self.daemon {
            tracing::info!("stopping after what is under way");
        }
        let (cancel, daemon) = (self.cancel.clone(), self.daemon);
        tokio::spawn(async move {
            tokio::time::sleep(GENTLE).await;
            cancel.cancel();
            if !daemon {
                tokio::time::sleep(LAST).await;
                leave(code);
            }
        });
    }
}

/// Ends the process where it stands. The state takes no harm: it is made for kills.
fn leave(code: ExitCode) -> ! {
    note(&format!(
        "ended by {} in the middle of a request; the next run finds out what became of it\n",
        code.signal()
    ));
    std::process::exit(i32::from(code.number()))
}

#[cfg(unix)]
fn listen(asked: Asked) {
    use tokio::signal::unix::{SignalKind, signal};
    // Registered before anything is sent. Without a handler the system's own action stays, which is to end the process.
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    // Under nohup it is ignored already, and must stay so: the command goes on without its terminal.
    let hangup = match asked.daemon || !ignores_hangup() {
        true => signal(SignalKind::hangup()).ok(),
        false => None,
    };
    tokio::spawn(async move {
        let mut hangup = hangup;
        loop {
            let gone = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = interrupt.recv() => asked.end(ExitCode::Interrupted),
                _ = terminate.recv() => asked.end(ExitCode::Terminated),
                _ = gone => match asked.daemon {
                    true => tracing::warn!(
                        "SIGHUP changes nothing: the configuration is read at the start, so restart boardsync to have it read again"
                    ),
                    false => asked.end(ExitCode::Hangup),
                },
            }
        }
    });
}

/// Whether whoever started this process wants it to outlive its terminal. Where that cannot be known, yes.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    // proc_pid_status(5): SigIgn is a mask in hexadecimal, signal 1 its lowest bit.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
fn listen(asked: Asked) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            asked.end(ExitCode::Interrupted);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_type_is_the_command_itself_unless_its_approval_is_spent() {
        let said = |args: &[&str]| go_on(args.iter().map(|arg| (*arg).to_owned()));
        assert_eq!(
            said(&["--config", "/etc/b/config.toml", "apply", "first.plan"]),
            "go on with: boardsync --config /etc/b/config.toml apply first.plan"
        );
        assert_eq!(
            said(&["apply", "my plan's"]),
            "go on with: boardsync apply 'my plan'\\''s'"
        );
        assert!(said(&["reconcile", "--once", "--approve", "ab"]).contains("boardsync plan"));
    }
}
