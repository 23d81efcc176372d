//! An answer is lost, the write is in force, and somebody sets the old value back before the next cycle.

use crate::sync_rules::bench::*;
use boardsync::model::{FieldKey, FieldValue, Service, Side};
use boardsync::sandbox::faults::{Fault, FaultRule};
use serde_json::json;

/// The answer to the next change on this side is lost; `applied`: the change is in force.
fn lose_answer(t: &Bench, side: Side, applied: bool) {
    let (service, method): (Service, _) = match side {
        Side::Ado => (Service::Ado, "PATCH"),
        Side::ClickUp => (Service::ClickUp, "PUT"),
    };
    t.world.faults.add(FaultRule {
        service,
        method: Some(method.to_owned()),
        path_contains: String::new(),
        fault: match applied {
            true => Fault::DropAfterApply,
            false => Fault::DropBeforeApply,
        },
        skip: 0,
        // Azure DevOps is asked again by the client, as long as nothing answers.
        times: match (side, applied) {
            (Side::Ado, false) => 5,
            (Side::Ado, true) | (Side::ClickUp, _) => 1,
        },
    });
}

fn titles(t: &Bench, (id, task): &(i64, String)) -> (String, String) {
    let name = t.task(task)["name"].as_str().unwrap().to_owned();
    (t.string(*id, TITLE), name)
}

fn both(title: &str) -> (String, String) {
    (title.to_owned(), title.to_owned())
}

/// Both sides have "Item". One of them becomes "Renamed", and what writes that to `side` gets no answer.
async fn renamed(side: Side, applied: bool) -> (Bench, (i64, String)) {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    match side {
        Side::Ado => t.clickup(&pair.1, json!({"name": "Renamed"})),
        Side::ClickUp => t.ado(pair.0, TITLE, json!("Renamed")),
    }
    lose_answer(&t, side, applied);
    t.cycle().await;
    t.world.faults.clear();
    (t, pair)
}

#[tokio::test]
async fn a_revision_of_ours_that_somebody_took_back_is_an_edit_and_goes_over() {
    let (t, pair) = renamed(Side::Ado, true).await;
    assert_eq!(titles(&t, &pair), both("Renamed"));
    t.ado(pair.0, TITLE, json!("Item"));
    t.cycle().await;
    assert_eq!(titles(&t, &pair), both("Item"));
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
}

#[tokio::test]
async fn a_revision_that_never_was_is_written_again_under_the_edits_of_others() {
    let (t, pair) = renamed(Side::Ado, false).await;
    assert_eq!(t.string(pair.0, TITLE), "Item");
    t.ado(pair.0, "Microsoft.VSTS.Common.Priority", json!(1));
    t.cycle().await;
    assert_eq!(titles(&t, &pair), both("Renamed"));
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
}

/// It never arrived, so the date is Ana's, and what Bo sets in ClickUp meanwhile contends with hers.
#[tokio::test]
async fn the_very_value_of_a_lost_write_that_somebody_sets_in_ado_is_theirs() {
    for (at_rest, open) in [("Renamed", 0), ("Later", 1)] {
        let (t, pair) = renamed(Side::Ado, false).await;
        t.ado(pair.0, TITLE, json!("Renamed"));
        t.clickup(&pair.1, json!({"name": at_rest}));
        t.cycle().await;
        let apart = ("Renamed".to_owned(), at_rest.to_owned());
        assert_eq!((titles(&t, &pair), t.open_conflicts()), (apart, open));
        t.quiet().await;
    }
    // Nobody but us was there.
    let (t, pair) = renamed(Side::Ado, true).await;
    t.clickup(&pair.1, json!({"name": "Later"}));
    t.cycle().await;
    assert_eq!((titles(&t, &pair), t.open_conflicts()), (both("Later"), 0));
    t.quiet().await;
}

/// Nothing but its change time tells that somebody was there.
#[tokio::test]
async fn a_task_that_shows_the_old_value_at_a_later_time_is_in_conflict() {
    for applied in [true, false] {
        let (t, pair) = renamed(Side::ClickUp, applied).await;
        match applied {
            true => t.clickup(&pair.1, json!({"name": "Item"})),
            // What never arrived looks the same, where somebody touched anything else.
            false => t.clickup(&pair.1, json!({"priority": 1})),
        }
        t.cycle().await;
        let apart = ("Renamed".to_owned(), "Item".to_owned());
        assert_eq!(titles(&t, &pair), apart, "{applied}");
        let open = t.engine().store().conflicts(true).unwrap();
        assert_eq!(open.len(), 1, "{applied}");
        assert_eq!(open[0].record.field, FieldKey::Title);
        // It stays one whatever else happens to the task.
        t.clickup(&pair.1, json!({"priority": 2}));
        t.cycle().await;
        assert_eq!((titles(&t, &pair), t.open_conflicts()), (apart, 1));
        t.quiet().await;
        // Whoever takes the new value back ends it.
        t.ado(pair.0, TITLE, json!("Item"));
        t.cycle().await;
        assert_eq!((titles(&t, &pair), t.open_conflicts()), (both("Item"), 0));
        t.quiet().await;
        t.ado(pair.0, TITLE, json!("Later"));
        t.cycle().await;
        assert_eq!((titles(&t, &pair), t.open_conflicts()), (both("Later"), 0));
    }
}

