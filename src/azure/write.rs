//! Creating, changing and deleting items. Every change is one patch with a revision test, plus one per further state.

use super::errors::{self, Asked};
use super::patch::{add, child_of, field_ops, hyperlink, missing_link, sent, test_rev};
use super::read::TypeInfo;
use super::wire::WorkItem;
use super::{Scope, Shared, api, convert, fields, limits, read, retype, states};
use crate::connector::answer::contradicted;
use crate::connector::client::Priority;
use crate::connector::{
    Change, ConnectorError, ErrorKind, NewItem, Written, refuse_masked, stranger,
};
use crate::field::FieldSpecs;
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, Side};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A type as a write needs it: what it can hold, and under which names.
struct Kind {
    info: Arc<TypeInfo>,
    specs: Arc<FieldSpecs>,
}

impl Kind {
    fn asked<'a>(&'a self, ops: &'a [Value]) -> Asked<'a> {
        Asked {
            specs: &self.specs,
            shown: &self.info.shown,
            ops,
        }
    }
}

impl Shared {
    async fn kind(&self, scope: &Scope, project: &str, name: &str) -> Result<Kind, ConnectorError> {
        let info = self.type_info(project, name).await?;
        let specs = info.specs(Some(scope), &self.customs);
        Ok(Kind { info, specs })
    }

