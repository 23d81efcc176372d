//! People's commands of other kinds: a row of `states` is changed, a pair gets another name, a plan that was saved is carried
//! out later, what a run created is removed again, a pair is taken over. Each calls what the program's command calls.
//!
//! And the judge of them: a saved plan writes nothing that it does not hold, and an undo removes only what the engine made
//! and nobody worked on (I21).

use super::guard_law::tells_of_tasks;
use super::kinds::{kind, kinds, use_table};
use super::remote::lock;
use super::run::Sim;
use super::script::{Command, Deleting};
use super::world::{World, numbered};
use boardsync::commands::saved;
use boardsync::connector::{Change, Traces};
use boardsync::engine::apply::{Consent, Report, Stopped};
use boardsync::engine::cycle::{Answer, Approver};
use boardsync::engine::deeds::{SavedPairs, TakeOverError};
use boardsync::engine::observe::Observed;
use boardsync::engine::recover::Recovered;
use boardsync::engine::{CycleError, Engine, Scope, Writers};
use boardsync::model::{FieldKey, FieldValue, ItemId, PairName, Side};
use boardsync::reconcile::plan::{ActionKind, Plan};
use boardsync::store::StoreError;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// What a large enough run must have met of them.
pub const MOVES: [&str; 20] = [
    "tag renamed",
    "marker taken out",
    "states changed",
    "field one way",
    "field both ways again",
    "pair renamed",
    "plan saved",
    "saved plan applied",
    "saved plan refused in part",
    "undo of what was created",
    "created item removed",
    "moved to another pair",
    "place gone",
    "place back",
    "rests beside a place that is gone",
    "pair claimed elsewhere",
    "stopped: claimed elsewhere",
    "stopped by a guard",
    "guard passed by approval",
    "links takeover",
];

impl Sim {
    /// Carries out what only changes the configuration. Returns whether it was that.
    pub(super) fn reconfigure(&mut self, command: &Command) -> bool {
        match command {
            Command::States(n) => {
                let mut world = lock(&self.world);
                world.told.table = use_table(*n as usize);
                world.count("states changed");
            }
            Command::OneWay { field, to } => {
                let mut world = lock(&self.world);
                let both_again = world.told.one_way.remove(field).is_some();
                if !both_again {
                    world.told.one_way.insert(field.clone(), *to);
                    world.told.were_one_way.insert(field.clone());
                }
                world.count(match both_again {
                    true => "field both ways again",
                    false => "field one way",
                });
            }
            Command::Rename { pair } => {
                let mut world = lock(&self.world);
                let at = (*pair % self.setup.pairs) as usize;
                world.told.renamed[at] ^= true;
                world.count("pair renamed");
            }
            _ => return false,
        }
        self.restart();
        true
    }

    /// The pairs get their first names back, and what another installation claimed is taken over.
    pub(super) fn settle_pairs(&mut self) {
        let renamed = std::mem::take(&mut lock(&self.world).told.renamed);
        if renamed.contains(&true) {
            self.restart();
        }
        let lost = lock(&self.world).to_take_over();
        for pair in lost {
            self.command(&Command::Takeover { pair }, Vec::new());
        }
    }
}

/// `apply FILE`: the plan that was saved, as far as it still is the plan.
pub async fn apply_saved(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
) -> Result<(), CycleError> {
    let Some(text) = lock(world).told.saved.clone() else {
        return Ok(());
    };
    let read =
        saved::read::<Plan>(&text).and_then(|plan| Ok((plan, saved::read::<SavedPairs>(&text)?)));
    let (saved, actions) = match read {
        Ok(read) => read,
        Err(error) => {
            lock(world).violate("I21", format!("a saved plan cannot be read: {error}"));
            return Ok(());
        }
    };
    let names: BTreeSet<_> = saved.pairs.iter().map(|pair| pair.pair.clone()).collect();
    if names.iter().any(|name| engine.policy(name).is_none()) {
        lock(world).count("saved plan of a pair with another name");
        return Ok(());
    }
    let scope = Scope {
        full: true,
        only: names,
        patient: false,
    };
    let mut file = SavedPlan {
        world,
        saved,
        actions,
        before: Vec::new(),
        reconfigured: Vec::new(),
    };
    let ended = engine.cycle(writers, &scope, &mut file).await?;
    if file.before != approved(engine, &file.reconfigured)? {
        let what = "a saved plan of another configuration counts as a yes to the present one";
        lock(world).violate("I21", what.to_owned());
    }
    tell(&mut lock(world), &ended.report.unwrap_or_default());
    Ok(())
}

