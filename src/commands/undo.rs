//! `undo`: the inverse of a run, or of everything that was written to one item.

use super::cycle::{before_a_question, how, views, with_progress};
use super::inspect::{not_there, older};
use super::setup::{self, Services};
use super::signals::Signals;
use super::when::when;
use super::{Context, Failure, exit_code, next, note, print, print_json, prompt, typed};
use crate::capabilities;
use crate::cli::{ExitCode, UndoArgs};
use crate::config::Config;
use crate::connector::{ConnectorError, ErrorKind};
use crate::engine::Engine;
use crate::engine::apply::{Done, Report};
use crate::engine::deeds::{Left, Target, gather, hashes};
use crate::engine::observe::Observed;
use crate::engine::stop::StopSwitch;
use crate::model::{FieldValue, PairName, Side};
use crate::reconcile::plan::{Action, ActionKind, Plan};
use crate::render::deeds::RunView;
use crate::render::{self, Show};
use crate::store::StateLock;
use crate::views::runs::runs;
use crate::views::{history, item_id};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// Runs that are listed when none is named.
const LISTED: usize = 20;

/// Takes back a run, or everything that was written to an item.
pub async fn undo(context: &Context, args: UndoArgs) -> Result<ExitCode, Failure> {
    let Some(what) = args.what.as_deref() else {
        return list(context);
    };
    let signals = Signals::of_command();
    let ended = signals.conclude(undo_under(context, &args, what, &signals).await);
    if context.global.quiet && matches!(ended, Ok(ExitCode::Partial)) {
        let look = next(context, &format!("undo {} --dry-run", typed(what)));
        let status = next(context, "status");
        note(&format!(
            "some of it stays as it is, or something of its pairs is held; `{look}` and `{status}` name what and why\n"
        ));
    }
    ended
}

async fn undo_under(
    context: &Context,
    args: &UndoArgs,
    what: &str,
    signals: &Signals,
) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    if config.guard.read_only && !args.dry_run {
        return Err(Failure::new(
            ExitCode::Guard,
            "[guard] read_only = true: nothing is written; take the line out, or look with --dry-run",
        ));
    }
    let services = setup::connect(&config, &signals.cancel)?;
    let (mut engine, _lock) = open(&config, &services, args.dry_run, signals).await?;
    let target = target(&engine, what.trim())?;
    let (observed, left, unknown) = look(&engine, &target, args.delete_created).await?;
    for line in &unknown {
        note(&format!("{}\n", render::escape(line)));
    }
    let stays = !left.is_empty() || !unknown.is_empty();
    let ready = show(
        context,
        observed.plan(),
        &left,
        &target,
        args,
        &signals.stop,
    )?;
    let mut actions = observed.plan().pairs.iter().map(|pair| pair.actions.len());
    if actions.all(|count| count == 0) || args.dry_run {
        return Ok(ended(stays));
    }
    if !ready {
        return Ok(ExitCode::Guard);
    }
    let observed = match args.yes {
        true => observed,
        // Somebody may have edited while the question stood.
        false => {
            let (again, ..) = look(&engine, &target, args.delete_created).await?;
            if hashes(again.plan()) != hashes(observed.plan()) {
                note("nothing was changed: an item moved meanwhile; look at the undo again\n");
                return Ok(ExitCode::Guard);
            }
            again
        }
    };
    with_progress(context, &mut engine, &services);
    let report = engine
        .carry_out_undo(&services.writers, &observed, &target)
        .await?;
    signals.count(
        observed.plan(),
        &report,
        engine.store().open_intents()?.len(),
    );
    tell(context, &observed, &report, &left, &target);
    let mut plans = observed.plan().pairs.iter();
    let apart = plans.any(|pair| !pair.conflicts.is_empty());
    Ok(outcome(&report, stays || apart))
}

/// Opens the state: for writing, with what an earlier run left open settled first, or for a look, which changes nothing
/// and works beside a running daemon.
async fn open(
    config: &Config,
    services: &Services,
    dry_run: bool,
    signals: &Signals,
) -> Result<(Engine, Option<StateLock>), Failure> {
    let (lock, store, key) = if dry_run {
        let (store, key) = setup::open_state_read_only(config)?;
        (None, store, key)
    } else {
        let (lock, store, key) = setup::open_state(config)?;
        (Some(lock), store, key)
    };
    let mut engine = setup::engine(config, services, store, key).await?;
    engine.safety.stop = signals.stop.clone();
    if lock.is_some() {
        if let Some(why) = engine.stopped_by() {
            let what = format!("nothing was taken back: {why}");
            return Err(Failure::new(ExitCode::Guard, what));
        }
        // Not `Engine::cycle`: an undo reads the items of its run alone, and lists nothing.
        engine.recover().await?;
    }
    engine.keep_approvals()?;
    Ok((engine, lock))
}

