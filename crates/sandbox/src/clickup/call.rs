//! One request, taken apart once: segments, query pairs, body.

use super::answer::{BAD_PARAMETER, Refusal};
use crate::halves;
use axum::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as the handlers see it.
pub(super) struct Call {
    pub method: String,
    /// Path segments after `/api/v2` or `/api/v3`, percent-decoded one by one, so `%2F` stays inside a segment.
    pub segments: Vec<String>,
    /// Whether the path was below `/api/v3`.
    pub v3: bool,
    pub query: Query,
    /// `Null` when there was no JSON body.
    pub body: Value,
    pub raw: Bytes,
    pub content_type: String,
}

impl Call {
    pub fn new(method: &str, path: &str, query: &str, raw: Bytes, content_type: String) -> Call {
        let (v3, rest) = match path.strip_prefix("/api/v3/") {
            Some(rest) => (true, rest),
            None => (false, path.strip_prefix("/api/v2/").unwrap_or(path)),
        };
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        Call {
            method: method.to_owned(),
            segments: rest.trim_matches('/').split('/').map(decode).collect(),
            v3,
            query: Query::parse(query),
            body: serde_json::from_slice(&halves::heard(&raw)).unwrap_or(Value::Null),
            raw,
            content_type,
        }
    }
}

/// Query pairs in order; names may repeat.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Query {
        Query(
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// `Ok(None)` when absent; text for a number is a server error, as recorded.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| BAD_PARAMETER),
        }
    }
}

/// Reads a number sent as a number or as decimal text.
pub(super) fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Reads a non-null member as text.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// Reads an array of ids, numbers or decimal text; anything else is empty.
pub(super) fn ids(value: Option<&Value>) -> Vec<i64> {
    value
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(|item| number(Some(item))).collect())
        .unwrap_or_default()
}
