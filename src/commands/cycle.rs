//! `plan`, `apply` and `reconcile`.

mod approvers;
mod told;

use super::rules::{self, Upkeep};
use super::saved::{self, Saved};
use super::setup::{self, Names, Services};
use super::signals::Signals;
use super::when::age;
use super::{Context, Failure, next, note, pager, print_json, typed};
use crate::cli::{ApplyArgs, ExitCode, PageArgs, PlanArgs, PlanCommand, ReconcileArgs, ShowArgs};
use crate::config::{Config, Poll};
use crate::engine::apply::Consent;
use crate::engine::daemon::{self, DaemonError};
use crate::engine::observe::Observed;
use crate::engine::{Engine, Scope};
use crate::model::{Clock, PairName};
use crate::reconcile::plan::Plan;
use crate::render::{self, Addresses, Asks, Show};
use crate::store::{Stamp, Watching};
use crate::views::still_open::left_open;
use approvers::{Asked, ByFile, ByHand, Once};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;
use told::{tell_trouble, told};

pub(super) use told::views;

pub(super) fn scope(config: &Config, full: bool, pairs: &[String]) -> Result<Scope, Failure> {
    let mut only = BTreeSet::new();
    for name in pairs {
        let name = PairName(name.clone());
        if config.pair(&name).is_none() {
            let known: Vec<&str> = config
                .pairs
                .iter()
                .map(|pair| pair.name.0.as_str())
                .collect();
            return Err(Failure::new(
                ExitCode::Usage,
                format!(
                    "there is no pair \"{name}\"; the configuration has: {}",
                    known.join(", ")
                ),
            ));
        }
        only.insert(name);
    }
    Ok(Scope {
        full,
        only,
        patient: false,
    })
}

/// A full listing asks for everything anew, names included.
fn names(full: bool) -> Names {
    match full {
        true => Names::Anew,
        false => Names::Kept,
    }
}

/// `plan`: reads both sides and shows what would be done.
pub async fn plan(context: &Context, args: PlanArgs) -> Result<ExitCode, Failure> {
    if let Some(PlanCommand::Show { file, show }) = &args.command {
        return saved::show(context, file, show);
    }
    let config = setup::config(context.global.config.as_deref())?;
    let scope = scope(&config, args.full, &args.pair)?;
    if let Some(path) = &args.out {
        saved::refuse(path, &config)?;
    }
    let services = setup::connect(&config, &CancellationToken::new())?;
    let state = setup::open_state_read_only(&config)?;
    let names = names(args.full);
    let mut engine = setup::engine_with(&config, &services, state, names).await?;
    let mut observed = engine.observe(&scope).await?;
    if rules::outdated(&config, &services.sources) {
        rules::renew(&config, &services.sources, &mut engine).await?;
        observed = engine.observe(&scope).await?;
    }
    engine.foretell(&mut observed).await;
    let saved_as = args.out.as_ref().filter(|_| !blind(&observed));
    let file = saved_as.map(|path| typed(&path.to_string_lossy()));
    let beside = Beside {
        file: file.as_deref(),
        ..Beside::default()
    };
    show(context, &engine, &observed, &args.show, &beside)?;
    if !context.global.quiet && !context.global.json {
        not_looked_for(context, &engine, &observed)?;
        if let Some(why) = engine.stopped_by().filter(|_| is_pending(observed.plan())) {
            note(&format!("nothing of it is carried out at present: {why}\n"));
        }
    }
    if let (Some(path), Some(file)) = (saved_as, file) {
        let still_open = left_open(&engine, &observed)?;
        saved::save(path, observed.plan(), &still_open, &config)?;
        if !context.global.quiet {
            note(&format!(
                "saved to {}; carry it out with: {}\n",
                path.display(),
                next(context, &format!("apply {file}"))
            ));
        }
    }
    let troubled = observed.findings().troubled.clone();
    let troubled: Vec<_> = troubled.into_iter().collect();
    let others = !observed.plan().pairs.is_empty();
    if let Some(code) = tell_trouble(context, &troubled, others) {
        return Ok(code);
    }
    Ok(
        match args.detailed_exitcode && is_pending(observed.plan()) {
            true => ExitCode::Pending,
            false => ExitCode::Done,
        },
    )
}

