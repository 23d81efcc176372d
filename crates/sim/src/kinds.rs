//! The synced fields as the simulation knows them: every row of the program's own table of fields, so a new row is
//! generated, served and judged without a word here.
//!
//! What people do to most fields follows from the examples that the row's kind gives (`Plain`). A field with more to it
//! than that (words that a service drops, a table, a set of people) has an entry in `special`.

use super::customs;
use boardsync::field::{self, Form, Tables};
use boardsync::mapping::{People, Relation};
use boardsync::model::{FieldKey, FieldValue, Folded, Side, Sided};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What the simulation has to know of one kind.
pub trait Kind: Sync {
    fn key(&self) -> FieldKey;
    /// What a new item has.
    fn start(&self, side: Side, n: u32) -> FieldValue;
    /// What a person makes of the present value; `n` is different for every act.
    fn edit(&self, side: Side, now: &FieldValue, n: u32) -> FieldValue;
    /// What the service makes of a value that it is given. Idempotent.
    fn stored(&self, _side: Side, value: FieldValue) -> FieldValue {
        value
    }
    /// What the service fills in where a create says nothing; `None`: nothing.
    fn filled_in(&self, _side: Side) -> Option<FieldValue> {
        None
    }
    /// The parts of a value that somebody would miss.
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String>;
    /// The parts that lose something which only this side can hold when they are written as the other side has them: what
    /// they are now, and what they would be then.
    fn fine(&self, _value: &FieldValue) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    /// The parts of the other side's vocabulary that this value of `side` stands for.
    fn images(&self, _side: Side, value: &FieldValue) -> BTreeSet<String> {
        self.pieces(value)
    }
    /// The same of one part.
    fn image(&self, _side: Side, piece: &str) -> BTreeSet<String> {
        BTreeSet::from([piece.to_owned()])
    }
    /// Whether the two sides say the same.
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool;
    /// Whether of several in ClickUp only one goes to Azure DevOps. Further ones are ClickUp's own: they go nowhere.
    fn of_one(&self) -> bool {
        false
    }
    /// Whether the kind is written as a difference against what was read (ClickUp's sets).
    fn is_set(&self) -> bool {
        false
    }
}

/// Every field that people edit and the pairs map, in the order of the program's table. All items are of one type.
pub fn kinds() -> &'static [&'static dyn Kind] {
    static WITH_CUSTOMS: LazyLock<Vec<&'static dyn Kind>> = LazyLock::new(|| {
        let customs = customs::FIELDS.iter().map(|field| field as &dyn Kind);
        built_in().iter().copied().chain(customs).collect()
    });
    match customs::are_on() {
        true => &WITH_CUSTOMS,
        false => built_in(),
    }
}

fn built_in() -> &'static [&'static dyn Kind] {
    static KINDS: LazyLock<Vec<&'static dyn Kind>> = LazyLock::new(|| {
        let synced = |key: &FieldKey| *key != UNMAPPED && *key != FieldKey::Type;
        let keys = FieldKey::BUILT_IN.into_iter().filter(synced);
        keys.map(|key| special(&key).unwrap_or_else(|| Box::leak(Box::new(Plain(key)))))
            .collect()
    });
    &KINDS
}

/// The fields with more to them than their examples.
fn special(key: &FieldKey) -> Option<&'static dyn Kind> {
    let all: [&dyn Kind; 5] = [&Title, &Text, &State, &Assignees, &Tags];
    all.into_iter().find(|kind| kind.key() == *key)
}

/// Returns the kind of a field, if it is a mapped one that people edit.
pub fn kind(key: &FieldKey) -> Option<&'static dyn Kind> {
    kinds().iter().copied().find(|kind| kind.key() == *key)
}

/// A field that both services have and no pair maps: nobody but people may write it.
pub const UNMAPPED: FieldKey = FieldKey::Points;

pub const STATES: [(&str, &str); 5] = [
    ("New", "to do"),
    ("Active", "in progress"),
    ("Active", "in review"),
    ("Resolved", "complete"),
    ("Closed", "complete"),
];
const PEOPLE: [(&str, &str); 3] = [
    ("ana@contoso.example", "ana@mail.example"),
    ("bo@contoso.example", "bo@contoso.example"),
    ("cy@contoso.example", "cy@contoso.example"),
];
const TAGS: [&str; 5] = ["Alpha", "beta", "Gamma Ray", "delta", "Épsilon"];

/// A tag and what an administrator makes of it.
pub fn renamed_tag(n: u32) -> (Folded, Folded) {
    let tag = |n: usize| Folded::new(TAGS[n % TAGS.len()]);
    let n = n as usize;
    (tag(n), tag(n + 1 + n / TAGS.len() % (TAGS.len() - 1)))
}

/// What a person makes of that table: its values have other counterparts, and two rows are gone.
const CHANGED: [(&str, &str); 4] = [
    ("New", "to do"),
    ("Active", "in progress"),
    ("Resolved", "in review"),
    ("Closed", "complete"),
];

