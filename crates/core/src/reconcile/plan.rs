//! The plan: ordered actions, holds and conflicts. Data only; the same value is shown, saved, approved and applied.

mod action;

pub use action::{Action, ActionKind, FieldChange};

use super::choice::Dropped;
use crate::model::{
    About, ActionId, FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided, Subject,
    Timestamp, Version, subject,
};
use crate::reason::{self, HoldWhy, Limit, ReadWhy, YesTo};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the saved form. A file with another number is refused: it is made again with one command. In format 1 an
/// action named at most one other that goes before it.
pub const PLAN_FORMAT: u32 = 2;

/// What one cycle would do, pair by pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format_version: u32,
    /// Local time of planning, for showing only.
    pub planned_at: Timestamp,
    /// One entry per pair that was looked at, in configuration order.
    pub pairs: Vec<PairPlan>,
}

/// What one cycle would do in one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairPlan {
    /// The pair.
    pub pair: PairName,
    /// Fingerprint of the configuration that this was planned under.
    pub fingerprint: String,
    /// Whether a person has not yet said yes to this pair, or to its changed scope or mapping.
    pub first_contact: bool,
    /// Whether a person said yes to this pair before, under another scope or mapping, so that what waits for one now is
    /// the change. With `first_contact` and not this, it is the pair's very first plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ran_before: bool,
    /// Whether what waits for a yes is what a restored backup is compared with, and not a change of the configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restored: bool,
    /// Changes, in the order in which they are carried out.
    pub actions: Vec<Action>,
    /// What is deliberately not done, and why.
    pub holds: Vec<Hold>,
    /// What an action cannot carry over of a value, while the rest of that value goes: people without a counterpart, beside
    /// others who have one. Only told; nothing is kept of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Hold>,
    /// Custom fields that stand still, whatever item they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<ReadWhy>,
    /// Fields changed on both sides, differently. Stored before any action runs.
    pub conflicts: Vec<Conflict>,
    /// Bases that advance without a write, because both sides agree.
    pub rebases: Vec<Rebase>,
    /// Bases that move because this program reads the same content differently than the one that stored them. Stored
    /// before any action runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reread: Vec<Rebase>,
    /// Guards that this plan trips. What [`PairPlan::guarded`] keeps of them needs an approval of [`PairPlan::hash`].
    pub tripped: Vec<Tripped>,
    /// Why nothing of this may be carried out whatever anybody approves, as a sentence; `None`: nothing speaks against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// What is not written before a person has decided. Each is among the holds too, and a field among the conflicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<Frozen>,
    /// When what a rail holds is to be looked at again; `None`: when it changes. Not part of a saved plan.
    #[serde(skip)]
    pub retry: BTreeMap<About, Option<Timestamp>>,
    /// When fields that a service did not take are sent again; `None`: when a value changes. Only a value can be sent and
    /// another one kept. Not part of a saved plan.
    #[serde(skip)]
    pub kept: BTreeMap<(LinkId, FieldKey), Option<Timestamp>>,
    /// Fields in which a person's choice is carried out: it is one of the two values of a conflict. Not part of a saved plan.
    #[serde(skip)]
    pub chosen: BTreeSet<(LinkId, FieldKey)>,
    /// Choices that are not carried out, because something was edited since. Forgotten before any action runs. Not part
    /// of a saved plan.
    #[serde(skip)]
    pub dropped: Vec<Dropped>,
    /// How many linked pairs were looked at.
    pub looked_at: usize,
    /// How many of them need nothing.
    pub in_sync: usize,
    /// Links for which nothing is due: these, and those with an edit that may not flow. Not part of a saved plan.
    #[serde(skip)]
    pub nothing_due: BTreeSet<LinkId>,
}

impl PairPlan {
    /// Returns whether a hold counts as the conflict about its field: that waits for the same choice, and one field asks for
    /// one decision. What is held for another reason counts beside its conflict.
    pub fn contested(&self, hold: &Hold) -> bool {
        let field = hold.subject.field();
        let mut conflicts = self.conflicts.iter();
        hold.why.asks_for_choice()
            && conflicts.any(|conflict| {
                let waits = conflict.taken.is_none();
                waits && Some(conflict.link) == hold.link && Some(&conflict.field) == field
            })
    }

