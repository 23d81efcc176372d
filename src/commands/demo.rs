//! `demo`: the real engine against the embedded sandbox, as a story.

use super::cycle::views;
use super::setup::{self, Services};
use super::when::when;
use super::{Context, Failure, print};
use crate::cli::{DemoArgs, ExitCode};
use crate::engine::apply::{Consent, Report};
use crate::engine::cycle::{Answer, Approver};
use crate::engine::observe::Observed;
use crate::engine::{CycleError, Engine, Scope};
use crate::model::{ItemId, Side};
use crate::render;
use crate::sandbox::ado::AdoConfig;
use crate::sandbox::clickup::config::{ClickUpConfig, Quirks};
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::seed;
use crate::sandbox::world::{LIST, PROJECT, World};
use crate::store::StateLock;
use crate::views::conflicts::conflicts;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

const REPRO: &str = "As a guest I enter:";
const TITLE: &str = "Guest can enter an address";
const BOTH: &str = "Validate postcodes";
const BUG: &str = "Country list is empty in Safari";

fn failed(what: impl std::fmt::Display) -> Failure {
    Failure::new(ExitCode::Unexpected, format!("demo: {what}"))
}

/// The example workspace, on a plan whose rate limit does not make a demo wait.
pub(super) fn workspace() -> ClickUpConfig {
    let example = ClickUpConfig::example();
    ClickUpConfig {
        quirks: Quirks {
            rate_limit: 10_000,
            ..Quirks::default()
        },
        ..example
    }
}

/// One open instance, as the program would have it.
struct Instance {
    engine: Engine,
    services: Services,
    _lock: StateLock,
}

impl Instance {
    async fn open(path: &Path) -> Result<Instance, Failure> {
        let config = setup::config(Some(path))?;
        let services = setup::connect(&config, &CancellationToken::new())?;
        let (lock, store, key) = setup::open_state(&config)?;
        let engine = setup::engine(&config, &services, store, key).await?;
        Ok(Instance {
            engine,
            services,
            _lock: lock,
        })
    }

    /// Runs one cycle that nobody says no to.
    async fn cycle<A: Approver<Error = CycleError>>(
        &self,
        approver: &mut A,
    ) -> Result<(Observed, Report), Failure> {
        let (writers, scope) = (&self.services.writers, Scope::default());
        let ended = self.engine.cycle(writers, &scope, approver).await?;
        ended
            .carried_out()
            .ok_or_else(|| failed("a plan was not carried out"))
    }
}

/// Shows a plan that needs no yes before it is carried out.
struct Showing<'a>(&'a Context);

impl Approver for Showing<'_> {
    type Error = CycleError;

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        print(&render::plan(
            observed.plan(),
            &render::Show::default(),
            &self.0.style,
        ));
        Ok(Answer::CarryOut(Box::new(observed), Consent::default()))
    }
}

