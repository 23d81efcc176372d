//! The inverse of what was written before: a plan like any other, from the journal's pre-images.
//!
//! A field goes back only where it still holds what was written; an edit made since stands. Every change names the other
//! side's present value as its base, so the two values count as agreed although they differ: the next cycle leaves them
//! alone until somebody edits one of them. Without that it would write the same value again.

use super::Presence;
use super::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use crate::model::{ActionId, FieldKey, FieldValue, Item, ItemId, LinkId, PairName, Side, Sided};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that was done to one item, as the journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// What was done.
    pub kind: ActionKind,
    /// The side that was changed.
    pub side: Side,
    /// What was done to each field.
    pub changes: BTreeMap<FieldKey, Step>,
}

/// One write of one field.
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
    /// What was done, oldest first.
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
pub fn undo(
    pair: &PairName,
    fingerprint: &str,
    links: &[UndoLink],
    delete_created: bool,
    why: &str,
) -> Undo {
    let mut out = Undo {
        plan: PairPlan::empty(pair.clone(), fingerprint.to_owned()),
        left: Vec::new(),
    };
    for link in links {
        out.plan.looked_at += 1;
        let inverse = Inverse {
            pair,
            link,
            why,
            delete_created,
        };
        let before = (out.plan.actions.len(), out.left.len());
        inverse.existence(&mut out);
        for side in [Side::ClickUp, Side::Ado] {
            inverse.fields(side, &mut out);
        }
        if before == (out.plan.actions.len(), out.left.len()) {
            out.plan.in_sync += 1;
        }
    }
    out
}

