//! The table of fields: everything that sets one synced field apart from another.
//!
//! # Where to read
//! 1. [`table`](FieldKey) has one row for each field: its word, its kind, and what the two services call it.
//! 2. [`Kind`] is the list of questions that the program asks about a value. Most have an answer that fits most kinds, so a
//!    kind says only what is special about it. Each kind is a file in `field/`: `line` (the title), `vocabulary` (type and
//!    state), `people`, `number`, `tags`, `day`, `duration` and `text` (the description).
//! 3. `merged` has the merge of values that are taken whole; the text, people and tags files have theirs.
//! 4. [`FieldSpec`] is a field of one pair: its row, what the configuration wants of it, and what the services call it there.
//! 5. [`negotiate`] finds out what a custom field is, by what both services say of it; `custom` has its values.
//! 6. [`capabilities`](crate::capabilities) has what a service can't hold, for whichever kind asks.
//!
//! # How to add a field
//! 1. Write its row in `field/table.rs`, at the place where plans are to list it. If an existing kind fits (another day,
//!    another number), that is all.
//! 2. For a new kind, write `field/NAME.rs` with a type that implements [`Kind`], and name it with `mod NAME;` below. At the
//!    least it says its [`Form`], which is how a connector reads and writes it, and gives examples of its values.
//! 3. Where ClickUp has a member of a task for it that no row has named yet, that member gets its row in
//!    `src/clickup/codec.rs`.
//! 4. Nothing else: the configuration, Azure DevOps, the merge, the laws and the simulation go through the table. A test
//!    lists the files that may still name a single field, each with its reason.
//!
//! Example: a yes/no field is `field/flag.rs` with two methods, `mod flag;` below, and one row:
//! `kind: &flag::Flag`, `ado: Ado { names: &["Custom.Blocked"], .. }`.

mod custom;
mod day;
mod duration;
mod line;
mod merged;
pub mod negotiate;
mod number;
mod people;
mod spec;
mod table;
mod tags;
mod text;
mod vocabulary;

pub use custom::Rule;
pub use merged::{Merge, Merged, without_base};
pub use spec::{AdoType, Direction, FieldSpec, FieldSpecs, Wanted, WantedFields};
pub use table::FieldKey;
pub use text::text_of;

use crate::mapping::{People, Relation};
use crate::model::{FieldValue, Folded, Side, Sided};
use crate::reason::ValueWhy;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One row of the table: all that is known of a field besides what its kind knows.
pub struct Field {
    /// Its text form in the configuration, in plans and in the database.
    pub word: &'static str,
    /// What people write instead of the word by mistake, in lower case.
    pub also: &'static [&'static str],
    /// What its values are and how they merge.
    pub kind: &'static dyn Kind,
    /// Whether it is synced where the configuration does not name it.
    pub unasked: bool,
    /// Every item has a value of it, so that an answer without one has left it out. Other fields are perhaps not there at all:
    /// not every workspace has every field.
    pub everywhere: bool,
    /// What it means for an item that is to be made.
    pub create: Create,
    /// How likely it is at fault where a service refuses a change and does not say why; `None`: less than all others.
    pub suspect: Option<Suspect>,
    /// What Azure DevOps calls it.
    pub ado: Ado,
    /// What ClickUp calls it.
    pub clickup: ClickUp,
}

/// What a field means for an item that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// It goes along even where the field does not flow that way: without it the item can't exist.
    pub always: bool,
    /// No item is made without it, where its source has it: it would have no name, or come into being as another kind of
    /// item or in another state than its source.
    pub vital: bool,
    /// An item whose source has nothing in it is not made.
    pub filled: bool,
}

impl Create {
    /// The item can be made without it.
    pub const OPTIONAL: Create = Create {
        always: false,
        vital: false,
        filled: false,
    };
}

/// A group of fields that services refuse more often than others. The order is that in which they are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    /// A custom field: the plan of a workspace allows so many uses, and not every place or type has each.
    Custom,
    /// Most rules of a process hang on it.
    Rules,
    /// A value that is not there yet has to be made, which needs a right of its own.
    Rights,
    /// A date, which rules compare with other dates.
    Dates,
    /// Somebody who may not be assigned.
    People,
}

