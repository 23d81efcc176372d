//! Tasks to canonical items. Pure: what must be looked up first comes in as [`Lookups`].
//!
//! A field that the answer did not carry, or that cannot be told without a look-up that failed, stays absent.

use super::codec;
use super::custom;
use super::wire::{Num, Slot, Task, User};
use crate::connector::customs::CustomFields;
use crate::field::Form;
use crate::markup;
use crate::model::{
    FieldKey, Folded, Item, ItemId, RawTexts, RichText, TextFormat, Timestamp, Version,
};
use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Start of every origin marker.
pub const MARKER_PREFIX: &str = "sx1:";

/// What reading a task needs besides the task.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// Time zone of the token's user, in which days are told. `None`: days stay absent.
    pub zone: Option<Tz>,
    /// Person keys by user id, for answers without e-mail addresses.
    pub people: BTreeMap<i64, Folded>,
    /// Names of task types by id, besides the built-in ones.
    pub types: BTreeMap<i64, String>,
    /// Start of the addresses that count as back-links; empty accepts every footer.
    pub backlink_prefixes: Vec<String>,
    /// The custom fields of every pair, with the lists that it watches.
    pub customs: Vec<(Vec<String>, Arc<CustomFields>)>,
    /// Whether the tasks were asked for one by one, by their ids.
    pub alone: bool,
}

impl Lookups {
    /// The same for the answer to a question about one task.
    pub fn of_one(self) -> Lookups {
        Lookups {
            alone: true,
            ..self
        }
    }

    /// Everybody whom a task names, those in custom fields only where one of the pairs' holds people.
    pub fn people_of<'a>(&self, task: &'a Task) -> impl Iterator<Item = Cow<'a, User>> {
        let fields = self.customs.iter().flat_map(|(_, fields)| fields.values());
        let customs = match fields.into_iter().any(|one| one.rule.form == Form::People) {
            true => custom::people(task),
            false => Vec::new(),
        };
        let assignees = task.assignees.get().into_iter().flatten();
        let customs = customs.into_iter().map(Cow::Owned);
        assignees.map(Cow::Borrowed).chain(customs)
    }

    /// Whether one of the custom fields holds days, which need the time zone.
    fn has_custom_days(&self) -> bool {
        let fields = self.customs.iter().flat_map(|(_, fields)| fields.values());
        fields.into_iter().any(|field| field.rule.form == Form::Day)
    }
}

/// Task types that every workspace has (developer.clickup.com reference, `custom_item_id`).
pub const BUILT_IN_TYPES: [(i64, &str); 2] = [(0, "Task"), (1, "Milestone")];

/// Converts a task. `None` when it lacks its id, its home list or its change time.
pub fn item(task: &Task, lookups: &Lookups) -> Option<Item> {
    let id = task_id(task)?;
    let version = version(task)?;
    let container = home_list(task)?.to_owned();
    let mut fields = BTreeMap::new();
    let mut unread = BTreeSet::new();
    let mut raw = RawTexts::with_capacity(1);
    for (key, codec) in &*codec::READ {
        match (codec.read)(task, lookups) {
            Some(value) => {
                fields.insert(key.clone(), value);
            }
            None if (codec.is_odd)(task, lookups) => {
                unread.insert(key.clone());
            }
            None => {}
        }
    }
    for (lists, customs) in &lookups.customs {
        if lists.contains(&container) {
            let shown = custom::read(task, customs, lookups);
            fields.extend(shown.values);
            raw.extend(shown.raw);
            unread.extend(shown.unread);
        }
    }
    let (mut markers, mut backlinks) = (Vec::new(), Vec::new());
    if let Some(text) = description(task) {
        raw.insert(
            FieldKey::Description,
            RichText::new(TextFormat::Markdown, text),
        );
        match footer_of(text, &lookups.backlink_prefixes) {
            Some(Footer::Marker(marker)) => markers.push(marker),
            Some(Footer::Backlink(url)) => backlinks.push(url),
            None => {}
        }
    }
    Some(Item {
        version,
        url: task
            .url
            .get()
            .cloned()
            .unwrap_or_else(|| format!("https://app.clickup.com/t/{id}")),
        unread,
        fields,
        raw,
        markers,
        backlinks,
        parent: task
            .parent
            .get()
            .filter(|parent| !parent.0.is_empty())
            .map(|parent| ItemId(parent.0.clone())),
        archived: task.archived.get().copied().unwrap_or(false),
        container,
        created_at: task
            .date_created
            .get()
            .map_or(Timestamp(0), |ms| Timestamp(ms.0)),
        changed_at: Timestamp(version.0),
        id,
    })
}

