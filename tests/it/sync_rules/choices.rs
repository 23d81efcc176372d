//! `conflicts resolve` between people's edits: a choice is carried out once, on what its person saw, and never over an edit.

use crate::sync_rules::bench::*;
use boardsync::model::{FieldKey, Side};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A field, with four values: 0 is the start, 1 what ADO says in a conflict, 2 what ClickUp says, 3 what a person says later.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Title,
    Text,
    Priority,
    Status,
}

const KINDS: [Kind; 4] = [Kind::Title, Kind::Text, Kind::Priority, Kind::Status];
const TITLES: [&str; 4] = ["Item", "Ours", "Theirs", "Human"];
const STATES: [(&str, &str); 4] = [
    ("New", "to do"),
    ("Active", "in progress"),
    ("Resolved", "in review"),
    ("Closed", "complete"),
];
const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";

impl Kind {
    fn key(self) -> FieldKey {
        match self {
            Kind::Title => FieldKey::Title,
            Kind::Text => FieldKey::Description,
            Kind::Priority => FieldKey::Priority,
            Kind::Status => FieldKey::State,
        }
    }

    /// A person sets it to its n-th value.
    fn set(self, t: &Bench, side: Side, (id, task): &(i64, String), n: usize) {
        match (self, side) {
            (Kind::Title, Side::Ado) => t.ado(*id, TITLE, json!(TITLES[n])),
            (Kind::Title, Side::ClickUp) => t.clickup(task, json!({"name": TITLES[n]})),
            (Kind::Text, Side::Ado) => t.ado(*id, TEXT, json!(format!("<p>{}</p>", TITLES[n]))),
            (Kind::Text, Side::ClickUp) => {
                t.clickup(task, json!({"markdown_content": TITLES[n]}));
            }
            (Kind::Priority, Side::Ado) => t.ado(*id, PRIORITY, json!(n + 1)),
            (Kind::Priority, Side::ClickUp) => t.clickup(task, json!({"priority": n + 1})),
            (Kind::Status, Side::Ado) => t.ado(*id, STATE, json!(STATES[n].0)),
            (Kind::Status, Side::ClickUp) => t.clickup(task, json!({"status": STATES[n].1})),
        }
    }

    /// Which of its values is there.
    fn shown(self, t: &Bench, side: Side, (id, task): &(i64, String)) -> Option<usize> {
        let text = match (self, side) {
            (Kind::Title, Side::Ado) => t.string(*id, TITLE),
            (Kind::Title, Side::ClickUp) => t.task(task)["name"].as_str().unwrap().to_owned(),
            (Kind::Text, Side::Ado) => t.string(*id, TEXT),
            (Kind::Text, Side::ClickUp) => t.text(task),
            (Kind::Priority, Side::Ado) => t.field(*id, PRIORITY).to_string(),
            (Kind::Priority, Side::ClickUp) => t.task(task)["priority"]["id"].to_string(),
            (Kind::Status, Side::Ado) => t.string(*id, STATE),
            (Kind::Status, Side::ClickUp) => t.status(task),
        };
        (0..4).find(|n| match (self, side) {
            (Kind::Title | Kind::Text, _) => text.contains(TITLES[*n]),
            (Kind::Priority, _) => text.trim_matches('"') == (n + 1).to_string(),
            (Kind::Status, Side::Ado) => text == STATES[*n].0,
            (Kind::Status, Side::ClickUp) => text == STATES[*n].1,
        })
    }
}

/// One item with its task.
struct Scene {
    t: Bench,
    kind: Kind,
    pair: (i64, String),
}

impl Scene {
    /// Both sides changed the field; `conflict` is the policy. The first cycle after that has run.
    async fn of(kind: Kind, conflict: &str) -> Scene {
        let t = bench(&format!("conflict = \"{conflict}\"")).await;
        let start = [(TEXT, json!("<p>Item</p>")), (PRIORITY, json!(1))];
        let pair = t.linked("User Story", &start).await;
        let scene = Scene { t, kind, pair };
        scene.set(Side::Ado, 1);
        scene.set(Side::ClickUp, 2);
        scene.t.cycle().await;
        assert_eq!(scene.conflicts(), 1, "{kind:?}");
        scene
    }

    fn set(&self, side: Side, n: usize) {
        self.kind.set(&self.t, side, &self.pair, n);
    }

    fn conflicts(&self) -> usize {
        self.t.conflicts().len()
    }

    #[track_caller]
    fn shows(&self, ado: usize, clickup: usize) {
        let shown = |side| self.kind.shown(&self.t, side, &self.pair);
        let now = (shown(Side::Ado), shown(Side::ClickUp));
        assert_eq!(now, (Some(ado), Some(clickup)), "{:?}", self.kind);
    }

