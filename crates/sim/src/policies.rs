//! What the configuration says at a moment of a history: a person may change it between two cycles.

use super::controls::Control;
use super::customs;
use super::guard_law::limits;
use super::kinds::{Kind, kinds, people, states};
use super::script::{Deleting, Setup};
use super::world::World;
use boardsync::mapping::Relation;
use boardsync::model::{FieldKey, Side, Sided};
use boardsync::reconcile::policy::{Direction, FieldPolicy, Lacks, OnDelete, Policy};
use std::collections::BTreeMap;

pub fn policies(world: &World, setup: &Setup, control: Option<Control>) -> Vec<Policy> {
    (0..setup.pairs as usize)
        .map(|n| policy(n, world, setup, control))
        .collect()
}

fn policy(n: usize, world: &World, setup: &Setup, control: Option<Control>) -> Policy {
    let rule = FieldPolicy {
        direction: Direction::Both,
        winner: setup.winner,
    };
    let (off, table) = (&world.told.off, world.told.table);
    let one_way = &world.told.one_way;
    let mut fields: BTreeMap<FieldKey, FieldPolicy> =
        kinds().iter().map(|kind| (kind.key(), rule)).collect();
    fields.insert(FieldKey::Type, rule);
    fields.retain(|key, _| !off.contains(key));
    for (key, to) in one_way {
        if let Some(rule) = fields.get_mut(key) {
            rule.direction = match to {
                Side::Ado => Direction::ToAdo,
                Side::ClickUp => Direction::ToClickUp,
            };
        }
    }
    Policy {
        pair: world.name(n),
        fingerprint: format!("f1 {:?} {off:?} {table} {one_way:?}", setup.winner),
        approved: true,
        create_on: Side::BOTH.to_vec(),
        on_delete: match setup.on_delete {
            Deleting::Unlink => OnDelete::Unlink,
            Deleting::Close => OnDelete::Close,
            Deleting::Delete => OnDelete::Delete,
        },
        fields,
        states: control.map_or_else(|| states(table), |control| control.states(table)),
        types: Relation::new([("Bug", "Bug")]),
        people: people(),
        parents: true,
        backlink: setup.backlink,
        guard: limits(setup.tight),
        customs: customs::FIELDS
            .iter()
            .map(|field| (field.key(), field.rule()))
            .collect(),
        paused: BTreeMap::new(),
        identities: BTreeMap::new(),
        since: BTreeMap::new(),
        closed_states: Sided::default(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
    }
}
