//! Why an item without a link gets no counterpart.

use crate::model::{ItemId, PairName, Side, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an item without a link gets no counterpart, by where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum OriginWhy {
    /// It carries a marker that was made under another key.
    StrangersMarker,
    /// It carries the marker of a pair that is not configured.
    UnknownPairsMarker {
        /// The pair.
        pair: PairName,
    },
    /// It carries the marker of an item that has another counterpart.
    CopyOrTwin {
        /// The side of that item.
        side: Side,
        /// That item.
        item: ItemId,
        /// Its counterpart.
        counterpart: ItemId,
        /// Whether the two are still linked.
        linked: bool,
    },
    /// A marker that cannot be trusted names it.
    NamedByMarker {
        /// The side of the item that carries the marker.
        side: Side,
        /// That item.
        item: ItemId,
        /// Whether that item cannot be read at present.
        unread: bool,
    },
    /// Its counterpart is not in this pair.
    CounterpartAway {
        /// The side of the counterpart.
        side: Side,
        /// The counterpart.
        item: ItemId,
        /// The pair that it is in; `None`: in none.
        pair: Option<PairName>,
    },
    /// It is linked in another pair.
    LinkedElsewhere {
        /// The item.
        item: ItemId,
        /// Its counterpart.
        counterpart: ItemId,
        /// That pair.
        pair: PairName,
    },
    /// It was deleted, which ended its link, and is there again.
    CameBack {
        /// What it was linked to.
        counterpart: ItemId,
    },
    /// A create was sent for it and had no answer.
    CreateOpen {
        /// Local time of the request.
        sent: Timestamp,
        /// The pair, where that is another one.
        pair: Option<PairName>,
    },
    /// It is what a create without an answer made, which is not settled yet.
    MadeByOpenCreate {
        /// The side of the item that the create was for.
        side: Side,
        /// That item.
        item: ItemId,
        /// Local time of the request.
        sent: Timestamp,
    },
    /// It may be what a create without an answer made.
    TitleOfCreate {
        /// The side of the item that the create was for.
        side: Side,
        /// That item.
        item: ItemId,
        /// Local time of the request.
        sent: Timestamp,
    },
}

/// The command that links two items, with what is known of its arguments in place. The others are named as its help names them.
///
/// Example: of work item 7 whose counterpart is to be found, `boardsync links add PAIR 7 TASK`.
pub fn links_add(pair: Option<&PairName>, known: Option<(Side, &ItemId)>) -> String {
    let pair = pair.map_or("PAIR", |pair| pair.0.as_str());
    let of = |side: Side, name: &str| match known {
        Some((known, item)) if known == side => item.to_string(),
        Some(_) | None => name.to_owned(),
    };
    let (work_item, task) = (of(Side::Ado, "WORK_ITEM"), of(Side::ClickUp, "TASK"));
    format!("boardsync links add {pair} {work_item} {task}")
}

impl fmt::Display for OriginWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OriginWhy::StrangersMarker => write!(
                f,
                "carries a marker that this installation did not write; link it by hand with `{}`",
                links_add(None, None)
            ),
            OriginWhy::UnknownPairsMarker { pair } => write!(
                f,
                "carries a marker of the pair {pair}, which the configuration no longer has; give the pair that name \
                 again, or link the two with `{}`",
                links_add(None, None)
            ),
            OriginWhy::CopyOrTwin {
                side,
                item,
                counterpart,
                linked,
            } => {
                let of = match linked {
                    true => "which is linked to",
                    false => "whose counterpart was",
                };
                write!(
                    f,
                    "carries the marker of {side} {item}, {of} {counterpart}: a copy or a twin; remove the footer line or \
                     link to sync it as new"
                )
            }
            OriginWhy::NamedByMarker {
                side,
                item,
                unread: true,
            } => write!(
                f,
                "a marker that cannot be trusted names it: {side} {item} carried it and cannot be read at present"
            ),
            OriginWhy::NamedByMarker {
                side,
                item,
                unread: false,
            } => write!(
                f,
                "a marker that cannot be trusted names it: {side} {item} carries it; link the two with `{}`, or remove the \
                 marker",
                links_add(None, Some((*side, item)))
            ),
            OriginWhy::CounterpartAway { side, item, pair } => {
                let place = match pair {
                    Some(pair) => format!("in the pair {pair}"),
                    None => "which is not in this pair's scope".to_owned(),
                };
                write!(
                    f,
                    "has its counterpart outside this pair: {side} {item}, {place}; move that one here too and the two are \
                     linked, or link them with `{}`",
                    links_add(None, Some((*side, item)))
                )
            }
            OriginWhy::LinkedElsewhere {
                item,
                counterpart,
                pair,
            } => write!(
                f,
                "is linked to {counterpart} in the pair {pair}; when both are in this pair, `boardsync links remove {item}` \
                 lets it link them"
            ),
            OriginWhy::CameBack { counterpart } => write!(
                f,
                "came back after it was deleted; its link to {counterpart} is gone: link it with `{}`, to {counterpart} if that \
                 still exists",
                links_add(None, None)
            ),
            OriginWhy::CreateOpen { sent, pair } => {
                let place = match pair {
                    Some(pair) => format!(" in the pair {pair}"),
                    None => String::new(),
                };
                write!(
                    f,
                    "a create was sent at {sent}{place} and its answer was lost; it is looked for before anything is sent again"
                )
            }
            OriginWhy::MadeByOpenCreate { side, item, sent } => write!(
                f,
                "was made for {side} {item} by a create that was sent at {sent} and whose answer was lost; the two are linked \
                 once both were read"
            ),
            OriginWhy::TitleOfCreate { side, item, sent } => write!(
                f,
                "has the title of {side} {item}, for which a create was sent at {sent} that had no answer, but not its \
                 marker; if it is what the create made, link the two with `{}`, else rename this one",
                links_add(None, Some((*side, item)))
            ),
        }
    }
}
