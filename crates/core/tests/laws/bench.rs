//! A policy, small vocabularies for every field, and what a plan does once it is carried out.

use boardsync_core::mapping::{People, Relation};
use boardsync_core::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, LinkId, Side, Sided, Timestamp, Version,
};
use boardsync_core::reconcile::closing::Closing;
use boardsync_core::reconcile::merge::{Merged, allowed, merge_field};
use boardsync_core::reconcile::plan::PairPlan;
use boardsync_core::reconcile::policy::{
    Direction, FieldPolicy, GuardLimits, Lacks, OnDelete, Policy,
};
use boardsync_core::reconcile::rails::{self, Rails};
use boardsync_core::reconcile::{LinkView, Presence, View};
use std::collections::{BTreeMap, BTreeSet};

/// Plans a pair of which the rails know nothing.
pub fn reconcile(view: &View, policy: &Policy) -> PairPlan {
    rails::plan(view, policy, &Rails::default())
}

pub const BOTH_WAYS: FieldPolicy = FieldPolicy {
    direction: Direction::Both,
    winner: Some(Side::Ado),
};

/// Every rule that a field can have.
pub fn rules() -> Vec<FieldPolicy> {
    let mut rules = Vec::new();
    for direction in [Direction::Both, Direction::ToAdo, Direction::ToClickUp] {
        for winner in [Some(Side::Ado), Some(Side::ClickUp), None] {
            rules.push(FieldPolicy { direction, winner });
        }
    }
    rules
}

/// Every kind of field once, a custom one included.
pub fn keys() -> Vec<FieldKey> {
    let custom = FieldKey::Custom("Effort".to_owned());
    FieldKey::BUILT_IN.into_iter().chain([custom]).collect()
}

