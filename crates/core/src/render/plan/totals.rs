//! What plans do, in numbers: by side and kind.

use super::item::takes_nothing;
use super::still_open::beside;
use super::{Fields, Page, Show};
use crate::model::{Side, Sided};
use crate::reason::Limit;
use crate::reconcile::plan::{Action, ActionKind, PairPlan};
use crate::render::measure::{pad, wrap};
use crate::render::paint::{Ink, amount, plural};

/// Kinds that write to a service, with their words.
const WRITES: [(ActionKind, &str, &str); 5] = [
    (ActionKind::Create, "create", "creates"),
    (ActionKind::Update, "update", "updates"),
    (ActionKind::Delete, "delete", "deletes"),
    (ActionKind::Close, "close", "closes"),
    (ActionKind::Restore, "restore", "restores"),
];

/// Kinds that only change what boardsync knows.
const OWN: [(ActionKind, &str, &str); 2] = [
    (ActionKind::Link, "link", "links"),
    (ActionKind::Unlink, "unlink", "unlinks"),
];

/// Columns of the left side of the totals.
const LEFT: usize = 11;

/// How much there is to do, over some pairs.
pub(super) struct Totals<'a> {
    pairs: &'a [&'a PairPlan],
    /// What is open from before, which the plan does not speak of: conflicts and holds.
    before: (usize, usize),
    /// Updates of which the service is known to take nothing, by the side that they are of.
    futile: Sided<usize>,
    /// As in [`Show`].
    undoes: bool,
}

impl<'a> Totals<'a> {
    pub(super) fn of(pairs: &'a [&'a PairPlan], show: &Show<'_>) -> Totals<'a> {
        let rest = pairs
            .iter()
            .map(|pair| beside(show.still_open.get(&pair.pair), pair));
        let before = rest.fold((0, 0), |(conflicts, holds), rest| {
            (conflicts + rest.conflicts.len(), holds + rest.holds.len())
        });
        let mut futile = Sided { ado: 0, clickup: 0 };
        for pair in pairs {
            let fields = Fields::of(pair);
            let none = |action: &&Action| takes_nothing(action, fields.at(action));
            for action in pair.actions.iter().filter(none) {
                *futile.get_mut(action.target) += 1;
            }
        }
        Totals {
            pairs,
            before,
            futile,
            undoes: show.undoes,
        }
    }

    fn count(&self, kind: ActionKind, side: Option<Side>) -> usize {
        let actions = self.pairs.iter().flat_map(|pair| &pair.actions);
        let planned = actions
            .filter(|action| action.kind == kind && side.is_none_or(|side| side == action.target))
            .count();
        let futile = match (kind, side) {
            (ActionKind::Update, Some(side)) => *self.futile.get(side),
            (ActionKind::Update, None) => self.futile.ado + self.futile.clickup,
            (_, _) => 0,
        };
        planned.saturating_sub(futile)
    }

    fn some(&self, kinds: &[(ActionKind, &str, &str)], side: Option<Side>) -> Vec<String> {
        let counted = kinds
            .iter()
            .map(|(kind, one, many)| (self.count(*kind, side), one, many));
        counted
            .filter(|(n, _, _)| *n > 0)
            .map(|(n, one, many)| plural(n, one, many))
            .collect()
    }

    fn open(&self) -> Vec<String> {
        let sum = |of: fn(&PairPlan) -> usize| sum(self.pairs.iter().map(|pair| of(pair)));
        let waits = |pair: &PairPlan| {
            pair.conflicts
                .iter()
                .filter(|one| one.taken.is_none())
                .count()
        };
        let conflicts = sum(waits).saturating_add(self.before.0);
        let held = |pair: &PairPlan| {
            let holds = pair.holds.iter();
            holds.filter(|hold| !pair.contested(hold)).count()
        };
        // A field that stands still is held as a whole, and an undo leaves alone only what it would write.
        let paused = |pair: &PairPlan| pair.paused.len();
        let paused = if self.undoes { 0 } else { sum(paused) };
        let holds = sum(held)
            .saturating_add(self.before.1)
            .saturating_add(paused);
        let mut open = Vec::new();
        if conflicts > 0 {
            open.push(plural(conflicts, "conflict", "conflicts"));
        }
        if holds > 0 {
            let word = if self.undoes { "left as it is" } else { "held" };
            open.push(format!("{} {word}", amount(holds)));
        }
        let left_out = sum(|pair| pair.left_out.len());
        if left_out > 0 {
            open.push(format!("{} not carried over", amount(left_out)));
        }
        open
    }