impl Suspect {
    /// Every group, in order.
    pub const ALL: [Suspect; 5] = [
        Suspect::Custom,
        Suspect::Rules,
        Suspect::Rights,
        Suspect::Dates,
        Suspect::People,
    ];
}

/// A field in Azure DevOps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ado {
    /// The reference names that may hold it, best first: an item has it where its type has one of them.
    pub names: &'static [&'static str],
    /// The name that people see, in lower case, where every process has the same.
    pub label: Option<&'static str>,
    /// Whether every type has it, whatever the type's list of fields says.
    pub every_type: bool,
}

/// A field in ClickUp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClickUp {
    /// The member of a task that holds it; empty where only a custom field does.
    pub name: &'static str,
    /// The feature of a space without which it is not kept, and what the settings call that.
    pub feature: Option<(&'static str, &'static str)>,
}

/// The tables of a pair that say which name of one side means which name of the other.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// State <-> status.
    pub states: &'a Relation,
    /// Work item type <-> task type.
    pub types: &'a Relation,
    /// Who is who.
    pub people: &'a People,
    /// What the sides take, where the field is a custom one.
    pub custom: Option<&'a Rule>,
}

/// What a connector has to read and write. Both services' interfaces come down to these few forms; how each of them looks
/// there is for the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A single line of text.
    Line,
    /// One name out of a list.
    Name,
    /// People, each by what identifies them.
    People,
    /// A number.
    Number,
    /// A length of time.
    Duration,
    /// A list of tags.
    Tags,
    /// A calendar day.
    Day,
    /// A moment.
    Moment,
    /// Long text with formatting.
    LongText,
    /// Yes or no. Yes is the choice [`YES`]; no is [`FieldValue::Empty`], for services show a no and nothing alike.
    YesNo,
    /// A number of at most three decimals; one with more is not read, for it would be rounded.
    Decimal,
    /// Text without markup, of one line or several.
    Plain,
    /// Several names out of a list, set all at once.
    Names,
    /// What the schemas of both services agree on for a pair; [`FieldSpec::form`] has it.
    Negotiated,
}

/// The name that a yes has as a value.
pub const YES: &str = "yes";

/// Makes the value of a set of members; no members give [`FieldValue::Empty`].
pub type OfMembers = fn(BTreeSet<Folded>) -> FieldValue;

/// What the program asks about the values of a field. One for each kind.
pub trait Kind: Sync {
    /// What a connector reads and writes.
    fn form(&self) -> Form;

    /// Whether the values of both sides mean the same by the pair's tables.
    fn agree(&self, now: &Sided<FieldValue>, _tables: &Tables<'_>) -> bool {
        now.ado == now.clickup
    }

    /// Translates a value of one side into the other side's vocabulary.
    ///
    /// # Errors
    /// A sentence that names the value and what to do, where there is no counterpart.
    fn translate(
        &self,
        _from: Side,
        value: &FieldValue,
        _tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        Ok(value.clone())
    }

    /// Merges the two sides, at least one of which changed.
    fn merge(&self, of: &Merge<'_>) -> Merged {
        merged::whole(self, of)
    }

    /// How a value is made of its members, where those are carried over, refused and agreed on one by one. `None`: a value
    /// is taken or refused whole.
    fn by_member(&self) -> Option<OfMembers> {
        None
    }

    /// Whether a value is one thing, so that two of them are either the same or contradict each other.
    fn is_whole(&self) -> bool {
        self.by_member().is_none() && !self.is_rendered() && !matches!(self.form(), Form::People)
    }

    /// Whether both sides write the value in the same words. A base of the one side then fits the other as well.
    fn same_words(&self) -> bool {
        true
    }

    /// Whether a service renders a value in its own way, so that the one that comes back may be spelled otherwise.
    fn is_rendered(&self) -> bool {
        false
    }

    /// The base of a side whose value the other did not take: `old` is its base so far, `image` what the other side has, in
    /// this side's vocabulary.
    fn owed(&self, _side: Side, _old: Option<&FieldValue>, image: FieldValue) -> FieldValue {
        image
    }

