//! One history: the real engine, an in-memory database, two simulated services, one thread, virtual time.
//!
//! The executor polls a cycle once. Every simulated call is ready at once or, where the process is killed, never; so a
//! cycle that is not ready has been killed there, and dropping it is the kill.

use super::commands::rearmed;
use super::config_moves::tell;
use super::controls::{Control, Moment};
use super::guard_law::tells_of_tasks;
use super::kinds::{first_table, kind};
use super::policies::policies;
use super::remote::{Remote, lock};
use super::rng::hash;
use super::script::{Deed, On, Point, Script, Setup, Step};
use super::stores::{self, Copies};
use super::world::{START, Violation, World, numbered};
use boardsync::clock::ManualClock;
use boardsync::connector::{Reader, Writer};
use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::cycle::{Answer, Approver};
use boardsync::engine::observe::Observed;
use boardsync::engine::rails::Safety;
use boardsync::engine::recover::Recovered;
use boardsync::engine::{CycleError, Engine, Scope, Timing, Writers};
use boardsync::marker::MarkerKey;
use boardsync::model::{Clock, FieldKey, ItemId, Side, Sided, Timestamp};
use boardsync::reconcile::plan::PairPlan;
use boardsync::store::{Batch, ChoiceOp, CommitEdge, Conflict, Op, Store, StoreError, TransitRow};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What came of a history.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    /// Hash over everything that was said between engine and services, and of the final state.
    pub trace: u64,
    pub counts: BTreeMap<&'static str, u64>,
    pub lines: Vec<String>,
    /// Calls and transactions of each cycle and command of the script, for killing at every one of them.
    pub points: Vec<BTreeMap<On, u32>>,
}

impl Outcome {
    pub fn breaks(&self, law: &str) -> bool {
        self.violations.iter().any(|violation| violation.law == law)
    }
}

/// Runs a script to its quiet end and judges it.
pub fn run(script: &Script, control: Option<Control>, lines: bool) -> Outcome {
    let mut script = script.clone();
    if let Some(control) = control {
        control.set_up(&mut script);
    }
    let mut sim = Sim::new(&script, control, lines);
    sim.history(&script.steps);
    sim.quiet(&script);
    sim.outcome()
}

/// How a cycle or command ended.
#[derive(Debug)]
pub enum End {
    Done(Box<Report>),
    Failed(String),
    Killed,
}

pub struct Sim {
    pub world: Arc<Mutex<World>>,
    clock: ManualClock,
    remotes: Sided<Arc<Remote>>,
    pub engine: Option<Arc<Engine>>,
    pub writers: Writers,
    pub control: Option<Control>,
    pub setup: Setup,
    timing: Timing,
    /// The database after each of the last transactions, while the script is about to put it back.
    copies: Arc<Mutex<Copies>>,
    points: Vec<BTreeMap<On, u32>>,
    /// Notes of steps that stood when the last cycle had ended, for the design that keeps them no longer.
    notes: Vec<TransitRow>,
    /// Whether the database is judged after every cycle.
    pub judged: bool,
}

impl Sim {
    fn new(script: &Script, control: Option<Control>, lines: bool) -> Sim {
        first_table();
        script.setup.customs.begin();
        let clock = ManualClock::new(Timestamp(START + script.setup.local));
        let mut world = World::new(script.seed, &script.setup, clock.clone(), lines);
        world.one_vocabulary = control == Some(Control::M0);
        let world = Arc::new(Mutex::new(world));
        let remotes = Sided::build(|side| {
            Arc::new(Remote {
                world: world.clone(),
                side,
                control,
                listed: Mutex::default(),
                queue: Mutex::default(),
            })
        });
        let writers = Sided::build(|side| remotes.get(side).clone() as Arc<dyn Writer>);
        let timing = control.map_or_else(Timing::default, Control::timing);
        let mut sim = Sim {
            world,
            clock,
            remotes,
            engine: None,
            writers,
            control,
            setup: script.setup.clone(),
            timing,
            copies: Arc::default(),
            points: Vec::new(),
            notes: Vec::new(),
            judged: true,
        };
        match stores::take() {
            Ok(store) => sim.start(store),
            Err(error) => lock(&sim.world).violate("store", error.to_string()),
        }
        sim
    }

