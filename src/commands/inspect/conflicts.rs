//! `conflicts`: what both sides changed differently, and a person's choice.

use super::super::{Context, Failure, print, print_json, setup};
use super::{config, read_only};
use crate::cli::{ExitCode, Take};
use crate::engine::deeds::{Pick, ResolveError};
use crate::model::Side;
use crate::render::{self, ConflictRow};
use crate::store::Store;
use crate::views;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// `conflicts list`.
pub fn conflicts(context: &Context) -> Result<ExitCode, Failure> {
    let store = read_only(&config(context)?)?;
    let rows = views::conflicts::conflicts(&store)?;
    if context.global.json {
        print_json(&render::conflict_list_json(&rows));
    } else {
        print(&render::conflict_list(&rows, &context.style));
    }
    Ok(ExitCode::Done)
}

fn find(store: &Store, id: i64) -> Result<ConflictRow, Failure> {
    views::conflicts::conflict(store, id)?.ok_or_else(|| {
        Failure::new(
            ExitCode::Usage,
            format!("there is no conflict {id}; `boardsync conflicts` lists them"),
        )
    })
}

/// `conflicts show ID`.
pub fn conflict(context: &Context, id: i64) -> Result<ExitCode, Failure> {
    let store = read_only(&config(context)?)?;
    let row = find(&store, id)?;
    if context.global.json {
        print_json(&render::conflict_list_json(&[row]));
    } else {
        print(&render::conflict_show(&row, &context.style));
    }
    Ok(ExitCode::Done)
}

/// `conflicts resolve ID`: stores the choice; the next cycle writes it to wherever it is not yet.
pub async fn resolve(
    context: &Context,
    id: i64,
    take: Take,
    file: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let pick = match (take, file) {
        (Take::Ado, None) => Pick::Side(Side::Ado),
        (Take::ClickUp, None) => Pick::Side(Side::ClickUp),
        (Take::Ado | Take::ClickUp, Some(_)) => {
            return Err(Failure::new(
                ExitCode::Usage,
                "a FILE goes with --take merged only",
            ));
        }
        (Take::Merged, None) => {
            return Err(Failure::new(
                ExitCode::Usage,
                "--take merged needs a FILE with the merged text, or - to read it from the standard input",
            ));
        }
        (Take::Merged, Some(path)) => Pick::Merged(merged(path)?),
    };
    let config = config(context)?;
    let (_lock, store, key) = setup::open_state(&config)?;
    // What cannot be settled at all is said without asking the services.
    find(&store, id)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let engine = setup::engine(&config, &services, store, key).await?;
    engine.resolve(id, pick).await?;
    print(&format!(
        "conflict {id}: the choice is written in the next cycle (boardsync reconcile --once)\n"
    ));
    Ok(ExitCode::Done)
}

/// The text of a file; `-`: of the standard input.
fn merged(path: &Path) -> Result<String, Failure> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| {
        Failure::new(
            ExitCode::Usage,
            format!("cannot read {}: {error}", path.display()),
        )
    })
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Connector(error) => error.into(),
            ResolveError::Store(error) => error.into(),
            ResolveError::Unknown(_)
            | ResolveError::Over(_)
            | ResolveError::Replaced { .. }
            | ResolveError::Dissolved { .. }
            | ResolveError::Unmapped { .. }
            | ResolveError::OneWay { .. }
            | ResolveError::NoText { .. } => Failure::new(ExitCode::Usage, error.to_string()),
            ResolveError::Moved { .. }
            | ResolveError::Unreadable { .. }
            | ResolveError::Untranslatable { .. } => {
                Failure::new(ExitCode::Partial, error.to_string())
            }
        }
    }
}