/// Returns the task's id, if it has one.
pub fn task_id(task: &Task) -> Option<ItemId> {
    task.id
        .get()
        .filter(|id| !id.0.is_empty())
        .map(|id| ItemId(id.0.clone()))
}

/// Returns the task's version, if the answer says it.
pub fn version(task: &Task) -> Option<Version> {
    task.date_updated.get().map(|ms| Version(ms.0))
}

/// Returns the id of the home list, if the answer says it.
pub fn home_list(task: &Task) -> Option<&str> {
    task.list.get()?.id.get().map(|id| id.0.as_str())
}

/// Returns the raw Markdown. A null counts as empty only if the plain rendering confirms it.
pub(super) fn description(task: &Task) -> Option<&str> {
    match &task.markdown_description {
        Slot::Is(text) => Some(text),
        Slot::Null => match &task.description {
            Slot::Null => Some(""),
            Slot::Is(plain) if plain.trim().is_empty() => Some(""),
            Slot::Is(_) | Slot::Odd | Slot::Absent => None,
        },
        Slot::Odd | Slot::Absent => None,
    }
}

/// Whether a task shows, in whatever form, that it has no description.
pub fn shows_no_text(task: &Task) -> bool {
    match &task.description {
        Slot::Null => true,
        Slot::Is(plain) => plain.trim().is_empty(),
        Slot::Odd | Slot::Absent => false,
    }
}

/// Whether a task carries a marker; `None`: its description was not shown.
pub fn carries(task: &Task, marker: &str) -> Option<bool> {
    let footer = footer_of(description(task)?, &[]);
    Some(matches!(footer, Some(Footer::Marker(found)) if found == marker))
}

/// Returns the name of a task type.
pub fn type_name(id: i64, types: &BTreeMap<i64, String>) -> Option<&str> {
    BUILT_IN_TYPES
        .iter()
        .find(|(built_in, _)| *built_in == id)
        .map(|(_, name)| *name)
        .or_else(|| types.get(&id).map(String::as_str))
}

/// Returns the id of a task type by its folded name.
pub fn type_id(name: &Folded, types: &BTreeMap<i64, String>) -> Option<i64> {
    let same = |candidate: &str| Folded::new(candidate) == *name;
    BUILT_IN_TYPES
        .iter()
        .find(|(_, candidate)| same(candidate))
        .map(|(id, _)| *id)
        .or_else(|| {
            types
                .iter()
                .find(|(_, candidate)| same(candidate))
                .map(|(id, _)| *id)
        })
}

/// Returns whether the task has a type that [`BUILT_IN_TYPES`] does not name.
pub fn needs_types(task: &Task) -> bool {
    matches!(task.custom_item_id, Slot::Is(Num(id)) if !BUILT_IN_TYPES.iter().any(|(known, _)| *known == id))
}

/// Returns whether the task has a type that is none of these.
pub fn shows_new_type(task: &Task, types: &BTreeMap<i64, String>) -> bool {
    matches!(task.custom_item_id, Slot::Is(Num(id)) if type_name(id, types).is_none())
}

/// Returns whether somebody comes without an e-mail address and is none of these.
pub fn shows_new_person(task: &Task, lookups: &Lookups, people: &BTreeMap<i64, Folded>) -> bool {
    let users = lookups.people_of(task);
    let mut unnamed = users.filter(|user| mail(user).is_none());
    unnamed.any(|user| user.id.get().is_some_and(|id| !people.contains_key(&id.0)))
}

/// Returns whether the task has a day, which needs the time zone.
pub fn needs_zone(task: &Task, lookups: &Lookups) -> bool {
    let custom = || lookups.has_custom_days() && task.custom_fields.get().is_some();
    task.due_date.get().is_some() || task.start_date.get().is_some() || custom()
}

