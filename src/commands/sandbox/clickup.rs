//! What a person does in the fake ClickUp.

use super::super::Failure;
use super::{Changes, Shown, changes, custom, failed, not_kept, number, said_no, unknown, usage};
use crate::cli::SandboxCommand;
use crate::config::Config;
use crate::connector::plain::Plain;
use crate::model::{Service, Side};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";

/// What is typed, and the member of a task that it is.
const FIELDS: [(&str, &str); 5] = [
    ("title", "name"),
    ("description", "markdown_content"),
    ("status", "status"),
    ("priority", "priority"),
    ("points", "points"),
];

/// Whether this is the name of a field, in lower case.
pub(super) fn knows(name: &str) -> bool {
    FIELDS.iter().any(|(own, _)| *own == name)
}

struct Person {
    client: Plain,
    list: String,
}

pub(super) async fn act(
    config: &Config,
    token: &SecretString,
    command: SandboxCommand,
) -> Result<Vec<Shown>, Failure> {
    let pair = config
        .pairs
        .first()
        .ok_or_else(|| usage("there is no pair"))?;
    let person = Person {
        client: Plain::new(Service::ClickUp, &config.clickup.url, token.clone())?,
        list: pair.clickup.list.clone(),
    };
    match command {
        SandboxCommand::Show { item: None, .. } => person.list().await,
        SandboxCommand::Show {
            item: Some(item), ..
        } => {
            let id = person.find(&item).await?;
            Ok(vec![person.show(&id).await?])
        }
        SandboxCommand::Edit {
            item,
            changes: typed,
            ..
        } => {
            let id = person.find(&item).await?;
            let typed = changes(&typed)?;
            let (customs, own, known) = person.split(typed.clone()).await?;
            if !own.is_empty() {
                let (path, body) = (format!("api/v2/task/{id}"), body(own)?);
                person
                    .client
                    .ask("PUT", &path, Some((JSON, body)), "edit a task")
                    .await
                    .map_err(said_no)?;
            }
            person.set(&id, customs).await?;
            person.show_kept(&id, &typed, &known).await
        }
        SandboxCommand::Create { changes: typed, .. } => {
            let path = format!("api/v2/list/{}/task", person.list);
            let typed = changes(&typed)?;
            let (customs, own, known) = person.split(typed.clone()).await?;
            let body = body(own)?;
            let made = person
                .client
                .ask("POST", &path, Some((JSON, body)), "create a task")
                .await
                .map_err(said_no)?;
            let id = made.get("id").and_then(Value::as_str);
            let id = id.ok_or_else(|| failed("the new task has no id"))?;
            person.set(id, customs).await?;
            person.show_kept(id, &typed, &known).await
        }
        SandboxCommand::Delete { item, .. } => {
            let id = person.find(&item).await?;
            let shown = person.show(&id).await?;
            let path = format!("api/v2/task/{id}");
            person
                .client
                .ask("DELETE", &path, None, "delete a task")
                .await
                .map_err(said_no)?;
            Ok(vec![shown])
        }
    }
}

impl Person {
    async fn list(&self) -> Result<Vec<Shown>, Failure> {
        let path = format!(
            "api/v2/list/{}/task?include_closed=true&subtasks=true",
            self.list
        );
        let answer = self
            .client
            .ask("GET", &path, None, "list tasks")
            .await
            .map_err(said_no)?;
        let tasks = answer.get("tasks").and_then(Value::as_array);
        let bare = |task: &Value| Shown {
            fields: Map::new(),
            ..shown(task)
        };
        Ok(tasks.into_iter().flatten().map(bare).collect())
    }

    /// Shows a task that was edited, where it has all that was typed. `known`: the custom fields of the list.
    async fn show_kept(
        &self,
        id: &str,
        typed: &Changes,
        known: &[Value],
    ) -> Result<Vec<Shown>, Failure> {
        let shown = self.show(id).await?;
        let why = |field: &str| custom::why_not_kept(known, field);
        match not_kept(Side::ClickUp, typed, &shown, why) {
            Some(failure) => Err(failure),
            None => Ok(vec![shown]),
        }
    }

