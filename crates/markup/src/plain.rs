//! Text without markup, beside Markdown: for a service that may keep the one where it is given the other.

use super::model::{Block, Leaf};
use super::{TextFormat, canonical, settle};
use std::collections::{BTreeMap, BTreeSet};

/// Returns what canonical Markdown shows as text without markup, line by line.
pub fn plain(markdown: &str) -> String {
    let settled = settle::document(TextFormat::Markdown, markdown);
    if settled.blocks.is_empty() {
        return settled.text;
    }
    let mut lines: Vec<String> = Vec::new();
    for mut block in settled.blocks {
        if let Block::Code(_, code) = &block {
            lines.push(code.trim_end().to_owned());
        }
        block.each_runs(&mut |runs| {
            let shown = runs.iter().map(|run| match &run.leaf {
                Leaf::Text(text) | Leaf::Code(text) => text.as_str(),
                Leaf::Break => "\n",
                Leaf::Image { .. } => " ",
            });
            lines.push(shown.collect());
        });
    }
    lines.join("\n")
}

/// Returns canonical Markdown that shows a text as it stands: nothing in it is markup.
pub fn literal(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let paragraphs = text.split("\n\n").map(|lines| {
        let lines = lines.trim_matches('\n').replace('\n', "<br>");
        format!("<p>{lines}</p>")
    });
    canonical(TextFormat::Html, &paragraphs.collect::<String>())
}

/// Returns the canonical form of a text of which nothing says whether it is Markdown. It is read as Markdown, unless that would
/// hide a word: then it is none, and shows as it stands.
///
/// Example: of `**now**: a<b` everything but the asterisks shows in Markdown, and of `1. a <!-- b -->` the `b` would not.
pub fn canonical_of_either(text: &str) -> String {
    let read = canonical(TextFormat::Markdown, text);
    match has_words_of(&read, text) {
        true => read,
        false => literal(text),
    }
}

/// Returns whether every word of `part` stands in `whole` as often, whatever the order. Numbers need to stand there once: those of a
/// list are its own.
pub fn has_words_of(whole: &str, part: &str) -> bool {
    let (whole, part) = (Words::of(whole), Words::of(part));
    let mut words = part.words.iter();
    words.all(|(word, count)| whole.words.get(word).is_some_and(|there| there >= count))
        && part.numbers.is_subset(&whole.numbers)
}

/// The words and numbers of a text.
#[derive(Default)]
struct Words<'a> {
    words: BTreeMap<&'a str, usize>,
    numbers: BTreeSet<&'a str>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Words<'a> {
        let mut found = Words::default();
        let parts = text.split(|c: char| !c.is_alphanumeric());
        for part in parts.filter(|part| !part.is_empty()) {
            match part.chars().all(char::is_numeric) {
                true => drop(found.numbers.insert(part)),
                false => *found.words.entry(part).or_insert(0) += 1,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::same_words;

    #[test]
    fn a_text_without_markup_shows_as_it_stands() {
        for text in [
            "one",
            "2*3*4",
            "a_b_c and <b>x</b> &amp; y",
            "# no heading\n- no list\n\n1986. A year",
            "[1]: see below",
        ] {
            let markdown = literal(text);
            assert_eq!(canonical(TextFormat::Markdown, &markdown), markdown);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&plain(&markdown)), words(text), "{markdown}");
        }
    }

    #[test]
    fn what_is_shown_of_markdown_has_no_markup() {
        let text = "# T\n\n- a **b**\n- [c](https://example.com)\n\n> q\n\n```\nlet x;\n```";
        let shown = plain(&canonical(TextFormat::Markdown, text));
        assert_eq!(shown, "T\na b\nc\nq\nlet x;");
    }

    #[test]
    fn what_may_be_markdown_is_read_as_it_unless_that_hides_a_word() {
        let read = |text: &str| canonical(TextFormat::Markdown, text);
        for text in [
            "**b** and *i*",
            "- a\n- b",
            "1. a\n1. b",
            "see https://example.com/a_b",
            "[l](https://example.com) `code`",
            "a \\_ b \\<c\\>",
        ] {
            assert_eq!(canonical_of_either(text), read(text), "{text}");
        }
        for text in [
            "a <!-- hidden --> b",
            "[1]: https://example.com\nb",
            "5. five\n9. nine",
            "a &nbsp; b",
        ] {
            let shown = plain(&canonical_of_either(text));
            assert!(has_words_of(&shown, text), "{text}: {shown}");
        }
        // Its own canonical form reads the same.
        let once = canonical_of_either("a <!-- hidden --> b");
        assert_eq!(canonical_of_either(&once), once);
        assert!(same_words(&once, &canonical_of_either(&once)));
    }
}
