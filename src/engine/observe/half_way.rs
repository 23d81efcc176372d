//! What an earlier run sent without an answer, and what of it is in force.

use super::{Focus, LeftBehind, Observed};
use crate::connector::{ConnectorError, answer};
use crate::engine::{CycleError, Engine};
use crate::model::{BaseState, FieldKey, FieldValue, Item, LinkId, PairName, Past, Side, Sided};
use crate::reconcile::doubt::{self, Fate, Sent};
use crate::reconcile::merge::{agree, translate};
use crate::reconcile::policy::Policy;
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
            let wants = |item: &&Item| {
                transit::wants_history(&transit, item) || doubt::wants_history(&sent(&row), item)
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

/// What a note says was sent.
pub(in crate::engine) fn sent(row: &TransitRow) -> Sent<'_> {
    Sent {
        side: row.side,
        field: &row.field,
        origin: &row.origin,
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
        .filter_map(|one| one.left_behind(item, (other, &linked.base), policy))
        .collect();
    for (field, left) in left {
        match &left {
            LeftBehind::HalfWay { base, .. } | LeftBehind::SetBack(base) => {
                let values = base.clone().map(|_, half| half.into_value());
                seen(linked, &field, side, values.get(side));
                linked.doubted.retain(|(of, _)| *of != field);
                linked.base.insert(field.clone(), values);
            }
            LeftBehind::Doubted { origin, wanted } => {
                seen(linked, &field, side, wanted);
                linked.doubted.insert((field.clone(), side));
                linked.base.entry(field.clone()).or_insert_with(|| {
                    let base = settle::doubted_without_base(side, origin.clone());
                    base.map(|_, half| half.into_value())
                });
            }
            LeftBehind::Unclear(_) => {
                linked.base.remove(&field);
            }
            LeftBehind::Settled => {}
        }
        let found = (linked.link, side, field, left);
        observed.findings.left_behind.push(found);
    }
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
            Reached::Left | Reached::Over => doubt::judge(&sent(&self.row), item, &self.history),
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

    /// What is left of it; `None`: it has not arrived, or not yet, or the item does not tell. `other` is its counterpart, with
    /// the bases of the two.
    fn left_behind(
        self,
        item: &Item,
        (other, base): (&Item, &BTreeMap<FieldKey, Sided<FieldValue>>),
        policy: &Policy,
    ) -> Option<(FieldKey, LeftBehind)> {
        let reached = self.reached(item);
        let fate = match self.fate(item) {
            Fate::Told if self.came_back(item, base.get(&self.row.field)) => Fate::Doubted,
            fate => fate,
        };
        let row = self.row;
        let side = row.side;
        let now = item.fields.get(&row.field).cloned();
        let left = match (reached, now) {
            (Reached::Nothing, _) => return None,
            (_, None) if item.unread.contains(&row.field) => return None,
            (Reached::OnTheWay | Reached::HalfWay, Some(now)) => {
                tracing::info!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "half way", "stands half way");
                LeftBehind::HalfWay {
                    base: settle::half_way(side, now),
                    open: reached == Reached::OnTheWay,
                }
            }
            (Reached::Over, Some(now)) if answer::may_be_cut(&row.wanted, &row.origin, &now) => {
                tracing::warn!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "in doubt", "may have been cut; both texts are kept");
                LeftBehind::Unclear(row.wanted)
            }
            (Reached::Left | Reached::Over, Some(now)) => match set_back(&row, fate, other, policy)
            {
                Some(left) => {
                    tracing::warn!(item = %format_args!("{side} {}", item.id), %side, field = %row.field, outcome = "in doubt", "may have been set back after a write without an answer");
                    left
                }
                None => match in_force(&row, &now, other, policy) {
                    Some(base) => LeftBehind::HalfWay { base, open: false },
                    None => LeftBehind::Settled,
                },
            },
            (_, None) => LeftBehind::Settled,
        };
        Some((row.field, left))
    }
}

/// What a value that was sent came to that somebody may have set back; `None`: nobody did. Where it was in force, and the
/// other side still has what it came from, what is there now is an edit like any other, which goes over.
fn set_back(row: &TransitRow, fate: Fate, other: &Item, policy: &Policy) -> Option<LeftBehind> {
    let field = &row.field;
    let there = other.fields.get(field);
    let agreed = |ours: &FieldValue| {
        let both = Sided::of(row.side, ours.clone(), there?.clone());
        agree(field, &both, policy).then(|| settle::agreed(both))
    };
    let base: Option<Sided<BaseState>> = match &fate {
        Fate::Told => return None,
        Fate::Changed(ours) => agreed(ours),
        Fate::Doubted => None,
    };
    Some(match base {
        Some(base) => LeftBehind::SetBack(base),
        None => LeftBehind::Doubted {
            origin: row.origin.clone(),
            wanted: row.wanted.clone(),
        },
    })
}

/// The base of a value that is in force while the other side has another one by now: that one is the edit, and what is here is
/// ours. By the base of before, somebody who sets the old value back would have changed nothing. `None`: the two agree, or the
/// value is not one that is taken whole.
fn in_force(
    row: &TransitRow,
    now: &FieldValue,
    other: &Item,
    policy: &Policy,
) -> Option<Sided<BaseState>> {
    let (side, field) = (row.side, &row.field);
    if !field.kind().is_whole() || *now != row.wanted {
        return None;
    }
    let there = other.fields.get(field)?.clone();
    let image = translate(field, side, now, policy).ok()?;
    let both = Sided::of(side, now.clone(), there);
    let base = Sided::of(side, BaseState::Shown(now.clone()), BaseState::Owed(image));
    (!agree(field, &both, policy)).then_some(base)
}
