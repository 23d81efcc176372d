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
pub fn labels_text(labels: &FieldValue) -> String {
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
                text::Text.in_force(side, wanted, shown)
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

/// Label by label: what one side added or took off since both agreed happens to the other.
fn merge_labels(rule: &Rule, of: &Merge<'_>) -> Merged {
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
mod tests {
    use super::*;
    use crate::fixture::policy;
    use crate::reconcile::policy::Policy;

    fn with(rule: Rule) -> (FieldKey, Policy) {
        let (key, mut policy) = (rule.key.clone(), policy());
        policy.customs.insert(key.clone(), rule);
        (key, policy)
    }

    fn rule(form: Form) -> Rule {
        Rule {
            key: FieldKey::Custom("Severity".to_owned()),
            id: "f1".to_owned(),
            form,
            values: Relation::new([("1 - Critical", "critical"), ("High", "high")]),
            open: Sided::default(),
            whole: true,
            range: None,
            scale: 1,
            one_line: true,
            only: BTreeSet::new(),
        }
    }

    fn there(rule: Rule, from: Side, value: &FieldValue) -> Result<FieldValue, ValueWhy> {
        let (key, policy) = with(rule);
        key.kind().translate(from, value, &policy.tables_of(&key))
    }

    #[test]
    fn an_option_goes_by_its_row_and_one_without_a_row_is_held() {
        let choice = FieldValue::choice;
        let name = || rule(Form::Name);
        let critical = there(name(), Side::ClickUp, &choice("Critical"));
        assert_eq!(critical, Ok(choice("1 - Critical")));
        let low = there(name(), Side::Ado, &choice("Low"));
        assert!(matches!(low, Err(ValueWhy::OptionUnmapped { .. })));
        let open = Rule {
            open: Sided {
                ado: true,
                clickup: false,
            },
            ..name()
        };
        let low = there(open.clone(), Side::ClickUp, &choice("Low"));
        assert_eq!(low, Ok(choice("Low")));
        assert!(there(open, Side::Ado, &choice("Low")).is_err());
        assert_eq!(
            there(name(), Side::Ado, &FieldValue::Empty),
            Ok(FieldValue::Empty)
        );
    }

    /// Somebody has added the option, or the stars, in a service, and no version of an item tells that.
    #[test]
    fn what_is_held_for_want_of_a_counterpart_is_taken_once_there_is_one() {
        let choice = FieldValue::choice;
        let before = rule(Form::Name);
        let more = Rule {
            values: Relation::of(vec![(Folded::new("Low"), Folded::person("f1-low", "low"))]),
            ..rule(Form::Name)
        };
        for (side, name) in [(Side::Ado, "Low"), (Side::ClickUp, "Low")] {
            let held = there(before.clone(), side, &choice(name)).unwrap_err();
            assert!(!before.takes(&held) && more.takes(&held), "{side}");
        }
        let stars = |most| Rule {
            range: Some((0, most)),
            ..rule(Form::Decimal)
        };
        let held = there(stars(5), Side::Ado, &FieldValue::Number(7000)).unwrap_err();
        assert!(!stars(5).takes(&held) && stars(10).takes(&held));
        let list = |name: &str| Rule {
            only: BTreeSet::from([Folded::new(name)]),
            ..rule(Form::Plain)
        };
        let held = there(list("Web"), Side::ClickUp, &FieldValue::plain("Shop")).unwrap_err();
        assert!(!list("Web").takes(&held) && list("shop").takes(&held));
    }

    #[test]
    fn a_listed_text_is_spelt_as_the_list_has_it_and_is_the_same_in_any_case() {
        let listed = Rule {
            only: BTreeSet::from([Folded::new("Web Shop")]),
            ..rule(Form::Plain)
        };
        let text = FieldValue::plain;
        let sent = there(listed.clone(), Side::ClickUp, &text("web shop"));
        assert_eq!(sent, Ok(text("Web Shop")));
        let (key, policy) = with(listed);
        let agree = |ado: &str, clickup: &str| {
            let now = Sided {
                ado: text(ado),
                clickup: text(clickup),
            };
            key.kind().agree(&now, &policy.tables_of(&key))
        };
        assert!(agree("Web Shop", "web shop"));
        assert!(!agree("Web Shop", "shop"));
    }

    #[test]
    fn an_integer_side_takes_no_fraction_and_gives_any_number() {
        let half = FieldValue::Number(500);
        let whole = there(rule(Form::Decimal), Side::ClickUp, &half);
        assert!(matches!(whole, Err(ValueWhy::NumberNotWhole { .. })));
        assert!(there(rule(Form::Decimal), Side::Ado, &half).is_ok());
        let two = FieldValue::Number(2000);
        assert_eq!(there(rule(Form::Decimal), Side::ClickUp, &two), Ok(two));
    }

    #[test]
    fn a_number_goes_only_to_a_list_that_has_it() {
        let tiers = Rule {
            only: BTreeSet::from([Folded::new("1"), Folded::new("2.5")]),
            whole: false,
            ..rule(Form::Decimal)
        };
        let put = |number| there(tiers.clone(), Side::ClickUp, &FieldValue::Number(number));
        assert!(put(1000).is_ok() && put(2500).is_ok());
        let held = put(3000).unwrap_err();
        assert!(matches!(held, ValueWhy::NotOnTheList { .. }), "{held}");
    }

    fn labels(rule: &Rule, base: [&[&str]; 2], now: [&[&str]; 2]) -> Merged {
        let (key, policy) = with(rule.clone());
        let sides = |of: [&[&str]; 2]| Sided {
            ado: FieldValue::tags(of[0].iter().copied()),
            clickup: FieldValue::tags(of[1].iter().copied()),
        };
        let (base, now) = (sides(base), sides(now));
        let changed = Sided::build(|side| base.get(side) != now.get(side));
        key.kind().merge(&Merge {
            base: &base,
            now: &now,
            changed,
            winner: Some(Side::Ado),
            tables: &policy.tables_of(&key),
        })
    }

    #[test]
    fn labels_of_both_sides_are_united_one_by_one() {
        let rule = Rule {
            values: Relation::new([("Web", "web"), ("Shop", "shop"), ("App", "app")]),
            ..rule(Form::Names)
        };
        let to = |ado: Option<&[&str]>, clickup: Option<&[&str]>| {
            let set = |names: &[&str]| FieldValue::tags(names.iter().copied());
            Sided {
                ado: ado.map(set),
                clickup: clickup.map(set),
            }
        };
        for (base, now, wanted) in [
            // One side alone.
            (
                [&["Web"][..], &["web"][..]],
                [&["Web", "Shop"][..], &["web"][..]],
                to(None, Some(&["web", "shop"])),
            ),
            // Added on both sides.
            (
                [&["Web"], &["web"]],
                [&["Web", "Shop"], &["web", "app"]],
                to(Some(&["Web", "Shop", "App"]), Some(&["web", "app", "shop"])),
            ),
            // Taken off here, added there.
            (
                [&["Web"], &["web"]],
                [&[], &["web", "app"]],
                to(Some(&["App"]), Some(&["app"])),
            ),
            ([&["Web"], &["web"]], [&[], &[]], to(None, None)),
        ] {
            match labels(&rule, base, now) {
                Merged::Write { to, .. } => assert_eq!(to, wanted, "{base:?} {now:?}"),
                Merged::Rebase => assert_eq!(wanted, Sided::default(), "{base:?} {now:?}"),
                other => panic!("{other:?}"),
            }
        }
        // One that ClickUp does not have holds the field: nothing of it goes over in part.
        let odd = labels(&rule, [&[], &[]], [&["Web", "Odd"], &["app"]]);
        assert!(
            matches!(odd, Merged::Blocked(ValueWhy::OptionUnmapped { .. })),
            "{odd:?}"
        );
        // In doubt, a side counts as changed although it shows what it had: nothing is merged into that.
        let (key, policy) = with(rule);
        let set = |name: &str| FieldValue::tags([name]);
        let base = Sided {
            ado: set("Web"),
            clickup: set("web"),
        };
        let now = Sided {
            ado: set("Web"),
            clickup: set("app"),
        };
        let doubted = key.kind().merge(&Merge {
            base: &base,
            now: &now,
            changed: Sided::build(|_| true),
            winner: None,
            tables: &policy.tables_of(&key),
        });
        assert!(
            matches!(doubted, Merged::Conflict { taken: None, .. }),
            "{doubted:?}"
        );
    }

    #[test]
    fn labels_that_do_not_fit_into_a_line_are_held() {
        let long = "x".repeat(200);
        let rule = Rule {
            open: Sided {
                ado: true,
                clickup: false,
            },
            ..rule(Form::Names)
        };
        let one = FieldValue::tags([long.as_str()]);
        assert!(there(rule.clone(), Side::ClickUp, &one).is_ok());
        let other = "y".repeat(200);
        let two = FieldValue::tags([long.as_str(), other.as_str()]);
        let held = there(rule, Side::ClickUp, &two);
        assert!(matches!(held, Err(ValueWhy::TextTooLong { .. })));
    }

    #[test]
    fn a_rating_takes_whole_numbers_up_to_its_stars() {
        let stars = || Rule {
            range: Some((0, 5)),
            ..rule(Form::Decimal)
        };
        let put = |number| there(stars(), Side::Ado, &FieldValue::Number(number));
        assert!(put(5000).is_ok() && put(0).is_ok());
        for number in [6000, -1000, 2500] {
            let held = put(number);
            assert!(matches!(held, Err(ValueWhy::NumberOutOfRange { .. })));
        }
    }

    #[test]
    fn a_text_that_azure_devops_cannot_hold_whole_is_held() {
        let held = |text: &str| {
            let value = FieldValue::Text(text.to_owned());
            there(rule(Form::Plain), Side::ClickUp, &value).err()
        };
        assert_eq!(held("one"), None);
        let lines = held("one\ntwo");
        assert!(matches!(lines, Some(ValueWhy::SeveralLines { .. })));
        let long = held(&"x".repeat(256));
        assert!(matches!(long, Some(ValueWhy::TextTooLong { .. })));
        let listed = Rule {
            only: BTreeSet::from([Folded::new("Blue")]),
            ..rule(Form::Plain)
        };
        let value = |text: &str| FieldValue::text(text);
        assert!(there(listed.clone(), Side::ClickUp, &value("blue")).is_ok());
        let off = there(listed, Side::ClickUp, &value("red"));
        assert!(matches!(off, Err(ValueWhy::NotOnTheList { .. })));
    }

    #[test]
    fn options_of_one_row_agree() {
        let (key, policy) = with(rule(Form::Name));
        let agree = |ado: &str, clickup: &str| {
            let now = Sided {
                ado: FieldValue::choice(ado),
                clickup: FieldValue::choice(clickup),
            };
            key.kind().agree(&now, &policy.tables_of(&key))
        };
        assert!(agree("1 - Critical", "Critical") && agree("", ""));
        assert!(!agree("High", "critical") && !agree("High", ""));
    }
}
