//! How many columns of a terminal a text takes, and how it is cut and broken to fit. Text is already escaped here.
//!
//! Chinese, Japanese and Korean letters and emoji take two columns each, and what is one letter to a reader (`é` of two
//! characters, a family of four emoji) is never cut in two.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Returns the columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts a text to so many columns, with an ellipsis.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept = head(text, columns.saturating_sub(1));
    format!("{}…", kept.trim_end())
}

/// Returns as much of the beginning as fits.
pub(super) fn head(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (at, letter) in text.grapheme_indices(true) {
        taken += width(letter);
        if taken > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// Fills a text up with blanks to so many columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// A label before its value. One that is wider than its column moves the value to the right, and a much wider one (a field that is named by
/// its id) stands on a line of its own above it.
pub(super) struct Label {
    /// What stands on the line above; `None`: nothing.
    pub(super) above: Option<String>,
    /// What stands before the value.
    pub(super) beside: String,
}

impl Label {
    /// Lays a label out before a column.
    pub(super) fn of(text: &str, column: usize) -> Label {
        match width(text) > 2 * column + 4 {
            true => Label {
                above: Some(text.to_owned()),
                beside: " ".repeat(column),
            },
            false => Label {
                above: None,
                beside: pad(text, column),
            },
        }
    }

    /// The columns that it takes beside its value.
    pub(super) fn width(&self) -> usize {
        width(&self.beside)
    }
}

/// Breaks a text at blanks into lines of at most so many columns; a longer word stays whole, so that a command or an
/// address in it can be copied.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = 0;
    for word in text.split_whitespace() {
        let wide = width(word);
        match lines.last_mut() {
            Some(line) if taken + 1 + wide <= columns => {
                line.push(' ');
                line.push_str(word);
                taken += 1 + wide;
            }
            _ => {
                lines.push(word.to_owned());
                taken = wide;
            }
        }
    }
    lines
}

/// Breaks a line at blanks, keeping its own indentation; words longer than a line are cut into pieces.
pub(super) fn fold(line: &str, columns: usize) -> Vec<String> {
    if width(line) <= columns {
        return vec![line.to_owned()];
    }
    let indent: String = line.chars().take_while(|c| *c == ' ').take(8).collect();
    let room = columns.saturating_sub(indent.len() + 2).max(20);
    let mut out = Vec::new();
    for piece in wrap(line, room) {
        out.extend(pieces(&piece, room));
    }
    if let Some(first) = out.first_mut() {
        *first = format!("{indent}{first}");
    }
    out
}

/// Cuts a text into pieces of at most so many columns.
fn pieces(text: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let fits = head(rest, columns);
        // One letter that is wider than the room: it has to go somewhere.
        let piece = match fits.is_empty() {
            true => rest.graphemes(true).next().unwrap_or(rest),
            false => fits,
        };
        out.push(piece.to_owned());
        rest = rest.get(piece.len()..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_characters_not_bytes() {
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüßx", 4), "äöü…");
    }

    #[test]
    fn a_wide_letter_takes_two_columns() {
        assert_eq!(width("登录失败"), 8);
        assert_eq!(width("🚀 go"), 5);
        assert_eq!(cut("登录失败", 5), "登录…");
        assert_eq!(cut("登录失败", 6), "登录…");
        assert_eq!(pad("登录", 6), "登录  ");
        assert_eq!(
            fold("登录失败登录失败登录失败", 22),
            ["登录失败登录失败登录", "失败"]
        );
        assert_eq!(wrap("登录 失败 go", 9), ["登录 失败", "go"]);
    }

    #[test]
    fn what_is_one_letter_to_a_reader_is_not_cut_in_two() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(width(family), 2);
        assert_eq!(cut(&format!("a{family}b"), 3), "a…");
        assert_eq!(cut(&format!("a{family}bc"), 4), format!("a{family}…"));
        assert_eq!(head("e\u{301}e\u{301}", 1), "e\u{301}");
    }
}
