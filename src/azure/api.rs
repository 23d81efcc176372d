//! The calls: addresses, versions, paging of one answer, and what a failed answer means.

use super::errors::{self, Asked, Target};
use super::wire::{
    BinRow, ConnectionData, LinkFeed, ListOf, Node, WiqlAnswer, WireField, WireState, WireType,
    WireTypeField, WorkItem,
};
use crate::connector::client::{ApiRequest, ApiResponse, HttpClient, Priority, Sending};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{Side, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What every path is written with; every 7.2 number is a preview (MicrosoftDocs/vsts-rest-api-specs, specification/wit,
/// 2026-05).
const VERSION: &str = "api-version=7.1";

/// Older numbers, asked with in turn when a server refuses [`VERSION`]: Server 2022, 2020 and 2019 know up to 7.0 or 7.1,
/// 6.0 and 5.x (learn.microsoft.com, integrate/concepts/rest-api-versioning).
const OLDER: [&str; 4] = [
    "api-version=7.0",
    "api-version=6.0",
    "api-version=5.1",
    "api-version=5.0",
];

/// Most ids of one batch read; more is VS403474 (learn.microsoft.com, work-items/get-work-items-batch, 7.1).
pub(super) const BATCH: usize = 200;

/// Everything that is not unreserved (RFC 3986).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What to read of each item of a batch. The service refuses both at once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Select<'a> {
    /// Only these fields; the formats of long texts are then missing (ADO-7).
    Fields(&'a [&'a str]),
    /// All fields and relations.
    Relations,
}

/// The REST calls of one organisation or collection.
pub(super) struct Api {
    pub(super) http: HttpClient,
    /// How many of [`OLDER`] the server has driven us to; 0: none.
    pub(super) older: AtomicUsize,
}

