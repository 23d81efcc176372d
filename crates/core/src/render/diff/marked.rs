//! Two texts as one, with what went as `[-old-]` and what came as `{+new+}`, in colour and without.

use super::super::measure::{fold, head, width};
use super::super::paint::{Ink, Style};
use similar::{ChangeTag, TextDiff};
use unicode_segmentation::UnicodeSegmentation;

/// Two texts of which less than this is the same are easier to read one after the other.
const ALIKE: f32 = 0.4;
/// Columns of unchanged text that are kept on each side of a change.
const CONTEXT: usize = 24;
/// Lines of one text before the rest is left out: it is a new text rather than a changed one.
const MOST: usize = 12;

/// A stretch of a text.
enum Part {
    Same(String),
    Changed { gone: String, new: String },
}

/// Returns the text with its changes on as many lines as it takes, unchanged stretches shortened. `None`: the two have too
/// little in common. Both are escaped already.
pub(super) fn lines(old: &str, new: &str, room: usize, style: &Style) -> Option<Vec<String>> {
    let diff = TextDiff::from_unicode_words(old, new);
    if diff.ratio() < ALIKE {
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    for change in diff.iter_all_changes() {
        add(&mut parts, change.tag(), change.value());
    }
    let last = parts.len().saturating_sub(1);
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Same(same) => text.push_str(&shortened(same, at > 0, at < last)),
            Part::Changed { gone, new } => {
                text.push_str(&between("[-", gone, "-]"));
                text.push_str(&between("{+", new, "+}"));
            }
        }
    }
    let mut lines = fold(&text, room);
    if lines.len() > MOST {
        return None;
    }
    if style.colour {
        colour(&mut lines, style);
    }
    Some(lines)
}

/// Blanks between two changes belong to both: `[-a b-]` reads better than `[-a-] [-b-]`.
fn add(parts: &mut Vec<Part>, tag: ChangeTag, text: &str) {
    match (tag, parts.last_mut()) {
        (ChangeTag::Equal, Some(Part::Same(same))) => same.push_str(text),
        (ChangeTag::Equal, _) => parts.push(Part::Same(text.to_owned())),
        (tag, Some(Part::Changed { gone, new })) => match tag {
            ChangeTag::Delete => gone.push_str(text),
            ChangeTag::Insert | ChangeTag::Equal => new.push_str(text),
        },
        (tag, _) => {
            let blank = match parts.last() {
                Some(Part::Same(same)) if same.trim().is_empty() && parts.len() > 1 => same.clone(),
                Some(_) | None => String::new(),
            };
            if !blank.is_empty() {
                parts.pop();
                if let Some(Part::Changed { gone, new }) = parts.last_mut() {
                    gone.push_str(&blank);
                    new.push_str(&blank);
                }
                return add(parts, tag, text);
            }
            let (gone, new) = match tag {
                ChangeTag::Delete => (text.to_owned(), String::new()),
                ChangeTag::Insert | ChangeTag::Equal => (String::new(), text.to_owned()),
            };
            parts.push(Part::Changed { gone, new });
        }
    }
}

/// A stretch between its marks; blanks at its ends stand outside of them, so that a line breaks there.
fn between(open: &str, text: &str, close: &str) -> String {
    let bare = text.trim();
    if bare.is_empty() {
        return match text.is_empty() {
            true => String::new(),
            false => format!("{open}{text}{close}"),
        };
    }
    let lead = text.len() - text.trim_start().len();
    let tail = text.trim_end().len();
    format!(
        "{}{open}{bare}{close}{}",
        text.get(..lead).unwrap_or_default(),
        text.get(tail..).unwrap_or_default()
    )
}

/// An unchanged stretch with its middle left out, or the end that no change is next to.
fn shortened(text: &str, after_change: bool, before_change: bool) -> String {
    let most = match (after_change, before_change) {
        (true, true) => 2 * CONTEXT + 6,
        (true, false) | (false, true) => CONTEXT + 6,
        (false, false) => usize::MAX,
    };
    if width(text) <= most {
        return text.to_owned();
    }
    let first = match after_change {
        true => whole_words(head(text, CONTEXT)),
        false => "",
    };
    let last = match before_change {
        true => tail(text, CONTEXT),
        false => String::new(),
    };
    format!("{first}…{last}")
}

/// The beginning without a word that is cut in two, where there are several.
fn whole_words(text: &str) -> &str {
    match text.rfind(' ') {
        Some(at) if at > 0 => text.get(..=at).unwrap_or(text),
        _ => text,
    }
}

/// As much of the end as fits.
fn tail(text: &str, columns: usize) -> String {
    let mut taken = 0;
    let mut from = text.len();
    for (at, letter) in text.grapheme_indices(true).rev() {
        taken += width(letter);
        if taken > columns {
            break;
        }
        from = at;
    }
    let end = text.get(from..).unwrap_or_default();
    match end.find(' ') {
        Some(at) => end.get(at..).unwrap_or(end).to_owned(),
        None => end.to_owned(),
    }
}

/// Colours what stands between marks, line by line: a colour that runs over a line break would colour the indentation.
fn colour(lines: &mut [String], style: &Style) {
    let mut open: Option<Ink> = None;
    for line in lines {
        let mut out = String::new();
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let (mark, ink) = match open {
                Some(Ink::Remove) => ("-]", Ink::Remove),
                Some(_) => ("+}", Ink::Add),
                None => match (rest.find("[-"), rest.find("{+")) {
                    (Some(gone), Some(new)) if new < gone => ("{+", Ink::Add),
                    (Some(_), _) => ("[-", Ink::Remove),
                    (None, _) => ("{+", Ink::Add),
                },
            };
            let Some(at) = rest.find(mark) else {
                match open {
                    Some(ink) => out.push_str(&style.paint(ink, rest)),
                    None => out.push_str(rest),
                }
                break;
            };
            let at = match open {
                Some(_) => at + mark.len(),
                None => at,
            };
            let (piece, after) = rest.split_at(at);
            match open.take() {
                Some(ink) => out.push_str(&style.paint(ink, piece)),
                None => {
                    out.push_str(piece);
                    open = Some(ink);
                }
            }
            rest = after;
        }
        *line = out;
    }
}
