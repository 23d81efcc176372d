//! One attempt: a request goes out, and its answer, or why there is none, comes back.

use super::message::is_json;
use super::{ApiRequest, ApiResponse, HttpClient, Sending, refuses_credential, tolerant};
use crate::connector::{ConnectorError, ErrorKind};
use crate::redact;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tokio::time::Instant;

/// Why an attempt brought no answer.
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) too_large: bool,
}

impl HttpClient {
    /// Makes one attempt. The outer error is a cancelled read; the inner one a transport failure.
    pub(super) async fn attempt(
        &self,
        request: &ApiRequest,
        attempt: u32,
    ) -> Result<Result<ApiResponse, Failure>, ConnectorError> {
        let inner = &*self.0;
        let started = Instant::now();
        // Only a read is dropped half-way: a write cut off at shutdown would leave an unknown outcome behind. A POST that
        // may be repeated is a query.
        let query = request.method == Method::POST && request.sending == Sending::Repeatable;
        let outcome = if request.method == Method::GET || query {
            tokio::select! {
                outcome = self.exchange(request) => outcome,
                () = inner.cancel.cancelled() => return Err(self.cancelled(request.operation)),
            }
        } else {
            self.exchange(request).await
        };
        let duration_ms = started.elapsed().as_millis() as u64;
        let (method, path) = (request.method.as_str(), request.url.path());
        match &outcome {
            Ok(response) => {
                self.note(&response.headers);
                tracing::debug!(
                    service = inner.service.key(),
                    operation = request.operation,
                    method,
                    path,
                    status = response.status,
                    request_id = response.request_id.as_deref().unwrap_or(""),
                    duration_ms,
                    attempt,
                    "request answered"
                );
            }
            // That it is tried again is worth one line; how it ends is told by whoever asked.
            Err(failure) if attempt == 1 => tracing::warn!(
                service = inner.service.key(),
                operation = request.operation,
                method,
                path,
                duration_ms,
                "request failed: {}",
                failure.message
            ),
            Err(failure) => tracing::debug!(
                service = inner.service.key(),
                operation = request.operation,
                method,
                path,
                duration_ms,
                attempt,
                "request failed again: {}",
                failure.message
            ),
        }
        Ok(outcome)
    }

    async fn exchange(&self, request: &ApiRequest) -> Result<ApiResponse, Failure> {
        let (authorization, number) = self.0.credential.get();
        let mut call = self
            .0
            .http
            .request(request.method.clone(), request.url.clone())
            .header(AUTHORIZATION, authorization);
        if let Some((content_type, bytes)) = &request.body {
            call = call.header(CONTENT_TYPE, content_type).body(bytes.clone());
        }
        let mut response = call.send().await.map_err(|error| failure(&error))?;
        let refused = refuses_credential(response.status().as_u16());
        self.0.credential.answered(number, refused);
        let headers = response.headers().clone();
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.0.max_body => {
                    return Err(Failure {
                        kind: match request.sending {
                            Sending::Repeatable => ErrorKind::Protocol,
                            Sending::Once | Sending::Fresh => ErrorKind::Ambiguous,
                        },
                        message: format!("answer is larger than {} bytes", self.0.max_body),
                        too_large: true,
                    });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(failure(&error)),
            }
        }
        let content_type = text("content-type").unwrap_or_default().to_lowercase();
        let body = match is_json(&content_type) {
            true => tolerant::whole(body),
            false => body,
        };
        // Only short values of these leave the answer, so a credential that is repeated in one cannot be cut in two.
        let shown = |text: String| redact::mask(&text).into_owned();
        Ok(ApiResponse {
            status: response.status().as_u16(),
            content_type: shown(content_type).to_lowercase(),
            request_id: text("activityid")
                .or_else(|| text("x-vss-e2eid"))
                .or_else(|| text("x-request-id"))
                .map(shown),
            headers,
            body: redact::mask_bytes(body),
            after_lost: false,
        })
    }
}

/// The host and port of a request, and the variable that names a proxy on the way, if there is one. Never its value, which may
/// hold a password.
fn whereto(error: &reqwest::Error) -> String {
    let Some(url) = error.url() else {
        return String::new();
    };
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    // Those that reqwest reads for an https address; a plain one is our own machine, which no proxy is asked for.
    let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = proxies.iter().find(set).filter(|_| url.scheme() == "https");
    let proxy = proxy.map(|name| format!(" (a proxy is set in {name})"));
    format!(" to {host}:{port}{}", proxy.unwrap_or_default())
}

fn failure(error: &reqwest::Error) -> Failure {
    let kind = if error.is_connect() {
        ErrorKind::Unreachable
    } else if error.is_builder() {
        ErrorKind::Refused
    } else {
        ErrorKind::Ambiguous
    };
    let what = match (error.is_timeout(), kind) {
        (true, _) if error.is_connect() => format!("timed out while connecting{}", whereto(error)),
        (true, _) => "timed out".to_owned(),
        (_, ErrorKind::Unreachable) => format!("could not connect{}", whereto(error)),
        (_, ErrorKind::Refused) => "could not build the request".to_owned(),
        _ => "the connection broke off".to_owned(),
    };
    // The innermost cause is the useful one; the outer ones would show the address with its query.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let detail = if std::ptr::addr_eq(cause, error) {
        String::new()
    } else {
        format!(": {cause}").replace(['\r', '\n'], " ")
    };
    Failure {
        kind,
        message: redact::mask(&format!("{what}{detail}")).into_owned(),
        too_large: false,
    }
}
