//! Listings, reads by id and searches: how many requests they cost and what is made of the answers.

use super::scope;
use super::server::{Server, addresses, at, start, wire};
use crate::azure::*;
use crate::connector::ListedRow;
use crate::field::{Direction, Form, Wanted};
use crate::model::{FieldKey, FieldValue, Version};
use serde_json::json;

fn since() -> Watermark {
    Watermark {
        high: Some(at("2026-05-01T11:59:30.7Z")),
        peak: None,
        settled: None,
        link_token: Some("77".to_owned()),
        links_read: Some(at("2026-05-01T11:59:30Z")),
    }
}

fn held(version: i64) -> Option<Known> {
    Some(Known {
        version: Version(version),
        changed_at: at("2026-05-01T11:58:00Z"),
    })
}

/// Requests but those for types, which are read once in the life of a process.
fn listing_requests(server: &Server) -> usize {
    let seen = addresses(server);
    seen.iter()
        .filter(|address| !address.contains("/workitemtypes/"))
        .count()
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.rows.iter().map(|row| row.id.as_str()).collect()
}

#[tokio::test]
async fn an_idle_cycle_is_one_query_and_one_look_at_the_link_feed() {
    let (server, reader, _) = start(vec![scope("a", "One"), scope("b", "Two")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    server.lock().unwrap().links =
        json!({"values": [], "continuationToken": "78", "isLastBatch": true});
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    assert!(listing.rows.is_empty());
    assert_eq!(listing.watermark.high, Some(at("2026-05-01T12:00:00.5Z")));
    assert_eq!(listing.watermark.link_token.as_deref(), Some("78"));
    let seen = addresses(&server);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].contains("/acme/_apis/wit/wiql?") && seen[0].contains("timePrecision=true"));
    assert!(seen[1].contains("continuationToken=77"));
    let query = server.lock().unwrap().log[0].2["query"].to_string();
    assert!(query.contains(">= '2026-05-01T11:54:30Z'"), "{query}");
}

#[tokio::test]
async fn a_cycle_after_an_edit_explains_the_overlap_with_one_batch() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items =
            BTreeMap::from([(1, wire(1, 5, "One", "New")), (2, wire(2, 9, "One", "New"))]);
    }
    let known = |id: &ItemId| match id.as_str() {
        "1" => held(5),
        "2" => held(8),
        _ => None,
    };
    let listing = reader.fetch_changes(&since(), &known).await.unwrap();
    assert_eq!(ids(&listing), ["2", "3"]);
    assert_eq!(listing.rows[0].version, Some(Version(9)));
    assert_eq!(
        listing.watermark.link_token.as_deref(),
        Some("77"),
        "kept for later"
    );
    let item = listing.rows[0].item.as_ref();
    assert_eq!(
        item.map(|item| item.version),
        Some(Version(9)),
        "read whole"
    );
    assert_eq!(listing_requests(&server), 2);
}

#[tokio::test]
async fn many_explained_rows_cost_a_second_query_instead_of_batches() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![(1..=500).collect(), vec![7, 8]];
    server.lock().unwrap().items =
        BTreeMap::from([(7, wire(7, 2, "One", "New")), (8, wire(8, 1, "One", "New"))]);
    let listing = reader.fetch_changes(&since(), &|_| held(1)).await.unwrap();
    assert_eq!(ids(&listing), ["7"]);
    assert!(listing.rows[0].item.is_some(), "it need not be read again");
    assert_eq!(listing_requests(&server), 3, "the link feed waits");
    let query = server.lock().unwrap().log[1].2["query"].to_string();
    assert!(query.contains(">= '2026-05-01T11:59:30Z'"), "{query}");
}

