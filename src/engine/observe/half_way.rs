//! What an earlier run sent without an answer, and what of it is in force.

use super::{Focus, LeftBehind, Observed};
use crate::connector::{ConnectorError, answer};
use crate::engine::{CycleError, Engine};
use crate::model::{Item, PairName, Past, Side};
use crate::reconcile::settle;
use crate::reconcile::transit::{self, Reached, Transit};
use crate::reconcile::{LinkView, Presence};
use crate::store::TransitRow;
use std::collections::BTreeMap;

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
            let transit = Transit {
                field: row.field.clone(),
                via: row.via.clone(),
                expected: row.expected,
                sent: row.sent.clone(),
            };
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
    let left: Vec<LeftBehind> = open
        .into_iter()
        .flatten()
        .filter_map(|one| one.left_behind(side, item))
        .collect();
    for left in left {
        match &left {
            LeftBehind::HalfWay(field, base) => {
                let values = base.clone().map(|_, half| half.into_value());
                if let Some(choice) = linked.chosen.get_mut(field) {
                    // A choice that is under way has made that of the side.
                    *choice.seen.get_mut(side) = values.get(side).clone();
                }
                linked.base.insert(field.clone(), values);
            }
            LeftBehind::Unclear(field, _) => {
                linked.base.remove(field);
            }
            LeftBehind::Settled => {}
        }
        observed
            .findings
            .left_behind
            .push((linked.link, side, left));
    }
}

impl Unanswered {
    /// What is left of it; `None`: it has not arrived, or not yet.
    fn left_behind(self, side: Side, item: &Item) -> Option<LeftBehind> {
        let row = self.row;
        let now = item.fields.get(&row.field).cloned();
        match (transit::judge(&self.transit, item, &self.history), now) {
            (Reached::Nothing, _) => None,
            (Reached::HalfWay, Some(now)) => {
                tracing::info!(item = %format_args!("{side} {}", item.id), field = %row.field, from = %row.origin, to = %row.wanted, at = %now, "stands half way");
                let base = settle::half_way(side, now);
                Some(LeftBehind::HalfWay(row.field, base))
            }
            (Reached::Over, Some(now)) if answer::may_be_cut(&row.wanted, &row.origin, &now) => {
                tracing::warn!(item = %format_args!("{side} {}", item.id), field = %row.field, "may have been cut; both texts are kept");
                Some(LeftBehind::Unclear(row.field, row.wanted))
            }
            (Reached::HalfWay | Reached::Over, _) => Some(LeftBehind::Settled),
        }
    }
}
