//! What the server does to long text on save.

use ammonia::Builder;
use std::collections::HashSet;

/// Elements that make up a block of their own; text outside of any is wrapped.
const BLOCKS: [&str; 14] = [
    "<div",
    "<p>",
    "<p ",
    "<ul",
    "<ol",
    "<h1",
    "<h2",
    "<h3",
    "<h4",
    "<h5",
    "<table",
    "<pre",
    "<blockquote",
    "<hr",
];

/// Rewrites HTML as a save does: script, style, comments and unknown elements go, attributes are normalised, bare text
/// is wrapped in a `<div>`. Line feeds stay. With `entities`, characters beyond the basic plane become numeric entities.
pub fn rewrite(html: &str, entities: bool) -> String {
    let cleaned = Builder::default()
        .add_generic_attributes(["style", "class", "id", "align", "width", "height"])
        .add_generic_attribute_prefixes(HashSet::from(["data-"]))
        .add_tags(["font", "input", "label"])
        .link_rel(None)
        .url_relative(ammonia::UrlRelative::PassThrough)
        .clean(html)
        .to_string();
    let trimmed = cleaned.trim_start();
    let wrapped = if trimmed.is_empty() || BLOCKS.iter().any(|block| trimmed.starts_with(block)) {
        cleaned
    } else {
        format!("<div>{cleaned}</div>")
    };
    if entities { numeric(&wrapped) } else { wrapped }
}

/// Drops what looks like an element from Markdown, as the server does: only `&lt;` survives.
pub fn rewrite_markdown(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tail) = rest.split_at(start);
        kept.push_str(before);
        let opens = tail
            .chars()
            .nth(1)
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match tail.find('>').filter(|_| opens) {
            Some(end) => rest = tail.get(end + 1..).unwrap_or_default(),
            None => {
                kept.push('<');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn numeric(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if u32::from(c) > 0xFFFF {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_text_is_wrapped_and_blocks_are_not() {
        assert_eq!(rewrite("plain\ntext", false), "<div>plain\ntext</div>");
        assert_eq!(rewrite("<p>a</p>", false), "<p>a</p>");
        assert_eq!(rewrite("", false), "");
    }

    #[test]
    fn script_style_comments_and_unknown_elements_go() {
        let html =
            "<div>a<script>x()</script><style>p{}</style><!-- hidden --><widget>b</widget></div>";
        assert_eq!(rewrite(html, false), "<div>ab</div>");
    }

    #[test]
    fn emoji_become_numeric_entities_when_asked() {
        assert_eq!(
            rewrite("<div>\u{1F916}</div>", true),
            "<div>&#129302;</div>"
        );
        assert_eq!(
            rewrite("<div>\u{1F916}</div>", false),
            "<div>\u{1F916}</div>"
        );
    }

    #[test]
    fn angle_brackets_vanish_from_markdown_unless_encoded() {
        assert_eq!(
            rewrite_markdown("a <b>c</b> 1 < 2 &lt;T&gt;"),
            "a c 1 < 2 &lt;T&gt;"
        );
    }
}