#[tokio::test]
async fn rows_of_a_shared_query_are_attributed_and_foreign_ones_dropped() {
    let (server, reader, _) = start(vec![scope("a", "One"), scope("b", "Two")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items = BTreeMap::from([
            (1, wire(1, 5, "Two", "New")),
            (2, wire(2, 9, "One", "New")),
            (3, wire(3, 9, "Three", "New")),
        ]);
    }
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    let pairs: Vec<_> = listing.rows.iter().map(|row| row.pair.0.as_str()).collect();
    assert_eq!((ids(&listing), pairs), (vec!["1", "2"], vec!["b", "a"]));
    assert_eq!(listing_requests(&server), 2);
}

#[tokio::test]
async fn a_changed_link_makes_known_ends_rows() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    server.lock().unwrap().links = json!({"values": [
        {"rel": "System.LinkTypes.Hierarchy", "sourceId": 7, "targetId": 8, "isActive": false}],
        "nextLink": "https://x.example/_apis?continuationToken=90&api-version=7.1", "isLastBatch": true});
    let known = |id: &ItemId| (id.as_str() == "8").then(|| held(3)).flatten();
    let listing = reader.fetch_changes(&since(), &known).await.unwrap();
    assert_eq!(ids(&listing), ["8"]);
    assert_eq!(listing.rows[0].version, None, "the revision did not move");
    assert_eq!(listing.watermark.link_token.as_deref(), Some("90"));
}

#[tokio::test]
async fn a_server_without_the_link_feed_is_no_error() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    assert!(reader.fetch_changes(&since(), &|_| None).await.is_ok());
}

#[tokio::test]
async fn a_full_walk_has_revisions_and_is_complete() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![(1..=5_000).collect(), vec![5_001]];
        script.items = BTreeMap::from([(5_001, wire(5_001, 4, "One", "New"))]);
    }
    let listing = reader
        .fetch_changes(&Watermark::default(), &|_| None)
        .await
        .unwrap();
    assert!(listing.complete);
    assert_eq!(listing.rows.len(), 5_001);
    let last = listing.rows.iter().find(|row| row.id.as_str() == "5001");
    assert_eq!(last.unwrap().version, Some(Version(4)));
    let log = server.lock().unwrap().log.clone();
    let queries: Vec<String> = log.iter().map(|sent| sent.2["query"].to_string()).collect();
    let mut pages = queries
        .iter()
        .filter(|query| query.contains("[System.Id] > "));
    assert!(pages.next_back().unwrap().contains("[System.Id] > 5000"));
}

#[tokio::test]
async fn only_a_recycle_bin_row_says_that_an_item_is_gone() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.items = BTreeMap::from([(1, wire(1, 5, "One", "New"))]);
        script.bin = json!([{"id": "2", "code": 200, "deletedDate": "5/1/2026 9:00:00 AM"}, {"id": "3", "code": 404}, null]);
    }
    let asked = ["1", "2", "3", "x"].map(ItemId::from).into();
    let answer = reader.fetch_items(&asked).await.unwrap();
    assert_eq!(answer.len(), 4);
    assert!(
        matches!(&answer[&ItemId::from("1")], Fetched::Seen(item) if item.version == Version(5))
    );
    assert!(
        matches!(&answer[&ItemId::from("2")], Fetched::Gone { evidence } if evidence.ends_with("deleted 2026-05-01 09:00:00"))
    );
    assert!(matches!(
        &answer[&ItemId::from("3")],
        Fetched::Unclear { .. }
    ));
    assert!(matches!(
        &answer[&ItemId::from("x")],
        Fetched::Unclear { .. }
    ));
}

#[tokio::test]
async fn a_marker_is_found_by_exact_comparison_among_recent_items() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    let carrying = |id: i64, comment: &str| {
        let mut item = wire(id, 1, "One", "New");
        item["relations"] = json!([{"rel": "Hyperlink", "url": "https://x.example", "attributes": {"comment": comment}}]);
        (id, item)
    };
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items = BTreeMap::from([
            carrying(1, "sx1:m2"),
            carrying(2, "sx1:m"),
            (3, wire(3, 1, "One", "New")),
        ]);
    }
    let found = reader
        .find_marker(&PairName::from("a"), "sx1:m", at("2026-05-01T11:00:00Z"))
        .await
        .unwrap();
    assert_eq!(found, [ItemId::from("2")]);
    let query = server.lock().unwrap().log[0].2["query"].to_string();
    assert!(
        query.contains("[System.CreatedDate] >= '2026-05-01T11:00:00Z'"),
        "{query}"
    );
}