/// A refusal says nothing of the calls before it in the same update.
#[tokio::test]
async fn a_title_set_back_after_the_token_was_revoked_before_the_call_for_a_tag_is_in_conflict() {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.ado(pair.0, TITLE, json!("Renamed"));
    t.ado(pair.0, TAGS, json!("new"));
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("POST".to_owned()),
        path_contains: "/tag/".to_owned(),
        fault: Fault::TokenRevoked,
        skip: 0,
        times: 1,
    });
    t.cycle().await;
    assert_eq!(titles(&t, &pair), both("Renamed"));
    assert_eq!(t.tags(&pair.1), [""; 0]);
    t.clickup(&pair.1, json!({"name": "Item"}));
    t.cycle().await;
    let apart = ("Renamed".to_owned(), "Item".to_owned());
    assert_eq!((titles(&t, &pair), t.open_conflicts()), (apart, 1));
    assert_eq!(t.tags(&pair.1), ["new"]);
    t.quiet().await;
}

/// A task gets a title and two tags, and the call for the second tag is refused once.
async fn refused_between_two_tags(status: u16) -> (Bench, (i64, String)) {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.ado(pair.0, TITLE, json!("Renamed"));
    t.ado(pair.0, TAGS, json!("one; two"));
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("POST".to_owned()),
        path_contains: "/tag/two".to_owned(),
        fault: Fault::Status {
            status,
            body: json!({"err": "Tag not allowed", "ECODE": "TAG_001"}).to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: 1,
    });
    t.cycle().await;
    assert_eq!(titles(&t, &pair), both("Renamed"), "{status}");
    assert_eq!(t.tags(&pair.1), ["one"], "{status}");
    (t, pair)
}

