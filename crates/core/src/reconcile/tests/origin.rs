//! The table of cases: facts of an unlinked item -> where it came from.

use super::*;
use crate::fixture;

const PAIR: &str = "web";

fn tie(pair: &str, counterpart: &str, generation: u32, standing: Standing) -> Tie {
    Tie {
        pair: pair.into(),
        counterpart: counterpart.into(),
        generation,
        standing,
    }
}

/// A marker of ours that names an item of a side, with the links of that item.
fn ours(pair: &str, side: Side, id: &str, generation: u32, ties: &[Tie]) -> Mark {
    Mark::Ours {
        marker: Marker {
            pair: pair.into(),
            side,
            id: id.into(),
            generation,
            tag: String::new(),
        },
        has_pair: pair != "gone",
        ties: ties.to_vec(),
    }
}

/// A create of the pair for an item, with what was sent as its title and when, by the target's clock. Its marker is of the
/// first generation.
struct Create(&'static str, Side, &'static str, &'static str, i64);

/// One case: the reason in words, what is known of task `t`, and what follows.
struct Case {
    because: &'static str,
    creates: Vec<Create>,
    /// Whether they wait for a person.
    stuck: bool,
    ties: Vec<Tie>,
    marks: Vec<Mark>,
    origin: Origin,
}

impl Case {
    fn new(because: &'static str, origin: impl Into<Origin>) -> Case {
        Case {
            because,
            creates: Vec::new(),
            stuck: false,
            ties: Vec::new(),
            marks: Vec::new(),
            origin: origin.into(),
        }
    }

    fn ties(mut self, ties: impl IntoIterator<Item = Tie>) -> Case {
        self.ties.extend(ties);
        self
    }

    fn mark(mut self, mark: Mark) -> Case {
        self.marks.push(mark);
        self
    }

    fn create(mut self, create: Create) -> Case {
        self.creates.push(create);
        self
    }

    fn stuck(mut self) -> Case {
        self.stuck = true;
        self
    }
}

impl From<OriginWhy> for Origin {
    fn from(why: OriginWhy) -> Origin {
        held(why)
    }
}

fn former(of: &str) -> Origin {
    Origin::Former { of: of.into() }
}

fn copy(of: &str, counterpart: &str, linked: bool) -> OriginWhy {
    OriginWhy::CopyOrTwin {
        side: Side::Ado,
        item: of.into(),
        counterpart: counterpart.into(),
        linked,
    }
}

fn came_back(counterpart: &str) -> OriginWhy {
    OriginWhy::CameBack {
        counterpart: counterpart.into(),
    }
}

fn open_in(pair: Option<&str>) -> OriginWhy {
    OriginWhy::CreateOpen {
        sent: Timestamp(7),
        pair: pair.map(PairName::from),
    }
}

fn titled(item: &str) -> OriginWhy {
    OriginWhy::TitleOfCreate {
        side: Side::Ado,
        item: item.into(),
        sent: Timestamp(7),
    }
}

fn by_links() -> Vec<Case> {
    use Standing::*;
    vec![
        Case::new("nothing is known of it: a person made it", Origin::Person),
        Case::new(
            "it is linked in another pair, so it moved here, and a second counterpart would be a twin",
            OriginWhy::LinkedElsewhere {
                item: "t".into(),
                counterpart: "9".into(),
                pair: "app".into(),
            },
        )
        .ties([tie("app", "9", 1, Living)]),
        Case::new(
            "its link in this pair was ended by hand, so it stays alone",
            Origin::Tombstone,
        )
        .ties([tie(PAIR, "1", 1, Ended)]),
        Case::new(
            "its link in another pair was ended by hand, so its counterpart may follow it here",
            former("1"),
        )
        .ties([tie("app", "1", 1, Ended)]),
        Case::new(
            "its counterpart was deleted and it stayed behind on purpose",
            Origin::Tombstone,
        )
        .ties([tie(PAIR, "1", 1, Deleted(Side::Ado))]),
        Case::new(
            "what it was linked to in another pair is gone, so here it is as good as new",
            Origin::Person,
        )
        .ties([tie("app", "1", 1, Deleted(Side::Ado))]),
        Case::new("it was deleted itself and is there again", came_back("1"))
            .ties([tie(PAIR, "1", 1, Deleted(Side::ClickUp))]),
        Case::new(
            "its newest link counts: after one in the other pair it was linked and ended here",
            Origin::Tombstone,
        )
        .ties([tie("app", "1", 1, Ended), tie(PAIR, "2", 2, Ended)]),
    ]
}

fn made(item: &str) -> OriginWhy {
    OriginWhy::MadeByOpenCreate {
        side: Side::Ado,
        item: item.into(),
        sent: Timestamp(7),
    }
}

fn by_markers_of_creates() -> Vec<Case> {
    let of = |pair, item| Create(pair, Side::Ado, item, "T", 0);
    let names = |pair, generation| ours(pair, Side::Ado, "1", generation, &[]);
    let counterpart = |generation| Origin::Counterpart {
        of: "1".into(),
        generation,
    };
    vec![
        Case::new(
            "it is what the open create made, and what that has sent is known: it is linked with that as its base",
            made("1"),
        )
        .create(of(PAIR, "1"))
        .mark(names(PAIR, 1)),
        Case::new(
            "the open create waits for a person, so that the marker is all that links the two",
            counterpart(1),
        )
        .create(of(PAIR, "1"))
        .stuck()
        .mark(names(PAIR, 1)),
        Case::new(
            "the open create is for another work item",
            counterpart(1),
        )
        .create(of(PAIR, "2"))
        .mark(names(PAIR, 1)),
        Case::new(
            "its marker is older than that of the open create, which made another task",
            counterpart(0),
        )
        .create(of(PAIR, "1"))
        .mark(names(PAIR, 0)),
        Case::new(
            "the place of the create may be gone for good, and the two have come together in another pair",
            former("1"),
        )
        .create(of("app", "1"))
        .mark(names("app", 1)),
    ]
}

fn by_creates() -> Vec<Case> {
    let of = |pair, side, item| Create(pair, side, item, "T", 0);
    vec![
        Case::new(
            "a create for it had no answer: its counterpart may be there",
            open_in(None),
        )
        .create(of(PAIR, Side::ClickUp, "t")),
        Case::new(
            "the create is that of the pair where it was before",
            open_in(Some("app")),
        )
        .create(of("app", Side::ClickUp, "t")),
        Case::new(
            "a create without an answer had this title, so it may be what was made, its marker taken out",
            titled("1"),
        )
        .create(of(PAIR, Side::Ado, "1")),
        Case::new(
            "it is older than the request by more than clocks differ",
            Origin::Person,
        )
        .create(Create(PAIR, Side::Ado, "1", "T", PROBE_MARGIN_MS + 1)),
        Case::new("another title was sent", Origin::Person).create(Create(
            PAIR,
            Side::Ado,
            "1",
            "other",
            0,
        )),
        Case::new(
            "the create went to the side of its source, so it made no task",
            Origin::Person,
        )
        .create(of(PAIR, Side::ClickUp, "u")),
        Case::new(
            "it had a link, so it was there before and is not what was made",
            Origin::Tombstone,
        )
        .create(of(PAIR, Side::Ado, "1"))
        .ties([tie(PAIR, "2", 1, Standing::Ended)]),
        Case::new(
            "the open create for it counts before what a marker says",
            open_in(None),
        )
        .create(of(PAIR, Side::ClickUp, "t"))
        .mark(Mark::Strangers),
    ]
}

fn by_markers() -> Vec<Case> {
    use Standing::*;
    let names = |pair, generation, ties: &[Tie]| ours(pair, Side::Ado, "1", generation, ties);
    vec![
        Case::new(
            "another installation made it, which has its counterpart",
            OriginWhy::StrangersMarker,
        )
        .mark(Mark::Strangers),
        Case::new(
            "we made it for work item 1, and the record of that is lost",
            Origin::Counterpart {
                of: "1".into(),
                generation: 1,
            },
        )
        .mark(names(PAIR, 1, &[])),
        Case::new(
            "we made it for work item 1 in another pair, so both may have moved here",
            former("1"),
        )
        .mark(names("app", 1, &[])),
        Case::new(
            "work item 1 is linked to another task, so this one is a copy",
            copy("1", "u", true),
        )
        .mark(names(PAIR, 1, &[tie(PAIR, "u", 1, Living)])),
        Case::new(
            "the link says it also where the marker's pair has another name by now",
            copy("1", "u", true),
        )
        .mark(names("gone", 1, &[tie(PAIR, "u", 1, Living)])),
        Case::new(
            "work item 1 was linked to another task and is gone: joined to it, this one would be deleted as well",
            copy("1", "u", false),
        )
        .mark(names(PAIR, 1, &[tie(PAIR, "u", 1, Deleted(Side::Ado))])),
        Case::new(
            "the marker is newer than that link, so it was made anew for work item 1",
            Origin::Counterpart {
                of: "1".into(),
                generation: 2,
            },
        )
        .mark(names(PAIR, 2, &[tie(PAIR, "u", 1, Ended)])),
        Case::new(
            "the pair has another name by now, and its counterpart exists",
            OriginWhy::UnknownPairsMarker {
                pair: "gone".into(),
            },
        )
        .mark(names("gone", 1, &[])),
        Case::new(
            "the marker is that of the link that was ended by hand",
            Origin::Tombstone,
        )
        .ties([tie(PAIR, "1", 1, Ended)])
        .mark(names(PAIR, 1, &[tie(PAIR, "t", 1, Ended)])),
        Case::new(
            "of its two links the newest is in another pair, so what that made of it counts",
            former("2"),
        )
        .ties([tie(PAIR, "1", 1, Ended), tie("app", "2", 2, Ended)])
        .mark(names(PAIR, 1, &[])),
        Case::new(
            "a marker that names a task says nothing of a task, so the next one counts",
            Origin::Counterpart {
                of: "1".into(),
                generation: 1,
            },
        )
        .mark(ours(PAIR, Side::ClickUp, "u", 1, &[]))
        .mark(names(PAIR, 1, &[])),
    ]
}

#[test]
fn each_item_comes_from_where_its_facts_say() {
    let pair = PairName::from(PAIR);
    let item = fixture::item(Side::ClickUp, "t", "T");
    for case in by_links()
        .into_iter()
        .chain(by_creates())
        .chain(by_markers())
        .chain(by_markers_of_creates())
    {
        let titles = case.creates.iter();
        let fields: Vec<BTreeMap<FieldKey, FieldValue>> = titles
            .map(|create| BTreeMap::from([(FieldKey::Title, FieldValue::text(create.3))]))
            .collect();
        let named: Vec<(PairName, ItemId)> = case
            .creates
            .iter()
            .map(|create| (create.0.into(), create.2.into()))
            .collect();
        let creates = case.creates.iter().zip(&fields).zip(&named);
        let creates = creates.map(|((create, fields), (pair, id))| OpenCreate {
            pair,
            side: create.1,
            item: id,
            sent: Timestamp(7),
            server_t0: Some(item.created_at.plus_ms(create.4)),
            fields,
            generation: 1,
            stuck: case.stuck,
        });
        let facts = Facts {
            pair: &pair,
            side: Side::ClickUp,
            item: &item,
            creates: creates.collect(),
            ties: case.ties,
            marks: case.marks,
        };
        assert_eq!(origin(&facts), case.origin, "{}", case.because);
    }
}

#[test]
fn an_item_that_another_item_names_waits_for_it_unless_that_is_in_the_same_pair() {
    let (web, app, by) = (PairName::from(PAIR), PairName::from("app"), "1".into());
    let away = |pair: Option<&PairName>| {
        held(OriginWhy::CounterpartAway {
            side: Side::Ado,
            item: "1".into(),
            pair: pair.cloned(),
        })
    };
    let unread = held(OriginWhy::NamedByMarker {
        side: Side::Ado,
        item: "1".into(),
        unread: true,
    });
    // (who names it, who did and cannot be read, what follows, why)
    let rows = [
        (None, None, Origin::Person, "nobody names it"),
        (
            Some((Some(&web), &by)),
            None,
            Origin::Person,
            "the two are in this pair, so the reconciler links them",
        ),
        (
            Some((Some(&app), &by)),
            None,
            away(Some(&app)),
            "its counterpart is in another pair",
        ),
        (
            Some((None, &by)),
            None,
            away(None),
            "its counterpart left this pair, wherever it went",
        ),
        (
            None,
            Some(&by),
            unread,
            "who named it cannot be read, and may name it still",
        ),
        (
            Some((Some(&app), &by)),
            Some(&by),
            away(Some(&app)),
            "what was read counts before what was not",
        ),
    ];
    for (carrier, unread, expected, because) in rows {
        let by = NamedBy { carrier, unread };
        let origin = origin_of_named(&web, Side::ClickUp, by);
        assert_eq!(origin, expected, "{because}");
    }
}

#[test]
fn an_item_has_left_where_its_place_or_else_the_listings_say_so() {
    // (its place, the listings, all listed, left, may have left)
    let rows = [
        (
            Some(true),
            None,
            true,
            false,
            false,
            "its place is the pair's",
        ),
        (
            Some(false),
            Some(true),
            true,
            true,
            false,
            "its place is another",
        ),
        (None, Some(true), false, false, false, "listed here"),
        (
            None,
            Some(false),
            false,
            true,
            true,
            "listed in another pair",
        ),
        (None, None, true, true, true, "a full listing lacks it"),
        (
            None,
            None,
            false,
            false,
            true,
            "nothing listed it, and nothing had to",
        ),
    ];
    for (covers, listed, swept, left, may, because) in rows {
        let place = Place {
            covers,
            listed,
            swept,
        };
        assert_eq!(place.has_left(), left, "{because}");
        let now = Version(2);
        let unsure = place.may_have_left(&Origin::Person, now, Some(Version(1)));
        assert_eq!(unsure, may, "{because}");
        assert!(
            !place.may_have_left(&Origin::Person, now, Some(now)),
            "a listing showed this very version: {because}"
        );
        assert!(
            !place.may_have_left(&Origin::Tombstone, now, None),
            "nothing is made of it anyway: {because}"
        );
    }
}

#[test]
fn what_a_marker_said_before_counts_until_a_full_listing() {
    let named = HoldWhy::from(OriginWhy::NamedByMarker {
        side: Side::Ado,
        item: "1".into(),
        unread: true,
    });
    let other = HoldWhy::from(OriginWhy::StrangersMarker);
    let before = [other.clone(), named.clone()];
    // (where it seems to come from, full listing, what was said before, what follows)
    let rows = [
        (Origin::Person, false, &before[..], Origin::Held(named)),
        (Origin::Person, true, &before[..], Origin::Person),
        (Origin::Person, false, &before[..1], Origin::Person),
        (Origin::Tombstone, false, &before[..], Origin::Tombstone),
    ];
    for (origin, swept, before, expected) in rows {
        let told = match counts_before(&origin, swept) {
            true => held_before(origin, before.iter().cloned()),
            false => origin,
        };
        assert_eq!(told, expected, "swept: {swept}");
    }
}

#[test]
fn what_was_made_for_a_deleted_item_is_not_linked_with_it() {
    let counterpart = Origin::Counterpart {
        of: "1".into(),
        generation: 1,
    };
    let evidence = "in the recycle bin".to_owned();
    let alone = Origin::Alone {
        of: "1".into(),
        evidence: evidence.clone(),
    };
    let judge = |origin: &Origin, found| beside_deleted(origin.clone(), found);
    assert_eq!(judge(&counterpart, None), counterpart);
    assert_eq!(judge(&counterpart, Some(&evidence)), alone);
    assert_eq!(judge(&Origin::Person, Some(&evidence)), Origin::Person);
}
