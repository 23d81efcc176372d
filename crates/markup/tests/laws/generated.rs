//! The laws over text that is put together at random.

use boardsync_markup::TextFormat::{self, EscapedMarkdown, Html, Markdown};
use boardsync_markup::{
    TextMerge, canonical, canonical_of_either, flattens, footer, has_words_of, literal, merge3,
    plain, put, with_footer,
};
use proptest::prelude::*;

/// Bits of Markdown that mean something to one another when put together.
pub(super) const MARKDOWN_BITS: &[&str] = &[
    "*",
    "**",
    "_",
    "~~",
    "~",
    "`",
    "``",
    "[",
    "]",
    "(",
    ")",
    "](http://x.y)",
    "![",
    "<u>",
    "</u>",
    "<b>",
    "</b>",
    "<br>",
    "<sub>",
    "</sub>",
    "a",
    "b c",
    " ",
    "  ",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "2) ",
    "> ",
    "# ",
    "|",
    "| --- |",
    "---",
    "===",
    "\\",
    "&amp;",
    "&lt;",
    "&gt; ",
    ">",
    "\\&gt;",
    "&",
    "<T>",
    "<div>",
    "</div>",
    "<!-- x -->",
    "    ",
    "\t",
    "☐ ",
    "[ ] ",
    "[x] ",
    "```",
    "~~~",
    "$",
    "^",
    "é",
    "⚓",
    "!",
    "_x_",
    "http://a.b/_c_d",
    "Azure DevOps: ",
    "[l](https://d/e#sx1:a:b)",
    "\u{a0}",
    "<a href='http://q'>",
    "</a>",
    "<img src=x alt=y>",
    ".",
    "1",
    ":",
    "+",
    "<li>",
    "<ul>",
    "</ul>",
    "<table>",
    "<td>",
    "\r\n",
];

/// Bits of HTML, likewise.
const HTML_BITS: &[&str] = &[
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<s>",
    "</s>",
    "<u>",
    "</u>",
    "<sub>",
    "</sub>",
    "<a href=http://x>",
    "</a>",
    "<a href=http://y>",
    "a",
    "b",
    " ",
    "c d",
    "<br>",
    "<br><br>",
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<ul>",
    "</ul>",
    "<ol>",
    "<ol start=3>",
    "</ol>",
    "<li>",
    "</li>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "<td rowspan=2 colspan=2>",
    "</td>",
    "<th>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<blockquote>",
    "</blockquote>",
    "<h2>",
    "</h2>",
    "<hr>",
    "<img src=i.png alt='q*'>",
    "<input type=checkbox checked>",
    "☐ ",
    "[ ] ",
    "*",
    "_",
    "`",
    "[",
    "]",
    "(",
    "!",
    "~",
    "#",
    "1.",
    "-",
    "+",
    "|",
    "\\",
    "&lt;",
    "&gt;",
    "&amp;lt;",
    "&amp;",
    "<span>",
    "</span>",
    "&nbsp;",
    "50%",
    ",",
    "http://a.b/c_d ",
    "Azure DevOps: ",
    "<a href='https://d/e#sx1:a'>L</a>",
    "\n",
    "<o:p>",
    "<!-- c -->",
    "<",
    "\u{0}",
];

pub(super) fn soup(bits: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(bits), 0..most).prop_map(|bits| bits.concat())
}

fn raw_text() -> impl Strategy<Value = (TextFormat, String)> {
    prop_oneof![
        soup(HTML_BITS, 30).prop_map(|text| (Html, text)),
        soup(MARKDOWN_BITS, 30).prop_map(|text| (Markdown, text)),
        soup(MARKDOWN_BITS, 30).prop_map(|text| (EscapedMarkdown, text)),
    ]
}