/// Whether a cycle would change anything, or somebody has to say yes to a pair before it may.
fn is_pending(plan: &Plan) -> bool {
    let mut pairs = plan.pairs.iter();
    pairs.any(|pair| !pair.actions.is_empty() || pair.first_contact)
}

/// Says what a plan does not show because not every item was listed: most deletes. Of an item that is gone a listing of what
/// changed lately says nothing.
fn not_looked_for(context: &Context, engine: &Engine, observed: &Observed) -> Result<(), Failure> {
    let now = crate::clock::SystemClock.now();
    let mut since = Vec::new();
    for plan in &observed.plan().pairs {
        if observed.findings().swept.contains(&plan.pair) {
            continue;
        }
        let swept = engine.store().pair_state(&plan.pair)?.last_sweep;
        since.extend(swept.map(|at| format!("{} {} ago", plan.pair, age(now, at))));
    }
    if !since.is_empty() {
        note(&format!(
            "deletes since the last full listing ({}) are not in it; {} looks for them\n",
            since.join(", "),
            next(context, "plan --full")
        ));
    }
    Ok(())
}

/// What the text of a plan names beside the plan.
#[derive(Default)]
struct Beside<'a> {
    /// As in [`Show`].
    whole: Option<&'a str>,
    /// The file that the plan is saved to, as it is typed.
    file: Option<&'a str>,
    /// As in [`Show`].
    asks: Asks,
}

/// Shows a plan, with what is open beside it.
fn show(
    context: &Context,
    engine: &Engine,
    observed: &Observed,
    args: &ShowArgs,
    beside: &Beside<'_>,
) -> Result<(), Failure> {
    let still_open = &left_open(engine, observed)?;
    let plan = observed.plan();
    if context.global.json {
        print_json(&render::PlanJson { plan, still_open });
    } else if !blind(observed) {
        let program = context.program();
        let show = Show {
            still_open,
            whole: beside.whole,
            file: beside.file,
            asks: beside.asks,
            full: needs_full(engine, observed)?,
            ..how(args, &program)
        };
        let text = render::plan(plan, &show, &context.style);
        pager::page(context, &args.page, &text);
    }
    Ok(())
}

/// Whether only another full listing makes this plan again: a listing of what changed lately shows nothing of what is gone.
/// After a cycle that stopped a pair the next one lists it in full by itself.
fn needs_full(engine: &Engine, observed: &Observed) -> Result<bool, Failure> {
    let swept = &observed.findings().swept;
    for plan in &observed.plan().pairs {
        let ends = plan.actions.iter().any(|action| action.kind.dissolves());
        let state = engine.store().pair_state(&plan.pair)?;
        if ends && swept.contains(&plan.pair) && state.last_sweep.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How a plan is shown that was just made.
pub(super) fn how<'a>(args: &ShowArgs, program: &'a str) -> Show<'a> {
    Show {
        all: args.page.all,
        addresses: match (args.links, pager::follows_links()) {
            (false, _) => Addresses::Hidden,
            (true, true) => Addresses::Linked,
            (true, false) => Addresses::Written,
        },
        program,
        ..Show::default()
    }
}

/// What is to be typed to see all of a plan that a command without `--all` has shown.
fn whole(context: &Context) -> String {
    next(context, "plan --all")
}

/// How a plan is shown before a question: all of it stays on the screen. `all`: however long it is.
pub(super) fn before_a_question(all: bool) -> ShowArgs {
    ShowArgs {
        page: PageArgs {
            no_pager: true,
            all,
        },
        ..ShowArgs::default()
    }
}

