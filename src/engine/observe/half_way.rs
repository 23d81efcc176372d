//! What an earlier run sent without an answer, and what of it is in force.

use super::{Focus, LeftBehind, Observed};
use crate::connector::{ConnectorError, answer};
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, FieldValue, Item, LinkId, PairName, Past, Side, Sided};
use crate::reconcile::settle;
use crate::reconcile::transit::{self, Reached, Transit};
use crate::reconcile::{LinkView, Presence};
use crate::store::TransitRow;
use std::collections::{BTreeMap, BTreeSet};

/// A field that was sent without an answer, and the versions of its item since, where only they tell what became of it.
#[derive(Debug)]
pub struct Unanswered {
    row: TransitRow,
    transit: Transit,
    history: Vec<Past>,
}

impl Engine {
    /// Reads what became of requests without an answer. Mostly there are none.
    pub(super) async fn read_unanswered(
        &self,
        focus: &BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), CycleError> {
        let rows = self.store().transits()?;
        for row in rows {
            let Some(link) = focus.values().find_map(|focus| focus.links.get(&row.link)) else {
                continue;
            };
            let transit = transit_of(&row);
            let item = observed.items.get(row.side).get(link.item(row.side));
            let history = match item.filter(|item| transit::wants_history(&transit, item)) {
                Some(item) => self.history(row.side, item, &transit).await?,
                None => Vec::new(),
            };
            let key = (row.link, row.side);
            observed
                .findings
                .unanswered
                .entry(key)
                .or_default()
                .push(Unanswered {
                    row,
                    transit,
                    history,
                });
        }
        Ok(())
    }

    async fn history(
        &self,
        side: Side,
        item: &Item,
        transit: &Transit,
    ) -> Result<Vec<Past>, ConnectorError> {
        let reader = self.readers.get(side);
        reader.fetch_history(&item.id, transit.expected).await
    }
}

/// What of a note tells how far its change has come.
pub(in crate::engine) fn transit_of(row: &TransitRow) -> Transit {
    Transit {
        field: row.field.clone(),
        via: row.via.clone(),
        expected: row.expected,
        sent: row.sent.clone(),
    }
}

/// The fields of a link of which a note tells, as long as it is not judged.
pub(super) fn noted(link: LinkId, observed: &Observed) -> BTreeSet<FieldKey> {
    let notes = Side::BOTH.into_iter();
    let notes = notes.filter_map(|side| observed.findings.unanswered.get(&(link, side)));
    let fields = notes.flatten().map(|note| note.row.field.clone());
    fields.collect()
}

/// Takes what is our own doing for that. A step on the way to a state is the side's own base, with the other side's value
/// still to be carried over. A text that lacks what was there and what was sent may have been cut by the service or shortened
/// by a person: it has no base, so that neither side's words are written over the other's unseen.
pub(super) fn settle(side: Side, linked: &mut LinkView, observed: &mut Observed) {
    // Without a counterpart nothing is carried on, and the value may be a person's who set just that step: then it must
    // keep counting as an edit, which speaks against a delete.
    let there = matches!(linked.now.get(side.other()), Presence::Seen(_));
    let Some(item) = linked.now.get(side).item().filter(|_| there) else {
        return;
    };
    let open = observed.findings.unanswered.remove(&(linked.link, side));
    let left: Vec<(FieldKey, LeftBehind)> = open
        .into_iter()
        .flatten()
        .filter_map(|one| one.left_behind(side, item, &linked.base))
        .collect();
    for (field, left) in left {
        match &left {
            LeftBehind::HalfWay { base, .. } => {
                let values = base.clone().map(|_, half| half.into_value());
                if let Some(choice) = linked.chosen.get_mut(&field) {
                    // A choice that is under way has made that of the side.
                    *choice.seen.get_mut(side) = values.get(side).clone();
                }
                linked.base.insert(field.clone(), values);
            }
            LeftBehind::Left | LeftBehind::Unclear(_) => {
                linked.base.remove(&field);
            }
            LeftBehind::Settled => {}
        }
        let found = (linked.link, side, field, left);
        observed.findings.left_behind.push(found);
    }
}

impl Unanswered {
    /// What is left of it; `None`: it has not arrived, or not yet.
    fn left_behind(
        self,
        side: Side,
        item: &Item,
        base: &BTreeMap<FieldKey, Sided<FieldValue>>,
    ) -> Option<(FieldKey, LeftBehind)> {
        let row = self.row;
        let now = item.fields.get(&row.field).cloned();
        let reached = transit::judge(&self.transit, item, &self.history);
        let left = match (reached, now) {
            (Reached::Nothing, _) => return None,
            (Reached::OnTheWay | Reached::HalfWay, Some(now)) => {
                tracing::info!(item = %format_args!("{side} {}", item.id), field = %row.field, from = %row.origin, to = %row.wanted, at = %now, "stands half way");
                LeftBehind::HalfWay {
                    base: settle::half_way(side, now),
                    open: reached == Reached::OnTheWay,
                }
            }
            // By any other base it counts as the edit that it is.
            (Reached::Left, Some(now))
                if base
                    .get(&row.field)
                    .is_some_and(|base| *base.get(side) == now) =>
            {
                LeftBehind::Left
            }
            (Reached::Over, Some(now)) if answer::may_be_cut(&row.wanted, &row.origin, &now) => {
                tracing::warn!(item = %format_args!("{side} {}", item.id), field = %row.field, "may have been cut; both texts are kept");
                LeftBehind::Unclear(row.wanted)
            }
            (Reached::OnTheWay | Reached::HalfWay | Reached::Left | Reached::Over, _) => {
                LeftBehind::Settled
            }
        };
        Some((row.field, left))
    }
}
