//! What keeps a plan from being carried out, and what lets it through.

use super::{Asks, Page};
use crate::reason::{Limit, YesTo};
use crate::reconcile::plan::{PairPlan, Tripped};
use crate::reconcile::rails::vanished::DAY_MS;
use crate::render::paint::{Ink, amount};
use crate::render::table::table;
use std::collections::BTreeSet;

/// The keys of `[guard]` that set a limit; `None`: it is fixed. Of items that are gone one by one those of deletes count
/// too, but never let more than nine in ten of a pair's links go.
fn keys(tripped: &Tripped) -> Option<&'static str> {
    match tripped.what {
        Limit::Creates => Some("max_creates, creates_percent"),
        Limit::Updates => Some("max_updates, updates_percent"),
        Limit::Clears => Some("max_clears, clears_percent"),
        Limit::Deletes => Some("max_deletes, deletes_percent"),
        Limit::Noise => Some("noise_percent"),
        Limit::Vanished => tripped.slow.map(|_| "max_deletes, deletes_percent"),
    }
}

/// Why a pair waits of which items are gone on one side.
fn gone(tripped: &Tripped) -> String {
    let side = tripped.side;
    let lost = match tripped.slow.is_some_and(|slow| slow.ended > 0) {
        true => "nothing more is lost",
        false => "nothing is lost",
    };
    let same = format!(
        "A list or project that was deleted, or a token that lost its access, looks the same. If they come back {lost} and \
         the pair goes on by itself; only if somebody did delete them, let the plan through."
    );
    let Some(slow) = tripped.slow else {
        return format!(
            "{} linked items are gone in {side} at once, which is all or nearly all that this pair has. {same}",
            amount(tripped.count),
        );
    };
    let mut parts = vec![format!("{} in this plan", amount(slow.planned))];
    if slow.waiting > 0 {
        parts.push(format!(
            "{} that seem deleted and are asked for again",
            amount(slow.waiting)
        ));
    }
    if slow.ended > 0 {
        let within = match slow.within_ms {
            DAY_MS => "day",
            _ => "ten minutes",
        };
        parts.push(format!(
            "{} whose links have ended within the last {within}",
            amount(slow.ended)
        ));
    }
    format!(
        "{} linked items vanish in {side}, not all in one plan: {}. {same}",
        amount(tripped.count),
        parts.join(", ")
    )
}

impl Page<'_> {
    pub(super) fn guards(&mut self, pair: &PairPlan) {
        let head = "stopped by a guard, nothing is written to this pair:";
        let head = self.style.paint(Ink::Warn, head);
        self.line("  ", &head);
        let rows: Vec<Vec<String>> = pair
            .guarded()
            .map(|tripped| {
                vec![
                    tripped.counted().to_owned(),
                    tripped.side.to_string(),
                    amount(tripped.count),
                    amount(tripped.limit),
                ]
            })
            .collect();
        let counted = match pair.guarded().any(|tripped| tripped.slow.is_some()) {
            true => "counted",
            false => "planned",
        };
        let headers = ["what", "side", counted, "allowed"];
        for line in table(&headers, &rows, self.style).lines() {
            self.line("   ", line);
        }
        let keys: BTreeSet<&str> = pair.guarded().filter_map(keys).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        if !keys.is_empty() {
            let text = format!("The limits stand in [guard]: {}.", keys.join(", "));
            self.sentence("  ", &text);
        }
        for tripped in pair.tripped.iter().filter(|t| t.what == Limit::Vanished) {
            let text = gone(tripped);
            self.sentence("  ", &text);
        }
        for tripped in pair.tripped.iter().filter(|t| t.what == Limit::Noise) {
            let values = match tripped.count {
                1 => "1 value looks".to_owned(),
                many => format!("{} values look", amount(many)),
            };
            let text = format!(
                "{values} changed in {} only because this version of boardsync reads the same content differently than the \
                 one before. Let through, that becomes what both sides agreed on, and nothing is written for it; if it \
                 looks wrong, go back to the version before and report it.",
                tripped.side
            );
            self.sentence("  ", &text);
        }
        if self.show.asks >= Asks::All {
            self.out.push('\n');
            return;
        }
        self.line("  ", "to let exactly this plan through, after a look:");
        self.apply_hint();
        // How a saved plan was made is not known any more; the file says all.
        if self.show.file.is_none() {
            let (program, full) = (self.show.program, self.full());
            let hash = pair.hash();
            let approve = format!("{program} reconcile --once{full} --approve {hash}");
            self.line("    ", &approve);
        }
        self.out.push('\n');
    }

    pub(super) fn blocked(&mut self, why: &str) {
        let head = "stopped, nothing is written to this pair:";
        let head = self.style.paint(Ink::Warn, head);
        self.line("  ", &head);
        self.sentence("    ", why);
        self.out.push('\n');
    }

    /// What the approval of a guard covers beside what that counts, where the pair waits for a yes as well.
    pub(super) fn changed_too(&mut self, pair: &PairPlan) {
        let what = match pair.yes_to() {
            YesTo::First | YesTo::Changed => "The scope or mapping of this pair changed as well",
            YesTo::Restored => "The state was restored from a backup as well",
        };
        let text = format!(
            "{what}: whoever lets the plan through says yes to that too, and what comes later flows without a question. \
             `--yes` alone is not enough."
        );
        self.sentence("  ", &text);
        self.out.push('\n');
    }

    pub(super) fn first_contact(&mut self, pair: &PairPlan) {
        let head = match pair.yes_to() {
            YesTo::First => "first plan of this pair: it needs your yes.",
            YesTo::Changed => "the scope or mapping of this pair changed: the plan needs your yes.",
            YesTo::Restored => "the state was restored from a backup: the plan needs your yes.",
        };
        for line in super::wrap(head, self.style.columns().saturating_sub(2)) {
            let line = self.style.paint(Ink::Warn, &line);
            self.line("  ", &line);
        }
        let large: Vec<String> = pair
            .tripped
            .iter()
            .map(|large| {
                format!(
                    "{} {} in {}",
                    amount(large.count),
                    pair.counted(large),
                    large.side
                )
            })
            .collect();
        if !large.is_empty() {
            let text = format!(
                "It is larger than a later plan may be without an approval ({}); for the first one the yes covers that.",
                large.join(", ")
            );
            self.sentence("  ", &text);
        }
        if self.show.asks >= Asks::Yes {
            self.out.push('\n');
            return;
        }
        self.apply_hint();
        let program = self.show.program;
        let once = format!("{program} reconcile --once --yes");
        let hint = match self.show.file {
            Some(_) => "or, for whatever is planned by then:",
            None => "or, without looking again:",
        };
        self.line("  ", hint);
        self.line("    ", &once);
        self.out.push('\n');
    }

    fn full(&self) -> &'static str {
        match self.show.full {
            true => " --full",
            false => "",
        }
    }

    /// How this very plan is carried out.
    fn apply_hint(&mut self) {
        let program = self.show.program;
        match self.show.file {
            Some(file) => self.line("    ", &format!("{program} apply {file}")),
            None => {
                let save = format!("{program} plan{} --out FILE", self.full());
                let apply = format!("{program} apply FILE");
                let room = self.style.columns().saturating_sub(4);
                match save.len() + apply.len() + 10 <= room {
                    true => self.line("    ", &format!("{save}   then   {apply}")),
                    false => {
                        self.line("    ", &save);
                        self.line("    ", &apply);
                    }
                }
            }
        }
    }
}
