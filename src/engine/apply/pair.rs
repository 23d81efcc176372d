//! One pair of a run: whether its plan may be carried out, its actions one by one, and what broke it off.

use super::{Consent, Done, LOOK_AGAIN_MS, Report, Run, Stopped, actions_of, stop_reason};
use crate::engine::{CycleError, begun};
use crate::model::{Side, Sided};
use crate::reason::JournalKind;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use tracing::{Instrument as _, Span};

/// What every line of the log about an action says: enough for `boardsync history ITEM` to find it.
pub(in crate::engine) fn about(plan: &PairPlan, action: &Action) -> Span {
    let source = action.target.other();
    let item = match (&action.target_item, &action.source_item) {
        (Some(item), _) => format!("{} {item}", action.target),
        (None, Some(item)) => format!("{source} {item}"),
        (None, None) => String::new(),
    };
    let fields: Vec<String> = action
        .changes
        .iter()
        .map(|change| change.field.to_string())
        .collect();
    let kind = JournalKind::from(action.kind).key();
    tracing::error_span!(
        "action",
        pair = %plan.pair,
        item,
        side = %action.target,
        field = fields.join(","),
        kind
    )
}

/// Whether a yes to a plan is one to all that is gone on a side: a guard told how much that is, and the plan follows some of it. A
/// yes to any other plan is one to its actions, and says nothing of what had gone before.
fn is_let_through(plan: &PairPlan, gone_on: Side) -> bool {
    let mut actions = plan.actions.iter();
    plan.guarded().any(|guard| guard.gone_on() == Some(gone_on))
        && actions.any(|action| action.kind.dissolves() && action.target == gone_on.other())
}

impl Run<'_> {
    /// Forgets what was of the pair before, and loads what failed in this one earlier.
    pub(super) fn begin(&mut self, plan: &PairPlan) -> Result<(), CycleError> {
        self.holds.clear();
        self.held_since = None;
        self.unclean.clone_from(&self.observed.findings.left_out);
        self.reread.clear();
        self.kept.clear();
        self.failed.clear();
        self.let_through = Sided::default();
        Ok(self.load_attempts(plan)?)
    }

    /// Why nothing of the pair is carried out; `None`: nothing speaks against it. The claim comes last, for making one
    /// writes to the canary.
    pub(super) async fn stopped(
        &mut self,
        plan: &PairPlan,
        consent: &Consent,
    ) -> Result<Option<Stopped>, CycleError> {
        if let Some(reason) = stop_reason(plan, consent).or_else(|| self.switch()) {
            return Ok(Some(reason));
        }
        self.let_through = match consent.hashes.contains(&plan.hash()) {
            true => Sided::build(|side| is_let_through(plan, side)),
            false => Sided::default(),
        };
        let canary = self
            .engine
            .canary(plan, self.observed, &mut self.moved)
            .await?;
        if let Some(reason) = canary {
            return Ok(Some(Stopped::Canary(reason)));
        }
        self.engine.claim(self.writers, plan, self.observed).await
    }

    /// Carries out the actions of a pair one by one. A long plan looks every now and then whether the pair is still ours.
    pub(super) async fn carry_out(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        report: &mut Report,
    ) -> Result<(), CycleError> {
        let engine = self.engine;
        begun::note(&mut engine.store(), policy)?;
        self.prepare(plan)?;
        let total = actions_of(self.observed);
        let mut looked = engine.clock.now();
        for action in &plan.actions {
            let ended = engine.safety.stop.asked();
            let age = engine.clock.now().since(looked);
            let due = !(0..LOOK_AGAIN_MS).contains(&age);
            if due && !ended && self.lost.is_none() {
                self.lost = engine.still_ours(&plan.pair).await?;
                looked = engine.clock.now();
            }
            let span = about(plan, action);
            let done = self.act(policy, plan, action).instrument(span).await?;
            if ended {
                // Held and looked at again like any other, but told as a number: it may be thousands.
                report.not_begun += 1;
                continue;
            }
            if let Done::Done(_) = done {
                self.ok.insert(action.id.clone());
            }
            let told = (plan.pair.clone(), action.named(), done);
            report.outcomes.push(told);
            if let Some(tell) = &engine.progress {
                tell(report.outcomes.len(), total);
            }
        }
        Ok(())
    }

    /// Why the plan of a pair was broken off in the middle; `None`: it was not. `before`: it had not begun at all, so that a
    /// stop is told already.
    pub(super) fn broken_off(&mut self, before: bool) -> Option<Stopped> {
        if let Some(reason) = self.breach.take() {
            return Some(Stopped::Firewall(reason));
        }
        if let Some(reason) = self.lost.take() {
            return Some(reason);
        }
        match self.switched_off && !before {
            true => self.switch(),
            false => None,
        }
    }
}
