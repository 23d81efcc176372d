//! Listing everything: ids by query, then what no query tells in batches, handed on as they come.

use super::api::{BATCH, Select};
use super::delta::row;
use super::walk::{PageOfIds, is_forbidden, is_refused};
use super::wire::WorkItem;
use super::{Scope, Shared, convert, fields, wiql};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, EachPage, ListedRow, Swept, Watermark};
use crate::field::WantedFields;
use crate::model::{FieldKey, FieldValue, PairName, Service, Timestamp, Version};
use chrono_tz::Tz;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Fields that an administrator changes in many items at once by renaming a tag or an iteration. The documentation does not
/// say whether those items get a revision for it
/// (<https://learn.microsoft.com/en-us/azure/devops/boards/queries/add-tags-to-work-items>).
const RENAMABLE: [&str; 2] = [fields::TAGS, fields::ITERATION];

/// What a sweep asks of every item.
const SWEPT: [&str; 3] = ["System.Rev", fields::TAGS, fields::ITERATION];

impl Shared {
    /// Lists every item of the pairs. Between two pages only the ids of one query's page are held.
    pub(super) async fn sweep(
        &self,
        pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        // Names that were changed meanwhile are noticed with everything else.
        self.vocabulary.forget(Service::Ado);
        self.types.forget();
        let mut scopes: Vec<&Scope> = self.scopes.iter().collect();
        scopes.retain(|scope| pairs.contains(&scope.pair));
        // An item that two queries find belongs to the pair with the deeper area, which is therefore asked first.
        scopes.sort_by_key(|scope| Reverse(wiql::depth(scope)));
        let projects = scopes.iter().map(|scope| wiql::fold(&scope.project));
        let projects: BTreeSet<String> = projects.collect();
        let mut walk = Walk {
            taken: (projects.len() < scopes.len()).then(HashSet::new),
            ..Walk::default()
        };
        let mut forbidden = None;
        for scope in scopes {
            match self.sweep_pair(scope, &mut walk, each).await {
                Ok(()) => self.apart.put(&scope.pair, false),
                Err(error) if is_refused(&error) || is_forbidden(&error) => {
                    forbidden = forbidden.or(Some(error.clone()).filter(is_forbidden));
                    let error = self.refused(&scope.pair, error);
                    walk.failed.insert(scope.pair.clone(), error);
                }
                Err(error) => return Err(error),
            }
        }
        // Where every pair was asked and none is answered, it is the token's matter.
        let every = pairs.len() == self.scopes.len();
        if let (Some(error), None, true) = (forbidden, walk.as_of, every) {
            return Err(error);
        }
        self.show(&mut walk.open, 1, each).await?;
        let as_of = self.clock(walk.as_of);
        Ok(Swept {
            watermark: Watermark {
                high: Some(as_of),
                peak: None,
                settled: Some(as_of),
                link_token: None,
                links_read: Some(as_of),
            },
            failed: walk.failed,
        })
    }

    /// Runs the query of one pair, and reads on as soon as there is enough for a batch.
    async fn sweep_pair(
        &self,
        scope: &Scope,
        walk: &mut Walk,
        each: EachPage<'_>,
    ) -> Result<(), ConnectorError> {
        let group = wiql::single(scope);
        let mut after = Some(0);
        while let Some(last) = after {
            let asked = (&group, wiql::Since::Ever, last);
            let PageOfIds {
                mut ids,
                as_of,
                next,
            } = self.ask_page(asked, Priority::Backfill).await?;
            walk.as_of.get_or_insert(as_of);
            if let Some(taken) = &mut walk.taken {
                ids.retain(|id| taken.insert(*id));
            }
            walk.open
                .extend(ids.into_iter().map(|id| (id, scope.pair.clone())));
            self.show(&mut walk.open, BATCH, each).await?;
            after = next;
        }
        Ok(())
    }

    /// Reads and hands on what is open, in whole batches; less than `least` items stay open.
    async fn show(
        &self,
        open: &mut Vec<(i64, PairName)>,
        least: usize,
        each: EachPage<'_>,
    ) -> Result<(), ConnectorError> {
        while open.len() >= least {
            let chunk: BTreeMap<i64, PairName> = open.drain(..BATCH.min(open.len())).collect();
            let ids: Vec<i64> = chunk.keys().copied().collect();
            let select = Select::Fields(&SWEPT);
            let batch = self.batch_in_parts(&ids, select, Priority::Backfill);
            let (read, _) = batch.await?;
            let mut read: BTreeMap<i64, WorkItem> =
                read.into_iter().map(|wire| (wire.id, wire)).collect();
            let rows = chunk.into_iter().map(|(id, pair)| {
                let wire = read.remove(&id);
                let version = wire.as_ref().map(|wire| Version(wire.rev));
                let scope = self.scope(&pair).ok();
                let shown = wire
                    .zip(scope)
                    .map(|(wire, scope)| (wire, self.customs.wanted(&scope.pair, &scope.fields)));
                let shown = shown.map(|(wire, wanted)| renamable(&wanted, &wire, self.zone));
                ListedRow {
                    shown: shown.unwrap_or_default(),
                    ..row(id, pair, version)
                }
            });
            each(rows.collect())?;
        }
        Ok(())
    }
}

/// What a sweep has found so far.
#[derive(Default)]
struct Walk {
    /// Items that are not read yet, with their pairs.
    open: Vec<(i64, PairName)>,
    /// Items that were found already; `None`: no two queries look into one project.
    taken: Option<HashSet<i64>>,
    /// The server's clock at the first page.
    as_of: Option<Timestamp>,
    failed: BTreeMap<PairName, ConnectorError>,
}

/// Reads what a sweep compares beside the revision: tags, and a custom field that is mapped to the iteration.
fn renamable(
    fields: &WantedFields,
    wire: &WorkItem,
    zone: Option<Tz>,
) -> BTreeMap<FieldKey, FieldValue> {
    let mapped = fields.iter();
    let mapped = mapped.filter_map(|(key, wanted)| match wanted.ado.as_slice() {
        [name] => Some((key, name.as_str(), wanted.form)),
        _ => None,
    });
    let tags = !fields.contains_key(&FieldKey::Tags);
    let tags = tags.then_some((&FieldKey::Tags, super::fields::TAGS, None));
    let asked = mapped.chain(tags).filter_map(|(key, name, form)| {
        let mut own = RENAMABLE.iter();
        let own = own.find(|own| own.eq_ignore_ascii_case(name))?;
        Some((key, *own, form))
    });
    let asked = asked.filter(|(key, _, form)| form.is_some() || !key.is_custom());
    let shown = asked.map(|(key, name, form)| {
        let form = form.unwrap_or_else(|| key.kind().form());
        let value = wire.fields.get(name);
        let value = value.and_then(|value| convert::read_as(form, value, zone));
        (key.clone(), value.unwrap_or(FieldValue::Empty))
    });
    shown.collect()
}
