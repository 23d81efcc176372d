//! Writes the history of a seed.

use super::customs::Customs;
use super::enrich::{
    apart, asked, enrich, left_out, nested, set_back, steps, taken_back, vanishing, withdrawn,
};
use super::kinds::{UNMAPPED, kinds};
use super::rng::Rng;
use super::script::{
    Act, Command, Deed, Deleting, Fault, On, Point, Says, Script, Setup, Step, Take,
};
use boardsync::model::Side;

/// What the generator may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Deletes and restores.
    pub deletes: bool,
    /// Moves out of scope and back, copies.
    pub moves: bool,
    /// Skewed and jumping clocks.
    pub clocks: bool,
    /// Empty and incomplete listings.
    pub listings: bool,
    /// Faults that show an old or false state on a direct read.
    pub reads: bool,
    /// Databases put back.
    pub rollbacks: bool,
    /// The same request delivered twice.
    pub twice: bool,
    /// Longer lags and delays than the protocol allows for.
    pub unbounded: bool,
    /// Commands of people.
    pub commands: bool,
    /// Changed configurations, saved plans, places that are gone, several pairs and installations.
    pub config: bool,
    /// Services that keep, cut, unite or change values whatever the request says.
    pub quirks: bool,
}

impl Range {
    pub const BASIC: Range = Range {
        deletes: false,
        moves: false,
        clocks: false,
        listings: false,
        reads: false,
        rollbacks: false,
        twice: false,
        unbounded: false,
        commands: false,
        config: false,
        quirks: false,
    };

    /// Different seeds exercise different parts, so that one part's histories stay free of another's excuses.
    pub fn of(seed: u64) -> Range {
        let bit = |n: u64| (super::rng::mix(seed) >> n) & 1 == 1;
        let quirks = super::rng::mix(seed ^ 0x0051_4B59).is_multiple_of(2);
        if seed.is_multiple_of(4) {
            return Range {
                quirks,
                ..Range::BASIC
            };
        }
        let rollbacks = seed.is_multiple_of(7);
        Range {
            deletes: bit(1),
            moves: bit(2),
            clocks: bit(3),
            // After a restore only the listings know what was created: they may lag, but not leave out.
            listings: bit(4) && !rollbacks,
            reads: bit(5),
            rollbacks,
            twice: bit(6),
            unbounded: seed % 10 == 9,
            commands: bit(7),
            config: bit(8),
            quirks,
        }
    }
}

const YEAR: i64 = 365 * 24 * 3_600_000;

/// Writes the history of a seed.
pub fn generate(seed: u64, range: Range) -> Script {
    let mut writer = Writer {
        rng: Rng::new(seed),
        range,
        next: 10,
        steps: Vec::new(),
    };
    let customs = Customs::of(seed);
    customs.begin();
    let setup = Setup {
        customs,
        ..writer.setup()
    };
    writer.history();
    let mut script = Script {
        seed,
        setup,
        steps: writer.steps,
    };
    steps(&mut script, range);
    set_back(&mut script, range);
    taken_back(&mut script, range);
    if range.config {
        enrich(&mut script, range);
    }
    vanishing(&mut script, range);
    nested(&mut script, range);
    withdrawn(&mut script);
    asked(&mut script, range);
    apart(&mut script, range);
    left_out(&mut script, range);
    script
}

pub struct Writer {
    pub(super) rng: Rng,
    pub(super) range: Range,
    next: u32,
    pub(super) steps: Vec<Step>,
}

impl Writer {
    /// One that adds to a history that is written.
    pub(super) fn further(rng: Rng, range: Range, next: u32) -> Writer {
        Writer {
            rng,
            range,
            next,
            steps: Vec::new(),
        }
    }

    fn setup(&mut self) -> Setup {
        let rng = &mut self.rng;
        let mut skew = |wide: bool| {
            if wide && rng.chance(300) {
                rng.range(-10 * YEAR, 10 * YEAR)
            } else {
                rng.range(-30_000, 30_000)
            }
        };
        let clocks = self.range.clocks;
        let (skew_ado, skew_clickup, local) = (skew(clocks), skew(clocks), skew(clocks));
        let deleting = [Deleting::Unlink, Deleting::Delete, Deleting::Close];
        let winners = [Some(Side::Ado), Some(Side::Ado), Some(Side::ClickUp), None];
        Setup {
            skew_ado,
            skew_clickup,
            local,
            on_delete: if self.range.deletes {
                *self.rng.pick(&deleting)
            } else {
                Deleting::Unlink
            },
            backlink: self.rng.chance(500),
            winner: *self.rng.pick(&winners),
            pairs: if self.rng.chance(200) { 2 } else { 1 },
            unbounded: self.range.unbounded,
            quirks: self.range.quirks,
            tight: false,
            walked: self.rng.chance(150),
            canary: false,
            silent: false,
            customs: Customs::None,
        }
    }

