//! Markdown to the model.

use comrak::nodes::{AstNode, ListType, NodeLink, NodeList, NodeTable, NodeValue, TableAlignment};
use comrak::{Arena, Options};
use scraper::{Html, Node};

use super::entities;
use super::html_in;
use super::links;
use super::model::{Align, Block, Leaf, Link, ListItem, Run, Style};
use super::tags::{self, Token};

/// Nodes nested deeper than this are read as text: the walk is recursive.
const MAX_WALK: usize = 100;

/// The dialect that both services share: GFM tables, strikethrough and task lists; bare addresses stay text.
fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options
}

/// Reads Markdown.
pub(super) fn read(markdown: &str) -> Vec<Block> {
    let arena = Arena::new();
    blocks(comrak::parse_document(&arena, markdown, &options()), 0)
}

/// Reads Markdown with entities in its code.
pub(super) fn read_escaped(markdown: &str) -> Vec<Block> {
    let arena = Arena::new();
    blocks(parse_escaped(&arena, markdown), 0)
}

/// Top-level blocks with the lines, counted from 0 and half-open, that they come from.
pub(super) fn read_with_lines(markdown: &str) -> Vec<WithLines> {
    let arena = Arena::new();
    with_lines(comrak::parse_document(&arena, markdown, &options()))
}

/// As [`read_with_lines`] for Markdown with entities in its code.
pub(super) fn read_escaped_with_lines(markdown: &str) -> Vec<WithLines> {
    let arena = Arena::new();
    with_lines(parse_escaped(&arena, markdown))
}

type WithLines = (std::ops::Range<usize>, Vec<Block>);

fn parse_escaped<'a>(arena: &'a Arena<'a>, markdown: &str) -> &'a AstNode<'a> {
    let root = comrak::parse_document(arena, &entities::opened(markdown), &options());
    for node in root.descendants() {
        match &mut node.data_mut().value {
            NodeValue::Code(code) => code.literal = entities::decoded(&code.literal).into_owned(),
            NodeValue::CodeBlock(code) => {
                code.literal = entities::decoded(&code.literal).into_owned();
            }
            _ => {}
        }
    }
    root
}

fn with_lines<'a>(root: &'a AstNode<'a>) -> Vec<WithLines> {
    root.children()
        .map(|node| {
            let place = node.data().sourcepos;
            let lines = place.start.line.saturating_sub(1)..place.end.line.max(place.start.line);
            let mut out = Vec::new();
            block(node, &mut out, 0);
            (lines, out)
        })
        .collect()
}

/// The HTML in a Markdown text: each block of it, and all that stands in lines as one piece. Code is no HTML.
pub(super) fn html(markdown: &str) -> Vec<String> {
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options());
    let (mut out, mut inline) = (Vec::new(), String::new());
    for node in root.descendants() {
        match &node.data().value {
            NodeValue::HtmlBlock(html) => out.push(tags::escape_unknown(&html.literal)),
            NodeValue::HtmlInline(html) => inline.push_str(&tags::escape_unknown(html)),
            NodeValue::Text(text) if !inline.is_empty() => {
                inline.push_str(&text.replace('<', "&lt;"));
            }
            _ => {}
        }
    }
    out.push(inline);
    out
}

fn blocks<'a>(node: &'a AstNode<'a>, depth: usize) -> Vec<Block> {
    let mut out = Vec::new();
    node.children()
        .for_each(|child| block(child, &mut out, depth));
    out
}

fn block<'a>(node: &'a AstNode<'a>, out: &mut Vec<Block>, depth: usize) {
    if depth > MAX_WALK {
        return out.push(Block::Para(vec![Run::text(text_of(node))]));
    }
    let value = node.data().value.clone();
    match value {
        NodeValue::Paragraph => out.push(Block::Para(runs(node))),
        NodeValue::Heading(heading) => out.push(Block::Heading(heading.level, runs(node))),
        NodeValue::CodeBlock(code) => out.push(Block::Code(code.info, code.literal)),
        NodeValue::BlockQuote => out.push(Block::Quote(blocks(node, depth + 1))),
        NodeValue::List(list) => out.push(read_list(node, list, depth)),
        NodeValue::ThematicBreak => out.push(Block::Rule),
        NodeValue::HtmlBlock(html) => {
            out.extend(html_in::read(&tags::escape_unknown(&html.literal)))
        }
        NodeValue::Table(table) => out.push(read_table(node, &table)),
        _ => out.extend(blocks(node, depth + 1)),
    }
}

fn read_list<'a>(node: &'a AstNode<'a>, list: NodeList, depth: usize) -> Block {
    let items = node.children().map(|item| {
        let task = match &item.data().value {
            NodeValue::TaskItem(task) => Some(task.symbol.is_some()),
            _ => None,
        };
        let blocks = blocks(item, depth + 1);
        ListItem { task, blocks }
    });
    Block::List {
        start: (list.list_type == ListType::Ordered).then_some(list.start),
        items: items.collect(),
    }
}

