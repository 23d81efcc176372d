//! What is stored, ready to be shown: plain values that a command prints as text or as JSON, and that a page can show.
//!
//! One function for each view reads it from the database; `why` asks the services too, because it shows what they have now.
//! None of them changes anything. A person's decisions are [`crate::engine::deeds`].
//!
//! What holds for all of them:
//!
//! - **Time** is a [`crate::model::Timestamp`]: milliseconds since 1970 in UTC, by the clock of this machine where nothing
//!   else is said. In the JSON of plans, `log`, `history` and `undo` it is RFC 3339 in UTC; elsewhere a number, and the
//!   field's name ends in `_ms`. Whoever shows it chooses the time zone.
//! - **Absent** is `None`, `null` in JSON, and never an empty text: a time at which something never happened, an item that
//!   there is not. An **empty text** is a value that is there and empty, and an **empty list** says that there is nothing
//!   to list.
//! - **Text** may come from a service, control characters and all. Whoever shows it escapes it (`render::escape`).
//! - The JSON form is what `--json` prints, so names are a promise to scripts.

pub mod conflicts;
pub mod history;
pub mod links;
mod notices;
pub mod runs;
pub mod status;
pub mod still_open;
pub mod why;

use crate::claim::Claim;
use crate::model::{FieldValue, ItemId, Timestamp};
use crate::render::{self, rfc3339};
use serde::{Serialize, Serializer};

/// Takes `123`, `86d3f01jq` or either service's address of an item, and returns the bare id.
pub fn item_id(text: &str) -> ItemId {
    let text = text.trim().trim_start_matches('#');
    let path = text.split(['?', '#']).next().unwrap_or(text);
    ItemId(
        path.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .to_owned(),
    )
}

/// A claim on a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimView {
    /// The installation that made it.
    pub instance: String,
    /// The machine's name; empty where the claim does not tell it.
    pub host: String,
    /// Grows with every claim of the pair, whoever makes it.
    pub counter: u64,
    /// When it was made, by the clock of that machine.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
}

impl From<&Claim> for ClaimView {
    fn from(claim: &Claim) -> ClaimView {
        ClaimView {
            instance: claim.instance.clone(),
            host: claim.host.clone(),
            counter: claim.counter,
            at: claim.at,
        }
    }
}

/// Writes a value as text; an empty one as an empty text, an absent one as `null`.
fn plain<S: Serializer>(value: &Option<FieldValue>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(render::plain).serialize(to)
}

#[cfg(test)]
mod tests;