    /// The newest conflict holds these two values and waits for a person.
    #[track_caller]
    fn names(&self) {
        let open = self.t.engine().store().conflicts(true).unwrap();
        let field = self.kind.key();
        assert!(
            open.iter().any(|row| row.record.field == field),
            "{:?}: {open:?}",
            self.kind
        );
    }

    async fn resolve(&mut self, args: &[&str]) -> (i32, String) {
        let mut all = vec!["conflicts", "resolve"];
        all.extend(args);
        self.t.command(&all).await
    }

    async fn choose(&mut self, take: &str) {
        let (code, said) = self.resolve(&["1", "--take", take]).await;
        assert_eq!(code, 0, "{:?}: {said}", self.kind);
    }

    async fn choose_merged(&mut self, text: &str) {
        let path = self.t.folder.path().join("merged.md");
        std::fs::write(&path, text).unwrap();
        let path = path.to_string_lossy().into_owned();
        let (code, said) = self.resolve(&["1", "--take", "merged", &path]).await;
        assert_eq!(code, 0, "{:?}: {said}", self.kind);
    }
}

#[tokio::test]
async fn a_choice_is_spent_by_the_cycle_that_writes_it() {
    for kind in KINDS {
        for side in Side::BOTH {
            let mut s = Scene::of(kind, "ado").await;
            s.shows(1, 1);
            s.choose("clickup").await;
            s.t.cycle().await;
            s.shows(2, 2);
            s.set(side, 3);
            s.t.cycle().await;
            s.t.sweep().await;
            s.shows(3, 3);
            assert_eq!(s.conflicts(), 1, "{kind:?}");
            s.t.quiet().await;
        }
    }
}

#[tokio::test]
async fn a_merged_text_is_spent_by_the_cycle_that_writes_it() {
    for kind in [Kind::Title, Kind::Text] {
        let mut s = Scene::of(kind, "ado").await;
        s.choose_merged("Theirs").await;
        s.t.cycle().await;
        s.shows(2, 2);
        s.set(Side::ClickUp, 3);
        s.t.cycle().await;
        s.shows(3, 3);
        s.t.quiet().await;
    }
}

#[tokio::test]
async fn the_last_choice_counts_and_an_earlier_one_never_comes_back() {
    for kind in KINDS {
        let mut s = Scene::of(kind, "hold").await;
        s.shows(1, 2);
        s.choose("clickup").await;
        s.choose("ado").await;
        s.t.cycle().await;
        s.shows(1, 1);
        s.set(Side::ClickUp, 3);
        s.t.cycle().await;
        s.t.cycle().await;
        s.shows(3, 3);
        s.t.quiet().await;
    }
}

#[tokio::test]
async fn an_edit_between_a_choice_and_its_cycle_flows_where_a_side_had_won() {
    for kind in KINDS {
        for side in Side::BOTH {
            let mut s = Scene::of(kind, "ado").await;
            s.choose("clickup").await;
            s.set(side, 3);
            s.t.cycle().await;
            s.t.cycle().await;
            s.shows(3, 3);
            s.t.quiet().await;
            let history = s.t.command(&["history", &s.pair.0.to_string()]).await.1;
            assert!(history.contains("not carried out"), "{kind:?}: {history}");
        }
    }
}

#[tokio::test]
async fn an_edit_between_a_choice_and_its_cycle_is_a_new_conflict_where_it_was_held() {
    for kind in KINDS {
        for (side, ado, clickup) in [(Side::Ado, 3, 2), (Side::ClickUp, 1, 3)] {
            for take in ["ado", "clickup"] {
                let mut s = Scene::of(kind, "hold").await;
                s.choose(take).await;
                s.set(side, 3);
                s.t.cycle().await;
                s.t.cycle().await;
                s.shows(ado, clickup);
                s.names();
                s.t.quiet().await;
            }
        }
    }
}

/// Kills the next cycle at the n-th time that it passes the point.
fn kill_at(s: &mut Scene, point: &'static str, n: u32) {
    let left = Arc::new(AtomicU32::new(n));
    let hook = move |name: &str| name == point && left.fetch_sub(1, Ordering::SeqCst) == 1;
    s.t.instance.as_mut().unwrap().engine.interrupt = Some(Arc::new(hook));
}

async fn killed_cycle(s: &mut Scene) {
    let observed =
        s.t.engine()
            .observe(&boardsync::engine::Scope::default())
            .await
            .unwrap();
    assert!(s.t.try_apply(&observed).await.is_err(), "it was killed");
    s.t.open().await;
}