/// The run or the item that a word names.
fn target(engine: &Engine, what: &str) -> Result<Target, Failure> {
    Target::of(&engine.store(), what, item_id(what))?.ok_or_else(|| {
        Failure::new(
            ExitCode::Usage,
            format!(
                "{what} is neither a run in the journal nor an item in it; `boardsync undo` lists the last runs, \
                 and the journal goes back as far as [state] journal_days"
            ),
        )
    })
}

/// Reads the items and plans: with what stays as it is, and what is said of writes that nothing is known of any more.
async fn look(
    engine: &Engine,
    target: &Target,
    delete_created: bool,
) -> Result<(Observed, Left, Vec<String>), Failure> {
    let (links, mut unknown) = gather(&engine.store(), target)?;
    let strange = links.keys().filter(|pair| engine.policy(pair).is_none());
    unknown.extend(strange.map(|pair| {
        format!("pair \"{pair}\" is no longer configured; what was written to it stays")
    }));
    let (observed, left) = engine.plan_undo(links, target, delete_created).await?;
    Ok((observed, left, unknown))
}

/// The exit code where nothing went wrong.
fn ended(stays: bool) -> ExitCode {
    match stays {
        true => ExitCode::Partial,
        false => ExitCode::Done,
    }
}

/// The exit code of what was carried out. `stays`: something is left for a person, an open conflict too.
fn outcome(report: &Report, stays: bool) -> ExitCode {
    let failed = |error: &&ConnectorError| error.kind != ErrorKind::Cancelled;
    if let Some(error) = report.closed.iter().find(failed) {
        note(&format!("error: {error}\n"));
        return exit_code(error);
    }
    if !report.stopped.is_empty() {
        return ExitCode::Guard;
    }
    // As every run says it, until nothing is.
    let open = report.failures() + report.holds() + report.open_conflicts();
    ended(stays || open > 0)
}

/// Lists the last runs that did something.
fn list(context: &Context) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let (store, _) = setup::open_state_read_only(&config)?;
    let mut runs = runs(&store, LISTED + 1)?;
    let more = runs.len() > LISTED;
    runs.truncate(LISTED);
    if context.global.json {
        print_json(&json!({ "format_version": 1, "runs": runs }));
    } else if runs.is_empty() {
        print("no run in the journal did anything\n");
        print(&not_there(&config).unwrap_or_default());
    } else {
        let mut rows = Vec::new();
        for run in runs {
            let told = history::run(&store, &run.run)?;
            rows.push(vec![
                run.run,
                when(run.at),
                run.cause.map_or_else(
                    || "killed or recovered".to_owned(),
                    |cause| cause.to_string(),
                ),
                run.actions.to_string(),
                told.as_ref().map(back).unwrap_or_default(),
            ]);
        }
        print(&render::table(
            &["run", "started", "cause", "actions", "taking it back"],
            &rows,
            &context.style,
        ));
        if more {
            print(&older(context, "log -n 100"));
        }
    }
    Ok(ExitCode::Done)
}

/// What an undo of a run would come to, where that is not what one expects; empty: it writes what was there before.
fn back(run: &RunView) -> String {
    let whole = run.whole;
    match &run.undone_by {
        Some(by) => format!("done by {by}"),
        None if whole.done > 0 && whole.made == whole.done => {
            "only with --delete-created".to_owned()
        }
        None if whole.done > 0 && whole.unlinked == whole.done => {
            "once what was deleted is restored".to_owned()
        }
        None => String::new(),
    }
}

/// Shows the plan with what stays, and asks. Returns whether to go on.
fn show(
    context: &Context,
    plan: &Plan,
    left: &Left,
    target: &Target,
    args: &UndoArgs,
    stop: &StopSwitch,
) -> Result<bool, Failure> {
    let nothing = plan.pairs.iter().all(|pair| pair.actions.is_empty());
    if context.global.json {
        if args.dry_run || nothing || !args.yes {
            print_json(&json!({
                "format_version": 1, "undoes": target.words(), "plan": render::plan_json(plan), "left": left_json(left),
            }));
        }
    } else {
        let mut shown = plan.clone();
        for pair in &mut shown.pairs {
            if pair.in_sync < pair.looked_at {
                // How many are equal says nothing here.
                pair.looked_at = 0;
            }
            // Not of today: what this undo leaves apart is said below.
            pair.conflicts.clear();
            pair.holds = left.get(&pair.pair).cloned().unwrap_or_default();
        }
        print(&format!("{}\n", target.words()));
        match shown.pairs.is_empty() {
            true => print("nothing was written, so there is nothing to take back\n"),
            false => {
                let program = context.program();
                let show = Show {
                    undoes: true,
                    ..how(&before_a_question(args.all), &program)
                };
                print(&render::plan(&shown, &show, &context.style));
            }
        }
        let apart: usize = plan.pairs.iter().map(|pair| pair.conflicts.len()).sum();
        if apart > 0 {
            let fields = match apart {
                1 => "1 field, which becomes an open conflict".to_owned(),
                n => format!("{n} fields, each of which becomes an open conflict"),
            };
            let mut text = format!(
                "The two sides will differ in {fields}. `boardsync conflicts` lists what is open; boardsync leaves it alone until \
                 somebody edits one of the two sides or settles the conflict."
            );
            let mut conflicts = plan.pairs.iter().flat_map(|pair| &pair.conflicts);
            let is_set =
                |value: &FieldValue| matches!(value, FieldValue::People(_) | FieldValue::Tags(_));
            if conflicts.any(|one| Side::BOTH.iter().any(|side| is_set(one.now.get(*side)))) {
                text.push_str(
                    " Of tags and assignees an edit carries over only what it changes, and the conflict stays open for the rest.",
                );
            }
            print(&render::hanging(&text, 0, &context.style));
        }
    }
    if !context.global.json {
        let planned = plan.pairs.iter();
        let planned = planned.flat_map(|pair| pair.actions.iter().map(|one| (&pair.pair, one)));
        tell_alone(context, planned, false);
    }
    if nothing || args.dry_run || args.yes {
        return Ok(args.yes);
    }
    if context.global.json || !std::io::stdin().is_terminal() {
        note("nothing was changed: there is no terminal to ask on; say yes with --yes\n");
        return Ok(false);
    }
    prompt::yes("Take this back?", stop)
}

