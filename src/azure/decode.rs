//! Bodies as bytes to what a read makes of them, without a request: the same check of the answer, the same wire types
//! and the same conversion. For programs that hold a recorded body, and for the fuzz targets.

use super::wire::{LinkFeed, ListOf, WiqlAnswer, WorkItem};
use super::{convert, errors, link_feed};
use crate::connector::client::{ApiResponse, tolerant};
use crate::connector::{ConnectorError, ErrorKind};
use crate::field::{FieldSpecs, WantedFields};
use crate::model::{Item, ItemId, Side, Timestamp};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

const OPERATION: &str = "decode an answer";

/// One page of the link feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPage {
    /// Source and target of each changed link.
    pub ends: Vec<(ItemId, ItemId)>,
    /// Where the next page starts, if the answer says it.
    pub next: Option<String>,
    /// Whether nothing follows for now.
    pub is_last: bool,
}

/// Reads one work item, with the fields that it shows; `zone` is where its days are told.
///
/// # Errors
/// `Protocol` for a body that is no work item.
pub fn work_item(body: &[u8], zone: Option<Tz>) -> Result<Item, ConnectorError> {
    Ok(converted(&read(body)?, zone))
}

/// Reads the answer of a batch read; items that cannot be seen are left out.
///
/// # Errors
/// `Protocol` for a body that is no list of work items.
pub fn work_items(body: &[u8], zone: Option<Tz>) -> Result<Vec<Item>, ConnectorError> {
    let answer: ListOf<Option<WorkItem>> = read(body)?;
    let items = answer.value.iter().flatten();
    Ok(items.map(|wire| converted(wire, zone)).collect())
}

/// Reads the answer of a query: the service's clock and the ids, in its order.
///
/// # Errors
/// `Protocol` for a body that is no answer of a flat query, or without a time.
pub fn query_answer(body: &[u8]) -> Result<(Timestamp, Vec<ItemId>), ConnectorError> {
    let answer: WiqlAnswer = read(body)?;
    let as_of = Timestamp::parse_rfc3339(&answer.as_of).ok_or_else(|| {
        let message = "asOf is not a time";
        ConnectorError::new(Side::Ado, ErrorKind::Protocol, OPERATION, message)
    })?;
    let ids = answer
        .work_items
        .iter()
        .filter(|row| row.id > 0)
        .map(|row| id(row.id))
        .collect();
    Ok((as_of, ids))
}

/// Reads one page of the link feed.
///
/// # Errors
/// `Protocol` for a body that is no page of it.
pub fn link_page(body: &[u8]) -> Result<LinkPage, ConnectorError> {
    let page: LinkFeed = read(body)?;
    let ends = page.values.iter();
    Ok(LinkPage {
        ends: ends
            .map(|link| (id(link.source), id(link.target)))
            .collect(),
        next: page
            .continuation_token
            .or_else(|| link_feed::token_of(page.next_link.as_deref()?)),
        is_last: page.is_last_batch,
    })
}

/// Tells what an answer means; `None` for a success. `write`: it answered a request that could have changed an item.
pub fn error(status: u16, content_type: &str, body: &[u8], write: bool) -> Option<ConnectorError> {
    let target = match write {
        true => errors::Target::ItemWrite,
        false => errors::Target::Read,
    };
    errors::check(answer(status, content_type, body), OPERATION, target).err()
}

fn answer(status: u16, content_type: &str, body: &[u8]) -> ApiResponse {
    ApiResponse {
        status,
        content_type: content_type.to_lowercase(),
        headers: Default::default(),
        body: tolerant::whole(body.to_vec()),
        request_id: None,
        after_lost: false,
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ConnectorError> {
    let answer = answer(200, "application/json", body);
    errors::check(answer, OPERATION, errors::Target::Read)?.json(Side::Ado, OPERATION)
}

fn converted(wire: &WorkItem, zone: Option<Tz>) -> Item {
    let shown: BTreeSet<String> = wire.fields.keys().cloned().collect();
    let context = convert::Context {
        specs: &FieldSpecs::resolve(&WantedFields::new(), &shown),
        zone,
        hosts: &[],
        base_url: "https://dev.azure.com/contoso",
    };
    convert::item(&context, wire)
}

fn id(number: i64) -> ItemId {
    ItemId(number.to_string())
}