    /// How many conflicts a rule settles, so that nobody is waited for.
    fn ruled(&self) -> usize {
        let ruled = |pair: &&PairPlan| {
            pair.conflicts
                .iter()
                .filter(|one| one.taken.is_some())
                .count()
        };
        sum(self.pairs.iter().map(ruled))
    }

    /// `4 of 5 linked items`; `None` where none was looked at.
    fn equal(&self) -> Option<String> {
        let looked_at = sum(self.pairs.iter().map(|pair| pair.looked_at));
        let in_sync = sum(self.pairs.iter().map(|pair| pair.in_sync));
        (looked_at > 0).then(|| {
            let all = plural(looked_at, "linked item", "linked items");
            format!("{} of {all}", amount(in_sync))
        })
    }

    /// Everything on one line.
    pub(super) fn words(&self) -> String {
        let mut parts = self.some(&WRITES, None);
        parts.extend(self.some(&OWN, None));
        if parts.is_empty() {
            parts.push("nothing to write".to_owned());
        }
        let ruled = self.ruled();
        if ruled > 0 {
            let conflicts = plural(ruled, "conflict", "conflicts");
            parts.push(format!("{conflicts} settled by the rule"));
        }
        parts.extend(self.open());
        let mut text = parts.join(", ");
        if let Some(equal) = self.equal() {
            text.push_str(&format!("; {equal} equal"));
        }
        let mut pairs = self.pairs.iter();
        if pairs.any(|pair| pair.guarded().next().is_some() || pair.blocked.is_some()) {
            text.push_str("; stopped, nothing of it is written");
        }
        text
    }
}

impl Page<'_> {
    /// What the plan comes to, before its items.
    pub(super) fn totals(&mut self, pair: &PairPlan) {
        let pairs = [pair];
        let totals = Totals::of(&pairs, self.show);
        for side in Side::BOTH {
            let some = totals.some(&WRITES, Some(side));
            if !some.is_empty() {
                self.total(&format!("to {side}"), &some.join(", "));
            }
        }
        let own = totals.some(&OWN, None);
        if !own.is_empty() {
            self.total("links", &own.join(", "));
        }
        let ruled = totals.ruled();
        if ruled > 0 {
            self.total(
                "conflicts",
                &format!("{} settled by the rule", amount(ruled)),
            );
        }
        let open = totals.open();
        if !open.is_empty() {
            self.total("open", &open.join(", "));
        }
        if let Some(equal) = totals.equal() {
            self.total("equal", &equal);
        }
        let guarded = pair.guarded().filter(|large| large.what != Limit::Noise);
        let stops: Vec<String> = guarded
            .map(|large| {
                format!(
                    "{} {} in {}, {} allowed",
                    amount(large.count),
                    pair.counted(large),
                    large.side,
                    amount(large.limit)
                )
            })
            .collect();
        let stopped = match (stops.is_empty(), pair.guarded().next(), &pair.blocked) {
            (false, _, _) => Some(format!("by a guard: {}", stops.join("; "))),
            (true, Some(_), _) => Some("by a guard (see the end)".to_owned()),
            (true, None, Some(_)) => Some("nothing is written (see the end)".to_owned()),
            (true, None, None) => None,
        };
        if let Some(stopped) = stopped {
            let room = self.style.columns().saturating_sub(LEFT + 3);
            for (n, text) in wrap(&stopped, room).iter().enumerate() {
                let what = if n == 0 { "STOPPED" } else { "" };
                let what = self.style.paint(Ink::Faint, &pad(what, LEFT));
                let text = self.style.paint(Ink::Warn, text);
                self.line("  ", &format!("{what} {text}"));
            }
        }
    }

    fn total(&mut self, what: &str, text: &str) {
        let room = self.style.columns().saturating_sub(LEFT + 3);
        for (n, text) in wrap(text, room).iter().enumerate() {
            let what = if n == 0 { what } else { "" };
            let what = self.style.paint(Ink::Faint, &pad(what, LEFT));
            self.line("  ", &format!("{what} {text}"));
        }
    }
}

/// A saved plan comes from outside, so its numbers may be any.
fn sum(numbers: impl Iterator<Item = usize>) -> usize {
    numbers.fold(0, usize::saturating_add)
}