    pub(super) async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        let operation = "create work item";
        refuse_masked(Side::Ado, operation, &new.fields)?;
        let scope = self.scope(&new.pair)?;
        let type_name = chosen(&new.fields, &FieldKey::Type).unwrap_or(&scope.default_type);
        let kind = self.kind(scope, &scope.project, type_name).await?;
        let wanted_state = chosen(&new.fields, &FieldKey::State);
        let mut ops = Vec::new();
        let area = scope.area_for_new.as_ref().or(scope.area.as_ref());
        if let Some(area) = area {
            ops.push(add(fields::AREA, json!(area.trim_start_matches('\\'))));
        }
        for (key, value) in &new.fields {
            match key {
                FieldKey::Type | FieldKey::State => {}
                _ => ops.extend(kind.specs.name(Side::Ado, key).and_then(|name| {
                    let sent = sent(kind.specs.form(key), value, None, self.zone)?;
                    Some(add(name, sent))
                })),
            }
        }
        let initial =
            wanted_state.filter(|state| states::is_initial(&kind.info.transitions, state));
        ops.extend(initial.map(|state| add(fields::STATE, json!(state))));
        limits::refuse_unfit(operation, &kind.specs, &new.fields, &ops).map_err(whole)?;
        ops.push(hyperlink(&new.source_url, &new.marker));
        ops.extend(
            new.parent
                .iter()
                .map(|parent| child_of(&self.base_url, parent)),
        );
        let began = self.api.http.server_now();
        let created = self
            .api
            .create(&scope.project, type_name, kind.asked(&ops))
            .await;
        let mut wire = created.map_err(whole)?;
        if !read::carries(&wire, &new.marker) {
            let shown = self.convert_created(&wire).await;
            stranger::refuse((Side::Ado, operation), new, &shown, began)?;
        }
        // From here on the item exists: nothing below may fail.
        let unmarked = self.unmarked(&wire, &new.marker).await;
        let mut pending = BTreeMap::new();
        let mut in_doubt = None;
        if let Some(state) = wanted_state {
            let walked = self.walk_states(wire, &kind, state, &mut pending).await;
            (wire, in_doubt) = walked;
        }
        let item = without_doubted(self.convert_created(&wire).await, in_doubt.as_ref());
        not_in_force(&new.fields, &item, &mut pending);
        Ok(Written {
            item,
            pending,
            unmarked,
            later: BTreeSet::new(),
        })
    }

    /// Looks whether a new item shows its marker, once more by id where the answer does not show it: a token without some
    /// scope is answered without relations (public client reports), and then no lost create could ever be found again.
    async fn unmarked(&self, created: &WorkItem, marker: &str) -> Option<String> {
        if read::carries(created, marker) {
            return None;
        }
        let again = [created.id];
        let seen = self
            .api
            .batch(&again, api::Select::Relations, Priority::Live)
            .await;
        let shown = seen.is_ok_and(|found| found.iter().any(|wire| read::carries(wire, marker)));
        (!shown).then(|| {
            format!(
                "work item {} does not show the hyperlink that it was created with, so a create whose answer is lost \
                 could not be found again; give the token the scope Work Items (Read & write)",
                created.id
            )
        })
    }

    /// Converts what a successful create answered. The type was read before, so this only ever uses memory; if it
    /// still failed, the item would be told without fields rather than not at all.
    async fn convert_created(&self, wire: &WorkItem) -> Item {
        match self.convert(wire).await {
            Ok(item) => item,
            Err(error) => {
                tracing::warn!(
                    id = wire.id,
                    "written item told without its fields: {error}"
                );
                let context = convert::Context {
                    specs: &FieldSpecs::NONE,
                    zone: self.zone,
                    hosts: &[],
                    base_url: &self.base_url,
                };
                convert::item(&context, wire)
            }
        }
    }

    /// Sets one state after the other until `wanted`; the first failure ends it and is reported as pending. The error comes
    /// back too where that step may be in force: then the work item of the step before does not tell the state.
    async fn walk_states(
        &self,
        mut wire: WorkItem,
        kind: &Kind,
        wanted: &str,
        pending: &mut BTreeMap<FieldKey, String>,
    ) -> (WorkItem, Option<ConnectorError>) {
        let current = wire.text(fields::STATE).unwrap_or("").to_owned();
        if same(&current, wanted) {
            return (wire, None);
        }
        for step in states::way(&kind.info.transitions, &current, wanted) {
            let ops = [test_rev(wire.rev), add(fields::STATE, json!(step))];
            match self.api.patch(wire.id, kind.asked(&ops)).await {
                Ok(answer) => wire = answer,
                Err(error) => {
                    // The next cycle finds the way anew.
                    self.is_outdated(&error).await;
                    pending.insert(FieldKey::State, error.to_string());
                    return (wire, Some(error).filter(ConnectorError::may_be_in_force));
                }
            }
        }
        (wire, None)
    }

    /// Returns the states between the present one and the one that a change wants.
    pub(super) async fn steps(&self, change: &Change) -> Result<Vec<FieldValue>, ConnectorError> {
        let (Some(FieldValue::Choice(wanted)), Some(FieldValue::Choice(from))) = (
            change.set.get(&FieldKey::State),
            change.current.fields.get(&FieldKey::State),
        ) else {
            return Ok(Vec::new());
        };
        let types = [&change.set, &change.current.fields];
        let named = types
            .into_iter()
            .find_map(|fields| match fields.get(&FieldKey::Type) {
                Some(FieldValue::Choice(name)) => Some(name.shown.clone()),
                _ => None,
            });
        let scope = self.scope(&change.pair)?;
        let place = change.current.container.split_once('|');
        let project = place.map_or(scope.project.as_str(), |(project, _)| project);
        let type_name = named.unwrap_or_else(|| scope.default_type.clone());
        let info = self.type_info(project, &type_name).await?;
        if same(&from.shown, &wanted.shown) {
            return Ok(Vec::new());
        }
        let mut way = states::way(&info.transitions, &from.shown, &wanted.shown);
        way.pop();
        Ok(way.iter().map(|name| FieldValue::choice(name)).collect())
    }

    /// Returns the states from that of a new item, which the process gives it, to the one before `wanted`.
    pub(super) async fn steps_of_create(
        &self,
        pair: &PairName,
        made: &Item,
        wanted: &FieldValue,
    ) -> Result<Vec<FieldValue>, ConnectorError> {
        let FieldValue::Choice(wanted) = wanted else {
            return Ok(Vec::new());
        };
        let scope = self.scope(pair)?;
        let place = made.container.split_once('|');
        let project = place.map_or(scope.project.as_str(), |(project, _)| project);
        let type_name = chosen(&made.fields, &FieldKey::Type).unwrap_or(&scope.default_type);
        let info = self.type_info(project, type_name).await?;
        let initial = info.transitions.get("").into_iter().flatten();
        let initial: Vec<&String> = initial.collect();
        // Where a new item may have several, nothing says which one it got.
        let [first] = initial.as_slice() else {
            return Ok(Vec::new());
        };
        if same(first, &wanted.shown) {
            return Ok(Vec::new());
        }
        let mut way = states::way(&info.transitions, first, &wanted.shown);
        way.pop();
        let way = std::iter::once(first.as_str()).chain(way.iter().map(String::as_str));
        Ok(way.map(FieldValue::choice).collect())
    }

    pub(super) async fn update(&self, change: &Change) -> Result<Written, ConnectorError> {
        let operation = "update work item";
        refuse_masked(Side::Ado, operation, &change.set)?;
        let scope = self.scope(&change.pair)?;
        let id = parse(&change.id, operation)?;
        let project = change
            .current
            .container
            .split_once('|')
            .map_or(scope.project.as_str(), |(project, _)| project);
        let now = chosen(&change.current.fields, &FieldKey::Type);
        let wanted = chosen(&change.set, &FieldKey::Type).or(now);
        let kind = self
            .kind(scope, project, wanted.unwrap_or(&scope.default_type))
            .await?;
        let carried = match (now, wanted) {
            (Some(now), Some(wanted)) if !same(now, wanted) => {
                let before = self.kind(scope, project, now).await?;
                self.carried(change, id, &before, &kind).await?
            }
            _ => None,
        };
        let change = carried.as_ref().unwrap_or(change);
        let current = &*change.current;
        let mut ops = field_ops(change, &kind.specs, self.zone);
        limits::refuse_unfit(operation, &kind.specs, &change.set, &ops)?;
        let mut last_state = None;
        if let Some(wanted) = chosen(&change.set, &FieldKey::State) {
            let from = chosen(&current.fields, &FieldKey::State).unwrap_or("");
            if !same(from, wanted) {
                let way = states::way(&kind.info.transitions, from, wanted);
                ops.extend(way.first().map(|first| add(fields::STATE, json!(first))));
                last_state = (way.len() > 1).then_some(wanted);
            }
        }
        let link = missing_link(current, change.backlink.as_ref());
        if ops.is_empty() && link.is_none() {
            return Ok(unchanged(current));
        }
        ops.insert(0, test_rev(change.expected.0));
        let plain = ops.clone();
        ops.extend(link);
        let mut wire = match self.api.patch(id, kind.asked(&ops)).await {
            // Somebody else put the same link there, so go on without.
            Err(error) if errors::is_linked_already(&error) && plain.len() > 1 => {
                self.api.patch(id, kind.asked(&plain)).await?
            }
            Err(error) if errors::is_linked_already(&error) => return Ok(unchanged(current)),
            other => other?,
        };
        let mut pending = BTreeMap::new();
        let mut in_doubt = None;
        if let Some(state) = last_state {
            let walked = self.walk_states(wire, &kind, state, &mut pending).await;
            (wire, in_doubt) = walked;
        }
        let item = without_doubted(self.convert_created(&wire).await, in_doubt.as_ref());
        not_in_force(&change.set, &item, &mut pending);
        Ok(Written {
            item,
            pending,
            unmarked: None,
            later: BTreeSet::new(),
        })
    }

    /// Takes along what a change of type would leave behind; `None`: nothing.
    async fn carried(
        &self,
        change: &Change,
        id: i64,
        before: &Kind,
        after: &Kind,
    ) -> Result<Option<Change>, ConnectorError> {
        let moved = retype::moved(&before.specs, &after.specs);
        if moved.is_empty() {
            return Ok(None);
        }
        // How the new type's field is written, and whether something is in it, only a look tells.
        let read = self
            .api
            .batch(&[id], api::Select::Relations, Priority::Live)
            .await?;
        let Some(wire) = read.into_iter().find(|wire| wire.id == id) else {
            return Ok(None);
        };
        let context = convert::Context {
            specs: &after.specs,
            zone: self.zone,
            hosts: &[],
            base_url: &self.base_url,
        };
        retype::carry(change, &moved, &convert::item(&context, &wire)).map(Some)
    }

    pub(super) async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        let scope = self.scope(pair)?;
        let id = parse(id, "delete work item")?;
        self.api.delete(&scope.project, id).await
    }

    pub(super) async fn restore(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        let scope = self.scope(pair)?;
        let id = parse(id, "restore work item")?;
        self.api.restore(&scope.project, id).await
    }
}

