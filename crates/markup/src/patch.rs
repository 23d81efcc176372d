//! Writing a changed document into raw text so that blocks that did not change keep their raw bytes.

use std::collections::BTreeSet;

use similar::DiffOp;

use super::markdown_out::Dialect;
use super::merge::changes;
use super::model::Block;
use super::normal::normal;
use super::tags::{self, Token};
use super::{TextFormat, footer, html_in, html_out, markdown_in, markdown_out, settle};

/// A stretch of raw text. Without blocks it is glue: wrapper tags, blank lines, comments.
struct Piece {
    raw: String,
    blocks: Vec<String>,
}

/// A text with changed blocks, and the raw stretches that had to give way to new blocks. A stretch that was taken out
/// whole is not among them: nothing of it is shown any more.
pub(super) struct Patched {
    pub(super) text: String,
    pub(super) replaced: Vec<String>,
}

/// Returns raw text for `target`, or `None` when `raw` cannot be cut into pieces. The caller must check the result.
pub(super) fn patch(format: TextFormat, raw: &str, target: &[Block]) -> Option<Patched> {
    let pieces = match format {
        TextFormat::Markdown | TextFormat::EscapedMarkdown => markdown_pieces(format, raw),
        TextFormat::Html => html_pieces(raw)?,
    };
    let wanted: Vec<String> = target.iter().map(markdown_out::write_block).collect();
    let kept = kept(&pieces, &wanted);
    let mut out = Output {
        format,
        text: String::with_capacity(raw.len()),
        newline: if raw.contains("\r\n") { "\r\n" } else { "\n" },
        torn: false,
    };
    let fresh = fresh(&pieces, &kept, &wanted);
    let mut replaced = Vec::new();
    // Whether new blocks stand where the pieces since the last kept one stood.
    let mut replacing = false;
    let mut next = 0;
    for (at, piece) in pieces.iter().enumerate() {
        if piece.blocks.is_empty() {
            out.glue(&piece.raw);
            continue;
        }
        let here = kept.get(at).copied().flatten();
        // A changed piece is replaced where it stood, by all that comes before the next kept one.
        let until = kept
            .iter()
            .skip(at)
            .flatten()
            .next()
            .copied()
            .unwrap_or(wanted.len());
        out.blocks(target.get(next..until).unwrap_or(&[]));
        replacing |= next < until;
        next = next.max(until);
        match here {
            Some(_) => {
                out.raw(&piece.raw);
                next += piece.blocks.len();
                replacing = false;
            }
            None => {
                out.torn = true;
                // A block that went elsewhere is written anew there.
                let moved = || piece.blocks.iter().any(|block| fresh.contains(block));
                if replacing || moved() {
                    replaced.push(piece.raw.clone());
                }
            }
        }
    }
    out.blocks(target.get(next..).unwrap_or(&[]));
    Some(Patched {
        text: out.text,
        replaced,
    })
}

/// The wanted blocks that no kept piece provides.
fn fresh<'a>(
    pieces: &[Piece],
    kept: &[Option<usize>],
    wanted: &'a [String],
) -> BTreeSet<&'a String> {
    let provided: BTreeSet<usize> = pieces
        .iter()
        .zip(kept)
        .filter_map(|(piece, first)| Some((*first)?..(*first)? + piece.blocks.len()))
        .flatten()
        .collect();
    let missing = wanted
        .iter()
        .enumerate()
        .filter(|(at, _)| !provided.contains(at));
    missing.map(|(_, block)| block).collect()
}

/// For each piece whose blocks all stay, the index in `wanted` of the first.
fn kept(pieces: &[Piece], wanted: &[String]) -> Vec<Option<usize>> {
    let old: Vec<&str> = pieces
        .iter()
        .flat_map(|piece| &piece.blocks)
        .map(String::as_str)
        .collect();
    let new: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut matched: Vec<Option<usize>> = vec![None; old.len()];
    for op in changes(&old, &new) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            let places = matched.iter_mut().skip(old_index).take(len);
            places
                .enumerate()
                .for_each(|(at, place)| *place = Some(new_index + at));
        }
    }
    let mut matched = matched.into_iter();
    pieces
        .iter()
        .map(|piece| {
            let places: Vec<Option<usize>> = matched.by_ref().take(piece.blocks.len()).collect();
            let first = places.first().copied().flatten()?;
            let in_row = places
                .iter()
                .enumerate()
                .all(|(at, place)| *place == Some(first + at));
            in_row.then_some(first)
        })
        .collect()
}

