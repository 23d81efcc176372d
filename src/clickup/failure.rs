//! What a ClickUp answer that is not a success means. Pure.
//!
//! ClickUp's HTTP status alone says little: an unknown task is 401, a deleted one 404. The code in `ECODE` decides,
//! and where even that is unclear the caller asks `GET /user` whether the token still works.

use super::wire::ErrorBody;
use crate::connector::client::ApiResponse;
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{FieldKey, Side};
use std::time::Duration;

/// Whether the request could have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It could not.
    Read,
    /// It could.
    Write,
}

/// A judged failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The error, as good as the answer alone allows.
    pub error: ConnectorError,
    /// Whether the answer may also mean that the credential is dead, so that `GET /user` must decide.
    pub unsure: bool,
}

/// The code of a task that is in the trash (recorded by several clients for GET and PUT).
pub const DELETED: &str = "ITEM_013";

/// Codes that always mean a dead or missing credential
/// (developer.clickup.com/docs/common_errors: OAUTH_017, _019, _021, _025, _077).
const DEAD_CREDENTIAL: [&str; 5] = [
    "OAUTH_017",
    "OAUTH_019",
    "OAUTH_021",
    "OAUTH_025",
    "OAUTH_077",
];

/// The plan of the workspace allows no more uses of custom fields (developer.clickup.com/docs/customfields: 60 on the free plan).
const QUOTA: &str = "FIELD_033";
/// What to do about that.
const QUOTA_HELP: &str = "the workspace's plan allows no more of them: change the plan, or take the field out of the configuration; \
                          then `boardsync reconcile --once --retry` tries again";

/// The task exists but the token's user may not see it (SmiNat/Clickup_API error table).
const NOT_VISIBLE: &str = "ACCESS_083";

/// Longest vendor text that is passed on.
const MESSAGE_CHARS: usize = 200;

/// Returns whether ClickUp itself wrote a refusal. Every one of its own carries a code
/// (developer.clickup.com/docs/common_errors); the page of a proxy or a firewall has none.
pub fn is_own(response: &ApiResponse) -> bool {
    let body: ErrorBody = serde_json::from_slice(&response.body).unwrap_or_default();
    body.code.get().is_some_and(|code| !code.trim().is_empty())
}

/// Judges an answer whose status is not 2xx.
pub fn judge(response: &ApiResponse, operation: &str, intent: Intent) -> Failure {
    let body: ErrorBody = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body.code.get().cloned();
    let named = code.as_deref().unwrap_or("");
    let (kind, unsure) = kind_of(response.status, named, intent);
    let in_doubt = intent == Intent::Write && !is_own(response);
    let text = body.err.get().or(body.message.get()).map(String::as_str);
    let message = match text {
        Some(text) if !text.trim().is_empty() => single_line(text),
        _ if in_doubt && response.status < 500 => {
            "refused without a code of ClickUp's, so perhaps by a proxy or a firewall".to_owned()
        }
        _ => plain_reason(kind).to_owned(),
    };
    let message = match named {
        QUOTA => format!("{message}; {QUOTA_HELP}"),
        _ => message,
    };
    let mut error = ConnectorError::new(Side::ClickUp, kind, operation, message);
    error.status = Some(response.status);
    error.in_doubt = in_doubt;
    error.field = field_of(named);
    error.code = code.map(|code| single_line(&code));
    error.request_id = response.request_id.clone();
    if kind == ErrorKind::Throttled {
        error.retry_after = Some(Duration::from_secs(60));
    }
    Failure { error, unsure }
}

fn kind_of(status: u16, code: &str, intent: Intent) -> (ErrorKind, bool) {
    if DEAD_CREDENTIAL.contains(&code) {
        return (ErrorKind::Auth, false);
    }
    match status {
        // With any other OAUTH code, or none, this is a wrong id or a dead credential.
        401 if code == NOT_VISIBLE => (ErrorKind::NotFound, true),
        401 if code.starts_with("ACCESS_") => (ErrorKind::Refused, true),
        401 => (ErrorKind::NotFound, true),
        404 | 410 => (ErrorKind::NotFound, false),
        408 => (ErrorKind::Ambiguous, false),
        429 => (ErrorKind::Throttled, false),
        400..=499 => (ErrorKind::Refused, false),
        500..=599 => (ErrorKind::Ambiguous, false),
        _ => match intent {
            Intent::Read => (ErrorKind::Protocol, false),
            Intent::Write => (ErrorKind::Ambiguous, false),
        },
    }
}

fn plain_reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Ambiguous => "server error without a readable reason",
        ErrorKind::Auth => "the token was not accepted",
        ErrorKind::Throttled => "rate limit reached",
        ErrorKind::NotFound => "it does not exist or may not be seen",
        ErrorKind::Refused => "refused without a readable reason",
        ErrorKind::Protocol => "unexpected answer",
        ErrorKind::Unreachable => "not reachable",
        ErrorKind::Stale => "changed meanwhile",
        ErrorKind::Cancelled => "shutting down",
    }
}

