//! Both fakes with one instance of the product between them.

use crate::sync_rules::instance::Instance;
use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::cycle::{Answer, Approver, Ended};
use boardsync::engine::observe::Observed;
use boardsync::engine::{CycleError, Engine, Scope};
use boardsync::model::{ItemId, Service, Side};
use boardsync::sandbox::ado::{AdoConfig, Snapshot};
use boardsync::sandbox::clickup::ClickUpConfig;
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::{LIST, PROJECT, World};
use boardsync::store::{Conflict, HoldRow, LinkState};
use serde_json::{Value, json};
use std::path::PathBuf;

pub const ADA: &str = "ada@contoso.example";
/// Whom the token belongs to.
pub const ROBOT: &str = "robot@contoso.example";
pub const TITLE: &str = "System.Title";
pub const TEXT: &str = "System.Description";
pub const STATE: &str = "System.State";
pub const TAGS: &str = "System.Tags";
pub const PERSON: &str = "System.AssignedTo";

pub struct Bench {
    pub world: World,
    pub path: PathBuf,
    pub folder: tempfile::TempDir,
    pub instance: Option<Instance>,
}

/// Starts both fakes with the example pair and more lines for it.
pub async fn bench(more: &str) -> Bench {
    bench_of(&format!("{}{more}\n", World::example_pair())).await
}

pub async fn bench_of(pair: &str) -> Bench {
    let mut clickup = ClickUpConfig::example();
    clickup.quirks.rate_limit = 100_000;
    bench_in(AdoConfig::default(), clickup, pair).await
}

/// Starts these services with this configuration.
pub async fn bench_in(ado: AdoConfig, clickup: ClickUpConfig, pair: &str) -> Bench {
    let world = World::start_on(SandboxClock::real(), ado, clickup, 0)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = world.write_config(folder.path(), pair).unwrap();
    let mut bench = Bench {
        world,
        path,
        folder,
        instance: None,
    };
    bench.open().await;
    bench
}

impl Bench {
    /// Starts the product, as a new process would.
    pub async fn open(&mut self) {
        // The lock must be free before it is taken again.
        self.instance = None;
        let mut instance = Instance::open(&self.path).await;
        instance.engine.timing.gone_ms = 0;
        self.instance = Some(instance);
    }

    /// Settles the open conflict by the program.
    pub async fn take(&mut self, side: &str) {
        let id = self.engine().store().conflicts(true).unwrap()[0].id;
        let id = id.to_string();
        let (code, said) = self
            .command(&["conflicts", "resolve", &id, "--take", side])
            .await;
        assert_eq!(code, 0, "{said}");
    }

    /// Runs the program while the product is down, and starts that again. Returns the exit code and what was said.
    pub async fn command(&mut self, args: &[&str]) -> (i32, String) {
        self.instance = None;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_boardsync"));
        command.arg("--config").arg(&self.path).args(args);
        // The fakes live on this thread and must answer meanwhile.
        let done = tokio::task::spawn_blocking(move || command.output());
        let done = done.await.unwrap().unwrap();
        self.open().await;
        let said = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        // Lines may break anywhere.
        let said = said.concat();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        (done.status.code().unwrap_or(-1), said)
    }

    pub fn engine(&self) -> &Engine {
        &self.instance.as_ref().unwrap().engine
    }

    pub fn holds(&self) -> Vec<HoldRow> {
        self.engine().store().holds(None).unwrap()
    }

    pub fn open_conflicts(&self) -> usize {
        self.engine().store().conflicts(true).unwrap().len()
    }

    pub async fn run(&self, full: bool) -> (Observed, Report) {
        let ended = self.try_run(full).await.unwrap();
        ended.carried_out().unwrap()
    }

    /// A cycle that may be killed on its way.
    pub async fn try_run(&self, full: bool) -> Result<Ended, CycleError> {
        let instance = self.instance.as_ref().unwrap();
        let scope = Scope {
            full,
            ..Scope::default()
        };
        let writers = &instance.services.writers;
        let engine = &instance.engine;
        engine.cycle(writers, &scope, &mut Everything).await
    }

    /// Carries out what was observed, with every approval.
    pub async fn apply(&self, observed: &Observed) -> Report {
        self.try_apply(observed).await.unwrap()
    }

    pub async fn try_apply(&self, observed: &Observed) -> Result<Report, CycleError> {
        let instance = self.instance.as_ref().unwrap();
        let writers = &instance.services.writers;
        let consent = everything(observed);
        instance.engine.apply(writers, observed, &consent).await
    }

    /// What `links takeover` does.
    pub async fn take_over(&self) {
        let instance = self.instance.as_ref().unwrap();
        let pair = instance.engine.policies[0].pair.clone();
        let writers = &instance.services.writers;
        instance.engine.take_over(writers, &pair).await.unwrap();
    }

