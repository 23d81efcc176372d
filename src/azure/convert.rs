//! Work item to canonical item, and canonical value to what a patch carries. Pure.

use super::fields;
use super::wire::WorkItem;
use crate::connector::{customs, rich_value};
use crate::field::negotiate::LABELS_BETWEEN;
use crate::field::{FieldSpecs, Form, YES};
use crate::model::{
    FieldValue, Folded, Item, ItemId, RawTexts, RichText, Side, TextFormat, Timestamp, Version,
};
use chrono::{Duration, NaiveDate, NaiveTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Prefix of an origin marker in a hyperlink's comment.
pub(super) const MARKER: &str = "sx1:";

const MS_PER_HOUR: f64 = 3_600_000.0;

/// What a conversion needs to know besides the item.
pub(super) struct Context<'a> {
    /// The fields of the item's pair on its type.
    pub(super) specs: &'a FieldSpecs,
    /// Zone in which days are read and written, if configured.
    pub(super) zone: Option<Tz>,
    /// Hosts whose links count as links to a counterpart.
    pub(super) hosts: &'a [String],
    /// Address of the organisation, without a trailing slash.
    pub(super) base_url: &'a str,
}

/// Builds the canonical item.
pub(super) fn item(context: &Context<'_>, wire: &WorkItem) -> Item {
    let mut values = BTreeMap::new();
    let mut raw = RawTexts::with_capacity(1);
    let mut unread = BTreeSet::new();
    for (spec, name) in context.specs.on(Side::Ado) {
        let (key, form) = (&spec.key, spec.form());
        let value = wire.fields.get(name);
        if form == Form::LongText {
            let (text, format) = match (value, format(wire, name)) {
                (None | Some(Value::Null), format) => ("", format.unwrap_or(TextFormat::Html)),
                (Some(Value::String(text)), Some(format)) => (text.as_str(), format),
                (Some(_), _) => {
                    unread.insert(key.clone());
                    continue;
                }
            };
            values.insert(key.clone(), rich_value(format, text));
            raw.insert(key.clone(), RichText::new(format, text));
            continue;
        }
        let value = match value {
            // Every work item has a title and a state. One that an answer lacks was left out of it.
            None | Some(Value::Null) if key.row().everywhere => continue,
            None | Some(Value::Null) => Some(FieldValue::Empty),
            Some(value) => read_as(form, value, context.zone),
        };
        // A value of an unexpected shape is no information, never an empty field.
        match value {
            Some(value) => {
                values.insert(key.clone(), value);
            }
            None => {
                unread.insert(key.clone());
            }
        }
    }
    let (markers, backlinks) = links(wire, context.hosts);
    let instant = |name: &str| wire.text(name).and_then(Timestamp::parse_rfc3339);
    let project = wire.text(fields::PROJECT).unwrap_or("");
    let area = wire.text(fields::AREA).unwrap_or(project);
    Item {
        id: ItemId(wire.id.to_string()),
        version: Version(wire.rev),
        url: format!(
            "{}/{}/_workitems/edit/{}",
            context.base_url,
            super::api::segment(project),
            wire.id
        ),
        fields: values,
        raw,
        unread,
        markers,
        backlinks,
        parent: parent(wire),
        archived: false,
        container: format!("{project}|{area}"),
        created_at: instant("System.CreatedDate").unwrap_or_default(),
        changed_at: instant("System.ChangedDate").unwrap_or_default(),
    }
}

/// Returns the markup of a long text. Absent means HTML (ADO-7); `None`: one that is not known.
fn format(wire: &WorkItem, name: &str) -> Option<TextFormat> {
    let formats = wire.formats.as_ref();
    match formats.and_then(|formats| formats.get(name)) {
        None | Some(Value::Null) => Some(TextFormat::Html),
        Some(Value::String(format)) => match format.to_ascii_lowercase().as_str() {
            "markdown" => Some(TextFormat::EscapedMarkdown),
            "html" | "" => Some(TextFormat::Html),
            _ => None,
        },
        Some(_) => None,
    }
}

/// Reads a value of a form; `None`: it has another shape.
pub(super) fn read_as(form: Form, value: &Value, zone: Option<Tz>) -> Option<FieldValue> {
    match form {
        Form::Line => value.as_str().map(FieldValue::text),
        Form::Name => value.as_str().map(FieldValue::choice),
        Form::People => person(value).map(|person| FieldValue::People(BTreeSet::from([person]))),
        Form::Number => scaled(value.as_f64()?, 1000.0).map(FieldValue::Number),
        Form::Duration => scaled(value.as_f64()?, MS_PER_HOUR).map(FieldValue::Duration),
        Form::Tags => value.as_str().map(|text| FieldValue::tags(text.split(';'))),
        Form::Names => {
            let text = value.as_str();
            text.map(|text| FieldValue::tags(text.split(LABELS_BETWEEN)))
        }
        Form::Day => day(value.as_str()?, zone).map(FieldValue::Day),
        Form::Moment => Timestamp::parse_rfc3339(value.as_str()?).map(FieldValue::moment),
        Form::LongText => value
            .as_str()
            .map(|text| rich_value(TextFormat::Html, text)),
        Form::YesNo => value.as_bool().map(|yes| match yes {
            true => FieldValue::choice(YES),
            false => FieldValue::Empty,
        }),
        Form::Decimal => customs::thousandths(value.as_f64()?).map(FieldValue::Number),
        Form::Plain => value.as_str().map(FieldValue::plain),
        Form::Negotiated => None,
    }
}