/// Encodes one path segment.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Tells when an item was deleted in the form that every other time has here. The recycle bin writes it as text, in the
/// American form (MicrosoftDocs/vsts-rest-api-specs, `recycleBin/GET__wit_recyclebin__ids_.json`: `1/31/2017 9:21:14 PM`),
/// and names no zone. Nothing says that every server does, so other text is shown as it stands.
fn bin_time(text: &str) -> String {
    let parsed = chrono::NaiveDateTime::parse_from_str(text.trim(), "%m/%d/%Y %I:%M:%S %p");
    parsed.map_or_else(
        |_| text.to_owned(),
        |at| at.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

impl Api {
    /// Runs one page of a query, of at most `rows` rows.
    pub(super) async fn wiql(
        &self,
        project: Option<&str>,
        query: &str,
        rows: usize,
        priority: Priority,
    ) -> Result<WiqlAnswer, ConnectorError> {
        let scope = project.map_or_else(String::new, |project| format!("{}/", segment(project)));
        // `timePrecision` counts on the query string only (ADO-4).
        let path = format!("{scope}_apis/wit/wiql?{VERSION}&timePrecision=true&$top={rows}");
        let body = json!({ "query": query });
        self.read(
            "query work items",
            Method::POST,
            &path,
            Some(body),
            priority,
        )
        .await
    }

    /// Reads at most [`BATCH`] items; those that cannot be seen are missing from the answer.
    pub(super) async fn batch(
        &self,
        ids: &[i64],
        select: Select<'_>,
        priority: Priority,
    ) -> Result<Vec<WorkItem>, ConnectorError> {
        let mut body = json!({ "ids": ids, "errorPolicy": "omit" });
        if let Some(body) = body.as_object_mut() {
            match select {
                Select::Fields(names) => body.insert("fields".to_owned(), json!(names)),
                Select::Relations => body.insert("$expand".to_owned(), json!("relations")),
            };
        }
        let path = format!("_apis/wit/workitemsbatch?{VERSION}");
        let answer: ListOf<Option<WorkItem>> = self
            .read("read work items", Method::POST, &path, Some(body), priority)
            .await?;
        Ok(answer.value.into_iter().flatten().collect())
    }

    /// Reads at most [`BATCH`] revisions of an item, those after the first `skip`, oldest first (learn.microsoft.com,
    /// revisions/list, 7.1).
    pub(super) async fn revisions(
        &self,
        id: i64,
        skip: i64,
    ) -> Result<Vec<WorkItem>, ConnectorError> {
        let path =
            format!("_apis/wit/workitems/{id}/revisions?$top={BATCH}&$skip={skip}&{VERSION}");
        let answer: ListOf<Option<WorkItem>> = self
            .read("read revisions", Method::GET, &path, None, Priority::Live)
            .await?;
        Ok(answer.value.into_iter().flatten().collect())
    }

    /// Looks ids up in a project's recycle bin; returns when each was deleted, in the service's words.
    pub(super) async fn recycle_bin(
        &self,
        project: &str,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, String>, ConnectorError> {
        let list: Vec<String> = ids.iter().map(i64::to_string).collect();
        let path = format!(
            "{}/_apis/wit/recyclebin?ids={}&{VERSION}",
            segment(project),
            list.join(",")
        );
        // The specification's example is a bare array; other list answers have an envelope.
        let answer: Value = self
            .read(
                "read the recycle bin",
                Method::GET,
                &path,
                None,
                Priority::Live,
            )
            .await?;
        let rows = match answer {
            Value::Object(mut object) => object.remove("value").unwrap_or(Value::Null),
            other => other,
        };
        let rows: Vec<Option<BinRow>> = serde_json::from_value(rows).map_err(|_| {
            ConnectorError::new(
                Side::Ado,
                ErrorKind::Protocol,
                "read the recycle bin",
                "answer is not a list of deleted items",
            )
        })?;
        let mut found = BTreeMap::new();
        for row in rows.into_iter().flatten() {
            let whole = |value: &Value| match value {
                Value::String(text) => text.parse::<i64>().ok(),
                other => other.as_i64(),
            };
            let code = row.code.filter(|code| !code.is_null());
            // A row for an id that is not in the bin has another code.
            if let Some(id) = row.id.as_ref().and_then(whole)
                && code.as_ref().map_or(Some(200), whole) == Some(200)
            {
                let when = row
                    .deleted_date
                    .map_or_else(String::new, |at| format!(", deleted {}", bin_time(&at)));
                found.insert(id, format!("in the recycle bin of {project}{when}"));
            }
        }
        Ok(found)
    }

    /// Reads one page of changed links.
    pub(super) async fn link_feed(
        &self,
        token: Option<&str>,
        start: Timestamp,
    ) -> Result<LinkFeed, ConnectorError> {
        let from = match token {
            Some(token) => format!("continuationToken={}", segment(token)),
            None => format!("startDateTime={}", segment(&super::wiql::seconds(start))),
        };
        let path = format!("_apis/wit/reporting/workitemlinks?{from}&{VERSION}");
        self.read(
            "read changed links",
            Method::GET,
            &path,
            None,
            Priority::Live,
        )
        .await
    }

    /// Reads one work item type with its fields, states and transitions.
    pub(super) async fn work_item_type(
        &self,
        project: &str,
        name: &str,
    ) -> Result<WireType, ConnectorError> {
        let path = format!(
            "{}/_apis/wit/workitemtypes/{}?{VERSION}",
            segment(project),
            segment(name)
        );
        self.read(
            "read a work item type",
            Method::GET,
            &path,
            None,
            Priority::Live,
        )
        .await
    }

    /// Reads all work item types of a project.
    pub(super) async fn work_item_types(
        &self,
        project: &str,
    ) -> Result<Vec<WireType>, ConnectorError> {
        let path = format!("{}/_apis/wit/workitemtypes?{VERSION}", segment(project));
        let answer: ListOf<WireType> = self
            .read(
                "read work item types",
                Method::GET,
                &path,
                None,
                Priority::Live,
            )
            .await?;
        Ok(answer.value)
    }

    /// Reads the states of a type, with categories.
    pub(super) async fn states(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Vec<WireState>, ConnectorError> {
        let path = format!(
            "{}/_apis/wit/workitemtypes/{}/states?{VERSION}",
            segment(project),
            segment(name)
        );
        let answer: ListOf<WireState> = self
            .read("read states", Method::GET, &path, None, Priority::Live)
            .await?;
        Ok(answer.value)
    }

    /// Reads the fields that a project has, with their types.
    pub(super) async fn fields(&self, project: &str) -> Result<Vec<WireField>, ConnectorError> {
        let path = format!("{}/_apis/wit/fields?{VERSION}", segment(project));
        let answer: ListOf<WireField> = self
            .read("read fields", Method::GET, &path, None, Priority::Live)
            .await?;
        Ok(answer.value)
    }

    /// Reads the fields of a type with the values that each of them takes.
    pub(super) async fn type_fields(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Vec<WireTypeField>, ConnectorError> {
        let path = format!(
            "{}/_apis/wit/workitemtypes/{}/fields?$expand=all&{VERSION}",
            segment(project),
            segment(name)
        );
        let operation = "read the fields of a type";
        let answer: ListOf<WireTypeField> = self
            .read(operation, Method::GET, &path, None, Priority::Live)
            .await?;
        Ok(answer.value)
    }

    /// Reads the area tree of a project.
    pub(super) async fn areas(&self, project: &str) -> Result<Node, ConnectorError> {
        let path = format!(
            "{}/_apis/wit/classificationnodes/areas?$depth=14&{VERSION}",
            segment(project)
        );
        self.read("read area paths", Method::GET, &path, None, Priority::Live)
            .await
    }

    /// Reads who the token belongs to.
    pub(super) async fn connection_data(&self) -> Result<ConnectionData, ConnectorError> {
        let path = "_apis/connectionData?api-version=7.1-preview.1";
        self.read("read who we are", Method::GET, path, None, Priority::Live)
            .await
    }

    /// Creates an item. Sent once.
    pub(super) async fn create(
        &self,
        project: &str,
        type_name: &str,
        asked: Asked<'_>,
    ) -> Result<WorkItem, ConnectorError> {
        let path = format!(
            "{}/_apis/wit/workitems/${}?$expand=relations&{VERSION}",
            segment(project),
            segment(type_name)
        );
        self.write(
            "create work item",
            Method::POST,
            &path,
            asked,
            Sending::Once,
        )
        .await
    }

    /// Has a create checked against rights and rules. Saves nothing: `validateOnly` is "validate the changes without
    /// saving the work item" (learn.microsoft.com, work-items/create, 7.1).
    pub(super) async fn validate_create(
        &self,
        project: &str,
        type_name: &str,
        ops: &[Value],
    ) -> Result<(), ConnectorError> {
        let operation = "validate a new work item";
        let path = format!(
            "{}/_apis/wit/workitems/${}?validateOnly=true&{VERSION}",
            segment(project),
            segment(type_name)
        );
        let body = (
            "application/json-patch+json".to_owned(),
            Value::from(ops.to_vec()).to_string().into_bytes(),
        );
        let response = self
            .call(
                operation,
                Method::POST,
                &path,
                Some(body),
                Sending::Once,
                Priority::Live,
            )
            .await?;
        // Nothing of it is saved, so what a refusal names counts as something that no write has sent.
        errors::check_write(response, operation, errors::Asked::no_fields(&[])).map(|_| ())
    }

    /// Changes an item. The operations start with a revision test, so that a repeat cannot apply them twice.
    pub(super) async fn patch(
        &self,
        id: i64,
        asked: Asked<'_>,
    ) -> Result<WorkItem, ConnectorError> {
        let path = format!("_apis/wit/workitems/{id}?$expand=relations&{VERSION}");
        self.write(
            "update work item",
            Method::PATCH,
            &path,
            asked,
            Sending::Repeatable,
        )
        .await
    }

    /// Moves an item to the recycle bin.
    pub(super) async fn delete(&self, project: &str, id: i64) -> Result<(), ConnectorError> {
        let operation = "delete work item";
        let path = format!("{}/_apis/wit/workitems/{id}?{VERSION}", segment(project));
        let response = self
            .call(
                operation,
                Method::DELETE,
                &path,
                None,
                Sending::Repeatable,
                Priority::Live,
            )
            .await?;
        errors::check(response, operation, Target::ItemWrite).map(|_| ())
    }

    /// Takes an item out of the recycle bin (docs: wit 7.1, Recyclebin - Restore Work Item).
    pub(super) async fn restore(&self, project: &str, id: i64) -> Result<(), ConnectorError> {
        let operation = "restore work item";
        let path = format!("{}/_apis/wit/recyclebin/{id}?{VERSION}", segment(project));
        let body = serde_json::json!({"isDeleted": false}).to_string();
        let response = self
            .call(
                operation,
                Method::PATCH,
                &path,
                Some(("application/json".to_owned(), body.into_bytes())),
                Sending::Repeatable,
                Priority::Live,
            )
            .await?;
        errors::check(response, operation, Target::ItemWrite).map(|_| ())
    }

    async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
        priority: Priority,
    ) -> Result<T, ConnectorError> {
        let body = body.map(|body| ("application/json".to_owned(), body.to_string().into_bytes()));
        let response = self
            .call(operation, method, path, body, Sending::Repeatable, priority)
            .await?;
        errors::check(response, operation, Target::Read)?.json(Side::Ado, operation)
    }

    async fn write(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        asked: Asked<'_>,
        sending: Sending,
    ) -> Result<WorkItem, ConnectorError> {
        // Plain JSON is refused here (learn.microsoft.com, work-items/update, 7.1).
        let body = (
            "application/json-patch+json".to_owned(),
            Value::from(asked.ops.to_vec()).to_string().into_bytes(),
        );
        let response = self
            .call(operation, method, path, Some(body), sending, Priority::Live)
            .await?;
        let response = errors::check_write(response, operation, asked)?;
        // A success that cannot be read leaves the outcome unknown: look before sending again.
        response
            .json(Side::Ado, operation)
            .map_err(|mut error: ConnectorError| {
                error.kind = ErrorKind::Ambiguous;
                error
            })
    }

    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<(String, Vec<u8>)>,
        sending: Sending,
        priority: Priority,
    ) -> Result<ApiResponse, ConnectorError> {
        loop {
            let older = self.older.load(Ordering::Relaxed);
            let spoken = match older.checked_sub(1).and_then(|index| OLDER.get(index)) {
                Some(version) => path.replace(VERSION, version),
                None => path.to_owned(),
            };
            let response = self
                .http
                .send(ApiRequest {
                    method: method.clone(),
                    url: self.http.url(&spoken)?,
                    body: body.clone(),
                    operation,
                    sending,
                    priority,
                })
                .await?;
            // A definite refusal: nothing was done, so even a create may be sent again.
            if older == OLDER.len() || !errors::is_unknown_version(&response) {
                return Ok(response);
            }
            self.older.fetch_max(older + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_the_bin_is_shown_like_every_other_and_strange_text_as_it_stands() {
        assert_eq!(bin_time("1/31/2017 9:21:14 PM"), "2017-01-31 21:21:14");
        assert_eq!(bin_time("11/30/2026 12:00:37 AM"), "2026-11-30 00:00:37");
        for text in [
            "31/01/2017 21:21:14",
            "31.01.2017 21:21",
            "2017-01-31T21:21:14Z",
        ] {
            assert_eq!(bin_time(text), text);
        }
    }
}