    /// A process starts on a database.
    fn start(&mut self, store: Store) {
        self.start_with(store, false);
    }

    /// As `start`; an undo plans nothing new, so it keeps to what was approved.
    pub fn start_with(&mut self, mut store: Store, undo: bool) {
        if let Some(control) = self.control {
            control.at_start(&mut store);
        }
        let (world, copies) = (self.world.clone(), self.copies.clone());
        store.on_commit(Box::new(move |store, edge| {
            if edge == CommitEdge::After {
                lock(&copies).add(store);
            }
            let mut world = lock(&world);
            if world.looking {
                world.violate("I19", "a commit while looking".to_owned());
            }
            if edge == CommitEdge::After {
                world.cut_stored();
            }
            world.edge(&[On::Commit], edge == CommitEdge::After).crash
        }));
        let (stopped, canaries, policies) = {
            let world = lock(&self.world);
            let policies = policies(&world, &self.setup, self.control);
            (world.told.stopped, world.canaries(), policies)
        };
        let mut engine = Engine {
            readers: Sided::build(|side| self.remotes.get(side).clone() as Arc<dyn Reader>),
            store: Mutex::new(store),
            clock: Arc::new(self.clock.clone()),
            policies,
            key: MarkerKey::new([7; 32]),
            timing: self.timing,
            safety: Safety {
                // A path that is there on every machine.
                stop_file: stopped.then(|| "/".into()),
                canaries,
                ..Safety::default()
            },
            interrupt: None,
            progress: None,
        };
        if undo && let Err(error) = engine.keep_approvals() {
            lock(&self.world).violate("store", error.to_string());
        }
        let engine = Arc::new(engine);
        let mut world = lock(&self.world);
        world.engine = Arc::downgrade(&engine);
        world.looking = false;
        for side in Side::BOTH {
            world.side.get_mut(side).answered = None;
        }
        drop(world);
        self.engine = Some(engine);
    }

    /// The process ends; its database is what is left.
    pub fn stop(&mut self) -> Option<Store> {
        let engine = Arc::try_unwrap(self.engine.take()?).ok()?;
        engine.store.into_inner().ok()
    }

    /// The process ends, and nobody needs its database any more.
    fn discard(&mut self) {
        if let Some(store) = self.stop() {
            stores::give(store);
        }
    }

    pub fn restart(&mut self) {
        if let Some(store) = self.stop() {
            self.start(store);
        }
    }

