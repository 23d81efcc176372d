//! The model to canonical Markdown. Angle brackets in text are written as entities: the Azure DevOps server drops
//! `<x>` from Markdown fields (microsoft/azure-devops-mcp `encodeFormattedValue`).

use super::entities::encoded;
use super::links;
use super::model::{Align, Block, Leaf, ListItem, Run, Style};

/// How `&`, `<` and `>` are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As canonical Markdown: as entities where they would mean something.
    Plain,
    /// As entities everywhere, in code too, but for what is Markdown itself: the mark of a quotation, `<br>`, `<u>`.
    Escaped,
}

/// Writes a document. Empty for no blocks, no newline at the end.
pub(super) fn write(blocks: &[Block]) -> String {
    write_in(blocks, Dialect::Plain)
}

/// As [`write`] in a dialect.
pub(super) fn write_in(blocks: &[Block], dialect: Dialect) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&one(block, dialect));
    }
    out
}

/// Writes one block, without a newline at the end.
pub(super) fn write_block(block: &Block) -> String {
    one(block, Dialect::Plain)
}

fn one(block: &Block, dialect: Dialect) -> String {
    match block {
        Block::Para(runs) => Line::new(Place::Text, dialect).write(runs),
        Block::Heading(size, runs) => {
            let marks = "#".repeat(usize::from(*size));
            format!("{marks} {}", Line::new(Place::Heading, dialect).write(runs))
        }
        Block::Code(language, text) => {
            let text = match dialect {
                Dialect::Plain => text.into(),
                Dialect::Escaped => encoded(text),
            };
            let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
            format!("{fence}{language}\n{text}\n{fence}")
        }
        Block::Quote(blocks) => indent(&write_in(blocks, dialect), "> ", "> "),
        // Stars, because `- ---` and a line above `---` would mean something else.
        Block::Rule => "***".to_owned(),
        Block::List { start, items } => write_list(*start, items, dialect),
        Block::Table { align, rows } => write_table(align, rows, dialect),
    }
}

fn write_list(start: Option<usize>, items: &[ListItem], dialect: Dialect) -> String {
    let is_tight = |item: &ListItem| {
        let others = item
            .blocks
            .iter()
            .filter(|block| !matches!(block, Block::List { .. }));
        others.count() <= 1
    };
    let tight = items.iter().all(is_tight);
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(if tight { "\n" } else { "\n\n" });
        }
        let marker = match start {
            Some(first) => format!("{}. ", first.saturating_add(at).min(999_999_999)),
            None => "- ".to_owned(),
        };
        let mut body = match item.task {
            Some(true) => "[x] ".to_owned(),
            Some(false) => "[ ] ".to_owned(),
            None => String::new(),
        };
        let mut previous: Option<&Block> = None;
        for block in &item.blocks {
            // Only a list that starts with 1 may follow a paragraph without a blank line.
            let joins = matches!(
                block,
                Block::List {
                    start: None | Some(1),
                    ..
                }
            ) && matches!(previous, Some(Block::Para(_) | Block::Heading(..)));
            if previous.is_some() {
                body.push_str(if tight && joins { "\n" } else { "\n\n" });
            }
            body.push_str(&one(block, dialect));
            previous = Some(block);
        }
        out.push_str(&indent(&body, &marker, &" ".repeat(marker.len())));
    }
    out
}

/// Puts `first` before the first line and `rest` before the others; blank lines get no trailing blanks.
fn indent(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let prefix = if at == 0 { first } else { rest };
        out.push_str(if line.is_empty() {
            prefix.trim_end()
        } else {
            prefix
        });
        out.push_str(line);
    }
    out
}

