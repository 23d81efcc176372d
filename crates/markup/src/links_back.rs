//! Links that one side's editor dropped, put back where their text survived an edit.

use super::carry::{bag, share};
use super::model::{Block, Leaf, Link, Run};
use super::normal::normal;
use super::{TextFormat, canonical, markdown_out, settle};

/// The least share of common words at which a paragraph counts as the edited form of another.
const ALIKE: f64 = 0.3;

/// A link with its text.
#[derive(Clone, PartialEq, Eq)]
struct Shown {
    url: String,
    text: String,
    /// How many times its text stands in its paragraph before it.
    before: usize,
}

/// Returns `edited` with the links of `other` that `base`, its rendering on the side that was edited, did not show: such
/// a link was never taken out by a person. Only where the text of the link still stands in the edited paragraph.
pub(super) fn restore(edited: &str, base: &str, other: &str) -> String {
    let read = |text: &str| groups(&settle::document(TextFormat::Markdown, text).blocks);
    let there = read(other);
    if there.iter().all(|group| links(group).is_empty()) {
        return edited.to_owned();
    }
    let seen: Vec<Shown> = read(base).iter().flat_map(|group| links(group)).collect();
    let mut blocks = settle::document(TextFormat::Markdown, edited).blocks;
    let mut now = groups(&blocks);
    let mut changed = false;
    for group in &there {
        if now.contains(group) {
            continue;
        }
        let words = text_of(group);
        for link in links(group) {
            let known = seen
                .iter()
                .any(|shown| shown.url == link.url && shown.text == link.text);
            if known {
                continue;
            }
            changed |= put_back(&link, &words, &there, &mut now);
        }
    }
    if !changed {
        return edited.to_owned();
    }
    let mut now = now.into_iter();
    for block in &mut blocks {
        block.each_runs(&mut |runs| {
            if let Some(group) = now.next() {
                *runs = group;
            }
        });
    }
    canonical(TextFormat::Markdown, &markdown_out::write(&normal(blocks)))
}

/// The words of a text, code included, without anything that is not shown.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for mut block in settle::document(TextFormat::Markdown, text).blocks {
        if let Block::Code(_, code) = &block {
            words.extend(code.split_whitespace().map(str::to_owned));
        }
        block.each_runs(&mut |runs| {
            let shown = text_of(runs);
            let parts = shown.split(|c: char| c.is_whitespace() || c == '\u{fffc}');
            words.extend(parts.filter(|word| !word.is_empty()).map(str::to_owned));
        });
    }
    words
}

/// Puts one link back into the paragraph that is most like its own; `false` where its text is nowhere.
fn put_back(link: &Shown, words: &str, there: &[Vec<Run>], now: &mut [Vec<Run>]) -> bool {
    let own = bag(words);
    let mut best: Option<(f64, usize)> = None;
    for (at, group) in now.iter().enumerate() {
        if there.contains(group) || places(group, &link.text).is_empty() {
            continue;
        }
        let text = text_of(group);
        let alike = share(&own, &bag(&text));
        if alike >= ALIKE && best.is_none_or(|(most, _)| alike > most) {
            best = Some((alike, at));
        }
    }
    let Some(group) = best.and_then(|(_, at)| now.get_mut(at)) else {
        return false;
    };
    let places = places(group, &link.text);
    let place = places.get(link.before).or(places.last());
    let Some(from) = place.copied() else {
        return false;
    };
    *group = linked(
        group,
        from,
        from + link.text.len(),
        &Some(link.url.as_str().into()),
    );
    true
}

/// Every group of runs, in the order of the text.
fn groups(blocks: &[Block]) -> Vec<Vec<Run>> {
    let mut out = Vec::new();
    for block in blocks {
        block.clone().each_runs(&mut |runs| out.push(runs.clone()));
    }
    out
}

/// What stands for a leaf in the text of its group.
fn shown(run: &Run) -> &str {
    match &run.leaf {
        Leaf::Text(text) | Leaf::Code(text) => text,
        Leaf::Image { .. } | Leaf::Break => "\u{fffc}",
    }
}

fn text_of(group: &[Run]) -> String {
    group.iter().map(shown).collect()
}

fn links(group: &[Run]) -> Vec<Shown> {
    let mut out: Vec<Shown> = Vec::new();
    let mut open: Option<&Link> = None;
    let mut text = String::new();
    for run in group {
        match (&run.link, open) {
            (None, _) => open = None,
            (Some(url), last) => {
                let goes_on = last == Some(&run.link);
                match out.last_mut().filter(|_| goes_on) {
                    Some(link) => link.text.push_str(shown(run)),
                    None => out.push(Shown {
                        url: url.to_string(),
                        text: shown(run).to_owned(),
                        before: text.len(),
                    }),
                }
                open = Some(&run.link);
            }
        }
        text.push_str(shown(run));
    }
    for link in &mut out {
        link.before = words(&text, &link.text)
            .take_while(|at| *at < link.before)
            .count();
    }
    out.retain(|link| !link.text.trim().is_empty());
    out
}

/// Where `text` stands in a group, as a whole word, outside of links.
fn places(group: &[Run], text: &str) -> Vec<usize> {
    let all = text_of(group);
    let mut taken = Vec::new();
    let mut at = 0;
    for run in group {
        let end = at + shown(run).len();
        if run.link.is_some() || matches!(run.leaf, Leaf::Image { .. } | Leaf::Break) {
            taken.push(at..end);
        }
        at = end;
    }
    words(&all, text)
        .filter(|from| {
            let to = from + text.len();
            !taken
                .iter()
                .any(|range| range.start < to && *from < range.end)
        })
        .collect()
}

/// The places where `word` stands in `text` and is no part of a longer word.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = text.get(..*at).and_then(|text| text.chars().next_back());
            let after = text
                .get(at + word.len()..)
                .and_then(|text| text.chars().next());
            let (first, last) = (word.chars().next(), word.chars().next_back());
            let inside_a_word = inner(before) && inner(first) || inner(after) && inner(last);
            !inside_a_word
        })
}

/// The group with a link on the bytes `from..to` of its text.
fn linked(group: &[Run], from: usize, to: usize, link: &Link) -> Vec<Run> {
    let mut out = Vec::new();
    let mut at = 0;
    for run in group {
        let text = shown(run);
        let (start, end) = (at, at + text.len());
        at = end;
        let (first, last) = (from.clamp(start, end), to.clamp(start, end));
        if first >= last {
            out.push(run.clone());
            continue;
        }
        let Leaf::Text(text) = &run.leaf else {
            out.push(Run {
                link: link.clone(),
                ..run.clone()
            });
            continue;
        };
        let parts = [
            (text.get(..first - start), &run.link),
            (text.get(first - start..last - start), link),
            (text.get(last - start..), &run.link),
        ];
        for (text, link) in parts {
            let Some(text) = text.filter(|text| !text.is_empty()) else {
                continue;
            };
            out.push(Run {
                leaf: Leaf::Text(text.to_owned()),
                style: run.style,
                link: link.clone(),
            });
        }
    }
    out
}
