//! Which fields of the services a field of the configuration stands for, and what follows for its bases when that changes. Pure.
//!
//! | the entry | so its bases |
//! |---|---|
//! | names the same two fields in another way (`custom:Size`, then `custom:#<uuid>`) | go on under the new name |
//! | names another field of Azure DevOps, or counts its values in another unit | are put aside, and the field begins anew |
//! | stands for what it stood for before, and nothing was synced in between | come back from there |
//!
//! Example: `Cost` goes to `Custom.Cost`, and somebody makes that `Custom.Price`, which is empty in every work item. Compared with the
//! bases of `Custom.Cost` each work item would have been emptied, and every task would lose its value.

use crate::model::{FieldKey, Identity, Move};
use std::collections::{BTreeMap, BTreeSet};

/// What follows for the bases of a pair. `known`: what its fields stood for when they were synced last; `wanted`: what those that
/// are synced stand for now. In this order.
pub fn moves(
    known: &BTreeMap<FieldKey, Identity>,
    wanted: &BTreeMap<FieldKey, Identity>,
) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut taken: BTreeSet<&FieldKey> = BTreeSet::new();
    for (key, is) in wanted {
        let own = known.get(key);
        if own.is_some_and(|own| own.is(is)) {
            continue;
        }
        moves.extend(own.map(|was| Move::Park {
            field: key.clone(),
            was: was.clone(),
        }));
        let former = known.iter().find(|(from, was)| {
            !wanted.contains_key(*from) && !taken.contains(*from) && was.is(is)
        });
        moves.push(match former {
            Some((from, _)) => {
                taken.insert(from);
                Move::Rename {
                    from: from.clone(),
                    to: key.clone(),
                }
            }
            None => Move::Unpark {
                field: key.clone(),
                is: is.clone(),
            },
        });
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(clickup: &str, ado: &str, unit: &str) -> Identity {
        Identity {
            clickup: clickup.to_owned(),
            ado: ado.to_owned(),
            unit: unit.to_owned(),
        }
    }

    fn key(name: &str) -> FieldKey {
        name.parse().unwrap()
    }

    fn of(rows: &[(&str, Identity)]) -> BTreeMap<FieldKey, Identity> {
        let rows = rows.iter();
        rows.map(|(name, is)| (key(name), is.clone())).collect()
    }

    #[test]
    fn another_name_for_the_same_two_fields_keeps_their_bases() {
        let known = of(&[("custom:Num", is("a1", "Custom.Num", ""))]);
        for name in ["custom:num", "custom:#A1"] {
            let now = is("A1", "custom.num", "");
            let moves = moves(&known, &of(&[(name, now)]));
            let (from, to) = (key("custom:Num"), key(name));
            assert_eq!(moves, [Move::Rename { from, to }]);
        }
        assert_eq!(moves(&known, &known), []);
    }

    #[test]
    fn other_fields_or_units_put_the_bases_aside() {
        let was = is("a1", "Custom.Cost", "1/100");
        let known = of(&[("custom:Cost", was.clone())]);
        for now in [
            is("a1", "Custom.Price", "1/100"),
            is("a1", "Custom.Cost", "1/1"),
        ] {
            let field = key("custom:Cost");
            let moves = moves(&known, &of(&[("custom:Cost", now.clone())]));
            let parked = Move::Park {
                field: field.clone(),
                was: was.clone(),
            };
            assert_eq!(moves, [parked, Move::Unpark { field, is: now }]);
        }
        let known = of(&[("time_estimate", is("time_estimate", "RemainingWork", ""))]);
        let now = of(&[("time_estimate", is("time_estimate", "OriginalEstimate", ""))]);
        assert_eq!(moves(&known, &now).len(), 2);
    }

    /// What an earlier release stored does not say which field of Azure DevOps it was: another entry may be about another one.
    #[test]
    fn what_is_not_known_is_taken_for_another_field() {
        let known = of(&[("custom:Cost", is("a1", "", ""))]);
        let now = of(&[("custom:Cost", is("a1", "Custom.Cost", "1/100"))]);
        assert!(matches!(&moves(&known, &now)[..], [Move::Park { .. }, _]));
    }

    /// Somebody may add the new entry and keep the old one, for a field that both of them cannot have.
    #[test]
    fn a_field_that_is_still_synced_gives_nothing_away() {
        let known = of(&[("custom:Num", is("a1", "Custom.Num", ""))]);
        let now = of(&[
            ("custom:Num", is("a1", "Custom.Num", "")),
            ("custom:#a1", is("a1", "Custom.Num", "")),
        ]);
        let moves = moves(&known, &now);
        assert!(matches!(&moves[..], [Move::Unpark { .. }]), "{moves:?}");
    }
}
