//! `status`, `why`, `history`, `conflicts` and `links`: what is stored, and small changes of it.

use super::setup;
use super::{Context, Failure, print, print_json};
use crate::cli::{ExitCode, Take};
use crate::config::{Config, Poll};
use crate::engine::observe;
use crate::model::{
    Clock, FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided, TextFormat, Timestamp,
};
use crate::reconcile::plan::Conflict;
use crate::render::{self, ConflictRow};
use crate::store::{Batch, LinkRow, LinkState, Op, Store, StoreError};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use tokio_util::sync::CancellationToken;

fn config(context: &Context) -> Result<Config, Failure> {
    setup::config(context.global.config.as_deref())
}

fn read_only(config: &Config) -> Result<Store, Failure> {
    Ok(setup::open_state_read_only(config)?.0)
}

/// Takes `123`, `86d3f01jq` or either address and returns the bare id.
fn item_id(text: &str) -> ItemId {
    let text = text.trim().trim_start_matches('#');
    let path = text.split(['?', '#']).next().unwrap_or(text);
    ItemId(
        path.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .to_owned(),
    )
}

fn links_of(store: &Store, text: &str) -> Result<Vec<LinkRow>, Failure> {
    let id = item_id(text);
    let rows = store.find_item(&id)?;
    if rows.is_empty() {
        return Err(Failure::new(
            ExitCode::Usage,
            format!(
                "{id} is in no link; `boardsync links` lists them, and `boardsync plan` shows what is new"
            ),
        ));
    }
    Ok(rows)
}

fn ago(now: Timestamp, at: Option<Timestamp>) -> String {
    match at {
        None => "never".to_owned(),
        Some(at) => {
            let seconds = u64::try_from(now.since(at) / 1000).unwrap_or(0);
            format!(
                "{} ago",
                humantime::format_duration(std::time::Duration::from_secs(seconds))
            )
        }
    }
}

/// `status`: per pair, how fresh and how clean. Leaves with 3 when something is stale, held or open.
pub fn status(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let now = crate::clock::SystemClock.now();
    let stale_after = match &config.schedule.poll {
        Poll::Every(every) => i64::try_from(every.as_millis())
            .unwrap_or(i64::MAX)
            .saturating_mul(5)
            .max(300_000),
        Poll::Cron(_) => 24 * 3_600_000,
    };
    let intents = store.open_intents()?;
    let conflicts = store.conflicts(true)?;
    let (mut rows, mut values, mut clean) = (Vec::new(), Vec::new(), true);
    for pair in &config.pairs {
        let state = store.pair_state(&pair.name)?;
        let links = store.count_links(&pair.name)?;
        let holds = store.holds(Some(&pair.name))?.len();
        let open = intents
            .iter()
            .filter(|intent| intent.pair == pair.name)
            .count();
        let open_conflicts = conflicts
            .iter()
            .filter(|conflict| conflict.record.pair == pair.name)
            .count();
        let stale = state
            .last_success
            .is_none_or(|at| now.since(at) > stale_after);
        let approved = state.fingerprint.as_deref() == Some(pair.fingerprint.as_str());
        let note = match (&state.last_error, approved, stale) {
            (Some(error), _, _) => error.clone(),
            (None, false, _) => "waits for a first yes".to_owned(),
            (None, true, true) => "stale".to_owned(),
            (None, true, false) => "ok".to_owned(),
        };
        clean &= note == "ok" && holds + open + open_conflicts == 0;
        rows.push(vec![
            pair.name.0.clone(),
            ago(now, state.last_success),
            links.to_string(),
            open.to_string(),
            open_conflicts.to_string(),
            holds.to_string(),
            note.clone(),
        ]);
        values.push(json!({
            "pair": pair.name, "last_success_ms": state.last_success, "last_attempt_ms": state.last_attempt,
            "last_sweep_ms": state.last_sweep, "stale": stale, "approved": approved, "links": links,
            "open_intents": open, "open_conflicts": open_conflicts, "holds": holds, "note": note,
        }));
    }
    if context.global.json {
        print_json(&json!({ "format_version": 1, "pairs": values }));
    } else {
        let headers = [
            "pair",
            "last success",
            "links",
            "creates open",
            "conflicts",
            "held",
            "state",
        ];
        print(&render::table(&headers, &rows, &context.style));
        for hold in store.holds(None)? {
            let item = hold
                .item
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let side = hold.side.map_or_else(String::new, |side| side.to_string());
            let field = hold
                .field
                .map_or_else(String::new, |field| format!(" {field}"));
            print(&render::escape(&format!(
                "held: {side} {item}{field}: {}",
                hold.reason
            )));
            print("\n");
        }
    }
    Ok(if clean {
        ExitCode::Done
    } else {
        ExitCode::Partial
    })
}