fn write_table(align: &[Align], rows: &[Vec<Vec<Run>>], dialect: Dialect) -> String {
    let mut lines: Vec<String> = Vec::with_capacity(rows.len() + 1);
    for row in rows {
        let mut line = String::from("|");
        for cell in row {
            line.push(' ');
            line.push_str(&Line::new(Place::Cell, dialect).write(cell));
            line.push_str(" |");
        }
        lines.push(line);
        if lines.len() == 1 {
            let rule = align.iter().map(|align| match align {
                Align::None => " --- |",
                Align::Left => " :--- |",
                Align::Centre => " :---: |",
                Align::Right => " ---: |",
            });
            lines.push(format!("|{}", rule.collect::<String>()));
        }
    }
    lines.join("\n")
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for c in text.chars() {
        current = if c == of { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Heading,
    Cell,
}

/// Writes inline content.
struct Line {
    out: String,
    place: Place,
    dialect: Dialect,
}

impl Line {
    fn new(place: Place, dialect: Dialect) -> Self {
        Self {
            out: String::new(),
            place,
            dialect,
        }
    }

    fn escapes(&self) -> bool {
        self.dialect == Dialect::Escaped
    }

    fn write(mut self, runs: &[Run]) -> String {
        self.runs(runs, Style::PLAIN, false);
        self.out
    }

    fn runs(&mut self, mut runs: &[Run], done: Style, in_link: bool) {
        while let Some(first) = runs.first() {
            if let Some(url) = first.link.as_ref().filter(|_| !in_link) {
                let len = count(runs, |run| run.link.as_ref() == Some(url));
                let (linked, rest) = runs.split_at_checked(len).unwrap_or((runs, &[]));
                let shared = linked
                    .iter()
                    .fold(first.style, |style, run| style.both(run.style));
                if shared.without(done) == Style::PLAIN {
                    self.out.push('[');
                    self.runs(linked, done, true);
                    self.out.push_str("](");
                    self.url(url);
                    self.out.push(')');
                    runs = rest;
                    continue;
                }
            }
            let Some((style, len)) = widest(runs, first.style.without(done)) else {
                self.leaf(&first.leaf, in_link);
                runs = runs.get(1..).unwrap_or(&[]);
                continue;
            };
            let (styled, rest) = runs.split_at_checked(len).unwrap_or((runs, &[]));
            let (open, close) = marks(style);
            self.out.push_str(open);
            self.runs(styled, done.with(style), in_link);
            self.out.push_str(close);
            runs = rest;
        }
    }

    fn leaf(&mut self, leaf: &Leaf, in_link: bool) {
        match leaf {
            Leaf::Text(text) if in_link => self.text(text),
            Leaf::Text(text) => self.text_with_links(text),
            Leaf::Break if self.place == Place::Text => self.out.push_str("\\\n"),
            Leaf::Break => self.out.push_str("<br>"),
            Leaf::Code(code) => self.code(code),
            Leaf::Image { url, alt } => {
                self.out.push_str("![");
                self.text(alt);
                self.out.push_str("](");
                self.url(url);
                self.out.push(')');
            }
        }
    }

    fn code(&mut self, code: &str) {
        let fence = "`".repeat((1..).find(|len| !has_run(code, *len)).unwrap_or(1));
        let pad = if code.starts_with('`') || code.ends_with('`') {
            " "
        } else {
            ""
        };
        let body = match self.place {
            Place::Cell => code.replace('|', "\\|"),
            _ => code.to_owned(),
        };
        let body = match self.dialect {
            Dialect::Plain => body,
            Dialect::Escaped => encoded(&body).into_owned(),
        };
        for part in [fence.as_str(), pad, &body, pad, fence.as_str()] {
            self.out.push_str(part);
        }
    }

    fn url(&mut self, url: &str) {
        for (at, c) in url.char_indices() {
            match c {
                '(' | ')' => self.out.push('\\'),
                '&' if self.escapes() || is_entity(url.get(at..).unwrap_or("")) => {
                    self.out.push_str("&amp;");
                    continue;
                }
                '<' | '>' if self.escapes() => {
                    self.out.push_str(if c == '<' { "&lt;" } else { "&gt;" });
                    continue;
                }
                _ => {}
            }
            self.out.push(c);
        }
    }

    /// Writes text; a bare web address that needs escapes becomes a link, because services that link bare addresses
    /// may take the escapes as part of them. The reader takes a link that shows its own address as the bare one.
    fn text_with_links(&mut self, mut text: &str) {
        while let Some((at, address)) = links::find(text) {
            let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            self.text(before);
            let from = self.out.len();
            self.text(address);
            let plain = match self.dialect {
                Dialect::Plain => address.into(),
                Dialect::Escaped => encoded(address),
            };
            if self.out.get(from..) != Some(&*plain) {
                let shown = self.out.split_off(from);
                self.out.push('[');
                self.out.push_str(&shown);
                self.out.push_str("](");
                self.url(address);
                self.out.push(')');
            }
            text = rest.get(address.len()..).unwrap_or("");
        }
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        let mut chars = text.char_indices().peekable();
        let mut before = self.out.chars().next_back();
        let mut line_start =
            self.place == Place::Text && (self.out.is_empty() || self.out.ends_with('\n'));
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let rest = text.get(at..).unwrap_or("");
            match c {
                '<' => self.out.push_str("&lt;"),
                // The service shows the mark of a quotation as an entity, so at a line's start only a backslash tells it apart.
                '>' if line_start && self.escapes() => self.out.push_str("\\&gt;"),
                '>' => self.out.push_str("&gt;"),
                '&' if self.escapes() || is_entity(rest) => self.out.push_str("&amp;"),
                _ => {
                    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                    let escaped = match c {
                        '\\' | '`' | '*' | '[' | ']' | '~' => true,
                        '_' => !(word(before) && word(next)),
                        '!' => next.is_none() || next == Some('['),
                        '|' => line_start || self.place == Place::Cell,
                        '#' => line_start || self.place == Place::Heading,
                        '-' | '+' | ':' | '=' => line_start && !word(next),
                        '.' | ')' => {
                            let blank = next.is_none_or(char::is_whitespace);
                            blank && self.place == Place::Text && self.ends_with_line_number()
                        }
                        _ => false,
                    };
                    if escaped {
                        self.out.push('\\');
                    }
                    self.out.push(c);
                }
            }
            before = Some(c);
            line_start = false;
        }
    }

    /// Whether only digits have been written on the current line.
    fn ends_with_line_number(&self) -> bool {
        let line = self.out.rsplit('\n').next().unwrap_or("");
        (1..10).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit())
    }
}

