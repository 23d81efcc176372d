//! `history`: the journal of one item.

use super::super::when::when;
use super::super::{Context, Failure, print, print_json};
use super::{config, in_no_link, read_only};
use crate::cli::ExitCode;
use crate::model::FieldValue;
use crate::render;
use crate::views::history::{Entry, history as look};
use crate::views::item_id;
use serde_json::json;

/// `history`: everything that was ever done to an item.
pub fn history(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let id = item_id(item);
    let entries = look(&store, &id)?.ok_or_else(|| in_no_link(&id))?;
    if context.global.json {
        print_json(&json!({ "format_version": 1, "entries": entries }));
        return Ok(ExitCode::Done);
    }
    for entry in &entries {
        show(context, entry);
    }
    Ok(ExitCode::Done)
}

fn show(context: &Context, entry: &Entry) {
    let item = entry
        .item
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let line = format!(
        "{}  {}  {} {} {item}: {} {}",
        when(entry.at),
        entry.cycle,
        entry.kind,
        entry.side,
        entry.outcome,
        entry.detail
    );
    print(&render::hanging(line.trim_end(), 4, &context.style));
    let shown = |value: &Option<FieldValue>| {
        value
            .as_ref()
            .map_or_else(|| "(none)".to_owned(), ToString::to_string)
    };
    for change in &entry.changes {
        let line = format!(
            "    {}: {} -> {}",
            change.subject,
            shown(&change.before),
            shown(&change.after)
        );
        print(&render::hanging(&line, 4, &context.style));
    }
}
