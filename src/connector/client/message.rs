//! What goes in and what comes out: requests with how they may be sent, answers with their body.

use crate::connector::{ConnectorError, ErrorKind};
use crate::model::Service;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;

/// Whether a request may be sent again when its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// Reads and conditional writes: repeated on connection errors, 408, 429, 5xx and truncated bodies.
    Repeatable,
    /// Creates: never repeated after bytes went out. A 429 that the service itself wrote is definite and is waited for.
    Once,
    /// Writes that overwrite what was read just before, on a service without compare-and-swap: not repeated, and not sent
    /// after a wait either, because an edit made meanwhile would be lost. A 429 or a wait for their turn ends them as
    /// stale: read again first, with a turn from [`HttpClient::make_room`](super::HttpClient::make_room).
    Fresh,
}

/// Who goes first when the rate is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Ordinary cycles.
    Live,
    /// First contact and sweeps; waits while a live request is waiting.
    Backfill,
}

/// One request.
pub struct ApiRequest {
    /// HTTP method.
    pub method: Method,
    /// Address, from [`HttpClient::url`](super::HttpClient::url).
    pub url: Url,
    /// Content type and bytes, if there is a body.
    pub body: Option<(String, Vec<u8>)>,
    /// What is being done, for errors and logs: `read work items`.
    pub operation: &'static str,
    /// Whether it may be repeated.
    pub sending: Sending,
    /// Its place in the queue.
    pub priority: Priority,
}

/// One answer, whatever its status.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// HTTP status.
    pub status: u16,
    /// Content type in lower case; empty when there is none.
    pub content_type: String,
    /// Response headers.
    pub headers: HeaderMap,
    /// Decompressed body.
    pub body: Vec<u8>,
    /// The service's id of this request, for its support.
    pub request_id: Option<String>,
    /// Whether an earlier attempt of the same request had no answer. A write may be in force by that one, whatever is said to
    /// this one. Example: the first attempt sets the state and its answer is lost; the second one finds the next revision and
    /// is refused with 412.
    pub after_lost: bool,
}

impl ApiResponse {
    /// Reads the body as JSON. A UTF-8 byte order mark is skipped. The error names the path of the offending value but
    /// never quotes the body.
    pub fn json<T: DeserializeOwned>(
        &self,
        service: impl Into<Service>,
        operation: &str,
    ) -> Result<T, ConnectorError> {
        let bytes = self
            .body
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.body);
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            // The path names keys of the body, which may hold anything.
            let place = error.path().to_string();
            let place: String = place
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            let cause = error.inner();
            format!(
                "answer is not what was expected at {place} ({:?}, line {}, column {})",
                cause.classify(),
                cause.line(),
                cause.column()
            )
        });
        parsed
            .and_then(|value| match reader.end() {
                Ok(()) => Ok(value),
                Err(_) => Err("answer has text after its JSON".to_owned()),
            })
            .map_err(|message| {
                let mut error =
                    ConnectorError::new(service, ErrorKind::Protocol, operation, message);
                error.status = Some(self.status);
                error.request_id.clone_from(&self.request_id);
                error
            })
    }

    /// Returns whether the answer says that it is JSON.
    pub fn is_json(&self) -> bool {
        is_json(&self.content_type)
    }
}

/// Returns whether a content type in lower case is one of JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence == "application/json" || essence.ends_with("+json")
}
