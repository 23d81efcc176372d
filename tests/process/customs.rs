//! Custom fields: what their kinds are, both ways, and what stands still or is held.

use super::bench::{Bench, clickup};
use boardsync::sandbox::ado::{AdoConfig, FieldDef, Kind};
use boardsync::sandbox::clickup::config::{LongTexts, SandboxField};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::{LIST, PROJECT, World};
use serde_json::{Value, json};

mod barred;
mod entries;
mod lacking;
mod learning;
mod left_out;
mod long_text;
mod several;
mod told;

/// A field of each kind: name, type in ClickUp, reference name and type in Azure DevOps.
const KINDS: [(&str, &str, &str, Kind); 6] = [
    ("Size", "number", "Custom.Size", Kind::Double),
    ("Count", "number", "Custom.Count", Kind::Integer),
    ("Note", "short_text", "Custom.Note", Kind::String),
    ("Blocked", "checkbox", "Custom.Blocked", Kind::Boolean),
    ("Launch", "date", "Custom.Launch", Kind::DateTime),
    ("Link", "url", "Custom.Link", Kind::String),
];
const SEVERITY: &str = "Microsoft.VSTS.Common.Severity";

fn id_of(name: &str) -> String {
    let known = KINDS.iter().position(|(own, ..)| *own == name);
    match known {
        Some(n) => format!("0f7c1c5e-5d0e-4e58-9d3f-1000000000{n:02}"),
        // As the example workspace has it.
        None => "0f7c1c5e-5d0e-4e58-9d3f-000000000003".to_owned(),
    }
}

fn rows() -> String {
    let rows = KINDS
        .iter()
        .map(|(name, _, ado, _)| {
            format!("[[pair.field]]\nclickup = \"custom:{name}\"\nado = \"{ado}\"\n\n")
        })
        .collect::<String>();
    format!(
        "{rows}[[pair.field]]\nclickup = \"custom:Severity\"\nado = \"{SEVERITY}\"\n\
         values = [[\"1 - Critical\", \"Critical\"], [\"2 - High\", \"Critical\"], [\"3 - Medium\", \"Minor\"], [\"4 - Low\", \"Minor\"]]\n"
    )
}

/// A world with a field of every kind in both services and no item.
async fn with_fields(rows: &str) -> Bench {
    let ado = AdoConfig {
        pat: super::bench::ADO_TOKEN.to_owned(),
        ..AdoConfig::default()
    };
    let world = World::start_on(SandboxClock::real(), ado, clickup(), 0)
        .await
        .unwrap();
    for (name, _, reference, kind) in KINDS {
        world.ado.add_field(FieldDef {
            reference: reference.to_owned(),
            name: format!("{name} (ours)"),
            kind,
            server_only: false,
        });
    }
    world.clickup.custom_fields(|fields| {
        fields.extend(KINDS.map(|(name, kind, ..)| SandboxField::new(&id_of(name), name, kind)));
    });
    Bench::of(world, &format!("{}\n{rows}", World::example_pair()))
}

/// Makes a bug with these fields.
fn bug(bench: &Bench, title: &str, fields: &[(&str, Value)]) -> i64 {
    let mut all = vec![("System.Title", json!(title))];
    all.extend(fields.iter().cloned());
    bench.world.ado.create_item(PROJECT, "Bug", &all).unwrap()
}

fn edit(bench: &Bench, id: i64, fields: &[(&str, Value)]) {
    let edited = bench.world.ado.edit(id, fields, "ada@contoso.example");
    edited.unwrap();
}

fn field(bench: &Bench, id: i64, name: &str) -> Value {
    let item = bench.world.ado.item(id).unwrap();
    item.fields.get(name).cloned().unwrap_or_default()
}

fn number(bench: &Bench, id: i64, name: &str) -> Option<f64> {
    field(bench, id, name).as_f64()
}