/// Says yes to what a saved plan holds.
struct SavedPlan<'a> {
    world: &'a Mutex<World>,
    saved: Plan,
    actions: SavedPairs,
    /// Pairs whose configuration changed since the plan was saved.
    reconfigured: Vec<PairName>,
    /// Under which configuration somebody said yes to those, before the plan was carried out.
    before: Vec<Option<String>>,
}

impl Approver for SavedPlan<'_> {
    type Error = CycleError;

    fn recovered(&mut self, _: &Recovered) {
        lock(self.world).looking = true;
    }

    async fn answer(
        &mut self,
        engine: &Engine,
        mut observed: Observed,
    ) -> Result<Answer, CycleError> {
        lock(self.world).looking = false;
        let mut consent = Consent {
            first_contact: true,
            hashes: BTreeSet::new(),
        };
        let kept = engine.keep_saved(&self.actions.pairs, &mut observed, &mut consent)?;
        {
            let mut world = lock(self.world);
            world.count("saved plan applied");
            if !kept.edited.is_empty() {
                world.violate(
                    "I21",
                    "a saved plan that nobody changed counts as changed".to_owned(),
                );
            }
            if !kept.moved.is_empty() || !kept.reconfigured.is_empty() {
                world.count("saved plan refused in part");
            }
            let passed = self.saved.pairs.iter().filter(|pair| tells_of_tasks(pair));
            let passed = passed.map(|pair| numbered(&pair.pair));
            world.told.ledger.passed.extend(passed);
            world.told.applying = Some(self.saved.clone());
        }
        self.before = approved(engine, &kept.reconfigured)?;
        self.reconfigured = kept.reconfigured;
        Ok(Answer::CarryOut(Box::new(observed), consent))
    }
}

/// Under which configuration somebody said yes to these pairs.
fn approved(engine: &Engine, pairs: &[PairName]) -> Result<Vec<Option<String>>, StoreError> {
    let store = engine.store();
    let pairs = pairs.iter();
    pairs
        .map(|pair| Ok(store.pair_state(pair)?.fingerprint))
        .collect()
}

/// Counts why pairs stood still.
pub fn tell(world: &mut World, report: &Report) {
    for (_, stopped) in &report.stopped {
        match stopped {
            Stopped::Guard => world.count("stopped by a guard"),
            Stopped::Taken(_) => world.count("stopped: claimed elsewhere"),
            _ => {}
        }
    }
}

/// `links takeover`.
pub async fn take_over(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
    pair: u32,
) -> Result<(), CycleError> {
    let name = {
        let world = lock(world);
        world.name((pair % world.setup.pairs) as usize)
    };
    match engine.take_over(writers, &name).await {
        Ok(_) => {
            lock(world).count("links takeover");
            Ok(())
        }
        Err(TakeOverError::Connector(error)) => Err(error.into()),
        Err(TakeOverError::Store(error)) => Err(error.into()),
        Err(TakeOverError::Restless(_) | TakeOverError::Switch(_)) => Ok(()),
    }
}

