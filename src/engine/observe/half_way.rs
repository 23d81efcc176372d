//! What an earlier run sent without an answer, and what of it is in force.

use super::{Focus, LeftBehind, Observed};
use crate::connector::{ConnectorError, answer};
use crate::engine::{CycleError, Engine};
use crate::field::Kind;
use crate::model::{BaseState, FieldKey, FieldValue, Item, LinkId, PairName, Past, Side, Sided};
use crate::reconcile::doubt::{self, Fate, Made, Sent};
use crate::reconcile::merge::{agree, translate};
use crate::reconcile::policy::Policy;
use crate::reconcile::settle::{self, Answer};
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
            true => Some((one.row.field, LeftBehind::Settled)),
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
}

/// A write is in force.
fn half_way(base: Sided<BaseState>, made: Made) -> LeftBehind {
    LeftBehind::HalfWay {
        base,
        made: made.value,
        open: false,
    }
}

/// A write without an answer, beside what the other side shows of its field by now.
struct Write<'a> {
    row: &'a TransitRow,
    there: Option<&'a FieldValue>,
    base: Option<&'a Sided<FieldValue>>,
    /// Whether an open conflict says that the two sides differ in it.
    contested: bool,
    policy: &'a Policy,
}

impl Write<'_> {
    /// What it came to, where its side shows `now` at the very version that an earlier call of the same update left: what is
    /// there of it arrived, and the rest may do so yet. `None`: nothing is there.
    ///
    /// Example: a task gets its title, and the call for a tag is lost. Then the author takes the title back.
    fn in_part(&self, now: &FieldValue) -> Option<LeftBehind> {
        let (base, made) = self.in_force(now)?;
        if self.may_be_cut(now) {
            return Some(LeftBehind::Unclear(self.row.wanted.clone()));
        }
        Some(LeftBehind::HalfWay {
            base,
            open: !made.whole,
            made: made.value,
        })
    }

    /// Whether the service may have cut what was sent, or somebody shortened it: nothing tells.
    fn may_be_cut(&self, now: &FieldValue) -> bool {
        answer::may_be_cut(&self.row.wanted, &self.row.origin, now)
    }

    /// What the two sides last agreed on, as the side that was written has it.
    fn own_base(&self) -> Option<&FieldValue> {
        self.base.map(|base| base.get(self.row.side))
    }

    /// What it came to, where its side shows `now`.
    fn came_to(&self, fate: &Fate, now: &FieldValue) -> LeftBehind {
        match fate {
            Fate::Told => match (self.agreed(now), self.in_force(now)) {
                (Some(base), _) => LeftBehind::Agreed(base),
                // Where only some of the tags are there, and yet it never arrived, those are somebody's.
                (None, Some((base, made))) if made.whole => half_way(base, made),
                (None, _) => self.replaced(now),
            },
            Fate::Theirs => match self.agreed(now) {
                Some(base) => LeftBehind::Agreed(base),
                None => LeftBehind::Settled,
            },
            Fate::Changed(ours) => self.changed(ours),
            Fate::Doubted => self.doubted(now),
        }
    }

    /// The base of a value of this side that means the same as what the other side has; `None`: it does not.
    fn agreed(&self, value: &FieldValue) -> Option<Sided<BaseState>> {
        let both = Sided::of(self.row.side, value.clone(), self.there?.clone());
        agree(&self.row.field, &both, self.policy).then(|| settle::agreed(both))
    }

    /// It was in force, and somebody has edited it since. Where the other side still has what it came from, what is there now is
    /// an edit like any other, which goes over; and so it is of values that are merged part by part.
    fn changed(&self, ours: &FieldValue) -> LeftBehind {
        if self.may_be_cut(ours) {
            return LeftBehind::Unclear(self.row.wanted.clone());
        }
        let whole = self.kind().is_whole();
        let agreed = self.agreed(ours).map(|base| (base, ours.clone()));
        let merged = || self.in_force(ours).filter(|_| !whole);
        match agreed.or_else(|| merged().map(|(base, made)| (base, made.value))) {
            Some((base, made)) => LeftBehind::SetBack { base, made },
            None => self.in_doubt(None, self.doubts(!self.in_parts())),
        }
    }

    /// Something else is there by now, which is an edit in any case. What it is an edit of nobody can tell, so each side counts as
    /// edited from now on, whatever it shows, until the two agree. Of values that are merged part by part, each part tells.
    ///
    /// Example: Bo sets the priority 3 in ClickUp instead of 2, the work item gets it, and the answer is lost. Ana makes it 4
    /// there, which contends with his 3. When Bo sets 2 again, before or after the next look, that is no less an edit of the 3
    /// than hers is. By the base of before his side would not have changed, and her 4 would go over it. The same where it is Ana
    /// who sets the 2. What shows still what was there before the write, though, never got it.
    fn replaced(&self, now: &FieldValue) -> LeftBehind {
        let edited = *now != self.row.origin && self.base.is_some();
        match edited && self.row.source.is_some() && !self.in_parts() {
            true => self.in_doubt(None, self.doubts(true)),
            false => LeftBehind::Settled,
        }
    }

    /// Nobody can tell whether it arrived. Of tags each one that is there did; and of those that are not there no doubt is left
    /// where the other side does not want them any more.
    fn doubted(&self, now: &FieldValue) -> LeftBehind {
        let of_members = self.row.field.kind().by_member().is_some();
        let part = self.in_force(now).filter(|_| of_members);
        let moot = |there| sent(self.row, self.own_base()).is_moot(now, there);
        match (self.there.is_some_and(moot), part) {
            (true, Some((base, made))) => half_way(base, made),
            (true, None) => LeftBehind::Settled,
            (false, part) => {
                let rendered = self.kind().is_rendered();
                let taken_back = rendered && self.may_be_taken_back(now);
                let doubts = self.doubts(!self.in_parts() || taken_back);
                self.in_doubt(part.map(|(base, _)| base), doubts)
            }
        }
    }

    fn kind(&self) -> &'static dyn Kind {
        self.row.field.kind_of([&self.row.wanted, &self.row.origin])
    }

    /// Whether the value is merged part by part, so that the look of it tells which parts are ours.
    fn in_parts(&self) -> bool {
        let kind = self.kind();
        kind.is_rendered() || kind.by_member().is_some()
    }

    /// That what this side shows may be somebody's choice, and whether what the other one shows may be, too. Without a base that
    /// counts as an edit anyway.
    fn doubts(&self, other: bool) -> Sided<bool> {
        Sided::of(self.row.side, true, other && self.base.is_some())
    }

    fn in_doubt(&self, base: Option<Sided<BaseState>>, doubts: Sided<bool>) -> LeftBehind {
        LeftBehind::Doubted {
            origin: self.row.origin.clone(),
            wanted: self.row.wanted.clone(),
            base,
            doubts,
        }
    }

    /// Whether the author of a text has taken the edit back on the other side, while nobody can tell whether what is here by now
    /// was made of ours. By the base alone that side would not have changed, and what is here would go over without a conflict.
    ///
    /// Example: Ana changes a line of a description, the task gets that, and the answer is lost. Ben takes that line out there,
    /// and Ana takes her change back: both are edits of her line.
    fn may_be_taken_back(&self, now: &FieldValue) -> bool {
        let (Some(there), Some(base)) = (self.there, self.base) else {
            return false;
        };
        let side = self.row.side;
        let source = self.row.source.as_ref().map(|source| &source.value);
        base.get(side.other()) == there
            && base.get(side) != now
            && source.is_some_and(|source| source != there)
    }

    /// The base of what is in force while the other side has something else: as if the answer had come, so that whatever
    /// differs from that is somebody's edit. Holds what we made of the side too. `None`: the two agree, or it is not in force.
    ///
    /// An undo leaves the two sides apart, and so does one that is found in force, as long as an open conflict says so. One that
    /// arrives after that is an edit.
    ///
    /// Example: Ana adds a tag to a work item, the task gets it, and the answer is lost. Then Ana takes the tag away again. By
    /// the base of before nobody would have touched the work item, and the tag would come back to it as an edit of the task.
    fn in_force(&self, now: &FieldValue) -> Option<(Sided<BaseState>, Made)> {
        let (side, field) = (self.row.side, &self.row.field);
        let there = self.there?.clone();
        let both = Sided::of(side, now.clone(), there);
        if agree(field, &both, self.policy) {
            return None;
        }
        let made = sent(self.row, self.own_base()).made(now)?;
        let Some(source) = &self.row.source else {
            // Noted without what the other side had.
            let image = translate(field, side, now, self.policy).ok()?;
            let base = Sided::of(
                side,
                BaseState::Shown(made.value.clone()),
                BaseState::Owed(image),
            );
            return self.kind().is_whole().then_some((base, made));
        };
        if source.apart {
            let base = Sided::of(side, made.value.clone(), source.value.clone());
            return self.contested.then_some((settle::agreed(base), made));
        }
        let own = Answer {
            sent: self.row.wanted.clone(),
            value: made.value.clone(),
            shown: true,
            in_force: made.whole,
        };
        let other = Answer {
            sent: source.wanted.as_ref().unwrap_or(&source.value).clone(),
            value: source.value.clone(),
            shown: true,
            in_force: source.wanted.is_none(),
        };
        let before = self.base.cloned().map(settle::agreed);
        let answers = (&own, &other);
        let base = settle::after_update(field, side, answers, before.as_ref(), self.policy);
        Some((base, made))
    }
}
