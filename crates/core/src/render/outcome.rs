//! What became of a plan's actions.

use super::measure::width;
use super::paint::{Ink, Style, amount, cut, escape, hanging, plural, wrap};
use crate::model::PairName;
use crate::reconcile::plan::{Action, ActionKind};
use serde_json::{Value, json};

/// One action and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The action.
    pub action: Action,
    /// What became of it.
    pub result: OutcomeResult,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeResult {
    /// It was carried out and recorded.
    Done,
    /// The service refused it, or it is unknown whether it arrived; the reason says which.
    Failed(String),
    /// The item moved since the plan; the next cycle plans it again.
    Stale(String),
    /// It was left out on purpose.
    Skipped(String),
}

/// The outcomes of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportView {
    /// The pair.
    pub pair: PairName,
    /// Outcomes in the order in which they happened.
    pub outcomes: Vec<Outcome>,
    /// How many fields or items are held, whichever cycle began to.
    pub holds: usize,
    /// How many conflicts were recorded that a rule settled at once.
    pub ruled: usize,
    /// How many conflicts are open.
    pub conflicts: usize,
    /// How many of the outcomes failed and are among the holds: they count as held.
    pub failed_and_held: usize,
    /// How much of what was said yes to is refused, in whatever pair of the run.
    pub refused: usize,
    /// Why the pair was stopped, before anything was written or in the middle; `None`: it was not.
    pub stopped: Option<String>,
}

/// Returns a report for people, ending in a line break: what did not work first, then one line of counts.
pub fn report(view: &ReportView, style: &Style) -> String {
    if let (Some(reason), true) = (&view.stopped, view.outcomes.is_empty()) {
        return of_pair(view, &format!("nothing written, {reason}"), style);
    }
    let mut out = String::new();
    let mut hidden = 0_usize;
    let mut shown = 0_usize;
    for outcome in &view.outcomes {
        let Some(reason) = outcome.result.reason() else {
            continue;
        };
        if shown == MAX_LISTED {
            hidden += 1;
            continue;
        }
        shown += 1;
        trouble(outcome, reason, style, &mut out);
    }
    if hidden > 0 {
        out.push_str(&format!("  ... and {} more\n", amount(hidden)));
    }
    let count = |key: &str| {
        view.outcomes
            .iter()
            .filter(|outcome| outcome.result.key() == key)
            .count()
    };
    let mut parts: Vec<String> = Vec::new();
    for kind in KINDS {
        let done = view
            .outcomes
            .iter()
            .filter(|o| o.result == OutcomeResult::Done && o.action.kind == kind)
            .count();
        if done > 0 {
            parts.push(format!("{} {}", amount(done), kind.past()));
        }
    }
    for (key, word) in [
        ("failed", "failed"),
        ("stale", "no longer as planned, planned again next time"),
        ("skipped", "left out"),
    ] {
        let count = match key {
            "failed" => count(key).saturating_sub(view.failed_and_held),
            _ => count(key),
        };
        if count > 0 {
            parts.push(format!("{} {word}", amount(count)));
        }
    }
    if view.ruled > 0 {
        let conflicts = plural(view.ruled, "conflict", "conflicts");
        parts.push(format!("{conflicts} settled by the rule"));
    }
    // What was open and held before is no answer to what this run did.
    match (parts.is_empty(), view.refused, view.holds + view.conflicts) {
        // There was something to do.
        (true, 1.., _) => parts.push("nothing written, see what is refused".to_owned()),
        (true, 0, 1..) if view.outcomes.is_empty() => parts.push("nothing to write".to_owned()),
        (_, _, _) => {}
    }
    if view.conflicts > 0 {
        parts.push(plural(view.conflicts, "open conflict", "open conflicts"));
    }
    if view.holds > 0 {
        parts.push(format!("{} held", amount(view.holds)));
    }
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    let stopped = match &view.stopped {
        Some(reason) => format!("; stopped before its end, {reason}"),
        None => String::new(),
    };
    out.push_str(&of_pair(
        view,
        &format!("{}{stopped}", parts.join(", ")),
        style,
    ));
    out
}

