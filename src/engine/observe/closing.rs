//! What is asked of the services about types only where it matters: the states that mean "closed", and the fields that a type of
//! work item has no place for.

use super::{Focus, Observed};
use crate::capabilities;
use crate::connector::{Fetched, Schema};
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, FieldValue, Folded, ItemId, LinkId, Side, Sided};
use crate::reconcile::closing::Closing;
use crate::reconcile::policy::{Lacks, OnDelete, Policy, Reach};
use crate::store::{LinkRow, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Of how many items a cycle asks what a delete of them would take along; of others only what is stored counts in the plan. So
/// many deletes wait for a yes, and right before each request the service is asked in any case.
const MOST_ASKED: usize = 100;

/// What a service said, where that is why something is not known.
fn cause(error: &CycleError) -> String {
    match error {
        CycleError::Connector(error) => error.to_string(),
        error => error.to_string(),
    }
}

impl Engine {
    /// Returns the policy with what the items of this cycle make worth asking. What cannot be read stays unknown: an item is
    /// held then instead of closed, and a type counts as having every field.
    pub(super) async fn with_types(
        &self,
        policy: Policy,
        focus: &Focus,
        observed: &Observed,
    ) -> Result<Policy, StoreError> {
        let closed_states = self.closed_states(&policy, focus, observed).await;
        let lacks = self.lacks(&policy, focus, observed).await?;
        let reach = self.reach(&policy, focus, observed).await?;
        Ok(Policy {
            closed_states,
            lacks,
            reach,
            ..policy
        })
    }

    /// What the delete of each item reaches whose counterpart may be deleted or closed for it.
    async fn reach(
        &self,
        policy: &Policy,
        focus: &Focus,
        observed: &Observed,
    ) -> Result<BTreeMap<LinkId, Reach>, StoreError> {
        let mut reach = BTreeMap::new();
        if policy.on_delete == OnDelete::Unlink {
            return Ok(reach);
        }
        let mut parents = BTreeMap::new();
        for link in focus.links.values() {
            for gone in Side::BOTH {
                let left = gone.other();
                let is_left = observed.items.get(left).contains_key(link.item(left));
                if !observed.is_gone(gone, link.item(gone)) || !is_left {
                    continue;
                }
                let asks = reach.len() < MOST_ASKED;
                let found = self.reached(policy, (link, gone), observed, (asks, &mut parents));
                let found = match found.await {
                    Ok(found) => found,
                    Err(CycleError::Store(error)) => return Err(error),
                    Err(error) => {
                        let item = link.item(left);
                        let why = cause(&error);
                        tracing::warn!(pair = %policy.pair, side = %left, %item, "what a delete reaches is not known: {why}");
                        Reach::Unknown
                    }
                };
                reach.insert(link.id, found);
            }
        }
        Ok(reach)
    }

    /// The same of one link. `asks`: whether the service is asked for children; `parents`: what it has said of parents before.
    async fn reached(
        &self,
        policy: &Policy,
        (link, gone): (&LinkRow, Side),
        observed: &Observed,
        (asks, parents): (bool, &mut BTreeMap<ItemId, Option<bool>>),
    ) -> Result<Reach, CycleError> {
        let (item, left) = (link.item(gone), gone.other());
        match self.went_with_parent(gone, item, parents).await? {
            None => return Ok(Reach::Unknown),
            Some(true) => return Ok(Reach::WithParent),
            Some(false) if policy.on_delete != OnDelete::Delete => return Ok(Reach::Alone),
            Some(false) => {}
        }
        let is_gone = |child: &ItemId| observed.is_gone(left, child);
        let children = match asks {
            true => {
                self.children_that_go(left, link.item(left), is_gone)
                    .await?
            }
            false => self.children_known(left, link.item(left), is_gone)?,
        };
        Ok(
            match children.is_empty() || !capabilities::of(left).deletes_children {
                true => Reach::Alone,
                false => Reach::Children(children),
            },
        )
    }

    /// Whether a deleted item was last read as the child of one that is deleted as well, where a service deletes children along
    /// with their parent. `None`: the answer about the parent does not tell.
    async fn went_with_parent(
        &self,
        side: Side,
        id: &ItemId,
        parents: &mut BTreeMap<ItemId, Option<bool>>,
    ) -> Result<Option<bool>, CycleError> {
        if !capabilities::of(side).deletes_children {
            return Ok(Some(false));
        }
        let seen = self.store().observation(side, id)?;
        let Some(parent) = seen.and_then(|seen| seen.item.parent) else {
            return Ok(Some(false));
        };
        if let Some(known) = parents.get(&parent) {
            return Ok(*known);
        }
        let read = self.readers.get(side);
        let read = read.fetch_items(&BTreeSet::from([parent.clone()])).await?;
        let is_gone = match read.get(&parent) {
            Some(Fetched::Gone { .. }) => Some(true),
            Some(Fetched::Seen(_)) => Some(false),
            Some(Fetched::Unclear { .. }) | None => None,
        };
        parents.insert(parent, is_gone);
        Ok(is_gone)
    }

    /// Returns the items that a delete would take along: what the service shows, and linked items that were read as its children, but
    /// for those that `is_gone` knows to be deleted. One that the service shows has been taken out of the trash since.
    pub(in crate::engine) async fn children_that_go(
        &self,
        side: Side,
        id: &ItemId,
        is_gone: impl Fn(&ItemId) -> bool,
    ) -> Result<BTreeSet<ItemId>, CycleError> {
        if !capabilities::of(side).deletes_children {
            return Ok(BTreeSet::new());
        }
        let reader = self.readers.get(side);
        let mut children = reader.fetch_children_that_go(id).await?;
        children.extend(self.children_known(side, id, is_gone)?);
        Ok(children)
    }

    /// The same, as far as the database knows.
    fn children_known(
        &self,
        side: Side,
        id: &ItemId,
        is_gone: impl Fn(&ItemId) -> bool,
    ) -> Result<BTreeSet<ItemId>, StoreError> {
        let linked = self.store().linked_children(side, id)?.into_iter();
        Ok(linked.filter(|child| !is_gone(child)).collect())
    }

    /// The closed states of each side on which the counterpart of a deleted item may have to be closed in this cycle.
    async fn closed_states(
        &self,
        policy: &Policy,
        focus: &Focus,
        observed: &Observed,
    ) -> Sided<Closing> {
        let mut closed_states = Sided::<Closing>::default();
        if policy.on_delete != OnDelete::Close {
            return closed_states;
        }
        for side in Side::BOTH {
            let mut links = focus.links.values();
            if !links.any(|link| observed.is_gone(side.other(), link.item(side.other()))) {
                continue;
            }
            match self.readers.get(side).fetch_schema(&policy.pair).await {
                Ok(schema) => *closed_states.get_mut(side) = closing(side, &schema, policy),
                Err(error) => {
                    tracing::warn!(pair = %policy.pair, %side, "the closed states are not known: {error}");
                }
            }
        }
        closed_states
    }

    /// What the types lack of which new work items will be, and of which deleted ones were.
    async fn lacks(
        &self,
        policy: &Policy,
        focus: &Focus,
        observed: &Observed,
    ) -> Result<Lacks, StoreError> {
        let mut kinds: BTreeSet<Option<Folded>> = BTreeSet::new();
        if policy.create_on.contains(&Side::Ado) {
            let items = focus.fresh.clickup.keys();
            let items = items.filter_map(|id| observed.items.clickup.get(id));
            kinds.extend(items.map(|item| policy.made_as(item)));
        }
        if policy.on_delete != OnDelete::Unlink {
            let links = focus.links.values();
            for link in links.filter(|link| observed.is_gone(Side::Ado, link.item(Side::Ado))) {
                let base = self.store().base(link.id)?.remove(&FieldKey::Type);
                if let Some(FieldValue::Choice(kind)) = base.map(|base| base.ado.value().clone()) {
                    kinds.insert(Some(kind));
                }
            }
        }
        let mut lacks = Lacks::default();
        for kind in kinds {
            let reader = &self.readers.ado;
            match reader.fetch_lacking(&policy.pair, kind.as_ref()).await {
                Ok(fields) => lacks.note(kind.as_ref(), fields),
                Err(error) => {
                    tracing::warn!(pair = %policy.pair, "what a type of work item lacks is not known: {error}");
                }
            }
        }
        Ok(lacks)
    }
}

impl Observed {
    /// Whether an item was deleted, on positive evidence.
    pub(in crate::engine) fn is_gone(&self, side: Side, id: &ItemId) -> bool {
        matches!(self.findings.gone.get(side).get(id), Some(Ok(_)))
    }
}

/// Takes the closed states out of a vocabulary.
fn closing(side: Side, schema: &Schema, policy: &Policy) -> Closing {
    let types = schema.types.iter().map(|kind| {
        let states = kind.states.iter();
        let states = states.map(|state| (state.name.as_str(), state.category.as_str()));
        (kind.name.as_str(), states.collect())
    });
    Closing::of(side, types, &policy.states.names(side))
}
