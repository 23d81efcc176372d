//! `links takeover`: gives a pair to this installation, by the word of a person.

use super::super::{Context, Failure, print, print_json, setup};
use super::config;
use crate::cli::ExitCode;
use crate::engine::deeds::TakeOverError;
use crate::model::PairName;
use crate::reason::links_add;
use crate::render;
use crate::views::ClaimView;
use serde_json::json;
use tokio_util::sync::CancellationToken;

impl From<TakeOverError> for Failure {
    fn from(error: TakeOverError) -> Self {
        match error {
            TakeOverError::Connector(error) => error.into(),
            TakeOverError::Store(error) => error.into(),
            TakeOverError::Switch(why) => Failure::new(ExitCode::Guard, why),
            TakeOverError::Restless(_) => Failure::new(ExitCode::Unavailable, error.to_string()),
        }
    }
}

/// `links takeover`: from now on the pair is this installation's. Writes at most the claim on the canary.
pub async fn takeover(context: &Context, pair: &str) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let pair = PairName(pair.to_owned());
    let Some(configured) = config.pair(&pair) else {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("there is no pair \"{pair}\" in the configuration"),
        ));
    };
    if config.guard.read_only {
        return Err(Failure::new(
            ExitCode::Guard,
            "[guard] read_only = true: nothing is written; take the line out to take a pair over",
        ));
    }
    let canary = configured.ado.canary.clone();
    let services = setup::connect(&config, &CancellationToken::new())?;
    let (_lock, store, key) = setup::open_state(&config)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    let done = engine.take_over(&services.writers, &pair).await?;
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "pair": pair, "canary": canary,
            "before": done.before.iter().map(ClaimView::from).collect::<Vec<_>>(),
            "claim": done.claim.as_ref().map(ClaimView::from),
        }));
        return Ok(ExitCode::Done);
    }
    let mut text = format!("{pair} is this installation's from now on\n");
    for claim in &done.before {
        text.push_str(&format!(
            "it was claimed by {}\n",
            render::escape(&claim.who())
        ));
    }
    match (&done.claim, &canary) {
        (Some(claim), Some(canary)) => text.push_str(&format!(
            "ADO {canary} carries claim number {}: another boardsync stops before its next plan, or some seconds into a running one\n",
            claim.counter
        )),
        (_, _) => text.push_str(
            "no ado.canary is configured, so nothing stops another boardsync: make sure that it does not run any more\n",
        ),
    }
    text.push_str(&format!(
        "items with another installation's marker stay held; link them with `{}`\n",
        links_add(Some(&pair), None)
    ));
    print(&text);
    Ok(ExitCode::Done)
}
