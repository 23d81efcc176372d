//! What a search for the item of a create came to.

use super::links_add;
use crate::model::{ItemId, Side};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a create whose answer was lost stays open, or is planned again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CreateWhy {
    /// Several items carry the marker of the create.
    ManyCarryMarker {
        /// The side that was searched.
        side: Side,
        /// These items.
        items: Vec<ItemId>,
    },
    /// The item that carries the marker of the create is linked to another.
    MarkerTaken {
        /// The item with the marker.
        item: ItemId,
        /// What it is linked to.
        counterpart: ItemId,
    },
    /// Items have the title of the create but not its marker.
    AlikeWithoutMarker {
        /// The side that was searched.
        side: Side,
        /// These items.
        items: Vec<ItemId>,
    },
    /// The create got lost.
    PlannedAgain,
}

impl fmt::Display for CreateWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |items: &[ItemId]| {
            let names: Vec<&str> = items.iter().map(ItemId::as_str).collect();
            names.join(", ")
        };
        match self {
            CreateWhy::ManyCarryMarker { side, items } => write!(
                f,
                "{} items in {side} carry its marker ({}); keep one, delete the others, then `{}`",
                items.len(),
                joined(items),
                links_add(None, None)
            ),
            CreateWhy::MarkerTaken { item, counterpart } => write!(
                f,
                "{item} carries its marker and is linked to {counterpart} already; take the marker out of {item}, or \
                 dissolve that link with `boardsync links remove {item}`"
            ),
            CreateWhy::AlikeWithoutMarker { side, items } => write!(
                f,
                "a create had no answer, and {names} in {side} has its title but not its marker; if it is what the create \
                 made, link the two with `{add}`, else rename {names}",
                names = joined(items),
                add = match items.as_slice() {
                    [one] => links_add(None, Some((*side, one))),
                    _ => links_add(None, None),
                }
            ),
            CreateWhy::PlannedAgain => f.write_str("a create got lost; it is planned again"),
        }
    }
}
