//! Custom fields, in about a sixth of the histories: a text, a number, a yes or no, an option and labels that a table translates,
//! people, and a long text. Of that it is ClickUp which drops what is styled, as it may in a custom field.
//!
//! ClickUp sets each by a call of its own whose answer shows nothing. In half of these histories the listings leave the values
//! out; in some that are played from scripts a call makes no new version of the task.

use super::kinds::{Assignees, Kind, Text};
use super::rng::mix;
use boardsync::field::{Form, Rule, Tables, YES};
use boardsync::mapping::Relation;
use boardsync::model::{FieldKey, FieldValue, Folded, Side, Sided};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// The options of both sides; two of Azure DevOps stand beside one of ClickUp.
const OPTIONS: [(&str, &str); 4] = [
    ("1 - Critical", "critical"),
    ("2 - High", "high"),
    ("3 - Medium", "minor"),
    ("4 - Low", "minor"),
];

/// The labels of both sides.
const LABELS: [(&str, &str); 4] = [
    ("Web", "web"),
    ("Shop", "shop front"),
    ("App", "app"),
    ("Docs", "docs"),
];

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// What the services do with custom fields in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Customs {
    /// There are none.
    #[default]
    None,
    /// Setting one makes a new version, and listings show the values.
    Shown,
    /// Setting one makes no new version of a task: only a listing that shows another value tells.
    Unmoved,
    /// Listings of tasks leave the values out.
    Unlisted,
}

impl Customs {
    /// Those of a seed. [`Customs::Unmoved`] is for scripts alone: the judge tells by versions who edited after whom, and without
    /// one it takes an edit that replaced another, or that came between a read and the write, for a loss.
    pub fn of(seed: u64) -> Customs {
        match mix(seed ^ 0x0043_5553) % 12 {
            0 => Customs::Shown,
            2 => Customs::Unlisted,
            _ => Customs::None,
        }
    }

    /// The history on this thread has these from now on.
    pub fn begin(self) {
        ON.set(self != Customs::None);
    }
}

/// Whether the history on this thread has custom fields.
pub fn are_on() -> bool {
    ON.get()
}

/// One of the fields.
pub struct Custom {
    name: &'static str,
    form: Form,
}

/// Every custom field.
pub static FIELDS: [Custom; 7] = [
    Custom {
        name: "Note",
        form: Form::Plain,
    },
    Custom {
        name: "Size",
        form: Form::Decimal,
    },
    Custom {
        name: "Blocked",
        form: Form::YesNo,
    },
    Custom {
        name: "Severity",
        form: Form::Name,
    },
    Custom {
        name: "Teams",
        form: Form::Names,
    },
    Custom {
        name: "Reviewers",
        form: Form::People,
    },
    Custom {
        name: "Story",
        form: Form::LongText,
    },
];

impl Custom {
    fn options(&self) -> Relation {
        match self.form {
            Form::Name => Relation::new(OPTIONS),
            Form::Names => Relation::new(LABELS),
            _ => Relation::new([]),
        }
    }

    /// The field whose values and rules it has too: people in a custom field are like assignees, and a long text is like a
    /// description with the two services changed over.
    fn like(&self) -> Option<&'static dyn Kind> {
        match self.form {
            Form::People => Some(&Assignees),
            Form::LongText => Some(&Text),
            _ => None,
        }
    }

    /// The side on which the other field is as this one is on `side`.
    fn like_on(&self, side: Side) -> Side {
        match self.form {
            Form::LongText => side.other(),
            _ => side,
        }
    }

    /// What both sides take.
    pub fn rule(&self) -> Rule {
        Rule {
            key: self.key(),
            id: self.name.to_owned(),
            form: self.form,
            values: self.options(),
            open: Sided::default(),
            whole: false,
            range: None,
            scale: 1,
            one_line: true,
            only: BTreeSet::new(),
        }
    }
}

