//! Whether an item is there, by what a read and the listings say of it.
//!
//! What is concluded here may delete or close the counterpart, so only evidence counts: an item that can't be read is not
//! gone, and one that no listing shows has not left the pair as long as the listing may lag. Whoever reads collects the
//! facts; the table of cases in the tests says each rule in one row.

use super::Presence;
use crate::capabilities;
use crate::model::{Item, Side, Sided, Timestamp, Version};

/// How far a listing may lag behind a direct read (L in the protocol).
pub const INDEX_LAG_MS: i64 = 180_000;

/// What a read by id found.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// The item.
    Item(&'a Item),
    /// Evidence that it was deleted.
    Gone(&'a str),
    /// Neither, for this reason.
    Unclear(&'a str),
    /// It was not read.
    Nothing,
}

/// What tells whether an item that is there is in its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whether its place is one of the pair's; `None`: that can't be told from the item, because of a condition for instance.
    pub covers: Option<bool>,
    /// Whether the pair's listing has it.
    pub listed: bool,
    /// Whether the pair was listed in full.
    pub swept: bool,
    /// Whether its link says that one of the two has left the pair.
    pub was_out: bool,
}

impl Place {
    /// Whether the item is out of the pair. Where its place does not tell, a full listing of both sides does; a delta names
    /// one side at best.
    fn is_out(self) -> bool {
        match (self.swept, self.covers) {
            (_, Some(false)) => true,
            (true, _) => !self.listed,
            (false, Some(true)) => false,
            (false, None) => !self.listed && self.was_out,
        }
    }
}

/// All that is known of one item of a link.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its side.
    pub side: Side,
    /// What the read found.
    pub found: Found<'a>,
    /// What is known of where it is.
    pub place: Place,
    /// When it was first missed, by its service's clock, where the link is in that state.
    pub missing_since: Option<Timestamp>,
    /// Now, by its service's clock.
    pub now: Timestamp,
    /// How long an item must have been missed before one that shows no recycle bin is believed.
    pub gone_ms: i64,
}

/// What is to be done so that more is known next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// The pair is listed in full again.
    Sweep,
    /// The item is asked for again; it is missed since this time.
    Ask {
        /// By its service's clock.
        since: Timestamp,
    },
}

/// Says whether a linked item is there, and what to do next.
pub fn presence(facts: &Facts<'_>) -> (Presence, Next) {
    let unclear = |reason: String| (Presence::Unclear { reason }, Next::Nothing);
    match facts.found {
        Found::Item(item) => there(facts, item),
        Found::Gone(evidence) if capabilities::of(facts.side).proves_deletion => {
            (gone(evidence), Next::Nothing)
        }
        Found::Gone(evidence) => missed(facts, evidence),
        Found::Unclear(reason) => unclear(reason.to_owned()),
        Found::Nothing => unclear("could not be read".to_owned()),
    }
}

fn there(facts: &Facts<'_>, item: &Item) -> (Presence, Next) {
    let (place, out) = (facts.place, facts.place.is_out());
    // What changed a moment ago may be unlisted only because the index lags. Nothing flows meanwhile, and the sweep comes
    // again in the next cycle.
    let age = facts.now.since(item.changed_at);
    let next = match place.swept && out && !place.listed && age < INDEX_LAG_MS {
        true => Next::Sweep,
        false => Next::Nothing,
    };
    let item = Box::new(item.clone());
    match out {
        true => (Presence::OutOfScope(item), next),
        false => (Presence::Seen(item), next),
    }
}

/// The service shows no recycle bin, so one answer is not enough: two, some minutes apart by its own clock.
fn missed(facts: &Facts<'_>, evidence: &str) -> (Presence, Next) {
    match facts.missing_since {
        Some(since) if facts.now.since(since) >= facts.gone_ms => (gone(evidence), Next::Nothing),
        since => {
            let since = since.unwrap_or(facts.now);
            let missed = facts.now.since(since).max(0);
            let missing = Presence::Missing {
                evidence: evidence.to_owned(),
                left_ms: facts.gone_ms.saturating_sub(missed),
            };
            (missing, Next::Ask { since })
        }
    }
}

fn gone(evidence: &str) -> Presence {
    Presence::Gone {
        evidence: evidence.to_owned(),
    }
}

/// Says why an answer is not believed; `None`: it is. A version older than one that was seen before comes from a cache or a
/// replica that lags. What it shows was true once; acting on it would undo what was written since.
pub fn older(side: Side, shown: Version, newest: Option<Version>) -> Option<String> {
    let newest = newest.filter(|newest| *newest > shown)?;
    Some(format!(
        "{side} answered with version {shown} although {newest} was seen before; read again later"
    ))
}

/// Says why nothing is concluded from an item whose counterpart was deleted; `None`: it is in the pair. It may have left
/// unnoticed: a condition such as `ado.where` cannot be judged from the item, only a full listing tells, and that may lag
/// behind a change. Such a listing is due in the next cycle.
pub fn doubted(facts: &Facts<'_>, own: &Presence, counterpart: &Presence) -> Option<String> {
    let gone = matches!(counterpart, Presence::Gone { .. });
    let Presence::Seen(item) = own else {
        return None;
    };
    if !gone || facts.place.covers.is_some() {
        return None;
    }
    let age = facts.now.since(item.changed_at);
    // Two reads of a missing task are this far apart anyway.
    let lag = INDEX_LAG_MS.min(facts.gone_ms);
    if facts.place.listed && age.max(0) >= lag {
        return None;
    }
    Some(format!(
        "its counterpart was deleted in {}; whether it is still in the pair's scope shows in the next full listing",
        facts.side.other()
    ))
}

/// Whether both items of a link are in the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They are.
    Inside,
    /// At least one has left it.
    Outside,
}

/// Says whether a link is in its pair, by both sides together; `None`: that is not known, or another rule decides.
pub fn scope(now: &Sided<Presence>, places: &Sided<Place>) -> Option<Scope> {
    let sides = || Side::BOTH.into_iter();
    let read = sides().all(|side| now.get(side).item().is_some());
    let out = sides().any(|side| matches!(now.get(side), Presence::OutOfScope(_)));
    let back = |place: &Place| place.swept && place.was_out && place.listed;
    match (read, out) {
        (true, true) => Some(Scope::Outside),
        (true, false) => Some(Scope::Inside),
        // Back by the listings, although one of the two could not be read this time.
        (false, _) => sides()
            .all(|side| back(places.get(side)))
            .then_some(Scope::Inside),
    }
}

#[cfg(test)]
#[path = "tests/there.rs"]
mod tests;
