//! The rails at work in a run: the last checks before a request, and what is recorded for the next plan.

use super::apart::renewed;
use super::{Done, Run, Stopped};
use crate::connector::{ConnectorError, ErrorKind};
use crate::engine::rails::trips;
use crate::model::{FieldKey, ItemId, LinkId, Side, Sided, Subject, Timestamp};
use crate::reason::{RailWhy, SettledBy};
use crate::reconcile::plan::{Action, ActionKind, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::attempt::{self, Failure};
use crate::reconcile::rails::{breaker, firewall, tried};
use crate::reconcile::settle;
use crate::store::{Attempt, Intent, NoteOp, Op, RailOp, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Says whether the error that closed a side for this run closes it for the next ones too.
pub(super) fn closes(error: &ConnectorError) -> bool {
    trips(error)
}

/// The work item of a link, as the log names it.
pub(super) fn item_of(store: &Store, link: LinkId) -> Result<String, StoreError> {
    let row = store.link(link)?;
    Ok(row.map_or_else(String::new, |row| format!("{} {}", Side::Ado, row.ado)))
}

impl Run<'_> {
    /// Loads what failed before in a pair.
    pub(super) fn load_attempts(&mut self, plan: &PairPlan) -> Result<(), StoreError> {
        let rows = self.engine.store().attempts(Some(&plan.pair))?;
        self.attempts = rows
            .into_iter()
            .map(|attempt| (attempt.about.clone(), attempt))
            .collect();
        Ok(())
    }

    /// Returns that the stop file is there.
    pub(super) fn switch(&self) -> Option<Stopped> {
        self.engine.stopped_by().map(Stopped::Switch)
    }

    /// The last look before a request that writes. Returns what becomes of the action where it must not be sent.
    pub(super) fn gate<'a>(
        &mut self,
        policy: &Policy,
        action: &Action,
        fields: impl Iterator<Item = &'a FieldKey>,
    ) -> Result<Option<Done>, StoreError> {
        if let Some(switched) = self.engine.stopped_by() {
            self.switched_off = true;
            return Ok(Some(Done::Skipped(switched.to_string())));
        }
        // A close writes the state of an item even where states are not synced.
        let fields =
            fields.filter(|field| action.kind != ActionKind::Close || **field != FieldKey::State);
        let checked = match &action.target_item {
            None => firewall::mapped(policy, action.target, fields),
            Some(item) => {
                let row = match action.link {
                    Some(link) => self.engine.store().link(link)?,
                    None => None,
                };
                let items = row.filter(|row| row.pair == policy.pair);
                let items = items.map(|row| Sided::build(|s| row.item(s).clone()));
                firewall::change(policy, action.target, item, items.as_ref(), fields)
            }
        };
        let Err(reason) = checked else {
            return Ok(None);
        };
        tracing::error!(
            reason,
            "WRITE REFUSED by the firewall; the pair stops. This is a defect: please report it"
        );
        self.breach = Some(reason.clone());
        Ok(Some(Done::Failed(reason)))
    }

    /// Counts an error towards closing its side for the rest of the run.
    pub(super) fn strike(&mut self, side: Side, error: &ConnectorError) {
        let row = self.strikes.get_mut(side);
        *row = if trips(error) { *row + 1 } else { 0 };
        if *row >= breaker::IN_A_ROW && self.closed.get(side).is_none() {
            *self.closed.get_mut(side) = Some(error.clone());
        }
    }

    /// Says whose fault an error is; `None`: the whole side's, not the item's.
    pub(super) fn blame(error: &ConnectorError) -> Option<Failure> {
        match error.kind {
            ErrorKind::Stale => Some(Failure::Stale),
            // A part of it is done, and what is planned of the rest is another change.
            ErrorKind::Refused if error.begun.is_some() => Some(Failure::Stale),
            ErrorKind::Refused => Some(Failure::Refused),
            ErrorKind::Ambiguous | ErrorKind::NotFound | ErrorKind::Protocol => {
                Some(Failure::Other)
            }
            ErrorKind::Auth
            | ErrorKind::Unreachable
            | ErrorKind::Throttled
            | ErrorKind::Cancelled => None,
        }
    }

    /// Counts a failure against the item whose change it was, and returns how often and when it is tried again.
    pub(super) fn count(
        &mut self,
        policy: &Policy,
        action: &Action,
        kind: Failure,
        reason: &str,
        now: Timestamp,
    ) -> (u32, Option<Timestamp>) {
        let Some(key) = tried(action) else {
            return (0, Some(now));
        };
        let earlier = self
            .attempts
            .get(&key)
            .filter(|earlier| earlier.fingerprint == policy.fingerprint);
        let failures = earlier.map_or(1, |earlier| earlier.failures.saturating_add(1));
        let alike = earlier
            .filter(|earlier| earlier.kind == kind.key())
            .map_or(1, |earlier| earlier.alike.saturating_add(1));
        let retry_at = attempt::retry_at(kind, (failures, alike), &policy.pair, &key.item, now);
        let attempt = Attempt {
            pair: policy.pair.clone(),
            about: key.clone(),
            kind: kind.key().to_owned(),
            failures,
            alike,
            inputs: action.id.0.clone(),
            fingerprint: policy.fingerprint.clone(),
            last_at: now,
            retry_at,
            reason: reason.to_owned(),
        };
        self.attempts.insert(key.clone(), attempt);
        self.failed.insert(key);
        (failures, retry_at)
    }

    /// What the rails must know in the next plan of this pair.
    pub(super) fn rail_ops(
        &self,
        store: &Store,
        plan: &PairPlan,
        looked_at: &BTreeSet<(Side, ItemId)>,
        now: Timestamp,
    ) -> Result<Vec<Op>, StoreError> {
        let mut ops = self.trust(store, plan, now)?;
        ops.extend(self.freezes(store, plan, now)?);
        let open = store.open_intents()?;
        for (about, attempt) in &self.attempts {
            // While what a request made is looked for, nobody knows yet whether it failed.
            let sought = |open: &Intent| open.about() == *about;
            let pending = plan.retry.contains_key(about)
                || open.iter().any(sought)
                || self.holds.iter().any(|hold| {
                    hold.side == Some(about.side)
                        && hold.item.as_ref() == Some(&about.item)
                        && hold.subject == about.subject
                });
            let seen = looked_at.contains(&(about.side, about.item.clone()));
            if self.failed.contains(about) {
                ops.push(Op::Rail(RailOp::SaveAttempt(attempt.clone())));
            } else if seen && !pending {
                ops.push(Op::Rail(RailOp::ForgetAttempt {
                    pair: plan.pair.clone(),
                    about: about.clone(),
                }));
            }
        }
        Ok(ops)
    }

    /// After a restore: the base of what was looked at is forgotten, but for the fields on which both sides agree, which
    /// the rebases behind this set again. A complete listing ends it: what it showed unchanged was not looked at.
    ///
    /// A field that is not synced at that time is frozen, should it be synced again one day: nothing will tell then that
    /// its base was lost. Example: Ana took the assignee out in Azure DevOps, the database was put back to before, and
    /// `assignees` is switched off for a while. A first look at empty against "Bo" would fill the gap with "Bo".
    fn trust(&self, store: &Store, plan: &PairPlan, at: Timestamp) -> Result<Vec<Op>, StoreError> {
        let mark = store.restored()?;
        let Some(mut mark) = mark.filter(|mark| !mark.trusted.contains(&plan.pair)) else {
            return Ok(Vec::new());
        };
        let mut ops = Vec::new();
        for (link, _) in self.observed.findings.links_of(&plan.pair) {
            let link = *link;
            ops.push(Op::Rail(RailOp::Distrust(link)));
            let known = store.base(link)?.into_keys();
            for field in known.filter(|field| !self.is_synced(plan, field)) {
                ops.push(Op::Rail(RailOp::Freeze {
                    link,
                    subject: field.into(),
                    why: RailWhy::RestoredDiffers.into(),
                    at,
                }));
            }
        }
        if self.observed.findings.swept.contains(&plan.pair) {
            mark.trusted.insert(plan.pair.clone());
            ops.push(Op::Note(NoteOp::Restored(mark)));
        }
        Ok(ops)
    }

    /// Freezes what the plan says. Thaws what is settled, and closes conflicts that are: both sides came to agree, or the
    /// field is no longer synced.
    fn freezes(
        &self,
        store: &Store,
        plan: &PairPlan,
        at: Timestamp,
    ) -> Result<Vec<Op>, StoreError> {
        let stored: BTreeMap<(LinkId, Subject), bool> = store
            .freezes(&plan.pair)?
            .into_iter()
            .map(|freeze| ((freeze.link, freeze.subject), freeze.thawed_at.is_none()))
            .collect();
        let mut ops = Vec::new();
        for frozen in &plan.frozen {
            let (link, subject) = (frozen.link, frozen.subject.clone());
            if stored.get(&(link, subject.clone())) == Some(&true) {
                continue;
            }
            let item = item_of(store, link)?;
            tracing::warn!(pair = %plan.pair, item, field = %subject, outcome = "frozen", "{}", frozen.why);
            let why = frozen.why.clone();
            ops.push(Op::Rail(RailOp::Freeze {
                link,
                subject,
                why,
                at,
            }));
        }
        for ((link, subject), _) in stored.into_iter().filter(|(_, active)| *active) {
            let thaws = match &subject {
                Subject::Field(field) => {
                    self.is_synced(plan, field) && self.settled(plan, link, field)
                }
                Subject::Part(part) => match part.kind {},
                // What goes round is a value, so an item is never frozen as a whole.
                Subject::Item => false,
            };
            if thaws {
                ops.push(Op::Rail(RailOp::Thaw { link, subject, at }));
            }
        }
        for open in store.conflicts(true)? {
            let (id, record) = (open.id, &open.record);
            let (link, field) = (record.link, &record.field);
            // What stands still shows no values, so that nobody can tell whether the two agree.
            let still = self.stands_still(plan, field);
            if record.pair != plan.pair || still || !self.settled(plan, link, field) {
                continue;
            }
            if let Some(now) = self.left_apart(plan, link, field) {
                ops.extend(renewed(store, record, &now, at)?);
                continue;
            }
            let mut by = SettledBy::Agreed;
            if !self.is_synced(plan, field) {
                // Should the field be synced again, what differs then is told anew. Without any base a side that somebody has
                // emptied would look as if it had never had a value, and would get the other one's.
                let base = store.base(link)?.remove(field);
                ops.extend(base.map(|base| {
                    let both = Side::BOTH.into_iter();
                    let base = both.fold(base, |base, side| settle::doubted(side, base));
                    let fields = BTreeMap::from([(field.clone(), base)]);
                    Op::SetBase { link, fields }
                }));
                by = SettledBy::Unsynced;
            }
            let taken = None;
            ops.push(Op::ResolveConflict { id, taken, by, at });
        }
        Ok(ops)
    }

    fn stands_still(&self, plan: &PairPlan, field: &FieldKey) -> bool {
        let policy = self.engine.policy(&plan.pair);
        policy.is_some_and(|policy| policy.paused.contains_key(field))
    }

    fn is_synced(&self, plan: &PairPlan, field: &FieldKey) -> bool {
        let policy = self.engine.policy(&plan.pair);
        policy.is_none_or(|policy| policy.fields.contains_key(field))
    }

    /// Whether both items were seen and nothing is left to decide or to do about the field.
    ///
    /// Example of what is left: an undo left a state apart and stopped half way, and the write that was to go on from there got
    /// the page of a firewall for an answer. The conflict that names the undo does not become one about the step.
    fn settled(&self, plan: &PairPlan, link: LinkId, field: &FieldKey) -> bool {
        let mut looked_at = self.observed.findings.links_of(&plan.pair).iter();
        let seen = looked_at.any(|(id, items)| {
            *id == link
                && Side::BOTH.iter().all(|side| {
                    self.observed
                        .items
                        .get(*side)
                        .contains_key(items.get(*side))
                })
        });
        let contested = plan
            .conflicts
            .iter()
            .any(|conflict| conflict.link == link && conflict.field == *field);
        let mut held = plan.holds.iter();
        let held = held.any(|hold| hold.link == Some(link) && hold.subject.covers(field));
        // What a side shows then may be our own step, which nobody has chosen.
        let doubt = Side::BOTH
            .iter()
            .any(|side| self.in_doubt.contains(&(link, *side)));
        let kept = self.kept.contains(&(link, field.clone()));
        seen && !contested && !held && !doubt && !kept && !self.unclean.contains(&link)
    }
}
