//! Laws of the rich-text code, over our own fixtures and over generated text.
//!
//! `BOARDSYNC_EXTRA_CORPUS=DIR` adds every `.html` and `.md` file below a directory to the fixture tests, for instance
//! texts exported from a real project; `cargo test -p boardsync-markup --test laws -- --nocapture` then prints the counts.
#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "tests are named by their rule, and the counts are for people who run a corpus"
)]

mod escaped;
mod generated;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use boardsync_markup::TextFormat::{self, EscapedMarkdown, Html, Markdown};
use boardsync_markup::{FOOTER_PREFIX, canonical, flattens, footer, put};

/// Every fixture: a short name, its language and its text.
fn fixtures() -> Vec<(String, TextFormat, String)> {
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"),
        &mut found,
    );
    if let Some(extra) = std::env::var_os("BOARDSYNC_EXTRA_CORPUS") {
        collect(&PathBuf::from(extra), &mut found);
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, TextFormat, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let format = match path.extension().and_then(|end| end.to_str()) {
            Some("html") => Html,
            Some("md") => Markdown,
            _ => continue,
        };
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
        found.push((path.display().to_string(), format, text));
    }
}

/// Fails with all offenders at once.
fn every_fixture(rule: &str, holds: impl Fn(&str, TextFormat, &str) -> Result<(), String>) {
    let all = fixtures();
    let failed: Vec<String> = all
        .iter()
        .filter_map(|(name, format, text)| {
            holds(name, *format, text)
                .err()
                .map(|why| format!("{name}: {why}"))
        })
        .collect();
    println!("{rule}: {} of {} hold", all.len() - failed.len(), all.len());
    assert!(failed.is_empty(), "{rule}:\n{}", failed.join("\n\n"));
}

fn equal(a: &str, b: &str) -> Result<(), String> {
    if a == b {
        Ok(())
    } else {
        Err(format!("\n--- expected\n{a}\n--- found\n{b}"))
    }
}

#[test]
fn canonical_markdown_is_its_own_canonical_form() {
    every_fixture("fixed point", |_, format, text| {
        let once = canonical(format, text);
        equal(&once, &canonical(Markdown, &once))
    });
}

#[test]
fn markdown_written_as_html_reads_back_equal() {
    every_fixture("by HTML and back", |_, format, text| {
        let once = canonical(format, text);
        equal(&once, &canonical(Html, &put(Html, "", &once)))
    });
}

#[test]
fn an_unchanged_text_keeps_every_byte() {
    every_fixture("put get", |_, format, text| {
        equal(text, &put(format, text, &canonical(format, text)))
    })
}

/// Fixtures that have no blocks to keep: misnested, or too deep to be cut into pieces.
const ONE_PIECE: [&str; 4] = ["never-closed", "wrongly-closed", "deep-divs", "unclosed"];

#[test]
fn a_new_paragraph_leaves_all_other_bytes_alone() {
    every_fixture("append", |name, format, text| {
        let wanted = canonical(
            Markdown,
            &format!("{}\n\nAdded by a colleague.", canonical(format, text)),
        );
        let written = put(format, text, &wanted);
        equal(&wanted, &canonical(format, &written))?;
        if ONE_PIECE.iter().any(|exempt| name.contains(exempt)) {
            return Ok(());
        }
        // The footer stays the last line, so only what stands before it can be a prefix.
        let footer_at = footer(text)
            .and_then(|_| text.find(FOOTER_PREFIX))
            .unwrap_or(text.len());
        let before = text.get(..footer_at).unwrap_or(text).trim_end();
        let kept = written.starts_with(before) && footer(&written) == footer(text);
        if kept {
            Ok(())
        } else {
            Err(format!("rewritten:\n{text}\n---\n{written}"))
        }
    });
}

#[test]
fn removing_the_first_block_leaves_the_last_ones_bytes_alone() {
    every_fixture("remove first", |name, format, text| {
        let last = match format {
            Html => "<p>Kept <span style=\"color:teal\">as it is</span></p>",
            Markdown | EscapedMarkdown => "Kept  __as it is__",
        };
        let whole = match format {
            Html => format!("<p>Goes away</p>{text}{last}"),
            Markdown | EscapedMarkdown => format!("Goes away\n\n{text}\n\n{last}"),
        };
        let before = canonical(format, &whole);
        let Some(wanted) = before.strip_prefix("Goes away\n\n") else {
            return Ok(());
        };
        let wanted = canonical(Markdown, wanted);
        let written = put(format, &whole, &wanted);
        equal(&wanted, &canonical(format, &written))?;
        let exempt =
            ONE_PIECE.iter().any(|exempt| name.contains(exempt)) || !wanted.contains("Kept");
        if exempt || written.contains(last) {
            Ok(())
        } else {
            Err(format!("rewritten:\n{whole}\n---\n{written}"))
        }
    });
}

