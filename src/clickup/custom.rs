//! Custom fields of tasks: how each kind of value is read and written. Pure.
//!
//! What is written differs from what is read, type by type (developer.clickup.com/docs/customfields, and the reference of Set
//! Custom Field Value): an option goes by its id and comes back as its place in the list, numbers and dates come back as text.

use super::body;
use super::convert::{self, Lookups};
use super::wire::{CustomField, FieldOption, Slot, Task, User, thousandths_exact, whole};
use crate::connector::customs::CustomFields;
use crate::field::negotiate::Agreed;
use crate::field::{Form, YES};
use crate::markup;
use crate::model::{FieldKey, FieldValue, Folded, RichText, TextFormat, Timestamp};
use chrono_tz::Tz;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a task shows of its custom fields.
#[derive(Debug, Default, PartialEq)]
pub struct Shown {
    /// Values that can be read.
    pub values: BTreeMap<FieldKey, FieldValue>,
    /// Long texts as they came.
    pub raw: BTreeMap<FieldKey, RichText>,
    /// Fields with something in them that cannot.
    pub unread: BTreeSet<FieldKey>,
}

/// Reads the custom fields of a task. Where it was asked for by its id (`alone`), a field without a value is empty. In a
/// listing that says nothing (client reports), and neither does the answer to a write. A field that a task does not show at all
/// is none of its type. Long text of which the answer does not say that it is Markdown counts only in a task that was asked for.
pub fn read(task: &Task, fields: &CustomFields, lookups: &Lookups) -> Shown {
    let alone = lookups.alone;
    let mut shown = Shown::default();
    let rows = match &task.custom_fields {
        Slot::Is(rows) => rows,
        Slot::Absent | Slot::Odd | Slot::Null => {
            if alone {
                shown.unread.extend(fields.keys().cloned());
            }
            return shown;
        }
    };
    for (key, agreed) in fields {
        let is_it = |row: &&CustomField| {
            row.id
                .get()
                .is_some_and(|id| id.0 == agreed.native.clickup.id)
        };
        let Some(row) = rows.iter().find(is_it) else {
            continue;
        };
        let kind = row.kind.get().map(String::as_str);
        if agreed.rule.form == Form::LongText
            && let Some(text) = long_text(row)
        {
            if alone || text.is_markdown {
                let raw = RichText::new(TextFormat::Markdown, text.raw);
                shown.raw.insert(key.clone(), raw);
                shown
                    .values
                    .insert(key.clone(), FieldValue::rich(text.canonical));
            }
            continue;
        }
        let value = match (&row.value, kind) {
            // It was made anew as something else since the schema was read.
            (_, Some(kind)) if kind != agreed.native.clickup.kind => None,
            // The option that was chosen is gone.
            (Slot::Null, _) if agreed.rule.form == Form::Name => None,
            (Slot::Absent | Slot::Null, _) if alone => Some(FieldValue::Empty),
            (Slot::Absent | Slot::Null, _) => continue,
            (Slot::Odd, _) => None,
            (Slot::Is(value), _) => one(value, row, agreed, lookups),
        };
        match value {
            Some(value) => {
                shown.values.insert(key.clone(), value);
            }
            None => {
                shown.unread.insert(key.clone());
            }
        }
    }
    shown
}

/// A long text, as it came and in canonical form.
struct LongText<'a> {
    raw: &'a str,
    canonical: String,
    /// Whether the answer says that it is Markdown. Where it does not, the same text asked for by its id may come with formatting,
    /// and to take a listing at its word would take that formatting away on the other side.
    is_markdown: bool,
}

/// Reads a long text. It comes as text of which nothing says whether it is Markdown, in some answers beside its Markdown (ClickUp's
/// reference of Get Task shows both). That counts as long as it has all the words of the other: the text may have been set since.
fn long_text(row: &CustomField) -> Option<LongText<'_>> {
    let markdown = row
        .value_markdown
        .get()
        .filter(|text| !text.trim().is_empty());
    let text = match &row.value {
        Slot::Is(Value::String(text)) => Some(text),
        Slot::Absent | Slot::Null => None,
        Slot::Is(_) | Slot::Odd => return None,
    };
    if let Some(markdown) = markdown
        && text.is_none_or(|text| markup::has_words_of(markdown, text))
    {
        return Some(LongText {
            raw: markdown,
            canonical: markup::canonical(TextFormat::Markdown, markdown),
            is_markdown: true,
        });
    }
    let raw = text?;
    Some(LongText {
        raw,
        canonical: markup::canonical_of_either(raw),
        is_markdown: false,
    })
}

