//! What is to be looked at: rows of the listings, links that they left out, and what waits for another look.

use super::{Focus, Observed, again_key, living};
use crate::connector::{Known, ListedRow, Listing};
use crate::engine::{CycleError, Engine};
use crate::model::{ItemId, LinkId, PairName, Side, Timestamp};
use crate::store::{LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// One listing of a side: in full where a pair is due, else what changed.
    pub(super) async fn list(
        &self,
        side: Side,
        swept: &BTreeSet<PairName>,
        pairs: usize,
    ) -> Result<Listing, CycleError> {
        let reader = self.readers.get(side);
        let since = self.store().watermark(side)?;
        let known = |id: &ItemId| -> Option<Known> { self.store().known(side, id).ok().flatten() };
        if swept.len() == pairs {
            let links = reader.fetch_links(&since, &known).await?;
            let mut full = reader.fetch_all(swept).await?;
            full.watermark.link_token = links.watermark.link_token;
            full.rows = with_links(full.rows, links.rows);
            return Ok(full);
        }
        let mut delta = reader.fetch_changes(&since, &known).await?;
        if !swept.is_empty() {
            let full = reader.fetch_all(swept).await?;
            let (twice, mut rows): (Vec<_>, Vec<_>) = delta
                .rows
                .into_iter()
                .partition(|row| swept.contains(&row.pair));
            rows.extend(with_links(full.rows, twice));
            delta.rows = rows;
            delta.failed.retain(|pair, _| !swept.contains(pair));
            delta.failed.extend(full.failed);
        }
        Ok(delta)
    }

    pub(super) fn sort_rows(
        &self,
        store: &Store,
        side: Side,
        listing: Listing,
        forced: &BTreeSet<PairName>,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), StoreError> {
        let mut settled = BTreeMap::new();
        for pair in observed
            .swept
            .difference(forced)
            .filter(|_| side == Side::Ado)
        {
            settled.insert(pair.clone(), store.settled(side, pair)?);
        }
        let mut left = Vec::new();
        for mut row in listing.rows {
            let Some(focus) = focus.get_mut(&row.pair) else {
                continue;
            };
            focus.listed.get_mut(side).insert(row.id.clone());
            // Where nearly every work item of a sweep ends. A task's version is a time, which two changes can share, so
            // where the row shows the content that is looked at as well (`confirm`).
            let stored = settled.get(&row.pair).and_then(|items| items.get(&row.id));
            if row.item.is_none() && stored.is_some() && stored.copied() == row.version {
                continue;
            }
            let Some(link) = living(store, &row.pair, side, &row.id)? else {
                if !focus.swept {
                    left.extend(store.find_item(&row.id)?);
                }
                focus
                    .fresh
                    .get_mut(side)
                    .insert(row.id, row.item.map(|item| *item));
                continue;
            };
            let known = store.known(side, &row.id)?;
            let same = known.is_some_and(|known| Some(known.version) == row.version);
            let active = matches!(link.state, LinkState::Active) && !forced.contains(&row.pair);
            if same && active && confirm(store, side, &link, &row, observed)? {
                continue;
            }
            let stands = match side {
                Side::Ado => row.item.as_ref().map(|item| item.version) == row.version,
                Side::ClickUp => {
                    same && forced.contains(&row.pair) && is_whole(store, &link, &row)?
                }
            };
            if let Some(item) = row.item.take().filter(|_| stands) {
                focus.held.get_mut(side).insert(row.id, *item);
            }
            focus.links.insert(link.id, link);
        }
        // An item that turns up as new in one pair may have left another: that link is decided at once too.
        for link in left {
            let dead = matches!(link.state, LinkState::Tombstone { .. });
            if let Some(focus) = focus.get_mut(&link.pair).filter(|_| !dead) {
                focus.links.insert(link.id, link);
            }
        }
        Ok(())
    }

    /// Adds links that a complete listing left out, and those that wait for another look.
    pub(super) fn add_missing_and_due(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
        forced: &BTreeSet<PairName>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = self.store();
        for (pair, focus) in focus.iter_mut() {
            if focus.swept {
                let all = forced.contains(pair);
                let listed = &focus.listed;
                let wanted = |ado: &str, clickup: &str| {
                    all || !listed.ado.contains(ado) || !listed.clickup.contains(clickup)
                };
                let links = store.living_links(pair, wanted)?;
                focus
                    .links
                    .extend(links.into_iter().map(|link| (link.id, link)));
                let touched = focus.links.len();
                let live = usize::try_from(focus.total).unwrap_or(usize::MAX);
                focus.untouched = live.saturating_sub(touched);
            }
            let again: Vec<LinkId> = store
                .meta(&again_key(pair))?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let holds = store.holds(Some(pair))?;
            // A clock that was set back ends every wait.
            let due = holds.iter().filter(|hold| {
                hold.retry_at
                    .is_some_and(|at| at <= now || now < hold.since)
            });
            for hold in due {
                match (hold.link, hold.side, &hold.item) {
                    (Some(link), _, _) => {
                        if let Some(link) = store
                            .link(link)?
                            .filter(|link| !matches!(link.state, LinkState::Tombstone { .. }))
                        {
                            focus.links.insert(link.id, link);
                        }
                    }
                    (None, Some(side), Some(item))
                        if living(&store, pair, side, item)?.is_none() =>
                    {
                        focus
                            .fresh
                            .get_mut(side)
                            .entry(item.clone())
                            .or_insert(None);
                    }
                    (None, _, _) => {}
                }
            }
            for id in again {
                if let Some(link) = store
                    .link(id)?
                    .filter(|link| !matches!(link.state, LinkState::Tombstone { .. }))
                {
                    focus.links.insert(link.id, link);
                }
            }
        }
        Ok(())
    }
}

