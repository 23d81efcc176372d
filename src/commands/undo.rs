//! `undo`: the inverse of a run, or of everything that was written to one item.

mod deeds;

use self::deeds::{Found, Links, Target, gather, is_living};
use super::cycle::{views, with_progress};
use super::setup::{self, Services};
use super::signals::Signals;
use super::{Context, Failure, exit_code, note, print, print_json, prompt};
use crate::cli::{ExitCode, UndoArgs};
use crate::connector::{ConnectorError, ErrorKind, Fetched};
use crate::engine::apply::{Consent, Report};
use crate::engine::observe::{self, Observed};
use crate::engine::stop::StopSwitch;
use crate::engine::{Engine, Writers};
use crate::model::{Item, ItemId, LinkId, PairName, Side, Sided};
use crate::reconcile::plan::{Hold, PairPlan, Plan};
use crate::reconcile::undo::{UndoLink, undo as invert};
use crate::reconcile::{Presence, plan_of};
use crate::render;
use crate::store::{Batch, CycleRow, Op, Store, StoreError};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;

/// Runs that are listed when none is named.
const LISTED: usize = 20;

/// Takes back a run, or everything that was written to an item.
pub async fn undo(context: &Context, args: UndoArgs) -> Result<ExitCode, Failure> {
    let Some(what) = args.what.as_deref() else {
        return list(context);
    };
    let signals = Signals::of_command();
    signals.conclude(undo_under(context, &args, what, &signals).await)
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
    // A look changes nothing and works beside a running daemon.
    let (lock, store, key) = if args.dry_run {
        let (store, key) = setup::open_state_read_only(&config)?;
        (None, store, key)
    } else {
        let (lock, store, key) = setup::open_state(&config)?;
        (Some(lock), store, key)
    };
    let mut engine = setup::engine(&config, &services, store, key).await?;
    engine.safety.stop = signals.stop.clone();
    if lock.is_some() {
        engine.recover().await?;
    }
    keep_approvals(&mut engine)?;
    let target = Target::of(&engine.store(), what)?;
    let (links, mut unknown) = gather(&engine.store(), &target)?;
    unknown.extend(
        links
            .keys()
            .filter(|pair| engine.policy(pair).is_none())
            .map(|pair| {
                format!("pair \"{pair}\" is no longer configured; what was written to it stays")
            }),
    );
    let (mut observed, left) =
        observe(&engine, &services, links, &target, args.delete_created).await?;
    for line in &unknown {
        note(&format!("{}\n", render::escape(line)));
    }
    let stays = !left.is_empty() || !unknown.is_empty();
    let ready = show(context, &observed.plan, &left, &target, args, &signals.stop)?;
    let actions: usize = observed
        .plan
        .pairs
        .iter()
        .map(|pair| pair.actions.len())
        .sum();
    if actions == 0 || args.dry_run {
        return Ok(if stays {
            ExitCode::Partial
        } else {
            ExitCode::Done
        });
    }
    if !ready {
        return Ok(ExitCode::Guard);
    }
    if !args.yes {
        // Somebody may have edited while the question stood.
        let (links, _) = gather(&engine.store(), &target)?;
        let again = observe(&engine, &services, links, &target, args.delete_created).await?;
        if hashes(&again.0.plan) != hashes(&observed.plan) {
            note("nothing was changed: an item moved meanwhile; look at the undo again\n");
            return Ok(ExitCode::Guard);
        }
        observed = again.0;
    }
    with_progress(context, &mut engine, &services, &observed.plan);
    let report = carry_out(&engine, &services.writers, &observed, &target).await?;
    signals.count(
        &observed.plan,
        &report,
        engine.store().open_intents()?.len(),
    );
    tell(context, &observed, &report, &left, &target);
    let failed = |error: &&ConnectorError| error.kind != ErrorKind::Cancelled;
    if let Some(error) = report.closed.iter().find(failed) {
        note(&format!("error: {error}\n"));
        return Ok(exit_code(error));
    }
    Ok(if stays || report.failures() > 0 {
        ExitCode::Partial
    } else {
        ExitCode::Done
    })
}

