//! Carries out a plan: intent, request, one commit per action.

mod apart;
mod create;
mod doubt;
mod finish;
mod found;
mod kept;
mod left_out;
mod misanswered;
mod pair;
mod prepare;
mod rails;
mod record;
mod refusal;
mod report;
mod ruled;
mod standing;
mod unanswered;
mod unmarked;
mod update;

pub use crate::reason::Stopped;

use crate::connector::{ConnectorError, ErrorKind};
use crate::engine::observe::Observed;
use crate::engine::{CycleError, Engine, Writers};
use crate::model::{
    About, ActionId, FieldKey, FieldValue, Folded, Item, ItemId, LinkId, PairName, Side, Sided,
    Subject, Timestamp,
};
use crate::reason::{Cause, HoldWhy, RunEnd, UndoneWhy};
use crate::reconcile::plan::{Action, ActionKind, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::attempt::Failure;
use crate::reconcile::rails::{source, tried, without_halves};
use crate::reconcile::settle::Answer;
use crate::store::{Attempt, Batch, CycleRow, HoldRow, Op, StoreError, TransitRow};
pub(in crate::engine) use kept::kept_of;
pub(in crate::engine) use pair::about;
pub use report::{Consent, Done, Report};
use std::collections::{BTreeMap, BTreeSet};
use tracing::Instrument as _;

/// After how long in the middle of a plan the claim on the pair is looked at again.
const LOOK_AGAIN_MS: i64 = 5_000;

/// State of one run of `apply`.
struct Run<'a> {
    engine: &'a Engine,
    writers: &'a Writers,
    observed: &'a Observed,
    cycle: String,
    /// What a side returned for a field in this run.
    returned: BTreeMap<(LinkId, Side, FieldKey), Answer>,
    /// Fields that a side did not take in this run.
    kept: BTreeSet<(LinkId, FieldKey)>,
    closed: Sided<Option<ConnectorError>>,
    /// Links with something left undone.
    unclean: BTreeSet<LinkId>,
    /// Links of which nothing is left undone, but whose items have to be read again before they count as seen.
    reread: BTreeSet<LinkId>,
    holds: Vec<HoldRow>,
    /// Since when items of this pair were held before this run; read when first needed.
    held_since: Option<BTreeMap<(Side, ItemId), Timestamp>>,
    written: Sided<BTreeMap<ItemId, Item>>,
    ok: BTreeSet<ActionId>,
    /// Failures of this pair's items and their parts, by whose change it was; those of this run are in `failed` too.
    attempts: BTreeMap<About, Attempt>,
    failed: BTreeSet<About>,
    /// Whose fault the present action's failure is; `None`: not the item's.
    fault: Option<Failure>,
    /// Items that were read again and had changed since the plan.
    moved: BTreeSet<ItemId>,
    /// Failures in a row that count towards closing a side.
    strikes: Sided<u32>,
    /// The stop file was seen.
    switched_off: bool,
    /// By the side on which items are gone: whether somebody let exactly this pair's plan through, which follows that, although a
    /// guard stops it for so many of them.
    let_through: Sided<bool>,
    /// What the firewall said about this pair.
    breach: Option<String>,
    /// Why the pair is no longer ours, found in the middle of its plan.
    lost: Option<Stopped>,
    /// What failed of the present action is held part by part already.
    apart: bool,
    /// What of updates is noted while it is sent and not answered.
    unanswered: BTreeMap<LinkId, Vec<TransitRow>>,
    /// Of the next update, what goes in calls of its own and is noted as those leave.
    alone: Vec<TransitRow>,
    /// What earlier runs noted of those updates and nobody has answered yet.
    earlier: BTreeMap<(LinkId, Side), Vec<TransitRow>>,
    /// First steps of fields that take several requests. A write that fails as a whole has sent no other one.
    first_steps: BTreeMap<(LinkId, Side), (FieldKey, FieldValue)>,
    /// Links of which a write was answered in doubt in this run.
    in_doubt: BTreeSet<(LinkId, Side)>,
    /// Members of a field, say tags, that a side did not take in this run.
    missing: BTreeMap<(LinkId, Side, FieldKey), BTreeSet<Folded>>,
    /// Why nothing more is created on a side, where that is known.
    unmarked: Sided<Option<String>>,
}

impl Engine {
    /// Carries out the plan of `observed`, as far as guards and consent allow, and records what was seen.
    ///
    /// # Errors
    /// Only the database ends it early; a failing action is an outcome in the report.
    pub async fn apply(
        &self,
        writers: &Writers,
        observed: &Observed,
        consent: &Consent,
    ) -> Result<Report, CycleError> {
        let started = self.clock.now();
        let run = format!("c{}", started.0);
        let span = tracing::error_span!("run", run);
        self.apply_at(writers, observed, consent, started)
            .instrument(span)
            .await
    }

