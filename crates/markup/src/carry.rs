//! An edit of one rendering of a text, made in another rendering of it.
//!
//! Each service drops what its editor cannot hold, so the two sides of an agreed text differ. When somebody edits one of
//! them, only what was edited goes over. Example: ADO has `See [#5](/org/p/_workitems/edit/5).` and ClickUp, which drops
//! the target, `See #5.`; an edit of the next paragraph in ClickUp must leave the link in ADO alone.

use std::collections::BTreeMap;
use std::ops::Range;

use similar::DiffOp;

use super::merge::changes;
use super::{TextFormat, canonical, links_back};

/// Most comparisons of single lines within one stretch that differs; beyond, lines are paired by their place.
const MOST_COMPARISONS: usize = 250_000;
/// The least share of common words at which two lines count as renderings of one line.
const ALIKE: f64 = 0.5;

/// A line of canonical Markdown without the mark of a line break, or a whole block of code.
#[derive(Clone, Copy)]
struct Unit<'a> {
    /// Whether an empty line stands before it.
    gap: bool,
    text: &'a str,
}

/// Returns what `other` becomes when the edit that made `now` of `base` is made in it. All are canonical Markdown, and
/// `other` is another rendering of `base`.
pub(super) fn carry(base: &str, now: &str, other: &str) -> String {
    if base == now {
        return other.to_owned();
    }
    if base == other || now.is_empty() {
        return now.to_owned();
    }
    let (old, new, there) = (units(base), units(now), units(other));
    let places = places(&old, &there);
    let edited = apply(&old, &new, &there, &places);
    let edited = canonical(TextFormat::Markdown, &edited);
    let edited = links_back::restore(&edited, base, other);
    // Where the two showed the same words they do so afterwards, or the lines were not paired well.
    let words = links_back::words_of;
    match words(base) != words(other) || words(now) == words(&edited) {
        true => edited,
        false => now.to_owned(),
    }
}

/// Cuts a text into lines; empty ones are told by the line behind them, and code stays in one piece.
fn units(text: &str) -> Vec<Unit<'_>> {
    let mut out = Vec::new();
    let mut gap = true;
    let mut from = 0;
    let mut fence: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split('\n') {
        let end = at + line.len();
        let marks = fence_of(line);
        match (fence, marks) {
            (Some((start, length)), marks) => {
                if marks == length && line.trim_end().ends_with('`') {
                    out.extend(text.get(start..end).map(|text| Unit { gap, text }));
                    (fence, gap) = (None, false);
                }
            }
            (None, 3..) => fence = Some((at, marks)),
            (None, _) if line.trim().is_empty() => gap = true,
            (None, _) => {
                let text = without_break(line);
                out.push(Unit { gap, text });
                gap = false;
            }
        }
        at = end + 1;
        from = fence.map_or(at, |(start, _)| start);
    }
    // A fence that nothing closes reaches to the end.
    if fence.is_some() {
        out.extend(text.get(from..).map(|text| Unit { gap, text }));
    }
    out
}

/// A line without the backslash that breaks it: the next line says as much by standing right behind it.
fn without_break(line: &str) -> &str {
    let text = line.trim_end_matches('\\');
    match (line.len() - text.len()) % 2 {
        0 => line,
        _ => line.get(..line.len() - 1).unwrap_or(line),
    }
}

/// How many backticks a line begins with, behind the marks of quotations and lists.
fn fence_of(line: &str) -> usize {
    let rest = line.trim_start_matches([' ', '>', '-']);
    rest.bytes().take_while(|b| *b == b'`').count()
}

fn diff(old: &[Unit<'_>], new: &[Unit<'_>]) -> Vec<DiffOp> {
    let [old, new] = [old, new].map(|units| units.iter().map(|unit| unit.text).collect::<Vec<_>>());
    changes(&old, &new)
}

/// For each unit of `base`, the units of `other` that show it: ranges in rising order, empty where `other` shows nothing
/// of it. Units of `other` in no range are shown there only.
fn places(base: &[Unit<'_>], other: &[Unit<'_>]) -> Vec<Range<usize>> {
    let mut out = Vec::with_capacity(base.len());
    for op in diff(base, other) {
        let (old, new) = (op.old_range(), op.new_range());
        match op {
            DiffOp::Equal { .. } => out.extend(new.map(|at| at..at + 1)),
            DiffOp::Insert { .. } => {}
            DiffOp::Delete { .. } | DiffOp::Replace { .. } => {
                let (Some(from), Some(to)) = (base.get(old), other.get(new.clone())) else {
                    continue;
                };
                out.extend(align(from, to, new.start));
            }
        }
    }
    out
}

/// Pairs the lines of a stretch that differs: by their place where there are as many on both sides, else by their words.
fn align(from: &[Unit<'_>], to: &[Unit<'_>], start: usize) -> Vec<Range<usize>> {
    let mut out = Vec::with_capacity(from.len());
    if from.len() == to.len() || from.len().saturating_mul(to.len()) > MOST_COMPARISONS {
        spread(from.len(), start..start + to.len(), &mut out);
        return out;
    }
    let (mut row, mut place) = (0, 0);
    for (at, there) in alike(from, to) {
        spread(at - row, start + place..start + there, &mut out);
        out.push(start + there..start + there + 1);
        (row, place) = (at + 1, there + 1);
    }
    spread(from.len() - row, start + place..start + to.len(), &mut out);
    out
}