impl World {
    /// What people left at an item beside its fields: comments at some of them.
    pub fn traces(&self, side: Side, id: &ItemId) -> Traces {
        let start = super::rng::hash(self.seed ^ 0x7ACE, id.as_str().as_bytes());
        let comments = super::rng::mix(start ^ side as u64).is_multiple_of(5);
        Traces {
            comments: Some(usize::from(comments)),
            files: Some(0),
            children: Some(self.children_that_go(side, id).len()),
        }
    }

    /// I21, while a saved plan is carried out: what is written is what somebody looked at. `id`: of a create, its source.
    pub fn judge_asked(&mut self, side: Side, id: &ItemId, change: Option<&Change>) {
        let Some(saved) = &self.told.applying else {
            return;
        };
        let actions = saved.pairs.iter().flat_map(|pair| &pair.actions);
        let mine = |target: Option<&ItemId>| target == Some(id);
        let actions: Vec<_> = actions
            .filter(|action| action.target == side)
            .filter(|action| match action.kind {
                ActionKind::Create => mine(action.source_item.as_ref()),
                _ => mine(action.target_item.as_ref()),
            })
            .collect();
        let mut wrong = Vec::new();
        if actions.is_empty() {
            wrong.push(format!("{side} {id}"));
        }
        let step = change.is_some_and(|change| self.is_step(side, change));
        for (key, value) in change.into_iter().flat_map(|change| &change.set) {
            let set = kind(key).is_some_and(|kind| kind.is_set());
            let fits =
                |after: &FieldValue| set || after == value || step && *key == FieldKey::State;
            let mut changes = actions.iter().flat_map(|action| &action.changes);
            if !changes.any(|change| change.field == *key && fits(&change.after)) {
                wrong.push(format!("{side} {id}: {key} {value}"));
            }
        }
        for what in wrong {
            self.violate(
                "I21",
                format!("a saved plan writes what it does not hold: {what}"),
            );
        }
    }

    /// I21: an undo removes only what the engine made, and what nobody worked on.
    pub fn judge_undone(&mut self, side: Side, at: usize) {
        self.count("created item removed");
        let record = &self.side.get(side).records[at];
        let id = record.id.clone();
        let mut wrong = Vec::new();
        if record.source.is_none() {
            wrong.push("the engine did not make it".to_owned());
        }
        if self.traces(side, &id).comments != Some(0) {
            wrong.push("somebody commented on it".to_owned());
        }
        for kind in kinds() {
            let Some(value) = record.now().values.get(&kind.key()) else {
                continue;
            };
            for piece in kind.pieces(value) {
                let since = record.authored.get(&(kind.key(), piece.clone()));
                if since.is_some_and(|since| *since < record.read.0) {
                    wrong.push(format!("somebody set {} to \"{piece}\"", kind.key()));
                }
            }
        }
        for what in wrong {
            self.violate(
                "I21",
                format!("{side} {id}: removed by an undo although {what}"),
            );
        }
    }

    /// I11: nothing is written to a side to which the field does not flow. An undo is asked for by its person, and an item
    /// is closed by its state whichever way that flows.
    pub fn judge_direction(&mut self, side: Side, at: usize, change: &Change) {
        if self.told.undoing {
            return;
        }
        let closes = self.setup.on_delete == Deleting::Close;
        let against = |key: &&FieldKey| {
            let asked = closes && **key == FieldKey::State;
            let to = self.told.one_way.get(key).filter(|_| !asked);
            to.is_some_and(|to| *to != side)
        };
        let found: Vec<FieldKey> = change.set.keys().filter(against).cloned().collect();
        let id = self.side.get(side).records[at].id.clone();
        for key in found {
            self.violate("I11", format!("{side} {id}: {key} does not flow there"));
        }
    }

    /// Whether an update is the first of two requests.
    pub fn is_step(&self, side: Side, change: &Change) -> bool {
        let step = self.told.steps.get(&(change.id.clone(), change.expected.0));
        side == Side::Ado && step.is_some() && step == change.set.get(&FieldKey::State)
    }
}
