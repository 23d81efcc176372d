//! Values that differ from their base although nobody touched them: this version of the program makes another canonical
//! form of the same raw content than the version that stored the base.
//!
//! Such a value is no edit. Its base moves to the new form and nothing is written. Many of them at once are more likely a
//! fault of the new version than a small improvement, so the guard stops the pair before anything moves.

use super::plan::{Rebase, Tripped};
use super::policy::Policy;
use super::{LinkView, View};
use crate::model::{FieldKey, FieldValue, Item, Side};
use crate::reason::Limit;
use std::collections::BTreeMap;

/// Returns the values of an item that changed by reading alone, in their new form. `earlier` is the item as another
/// version of this program read and stored it; what this version stored it also reads in the same way.
///
/// Long text comes with what the service holds, so equal raw text settles it, whatever else was edited since. For
/// everything else the service's version has to be the one that was read then.
pub fn reread(side: Side, link: &LinkView, earlier: &Item) -> BTreeMap<FieldKey, FieldValue> {
    let Some(now) = link.now.get(side).item() else {
        return BTreeMap::new();
    };
    let same = |key: &FieldKey| match (earlier.raw.get(key), now.raw.get(key)) {
        (Some(before), Some(now)) => before == now,
        (None, None) => earlier.version == now.version,
        (Some(_), None) | (None, Some(_)) => false,
    };
    link.base
        .iter()
        .filter_map(|(key, base)| {
            let (base, value) = (base.get(side), now.fields.get(key)?);
            let noise = value != base && earlier.fields.get(key) == Some(base) && same(key);
            noise.then(|| (key.clone(), value.clone()))
        })
        .collect()
}

/// Moves the bases of a link to the new forms, and notes it in the view.
pub fn settle(
    view: &mut View,
    mut link: LinkView,
    side: Side,
    found: BTreeMap<FieldKey, FieldValue>,
) -> LinkView {
    if found.is_empty() {
        return link;
    }
    *view.noise.get_mut(side) += found.len();
    for (key, value) in found {
        if let Some(base) = link.base.get_mut(&key) {
            *base.get_mut(side) = value;
            let moved = base.clone();
            match view.reread.iter_mut().find(|r| r.link == link.link) {
                Some(rebase) => {
                    rebase.fields.insert(key, moved);
                }
                None => view.reread.push(Rebase {
                    link: link.link,
                    fields: BTreeMap::from([(key, moved)]),
                }),
            }
        }
    }
    link
}

/// Returns the sides on which more than the allowed share of the pair's bases changed by reading alone.
pub fn check(view: &View, policy: &Policy) -> Vec<Tripped> {
    let share = view.bases as f64 * policy.guard.noise / 100.0;
    let limit = share.floor().max(0.0) as usize;
    let over = Side::BOTH.into_iter().filter_map(|side| {
        let count = *view.noise.get(side);
        (count > limit).then_some(Tripped {
            what: Limit::Noise,
            side,
            count,
            limit,
            slow: None,
        })
    });
    over.collect()
}