    /// Takes the custom fields out of what was typed. Returns them, the rest, and the custom fields of the list.
    async fn split(
        &self,
        changes: Changes,
    ) -> Result<(Vec<custom::Set>, Changes, Vec<Value>), Failure> {
        let (customs, own): (Changes, Changes) =
            (changes.into_iter()).partition(|(field, _)| custom::name(field).is_some());
        if customs.is_empty() {
            return Ok((Vec::new(), own, Vec::new()));
        }
        let path = format!("api/v2/list/{}/field", self.list);
        let answer = self
            .client
            .ask("GET", &path, None, "read the custom fields of a list")
            .await
            .map_err(said_no)?;
        let known = answer.get("fields").and_then(Value::as_array);
        let known = known.map_or(&[][..], Vec::as_slice);
        let sets = customs.iter().filter_map(|(field, value)| {
            let name = custom::name(field)?;
            Some(custom::set(known, name, value))
        });
        Ok((sets.collect::<Result<_, _>>()?, own, known.to_vec()))
    }

    /// ClickUp takes each custom field in a request of its own.
    async fn set(&self, id: &str, customs: Vec<custom::Set>) -> Result<(), Failure> {
        for (field, value) in customs {
            let path = format!("api/v2/task/{id}/field/{field}");
            let (method, body) = match value {
                Some(value) => ("POST", Some((JSON, json!({ "value": value })))),
                None => ("DELETE", None),
            };
            self.client
                .ask(method, &path, body, "set a custom field")
                .await
                .map_err(said_no)?;
        }
        Ok(())
    }

    /// The id that was typed, or that of the task whose title was.
    async fn find(&self, typed: &str) -> Result<String, Failure> {
        let all = self.list().await?;
        let found = all
            .iter()
            .find(|task| task.id == typed || task.title == typed);
        found.map(|task| task.id.clone()).ok_or_else(|| {
            usage(format!(
                "no task of the list has the id or the title \"{typed}\""
            ))
        })
    }

    async fn show(&self, id: &str) -> Result<Shown, Failure> {
        let path = format!("api/v2/task/{id}?include_markdown_description=true");
        let task = self
            .client
            .ask("GET", &path, None, "read a task")
            .await
            .map_err(said_no)?;
        Ok(shown(&task))
    }
}

fn shown(task: &Value) -> Shown {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let inner = |name: &str, member: &str| task.get(name).and_then(|value| value.get(member));
    let names = |list: &str, member: &str| {
        let held = task.get(list).and_then(Value::as_array);
        let names: Vec<String> = held
            .into_iter()
            .flatten()
            .map(|one| text(one.get(member)))
            .collect();
        Value::from(names.join(", "))
    };
    let fields = [
        ("description", task.get("markdown_description").cloned()),
        ("status", inner("status", "status").cloned()),
        ("assignees", Some(names("assignees", "username"))),
        ("priority", inner("priority", "priority").cloned()),
        ("tags", Some(names("tags", "name"))),
        ("points", task.get("points").cloned()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_null() && value != "")?;
        Some((name.to_owned(), value))
    });
    let mut fields: Map<String, Value> = fields.collect();
    custom::show(task, &mut fields);
    Shown {
        id: text(task.get("id")),
        title: text(task.get("name")),
        fields,
    }
}

fn body(changes: Changes) -> Result<Value, Failure> {
    let mut body = Map::new();
    for (field, value) in changes {
        let known = FIELDS.iter().find(|(name, _)| *name == field);
        let (_, member) = known.ok_or_else(|| {
            let mut names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
            let custom = custom::key("NAME");
            names.push(&custom);
            unknown(&field, &names)
        })?;
        let is_number = matches!(field.as_str(), "priority" | "points");
        let value = match is_number && value.trim().is_empty() {
            // As a person does who takes it away.
            true => Value::Null,
            false => number(&field, &value)?.unwrap_or_else(|| json!(value)),
        };
        body.insert((*member).to_owned(), value);
    }
    Ok(Value::Object(body))
}
