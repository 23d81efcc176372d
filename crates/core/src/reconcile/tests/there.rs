//! The table of cases: what a read and the listings say of an item -> whether it is there.

use super::*;
use crate::fixture;

const NOW: Timestamp = Timestamp(100_000_000);
const GONE_MS: i64 = 600_000;

/// What follows, in short.
#[derive(Debug, PartialEq, Eq)]
enum Is {
    Seen,
    Out,
    Gone,
    Missing,
    Unclear,
}

fn is(presence: &Presence) -> Is {
    match presence {
        Presence::Seen(_) => Is::Seen,
        Presence::OutOfScope(_) => Is::Out,
        Presence::Gone { .. } => Is::Gone,
        Presence::Missing { .. } => Is::Missing,
        Presence::Unclear { .. } => Is::Unclear,
    }
}

fn place(covers: Option<bool>, listed: bool, swept: bool, was_out: bool) -> Place {
    Place {
        covers,
        listed,
        swept,
        was_out,
    }
}

/// An item that changed so long ago.
fn changed(ago: i64) -> Item {
    Item {
        changed_at: NOW.plus_ms(-ago),
        ..fixture::item(Side::ClickUp, "t", "T")
    }
}

fn facts(side: Side, found: Found<'_>, place: Place) -> Facts<'_> {
    Facts {
        side,
        found,
        place,
        missing_since: None,
        now: NOW,
        gone_ms: GONE_MS,
    }
}

#[test]
fn an_item_that_was_read_is_in_the_pair_or_out_of_it() {
    let old = INDEX_LAG_MS;
    // (its place, listed, all listed, was out, changed so long ago, what follows, why)
    let rows = [
        (
            Some(true),
            false,
            false,
            false,
            old,
            Is::Seen,
            Next::Nothing,
            "its place is the pair's",
        ),
        (
            Some(false),
            true,
            true,
            false,
            old,
            Is::Out,
            Next::Nothing,
            "its place is another",
        ),
        (
            Some(true),
            false,
            true,
            false,
            old,
            Is::Out,
            Next::Nothing,
            "a full listing lacks it: a condition",
        ),
        (
            Some(true),
            false,
            true,
            false,
            0,
            Is::Out,
            Next::Sweep,
            "the listing may lag behind its change",
        ),
        (
            Some(false),
            false,
            true,
            false,
            0,
            Is::Out,
            Next::Sweep,
            "the same, whatever its place says",
        ),
        (
            None,
            true,
            true,
            true,
            old,
            Is::Seen,
            Next::Nothing,
            "it is back: a full listing has it",
        ),
        (
            None,
            false,
            true,
            false,
            old,
            Is::Out,
            Next::Nothing,
            "a full listing lacks it",
        ),
        (
            None,
            true,
            false,
            true,
            old,
            Is::Seen,
            Next::Nothing,
            "what changed names it, so it is back",
        ),
        (
            None,
            false,
            false,
            true,
            old,
            Is::Out,
            Next::Nothing,
            "nothing says that it is back",
        ),
        (
            None,
            false,
            false,
            false,
            0,
            Is::Seen,
            Next::Nothing,
            "nothing says that it left",
        ),
    ];
    for (covers, listed, swept, was_out, ago, expected, next, because) in rows {
        let item = changed(ago);
        let place = place(covers, listed, swept, was_out);
        let facts = facts(Side::ClickUp, Found::Item(&item), place);
        let (presence, found) = presence(&facts);
        assert_eq!((is(&presence), found), (expected, next), "{because}");
    }
}

#[test]
fn an_item_is_gone_on_evidence_only() {
    let ago = |ms: i64| Some(NOW.plus_ms(-ms));
    let ask = |ms: i64| Next::Ask {
        since: NOW.plus_ms(-ms),
    };
    let bin = Found::Gone("in the recycle bin");
    // (side, what was read, missed since, what follows, why)
    let rows = [
        (
            Side::Ado,
            bin,
            None,
            Is::Gone,
            Next::Nothing,
            "a recycle bin proves it",
        ),
        (
            Side::ClickUp,
            bin,
            None,
            Is::Missing,
            ask(0),
            "one answer proves nothing",
        ),
        (
            Side::ClickUp,
            bin,
            ago(GONE_MS - 1),
            Is::Missing,
            ask(GONE_MS - 1),
            "the two are too close",
        ),
        (
            Side::ClickUp,
            bin,
            ago(GONE_MS),
            Is::Gone,
            Next::Nothing,
            "two answers far enough apart",
        ),
        (
            Side::ClickUp,
            bin,
            ago(-1),
            Is::Missing,
            ask(-1),
            "the clock was set back",
        ),
        (
            Side::Ado,
            Found::Unclear("hidden"),
            None,
            Is::Unclear,
            Next::Nothing,
            "it can't be read",
        ),
        (
            Side::ClickUp,
            Found::Unclear("hidden"),
            ago(GONE_MS),
            Is::Unclear,
            Next::Nothing,
            "however long it was missed",
        ),
        (
            Side::Ado,
            Found::Nothing,
            None,
            Is::Unclear,
            Next::Nothing,
            "nobody asked",
        ),
    ];
    for (side, found, missing_since, expected, next, because) in rows {
        let facts = Facts {
            missing_since,
            ..facts(side, found, place(Some(true), false, true, false))
        };
        let (presence, found) = presence(&facts);
        assert_eq!((is(&presence), found), (expected, next), "{because}");
    }
}

#[test]
fn an_answer_older_than_what_was_seen_is_not_believed() {
    let [earlier, later] = [Version(1), Version(2)];
    assert!(older(Side::Ado, earlier, Some(later)).is_some());
    assert_eq!(older(Side::Ado, later, Some(later)), None);
    assert_eq!(older(Side::Ado, later, Some(earlier)), None);
    assert_eq!(older(Side::Ado, earlier, None), None);
}

#[test]
fn nothing_follows_a_deletion_where_the_counterpart_may_have_left_the_pair() {
    let seen = || Presence::Seen(Box::new(changed(0)));
    let [lag, fresh] = [INDEX_LAG_MS, INDEX_LAG_MS - 1];
    // (its place, listed, changed so long ago, the counterpart is gone, doubted, why)
    let rows = [
        (
            None,
            true,
            lag,
            true,
            false,
            "a listing shows it since its last change",
        ),
        (
            None,
            true,
            fresh,
            true,
            true,
            "the listing may be older than its change",
        ),
        (
            None,
            true,
            -1,
            true,
            true,
            "a change in the future is no older than the listing",
        ),
        (None, false, lag, true, true, "no listing shows it"),
        (
            Some(true),
            false,
            fresh,
            true,
            false,
            "its place says that it is in the pair",
        ),
        (None, false, fresh, false, false, "its counterpart is there"),
    ];
    for (covers, listed, ago, deleted, doubt, because) in rows {
        let item = changed(ago);
        let place = place(covers, listed, false, false);
        let facts = facts(Side::ClickUp, Found::Item(&item), place);
        let own = Presence::Seen(Box::new(item.clone()));
        let counterpart = match deleted {
            true => fixture::gone(),
            false => seen(),
        };
        let doubted = doubted(&facts, &own, &counterpart);
        assert_eq!(doubted.is_some(), doubt, "{because}");
    }
    let item = changed(0);
    let unlisted = place(None, false, false, false);
    let facts = facts(Side::ClickUp, Found::Item(&item), unlisted);
    let out = Presence::OutOfScope(Box::new(changed(0)));
    assert_eq!(
        doubted(&facts, &out, &fixture::gone()),
        None,
        "what left is not touched anyway"
    );
}

#[test]
fn a_link_is_in_its_pair_where_both_items_are() {
    let item = || Box::new(changed(0));
    let hidden = || Presence::Unclear {
        reason: "hidden".to_owned(),
    };
    let back = place(None, true, true, true);
    let both = |place| Sided::build(|_| place);
    let not_listed = Sided {
        ado: back,
        clickup: place(None, false, true, true),
    };
    // (ADO, ClickUp, where they are, in the pair, why)
    let rows = [
        (
            Presence::Seen(item()),
            Presence::Seen(item()),
            both(back),
            Some(Scope::Inside),
            "both were read there",
        ),
        (
            Presence::Seen(item()),
            Presence::OutOfScope(item()),
            both(back),
            Some(Scope::Outside),
            "one has left",
        ),
        (
            Presence::Seen(item()),
            hidden(),
            both(back),
            Some(Scope::Inside),
            "a full listing has both again, though one can't be read",
        ),
        (
            Presence::Seen(item()),
            hidden(),
            not_listed,
            None,
            "the one that can't be read is in no listing",
        ),
        (
            Presence::Seen(item()),
            hidden(),
            both(place(None, true, false, true)),
            None,
            "it was no full listing",
        ),
        (
            Presence::Seen(item()),
            hidden(),
            both(place(None, true, true, false)),
            None,
            "neither had left",
        ),
        (
            fixture::gone(),
            Presence::OutOfScope(item()),
            both(place(None, false, true, false)),
            None,
            "one is gone, so another rule decides",
        ),
    ];
    for (ado, clickup, places, expected, because) in rows {
        let now = Sided { ado, clickup };
        assert_eq!(scope(&now, &places), expected, "{because}");
    }
}
