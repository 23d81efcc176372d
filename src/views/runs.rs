//! The last runs that did something, which `undo` takes back.

use crate::model::Timestamp;
use crate::reason::Cause;
use crate::render::rfc3339;
use crate::store::{Store, StoreError};
use serde::{Serialize, Serializer};

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// Its id.
    pub run: String,
    /// When it began; of one that was killed, when its first action was recorded.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// What it was for; `None`: it was killed before that was stored.
    #[serde(serialize_with = "in_words")]
    pub cause: Option<Cause>,
    /// How many actions were carried out.
    pub actions: u64,
}

fn in_words<S: Serializer>(cause: &Option<Cause>, to: S) -> Result<S::Ok, S::Error> {
    cause.as_ref().map(ToString::to_string).serialize(to)
}

/// Returns the last runs, the newest first; at most so many.
///
/// # Errors
/// Only the database's.
pub fn runs(store: &Store, most: usize) -> Result<Vec<RunView>, StoreError> {
    let runs = store.recent_runs(most)?.into_iter();
    let runs = runs.map(|run| RunView {
        run: run.id,
        at: run.at,
        cause: run.cause,
        actions: run.actions,
    });
    Ok(runs.collect())
}
