//! Vocabulary tables: states, types and people, both ways.
//!
//! States and types are *relations*, not functions. Two values are consistent when they stand in one row; a value is
//! translated through the first row that holds it. So `Resolved` and `Closed` may both stand beside `complete`, and
//! moving between them writes nothing to the other side.

use crate::model::{Folded, Side};
use std::collections::BTreeMap;

/// A table of consistent pairs, in order of preference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    rows: Vec<(Folded, Folded)>,
}

impl Relation {
    /// Builds a relation from rows of (ADO name, ClickUp name).
    pub fn new<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Relation {
        Relation {
            rows: rows
                .into_iter()
                .map(|(ado, clickup)| (Folded::new(ado), Folded::new(clickup)))
                .collect(),
        }
    }

    /// Builds a relation from rows of names that may be compared by something else than their spelling: an option by its id.
    pub fn of(rows: Vec<(Folded, Folded)>) -> Relation {
        Relation { rows }
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether the two names stand in one row.
    pub fn consistent(&self, ado: &Folded, clickup: &Folded) -> bool {
        self.rows.iter().any(|(a, c)| a == ado && c == clickup)
    }

    /// Returns the other side's name for `value` of `from`, by the first row that holds it.
    pub fn translate(&self, from: Side, value: &Folded) -> Option<Folded> {
        self.rows.iter().find_map(|(ado, clickup)| match from {
            Side::Ado => (ado == value).then(|| clickup.clone()),
            Side::ClickUp => (clickup == value).then(|| ado.clone()),
        })
    }

    /// Returns every name of one side, in table order, without repeats.
    pub fn names(&self, side: Side) -> Vec<&Folded> {
        let mut names: Vec<&Folded> = Vec::new();
        for (ado, clickup) in &self.rows {
            let name = match side {
                Side::Ado => ado,
                Side::ClickUp => clickup,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Who is who on the two sides. People outside the table are matched by e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    rows: Vec<(String, String)>,
    clickup_known: Option<BTreeMap<String, String>>,
}

impl People {
    /// Builds the table from rows of (ADO e-mail, ClickUp e-mail) and, where it could be read, ClickUp's directory
    /// (key to display name): somebody who is not in it cannot be assigned there.
    pub fn new<'a>(
        rows: impl IntoIterator<Item = (&'a str, &'a str)>,
        clickup_known: Option<BTreeMap<String, String>>,
    ) -> People {
        People {
            rows: rows
                .into_iter()
                .map(|(ado, clickup)| (ado.trim().to_lowercase(), clickup.trim().to_lowercase()))
                .collect(),
            clickup_known,
        }
    }

    /// Returns the other side's person, or `None` for somebody who has no counterpart and is left untouched.
    pub fn translate(&self, from: Side, person: &Folded) -> Option<Folded> {
        let row = self.rows.iter().find_map(|(ado, clickup)| match from {
            Side::Ado => (*ado == person.key).then_some(clickup),
            Side::ClickUp => (*clickup == person.key).then_some(ado),
        });
        let key = match row {
            Some(key) => key.clone(),
            None if person.key.contains('@') => person.key.clone(),
            None => return None,
        };
        match (from, &self.clickup_known) {
            (Side::Ado, Some(known)) => known.get(&key).map(|shown| Folded::person(&key, shown)),
            // What the other side calls somebody is not known here. Where the table says that it is another address, the
            // name of this side may be another one there too, and the address is what is assigned.
            (Side::Ado, None) | (Side::ClickUp, _) => {
                let shown = match row {
                    Some(key) if *key != person.key => key,
                    Some(_) | None => &person.shown,
                };
                Some(Folded::person(&key, shown))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_states_beside_one_status_are_both_consistent_and_the_first_is_its_translation() {
        let states = Relation::new([("Resolved", "complete"), ("Closed", "Complete")]);
        assert!(states.consistent(&Folded::new("closed"), &Folded::new("complete")));
        assert!(states.consistent(&Folded::new("Resolved"), &Folded::new("COMPLETE")));
        assert_eq!(
            states.translate(Side::ClickUp, &Folded::new("complete")),
            Some(Folded::new("Resolved"))
        );
        assert_eq!(states.translate(Side::Ado, &Folded::new("Removed")), None);
    }

    #[test]
    fn names_are_listed_once_in_table_order() {
        let states = Relation::new([("B", "x"), ("A", "y"), ("b", "z")]);
        let names = |side| -> Vec<String> {
            let names = states.names(side);
            names.iter().map(|name| name.shown.clone()).collect()
        };
        assert_eq!(names(Side::Ado), ["B", "A"]);
        assert_eq!(names(Side::ClickUp), ["x", "y", "z"]);
        assert!(!states.is_empty());
        assert!(Relation::new([]).is_empty());
    }

    #[test]
    fn a_person_without_an_address_is_translated_by_the_table_only() {
        let people = People::new([("id:7", "Ana@x.com")], None);
        let key = |from, key: &str| {
            let person = Folded::person(key, "Somebody");
            people.translate(from, &person).map(|person| person.key)
        };
        assert_eq!(key(Side::Ado, "id:7").as_deref(), Some("ana@x.com"));
        assert_eq!(key(Side::ClickUp, "ana@x.com").as_deref(), Some("id:7"));
        assert_eq!(key(Side::Ado, "id:8"), None);
        assert_eq!(key(Side::ClickUp, "bo@x.com").as_deref(), Some("bo@x.com"));
    }

    #[test]
    fn somebody_of_another_address_is_shown_by_that_address_and_not_by_the_name_of_this_side() {
        let people = People::new([("ana@contoso.com", "ana@clickup-mail.com")], None);
        let shown = |from, key: &str, name: &str| {
            let person = people.translate(from, &Folded::person(key, name));
            person.map(|person| person.shown)
        };
        let there = shown(Side::Ado, "ana@contoso.com", "Ana P");
        assert_eq!(there.as_deref(), Some("ana@clickup-mail.com"));
        let back = shown(Side::ClickUp, "ana@clickup-mail.com", "Ana in ClickUp");
        assert_eq!(back.as_deref(), Some("ana@contoso.com"));
        let same = shown(Side::Ado, "bo@contoso.com", "Bo");
        assert_eq!(same.as_deref(), Some("Bo"), "the address is the same");
    }

    #[test]
    fn a_person_unknown_to_clickup_has_no_counterpart_there() {
        let known = BTreeMap::from([("ana@clickup-mail.com".to_owned(), "Ana".to_owned())]);
        let people = People::new([("ana@contoso.com", "ana@clickup-mail.com")], Some(known));
        let ana = people.translate(Side::Ado, &Folded::person("Ana@contoso.com", "Ana P"));
        assert_eq!(ana.map(|p| p.key), Some("ana@clickup-mail.com".to_owned()));
        assert_eq!(
            people.translate(Side::Ado, &Folded::person("bo@contoso.com", "Bo")),
            None
        );
        let bo = people.translate(Side::ClickUp, &Folded::person("bo@contoso.com", "Bo"));
        assert_eq!(bo.map(|p| p.key), Some("bo@contoso.com".to_owned()));
    }
}
