//! ClickUp's JSON bodies, as they come. Nothing here decides anything.
//!
//! Ids, times and numbers flip between string and number from one endpoint to the next, and any field may be
//! missing (developer.clickup.com reference v2; triptechtravel/clickup-cli `patch-v2-spec.jq`). So every field is a
//! [`Slot`]: missing, null and unreadable stay apart from a value, and one odd field never spoils a page.

use crate::connector::client::tolerant::{rows, rows_in_place};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A field of an answer. What is absent or odd is no information, never "cleared".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot<T> {
    /// Not in the answer.
    #[default]
    Absent,
    /// Present, and not to be read as `T`.
    Odd,
    /// Present and `null`.
    Null,
    /// Present.
    Is(T),
}

impl<T> Slot<T> {
    /// Returns the value, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Slot::Is(value) => Some(value),
            Slot::Absent | Slot::Odd | Slot::Null => None,
        }
    }

    /// Returns whether there is something that is neither readable nor known to be empty.
    pub fn is_odd(&self) -> bool {
        matches!(self, Slot::Odd)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Slot<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Slot::Null,
            value => serde_json::from_value(value).map_or(Slot::Odd, Slot::Is),
        })
    }
}

/// A whole number, sent as number or as decimal text. Ids of AI agents are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Num(pub i64);

/// A number in thousandths, sent as number or as decimal text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milli(pub i64);

/// Text, sent as text or as number (ids).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

/// A priority: `1` (urgent) to `4` (low), sent as object, number or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub i64);

pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn thousandths(value: &Value) -> Option<i64> {
    let float = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let scaled = (float * 1000.0).round();
    (scaled.abs() < 9.0e15).then_some(scaled as i64)
}

/// A number in thousandths, or `None` where that would round it.
pub fn thousandths_exact(value: &Value) -> Option<i64> {
    let float = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    crate::connector::customs::thousandths(float)
}

fn level(value: &Value) -> Option<i64> {
    let by_name = |text: &str| match text.to_lowercase().as_str() {
        "urgent" => Some(1),
        "high" => Some(2),
        "normal" => Some(3),
        "low" => Some(4),
        _ => None,
    };
    let number = match value {
        Value::Object(map) => ["id", "orderindex"]
            .iter()
            .find_map(|key| map.get(*key).and_then(whole))
            .or_else(|| map.get("priority")?.as_str().and_then(by_name)),
        Value::String(text) => whole(value).or_else(|| by_name(text)),
        other => whole(other),
    }?;
    (1..=4).contains(&number).then_some(number)
}

macro_rules! flexible {
    ($name:ident, $parse:expr, $what:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                $parse(&value)
                    .map($name)
                    .ok_or_else(|| serde::de::Error::custom($what))
            }
        }
    };
}
flexible!(Num, whole, "not a whole number");
flexible!(Milli, thousandths, "not a number");
flexible!(Level, level, "not a priority");
flexible!(
    Text,
    |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    },
    "neither text nor number"
);

/// A task, from a listing, a read or a write's answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Plain task id.
    pub id: Slot<Text>,
    /// Title.
    pub name: Slot<Text>,
    /// The description as Markdown; only when asked for.
    pub markdown_description: Slot<String>,
    /// The description as plain text; only used to tell an empty one.
    pub description: Slot<String>,
    /// Status object.
    pub status: Slot<TaskStatus>,
    /// Unix ms.
    pub date_created: Slot<Num>,
    /// Unix ms; our version.
    pub date_updated: Slot<Num>,
    /// Whether it is archived.
    pub archived: Slot<bool>,
    /// Assigned people.
    pub assignees: Slot<Vec<User>>,
    /// Tags.
    pub tags: Slot<Vec<Tag>>,
    /// Immediate parent's id.
    pub parent: Slot<Text>,
    /// Priority object.
    pub priority: Slot<Level>,
    /// Unix ms.
    pub due_date: Slot<Num>,
    /// Unix ms.
    pub start_date: Slot<Num>,
    /// Milliseconds.
    pub time_estimate: Slot<Num>,
    /// Story points.
    pub points: Slot<Milli>,
    /// Task type; null and 0 are the plain task.
    pub custom_item_id: Slot<Num>,
    /// Address for people.
    pub url: Slot<String>,
    /// Home list.
    pub list: Slot<Named>,
    /// The custom fields of the task's place and type, set or not.
    pub custom_fields: Slot<Vec<CustomField>>,
}

/// A custom field in a task, or of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CustomField {
    /// UUID.
    pub id: Slot<Text>,
    /// Name.
    pub name: Slot<Text>,
    /// The type, as `drop_down`.
    #[serde(rename = "type")]
    pub kind: Slot<String>,
    /// What belongs to the type.
    pub type_config: Slot<TypeConfig>,
    /// The value, in a task; missing where none is set.
    pub value: Slot<Value>,
    /// The same as Markdown, of a long text, in some answers.
    pub value_markdown: Slot<String>,
}

/// What belongs to the type of a custom field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TypeConfig {
    /// The options of a list.
    pub options: Slot<Vec<FieldOption>>,
    /// How many stars a rating has.
    pub count: Slot<Num>,
    /// Where progress begins.
    pub start: Slot<Num>,
    /// Where it ends.
    pub end: Slot<Num>,
}

/// An option of a custom field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FieldOption {
    /// UUID.
    pub id: Slot<Text>,
    /// Name; one of a drop-down has it.
    pub name: Slot<Text>,
    /// The same of a label.
    pub label: Slot<Text>,
    /// Place in the list.
    pub orderindex: Slot<Num>,
}

