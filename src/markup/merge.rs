//! Three-way merge by lines.

use similar::{MergeResolution, TextMerge as LineMerge};

/// Outcome before the texts are made canonical again.
pub(super) enum Merged {
    Clean(String),
    Conflict { taking_a: String, taking_b: String },
}

/// Merges texts without final newlines.
pub(super) fn lines(base: &str, a: &str, b: &str) -> Merged {
    // Every line must end alike, or appending to the last line's successor would look like an edit of that line.
    let (base, a, b) = (ended(base), ended(a), ended(b));
    let merge = LineMerge::from_lines(base.as_str(), a.as_str(), b.as_str());
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
