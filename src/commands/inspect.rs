//! `status`, `why`, `history`, `conflicts` and `links`: what is stored, and small changes of it.

mod conflicts;
mod history;
mod links;
mod log;
mod status;
mod takeover;
mod why;

pub use conflicts::{conflict, conflicts, resolve, withdraw_choice};
pub use history::history;
pub use links::{link, links, unlink};
pub use log::log;
pub use status::status;
pub use takeover::takeover;
pub use why::why;

use super::setup;
use super::{Context, Failure};
use crate::cli::ExitCode;
use crate::config::Config;
use crate::model::ItemId;
use crate::store::{LinkRow, Store};
use crate::views::item_id;

fn config(context: &Context) -> Result<Config, Failure> {
    setup::config(context.global.config.as_deref())
}

fn read_only(config: &Config) -> Result<Store, Failure> {
    let opened = setup::open_state_read_only(config);
    let (store, _) = opened.map_err(|failure| replaced(config).unwrap_or(failure))?;
    Ok(store)
}

/// Why the state cannot be read where a running process has another database open: what lies beside this one is not its own.
fn replaced(config: &Config) -> Option<Failure> {
    let text = crate::views::status::replaced_under_a_process(config)?;
    Some(Failure::new(ExitCode::Partial, text))
}

fn in_no_link(id: &ItemId) -> Failure {
    Failure::new(
        ExitCode::Usage,
        format!(
            "{id} is in no link; `boardsync links` lists them, and `boardsync plan` shows what is new"
        ),
    )
}

fn links_of(store: &Store, text: &str) -> Result<Vec<LinkRow>, Failure> {
    let id = item_id(text);
    let rows = store.find_item(&id)?;
    match rows.is_empty() {
        true => Err(in_no_link(&id)),
        false => Ok(rows),
    }
}
