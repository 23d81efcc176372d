//! `conflicts`: what both sides changed differently, and a person's choice.

use super::super::when::when;
use super::super::{Context, Failure, next, print, print_json, setup};
use super::{config, not_there, read_only};
use crate::cli::{ExitCode, Take, WhichConflicts};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::engine::deeds::{Pick, ResolveError, withdraw};
use crate::model::{Clock, Side};
use crate::render::{self, ConflictRow, Ends, Standing};
use crate::store::Store;
use crate::views::status::in_the_way;
use crate::views::{self, conflicts::ChoiceView};
use serde_json::json;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// `conflicts list`: what is open or chosen; with `--all` what is settled too.
pub fn conflicts(context: &Context, which: &WhichConflicts) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let wanted = |standing| match standing {
        Standing::Open => true,
        Standing::Chosen { .. } => !which.open,
        Standing::Settled { .. } => which.all,
    };
    let (mut rows, all) = views::conflicts::conflicts(&store, wanted)?;
    for row in &mut rows {
        views::conflicts::judge(&config, &store, row)?;
    }
    if context.global.json {
        print_json(&render::conflict_list_json(&rows));
    } else {
        let hidden = match which.all {
            true => Ends::default(),
            false => all,
        };
        let program = context.program();
        print(&render::conflict_list(
            &rows,
            hidden,
            &program,
            &context.style,
        ));
        print(&not_there(&config).unwrap_or_default());
    }
    Ok(ExitCode::Done)
}

fn find(config: &Config, store: &Store, id: i64) -> Result<ConflictRow, Failure> {
    let found = views::conflicts::conflict(store, id)?;
    let mut row = found.ok_or_else(|| {
        Failure::new(
            ExitCode::Usage,
            format!("there is no conflict {id}; `boardsync conflicts` lists them"),
        )
    })?;
    views::conflicts::judge(config, store, &mut row)?;
    Ok(row)
}

/// `conflicts show ID`.
pub fn conflict(context: &Context, id: i64) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let row = find(&config, &store, id)?;
    if context.global.json {
        print_json(&render::conflict_list_json(&[row]));
    } else {
        let program = context.program();
        print(&render::conflict_show(
            &row,
            &program,
            &context.style,
            &when,
        ));
    }
    Ok(ExitCode::Done)
}

/// `conflicts resolve ID --take`: stores the choice and shows what carrying it out will do; the next cycle does that.
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
    find(&config, &store, id)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let engine = setup::engine(&config, &services, store, key).await?;
    let resolved = ChoiceView::from(&engine.resolve(id, pick).await?);
    let now = SystemClock.now();
    let in_the_way = in_the_way(&config, &engine.store(), now, &resolved.pair, false)?;
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "choice": resolved, "in_the_way": in_the_way,
        }));
        return Ok(ExitCode::Done);
    }
    told(context, &resolved, &in_the_way);
    Ok(ExitCode::Done)
}

/// Says what was chosen, what that will write, when, and how to take it back.
fn told(context: &Context, choice: &ChoiceView, in_the_way: &[String]) {
    let one_line = |value: String| {
        let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut line: String = match line.char_indices().nth(MAX_VALUE) {
            Some((at, _)) => format!("{}...", line.get(..at).unwrap_or_default()),
            None => line,
        };
        line.insert(0, '"');
        line.push('"');
        line
    };
    let mut lines = vec![format!(
        "conflict {}: {} for {}. Nothing is written yet. Carrying it out will do this:",
        choice.conflict,
        render::chosen(choice.took),
        choice.field
    )];
    for side in &choice.sides {
        let now = one_line(side.now.to_string());
        lines.push(match &side.written {
            Some(value) => format!(
                "  {} {}: {now} -> {}",
                side.side,
                side.item,
                one_line(value.to_string())
            ),
            None => format!("  {} {}: {now} stays", side.side, side.item),
        });
    }
    lines.push(format!(
        "The next cycle of pair {} carries it out: {}, or the first one of a daemon that is started again, or of a timer or \
         cron. If somebody edits the field before that, the choice is dropped and the two are compared anew.",
        choice.pair,
        next(context, "reconcile --once")
    ));
    lines.extend(
        in_the_way
            .iter()
            .map(|why| format!("Not at present: {why}")),
    );
    lines.push(format!(
        "Until then, take it back with: {} conflicts resolve {} --withdraw",
        context.program(),
        choice.conflict
    ));
    for line in lines {
        print(&render::hanging(&line, 4, &context.style));
    }
}

/// Characters of a value in the preview; `conflicts show` has it whole.
const MAX_VALUE: usize = 120;

/// `conflicts resolve ID --withdraw`: takes a choice back that is not carried out yet.
pub fn withdraw_choice(context: &Context, id: i64) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let (_lock, mut store, _) = setup::open_state(&config)?;
    let withdrawn = withdraw(&mut store, id)?;
    let row = find(&config, &store, id)?;
    if context.global.json {
        print_json(&render::conflict_list_json(&[row]));
        return Ok(ExitCode::Done);
    }
    let now = match row.standing {
        Standing::Settled { .. } => "settled as before",
        Standing::Open | Standing::Chosen { .. } => "open again",
    };
    let made = when(withdrawn.made);
    let mut lines = vec![format!(
        "conflict {id}: the choice of {made} is taken back and nothing more of it will be written; the conflict is {now}"
    )];
    lines.extend(withdrawn.sent.iter().map(|(side, item, at)| {
        format!(
            "But a write of it went to {side} {item} at {} and its answer was lost, so it may be in force there: the next cycle \
             reads the item and goes by what it has; {} shows it now",
            when(*at),
            next(context, &format!("why {item}"))
        )
    }));
    for line in lines {
        print(&render::hanging(&line, 4, &context.style));
    }
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
            | ResolveError::StandsStill { .. }
            | ResolveError::OneWay { .. }
            | ResolveError::NothingChosen { .. }
            | ResolveError::NoText { .. } => Failure::new(ExitCode::Usage, error.to_string()),
            ResolveError::Moved { .. }
            | ResolveError::Unreadable { .. }
            | ResolveError::Untranslatable { .. } => {
                Failure::new(ExitCode::Partial, error.to_string())
            }
        }
    }
}
