//! The traits that the engine knows, call by call.

use super::controls::Control;
use super::kinds::between;
use super::remote::{Remote, lock};
use super::script::On;
use super::world::{Delivery, ELSEWHERE, Request, numbered};
use async_trait::async_trait;
use boardsync::connector::{
    BeforeCall, Change, ClaimChange, Claims, ConnectorError, EachPage, Fetched, Known, Listing,
    NewItem, Reader, Schema, SchemaState, SchemaType, Swept, Traces, Watermark, Writer, Written,
};
use boardsync::model::{
    FieldKey, FieldValue, Item, ItemId, PairName, Past, Side, Timestamp, Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that a whole listing hands on at once.
const ROWS_OF_A_PAGE: usize = 2;

/// The pace of writes: so many turns come at once, the next one takes this long.
const TURNS_AT_ONCE: u64 = 4;
const TURN_MS: i64 = 3_000;

#[async_trait]
impl Reader for Remote {
    fn side(&self) -> Side {
        self.side
    }

    async fn fetch_changes(
        &self,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        if since.high.is_none() {
            let every = lock(&self.world).names();
            return self.fetch_all(&every).await;
        }
        let ons = self.ons(On::List);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).and_then(|()| {
            let mut world = lock(&self.world);
            let listing = self.changes(&mut world, fault.as_ref(), since, known);
            self.ends_at_trouble(&listing.failed)?;
            Ok(listing)
        });
        self.back(&ons, answer).await
    }

    async fn sweep(
        &self,
        pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        let ons = self.ons(On::List);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).and_then(|()| {
            let mut world = lock(&self.world);
            let (rows, swept) = self.everything(&mut world, fault.as_ref(), pairs);
            self.ends_at_trouble(&swept.failed)?;
            Ok((rows, swept))
        });
        let (rows, swept) = self.back(&ons, answer).await?;
        for page in rows.chunks(ROWS_OF_A_PAGE) {
            each(page.to_vec())?;
        }
        Ok(swept)
    }

    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).map(|()| {
            let mut world = lock(&self.world);
            world.answers(self.side, fault.as_ref());
            let count = u32::try_from(ids.len()).unwrap_or(1).max(1);
            ids.iter()
                .zip(0..)
                .map(|(id, nth)| {
                    let hit = |n: u32| n % count == nth;
                    (id.clone(), self.read(&mut world, id, hit, fault.as_ref()))
                })
                .collect::<BTreeMap<_, _>>()
        });
        let answer = self.back(&ons, answer).await;
        if let Ok(items) = &answer {
            let mut world = lock(&self.world);
            let now = world.now;
            for id in items.keys() {
                let service = world.side.get_mut(self.side);
                if let Some(at) = service.find(id) {
                    service.records[at].read.1 = now;
                }
            }
        }
        answer
    }

    async fn fetch_place(&self, pair: &PairName) -> Result<Option<ConnectorError>, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).map(|()| {
            let world = lock(&self.world);
            let asked = BTreeSet::from([pair.clone()]);
            let wrong = self.troubled(&world, &asked).remove(pair);
            wrong.filter(|_| !self.is(Control::PlaceNotAsked))
        });
        self.back(&ons, answer).await
    }

    async fn find_marker(
        &self,
        pair_name: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let ons = self.ons(On::List);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).and_then(|()| {
            let world = lock(&self.world);
            let now = world.now;
            let asked = BTreeSet::from([pair_name.clone()]);
            if let Some((_, error)) = self.troubled(&world, &asked).pop_first() {
                return Err(error);
            }
            let wanted = numbered(pair_name);
            let records = &world.side.get(self.side).records;
            let found = records.iter().filter(|record| {
                let listed = record.listed(now).map(|at| &record.past[at]);
                record.created >= created_after.0
                    && listed.is_some_and(|state| {
                        state.pair == wanted
                            && !state.deleted
                            && state.markers.iter().any(|text| text == marker)
                    })
            });
            let found: Vec<ItemId> = found.map(|record| record.id.clone()).collect();
            match self.control.is_none_or(Control::finds_markers) {
                true => Ok(found),
                false => Ok(Vec::new()),
            }
        });
        self.back(&ons, answer).await
    }

    async fn find_titled(
        &self,
        title: &FieldValue,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let ons = self.ons(On::List);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).map(|()| {
            let world = lock(&self.world);
            let now = world.now;
            let records = &world.side.get(self.side).records;
            let found = records.iter().filter(|record| {
                let listed = record.listed(now).map(|at| &record.past[at]);
                record.created >= created_after.0
                    && listed.is_some_and(|state| {
                        let own = state.values.get(&FieldKey::Title);
                        !state.deleted && own.is_some_and(|own| own.reads_like(title))
                    })
            });
            found.map(|record| record.id.clone()).collect()
        });
        self.back(&ons, answer).await
    }

    fn covers(&self, pair_name: &PairName, item: &Item) -> Option<bool> {
        if self.control == Some(Control::OutsideScope) {
            return Some(true);
        }
        let there = item.container == pair_name.0;
        // ADO's place alone does not tell where the pair has a condition: an item in it may be outside, one in another
        // pair's place is.
        let told = self.side == Side::ClickUp || !there && item.container != ELSEWHERE;
        told.then_some(there)
    }

    async fn fetch_claims(&self, id: &ItemId) -> Result<Claims, ConnectorError> {
        self.read_claims(id).await
    }

    async fn steps_of_create(
        &self,
        _: &PairName,
        _: &Item,
        wanted: &FieldValue,
    ) -> Result<Vec<FieldValue>, ConnectorError> {
        match self.is(Control::HalfWayEdit) {
            true => Ok(Vec::new()),
            false => Ok(self.way_of_create(wanted)),
        }
    }

    async fn fetch_history(
        &self,
        id: &ItemId,
        since: Version,
    ) -> Result<Vec<Past>, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self
            .refuse(fault.as_ref(), false)
            .map(|()| self.history(&mut lock(&self.world), id, since));
        self.back(&ons, answer).await
    }

    async fn fetch_children_that_go(
        &self,
        id: &ItemId,
    ) -> Result<BTreeSet<ItemId>, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).map(|()| {
            let world = lock(&self.world);
            match self.is(Control::ChildrenNotAsked) {
                true => BTreeSet::new(),
                false => world.children_that_go(self.side, id),
            }
        });
        self.back(&ons, answer).await
    }

    async fn fetch_traces(&self, id: &ItemId) -> Result<Traces, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self
            .refuse(fault.as_ref(), false)
            .map(|()| lock(&self.world).traces(self.side, id));
        self.back(&ons, answer).await
    }

    fn server_now(&self) -> Option<Timestamp> {
        let world = lock(&self.world);
        world.side.get(self.side).answered.map(Timestamp)
    }

    async fn fetch_schema(&self, _: &PairName) -> Result<Schema, ConnectorError> {
        let state = |(name, category): (&str, &str)| SchemaState {
            name: name.to_owned(),
            category: category.to_owned(),
        };
        let states = match self.side {
            Side::Ado => vec![("New", "Proposed"), ("Closed", "Completed")],
            Side::ClickUp => vec![("to do", "open"), ("complete", "closed")],
        };
        let kind = SchemaType {
            name: "Bug".to_owned(),
            states: states.into_iter().map(state).collect(),
            ..SchemaType::default()
        };
        Ok(Schema {
            types: vec![kind],
            ..Schema::default()
        })
    }
}

