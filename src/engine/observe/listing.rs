//! What is to be looked at: what the listings show, links that they left out, and what waits for another look.

use super::sorting::Sorting;
use super::{Focus, Looks, Observed, living};
use crate::capabilities;
use crate::connector::{ConnectorError, ErrorKind, Known, ListedRow, Watermark, answer};
use crate::engine::{CycleError, Engine};
use crate::model::{
    BaseState, FieldKey, Item, ItemId, LinkId, PairName, Side, Sided, Timestamp, Version,
};
use crate::reconcile::settle::{self, Look, Seen};
use crate::store::{Listed, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// One listing of a side: in full where a pair is due, else what changed. The rows are sorted into `focus` as they come.
    /// A pair that cannot be listed leaves `focus`.
    pub(super) async fn list(
        &self,
        side: Side,
        forced: &BTreeSet<PairName>,
        listed: &mut Listed,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), CycleError> {
        let reader = self.readers.get(side);
        let since = self.store().watermark(side)?;
        let known = |id: &ItemId| -> Option<Known> { self.store().known(side, id).ok().flatten() };
        let swept = observed.findings.swept.clone();
        let all = swept.len() == focus.len();
        let told = match all {
            true => reader.fetch_links(&since, &known).await?,
            false => reader.fetch_changes(&since, &known).await?,
        };
        let (of_swept, rows): (Vec<_>, Vec<_>) = told
            .rows
            .into_iter()
            .partition(|row| swept.contains(&row.pair));
        let customs = self.customs_left_out(side);
        let mut sorting = Sorting {
            side,
            forced,
            customs: &customs,
            unanswered: unanswered(&self.store(), side)?,
            linked: without_version(of_swept),
            listed,
            focus,
            left: Vec::new(),
            looks: BTreeMap::new(),
            hidden: Vec::new(),
            again: BTreeSet::new(),
        };
        let (mut watermark, mut failed) = (told.watermark, told.failed);
        if !all {
            sorting.take(&self.store(), rows)?;
        }
        if !swept.is_empty() {
            let mut outcome = Ok(());
            let mut each = |page: Vec<ListedRow>| {
                outcome = sorting.take(&self.store(), page);
                match &outcome {
                    Ok(()) => Ok(()),
                    Err(error) => Err(not_kept(side, error)),
                }
            };
            let full = reader.sweep(&swept, &mut each).await;
            outcome?;
            let full = full?;
            failed.retain(|pair, _| !swept.contains(pair));
            failed.extend(full.failed);
            if all {
                let link_token = watermark.link_token.take();
                watermark = Watermark {
                    link_token,
                    ..full.watermark.after_sweep(&since)
                };
            }
        }
        *observed.watermarks.get_mut(side) = watermark;
        let turn = self.clock.now().0.checked_div(self.timing.sweep_ms);
        let turn = turn.and_then(|turn| usize::try_from(turn).ok());
        sorting.end(failed, turn.unwrap_or_default(), observed);
        Ok(())
    }

    /// The custom fields of each pair that a listing of this side may leave out.
    pub(super) fn customs_left_out(&self, side: Side) -> BTreeMap<PairName, BTreeSet<FieldKey>> {
        let whole = capabilities::of(side).answers_whole;
        let pairs = self.policies.iter().filter(|_| !whole);
        let customs = pairs.map(|policy| {
            let keys = policy.fields.keys().filter(|key| key.is_custom());
            (policy.pair.clone(), keys.cloned().collect())
        });
        customs.collect()
    }

    /// Notes which of the items that are looked at the full listings showed.
    pub(super) fn note_listed(
        listed: &Listed,
        focus: &mut BTreeMap<PairName, Focus>,
    ) -> Result<(), StoreError> {
        for (pair, focus) in focus.iter_mut().filter(|(_, focus)| focus.swept) {
            for side in Side::BOTH {
                let linked = focus.links.values().map(|link| link.item(side));
                let fresh = focus.fresh.get(side).keys();
                let mut there = BTreeSet::new();
                for id in linked.chain(fresh) {
                    if listed.contains(side, pair, id.as_str())? {
                        there.insert(id.clone());
                    }
                }
                *focus.listed.get_mut(side) = there;
            }
        }
        Ok(())
    }

    /// Adds links that a complete listing left out, and those that wait for another look.
    pub(super) fn add_missing_and_due(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
        listed: &Listed,
        forced: &BTreeSet<PairName>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = self.store();
        for (pair, focus) in focus.iter_mut() {
            if focus.swept {
                let all = forced.contains(pair);
                let wanted = |ado: &str, clickup: &str| {
                    let both = listed.contains(Side::Ado, pair, ado)?
                        && listed.contains(Side::ClickUp, pair, clickup)?;
                    Ok(all || !both)
                };
                let links = store.living_links(pair, wanted)?;
                focus
                    .links
                    .extend(links.into_iter().map(|link| (link.id, link)));
            }
            let again = store.revisits(pair)?;
            let holds = store.holds(Some(pair))?;
            let policy = self.policy(pair);
            // A clock that was set back ends every wait.
            let due = holds.iter().filter(|hold| {
                hold.retry_at
                    .is_some_and(|at| at <= now || now < hold.since)
                    || policy.is_some_and(|policy| policy.takes(&hold.why))
            });
            for hold in due {
                match (hold.link, hold.side, &hold.item) {
                    (Some(link), _, _) => {
                        if let Some(link) = store.link(link)?.filter(|link| link.state.is_living())
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
                if let Some(link) = store.link(id)?.filter(|link| link.state.is_living()) {
                    focus.links.insert(link.id, link);
                }
            }
        }
        Ok(())
    }
}

/// The links with requests to a side that had no answer, with the item's version before the first of them.
fn unanswered(store: &Store, side: Side) -> Result<BTreeMap<LinkId, Version>, StoreError> {
    let notes = store.transits()?.into_iter();
    let notes = notes.filter(|note| note.side == side);
    let mut before = BTreeMap::new();
    for note in notes {
        let version = before.entry(note.link).or_insert(note.expected);
        *version = note.expected.min(*version);
    }
    Ok(before)
}

/// The items that are told without a version: their links changed, which no version shows, so they are read.
fn without_version(rows: Vec<ListedRow>) -> BTreeSet<ItemId> {
    let rows = rows.into_iter().filter(|row| row.version.is_none());
    rows.map(|row| row.id).collect()
}

/// Why a walk ends whose rows could not be kept.
fn not_kept(side: Side, error: &StoreError) -> ConnectorError {
    ConnectorError::new(
        side,
        ErrorKind::Protocol,
        "list everything",
        error.to_string(),
    )
}

/// What an item shows of values that were sent and not shown yet.
#[derive(Debug, Default)]
pub(in crate::engine) struct Told {
    /// The bases that follow.
    pub(in crate::engine) fields: BTreeMap<FieldKey, Sided<BaseState>>,
    /// Whether one of them is not what was sent. Its side's base is what is there, and the other side counts as changed.
    pub(super) kept: bool,
    /// Whether one is neither what was sent nor can be sent again from the base: it was to be cleared. The merge decides.
    pub(super) unclear: bool,
}

/// Compares what was sent with what the item shows at the version of that very write. A field that is not shown stays open.
pub(super) fn looks_at(
    side: Side,
    open: &BTreeMap<FieldKey, Sided<BaseState>>,
    item: &Item,
) -> Looks {
    let looks = open.iter().filter_map(|(key, base)| {
        let shown = item.fields.get(key)?.clone();
        let in_force = answer::in_force(side, key, base.get(side).value(), &shown);
        let look = Look { shown, in_force };
        Some((key.clone(), Sided::of(side, Some(look), None)))
    });
    looks.collect()
}

/// What follows from the looks at both items of a link. `base`: what is stored of it.
pub(in crate::engine) fn told(base: &BTreeMap<FieldKey, Sided<BaseState>>, looks: &Looks) -> Told {
    let mut told = Told::default();
    for (key, looks) in looks {
        let seen = base
            .get(key)
            .and_then(|base| settle::by_looks(key, base, looks));
        match seen {
            None => {}
            Some(Seen::AsSent(base)) => {
                told.fields.insert(key.clone(), base);
            }
            Some(Seen::Otherwise(base)) => {
                told.fields.insert(key.clone(), base);
                told.kept = true;
            }
            Some(Seen::Unclear) => told.unclear = true,
        }
    }
    told
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::FieldValue;

    pub fn shown(text: &str) -> Item {
        let value = FieldValue::rich(text.to_owned());
        Item {
            id: ItemId::from("86x"),
            version: Version(1),
            url: String::new(),
            fields: BTreeMap::from([(FieldKey::Description, value)]),
            raw: Default::default(),
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

    pub fn base(ado: &str, clickup: &str, confirmed: bool) -> Sided<BaseState> {
        let rich = |text: &str| FieldValue::rich(text.to_owned());
        Sided {
            ado: BaseState::Shown(rich(ado)),
            clickup: match confirmed {
                true => BaseState::Shown(rich(clickup)),
                false => BaseState::Sent(rich(clickup)),
            },
        }
    }

    fn at_clickup(open: &BTreeMap<FieldKey, Sided<BaseState>>, item: &Item) -> Told {
        told(open, &looks_at(Side::ClickUp, open, item))
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
                Some(Sided {
                    ado: BaseState::Owed(FieldValue::rich("one".to_owned())),
                    ..base("one", "one", true)
                }),
                true,
                false,
            ),
            ("", "one", None, false, true),
        ] {
            let open = BTreeMap::from([(FieldKey::Description, base(sent, sent, false))]);
            let told = at_clickup(&open, &shown(there));
            assert_eq!(
                told.fields.get(&FieldKey::Description),
                after.as_ref(),
                "{there}"
            );
            assert_eq!((told.kept, told.unclear), (kept, unclear), "{there}");
        }
        let open = BTreeMap::from([(FieldKey::Title, base("a", "a", false))]);
        assert!(at_clickup(&open, &shown("x")).fields.is_empty());
    }
}
