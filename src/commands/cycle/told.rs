//! What a cycle did, told: on stdout what was carried out, on stderr what is left for a person, and the exit code.

use super::super::saved::Refused;
use super::super::signals::Signals;
use super::super::{Context, Failure, error, exit_code, next, note, print, print_json};
use super::approvers::Asked;
use super::{how, whole};
use crate::cli::{ExitCode, ShowArgs};
use crate::connector::{ConnectorError, ErrorKind};
use crate::engine::Engine;
use crate::engine::apply::{Done, Report, Stopped};
use crate::engine::cycle::Ended;
use crate::engine::observe::Observed;
use crate::model::PairName;
use crate::reconcile::plan::{PairPlan, Plan};
use crate::render::{self, Outcome, OutcomeResult, ReportView, Show, StillOpen};
use crate::store::{Batch, CycleRow, HoldRow, Op, Store, StoreError};
use crate::views::still_open::left_open;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// Counts and shows what was done, and returns the exit code for it.
pub(super) fn told(
    context: &Context,
    engine: &Engine,
    signals: &Signals,
    ended: Ended,
    asked: &Asked,
) -> Result<ExitCode, Failure> {
    let Some((observed, report)) = ended.carried_out() else {
        return Ok(ExitCode::Guard);
    };
    let open = engine.store().open_intents()?.len();
    signals.count(observed.plan(), &report, open);
    record_refused(engine, &report, &asked.left_out)?;
    // As `plan` shows it of the same moment.
    let still_open = left_open(engine, &observed)?;
    // Nothing but what failed before is tried sooner by `--retry`.
    let retries = engine.store().has_failures()?;
    let both = failed_and_held(&engine.store(), &report)?;
    let views = views(&observed, &report).into_iter();
    let views: Vec<ReportView> = views
        .map(|view| ReportView {
            failed_and_held: both.get(&view.pair).copied().unwrap_or(0),
            refused: asked.left_out.len(),
            ..view
        })
        .collect();
    let seen = (observed.plan(), views.as_slice());
    let code = finish(context, seen, &report, asked, (&still_open, retries));
    Ok(with_left_out(code, asked.left_out.len()))
}

/// Has the run say in the log what was refused: nothing else there tells that somebody said yes to more.
fn record_refused(engine: &Engine, report: &Report, refused: &[Refused]) -> Result<(), Failure> {
    let mut store = engine.store();
    let Some(row) = store.cycle(&report.cycle)?.filter(|_| !refused.is_empty()) else {
        return Ok(());
    };
    let lines = refused.iter().map(|refused| format!("refused: {refused}"));
    let lines = row.detail.clone().into_iter().chain(lines);
    let detail = Some(lines.collect::<Vec<_>>().join("\n"));
    store.commit(&Batch(vec![Op::SaveCycle(CycleRow { detail, ..row })]))?;
    Ok(())
}

/// The exit code of a run in which so much of what a person said yes to was left out.
fn with_left_out(code: ExitCode, left_out: usize) -> ExitCode {
    match code {
        ExitCode::Done if left_out > 0 => ExitCode::Partial,
        code => code,
    }
}

/// How many actions of each pair failed and are held for that, in whole or in part. They are one thing to whoever reads it.
fn failed_and_held(
    store: &Store,
    report: &Report,
) -> Result<BTreeMap<PairName, usize>, StoreError> {
    let holds = store.holds(None)?;
    let mut both = BTreeMap::new();
    for (pair, action, done) in &report.outcomes {
        let is_of = |hold: &HoldRow| {
            let items = [&action.source_item, &action.target_item];
            let item = hold.item.is_some() && items.contains(&&hold.item);
            hold.pair == *pair && (item || hold.link.is_some() && hold.link == action.link)
        };
        if matches!(done, Done::Failed(_)) && holds.iter().any(is_of) {
            *both.entry(pair.clone()).or_insert(0) += 1;
        }
    }
    Ok(both)
}

