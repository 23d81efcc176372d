//! Where a value stands in the configuration's file, for what only a service can say of it.

use super::diagnostic::{MaskedText, Place, nearest};
use super::{Config, PairName};
use crate::model::Side;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration's file, to be asked where something stands in it.
pub struct Places {
    file: String,
    text: String,
}

impl Places {
    /// Reads the file of a configuration again. One that is not there any more has no places.
    pub fn of(config: &Config) -> Places {
        Places {
            file: config.path.display().to_string(),
            text: std::fs::read_to_string(&config.path).unwrap_or_default(),
        }
    }

    /// Returns where the value of a key of a table stands, as `url` of `[ado]`; `None`: nowhere, for it comes from elsewhere.
    pub fn find_key(&self, table: &str, key: &str) -> Option<Place> {
        let root = DeTable::parse(&self.text).ok()?;
        let table = entry(root.get_ref(), table)?.get_ref().as_table()?;
        Some(self.at(entry(table, key)?.span().start))
    }

    fn at(&self, found: usize) -> Place {
        let (line, column) = MaskedText::new(&self.text).place(found);
        Place {
            file: self.file.clone(),
            line,
            column,
        }
    }

    /// Returns where a text stands in the table of a pair; `None`: nowhere, for the pair may have it from elsewhere. `key` is
    /// the one that holds it, as `states`, or `project` of `ado.project`. `side`: of a row of two names, which of them.
    pub fn find(&self, pair: &PairName, key: &str, side: Side, value: &str) -> Option<Place> {
        let table = DeTable::parse(&self.text).ok()?;
        let pairs = entry(table.get_ref(), "pair")?.get_ref().as_array()?;
        let mut pairs = pairs.iter().filter_map(|pair| pair.get_ref().as_table());
        let is_it = |table: &&DeTable<'_>| {
            let name = entry(table, "name").and_then(|name| name.get_ref().as_str());
            name == Some(pair.0.as_str())
        };
        let mut found = None;
        under(pairs.find(is_it)?, key, (side, value), &mut found);
        Some(self.at(found?))
    }
}

/// Returns the one of these names that a slip of the finger would explain.
pub fn did_you_mean<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest(typed, names)
}

fn entry<'a>(table: &'a DeTable<'a>, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
    let mut entries = table.iter();
    let found = entries.find(|(name, _)| name.get_ref().as_ref() == key);
    found.map(|(_, value)| value)
}

/// Looks for the text below a key, wherever in the table that key is.
fn under(table: &DeTable<'_>, key: &str, value: (Side, &str), found: &mut Option<usize>) {
    for (name, inner) in table.iter() {
        match inner.get_ref() {
            _ if name.get_ref().as_ref() == key => within(inner, value, found),
            DeValue::Table(inner) => under(inner, key, value, found),
            DeValue::Array(inner) => {
                for table in inner.iter().filter_map(|one| one.get_ref().as_table()) {
                    under(table, key, value, found);
                }
            }
            _ => {}
        }
    }
}

fn within(inner: &Spanned<DeValue<'_>>, (side, value): (Side, &str), found: &mut Option<usize>) {
    match inner.get_ref() {
        DeValue::String(text) if text.trim() == value => {
            found.get_or_insert(inner.span().start);
        }
        DeValue::Integer(number) if number.as_str() == value => {
            found.get_or_insert(inner.span().start);
        }
        DeValue::Array(all) => {
            // A table of names, Azure DevOps' first: the two sides may well call different things alike.
            let rows = all.iter().all(|one| one.get_ref().is_array());
            for one in all {
                let row = one.get_ref().as_array().filter(|_| rows);
                let of_side = row.map(|row| match side {
                    Side::Ado => row.first(),
                    Side::ClickUp => row.get(1),
                });
                match of_side {
                    Some(name) => name
                        .into_iter()
                        .for_each(|name| within(name, (side, value), found)),
                    None => within(one, (side, value), found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_the_table_of_its_pair_and_under_its_key() {
        let places = Places {
            file: "config.toml".to_owned(),
            text: "[[pair]]\nname = \"a\"\nstates = [[\"New\", \"to do\"]]\n\n[[pair]]\nname = \"b\"\nado.project = \"New\"\n\
                   states = [\n  [\"New\", \"to do\"],\n  [\"Ä\", \"later\"],\n]\n"
                .to_owned(),
        };
        let of = |pair: &str, key: &str, side: Side, value: &str| {
            let place = places.find(&PairName(pair.to_owned()), key, side, value);
            place.map(|place| (place.line, place.column))
        };
        let place = |pair: &str, key: &str, value: &str| of(pair, key, Side::Ado, value);
        assert_eq!(place("a", "states", "New"), Some((3, 12)));
        assert_eq!(place("b", "states", "New"), Some((9, 4)));
        assert_eq!(of("b", "states", Side::ClickUp, "later"), Some((10, 9)));
        assert_eq!(of("b", "states", Side::Ado, "later"), None);
        assert_eq!(place("b", "project", "New"), Some((7, 15)));
        assert_eq!(place("b", "types", "New"), None);
        assert_eq!(place("c", "states", "New"), None);
    }

    #[test]
    fn a_number_and_a_value_of_a_table_are_found_too() {
        let places = Places {
            file: "config.toml".to_owned(),
            text: "[ado]\nurl = \"https://x/y/\"\n\n[[pair]]\nname = \"a\"\nado.canary = 17\n"
                .to_owned(),
        };
        let place = places.find_key("ado", "url").unwrap();
        assert_eq!((place.line, place.column), (2, 7));
        assert!(places.find_key("clickup", "workspace").is_none());
        let place = places.find(&PairName("a".to_owned()), "canary", Side::Ado, "17");
        assert_eq!(place.map(|place| (place.line, place.column)), Some((6, 14)));
    }

    /// Both services may know the name, each as its own: the one that lacks it is pointed at.
    #[test]
    fn a_name_that_both_sides_have_in_one_row_is_found_on_the_side_that_is_meant() {
        let places = Places {
            file: "config.toml".to_owned(),
            text: "[[pair]]\nname = \"a\"\ntypes = [[\"Bug\", \"Bug\"]]\n".to_owned(),
        };
        let column = |side| {
            let place = places.find(&PairName("a".to_owned()), "types", side, "Bug");
            place.map(|place| place.column)
        };
        assert_eq!(column(Side::Ado), Some(11));
        assert_eq!(column(Side::ClickUp), Some(18));
    }
}
