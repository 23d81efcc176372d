//! Settling a conflict by a person's choice.

use crate::capabilities;
use crate::connector::{ConnectorError, Fetched};
use crate::engine::Engine;
use crate::engine::observe::{again_op, chosen_of};
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, Side, Sided, Subject, Timestamp};
use crate::reason::{SettledBy, Took};
use crate::reconcile::choice::{Recorded, moved_on};
use crate::reconcile::merge::translate;
use crate::reconcile::policy::Policy;
use crate::store::{Batch, Choice, ChoiceOp, Conflict, NewJournal, Op, Store, StoreError};
use std::collections::BTreeSet;

/// What a person takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The value that this side had in the conflict.
    Side(Side),
    /// A text of one's own: a title, or Markdown.
    Merged(String),
}

/// A choice that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Number of the conflict.
    pub conflict: i64,
    /// The pair.
    pub pair: PairName,
    /// The two items.
    pub items: Sided<ItemId>,
    /// The field.
    pub field: FieldKey,
    /// Which value was chosen.
    pub took: Took,
    /// What each side holds now.
    pub now: Sided<FieldValue>,
    /// What carrying it out writes to each side; `None`: that side stays as it is.
    pub to: Sided<Option<FieldValue>>,
}

/// Why a conflict cannot be settled that way. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No conflict has this number.
    #[error("there is no conflict {0}; `boardsync conflicts` lists them")]
    Unknown(i64),
    /// Both sides came to agree by themselves.
    #[error("conflict {0} is over: both sides came to agree since, so there is nothing to choose")]
    Over(i64),
    /// A newer conflict of the same field took its place.
    #[error(
        "conflict {id} was replaced by conflict {by}, which has the values of today: `boardsync conflicts show {by}`"
    )]
    Replaced {
        /// The conflict that was named.
        id: i64,
        /// The one that counts.
        by: i64,
    },
    /// The two items are not kept equal any more.
    #[error(
        "conflict {id} cannot be settled: the link of {ado} and {clickup} was dissolved, and neither is written to any more"
    )]
    Dissolved {
        /// The conflict.
        id: i64,
        /// The work item.
        ado: String,
        /// The task.
        clickup: String,
    },
    /// The configuration has no such pair or does not sync the field.
    #[error(
        "conflict {id} cannot be settled: {what} is not synced any more; settle it by hand in either service"
    )]
    Unmapped {
        /// The conflict.
        id: i64,
        /// The pair or the field.
        what: String,
    },
    /// The field stands still, so that nothing of it is compared or written.
    #[error("conflict {id} cannot be settled at present: {why}; mend that first")]
    StandsStill {
        /// The conflict.
        id: i64,
        /// Why, as a sentence without a full stop.
        why: String,
    },
    /// The field flows one way, and the choice would have to be written against it.
    #[error(
        "conflict {id} cannot be settled that way: {field} is not written to {side} (direction); take {side} (`--take {}`), \
         or set it there by hand", side.key()
    )]
    OneWay {
        /// The conflict.
        id: i64,
        /// The field.
        field: FieldKey,
        /// The side that is not written to.
        side: Side,
    },
    /// A text was given for a field that is none.
    #[error("{field} is not a text, so there is nothing to merge; take ado or clickup")]
    NoText {
        /// The field.
        field: FieldKey,
    },
    /// The value stands for nothing on the other side.
    #[error("conflict {id} cannot be settled that way: {reason}")]
    Untranslatable {
        /// The conflict.
        id: i64,
        /// Why, as a phrase.
        reason: String,
    },
    /// A side cannot be looked at.
    #[error(
        "conflict {id} is not settled: {side} {item} cannot be read ({reason}), and nobody knows what would be overwritten"
    )]
    Unreadable {
        /// The conflict.
        id: i64,
        /// The side.
        side: Side,
        /// The item.
        item: String,
        /// Why, as a phrase.
        reason: String,
    },
    /// A side was edited since.
    #[error(
        "conflict {id} is not settled, because it is out of date: {} has \"{}\" by now. Nothing was changed. Run \
         `boardsync reconcile --once` and look at `boardsync conflicts`, or edit the field in either service",
        service(*side), cut(now)
    )]
    Moved {
        /// The conflict.
        id: i64,
        /// The side that was edited.
        side: Side,
        /// What it has now.
        now: FieldValue,
    },
    /// No choice waits that could be taken back.
    #[error(
        "conflict {id}: no choice waits to be carried out, so there is nothing to take back{}",
        match spent {
            true => "; it was carried out: choose the other value, or take the run back with `boardsync undo`",
            false => "",
        }
    )]
    NothingChosen {
        /// The conflict.
        id: i64,
        /// Whether there was one, which a cycle has carried out.
        spent: bool,
    },
    /// A service failed.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn service(side: Side) -> &'static str {
    capabilities::of(side).name
}

