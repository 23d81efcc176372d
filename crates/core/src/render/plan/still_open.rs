//! What is open in a pair although a plan does not speak of it: nothing about it changed since the last look.

use super::Page;
use crate::model::{FieldKey, ItemId, LinkId, PairName, Side, Sided, Subject};
use crate::reason::code;
use crate::reconcile::plan::{Conflict, Hold, PairPlan};
use crate::render::measure::{cut, width, wrap};
use crate::render::paint::{Ink, amount, escape, plural};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is open in any pair.
pub(super) static NONE: BTreeMap<PairName, StillOpen> = BTreeMap::new();

/// What is open in one pair.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct StillOpen {
    /// Conflicts that nobody has settled.
    pub conflicts: Vec<OpenConflict>,
    /// Items and fields that are held.
    pub holds: Vec<Hold>,
}

/// A conflict that nobody has settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenConflict {
    /// Its number, which `conflicts show` and `conflicts resolve` take.
    pub id: i64,
    /// The link.
    pub link: LinkId,
    /// Both items.
    #[serde(flatten)]
    pub items: Sided<ItemId>,
    /// The field.
    pub field: FieldKey,
    /// Title of the items.
    pub title: String,
}

impl StillOpen {
    /// Returns how much is open, with so many fields that stand still; `None`: nothing.
    pub(super) fn words(&self, paused: usize) -> Option<String> {
        let mut parts = Vec::new();
        if !self.conflicts.is_empty() {
            parts.push(plural(
                self.conflicts.len(),
                "open conflict",
                "open conflicts",
            ));
        }
        let held = self.holds.len().saturating_add(paused);
        if held > 0 {
            parts.push(format!("{} held", amount(held)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Returns what of it the plan does not say itself.
pub(in crate::render) fn beside(still_open: Option<&StillOpen>, plan: &PairPlan) -> StillOpen {
    let Some(still_open) = still_open else {
        return StillOpen::default();
    };
    let conflicts = plan.conflicts.iter();
    let conflicts = conflicts.map(|conflict| (conflict.link, (&conflict.field).into()));
    let holds = plan.holds.iter();
    let holds = holds.filter_map(|hold| Some((hold.link?, hold.subject.clone())));
    // What is written is no longer as it was: somebody chose a value, or what was in the way is gone.
    let linked = plan.actions.iter();
    let linked = linked.filter_map(|action| Some((action.link?, &action.changes)));
    let written = linked.flat_map(|(link, changes)| {
        let changes = changes.iter();
        changes.map(move |change| (link, (&change.field).into()))
    });
    let told: BTreeSet<(LinkId, Subject)> = conflicts.chain(holds).chain(written).collect();
    // A link that ends takes everything with it that was open of it. Example: a task seemed deleted, and is known to be now.
    let ends = |link: LinkId| {
        let mut actions = plan.actions.iter();
        actions.any(|action| action.kind.dissolves() && action.link == Some(link))
    };
    // What was in the way of an item without a link is gone where something is planned for it now. Example: its type is mapped.
    let begun = plan.actions.iter().filter(|action| action.link.is_none());
    let begun: BTreeSet<(Side, &ItemId)> = begun
        .flat_map(|action| {
            let target = action.target_item.as_ref().map(|id| (action.target, id));
            let source = action.source_item.as_ref();
            let source = source.map(|id| (action.target.other(), id));
            [target, source].into_iter().flatten()
        })
        .collect();
    let held = |hold: &Hold| {
        let same = |other: &Hold| {
            other.side == hold.side && other.item == hold.item && other.subject == hold.subject
        };
        let told = hold
            .link
            .is_some_and(|link| ends(link) || told.contains(&(link, hold.subject.clone())));
        told || begun.contains(&(hold.side, &hold.item)) || plan.holds.iter().any(same)
    };
    let in_conflict = |conflict: &&OpenConflict| {
        let field = Subject::from(&conflict.field);
        !ends(conflict.link) && !told.contains(&(conflict.link, field))
    };
    let conflicts = still_open.conflicts.iter().filter(in_conflict);
    // A field whose conflict is open is held because of it; once is enough.
    let open = |hold: &Hold| {
        let mut conflicts = still_open.conflicts.iter();
        let field = hold.subject.field();
        conflicts.any(|open| Some(open.link) == hold.link && Some(&open.field) == field)
    };
    let holds = still_open.holds.iter();
    StillOpen {
        conflicts: conflicts.cloned().collect(),
        holds: holds
            .filter(|hold| !held(hold) && !open(hold))
            .cloned()
            .collect(),
    }
}

impl Page<'_> {
    /// What is open beside the plan of a pair.
    pub(super) fn still_open(&self, pair: &PairPlan) -> StillOpen {
        beside(self.show.still_open.get(&pair.pair), pair)
    }

    /// Whether an earlier cycle held the same for the same reason. The times in a reason may be others.
    pub(super) fn is_known(&self, pair: &PairPlan, hold: &Hold) -> bool {
        let known = self.show.still_open.get(&pair.pair);
        let mut known = known.into_iter().flat_map(|known| &known.holds);
        known.any(|known| {
            known.side == hold.side
                && known.item == hold.item
                && known.subject == hold.subject
                && (known.why == hold.why
                    || hold.why.ends_by_itself() && code(&known.why) == code(&hold.why))
        })
    }

    /// Whether an earlier cycle recorded a conflict, so that `conflicts` lists it.
    pub(super) fn is_recorded(&self, pair: &PairPlan, conflict: &Conflict) -> bool {
        let known = self.show.still_open.get(&pair.pair);
        let mut known = known.into_iter().flat_map(|known| &known.conflicts);
        known.any(|known| known.link == conflict.link && known.field == conflict.field)
    }

    /// Names what is open from before.
    pub(super) fn beside(&mut self, rest: &StillOpen) {
        let Some(words) = rest.words(0) else { return };
        let head = format!("from before, unchanged: {words}");
        let head = self.style.paint(Ink::Warn, &head);
        self.line("  ", &head);
        for open in rest.conflicts.iter().take(self.show.most()) {
            let what = format!(
                "conflict {}: {} of ADO {} = ClickUp {}",
                open.id,
                escape(&open.field.to_string()),
                escape(open.items.ado.as_str()),
                escape(open.items.clickup.as_str())
            );
            // In a narrow terminal the title has a line of its own.
            let beside = self.style.columns().saturating_sub(width(&what) + 6);
            let room = match beside < 20 {
                true => self.style.columns().saturating_sub(6),
                false => beside,
            };
            let title = self
                .style
                .paint(Ink::Faint, &cut(&escape(&open.title), room));
            match beside < 20 {
                true => {
                    for (n, line) in wrap(&what, self.style.columns().saturating_sub(6))
                        .iter()
                        .enumerate()
                    {
                        self.line(if n == 0 { "    " } else { "      " }, line);
                    }
                    self.line("      ", &title);
                }
                false => self.line("    ", &format!("{what}  {title}")),
            }
        }
        self.more(rest.conflicts.len(), "conflict", "conflicts");
        if let Some(first) = rest.conflicts.first() {
            let command = format!("{} conflicts show {}", self.show.program, first.id);
            let lead = "both values, and how to settle it:";
            match width(lead) + width(&command) + 5 <= self.style.columns() {
                true => self.line("    ", &format!("{lead} {command}")),
                // A command that is to be copied stays on one line.
                false => {
                    self.line("    ", lead);
                    self.line("      ", &command);
                }
            }
        }
        for hold in rest.holds.iter().take(self.show.most()) {
            self.hold(hold);
        }
        self.more(rest.holds.len(), "hold", "holds");
        self.out.push('\n');
    }
}
