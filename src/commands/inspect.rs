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
pub(super) use log::older;
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

/// Says that there is no database, and where it was looked for; `None`: there is one. Else a list that is empty for that
/// looks as if nothing was ever done.
pub(super) fn not_there(config: &Config) -> Option<String> {
    let path = &config.state.path;
    let missing = matches!(path.try_exists(), Ok(false));
    missing.then(|| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        format!(
            "the database {} is not there: the first cycle makes it, and one that was lost comes back from a backup\n",
            path.display()
        )
    })
}

/// Why nothing is known of an item.
fn in_no_link(config: &Config, store: &Store, id: &ItemId) -> Failure {
    let pairs = config.pairs.iter();
    let links: Result<Vec<u64>, _> = pairs.map(|pair| store.count_links(&pair.name)).collect();
    let none = links.is_ok_and(|links| links.iter().all(|links| *links == 0));
    let path = config.state.path.display();
    let what = match (none, config.state.path.exists()) {
        (_, false) => format!(
            "{id} is in no link: {}",
            not_there(config).unwrap_or_default().trim_end()
        ),
        (true, true) => format!("{id} is in no link: {path} holds none yet"),
        (false, true) => format!(
            "{id} is in no link; `boardsync links` lists them. If it is in the scope of a pair, `boardsync plan` tells what is to \
             become of it; if not, nothing of it is synced"
        ),
    };
    Failure::new(ExitCode::Usage, what)
}

fn links_of(config: &Config, store: &Store, text: &str) -> Result<Vec<LinkRow>, Failure> {
    let id = item_id(text);
    let rows = store.find_item(&id)?;
    match rows.is_empty() {
        true => Err(in_no_link(config, store, &id)),
        false => Ok(rows),
    }
}
