//! Puts the moves of [`super::config_moves`], [`super::places`] and [`super::claims`] into a history that was written without
//! them, so that all other histories stay as they are.

use super::asked::Question;
use super::generate::{Range, Writer};
use super::kinds::{STATES, kinds};
use super::rng::Rng;
use super::script::{Act, Command, Deed, Deleting, Fault, On, Point, Script, Step};
use boardsync::model::{FieldKey, Side};

/// Adds some groups of moves, each before a cycle.
pub fn enrich(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0xC0_4F16);
    let setup = &mut script.setup;
    setup.tight = rng.chance(250);
    setup.canary = rng.chance(500);
    if rng.chance(600) {
        setup.pairs = 2;
    }
    for n in 0..u32::try_from(rng.range(2, 4)).unwrap_or(2) {
        let cycles = script.steps.iter().enumerate();
        let cycles = cycles.filter(|(_, step)| matches!(step, Step::Cycle(_)));
        let places: Vec<usize> = cycles.map(|(at, _)| at).collect();
        let mut at = *rng.pick(&places);
        let first = 1_000 * (1 + n);
        let mut writer = Writer::further(Rng::new(rng.draw()), range, first);
        writer.moves();
        // Not between a cycle and what happens in it.
        while matches!(script.steps.get(at), Some(Step::During(..))) {
            at += 1;
        }
        script.steps.splice(at..at, writer.steps);
    }
    one_way(script, range);
    lagging(script);
    unmarked(script, range);
    tag_renamed(script);
}

/// In some histories a state is reached in two requests, and one of them is sent twice.
pub fn steps(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x57E_9005);
    if !rng.chance(100) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 8_500);
    writer.repeated_step();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories somebody takes a choice back.
pub fn withdrawn(script: &mut Script) {
    let mut rng = Rng::new(script.seed ^ 0x0BAC_C0FF);
    let steps = script.steps.iter().enumerate();
    let chosen = steps.filter(|(_, step)| matches!(step, Step::Command(Command::Resolve { .. })));
    let places: Vec<usize> = chosen.map(|(at, _)| at + 1).collect();
    if places.is_empty() || !rng.chance(400) {
        return;
    }
    let mut at = *rng.pick(&places);
    while matches!(script.steps.get(at), Some(Step::During(..))) {
        at += 1;
    }
    let n = u32::try_from(rng.below(4)).unwrap_or(0);
    script
        .steps
        .insert(at, Step::Command(Command::Withdraw { n }));
}

/// In some histories tasks vanish one by one, and a list that is gone is told by full listings only.
pub fn vanishing(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x06_01E5);
    script.setup.silent = range.config && rng.chance(400);
    // What links ended lately is told by the local clock and the database, so neither may be set back.
    if range.clocks || range.rollbacks || !rng.chance(60) {
        return;
    }
    if rng.chance(700) {
        script.setup.on_delete = *rng.pick(&[Deleting::Delete, Deleting::Close]);
    }
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_700);
    let every = *rng.pick(&[65_000, 65_000, 300_000, 900_000]);
    writer.vanishing(every);
    script.steps.extend(writer.steps);
}

/// In some histories there are items below items.
pub fn nested(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x0005_0B7A);
    if !rng.chance(300) {
        return;
    }
    if range.deletes && rng.chance(700) {
        script.setup.on_delete = Deleting::Delete;
    }
    for _ in 0..rng.range(2, 6) {
        let at = a_cycle(script, &mut rng);
        let n = |rng: &mut Rng| u32::try_from(rng.below(8)).unwrap_or(0);
        let (item, under) = (n(&mut rng), n(&mut rng));
        let side = if rng.chance(500) {
            Side::Ado
        } else {
            Side::ClickUp
        };
        let nest = Step::Act(Act::Nest { side, item, under });
        script.steps.insert(at, nest);
    }
}

/// In some histories an answer is lost, and somebody sets the old value back.
pub fn set_back(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x05E7_BAC4);
    if !rng.chance(300) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_000);
    writer.set_back();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories somebody says yes to a plan while others go on working.
pub fn asked(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x0A5_CED0);
    if !range.commands || !rng.chance(120) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 10_500);
    writer.edits();
    writer.ask();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories an answer is lost, and the author takes the edit back where it was made.
pub fn taken_back(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x07A3_E2BC);
    if !rng.chance(300) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_300);
    writer.taken_back();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories an undo gets no answer, or both sides' edits of a field are settled without one and somebody sets again
/// what both had before.
pub fn apart(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x0A_9A27);
    if !rng.chance(80) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_900);
    match range.commands && rng.chance(600) {
        true => writer.undone_without_an_answer(),
        false => writer.recalled(),
    }
    script.steps.splice(at..at, writer.steps);
}

/// In some histories answers leave out fields that somebody has edited.
pub fn left_out(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x01E_F707);
    if !rng.chance(150) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 11_000);
    writer.left_out();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories an administrator renames a tag.
