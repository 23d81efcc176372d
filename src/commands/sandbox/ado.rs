//! What a person does in the fake Azure DevOps.

use super::super::Failure;
use super::{Changes, Shown, changes, failed, not_kept, number, said_no, unknown, usage};
use crate::cli::SandboxCommand;
use crate::config::Config;
use crate::connector::plain::{Plain, segment};
use crate::model::{Service, Side};
use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

const VERSION: &str = "api-version=7.1";
const PATCH: &str = "application/json-patch+json";

/// Where a Bug has its long text: its form shows no description (learn.microsoft.com, work-item-field and
/// guidance/agile-process-workflow).
const STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";

/// What is typed, and the field that it is.
const FIELDS: [(&str, &str); 9] = [
    ("title", "System.Title"),
    ("description", "System.Description"),
    ("type", "System.WorkItemType"),
    ("state", "System.State"),
    ("assignee", "System.AssignedTo"),
    ("priority", "Microsoft.VSTS.Common.Priority"),
    ("tags", "System.Tags"),
    ("points", "Microsoft.VSTS.Scheduling.StoryPoints"),
    ("severity", "Microsoft.VSTS.Common.Severity"),
];

/// Whether this is the name of a field, in lower case.
pub(super) fn knows(name: &str) -> bool {
    FIELDS.iter().any(|(own, _)| *own == name)
}

struct Person {
    client: Plain,
    project: String,
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
    let user = format!(":{}", token.expose_secret());
    let basic = base64::engine::general_purpose::STANDARD.encode(user);
    let authorization = SecretString::from(format!("Basic {basic}"));
    let person = Person {
        client: Plain::new(Service::Ado, &config.ado.url, authorization)?,
        project: segment(&pair.ado.project),
    };
    match command {
        SandboxCommand::Show { item: None, .. } => person.list().await,
        SandboxCommand::Show {
            item: Some(item), ..
        } => {
            let id = person.find(&item).await?;
            Ok(vec![person.show(id).await?])
        }
        SandboxCommand::Edit {
            item,
            changes: typed,
            ..
        } => {
            let id = person.find(&item).await?;
            let typed = changes(&typed)?;
            person.edit(id, typed.clone()).await?;
            person.show_kept(id, &typed).await
        }
        SandboxCommand::Create { changes: typed, .. } => {
            let typed = changes(&typed)?;
            let id = person.create(typed.clone()).await?;
            person.show_kept(id, &typed).await
        }
        SandboxCommand::Delete { item, .. } => {
            let id = person.find(&item).await?;
            let shown = person.show(id).await?;
            let path = format!("_apis/wit/workitems/{id}?{VERSION}");
            person
                .client
                .ask("DELETE", &path, None, "delete a work item")
                .await
                .map_err(said_no)?;
            Ok(vec![shown])
        }
    }
}

impl Person {
    /// The ids of all work items of the project.
    async fn ids(&self) -> Result<Vec<i64>, Failure> {
        let query = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project ORDER BY [System.Id]";
        let path = format!("{}/_apis/wit/wiql?{VERSION}", self.project);
        let body = ("application/json", json!({ "query": query }));
        let answer = self
            .client
            .ask("POST", &path, Some(body), "list work items")
            .await
            .map_err(said_no)?;
        let rows = answer.get("workItems").and_then(Value::as_array);
        let ids = rows.into_iter().flatten();
        Ok(ids
            .filter_map(|row| row.get("id").and_then(Value::as_i64))
            .collect())
    }

    async fn list(&self) -> Result<Vec<Shown>, Failure> {
        let mut shown = Vec::new();
        for id in self.ids().await? {
            let item = self.show(id).await?;
            shown.push(Shown {
                fields: Map::new(),
                ..item
            });
        }
        Ok(shown)
    }

    /// The number that was typed, or that of the work item whose title was.
    async fn find(&self, typed: &str) -> Result<i64, Failure> {
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        for id in self.ids().await? {
            if self.show(id).await?.title == typed {
                return Ok(id);
            }
        }
        Err(usage(format!(
            "no work item has the number or the title \"{typed}\""
        )))
    }

    async fn show(&self, id: i64) -> Result<Shown, Failure> {
        let path = format!("_apis/wit/workitems/{id}?{VERSION}");
        let answer = self
            .client
            .ask("GET", &path, None, "read a work item")
            .await
            .map_err(said_no)?;
        let held = |name: &str| {
            answer
                .get("fields")
                .and_then(|fields| fields.get(name))
                .cloned()
        };
        let kind = held("System.WorkItemType").unwrap_or_default();
        let who = |value: Value| match value.get("displayName") {
            Some(name) => name.clone(),
            None => value,
        };
        let mut fields = Map::new();
        let shown = FIELDS.into_iter().filter(|(name, _)| *name != "title");
        let last = [("changed by", "System.ChangedBy")];
        for (name, reference) in shown.chain(last) {
            if let Some(value) = held(field_of(reference, kind.as_str())) {
                fields.insert(name.to_owned(), who(value));
            }
        }
        let title = held("System.Title").unwrap_or_default();
        Ok(Shown {
            id: id.to_string(),
            title: title.as_str().unwrap_or_default().to_owned(),
            fields,
        })
    }