    async fn apply_at(
        &self,
        writers: &Writers,
        observed: &Observed,
        consent: &Consent,
        started: Timestamp,
    ) -> Result<Report, CycleError> {
        let _writing = self.safety.stop.begin();
        self.start_wait()?;
        self.prune()?;
        if let Some(switched) = self.stopped_by() {
            self.note_tokens(&Sided::default())?;
            return Ok(self.stand_still(observed, &switched)?);
        }
        let mut report = Report {
            cycle: format!("c{}", started.0),
            ..Report::default()
        };
        self.record_trouble(observed, started, &mut report)?;
        if observed.plan.pairs.is_empty() && report.troubled.is_empty() {
            // Every pair is left alone for a while. Neither service was asked anything, so this is no cycle that anybody should
            // hear of, and nothing was learnt of a token or a service that was down.
            return Ok(report);
        }
        self.copy_before_large(observed, consent)?;
        let mut run = Run::new(self, writers, observed, report.cycle.clone());
        for plan in &observed.plan.pairs {
            let Some(policy) = self.policy(&plan.pair) else {
                continue;
            };
            run.begin(plan)?;
            let stopped = run.stopped(plan, consent).await?;
            match &stopped {
                Some(reason) => {
                    report.stopped.push((plan.pair.clone(), reason.clone()));
                    if self.safety.stop.asked() {
                        report.not_begun += plan.actions.len();
                    }
                }
                None => run.carry_out(policy, plan, &mut report).await?,
            }
            self.point("before-pair-commit")?;
            let held = run.finish(policy, plan, stopped.as_ref(), started)?;
            report.held.insert(plan.pair.clone(), held);
            let broken_off = run.broken_off(stopped.is_some());
            let broken_off = broken_off.map(|reason| (plan.pair.clone(), reason));
            report.stopped.extend(broken_off);
        }
        report.open = self.open_conflicts(observed)?;
        let total = actions_of(observed);
        if let Some(tell) = self.progress.as_ref().filter(|_| report.not_begun > 0) {
            tell(total, total);
        }
        self.record_closed(run.closed, &mut report)?;
        // The watermark moves last: until then everything that was listed is listed again.
        let marks = Side::BOTH
            .into_iter()
            .filter(|_| !observed.findings.partial)
            .map(|side| Op::SetWatermark {
                side,
                watermark: observed.watermarks.get(side).clone(),
            });
        let cycle = Op::SaveCycle(self.cycle_row(&report, started));
        self.store()
            .commit(&Batch(marks.chain([cycle]).collect()))?;
        Ok(report)
    }

    /// Opens and closes the breaker of each side by what the run met, and notes in the report what was met.
    fn record_closed(
        &self,
        closed: Sided<Option<ConnectorError>>,
        report: &mut Report,
    ) -> Result<(), CycleError> {
        for side in Side::BOTH {
            match closed.get(side) {
                Some(error) if rails::closes(error) => self.open_breaker(error)?,
                // Both sides were read in full for this plan.
                Some(_) | None => self.close_breaker(side)?,
            }
        }
        self.note_tokens(&closed)?;
        report.closed = [closed.ado, closed.clickup].into_iter().flatten().collect();
        Ok(())
    }

    /// The line that the cycle has in the history.
    fn cycle_row(&self, report: &Report, started: Timestamp) -> CycleRow {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        // What a signal cut short is no fault of the service.
        let failed = |error: &&ConnectorError| error.kind != ErrorKind::Cancelled;
        let failed: Vec<&ConnectorError> = report.closed.iter().filter(failed).collect();
        let still = !report.stopped.is_empty() || !report.troubled.is_empty();
        CycleRow {
            id: report.cycle.clone(),
            started_at: started,
            finished_at: Some(self.clock.now()),
            cause: Cause::Cycle,
            outcome: match (failed.is_empty(), still) {
                (false, _) => RunEnd::Failed,
                (true, true) => RunEnd::Stopped,
                (true, false) => RunEnd::Done,
            },
            counts: BTreeMap::from([
                ("writes".to_owned(), count(report.writes())),
                ("linked".to_owned(), count(report.done(ActionKind::Link))),
                (
                    "unlinked".to_owned(),
                    count(report.done(ActionKind::Unlink)),
                ),
                ("failures".to_owned(), count(report.failures())),
            ]),
            detail: said(report, &failed),
        }
    }