/// A value in a sentence: one line of it, and not a whole description.
fn cut(value: &FieldValue) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

impl Engine {
    /// Stores what a person chose in a conflict. Both items are read first: a choice is about what its person saw, so it
    /// is refused where either side holds anything that neither the conflict recorded nor our own writes made of it.
    ///
    /// # Errors
    /// A sentence for the person; nothing was changed then.
    pub async fn resolve(&self, id: i64, pick: Pick) -> Result<Resolved, ResolveError> {
        let conflict = open_to_choice(&self.store(), id)?;
        let record = &conflict.record;
        let unmapped = |what: String| ResolveError::Unmapped { id, what };
        let policy = self
            .policy(&record.pair)
            .ok_or_else(|| unmapped(format!("the pair {}", record.pair)))?;
        // What was recorded under another entry is about other fields.
        let about_this = policy.is_about(&record.field, record.at);
        if let Some(why) = policy.paused.get(&record.field).filter(|_| about_this) {
            let why = why.to_string();
            return Err(ResolveError::StandsStill { id, why });
        }
        let rule = policy.fields.get(&record.field).filter(|_| about_this);
        let rule = *rule.ok_or_else(|| unmapped(as_it_was(&record.field)))?;
        let (side, value) = picked(&conflict, pick)?;
        translate(&record.field, side, &value, policy).map_err(|why| {
            ResolveError::Untranslatable {
                id,
                reason: why.to_string(),
            }
        })?;
        let items = self.both_items(&conflict).await?;
        let mut now = Sided::build(|_| FieldValue::Empty);
        for side in Side::BOTH {
            let shown = items.get(side).fields.get(&record.field);
            *now.get_mut(side) = shown
                .ok_or_else(|| unmapped(format!("{} of {side}", record.field)))?
                .clone();
        }
        let mut store = self.store();
        refuse_newer(&store, &conflict, &now, policy)?;
        let choice = Choice {
            link: record.link,
            field: record.field.clone(),
            conflict: id,
            side,
            value,
            seen: now,
            at: self.clock.now(),
        };
        let chosen = chosen_of(&store, choice.clone())?;
        if let Some(side) = chosen.against(&record.field, &choice.seen, rule.direction, policy) {
            let field = record.field.clone();
            return Err(ResolveError::OneWay { id, field, side });
        }
        let resolved = Resolved {
            conflict: id,
            pair: record.pair.clone(),
            items: record.items.clone(),
            field: record.field.clone(),
            took: choice.took(&conflict),
            to: chosen
                .writes(&record.field, &choice.seen, policy)
                .unwrap_or_default(),
            now: choice.seen.clone(),
        };
        let again = again_op(&store, &record.pair, record.link)?;
        store.commit(&Batch(vec![Op::Choice(ChoiceOp::Make(choice)), again]))?;
        Ok(resolved)
    }

    /// Reads both items of a conflict, ClickUp last.
    async fn both_items(&self, conflict: &Conflict) -> Result<Sided<Item>, ResolveError> {
        let record = &conflict.record;
        let mut read = Vec::new();
        for (side, id) in record.items.iter() {
            let reader = self.readers.get(side);
            let mut answer = reader.fetch_items(&BTreeSet::from([id.clone()])).await?;
            let unreadable = |reason: String| ResolveError::Unreadable {
                id: conflict.id,
                side,
                item: id.to_string(),
                reason,
            };
            read.push(match answer.remove(id) {
                Some(Fetched::Seen(item)) => *item,
                Some(Fetched::Gone { evidence }) => return Err(unreadable(evidence)),
                Some(Fetched::Unclear { reason }) => return Err(unreadable(reason)),
                None => return Err(unreadable("no answer".to_owned())),
            });
        }
        match (read.pop(), read.pop()) {
            (Some(clickup), Some(ado)) => Ok(Sided { ado, clickup }),
            (_, _) => Err(ResolveError::Unknown(conflict.id)),
        }
    }
}

/// A choice that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// When it had been made.
    pub made: Timestamp,
    /// Where a write of it was sent and had no answer that settles it: it may be in force there. With when it was sent.
    pub sent: Vec<(Side, ItemId, Timestamp)>,
}

