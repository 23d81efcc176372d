//! Three-way merge by lines, and the difference that everything here works with.

use similar::{Algorithm, DiffOp, MergeResolution, TextMerge as LineMerge, capture_diff_slices};
use std::collections::BTreeSet;

/// Returns how `new` comes from `old`. The only call for slices: the library's code for each type of element is large.
pub(super) fn changes(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    capture_diff_slices(Algorithm::Myers, old, new)
}

/// Outcome before the texts are made canonical again.
pub(super) enum Merged {
    Clean(String),
    Conflict { taking_a: String, taking_b: String },
}

/// Merges texts without final newlines.
pub(super) fn lines(base: &str, a: &str, b: &str) -> Merged {
    // Every line must end alike, or appending to the last line's successor would look like an edit of that line.
    let (base, a, b) = (ended(base), ended(a), ended(b));
    match (holds(&base, &a, &b), holds(&base, &b, &a)) {
        (true, false) => Merged::Clean(b),
        (false, true) => Merged::Clean(a),
        // With lines that repeat, each may look like a merge of the other.
        (true, true) | (false, false) => three_way(&base, &a, &b),
    }
}

/// Whether `merged` is what a merge of `one` with some other text gives. So it is when one half of a merge was written
/// and the other was not: merged again, an insertion beside a changed line would come out twice. Taking `one`'s changes
/// out of `merged` and merging them in again tells.
fn holds(base: &str, one: &str, merged: &str) -> bool {
    if one == base || merged == base || one == merged {
        return false;
    }
    let Merged::Clean(other) = three_way(one, base, merged) else {
        return false;
    };
    !repeats(&other, [base, merged])
        && matches!(three_way(base, one, &other), Merged::Clean(again) if again == merged)
}

/// Whether a line stands twice in a row in a text, and in neither of two others: then nobody wrote that text, but a line was put
/// in twice. Empty lines, which are between any two paragraphs, do not count.
///
/// Example: of the lines "a b c" somebody makes "x b c", and somebody else "a c". Taking the second edit out of the first text
/// gives "x b b c", of which it would make "x b c" again: so the first text would pass for a merge, and "b" come back.
fn repeats(text: &str, others: [&str; 2]) -> bool {
    fn twice(text: &str) -> BTreeSet<&str> {
        let lines = || text.lines().filter(|line| !line.trim().is_empty());
        let rows = lines().zip(lines().skip(1));
        rows.filter(|(line, next)| line == next)
            .map(|(line, _)| line)
            .collect()
    }
    let [one, other] = others.map(twice);
    let found = twice(text);
    found
        .iter()
        .any(|line| !one.contains(line) && !other.contains(line))
}

fn three_way(base: &str, a: &str, b: &str) -> Merged {
    let merge = LineMerge::from_lines(base, a, b);
    let (mut taking_a, mut taking_b) = (String::new(), String::new());
    for region in merge.regions() {
        let from_a = region.ours_range().filter_map(|at| merge.ours_line(at));
        let from_b = region.theirs_range().filter_map(|at| merge.theirs_line(at));
        match region.resolution() {
            MergeResolution::Theirs => {
                let text: String = from_b.collect();
                taking_a.push_str(&text);
                taking_b.push_str(&text);
            }
            MergeResolution::Conflict => {
                taking_a.extend(from_a);
                taking_b.extend(from_b);
            }
            _ => {
                let text: String = from_a.collect();
                taking_a.push_str(&text);
                taking_b.push_str(&text);
            }
        }
    }
    if merge.is_conflicted() {
        Merged::Conflict { taking_a, taking_b }
    } else {
        Merged::Clean(taking_a)
    }
}

fn ended(text: &str) -> String {
    let mut text = text.trim_end_matches('\n').to_owned();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Merged, lines};

    /// Every text of up to three of four lines, none of them twice.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..3 {
            let longer = |text: &String| {
                let new = ["w\n", "x\n", "y\n", "z\n"].into_iter();
                let new = new.filter(|line| !text.contains(*line));
                new.map(|line| format!("{text}{line}")).collect::<Vec<_>>()
            };
            longest = longest.iter().flat_map(longer).collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    fn clean(base: &str, a: &str, b: &str) -> Option<String> {
        match lines(base, a, b) {
            Merged::Clean(text) => Some(text),
            Merged::Conflict { .. } => None,
        }
    }

    #[test]
    fn half_a_merge_that_was_written_merges_to_the_same_text() {
        let texts = texts();
        let mut merges = 0;
        for base in &texts {
            for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
                let Some(merged) = clean(base, a, b) else {
                    continue;
                };
                merges += 1;
                for (a, b) in [(a, &merged), (&merged, b), (b, a)] {
                    let again = clean(base, a, b);
                    assert_eq!(again.as_ref(), Some(&merged), "{base:?} {a:?} {b:?}");
                }
            }
        }
        assert!(merges > 10_000, "only {merges} of these texts merge");
    }

    #[test]
    fn a_line_that_somebody_took_away_beside_a_changed_one_does_not_come_back() {
        let apart = |lines: &[&str]| lines.join("\n\n");
        let base = apart(&["a", "b", "c", "d"]);
        for (changed, removed) in [
            (apart(&["x", "b", "c", "d"]), apart(&["a", "c", "d"])),
            (apart(&["a", "x", "c", "d"]), apart(&["a", "b", "d"])),
            (apart(&["a", "b", "x", "d"]), apart(&["a", "c", "d"])),
        ] {
            for (a, b) in [(&changed, &removed), (&removed, &changed)] {
                let found = clean(&base, a, b);
                assert!(found.as_ref() != Some(&changed), "{a:?} {b:?}: {found:?}");
            }
        }
    }

    /// Paragraphs: the empty lines between them repeat, so that some of these are a conflict the second time.
    #[test]
    fn half_a_merge_of_paragraphs_never_comes_out_as_a_third_text() {
        let apart = |text: String| text.trim_end().replace('\n', "\n\n");
        let texts: Vec<String> = texts().into_iter().map(apart).collect();
        let (mut merges, mut conflicts) = (0, 0);
        for base in &texts {
            for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
                let Some(merged) = clean(base, a, b) else {
                    continue;
                };
                merges += 1;
                for (a, b) in [(a, &merged), (&merged, b)] {
                    match clean(base, a, b) {
                        None => conflicts += 1,
                        Some(again) => assert_eq!(again, merged, "{base:?} {a:?} {b:?}"),
                    }
                }
            }
        }
        assert!(merges > 10_000, "only {merges} of these texts merge");
        assert!(
            conflicts * 20 < merges,
            "{conflicts} of {merges} are a conflict the second time"
        );
    }
}
