//! Relation types, and the rules for adding and removing relations.

use super::Refusal;
use super::draft::{Draft, LinkOp};
use super::state::{Relation, State, Target, parent_of};
use boardsync_core::model::Timestamp;
use serde_json::{Map, Value, json};

/// From the child to its parent.
pub const PARENT: &str = "System.LinkTypes.Hierarchy-Reverse";
/// From the parent to a child.
pub const CHILD: &str = "System.LinkTypes.Hierarchy-Forward";

/// Work item links: name of the forward end, its title, name of the other end, its title.
/// Azure DevOps CLI recordings, `GET /_apis/wit/workItemRelationTypes`.
const LINK_TYPES: &[(&str, &str, &str, &str)] = &[
    (CHILD, "Child", PARENT, "Parent"),
    (
        "System.LinkTypes.Dependency-Forward",
        "Successor",
        "System.LinkTypes.Dependency-Reverse",
        "Predecessor",
    ),
    (
        "System.LinkTypes.Duplicate-Forward",
        "Duplicate",
        "System.LinkTypes.Duplicate-Reverse",
        "Duplicate Of",
    ),
    (
        "System.LinkTypes.Related",
        "Related",
        "System.LinkTypes.Related",
        "Related",
    ),
];
/// Links to things that are not work items.
const RESOURCE_TYPES: &[(&str, &str)] = &[
    ("AttachedFile", "Attached File"),
    ("Hyperlink", "Hyperlink"),
    ("ArtifactLink", "Artifact Link"),
];
/// Azure DevOps: docs object-limits.md (2024-09), 1,000 links per work item.
const MAX_LINKS: usize = 1_000;

/// The name of a relation as seen from the other end; `None` for resource links and unknown names.
pub fn opposite(rel: &str) -> Option<&'static str> {
    LINK_TYPES.iter().find_map(|&(forward, _, reverse, _)| {
        if forward == rel {
            Some(reverse)
        } else if reverse == rel {
            Some(forward)
        } else {
            None
        }
    })
}

/// The title of a work item link type, e.g. `Parent`.
pub fn title(rel: &str) -> &'static str {
    LINK_TYPES
        .iter()
        .find_map(|&(forward, forward_title, reverse, reverse_title)| {
            if forward == rel {
                Some(forward_title)
            } else if reverse == rel {
                Some(reverse_title)
            } else {
                None
            }
        })
        .unwrap_or("")
}

/// All relation types as the API lists them.
pub fn relation_types(base: &str) -> Vec<Value> {
    let row = |reference: &str, name: &str, usage: &str, other: Option<&str>, forward: bool| {
        let mut attributes = json!({"usage": usage, "editable": false, "enabled": true});
        if let (Some(other), Some(map)) = (other, attributes.as_object_mut()) {
            map.insert("isForward".to_owned(), forward.into());
            map.insert("oppositeEndReferenceName".to_owned(), other.into());
        }
        json!({
            "attributes": attributes,
            "referenceName": reference,
            "name": name,
            "url": format!("{base}/_apis/wit/workItemRelationTypes/{reference}"),
        })
    };
    let mut rows = Vec::new();
    for &(forward, forward_name, reverse, reverse_name) in LINK_TYPES {
        if forward == reverse {
            rows.push(row(forward, forward_name, "workItemLink", None, true));
            continue;
        }
        rows.push(row(
            forward,
            forward_name,
            "workItemLink",
            Some(reverse),
            true,
        ));
        rows.push(row(
            reverse,
            reverse_name,
            "workItemLink",
            Some(forward),
            false,
        ));
    }
    rows.extend(
        RESOURCE_TYPES
            .iter()
            .map(|(r, n)| row(r, n, "resourceLink", None, true)),
    );
    rows
}

/// Adds a relation to a draft.
pub fn add(state: &State, draft: &mut Draft, value: &Value, at: Timestamp) -> Result<(), Refusal> {
    let rel = value["rel"].as_str().unwrap_or("");
    let url = value["url"].as_str().unwrap_or("");
    let attributes = value["attributes"].as_object().cloned().unwrap_or_default();
    if draft.relations.len() >= MAX_LINKS {
        return Err(Refusal::new(
            400,
            "WorkItemLinksLimitExceededException",
            "TF237124: Work item links limit of 1000 exceeded.",
        ));
    }
    if opposite(rel).is_some() {
        let other: i64 = url
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                Refusal::argument(format!("The relation url {url} names no work item."))
            })?;
        return add_link(state, draft, rel, other, attributes);
    }
    if !RESOURCE_TYPES.iter().any(|(name, _)| *name == rel) {
        return Err(Refusal::new(
            400,
            "WorkItemRelationTypeNotFoundException",
            format!("VS402324: Unrecognized relation type {rel}."),
        ));
    }
    add_resource(state, draft, rel, url, attributes, at)
}

