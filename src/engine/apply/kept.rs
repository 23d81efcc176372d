//! What a service did not take although it said yes, and what it or somebody else changed meanwhile.

use super::{Run, source};
use crate::capabilities;
use crate::connector::{Change, Written};
use crate::model::{FieldKey, FieldValue, LinkId, Side, Sided, Version};
use crate::reason::UndoneWhy;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::rails::kept::Kept;
use crate::reconcile::settle::Answer;
use crate::store::{HoldRow, KeptRow, NewConflict, NoteOp, Op, Store, StoreError};
use std::collections::BTreeMap;

impl Run<'_> {
    /// Holds the fields that the service did not take, each until it is sent again, and remembers how often they were sent.
    pub(super) fn not_taken(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        change: &Change,
        written: &Written,
    ) -> Result<Option<Op>, StoreError> {
        let Some(link) = action.link else {
            return Ok(None);
        };
        let now = self.engine.clock.now();
        let before = kept_of(&self.engine.store(), link)?;
        let mut after = before.clone();
        for (field, sent) in &change.set {
            let Some(reason) = written.pending.get(field) else {
                after.remove(field);
                continue;
            };
            tracing::warn!(%field, outcome = "not taken", "{reason}");
            let shown = written.item.fields.get(field);
            let shown = shown.or_else(|| change.current.fields.get(field));
            let shown = shown.unwrap_or(&FieldValue::Empty);
            let kept = Kept::note(before.get(field), action.target, (sent, shown), reason, now);
            let since = before.get(field).map_or(now, |kept| kept.last_at.min(now));
            if let Some((side, item)) = source(action) {
                self.holds.push(HoldRow {
                    pair: plan.pair.clone(),
                    link: Some(link),
                    side: Some(side),
                    item: Some(item),
                    subject: field.into(),
                    why: UndoneWhy::NotTaken {
                        said: reason.clone(),
                    }
                    .into(),
                    since,
                    tries: kept.tries,
                    // Where it is not sent again the next plan says so in other words.
                    retry_at: Some(kept.retry_at.unwrap_or(now)),
                });
            }
            self.kept.insert((link, field.clone()));
            after.insert(field.clone(), kept);
        }
        Ok((after != before).then(|| remember(link, after)))
    }

    /// Keeps a text that was merged and that no side has the whole of any more: both services cut it, or the first of them
    /// did and `other`, the second half, is not written yet. It may never be, for the work item may be edited before that.
    /// Nothing would tell that from an edit, so the text stands in the conflict log, from where it can be taken again.
    pub(super) fn cut_words(
        &self,
        plan: &PairPlan,
        action: &Action,
        field: &FieldKey,
        own: &Answer,
        other: Option<&Answer>,
    ) -> Option<Op> {
        let text = matches!(own.sent, FieldValue::Rich(_));
        if !text || own.in_force || other.is_some_and(|other| other.in_force) {
            return None;
        }
        let (side, item, source) = (
            action.target,
            action.target_item.clone()?,
            action.source_item.clone()?,
        );
        let there = match other {
            Some(other) => other.sent.clone(),
            None => {
                let items = self.observed.items.get(side.other());
                items.get(&source)?.fields.get(field)?.clone()
            }
        };
        let versions = Sided::of(side, action.expected, action.source_version);
        Some(Op::AddConflict(NewConflict {
            link: action.link?,
            pair: plan.pair.clone(),
            items: Sided::of(side, item, source),
            field: field.clone(),
            base: Sided::default(),
            now: Sided::of(side, own.sent.clone(), there),
            raw: Sided::default(),
            versions: versions.map(|_, version| version.unwrap_or(Version(0))),
            taken: None,
            at: self.engine.clock.now(),
        }))
    }

    /// Whether the item has to be read again before it counts as seen at the version of the answer. What the answer left
    /// out then has no new base, because at that version a read would not tell our write from an edit.
    ///
    /// That version covers whatever was written before it, so nothing would ever look at such an edit again. It shows as a
    /// field that we did not set and that differs from what was read, or it may hide in one that the answer leaves out.
    /// ADO's test of the revision rules a person out; what differs there is the work of a rule in the same save, and no less
    /// to be carried over. A text that we did set and that nothing showed may have been cut, so it is looked at too. And so is
    /// a set that went out in calls of its own: the version of the answer is older than those calls.
    ///
    /// Example: a date and the removal of a tag go to a task, and the read after them fails. The answer to the date is of a
    /// version that still has the tag. A listing that lags shows the task at just that version: were it asked what became of
    /// the removal, the tag would count as kept by ClickUp.
    pub(super) fn leaves_open(
        &self,
        plan: &PairPlan,
        side: Side,
        change: &Change,
        written: &Written,
    ) -> bool {
        let Some(policy) = self.engine.policy(&plan.pair) else {
            return false;
        };
        let answer = &written.item.fields;
        let before = &change.current.fields;
        policy.fields.keys().any(|key| {
            let open = match change.set.get(key) {
                Some(sent) => {
                    let text = matches!(sent, FieldValue::Rich(_));
                    (text || goes_apart(side, key)) && !answer.contains_key(key)
                }
                None => match (answer.get(key), before.get(key)) {
                    (Some(now), before) => before != Some(now),
                    (None, Some(_)) => !capabilities::of(side).answers_whole,
                    (None, None) => false,
                },
            };
            open || written.later.contains(key)
        })
    }

    /// What else than the sent fields changed with the save or meanwhile, in words; empty: nothing.
    pub(super) fn besides(
        &self,
        plan: &PairPlan,
        side: Side,
        change: &Change,
        written: &Written,
    ) -> String {
        let Some(policy) = self.engine.policy(&plan.pair) else {
            return String::new();
        };
        let mut said = Vec::new();
        for key in policy.fields.keys() {
            if written.later.contains(key) {
                said.push(format!("{key} was edited in {side} meanwhile"));
                continue;
            }
            let before = change.current.fields.get(key);
            let now = written
                .item
                .fields
                .get(key)
                .filter(|_| !change.set.contains_key(key));
            if let (Some(before), Some(now)) = (before, now)
                && before != now
            {
                let what = crate::connector::answer::quoted(before, now);
                said.push(match capabilities::of(side).has_rules {
                    true => format!("{side} itself changed {key} {what} in the same save"),
                    false => format!("{key} was changed {what} in {side} just before"),
                });
            }
        }
        said.join("; ")
    }
}

