//! Reading items by id, and what a type can hold.

use super::api::{BATCH, Select};
use super::wire::{ConnectionData, WireType, WorkItem};
use super::{Scope, Shared, convert, fields, states::Transitions, wiql};
use crate::connector::client::Priority;
use crate::connector::customs::Customs;
use crate::connector::vocabulary::Key;
use crate::connector::{ConnectorError, ErrorKind, Fetched, Traces};
use crate::field::{AdoType, FieldSpecs};
use crate::model::{
    Author, FieldKey, FieldValue, Folded, Item, ItemId, PairName, Past, Service, Side, Timestamp,
    Version,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What a type can hold. Held until the next full listing, and kept for other processes ([`crate::connector::vocabulary`]).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TypeInfo {
    /// Reference names. Empty: could not be read.
    pub(super) fields: BTreeSet<String>,
    /// Reference name per name that people see, in lower case.
    pub(super) shown: BTreeMap<String, String>,
    /// Allowed transitions. Empty: could not be read.
    pub(super) transitions: Transitions,
    /// What the pairs that met the type make of it; under `None` those items that belong to no pair. It goes with the
    /// rest: a type that is read anew has its fields resolved anew.
    #[serde(skip)]
    specs: Mutex<Resolved>,
}

/// Fields by pair, and by the agreement on custom fields that they were put together from.
type Resolved = BTreeMap<(Option<PairName>, u64), Arc<FieldSpecs>>;

impl AdoType for TypeInfo {
    fn spelling(&self, name: &str) -> Option<String> {
        self.fields.spelling(name)
    }

    /// Only the states are known: they are what the transitions start from, and a new item starts from the empty name.
    fn options(&self, key: &FieldKey) -> BTreeSet<Folded> {
        let states = self.transitions.keys().filter(|state| !state.is_empty());
        match key.row().ado.names.contains(&fields::STATE) {
            true => states.map(|state| Folded::new(state)).collect(),
            false => BTreeSet::new(),
        }
    }
}

/// What the name of a kept type begins with.
pub(super) const KEPT_TYPE: &str = "type ";

/// Types by (project, name).
#[derive(Default)]
pub(super) struct TypeCache(Mutex<BTreeMap<(String, String), Arc<TypeInfo>>>);

impl TypeCache {
    pub(super) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl TypeInfo {
    /// Whether an item of the type shows a state or a field that the type is not known to have.
    fn is_contradicted(&self, wire: &WorkItem, scope: Option<&Scope>, customs: &Customs) -> bool {
        let specs = self.specs(scope, customs);
        let odd_state = specs.on(Side::Ado).any(|(spec, name)| {
            let shown = wire.text(name).map(Folded::new);
            let known = |shown| spec.options.is_empty() || spec.options.contains(&shown);
            !shown.is_none_or(known)
        });
        let mut asked = scope.into_iter().flat_map(|scope| scope.fields.values());
        odd_state
            || !self.fields.is_empty()
                && asked.any(|wanted| {
                    let mut names = wanted.ado.iter();
                    names.any(|name| {
                        let mut shown = wire.fields.keys();
                        self.spelling(name).is_none()
                            && shown.any(|shown| shown.eq_ignore_ascii_case(name))
                    })
                })
    }

    /// Returns the fields of a pair on this type.
    pub(super) fn specs(&self, scope: Option<&Scope>, customs: &Customs) -> Arc<FieldSpecs> {
        let mut specs = self.specs.lock().unwrap_or_else(PoisonError::into_inner);
        // What custom fields are may be agreed on anew.
        let generation = customs.generation();
        specs.retain(|(_, of), _| *of == generation);
        let known = specs.entry((scope.map(|scope| scope.pair.clone()), generation));
        known
            .or_insert_with(|| Arc::new(resolve(scope, customs, self)))
            .clone()
    }

    pub(super) fn from_wire(wire: &WireType) -> TypeInfo {
        let fields = || wire.fields.iter().chain(&wire.field_instances).flatten();
        let shown = fields().filter_map(|field| {
            let name = field.name.as_ref()?.to_lowercase();
            Some((name, field.reference_name.clone()))
        });
        TypeInfo {
            fields: fields().map(|field| field.reference_name.clone()).collect(),
            shown: shown.collect(),
            transitions: wire
                .transitions
                .iter()
                .flatten()
                .map(|(from, to)| {
                    let to = to.iter().flatten().map(|step| step.to.clone()).collect();
                    (from.clone(), to)
                })
                .collect(),
            specs: Mutex::default(),
        }
    }
}

/// Puts together what a pair wants and what a type has; of an item that belongs to no pair, the built-in fields.
fn resolve(scope: Option<&Scope>, customs: &Customs, of: &dyn AdoType) -> FieldSpecs {
    let wanted = scope.map(|scope| customs.wanted(&scope.pair, &scope.fields));
    FieldSpecs::resolve(&wanted.unwrap_or_default(), of)
}

impl Shared {
    /// Returns a type, from memory where it was read before. A type that does not exist (any more) is unknown, not an
    /// error: its items can still be read by the fields that they show.
    pub(super) async fn type_info(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Arc<TypeInfo>, ConnectorError> {
        let key = (project.to_lowercase(), name.to_lowercase());
        let lock = || self.types.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = lock().get(&key).cloned();
        if let Some(info) = held {
            return Ok(info);
        }
        if let Some(info) = self.vocabulary.get(&self.type_key(project, name)) {
            let info: Arc<TypeInfo> = Arc::new(info);
            lock().insert(key, info.clone());
            return Ok(info);
        }
        self.read_type(project, name).await
    }

    /// As [`Shared::type_info`], from the service.
    pub(super) async fn read_type(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Arc<TypeInfo>, ConnectorError> {
        let key = (project.to_lowercase(), name.to_lowercase());
        let lock = || self.types.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.type_key(project, name);
        let info = match self.api.work_item_type(project, name).await {
            Ok(wire) => Arc::new(TypeInfo::from_wire(&wire)),
            Err(error) if error.kind == ErrorKind::NotFound => {
                lock().remove(&key);
                self.vocabulary.drop_one(kept);
                return Ok(Arc::default());
            }
            Err(error) => return Err(error),
        };
        self.vocabulary.put(kept, info.as_ref());
        lock().insert(key, info.clone());
        Ok(info)
    }

    /// As in [`Reader`](crate::connector::Reader).
    pub(super) async fn fetch_lacking(
        &self,
        pair: &PairName,
        kind: Option<&Folded>,
    ) -> Result<BTreeSet<FieldKey>, ConnectorError> {
        let Some(scope) = self.scopes.iter().find(|scope| scope.pair == *pair) else {
            return Ok(BTreeSet::new());
        };
        let name = kind.map_or(scope.default_type.as_str(), |kind| kind.shown.as_str());
        let info = self.type_info(&scope.project, name).await?;
        if info.fields.is_empty() {
            return Ok(BTreeSet::new());
        }
        let specs = info.specs(Some(scope), &self.customs);
        let lacking = specs.synced().filter(|spec| spec.native.ado.is_none());
        Ok(lacking.map(|spec| spec.key.clone()).collect())
    }

    /// As in [`Reader`](crate::connector::Reader).
    pub(super) async fn fetch_states(
        &self,
        pair: &PairName,
        kind: &Folded,
    ) -> Result<BTreeSet<Folded>, ConnectorError> {
        let Some(scope) = self.scopes.iter().find(|scope| scope.pair == *pair) else {
            return Ok(BTreeSet::new());
        };
        let info = self.type_info(&scope.project, &kind.shown).await?;
        Ok(info.options(&FieldKey::State))
    }

    fn type_key(&self, project: &str, name: &str) -> Key {
        self.key(format!("{KEPT_TYPE}{project}/{name}"))
    }

    /// Converts an item as its pair is configured; one outside every pair is read with the built-in fields.
    pub(super) async fn convert(&self, wire: &WorkItem) -> Result<Item, ConnectorError> {
        let project = wire.text(fields::PROJECT).unwrap_or("");
        let area = wire.text(fields::AREA).unwrap_or(project);
        let type_name = wire.text(fields::TYPE).unwrap_or("");
        let scope = wiql::attribute(&self.scopes, project, area)
            .or_else(|| self.scopes.iter().find(|scope| scope.project == project));
        let mut info = self.type_info(project, type_name).await?;
        let key = self.type_key(project, type_name);
        let by_hearsay = self.vocabulary.is_handed_down(&key);
        let state = wire.text(fields::STATE).map(Folded::new);
        let unmet = state.is_some_and(|state| self.vocabulary.meet(Service::Ado, &state));
        let contradicted = by_hearsay && info.is_contradicted(wire, scope, &self.customs);
        if unmet || contradicted && self.vocabulary.contradict(Service::Ado) {
            self.types.forget();
            info = self.type_info(project, type_name).await?;
        }
        let specs = match info.fields.is_empty() {
            true => {
                let shown: BTreeSet<String> = wire.fields.keys().cloned().collect();
                Arc::new(resolve(scope, &self.customs, &shown))
            }
            false => info.specs(scope, &self.customs),
        };
        let context = convert::Context {
            specs: &specs,
            zone: self.zone,
            hosts: scope.map_or(&[], |scope| scope.marker_hosts.as_slice()),
            base_url: &self.base_url,
        };
        Ok(convert::item(&context, wire))
    }

    pub(super) async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        let mut answer = BTreeMap::new();
        let mut numbers = BTreeSet::new();
        for id in ids {
            match number(id) {
                Some(n) => {
                    numbers.insert(n);
                }
                None => {
                    let reason = "not a work item number".to_owned();
                    answer.insert(id.clone(), Fetched::Unclear { reason });
                }
            }
        }
        let asked: Vec<i64> = numbers.iter().copied().collect();
        let priority = if asked.len() > BATCH {
            Priority::Backfill
        } else {
            Priority::Live
        };
        for chunk in asked.chunks(BATCH) {
            let (read, too_large) = self
                .batch_in_parts(chunk, Select::Relations, priority)
                .await?;
            for id in too_large {
                numbers.remove(&id);
                let reason =
                    "its content is larger than one answer may be (32 MB); shorten its long texts"
                        .to_owned();
                answer.insert(ItemId(id.to_string()), Fetched::Unclear { reason });
            }
            for wire in read {
                // Order and completeness are not promised: only what was asked for and came counts.
                if numbers.remove(&wire.id) {
                    let item = self.convert(&wire).await?;
                    answer.insert(item.id.clone(), Fetched::Seen(Box::new(item)));
                }
            }
        }
        let missing: Vec<i64> = numbers.into_iter().collect();
        let deleted = self.look_in_bins(&missing).await?;
        for id in missing {
            let fetched = match deleted.get(&id) {
                Some(evidence) => Fetched::Gone {
                    evidence: evidence.clone(),
                },
                None => Fetched::Unclear {
                    reason: "cannot be read and is in no recycle bin (destroyed, moved, no right to see it, or an answer of an unknown form)"
                        .to_owned(),
                },
            };
            answer.insert(ItemId(id.to_string()), fetched);
        }
        Ok(answer)
    }

    /// Comments are counted in a field (learn.microsoft.com, work-items/work-item-fields, "Comment Count"), files are
    /// relations (`AttachedFile`, work-items/get-work-item). An answer without the field tells nothing of comments.
    pub(super) async fn fetch_traces(&self, id: &ItemId) -> Result<Traces, ConnectorError> {
        let Some(number) = number(id) else {
            return Ok(Traces::default());
        };
        let asked = [number];
        let read = self.api.batch(&asked, Select::Relations, Priority::Live);
        let Some(item) = read.await?.into_iter().find(|item| item.id == number) else {
            return Ok(Traces::default());
        };
        let comments = item
            .fields
            .get("System.CommentCount")
            .and_then(Value::as_u64);
        let files = item.relations.iter().flatten();
        Ok(Traces {
            comments: comments.and_then(|count| usize::try_from(count).ok()),
            files: Some(files.filter(|link| link.rel == "AttachedFile").count()),
            // Children of a work item stay where they are.
            children: Some(0),
        })
    }

    /// Returns the versions of an item after one of them, by their own numbers: nothing is concluded from their order, nor
    /// from how many there are.
    pub(super) async fn fetch_history(
        &self,
        id: &ItemId,
        since: Version,
    ) -> Result<Vec<Past>, ConnectorError> {
        let Some(number) = number(id) else {
            return Ok(Vec::new());
        };
        let read = match self.api.revisions(number, since.0.max(0)).await {
            Ok(read) => read,
            // No right to see it, or a server without it: then it cannot be told.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut history = BTreeMap::new();
        // Where it cannot be asked, nothing is said of who wrote.
        let me = self.api.connection_data().await.ok();
        for wire in read {
            if wire.id == number && wire.rev > since.0 {
                let by = author(&wire, me.as_ref());
                let item = self.convert(&wire).await?;
                history.insert(wire.rev, Past { item, by });
            }
        }
        Ok(history.into_values().collect())
    }

    /// Looks unreadable items up in the recycle bins of the configured projects (ADO-13). A bin that cannot be read
    /// proves nothing.
    async fn look_in_bins(&self, ids: &[i64]) -> Result<BTreeMap<i64, String>, ConnectorError> {
        let mut found = BTreeMap::new();
        let projects: BTreeSet<&str> = self.scopes.iter().map(|s| s.project.as_str()).collect();
        for project in projects {
            let open: Vec<i64> = ids
                .iter()
                .copied()
                .filter(|id| !found.contains_key(id))
                .collect();
            for chunk in open.chunks(BATCH) {
                match self.api.recycle_bin(project, chunk).await {
                    Ok(rows) => found.extend(rows),
                    Err(error)
                        if matches!(
                            error.kind,
                            ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Auth
                        ) =>
                    {
                        tracing::debug!(project, "recycle bin not readable: {error}");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn find_marker(
        &self,
        pair: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let project = wiql::whole_project(self.scope(pair)?);
        self.marked(project, marker, created_after).await
    }

    /// Looks for a marker in a place.
    pub(super) async fn marked(
        &self,
        place: wiql::Group,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let (read, too_large) = self.created(place, created_after).await?;
        // One that cannot be looked at may carry it: the create stays open rather than being sent again.
        let mut carrying = too_large;
        let found = read.iter().filter(|wire| carries(wire, marker));
        carrying.extend(found.map(|wire| wire.id));
        Ok(item_ids(carrying))
    }

    pub(super) async fn find_titled(
        &self,
        title: &FieldValue,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let (read, mut found) = self.created(wiql::everywhere(), created_after).await?;
        let titled = read.iter().filter(|wire| {
            let own = wire.text(fields::TITLE).map(FieldValue::text);
            own.is_some_and(|own| own.reads_like(title))
        });
        found.extend(titled.map(|wire| wire.id));
        Ok(item_ids(found))
    }

    /// Reads the work items that were created in a place after a time, with the numbers of those that are too large to be
    /// read.
    async fn created(
        &self,
        place: wiql::Group,
        after: Timestamp,
    ) -> Result<(Vec<WorkItem>, BTreeSet<i64>), ConnectorError> {
        let since = wiql::Since::Created(after);
        let found = self.walk(&[place], since, Priority::Live).await?;
        let ids: Vec<i64> = found.ids.into_keys().collect();
        let (mut all, mut large) = (Vec::new(), BTreeSet::new());
        for chunk in ids.chunks(BATCH) {
            let (read, too_large) = self
                .batch_in_parts(chunk, Select::Relations, Priority::Live)
                .await?;
            all.extend(read);
            large.extend(too_large);
        }
        Ok((all, large))
    }
}

fn item_ids(numbers: BTreeSet<i64>) -> Vec<ItemId> {
    let ids = numbers.into_iter().map(|id| ItemId(id.to_string()));
    ids.collect()
}

pub(super) fn carries(wire: &WorkItem, marker: &str) -> bool {
    wire.relations.iter().flatten().any(|relation| {
        relation.rel == "Hyperlink"
            && relation
                .attributes
                .as_ref()
                .and_then(|attributes| attributes.get("comment"))
                .and_then(Value::as_str)
                .is_some_and(|comment| comment.trim() == marker)
    })
}

/// Returns the work item number of an id.
pub(super) fn number(id: &ItemId) -> Option<i64> {
    id.as_str().parse().ok().filter(|number| *number > 0)
}

/// Returns who made a version: `System.ChangedBy` holds the same identity id as `connectionData` does for the token's user
/// (`id` of `IdentityRef` and `Identity`, MicrosoftDocs/vsts-rest-api-specs, wit and ims 7.1).
fn author(wire: &WorkItem, me: Option<&ConnectionData>) -> Author {
    let by = wire.fields.get("System.ChangedBy");
    let by = by.and_then(|by| by.get("id")).and_then(Value::as_str);
    match (by, me) {
        (Some(by), Some(me)) if by.eq_ignore_ascii_case(&me.user.id) => Author::Token,
        (Some(_), Some(_)) => Author::Another,
        (None, _) | (_, None) => Author::Unknown,
    }
}
