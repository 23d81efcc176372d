//! `why`: the stored base beside both present values.

use super::super::when::when;
use super::super::{Context, Failure, next, print, print_json, setup};
use super::status::{MAX_CELL, held};
use super::{config, in_no_link};
use crate::cli::ExitCode;
use crate::model::{Clock, FieldValue, Side, Sided, Timestamp};
use crate::render;
use crate::views::item_id;
use crate::views::why::{About, EndedLink, FieldWhy, Why, about as look};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

#[derive(Serialize)]
struct Versioned<'a> {
    format_version: u32,
    #[serde(flatten)]
    about: &'a About,
}

/// `why`: base and both present values per field, and what the next plan would do; of an item in no link, what it waits for.
pub async fn why(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (store, key) = setup::open_state_read_only(&config)?;
    let id = item_id(item);
    let links = store.find_item(&id)?;
    let waits = |hold: &crate::store::HoldRow| hold.item.as_ref() == Some(&id);
    if links.is_empty() && !store.holds(None)?.iter().any(waits) {
        return Err(in_no_link(&config, &store, &id));
    }
    let engine = setup::engine(&config, &services, store, key).await?;
    let found = look(&engine, &links, &id).await?;
    let about = found.ok_or_else(|| in_no_link(&config, &engine.store(), &id))?;
    if context.global.json {
        print_json(&Versioned {
            format_version: 1,
            about: &about,
        });
        return Ok(ExitCode::Done);
    }
    let now = crate::clock::SystemClock.now();
    for hold in &about.holds {
        let text = format!("{}: {}", hold.pair, held(hold, None, now));
        print(&render::hanging(&text, 4, &context.style));
    }
    for link in &about.ended {
        let text = ended(link);
        print(&render::hanging(&text, 4, &context.style));
    }
    for why in &about.links {
        show(context, why, now);
    }
    Ok(ExitCode::Done)
}

/// A link that has ended, as a line.
fn ended(link: &EndedLink) -> String {
    format!(
        "{}: the link of work item {} and task {} ended{}: {}{}",
        link.pair,
        link.ado,
        link.clickup,
        link.ended_at
            .map_or_else(String::new, |at| format!(" {}", when(at))),
        link.why,
        link.run
            .as_ref()
            .map_or_else(String::new, |run| format!(" (run {run})")),
    )
}

fn show(context: &Context, why: &Why, now: Timestamp) {
    print(&format!(
        "{}: work item {} <-> task {}\n",
        why.pair, why.ado, why.clickup
    ));
    let long = long_and_shared(&why.fields);
    let rows: Vec<_> = why
        .fields
        .iter()
        .map(|field| {
            let mut cells = cells(field, &why.absent);
            let decision = field.decision.as_str();
            cells.push(match long.contains_key(decision) {
                true => verdict(decision).to_owned(),
                false => decision.to_owned(),
            });
            cells
        })
        .collect();
    print(&render::table(
        &["field", "base", "Azure DevOps", "ClickUp", "decision"],
        &rows,
        &context.style,
    ));
    for side in Side::BOTH {
        if let Some(absent) = why
            .absent
            .get(side)
            .as_ref()
            .filter(|text| verdict(text) != *text)
        {
            let id = match side {
                Side::Ado => &why.ado,
                Side::ClickUp => &why.clickup,
            };
            let text = format!("{side} {id} is {absent}");
            print(&render::hanging(&text, 4, &context.style));
        }
    }
    for (decision, fields) in &long {
        // The line of the hold itself says it too, with when it is tried again.
        if why
            .holds
            .iter()
            .any(|hold| decision.ends_with(&hold.reason))
        {
            continue;
        }
        let of = match fields.len() == why.fields.len() {
            true => "every field".to_owned(),
            false => fields.join(", "),
        };
        print(&render::hanging(
            &format!("{of}: {decision}"),
            4,
            &context.style,
        ));
    }
    for hold in &why.holds {
        print(&render::hanging(&held(hold, None, now), 4, &context.style));
    }
    if let Some(run) = &why.last_run {
        let undo = next(context, &format!("undo {run}"));
        let text = format!("last written by run {run}; take that whole run back with: {undo}");
        print(&render::hanging(&text, 4, &context.style));
    }
}

/// What a decision comes to, without the reason: `held`, `write to ClickUp`.
fn verdict(decision: &str) -> &str {
    decision
        .split_once(": ")
        .map_or(decision, |(verdict, _)| verdict)
}

/// Decisions of more than one field that would not fit beside each of them, with those fields: what is said of an item as a
/// whole is said of every field of it.
fn long_and_shared(fields: &[FieldWhy]) -> BTreeMap<&str, Vec<String>> {
    let mut by_decision: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for field in fields {
        let of = by_decision.entry(field.decision.as_str()).or_default();
        of.push(field.field.to_string());
    }
    by_decision.retain(|decision, fields| fields.len() > 1 && decision.chars().count() > MAX_CELL);
    by_decision
}

fn cells(why: &FieldWhy, absent: &Sided<Option<String>>) -> Vec<String> {
    let shown = |value: Option<&FieldValue>| {
        value.map_or_else(|| "(not known)".to_owned(), ToString::to_string)
    };
    let seen = |side: Side| match (why.now.get(side), absent.get(side)) {
        (Some(value), _) => value.to_string(),
        // Why is said once, below.
        (None, Some(absent)) => format!("({})", verdict(absent)),
        (None, None) if side == Side::Ado && why.lacking => "(no such field)".to_owned(),
        (None, None) => "(no information)".to_owned(),
    };
    let base = why.base.as_ref();
    let ado = shown(base.map(|base| &base.ado));
    let clickup = shown(base.map(|base| &base.clickup));
    vec![
        why.field.to_string(),
        match ado == clickup {
            true => ado,
            false => format!("{ado} | {clickup}"),
        },
        seen(Side::Ado),
        seen(Side::ClickUp),
    ]
}
