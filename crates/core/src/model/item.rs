//! The canonical item: what a work item and a task have in common, in normal form.

use super::{FieldKey, ItemId, LongText, RawTexts, Timestamp, Version, legible};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A name compared in folded form (trimmed, inner blanks collapsed, lower case) and shown as the service spells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Folded {
    /// What is compared. For people: the lower-case e-mail, or `id:...` where there is none.
    pub key: String,
    /// What is shown and written.
    pub shown: String,
}

impl Folded {
    /// Folds a name. Empty or blank text gives an empty key.
    pub fn new(shown: &str) -> Folded {
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        Folded {
            key: words(&shown).to_lowercase(),
            shown,
        }
    }

    /// Builds a person: compared by `key` (folded), shown as `shown`.
    pub fn person(key: &str, shown: &str) -> Folded {
        Folded {
            key: key.trim().to_lowercase(),
            shown: shown.trim().to_owned(),
        }
    }
}

/// Words with one blank between them, without what shows nothing.
fn words(text: &str) -> String {
    let words = text.split_whitespace().map(legible);
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Folded {}
impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Folded {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
impl fmt::Display for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A field's value in canonical form, the only form that is ever compared.
///
/// In [`Item::fields`] an absent key means "no information, or this item cannot hold it" and is never
/// read as cleared; [`FieldValue::Empty`] means that the service says the field is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum FieldValue {
    /// Known to be empty.
    Empty,
    /// Single-line text, trimmed.
    Text(String),
    /// Canonical Markdown without our marker. Never blank (that is `Empty`).
    Rich(LongText),
    /// One name out of the side's own vocabulary (state, type, priority label of a custom field).
    Choice(Folded),
    /// A number in thousandths (`3.5` points = 3500). Priority 1 is `1000`.
    Number(i64),
    /// A duration in milliseconds.
    Duration(i64),
    /// A calendar day without a time zone.
    Day(chrono::NaiveDate),
    /// A moment, to the second.
    Moment(Timestamp),
    /// A set of tags. Never an empty set (that is `Empty`).
    Tags(BTreeSet<Folded>),
    /// A set of people. Never an empty set (that is `Empty`).
    People(BTreeSet<Folded>),
}

impl FieldValue {
    /// Builds tags from names; blank names are dropped, no names give `Empty`.
    pub fn tags<'a>(names: impl IntoIterator<Item = &'a str>) -> FieldValue {
        let set: BTreeSet<Folded> = names
            .into_iter()
            .map(Folded::new)
            .filter(|tag| !tag.key.is_empty())
            .collect();
        FieldValue::from_tags(set)
    }

    /// Returns whether two titles differ at most in case.
    pub fn reads_like(&self, other: &FieldValue) -> bool {
        match (self, other) {
            (FieldValue::Text(one), FieldValue::Text(other)) => {
                one.to_lowercase() == other.to_lowercase()
            }
            _ => self == other,
        }
    }

    /// Wraps a set of tags; an empty set gives `Empty`.
    pub fn from_tags(set: BTreeSet<Folded>) -> FieldValue {
        if set.is_empty() {
            FieldValue::Empty
        } else {
            FieldValue::Tags(set)
        }
    }

    /// Wraps a set of people; an empty set gives `Empty`.
    pub fn from_people(set: BTreeSet<Folded>) -> FieldValue {
        if set.is_empty() {
            FieldValue::Empty
        } else {
            FieldValue::People(set)
        }
    }

    /// Builds single-line text; blank gives `Empty`.
    pub fn text(text: &str) -> FieldValue {
        let text = words(text);
        if text.is_empty() {
            FieldValue::Empty
        } else {
            FieldValue::Text(text)
        }
    }

    /// Builds a moment; services keep fractions of a second in ways of their own, so they are left out.
    pub fn moment(at: Timestamp) -> FieldValue {
        FieldValue::Moment(Timestamp(at.0 - at.0.rem_euclid(1000)))
    }

    /// Builds text of one line or several as it stands, but for blanks around it; blank gives `Empty`.
    pub fn plain(text: &str) -> FieldValue {
        let text = text.replace("\r\n", "\n");
        match text.trim() {
            "" => FieldValue::Empty,
            text => FieldValue::Text(text.to_owned()),
        }
    }

    /// Wraps canonical Markdown; blank gives `Empty`.
    pub fn rich(markdown: String) -> FieldValue {
        if markdown.trim().is_empty() {
            FieldValue::Empty
        } else {
            FieldValue::Rich(markdown.into())
        }
    }

    /// Builds a choice; blank gives `Empty`.
    pub fn choice(name: &str) -> FieldValue {
        let name = Folded::new(name);
        if name.key.is_empty() {
            FieldValue::Empty
        } else {
            FieldValue::Choice(name)
        }
    }

    /// Returns whether the field is known to be empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, FieldValue::Empty)
    }

    /// Returns the members of a set value, and none for `Empty` or any other kind.
    pub fn members(&self) -> BTreeSet<Folded> {
        match self {
            FieldValue::Tags(set) | FieldValue::People(set) => set.clone(),
            FieldValue::Empty
            | FieldValue::Text(_)
            | FieldValue::Rich(_)
            | FieldValue::Choice(_)
            | FieldValue::Number(_)
            | FieldValue::Duration(_)
            | FieldValue::Day(_)
            | FieldValue::Moment(_) => BTreeSet::new(),
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Empty => f.write_str("(empty)"),
            FieldValue::Text(text) => f.write_str(text),
            FieldValue::Rich(text) => f.write_str(text),
            FieldValue::Choice(name) => f.write_str(&name.shown),
            FieldValue::Number(thousandths) => {
                let sign = if *thousandths < 0 { "-" } else { "" };
                let (whole, part) = (
                    thousandths.unsigned_abs() / 1000,
                    thousandths.unsigned_abs() % 1000,
                );
                if part == 0 {
                    write!(f, "{sign}{whole}")
                } else {
                    write!(
                        f,
                        "{sign}{whole}.{}",
                        format!("{part:03}").trim_end_matches('0')
                    )
                }
            }
            FieldValue::Duration(ms) => {
                let minutes = ms / 60_000;
                match (minutes / 60, minutes % 60) {
                    (0, m) => write!(f, "{m} min"),
                    (h, 0) => write!(f, "{h} h"),
                    (h, m) => write!(f, "{h} h {m} min"),
                }
            }
            FieldValue::Day(day) => write!(f, "{day}"),
            FieldValue::Moment(at) => match chrono::DateTime::from_timestamp_millis(at.0) {
                Some(at) => write!(f, "{}", at.format("%Y-%m-%d %H:%M:%S UTC")),
                None => write!(f, "{at}"),
            },
            FieldValue::Tags(set) | FieldValue::People(set) => {
                let names: Vec<&str> = set.iter().map(|name| name.shown.as_str()).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// One work item or task in canonical form, as read at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Id on its own side.
    pub id: ItemId,
    /// The state that was read.
    pub version: Version,
    /// Address a person can open.
    pub url: String,
    /// Canonical values; see [`FieldValue`] for absent versus empty.
    pub fields: BTreeMap<FieldKey, FieldValue>,
    /// Raw long texts for the rich fields, where the service gave them.
    pub raw: RawTexts,
    /// Fields that the service showed in a form that cannot be read. Absent from `fields`, and held by name: nobody can
    /// tell whether such a value was changed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<FieldKey>,
    /// Origin markers found on the item, as raw `sx1:...` text, unchecked.
    pub markers: Vec<String>,
    /// Whether the item carries a back-link to a counterpart that is not a marker.
    pub backlinks: Vec<String>,
    /// Parent on the same side, if any. Read and kept, not yet synced.
    pub parent: Option<ItemId>,
    /// ClickUp `archived`; always false on ADO.
    pub archived: bool,
    /// Where it lives: ADO `Project|Area\Path`, ClickUp home list id. Judged by the connector only.
    pub container: String,
    /// Server time of creation.
    pub created_at: Timestamp,
    /// Server time of the last change that the service admits to.
    pub changed_at: Timestamp,
}

impl Item {
    /// Returns the title as text, or the id when there is none.
    pub fn title(&self) -> String {
        match self.fields.get(&FieldKey::Title) {
            Some(FieldValue::Text(title)) => title.clone(),
            _ => format!("#{}", self.id),
        }
    }

    /// Returns whether it has this title, in whatever case.
    pub fn is_titled(&self, title: &FieldValue) -> bool {
        let own = self.fields.get(&FieldKey::Title);
        own.is_some_and(|own| own.reads_like(title))
    }
}

/// An item as it was at one version.
#[derive(Clone, Debug)]
pub struct Past {
    /// The item.
    pub item: Item,
    /// Who made the version.
    pub by: Author,
}

/// Who made a version of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The user whom the token belongs to: we, or that person by hand.
    Token,
    /// Somebody else, or a rule of the service.
    Another,
    /// Nothing says.
    Unknown,
}
