//! Equal titles on both boards: whoever syncs two boards that were kept in step by hand has every item twice already, and
//! a plan that mirrors both would make four of each two.

use super::Page;
use crate::model::{Folded, ItemId, PairName, Side};
use crate::reconcile::plan::{ActionKind, PairPlan};
use crate::render::measure::{cut, pad, width};
use crate::render::paint::{Ink, amount, escape};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many are named before the rest is counted.
const NAMED: usize = 10;

/// Two items with one title, each of which would get a counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Twins {
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Their title, as the work item has it.
    pub title: String,
}

/// Returns the items that a plan would mirror although the other board has one of that title which it would mirror too.
/// Of several with one title each is named once.
pub(in crate::render) fn likely_twins(pair: &PairPlan) -> Vec<Twins> {
    let made = |target: Side| {
        let actions = pair.actions.iter();
        actions.filter(move |action| action.kind == ActionKind::Create && action.target == target)
    };
    let mut tasks: BTreeMap<String, Vec<&ItemId>> = BTreeMap::new();
    for action in made(Side::Ado) {
        if let Some(task) = &action.source_item {
            let title = Folded::new(&action.title).key;
            tasks.entry(title).or_default().push(task);
        }
    }
    let mut twins = Vec::new();
    for action in made(Side::ClickUp) {
        let same = tasks.get_mut(&Folded::new(&action.title).key);
        let same = same
            .filter(|same| !same.is_empty())
            .map(|same| same.remove(0));
        if let (Some(task), Some(item)) = (same, &action.source_item) {
            twins.push(Twins {
                ado: item.clone(),
                clickup: task.clone(),
                title: action.title.clone(),
            });
        }
    }
    twins
}

impl Page<'_> {
    /// Points the likely twins out, before the creates.
    pub(super) fn twins(&mut self, pair: &PairPlan) {
        let twins = likely_twins(pair);
        let Some(first) = twins.first() else { return };
        let head = match twins.len() {
            1 => "1 title stands on both boards without a link.".to_owned(),
            n => format!("{} titles stand on both boards without a link.", amount(n)),
        };
        let head = self.style.paint(Ink::Warn, &format!("! {head}"));
        self.line("  ", &head);
        // A plan that waits for nobody is carried out by the next cycle.
        let until = match pair.waits_for_a_yes() || pair.guarded().next().is_some() {
            true => "you say yes",
            false => "the next cycle",
        };
        self.sentence(
            "    ",
            &format!(
                "As planned, each board gets a second item of that title. If the two are one thing, link them before {until}:"
            ),
        );
        let most = match self.show.all {
            true => usize::MAX,
            false => NAMED,
        };
        let ids = |twins: &Twins| {
            format!(
                "ADO {} and ClickUp {}",
                escape(twins.ado.as_str()),
                escape(twins.clickup.as_str())
            )
        };
        let wide = twins.iter().take(most).map(|t| width(&ids(t))).max();
        let wide = wide.unwrap_or_default();
        for twins in twins.iter().take(most) {
            let room = self.style.columns().saturating_sub(wide + 8).max(20);
            let title = cut(&escape(&twins.title), room);
            self.line("      ", &format!("{}  {title}", pad(&ids(twins), wide)));
        }
        if let Some(rest) = twins.len().checked_sub(most).filter(|n| *n > 0) {
            self.line(
                "      ",
                &format!(
                    "... and {} more (all of them: {})",
                    amount(rest),
                    self.show.whole.unwrap_or("--all")
                ),
            );
        }
        let command = link_command(self.show.program, &pair.pair, first);
        self.line("    ", &command);
        self.out.push('\n');
    }
}

fn link_command(program: &str, pair: &PairName, twins: &Twins) -> String {
    let (ado, clickup) = (escape(twins.ado.as_str()), escape(twins.clickup.as_str()));
    format!("{program} links add {} {ado} {clickup}", escape(&pair.0))
}
