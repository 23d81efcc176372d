//! HTML to the model. Walks what the browser's parser makes of the text, so unclosed and misnested tags do no harm.

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{Html, Node};

use super::html_table;
use super::links::{self, MENTION_SCHEME};
use super::model::{Block, Leaf, Link, ListItem, Run, Style};
use super::tags;

/// Elements nested deeper than this are read as text: the walk is recursive. `tags::too_deep` is the first guard.
const MAX_WALK: usize = 300;
/// What Outlook and the ADO editor write for an indented paragraph; not a quotation.
const INDENT: &str = "border:none";

/// Reads HTML. Never fails: whatever cannot be structure becomes text.
pub(super) fn read(html: &str) -> Vec<Block> {
    let flat;
    let source = if tags::too_deep(html) {
        flat = tags::flatten(html);
        flat.as_str()
    } else {
        html
    };
    let document = Html::parse_fragment(source);
    let mut sink = Sink::default();
    sink.walk(document.tree.root(), &Around::default());
    sink.finish()
}

/// What the elements around a node mean for it.
#[derive(Clone, Default)]
pub(super) struct Around {
    style: Style,
    link: Link,
    depth: usize,
}

impl Around {
    pub(super) fn deeper(&self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self.clone()
        }
    }
    fn styled(&self, style: Style) -> Self {
        Self {
            style: self.style.with(style),
            ..self.deeper()
        }
    }
    fn run(&self, leaf: Leaf) -> Run {
        Run {
            leaf,
            style: self.style,
            link: self.link.clone(),
        }
    }
}

/// Collects blocks; inline content gathers in `line` until a block ends it.
#[derive(Default)]
pub(super) struct Sink {
    blocks: Vec<Block>,
    pub(super) line: Vec<Run>,
}

impl Sink {
    pub(super) fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        let seen = |run: &Run| {
            !matches!(&run.leaf, Leaf::Text(text) if text.trim().is_empty())
                && run.leaf != Leaf::Break
        };
        if line.iter().any(seen) {
            self.blocks.push(Block::Para(line));
        }
    }

    pub(super) fn push(&mut self, block: Block) {
        self.flush();
        self.blocks.push(block);
    }

    pub(super) fn finish(mut self) -> Vec<Block> {
        self.flush();
        self.blocks
    }

    pub(super) fn walk(&mut self, node: NodeRef<'_, Node>, around: &Around) {
        for child in node.children() {
            match child.value() {
                Node::Text(text) => self.line.push(around.run(Leaf::Text(text.to_string()))),
                Node::Element(_) if around.depth > MAX_WALK => {
                    self.line.push(around.run(Leaf::Text(text_of(child))));
                }
                Node::Element(element) => self.element(child, element, around),
                _ => {}
            }
        }
    }

    fn element(&mut self, node: NodeRef<'_, Node>, element: &Element, around: &Around) {
        let name = element.name();
        if let Some(style) = Style::of_tag(name) {
            return self.walk(node, &around.styled(style));
        }
        match name {
            "script" | "style" | "head" | "title" | "template" | "iframe" | "object"
            | "noscript" => {}
            "br" => self.line.push(Run::line_break()),
            "code" | "tt" | "kbd" | "samp" if !holds_block(node) => {
                self.line.push(around.run(Leaf::Code(text_of(node))));
            }
            "img" => self
                .line
                .extend(image(element).map(|leaf| around.run(leaf))),
            "a" => {
                let link = target(element).or_else(|| around.link.clone());
                self.walk(
                    node,
                    &Around {
                        link,
                        ..around.deeper()
                    },
                );
            }
            "input"
                if element
                    .attr("type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) =>
            {
                let mark = if element.attr("checked").is_some() {
                    "☑ "
                } else {
                    "☐ "
                };
                self.line.push(Run::text(mark));
            }
            "hr" => self.push(Block::Rule),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(node, name, around),
            "pre" => self.push(code_block(node)),
            "ul" | "ol" => {
                self.flush();
                if let Some(list) = list(node, element, &around.deeper()) {
                    self.push(list);
                }
            }
            "li" => {
                let blocks = inner(node, around);
                let items = vec![ListItem { task: None, blocks }];
                self.push(Block::List { start: None, items });
            }
            "blockquote" => {
                let blocks = inner(node, around);
                let style = element
                    .attr("style")
                    .unwrap_or("")
                    .replace(' ', "")
                    .to_ascii_lowercase();
                self.flush();
                if style.contains(INDENT) {
                    self.blocks.extend(blocks);
                } else {
                    self.push(Block::Quote(blocks));
                }
            }
            "table" => {
                self.flush();
                html_table::read(self, node, &around.deeper());
            }
            name if tags::is_block(name) => {
                self.flush();
                self.walk(node, &around.deeper());
                self.flush();
            }
            _ => self.walk(node, &around.deeper()),
        }
    }

    /// A heading's paragraphs are one line; other blocks in it follow it.
    fn heading(&mut self, node: NodeRef<'_, Node>, name: &str, around: &Around) {
        let size = name
            .as_bytes()
            .get(1)
            .map_or(1, |digit| digit.saturating_sub(b'0'));
        self.flush();
        let mut title: Vec<Run> = Vec::new();
        for block in inner(node, around) {
            match block {
                Block::Para(runs) => {
                    if !title.is_empty() {
                        title.push(Run::text(" "));
                    }
                    title.extend(runs);
                }
                other => {
                    if !title.is_empty() {
                        self.push(Block::Heading(size, std::mem::take(&mut title)));
                    }
                    self.push(other);
                }
            }
        }
        if !title.is_empty() {
            self.push(Block::Heading(size, title));
        }
    }
}

