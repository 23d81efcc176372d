//! The Azure DevOps connector against the stateful fake: whole conversations, as the engine has them.

use boardsync::azure::{AzureReader, AzureWriter, Scope, Settings, connect};
use boardsync::connector::{
    Backlink, Change, ClaimChange, ErrorKind, Fetched, Known, NewItem, Reader, Watermark, Writer,
};
use boardsync::model::{FieldKey, FieldValue, Item, ItemId, PairName, Service, Timestamp};
use boardsync::sandbox::ado::{AdoConfig, AdoSandbox};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::{Fault, FaultRule, Faults};
use boardsync::sandbox::ledger::Ledger;
use boardsync::sandbox::{Running, serve};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;

struct World {
    ado: AdoSandbox,
    clock: SandboxClock,
    ledger: Ledger,
    faults: Faults,
    reader: AzureReader,
    writer: AzureWriter,
    _server: Running,
}

async fn world(pat: &str) -> World {
    world_taking(pat, None).await
}

/// A world whose client takes answers of at most so many bytes.
async fn world_taking(pat: &str, max_body: Option<usize>) -> World {
    let clock = SandboxClock::new(Timestamp::parse_rfc3339("2026-05-10T08:00:00Z").unwrap());
    let (ledger, faults) = (Ledger::default(), Faults::default());
    let ado = AdoSandbox::new(
        clock.clone(),
        ledger.clone(),
        faults.clone(),
        AdoConfig::default(),
    );
    let server = serve(ado.router()).await.unwrap();
    let (reader, writer) = connect(Settings {
        url: format!("{}/contoso", server.url),
        pat: SecretString::from(pat.to_owned()),
        requests_per_second: 1000,
        time_zone: None,
        pairs: vec![Scope {
            pair: PairName::from("shop"),
            project: "Shop".to_owned(),
            area: None,
            condition: None,
            assigned_to: None,
            default_type: "Task".to_owned(),
            area_for_new: None,
            fields: BTreeMap::new(),
            marker_hosts: Vec::new(),
        }],
        cancel: CancellationToken::new(),
        max_body,
        kept: boardsync::connector::Kept::default(),
    })
    .unwrap();
    World {
        ado,
        clock,
        ledger,
        faults,
        reader,
        writer,
        _server: server,
    }
}

impl World {
    fn task(&self, title: &str) -> ItemId {
        let fields = [("System.Title", title.into())];
        let id = self.ado.create_item("Shop", "Task", &fields).unwrap();
        ItemId(id.to_string())
    }

    async fn read(&self, id: &ItemId) -> Item {
        let ids = BTreeSet::from([id.clone()]);
        match self.reader.fetch_items(&ids).await.unwrap().remove(id) {
            Some(Fetched::Seen(item)) => *item,
            other => panic!("{other:?}"),
        }
    }

    fn fault(&self, path: &str, fault: Fault) {
        self.faults.add(FaultRule {
            service: Service::Ado,
            method: None,
            path_contains: path.to_owned(),
            fault,
            skip: 0,
            times: 1,
        });
    }
}

fn change(item: &Item, set: &[(FieldKey, FieldValue)]) -> Change {
    Change {
        pair: PairName::from("shop"),
        id: item.id.clone(),
        expected: item.version,
        current: Box::new(item.clone()),
        set: set.iter().cloned().collect(),
        backlink: None,
    }
}

fn new_item(state: &str) -> NewItem {
    NewItem {
        parent: None,
        pair: PairName::from("shop"),
        fields: BTreeMap::from([
            (FieldKey::Title, FieldValue::Text("Paint".to_owned())),
            (FieldKey::State, FieldValue::choice(state)),
            (FieldKey::Tags, FieldValue::tags(["b", "a"])),
            (FieldKey::Priority, FieldValue::Number(1000)),
        ]),
        marker: "sx1:marker".to_owned(),
        source: ItemId::from("86x"),
        source_type: "Task".to_owned(),
        source_url: "https://app.clickup.com/t/86x".to_owned(),
    }
}