/// Shows what was done and returns the exit code for it.
fn finish(
    context: &Context,
    (plan, views): (&Plan, &[ReportView]),
    report: &Report,
    asked: &Asked,
    (still_open, retries): (&BTreeMap<PairName, StillOpen>, bool),
) -> ExitCode {
    if context.global.json {
        let pairs: Vec<_> = views.iter().map(render::report_json).collect();
        print_json(&serde_json::json!({
            "format_version": 1, "run": report.cycle, "writes": report.writes(), "pairs": pairs, "refused": asked.left_out,
        }));
    } else {
        for (view, plan) in views.iter().zip(&plan.pairs) {
            // Whose pair it is does not depend on what the plan holds.
            let taken = |(pair, why): &(PairName, Stopped)| {
                *pair == plan.pair && matches!(why, Stopped::Taken(_))
            };
            let seen = asked.seen.contains(&plan.hash());
            if view.stopped.is_some() && !seen && !report.stopped.iter().any(taken) {
                let alone = std::slice::from_ref(plan);
                let (program, whole) = (context.program(), whole(context));
                let show = Show {
                    whole: Some(&whole),
                    still_open,
                    ..how(&ShowArgs::default(), &program)
                };
                print(&render::plan_of_pairs(alone, &show, &context.style));
            }
            print(&render::report(view, &context.style));
        }
    }
    // What a signal cut short is told with the signal.
    let told = |error: &&ConnectorError| error.kind != ErrorKind::Cancelled;
    let failed: Vec<_> = report.closed.iter().filter(told).collect();
    let others = !plan.pairs.is_empty();
    let trouble = trouble(context, &report.troubled, others);
    let troubled = code_of(&trouble);
    if context.global.quiet {
        let errors = failed.iter().map(|failed| {
            let help = failed.hint().map(|hint| format!("; {hint}"));
            format!("error: {failed}{}", help.unwrap_or_default())
        });
        let refused = asked
            .left_out
            .first()
            .map(|one| refused_in_a_line(asked.left_out.len(), one));
        let told = errors.chain(trouble).chain(refused);
        let both = views.iter().map(|view| view.failed_and_held).sum();
        in_one_line(told.chain(open(context, report, (both, retries))));
    } else {
        for line in open(context, report, (0, retries)) {
            note(&format!("{line}\n"));
        }
        for failed in &failed {
            let help = failed.hint().map(|hint| format!("\nhelp: {hint}"));
            error(context, &format!("{failed}{}", help.unwrap_or_default()));
        }
        for line in trouble {
            note(&format!("{line}\n"));
        }
    }
    if let Some(error) = failed.first() {
        return exit_code(error);
    }
    let breached = |(_, why): &(PairName, Stopped)| matches!(why, Stopped::Firewall(_));
    if report.stopped.iter().any(breached) {
        return ExitCode::Unexpected;
    }
    if let Some(code) = troubled {
        return code;
    }
    match (
        report.stopped.is_empty(),
        report.failures() + report.holds() + report.open_conflicts(),
    ) {
        (false, _) => ExitCode::Guard,
        (true, 0) => ExitCode::Done,
        (true, _) => ExitCode::Partial,
    }
}

/// How much is held: what the cycle recorded, which `status` shows, and what only the plans say that were not carried out.
fn held(report: &Report) -> (usize, usize) {
    let stopped = |pair: &PairName| report.stopped.iter().any(|(stopped, _)| stopped == pair);
    let planned = report.held.iter().filter(|(pair, _)| stopped(pair));
    let planned = planned.map(|(_, held)| held).sum();
    (report.holds().saturating_sub(planned), planned)
}

/// What is refused of what was said yes to, in one line. `one`: the first of so many.
fn refused_in_a_line(refused: usize, one: &Refused) -> String {
    match refused {
        1 => format!("refused: {one}"),
        n => format!("refused: {one}, and {} more", n - 1),
    }
}

/// Says everything in one line, for the mail of a cron job.
fn in_one_line(told: impl Iterator<Item = String>) {
    let told = told.map(|line| line.trim_start_matches("help: ").to_owned());
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        note(&format!("{}\n", told.join("; ")));
    }
}

/// What is left for a person, as lines for stderr: cron mails that, and stdout may go nowhere. `beside`: as in
/// [`open_in_a_line`].
fn open(context: &Context, report: &Report, beside: (usize, bool)) -> Vec<String> {
    let mut told = Vec::new();
    if !std::io::stdout().is_terminal() {
        let stopped = report.stopped.iter();
        told.extend(stopped.map(|(pair, why)| stood_still(context, pair, why)));
    }
    if context.global.quiet {
        told.extend(open_in_a_line(context, report, beside));
        return told;
    }
    if context.global.json {
        return told;
    }
    let (recorded, planned) = held(report);
    for (held, by, whole) in [
        (recorded, "status", ""),
        (planned, "plan", " in what was not carried out"),
    ] {
        if held > 0 {
            told.push(format!(
                "{} held{whole}; `{}` says what and why",
                render::plural(held, "item or field is", "items or fields are"),
                next(context, by)
            ));
        }
    }
    if report.open_conflicts() > 0 {
        told.push(format!(
            "{} open; `{}` says what and how to settle it",
            render::plural(report.open_conflicts(), "conflict is", "conflicts are"),
            next(context, "conflicts")
        ));
    }
    told
}

/// Why a pair's plan was not carried out, and what helps, in one line.
fn stood_still(context: &Context, pair: &PairName, stopped: &Stopped) -> String {
    let help = match stopped {
        Stopped::FirstContact(_) => format!(
            "; `{}` shows the plan, `{}` carries it out after a yes",
            next(context, "plan"),
            next(context, "apply")
        ),
        Stopped::Guard => format!(
            "; `{}` shows the plan and how to let it through",
            next(context, "plan")
        ),
        Stopped::Switch(_) | Stopped::Canary(_) | Stopped::Taken(_) | Stopped::Firewall(_) => {
            String::new()
        }
    };
    let why = render::escape(&stopped.to_string());
    format!("stopped: pair \"{pair}\": {why}{help}")
}

