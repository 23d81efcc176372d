//! What `status` and `check` say about the claims on the pairs. Looks only.

use super::setup::{self, Services};
use crate::claim::{self, Claim, Me, Verdict};
use crate::config::{Config, Pair};
use crate::connector::ConnectorError;
use crate::marker::MarkerKey;
use crate::model::ItemId;
use crate::render;
use crate::store::{Store, StoreError};
use serde_json::{Value, json};

/// A claim for scripts.
pub(super) fn value(claim: &Claim) -> Value {
    json!({
        "instance": claim.instance, "host": claim.host, "counter": claim.counter, "at_ms": claim.at,
    })
}

/// Returns the claim that this database holds on a pair, as a line and for scripts; `None`: the pair has no canary.
pub(super) fn stored(pair: &Pair, store: &Store) -> Result<Option<(String, Value)>, StoreError> {
    let Some(canary) = &pair.ado.canary else {
        return Ok(None);
    };
    let held = match store.claim(&pair.name) {
        Err(error @ StoreError::Claim { .. }) => Err(error.to_string()),
        own => Ok(own?.held),
    };
    let (text, value) = match held {
        Ok(Some(claim)) => (
            format!(
                "number {}, by {}, when it was last looked at",
                claim.counter,
                claim.who()
            ),
            value(&claim),
        ),
        Ok(None) => ("not claimed yet".to_owned(), Value::Null),
        Err(damaged) => (damaged, Value::Null),
    };
    let text = format!("claim: {} on ADO {canary}: {text}", pair.name);
    Ok(Some((render::escape(&text), value)))
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
