//! Who says whether a plan is carried out: a saved plan, a person at a terminal, or the flags of `reconcile --once`.

use super::super::rules;
use super::super::saved::{self, Refused, Saved};
use super::super::setup::Services;
use super::super::{Context, Failure, note, prompt};
use super::{Beside, before_a_question, needs_full, show, whole};
use crate::config::Config;
use crate::engine::apply::Consent;
use crate::engine::cycle::{Answer, Approver};
use crate::engine::deeds::{Shown, hashes};
use crate::engine::observe::Observed;
use crate::engine::stop::StopSwitch;
use crate::engine::{Engine, Scope};
use crate::reason::Switched;
use crate::reconcile::plan::PairPlan;
use crate::render::Asks;
use std::collections::BTreeSet;
use std::io::IsTerminal;

/// The yes to everything but what a guard stops.
fn yes() -> Consent {
    Consent {
        first_contact: true,
        hashes: BTreeSet::new(),
    }
}

/// `apply FILE`: exactly what the file holds.
pub(super) struct ByFile<'a> {
    pub(super) context: &'a Context,
    pub(super) saved: &'a Saved,
    /// The actions and pairs of the file that are refused.
    pub(super) refused: Vec<Refused>,
}

impl Approver for ByFile<'_> {
    type Error = Failure;

    async fn answer(&mut self, engine: &Engine, mut observed: Observed) -> Result<Answer, Failure> {
        let mut consent = yes();
        let saved = self.saved;
        self.refused = saved.keep(self.context, engine, &mut observed, &mut consent)?;
        Ok(Answer::CarryOut(Box::new(observed), consent))
    }
}

/// `apply`: what a person says yes to after it was shown.
pub(super) struct ByHand<'a> {
    pub(super) context: &'a Context,
    /// Whether all of the plan is shown, however long it is.
    pub(super) all: bool,
    pub(super) stop: &'a StopSwitch,
    pub(super) asked: Asked,
}

impl Approver for ByHand<'_> {
    type Error = Failure;

    async fn answer(&mut self, engine: &Engine, mut observed: Observed) -> Result<Answer, Failure> {
        if self.asked.shown.is_some() {
            let mut consent = Consent::default();
            self.asked
                .reduce(self.context, engine, &mut observed, &mut consent)?;
            return Ok(Answer::CarryOut(Box::new(observed), consent));
        }
        let (asks, json) = (prompt::asks(observed.plan()), self.context.global.json);
        // As JSON one thing is printed: the plan that waits for an answer, or what was done where there is nothing to ask.
        if asks || !json {
            engine.foretell(&mut observed).await;
            let how = before_a_question(self.all);
            let beside = Beside {
                asks: Asks::All,
                ..Beside::default()
            };
            show(self.context, engine, &observed, &how, &beside)?;
        }
        self.asked.seen = hashes(observed.plan());
        // No answer would have anything written, and no other command either.
        if let Some(why @ Switched::File(_)) = engine.stopped_by().filter(|_| asks) {
            note(&format!("nothing was changed: {why}\n"));
            return Ok(Answer::Leave(Box::new(observed)));
        }
        let full = needs_full(engine, &observed)?;
        if !prompt::confirmed(observed.plan(), json, full, self.stop)? {
            return Ok(Answer::Leave(Box::new(observed)));
        }
        let hashes = prompt::approved(observed.plan(), self.stop)?;
        if !prompt::asks(observed.plan()) {
            return Ok(Answer::CarryOut(Box::new(observed), Consent::default()));
        }
        let shown = Shown::of(observed.into_plan().pairs, |pair| {
            hashes.contains(&pair.hash())
        });
        let scope = Scope {
            full: true,
            only: shown.pairs(),
            patient: false,
        };
        Ok(self.asked.look_again(self.context, shown, scope))
    }
}

/// `reconcile --once`: the flags, and a question about pairs that wait for a first yes where somebody is there to answer.
pub(super) struct Once<'a> {
    pub(super) context: &'a Context,
    pub(super) stop: &'a StopSwitch,
    pub(super) scope: &'a Scope,
    pub(super) consent: Consent,
    /// Where the kept names come from, until they were compared with what was read.
    pub(super) names: Option<(&'a Config, &'a Services)>,
    /// The kept names turned out to be out of date: the rules have to be made anew before anything is planned by them.
    pub(super) outdated: bool,
    pub(super) asked: Asked,
}

