//! Descriptions: what ClickUp makes of the Markdown it is given.
//!
//! The service keeps one rich document and renders it on every read, so the text read back is
//! not the text written. This renderer is the sandbox's own: sharing one with the client under
//! test would hide exactly the differences the client must survive.

use comrak::nodes::{ListType, Node, NodeValue};
use comrak::{Arena, Options, parse_document};

/// The two renderings of one description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    pub markdown: String,
    pub plain: String,
}

/// Renders Markdown as ClickUp shows it. Empty or blank text has two empty renderings.
pub(super) fn from_markdown(text: &str) -> Rendered {
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    let root = parse_document(&arena, text, &options);
    let markdown = blocks(root, "\n\n");
    if markdown.trim().is_empty() {
        return Rendered::default();
    }
    Rendered {
        // A trailing newline nobody wrote.
        markdown: format!("{markdown}\n"),
        plain: plain_blocks(root).join("\n"),
    }
}

/// Stores plain text: nothing in it is formatting, so everything that looks like it is escaped.
pub(super) fn from_plain(text: &str) -> Rendered {
    let plain = text.trim().to_owned();
    if plain.is_empty() {
        return Rendered::default();
    }
    let lines: Vec<String> = plain
        .lines()
        .map(|line| linked(&line_start(&escape(line.trim()))))
        .collect();
    Rendered {
        markdown: format!("{}\n", lines.join("\n")),
        plain,
    }
}