fn read_table<'a>(node: &'a AstNode<'a>, table: &NodeTable) -> Block {
    let align = table.alignments.iter().map(|align| match align {
        TableAlignment::None => Align::None,
        TableAlignment::Left => Align::Left,
        TableAlignment::Center => Align::Centre,
        TableAlignment::Right => Align::Right,
    });
    Block::Table {
        align: align.collect(),
        rows: node
            .children()
            .map(|row| row.children().map(runs).collect())
            .collect(),
    }
}

fn runs<'a>(node: &'a AstNode<'a>) -> Vec<Run> {
    let mut reader = Inline::default();
    reader.walk(node, Style::PLAIN, &None, 0);
    reader.out
}

fn text_of<'a>(node: &'a AstNode<'a>) -> String {
    let mut out = String::new();
    for node in node.descendants() {
        match &node.data().value {
            NodeValue::Text(text) => out.push_str(text),
            NodeValue::Code(code) => out.push_str(&code.literal),
            NodeValue::CodeBlock(code) => out.push_str(&code.literal),
            NodeValue::SoftBreak
            | NodeValue::LineBreak
            | NodeValue::Paragraph
            | NodeValue::Item(_) => out.push(' '),
            _ => {}
        }
    }
    out
}

/// Reads inline content. Inline HTML tags act from where they stand to their end tag.
#[derive(Default)]
struct Inline {
    out: Vec<Run>,
    /// Styles opened by inline HTML tags.
    open: Style,
    /// Link opened by an inline `a` tag.
    anchor: Link,
}

impl Inline {
    fn push(&mut self, leaf: Leaf, style: Style, link: &Link) {
        self.out.push(Run {
            leaf,
            style: style.with(self.open),
            link: link.clone().or_else(|| self.anchor.clone()),
        });
    }

    fn walk<'a>(&mut self, node: &'a AstNode<'a>, style: Style, link: &Link, depth: usize) {
        for child in node.children() {
            let value = child.data().value.clone();
            match value {
                NodeValue::Text(text) => self.push(Leaf::Text(text.into_owned()), style, link),
                NodeValue::SoftBreak | NodeValue::LineBreak => self.push(Leaf::Break, style, link),
                NodeValue::Code(code) => self.push(Leaf::Code(code.literal), style, link),
                NodeValue::HtmlInline(html) => self.html(&html, style, link),
                NodeValue::Image(target) => self.image(child, &target, style, link),
                _ if depth > MAX_WALK => self.push(Leaf::Text(text_of(child)), style, link),
                NodeValue::Emph => self.walk(child, style.with(Style::EM), link, depth + 1),
                NodeValue::Strong => self.walk(child, style.with(Style::STRONG), link, depth + 1),
                NodeValue::Strikethrough => {
                    self.walk(child, style.with(Style::DEL), link, depth + 1)
                }
                NodeValue::Link(target) => {
                    self.walk(child, style, &links::link(&target.url), depth + 1)
                }
                _ => self.walk(child, style, link, depth + 1),
            }
        }
    }

    fn image<'a>(&mut self, node: &'a AstNode<'a>, target: &NodeLink, style: Style, link: &Link) {
        let alt = super::tidy::blanks(&text_of(node)).trim().to_owned();
        match links::image(&target.url) {
            Some(url) => self.push(Leaf::Image { url, alt }, style, link),
            None => self.push(Leaf::Text(alt), style, link),
        }
    }

    fn html(&mut self, html: &str, style: Style, link: &Link) {
        let (name, opens) = match tags::tokens(html).next() {
            Some(Token::Open(name, _)) => (name, true),
            Some(Token::Close(name, _)) => (name, false),
            Some(Token::Other(_)) => return,
            _ => return self.push(Leaf::Text(html.to_owned()), style, link),
        };
        if !tags::is_markup(&name, html) {
            return self.push(Leaf::Text(html.to_owned()), style, link);
        }
        if let Some(tag) = Style::of_tag(&name) {
            self.open = if opens {
                self.open.with(tag)
            } else {
                self.open.without(tag)
            };
            return;
        }
        match name.as_str() {
            "br" => self.push(Leaf::Break, style, link),
            "a" if opens => self.anchor = attributes(html, html_in::target),
            "a" => self.anchor = None,
            "img" => {
                if let Some(leaf) = attributes(html, html_in::image) {
                    self.push(leaf, style, link);
                }
            }
            "input" => {
                let checked = attributes(html, |input| input.attr("checked").map(|_| ()));
                let mark = if checked.is_some() { "☑ " } else { "☐ " };
                self.push(Leaf::Text(mark.to_owned()), style, link);
            }
            name if tags::is_block(name) => self.push(Leaf::Break, style, link),
            _ => {}
        }
    }
}

/// What `read` finds on the element of a single tag.
fn attributes<T>(tag: &str, read: impl Fn(&scraper::node::Element) -> Option<T>) -> Option<T> {
    let fragment = Html::parse_fragment(tag);
    let elements = fragment
        .tree
        .root()
        .descendants()
        .filter_map(|node| match node.value() {
            Node::Element(element) => Some(element.clone()),
            _ => None,
        });
    elements.into_iter().find_map(|element| read(&element))
}
