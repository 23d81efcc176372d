//! Attachments: uploaded through the API, downloaded from another host without the token.

use super::answer::{BAD_BODY, NO_OBJECT, Refusal, Reply};
use super::call::Call;
use super::show;
use super::world::World;
use axum::body::Bytes;
use serde_json::{Value, json};

/// The file of a multipart body: its name and bytes. The part must be called `attachment` or `attachment[0]`.
fn file(call: &Call) -> Option<(String, Bytes)> {
    let boundary = call
        .content_type
        .split("boundary=")
        .nth(1)?
        .split(';')
        .next()?
        .trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut rest = 0;
    while let Some(found) = position(call.raw.get(rest..)?, delimiter.as_bytes()) {
        let start = rest + found + delimiter.len();
        let end = start
            + position(
                call.raw.get(start..)?,
                format!("\r\n{delimiter}").as_bytes(),
            )?;
        let part = call.raw.slice(start..end);
        let split = position(&part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(part.get(..split)?).into_owned();
        if head.contains("name=\"attachment") {
            let name = head.split("filename=\"").nth(1)?.split('"').next()?;
            return Some((name.to_owned(), part.slice(split + 4..)));
        }
        rest = end + 2;
    }
    None
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Adds a file to a task as some user and returns the full object later reads show.
pub(super) fn attach(
    world: &mut World,
    task: &str,
    user: i64,
    title: &str,
    bytes: Bytes,
) -> Result<Value, Refusal> {
    world.task(task)?;
    let extension = title
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
        .to_owned();
    let uuid = world.uuid();
    let id = format!("{uuid}.{extension}");
    let encoded = percent_encoding::utf8_percent_encode(title, percent_encoding::NON_ALPHANUMERIC)
        .to_string();
    let url = format!(
        "{}/t{}/{id}/{encoded}",
        world.config.attachment_base, world.config.workspace
    );
    let size = bytes.len();
    world.files.insert(id.clone(), bytes);
    let mut object = json!({
        "id": id, "date": "", "title": title, "type": 1, "source": 1, "version": 0, "extension": extension,
        "thumbnail_small": null, "thumbnail_medium": null, "thumbnail_large": null, "is_folder": null,
        "mimetype": "application/octet-stream", "hidden": false, "parent_id": task, "size": size,
        "total_comments": 0, "resolved_comments": 0, "user": show::person(world, user), "deleted": false,
        "orientation": null, "url": url, "email_data": null, "workspace_id": null,
        "url_w_query": format!("{url}?view=open"), "url_w_host": url,
    });
    let stored = object.clone();
    // The attachment's `date` and the task's `date_updated` are the same instant.
    let date = world.change(task, |task| task.attachments.push(stored));
    if let Some(map) = object.as_object_mut() {
        map.insert("date".to_owned(), json!(date.to_string()));
    }
    let dated = object.clone();
    world.change_at(task, false, |task| {
        task.attachments.pop();
        task.attachments.push(dated);
    });
    Ok(object)
}

/// `POST /task/{id}/attachment`: the answer is thinner than a read and its `date` is a number.
pub(super) fn upload(world: &mut World, task: &str, call: &Call) -> Result<Value, Refusal> {
    let (title, bytes) = file(call).ok_or(BAD_BODY)?;
    let user = world.config.token_user;
    let full = attach(world, task, user, &title, bytes)?;
    let member = |name: &str| full.get(name).cloned().unwrap_or(Value::Null);
    let date = super::call::number(full.get("date"));
    Ok(json!({
        "id": member("id"), "version": "0", "date": date, "title": member("title"), "extension": member("extension"),
        "thumbnail_small": null, "thumbnail_large": null, "url": member("url"),
    }))
}

/// Serves the bytes when the sandbox itself is the download host. Needs no token.
pub(super) fn download(world: &World, id: &str) -> Result<Reply, Refusal> {
    let bytes = world.files.get(id).cloned().ok_or(NO_OBJECT)?;
    Ok(Reply::Bytes("application/octet-stream".to_owned(), bytes))
}
