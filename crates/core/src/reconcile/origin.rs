//! Where an unlinked item came from: by its marker, by the links that it had, by the creates that are still open.
//!
//! A valid marker of this installation names the item's counterpart whatever the pair, and so does a link that was ended
//! by hand. So two items that a person moved from one pair into another are linked there again and never mirrored a
//! second time, and one that moved alone waits for the other.
//!
//! Whoever has the database collects the [`Facts`]; what follows from them is decided here. The table of cases in the tests
//! says each rule in one row.

use super::Origin;
use crate::marker::Marker;
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, Side, Timestamp, Version};
use crate::reason::{HoldWhy, OriginWhy, ReadWhy};
use std::collections::BTreeMap;

/// How far before the remembered server time of a create's request the item that it made may say that it is from: clocks of
/// one service's machines differ. A search for it starts there.
pub const PROBE_MARGIN_MS: i64 = 600_000;

/// A link that an item has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The pair of the link.
    pub pair: PairName,
    /// The item at the other end.
    pub counterpart: ItemId,
    /// The link's generation.
    pub generation: u32,
    /// Whether it still ties the two together.
    pub standing: Standing,
}

/// Whether a link still ties its items together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Living,
    /// It was ended because the item of this side was deleted.
    Deleted(Side),
    /// It was ended for another reason: by hand, or on both sides at once.
    Ended,
}

impl Tie {
    fn is_living(&self) -> bool {
        self.standing == Standing::Living
    }
}

/// A create that was noted and of which nobody knows yet what came of it.
#[derive(Clone, Copy, Debug)]
pub struct OpenCreate<'a> {
    /// Its pair.
    pub pair: &'a PairName,
    /// The side of the item that it was for.
    pub side: Side,
    /// That item.
    pub item: &'a ItemId,
    /// Local time of the request, or of the note where it was never sent.
    pub sent: Timestamp,
    /// Time of the first request by the clock of the service that it went to; `None`: not known.
    pub server_t0: Option<Timestamp>,
    /// Values of the item that it was made from.
    pub fields: &'a BTreeMap<FieldKey, FieldValue>,
    /// Generation of its marker.
    pub generation: u32,
    /// Whether it waits for a person, because several items carry its marker for instance. Else the next cycle settles it.
    pub stuck: bool,
}

impl OpenCreate<'_> {
    /// Whether this marker is the one that it was sent with.
    fn was_sent_with(&self, marker: &Marker) -> bool {
        (self.pair, self.side, self.item, self.generation)
            == (&marker.pair, marker.side, &marker.id, marker.generation)
    }
}

/// What one marker on the item turned out to be.
#[derive(Clone, Debug)]
pub enum Mark {
    /// It was made under another key.
    Strangers,
    /// It is ours.
    Ours {
        /// What it says.
        marker: Marker,
        /// Whether the pair that it names is configured.
        has_pair: bool,
        /// The links of the item that it names, where that is on the other side. Their counterparts
        /// are on the side of the item that carries the marker.
        ties: Vec<Tie>,
    },
}

/// All that is known of an unlinked item.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The pair in which it is looked at.
    pub pair: &'a PairName,
    /// Its side.
    pub side: Side,
    /// The item.
    pub item: &'a Item,
    /// The creates that are open, whatever their pair.
    pub creates: Vec<OpenCreate<'a>>,
    /// Its links in whatever pair, oldest first.
    pub ties: Vec<Tie>,
    /// Its markers, in the order in which the item has them.
    pub marks: Vec<Mark>,
}

fn held(why: OriginWhy) -> Origin {
    Origin::Held(why.into())
}