    /// Says what of a value stays on its side because the other can't hold it; `None`: nothing.
    fn stays(&self, _from: Side, _value: &FieldValue) -> Option<ValueWhy> {
        None
    }

    /// Why two values are in step although they differ: what one service fills in or drops by itself.
    fn in_step(&self, _now: &Sided<FieldValue>) -> Option<&'static str> {
        None
    }

    /// Whether `shown` is what `wanted` means on a side, where the two are not equal.
    fn in_force(&self, _side: Side, _wanted: &FieldValue, _shown: &FieldValue) -> bool {
        false
    }

    /// Builds a value from a text that a person wrote to settle a conflict; `None`: it is not settled like that.
    fn typed(&self, _text: &str) -> Option<FieldValue> {
        None
    }

    /// One of the values that the field may have on a side; another `n` mostly gives another value. Tests and the simulation
    /// edit with these.
    fn example(&self, side: Side, n: u32) -> FieldValue;
}

impl FieldKey {
    /// Whether it is a custom field.
    pub fn is_custom(&self) -> bool {
        matches!(self, FieldKey::Custom(_))
    }

    /// The id by which the configuration names a custom field, as in `custom:#ID`; `None`: it names it otherwise, or it is none.
    pub fn custom_id(&self) -> Option<&str> {
        match self {
            FieldKey::Custom(name) => name.strip_prefix('#'),
            _ => None,
        }
    }

    /// Returns the kind of the field's values.
    pub fn kind(&self) -> &'static dyn Kind {
        self.row().kind
    }

    /// Returns the kind of some of its values. What a custom field is differs from pair to pair, and its values tell: people there
    /// are like assignees, and long text is like the description.
    pub fn kind_of<'a>(
        &self,
        values: impl IntoIterator<Item = &'a FieldValue>,
    ) -> &'static dyn Kind {
        let told = |value: &FieldValue| match value {
            FieldValue::People(_) => Some(&people::People as &dyn Kind),
            FieldValue::Rich(_) => Some(&custom::LongText as &dyn Kind),
            _ => None,
        };
        match self.is_custom() {
            true => values.into_iter().find_map(told).unwrap_or(self.kind()),
            false => self.kind(),
        }
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldKey::Custom(name) => write!(f, "custom:{name}"),
            built_in => f.write_str(built_in.row().word),
        }
    }
}

impl FromStr for FieldKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix("custom:") {
            return Ok(FieldKey::Custom(name.to_owned()));
        }
        FieldKey::BUILT_IN
            .into_iter()
            .find(|key| key.row().word == text)
            .ok_or_else(|| format!("unknown field {text:?}"))
    }
}

impl serde::Serialize for FieldKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            FieldKey::Custom(_) => serializer.collect_str(self),
            built_in => serializer.serialize_str(built_in.row().word),
        }
    }
}

impl<'de> serde::Deserialize<'de> for FieldKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Reads a key without a copy of its text: every stored value comes with one.
struct KeyVisitor;

impl serde::de::Visitor<'_> for KeyVisitor {
    type Value = FieldKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FieldKey, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_word_of_its_own_that_reads_back() {
        let words: BTreeSet<&str> = FieldKey::BUILT_IN
            .iter()
            .map(|key| key.row().word)
            .collect();
        assert_eq!(words.len(), FieldKey::BUILT_IN.len());
        for key in FieldKey::BUILT_IN {
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            assert!(key.row().also.iter().all(|other| !words.contains(other)));
        }
        let custom = FieldKey::Custom("Team".to_owned());
        assert_eq!(custom.to_string().parse(), Ok(custom));
    }

    #[test]
    fn every_kind_has_examples_that_differ_and_are_in_force_as_they_are() {
        let policy = crate::fixture::policy();
        for key in FieldKey::BUILT_IN {
            for side in Side::BOTH {
                let values: BTreeSet<String> = (0..12)
                    .map(|n| key.kind().example(side, n).to_string())
                    .collect();
                assert!(values.len() > 1, "{key} has one example only");
                for n in 0..12 {
                    let value = key.kind().example(side, n);
                    let there = key.kind().translate(side, &value, &policy.tables());
                    assert!(there.is_ok(), "{key}: {value} of {side}: {there:?}");
                }
            }
        }
    }
}
