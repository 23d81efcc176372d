//! What the items say: clocks, and whether each link could be found again without the database.

use super::super::survey::Survey;
use super::super::{Failure, setup, verify};
use super::{Chart, Level};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::marker::{self, MarkerKey};
use crate::model::{Clock, Item, ItemId, PairName, Side, Sided};
use crate::reconcile::Presence;
use crate::render;
use crate::store::{LinkRow, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;

/// A clock that is off by more than this is told.
const SKEW_MS: i64 = 60_000;

/// Reads both sides in full and compares markers with links. Returns what the next plan would link by its markers.
pub(super) async fn examine(
    config: &Config,
    store: Store,
    chart: &mut Chart,
) -> Result<Vec<Value>, Failure> {
    let services = setup::connect(config, &CancellationToken::new())?;
    let pairs: BTreeSet<PairName> = config.pairs.iter().map(|pair| pair.name.clone()).collect();
    let linked = verify::linked(&store, &pairs)?;
    let survey = Survey::take(&services.sources.readers, &pairs, &linked).await?;
    for side in Side::BOTH {
        skew(&services, side, chart);
    }
    let Ok(Some(key)) = crate::store::load_key(&config.state.path) else {
        let found = "not checked: there is no key to check them with";
        chart.add("markers", Level::Warn, found, "see \"key file\"");
        return Ok(Vec::new());
    };
    let mut links = Vec::new();
    for pair in &pairs {
        links.extend(store.links(pair)?);
    }
    let living: Vec<&LinkRow> = links.iter().filter(|link| link.state.is_living()).collect();
    marks(&survey, &key, &living, chart);
    gone(&survey, &living, chart);
    Ok(orphans(&survey, &key, &links, store.path().exists(), chart))
}

fn skew(services: &setup::Services, side: Side, chart: &mut Chart) {
    let clock = match side {
        Side::Ado => "clock to ADO",
        Side::ClickUp => "clock to ClickUp",
    };
    let Some(server) = services.sources.readers.get(side).server_now() else {
        chart.ok(clock, "it said no time");
        return;
    };
    let ahead = SystemClock.now().since(server);
    let found = format!(
        "{} s {} {side}",
        ahead.unsigned_abs() / 1000,
        if ahead < 0 { "behind" } else { "ahead of" }
    );
    if ahead.unsigned_abs() > SKEW_MS.unsigned_abs() {
        chart.add(
            clock,
            Level::Warn,
            found,
            "nothing is decided by this clock, but waits and the journal go by it: set it",
        );
    } else {
        chart.ok(clock, found);
    }
}

/// Whether an item names its counterpart, by a marker of ours.
fn names(key: &MarkerKey, item: &Item, pair: &PairName, side: Side, id: &ItemId) -> bool {
    item.markers
        .iter()
        .filter_map(|text| marker::verify(key, text))
        .any(|marker| marker.pair == *pair && marker.side == side && marker.id == *id)
}

fn marks(survey: &Survey, key: &MarkerKey, links: &[&LinkRow], chart: &mut Chart) {
    let (mut marked, mut backlinked, mut bare, mut foreign) = (0, 0, Vec::new(), Vec::new());
    for link in links {
        let item = |side: Side| survey.items.get(side).get(link.item(side));
        let (Some(ado), Some(clickup)) = (item(Side::Ado), item(Side::ClickUp)) else {
            continue;
        };
        if names(key, ado, &link.pair, Side::ClickUp, &link.clickup)
            || names(key, clickup, &link.pair, Side::Ado, &link.ado)
        {
            marked += 1;
        } else if [ado, clickup].iter().any(|item| !item.markers.is_empty()) {
            foreign.push(format!("{} = {}", link.ado, link.clickup));
        } else if !(ado.backlinks.is_empty() && clickup.backlinks.is_empty()) {
            backlinked += 1;
        } else {
            bare.push(format!("{} = {}", link.ado, link.clickup));
        }
    }
    let found = format!("{marked} links carry our marker, {backlinked} a back-link only");
    chart.ok("markers", found);
    if !foreign.is_empty() {
        chart.add(
            "markers",
            Level::Fail,
            format!(
                "{} a marker that this key did not sign: {}",
                render::plural(foreign.len(), "link has", "links have"),
                first(&foreign)
            ),
            "the key file is another one than at the time: restore FILE.key from a backup",
        );
    }
    if !bare.is_empty() {
        chart.add(
            "markers",
            Level::Warn,
            format!(
                "{} neither marker nor back-link: {}",
                render::plural(bare.len(), "link has", "links have"),
                first(&bare)
            ),
            "keep backups: without the database these items would get new counterparts. The next change of a work item, or one of a task's description, adds it",
        );
    }
}

/// The first few of a list.
fn first(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(5).map(String::as_str).collect();
    match all.len() {
        0..=5 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), more.saturating_sub(5)),
    }
}

/// Links of which an item, or both, cannot be read.
fn gone(survey: &Survey, links: &[&LinkRow], chart: &mut Chart) {
    let (mut both, mut one) = (Vec::new(), Vec::new());
    for link in links {
        let gone = |side: &Side| {
            let now = survey.presence(&link.pair, *side, link.item(*side));
            matches!(now, Presence::Gone { .. } | Presence::Unclear { .. })
        };
        let mut gone = Side::BOTH.into_iter().filter(gone);
        match (gone.next(), gone.next()) {
            (None, _) => {}
            (Some(side), None) => one.push(format!(
                "{side} {} (linked to {} {})",
                link.item(side),
                side.other(),
                link.item(side.other())
            )),
            (Some(_), Some(_)) => both.push(format!("{} = {}", link.ado, link.clickup)),
        }
    }
    if both.is_empty() && one.is_empty() {
        return chart.ok("orphans", "both items of every link can be read");
    }
    if !one.is_empty() {
        chart.add(
            "orphans",
            Level::Warn,
            format!(
                "{} cannot be read, although the counterpart can: {}",
                render::plural(one.len(), "item", "items"),
                first(&one)
            ),
            "`boardsync plan --full` shows what becomes of it; for lost rights, check the tokens",
        );
    }
    if !both.is_empty() {
        chart.add(
            "orphans",
            Level::Warn,
            format!("neither item can be read: {}", first(&both)),
            "the next full cycle dissolves what was deleted; for lost rights, check the tokens",
        );
    }
}

