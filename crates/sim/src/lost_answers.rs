//! Writes the parts of a history in which the answer to a write is lost and people go on working: they set an old value back, take
//! back what was sent, or undo it.

use super::generate::Writer;
use super::kinds::{UNMAPPED, kinds};
use super::script::{Act, Command, Deed, Fault, On, Point, Step};
use boardsync::model::{FieldKey, Side};

impl Writer {
    /// An edit goes over, the answer is lost or the process dies with it, and somebody sets the old value back before the next
    /// cycle. Often somebody touches something else as well, which makes a version of its own.
    pub(super) fn set_back(&mut self) {
        let (side, item) = (self.side(), u32::try_from(self.rng.below(3)).unwrap_or(0));
        let field = self.rng.pick(kinds()).key();
        self.lost_edit(side, item, &field, 0);
        let other = side.other();
        if self.rng.chance(300) {
            let n = self.number();
            self.steps.push(Step::Act(Act::Edit {
                side: other,
                item,
                field: UNMAPPED,
                n,
            }));
        }
        if self.rng.chance(800) {
            self.steps.push(Step::Act(Act::Revert {
                side: other,
                item,
                field,
            }));
        }
    }

    /// The same, and the author takes the edit back on the side that it came from, or puts another value in its place. Sometimes
    /// somebody edits the other side as well. Values that are merged in parts come more often.
    pub(super) fn taken_back(&mut self) {
        let (side, item) = (self.side(), u32::try_from(self.rng.below(3)).unwrap_or(0));
        let in_parts = [FieldKey::Tags, FieldKey::Assignees, FieldKey::Description];
        let field = match self.rng.chance(700) {
            true => self.rng.pick(&in_parts).clone(),
            false => self.rng.pick(kinds()).key(),
        };
        // With another field before it, of which a task is told in a call of its own.
        let further = self.rng.chance(300);
        if further {
            let n = self.number();
            let another = self.rng.pick(kinds()).key();
            self.steps.push(Step::Act(Act::Edit {
                side,
                item,
                field: another,
                n,
            }));
        }
        let lost = u32::from(further && self.rng.chance(700));
        self.lost_edit(side, item, &field, lost);
        if self.rng.chance(250) {
            let n = self.number();
            let touched = match self.rng.chance(500) {
                true => UNMAPPED,
                false => field.clone(),
            };
            self.steps.push(Step::Act(Act::Edit {
                side: side.other(),
                item,
                field: touched,
                n,
            }));
        }
        let n = self.number();
        self.steps.push(Step::Act(match self.rng.chance(700) {
            true => Act::Revert { side, item, field },
            false => Act::Edit {
                side,
                item,
                field,
                n,
            },
        }));
    }

    /// An edit goes over and is undone without an answer. Often its author or somebody on the other side edits once more.
    pub(super) fn undone_without_an_answer(&mut self) {
        let (side, item) = (self.side(), u32::try_from(self.rng.below(3)).unwrap_or(0));
        let field = self.rng.pick(kinds()).key();
        self.steps.push(Step::Cycle(true));
        let n = self.number();
        self.steps.push(Step::Act(Act::Edit {
            side,
            item,
            field: field.clone(),
            n,
        }));
        self.steps.push(Step::Cycle(false));
        self.steps.push(Step::Command(Command::UndoRun { back: 0 }));
        match self.rng.below(10) {
            0..=2 => self.lose_look(),
            3..=5 => self.come_late(),
            _ => self.lose(0),
        }
        if self.rng.chance(500) {
            let (side, n) = (self.side(), self.number());
            self.steps.push(Step::Act(match self.rng.chance(500) {
                true => Act::Revert { side, item, field },
                false => Act::Edit {
                    side,
                    item,
                    field,
                    n,
                },
            }));
        }
        for _ in 0..2 {
            self.steps.push(Step::Wait(60_000));
            self.steps.push(Step::Cycle(false));
        }
    }

    /// Two people edit a field, each on one side, what the rule makes of that gets no answer, and somebody sets again what both
    /// had before.
    pub(super) fn recalled(&mut self) {
        let (side, item) = (self.side(), u32::try_from(self.rng.below(3)).unwrap_or(0));
        let field = self.rng.pick(kinds()).key();
        self.steps.push(Step::Cycle(true));
        let n = self.number();
        self.steps.push(Step::Act(Act::Contest {
            side,
            item,
            field: field.clone(),
            n,
        }));
        self.steps.push(Step::Cycle(false));
        self.lose(0);
        let side = self.side();
        self.steps
            .push(Step::Act(Act::Recall { side, item, field }));
        self.steps.push(Step::Wait(60_000));
        self.steps.push(Step::Cycle(false));
    }

    /// An edit goes over, and the answer to that call of the cycle is lost, or the process dies with it.
    fn lost_edit(&mut self, side: Side, item: u32, field: &FieldKey, write: u32) {
        let n = self.number();
        self.steps.push(Step::Act(Act::Edit {
            side,
            item,
            field: field.clone(),
            n,
        }));
        self.steps.push(Step::Cycle(false));
        self.lose(write);
    }

    /// A read of the command gets no answer. Where it is the one after a call that says nothing of what it did, nobody is told
    /// what became of that.
    fn lose_look(&mut self) {
        let point = Point {
            on: On::Read,
            n: u32::try_from(self.rng.range(2, 6)).unwrap_or(2),
            after: false,
        };
        let fault = Deed::Fault(Fault::ServerError);
        self.steps.push(Step::During(point, fault));
    }

    /// The first call of the command is in force only after the next cycle.
    fn come_late(&mut self) {
        let point = Point {
            on: On::Write,
            n: 0,
            after: false,
        };
        let fault = Fault::Late(self.rng.range(62_000, 110_000));
        self.steps.push(Step::During(point, Deed::Fault(fault)));
    }

    /// The answer to that call of the cycle or command is lost, or the process dies with it.
    fn lose(&mut self, write: u32) {
        let point = |after| Point {
            on: On::Write,
            n: write,
            after,
        };
        let (after, deed) = match self.rng.below(5) {
            0 => (true, Deed::Crash),
            1 => (false, Deed::Fault(Fault::Page(true))),
            2 => (false, Deed::Fault(Fault::Lost)),
            3 => (false, Deed::Fault(Fault::Repeated(true))),
            _ => (false, Deed::Fault(Fault::Unanswered)),
        };
        self.steps.push(Step::During(point(after), deed));
    }
}
