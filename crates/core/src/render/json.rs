//! What programs get: the form that every command with `--json` prints, as the files in `schemas/` say.

use super::conflict::plain;
use super::plan::{OpenConflict, StillOpen, Twins, beside, likely_twins};
use crate::model::{
    ActionId, FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp,
    subject,
};
use crate::reason::{self, HoldWhy, ReadWhy, Reason};
use crate::reconcile::drift::{Difference, DriftKind};
use crate::reconcile::plan::{
    Action, ActionKind, Conflict, FieldChange, Frozen, Hold, PairPlan, Plan, Rebase, Tripped,
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the JSON that commands print.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The plan for programs, with each pair's approval hash and counts. Values are text as a person reads them, as in the JSON
/// of every other command; `apply` takes the file that `plan --out` saves, not this. Written piece by piece, because the
/// first plan of a large board is as large as the board.
pub struct PlanJson<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What is open beside it, as for [`super::Show`].
    pub still_open: &'a BTreeMap<PairName, StillOpen>,
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    planned_at: String,
    writes: usize,
    pairs: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct Pair<'a> {
    pair: &'a PairName,
    hash: String,
    writes: usize,
    first_contact: bool,
    ran_before: bool,
    blocked: Option<&'a str>,
    tripped: &'a [Tripped],
    actions: Each<'a, Action>,
    conflicts: Each<'a, Conflict>,
    holds: Each<'a, Hold>,
    left_out: Each<'a, Hold>,
    /// Custom fields that stand still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused: Vec<Paused<'a>>,
    frozen: Each<'a, Frozen>,
    rebases: Each<'a, Rebase>,
    reread: Each<'a, Rebase>,
    /// Items that each side has under one title and that would each get a counterpart.
    likely_twins: Vec<Twins>,
    /// Conflicts and holds from before, which the plan does not name because nothing about them changed.
    from_before: StillOpen,
    looked_at: usize,
    in_sync: usize,
}

/// A custom field that stands still.
#[derive(Serialize)]
struct Paused<'a> {
    field: &'a FieldKey,
    code: String,
    reason: String,
}

fn paused(why: &ReadWhy) -> Option<Paused<'_>> {
    let ReadWhy::FieldPaused { field, .. } = why else {
        return None;
    };
    Some(Paused {
        field,
        code: reason::code(&HoldWhy::from(why.clone())),
        reason: why.to_string(),
    })
}

/// A list in which each element takes its form for programs only when it is written.
struct Each<'a, T>(&'a [T]);

impl<T: ForPrograms> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(T::for_programs))
    }
}

/// What looks otherwise in the JSON of a command than in a saved plan.
trait ForPrograms {
    /// Returns its form for programs.
    fn for_programs(&self) -> impl Serialize;
}

/// A reason for programs: its code, which never changes, and the sentence, which may be worded anew.
#[derive(Serialize)]
struct Reasoned {
    code: String,
    reason: String,
}

impl Reasoned {
    fn of(why: &impl Reason) -> Reasoned {
        Reasoned {
            code: reason::code(why),
            reason: why.to_string(),
        }
    }
}

impl ForPrograms for Action {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            id: &'a ActionId,
            kind: ActionKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            part: Option<String>,
            link: Option<LinkId>,
            target: Side,
            target_item: &'a Option<ItemId>,
            source_item: &'a Option<ItemId>,
            parent: &'a Option<ItemId>,
            title: &'a str,
            url: &'a str,
            #[serde(flatten)]
            why: Reasoned,
            after: &'a [ActionId],
            changes: Each<'a, FieldChange>,
        }
        Json {
            id: &self.id,
            kind: self.kind,
            part: (!self.subject.is_item()).then(|| self.subject.to_string()),
            link: self.link,
            target: self.target,
            target_item: &self.target_item,
            source_item: &self.source_item,
            parent: &self.parent,
            title: &self.title,
            url: &self.url,
            why: Reasoned::of(&self.why),
            after: &self.after,
            changes: Each(&self.changes),
        }
    }
}

impl ForPrograms for FieldChange {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            field: &'a FieldKey,
            before: Option<String>,
            after: String,
            reason: &'a str,
        }
        Json {
            field: &self.field,
            before: self.before.as_ref().map(plain),
            after: plain(&self.after),
            reason: &self.reason,
        }
    }
}

impl ForPrograms for Conflict {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            link: LinkId,
            #[serde(flatten)]
            values: ConflictValues<'a>,
            taken: Option<Side>,
        }
        Json {
            link: self.link,
            values: ConflictValues::of(self),
            taken: self.taken,
        }
    }
}

/// What every command tells of a conflict. A base is `null` where there never was one; it differs between the sides where
/// a mapping loses something.
#[derive(Serialize)]
pub(super) struct ConflictValues<'a> {
    ado: &'a ItemId,
    clickup: &'a ItemId,
    title: &'a str,
    field: &'a FieldKey,
    base: Option<String>,
    base_clickup: Option<String>,
    ado_value: String,
    clickup_value: String,
}

impl ConflictValues<'_> {
    pub(super) fn of(conflict: &Conflict) -> ConflictValues<'_> {
        let base = |side| {
            let base = conflict.base.as_ref();
            base.map(|base| plain(base.get(side)))
        };
        ConflictValues {
            ado: &conflict.items.ado,
            clickup: &conflict.items.clickup,
            title: &conflict.title,
            field: &conflict.field,
            base: base(Side::Ado),
            base_clickup: base(Side::ClickUp),
            ado_value: plain(&conflict.now.ado),
            clickup_value: plain(&conflict.now.clickup),
        }
    }
}

