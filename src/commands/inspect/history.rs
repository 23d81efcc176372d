//! `history`: the journal of one item.

use super::super::{Context, Failure, print, print_json};
use super::{config, item_id, links_of, read_only};
use crate::cli::ExitCode;
use crate::model::{FieldValue, Side};
use crate::render;
use serde_json::json;
use std::collections::BTreeMap;

/// `history`: everything that was ever done to an item.
pub fn history(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let mut entries = BTreeMap::new();
    // A canary that carries the claim on a pair need not be in a link.
    for row in store.journal_of(None, &item_id(item))? {
        entries.insert(row.id, row.entry);
    }
    let links = match entries.is_empty() {
        true => links_of(&store, item)?,
        false => store.find_item(&item_id(item))?,
    };
    for link in links {
        for side in Side::BOTH {
            for row in store.journal_of(Some(side), link.item(side))? {
                entries.insert(row.id, row.entry);
            }
        }
    }
    if context.global.json {
        let text = |value: &Option<FieldValue>| value.as_ref().map(render::plain);
        let rows: Vec<_> = entries
            .values()
            .map(|e| {
                let changes: Vec<_> = e
                    .changes
                    .iter()
                    .map(|(field, change)| json!({ "field": field, "before": text(&change.before), "after": text(&change.after) }))
                    .collect();
                json!({ "at_ms": e.at, "cycle": e.cycle, "pair": e.pair, "side": e.side, "item": e.item, "kind": e.kind.key(),
                        "outcome": e.outcome.key(), "detail": e.detail, "changes": changes })
            })
            .collect();
        print_json(&json!({ "format_version": 1, "entries": rows }));
        return Ok(ExitCode::Done);
    }
    for entry in entries.values() {
        let item = entry
            .item
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let line = format!(
            "{}  {}  {} {} {item}: {} {}",
            entry.at, entry.cycle, entry.kind, entry.side, entry.outcome, entry.detail
        );
        print(&render::hanging(line.trim_end(), 4, &context.style));
        for (field, change) in &entry.changes {
            let shown = |value: &Option<FieldValue>| {
                value
                    .as_ref()
                    .map_or_else(|| "(none)".to_owned(), |v| format!("{v}"))
            };
            let line = format!(
                "    {field}: {} -> {}",
                shown(&change.before),
                shown(&change.after)
            );
            print(&render::hanging(&line, 4, &context.style));
        }
    }
    Ok(ExitCode::Done)
}
