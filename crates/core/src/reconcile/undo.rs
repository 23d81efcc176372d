//! The inverse of what was written before: a plan like any other, from the journal's pre-images.
//!
//! A field goes back only where it still holds what was written, and where nobody typed that again: an edit made since
//! stands. So does one on the other side that no cycle has carried over yet.
//!
//! Every change names what the other side had when both last agreed as its base, so that the two values count as agreed
//! although they differ: the next cycle leaves them alone until somebody edits one of them. Without that it would write
//! the same value again. Such a difference is an open conflict as well, so that it is listed and can be settled.

mod existence;
mod walk;

use super::Presence;
use super::merge::agree;
use super::order;
use super::plan::{Action, ActionKind, Conflict, FieldChange, Hold, PairPlan};
use super::policy::Policy;
use crate::capabilities;
use crate::model::{
    ActionId, FieldKey, FieldValue, Item, ItemId, LinkId, Side, Sided, Subject, Timestamp, Version,
};
use crate::reason::{Absent, ActionWhy, Cause, LeftWhy};
use std::collections::{BTreeMap, BTreeSet};
use walk::walk;

/// Who did something to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// What is to be taken back.
    Target,
    /// Another undo, of this or of something else.
    Undo,
    /// Another run.
    Another,
}

/// What people left at an item beside its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traces {
    /// Nothing.
    None,
    /// These items alone stand below it, each made by what is taken back, so that they may go before it.
    Below(BTreeSet<ItemId>),
    /// Something; the phrase says what: `a comment`.
    Some(String),
    /// It cannot be told; the phrase says what: `whether it has comments`.
    Unknown(String),
}

/// One thing that was done to one item, as the journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// Who did it.
    pub by: By,
    /// The run that did it.
    pub run: String,
    /// Local time at which it was recorded.
    pub at: Timestamp,
    /// Whether the service said that it is done. An update whose answer was lost may be in force too.
    pub done: bool,
    /// What was done.
    pub kind: ActionKind,
    /// The side that was changed.
    pub side: Side,
    /// What was done to each field or part.
    pub changes: BTreeMap<Subject, Step>,
    /// The versions between which it lies.
    pub versions: Versions,
}

impl Deed {
    /// Returns what it did to a field.
    fn step(&self, field: &FieldKey) -> Option<&Step> {
        self.changes.get(&Subject::from(field))
    }
}

/// The versions of an item between which a write lies. `None`: not recorded, or somebody else may have a part in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// The one that it was written on.
    pub before: Option<Version>,
    /// The one that it left.
    pub after: Option<Version>,
}

/// One write of one field or part.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The value before; `None`: not recorded.
    pub before: Option<FieldValue>,
    /// The value after; `None`: not recorded.
    pub after: Option<FieldValue>,
}

/// One link with what was done to its items.
#[derive(Clone, Debug)]
pub struct UndoLink {
    /// The link.
    pub link: LinkId,
    /// Ids of both items.
    pub items: Sided<ItemId>,
    /// What each side had when they last agreed.
    pub base: BTreeMap<FieldKey, Sided<FieldValue>>,
    /// What each side is now.
    pub now: Sided<Presence>,
    /// Whether each item belongs to a living link, this one or another.
    pub linked: Sided<bool>,
    /// Whether this link is a living one.
    pub living: bool,
    /// Whether each item belongs to a living link that somebody made by hand, this one or another.
    pub by_hand: Sided<bool>,
    /// Fields for which a person's choice in a conflict is still to be written.
    pub waiting: BTreeSet<FieldKey>,
    /// Fields that the sync carried, since a creation below, from the item that was created to the other side.
    pub carried_back: BTreeSet<FieldKey>,
    /// What people left at each item, where that was asked.
    pub traces: Sided<Traces>,
    /// Everything that was done to the two items, oldest first, also what is not to be taken back.
    pub deeds: Vec<Deed>,
}

/// An inverse plan, with what it leaves as it is and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// What is to be done.
    pub plan: PairPlan,
    /// What is not, and why.
    pub left: Vec<Hold>,
}

/// Plans the inverse of everything in `links`. `delete_created`: items that were created go to the recycle bin or trash;
/// without it they stay.
pub fn undo(policy: &Policy, links: &[UndoLink], delete_created: bool, cause: &Cause) -> Undo {
    let mut out = Undo {
        plan: PairPlan::empty(policy.pair.clone(), policy.fingerprint.clone()),
        left: Vec::new(),
    };
    let stands_above = |link: &&UndoLink| {
        let mut traces = link.traces.iter();
        traces.any(|(_, traces)| matches!(traces, Traces::Below(_)))
    };
    let (above, others): (Vec<_>, Vec<_>) = links.iter().partition(stands_above);
    // What was made below another item was made after it, and goes before it.
    for link in others.into_iter().chain(above.into_iter().rev()) {
        out.plan.looked_at += 1;
        let inverse = Inverse {
            policy,
            link,
            cause,
            delete_created,
        };
        let before = (out.plan.actions.len(), out.left.len());
        inverse.existence(&mut out);
        for side in capabilities::in_order_of_writing() {
            inverse.fields(side, &mut out);
        }
        inverse.apart(&mut out);
        if before == (out.plan.actions.len(), out.left.len()) {
            out.plan.in_sync += 1;
        }
    }
    out.plan.blocked = order::check(&out.plan.actions);
    out
}