/// Work items and tasks that are named one by one.
const NAMED: usize = 5;

/// Says which items a delete of their counterparts leaves alone for good: a link that ended keeps the next cycle from making
/// another counterpart. `done`: whether the deletes are carried out.
fn tell_alone<'a>(
    context: &Context,
    actions: impl Iterator<Item = (&'a PairName, &'a Action)>,
    done: bool,
) {
    let deletes = actions.filter(|(_, action)| action.kind == ActionKind::Delete);
    let alone = deletes.filter_map(|(pair, action)| {
        let item = action.source_item.as_ref()?;
        Some((pair, action.target.other(), item))
    });
    let mut alone: Vec<_> = alone.collect();
    // By number, as people look for them.
    alone.sort_by_cached_key(|(pair, side, item)| {
        (pair.0.clone(), *side, item.0.len(), item.0.clone())
    });
    let Some((pair, side, item)) = alone.first() else {
        return;
    };
    let named = alone.iter().take(NAMED);
    let mut named: Vec<String> = named
        .map(|(_, side, item)| format!("{side} {item}"))
        .collect();
    if alone.len() > named.len() {
        named.push(format!(
            "{} more",
            render::amount(alone.len() - named.len())
        ));
    }
    let (one, ids) = match side {
        Side::Ado => ("a task", format!("{item} TASK")),
        Side::ClickUp => ("a work item", format!("WORK_ITEM {item}")),
    };
    let add = format!("links add {} {ids}", typed(&pair.0));
    let (have, get) = match (alone.len(), done) {
        (1, false) => (
            "will have no counterpart",
            "gets none by itself: the next cycles leave it alone",
        ),
        (1, true) => (
            "has no counterpart now",
            "gets none by itself: the next cycles leave it alone",
        ),
        (_, false) => (
            "will have no counterparts",
            "get none by themselves: the next cycles leave them alone",
        ),
        (_, true) => (
            "have no counterparts now",
            "get none by themselves: the next cycles leave them alone",
        ),
    };
    let text = format!(
        "{} {have}, and {get}. To sync one again, make {one} for it by hand and link the two: {}",
        named.join(", "),
        next(context, &add)
    );
    print(&render::hanging(&text, 0, &context.style));
}

/// What stays as it is, by pair.
fn left_json(left: &Left) -> BTreeMap<&PairName, impl Serialize> {
    let left = left.iter();
    left.map(|(pair, holds)| (pair, render::holds_json(holds)))
        .collect()
}

fn tell(context: &Context, observed: &Observed, report: &Report, left: &Left, target: &Target) {
    let views = views(observed, report);
    if context.global.json {
        let pairs: Vec<_> = views.iter().map(render::report_json).collect();
        print_json(&json!({
            "format_version": 1, "undoes": target.words(), "run": report.cycle, "writes": report.writes(),
            "pairs": pairs, "left": left_json(left),
        }));
        return;
    }
    for view in &views {
        print(&render::report(view, &context.style));
    }
    let done = |(_, _, done): &(_, _, Done)| matches!(done, Done::Done(_));
    if !report.outcomes.iter().any(done) {
        return;
    }
    let in_trash = report.outcomes.iter().any(|(_, action, done)| {
        let deleted = action.kind == ActionKind::Delete && matches!(done, Done::Done(_));
        deleted && !capabilities::of(action.target).restores
    });
    if in_trash {
        let text = "Tasks were deleted, which no program can restore: open Trash in ClickUp and restore them there; an undo of \
                    this run then links them again.";
        print(&render::hanging(text, 0, &context.style));
    }
    let done = report.outcomes.iter().filter(|one| done(one));
    tell_alone(context, done.map(|(pair, action, _)| (pair, action)), true);
    print(&format!(
        "this was run {}; take it back with: {} undo {}\n",
        report.cycle,
        context.program(),
        report.cycle
    ));
}