    /// How many conflicts are open in each of the pairs that were planned. Where somebody has chosen, nobody is waited for: if
    /// the choice could not be carried out, what keeps it is held.
    pub(super) fn open_conflicts(
        &self,
        observed: &Observed,
    ) -> Result<BTreeMap<PairName, usize>, StoreError> {
        let pairs = observed.plan.pairs.iter();
        let mut open: BTreeMap<PairName, usize> =
            pairs.map(|plan| (plan.pair.clone(), 0)).collect();
        let store = self.store();
        for conflict in store.waiting_conflicts()? {
            if let Some(count) = open.get_mut(&conflict.record.pair) {
                *count += 1;
            }
        }
        Ok(open)
    }
}

/// Why pairs stood still, and which services failed, for the record.
fn said(report: &Report, failed: &[&ConnectorError]) -> Option<String> {
    let stopped = report.stopped.iter();
    let stopped = stopped.map(|(pair, why)| format!("{pair}: {why}"));
    let troubled = report.troubled.iter();
    let troubled = troubled.map(|(pair, error)| format!("{pair}: {error}"));
    let failed = failed.iter().map(ToString::to_string);
    let lines: Vec<String> = stopped.chain(troubled).chain(failed).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

pub(super) fn stop_reason(plan: &PairPlan, consent: &Consent) -> Option<Stopped> {
    if let Some(why) = &plan.blocked {
        return Some(Stopped::Taken(why.clone()));
    }
    let reason = match plan.guarded().next() {
        Some(_) => Stopped::Guard,
        None if plan.first_contact && !consent.first_contact => {
            Stopped::FirstContact(plan.yes_to())
        }
        None => return None,
    };
    // Last, for it serialises the whole plan, and most plans need no yes.
    (!consent.hashes.contains(&plan.hash())).then_some(reason)
}

/// How many actions a plan has, in all pairs.
fn actions_of(observed: &Observed) -> usize {
    let pairs = observed.plan.pairs.iter();
    pairs.map(|pair| pair.actions.len()).sum()
}

impl<'a> Run<'a> {
    fn new(
        engine: &'a Engine,
        writers: &'a Writers,
        observed: &'a Observed,
        cycle: String,
    ) -> Run<'a> {
        Run {
            engine,
            writers,
            observed,
            cycle,
            returned: BTreeMap::new(),
            kept: BTreeSet::new(),
            closed: Sided::default(),
            unclean: BTreeSet::new(),
            reread: BTreeSet::new(),
            holds: Vec::new(),
            held_since: None,
            written: Sided::default(),
            ok: BTreeSet::new(),
            attempts: BTreeMap::new(),
            failed: BTreeSet::new(),
            fault: None,
            moved: BTreeSet::new(),
            strikes: Sided::default(),
            switched_off: false,
            let_through: Sided::default(),
            breach: None,
            lost: None,
            apart: false,
            unanswered: BTreeMap::new(),
            alone: Vec::new(),
            earlier: BTreeMap::new(),
            first_steps: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
            missing: BTreeMap::new(),
            unmarked: Sided::default(),
        }
    }
}

