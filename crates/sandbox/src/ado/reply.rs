//! Answers and refusals in the shape that Azure DevOps uses.

use serde_json::{Value, json};

static NULL: Value = Value::Null;

/// A member of a JSON object; null where there is none.
pub fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&NULL)
}

/// An answer before it is put on the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Content type; empty when there is no body.
    pub content_type: String,
    /// Body; empty when there is none.
    pub body: Vec<u8>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Reply {
    /// 200 with JSON.
    pub fn json(value: &Value) -> Reply {
        Reply::with(200, value)
    }

    /// Any status with JSON.
    pub fn with(status: u16, value: &Value) -> Reply {
        Reply {
            status,
            content_type: "application/json; charset=utf-8".to_owned(),
            body: value.to_string().into_bytes(),
            headers: Vec::new(),
        }
    }

    /// 200 with `{"count":n,"value":[…]}`.
    pub fn list(rows: &[Value]) -> Reply {
        Reply::json(&json!({"count": rows.len(), "value": rows}))
    }

    /// A status without a body.
    pub fn bare(status: u16) -> Reply {
        Reply {
            status,
            content_type: String::new(),
            body: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A status with text of another type than JSON.
    pub fn text(status: u16, content_type: &str, body: &str) -> Reply {
        Reply {
            status,
            content_type: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
            headers: Vec::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// One broken rule among several.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Reference name of the field.
    pub field: String,
    /// As in `fieldStatusFlags`.
    pub flags: &'static str,
    /// Without the code.
    pub message: String,
}

/// Why a request is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `typeKey`: the exception's name.
    pub key: &'static str,
    /// `message`, with the TF or VS code first where there is one.
    pub message: String,
    /// `errorCode` and `eventId`.
    pub numbers: (i64, i64),
    /// `customProperties`, where the exception has some.
    pub custom: Option<Value>,
}

impl Refusal {
    /// A refusal with the usual numbers (0 and 3200).
    pub fn new(status: u16, key: &'static str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            key,
            message: message.into(),
            numbers: (0, 3200),
            custom: None,
        }
    }

    /// An item that does not exist, is deleted, or may not be read: the three are not told apart.
    pub fn no_such_item(id: i64) -> Refusal {
        Refusal::new(
            404,
            "WorkItemUnauthorizedAccessException",
            format!(
                "TF401232: Work item {id} does not exist, or you do not have permissions to read it."
            ),
        )
    }

    /// A project that does not exist.
    pub fn no_such_project(name: &str) -> Refusal {
        let mut refusal = Refusal::new(
            404,
            "ProjectDoesNotExistWithNameException",
            format!(
                "TF200016: The following project does not exist: {name}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server."
            ),
        );
        refusal.numbers = (0, 3000);
        refusal
    }

    /// A type that does not exist in the project.
    pub fn no_such_type(name: &str) -> Refusal {
        Refusal::new(
            404,
            "WorkItemTypeNotFoundException",
            format!(
                "VS402323: Work item type {name} does not exist in project or you do not have permission to access it."
            ),
        )
    }

    /// A malformed argument.
    pub fn argument(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "VssPropertyValidationException", message)
    }

    /// A patch that counts as unreadable: the answer names nothing in it.
    pub fn unreadable() -> Refusal {
        Refusal::argument("You must pass a valid patch document in the body of the request.")
    }

    /// A text beyond the limit of its field, which the answer does not name. The real service's words and key are not
    /// established.
    pub fn too_long() -> Refusal {
        Refusal::argument("The value is too long.")
    }

    /// A broken rule that is told without saying which.
    pub fn nameless_rule() -> Refusal {
        Refusal::new(
            400,
            "RuleValidationException",
            "TF401320: Rule Error. The work item cannot be saved.",
        )
    }

    /// Broken rules on several fields; nothing when there are none. The first one is told in the message.
    pub fn rules(broken: &[Broken]) -> Option<Refusal> {
        let first = broken.first()?;
        let mut refusal = Refusal::rule(&first.field, first.flags, first.message.clone());
        let rows = broken
            .iter()
            .map(|b| rule_row(&b.field, b.flags, &coded(b.flags, &b.message)))
            .collect();
        let custom = refusal.custom.as_mut().and_then(Value::as_object_mut);
        if let Some(custom) = custom {
            custom.insert("RuleValidationErrors".to_owned(), Value::Array(rows));
        }
        Some(refusal)
    }

    /// A broken rule of the work item type on one field. `flags` as in `fieldStatusFlags`.
    pub fn rule(reference: &str, flags: &str, message: impl Into<String>) -> Refusal {
        let shown = coded(flags, &message.into());
        let mut refusal = Refusal::new(400, "RuleValidationException", shown.clone());
        refusal.custom = Some(json!({
            "ErrorMessage": shown,
            "FieldReferenceName": reference,
            "FieldStatusFlags": flags,
            "RuleValidationErrors": [rule_row(reference, flags, &shown)],
        }));
        refusal
    }

    /// The JSON envelope.
    pub fn into_reply(self) -> Reply {
        let namespace = if self.key.starts_with("Project") {
            "Microsoft.TeamFoundation.Core.WebApi"
        } else if self.key.starts_with("Vss") || self.key.starts_with("Unauthorized") {
            "Microsoft.VisualStudio.Services.Common"
        } else {
            "Microsoft.TeamFoundation.WorkItemTracking.Server"
        };
        let mut body = json!({
            "$id": "1",
            "innerException": null,
            "message": self.message,
            "typeName": format!("{namespace}.{}, {namespace}", self.key),
            "typeKey": self.key,
            "errorCode": self.numbers.0,
            "eventId": self.numbers.1,
        });
        if let (Some(custom), Some(map)) = (self.custom, body.as_object_mut()) {
            map.insert("customProperties".to_owned(), custom);
        }
        Reply::with(self.status, &body)
    }
}

/// The message of a broken rule with its code.
fn coded(flags: &str, message: &str) -> String {
    let code = if flags.contains("readOnly") {
        "TF401326"
    } else {
        "TF401320"
    };
    format!("{code}: {message}")
}

fn rule_row(reference: &str, flags: &str, shown: &str) -> Value {
    json!({
        "fieldReferenceName": reference,
        "fieldStatusFlags": flags,
        "errorMessage": shown,
        "fieldStatusCode": 524_289,
        "ruleValidationErrors": null,
    })
}
