//! People's commands between the cycles: they settle conflicts, take runs back, unlink and link again, look at a plan and
//! approve it later, stop everything for a while, change the configuration. Each runs as a process of its own, by the
//! functions that the program's commands call, with faults, edits and kills in the middle.

use super::asked::apply_asked;
use super::config_moves::{apply_saved, take_over};
use super::controls::Control;
use super::places::every_link;
use super::remote::lock;
use super::run::{End, Sim, one};
use super::script::{Command, Deed, Point, Take};
use super::world::World;
use boardsync::engine::apply::Consent;
use boardsync::engine::deeds::{
    LinkError, Pick, ResolveError, Target, gather, unlink_by_hand, withdraw,
};
use boardsync::engine::{CycleError, Engine, Scope, Writers};
use boardsync::model::{FieldKey, ItemId, LinkId, Side, Sided};
use boardsync::reason::{Cause, HoldWhy, LeftWhy, SettledBy};
use boardsync::store::{Batch, Choice, NewConflict, Op, Store};
use std::sync::Mutex;

/// Every command that a large enough run must have met at least once, and what may come of it.
pub const COMMANDS: [&str; 18] = [
    "resolve ado",
    "resolve clickup",
    "resolve merged",
    "resolve refused",
    "choice dropped",
    "choice withdrawn",
    "undo run",
    "undo item",
    "undo of an undo",
    "undo leaves something",
    "unlink",
    "link again",
    "plan kept",
    "plan approved",
    "stop file",
    "stop file gone",
    "winner changed",
    "field off and on",
];

impl Sim {
    pub(super) fn command(&mut self, command: &Command, deeds: Vec<(Point, Deed)>) {
        // One that only changes a setting passes no edges.
        lock(&self.world).at.clear();
        if self.reconfigure(command) {
            return;
        }
        match command {
            Command::Stop(on) => {
                let mut world = lock(&self.world);
                world.count(if *on { "stop file" } else { "stop file gone" });
                world.told.stopped = *on;
                drop(world);
                return self.restart();
            }
            Command::Winner(side) => {
                self.setup.winner = *side;
                lock(&self.world).count("winner changed");
                return self.restart();
            }
            // The configuration is refused: nothing can be created without a title.
            Command::Field(FieldKey::Title) => return,
            Command::Field(key) => {
                let mut world = lock(&self.world);
                let now = world.now;
                if !world.told.off.remove(key) {
                    world.told.off.insert(key.clone());
                    world.told.off_since.insert(key.clone(), now);
                } else {
                    world.count("field off and on");
                }
                drop(world);
                return self.restart();
            }
            _ => {}
        }
        let undo = matches!(
            command,
            Command::UndoRun { .. } | Command::UndoItem { .. } | Command::UndoCreated { .. }
        );
        if let Some(store) = self.stop() {
            self.start_with(store, undo);
        }
        let Some(engine) = self.engine.clone() else {
            return;
        };
        lock(&self.world).begin(deeds);
        {
            let store = engine.store();
            let mut world = lock(&self.world);
            // What a command writes is what its person looked at.
            world.open_ledger(&store, true);
            world.told.run += 1;
            world.say(|| format!("command {command:?}"));
        }
        let end = self.poll(give(
            &engine,
            &self.writers,
            &self.world,
            command,
            self.control,
        ));
        drop(engine);
        {
            let mut world = lock(&self.world);
            world.looking = false;
            world.told.undoing = false;
            world.told.applying = None;
            world.deeds.clear();
            world.say(|| format!("command ended: {end:?}"));
        }
        if let Some(engine) = &self.engine {
            let mut store = engine.store();
            let ended = dissolved(&store);
            let mut world = lock(&self.world);
            world.told.unlinked.extend(ended);
            if undo {
                world.excuse_conflicts(&store);
            }
            drop(world);
            if undo && self.control == Some(Control::SilentUndo) {
                forget_conflicts(&mut store, |_| true);
            }
            if undo && self.control == Some(Control::UndoHeardOfNothing) {
                let notes = store.transits().unwrap_or_default();
                forget_conflicts(&mut store, |of| {
                    notes.iter().any(|note| {
                        let apart = note.source.as_ref().is_some_and(|source| source.apart);
                        apart && (note.link, &note.field) == (of.link, &of.field)
                    })
                });
            }
        }
        if matches!(end, End::Killed) {
            self.note_unsent();
            if let Some(engine) = &self.engine {
                made_a_choice(&engine.store(), &mut lock(&self.world));
            }
        }
        self.restart();
        self.after_cycle(&end);
    }

    /// All fields are synced again and flow both ways, and nothing is stopped.
    pub(super) fn lift(&mut self) {
        let mut world = lock(&self.world);
        let told = &mut world.told;
        let stood = told.stopped || !told.off.is_empty() || !told.one_way.is_empty();
        told.stopped = false;
        told.off.clear();
        told.one_way.clear();
        drop(world);
        if stood {
            self.restart();
        }
    }
}

