//! Sets up the log: to stderr, filtered, with control characters escaped.
//!
//! stdout belongs to results. A line says when, how grave and what, and then its fields: those of the event and those of the
//! spans around it, as `run=c1796000000000 pair=web item="ADO 5" field=title kind=update outcome=done`. With `--log json` each
//! line is one JSON object with the same names. The journal of systemd gets the gravity as a prefix and no time of its own.
//!
//! Text from the services reaches log fields. An escape sequence in a title must not drive the operator's terminal or forge
//! a line, and no credential may be shown, so every line goes through [`Lines`], which masks and escapes.

mod line;

pub use line::{Format, Lines, said};

use std::io;
use std::sync::LazyLock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Target of log lines that a command says again at its end, where people look for them. Only a daemon, which has no end,
/// logs them.
pub const SAID_AGAIN: &str = "boardsync::said_again";

/// Starts logging for the whole process. `level` is a filter (`"warn,boardsync=info"`) that holds unless `LOG_LEVEL` or else
/// `RUST_LOG` is set; `None` means `warn`. `colour` applies to text only. Times are UTC and left out of text under journald,
/// which has its own. A second call changes nothing.
pub fn init(level: Option<&str>, json: bool, colour: bool) {
    let set = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|text| !text.trim().is_empty())
    };
    let filter = filter(
        set("LOG_LEVEL")
            .map(|text| ours(&text))
            .or_else(|| set("RUST_LOG"))
            .as_deref(),
        level,
    );
    let format = match (json, to_journal()) {
        (true, _) => Format::Json,
        (false, true) => Format::Journal,
        (false, false) => Format::Text { colour },
    };
    // An error means that a subscriber is there already, as in tests; logging works either way.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(Lines::new(io::stderr, format))
        .try_init();
}

/// Whether what this process writes to stderr goes to the journal of systemd. `JOURNAL_STREAM` names the file that the
/// journal reads from by device and inode; a child whose stderr was turned elsewhere inherits the variable all the same,
/// so the two are compared (systemd.exec(5)).
pub fn to_journal() -> bool {
    static JOURNAL: LazyLock<bool> = LazyLock::new(|| {
        let told = std::env::var("JOURNAL_STREAM").ok();
        told.is_some() && told == stderr_file()
    });
    *JOURNAL
}

/// What stderr is, as `JOURNAL_STREAM` would name it.
#[cfg(unix)]
fn stderr_file() -> Option<String> {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let stderr = io::stderr().as_fd().try_clone_to_owned().ok()?;
    let file = std::fs::File::from(stderr).metadata().ok()?;
    Some(format!("{}:{}", file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn stderr_file() -> Option<String> {
    None
}

/// Puts the prefix of a priority before every line of a text for the journal, which takes a line without one for ordinary
/// (sd-daemon(3)): 3 is an error, 4 a warning, 5 a notice.
pub fn prioritised(text: &str, priority: u8) -> String {
    let lines = text.lines().map(|line| format!("<{priority}>{line}\n"));
    lines.collect()
}

/// A mere level is about this program; what the libraries below it say on that level would bury its lines.
fn ours(text: &str) -> String {
    let level = text.trim().to_lowercase();
    match level.as_str() {
        "warn" | "info" | "debug" | "trace" => format!("warn,boardsync={level}"),
        _ => level,
    }
}

/// Builds the filter from what the environment says, else from `level`, else `warn`.
/// Words that are no filter fall back to the next one.
fn filter(environment: Option<&str>, level: Option<&str>) -> EnvFilter {
    environment
        .into_iter()
        .chain(level)
        .find_map(|text| EnvFilter::try_new(text.trim().to_lowercase()).ok())
        .unwrap_or_else(|| EnvFilter::new("warn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_wins_over_the_callers_level_and_nonsense_is_skipped() {
        assert_eq!(filter(None, None).to_string(), "warn");
        assert_eq!(filter(None, Some("info")).to_string(), "info");
        assert_eq!(filter(Some("DEBUG"), Some("info")).to_string(), "debug");
        assert_eq!(filter(Some("a=b=c"), Some("info")).to_string(), "info");
    }

    #[test]
    fn a_log_level_says_nothing_of_libraries_below_warn() {
        assert_eq!(ours(" DEBUG"), "warn,boardsync=debug");
        assert_eq!(ours("error"), "error");
        assert_eq!(
            ours("hyper=debug,boardsync=info"),
            "hyper=debug,boardsync=info"
        );
    }

    #[test]
    fn every_line_of_a_text_for_the_journal_has_its_priority() {
        assert_eq!(
            prioritised("error: a\nhelp: b\n", 3),
            "<3>error: a\n<3>help: b\n"
        );
    }
}