fn hashes(plan: &Plan) -> BTreeSet<String> {
    plan.pairs.iter().map(PairPlan::hash).collect()
}

/// Lists the last runs that did something.
fn list(context: &Context) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let (store, _) = setup::open_state_read_only(&config)?;
    let runs = store.recent_runs(LISTED)?;
    if context.global.json {
        let runs: Vec<_> = runs
            .iter()
            .map(|run| json!({ "run": run.id, "at_ms": run.at, "cause": run.cause, "actions": run.actions }))
            .collect();
        print_json(&json!({ "format_version": 1, "runs": runs }));
    } else if runs.is_empty() {
        print("no run in the journal did anything\n");
    } else {
        let rows: Vec<Vec<String>> = runs
            .into_iter()
            .map(|run| {
                vec![
                    run.id,
                    run.at.to_rfc3339(),
                    run.cause
                        .unwrap_or_else(|| "killed or recovered".to_owned()),
                    run.actions.to_string(),
                ]
            })
            .collect();
        print(&render::table(
            &["run", "started", "cause", "actions"],
            &rows,
            &context.style,
        ));
    }
    Ok(ExitCode::Done)
}

/// The policies as they were approved: an undo says nothing about a mapping that waits for a yes, and puts no back-links
/// on anything.
fn keep_approvals(engine: &mut Engine) -> Result<(), Failure> {
    for at in 0..engine.policies.len() {
        let Some(pair) = engine.policies.get(at).map(|policy| policy.pair.clone()) else {
            continue;
        };
        let approved = engine.store().pair_state(&pair)?.fingerprint;
        if let Some(policy) = engine.policies.get_mut(at) {
            policy.backlink = false;
            policy.fingerprint = approved.unwrap_or_default();
        }
    }
    Ok(())
}

/// What stays as it is, by pair.
type Left = BTreeMap<PairName, Vec<Hold>>;

/// Reads every item that is to be written to, with its counterpart, and plans.
async fn observe(
    engine: &Engine,
    services: &Services,
    links: Links,
    target: &Target,
    delete_created: bool,
) -> Result<(Observed, Left), Failure> {
    let mut observed = Observed::empty(engine.clock.now());
    let mut read: Sided<BTreeMap<ItemId, Fetched>> = Sided::default();
    // ClickUp last: it has no compare-and-swap, so its read stays close to the write.
    for side in Side::BOTH {
        let ids: BTreeSet<ItemId> = links
            .values()
            .flat_map(BTreeMap::values)
            .map(|found| found.row.item(side).clone())
            .collect();
        if !ids.is_empty() {
            *read.get_mut(side) = services.readers.get(side).fetch_items(&ids).await?;
        }
    }
    let (mut plans, mut left) = (Vec::new(), Left::new());
    let store = engine.store();
    for (pair, links) in links {
        let Some(policy) = engine.policy(&pair) else {
            continue;
        };
        let mut again: BTreeSet<LinkId> = store
            .meta(&observe::again_key(&pair))?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        again.extend(links.keys().copied());
        observed.again.insert(pair.clone(), again);
        let mut views = Vec::new();
        for found in links.into_values() {
            views.push(view(&store, &pair, found, &read)?);
        }
        let done = invert(
            &pair,
            &policy.fingerprint,
            &views,
            delete_created,
            &target.words(),
        );
        plans.push(done.plan);
        if !done.left.is_empty() {
            left.insert(pair, done.left);
        }
    }
    for side in Side::BOTH {
        *observed.watermarks.get_mut(side) = store.watermark(side)?;
        let items = std::mem::take(read.get_mut(side)).into_iter();
        *observed.items.get_mut(side) = items
            .filter_map(|(id, fetched)| match fetched {
                Fetched::Seen(item) => Some((id, *item)),
                Fetched::Gone { .. } | Fetched::Unclear { .. } => None,
            })
            .collect::<BTreeMap<ItemId, Item>>();
    }
    observed.plan = plan_of(engine.clock.now(), plans);
    observed.read_at = engine.clock.now();
    Ok((observed, left))
}

