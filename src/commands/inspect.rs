//! `status`, `why`, `history`, `conflicts` and `links`: what is stored, and small changes of it.

mod conflicts;
mod history;
mod links;
mod status;
mod takeover;
mod why;

pub(super) use conflicts::row;
pub use conflicts::{conflict, conflicts, resolve};
pub use history::history;
pub use links::{link, links, unlink};
pub use status::status;
pub use takeover::takeover;
pub use why::why;

use super::setup;
use super::{Context, Failure};
use crate::cli::ExitCode;
use crate::config::Config;
use crate::model::ItemId;
use crate::store::{LinkRow, Store};

fn config(context: &Context) -> Result<Config, Failure> {
    setup::config(context.global.config.as_deref())
}

fn read_only(config: &Config) -> Result<Store, Failure> {
    Ok(setup::open_state_read_only(config)?.0)
}

/// Takes `123`, `86d3f01jq` or either address and returns the bare id.
pub(super) fn item_id(text: &str) -> ItemId {
    let text = text.trim().trim_start_matches('#');
    let path = text.split(['?', '#']).next().unwrap_or(text);
    ItemId(
        path.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .to_owned(),
    )
}

fn links_of(store: &Store, text: &str) -> Result<Vec<LinkRow>, Failure> {
    let id = item_id(text);
    let rows = store.find_item(&id)?;
    if rows.is_empty() {
        return Err(Failure::new(
            ExitCode::Usage,
            format!(
                "{id} is in no link; `boardsync links` lists them, and `boardsync plan` shows what is new"
            ),
        ));
    }
    Ok(rows)
}
