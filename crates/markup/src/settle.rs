//! From raw text to a document that its own Markdown reads back to.

use super::model::{Block, Leaf, Run, Style};
use super::normal::normal;
use super::{TextFormat, footer, html_in, markdown_in, markdown_out};

/// Longest raw text, in bytes, that is read as structure. One million characters is what an Azure DevOps long text
/// holds (azure-devops-docs object-limits.md, 1,048,576 characters).
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Rounds of writing and reading back before a document is taken as plain text.
const ROUNDS: usize = 6;
/// What is given up, in this order, where delimiters and text cannot be told apart.
const CONCESSIONS: [Style; 5] = [
    Style::EM,
    Style::DEL,
    Style(Style::EM.0 | Style::DEL.0),
    Style(Style::EM.0 | Style::DEL.0 | Style::STRONG.0),
    Style(u8::MAX),
];

/// A document, its canonical Markdown, and the footer that was in it.
pub(super) struct Settled {
    pub(super) blocks: Vec<Block>,
    pub(super) text: String,
    pub(super) footer: Option<footer::Footer>,
}

/// Reads raw text and settles it.
pub(super) fn document(format: TextFormat, raw: &str) -> Settled {
    match format {
        TextFormat::Markdown | TextFormat::EscapedMarkdown if raw.len() > MAX_BYTES => {
            oversized(raw)
        }
        TextFormat::Markdown => settle(markdown_in::read(raw)),
        TextFormat::EscapedMarkdown => settle(markdown_in::read_escaped(raw)),
        TextFormat::Html if raw.len() > MAX_BYTES => {
            let blocks = normal(html_in::read(&super::tags::flatten(raw)));
            let text = markdown_out::write(&blocks);
            if text.len() > MAX_BYTES {
                oversized(&text)
            } else {
                settle(blocks)
            }
        }
        TextFormat::Html => settle(html_in::read(raw)),
    }
}

/// Very long Markdown is one opaque text: line ends are made equal and our footer is left out, nothing else.
fn oversized(raw: &str) -> Settled {
    let text = raw.replace("\r\n", "\n").replace('\r', "\n");
    let mut text = text.trim_matches('\n').to_owned();
    let mut found = None;
    while let Some(line) = text.lines().next_back() {
        let (rest, taken) = footer::take(normal(markdown_in::read(line)));
        if taken.is_none() || !rest.is_empty() {
            break;
        }
        found = found.or(taken);
        text.truncate(text.len() - line.len());
        text.truncate(text.trim_end_matches(['\n', '\\']).len());
    }
    if text.len() <= MAX_BYTES {
        let settled = settle(markdown_in::read(&text));
        return Settled {
            footer: found.or(settled.footer),
            ..settled
        };
    }
    Settled {
        blocks: Vec::new(),
        text,
        footer: found,
    }
}

/// Writes, reads back and compares; where they differ, emphasis gives way first, then the reader's view wins.
fn settle(blocks: Vec<Block>) -> Settled {
    let (mut blocks, found) = footer::take(normal(blocks));
    for round in 0..ROUNDS {
        let text = markdown_out::write(&blocks);
        let (read, again) = footer::take(normal(markdown_in::read(&text)));
        if read == blocks && again.is_none() {
            return Settled {
                blocks,
                text,
                footer: found,
            };
        }
        blocks = if round == 0 {
            footer::take(normal(blocks.into_iter().flat_map(repaired).collect())).0
        } else {
            read
        };
    }
    let plain = blocks.into_iter().flat_map(|block| words(&block)).collect();
    let (blocks, _) = footer::take(normal(plain));
    Settled {
        text: markdown_out::write(&blocks),
        blocks,
        footer: found,
    }
}

fn read_back(block: &Block) -> Vec<Block> {
    normal(markdown_in::read(&markdown_out::write_block(block)))
}

/// The block with as much of its emphasis as its Markdown can carry.
pub(super) fn repaired(block: Block) -> Vec<Block> {
    let read = read_back(&block);
    if read.as_slice() == std::slice::from_ref(&block) {
        return read;
    }
    for style in CONCESSIONS {
        let mut simpler = block.clone();
        simpler.each_runs(&mut |runs| {
            runs.iter_mut()
                .for_each(|run| run.style = run.style.without(style));
        });
        let simpler = normal(vec![simpler]);
        if simpler.iter().flat_map(read_back).collect::<Vec<_>>() == simpler {
            return simpler;
        }
    }
    vec![block]
}

/// The last resort: every group of runs as a plain paragraph.
fn words(block: &Block) -> Vec<Block> {
    let mut out = Vec::new();
    if let Block::Code(_, text) = block {
        out.extend(text.lines().map(|line| Block::Para(vec![Run::text(line)])));
    }
    block.clone().each_runs(&mut |runs| {
        let text = runs.iter().map(|run| match &run.leaf {
            Leaf::Text(text) | Leaf::Code(text) => text.as_str(),
            Leaf::Image { alt, .. } => alt.as_str(),
            Leaf::Break => " ",
        });
        out.push(Block::Para(vec![Run::text(text.collect::<String>())]));
    });
    out
}
