//! Listings, reads by id, markers and the vocabulary.

use crate::clickup_connector::world::{
    BACKLOG, BUGS, MARKER, START, ids, knows, new_item, title, world, world_of, world_taking,
};
use boardsync::connector::{ErrorKind, Fetched, Reader, Watermark, Writer};
use boardsync::model::{FieldKey, ItemId, PairName};
use boardsync::sandbox::clickup::TeamArchived;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::halves::half;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn an_idle_cycle_costs_one_request() {
    let world = world(|_| {}).await;
    for name in ["a", "b", "c"] {
        world.seed(BACKLOG, json!({"name": name}));
    }
    // The server tells its time in whole seconds.
    world.clock.advance(1_000);
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
    assert_eq!(delta.watermark.high, all.watermark.high);
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
async fn an_edit_that_shows_late_below_known_ones_is_found_while_edits_go_on() {
    let world = world(|_| {}).await;
    let late = world.seed(BACKLOG, json!({"name": "late"}));
    let others: Vec<ItemId> = (0..250)
        .map(|n| world.seed(BACKLOG, json!({"name": format!("t{n}")})))
        .collect();
    // The index lags for this one; a full listing and a page and more of newer edits come first.
    world.edit(&late, json!({"name": "edited"}));
    world.clickup.hide(late.as_str(), true);
    world.clock.advance(120_000);
    let all = world.all().await;
    let mut known = knows(&all);
    for id in &others[..120] {
        world.edit(id, json!({"name": "bulk"}));
    }
    let mut since = all.watermark;
    let mut found = Vec::new();
    for (minute, other) in others.iter().enumerate().take(15) {
        let before = world.ledger.entries().len();
        let held = known.clone();
        let delta = world
            .reader
            .fetch_changes(&since, &|id| held.get(id).copied())
            .await
            .unwrap();
        let requests = world.requests(before).len();
        assert!(
            minute == 0 || requests == 1 || found.is_empty(),
            "minute {minute}: {requests}"
        );
        if delta.rows.iter().any(|row| row.id == late) {
            found.push(minute);
        }
        known.extend(knows(&delta));
        since = delta.watermark;
        world.clickup.hide(late.as_str(), false);
        world.clock.advance(60_000);
        world.edit(other, json!({"name": format!("minute {minute}")}));
    }
    // When the overlap is due, ten minutes after the full listing: the edits above took two.
    assert_eq!(found, [8]);
}

#[tokio::test]
async fn edits_are_listed_whatever_time_the_date_header_tells() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    for skew in [YEAR_MS, -YEAR_MS, 20 * 60_000] {
        let world = world(|quirks| quirks.date_skew_ms = skew).await;
        let task = world.seed(BACKLOG, json!({"name": "a"}));
        let mut mark = world.all().await.watermark;
        for n in 0..4 {
            // Every look but the first comes after the window was read completely.
            world.clock.advance(11 * 60_000);
            world
                .clickup
                .edit(task.as_str(), &json!({ "name": format!("a{n}") }))
                .unwrap();
            let delta = world.reader.fetch_changes(&mark, &|_| None).await.unwrap();
            assert_eq!(delta.rows.len(), 1, "skew {skew}, edit {n}");
            mark = delta.watermark;
            let quiet = world.reader.fetch_changes(&mark, &|_| None).await.unwrap();
            mark = quiet.watermark;
        }
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
            // A list may have been archived or deleted since.
            format!("GET list/{BACKLOG}"),
            format!("GET list/{BUGS}"),
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

/// The code of an unknown task is one of a dead token too; only `GET /user` tells them apart.
#[tokio::test]
async fn an_unknown_task_and_a_dead_token_are_told_apart_by_the_tokens_user() {
    let refused = || Fault::Status {
        status: 401,
        body: r#"{"err":"Team not authorized","ECODE":"OAUTH_023"}"#.to_owned(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    for dead in [false, true] {
        let world = world(|_| {}).await;
        let id = world.seed(BACKLOG, json!({"name": "t"}));
        world.fault("GET", &format!("/task/{id}"), refused());
        if dead {
            world.fault("GET", "/api/v2/user", refused());
        }
        let answer = world
            .reader
            .fetch_items(&BTreeSet::from([id.clone()]))
            .await;
        match (dead, answer) {
            (true, Err(error)) => assert_eq!(error.kind, ErrorKind::Auth),
            (false, Ok(read)) => assert!(matches!(read[&id], Fetched::Unclear { .. })),
            (_, answer) => panic!("dead {dead}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn the_answer_about_another_task_says_nothing_about_the_one_that_was_asked_for() {
    let world = world(|_| {}).await;
    let id = world.seed(BACKLOG, json!({"name": "asked for"}));
    let other = world.seed(BACKLOG, json!({"name": "another"}));
    let body = world.clickup.task(other.as_str()).unwrap().to_string();
    let answer = Fault::Status {
        status: 200,
        body,
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    world.fault("GET", &format!("/task/{id}"), answer);
    let Fetched::Unclear { reason } = world.fetch(&id).await else {
        panic!("another task was taken for it");
    };
    assert!(reason.contains(other.as_str()), "{reason}");
}

/// An edit behind the back of a long listing is newer than its start, so the next look must begin no later than that.
#[tokio::test]
async fn a_full_listing_is_caught_up_from_its_start_and_not_from_the_newest_task_in_it() {
    let world = world(|quirks| quirks.date_skew_ms = -3_600_000).await;
    world.seed(
        BACKLOG,
        json!({"name": "newer than the clock of the answers"}),
    );
    let watermark = world.all().await.watermark;
    assert!(watermark.settled.is_some(), "the start is known");
    assert_eq!(watermark.high, watermark.settled);
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
    assert_eq!(schema.findings, Vec::new());
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

#[tokio::test]
async fn half_a_character_in_one_text_stops_no_listing() {
    let half = half(0xD83D).unwrap();
    let world = world(|_| {}).await;
    let broken = world.seed(
        BACKLOG,
        json!({"name": format!("a {half}"), "markdown_content": format!("first {half}\n\n\\\\ud83d stays"),
               "tags": [format!("t{half}")]}),
    );
    let whole = world.seed(BACKLOG, json!({"name": "b \u{1f600}"}));
    let listing = world.all().await;
    assert_eq!(
        ids(&listing),
        BTreeSet::from([broken.clone(), whole.clone()])
    );
    let item = world.read(&broken).await;
    assert_eq!(item.title(), "a \u{fffd}");
    let text = item.fields[&FieldKey::Description].to_string();
    assert_eq!(text, "first \u{fffd}\n\n\\\\ud83d stays");
    assert_eq!(item.fields[&FieldKey::Tags].to_string(), "t\u{fffd}");
    assert!(item.unread.is_empty());
    assert_eq!(world.read(&whole).await.title(), "b \u{1f600}");
}

#[tokio::test]
async fn half_a_character_in_the_name_of_a_list_a_status_or_a_member_spoils_only_that_name() {
    let half = half(0xDE00).unwrap();
    let world = world_of(|config| {
        config.users[2].username = format!("Bo {half}");
        config.spaces[0].lists[0].name = format!("Backlog {half}");
        config.spaces[0].statuses[1].name = format!("doing {half}");
    })
    .await;
    let schema = world
        .reader
        .fetch_schema(&PairName::from("web"))
        .await
        .unwrap();
    assert!(
        schema.people.iter().any(|(_, name)| name == "Bo \u{fffd}"),
        "{:?}",
        schema.people
    );
    assert!(
        schema
            .containers
            .iter()
            .any(|(_, name)| name == "Backlog \u{fffd}")
    );
    let states = &schema.types[0].states;
    assert_eq!(
        (states.len(), states[1].name.as_str()),
        (4, "doing \u{fffd}")
    );
}

#[tokio::test]
async fn a_page_that_is_too_large_is_listed_in_windows_of_time() {
    for newest_first in [true, false] {
        let world = world_taking(Some(60_000), |config| {
            config.quirks.updated_newest_first = newest_first;
        })
        .await;
        let since = world.all().await.watermark;
        let text = "word ".repeat(400);
        let large = |name: &str, text: &str| {
            world.seed(BACKLOG, json!({"name": name, "markdown_content": text}))
        };
        let mut tasks: BTreeSet<ItemId> = (0..15).map(|n| large(&format!("t{n}"), &text)).collect();
        let alone = large("alone", &text.repeat(12));
        let all = world.all().await;
        let listed: BTreeSet<ItemId> = all.rows.iter().map(|row| row.id.clone()).collect();
        assert_eq!(listed, tasks, "all but the one that is too large alone");
        assert!(all.complete);
        let delta = world.reader.fetch_changes(&since, &|_| None).await.unwrap();
        let listed: BTreeSet<ItemId> = delta.rows.iter().map(|row| row.id.clone()).collect();
        assert_eq!(listed, tasks);
        tasks.insert(alone.clone());
        for (id, fetched) in world.reader.fetch_items(&tasks).await.unwrap() {
            match fetched {
                Fetched::Seen(_) => assert_ne!(id, alone),
                Fetched::Unclear { reason } => {
                    assert_eq!(id, alone);
                    assert!(reason.contains("larger than"), "{reason}");
                }
                Fetched::Gone { evidence } => panic!("{id}: {evidence}"),
            }
        }
    }
}

/// A 404 may come from a proxy, a list that is gone or a shard that is being moved. Only the code of the trash is evidence.
#[tokio::test]
async fn a_404_without_the_code_of_the_trash_says_nothing_about_the_task() {
    let answers = [
        r#"{"err":"Not found","ECODE":"SHARD_006"}"#,
        r#"{"err":"Not found","ECODE":"ACCESS_190"}"#,
        r#"{"err":"Task not found, deleted"}"#,
        "{}",
        "<html>404 Not Found</html>",
        "",
    ];
    for body in answers {
        let world = world(|_| {}).await;
        let id = world.seed(BACKLOG, json!({"name": "t"}));
        world.fault(
            "GET",
            "/task/",
            Fault::Status {
                status: 404,
                body: body.to_owned(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
        );
        let fetched = world.fetch(&id).await;
        assert!(
            matches!(fetched, Fetched::Unclear { .. }),
            "{body:?}: {fetched:?}"
        );
    }
}
