#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::model::ItemId;
use serde_json::json;

fn tasks(rows: &[(&str, i64)]) -> Vec<Task> {
    rows.iter()
        .map(|(id, updated)| {
            serde_json::from_value(
                json!({"id": id, "date_updated": updated.to_string(), "list": {"id": "1"}}),
            )
            .unwrap()
        })
        .collect()
}

#[test]
fn the_order_is_taken_from_the_page_itself() {
    assert_eq!(
        order_of(&tasks(&[("a", 3), ("b", 2), ("c", 2)])),
        Order::NewestFirst
    );
    assert_eq!(order_of(&tasks(&[("a", 1), ("b", 2)])), Order::OldestFirst);
    assert_eq!(order_of(&tasks(&[("a", 2), ("b", 2)])), Order::Unclear);
    assert_eq!(
        order_of(&tasks(&[("a", 1), ("b", 3), ("c", 2)])),
        Order::Unclear
    );
    assert_eq!(order_of(&[]), Order::Unclear);
}

#[test]
fn a_short_page_is_the_last_one_even_if_nothing_says_so() {
    let page = |count: usize, last: Slot<bool>| Page {
        tasks: vec![Task::default(); count],
        last_page: last,
    };
    assert!(is_last(&page(0, Slot::Absent)));
    assert!(is_last(&page(99, Slot::Absent)));
    assert!(is_last(&page(100, Slot::Is(true))));
    assert!(!is_last(&page(100, Slot::Absent)));
    assert!(!is_last(&page(100, Slot::Is(false))));
}

#[test]
fn an_oldest_first_walk_moves_the_time_and_pages_only_through_one_value() {
    assert_eq!(next_key(10, 0, &tasks(&[("a", 11), ("b", 20)])), (19, 0));
    assert_eq!(next_key(19, 0, &tasks(&[("b", 20), ("c", 20)])), (19, 1));
    assert_eq!(next_key(19, 1, &tasks(&[("d", 20), ("e", 30)])), (29, 0));
}

#[test]
fn a_task_seen_twice_counts_once_with_its_later_state() {
    let (mut seen, mut held) = (Seen::default(), BTreeMap::new());
    let mut found = Found::default();
    for (page, unseen) in [
        (tasks(&[("a", 5), ("b", 4)]), 2),
        (tasks(&[("a", 9), ("b", 4), ("a", 5)]), 1),
        // A page of an index that lags, met for the first time.
        (tasks(&[("a", 7)]), 1),
    ] {
        let new = seen.take(page);
        assert_eq!(new.len(), unseen);
        hold(&mut held, found.take(new));
    }
    assert_eq!(found.high(), Some(Timestamp(9)));
    let versions: Vec<_> = held
        .values()
        .map(|task| convert::version(task).unwrap().0)
        .collect();
    assert_eq!(versions, [9, 4]);
}

/// A walk over a large workspace holds no more than one over a small one, and knows its first pages and its latest ones.
#[test]
fn what_a_walk_remembers_does_not_grow_with_the_workspace() {
    let page = |number: usize| -> Vec<Task> {
        let ids: Vec<String> = (0..PAGE_SIZE).map(|n| format!("{number}-{n}")).collect();
        let rows: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 5)).collect();
        tasks(&rows)
    };
    let mut seen = Seen::default();
    for number in 0..1000 {
        assert_eq!(seen.take(page(number)).len(), PAGE_SIZE, "{number}");
        assert_eq!(seen.take(page(number)).len(), 0, "page {number} again");
        let before = number.saturating_sub(40);
        assert_eq!(seen.take(page(before)).len(), 0, "page {before}");
    }
    for number in 0..50 {
        assert_eq!(seen.take(page(number)).len(), 0, "page {number}");
    }
    assert!(seen.held() <= 150 * PAGE_SIZE, "{}", seen.held());
    let mut small = Seen::default();
    (0..100).for_each(|number| drop(small.take(page(number))));
    assert_eq!(small.held(), 100 * PAGE_SIZE, "nothing is forgotten");
}

#[test]
fn an_odd_row_of_a_listing_costs_that_row_only() {
    let mut rows: Vec<_> = [
        json!({"list": {"id": "1"}}),
        json!({"id": "b", "list": 7}),
        json!({"id": {"odd": true}, "list": {"id": "1"}}),
        json!(null),
        json!("text"),
        json!([]),
    ]
    .into();
    rows.resize(PAGE_SIZE - 1, json!(null));
    rows.push(json!({"id": "a", "date_updated": "5", "list": {"id": "1"}}));
    let page: Page = serde_json::from_value(json!({"tasks": rows})).unwrap();
    assert!(!is_last(&page), "odd rows count for the length of a page");
    let new = Seen::default().take(page.tasks);
    let ids: Vec<_> = new.iter().filter_map(convert::task_id).collect();
    assert_eq!(ids, [ItemId::from("a")]);
}

#[test]
fn list_filters_repeat_the_bracketed_name() {
    let query = Query::of_workspace("9", ["1", "2"], "updated", Priority::Live);
    let lists: Vec<_> = query
        .params
        .iter()
        .filter(|(name, _)| *name == "list_ids[]")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(lists, ["1", "2"]);
    assert!(query.params.contains(&("subtasks", "true".into())));
    assert!(query.params.contains(&("include_closed", "true".into())));
}