/// What failed, is held and is open, as one line for the mail of a cron job, with what tells more of just that; `None`:
/// nothing is. `both`: how much failed and is held. `retries`: something waits after a failure.
fn open_in_a_line(
    context: &Context,
    report: &Report,
    (both, retries): (usize, bool),
) -> Option<String> {
    let failures = report.failures().saturating_sub(both);
    let conflicts = report.open_conflicts();
    let (holds, planned) = held(report);
    let told = [
        (
            failures,
            "action was not carried out",
            "actions were not carried out",
        ),
        (holds, "item or field is held", "items or fields are held"),
        (
            planned,
            "item or field is held in what was not carried out",
            "items or fields are held in what was not carried out",
        ),
        (conflicts, "conflict is open", "conflicts are open"),
    ];
    let told = told.iter().filter(|(count, _, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(n, one, many)| render::plural(*n, one, many))
        .collect();
    let (status, list) = (next(context, "status"), next(context, "conflicts"));
    let retry = next(context, "reconcile --once --retry");
    let retry = match retries {
        true => format!(", and `{retry}` tries at once what waits after a failure"),
        false => String::new(),
    };
    let help = match (failures + holds > 0, conflicts > 0) {
        (false, false) if planned > 0 => {
            format!("`{}` says what and why", next(context, "plan"))
        }
        (false, false) => return None,
        (true, true) => format!("`{status}` and `{list}` say what and why{retry}"),
        (true, false) => format!("`{status}` says what and why{retry}"),
        (false, true) => format!("`{list}` says what and how to settle it"),
    };
    Some(format!("{}; {help}", told.join(", ")))
}

/// Says which pairs stand still, as [`trouble`] has it, with `--quiet` in one line. `None`: there are none.
pub(super) fn tell_trouble<'a>(
    context: &Context,
    troubled: impl IntoIterator<Item = &'a (PairName, ConnectorError)>,
    others: bool,
) -> Option<ExitCode> {
    let lines = trouble(context, troubled, others);
    let code = code_of(&lines);
    if context.global.quiet {
        in_one_line(lines.into_iter());
    } else {
        for line in lines {
            note(&format!("{line}\n"));
        }
    }
    code
}

/// The exit code of a run in which these pairs stand still; `None`: none does.
fn code_of(trouble: &[String]) -> Option<ExitCode> {
    (!trouble.is_empty()).then_some(ExitCode::Config)
}

/// The pairs that stand still because what their configuration names is not there, and what helps. Empty: there are none.
/// `others`: whether any other pair goes on.
fn trouble<'a>(
    context: &Context,
    troubled: impl IntoIterator<Item = &'a (PairName, ConnectorError)>,
    others: bool,
) -> Vec<String> {
    let rest = if others { ", the others go on" } else { "" };
    let lines = troubled
        .into_iter()
        .map(|(pair, error)| format!("error: pair \"{pair}\" stands still{rest}: {error}"));
    let mut lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let check = next(context, "check");
        lines.push(format!(
            "help: `{check}` tells where that stands in the configuration. What a project or list is called now stands in its address in \
             the browser: https://dev.azure.com/ORGANISATION/PROJECT, https://app.clickup.com/WORKSPACE/v/li/LIST"
        ));
    }
    lines
}

pub(in super::super) fn views(observed: &Observed, report: &Report) -> Vec<ReportView> {
    let view = |plan: &PairPlan| ReportView {
        pair: plan.pair.clone(),
        outcomes: report
            .outcomes
            .iter()
            .filter(|(pair, _, _)| *pair == plan.pair)
            .map(|(_, action, done)| Outcome {
                action: action.clone(),
                result: outcome(done),
            })
            .collect(),
        holds: report.held.get(&plan.pair).copied().unwrap_or(0),
        ruled: plan
            .conflicts
            .iter()
            .filter(|one| one.taken.is_some())
            .count(),
        failed_and_held: 0,
        refused: 0,
        conflicts: report.open.get(&plan.pair).copied().unwrap_or(0),
        stopped: report
            .stopped
            .iter()
            .find(|(pair, _)| *pair == plan.pair)
            .map(|(_, why)| match why {
                Stopped::Guard => format!(
                    "stopped by a guard; let it through with --approve {}",
                    plan.hash()
                ),
                Stopped::FirstContact(_)
                | Stopped::Switch(_)
                | Stopped::Canary(_)
                | Stopped::Taken(_)
                | Stopped::Firewall(_) => why.to_string(),
            }),
    };
    observed.plan().pairs.iter().map(view).collect()
}

fn outcome(done: &Done) -> OutcomeResult {
    match done {
        Done::Done(_) => OutcomeResult::Done,
        Done::Stale(reason) => OutcomeResult::Stale(reason.clone()),
        Done::Failed(reason) => OutcomeResult::Failed(reason.clone()),
        Done::Skipped(reason) => OutcomeResult::Skipped(reason.clone()),
    }
}
