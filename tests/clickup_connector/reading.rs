//! Listings, reads by id, markers and the vocabulary.

use crate::world::{BACKLOG, BUGS, MARKER, START, ids, knows, new_item, title, world};
use boardsync::connector::{ErrorKind, Fetched, Reader, Watermark, Writer};
use boardsync::model::{ItemId, PairName};
use boardsync::sandbox::clickup::TeamArchived;
use boardsync::sandbox::faults::Fault;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn an_idle_cycle_costs_one_request() {
    let world = world(|_| {}).await;
    for name in ["a", "b", "c"] {
        world.seed(BACKLOG, json!({"name": name}));
    }
    let all = world.all().await;
    let known = knows(&all);
    let before = world.ledger.entries().len();
    let delta = world
        .reader
        .fetch_changes(&all.watermark, &|id| known.get(id).copied())
        .await
        .unwrap();
    assert_eq!(
        world.requests(before),
        ["GET team/9010000001/task"],
        "nothing but the listing"
    );
    // The walk of everything stops at the server's clock, which shows whole seconds.
    assert!(delta.watermark.high >= all.watermark.high);
    for row in &delta.rows {
        assert_eq!(row.version, Some(known[&row.id].version));
        assert!(row.item.is_some());
    }
}

#[tokio::test]
async fn a_known_first_page_ends_the_walk_only_while_the_overlap_was_read_lately() {
    let world = world(|_| {}).await;
    for n in 0..150 {
        world.seed(BACKLOG, json!({"name": format!("t{n}")}));
    }
    let all = world.all().await;
    let known = knows(&all);
    for (settled, requests) in [(all.watermark.settled, 1), (None, 3)] {
        let since = Watermark {
            settled,
            ..all.watermark.clone()
        };
        let before = world.ledger.entries().len();
        let delta = world
            .reader
            .fetch_changes(&since, &|id| known.get(id).copied())
            .await
            .unwrap();
        assert_eq!(world.requests(before).len(), requests, "{settled:?}");
        assert!(delta.watermark.settled.is_some());
    }
}

#[tokio::test]
async fn every_edit_is_listed_whatever_the_order_and_the_bound() {
    for (newest_first, inclusive, last_page) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ] {
        let world = world(|quirks| {
            quirks.updated_newest_first = newest_first;
            quirks.updated_gt_inclusive = inclusive;
            quirks.team_last_page = last_page;
        })
        .await;
        let seeded: Vec<ItemId> = (0..260)
            .map(|n| world.seed(BACKLOG, json!({"name": format!("t{n}")})))
            .collect();
        let all = world.all().await;
        assert_eq!(ids(&all).len(), 260);
        let known = knows(&all);
        world.clock.advance(3_600_000);
        let edited: BTreeSet<ItemId> = seeded.iter().take(230).cloned().collect();
        for id in &edited {
            world.edit(id, json!({"name": "edited"}));
        }
        let delta = world
            .reader
            .fetch_changes(&all.watermark, &|id| known.get(id).copied())
            .await
            .unwrap();
        let listed = ids(&delta);
        assert!(
            edited.is_subset(&listed),
            "newest first {newest_first}, inclusive {inclusive}: {} of 230",
            listed.intersection(&edited).count()
        );
        assert!(delta.watermark.high > all.watermark.high);
        let newest = delta.rows.iter().filter_map(|row| row.version).max();
        assert_eq!(
            delta.watermark.high.map(|high| high.0),
            newest.map(|version| version.0)
        );
    }
}

#[tokio::test]
async fn a_full_listing_holds_closed_subtasks_and_archived_whatever_archived_means() {
    for meaning in [
        TeamArchived::Honoured,
        TeamArchived::IgnoredHidden,
        TeamArchived::IgnoredShown,
    ] {
        let world = world(|quirks| quirks.team_archived = meaning).await;
        let open = world.seed(BACKLOG, json!({"name": "open"}));
        let closed = world.seed(BACKLOG, json!({"name": "closed", "status": "complete"}));
        let child = world.seed(BACKLOG, json!({"name": "child", "parent": open.as_str()}));
        let archived = world.seed(BUGS, json!({"name": "archived"}));
        world.clickup.archive(archived.as_str(), true).unwrap();
        world.seed("901100000003", json!({"name": "not watched"}));
        let all = world.all().await;
        assert!(all.complete);
        assert_eq!(
            ids(&all),
            BTreeSet::from([open, closed, child, archived.clone()]),
            "{meaning:?}"
        );
        let row = all.rows.iter().find(|row| row.id == archived).unwrap();
        assert!(row.item.as_ref().unwrap().archived);
    }
}