/// Reads an identity. `uniqueName` is the sign-in name on Services and `DOMAIN\user` on a server; only the former can
/// match a person elsewhere.
fn person(value: &Value) -> Option<Folded> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("");
    let (unique, id) = (text("uniqueName"), text("id"));
    // Services: an address. Server: `DOMAIN\\user`, as people are written in the configuration too.
    let key = if unique.contains(['@', '\\']) {
        unique.to_owned()
    } else if !id.is_empty() {
        format!("id:{id}")
    } else {
        return None;
    };
    let shown = match text("displayName") {
        "" => unique,
        name => name,
    };
    Some(Folded::person(&key, shown))
}

fn scaled(number: f64, factor: f64) -> Option<i64> {
    let value = (number * factor).round();
    (value.is_finite() && value.abs() < 9e15).then_some(value as i64)
}

/// Returns the calendar day of an instant: the local day in `zone`; without one, the day of twelve hours later in UTC,
/// because a day picked at UTC+2 is stored as 22:00 of the day before and one picked at UTC-8 as 08:00 (ADO-9).
pub(super) fn day(text: &str, zone: Option<Tz>) -> Option<NaiveDate> {
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    match zone {
        Some(zone) => Some(at.with_timezone(&zone).date_naive()),
        None => at
            .with_timezone(&Utc)
            .checked_add_signed(Duration::hours(12))
            .map(|at| at.date_naive()),
    }
}

/// Returns the instant that stands for a day: local midnight in `zone` (the first instant of the day where midnight is
/// skipped), otherwise midnight UTC.
pub(super) fn instant_of(day: NaiveDate, zone: Option<Tz>) -> String {
    let midnight = day.and_time(NaiveTime::MIN);
    let utc = zone
        .and_then(|zone| {
            (0..4).find_map(|hours| {
                zone.from_local_datetime(&(midnight + Duration::hours(hours)))
                    .earliest()
            })
        })
        .map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc));
    utc.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns (markers, other links to a counterpart).
fn links(wire: &WorkItem, hosts: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut markers, mut backlinks) = (BTreeSet::new(), BTreeSet::new());
    for relation in wire.relations.iter().flatten() {
        if relation.rel != "Hyperlink" {
            continue;
        }
        let comment = relation
            .attributes
            .as_ref()
            .and_then(|attributes| attributes.get("comment"))
            .and_then(Value::as_str)
            .unwrap_or("")
            .trim();
        if comment.starts_with(MARKER) {
            markers.insert(comment.to_owned());
        } else if points_to(&relation.url, hosts) {
            backlinks.insert(relation.url.clone());
        }
    }
    // Relations come back in no particular order, so the sets give them one.
    (
        markers.into_iter().collect(),
        backlinks.into_iter().collect(),
    )
}

fn points_to(address: &str, hosts: &[String]) -> bool {
    let Ok(url) = url::Url::parse(address) else {
        return false;
    };
    let Some(host) = url.host_str() else {
        return false;
    };
    if hosts.is_empty() {
        return host == "app.clickup.com";
    }
    let port = url.port().map(|port| format!("{host}:{port}"));
    hosts
        .iter()
        .any(|known| known.eq_ignore_ascii_case(host) || Some(known) == port.as_ref())
}

/// Returns the parent. The relation is what counts; `System.Parent` shows the same where relations were not read.
fn parent(wire: &WorkItem) -> Option<ItemId> {
    wire.relations
        .iter()
        .flatten()
        .find(|relation| relation.rel == fields::PARENT)
        .and_then(|relation| relation.url.rsplit('/').next())
        .filter(|id| id.parse::<i64>().is_ok())
        .map(ItemId::from)
        .or_else(|| {
            let id = wire.fields.get("System.Parent")?.as_i64()?;
            Some(ItemId(id.to_string()))
        })
}

/// Returns what a patch carries for a value; `None` removes the field. Long text is not written through here, because
/// it needs the current text.
pub(super) fn written(value: &FieldValue, zone: Option<Tz>) -> Option<Value> {
    match value {
        FieldValue::Empty => None,
        FieldValue::Text(text) => Some(json!(text)),
        FieldValue::Rich(text) => Some(json!(text)),
        FieldValue::Choice(name) => Some(json!(name.shown)),
        FieldValue::Number(thousandths) if thousandths % 1000 == 0 => {
            Some(json!(thousandths / 1000))
        }
        FieldValue::Number(thousandths) => Some(json!(*thousandths as f64 / 1000.0)),
        FieldValue::Duration(ms) => Some(json!(*ms as f64 / MS_PER_HOUR)),
        FieldValue::Day(day) => Some(json!(instant_of(*day, zone))),
        FieldValue::Moment(at) => Some(json!(at.to_rfc3339())),
        FieldValue::Tags(tags) => {
            let names: Vec<&str> = tags.iter().map(|tag| tag.shown.as_str()).collect();
            Some(json!(names.join("; ")))
        }
        // One person at most fits; the first by key, so that a repeat says the same.
        FieldValue::People(people) => people
            .first()
            .map(|person| json!(person.key.strip_prefix("id:").unwrap_or(&person.key))),
    }
}

/// Returns a title as it can be stored: on one line. Whether it fits is for [`super::limits`]; nothing is cut off.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
