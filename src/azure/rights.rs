//! Whether the token may write, for `check`. Reads cannot tell: a token with the scope Work Items (Read) reads everything
//! that one with Read & write reads.

use super::{Scope, Shared, fields};
use crate::connector::{ConnectorError, ErrorKind, Objection};
use crate::model::PairName;
use serde_json::{Value, json};

impl Shared {
    /// Returns what speaks against new items of these types. A missing right ends it: the other types lack it too.
    pub(super) async fn fetch_objections(
        &self,
        pair: &PairName,
        types: &[String],
    ) -> Result<Vec<Objection>, ConnectorError> {
        let scope = self.scope(pair)?;
        let mut found = Vec::new();
        let ops = bare(scope);
        for name in types {
            match self.api.validate_create(&scope.project, name, &ops).await {
                Ok(()) => {}
                Err(error) if may_not(&error) => {
                    found.push(Objection {
                        missing_right: true,
                        text: format!(
                            "The token may not create or change work items: {error}. Give it the scope Work Items (Read & write), and its owner the permission \"Edit work items in this node\" on the area."
                        ),
                    });
                    break;
                }
                Err(error) if error.kind == ErrorKind::Refused => found.push(Objection {
                    missing_right: false,
                    text: format!("A new \"{name}\" with only a title is refused: {error}."),
                }),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Returns who of these people cannot be assigned a new item of a type, each with what Azure DevOps said. No scope of work
    /// items lists its people.
    pub(super) async fn fetch_strangers(
        &self,
        pair: &PairName,
        kind: &str,
        people: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        let scope = self.scope(pair)?;
        let mut found = Vec::new();
        for person in people {
            let mut ops = bare(scope);
            ops.push(
                json!({"op": "add", "path": format!("/fields/{ASSIGNED_TO}"), "value": person}),
            );
            match self.api.validate_create(&scope.project, kind, &ops).await {
                Ok(()) => {}
                // What is refused for another reason says nothing about the person.
                Err(error) if error.kind == ErrorKind::Refused => {
                    let named = error.unsent.as_deref();
                    if named.is_some_and(|name| name.eq_ignore_ascii_case(ASSIGNED_TO)) {
                        found.push((person.clone(), error.to_string()));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

const ASSIGNED_TO: &str = "System.AssignedTo";

/// A new item with nothing but what every one has.
fn bare(scope: &Scope) -> Vec<Value> {
    let mut ops = vec![
        json!({"op": "add", "path": "/fields/System.Title", "value": "boardsync check, validated only"}),
    ];
    if let Some(area) = scope.area_for_new.as_ref().or(scope.area.as_ref()) {
        let area = area.trim_start_matches('\\');
        ops.push(json!({"op": "add", "path": format!("/fields/{}", fields::AREA), "value": area}));
    }
    ops
}

/// A scope that is missing is 401 or 403, a missing permission 403 or, where existence is hidden, 404
/// (learn.microsoft.com, work items REST reference; errors seen by client authors).
fn may_not(error: &ConnectorError) -> bool {
    matches!(error.kind, ErrorKind::Auth | ErrorKind::NotFound) || error.status == Some(403)
}