/// Whether no pair could be looked at, so that there is no plan to show or to save. Why is said with the pairs.
fn blind(observed: &Observed) -> bool {
    observed.plan().pairs.is_empty() && !observed.findings().troubled.is_empty()
}

/// `apply`: carries out exactly a saved plan, or the present one after showing it.
pub async fn apply(context: &Context, args: ApplyArgs) -> Result<ExitCode, Failure> {
    let signals = Signals::of_command();
    signals.conclude(apply_under(context, args, &signals).await)
}

async fn apply_under(
    context: &Context,
    args: ApplyArgs,
    signals: &Signals,
) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    if config.guard.read_only {
        return Err(Failure::new(
            ExitCode::Guard,
            "[guard] read_only = true: nothing is written; take the line out to apply a plan",
        ));
    }
    let saved = args.file.as_deref().map(saved::load).transpose()?;
    let services = setup::connect(&config, &signals.cancel)?;
    let (_lock, store, key) = setup::open_state(&config)?;
    let mut engine = setup::engine(&config, &services, store, key).await?;
    engine.safety.stop = signals.stop.clone();
    let names = saved.as_ref().map(Saved::pairs).unwrap_or_default();
    let scope = scope(&config, true, &names)?;
    with_progress(context, &mut engine, &services);
    let (ended, asked) = match &saved {
        Some(saved) => {
            let mut file = ByFile {
                context,
                saved,
                refused: Vec::new(),
            };
            let ended = engine.cycle(&services.writers, &scope, &mut file).await?;
            (ended, Asked::nothing(file.refused))
        }
        None => {
            let mut person = ByHand {
                context,
                all: args.all,
                stop: &signals.stop,
                asked: Asked::default(),
            };
            let ended = engine.cycle(&services.writers, &scope, &mut person).await?;
            (ended, person.asked)
        }
    };
    told(context, &engine, signals, ended, &asked)
}

/// `reconcile`: one cycle with `--once`, else cycles until SIGTERM.
pub async fn reconcile(context: &Context, args: ReconcileArgs) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let read_only = args.read_only || config.guard.read_only;
    if args.dry_run || read_only && args.once {
        let plan_args = PlanArgs {
            out: None,
            full: args.full,
            pair: args.pair,
            detailed_exitcode: args.detailed_exitcode,
            ..PlanArgs::default()
        };
        if read_only {
            note("read-only: this is what would be done; nothing is written\n");
        }
        return plan(context, plan_args).await;
    }
    let signals = match args.once {
        true => Signals::of_command(),
        false => Signals::of_daemon(),
    };
    let result = reconcile_under(context, &config, args, read_only, &signals).await;
    signals.conclude(result)
}

async fn reconcile_under(
    context: &Context,
    config: &Config,
    args: ReconcileArgs,
    read_only: bool,
    signals: &Signals,
) -> Result<ExitCode, Failure> {
    let scope = scope(config, args.full, &args.pair)?;
    let services = setup::connect(config, &signals.cancel)?;
    if read_only {
        return watch(config, services, &scope, signals).await;
    }
    let (lock, mut store, key) = setup::open_state(config)?;
    if args.retry {
        store.forgive()?;
    }
    // A daemon asks once, at its start.
    let names = names(args.full || !args.once);
    let mut engine = setup::engine_with(config, &services, (store, key), names).await?;
    engine.safety.stop = signals.stop.clone();
    if args.once {
        let consent = Consent {
            first_contact: args.yes,
            hashes: args.approve.into_iter().collect(),
        };
        let at = (config, &services);
        return once(context, &mut engine, at, &scope, consent, signals).await;
    }
    starts(config, &scope, &engine, false);
    let (writers, poll) = (Some(&services.writers), &config.schedule.poll);
    let mut upkeep = Upkeep::new(config, services.sources.clone());
    let refresh = async |engine: &mut Engine| upkeep.look(engine).await;
    daemon::run(&mut engine, writers, poll, (&scope, refresh), Some(&lock)).await?;
    Ok(ExitCode::Done)
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        Failure::new(ExitCode::Unexpected, error.to_string())
    }
}

