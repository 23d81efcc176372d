//! Normal form of inline content: white space, merged neighbours, and only such emphasis as CommonMark can express.

use std::rc::Rc;

use super::links;
use super::model::{Leaf, Link, Run, Style};
use crate::is_no_character;

/// Collapses every run of white space into one blank and drops what is invisible.
pub(super) fn blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if matches!(c, '\u{200b}' | '\u{feff}') || is_no_character(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            if !blank {
                out.push(' ');
            }
            blank = true;
        } else {
            out.push(c);
            blank = false;
        }
    }
    out
}

/// Brings runs into normal form; see the module's text.
pub(super) fn tidy(runs: Vec<Run>) -> Vec<Run> {
    let runs = trim(runs);
    if runs
        .iter()
        .all(|run| run.style == Style::PLAIN && run.link.is_none())
    {
        return join(runs); // nothing with edges: the common case
    }
    let mut line = Cells::new(runs);
    line.style_breaks();
    line.settle_links();
    for style in Style::ALL {
        line.settle_style(style);
    }
    line.part_touching();
    join(line.into_runs())
}

/// Collapses blanks within and across runs, and trims around breaks and at both ends.
fn trim(runs: Vec<Run>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    let mut after_blank = true;
    for mut run in runs {
        match &mut run.leaf {
            Leaf::Text(text) => {
                *text = blanks(text);
                if after_blank && text.starts_with(' ') {
                    text.remove(0);
                }
                if text.is_empty() {
                    continue;
                }
                after_blank = text.ends_with(' ');
                out.push(run);
            }
            Leaf::Break => {
                trim_end(&mut out, false);
                after_blank = true;
                if !out.is_empty() {
                    out.push(Run::line_break());
                }
            }
            Leaf::Code(code) => {
                *code = blanks(code).trim().to_owned();
                if !code.is_empty() {
                    after_blank = false;
                    out.push(run);
                }
            }
            Leaf::Image { .. } => {
                after_blank = false;
                out.push(run);
            }
        }
    }
    trim_end(&mut out, true);
    out
}

fn trim_end(runs: &mut Vec<Run>, breaks_too: bool) {
    while let Some(last) = runs.last_mut() {
        match &mut last.leaf {
            Leaf::Break if breaks_too => {}
            Leaf::Text(text) => {
                text.truncate(text.trim_end_matches(' ').len());
                if !text.is_empty() {
                    return;
                }
            }
            _ => return,
        }
        runs.pop();
    }
}

/// Joins neighbours of one kind, style and link.
fn join(runs: Vec<Run>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        if let Some(last) = out.last_mut()
            && last.style == run.style
            && last.link == run.link
        {
            match (&mut last.leaf, &run.leaf) {
                (Leaf::Text(a), Leaf::Text(b)) | (Leaf::Code(a), Leaf::Code(b)) => {
                    a.push_str(b);
                    continue;
                }
                _ => {}
            }
        }
        out.push(run);
    }
    out
}

/// One character, or one leaf that is not text.
#[derive(Clone, Copy)]
struct Cell {
    /// A stand-in for leaves: what their Markdown starts with.
    shown: char,
    style: Style,
    /// Index into `links` plus one; 0 for none.
    link: usize,
    /// Index into `leaves` plus one; 0 for text.
    leaf: usize,
}

/// What lies before and after the content.
const OUTSIDE: Cell = Cell {
    shown: ' ',
    style: Style::PLAIN,
    link: 0,
    leaf: 0,
};

struct Cells {
    cells: Vec<Cell>,
    links: Vec<Rc<str>>,
    leaves: Vec<Leaf>,
}

fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace()
}

impl Cells {
    fn new(runs: Vec<Run>) -> Self {
        let mut out = Self {
            cells: Vec::new(),
            links: Vec::new(),
            leaves: Vec::new(),
        };
        for run in runs {
            let link = match run.link {
                None => 0,
                Some(url) => match out.links.last() {
                    Some(last) if *last == url => out.links.len(),
                    _ => {
                        out.links.push(url);
                        out.links.len()
                    }
                },
            };
            let cell = |shown, leaf| Cell {
                shown,
                style: run.style,
                link,
                leaf,
            };
            let shown = match run.leaf {
                Leaf::Text(text) => {
                    out.cells.extend(text.chars().map(|c| cell(c, 0)));
                    continue;
                }
                Leaf::Code(_) => '`',
                Leaf::Image { .. } => '!',
                Leaf::Break => '\n',
            };
            out.leaves.push(run.leaf);
            out.cells.push(cell(shown, out.leaves.len()));
        }
        out
    }

    fn at(&self, index: usize) -> Cell {
        self.cells.get(index).copied().unwrap_or(OUTSIDE)
    }

    fn before(&self, index: usize) -> Cell {
        index.checked_sub(1).map_or(OUTSIDE, |index| self.at(index))
    }

    fn change(&mut self, from: usize, to: usize, change: impl Fn(&mut Cell)) {
        let len = to.saturating_sub(from);
        self.cells.iter_mut().skip(from).take(len).for_each(change);
    }

    /// A break between equally styled neighbours keeps what they share.
    fn style_breaks(&mut self) {
        let mut after = Style::PLAIN;
        let mut shared: Vec<Style> = Vec::with_capacity(self.cells.len());
        for cell in self.cells.iter().rev() {
            if cell.shown != '\n' {
                after = cell.style;
            }
            shared.push(after);
        }
        let mut before = Style::PLAIN;
        for (cell, after) in self.cells.iter_mut().zip(shared.into_iter().rev()) {
            if cell.shown == '\n' {
                cell.style = before.both(after);
            } else {
                before = cell.style;
            }
        }
    }