struct Output {
    format: TextFormat,
    text: String,
    newline: &'static str,
    /// Whether what was written last is not the original neighbour of what comes next.
    torn: bool,
}

impl Output {
    fn separate(&mut self) {
        if self.format != TextFormat::Html && !self.text.is_empty() {
            let ends = self
                .text
                .chars()
                .rev()
                .take_while(|c| matches!(c, '\n' | '\r'));
            for _ in ends.filter(|c| *c == '\n').count()..2 {
                self.text.push_str(self.newline);
            }
        }
    }

    fn glue(&mut self, raw: &str) {
        let blank = raw.trim().is_empty();
        if self.torn && blank {
            return;
        }
        self.raw(raw);
    }

    fn raw(&mut self, raw: &str) {
        if self.torn {
            self.separate();
            self.torn = false;
        }
        self.text.push_str(raw);
    }

    fn blocks(&mut self, blocks: &[Block]) {
        if blocks.is_empty() {
            return;
        }
        self.separate();
        match self.format {
            TextFormat::Html => self.text.push_str(&html_out::write(blocks)),
            TextFormat::Markdown | TextFormat::EscapedMarkdown => {
                let dialect = match self.format {
                    TextFormat::EscapedMarkdown => Dialect::Escaped,
                    TextFormat::Markdown | TextFormat::Html => Dialect::Plain,
                };
                let text = markdown_out::write_in(blocks, dialect).replace('\n', self.newline);
                self.text.push_str(&text);
                self.torn = true;
            }
        }
    }
}

fn canonical_blocks(blocks: Vec<Block>) -> Vec<String> {
    let blocks = normal(blocks)
        .into_iter()
        .flat_map(settle::repaired)
        .collect();
    normal(blocks)
        .iter()
        .map(markdown_out::write_block)
        .collect()
}

/// One piece per top-level block of the Markdown; blocks that are one in normal form are one piece.
fn markdown_pieces(format: TextFormat, raw: &str) -> Vec<Piece> {
    let lines = footer::raw_lines(raw);
    let text = |range: std::ops::Range<usize>| -> String {
        let len = range.end.saturating_sub(range.start);
        lines.iter().skip(range.start).take(len).copied().collect()
    };
    let mut groups: Vec<(std::ops::Range<usize>, Vec<Block>)> = Vec::new();
    let read = match format {
        TextFormat::EscapedMarkdown => markdown_in::read_escaped_with_lines(raw),
        TextFormat::Markdown | TextFormat::Html => markdown_in::read_with_lines(raw),
    };
    for (range, blocks) in read {
        let blocks = normal(blocks);
        match groups.last_mut() {
            Some((before, last)) if joins(last, &blocks) || range.start < before.end => {
                before.end = range.end.max(before.end);
                last.extend(blocks);
            }
            _ => groups.push((range, blocks)),
        }
    }
    let mut out = Vec::new();
    let mut next = 0;
    for (range, blocks) in groups {
        if range.start > next {
            out.push(Piece {
                raw: text(next..range.start),
                blocks: Vec::new(),
            });
        }
        next = range.end;
        out.push(Piece {
            raw: text(range),
            blocks: canonical_blocks(blocks),
        });
    }
    if next < lines.len() {
        out.push(Piece {
            raw: text(next..lines.len()),
            blocks: Vec::new(),
        });
    }
    out
}

/// Whether the end of `before` and the start of `after` become one block in normal form.
fn joins(before: &[Block], after: &[Block]) -> bool {
    match (before.last(), after.first()) {
        (Some(Block::List { start: a, .. }), Some(Block::List { start: b, .. })) => {
            a.is_some() == b.is_some()
        }
        (Some(Block::Quote(_)), Some(Block::Quote(_))) => true,
        _ => false,
    }
}

