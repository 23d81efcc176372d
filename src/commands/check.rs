//! `check`: the configuration, then the live vocabulary of both services.

use super::setup;
use super::{Context, Failure, print, print_json};
use crate::cli::ExitCode;
use crate::config::Pair;
use crate::connector::Schema;
use crate::model::{Side, Sided};
use serde_json::json;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// Checks the configuration, and with `offline = false` compares it with both services.
pub async fn check(context: &Context, offline: bool) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let mut findings: Vec<String> = config.warnings.clone();
    let warnings = findings.len();
    if !offline {
        let services = setup::connect(&config, &CancellationToken::new())?;
        for pair in &config.pairs {
            let ado = services.readers.ado.fetch_schema(&pair.name).await?;
            let clickup = services.readers.clickup.fetch_schema(&pair.name).await?;
            compare(pair, &Sided { ado, clickup }, &mut findings);
        }
    }
    let bad = findings.len() > warnings;
    if context.global.json {
        print_json(
            &json!({ "format_version": 1, "ok": !bad, "findings": findings, "pairs": config.pairs.len() }),
        );
    } else {
        for finding in &findings {
            print(&format!("{}\n", crate::render::escape(finding)));
        }
        let what = if offline {
            "the configuration is well-formed"
        } else {
            "the configuration fits both services"
        };
        if !bad {
            print(&format!(
                "{}: {what} ({})
",
                config.path.display(),
                crate::render::plural(config.pairs.len(), "pair", "pairs")
            ));
        }
    }
    Ok(if bad {
        ExitCode::Config
    } else {
        ExitCode::Done
    })
}

/// Adds a sentence for everything in the pair that a service does not know.
fn compare(pair: &Pair, schema: &Sided<Schema>, findings: &mut Vec<String>) {
    let name = &pair.name;
    for side in Side::BOTH {
        for finding in &schema.get(side).findings {
            findings.push(format!("{name}: {side}: {finding}"));
        }
    }
    let fold = |text: &str| crate::model::Folded::new(text).key;
    let known = |side: Side| -> BTreeSet<String> {
        schema
            .get(side)
            .types
            .iter()
            .flat_map(|kind| &kind.states)
            .map(|state| fold(&state.name))
            .collect()
    };
    let types: Sided<BTreeSet<String>> = Sided::build(|side| {
        schema
            .get(side)
            .types
            .iter()
            .map(|kind| fold(&kind.name))
            .collect()
    });
    let mut names = |side: Side, what: &str, wanted: &str, have: &BTreeSet<String>| {
        if !have.is_empty() && !have.contains(&fold(wanted)) {
            let list: Vec<&str> = have.iter().map(String::as_str).collect();
            findings.push(format!(
                "{name}: {side} has no {what} \"{wanted}\"; it has: {}",
                list.join(", ")
            ));
        }
    };
    for (ado, clickup) in &pair.types {
        names(Side::Ado, "type", ado, &types.ado);
        names(Side::ClickUp, "type", clickup, &types.clickup);
    }
    let states = Sided::build(known);
    for (ado, clickup) in &pair.states {
        names(Side::Ado, "state", ado, &states.ado);
        names(Side::ClickUp, "status", clickup, &states.clickup);
    }
    let containers: Sided<BTreeSet<String>> = Sided::build(|side| {
        schema
            .get(side)
            .containers
            .iter()
            .map(|(key, _)| fold(key))
            .collect()
    });
    if let Some(area) = &pair.ado.area {
        names(Side::Ado, "area path", area, &containers.ado);
    }
    for list in &pair.clickup.lists {
        names(Side::ClickUp, "readable list", list, &containers.clickup);
    }
    let people: BTreeSet<String> = schema
        .clickup
        .people
        .iter()
        .map(|(key, _)| fold(key))
        .collect();
    for (_, clickup) in &pair.people {
        names(Side::ClickUp, "member", clickup, &people);
    }
    let kinds: Vec<_> = schema
        .ado
        .types
        .iter()
        .filter(|kind| {
            pair.types.is_empty()
                || pair
                    .types
                    .iter()
                    .any(|(ado, _)| fold(ado) == fold(&kind.name))
        })
        .collect();
    let mapped: BTreeSet<&String> = pair.fields.iter().flat_map(|field| &field.ado).collect();
    for kind in kinds.iter().filter(|_| !pair.types.is_empty()) {
        for required in kind.required.iter().filter(|field| !mapped.contains(field)) {
            findings.push(format!(
                "{name}: Azure DevOps type \"{}\" requires {required}, which the pair does not map; creates of it will be refused",
                kind.name
            ));
        }
    }
    for state in states.ado.iter().filter(|_| !pair.states.is_empty()) {
        let used = pair.states.iter().any(|(ado, _)| fold(ado) == *state);
        let wanted = kinds.iter().any(|kind| {
            kind.states
                .iter()
                .any(|s| fold(&s.name) == *state && s.category != "Removed")
        });
        if !used && wanted && !pair.types.is_empty() {
            findings.push(format!("{name}: Azure DevOps state \"{state}\" stands in no row of states; items in it keep their status"));
        }
    }
}