#[tokio::test]
async fn an_ignored_archived_flag_falls_back_to_the_lists() {
    let world = world(|quirks| quirks.team_archived = TeamArchived::IgnoredHidden).await;
    world.seed(BACKLOG, json!({"name": "live"}));
    world.all().await;
    let before = world.ledger.entries().len();
    world.all().await;
    assert_eq!(
        world.requests(before),
        [
            "GET team/9010000001/task".to_owned(),
            format!("GET list/{BACKLOG}/task"),
            format!("GET list/{BUGS}/task"),
        ],
        "the second sweep remembers"
    );
}

#[tokio::test]
async fn an_archived_marker_is_found_even_if_nothing_else_is_in_the_lists() {
    let world = world(|quirks| quirks.team_archived = TeamArchived::IgnoredHidden).await;
    let made = world.writer.create(&new_item(&[title("t")])).await.unwrap();
    world.clickup.archive(made.item.id.as_str(), true).unwrap();
    let found = world
        .reader
        .find_marker(&PairName::from("web"), MARKER, START)
        .await
        .unwrap();
    assert_eq!(found, [made.item.id]);
}

#[tokio::test]
async fn only_item_013_says_that_a_task_is_gone() {
    let world = world(|_| {}).await;
    let [deleted, hidden, moved] =
        ["deleted", "hidden", "moved"].map(|name| world.seed(BACKLOG, json!({"name": name})));
    world.clickup.delete(deleted.as_str()).unwrap();
    world.clickup.hide(hidden.as_str(), true);
    world
        .clickup
        .move_to_list(moved.as_str(), "901100000003")
        .unwrap();
    assert!(matches!(world.fetch(&deleted).await, Fetched::Gone { .. }));
    assert!(matches!(
        world.fetch(&hidden).await,
        Fetched::Unclear { .. }
    ));
    assert!(matches!(
        world.fetch(&ItemId::from("86zzzzzzz")).await,
        Fetched::Unclear { .. }
    ));
    assert_eq!(world.read(&moved).await.container, "901100000003");
}

#[tokio::test]
async fn a_revoked_token_is_an_error_and_not_an_answer_about_the_task() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    world.clickup.set_token("pk_other");
    let error = world
        .reader
        .fetch_items(&BTreeSet::from([id]))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    let pairs = BTreeSet::from([PairName::from("web")]);
    let error = world.reader.fetch_all(&pairs).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
}

#[tokio::test]
async fn a_sign_in_page_is_never_an_empty_listing() {
    let world = world(|_| {}).await;
    world.fault("GET", "/task", Fault::SignInPage);
    let pairs = BTreeSet::from([PairName::from("web")]);
    let error = world.reader.fetch_all(&pairs).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
}

#[tokio::test]
async fn the_schema_names_statuses_people_types_and_lists() {
    let world = world(|_| {}).await;
    let schema = world
        .reader
        .fetch_schema(&PairName::from("web"))
        .await
        .unwrap();
    let types: Vec<_> = schema.types.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(types, ["Task", "Milestone", "Bug"]);
    let states = &schema.types[0].states;
    assert_eq!(
        (states[0].name.as_str(), states[0].category.as_str()),
        ("to do", "open")
    );
    assert!(
        schema
            .people
            .contains(&("ada@example.com".into(), "Ada Keller".into()))
    );
    assert_eq!(schema.me, Some(("1001".into(), "Sync Robot".into())));
    assert_eq!(schema.containers.len(), 2);
    assert_eq!(schema.findings, Vec::<String>::new());
}

#[tokio::test]
async fn a_listing_from_an_empty_watermark_is_a_full_one() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "t"}));
    let first = world
        .reader
        .fetch_changes(&Watermark::default(), &|_| None)
        .await
        .unwrap();
    assert!(first.complete);
    assert_eq!(ids(&first), BTreeSet::from([id]));
    assert!(first.watermark.high.is_some());
}
