//! What a client is told when it is built, and what it says of its allowance.

use super::{ApiResponse, ReadAgain};
use crate::connector::limiter::log::SendLog;
use crate::model::Service;
use reqwest::Url;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a client is made of.
pub struct ClientConfig {
    /// The service it talks to.
    pub service: Service,
    /// Everything sent starts with this address. `https` unless the host is loopback.
    pub base_url: Url,
    /// The whole `Authorization` header value.
    pub authorization: SecretString,
    /// Reads that value again where it was refused. `None`: it stays for the life of the client.
    pub read_again: Option<ReadAgain>,
    /// Headers sent with every request.
    pub headers: Vec<(&'static str, String)>,
    /// Upper bound on the request rate.
    pub limit: RateLimit,
    /// Bound on one attempt, body included. Above 30 s, because ADO delays that long
    /// (learn.microsoft.com, rate-limits, 2025-09).
    pub timeout: Duration,
    /// Largest body accepted after decompression, in bytes.
    pub max_body: usize,
    /// Whether the service itself wrote a refusal, rather than something in between. Only then is a create sent again.
    pub is_own: fn(&ApiResponse) -> bool,
    /// Ends every wait.
    pub cancel: CancellationToken,
    /// Where sends are noted for all processes of the installation. `None`: nowhere, and all of them are paced.
    pub sends: Option<Arc<dyn SendLog>>,
}

/// A request rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Requests per second.
    PerSecond(u32),
    /// Requests per minute, counted over any window of 60 s.
    PerMinute(u32),
}

/// How long and how often to try. [`Timing::for_service`] is what production uses; tests shrink it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Attempts beyond the first after a transport failure, 408 or 5xx.
    pub retries: u32,
    /// First back-off; doubles with each attempt, and half of it is random.
    pub first_backoff: Duration,
    /// Upper bound of a single back-off.
    pub max_backoff: Duration,
    /// Wait after a 429 that says nothing about how long. `None`: back off as after a failure.
    pub unexplained_throttle: Option<Duration>,
    /// Upper bound on what one request waits for throttling in total.
    pub max_throttle_wait: Duration,
}

impl Timing {
    /// Returns the production values.
    pub fn for_service(service: Service) -> Timing {
        Timing {
            retries: 4,
            first_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            unexplained_throttle: match service {
                Service::Ado => None,
                // ClickUp counts per minute (developer.clickup.com/docs/rate-limits).
                Service::ClickUp => Some(Duration::from_secs(60)),
            },
            max_throttle_wait: Duration::from_secs(900),
        }
    }

    /// Returns the wait before attempt `attempt + 1` (counted from 1), half of it random.
    pub(super) fn backoff(&self, attempt: u32) -> Duration {
        let full = self
            .first_backoff
            .saturating_mul(1 << attempt.saturating_sub(1).min(16))
            .min(self.max_backoff);
        full / 2 + full.mul_f64(fastrand::f64() / 2.0)
    }
}

/// What has been used of a credential's allowance, for `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests sent since the start, retries included.
    pub requests: u64,
    /// Answers that said "too many".
    pub throttled: u64,
    /// Requests per period in force, in the unit of the configured rate.
    pub limit: u32,
    /// What the service last said was left, if it said so.
    pub remaining: Option<u32>,
    /// How long the pause in force still lasts.
    pub paused_for: Option<Duration>,
}
