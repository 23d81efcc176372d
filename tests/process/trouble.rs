//! One pair's trouble is its own: what one pair names is gone, and the others go on.

use super::bench::{ADO_TOKEN, Bench, Ran, clickup};
use super::terminal::Terminal;
use boardsync::model::Side;
use boardsync::sandbox::ado::{AdoConfig, ProjectConfig};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::World;
use serde_json::json;

const LISTS: [(&str, &str); 2] = [("Shop", "901100000001"), ("Ferry", "901100000003")];

/// Two pairs in two projects, with one linked item in each, settled.
async fn two() -> (Bench, [i64; 2]) {
    let process = AdoConfig::default().projects[0].process;
    let ado = AdoConfig {
        pat: ADO_TOKEN.to_owned(),
        projects: LISTS
            .map(|(project, _)| ProjectConfig {
                areas: vec!["Deck".to_owned()],
                ..ProjectConfig::new(project, process)
            })
            .to_vec(),
        ..AdoConfig::default()
    };
    let world = World::start_on(SandboxClock::real(), ado, clickup(), 0)
        .await
        .unwrap();
    let pairs = LISTS.map(|(project, list)| {
        format!(
            "[[pair]]\nname = \"{}\"\nado.project = \"{project}\"\nado.area = '{project}\\Deck'\nclickup.list = \"{list}\"\n\
             types = [[\"Task\", \"Task\"]]\n\
             states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Closed\", \"complete\"]]\n",
            project.to_lowercase()
        )
    });
    let bench = Bench::of(world, &pairs.join("\n"));
    let items = LISTS.map(|(project, _)| {
        let title = [
            ("System.Title", json!(format!("From {project}"))),
            ("System.AreaPath", json!(format!("{project}\\Deck"))),
        ];
        bench
            .world
            .ado
            .create_item(project, "Task", &title)
            .unwrap()
    });
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    (bench, items)
}

fn refuse(status: u16, key: &str, message: &str) -> Fault {
    Fault::Status {
        status,
        body: json!({"$id": "1", "innerException": null, "message": message, "typeName": key, "typeKey": key, "errorCode": 0, "eventId": 3200, "ECODE": key, "err": message}).to_string(),
        content_type: "application/json; charset=utf-8".to_owned(),
        headers: Vec::new(),
    }
}

fn fault(bench: &Bench, service: Side, path: &str, fault: &Fault, times: u32) {
    bench.world.faults.add(FaultRule {
        service: service.into(),
        method: None,
        path_contains: path.to_owned(),
        fault: fault.clone(),
        skip: 0,
        times,
    });
}

