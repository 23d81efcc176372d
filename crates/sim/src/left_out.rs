//! Answers that leave fields out of their items although they are set: what is missing says neither that a field is empty nor
//! that nobody changed it. Clients of ClickUp report that of listings and of reads by id.
//!
//! Example: Ana renames a work item, and the answer about its task lacks the name. The next cycles know both versions already,
//! so nothing but another look carries her title over.
//!
//! Not every type and place has each custom field, and a task that does not show one in two reads has none. So no two reads in a
//! row leave one out of a task. Azure DevOps leaves out what is empty, so there a custom field that is not shown is just that.
//!
//! Only what was set when both sides last agreed is left out, and what every item has. Any other field that was empty then, or that
//! belongs to a new item, may be one that its workspace or type does not have, and the engine takes it for that.

use super::controls::Control;
use super::generate::Writer;
use super::kinds::kinds;
use super::remote::Remote;
use super::script::{Act, Command, Deed, Fault, On, Point, Step};
use super::world::{Record, State, World};
use boardsync::model::{FieldKey, FieldValue, Item, Side};
use std::collections::BTreeSet;

/// What a side's answers leave out, and how many more do.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    fields: BTreeSet<FieldKey>,
    answers: u32,
}

impl World {
    /// The service of this side is about to answer with items: what it leaves out of them. Whatever begins with this request
    /// begins with this answer.
    pub fn answers(&mut self, side: Side, fault: Option<&Fault>) {
        self.count_left_out();
        if let Some(Fault::LeavesOut {
            fields,
            answers,
            both,
        }) = fault
        {
            let silence = Silence {
                fields: fields.iter().cloned().collect(),
                answers: *answers,
            };
            if *both {
                *self.silent.get_mut(side.other()) = silence.clone();
            }
            *self.silent.get_mut(side) = silence;
        }
        let silent = self.silent.get_mut(side);
        let left = silent.answers.checked_sub(1).filter(|_| !self.calm);
        self.unsaid = match left {
            Some(_) => silent.fields.clone(),
            None => BTreeSet::new(),
        };
        silent.answers = left.unwrap_or_default();
        if left.is_some() {
            let fields = self.unsaid.clone();
            self.say(|| format!("{side}: this answer leaves out {fields:?}"));
        }
    }

    /// A task was read by its id: notes the custom fields that it has and did not show.
    pub fn was_read(&mut self, state: &State, item: &Item) {
        self.unread.retain(|(id, _)| *id != item.id);
        let hidden = state.values.keys().filter(|key| key.is_custom());
        let hidden = hidden.filter(|key| !item.fields.contains_key(*key));
        self.unread
            .extend(hidden.map(|key| (item.id.clone(), key.clone())));
    }

    /// Counts what the answer before left out of its items.
    fn count_left_out(&mut self) {
        let times = self.left_out.take();
        if times > 0 {
            self.count("field left out");
        }
        if times > 1 && self.unsaid.len() > 1 {
            self.count("several fields left out");
        }
    }
}

impl Remote {
    /// What a listing or a read by id shows of a state.
    pub fn shown(&self, world: &World, record: &Record, state: &State) -> Item {
        let mut item = self.item(world, record, state);
        for key in &world.unsaid {
            let agreed = self.agreed(world, record, key);
            let never_set = agreed.as_ref().is_none_or(FieldValue::is_empty);
            let once = (record.id.clone(), key.clone());
            let custom = key.is_custom() && self.side == Side::Ado;
            if never_set && !key.row().everywhere || custom || world.unread.contains(&once) {
                continue;
            }
            let instead = match self.control {
                Some(Control::LeftOutIsEmpty) => Some(FieldValue::Empty),
                Some(Control::LeftOutIsUnchanged) => agreed,
                _ => None,
            };
            let shown = item.fields.remove(key);
            world.left_out.set(world.left_out.get() + 1);
            item.fields
                .extend(shown.and(instead).map(|value| (key.clone(), value)));
            if *key == FieldKey::Description {
                item.raw.clear();
            }
        }
        item
    }

    /// The base of a field: what of an item was set when both sides agreed.
    fn agreed(&self, world: &World, record: &Record, key: &FieldKey) -> Option<FieldValue> {
        let engine = world.engine.upgrade()?;
        let store = engine.store.try_lock().ok()?;
        let name = world.name(record.pair());
        let link = store.link_by_item(&name, self.side, &record.id).ok()??;
        let base = store.base(link.id).ok()?;
        Some(base.get(key)?.get(self.side).value().clone())
    }
}

impl Writer {
    /// Somebody edits a field, and answers of the cycle or command after that leave it out, sometimes with others, sometimes
    /// several in a row. Often people go on, an answer is lost, or the process dies.
    pub(super) fn left_out(&mut self) {
        if self.rng.chance(200) {
            let act = self.create();
            self.steps.push(Step::Act(act));
        }
        let item = u32::try_from(self.rng.below(3)).unwrap_or(0);
        let field = self.rng.pick(kinds()).key();
        for _ in 0..self.rng.range(1, 3) {
            self.edit_of(item, &field);
        }
        self.look_without(&field);
        for _ in 0..self.rng.below(3) {
            if self.rng.chance(500) {
                self.edit_of(item, &field);
            }
            if self.rng.chance(300) {
                self.look_without(&field);
            }
            self.steps.push(Step::Wait(60_000));
            self.steps.push(Step::Cycle(false));
        }
    }

    /// A person edits the field on one of both sides, or takes that back.
    fn edit_of(&mut self, item: u32, field: &FieldKey) {
        let (side, n, field) = (self.side(), self.number(), field.clone());
        self.steps.push(Step::Act(match self.rng.below(6) {
            0 => Act::Revert { side, item, field },
            1 => Act::Contest {
                side,
                item,
                field,
                n,
            },
            _ => Act::Edit {
                side,
                item,
                field,
                n,
            },
        }));
    }

    /// A cycle or command whose answers leave the field out.
    fn look_without(&mut self, field: &FieldKey) {
        let full = self.rng.chance(200);
        self.steps.push(match self.rng.below(6) {
            0 if self.range.commands => Step::Command(Command::UndoRun { back: 0 }),
            _ => Step::Cycle(full),
        });
        let mut fields = vec![field.clone()];
        while self.rng.chance(300) {
            let further = self.rng.pick(kinds()).key();
            if !fields.contains(&further) {
                fields.push(further);
            }
        }
        let point = Point {
            on: *self.rng.pick(&[On::List, On::Read, On::Read]),
            n: u32::try_from(self.rng.below(3)).unwrap_or(0),
            after: false,
        };
        let fault = Fault::LeavesOut {
            fields,
            answers: *self.rng.pick(&[1, 1, 2, 3, 6]),
            both: self.rng.chance(250),
        };
        self.steps.push(Step::During(point, Deed::Fault(fault)));
        for _ in 0..self.rng.below(2) {
            let point = self.point();
            let deed = self.deed(point);
            self.steps.push(Step::During(point, deed));
        }
    }
}
