//! Differences: short values by words, sets by members, long texts by lines.

use super::paint::{Ink, Style, cut, escape, fold, plural};
use crate::model::FieldValue;
use similar::{ChangeTag, TextDiff};

/// Lines of context around a change in a long text.
const CONTEXT: usize = 1;
/// Lines of one long text that are shown before the rest is only counted.
const MAX_LINES: usize = 40;

/// Returns the lines that show a change from `before` to `after`, without indentation. `before` is `None` for a new item.
pub(super) fn change(
    before: Option<&FieldValue>,
    after: &FieldValue,
    room: usize,
    style: &Style,
) -> Vec<String> {
    let before = before.unwrap_or(&FieldValue::Empty);
    match (before, after) {
        (FieldValue::Rich(_), _) | (_, FieldValue::Rich(_)) => {
            lines(text(before), text(after), room, style)
        }
        (FieldValue::Tags(_) | FieldValue::People(_), _)
        | (_, FieldValue::Tags(_) | FieldValue::People(_)) => members(before, after, room, style),
        _ => words(&before.to_string(), &after.to_string(), room, style),
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
        | FieldValue::Tags(_)
        | FieldValue::People(_) => "",
    }
}

/// `old -> new` with the words that differ in colour; on two lines where it does not fit on one.
fn words(old: &str, new: &str, room: usize, style: &Style) -> Vec<String> {
    let (old, new) = (escape(old), escape(new));
    let fits = old.chars().count() + new.chars().count() + 4 <= room;
    let (shown_old, shown_new) = if style.colour {
        highlight(&old, &new, style)
    } else {
        (old.clone(), new.clone())
    };
    if fits {
        vec![format!("{shown_old} -> {shown_new}")]
    } else {
        let mut out = Vec::new();
        for (sign, ink, plain, shown) in [
            ("-", Ink::Remove, &old, &shown_old),
            ("+", Ink::Add, &new, &shown_new),
        ] {
            let pieces = fold(plain, room.saturating_sub(2).max(20));
            match pieces.as_slice() {
                // Words that differ are marked where the value stays on one line.
                [_] | [] => out.push(format!("{} {shown}", style.paint(ink, sign))),
                many => {
                    for (n, piece) in many.iter().enumerate() {
                        let lead = if n == 0 { sign } else { " " };
                        out.push(style.paint(ink, &format!("{lead} {piece}")));
                    }
                }
            }
        }
        out
    }
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
    let mut width = 0;
    for (ink, sign, member) in added.chain(removed) {
        let text = cut(&format!("{sign}{}", escape(&member.shown)), room.max(20));
        let taken = text.chars().count();
        let text = style.paint(ink, &text);
        match out.last_mut() {
            Some(line) if width + 2 + taken <= room => {
                line.push_str("  ");
                line.push_str(&text);
                width += 2 + taken;
            }
            _ => {
                out.push(text);
                width = taken;
            }
        }
    }
    out
}

/// Unified lines with little context. A text that was or becomes empty is shown as all new or all gone.
pub(super) fn lines(old: &str, new: &str, room: usize, style: &Style) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let mut out: Vec<String> = Vec::new();
    for (i, hunk) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if i > 0 {
            out.push(style.paint(Ink::Faint, "  ..."));
        }
        for op in hunk {
            for part in diff.iter_changes(op) {
                let (sign, ink) = match part.tag() {
                    ChangeTag::Equal => (" ", Ink::Faint),
                    ChangeTag::Delete => ("-", Ink::Remove),
                    ChangeTag::Insert => ("+", Ink::Add),
                };
                let line = part.value().trim_end_matches(['\n', '\r']);
                if part.tag() == ChangeTag::Equal && line.trim().is_empty() {
                    continue;
                }
                // Of a paragraph on one long line the end may be what differs, so it is broken, not cut.
                for (n, piece) in fold(&escape(line), room.saturating_sub(2).max(20))
                    .iter()
                    .enumerate()
                {
                    let lead = if n == 0 { " " } else { "   " };
                    out.push(
                        style
                            .paint(ink, &format!("{sign}{lead}{piece}"))
                            .trim_end()
                            .to_owned(),
                    );
                }
            }
        }
    }
    let total = out.len();
    if total > MAX_LINES {
        out.truncate(MAX_LINES);
        out.push(style.paint(
            Ink::Faint,
            &format!("  ... {} more lines", total - MAX_LINES),
        ));
    }
    out
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
                    max.saturating_sub(tail.len()).max(10),
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
            width: 80,
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
