//! An answer is lost, the write is in force, and before the next cycle the author takes the edit back on the side that it was
//! made on, or makes something else of it. The write was ours, so the other side follows.

use crate::sync_rules::bench::*;
use crate::sync_rules::undone::last_run;
use boardsync::model::{Service, Side};
use boardsync::sandbox::faults::{Fault, FaultRule};
use serde_json::json;

/// What the line with our marker begins with.
const FOOTER: &str = "Azure DevOps:";

const GRACE: &str = "grace@contoso.example";

/// What the author's item has: a tag list, one person by number in ClickUp, and a text of three paragraphs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Edit {
    Tags(&'static str),
    Person(Option<i64>),
    Text(&'static str),
}

/// At first, after the edit, and what else the author may make of that.
const EDITS: [[Edit; 3]; 5] = [
    [
        Edit::Tags("keep"),
        Edit::Tags("keep; new"),
        Edit::Tags("keep; other"),
    ],
    [
        Edit::Tags("keep; old"),
        Edit::Tags("keep"),
        Edit::Tags("old"),
    ],
    [
        Edit::Person(None),
        Edit::Person(Some(1002)),
        Edit::Person(Some(1003)),
    ],
    [
        Edit::Person(Some(1003)),
        Edit::Person(Some(1002)),
        Edit::Person(None),
    ],
    [
        Edit::Text("First\n\nSecond\n\nThird"),
        Edit::Text("First\n\nNewer\n\nThird"),
        Edit::Text("First\n\nNewest\n\nThird"),
    ],
];

fn paragraphs(text: &str) -> Vec<String> {
    let text = text.replace("</p>", "\n").replace("</div>", "\n");
    let text = text.replace("<p>", "\n").replace("<div>", "\n");
    let lines = text.lines().map(str::trim);
    let own = lines.filter(|line| !line.is_empty() && !line.contains(FOOTER));
    own.map(str::to_owned).collect()
}

fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = text.split("; ").map(str::to_owned).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort();
    tags
}

fn mail(person: Option<i64>) -> &'static str {
    match person {
        Some(1002) => ADA,
        Some(_) => GRACE,
        None => "",
    }
}

/// A person makes this of the item on a side.
fn set(t: &Bench, side: Side, (id, task): &(i64, String), edit: Edit) {
    match (side, edit) {
        (Side::Ado, Edit::Tags(tags)) => t.ado(*id, TAGS, json!(tags)),
        (Side::Ado, Edit::Person(person)) => t.ado(*id, PERSON, json!(mail(person))),
        (Side::Ado, Edit::Text(text)) => {
            let html: String = text
                .split("\n\n")
                .map(|part| format!("<p>{part}</p>"))
                .collect();
            t.ado(*id, TEXT, json!(html));
        }
        (Side::ClickUp, Edit::Tags(text)) => t.clickup(task, json!({"tags": tags(text)})),
        (Side::ClickUp, Edit::Person(person)) => {
            let add: Vec<i64> = person.into_iter().collect();
            let rem: Vec<i64> = t
                .people(task)
                .into_iter()
                .filter(|one| !add.contains(one))
                .collect();
            t.clickup(task, json!({"assignees": {"add": add, "rem": rem}}));
        }
        (Side::ClickUp, Edit::Text(text)) => {
            let shown = t.text(task);
            let footer = shown.lines().find(|line| line.contains(FOOTER));
            let footer = footer.unwrap_or_default();
            t.clickup(
                task,
                json!({"markdown_content": format!("{text}\n\n{footer}")}),
            );
        }
    }
}

/// Both sides show this.
fn shows(t: &Bench, (id, task): &(i64, String), edit: Edit, what: &str) {
    match edit {
        Edit::Tags(text) => {
            assert_eq!(tags(&t.string(*id, TAGS)), tags(text), "{what}");
            assert_eq!(t.tags(task), tags(text), "{what}");
        }
        Edit::Person(person) => {
            let shown = t.field(*id, PERSON);
            assert_eq!(
                shown["uniqueName"].as_str().unwrap_or_default(),
                mail(person),
                "{what}"
            );
            assert_eq!(
                t.people(task),
                person.into_iter().collect::<Vec<_>>(),
                "{what}"
            );
        }
        Edit::Text(text) => {
            assert_eq!(paragraphs(&t.string(*id, TEXT)), paragraphs(text), "{what}");
            assert_eq!(paragraphs(&t.text(task)), paragraphs(text), "{what}");
        }
    }
}

/// Every answer to a change on this side is lost from now on, and the change is in force.
fn lose_answers(t: &Bench, side: Side, edit: Edit) {
    let (service, method, path) = match (side, edit) {
        (Side::Ado, _) => (Service::Ado, "PATCH", ""),
        (Side::ClickUp, Edit::Tags(_)) => (Service::ClickUp, "", "/tag/"),
        (Side::ClickUp, Edit::Person(_) | Edit::Text(_)) => (Service::ClickUp, "PUT", ""),
    };
    t.world.faults.add(FaultRule {
        service,
        method: Some(method.to_owned()).filter(|method| !method.is_empty()),
        path_contains: path.to_owned(),
        fault: Fault::DropAfterApply,
        skip: 0,
        times: 1,
    });
}