thread_local! {
    /// Whether the history on this thread has used the changed table. What agreed under one table goes on to agree: a
    /// changed table is nobody's edit.
    static CHANGED_ONCE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A history begins, with the first table.
pub fn first_table() {
    CHANGED_ONCE.set(false);
}

/// The configuration gets another table from now on. Returns its number.
pub fn use_table(n: usize) -> usize {
    let table = n % 2;
    CHANGED_ONCE.set(CHANGED_ONCE.get() || table == 1);
    table
}

pub fn states(table: usize) -> Relation {
    match table {
        0 => Relation::new(STATES),
        _ => Relation::new(CHANGED),
    }
}

/// The rows of every table that the history has used.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let changed = CHANGED.into_iter().filter(|_| CHANGED_ONCE.get());
    STATES.into_iter().chain(changed)
}

pub fn people() -> People {
    People::new(PEOPLE, None)
}

/// The state through which ADO goes from one to another, where it is not reached directly.
pub fn between(from: &FieldValue, to: &FieldValue) -> Option<FieldValue> {
    let is = |value: &FieldValue, name: &str| *value == FieldValue::choice(name);
    let done = is(to, "Resolved") || is(to, "Closed");
    (is(from, "New") && done).then(|| FieldValue::choice("Active"))
}

struct Title;
impl Kind for Title {
    fn key(&self) -> FieldKey {
        FieldKey::Title
    }
    fn start(&self, _: Side, n: u32) -> FieldValue {
        FieldValue::text(&format!("title {n}"))
    }
    fn edit(&self, side: Side, _: &FieldValue, n: u32) -> FieldValue {
        self.start(side, n)
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        whole(value)
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        ado == clickup
    }
}