/// What a task shows of a custom field; null: nothing.
fn value(bench: &Bench, task: &str, name: &str) -> Value {
    let task = bench.world.clickup.task(task).unwrap();
    let rows = task["custom_fields"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap();
    row["value"].clone()
}

fn set(bench: &Bench, task: &str, name: &str, value: Value) {
    let edit = json!({"custom_fields": [{"id": id_of(name), "value": value}]});
    bench.world.clickup.edit(task, &edit).unwrap();
}

async fn first_yes(bench: &Bench) {
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_custom_kind() {
    let bench = with_fields(&rows()).await;
    bench.run(&["check"]).await.left_with(0);
    let there = bug(
        &bench,
        "From ADO",
        &[
            ("Custom.Size", json!(2.125)),
            ("Custom.Count", json!(7)),
            ("Custom.Note", json!("one two")),
            ("Custom.Blocked", json!(true)),
            ("Custom.Launch", json!("2026-05-11T00:00:00Z")),
            ("Custom.Link", json!("https://example.com/a")),
            (SEVERITY, json!("1 - Critical")),
        ],
    );
    let body = json!({"name": "From ClickUp", "custom_item_id": 1300, "custom_fields": [
        {"id": id_of("Size"), "value": 0.5}, {"id": id_of("Count"), "value": 3},
        {"id": id_of("Note"), "value": "three"}, {"id": id_of("Blocked"), "value": true},
        {"id": id_of("Launch"), "value": 1_778_500_800_000_i64},
        {"id": id_of("Link"), "value": "https://example.com/b"}, {"id": id_of("Severity"), "value": 1}]});
    let here = bench.world.clickup.create_task(LIST, &body).unwrap();
    first_yes(&bench).await;

    let task = bench.task_named("From ADO");
    assert_eq!(value(&bench, &task, "Size"), "2.125");
    assert_eq!(value(&bench, &task, "Count"), "7");
    assert_eq!(value(&bench, &task, "Note"), "one two");
    assert_eq!(value(&bench, &task, "Blocked"), "true");
    assert_eq!(value(&bench, &task, "Launch"), "1778500800000");
    assert_eq!(value(&bench, &task, "Link"), "https://example.com/a");
    assert_eq!(value(&bench, &task, "Severity"), 0);

    let made = there + 1;
    assert_eq!(field(&bench, made, "System.Title"), "From ClickUp");
    assert_eq!(field(&bench, made, "Custom.Size"), 0.5);
    assert_eq!(field(&bench, made, "Custom.Count"), 3);
    assert_eq!(field(&bench, made, "Custom.Note"), "three");
    assert_eq!(field(&bench, made, "Custom.Blocked"), true);
    assert_eq!(field(&bench, made, "Custom.Launch"), "2026-05-11T00:00:00Z");
    assert_eq!(field(&bench, made, "Custom.Link"), "https://example.com/b");
    assert_eq!(field(&bench, made, SEVERITY), "3 - Medium");
    bench.quiet().await;

    edit(
        &bench,
        made,
        &[
            ("Custom.Size", json!(1.25)),
            ("Custom.Count", json!(null)),
            ("Custom.Note", json!("")),
            ("Custom.Blocked", json!(false)),
            ("Custom.Launch", json!("2026-06-01T00:00:00Z")),
            (SEVERITY, json!("1 - Critical")),
        ],
    );
    for (name, new) in [
        ("Size", Value::Null),
        ("Count", json!(8)),
        ("Note", json!("edited")),
        ("Blocked", json!(false)),
        ("Launch", Value::Null),
        ("Severity", json!(1)),
    ] {
        set(&bench, &task, name, new);
    }
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &here, "Size"), "1.25");
    assert_eq!(value(&bench, &here, "Count"), Value::Null);
    assert_eq!(value(&bench, &here, "Note"), Value::Null);
    assert_eq!(value(&bench, &here, "Blocked"), "false");
    assert_eq!(value(&bench, &here, "Launch"), "1780315200000");
    assert_eq!(value(&bench, &here, "Severity"), 0);
    assert_eq!(field(&bench, there, "Custom.Size"), Value::Null);
    assert_eq!(field(&bench, there, "Custom.Count"), 8);
    assert_eq!(field(&bench, there, "Custom.Note"), "edited");
    assert_eq!(field(&bench, there, "Custom.Blocked"), false);
    assert_eq!(field(&bench, there, "Custom.Launch"), Value::Null);
    assert_eq!(field(&bench, there, SEVERITY), "3 - Medium");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_reordered() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[(SEVERITY, json!("1 - Critical"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    bench.world.clickup.custom_fields(|fields| {
        let severity = fields.iter_mut().find(|field| field.name == "Severity");
        let options = severity.unwrap().type_config["options"].as_array_mut();
        let options = options.unwrap();
        options.reverse();
        for (n, option) in options.iter_mut().enumerate() {
            option["orderindex"] = json!(n);
            option["color"] = json!("#000000");
        }
    });
    assert_eq!(value(&bench, &task, "Severity"), 1);
    bench.quiet().await;
    set(&bench, &task, "Severity", json!(0));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, SEVERITY), "3 - Medium");
}

/// The colour of an option, and an option that nobody has chosen yet, are no edit.
#[tokio::test(flavor = "multi_thread")]
async fn options_recoloured() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[(SEVERITY, json!("1 - Critical"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    bench.world.clickup.custom_fields(|fields| {
        let severity = fields.iter_mut().find(|field| field.name == "Severity");
        let options = severity.unwrap().type_config["options"].as_array_mut();
        let options = options.unwrap();
        for option in options.iter_mut() {
            option["color"] = json!("#ff00ff");
        }
        options.insert(
            0,
            json!({"id": "new", "name": "Blocker", "orderindex": 9, "color": null}),
        );
    });
    bench.forget_names();
    bench.quiet().await;
    assert_eq!(field(&bench, id, SEVERITY), "1 - Critical");
    assert_eq!(value(&bench, &task, "Severity"), 0);
}

/// The service says yes to a text that is no address, and keeps nothing.
#[tokio::test(flavor = "multi_thread")]
async fn url_drops_text() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(
        &bench,
        id,
        &[
            ("Custom.Link", json!("see the wiki")),
            ("Custom.Size", json!(3)),
        ],
    );
    for _ in 0..5 {
        bench.run(&["reconcile", "--once"]).await.left_with(3);
    }
    assert_eq!(value(&bench, &task, "Size"), "3", "the rest goes on");
    assert_eq!(value(&bench, &task, "Link"), Value::Null);
    assert_eq!(field(&bench, id, "Custom.Link"), "see the wiki");
    // It is sent again, each time after a longer wait.
    let status = bench.run(&["status"]).await.left_with(5);
    status
        .says("custom:Link: sent \"see the wiki\", but ClickUp shows \"(empty)\"")
        .says("sent again at");
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(bench.world.ledger.writes(), []);
    edit(
        &bench,
        id,
        &[("Custom.Link", json!("https://example.com/w"))],
    );
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Link"), "https://example.com/w");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_by_check_with_its_place_and_stands_still_alone() {
    let bench = with_fields(
        "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Blocked\"\n\n\
         [[pair.field]]\nclickup = \"custom:Nothing\"\nado = \"Custom.Note\"\n\n\
         [[pair.field]]\nclickup = \"custom:Count\"\nado = \"Custom.Count\"\n",
    )
    .await;
    let ran = bench.run(&["check"]).await.left_with(78);
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let ran = ran
        .says(&format!(
            ":{}:7: error: web: custom:Size is not synced",
            line("Custom.Blocked")
        ))
        .says("goes with double or integer only")
        .says(&format!(
            ":{}:11: error: web: custom:Nothing is not synced: none of the pair's lists has",
            line("custom:Nothing")
        ))
        .says("2 of these errors do not stop");
    assert!(!ran.out.contains("custom:Count is"), "{}", ran.out);
    let id = bug(
        &bench,
        "One",
        &[("Custom.Note", json!("x")), ("Custom.Count", json!(4))],
    );
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    let task = bench.task_named("One");
    assert_eq!(value(&bench, &task, "Count"), "4");
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("custom:Nothing stands still")
        .says(&format!(":{}:11", line("custom:Nothing")));
    bench.rename(id, "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert!(bench.titles().contains(&"Renamed".to_owned()));
    bench.open_and_quiet().await;
}

/// What is edited while a field stands still goes over as soon as it does not, and is never taken for a value that was cleared.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_renamed_stands_still_until_it_is_back() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[("Custom.Note", json!("before"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let rename = |to: &str| {
        bench.world.clickup.custom_fields(|fields| {
            let note = fields.iter_mut().find(|field| field.id == id_of("Note"));
            to.clone_into(&mut note.unwrap().name);
        });
        bench.forget_names();
    };
    rename("Remark");
    edit(&bench, id, &[("Custom.Note", json!("meanwhile"))]);
    bench.rename(id, "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert!(bench.titles().contains(&"Renamed".to_owned()));
    assert_eq!(value(&bench, &task, "Remark"), "before");
    bench.open_and_quiet().await;
    rename("Note");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Note"), "meanwhile");
    assert_eq!(field(&bench, id, "Custom.Note"), "meanwhile");
    bench.run(&["status"]).await.left_with(0);
    bench.quiet().await;
}

/// Listings of ClickUp show no field that is empty.
#[tokio::test(flavor = "multi_thread")]
async fn verify_sees_a_field_that_was_emptied() {
    let bench = with_fields(&rows()).await;
    bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    bench.run(&["verify"]).await.left_with(0);
    let task = bench.task_named("One");
    set(&bench, &task, "Size", json!(null));
    bench
        .run(&["verify"])
        .await
        .left_with(3)
        .says("custom:Size");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_moves_no_date_is_seen_in_the_listing() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    bench
        .world
        .clickup
        .quirks(|quirks| quirks.field_set_moves = false);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    set(&bench, &task, "Size", json!(9));
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    assert_eq!(number(&bench, id, "Custom.Size"), Some(9.0));
    edit(&bench, id, &[("Custom.Size", json!(2))]);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "2");
    bench.quiet().await;
}

/// A listing without values says nothing about them: a new task is made with what it has, and nothing is cleared.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_leaves_values_out_clears_nothing_and_hides_nothing() {
    let bench = with_fields(&rows()).await;
    bench
        .world
        .clickup
        .quirks(|quirks| quirks.listing_drops_field_values = true);
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    let body = json!({"name": "Two", "custom_item_id": 1300, "custom_fields": [{"id": id_of("Size"), "value": 5}]});
    bench.world.clickup.create_task(LIST, &body).unwrap();
    first_yes(&bench).await;
    assert_eq!(number(&bench, id, "Custom.Size"), Some(1.0));
    assert_eq!(number(&bench, id + 1, "Custom.Size"), Some(5.0));
    bench.rename(id, "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(number(&bench, id, "Custom.Size"), Some(1.0));
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_would_be_rounded_is_held() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Size", json!(0.0004))]);
    set(&bench, &task, "Count", json!(2.5));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(value(&bench, &task, "Size"), "1");
    assert_eq!(field(&bench, id, "Custom.Count"), Value::Null);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("whole numbers only")
        .says("cannot read");
    edit(&bench, id, &[("Custom.Size", json!(0.25))]);
    set(&bench, &task, "Count", json!(2));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "0.25");
    assert_eq!(field(&bench, id, "Custom.Count"), 2);
    bench.quiet().await;
}