/// `why`: base and both present values per field, and what the next plan would do.
pub async fn why(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (store, key) = setup::open_state_read_only(&config)?;
    let links = links_of(&store, item)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    for link in links
        .iter()
        .filter(|link| !matches!(link.state, LinkState::Tombstone { .. }))
    {
        let seen = engine.look(&link.pair, link.id).await?;
        let (base, holds) = {
            let store = engine.store();
            (store.base(link.id)?, store.holds(Some(&link.pair))?)
        };
        let value = |side: Side, field: &FieldKey| {
            seen.items
                .get(side)
                .get(link.item(side))
                .and_then(|item| item.fields.get(field))
                .map_or_else(|| "(no information)".to_owned(), ToString::to_string)
        };
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        let Some(policy) = engine.policy(&link.pair) else {
            continue;
        };
        for field in policy.fields.keys() {
            let agreed = base.get(field);
            let shown = |value: Option<&FieldValue>| {
                value.map_or_else(|| "(none)".to_owned(), ToString::to_string)
            };
            let decision = decision(&seen, link.id, field);
            let bases = [
                shown(agreed.map(|base| &base.ado)),
                shown(agreed.map(|base| &base.clickup)),
            ];
            rows.push(vec![
                field.to_string(),
                if bases.first() == bases.last() {
                    bases.first().cloned().unwrap_or_default()
                } else {
                    bases.join(" | ")
                },
                value(Side::Ado, field),
                value(Side::ClickUp, field),
                decision.clone(),
            ]);
            values.push(json!({
                "field": field, "base": agreed.map(|b| json!({ "ado": b.ado, "clickup": b.clickup })),
                "ado": value(Side::Ado, field), "clickup": value(Side::ClickUp, field), "decision": decision,
            }));
        }
        if context.global.json {
            print_json(
                &json!({ "format_version": 1, "pair": link.pair, "ado": link.ado, "clickup": link.clickup, "fields": values }),
            );
            continue;
        }
        print(&format!(
            "{}: work item {} <-> task {}\n",
            link.pair, link.ado, link.clickup
        ));
        print(&render::table(
            &["field", "base", "Azure DevOps", "ClickUp", "decision"],
            &rows,
            &context.style,
        ));
        for hold in holds.iter().filter(|hold| hold.link == Some(link.id)) {
            print(&render::escape(&format!("held: {}", hold.reason)));
            print("\n");
        }
    }
    Ok(ExitCode::Done)
}

