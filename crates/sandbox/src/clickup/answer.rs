//! Answers: JSON, refusals in the v2 and v3 shapes, and deliberately broken ones.

use crate::halves;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// A refused request. The numeric status and `ECODE` are what clients may rely on; texts vary.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub text: &'static str,
}

impl Refusal {
    pub const fn new(status: u16, code: &'static str, text: &'static str) -> Refusal {
        Refusal { status, code, text }
    }
}

// Codes below: ClickUp docs "Common errors" and error bodies recorded by open-source clients.
pub(super) const NO_TOKEN: Refusal =
    Refusal::new(400, "OAUTH_017", "Authorization header required");
pub(super) const BAD_TOKEN: Refusal = Refusal::new(401, "OAUTH_025", "Token invalid");
/// An id that never existed is 401, not 404.
pub(super) const FOREIGN: Refusal = Refusal::new(401, "OAUTH_027", "Team not authorized");
pub(super) const DELETED: Refusal = Refusal::new(404, "ITEM_013", "Task not found, deleted");
pub(super) const HIDDEN: Refusal =
    Refusal::new(401, "ACCESS_083", "You do not have access to this task");
pub(super) const NO_OBJECT: Refusal = Refusal::new(404, "SHARD_006", "Not found");
pub(super) const NO_ROUTE: Refusal = Refusal::new(404, "APP_001", "Route not found");
pub(super) const BAD_ARRAY: Refusal = Refusal::new(
    400,
    "PUBAPITASK_017",
    "Array parameters must be sent as name[]",
);
pub(super) const BAD_PARAMETER: Refusal = Refusal::new(500, "ITEMV2_003", "Internal server error");
pub(super) const BAD_LIST_ID: Refusal = Refusal::new(400, "INPUT_003", "List id invalid");
pub(super) const BAD_TASK_ID: Refusal = Refusal::new(400, "INPUT_004", "Task id invalid");
pub(super) const BAD_BODY: Refusal = Refusal::new(400, "INPUT_002", "Body invalid");
pub(super) const RATE: Refusal = Refusal::new(429, "APP_002", "Rate limit reached");

/// What a handler hands back when it succeeds.
pub(super) enum Reply {
    Json(Value),
    /// 204 without a body.
    Nothing,
    Bytes(String, Bytes),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Reply {
        Reply::Json(value)
    }
}

/// A finished answer that can still be damaged by a fault.
pub(super) struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn json(status: u16, value: &Value) -> Answer {
        Answer {
            status,
            content_type: "application/json; charset=utf-8".to_owned(),
            body: Bytes::from(value.to_string()),
            headers: Vec::new(),
        }
    }

    pub fn html(status: u16, text: &str) -> Answer {
        Answer {
            status,
            content_type: "text/html; charset=utf-8".to_owned(),
            body: Bytes::from(text.to_owned()),
            headers: Vec::new(),
        }
    }

    /// v2 and v3 failures have different shapes; `now_ms` is only shown by v3.
    pub fn refusal(refusal: &Refusal, v3: bool, now_ms: i64) -> Answer {
        if refusal.status == 504 {
            return Answer::html(
                504,
                "<html><body><h1>504 Gateway Time-out</h1></body></html>",
            );
        }
        let body = if v3 {
            json!({"status": refusal.status, "message": refusal.text, "trace_id": "00000000000000ab", "timestamp": now_ms})
        } else {
            json!({"err": refusal.text, "ECODE": refusal.code})
        };
        Answer::json(refusal.status, &body)
    }

    pub fn of(outcome: Result<Reply, Refusal>, v3: bool, now_ms: i64) -> Answer {
        match outcome {
            Ok(Reply::Json(value)) => Answer::json(200, &value),
            Ok(Reply::Nothing) => Answer {
                status: 204,
                content_type: String::new(),
                body: Bytes::new(),
                headers: Vec::new(),
            },
            Ok(Reply::Bytes(content_type, body)) => Answer {
                status: 200,
                content_type,
                body,
                headers: Vec::new(),
            },
            Err(refusal) => Answer::refusal(&refusal, v3, now_ms),
        }
    }

    /// Empties every array at the top of a listing: it lost its rows. One object with its own id is no listing.
    pub fn emptied(self) -> Answer {
        self.cut(|_| 0)
    }

    /// Drops the second half of every array at the top of a listing: rows that fell between two pages.
    pub fn halved(self) -> Answer {
        self.cut(|rows| rows / 2)
    }

    /// Leaves these members out of the task, or of each task of a listing.
    pub fn without(self, members: &[String]) -> Answer {
        let Ok(Value::Object(mut map)) = serde_json::from_slice(&self.body) else {
            return self;
        };
        let leave_out =
            |task: &mut Map<String, Value>| task.retain(|name, _| !members.contains(name));
        let listed = map.get_mut("tasks").and_then(Value::as_array_mut);
        match listed {
            Some(tasks) => tasks
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(leave_out),
            None => leave_out(&mut map),
        }
        Answer {
            body: Bytes::from(Value::Object(map).to_string()),
            ..self
        }
    }

    fn cut(self, keep: fn(usize) -> usize) -> Answer {
        let Ok(Value::Object(mut map)) = serde_json::from_slice(&self.body) else {
            return self;
        };
        if map.contains_key("id") {
            return self;
        }
        for rows in map.values_mut().filter_map(Value::as_array_mut) {
            rows.truncate(keep(rows.len()));
        }
        Answer {
            body: Bytes::from(Value::Object(map).to_string()),
            ..self
        }
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(halves::told(&self.body).into_owned()));
        *response.status_mut() = status_code(self.status);
        let content_type = Some(("content-type".to_owned(), self.content_type));
        let content_type = content_type.filter(|(_, value)| !value.is_empty());
        for (name, value) in self.headers.into_iter().chain(content_type) {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    /// Announces the whole length, sends half, then breaks the connection.
    pub fn into_truncated(self) -> Response {
        crate::truncated(
            status_code(self.status),
            &self.content_type,
            &halves::told(&self.body),
        )
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