    fn history(&mut self) {
        for _ in 0..self.rng.range(1, 3) {
            let act = self.create();
            self.steps.push(Step::Act(act));
        }
        for _ in 0..self.rng.range(6, 11) {
            for _ in 0..self.rng.below(4) {
                let act = self.act();
                self.steps.push(Step::Act(act));
                if self.rng.chance(300) {
                    let ms = self.rng.range(0, 5_000);
                    self.steps.push(Step::Wait(ms));
                }
            }
            let wait = match self.rng.below(20) {
                0..=11 if self.range.unbounded => self.rng.range(100_000, 500_000),
                0..=7 => self.rng.range(0, 20_000),
                8..=15 => 60_000,
                16..=18 => self.rng.range(100_000, 700_000),
                _ => self.rng.range(1, 4) * 24 * 3_600_000,
            };
            self.steps.push(Step::Wait(wait));
            if self.range.clocks && self.rng.chance(150) {
                let ms = self.jump();
                self.steps.push(Step::Clock(ms));
            }
            if self.rng.chance(60) {
                self.steps.push(Step::Restart);
            }
            if self.range.rollbacks && self.rng.chance(120) {
                let commits = u32::try_from(self.rng.range(1, 20)).unwrap_or(1);
                self.steps.push(Step::Rollback(commits));
            }
            if self.range.commands && self.rng.chance(500) {
                self.command();
            }
            let full = self.rng.chance(100);
            self.steps.push(Step::Cycle(full));
            if self.range.unbounded && self.rng.chance(500) {
                // What makes twins there: a create that is in force and long unseen.
                let (on, n) = (On::Write, u32::try_from(self.rng.below(2)).unwrap_or(0));
                let late = Fault::Late(self.rng.range(300_000, 600_000));
                let fault = *self.rng.pick(&[&Fault::Unanswered, &late]);
                let point = Point {
                    on,
                    n,
                    after: false,
                };
                self.steps
                    .push(Step::During(point, Deed::Fault(fault.clone())));
            }
            for _ in 0..self.rng.below(4) {
                let point = self.point();
                let deed = self.deed(point);
                self.steps.push(Step::During(point, deed));
            }
        }
    }

    /// A command, with people, faults and kills in it.
    fn command(&mut self) {
        let n = u32::try_from(self.rng.below(8)).unwrap_or(0);
        let (side, item) = (self.side(), n % 4);
        let command = match self.rng.below(32) {
            0..=12 => {
                let merged = Take::Merged(self.number());
                let takes = [Take::Ado, Take::ClickUp, merged];
                let take = *self.rng.pick(&takes);
                Command::Resolve { n, take }
            }
            13..=18 => Command::UndoRun { back: n % 3 },
            19..=20 => Command::UndoItem { side, item },
            21 => Command::Unlink { side, item },
            22..=23 => Command::Relink { n },
            24..=25 => Command::Plan,
            26..=27 => Command::Approve,
            28 => {
                self.steps.push(Step::Command(Command::Stop(true)));
                self.steps.push(Step::Cycle(false));
                Command::Stop(false)
            }
            29 => {
                let winners = [Some(Side::Ado), Some(Side::ClickUp), None];
                Command::Winner(*self.rng.pick(&winners))
            }
            _ => {
                let field = self.rng.pick(kinds()).key();
                self.steps
                    .push(Step::Command(Command::Field(field.clone())));
                let act = self.act();
                self.steps.push(Step::Act(act));
                self.steps.push(Step::Cycle(false));
                Command::Field(field)
            }
        };
        self.steps.push(Step::Command(command));
        for _ in 0..self.rng.below(3) {
            let point = self.point();
            let deed = self.deed(point);
            self.steps.push(Step::During(point, deed));
        }
        // Somebody edits before the next cycle.
        if self.rng.chance(400) {
            let act = self.act();
            self.steps.push(Step::Act(act));
        }
    }

    fn jump(&mut self) -> i64 {
        match self.rng.below(4) {
            0 => self.rng.range(-10 * YEAR, 10 * YEAR),
            1 => self.rng.range(-3_600_000, 3_600_000),
            2 => 400_000,
            _ => -400_000,
        }
    }

    pub(super) fn point(&mut self) -> Point {
        // Most cycles have few calls, so small numbers are wanted more often.
        let (on, below) = match self.rng.below(10) {
            0 | 1 => (On::Call, 8),
            2 | 3 => (On::Read, 3),
            4..=6 => (On::Write, 4),
            7 => (On::List, 2),
            _ => (On::Commit, 12),
        };
        let n = self.rng.below(below).min(self.rng.below(below));
        Point {
            on,
            n: u32::try_from(n).unwrap_or(0),
            after: self.rng.chance(500),
        }
    }

