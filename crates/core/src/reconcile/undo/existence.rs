//! What becomes of items that were made, removed, linked or unlinked.

use super::{By, Deed, Inverse, Step, Traces, Undo};
use crate::capabilities;
use crate::model::{ActionId, FieldKey, FieldValue, Item, ItemId, Side, Subject};
use crate::reason::{ActionWhy, LeftWhy, MadeBy, Stays};
use crate::reconcile::Presence;
use crate::reconcile::plan::{Action, ActionKind};

impl Inverse<'_> {
    /// Undoes the newest step that made, removed or (un)linked an item; older ones are answered by it.
    pub(super) fn existence(&self, out: &mut Undo) {
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
            // The link of the run was ended since, and this one is somebody's own.
            (ActionKind::Link, _) if self.link.living && *self.link.by_hand.get(side) => {
                self.leave(side, Subject::Item, LeftWhy::LinkedByHand, out);
            }
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
        let below = self.go_before(side, out);
        let stays = self
            .stays(deed, item)
            .or_else(|| below.as_ref().err().cloned());
        let Some(stays) = stays else {
            out.plan.actions.push(
                Action {
                    after: below.unwrap_or_default(),
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

    /// The deletes that have to go before that of an item, because they are of what stands below it.
    ///
    /// # Errors
    /// Something below it stays, and so it stays itself.
    fn go_before(&self, side: Side, out: &Undo) -> Result<Vec<ActionId>, Stays> {
        let Traces::Below(children) = self.link.traces.get(side) else {
            return Ok(Vec::new());
        };
        let goes = |child: &ItemId| {
            let mut actions = out.plan.actions.iter();
            let delete = actions.find(|action| {
                action.kind == ActionKind::Delete
                    && action.target == side
                    && action.target_item.as_ref() == Some(child)
            });
            delete.map(|action| action.id.clone())
        };
        let before: Option<Vec<ActionId>> = children.iter().map(goes).collect();
        before.ok_or(Stays::Has {
            what: "something below it that stays".to_owned(),
        })
    }

    /// Why an item that was created stays; `None`: it goes. Without the yes to deletes it stays in any case; that is said, and what would
    /// keep it all the same too: nobody is sent to an option that refuses the item afterwards.
    fn stays(&self, deed: &Deed, item: &Item) -> Option<Stays> {
        let worked_on = self.worked_on(deed, item);
        if self.delete_created {
            return worked_on;
        }
        let side = deed.side.other();
        let item = self.link.items.get(side).clone();
        let anyway = worked_on.map(Box::new);
        Some(Stays::NotAskedFor { side, item, anyway })
    }

    /// What shows, or may hide, that somebody else worked on an item that was created. `None`: nothing does.
    fn worked_on(&self, deed: &Deed, item: &Item) -> Option<Stays> {
        let side = deed.side;
        if deed.kind == ActionKind::Create && deed.changes.is_empty() {
            return Some(Stays::EditedBeforeFound);
        }
        if matches!(self.link.now.get(side), Presence::OutOfScope(_)) {
            return Some(Stays::OutOfScope);
        }
        if *self.link.by_hand.get(side) {
            return Some(Stays::LinkedByHand);
        }
        if let Some(field) = self.touched(deed, item) {
            return Some(Stays::FieldEdited { field });
        }
        match self.link.traces.get(side) {
            Traces::Some(what) => return Some(Stays::Has { what: what.clone() }),
            Traces::Unknown(what) => return Some(Stays::Unknown { what: what.clone() }),
            Traces::None | Traces::Below(_) => {}
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
        if self.link.now.get(side).doubt().is_some() {
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
}