/// Whether a task shows one of these fields as something else than the schema did: of another type, or with other options.
pub fn differs(task: &Task, fields: &CustomFields) -> bool {
    let rows = task.custom_fields.get();
    let mut rows = rows.into_iter().flatten();
    rows.any(|row| {
        let Some(id) = row.id.get() else {
            return false;
        };
        let natives = || fields.values().map(|agreed| &agreed.native.clickup);
        let folded = row.name.get().map(|name| Folded::new(&name.0));
        // Named by its id, it may well have a namesake.
        let by_name = fields.iter().filter(|(key, _)| key.custom_id().is_none());
        let mut by_name = by_name.map(|(_, agreed)| &agreed.native.clickup);
        if by_name.any(|native| native.id != id.0 && Some(Folded::new(&native.name)) == folded) {
            return true;
        }
        let mut of_row = natives().filter(|native| native.id == id.0);
        of_row.any(|native| {
            let kind = row.kind.get().is_some_and(|kind| *kind != native.kind);
            let options = row
                .type_config
                .get()
                .and_then(|config| config.options.get());
            let mut options = options.into_iter().flatten();
            kind || options.any(|option| {
                let (Some(id), Some(name)) = (option.id.get(), option.called()) else {
                    return false;
                };
                native.option(&id.0) != Some(name)
            })
        })
    })
}