    fn history(&mut self, steps: &[Step]) {
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Act(act) => lock(&self.world).act(act),
                Step::Wait(ms) => lock(&self.world).tick(*ms),
                Step::Clock(ms) => lock(&self.world).set_clock(*ms),
                Step::Restart => self.restart(),
                Step::Rollback(n) => self.roll_back(*n),
                Step::During(..) => {}
                Step::Command(command) => {
                    let deeds = during(&mut steps);
                    lock(&self.copies).wanted = rolls_back_soon(steps.clone());
                    self.command(command, deeds);
                    let at = lock(&self.world).at.clone();
                    self.points.push(at);
                }
                Step::Cycle(full) => {
                    let deeds = during(&mut steps);
                    lock(&self.copies).wanted = rolls_back_soon(steps.clone());
                    self.cycle(*full, deeds, false);
                    let at = lock(&self.world).at.clone();
                    self.points.push(at);
                }
            }
        }
    }

    fn roll_back(&mut self, n: u32) {
        let Some(mut copy) = lock(&self.copies).back(n as usize) else {
            return;
        };
        if let Some(engine) = &self.engine {
            let rows = engine.store().conflicts(false).unwrap_or_default();
            lock(&self.world).told.put_back.extend(logged(&rows));
        }
        // What is recorded from now on gets the same numbers again.
        let known = copy.conflicts(false).unwrap_or_default();
        let known: BTreeSet<i64> = known.iter().map(|row| row.id).collect();
        let mut world = lock(&self.world);
        world.told.conflicts.retain(|id, _| known.contains(id));
        let given_up = &mut world.told.given_up;
        given_up.retain(|_, (_, id)| known.contains(id));
        world.count("database put back");
        world.say(|| "database put back".to_owned());
        drop(world);
        self.discard();
        if self.control.is_none_or(Control::marks_restored) {
            // The epoch file beside the database gives it away; a database in memory is told.
            if let Err(error) = copy.mark_restored(self.clock.now()) {
                lock(&self.world).violate("store", error.to_string());
            }
        }
        self.start(copy);
        self.note_unsent();
    }

    pub fn cycle(&mut self, full: bool, deeds: Vec<(Point, Deed)>, approve: bool) -> End {
        if self.control == Some(Control::U0) {
            for side in Side::BOTH {
                self.remotes.get(side).replay();
            }
        }
        let Some(engine) = self.engine.clone() else {
            return End::Killed;
        };
        {
            lock(&self.world).begin(deeds);
            let store = engine.store();
            let mut world = lock(&self.world);
            world.open_ledger(&store, approve);
            world.told.run += 1;
            world.say(|| format!("cycle, full: {full}"));
        }
        let consent = |observed: &Observed| {
            let passes = |pair: &&PairPlan| {
                let mut guards = pair.guarded();
                match self.control {
                    Some(Control::YesPassesGuard) => true,
                    Some(Control::PlanAlone) => guards.all(|guard| guard.slow.is_some()),
                    _ => false,
                }
            };
            let pairs = observed.plan().pairs.iter();
            let passed = pairs.filter(|pair| approve || passes(pair));
            Consent {
                first_contact: true,
                hashes: passed.map(PairPlan::hash).collect(),
            }
        };
        let requests = lock(&self.world).requests;
        let end = poll(
            &self.world,
            one(&engine, &self.writers, &self.world, full, consent),
        );
        drop(engine);
        {
            let mut world = lock(&self.world);
            if world.told.stopped && world.requests != requests {
                world.violate("I21", "a write in spite of the stop file".to_owned());
            }
            world.looking = false;
            world.deeds.clear();
            world.say(|| match &end {
                End::Done(report) => format!(
                    "cycle done, {} writes, {} failures",
                    report.writes(),
                    report.failures()
                ),
                other => format!("cycle ended: {other:?}"),
            });
        }
        if matches!(end, End::Killed) {
            self.note_unsent();
            self.restart();
        }
        self.after_cycle(&end);
        end
    }

    pub fn after_cycle(&mut self, end: &End) {
        let Some(engine) = &self.engine else { return };
        let mut store = engine.store();
        if self.control == Some(Control::ArmedChoice) {
            let world = lock(&self.world);
            let choice = world.told.choice.clone();
            let seen = choice.and_then(|choice| rearmed(&store, &world, choice));
            drop(world);
            // The hook takes the world too.
            if let Some(choice) = seen {
                let _ = store.commit(&Batch(vec![Op::Choice(ChoiceOp::Make(choice))]));
            }
        }
        if let Some(control) = self.control {
            // The hook takes the world too, so it may not be held while something is stored.
            let moment = {
                let world = lock(&self.world);
                let pairs = 0..self.setup.pairs as usize;
                Moment {
                    local: self.clock.now(),
                    pairs: pairs.map(|n| world.name(n)).collect(),
                    off: world.told.off.clone(),
                }
            };
            control.after_cycle(&mut store, &moment, &mut self.notes);
        }
        if self.judged {
            lock(&self.world).judge_store(&store, matches!(end, End::Killed));
        }
    }

    fn outcome(mut self) -> Outcome {
        let text = self.fingerprint().map(|(text, _)| text).unwrap_or_default();
        self.discard();
        let mut world = lock(&self.world);
        Outcome {
            violations: std::mem::take(&mut world.violations),
            trace: hash(world.trace, text.as_bytes()),
            counts: std::mem::take(&mut world.counts),
            lines: world.lines.take().unwrap_or_default(),
            points: std::mem::take(&mut self.points),
        }
    }
}