fn tag_renamed(script: &mut Script) {
    let mut rng = Rng::new(script.seed ^ 0x07A6_9A3E);
    if !rng.chance(100) {
        return;
    }
    let n = u32::try_from(rng.below(20)).unwrap_or(0);
    let at = after_cycle(script, &mut rng);
    script.steps.insert(at, Step::Act(Act::RenameTag { n }));
}

/// The place of a cycle.
fn a_cycle(script: &Script, rng: &mut Rng) -> usize {
    let cycles = script.steps.iter().enumerate();
    let cycles = cycles.filter(|(_, step)| matches!(step, Step::Cycle(_)));
    let places: Vec<usize> = cycles.map(|(at, _)| at).collect();
    *rng.pick(&places)
}

/// A place between a cycle, with all that happens in it, and what comes then.
fn after_cycle(script: &Script, rng: &mut Rng) -> usize {
    let mut at = a_cycle(script, rng) + 1;
    while matches!(script.steps.get(at), Some(Step::During(..))) {
        at += 1;
    }
    at
}

/// In some histories somebody takes the marker out of an item whose create had no answer.
fn unmarked(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x0FF_3A12);
    if !rng.chance(150) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_500);
    writer.unmarked();
    script.steps.splice(at..at, writer.steps);
}

/// In some histories a listing of ADO comes from a replica that lags.
fn lagging(script: &mut Script) {
    let mut rng = Rng::new(script.seed ^ 0x1A_661E6);
    if !rng.chance(200) {
        return;
    }
    let at = a_cycle(script, &mut rng) + 1;
    let point = Point {
        on: On::List,
        n: u32::try_from(rng.below(2)).unwrap_or(0),
        after: false,
    };
    let fault = Deed::Fault(Fault::OldRows);
    script.steps.insert(at, Step::During(point, fault));
}

/// In some histories a field flows one way for a while.
fn one_way(script: &mut Script, range: Range) {
    let mut rng = Rng::new(script.seed ^ 0x0D1_4EC7);
    if !rng.chance(200) {
        return;
    }
    let at = a_cycle(script, &mut rng);
    let mut writer = Writer::further(Rng::new(rng.draw()), range, 9_000);
    writer.one_way();
    script.steps.splice(at..at, writer.steps);
}

impl Writer {
    fn moves(&mut self) {
        let n = u32::try_from(self.rng.below(8)).unwrap_or(0);
        let (side, item, pair) = (self.side(), n % 4, n % 2);
        match self.rng.below(10) {
            0 | 1 => {
                self.push(Step::Act(Act::Move { side, item }));
                if self.rng.chance(500) {
                    let (side, other) = (side.other(), n / 2);
                    self.push(Step::Cycle(self.range.moves));
                    self.push(Step::Act(Act::Move { side, item: other }));
                }
            }
            2 => {
                let gone = true;
                self.push(Step::Act(Act::Shut { side, pair, gone }));
                self.edits();
                self.push(Step::Cycle(n < 4));
                if self.rng.chance(500) {
                    let gone = false;
                    self.push(Step::Act(Act::Shut { side, pair, gone }));
                }
            }
            3 | 4 => {
                self.edits();
                self.push(Step::Command(Command::Plan));
                self.edits();
                self.give(Command::ApplySaved);
            }
            5 => {
                let table = u32::from(self.rng.chance(700));
                self.push(Step::Command(Command::States(table)));
                self.edits();
            }
            6 => {
                self.push(Step::Command(Command::Rename { pair }));
                self.edits();
                self.push(Step::Cycle(n < 4));
                if self.rng.chance(700) {
                    self.push(Step::Command(Command::Rename { pair }));
                }
            }
            7 | 8 => {
                let act = self.create();
                self.push(Step::Act(act));
                self.push(Step::Wait(200_000));
                self.push(Step::Cycle(false));
                self.edits();
                self.give(Command::UndoCreated { back: n % 2 });
            }
            _ => {
                self.push(Step::Act(Act::Claim { pair }));
                self.edits();
                self.push(Step::Cycle(n < 4));
                if self.rng.chance(600) {
                    self.give(Command::Takeover { pair });
                }
            }
        }
    }

    /// `apply`, answered after a while.
    fn ask(&mut self) {
        let acts = (0..self.rng.below(4)).map(|_| self.act()).collect();
        let ms = *self.rng.pick(&[0, 1_500, 20_000, 400_000]);
        let passes = self.rng.chance(500);
        self.give(Command::Asked(Question { ms, passes, acts }));
    }

