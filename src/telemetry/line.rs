//! One event of the log as one line.

use crate::clock::SystemClock;
use crate::model::Clock as _;
use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, with the time in front.
    Text {
        /// Whether the level is coloured.
        colour: bool,
    },
    /// For the journal of systemd: the priority in front, and no time.
    Journal,
    /// One JSON object.
    Json,
}

/// What comes first of a line's fields, in this order; the others follow as they were given.
const FIRST: [&str; 7] = ["run", "pair", "item", "side", "field", "kind", "outcome"];

/// Writes each event as one line, with the fields of the spans around it, without credentials, and with control characters
/// escaped.
pub struct Lines<W> {
    writer: W,
    format: Format,
}

impl<W> Lines<W> {
    /// Writes to what `writer` makes.
    pub fn new(writer: W, format: Format) -> Lines<W> {
        Lines { writer, format }
    }
}

/// The fields of a span or an event, by name. A later one takes an earlier one's place.
#[derive(Clone, Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, name: &'static str, value: Value) {
        // Before quotes and escapes are added, which could hide one.
        let value = match value {
            Value::String(text) => crate::redact::mask(&text).into_owned().into(),
            other => other,
        };
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, held)) => *held = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(at).1)
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        let scope = context.event_scope(event);
        for span in scope.into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                for (name, value) in &outer.0 {
                    fields.put(name, value.clone());
                }
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        let message = match fields.take("message") {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        // Where a library uses the crate `log`, the target is a field.
        let target = match fields.take("log.target") {
            Some(Value::String(target)) => target,
            _ => metadata.target().to_owned(),
        };
        fields.0.retain(|(name, value)| {
            !name.starts_with("log.") && *value != Value::String(String::new())
        });
        let place = |name: &str| FIRST.iter().position(|first| *first == name);
        fields
            .0
            .sort_by_key(|(name, _)| place(name).unwrap_or(FIRST.len()));
        let line = Line {
            level: *metadata.level(),
            target,
            message,
            fields,
        };
        let _ = self
            .writer
            .make_writer()
            .write_all(line.written(self.format).as_bytes());
    }
}

/// Returns what a command says on stderr beside the log as a line of a log of JSON objects.
pub fn said(level: Level, message: &str) -> String {
    let line = Line {
        level,
        target: "boardsync".to_owned(),
        message: message.trim_end().to_owned(),
        fields: Fields::default(),
    };
    line.json()
}

struct Line {
    level: Level,
    target: String,
    message: String,
    fields: Fields,
}

impl Line {
    fn written(self, format: Format) -> String {
        match format {
            Format::Json => self.json(),
            Format::Journal => {
                let priority = priority(self.level);
                format!("<{priority}>{}\n", escape(&self.text()))
            }
            Format::Text { colour } => {
                let (on, off) = match colour {
                    true => (colour_of(self.level), "\u{1b}[0m"),
                    false => ("", ""),
                };
                let now = SystemClock.now();
                let level = self.level;
                format!("{now} {on}{level:>5}{off} {}\n", escape(&self.text()))
            }
        }
    }

    /// Everything but time and level.
    fn text(&self) -> String {
        let mut text = self.message.clone();
        for (name, value) in &self.fields.0 {
            let value = match value {
                Value::String(value) => quoted(value),
                other => other.to_string(),
            };
            text.push_str(&format!(" {name}={value}"));
        }
        // Where a line of another program comes from is the first question.
        let text = match self.target.starts_with("boardsync") {
            true => text,
            false => format!("{}: {text}", self.target),
        };
        crate::redact::mask(&text).into_owned()
    }

    fn json(self) -> String {
        let mut object = Map::new();
        let head = [
            ("timestamp", SystemClock.now().to_string()),
            ("level", self.level.to_string()),
            ("target", self.target),
            ("message", self.message),
        ];
        for (name, value) in head {
            object.insert(name.to_owned(), value.into());
        }
        for (name, value) in self.fields.0 {
            object.entry(name).or_insert(value);
        }
        let text = Value::Object(object).to_string();
        let mut out = String::with_capacity(text.len() + 1);
        for c in crate::redact::mask(&text).chars() {
            match is_hidden(c) {
                true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                false => out.push(c),
            }
        }
        out.push('\n');
        out
    }
}

/// The priorities of syslog(3), as sd-daemon(3) has them.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        _ => "\u{1b}[2m",
    }
}

/// A value as one word: in quotes where it is none.
fn quoted(value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
    match value.chars().all(plain) {
        true => value.to_owned(),
        false => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// C1 controls act like escape sequences on some terminals; the others reorder text.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Shows control characters as they would be typed.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, PoisonError};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            held.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, say: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let lines = Lines::new(move || writer.clone(), format);
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn text_from_a_service_cannot_forge_a_line_or_drive_the_terminal() {
        let title = "a\u{1b}[2J\u{9b}31m\u{202e}\r\nERROR forged";
        let say = || tracing::warn!(title, "read {title}");
        for format in [
            Format::Text { colour: false },
            Format::Journal,
            Format::Json,
        ] {
            let out = logged(format, say);
            assert_eq!(out.matches('\n').count(), 1, "{out:?}");
            assert!(!out.trim_end().chars().any(is_hidden), "{out:?}");
            assert!(out.contains("forged"));
        }
        let object: Value = serde_json::from_str(&logged(Format::Json, say)).unwrap();
        assert_eq!(object["title"], title);
    }

    #[test]
    fn a_line_has_the_fields_of_the_spans_around_it() {
        let say = || {
            let run = tracing::error_span!("run", run = "c17", pair = "shop");
            let _run = run.enter();
            let action = tracing::error_span!("action", pair = "web", item = "ADO 5");
            let _action = action.enter();
            tracing::warn!(times = 3, outcome = "failed", kind = "update", "not done");
        };
        let text = logged(Format::Journal, say);
        assert_eq!(
            text,
            "<4>not done run=c17 pair=web item=\"ADO 5\" kind=update outcome=failed times=3\n"
        );
        let object: Value = serde_json::from_str(&logged(Format::Json, say)).unwrap();
        for (name, value) in [
            ("level", "WARN"),
            ("message", "not done"),
            ("run", "c17"),
            ("pair", "web"),
            ("item", "ADO 5"),
            ("kind", "update"),
            ("outcome", "failed"),
        ] {
            assert_eq!(object[name], value, "{object}");
        }
        assert_eq!(object["times"], 3);
    }

    #[test]
    fn the_journal_gets_a_priority_and_no_time_and_a_terminal_the_time() {
        let level = |say: fn()| logged(Format::Journal, say)[..3].to_owned();
        assert_eq!(level(|| tracing::error!("x")), "<3>");
        assert_eq!(level(|| tracing::warn!("x")), "<4>");
        assert_eq!(level(|| tracing::info!("x")), "<6>");
        assert_eq!(level(|| tracing::debug!("x")), "<7>");
        let text = logged(Format::Text { colour: false }, || tracing::info!("x"));
        assert!(
            text.starts_with("20") && text.ends_with("Z  INFO x\n"),
            "{text}"
        );
        let text = logged(Format::Text { colour: true }, || tracing::info!("x"));
        assert!(text.contains("\u{1b}[32m INFO\u{1b}[0m x"), "{text:?}");
    }
}
