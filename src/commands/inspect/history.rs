//! `history`: everything that was done to one item.

use super::super::when::when;
use super::super::{Context, Failure, pager, print_json};
use super::{config, in_no_link, read_only};
use crate::cli::{ExitCode, HistoryArgs};
use crate::model::Timestamp;
use crate::render;
use crate::render::deeds::{Told, runs};
use crate::views::history::{Turn, by_run, history as look, turns};
use crate::views::item_id;
use serde_json::json;

/// `history`: everything that was ever done to an item, the oldest first.
pub fn history(context: &Context, args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let id = item_id(&args.item);
    let deeds = look(&store, &id)?.ok_or_else(|| in_no_link(&config, &store, &id))?;
    let turns = turns(&store, &id)?;
    if context.global.json {
        print_json(&json!({ "format_version": 1, "entries": deeds, "links": turns }));
        return Ok(ExitCode::Done);
    }
    let told = Told {
        program: &context.program(),
        time: &when,
        all: args.page.all,
    };
    let mut text = String::new();
    if deeds.is_empty() {
        text.push_str(
            "the journal has nothing that was done to it: no run has written to it, or that is longer ago than [state] journal_days\n",
        );
    }
    let style = &context.style;
    let told_of = |run| {
        let text = runs(std::slice::from_ref(run), &told, style);
        (run.at, text)
    };
    let mut parts: Vec<(Timestamp, String)> = by_run(&store, deeds)?.iter().map(told_of).collect();
    parts.extend(turns.iter().map(|turn| (turn.at, of_turn(turn, context))));
    parts.sort_by_key(|(at, _)| *at);
    for (_, part) in parts {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    pager::page(context, &args.page, &text);
    Ok(ExitCode::Done)
}

/// What became of a link beside the runs on record, in the form of a run.
fn of_turn(turn: &Turn, context: &Context) -> String {
    let style = &context.style;
    let who = match turn.by_hand {
        true => "by hand",
        false => "a run that is no longer on record",
    };
    let head = format!("{who}  {}", when(turn.at));
    let (word, why) = match &turn.ended {
        None => ("linked", String::new()),
        Some(why) => ("unlinked", format!(": {why}")),
    };
    let what = format!("{word} ADO {} = ClickUp {}{why}", turn.ado, turn.clickup);
    let ids = format!("link {}, pair {}", turn.link, turn.pair);
    let line = |indent: usize, text: &str| {
        render::hanging(&format!("{}{text}", " ".repeat(indent)), indent + 2, style)
    };
    line(0, &head) + &line(2, &what) + &line(4, &ids)
}
