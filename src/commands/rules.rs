//! From a configuration, and what the services say of their own words, to the rules of each pair.

use super::setup::Sources;
use super::{Failure, customs};
use crate::clock::SystemClock;
use crate::config::{
    Config, ConflictPolicy, CreateSide, OnDelete as Removal, Pair, Parents, Places,
};
use crate::connector::{ConnectorError, ErrorKind, Schema};
use crate::engine::Engine;
use crate::field::negotiate::Agreed;
use crate::mapping::{People, Relation};
use crate::model::{Clock, FieldKey, Identity, PairName, Side, Sided};
use crate::reconcile::identity;
use crate::reconcile::policy::{FieldPolicy, GuardLimits, Lacks, OnDelete, Policy};
use crate::store::{Batch, Op, Store, StoreError};
use std::collections::BTreeMap;
use std::time::Instant;

/// A vocabulary that is refused for one pair is no reason to stop the others: without it nothing is known of the pair's
/// states, and its listing says what is wrong.
fn own_trouble(schema: Result<Schema, ConnectorError>) -> Result<Schema, ConnectorError> {
    match schema {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
            tracing::warn!("states and fields are not known: {error}");
            Ok(Schema {
                customs_unread: Some(error.to_string()),
                ..Schema::default()
            })
        }
        other => other,
    }
}

/// Compares what the fields of each pair stand for with what they stood for when they were synced last. A store that was opened
/// for looking follows in memory alone.
pub(super) fn follow_fields(
    config: &Config,
    sources: &Sources,
    store: &mut Store,
    policies: &mut [Policy],
) -> Result<(), StoreError> {
    for (pair, policy) in config.pairs.iter().zip(policies) {
        let known = stood_for(store, &pair.name)?;
        customs::pause_made_anew(config, policy, &known);
        let agreed = sources.customs.of(&pair.name).unwrap_or_default();
        policy.identities = customs::identities(pair, policy, &agreed);
        let approved = store.pair_state(&pair.name)?.fingerprint;
        if approved.as_deref() == Some(policy.fingerprint.as_str()) {
            // What an earlier release did not store is known as long as the entry is the one that it worked with.
            let mut fields = policy.identities.clone();
            fields.retain(|key, _| known.get(key).is_none_or(|was| was.ado.is_empty()));
            if !fields.is_empty() {
                let pair = pair.name.clone();
                store.commit(&Batch(vec![Op::SetIdentities { pair, fields }]))?;
            }
        }
        let moves = identity::moves(&stood_for(store, &pair.name)?, &policy.identities);
        if !moves.is_empty() {
            let dropped = store.follow(&pair.name, &moves, SystemClock.now())?;
            customs::tell(pair, &moves, &dropped);
        }
        let known = store.identities(&pair.name)?.into_iter();
        policy.since = known.map(|(key, known)| (key, known.since)).collect();
    }
    Ok(())
}

/// What the fields of a pair stood for when they were synced last.
fn stood_for(store: &Store, pair: &PairName) -> Result<BTreeMap<FieldKey, Identity>, StoreError> {
    let known = store.identities(pair)?.into_iter();
    Ok(known.map(|(key, known)| (key, known.is)).collect())
}

/// Returns the rules of every pair.
pub(super) async fn policies(
    config: &Config,
    sources: &Sources,
) -> Result<Vec<Policy>, ConnectorError> {
    let mut policies = Vec::new();
    for pair in &config.pairs {
        policies.push(policy(config, pair, sources).await?);
    }
    Ok(policies)
}

/// Returns whether proposed tables of states, or what custom fields are, were made from kept names that an item has just shown to be
/// out of date. What
/// was planned by them must be planned again, after [`renew`].
pub fn outdated(config: &Config, sources: &Sources) -> bool {
    sources.vocabulary.take_contradicted() && from_names(config)
}

/// Whether any rule is made from the services' own names.
fn from_names(config: &Config) -> bool {
    let of_pair = |pair: &Pair| {
        let mut fields = pair.fields.iter();
        pair.states.is_empty()
            || fields.any(|field| field.key.is_custom() || customs::names_its_own(field))
    };
    config.pairs.iter().any(of_pair)
}

/// Keeps the rules of a daemon up to date. It may run for months, while somebody adds an option to a custom field or a state to
/// a type.
pub struct Upkeep<'a> {
    config: &'a Config,
    sources: Sources,
    made: Instant,
}

impl Upkeep<'_> {
    /// The rules were made just now.
    pub fn new(config: &Config, sources: Sources) -> Upkeep<'_> {
        Upkeep {
            config,
            sources,
            made: Instant::now(),
        }
    }

    /// Makes the rules anew where an item has shown something that they do not know, and otherwise as often as everything is
    /// listed. Names that cannot be read at present change nothing.
    pub async fn look(&mut self, engine: &mut Engine) {
        let old = self.made.elapsed() >= self.config.schedule.sweep && from_names(self.config);
        if !outdated(self.config, &self.sources) && !old {
            return;
        }
        self.made = Instant::now();
        // The next cycle says what is wrong with a service that cannot be read.
        let renewed = renew(self.config, &self.sources, engine).await.is_ok();
        tracing::debug!(renewed, "states and custom fields were asked for anew");
    }
}

/// Makes proposed tables of states, and what custom fields are, anew, from names as the services have them now.
pub async fn renew(config: &Config, sources: &Sources, engine: &mut Engine) -> Result<(), Failure> {
    let mut policies = policies(config, sources).await?;
    follow_fields(config, sources, &mut engine.store(), &mut policies)?;
    engine.policies = policies;
    Ok(())
}