struct Inverse<'a> {
    pair: &'a PairName,
    link: &'a UndoLink,
    why: &'a str,
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
            .find(|deed| deed.kind != ActionKind::Update);
        let Some(deed) = newest else { return };
        let side = deed.side;
        let present = self.link.now.get(side).item();
        match (deed.kind, present) {
            (ActionKind::Create | ActionKind::Restore, Some(item)) => self.remove(deed, item, out),
            (ActionKind::Create | ActionKind::Restore, None) => {
                self.leave(side, None, self.absent(side), out);
            }
            (ActionKind::Delete, Some(_)) => {
                self.relink(side, None, out);
            }
            (ActionKind::Delete, None) => self.bring_back(side, out),
            (ActionKind::Close | ActionKind::Unlink, _) => self.relink(side, None, out),
            (ActionKind::Link, _) if self.link.living => out
                .plan
                .actions
                .push(self.action(side, ActionKind::Unlink).sealed(self.pair)),
            (ActionKind::Link, _) => {
                self.leave(side, None, "the link is dissolved already".to_owned(), out);
            }
            (ActionKind::Update, _) => {}
        }
    }

    /// An item that was created: kept, unless deleting was asked for and nobody has worked on it.
    fn remove(&self, deed: &Deed, item: &Item, out: &mut Undo) {
        let side = deed.side;
        let reason = if !self.delete_created {
            format!(
                "{} by that run; it stays (--delete-created moves it to the {})",
                if deed.kind == ActionKind::Create {
                    "created"
                } else {
                    "restored"
                },
                bin(side)
            )
        } else if let Some(field) = self.touched(deed, item) {
            format!("created by that run, but its {field} was edited since; delete it by hand")
        } else {
            out.plan.actions.push(
                Action {
                    expected: Some(item.version),
                    reason: match side {
                        Side::Ado => format!("{}; to the recycle bin", self.why),
                        Side::ClickUp => {
                            format!(
                                "{}; to the trash, from where only a person can restore it",
                                self.why
                            )
                        }
                    },
                    ..self.action(side, ActionKind::Delete)
                }
                .sealed(self.pair),
            );
            return;
        };
        self.leave(side, None, reason, out);
    }

    /// Returns a field of a created item that is neither as it was created nor as both sides last agreed.
    fn touched(&self, deed: &Deed, item: &Item) -> Option<FieldKey> {
        item.fields
            .iter()
            .find(|(key, now)| {
                let created = deed
                    .changes
                    .get(key)
                    .and_then(|step| step.after.as_ref())
                    .is_some_and(|after| after == *now);
                let agreed = self
                    .link
                    .base
                    .get(key)
                    .is_none_or(|base| base.get(deed.side) == *now);
                !created && (!agreed || self.link.carried_back.contains(key))
            })
            .map(|(key, _)| key.clone())
    }

    /// An item that was deleted: only Azure DevOps takes things out of its bin for a program.
    fn bring_back(&self, side: Side, out: &mut Undo) {
        if side == Side::ClickUp {
            let reason = "deleted by that run; ClickUp's API cannot restore a task: open Trash in ClickUp, restore it \
                          there, then run this undo again to link it"
                .to_owned();
            self.leave(side, None, reason, out);
            return;
        }
        if matches!(self.link.now.get(side), Presence::Unclear { .. }) {
            self.leave(side, None, self.absent(side), out);
            return;
        }
        let action = self.action(side, ActionKind::Restore).sealed(self.pair);
        let id = action.id.clone();
        out.plan.actions.push(action);
        if self.link.now.get(side.other()).item().is_some() {
            self.relink(side, Some(id), out);
        }
    }

    /// Links the two items again, where both are there and neither has found another counterpart.
    fn relink(&self, side: Side, after: Option<ActionId>, out: &mut Undo) {
        let missing = Side::BOTH
            .into_iter()
            .filter(|at| after.is_none() || *at != side)
            .find(|at| self.link.now.get(*at).item().is_none());
        if let Some(missing) = missing {
            let reason = format!("not linked again: {}", self.absent(missing));
            self.leave(missing, None, reason, out);
            return;
        }
        if self.link.living || self.link.linked.ado || self.link.linked.clickup {
            self.leave(side, None, "it is linked again already".to_owned(), out);
            return;
        }
        out.plan.actions.push(
            Action {
                link: None,
                after,
                ..self.action(side, ActionKind::Link)
            }
            .sealed(self.pair),
        );
    }

    fn fields(&self, side: Side, out: &mut Undo) {
        let mut steps: BTreeMap<&FieldKey, Vec<&Step>> = BTreeMap::new();
        for deed in self.link.deeds.iter().filter(|deed| {
            deed.side == side && matches!(deed.kind, ActionKind::Update | ActionKind::Close)
        }) {
            for (key, step) in &deed.changes {
                steps.entry(key).or_default().push(step);
            }
        }
        let removed = out.plan.actions.iter().any(|action| {
            action.kind == ActionKind::Delete
                && action.target == side
                && action.link == Some(self.link.link)
        });
        if steps.is_empty() || removed {
            return;
        }
        let Some(item) = self.link.now.get(side).item() else {
            let deleted = out
                .left
                .iter()
                .any(|left| left.link == Some(self.link.link) && left.side == side);
            if !deleted {
                self.leave(side, None, self.absent(side), out);
            }
            return;
        };
        let mut changes = Vec::new();
        for (key, steps) in steps {
            match self.goal(side, item, key, &steps) {
                Ok(change) => changes.extend(change),
                Err(reason) => self.leave(side, Some(key.clone()), reason, out),
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
            .sealed(self.pair),
        );
    }

    /// Walks back from the newest write as far as the values join up: where one does not, a person's edit lies between.
    fn goal(
        &self,
        side: Side,
        item: &Item,
        key: &FieldKey,
        steps: &[&Step],
    ) -> Result<Option<FieldChange>, String> {
        if self.link.waiting.contains(key) {
            return Err("a choice made with `conflicts resolve` is still to be written".to_owned());
        }
        let Some(now) = item.fields.get(key) else {
            return Err("the item no longer shows this field".to_owned());
        };
        let mut goal: Option<&FieldValue> = None;
        for step in steps.iter().rev() {
            if step.after.as_ref() != Some(goal.unwrap_or(now)) {
                break;
            }
            let Some(before) = &step.before else {
                return Err("what was there before is not recorded".to_owned());
            };
            goal = Some(before);
        }
        let was_there = |step: &&Step| step.before.as_ref() == Some(now);
        match goal {
            Some(goal) if goal == now => Ok(None),
            Some(goal) => Ok(Some(FieldChange {
                field: key.clone(),
                before: Some(now.clone()),
                after: goal.clone(),
                source_value: Some(self.other_value(side, key)),
                reason: self.why.to_owned(),
            })),
            // Undone before, or never in force.
            None if steps.iter().any(was_there) => Ok(None),
            None => Err("edited since; the edit stays".to_owned()),
        }
    }

    /// What the other side has now: its half of the new base.
    fn other_value(&self, side: Side, key: &FieldKey) -> FieldValue {
        let other = side.other();
        let now = self.link.now.get(other).item();
        now.and_then(|item| item.fields.get(key))
            .or_else(|| self.link.base.get(key).map(|base| base.get(other)))
            .cloned()
            .unwrap_or(FieldValue::Empty)
    }

    fn action(&self, side: Side, kind: ActionKind) -> Action {
        let shown = self.shown(side);
        Action {
            id: ActionId(String::new()),
            kind,
            link: Some(self.link.link),
            target: side,
            target_item: Some(self.link.items.get(side).clone()),
            source_item: Some(self.link.items.get(side.other()).clone()),
            title: self.title(side),
            url: shown.map_or_else(String::new, |item| item.url.clone()),
            expected: None,
            source_version: None,
            changes: Vec::new(),
            reason: self.why.to_owned(),
            after: None,
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

    fn absent(&self, side: Side) -> String {
        match self.link.now.get(side) {
            Presence::Gone { evidence } => format!("{side} deleted it ({evidence})"),
            Presence::Unclear { reason } => format!("{side} does not show it ({reason})"),
            Presence::Seen(_) | Presence::OutOfScope(_) => String::new(),
        }
    }

    fn leave(&self, side: Side, field: Option<FieldKey>, reason: String, out: &mut Undo) {
        out.left.push(Hold {
            link: Some(self.link.link),
            side,
            item: self.link.items.get(side).clone(),
            title: self.title(side),
            field,
            reason,
        });
    }
}

fn bin(side: Side) -> &'static str {
    match side {
        Side::Ado => "recycle bin",
        Side::ClickUp => "trash",
    }
}
