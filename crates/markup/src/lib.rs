//! HTML and Markdown to one canonical Markdown and back.
//!
//! Both languages are read into one small model (blocks over styled runs), brought into normal form and written as
//! Markdown that reads back to the same model. Sides are compared in this canonical form only. A write goes the other
//! way: blocks whose canonical form did not change keep their raw bytes, so what the model cannot express survives
//! edits elsewhere in the text.

use markdown_out::Dialect;
use serde::{Deserialize, Serialize};

mod carry;
mod entities;
mod footer;
mod html_in;
mod html_out;
mod html_table;
mod legible;
mod links;
mod links_back;
mod loss;
mod markdown_in;
mod markdown_out;
mod merge;
mod model;
mod normal;
mod patch;
mod plain;
mod reading;
mod settle;
mod tags;
#[cfg(test)]
mod tests;
mod tidy;

pub use legible::{is_no_character, legible};
pub use plain::{canonical_of_either, has_words_of, literal, plain};
pub use reading::reads_alike;

/// How a long text is written on its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextFormat {
    /// HTML (ADO's default).
    Html,
    /// Markdown as it stands (ClickUp).
    Markdown,
    /// Markdown in which `&`, `<`, `>`, quotes and emoji may stand as entities, in code too (ADO, per item and field).
    EscapedMarkdown,
}

/// Returns the canonical Markdown of a raw text, our own footer line left out.
///
/// Empty when the text shows nothing; no newline at the end. Canonical Markdown is its own canonical form. Text that
/// nests too deep is read as flat paragraphs. Markdown above one mebibyte is taken as it stands, line ends aside.
pub fn canonical(format: TextFormat, raw: &str) -> String {
    settle::document(format, raw).text
}

/// Returns raw text in `format` whose canonical form is `canonical_markdown`. Blocks that did not change against
/// `current_raw` keep their raw bytes, and a footer line of ours in it is kept.
///
/// When nothing changed the result is `current_raw`, byte for byte. An empty `canonical_markdown` gives an empty text
/// (plus the footer).
pub fn put(format: TextFormat, current_raw: &str, canonical_markdown: &str) -> String {
    written(format, current_raw, canonical_markdown).text
}

/// Returns what [`put`] would take away from a reader of `current_raw` besides what was edited, as words for people:
/// formatting that a block which must be written anew has, and that canonical Markdown cannot express.
///
/// `None` in the usual case: nothing like that is in the text, or not in the blocks that change. A block that is taken
/// out whole loses nothing. What counts is listed in the module `loss`.
pub fn flattens(
    format: TextFormat,
    current_raw: &str,
    canonical_markdown: &str,
) -> Option<&'static str> {
    let replaced = written(format, current_raw, canonical_markdown).replaced;
    replaced.iter().find_map(|raw| loss::of(format, raw))
}

fn written(format: TextFormat, current_raw: &str, canonical_markdown: &str) -> patch::Patched {
    let target = settle::document(TextFormat::Markdown, canonical_markdown);
    let current = settle::document(format, current_raw);
    if current.text == target.text {
        return patch::Patched {
            text: current_raw.to_owned(),
            replaced: Vec::new(),
        };
    }
    let holds = |raw: &String| canonical(format, raw) == target.text;
    if !target.text.is_empty()
        && current_raw.len() <= settle::MAX_BYTES
        && target.text.len() <= settle::MAX_BYTES
    {
        let (body, line) = match (format, &current.footer) {
            (TextFormat::Markdown | TextFormat::EscapedMarkdown, Some(_)) => {
                footer::cut(current_raw).unzip()
            }
            _ => (None, None),
        };
        let whole = current.footer.is_none() || line.is_some();
        let patched = whole.then(|| {
            patch::patch(
                format,
                body.as_deref().unwrap_or(current_raw),
                &target.blocks,
            )
        });
        let patched = patched.flatten().map(|patched| match &line {
            Some(line) => patch::Patched {
                text: appended(&patched.text, line),
                ..patched
            },
            None => patched,
        });
        let kept = |raw: &String| {
            current.footer.is_none() || settle::document(format, raw).footer == current.footer
        };
        if let Some(patched) = patched.filter(|new| holds(&new.text) && kept(&new.text)) {
            return patched;
        }
    }
    let replaced = match target.text.is_empty() {
        true => Vec::new(),
        false => vec![current_raw.to_owned()],
    };
    patch::Patched {
        text: rewritten(format, &target, current.footer.as_ref()),
        replaced,
    }
}

/// The text written from scratch.
fn rewritten(
    format: TextFormat,
    target: &settle::Settled,
    footer: Option<&footer::Footer>,
) -> String {
    match format {
        TextFormat::Markdown => match footer {
            Some((label, url)) => appended(&target.text, &footer::line(label, url)),
            None => target.text.clone(),
        },
        TextFormat::Html | TextFormat::EscapedMarkdown => {
            let mut blocks = if target.blocks.is_empty() {
                markdown_in::read(&target.text)
            } else {
                target.blocks.clone()
            };
            blocks.extend(footer.map(|(label, url)| footer::block(label, url)));
            match format {
                TextFormat::EscapedMarkdown => markdown_out::write_in(&blocks, Dialect::Escaped),
                TextFormat::Html | TextFormat::Markdown => html_out::write(&blocks),
            }
        }
    }
}

