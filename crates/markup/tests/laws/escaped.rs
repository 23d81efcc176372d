//! The laws of Azure DevOps Markdown fields: what is written survives the service's sanitiser, and its answer reads as what
//! was sent.

use super::generated::{MARKDOWN_BITS, soup};
use boardsync_markup::TextFormat::{EscapedMarkdown, Markdown};
use boardsync_markup::{canonical, put};
use proptest::prelude::*;

/// What the service may do with a text beside taking tags away.
#[derive(Clone, Copy, Debug)]
struct Service {
    /// `>`, also where it marks a quotation, is answered as an entity.
    angles: bool,
    /// So are quotes.
    quotes: bool,
    /// So is what is not ASCII.
    others: bool,
}

const SERVICES: [Service; 4] = [
    Service {
        angles: false,
        quotes: false,
        others: false,
    },
    Service {
        angles: true,
        quotes: false,
        others: false,
    },
    Service {
        angles: true,
        quotes: true,
        others: true,
    },
    Service {
        angles: false,
        quotes: true,
        others: true,
    },
];

/// Tags that the sanitiser lets through.
const KNOWN: [&str; 8] = [
    "<u>", "</u>", "<sub>", "</sub>", "<sup>", "</sup>", "<br>", "<b>",
];

/// The answer to a text: the sanitiser knows no code, takes unknown tags away, and an unclosed one with all that follows.
/// What stands there as an entity stays.
fn sanitised(text: &str, service: Service) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        if let Some(tag) = KNOWN.iter().find(|tag| rest.starts_with(**tag)) {
            out.push_str(tag);
            rest = &rest[tag.len()..];
            continue;
        }
        match c {
            '<' if tail
                .starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next)) =>
            {
                rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
                continue;
            }
            '<' => out.push_str("&lt;"),
            '>' if service.angles => out.push_str("&gt;"),
            '&' if !is_entity(tail) => out.push_str("&amp;"),
            '"' if service.quotes => out.push_str("&quot;"),
            '\'' if service.quotes => out.push_str("&#39;"),
            c if !c.is_ascii() && service.others => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
        rest = tail;
    }
    out
}

fn is_entity(text: &str) -> bool {
    let name = text.split(';').next().unwrap_or("");
    let plain = name
        .trim_start_matches('#')
        .chars()
        .all(|c| c.is_ascii_alphanumeric());
    name.len() < text.len() && !name.is_empty() && name.len() < 10 && plain
}

/// What is read after the text was written over `current` and answered.
fn answered(current: &str, wanted: &str, service: Service) -> String {
    canonical(
        EscapedMarkdown,
        &sanitised(&put(EscapedMarkdown, current, wanted), service),
    )
}

#[test]
fn code_with_angle_brackets_survives_the_sanitiser() {
    for text in [
        "```\nif (a<b) { x }\n```\n\nlast paragraph",
        "`List<String> and <placeholder>` stay",
        "```html\n<b>&lt;typed&gt;</b> &amp; \"quoted\"\n```",
        "a < b > c & d &lt; e",
        "> a quotation\n> with `x<y>`\n>\n> > deeper",
        "- > quoted in a list\n- ```\n  a<b\n  ```",
        "\\> no quotation",
        "one\\\n\\> no quotation either",
        "- [ ] \\> an open task",
        "`` a`b<c `` and ````` ```` < `````",
        "````\n```\nfence <in> fence\n```\n````",
        "**\u{1f916}**a \u{1f916} *fett*\u{1f916} \"quoted\"",
        "| a | b |\n| --- | --- |\n| `x<y` | \\> z |",
        "see https://x.example/?a=1&b=2 and [it](https://x.example/?a=1&lt=2)",
        "# > heading & more",
        "<u>under</u> and H<sub>2</sub>O",
        "    indented < code",
        "```\n> looks like a quotation\n- > so does this\n\\> and this\n```",
    ] {
        let wanted = canonical(Markdown, text);
        for service in SERVICES {
            assert_eq!(
                answered("", &wanted, service),
                wanted,
                "{text} by {service:?}"
            );
        }
        let sent = put(EscapedMarkdown, "", &wanted);
        let code = sent
            .replace("<u>", "")
            .replace("</u>", "")
            .replace("<sub>", "")
            .replace("</sub>", "");
        assert!(!code.contains('<'), "{sent}");
    }
}

#[test]
fn what_the_service_escapes_reads_as_people_wrote_it() {
    for (raw, read) in [
        ("&gt; &quot;A quotation.&quot;", "> \"A quotation.\""),
        (
            "```python\nprint(&quot;Hello&quot;)\n```",
            "```python\nprint(\"Hello\")\n```",
        ),
        (
            "A &amp; B, 5 &lt; 6, &#129302;",
            "A & B, 5 &lt; 6, \u{1f916}",
        ),
        ("`a &amp;&amp; b` and `&amp;lt;`", "`a && b` and `&lt;`"),
        (
            "1. &gt; first\n2. second &gt; third",
            "1. > first\n2. second &gt; third",
        ),
    ] {
        assert_eq!(canonical(EscapedMarkdown, raw), read, "{raw}");
    }
}

#[test]
fn an_edit_leaves_the_bytes_of_other_blocks_alone_and_writes_its_own_as_entities() {
    let raw =
        "intro  with &quot;odd&quot; spelling\n\n* item\n\n```\na &lt; b &amp;amp; c\n```\n\nlast";
    let wanted = format!(
        "{}\n\n```\nif (a<b) {{ x }}\n```",
        canonical(EscapedMarkdown, raw)
    );
    let sent = put(EscapedMarkdown, raw, &wanted);
    assert_eq!(sent, format!("{raw}\n\n```\nif (a&lt;b) {{ x }}\n```"));
    let edited = canonical(EscapedMarkdown, raw).replace("last", "very < last");
    let sent = put(EscapedMarkdown, raw, &edited);
    assert_eq!(sent, raw.replace("last", "very &lt; last"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_from_the_answer(
        before in soup(MARKDOWN_BITS, 12), wanted in soup(BITS, 16), kept: bool, service in prop::sample::select(&SERVICES[..])
    ) {
        // What stands in the field went through the sanitiser as well.
        let current = sanitised(&before, service);
        let tail = if kept { canonical(EscapedMarkdown, &current) } else { String::new() };
        let wanted = canonical(Markdown, &format!("{wanted}\n\n{tail}"));
        prop_assert_eq!(answered(&current, &wanted, service), wanted);
    }
}

const BITS: &[&str] = &[
    "`",
    "``",
    "```\n",
    "\n```\n",
    "<",
    "</x>",
    "<T>",
    "a<b",
    "&",
    "&lt;",
    "&amp;",
    "&amp;lt;",
    "&#39;",
    "&nbsp;",
    "\"",
    "'",
    ">",
    "> ",
    "\n> ",
    "&gt; ",
    "\\> ",
    "\\",
    "- ",
    "\n- > ",
    "1. ",
    "\n",
    "\n\n",
    "*",
    "**",
    "_",
    "~~",
    "[",
    "](http://x.y/?a&b)",
    "http://x.y/?a&lt=b ",
    "\u{1f916}",
    "\u{e9}",
    "a",
    "b c",
    " ",
    "| a |\n| --- |\n",
    "|",
    "    ",
    "# ",
    "[ ] ",
    "$x<y$",
];