#[tokio::test]
async fn a_tag_that_went_through_before_a_refused_one_is_ours_and_goes_again_with_its_author() {
    for status in [400, 403] {
        let (t, pair) = refused_between_two_tags(status).await;
        t.ado(pair.0, TAGS, json!(""));
        t.cycle().await;
        let none: [&str; 0] = [];
        assert_eq!(t.tags(&pair.1), none, "{status}");
        assert_eq!(t.string(pair.0, TAGS), "", "{status}");
        assert_eq!((t.open_conflicts(), t.holds()), (0, vec![]), "{status}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_title_that_went_through_is_not_sent_again_when_a_tag_is_refused() {
    for status in [400, 403] {
        let (t, pair) = refused_between_two_tags(status).await;
        let titles_sent = t.world.ledger.writes().into_iter();
        let titles_sent = titles_sent.filter(|sent| sent.method == "PUT").count();
        assert_eq!(titles_sent, 1, "{status}");
        t.clickup(&pair.1, json!({"name": "Typed"}));
        t.cycle().await;
        assert_eq!(titles(&t, &pair), both("Typed"), "{status}");
        assert_eq!(t.tags(&pair.1), ["one", "two"], "{status}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_task_that_nobody_touched_since_is_written_again() {
    let (t, pair) = renamed(Side::ClickUp, false).await;
    t.cycle().await;
    assert_eq!(titles(&t, &pair), both("Renamed"));
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
}

/// A choice is a person's word about two values. Somebody who sets the other one back since has seen what it came to.
#[tokio::test]
async fn a_choice_without_an_answer_is_not_carried_out_over_what_was_set_back() {
    let mut t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.ado(pair.0, TITLE, json!("Ours"));
    t.clickup(&pair.1, json!({"name": "Theirs"}));
    t.cycle().await;
    let id = t.conflicts()[0].id.to_string();
    let (code, said) = t
        .command(&["conflicts", "resolve", &id, "--take", "ado"])
        .await;
    assert_eq!(code, 0, "{said}");
    lose_answer(&t, Side::ClickUp, true);
    t.cycle().await;
    t.world.faults.clear();
    assert_eq!(titles(&t, &pair), both("Ours"));
    t.clickup(&pair.1, json!({"name": "Theirs"}));
    t.cycle().await;
    let apart = ("Ours".to_owned(), "Theirs".to_owned());
    assert_eq!((titles(&t, &pair), t.open_conflicts()), (apart, 1));
    t.quiet().await;
}

/// The call for the fields made a new version of the task. That was us, so the tag whose call was lost is not in doubt.
#[tokio::test]
async fn a_tag_whose_call_was_lost_after_other_fields_were_set_is_sent_again() {
    for tags in ["one", "one; two"] {
        let t = bench("").await;
        let (id, task) = t.linked("Task", &[(TITLE, json!("Item"))]).await;
        t.ado(id, TITLE, json!("Renamed"));
        t.ado(id, TAGS, json!(tags));
        let calls = u32::try_from(tags.split("; ").count()).unwrap();
        t.world.faults.add(FaultRule {
            service: Service::ClickUp,
            method: Some("POST".to_owned()),
            path_contains: "/tag/".to_owned(),
            fault: Fault::DropBeforeApply,
            // The last of the calls is the one that is lost.
            skip: calls - 1,
            times: 1,
        });
        t.cycle().await;
        t.world.faults.clear();
        assert_eq!(t.tags(&task).len() + 1, tags.split("; ").count());
        t.cycle().await;
        assert_eq!(t.tags(&task), tags.split("; ").collect::<Vec<_>>());
        assert_eq!(t.conflicts(), []);
        t.quiet().await;
    }
}

/// In a conflict about a value that ClickUp had not taken, the side that holds it may give way.
#[tokio::test]
async fn whoever_takes_a_value_back_that_was_never_taken_settles_the_conflict_about_it() {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("PUT".to_owned()),
        path_contains: String::new(),
        fault: Fault::Status {
            status: 200,
            body: t.task(&pair.1).to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: 1,
    });
    t.ado(pair.0, TITLE, json!("Ours"));
    t.cycle().await;
    t.clickup(&pair.1, json!({"name": "Theirs"}));
    t.cycle().await;
    assert_eq!(t.open_conflicts(), 1);
    // Somebody who comes back to what ClickUp had kept has chosen that.
    t.clickup(&pair.1, json!({"name": "Item"}));
    t.cycle().await;
    let apart = ("Ours".to_owned(), "Item".to_owned());
    assert_eq!((titles(&t, &pair), t.open_conflicts()), (apart, 1));
    t.clickup(&pair.1, json!({"name": "Theirs"}));
    t.cycle().await;
    t.ado(pair.0, TITLE, json!("Item"));
    t.cycle().await;
    assert_eq!((titles(&t, &pair), t.open_conflicts()), (both("Theirs"), 0));
    t.quiet().await;
}

/// Both sides have edited the title, and what the rule makes of that gets no answer. Whoever sets the title of before again has
/// changed it, although it is what both last agreed on: Azure DevOps' history tells, and of a task it is a conflict, which the rule
/// settles with both values in its record.
#[tokio::test]
async fn what_both_had_before_a_conflict_is_an_edit_where_its_settlement_got_no_answer() {
    // A title that lacks a word of what was there and sent may have been cut, but not where a history shows it whole.
    for (winner, side, [ado, clickup]) in [
        ("clickup", Side::Ado, ["A title", "Another title"]),
        ("ado", Side::ClickUp, ["Mine", "Theirs"]),
    ] {
        let t = bench(&format!("conflict = \"{winner}\"")).await;
        let (id, task) = t.linked("Task", &[(TITLE, json!("Old"))]).await;
        t.ado(id, TITLE, json!(ado));
        t.clickup(&task, json!({"name": clickup}));
        lose_answer(&t, side, true);
        t.cycle().await;
        t.world.faults.clear();
        let pair = (id, task);
        let won = match side {
            Side::Ado => clickup,
            Side::ClickUp => ado,
        };
        assert_eq!(titles(&t, &pair), both(won));
        match side {
            Side::Ado => t.ado(id, TITLE, json!("Old")),
            Side::ClickUp => t.clickup(&pair.1, json!({"name": "Old"})),
        }
        t.cycle().await;
        t.cycle().await;
        match side {
            Side::Ado => assert_eq!(titles(&t, &pair), both("Old")),
            Side::ClickUp => {
                assert_eq!(titles(&t, &pair), both(won));
                let kept = t.conflicts().into_iter();
                let old = FieldValue::text("Old");
                let mut kept = kept.filter(|one| one.record.now.clickup == old);
                assert!(kept.next().is_some());
            }
        }
        t.quiet().await;
    }
}
