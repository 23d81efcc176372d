//! What plans do, in numbers.

use crate::reconcile::plan::{ActionKind, PairPlan};
use crate::render::paint::{amount, plural};

/// How much there is to do, over some pairs.
#[derive(Default)]
pub(super) struct Counts {
    by_kind: [(usize, &'static str, &'static str); 7],
    conflicts: usize,
    holds: usize,
    looked_at: usize,
    in_sync: usize,
    stopped: usize,
}

impl Counts {
    pub(super) fn of(pairs: &[&PairPlan]) -> Counts {
        let count = |kind: ActionKind| {
            pairs
                .iter()
                .flat_map(|pair| &pair.actions)
                .filter(|action| action.kind == kind)
                .count()
        };
        Counts {
            by_kind: [
                (count(ActionKind::Create), "create", "creates"),
                (count(ActionKind::Update), "update", "updates"),
                (count(ActionKind::Delete), "delete", "deletes"),
                (count(ActionKind::Close), "close", "closes"),
                (count(ActionKind::Link), "link", "links"),
                (count(ActionKind::Unlink), "unlink", "unlinks"),
                (count(ActionKind::Restore), "restore", "restores"),
            ],
            conflicts: pairs.iter().map(|pair| pair.conflicts.len()).sum(),
            holds: pairs.iter().map(|pair| pair.holds.len()).sum(),
            looked_at: sum(pairs.iter().map(|pair| pair.looked_at)),
            in_sync: sum(pairs.iter().map(|pair| pair.in_sync)),
            stopped: pairs
                .iter()
                .filter(|pair| pair.guarded().next().is_some() || pair.blocked.is_some())
                .count(),
        }
    }

    pub(super) fn words(&self) -> String {
        let mut parts: Vec<String> = self
            .by_kind
            .iter()
            .filter(|(n, _, _)| *n > 0)
            .map(|(n, one, many)| plural(*n, one, many))
            .collect();
        if parts.is_empty() {
            parts.push("nothing to write".to_owned());
        }
        if self.conflicts > 0 {
            parts.push(plural(self.conflicts, "conflict", "conflicts"));
        }
        if self.holds > 0 {
            parts.push(format!("{} held", amount(self.holds)));
        }
        let mut text = parts.join(", ");
        if self.looked_at > 0 {
            text.push_str(&format!(
                "; {} of {} equal",
                amount(self.in_sync),
                plural(self.looked_at, "linked pair", "linked pairs")
            ));
        }
        if self.stopped > 0 {
            text.push_str("; stopped by a guard");
        }
        text
    }
}

/// A saved plan comes from outside, so its numbers may be any.
fn sum(numbers: impl Iterator<Item = usize>) -> usize {
    numbers.fold(0, usize::saturating_add)
}