/// Letters and digits that a reader sees, in order: an independent, crude reading of the raw text.
fn seen(format: TextFormat, text: &str) -> String {
    let html = match format {
        Html => text.to_owned(),
        Markdown | EscapedMarkdown => {
            let mut options = comrak::Options::default();
            options.extension.table = true;
            options.extension.strikethrough = true;
            options.extension.tasklist = true;
            options.render.r#unsafe = false;
            options.render.escape = true; // raw HTML as text: both sides of the comparison show tag names alike
            comrak::markdown_to_html(text, &options)
        }
    };
    let hidden = ["script", "style", "title", "iframe"];
    let document = scraper::Html::parse_fragment(&html);
    let shown = document.tree.root().descendants().filter_map(|node| {
        let inside = node
            .parent()
            .and_then(|parent| parent.value().as_element().map(|e| e.name().to_owned()));
        let text = node.value().as_text()?;
        (!inside.is_some_and(|name| hidden.contains(&name.as_str()))).then(|| text.to_string())
    });
    shown
        .flat_map(|text| {
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn multiset(text: &str) -> BTreeMap<char, usize> {
    let mut out = BTreeMap::new();
    text.chars().for_each(|c| *out.entry(c).or_insert(0) += 1);
    out
}

#[test]
fn no_letter_of_a_text_is_lost() {
    every_fixture("no loss", |name, format, text| {
        // Raw HTML in Markdown is markup here and text to the crude reading; a footer of ours is left out on purpose.
        if name.contains("html-")
            || name.contains("checkbox-marks")
            || name.contains("entities")
            || name.contains("generics")
            || footer(text).is_some()
        {
            return Ok(());
        }
        let shown = canonical(format, text);
        let (before, mut after) = (
            multiset(&seen(format, text)),
            multiset(&seen(Markdown, &shown)),
        );
        for (letter, count) in before {
            let left = after.remove(&letter).unwrap_or(0);
            // The other way round is fine: alternative texts, numbers of list items in cells, `br` and `u` as text.
            if left < count {
                return Err(format!(
                    "{letter:?} {count} times, then {left}\n{text}\n---\n{shown}"
                ));
            }
        }
        Ok(())
    });
}

/// Edits every block of every text once, one at a time.
#[test]
fn an_edit_of_one_block_seldom_flattens_anything() {
    let mut counts = BTreeMap::new();
    for (name, format, text) in fixtures() {
        let canon = canonical(format, &text);
        let blocks: Vec<&str> = canon.split("\n\n").collect();
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, block) in blocks.iter().enumerate() {
            let Some(place) = block.rfind(char::is_alphanumeric) else {
                continue;
            };
            let mut edited: Vec<String> = blocks.iter().map(|b| (*b).to_owned()).collect();
            if let Some(edited) = edited.get_mut(at) {
                edited.insert(place, 'x');
            }
            let wanted = canonical(Markdown, &edited.join("\n\n"));
            let lost = flattens(format, &text, &wanted);
            let count: &mut (usize, usize) = counts.entry(format!("{format:?}")).or_default();
            count.1 += 1;
            if let Some(lost) = lost {
                count.0 += 1;
                *found.entry(lost).or_default() += 1;
            }
        }
        for (lost, times) in found {
            println!("{name}: {lost} ({times} of {})", blocks.len());
        }
    }
    println!("edits that would flatten: {counts:?}");
    for (format, (lost, edits)) in counts {
        assert!(edits > 100, "{format}: {edits} edits are too few to tell");
        assert!(
            lost > 0,
            "{format}: the fixtures hold nothing that can be lost"
        );
        assert!(lost * 5 < edits, "{format}: {lost} of {edits}");
    }
}

#[test]
fn there_are_enough_fixtures_of_both_kinds() {
    for format in [Html, Markdown] {
        assert!(
            fixtures()
                .iter()
                .filter(|(_, kind, _)| *kind == format)
                .count()
                >= 60
        );
    }
}