impl Kind for Custom {
    fn key(&self) -> FieldKey {
        FieldKey::Custom(self.name.to_owned())
    }
    fn start(&self, side: Side, n: u32) -> FieldValue {
        if let Some(like) = self.like() {
            return like.start(self.like_on(side), n);
        }
        match n % 3 {
            0 => self.edit(side, &FieldValue::Empty, n),
            _ => FieldValue::Empty,
        }
    }
    fn edit(&self, side: Side, now: &FieldValue, n: u32) -> FieldValue {
        if let Some(like) = self.like() {
            return like.edit(self.like_on(side), now, n);
        }
        if self.form == Form::YesNo {
            return match now.is_empty() {
                true => FieldValue::choice(YES),
                false => FieldValue::Empty,
            };
        }
        match (n % 6, self.form) {
            (0, _) => FieldValue::Empty,
            (_, Form::Decimal) => FieldValue::Number(125 * i64::from(n % 64)),
            (_, Form::Name) => {
                let row = OPTIONS[n as usize / 6 % OPTIONS.len()];
                FieldValue::choice(if side == Side::Ado { row.0 } else { row.1 })
            }
            (_, Form::Names) => {
                let row = LABELS[n as usize / 6 % LABELS.len()];
                let label = Folded::new(if side == Side::Ado { row.0 } else { row.1 });
                let mut labels = now.members();
                if !labels.remove(&label) {
                    labels.insert(label);
                }
                FieldValue::from_tags(labels)
            }
            _ => FieldValue::plain(&format!("note {n}")),
        }
    }
    fn stored(&self, side: Side, value: FieldValue) -> FieldValue {
        match self.like() {
            Some(like) => like.stored(self.like_on(side), value),
            None => value,
        }
    }
    fn of_one(&self) -> bool {
        self.like().is_some_and(Kind::of_one)
    }
    fn is_set(&self) -> bool {
        self.like().is_some_and(Kind::is_set)
    }
    fn fine(&self, value: &FieldValue) -> BTreeMap<String, String> {
        self.like().map(|like| like.fine(value)).unwrap_or_default()
    }
    fn pieces(&self, value: &FieldValue) -> BTreeSet<String> {
        match value {
            FieldValue::Rich(_) => Text.pieces(value),
            FieldValue::Tags(_) | FieldValue::People(_) => {
                value.members().into_iter().map(|one| one.key).collect()
            }
            FieldValue::Empty => BTreeSet::new(),
            FieldValue::Choice(name) => BTreeSet::from([name.key.clone()]),
            other => BTreeSet::from([other.to_string()]),
        }
    }
    fn images(&self, side: Side, value: &FieldValue) -> BTreeSet<String> {
        if let Some(like) = self.like() {
            return like.images(side, value);
        }
        let named = match (self.form, value) {
            (Form::Name, FieldValue::Choice(name)) => BTreeSet::from([name.clone()]),
            (Form::Names, value) => value.members(),
            _ => return self.pieces(value),
        };
        let rows = match self.form {
            Form::Name => OPTIONS,
            _ => LABELS,
        };
        let rows = rows.into_iter().map(|(ado, clickup)| match side {
            Side::Ado => (ado, clickup),
            Side::ClickUp => (clickup, ado),
        });
        rows.filter(|(own, _)| named.contains(&Folded::new(own)))
            .map(|(_, other)| Folded::new(other).key)
            .collect()
    }
    fn image(&self, side: Side, piece: &str) -> BTreeSet<String> {
        match self.form {
            Form::Name => self.images(side, &FieldValue::choice(piece)),
            Form::Names => self.images(side, &FieldValue::tags([piece])),
            Form::People => Assignees.image(side, piece),
            _ => BTreeSet::from([piece.to_owned()]),
        }
    }
    fn agree(&self, ado: &FieldValue, clickup: &FieldValue) -> bool {
        if let Some(like) = self.like() {
            return like.agree(ado, clickup);
        }
        let (none, people, rule) = (Relation::new([]), super::kinds::people(), self.rule());
        let tables = Tables {
            states: &none,
            types: &none,
            people: &people,
            custom: Some(&rule),
        };
        let now = Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        };
        self.key().kind().agree(&now, &tables)
    }
}
