//! Places of pairs: their names, what a person moves from one pair to another, and lists and area paths that are gone for a
//! while. The other pairs go on meanwhile (I24).

use super::remote::{Remote, lock};
use super::run::Sim;
use super::world::{Request, World, numbered, pair};
use boardsync::connector::{ConnectorError, ErrorKind};
use boardsync::model::{ItemId, PairName, Side};
use boardsync::store::{LinkRow, Store};
use std::collections::{BTreeMap, BTreeSet};

/// The links of all pairs, under whatever name.
pub fn every_link(store: &Store) -> Vec<LinkRow> {
    let names = [false, true].into_iter();
    let names = names.flat_map(|renamed| (0..2).map(move |n| pair(n, renamed)));
    names
        .flat_map(|name| store.links(&name).unwrap_or_default())
        .collect()
}

impl World {
    /// What a pair is called at present.
    pub fn name(&self, n: usize) -> PairName {
        pair(n, self.told.renamed[n % 2])
    }

    /// What the configuration has.
    pub fn names(&self) -> BTreeSet<PairName> {
        (0..self.setup.pairs as usize)
            .map(|n| self.name(n))
            .collect()
    }

    /// A person moves an item to where another pair looks, if there are two.
    pub fn move_over(&mut self, side: Side, at: usize) {
        if self.setup.pairs < 2 {
            return;
        }
        self.count("moved to another pair");
        self.change(side, at, |state| {
            state.pair = 1 - state.pair % 2;
            state.in_scope = true;
        });
        let record = &self.side.get(side).records[at];
        let (id, pair) = (record.id.clone(), record.pair());
        self.say(|| format!("{side} {id}: person moves it to pair {pair}"));
    }

    /// A list is deleted or an area path renamed, or it is there again.
    pub fn shut(&mut self, side: Side, pair: u32, gone: bool) {
        let place = (side, (pair % self.setup.pairs) as usize);
        self.hidden = true;
        let moved = match gone {
            true => self.shut.insert(place),
            false => self.shut.remove(&place),
        };
        if moved {
            self.count(if gone { "place gone" } else { "place back" });
            self.say(|| format!("{side}: the place of pair {} is gone: {gone}", place.1));
        }
    }

    /// Whether an item cannot be read because its list is gone. A work item is read wherever it is.
    pub fn out_of_reach(&self, side: Side, pair: usize) -> bool {
        side == Side::ClickUp && self.shut.contains(&(side, pair))
    }
}

impl Remote {
    /// The pairs of these that cannot be listed because of their place.
    pub fn troubled(
        &self,
        world: &World,
        pairs: &BTreeSet<PairName>,
    ) -> BTreeMap<PairName, ConnectorError> {
        let shut = pairs
            .iter()
            .filter(|pair| world.shut.contains(&(self.side, numbered(pair))));
        shut.map(|pair| (pair.clone(), self.no_place())).collect()
    }

    fn no_place(&self) -> ConnectorError {
        self.error(ErrorKind::NotFound, "no such place")
    }

    /// Why a service does not take a request about a place that is gone; `None`: it is there.
    pub fn misplaced(&self, world: &World, request: &Request) -> Option<ConnectorError> {
        let held = |id: &ItemId| {
            let service = world.side.get(self.side);
            service.find(id).map(|at| service.records[at].pair())
        };
        let gone = match request {
            Request::Create(new) => world.shut.contains(&(self.side, numbered(&new.pair))),
            Request::Update(change) => {
                held(&change.id).is_some_and(|pair| world.out_of_reach(self.side, pair))
            }
            Request::Tag(id, ..) | Request::Delete(_, id) => {
                held(id).is_some_and(|pair| world.out_of_reach(self.side, pair))
            }
        };
        gone.then(|| self.no_place())
    }
}

impl Sim {
    /// I24: while the place of a pair is gone, everything else comes to rest. Then the place is there again.
    pub(super) fn quiet_beside(&mut self) {
        let shut: BTreeSet<usize> = {
            let world = lock(&self.world);
            world.shut.iter().map(|(_, pair)| *pair).collect()
        };
        if shut.is_empty() {
            return;
        }
        for full in [true, false, true, false, true, false] {
            self.pass(full);
            lock(&self.world).tick(660_000);
        }
        let engine = self.engine.clone();
        let mut world = lock(&self.world);
        if let Some(engine) = engine {
            let store = engine.store();
            for n in 0..self.setup.pairs as usize {
                // What was moved between the two waits for the other one.
                if !shut.contains(&n) && !world.counts.contains_key("moved to another pair") {
                    world.count("rests beside a place that is gone");
                    world.judge_pair(n, &store);
                }
            }
        }
        world.shut.clear();
    }
}