fn one(value: &Value, row: &CustomField, agreed: &Agreed, lookups: &Lookups) -> Option<FieldValue> {
    match agreed.rule.form {
        Form::Plain => match value {
            Value::String(text) => Some(FieldValue::plain(text)),
            Value::Number(number) => Some(FieldValue::plain(&number.to_string())),
            // A place.
            value => Some(FieldValue::plain(value.get("formatted_address")?.as_str()?)),
        },
        Form::Decimal => {
            // Progress stands in an object.
            let inner = ["current", "percent_completed"];
            let inner = inner.iter().find_map(|name| value.get(*name));
            let parts = thousandths_exact(inner.unwrap_or(value))?;
            let scale = agreed.rule.scale;
            (parts % scale == 0).then_some(FieldValue::Number(parts / scale))
        }
        Form::YesNo => match value {
            Value::Bool(yes) => Some(yes_or_no(*yes)),
            Value::String(text) if text == "true" => Some(yes_or_no(true)),
            Value::String(text) if text == "false" => Some(yes_or_no(false)),
            _ => None,
        },
        Form::Moment => whole(value).map(|ms| FieldValue::moment(Timestamp(ms))),
        Form::Day => convert::day(whole(value)?, lookups.zone?).map(FieldValue::Day),
        Form::Name => option(value, row, agreed).map(FieldValue::Choice),
        Form::People => {
            let people = users(value)?.into_iter();
            let people = people.map(|user| Some(convert::person(&user, &lookups.people)?.1));
            Some(FieldValue::from_people(people.collect::<Option<_>>()?))
        }
        Form::Names => {
            let ids = value.as_array()?.iter();
            let labels = ids.map(|id| option(id, row, agreed));
            Some(FieldValue::from_tags(labels.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// The users that a value of the type [`USERS`] consists of; `None`: it has another shape.
fn users(value: &Value) -> Option<Vec<User>> {
    let users = value.as_array()?.iter();
    users.map(|user| User::deserialize(user).ok()).collect()
}

/// The type whose values are users.
const USERS: &str = "users";

/// Everybody whom the custom fields of a task name.
pub fn people(task: &Task) -> Vec<User> {
    let rows = task.custom_fields.get().into_iter().flatten();
    let rows = rows.filter(|row| row.kind.get().is_some_and(|kind| kind == USERS));
    let named = rows.filter_map(|row| users(row.value.get()?));
    named.flatten().collect()
}

fn yes_or_no(yes: bool) -> FieldValue {
    match yes {
        true => FieldValue::choice(YES),
        false => FieldValue::Empty,
    }
}

/// The option that is shown by its id or by its place. The task's own list of options goes first: that is as old as the value, so
/// that nobody's reordering in between makes another one of it.
fn option(value: &Value, row: &CustomField, agreed: &Agreed) -> Option<Folded> {
    let own = row
        .type_config
        .get()
        .and_then(|config| config.options.get());
    let choice = |option: &FieldOption| {
        let (id, name) = (option.id.get()?, option.called()?);
        Some(Folded::person(&id.0, name))
    };
    let known = &agreed.native.clickup;
    if let Value::String(id) = value {
        let mut own = own.into_iter().flatten();
        let found = own.find(|option| option.id.get().is_some_and(|own| own.0 == *id));
        if let Some(found) = found.and_then(choice).or_else(|| known.choice(id)) {
            return Some(found);
        }
    }
    let place = whole(value)?;
    match own {
        Some(options) => {
            let mut options = options.iter();
            choice(options.find(|option| option.orderindex.get().is_some_and(|at| at.0 == place))?)
        }
        None => {
            let (id, _) = known.options.get(usize::try_from(place).ok()?)?;
            known.choice(id)
        }
    }
}

/// What goes with a value in the request that sets it, where something does: a date keeps its time only where that is said.
pub fn options_of(agreed: &Agreed) -> Option<Value> {
    match agreed.rule.form {
        Form::Day => Some(json!({"time": false})),
        Form::Moment => Some(json!({"time": true})),
        _ => None,
    }
}

/// The type whose value is an object.
const PROGRESS: &str = "manual_progress";

/// What writing a value needs besides it.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// Time zone in which days are told.
    pub zone: Option<Tz>,
    /// What the task has; `None`: it is a new one.
    pub before: Option<FieldValue>,
    /// The same as it came, of a long text: what is not edited of it is sent as it is.
    pub raw: Option<RichText>,
    /// User ids by the keys of the people that either of the two names.
    pub ids: BTreeMap<String, i64>,
}

/// What a value becomes: what is set, or `None` to clear.
///
/// # Errors
/// Why ClickUp cannot hold it.
pub fn written(
    agreed: &Agreed,
    value: &FieldValue,
    means: &Means,
) -> Result<Option<Value>, String> {
    let zone = means.zone;
    Ok(Some(match (agreed.rule.form, value) {
        // People are added and taken out one by one, so whoever was added meanwhile stays.
        (Form::People, FieldValue::People(_) | FieldValue::Empty) => {
            let before = means.before.as_ref().map(FieldValue::members);
            let (add, rem) = body::delta(&before.unwrap_or_default(), &value.members());
            let ids = |people: &BTreeSet<Folded>| {
                let ids = people.iter().map(|person| {
                    let id = means.ids.get(&person.key);
                    id.ok_or_else(|| format!("{} is not a member of the workspace", person.shown))
                });
                ids.collect::<Result<Vec<_>, _>>()
            };
            json!({"add": ids(&add)?, "rem": ids(&rem)?})
        }
        // There is no third state (client code), and a no that was never set reads the same.
        (Form::YesNo, value) => json!(!value.is_empty()),
        (_, FieldValue::Empty) => return Ok(None),
        (Form::Plain, FieldValue::Text(text)) => json!(text),
        (Form::LongText, FieldValue::Rich(text)) => {
            let raw = means.raw.as_ref().map(RichText::text).unwrap_or_default();
            json!(markup::put(TextFormat::Markdown, &raw, text))
        }
        (Form::Decimal, FieldValue::Number(number)) => {
            let parts = number.checked_mul(agreed.rule.scale);
            let sent = super::codec::decimal(parts.ok_or("the amount is out of range")?);
            match agreed.native.clickup.kind == PROGRESS {
                true => json!({"current": sent}),
                false => sent,
            }
        }
        (Form::Moment, FieldValue::Moment(at)) => json!(at.0),
        (Form::Day, FieldValue::Day(day)) => {
            json!(convert::noon_ms(*day, zone).ok_or("the day is out of range")?)
        }
        (Form::Name, FieldValue::Choice(option)) => {
            match agreed.native.clickup.option(&option.key) {
                Some(_) => json!(option.key),
                None => return Err(format!("the field has no option {:?}", option.shown)),
            }
        }
        (Form::Names, FieldValue::Tags(labels)) => {
            let known = &agreed.native.clickup;
            if let Some(odd) = labels
                .iter()
                .find(|label| known.option(&label.key).is_none())
            {
                return Err(format!("the field has no label {:?}", odd.shown));
            }
            json!(labels.iter().map(|label| &label.key).collect::<Vec<_>>())
        }
        _ => return Err("the value is of the wrong kind for this field".to_owned()),
    }))
}

#[cfg(test)]
#[path = "custom/tests.rs"]
mod tests;
