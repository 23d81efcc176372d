//! The inverse of what was written before: a plan like any other, from the journal's pre-images.
//!
//! A field goes back only where it still holds what was written, and where nobody typed that again: an edit made since
//! stands. So does one on the other side that no cycle has carried over yet.
//!
//! Every change names what the other side had when both last agreed as its base, so that the two values count as agreed
//! although they differ: the next cycle leaves them alone until somebody edits one of them. Without that it would write
//! the same value again. Such a difference is an open conflict as well, so that it is listed and can be settled.

mod walk;

use super::Presence;
use super::merge::agree;
use super::order;
use super::plan::{Action, ActionKind, Conflict, FieldChange, Hold, PairPlan};
use super::policy::Policy;
use crate::capabilities;
use crate::model::{
    ActionId, FieldKey, FieldValue, Item, ItemId, LinkId, Side, Sided, Subject, Version,
};
use crate::reason::{Absent, ActionWhy, Cause, LeftWhy, MadeBy, Stays};
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
    for link in links {
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
    /// Undoes the newest step that made, removed or (un)linked an item; older ones are answered by it.
    fn existence(&self, out: &mut Undo) {
        let newest = self
            .link
            .deeds
            .iter()
            .rev()
            .find(|deed| deed.by == By::Target && deed.kind != ActionKind::Update);
        let Some(deed) = newest else { return };
        let side = deed.side;
        let present = self.link.now.get(side).item();
        match (deed.kind, present) {
            (ActionKind::Create | ActionKind::Restore, Some(item)) => self.remove(deed, item, out),
            (ActionKind::Create | ActionKind::Restore, None) => {
                self.leave_absent(side, out);
            }
            (ActionKind::Delete, Some(_)) => {
                self.relink(side, Vec::new(), out);
            }
            (ActionKind::Delete, None) => self.bring_back(side, out),
            (ActionKind::Close | ActionKind::Unlink, _) => self.relink(side, Vec::new(), out),
            (ActionKind::Link, _) if self.link.living => out.plan.actions.push(
                self.action(side, ActionKind::Unlink)
                    .sealed(&self.policy.pair),
            ),
            (ActionKind::Link, _) => {
                self.leave(side, Subject::Item, LeftWhy::UnlinkedAlready, out);
            }
            (ActionKind::Update, _) => {}
        }
    }

    /// An item that was created: kept, unless deleting was asked for and nobody has worked on it.
    fn remove(&self, deed: &Deed, item: &Item, out: &mut Undo) {
        let side = deed.side;
        let how = match deed.kind {
            ActionKind::Create => MadeBy::Created,
            _ => MadeBy::Restored,
        };
        let Some(stays) = self.stays(deed, item) else {
            out.plan.actions.push(
                Action {
                    expected: Some(item.version),
                    why: ActionWhy::TakenBackToBin {
                        cause: self.cause.clone(),
                        side,
                    },
                    ..self.action(side, ActionKind::Delete)
                }
                .sealed(&self.policy.pair),
            );
            return;
        };
        let run = deed.run.clone();
        self.leave(
            side,
            Subject::Item,
            LeftWhy::MadeByRun { how, run, stays },
            out,
        );
    }

    /// Why an item that was created stays; `None`: it goes.
    fn stays(&self, deed: &Deed, item: &Item) -> Option<Stays> {
        let side = deed.side;
        if !self.delete_created {
            let item = self.link.items.get(side.other()).clone();
            let side = side.other();
            return Some(Stays::NotAskedFor { side, item });
        }
        if deed.kind == ActionKind::Create && deed.changes.is_empty() {
            return Some(Stays::EditedBeforeFound);
        }
        if matches!(self.link.now.get(side), Presence::OutOfScope(_)) {
            return Some(Stays::OutOfScope);
        }
        if let Some(field) = self.touched(deed, item) {
            return Some(Stays::FieldEdited { field });
        }
        match self.link.traces.get(side) {
            Traces::Some(what) => return Some(Stays::Has { what: what.clone() }),
            Traces::Unknown(what) => return Some(Stays::Unknown { what: what.clone() }),
            Traces::None => {}
        }
        if deed.versions.after.is_none() {
            return Some(Stays::VersionUnknown);
        }
        (!self.is_as_left(deed, item)).then_some(Stays::OtherVersion)
    }

    /// Returns a field of a created item that somebody else than boardsync wrote.
    fn touched(&self, deed: &Deed, item: &Item) -> Option<FieldKey> {
        let mut fields = item.fields.iter();
        let found = fields.find(|(key, now)| !self.is_ours(deed, key, now));
        found.map(|(key, _)| key.clone())
    }

    /// Whether boardsync alone wrote to a created item: every write names the version that it was written on and the one
    /// that it left, and these join up. An edit in between shows even where no synced field tells: a person moved the item
    /// to another list, set a field that is not mapped, or typed what the next write of ours replaced.
    fn is_as_left(&self, deed: &Deed, item: &Item) -> bool {
        let mut at = deed.versions.after;
        let writes = |other: &&Deed| {
            other.done
                && other.side == deed.side
                && matches!(other.kind, ActionKind::Update | ActionKind::Close)
        };
        for other in self.link.deeds.iter().filter(writes) {
            if other.versions.before != at {
                return false;
            }
            at = other.versions.after;
        }
        at == Some(item.version)
    }

    /// Whether a field of a created item is as boardsync made or left it. That both sides agreed on a value is not enough:
    /// a second person on a task, or another state with the same counterpart, is agreed without being carried anywhere.
    fn is_ours(&self, deed: &Deed, key: &FieldKey, now: &FieldValue) -> bool {
        let created = deed.step(key).and_then(|step| step.after.as_ref());
        if created == Some(now) {
            return true;
        }
        if self.link.carried_back.contains(key) {
            return false;
        }
        let base = self.link.base.get(key).map(|base| base.get(deed.side));
        let writes = |other: &&Deed| {
            other.side == deed.side && matches!(other.kind, ActionKind::Update | ActionKind::Close)
        };
        let later = self.link.deeds.iter().rev().filter(writes);
        let later: Vec<&Step> = later.filter_map(|other| other.step(key)).collect();
        let written = later.iter().find_map(|step| step.after.as_ref());
        if written.is_some() && matches!(now, FieldValue::People(_) | FieldValue::Tags(_)) {
            // A write keeps the members that somebody added, and they stay that person's.
            let mut ours = created.map(FieldValue::members).unwrap_or_default();
            for step in later.iter().filter(|step| step.before.is_some()) {
                let before = step.before.as_ref().map(FieldValue::members);
                let after = step.after.as_ref().map(FieldValue::members);
                let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
                ours.extend(after.difference(&before).cloned());
            }
            if !now.members().is_subset(&ours) {
                return false;
            }
        }
        match written.or(created) {
            // How the service renders long text may not have been told with the answer.
            Some(FieldValue::Rich(_)) => base == Some(now),
            Some(written) => written == now,
            None => match base {
                Some(base) => base == now,
                None => now.is_empty() || !self.policy.fields.contains_key(key),
            },
        }
    }

    /// An item that was deleted: only Azure DevOps takes things out of its bin for a program.
    fn bring_back(&self, side: Side, out: &mut Undo) {
        if !capabilities::of(side).restores {
            self.leave(side, Subject::Item, LeftWhy::TaskInTrash, out);
            return;
        }
        if matches!(self.link.now.get(side), Presence::Unclear { .. }) {
            self.leave_absent(side, out);
            return;
        }
        let action = self
            .action(side, ActionKind::Restore)
            .sealed(&self.policy.pair);
        let id = action.id.clone();
        out.plan.actions.push(action);
        if self.link.now.get(side.other()).item().is_some() {
            self.relink(side, vec![id], out);
        }
    }

    /// Links the two items again, where both are there and neither has found another counterpart.
    fn relink(&self, side: Side, after: Vec<ActionId>, out: &mut Undo) {
        let missing = Side::BOTH
            .into_iter()
            .filter(|at| after.is_empty() || *at != side)
            .find(|at| self.link.now.get(*at).item().is_none());
        if let Some(missing) = missing {
            if let Some(how) = self.absent(missing) {
                self.leave(missing, Subject::Item, LeftWhy::NotLinkedAgain { how }, out);
            }
            return;
        }
        if self.link.living || self.link.linked.ado || self.link.linked.clickup {
            self.leave(side, Subject::Item, LeftWhy::LinkedAlready, out);
            return;
        }
        out.plan.actions.push(
            Action {
                link: None,
                after,
                ..self.action(side, ActionKind::Link)
            }
            .sealed(&self.policy.pair),
        );
    }

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
        match self.link.now.get(side.other()) {
            Presence::Unclear { reason } => Some(LeftWhy::CounterpartUnreadable {
                side: side.other(),
                item: self.link.items.get(side.other()).clone(),
                said: reason.clone(),
            }),
            Presence::Seen(_) | Presence::OutOfScope(_) | Presence::Gone { .. } => None,
        }
    }

    /// What becomes of one field of one side.
    fn goal(
        &self,
        side: Side,
        item: &Item,
        key: &FieldKey,
        steps: &[(&Deed, &Step)],
    ) -> Result<Option<FieldChange>, LeftWhy> {
        if !self.policy.fields.contains_key(key) {
            return Err(LeftWhy::FieldNotSynced);
        }
        if self.link.waiting.contains(key) {
            return Err(LeftWhy::ChoiceWaits);
        }
        let Some(now) = item.fields.get(key) else {
            return Err(LeftWhy::FieldNotShown);
        };
        let shown = (now, item.version);
        let Some(goal) = walk(side, shown, steps, &self.link.deeds)?.filter(|goal| goal != now)
        else {
            return Ok(None);
        };
        let other = side.other();
        let base = self.link.base.get(key).map(|base| base.get(other));
        let there = self.link.now.get(other).item();
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
            Presence::Unclear { reason } => Some(Absent::Unclear {
                side,
                said: reason.clone(),
            }),
            Presence::Seen(_) | Presence::OutOfScope(_) => None,
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
