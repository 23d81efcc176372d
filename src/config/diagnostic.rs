//! Problems of a configuration file, shown with their line but never with a secret.
//!
//! Every snippet is one line long and passes through `mask` first: the line of a `pat` or
//! `token` is shown without its value, and whatever looks like a token elsewhere is starred out.

use super::mask::{printable, redact, secret_key_end, starts_something};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong; a lower-case fragment.
    pub what: String,
    /// What to do about it. Never empty.
    pub help: String,
    span: Range<usize>,
    hide_value: bool,
    hide_line: bool,
    warning: bool,
}

impl Problem {
    pub(super) fn new(
        span: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        Problem {
            what: redact(&what.into()),
            help: redact(&help.into()),
            span,
            hide_value: false,
            hide_line: false,
            warning: false,
        }
    }

    /// Shows the line only up to the `=` behind the marked key.
    pub(super) fn hiding_value(mut self) -> Problem {
        self.hide_value = true;
        self
    }

    /// Shows nothing of the line.
    pub(super) fn hiding_line(mut self) -> Problem {
        self.hide_line = true;
        self
    }

    /// Turns the problem into a warning, which does not stop anything.
    pub(super) fn into_warning(mut self) -> Problem {
        self.warning = true;
        self
    }
}

/// Collects problems while readers hold shared references.
#[derive(Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Returns errors and warnings, each in file order without repeats.
    pub(super) fn take(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut all = self.0.into_inner();
        all.sort_by(|a, b| (a.span.start, &a.what).cmp(&(b.span.start, &b.what)));
        all.dedup();
        all.into_iter().partition(|problem| !problem.warning)
    }
}

/// Why there is no usable configuration. `Display` gives every problem as plain text.
#[derive(Clone, PartialEq, Eq)]
pub enum ConfigErrors {
    /// No file was found; the places that were tried, in order.
    NotFound(Vec<PathBuf>),
    /// The file exists but could not be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// The file was read and is wrong.
    Invalid {
        /// The file's name as shown.
        path: String,
        /// The file's text with secrets masked, byte positions unchanged.
        text: MaskedText,
        /// At least one problem, in file order.
        problems: Vec<Problem>,
    },
}

impl ConfigErrors {
    /// Returns every problem, each as `file:line:column: error: what`, its line with a caret, and `help:`.
    pub fn render(&self, colour: bool) -> String {
        match self {
            ConfigErrors::NotFound(tried) => {
                let mut out = String::from("error: no configuration file found\n");
                for path in tried {
                    let _ = writeln!(out, "  tried {}", path.display());
                }
                out.push_str("help: copy config.toml.example to config.toml and fill it in, or name a file with --config FILE\n");
                out
            }
            ConfigErrors::Unreadable { path, reason } => format!(
                "{}: error: cannot read the file: {reason}\nhelp: check the path and its permissions\n",
                path.display()
            ),
            ConfigErrors::Invalid {
                path,
                text,
                problems,
            } => {
                let shown: Vec<String> = problems
                    .iter()
                    .map(|problem| text.show(path, problem, colour))
                    .collect();
                shown.join("\n")
            }
        }
    }
}

impl ConfigErrors {
    /// Returns the first problem as one line, `file:line:column: error: what; help`, with how many others there are.
    pub fn brief(&self) -> String {
        match self {
            ConfigErrors::NotFound(tried) => {
                let tried: Vec<String> = tried
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                format!(
                    "error: no configuration file found (tried {}); name one with --config FILE",
                    tried.join(", ")
                )
            }
            ConfigErrors::Unreadable { path, reason } => {
                format!("{}: error: cannot read the file: {reason}", path.display())
            }
            ConfigErrors::Invalid {
                path,
                text,
                problems,
            } => {
                let mut line = problems
                    .first()
                    .map(|problem| text.one_line(path, problem))
                    .unwrap_or_default();
                if problems.len() > 1 {
                    let more = problems.len() - 1;
                    let _ = write!(line, " (and {more} more: boardsync check --offline)");
                }
                line
            }
        }
    }

    /// Returns every problem with its place, in file order; none where there is no file to point into.
    pub fn places(&self) -> Vec<(Place, &Problem)> {
        let ConfigErrors::Invalid {
            path,
            text,
            problems,
        } = self
        else {
            return Vec::new();
        };
        let place = |problem: &Problem| {
            let (line, column, _) = text.locate(problem.span.start);
            let file = path.clone();
            Place { file, line, column }
        };
        problems.iter().map(|p| (place(p), p)).collect()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl fmt::Debug for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigErrors {}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name as shown.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

/// A file's lines, fit to be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskedText {
    /// Start of each line in the original, the original line's text masked, and whether it was cut.
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq)]
struct Line {
    start: usize,
    text: String,
    secret: bool,
}

impl fmt::Debug for MaskedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskedText({} lines)", self.lines.len())
    }
}

impl MaskedText {
    pub(super) fn new(text: &str) -> MaskedText {
        let mut start = 0;
        let mut continued = false;
        let mut lines = Vec::new();
        for raw in text.split('\n') {
            let line = raw.strip_suffix('\r').unwrap_or(raw);
            let inside = continued && !starts_something(line);
            let named = secret_key_end(line).filter(|_| !inside);
            let secret = inside || named.is_some();
            continued = secret;
            lines.push(Line {
                start,
                text: match named {
                    Some(end) if end > 0 => {
                        format!("{} = ***", printable(line.get(..end).unwrap_or_default()))
                    }
                    _ if secret => "***".to_owned(),
                    _ => printable(&redact(line)),
                },
                secret,
            });
            start += raw.len() + 1;
        }
        MaskedText { lines }
    }