/// Takes a choice back that no cycle has carried out yet. The conflict is as it was before: open, or settled by the rule. A
/// write that an earlier cycle sent is not taken back; who asked is told of it.
///
/// # Errors
/// A sentence for the person; nothing was changed then.
pub fn withdraw(store: &mut Store, id: i64) -> Result<Withdrawn, ResolveError> {
    let conflict = store.conflict(id)?.ok_or(ResolveError::Unknown(id))?;
    let (link, field) = (conflict.record.link, conflict.record.field);
    let items = conflict.record.items;
    let choices = match store.choices(link) {
        // One that cannot be read stops its pair: taking it back is a way out.
        Err(StoreError::Choice { conflict, .. }) if conflict == id => None,
        choices => Some(choices?),
    };
    let made = match choices {
        None => conflict.record.at,
        Some(choices) => {
            let waiting = choices.into_iter().find(|choice| choice.conflict == id);
            let spent = conflict.settled_by == Some(SettledBy::Person);
            let waiting = waiting.ok_or(ResolveError::NothingChosen { id, spent })?;
            waiting.at
        }
    };
    let mut sent = Vec::new();
    for (side, item) in items.iter() {
        // No run has this name, so the last one counts too.
        let write = store.open_write(link, side, "")?;
        let of_it = |write: &NewJournal| {
            write.at >= made && write.changes.contains_key(&Subject::from(&field))
        };
        sent.extend(
            write
                .filter(of_it)
                .map(|write| (side, item.clone(), write.at)),
        );
    }
    // A cycle that was killed may have written half of it: the next one looks at what is there.
    let again = again_op(store, &conflict.record.pair, link)?;
    store.commit(&Batch(vec![
        Op::Choice(ChoiceOp::Drop { link, field }),
        again,
    ]))?;
    Ok(Withdrawn { made, sent })
}

/// Names a field of which nobody knows whether it is the one any more that its entry stands for.
fn as_it_was(field: &FieldKey) -> String {
    format!("{field}, as the configuration had it then,")
}

/// Returns the conflict where a choice can still be about it.
fn open_to_choice(store: &Store, id: i64) -> Result<Conflict, ResolveError> {
    let conflict = store.conflict(id)?.ok_or(ResolveError::Unknown(id))?;
    let record = &conflict.record;
    let living = store
        .link(record.link)?
        .is_some_and(|link| link.state.is_living());
    if !living {
        return Err(ResolveError::Dissolved {
            id,
            ado: record.items.ado.to_string(),
            clickup: record.items.clickup.to_string(),
        });
    }
    let newest = store.newest_conflict(record.link, &record.field)?;
    if let Some(by) = newest.filter(|newest| *newest != id) {
        return Err(ResolveError::Replaced { id, by });
    }
    if conflict.settled_by == Some(SettledBy::Unsynced) {
        let what = as_it_was(&record.field);
        return Err(ResolveError::Unmapped { id, what });
    }
    if conflict.resolved_at.is_some() && record.taken.is_none() {
        return Err(ResolveError::Over(id));
    }
    Ok(conflict)
}

/// Returns the value that is chosen, and in whose vocabulary it is.
fn picked(conflict: &Conflict, pick: Pick) -> Result<(Side, FieldValue), ResolveError> {
    let record = &conflict.record;
    match (pick, &record.field) {
        (Pick::Side(side), _) => Ok((side, record.now.get(side).clone())),
        (Pick::Merged(text), field) => match field
            .kind_of([&record.now.ado, &record.now.clickup])
            .typed(&text)
        {
            Some(value) => Ok((Side::Ado, value)),
            None => Err(ResolveError::NoText {
                field: field.clone(),
            }),
        },
    }
}

/// Refuses where a side moved on since the conflict was recorded.
fn refuse_newer(
    store: &Store,
    conflict: &Conflict,
    now: &Sided<FieldValue>,
    policy: &Policy,
) -> Result<(), ResolveError> {
    let record = &conflict.record;
    let choices = match store.choices(record.link) {
        // Whoever chooses again does so because of that.
        Err(StoreError::Choice { .. }) => Vec::new(),
        choices => choices?,
    };
    let mut choices = choices.into_iter();
    let waiting = choices.find(|choice| choice.field == record.field);
    let recorded = Recorded {
        found: record.now.clone(),
        after: conflict.after.clone(),
        // A choice that waits has put its own side there; what won before is in `after`.
        taken: record.taken.filter(|_| waiting.is_none()),
        waiting: waiting.map(|choice| chosen_of(store, choice)).transpose()?,
    };
    match moved_on(&record.field, &recorded, now, policy) {
        Some(side) => Err(ResolveError::Moved {
            id: conflict.id,
            side,
            now: now.get(side).clone(),
        }),
        None => Ok(()),
    }
}
