//! What the configuration says about one pair, in the form in which the core wants it.

use super::closing::Closing;
pub use crate::field::Direction;
use crate::field::{Rule, Tables};
use crate::mapping::{People, Relation};
use crate::model::{
    FieldKey, FieldValue, Folded, Identity, Item, ItemId, LinkId, PairName, Side, Sided, Timestamp,
};
use crate::reason::{HoldWhy, ReadWhy, ValueWhy};
use std::collections::{BTreeMap, BTreeSet};

/// The rules of one pair.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The pair.
    pub pair: PairName,
    /// Fingerprint of scope and mapping.
    pub fingerprint: String,
    /// Whether a person has said yes to exactly this fingerprint.
    pub approved: bool,
    /// Sides on which counterparts may be created.
    pub create_on: Vec<Side>,
    /// What happens to the counterpart of a deleted item.
    pub on_delete: OnDelete,
    /// The synced fields.
    pub fields: BTreeMap<FieldKey, FieldPolicy>,
    /// State <-> status.
    pub states: Relation,
    /// Work item type <-> task type.
    pub types: Relation,
    /// Who is who.
    pub people: People,
    /// What the sides take as values of each custom field.
    pub customs: BTreeMap<FieldKey, Rule>,
    /// Fields that the configuration wants and that stand still, with the reason. None of them is among `fields`.
    pub paused: BTreeMap<FieldKey, ReadWhy>,
    /// What the synced fields stand for, where the configuration or a schema names that.
    pub identities: BTreeMap<FieldKey, Identity>,
    /// Local time from which on a field stands for that, where it stood for something else before.
    pub since: BTreeMap<FieldKey, Timestamp>,
    /// Whether a new item stands under the counterpart of the item that its source stands under.
    pub parents: bool,
    /// Whether an item gets a link to its counterpart together with its first real change.
    pub backlink: bool,
    /// Limits of one plan.
    pub guard: GuardLimits,
    /// The states, per side, that mean "closed", for `on_delete = close`. Only filled in where one may be needed.
    pub closed_states: Sided<Closing>,
    /// The synced fields that work items of some types have no place for. Only filled in for types that it matters of.
    pub lacks: Lacks,
    /// What a delete reaches, by the link one of whose items is deleted. Only asked where the other one may be deleted or closed;
    /// of a link that is not here it is that item alone.
    pub reach: BTreeMap<LinkId, Reach>,
}

impl Policy {
    /// Returns the tables that say which name of one side means which name of the other.
    pub fn tables(&self) -> Tables<'_> {
        Tables {
            states: &self.states,
            types: &self.types,
            people: &self.people,
            custom: None,
        }
    }

    /// Returns the type of work item that a task becomes; `None`: that of which new items are that name none.
    pub fn made_as(&self, task: &Item) -> Option<Folded> {
        let key = &FieldKey::Type;
        match task
            .fields
            .get(key)
            .filter(|_| self.fields.contains_key(key))
        {
            Some(FieldValue::Choice(kind)) => self.types.translate(Side::ClickUp, kind),
            _ => None,
        }
    }

    /// Whether a value that is held has a counterpart by now: somebody has added the state, or the option, in a service. No version
    /// of an item tells that.
    pub fn takes(&self, held: &HoldWhy) -> bool {
        let HoldWhy::Value(why) = held else {
            return false;
        };
        match why {
            ValueWhy::StateUnmapped { side, state } => {
                self.states.translate(*side, &Folded::new(state)).is_some()
            }
            why => self.customs.values().any(|rule| rule.takes(why)),
        }
    }

    /// Whether what was written or recorded of a field at a time is about what it stands for now.
    pub fn is_about(&self, key: &FieldKey, at: Timestamp) -> bool {
        self.since.get(key).is_none_or(|since| at >= *since)
    }

    /// The same for one field.
    pub fn tables_of(&self, key: &FieldKey) -> Tables<'_> {
        Tables {
            custom: self.customs.get(key),
            ..self.tables()
        }
    }
}

/// The synced fields that a type of work item has no place for, by type. A type that is not named here is not known, and then
/// it counts as having every field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacks(BTreeMap<Option<String>, BTreeSet<FieldKey>>);

impl Lacks {
    /// Notes what a type lacks; `None`: the type of which new items are that name none.
    pub fn note(&mut self, kind: Option<&Folded>, fields: BTreeSet<FieldKey>) {
        self.0.insert(kind.map(|kind| kind.key.clone()), fields);
    }

    /// Whether a work item of a type is known to have no place for a field.
    pub fn lacks(&self, kind: Option<&Folded>, key: &FieldKey) -> bool {
        let fields = self.0.get(&kind.map(|kind| kind.key.clone()));
        fields.is_some_and(|fields| fields.contains(key))
    }
}

/// Which items a delete reaches, where a service deletes children along with their parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one item.
    Alone,
    /// These children of the item that is left would be deleted along with it.
    Children(BTreeSet<ItemId>),
    /// The deleted item was a child of one that is deleted too, so perhaps nobody meant it.
    WithParent,
    /// The service could not be asked.
    Unknown,
}

/// What happens to the counterpart of a deleted item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// It stays; the link is dissolved.
    Unlink,
    /// It is closed; the link is dissolved.
    Close,
    /// It goes to the recycle bin or trash.
    Delete,
}

/// The rules of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPolicy {
    /// Which side may be written to.
    pub direction: Direction,
    /// Whose value is kept when both changed; `None`: neither, the field is held.
    pub winner: Option<Side>,
}

impl FieldPolicy {
    /// Returns the rules as a merge needs them: where a side wins a field that flows one way, it is the one that it flows
    /// from, for the other's value goes nowhere.
    pub fn by_direction(self) -> FieldPolicy {
        let winner = self.winner.map(|winner| match self.direction {
            Direction::Both => winner,
            Direction::ToAdo => Side::ClickUp,
            Direction::ToClickUp => Side::Ado,
        });
        FieldPolicy { winner, ..self }
    }
}

/// Limits of one plan, each as an absolute floor and a share of the linked pairs: the larger counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuardLimits {
    /// Creates: at most this many, or `creates_percent` of the linked pairs.
    pub creates: (u32, f64),
    /// Updates.
    pub updates: (u32, f64),
    /// Fields cleared to empty.
    pub clears: (u32, f64),
    /// Deletes, closes and unlinks.
    pub deletes: (u32, f64),
    /// Bases that look changed only because this program reads the same content differently, as a percentage of the
    /// pair's bases.
    pub noise: f64,
}

impl Default for GuardLimits {
    /// The figures of rclone bisync and vdirsyncer, tightened: a stop costs a look, a missed one costs a board.
    fn default() -> Self {
        GuardLimits {
            creates: (20, 10.0),
            updates: (50, 25.0),
            clears: (5, 2.0),
            deletes: (3, 2.0),
            noise: 3.0,
        }
    }
}
