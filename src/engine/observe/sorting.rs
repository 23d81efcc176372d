//! The rows of a listing, sorted as they come: what is as it was held, and what is to be looked at.

use super::listing::{looks_at, told};
use super::{Focus, Looks, Observed, living};
use crate::capabilities::{self, Versions};
use crate::connector::{ConnectorError, ListedRow};
use crate::model::{FieldKey, Item, ItemId, LinkId, PairName, Side, Version};
use crate::store::{LinkRow, LinkState, Listed, Met, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the rows of one side's listing have established so far. Nothing of it counts before the listing is over: a pair may
/// turn out to be gone half way.
pub(super) struct Sorting<'a> {
    pub(super) side: Side,
    /// Pairs of which every item counts as changed.
    pub(super) forced: &'a BTreeSet<PairName>,
    /// The custom fields of each pair, whose values a listing may leave out.
    pub(super) customs: &'a BTreeMap<PairName, BTreeSet<FieldKey>>,
    /// Links with a request that had no answer, with the item's version before it.
    pub(super) unanswered: BTreeMap<LinkId, Version>,
    /// Items whose links changed, which no version shows.
    pub(super) linked: BTreeSet<ItemId>,
    pub(super) listed: &'a mut Listed,
    pub(super) focus: &'a mut BTreeMap<PairName, Focus>,
    /// Links of items that turned up as new in another pair.
    pub(super) left: Vec<LinkRow>,
    /// What the listing shows of values that were sent.
    pub(super) looks: BTreeMap<LinkId, (PairName, Looks)>,
    /// Links of items of which a full listing and the last read do not show the same custom fields.
    pub(super) hidden: Vec<LinkRow>,
    /// Links of which the listing shows something else than what was sent.
    pub(super) again: BTreeSet<(PairName, LinkId)>,
}

