//! What is known of one item, field by field: the base beside what both services have now.

use super::conflicts::unsettled;
use super::status::{HoldView, hold};
use crate::engine::observe::Observed;
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided, Timestamp};
use crate::reason::{ActionWhy, JournalKind, Outcome};
use crate::reconcile::plan::Action;
use crate::render::{self, Standing, rfc3339_if_any};
use crate::store::{self, JournalRow, LinkRow, LinkState, Store, StoreError};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;

/// Everything that is known of one item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct About {
    /// Its living links, in any pair.
    pub links: Vec<Why>,
    /// Its links that ended.
    pub ended: Vec<EndedLink>,
    /// What of it is held although it is in no link.
    pub holds: Vec<HoldView>,
}

/// A link that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndedLink {
    /// The pair.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Why it ended, in words.
    pub why: String,
    /// When; `None`: not known.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub ended_at: Option<Timestamp>,
    /// The run that ended it; `None`: somebody did by hand, or the journal does not reach back so far.
    pub run: Option<String>,
}

/// One link with its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// The pair.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Why an item shows no value at all, in words; `None`: it could be read.
    pub absent: Sided<Option<String>>,
    /// Every field that the pair syncs.
    pub fields: Vec<FieldWhy>,
    /// The last run that wrote to either item; `None`: none that the journal still has.
    pub last_run: Option<String>,
    /// What is held of the link: the whole of it, a field, or something that hangs on an item.
    pub holds: Vec<HoldView>,
}

/// One field of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldWhy {
    /// The field.
    pub field: FieldKey,
    /// What each side held when the two last agreed; `None`: they never did.
    pub base: Option<Sided<FieldValue>>,
    /// What each item has now; `None`: the service told nothing of it.
    pub now: Sided<Option<FieldValue>>,
    /// What the next plan makes of that, in words.
    pub decision: String,
    /// Whether work items of its type have no such field, so that it has no value there.
    pub lacking: bool,
    /// The number of the conflict about it that is open, or in which somebody chose; `None`: there is none.
    pub conflict: Option<i64>,
}

impl Serialize for FieldWhy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            field: &'a FieldKey,
            base: Option<String>,
            base_clickup: Option<String>,
            ado_value: Option<String>,
            clickup_value: Option<String>,
            decision: &'a str,
            conflict: Option<i64>,
        }
        let base = self.base.as_ref();
        Json {
            field: &self.field,
            base: base.map(|base| render::plain(&base.ado)),
            base_clickup: base.map(|base| render::plain(&base.clickup)),
            ado_value: self.now.ado.as_ref().map(render::plain),
            clickup_value: self.now.clickup.as_ref().map(render::plain),
            decision: &self.decision,
            conflict: self.conflict,
        }
        .serialize(to)
    }
}