/// Runs a cycle or command to its end, or to where the process is killed.
pub fn poll(world: &Mutex<World>, work: impl Future<Output = Result<Report, CycleError>>) -> End {
    let work = pin!(work);
    match work.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(report)) => End::Done(Box::new(report)),
        Poll::Ready(Err(CycleError::Store(StoreError::Interrupted))) | Poll::Pending => End::Killed,
        Poll::Ready(Err(CycleError::Store(error))) => {
            let what = format!("{error:?}");
            lock(world).violate("store", what.clone());
            End::Failed(what)
        }
        Poll::Ready(Err(error)) => End::Failed(format!("{error:?}")),
    }
}

/// What is to happen during the step before.
fn during<'a>(
    steps: &mut std::iter::Peekable<impl Iterator<Item = &'a Step>>,
) -> Vec<(Point, Deed)> {
    let mut deeds = Vec::new();
    while let Some(Step::During(point, deed)) = steps.peek() {
        deeds.push((*point, deed.clone()));
        steps.next();
    }
    deeds
}

/// Who says yes in a simulated cycle, and tells the judge when nothing may be written.
struct Person<'a, F> {
    world: &'a Mutex<World>,
    consent: F,
}

impl<F: Fn(&Observed) -> Consent> Approver for Person<'_, F> {
    type Error = CycleError;

    fn recovered(&mut self, _: &Recovered) {
        lock(self.world).looking = true;
    }

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        let mut pairs = observed.plan().pairs.iter();
        let dropped = pairs.any(|pair| !pair.dropped.is_empty());
        {
            let mut now = lock(self.world);
            now.looking = false;
            if dropped {
                now.count("choice dropped");
            }
        }
        let consent = (self.consent)(&observed);
        for pair in observed
            .plan()
            .pairs
            .iter()
            .filter(|pair| tells_of_tasks(pair))
        {
            if consent.hashes.contains(&pair.hash()) {
                let passed = &mut lock(self.world).told.ledger.passed;
                passed.insert(numbered(&pair.pair));
            }
        }
        let mut pairs = observed.plan().pairs.iter();
        if pairs
            .any(|pair| pair.guarded().next().is_some() && consent.hashes.contains(&pair.hash()))
        {
            lock(self.world).count("guard passed by approval");
        }
        Ok(Answer::CarryOut(Box::new(observed), consent))
    }
}

pub async fn one(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
    full: bool,
    consent: impl Fn(&Observed) -> Consent,
) -> Result<Report, CycleError> {
    let scope = Scope {
        full,
        ..Scope::default()
    };
    let mut person = Person { world, consent };
    let ended = engine.cycle(writers, &scope, &mut person).await?;
    let report = ended.report.unwrap_or_default();
    tell(&mut lock(world), &report);
    Ok(report)
}

/// The parts of values that conflicts keep.
fn logged(rows: &[Conflict]) -> Vec<(ItemId, FieldKey, String)> {
    let sides = rows.iter().flat_map(|row| {
        let row = &row.record;
        Side::BOTH.map(|side| (row.items.get(side), &row.field, row.now.get(side)))
    });
    let parts = sides.filter_map(|(item, field, value)| {
        let pieces = kind(field)?.pieces(value).into_iter();
        Some(pieces.map(|piece| (item.clone(), field.clone(), piece)))
    });
    parts.flatten().collect()
}

/// Whether the database is put back before two more cycles are over.
fn rolls_back_soon<'a>(steps: impl Iterator<Item = &'a Step>) -> bool {
    let mut cycles = 0;
    for step in steps {
        match step {
            Step::Rollback(_) => return true,
            Step::Cycle(_) if cycles == 2 => return false,
            Step::Cycle(_) => cycles += 1,
            _ => {}
        }
    }
    false
}