impl Sorting<'_> {
    /// Takes in a page.
    pub(super) fn take(
        &mut self,
        store: &Store,
        mut rows: Vec<ListedRow>,
    ) -> Result<(), StoreError> {
        for row in rows.iter_mut().filter(|row| self.linked.contains(&row.id)) {
            row.version = None;
            row.item = None;
        }
        let settled = self.settled(store, &rows)?;
        let silent = changed_silently(store, self.side, &rows)?;
        for mut row in rows {
            let Some(focus) = self.focus.get_mut(&row.pair) else {
                continue;
            };
            if focus.swept {
                match self
                    .listed
                    .take(self.side, &row.pair, &row.id, row.version)?
                {
                    Met::First => {}
                    Met::Later => self.forget(store, &row.id)?,
                    Met::Again => continue,
                }
            } else {
                focus.listed.get_mut(self.side).insert(row.id.clone());
            }
            if silent.contains(&row.id) {
                row.version = None;
            }
            // Where nearly every work item of a sweep ends. A task's version is a time, which two changes can share, so
            // where the row shows the content that is looked at as well (`confirm`).
            let stored = settled.get(&row.id);
            if row.item.is_none() && stored.is_some() && stored.copied() == row.version {
                continue;
            }
            self.sort(store, row)?;
        }
        Ok(())
    }

    /// Decides whether the item of a row is looked at.
    fn sort(&mut self, store: &Store, mut row: ListedRow) -> Result<(), StoreError> {
        let side = self.side;
        let Some(focus) = self.focus.get_mut(&row.pair) else {
            return Ok(());
        };
        let Some(link) = living(store, &row.pair, side, &row.id)? else {
            note_version(focus, side, &row);
            if !focus.swept {
                self.left.extend(store.find_item(&row.id)?);
            }
            // An index that lags shows an item as it was before what was read of it by id, and where it was: it is read again.
            // Example: a task was moved to another pair's list and back, and its own link ended in between.
            //
            // Nor is one planned from a row that may leave out a value of a custom field: it would be made without that, and no
            // version would ever tell.
            let lags = store.newest(side, &row.id)? > row.version;
            let item = match lags || leaves_out(self.customs.get(&row.pair), row.item.as_deref()) {
                true => None,
                false => row.item.map(|item| *item),
            };
            let fresh = focus.fresh.get_mut(side);
            fresh.insert(row.id, item);
            return Ok(());
        };
        let known = store.known(side, &row.id)?;
        // A row may be older than what we wrote since, where the process died before that was dealt with.
        let older = store.newest(side, &row.id)? > row.version;
        let same = known.is_some_and(|known| Some(known.version) == row.version) && !older;
        let forced = self.forced.contains(&row.pair);
        let active = matches!(link.state, LinkState::Active) && !forced;
        // Since a request without an answer somebody, or that request, made a new version: only a read tells which.
        let before = self.unanswered.get(&link.id);
        let unclear = before.is_some_and(|before| row.version > Some(*before));
        if same && active && !unclear {
            let customs = self.customs.get(&row.pair).filter(|_| focus.swept);
            let confirmed = confirm(store, side, &link, &row, customs)?;
            if confirmed.kept {
                // Not what was sent: the next cycle sends it again, from where both items are read by id.
                self.again.insert((row.pair.clone(), link.id));
            }
            if !confirmed.looks.is_empty() {
                self.looks
                    .insert(link.id, (row.pair.clone(), confirmed.looks));
            }
            if confirmed.settled {
                if confirmed.shows_others {
                    self.hidden.push(link);
                }
                return Ok(());
            }
        }
        let stands = match capabilities::of(side).versions {
            // One older than what was seen before is from a replica that lags: read by id, it is refused (`reading`).
            Versions::Counted => {
                !older && row.item.as_ref().map(|item| item.version) == row.version
            }
            Versions::Times => same && forced && is_whole(store, &link, &row)?,
        };
        note_version(focus, side, &row);
        if let Some(item) = row.item.take().filter(|_| stands) {
            focus.held.get_mut(side).insert(row.id, *item);
        }
        focus.links.insert(link.id, link);
        Ok(())
    }

    /// Takes back what an earlier row of an item said. A link that is looked at because of it stays so.
    fn forget(&mut self, store: &Store, id: &ItemId) -> Result<(), StoreError> {
        for (pair, focus) in self.focus.iter_mut().filter(|(_, focus)| focus.swept) {
            focus.fresh.get_mut(self.side).remove(id);
            focus.held.get_mut(self.side).remove(id);
            if let Some(link) = living(store, pair, self.side, id)? {
                self.looks.remove(&link.id);
                self.again.remove(&(pair.clone(), link.id));
            }
        }
        Ok(())
    }

    /// The listing is over: takes the pairs that failed out, and hands the rest on.
    /// `turn` counts the full listings: of what they hide each looks at another part.
    pub(super) fn end(
        mut self,
        failed: BTreeMap<PairName, ConnectorError>,
        turn: usize,
        observed: &mut Observed,
    ) {
        let hidden = std::mem::take(&mut self.hidden);
        let first = (turn.wrapping_mul(MOST_HIDDEN)).checked_rem(hidden.len());
        let around = hidden.iter().cycle().skip(first.unwrap_or_default());
        let looked_at: Vec<LinkRow> = around
            .take(MOST_HIDDEN.min(hidden.len()))
            .cloned()
            .collect();
        for link in looked_at {
            if let Some(focus) = self.focus.get_mut(&link.pair) {
                focus.links.insert(link.id, link);
            }
        }
        for (pair, error) in failed {
            // Whatever else was found of it is left: it is swept as soon as it can be listed again.
            if self.focus.remove(&pair).is_some() {
                observed.findings.swept.remove(&pair);
                observed.findings.troubled.insert(pair, error);
            }
        }
        for (link, (pair, looks)) in self.looks {
            if self.focus.contains_key(&pair) {
                observed.findings.look(link, looks);
            }
        }
        for (pair, link) in self.again {
            if self.focus.contains_key(&pair) {
                observed
                    .findings
                    .again
                    .entry(pair)
                    .or_default()
                    .insert(link);
            }
        }
        // An item that turns up as new in one pair may have left another: that link is decided at once too.
        for link in self.left {
            let dead = !link.state.is_living();
            if let Some(focus) = self.focus.get_mut(&link.pair).filter(|_| !dead) {
                focus.links.insert(link.id, link);
            }
        }
    }

    /// The stored versions of the items of a page that need no look while they stand at them; none where several saves may
    /// share a version.
    fn settled(
        &self,
        store: &Store,
        rows: &[ListedRow],
    ) -> Result<HashMap<ItemId, Version>, StoreError> {
        let mut pairs: BTreeMap<&PairName, Vec<&ItemId>> = BTreeMap::new();
        let counted = capabilities::of(self.side).versions == Versions::Counted;
        for row in rows.iter().filter(|_| counted) {
            let swept = self.focus.get(&row.pair).is_some_and(|focus| focus.swept);
            if swept && !self.forced.contains(&row.pair) {
                pairs.entry(&row.pair).or_default().push(&row.id);
            }
        }
        let mut settled = HashMap::new();
        for (pair, ids) in pairs {
            settled.extend(store.settled(self.side, pair, ids.into_iter())?);
        }
        Ok(settled)
    }
}

