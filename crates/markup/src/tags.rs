//! A cheap, linear scan of HTML for tags: depth before parsing, flattening, and telling generics from tags.

use super::model::Style;

/// Deepest nesting that is parsed as a tree. html5ever is quadratic in depth, and tree walks are recursive.
const MAX_DEPTH: usize = 96;
/// Bound on the sum of depths over all tags; unclosed formatting elements are reopened in every block.
const MAX_WORK: usize = 4_000_000;

/// A lexical piece of HTML.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    Text(&'a str),
    /// Lower-case name and the whole tag.
    Open(String, &'a str),
    /// Lower-case name and the whole tag.
    Close(String, &'a str),
    /// Comments, declarations and processing instructions.
    Other(&'a str),
}

impl<'a> Token<'a> {
    pub(super) fn raw(&self) -> &'a str {
        match self {
            Self::Text(raw) | Self::Open(_, raw) | Self::Close(_, raw) | Self::Other(raw) => raw,
        }
    }
}

/// Splits `html` into tokens whose raw parts add up to `html`.
pub(super) fn tokens(html: &str) -> Tokens<'_> {
    Tokens {
        rest: html,
        raw_until: None,
        no_comment_end: false,
    }
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
    raw_until: Option<String>,
    /// Set once no comment end is left, so that many openings stay linear.
    no_comment_end: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some(name) = self.raw_until.take() {
            let end = find_close(self.rest, &name).unwrap_or(self.rest.len());
            if end > 0 {
                return Some(Token::Text(self.take(end)));
            }
        }
        let at = self.rest.find('<').unwrap_or(self.rest.len());
        if at > 0 {
            return Some(Token::Text(self.take(at)));
        }
        if self.rest.starts_with("<!--") && !self.no_comment_end {
            match self.rest.get(4..).and_then(|rest| rest.find("-->")) {
                Some(end) => return Some(Token::Other(self.take(end + 7))),
                None => self.no_comment_end = true,
            }
        }
        let body = self.rest.get(1..).unwrap_or("");
        let first = body.chars().next().unwrap_or(' ');
        if first == '!' || first == '?' {
            let end = self.rest.find('>').map_or(self.rest.len(), |at| at + 1);
            return Some(Token::Other(self.take(end)));
        }
        let named = body.strip_prefix('/').unwrap_or(body);
        let name: String = named
            .chars()
            .take_while(|c| !c.is_whitespace() && !matches!(c, '>' | '/' | '<'))
            .collect::<String>()
            .to_ascii_lowercase();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Some(Token::Text(self.take(1)));
        }
        let end = tag_end(self.rest);
        let tag = self.take(end);
        if first == '/' {
            return Some(Token::Close(name, tag));
        }
        if matches!(
            name.as_str(),
            "script" | "style" | "textarea" | "title" | "xmp"
        ) {
            self.raw_until = Some(name.clone());
        }
        Some(Token::Open(name, tag))
    }
}

impl<'a> Tokens<'a> {
    fn take(&mut self, len: usize) -> &'a str {
        let (head, tail) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.rest = tail;
        head
    }
}

/// The length of the tag that `html` starts with, quoted attribute values respected.
fn tag_end(html: &str) -> usize {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in html.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'>') => return at + 1,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = byte == b'=' && quote.is_none();
        }
    }
    html.len()
}

fn find_close(html: &str, name: &str) -> Option<usize> {
    html.match_indices("</")
        .find(|(at, _)| {
            html.get(at + 2..at + 2 + name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        })
        .map(|(at, _)| at)
}

/// Elements without content.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements whose end tag may be missing; they cannot nest without one of the others in between.
fn closes_itself(name: &str) -> bool {
    matches!(
        name,
        "p" | "li" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "dt" | "dd" | "option"
    )
}

/// Elements that start a new line of text.
pub(super) fn is_block(name: &str) -> bool {
    closes_itself(name)
        || matches!(
            name,
            "div"
                | "section"
                | "article"
                | "header"
                | "footer"
                | "main"
                | "center"
                | "address"
                | "dl"
                | "details"
                | "summary"
                | "figure"
                | "fieldset"
                | "form"
                | "ul"
                | "ol"
                | "table"
                | "caption"
                | "blockquote"
                | "pre"
                | "hr"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "html"
                | "body"
                | "nav"
                | "aside"
                | "figcaption"
        )
}

/// Whether `html` nests too deep to be parsed as a tree.
pub(super) fn too_deep(html: &str) -> bool {
    let mut open: Vec<String> = Vec::new();
    let mut work = 0_usize;
    for token in tokens(html) {
        match token {
            Token::Open(name, tag)
                if !is_void(&name) && !closes_itself(&name) && !tag.ends_with("/>") =>
            {
                open.push(name);
            }
            // html5ever ignores the slash of a non-void element, so it nests as well.
            Token::Open(name, _) if !is_void(&name) && !closes_itself(&name) => open.push(name),
            Token::Close(name, _) => {
                if let Some(at) = open.iter().rposition(|other| *other == name) {
                    open.truncate(at);
                }
            }
            _ => {}
        }
        work = work.saturating_add(open.len());
        if open.len() > MAX_DEPTH || work > MAX_WORK {
            return true;
        }
    }
    false
}

/// Rewrites `html` without any nesting: text and line breaks only.
pub(super) fn flatten(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut hidden: Option<String> = None;
    for token in tokens(html) {
        match token {
            Token::Text(text) if hidden.is_none() => match text {
                "<" => out.push_str("&lt;"),
                text => out.push_str(text),
            },
            Token::Open(name, _) if matches!(name.as_str(), "script" | "style") => {
                hidden = Some(name)
            }
            Token::Close(name, _) if hidden.as_ref() == Some(&name) => hidden = None,
            Token::Open(name, _) if name == "br" => out.push_str("<br>"),
            Token::Open(name, _) | Token::Close(name, _) if is_block(&name) => {
                out.push_str("<br><br>")
            }
            _ => {}
        }
    }
    out
}

/// Whether Markdown text `<name>` means the HTML element; any other name (`<T>`, `<string>`) is text.
fn is_known(name: &str) -> bool {
    Style::of_tag(name).is_some()
        || (is_block(name)
            && !matches!(
                name,
                "option" | "main" | "header" | "footer" | "form" | "address"
            ))
        || matches!(
            name,
            "a" | "br"
                | "img"
                | "input"
                | "span"
                | "mark"
                | "font"
                | "small"
                | "big"
                | "label"
                | "code"
                | "kbd"
                | "samp"
                | "tt"
                | "script"
                | "style"
                | "colgroup"
                | "col"
                | "o:p"
        )
}

/// Whether a tag in Markdown is HTML. A single capital (`Func<A, B>`) is a type's name rather than an old way of writing
/// `<b>`: taking it for a tag would lose it.
pub(super) fn is_markup(name: &str, tag: &str) -> bool {
    let inner = tag.trim_start_matches(['<', '/']);
    let capital = name.len() == 1 && inner.starts_with(|c: char| c.is_ascii_uppercase());
    is_known(name) && !capital
}

/// Writes unknown tags in an HTML block of a Markdown text as text.
pub(super) fn escape_unknown(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for token in tokens(html) {
        match token {
            Token::Open(name, tag) | Token::Close(name, tag) if !is_markup(&name, tag) => {
                out.push_str("&lt;");
                out.push_str(&tag.get(1..).unwrap_or("").replace('<', "&lt;"));
            }
            token => out.push_str(token.raw()),
        }
    }
    out
}
