//! `links`: which items are kept equal, and changes of that by hand.

use super::super::{Context, Failure, note, print, print_json, setup};
use super::{config, links_of, not_there, read_only};
use crate::cli::ExitCode;
use crate::clock::SystemClock;
use crate::engine::deeds::{LinkError, unlink_in};
use crate::model::{Clock, ItemId, PairName, Sided};
use crate::render;
use crate::store::Store;
use crate::views::links::LinkView;
use crate::views::{self, item_id};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// `links list`.
pub fn links(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let links = views::links::links(config.pairs.iter().map(|pair| &pair.name), &store)?;
    if context.global.json {
        print_json(&json!({ "format_version": 1, "links": links }));
    } else if links.is_empty() {
        print("no links yet\n");
        print(&not_there(&config).unwrap_or_default());
    } else {
        let rows: Vec<_> = links.into_iter().map(cells).collect();
        print(&render::table(
            &["pair", "work item", "task", "state"],
            &rows,
            &context.style,
        ));
    }
    Ok(ExitCode::Done)
}

fn cells(link: LinkView) -> Vec<String> {
    let words = link.words();
    vec![link.pair.0, link.ado.0, link.clickup.0, words]
}

/// `links add`: pairs two existing items. Fields in which they differ become conflicts, gaps are filled, and nothing is overwritten.
pub async fn link(
    context: &Context,
    pair: &str,
    work_item: &str,
    task: &str,
) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let pair = PairName(pair.to_owned());
    if config.pair(&pair).is_none() {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("there is no pair \"{pair}\" in the configuration"),
        ));
    }
    let ids = Sided {
        ado: item_id(work_item),
        clickup: item_id(task),
    };
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (_lock, store, key) = setup::open_state(&config)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    let added = engine.link_by_hand(&pair, &ids).await?;
    for side in engine.outside_scope(&pair, &ids).await? {
        note(&format!(
            "warning: {side} {} is not in the scope of pair \"{}\", or changed a moment ago and is not listed yet; the two are kept \
             equal only while it is in there\n",
            render::escape(ids.get(side).as_str()),
            render::escape(&pair.0)
        ));
    }
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "pair": pair, "ado": ids.ado, "clickup": ids.clickup, "added": added,
        }));
    } else if added {
        let text = format!(
            "linked {} and {}. The next cycle fills a field that is empty on one side from the other one, and a field that has two \
             values becomes a conflict that waits for you; `boardsync plan` shows both",
            ids.ado, ids.clickup
        );
        print(&render::hanging(&text, 0, &context.style));
        let marked = config.pair(&pair).is_some_and(|pair| pair.backlink);
        let known = if marked {
            KNOWN_UNTIL_MARKED
        } else {
            KNOWN_NOWHERE_ELSE
        };
        print(&render::hanging(known, 0, &context.style));
    } else {
        print(&format!(
            "{} and {} are linked already; nothing was changed\n",
            ids.ado, ids.clickup
        ));
    }
    Ok(ExitCode::Done)
}

/// What a new link by hand does not outlast, where the pair marks items that it did not make.
const KNOWN_UNTIL_MARKED: &str = "Until one of the two carries a marker, only the database knows that they belong together. The work item gets \
                                  one with the next change that is written to it, the task with the next one of its description. Should the \
                                  database be lost before, link them again before the first cycle: else each gets a second counterpart.";
/// The same where it marks none.
const KNOWN_NOWHERE_ELSE: &str = "The pair has backlink = false, so only the database knows that the two belong together. Should it be lost, link \
                                  them again before the first cycle: else each gets a second counterpart.";

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Connector(error) => error.into(),
            LinkError::Store(error) => error.into(),
            LinkError::NoPair(_)
            | LinkError::NoItem { .. }
            | LinkError::Taken { .. }
            | LinkError::Unmapped { .. } => Failure::new(ExitCode::Usage, error.to_string()),
        }
    }
}

/// What an end by hand does not outlast.
const KNOWN_HERE: &str = "No cycle links them again as long as the database is there. After a lost one their markers would: take those out too, the last \
                          line of the task's description and the hyperlink of the work item.";

/// `links remove`: dissolves links and remembers that, so that no item of them is created again. `pair`: every link of this pair,
/// else those of the items.
pub fn unlink(
    context: &Context,
    items: &[String],
    pair: Option<&str>,
) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let (_lock, mut store, _) = setup::open_state(&config)?;
    let pair = pair.map(|pair| PairName(pair.to_owned()));
    let ids = match &pair {
        Some(pair) => linked_in(&store, pair)?,
        None => {
            // All of them are known, or nothing is ended.
            for item in items {
                links_of(&config, &store, item)?;
            }
            items.iter().map(|item| item_id(item)).collect()
        }
    };
    let mut ended = Vec::new();
    for id in &ids {
        let now = SystemClock.now();
        ended.extend(unlink_in(&mut store, id, pair.as_ref(), now)?);
    }
    if context.global.json {
        let mut views = Vec::new();
        for link in &ended {
            views.extend(store.link(link.id)?.map(LinkView::from));
        }
        print_json(&json!({ "format_version": 1, "ended": views }));
        return Ok(ExitCode::Done);
    }
    for link in &ended {
        print(&format!(
            "{}: {} and {} are no longer kept equal; both items stay\n",
            link.pair, link.ado, link.clickup
        ));
    }
    match (ended.as_slice(), ids.len()) {
        ([], 1) => print("the link was dissolved before\n"),
        ([], _) => print("the links were dissolved before\n"),
        _ => print(&render::hanging(KNOWN_HERE, 0, &context.style)),
    }
    Ok(ExitCode::Done)
}

/// The work items of the links of a pair that are alive.
///
/// # Errors
/// Wrong usage where there is no such link, and the database's.
fn linked_in(store: &Store, pair: &PairName) -> Result<Vec<ItemId>, Failure> {
    let links = store.links(pair)?.into_iter();
    let alive = links.filter(|link| link.state.is_living());
    let ids: Vec<ItemId> = alive.map(|link| link.ado).collect();
    match ids.is_empty() {
        true => Err(Failure::new(
            ExitCode::Usage,
            format!("the pair \"{pair}\" has no link that could be dissolved"),
        )),
        false => Ok(ids),
    }
}