    /// Returns an empty plan of a pair.
    pub fn empty(pair: PairName, fingerprint: String) -> PairPlan {
        PairPlan {
            pair,
            fingerprint,
            first_contact: false,
            ran_before: false,
            restored: false,
            actions: Vec::new(),
            holds: Vec::new(),
            left_out: Vec::new(),
            paused: Vec::new(),
            conflicts: Vec::new(),
            rebases: Vec::new(),
            reread: Vec::new(),
            tripped: Vec::new(),
            blocked: None,
            frozen: Vec::new(),
            retry: BTreeMap::new(),
            kept: BTreeMap::new(),
            chosen: BTreeSet::new(),
            dropped: Vec::new(),
            looked_at: 0,
            in_sync: 0,
            nothing_due: BTreeSet::new(),
        }
    }

    /// Returns the hash that an approval names: 16 hex digits over what would be written, and over bases that move by reading alone.
    pub fn hash(&self) -> String {
        let written = (&self.pair, &self.fingerprint, Written(&self.actions));
        // Into the digest and not into a text: the first plan of a large board is hundreds of megabytes of it.
        let mut digest = Digested(Sha256::new());
        // Whoever says yes to a plan that one guard stops was not told of what another one counts: how much is gone on a side is
        // no action of the plan.
        let guards = self.guarded();
        let gone = guards.filter_map(|guard| Some((guard.what, guard.gone_on()?)));
        let gone: Vec<(Limit, Side)> = gone.collect();
        let _ = match (self.reread.is_empty(), gone.is_empty()) {
            (true, true) => serde_json::to_writer(&mut digest, &written),
            (false, true) => serde_json::to_writer(&mut digest, &(written, &self.reread)),
            (_, false) => serde_json::to_writer(&mut digest, &(written, &self.reread, gone)),
        };
        prefix(digest.0)
    }

    /// Returns the tripped guards that only an approval of exactly this plan lets through. A pair's very first plan
    /// creates and updates as much as there is: a plain yes covers that, but neither deletes nor clears.
    pub fn guarded(&self) -> impl Iterator<Item = &Tripped> {
        let very_first = self.first_contact && !self.ran_before;
        let covered =
            move |what: Limit| very_first && matches!(what, Limit::Creates | Limit::Updates);
        self.tripped
            .iter()
            .filter(move |tripped| !covered(tripped.what))
    }

    /// Says what a guard counts, as far as this plan has it: `unlinks`, where deletes, closes and unlinks are limited together
    /// and nothing is deleted.
    pub fn counted(&self, tripped: &Tripped) -> String {
        let ending = [
            (ActionKind::Delete, "deletes"),
            (ActionKind::Close, "closes"),
            (ActionKind::Unlink, "unlinks"),
        ];
        let planned = |kind: ActionKind| {
            let mut actions = self.actions.iter();
            actions.any(|action| action.target == tripped.side && action.kind == kind)
        };
        let kinds: Vec<&str> = match tripped.what {
            Limit::Deletes => {
                let ending = ending.iter().filter(|(kind, _)| planned(*kind));
                ending.map(|(_, word)| *word).collect()
            }
            Limit::Creates | Limit::Updates | Limit::Clears | Limit::Noise | Limit::Vanished => {
                Vec::new()
            }
        };
        match kinds.as_slice() {
            [] => tripped.counted().to_owned(),
            kinds => kinds.join(", "),
        }
    }

    /// Returns what a yes to the pair would be to, where one is waited for.
    pub fn yes_to(&self) -> YesTo {
        match (self.ran_before, self.restored) {
            (false, _) => YesTo::First,
            (true, false) => YesTo::Changed,
            (true, true) => YesTo::Restored,
        }
    }

    /// Whether nothing but a person's yes keeps this plan, and all later ones, from being carried out. That is asked of an
    /// empty plan too: the yes is to the scope and the mapping, and after it what comes next flows without a question.
    pub fn waits_for_a_yes(&self) -> bool {
        self.first_contact && self.blocked.is_none() && self.guarded().next().is_none()
    }

    /// Returns how many actions write to a service.
    pub fn writes(&self) -> usize {
        self.actions
            .iter()
            .filter(|action| action.kind.writes())
            .count()
    }
}

impl Plan {
    /// Returns how many actions write to a service.
    pub fn writes(&self) -> usize {
        self.pairs.iter().map(PairPlan::writes).sum()
    }
}

fn hex_prefix(text: &str) -> String {
    prefix(Sha256::new_with_prefix(text.as_bytes()))
}

