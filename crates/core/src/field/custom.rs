//! A custom field: its values are of the kind that the schemas of both services agree on for its pair (see
//! [`negotiate`](super::negotiate)), and [`Rule`] says what each side takes.
//!
//! A value carries its kind with it, for it was read by that agreement; nothing asks the field's name.

use super::merged::{self, Merge, Merged};
use super::negotiate::LABELS_BETWEEN;
use super::{
    Ado, ClickUp, Create, Field, Form, Kind, Suspect, Tables, duration, line, people, text,
};
use crate::capabilities::{self, units};
use crate::mapping::Relation;
use crate::model::{FieldKey, FieldValue, Folded, Side, Sided};
use crate::reason::ValueWhy;
use boardsync_markup as markup;
use std::collections::BTreeSet;

/// The row of every custom field.
pub(super) static ROW: Field = Field {
    word: "custom",
    also: &[],
    kind: &Custom,
    unasked: false,
    everywhere: false,
    create: Create::OPTIONAL,
    suspect: Some(Suspect::Custom),
    ado: Ado {
        names: &[],
        label: None,
        every_type: false,
    },
    clickup: ClickUp {
        name: "",
        feature: None,
    },
};

/// What the two sides of a pair take as values of one custom field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The field.
    pub key: FieldKey,
    /// What ClickUp knows it by: a field that was made anew under the same name is another one.
    pub id: String,
    /// What its values are.
    pub form: Form,
    /// Which option of one side means which of the other: the rows of the configuration, then options of equal names.
    pub values: Relation,
    /// Sides that take a name which stands in no row.
    pub open: Sided<bool>,
    /// Whether Azure DevOps takes whole numbers only.
    pub whole: bool,
    /// The least and the greatest whole number that ClickUp takes; `None`: any number.
    pub range: Option<(i64, i64)>,
    /// How many parts of ClickUp make one of Azure DevOps.
    pub scale: i64,
    /// Whether Azure DevOps takes a single line of limited length only.
    pub one_line: bool,
    /// The texts or numbers that Azure DevOps takes; empty: any.
    pub only: BTreeSet<Folded>,
}

impl Rule {
    /// Translates a value that a side has.
    fn translate(&self, from: Side, value: &FieldValue) -> Result<FieldValue, ValueWhy> {
        match value {
            FieldValue::Choice(name) if self.form == Form::Name => {
                self.option(from, name).map(FieldValue::Choice)
            }
            FieldValue::Tags(labels) => self.labels(from, labels),
            FieldValue::Number(number) if from == Side::ClickUp => self.number(*number),
            FieldValue::Number(number) => self.in_range(*number),
            FieldValue::Text(text) if from == Side::ClickUp => self.text(text),
            other => Ok(other.clone()),
        }
    }

    /// Labels go over whole or not at all: whoever set them meant all of them.
    fn labels(&self, from: Side, labels: &BTreeSet<Folded>) -> Result<FieldValue, ValueWhy> {
        let there = labels.iter().map(|label| self.option(from, label));
        let there = FieldValue::from_tags(there.collect::<Result<_, _>>()?);
        match from {
            Side::Ado => {}
            Side::ClickUp => self.fits(&labels_text(&there))?,
        }
        Ok(there)
    }

    fn option(&self, from: Side, name: &Folded) -> Result<Folded, ValueWhy> {
        let there = self.values.translate(from, name);
        let spelt = || Folded::new(&name.shown);
        let as_it_is = || self.open.get(from.other()).then(spelt);
        let there = there.or_else(as_it_is);
        there.ok_or_else(|| ValueWhy::OptionUnmapped {
            side: from,
            field: self.key.clone(),
            option: name.shown.clone(),
        })
    }

    fn number(&self, number: i64) -> Result<FieldValue, ValueWhy> {
        let field = self.key.clone();
        let shown = FieldValue::Number(number).to_string();
        if self.whole && number % 1000 != 0 {
            return Err(ValueWhy::NumberNotWhole {
                field,
                number: shown,
            });
        }
        match self.only.is_empty() || self.only.contains(&Folded::new(&shown)) {
            true => Ok(FieldValue::Number(number)),
            false => Err(ValueWhy::NotOnTheList {
                field,
                value: shown,
            }),
        }
    }

    /// Whether a value of this field that is held has a counterpart by now.
    pub fn takes(&self, held: &ValueWhy) -> bool {
        let number = |text: &String| {
            text.parse()
                .ok()
                .map(|number: f64| (number * 1000.0).round())
        };
        match held {
            ValueWhy::OptionUnmapped {
                side,
                field,
                option,
            } if *field == self.key => {
                // One of ClickUp is told apart by its id, and a hold has its name.
                let names = self.values.names(*side);
                let named = |name: &&Folded| Folded::new(&name.shown) == Folded::new(option);
                *self.open.get(side.other()) || names.iter().any(named)
            }
            ValueWhy::NumberNotWhole { field, .. } => *field == self.key && !self.whole,
            ValueWhy::NumberOutOfRange {
                field,
                number: text,
                ..
            } if *field == self.key => {
                let number = number(text).map(|number| number as i64);
                number.is_some_and(|number| self.in_range(number).is_ok())
            }
            ValueWhy::NotOnTheList { field, value } if *field == self.key => {
                self.only.is_empty() || self.only.contains(&Folded::new(value))
            }
            _ => false,
        }
    }

