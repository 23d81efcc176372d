//! One function per decoder of outside bytes. Each decodes exactly as the product does and asserts what must hold of
//! whatever came in.

use boardsync::claim;
use boardsync::commands::saved;
use boardsync::connector::{ConnectorError, Watermark};
use boardsync::engine::deeds::SavedPairs;
use boardsync::marker::{self, MarkerKey};
use boardsync::markup::{TextMerge, canonical, carry, footer, merge3, put, with_footer};
use boardsync::model::TextFormat::{self, Html, Markdown};
use boardsync::model::{FieldKey, FieldValue, Item};
use boardsync::reconcile::plan::Plan;
use boardsync::render::{self, Style};
use boardsync::{azure, clickup, config};
use std::collections::BTreeMap;
use std::path::Path;

/// What an input is made of, so that it can be bent sensibly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A JSON document.
    Json,
    /// HTML, Markdown, TOML or plain text.
    Text,
}

/// A decoder under test. Its corpus is the folder of its name below `tests/corpus`.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Decodes one input; panics when a law is broken.
    pub run: fn(&[u8]),
    /// What its inputs are made of.
    pub shape: Shape,
    /// Mutated inputs in an ordinary test run.
    pub executions: u64,
}

/// Every target.
pub const TARGETS: [Target; 16] = [
    json("work_item", work_item, 1500),
    json("work_item_batch", work_item_batch, 1000),
    json("wiql_answer", wiql_answer, 3000),
    json("link_feed", link_feed, 3000),
    json("ado_error", ado_error, 3000),
    json("task", task, 1500),
    json("task_page", task_page, 1000),
    json("clickup_error", clickup_error, 3000),
    json("saved_plan", saved_plan, 1500),
    json("stored", stored, 2000),
    text("config", config, 800),
    text("html", html, 400),
    text("markdown", markdown, 400),
    text("merge3", merge, 600),
    text("marker", marker, 5000),
    text("claim", claim, 5000),
];

const fn json(name: &'static str, run: fn(&[u8]), executions: u64) -> Target {
    Target {
        name,
        run,
        shape: Shape::Json,
        executions,
    }
}

const fn text(name: &'static str, run: fn(&[u8]), executions: u64) -> Target {
    Target {
        name,
        run,
        shape: Shape::Text,
        executions,
    }
}

/// The zone that is farthest from UTC, where a day near the end of the calendar does not exist.
const FAR_EAST: chrono_tz::Tz = chrono_tz::Pacific::Kiritimati;

fn work_item(body: &[u8]) {
    for zone in [None, Some(FAR_EAST)] {
        match azure::decode::work_item(body, zone) {
            Ok(item) => item_laws(&item, body),
            Err(error) => error_laws(&error),
        }
    }
}

fn work_item_batch(body: &[u8]) {
    match azure::decode::work_items(body, None) {
        Ok(items) => items.iter().for_each(|item| item_laws(item, body)),
        Err(error) => error_laws(&error),
    }
}

fn wiql_answer(body: &[u8]) {
    match azure::decode::query_answer(body) {
        Ok((as_of, ids)) => {
            assert!(ids.iter().all(|id| id.as_str().parse::<i64>().is_ok()));
            as_of.to_rfc3339();
        }
        Err(error) => error_laws(&error),
    }
}

fn link_feed(body: &[u8]) {
    match azure::decode::link_page(body) {
        Ok(page) => assert!(page.ends.len() <= body.len()),
        Err(error) => error_laws(&error),
    }
}

fn ado_error(body: &[u8]) {
    for (status, content_type) in [
        (200, "text/html"),
        (203, "application/json"),
        (400, "application/json; charset=utf-8"),
        (403, "application/problem+json"),
        (409, "application/json"),
        (503, "text/plain"),
    ] {
        for write in [false, true] {
            let error = azure::decode::error(status, content_type, body, write);
            match error {
                Some(error) => error_laws(&error),
                // Nothing at all is what a service answers where there is nothing to say.
                None => assert!(status == 200 && body.is_empty()),
            }
        }
    }
}

fn task(body: &[u8]) {
    for zone in [None, Some(FAR_EAST)] {
        match clickup::decode::task(body, zone) {
            Ok(item) => item.iter().for_each(|item| item_laws(item, body)),
            Err(error) => error_laws(&error),
        }
    }
}

