//! A create that was refused goes on without what is at fault, which is then owed to the new item.

use super::Run;
use super::doubt::Bare;
use super::refusal::{blame, hold_row, keys, refused, words};
use super::standing::{ParentTried, Standing};
use crate::connector::{ConnectorError, ErrorKind, NewItem, Written};
use crate::engine::CycleError;
use crate::model::{BaseState, FieldKey, FieldValue, Item, Sided};
use crate::reason::HoldWhy;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::settle;
use crate::reconcile::trial::{self, Blame};
use crate::store::{Batch, HoldRow, IntentKey, Op, PartOp, Refusal};
use std::collections::BTreeMap;

/// A field that a create was made without.
pub(super) struct LeftOut {
    pub(super) field: FieldKey,
    pub(super) value: FieldValue,
    pub(super) why: HoldWhy,
    /// The service named it, so it is not worth another try.
    pub(super) named: bool,
}

/// What a create was made without.
#[derive(Default)]
pub(super) struct LeftOuts {
    pub(super) fields: Vec<LeftOut>,
    /// That it stands at the top, and why; `None`: its parent was not refused.
    pub(super) parent: Option<Standing>,
}

impl Run<'_> {
    /// Goes on with a create that was refused: without what is at fault, as long as that is nothing that it must have. One
    /// that was sent bare goes on as a whole. Returns the last answer, and what was left out.
    ///
    /// What a refusal is about is not always told, and a parent can always be done without. So that goes first, and
    /// comes back where its absence changes nothing.
    pub(super) async fn create_in_parts(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        new: &mut NewItem,
        sent: &mut BTreeMap<FieldKey, FieldValue>,
        key: &IntentKey,
        bare: Option<Bare>,
    ) -> Result<(Result<Written, ConnectorError>, LeftOuts), CycleError> {
        let engine = self.engine;
        let (mut whole, fields) = match bare {
            Some(bare) => (Some(bare.whole), bare.left_out),
            None => (None, Vec::new()),
        };
        let (mut left_out, mut tried) = (fields, ParentTried::of(new));
        loop {
            let answer = self.writers.get(action.target).create(new).await;
            let result = self.ours(action.target, answer)?;
            let Err(error) = &result else {
                let parent = tried.without.filter(|_| new.parent.is_none());
                return Ok((
                    result,
                    LeftOuts {
                        fields: left_out,
                        parent,
                    },
                ));
            };
            let goes_on = engine.stopped_by().is_none();
            if goes_on && tried.at_fault(action.target, new, error) {
                continue;
            }
            // The service itself may want a field that was left out only because of what lies in between.
            if error.kind == ErrorKind::Refused
                && !error.in_doubt
                && engine.stopped_by().is_none()
                && let Some((fields, values)) = whole.take()
            {
                (new.fields, *sent) = (fields, values);
                left_out.clear();
                self.sends(key, sent)?;
                continue;
            }
            let asked = keys(&new.fields);
            // After an answer in doubt it may be there already.
            let blame = blame(error, &asked).filter(|_| !error.place && !error.in_doubt);
            let blame = blame.filter(|_| engine.stopped_by().is_none());
            let leave = blame.as_ref().map(|blame| trial::left_out(&asked, blame));
            let leave = leave.unwrap_or_default();
            if leave.is_empty() {
                let fields = left_out;
                return Ok((
                    result,
                    LeftOuts {
                        fields,
                        parent: None,
                    },
                ));
            }
            for field in leave {
                let Some(value) = new.fields.remove(&field) else {
                    continue;
                };
                sent.remove(&field);
                let why = refused(action.target, &field, &value, &words(error), true);
                let why = self.as_foretold(plan, action, &field, why).await;
                let several = value.members().len() > 1 && trial::is_by_member(&field);
                let named = !several && blame == Some(Blame::Field(field.clone()));
                left_out.push(LeftOut {
                    field,
                    value,
                    why,
                    named,
                });
            }
            self.sends(key, sent)?;
        }
    }

    /// Notes which fields are sent now. Whoever finds the item after a kill must know which were not.
    fn sends(
        &self,
        key: &IntentKey,
        sent: &BTreeMap<FieldKey, FieldValue>,
    ) -> Result<(), CycleError> {
        Ok(self.engine.store().commit(&Batch(vec![Op::MarkSent {
            intent: key.clone(),
            at: self.engine.clock.now(),
            fields: sent.clone(),
        }]))?)
    }

    /// Why an item is not created, as a sentence; `None`: not for what the service said to its content.
    pub(super) fn not_created(
        &self,
        action: &Action,
        new: &NewItem,
        error: &ConnectorError,
    ) -> Option<String> {
        let blame =
            blame(error, &keys(&new.fields)).filter(|_| self.engine.stopped_by().is_none())?;
        let (side, words) = (action.target, words(error));
        Some(match (blame, new.fields.get(&FieldKey::State)) {
            (Blame::Field(FieldKey::State), Some(state)) => format!(
                "not created in {side}, because it would not be \"{state}\" there: {words}; give the place that new items \
                 go to this state, or map the state to one that it has in `states` of the pair"
            ),
            _ if error.place => format!(
                "not created in {side}, because its place is refused: {words}; correct the place in the configuration of \
                 the pair"
            ),
            _ => format!(
                "not created in {side}, which refuses it also without all that it can do without: {words}"
            ),
        })
    }

    /// The holds of what a create was made without.
    pub(super) fn held_of_create(
        &self,
        plan: &PairPlan,
        action: &Action,
        left_out: &[LeftOut],
    ) -> Vec<HoldRow> {
        let now = self.engine.clock.now();
        let rows = left_out.iter();
        rows.filter_map(|out| hold_row(plan, action, &out.field, &out.why, now))
            .collect()
    }

    /// What is still owed to a new item: the source counts as changed until it is there. What the service named is
    /// remembered, so that it is not sent again; the rest is tried part by part in the next cycle.
    pub(super) fn owed_to_new(
        &self,
        policy: &Policy,
        action: &Action,
        made: &Item,
        left_out: &[LeftOut],
    ) -> (BTreeMap<FieldKey, Sided<BaseState>>, Vec<Op>) {
        let (mut base, mut ops) = (BTreeMap::new(), Vec::new());
        for out in left_out {
            let (key, target) = (&out.field, action.target);
            let there = made.fields.get(key).cloned().unwrap_or(FieldValue::Empty);
            let values = (&out.value, there);
            base.insert(key.clone(), settle::left_out(key, target, values, policy));
            if out.named {
                ops.push(Op::Part(PartOp::SaveRefusal(Refusal {
                    pair: policy.pair.clone(),
                    side: action.target,
                    item: made.id.clone(),
                    field: out.field.clone(),
                    value: out.value.clone(),
                    version: made.version,
                    why: out.why.clone(),
                    fingerprint: policy.fingerprint.clone(),
                })));
            }
        }
        (base, ops)
    }
}