/// Reads both items of a link and says how they stand; `None`: the link has ended, or its pair is no longer configured.
///
/// # Errors
/// A service that cannot be read, or the database.
async fn why(engine: &Engine, link: &LinkRow) -> Result<Option<Why>, CycleError> {
    if !link.state.is_living() {
        return Ok(None);
    }
    let seen = engine.look(&link.pair, link.id).await?;
    let lacking = lacking(engine, &seen, link).await;
    let store = engine.store();
    let Some(policy) = engine.policy(&link.pair) else {
        return Ok(None);
    };
    let base = store.base(link.id)?;
    let value = |side: Side, field: &FieldKey| {
        let item = seen.items().get(side).get(link.item(side));
        item.and_then(|item| item.fields.get(field)).cloned()
    };
    let is_lacking =
        |field: &FieldKey| lacking.contains(field) && value(Side::Ado, field).is_none();
    // An undo leaves such a conflict between values that are as both sides last agreed: no plan shows it.
    let mut unsettled = unsettled(&store)?;
    unsettled.retain(|(conflict, _)| conflict.record.link == link.id);
    // In the order of the table, which paused fields keep as well.
    let fields: BTreeSet<&FieldKey> = policy.fields.keys().chain(policy.paused.keys()).collect();
    let fields = fields.into_iter().map(|field| {
        let of_field =
            |(conflict, _): &&(store::Conflict, Standing)| conflict.record.field == *field;
        let conflict = unsettled.iter().find(of_field);
        FieldWhy {
            field: field.clone(),
            base: base
                .get(field)
                .map(|base| base.as_ref().map(|_, half| half.value().clone())),
            now: Sided::build(|side| value(side, field)),
            lacking: is_lacking(field),
            decision: match policy.paused.get(field) {
                Some(why) => why.to_string(),
                None if is_lacking(field) => LACKING.to_owned(),
                None => decision(&seen, link.id, field, conflict),
            },
            conflict: conflict.map(|(conflict, _)| conflict.id),
        }
    });
    let mut holds = Vec::new();
    for row in store.holds(Some(&link.pair))? {
        if row.link == Some(link.id) {
            let mut open = unsettled.iter();
            let open = open
                .find(|(one, standing)| matches!(standing, Standing::Open) && one.is_about(&row));
            holds.push(HoldView {
                conflict: open.map(|(one, _)| one.id),
                ..hold(&store, row)?
            });
        }
    }
    Ok(Some(Why {
        pair: link.pair.clone(),
        ado: link.ado.clone(),
        clickup: link.clickup.clone(),
        absent: Sided::build(|side| absent(&seen, side, link.item(side))),
        fields: fields.collect(),
        last_run: last_run(&store, link)?,
        holds,
    }))
}

/// What is made of a field that work items of the type do not have.
const LACKING: &str = "its type has no such field in ADO, so ClickUp's value stays there alone";

/// The synced fields that work items of the type of this one do not have; empty also where that cannot be asked.
async fn lacking(engine: &Engine, seen: &Observed, link: &LinkRow) -> BTreeSet<FieldKey> {
    let item = seen.items().ado.get(&link.ado);
    let kind = item.and_then(|item| item.fields.get(&FieldKey::Type));
    let Some(FieldValue::Choice(kind)) = kind else {
        return BTreeSet::new();
    };
    let reader = &engine.readers.ado;
    let lacking = reader.fetch_lacking(&link.pair, Some(kind)).await;
    lacking.unwrap_or_default()
}

/// Why an item shows no value at all; `None`: it was read, or not asked for.
fn absent(seen: &Observed, side: Side, id: &ItemId) -> Option<String> {
    let found = seen.findings().gone.get(side).get(id)?;
    Some(match found {
        Ok(evidence) => format!("not there: {evidence}"),
        Err(_) => "cannot be read".to_owned(),
    })
}

/// Returns a link that has ended, with the run that ended it.
///
/// # Errors
/// Only the database's.
pub(super) fn ended(
    store: &Store,
    link: &LinkRow,
    why: &ActionWhy,
) -> Result<EndedLink, StoreError> {
    let lines = store.journal_of_link(link.id)?;
    let ends = |line: &&JournalRow| {
        let kind = line.entry.kind;
        let ends = matches!(
            kind,
            JournalKind::Delete | JournalKind::Close | JournalKind::Unlink
        );
        ends && line.entry.outcome == Outcome::Done
    };
    let last = lines.iter().rev().find(ends);
    Ok(EndedLink {
        pair: link.pair.clone(),
        ado: link.ado.clone(),
        clickup: link.clickup.clone(),
        why: why.to_string(),
        ended_at: match last {
            Some(line) => Some(line.entry.at),
            None => store.link_changed_at(link.id)?,
        },
        run: last.map(|line| line.entry.cycle.clone()),
    })
}

fn last_run(store: &Store, link: &LinkRow) -> Result<Option<String>, StoreError> {
    let lines = store.journal_of(Some(Side::Ado), &link.ado)?;
    let last = lines
        .into_iter()
        .rev()
        .find(|line| line.entry.outcome == Outcome::Done && line.entry.pair == link.pair);
    Ok(last.map(|line| line.entry.cycle))
}

