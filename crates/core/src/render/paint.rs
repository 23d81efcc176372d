//! Colour, escaping and counting words.

use super::measure::width;
pub(super) use super::measure::{cut, fold, wrap};
pub use crate::reason::amount;
use std::fmt::Write as _;

/// How to write for the reader at hand.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether ANSI colours are used.
    pub colour: bool,
    /// Columns of the terminal; 80 where there is none.
    pub width: usize,
    /// How a sentence is told: a reason holds instants as JSON does, and a reader has a time zone that pure code does not know.
    pub words: fn(&str) -> String,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            colour: false,
            width: 80,
            words: str::to_owned,
        }
    }
}

/// What a piece of text means; the colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// New or added.
    Add,
    /// Gone or removed.
    Remove,
    /// Asks for attention.
    Warn,
    /// A heading.
    Strong,
    /// Detail that may be skipped.
    Faint,
}

impl Style {
    /// Returns `text` in the colour of its meaning, or unchanged where colour is off.
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Add => "32",
            Ink::Remove => "31",
            Ink::Warn => "33",
            Ink::Strong => "1",
            Ink::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Returns a sentence as the reader at hand is told it, on one line.
    pub(super) fn sentence(&self, text: &str) -> String {
        escape(&(self.words)(text))
    }

    /// Returns the columns to write in, never fewer than 40.
    pub(super) fn columns(&self) -> usize {
        self.width.max(40)
    }
}

/// Returns `text` on one line with everything that could steer a terminal made visible: control characters, and the
/// marks that turn the direction of writing. Line breaks become `\n`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || steers(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns JSON with the same characters as `\u` escapes: some terminals take C1 controls for escape sequences, and a
/// direction mark reorders the line. The JSON says the same; outside of strings there are none of these.
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !(c.is_control() || steers(c)) {
            out.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Invisible characters that reorder or hide neighbouring text.
fn steers(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Escapes a line and breaks it to the columns at hand; what follows its first line is indented by `indent` more.
/// Ends in a line break.
pub fn hanging(line: &str, indent: usize, style: &Style) -> String {
    let line = style.sentence(line);
    let own: usize = line.chars().take_while(|c| *c == ' ').take(8).count();
    let lead = " ".repeat(own + indent);
    let mut out = String::new();
    for (n, piece) in fold(&line, style.columns().saturating_sub(indent))
        .iter()
        .enumerate()
    {
        if n > 0 {
            out.push_str(&lead);
        }
        out.push_str(piece);
        out.push('\n');
    }
    out
}

/// Breaks the lines of a text that are wider than the columns at hand. What follows the first piece of a line is indented by
/// four more. A line that is drawn (a piece of a file with a caret below it, or one that has colour) stays as it is, and so
/// does a command that somebody is to copy. The end of the text keeps its blanks: a question waits there for its answer.
pub fn folded(text: &str, program: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (bare, end) = match line.strip_suffix('\n') {
            Some(bare) => (bare, "\n"),
            None => (line, ""),
        };
        if width(bare) <= columns || is_drawn(bare) || bare.trim_start().starts_with(program) {
            out.push_str(line);
            continue;
        }
        let own = bare.chars().take_while(|c| *c == ' ').count();
        let lead = " ".repeat(own.min(8) + 4);
        for (n, piece) in fold(bare, columns.saturating_sub(4)).iter().enumerate() {
            if n > 0 {
                out.push('\n');
                out.push_str(&lead);
            }
            out.push_str(piece);
        }
        let kept = bare.len() - bare.trim_end().len();
        out.push_str(&" ".repeat(kept));
        out.push_str(end);
    }
    out
}

/// Whether a line shows a piece of a file, as `7 | url = "x"` and `  | ^^^` below it, or is coloured.
fn is_drawn(line: &str) -> bool {
    let number = line
        .trim_start()
        .trim_start_matches(|c: char| c.is_ascii_digit());
    line.contains('\u{1b}') || number.trim_start().starts_with('|')
}

/// Returns `1 item` or `2 items`.
pub fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", amount(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_service_cannot_steer_the_terminal() {
        assert_eq!(
            escape("a\u{1b}[31mb\nc\u{202e}d"),
            "a\\u{1b}[31mb\\nc\\u{202e}d"
        );
        assert_eq!(escape("Grüße 🎉"), "Grüße 🎉");
    }

    #[test]
    fn json_of_a_service_cannot_steer_the_terminal_either() {
        let title = "a\u{9b}31mb\u{202e}c\u{61c}\u{7f}\u{2066}d Grüße 🎉\n";
        let json = serde_json::to_string_pretty(&serde_json::json!({ "title": title })).unwrap();
        let shown = escape_json(&json);
        assert!(
            !shown
                .chars()
                .any(|c| c != '\n' && (c.is_control() || steers(c))),
            "{shown:?}"
        );
        assert!(
            shown.contains("\\u009b31mb\\u202ec\\u061c\\u007f\\u2066d Grüße 🎉"),
            "{shown}"
        );
        let back: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(back["title"], title);
    }

    #[test]
    fn numbers_are_grouped_and_words_agree() {
        assert_eq!(amount(999), "999");
        assert_eq!(amount(1_234_567), "1,234,567");
        assert_eq!(plural(1, "item", "items"), "1 item");
        assert_eq!(plural(0, "item", "items"), "0 items");
    }
}