impl ForPrograms for Difference {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            link: Option<LinkId>,
            ado: &'a Option<ItemId>,
            clickup: &'a Option<ItemId>,
            title: &'a str,
            field: &'a Option<FieldKey>,
            base: Option<String>,
            base_clickup: Option<String>,
            ado_value: Option<String>,
            clickup_value: Option<String>,
            kind: DriftKind,
            reason: &'a str,
            #[serde(serialize_with = "rfc3339_if_any")]
            since: Option<Timestamp>,
        }
        let of = |values: &Option<Sided<FieldValue>>, side| {
            let values = values.as_ref();
            values.map(|values| plain(values.get(side)))
        };
        Json {
            link: self.link,
            ado: &self.items.ado,
            clickup: &self.items.clickup,
            title: &self.title,
            field: &self.field,
            base: of(&self.base, Side::Ado),
            base_clickup: of(&self.base, Side::ClickUp),
            ado_value: of(&self.values, Side::Ado),
            clickup_value: of(&self.values, Side::ClickUp),
            kind: self.kind,
            reason: &self.reason,
            since: self.since,
        }
    }
}

impl ForPrograms for Hold {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            link: Option<LinkId>,
            side: Side,
            item: &'a ItemId,
            title: &'a str,
            #[serde(flatten, with = "subject::named")]
            subject: &'a Subject,
            #[serde(flatten)]
            why: Reasoned,
        }
        Json {
            link: self.link,
            side: self.side,
            item: &self.item,
            title: &self.title,
            subject: &self.subject,
            why: Reasoned::of(&self.why),
        }
    }
}

impl ForPrograms for Frozen {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            link: LinkId,
            #[serde(flatten, with = "subject::named")]
            subject: &'a Subject,
            #[serde(flatten)]
            why: Reasoned,
        }
        Json {
            link: self.link,
            subject: &self.subject,
            why: Reasoned::of(&self.why),
        }
    }
}

impl ForPrograms for Rebase {
    fn for_programs(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Agreed<'a> {
            field: &'a FieldKey,
            ado: String,
            clickup: String,
        }
        #[derive(Serialize)]
        struct Json<'a> {
            link: LinkId,
            fields: Vec<Agreed<'a>>,
        }
        let fields = self.fields.iter();
        Json {
            link: self.link,
            fields: fields
                .map(|(field, values)| Agreed {
                    field,
                    ado: plain(&values.ado),
                    clickup: plain(&values.clickup),
                })
                .collect(),
        }
    }
}

impl Serialize for StillOpen {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            conflicts: &'a [OpenConflict],
            holds: Each<'a, Hold>,
        }
        Json {
            conflicts: &self.conflicts,
            holds: Each(&self.holds),
        }
        .serialize(to)
    }
}

impl PlanJson<'_> {
    fn pair<'a>(&'a self, plan: &'a PairPlan) -> Pair<'a> {
        Pair {
            pair: &plan.pair,
            hash: plan.hash(),
            writes: plan.writes(),
            first_contact: plan.first_contact,
            // Of a pair that needs no yes somebody has given it.
            ran_before: plan.ran_before || !plan.first_contact,
            blocked: plan.blocked.as_deref(),
            tripped: &plan.tripped,
            actions: Each(&plan.actions),
            conflicts: Each(&plan.conflicts),
            holds: Each(&plan.holds),
            left_out: Each(&plan.left_out),
            paused: plan.paused.iter().filter_map(paused).collect(),
            frozen: Each(&plan.frozen),
            rebases: Each(&plan.rebases),
            reread: Each(&plan.reread),
            likely_twins: likely_twins(plan),
            from_before: beside(self.still_open.get(&plan.pair), plan),
            looked_at: plan.looked_at,
            in_sync: plan.in_sync,
        }
    }
}

impl Serialize for PlanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = Shown {
            format_version: FORMAT_VERSION,
            planned_at: self.plan.planned_at.to_rfc3339(),
            writes: self.plan.writes(),
            pairs: self.plan.pairs.iter().map(|plan| self.pair(plan)).collect(),
        };
        shown.serialize(serializer)
    }
}

/// Returns [`PlanJson`] as one value, to be part of another.
pub fn plan_json(plan: &Plan) -> Value {
    let still_open = &BTreeMap::new();
    serde_json::to_value(PlanJson { plan, still_open }).unwrap_or(Value::Null)
}

/// Serialises a time as RFC 3339 in UTC. For `#[serde(serialize_with)]`.
pub fn rfc3339<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    at.to_rfc3339().serialize(to)
}

/// As [`rfc3339`]; a time that there is not is `null`.
pub fn rfc3339_if_any<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_rfc3339).serialize(to)
}

/// Returns what an undo leaves as it is, or what is held, for programs.
pub fn holds_json(holds: &[Hold]) -> impl Serialize {
    Each(holds)
}

/// Returns the fields that were not compared, for programs.
pub fn not_compared_json(paused_fields: &[ReadWhy]) -> impl Serialize {
    let fields: Vec<_> = paused_fields.iter().filter_map(paused).collect();
    fields
}

/// Returns what `verify` found, for programs.
pub fn differences_json(differences: &[Difference]) -> impl Serialize {
    Each(differences)
}
