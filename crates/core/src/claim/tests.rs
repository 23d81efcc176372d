use super::*;
use proptest::prelude::*;

const MINE: &str = "aaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbb";
const HERE: Me<'static> = Me {
    instance: MINE,
    place: "here",
};

fn claim(instance: &str, counter: u64, nonce: &str) -> Claim {
    Claim {
        pair: PairName::from("web"),
        instance: instance.to_owned(),
        counter,
        nonce: nonce.to_owned(),
        at: Timestamp(1_790_000_000_000),
        host: "build-1".to_owned(),
    }
}

fn own(held: Option<Claim>, wanted: Option<Claim>) -> Own {
    Own {
        held,
        wanted,
        place: "here".to_owned(),
        wanted_place: "here".to_owned(),
        since: Some(Timestamp(1)),
    }
}

fn decide(found: &[Claim], own: &Own) -> Verdict {
    judge(found, own, HERE, &PairName::from("web"), "ADO 7")
}

fn one(claim: &Claim) -> &[Claim] {
    std::slice::from_ref(claim)
}

#[track_caller]
fn taken(verdict: Verdict, parts: &[&str]) {
    let Verdict::Taken(why) = verdict else {
        panic!("{verdict:?}");
    };
    for part in parts
        .iter()
        .chain(&["ADO 7", "boardsync links takeover web"])
    {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn an_item_without_a_claim_is_free_whatever_is_remembered() {
    assert_eq!(decide(&[], &Own::default()), Verdict::Free);
    let held = Some(claim(MINE, 3, "n3"));
    assert_eq!(decide(&[], &own(held, None)), Verdict::Free);
}

#[test]
fn what_the_database_holds_or_was_about_to_hold_is_ours() {
    let (held, wanted) = (claim(MINE, 3, "n3"), claim(MINE, 4, "n4"));
    let both = own(Some(held.clone()), Some(wanted.clone()));
    // Killed before the request arrived, and after it.
    assert_eq!(decide(one(&held), &both), Verdict::Ours(held.clone()));
    assert_eq!(decide(one(&wanted), &both), Verdict::Ours(wanted.clone()));
    // The first claim of all, killed before it was recorded as held.
    let first = own(None, Some(wanted.clone()));
    assert_eq!(decide(one(&wanted), &first), Verdict::Ours(wanted));
}

#[test]
fn another_installation_is_named_with_its_machine_and_time() {
    let other = claim(OTHER, 9, "x");
    for own in [Own::default(), own(Some(claim(MINE, 12, "n")), None)] {
        taken(
            decide(one(&other), &own),
            &["another boardsync", "build-1", OTHER, "2026-"],
        );
    }
}

#[test]
fn a_claim_that_is_only_in_the_way_beside_ours_stops_us_too() {
    let mine = claim(MINE, 3, "n3");
    let held = own(Some(mine.clone()), None);
    taken(decide(&[mine, claim(OTHER, 3, "x")], &held), &["another"]);
}

#[test]
fn a_renewal_that_this_database_knows_nothing_of_means_a_copy_or_a_restore() {
    let held = own(Some(claim(MINE, 3, "n3")), None);
    taken(
        decide(&[claim(MINE, 4, "n4")], &held),
        &["number 4", "number 3", "copied", "backup"],
    );
    // Both copies renewed from the same number: the nonce tells them apart.
    let mine = own(Some(claim(MINE, 3, "n3")), Some(claim(MINE, 4, "mine")));
    taken(decide(&[claim(MINE, 4, "theirs")], &mine), &["copied"]);
    taken(
        decide(&[claim(MINE, 4, "n4")], &Own::default()),
        &["it knows of none"],
    );
}

#[test]
fn a_copy_in_another_place_is_stopped_before_anybody_renews() {
    let held = own(Some(claim(MINE, 3, "n3")), None);
    let found = [claim(MINE, 3, "n3")];
    let there = Me {
        place: "there",
        ..HERE
    };
    let pair = PairName::from("web");
    let why = judge(&found, &held, there, &pair, "ADO 7");
    taken(why, &["another machine or folder"]);
    // A place that is not known says nothing.
    for (mine, now) in [("", "there"), ("here", "")] {
        let own = Own {
            place: mine.to_owned(),
            ..held.clone()
        };
        let me = Me { place: now, ..HERE };
        let verdict = judge(&found, &own, me, &pair, "ADO 7");
        assert_eq!(verdict, Verdict::Ours(found[0].clone()));
    }
}

#[test]
fn a_lost_key_does_not_lock_the_database_out_of_its_own_claim() {
    let before = claim(OTHER, 3, "n3");
    let held = own(Some(before.clone()), None);
    assert_eq!(decide(one(&before), &held), Verdict::Ours(before));
}

#[test]
fn claims_of_other_pairs_and_other_text_are_nobodys_business() {
    let pair = PairName::from("web");
    let mut elsewhere = claim(OTHER, 1, "x");
    elsewhere.pair = PairName::from("api");
    let mine = claim(MINE, 1, "n");
    let texts = [
        elsewhere.to_string(),
        "sxc1:web:cut".to_owned(),
        "sx1:web:ado:1:0:abcdef12".to_owned(),
        format!(" {mine}\n"),
    ];
    assert_eq!(on_pair(&texts, &pair), [mine]);
}

#[test]
fn a_claim_is_no_marker() {
    assert_eq!(crate::marker::parse(&claim(MINE, 1, "n").to_string()), None);
    assert!(!PREFIX.starts_with(crate::marker::PREFIX));
}

#[test]
fn a_name_keeps_only_what_a_claim_can_hold() {
    assert_eq!(host(" build:1\n<b> "), "build1b");
    assert_eq!(host(&"x".repeat(100)).len(), 40);
}

proptest! {
    #[test]
    fn a_claim_is_read_back_as_written(pair in "[A-Za-z0-9._-]{1,20}", counter: u64, at: i64, name in ".{0,60}") {
        let claim = Claim {
            pair: PairName(pair),
            counter,
            at: Timestamp(at),
            host: host(&name),
            ..claim(MINE, 0, "0123456789abcdef")
        };
        prop_assert_eq!(parse(&claim.to_string()), Some(claim));
    }

    #[test]
    fn foreign_text_is_never_a_panic(text in "(sxc1:)?[a-z0-9:-]{0,30}|.{0,40}") {
        let _ = parse(&text);
    }

    /// Of any number of installations at most one is ever told that the pair is its own: the one that knows the claim.
    #[test]
    fn one_claim_is_never_two_installations_own(
        counters in prop::collection::vec((0..3_u64, 0..3_u8), 2..5), found in any::<prop::sample::Index>(),
    ) {
        let instances = counters.iter().enumerate().map(|(n, (counter, nonce))| {
            claim(&format!("{n:012x}"), *counter, &nonce.to_string())
        });
        let all: Vec<Claim> = instances.collect();
        let found = found.get(&all).clone();
        let ours = all.iter().filter(|mine| {
            let own = own(Some((*mine).clone()), None);
            let me = Me { instance: &mine.instance, place: "here" };
            judge(one(&found), &own, me, &PairName::from("web"), "ADO 7") == Verdict::Ours(found.clone())
        });
        prop_assert_eq!(ours.count(), 1);
    }
}