/// Plain text loses formatting, but a bare address still becomes a link.
fn linked(line: &str) -> String {
    let word = |word: &str| match word.starts_with("https://") || word.starts_with("http://") {
        true => format!("[{word}]({})", word.replace("\\_", "_").replace("\\*", "*")),
        false => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Escapes every character that could start inline formatting, also `_` inside words.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '~' | '<') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Escapes what would start a block at the beginning of a line.
fn line_start(line: &str) -> String {
    if line.starts_with(['#', '>', '-', '+', '=', '|']) {
        return format!("\\{line}");
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, line.split_at_checked(digits)) {
        (1.., Some((number, rest))) if rest.starts_with(['.', ')']) => format!("{number}\\{rest}"),
        _ => line.to_owned(),
    }
}

fn blocks(node: Node<'_>, gap: &str) -> String {
    let parts: Vec<String> = node
        .children()
        .map(block)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(gap)
}

fn block(node: Node<'_>) -> String {
    let data = node.data();
    match &data.value {
        NodeValue::Paragraph => {
            let lines: Vec<String> = inlines(node)
                .lines()
                .map(|line| line_start(line.trim()))
                .collect();
            lines.join("\n")
        }
        NodeValue::Heading(heading) => format!(
            "{} {}",
            "#".repeat(usize::from(heading.level)),
            inlines(node)
        ),
        NodeValue::BlockQuote => prefixed(&blocks(node, "\n\n"), "> ", "> "),
        NodeValue::List(list) => {
            let mut number = list.start;
            let items = node.children().map(|item| {
                let marker = match list.list_type {
                    ListType::Bullet => "*   ".to_owned(),
                    ListType::Ordered => format!("{number}.  "),
                };
                number += 1;
                list_item(item, &marker)
            });
            items.collect::<Vec<_>>().join("\n")
        }
        NodeValue::CodeBlock(code) => {
            let fence = if code.literal.contains("```") {
                "````"
            } else {
                "```"
            };
            format!(
                "{fence}{}\n{}\n{fence}",
                code.info,
                code.literal.trim_end_matches('\n')
            )
        }
        NodeValue::ThematicBreak => "* * *".to_owned(),
        NodeValue::Table(_) => table(node),
        // The editor has no raw HTML: tags are dropped, their text stays.
        NodeValue::HtmlBlock(html) => escape(&without_tags(&html.literal)),
        _ => String::new(),
    }
}

fn list_item(item: Node<'_>, marker: &str) -> String {
    let tick = match &item.data().value {
        NodeValue::TaskItem(task) => Some(if task.symbol.is_some() {
            "[x] "
        } else {
            "[ ] "
        }),
        _ => None,
    };
    let body = blocks(item, "\n");
    // Reported: an empty list item comes back as junk.
    let body = if body.is_empty() {
        "\\-".to_owned()
    } else {
        body
    };
    prefixed(
        &format!("{}{body}", tick.unwrap_or_default()),
        marker,
        "    ",
    )
}

fn prefixed(text: &str, first: &str, rest: &str) -> String {
    let lines = text.lines().enumerate().map(|(index, line)| {
        let prefix = if index == 0 { first } else { rest };
        format!("{prefix}{line}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn table(node: Node<'_>) -> String {
    let mut rows: Vec<String> = Vec::new();
    for row in node.children() {
        let cells: Vec<String> = row
            .children()
            .map(|cell| inlines(cell).replace('|', "\\|"))
            .collect();
        rows.push(format!("| {} |", cells.join(" | ")));
        if rows.len() == 1 {
            rows.push(format!("|{}", " --- |".repeat(cells.len())));
        }
    }
    rows.join("\n")
}

fn inlines(node: Node<'_>) -> String {
    node.children().map(inline).collect()
}

fn inline(node: Node<'_>) -> String {
    let data = node.data();
    match &data.value {
        NodeValue::Text(text) => escape(text),
        NodeValue::SoftBreak | NodeValue::LineBreak => "\n".to_owned(),
        NodeValue::Code(code) => {
            let ticks = if code.literal.contains('`') {
                "``"
            } else {
                "`"
            };
            format!("{ticks}{}{ticks}", code.literal)
        }
        NodeValue::Emph => format!("_{}_", inlines(node)),
        NodeValue::Strong => format!("**{}**", inlines(node)),
        NodeValue::Strikethrough => format!("~~{}~~", inlines(node)),
        // A relative link loses its target and keeps its text. Reported of ClickUp Docs pages, 2026.
        NodeValue::Link(link) if is_relative(&link.url) => inlines(node),
        // A bare address arrives here as a link whose text is the address: it is spelled out.
        NodeValue::Link(link) => format!("[{}]({})", inlines(node), link.url),
        NodeValue::Image(image) => format!("![{}]({})", inlines(node), image.url),
        NodeValue::HtmlInline(html) if html.starts_with("<br") => "\n".to_owned(),
        _ => inlines(node),
    }
}

/// Whether an address says neither where it leads from anywhere nor whom it mentions.
fn is_relative(address: &str) -> bool {
    url::Url::parse(address).is_err() && !address.starts_with("#user_mention#")
}

/// Whether a text is one that every write makes longer: it holds an HTML comment and an address.
pub(super) fn grows(text: &str) -> bool {
    text.contains("<!--") && ADDRESSES.iter().any(|start| text.contains(start))
}

const ADDRESSES: [&str; 2] = ["https://", "http://"];

/// Stores such a text: everything in it is escaped once more and every address linked once more, so that it is unreadable
/// after three round trips. One live report of 2026; three others saw no growth.
pub(super) fn grown(text: &str) -> Rendered {
    let mut markdown = String::new();
    let mut rest = text.trim();
    while let Some(at) = ADDRESSES.iter().filter_map(|start| rest.find(start)).min() {
        let (before, tail) = rest.split_at(at);
        markdown.push_str(&escape(before));
        let length = tail
            .find(|c: char| c.is_whitespace() || matches!(c, ')' | ']' | '>' | '<' | '\\'))
            .unwrap_or(tail.len());
        let (address, after) = tail.split_at(length);
        markdown.push_str(&format!("[{}]({address})", escape(address)));
        rest = after;
    }
    markdown.push_str(&escape(rest));
    Rendered {
        markdown: format!("{markdown}\n"),
        plain: text.trim().to_owned(),
    }
}

fn plain_blocks(node: Node<'_>) -> Vec<String> {
    let data = node.data();
    match &data.value {
        NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell => {
            vec![plain_inlines(node)]
        }
        NodeValue::CodeBlock(code) => vec![code.literal.trim_end_matches('\n').to_owned()],
        NodeValue::HtmlBlock(html) => vec![without_tags(&html.literal)],
        NodeValue::TableRow(_) => vec![
            node.children()
                .flat_map(plain_blocks)
                .collect::<Vec<_>>()
                .join(" "),
        ],
        _ => node.children().flat_map(plain_blocks).collect(),
    }
}

fn plain_inlines(node: Node<'_>) -> String {
    let piece = |child: Node<'_>| match &child.data().value {
        NodeValue::Text(text) => text.to_string(),
        NodeValue::Code(code) => code.literal.clone(),
        NodeValue::SoftBreak | NodeValue::LineBreak => "\n".to_owned(),
        _ => plain_inlines(child),
    };
    node.children().map(piece).collect()
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| match c {
        '<' => {
            inside = true;
            false
        }
        '>' => !std::mem::replace(&mut inside, false),
        _ => !inside,
    };
    html.chars()
        .filter(keep)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(text: &str) -> String {
        from_markdown(text).markdown
    }

    #[test]
    fn markdown_comes_back_in_the_editors_own_spelling() {
        assert_eq!(read_back("- one\n- two"), "*   one\n*   two\n");
        assert_eq!(read_back("an *i* word"), "an _i_ word\n");
        assert_eq!(read_back("snake_case"), "snake\\_case\n");
        assert_eq!(
            read_back("see https://example.com/a_b now"),
            "see [https://example.com/a\\_b](https://example.com/a_b) now\n"
        );
        assert_eq!(
            read_back("mail me@example.com"),
            "mail [me@example.com](mailto:me@example.com)\n"
        );
        assert_eq!(read_back("x   \n\n\n\ny"), "x\n\ny\n");
        assert_eq!(read_back("-\n- b"), "*   \\-\n*   b\n");
        assert_eq!(
            read_back("[@Ada](#user_mention#1002)"),
            "[@Ada](#user_mention#1002)\n"
        );
    }

    #[test]
    fn what_was_read_can_be_written_back_without_another_change() {
        for text in [
            "# T\n\n- a\n  - b\n\n1. x\n2. y\n\n> q\n> r\n\n```rust\nlet a = 1;\n```\n\n---\n\n~~s~~ **b** `c`",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "- [ ] open\n- [x] done",
            "a_b *i* <u>u</u> https://example.com/x_y",
            "-\n- b",
        ] {
            let once = read_back(text);
            assert_eq!(read_back(&once), once, "{text}");
        }
    }

    #[test]
    fn a_relative_link_loses_its_target_and_an_absolute_one_keeps_it() {
        for target in ["/org/P/_workitems/edit/5", "edit/5", "#5", "//host/x"] {
            assert_eq!(read_back(&format!("a [b]({target}) c")), "a b c\n");
        }
        for target in ["https://example.com/5", "mailto:a@example.com"] {
            assert_eq!(
                read_back(&format!("[b]({target})")),
                format!("[b]({target})\n")
            );
        }
    }

    #[test]
    fn a_comment_beside_an_address_makes_the_text_longer_with_every_write() {
        let mut text = "see https://example.com/a\n<!-- note -->".to_owned();
        for _ in 0..3 {
            assert!(grows(&text));
            let longer = grown(&text).markdown;
            assert!(longer.len() > text.len() + 20, "{longer}");
            text = longer;
        }
        assert!(!grows("see https://example.com") && !grows("<!-- note -->"));
    }

    #[test]
    fn plain_text_is_never_formatting() {
        let stored = from_plain("- a *b*\n1. c");
        assert_eq!(stored.plain, "- a *b*\n1. c");
        assert_eq!(stored.markdown, "\\- a \\*b\\*\n1\\. c\n");
        assert_eq!(from_plain(" "), Rendered::default());
    }

    #[test]
    fn the_plain_rendering_has_no_formatting() {
        assert_eq!(
            from_markdown("# T\n\n- **a**\n- [b](https://example.com)").plain,
            "T\na\nb"
        );
    }
}
