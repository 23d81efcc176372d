//! A pair whose area is gone stops alone.

use super::scope;
use super::server::{Server, addresses, at, start, wire};
use crate::azure::*;
use serde_json::json;

fn in_area(pair: &str, project: &str, area: &str) -> Scope {
    let mut one = scope(pair, project);
    one.area = Some(area.to_owned());
    one
}

fn since() -> Watermark {
    Watermark {
        high: Some(at("2026-05-01T11:59:30Z")),
        link_token: Some("77".to_owned()),
        ..Watermark::default()
    }
}

fn queries(server: &Server) -> usize {
    let seen = addresses(server);
    seen.iter()
        .filter(|address| address.contains("/wiql"))
        .count()
}

fn pairs(listing: &Listing) -> Vec<&str> {
    listing.rows.iter().map(|row| row.pair.0.as_str()).collect()
}

#[tokio::test]
async fn a_pair_whose_area_is_gone_stops_alone_and_by_name() {
    let scopes = vec![
        in_area("a", "One", r"One\Web"),
        in_area("b", "Two", r"Two\Old"),
        scope("c", "Three"),
    ];
    let (server, reader, _) = start(scopes).await;
    let quiet = json!({"values": [], "continuationToken": "78", "isLastBatch": true});
    {
        let mut script = server.lock().unwrap();
        script.gone = Some(r"Two\Old".to_owned());
        script.queries = vec![vec![1], vec![2]];
        script.items = BTreeMap::from([
            (1, wire(1, 5, "One", "New")),
            (2, wire(2, 5, "Three", "New")),
        ]);
        script.links = quiet;
    }
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    assert_eq!(pairs(&listing), ["a", "c"]);
    let error = &listing.failed[&PairName::from("b")];
    assert_eq!(listing.failed.len(), 1);
    assert!(
        error.message.contains("pair b") && error.message.contains(r"Two\Old"),
        "{error}"
    );
    assert_eq!(error.code.as_deref(), Some("TF51011"));
    assert_eq!(queries(&server), 4, "the shared one, then each apart");
    // From then on the others share again.
    server.lock().unwrap().queries = vec![vec![]];
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    assert!(listing.rows.is_empty() && listing.failed.contains_key(&PairName::from("b")));
    assert_eq!(queries(&server), 6);
    // And all of them once the path is there again.
    for expected in [8, 9] {
        {
            let mut script = server.lock().unwrap();
            script.gone = None;
            script.queries = vec![vec![], vec![]];
        }
        let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
        assert!(listing.failed.is_empty());
        assert_eq!(queries(&server), expected);
    }
}

#[tokio::test]
async fn a_full_walk_tells_the_pair_whose_area_is_gone_too() {
    let scopes = vec![
        in_area("a", "One", r"One\Web"),
        in_area("b", "One", r"One\Old"),
    ];
    let (server, reader, _) = start(scopes).await;
    {
        let mut script = server.lock().unwrap();
        script.gone = Some(r"One\Old".to_owned());
        script.queries = vec![vec![1]];
        script.items = BTreeMap::from([(1, wire(1, 5, "One", "New"))]);
    }
    let both = ["a", "b"].map(PairName::from).into();
    let listing = reader.fetch_all(&both).await.unwrap();
    assert_eq!(pairs(&listing), ["a"]);
    assert!(listing.failed.contains_key(&PairName::from("b")));
}

#[tokio::test]
async fn an_outage_is_no_fault_of_a_pair() {
    let (_server, reader, _) = start(vec![scope("a", "One"), scope("b", "Two")]).await;
    // The script has no answer for a query, so the connection breaks.
    assert!(reader.fetch_changes(&since(), &|_| None).await.is_err());
}

/// The feed of changed links knows no areas, so it names items of that pair all the same.
#[tokio::test]
async fn nothing_is_told_of_a_pair_whose_area_is_gone() {
    let scopes = vec![
        in_area("a", "One", r"One\Web"),
        in_area("b", "Two", r"Two\Old"),
    ];
    let (server, reader, _) = start(scopes).await;
    {
        let mut script = server.lock().unwrap();
        script.gone = Some(r"'Two\Old'".to_owned());
        script.queries = vec![vec![]];
        let mut web = wire(1, 5, "One", "New");
        web["fields"]["System.AreaPath"] = json!(r"One\Web");
        let mut old = wire(2, 5, "Two", "New");
        old["fields"]["System.AreaPath"] = json!(r"Two\Old\Deep");
        script.items = BTreeMap::from([(1, web), (2, old)]);
        script.links = json!({"values": [{"sourceId": 1, "targetId": 2}],
                              "continuationToken": "78", "isLastBatch": true});
    }
    let known = |_: &ItemId| {
        Some(Known {
            version: crate::model::Version(1),
            changed_at: at("2026-05-01T11:00:00Z"),
        })
    };
    let listing = reader.fetch_changes(&since(), &known).await.unwrap();
    assert!(listing.failed.contains_key(&PairName::from("b")));
    assert_eq!(pairs(&listing), ["a"]);
}