/// Takes the version from each row of a complete listing that `told` lists without one: its links changed, which no
/// version shows, so it is read. What the complete listing does not list is left out.
fn with_links(mut rows: Vec<ListedRow>, told: Vec<ListedRow>) -> Vec<ListedRow> {
    let told = told.into_iter().filter(|row| row.version.is_none());
    let told: BTreeSet<ItemId> = told.map(|row| row.id).collect();
    for row in rows.iter_mut().filter(|row| told.contains(&row.id)) {
        row.version = None;
        row.item = None;
    }
    rows
}

/// Returns whether a row shows every field that the link has a base for: a listing may leave some out.
fn is_whole(store: &Store, link: &LinkRow, row: &ListedRow) -> Result<bool, StoreError> {
    let Some(item) = &row.item else {
        return Ok(false);
    };
    let base = store.base(link.id)?;
    Ok(base.keys().all(|key| item.fields.contains_key(key)))
}

/// A listing shows the version that we already hold: nobody wrote in between, so what it shows is what the server made
/// of our own write. Returns false when that cannot be told and the item must be read.
fn confirm(
    store: &Store,
    side: Side,
    link: &LinkRow,
    row: &ListedRow,
    observed: &mut Observed,
) -> Result<bool, StoreError> {
    let open = store.unconfirmed(link.id, side)?;
    let Some(item) = &row.item else {
        // What another version of this program read, this one may read differently.
        let foreign = store.read_by_another(side, &row.id)?.unwrap_or(false);
        return Ok(open.is_empty() && !foreign);
    };
    // Two changes within the tick of the service's clock have the same version, so where the listing shows the content
    // the content decides.
    let held = store.observation(side, &row.id)?;
    let moved = held.is_some_and(|held| {
        item.fields.iter().any(|(key, value)| {
            let before = held.item.fields.get(key);
            !open.contains_key(key) && before.is_some_and(|before| before != value)
        })
    });
    if moved {
        return Ok(false);
    }
    if open.is_empty() {
        return Ok(true);
    }
    let mut fields = BTreeMap::new();
    for (key, mut base) in open {
        // A listing may leave a field out; then the intended value stays, still unconfirmed.
        let Some(value) = item.fields.get(&key) else {
            continue;
        };
        match side {
            Side::Ado => (base.ado, base.ado_confirmed) = (value.clone(), true),
            Side::ClickUp => (base.clickup, base.clickup_confirmed) = (value.clone(), true),
        }
        fields.insert(key, base);
    }
    if !fields.is_empty() {
        observed.confirmed.push((link.id, fields));
    }
    Ok(true)
}