fn decision(seen: &observe::Observed, link: LinkId, field: &FieldKey) -> String {
    for pair in &seen.plan.pairs {
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
            .find(|hold| hold.link == Some(link) && hold.field.as_ref() == Some(field))
        {
            return format!("held: {}", hold.reason);
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

/// `history`: everything that was ever done to an item.
pub fn history(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let mut entries = BTreeMap::new();
    for link in links_of(&store, item)? {
        for side in Side::BOTH {
            for row in store.journal_of(Some(side), link.item(side))? {
                entries.insert(row.id, row.entry);
            }
        }
    }
    if context.global.json {
        let rows: Vec<_> = entries
            .values()
            .map(|e| {
                let changes: Vec<_> = e
                    .changes
                    .iter()
                    .map(|(field, change)| json!({ "field": field, "before": change.before, "after": change.after }))
                    .collect();
                json!({ "at_ms": e.at, "cycle": e.cycle, "pair": e.pair, "side": e.side, "item": e.item, "kind": e.kind,
                        "outcome": e.outcome, "detail": e.detail, "changes": changes })
            })
            .collect();
        print_json(&json!({ "format_version": 1, "entries": rows }));
        return Ok(ExitCode::Done);
    }
    for entry in entries.values() {
        let item = entry
            .item
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        print(&render::escape(&format!(
            "{}  {} {} {item}: {} {}",
            entry.at, entry.kind, entry.side, entry.outcome, entry.detail
        )));
        print("\n");
        for (field, change) in &entry.changes {
            let shown = |value: &Option<FieldValue>| {
                value
                    .as_ref()
                    .map_or_else(|| "(none)".to_owned(), |v| format!("{v}"))
            };
            print(&render::escape(&format!(
                "    {field}: {} -> {}",
                shown(&change.before),
                shown(&change.after)
            )));
            print("\n");
        }
    }
    Ok(ExitCode::Done)
}

/// Turns a stored conflict into one that can be shown. The title is the one read last, either side's; empty when
/// neither item was ever read.
pub(super) fn row(
    store: &Store,
    stored: &crate::store::Conflict,
) -> Result<ConflictRow, StoreError> {
    let r = &stored.record;
    let mut title = None;
    for (side, id) in [(Side::Ado, &r.ado), (Side::ClickUp, &r.clickup)] {
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
        conflict: Conflict {
            link: r.link,
            items: Sided {
                ado: r.ado.clone(),
                clickup: r.clickup.clone(),
            },
            title: title.unwrap_or_default(),
            field: r.field.clone(),
            base,
            now: Sided {
                ado: r.ado_value.clone(),
                clickup: r.clickup_value.clone(),
            },
            raw: Sided {
                ado: r.ado_raw.clone(),
                clickup: r.clickup_raw.clone(),
            },
            versions: Sided {
                ado: r.ado_version,
                clickup: r.clickup_version,
            },
            taken: r.taken,
        },
    })
}

/// `conflicts list`.
pub fn conflicts(context: &Context) -> Result<ExitCode, Failure> {
    let store = read_only(&config(context)?)?;
    let rows = store
        .conflicts(false)?
        .iter()
        // One that closed without a winner, because both sides came to agree, has nothing left to show.
        .filter(|stored| stored.resolved_at.is_none() || stored.record.taken.is_some())
        .map(|stored| row(&store, stored))
        .collect::<Result<Vec<ConflictRow>, StoreError>>()?;
    if context.global.json {
        print_json(&render::conflict_list_json(&rows));
    } else {
        print(&render::conflict_list(&rows, &context.style));
    }
    Ok(ExitCode::Done)
}

fn find(store: &Store, id: i64) -> Result<crate::store::Conflict, Failure> {
    store.conflict(id)?.ok_or_else(|| {
        Failure::new(
            ExitCode::Usage,
            format!("there is no conflict {id}; `boardsync conflicts` lists them"),
        )
    })
}

/// `conflicts show ID`.
pub fn conflict(context: &Context, id: i64) -> Result<ExitCode, Failure> {
    let store = read_only(&config(context)?)?;
    let row = row(&store, &find(&store, id)?)?;
    if context.global.json {
        print_json(&render::conflict_list_json(&[row]));
    } else {
        print(&render::conflict_show(&row, &context.style));
    }
    Ok(ExitCode::Done)
}

/// `conflicts resolve ID`: remembers the choice; the next cycle writes it to wherever it is not yet.
pub fn resolve(
    context: &Context,
    id: i64,
    take: Take,
    file: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let (_lock, mut store, _) = setup::open_state(&config)?;
    let record = find(&store, id)?.record;
    let (side, value) = match (take, file) {
        (Take::Ado, None) => (Side::Ado, record.ado_value.clone()),
        (Take::ClickUp, None) => (Side::ClickUp, record.clickup_value.clone()),
        (Take::Ado | Take::ClickUp, Some(_)) => {
            return Err(Failure::new(
                ExitCode::Usage,
                "a FILE goes with --take merged only",
            ));
        }
        (Take::Merged, None) => {
            return Err(Failure::new(
                ExitCode::Usage,
                "--take merged needs a FILE with the merged text",
            ));
        }
        (Take::Merged, Some(path)) => (Side::Ado, merged(&record.field, path)?),
    };
    let key = crate::engine::observe::chosen_key(record.link);
    let mut chosen: BTreeMap<FieldKey, (Side, FieldValue)> = store
        .meta(&key)?
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    chosen.insert(record.field.clone(), (side, value));
    store.set_meta(&key, &serde_json::to_string(&chosen).unwrap_or_default())?;
    remember(&mut store, &record.pair, record.link)?;
    if find(&store, id)?.resolved_at.is_none() {
        let at = crate::clock::SystemClock.now();
        store.commit(&Batch(vec![Op::ResolveConflict {
            id,
            taken: Some(side),
            at,
        }]))?;
    }
    print(&format!(
        "conflict {id}: the choice is written in the next cycle (boardsync reconcile --once)\n"
    ));
    Ok(ExitCode::Done)
}

fn merged(field: &FieldKey, path: &Path) -> Result<FieldValue, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            ExitCode::Usage,
            format!("cannot read {}: {error}", path.display()),
        )
    })?;
    match field {
        FieldKey::Description => Ok(FieldValue::rich(crate::markup::canonical(
            TextFormat::Markdown,
            &text,
        ))),
        FieldKey::Title => Ok(FieldValue::text(&text)),
        other => Err(Failure::new(
            ExitCode::Usage,
            format!("{other} is not a text; take ado or clickup"),
        )),
    }
}

