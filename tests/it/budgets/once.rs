//! What `reconcile --once` costs, run again and again from cron: each run is a new process that knows only what is kept.

use super::{Bench, LIST, pair, show, writes};
use crate::common::instance::Instance;
use boardsync::commands::rules;
use boardsync::commands::setup::Services;
use boardsync::config::Config;
use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::cycle::{Answer, Approver};
use boardsync::engine::observe::Observed;
use boardsync::engine::{CycleError, Engine, Scope};
use boardsync::model::Side;
use boardsync::sandbox::ledger::LedgerEntry;
use serde_json::json;

/// Most requests of a run with nothing to do.
const IDLE: usize = super::IDLE;
/// Most requests of a run that carries one edit from Azure DevOps to ClickUp.
const ADO_EDIT: usize = 5;
/// The same from ClickUp to Azure DevOps.
const CLICKUP_EDIT: usize = 6;

/// One run of `reconcile --once`: a process of its own, from its first request to its last.
pub async fn once(bench: &Bench) -> (Vec<LedgerEntry>, Report) {
    // No two polls fall into one second.
    bench.world.clock.advance(2_000);
    bench.world.ledger.clear();
    let mut instance = Instance::once(&bench.path).await;
    let (config, services) = (&instance.config, &instance.services);
    let (engine, scope) = (&mut instance.engine, Scope::default());
    let mut once = Once {
        names: Some((config, services)),
        outdated: false,
    };
    let writers = &services.writers;
    let mut ended = engine.cycle(writers, &scope, &mut once).await.unwrap();
    if once.outdated {
        let renewed = rules::renew(config, &services.sources, engine).await;
        renewed.unwrap_or_else(|failure| panic!("{}", failure.message));
        ended = engine.cycle(writers, &scope, &mut once).await.unwrap();
    }
    (bench.world.ledger.entries(), ended.report.unwrap())
}

/// What the command says to a plan, as far as it does without a terminal.
struct Once<'a> {
    names: Option<(&'a Config, &'a Services)>,
    outdated: bool,
}

impl Approver for Once<'_> {
    type Error = CycleError;

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        let names = self.names.take();
        self.outdated =
            names.is_some_and(|(config, services)| rules::outdated(config, &services.sources));
        let yes = Consent {
            first_contact: true,
            ..Consent::default()
        };
        Ok(match self.outdated {
            true => Answer::Leave(Box::new(observed)),
            false => Answer::CarryOut(Box::new(observed), yes),
        })
    }
}

/// Who is who. Nia New is in no workspace at the start.
const PEOPLE: &str = "people = [[\"ada@contoso.example\", \"ada@example.com\"], [\"grace@contoso.example\", \"nia@example.com\"]]\n";

/// A board that was carried over, and the time since then that ends every look back.
pub async fn carried_over(pairs: &str) -> (Bench, i64, String) {
    let bench = Bench::new(&format!("{}\n{PEOPLE}", pairs.trim_end())).await;
    let item = bench.work_items("Web", "Web", 5)[2];
    bench.ado(item, "System.AssignedTo", json!("ada@contoso.example"));
    let (_, report) = once(&bench).await;
    assert_eq!((report.failures(), report.writes()), (0, 5));
    once(&bench).await;
    bench.world.clock.advance(20 * 60_000);
    once(&bench).await;
    let instance = Instance::once(&bench.path).await;
    let task = instance.counterpart("web", Side::Ado, &item.to_string());
    (bench, item, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_its_own_asks_for_nothing_that_is_known() {
    let plain = pair("web", "Web", LIST);
    // Without a table of states it is proposed from both vocabularies.
    let rows = plain.find("states = ").unwrap();
    let mut over = Vec::new();
    for pairs in [plain.clone(), plain[..rows].to_owned()] {
        let (bench, item, task) = carried_over(&pairs).await;
        let (idle, _) = once(&bench).await;
        assert_eq!(writes(&idle), 0, "{}", show(&idle));

        let title = json!("Renamed in Azure DevOps");
        bench.ado(item, "System.Title", title.clone());
        let (ado, _) = once(&bench).await;
        assert_eq!(bench.world.clickup.task(&task).unwrap()["name"], title);
        once(&bench).await;

        let edit = json!({"name": "Renamed in ClickUp", "status": "in progress"});
        bench.world.clickup.edit(&task, &edit).unwrap();
        let (clickup, _) = once(&bench).await;
        let shown = bench.world.ado.item(item).unwrap().fields;
        assert_eq!(shown["System.Title"], edit["name"]);
        assert_eq!(shown["System.State"], "Active");
        let (after, _) = once(&bench).await;
        assert_eq!(writes(&after), 0, "{}", show(&after));

        for (what, sent, most) in [
            ("idle", idle, IDLE),
            ("an ADO edit", ado, ADO_EDIT),
            ("a ClickUp edit", clickup, CLICKUP_EDIT),
        ] {
            println!("{what}: {}", show(&sent));
            if sent.len() > most {
                over.push(format!("{what}, at most {most}: {}", show(&sent)));
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