    /// Carries out what was observed, as far as this goes.
    pub async fn apply_with(&self, observed: &Observed, consent: &Consent) -> Report {
        let instance = self.instance.as_ref().unwrap();
        let writers = &instance.services.writers;
        let report = instance.engine.apply(writers, observed, consent).await;
        report.unwrap()
    }

    pub async fn cycle(&self) -> (Observed, Report) {
        self.run(false).await
    }

    pub async fn sweep(&self) -> (Observed, Report) {
        self.run(true).await
    }

    /// The echo test: no cycle from here on may write, neither by deltas nor in full.
    pub async fn quiet(&self) {
        self.world.ledger.clear();
        for full in [false, false, true] {
            let (observed, _) = self.run(full).await;
            let writes = self.world.ledger.writes();
            assert!(
                writes.is_empty(),
                "full {full}: {writes:#?}\n{:#?}",
                observed.plan().pairs[0].actions
            );
        }
    }

    /// A work item with its task, settled.
    pub async fn linked(&self, kind: &str, fields: &[(&str, Value)]) -> (i64, String) {
        let id = self.create(kind, fields);
        self.cycle().await;
        self.quiet().await;
        (id, self.task_of(id).expect("it has a task"))
    }

    pub fn create(&self, kind: &str, fields: &[(&str, Value)]) -> i64 {
        let mut all = vec![(TITLE, json!("Item"))];
        all.retain(|(key, _)| !fields.iter().any(|(other, _)| other == key));
        all.extend(fields.iter().cloned());
        self.world.ado.create_item(PROJECT, kind, &all).unwrap()
    }

    pub fn create_task(&self, body: &Value) -> String {
        self.world.clickup.create_task(LIST, body).unwrap()
    }

    pub fn task_of(&self, id: i64) -> Option<String> {
        let link =
            self.engine()
                .store()
                .link_by_item(&"web".into(), Side::Ado, &ItemId(id.to_string()));
        link.unwrap().map(|link| link.clickup.0)
    }

    pub fn item_of(&self, task: &str) -> i64 {
        let link = self.engine().store().link_by_item(
            &"web".into(),
            Side::ClickUp,
            &ItemId(task.to_owned()),
        );
        link.unwrap()
            .expect("it has a work item")
            .ado
            .0
            .parse()
            .unwrap()
    }

    pub fn link_state(&self, id: i64) -> LinkState {
        let store = self.engine().store();
        let rows = store.find_item(&ItemId(id.to_string())).unwrap();
        rows.first().expect("there was a link").state.clone()
    }

    pub fn ado(&self, id: i64, field: &str, value: Value) {
        self.world.ado.edit(id, &[(field, value)], ADA).unwrap();
    }

    /// The next answer that shows work items comes from a replica that lags: it holds this one as it was.
    pub fn stale_once(&self, old: &Snapshot) {
        let item = json!({"id": old.id, "rev": old.rev, "fields": old.fields});
        self.world.faults.add(FaultRule {
            service: Service::Ado,
            method: Some("POST".to_owned()),
            path_contains: "workitemsbatch".to_owned(),
            fault: Fault::Status {
                status: 200,
                body: json!({"count": 1, "value": [item]}).to_string(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
            skip: 0,
            times: 1,
        });
    }

    pub fn clickup(&self, task: &str, body: Value) {
        self.world.clickup.edit(task, &body).unwrap();
    }

    pub fn field(&self, id: i64, field: &str) -> Value {
        let item = self.world.ado.item(id).expect("it lives");
        item.fields.get(field).cloned().unwrap_or(Value::Null)
    }

    pub fn string(&self, id: i64, field: &str) -> String {
        self.field(id, field)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn task(&self, task: &str) -> Value {
        self.world.clickup.task(task).expect("it lives")
    }

    pub fn text(&self, task: &str) -> String {
        let shown = self.task(task);
        shown["markdown_description"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn status(&self, task: &str) -> String {
        self.task(task)["status"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn tags(&self, task: &str) -> Vec<String> {
        let shown = self.task(task);
        let mut names: Vec<String> = shown["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    pub fn people(&self, task: &str) -> Vec<i64> {
        let shown = self.task(task);
        let people = shown["assignees"].as_array().unwrap();
        people.iter().map(|p| p["id"].as_i64().unwrap()).collect()
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        self.engine().store().conflicts(false).unwrap()
    }

    pub fn counts(&self) -> (usize, usize) {
        (
            self.world.ado.all_ids().len(),
            self.world.clickup.all_ids().len(),
        )
    }
}

/// Says yes to whatever is planned, guards included.
pub struct Everything;

impl Approver for Everything {
    type Error = CycleError;

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        let consent = everything(&observed);
        Ok(Answer::CarryOut(Box::new(observed), consent))
    }
}

fn everything(observed: &Observed) -> Consent {
    Consent {
        first_contact: true,
        hashes: observed
            .plan()
            .pairs
            .iter()
            .map(|pair| pair.hash())
            .collect(),
    }
}
