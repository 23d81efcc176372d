//! Differences: short values by words, sets by members, long texts by lines, and what changed inside a long line marked
//! there.

mod marked;

use super::measure::{cut, fold, width};
use super::paint::{Ink, Style, escape, plural};
use crate::model::FieldValue;
use similar::{ChangeTag, DiffOp, TextDiff};

/// How much room there is for a difference.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Columns of a line.
    pub(super) columns: usize,
    /// Whether a very long text is shown to its end.
    pub(super) all: bool,
}

impl From<usize> for Room {
    fn from(columns: usize) -> Room {
        Room {
            columns,
            all: false,
        }
    }
}

/// Lines of context around a change in a long text.
const CONTEXT: usize = 1;
/// Lines of one long text that are shown before the rest is only counted.
const MAX_LINES: usize = 40;

/// Returns the lines that show a change from `before` to `after`, without indentation. `before` is `None` for a new item.
pub(super) fn change(
    before: Option<&FieldValue>,
    after: &FieldValue,
    room: impl Into<Room>,
    style: &Style,
) -> Vec<String> {
    let room = room.into();
    let columns = room.columns;
    let before = before.unwrap_or(&FieldValue::Empty);
    match (before, after) {
        (FieldValue::Rich(_), _) | (_, FieldValue::Rich(_)) => {
            lines(text(before), text(after), room, style)
        }
        (FieldValue::Tags(_) | FieldValue::People(_), _)
        | (_, FieldValue::Tags(_) | FieldValue::People(_)) => {
            members(before, after, columns, style)
        }
        _ => words(&before.to_string(), &after.to_string(), columns, style),
    }
}

/// Returns a long text's content and nothing for any other value.
pub(super) fn text(value: &FieldValue) -> &str {
    match value {
        FieldValue::Rich(text) => text,
        FieldValue::Text(text) => text,
        FieldValue::Empty
        | FieldValue::Choice(_)
        | FieldValue::Number(_)
        | FieldValue::Duration(_)
        | FieldValue::Day(_)
        | FieldValue::Moment(_)
        | FieldValue::Tags(_)
        | FieldValue::People(_) => "",
    }
}

/// `old -> new` with the words that differ in colour; where that does not fit on one line, one text with what differs
/// marked in it, or both where they have little in common.
fn words(old: &str, new: &str, room: usize, style: &Style) -> Vec<String> {
    let (old, new) = (escape(old), escape(new));
    if width(&old) + width(&new) + 4 <= room {
        let (old, new) = match style.colour {
            true => highlight(&old, &new, style),
            false => (old, new),
        };
        return vec![format!("{old} -> {new}")];
    }
    if let Some(lines) = marked::lines(&old, &new, room, style) {
        return lines;
    }
    let mut out = Vec::new();
    for (sign, ink, text) in [("-", Ink::Remove, &old), ("+", Ink::Add, &new)] {
        for (n, piece) in fold(text, room.saturating_sub(2).max(20))
            .iter()
            .enumerate()
        {
            let lead = if n == 0 { sign } else { " " };
            out.push(style.paint(ink, &format!("{lead} {piece}")));
        }
    }
    out
}

fn highlight(old: &str, new: &str, style: &Style) -> (String, String) {
    let diff = TextDiff::from_unicode_words(old, new);
    let (mut left, mut right) = (String::new(), String::new());
    for part in diff.iter_all_changes() {
        match part.tag() {
            ChangeTag::Equal => {
                left.push_str(part.value());
                right.push_str(part.value());
            }
            ChangeTag::Delete => left.push_str(&style.paint(Ink::Remove, part.value())),
            ChangeTag::Insert => right.push_str(&style.paint(Ink::Add, part.value())),
        }
    }
    (left, right)
}

