//! What the server does to long text on save.

use crate::halves;
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

/// Which characters a save turns into numeric entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entities {
    /// None.
    None,
    /// Those beyond the basic plane.
    Emoji,
    /// Those beyond ASCII.
    NonAscii,
}

/// Rewrites an HTML field as a save does: [`clean`], and bare text is wrapped in a `<div>`.
pub fn rewrite(html: &str, entities: Entities) -> String {
    let cleaned = clean(html, entities);
    let trimmed = cleaned.trim_start();
    if trimmed.is_empty() || BLOCKS.iter().any(|block| trimmed.starts_with(block)) {
        cleaned
    } else {
        format!("<div>{cleaned}</div>")
    }
}

/// Rewrites HTML: script, style, comments and unknown elements go, attributes are normalised. Line feeds stay. A comment
/// of the discussion gets no more than this: `hi` is stored as `hi` (Azure DevOps CLI recordings).
pub fn clean(html: &str, entities: Entities) -> String {
    let cleaned = Builder::default()
        .add_generic_attributes(["style", "class", "id", "align", "width", "height"])
        .add_generic_attribute_prefixes(HashSet::from(["data-"]))
        .add_tags(["font", "input", "label"])
        .link_rel(None)
        .url_relative(ammonia::UrlRelative::PassThrough)
        .clean(html)
        .to_string();
    match entities {
        Entities::None => cleaned,
        Entities::Emoji => numeric(&cleaned, 0xFFFF),
        Entities::NonAscii => numeric(&cleaned, 0x7F),
    }
}

/// Returns a character beyond `last` as a numeric entity. Half a surrogate pair is none: it has no number of its own.
pub fn entity(c: char, last: u32) -> Option<String> {
    let number = u32::from(c);
    (number > last && !halves::is_half(c)).then(|| format!("&#{number};"))
}

fn numeric(text: &str, last: u32) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match entity(c, last) {
            Some(entity) => out.push_str(&entity),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_text_is_wrapped_and_blocks_are_not() {
        assert_eq!(
            rewrite("plain\ntext", Entities::None),
            "<div>plain\ntext</div>"
        );
        assert_eq!(rewrite("<p>a</p>", Entities::None), "<p>a</p>");
        assert_eq!(rewrite("", Entities::None), "");
    }

    #[test]
    fn script_style_comments_and_unknown_elements_go() {
        let html =
            "<div>a<script>x()</script><style>p{}</style><!-- hidden --><widget>b</widget></div>";
        assert_eq!(rewrite(html, Entities::None), "<div>ab</div>");
    }

    #[test]
    fn emoji_become_numeric_entities_when_asked() {
        assert_eq!(
            rewrite("<div>\u{1F916}</div>", Entities::Emoji),
            "<div>&#129302;</div>"
        );
        assert_eq!(
            rewrite("<div>\u{1F916}</div>", Entities::None),
            "<div>\u{1F916}</div>"
        );
        assert_eq!(
            rewrite("<div>\u{FC}</div>", Entities::NonAscii),
            "<div>&#252;</div>"
        );
    }

    #[test]
    fn a_comment_is_not_wrapped() {
        assert_eq!(clean("hi", Entities::None), "hi");
    }
}