/// Actions as the hash of a plan has them: with the sentence, which is what somebody read and approved, and without its
/// code.
struct Written<'a>(&'a [Action]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Hashed<'a> {
            id: &'a ActionId,
            kind: ActionKind,
            subject: &'a Subject,
            link: Option<LinkId>,
            target: Side,
            target_item: &'a Option<ItemId>,
            source_item: &'a Option<ItemId>,
            title: &'a str,
            url: &'a str,
            expected: Option<Version>,
            source_version: Option<Version>,
            #[serde(skip_serializing_if = "Option::is_none")]
            parent: &'a Option<ItemId>,
            changes: &'a [FieldChange],
            reason: String,
            after: &'a [ActionId],
        }
        to.collect_seq(self.0.iter().map(|action| Hashed {
            id: &action.id,
            kind: action.kind,
            subject: &action.subject,
            link: action.link,
            target: action.target,
            target_item: &action.target_item,
            source_item: &action.source_item,
            title: &action.title,
            url: &action.url,
            expected: action.expected,
            source_version: action.source_version,
            parent: &action.parent,
            changes: &action.changes,
            reason: action.reason(),
            after: &action.after,
        }))
    }
}

/// Takes in what is written to it.
struct Digested(Sha256);

impl std::io::Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn prefix(digest: Sha256) -> String {
    hex::encode(digest.finalize()).chars().take(16).collect()
}

/// A deliberate non-action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The link, where there is one.
    pub link: Option<LinkId>,
    /// The side whose item is named.
    pub side: Side,
    /// The item.
    pub item: ItemId,
    /// Its title.
    pub title: String,
    /// What of it is held.
    #[serde(flatten, with = "subject::named")]
    pub subject: Subject,
    /// Why, and what would help.
    #[serde(
        flatten,
        serialize_with = "reason::serialize",
        deserialize_with = "reason::deserialize"
    )]
    pub why: HoldWhy,
}

impl Hold {
    /// Returns why it is held and what would help, as a sentence without a full stop.
    pub fn reason(&self) -> String {
        self.why.to_string()
    }
}

/// A field changed on both sides, differently, since they last agreed. It is always about a field: a part is written on one
/// side only, and its copy follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The link.
    pub link: LinkId,
    /// Ids of both items.
    pub items: Sided<ItemId>,
    /// Title of the work item.
    pub title: String,
    /// The field.
    pub field: FieldKey,
    /// What each side had when they last agreed; `None` when they never did.
    pub base: Option<Sided<FieldValue>>,
    /// What each side has now.
    pub now: Sided<FieldValue>,
    /// Raw long texts, where the field is one.
    pub raw: Sided<Option<String>>,
    /// The versions that were read.
    pub versions: Sided<Version>,
    /// The side whose value is kept; `None`: held, nothing is written to this field.
    pub taken: Option<Side>,
}

impl Conflict {
    /// Whether each side holds another value than when the two last agreed. Not so where one of them was never edited: two
    /// items that were linked by hand, an undo, a write that may have been set back.
    pub fn changed_on_both(&self) -> bool {
        let changed = |base: &Sided<FieldValue>| {
            let mut sides = Side::BOTH.into_iter();
            sides.all(|side| base.get(side) != self.now.get(side))
        };
        self.base.as_ref().is_some_and(changed)
    }
}

/// Bases that move because both sides agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rebase {
    /// The link.
    pub link: LinkId,
    /// Both sides' values per field.
    pub fields: BTreeMap<FieldKey, Sided<FieldValue>>,
}

/// A guard that stops a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tripped {
    /// What is limited.
    pub what: Limit,
    /// The side that would be written to; for `noise` and `vanished` the side that was read.
    pub side: Side,
    /// How many there are.
    pub count: usize,
    /// How many are let through.
    pub limit: usize,
    /// What the count is made of, where more counts than this plan; `None`: the plan alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
}

impl Tripped {
    /// Returns the side on which items are gone, where this is about such items; `None`: it is about something else. What is
    /// deleted, closed or unlinked on one side is so because it is gone on the other one.
    pub fn gone_on(&self) -> Option<Side> {
        match self.what {
            Limit::Vanished => Some(self.side),
            Limit::Deletes => Some(self.side.other()),
            Limit::Creates | Limit::Updates | Limit::Clears | Limit::Noise => None,
        }
    }

    /// Returns what it counts, as a phrase in the plural.
    pub fn counted(&self) -> &'static str {
        match self.slow {
            Some(_) => "items gone one by one",
            None => self.what.counted(),
        }
    }
}

/// Items that are gone one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// How many this plan acts on.
    pub planned: usize,
    /// How many seem deleted and are asked for again.
    pub waiting: usize,
    /// How many links were ended for such an item already.
    pub ended: usize,
    /// Within how many ms those were.
    pub within_ms: i64,
}

/// What a rail keeps from being written of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The link.
    pub link: LinkId,
    /// What of it.
    #[serde(flatten, with = "subject::named")]
    pub subject: Subject,
    /// Why.
    #[serde(
        flatten,
        serialize_with = "reason::serialize",
        deserialize_with = "reason::deserialize"
    )]
    pub why: HoldWhy,
}
