//! One HTTP client for both services: rustls, timeouts, response caps, no redirects, redaction, retries.
//!
//! It knows transport and throttling, never a vendor's error codes: every status that is left after its own retries is
//! handed back, and the vendor's module says what it means. The credential goes to one host only and is never logged,
//! nor is any body or query.

mod credential;
mod exchange;
mod message;
mod settings;
mod throttle;
pub mod tolerant;

pub use credential::ReadAgain;
pub use message::{ApiRequest, ApiResponse, Priority, Sending};
pub use settings::{Budget, ClientConfig, RateLimit, Timing};

use super::limiter::{Limiter, NotAdmitted};
use super::{ConnectorError, ErrorKind};
use crate::model::{Service, Timestamp};
use crate::redact;
use credential::Credential;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an overwrite may be kept from leaving: with the age of the read that it stands on, two seconds at most.
pub const FRESH: Duration = Duration::from_secs(1);

/// The client. Clones share everything.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    service: Service,
    base: Url,
    http: reqwest::Client,
    credential: Credential,
    limiter: Limiter,
    per_minute: bool,
    max_body: usize,
    is_own: fn(&ApiResponse) -> bool,
    cancel: CancellationToken,
    timing: Timing,
    requests: AtomicU64,
    throttled: AtomicU64,
    /// Until when the last 429 asked everyone to wait.
    refused_until: Mutex<Option<Instant>>,
    /// Milliseconds of the last `Date` header; `i64::MIN` before the first.
    server_now: AtomicI64,
    /// Last `X-RateLimit-Remaining`; negative before the first.
    remaining: AtomicI64,
}

impl HttpClient {
    /// Builds a client with production timing. Fails with `Refused` on an address or header that cannot be used.
    pub fn new(config: ClientConfig) -> Result<HttpClient, ConnectorError> {
        let timing = Timing::for_service(config.service);
        HttpClient::with_timing(config, timing)
    }

    /// As [`HttpClient::new`], with other waits.
    pub fn with_timing(config: ClientConfig, timing: Timing) -> Result<HttpClient, ConnectorError> {
        let service = config.service;
        let bad = |message: String| {
            ConnectorError::new(service, ErrorKind::Refused, "set up the client", message)
        };
        // Without a default provider reqwest panics; losing the race against another installer is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = is_loopback(&config.base_url);
        match config.base_url.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => return Err(bad("the address must start with https://".to_owned())),
        }
        let mut headers = HeaderMap::new();
        let authorization = credential::header(&config.authorization)
            .ok_or_else(|| bad("the credential holds characters that no header can".to_owned()))?;
        for (name, value) in &config.headers {
            let name = HeaderName::try_from(*name)
                .map_err(|_| bad(format!("header name {name:?} is not valid")))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| bad(format!("header {name} has an invalid value")))?;
            headers.insert(name, value);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("boardsync/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .gzip(true)
            .https_only(!loopback)
            .connect_timeout(Duration::from_secs(20))
            .timeout(config.timeout);
        if loopback {
            // No proxy can reach our own loopback, and no certificate store is needed for it.
            builder = builder.no_proxy();
            if config.base_url.scheme() == "http" {
                builder = builder.tls_certs_only(std::iter::empty());
            }
        }
        let http = builder
            .build()
            .map_err(|error| bad(format!("HTTP client: {}", error.without_url())))?;
        Ok(HttpClient(Arc::new(Inner {
            service,
            base: config.base_url,
            http,
            credential: Credential::new(authorization, config.read_again),
            limiter: Limiter::with_log(config.limit, config.sends),
            per_minute: matches!(config.limit, RateLimit::PerMinute(_)),
            max_body: config.max_body,
            is_own: config.is_own,
            cancel: config.cancel,
            timing,
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            refused_until: Mutex::new(None),
            server_now: AtomicI64::new(i64::MIN),
            remaining: AtomicI64::new(-1),
        })))
    }

