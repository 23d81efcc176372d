//! Creates that something in between answered, a proxy or a firewall, and not the service itself.
//!
//! Such an answer says nothing about the service, whatever its status: the item may be there. So the create stays open and
//! is looked for like one without an answer, before anything is sent again.
//!
//! Once it is certain that it is not there, the next create holds only what an item cannot do without. A firewall that
//! refuses a text gives the same answer each time, so sending the whole again would go on for ever; and taking it apart
//! field by field would cost the quiet time for every one. The rest follows as an update, where sending twice does no harm:
//! it goes in parts, and what is refused is held by its name. Example: a task with a piece of SQL in its description is
//! answered with a page and 403. Five minutes later it is made with its title and its status, the people and the dates
//! follow, and the description is held.

use super::left_out::LeftOut;
use super::{Done, Run};
use crate::connector::{ConnectorError, ErrorKind, NewItem};
use crate::model::{ActionId, FieldKey, FieldValue, Side};
use crate::reason::{Outcome, UndoneWhy};
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::trial::is_vital;
use crate::store::{Op, StoreError};
use std::collections::BTreeMap;

/// A create of which only what an item cannot do without is sent.
pub(super) struct Bare {
    /// The fields of the whole create, and the values of the source that they come from.
    pub(super) whole: (
        BTreeMap<FieldKey, FieldValue>,
        BTreeMap<FieldKey, FieldValue>,
    ),
    /// What is left out.
    pub(super) left_out: Vec<LeftOut>,
}

/// Whether the same request may well be answered the same way, because of what it holds. ClickUp answers some bad values
/// with 500 (SmiNat/Clickup_API error table); 502 to 504, and what throttles or asks for a login, are about the way.
fn is_about_content(error: &ConnectorError) -> bool {
    let refused = matches!(
        error.kind,
        ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::Stale
    );
    error.in_doubt && refused || error.kind == ErrorKind::Ambiguous && error.status == Some(500)
}

impl Run<'_> {
    /// Takes everything out of a create that an item can do without, where an earlier one with this marker was answered in
    /// doubt. `None`: none was, and the create stays whole.
    pub(super) fn bare(
        &self,
        side: Side,
        new: &mut NewItem,
        sent: &mut BTreeMap<FieldKey, FieldValue>,
    ) -> Result<Option<Bare>, StoreError> {
        let marker = ActionId(new.marker.clone());
        if !self.engine.store().has_outcome(&marker, Outcome::InDoubt)? {
            return Ok(None);
        }
        let whole = (new.fields.clone(), sent.clone());
        let (kept, out) = std::mem::take(&mut new.fields)
            .into_iter()
            .partition(|(field, _)| is_vital(field));
        new.fields = kept;
        let out: BTreeMap<FieldKey, FieldValue> = out;
        let left_out = out.into_iter().map(|(field, value)| {
            sent.remove(&field);
            LeftOut {
                why: UndoneWhy::AfterCreate {
                    side,
                    field: field.clone(),
                }
                .into(),
                field,
                value,
                named: false,
            }
        });
        let left_out = left_out.collect();
        Ok(Some(Bare { whole, left_out }))
    }

    /// Remembers that a create was answered in doubt; `None`: it was not, or not because of what it holds.
    pub(super) fn doubted(
        &self,
        plan: &PairPlan,
        action: &Action,
        marker: &str,
        error: &ConnectorError,
    ) -> Option<Op> {
        if !is_about_content(error) {
            return None;
        }
        let mut op = self.journal(plan, action, None, Outcome::InDoubt, &error.to_string());
        if let Op::Journal(line) = &mut op {
            line.action_id = ActionId(marker.to_owned());
        }
        Some(op)
    }

    /// Turns an answer in doubt into an outcome. A create tests no version, so that it cannot be too late.
    pub(super) fn failed_in_doubt(
        &mut self,
        action: &Action,
        mut error: ConnectorError,
        bare: bool,
    ) -> Done {
        let side = action.target;
        if error.in_doubt && error.kind == ErrorKind::Stale {
            error.kind = ErrorKind::Refused;
        }
        let about_content = error.in_doubt && is_about_content(&error);
        let done = self.failed(action, error);
        match done {
            Done::Failed(words) if about_content && bare => Done::Failed(format!(
                "not created in {side}: also with only what it cannot do without, something that is not {side} answers \
                 ({words}); see what the proxy or the firewall on the way has against it, then run `boardsync reconcile \
                 --once --retry`"
            )),
            Done::Failed(words) if about_content => Done::Failed(format!(
                "something that is not {side} answered its create ({words}), so it is looked for by its marker first, and \
                 then made with only what it cannot do without"
            )),
            done => done,
        }
    }
}