/// Adds what was asked for and what the answer shows otherwise: rules set other values, the sanitiser takes text away, lists
/// are united, and the status is a success all the same.
fn not_in_force(
    asked: &BTreeMap<FieldKey, FieldValue>,
    item: &Item,
    pending: &mut BTreeMap<FieldKey, String>,
) {
    for (key, reason) in contradicted(Side::Ado, asked, item) {
        pending.entry(key).or_insert(reason);
    }
}

/// What is known of an item whose last step to a state had no answer: everything but the state. Example: the step to
/// `Active` was answered, the one to `Closed` was not. Had `Active` been reported, it would become the base, and the `Active`
/// that somebody sets after our `Closed` would look like the one that we left.
fn without_doubted(mut item: Item, in_doubt: Option<&ConnectorError>) -> Item {
    if in_doubt.is_some() {
        item.fields.remove(&FieldKey::State);
    }
    item
}

/// A new item cannot do without a title: a refusal of it is one of the whole item.
fn whole(mut error: ConnectorError) -> ConnectorError {
    error.field = error.field.filter(|key| *key != FieldKey::Title);
    error
}

/// Returns the name that a choice holds.
fn chosen<'a>(values: &'a BTreeMap<FieldKey, FieldValue>, key: &FieldKey) -> Option<&'a str> {
    match values.get(key)? {
        FieldValue::Choice(name) => Some(name.shown.as_str()),
        _ => None,
    }
}

fn unchanged(current: &Item) -> Written {
    Written {
        item: current.clone(),
        pending: BTreeMap::new(),
        unmarked: None,
        later: BTreeSet::new(),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

pub(super) fn parse(id: &ItemId, operation: &str) -> Result<i64, ConnectorError> {
    read::number(id).ok_or_else(|| {
        ConnectorError::new(
            Side::Ado,
            ErrorKind::Refused,
            operation,
            format!("{id} is not a work item number"),
        )
    })
}
