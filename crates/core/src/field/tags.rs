//! Tags: a set that is merged, refused and agreed on tag by tag.

use super::{Form, Kind, Merge, Merged, OfMembers, Tables};
use crate::capabilities;
use crate::model::{FieldValue, Folded, Side, Sided};
use crate::reason::ValueWhy;
use std::collections::BTreeSet;

pub(super) struct Tags;

impl Kind for Tags {
    fn form(&self) -> Form {
        Form::Tags
    }

    /// Tags that the other side can't hold stay where they are.
    fn translate(
        &self,
        from: Side,
        value: &FieldValue,
        _tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        let FieldValue::Tags(tags) = value else {
            return Ok(value.clone());
        };
        let target = capabilities::of(from.other());
        let held = tags.iter().filter(|tag| target.holds_tag(tag));
        Ok(FieldValue::from_tags(held.cloned().collect()))
    }

    fn merge(&self, of: &Merge<'_>) -> Merged {
        merge(of.base, of.now)
    }

    fn by_member(&self) -> Option<OfMembers> {
        Some(FieldValue::from_tags)
    }

    fn same_words(&self) -> bool {
        false
    }

    fn stays(&self, from: Side, value: &FieldValue) -> Option<ValueWhy> {
        let FieldValue::Tags(tags) = value else {
            return None;
        };
        let target = capabilities::of(from.other());
        let names = tags.iter().filter(|tag| !target.holds_tag(tag));
        let tags: Vec<String> = names.map(|tag| tag.shown.clone()).collect();
        (!tags.is_empty()).then_some(ValueWhy::TagsStay { tags })
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        const NAMES: [&str; 4] = ["alpha", "beta", "gamma ray", "delta"];
        let from = n as usize % NAMES.len();
        FieldValue::tags(NAMES.into_iter().skip(from).take(1 + n as usize % 2))
    }
}

/// Element by element: what one side added or removed since its own base happens to the other. Elements that only one
/// side can hold stay where they are.
fn merge(base: &Sided<FieldValue>, now: &Sided<FieldValue>) -> Merged {
    let delta = Sided::build(|side| {
        let (old, new) = (base.get(side).members(), now.get(side).members());
        let added: BTreeSet<Folded> = new.difference(&old).cloned().collect();
        let removed: BTreeSet<Folded> = old.difference(&new).cloned().collect();
        (added, removed)
    });
    let to = Sided::build(|side| {
        let mut set = now.get(side).members();
        let (own_added, _) = delta.get(side);
        let (added, removed) = delta.get(side.other());
        for tag in removed.iter().filter(|tag| !own_added.contains(*tag)) {
            set.remove(tag);
        }
        let able = capabilities::of(side);
        for tag in added.iter().filter(|tag| able.holds_tag(tag)) {
            if !set.contains(tag) {
                set.insert(tag.clone());
            }
        }
        let value = FieldValue::from_tags(set);
        (value != *now.get(side)).then_some(value)
    });
    if to.ado.is_none() && to.clickup.is_none() {
        Merged::Rebase
    } else {
        Merged::Write {
            to,
            reason: "tags added or removed",
        }
    }
}