impl Run<'_> {
    /// Why nothing more of the pair is carried out; `None`: nothing speaks against it.
    fn hindered(&mut self) -> Option<String> {
        if self.engine.safety.stop.asked() {
            self.switched_off = true;
            return self.engine.stopped_by().map(|why| why.to_string());
        }
        let lost = || self.lost.as_ref().map(Stopped::to_string);
        self.breach.clone().or_else(lost)
    }

    async fn act(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let rest;
        let mut action = action;
        let missing = action.after.iter().filter(|id| !self.ok.contains(*id));
        let missing: Vec<&ActionId> = missing.collect();
        if let Some(needed) = missing.first() {
            self.fault = None;
            self.undone(policy, plan, action, UndoneWhy::WaitsForHalf);
            let planned = |id: &&ActionId| plan.actions.iter().find(|first| first.id == **id);
            let firsts: Option<Vec<&Action>> = missing.iter().map(planned).collect();
            let alone = firsts.and_then(|firsts| without_halves(action, &firsts, &plan.pair));
            let Some(alone) = alone else {
                return Ok(Done::Skipped(format!(
                    "action {needed} before it did not succeed"
                )));
            };
            rest = alone;
            action = &rest;
        }
        if action.kind.writes()
            && let Some(error) = self.closed.get(action.target)
        {
            let reason = error.to_string();
            self.fault = None;
            let said = reason.clone();
            self.undone(policy, plan, action, UndoneWhy::Skipped { said });
            return Ok(Done::Skipped(reason));
        }
        if let Some(reason) = self.hindered() {
            let said = reason.clone();
            self.undone(policy, plan, action, UndoneWhy::Skipped { said });
            return Ok(Done::Skipped(reason));
        }
        self.fault = Some(Failure::Other);
        let done = self.dispatch(policy, plan, action).await?;
        match &done {
            Done::Skipped(_) => self.fault = None,
            Done::Stale(_) => self.fault = Some(Failure::Stale),
            Done::Done(_) if action.kind.writes() => *self.strikes.get_mut(action.target) = 0,
            Done::Done(_) | Done::Failed(_) => {}
        }
        let undone = match &done {
            Done::Done(_) => {
                tracing::info!(
                    outcome = "done",
                    "{}: {}",
                    action.kind.past(),
                    action.reason()
                );
                record::tell_ruled(plan, action);
                return Ok(done);
            }
            Done::Stale(said) => UndoneWhy::Stale { said: said.clone() },
            Done::Failed(said) => UndoneWhy::Failed { said: said.clone() },
            Done::Skipped(said) => UndoneWhy::Skipped { said: said.clone() },
        };
        let outcome = match &done {
            Done::Done(_) => "done",
            Done::Stale(_) => "stale",
            Done::Failed(_) => "failed",
            Done::Skipped(_) => "skipped",
        };
        tracing::warn!(outcome, "not done: {undone}");
        if !std::mem::take(&mut self.apart) {
            self.undone(policy, plan, action, undone);
        }
        Ok(done)
    }

    async fn dispatch(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        match &action.subject {
            Subject::Part(part) => match part.kind {},
            Subject::Item | Subject::Field(_) => {}
        }
        match action.kind {
            ActionKind::Create => self.create(policy, plan, action).await,
            ActionKind::Update => self.update(policy, plan, action).await,
            ActionKind::Delete => self.delete(policy, plan, action).await,
            ActionKind::Close => self.close(policy, plan, action).await,
            ActionKind::Link => self.link(plan, action),
            ActionKind::Unlink => self.unlink(plan, action),
            ActionKind::Restore => self.restore(plan, action).await,
        }
    }

    /// Remembers that an action is still to be done, and counts a failure that is the item's own.
    fn undone(&mut self, policy: &Policy, plan: &PairPlan, action: &Action, why: UndoneWhy) {
        let now = self.engine.clock.now();
        let Some(About {
            side,
            item,
            subject,
        }) = tried(action)
        else {
            return;
        };
        let (tries, retry_at) = match self.fault.take() {
            Some(kind) => self.count(policy, action, kind, &why.to_string(), now),
            None => (0, Some(now)),
        };
        let since = self.held_since(plan, side, &item).unwrap_or(now);
        if let Some(link) = action.link {
            self.unclean.insert(link);
        }
        self.holds.push(HoldRow {
            pair: plan.pair.clone(),
            link: action.link,
            side: Some(side),
            item: Some(item),
            subject,
            why: HoldWhy::from(why),
            since,
            tries,
            retry_at,
        });
    }

    /// Since when an item was held before this run. Read once: a run that is told to end leaves thousands at a time.
    fn held_since(&mut self, plan: &PairPlan, side: Side, item: &ItemId) -> Option<Timestamp> {
        let engine = self.engine;
        let known = self.held_since.get_or_insert_with(|| {
            let holds = engine.store().holds(Some(&plan.pair)).unwrap_or_default();
            let since = |hold: HoldRow| Some(((hold.side?, hold.item?), hold.since));
            // The first hold of an item is the one that counts.
            holds.into_iter().rev().filter_map(since).collect()
        });
        known.get(&(side, item.clone())).copied()
    }

    /// Closes a side for the rest of the cycle where the error says so, and turns the error into an outcome.
    fn failed(&mut self, action: &Action, error: ConnectorError) -> Done {
        let text = error.to_string();
        self.fault = Self::blame(&error);
        self.strike(action.target, &error);
        match error.kind {
            ErrorKind::Stale => Done::Stale(text),
            ErrorKind::Auth
            | ErrorKind::Unreachable
            | ErrorKind::Throttled
            | ErrorKind::Cancelled => {
                *self.closed.get_mut(action.target) = Some(error);
                Done::Failed(text)
            }
            ErrorKind::Ambiguous
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Protocol => Done::Failed(text),
        }
    }
}

/// Returns the hold that an item had before this cycle.
fn earlier<'a>(holds: &'a [HoldRow], side: Side, item: &ItemId) -> Option<&'a HoldRow> {
    holds
        .iter()
        .find(|hold| hold.side == Some(side) && hold.item.as_ref() == Some(item))
}

fn type_of(item: &Item) -> String {
    match item.fields.get(&FieldKey::Type) {
        Some(FieldValue::Choice(name)) => name.shown.clone(),
        _ => "Task".to_owned(),
    }
}