fn view(
    store: &Store,
    pair: &PairName,
    found: Found,
    read: &Sided<BTreeMap<ItemId, Fetched>>,
) -> Result<UndoLink, StoreError> {
    let Found {
        row,
        deeds,
        carried_back,
    } = found;
    let now = Sided::build(|side| match read.get(side).get(row.item(side)) {
        Some(Fetched::Seen(item)) => Presence::Seen(item.clone()),
        Some(Fetched::Gone { evidence }) => Presence::Gone {
            evidence: evidence.clone(),
        },
        Some(Fetched::Unclear { reason }) => Presence::Unclear {
            reason: reason.clone(),
        },
        None => Presence::Unclear {
            reason: "it was not read".to_owned(),
        },
    });
    let mut linked = Sided::build(|_| false);
    for side in Side::BOTH {
        let link = store.link_by_item(pair, side, row.item(side))?;
        *linked.get_mut(side) = link.is_some_and(|link| is_living(&link));
    }
    Ok(UndoLink {
        link: row.id,
        items: Sided::build(|side| row.item(side).clone()),
        base: observe::base_of(store, row.id)?,
        now,
        linked,
        living: is_living(&row),
        waiting: observe::chosen(store, row.id)?.into_keys().collect(),
        carried_back,
        deeds,
    })
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
                "format_version": 1, "undoes": target.words(), "plan": render::plan_json(plan), "left": left,
            }));
        }
    } else {
        let mut shown = plan.clone();
        for pair in &mut shown.pairs {
            if pair.in_sync < pair.looked_at {
                // How many are equal says nothing here.
                pair.looked_at = 0;
            }
            pair.holds = left.get(&pair.pair).cloned().unwrap_or_default();
        }
        print(&format!("{}\n", target.words()));
        match shown.pairs.is_empty() {
            true => print("nothing was written, so there is nothing to take back\n"),
            false => print(&render::plan(&shown, &context.style)),
        }
        let fields = plan.pairs.iter().flat_map(|pair| &pair.actions);
        if fields.into_iter().any(|action| !action.changes.is_empty()) {
            print(
                "Afterwards both sides count as agreed where they differ by this: nothing is written there until \
                 somebody edits.\n",
            );
        }
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

/// Carries the plan out as a run of its own. It says nothing about how fresh a pair is, so that is put back.
async fn carry_out(
    engine: &Engine,
    writers: &Writers,
    observed: &Observed,
    target: &Target,
) -> Result<Report, Failure> {
    let consent = Consent {
        first_contact: false,
        hashes: hashes(&observed.plan),
    };
    let mut states = Vec::new();
    for pair in &observed.plan.pairs {
        states.push((pair.pair.clone(), engine.store().pair_state(&pair.pair)?));
    }
    let report = engine.apply(writers, observed, &consent).await?;
    let mut store = engine.store();
    let mut ops: Vec<Op> = states
        .into_iter()
        .map(|(pair, state)| Op::SetPairState { pair, state })
        .collect();
    ops.extend(store.cycle(&report.cycle)?.map(|run| {
        Op::SaveCycle(CycleRow {
            cause: target.words(),
            ..run
        })
    }));
    store.commit(&Batch(ops))?;
    Ok(report)
}

fn tell(context: &Context, observed: &Observed, report: &Report, left: &Left, target: &Target) {
    let views = views(observed, report);
    if context.global.json {
        let pairs: Vec<_> = views.iter().map(render::report_json).collect();
        print_json(&json!({
            "format_version": 1, "undoes": target.words(), "run": report.cycle, "writes": report.writes(),
            "pairs": pairs, "left": left,
        }));
        return;
    }
    for view in &views {
        print(&render::report(view, &context.style));
    }
    print(&format!(
        "this was run {}; take it back with: boardsync undo {}\n",
        report.cycle, report.cycle
    ));
}
