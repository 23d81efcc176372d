//! Fields in which two sides differ although nothing moves them: an undo left them so, and says it in a conflict that stays
//! open until somebody edits or decides.

use super::Run;
use crate::markup;
use crate::model::{FieldKey, FieldValue, LinkId, Side, Sided, Timestamp, Version};
use crate::reconcile::merge::agree;
use crate::reconcile::plan::{PairPlan, Rebase};
use crate::store::{NewConflict, Op, Store, StoreError};

/// What a side has of a field.
pub(super) struct Shown {
    value: FieldValue,
    raw: Option<String>,
    version: Version,
}

impl Run<'_> {
    /// What both sides have of a field in which they differ and which nothing moves; `None`: they agree, or it is not known.
    pub(super) fn left_apart(
        &self,
        plan: &PairPlan,
        link: LinkId,
        field: &FieldKey,
    ) -> Option<Sided<Shown>> {
        let policy = self.engine.policy(&plan.pair)?;
        if !policy.fields.contains_key(field) {
            return None;
        }
        // Two people may make the same edit on both sides of what an undo left apart: then it is no less apart.
        let alike = |now: &Sided<FieldValue>| {
            agree(field, now, policy)
                || matches!((&now.ado, &now.clickup), (FieldValue::Rich(ado), FieldValue::Rich(clickup))
                    if markup::reads_alike(ado, clickup))
        };
        let rebased =
            |rebase: &Rebase| rebase.link == link && rebase.fields.get(field).is_some_and(alike);
        if plan.rebases.iter().any(rebased) {
            return None;
        }
        let mut looked_at = self.observed.findings.links_of(&plan.pair).iter();
        let (_, items) = looked_at.find(|(id, _)| *id == link)?;
        let shown = |side: Side| {
            let id = items.get(side);
            // What was only meant to be written counts for nothing: the service may have refused it. Nor does it follow from
            // an action that both sides agree now, for a set is written element by element and may stay apart in others.
            let written = self.written.get(side).get(id);
            let item = written.or_else(|| self.observed.items.get(side).get(id))?;
            Some(Shown {
                value: item.fields.get(field)?.clone(),
                raw: item.raw.get(field).map(|raw| raw.text().into_owned()),
                version: item.version,
            })
        };
        let now = Sided {
            ado: shown(Side::Ado)?,
            clickup: shown(Side::ClickUp)?,
        };
        let values = now.as_ref().map(|_, shown| shown.value.clone());
        (!alike(&values)).then_some(now)
    }
}

/// The conflict with what both sides have by now; `None`: it says that already. Example: an undo left two sets of tags apart,
/// and a tag that somebody added went over. A choice between the old sets would be refused for ever.
pub(super) fn renewed(
    store: &Store,
    record: &NewConflict,
    now: &Sided<Shown>,
    at: Timestamp,
) -> Result<Option<Op>, StoreError> {
    let values = now.as_ref().map(|_, shown| shown.value.clone());
    if record.now == values {
        return Ok(None);
    }
    let base = store.base(record.link)?.remove(&record.field);
    let base = base.map(|base| base.map(|_, half| Some(half.into_value())));
    Ok(Some(Op::AddConflict(NewConflict {
        base: base.unwrap_or_default(),
        now: values,
        raw: now.as_ref().map(|_, shown| shown.raw.clone()),
        versions: now.as_ref().map(|_, shown| shown.version),
        at,
        ..record.clone()
    })))
}