/// One piece per block of the HTML. `div`s that hold blocks are looked into; their own tags are glue.
fn html_pieces(raw: &str) -> Option<Vec<Piece>> {
    if tags::too_deep(raw) {
        return None;
    }
    let tokens: Vec<Token<'_>> = tags::tokens(raw).collect();
    let ends = ends(&tokens);
    let mut cuts = Cuts {
        tokens: &tokens,
        ends: &ends,
        out: Vec::new(),
        loose: String::new(),
    };
    cuts.level(0, tokens.len(), 0)?;
    let mut out: Vec<Piece> = Vec::new();
    let mut parsed: Vec<Vec<Block>> = Vec::new();
    for (raw, glue) in cuts.out {
        let blocks = if glue {
            Vec::new()
        } else {
            normal(html_in::read(&raw))
        };
        let before = parsed.iter().rposition(|blocks| !blocks.is_empty());
        if let Some(before) = before
            && parsed.get(before).is_some_and(|last| joins(last, &blocks))
        {
            // Both belong to one block: they stay or go together, with the glue between, if that is only blanks.
            let between = out
                .drain(before + 1..)
                .map(|piece| piece.raw)
                .collect::<String>();
            if !between.trim().is_empty() {
                return None;
            }
            parsed.truncate(before + 1);
            let (piece, all) = (out.last_mut()?, parsed.last_mut()?);
            piece.raw.push_str(&between);
            piece.raw.push_str(&raw);
            all.extend(blocks);
            piece.blocks = canonical_blocks(all.clone());
            continue;
        }
        out.push(Piece {
            raw,
            blocks: canonical_blocks(blocks.clone()),
        });
        parsed.push(blocks);
    }
    Some(out)
}

/// For each opening tag, the index of its end tag. `None` where there is none.
fn ends(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut out = vec![None; tokens.len()];
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(name, _) if !tags::is_void(name) => open.push((at, name)),
            Token::Close(name, _) => {
                if let Some(place) = open
                    .iter()
                    .rev()
                    .take(200)
                    .position(|(_, other)| other == name)
                {
                    let keep = open.len() - 1 - place;
                    if let Some((start, _)) = open.get(keep)
                        && let Some(end) = out.get_mut(*start)
                    {
                        *end = Some(at);
                    }
                    open.truncate(keep);
                }
            }
            _ => {}
        }
    }
    out
}

struct Cuts<'a> {
    tokens: &'a [Token<'a>],
    ends: &'a [Option<usize>],
    /// Raw text, and whether it is glue.
    out: Vec<(String, bool)>,
    /// Inline content that no block holds.
    loose: String,
}

impl Cuts<'_> {
    fn level(&mut self, from: usize, to: usize, depth: usize) -> Option<()> {
        let mut at = from;
        while at < to {
            let token = self.tokens.get(at)?;
            let name = match token {
                Token::Open(name, _) if tags::is_block(name) => name.as_str(),
                // An end tag without a start, or a block inside inline tags: leave the whole text to a rewrite.
                Token::Close(name, _) if tags::is_block(name) => return None,
                token => {
                    let end = match token {
                        Token::Open(name, _) if !tags::is_void(name) => {
                            self.ends.get(at).copied().flatten()?
                        }
                        _ => at,
                    };
                    (at..=end)
                        .filter_map(|at| self.tokens.get(at))
                        .for_each(|token| self.loose.push_str(token.raw()));
                    at = end + 1;
                    continue;
                }
            };
            self.flush();
            let end = if tags::is_void(name) {
                at
            } else {
                self.ends.get(at).copied().flatten()?
            };
            if end >= to {
                return None;
            }
            if name == "div" && depth < 64 && self.holds_block(at + 1, end) {
                self.out.push((token.raw().to_owned(), true));
                self.level(at + 1, end, depth + 1)?;
                self.flush();
                let close = self.tokens.get(end)?;
                self.out.push((close.raw().to_owned(), true));
            } else {
                let raw = (at..=end)
                    .filter_map(|at| self.tokens.get(at))
                    .map(Token::raw)
                    .collect();
                self.out.push((raw, false));
            }
            at = end + 1;
        }
        self.flush();
        Some(())
    }

    fn holds_block(&self, from: usize, to: usize) -> bool {
        let inside = self.tokens.iter().skip(from).take(to.saturating_sub(from));
        inside
            .into_iter()
            .any(|token| matches!(token, Token::Open(name, _) if tags::is_block(name)))
    }

    fn flush(&mut self) {
        if !self.loose.is_empty() {
            let raw = std::mem::take(&mut self.loose);
            let glue = raw.trim().is_empty();
            self.out.push((raw, glue));
        }
    }
}