    /// Returns line (from 1), column in characters (from 1) and the masked line for a byte position.
    fn locate(&self, at: usize) -> (usize, usize, &Line) {
        static NOWHERE: Line = Line {
            start: 0,
            text: String::new(),
            secret: false,
        };
        let number = self.lines.partition_point(|line| line.start <= at).max(1);
        let line = self.lines.get(number - 1).unwrap_or(&NOWHERE);
        let inside = at - line.start.min(at);
        let column = line
            .text
            .char_indices()
            .take_while(|(place, _)| *place < inside)
            .count();
        (number, column + 1, line)
    }

    /// Returns line and column of a byte position, both counted from 1.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let (line, column, _) = self.locate(at);
        (line, column)
    }

    fn show(&self, path: &str, problem: &Problem, colour: bool) -> String {
        let (number, column, line) = self.locate(problem.span.start);
        let mut text = line.text.clone();
        let mut start = problem.span.start - line.start.min(problem.span.start);
        let secret = line.secret || problem.hide_line;
        if problem.hide_line {
            text = "***".to_owned();
        }
        if secret {
            // Behind the key there are only the stars left to point at.
            start = start.min(text.len().saturating_sub("***".len()));
        }
        let from = floor_boundary(&text, start);
        let mut to = floor_boundary(&text, problem.span.end - line.start.min(problem.span.end));
        if problem.hide_value && !secret {
            let rest = text.get(to..).unwrap_or_default();
            if let Some(sign) = rest.find('=') {
                text.truncate(to + sign);
                text.push_str("= ***");
            }
        }
        to = to.max(
            from + text
                .get(from..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8),
        );
        let level = if problem.warning {
            Level::WARNING
        } else {
            Level::ERROR
        };
        let word = if problem.warning { "warning" } else { "error" };
        let snippet = Snippet::source(text.as_str())
            .line_start(number)
            .fold(false)
            .annotation(AnnotationKind::Primary.span(from..to));
        let group = Group::with_level(level)
            .element(snippet)
            .element(Level::HELP.message(printable(&problem.help)));
        let (renderer, bold, red, reset) = if colour {
            let red = if problem.warning {
                "\u{1b}[33m"
            } else {
                "\u{1b}[31m"
            };
            (Renderer::styled(), "\u{1b}[1m", red, "\u{1b}[0m")
        } else {
            (Renderer::plain(), "", "", "")
        };
        let body = renderer.render(&[group]);
        format!(
            "{bold}{path}:{number}:{column}: {red}{word}{reset}{bold}: {}{reset}\n{body}\n",
            printable(&problem.what)
        )
    }

    /// Returns a problem as one line without its snippet.
    pub(super) fn one_line(&self, path: &str, problem: &Problem) -> String {
        let (number, column, _) = self.locate(problem.span.start);
        let word = if problem.warning { "warning" } else { "error" };
        format!(
            "{path}:{number}:{column}: {word}: {}; {}",
            printable(&problem.what),
            printable(&problem.help)
        )
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the candidate that a slip of the finger would explain: at most a third of the letters wrong.
pub(super) fn nearest<'a>(
    typed: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed = typed.to_lowercase().replace('-', "_");
    candidates
        .map(|candidate| (edit_distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3)) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, j) + usize::from(x != y))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let masked = MaskedText::new(text);
        masked.lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn value_of_a_secret_key_is_masked_however_it_is_written() {
        for line in [
            "pat = \"hunter2\"",
            "\"pat\"=hunter2",
            "ado.pat = 'hunter2'",
            "ado = { url = \"https://x\", pat = \"hunter2\" }",
            "api_token = hunter2",
            "tokens=hunter2",
            "tokn = hunter2",
            "TOKEN: hunter2",
        ] {
            assert!(!shown(line).concat().contains("hunter2"), "{line}");
        }
        assert_eq!(shown("path = \"a\""), ["path = \"a\""]);
        assert_eq!(
            shown("ado.project = \"Pat = x\""),
            ["ado.project = \"Pat = x\""]
        );
    }

    #[test]
    fn lines_that_continue_a_secret_are_masked_until_something_begins() {
        let text = "token = \"\"\"\nhunter2\n\nhunter2==\n\"\"\"\nurl = \"x\"\n";
        let lines = shown(text);
        assert!(!lines.concat().contains("hunter2"), "{lines:?}");
        assert!(lines.contains(&"url = \"x\"".to_owned()), "{lines:?}");
    }

    #[test]
    fn slips_are_explained_and_other_words_are_not() {
        let words = ["poll", "sweep", "quiet_time"];
        let near = |typed| nearest(typed, words.into_iter());
        assert_eq!(near("pol"), Some("poll"));
        assert_eq!(near("plol"), Some("poll"));
        assert_eq!(near("Quiet-Time"), Some("quiet_time"));
        assert_eq!(near("interval"), None);
        assert_eq!(near(""), None);
    }
}
