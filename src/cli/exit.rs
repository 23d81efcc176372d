//! With which code the program leaves, and what each code means.

/// What each exit code means, for help texts and manual pages.
pub const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  unexpected error
   2  changes are pending, or a plan waits for its yes (only with --detailed-exitcode)
   3  done, but some items failed, are held or are in conflict (what only shows a plan leaves with 0)
   4  stopped before writing, by a guard or because a plan waits for its yes
   5  something is late and nobody has to act yet (only `status`)
  64  wrong usage
  69  a service is unreachable or throttled out
  75  another instance holds the lock
  77  credentials missing, refused or without the right scope
  78  bad configuration
 129  ended by SIGHUP, the end of its terminal
 130  ended by Ctrl-C (SIGINT)
 143  ended by SIGTERM; a daemon leaves with 0 then

After a signal the write under way is finished and recorded, and no further one begins; that takes eight seconds at \
most. A second signal ends at once.";

/// What the codes of `status` mean, for its help text and its manual page.
pub(super) const STATUS_LONG: &str = "\
Exit codes:
   0  everything is fresh and equal
   3  somebody has to act: a conflict, a hold that nothing ends by itself, a plan that waits for a yes or was stopped, a \
refused token, the stop file
    5  something is late, and the next cycles mend it if they can: no cycle ended well for a while, the daemon is suspended \
or begins none, the last one failed, a write is tried again later, a create had no answer, what seems deleted is asked for again, \
a choice in a conflict is not carried out yet
The others are as in boardsync --help. A monitor calls somebody at once for 3, and for 5 only when it stays.";

/// Code with which the program leaves. The numbers are part of the contract with scripts and service managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Something nobody expected.
    Unexpected = 1,
    /// Changes are pending; only with `--detailed-exitcode`.
    Pending = 2,
    /// Done, but items failed, are held or are in conflict; by every run until nothing is.
    Partial = 3,
    /// Stopped before writing: a plan waits for its yes, or a guard found it too large.
    Guard = 4,
    /// `status`: something is late, and nobody has to act.
    Late = 5,
    /// The command line makes no sense.
    Usage = 64,
    /// A service is unreachable or throttled out.
    Unavailable = 69,
    /// Another instance holds the lock.
    Locked = 75,
    /// Credentials are missing, refused or without the right scope.
    Credentials = 77,
    /// The configuration is wrong.
    Config = 78,
    /// Ended by SIGHUP, as a shell would say it: 128 and the signal's number. So are the next two.
    Hangup = 129,
    /// Ended by SIGINT before everything was done.
    Interrupted = 130,
    /// Ended by SIGTERM before everything was done.
    Terminated = 143,
}

impl ExitCode {
    /// Returns the number that the process leaves with.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Says in one line what the code means and what to do about it.
    pub fn reason(self) -> &'static str {
        match self {
            ExitCode::Done => "done",
            ExitCode::Unexpected => "unexpected error; run it again with -v",
            ExitCode::Pending => "changes are pending; `boardsync plan` shows them",
            ExitCode::Partial => {
                "some items failed, are held or are in conflict; `boardsync status` names them"
            }
            ExitCode::Guard => {
                "stopped before writing: a plan waits for its yes, or a guard found it too large; `boardsync plan` shows it"
            }
            ExitCode::Late => "something is late; the next cycles mend it if they can",
            ExitCode::Usage => "wrong usage",
            ExitCode::Unavailable => {
                "a service is unreachable or throttles; the next run tries again"
            }
            ExitCode::Locked => "another instance holds the lock",
            ExitCode::Credentials => "a token is missing or refused; `boardsync check` says which",
            ExitCode::Config => "the configuration is wrong; `boardsync check` says where",
            ExitCode::Hangup | ExitCode::Interrupted | ExitCode::Terminated => "ended by a signal",
        }
    }

    /// Returns what people call the signal that the code stands for; the number's name where it stands for none.
    pub fn signal(self) -> &'static str {
        match self {
            ExitCode::Hangup => "SIGHUP",
            ExitCode::Interrupted => "Ctrl-C",
            ExitCode::Terminated => "SIGTERM",
            ExitCode::Done
            | ExitCode::Unexpected
            | ExitCode::Pending
            | ExitCode::Partial
            | ExitCode::Guard
            | ExitCode::Late
            | ExitCode::Usage
            | ExitCode::Unavailable
            | ExitCode::Locked
            | ExitCode::Credentials
            | ExitCode::Config => "itself",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.number())
    }
}