#[async_trait]
impl Writer for Remote {
    fn side(&self) -> Side {
        self.side
    }

    async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        self.create_in_calls(new).await
    }

    async fn make_room(&self) -> Result<(), ConnectorError> {
        let mut world = lock(&self.world);
        world.turns += 1;
        if world.turns.is_multiple_of(TURNS_AT_ONCE) {
            world.count("waited for a turn");
            world.tick(TURN_MS);
        }
        Ok(())
    }

    async fn steps(&self, change: &Change) -> Result<Vec<FieldValue>, ConnectorError> {
        match self.is(Control::HalfWayEdit) {
            true => Ok(Vec::new()),
            false => Ok(self.between(change).into_iter().collect()),
        }
    }

    async fn claim(&self, change: &ClaimChange) -> Result<(), ConnectorError> {
        self.write_claim(change).await
    }

    async fn update_in_calls(
        &self,
        change: &Change,
        before: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError> {
        match self.side {
            Side::Ado => self.patch(change).await,
            Side::ClickUp => self.in_calls(change, before).await,
        }
    }

    async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        let ons = self.ons(On::Write);
        let request = || Request::Delete(pair.clone(), id.clone());
        let first = || {
            let _ = self.deliver(request(), None, Delivery::Now);
        };
        let (fault, again) = self.send_until_answered(&ons, first).await;
        let answer = self
            .refuse(fault.as_ref(), true)
            .and_then(|()| self.deliver(request(), fault.as_ref(), Delivery::Now))
            .map(|_| ());
        let answer = self.repeated(again, || Some(request()), answer);
        self.back(&ons, answer).await
    }
}

impl Remote {
    /// The design in which the trouble of one pair ends the cycle.
    fn ends_at_trouble(
        &self,
        failed: &BTreeMap<PairName, ConnectorError>,
    ) -> Result<(), ConnectorError> {
        match failed.values().next() {
            Some(error) if self.is(Control::PairEndsCycle) => Err(error.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// The state through which ADO goes to the one that a change wants.
    pub fn between(&self, change: &Change) -> Option<FieldValue> {
        let from = change.current.fields.get(&FieldKey::State)?;
        let to = change.set.get(&FieldKey::State)?;
        between(from, to).filter(|_| self.side == Side::Ado)
    }
}