/// Gives `count` lines one place each, and the last one what is left.
fn spread(count: usize, places: Range<usize>, out: &mut Vec<Range<usize>>) {
    for at in 0..count {
        let first = (places.start + at).min(places.end);
        let end = match at + 1 == count {
            true => places.end,
            false => (first + 1).min(places.end),
        };
        out.push(first..end);
    }
}

/// The pairs of lines, in rising order, that have the most words in common in total.
fn alike(from: &[Unit<'_>], to: &[Unit<'_>]) -> Vec<(usize, usize)> {
    let (from, to) = (bags(from), bags(to));
    let width = to.len() + 1;
    // The best sum of the rest, from the end backwards.
    let mut best = vec![0.0_f64; (from.len() + 1) * width];
    let get = |best: &[f64], row: usize, place: usize| {
        best.get(row * width + place).copied().unwrap_or(0.0)
    };
    let score = |row: usize, place: usize| match (from.get(row), to.get(place)) {
        (Some(a), Some(b)) => share(a, b),
        _ => 0.0,
    };
    for row in (0..from.len()).rev() {
        for place in (0..to.len()).rev() {
            let alike = score(row, place);
            let both = match alike >= ALIKE {
                true => alike + get(&best, row + 1, place + 1),
                false => 0.0,
            };
            let most = both
                .max(get(&best, row + 1, place))
                .max(get(&best, row, place + 1));
            if let Some(slot) = best.get_mut(row * width + place) {
                *slot = most;
            }
        }
    }
    let mut out = Vec::new();
    let (mut row, mut place) = (0, 0);
    while row < from.len() && place < to.len() {
        let here = get(&best, row, place);
        if here <= get(&best, row + 1, place) {
            row += 1;
        } else if here <= get(&best, row, place + 1) {
            place += 1;
        } else {
            out.push((row, place));
            (row, place) = (row + 1, place + 1);
        }
    }
    out
}

fn bags<'a>(units: &[Unit<'a>]) -> Vec<BTreeMap<&'a str, usize>> {
    units.iter().map(|unit| bag(unit.text)).collect()
}

/// The words of a text with how often each stands there.
pub(super) fn bag(text: &str) -> BTreeMap<&str, usize> {
    let mut bag = BTreeMap::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        *bag.entry(word).or_insert(0) += 1;
    }
    bag
}

/// The share of the shorter text's words that the other has too; 0 where one has none.
pub(super) fn share(a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>) -> f64 {
    let size = |bag: &BTreeMap<&str, usize>| bag.values().sum::<usize>();
    let shorter = size(a).min(size(b));
    if shorter == 0 {
        return 0.0;
    }
    let common: usize = a
        .iter()
        .map(|(word, count)| b.get(word).map_or(0, |other| *count.min(other)))
        .sum();
    common as f64 / shorter as f64
}

/// Whether an empty line comes before a line of an edited text: as the edit has it, where it is about that, and else as the other
/// text has it.
///
/// Example: a service shows paragraphs as lines. Who edits one of those lines leaves the other side's paragraphs as they are.
fn gap(old: Option<&Unit<'_>>, new: &Unit<'_>, there: Option<&Unit<'_>>) -> bool {
    match (old, there) {
        (Some(old), Some(there)) if old.gap == new.gap => there.gap,
        _ => new.gap,
    }
}

/// Makes the edit from `old` to `new` in `there`.
fn apply(
    old: &[Unit<'_>],
    new: &[Unit<'_>],
    there: &[Unit<'_>],
    places: &[Range<usize>],
) -> String {
    let mut out = String::new();
    let mut push = |unit: Unit<'_>| {
        if !out.is_empty() {
            out.push_str(if unit.gap { "\n\n" } else { "\n" });
        }
        out.push_str(unit.text);
    };
    let mut next = 0;
    for op in diff(old, new) {
        let edited = new.get(op.new_range()).unwrap_or_default();
        let rows = places.get(op.old_range()).unwrap_or_default();
        let before = old.get(op.old_range()).unwrap_or_default();
        if let DiffOp::Equal { .. } = op {
            for ((row, unit), before) in rows.iter().zip(edited).zip(before) {
                // What only the other side shows stays before what it stood before.
                (next..row.start)
                    .filter_map(|at| there.get(at))
                    .for_each(|unit| push(*unit));
                for at in row.clone() {
                    let Some(kept) = there.get(at) else { continue };
                    let gap = match at == row.start {
                        true => gap(Some(before), unit, Some(kept)),
                        false => kept.gap,
                    };
                    push(Unit { gap, ..*kept });
                }
                next = next.max(row.end);
            }
            continue;
        }
        let as_many = before.len() == edited.len();
        let edited: Vec<Unit<'_>> = edited
            .iter()
            .enumerate()
            .map(|(n, unit)| {
                let before = before.get(n).filter(|_| as_many || n == 0);
                let row = rows.get(n).filter(|row| !row.is_empty());
                let kept = row.and_then(|row| there.get(row.start));
                Unit {
                    gap: gap(before, unit, kept),
                    ..*unit
                }
            })
            .collect();
        let mut written = edited.is_empty();
        for row in rows.iter().filter(|row| !row.is_empty()) {
            (next..row.start)
                .filter_map(|at| there.get(at))
                .for_each(|unit| push(*unit));
            if !written {
                edited.iter().for_each(|unit| push(*unit));
                written = true;
            }
            next = next.max(row.end);
        }
        if !written {
            edited.iter().for_each(|unit| push(*unit));
        }
    }
    there.iter().skip(next).for_each(|unit| push(*unit));
    out
}
