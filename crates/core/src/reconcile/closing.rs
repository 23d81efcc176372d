//! Which state an item is set to when it is closed because its counterpart was deleted.
//!
//! The services say it themselves: each state has a category, and the finished ones are the closed ones. The order of
//! the rows of `states` says nothing about that.

use crate::model::{Folded, Side};
use std::collections::{BTreeMap, BTreeSet};

/// The finished states of one type of item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// The state that a closed item is set to. `None`: the type has none that means "done".
    pub to: Option<Folded>,
    /// Keys of the states in which an item counts as closed already.
    pub already: BTreeSet<String>,
}

/// The finished states of one side of a pair. Empty: nothing is known, and then nothing is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// By folded name of the type.
    types: BTreeMap<String, Finished>,
    /// For every other type. `None`: the states of another type are not known.
    any: Option<Finished>,
}

impl Closing {
    /// Builds it from the live vocabulary: types with their (state, category), in board order. A state that the pair's
    /// `states` name is taken before one that nobody mentioned.
    pub fn of<'a>(
        side: Side,
        types: impl IntoIterator<Item = (&'a str, Vec<(&'a str, &'a str)>)>,
        named: &[&Folded],
    ) -> Closing {
        let types: BTreeMap<String, Finished> = types
            .into_iter()
            .map(|(name, states)| (Folded::new(name).key, finished(side, &states, named)))
            .collect();
        // A ClickUp list has its statuses whatever the type of the task.
        let any = match side {
            Side::Ado => None,
            Side::ClickUp => types.values().next().cloned(),
        };
        Closing { types, any }
    }

    /// Returns the finished states of a type; `None`: they are not known.
    pub fn of_type(&self, kind: Option<&Folded>) -> Option<&Finished> {
        kind.and_then(|kind| self.types.get(&kind.key))
            .or(self.any.as_ref())
    }
}

/// Categories of Azure DevOps (learn.microsoft.com, workflow-and-state-categories) and types of ClickUp statuses
/// (developer.clickup.com, Get List). An item in ADO's `Removed` is over too, but nothing is closed that way.
fn finished(side: Side, states: &[(&str, &str)], named: &[&Folded]) -> Finished {
    let (done, over): (&[&str], &[&str]) = match side {
        Side::Ado => (&["completed"], &["completed", "removed"]),
        Side::ClickUp => (&["closed", "done"], &["closed", "done"]),
    };
    let of = |wanted: &str, only_named: bool| {
        let mut states = states.iter();
        let found = states.find(|(name, category)| {
            let mentioned = named.contains(&&Folded::new(name));
            category.eq_ignore_ascii_case(wanted) && (mentioned || !only_named)
        });
        found.map(|(name, _)| Folded::new(name))
    };
    let first = |only_named: bool| done.iter().find_map(|wanted| of(wanted, only_named));
    let is_over = |category: &str| over.iter().any(|word| category.eq_ignore_ascii_case(word));
    Finished {
        to: first(true).or_else(|| first(false)),
        already: states
            .iter()
            .filter(|(_, category)| is_over(category))
            .map(|(name, _)| Folded::new(name).key)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUG: [(&str, &str); 5] = [
        ("New", "Proposed"),
        ("Resolved", "Resolved"),
        ("Closed", "Completed"),
        ("Filed", "Completed"),
        ("Removed", "Removed"),
    ];

    fn to(side: Side, states: &[(&str, &str)], named: &[&str]) -> Option<String> {
        let named: Vec<Folded> = named.iter().map(|name| Folded::new(name)).collect();
        let named: Vec<&Folded> = named.iter().collect();
        let closing = Closing::of(side, [("Bug", states.to_vec())], &named);
        let found = closing.of_type(Some(&Folded::new("bug")))?;
        found.to.as_ref().map(|state| state.shown.clone())
    }

    #[test]
    fn the_category_says_which_state_is_closed_and_never_its_place_in_states() {
        let is = |state: &str| Some(state.to_owned());
        let rows: [(&[&str], Option<String>); 3] = [
            (&["Closed", "Resolved"], is("Closed")),
            (&["New", "Filed", "Resolved"], is("Filed")),
            (&[], is("Closed")),
        ];
        for (named, state) in rows {
            assert_eq!(to(Side::Ado, &BUG, named), state, "{named:?}");
        }
        assert_eq!(to(Side::Ado, &BUG[..2], &["Resolved"]), None);
        let list = [
            ("to do", "open"),
            ("shipped", "done"),
            ("Closed", "closed"),
            ("in review", "custom"),
        ];
        assert_eq!(to(Side::ClickUp, &list, &["in review"]), is("Closed"));
        assert_eq!(to(Side::ClickUp, &list, &["shipped"]), is("shipped"));
        assert_eq!(to(Side::ClickUp, &list[..2], &[]), is("shipped"));
        assert_eq!(to(Side::ClickUp, &list[3..], &["in review"]), None);
    }

    #[test]
    fn another_type_has_other_states_in_ado_and_the_same_in_clickup() {
        let list = vec![("Closed", "closed")];
        let ado = Closing::of(Side::Ado, [("Bug", BUG.to_vec())], &[]);
        let clickup = Closing::of(Side::ClickUp, [("Task", list)], &[]);
        for kind in [Some(Folded::new("Epic")), None] {
            assert_eq!(ado.of_type(kind.as_ref()), None);
            assert!(clickup.of_type(kind.as_ref()).is_some());
        }
        assert_eq!(Closing::default().of_type(Some(&Folded::new("Bug"))), None);
    }

    #[test]
    fn a_removed_work_item_is_over_but_nothing_is_closed_by_removing_it() {
        let ado = Closing::of(
            Side::Ado,
            [("Bug", BUG.to_vec())],
            &[&Folded::new("Removed")],
        );
        let bug = ado
            .of_type(Some(&Folded::new("Bug")))
            .cloned()
            .unwrap_or_default();
        assert_eq!(bug.to, Some(Folded::new("Closed")));
        let over: Vec<&str> = bug.already.iter().map(String::as_str).collect();
        assert_eq!(over, ["closed", "filed", "removed"]);
    }
}
