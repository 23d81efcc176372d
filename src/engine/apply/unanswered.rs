//! What was sent and not answered. It is noted before the request and forgotten with the answer; what stays is judged by what
//! the next cycle reads (see `observe::half_way`).

use super::kept::goes_apart;
use super::record;
use super::update::{other_half, returned};
use super::{Done, Run};
use crate::connector::{Change, ConnectorError, ErrorKind, NewItem, Written};
use crate::engine::CycleError;
use crate::engine::observe::transit_of;
use crate::model::{FieldKey, FieldValue, ItemId, LinkId, Side, Version};
use crate::reason::ActionWhy;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::settle::{self, Answer};
use crate::store::{Batch, Op, PartOp, Source, StoreError, TransitRow};
use std::collections::BTreeMap;

impl Run<'_> {
    /// Notes an update that is about to be sent: what the next read shows of it may be ours, or a person's edit over it. The
    /// notes are stored with what is returned. What goes in a call of its own is noted when that leaves ([`Run::send`]).
    pub(super) fn note_sent(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        change: &Change,
    ) -> Result<Vec<Op>, StoreError> {
        let Some(link) = action.link else {
            return Ok(Vec::new());
        };
        let key = (link, action.target);
        let (earlier, others): (Vec<_>, Vec<_>) = {
            let open = self.engine.store().transits()?.into_iter();
            let open = open.filter(|row| row.link == link);
            open.partition(|row| row.side == action.target)
        };
        let row = |(field, wanted): (&FieldKey, &FieldValue)| {
            // Nothing shows what the other half of a merge came to.
            let unclear = others.iter().any(|row| row.field == *field);
            let origin = change.current.fields.get(field).cloned();
            TransitRow {
                link,
                side: action.target,
                field: field.clone(),
                origin: origin.unwrap_or(FieldValue::Empty),
                via: Vec::new(),
                wanted: wanted.clone(),
                expected: change.expected,
                sent: BTreeMap::new(),
                source: self.source_of(plan, (action, link), (field, wanted), unclear),
            }
        };
        let rows = change.set.iter().map(row);
        let (alone, rows): (Vec<_>, Vec<_>) =
            rows.partition(|row| goes_apart(row.side, &row.field));
        let ops = rows.iter().cloned();
        let ops = ops.map(|row| noted(beside(row, &earlier))).collect();
        self.earlier.insert(key, earlier);
        self.unanswered.insert(link, rows);
        self.alone = alone;
        Ok(ops)
    }

    /// Sends an update. Each field that goes in a call of its own is noted right before that call, with the version that the
    /// item has by then: so whatever shows that version has nothing of the call yet, and a call that was never sent has no note.
    ///
    /// Example: a task gets a new title and then a tag, and the process is killed. A stale read shows it at the version that
    /// the title made, without the tag: that may still be there, and the note stays. Had the note been made before the title
    /// was sent, the task would have a later version than the note without the tag, as if somebody had taken it away again.
    pub(super) async fn send(
        &mut self,
        action: &Action,
        change: &Change,
    ) -> Result<Result<Written, ConnectorError>, CycleError> {
        let (engine, side) = (self.engine, action.target);
        let link = action.link.unwrap_or(LinkId(0));
        let mut alone = std::mem::take(&mut self.alone);
        let earlier = self.earlier.get(&(link, side));
        let earlier = earlier.map_or(&[][..], Vec::as_slice);
        let (mut left, mut broken) = (Vec::new(), None);
        let mut before = |field: &FieldKey, seen: Version| {
            let Some(at) = alone.iter().position(|row| row.field == *field) else {
                return Ok(());
            };
            let mut row = alone.remove(at);
            row.expected = row.expected.max(seen);
            let op = noted(beside(row.clone(), earlier));
            left.push(row);
            let stored = engine.store().commit(&Batch(vec![op]));
            let stored = stored.map_err(CycleError::from);
            stored
                .and_then(|()| engine.point("before-call"))
                .map_err(|error| {
                    let kind = ErrorKind::Cancelled;
                    let told = ConnectorError::new(side, kind, "note a call", error.to_string());
                    broken = Some(error);
                    told
                })
        };
        let writer = self.writers.get(side);
        let result = writer.update_in_calls(change, &mut before).await;
        if let Some(rows) = self.unanswered.get_mut(&link) {
            rows.extend(left);
        }
        match broken {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }

    /// What the other side has of a field that is about to be sent; `None`: it is not to settle with that. So it is where only
    /// a part of the planned value is sent.
    fn source_of(
        &self,
        plan: &PairPlan,
        (action, link): (&Action, LinkId),
        (field, wanted): (&FieldKey, &FieldValue),
        unclear: bool,
    ) -> Option<Source> {
        // An undo leaves the two sides apart.
        if matches!(action.why, ActionWhy::TakenBack { .. }) {
            let other = action.target.other();
            let value = match self.returned.get(&(link, other, field.clone())) {
                // It is taken back there too.
                Some(returned) => returned.value.clone(),
                None => {
                    let row = self.engine.store().link(link).ok()??;
                    let item = self.observed.items.get(other).get(row.item(other))?;
                    item.fields.get(field)?.clone()
                }
            };
            return Some(Source {
                value,
                wanted: None,
                apart: true,
            });
        }
        let mut changes = action.changes.iter();
        let change = changes.find(|change| change.field == *field && change.after == *wanted)?;
        let first = (link, action.target.other(), field.clone());
        Some(match (&change.source_value, self.returned.get(&first)) {
            (Some(_), Some(first)) => {
                // A tag that was left out of that write, because it is refused, is not there.
                let value = first.value.clone();
                let value = self.without_missing(link, action.target, field, value);
                let whole = first.in_force && value == first.value;
                Source {
                    value,
                    wanted: (!whole).then(|| first.sent.clone()),
                    apart: false,
                }
            }
            (source, _) => match (other_half(plan, action, field), source) {
                // The other half of a merge is still to be written, or was refused alone.
                (Some(half), source) if source.is_none() || !unclear => Source {
                    value: half.before.clone()?,
                    wanted: Some(half.after.clone()),
                    apart: false,
                },
                (_, Some(source)) => Source {
                    value: source.clone(),
                    wanted: change.kept_back.as_deref().cloned(),
                    apart: false,
                },
                (_, None) => return None,
            },
        })
    }

    /// The second half of a merge was answered. What is noted of the first one, where no answer has shown that, is measured by
    /// this one from now on.
    pub(super) fn first_noted(
        &self,
        (link, side): (LinkId, Side),
        field: &FieldKey,
        second: &Answer,
    ) -> Result<Option<Op>, StoreError> {
        let mut notes = self.engine.store().transits()?.into_iter();
        let first =
            notes.find(|row| (row.link, row.side, &row.field) == (link, side.other(), field));
        let again = first.map(|row| {
            let source = Source {
                value: second.value.clone(),
                wanted: (!second.in_force).then(|| second.sent.clone()),
                apart: row.source.as_ref().is_some_and(|source| source.apart),
            };
            TransitRow {
                source: Some(source),
                ..row
            }
        });
        Ok(again.map(noted))
    }

    /// Notes the steps on the way to a state, where it takes any. Returns what becomes of the action where they cannot be told;
    /// nothing is sent then.
    pub(super) async fn note_way(
        &mut self,
        action: &Action,
        change: &Change,
    ) -> Result<Option<Done>, CycleError> {
        if action.link.is_none() || !change.set.contains_key(&FieldKey::State) {
            return Ok(None);
        }
        let via = match self.writers.get(action.target).steps(change).await {
            Ok(via) => via,
            Err(error) => {
                self.forget_notes(action)?;
                return Ok(Some(self.failed(action, error)));
            }
        };
        let Some(first) = via.first() else {
            return Ok(None);
        };
        if let Some(link) = action.link {
            let step = (FieldKey::State, first.clone());
            self.first_steps.insert((link, action.target), step);
        }
        let mut sent = change.set.clone();
        sent.remove(&FieldKey::State);
        let rows = action.link.and_then(|link| self.unanswered.get_mut(&link));
        let row = rows
            .into_iter()
            .flatten()
            .find(|row| row.field == FieldKey::State);
        let Some(row) = row else {
            return Ok(None);
        };
        (row.via, row.sent) = (via, sent);
        let row = row.clone();
        let earlier = self.earlier.get(&(row.link, row.side));
        let op = noted(beside(row, earlier.map_or(&[], Vec::as_slice)));
        self.engine.store().commit(&Batch(vec![op]))?;
        Ok(None)
    }

    /// A write was answered. One in steps arrived, or stopped half way: then the step is the side's own base, and the other
    /// side's value is still to be carried over. Of what the answer leaves out the note of a text or of steps stays.
    /// Example: ClickUp cuts a text, its answer does not show the text, and the read after it fails; then somebody edits what
    /// is left of it. And so stays every note whose base waits for another look at the item (`unclear`): a value that somebody
    /// sets back before that look would be taken for one that never was written over.
    pub(super) fn answered(
        &mut self,
        action: &Action,
        written: &Written,
        unclear: bool,
    ) -> Vec<Op> {
        let Some((link, rows)) = self.taken(action) else {
            return Vec::new();
        };
        let side = action.target;
        let mut ops = vec![Op::Part(PartOp::EndTransit { link, side })];
        // Other parts of an update whose answer is in doubt: they may be in force all the same.
        let earlier = self.earlier.remove(&(link, side)).unwrap_or_default();
        let (mut same, mut others): (Vec<_>, Vec<_>) = earlier
            .into_iter()
            .partition(|row| rows.iter().any(|own| own.field == row.field));
        let doubted = self.in_doubt.contains(&(link, side));
        // Of a set that went in parts a call before this one may be in force as well.
        same.retain(|row| doubted && rows.iter().any(|own| is_smaller_part(own, row)));
        for row in &mut same {
            row.expected = seen_by(written, row);
        }
        // An undo carries its own fields and looks at no others: what a run before it noted of those is still to be judged. Example:
        // the answer about a tag is lost, its author takes it back, and a date is undone before the next cycle.
        let undoes = matches!(action.why, ActionWhy::TakenBack { .. });
        if undoes || doubted {
            // This version is ours. A step on the way to a state is told by the versions since the request before it.
            let known = written.item.version;
            for row in others.iter_mut().filter(|row| row.via.is_empty()) {
                row.expected = known.max(row.expected);
            }
        } else {
            // Somebody has edited it meanwhile, so its call was not sent this time; or the look before this write did not show it,
            // so that nobody has judged it yet.
            others.retain(|row| {
                let mut changes = action.changes.iter();
                changes.any(|change| change.field == row.field) || self.was_hidden(action, row)
            });
            let hidden = |row: &&mut TransitRow| row.via.is_empty() && self.was_hidden(action, row);
            for row in others.iter_mut().filter(hidden) {
                row.expected = seen_by(written, row);
            }
        }
        ops.extend(others.into_iter().map(noted));
        let waits = |row: &TransitRow| {
            let mut changes = action.changes.iter();
            let change = changes.find(|change| change.field == row.field);
            change.is_some_and(|change| returned(written, change, unclear).is_none())
        };
        for row in rows {
            match written.item.fields.get(&row.field) {
                Some(now) if row.via.contains(now) => {
                    tracing::warn!(field = %row.field, %side, outcome = "half way", "stopped half way");
                    let base = settle::half_way(side, now.clone());
                    let fields = BTreeMap::from([(row.field.clone(), base)]);
                    ops.push(Op::SetBase { link, fields });
                    // Whoever leaves the step and comes back to it before the next look has chosen it.
                    ops.push(noted(row));
                }
                Some(_) => {}
                // An answer that leaves it out says as little of it as none.
                None if !row.via.is_empty() || is_text(&row) || waits(&row) => {
                    // Its calls went out after the one that was answered.
                    let expected = match goes_apart(side, &row.field) {
                        true => seen_by(written, &row),
                        false => row.expected,
                    };
                    ops.push(noted(TransitRow { expected, ..row }));
                }
                None => {}
            }
        }
        ops.extend(same.into_iter().map(noted));
        ops
    }

    /// The states on a new item's way to its own, from the one that the create gave it on, where its last step had no answer:
    /// only the item's versions tell how far it has come. None: that is known.
    pub(super) async fn steps_in_doubt(
        &self,
        side: Side,
        new: &NewItem,
        written: &Written,
    ) -> Vec<FieldValue> {
        let state = &FieldKey::State;
        let shown = written.item.fields.contains_key(state);
        let Some(wanted) = new
            .fields
            .get(state)
            .filter(|_| !shown && written.pending.contains_key(state))
        else {
            return Vec::new();
        };
        let reader = self.engine.readers.get(side);
        let steps = reader.steps_of_create(&new.pair, &written.item, wanted);
        // Where that cannot be asked, the state counts as anybody's: then both values are kept.
        steps.await.unwrap_or_default()
    }

    /// Notes those steps for the link of the new item, which the same commit adds, as an update notes them before it is sent. The
    /// create made the first version, so every version is judged.
    pub(super) fn note_steps(
        &self,
        (ado, side): (&ItemId, Side),
        new: &NewItem,
        via: Vec<FieldValue>,
    ) -> Option<Op> {
        let wanted = new.fields.get(&FieldKey::State);
        let (first, wanted) = (via.first().cloned()?, wanted.cloned()?);
        let transit = TransitRow {
            link: LinkId(0),
            side,
            field: FieldKey::State,
            origin: first,
            via,
            wanted,
            expected: Version(0),
            sent: BTreeMap::new(),
            source: None,
        };
        Some(Op::Part(PartOp::SaveTransitFor {
            pair: new.pair.clone(),
            ado: ado.clone(),
            transit,
        }))
    }

    /// A write was refused, so that nothing of it is there, but for the fields that earlier calls of the same update carried:
    /// their notes stay. Example: a task has its new title, the call that adds a tag is refused because the token was
    /// revoked, and somebody sets the old title again.
    ///
    /// After an answer in doubt the notes of the link stay for the rest of the run, whatever is said to what is sent next.
    /// Example: the first step to a state is in force, the page of a firewall is all that came back, and the rest is refused
    /// because the work item has moved: it is our own step that stands there.
    ///
    /// What an earlier run noted stays too. Example: that run was killed after the first step, a stale listing shows the
    /// work item as it was before, and what is planned by it is refused because of that very step.
    pub(super) fn unsent(
        &mut self,
        action: &Action,
        error: &ConnectorError,
    ) -> Result<(), StoreError> {
        let side = action.target;
        let Some((link, rows)) = self.taken(action) else {
            return Ok(());
        };
        if error.in_doubt {
            self.in_doubt.insert((link, side));
        }
        let unknown = error.may_be_in_force() || self.in_doubt.contains(&(link, side));
        let left = error.begun.as_ref().and_then(|begun| begun.left);
        let stay = rows.into_iter();
        let stay = stay.filter(|row| unknown || error.may_have_set(&row.field));
        let earlier = self.earlier.get(&(link, side));
        let earlier = earlier.map_or(&[][..], Vec::as_slice);
        let later = |row: TransitRow| {
            let mut row = beside(row, earlier);
            // What an earlier call of this very update did is nobody's touch.
            row.expected = left.map_or(row.expected, |left| left.max(row.expected));
            row
        };
        let stay: Vec<TransitRow> = stay.map(later).collect();
        let mut ops = match unknown {
            true => Vec::new(),
            false => self.notes_of_before((link, side), &stay),
        };
        ops.extend(stay.into_iter().map(noted));
        self.engine.store().commit(&Batch(ops))
    }

    /// An update was noted and not sent.
    fn forget_notes(&mut self, action: &Action) -> Result<(), StoreError> {
        let Some((link, _)) = self.taken(action) else {
            return Ok(());
        };
        let ops = self.notes_of_before((link, action.target), &[]);
        self.engine.store().commit(&Batch(ops))
    }

    /// Whether the look at an item, by which its write was planned, did not show the field of a note.
    ///
    /// Example: a task got its status, and the call for a tag had no answer. The next look leaves the status out, and a new title
    /// is written. The note of the status waits for a look that shows it.
    fn was_hidden(&self, action: &Action, row: &TransitRow) -> bool {
        let seen = self.observed.items.get(action.target);
        let seen = action.target_item.as_ref().and_then(|id| seen.get(id));
        seen.is_some_and(|item| !item.fields.contains_key(&row.field))
    }

    /// What leaves the notes of a link on a side as they were before the last update, but for those of the fields in `stay`.
    fn notes_of_before(&mut self, (link, side): (LinkId, Side), stay: &[TransitRow]) -> Vec<Op> {
        let mut ops = vec![Op::Part(PartOp::EndTransit { link, side })];
        let earlier = self.earlier.remove(&(link, side)).unwrap_or_default();
        let others = earlier
            .into_iter()
            .filter(|row| stay.iter().all(|own| own.field != row.field));
        ops.extend(others.map(noted));
        ops
    }

    fn taken(&mut self, action: &Action) -> Option<(LinkId, Vec<TransitRow>)> {
        let link = action.link?;
        Some((link, self.unanswered.remove(&link)?))
    }
}