    /// Ratings are whole numbers too.
    fn in_range(&self, number: i64) -> Result<FieldValue, ValueWhy> {
        let Some((least, most)) = self.range else {
            return Ok(FieldValue::Number(number));
        };
        let whole = number % 1000 == 0;
        match whole && (least..=most).contains(&(number / 1000)) {
            true => Ok(FieldValue::Number(number)),
            false => Err(ValueWhy::NumberOutOfRange {
                field: self.key.clone(),
                number: FieldValue::Number(number).to_string(),
                least,
                most,
            }),
        }
    }

    /// Whether Azure DevOps holds a text whole.
    fn fits(&self, text: &str) -> Result<(), ValueWhy> {
        let field = || self.key.clone();
        if self.one_line && text.contains('\n') {
            return Err(ValueWhy::SeveralLines { field: field() });
        }
        let most = capabilities::of(Side::Ado).line;
        match most.filter(|most| self.one_line && units(text) > *most) {
            Some(most) => Err(ValueWhy::TextTooLong {
                field: field(),
                units: units(text),
                most,
            }),
            None => Ok(()),
        }
    }

    fn text(&self, text: &str) -> Result<FieldValue, ValueWhy> {
        self.fits(text)?;
        if self.only.is_empty() {
            return Ok(FieldValue::Text(text.to_owned()));
        }
        // Azure DevOps spells a value as its list does, whatever is sent.
        let listed = self.only.get(&Folded::new(text));
        listed
            .map(|listed| FieldValue::plain(&listed.shown))
            .ok_or_else(|| ValueWhy::NotOnTheList {
                field: self.key.clone(),
                value: text.to_owned(),
            })
    }
}

/// Labels as a text of Azure DevOps has them.
fn labels_text(labels: &FieldValue) -> String {
    let names: Vec<String> = labels.members().into_iter().map(|one| one.shown).collect();
    names.join(&format!("{LABELS_BETWEEN} "))
}

/// Whatever the field holds.
struct Custom;

impl Kind for Custom {
    fn form(&self) -> Form {
        Form::Negotiated
    }

    fn agree(&self, now: &Sided<FieldValue>, tables: &Tables<'_>) -> bool {
        if is_of_people(tables) {
            return people::People.agree(now, tables);
        }
        let in_a_row = match (&now.ado, &now.clickup, tables.custom) {
            (FieldValue::Choice(ado), FieldValue::Choice(clickup), Some(rule)) => {
                rule.values.consistent(ado, clickup)
            }
            (FieldValue::Text(ado), FieldValue::Text(clickup), Some(rule)) => {
                !rule.only.is_empty() && Folded::new(ado) == Folded::new(clickup)
            }
            (FieldValue::Tags(_), FieldValue::Tags(labels), Some(rule)) => {
                rule.labels(Side::ClickUp, labels).as_ref() == Ok(&now.ado)
                    || rule.translate(Side::Ado, &now.ado).as_ref() == Ok(&now.clickup)
            }
            _ => false,
        };
        in_a_row || now.ado == now.clickup
    }

    fn translate(
        &self,
        from: Side,
        value: &FieldValue,
        tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        match tables.custom {
            Some(rule) if rule.form == Form::People => {
                people::People.translate(from, value, tables)
            }
            Some(rule) => rule.translate(from, value),
            None => Ok(value.clone()),
        }
    }

    fn merge(&self, of: &Merge<'_>) -> Merged {
        match of.tables.custom {
            Some(rule) if rule.form == Form::People => people::People.merge(of),
            Some(rule) if rule.form == Form::LongText => LongText.merge(of),
            Some(rule) if rule.form == Form::Names && edited_on_both_sides(of) => {
                merge_labels(rule, of)
            }
            _ => merged::whole(self, of),
        }
    }

    fn owed(&self, side: Side, old: Option<&FieldValue>, image: FieldValue) -> FieldValue {
        let people = |value: &FieldValue| matches!(value, FieldValue::People(_));
        match people(&image) || old.is_some_and(people) {
            true => people::People.owed(side, old, image),
            false => image,
        }
    }

    fn in_force(&self, side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        match (wanted, shown) {
            (FieldValue::Rich(_), FieldValue::Rich(_) | FieldValue::Empty) => {
                LongText.in_force(side, wanted, shown)
            }
            (FieldValue::Text(_), FieldValue::Text(_)) => line::Line.in_force(side, wanted, shown),
            (FieldValue::Duration(_), FieldValue::Duration(_)) => {
                duration::Duration.in_force(side, wanted, shown)
            }
            (FieldValue::People(_), FieldValue::People(_)) => {
                wanted == shown || people::People.in_force(side, wanted, shown)
            }
            _ => wanted == shown,
        }
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::text(&format!("value {n}"))
    }
}

