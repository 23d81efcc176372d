//! What an answer means. Pure. The only place that looks at status codes and error bodies.

use super::wire::ErrorBody;
use crate::connector::client::ApiResponse;
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{FieldKey, Side};
use serde_json::Value;

/// What was asked for; a 403 and a 5xx mean different things for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A read.
    Read,
    /// A change of one item.
    ItemWrite,
}

/// Hands a success through and turns everything else into an error. Success is 200, 201 or 204 with JSON or nothing:
/// a bad token may be answered with 203 or a redirect to an HTML sign-in page (ADO-6).
pub(super) fn check(
    response: ApiResponse,
    operation: &str,
    target: Target,
) -> Result<ApiResponse, ConnectorError> {
    let status = response.status;
    if matches!(status, 200 | 201 | 204) && (response.body.is_empty() || response.is_json()) {
        return Ok(response);
    }
    let body: ErrorBody = if response.is_json() {
        response.json(Side::Ado, operation).unwrap_or_default()
    } else {
        ErrorBody::default()
    };
    let text = body.message.as_deref().unwrap_or("");
    let type_key = body.type_key.as_deref().unwrap_or("");
    let code = code(text).or_else(|| body.type_key.as_deref().map(one_line));
    let html = response.content_type.starts_with("text/html");
    let kind = match status {
        412 => ErrorKind::Stale,
        409 if type_key == "WorkItemRevisionMismatchException" || has(&code, "TF26071") => {
            ErrorKind::Stale
        }
        429 => ErrorKind::Throttled,
        401 | 203 | 300..=399 => ErrorKind::Auth,
        403 => match target {
            Target::Read => ErrorKind::Auth,
            Target::ItemWrite => ErrorKind::Refused,
        },
        404 => ErrorKind::NotFound,
        408 | 500.. => ErrorKind::Ambiguous,
        200..=299 if html => ErrorKind::Auth,
        200..=299 => match target {
            Target::Read => ErrorKind::Protocol,
            Target::ItemWrite => ErrorKind::Ambiguous,
        },
        _ => ErrorKind::Refused,
    };
    let message = if text.is_empty() {
        plain(kind, status).to_owned()
    } else {
        one_line(text)
    };
    let mut error = ConnectorError::new(Side::Ado, kind, operation, message);
    error.status = Some(status);
    error.code = code;
    error.request_id = response.request_id;
    error.field = body
        .custom
        .as_ref()
        .and_then(blamed_field)
        .or_else(|| (status == 400).then(|| quoted_field(text)).flatten());
    Err(error)
}

/// Returns whether the server refuses the api-version that was asked with: it is older than the number.
pub(super) fn is_unknown_version(response: &ApiResponse) -> bool {
    response.status == 400
        && response.is_json()
        && response
            .json::<ErrorBody>(Side::Ado, "read a refusal")
            .is_ok_and(|body| body.type_key.as_deref() == Some("VssVersionOutOfRangeException"))
}

/// Returns the code at the start of a message: `TF401232`, `VS403351`.
fn code(message: &str) -> Option<String> {
    let first = message.trim_start().split([':', ' ']).next()?;
    let digits = first
        .strip_prefix("TF")
        .or_else(|| first.strip_prefix("VS"))?;
    let fits = (4..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| first.to_owned())
}

fn has(code: &Option<String>, wanted: &str) -> bool {
    code.as_deref() == Some(wanted)
}

/// Finds the field that a rule or an unknown value belongs to.
fn blamed_field(custom: &Value) -> Option<FieldKey> {
    let direct = custom.get("ReferenceName").and_then(Value::as_str);
    let by_rule = || {
        let rules = custom.get("RuleValidationErrors")?.as_array()?;
        rules
            .iter()
            .find_map(|rule| rule.get("fieldReferenceName")?.as_str())
    };
    direct.or_else(by_rule).map(super::fields::canonical_key)
}

/// Older wording: `The field 'State' contains the value 'Done' that is not in the list of supported values`.
fn quoted_field(message: &str) -> Option<FieldKey> {
    let (_, rest) = message.split_once("field '")?;
    match rest.split_once('\'')?.0 {
        "State" => Some(FieldKey::State),
        "Assigned To" => Some(FieldKey::Assignees),
        "Title" => Some(FieldKey::Title),
        "Priority" => Some(FieldKey::Priority),
        "Tags" => Some(FieldKey::Tags),
        _ => None,
    }
}

/// Shortens a message to one line without control characters. Messages quote field values, so they are cut.
fn one_line(text: &str) -> String {
    // Once more after decoding: an escape inside the JSON may have hidden it.
    let text = crate::redact::mask(text);
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|c| !c.is_control());
    let mut short: String = line.chars().take(300).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short.trim_end_matches('.').to_owned()
}