/// The version up to which nobody but us has touched an item, after an answer, for a note that stays.
fn seen_by(written: &Written, row: &TransitRow) -> Version {
    let ours = record::left(written);
    ours.map_or(row.expected, |ours| ours.max(row.expected))
}

/// Whether a note is of a long text, which a service may cut.
fn is_text(row: &TransitRow) -> bool {
    matches!(row.wanted, FieldValue::Rich(_))
}

/// The note of a change beside what is noted of earlier ones: either of them may be in force.
fn beside(mut row: TransitRow, earlier: &[TransitRow]) -> TransitRow {
    for earlier in earlier {
        let both = transit_of(&row).beside(&transit_of(earlier));
        (row.via, row.expected, row.sent) = (both.via, both.expected, both.sent);
        if is_part(&row, earlier) {
            row.wanted.clone_from(&earlier.wanted);
            row.source.clone_from(&earlier.source);
        }
    }
    row
}

/// Whether a change of a set carries only what an earlier one carried too, by the same look at the item: then that one tells of
/// either.
///
/// Example: two tags go to a work item, and the page of a firewall is all that comes back. So each of them is sent alone, which
/// is refused because the work item has moved: both tags are there, and both are ours.
fn is_part(row: &TransitRow, earlier: &TransitRow) -> bool {
    let by_member = row.field.kind().by_member().is_some();
    let same_look = row.origin == earlier.origin && row.expected == earlier.expected;
    let had = row.origin.members();
    let (part, whole) = (row.wanted.members(), earlier.wanted.members());
    let came = part.difference(&had).all(|tag| whole.contains(tag));
    let went = had.difference(&part).all(|tag| !whole.contains(tag));
    by_member && row.field == earlier.field && same_look && came && went
}

/// As [`is_part`], where the earlier one carried more.
///
/// Example: two tags go to a task, the call for the first one gets the page of a firewall for an answer, and the other one is sent
/// alone. The read after it shows both: the first one is ours too, and its author may take it away again.
fn is_smaller_part(row: &TransitRow, earlier: &TransitRow) -> bool {
    row.wanted != earlier.wanted && is_part(row, earlier)
}

fn noted(row: TransitRow) -> Op {
    Op::Part(PartOp::SaveTransit(row))
}