/// A field that stands still has no value in what is made meanwhile, and its conflicts stay open.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_about_a_field_that_stands_still_stays_open() {
    let bench = with_fields(&rows()).await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    let id = bug(&bench, "One", &[("Custom.Note", json!("before"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Note", json!("ours"))]);
    set(&bench, &task, "Note", json!("theirs"));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let rename = |to: &str| {
        bench.world.clickup.custom_fields(|fields| {
            let note = fields.iter_mut().find(|field| field.id == id_of("Note"));
            to.clone_into(&mut note.unwrap().name);
        });
        bench.forget_names();
    };
    rename("Remark");
    bench.rename(id, "Renamed");
    let body = json!({"name": "Two", "custom_item_id": 1300, "custom_fields": [{"id": id_of("Note"), "value": "new"}]});
    bench.world.clickup.create_task(LIST, &body).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench
        .run(&["conflicts", "show", "1"])
        .await
        .left_with(0)
        .says("ours")
        .says("theirs");
    assert_eq!(field(&bench, id + 1, "Custom.Note"), Value::Null);
    rename("Note");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(field(&bench, id + 1, "Custom.Note"), "new");
    assert_eq!(field(&bench, id, "Custom.Note"), "ours");
    assert_eq!(value(&bench, &task, "Note"), "theirs");
}

/// Azure DevOps fills a field in by itself where a create names none: the task gets that in the next cycle.
#[tokio::test(flavor = "multi_thread")]
async fn a_default_of_a_new_work_item_goes_to_its_task() {
    let bench = with_fields(&rows()).await;
    let body = json!({"name": "One", "custom_item_id": 1300});
    let task = bench.world.clickup.create_task(LIST, &body).unwrap();
    first_yes(&bench).await;
    assert_eq!(field(&bench, 1, SEVERITY), "3 - Medium");
    assert_eq!(value(&bench, &task, "Severity"), 1);
    bench.quiet().await;
}

/// The plan of the workspace allows no more values: what could not be set is held, and says what to do; the rest flows.
#[tokio::test(flavor = "multi_thread")]
async fn quota_of_custom_fields() {
    let bench = with_fields(&rows()).await;
    bench
        .world
        .clickup
        .quirks(|quirks| quirks.field_uses = Some(0));
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    let task = bench.task_named("One");
    bench.rename(id, "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert!(bench.titles().contains(&"Renamed".to_owned()));
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("custom:Size")
        .says("usages exceeded for your plan")
        .says("change the plan, or take the field out of the configuration");
    bench.open_and_quiet().await;
    bench
        .world
        .clickup
        .quirks(|quirks| quirks.field_uses = None);
    bench
        .run(&["reconcile", "--once", "--retry"])
        .await
        .left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "1");
    assert_eq!(number(&bench, id, "Custom.Size"), Some(1.0));
    bench.quiet().await;
}

/// The option is the same one whatever it is called: nothing is written, and nothing counts as an edit.
#[tokio::test(flavor = "multi_thread")]
async fn option_renamed_deleted() {
    let rows = "[[pair.field]]\nclickup = \"custom:Severity\"\nado = \"Custom.Note\"\n".to_owned();
    let bench = with_fields(&rows).await;
    let one = bug(&bench, "One", &[("Custom.Note", json!("Critical"))]);
    let two = bug(&bench, "Two", &[("Custom.Note", json!("Minor"))]);
    first_yes(&bench).await;
    let options = |change: &dyn Fn(&mut Vec<Value>)| {
        bench.world.clickup.custom_fields(|fields| {
            let severity = fields.iter_mut().find(|field| field.name == "Severity");
            let options = severity.unwrap().type_config["options"].as_array_mut();
            change(options.unwrap());
        });
        bench.forget_names();
    };
    options(&|options| options[0]["name"] = json!("Blocker"));
    bench.quiet().await;
    assert_eq!(field(&bench, one, "Custom.Note"), "Critical");
    // The option of the other one goes, and with it what its task shows.
    options(&|options| {
        options.remove(1);
    });
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(3);
    assert_eq!(field(&bench, two, "Custom.Note"), "Minor", "not cleared");
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("custom:Severity");
    bench.open_and_quiet().await;
}

/// The field is removed, and another one of its name is made: its tasks have no values, and that is nobody's edit.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_made_anew_empties_nothing() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[("Custom.Note", json!("before"))]);
    bug(&bench, "Two", &[]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let anew = "0f7c1c5e-5d0e-4e58-9d3f-900000000000";
    bench.world.clickup.custom_fields(|fields| {
        let note = fields.iter_mut().find(|field| field.name == "Note");
        anew.clone_into(&mut note.unwrap().id);
    });
    bench.forget_names();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("another field of this name than before")
        .says(&format!("custom:#{anew}"));
    bench.open_and_quiet().await;
    assert_eq!(field(&bench, id, "Custom.Note"), "before");
    bench.replace_config("custom:Note", &format!("custom:#{anew}"));
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(value(&bench, &task, "Note"), "before");
    bench.quiet().await;
}

/// What ClickUp holds in forms of its own: stars, progress, money, a moment, and what it works out by itself.
#[tokio::test(flavor = "multi_thread")]
async fn stars_progress_money_and_moments() {
    let fields: [(&str, &str, &str, Kind, &str); 4] = [
        ("Stars", "emoji", "Custom.Stars", Kind::Integer, ""),
        ("Done", "manual_progress", "Custom.Done", Kind::Double, ""),
        (
            "Budget",
            "currency",
            "Custom.Budget",
            Kind::Double,
            "scale = 100\n",
        ),
        (
            "Start",
            "date",
            "Custom.Start",
            Kind::DateTime,
            "time = true\n",
        ),
    ];
    let rows: String = fields
        .iter()
        .map(|(name, _, ado, _, more)| {
            format!("[[pair.field]]\nclickup = \"custom:{name}\"\nado = \"{ado}\"\n{more}\n")
        })
        .collect();
    let bench = with_fields(&rows).await;
    for (name, _, reference, kind, _) in fields {
        bench.world.ado.add_field(FieldDef {
            reference: reference.to_owned(),
            name: format!("{name} (ours)"),
            kind,
            server_only: false,
        });
    }
    bench.world.clickup.custom_fields(|all| {
        for (n, (name, kind, ..)) in fields.into_iter().enumerate() {
            let id = format!("0f7c1c5e-5d0e-4e58-9d3f-2000000000{n:02}");
            let mut field = SandboxField::new(&id, name, kind);
            field.type_config = match kind {
                "emoji" => json!({"count": 5, "code_point": "2b50"}),
                "manual_progress" => json!({"start": 0, "end": 100}),
                _ => json!({}),
            };
            all.push(field);
        }
    });
    bench.run(&["check"]).await.left_with(0);
    let id = bug(
        &bench,
        "One",
        &[
            ("Custom.Stars", json!(4)),
            ("Custom.Done", json!(30)),
            ("Custom.Budget", json!(12.5)),
            ("Custom.Start", json!("2026-05-11T14:02:05Z")),
        ],
    );
    first_yes(&bench).await;
    let task = bench.task_named("One");
    assert_eq!(value(&bench, &task, "Stars"), 4);
    assert_eq!(value(&bench, &task, "Done")["current"], 30);
    assert_eq!(value(&bench, &task, "Budget"), "1250");
    assert_eq!(value(&bench, &task, "Start"), "1778508125000");
    bench.quiet().await;
    let put = |name: &str, value: Value| {
        let n = fields.iter().position(|(own, ..)| *own == name).unwrap();
        let id = format!("0f7c1c5e-5d0e-4e58-9d3f-2000000000{n:02}");
        let edit = json!({"custom_fields": [{"id": id, "value": value}]});
        bench.world.clickup.edit(&task, &edit).unwrap();
    };
    put("Stars", json!(2));
    put("Done", json!({"current": 45}));
    put("Budget", json!(99));
    put("Start", json!(1_778_511_725_000_i64));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, "Custom.Stars").as_f64(), Some(2.0));
    assert_eq!(field(&bench, id, "Custom.Done").as_f64(), Some(45.0));
    assert_eq!(field(&bench, id, "Custom.Budget"), 0.99);
    assert_eq!(field(&bench, id, "Custom.Start"), "2026-05-11T15:02:05Z");
    bench.quiet().await;
    edit(&bench, id, &[("Custom.Stars", json!(9))]);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("whole numbers from 0 to 5");
    assert_eq!(value(&bench, &task, "Stars"), 2);
}