#[tokio::test]
async fn a_kill_between_the_two_writes_of_a_merged_text_neither_loses_nor_rearms_it() {
    for kind in [Kind::Title, Kind::Text] {
        for point in ["before-update", "after-update", "after-update-commit"] {
            for nth in [1, 2] {
                for edit in [None, Some(Side::Ado), Some(Side::ClickUp)] {
                    let what = format!("{kind:?} {point} {nth} {edit:?}");
                    let mut s = Scene::of(kind, "hold").await;
                    s.choose_merged("Merged by hand").await;
                    kill_at(&mut s, point, nth);
                    killed_cycle(&mut s).await;
                    if let Some(side) = edit {
                        s.set(side, 3);
                    }
                    s.t.cycle().await;
                    s.t.cycle().await;
                    let shown = [
                        s.kind.shown(&s.t, Side::Ado, &s.pair),
                        s.kind.shown(&s.t, Side::ClickUp, &s.pair),
                    ];
                    match edit {
                        // Nobody moved: the text of the choice is on both sides.
                        None => assert_eq!(shown, [None, None], "{what}"),
                        Some(side) => {
                            let kept = shown[side as usize];
                            assert_eq!(kept, Some(3), "{what}: the edit is overwritten");
                            assert!(
                                shown[side.other() as usize] == Some(3)
                                    || s.t.open_conflicts() == 1,
                                "{what}: {shown:?}"
                            );
                        }
                    }
                    s.t.quiet().await;
                    // What is settled stays settled.
                    if s.t.open_conflicts() == 0 {
                        s.set(Side::Ado, 0);
                        s.t.cycle().await;
                        s.t.cycle().await;
                        s.shows(0, 0);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_conflict_whose_values_moved_on_is_not_settled() {
    for kind in KINDS {
        // The winner was edited again, and that has arrived on both sides.
        let mut s = Scene::of(kind, "ado").await;
        s.set(Side::Ado, 3);
        s.t.cycle().await;
        s.shows(3, 3);
        let (code, said) = s.resolve(&["1", "--take", "clickup"]).await;
        assert_eq!(code, 3, "{kind:?}: {said}");
        assert!(said.contains("Azure DevOps has"), "{kind:?}: {said}");
        s.t.cycle().await;
        s.shows(3, 3);
        s.t.quiet().await;

        // The held value was edited again, and nobody has looked since.
        let mut s = Scene::of(kind, "hold").await;
        s.set(Side::Ado, 3);
        let (code, said) = s.resolve(&["1", "--take", "ado"]).await;
        assert_eq!(code, 3, "{kind:?}: {said}");
        s.t.cycle().await;
        s.shows(3, 2);
        s.names();
        // The conflict that took its place is named.
        let (code, said) = s.resolve(&["1", "--take", "ado"]).await;
        assert!(code == 64 && said.contains("conflict 2"), "{code} {said}");
        let (code, said) = s.resolve(&["2", "--take", "ado"]).await;
        assert_eq!(code, 0, "{said}");
        s.t.cycle().await;
        s.shows(3, 3);
        s.t.quiet().await;
    }
}

#[tokio::test]
async fn the_conflict_of_a_dissolved_link_is_closed_and_not_settled() {
    let mut s = Scene::of(Kind::Title, "hold").await;
    let id = s.pair.0.to_string();
    assert_eq!(s.t.open_conflicts(), 1);
    assert_eq!(s.t.command(&["links", "remove", &id]).await.0, 0);
    assert_eq!(s.t.open_conflicts(), 0, "nothing is left to be decided");
    let (code, said) = s.resolve(&["1", "--take", "ado"]).await;
    assert!(code == 64 && said.contains("dissolved"), "{code} {said}");
    s.t.cycle().await;
    s.shows(1, 2);
}

#[tokio::test]
async fn a_choice_dies_with_its_link() {
    let mut s = Scene::of(Kind::Title, "hold").await;
    s.choose("clickup").await;
    let (id, task) = (s.pair.0.to_string(), s.pair.1.clone());
    assert_eq!(s.t.command(&["links", "remove", &id]).await.0, 0);
    let (code, said) = s.t.command(&["links", "add", "web", &id, &task]).await;
    assert_eq!(code, 0, "{said}");
    s.t.cycle().await;
    s.shows(1, 2);
    s.names();
}

#[tokio::test]
async fn a_damaged_choice_is_told_changes_nothing_and_can_be_made_again() {
    let mut s = Scene::of(Kind::Title, "hold").await;
    s.choose("clickup").await;
    let path = s.t.folder.path().join("boardsync.db");
    s.t.instance = None;
    let state = rusqlite::Connection::open(&path).unwrap();
    state.execute("UPDATE choice SET value = '{'", []).unwrap();
    drop(state);
    s.t.open().await;
    let (code, said) = s.t.command(&["reconcile", "--once"]).await;
    assert!(code == 1 && said.contains("choice"), "{code} {said}");
    assert!(said.contains("conflicts resolve 1`"), "{said}");
    s.shows(1, 2);
    s.choose("clickup").await;
    s.t.cycle().await;
    s.shows(2, 2);
}
