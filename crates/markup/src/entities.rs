//! The entities of Azure DevOps Markdown fields. Pure.
//!
//! Those fields go through a sanitiser that knows no code: it takes `<x>` away wherever it stands, with the rest of the
//! text where the tag is not closed, and answers `&`, `<`, `>`, quotes and emoji as entities, in code too
//! (MicrosoftDocs/vsts-rest-api-specs, wit 7.2, the Markdown example of update work item; microsoft/azure-devops-mcp #508).
//! What is written as an entity stays. So everything is written as entities, and code is decoded once when it is read.
//! Text outside of code is decoded by the Markdown reader.

use std::borrow::Cow;

/// Writes what the sanitiser would look at as entities.
pub(super) fn encoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Decodes code, once: `&amp;lt;` becomes `&lt;`. Only what the service writes is decoded; `&nbsp;` stays as it is.
pub(super) fn decoded(code: &str) -> Cow<'_, str> {
    replaced(code, |_, entity| character(entity))
}

/// Brings a raw text into the form that a Markdown reader takes in the same way as the service: a `&gt;` that may open a
/// quotation becomes `>`, so does one behind a backslash (a `>` that opens none), and characters beyond ASCII stand as
/// themselves, because the `;` of an entity may end an emphasis where the character does not. Lines stay lines.
pub(super) fn opened(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    for line in raw.split_inclusive(['\n', '\r']) {
        let (marks, rest) = line
            .split_at_checked(containers(line))
            .unwrap_or(("", line));
        out.push_str(&marks.replace("&gt;", ">"));
        out.push_str(&replaced(rest, |before, entity| match entity {
            "gt" => is_escaped(before).then_some('>'),
            entity => character(entity).filter(|c| !c.is_ascii() && !c.is_control()),
        }));
    }
    Cow::Owned(out)
}

/// How many bytes at the start of a line open quotations and list items: `- &gt; &gt; text` has 12.
fn containers(line: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let rest = rest.get(blanks..).unwrap_or("");
        let mark = if rest.starts_with("&gt;") {
            4
        } else if rest.starts_with('>') {
            1
        } else {
            list_marker(rest)
        };
        if mark == 0 {
            return at;
        }
        at += blanks + mark;
    }
}

/// The length of a list marker with the blank after it; 0 for none.
fn list_marker(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = text.get(digits..).unwrap_or("");
    let ends: &[char] = if digits == 0 {
        &['-', '*', '+']
    } else {
        &['.', ')']
    };
    let blank = mark
        .strip_prefix(ends)
        .is_some_and(|rest| rest.starts_with([' ', '\t']));
    if blank && digits <= 9 { digits + 2 } else { 0 }
}

/// Whether what follows stands behind a backslash that is none itself.
fn is_escaped(before: &str) -> bool {
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

/// Replaces entities, where `by` gives a character for what stands before and for the entity's name.
fn replaced(text: &str, by: impl Fn(&str, &str) -> Option<char>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = 0;
    for (at, _) in text.match_indices('&') {
        let name = text.get(at + 1..).unwrap_or("");
        let Some(end) = name.bytes().take(10).position(|byte| byte == b';') else {
            continue;
        };
        let before = text.get(..at).unwrap_or("");
        if let Some(c) = name.get(..end).and_then(|name| by(before, name)) {
            out.push_str(text.get(rest..at).unwrap_or(""));
            out.push(c);
            rest = at + end + 2;
        }
    }
    if rest == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(rest..).unwrap_or(""));
    Cow::Owned(out)
}

/// The character of an entity that the service writes.
fn character(name: &str) -> Option<char> {
    let number = |digits: &str, radix: u32| {
        let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain)?;
        char::from_u32(code).filter(|c| *c != '\0')
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        _ => {
            let code = name.strip_prefix('#')?;
            match code.strip_prefix(['x', 'X']) {
                Some(hex) => number(hex, 16),
                None => number(code, 10),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_decoded_exactly_once() {
        for (raw, read) in [
            ("if (a&lt;b) &amp;&amp; c", "if (a<b) && c"),
            ("&amp;lt; &amp;amp;lt;", "&lt; &amp;lt;"),
            ("&quot;&#39;&#129302;&#x27;", "\"'🤖'"),
            (
                "&nbsp; &copy; & &; &#; &#xZ; &#0; &#55357;",
                "&nbsp; &copy; & &; &#; &#xZ; &#0; &#55357;",
            ),
            ("a&lt", "a&lt"),
        ] {
            assert_eq!(decoded(raw), read, "{raw}");
        }
        for text in ["a<b>&c", "&lt;", "plain", "&amp;&"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
    }

    #[test]
    fn only_an_entity_that_may_open_a_quotation_is_decoded_before_the_text_is_read() {
        for (raw, opened_to) in [
            ("&gt; quote", "> quote"),
            ("  - &gt; &gt; deep", "  - > > deep"),
            ("12. &gt; x\n> &gt; y", "12. > x\n> > y"),
            ("a &gt; b\n`&gt;` c", "a &gt; b\n`&gt;` c"),
            ("\\&gt; no quote", "\\> no quote"),
            ("a \\&gt; b \\\\&gt; c", "a \\> b \\\\&gt; c"),
            ("&#233;t&#xe9; &#129302; &#60; &lt;", "été 🤖 &#60; &lt;"),
            ("&amp;gt; text", "&amp;gt; text"),
            ("-&gt; arrow", "-&gt; arrow"),
        ] {
            assert_eq!(opened(raw), opened_to, "{raw}");
        }
    }
}
