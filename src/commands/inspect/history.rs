//! `history`: everything that was done to one item.

use super::super::when::when;
use super::super::{Context, Failure, pager, print, print_json};
use super::why::ended;
use super::{config, in_no_link, read_only};
use crate::cli::{ExitCode, HistoryArgs};
use crate::render;
use crate::render::deeds::{Told, runs};
use crate::views::history::{by_run, history as look};
use crate::views::item_id;
use crate::views::why::ended_by_hand;
use serde_json::json;

/// `history`: everything that was ever done to an item, the oldest first.
pub fn history(context: &Context, args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let id = item_id(&args.item);
    let deeds = look(&store, &id)?.ok_or_else(|| in_no_link(&config, &store, &id))?;
    if context.global.json {
        print_json(&json!({ "format_version": 1, "entries": deeds }));
        return Ok(ExitCode::Done);
    }
    // No run did that, so no run tells of it.
    let by_hand = ended_by_hand(&store, &id)?
        .iter()
        .map(ended)
        .collect::<Vec<_>>();
    let mut last = String::new();
    for line in by_hand {
        last.push_str(&render::hanging(&line, 4, &context.style));
    }
    if deeds.is_empty() {
        print(
            "the journal no longer goes back to anything that was done to it ([state] journal_days)\n",
        );
        print(&last);
        return Ok(ExitCode::Done);
    }
    let told = Told {
        program: &context.program(),
        time: &when,
        all: args.page.all,
    };
    let text = runs(&by_run(&store, deeds)?, &told, &context.style) + &last;
    pager::page(context, &args.page, &text);
    Ok(ExitCode::Done)
}