fn marks(style: Style) -> (&'static str, &'static str) {
    match style {
        Style::STRONG => ("**", "**"),
        Style::EM => ("*", "*"),
        Style::DEL => ("~~", "~~"),
        Style::UNDER => ("<u>", "</u>"),
        Style::SUB => ("<sub>", "</sub>"),
        _ => ("<sup>", "</sup>"),
    }
}

fn count(runs: &[Run], holds: impl Fn(&Run) -> bool) -> usize {
    runs.iter().take_while(|run| holds(run)).count()
}

/// The style of the first run that reaches furthest, and how many runs it covers.
pub(super) fn widest(runs: &[Run], open: Style) -> Option<(Style, usize)> {
    let candidates = Style::ALL.into_iter().filter(|style| open.has(*style));
    let reach = candidates.map(|style| (style, count(runs, |run| run.style.has(style))));
    // The first of equals nests outermost.
    reach.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn has_run(code: &str, len: usize) -> bool {
    code.split(|c| c != '`').any(|run| run.len() == len)
}

/// Whether `text`, which starts with `&`, could be read as an entity. Loose: a needless `&amp;` does no harm.
fn is_entity(text: &str) -> bool {
    let body = text.get(1..).unwrap_or("");
    let name: usize = body
        .bytes()
        .take(40)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
        .count();
    name > 0 && body.as_bytes().get(name) == Some(&b';')
}