/// Says where an item came from.
pub fn origin(facts: &Facts<'_>) -> Origin {
    let (pair, side, id) = (facts.pair, facts.side, &facts.item.id);
    let mut creates = facts.creates.iter();
    if let Some(open) = creates.find(|open| open.side == side && open.item == id) {
        return held(OriginWhy::CreateOpen {
            sent: open.sent,
            pair: (open.pair != pair).then(|| open.pair.clone()),
        });
    }
    let mut elsewhere = facts
        .ties
        .iter()
        .filter(|tie| tie.pair != *pair && tie.is_living());
    if let Some(tie) = elsewhere.next() {
        // It moved from one pair's scope to another's. A second counterpart would be a twin.
        return held(OriginWhy::LinkedElsewhere {
            item: id.clone(),
            counterpart: tie.counterpart.clone(),
            pair: tie.pair.clone(),
        });
    }
    if let Some(origin) = facts.marks.iter().find_map(|mark| by_mark(facts, mark)) {
        return origin;
    }
    if facts.ties.is_empty()
        && let Some(open) = facts
            .creates
            .iter()
            .find(|open| may_be_made_by(open, facts))
    {
        return held(OriginWhy::TitleOfCreate {
            side: open.side,
            item: open.item.clone(),
            sent: open.sent,
        });
    }
    formerly(pair, side, facts.ties.last())
}

/// Says what one marker tells about an item whose links, if any, were all dissolved; `None`: nothing.
fn by_mark(facts: &Facts<'_>, mark: &Mark) -> Option<Origin> {
    let (marker, has_pair, of_source) = match mark {
        Mark::Strangers => return Some(held(OriginWhy::StrangersMarker)),
        Mark::Ours {
            marker,
            has_pair,
            ties,
        } => (marker, *has_pair, ties),
    };
    if let Some(other) = of_source.iter().find(|tie| tie.is_living()) {
        // Whatever the marker's pair is called by now, the link says which of the two is the counterpart.
        return Some(copy_or_twin(marker, &other.counterpart, true));
    }
    if !has_pair {
        // Most likely this pair under its old name: its counterpart exists.
        return Some(held(OriginWhy::UnknownPairsMarker {
            pair: marker.pair.clone(),
        }));
    }
    if marker.side == facts.side {
        return None;
    }
    // Its newest link says where it belongs.
    let newest = facts.ties.last();
    let mut own = facts.ties.iter();
    if own.any(|tie| tie.generation >= marker.generation) {
        return Some(match newest.is_some_and(|tie| tie.pair == *facts.pair) {
            true => Origin::Tombstone,
            false => formerly(facts.pair, facts.side, newest),
        });
    }
    let spent = of_source
        .iter()
        .find(|tie| tie.generation >= marker.generation);
    if let Some(former) = spent {
        // Joined to what is gone, it would be closed or deleted with it.
        return Some(copy_or_twin(marker, &former.counterpart, false));
    }
    if marker.pair != *facts.pair {
        return Some(Origin::Former {
            of: marker.id.clone(),
        });
    }
    // What was sent is known as long as the create is open, and tells a step of our own from an edit. Linked by its marker
    // alone the item would have no base, so that every difference would be a conflict. Example: the process is killed while
    // a new work item is at Active, on its way to Closed, and the next run cannot read it at first.
    let mut open = facts.creates.iter().filter(|open| !open.stuck);
    Some(match open.find(|open| open.was_sent_with(marker)) {
        Some(open) => held(OriginWhy::MadeByOpenCreate {
            side: open.side,
            item: open.item.clone(),
            sent: open.sent,
        }),
        None => Origin::Counterpart {
            of: marker.id.clone(),
            generation: marker.generation,
        },
    })
}

fn copy_or_twin(marker: &Marker, counterpart: &ItemId, linked: bool) -> Origin {
    held(OriginWhy::CopyOrTwin {
        side: marker.side,
        item: marker.id.clone(),
        counterpart: counterpart.clone(),
        linked,
    })
}

/// Whether an item may be what a create without an answer made: somebody took its marker out. It must have the title that
/// was sent and be no older than the request.
fn may_be_made_by(open: &OpenCreate<'_>, facts: &Facts<'_>) -> bool {
    let title = open.fields.get(&FieldKey::Title);
    let titled = title.is_some_and(|title| facts.item.is_titled(title));
    let young = open
        .server_t0
        .is_some_and(|sent| facts.item.created_at >= sent.plus_ms(-PROBE_MARGIN_MS));
    open.side == facts.side.other() && titled && young
}

