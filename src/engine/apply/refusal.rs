//! What becomes of a write that a service refused: it goes in parts, and only what is at fault is held.

use super::{Done, Run};
use crate::capabilities;
use crate::connector::answer;
use crate::connector::{Change, ConnectorError, ErrorKind};
use crate::engine::CycleError;
use crate::model::{FieldKey, FieldValue, Item, ItemId, LinkId, Side, Timestamp, Version};
use crate::reason::{ActionWhy, HoldWhy, RailWhy};
use crate::reconcile::plan::{Action, ActionKind, FieldChange, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::attempt::Failure;
use crate::reconcile::rails::source;
use crate::reconcile::trial::{Blame, Held, NotTaken, Part, Trial, by_field, is_by_member};
use crate::store::{Batch, HoldRow, Op, PartOp, Refusal, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Longest value that a hold quotes.
const QUOTED_CHARS: usize = 60;

/// Returns what a definite refusal of these fields blames; `None`: it is no refusal, or one of the item whatever is sent.
pub(super) fn blame(error: &ConnectorError, asked: &BTreeSet<FieldKey>) -> Option<Blame> {
    // A right on the task is lacking, not on one of its fields (recorded: ACCESS_064, ACCESS_081).
    let of_item = error
        .code
        .as_ref()
        .is_some_and(|code| code.starts_with("ACCESS_"));
    if error.kind != ErrorKind::Refused || of_item {
        return None;
    }
    Some(match &error.field {
        Some(field) if asked.contains(field) => Blame::Field(field.clone()),
        Some(_) => Blame::Unsent,
        None if error.unsent.is_some() => Blame::Unsent,
        None if error.status == Some(403) => Blame::Forbidden,
        None => Blame::Nobody,
    })
}

/// The service's words, with the name of the field that it misses where it does not say that itself.
pub(super) fn words(error: &ConnectorError) -> String {
    match &error.unsent {
        Some(name) if !error.message.contains(name.as_str()) => {
            format!("{} ({name})", error.message)
        }
        Some(_) | None => error.message.clone(),
    }
}

/// Why a part is held: what was sent, what was said to it and what helps.
pub(super) fn refused(
    side: Side,
    field: &FieldKey,
    value: &FieldValue,
    words: &str,
    proven: bool,
) -> RailWhy {
    let shown = value.to_string();
    let quoted = shown.chars().count() <= QUOTED_CHARS && !shown.contains('\n');
    RailWhy::Refused {
        side,
        field: field.clone(),
        value: quoted.then_some(shown),
        proven,
        said: words.to_owned(),
    }
}

pub(super) fn keys(fields: &BTreeMap<FieldKey, FieldValue>) -> BTreeSet<FieldKey> {
    fields.keys().cloned().collect()
}

/// The field among those still to be sent that the answer to a part shows edited. ADO refuses what was planned for an
/// earlier version; ClickUp would take it, and the edit would be gone.
fn edited_meanwhile(side: Side, parts: &Parts<'_>, answered: &Item) -> Option<FieldKey> {
    let change = &parts.change;
    let compares = capabilities::of(side).compares_versions;
    let open = |key: &&FieldKey| !compares && !change.set.contains_key(*key);
    let edited = |key: &&FieldKey| {
        let before = change.current.fields.get(*key);
        let now = answered.fields.get(*key);
        before
            .zip(now)
            .is_some_and(|(before, now)| !answer::in_force(side, key, before, now))
    };
    parts.wanted.keys().filter(open).find(edited).cloned()
}

/// An update on its way in parts.
struct Parts<'a> {
    change: &'a mut Change,
    wanted: BTreeMap<FieldKey, FieldValue>,
    trial: Trial,
    read_at: Timestamp,
    /// Whether any part arrived.
    arrived: bool,
    /// Why parts that arrived are not in force yet.
    pending: Vec<String>,
}

impl Run<'_> {
    /// Goes on with an update that was refused. `read_at` is when its target was read.
    pub(super) async fn in_parts(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
        change: &mut Change,
        (error, blame): (ConnectorError, Blame),
        read_at: Timestamp,
    ) -> Result<Done, CycleError> {
        self.unsent(action, &error)?;
        let whole = Part::whole(&change.set, &change.current.fields);
        let suspects = self.suspects(policy, action, &change.set)?;
        let mut trial = Trial::new(whole, suspects);
        trial.refused(&blame, &words(&error));
        let mut parts = Parts {
            wanted: std::mem::take(&mut change.set),
            change,
            trial,
            read_at,
            arrived: false,
            pending: Vec::new(),
        };
        let mut last = error;
        while let Some(part) = parts.trial.next().cloned() {
            if let Some(done) = self
                .send_part(plan, action, &mut parts, &part, &mut last)
                .await?
            {
                return Ok(done);
            }
        }
        let held = parts.trial.held();
        let version = parts.change.expected;
        self.hold_parts(policy, plan, action, &parts.wanted, held, version)
            .await?;
        if !parts.arrived {
            // Held part by part, and still counted: a person who edits it every minute makes no hot loop.
            self.apart = true;
            let now = self.engine.clock.now();
            self.count(policy, action, Failure::InAllParts, &last.to_string(), now);
            let entry = self.journal_failed(plan, action, action.target_item.as_ref(), &last);
            self.engine.store().commit(&Batch(vec![entry]))?;
            return Ok(Done::Failed(last.to_string()));
        }
        Ok(match parts.pending.is_empty() {
            true => Done::Done(None),
            false => Done::Failed(parts.pending.join("; ")),
        })
    }

    /// Sends one part. Returns what becomes of the whole action where nothing more can be sent.
    async fn send_part(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        parts: &mut Parts<'_>,
        part: &Part,
        last: &mut ConnectorError,
    ) -> Result<Option<Done>, CycleError> {
        let (engine, side) = (self.engine, action.target);
        if let Some(switched) = engine.stopped_by() {
            self.switched_off = true;
            return Ok(Some(Done::Skipped(switched.to_string())));
        }
        if let Err(error) = self.writers.get(side).make_room().await {
            return Ok(Some(self.failed(action, error)));
        }
        // The refusal took its time, and no version may be tested.
        if !capabilities::of(side).compares_versions && self.is_old(parts.read_at) {
            parts.read_at = engine.clock.now();
            let (id, expected) = (parts.change.id.clone(), parts.change.expected);
            if let Err(done) = self.read_again(action, &id, expected).await {
                return Ok(Some(done));
            }
        }
        parts.change.set = part.values(&parts.wanted, &parts.change.current.fields);
        let notes = self.note_sent(plan, action, parts.change)?;
        engine.store().commit(&Batch(notes))?;
        if let Some(done) = self.note_way(action, parts.change).await? {
            return Ok(Some(done));
        }
        let error = match self.send(action, parts.change).await? {
            Ok(written) => {
                engine.point("after-update")?;
                let later = written.later.first().cloned();
                let done = self.took(plan, action, parts.change, written)?;
                if let Done::Failed(reason) = done {
                    parts.pending.push(reason);
                }
                parts.arrived = true;
                parts.trial.accepted();
                parts.change.backlink = None;
                parts.read_at = engine.clock.now();
                let Some(item) = self.written.get(side).get(&parts.change.id) else {
                    return Ok(None);
                };
                // What a read after our call shows otherwise is not in `item`, and its version is that of the edit.
                let later = later.filter(|_| parts.trial.next().is_some());
                let edited = edited_meanwhile(side, parts, item).or(later);
                parts.change.expected = item.version;
                *parts.change.current = item.clone();
                return Ok(edited.map(|field| {
                    Done::Stale(format!(
                        "somebody edited its {field} between two of our requests"
                    ))
                }));
            }
            Err(error) => error,
        };
        self.unsent(action, &error)?;
        match blame(&error, &keys(&parts.change.set)) {
            Some(blame) => {
                parts.trial.refused(&blame, &words(&error));
                let earlier = std::mem::replace(last, error);
                last.in_doubt |= earlier.in_doubt;
                Ok(None)
            }
            None => {
                let id = action.target_item.as_ref();
                let entry = self.journal_failed(plan, action, id, &error);
                engine.store().commit(&Batch(vec![entry]))?;
                Ok(Some(self.failed(action, error)))
            }
        }
    }

    /// What of a change was refused before: it is left out first.
    fn suspects(
        &self,
        policy: &Policy,
        action: &Action,
        wanted: &BTreeMap<FieldKey, FieldValue>,
    ) -> Result<Part, StoreError> {
        let mut part = Part::default();
        for row in self.engine.store().refusals(&policy.pair)? {
            let same = row.side == action.target && Some(&row.item) == action.target_item.as_ref();
            match wanted.get(&row.field).filter(|_| same) {
                Some(value) if is_by_member(&row.field) && !value.is_empty() => {
                    let bad = &value.members() & &row.value.members();
                    part.add_members(row.field, bad);
                }
                Some(value) if *value == row.value => {
                    part.fields.insert(row.field);
                }
                Some(_) | None => {}
            }
        }
        Ok(part)
    }

    /// Holds the parts that a service did not take, and remembers them, so that they are not sent again as they are.
    async fn hold_parts(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
        wanted: &BTreeMap<FieldKey, FieldValue>,
        held: Vec<Held>,
        version: Version,
    ) -> Result<(), StoreError> {
        let Some(item) = action.target_item.clone() else {
            return Ok(());
        };
        // The item that has the value, as the hold names it.
        let (side, of) = source(action).unwrap_or((action.target, item.clone()));
        let mut ops = Vec::new();
        for (
            field,
            NotTaken {
                value,
                words,
                proven,
            },
        ) in by_field(held, wanted)
        {
            let why = refused(action.target, &field, &value, &words, proven);
            let why = self.as_foretold(plan, action, &field, why).await;
            tracing::warn!(item = %format_args!("{side} {of}"), %side, %field, outcome = "held", "{why}");
            self.holds.extend(hold_row(
                plan,
                action,
                &field,
                &why,
                self.engine.clock.now(),
            ));
            ops.push(Op::Part(PartOp::SaveRefusal(Refusal {
                pair: policy.pair.clone(),
                side: action.target,
                item: item.clone(),
                field,
                value,
                version,
                why,
                fingerprint: policy.fingerprint.clone(),
            })));
        }
        self.engine.store().commit(&Batch(ops))
    }

    /// A refusal as the plan told it, where it could be known before: with what helps, and not in the service's words alone.
    pub(super) async fn as_foretold(
        &self,
        plan: &PairPlan,
        action: &Action,
        field: &FieldKey,
        refused: RailWhy,
    ) -> HoldWhy {
        let known = self.engine.known_of(self.observed, plan, action, field);
        known.await.map_or(refused.into(), HoldWhy::from)
    }

    /// Notes the members of a field, say tags, that a write of this side left out. They are still owed, so the other side's
    /// base must not hold them.
    pub(super) fn note_missing(
        &mut self,
        link: LinkId,
        side: Side,
        change: &FieldChange,
        sent: &FieldValue,
    ) {
        if is_by_member(&change.field) {
            let missing = &change.after.members() - &sent.members();
            let key = (link, side, change.field.clone());
            self.missing.insert(key, missing);
        }
    }

    /// The value of a side without the members that the other side did not take.
    pub(super) fn without_missing(
        &self,
        link: LinkId,
        side: Side,
        field: &FieldKey,
        value: FieldValue,
    ) -> FieldValue {
        let missing = self.missing.get(&(link, side.other(), field.clone()));
        let missing = missing.filter(|missing| !missing.is_empty());
        match missing.zip(field.kind().by_member()) {
            Some((missing, of_members)) => of_members(&value.members() - missing),
            None => value,
        }
    }

    /// What items refuse still after our own write of them, and what is no longer wanted of it.
    pub(super) fn refusals_moved(side: Side, item: &ItemId, from: Version, to: Version) -> Op {
        Op::Part(PartOp::MoveRefusals {
            side,
            item: item.clone(),
            from,
            to,
        })
    }

    /// Forgets what items that were looked at refused and what nobody wants of them any more.
    pub(super) fn refusals_over(
        &self,
        store: &Store,
        plan: &PairPlan,
        looked_at: &BTreeSet<(Side, ItemId)>,
    ) -> Result<Vec<Op>, StoreError> {
        let wanted = |row: &Refusal| {
            let held = self.holds.iter();
            let held = held.map(|hold| (hold.side, hold.item.as_ref(), &hold.subject, hold.link));
            let planned = plan.holds.iter();
            let planned =
                planned.map(|hold| (Some(hold.side), Some(&hold.item), &hold.subject, hold.link));
            held.chain(planned).any(|(_, _, subject, link)| {
                subject.covers(&row.field) && link.is_none_or(|link| self.is_of(plan, link, row))
            })
        };
        let rows = store.refusals(&plan.pair)?.into_iter();
        let over =
            rows.filter(|row| looked_at.contains(&(row.side, row.item.clone())) && !wanted(row));
        Ok(over
            .map(|row| {
                Op::Part(PartOp::ForgetRefusal {
                    pair: row.pair,
                    side: row.side,
                    item: row.item,
                    field: row.field,
                })
            })
            .collect())
    }

    fn is_of(&self, plan: &PairPlan, link: LinkId, row: &Refusal) -> bool {
        let mut links = self.observed.findings.links_of(&plan.pair).iter();
        links.any(|(id, items)| *id == link && *items.get(row.side) == row.item)
    }
}