/// `+added -removed` for a set, on as many lines as it takes.
fn members(before: &FieldValue, after: &FieldValue, room: usize, style: &Style) -> Vec<String> {
    let (old, new) = (before.members(), after.members());
    let added = new.difference(&old).map(|member| (Ink::Add, "+", member));
    let removed = old
        .difference(&new)
        .map(|member| (Ink::Remove, "-", member));
    let mut out: Vec<String> = Vec::new();
    let mut filled = 0;
    for (ink, sign, member) in added.chain(removed) {
        let text = cut(&format!("{sign}{}", escape(&member.shown)), room.max(20));
        let taken = width(&text);
        let text = style.paint(ink, &text);
        match out.last_mut() {
            Some(line) if filled + 2 + taken <= room => {
                line.push_str("  ");
                line.push_str(&text);
                filled += 2 + taken;
            }
            _ => {
                out.push(text);
                filled = taken;
            }
        }
    }
    out
}

/// Unified lines with little context. A text that was or becomes empty is shown as all new or all gone. A line that is too
/// long for the room is shown once, with what changed in it marked. A very long text is cut unless all of it is wanted, and
/// what is not shown is counted.
pub(super) fn lines(old: &str, new: &str, room: impl Into<Room>, style: &Style) -> Vec<String> {
    let Room { columns, all } = room.into();
    let diff = TextDiff::from_lines(old, new);
    let room = columns.saturating_sub(2).max(20);
    let mut out: Vec<String> = Vec::new();
    for (i, hunk) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if i > 0 {
            out.push(style.paint(Ink::Faint, "  ..."));
        }
        for op in hunk {
            if let Some(lines) = replaced(op, &diff, room, style) {
                out.extend(lines);
                continue;
            }
            for part in diff.iter_changes(op) {
                line(part.tag(), part.value(), room, style, &mut out);
            }
        }
    }
    let total = out.len();
    if !all && total > MAX_LINES {
        out.truncate(MAX_LINES);
        let rest = plural(total - MAX_LINES, "more line", "more lines");
        out.push(style.paint(Ink::Faint, &format!("  ... {rest}")));
    }
    out
}

/// One line that stays, goes or comes.
fn line(tag: ChangeTag, text: &str, room: usize, style: &Style, out: &mut Vec<String>) {
    let (sign, ink) = match tag {
        ChangeTag::Equal => (" ", Ink::Faint),
        ChangeTag::Delete => ("-", Ink::Remove),
        ChangeTag::Insert => ("+", Ink::Add),
    };
    let text = text.trim_end_matches(['\n', '\r']);
    if tag == ChangeTag::Equal {
        if text.trim().is_empty() {
            return;
        }
        // It only says where the change is.
        let shown = cut(&escape(text), room);
        out.push(style.paint(ink, format!("  {shown}").trim_end()));
        return;
    }
    // Of a paragraph on one long line the end may be what differs, so it is broken, not cut.
    for (n, piece) in fold(&escape(text), room).iter().enumerate() {
        let lead = if n == 0 { " " } else { "   " };
        let text = style.paint(ink, &format!("{sign}{lead}{piece}"));
        out.push(text.trim_end().to_owned());
    }
}

/// Lines in the place of as many others, where one of them is too long for the room: each once, with the changed words
/// marked. `None`: they are shown as gone and new.
fn replaced(
    op: &DiffOp,
    diff: &TextDiff<'_, '_, str>,
    room: usize,
    style: &Style,
) -> Option<Vec<String>> {
    let DiffOp::Replace { .. } = op else {
        return None;
    };
    let old: Vec<&str> = op.old_range().filter_map(|at| diff.old_slice(at)).collect();
    let new: Vec<&str> = op.new_range().filter_map(|at| diff.new_slice(at)).collect();
    let long = |lines: &[&str]| lines.iter().any(|line| width(line.trim_end()) > room);
    if old.len() != new.len() || !(long(&old) || long(&new)) {
        return None;
    }
    let mut out = Vec::new();
    for (old, new) in old.iter().zip(new) {
        let (old, new) = (escape(old.trim_end()), escape(new.trim_end()));
        let lines = marked::lines(&old, &new, room, style)?;
        out.extend(lines.into_iter().enumerate().map(|(n, line)| match n {
            0 => format!("{} {line}", style.paint(Ink::Warn, "~")),
            _ => format!("    {line}"),
        }));
    }
    Some(out)
}