/// Long text in a custom field: as in the description, but for what ClickUp may make of it.
///
/// What ClickUp keeps of Markdown there is not documented. It may return it as it was sent, or as text without markup, which
/// may then read as other Markdown: of `2\*3\*4` it shows `2*3*4`. Either is what was sent, as long as no word is missing; Azure
/// DevOps keeps its formatting, and a word that is missing is no edit but a value that did not arrive.
pub(super) struct LongText;

impl Kind for LongText {
    fn form(&self) -> Form {
        Form::LongText
    }

    fn merge(&self, of: &Merge<'_>) -> Merged {
        text::Text.merge(of)
    }

    fn is_rendered(&self) -> bool {
        true
    }

    fn in_step(&self, now: &Sided<FieldValue>) -> Option<&'static str> {
        text::Text.in_step(now).or_else(|| {
            let same = self.in_force(Side::ClickUp, &now.ado, &now.clickup);
            same.then_some("the same words; ClickUp shows them without their formatting")
        })
    }

    fn in_force(&self, side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        let without_markup = || match (side, wanted, shown) {
            (Side::ClickUp, FieldValue::Rich(wanted), FieldValue::Rich(shown)) => {
                let plain = markup::canonical_of_either(&markup::plain(wanted));
                markup::same_words(wanted, shown) || markup::same_words(&plain, shown)
            }
            _ => false,
        };
        text::Text.in_force(side, wanted, shown) || without_markup()
    }

    fn typed(&self, text: &str) -> Option<FieldValue> {
        text::Text.typed(text)
    }

    fn example(&self, side: Side, n: u32) -> FieldValue {
        text::Text.example(side, n)
    }
}

/// Whether the field holds people.
fn is_of_people(tables: &Tables<'_>) -> bool {
    tables.custom.is_some_and(|rule| rule.form == Form::People)
}

/// Whether both sides show another value than the one that they agreed on last. A side that counts as changed only because of
/// what may have happened to it shows that very value, and then nothing is merged into it.
fn edited_on_both_sides(of: &Merge<'_>) -> bool {
    let mut sides = Side::BOTH.iter();
    sides.all(|side| of.base.get(*side) != of.now.get(*side))
}

/// Label by label: what one side added or took off since both agreed happens to the other. One that was taken off here and that
/// the other side knows by no name, or not by this one, is one that was renamed since: then the two texts are in conflict.
///
/// Example: both have Web, and an administrator calls it Portal in ClickUp. Bo takes it off there, and Ada adds App in Azure
/// DevOps, where it still is Web.
fn merge_labels(rule: &Rule, of: &Merge<'_>) -> Merged {
    let renamed = Side::BOTH.into_iter().any(|side| {
        let (old, new) = (of.base.get(side).members(), of.now.get(side).members());
        let there = of.base.get(side.other()).members();
        let mut removed = old.difference(&new);
        !removed.all(|label| {
            let image = rule.option(side, label);
            image.is_ok_and(|image| there.contains(&image))
        })
    });
    if renamed {
        return merged::whole(&Custom, of);
    }
    let of_side = |side: Side| {
        let (old, new) = (of.base.get(side).members(), of.now.get(side).members());
        let there = |labels: BTreeSet<Folded>| {
            let there = labels.iter().map(|label| rule.option(side, label));
            there.collect::<Result<BTreeSet<Folded>, _>>()
        };
        let added = there(new.difference(&old).cloned().collect())?;
        let removed = there(old.difference(&new).cloned().collect())?;
        Ok((added, removed))
    };
    let (ado, clickup) = match (of_side(Side::Ado), of_side(Side::ClickUp)) {
        (Ok(ado), Ok(clickup)) => (ado, clickup),
        (Err(why), _) | (_, Err(why)) => return Merged::Blocked(why),
    };
    let with = |side: Side, (added, removed): &(BTreeSet<Folded>, BTreeSet<Folded>)| {
        let (old, mut labels) = (of.base.get(side).members(), of.now.get(side).members());
        // Whoever put a label on again here did not know that it was taken off there.
        labels.retain(|label| !removed.contains(label) || !old.contains(label));
        labels.extend(added.iter().cloned());
        FieldValue::from_tags(labels)
    };
    let merged = Sided {
        ado: with(Side::Ado, &clickup),
        clickup: with(Side::ClickUp, &ado),
    };
    if let Err(why) = rule.fits(&labels_text(&merged.ado)) {
        return Merged::Blocked(why);
    }
    let to = merged.map(|side, value| (value != *of.now.get(side)).then_some(value));
    match (&to.ado, &to.clickup) {
        (None, None) => Merged::Rebase,
        _ => Merged::Write {
            to,
            reason: "labels added or removed",
        },
    }
}

#[cfg(test)]
mod tests;