pub(super) fn hold_row(
    plan: &PairPlan,
    action: &Action,
    field: &FieldKey,
    why: &HoldWhy,
    since: Timestamp,
) -> Option<HoldRow> {
    let (side, item) = source(action)?;
    Some(HoldRow {
        pair: plan.pair.clone(),
        link: action.link,
        side: Some(side),
        item: Some(item),
        subject: field.into(),
        why: why.clone(),
        since,
        tries: 0,
        retry_at: None,
    })
}

/// Whether an action's refusal is taken apart in this run.
///
/// A close that is refused keeps its link and is tried again as a whole. Where earlier calls of the same update went through,
/// nothing is sent over them: the next cycle reads what came of it, and plans the rest. Example: a task has its new title and
/// one of two tags, and the other tag is refused. Sent again, the title could go over what somebody has typed since, and the
/// tag that went through would count as somebody's.
///
/// Nor is an undo taken apart of which a tag got the page of a firewall for an answer: the tag would count as refused, and
/// where it is in force all the same, as somebody's who wants it on the other side as well.
pub(super) fn has_parts(action: &Action, error: &ConnectorError) -> bool {
    let member = error.field.as_ref().is_some_and(is_by_member);
    let undoes = matches!(action.why, ActionWhy::TakenBack { .. });
    let doubted = undoes && member && error.in_doubt;
    action.kind == ActionKind::Update && error.begun.is_none() && !doubted
}
