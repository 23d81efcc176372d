//! The claim: says on a pair's canary which installation works on the pair.
//!
//! `sxc1:<pair>:<instance>:<counter>:<nonce>:<time>:<host>`, on the work item that the configuration names as the canary.
//! Whoever writes to a pair first puts its claim there under the service's compare-and-swap, so of two that start at
//! once exactly one gets it. Equality decides, nothing else: the counter and the time are for people, because clocks of
//! two machines cannot be compared. The nonce is new in each renewal, so a database that was copied or put back gives
//! itself away once the other one has renewed.
//!
//! A claim is written down as wanted before it is sent, and as held once it was read back. A process that dies in
//! between finds one of the two on the item and goes on.

use crate::model::{PairName, Timestamp};
use std::fmt;

/// First characters of every claim. Not those of a marker, so that nobody takes the one for the other.
pub const PREFIX: &str = "sxc1:";

/// Longest name of a machine in a claim: enough to find it, and the whole stays a short comment.
const MAX_HOST: usize = 40;

/// One claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The pair.
    pub pair: PairName,
    /// The installation; see [`crate::marker::MarkerKey::instance`].
    pub instance: String,
    /// Grows with every claim of the pair, whoever makes it. For people.
    pub counter: u64,
    /// Random, new in every claim.
    pub nonce: String,
    /// When, by the clock of the machine that made it. For people.
    pub at: Timestamp,
    /// That machine's name, without what a claim cannot hold. For people; may be empty.
    pub host: String,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claim {
            pair,
            instance,
            counter,
            nonce,
            at,
            host,
        } = self;
        write!(
            f,
            "{PREFIX}{pair}:{instance}:{counter}:{nonce}:{}:{host}",
            at.0
        )
    }
}

impl Claim {
    /// Says who and since when, for people.
    pub fn who(&self) -> String {
        let host = match self.host.as_str() {
            "" => "a machine without a name".to_owned(),
            host => host.to_owned(),
        };
        format!("{host} (installation {}, {})", self.instance, self.at)
    }
}

/// Reads a claim. `None` for anything that [`Claim`]'s text form cannot be; blanks around it are ignored.
pub fn parse(text: &str) -> Option<Claim> {
    let parts: Vec<&str> = text.trim().strip_prefix(PREFIX)?.split(':').collect();
    let [pair, instance, counter, nonce, at, host] = parts.as_slice() else {
        return None;
    };
    Some(Claim {
        pair: PairName((*pair).to_owned()),
        instance: (*instance).to_owned(),
        counter: counter.parse().ok()?,
        nonce: (*nonce).to_owned(),
        at: Timestamp(at.parse().ok()?),
        host: (*host).to_owned(),
    })
}

/// Returns a machine's name as a claim can hold it: letters, digits, `-` `_` and `.`, cut to a length.
pub fn host(name: &str) -> String {
    name.trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(MAX_HOST)
        .collect()
}

/// What an installation remembers of its claim on a pair. The default: it never had one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// The claim that was last found on the canary.
    pub held: Option<Claim>,
    /// Where the state was then; see [`Me::place`].
    pub place: String,
    /// The one that is to take its place; it may have been sent, and may still arrive.
    pub wanted: Option<Claim>,
    /// Where the state was when that was written down.
    pub wanted_place: String,
    /// Local time at which `held` was found for the first time.
    pub since: Option<Timestamp>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    /// This installation.
    pub instance: &'a str,
    /// Where its state is: another text, another machine or folder. Empty: not known.
    pub place: &'a str,
}

/// What the claims on a canary mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The pair is ours, by this claim.
    Ours(Claim),
    /// Nobody has claimed it.
    Free,
    /// It is somebody else's. Holds who, and what to do, as a sentence.
    Taken(String),
}

/// Returns the claims on a pair among the texts that its canary carries. What is no claim is nobody's.
pub fn on_pair(texts: &[String], pair: &PairName) -> Vec<Claim> {
    let claims = texts.iter().filter_map(|text| parse(text));
    claims.filter(|claim| claim.pair == *pair).collect()
}

/// Decides whose a pair is. `found` are the claims on it, `canary` is what the item is called in the sentence.
pub fn judge(found: &[Claim], own: &Own, me: Me<'_>, pair: &PairName, canary: &str) -> Verdict {
    let known =
        |claim: &&Claim| own.wanted.as_ref() == Some(*claim) || own.held.as_ref() == Some(*claim);
    let take = format!("to have this one take the pair over: `boardsync links takeover {pair}`");
    let unknown: Vec<&Claim> = found.iter().filter(|claim| !known(claim)).collect();
    if let Some(other) = unknown.iter().find(|claim| claim.instance != me.instance) {
        return Verdict::Taken(format!(
            "{canary} says that the pair belongs to another boardsync, on {}. Stop that one, or this one; {take}",
            other.who()
        ));
    }
    if let Some(newer) = unknown.first() {
        let ours = match own.wanted.as_ref().or(own.held.as_ref()) {
            Some(ours) => format!("number {} is the last that it knows", ours.counter),
            None => "it knows of none".to_owned(),
        };
        return Verdict::Taken(format!(
            "{canary} carries claim number {} of this installation, made on {}, which this database has no record of ({ours}): \
             the state was copied, and the other copy is at work, or it was put back from a backup. Stop the other copy; {take}",
            newer.counter,
            newer.who()
        ));
    }
    let Some(newest) = found.iter().max_by_key(|claim| claim.counter) else {
        return Verdict::Free;
    };
    let place = match own.wanted.as_ref() == Some(newest) {
        true => &own.wanted_place,
        false => &own.place,
    };
    if !place.is_empty() && !me.place.is_empty() && place != me.place {
        return Verdict::Taken(format!(
            "{canary} was claimed from another machine or folder, on {}, and this state is a copy of that one's or was moved \
             here. Make sure that nothing runs there any more; {take}",
            newest.who()
        ));
    }
    Verdict::Ours(newest.clone())
}

#[cfg(test)]
mod tests;