fn add_resource(
    state: &State,
    draft: &mut Draft,
    rel: &str,
    url: &str,
    mut attributes: Map<String, Value>,
    at: Timestamp,
) -> Result<(), Refusal> {
    if rel == "AttachedFile" {
        let key = url.rsplit('/').next().unwrap_or("");
        let key = key.split('?').next().unwrap_or("").to_ascii_lowercase();
        let Some(content) = state.attachments.get(&key) else {
            return Err(Refusal::new(
                400,
                "WorkItemAttachmentNotFoundException",
                "TF401349: The attachment does not exist.",
            ));
        };
        attributes.insert("resourceSize".to_owned(), content.len().into());
    }
    let known = draft
        .relations
        .iter()
        .any(|r| r.rel == rel && matches!(&r.target, Target::Resource { url: u, .. } if u == url));
    if known {
        return Err(already());
    }
    let id = state.next_resource + draft.new_resources;
    draft.new_resources += 1;
    let date = super::render::date(at);
    attributes.insert("id".to_owned(), id.into());
    for key in [
        "authorizedDate",
        "resourceCreatedDate",
        "resourceModifiedDate",
    ] {
        attributes.insert(key.to_owned(), date.clone().into());
    }
    attributes.insert("revisedDate".to_owned(), "9999-01-01T00:00:00Z".into());
    let relation = Relation {
        rel: rel.to_owned(),
        target: Target::Resource {
            id,
            url: url.to_owned(),
        },
        attributes,
    };
    draft.added.push(relation.clone());
    draft.relations.push(relation);
    Ok(())
}

fn add_link(
    state: &State,
    draft: &mut Draft,
    rel: &str,
    other: i64,
    attributes: Map<String, Value>,
) -> Result<(), Refusal> {
    let target = state.live(None, other)?;
    if draft
        .relations
        .iter()
        .any(|r| r.rel == rel && r.target == Target::Item(other))
    {
        return Err(already());
    }
    let second_parent = (rel == PARENT && parent_of(&draft.relations).is_some())
        || (rel == CHILD && target.parent().is_some_and(|p| p != draft.id));
    if second_parent {
        return Err(Refusal::new(
            400,
            "WorkItemLinkAddExtraParentException",
            "TF201036: You cannot add a Child link between work items because a work item can have only one Parent link.",
        ));
    }
    let (parent, child) = if rel == PARENT {
        (other, draft.id)
    } else {
        (draft.id, other)
    };
    if (rel == PARENT || rel == CHILD) && is_ancestor(state, child, parent) || other == draft.id {
        return Err(Refusal::new(
            400,
            "WorkItemLinkCircularException",
            "TF201035: You cannot add this link because it would create a circular relationship.",
        ));
    }
    let relation = Relation {
        rel: rel.to_owned(),
        target: Target::Item(other),
        attributes,
    };
    draft.links.push(LinkOp {
        add: true,
        relation: relation.clone(),
    });
    draft.relations.push(relation);
    Ok(())
}

/// Whether `above` is `item` or one of its ancestors.
fn is_ancestor(state: &State, above: i64, item: i64) -> bool {
    let mut at = Some(item);
    let mut steps = 0;
    while let Some(id) = at {
        if id == above {
            return true;
        }
        steps += 1;
        at = state
            .items
            .get(&id)
            .and_then(|i| i.parent())
            .filter(|_| steps < 1_000);
    }
    false
}

/// Removes one relation from a draft.
pub fn remove(draft: &mut Draft, relation: &Relation) {
    draft.relations.retain(|r| r != relation);
    match relation.target {
        Target::Item(_) => draft.links.push(LinkOp {
            add: false,
            relation: relation.clone(),
        }),
        Target::Resource { .. } => draft.removed.push(relation.clone()),
    }
}

/// Only the key tells this refusal; no code is published for its message.
fn already() -> Refusal {
    Refusal::new(
        400,
        "RelationAlreadyExistsException",
        "The relation already exists.",
    )
}

/// A relation as the API shows it.
/// `project`: the GUID of the project.
pub fn render(relation: &Relation, base: &str, project: &str) -> Value {
    let mut attributes = relation.attributes.clone();
    let url = match &relation.target {
        Target::Item(id) => {
            attributes.insert("isLocked".to_owned(), false.into());
            attributes.insert("name".to_owned(), title(&relation.rel).into());
            format!("{base}/{project}/_apis/wit/workItems/{id}")
        }
        Target::Resource { url, .. } => url.clone(),
    };
    json!({"rel": relation.rel, "url": url, "attributes": attributes})
}