#[tokio::test]
async fn a_created_item_reads_back_as_written_with_its_marker_and_can_be_found_by_it() {
    let world = world("pat").await;
    let before = world.clock.now();
    let written = world.writer.create(&new_item("Closed")).await.unwrap();
    assert!(written.pending.is_empty(), "{:?}", written.pending);
    let item = world.read(&written.item.id).await;
    assert_eq!(item, written.item);
    for (key, value) in new_item("Closed").fields {
        assert_eq!(item.fields[&key], value, "{key}");
    }
    assert_eq!(item.markers, ["sx1:marker"]);
    let find = async |marker: &str| {
        let pair = PairName::from("shop");
        let found = world.reader.find_marker(&pair, marker, before).await;
        found.unwrap()
    };
    assert_eq!(find("sx1:marker").await, [item.id]);
    assert!(find("sx1:mark").await.is_empty());
}

#[tokio::test]
async fn an_older_server_is_spoken_to_in_the_version_that_it_knows() {
    let world = world("pat").await;
    world.ado.quirks(|quirks| quirks.newest_version = 6.0);
    let id = world.task("one");
    let item = world.read(&id).await;
    let edit = change(
        &item,
        &[(FieldKey::Title, FieldValue::Text("two".to_owned()))],
    );
    world.writer.update(&edit).await.unwrap();
    assert_eq!(
        world.read(&id).await.fields[&FieldKey::Title],
        FieldValue::Text("two".to_owned())
    );
    let asked = world.ledger.entries();
    let refused = asked.iter().filter(|entry| entry.status == 400).count();
    assert_eq!(refused, 2, "7.1 and 7.0 are tried once each: {asked:?}");
}

#[tokio::test]
async fn an_edit_shows_in_the_next_listing_and_an_idle_cycle_costs_two_requests() {
    let world = world("pat").await;
    let id = world.task("one");
    let all = world
        .reader
        .fetch_changes(&Watermark::default(), &|_| None)
        .await
        .unwrap();
    assert!(all.complete);
    assert_eq!(all.rows.len(), 1);
    let item = world.read(&id).await;
    let known = Known {
        version: item.version,
        changed_at: item.changed_at,
    };
    world.ledger.clear();
    let idle = world
        .reader
        .fetch_changes(&all.watermark, &|_| Some(known))
        .await
        .unwrap();
    assert!(idle.rows.is_empty());
    assert!(world.ledger.count() <= 2, "{:?}", world.ledger.entries());

    let edit = change(
        &item,
        &[(FieldKey::Title, FieldValue::Text("two".to_owned()))],
    );
    world.writer.update(&edit).await.unwrap();
    let next = world
        .reader
        .fetch_changes(&idle.watermark, &|_| Some(known))
        .await
        .unwrap();
    assert_eq!(next.rows.len(), 1);
    assert_eq!(
        next.rows[0].version.map(|version| version.0),
        Some(item.version.0 + 1)
    );

    world.clock.advance(3_600_000);
    let later = world
        .reader
        .fetch_changes(&next.watermark, &|_| Some(known))
        .await
        .unwrap();
    world.clock.advance(3_600_000);
    world.ledger.clear();
    let quiet = world
        .reader
        .fetch_changes(&later.watermark, &|_| Some(known))
        .await
        .unwrap();
    assert!(quiet.rows.is_empty());
    assert_eq!(world.ledger.count(), 2, "{:?}", world.ledger.entries());
}

#[tokio::test]
async fn a_change_planned_against_an_older_version_is_stale_and_changes_nothing() {
    let world = world("pat").await;
    let item = world.read(&world.task("one")).await;
    let title = |text: &str| [(FieldKey::Title, FieldValue::Text(text.to_owned()))];
    world
        .writer
        .update(&change(&item, &title("two")))
        .await
        .unwrap();
    let error = world
        .writer
        .update(&change(&item, &title("three")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    let now = world.read(&item.id).await;
    assert_eq!(now.title(), "two");
}

#[tokio::test]
async fn fields_are_cleared_and_a_back_link_is_put_on_in_the_same_revision() {
    let world = world("pat").await;
    let made = world.writer.create(&new_item("New")).await.unwrap().item;
    let mut edit = change(&made, &[(FieldKey::Tags, FieldValue::Empty)]);
    edit.backlink = Some(Backlink {
        url: "https://app.clickup.com/t/99".to_owned(),
        label: "Task 99".to_owned(),
        marker: "sx1:other".to_owned(),
    });
    let written = world.writer.update(&edit).await.unwrap();
    assert_eq!(written.item.version.0, made.version.0 + 1);
    assert_eq!(written.item.fields[&FieldKey::Tags], FieldValue::Empty);
    assert_eq!(written.item.markers, ["sx1:marker", "sx1:other"]);
}

#[tokio::test]
async fn an_unknown_person_is_refused_and_the_field_named() {
    let world = world("pat").await;
    let item = world.read(&world.task("one")).await;
    let nobody = boardsync::model::Folded::person("nobody@else.example", "Nobody");
    let people = FieldValue::from_people([nobody].into());
    let error = world
        .writer
        .update(&change(&item, &[(FieldKey::Assignees, people)]))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.field),
        (ErrorKind::Refused, Some(FieldKey::Assignees))
    );
}