/// The other pair goes on, the troubled one is named with what to do, and the code says that the configuration is wrong.
async fn stands_alone(
    bench: &Bench,
    [shop, ferry]: [i64; 2],
    says: &str,
    lay: impl Fn(&Bench),
    lift: impl Fn(&Bench),
) {
    lay(bench);
    for (round, args) in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once"],
        &["reconcile", "--once", "--full"],
        &["plan"],
    ]
    .into_iter()
    .enumerate()
    {
        let title = format!("Shop {round}");
        bench.rename(shop, &title);
        bench.rename(ferry, &format!("Ferry {round}"));
        let ran = bench.run(args).await.left_with(78);
        let ran = ran.says("pair \"ferry\" stands still").says(says);
        if args[0] != "plan" {
            let titles = bench.titles();
            assert!(titles.contains(&title), "{args:?}: {titles:?}\n{}", ran.err);
            let still = |title: &String| title.starts_with("From Ferry");
            assert!(titles.iter().any(still), "{args:?}: {titles:?}");
        }
    }
    let status = bench.run(&["status", "--json"]).await.left_with(3).json();
    let pairs = status["pairs"].as_array().unwrap();
    let note = |name: &str| {
        let mut pairs = pairs.iter();
        let pair = pairs.find(|pair| pair["pair"] == name).unwrap();
        pair["note"].as_str().unwrap().to_owned()
    };
    assert_eq!(status["last_cycle"]["outcome"], "stopped", "{status}");
    let detail = status["last_cycle"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("ferry: "), "{detail}");
    assert_eq!(note("shop"), "ok");
    assert!(note("ferry").contains(says), "{}", note("ferry"));
    let shown = bench.run(&["status"]).await;
    shown.says(says);
    // Back in place: what changed meanwhile was passed over by nobody.
    lift(bench);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let titles = bench.titles();
    assert_eq!(titles, ["Ferry 3", "Shop 3"]);
    bench.quiet().await;
    let status = bench.run(&["status"]).await;
    status.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_area_stops_its_own_pair_only() {
    let (bench, items) = two().await;
    let rename = |bench: &Bench, old: &str, new: &str| {
        assert!(bench.world.ado.rename_area("Ferry", old, new));
    };
    let (lay, lift) = (
        |bench: &Bench| rename(bench, "Deck", "Bridge"),
        |bench: &Bench| rename(bench, "Bridge", "Deck"),
    );
    stands_alone(&bench, items, "TF51011", lay, lift).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_project_stops_its_own_pair_only() {
    let (bench, items) = two().await;
    let rename = |bench: &Bench, old: &str, new: &str| {
        assert!(bench.world.ado.rename_project(old, new));
    };
    let (lay, lift) = (
        |bench: &Bench| rename(bench, "Ferry", "Harbour"),
        |bench: &Bench| rename(bench, "Harbour", "Ferry"),
    );
    stands_alone(&bench, items, "TF200016", lay, lift).await;
}

/// The states of a pair without a `states` line are proposed at the start, from a project that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_whose_states_cannot_be_proposed_lets_the_others_start() {
    let (bench, [shop, ferry]) = two().await;
    let kinds = "types = [[\"Task\", \"Task\"]]\n";
    let states = "states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Closed\", \"complete\"]]\n";
    let list = "clickup.list = \"901100000003\"\n";
    bench.replace_config(&format!("{list}{kinds}{states}"), &format!("{list}{kinds}"));
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    assert!(bench.world.ado.rename_project("Ferry", "Harbour"));
    // The states are asked for at the start once what was told of them a day ago is forgotten.
    bench.forget_names();
    bench.rename(shop, "Shop goes on");
    bench.rename(ferry, "Ferry waits");
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(78);
    ran.says("pair \"ferry\" stands still").says("TF200016");
    let titles = bench.titles();
    assert!(titles.contains(&"Shop goes on".to_owned()), "{titles:?}");
    assert!(bench.world.ado.rename_project("Harbour", "Ferry"));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles(), ["Ferry waits", "Shop goes on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_list_stops_its_own_pair_only_and_is_told() {
    let (bench, items) = two().await;
    let archive = |bench: &Bench, archived: bool| {
        assert!(bench.world.clickup.archive_list(LISTS[1].1, archived));
    };
    let (lay, lift) = (
        |bench: &Bench| {
            archive(bench, true);
            bench.forget_names();
        },
        |bench: &Bench| archive(bench, false),
    );
    stands_alone(&bench, items, "is archived", lay, lift).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_not_be_seen_stops_its_own_pair_only() {
    for (status, code) in [(404, "SHARD_006"), (404, "ACCESS_190"), (401, "OAUTH_027")] {
        let (bench, items) = two().await;
        let lay = |bench: &Bench| {
            let gone = refuse(status, code, "List not found");
            fault(bench, Side::ClickUp, "/list/901100000003", &gone, u32::MAX);
            bench.forget_names();
        };
        let lift = |bench: &Bench| bench.world.faults.clear();
        stands_alone(&bench, items, "901100000003 is gone", lay, lift).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_list_stops_its_own_pair_only_and_deletes_nothing() {
    let (bench, [shop, ferry]) = two().await;
    bench.replace_config(
        "name = \"ferry\"",
        "name = \"ferry\"\non_delete = \"delete\"",
    );
    let yes = ["reconcile", "--once", "--yes", "--full"];
    bench.run(&yes).await.left_with(0);
    assert!(bench.world.clickup.delete_list(LISTS[1].1));
    // A full listing looks at the lists whatever is kept of them, and keeps nothing of one that is gone.
    for (round, full) in [true, false, false].into_iter().enumerate() {
        let title = format!("Shop {round}");
        bench.rename(shop, &title);
        let args = ["reconcile", "--once", "--full"];
        let args = if full { &args[..] } else { &args[..2] };
        let ran = bench.run(args).await.left_with(78);
        ran.says("901100000003 is gone");
        assert_eq!(bench.titles(), [title]);
        assert!(bench.world.ado.item(ferry).is_some());
    }
}

/// Between two full listings nobody asks for the lists: it is the listing of all of them that is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_refused_for_one_list_stops_its_own_pair_only() {
    for path in ["901100000003", "list_ids%5B%5D=901100000003"] {
        let (bench, items) = two().await;
        let lay = |bench: &Bench| {
            let gone = refuse(404, "LIST_002", "List deleted or no access");
            fault(bench, Side::ClickUp, path, &gone, u32::MAX);
        };
        let lift = |bench: &Bench| bench.world.faults.clear();
        stands_alone(&bench, items, "901100000003", lay, lift).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_forbidden_stops_its_own_pair_only() {
    let (bench, [shop, ferry]) = two().await;
    let forbidden = refuse(403, "AccessDeniedException", "Access denied");
    fault(&bench, Side::Ado, "/Ferry/", &forbidden, u32::MAX);
    for (round, args) in [
        &["reconcile", "--once", "--full"][..],
        &["reconcile", "--once"],
    ]
    .into_iter()
    .enumerate()
    {
        bench.rename(shop, &format!("Shop {round}"));
        bench.rename(ferry, &format!("Ferry {round}"));
        let ran = bench.run(args).await.left_with(78);
        ran.says("pair \"ferry\" stands still")
            .says("may not read work items of project");
        assert_eq!(
            bench.titles(),
            ["From Ferry".to_owned(), format!("Shop {round}")]
        );
    }
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("may not read work items of project");
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles(), ["Ferry 1", "Shop 1"]);
}

/// A token that may read nothing is a matter of credentials, and not of the pairs.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_forbidden_everything_is_a_matter_of_credentials() {
    let (bench, _) = two().await;
    let forbidden = refuse(403, "AccessDeniedException", "Access denied");
    fault(&bench, Side::Ado, "/_apis/wit/", &forbidden, u32::MAX);
    for args in [&["reconcile", "--once", "--full"][..], &["plan"]] {
        bench.run(args).await.left_with(77);
    }
}

/// Then nobody can tell which list it is about, but that nothing goes on is not to be found out from a calendar.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_refused_for_every_pair_is_told_by_status() {
    let (bench, _) = two().await;
    let gone = refuse(404, "LIST_002", "List deleted or no access");
    fault(&bench, Side::ClickUp, "/team/", &gone, u32::MAX);
    let ran = bench.run(&["reconcile", "--once"]).await;
    assert_ne!(ran.code, 0);
    let status = bench.run(&["status", "--json"]).await.left_with(3).json();
    for pair in status["pairs"].as_array().unwrap() {
        let note = pair["note"].as_str().unwrap();
        assert!(note.contains("LIST_002"), "{note}");
    }
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

/// Commands that need the whole picture say whose part is missing.
#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_pair_that_cannot_be_read() {
    let (bench, _) = two().await;
    let gone = refuse(404, "SHARD_006", "List not found");
    fault(&bench, Side::ClickUp, "/list/901100000003", &gone, u32::MAX);
    let ran: Ran = bench.run(&["verify"]).await.left_with(78);
    ran.says("pair \"ferry\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_access_to_the_workspace_is_a_matter_of_credentials() {
    let (bench, _) = two().await;
    let workspace = clickup().workspace;
    let lay = |bench: &Bench| {
        let refused = refuse(401, "OAUTH_027", "Team not authorized");
        fault(
            bench,
            Side::ClickUp,
            &format!("/team/{workspace}"),
            &refused,
            u32::MAX,
        );
        fault(bench, Side::ClickUp, "/list/", &refused, u32::MAX);
        fault(bench, Side::ClickUp, "/task/", &refused, u32::MAX);
        let none = Fault::Status {
            status: 200,
            body: r#"{"teams":[]}"#.to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        };
        fault(bench, Side::ClickUp, "/api/v2/team", &none, u32::MAX);
    };
    let held = bench.titles();
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
        &["plan"],
        &["check"],
        &["verify"],
    ] {
        bench.world.faults.clear();
        lay(&bench);
        let ran = bench.run(args).await.left_with(77);
        ran.says(&workspace).says("[clickup] workspace");
    }
    bench.world.faults.clear();
    assert_eq!(bench.titles(), held, "nothing counts as deleted");
    bench
        .run(&["reconcile", "--once", "--retry", "--full"])
        .await
        .left_with(0);
    bench.quiet().await;
}

/// The answer is about the pair that is asked for, and what happens to the others is said before anything is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_leaves_its_pair_alone_and_says_first_that_the_others_go_on() {
    let (bench, [shop, ferry]) = two().await;
    // Another mapping of one pair alone.
    bench.replace_config(
        "name = \"ferry\"",
        "name = \"ferry\"\non_delete = \"close\"",
    );
    bench.rename(shop, "Shop goes on");
    bench.rename(ferry, "Ferry waits");
    let mut terminal = Terminal::run(&bench, &["reconcile", "--once"]);
    let shown = terminal.shows("pair \"shop\" had a yes before");
    assert!(
        shown.contains("Shop goes on") && shown.contains("Ferry waits"),
        "{shown}"
    );
    terminal.shows("Carry out the plan of pair \"ferry\"? Type yes to go on: ");
    let written = |title: &str| bench.titles().contains(&title.to_owned());
    assert!(!written("Shop goes on"), "not before the answer");
    terminal.enters("no");
    terminal.shows("pair \"ferry\" is left as it is");
    terminal.ends_with(4);
    assert!(written("Shop goes on") && !written("Ferry waits"));
    let mut terminal = Terminal::run(&bench, &["reconcile", "--once"]);
    terminal.shows("Carry out this plan? Type yes to go on: ");
    terminal.enters("yes");
    terminal.ends_with(0);
    assert!(written("Ferry waits"));
}
