//! Every code as it is stored, beside its sentence. A stored code is never renamed: rows of it are in databases and plans.

use super::*;
use std::fmt::Debug;

/// Reads a code, and compares its sentence and its stored form.
fn same<W: Reason + Debug>(stored: &str, sentence: &str) {
    let why: W = serde_json::from_str(stored).unwrap_or_else(|e| panic!("{stored}: {e}"));
    assert_eq!(why.to_string(), sentence, "{stored}");
    let again = serde_json::to_value(&why).unwrap();
    let stored: serde_json::Value = serde_json::from_str(stored).unwrap();
    assert_eq!(again, stored);
}

const HOLDS: &[(&str, &str)] = &[
    (r#"{"code":"unclear","said":"403"}"#, "403"),
    (
        r#"{"code":"out_of_scope"}"#,
        "no longer in the pair's scope; its fields are left alone until it comes back",
    ),
    (
        r#"{"code":"may_have_left"}"#,
        "changed while it waited; whether it is still in the pair's scope shows in the next full listing",
    ),
    (
        r#"{"code":"field_unreadable","side":"ado","field":"priority"}"#,
        "ADO shows a priority that boardsync cannot read, or would have to round, so it is left alone; set another value in ADO",
    ),
    (
        r#"{"code":"field_left_out","side":"clickup","field":"title"}"#,
        "ClickUp did not show the title, so it is left alone until another reading shows it",
    ),
    (
        r#"{"code":"state_unmapped","side":"ado","state":"Removed"}"#,
        "ADO state \"Removed\" is not mapped: add [\"Removed\", \"...\"] to `states` of the pair",
    ),
    (
        r#"{"code":"cannot_delete","side":"ado","evidence":"recycle bin","children":["86x","86y"]}"#,
        "counterpart deleted in ADO (recycle bin); on_delete = delete, but ClickUp would delete subtasks along with it (86x, 86y); nothing is deleted: move or delete them there, or end the link with `boardsync links remove`",
    ),
    (
        r#"{"code":"cannot_delete","side":"ado","evidence":"recycle bin","children":[]}"#,
        "counterpart deleted in ADO (recycle bin); what was deleted along with it, or would be, could not be told, so nothing is written; it is asked again",
    ),
    (
        r#"{"code":"state_of_no_type","kind":"Task","state":"Resolved","status":"complete","new":true}"#,
        "ADO type \"Task\" has no state \"Resolved\", so Azure DevOps refuses the new item: put [\"...\", \"complete\"] with a state \
         that it has before the other rows for \"complete\" in `states` of the pair",
    ),
    (
        r#"{"code":"type_unmapped","side":"clickup","kind":"Goal"}"#,
        "ClickUp type \"Goal\" is not mapped: add [\"...\", \"Goal\"] to `types` of the pair",
    ),
    (
        r#"{"code":"people_unmapped","people":["Ana","Bo"],"side":"clickup"}"#,
        "Ana, Bo have no counterpart in ClickUp: add [\"...\", \"...\"] to `people` of the pair",
    ),
    (
        r#"{"code":"people_unmapped","people":["Ana"],"addresses":["ana@x.com"],"side":"clickup"}"#,
        "Ana has no counterpart in ClickUp: add [\"ana@x.com\", \"...\"] to `people` of the pair",
    ),
    (
        r#"{"code":"people_unmapped","people":["ann@y.com"],"rows":[["ana@x.com","ann@y.com"]],"side":"clickup"}"#,
        "ann@y.com has no counterpart in ClickUp: row [\"ana@x.com\", \"ann@y.com\"] of `people` of the pair names an address that \
         ClickUp does not know; correct it, or add the account there",
    ),
    (
        r#"{"code":"assignees_unmapped"}"#,
        "none of the assignees has a counterpart in Azure DevOps: add [\"...\", \"...\"] to `people` of the pair",
    ),
    (
        r#"{"code":"title_too_long","units":256,"most":255}"#,
        "title has 256 characters as Azure DevOps counts them, and it takes 255; shorten it",
    ),
    (
        r#"{"code":"title_empty"}"#,
        "title is empty; neither service takes that",
    ),
    (
        r#"{"code":"no_value","side":"ado","field":"status"}"#,
        "ADO gives no status",
    ),
    (
        r#"{"code":"tags_stay","tags":["a;b"]}"#,
        "Azure DevOps takes no tag with `;` or `,` or of more than 400 characters, so `a;b` stays in ClickUp alone; rename it \
         there",
    ),
    (
        r#"{"code":"flattens","side":"ado","what":"coloured text"}"#,
        "what was edited in ClickUp would take coloured text away in ADO, so neither text is written; make the edit there too, \
         or choose one with `boardsync conflicts resolve`",
    ),
    (
        r#"{"code":"cannot_close","side":"ado","evidence":"in the bin","because":{"code":"no_closed_state","kind":"Bug","side":"clickup"}}"#,
        "counterpart deleted in ADO (in the bin); on_delete = close, but type \"Bug\" has no closed state in ClickUp; nothing is \
         written, close it by hand and end the link with `boardsync links remove`",
    ),
    (
        r#"{"code":"strangers_marker"}"#,
        "carries a marker that this installation did not write; link it by hand with `boardsync links add PAIR \
         WORK_ITEM TASK`",
    ),
    (
        r#"{"code":"unknown_pairs_marker","pair":"old"}"#,
        "carries a marker of the pair old, which the configuration no longer has; give the pair that name again, or link the \
         two with `boardsync links add PAIR WORK_ITEM TASK`",
    ),
    (
        r#"{"code":"copy_or_twin","side":"ado","item":"7","counterpart":"86a","linked":true}"#,
        "carries the marker of ADO 7, which is linked to 86a: a copy or a twin; remove the footer line or link to sync it as new",
    ),
    (
        r#"{"code":"copy_or_twin","side":"ado","item":"7","counterpart":"86a","linked":false}"#,
        "carries the marker of ADO 7, whose counterpart was 86a: a copy or a twin; remove the footer line or link to sync it as \
         new",
    ),
    (
        r#"{"code":"named_by_marker","side":"ado","item":"7","unread":false}"#,
        "a marker that cannot be trusted names it: ADO 7 carries it; link the two with `boardsync links add PAIR 7 TASK`, \
         or remove the marker",
    ),
    (
        r#"{"code":"named_by_marker","side":"ado","item":"7","unread":true}"#,
        "a marker that cannot be trusted names it: ADO 7 carried it and cannot be read at present",
    ),
    (
        r#"{"code":"counterpart_away","side":"ado","item":"7","pair":"app"}"#,
        "has its counterpart outside this pair: ADO 7, in the pair app; move that one here too and the two are linked, or link \
         them with `boardsync links add PAIR 7 TASK`",
    ),
    (
        r#"{"code":"counterpart_away","side":"ado","item":"7","pair":null}"#,
        "has its counterpart outside this pair: ADO 7, which is not in this pair's scope; move that one here too and the two are \
         linked, or link them with `boardsync links add PAIR 7 TASK`",
    ),
    (
        r#"{"code":"linked_elsewhere","item":"86a","counterpart":"7","pair":"app"}"#,
        "is linked to 7 in the pair app; when both are in this pair, `boardsync links remove 86a` lets it link them",
    ),
    (
        r#"{"code":"came_back","counterpart":"86a"}"#,
        "came back after it was deleted; its link to 86a is gone: link it with `boardsync links add PAIR WORK_ITEM \
         TASK`, to 86a if that still exists",
    ),
    (
        r#"{"code":"create_open","sent":0,"pair":"app"}"#,
        "a create was sent at 1970-01-01T00:00:00.000Z in the pair app and its answer was lost; it is looked for before anything \
         is sent again",
    ),
    (
        r#"{"code":"made_by_open_create","side":"ado","item":"7","sent":0}"#,
        "was made for ADO 7 by a create that was sent at 1970-01-01T00:00:00.000Z and whose answer was lost; the two are linked \
         once both were read",
    ),
    (
        r#"{"code":"title_of_create","side":"ado","item":"7","sent":0}"#,
        "has the title of ADO 7, for which a create was sent at 1970-01-01T00:00:00.000Z that had no answer, but not its marker; \
         if it is what the create made, link the two with `boardsync links add PAIR 7 TASK`, else rename this one",
    ),
    (
        r#"{"code":"many_carry_marker","side":"clickup","items":["86a","86b"]}"#,
        "2 items in ClickUp carry its marker (86a, 86b); keep one, delete the others, then `boardsync links add PAIR \
         WORK_ITEM TASK`",
    ),
    (
        r#"{"code":"marker_taken","item":"86a","counterpart":"5"}"#,
        "86a carries its marker and is linked to 5 already; take the marker out of 86a, or dissolve that link with \
         `boardsync links remove 86a`",
    ),
    (
        r#"{"code":"alike_without_marker","side":"clickup","items":["86a"]}"#,
        "a create had no answer, and 86a in ClickUp has its title but not its marker; if it is what the create made, link the two \
         with `boardsync links add PAIR WORK_ITEM 86a`, else rename 86a",
    ),
    (
        r#"{"code":"planned_again"}"#,
        "a create got lost; it is planned again",
    ),
    (
        r#"{"code":"restored_differs"}"#,
        "the database was restored and the two sides differ here, so nobody can tell which value is the newer one; choose with \
         `boardsync conflicts resolve`",
    ),
    (
        r#"{"code":"restored_wait","until":0}"#,
        "the database was restored: nothing is created before 1970-01-01T00:00:00.000Z, so that what was made meanwhile is found \
         first",
    ),
    (
        r#"{"code":"restored_not_begun","quiet_ms":300000}"#,
        "the database was restored: nothing is created for 5m after the next cycle begins, so that what was made meanwhile is \
         found first",
    ),
    (
        r#"{"code":"restored_unlisted","pairs":["app","web"]}"#,
        "the database was restored, and app and web could not be listed in full since: what was made meanwhile may be there, so \
         nothing is created before that; make it readable again, or take it out of the configuration",
    ),
    (
        r#"{"code":"undone_each_time","times":5}"#,
        "written 5 times within the hour and undone each time, so something else keeps changing it back; stop that, then choose \
         with `boardsync conflicts resolve`",
    ),
    (
        r#"{"code":"not_kept","said":"sent, not taken","times":1,"side":"ado","again":0}"#,
        "sent, not taken (once); sent again at 1970-01-01T00:00:00.000Z",
    ),
    (
        r#"{"code":"not_kept","said":"sent, not taken","times":4,"side":"ado","again":null}"#,
        "sent, not taken (4 times); set it there by hand, or edit it in ClickUp to send it again",
    ),
    (
        r#"{"code":"refused","side":"ado","field":"status","value":"Closed","proven":true,"said":"TF401320"}"#,
        "ADO does not take status \"Closed\": TF401320; change it on either side, or mend the cause and run \
         `boardsync reconcile --once --retry`",
    ),
    (
        r#"{"code":"refused","side":"ado","field":"assignees","value":"Bo","proven":true,"said":"unknown identity"}"#,
        "ADO does not take assignees \"Bo\": unknown identity; change it on either side, or have a row of `people` of the pair \
         name an address that ADO knows, or mend the cause and run `boardsync reconcile --once --retry`",
    ),
    (
        r#"{"code":"refused","side":"ado","field":"title","value":null,"proven":false,"said":"no"}"#,
        "ADO does not take title (not tried alone after so many refusals): no; change it on either side, or mend the cause and run \
         `boardsync reconcile --once --retry`",
    ),
    (
        r#"{"code":"failed_before","times":2,"next":{"code":"at","at":0},"said":"HTTP 400"}"#,
        "failed 2 times; tried again at 1970-01-01T00:00:00.000Z: HTTP 400",
    ),
    (
        r#"{"code":"failed_before","times":1,"next":{"code":"changed","at":0},"said":"HTTP 400"}"#,
        "failed once; tried again, as it has changed, at 1970-01-01T00:00:00.000Z: HTTP 400",
    ),
    (
        r#"{"code":"failed_before","times":3,"next":{"code":"never"},"said":"HTTP 400"}"#,
        "failed 3 times; left alone until it changes, or until `boardsync reconcile --once --retry`: HTTP 400",
    ),
    (
        r#"{"code":"not_taken","said":"sent, not taken"}"#,
        "sent, not taken",
    ),
    (
        r#"{"code":"after_create","side":"clickup","field":"description"}"#,
        "ClickUp gets description after the item itself, because a proxy or a firewall seems to have refused the whole; it is \
         written by itself next",
    ),
    (r#"{"code":"waits_for_half"}"#, "waits for the other half"),
    (r#"{"code":"failed","said":"HTTP 500"}"#, "HTTP 500"),
    (r#"{"code":"stale","said":"it moved"}"#, "it moved"),
    (r#"{"code":"skipped","said":"stopped"}"#, "stopped"),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"not_asked_for","side":"ado","item":"7"}}"#,
        "created by run c1 as the counterpart of ADO 7; it stays (--delete-created moves it to the trash, unless \
         somebody edited it, commented on it or attached a file, or something below it stays)",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"not_asked_for","side":"ado","item":"7","anyway":{"code":"field_edited","field":"title"}}}"#,
        "created by run c1 as the counterpart of ADO 7; it stays: only --delete-created deletes what a run created, and that \
         would leave this one, for its title was edited since; delete it by hand if it is to go",
    ),
    (
        r#"{"code":"made_by_run","how":"restored","run":"c1","stays":{"code":"edited_before_found"}}"#,
        "restored by run c1, but it was edited before boardsync found it; delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"out_of_scope"}}"#,
        "created by run c1, but it left the scope of the pair; delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"field_edited","field":"title"}}"#,
        "created by run c1, but its title was edited since; delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"has","what":"a comment"}}"#,
        "created by run c1, but it has a comment by now; delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"unknown","what":"whether it has files"}}"#,
        "created by run c1, but nobody can tell whether it has files; look, and delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"version_unknown"}}"#,
        "created by run c1, but nobody can tell whether it was edited since; look, and delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"other_version"}}"#,
        "created by run c1, but it is not at the version at which boardsync left it: somebody may have edited what is not synced, \
         or moved it; look, and delete it by hand",
    ),
    (
        r#"{"code":"made_by_run","how":"created","run":"c1","stays":{"code":"linked_by_hand"}}"#,
        "created by run c1, but somebody linked it by hand since; delete it by hand",
    ),
    (
        r#"{"code":"task_in_trash"}"#,
        "deleted by that run; ClickUp's API cannot restore a task: open Trash in ClickUp, restore it there, then run this undo \
         again to link it",
    ),
    (
        r#"{"code":"absent","how":{"code":"deleted","side":"ado","evidence":"in the recycle bin"}}"#,
        "ADO deleted it (in the recycle bin)",
    ),
    (
        r#"{"code":"not_linked_again","how":{"code":"unclear","side":"ado","said":"403"}}"#,
        "not linked again: ADO does not show it (403)",
    ),
    (r#"{"code":"linked_already"}"#, "it is linked again already"),
    (
        r#"{"code":"unlinked_already"}"#,
        "the link is dissolved already",
    ),
    (
        r#"{"code":"linked_by_hand"}"#,
        "the link of that run ended before, and somebody linked the two by hand since, which stays; `boardsync links remove` ends it",
    ),
    (
        r#"{"code":"out_of_scope_for_undo"}"#,
        "it left the scope of the pair, where nothing is written; change it by hand",
    ),
    (
        r#"{"code":"counterpart_unreadable","side":"ado","item":"7","said":"403"}"#,
        "its counterpart 7 cannot be read in ADO (403); run this undo again when it can",
    ),
    (
        r#"{"code":"field_not_synced"}"#,
        "the configuration does not sync this field any more, or its entry stands for another one by now; it stays",
    ),
    (
        r#"{"code":"field_stands_still","said":"custom:Note stands still: it is gone"}"#,
        "nothing of this field is written at present: custom:Note stands still: it is gone; mend that, then run this undo again",
    ),
    (
        r#"{"code":"choice_waits"}"#,
        "a choice made with `conflicts resolve` is still to be written",
    ),
    (
        r#"{"code":"field_not_shown"}"#,
        "the item no longer shows this field",
    ),
    (
        r#"{"code":"counterpart_edited","side":"ado"}"#,
        "ADO was edited and no cycle has carried that over yet; the edit stays and goes on with the next cycle",
    ),
    (
        r#"{"code":"not_recorded"}"#,
        "what was there before is not recorded",
    ),
    (
        r#"{"code":"written_later"}"#,
        "written again by a later run; that stays",
    ),
    (
        r#"{"code":"later_write_unanswered"}"#,
        "a later write of another value had no answer, and nobody can tell whether somebody typed this value again after it; it \
         stays",
    ),
    (r#"{"code":"edited_since"}"#, "edited since; the edit stays"),
];

const ACTIONS: &[(&str, &str)] = &[
    (r#"{"code":"new","side":"ado"}"#, "new in ADO"),
    (r#"{"code":"differs","from":"ado"}"#, "differs from ADO"),
    (
        r#"{"code":"carries_marker"}"#,
        "carries the marker of its counterpart",
    ),
    (
        r#"{"code":"came_together"}"#,
        "both came here from the pair in which they were linked",
    ),
    (
        r#"{"code":"deleted_on_both_sides"}"#,
        "deleted on both sides",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"base_lost"}"#,
        "counterpart deleted in ADO (in the bin); what both sides agreed on last is not on record any more, so it stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"link_lost"}"#,
        "counterpart deleted in ADO (in the bin); their link is not on record any more, so it stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"edited_here"}"#,
        "counterpart deleted in ADO (in the bin); edited here since, so it stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"out_of_scope_here"}"#,
        "counterpart deleted in ADO (in the bin); no longer in the pair's scope here, so it stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"clickup","evidence":"404","then":"gone_with_parent"}"#,
        "counterpart deleted in ClickUp (404); deleted there along with its parent, so this one stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"removed_by_us"}"#,
        "counterpart deleted in ADO (in the bin); removed by boardsync itself, so this one stays",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"unlink"}"#,
        "counterpart deleted in ADO (in the bin); on_delete = unlink",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"delete"}"#,
        "counterpart deleted in ADO (in the bin); on_delete = delete",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"close"}"#,
        "counterpart deleted in ADO (in the bin); on_delete = close",
    ),
    (
        r#"{"code":"counterpart_deleted","side":"ado","evidence":"in the bin","then":"closed_already"}"#,
        "counterpart deleted in ADO (in the bin); closed already",
    ),
    (
        r#"{"code":"taken_back","cause":{"code":"undo_of_run","run":"c1"}}"#,
        "undo of c1",
    ),
    (
        r#"{"code":"taken_back_to_bin","cause":{"code":"undo_of_item","item":"7"},"side":"ado"}"#,
        "undo of all writes to 7; to the recycle bin",
    ),
    (
        r#"{"code":"taken_back_to_bin","cause":{"code":"undo_of_run","run":"c1"},"side":"clickup"}"#,
        "undo of c1; to the trash, from where only a person can restore it",
    ),
    (r#"{"code":"removed_by_hand"}"#, "removed by hand"),
];

const CAUSES: &[(&str, &str)] = &[
    (r#"{"code":"cycle"}"#, "cycle"),
    (r#"{"code":"undo_of_run","run":"c1"}"#, "undo of c1"),
    (
        r#"{"code":"undo_of_item","item":"7"}"#,
        "undo of all writes to 7",
    ),
];

#[test]
fn every_stored_code_keeps_its_name_and_its_sentence() {
    for (stored, sentence) in HOLDS {
        same::<HoldWhy>(stored, sentence);
    }
    for (stored, sentence) in ACTIONS {
        same::<ActionWhy>(stored, sentence);
    }
    for (stored, sentence) in CAUSES {
        same::<Cause>(stored, sentence);
    }
}

/// The themes are told apart by their codes alone.
#[test]
fn no_code_is_in_two_themes() {
    for (stored, _) in HOLDS {
        let themes = [
            serde_json::from_str::<ReadWhy>(stored).is_ok(),
            serde_json::from_str::<ValueWhy>(stored).is_ok(),
            serde_json::from_str::<OriginWhy>(stored).is_ok(),
            serde_json::from_str::<CreateWhy>(stored).is_ok(),
            serde_json::from_str::<RailWhy>(stored).is_ok(),
            serde_json::from_str::<UndoneWhy>(stored).is_ok(),
            serde_json::from_str::<LeftWhy>(stored).is_ok(),
        ];
        let found = themes.into_iter().filter(|found| *found).count();
        assert_eq!(found, 1, "{stored}");
    }
}

#[test]
fn what_was_told_before_there_were_codes_keeps_its_sentence_and_answers_the_same_questions() {
    let told = |code: &str, sentence: &str| {
        let mut why: HoldWhy = serde_json::from_str(code).unwrap();
        why.tell(sentence.to_owned());
        assert_eq!(why.to_string(), sentence);
        assert_eq!(serde_json::to_string(&why).unwrap(), code);
        why
    };
    let plain = told(r#"{"code":"told_before"}"#, "some words");
    assert!(!plain.stands_until_sweep() && !plain.is_strangers_marker());
    for about in ["named_by_marker", "counterpart_away"] {
        let code = format!(r#"{{"code":"told_before","about":"{about}"}}"#);
        assert!(told(&code, "some words").stands_until_sweep());
    }
    let mut ended: ActionWhy =
        serde_json::from_str(r#"{"code":"told_before","deleted_in":"clickup"}"#).unwrap();
    ended.tell("it is gone".to_owned());
    assert_eq!(ended.deleted_in(), Some(crate::model::Side::ClickUp));
    assert_eq!(ended.to_string(), "it is gone");
}

#[test]
fn a_hold_shows_its_code_beside_its_sentence_and_one_without_a_code_is_read() {
    let hold: crate::reconcile::plan::Hold = serde_json::from_str(
        r#"{"link":1,"side":"ado","item":"7","title":"x","field":null,"reason":"some words"}"#,
    )
    .unwrap();
    assert_eq!(hold.reason(), "some words");
    let hold = crate::reconcile::plan::Hold {
        why: ReadWhy::OutOfScope.into(),
        ..hold
    };
    let shown = serde_json::to_value(&hold).unwrap();
    assert_eq!(shown["why"], serde_json::json!({"code": "out_of_scope"}));
    assert_eq!(shown["reason"], hold.reason());
    let again: crate::reconcile::plan::Hold = serde_json::from_value(shown).unwrap();
    assert_eq!(again, hold);
}

#[test]
fn the_words_of_the_journal_stay() {
    let kinds = JournalKind::ALL.map(JournalKind::key);
    assert_eq!(
        kinds,
        [
            "create", "update", "delete", "close", "link", "unlink", "restore", "choice", "claim"
        ]
    );
    let outcomes = Outcome::ALL.map(Outcome::key);
    assert_eq!(
        outcomes,
        [
            "sent",
            "done",
            "failed",
            "lost",
            "answered in doubt",
            "dropped"
        ]
    );
    assert!(kinds.iter().all(|key| JournalKind::from_key(key).is_some()));
    assert!(outcomes.iter().all(|key| Outcome::from_key(key).is_some()));
    assert_eq!(Outcome::from_key("gone"), None);
}
