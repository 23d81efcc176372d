//! The vocabulary every other module speaks: sides, identifiers, canonical items.
//!
//! Plain values only. Nothing here reads a clock, a file or the network, because the same
//! values must mean the same thing in a dry run, in a test and a year later in the journal.

mod base;
mod identity;
mod ids;
mod item;
mod long_text;
mod raw_text;
pub mod subject;
mod time;

pub use crate::field::FieldKey;
pub use base::BaseState;
pub use boardsync_markup::{TextFormat, is_no_character, legible};
pub use identity::{Identity, Move};
pub use ids::{ActionId, ItemId, LinkId, PairName, Version};
pub use item::{Author, FieldValue, Folded, Item, Past};
pub use long_text::LongText;
pub use raw_text::{RawTexts, RichText};
pub use subject::{About, PartId, PartKey, PartKind, Subject};
pub use time::{Clock, Timestamp};

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the two services that are kept equal. Both are remote; neither is "ours".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Azure DevOps Boards (Services or Server).
    Ado,
    /// ClickUp.
    ClickUp,
}

impl Side {
    /// Both sides, in the order in which everything is listed.
    pub const BOTH: [Side; 2] = [Side::Ado, Side::ClickUp];

    /// Returns the opposite side.
    pub fn other(self) -> Side {
        match self {
            Side::Ado => Side::ClickUp,
            Side::ClickUp => Side::Ado,
        }
    }

    /// Returns the stable lower-case key used in the database, in JSON and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Side::Ado => "ado",
            Side::ClickUp => "clickup",
        }
    }

    /// Parses [`Side::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| side.key() == key)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Ado => "ADO",
            Side::ClickUp => "ClickUp",
        })
    }
}

/// A service that requests go to. Whatever speaks of who is on the wire (errors, clients, limits, the breaker) says this and
/// not [`Side`]: a service need not be one of the two that are kept equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Azure DevOps Boards.
    Ado,
    /// ClickUp.
    ClickUp,
}

impl Service {
    /// Every service.
    pub const ALL: [Service; 2] = [Service::Ado, Service::ClickUp];

    /// Returns the stable lower-case key used in the database and in logs.
    pub fn key(self) -> &'static str {
        match self {
            Service::Ado => "ado",
            Service::ClickUp => "clickup",
        }
    }

    /// Parses [`Service::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<Service> {
        Service::ALL
            .into_iter()
            .find(|service| service.key() == key)
    }
}

impl From<Side> for Service {
    fn from(side: Side) -> Service {
        match side {
            Side::Ado => Service::Ado,
            Side::ClickUp => Service::ClickUp,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Service::Ado => "ADO",
            Service::ClickUp => "ClickUp",
        })
    }
}

/// One value per side.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Sided<T> {
    /// The Azure DevOps value.
    pub ado: T,
    /// The ClickUp value.
    pub clickup: T,
}

impl<T> Sided<T> {
    /// Builds a value per side from a function of the side.
    pub fn build(mut make: impl FnMut(Side) -> T) -> Sided<T> {
        Sided {
            ado: make(Side::Ado),
            clickup: make(Side::ClickUp),
        }
    }

    /// Returns one side's value.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Ado => &self.ado,
            Side::ClickUp => &self.clickup,
        }
    }

    /// Returns one side's value for changing.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Ado => &mut self.ado,
            Side::ClickUp => &mut self.clickup,
        }
    }

    /// Puts one value on a side and the other on the opposite one. Example: an action that writes to `side` knows the item
    /// that it writes to and the one that the value comes from.
    pub fn of(side: Side, own: T, other: T) -> Sided<T> {
        match side {
            Side::Ado => Sided {
                ado: own,
                clickup: other,
            },
            Side::ClickUp => Sided {
                ado: other,
                clickup: own,
            },
        }
    }

    /// Returns both values with their sides, in the order of [`Side::BOTH`].
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        [(Side::Ado, &self.ado), (Side::ClickUp, &self.clickup)].into_iter()
    }

    /// Pairs each side's value with that side's value of another.
    pub fn zip<U>(self, other: Sided<U>) -> Sided<(T, U)> {
        Sided {
            ado: (self.ado, other.ado),
            clickup: (self.clickup, other.clickup),
        }
    }

    /// Applies a function to both values.
    pub fn map<U>(self, mut apply: impl FnMut(Side, T) -> U) -> Sided<U> {
        Sided {
            ado: apply(Side::Ado, self.ado),
            clickup: apply(Side::ClickUp, self.clickup),
        }
    }

    /// Borrows both values.
    pub fn as_ref(&self) -> Sided<&T> {
        Sided {
            ado: &self.ado,
            clickup: &self.clickup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_found_on_the_side_that_it_was_put_on() {
        for side in Side::BOTH {
            let both = Sided::of(side, "own", "other");
            assert_eq!(both.get(side), &"own");
            assert_eq!(both.get(side.other()), &"other");
            let pairs = both.zip(Sided::build(|side| side));
            for (at, (value, of)) in pairs.iter() {
                assert_eq!((at, both.get(at)), (*of, value));
            }
        }
    }
}
