//! The states that mean "closed", asked for only where something is about to be closed.

use super::{Focus, Observed};
use crate::connector::Schema;
use crate::engine::Engine;
use crate::model::{Side, Sided};
use crate::reconcile::closing::Closing;
use crate::reconcile::policy::{OnDelete, Policy};

impl Engine {
    /// Returns the policy with the closed states of both sides, where the counterpart of a deleted item may have to be
    /// closed in this cycle. A vocabulary that cannot be read leaves the states unknown; the item is then held.
    pub(super) async fn with_closing(
        &self,
        policy: Policy,
        focus: &Focus,
        observed: &Observed,
    ) -> Policy {
        let gone = |side: Side| {
            let gone = observed.findings.gone.get(side);
            let mut links = focus.links.values();
            links.any(|link| matches!(gone.get(link.item(side)), Some(Ok(_))))
        };
        if policy.on_delete != OnDelete::Close {
            return policy;
        }
        let mut closed_states = Sided::<Closing>::default();
        for side in Side::BOTH {
            if !gone(side.other()) {
                continue;
            }
            match self.readers.get(side).fetch_schema(&policy.pair).await {
                Ok(schema) => *closed_states.get_mut(side) = closing(side, &schema, &policy),
                Err(error) => {
                    tracing::warn!(pair = %policy.pair, %side, "the closed states are not known: {error}");
                }
            }
        }
        Policy {
            closed_states,
            ..policy
        }
    }
}

/// Takes the closed states out of a vocabulary.
fn closing(side: Side, schema: &Schema, policy: &Policy) -> Closing {
    let types = schema.types.iter().map(|kind| {
        let states = kind.states.iter();
        let states = states.map(|state| (state.name.as_str(), state.category.as_str()));
        (kind.name.as_str(), states.collect())
    });
    Closing::of(side, types, &policy.states.names(side))
}