/// Returns whether somebody comes without an e-mail address, which needs the directory.
pub fn needs_people(task: &Task, lookups: &Lookups) -> bool {
    lookups.people_of(task).any(|user| mail(&user).is_none())
}

fn mail(user: &User) -> Option<&str> {
    user.email
        .get()
        .map(|mail| mail.trim())
        .filter(|mail| !mail.is_empty())
}

/// Returns a user's id and person. `None` without an id: such an entry cannot be written back.
pub fn person(user: &User, people: &BTreeMap<i64, Folded>) -> Option<(i64, Folded)> {
    let id = user.id.get()?.0;
    let shown = |fallback: &str| match user.username.get() {
        Some(name) if !name.0.trim().is_empty() => name.0.clone(),
        _ => fallback.to_owned(),
    };
    let person = match mail(user) {
        Some(mail) => Folded::person(mail, &shown(mail)),
        None => match people.get(&id) {
            Some(known) => known.clone(),
            None => {
                let key = format!("id:{id}");
                Folded::person(&key, &shown(&key))
            }
        },
    };
    Some((id, person))
}

/// Returns the calendar day of an instant in a time zone. ClickUp stores a day without a time as 04:00 of the zone of
/// whoever set it (developer.clickup.com/docs/general-time), so only the day is ever compared.
pub fn day(ms: i64, zone: Tz) -> Option<NaiveDate> {
    let at = zone.timestamp_millis_opt(ms).single()?;
    // At either end of the calendar the local time may lie outside of it.
    at.naive_utc()
        .checked_add_offset(at.offset().fix())
        .map(|local| local.date())
}

/// Returns the instant to write for a day: noon UTC, which is the same day in every zone from UTC-12 to UTC+11
/// (mmcc007/clickup-yaml-sync sends it with `due_date_time:false`), and noon of `zone` where that is not so.
pub fn noon_ms(wanted: NaiveDate, zone: Option<Tz>) -> Option<i64> {
    let noon = wanted.and_hms_opt(12, 0, 0)?;
    let utc = noon.and_utc().timestamp_millis();
    match zone {
        Some(zone) if day(utc, zone) != Some(wanted) => Some(
            zone.from_local_datetime(&noon)
                .earliest()?
                .timestamp_millis(),
        ),
        Some(_) | None => Some(utc),
    }
}

/// What our footer line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footer {
    /// An origin marker, as raw text.
    Marker(String),
    /// The address of a counterpart, without a marker.
    Backlink(String),
}

/// Reads the footer of a raw description. A footer that points elsewhere than to one of `prefixes` is a person's text.
pub fn footer_of(raw: &str, prefixes: &[String]) -> Option<Footer> {
    let (_, url) = markup::footer(raw)?;
    if let Some(marker) = marker_of(&url) {
        return Some(Footer::Marker(marker));
    }
    let folded = url.to_lowercase();
    let ours = prefixes.is_empty()
        || prefixes
            .iter()
            .any(|prefix| folded.starts_with(&prefix.to_lowercase()));
    ours.then_some(Footer::Backlink(url))
}

fn marker_of(url: &str) -> Option<String> {
    let (_, fragment) = url.split_once('#')?;
    let decoded = percent_encoding::percent_decode_str(fragment)
        .decode_utf8()
        .ok()?;
    decoded
        .starts_with(MARKER_PREFIX)
        .then(|| decoded.into_owned())
}

/// Everything that is not plain in a URL fragment inside a Markdown link target.
const FRAGMENT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Returns the footer's address: the counterpart's with the marker as its fragment. An empty marker adds nothing.
pub fn footer_url(url: &str, marker: &str) -> String {
    if marker.is_empty() {
        return url.to_owned();
    }
    let base = url.split_once('#').map_or(url, |(base, _)| base);
    let fragment = percent_encoding::utf8_percent_encode(marker, FRAGMENT);
    format!("{base}#{fragment}")
}

#[cfg(test)]
#[path = "convert/tests.rs"]
mod tests;
