//! Listing what changed.
//!
//! An idle cycle may cost one query and one more request. Re-reading the overlap window would list every item of the last
//! minutes again and again, so rows whose known version was read inside the window are first explained: one batch of
//! revisions tells which of them moved. A cycle with nothing to explain spends that request on the link feed, which has its
//! turn in a busy one too when it has waited for a while ([`super::link_feed`]). Where the
//! batch is small or most of it is news, it reads whole items, which then need no second read: an edit costs two requests.

use super::api::{BATCH, Select};
use super::wire::WorkItem;
use super::{Scope, Shared, fields, link_feed, wiql};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, Known, ListedRow, Listing, Watermark};
use crate::model::{Item, ItemId, PairName, Timestamp, Version};
use std::collections::{BTreeMap, BTreeSet};

/// How far each query reaches back below the watermark: queries run on an index that lags by seconds.
const OVERLAP_MS: i64 = 5 * 60 * 1000;

/// Most items of the overlap that are read whole. More are most likely a bulk that was dealt with: its revisions will do.
const WHOLE: usize = 20;

/// What is read of an item to tell its revision and its pair.
pub(super) const PLACE: [&str; 4] = ["System.Id", "System.Rev", fields::PROJECT, fields::AREA];

pub(super) type KnownFn<'a> = &'a (dyn for<'b> Fn(&'b ItemId) -> Option<Known> + Send + Sync);

/// Rows of a delta, told apart by what is already known.
struct Sorted {
    /// Must be reported.
    moved: BTreeSet<i64>,
    /// Known from a read inside the window: reported only if the revision differs.
    explained: BTreeMap<i64, Version>,
}

impl Shared {
    pub(super) async fn fetch_changes(
        &self,
        since: &Watermark,
        high: Timestamp,
        known: KnownFn<'_>,
    ) -> Result<Listing, ConnectorError> {
        let window = Timestamp(high.plus_ms(-OVERLAP_MS).0.div_euclid(1000) * 1000);
        let groups = self.groups();
        let mut found = self
            .walk_pairs(&groups, wiql::Since::Changed(window), Priority::Live)
            .await?;
        let mut sorted = sort(&found.ids, window, known);
        let ask_again = sorted.explained.len() > BATCH;
        if ask_again {
            // Too many for one batch of revisions: ask which of them changed since the last look instead.
            let again = self
                .walk_pairs(&groups, wiql::Since::Changed(high), Priority::Live)
                .await?;
            sorted.explained.retain(|id, _| again.ids.contains_key(id));
            found.failed.extend(again.failed);
        }
        let unattributed = sorted
            .moved
            .iter()
            .filter(|id| matches!(found.ids.get(id), Some(None)));
        let mut to_read: BTreeSet<i64> = sorted
            .explained
            .keys()
            .chain(unattributed)
            .copied()
            .collect();
        // What has moved is read in any case: here it goes along with the others, or takes the place of the link feed.
        if to_read.len() + sorted.moved.len() <= WHOLE {
            to_read.extend(&sorted.moved);
        }
        let mut watermark = Watermark {
            high: Some(high.max(found.as_of)),
            peak: None,
            settled: Some(found.as_of),
            link_token: since.link_token.clone(),
            links_read: since.links_read,
        };
        let most = if ask_again { BATCH } else { WHOLE };
        let whole = to_read.len() <= most;
        let select = match whole {
            true => Select::Relations,
            false => Select::Fields(&PLACE),
        };
        let places = self.places(&to_read, select).await?;
        let mut rows = self
            .rows_of_moved(&found.ids, &sorted, &places, whole, &groups)
            .await?;
        let quiet = to_read.is_empty() && !ask_again;
        watermark.links_read = since.links_read.or(Some(found.as_of));
        if quiet || link_feed::is_due(since.links_read, found.as_of) {
            let (ends, token) = self.changed_links(since, link_feed::PAGES, known).await?;
            watermark.link_token = token;
            watermark.links_read = Some(found.as_of);
            let open: BTreeSet<i64> = ends
                .into_iter()
                .filter(|id| !rows.contains_key(id))
                .collect();
            rows.extend(self.link_rows(&open, &groups).await?);
        }
        rows.retain(|_, row: &mut ListedRow| !found.failed.contains_key(&row.pair));
        Ok(Listing {
            rows: rows.into_values().collect(),
            watermark,
            complete: false,
            failed: found.failed,
        })
    }

