//! The claim on a pair's canary: looked at before anything is written, made and renewed by `Engine::claim`, and taken
//! from another installation by [`Engine::take_over`], which is a deed. What it means is decided in [`crate::claim`].
//!
//! An idle cycle does not look: nothing it does could meet another writer. A plan that writes does, so a takeover stops
//! the other installation before its next write.

use super::{CycleError, Engine, Writers};
use crate::claim::{self, Claim, Me, Own, Verdict};
use crate::connector::{ClaimChange, Claims, ConnectorError, ErrorKind};
use crate::engine::observe::Observed;
use crate::model::{ActionId, ItemId, PairName, Side};
use crate::reason::{JournalKind, Outcome, Stopped};
use crate::reconcile::plan::PairPlan;
use crate::store::{Batch, NewJournal, NoteOp, Op, RailOp, StoreError, nonce};
use std::collections::BTreeMap;

/// How old a claim gets before it is renewed. Each renewal is a revision of the canary, and the service stops taking
/// revisions through its API after 10,000 of an item (learn.microsoft.com, object-limits, 2024-09): at two a day, after
/// 13 years. A copy of the state that tells the same place (a cloned machine) is noticed after this long at the latest.
const RENEW_MS: i64 = 12 * 3_600_000;

/// How often a claim that somebody else changed meanwhile is looked at again in one go.
pub(super) const LOOKS: u32 = 4;

impl Engine {
    /// Makes sure that the pair is ours before a plan is carried out. Returns why it is not; `None`: it is, or the pair
    /// has no canary, or there is no reason to look.
    ///
    /// # Errors
    /// Only the database. A canary that cannot be read or claimed speaks against writing.
    pub(super) async fn claim(
        &self,
        writers: &Writers,
        plan: &PairPlan,
        observed: &Observed,
    ) -> Result<Option<Stopped>, CycleError> {
        let Some(id) = self.claimed_item(&plan.pair) else {
            return Ok(None);
        };
        let own = match self.store().claim(&plan.pair) {
            // This pair stands still until a person has looked; the others go on.
            Err(error @ StoreError::Claim { .. }) => {
                return Ok(Some(Stopped::Canary(error.to_string())));
            }
            own => own?,
        };
        let due = self.due(&own);
        if !due && plan.writes() == 0 && !observed.findings.swept.contains(&plan.pair) {
            return Ok(None);
        }
        Ok(self.settle_claim(writers, &plan.pair, &id, due).await?)
    }

    /// As `Engine::claim`, in the middle of a long plan: only looks.
    pub(super) async fn still_ours(&self, pair: &PairName) -> Result<Option<Stopped>, CycleError> {
        let Some(id) = self.claimed_item(pair) else {
            return Ok(None);
        };
        let found = match self.readers.ado.fetch_claims(&id).await {
            Ok(found) => found,
            Err(error) => return Ok(Some(unreadable(&id, &error))),
        };
        let own = self.store().claim(pair)?;
        Ok(match self.judge_claims(&found, &own, pair, &id) {
            Verdict::Ours(_) => None,
            // The next cycle makes a new one, or meets who took it away.
            Verdict::Free => Some(Stopped::Canary(format!(
                "the claim on {} was removed",
                named(&id)
            ))),
            Verdict::Taken(why) => Some(Stopped::Taken(why)),
        })
    }

    pub(super) fn claimed_item(&self, pair: &PairName) -> Option<ItemId> {
        self.safety.canaries.get(pair)?.ado.clone()
    }

    /// A clock that was set back makes the age negative; then it is due.
    fn due(&self, own: &Own) -> bool {
        let now = self.clock.now();
        let fresh = own
            .since
            .is_some_and(|at| (0..RENEW_MS).contains(&now.since(at)));
        !fresh || own.held.is_none() || own.wanted.is_some() || own.place != self.safety.place
    }

    fn judge_claims(&self, found: &Claims, own: &Own, pair: &PairName, id: &ItemId) -> Verdict {
        let instance = self.key.instance();
        let me = Me {
            instance: &instance,
            place: &self.safety.place,
        };
        claim::judge(
            &claim::on_pair(&found.texts, pair),
            own,
            me,
            pair,
            &named(id),
        )
    }

