//! The one line that we add to a task's description.

use super::FOOTER_PREFIX;
use super::links;
use super::markdown_in;
use super::markdown_out;
use super::model::{Block, Leaf, Run};
use super::normal::normal;
use super::tidy::tidy;

/// Start of the URL fragment that carries an origin marker. A line with it is ours wherever it stands.
const MARKER: &str = "#sx1:";

/// Label and address of a footer line.
pub(super) type Footer = (String, String);

/// Takes our footer lines out of a document in normal form; returns the last one.
pub(super) fn take(mut blocks: Vec<Block>) -> (Vec<Block>, Option<Footer>) {
    let mut found = None;
    loop {
        let taken = take_lines(&mut blocks);
        if taken.is_none() {
            return (blocks, found);
        }
        found = found.or(taken);
        // Blocks on both sides of a vanished line may belong together now.
        blocks = normal(blocks);
    }
}

/// One pass from the end: marked lines anywhere, others only while nothing else follows them.
fn take_lines(blocks: &mut [Block]) -> Option<Footer> {
    let mut found = None;
    let mut last = true;
    for block in blocks.iter_mut().rev() {
        let Block::Para(runs) = block else {
            last = false;
            continue;
        };
        let mut kept: Vec<Vec<Run>> = Vec::new();
        let mut changed = false;
        for line in lines(runs).into_iter().rev() {
            match parse(line) {
                Some(footer) if last || footer.1.contains(MARKER) => {
                    changed = true;
                    found = found.or(Some(footer));
                }
                _ => {
                    last = false;
                    kept.push(line.to_vec());
                }
            }
        }
        if changed {
            *runs = join(kept.into_iter().rev());
        }
    }
    found
}

fn lines(runs: &[Run]) -> Vec<&[Run]> {
    runs.split(|run| run.leaf == Leaf::Break).collect()
}

fn join(lines: impl Iterator<Item = Vec<Run>>) -> Vec<Run> {
    let mut out = Vec::new();
    for line in lines {
        if !out.is_empty() {
            out.push(Run::line_break());
        }
        out.extend(line);
    }
    out
}

/// Reads one line: the prefix, then nothing but a link or a bare web address.
fn parse(line: &[Run]) -> Option<Footer> {
    let (first, linked) = line.split_first()?;
    let Leaf::Text(text) = &first.leaf else {
        return None;
    };
    let rest = text.strip_prefix(FOOTER_PREFIX.trim_end())?.trim();
    if linked.is_empty() {
        let bare = is_web(rest) && !rest.contains(char::is_whitespace);
        return bare.then(|| (rest.to_owned(), rest.to_owned()));
    }
    let url = linked.first()?.link.as_deref().filter(|url| is_web(url))?;
    let same = linked.iter().all(|run| run.link.as_deref() == Some(url));
    let label: String = linked
        .iter()
        .map(|run| match &run.leaf {
            Leaf::Text(text) | Leaf::Code(text) => text.as_str(),
            _ => "",
        })
        .collect();
    (rest.is_empty() && first.link.is_none() && same && !label.is_empty())
        .then(|| (label, url.to_owned()))
}

fn is_web(url: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// Writes the footer as a paragraph.
pub(super) fn block(label: &str, url: &str) -> Block {
    let link = links::link(url);
    let label = if label.trim().is_empty() { url } else { label };
    let linked = Run {
        link,
        ..Run::text(label)
    };
    Block::Para(tidy(vec![Run::text(FOOTER_PREFIX), linked]))
}

/// Writes the footer as a line of Markdown.
pub(super) fn line(label: &str, url: &str) -> String {
    markdown_out::write_block(&block(label, url))
}

/// Cuts the last footer line out of raw Markdown: the text without it, and the line without its end.
pub(super) fn cut(markdown: &str) -> Option<(String, String)> {
    let raw = raw_lines(markdown);
    let nodes = markdown_in::read_with_lines(markdown);
    let start = FOOTER_PREFIX.trim_end();
    for (at, (range, blocks)) in nodes.iter().enumerate().rev() {
        if !matches!(blocks.as_slice(), [Block::Para(_)]) {
            continue;
        }
        for number in range.clone().rev() {
            let Some(line) = raw
                .get(number)
                .filter(|line| line.trim_start().starts_with(start))
            else {
                continue;
            };
            let last = at + 1 == nodes.len() && number + 1 == range.end;
            let blocks = normal(markdown_in::read(line.trim_end().trim_end_matches('\\')));
            let footer = match blocks.as_slice() {
                [Block::Para(runs)] => parse(runs),
                _ => None,
            };
            if footer.is_none_or(|(_, url)| !last && !url.contains(MARKER)) {
                continue;
            }
            let mut body: String = raw.iter().take(number).copied().collect();
            if number > range.start {
                body.truncate(body.trim_end().trim_end_matches('\\').trim_end().len());
                body.push('\n');
            }
            body.extend(raw.iter().skip(number + 1).copied());
            return Some((body, line.trim_end().trim_end_matches('\\').to_owned()));
        }
    }
    None
}

/// Lines with their ends, cut where comrak cuts.
pub(super) fn raw_lines(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(['\n', '\r']) {
            None => rest.len(),
            Some(at) if rest.get(at..).is_some_and(|end| end.starts_with("\r\n")) => at + 2,
            Some(at) => at + 1,
        };
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.push(line);
        rest = tail;
    }
    out
}
