//! The judge at the end: when everything is quiet, each thing must be in its place, and nothing more may happen.

use super::kinds::{Kind, kinds};
use super::places::every_link;
use super::world::{Record, World};
use boardsync::model::{FieldKey, ItemId, Side, Sided};
use boardsync::reason::{HoldWhy, RailWhy, ValueWhy};
use boardsync::store::{Conflict, HoldRow, LinkRow, LinkState, Store};
use std::collections::{BTreeMap, BTreeSet};

/// A law, and how it is broken.
type Broken = (&'static str, String);

/// What the database says of a pair at the end.
struct End {
    /// The pair's number.
    n: usize,
    holds: Vec<HoldRow>,
    /// Open conflicts of every pair.
    open: Vec<Conflict>,
}

/// A field of a linked pair at the end.
enum Judged {
    /// Both sides agree, or something says why they don't.
    Fine,
    /// A service never takes the value, and a hold names both.
    Stubborn,
    /// They differ and nothing says so. Holds what they show.
    Apart(String),
}

impl World {
    /// When everything is quiet: I3 to I5, I7, I12.
    pub fn judge_end(&mut self, store: &Store) {
        self.judge_places(store);
        self.judge_cut(store);
        self.judge_echo();
    }

    /// I3 beyond the bounds: of several counterparts of one item, all but the linked one are held, and the hold names
    /// the linked one.
    fn judge_twins(&mut self, n: usize, store: &Store) {
        let name = self.name(n);
        // Also by another name of the pair, and by the pair that it was in before.
        let links = every_link(store);
        let holds = store.holds(Some(&name)).unwrap_or_default();
        let mut silent = Vec::new();
        for side in Side::BOTH {
            let here = |record: &&Record| {
                record.pair() == n
                    && record.source.is_some()
                    && !record.copy
                    && !record.now().deleted
            };
            let records = &self.side.get(side).records;
            let mut made: BTreeMap<&ItemId, Vec<&Record>> = BTreeMap::new();
            for record in records.iter().filter(here) {
                let source = record.source.as_ref().unwrap_or(&record.id);
                made.entry(source).or_default().push(record);
            }
            for (source, twins) in made.iter().filter(|(_, twins)| twins.len() > 1) {
                let linked =
                    |record: &&&Record| links.iter().any(|link| *link.item(side) == record.id);
                // The link of a counterpart that was deleted is ended; one that was made since says who is the counterpart.
                let living = |record: &&&Record| {
                    links.iter().any(|link| {
                        let ended = !link.state.is_living();
                        !ended && *link.item(side) == record.id
                    })
                };
                // One without its marker may have a counterpart of its own.
                let own = |record: &&&Record| {
                    let mut both = links.iter().filter(|link| *link.item(side) == record.id);
                    both.any(|link| link.item(side.other()) == *source)
                };
                let first = twins.iter().find(|twin| living(twin) && own(twin));
                let first = first.or_else(|| twins.iter().find(living));
                let first = first.or_else(|| twins.iter().find(linked));
                for twin in twins.iter().filter(|twin| !linked(twin)) {
                    let told = holds.iter().any(|hold| {
                        let names =
                            first.is_none_or(|first| hold.reason().contains(first.id.as_str()));
                        hold.item.as_ref() == Some(&twin.id) && names
                    });
                    if twin.now().in_scope && !told {
                        silent.push(format!(
                            "{side} {} is a twin for {source}, and nothing says so",
                            twin.id
                        ));
                    }
                }
            }
        }
        for what in silent {
            self.violate("I3", what);
        }
    }

    /// Everything is linked, and linked items say the same.
    pub fn judge_places(&mut self, store: &Store) {
        for n in 0..self.setup.pairs as usize {
            self.judge_pair(n, store);
            self.judge_twins(n, store);
        }
    }

    /// Whether a service refused the field of one of the items. It may stay apart then, where a hold says so.
    pub fn refuses(&self, key: &FieldKey, items: [&ItemId; 2]) -> bool {
        let poisoned = self.poison.iter();
        let poisoned = poisoned.map(|poison| (&poison.subject, &poison.field));
        let refused = self.refused.iter().map(|(item, field)| (item, field));
        let mut all = poisoned.chain(refused);
        all.any(|(item, field)| field == key && items.contains(&item))
    }

    /// Judges what a pair's database and both services say at the end.
    pub fn judge_pair(&mut self, n: usize, store: &Store) {
        let name = self.name(n);
        let end = End {
            n,
            holds: store.holds(Some(&name)).unwrap_or_default(),
            open: store.conflicts(true).unwrap_or_default(),
        };
        let mut found = Vec::new();
        for link in &store.links(&name).unwrap_or_default() {
            self.judge_link(&end, link, store, &mut found);
        }
        found.extend(self.forgotten(&end, store));
        for (law, what) in found {
            self.violate(law, what);
        }
    }

    /// A living link joins two items that are there, and its two items agree.
    fn judge_link(&mut self, end: &End, link: &LinkRow, store: &Store, found: &mut Vec<Broken>) {
        let (Some(ado), Some(clickup)) = (
            self.side.ado.find(&link.ado),
            self.side.clickup.find(&link.clickup),
        ) else {
            return;
        };
        if !link.state.is_living() {
            return;
        }
        let records = (
            &self.side.ado.records[ado],
            &self.side.clickup.records[clickup],
        );
        let what = format!("{} and {}", link.ado, link.clickup);
        if records.0.now().deleted || records.1.now().deleted {
            // A delete would take along what is below it. It is held then, and by name.
            let waits = !self.below(Side::ClickUp, clickup).is_empty()
                && end.holds.iter().any(|hold| {
                    hold.link == Some(link.id)
                        && matches!(&hold.why, HoldWhy::Value(ValueWhy::CannotDelete { children, .. }) if !children.is_empty())
                });
            if waits && !records.1.now().deleted {
                return self.count("held above a subtask");
            }
            found.push(("I12", format!("{what}: one is deleted and the link lives")));
            return;
        }
        let inside = records.0.is_in(end.n) && records.1.is_in(end.n);
        match (inside, &link.state) {
            (true, LinkState::Active) => {}
            (true, state) => {
                found.push((
                    "I4",
                    format!("{what}: both are there, the link is {state:?}"),
                ));
                return;
            }
            (false, LinkState::OutOfScope) => return,
            (false, state) => {
                let said = format!("{what}: one is out of scope, the link is {state:?}");
                found.push(("I12", said));
                return;
            }
        }
        for choice in store.choices(link.id).unwrap_or_default() {
            let refused = |(item, field): &(ItemId, FieldKey)| {
                *field == choice.field && (*item == link.ado || *item == link.clickup)
            };
            let key = &choice.field;
            // One that a service never takes waits for a person, and the hold names both values.
            if !self.refused.iter().any(refused) && !self.held_as_stubborn(end, link, clickup, key)
            {
                let said = format!("{what}: a choice for {key} is neither written nor dropped");
                found.push(("I21", said));
            }
        }
        for kind in kinds() {
            match self.judge_field(end, link, (ado, clickup), *kind) {
                Judged::Fine => {}
                Judged::Stubborn => self.count("held as not taken"),
                Judged::Apart(said) => found.push(("I5", format!("{what}: {said}"))),
            }
        }
    }

    /// Both sides agree on a field, or a person can see why they don't.
    fn judge_field(
        &self,
        end: &End,
        link: &LinkRow,
        (ado, clickup): (usize, usize),
        kind: &'static dyn Kind,
    ) -> Judged {
        let key = kind.key();
        let task = &self.side.clickup.records[clickup];
        let shown = (
            self.side.ado.records[ado].now().values.get(&key),
            task.now().values.get(&key),
        );
        let (Some(x), Some(y)) = shown else {
            return Judged::Fine;
        };
        let in_conflict = end
            .open
            .iter()
            .any(|row| row.record.link == link.id && row.record.field == key);
        let refused = self.refuses(&key, [&link.ado, &link.clickup])
            && end.holds.iter().any(|hold| {
                let item = hold.item.as_ref();
                let here = hold.link == Some(link.id)
                    || item == Some(&link.ado)
                    || item == Some(&link.clickup);
                here && hold.subject.covers(&key)
            });
        if self.held_as_stubborn(end, link, clickup, &key)
            || self.held_as_not_kept(end, link, (ado, clickup), &key)
        {
            return Judged::Stubborn;
        }
        if kind.agree(x, y) || in_conflict || refused {
            return Judged::Fine;
        }
        let holds = end
            .holds
            .iter()
            .map(|hold| (&hold.item, &hold.subject, hold.reason()));
        let holds: Vec<_> = holds.collect();
        Judged::Apart(format!("{key} is {x} and {y}, held are {holds:?}"))
    }

    /// Whether a field was sent to a task again and again and never taken, and is held.
    fn held_as_stubborn(&self, end: &End, link: &LinkRow, clickup: usize, key: &FieldKey) -> bool {
        let mut holds = end.holds.iter();
        let held = holds.any(|hold| hold.link == Some(link.id) && hold.subject == *key);
        held && self.stubborn(Side::ClickUp, &self.side.clickup.records[clickup], key)
    }

    /// Whether a service said yes to a value by chance again and again and kept another one, as the hold says too.
    fn held_as_not_kept(
        &self,
        end: &End,
        link: &LinkRow,
        (ado, clickup): (usize, usize),
        key: &FieldKey,
    ) -> bool {
        let mut holds = end.holds.iter();
        let at = Sided { ado, clickup };
        holds.any(|hold| {
            let HoldWhy::Rail(RailWhy::NotKept {
                side, again: None, ..
            }) = &hold.why
            else {
                return false;
            };
            let field = (*side, *at.get(*side), key.clone());
            hold.link == Some(link.id) && hold.subject == *key && self.told.untaken.contains(&field)
        })
    }

    /// Items of the pair that are neither linked nor held: nobody would ever hear of them.
    fn forgotten(&self, end: &End, store: &Store) -> Vec<Broken> {
        // Also by the pair that it was in before.
        let linked: BTreeSet<(Side, ItemId)> = every_link(store)
            .into_iter()
            .flat_map(|link| [(Side::Ado, link.ado), (Side::ClickUp, link.clickup)])
            .collect();
        let mut found = Vec::new();
        for side in Side::BOTH {
            for record in &self.side.get(side).records {
                let held = |hold: &HoldRow| hold.item.as_ref() == Some(&record.id);
                let known =
                    linked.contains(&(side, record.id.clone())) || end.holds.iter().any(held);
                if record.is_in(end.n) && !record.now().deleted && !known {
                    let said = format!("{side} {}: neither linked nor held", record.id);
                    found.push(("I4", said));
                }
            }
        }
        found
    }

    /// I7: no more changes by the engine than by people.
    fn judge_echo(&mut self) {
        let copies = |side: Side| {
            let records = &self.side.get(side).records;
            records.iter().any(|record| record.copy)
        };
        let twins = self.counts.contains_key("twins beyond the bounds");
        if twins || Side::BOTH.into_iter().any(copies) {
            // A copy with our marker may be taken for the counterpart before the real one is listed.
            return;
        }
        // Who was never told how a service rendered a value takes the rendering for an edit, once.
        let untold = ["crash", "unanswered", "repeated"];
        let untold = untold.map(|word| self.counts.get(word).copied().unwrap_or(0));
        let untold = u32::try_from(untold.iter().sum::<u64>()).unwrap_or(u32::MAX);
        let mut found = Vec::new();
        for (at, ado) in self.side.ado.records.iter().enumerate() {
            for twin in self.twins(Side::Ado, at) {
                let clickup = &self.side.clickup.records[twin];
                for kind in kinds() {
                    let key = kind.key();
                    let sum = |counts: [&BTreeMap<FieldKey, u32>; 2]| -> u32 {
                        counts.iter().filter_map(|count| count.get(&key)).sum()
                    };
                    // Also what people did to a former counterpart, which is gone.
                    let former = |side: Side, at: usize| -> u32 {
                        let records = &self.side.get(side.other()).records;
                        let twins = self.twins(side, at).into_iter();
                        twins
                            .filter_map(|twin| records[twin].writes.people.get(&key))
                            .sum()
                    };
                    let people = former(Side::Ado, at) + former(Side::ClickUp, twin);
                    let engine = sum([&ado.writes.engine, &clickup.writes.engine]);
                    let rendered = sum([&ado.writes.rendered, &clickup.writes.rendered]);
                    // A set that is refused goes element by element. One whose call got no answer goes on in a later cycle.
                    let refused = self.refuses(&key, [&ado.id, &clickup.id]);
                    let parts = if refused { 4 } else { 0 } + untold;
                    let parts = if kind.is_set() { parts } else { 0 };
                    let rendered = if untold > 0 { rendered } else { 0 };
                    if engine > people.max(1) + parts + rendered {
                        found.push(format!("{} and {}: {key} changed {engine} times by the engine, {people} times by people", ado.id, clickup.id));
                    }
                }
            }
        }
        for what in found {
            self.violate("I7", what);
        }
    }
}

/// What is stored, but for heartbeats: two equal texts mean that nothing was recorded in between.
pub fn stored(store: &Store, pairs: u32, world: &World) -> String {
    let mut text = String::new();
    for n in 0..pairs as usize {
        let name = world.name(n);
        for link in store.links(&name).unwrap_or_default() {
            text.push_str(&format!(
                "{link:?} {:?} {:?}\n",
                store.base(link.id).unwrap_or_default(),
                store.choices(link.id).unwrap_or_default()
            ));
        }
        for hold in store.holds(Some(&name)).unwrap_or_default() {
            // Which side a link's hold names, and in which words an open create waits, is for show only.
            let item = hold
                .link
                .map_or(format!("{:?} {:?}", hold.side, hold.item), |link| {
                    link.to_string()
                });
            let reason = hold.link.map(|_| hold.reason()).unwrap_or_default();
            text.push_str(&format!("hold {item} {} {reason}\n", hold.subject));
        }
        text.push_str(&format!("{:?}\n", store.revisits(&name).ok()));
    }
    text.push_str(&format!("{:?}\n", store.open_intents().unwrap_or_default()));
    text.push_str(&format!(
        "{:?}\n",
        store.conflicts(false).unwrap_or_default()
    ));
    for side in Side::BOTH {
        for record in &world.side.get(side).records {
            let known = store.known(side, &record.id).ok().flatten();
            text.push_str(&format!("{known:?}\n"));
        }
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}