#[tokio::test]
async fn one_odd_work_item_stops_neither_the_listing_nor_the_others() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        let mut half = wire(1, 5, "One", "New");
        half["fields"]["System.Title"] = json!("a {half}");
        let mut odd = wire(2, 9, "One", "New");
        odd["fields"] = json!(null);
        script.items = BTreeMap::from([(1, half), (2, odd), (3, wire(3, 4, "One", "New"))]);
    }
    let listing = reader.fetch_changes(&since(), &|_| held(1)).await.unwrap();
    assert_eq!(ids(&listing), ["1", "2", "3"]);
    let title = |row: &ListedRow| row.item.as_ref().map(|item| item.title());
    assert_eq!(title(&listing.rows[0]).as_deref(), Some("a \u{fffd}"));
    assert_eq!(title(&listing.rows[1]), None, "to be read by its id");
    assert_eq!(title(&listing.rows[2]).as_deref(), Some("t"));

    server.lock().unwrap().bin = json!({"value": []});
    let asked = ["1", "2", "3"].map(ItemId::from).into();
    let read = reader.fetch_items(&asked).await.unwrap();
    let seen = |id: &str| matches!(read[&ItemId::from(id)], Fetched::Seen(_));
    assert_eq!([seen("1"), seen("2"), seen("3")], [true, false, true]);
    let Fetched::Unclear { reason } = &read[&ItemId::from("2")] else {
        panic!("an item that cannot be read is held, not gone");
    };
    assert!(reason.contains("unknown form"), "{reason}");
}

#[tokio::test]
async fn the_link_feed_has_its_turn_on_a_board_where_somebody_is_always_at_work() {
    for (read, pages) in [("2026-05-01T11:55:00Z", 0), ("2026-05-01T11:40:00Z", 1)] {
        let (server, reader, _) = start(vec![scope("a", "One")]).await;
        {
            let mut script = server.lock().unwrap();
            script.queries = vec![vec![1]];
            script.items = BTreeMap::from([(1, wire(1, 5, "One", "New"))]);
            script.links = json!({"values": [{"sourceId": 8, "targetId": 9}],
                                  "continuationToken": "78", "isLastBatch": true});
        }
        let since = Watermark {
            links_read: Some(at(read)),
            ..since()
        };
        let known = |_: &ItemId| held(4);
        let listing = reader.fetch_changes(&since, &known).await.unwrap();
        let feed = addresses(&server);
        let feed = feed
            .iter()
            .filter(|address| address.contains("workitemlinks"));
        assert_eq!(feed.count(), pages, "{read}");
        let (token, told) = match pages {
            0 => ("77", vec!["1"]),
            _ => ("78", vec!["1", "8", "9"]),
        };
        assert_eq!(listing.watermark.link_token.as_deref(), Some(token));
        assert_eq!(ids(&listing), told);
        let turn = listing.watermark.links_read.unwrap();
        assert_eq!(turn == at(read), pages == 0);
    }
}

#[tokio::test]
async fn a_sweep_reads_the_link_feed_to_its_end_and_keeps_the_place() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().link_pages = (1..=25)
        .map(|n| {
            json!({"values": [{"sourceId": n, "targetId": 100}],
                        "continuationToken": format!("t{n}"), "isLastBatch": n == 25})
        })
        .collect();
    let known = |id: &ItemId| (id.as_str() == "25").then(|| held(3)).flatten();
    let links = reader.fetch_links(&since(), &known).await.unwrap();
    assert_eq!(ids(&links), ["25"]);
    assert_eq!(links.rows[0].version, None);
    assert_eq!(links.watermark.link_token.as_deref(), Some("t25"));
    let first = reader
        .fetch_links(&Watermark::default(), &known)
        .await
        .unwrap();
    assert!(first.rows.is_empty(), "before anything was read");
    assert_eq!(listing_requests(&server), 25);
}

