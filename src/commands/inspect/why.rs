//! `why`: the stored base beside both present values.

use super::super::{Context, Failure, print, print_json, setup};
use super::{config, links_of};
use crate::cli::ExitCode;
use crate::model::FieldValue;
use crate::render;
use crate::views::item_id;
use crate::views::why::{FieldWhy, Why, alone, why as look};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// `why`: base and both present values per field, and what the next plan would do.
pub async fn why(context: &Context, item: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (store, key) = setup::open_state_read_only(&config)?;
    let links = links_of(&store, item)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    if !context.global.json {
        let lines = alone(&engine.store(), &links, &item_id(item))?;
        let lines = lines.iter().map(|line| render::escape(line) + "\n");
        print(&lines.collect::<String>());
    }
    for link in &links {
        let Some(why) = look(&engine, link).await? else {
            continue;
        };
        match context.global.json {
            true => print_json(&versioned(&why)),
            false => show(context, &why),
        }
    }
    Ok(ExitCode::Done)
}

fn versioned(why: &Why) -> Value {
    json!({
        "format_version": 1, "pair": why.pair, "ado": why.ado, "clickup": why.clickup, "fields": why.fields,
        "last_run": why.last_run,
    })
}

fn show(context: &Context, why: &Why) {
    print(&format!(
        "{}: work item {} <-> task {}\n",
        why.pair, why.ado, why.clickup
    ));
    let rows: Vec<_> = why.fields.iter().map(cells).collect();
    print(&render::table(
        &["field", "base", "Azure DevOps", "ClickUp", "decision"],
        &rows,
        &context.style,
    ));
    for held in &why.held {
        print(&render::escape(&format!("held: {held}")));
        print("\n");
    }
    if let Some(run) = &why.last_run {
        print(&format!(
            "last written by run {run}; take that back with: boardsync undo {run}\n"
        ));
    }
}

fn cells(why: &FieldWhy) -> Vec<String> {
    let shown =
        |value: Option<&FieldValue>| value.map_or_else(|| "(none)".to_owned(), ToString::to_string);
    let base = why.base.as_ref();
    let ado = shown(base.map(|base| &base.ado));
    let clickup = shown(base.map(|base| &base.clickup));
    vec![
        why.field.to_string(),
        match ado == clickup {
            true => ado,
            false => format!("{ado} | {clickup}"),
        },
        why.ado.clone(),
        why.clickup.clone(),
        why.decision.clone(),
    ]
}
