//! One cycle, as every caller runs it: settle, look, ask, carry out.
//!
//! 1. **Settle** what an earlier run left open ([`Engine::recover`]). Before the look: a create whose answer was lost may
//!    have made an item, and a look that finds that item without its link would take it for new.
//! 2. **Look** at both sides and plan ([`Engine::observe`]). Nothing is written, neither to a service nor to the database,
//!    so a plan can be thrown away at any moment, and a cycle that is killed here has done nothing.
//! 3. **Ask** whether the plan may be carried out ([`Approver`]). After the look, because consent is to a plan that is
//!    there: its hash names it. While a person thinks, people edit; so an answer that took time is followed by another look
//!    ([`Answer::LookAgain`]), and only what is still planned as it was shown is carried out.
//! 4. **Carry out** what was allowed ([`Engine::apply`]), pair by pair. First the claim and the canary are read: what they
//!    say of a whole pair (another installation works on it; items only seem deleted, because a right was taken away) must
//!    be known before the first write. Then conflicts with both their values, then the actions, each recorded when it is
//!    done. The watermarks move last: until then everything that was listed is listed again.
//!
//! Who has no such sequence, and why:
//!
//! - `plan`, `verify` and `why` only look. Their state is a copy in memory, so there is nothing that they could settle.
//! - A read-only daemon settles and looks ([`Engine::look_around`]); it has no writers.
//! - `undo` settles, reads the items of one run instead of listing anything, and carries its plan out as a run that says
//!   nothing of how fresh a pair is ([`Engine::carry_out_undo`]).

use super::apply::{Consent, Report};
use super::observe::Observed;
use super::recover::Recovered;
use super::{CycleError, Engine, Scope, Writers};
use crate::model::Timestamp;
use crate::reconcile::plan::Plan;

/// Who says whether a plan may be carried out.
///
/// [`Consent`] is one that always says the same: whatever the plan is, its guards decide. A person is another.
pub trait Approver {
    /// Why there is no answer.
    type Error: From<CycleError>;

    /// Whether a service that fails the look is left alone for a while ([`Engine::probe`], `status`). That is for cycles
    /// that come again by themselves, whoever starts them; a person who is there is told at once.
    fn comes_again(&self) -> bool {
        false
    }

    /// Told what became of creates whose answer was lost; both sides are looked at next.
    fn recovered(&mut self, _recovered: &Recovered) {}

    /// Answers whether the plan may be carried out.
    ///
    /// # Errors
    /// Its own; then nothing is carried out.
    fn answer(
        &mut self,
        engine: &Engine,
        observed: Observed,
    ) -> impl Future<Output = Result<Answer, Self::Error>>;
}

/// Whether a plan may be carried out.
#[derive(Debug)]
pub enum Answer {
    /// As far as this consent goes, and with what was left of the plan.
    CarryOut(Box<Observed>, Consent),
    /// Not before another look at so much: the answer took a while. Asked again with what is there then.
    LookAgain(Scope),
    /// No. Nothing is carried out and nothing counts as seen.
    Leave(Box<Observed>),
}

/// How a cycle ended.
#[derive(Debug)]
pub struct Ended {
    /// What was seen last, with its plan.
    pub observed: Observed,
    /// What was done; `None`: the answer was no.
    pub report: Option<Report>,
}

impl Ended {
    /// What was seen and what was done about it; `None`: the answer was no.
    pub fn carried_out(self) -> Option<(Observed, Report)> {
        let observed = self.observed;
        self.report.map(|report| (observed, report))
    }
}

impl Approver for Consent {
    type Error = CycleError;

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        Ok(Answer::CarryOut(Box::new(observed), self.clone()))
    }
}

impl Engine {
    /// Runs one cycle. The steps, and why they come in this order, stand above.
    ///
    /// # Errors
    /// Of the step that failed. What was carried out before is recorded, and the next cycle settles the rest.
    pub async fn cycle<A: Approver>(
        &self,
        writers: &Writers,
        scope: &Scope,
        approver: &mut A,
    ) -> Result<Ended, A::Error> {
        let started = self.clock.now();
        let told = |recovered: &Recovered| approver.recovered(recovered);
        let seen = self.settle_and_look(scope, told).await;
        let mut observed = self.remembered(started, seen, scope, approver)?;
        loop {
            match approver.answer(self, observed).await? {
                Answer::CarryOut(observed, consent) => {
                    let report = self.apply(writers, &observed, &consent).await;
                    self.failed(started, &report);
                    let report = report?;
                    return Ok(Ended {
                        observed: *observed,
                        report: Some(report),
                    });
                }
                Answer::LookAgain(scope) => {
                    let seen = self.observe(&scope).await;
                    observed = self.remembered(started, seen, &scope, approver)?;
                }
                Answer::Leave(observed) => {
                    return Ok(Ended {
                        observed: *observed,
                        report: None,
                    });
                }
            }
        }
    }

    /// The half of a cycle that writes nothing to a service, for a daemon that has no writers: says in the log what there
    /// would be to do.
    ///
    /// # Errors
    /// As [`Engine::cycle`].
    pub async fn look_around(&self, scope: &Scope) -> Result<(Report, Plan), CycleError> {
        let seen = self.settle_and_look(scope, |_| {}).await;
        let observed = self.watch(seen)?;
        let report = self.only_look(&observed)?;
        Ok((report, observed.plan))
    }

    async fn settle_and_look(
        &self,
        scope: &Scope,
        told: impl FnOnce(&Recovered),
    ) -> Result<Observed, CycleError> {
        told(&self.recover().await?);
        self.observe(scope).await
    }

    /// Remembers an error of a look, where the cycle comes again by itself. Whoever is there is told at once.
    fn remembered<A: Approver>(
        &self,
        started: Timestamp,
        seen: Result<Observed, CycleError>,
        scope: &Scope,
        approver: &A,
    ) -> Result<Observed, A::Error> {
        if !approver.comes_again() {
            return Ok(seen?);
        }
        self.failed(started, &seen);
        if let Err(CycleError::Connector(error)) = &seen {
            self.record_unseen(scope, error).map_err(CycleError::from)?;
        }
        Ok(self.watch(seen)?)
    }
}