/// Somebody settles a conflict. Where the process dies after the commit the choice is made all the same.
fn made_a_choice(store: &Store, world: &mut World) {
    let Some((conflict, waiting)) = world.told.resolving.take() else {
        return;
    };
    let made = store.choices(conflict.record.link).unwrap_or_default();
    let made = made.into_iter().find(|c| c.field == conflict.record.field);
    if made.is_some() && made != waiting {
        world.told.choice = made;
        world.judge_choice(&conflict, waiting.as_ref());
    }
}

/// The links of all pairs that are dissolved.
fn dissolved(store: &Store) -> Vec<LinkId> {
    let links = every_link(store).into_iter();
    let dead = links.filter(|link| !link.state.is_living());
    dead.map(|link| link.id).collect()
}

/// The designs that say nothing of what an undo leaves apart, or of these fields.
fn forget_conflicts(store: &mut Store, forgotten: impl Fn(&NewConflict) -> bool) {
    let open = store.conflicts(true).unwrap_or_default();
    let open = open.iter().filter(|conflict| forgotten(&conflict.record));
    let ops = open.map(|conflict| Op::ResolveConflict {
        id: conflict.id,
        taken: None,
        by: SettledBy::Agreed,
        at: conflict.record.at,
    });
    let _ = store.commit(&Batch(ops.collect()));
}

/// The design that never spends a choice: it stands again on whatever is there.
pub fn rearmed(store: &Store, world: &World, mut choice: Choice) -> Option<Choice> {
    let link = store.link(choice.link).ok()??;
    if !link.state.is_living() {
        return None;
    }
    for side in Side::BOTH {
        let service = world.side.get(side);
        let at = service.find(link.item(side))?;
        let now = service.records[at].now().values.get(&choice.field)?;
        *choice.seen.get_mut(side) = now.clone();
    }
    Some(choice)
}

/// Carries a command out, as the program does.
async fn give(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
    command: &Command,
    control: Option<Control>,
) -> Result<(), CycleError> {
    match command {
        Command::Resolve { n, take } => resolve(engine, world, *n, take).await,
        Command::Withdraw { n } => take_choice_back(engine, world, *n),
        Command::UndoRun { back } | Command::UndoCreated { back } => {
            let created = matches!(command, Command::UndoCreated { .. });
            engine.recover().await?;
            let runs = engine.store().recent_runs(20)?;
            let Some(run) = (*back as usize).checked_rem(runs.len()).map(|at| &runs[at]) else {
                return Ok(());
            };
            let again = run.cause.as_ref().is_some_and(Cause::is_undo);
            lock(world).count(match (created, again) {
                (true, _) => "undo of what was created",
                (false, true) => "undo of an undo",
                (false, false) => "undo run",
            });
            let target = Target::Run(run.id.clone());
            undo(engine, writers, world, &target, created).await
        }
        Command::UndoItem { side, item } => {
            engine.recover().await?;
            let Some(id) = named(world, *side, *item) else {
                return Ok(());
            };
            lock(world).count("undo item");
            undo(engine, writers, world, &Target::Item(id), false).await
        }
        Command::Unlink { side, item } => {
            let Some(id) = named(world, *side, *item) else {
                return Ok(());
            };
            let now = engine.clock.now();
            let ended = unlink_by_hand(&mut engine.store(), &id, now)?;
            if !ended.is_empty() {
                lock(world).count("unlink");
            }
            Ok(())
        }
        Command::Relink { n } => relink(engine, world, *n).await,
        Command::Plan => {
            lock(world).looking = true;
            let observed = engine.observe(&Scope::default()).await?;
            let mut world = lock(world);
            world.looking = false;
            world.told.plan = observed
                .plan()
                .pairs
                .iter()
                .map(|pair| pair.hash())
                .collect();
            world.told.saved = serde_json::to_string(observed.plan()).ok();
            world.count("plan kept");
            world.count("plan saved");
            Ok(())
        }
        Command::Approve => {
            let consent = Consent {
                first_contact: false,
                hashes: lock(world).told.plan.clone(),
            };
            lock(world).count("plan approved");
            one(engine, writers, world, false, |_| consent.clone())
                .await
                .map(|_| ())
        }
        Command::Asked(question) => apply_asked(engine, writers, world, question, control).await,
        Command::ApplySaved => apply_saved(engine, writers, world).await,
        Command::Takeover { pair } => take_over(engine, writers, world, *pair).await,
        Command::Stop(_)
        | Command::Winner(_)
        | Command::Field(_)
        | Command::OneWay { .. }
        | Command::States(_)
        | Command::Rename { .. } => Ok(()),
    }
}

fn named(world: &Mutex<World>, side: Side, item: u32) -> Option<ItemId> {
    let world = lock(world);
    let records = &world.side.get(side).records;
    let at = (item as usize).checked_rem(records.len())?;
    Some(records[at].id.clone())
}