#[tokio::test]
async fn a_deleted_item_is_gone_with_evidence_and_an_unknown_number_is_unclear() {
    let world = world("pat").await;
    let id = world.task("one");
    let pair = PairName::from("shop");
    world.writer.delete(&pair, &id).await.unwrap();
    let ids = BTreeSet::from([id.clone(), ItemId::from("99999")]);
    let answer = world.reader.fetch_items(&ids).await.unwrap();
    assert!(matches!(answer[&id], Fetched::Gone { .. }), "{answer:?}");
    assert!(matches!(
        answer[&ItemId::from("99999")],
        Fetched::Unclear { .. }
    ));
    let again = world.writer.delete(&pair, &id).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wrong_token_is_an_auth_error_for_every_kind_of_call() {
    let world = world("wrong").await;
    let read = world
        .reader
        .fetch_changes(&Watermark::default(), &|_| None)
        .await;
    assert_eq!(read.unwrap_err().kind, ErrorKind::Auth);
    let schema = world.reader.fetch_schema(&PairName::from("shop")).await;
    assert_eq!(schema.unwrap_err().kind, ErrorKind::Auth);
}

#[tokio::test]
async fn the_schema_has_types_states_transitions_areas_and_the_tokens_owner() {
    let world = world("pat").await;
    let schema = world
        .reader
        .fetch_schema(&PairName::from("shop"))
        .await
        .unwrap();
    let task = schema
        .types
        .iter()
        .find(|kind| kind.name == "Task")
        .unwrap();
    assert!(
        task.states
            .iter()
            .any(|state| state.category == "Completed"),
        "{task:?}"
    );
    assert!(task.transitions[""].contains("New"));
    assert!(task.fields.contains("System.Description"));
    assert!(
        task.required.contains("System.Title"),
        "{:?}",
        task.required
    );
    assert!(schema.containers.iter().any(|(path, _)| path == "Shop"));
    assert!(schema.me.is_some());
    assert!(schema.findings.is_empty(), "{:?}", schema.findings);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_ambiguous_and_its_item_is_found_by_marker() {
    for fault in [Fault::DropAfterApply, Fault::TruncateBody] {
        let world = world("pat").await;
        let before = world.clock.now();
        world.fault("workitems/$Task", fault);
        let error = world.writer.create(&new_item("New")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous);
        let pair = PairName::from("shop");
        let found = world.reader.find_marker(&pair, "sx1:marker", before).await;
        assert_eq!(found.unwrap().len(), 1, "sent once, made once");
    }
}

#[tokio::test]
async fn a_sign_in_page_is_never_an_empty_listing() {
    let world = world("pat").await;
    world.task("one");
    world.fault("wiql", Fault::SignInPage);
    let every = BTreeSet::from([PairName::from("shop")]);
    let error = world.reader.fetch_all(&every).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
}

#[tokio::test]
async fn a_claim_is_put_there_once_and_replaced_in_place_under_the_revision_that_was_read() {
    let w = world("pat").await;
    let id = w.task("Canary");
    let wanted = |texts: &[&str], expected, claim: &str, name: &str| ClaimChange {
        id: id.clone(),
        expected,
        replaces: texts.iter().map(|text| (*text).to_owned()).collect(),
        claim: claim.to_owned(),
        name: name.to_owned(),
    };
    let none = w.reader.fetch_claims(&id).await.unwrap();
    assert!(none.texts.is_empty());
    let first = wanted(&[], none.version, "sxc1:a:1", "a");
    w.writer.claim(&first).await.unwrap();
    // Of two that both read an item without a claim the second is told.
    let late = wanted(&[], none.version, "sxc1:a:2", "a");
    assert_eq!(
        w.writer.claim(&late).await.unwrap_err().kind,
        ErrorKind::Stale
    );
    let now = w.reader.fetch_claims(&id).await.unwrap();
    assert_eq!(now.texts, ["sxc1:a:1"]);
    // Another pair's claim on the same item stays, and so does a person's link.
    w.writer
        .claim(&wanted(&[], now.version, "sxc1:b:1", "b"))
        .await
        .unwrap();
    let now = w.reader.fetch_claims(&id).await.unwrap();
    w.writer
        .claim(&wanted(&["sxc1:a:1"], now.version, "sxc1:a:3", "a"))
        .await
        .unwrap();
    let now = w.reader.fetch_claims(&id).await.unwrap();
    let all: BTreeSet<String> = now.texts.iter().cloned().collect();
    assert_eq!(all, BTreeSet::from(["sxc1:a:3".into(), "sxc1:b:1".into()]));
    // An edit of any kind since the claims were read: what was read is not what is there.
    w.ado
        .edit(
            id.as_str().parse().unwrap(),
            &[("System.Title", "Canary, renamed".into())],
            "ada@contoso.example",
        )
        .unwrap();
    let older = wanted(&["sxc1:a:3"], now.version, "sxc1:a:4", "a");
    assert_eq!(
        w.writer.claim(&older).await.unwrap_err().kind,
        ErrorKind::Stale
    );
    let now = w.reader.fetch_claims(&id).await.unwrap();
    // A claim that is not there any more, at the present revision.
    let gone = wanted(&["sxc1:a:1"], now.version, "sxc1:a:4", "a");
    assert_eq!(
        w.writer.claim(&gone).await.unwrap_err().kind,
        ErrorKind::Stale
    );
    // Several at once leave one.
    w.writer
        .claim(&wanted(
            &["sxc1:a:3", "sxc1:b:1"],
            now.version,
            "sxc1:a:5",
            "a",
        ))
        .await
        .unwrap();
    let now = w.reader.fetch_claims(&id).await.unwrap();
    assert_eq!(now.texts, ["sxc1:a:5"]);
    let item = w.read(&id).await;
    assert!(item.markers.is_empty() && item.backlinks.is_empty());
}

#[tokio::test]
async fn a_canary_that_cannot_be_read_carries_no_claims_that_could_be_believed() {
    let w = world("pat").await;
    let id = ItemId::from("4711");
    let error = w.reader.fetch_claims(&id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(w.ledger.writes().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_halves() {
    let pat = AdoConfig::default().pat;
    let world = world_taking(&pat, Some(200_000)).await;
    let text = "word ".repeat(6_000);
    let large = |title: &str, text: &str| {
        let fields = [
            ("System.Title", title.into()),
            ("System.Description", text.into()),
        ];
        let id = world.ado.create_item("Shop", "Task", &fields).unwrap();
        ItemId(id.to_string())
    };
    let since = world
        .reader
        .fetch_all(&BTreeSet::from(["shop".into()]))
        .await;
    let since = since.unwrap().watermark;
    world.clock.advance(2_000);
    let mut ids: BTreeSet<ItemId> = (0..15).map(|n| large(&format!("t{n}"), &text)).collect();
    let alone = large("alone", &text.repeat(8));
    ids.insert(alone.clone());
    let read = world.reader.fetch_items(&ids).await.unwrap();
    assert_eq!(read.len(), 16);
    for (id, fetched) in read {
        match fetched {
            Fetched::Seen(_) => assert_ne!(id, alone),
            Fetched::Unclear { reason } => {
                assert_eq!(id, alone);
                assert!(reason.contains("larger than one answer"), "{reason}");
            }
            Fetched::Gone { evidence } => panic!("{id}: {evidence}"),
        }
    }
    // One that cannot be looked at may be the item of a create whose answer was lost.
    let started = since.high.unwrap();
    let carriers = world
        .reader
        .find_marker(&"shop".into(), "sx1:shop:clickup:86x:0:abcdef12", started)
        .await;
    assert_eq!(carriers.unwrap(), std::slice::from_ref(&alone));
    let known = |_: &ItemId| -> Option<Known> { None };
    let delta = world.reader.fetch_changes(&since, &known).await.unwrap();
    assert_eq!(delta.rows.len(), 16, "none is left out");
}