fn appended(markdown: &str, line: &str) -> String {
    let body = markdown.trim_end();
    if body.is_empty() {
        return line.to_owned();
    }
    format!("{body}\n\n{line}")
}

/// Result of a three-way merge of canonical Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextMerge {
    /// Both sides' changes fit together.
    Clean(String),
    /// Some changes overlap; `taking_a`/`taking_b` are the text with every overlap settled for that side.
    Conflict {
        /// Overlaps settled for `a`, everything else merged.
        taking_a: String,
        /// Overlaps settled for `b`, everything else merged.
        taking_b: String,
    },
}

/// Merges two edits of one canonical text by lines.
///
/// Edits of different paragraphs fit together; edits of the same or of touching lines overlap. Results are canonical.
/// Swapping `a` and `b` swaps the two settled texts and changes nothing else.
pub fn merge3(base: &str, a: &str, b: &str) -> TextMerge {
    let again = |text: &str| canonical(TextFormat::Markdown, text);
    if a == b || b == base {
        return TextMerge::Clean(again(a));
    }
    if a == base {
        return TextMerge::Clean(again(b));
    }
    match merge::lines(base, a, b) {
        merge::Merged::Clean(text) => TextMerge::Clean(again(&text)),
        merge::Merged::Conflict { taking_a, taking_b } => TextMerge::Conflict {
            taking_a: again(&taking_a),
            taking_b: again(&taking_b),
        },
    }
}

/// Returns what `other` becomes when the edit that made `now` of `base` is made in it. All are canonical Markdown; `base`
/// and `other` are what two services show of one text, each without what it cannot hold.
///
/// What was not edited stays as `other` has it. In an edited paragraph a link of `other` that `base` did not show keeps its
/// target where its text is still there. Where `base` and `other` are the same, the result is `now`.
pub fn carry(base: &str, now: &str, other: &str) -> String {
    carry::carry(base, now, other)
}

/// Returns canonical Markdown in which relative links lead where they lead on `page`, the address at which the text is
/// shown. ClickUp drops the target of a relative link, and keeps an absolute one. What leads nowhere from another page (a
/// place in the same text, a path of a file server) is left as its words. Everything stays as it is if `page` is no address.
pub fn absolute(markdown: &str, page: &str) -> String {
    let Some(page) = url::Url::parse(page)
        .ok()
        .filter(|_| markdown.contains("]("))
    else {
        return markdown.to_owned();
    };
    let mut blocks = settle::document(TextFormat::Markdown, markdown).blocks;
    let mut changed = false;
    for block in &mut blocks {
        block.each_runs(&mut |runs| {
            for run in runs {
                let relative = run.link.as_deref().filter(|url| links::is_relative(url));
                let Some(url) = relative else { continue };
                let whole = page.join(url).ok().filter(|_| !url.starts_with(['#', '%']));
                run.link = whole.and_then(|url| links::link(url.as_str()));
                changed = true;
            }
        });
    }
    match changed {
        true => canonical(
            TextFormat::Markdown,
            &markdown_out::write(&normal::normal(blocks)),
        ),
        false => markdown.to_owned(),
    }
}

/// Returns whether two canonical texts show the same words in the same order, whatever their links, formats and blocks.
pub fn same_words(a: &str, b: &str) -> bool {
    links_back::words_of(a) == links_back::words_of(b)
}

/// Prefix of the one footer line that we add to a task's description.
pub const FOOTER_PREFIX: &str = "Azure DevOps: ";

/// Returns `raw` Markdown with the footer line `Azure DevOps: [label](url)` set as its last line, replacing an earlier one.
///
/// The canonical form of the text does not change. Everything but the footer keeps its bytes, save white space at the
/// end, unless `raw` ends in something that would swallow the line (an open code fence or comment): then it is written
/// afresh.
pub fn with_footer(raw: &str, label: &str, url: &str) -> String {
    let line = footer::line(label, url);
    let mut body = raw.to_owned();
    if raw.len() <= settle::MAX_BYTES {
        // Bounded, because each cut reads the text again; a text with more footers is written afresh below.
        for _ in 0..8 {
            let Some((rest, _)) = footer::cut(&body) else {
                break;
            };
            body = rest;
        }
    }
    let text = canonical(TextFormat::Markdown, raw);
    let result = appended(&body, &line);
    let read = settle::document(TextFormat::Markdown, &result);
    // Not any footer: behind an open comment an earlier line is the one that is read.
    if read.footer.is_some() && read.footer == footer(&line) && read.text == text {
        return result;
    }
    appended(&text, &line)
}

/// Returns the (label, url) of our footer line in raw Markdown, if it has one.
///
/// Read through any escapes and link spellings that ClickUp's editor puts in. A line whose address carries an origin
/// marker counts wherever it stands at top level; any other must be the last line.
pub fn footer(raw: &str) -> Option<(String, String)> {
    settle::document(TextFormat::Markdown, raw).footer
}
