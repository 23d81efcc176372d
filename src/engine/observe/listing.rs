//! What is to be looked at: rows of the listings, links that they left out, and what waits for another look.

use super::{Focus, Observed, again_key, living};
use crate::connector::{Known, ListedRow, Listing, answer};
use crate::engine::apply::owed_text;
use crate::engine::{CycleError, Engine};
use crate::model::{
    FieldKey, FieldValue, Item, ItemId, LinkId, PairName, Side, Timestamp, Version,
};
use crate::store::{BaseField, LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
        let unanswered = unanswered(store, side)?;
        let mut left = Vec::new();
        let silent = changed_silently(store, side, &listing.rows)?;
        for mut row in listing.rows {
            if silent.contains(&row.id) {
                row.version = None;
            }
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
            // A row may be older than what we wrote since, where the process died before that was dealt with.
            let older = store.newest(side, &row.id)? > row.version;
            let same = known.is_some_and(|known| Some(known.version) == row.version) && !older;
            let active = matches!(link.state, LinkState::Active) && !forced.contains(&row.pair);
            // Since a request without an answer somebody, or that request, made a new version: only a read tells which.
            let before = unanswered.get(&link.id);
            let unclear = before.is_some_and(|before| row.version > Some(*before));
            if same && active && !unclear && confirm(store, side, &link, &row, observed)? {
                continue;
            }
            let stands = match side {
                // One older than what was seen before is from a replica that lags: read by id, it is refused (`reading`).
                Side::Ado => !older && row.item.as_ref().map(|item| item.version) == row.version,
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

/// The links with a request to a side that had no answer, with the item's version before it.
fn unanswered(store: &Store, side: Side) -> Result<BTreeMap<LinkId, Version>, StoreError> {
    let notes = store.transits()?.into_iter();
    let notes = notes.filter(|note| note.side == side);
    Ok(notes.map(|note| (note.link, note.expected)).collect())
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
    let told = told(side, open, item);
    if !told.fields.is_empty() {
        observed.confirmed.push((link.id, told.fields));
    }
    if told.kept {
        // Not what was sent: the next cycle sends it again, from where both items are read by id.
        let again = observed.again.entry(link.pair.clone()).or_default();
        again.insert(link.id);
    }
    Ok(!told.unclear)
}

/// What an item shows of values that were sent and not shown yet.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The bases that follow.
    pub(super) fields: BTreeMap<FieldKey, BaseField>,
    /// Whether one of them is not what was sent. Its side's base is what is there, and the other side counts as changed.
    kept: bool,
    /// Whether one is neither what was sent nor can be sent again from the base: it was to be cleared. The merge decides.
    unclear: bool,
}

/// The base of the side whose value was not taken, as in [`crate::reconcile::owing`]. Values that each side writes in its own
/// words are never empty or are answered at once.
fn owed(key: &FieldKey, there: &FieldValue) -> FieldValue {
    match key {
        FieldKey::State | FieldKey::Type | FieldKey::Assignees | FieldKey::Tags => {
            FieldValue::Empty
        }
        _ => there.clone(),
    }
}

/// Compares what was sent with what the item shows at the version of that very write. A field that is not shown stays open.
pub(super) fn told(side: Side, open: BTreeMap<FieldKey, BaseField>, item: &Item) -> Told {
    let mut told = Told::default();
    for (key, mut base) in open {
        let Some(value) = item.fields.get(&key) else {
            continue;
        };
        let (own, other) = match side {
            Side::Ado => (&mut base.ado, &mut base.clickup),
            Side::ClickUp => (&mut base.clickup, &mut base.ado),
        };
        if !answer::in_force(side, &key, own, value) {
            if other.is_empty() {
                told.unclear = true;
                continue;
            }
            *other = owed_text(own, value, other).unwrap_or_else(|| owed(&key, value));
            told.kept = true;
        }
        own.clone_from(value);
        match side {
            Side::Ado => base.ado_confirmed = true,
            Side::ClickUp => base.clickup_confirmed = true,
        }
        told.fields.insert(key, base);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Item {
        let value = FieldValue::rich(text.to_owned());
        Item {
            id: ItemId::from("86x"),
            version: Version(1),
            url: String::new(),
            fields: BTreeMap::from([(FieldKey::Description, value)]),
            raw: BTreeMap::new(),
            unread: BTreeSet::new(),
            markers: Vec::new(),
            backlinks: Vec::new(),
            parent: None,
            archived: false,
            container: PairName::from("web").0,
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
        }
    }

    fn base(ado: &str, clickup: &str, confirmed: bool) -> BaseField {
        let rich = |text: &str| FieldValue::rich(text.to_owned());
        BaseField {
            ado: rich(ado),
            clickup: rich(clickup),
            ado_confirmed: true,
            clickup_confirmed: confirmed,
        }
    }

    #[test]
    fn a_listing_confirms_what_means_what_was_sent_and_nothing_else() {
        for (sent, there, after, kept, unclear) in [
            (
                "- a_b",
                "* a\\_b",
                Some(base("- a_b", "* a\\_b", true)),
                false,
                false,
            ),
            (
                "one two",
                "one",
                Some(base("one", "one", true)),
                true,
                false,
            ),
            ("", "one", None, false, true),
        ] {
            let open = BTreeMap::from([(FieldKey::Description, base(sent, sent, false))]);
            let told = told(Side::ClickUp, open, &shown(there));
            assert_eq!(
                told.fields.get(&FieldKey::Description),
                after.as_ref(),
                "{there}"
            );
            assert_eq!((told.kept, told.unclear), (kept, unclear), "{there}");
        }
        let open = BTreeMap::from([(FieldKey::Title, base("a", "a", false))]);
        assert!(told(Side::ClickUp, open, &shown("x")).fields.is_empty());
    }

    /// ClickUp's version is a time, and two changes may fall into the same tick: then the content tells them apart.
    #[test]
    fn a_listing_that_shows_other_content_at_a_known_version_confirms_nothing() {
        let mut store = Store::open_in_memory().unwrap();
        let pair = PairName::from("web");
        let (ado, clickup) = (ItemId::from("1"), ItemId::from("86x"));
        let linked = crate::store::Op::AddLink {
            pair: pair.clone(),
            ado: ado.clone(),
            clickup: clickup.clone(),
            origin: None,
            generation: 0,
            base: BTreeMap::from([(FieldKey::Description, base("one", "one", true))]),
            at: Timestamp(0),
        };
        let seen = crate::store::Op::SaveObservation {
            side: Side::ClickUp,
            item: shown("one"),
            pair: Some(pair.clone()),
            seen_at: Timestamp(0),
        };
        let batch = crate::store::Batch(vec![linked, seen]);
        store.commit(&batch).unwrap();
        let link = store.link_by_item(&pair, Side::Ado, &ado).unwrap().unwrap();
        for (text, same) in [("one", true), ("two", false)] {
            let row = ListedRow {
                id: clickup.clone(),
                pair: pair.clone(),
                version: Some(Version(1)),
                item: Some(Box::new(shown(text))),
                shown: BTreeMap::new(),
            };
            let mut observed = Observed::empty(Timestamp(0));
            let known = confirm(&store, Side::ClickUp, &link, &row, &mut observed).unwrap();
            assert_eq!(known, same, "{text}");
        }
    }

    #[test]
    fn a_sweep_reads_the_items_whose_links_changed_and_no_others() {
        let row = |id: &str, version: Option<i64>| ListedRow {
            id: ItemId::from(id),
            pair: PairName::from("web"),
            version: version.map(Version),
            item: Some(Box::new(shown("one"))),
            shown: BTreeMap::new(),
        };
        let full = vec![row("1", Some(5)), row("2", Some(5))];
        let told = vec![row("1", Some(4)), row("2", None), row("3", None)];
        let rows = with_links(full, told).into_iter();
        let rows = rows.map(|row| (row.id.0, row.version, row.item.is_some()));
        let expected = [("1", Some(Version(5)), true), ("2", None, false)];
        let expected = expected.map(|(id, version, item)| (id.to_owned(), version, item));
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }
}