/// `demo`: the story of the product in a few seconds.
pub async fn demo(context: &Context, args: DemoArgs) -> Result<ExitCode, Failure> {
    let world = World::start_on(SandboxClock::real(), AdoConfig::default(), workspace(), 0)
        .await
        .map_err(|error| failed(format!("cannot bind a port: {error}")))?;
    let folder = std::env::temp_dir().join(format!("boardsync-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let path = world
        .write_config(&folder, &World::example_with_custom())
        .map_err(failed)?;
    let result = story(context, &world, &path).await;
    if args.keep {
        print(&format!("kept: {}\n", folder.display()));
    } else {
        let _ = std::fs::remove_dir_all(&folder);
    }
    result
}

fn chapter(number: usize, title: &str) {
    print(&format!("\n{number}. {title}\n\n"));
}

async fn story(context: &Context, world: &World, path: &Path) -> Result<ExitCode, Failure> {
    board(world)?;
    print(
        "A board in Azure DevOps and a list in ClickUp (both embedded, on loopback). Nothing is linked yet.\n",
    );
    let instance = first_contact(context, path).await?;
    let (story, work_item, bug) = edits_on_both_sides(context, world, &instance).await?;
    conflicts_of(context, &instance)?;
    let (instance, tasks) = kill_and_restart(context, world, path, instance).await?;
    let writes = second_pass(context, &instance).await?;
    let mut lost = missing_words(world, &story, work_item);
    lost.extend(missing_severity(world, bug));
    for what in &lost {
        print(&format!("LOST: {what}\n"));
    }
    print(&format!(
        "\nlost edits: {}, twins: {}, writes of the second pass: {writes}\n",
        lost.len(),
        tasks.saturating_sub(1)
    ));
    Ok(if writes == 0 && tasks == 1 && lost.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::Unexpected
    })
}

/// What both sides have at the start.
fn board(world: &World) -> Result<(), Failure> {
    seed::ado_board(&world.ado, PROJECT).map_err(|refusal| failed(format!("{refusal:?}")))?;
    world
        .clickup
        .create_task(
            LIST,
            &json!({
                "name": "Write the release notes",
                "markdown_content": "For everybody who *reads* them.",
                "status": "to do", "priority": 3, "tags": ["docs"],
            }),
        )
        .map_err(|refused| failed(format!("{refused:?}")))?;
    Ok(())
}

async fn first_contact(context: &Context, path: &Path) -> Result<Instance, Failure> {
    chapter(
        1,
        "The plan: read only, nothing is written until you say yes",
    );
    let instance = Instance::open(path).await?;
    let observed = instance.engine.observe(&Scope::default()).await?;
    print(&render::plan(
        observed.plan(),
        &render::Show::default(),
        &context.style,
    ));

    chapter(2, "Yes: carried out, both ways");
    let mut yes = Consent {
        first_contact: true,
        ..Consent::default()
    };
    let (observed, report) = instance.cycle(&mut yes).await?;
    show(context, &observed, &report);
    Ok(instance)
}

/// Returns the task that both edited, with its work item, and the bug.
async fn edits_on_both_sides(
    context: &Context,
    world: &World,
    instance: &Instance,
) -> Result<(String, i64, i64), Failure> {
    chapter(3, "People edit on both sides");
    let story = task_named(world, TITLE).ok_or_else(|| failed("the story has no task"))?;
    let other = task_named(world, BOTH).ok_or_else(|| failed("the task has no counterpart"))?;
    let (work_item, other_item) = (item_of(instance, &story)?, item_of(instance, &other)?);
    edit_both(world, &story, work_item, &other, other_item)?;
    let bug = task_named(world, BUG).ok_or_else(|| failed("the bug has no task"))?;
    make_critical(world, &bug)?;
    print(
        "In Azure DevOps Ada adds a line to the story's description; in ClickUp Bo rewords its first line.\n",
    );
    print(
        "Both rename the same task, differently. Bo also sets the bug's severity, a custom field, to Critical.\n\n",
    );
    let (observed, report) = instance.cycle(&mut Showing(context)).await?;
    show(context, &observed, &report);
    Ok((story, work_item, item_of(instance, &bug)?))
}

fn conflicts_of(context: &Context, instance: &Instance) -> Result<(), Failure> {
    print("\nThe conflict keeps both values (boardsync conflicts show 1):\n\n");
    let store = instance.engine.store();
    for row in conflicts(&store, |_| true)?.0 {
        print(&render::conflict_show(
            &row,
            "boardsync",
            &context.style,
            &when,
        ));
    }
    Ok(())
}

/// Returns the instance that went on, and how many tasks the killed create made in the end.
async fn kill_and_restart(
    context: &Context,
    world: &World,
    path: &Path,
    instance: Instance,
) -> Result<(Instance, usize), Failure> {
    chapter(4, "Killed between a create and its record");
    let title = "Pay with a voucher";
    world
        .ado
        .create_item(PROJECT, "User Story", &[("System.Title", json!(title))])
        .map_err(|refusal| failed(format!("{refusal:?}")))?;
    kill_in_create(instance).await?;
    // A new process: new store, new clients, the same file.
    let instance = Instance::open_after_kill(path).await?;
    let open = instance.engine.store().open_intents()?.len();
    print(&format!(
        "The process died after ClickUp made \"{title}\" and before that was recorded.\nRestarted: {open} open create in the journal; ClickUp is searched for its marker.\n\n"
    ));
    let (observed, report) = instance.cycle(&mut Consent::default()).await?;
    show(context, &observed, &report);
    let tasks = tasks_named(world, title).len();
    print(&format!(
        "Tasks called \"{title}\" in ClickUp: {tasks} (no twin)\n"
    ));
    Ok((instance, tasks))
}

/// Returns how often the pass wrote.
async fn second_pass(context: &Context, instance: &Instance) -> Result<usize, Failure> {
    chapter(5, "A second pass");
    settle(instance).await?;
    let (observed, report) = instance.cycle(&mut Consent::default()).await?;
    show(context, &observed, &report);
    Ok(report.writes())
}

impl Instance {
    /// Opens the state that a killed process left. Its lock goes with it, a moment later than in a real kill.
    async fn open_after_kill(path: &Path) -> Result<Instance, Failure> {
        Instance::open(path).await
    }
}

/// Runs the cycle that finds what the last one wrote; real use has it a poll later.
async fn settle(instance: &Instance) -> Result<(), Failure> {
    instance.cycle(&mut Consent::default()).await?;
    Ok(())
}

/// Runs a cycle that ends right after the create request, before its result is stored.
async fn kill_in_create(instance: Instance) -> Result<(), Failure> {
    let mut engine = instance.engine;
    let struck = Arc::new(AtomicBool::new(false));
    let hook = struck.clone();
    engine.interrupt = Some(Arc::new(move |point| {
        let now = point == "after-create";
        hook.fetch_or(now, Ordering::SeqCst);
        now
    }));
    let (writers, scope) = (&instance.services.writers, Scope::default());
    let end = engine.cycle(writers, &scope, &mut Consent::default()).await;
    match end {
        Err(CycleError::Interrupted(_)) if struck.load(Ordering::SeqCst) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(failed("nothing was created, so nothing could be killed")),
    }
}

fn edit_both(
    world: &World,
    story: &str,
    work_item: i64,
    other: &str,
    other_item: i64,
) -> Result<(), Failure> {
    let refused = |refusal| failed(format!("{refusal:?}"));
    let item = world
        .ado
        .item(work_item)
        .ok_or_else(|| failed("the story is gone"))?;
    let html = item
        .fields
        .get("System.Description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let longer = format!("{html}<p>Postcodes are checked per country.</p>");
    world
        .ado
        .edit(
            work_item,
            &[("System.Description", json!(longer))],
            "ada@contoso.example",
        )
        .map_err(refused)?;
    world
        .ado
        .edit(
            other_item,
            &[("System.Title", json!("Validate postcodes per country"))],
            "ada@contoso.example",
        )
        .map_err(refused)?;
    let task = world.clickup.task(story).unwrap_or_default();
    let text = task
        .get("markdown_description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let reworded = text.replace(REPRO, "As a guest without an account I enter:");
    let edit = |id: &str, body: Value| {
        world
            .clickup
            .edit(id, &body)
            .map_err(|refused| failed(format!("{refused:?}")))
    };
    edit(story, json!({ "markdown_content": reworded }))?;
    edit(other, json!({ "name": "Check postcodes before paying" }))
}

/// Chooses the first option of the custom field, as its form does.
fn make_critical(world: &World, task: &str) -> Result<(), Failure> {
    let shown = world.clickup.task(task).unwrap_or_default();
    let rows = shown.get("custom_fields").and_then(Value::as_array);
    let mut rows = rows.into_iter().flatten();
    let severity = rows.find(|row| row.get("name").is_some_and(|name| name == "Severity"));
    let id = severity.and_then(|row| row.get("id"));
    let id = id.ok_or_else(|| failed("the bug has no severity"))?;
    let chosen = json!({ "custom_fields": [{ "id": id, "value": 0 }] });
    let edited = world.clickup.edit(task, &chosen);
    edited.map_err(|refused| failed(format!("{refused:?}")))
}

fn missing_severity(world: &World, bug: i64) -> Option<String> {
    let item = world.ado.item(bug);
    let severity = item.and_then(|item| item.fields.get("Microsoft.VSTS.Common.Severity").cloned());
    (severity != Some(json!("1 - Critical")))
        .then(|| format!("the severity in Azure DevOps is {severity:?}"))
}

fn missing_words(world: &World, story: &str, work_item: i64) -> Vec<String> {
    let item = world.ado.item(work_item);
    let html = item
        .and_then(|i| {
            i.fields
                .get("System.Description")
                .and_then(Value::as_str)
                .map(str::to_owned)
        })
        .unwrap_or_default();
    let task = world.clickup.task(story).unwrap_or_default();
    let text = task
        .get("markdown_description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let words = [
        "without an account I enter",
        "Postcodes are checked per country",
    ];
    [("Azure DevOps", html), ("ClickUp", text)]
        .iter()
        .flat_map(|(side, text)| {
            words
                .iter()
                .filter(|w| !text.contains(**w))
                .map(move |w| format!("{w:?} in {side}"))
        })
        .collect()
}

fn tasks_named(world: &World, title: &str) -> Vec<String> {
    let ids = world.clickup.all_ids();
    let named = |id: &String| {
        world
            .clickup
            .task(id)
            .is_some_and(|t| t.get("name").and_then(Value::as_str) == Some(title))
    };
    ids.into_iter().filter(named).collect()
}

fn task_named(world: &World, title: &str) -> Option<String> {
    tasks_named(world, title).into_iter().next()
}

fn item_of(instance: &Instance, task: &str) -> Result<i64, Failure> {
    let store = instance.engine.store();
    let link = store.link_by_item(&"web".into(), Side::ClickUp, &ItemId(task.to_owned()))?;
    link.and_then(|link| link.ado.0.parse().ok())
        .ok_or_else(|| failed("a task has no link"))
}

fn show(context: &Context, observed: &Observed, report: &Report) {
    for view in views(observed, report) {
        print(&render::report(&view, &context.style));
    }
}
