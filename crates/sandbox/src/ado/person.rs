//! What a person does in the web portal: no HTTP, no ledger entry, any state on create.

use super::draft::{Draft, save};
use super::patch::{Mode, apply};
use super::state::State;
use super::{AdoSandbox, Refusal, links, people, render, rules};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A live work item as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The id.
    pub id: i64,
    /// The revision.
    pub rev: i64,
    /// Values by reference name; identities as objects, unset fields absent.
    pub fields: Map<String, Value>,
    /// Relations in the server's order, as `{rel, url, attributes}`.
    pub relations: Vec<Value>,
    /// Format of long-text fields where it was set: `markdown` or `html`.
    pub formats: BTreeMap<String, String>,
    /// Comments that are not deleted, oldest first.
    pub comments: Vec<String>,
}

/// Address used in snapshots, which belong to no request.
const NOWHERE: &str = "http://ado.invalid";

impl AdoSandbox {
    /// Replaces the accepted token, as when somebody revokes it and makes another one.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.lock().config.pat);
    }

    /// Creates an item and returns its id. Any state of the type may be given. Fails as the server would.
    pub fn create_item(
        &self,
        project: &str,
        kind: &str,
        fields: &[(&str, Value)],
    ) -> Result<i64, Refusal> {
        let mut state = self.lock();
        let at = self.clock.tick();
        let by = state.owner();
        let project = state
            .project(project)
            .ok_or_else(|| Refusal::no_such_project(project))?;
        let kind = state
            .type_of(project, kind)
            .ok_or_else(|| Refusal::no_such_type(kind))?;
        let mut draft = Draft {
            id: state.next_id,
            project,
            ..Draft::default()
        };
        rules::defaults(&state, &mut draft, kind, &by, at);
        let mode = Mode {
            bypass: false,
            by_hand: true,
            at,
        };
        apply(&state, &mut draft, None, &operations(fields), &mode)?;
        rules::finish(&state, &mut draft, None, &by, at, true)?;
        remember_tags(&mut state, &draft);
        Ok(save(&mut state, draft, &by, at, false))
    }

    /// Edits fields of an item as the person `by` (any form that an identity can be written in) and returns the new
    /// rev; `Value::Null` clears a field. Transitions are enforced. Fails as the server would.
    pub fn edit(&self, id: i64, fields: &[(&str, Value)], by: &str) -> Result<i64, Refusal> {
        self.patch_as(id, &operations(fields), by)
    }

    /// Applies a JSON Patch as a person, relations and formats included, and returns the rev afterwards.
    pub fn patch_as(&self, id: i64, operations: &[Value], by: &str) -> Result<i64, Refusal> {
        let mut state = self.lock();
        let at = self.clock.tick();
        let by = person(&state, by)?;
        let item = state.live(None, id)?.clone();
        let mut draft = Draft::of(&item);
        let mode = Mode {
            bypass: false,
            by_hand: true,
            at,
        };
        apply(&state, &mut draft, Some(&item), operations, &mode)?;
        rules::finish(&state, &mut draft, Some(&item), &by, at, false)?;
        remember_tags(&mut state, &draft);
        save(&mut state, draft, &by, at, false);
        state.live(None, id).map(|item| item.rev)
    }

    /// Gives an item a parent, or takes it away. Neither end gets a new rev.
    pub fn set_parent(&self, child: i64, parent: Option<i64>, by: &str) -> Result<(), Refusal> {
        let mut state = self.lock();
        let at = self.clock.tick();
        let by = person(&state, by)?;
        let item = state.live(None, child)?.clone();
        let mut draft = Draft::of(&item);
        if let Some(old) = item.relations.iter().find(|r| r.rel == links::PARENT) {
            links::remove(&mut draft, old);
        }
        if let Some(parent) = parent {
            let value = json!({"rel": links::PARENT, "url": format!("{NOWHERE}/_apis/wit/workItems/{parent}")});
            links::add(&state, &mut draft, &value, at)?;
        }
        save(&mut state, draft, &by, at, false);
        Ok(())
    }

    /// Adds an HTML comment and returns the rev afterwards.
    pub fn add_comment(&self, id: i64, text: &str, by: &str) -> Result<i64, Refusal> {
        self.edit(id, &[("System.History", text.into())], by)
    }

    /// Moves an item to the recycle bin. Returns whether it was there to be moved.
    pub fn delete(&self, id: i64) -> bool {
        let mut state = self.lock();
        let (at, by) = (self.clock.tick(), state.owner());
        super::recycle::bin(&mut state, id, &by, at)
    }

    /// Takes an item out of the recycle bin. Returns whether it was in there.
    pub fn restore(&self, id: i64) -> bool {
        let mut state = self.lock();
        let (at, by) = (self.clock.tick(), state.owner());
        super::recycle::unbin(&mut state, id, &by, at)
    }

    /// Removes an item for ever, from the recycle bin too. Returns whether there was one.
    pub fn destroy(&self, id: i64) -> bool {
        self.lock().items.remove(&id).is_some()
    }

    /// Returns a live item; `None` when it is deleted or never existed.
    pub fn item(&self, id: i64) -> Option<Snapshot> {
        let state = self.lock();
        let item = state.live(None, id).ok()?;
        let project = state.project_id(item.project);
        let relations = super::state::ordered(&item.relations);
        let comments = item.comments.iter().filter(|c| !c.deleted);
        Some(Snapshot {
            id,
            rev: item.rev,
            fields: render::fields(&state, &item.fields, NOWHERE),
            relations: relations
                .iter()
                .map(|r| links::render(r, NOWHERE, project))
                .collect(),
            formats: item.formats.clone(),
            comments: comments.map(|c| c.text.clone()).collect(),
        })
    }

    /// Returns the ids of all live items, ascending.
    pub fn all_ids(&self) -> Vec<i64> {
        let state = self.lock();
        let live = state.items.values().filter(|i| i.deleted.is_none());
        live.map(|i| i.id).collect()
    }

    /// Returns the ids in the recycle bin, ascending.
    pub fn deleted_ids(&self) -> Vec<i64> {
        let state = self.lock();
        let binned = state.items.values().filter(|i| i.deleted.is_some());
        binned.map(|i| i.id).collect()
    }
}

/// Makes the spellings of a saved item's tags known to its project.
pub(super) fn remember_tags(state: &mut State, draft: &Draft) {
    let joined = draft
        .fields
        .get("System.Tags")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let known = state.tags.entry(draft.project).or_default();
    for tag in joined.split("; ").filter(|t| !t.is_empty()) {
        if !known.iter().any(|k| k.to_lowercase() == tag.to_lowercase()) {
            known.push(tag.to_owned());
        }
    }
}

fn person(state: &State, by: &str) -> Result<String, Refusal> {
    people::resolve(&state.config.people, &by.into())
        .map(|p| p.id.clone())
        .ok_or_else(|| Refusal::argument(format!("{by} is not a member of the organisation")))
}

fn operations(fields: &[(&str, Value)]) -> Vec<Value> {
    let one = |(name, value): &(&str, Value)| {
        let op = if value.is_null() { "remove" } else { "add" };
        json!({"op": op, "path": format!("/fields/{name}"), "value": value})
    };
    fields.iter().map(one).collect()
}