    pub(super) fn deed(&mut self, point: Point) -> Deed {
        let roll = self.rng.below(100);
        match (point.on, roll) {
            (On::Commit, 0..=59) | (_, 0..=14) => Deed::Crash,
            (_, 15..=49) => Deed::Act(self.act()),
            (_, 50..=52) => Deed::Wait(self.rng.range(500, 8_000)),
            (_, 53..=55) if self.range.clocks => Deed::Clock(self.jump()),
            (On::List, _) if self.range.listings && self.rng.chance(700) => {
                let n = u32::try_from(self.rng.below(3)).unwrap_or(0);
                Deed::Fault(if self.rng.chance(400) {
                    Fault::Empty
                } else {
                    Fault::Missing(n)
                })
            }
            (On::Read, _) => Deed::Fault(self.read_fault()),
            (On::List, _) | (On::Call, 56..=80) => Deed::Fault(self.common_fault()),
            (On::Commit, _) => Deed::Act(self.act()),
            _ => Deed::Fault(self.write_fault()),
        }
    }

    fn read_fault(&mut self) -> Fault {
        let n = u32::try_from(self.rng.below(3)).unwrap_or(0);
        if self.range.reads && self.rng.chance(500) {
            return match self.rng.below(3) {
                0 if self.range.deletes => Fault::FalseGone(n),
                _ => Fault::OldRead(n),
            };
        }
        match self.rng.below(3) {
            0 => Fault::Unreadable(n),
            _ => self.common_fault(),
        }
    }

    fn common_fault(&mut self) -> Fault {
        match self.rng.below(6) {
            0 => Fault::Unreachable,
            1 => Fault::ServerError,
            2 => Fault::Auth(self.rng.range(0, 200_000)),
            3 => Fault::Throttled,
            _ => Fault::Lost,
        }
    }

    fn write_fault(&mut self) -> Fault {
        match self.rng.below(31) {
            0 | 1 => Fault::Unreachable,
            2..=4 => Fault::Lost,
            5..=8 => Fault::Unanswered,
            9..=11 if self.range.unbounded => Fault::Late(self.rng.range(500, 600_000)),
            9..=11 => Fault::Late(self.rng.range(500, 110_000)),
            12 => Fault::Partial,
            13 if self.range.twice => Fault::Twice,
            14 => Fault::ServerError,
            15 => Fault::Auth(self.rng.range(0, 200_000)),
            16 => Fault::Throttled,
            17 => Fault::Refused(None),
            18 => Fault::Refused(Some(self.rng.pick(kinds()).key())),
            19 => Fault::Conflict,
            20 | 21 => Fault::Terse,
            22 => Fault::StateDropped,
            23 => Fault::Page(self.rng.chance(600)),
            26 => Fault::Poison {
                field: self.rng.pick(kinds()).key(),
                says: Says::Page,
            },
            27 => Fault::Stranger,
            28..=30 => Fault::Repeated(self.rng.chance(800)),
            24 | 25 => Fault::Poison {
                field: self.rng.pick(kinds()).key(),
                says: *self
                    .rng
                    .pick(&[Says::Name, Says::Nothing, Says::Unsent, Says::Forbidden]),
            },
            _ => Fault::Unanswered,
        }
    }

    pub(super) fn number(&mut self) -> u32 {
        self.next += 1;
        self.next * 16 + u32::try_from(self.rng.below(16)).unwrap_or(0)
    }

    pub(super) fn side(&mut self) -> Side {
        *self.rng.pick(&Side::BOTH)
    }

    pub(super) fn create(&mut self) -> Act {
        Act::Create {
            side: self.side(),
            n: self.number(),
            pair: u32::try_from(self.rng.below(2)).unwrap_or(0),
        }
    }

    pub(super) fn act(&mut self) -> Act {
        let (side, item) = (self.side(), u32::try_from(self.rng.below(4)).unwrap_or(0));
        if self.range.commands && self.rng.chance(250) {
            return Act::Contest {
                side,
                item,
                field: self.rng.pick(kinds()).key(),
                n: self.number(),
            };
        }
        let roll = self.rng.below(100);
        match roll {
            0..=5 => self.create(),
            6..=9 => {
                let field = self.rng.pick(kinds()).key();
                Act::Revert { side, item, field }
            }
            10..=12 => Act::Edit {
                side,
                item,
                field: UNMAPPED,
                n: self.number(),
            },
            13..=16 if self.range.deletes => Act::Delete { side, item },
            17..=18 if self.range.deletes => Act::Restore { side, item },
            19..=21 if self.range.moves => Act::Leave { side, item },
            22..=25 if self.range.moves => Act::Return { side, item },
            26 if self.range.moves => Act::Copy {
                side,
                item,
                n: self.number(),
            },
            _ => {
                let field = self.rng.pick(kinds()).key();
                Act::Edit {
                    side,
                    item,
                    field,
                    n: self.number(),
                }
            }
        }
    }
}
