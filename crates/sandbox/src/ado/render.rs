//! Work items as JSON.

use super::fields::Kind;
use super::state::{Fields, State, WorkItem, ordered};
use super::{custom_rules, links};
use boardsync_core::model::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How much of an item is shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Only these fields (reference or friendly names); empty: all.
    pub fields: Vec<String>,
    /// `$expand`, lower case: empty, `none`, `relations`, `fields`, `links`, `all`.
    pub expand: String,
    /// The answer to a write.
    pub written: bool,
}

impl View {
    fn relations(&self) -> bool {
        self.written || matches!(self.expand.as_str(), "relations" | "all")
    }
}

/// An instant in the server's form: UTC, `Z`, milliseconds with trailing zeros cut.
pub fn date(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    // The fraction is always there, so cutting stops at its point and never reaches the seconds.
    let cut = text
        .trim_end_matches('Z')
        .trim_end_matches('0')
        .trim_end_matches('.');
    format!("{cut}Z")
}

/// Field values with identities as objects.
pub fn fields(state: &State, values: &Fields, base: &str) -> Map<String, Value> {
    let show = |(key, value): (&String, &Value)| {
        let identity = state
            .catalogue
            .iter()
            .any(|f| f.reference == *key && f.kind == Kind::Identity);
        let person = value
            .as_str()
            .filter(|_| identity)
            .and_then(|id| state.person(id));
        let shown = person.map_or_else(|| value.clone(), |p| p.reference(base));
        (key.clone(), shown)
    };
    values.iter().map(show).collect()
}

/// The fields that `$expand=all` and the feeds add.
pub fn computed(item: &WorkItem) -> BTreeMap<String, Value> {
    let area = item.text("System.AreaPath");
    let iteration = item.text("System.IterationPath");
    let leaf = area.rsplit('\\').next().unwrap_or(area);
    let top = |path: &str| path.split('\\').next().unwrap_or(path).to_owned();
    BTreeMap::from([
        ("System.Id".to_owned(), item.id.into()),
        ("System.Rev".to_owned(), item.rev.into()),
        ("System.Watermark".to_owned(), item.watermark.into()),
        ("System.AreaId".to_owned(), (100 + item.project).into()),
        ("System.IterationId".to_owned(), (200 + item.project).into()),
        ("System.NodeName".to_owned(), leaf.into()),
        ("System.AreaLevel1".to_owned(), top(area).into()),
        ("System.IterationLevel1".to_owned(), top(iteration).into()),
        (
            "System.AuthorizedDate".to_owned(),
            item.text("System.ChangedDate").into(),
        ),
        (
            "System.AuthorizedAs".to_owned(),
            item.text("System.ChangedBy").into(),
        ),
        (
            "System.RevisedDate".to_owned(),
            "9999-01-01T00:00:00Z".into(),
        ),
        ("System.PersonId".to_owned(), 100_000_001.into()),
    ])
}

/// Whether a field holds long text, HTML or Markdown.
pub fn is_long_text(state: &State, name: &str) -> bool {
    let mut all = state.catalogue.iter();
    all.any(|f| f.reference == name && f.kind == Kind::Html)
}

/// The format of each long text among picked fields, `html` where nobody set one. Published live report, 2026.
fn picked_formats(state: &State, item: &WorkItem, values: &Fields) -> Value {
    let long = values.keys().filter(|name| is_long_text(state, name));
    let format = |name: &String| item.formats.get(name).map_or("html", String::as_str);
    let rows = long.map(|name| (name.clone(), Value::from(format(name))));
    Value::Object(rows.collect())
}

/// One item.
pub fn item(state: &State, item: &WorkItem, base: &str, view: &View) -> Value {
    let project_id = state.project_id(item.project);
    let url = format!("{base}/{project_id}/_apis/wit/workItems/{}", item.id);
    let mut values = if state.quirks.shows_fields_of_former_type {
        item.fields.clone()
    } else {
        custom_rules::shown_by_type(state, item)
    };
    if view.expand == "all" || view.expand == "fields" || !view.fields.is_empty() {
        values.extend(computed(item));
    }
    if let Some(parent) = item
        .parent()
        .filter(|_| view.relations() || !view.fields.is_empty())
    {
        values.insert("System.Parent".to_owned(), parent.into());
    }
    if !view.fields.is_empty() {
        let wanted: Vec<&str> = view
            .fields
            .iter()
            .filter_map(|name| super::fields::find(&state.catalogue, name))
            .map(|f| f.reference.as_str())
            .collect();
        values.retain(|key, _| wanted.contains(&key.as_str()));
    }
    let formats = if view.fields.is_empty() {
        json!(item.formats)
    } else if state.quirks.formats_of_picked_fields {
        picked_formats(state, item, &values)
    } else {
        json!({})
    };
    let mut shown = Map::new();
    shown.insert("id".to_owned(), item.id.into());
    shown.insert("rev".to_owned(), item.rev.into());
    shown.insert(
        "fields".to_owned(),
        Value::Object(fields(state, &values, base)),
    );
    shown.insert("multilineFieldsFormat".to_owned(), formats);
    let sees = state.quirks.sees_relations;
    if view.relations() && sees && !item.relations.is_empty() {
        let rows = ordered(&item.relations);
        let rows: Vec<Value> = rows
            .iter()
            .map(|r| links::render(r, base, project_id))
            .collect();
        shown.insert("relations".to_owned(), Value::Array(rows));
    }
    if let Some((comment, version)) = item.revisions.last().and_then(|r| r.comment) {
        let reference = json!({
            "commentId": comment,
            "version": version,
            "url": format!("{url}/comments/{comment}/versions/{version}"),
        });
        shown.insert("commentVersionRef".to_owned(), reference);
    }
    if matches!(view.expand.as_str(), "all" | "links") {
        let kind = item.text("System.WorkItemType");
        let site = format!("{base}/{project_id}");
        shown.insert(
            "_links".to_owned(),
            json!({
                "self": {"href": url},
                "workItemUpdates": {"href": format!("{url}/updates")},
                "workItemRevisions": {"href": format!("{url}/revisions")},
                "workItemComments": {"href": format!("{url}/comments")},
                "html": {"href": format!("{site}/_workitems/edit/{}", item.id)},
                "workItemType": {"href": format!("{site}/_apis/wit/workItemTypes/{kind}")},
                "fields": {"href": format!("{site}/_apis/wit/fields")},
            }),
        );
    }
    shown.insert("url".to_owned(), url.into());
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_trailing_zeros_cut() {
        let shown = |ms| date(Timestamp(ms));
        assert_eq!(shown(1_774_982_186_230), "2026-03-31T18:36:26.23Z");
        assert_eq!(shown(1_774_982_186_000), "2026-03-31T18:36:26Z");
        assert_eq!(shown(1_774_982_180_000), "2026-03-31T18:36:20Z");
        assert_eq!(shown(1_774_982_186_397), "2026-03-31T18:36:26.397Z");
    }
}
