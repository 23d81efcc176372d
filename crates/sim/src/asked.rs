//! `apply` with a person who is asked: the plan is shown, people go on working while the question stands, and after the yes
//! both sides are read again.
//!
//! And the judge of it (I21, [`World::judge_asked`]): what is written then is what was shown, and nothing of a pair that a
//! guard stopped and that was not let through.

use super::config_moves::tell;
use super::controls::Control;
use super::guard_law::tells_of_tasks;
use super::remote::lock;
use super::script::Act;
use super::world::{World, numbered};
use boardsync::engine::apply::Consent;
use boardsync::engine::cycle::{Answer, Approver};
use boardsync::engine::deeds::Shown;
use boardsync::engine::observe::Observed;
use boardsync::engine::recover::Recovered;
use boardsync::engine::{CycleError, Engine, Scope, Writers};
use boardsync::reconcile::plan::PairPlan;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// What a large enough run must have met of it.
pub const ASKED: [&str; 3] = [
    "plan shown and asked for",
    "left out after a question",
    "guard not let through",
];

/// The question of `apply`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// How long it stands, ms.
    pub ms: i64,
    /// Whether the person lets through what a guard stops.
    pub passes: bool,
    /// What people do meanwhile.
    pub acts: Vec<Act>,
}

/// `apply`, with its question.
pub async fn apply_asked(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
    question: &Question,
    control: Option<Control>,
) -> Result<(), CycleError> {
    let mut person = Person {
        world,
        question,
        shown: None,
        control,
    };
    let ended = engine.cycle(writers, &whole(), &mut person).await?;
    tell(&mut lock(world), &ended.report.unwrap_or_default());
    Ok(())
}

/// Who is asked.
struct Person<'a> {
    world: &'a Mutex<World>,
    question: &'a Question,
    /// What was shown, while both sides are read again.
    shown: Option<Shown>,
    control: Option<Control>,
}

impl Approver for Person<'_> {
    type Error = CycleError;

    fn recovered(&mut self, _: &Recovered) {
        lock(self.world).looking = true;
    }

    async fn answer(&mut self, _: &Engine, mut observed: Observed) -> Result<Answer, CycleError> {
        let mut world = lock(self.world);
        let mut consent = Consent::default();
        if let Some(shown) = self.shown.take() {
            world.looking = false;
            if self.control == Some(Control::YesToAnything) {
                let pairs = observed.plan().pairs.iter();
                consent.hashes = pairs.map(PairPlan::hash).collect();
            } else if !shown.keep(&mut observed, &mut consent).is_empty() {
                world.count("left out after a question");
            }
            return Ok(Answer::CarryOut(Box::new(observed), consent));
        }
        world.count("plan shown and asked for");
        let agreed = |pair: &PairPlan| self.question.passes || pair.guarded().next().is_none();
        let mut plan = observed.into_plan();
        let shown = plan.clone();
        self.shown = Some(Shown::of(shown.pairs, agreed));
        if !plan.pairs.iter().all(agreed) {
            world.count("guard not let through");
        }
        plan.pairs.retain(agreed);
        let passed = plan.pairs.iter().filter(|pair| tells_of_tasks(pair));
        let passed = passed.map(|pair| numbered(&pair.pair));
        world.told.ledger.passed.extend(passed);
        world.told.applying = Some(plan);
        for act in &self.question.acts {
            world.act(act);
        }
        world.tick(self.question.ms);
        Ok(Answer::LookAgain(whole()))
    }
}

/// Everything, as a person is shown it.
fn whole() -> Scope {
    Scope {
        full: true,
        ..Scope::default()
    }
}
