//! Claims on a work item: hyperlinks like the markers, one for each pair, with the claim in the comment.

use super::patch::{hyperlink, test_rev};
use super::wire::{Relation, WorkItem};
use super::write::parse;
use super::{Shared, api, errors};
use crate::claim::PREFIX;
use crate::connector::client::Priority;
use crate::connector::{ClaimChange, Claims, ConnectorError, ErrorKind};
use crate::model::{ItemId, Side, Version};
use serde_json::{Value, json};

impl Shared {
    pub(super) async fn fetch_claims(&self, id: &ItemId) -> Result<Claims, ConnectorError> {
        let wire = self.canary(id).await?;
        Ok(Claims {
            version: Version(wire.rev),
            texts: relations(&wire)
                .filter_map(|(_, relation)| claim_of(relation))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// One patch with a revision test. That adding a hyperlink makes a new revision is inferred, not documented, so the
    /// service's other answer to two at once counts as well: the same address twice is an error, and every pair has one.
    pub(super) async fn claim(&self, change: &ClaimChange) -> Result<(), ConnectorError> {
        let id = parse(&change.id, "claim work item")?;
        let wire = self.canary(&change.id).await?;
        if wire.rev != change.expected.0 {
            return Err(stale("it changed since its claims were read"));
        }
        let mut old: Vec<(usize, &Relation)> = relations(&wire)
            .filter(|(_, relation)| {
                claim_of(relation).is_some_and(|text| change.replaces.iter().any(|old| old == text))
            })
            .collect();
        if old.len() < change.replaces.len() {
            return Err(stale("its claims changed since they were read"));
        }
        let mut ops = vec![test_rev(wire.rev)];
        // The comment of a relation can be replaced, and relations are named by their place in the present order
        // (MicrosoftDocs/vsts-rest-api-specs, wit 7.1, update examples).
        let kept = old.pop();
        for (index, _) in old.iter().rev() {
            ops.push(json!({"op": "remove", "path": format!("/relations/{index}")}));
        }
        match kept {
            Some((index, _)) => {
                // One less for each that went before it; they all stand before it.
                let index = index.saturating_sub(old.len());
                let path = format!("/relations/{index}/attributes/comment");
                ops.push(json!({"op": "replace", "path": path, "value": change.claim}));
            }
            None => {
                let project = wire.text(super::fields::PROJECT).unwrap_or("");
                let url = format!(
                    "{}/{}/_workitems/edit/{id}#boardsync-{}",
                    self.base_url,
                    api::segment(project),
                    change.name
                );
                ops.push(hyperlink(&url, &change.claim));
            }
        }
        match self.api.patch(id, errors::Asked::no_fields(&ops)).await {
            Ok(_) => Ok(()),
            Err(error) if errors::is_linked_already(&error) => {
                Err(stale("another claim came first"))
            }
            Err(error) => Err(error),
        }
    }

    async fn canary(&self, id: &ItemId) -> Result<WorkItem, ConnectorError> {
        let number = parse(id, "read claims")?;
        let read = self
            .api
            .batch(&[number], api::Select::Relations, Priority::Live)
            .await?;
        let found = read.into_iter().find(|wire| wire.id == number);
        found.ok_or_else(|| {
            ConnectorError::new(
                Side::Ado,
                ErrorKind::NotFound,
                "read claims",
                format!("work item {id} cannot be read"),
            )
        })
    }
}

fn relations(wire: &WorkItem) -> impl Iterator<Item = (usize, &Relation)> {
    wire.relations.iter().flatten().enumerate()
}

fn claim_of(relation: &Relation) -> Option<&str> {
    let attributes = relation.attributes.as_ref();
    let comment = attributes?.get("comment").and_then(Value::as_str)?.trim();
    (relation.rel == "Hyperlink" && comment.starts_with(PREFIX)).then_some(comment)
}

fn stale(message: &str) -> ConnectorError {
    ConnectorError::new(Side::Ado, ErrorKind::Stale, "claim work item", message)
}
