//! How each member of a task is read and written: one row for each, found by the name that the table of fields gives. Pure.
//!
//! People, tags and the description are read here and written by `write`: people and tags as differences, the description
//! together with its footer.

use super::body::Names;
use super::convert::{self, Lookups};
use super::wire::{Num, Slot, Task};
use crate::field::{FieldSpecs, WantedFields};
use crate::markup;
use crate::model::{FieldKey, FieldValue, Folded, Side, TextFormat};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What a value becomes in the body of a request: members with their values.
type Members = Vec<(&'static str, Value)>;

/// How one member of a task is read and written.
pub struct Codec {
    /// The member.
    name: &'static str,
    /// Returns the value; `None`: the answer does not tell.
    pub read: fn(&Task, &Lookups) -> Option<FieldValue>,
    /// Whether the member is there in a form that can't be read, so that nobody knows its value. Asked where there is no
    /// value only. A list of people or tags with one such entry is one: without the entry it would look as if somebody took
    /// it out.
    pub is_odd: fn(&Task, &Lookups) -> bool,
    /// Returns the members to send, or why ClickUp can't hold the value.
    pub write: fn(&FieldValue, &Names) -> Result<Members, String>,
}

static CODECS: [Codec; 11] = [
    Codec {
        name: "name",
        read: |task, _| task.name.get().map(|name| FieldValue::text(&name.0)),
        is_odd: |task, _| task.name.is_odd() || task.name == Slot::Null,
        write: |value, _| match value {
            FieldValue::Text(title) => Ok(vec![("name", json!(title))]),
            FieldValue::Empty => Err("a task needs a title".to_owned()),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "custom_item_id",
        read: type_value,
        is_odd: |task, _| task.custom_item_id.is_odd(),
        write: |value, names| match (value, names.type_id) {
            (FieldValue::Choice(_), Some(id)) => Ok(vec![("custom_item_id", json!(id))]),
            (FieldValue::Choice(name), None) => {
                Err(format!("the workspace has no task type {:?}", name.shown))
            }
            (FieldValue::Empty, _) => Err("a task needs a type".to_owned()),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "status",
        read: |task, _| {
            let status = task.status.get()?.status.get()?;
            Some(FieldValue::choice(&status.0))
        },
        is_odd: |task, _| match &task.status {
            Slot::Is(status) => !matches!(status.status, Slot::Is(_) | Slot::Absent),
            other => !matches!(other, Slot::Absent),
        },
        write: |value, names| match value {
            FieldValue::Choice(status) => {
                let name = names.status.as_ref().unwrap_or(&status.shown);
                Ok(vec![("status", json!(name))])
            }
            FieldValue::Empty => Err("a task needs a status".to_owned()),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "assignees",
        read: assignees_value,
        is_odd: |task, _| !matches!(task.assignees, Slot::Absent),
        write: |_, _| wrong_kind(),
    },
    Codec {
        name: "priority",
        read: |task, _| slot(&task.priority, |level| FieldValue::Number(level.0 * 1000)),
        is_odd: |task, _| task.priority.is_odd(),
        write: |value, _| match value {
            FieldValue::Number(number @ (1000 | 2000 | 3000 | 4000)) => {
                Ok(vec![("priority", json!(number / 1000))])
            }
            FieldValue::Number(_) => Err("ClickUp knows the priorities 1 to 4 only".to_owned()),
            FieldValue::Empty => Ok(vec![("priority", Value::Null)]),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "tags",
        read: tags_value,
        is_odd: |task, _| !matches!(task.tags, Slot::Absent),
        write: |_, _| wrong_kind(),
    },
    Codec {
        name: "start_date",
        read: |task, lookups| day_value(&task.start_date, lookups),
        is_odd: |task, lookups| is_no_day(&task.start_date, lookups),
        write: |value, names| written_day(["start_date", "start_date_time"], value, names),
    },
    Codec {
        name: "due_date",
        read: |task, lookups| day_value(&task.due_date, lookups),
        is_odd: |task, lookups| is_no_day(&task.due_date, lookups),
        write: |value, names| written_day(["due_date", "due_date_time"], value, names),
    },
    Codec {
        name: "time_estimate",
        // Cleared by writing 0, so 0 reads as empty.
        read: |task, _| {
            slot(&task.time_estimate, |ms| match ms.0 {
                0 => FieldValue::Empty,
                ms => FieldValue::Duration(ms),
            })
        },
        is_odd: |task, _| task.time_estimate.is_odd(),
        write: |value, _| match value {
            FieldValue::Duration(ms) => Ok(vec![("time_estimate", json!(ms))]),
            // What null does is not known; 0 clears (client code) and reads back as empty.
            FieldValue::Empty => Ok(vec![("time_estimate", json!(0))]),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "points",
        read: |task, _| slot(&task.points, |points| FieldValue::Number(points.0)),
        is_odd: |task, _| task.points.is_odd(),
        write: |value, _| match value {
            FieldValue::Number(number) => Ok(vec![("points", decimal(*number))]),
            FieldValue::Empty => Ok(vec![("points", Value::Null)]),
            _ => wrong_kind(),
        },
    },
    Codec {
        name: "markdown_description",
        read: |task, _| {
            let text = convert::description(task)?;
            Some(FieldValue::rich(markup::canonical(
                TextFormat::Markdown,
                text,
            )))
        },
        is_odd: |task, _| task.markdown_description.is_odd(),
        write: |_, _| wrong_kind(),
    },
];

/// The fields that every task may show, in the order of the table. What a member is called depends neither on the pair nor
/// on the type of the task.
pub static READ: LazyLock<Vec<(FieldKey, &'static Codec)>> = LazyLock::new(|| {
    let specs = FieldSpecs::resolve(&WantedFields::new(), &BTreeSet::<String>::new());
    let found = specs.on(Side::ClickUp);
    let found = found.filter_map(|(spec, name)| Some((spec.key.clone(), named(name)?)));
    found.collect()
});

/// Returns how a field is read and written; `None`: no task has it as a member of its own.
pub fn of(key: &FieldKey) -> Option<&'static Codec> {
    let found = READ.iter().find(|(own, _)| own == key);
    found.map(|(_, codec)| *codec)
}

fn named(member: &str) -> Option<&'static Codec> {
    CODECS.iter().find(|codec| codec.name == member)
}

fn wrong_kind() -> Result<Members, String> {
    Err("the value is of the wrong kind for this field".to_owned())
}

fn slot<T>(slot: &Slot<T>, read: impl FnOnce(&T) -> FieldValue) -> Option<FieldValue> {
    match slot {
        Slot::Absent | Slot::Odd => None,
        Slot::Null => Some(FieldValue::Empty),
        Slot::Is(value) => Some(read(value)),
    }
}

fn type_value(task: &Task, lookups: &Lookups) -> Option<FieldValue> {
    let id = match &task.custom_item_id {
        Slot::Absent | Slot::Odd => return None,
        Slot::Null => 0,
        Slot::Is(id) => id.0,
    };
    convert::type_name(id, &lookups.types).map(FieldValue::choice)
}

fn tags_value(task: &Task, _lookups: &Lookups) -> Option<FieldValue> {
    let names: Option<Vec<&str>> = task
        .tags
        .get()?
        .iter()
        .map(|tag| tag.name.get().map(|name| name.0.as_str()))
        .collect();
    names.map(FieldValue::tags)
}

fn assignees_value(task: &Task, lookups: &Lookups) -> Option<FieldValue> {
    let people: Option<BTreeSet<Folded>> = task
        .assignees
        .get()?
        .iter()
        .map(|user| convert::person(user, &lookups.people).map(|(_, person)| person))
        .collect();
    people.map(FieldValue::from_people)
}

fn day_value(ms: &Slot<Num>, lookups: &Lookups) -> Option<FieldValue> {
    match ms {
        Slot::Absent | Slot::Odd => None,
        Slot::Null => Some(FieldValue::Empty),
        Slot::Is(ms) => convert::day(ms.0, lookups.zone?).map(FieldValue::Day),
    }
}

/// Whether there is something that is no day of the calendar.
fn is_no_day(ms: &Slot<Num>, lookups: &Lookups) -> bool {
    let outside = |zone| {
        ms.get()
            .is_some_and(|ms| convert::day(ms.0, zone).is_none())
    };
    ms.is_odd() || lookups.zone.is_some_and(outside)
}

fn written_day(
    [name, with_time]: [&'static str; 2],
    value: &FieldValue,
    names: &Names,
) -> Result<Members, String> {
    match value {
        FieldValue::Day(day) => match convert::noon_ms(*day, names.zone) {
            Some(ms) => Ok(vec![(name, json!(ms)), (with_time, json!(false))]),
            None => Err("the day is out of range".to_owned()),
        },
        FieldValue::Empty => Ok(vec![(name, Value::Null)]),
        _ => wrong_kind(),
    }
}

pub fn decimal(thousandths: i64) -> Value {
    if thousandths % 1000 == 0 {
        json!(thousandths / 1000)
    } else {
        json!(thousandths as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_fields_that_names_a_member_of_a_task_finds_it() {
        let named = |key: &FieldKey| !key.row().clickup.name.is_empty();
        for key in FieldKey::BUILT_IN.into_iter().filter(named) {
            assert!(of(&key).is_some(), "{key}");
        }
        assert!(of(&FieldKey::Custom("Team".to_owned())).is_none());
    }
}
