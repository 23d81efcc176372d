//! Sets up the log: to stderr, filtered, with control characters escaped.
//!
//! stdout belongs to results. Text from the services reaches log fields; an escape sequence in a title
//! must not drive the operator's terminal or forge a line, so every byte goes through `Escaping`.

use std::io::{self, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Starts logging for the whole process. `level` is a level or filter (`"info"`, `"boardsync=debug"`) that
/// holds unless `LOG_LEVEL` or else `RUST_LOG` is set; `None` means `warn`. `colour` applies to text only.
/// Timestamps are UTC and left out under journald, which has its own. A second call changes nothing.
pub fn init(level: Option<&str>, json: bool, colour: bool) {
    let set = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|text| !text.trim().is_empty())
    };
    let filter = filter(
        set("LOG_LEVEL").or_else(|| set("RUST_LOG")).as_deref(),
        level,
    );
    let journald = set("JOURNAL_STREAM").is_some();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(!journald);
    // An error means that a subscriber is there already, as in tests; logging works either way.
    let _ = match (json, journald) {
        (true, _) => builder
            .json()
            .flatten_event(true)
            .with_writer(|| Escaping::new(io::stderr(), false))
            .try_init(),
        (false, true) => builder
            .with_ansi(false)
            .without_time()
            .with_writer(|| Escaping::new(io::stderr(), false))
            .try_init(),
        (false, false) => builder
            .with_ansi(colour)
            .with_timer(Utc)
            .with_writer(move || Escaping::new(io::stderr(), colour))
            .try_init(),
    };
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

/// RFC 3339 in UTC.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        SystemTime.format_time(w)
    }
}

/// A writer that takes credentials out and shows control characters as `\xNN`, except the line end and, if asked, colour codes.
pub struct Escaping<W> {
    inner: W,
    colour: bool,
}

impl<W: Write> Escaping<W> {
    /// Wraps a writer; with `colour`, plain colour codes stay.
    pub fn new(inner: W, colour: bool) -> Escaping<W> {
        Escaping { inner, colour }
    }
}

impl<W: Write> Write for Escaping<W> {
    /// Takes one whole event at a time, as the subscriber hands them over.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let shown = escape(&crate::redact::mask(&text), self.colour);
        self.inner.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<'a, W: Write + Clone + 'a> MakeWriter<'a> for Escaping<W> {
    type Writer = Escaping<W>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaping::new(self.inner.clone(), self.colour)
    }
}

/// Escapes an event. Only its last line end stays; of colour codes only plain `ESC [ digits m`.
fn escape(event: &str, colour: bool) -> String {
    let (body, end) = match event.strip_suffix('\n') {
        Some(body) => (body, "\n"),
        None => (event, ""),
    };
    let mut out = String::with_capacity(event.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        let code = if colour { colour_code(rest) } else { 0 };
        let (kept, tail) = rest.split_at(code.max(c.len_utf8()));
        // C1 controls act like escape sequences on some terminals; the others reorder text.
        let hidden = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if code == 0 && (c.is_control() || hidden) {
            out.extend(c.escape_default());
        } else {
            out.push_str(kept);
        }
        rest = tail;
    }
    out.push_str(end);
    out
}

/// Returns the length of a colour code at the start of the text, or 0.
fn colour_code(text: &str) -> usize {
    let Some(body) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let digits = body
        .find(|c: char| !(c.is_ascii_digit() || c == ';'))
        .unwrap_or(body.len());
    match body.get(digits..) {
        Some(tail) if tail.starts_with('m') => 2 + digits + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_from_a_service_cannot_forge_a_line_or_drive_the_terminal() {
        let sink = Sink::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(Escaping::new(sink.clone(), false))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let title = "a\u{1b}[2J\u{9b}31m\r\nERROR forged";
            tracing::warn!(title, "read {title}");
        });
        let out = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(out.matches('\n').count(), 1, "{out:?}");
        assert!(!out.trim_end().chars().any(char::is_control), "{out:?}");
        assert!(out.contains("forged"));
    }

    #[test]
    fn colour_codes_stay_and_other_sequences_go() {
        let text = "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{202e}x\n";
        let shown = escape(text, true);
        assert!(shown.starts_with("\u{1b}[31mred\u{1b}[0m\\u{1b}]0;title\\u{7}\\u{202e}"));
        assert!(!escape(text, false).contains('\u{1b}'));
    }

    #[test]
    fn environment_wins_over_the_callers_level_and_nonsense_is_skipped() {
        assert_eq!(filter(None, None).to_string(), "warn");
        assert_eq!(filter(None, Some("info")).to_string(), "info");
        assert_eq!(filter(Some("DEBUG"), Some("info")).to_string(), "debug");
        assert_eq!(filter(Some("a=b=c"), Some("info")).to_string(), "info");
    }
}
