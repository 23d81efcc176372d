//! Uploading and downloading attachments.

use super::http::{Answer, Call};
use super::reply::{Refusal, Reply};
use super::{AdoSandbox, guid};
use serde_json::json;

/// Azure DevOps: docs object-limits.md (2024-09), 60 MB per attachment.
const MAX_BYTES: usize = 60 * 1024 * 1024;

/// `POST attachments`, `GET attachments/{id}`.
pub fn route(sandbox: &AdoSandbox, call: &Call, rest: &[&str]) -> Option<Answer> {
    Some(match (call.method.as_str(), rest) {
        ("POST", []) => upload(sandbox, call),
        ("GET", [id]) => download(sandbox, call, id),
        _ => return None,
    })
}

fn upload(sandbox: &AdoSandbox, call: &Call) -> Answer {
    if call.param("uploadtype").eq_ignore_ascii_case("chunked") {
        return Err(Refusal::argument("The sandbox takes simple uploads only."));
    }
    if call.body.len() > MAX_BYTES {
        return Err(Refusal::new(
            413,
            "WorkItemAttachmentExceedsMaxSizeException",
            "TF237082: The file is too large.",
        ));
    }
    let mut state = sandbox.lock();
    let id = guid("attachment", &state.attachments.len().to_string());
    state.attachments.insert(id.clone(), call.body.to_vec());
    let name = match call.param("filename") {
        "" => "",
        name => &format!(
            "?fileName={}",
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
        ),
    };
    let url = format!("{}/_apis/wit/attachments/{id}{name}", call.base);
    Ok(Reply::with(201, &json!({"id": id, "url": url})))
}

fn download(sandbox: &AdoSandbox, call: &Call, id: &str) -> Answer {
    let state = sandbox.lock();
    let Some(content) = state.attachments.get(id) else {
        return Err(Refusal::new(
            404,
            "AttachmentNotFoundException",
            format!("TF401349: Attachment {id} does not exist."),
        ));
    };
    let mut reply = Reply::bare(200);
    reply.content_type = "application/octet-stream".to_owned();
    reply.body = content.clone();
    let name = match call.param("filename") {
        "" => "attachment",
        name => name,
    };
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_graphic() && *c != '"')
        .collect();
    Ok(reply.header(
        "content-disposition",
        format!("attachment; filename=\"{name}\""),
    ))
}