/// The blocks inside an element.
pub(super) fn inner(node: NodeRef<'_, Node>, around: &Around) -> Vec<Block> {
    let mut sink = Sink::default();
    sink.walk(node, &around.deeper());
    sink.finish()
}

fn holds_block(node: NodeRef<'_, Node>) -> bool {
    let is_block = |node: NodeRef<'_, Node>| {
        let element = node.value().as_element();
        element.is_some_and(|element| tags::is_block(element.name()) || element.name() == "img")
    };
    node.descendants().skip(1).any(is_block)
}

fn text_of(node: NodeRef<'_, Node>) -> String {
    let text = |node: NodeRef<'_, Node>| match node.value() {
        Node::Text(text) => Some(text.to_string()),
        Node::Element(element) if element.name() == "br" => Some(" ".to_owned()),
        _ => None,
    };
    node.descendants().filter_map(text).collect()
}

/// An image, or its alternative text when its address is not one for images.
pub(super) fn image(element: &Element) -> Option<Leaf> {
    let alt = super::tidy::blanks(element.attr("alt").unwrap_or(""))
        .trim()
        .to_owned();
    match element.attr("src").and_then(links::image) {
        Some(url) => Some(Leaf::Image { url, alt }),
        None => (!alt.is_empty()).then_some(Leaf::Text(alt)),
    }
}

/// A link's target. `version:2.0,GUID` is how the ADO editor marks a mentioned person (microsoft/azure-devops-mcp).
pub(super) fn target(element: &Element) -> Link {
    let mention = element
        .attr("data-vss-mention")
        .and_then(|mark| mark.strip_prefix("version:2.0,"));
    match mention {
        Some(id) if links::is_guid(id) => links::link(&format!("{MENTION_SCHEME}{id}")),
        _ => element.attr("href").and_then(links::link),
    }
}

fn code_block(node: NodeRef<'_, Node>) -> Block {
    let class = node
        .descendants()
        .filter_map(|node| node.value().as_element())
        .find_map(|element| {
            element
                .attr("class")
                .filter(|class| class.contains("language-"))
        });
    let language = class
        .and_then(|class| {
            class
                .split_whitespace()
                .find_map(|word| word.strip_prefix("language-"))
        })
        .unwrap_or("");
    let mut text = String::new();
    code_text(node, &mut text, 0);
    Block::Code(language.to_owned(), text)
}

fn code_text(node: NodeRef<'_, Node>, out: &mut String, depth: usize) {
    for child in node.children() {
        match child.value() {
            Node::Text(text) => out.push_str(text),
            Node::Element(element) if element.name() == "br" => out.push('\n'),
            Node::Element(_) if depth > MAX_WALK => out.push_str(&text_of(child)),
            Node::Element(element) if tags::is_block(element.name()) => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
                code_text(child, out, depth + 1);
                if !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            Node::Element(_) => code_text(child, out, depth + 1),
            _ => {}
        }
    }
}

/// A list. The ADO editor writes a nested list as a sibling of the item that it belongs to.
fn list(node: NodeRef<'_, Node>, element: &Element, around: &Around) -> Option<Block> {
    if around.depth > MAX_WALK {
        return Some(Block::Para(vec![around.run(Leaf::Text(text_of(node)))]));
    }
    let mut items: Vec<ListItem> = Vec::new();
    let mut loose = Sink::default();
    for child in node.children() {
        let blocks = match child.value() {
            Node::Element(element) if element.name() == "li" => {
                append(&mut items, std::mem::take(&mut loose).finish());
                let blocks = inner(child, around);
                items.push(ListItem { task: None, blocks });
                continue;
            }
            Node::Element(element) if matches!(element.name(), "ul" | "ol") => {
                append(&mut items, std::mem::take(&mut loose).finish());
                list(child, element, &around.deeper()).into_iter().collect()
            }
            Node::Element(element) => {
                loose.element(child, element, &around.deeper());
                continue;
            }
            Node::Text(text) => {
                loose.line.push(around.run(Leaf::Text(text.to_string())));
                continue;
            }
            _ => continue,
        };
        append(&mut items, blocks);
    }
    append(&mut items, loose.finish());
    let start = element
        .attr("start")
        .and_then(|start| start.trim().parse().ok())
        .unwrap_or(1);
    let start = (element.name() == "ol").then_some(start);
    (!items.is_empty()).then_some(Block::List { start, items })
}

/// Adds blocks between items to the item before them.
fn append(items: &mut Vec<ListItem>, blocks: Vec<Block>) {
    if blocks.is_empty() {
        return;
    }
    match items.last_mut() {
        Some(item) => item.blocks.extend(blocks),
        None => items.push(ListItem { task: None, blocks }),
    }
}
