//! What `status` and `check` say about the claims on the pairs. Looks only.

use super::setup::{self, Services};
use crate::claim::{self, Me, Verdict};
use crate::config::{Config, Pair};
use crate::connector::ConnectorError;
use crate::marker::MarkerKey;
use crate::model::{ItemId, PairName};
use crate::store::{Store, StoreError};
use crate::views::status::Canary;

/// Says which claim this database holds on a pair, as a line.
pub(super) fn stored(pair: &PairName, canary: &Canary) -> String {
    let text = match &canary.held {
        Ok(Some(claim)) => format!(
            "number {}, by {}, when it was last looked at",
            claim.counter,
            claim.who()
        ),
        Ok(None) => "not claimed yet".to_owned(),
        Err(damaged) => damaged.clone(),
    };
    format!("claim: {pair} on ADO {}: {text}", canary.item)
}

/// What the canary of a pair says.
pub(super) struct Live {
    /// As a sentence.
    pub(super) text: String,
    /// Whether this installation may write to the pair.
    pub(super) ours: bool,
}

/// Reads the claim on a pair and compares it with the database. `None`: the pair has no canary.
///
/// # Errors
/// The service's, when the canary cannot be read.
pub(super) async fn live(
    config: &Config,
    pair: &Pair,
    services: &Services,
    state: &(Store, MarkerKey),
) -> Result<Option<Result<Live, ConnectorError>>, StoreError> {
    let Some(canary) = &pair.ado.canary else {
        return Ok(None);
    };
    let found = match services
        .sources
        .readers
        .ado
        .fetch_claims(&ItemId(canary.clone()))
        .await
    {
        Ok(found) => claim::on_pair(&found.texts, &pair.name),
        Err(error) => return Ok(Some(Err(error))),
    };
    let (store, key) = state;
    let (instance, place) = (key.instance(), setup::place(&config.state.path));
    let me = Me {
        instance: &instance,
        place: &place,
    };
    let own = match store.claim(&pair.name) {
        Err(error @ StoreError::Claim { .. }) => {
            let text = error.to_string();
            return Ok(Some(Ok(Live { text, ours: false })));
        }
        own => own?,
    };
    let named = format!("ADO {canary}");
    let (text, ours) = match claim::judge(&found, &own, me, &pair.name, &named) {
        Verdict::Ours(claim) => (
            format!(
                "{named} carries this installation's claim, number {}, by {}",
                claim.counter,
                claim.who()
            ),
            true,
        ),
        Verdict::Free => (
            format!("{named} carries no claim yet; the first cycle that writes makes one"),
            true,
        ),
        Verdict::Taken(why) => (why, false),
    };
    Ok(Some(Ok(Live { text, ours })))
}