/// Says what the newest of its dissolved links makes of an item.
fn formerly(pair: &PairName, side: Side, newest: Option<&Tie>) -> Origin {
    let Some(tie) = newest else {
        return Origin::Person;
    };
    let here = tie.pair == *pair;
    match tie.standing {
        Standing::Living => Origin::Person,
        Standing::Deleted(deleted) if deleted == side => held(OriginWhy::CameBack {
            counterpart: tie.counterpart.clone(),
        }),
        Standing::Deleted(_) | Standing::Ended if here => Origin::Tombstone,
        // What it was linked to is gone, so in its new pair it is as good as new.
        Standing::Deleted(_) => Origin::Person,
        Standing::Ended => Origin::Former {
            of: tie.counterpart.clone(),
        },
    }
}

/// Who names an item by a marker, of all that this cycle looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct NamedBy<'a> {
    /// The item that carries a valid marker which names it, and the pair where that is; `None` in it: in none that is
    /// looked at.
    pub carrier: Option<(Option<&'a PairName>, &'a ItemId)>,
    /// The item that carried such a marker when it was last looked at, and that cannot be read now.
    pub unread: Option<&'a ItemId>,
}

/// Says where an item came from that carries no marker itself and had no link, by what names it.
pub fn origin_of_named(pair: &PairName, side: Side, by: NamedBy<'_>) -> Origin {
    if let Some((at, by)) = by.carrier.filter(|(at, _)| *at != Some(pair)) {
        return held(OriginWhy::CounterpartAway {
            side: side.other(),
            item: by.clone(),
            pair: at.cloned(),
        });
    }
    match by.unread {
        Some(by) => held(OriginWhy::NamedByMarker {
            side: side.other(),
            item: by.clone(),
            unread: true,
        }),
        None => Origin::Person,
    }
}

/// The origin of an item whose marker says that it is the counterpart of another one, where that is known to be deleted. The two
/// are linked only where both are there: joined to what was deleted, it would be unlinked, closed or deleted with it, and a guard
/// would stop the pair over many of those.
///
/// Example: the database is lost. A work item was deleted long ago, and its task was kept. The task stays alone.
pub fn beside_deleted(origin: Origin, evidence: Option<&String>) -> Origin {
    match (origin, evidence) {
        (Origin::Counterpart { of, .. }, Some(evidence)) => Origin::Alone {
            of,
            evidence: evidence.clone(),
        },
        (origin, _) => origin,
    }
}

/// What tells whether an unlinked item is in a pair.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Whether its place is one of the pair's; `None`: that can't be told from the item, because of a condition for instance.
    pub covers: Option<bool>,
    /// Whether this pair's listing has it; `None`: no pair's has.
    pub listed: Option<bool>,
    /// Whether the pair was listed in full.
    pub swept: bool,
}

impl Place {
    /// Whether the item has left the pair: its place says so, or the listings do. Example: its create failed, and before it
    /// was tried again somebody moved it to another pair's list.
    pub fn has_left(self) -> bool {
        match (self.covers, self.listed) {
            (Some(covers), _) => !covers,
            (None, Some(listed)) => !listed,
            (None, None) => self.swept,
        }
    }

    /// Whether an item that is as good as new may have left the pair after all, so that nothing is made of it: only the
    /// next full listing tells. `listed_at` is the version at which a listing showed it last.
    pub fn may_have_left(self, origin: &Origin, now: Version, listed_at: Option<Version>) -> bool {
        let is_new = matches!(origin, Origin::Person | Origin::Former { .. });
        is_new && self.covers.is_none() && self.listed != Some(true) && listed_at != Some(now)
    }
}

/// The origin of an item that may have left the pair.
pub fn unsettled() -> Origin {
    Origin::Held(ReadWhy::MayHaveLeft.into())
}

/// Whether what was said of an item before still counts. Only a full listing sees every marker again; until then an item
/// that looks new stays held for what a marker said of it.
pub fn counts_before(origin: &Origin, swept: bool) -> bool {
    *origin == Origin::Person && !swept
}

/// The origin of an item that looks new, by what was said of it before.
pub fn held_before(origin: Origin, before: impl IntoIterator<Item = HoldWhy>) -> Origin {
    let mut before = before.into_iter().filter(HoldWhy::stands_until_sweep);
    before.next().map_or(origin, Origin::Held)
}

#[cfg(test)]
#[path = "tests/origin.rs"]
mod tests;
