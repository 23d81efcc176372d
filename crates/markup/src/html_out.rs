//! The model to plain, clean HTML. Only elements and attributes named here are ever written; `ammonia` checks it again.

use std::collections::HashSet;

use super::links::{self, SCHEMES};
use super::markdown_out::widest;
use super::model::{Align, Block, Leaf, ListItem, Run, Style};

/// Writes a document.
pub(super) fn write(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        write_block(&mut out, block);
    }
    cleaned(&out)
}

/// The second wall: nothing outside the allow-list gets through even if the writer above is wrong.
fn cleaned(html: &str) -> String {
    let mut wall = ammonia::Builder::default();
    let mut schemes: HashSet<&str> = SCHEMES.into_iter().collect();
    schemes.insert("data"); // images only, see the filter
    wall.url_schemes(schemes)
        .link_rel(None)
        .add_tag_attributes("a", ["data-vss-mention"])
        .add_tag_attributes("code", ["class"])
        .add_tag_attributes("th", ["align"])
        .add_tag_attributes("td", ["align"])
        .attribute_filter(|element, attribute, value| {
            let data = value
                .get(..5)
                .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
            (!data || (element == "img" && attribute == "src") || attribute == "alt")
                .then(|| value.into())
        });
    wall.clean(html).to_string()
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Para(runs) => wrap(out, "p", |out| inline(out, runs, Style::PLAIN, false)),
        Block::Heading(size, runs) => {
            wrap(out, &format!("h{size}"), |out| {
                inline(out, runs, Style::PLAIN, false)
            });
        }
        Block::Code(language, text) => {
            out.push_str("<pre><code");
            if !language.is_empty() {
                out.push_str(" class=\"language-");
                escape(out, language);
                out.push('"');
            }
            out.push('>');
            escape(out, text);
            out.push_str("</code></pre>");
        }
        Block::Quote(blocks) => wrap(out, "blockquote", |out| {
            blocks.iter().for_each(|block| write_block(out, block));
        }),
        Block::Rule => out.push_str("<hr>"),
        Block::List { start, items } => write_list(out, *start, items),
        Block::Table { align, rows } => write_table(out, align, rows),
    }
}

fn wrap(out: &mut String, tag: &str, content: impl FnOnce(&mut String)) {
    out.push('<');
    out.push_str(tag);
    out.push('>');
    content(out);
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

fn write_list(out: &mut String, start: Option<usize>, items: &[ListItem]) {
    match start {
        None => out.push_str("<ul>"),
        Some(1) => out.push_str("<ol>"),
        Some(first) => out.push_str(&format!("<ol start=\"{first}\">")),
    }
    for item in items {
        out.push_str("<li>");
        let mark = match item.task {
            Some(true) => "☑ ",
            Some(false) => "☐ ",
            None => "",
        };
        let texts = item
            .blocks
            .iter()
            .filter(|block| matches!(block, Block::Para(_)))
            .count();
        for (at, block) in item.blocks.iter().enumerate() {
            let mark = if at == 0 { mark } else { "" };
            match block {
                Block::Para(runs) => {
                    out.push_str(if texts > 1 { "<p>" } else { "" });
                    out.push_str(mark);
                    inline(out, runs, Style::PLAIN, false);
                    out.push_str(if texts > 1 { "</p>" } else { "" });
                }
                other => write_block(out, other),
            }
        }
        out.push_str("</li>");
    }
    out.push_str(if start.is_some() { "</ol>" } else { "</ul>" });
}

fn write_table(out: &mut String, align: &[Align], rows: &[Vec<Vec<Run>>]) {
    // Without it Azure DevOps shows no lines, and a table with lines would lose them when a cell is edited elsewhere.
    out.push_str("<table border=\"1\">");
    for (at, row) in rows.iter().enumerate() {
        let tag = if at == 0 { "th" } else { "td" };
        out.push_str(match at {
            0 => "<thead><tr>",
            1 => "<tbody><tr>",
            _ => "<tr>",
        });
        for (cell, align) in row.iter().zip(align) {
            out.push('<');
            out.push_str(tag);
            out.push_str(match align {
                Align::None => ">",
                Align::Left => " align=\"left\">",
                Align::Centre => " align=\"center\">",
                Align::Right => " align=\"right\">",
            });
            inline(out, cell, Style::PLAIN, false);
            out.push_str(&format!("</{tag}>"));
        }
        out.push_str(if at == 0 { "</tr></thead>" } else { "</tr>" });
    }
    out.push_str(if rows.len() > 1 {
        "</tbody></table>"
    } else {
        "</table>"
    });
}

fn inline(out: &mut String, mut runs: &[Run], done: Style, in_link: bool) {
    while let Some(first) = runs.first() {
        if let Some(url) = first.link.as_ref().filter(|_| !in_link) {
            let len = runs
                .iter()
                .take_while(|run| run.link.as_ref() == Some(url))
                .count();
            let (linked, rest) = runs.split_at_checked(len).unwrap_or((runs, &[]));
            anchor(out, url, |out| inline(out, linked, done, true));
            runs = rest;
            continue;
        }
        let Some((style, len)) = widest(runs, first.style.without(done)) else {
            leaf(out, &first.leaf, in_link);
            runs = runs.get(1..).unwrap_or(&[]);
            continue;
        };
        // A style that ends inside a link would cross the link's tags.
        let len = if in_link { len } else { whole_links(runs, len) };
        let (styled, rest) = runs.split_at_checked(len).unwrap_or((runs, &[]));
        wrap(out, style.tag(), |out| {
            inline(out, styled, done.with(style), in_link)
        });
        runs = rest;
    }
}

/// The longest prefix of at most `len` runs that does not end inside a link; at least one run.
fn whole_links(runs: &[Run], len: usize) -> usize {
    let link = |at: usize| runs.get(at).and_then(|run| run.link.as_ref());
    let mut end = len;
    while end > 1 && end < runs.len() && link(end).is_some() && link(end) == link(end - 1) {
        end -= 1;
    }
    end.max(1)
}

fn anchor(out: &mut String, url: &str, content: impl FnOnce(&mut String)) {
    match links::mention(url) {
        Some(id) => out.push_str(&format!(
            "<a href=\"#\" data-vss-mention=\"version:2.0,{id}\">"
        )),
        None => {
            out.push_str("<a href=\"");
            escape(out, url);
            out.push_str("\">");
        }
    }
    content(out);
    out.push_str("</a>");
}

fn leaf(out: &mut String, leaf: &Leaf, in_link: bool) {
    match leaf {
        Leaf::Text(text) if in_link => escape(out, text),
        Leaf::Text(text) => text_with_links(out, text),
        Leaf::Break => out.push_str("<br>"),
        Leaf::Code(code) => wrap(out, "code", |out| escape(out, code)),
        Leaf::Image { url, alt } => {
            out.push_str("<img src=\"");
            escape(out, url);
            out.push_str("\" alt=\"");
            escape(out, alt);
            out.push_str("\">");
        }
    }
}

/// Writes text; bare web addresses become links, because an HTML field does not link them by itself.
fn text_with_links(out: &mut String, mut text: &str) {
    while let Some((at, address)) = links::find(text) {
        escape(out, text.get(..at).unwrap_or(""));
        anchor(out, address, |out| escape(out, address));
        text = text.get(at + address.len()..).unwrap_or("");
    }
    escape(out, text);
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}