async fn policy(config: &Config, pair: &Pair, sources: &Sources) -> Result<Policy, ConnectorError> {
    let mut states = pair.states.clone();
    let (mut agreed, mut paused) = Default::default();
    let has_customs = pair.fields.iter().any(|field| field.key.is_custom());
    let has_named = pair.fields.iter().any(customs::names_its_own);
    if states.is_empty() || has_customs || has_named {
        let readers = &sources.readers;
        let schema = Sided {
            ado: own_trouble(readers.ado.fetch_schema(&pair.name).await)?,
            clickup: own_trouble(readers.clickup.fetch_schema(&pair.name).await)?,
        };
        if states.is_empty() {
            states = propose_states(&schema.ado, &schema.clickup);
        }
        if has_customs {
            let mut found = customs::agreements(pair, &schema);
            let earlier = config
                .pairs
                .iter()
                .take_while(|other| other.name != pair.name);
            let earlier =
                earlier.filter_map(|other| Some((other, sources.customs.of(&other.name)?)));
            customs::refuse_clashes(pair, &mut found, earlier);
            (agreed, paused) = customs::split(pair, found, &Places::of(config));
        }
        if has_named {
            let places = Places::of(config);
            paused.extend(customs::without_a_place(pair, &schema.ado, &places));
        }
    }
    let rules = agreed
        .iter()
        .map(|(key, agreed): (&FieldKey, &Agreed)| (key.clone(), agreed.rule.clone()));
    let rules = rules.collect();
    sources.customs.put(&pair.name, agreed);
    let pairs = |rows: &[(String, String)]| {
        Relation::new(rows.iter().map(|(a, c)| (a.as_str(), c.as_str())))
    };
    let winner = |policy: ConflictPolicy| match policy {
        ConflictPolicy::Ado => Some(Side::Ado),
        ConflictPolicy::ClickUp => Some(Side::ClickUp),
        ConflictPolicy::Hold => None,
    };
    let fields = pair
        .fields
        .iter()
        .filter(|field| field.key != FieldKey::Type || !pair.types.is_empty())
        .filter(|field| !paused.contains_key(&field.key))
        .map(|field| {
            let rule = FieldPolicy {
                direction: field.direction,
                winner: winner(field.conflict.unwrap_or(pair.conflict)),
            };
            (field.key.clone(), rule)
        })
        .collect();
    let guard = &config.guard;
    let percent = |value: u32| f64::from(value);
    Ok(Policy {
        pair: pair.name.clone(),
        fingerprint: pair.fingerprint.clone(),
        approved: false,
        create_on: match pair.create {
            CreateSide::Both => vec![Side::Ado, Side::ClickUp],
            CreateSide::Ado => vec![Side::Ado],
            CreateSide::ClickUp => vec![Side::ClickUp],
            CreateSide::None => Vec::new(),
        },
        on_delete: match pair.on_delete {
            Removal::Unlink => OnDelete::Unlink,
            Removal::Close => OnDelete::Close,
            Removal::Delete => OnDelete::Delete,
        },
        fields,
        customs: rules,
        paused,
        identities: BTreeMap::new(),
        since: BTreeMap::new(),
        closed_states: Sided::default(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
        states: pairs(&states),
        types: pairs(&pair.types),
        people: People::new(
            pair.people.iter().map(|(a, c)| (a.as_str(), c.as_str())),
            None,
        ),
        parents: pair.parents == Parents::New,
        backlink: pair.backlink,
        guard: GuardLimits {
            creates: (guard.max_creates, percent(guard.creates_percent)),
            updates: (guard.max_updates, percent(guard.updates_percent)),
            clears: (guard.max_clears, percent(guard.clears_percent)),
            deletes: (guard.max_deletes, percent(guard.deletes_percent)),
            noise: percent(guard.noise_percent),
        },
    })
}

/// Proposes a state table from the categories, where the configuration has none: every ADO state beside the first
/// ClickUp status of the matching kind, and every ClickUp status beside at least one state.
pub(super) fn propose_states(ado: &Schema, clickup: &Schema) -> Vec<(String, String)> {
    let kinds = |category: &str| match category {
        "Proposed" => ["open", "unstarted", "custom"],
        "InProgress" => ["custom", "unstarted", "open"],
        "Resolved" => ["done", "custom", "closed"],
        _ => ["closed", "done", "custom"],
    };
    let mut states: Vec<(&str, &str)> = Vec::new();
    for state in ado.types.iter().flat_map(|kind| &kind.states) {
        if !states.iter().any(|(name, _)| *name == state.name) {
            states.push((&state.name, &state.category));
        }
    }
    let statuses: Vec<(&str, &str)> = clickup
        .types
        .first()
        .map(|kind| {
            kind.states
                .iter()
                .map(|s| (s.name.as_str(), s.category.as_str()))
                .collect()
        })
        .unwrap_or_default();
    let mut rows = Vec::new();
    for (state, category) in &states {
        let status = kinds(category)
            .iter()
            .find_map(|kind| statuses.iter().find(|(_, of)| of == kind));
        if let Some((status, _)) = status {
            rows.push(((*state).to_owned(), (*status).to_owned()));
        }
    }
    for (status, kind) in &statuses {
        if rows.iter().any(|(_, used)| used == status) {
            continue;
        }
        let state = states
            .iter()
            .find(|(_, category)| kinds(category).first() == Some(kind))
            .or(states.first());
        if let Some((state, _)) = state {
            rows.push(((*state).to_owned(), (*status).to_owned()));
        }
    }
    rows
}