/// Long text: paragraphs of one word each. ClickUp's editor can style a word in a way that ADO drops.
pub struct Text;
pub const STYLED: &str = "**";
impl Text {
    fn paragraphs(value: &FieldValue) -> Vec<String> {
        match value {
            FieldValue::Rich(text) => text.split("\n\n").map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}
impl Kind for Text {
    fn key(&self) -> FieldKey {
        FieldKey::Description
    }
    fn start(&self, _: Side, n: u32) -> FieldValue {
        match n % 5 {
            0 => FieldValue::Empty,
            _ => FieldValue::rich(format!("w{n}a\n\nw{n}b\n\nw{n}c\n\nw{n}d")),
        }
    }
    fn edit(&self, side: Side, now: &FieldValue, n: u32) -> FieldValue {
        let mut paragraphs = Text::paragraphs(now);
        let at = (n as usize / 7).checked_rem(paragraphs.len()).unwrap_or(0);
        let style = if side == Side::ClickUp && n.is_multiple_of(3) {
            STYLED
        } else {
            ""
        };
        let word = format!("{style}w{n}x{style}");
        match n % 6 {
            0 => paragraphs.push(word),
            1 if paragraphs.len() > 1 => {
                paragraphs.remove(at);
            }
            2 => paragraphs.insert(at, word),
            _ if paragraphs.is_empty() => paragraphs.push(word),
            _ => paragraphs[at] = word,
        }
        FieldValue::rich(paragraphs.join("\n\n"))
    }
    fn stored(&self, side: Side, value: FieldValue) -> FieldValue {
        match (side, value) {
            (Side::Ado, FieldValue::Rich(text)) => FieldValue::rich(text.replace(STYLED, "")),
            (_, value) => value,
        }
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        Text::paragraphs(value)
            .iter()
            .map(|word| word.replace(STYLED, ""))
            .collect()
    }
    fn fine(&self, value: &FieldValue) -> BTreeMap<String, String> {
        Text::paragraphs(value)
            .into_iter()
            .filter(|word| word.ends_with(STYLED))
            .map(|word| (word.clone(), word.replace(STYLED, "")))
            .collect()
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        self.stored(Side::Ado, ado.clone()) == self.stored(Side::Ado, clickup.clone())
    }
}

struct State;
impl Kind for State {
    fn key(&self) -> FieldKey {
        FieldKey::State
    }
    fn start(&self, side: Side, n: u32) -> FieldValue {
        self.edit(side, &FieldValue::Empty, n)
    }
    fn edit(&self, side: Side, _: &FieldValue, n: u32) -> FieldValue {
        let row = STATES[n as usize % STATES.len()];
        FieldValue::choice(if side == Side::Ado { row.0 } else { row.1 })
    }
    fn filled_in(&self, side: Side) -> Option<FieldValue> {
        Some(self.start(side, 0))
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        match value {
            FieldValue::Choice(name) => BTreeSet::from([name.key.clone()]),
            _ => BTreeSet::new(),
        }
    }
    fn images(&self, side: Side, value: &FieldValue) -> BTreeSet<String> {
        let FieldValue::Choice(name) = value else {
            return BTreeSet::new();
        };
        let rows = rows().map(|(ado, clickup)| match side {
            Side::Ado => (ado, clickup),
            Side::ClickUp => (clickup, ado),
        });
        rows.filter(|(own, _)| Folded::new(own) == *name)
            .map(|(_, other)| Folded::new(other).key)
            .collect()
    }
    fn image(&self, side: Side, piece: &str) -> BTreeSet<String> {
        self.images(side, &FieldValue::choice(piece))
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        self.pieces(clickup).is_subset(&self.images(Side::Ado, ado))
    }
}

/// One person on ADO, a set on ClickUp.
pub struct Assignees;
impl Assignees {
    fn one(side: Side, n: u32) -> Folded {
        let row = PEOPLE[n as usize % PEOPLE.len()];
        let mail = if side == Side::Ado { row.0 } else { row.1 };
        Folded::person(mail, mail)
    }
}
impl Kind for Assignees {
    fn key(&self) -> FieldKey {
        FieldKey::Assignees
    }
    fn start(&self, side: Side, n: u32) -> FieldValue {
        match n % 2 {
            0 => FieldValue::Empty,
            _ => FieldValue::from_people(BTreeSet::from([Assignees::one(side, n)])),
        }
    }
    fn edit(&self, side: Side, now: &FieldValue, n: u32) -> FieldValue {
        let person = Assignees::one(side, n / 4);
        if side == Side::Ado {
            return match n % 4 {
                0 => FieldValue::Empty,
                _ => FieldValue::from_people(BTreeSet::from([person])),
            };
        }
        let mut set = now.members();
        if n % 4 == 3 {
            set.clear();
        }
        if !set.remove(&person) {
            set.insert(person);
        }
        FieldValue::from_people(set)
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        value.members().into_iter().map(|one| one.key).collect()
    }
    fn images(&self, side: Side, value: &FieldValue) -> BTreeSet<String> {
        let people = people();
        let all = value.members().into_iter();
        all.filter_map(|one| people.translate(side, &one))
            .map(|one| one.key)
            .collect()
    }
    fn image(&self, side: Side, piece: &str) -> BTreeSet<String> {
        let one = BTreeSet::from([Folded::person(piece, piece)]);
        self.images(side, &FieldValue::from_people(one))
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        // Nobody on ADO beside somebody on ClickUp is what is left when a lead is taken away: the others stay.
        let lead = self.images(Side::Ado, ado);
        lead.is_subset(&self.pieces(clickup))
    }
    fn of_one(&self) -> bool {
        true
    }
    fn is_set(&self) -> bool {
        true
    }
}

/// A field of which the row of the table says enough.
struct Plain(FieldKey);

impl Plain {
    fn of(&self) -> &'static dyn field::Kind {
        self.0.kind()
    }
}

impl Kind for Plain {
    fn key(&self) -> FieldKey {
        self.0.clone()
    }
    fn start(&self, side: Side, n: u32) -> FieldValue {
        match n % 2 {
            0 => FieldValue::Empty,
            _ => self.of().example(side, n),
        }
    }
    fn edit(&self, side: Side, _: &FieldValue, n: u32) -> FieldValue {
        match n % 6 {
            0 => FieldValue::Empty,
            _ => self.of().example(side, n),
        }
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        match self.is_set() {
            true => value.members().into_iter().map(|one| one.key).collect(),
            false => whole(value),
        }
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        let (states, people) = (states(0), people());
        let tables = Tables {
            states: &states,
            types: &states,
            people: &people,
            custom: None,
        };
        let now = Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        };
        self.of().agree(&now, &tables)
    }
    fn is_set(&self) -> bool {
        matches!(self.of().form(), Form::Tags | Form::People)
    }
}

/// ClickUp lower-cases tags.
struct Tags;
impl Kind for Tags {
    fn key(&self) -> FieldKey {
        FieldKey::Tags
    }
    fn start(&self, _: Side, n: u32) -> FieldValue {
        FieldValue::tags(TAGS.into_iter().take(n as usize % 3))
    }
    fn edit(&self, _: Side, now: &FieldValue, n: u32) -> FieldValue {
        let mut set = now.members();
        let tag = Folded::new(TAGS[n as usize % TAGS.len()]);
        if !set.remove(&tag) {
            set.insert(tag);
        }
        FieldValue::from_tags(set)
    }
    fn stored(&self, side: Side, value: FieldValue) -> FieldValue {
        if side == Side::Ado {
            return value;
        }
        let lower = |tag: Folded| Folded::new(&tag.shown.to_lowercase());
        FieldValue::from_tags(value.members().into_iter().map(lower).collect())
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        value.members().into_iter().map(|tag| tag.key).collect()
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        self.pieces(ado) == self.pieces(clickup)
    }
    fn is_set(&self) -> bool {
        true
    }
}

/// The value as its one part; none when it is empty.
fn whole(value: &FieldValue) -> BTreeSet<String> {
    match value {
        FieldValue::Empty => BTreeSet::new(),
        other => BTreeSet::from([other.to_string()]),
    }
}
