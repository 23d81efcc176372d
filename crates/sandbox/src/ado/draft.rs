//! A change of one item before it is saved, and saving it. Nothing in the state moves until then.

use super::links::{CHILD, opposite};
use super::state::{
    Comment, Fields, LinkEvent, Relation, Revision, State, Target, Update, WorkItem,
};
use boardsync_core::model::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One work item link to add to or remove from the other end.
#[derive(Clone, Debug)]
pub struct LinkOp {
    pub add: bool,
    pub relation: Relation,
}

/// An item as it would be after a save.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The id; of a new item the one that it will get.
    pub id: i64,
    pub project: usize,
    pub fields: Fields,
    pub formats: BTreeMap<String, String>,
    pub relations: Vec<Relation>,
    pub links: Vec<LinkOp>,
    pub added: Vec<Relation>,
    pub removed: Vec<Relation>,
    pub updated: Vec<Relation>,
    pub new_resources: i64,
    /// Fields that the patch wrote.
    pub touched: BTreeSet<String>,
    /// Whether the patch held a write that had no effect. The item gets a revision all the same.
    pub idle: bool,
    /// Text to add to the discussion, and whether it is Markdown.
    pub comment: Option<(String, bool)>,
    /// The change of a comment that this save stands for: id, version.
    pub comment_ref: Option<(i64, i64)>,
    /// Whether the item lies in the recycle bin after this.
    pub deleted: bool,
}

impl Draft {
    /// A draft that changes nothing yet.
    pub fn of(item: &WorkItem) -> Draft {
        Draft {
            id: item.id,
            project: item.project,
            fields: item.fields.clone(),
            formats: item.formats.clone(),
            relations: item.relations.clone(),
            deleted: item.deleted.is_some(),
            ..Draft::default()
        }
    }

    /// A field as text; empty when it has none.
    pub fn text(&self, reference: &str) -> &str {
        self.fields
            .get(reference)
            .and_then(Value::as_str)
            .unwrap_or("")
    }

    /// Whether anything beside work item links changes compared with the saved item.
    fn changes(&self, saved: Option<&WorkItem>) -> bool {
        let Some(item) = saved else { return true };
        self.fields != item.fields
            || self.formats != item.formats
            || !self.added.is_empty()
            || !self.removed.is_empty()
            || !self.updated.is_empty()
            || self.comment.is_some()
            || self.comment_ref.is_some()
            || self.deleted != item.deleted.is_some()
            || self.idle
    }

    /// The item as it would be, for `validateOnly`.
    pub fn preview(self, state: &State, by: &str, at: Timestamp) -> WorkItem {
        let mut item = blank(&self);
        if let Some(saved) = state.items.get(&self.id) {
            item = saved.clone();
        }
        item.rev += 1;
        item.fields = self.fields;
        item.fields.insert(
            "System.ChangedDate".to_owned(),
            super::render::date(at).into(),
        );
        item.fields.insert("System.ChangedBy".to_owned(), by.into());
        item.formats = self.formats;
        item.relations = self.relations;
        item
    }
}

fn blank(draft: &Draft) -> WorkItem {
    WorkItem {
        id: draft.id,
        project: draft.project,
        rev: 0,
        watermark: 0,
        fields: Fields::new(),
        formats: BTreeMap::new(),
        relations: Vec::new(),
        deleted: None,
        revisions: Vec::new(),
        updates: Vec::new(),
        comments: Vec::new(),
    }
}

fn live_comments(item: &WorkItem) -> i64 {
    i64::try_from(item.comments.iter().filter(|c| !c.deleted).count()).unwrap_or(i64::MAX)
}