/// Puts a link on the list of those that the next cycle looks at, whatever the listings say.
fn remember(store: &mut Store, pair: &PairName, link: LinkId) -> Result<(), Failure> {
    let key = observe::again_key(pair);
    let mut ids: std::collections::BTreeSet<LinkId> = store
        .meta(&key)?
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    ids.insert(link);
    store.set_meta(&key, &serde_json::to_string(&ids).unwrap_or_default())?;
    Ok(())
}

/// `links list`.
pub fn links(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for pair in &config.pairs {
        for link in store.links(&pair.name)? {
            let state = match &link.state {
                LinkState::Active => "active".to_owned(),
                LinkState::OutOfScope => "out of scope".to_owned(),
                LinkState::Missing { side, .. } => format!("missing in {side}"),
                LinkState::Tombstone { reason } => format!("dissolved: {reason}"),
            };
            values.push(json!({ "id": link.id, "pair": link.pair, "ado": link.ado, "clickup": link.clickup, "state": state }));
            rows.push(vec![
                link.pair.0.clone(),
                link.ado.0.clone(),
                link.clickup.0.clone(),
                state,
            ]);
        }
    }
    if context.global.json {
        print_json(&json!({ "format_version": 1, "links": values }));
    } else if rows.is_empty() {
        print("no links yet\n");
    } else {
        print(&render::table(
            &["pair", "work item", "task", "state"],
            &rows,
            &context.style,
        ));
    }
    Ok(ExitCode::Done)
}

/// `links add`: pairs two existing items. Fields in which they differ become conflicts; nothing is overwritten.
pub async fn link(
    context: &Context,
    pair: &str,
    work_item: &str,
    task: &str,
) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let pair = PairName(pair.to_owned());
    if config.pair(&pair).is_none() {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("there is no pair \"{pair}\" in the configuration"),
        ));
    }
    let ids = Sided {
        ado: item_id(work_item),
        clickup: item_id(task),
    };
    let services = setup::connect(&config, &CancellationToken::new())?;
    for side in Side::BOTH {
        let wanted = std::collections::BTreeSet::from([ids.get(side).clone()]);
        let answer = services.readers.get(side).fetch_items(&wanted).await?;
        if !matches!(
            answer.get(ids.get(side)),
            Some(crate::connector::Fetched::Seen(_))
        ) {
            return Err(Failure::new(
                ExitCode::Usage,
                format!("{side} has no readable item {}", ids.get(side)),
            ));
        }
    }
    let (_lock, mut store, _) = setup::open_state(&config)?;
    let generation = store
        .find_item(&ids.ado)?
        .iter()
        .map(|link| link.generation.saturating_add(1))
        .max()
        .unwrap_or(0);
    store.commit(&Batch(vec![Op::AddLink {
        pair: pair.clone(),
        ado: ids.ado.clone(),
        clickup: ids.clickup.clone(),
        origin: None,
        generation,
        base: BTreeMap::new(),
        at: crate::clock::SystemClock.now(),
    }]))?;
    if let Some(link) = store.link_by_item(&pair, Side::Ado, &ids.ado)? {
        remember(&mut store, &pair, link.id)?;
    }
    print(&format!(
        "linked {} and {}; `boardsync plan` shows where they differ\n",
        ids.ado, ids.clickup
    ));
    Ok(ExitCode::Done)
}

/// `links remove`: dissolves a link and remembers it, so that neither item is created again.
pub fn unlink(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let (_lock, mut store, _) = setup::open_state(&config)?;
    let at = crate::clock::SystemClock.now();
    let mut removed = 0;
    for link in links_of(&store, item)? {
        if matches!(link.state, LinkState::Tombstone { .. }) {
            continue;
        }
        let state = LinkState::Tombstone {
            reason: "removed by hand".to_owned(),
        };
        store.commit(&Batch(vec![Op::SetLinkState {
            link: link.id,
            state,
            at,
        }]))?;
        print(&format!(
            "{}: {} and {} are no longer kept equal; both items stay\n",
            link.pair, link.ado, link.clickup
        ));
        removed += 1;
    }
    if removed == 0 {
        print("the link was dissolved before\n");
    }
    Ok(ExitCode::Done)
}
