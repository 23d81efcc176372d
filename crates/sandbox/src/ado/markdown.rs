//! What the server does to Markdown: the sanitiser for HTML runs over it, which knows neither code nor quotes, and the
//! answer is HTML-escaped.
//!
//! Sources: microsoft/azure-devops-mcp issue 508 (descriptions that end in the middle of code) and the measurements of live
//! organisations published in 2026 (``List<String> and <placeholder>`` comes back as ``List and ``; entities stay as they
//! were written, in code too); MicrosoftDocs/vsts-rest-api-specs 7.2, example of a patch of a Markdown description, whose
//! answer has `&gt;` before a quote and `&quot;` inside a fence.

use super::html::entity;

/// Elements whose content goes with them.
const WITH_CONTENT: [&str; 2] = ["script", "style"];

/// Returns Markdown as it is stored and answered. What looks like a tag is gone, an open one takes the rest of the text;
/// a bare `&` and a `<` that opens no tag become entities, and so do `>` and quotes. With `entities`, characters beyond
/// the basic plane become numeric ones.
pub fn rewrite(text: &str, entities: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let step = match first {
            '<' => match tag(rest) {
                Tag::None => {
                    kept.push_str("&lt;");
                    1
                }
                Tag::Closed(length) => length,
                Tag::Open => rest.len(),
            },
            '&' => match reference(rest) {
                Some(length) => {
                    kept.push_str(rest.get(..length).unwrap_or_default());
                    length
                }
                None => {
                    kept.push_str("&amp;");
                    1
                }
            },
            '>' => {
                kept.push_str("&gt;");
                1
            }
            '"' => {
                kept.push_str("&quot;");
                1
            }
            '\'' => {
                kept.push_str("&#39;");
                1
            }
            other => {
                match entity(other, 0xFFFF).filter(|_| entities) {
                    Some(entity) => kept.push_str(&entity),
                    None => kept.push(other),
                }
                other.len_utf8()
            }
        };
        rest = rest.get(step..).unwrap_or_default();
    }
    kept
}

/// What starts at a `<`.
enum Tag {
    /// Nothing: it is a character of the text.
    None,
    /// A tag, comment or declaration of so many bytes, with the content of elements that go as a whole.
    Closed(usize),
    /// One that nothing closes.
    Open,
}

fn tag(text: &str) -> Tag {
    let end = |found: Option<usize>| found.map_or(Tag::Open, Tag::Closed);
    let mut after = text.chars().skip(1);
    match (after.next(), after.next()) {
        (Some('!'), _) if text.starts_with("<!--") => {
            end(text.get(4..).and_then(|t| t.find("-->")).map(|at| at + 7))
        }
        (Some('!' | '?'), _) => end(text.find('>').map(|at| at + 1)),
        (Some('/'), Some(c)) if c.is_ascii_alphabetic() => end(closing(text)),
        (Some('/'), Some(_)) => end(text.find('>').map(|at| at + 1)),
        (Some(c), _) if c.is_ascii_alphabetic() => {
            let name: String = text
                .chars()
                .skip(1)
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            let Some(length) = closing(text) else {
                return Tag::Open;
            };
            if !WITH_CONTENT.contains(&name.to_ascii_lowercase().as_str()) {
                return Tag::Closed(length);
            }
            let lower = text.to_ascii_lowercase();
            let close = format!("</{}", name.to_ascii_lowercase());
            let content = lower.get(length..).and_then(|t| t.find(&close));
            let at = content.map(|at| at + length);
            end(at.and_then(|at| Some(at + closing(text.get(at..)?)?)))
        }
        _ => Tag::None,
    }
}

/// The length of a tag with its `>`, or nothing when there is none. A `>` in a quoted value does not close it.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut value = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '>' => return Some(at + 1),
            None if value && matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
        value = c == '=' || value && c.is_ascii_whitespace();
    }
    None
}

/// The length of an entity at the start of a text: `&name;`, `&#1;`, `&#xA;`.
fn reference(text: &str) -> Option<usize> {
    let name = text.get(1..text.find(';')?)?;
    let known = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()),
            None => !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()),
        },
        None => !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()),
    };
    known.then_some(name.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_behind_an_angle_bracket_is_a_tag() {
        for (written, stored) in [
            ("List<String> and <placeholder>", "List and "),
            (
                "```\nif (a<b && c>d) x\n```\nlast",
                "```\nif (ad) x\n```\nlast",
            ),
            ("```\nif (a<b { x }\n```\n\nlast", "```\nif (a"),
            ("a < b, 1 <2, <3 <", "a &lt; b, 1 &lt;2, &lt;3 &lt;"),
            ("<https://example.com> a", " a"),
            ("a<!-- b > c -->d", "ad"),
            ("a<!-- b > c", "a"),
            ("a</b>c<?d?>e</>f", "acef"),
            ("a<script>if (x<y) z()</script>b", "ab"),
            ("<a title=\"x > y\">b", "b"),
            ("a<b", "a"),
        ] {
            assert_eq!(rewrite(written, true), stored, "{written}");
        }
    }

    #[test]
    fn the_answer_is_escaped_and_entities_stay() {
        for (written, stored) in [
            ("a & b &amp; c &c", "a &amp; b &amp; c &amp;c"),
            (
                "&lt;T&gt; &#39;&#x27; &#; &;",
                "&lt;T&gt; &#39;&#x27; &amp;#; &amp;;",
            ),
            ("> \"q\" it's", "&gt; &quot;q&quot; it&#39;s"),
            ("\u{1F916} \u{FC}", "&#129302; \u{FC}"),
        ] {
            assert_eq!(rewrite(written, true), stored, "{written}");
        }
        assert_eq!(rewrite("\u{1F916}", false), "\u{1F916}");
    }

    #[test]
    fn what_was_stored_once_stays() {
        let once = rewrite("> a<b> & \"c\" \u{1F916} &lt;d&gt;", true);
        assert_eq!(rewrite(&once, true), once);
    }
}