/// A later query of the same look may be answered a second later. What changed in that second among the first one's items
/// was not listed, so the next look must begin at the first answer.
#[tokio::test]
async fn the_next_look_begins_where_the_first_answer_of_this_one_stood() {
    let both = ["a", "b"].map(|pair| Scope {
        // A condition with a macro of the project needs a query of its own.
        condition: Some("[System.TeamProject] = @project".to_owned()),
        ..scope(pair, if pair == "a" { "One" } else { "Two" })
    });
    for full in [true, false] {
        let (server, reader, _) = start(both.to_vec()).await;
        server.lock().unwrap().queries = vec![vec![1], vec![2]];
        let items = [(1, wire(1, 5, "One", "New")), (2, wire(2, 9, "Two", "New"))];
        server.lock().unwrap().items = BTreeMap::from(items);
        let pairs = BTreeSet::from(["a".into(), "b".into()]);
        let listing = match full {
            true => reader.fetch_all(&pairs).await,
            false => reader.fetch_changes(&since(), &|_| None).await,
        };
        let watermark = listing.unwrap().watermark;
        assert_eq!(server.lock().unwrap().answered, 2);
        let first = Some(at("2026-05-01T12:00:00.5Z"));
        assert_eq!(
            (watermark.high, watermark.settled),
            (first, first),
            "full: {full}"
        );
    }
}

/// As between two queries, so between two pages of one.
#[tokio::test]
async fn the_next_look_begins_where_the_first_page_of_a_long_listing_stood() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![(1..=5_000).collect(), vec![5_001]];
    let listing = reader.fetch_all(&BTreeSet::from(["a".into()])).await;
    assert_eq!(server.lock().unwrap().answered, 2);
    let first = Some(at("2026-05-01T12:00:00.5Z"));
    assert_eq!(listing.unwrap().watermark.high, first);
}

#[tokio::test]
async fn an_item_that_two_queries_find_belongs_to_the_pair_with_the_deeper_area() {
    let outer = scope("outer", "One");
    let inner = Scope {
        area: Some(r"One\Web".to_owned()),
        // Another condition, so that the two cannot share a query.
        condition: Some("[System.Tags] CONTAINS 'x'".to_owned()),
        ..scope("inner", "One")
    };
    for scopes in [vec![outer.clone(), inner.clone()], vec![inner, outer]] {
        let (server, reader, _) = start(scopes).await;
        server.lock().unwrap().queries = vec![vec![1], vec![1]];
        let both = ["inner", "outer"].map(PairName::from).into();
        let listing = reader.fetch_all(&both).await.unwrap();
        assert_eq!(ids(&listing), ["1"]);
        assert_eq!(listing.rows[0].pair.0, "inner");
        server.lock().unwrap().queries = vec![vec![1], vec![1]];
        let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
        assert_eq!(ids(&listing), ["1"]);
        assert_eq!(listing.rows[0].pair.0, "inner", "in what changed as well");
    }
}

/// Renaming one changes items, maybe without a revision.
#[tokio::test]
async fn a_sweep_shows_tags_and_a_mapped_iteration_beside_the_revision() {
    let sprint = FieldKey::Custom("Sprint".to_owned());
    let iteration = Some("System.IterationPath".to_owned());
    let iteration = Wanted {
        form: Some(Form::Plain),
        ..Wanted::new(&sprint, Direction::Both, iteration)
    };
    let scope = Scope {
        fields: BTreeMap::from([(sprint.clone(), iteration)]),
        ..scope("a", "One")
    };
    let (server, reader, _) = start(vec![scope]).await;
    server.lock().unwrap().queries = vec![vec![1, 2]];
    let mut tagged = wire(1, 5, "One", "New");
    tagged["fields"]["System.Tags"] = json!("Web; ui");
    tagged["fields"]["System.IterationPath"] = json!(r"One\Sprint 1");
    server.lock().unwrap().items = BTreeMap::from([(1, tagged), (2, wire(2, 9, "One", "New"))]);
    let listing = reader.fetch_all(&BTreeSet::from(["a".into()])).await;
    let rows = listing.unwrap().rows.into_iter();
    let rows: Vec<_> = rows
        .map(|row| (row.version, row.item.is_some(), row.shown))
        .collect();
    let shown = |tags, path| BTreeMap::from([(FieldKey::Tags, tags), (sprint.clone(), path)]);
    let first = shown(
        FieldValue::tags(["ui", "Web"]),
        FieldValue::text(r"One\Sprint 1"),
    );
    let second = shown(FieldValue::Empty, FieldValue::Empty);
    let expected = [
        (Some(Version(5)), false, first),
        (Some(Version(9)), false, second),
    ];
    assert_eq!(rows, expected);
}
