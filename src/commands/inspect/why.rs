//! `why`: the stored base beside both present values.

use super::super::{Context, Failure, print, print_json, setup};
use super::{config, links_of};
use crate::cli::ExitCode;
use crate::engine::observe;
use crate::model::{FieldKey, FieldValue, LinkId, Side};
use crate::reason::Outcome;
use crate::render;
use crate::store::{LinkRow, LinkState, Store, StoreError};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// `why`: base and both present values per field, and what the next plan would do.
pub async fn why(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (store, key) = setup::open_state_read_only(&config)?;
    let links = links_of(&store, item)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    if !context.global.json {
        print(&alone(&engine.store(), &links, item)?);
    }
    for link in links.iter().filter(|link| link.state.is_living()) {
        let seen = engine.look(&link.pair, link.id).await?;
        let (base, holds) = {
            let store = engine.store();
            (store.base(link.id)?, store.holds(Some(&link.pair))?)
        };
        let value = |side: Side, field: &FieldKey| {
            seen.items()
                .get(side)
                .get(link.item(side))
                .and_then(|item| item.fields.get(field))
                .map_or_else(|| "(no information)".to_owned(), ToString::to_string)
        };
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        let Some(policy) = engine.policy(&link.pair) else {
            continue;
        };
        let lines = engine.store().journal_of(Some(Side::Ado), &link.ado)?;
        let last_run = lines
            .into_iter()
            .rev()
            .find(|line| line.entry.outcome == Outcome::Done && line.entry.pair == link.pair)
            .map(|line| line.entry.cycle);
        for field in policy.fields.keys() {
            let agreed = base.get(field);
            let shown = |value: Option<&FieldValue>| {
                value.map_or_else(|| "(none)".to_owned(), ToString::to_string)
            };
            let decision = decision(&seen, link.id, field);
            let bases = Side::BOTH.map(|side| shown(agreed.map(|base| base.get(side).value())));
            rows.push(vec![
                field.to_string(),
                if bases.first() == bases.last() {
                    bases.first().cloned().unwrap_or_default()
                } else {
                    bases.join(" | ")
                },
                value(Side::Ado, field),
                value(Side::ClickUp, field),
                decision.clone(),
            ]);
            values.push(json!({
                "field": field, "base": agreed.map(|b| json!({ "ado": render::plain(b.ado.value()), "clickup": render::plain(b.clickup.value()) })),
                "ado": value(Side::Ado, field), "clickup": value(Side::ClickUp, field), "decision": decision,
            }));
        }
        if context.global.json {
            print_json(
                &json!({ "format_version": 1, "pair": link.pair, "ado": link.ado, "clickup": link.clickup, "fields": values,
                         "last_run": last_run }),
            );
            continue;
        }
        print(&format!(
            "{}: work item {} <-> task {}\n",
            link.pair, link.ado, link.clickup
        ));
        print(&render::table(
            &["field", "base", "Azure DevOps", "ClickUp", "decision"],
            &rows,
            &context.style,
        ));
        for hold in holds.iter().filter(|hold| hold.link == Some(link.id)) {
            print(&render::escape(&format!("held: {}", hold.reason())));
            print("\n");
        }
        if let Some(run) = last_run {
            print(&format!(
                "last written by run {run}; take that back with: boardsync undo {run}\n"
            ));
        }
    }
    Ok(ExitCode::Done)
}

/// What is known of an item beside living links: what it waits for, links that ended, or nothing at all.
fn alone(store: &Store, links: &[LinkRow], item: &str) -> Result<String, StoreError> {
    let id = super::item_id(item);
    let mut lines = Vec::new();
    for hold in store.holds(None)? {
        if hold.link.is_none() && hold.item.as_ref() == Some(&id) {
            lines.push(format!("{}: {id} is held: {}", hold.pair, hold.reason()));
        }
    }
    for link in links {
        if let LinkState::Tombstone { why } = &link.state {
            lines.push(format!(
                "{}: the link of work item {} and task {} ended: {why}",
                link.pair, link.ado, link.clickup
            ));
        }
    }
    if lines.is_empty() && links.is_empty() {
        lines.push(format!("{id} is not linked, and nothing waits for it"));
    }
    Ok(lines
        .iter()
        .map(|line| render::escape(line) + "\n")
        .collect())
}

fn decision(seen: &observe::Observed, link: LinkId, field: &FieldKey) -> String {
    for pair in &seen.plan().pairs {
        for action in pair
            .actions
            .iter()
            .filter(|action| action.link == Some(link))
        {
            if let Some(change) = action.changes.iter().find(|change| change.field == *field) {
                return format!("write to {}: {}", action.target, change.reason);
            }
        }
        if let Some(hold) = pair
            .holds
            .iter()
            .find(|hold| hold.link == Some(link) && hold.field.as_ref() == Some(field))
        {
            return format!("held: {}", hold.reason());
        }
        if pair
            .conflicts
            .iter()
            .any(|conflict| conflict.link == link && conflict.field == *field)
        {
            return "conflict, held".to_owned();
        }
        if pair
            .rebases
            .iter()
            .any(|rebase| rebase.link == link && rebase.fields.contains_key(field))
        {
            return "both sides agree".to_owned();
        }
    }
    "unchanged since the base".to_owned()
}
