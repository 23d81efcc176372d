//! What an earlier run sent without an answer, and what of it is in force.

mod write;

use super::{Focus, LeftBehind, Observed};
use crate::connector::ConnectorError;
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, FieldValue, Item, LinkId, PairName, Past, Side, Sided};
use crate::reconcile::doubt::{self, Fate, Sent};
use crate::reconcile::policy::Policy;
use crate::reconcile::settle;
use crate::reconcile::transit::{self, Reached, Transit};
use crate::reconcile::{LinkView, Presence};
use crate::store::TransitRow;
use std::collections::{BTreeMap, BTreeSet};
use write::Write;

/// A field that was sent without an answer, and the versions of its item since, where only they tell what became of it.
#[derive(Debug)]
pub struct Unanswered {
    row: TransitRow,
    transit: Transit,
    history: Vec<Past>,
    /// The stored base of its side.
    base: Option<FieldValue>,
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
            let base = self.store().base(row.link)?.remove(&row.field);
            let base = base.map(|base| base.get(row.side).value().clone());
            let wants = |item: &&Item| {
                transit::wants_history(&transit, item)
                    || doubt::wants_history(&sent(&row, base.as_ref()), item)
            };
            let history = match item.filter(wants) {
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
                    base,
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

/// What a note says was sent. `base`: what the two sides last agreed on, as its side has it.
pub(in crate::engine) fn sent<'a>(row: &'a TransitRow, base: Option<&'a FieldValue>) -> Sent<'a> {
    Sent {
        side: row.side,
        field: &row.field,
        origin: &row.origin,
        base,
        via: &row.via,
        wanted: &row.wanted,
        expected: row.expected,
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
/// by a person: it has no base, so that neither side's words are written over the other's unseen. And an old value may have
/// been set back over ours by a person ([`doubt`]).
pub(super) fn settle(side: Side, linked: &mut LinkView, policy: &Policy, observed: &mut Observed) {
    let Some(item) = linked.now.get(side).item() else {
        return;
    };
    let open = observed.findings.unanswered.remove(&(linked.link, side));
    let open = open.into_iter().flatten();
    let Presence::Seen(other) = linked.now.get(side.other()) else {
        // Without a counterpart nothing is carried on, and the value may be a person's who set just that step: then it must
        // keep counting as an edit, which speaks against a delete. So does what may have been set back.
        let chosen = open.filter(|one| one.may_be_chosen(item, linked.base.get(&one.row.field)));
        let chosen: Vec<FieldKey> = chosen.map(|one| one.row.field).collect();
        linked
            .doubted
            .extend(chosen.into_iter().map(|field| (field, side)));
        return;
    };
    let left: Vec<(FieldKey, LeftBehind)> = open
        .filter_map(|one| match is_measured(&one, observed) {
            true => Some(one.measured(item, (other, linked), policy)),
            false => one.left_behind(item, (other, linked), policy),
        })
        .collect();
    for (field, left) in left {
        match &left {
            LeftBehind::HalfWay { base, made, .. } | LeftBehind::SetBack { base, made } => {
                let values = base.clone().map(|_, half| half.into_value());
                seen(linked, &field, side, made);
                linked.doubted.retain(|(of, _)| *of != field);
                linked.base.insert(field.clone(), values);
            }
            LeftBehind::Doubted {
                origin,
                wanted,
                base,
                doubts,
            } => {
                seen(linked, &field, side, wanted);
                let sides = Side::BOTH.into_iter().filter(|side| *doubts.get(*side));
                linked
                    .doubted
                    .extend(sides.map(|side| (field.clone(), side)));
                let measured = base.clone().or_else(|| match linked.base.get(&field) {
                    Some(_) => None,
                    None => Some(settle::doubted_without_base(side, origin.clone())),
                });
                if let Some(base) = measured {
                    let values = base.map(|_, half| half.into_value());
                    linked.base.insert(field.clone(), values);
                }
            }
            LeftBehind::Unclear(_) => {
                linked.base.remove(&field);
            }
            // That both have it the plan finds out as well, and tells.
            LeftBehind::Agreed(_) | LeftBehind::Settled => {}
        }
        let found = (linked.link, side, field, left);
        observed.findings.left_behind.push(found);
    }
}

/// Whether the first half of a merge is measured already, by the second one: that was sent without an answer too, and it is in
/// force.
fn is_measured(first: &Unanswered, observed: &Observed) -> bool {
    let row = &first.row;
    let half = row
        .source
        .as_ref()
        .is_some_and(|source| source.wanted.is_some());
    let mut judged = observed.findings.left_behind.iter();
    half && judged.any(|(link, side, field, left)| {
        let in_force = matches!(
            left,
            LeftBehind::HalfWay { .. } | LeftBehind::SetBack { .. }
        );
        in_force && (*link, *side, field) == (row.link, row.side.other(), &row.field)
    })
}

/// A choice that is under way has made this of the side. Where the side shows something else by now, somebody has set it.
fn seen(linked: &mut LinkView, field: &FieldKey, side: Side, made: &FieldValue) {
    if let Some(choice) = linked.chosen.get_mut(field) {
        *choice.seen.get_mut(side) = made.clone();
    }
}

impl Unanswered {
    fn reached(&self, item: &Item) -> Reached {
        transit::judge(&self.transit, item, &self.history)
    }

    /// What became of the value that was sent, where it does not stand at a step on the way.
    fn fate(&self, item: &Item) -> Fate {
        match self.reached(item) {
            Reached::Left | Reached::Over => {
                doubt::judge(&sent(&self.row, self.base.as_ref()), item, &self.history)
            }
            Reached::Nothing | Reached::OnTheWay | Reached::HalfWay => Fate::Told,
        }
    }

    /// Whether somebody has left a step of ours and has come back to it. By any other base it counts as the edit that it is.
    fn came_back(&self, item: &Item, base: Option<&Sided<FieldValue>>) -> bool {
        let now = item.fields.get(&self.row.field);
        let ours = base.is_some_and(|base| Some(base.get(self.row.side)) == now);
        ours && self.reached(item) == Reached::Left
    }

    /// Whether what is there may be somebody's choice, although it is what it is compared with.
    fn may_be_chosen(&self, item: &Item, base: Option<&Sided<FieldValue>>) -> bool {
        self.fate(item) != Fate::Told || self.came_back(item, base)
    }

    /// What is left of it; `None`: it has not arrived, or not yet, or the item does not tell. `other` is its counterpart in
    /// this link.
    fn left_behind(
        self,
        item: &Item,
        (other, linked): (&Item, &LinkView),
        policy: &Policy,
    ) -> Option<(FieldKey, LeftBehind)> {
        let base = &linked.base;
        let reached = self.reached(item);
        let fate = match self.fate(item) {
            Fate::Told if self.came_back(item, base.get(&self.row.field)) => Fate::Doubted,
            fate => fate,
        };
        let row = self.row;
        let side = row.side;
        let now = item.fields.get(&row.field).cloned();
        let write = Write {
            row: &row,
            there: other.fields.get(&row.field),
            base: base.get(&row.field),
            contested: linked.contested.contains(&row.field),
            policy,
        };
        let left = match (reached, now) {
            (Reached::Nothing, Some(now)) if item.version == row.expected => write.in_part(&now)?,
            (Reached::Nothing, _) => return None,
            // What is not shown tells nothing, and the next look does. Example: a tag was sent, its author took it back, and the
            // answer about the task lacks the tags.
            (_, None) => return None,
            (Reached::OnTheWay | Reached::HalfWay, Some(now)) => {
                tracing::info!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "half way", "stands half way");
                LeftBehind::HalfWay {
                    base: settle::half_way(side, now.clone()),
                    made: now,
                    open: reached == Reached::OnTheWay,
                }
            }
            // Where the versions in between show what ours became, the service is known not to have cut what is there now.
            (Reached::Over, Some(now))
                if matches!(fate, Fate::Told | Fate::Doubted) && write.may_be_cut(&now) =>
            {
                tracing::warn!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "in doubt", "may have been cut; both texts are kept");
                LeftBehind::Unclear(row.wanted)
            }
            (Reached::Left | Reached::Over, Some(now)) => {
                let left = write.came_to(&fate, &now);
                if matches!(
                    left,
                    LeftBehind::Doubted { .. } | LeftBehind::SetBack { .. }
                ) {
                    tracing::warn!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "in doubt", "may have been set back after a write without an answer");
                }
                left
            }
        };
        Some((row.field, left))
    }

    /// What is left of the first half of a merge that was answered and not shown, where the second half is in force. That one
    /// counts the first one as taken, which only this look tells.
    ///
    /// Example: both sides add labels, and ClickUp says yes and keeps its own ones. Nothing shows that, the work item gets all of
    /// them, and that answer is lost. By a base that has all of them on both sides the label that the task lacks would be one
    /// that somebody took off there, and the work item would lose it.
    fn measured(
        self,
        item: &Item,
        (other, linked): (&Item, &LinkView),
        policy: &Policy,
    ) -> (FieldKey, LeftBehind) {
        let row = self.row;
        let write = Write {
            row: &row,
            there: other.fields.get(&row.field),
            base: linked.base.get(&row.field),
            contested: linked.contested.contains(&row.field),
            policy,
        };
        let left = match (item.fields.get(&row.field), write.there) {
            (Some(now), Some(there)) => write.not_shown(item.version, now, there),
            // What is not shown tells nothing.
            (None, _) | (_, None) => LeftBehind::Settled,
        };
        (row.field, left)
    }
}
