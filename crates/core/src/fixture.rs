//! A believable policy and linked items to bend, for tests here and in the program (feature `fixture`).

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "values for tests; their names say what they are"
)]

use crate::mapping::{People, Relation};
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, LinkId, RichText, Side, Sided, TextFormat,
    Timestamp, Version,
};
use crate::reconcile::choice::Chosen;
use crate::reconcile::closing::Closing;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::{Direction, FieldPolicy, GuardLimits, Lacks, OnDelete, Policy};
use crate::reconcile::rails::{self, Rails};
use crate::reconcile::{FreshItem, LinkView, Origin, Presence, View};
use std::collections::{BTreeMap, BTreeSet};

/// Every built-in field both ways, ADO wins, approved, unlink on delete.
pub fn policy() -> Policy {
    let rule = FieldPolicy {
        direction: Direction::Both,
        winner: Some(Side::Ado),
    };
    Policy {
        pair: "web".into(),
        fingerprint: "f1".to_owned(),
        approved: true,
        parents: true,
        backlink: false,
        create_on: vec![Side::Ado, Side::ClickUp],
        on_delete: OnDelete::Unlink,
        fields: FieldKey::BUILT_IN.into_iter().map(|k| (k, rule)).collect(),
        states: Relation::new([
            ("New", "to do"),
            ("Active", "in progress"),
            ("Active", "in review"),
            ("Resolved", "complete"),
            ("Closed", "complete"),
        ]),
        types: Relation::new([("User Story", "Task"), ("Bug", "Bug")]),
        people: People::new([("ana@contoso.com", "ana@clickup-mail.com")], None),
        guard: GuardLimits::default(),
        customs: BTreeMap::new(),
        paused: BTreeMap::new(),
        identities: BTreeMap::new(),
        since: BTreeMap::new(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
        closed_states: Sided {
            ado: Closing::of(
                Side::Ado,
                ["User Story", "Bug"].map(|kind| (kind, vec![("Closed", "Completed")])),
                &[],
            ),
            clickup: Closing::of(Side::ClickUp, [("Task", vec![("complete", "closed")])], &[]),
        },
    }
}

/// The same policy with one field's rule changed.
pub fn with_rule(key: FieldKey, direction: Direction, winner: Option<Side>) -> Policy {
    let mut policy = policy();
    policy.fields.insert(key, FieldPolicy { direction, winner });
    policy
}

/// An item with a title and nothing else.
pub fn item(side: Side, id: &str, title: &str) -> Item {
    let (url, kind, state) = match side {
        Side::Ado => {
            let url = format!("https://ado.example/Fabrikam/_workitems/edit/{id}");
            (url, "Bug", "New")
        }
        Side::ClickUp => (format!("https://clickup.example/t/{id}"), "Bug", "to do"),
    };
    Item {
        id: id.into(),
        version: Version(7),
        url,
        fields: BTreeMap::from([
            (FieldKey::Title, FieldValue::text(title)),
            (FieldKey::Type, FieldValue::choice(kind)),
            (FieldKey::State, FieldValue::choice(state)),
        ]),
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

/// Two linked items that agree on a title, a type and a state, to be bent by the test.
pub struct Linked {
    pub base: BTreeMap<FieldKey, Sided<FieldValue>>,
    pub items: Sided<Item>,
    pub link: LinkId,
}

impl Linked {
    pub fn new(n: i64) -> Linked {
        let linked = Linked {
            base: BTreeMap::new(),
            items: Sided {
                ado: item(Side::Ado, &(100 + n).to_string(), "-"),
                clickup: item(Side::ClickUp, &format!("86d{n}"), "-"),
            },
            link: LinkId(n),
        };
        linked
            .agreed(
                FieldKey::Title,
                FieldValue::text("Login fails"),
                FieldValue::text("Login fails"),
            )
            .agreed(
                FieldKey::Type,
                FieldValue::choice("Bug"),
                FieldValue::choice("Bug"),
            )
            .agreed(
                FieldKey::State,
                FieldValue::choice("Active"),
                FieldValue::choice("in progress"),
            )
    }

    /// Sets base and present value of both sides.
    pub fn agreed(mut self, key: FieldKey, ado: FieldValue, clickup: FieldValue) -> Linked {
        self.base.insert(
            key.clone(),
            Sided {
                ado: ado.clone(),
                clickup: clickup.clone(),
            },
        );
        self.now(Side::Ado, key.clone(), ado)
            .now(Side::ClickUp, key, clickup)
    }

    /// Sets base and present value of both sides to one value.
    pub fn same(self, key: FieldKey, value: FieldValue) -> Linked {
        self.agreed(key, value.clone(), value)
    }

    /// Sets what one side has now.
    pub fn now(mut self, side: Side, key: FieldKey, value: FieldValue) -> Linked {
        let item = self.items.get_mut(side);
        if let FieldValue::Rich(text) = &value {
            item.raw.insert(
                key.clone(),
                RichText::new(TextFormat::Markdown, text.as_str()),
            );
        }
        item.fields.insert(key, value);
        self
    }

    /// Forgets the base of a field.
    pub fn never_agreed(mut self, key: &FieldKey) -> Linked {
        self.base.remove(key);
        self
    }

    pub fn view(self) -> LinkView {
        let ids = Sided::build(|side| self.items.get(side).id.clone());
        LinkView {
            link: self.link,
            items: ids,
            base: self.base,
            doubted: BTreeSet::new(),
            now: self.items.map(|_, item| Presence::Seen(Box::new(item))),
            chosen: BTreeMap::new(),
            contested: BTreeSet::new(),
            removed: None,
            left_out: BTreeSet::new(),
            as_seen: BTreeSet::new(),
        }
    }

    /// The same link with one side's presence replaced.
    pub fn with(self, side: Side, presence: Presence) -> LinkView {
        let mut view = self.view();
        *view.now.get_mut(side) = presence;
        view
    }
}

pub fn gone() -> Presence {
    Presence::Gone {
        evidence: "in the recycle bin".to_owned(),
    }
}

pub fn view(links: Vec<LinkView>) -> View {
    View {
        total_links: links.len() as u64,
        links,
        ..View::default()
    }
}

pub fn fresh(item: Item, origin: Origin) -> FreshItem {
    FreshItem { item, origin }
}

/// A person chooses a value for a field, having seen what is there now.
pub fn choose(link: &mut LinkView, key: &FieldKey, side: Side, value: FieldValue) {
    let now = |side| link.now.get(side).item().unwrap().fields.get(key).cloned();
    let seen = Sided::build(|side| now(side).unwrap_or(FieldValue::Empty));
    let chosen = Chosen {
        conflict: 1,
        side,
        value,
        seen,
        made: None,
    };
    link.chosen.insert(key.clone(), chosen);
}

/// Plans a pair of which the rails know nothing.
pub fn reconcile(view: &View, policy: &Policy) -> PairPlan {
    rails::plan(view, policy, &Rails::default())
}

/// Plans one link.
pub fn plan_one(link: LinkView, policy: &Policy) -> PairPlan {
    reconcile(&view(vec![link]), policy)
}

/// Returns (target, field, value) of every change, sorted.
pub fn changes(plan: &PairPlan) -> Vec<(Side, String, String)> {
    let mut all: Vec<(Side, String, String)> = plan
        .actions
        .iter()
        .flat_map(|action| {
            action
                .changes
                .iter()
                .map(|c| (action.target, c.field.to_string(), c.after.to_string()))
        })
        .collect();
    all.sort();
    all
}

pub fn row(side: Side, field: &str, value: &str) -> (Side, String, String) {
    (side, field.to_owned(), value.to_owned())
}

pub fn person(mail: &str) -> Folded {
    Folded::person(mail, mail)
}

pub fn people(mails: &[&str]) -> FieldValue {
    FieldValue::from_people(mails.iter().map(|m| person(m)).collect::<BTreeSet<_>>())
}

pub fn rich(text: &str) -> FieldValue {
    FieldValue::rich(text.to_owned())
}

/// What the services and the base would be once every action of the plan was carried out and read back unchanged.
pub fn carried_out(mut link: LinkView, plan: &PairPlan) -> LinkView {
    let actions: Vec<&Action> = plan
        .actions
        .iter()
        .filter(|action| action.link == Some(link.link))
        .collect();
    for action in &actions {
        if let Presence::Seen(item) = link.now.get_mut(action.target) {
            for change in &action.changes {
                item.fields
                    .insert(change.field.clone(), change.after.clone());
            }
        }
    }
    for action in &actions {
        for change in &action.changes {
            let Some(source) = &change.source_value else {
                continue;
            };
            let mut base = Sided {
                ado: FieldValue::Empty,
                clickup: FieldValue::Empty,
            };
            *base.get_mut(action.target) = change.after.clone();
            *base.get_mut(action.target.other()) = source.clone();
            link.base.insert(change.field.clone(), base);
        }
    }
    for rebase in plan.rebases.iter().filter(|r| r.link == link.link) {
        link.base.extend(rebase.fields.clone());
    }
    link
}

pub fn id(text: &str) -> ItemId {
    text.into()
}