    /// Edits of the field on both sides, before and after it flows both ways again.
    fn one_way(&mut self) {
        let (field, to) = (self.rng.pick(kinds()).key(), self.side());
        let turn = Command::OneWay {
            field: field.clone(),
            to,
        };
        self.push(Step::Cycle(true));
        self.push(Step::Command(turn.clone()));
        for _ in 0..self.rng.range(1, 3) {
            for _ in 0..self.rng.range(1, 3) {
                let (side, n) = (self.side(), self.number());
                let item = u32::try_from(self.rng.below(3)).unwrap_or(0);
                let field = field.clone();
                self.push(Step::Act(Act::Edit {
                    side,
                    item,
                    field,
                    n,
                }));
            }
            self.edits();
            self.push(Step::Cycle(false));
        }
        self.push(Step::Command(turn));
        self.edits();
    }

    /// Work items are new, their tasks are completed, and people edit around the two requests that follow.
    fn repeated_step(&mut self) {
        let rows = u32::try_from(STATES.len()).unwrap_or(1);
        let state = |side: Side, item: u32, n: u32| {
            let field = FieldKey::State;
            Act::Edit {
                side,
                item,
                field,
                n,
            }
        };
        // A number that stands for this row of the table.
        let row = |n: u32, at: usize| n * rows + u32::try_from(at).unwrap_or(0);
        let (new, done) = (0, STATES.len() - 2);
        for item in 0..3 {
            let n = row(self.number(), new);
            self.push(Step::Act(state(Side::Ado, item, n)));
        }
        self.push(Step::Cycle(true));
        for item in 0..3 {
            let n = row(self.number(), done);
            self.push(Step::Act(state(Side::ClickUp, item, n)));
            self.edits();
        }
        self.push(Step::Cycle(false));
        let n = u32::try_from(self.rng.below(4)).unwrap_or(0);
        let point = |n: u32, after: bool| Point {
            on: On::Write,
            n,
            after,
        };
        let again = Fault::Repeated(self.rng.chance(800));
        self.push(Step::During(point(n, false), Deed::Fault(again)));
        for n in n..n + 2 {
            if self.rng.chance(300) {
                let (after, item) = (self.rng.chance(700), n % 3);
                let n_of_edit = self.number();
                let act = state(Side::Ado, item, n_of_edit);
                self.push(Step::During(point(n, after), Deed::Act(act)));
            }
        }
        if self.rng.chance(200) {
            self.push(Step::During(point(n + 1, true), Deed::Crash));
        }
        self.edits();
        if self.rng.chance(500) {
            let (item, n) = (n % 3, self.number());
            self.push(Step::Act(state(Side::Ado, item, n)));
        }
        self.push(Step::Wait(60_000));
    }

    /// New items, of whose tasks one more vanishes each time, with edits in between.
    fn vanishing(&mut self, every: i64) {
        let items = u32::try_from(self.rng.range(3, 6)).unwrap_or(3);
        for _ in 0..items {
            let n = self.number();
            let side = Side::Ado;
            self.push(Step::Act(Act::Create { side, n, pair: 0 }));
        }
        for ms in [400_000, 60_000] {
            self.push(Step::Wait(ms));
            self.push(Step::Cycle(ms == 60_000));
        }
        let first = u32::try_from(self.rng.below(8)).unwrap_or(0);
        for item in first..first + items + 2 {
            self.push(Step::Act(Act::Vanish { item }));
            if self.rng.chance(200) {
                self.edits();
            }
            if self.rng.chance(100) {
                self.push(Step::Restart);
            }
            self.push(Step::Cycle(true));
            self.push(Step::Wait(every));
        }
        for _ in 0..11 {
            let full = self.rng.chance(200);
            self.push(Step::Cycle(full));
            self.push(Step::Wait(65_000));
        }
        if self.rng.chance(600) {
            self.push(Step::Act(Act::Reappear));
            self.edits();
            let full = self.rng.chance(500);
            self.push(Step::Cycle(full));
        }
    }

    fn unmarked(&mut self) {
        let (side, n) = (self.side(), self.number());
        self.push(Step::Cycle(true));
        self.push(Step::Act(Act::Create {
            side,
            n,
            pair: n % 2,
        }));
        self.push(Step::Cycle(false));
        let point = Point {
            on: On::Write,
            n: 0,
            after: false,
        };
        self.push(Step::During(point, Deed::Fault(Fault::Unanswered)));
        self.push(Step::Act(Act::Unmark(side.other())));
        self.edits();
        self.push(Step::Cycle(n.is_multiple_of(2)));
        if self.rng.chance(700) {
            self.push(Step::Wait(400_000));
            self.edits();
            self.push(Step::Cycle(n.is_multiple_of(3)));
        }
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn edits(&mut self) {
        for _ in 0..self.rng.below(3) {
            let act = self.act();
            self.push(Step::Act(act));
        }
    }

    /// A command, with people, faults and kills in it.
    fn give(&mut self, command: Command) {
        self.push(Step::Command(command));
        for _ in 0..self.rng.below(3) {
            let point = self.point();
            let deed = self.deed(point);
            self.push(Step::During(point, deed));
        }
    }
}