/// The daemon without anything that could write: neither writers nor a state that is open for writing.
async fn watch(
    config: &Config,
    services: Services,
    scope: &Scope,
    signals: &Signals,
) -> Result<ExitCode, Failure> {
    let mut seen = Stamp::of(&config.state.path);
    let (store, key) = setup::open_state_read_only(config)?;
    let mut engine = setup::engine(config, &services, store, key).await?;
    engine.safety.stop = signals.stop.clone();
    drop(services.writers);
    starts(config, scope, &engine, true);
    let _watching = Watching::begin(&config.state.path);
    let mut upkeep = Upkeep::new(config, services.sources.clone());
    let refresh = async |engine: &mut Engine| {
        let now = Stamp::of(&config.state.path);
        if now != seen {
            match setup::look_again(config, &services.sources, engine) {
                Ok(()) => seen = now,
                Err(error) => tracing::warn!(
                    "the state was changed by another command and cannot be read, so what is told is by the one before: {}",
                    error.message
                ),
            }
        }
        upkeep.look(engine).await;
    };
    daemon::run(
        &mut engine,
        None,
        &config.schedule.poll,
        (scope, refresh),
        None,
    )
    .await?;
    Ok(ExitCode::Done)
}

/// The first line of a daemon's log: which program, on what, how often. `read_only`: it holds nothing that could write.
fn starts(config: &Config, scope: &Scope, engine: &Engine, read_only: bool) {
    let named = |pair: &&PairName| scope.only.is_empty() || scope.only.contains(*pair);
    let pairs = engine.policies.iter().map(|policy| &policy.pair);
    let pairs: Vec<&str> = pairs.filter(named).map(|pair| pair.0.as_str()).collect();
    let schedule = match &config.schedule.poll {
        Poll::Every(every) => format!("every {}", humantime::format_duration(*every)),
        Poll::Cron(line) => format!("cron {line} (UTC)"),
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %config.path.display(),
        state = %config.state.path.display(),
        pairs = pairs.join(","),
        schedule,
        sweep = %humantime::format_duration(config.schedule.sweep),
        time_zone = config.ado.time_zone.map_or("not set", |zone| zone.name()),
        read_only,
        "boardsync starts{}",
        match read_only {
            true => ", and only looks: nothing is written to either service or to the state",
            false => "",
        }
    );
}

async fn once(
    context: &Context,
    engine: &mut Engine,
    (config, services): (&Config, &Services),
    scope: &Scope,
    consent: Consent,
    signals: &Signals,
) -> Result<ExitCode, Failure> {
    let mut once = Once {
        context,
        stop: &signals.stop,
        scope,
        consent,
        names: Some((config, services)),
        outdated: false,
        asked: Asked::default(),
    };
    with_progress(context, engine, services);
    let mut ended = engine.cycle(&services.writers, scope, &mut once).await?;
    if once.outdated {
        rules::renew(config, &services.sources, engine).await?;
        ended = engine.cycle(&services.writers, scope, &mut once).await?;
    }
    told(context, engine, signals, ended, &once.asked)
}

/// From how many actions on a progress bar is worth its line.
const LONG: usize = 20;

/// Shows a bar on a terminal while a long plan is carried out; quiet in cron and in pipes.
pub(super) fn with_progress(context: &Context, engine: &mut Engine, services: &Services) {
    if context.global.quiet || context.global.json || !std::io::stderr().is_terminal() {
        return;
    }
    let (shown, budget) = (OnceLock::new(), services.budget.clone());
    engine.progress = Some(std::sync::Arc::new(move |done, total| {
        if total < LONG {
            return;
        }
        let bar = shown.get_or_init(|| bar(total));
        bar.set_message(budget());
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        if done >= total {
            bar.finish_and_clear();
        }
    }));
}

fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    let template = "{bar:24} {pos}/{len} actions, {msg}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
