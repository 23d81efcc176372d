//! What a cycle did, told: on stdout what was carried out, on stderr what is left for a person, and the exit code.

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
use crate::render::{self, Outcome, OutcomeResult, ReportView, Show, StillOpen};
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
    // As `plan` shows it of the same moment.
    let still_open = left_open(engine, &observed)?;
    // Nothing but what failed before is tried sooner by `--retry`.
    let retries = engine.store().has_failures()?;
    let code = finish(context, &observed, &report, asked, (&still_open, retries));
    Ok(with_left_out(code, asked.left_out.len()))
}

/// The exit code of a run in which so much of what a person said yes to was left out.
fn with_left_out(code: ExitCode, left_out: usize) -> ExitCode {
    match code {
        ExitCode::Done if left_out > 0 => ExitCode::Partial,
        code => code,
    }
}

/// Shows what was done and returns the exit code for it.
fn finish(
    context: &Context,
    observed: &Observed,
    report: &Report,
    asked: &Asked,
    (still_open, retries): (&BTreeMap<PairName, StillOpen>, bool),
) -> ExitCode {
    let views = views(observed, report);
    if context.global.json {
        let pairs: Vec<_> = views.iter().map(render::report_json).collect();
        print_json(&serde_json::json!({
            "format_version": 1, "run": report.cycle, "writes": report.writes(), "pairs": pairs, "refused": asked.left_out,
        }));
    } else {
        for (view, plan) in views.iter().zip(&observed.plan().pairs) {
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
    tell_open(context, report, retries);
    // What a signal cut short is told with the signal.
    let told = |error: &&ConnectorError| error.kind != ErrorKind::Cancelled;
    let failed: Vec<_> = report.closed.iter().filter(told).collect();
    for failed in &failed {
        let help = failed.hint().map(|hint| format!("\nhelp: {hint}"));
        error(context, &format!("{failed}{}", help.unwrap_or_default()));
    }
    let others = !observed.plan().pairs.is_empty();
    let troubled = tell_trouble(context, &report.troubled, others);
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

/// Says what is left for a person, on stderr: cron mails that, and stdout may go nowhere. `retries`: as in
/// [`open_in_a_line`].
fn tell_open(context: &Context, report: &Report, retries: bool) {
    let mut told = Vec::new();
    if !std::io::stdout().is_terminal() {
        let stopped = report.stopped.iter();
        told.extend(stopped.map(|(pair, why)| stood_still(context, pair, why)));
    }
    if context.global.quiet {
        told.extend(open_in_a_line(context, report, retries));
        if !told.is_empty() {
            note(&format!("{}\n", told.join("; ")));
        }
        return;
    }
    for line in told {
        note(&format!("{line}\n"));
    }
    if context.global.json {
        return;
    }
    let (recorded, planned) = held(report);
    for (held, by, whole) in [
        (recorded, "status", ""),
        (planned, "plan", " in what was not carried out"),
    ] {
        if held > 0 {
            note(&format!(
                "{} held{whole}; `{}` says what and why\n",
                render::plural(held, "item or field is", "items or fields are"),
                next(context, by)
            ));
        }
    }
    if report.open_conflicts() > 0 {
        note(&format!(
            "{} open; `{}` says what and how to settle it\n",
            render::plural(report.open_conflicts(), "conflict is", "conflicts are"),
            next(context, "conflicts")
        ));
    }
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
/// nothing is. `retries`: something waits after a failure.
fn open_in_a_line(context: &Context, report: &Report, retries: bool) -> Option<String> {
    let (failures, conflicts) = (report.failures(), report.open_conflicts());
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

/// Names the pairs that stand still because what their configuration names is not there. `None`: there are none.
/// `others`: whether any other pair goes on.
pub(super) fn tell_trouble<'a>(
    context: &Context,
    troubled: impl IntoIterator<Item = &'a (PairName, ConnectorError)>,
    others: bool,
) -> Option<ExitCode> {
    let mut code = None;
    let rest = if others { ", the others go on" } else { "" };
    for (pair, error) in troubled {
        note(&format!(
            "error: pair \"{pair}\" stands still{rest}: {error}\n"
        ));
        code = Some(ExitCode::Config);
    }
    if code.is_some() {
        let check = next(context, "check");
        note(&format!(
            "help: `{check}` tells where that stands in the configuration, and what there is\n"
        ));
    }
    code
}

pub(in super::super) fn views(observed: &Observed, report: &Report) -> Vec<ReportView> {
    let view = |plan: &crate::reconcile::plan::PairPlan| ReportView {
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