    /// Shows a work item that was edited, where it has all that was typed.
    async fn show_kept(&self, id: i64, typed: &Changes) -> Result<Vec<Shown>, Failure> {
        let shown = self.show(id).await?;
        match not_kept(Side::Ado, typed, &shown, |_| String::new()) {
            Some(failure) => Err(failure),
            None => Ok(vec![shown]),
        }
    }

    /// Refuses a field that the form of a type does not show: nobody can type there. The service takes it and hides it.
    async fn refuse_hidden(&self, changes: &Changes, kind: &str) -> Result<(), Failure> {
        let path = format!(
            "{}/_apis/wit/workitemtypes/{}?{VERSION}",
            self.project,
            segment(kind)
        );
        // What is wrong with the type is said by what is about to be written.
        let Ok(answer) = self.client.ask("GET", &path, None, "read a type").await else {
            return Ok(());
        };
        let own = |list: &str| {
            answer
                .get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let has = |reference: &str| {
            let mut all = own("fields").chain(own("fieldInstances"));
            all.any(|field| field.get("referenceName").and_then(Value::as_str) == Some(reference))
        };
        for (field, _) in changes {
            let known = FIELDS.iter().find(|(name, _)| name == field);
            let Some((_, reference)) = known else {
                continue;
            };
            if !reference.starts_with("System.") && !has(reference) {
                return Err(usage(format!(
                    "a {kind} has no {field}, so its form does not show one"
                )));
            }
        }
        Ok(())
    }

    async fn edit(&self, id: i64, changes: Changes) -> Result<(), Failure> {
        let shown = self.show(id).await?.fields;
        // A changed type decides where the text goes, as it does in the form.
        let typed = changes.iter().find(|(field, _)| field == "type");
        let kind = match typed {
            Some((_, kind)) => kind.clone(),
            None => {
                let kind = shown.get("type").and_then(Value::as_str);
                kind.unwrap_or_default().to_owned()
            }
        };
        let path = format!("_apis/wit/workitems/{id}?{VERSION}");
        self.refuse_hidden(&changes, &kind).await?;
        let body = (PATCH, patch(changes, &kind, shown.contains_key("tags"))?);
        self.client
            .ask("PATCH", &path, Some(body), "edit a work item")
            .await
            .map_err(said_no)?;
        Ok(())
    }

    async fn create(&self, mut changes: Changes) -> Result<i64, Failure> {
        let typed = changes.iter().position(|(field, _)| field == "type");
        let kind = match typed {
            Some(at) => changes.remove(at).1,
            None => "User Story".to_owned(),
        };
        self.refuse_hidden(&changes, &kind).await?;
        let name = segment(&kind);
        let path = format!("{}/_apis/wit/workitems/${name}?{VERSION}", self.project);
        let body = (PATCH, patch(changes, &kind, false)?);
        let answer = self
            .client
            .ask("POST", &path, Some(body), "create a work item")
            .await
            .map_err(said_no)?;
        let id = answer.get("id").and_then(Value::as_i64);
        id.ok_or_else(|| failed("the new work item has no number"))
    }
}

/// The field of an item of this type that a field of the table is.
fn field_of<'a>(reference: &'a str, kind: Option<&str>) -> &'a str {
    match (reference, kind) {
        ("System.Description", Some("Bug")) => STEPS,
        (reference, _) => reference,
    }
}

/// `tagged`: the item has tags. An `add` would leave them there beside those that were typed, so that none could be taken
/// off.
fn patch(changes: Changes, kind: &str, tagged: bool) -> Result<Value, Failure> {
    let operation = |(field, value): (String, String)| {
        let known = FIELDS.iter().find(|(name, _)| *name == field);
        let (_, reference) = known.ok_or_else(|| unknown(&field, &FIELDS.map(|(name, _)| name)))?;
        let reference = field_of(reference, Some(kind));
        let value = number(&field, &value)?.unwrap_or_else(|| json!(value));
        let op = match tagged && field == "tags" {
            true => "replace",
            false => "add",
        };
        Ok(json!({ "op": op, "path": format!("/fields/{reference}"), "value": value }))
    };
    changes.into_iter().map(operation).collect()
}