impl FieldOption {
    /// Returns what people see.
    pub fn called(&self) -> Option<&str> {
        let name = self.name.get().or_else(|| self.label.get());
        name.map(|name| name.0.as_str())
    }
}

/// `GET /list/{id}/field`.
#[derive(Clone, Debug, Deserialize)]
pub struct FieldsAnswer {
    /// The custom fields that tasks of the list have.
    #[serde(deserialize_with = "rows")]
    pub fields: Vec<CustomField>,
}

/// The status of a task or of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskStatus {
    /// Name.
    pub status: Slot<Text>,
    /// `open`, `unstarted`, `custom`, `done`, `closed`.
    #[serde(rename = "type")]
    pub kind: Slot<String>,
    /// Board order.
    pub orderindex: Slot<Num>,
}

/// A person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// Id; may be negative.
    pub id: Slot<Num>,
    /// Display name.
    pub username: Slot<Text>,
    /// E-mail address.
    pub email: Slot<String>,
    /// IANA time zone; only in `GET /user`.
    pub timezone: Slot<String>,
    /// Role in the workspace; only in `GET /team`.
    pub role: Slot<Num>,
}

/// A tag.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// Name.
    pub name: Slot<Text>,
}

/// Something with an id and perhaps a name (list, space, task type).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Id.
    pub id: Slot<Text>,
    /// Name.
    pub name: Slot<Text>,
}

/// One page of tasks. `tasks` is the only part that must be there.
#[derive(Clone, Debug, Deserialize)]
pub struct Page {
    /// Up to [`super::walk::PAGE_SIZE`] tasks. A row that is no task is one without an id: the number of rows tells
    /// whether more pages follow.
    #[serde(deserialize_with = "rows_in_place")]
    pub tasks: Vec<Task>,
    /// Whether this is the end; some endpoints leave it out.
    #[serde(default)]
    pub last_page: Slot<bool>,
}

/// `GET /user`.
#[derive(Clone, Debug, Deserialize)]
pub struct UserAnswer {
    /// The token's user.
    pub user: User,
}

/// `GET /team`.
#[derive(Clone, Debug, Deserialize)]
pub struct TeamsAnswer {
    /// Workspaces that the token may see.
    #[serde(deserialize_with = "rows")]
    pub teams: Vec<Team>,
}

/// A workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Team {
    /// Id.
    pub id: Slot<Text>,
    /// Members.
    #[serde(deserialize_with = "rows")]
    pub members: Vec<Member>,
}

/// A member of a workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Member {
    /// Who.
    pub user: User,
}

/// `GET /team/{id}/custom_item`.
#[derive(Clone, Debug, Deserialize)]
pub struct CustomItemsAnswer {
    /// Task types besides the built-in ones.
    #[serde(deserialize_with = "rows")]
    pub custom_items: Vec<Named>,
}

/// `GET /list/{id}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct List {
    /// Id.
    pub id: Slot<Text>,
    /// Name.
    pub name: Slot<Text>,
    /// Effective statuses.
    #[serde(deserialize_with = "rows")]
    pub statuses: Vec<TaskStatus>,
    /// The space it is in.
    pub space: Slot<Named>,
    /// Whether it is archived.
    pub archived: Slot<bool>,
    /// Whether it is in the trash.
    pub deleted: Slot<bool>,
    /// What the token's user may do there.
    pub permission_level: Slot<String>,
}

/// A failure's body (v2 names first, v3 names second).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// Text.
    pub err: Slot<String>,
    /// Code.
    #[serde(rename = "ECODE")]
    pub code: Slot<String>,
    /// Text in v3.
    pub message: Slot<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(value: Value) -> Task {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn numbers_are_read_from_text_and_from_numbers() {
        let text = task(
            json!({"id": "a1", "date_updated": "1700000000001", "time_estimate": "60000", "points": "3.5"}),
        );
        let number = task(
            json!({"id": 17, "date_updated": 1_700_000_000_001_i64, "time_estimate": 60000, "points": 3.5}),
        );
        assert_eq!(text.date_updated, number.date_updated);
        assert_eq!(text.time_estimate, Slot::Is(Num(60_000)));
        assert_eq!(text.points, number.points);
        assert_eq!(number.points, Slot::Is(Milli(3500)));
        assert_eq!(number.id, Slot::Is(Text("17".into())));
    }

    #[test]
    fn missing_null_and_unreadable_stay_apart_from_values() {
        let read = task(json!({"id": "a", "due_date": null, "start_date": {"odd": 1}}));
        assert_eq!(read.due_date, Slot::Null);
        assert_eq!(read.start_date, Slot::Odd);
        assert_eq!(read.points, Slot::Absent);
    }

    #[test]
    fn priority_is_read_in_every_shape() {
        for shape in [
            json!({"id": "2", "priority": "high"}),
            json!({"orderindex": "2"}),
            json!({"priority": "high"}),
            json!(2),
            json!("2"),
            json!("High"),
        ] {
            assert_eq!(
                task(json!({"priority": shape})).priority,
                Slot::Is(Level(2))
            );
        }
        assert_eq!(task(json!({"priority": 9})).priority, Slot::Odd);
    }

    #[test]
    fn negative_user_ids_are_kept() {
        let user: User = serde_json::from_value(json!({"id": -12})).unwrap();
        assert_eq!(user.id, Slot::Is(Num(-12)));
    }

    #[test]
    fn a_page_without_tasks_is_not_a_page() {
        assert!(serde_json::from_value::<Page>(json!({"last_page": true})).is_err());
        assert!(serde_json::from_value::<Page>(json!({"tasks": []})).is_ok());
    }
}
