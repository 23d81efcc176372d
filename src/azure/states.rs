//! Ways through a type's state transitions. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most steps of a way; longer ones are left to a person.
const MAX_STEPS: usize = 4;

/// Allowed transitions by state; the empty name holds the states that a new item may have.
pub(super) type Transitions = BTreeMap<String, BTreeSet<String>>;

/// Returns the states to set one after the other to get from `from` to `to`, `to` last. Without knowledge of
/// transitions, or when no allowed way exists, the direct step: the service decides.
pub(super) fn way(transitions: &Transitions, from: &str, to: &str) -> Vec<String> {
    allowed_way(transitions, from, to).unwrap_or_else(|| vec![to.to_owned()])
}

/// Returns the shortest allowed way from one state to another as a write would go it, `None` when there is none of at
/// most four steps.
pub fn allowed_way(
    transitions: &BTreeMap<String, BTreeSet<String>>,
    from: &str,
    to: &str,
) -> Option<Vec<String>> {
    let start = from.to_lowercase();
    let goal = to.to_lowercase();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, Vec::<String>::new())]);
    while let Some((state, path)) = queue.pop_front() {
        if path.len() >= MAX_STEPS {
            continue;
        }
        let next = transitions
            .iter()
            .filter(|(name, _)| name.to_lowercase() == state)
            .flat_map(|(_, next)| next);
        for name in next {
            let mut path = path.clone();
            path.push(name.clone());
            if name.to_lowercase() == goal {
                return Some(path);
            }
            if seen.insert(name.to_lowercase()) {
                queue.push_back((name.to_lowercase(), path));
            }
        }
    }
    None
}

/// Returns whether a new item may have this state. Unknown transitions: no, so that the create cannot fail on it.
pub(super) fn is_initial(transitions: &Transitions, state: &str) -> bool {
    transitions.get("").is_some_and(|initial| {
        initial
            .iter()
            .any(|name| name.to_lowercase() == state.to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Transitions {
        let rows: [(&str, &[&str]); 5] = [
            ("", &["Proposed"]),
            ("Proposed", &["Active"]),
            ("Active", &["Proposed", "Resolved"]),
            ("Resolved", &["Active", "Closed"]),
            ("Closed", &["Active"]),
        ];
        rows.into_iter()
            .map(|(from, to)| {
                let to = to.iter().map(|name| (*name).to_owned()).collect();
                (from.to_owned(), to)
            })
            .collect()
    }

    #[test]
    fn the_shortest_allowed_way_is_taken() {
        assert_eq!(
            way(&table(), "proposed", "closed"),
            ["Active", "Resolved", "Closed"]
        );
        assert_eq!(way(&table(), "Active", "Resolved"), ["Resolved"]);
    }

    #[test]
    fn without_an_allowed_way_the_service_is_asked_directly() {
        assert_eq!(way(&table(), "Closed", "Removed"), ["Removed"]);
        assert_eq!(allowed_way(&table(), "Closed", "Removed"), None);
        assert_eq!(way(&Transitions::new(), "A", "B"), ["B"]);
    }

    #[test]
    fn only_states_that_the_type_starts_in_are_initial() {
        assert!(is_initial(&table(), "proposed"));
        assert!(!is_initial(&table(), "Active"));
        assert!(!is_initial(&Transitions::new(), "Active"));
    }
}
