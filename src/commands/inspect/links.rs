//! `links`: which items are kept equal, and changes of that by hand.

use super::super::{Context, Failure, print, print_json, setup};
use super::{config, item_id, links_of, read_only, remember};
use crate::cli::ExitCode;
use crate::model::{Clock, PairName, Side, Sided};
use crate::render;
use crate::store::{Batch, LinkRow, LinkState, Op};
use serde_json::json;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

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
    for side in Side::BOTH {
        let id = ids.get(side);
        let rows = store.find_item(id)?;
        let living = |link: &&LinkRow| {
            link.item(side) == id && !matches!(link.state, LinkState::Tombstone { .. })
        };
        if let Some(link) = rows.iter().find(living) {
            let other = link.item(side.other());
            return Err(Failure::new(
                ExitCode::Usage,
                format!(
                    "{side} {id} is linked to {other} in the pair {} already; end that first: boardsync links remove {id}",
                    link.pair
                ),
            ));
        }
    }
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
        let mut ops = vec![Op::SetLinkState {
            link: link.id,
            state,
            at,
        }];
        // What it was held for is over.
        ops.push(Op::SetHoldsFor {
            pair: link.pair.clone(),
            items: Side::BOTH
                .map(|side| (side, link.item(side).clone()))
                .into(),
            holds: Vec::new(),
        });
        for pair in &config.pairs {
            // Where one of the two has moved to, it waits for this.
            let held = store.holds(Some(&pair.name))?;
            let mut items = held.iter().filter_map(|hold| hold.item.as_ref());
            if items.any(|id| *id == link.ado || *id == link.clickup) {
                let mut state = store.pair_state(&pair.name)?;
                state.last_sweep = None;
                let pair = pair.name.clone();
                ops.push(Op::SetPairState { pair, state });
            }
        }
        store.commit(&Batch(ops))?;
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