/// Returns a value on one line, for lists: long text by its first line and its length.
pub(super) fn brief(value: &FieldValue, max: usize) -> String {
    match value {
        FieldValue::Rich(text) => {
            let first = text
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default();
            let count = text.lines().count();
            if count > 1 {
                let tail = format!(" (+{})", plural(count - 1, "line", "lines"));
                let head = cut(
                    &escape(first.trim()),
                    max.saturating_sub(width(&tail)).max(10),
                );
                format!("{head}{tail}")
            } else {
                cut(&escape(first.trim()), max)
            }
        }
        other => cut(&escape(&other.to_string()), max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Style {
        Style::default()
    }

    #[test]
    fn only_the_words_that_differ_are_coloured() {
        let style = Style {
            colour: true,
            ..Style::default()
        };
        let (old, new) = highlight("Login fails on Safari", "Login breaks on Safari", &style);
        assert_eq!(old, "Login \u{1b}[31mfails\u{1b}[0m on Safari");
        assert_eq!(new, "Login \u{1b}[32mbreaks\u{1b}[0m on Safari");
    }

    #[test]
    fn a_set_is_shown_by_what_comes_and_goes() {
        let (old, new) = (
            FieldValue::tags(["web", "old"]),
            FieldValue::tags(["web", "safari"]),
        );
        assert_eq!(change(Some(&old), &new, 60, &plain()), ["+safari  -old"]);
        assert_eq!(
            change(Some(&old), &FieldValue::Empty, 60, &plain()),
            ["-old  -web"]
        );
    }

    #[test]
    fn a_value_too_wide_for_one_line_takes_two() {
        let (old, new) = ("a".repeat(40), "b".repeat(40));
        let shown = words(&old, &new, 60, &plain());
        assert_eq!(shown, [format!("- {old}"), format!("+ {new}")]);
    }

    #[test]
    fn a_long_line_is_shown_once_with_the_changed_words_marked() {
        let old = "The page of the basket shows a spinner for as long as the price is asked for, and nothing says what it waits \
                   for, so people close it and call us, which nobody wants.\n";
        let new = old.replace("spinner", "grey bar");
        let shown = lines(old, &new, 60, &plain());
        let whole = shown.join(" ");
        assert!(whole.starts_with("~ "), "{whole}");
        assert!(
            whole.contains("shows a [-spinner-]{+grey bar+} for"),
            "{whole}"
        );
        assert!(shown.len() <= 3, "{shown:?}");
        let style = Style {
            colour: true,
            ..Style::default()
        };
        let coloured = lines(old, &new, 60, &style).join(" ");
        assert!(
            coloured.contains("\u{1b}[31m[-spinner-]\u{1b}[0m"),
            "{coloured:?}"
        );
        // Nothing in common: marks would only confuse.
        let other = "Entirely different words stand here now and no reader would look for what is left of the old ones.\n";
        let shown = lines(old, other, 60, &plain());
        assert!(shown[0].starts_with("- "), "{shown:?}");
    }

    #[test]
    fn a_very_long_text_is_shown_to_its_end_on_demand() {
        let new: String = (0..100).map(|n| format!("line {n}\n")).collect();
        assert_eq!(
            lines(
                "",
                &new,
                Room {
                    columns: 60,
                    all: true
                },
                &plain()
            )
            .len(),
            100
        );
    }

    #[test]
    fn a_very_long_text_is_counted_after_forty_lines() {
        let new: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = lines("", &new, 60, &plain());
        assert_eq!(shown.len(), MAX_LINES + 1);
        assert_eq!(
            shown.last().map(String::as_str),
            Some("  ... 60 more lines")
        );
    }
}
