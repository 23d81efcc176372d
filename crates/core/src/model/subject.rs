//! What something is about: the item as a whole, one of its fields, or a part of it.
//!
//! A *field* has a value: it is compared, merged and held by that value. A *part* has an identity instead, as a comment: it
//! is made once on the side where somebody wrote it, and its copy on the other side follows it.
//!
//! Whatever can be said of all three carries a [`Subject`]: actions, holds, freezes, intents, failed attempts and the
//! changes in the journal. What can only be said of a value carries a [`FieldKey`]: changes, conflicts, choices, bases,
//! refused values and values that a service keeps.

use super::{FieldKey, ItemId, Side};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What an action, a hold, a freeze, an intent or a journal entry is about.
///
/// Its text form stands in the database and in plans: `item`, a field's own name (`title`, `custom:Team`), or a part's
/// kind, side and id (`comment:ado:456`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The item as a whole.
    #[default]
    Item,
    /// One field of it.
    Field(FieldKey),
    /// One thing that hangs on it.
    Part(PartKey),
}

/// The text form of [`Subject::Item`]. No field has this name.
const ITEM: &str = "item";

impl Subject {
    /// Returns whether it is the item as a whole.
    pub fn is_item(&self) -> bool {
        *self == Subject::Item
    }

    /// Returns the field; `None`: it is the item or a part.
    pub fn field(&self) -> Option<&FieldKey> {
        match self {
            Subject::Field(field) => Some(field),
            Subject::Item | Subject::Part(_) => None,
        }
    }

    /// Returns whether what is said of it holds for a field too: what holds for the item does, what holds for another
    /// field or for a part does not.
    pub fn covers(&self, field: &FieldKey) -> bool {
        match self {
            Subject::Item => true,
            Subject::Field(own) => own == field,
            Subject::Part(_) => false,
        }
    }

    /// Returns it where it has to be named beside its item; `None`: it is the item itself.
    pub fn within(&self) -> Option<&Subject> {
        (!self.is_item()).then_some(self)
    }
}

impl From<FieldKey> for Subject {
    fn from(field: FieldKey) -> Subject {
        Subject::Field(field)
    }
}

impl From<&FieldKey> for Subject {
    fn from(field: &FieldKey) -> Subject {
        Subject::Field(field.clone())
    }
}

/// So that what is about a field can be looked for by it.
impl PartialEq<FieldKey> for Subject {
    fn eq(&self, field: &FieldKey) -> bool {
        self.field() == Some(field)
    }
}

/// One thing of one item: whatever fails, waits and is tried again by itself. An item's change waits without its parts, and
/// a part without the item's change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// The item's side.
    pub side: Side,
    /// The item.
    pub item: ItemId,
    /// What of it.
    pub subject: Subject,
}

impl About {
    /// Returns the item as a whole.
    pub fn item(side: Side, item: ItemId) -> About {
        let subject = Subject::Item;
        About {
            side,
            item,
            subject,
        }
    }
}

/// A thing that hangs on an item and has an identity of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartKey {
    /// What it is.
    pub kind: PartKind,
    /// The side where somebody made it.
    pub side: Side,
    /// Its id there.
    pub id: PartId,
}

/// A part's id on the side where it was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub String);

/// The kinds of parts. There is none yet, so no value of this type exists, and the compiler proves that nothing is about
/// a part.
///
/// A kind is added here as a variant, in [`PartKind::ALL`] and in [`PartKind::key`]. From then on every place that has to
/// say what it does with a part of that kind fails to compile: each is a `match part.kind {}` today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {}

impl PartKind {
    /// Every kind.
    pub const ALL: [PartKind; 0] = [];

    /// Returns the word that starts the text form of such a part. It is neither `custom`, which starts a field, nor a
    /// field's name.
    pub fn key(self) -> &'static str {
        match self {}
    }

    fn from_key(key: &str) -> Option<PartKind> {
        PartKind::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

/// A text that names nothing this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSubject(String);

impl fmt::Display for UnknownSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no item, field or part that this boardsync knows: a newer boardsync wrote it, use that one",
            self.0
        )
    }
}

impl std::error::Error for UnknownSubject {}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Item => f.write_str(ITEM),
            Subject::Field(field) => field.fmt(f),
            Subject::Part(part) => part.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Subject, UnknownSubject> {
        if text == ITEM {
            return Ok(Subject::Item);
        }
        // A field that the configuration names may have any name, also `custom:comment:ado:456`.
        match text.parse() {
            Ok(field) => Ok(Subject::Field(field)),
            Err(_) => text.parse().map(Subject::Part),
        }
    }
}

impl fmt::Display for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind.key(), self.side.key(), self.id.0)
    }
}