/// A canonical text of a few paragraphs and list items drawn from few words, so that edits meet often.
fn small_text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(
        &[
            "one",
            "two",
            "three",
            "- one",
            "- two",
            "# one",
            "> two",
            "",
            "one\\\ntwo",
        ][..],
    );
    prop::collection::vec(line, 0..7).prop_map(|lines| canonical(Markdown, &lines.join("\n\n")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_that_stays_or_goes_flattens_nothing((format, raw) in raw_text()) {
        prop_assert_eq!(flattens(format, &raw, &canonical(format, &raw)), None);
        prop_assert_eq!(flattens(format, &raw, ""), None);
    }

    #[test]
    fn any_text_has_a_stable_canonical_form((format, raw) in raw_text()) {
        let once = canonical(format, &raw);
        prop_assert_eq!(&canonical(Markdown, &once), &once);
        prop_assert_eq!(&canonical(Html, &put(Html, "", &once)), &once);
        prop_assert_eq!(&put(format, &raw, &once), &raw);
    }

    #[test]
    fn what_is_put_is_what_is_read_back((format, raw) in raw_text(), wanted in soup(MARKDOWN_BITS, 12), joined: bool) {
        let tail = if joined { canonical(format, &raw) } else { String::new() };
        let wanted = canonical(Markdown, &format!("{wanted}\n\n{tail}"));
        let written = put(format, &raw, &wanted);
        prop_assert_eq!(&canonical(format, &written), &wanted);
        prop_assert_eq!(&put(format, &written, &wanted), &written, "a second pass writes nothing");
    }

    #[test]
    fn a_footer_can_be_set_on_any_text(raw in soup(MARKDOWN_BITS, 20), label in "[A-Za-z\\[\\]_*#0-9]{1,12}", mark in "[A-Za-z0-9:%._~-]{1,20}") {
        let url = format!("https://dev.azure.com/o/p_q/_workitems/edit/7#sx1:{mark}");
        let marked = with_footer(&raw, &label, &url);
        prop_assert_eq!(footer(&marked), Some((label, url)));
        prop_assert_eq!(canonical(Markdown, &marked), canonical(Markdown, &raw));
    }

    #[test]
    fn merging_with_an_unchanged_or_equal_side_gives_the_other(base in small_text(), edit in small_text()) {
        prop_assert_eq!(merge3(&base, &edit, &base), TextMerge::Clean(edit.clone()));
        prop_assert_eq!(merge3(&base, &base, &edit), TextMerge::Clean(edit.clone()));
        prop_assert_eq!(merge3(&base, &edit, &edit), TextMerge::Clean(edit));
    }

    #[test]
    fn merging_is_symmetric_up_to_the_winner(base in small_text(), a in small_text(), b in small_text()) {
        let swapped = match merge3(&base, &b, &a) {
            TextMerge::Conflict { taking_a, taking_b } => TextMerge::Conflict { taking_a: taking_b, taking_b: taking_a },
            clean => clean,
        };
        prop_assert_eq!(merge3(&base, &a, &b), swapped);
    }

    #[test]
    fn merged_text_is_canonical(base in small_text(), a in small_text(), b in small_text()) {
        let texts = match merge3(&base, &a, &b) {
            TextMerge::Clean(text) => vec![text],
            TextMerge::Conflict { taking_a, taking_b } => vec![taking_a, taking_b],
        };
        for text in texts {
            prop_assert_eq!(&canonical(Markdown, &text), &text);
        }
    }

    /// The name of an entity right behind an address is no word.
    #[test]
    fn text_that_may_be_markdown_hides_no_word(text in soup(MARKDOWN_BITS, 20)) {
        let text = text.replace('&', "");
        let read = canonical_of_either(&text);
        prop_assert!(has_words_of(&read, &text), "{}", read);
        prop_assert_eq!(&canonical_of_either(&read), &read);
        let shown = literal(&text);
        prop_assert_eq!(&canonical(Markdown, &shown), &shown);
        prop_assert!(has_words_of(&plain(&shown), &text), "{}", shown);
    }
}
