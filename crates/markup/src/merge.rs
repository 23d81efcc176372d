//! Three-way merge by lines, and the difference that everything here works with.

use similar::{Algorithm, DiffOp, MergeResolution, TextMerge as LineMerge, capture_diff_slices};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

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
        (true, false) => return Merged::Clean(b),
        (false, true) => return Merged::Clean(a),
        // With lines that repeat, each may look like a merge of the other.
        (true, true) | (false, false) => {}
    }
    match three_way(&base, &a, &b) {
        Merged::Clean(text) if repeats(&text, [&base, &a, &b]) => Merged::Conflict {
            taking_a: a,
            taking_b: b,
        },
        merged => merged,
    }
}

/// Whether `merged` is what a merge of `one` with some other text gives. So it is when one half of a merge was written
/// and the other was not: merged again, an insertion beside a changed line would come out twice. What `one` did must be
/// done there; and taking it out of `merged` and merging it in again tells.
fn holds(base: &str, one: &str, merged: &str) -> bool {
    if one == base || merged == base || one == merged || !has_changes(base, one, merged) {
        return false;
    }
    let Merged::Clean(other) = three_way(one, base, merged) else {
        return false;
    };
    matches!(three_way(base, one, &other), Merged::Clean(again) if again == merged)
}

/// Whether the lines that `one` took out of the base are gone from another text as well, and those that it put in are there. Empty
/// lines, which are between any two paragraphs, do not count.
///
/// Example: of the lines "a b c d" somebody makes "x b c d", and somebody else "a d". Taking the second edit out of the first text
/// puts "b c" in twice, and merging that edit in again takes only one of the two away: so the first text would pass for a merge of
/// both, and "b c" come back. But they are still there, so the second edit is not.
fn has_changes(base: &str, one: &str, text: &str) -> bool {
    let [base, one, text] = [base, one, text].map(counted);
    let count = |of: &BTreeMap<&str, usize>, line: &str| of.get(line).copied().unwrap_or(0);
    base.keys().chain(one.keys()).all(|line| {
        let (had, has) = (count(&base, line), count(&one, line));
        match has.cmp(&had) {
            Ordering::Less => count(&text, line) <= has,
            Ordering::Equal => true,
            Ordering::Greater => count(&text, line) >= has - had,
        }
    })
}

/// How often each line stands in a text.
fn counted(text: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        *lines.entry(line).or_insert(0) += 1;
    }
    lines
}

/// Whether a line stands twice in a row in a text, and in none of the others: then nobody wrote that text, but the line was put in
/// twice, by half a merge and by the merge of that. Empty lines do not count.
fn repeats(text: &str, others: [&str; 3]) -> bool {
    fn twice(text: &str) -> BTreeSet<&str> {
        let lines = || text.lines().filter(|line| !line.trim().is_empty());
        let rows = lines().zip(lines().skip(1));
        rows.filter(|(line, next)| line == next)
            .map(|(line, _)| line)
            .collect()
    }
    let others = others.map(twice);
    let found = twice(text);
    found
        .iter()
        .any(|line| others.iter().all(|other| !other.contains(line)))
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
        let (mut merges, mut conflicts) = (0, 0);
        for base in &texts {
            for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
                let Some(merged) = clean(base, a, b) else {
                    continue;
                };
                merges += 1;
                for (a, b) in [(a, &merged), (&merged, b), (b, a)] {
                    match clean(base, a, b) {
                        None => conflicts += 1,
                        Some(again) => assert_eq!(again, merged, "{base:?} {a:?} {b:?}"),
                    }
                }
            }
        }
        assert!(merges > 9_000, "only {merges} of these texts merge");
        // Where lines were moved, nothing tells what was taken away.
        assert!(
            conflicts * 50 < merges,
            "{conflicts} of {merges} are a conflict the second time"
        );
    }

    /// Whoever changes one paragraph and whoever takes away some of the others never get a text without a conflict that has what
    /// was taken away.
    #[test]
    fn paragraphs_that_somebody_took_away_beside_a_changed_one_do_not_come_back() {
        let lines = ["a", "b", "c", "d", "e"];
        let mut merges = 0;
        for (gap, changed) in ["\n", "\n\n"]
            .into_iter()
            .flat_map(|gap| (0..lines.len()).map(move |at| (gap, at)))
        {
            let base = lines.join(gap);
            let mut edited = lines;
            edited[changed] = "x";
            let edited = edited.join(gap);
            for gone in 1..1_u32 << lines.len() {
                if gone & (1 << changed) != 0 {
                    continue;
                }
                let left = lines.iter().enumerate();
                let left = left.filter(|(at, _)| gone & (1 << at) == 0);
                let left: Vec<&str> = left.map(|(_, line)| *line).collect();
                let left = left.join(gap);
                for (a, b) in [(&edited, &left), (&left, &edited)] {
                    let Some(found) = clean(&base, a, b) else {
                        continue;
                    };
                    merges += 1;
                    let both = left.replace(lines[changed], "x");
                    assert_eq!(found.trim_end(), both, "{edited:?} {left:?}");
                }
            }
        }
        assert!(merges > 0);
    }

    /// Two people who change, add and take away lines, and move none, and what comes of it where it is no conflict: what one of
    /// them added is there, and what one of them took away is not.
    #[test]
    fn a_merge_has_what_either_added_and_nothing_that_either_took_away() {
        let mut state = 7_u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % n
        };
        let mut merges = 0;
        for round in 0..30_000 {
            let base: Vec<String> = (0..=below(6)).map(|at| format!("line {at}")).collect();
            let mut edited = |who: &str| {
                let mut lines = Vec::new();
                for (at, line) in base.iter().enumerate() {
                    if below(8) == 0 {
                        lines.push(format!("{who} adds {at}"));
                    }
                    match below(6) {
                        0 => lines.push(format!("{who} makes {at}")),
                        1 | 2 => {}
                        _ => lines.push(line.clone()),
                    }
                }
                lines
            };
            let (ada, bo) = (edited("Ada"), edited("Bo"));
            let gap = ["\n", "\n\n"][round % 2];
            let Some(found) = clean(&base.join(gap), &ada.join(gap), &bo.join(gap)) else {
                continue;
            };
            merges += 1;
            let found: Vec<&str> = found.lines().filter(|line| !line.is_empty()).collect();
            for one in [&ada, &bo] {
                let added = one.iter().filter(|line| !base.contains(line));
                for line in added {
                    assert!(found.contains(&line.as_str()), "{ada:?} {bo:?}: {found:?}");
                }
                let gone = base.iter().filter(|line| !one.contains(line));
                for line in gone {
                    assert!(!found.contains(&line.as_str()), "{ada:?} {bo:?}: {found:?}");
                }
            }
        }
        assert!(merges > 5_000, "only {merges} merge");
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