/// Saves a draft. Field edits, resource links and comments make a revision; work item links do not.
/// `stamp`: values for `System.ChangedBy` and `System.ChangedDate` given by a writer who bypasses rules.
pub fn save(state: &mut State, mut draft: Draft, by: &str, at: Timestamp, stamp: bool) -> i64 {
    let id = draft.id;
    let mut item = state.items.remove(&id).unwrap_or_else(|| blank(&draft));
    let is_new = item.rev == 0;
    let bumps = is_new
        || state.quirks.noop_bumps_rev && draft.links.is_empty()
        || draft.changes(Some(&item));
    let mut update = Update {
        by: by.to_owned(),
        at,
        ..Update::default()
    };
    if bumps {
        if let Some((text, markdown)) = draft.comment.take() {
            let comment = new_comment(state.next_comment, text, markdown, by, at);
            state.next_comment += 1;
            draft.comment_ref = Some((comment.id, 1));
            item.comments.push(comment);
        }
        if !stamp {
            draft.fields.insert(
                "System.ChangedDate".to_owned(),
                super::render::date(at).into(),
            );
            draft
                .fields
                .insert("System.ChangedBy".to_owned(), by.into());
        }
        draft.fields.insert(
            "System.CommentCount".to_owned(),
            live_comments(&item).into(),
        );
        update.fields = diff(&item.fields, &draft.fields);
        item.rev += 1;
        state.watermark += 1;
        item.watermark = state.watermark;
        item.fields = draft.fields;
        item.formats = draft.formats;
        item.project = draft.project;
        item.deleted = draft.deleted.then(|| {
            item.deleted.take().unwrap_or(super::state::Deletion {
                at,
                by: by.to_owned(),
            })
        });
        item.revisions.push(Revision {
            rev: item.rev,
            at,
            watermark: item.watermark,
            fields: item.fields.clone(),
            formats: item.formats.clone(),
            deleted: draft.deleted,
            comment: draft.comment_ref,
        });
        state.feed.push((item.watermark, id, item.rev));
        state.next_resource += draft.new_resources;
    }
    item.relations = draft.relations;
    update.rev = item.rev;
    update.added = draft.added;
    update.removed = draft.removed;
    update.updated = draft.updated;
    for op in &draft.links {
        let list = if op.add {
            &mut update.added
        } else {
            &mut update.removed
        };
        list.push(op.relation.clone());
    }
    if bumps || !draft.links.is_empty() {
        item.updates.push(update);
    }
    state.next_id = state.next_id.max(id + 1);
    state.items.insert(id, item);
    for op in &draft.links {
        mirror(state, id, op, by, at);
    }
    id
}

/// A fresh comment.
pub fn new_comment(id: i64, text: String, markdown: bool, by: &str, at: Timestamp) -> Comment {
    Comment {
        id,
        version: 1,
        text,
        markdown,
        by: by.to_owned(),
        created: at,
        modified_by: by.to_owned(),
        modified: at,
        deleted: false,
    }
}

/// Shows a link edit on the other end and in the link feed.
fn mirror(state: &mut State, id: i64, op: &LinkOp, by: &str, at: Timestamp) {
    let Target::Item(other) = op.relation.target else {
        return;
    };
    let Some(reverse) = opposite(&op.relation.rel) else {
        return;
    };
    let forward = op.relation.rel == CHILD
        || op.relation.rel.ends_with("-Forward")
        || reverse == op.relation.rel;
    state.link_events.push(LinkEvent {
        rel: op
            .relation
            .rel
            .trim_end_matches("-Forward")
            .trim_end_matches("-Reverse")
            .to_owned(),
        source: if forward { id } else { other },
        target: if forward { other } else { id },
        at,
        active: op.add,
    });
    let Some(peer) = state.items.get_mut(&other) else {
        return;
    };
    let twin = Relation {
        rel: reverse.to_owned(),
        target: Target::Item(id),
        attributes: op.relation.attributes.clone(),
    };
    let mut update = Update {
        rev: peer.rev,
        by: by.to_owned(),
        at,
        ..Update::default()
    };
    if op.add {
        peer.relations.push(twin.clone());
        update.added.push(twin);
    } else {
        peer.relations
            .retain(|r| r.rel != twin.rel || r.target != twin.target);
        update.removed.push(twin);
    }
    peer.updates.push(update);
}

fn diff(old: &Fields, new: &Fields) -> BTreeMap<String, (Option<Value>, Option<Value>)> {
    let mut changed = BTreeMap::new();
    for key in old.keys().chain(new.keys()) {
        let (before, after) = (old.get(key), new.get(key));
        if before != after {
            changed.insert(key.clone(), (before.cloned(), after.cloned()));
        }
    }
    changed
}