    /// The rows of what has moved since it was read last, as far as it is in a pair. `whole`: `places` holds whole items.
    async fn rows_of_moved(
        &self,
        found: &BTreeMap<i64, Option<PairName>>,
        sorted: &Sorted,
        places: &BTreeMap<i64, WorkItem>,
        whole: bool,
        groups: &[wiql::Group],
    ) -> Result<BTreeMap<i64, ListedRow>, ConnectorError> {
        let mut rows = BTreeMap::new();
        for (id, pair) in found {
            let place = places.get(id);
            let rev = place.map(|wire| Version(wire.rev));
            let explained = sorted.explained.get(id);
            if explained.is_none() && !sorted.moved.contains(id) {
                continue;
            }
            if explained.is_some() && explained == rev.as_ref() {
                continue;
            }
            let pair = pair.clone().or_else(|| self.pair_of(place?, groups));
            match pair {
                Some(pair) => {
                    let mut row = row(*id, pair, rev);
                    let is_whole = |wire: &&WorkItem| whole && wire.text(fields::TYPE).is_some();
                    if let Some(wire) = place.filter(is_whole) {
                        row.item = Some(Box::new(self.convert(wire).await?));
                    }
                    rows.insert(*id, row);
                }
                None => tracing::debug!(id, "changed item is in no pair's area any more"),
            }
        }
        Ok(rows)
    }

    /// Reads revision and place of items, or all of them.
    pub(super) async fn places(
        &self,
        ids: &BTreeSet<i64>,
        select: Select<'_>,
    ) -> Result<BTreeMap<i64, WorkItem>, ConnectorError> {
        let ids: Vec<i64> = ids.iter().copied().collect();
        let mut places = BTreeMap::new();
        for chunk in ids.chunks(BATCH) {
            // One that is too large alone is reported without its content and read by id.
            let (mut read, too_large) = self.batch_in_parts(chunk, select, Priority::Live).await?;
            if !too_large.is_empty() {
                // Reported without its content; what reads it by id says what is wrong.
                let place = Select::Fields(&PLACE);
                let small = self.batch_in_parts(&too_large, place, Priority::Live);
                read.extend(small.await?.0);
            }
            places.extend(read.into_iter().map(|wire| (wire.id, wire)));
        }
        Ok(places)
    }

    /// Attributes an item among the pairs that share a query.
    pub(super) fn pair_of(&self, wire: &WorkItem, groups: &[wiql::Group]) -> Option<PairName> {
        let shared: BTreeSet<&PairName> = groups
            .iter()
            .filter(|group| group.pairs.len() > 1)
            .flat_map(|group| &group.pairs)
            .collect();
        let scopes = self
            .scopes
            .iter()
            .filter(|scope| shared.contains(&scope.pair))
            .collect();
        attribute(wire, scopes)
    }

    /// Judges an item by its place. The condition and the person of a pair cannot be judged here.
    pub(super) fn covers(&self, pair: &PairName, item: &Item) -> Option<bool> {
        let scope = self.scopes.iter().find(|scope| scope.pair == *pair)?;
        let (project, area) = item.container.split_once('|')?;
        if !wiql::covers(scope, project, area) {
            return Some(false);
        }
        let filtered = |scope: &Scope| scope.condition.is_some() || scope.assigned_to.is_some();
        let owner = wiql::attribute(&self.scopes, project, area)?;
        if owner.pair == *pair {
            return (!filtered(scope)).then_some(true);
        }
        // It belongs to the pair with the deeper area, if that one takes everything there.
        let deeper = wiql::depth(owner) > wiql::depth(scope);
        (deeper && !filtered(owner)).then_some(false)
    }
}

pub(super) fn attribute(wire: &WorkItem, scopes: Vec<&Scope>) -> Option<PairName> {
    let project = wire.text(fields::PROJECT)?;
    let area = wire.text(fields::AREA).unwrap_or(project);
    wiql::attribute(scopes, project, area).map(|scope| scope.pair.clone())
}

pub(super) fn row(id: i64, pair: PairName, version: Option<Version>) -> ListedRow {
    ListedRow {
        id: ItemId(id.to_string()),
        pair,
        version,
        item: None,
        shown: BTreeMap::new(),
    }
}

/// Splits what was found: unknown items and those last read before the window have certainly moved.
fn sort(found: &BTreeMap<i64, Option<PairName>>, window: Timestamp, known: KnownFn<'_>) -> Sorted {
    let mut sorted = Sorted {
        moved: BTreeSet::new(),
        explained: BTreeMap::new(),
    };
    for id in found.keys() {
        match known(&ItemId(id.to_string())) {
            Some(held) if held.changed_at >= window => {
                sorted.explained.insert(*id, held.version);
            }
            _ => {
                sorted.moved.insert(*id);
            }
        }
    }
    sorted
}
