//! Whether two texts say the same to a reader: the same words, code, link targets and images in the same order.
//!
//! A service gives back its own rendering of what it was sent: other bullets, escapes, an address that became a link,
//! emphasis that it has no form for. None of that takes anything from the reader. A word, a line of code or a target that is
//! gone, new or different does.

use super::model::{Block, Leaf, Run};
use super::{TextFormat, links, settle};
use std::rc::Rc;

/// What a text says.
#[derive(Default, PartialEq, Eq)]
struct Reading {
    words: Vec<String>,
    /// Addresses of links and images.
    targets: Vec<String>,
}

/// Returns whether two texts in canonical Markdown say the same to a reader.
///
/// Not counted: emphasis, headings, the shape of lists and tables, the language of a code block, boxes that are not ticked,
/// backslashes before punctuation outside of code, white space, characters that show nothing. Above one mebibyte the
/// texts are compared word by word as they stand.
pub fn reads_alike(one: &str, other: &str) -> bool {
    one == other || reading(one) == reading(other)
}

fn reading(markdown: &str) -> Reading {
    let settled = settle::document(TextFormat::Markdown, markdown);
    let mut found = Reading::default();
    if settled.blocks.is_empty() {
        found.say(&settled.text);
    }
    for block in &settled.blocks {
        found.block(block);
    }
    found
}

impl Reading {
    fn say(&mut self, text: &str) {
        let words = text.split_whitespace().map(shown);
        self.words.extend(words.filter(|word| !word.is_empty()));
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Para(runs) | Block::Heading(_, runs) => self.runs(runs),
            Block::Code(_, text) => self.code(text),
            Block::List { items, .. } => {
                for item in items {
                    if item.task == Some(true) {
                        self.words.push("[x]".to_owned());
                    }
                    item.blocks.iter().for_each(|block| self.block(block));
                }
            }
            Block::Quote(blocks) => blocks.iter().for_each(|block| self.block(block)),
            Block::Table { rows, .. } => rows.iter().flatten().for_each(|cell| self.runs(cell)),
            Block::Rule => {}
        }
    }

    /// White space counts in code, but for what nobody sees at the end of a line and of the block.
    fn code(&mut self, text: &str) {
        let lines = text.trim_end().lines().map(str::trim_end);
        self.words.extend(lines.map(|line| format!("code {line}")));
    }

    /// A word may go on over several runs, so the text is put together first.
    fn runs(&mut self, runs: &[Run]) {
        let mut text = String::new();
        for run in runs {
            match &run.leaf {
                Leaf::Text(part) => text.push_str(&unescaped(part)),
                Leaf::Code(part) => text.push_str(part),
                Leaf::Break => text.push(' '),
                Leaf::Image { url, .. } => {
                    text.push(' ');
                    self.targets.push(url.clone());
                }
            }
        }
        self.say(&text);
        for linked in runs.chunk_by(|a, b| a.link == b.link) {
            let Some(url) = linked.first().and_then(|run| run.link.as_ref()) else {
                continue;
            };
            self.target(linked, url);
        }
    }

    /// An address that is shown as it is has been said already, as a word.
    fn target(&mut self, linked: &[Run], url: &Rc<str>) {
        let shown: String = linked
            .iter()
            .map(|run| match &run.leaf {
                Leaf::Text(text) | Leaf::Code(text) => text.as_str(),
                Leaf::Image { .. } | Leaf::Break => "",
            })
            .collect();
        if !links::is_bare(&shown, url) {
            self.targets.push(url.to_string());
        }
    }
}

/// The word without characters that show nothing.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !is_unseen(*c)).collect()
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
        )
}

/// Text without the backslashes that an editor puts before punctuation.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation);
        if !escapes {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_says_the_same_and_a_loss_does_not() {
        for (sent, kept, same) in [
            ("- one\n- two", "* one\n* two", true),
            ("snake_case_name", r"snake\\_case\\_name", true),
            ("**bold** words", "bold words", true),
            ("# Title\n\ntext", "**Title**\n\ntext", true),
            ("see https://x.example/a", "see <https://x.example/a>", true),
            ("a\nb", "a  \nb", true),
            ("w\u{200b}ord", "word", true),
            ("```rust\nlet a;\n```", "```\nlet a;\n```", true),
            ("1. one\n2. two", "1. one\n1. two", true),
            ("- [ ] open", "- open", true),
            // What a reader misses.
            ("one two three", "one two", false),
            ("one two", "two one", false),
            ("text", "", false),
            ("text", "Text", false),
            ("`if (a<b)`", "`if (a`", false),
            ("```\nif (a<b) { x }\n```\n\nlast", "```\nif (a\n```", false),
            ("```\n  deep\n```", "```\ndeep\n```", false),
            ("say \"no\"", "say &amp;quot;no&amp;quot;", false),
            ("[word](https://x.example/a)", "word", false),
            (
                "[word](https://x.example/a)",
                "[word](https://x.example/b)",
                false,
            ),
            (
                "[one](https://x.example/a) [two](https://x.example/b)",
                "[one](https://x.example/b) [two](https://x.example/a)",
                false,
            ),
            ("![](https://x.example/a.png)", "text", false),
            ("- [x] done", "- [ ] done", false),
        ] {
            assert_eq!(reads_alike(sent, kept), same, "{sent:?} as {kept:?}");
            assert_eq!(reads_alike(kept, sent), same, "{kept:?} as {sent:?}");
        }
    }

    #[test]
    fn texts_beyond_the_limit_are_compared_word_by_word() {
        let long = "word ".repeat(settle::MAX_BYTES / 4);
        assert!(reads_alike(&long, &format!("{long}\n")));
        assert!(!reads_alike(&long, &format!("{long} more")));
    }
}
