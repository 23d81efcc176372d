//! What a raw text shows that the model cannot hold, and that would be gone once the text is written from the model.
//!
//! The list is short on purpose. An edit that is stopped needs a person, so only what a reader would miss counts:
//! - coloured or highlighted words. A colour counts when it is one: black, white and greys, and the faint tints of
//!   themes, come with pasted text. In links and code colours are decoration.
//! - shaded table parts, merged cells, and lists, code, headings, quotations or tables inside a cell
//! - centred or right-aligned text outside of tables, and lists numbered by letters or Roman numerals
//! - images with a size of their own
//! - players, drawings, forms, frames, rulers of progress and sections that fold
//!
//! Not counted, because the services and every paste put them on nearly all text: `div`, `span`, `font` and unknown
//! elements as such, fonts and font sizes, margins, line heights, borders and widths of tables, classes, comments,
//! scripts and styles (which are never shown).

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{Html, Node};

use super::{TextFormat, markdown_in, settle, tags};

/// Least distance between the strongest and the weakest of red, green and blue that makes a text coloured. Themes use
/// up to 54 (`#172b4d`) for what is meant as black.
const TEXT_CHROMA: u8 = 64;
/// The same for backgrounds, which are pale: a light table heading (`#deeaf6`) has 24, a code box (`#f6f8fa`) 4.
const BACK_CHROMA: u8 = 24;
/// Colour names that people pick. Others (`windowtext`, `inherit`, greys) are what pasted text brings.
const COLOURS: [&str; 40] = [
    "aqua",
    "blue",
    "blueviolet",
    "brown",
    "chocolate",
    "coral",
    "crimson",
    "cyan",
    "darkblue",
    "darkcyan",
    "darkgreen",
    "darkmagenta",
    "darkorange",
    "darkred",
    "firebrick",
    "forestgreen",
    "fuchsia",
    "gold",
    "green",
    "hotpink",
    "indigo",
    "lightblue",
    "lightgreen",
    "lightyellow",
    "lime",
    "magenta",
    "maroon",
    "navy",
    "olive",
    "orange",
    "orangered",
    "pink",
    "purple",
    "red",
    "royalblue",
    "salmon",
    "teal",
    "tomato",
    "violet",
    "yellow",
];

/// Returns what rewriting `raw` would lose, as words for people; `None` when the model holds all that is seen.
pub(super) fn of(format: TextFormat, raw: &str) -> Option<&'static str> {
    match format {
        _ if raw.len() > settle::MAX_BYTES => None,
        TextFormat::Html => in_html(raw),
        TextFormat::Markdown | TextFormat::EscapedMarkdown => {
            markdown_in::html(raw).iter().find_map(|html| in_html(html))
        }
    }
}

fn in_html(html: &str) -> Option<&'static str> {
    if !html.contains('<') {
        return None;
    }
    if tags::too_deep(html) {
        return Some("a deeply nested layout");
    }
    let document = Html::parse_fragment(html);
    document.tree.root().descendants().find_map(|node| {
        let element = node.value().as_element()?;
        lost(node, element)
    })
}

