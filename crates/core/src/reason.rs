//! Why something is held, done, left as it is or stopped: as a code with its facts, and as a sentence for people.
//!
//! Rules ask the code; the sentence is for reading only. So a sentence may be worded anew at any time, and nothing is
//! decided differently. Example: the item that another installation marked has the hold
//! `{"code": "strangers_marker"}`, and `status` counts these by the code.
//!
//! A code is stored, and shown with `--json`, so it is never renamed and never used for something else. Rows that were
//! written before there were codes have the code `told_before`; all that is known of them is the stored sentence.

mod action;
mod cause;
mod create;
mod hold;
mod left;
mod origin;
mod rail;
mod read;
mod stopped;
mod undone;
mod value;
mod words;

pub use action::{ActionWhy, After};
pub use cause::Cause;
pub use create::CreateWhy;
pub use hold::{HoldWhy, Topic};
pub use left::{Absent, LeftWhy, MadeBy, Stays};
pub use origin::{OriginWhy, links_add};
pub use rail::{NextTry, RailWhy};
pub use read::ReadWhy;
pub use stopped::{Limit, Stopped, Switched, YesTo};
pub use undone::UndoneWhy;
pub use value::{NotClosable, ValueWhy};
pub use words::{JournalKind, Outcome, RunEnd, SettledBy, Took, amount};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Display;

/// A reason that is stored and shown as a code with its facts (`why`) beside the sentence (`reason`).
pub trait Reason: Serialize + DeserializeOwned + Display {
    /// Returns the reason of which only the sentence is known.
    fn told_before(sentence: String) -> Self;

    /// Gives a reason that was told before there were codes its sentence, which is not among the facts. Nothing happens
    /// to any other.
    fn tell(&mut self, sentence: String);
}

/// Returns the code of a reason, which is stored and shown and never renamed.
pub fn code(why: &impl Reason) -> String {
    let shown = serde_json::to_value(why).unwrap_or_default();
    let code = shown.get("code").and_then(serde_json::Value::as_str);
    code.unwrap_or_default().to_owned()
}

/// A reason as it stands in JSON, among the other fields of what it is the reason of.
#[derive(Serialize)]
struct Shown<'a, W> {
    why: &'a W,
    reason: String,
}

#[derive(Deserialize)]
struct Read<W> {
    why: Option<W>,
    reason: String,
}

/// Serialises a reason as `why` and `reason`. For `#[serde(flatten, serialize_with)]`.
pub(crate) fn serialize<W: Reason, S: Serializer>(why: &W, to: S) -> Result<S::Ok, S::Error> {
    let reason = why.to_string();
    Shown { why, reason }.serialize(to)
}

/// Reads what [`serialize`] wrote. A file of an earlier version has no `why`.
pub(crate) fn deserialize<'de, W, D>(from: D) -> Result<W, D::Error>
where
    W: Reason,
    D: Deserializer<'de>,
{
    let Read { why, reason } = Read::<W>::deserialize(from)?;
    Ok(match why {
        Some(mut why) => {
            why.tell(reason);
            why
        }
        None => W::told_before(reason),
    })
}

#[cfg(test)]
mod tests;
