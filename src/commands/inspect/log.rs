//! `log`: what the runs did.

use super::super::when::when;
use super::super::{Context, Failure, next, pager, print, print_json};
use super::{config, not_there, read_only};
use crate::cli::{ExitCode, LogArgs};
use crate::model::{ActionId, LinkId, PairName};
use crate::render::deeds::{RunView, Told, runs};
use crate::store::Store;
use crate::views::history;
use serde_json::json;

/// `log`: the last runs, or one run, action or link in full.
pub fn log(context: &Context, args: &LogArgs) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    if let Some(name) = &args.pair
        && config.pair(&PairName(name.clone())).is_none()
    {
        let message = format!("there is no pair \"{name}\" in the configuration");
        return Err(Failure::new(ExitCode::Usage, message));
    }
    let mut views = views(&store, args)?;
    let listed = args.what.is_none() && args.link.is_none();
    let more = listed && views.len() > args.last;
    if more {
        views.truncate(args.last);
    }
    if context.global.json {
        print_json(&json!({ "format_version": 1, "runs": views }));
        return Ok(ExitCode::Done);
    }
    if views.is_empty() {
        print("no run is on record: there was none, or the journal does not go back to it\n");
        print(&not_there(&config).unwrap_or_default());
        return Ok(ExitCode::Done);
    }
    let told = Told {
        program: &context.program(),
        time: &when,
        // Whoever names one thing wants to see it.
        all: args.page.all || args.what.is_some() || args.link.is_some(),
    };
    let mut text = runs(&views, &told, &context.style);
    if more {
        let longer = format!("log -n {}", args.last.saturating_mul(2).max(1));
        text.push_str(&older(context, &longer));
    }
    pager::page(context, &args.page, &text);
    Ok(ExitCode::Done)
}

/// Says that the list does not go back to the first run, and what shows more of it.
pub(in super::super) fn older(context: &Context, longer: &str) -> String {
    let text = format!("older runs are on record too: {}", next(context, longer));
    format!("\n{}", crate::render::hanging(&text, 4, &context.style))
}

fn views(store: &Store, args: &LogArgs) -> Result<Vec<RunView>, Failure> {
    let unknown = |what: String| {
        let message = format!(
            "{what}; `boardsync log` lists the last runs, and the journal goes back as far as [state] journal_days"
        );
        Failure::new(ExitCode::Usage, message)
    };
    if let Some(link) = args.link {
        let deeds = history::of_link(store, LinkId(link))?;
        return match (deeds.is_empty(), store.link(LinkId(link))?) {
            (false, _) => Ok(history::by_run(store, deeds)?),
            (true, None) => Err(unknown(format!("nothing is on record of a link {link}"))),
            (true, Some(row)) => Err(unknown(format!(
                "link {link} ties ADO {} and ClickUp {}, and no run on record did anything by it; `boardsync history {}` tells \
                 what else became of it",
                row.ado, row.clickup, row.ado
            ))),
        };
    }
    let Some(what) = args.what.as_deref().map(str::trim) else {
        let pair = args.pair.clone().map(PairName);
        // One more than is shown tells whether there are more.
        let most = args.last.saturating_add(1);
        return Ok(history::log(store, pair.as_ref(), most)?);
    };
    if let Some(run) = history::run(store, what)? {
        return Ok(vec![run]);
    }
    let deeds = history::of_action(store, &ActionId(what.to_owned()))?;
    match deeds.is_empty() {
        true => Err(unknown(format!(
            "{what} is neither a run nor an action in the journal; of an item `boardsync history {what}` tells"
        ))),
        false => Ok(history::by_run(store, deeds)?),
    }
}