async fn resolve(
    engine: &Engine,
    world: &Mutex<World>,
    n: u32,
    take: &Take,
) -> Result<(), CycleError> {
    // Every other time one that waits, if there is one; else any that ever was.
    let open = engine.store().conflicts(n.is_multiple_of(2))?;
    let all = match open.is_empty() {
        true => engine.store().conflicts(false)?,
        false => open,
    };
    let Some(conflict) = (n as usize / 2).checked_rem(all.len()).map(|at| &all[at]) else {
        return Ok(());
    };
    let text = conflict.record.field.kind().typed("").is_some();
    let (pick, word) = match take {
        Take::Ado => (Pick::Side(Side::Ado), "resolve ado"),
        Take::ClickUp => (Pick::Side(Side::ClickUp), "resolve clickup"),
        Take::Merged(n) if text => (Pick::Merged(format!("w{n}m")), "resolve merged"),
        Take::Merged(_) => (Pick::Side(Side::ClickUp), "resolve clickup"),
    };
    let waiting = engine.store().choices(conflict.record.link)?;
    let waiting = waiting
        .into_iter()
        .find(|c| c.field == conflict.record.field);
    lock(world).told.resolving = Some((conflict.clone(), waiting));
    let ended = engine.resolve(conflict.id, pick).await;
    if ended.is_ok() {
        lock(world).count(word);
        made_a_choice(&engine.store(), &mut lock(world));
    }
    match ended {
        Ok(_) => Ok(()),
        Err(ResolveError::Connector(error)) => Err(error.into()),
        Err(ResolveError::Store(error)) => Err(error.into()),
        Err(refused) => {
            let mut world = lock(world);
            world.told.resolving = None;
            world.count("resolve refused");
            world.say(|| refused.to_string());
            Ok(())
        }
    }
}

fn take_choice_back(engine: &Engine, world: &Mutex<World>, n: u32) -> Result<(), CycleError> {
    let mut store = engine.store();
    let mut waiting = Vec::new();
    for link in every_link(&store) {
        waiting.extend(store.choices(link.id)?);
    }
    let Some(choice) = (n as usize)
        .checked_rem(waiting.len())
        .map(|at| &waiting[at])
    else {
        return Ok(());
    };
    match withdraw(&mut store, choice.conflict) {
        Ok(_) => {
            let mut world = lock(world);
            world.count("choice withdrawn");
            // Nobody stands behind it any more.
            world.told.choice = None;
            Ok(())
        }
        Err(ResolveError::Store(error)) => Err(error.into()),
        Err(refused) => {
            lock(world).say(|| refused.to_string());
            Ok(())
        }
    }
}

async fn undo(
    engine: &Engine,
    writers: &Writers,
    world: &Mutex<World>,
    target: &Target,
    created: bool,
) -> Result<(), CycleError> {
    let (links, _) = gather(&engine.store(), target)?;
    let (observed, left) = engine.plan_undo(links, target, created).await?;
    let reasons = left.values().flatten();
    let created = |why: &HoldWhy| matches!(why, HoldWhy::Left(LeftWhy::MadeByRun { .. }));
    if reasons.into_iter().any(|hold| !created(&hold.why)) {
        lock(world).count("undo leaves something");
    }
    lock(world).told.undoing = true;
    engine.carry_out_undo(writers, &observed, target).await?;
    Ok(())
}

/// Two items that a command had unlinked are linked again.
async fn relink(engine: &Engine, world: &Mutex<World>, n: u32) -> Result<(), CycleError> {
    let told = lock(world).told.unlinked.clone();
    let links = {
        let store = engine.store();
        let all = every_link(&store).into_iter();
        all.filter(|link| told.contains(&link.id))
            .collect::<Vec<_>>()
    };
    let Some(link) = (n as usize).checked_rem(links.len()).map(|at| &links[at]) else {
        return Ok(());
    };
    let ids = Sided::build(|side| link.item(side).clone());
    match engine.link_by_hand(&link.pair, &ids).await {
        Ok(true) => {
            let mut world = lock(world);
            world.count("link again");
            // Filling gaps is asked for by the person who links.
            for side in Side::BOTH {
                let Some(at) = world.side.get(side).find(ids.get(side)) else {
                    continue;
                };
                let record = &mut world.side.get_mut(side).records[at];
                for kind in super::kinds::kinds() {
                    *record.writes.people.entry(kind.key()).or_default() += 1;
                }
            }
            Ok(())
        }
        Ok(false)
        | Err(
            LinkError::NoPair(_)
            | LinkError::NoItem { .. }
            | LinkError::Taken { .. }
            | LinkError::Unmapped { .. },
        ) => Ok(()),
        Err(LinkError::Connector(error)) => Err(error.into()),
        Err(LinkError::Store(error)) => Err(error.into()),
    }
}

impl Sim {
    fn poll(&self, command: impl Future<Output = Result<(), CycleError>>) -> End {
        super::run::poll(&self.world, async {
            command.await.map(|()| Default::default())
        })
    }
}
