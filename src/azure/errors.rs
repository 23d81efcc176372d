//! What an answer means. Pure. The only place that looks at status codes and error bodies.

use super::fields;
use super::wire::ErrorBody;
use crate::connector::client::ApiResponse;
use crate::connector::{ConnectorError, ErrorKind};
use crate::field::FieldSpecs;
use crate::model::{FieldKey, Side};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was asked for; a 403 and a 5xx mean different things for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A read.
    Read,
    /// A change of one item.
    ItemWrite,
}

/// What a write held, to tell which field a refusal is about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The fields of the item's pair on its type.
    pub(super) specs: &'a FieldSpecs,
    /// Reference name per name that people see, in lower case.
    pub(super) shown: &'a BTreeMap<String, String>,
    /// The operations that were sent.
    pub(super) ops: &'a [Value],
}

impl<'a> Asked<'a> {
    /// Operations that hold no field.
    pub(super) fn no_fields(ops: &'a [Value]) -> Asked<'a> {
        static NONE: FieldSpecs = FieldSpecs::NONE;
        static SHOWN: BTreeMap<String, String> = BTreeMap::new();
        Asked {
            specs: &NONE,
            shown: &SHOWN,
            ops,
        }
    }
}

/// Hands a success through and turns everything else into an error. Success is 200, 201 or 204 with JSON or nothing:
/// a bad token may be answered with 203 or a redirect to an HTML sign-in page (ADO-6).
pub(super) fn check(
    response: ApiResponse,
    operation: &str,
    target: Target,
) -> Result<ApiResponse, ConnectorError> {
    checked(response, operation, target, None)
}

/// As [`check`] for the answer of a write; an error also tells which field it is about.
pub(super) fn check_write(
    response: ApiResponse,
    operation: &str,
    asked: Asked<'_>,
) -> Result<ApiResponse, ConnectorError> {
    checked(response, operation, Target::ItemWrite, Some(asked))
}

/// Returns whether the service itself wrote a refusal: JSON that names the class of what went wrong
/// (`WrappedException` in MicrosoftDocs/vsts-rest-api-specs), or one of its numbers. The page of a proxy does neither.
pub(super) fn is_own(response: &ApiResponse) -> bool {
    let body = response.json::<ErrorBody>(Side::Ado, "read a refusal");
    response.is_json()
        && body.is_ok_and(|body| {
            body.type_key.is_some() || body.message.as_deref().and_then(code).is_some()
        })
}

fn checked(
    response: ApiResponse,
    operation: &str,
    target: Target,
    asked: Option<Asked<'_>>,
) -> Result<ApiResponse, ConnectorError> {
    let status = response.status;
    if matches!(status, 200 | 201 | 204) && (response.body.is_empty() || response.is_json()) {
        return Ok(response);
    }
    let in_doubt = target == Target::ItemWrite && (response.after_lost || !is_own(&response));
    let body: ErrorBody = if response.is_json() {
        response.json(Side::Ado, operation).unwrap_or_default()
    } else {
        ErrorBody::default()
    };
    let text = body.message.as_deref().unwrap_or("");
    let type_key = body.type_key.as_deref().map(one_line);
    let html = response.content_type.starts_with("text/html");
    let raced = matches!(
        type_key.as_deref(),
        Some("WorkItemRevisionMismatchException" | "TestPatchOperationFailedException")
    );
    let kind = match status {
        412 => ErrorKind::Stale,
        400 | 409 if raced || matches!(code(text).as_deref(), Some("TF26071" | "VS403351")) => {
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
        // Whoever answered, a write may have gone through.
        200..=299 => match target {
            Target::Read if html => ErrorKind::Auth,
            Target::Read => ErrorKind::Protocol,
            Target::ItemWrite => ErrorKind::Ambiguous,
        },
        _ => ErrorKind::Refused,
    };
    let message = if text.is_empty() && in_doubt && kind == ErrorKind::Refused {
        "refused without a word of Azure DevOps, so perhaps by a proxy or a firewall".to_owned()
    } else if text.is_empty() {
        plain(kind, status).to_owned()
    } else {
        one_line(text)
    };
    let mut error = ConnectorError::new(Side::Ado, kind, operation, message);
    error.status = Some(status);
    error.in_doubt = in_doubt;
    error.code = code(text).or_else(|| type_key.clone());
    error.type_key = type_key;
    error.request_id = response.request_id;
    if let Some(asked) = asked.filter(|_| kind == ErrorKind::Refused) {
        (error.field, error.unsent, error.place) = blame(&named_fields(&body), asked);
    }
    Err(error)
}

/// Returns whether an item has this very link already, so that adding it again was refused. The class of the refusal
/// tells it; its number is that of many.
pub(super) fn is_linked_already(error: &ConnectorError) -> bool {
    error.type_key.as_deref() == Some("RelationAlreadyExistsException")
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

/// Returns the first of the named fields that was sent, and the first that was not. A field that the service was sent
/// under a name that no canonical field has (the area of a new item) is neither: then the place is refused.
fn blame(named: &[String], asked: Asked<'_>) -> (Option<FieldKey>, Option<String>, bool) {
    let (mut field, mut unsent, mut place) = (None, None, false);
    for name in named {
        let lower = name.to_lowercase();
        let usual = || fields::shown(&lower).map(str::to_owned);
        let reference = asked.shown.get(&lower).cloned().or_else(usual);
        let reference = reference.as_ref().unwrap_or(name);
        let path = format!("/fields/{reference}");
        let sent = asked.ops.iter().any(|op| {
            let at = op.get("path").and_then(Value::as_str);
            at.is_some_and(|at| at.eq_ignore_ascii_case(&path))
        });
        let mut fields = asked.specs.on(Side::Ado);
        let found = fields.find(|(_, own)| own.eq_ignore_ascii_case(reference));
        match (sent, found) {
            (true, Some((spec, _))) => field = field.or_else(|| Some(spec.key.clone())),
            (true, None) => place = true,
            (false, _) => unsent = unsent.or_else(|| Some(one_line(reference))),
        }
    }
    (field, unsent, place)
}

/// Returns the fields that a refusal names, in its order: reference names, or the names that people see where it knows
/// no others.
fn named_fields(body: &ErrorBody) -> Vec<String> {
    let custom = body.custom.as_ref();
    let direct = custom.and_then(|custom| custom.get("ReferenceName")?.as_str());
    let rules = custom.and_then(|custom| custom.get("RuleValidationErrors")?.as_array());
    let by_rule = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.get("fieldReferenceName")?.as_str());
    let mut names: Vec<String> = direct
        .into_iter()
        .chain(by_rule)
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        names.extend(
            body.message
                .as_deref()
                .and_then(said_field)
                .map(str::to_owned),
        );
    }
    names
}

/// Finds the name of a field in a sentence: `The field 'State' contains the value 'Done' that is not in the list of
/// supported values` (Azure/azure-devops-cli-extension issue 273), `TF401320: Rule Error for field Root Cause. Error
/// code: Required, InvalidEmpty.` (microsoft/azure-boards-automate-state-transitions issue 18).
fn said_field(message: &str) -> Option<&str> {
    if let Some((_, rest)) = message.split_once("field '") {
        return Some(rest.split_once('\'')?.0);
    }
    let (_, rest) = message.split_once("Rule Error for field ")?;
    let (name, _) = rest.split_once(". ").or_else(|| rest.split_once('.'))?;
    (!name.is_empty() && name.len() <= 128).then_some(name)
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
    use crate::azure::tests::named;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    fn response(status: u16, content_type: &str, body: &str) -> ApiResponse {
        ApiResponse {
            status,
            content_type: content_type.to_owned(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            request_id: Some("activity".to_owned()),
            after_lost: false,
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
        // The item of a create may be there all the same, so the caller must look.
        for (content_type, body) in [("text/html", "<html>"), ("text/plain", "OK")] {
            let answer = kind(200, content_type, body, ItemWrite);
            assert_eq!(answer, Some(ErrorKind::Ambiguous), "{content_type}");
        }
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
    fn a_refusal_of_a_write_that_names_no_class_leaves_it_in_doubt() {
        let asked = |status, content_type: &str, body: &str, target| {
            let answer = response(status, content_type, body);
            check(answer, "probe", target).unwrap_err().in_doubt
        };
        let (html, json) = ("text/html", "application/json");
        let own = json!({"message": "no", "typeKey": "RuleValidationException"}).to_string();
        let numbered = json!({"message": "TF400733: blocked"}).to_string();
        for status in [203, 302, 400, 401, 403, 404, 409, 412, 413, 425, 429] {
            assert!(asked(status, html, "<html>", Target::ItemWrite), "{status}");
            assert!(asked(status, json, "{}", Target::ItemWrite), "{status}");
            assert!(!asked(status, html, "<html>", Target::Read), "{status}");
            assert!(!asked(status, json, &own, Target::ItemWrite), "{status}");
            assert!(!asked(status, json, &numbered, Target::ItemWrite));
        }
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

    /// What the refusal of a write with these fields is about.
    fn blamed(custom: Value, message: &str, sent: &[&str]) -> (Option<FieldKey>, Option<String>) {
        let specs = named(&[
            (FieldKey::Assignees, "System.AssignedTo"),
            (FieldKey::State, "System.State"),
            (FieldKey::Estimate, REMAINING),
        ]);
        let shown = BTreeMap::from([
            ("state".to_owned(), "System.State".to_owned()),
            ("root cause".to_owned(), "Custom.RootCause".to_owned()),
        ]);
        let ops: Vec<Value> = sent
            .iter()
            .map(|name| json!({"op": "add", "path": format!("/fields/{name}"), "value": 1}))
            .collect();
        let body = json!({"message": message, "customProperties": custom}).to_string();
        let asked = Asked {
            specs: &specs,
            shown: &shown,
            ops: &ops,
        };
        let answer = response(400, "application/json", &body);
        let error = check_write(answer, "probe", asked).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        (error.field, error.unsent)
    }

    const REMAINING: &str = "Microsoft.VSTS.Scheduling.RemainingWork";

    fn rules(names: &[&str]) -> Value {
        let rules: Vec<Value> = names
            .iter()
            .map(|name| json!({"fieldReferenceName": name, "fieldStatusCode": 1}))
            .collect();
        json!({ "RuleValidationErrors": rules })
    }

    #[test]
    fn a_refusal_names_the_field_that_the_configuration_maps() {
        let unknown = json!({"ReferenceName": "System.AssignedTo"});
        let found = blamed(unknown, "unknown identity", &["System.AssignedTo"]);
        assert_eq!(found, (Some(FieldKey::Assignees), None));
        // The time estimate is another field by default.
        let found = blamed(
            rules(&[REMAINING]),
            "TF401320: rule",
            &["System.State", REMAINING],
        );
        assert_eq!(found, (Some(FieldKey::Estimate), None));
        let said = "The field 'State' contains the value 'x' that is not supported";
        let found = blamed(Value::Null, said, &["System.State"]);
        assert_eq!(found, (Some(FieldKey::State), None));
        let found = blamed(Value::Null, "something else", &["System.State"]);
        assert_eq!(found, (None, None));
    }

    #[test]
    fn a_refusal_about_a_field_that_was_not_sent_says_so() {
        let cause = || Some("Custom.RootCause".to_owned());
        let found = blamed(
            rules(&["Custom.RootCause"]),
            "TF401320: rule",
            &["System.State"],
        );
        assert_eq!(found, (None, cause()));
        let said = "TF401320: Rule Error for field Root Cause. Error code: Required, InvalidEmpty.";
        assert_eq!(
            blamed(Value::Null, said, &["System.State"]),
            (None, cause())
        );
        // The estimate is mapped, and nobody sent it.
        let found = blamed(rules(&[REMAINING]), "TF401320: rule", &["System.State"]);
        assert_eq!(found, (None, Some(REMAINING.to_owned())));
        // Several: one of each.
        let both = rules(&[REMAINING, "Custom.RootCause"]);
        let found = blamed(both, "TF401320: rule", &["System.State", REMAINING]);
        assert_eq!(found, (Some(FieldKey::Estimate), cause()));
        // The area of a new item is no canonical field, and it was sent.
        let area = json!({"ReferenceName": "System.AreaPath"});
        assert_eq!(
            blamed(area, "no such path", &["System.AreaPath"]),
            (None, None)
        );
    }

    #[test]
    fn the_class_of_a_refusal_is_kept_beside_its_number() {
        let refused = |status: u16, message: &str, type_key: &str| {
            let body = json!({"message": message, "typeKey": type_key}).to_string();
            let answer = response(status, "application/json", &body);
            check(answer, "probe", Target::ItemWrite).unwrap_err()
        };
        let twice = refused(
            400,
            "TF201999: the link is there",
            "RelationAlreadyExistsException",
        );
        assert!(is_linked_already(&twice));
        assert_eq!(twice.code.as_deref(), Some("TF201999"));
        let raced = refused(
            400,
            "TF20000: test failed",
            "TestPatchOperationFailedException",
        );
        assert_eq!(raced.kind, ErrorKind::Stale);
        assert!(!is_linked_already(&raced));
    }
}
