//! What a service did not take although it said yes, and what it or somebody else changed meanwhile.

use super::{Run, source};
use crate::capabilities;
use crate::connector::{Change, Written};
use crate::model::{BaseState, FieldKey, FieldValue, LinkId, Side, Sided, Version};
use crate::reason::UndoneWhy;
use crate::reconcile::owing::{agreed_members, owing};
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::kept::Kept;
use crate::store::{HoldRow, KeptRow, NewConflict, NoteOp, Op, Store, StoreError};
use std::collections::BTreeMap;

/// What a side answered about a field in this run.
#[derive(Clone, Debug)]
pub(super) struct Returned {
    /// What was asked for, in this side's words.
    pub(super) sent: FieldValue,
    pub(super) value: FieldValue,
    /// Whether the service showed it; otherwise it is what was sent.
    pub(super) shown: bool,
    /// Whether it means what was sent.
    pub(super) in_force: bool,
}

/// The base of a field after a write. `own` is the side that was written, `other` the one that the value comes from.
///
/// A value that was not taken settles nothing: its side's base is what is there, so that it does not count as an edit, and
/// by the other side's base that side's value counts as changed, so that it is sent again.
pub(super) fn base_after(
    key: &FieldKey,
    side: Side,
    (own, other): (&Returned, &Returned),
    before: Option<&Sided<BaseState>>,
    policy: &Policy,
) -> Sided<BaseState> {
    let old = before.map(|base| base.clone().map(|_, half| half.into_value()));
    let confirmed = |side: Side, value: &FieldValue| {
        let old = before.map(|base| base.get(side));
        old.filter(|half| half.value() == value)
            .is_none_or(|half| !half.is_sent())
    };
    let stays = |side: Side, now: &Returned, kept: &Returned| {
        let there = &kept.value;
        if let Some(text) = owed_text(&kept.sent, there, &now.value) {
            return (text, true);
        }
        let value = owing(key, side, (&now.value, there), old.as_ref(), policy);
        let confirmed = confirmed(side, &value);
        (value, confirmed)
    };
    let told = |returned: &Returned| (returned.value.clone(), returned.shown);
    // A tag that we neither sent nor took away may be somebody's, so it is not settled by being there: it goes over yet.
    let by_member = key.kind().by_member();
    let shown = |side: Side, now: &Returned, there: &Returned| match (by_member, now.shown) {
        (Some(of_members), true) => {
            let old = old.as_ref().map(|base| base.get(side));
            let value = agreed_members(of_members, old, &now.value, &there.value);
            (value, true)
        }
        _ => told(now),
    };
    let (own, other) = match (own.in_force, other.in_force) {
        (true, true) => (told(own), told(other)),
        (false, _) => (shown(side, own, other), stays(side.other(), other, own)),
        (true, false) => (stays(side, own, other), shown(side.other(), other, own)),
    };
    Sided::of(side, own, other).map(|_, (value, confirmed)| match confirmed {
        true => BaseState::Shown(value),
        false => BaseState::Sent(value),
    })
}

/// The base of a text of which the other side kept only a part: the text without what is missing there, for the edit of a
/// text is what it differs by from its own base. Each side keeps its own formatting: `sent` and `there` are the other
/// side's words, `now` this one's. `None`: it is no text.
fn owed_text(sent: &FieldValue, there: &FieldValue, now: &FieldValue) -> Option<FieldValue> {
    fn text(value: &FieldValue) -> Option<&str> {
        match value {
            FieldValue::Rich(text) => Some(text),
            FieldValue::Empty => Some(""),
            _ => None,
        }
    }
    if !matches!(there, FieldValue::Rich(_)) {
        return None;
    }
    let carried = crate::markup::carry(text(sent)?, text(there)?, text(now)?);
    // Where nothing of the difference shows, or it shows as more than is there, the other side's words are the measure.
    let fits = crate::markup::reads_alike(&carried, text(there)?);
    Some(match fits {
        true => FieldValue::rich(carried),
        false => there.clone(),
    })
}

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
            tracing::warn!(pair = %plan.pair, action.id = %action.id, side = %action.target, %field, reason, "not taken");
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
                    field: Some(field.clone()),
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
        own: &Returned,
        other: Option<&Returned>,
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
    /// to be carried over. A text that we did set and that nothing showed may have been cut, so it is looked at too.
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
                Some(sent) => matches!(sent, FieldValue::Rich(_)) && !answer.contains_key(key),
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

#[cfg(test)]
mod tests {
    use super::*;
    use boardsync_core::fixture::policy;

    fn returned(text: &str, in_force: bool) -> Returned {
        Returned {
            sent: FieldValue::text("new"),
            value: FieldValue::text(text),
            shown: true,
            in_force,
        }
    }

    fn base(ado: &str, clickup: &str) -> Sided<BaseState> {
        crate::engine::observe::agreed(Sided {
            ado: FieldValue::text(ado),
            clickup: FieldValue::text(clickup),
        })
    }

    #[test]
    fn what_was_not_taken_is_no_edit_and_what_was_to_be_taken_still_is_one() {
        let (new, there) = (returned("new", true), returned("new", true));
        let old = base("old", "old");
        let (key, policy) = (FieldKey::Title, policy());
        let after = |own: &Returned, other: &Returned, before| {
            base_after(&key, Side::ClickUp, (own, other), before, &policy)
        };
        assert_eq!(after(&there, &new, Some(&old)), base("new", "new"));
        let kept = returned("old", false);
        assert_eq!(after(&kept, &new, Some(&old)), base("old", "old"));
        let cut = returned("ne", false);
        assert_eq!(after(&cut, &new, Some(&old)), base("ne", "ne"));
        assert_eq!(after(&cut, &new, None), base("ne", "ne"));
        // The other half of a merge was not taken: it is to be written again, from here.
        assert_eq!(after(&there, &cut, Some(&old)), base("ne", "ne"));
        let ado = base_after(&key, Side::Ado, (&cut, &new), Some(&old), &policy);
        assert_eq!(ado, base("ne", "ne"));
    }

    #[test]
    fn a_value_that_was_to_be_emptied_and_was_kept_is_still_to_be_emptied() {
        let empty = Returned {
            value: FieldValue::Empty,
            ..returned("", true)
        };
        let kept = returned("old", false);
        // Both before, only the side that emptied it, and a value that somebody typed meanwhile.
        for before in [base("old", "old"), base("", "old"), base("other", "other")] {
            let (key, side) = (FieldKey::StartDate, Side::ClickUp);
            let after = base_after(&key, side, (&kept, &empty), Some(&before), &policy());
            assert_eq!(after, base("old", "old"));
        }
    }

    #[test]
    fn a_text_of_which_a_part_is_owed_keeps_the_formatting_of_each_side() {
        let rich = |text: &str| FieldValue::rich(text.to_owned());
        let text = |sent: &str, value: &str, in_force| Returned {
            sent: rich(sent),
            value: rich(value),
            shown: true,
            in_force,
        };
        let there = text("**one**\n\ntwo", "**one**", false);
        let from = text("one\n\ntwo", "one\n\ntwo", true);
        let (key, side) = (FieldKey::Description, Side::ClickUp);
        let after = base_after(&key, side, (&there, &from), None, &policy());
        let after = after.map(|_, half| half.into_value());
        assert_eq!((after.ado, after.clickup), (rich("one"), rich("**one**")));
    }
}