fn lost(node: NodeRef<'_, Node>, element: &Element) -> Option<&'static str> {
    let name = element.name();
    let within = |names: &[&str]| {
        node.ancestors()
            .filter_map(|around| around.value().as_element())
            .any(|around| names.contains(&around.name()))
    };
    let in_cell = within(&["td", "th"]);
    match name {
        "iframe" | "object" | "embed" | "video" | "audio" | "canvas" | "svg" | "math"
        | "select" | "textarea" | "button" | "meter" | "progress" | "marquee" => {
            return Some("an embedded object");
        }
        "details" => return Some("a section that folds"),
        "mark" if shows(node) => return Some("highlighted text"),
        "center" if shows(node) && !in_cell => return Some("centred text"),
        "td" | "th"
            if ["colspan", "rowspan"]
                .iter()
                .any(|span| merges(element, span)) =>
        {
            return Some("merged table cells");
        }
        "ul" | "ol" | "pre" | "table" | "blockquote" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "hr"
            if in_cell =>
        {
            return Some("a list or another block in a table cell");
        }
        "ol" if lettered(element) => return Some("a list numbered by letters"),
        "img" if sized(element) => return Some("an image with a size of its own"),
        _ => {}
    }
    let table_part = matches!(
        name,
        "table" | "tr" | "td" | "th" | "thead" | "tbody" | "tfoot"
    );
    if (shows(node) || table_part) && name != "a" && !within(&["a", "pre", "code"]) {
        let text = style(element, "color").or_else(|| {
            (name == "font")
                .then(|| attribute(element, "color"))
                .flatten()
        });
        if !table_part && text.is_some_and(|colour| is_colour(&colour, TEXT_CHROMA)) {
            return Some("coloured text");
        }
        let back = [
            style(element, "background-color"),
            style(element, "background"),
            attribute(element, "bgcolor"),
        ];
        if !matches!(name, "pre" | "code")
            && back
                .into_iter()
                .flatten()
                .any(|colour| is_colour(&colour, BACK_CHROMA))
        {
            return Some(if table_part {
                "shaded table cells"
            } else {
                "highlighted text"
            });
        }
        let aligned = style(element, "text-align").or_else(|| attribute(element, "align"));
        if !table_part
            && !in_cell
            && tags::is_block(name)
            && aligned.is_some_and(|side| matches!(side.as_str(), "center" | "right"))
        {
            return Some("centred or right-aligned text");
        }
    }
    None
}

/// Whether the element holds a letter or an image.
fn shows(node: NodeRef<'_, Node>) -> bool {
    node.descendants().any(|node| match node.value() {
        Node::Text(text) => text.chars().any(|c| !c.is_whitespace()),
        Node::Element(element) => element.name() == "img",
        _ => false,
    })
}

fn attribute(element: &Element, name: &str) -> Option<String> {
    element
        .attr(name)
        .map(|value| value.trim().to_ascii_lowercase())
}

/// The last value of a property in the element's own style.
fn style(element: &Element, property: &str) -> Option<String> {
    let style = element.attr("style")?.to_ascii_lowercase();
    style.split(';').rev().find_map(|rule| {
        let (name, value) = rule.split_once(':')?;
        let value = value.trim().trim_end_matches("!important").trim_end();
        (name.trim() == property).then(|| value.to_owned())
    })
}

fn merges(element: &Element, span: &str) -> bool {
    attribute(element, span)
        .and_then(|count| count.parse::<u32>().ok())
        .is_some_and(|count| count > 1)
}

fn lettered(element: &Element) -> bool {
    // Case counts here: `A` and `a` are two ways of numbering, and both are lost.
    let kind = element.attr("type").map(str::trim);
    kind.is_some_and(|kind| matches!(kind, "a" | "A" | "i" | "I"))
        || style(element, "list-style-type")
            .is_some_and(|kind| kind.contains("alpha") || kind.contains("roman"))
}

fn sized(element: &Element) -> bool {
    ["width", "height"].iter().any(|side| {
        let given = attribute(element, side).or_else(|| style(element, side));
        given.is_some_and(|size| size.starts_with(|c: char| c.is_ascii_digit()) && size != "100%")
    })
}

fn is_colour(value: &str, least: u8) -> bool {
    if COLOURS.contains(&value) {
        return true;
    }
    let Some([red, green, blue]) = channels(value) else {
        return false;
    };
    red.max(green).max(blue) - red.min(green).min(blue) >= least
}

/// Red, green and blue of `#rgb`, `#rrggbb[aa]`, `rgb(..)` and `rgba(..)`; `None` for all else and for what cannot be seen.
fn channels(value: &str) -> Option<[u8; 3]> {
    if let Some(hex) = value.strip_prefix('#') {
        let digits: Vec<u8> = hex
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        return match digits.as_slice() {
            [r, g, b] | [r, g, b, _] => Some([r * 17, g * 17, b * 17]),
            [r, r2, g, g2, b, b2] | [r, r2, g, g2, b, b2, _, _] => {
                Some([r * 16 + r2, g * 16 + g2, b * 16 + b2])
            }
            _ => None,
        };
    }
    let inner = value
        .strip_prefix("rgba(")
        .or_else(|| value.strip_prefix("rgb("))?
        .split(')')
        .next()?;
    let mut parts = inner
        .split([',', ' ', '/'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut next = || parts.next()?.parse::<u8>().ok();
    let colour = [next()?, next()?, next()?];
    let unseen = parts
        .next()
        .is_some_and(|alpha| matches!(alpha, "0" | "0.0" | "0%"));
    (!unseen).then_some(colour)
}