/// `conflict`: the one about the field that nobody has settled.
fn decision(
    seen: &Observed,
    link: LinkId,
    field: &FieldKey,
    conflict: Option<&(store::Conflict, Standing)>,
) -> String {
    planned(seen, link, field, conflict.is_some())
        .or_else(|| conflict.map(contested))
        .unwrap_or_else(|| "unchanged since the base".to_owned())
}

fn contested((conflict, standing): &(store::Conflict, Standing)) -> String {
    match standing {
        Standing::Chosen { .. } => format!(
            "conflict {}: somebody chose, and the next cycle carries that out",
            conflict.id
        ),
        Standing::Open | Standing::Settled { .. } => {
            format!("conflict {} is open, waits for a choice", conflict.id)
        }
    }
}

/// What the next plan does about a field; `None`: nothing. `recorded`: its conflict has a number, and is told with
/// it.
fn planned(seen: &Observed, link: LinkId, field: &FieldKey, recorded: bool) -> Option<String> {
    for pair in &seen.plan().pairs {
        let of_link = |action: &&Action| action.link == Some(link);
        // A merge is written to both sides.
        let mut writes = Vec::new();
        for action in pair.actions.iter().filter(of_link) {
            let change = action.changes.iter().find(|change| change.field == *field);
            writes.extend(change.map(|change| (action.target, &change.reason)));
        }
        match writes.as_slice() {
            [] => {}
            [(one, why), (other, as_well)] if why == as_well => {
                return Some(format!("write to {one} and {other}: {why}"));
            }
            writes => {
                let writes = writes.iter();
                let writes: Vec<String> = writes
                    .map(|(side, why)| format!("write to {side}: {why}"))
                    .collect();
                return Some(writes.join("; "));
            }
        }
        for action in pair.actions.iter().filter(of_link) {
            if action.kind.dissolves() {
                let kind = JournalKind::from(action.kind);
                return Some(format!(
                    "{} in {}: {}",
                    kind.key(),
                    action.target,
                    action.reason()
                ));
            }
        }
        let whole = pair.holds.iter();
        let mut whole = whole.filter(|hold| hold.link == Some(link) && hold.subject.is_item());
        if let Some(hold) = whole.next() {
            return Some(format!("held: {}", hold.reason()));
        }
        if let Some(hold) = pair
            .holds
            .iter()
            .find(|hold| hold.link == Some(link) && hold.subject == *field)
        {
            return Some(format!("held: {}", hold.reason()));
        }
        let contested = pair
            .conflicts
            .iter()
            .any(|conflict| conflict.link == link && conflict.field == *field);
        if contested && !recorded {
            return Some("conflict, waits for a choice".to_owned());
        }
        if pair
            .rebases
            .iter()
            .any(|rebase| rebase.link == link && rebase.fields.contains_key(field))
        {
            return Some("both sides agree".to_owned());
        }
    }
    None
}

/// Returns what is known of an item: both values of every field of its living links, links that ended, and what it waits for
/// where it is in none. `None`: nothing at all is known of it. `links`: all of its links.
///
/// # Errors
/// A service that cannot be read, or the database.
pub async fn about(
    engine: &Engine,
    links: &[LinkRow],
    item: &ItemId,
) -> Result<Option<About>, CycleError> {
    let mut found = About {
        links: Vec::new(),
        ended: Vec::new(),
        holds: Vec::new(),
    };
    for link in links {
        match &link.state {
            LinkState::Tombstone { why } => {
                let link = ended(&engine.store(), link, why)?;
                found.ended.push(link);
            }
            LinkState::Active | LinkState::OutOfScope | LinkState::Missing { .. } => {
                found.links.extend(why(engine, link).await?);
            }
        }
    }
    let store = engine.store();
    for row in store.holds(None)? {
        if row.link.is_none() && row.item.as_ref() == Some(item) {
            found.holds.push(hold(&store, row)?);
        }
    }
    let known = !links.is_empty() || !found.holds.is_empty();
    Ok(known.then_some(found))
}