/// Both have what is first. The author makes the second of it, whose write to the other side gets no answer.
async fn edited(side: Side, [first, second, _]: [Edit; 3]) -> (Bench, (i64, String)) {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[]).await;
    set(&t, side, &pair, first);
    t.cycle().await;
    t.quiet().await;
    set(&t, side, &pair, second);
    lose_answers(&t, side.other(), second);
    t.cycle().await;
    t.world.faults.clear();
    (t, pair)
}

#[tokio::test]
async fn what_its_author_takes_back_after_a_lost_answer_goes_from_the_other_side_too() {
    for side in Side::BOTH {
        for edits in EDITS {
            let (t, pair) = edited(side, edits).await;
            set(&t, side, &pair, edits[0]);
            t.cycle().await;
            t.cycle().await;
            shows(&t, &pair, edits[0], &format!("{side} {edits:?}"));
            assert_eq!(t.conflicts(), [], "{side} {edits:?}");
            t.quiet().await;
        }
    }
}

#[tokio::test]
async fn what_its_author_puts_in_its_place_after_a_lost_answer_goes_over() {
    for side in Side::BOTH {
        for edits in EDITS {
            let (t, pair) = edited(side, edits).await;
            set(&t, side, &pair, edits[2]);
            t.cycle().await;
            t.cycle().await;
            shows(&t, &pair, edits[2], &format!("{side} {edits:?}"));
            assert_eq!(t.conflicts(), [], "{side} {edits:?}");
            t.quiet().await;
        }
    }
}

/// The other side's own edit is nobody's of ours, and it stays.
#[tokio::test]
async fn an_edit_of_the_other_side_stays_where_the_author_takes_back_what_was_sent() {
    for side in Side::BOTH {
        let (t, pair) = edited(side, EDITS[0]).await;
        set(&t, side, &pair, Edit::Tags("keep"));
        set(&t, side.other(), &pair, Edit::Tags("keep; new; theirs"));
        t.cycle().await;
        t.cycle().await;
        shows(&t, &pair, Edit::Tags("keep; theirs"), &side.to_string());
        t.quiet().await;
    }
}

/// The task's fields go in one call, and each tag in a call of its own. Where that one is lost, the title is in force.
#[tokio::test]
async fn what_an_earlier_call_of_a_lost_update_brought_is_taken_back_with_its_author() {
    let t = bench("conflict = \"hold\"").await;
    let pair = t.linked("Task", &[(TITLE, json!("Item"))]).await;
    t.quiet().await;
    t.ado(pair.0, TITLE, json!("Renamed"));
    t.ado(pair.0, TAGS, json!("new"));
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: None,
        path_contains: "/tag/".to_owned(),
        fault: Fault::DropBeforeApply,
        skip: 0,
        times: 1,
    });
    t.cycle().await;
    t.world.faults.clear();
    assert_eq!(t.task(&pair.1)["name"], "Renamed");
    t.ado(pair.0, TITLE, json!("Item"));
    t.cycle().await;
    t.cycle().await;
    assert_eq!(t.task(&pair.1)["name"], "Item");
    assert_eq!(t.string(pair.0, TITLE), "Item");
    assert_eq!(t.tags(&pair.1), ["new"]);
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
}

/// What a person of each side sees of an edit's field.
fn seen(t: &Bench, (id, task): &(i64, String), edit: Edit) -> [String; 2] {
    match edit {
        Edit::Tags(_) => [t.string(*id, TAGS), t.tags(task).join("; ")],
        Edit::Person(_) => {
            let ado = &t.field(*id, PERSON)["uniqueName"];
            [ado.to_string(), format!("{:?}", t.people(task))]
        }
        Edit::Text(_) => [
            paragraphs(&t.string(*id, TEXT)).join("\n"),
            paragraphs(&t.text(task)).join("\n"),
        ],
    }
}

/// An undo is in force, and its answer is lost. It leaves the two sides apart as if the answer had come, and says so, until
/// somebody edits: by the base of before, the undo itself would count as an edit, and the author's value would follow it.
#[tokio::test]
async fn an_undo_without_an_answer_leaves_the_sides_apart_as_an_answered_one() {
    for side in Side::BOTH {
        for edits in [EDITS[0], EDITS[2], EDITS[4]] {
            let what = format!("{side} {edits:?}");
            let mut t = bench("conflict = \"hold\"").await;
            let pair = t.linked("Task", &[]).await;
            for edit in [edits[0], edits[1]] {
                set(&t, side, &pair, edit);
                t.cycle().await;
            }
            t.quiet().await;
            let run = last_run(&mut t).await;
            lose_answers(&t, side.other(), edits[1]);
            let (code, said) = t.command(&["undo", &run, "--yes"]).await;
            t.world.faults.clear();
            assert_eq!(code, 3, "{what}: {said}");
            let apart = seen(&t, &pair, edits[1]);
            assert_ne!(apart[0], apart[1], "{what}");
            t.cycle().await;
            t.cycle().await;
            assert_eq!(seen(&t, &pair, edits[1]), apart, "{what}");
            assert_eq!(t.open_conflicts(), 1, "{what}");
            t.quiet().await;
        }
    }
}