fn plain(kind: ErrorKind, status: u16) -> &'static str {
    match kind {
        ErrorKind::Auth => "the personal access token was not accepted",
        ErrorKind::Throttled => "too many requests",
        ErrorKind::NotFound => "not found, or no right to see it",
        ErrorKind::Stale => "the item changed meanwhile",
        ErrorKind::Ambiguous if status >= 500 => "the service failed",
        ErrorKind::Ambiguous => "the outcome is unknown",
        ErrorKind::Protocol => "the answer is not JSON",
        ErrorKind::Refused => "refused",
        ErrorKind::Unreachable | ErrorKind::Cancelled => "not sent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    fn response(status: u16, content_type: &str, body: &str) -> ApiResponse {
        ApiResponse {
            status,
            content_type: content_type.to_owned(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            request_id: Some("activity".to_owned()),
        }
    }

    fn kind(status: u16, content_type: &str, body: &str, target: Target) -> Option<ErrorKind> {
        check(response(status, content_type, body), "probe", target)
            .err()
            .map(|error| error.kind)
    }

    #[test]
    fn only_json_or_nothing_with_200_201_or_204_is_a_success() {
        use Target::{ItemWrite, Read};
        let json = "application/json; charset=utf-8";
        assert_eq!(kind(200, json, "{}", Read), None);
        assert_eq!(kind(204, "", "", ItemWrite), None);
        assert_eq!(
            kind(203, "text/html", "<html>", Read),
            Some(ErrorKind::Auth)
        );
        assert_eq!(kind(203, json, "{}", Read), Some(ErrorKind::Auth));
        assert_eq!(kind(302, "text/html", "", Read), Some(ErrorKind::Auth));
        assert_eq!(
            kind(200, "text/html", "<html>", Read),
            Some(ErrorKind::Auth)
        );
        assert_eq!(
            kind(200, "text/plain", "hm", Read),
            Some(ErrorKind::Protocol)
        );
        assert_eq!(kind(401, "", "", ItemWrite), Some(ErrorKind::Auth));
        assert_eq!(kind(403, "", "", Read), Some(ErrorKind::Auth));
        assert_eq!(kind(403, "", "", ItemWrite), Some(ErrorKind::Refused));
        assert_eq!(kind(503, json, "{}", ItemWrite), Some(ErrorKind::Ambiguous));
        assert_eq!(
            kind(404, "text/plain", "no", Read),
            Some(ErrorKind::NotFound)
        );
    }

    #[test]
    fn both_forms_of_a_revision_race_are_stale_and_another_409_is_not() {
        let race = json!({"message": "TF26071: someone was faster", "typeKey": "WorkItemRevisionMismatchException"});
        let race = race.to_string();
        let json = "application/json";
        let write = Target::ItemWrite;
        assert_eq!(kind(409, json, &race, write), Some(ErrorKind::Stale));
        assert_eq!(kind(412, json, "{}", write), Some(ErrorKind::Stale));
        assert_eq!(kind(409, json, "{}", write), Some(ErrorKind::Refused));
    }

    #[test]
    fn codes_come_from_the_message_or_else_the_type_and_a_byte_order_mark_is_no_obstacle() {
        let body = format!(
            "\u{feff}{}",
            json!({"message": "TF24668: The organisation sleeps.", "typeKey": "Asleep"})
        );
        let error = check(
            response(503, "application/json", &body),
            "probe",
            Target::Read,
        )
        .unwrap_err();
        assert_eq!(error.code.as_deref(), Some("TF24668"));
        assert_eq!(error.message, "TF24668: The organisation sleeps");
        assert_eq!(error.request_id.as_deref(), Some("activity"));
        let body = json!({"message": "Something odd", "typeKey": "OddException"}).to_string();
        let error = check(
            response(400, "application/json", &body),
            "probe",
            Target::Read,
        )
        .unwrap_err();
        assert_eq!(error.code.as_deref(), Some("OddException"));
    }

    #[test]
    fn an_answer_cannot_steer_a_terminal() {
        let body = json!({"message": "TF24668: \u{1b}[2Jgone\u{9b}\0", "typeKey": "x"});
        let error = check(
            response(400, "application/json", &body.to_string()),
            "probe",
            Target::Read,
        )
        .unwrap_err();
        assert_eq!(error.message, "TF24668: [2Jgone");
        let body = json!({"message": "no", "typeKey": format!("A\u{1b}\n{}", "k".repeat(999))});
        let error = check(
            response(400, "application/json", &body.to_string()),
            "probe",
            Target::Read,
        )
        .unwrap_err();
        let code = error.code.unwrap();
        assert!(
            code.starts_with("A k") && code.chars().count() == 301,
            "{code}"
        );
    }

    #[test]
    fn a_refusal_names_the_field_it_is_about() {
        let refusal = |custom: Value, message: &str| {
            let body = json!({"message": message, "customProperties": custom}).to_string();
            let answer = response(400, "application/json", &body);
            let error = check(answer, "probe", Target::ItemWrite).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused);
            error.field
        };
        assert_eq!(
            refusal(
                json!({"ReferenceName": "System.AssignedTo"}),
                "unknown identity"
            ),
            Some(FieldKey::Assignees)
        );
        assert_eq!(
            refusal(
                json!({"RuleValidationErrors": [{"fieldReferenceName": "System.State", "fieldStatusCode": 1}]}),
                "TF401320: rule"
            ),
            Some(FieldKey::State)
        );
        assert_eq!(
            refusal(
                Value::Null,
                "The field 'State' contains the value 'x' that is not supported"
            ),
            Some(FieldKey::State)
        );
        assert_eq!(refusal(Value::Null, "something else"), None);
    }
}
