//! What both sides changed differently. The values are those of `render`, which shows them: [`ConflictRow`].

use crate::engine::deeds::Resolved;
use crate::model::{FieldKey, FieldValue, ItemId, PairName, Side, Sided};
use crate::reason::Took;
use crate::reconcile::plan::Conflict;
use crate::render::{ConflictRow, Standing};
use crate::store::{self, Store, StoreError};
use serde::{Serialize, Serializer};

/// Returns every conflict: open, chosen and settled.
///
/// # Errors
/// Only the database's.
pub fn conflicts(store: &Store) -> Result<Vec<ConflictRow>, StoreError> {
    let stored = store.conflicts(false)?;
    stored.iter().map(|stored| row(store, stored)).collect()
}

/// Returns the conflict of this number; `None`: there is none.
///
/// # Errors
/// Only the database's.
pub fn conflict(store: &Store, id: i64) -> Result<Option<ConflictRow>, StoreError> {
    let stored = store.conflict(id)?;
    stored.map(|stored| row(store, &stored)).transpose()
}

/// Returns how a conflict stands. A choice that cannot be understood counts as none: the next cycle says so.
fn standing(store: &Store, stored: &store::Conflict) -> Result<Standing, StoreError> {
    let choices = match store.choices(stored.record.link) {
        Err(StoreError::Choice { .. }) => Vec::new(),
        choices => choices?,
    };
    let chosen = choices
        .into_iter()
        .find(|choice| choice.conflict == stored.id);
    Ok(match (chosen, stored.resolved_at) {
        (Some(choice), _) => Standing::Chosen {
            took: choice.took(stored),
            at: choice.at,
        },
        (None, None) => Standing::Open,
        (None, Some(at)) => Standing::Settled {
            took: stored.took(),
            by: stored.settled_by,
            at,
        },
    })
}

/// Turns a stored conflict into one that can be shown. The title is the one read last, either side's; empty when
/// neither item was ever read.
fn row(store: &Store, stored: &store::Conflict) -> Result<ConflictRow, StoreError> {
    let r = &stored.record;
    let mut title = None;
    for (side, id) in r.items.iter() {
        if title.is_none() {
            title = store.observation(side, id)?.and_then(|seen| {
                seen.item
                    .fields
                    .get(&FieldKey::Title)
                    .map(ToString::to_string)
            });
        }
    }
    let base = match (&r.base.ado, &r.base.clickup) {
        (Some(ado), Some(clickup)) => Some(Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        }),
        _ => None,
    };
    Ok(ConflictRow {
        id: stored.id,
        pair: r.pair.clone(),
        since: r.at,
        standing: standing(store, stored)?,
        conflict: Conflict {
            link: r.link,
            items: r.items.clone(),
            title: title.unwrap_or_default(),
            field: r.field.clone(),
            base,
            now: r.now.clone(),
            raw: r.raw.clone(),
            versions: r.versions,
            taken: r.taken,
        },
    })
}

/// A choice that was just made, and what carrying it out will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceView {
    /// Number of the conflict.
    pub conflict: i64,
    /// The pair.
    pub pair: PairName,
    /// The field.
    pub field: FieldKey,
    /// Which value was chosen.
    #[serde(serialize_with = "took")]
    pub took: Took,
    /// What happens to each side, Azure DevOps first.
    pub sides: Vec<ChoiceSide>,
}

fn took<S: Serializer>(took: &Took, to: S) -> Result<S::Ok, S::Error> {
    took.key().serialize(to)
}

/// One side of a choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceSide {
    /// The side.
    pub side: Side,
    /// The item there.
    pub item: ItemId,
    /// What it holds now.
    #[serde(serialize_with = "plain")]
    pub now: FieldValue,
    /// What is written to it; `None`: it stays as it is.
    #[serde(serialize_with = "super::plain")]
    pub written: Option<FieldValue>,
}

fn plain<S: Serializer>(value: &FieldValue, to: S) -> Result<S::Ok, S::Error> {
    crate::render::plain(value).serialize(to)
}

impl From<&Resolved> for ChoiceView {
    fn from(resolved: &Resolved) -> ChoiceView {
        ChoiceView {
            conflict: resolved.conflict,
            pair: resolved.pair.clone(),
            field: resolved.field.clone(),
            took: resolved.took,
            sides: Side::BOTH
                .into_iter()
                .map(|side| ChoiceSide {
                    side,
                    item: resolved.items.get(side).clone(),
                    now: resolved.now.get(side).clone(),
                    written: resolved.to.get(side).clone(),
                })
                .collect(),
        }
    }
}