fn task_page(body: &[u8]) {
    match clickup::decode::task_page(body, Some(FAR_EAST)) {
        Ok((items, last)) => {
            assert!(last || items.len() <= body.len());
            let rising = items.is_sorted_by(|a, b| a.id < b.id);
            assert!(rising, "each task counts once");
            items.iter().for_each(|item| item_laws(item, body));
        }
        Err(error) => error_laws(&error),
    }
}

fn clickup_error(body: &[u8]) {
    for status in [302, 400, 401, 404, 429, 500] {
        for write in [false, true] {
            error_laws(&clickup::decode::error(status, body, write));
        }
    }
}

fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parse = || config::parse(Path::new("config.toml"), text, &|_| None);
    match parse() {
        Ok(config) => {
            assert!(!config.pairs.is_empty());
            config.warnings.iter().for_each(|line| plain(line));
            assert_eq!(
                parse().ok().map(|again| again.fingerprint),
                Some(config.fingerprint)
            );
        }
        Err(errors) => {
            let shown = errors.render(false);
            assert!(!shown.trim().is_empty());
            shown.lines().for_each(plain);
            bounded("a rendered problem list", shown.len(), bytes.len(), 1 << 10);
        }
    }
}

fn saved_plan(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let needed = saved::read::<SavedPairs>(text);
    let Ok(plan) = saved::read::<Plan>(text) else {
        return;
    };
    let needed = needed.expect("what is needed of a plan can be read of it");
    for (pair, needed) in plan.pairs.iter().zip(&needed.pairs) {
        for (action, needed) in pair.actions.iter().zip(&needed.actions) {
            assert_eq!(
                (&action.id, action.content()),
                (&needed.id, needed.content.clone())
            );
        }
    }
    let saved = serde_json::to_string(&plan).expect("a plan can be saved");
    assert_eq!(
        saved::read(&saved).as_ref(),
        Ok(&plan),
        "saved and read again"
    );
    let shown = render::plan(&plan, &render::Show::default(), &Style::default());
    shown.lines().for_each(plain);
    bounded("a rendered plan", shown.len(), bytes.len(), 1 << 8);
    render::plan_json(&plan);
    plan.pairs.iter().for_each(|pair| {
        assert_eq!(pair.hash().len(), 16);
    });
}

fn stored(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    read_back::<Watermark>(text);
    read_back::<BTreeMap<FieldKey, FieldValue>>(text);
    if let Some(item) = read_back::<Item>(text) {
        item.title();
        item.fields.values().for_each(|value| {
            value.to_string();
        });
    }
}

/// Reads a value of a JSON column and asserts that it is the same after it was written again.
fn read_back<T>(text: &str) -> Option<T>
where
    T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug,
{
    let value: T = serde_json::from_str(text).ok()?;
    let written = serde_json::to_string(&value).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, value);
    Some(value)
}

fn html(bytes: &[u8]) {
    markup_laws(Html, &String::from_utf8_lossy(bytes));
}

fn markdown(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    markup_laws(Markdown, &text);
    let url = "https://dev.azure.com/o/p/_workitems/edit/7#sx1:web:ado:7:0:0a1b2c3d";
    let marked = with_footer(&text, "Bug 7", url);
    assert_eq!(footer(&marked), Some(("Bug 7".to_owned(), url.to_owned())));
    assert_eq!(canonical(Markdown, &marked), canonical(Markdown, &text));
}

fn markup_laws(format: TextFormat, raw: &str) {
    let once = canonical(format, raw);
    bounded("a canonical text", once.len(), raw.len(), 1 << 7);
    assert_eq!(
        canonical(Markdown, &once),
        once,
        "it is its own canonical form"
    );
    assert_eq!(
        canonical(Html, &put(Html, "", &once)),
        once,
        "by HTML and back"
    );
    assert_eq!(
        put(format, raw, &once),
        raw,
        "unchanged text keeps its bytes"
    );
    let more = canonical(Markdown, &format!("{once}\n\nAdded."));
    let written = put(format, raw, &more);
    assert_eq!(
        canonical(format, &written),
        more,
        "what is put is read back"
    );
}