/// Says something of the pair, broken to the columns.
fn of_pair(view: &ReportView, text: &str, style: &Style) -> String {
    let name = escape(&view.pair.0);
    let text = hanging(&format!("{name}: {text}"), 4, style);
    match text.strip_prefix(&name) {
        Some(rest) => format!("{}{rest}", style.paint(Ink::Strong, &name)),
        // A name that is broken itself.
        None => text,
    }
}

/// Outcomes that are listed one by one before the rest is only counted.
const MAX_LISTED: usize = 50;

const KINDS: [ActionKind; 7] = [
    ActionKind::Create,
    ActionKind::Update,
    ActionKind::Delete,
    ActionKind::Close,
    ActionKind::Link,
    ActionKind::Unlink,
    ActionKind::Restore,
];

fn verb(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Create => "create",
        ActionKind::Update => "update",
        ActionKind::Delete => "delete",
        ActionKind::Close => "close",
        ActionKind::Link => "link",
        ActionKind::Unlink => "unlink",
        ActionKind::Restore => "restore",
    }
}

fn trouble(outcome: &Outcome, reason: &str, style: &Style, out: &mut String) {
    let action = &outcome.action;
    let ink = match outcome.result {
        OutcomeResult::Failed(_) => Ink::Remove,
        OutcomeResult::Done | OutcomeResult::Stale(_) | OutcomeResult::Skipped(_) => Ink::Warn,
    };
    let item = match (&action.target_item, &action.source_item) {
        (Some(id), _) => format!("{} {}", action.target, escape(id.as_str())),
        (None, Some(id)) => format!(
            "{} (for {} {})",
            action.target,
            action.target.other(),
            escape(id.as_str())
        ),
        (None, None) => action.target.to_string(),
    };
    let key = outcome.result.key();
    let lead = format!("{} {item}", verb(action.kind));
    let room = style.columns().saturating_sub(width(&lead) + key.len() + 5);
    out.push_str(&format!(
        "  {} {lead}  {}\n",
        style.paint(ink, key),
        style.paint(Ink::Faint, &cut(&escape(&action.title), room.min(40))),
    ));
    for line in wrap(&style.sentence(reason), style.columns().saturating_sub(4)) {
        out.push_str(&format!("    {line}\n"));
    }
}

impl OutcomeResult {
    /// Returns the stable key used in JSON: `done`, `failed`, `stale` or `skipped`.
    pub fn key(&self) -> &'static str {
        match self {
            OutcomeResult::Done => "done",
            OutcomeResult::Failed(_) => "failed",
            OutcomeResult::Stale(_) => "stale",
            OutcomeResult::Skipped(_) => "skipped",
        }
    }

    /// Returns why it was not done; `None` when it was.
    pub fn reason(&self) -> Option<&str> {
        match self {
            OutcomeResult::Done => None,
            OutcomeResult::Failed(reason)
            | OutcomeResult::Stale(reason)
            | OutcomeResult::Skipped(reason) => Some(reason),
        }
    }
}

/// Returns a report for programs.
pub fn report_json(view: &ReportView) -> Value {
    let outcomes: Vec<Value> = view
        .outcomes
        .iter()
        .map(|outcome| {
            json!({
                "action": outcome.action.id,
                "kind": outcome.action.kind,
                "target": outcome.action.target,
                "target_item": outcome.action.target_item,
                "source_item": outcome.action.source_item,
                "title": outcome.action.title,
                "result": outcome.result.key(),
                "reason": outcome.result.reason(),
            })
        })
        .collect();
    json!({
        "pair": view.pair,
        "outcomes": outcomes,
        "settled_by_rule": view.ruled,
        "conflicts": view.conflicts,
        "holds": view.holds,
        "stopped": view.stopped,
    })
}