    /// Pushes blanks out of links, and unlinks what the services link by themselves.
    fn settle_links(&mut self) {
        let mut start = 0;
        while start < self.cells.len() {
            let link = self.at(start).link;
            let mut end = start + 1;
            while end < self.cells.len() && self.at(end).link == link {
                end += 1;
            }
            if link != 0 {
                self.settle_link(start, end, link);
            }
            start = end;
        }
    }

    fn settle_link(&mut self, mut start: usize, mut end: usize, link: usize) {
        let whole = (start, end);
        while start < end && self.at(start).shown == ' ' {
            self.change(start, start + 1, |cell| cell.link = 0);
            start += 1;
        }
        while start < end && self.at(end - 1).shown == ' ' {
            end -= 1;
            self.change(end, end + 1, |cell| cell.link = 0);
        }
        let inside = self
            .cells
            .iter()
            .skip(start)
            .take(end.saturating_sub(start));
        if inside.clone().any(|cell| cell.leaf != 0) {
            return;
        }
        let text: String = inside.map(|cell| cell.shown).collect();
        let url = link.checked_sub(1).and_then(|at| self.links.get(at));
        if url.is_some_and(|url| links::is_bare(&text, url)) {
            self.change(whole.0, whole.1, |cell| cell.link = 0);
        }
    }

    /// Shrinks each stretch of one style until its delimiters are delimiters to CommonMark.
    fn settle_style(&mut self, style: Style) {
        let mut at = 0;
        while at < self.cells.len() {
            if !self.at(at).style.has(style) {
                at += 1;
                continue;
            }
            let mut end = at + 1;
            while end < self.cells.len() && self.at(end).style.has(style) {
                end += 1;
            }
            self.settle_stretch(at, end, style);
            at = end;
        }
    }

    fn settle_stretch(&mut self, mut start: usize, mut end: usize, style: Style) {
        let drop = |cell: &mut Cell| cell.style = cell.style.without(style);
        while start < end {
            let (first, last) = (self.at(start), self.at(end - 1));
            let (before, after) = (self.before(start), self.at(end));
            let opens_link = first.link != 0 && first.link != before.link;
            let closes_link = last.link != 0 && last.link != after.link;
            let first_shown = if opens_link { '[' } else { first.shown };
            let last_shown = if closes_link { ')' } else { last.shown };
            let around = |near: Cell, edge: bool, mark: char| if edge { mark } else { near.shown };
            let prev = around(before, before.link != 0 && before.link != first.link, ')');
            let next = around(after, after.link != 0 && after.link != last.link, '[');
            let fits = |inner: char, outer: char| {
                style.is_tag()
                    || !is_punctuation(inner)
                    || outer.is_whitespace()
                    || is_punctuation(outer)
            };
            if first_shown.is_whitespace() || !fits(first_shown, prev) {
                self.change(start, start + 1, drop);
                start += 1;
            } else if last_shown.is_whitespace() || !fits(last_shown, next) {
                end -= 1;
                self.change(end, end + 1, drop);
            } else if first.link != 0
                && first.link == before.link
                && self.link_end(start, end) < end
            {
                // A style may cover a link or lie in it, but not cross its edge.
                let cut = self.link_end(start, end);
                self.change(start, cut, drop);
                start = cut;
            } else if last.link != 0
                && last.link == after.link
                && self.link_start(start, end) > start
            {
                let cut = self.link_start(start, end);
                self.change(cut, end, drop);
                end = cut;
            } else {
                return;
            }
        }
    }

    /// Strong and emphasis that touch without a gap would share one run of stars: the emphasis goes.
    fn part_touching(&mut self) {
        let stars = Style::STRONG.with(Style::EM);
        let mut at = 1;
        while at < self.cells.len() {
            let (before, here) = (
                self.before(at).style.both(stars),
                self.at(at).style.both(stars),
            );
            let parts = [before, here];
            if parts.contains(&Style::STRONG) && parts.contains(&Style::EM) {
                let (mut from, mut to) = (at, at);
                if here == Style::EM {
                    while to < self.cells.len() && self.at(to).style.both(stars) == Style::EM {
                        to += 1;
                    }
                } else {
                    while from > 0 && self.before(from).style.both(stars) == Style::EM {
                        from -= 1;
                    }
                }
                self.change(from, to, |cell| cell.style = cell.style.without(Style::EM));
            }
            at += 1;
        }
    }

    fn link_end(&self, start: usize, end: usize) -> usize {
        let link = self.at(start).link;
        (start..end)
            .find(|at| self.at(*at).link != link)
            .unwrap_or(end)
    }

    fn link_start(&self, start: usize, end: usize) -> usize {
        let link = self.before(end).link;
        let outside = (start..end).rev().find(|at| self.at(*at).link != link);
        outside.map_or(start, |at| at + 1)
    }

    fn into_runs(self) -> Vec<Run> {
        let Self {
            cells,
            links,
            leaves,
        } = self;
        let link_of =
            |at: usize| -> Link { at.checked_sub(1).and_then(|at| links.get(at)).cloned() };
        let mut out: Vec<Run> = Vec::new();
        let mut last = None;
        for cell in cells {
            let leaf = cell.leaf.checked_sub(1).and_then(|at| leaves.get(at));
            let same = last == Some((cell.style, cell.link));
            if leaf.is_none()
                && same
                && let Some(Run {
                    leaf: Leaf::Text(text),
                    ..
                }) = out.last_mut()
            {
                text.push(cell.shown);
                continue;
            }
            last = Some((cell.style, cell.link));
            out.push(Run {
                leaf: leaf
                    .cloned()
                    .unwrap_or_else(|| Leaf::Text(cell.shown.to_string())),
                style: cell.style,
                link: link_of(cell.link),
            });
        }
        out
    }
}