    /// Returns the address of a path below the base address. `path_and_query` is percent-encoded already; a leading
    /// slash makes no difference.
    pub fn url(&self, path_and_query: &str) -> Result<Url, ConnectorError> {
        let base = self.0.base.as_str().trim_end_matches('/');
        let text = format!("{base}/{}", path_and_query.trim_start_matches('/'));
        let url = Url::parse(&text).map_err(|error| {
            self.error(
                ErrorKind::Refused,
                "build an address",
                format!("not an address: {error}"),
            )
        })?;
        self.check_origin(&url, "build an address")?;
        Ok(url)
    }

    /// Sends a request within the rate limit and returns the answer of the last attempt, whatever its status.
    /// `Unreachable`: nothing was sent. `Ambiguous`: something was, and the outcome is unknown. `Throttled`: the service
    /// wants a longer pause than allowed. `Cancelled`: shutting down, and nothing is under way.
    ///
    /// Where an earlier attempt had no answer, that is told too ([`ApiResponse::after_lost`], [`ConnectorError::in_doubt`]):
    /// the last attempt alone does not say whether a write is in force.
    pub async fn send(&self, request: ApiRequest) -> Result<ApiResponse, ConnectorError> {
        let is_read = request.method == Method::GET;
        let mut lost = false;
        match self.send_until(request, &mut lost).await {
            Ok(response) => Ok(ApiResponse {
                after_lost: lost,
                ..response
            }),
            Err(mut error) => {
                error.in_doubt |= lost && !is_read;
                Err(error)
            }
        }
    }

