//! `conflicts`: what both sides changed differently, and a person's choice.

use super::super::{Context, Failure, print, print_json, setup};
use super::{config, read_only, remember};
use crate::cli::{ExitCode, Take};
use crate::engine::observe;
use crate::model::{Clock, FieldKey, FieldValue, Side, Sided, TextFormat};
use crate::reconcile::plan::Conflict;
use crate::render::{self, ConflictRow};
use crate::store::{Batch, Op, Store, StoreError};
use std::path::Path;

/// Turns a stored conflict into one that can be shown. The title is the one read last, either side's; empty when
/// neither item was ever read.
pub fn row(store: &Store, stored: &crate::store::Conflict) -> Result<ConflictRow, StoreError> {
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
    let mut chosen = observe::chosen(&store, record.link)?;
    chosen.insert(record.field.clone(), (side, value));
    let key = observe::chosen_key(record.link);
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