pub fn policy() -> Policy {
    Policy {
        pair: "web".into(),
        fingerprint: "f1".to_owned(),
        approved: true,
        parents: true,
        backlink: false,
        create_on: vec![Side::Ado, Side::ClickUp],
        on_delete: OnDelete::Unlink,
        fields: keys().into_iter().map(|key| (key, BOTH_WAYS)).collect(),
        states: Relation::new([
            ("New", "to do"),
            ("Active", "in progress"),
            ("Active", "in review"),
            ("Resolved", "complete"),
            ("Closed", "complete"),
        ]),
        types: Relation::new([("User Story", "Task"), ("Task", "Task"), ("Bug", "Bug")]),
        people: People::new([("ana@contoso.com", "ana@clickup-mail.com")], None),
        guard: GuardLimits {
            creates: (1000, 0.0),
            updates: (1000, 0.0),
            clears: (1000, 0.0),
            deletes: (1000, 0.0),
            noise: 100.0,
        },
        customs: BTreeMap::new(),
        paused: BTreeMap::new(),
        identities: BTreeMap::new(),
        since: BTreeMap::new(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
        closed_states: Sided {
            ado: Closing::of(Side::Ado, [("Bug", vec![("Closed", "Completed")])], &[]),
            clickup: Closing::of(Side::ClickUp, [("Bug", vec![("complete", "closed")])], &[]),
        },
    }
}

pub fn people(mails: &[&str]) -> FieldValue {
    FieldValue::from_people(
        mails
            .iter()
            .map(|mail| Folded::person(mail, mail))
            .collect(),
    )
}

/// Four values of a field in one side's vocabulary. Those at one place in both lists go together.
pub fn values(key: &FieldKey, side: Side) -> [FieldValue; 4] {
    let choice = FieldValue::choice;
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    match (key, side) {
        (FieldKey::Title, _) => ["a", "b", "c", "d"].map(FieldValue::text),
        (FieldKey::Type, Side::Ado) => ["User Story", "Task", "Bug", "Epic"].map(choice),
        (FieldKey::Type, Side::ClickUp) => ["Task", "Task", "Bug", "Milestone"].map(choice),
        (FieldKey::State, Side::Ado) => ["New", "Active", "Resolved", "Closed"].map(choice),
        (FieldKey::State, Side::ClickUp) => ["to do", "in review", "complete", "odd"].map(choice),
        (FieldKey::Assignees, Side::Ado) => [
            people(&[]),
            people(&["ana@contoso.com"]),
            people(&["bo@x.com"]),
            people(&["id:robot"]),
        ],
        (FieldKey::Assignees, Side::ClickUp) => [
            people(&[]),
            people(&["ana@clickup-mail.com"]),
            people(&["bo@x.com", "cy@x.com"]),
            people(&["ana@clickup-mail.com", "bo@x.com"]),
        ],
        (FieldKey::Tags, _) => [
            FieldValue::Empty,
            FieldValue::tags(["a"]),
            FieldValue::tags(["A", "b"]),
            FieldValue::tags(["b", "c, d"]),
        ],
        (FieldKey::Description, _) => [
            FieldValue::Empty,
            rich("one\n\ntwo"),
            rich("uno\n\ntwo"),
            rich("one\n\ndue"),
        ],
        (key, side) => {
            let example = |n| key.kind().example(side, n);
            [FieldValue::Empty, example(1), example(2), example(3)]
        }
    }
}

/// Whether a value is carried over as it is, and settled by nothing but who changed it.
pub fn is_plain(key: &FieldKey) -> bool {
    !matches!(
        key,
        FieldKey::Type
            | FieldKey::State
            | FieldKey::Assignees
            | FieldKey::Tags
            | FieldKey::Description
    )
}

pub fn pair_of(ado: &FieldValue, clickup: &FieldValue) -> Sided<FieldValue> {
    Sided {
        ado: ado.clone(),
        clickup: clickup.clone(),
    }
}

pub fn writes(merged: &Merged) -> Sided<Option<FieldValue>> {
    match merged {
        Merged::Write { to, .. } | Merged::Conflict { to, .. } => to.clone(),
        Merged::InSync | Merged::Rebase | Merged::Against | Merged::Blocked(_) => {
            Sided::build(|_| None)
        }
    }
}

/// What both sides and the base are once a merge was carried out and read back unchanged.
pub fn carried_out(
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
    merged: &Merged,
) -> (Option<Sided<FieldValue>>, Sided<FieldValue>) {
    let to = writes(merged);
    let after = Sided::build(|side| to.get(side).as_ref().unwrap_or(now.get(side)).clone());
    let held = matches!(
        merged,
        Merged::Blocked(_) | Merged::InSync | Merged::Against
    ) || matches!(merged, Merged::Conflict { taken: None, .. });
    match held {
        true => (base.cloned(), after),
        false => (Some(after.clone()), after),
    }
}

/// Merges as a plan does: without writes against the direction of the field.
pub fn merge(
    key: &FieldKey,
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    let rule = rule.by_direction();
    allowed(merge_field(key, base, now, rule, policy), rule).merged
}

/// Merges, carries out and merges again: nothing may be left to write.
pub fn settles(
    key: &FieldKey,
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Result<Merged, String> {
    let first = merge(key, base, now, rule, policy);
    let (base_after, after) = carried_out(base, now, &first);
    let second = merge(key, base_after.as_ref(), &after, rule, policy);
    let to = writes(&second);
    if to.ado.is_some() || to.clickup.is_some() {
        return Err(format!(
            "{key}: {base:?} {now:?}: first {first:?}, then {second:?}"
        ));
    }
    Ok(first)
}

pub fn item(side: Side, id: &str) -> Item {
    Item {
        id: id.into(),
        version: Version(7),
        url: format!("https://{}.example/{id}", side.key()),
        fields: BTreeMap::new(),
        raw: Default::default(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "here".to_owned(),
        created_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

/// A link with one field.
pub fn link(
    n: i64,
    key: &FieldKey,
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
) -> LinkView {
    let ids = Sided {
        ado: ItemId(n.to_string()),
        clickup: ItemId(format!("86d{n}")),
    };
    let items = Sided::build(|side| {
        let mut item = item(side, ids.get(side).as_str());
        item.fields.insert(key.clone(), now.get(side).clone());
        Presence::Seen(Box::new(item))
    });
    LinkView {
        link: LinkId(n),
        items: ids,
        base: base
            .map(|base| (key.clone(), base.clone()))
            .into_iter()
            .collect(),
        doubted: BTreeSet::new(),
        now: items,
        chosen: BTreeMap::new(),
        contested: BTreeSet::new(),
        removed: None,
        left_out: BTreeSet::new(),
        as_seen: BTreeSet::new(),
    }
}
