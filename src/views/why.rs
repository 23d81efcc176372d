//! What is known of one item, field by field: the base beside what both services have now.

use crate::engine::observe::Observed;
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided};
use crate::reason::Outcome;
use crate::render;
use crate::store::{LinkRow, LinkState, Store, StoreError};
use serde::{Serialize, Serializer};

/// One link with its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// The pair.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Every field that the pair syncs.
    pub fields: Vec<FieldWhy>,
    /// The last run that wrote to either item; `None`: none that the journal still has.
    pub last_run: Option<String>,
    /// Why something about the link is held, in words. Not in JSON: what is held of a field stands in its decision.
    #[serde(skip)]
    pub held: Vec<String>,
}

/// One field of a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldWhy {
    /// The field.
    pub field: FieldKey,
    /// What each side held when the two last agreed; `None`: they never did.
    #[serde(serialize_with = "plain")]
    pub base: Option<Sided<FieldValue>>,
    /// What the work item has now, in words; that the service told nothing of it is said too.
    pub ado: String,
    /// The same of the task.
    pub clickup: String,
    /// What the next plan makes of that, in words.
    pub decision: String,
}

fn plain<S: Serializer>(base: &Option<Sided<FieldValue>>, to: S) -> Result<S::Ok, S::Error> {
    let plain = |base: &Sided<FieldValue>| base.as_ref().map(|_, value| render::plain(value));
    base.as_ref().map(plain).serialize(to)
}

/// Reads both items of a link and says how they stand; `None`: the link has ended, or its pair is no longer configured.
///
/// # Errors
/// A service that cannot be read, or the database.
pub async fn why(engine: &Engine, link: &LinkRow) -> Result<Option<Why>, CycleError> {
    if !link.state.is_living() {
        return Ok(None);
    }
    let seen = engine.look(&link.pair, link.id).await?;
    let store = engine.store();
    let Some(policy) = engine.policy(&link.pair) else {
        return Ok(None);
    };
    let base = store.base(link.id)?;
    let value = |side: Side, field: &FieldKey| {
        let item = seen.items().get(side).get(link.item(side));
        item.and_then(|item| item.fields.get(field))
            .map_or_else(|| "(no information)".to_owned(), ToString::to_string)
    };
    let fields = policy.fields.keys().map(|field| FieldWhy {
        field: field.clone(),
        base: base
            .get(field)
            .map(|base| base.as_ref().map(|_, half| half.value().clone())),
        ado: value(Side::Ado, field),
        clickup: value(Side::ClickUp, field),
        decision: decision(&seen, link.id, field),
    });
    let holds = store.holds(Some(&link.pair))?.into_iter();
    Ok(Some(Why {
        pair: link.pair.clone(),
        ado: link.ado.clone(),
        clickup: link.clickup.clone(),
        fields: fields.collect(),
        last_run: last_run(&store, link)?,
        held: holds
            .filter(|hold| hold.link == Some(link.id))
            .map(|hold| hold.reason())
            .collect(),
    }))
}

fn last_run(store: &Store, link: &LinkRow) -> Result<Option<String>, StoreError> {
    let lines = store.journal_of(Some(Side::Ado), &link.ado)?;
    let last = lines
        .into_iter()
        .rev()
        .find(|line| line.entry.outcome == Outcome::Done && line.entry.pair == link.pair);
    Ok(last.map(|line| line.entry.cycle))
}

fn decision(seen: &Observed, link: LinkId, field: &FieldKey) -> String {
    for pair in &seen.plan().pairs {
        for action in pair
            .actions
            .iter()
            .filter(|action| action.link == Some(link))
        {
            if let Some(change) = action.changes.iter().find(|change| change.field == *field) {
                return format!("write to {}: {}", action.target, change.reason);
            }
        }
        if let Some(hold) = pair
            .holds
            .iter()
            .find(|hold| hold.link == Some(link) && hold.subject == *field)
        {
            return format!("held: {}", hold.reason());
        }
        if pair
            .conflicts
            .iter()
            .any(|conflict| conflict.link == link && conflict.field == *field)
        {
            return "conflict, held".to_owned();
        }
        if pair
            .rebases
            .iter()
            .any(|rebase| rebase.link == link && rebase.fields.contains_key(field))
        {
            return "both sides agree".to_owned();
        }
    }
    "unchanged since the base".to_owned()
}

/// Returns what is known of an item beside living links: what it waits for, links that ended, or that there is nothing
/// at all. `links`: all of its links.
///
/// # Errors
/// Only the database's.
pub fn alone(store: &Store, links: &[LinkRow], item: &ItemId) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for hold in store.holds(None)? {
        if hold.link.is_none() && hold.item.as_ref() == Some(item) {
            lines.push(format!("{}: {item} is held: {}", hold.pair, hold.reason()));
        }
    }
    for link in links {
        if let LinkState::Tombstone { why } = &link.state {
            lines.push(format!(
                "{}: the link of work item {} and task {} ended: {why}",
                link.pair, link.ado, link.clickup
            ));
        }
    }
    if lines.is_empty() && links.is_empty() {
        lines.push(format!("{item} is not linked, and nothing waits for it"));
    }
    Ok(lines)
}
