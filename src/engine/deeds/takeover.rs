//! Taking a pair over from another installation.

use crate::claim::{self, Claim, Own};
use crate::connector::ConnectorError;
use crate::engine::claim::{LOOKS, change, definite, named};
use crate::engine::{Engine, Writers, backoff};
use crate::model::PairName;
use crate::store::{Batch, NoteOp, Op, StoreError};

/// What a takeover found and did.
#[derive(Debug)]
pub struct TakenOver {
    /// The claims that were there, of whomever.
    pub before: Vec<Claim>,
    /// Ours; `None`: the pair has no canary to claim.
    pub claim: Option<Claim>,
}

/// Why a takeover did not come about.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The canary could not be read or written.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The canary changes all the time, or does not keep what is written to it.
    #[error("the claim on {0} could not be made: the item keeps changing; run it again")]
    Restless(String),
    /// The stop file is there. Holds the sentence that says so.
    #[error("{0}")]
    Switch(String),
}

impl Engine {
    /// Gives the pair to this installation, whoever claimed it before, and has it look at once.
    ///
    /// # Errors
    /// When the canary cannot be read or written, or nothing may be written; then the pair is not taken over either.
    pub async fn take_over(
        &self,
        writers: &Writers,
        pair: &PairName,
    ) -> Result<TakenOver, TakeOverError> {
        let mine = || {
            let taken = NoteOp::TakenOver {
                pair: pair.clone(),
                at: self.clock.now(),
            };
            vec![Op::Note(taken), backoff::forget(pair)]
        };
        if let Some(why) = self.stopped_by() {
            return Err(TakeOverError::Switch(why.to_string()));
        }
        let Some(id) = self.claimed_item(pair) else {
            self.store().commit(&Batch(mine()))?;
            return Ok(TakenOver {
                before: Vec::new(),
                claim: None,
            });
        };
        let mut before = None;
        for _ in 0..LOOKS {
            let found = self.readers.ado.fetch_claims(&id).await?;
            let there = claim::on_pair(&found.texts, pair);
            let own = match self.store().claim(pair) {
                // A person's word takes the place of what cannot be read.
                Err(StoreError::Claim { .. }) => Own::default(),
                own => own?,
            };
            let sent = before.is_some();
            before.get_or_insert_with(|| there.clone());
            if sent
                && own.wanted.is_some()
                && there.iter().all(|c| own.wanted.as_ref() == Some(c))
                && let Some(claim) = there.into_iter().next()
            {
                let before = before.unwrap_or_default();
                let from: Vec<String> = before.iter().map(Claim::who).collect();
                let detail = match from.as_slice() {
                    [] => "made by hand".to_owned(),
                    from => format!("taken over by hand from: {}", from.join(", ")),
                };
                self.keep(pair, &id, claim.clone(), &detail)?;
                self.store().commit(&Batch(mine()))?;
                return Ok(TakenOver {
                    before,
                    claim: Some(claim),
                });
            }
            let wanted = self.new_claim(pair, &own, &claim::on_pair(&found.texts, pair))?;
            self.announce(pair, &own, &wanted)?;
            let sent = writers.ado.claim(&change(pair, &id, &found, &wanted)).await;
            if let Some(error) = sent.err().filter(definite) {
                return Err(error.into());
            }
        }
        Err(TakeOverError::Restless(named(&id)))
    }
}
