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
use crate::model::{FieldKey, FieldValue, ItemId, LinkId, Sided, Subject, Timestamp};
use crate::reason::Outcome;
use crate::render::{self, rfc3339};
use crate::store::{Store, StoreError};
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

/// Returns the newest title that is known of two linked items, of which one may not be known; `None`: neither was ever read.
///
/// What was read last of an item is older than what a write left: until the next look, an item that we renamed still has
/// its old title in the database. So a title that was written counts first, where nothing newer was read of that item.
fn newest_title(
    store: &Store,
    link: Option<LinkId>,
    ids: &Sided<Option<ItemId>>,
) -> Result<Option<String>, StoreError> {
    let mut seen = Sided::build(|_| None);
    for (side, id) in ids.iter() {
        if let Some(id) = id {
            *seen.get_mut(side) = store.observation(side, id)?.map(|seen| seen.item);
        }
    }
    let lines = match link {
        Some(link) => store.journal_of_link(link)?,
        None => Vec::new(),
    };
    let mut done = lines.iter().rev().map(|line| &line.entry);
    let written = done.find_map(|entry| {
        let title = entry.changes.get(&Subject::Field(FieldKey::Title))?;
        (entry.outcome == Outcome::Done).then_some((entry, title.after.as_ref()?))
    });
    if let Some((entry, title)) = written {
        let read = seen.get(entry.side).as_ref().map(|item| item.version);
        if entry.version.is_some() && entry.version > read {
            return Ok(Some(title.to_string()));
        }
    }
    let mut items = [seen.ado, seen.clickup].into_iter().flatten();
    if let Some(item) = items.next() {
        return Ok(Some(item.title()));
    }
    // Nothing but this is stored of an item that waits without a link.
    for (side, id) in ids.iter() {
        if let Some(id) = id
            && let Some(title) = store.title_seen(side, id)?
        {
            return Ok(Some(title));
        }
    }
    Ok(None)
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