/// Returns the field that a code complains about.
fn field_of(code: &str) -> Option<FieldKey> {
    match code {
        // Status not in the list, on create and on update.
        "CRTSK_001" | "ITEM_114" => Some(FieldKey::State),
        // Empty name.
        "INPUT_005" => Some(FieldKey::Title),
        // Plan quota of custom task types.
        "ITEM_246" | "ITEM_247" => Some(FieldKey::Type),
        _ => None,
    }
}

/// Returns vendor text on one line, without control characters, cut to 200 characters.
pub fn single_line(text: &str) -> String {
    // Once more after decoding: an escape inside the JSON may have hidden it.
    let text = crate::redact::mask(text);
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = joined
        .chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS)
        .collect();
    if joined.chars().count() > MESSAGE_CHARS {
        short.push('…');
    }
    short
}

/// Builds the error for a value that this service cannot hold.
pub fn refused(operation: &str, field: &FieldKey, message: impl Into<String>) -> ConnectorError {
    let mut error = ConnectorError::new(Side::ClickUp, ErrorKind::Refused, operation, message);
    error.field = Some(field.clone());
    error
}

/// Builds the error for an answer that is not what the protocol says.
pub fn protocol(operation: &str, message: impl Into<String>) -> ConnectorError {
    ConnectorError::new(Side::ClickUp, ErrorKind::Protocol, operation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> ApiResponse {
        ApiResponse {
            status,
            content_type: "application/json".into(),
            headers: Default::default(),
            body: body.as_bytes().to_vec(),
            request_id: None,
            after_lost: false,
        }
    }

    fn judged(status: u16, code: &str, intent: Intent) -> (ErrorKind, bool, Option<FieldKey>) {
        let body = format!(r#"{{"err":"some text","ECODE":"{code}"}}"#);
        let failure = judge(&answer(status, &body), "test", intent);
        (failure.error.kind, failure.unsure, failure.error.field)
    }

    #[test]
    fn the_code_decides_and_not_the_status() {
        use ErrorKind::*;
        let rows = [
            (401, "OAUTH_025", Auth, false, None),
            (400, "OAUTH_017", Auth, false, None),
            (401, "OAUTH_027", NotFound, true, None),
            (401, "OAUTH_023", NotFound, true, None),
            (401, "ACCESS_083", NotFound, true, None),
            (401, "ACCESS_064", Refused, true, None),
            (404, "ITEM_013", NotFound, false, None),
            (400, "ITEM_114", Refused, false, Some(FieldKey::State)),
            (400, "CRTSK_001", Refused, false, Some(FieldKey::State)),
            (400, "INPUT_005", Refused, false, Some(FieldKey::Title)),
            (403, "FIELD_220", Refused, false, None),
            (429, "APP_002", Throttled, false, None),
            (500, "ITEMV2_003", Ambiguous, false, None),
        ];
        for (status, code, kind, unsure, field) in rows {
            assert_eq!(
                judged(status, code, Intent::Write),
                (kind, unsure, field),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn an_html_gateway_page_leaves_a_write_in_doubt() {
        let failure = judge(
            &answer(502, "<html>bad gateway</html>"),
            "update task",
            Intent::Write,
        );
        assert_eq!(failure.error.kind, ErrorKind::Ambiguous);
        assert!(!failure.error.message.contains('<'));
    }

    #[test]
    fn a_refusal_of_a_write_without_a_code_leaves_it_in_doubt() {
        let page = "<html>blocked</html>";
        for status in [302, 401, 403, 404, 409, 412, 413, 425, 429] {
            let in_doubt = |body, intent| judge(&answer(status, body), "x", intent).error;
            let error = in_doubt(page, Intent::Write);
            assert!(error.in_doubt && error.may_be_in_force(), "{status}");
            assert!(in_doubt(r#"{"message":"Too many"}"#, Intent::Write).in_doubt);
            assert!(!in_doubt(page, Intent::Read).in_doubt, "{status}");
            let own = in_doubt(r#"{"err":"no","ECODE":"FIELD_033"}"#, Intent::Write);
            assert!(!own.in_doubt, "{status}");
        }
    }

    #[test]
    fn a_redirect_is_never_an_empty_answer() {
        let read = judge(&answer(302, ""), "list tasks", Intent::Read);
        let write = judge(&answer(302, ""), "update task", Intent::Write);
        assert_eq!(read.error.kind, ErrorKind::Protocol);
        assert_eq!(write.error.kind, ErrorKind::Ambiguous);
    }

    #[test]
    fn vendor_text_is_cut_and_kept_on_one_line() {
        let long = format!("first\nsecond {}", "x".repeat(500));
        let short = single_line(&long);
        assert!(short.starts_with("first second x"));
        assert_eq!(short.chars().count(), MESSAGE_CHARS + 1);
    }
}