impl FromStr for PartKey {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<PartKey, UnknownSubject> {
        let read = || {
            let (kind, rest) = text.split_once(':')?;
            let (side, id) = rest.split_once(':')?;
            let (side, id) = (Side::from_key(side)?, PartId(id.to_owned()));
            PartKind::from_key(kind).map(|kind| PartKey { kind, side, id })
        };
        read().ok_or_else(|| UnknownSubject(text.to_owned()))
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Subject::Item => serializer.serialize_str(ITEM),
            Subject::Field(field) => field.serialize(serializer),
            Subject::Part(part) => serializer.collect_str(part),
        }
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Reads a subject without a copy of its text: every change in the journal comes with one.
struct Text;

impl serde::de::Visitor<'_> for Text {
    type Value = Subject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Subject, E> {
        text.parse().map_err(E::custom)
    }
}

/// How a plan's JSON says what something is about, for `#[serde(flatten, with = "…")]`: `"field": "title"`, and
/// `"field": null` for the item. A part stands beside that: `"field": null, "part": "comment:ado:456"`.
pub mod named {
    use super::{FieldKey, Subject};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named {
        field: Option<FieldKey>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
    }

    /// Writes both members.
    ///
    /// # Errors
    /// Only the serializer's.
    pub fn serialize<S: Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
        let part = match subject {
            Subject::Item | Subject::Field(_) => None,
            Subject::Part(part) => Some(part.to_string()),
        };
        let field = subject.field().cloned();
        Named { field, part }.serialize(serializer)
    }

    /// Reads both members.
    ///
    /// # Errors
    /// The deserializer's, and a part of a kind that is not known.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
        let named = Named::deserialize(deserializer)?;
        match (named.field, named.part) {
            (_, Some(part)) => part
                .parse()
                .map(Subject::Part)
                .map_err(serde::de::Error::custom),
            (Some(field), None) => Ok(Subject::Field(field)),
            (None, None) => Ok(Subject::Item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Subject, String> {
        text.parse()
            .map_err(|error: UnknownSubject| error.to_string())
    }

    #[test]
    fn the_text_of_a_field_is_its_name() {
        for field in FieldKey::BUILT_IN {
            let subject = Subject::from(&field);
            assert_eq!(subject.to_string(), field.to_string());
            assert_eq!(read(&field.to_string()), Ok(subject));
        }
        assert_eq!(read("item"), Ok(Subject::Item));
        assert_eq!(Subject::Item.to_string(), "item");
    }

    #[test]
    fn the_word_of_a_kind_of_part_is_no_field_and_starts_none() {
        for kind in PartKind::ALL {
            assert!(kind.key().parse::<FieldKey>().is_err() && kind.key() != "custom");
        }
    }

    #[test]
    fn a_part_of_a_newer_program_is_refused_with_what_to_do() {
        for text in ["comment:ado:456", "file:clickup:9f0c.png", "area", ""] {
            let error = read(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
            assert!(error.contains("a newer boardsync wrote it"), "{error}");
            let json = serde_json::to_string(text).unwrap();
            let error = serde_json::from_str::<Subject>(&json).unwrap_err();
            assert!(error.is_data() && error.to_string().contains("newer boardsync"));
        }
    }

    #[test]
    fn a_field_of_the_configuration_may_look_like_a_part() {
        let field = FieldKey::Custom("comment:ado:456".to_owned());
        assert_eq!(read("custom:comment:ado:456"), Ok(Subject::Field(field)));
    }

    #[test]
    fn what_holds_for_an_item_holds_for_its_fields() {
        let title = Subject::Field(FieldKey::Title);
        assert!(Subject::Item.covers(&FieldKey::Title) && title.covers(&FieldKey::Title));
        assert!(!title.covers(&FieldKey::State));
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        first: u8,
        #[serde(flatten, with = "named")]
        subject: Subject,
        last: u8,
    }

    #[test]
    fn the_json_of_a_plan_names_a_field_and_nothing_for_the_item() {
        for (subject, text) in [
            (Subject::Item, r#"{"first":1,"field":null,"last":2}"#),
            (
                Subject::Field(FieldKey::Title),
                r#"{"first":1,"field":"title","last":2}"#,
            ),
        ] {
            let (first, last) = (1, 2);
            let row = Row {
                first,
                subject,
                last,
            };
            assert_eq!(serde_json::to_string(&row).unwrap(), text);
            assert_eq!(serde_json::from_str::<Row>(text).unwrap(), row);
        }
        let part = r#"{"first":1,"field":null,"part":"comment:ado:456","last":2}"#;
        let error = serde_json::from_str::<Row>(part).unwrap_err();
        assert!(error.to_string().contains("comment:ado:456"), "{error}");
    }

    proptest! {
        #[test]
        fn every_subject_reads_back(name in "\\PC{0,20}") {
            let subject = Subject::Field(FieldKey::Custom(name));
            prop_assert_eq!(read(&subject.to_string()), Ok(subject.clone()));
            let json = serde_json::to_string(&subject).unwrap();
            prop_assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
        }
    }
}