/// How many items a full listing reads by id because it and the read before do not show the same custom fields: no version tells
/// whether somebody has cleared one, or whether that read left one out.
const MOST_HIDDEN: usize = 50;

/// Whether a row shows an item without one of these fields.
fn leaves_out(customs: Option<&BTreeSet<FieldKey>>, item: Option<&Item>) -> bool {
    let Some((customs, item)) = customs.zip(item) else {
        return false;
    };
    !customs.iter().all(|key| item.fields.contains_key(key))
}

/// Notes the version at which an item that is looked at was listed. Of the others, which may be a whole board, none is kept.
fn note_version(focus: &mut Focus, side: Side, row: &ListedRow) {
    if let Some(version) = row.version {
        let versions = focus.versions.get_mut(side);
        let newest = versions.entry(row.id.clone()).or_insert(version);
        *newest = version.max(*newest);
    }
}

/// Returns the items of which a listing shows a value that is not the base's: they changed although no version says so.
fn changed_silently(
    store: &Store,
    side: Side,
    rows: &[ListedRow],
) -> Result<HashSet<ItemId>, StoreError> {
    let mut shown: BTreeMap<&PairName, HashMap<_, _>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.shown.is_empty()) {
        shown
            .entry(&row.pair)
            .or_default()
            .insert(&row.id, &row.shown);
    }
    let mut silent = HashSet::new();
    for (pair, shown) in &shown {
        silent.extend(store.differing(side, pair, shown)?);
    }
    Ok(silent)
}

/// Returns whether a row shows every field that the link has a base for: a listing may leave some out.
fn is_whole(store: &Store, link: &LinkRow, row: &ListedRow) -> Result<bool, StoreError> {
    let Some(item) = &row.item else {
        return Ok(false);
    };
    let base = store.base(link.id)?;
    Ok(base.keys().all(|key| item.fields.contains_key(key)))
}

/// What a row says that shows an item at the version that we already hold: nobody wrote in between, so what it shows is what the
/// server made of our own write.
#[derive(Debug, Default)]
struct Confirmed {
    /// Whether the item need not be read.
    settled: bool,
    /// Whether something else is there than what was sent.
    kept: bool,
    /// What is shown of open fields.
    looks: Looks,
    /// Whether it shows other custom fields than the last read.
    shows_others: bool,
}

/// Compares a row with what we hold. `customs`: the fields of the pair whose values it may leave out, in a full listing.
fn confirm(
    store: &Store,
    side: Side,
    link: &LinkRow,
    row: &ListedRow,
    customs: Option<&BTreeSet<FieldKey>>,
) -> Result<Confirmed, StoreError> {
    let open = store.sent_only(link.id, side)?;
    let Some(item) = &row.item else {
        // What another version of this program read, this one may read differently.
        let foreign = store.read_by_another(side, &row.id)?.unwrap_or(false);
        return Ok(Confirmed {
            settled: open.is_empty() && !foreign,
            ..Confirmed::default()
        });
    };
    // Two changes within the tick of the service's clock have the same version, so where the listing shows the content
    // the content decides.
    let held = store.observation(side, &row.id)?;
    let held = held.as_ref().map(|held| &held.item);
    let moved = held.is_some_and(|held| {
        item.fields.iter().any(|(key, value)| {
            let before = held.fields.get(key);
            !open.contains_key(key) && before.is_some_and(|before| before != value)
        })
    });
    if moved {
        return Ok(Confirmed::default());
    }
    let looks = looks_at(side, &open, item);
    let told = told(&open, &looks);
    let mut customs = customs.into_iter().flatten();
    Ok(Confirmed {
        settled: !told.unclear,
        kept: told.kept,
        looks,
        shows_others: held.is_some_and(|held| customs.any(|key| shows_another(key, item, held))),
    })
}

/// Whether a row leaves out a custom field that had a value when the item was seen last, or shows the value of one that was left
/// out then.
///
/// Example of the second: two reads of a task in a row left its field out, so that it counted as none of the task's, and between
/// them somebody emptied it in the work item. Nothing else would ever say that the task has a value.
fn shows_another(key: &FieldKey, row: &Item, held: &Item) -> bool {
    match (row.fields.get(key), held.fields.get(key)) {
        (None, Some(value)) | (Some(value), None) => !value.is_empty(),
        (Some(_), Some(_)) | (None, None) => false,
    }
}

#[cfg(test)]
#[path = "sorting/tests.rs"]
mod tests;