impl Approver for Once<'_> {
    type Error = Failure;

    /// It is run again and again from cron.
    fn comes_again(&self) -> bool {
        true
    }

    async fn answer(&mut self, engine: &Engine, mut observed: Observed) -> Result<Answer, Failure> {
        let names = self.names.take();
        if names.is_some_and(|(config, services)| rules::outdated(config, &services.sources)) {
            self.outdated = true;
            return Ok(Answer::Leave(Box::new(observed)));
        }
        if self.asked.shown.is_some() {
            self.asked
                .reduce(self.context, engine, &mut observed, &mut self.consent)?;
        } else if self.may_ask(&observed) && engine.stopped_by().is_none() {
            engine.foretell(&mut observed).await;
            let (how, whole) = (before_a_question(false), whole(self.context));
            let beside = Beside {
                whole: Some(&whole),
                asks: Asks::Yes,
                ..Beside::default()
            };
            show(self.context, engine, &observed, &how, &beside)?;
            self.asked.seen = hashes(observed.plan());
            let pairs = &observed.plan().pairs;
            let (waiting, others): (Vec<_>, Vec<_>) =
                pairs.iter().partition(|pair| pair.waits_for_a_yes());
            let flows = |pair: &&PairPlan| pair.writes() > 0 && flows(pair);
            let others: Vec<_> = others.into_iter().filter(flows).collect();
            // A no is an answer about that pair alone; the others go on, by what is there now.
            let agreed = prompt::agreed(&waiting, &others, self.stop)?;
            let mut plans = observed.into_plan().pairs;
            plans.retain(|pair| pair.waits_for_a_yes() && agreed.contains(&pair.pair));
            let shown = Shown::of(plans, |_| true);
            let scope = self.scope.clone();
            return Ok(self.asked.look_again(self.context, shown, scope));
        }
        self.name_strange_hashes(&observed);
        self.name_guarded(&observed);
        Ok(Answer::CarryOut(Box::new(observed), self.consent.clone()))
    }
}

/// Whether a pair's plan is carried out without anybody's yes.
fn flows(pair: &PairPlan) -> bool {
    !pair.first_contact && pair.blocked.is_none() && pair.guarded().next().is_none()
}

impl Once<'_> {
    /// Says of an approval that it is of no plan of now: it was mistyped, something changed since the hash was shown, or
    /// the plan that it is of was made by a full listing.
    fn name_strange_hashes(&self, observed: &Observed) {
        if self.consent.hashes.is_empty() {
            return;
        }
        let pairs = &observed.plan().pairs;
        let hashes: BTreeSet<String> = pairs.iter().map(PairPlan::hash).collect();
        let swept = &observed.findings().swept;
        let listed = pairs.iter().all(|pair| swept.contains(&pair.pair));
        let full = match listed {
            true => "",
            false => "; of one that `plan --full` showed, approve with --full",
        };
        for given in &self.consent.hashes {
            if !hashes.contains(given) {
                note(&format!(
                    "--approve {}: no plan has this hash now; what was planned changed since it was shown, or it was \
                     mistyped{full}\n",
                    crate::render::escape(given)
                ));
            }
        }
    }

    /// Says of a plan that a guard stops that `--yes` is no answer to that, and what is.
    fn name_guarded(&self, observed: &Observed) {
        if !self.consent.first_contact || self.context.global.quiet {
            return;
        }
        let pairs = observed.plan().pairs.iter();
        for pair in pairs.filter(|pair| pair.blocked.is_none() && pair.guarded().next().is_some()) {
            let hash = pair.hash();
            if !self.consent.hashes.contains(&hash) {
                note(&format!(
                    "--yes answers for a first plan and a changed mapping, not for a guard: what it stops of pair \"{}\" goes \
                     through with --approve {hash}\n",
                    crate::render::escape(&pair.pair.0)
                ));
            }
        }
    }

    fn may_ask(&self, observed: &Observed) -> bool {
        observed.plan().pairs.iter().any(PairPlan::waits_for_a_yes)
            && !self.consent.first_contact
            && std::io::stdin().is_terminal()
            && std::io::stdout().is_terminal()
            && !self.context.global.json
    }
}

/// What was shown before a question, while both sides are read again: somebody may have edited while it stood.
#[derive(Default)]
pub(super) struct Asked {
    shown: Option<Shown>,
    /// What was no longer planned as it was shown. The next cycle plans it again, as after `apply FILE`.
    pub(super) left_out: Vec<Refused>,
    /// Hashes of the plans that the person has seen: one that is not carried out is not shown a second time.
    pub(super) seen: BTreeSet<String>,
}

impl Asked {
    /// Nobody was asked anything: a saved plan says all, and this of it was refused.
    pub(super) fn nothing(left_out: Vec<Refused>) -> Asked {
        Asked {
            left_out,
            ..Asked::default()
        }
    }

    fn look_again(&mut self, context: &Context, shown: Shown, scope: Scope) -> Answer {
        if !context.global.quiet {
            note("reading both sides again, for what was edited meanwhile\n");
        }
        self.shown = Some(shown);
        Answer::LookAgain(scope)
    }

    /// Names what is no longer planned as it was shown.
    fn reduce(
        &mut self,
        context: &Context,
        engine: &Engine,
        observed: &mut Observed,
        consent: &mut Consent,
    ) -> Result<(), Failure> {
        let Some(shown) = self.shown.take() else {
            return Ok(());
        };
        let mut moved = shown.keep(observed, consent);
        engine.explain(observed, &mut moved)?;
        for moved in moved.iter().filter(|_| !context.global.quiet) {
            note(&format!(
                "left out: {}; the next cycle plans it again\n",
                saved::told(moved)
            ));
        }
        self.left_out = moved.into_iter().map(Refused::moved).collect();
        Ok(())
    }
}