struct Inverse<'a> {
    policy: &'a Policy,
    link: &'a UndoLink,
    cause: &'a Cause,
    delete_created: bool,
}

impl Inverse<'_> {
    fn fields(&self, side: Side, out: &mut Undo) {
        let mut steps: BTreeMap<&FieldKey, Vec<(&Deed, &Step)>> = BTreeMap::new();
        let writes = |deed: &&Deed| matches!(deed.kind, ActionKind::Update | ActionKind::Close);
        for deed in self.link.deeds.iter().filter(writes) {
            for (subject, step) in &deed.changes {
                match subject {
                    Subject::Field(key) => steps.entry(key).or_default().push((deed, step)),
                    Subject::Part(part) => match part.kind {},
                    // The item as a whole is made, moved or linked, and has no value before and after.
                    Subject::Item => {}
                }
            }
        }
        let wanted = |(deed, _): &(&Deed, &Step)| deed.by == By::Target && deed.side == side;
        steps.retain(|_, steps| steps.iter().any(wanted));
        let removed = out.plan.actions.iter().any(|action| {
            action.kind == ActionKind::Delete
                && action.target == side
                && action.link == Some(self.link.link)
        });
        if steps.is_empty() || removed {
            return;
        }
        let item = match (self.link.now.get(side).item(), self.barred(side)) {
            (Some(item), None) => item,
            (_, barred) => {
                let told = out
                    .left
                    .iter()
                    .any(|left| left.link == Some(self.link.link) && left.side == side);
                match barred {
                    Some(why) => self.leave(side, Subject::Item, why, out),
                    None if !told => self.leave_absent(side, out),
                    None => {}
                }
                return;
            }
        };
        let mut changes = Vec::new();
        for (key, steps) in steps {
            match self.goal(side, item, key, &steps) {
                Ok(change) => changes.extend(change),
                Err(why) => self.leave(side, key.into(), why, out),
            }
        }
        if changes.is_empty() {
            return;
        }
        out.plan.actions.push(
            Action {
                expected: Some(item.version),
                source_version: self
                    .link
                    .now
                    .get(side.other())
                    .item()
                    .map(|item| item.version),
                changes,
                ..self.action(side, ActionKind::Update)
            }
            .sealed(&self.policy.pair),
        );
    }

    /// Why nothing at all is written to an item that is there.
    fn barred(&self, side: Side) -> Option<LeftWhy> {
        self.link.now.get(side).item()?;
        if matches!(self.link.now.get(side), Presence::OutOfScope(_)) {
            return Some(LeftWhy::OutOfScopeForUndo);
        }
        // What is taken back may leave the two apart, and that cannot be told without the other one.
        let why = self.link.now.get(side.other()).doubt()?;
        Some(LeftWhy::CounterpartUnreadable {
            side: side.other(),
            item: self.link.items.get(side.other()).clone(),
            said: why.to_string(),
        })
    }

    /// What becomes of one field of one side.
    fn goal(
        &self,
        side: Side,
        item: &Item,
        key: &FieldKey,
        steps: &[(&Deed, &Step)],
    ) -> Result<Option<FieldChange>, LeftWhy> {
        let mut deeds = steps.iter().map(|(deed, _)| deed);
        let about_this = deeds.all(|deed| self.policy.is_about(key, deed.at));
        if let Some(why) = self.policy.paused.get(key).filter(|_| about_this) {
            let said = why.to_string();
            return Err(LeftWhy::FieldStandsStill { said });
        }
        if !self.policy.fields.contains_key(key) || !about_this {
            return Err(LeftWhy::FieldNotSynced);
        }
        if self.link.waiting.contains(key) {
            return Err(LeftWhy::ChoiceWaits);
        }
        let Some(now) = item.fields.get(key) else {
            return Err(LeftWhy::FieldNotShown);
        };
        let shown = (now, item.version);
        let Some(goal) =
            walk(key, side, shown, steps, &self.link.deeds)?.filter(|goal| goal != now)
        else {
            return Ok(None);
        };
        let other = side.other();
        let base = self.link.base.get(key).map(|base| base.get(other));
        let there = self.link.now.get(other).item();
        // An undo that leaves the two apart says so, with both values.
        if there.is_some_and(|item| !item.fields.contains_key(key)) {
            return Err(LeftWhy::FieldNotShown);
        }
        let there = there.and_then(|item| item.fields.get(key));
        if let (Some(base), Some(there)) = (base, there)
            && base != there
        {
            return Err(LeftWhy::CounterpartEdited { side: other });
        }
        Ok(Some(FieldChange {
            field: key.clone(),
            before: Some(now.clone()),
            after: goal,
            // An edit that is made there meanwhile differs from it, and so it is one. Beside a counterpart that is gone
            // nothing is agreed: an edit here must go on counting as one, which speaks against a delete.
            kept_back: None,
            source_value: self
                .link
                .now
                .get(other)
                .item()
                .map(|_| base.or(there).cloned().unwrap_or(FieldValue::Empty)),
            reason: self.cause.to_string(),
        }))
    }

    /// Records as open conflicts what will differ between the two sides.
    fn apart(&self, out: &mut Undo) {
        let mine = out.plan.actions.iter().filter(|action| {
            action.kind == ActionKind::Update && action.link == Some(self.link.link)
        });
        let mut goals: BTreeMap<&FieldKey, Sided<Option<&FieldValue>>> = BTreeMap::new();
        for action in mine {
            for change in &action.changes {
                *goals
                    .entry(&change.field)
                    .or_default()
                    .get_mut(action.target) = Some(&change.after);
            }
        }
        let (Some(ado), Some(clickup)) = (self.link.now.ado.item(), self.link.now.clickup.item())
        else {
            return;
        };
        let mut found = Vec::new();
        for (key, goals) in goals {
            let value = |side: Side, item: &Item| {
                let goal = goals.get(side).cloned();
                goal.or_else(|| item.fields.get(key).cloned())
            };
            let (Some(ado_value), Some(clickup_value)) =
                (value(Side::Ado, ado), value(Side::ClickUp, clickup))
            else {
                continue;
            };
            let now = Sided {
                ado: ado_value,
                clickup: clickup_value,
            };
            if agree(key, &now, self.policy) {
                continue;
            }
            let raw = |side: Side, item: &Item| {
                let untouched = goals.get(side).is_none();
                let raw = item.raw.get(key).filter(|_| untouched);
                raw.map(|raw| raw.text().into_owned())
            };
            found.push(Conflict {
                link: self.link.link,
                items: self.link.items.clone(),
                title: self.title(Side::Ado),
                field: key.clone(),
                base: self.link.base.get(key).cloned(),
                now,
                raw: Sided {
                    ado: raw(Side::Ado, ado),
                    clickup: raw(Side::ClickUp, clickup),
                },
                versions: Sided {
                    ado: ado.version,
                    clickup: clickup.version,
                },
                taken: None,
            });
        }
        out.plan.conflicts.extend(found);
    }

    fn action(&self, side: Side, kind: ActionKind) -> Action {
        let shown = self.shown(side);
        Action {
            id: ActionId(String::new()),
            kind,
            subject: Subject::Item,
            link: Some(self.link.link),
            target: side,
            target_item: Some(self.link.items.get(side).clone()),
            source_item: Some(self.link.items.get(side.other()).clone()),
            title: self.title(side),
            url: shown.map_or_else(String::new, |item| item.url.clone()),
            expected: None,
            source_version: None,
            changes: Vec::new(),
            why: ActionWhy::TakenBack {
                cause: self.cause.clone(),
            },
            parent: None,
            after: Vec::new(),
        }
    }

    fn shown(&self, side: Side) -> Option<&Item> {
        let now = &self.link.now;
        now.get(side)
            .item()
            .or_else(|| now.get(side.other()).item())
    }

    fn title(&self, side: Side) -> String {
        self.shown(side)
            .map_or_else(|| format!("#{}", self.link.items.get(side)), Item::title)
    }

    /// How it shows that an item is not there; `None`: it is.
    fn absent(&self, side: Side) -> Option<Absent> {
        match self.link.now.get(side) {
            Presence::Gone { evidence } => Some(Absent::Deleted {
                side,
                evidence: evidence.clone(),
            }),
            now => now.doubt().map(|why| Absent::Unclear {
                side,
                said: why.to_string(),
            }),
        }
    }

    fn leave_absent(&self, side: Side, out: &mut Undo) {
        if let Some(how) = self.absent(side) {
            self.leave(side, Subject::Item, LeftWhy::Absent { how }, out);
        }
    }

    fn leave(&self, side: Side, subject: Subject, why: LeftWhy, out: &mut Undo) {
        out.left.push(Hold {
            link: Some(self.link.link),
            side,
            item: self.link.items.get(side).clone(),
            title: self.title(side),
            subject,
            why: why.into(),
        });
    }
}
