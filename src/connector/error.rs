//! How a request failed, and what follows from that.

use crate::model::{FieldKey, ItemId, PairName, Service, Version};
use std::collections::BTreeSet;
use std::time::Duration;

/// Why a request did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Could not connect; nothing was sent.
    Unreachable,
    /// Something was sent and the outcome is unknown (timeout, reset, 5xx, unreadable answer).
    Ambiguous,
    /// The credential is missing, expired, revoked or lacks a scope.
    Auth,
    /// Throttled.
    Throttled,
    /// The precondition (`test /rev`) failed or the item moved.
    Stale,
    /// The item does not exist or may not be seen.
    NotFound,
    /// The service refused the content (rule, unknown person, wrong status).
    Refused,
    /// The answer is not what the protocol says; carries no meaning.
    Protocol,
    /// The run is shutting down.
    Cancelled,
}

/// Turns a refusal that may come from names which are out of date into one that has the item looked at again: by then they
/// are read anew.
pub fn outdated(mut error: ConnectorError) -> ConnectorError {
    error.kind = ErrorKind::Stale;
    error.field = None;
    error.unsent = None;
    error.message = format!(
        "the names of {} that were kept may be out of date and are read again: {}",
        error.service, error.message
    );
    error
}

/// What to do about an error. The only place where that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// A read or conditional write may be repeated at once (the client already did, within its limits).
    Retry,
    /// As `Retry`, after waiting.
    RetryAfter(Duration),
    /// This action failed; others go on.
    FailAction,
    /// Nothing more can be done on this side in this cycle.
    StopSide,
    /// Stop the cycle.
    StopAll,
}

/// A value of the configuration without which a service can be asked nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The address of the organisation or collection.
    AdoUrl,
    /// The project of a pair.
    Project,
    /// The number of the workspace.
    Workspace,
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Setting::AdoUrl => "[ado] url",
            Setting::Project => "ado.project",
            Setting::Workspace => "[clickup] workspace",
        })
    }
}

/// A failed request, with what is needed to find it in the service's own logs. Never holds a token or a body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{service}: {operation}: {message}{}", self.suffix())]
pub struct ConnectorError {
    /// Which service.
    pub service: Service,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What was being done, e.g. `read work items`.
    pub operation: String,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// The service's own code (`TF401232`, `ITEM_013`), where there was one.
    pub code: Option<String>,
    /// Redacted, single-line description; lower case, no full stop.
    pub message: String,
    /// The service's request id, for support.
    pub request_id: Option<String>,
    /// How long to wait, where the service said so.
    pub retry_after: Option<Duration>,
    /// The canonical field that the service complained about, where it named one that the request held. Fields are told
    /// apart as the pair is configured: with `RemainingWork` mapped to the time estimate, that is `Estimate`.
    pub field: Option<FieldKey>,
    /// The service's own name of a field that it complained about although the request did not hold it
    /// (`Custom.RootCause` when an item is closed without one). Leaving `field` out mends nothing then; what made the
    /// service look, usually the state, does. Both may be set: the service named several.
    pub unsent: Option<String>,
    /// Whether the service refuses where the item is to lie (the area of a new work item), which no canonical field holds.
    pub place: bool,
    /// The class of a refusal in the service's own words (Azure DevOps `typeKey`: `RuleValidationException`), beside the
    /// number in `code`.
    pub type_key: Option<String>,
    /// Whether nothing in the answer to a write shows that the service itself gave it, as with the page of a firewall, or an
    /// earlier attempt of the same write had no answer. Then the write may be in force whatever the status says.
    pub in_doubt: bool,
    /// The item that the answer to a create shows, where it is not the one that was made (see [`super::stranger`]).
    pub stranger: Option<ItemId>,
    /// What earlier calls of the same update did that were answered before this one failed.
    pub begun: Option<Box<Begun>>,
    /// The answer to a read is larger than is taken in: asking for less may help, asking again does not.
    pub too_large: bool,
    /// The pair whose own configuration or place is the trouble, where a command cannot go on without it.
    pub pair: Option<PairName>,
    /// The value of the configuration that the service does not know, where it is known to be that one. The message says
    /// what to do about it.
    pub setting: Option<Setting>,
}

/// The part of an update in several calls that went through.
///
/// Example: a task has its new title, and the token is revoked before the call that adds a tag.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The fields that those calls carried: they are in force, in whole or in part.
    pub fields: BTreeSet<FieldKey>,
    /// The version of the item after them, where that is known: up to that one, nobody else touched it.
    pub left: Option<Version>,
}

impl ConnectorError {
    /// Builds an error without HTTP details.
    pub fn new(
        service: impl Into<Service>,
        kind: ErrorKind,
        operation: &str,
        message: impl Into<String>,
    ) -> ConnectorError {
        ConnectorError {
            service: service.into(),
            kind,
            operation: operation.to_owned(),
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
            field: None,
            unsent: None,
            place: false,
            type_key: None,
            in_doubt: false,
            stranger: None,
            begun: None,
            too_large: false,
            pair: None,
            setting: None,
        }
    }

    /// Returns whether the call that failed with this may be in force all the same.
    pub fn may_be_in_force(&self) -> bool {
        let unknown = [
            ErrorKind::Ambiguous,
            ErrorKind::Protocol,
            ErrorKind::Cancelled,
        ];
        self.in_doubt || unknown.contains(&self.kind)
    }

    /// Returns whether a field of the update that failed with this may be in force all the same.
    pub fn may_have_set(&self, field: &FieldKey) -> bool {
        let begun = self.begun.as_ref();
        self.may_be_in_force() || begun.is_some_and(|begun| begun.fields.contains(field))
    }

    fn suffix(&self) -> String {
        let mut parts = Vec::new();
        if let Some(status) = self.status {
            parts.push(format!("HTTP {status}"));
        }
        if let Some(code) = &self.code {
            parts.push(code.clone());
        }
        if let Some(id) = &self.request_id {
            parts.push(format!("request {id}"));
        }
        if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        }
    }

    /// Returns what to do about it.
    pub fn disposition(&self) -> Disposition {
        match self.kind {
            ErrorKind::Throttled => match self.retry_after {
                Some(wait) => Disposition::RetryAfter(wait),
                None => Disposition::StopSide,
            },
            ErrorKind::Unreachable | ErrorKind::Auth => Disposition::StopSide,
            ErrorKind::Ambiguous | ErrorKind::Protocol => Disposition::FailAction,
            ErrorKind::Stale => Disposition::Retry,
            ErrorKind::NotFound | ErrorKind::Refused => Disposition::FailAction,
            ErrorKind::Cancelled => Disposition::StopAll,
        }
    }

    /// Returns a hint for a person, where one helps.
    pub fn hint(&self) -> Option<&'static str> {
        if self.setting.is_some() {
            return None;
        }
        match (self.kind, self.service) {
            (ErrorKind::Auth, Service::Ado) => Some(
                "create a new personal access token with the scope Work Items (Read & write) and put it where [ado] pat points",
            ),
            (ErrorKind::Auth, Service::ClickUp) => Some(
                "create a new API token under Settings > Apps in ClickUp and put it where [clickup] token points",
            ),
            (ErrorKind::Unreachable, _) => {
                Some("check the network, the proxy and the url in the configuration")
            }
            (ErrorKind::Throttled, _) => {
                Some("wait; lower requests_per_second or requests_per_minute if it comes back")
            }
            _ => None,
        }
    }
}