/// Whether a change of a field may take calls of its own, each with a version of its own: one for each member that comes or goes,
/// and one for each custom field.
pub(super) fn goes_apart(side: Side, key: &FieldKey) -> bool {
    let able = capabilities::of(side);
    able.sets_by_difference && key.kind().by_member().is_some()
        || able.sets_customs_apart && key.is_custom()
}

/// Returns the fields of a link that a service did not take.
pub(in crate::engine) fn kept_of(
    store: &Store,
    link: LinkId,
) -> Result<BTreeMap<FieldKey, Kept>, StoreError> {
    let kept = |row: KeptRow| Kept {
        side: row.side,
        sent: row.sent,
        shown: row.shown,
        tries: row.tries,
        last_at: row.last_at,
        retry_at: row.retry_at,
        reason: row.reason,
    };
    let rows = store.kept(link)?.into_iter();
    Ok(rows.map(|(field, row)| (field, kept(row))).collect())
}

/// Stores them.
pub(super) fn remember(link: LinkId, fields: BTreeMap<FieldKey, Kept>) -> Op {
    let row = |kept: Kept| KeptRow {
        side: kept.side,
        sent: kept.sent,
        shown: kept.shown,
        tries: kept.tries,
        last_at: kept.last_at,
        retry_at: kept.retry_at,
        reason: kept.reason,
    };
    let fields = fields.into_iter();
    let fields = fields.map(|(field, kept)| (field, row(kept))).collect();
    Op::Note(NoteOp::Kept { link, fields })
}