/// Items that carry our marker and that no living link names.
#[derive(Default)]
struct Unlinked {
    /// Those whose link was dissolved.
    apart: Vec<String>,
    /// Those that name an item which is linked to another one.
    copies: Vec<String>,
    /// Those that name an item which no listing of their pair shows.
    alone: Vec<String>,
    /// The others, as links: what is left when a database is lost.
    found: BTreeMap<(PairName, ItemId), ItemId>,
    /// How many items stand in `found`: of a link both halves may be marked.
    carrying: usize,
}

impl Unlinked {
    fn among(survey: &Survey, key: &MarkerKey, links: &[LinkRow]) -> Unlinked {
        let mut known: Sided<BTreeSet<(PairName, ItemId)>> = Sided::default();
        let mut living: Sided<BTreeSet<(PairName, ItemId)>> = Sided::default();
        for link in links {
            for side in Side::BOTH {
                let of = (link.pair.clone(), link.item(side).clone());
                if link.state.is_living() {
                    living.get_mut(side).insert(of.clone());
                }
                known.get_mut(side).insert(of);
            }
        }
        let mut sorted = Unlinked::default();
        let lists = |side: Side, pair: &PairName, id: &ItemId| {
            let listed = survey.listed.get(side).get(pair);
            listed.is_some_and(|ids| ids.contains(id))
        };
        for side in Side::BOTH {
            for (pair, ids) in survey.listed.get(side) {
                for id in ids {
                    let own = (pair.clone(), id.clone());
                    if living.get(side).contains(&own) {
                        continue;
                    }
                    let markers = survey.items.get(side).get(id).map(|item| &item.markers);
                    let mut ours = markers
                        .into_iter()
                        .flatten()
                        .filter_map(|text| marker::verify(key, text))
                        .filter(|marker| marker.pair == *pair && marker.side != side);
                    let Some(marker) = ours.next() else {
                        continue;
                    };
                    let named = (pair.clone(), marker.id.clone());
                    if known.get(side).contains(&own) {
                        sorted.apart.push(format!("{side} {id}"));
                    } else if living.get(side.other()).contains(&named) {
                        let copy = format!("{side} {id} names {} {}", side.other(), marker.id);
                        sorted.copies.push(copy);
                    } else if !lists(side.other(), pair, &marker.id) {
                        let alone = format!("{side} {id} names {} {}", side.other(), marker.id);
                        sorted.alone.push(alone);
                    } else {
                        sorted.carrying += 1;
                        let Sided { ado, clickup } = Sided::of(side, id.clone(), marker.id);
                        sorted.found.insert((pair.clone(), ado), clickup);
                    }
                }
            }
        }
        sorted
    }
}

/// Tells of the items that carry our marker and belong to no link. The next plan links those that were never dissolved.
fn orphans(
    survey: &Survey,
    key: &MarkerKey,
    links: &[LinkRow],
    database: bool,
    chart: &mut Chart,
) -> Vec<Value> {
    let Unlinked {
        apart,
        copies,
        alone,
        found,
        carrying,
    } = Unlinked::among(survey, key, links);
    let check = if database {
        "unlinked"
    } else {
        "lost database"
    };
    if !apart.is_empty() {
        let found = format!(
            "{} our marker although the link was dissolved: {}. Nothing is written there; `boardsync links add PAIR WORK_ITEM TASK` links two again that are both there",
            render::plural(apart.len(), "item carries", "items carry"),
            first(&apart)
        );
        chart.ok(check, found);
    }
    if !copies.is_empty() {
        let found = format!(
            "{} our marker with an item that is linked to another one, as a copy does: {}",
            render::plural(copies.len(), "item shares", "items share"),
            first(&copies)
        );
        let help = "`boardsync plan` shows what becomes of it; a copy that is to be an item of its own needs no marker";
        chart.add(check, Level::Warn, found, help);
    }
    if !alone.is_empty() {
        let found = format!(
            "{} our marker and {} an item that was deleted or is outside the pair: {}. One whose item was deleted stays alone",
            render::plural(alone.len(), "item carries", "items carry"),
            if alone.len() == 1 { "names" } else { "name" },
            first(&alone)
        );
        chart.ok(check, found);
    }
    if found.is_empty() {
        if apart.is_empty() && copies.is_empty() && alone.is_empty() {
            chart.ok(check, "no item carries our marker without being linked");
        }
        return Vec::new();
    }
    let rows: Vec<String> = found
        .iter()
        .map(|((pair, ado), clickup)| format!("{pair}: {ado} = {clickup}"))
        .collect();
    chart.add(
        check,
        Level::Warn,
        format!(
            "{} together by our marker (on {}) and in no link: {}",
            render::plural(rows.len(), "pair of items belongs", "pairs of items belong"),
            render::plural(carrying, "item", "items"),
            rows.join(", ")
        ),
        "nothing is lost: the next plan links them again and makes no twin; fields that differ then wait as conflicts. \
         `boardsync plan` shows it",
    );
    found
        .into_iter()
        .map(|((pair, ado), clickup)| json!({ "pair": pair, "ado": ado, "clickup": clickup }))
        .collect()
}
