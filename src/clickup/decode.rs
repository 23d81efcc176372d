//! Bodies as bytes to what a read makes of them, without a request: the same wire types, the same checks of a listing
//! and the same conversion. For programs that hold a recorded body, and for the fuzz targets.

use super::convert::{self, Lookups};
use super::failure::{Intent, judge};
use super::walk::{self, Seen};
use super::wire::{Page, Task};
use crate::connector::ConnectorError;
use crate::connector::client::{ApiResponse, tolerant};
use crate::model::{Item, Side};
use chrono_tz::Tz;
use std::collections::BTreeMap;

const OPERATION: &str = "decode an answer";

/// Reads one task; `zone` is where its days are told. `None` for a task without id, home list or change time.
///
/// # Errors
/// `Protocol` for a body that is no task.
pub fn task(body: &[u8], zone: Option<Tz>) -> Result<Option<Item>, ConnectorError> {
    let task: Task = answer(200, body).json(Side::ClickUp, OPERATION)?;
    Ok(convert::item(&task, &lookups(zone)))
}

/// Reads one page of a listing: its tasks by id, each once, and whether it is the last page.
///
/// # Errors
/// `Protocol` for a body that is no page. A task without id or home list is left out.
pub fn task_page(body: &[u8], zone: Option<Tz>) -> Result<(Vec<Item>, bool), ConnectorError> {
    let page: Page = answer(200, body).json(Side::ClickUp, OPERATION)?;
    let last = walk::is_last(&page);
    let mut held = BTreeMap::new();
    walk::hold(&mut held, Seen::default().take(page.tasks));
    let lookups = lookups(zone);
    let items = held
        .values()
        .filter_map(|task| convert::item(task, &lookups));
    Ok((items.collect(), last))
}

/// Tells what an answer means whose status is not 2xx. `write`: it answered a request that could have changed a task.
pub fn error(status: u16, body: &[u8], write: bool) -> ConnectorError {
    let intent = match write {
        true => Intent::Write,
        false => Intent::Read,
    };
    judge(&answer(status, body), OPERATION, intent).error
}

fn answer(status: u16, body: &[u8]) -> ApiResponse {
    ApiResponse {
        status,
        content_type: "application/json".to_owned(),
        headers: Default::default(),
        body: tolerant::whole(body.to_vec()),
        request_id: None,
        after_lost: false,
    }
}

fn lookups(zone: Option<Tz>) -> Lookups {
    Lookups {
        zone,
        ..Lookups::default()
    }
}