    async fn settle_claim(
        &self,
        writers: &Writers,
        pair: &PairName,
        id: &ItemId,
        due: bool,
    ) -> Result<Option<Stopped>, StoreError> {
        let mut renew = due;
        for _ in 0..LOOKS {
            let found = match self.readers.ado.fetch_claims(id).await {
                Ok(found) => found,
                Err(error) => return Ok(Some(unreadable(id, &error))),
            };
            let own = self.store().claim(pair)?;
            let ours = match self.judge_claims(&found, &own, pair, id) {
                Verdict::Taken(why) => return Ok(Some(Stopped::Taken(why))),
                Verdict::Ours(claim) if own.wanted.as_ref() == Some(&claim) => {
                    return self.keep(pair, id, claim, "").map(|()| None);
                }
                Verdict::Ours(_) if !renew => return Ok(None),
                Verdict::Ours(_) => true,
                Verdict::Free => false,
            };
            if let Some(why) = self.stopped_by() {
                return Ok(Some(Stopped::Switch(why)));
            }
            // The same one again as long as nobody knows what became of it: a request may arrive late.
            let wanted = match own.wanted.clone() {
                Some(wanted) => wanted,
                None => self.new_claim(pair, &own, &claim::on_pair(&found.texts, pair))?,
            };
            self.announce(pair, &own, &wanted)?;
            let change = change(pair, id, &found, &wanted);
            let Err(error) = writers.ado.claim(&change).await else {
                continue;
            };
            // Whatever the service said, what is wanted stays written down: what arrives late must not look like another's.
            match definite(&error) {
                // Somebody was faster, or nobody knows: what is there now says which.
                false => {}
                true if ours => {
                    tracing::warn!(%pair, "the claim on {} is ours but could not be renewed: {error}", named(id));
                    renew = false;
                }
                true => {
                    return Ok(Some(Stopped::Canary(format!(
                        "{} cannot be claimed ({error}), so nothing keeps a second boardsync from this pair; give the \
                         token the right to edit it, or name another item as ado.canary",
                        named(id)
                    ))));
                }
            }
        }
        Ok(Some(Stopped::Canary(format!(
            "the claim on {} could not be made: the item keeps changing; the next cycle tries again",
            named(id)
        ))))
    }

    pub(super) fn new_claim(
        &self,
        pair: &PairName,
        own: &Own,
        there: &[Claim],
    ) -> Result<Claim, StoreError> {
        let known = own.held.iter().chain(own.wanted.as_ref()).chain(there);
        let highest = known.map(|claim| claim.counter).max().unwrap_or(0);
        Ok(Claim {
            pair: pair.clone(),
            instance: self.key.instance(),
            counter: highest.saturating_add(1),
            nonce: nonce()?,
            at: self.clock.now(),
            host: claim::host(&self.safety.host),
        })
    }

    /// Remembers the claim that is about to be sent, before it is.
    pub(super) fn announce(
        &self,
        pair: &PairName,
        own: &Own,
        wanted: &Claim,
    ) -> Result<(), StoreError> {
        let next = Own {
            wanted: Some(wanted.clone()),
            wanted_place: self.safety.place.clone(),
            ..own.clone()
        };
        let claim = NoteOp::Claim {
            pair: pair.clone(),
            own: Box::new(next),
        };
        let ops = vec![Op::Note(claim), Op::Rail(RailOp::Announce)];
        self.store().commit(&Batch(ops))
    }

    /// The claim was read back.
    pub(super) fn keep(
        &self,
        pair: &PairName,
        id: &ItemId,
        claim: Claim,
        detail: &str,
    ) -> Result<(), StoreError> {
        tracing::info!(%pair, counter = claim.counter, "claimed");
        let at = self.clock.now();
        let entry = NewJournal {
            at,
            // A run of its own, so that no run of a cycle seems to hold a step that cannot be taken back.
            cycle: format!("claim{}", at.0),
            pair: pair.clone(),
            link: None,
            side: Side::Ado,
            item: Some(id.clone()),
            action_id: ActionId(claim.nonce.clone()),
            kind: JournalKind::Claim,
            changes: BTreeMap::new(),
            outcome: Outcome::Done,
            detail: format!("number {} {detail}", claim.counter)
                .trim_end()
                .to_owned(),
            request_ids: Vec::new(),
            version: None,
        };
        let own = Own {
            held: Some(claim),
            place: self.safety.place.clone(),
            since: Some(at),
            ..Own::default()
        };
        let claim = NoteOp::Claim {
            pair: pair.clone(),
            own: Box::new(own),
        };
        let ops = vec![Op::Note(claim), Op::Journal(entry)];
        self.store().commit(&Batch(ops))
    }
}

pub(super) fn change(pair: &PairName, id: &ItemId, found: &Claims, wanted: &Claim) -> ClaimChange {
    let ours = |text: &&String| claim::parse(text).is_some_and(|claim| claim.pair == *pair);
    ClaimChange {
        id: id.clone(),
        expected: found.version,
        replaces: found.texts.iter().filter(ours).cloned().collect(),
        claim: wanted.to_string(),
        name: pair.0.clone(),
    }
}

/// Whether the service certainly did not take a claim, and will not when it is sent again at once.
pub(super) fn definite(error: &ConnectorError) -> bool {
    if error.in_doubt {
        return false;
    }
    match error.kind {
        ErrorKind::Unreachable
        | ErrorKind::Auth
        | ErrorKind::Throttled
        | ErrorKind::NotFound
        | ErrorKind::Refused => true,
        ErrorKind::Stale | ErrorKind::Ambiguous | ErrorKind::Protocol | ErrorKind::Cancelled => {
            false
        }
    }
}

pub(super) fn named(id: &ItemId) -> String {
    format!("{} {id}", Side::Ado)
}

/// Not the same as taken: it may pass by itself.
fn unreadable(id: &ItemId, error: &ConnectorError) -> Stopped {
    Stopped::Canary(format!(
        "the claim on {} cannot be read ({error}), so nobody can tell whether another boardsync works on this pair",
        named(id)
    ))
}