    /// Sends a request until it is answered for good. `lost`: whether an attempt had no answer and was followed by another.
    async fn send_until(
        &self,
        request: ApiRequest,
        lost: &mut bool,
    ) -> Result<ApiResponse, ConnectorError> {
        let inner = &*self.0;
        let operation = request.operation;
        self.check_origin(&request.url, operation)?;
        self.check_content(&request)?;
        let fresh = request.sending == Sending::Fresh;
        // Another request's 429 counts as well.
        if fresh && self.refused_for() > FRESH {
            return Err(self.too_old(operation));
        }
        let mut kept = request.sending != Sending::Repeatable && inner.limiter.take_kept();
        let mut patience = match fresh {
            true => FRESH,
            false => inner.timing.max_throttle_wait,
        };
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            attempt += 1;
            if !std::mem::take(&mut kept) {
                patience = self.turn(&request, patience).await?;
            }
            inner.requests.fetch_add(1, Ordering::Relaxed);
            let (_, credential) = inner.credential.get();
            let outcome = self.attempt(&request, attempt).await?;
            if let Ok(response) = &outcome
                && !renewed
                && self.has_renewed(operation, response, credential).await
            {
                renewed = true;
                if fresh {
                    return Err(self.too_old(operation));
                }
                // A refusal that the service itself wrote changed nothing; of another one that is not known.
                let own = (inner.is_own)(response);
                if own || request.sending == Sending::Repeatable {
                    *lost |= !own;
                    continue;
                }
            }
            let may_repeat = attempt <= inner.timing.retries && !fresh;
            match outcome {
                Ok(response) if response.status == 429 => {
                    let wait = self.slow_down(operation, &response, attempt);
                    if fresh {
                        return Err(self.too_old(operation));
                    }
                    // It may be in force, so whoever sent it looks first.
                    if request.sending == Sending::Once && !(inner.is_own)(&response) {
                        return Ok(response);
                    }
                    if wait > patience {
                        return Err(self.throttled_out(operation, wait));
                    }
                }
                Ok(response) => {
                    let temporary = response.status == 408 || response.status >= 500;
                    let again = temporary && may_repeat && request.sending == Sending::Repeatable;
                    if !again {
                        return Ok(response);
                    }
                    *lost = true;
                    self.wait(operation, inner.timing.backoff(attempt)).await?;
                }
                Err(failure) => {
                    let harmless = failure.kind == ErrorKind::Unreachable
                        || failure.kind == ErrorKind::Ambiguous
                            && request.sending == Sending::Repeatable;
                    if !(harmless && may_repeat) {
                        let mut error = self.error(failure.kind, operation, failure.message);
                        error.too_large = failure.too_large;
                        return Err(error);
                    }
                    *lost |= failure.kind == ErrorKind::Ambiguous;
                    self.wait(operation, inner.timing.backoff(attempt)).await?;
                }
            }
        }
    }

    /// Whether an answer refuses the credential that was sent, and its source has another one by now.
    async fn has_renewed(
        &self,
        operation: &'static str,
        response: &ApiResponse,
        credential: u64,
    ) -> bool {
        let inner = &*self.0;
        let renewed =
            refuses_credential(response.status) && inner.credential.changed_since(credential).await;
        if renewed {
            tracing::info!(
                service = inner.service.key(),
                operation,
                "the credential was refused; its source has another one now, which is used from here on"
            );
        }
        renewed
    }

    /// Waits until a request may leave. Returns what is left of the patience.
    async fn turn(
        &self,
        request: &ApiRequest,
        patience: Duration,
    ) -> Result<Duration, ConnectorError> {
        let inner = &*self.0;
        let (operation, fresh) = (request.operation, request.sending == Sending::Fresh);
        let queued = Instant::now();
        let turn = inner
            .limiter
            .acquire(request.priority, patience, &inner.cancel);
        turn.await.map_err(|refused| match refused {
            NotAdmitted::TooLong(_) if fresh => self.too_old(operation),
            refused => self.not_admitted(operation, refused),
        })?;
        if fresh && queued.elapsed() > FRESH {
            return Err(self.too_old(operation));
        }
        Ok(patience.saturating_sub(queued.elapsed()))
    }

    /// Has every request wait as long as a 429 asks for, and returns how long that is.
    fn slow_down(&self, operation: &str, response: &ApiResponse, attempt: u32) -> Duration {
        let inner = &*self.0;
        inner.throttled.fetch_add(1, Ordering::Relaxed);
        // What is asked for may be nothing at all; then asking again and again must not be a storm of ours.
        let wait = throttle::asked_wait(&response.headers)
            .or(inner.timing.unexplained_throttle)
            .unwrap_or_default()
            .max(inner.timing.backoff(attempt));
        inner.limiter.pause(wait);
        tracing::warn!(
            service = inner.service.key(),
            operation,
            wait_ms = wait.as_millis() as u64,
            "throttled; waiting"
        );
        let mut until = inner
            .refused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *until = Some(Instant::now() + wait);
        wait
    }

    /// Waits until a request may leave and keeps that turn for the next write, which then goes out at once: call it before
    /// the read that such a write stands on. May be called again; only one turn is kept. The service may still refuse
    /// the write with a 429.
    pub async fn make_room(&self) -> Result<(), ConnectorError> {
        let inner = &*self.0;
        if inner.limiter.has_kept() {
            return Ok(());
        }
        let patience = inner.timing.max_throttle_wait;
        let turn = inner
            .limiter
            .acquire(Priority::Live, patience, &inner.cancel);
        let turn = turn
            .await
            .map_err(|refused| self.not_admitted("wait for a turn to write", refused))?;
        inner.limiter.keep(turn);
        Ok(())
    }

    /// Returns the server's clock as of its last answer, if it has said one.
    pub fn server_now(&self) -> Option<Timestamp> {
        match self.0.server_now.load(Ordering::Relaxed) {
            i64::MIN => None,
            ms => Some(Timestamp(ms)),
        }
    }

    /// Returns the number of the credential in force: another one may be another person's.
    pub fn credential_number(&self) -> u64 {
        self.0.credential.number()
    }

    /// Whether the credential that was refused last has been replaced, by its source as it is now.
    pub async fn credential_has_changed(&self) -> bool {
        self.0.credential.has_changed().await
    }

    /// Returns how many requests were sent since the start, retries included.
    pub fn requests_sent(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Returns what has been used of the allowance.
    pub fn budget(&self) -> Budget {
        Budget {
            requests: self.requests_sent(),
            throttled: self.0.throttled.load(Ordering::Relaxed),
            limit: self.0.limiter.in_force(),
            remaining: u32::try_from(self.0.remaining.load(Ordering::Relaxed)).ok(),
            paused_for: self.0.limiter.paused_for(),
        }
    }

    /// Learns the server's clock and what is left of the allowance.
    fn note(&self, headers: &HeaderMap) {
        let inner = &*self.0;
        if let Some(date) = throttle::date(headers) {
            inner.server_now.store(date.0, Ordering::Relaxed);
        }
        let seen = throttle::read(headers);
        if let Some(remaining) = seen.remaining {
            inner
                .remaining
                .store(i64::from(remaining), Ordering::Relaxed);
        }
        if let (true, Some(limit)) = (inner.per_minute, seen.limit) {
            // ADO's number counts work done, not requests, so only a per-minute limit is comparable.
            inner.limiter.announce(limit);
        }
        if let Some(wait) = seen.slow_down() {
            inner.limiter.pause(wait);
        }
    }

    async fn wait(&self, operation: &str, duration: Duration) -> Result<(), ConnectorError> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.0.cancel.cancelled() => Err(self.cancelled(operation)),
        }
    }

    fn check_origin(&self, url: &Url, operation: &str) -> Result<(), ConnectorError> {
        if url.origin() == self.0.base.origin() {
            return Ok(());
        }
        Err(self.error(
            ErrorKind::Refused,
            operation,
            "the credential is not sent to another host".to_owned(),
        ))
    }

    /// A credential belongs into its header. Elsewhere it is one that was pasted into a wrong place, and on its way to
    /// the other service perhaps.
    fn check_content(&self, request: &ApiRequest) -> Result<(), ConnectorError> {
        let body = request.body.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let what = if redact::holds(request.url.as_str().as_bytes()) {
            "the address"
        } else if redact::holds(body) {
            "what would be sent"
        } else if redact::is_masked(body) {
            // A long text is written whole, so a part that somebody else wrote may still be in it.
            let message = "the item holds one of boardsync's own credentials; take it out and replace the token";
            return Err(self.error(ErrorKind::Refused, request.operation, message.to_owned()));
        } else {
            return Ok(());
        };
        Err(self.error(
            ErrorKind::Refused,
            request.operation,
            format!(
                "{what} holds one of boardsync's own credentials; look for it in the configuration, take it out and \
                 replace the token"
            ),
        ))
    }

    fn error(&self, kind: ErrorKind, operation: &str, message: String) -> ConnectorError {
        ConnectorError::new(self.0.service, kind, operation, message)
    }

    fn cancelled(&self, operation: &str) -> ConnectorError {
        self.error(ErrorKind::Cancelled, operation, "shutting down".to_owned())
    }

    /// How much longer the last 429 asks to wait.
    fn refused_for(&self) -> Duration {
        let until = *self
            .0
            .refused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    fn not_admitted(&self, operation: &str, refused: NotAdmitted) -> ConnectorError {
        match refused {
            NotAdmitted::Cancelled => self.cancelled(operation),
            NotAdmitted::TooLong(wait) => self.throttled_out(operation, wait),
        }
    }

    fn too_old(&self, operation: &str) -> ConnectorError {
        let message = "throttled before it was done; what it stands on is read again first";
        self.error(ErrorKind::Stale, operation, message.to_owned())
    }

    fn throttled_out(&self, operation: &str, wait: Duration) -> ConnectorError {
        let mut error = self.error(
            ErrorKind::Throttled,
            operation,
            format!("the service asks to wait another {} s", wait.as_secs()),
        );
        error.retry_after = Some(wait);
        error
    }
}

/// Whether a status may say that the credential is not good any more: 401, and what Azure DevOps answers with a page to sign
/// in on.
fn refuses_credential(status: u16) -> bool {
    matches!(status, 401 | 203 | 302)
}

/// Returns whether the host is this machine, where plain http is harmless.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
