//! A plain client, for somebody who acts in the sandbox by hand: one request, its answer as JSON, or what was wrong in words.

use super::client::{ApiRequest, ClientConfig, HttpClient, Priority, RateLimit, Sending};
use super::{ConnectorError, ErrorKind};
use crate::model::Service;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::Value;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Writes a name as one segment of a path.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The client.
pub struct Plain {
    http: HttpClient,
    service: Service,
}

impl Plain {
    /// Builds a client for an address, with the whole `Authorization` header.
    ///
    /// # Errors
    /// `Refused` for an address that is not one, or that is plain `http` and not on this machine.
    pub fn new(
        service: Service,
        url: &str,
        authorization: SecretString,
    ) -> Result<Plain, ConnectorError> {
        let base_url = Url::parse(url).map_err(|error| {
            let message = format!("{url} is not an address: {error}");
            ConnectorError::new(service, ErrorKind::Refused, "set up the client", message)
        })?;
        let http = HttpClient::new(ClientConfig {
            service,
            base_url,
            authorization,
            read_again: None,
            headers: vec![("accept", "application/json".to_owned())],
            limit: RateLimit::PerSecond(100),
            timeout: Duration::from_secs(20),
            max_body: 8 << 20,
            is_own: |_| true,
            cancel: CancellationToken::new(),
            sends: None,
        })?;
        Ok(Plain { http, service })
    }

    /// Sends one request below the address and returns the JSON of its answer, `null` where there is none.
    ///
    /// # Errors
    /// Without an answer, and when the service says no: then with its own words.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, Value)>,
        operation: &'static str,
    ) -> Result<Value, ConnectorError> {
        let refused = |message: String| {
            ConnectorError::new(self.service, ErrorKind::Refused, operation, message)
        };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| refused(format!("{method} is not a method")))?;
        let request = ApiRequest {
            method,
            url: self.http.url(path)?,
            body: body.map(|(kind, body)| (kind.to_owned(), body.to_string().into_bytes())),
            operation,
            sending: Sending::Once,
            priority: Priority::Live,
        };
        let response = self.http.send(request).await?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if (200..300).contains(&response.status) {
            return Ok(answer);
        }
        let said = ["message", "err"]
            .iter()
            .find_map(|name| answer.get(name).and_then(Value::as_str));
        let mut error = refused(said.unwrap_or("refused without a word").to_owned());
        error.status = Some(response.status);
        if response.status == 404 {
            error.kind = ErrorKind::NotFound;
        }
        Err(error)
    }
}