fn merge(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, "\n=====\n");
    let mut next = || canonical(Markdown, parts.next().unwrap_or(""));
    let (base, a, b) = (next(), next(), next());
    assert_eq!(merge3(&base, &a, &base), TextMerge::Clean(a.clone()));
    assert_eq!(merge3(&base, &base, &b), TextMerge::Clean(b.clone()));
    assert_eq!(merge3(&base, &a, &a), TextMerge::Clean(a.clone()));
    assert_eq!(
        carry(&base, &a, &base),
        a,
        "nothing is lost: the edit is the text"
    );
    assert_eq!(carry(&base, &base, &b), b, "nobody edited");
    let carried = carry(&base, &a, &b);
    assert_eq!(canonical(Markdown, &carried), carried, "it is canonical");
    bounded(
        "a carried text",
        carried.len(),
        base.len() + a.len() + b.len(),
        8,
    );
    let merged = merge3(&base, &a, &b);
    let swapped = match merge3(&base, &b, &a) {
        TextMerge::Conflict { taking_a, taking_b } => TextMerge::Conflict {
            taking_a: taking_b,
            taking_b: taking_a,
        },
        clean => clean,
    };
    assert_eq!(merged, swapped, "the order of the sides decides nothing");
    let texts = match merged {
        TextMerge::Clean(text) => vec![text],
        TextMerge::Conflict { taking_a, taking_b } => vec![taking_a, taking_b],
    };
    for text in texts {
        assert_eq!(canonical(Markdown, &text), text, "merged text is canonical");
        bounded(
            "a merged text",
            text.len(),
            base.len() + a.len() + b.len(),
            8,
        );
    }
}

fn marker(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (key, other) = (MarkerKey::new([7; 32]), MarkerKey::new([8; 32]));
    if let Some(read) = marker::parse(&text) {
        let made = marker::marker(&key, &read.pair, read.side, &read.id, read.generation);
        assert_eq!(marker::verify(&key, &text).is_some(), made == text.trim());
        assert_eq!(
            marker::verify(&key, &made).map(|m| (m.pair, m.id)),
            Some((read.pair, read.id))
        );
        assert_eq!(marker::verify(&other, &made), None);
    } else {
        assert_eq!(marker::verify(&key, &text), None);
    }
}

/// What is read is written as the same claim, whatever its spelling was.
fn claim(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(read) = claim::parse(&text) {
        assert_eq!(claim::parse(&read.to_string()).as_ref(), Some(&read));
        assert!(read.who().contains(&read.instance));
    }
}

fn item_laws(item: &Item, body: &[u8]) {
    for value in item.fields.values() {
        match value {
            FieldValue::Empty
            | FieldValue::Number(_)
            | FieldValue::Duration(_)
            | FieldValue::Day(_)
            | FieldValue::Moment(_) => {}
            FieldValue::Text(text) => {
                assert!(
                    !text.is_empty() && text.trim() == text && !text.contains('\n'),
                    "{text:?}"
                );
            }
            FieldValue::Rich(text) => {
                assert!(!text.trim().is_empty());
                assert_eq!(canonical(Markdown, text), text.as_str());
                bounded("a long text", text.len(), body.len(), 1 << 7);
            }
            FieldValue::Choice(name) => assert!(!name.key.is_empty()),
            FieldValue::Tags(set) | FieldValue::People(set) => {
                assert!(
                    !set.is_empty() && set.iter().all(|one| !one.key.is_empty()),
                    "{set:?}"
                );
            }
        }
        value.to_string();
    }
    let stored = serde_json::to_string(item).expect("an item can be stored");
    assert_eq!(
        serde_json::from_str::<Item>(&stored).ok().as_ref(),
        Some(item)
    );
}

/// An error is shown on a terminal and written to logs: one short line that cannot steer either.
fn error_laws(error: &ConnectorError) {
    let shown = error.to_string();
    plain(&shown);
    assert!(
        shown.chars().count() <= 1000,
        "{} characters",
        shown.chars().count()
    );
}

fn plain(line: &str) {
    let odd = line.chars().find(|c| c.is_control());
    assert_eq!(odd, None, "a control character is shown: {line:?}");
}

/// What comes out may be larger than what went in, but only by a factor.
fn bounded(what: &str, out: usize, input: usize, factor: usize) {
    let most = (64 << 10) + factor * input;
    assert!(out <= most, "{what} of {out} bytes from {input}");
}
