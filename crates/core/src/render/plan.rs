//! The plan as a readable difference: by pair, then by item, in both directions.

mod counts;

use super::conflict;
use super::diff;
use super::paint::{Ink, Style, amount, cut, escape, plural, wrap};
use super::table::table;
use crate::model::{FieldKey, FieldValue, LinkId, Side};
use crate::reason::Limit;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold, PairPlan, Plan};
use counts::Counts;

/// Items, holds or conflicts of one pair that are shown before the rest is only counted.
const MAX_LISTED: usize = 50;
/// Column in which values start, after the longest built-in name.
const LABEL: usize = 13;

/// Returns the plan for people, ending in a line break. The last line says in words how much there is.
pub fn plan(plan: &Plan, style: &Style) -> String {
    if plan.pairs.is_empty() {
        return "no pairs are configured, nothing to do\n".to_owned();
    }
    plan_of_pairs(&plan.pairs, style)
}

/// Returns what is planned for some pairs, as [`plan`] does for all.
pub fn plan_of_pairs(pairs: &[PairPlan], style: &Style) -> String {
    let mut out = String::new();
    for pair in pairs {
        pair_plan(pair, style, &mut out);
    }
    let busy: Vec<&PairPlan> = pairs.iter().filter(|pair| !is_quiet(pair)).collect();
    match busy.as_slice() {
        [] => {}
        [one] => out.push_str(&format!("{}\n", Counts::of(&[one]).words())),
        many => out.push_str(&format!(
            "{} in {}\n",
            Counts::of(many).words(),
            plural(many.len(), "pair", "pairs")
        )),
    }
    out
}

fn is_quiet(pair: &PairPlan) -> bool {
    pair.actions.is_empty()
        && pair.holds.is_empty()
        && pair.conflicts.is_empty()
        && pair.tripped.is_empty()
        && pair.blocked.is_none()
}

fn pair_plan(pair: &PairPlan, style: &Style, out: &mut String) {
    let name = style.paint(Ink::Strong, &escape(&pair.pair.0));
    if is_quiet(pair) {
        let looked = match pair.looked_at {
            0 => "no changes seen".to_owned(),
            n => plural(n, "linked pair", "linked pairs"),
        };
        let apart = match pair.looked_at.saturating_sub(pair.in_sync) {
            0 => "nothing to do".to_owned(),
            n => format!("nothing to write; {} not equal", super::amount(n)),
        };
        out.push_str(&format!("{name}: {looked}, {apart}\n"));
        if pair.first_contact {
            first_contact(pair, style, out);
        }
        return;
    }
    out.push_str(&format!("{name}\n\n"));
    let groups = groups(pair);
    for group in groups.iter().take(MAX_LISTED) {
        item(group, style, out);
    }
    more(groups.len(), "item", "items", style, out);
    for conflict in pair.conflicts.iter().take(MAX_LISTED) {
        conflict::block(conflict, "  ", style, out);
        if conflict.taken.is_none() {
            out.push_str("    held until somebody settles it: boardsync conflicts list\n");
        }
        out.push('\n');
    }
    more(pair.conflicts.len(), "conflict", "conflicts", style, out);
    holds(&pair.holds, style, out);
    let guarded = pair.guarded().next().is_some();
    if guarded {
        guards(pair, style, out);
    }
    match &pair.blocked {
        // A yes would not help.
        Some(why) => blocked(why, style, out),
        // Neither would a plain one: what the guards name lets this through too.
        None if pair.first_contact && !guarded => first_contact(pair, style, out),
        None => {}
    }
}

/// The actions of one link, or a single action that has none.
fn groups(pair: &PairPlan) -> Vec<Vec<&Action>> {
    let mut groups: Vec<(Option<LinkId>, Vec<&Action>)> = Vec::new();
    for action in &pair.actions {
        // The core plans link by link, so the actions of one link stand together.
        match groups.last_mut() {
            Some((Some(link), list)) if Some(*link) == action.link => list.push(action),
            _ => groups.push((action.link, vec![action])),
        }
    }
    groups.into_iter().map(|(_, list)| list).collect()
}

fn item(group: &[&Action], style: &Style, out: &mut String) {
    let Some(first) = group.first() else { return };
    let room = style.columns().saturating_sub(4);
    match first.kind {
        ActionKind::Update => {
            let named = group
                .iter()
                .find(|action| action.target == Side::Ado)
                .unwrap_or(first);
            let ids = both_ids(first);
            let room = room.saturating_sub(ids.chars().count()).max(20);
            out.push_str(&format!(
                "  {}  {}\n",
                style.paint(Ink::Strong, &cut(&escape(&named.title), room)),
                style.paint(Ink::Faint, &ids),
            ));
            for action in group {
                update(action, style, out);
            }
        }
        ActionKind::Create => {
            for action in group {
                create(action, style, out);
            }
        }
        ActionKind::Delete
        | ActionKind::Close
        | ActionKind::Link
        | ActionKind::Unlink
        | ActionKind::Restore => {
            for action in group {
                own_record(action, style, out);
            }
        }
    }
    out.push('\n');
}

fn id_on(action: &Action, side: Side) -> Option<String> {
    let id = if side == action.target {
        action.target_item.as_ref()
    } else {
        action.source_item.as_ref()
    };
    id.map(|id| format!("{side} {}", escape(id.as_str())))
}

fn both_ids(action: &Action) -> String {
    let ids: Vec<String> = Side::BOTH
        .iter()
        .filter_map(|side| id_on(action, *side))
        .collect();
    ids.join(" = ")
}

fn update(action: &Action, style: &Style, out: &mut String) {
    out.push_str(&format!(
        "    {}\n",
        style.paint(Ink::Faint, &format!("to {}:", action.target))
    ));
    // Where every change has one reason it is said once.
    let shared = action
        .changes
        .first()
        .map(|change| change.reason.as_str())
        .filter(|reason| {
            action.changes.len() > 1 && action.changes.iter().all(|c| c.reason == *reason)
        });
    for change in &action.changes {
        field(change, shared.is_none(), style, out);
    }
    if let Some(reason) = shared {
        because(reason, style, out);
    }
    if action.why.deleted_in().is_some() {
        because(&action.reason(), style, out);
    }
}

fn field(change: &FieldChange, with_reason: bool, style: &Style, out: &mut String) {
    let label = escape(&change.field.to_string());
    let room = style.columns().saturating_sub(6 + LABEL + 2);
    let shown = diff::change(change.before.as_ref(), &change.after, room, style);
    let long = matches!(change.after, FieldValue::Rich(_))
        || matches!(change.before, Some(FieldValue::Rich(_)));
    let reason = style.paint(Ink::Faint, &format!("({})", escape(&change.reason)));
    let reason_width = change.reason.chars().count() + 4;
    match shown.as_slice() {
        [] => out.push_str(&format!("      {label:LABEL$}  {reason}\n")),
        _ if long => {
            out.push_str(&format!("      {label:LABEL$}"));
            let fits = reason_width <= room + 2;
            if with_reason && fits {
                out.push_str(&format!("  {reason}"));
            }
            trim_line(out);
            if with_reason && !fits {
                because(&change.reason, style, out);
            }
            for line in &shown {
                out.push_str(&format!("        {line}"));
                trim_line(out);
            }
        }
        [only] => {
            // Counted without colour: the plain form is what the reader's columns hold.
            let plain = Style {
                colour: false,
                ..*style
            };
            let width: usize = diff::change(change.before.as_ref(), &change.after, room, &plain)
                .iter()
                .map(|line| line.chars().count())
                .sum();
            out.push_str(&format!("      {label:LABEL$}  {only}"));
            if with_reason && width + reason_width <= room {
                out.push_str(&format!("  {reason}\n"));
            } else {
                out.push('\n');
                if with_reason {
                    because(&change.reason, style, out);
                }
            }
        }
        [first, rest @ ..] => {
            out.push_str(&format!("      {label:LABEL$}  {first}\n"));
            for line in rest {
                out.push_str(&format!("      {:LABEL$}  {line}\n", ""));
            }
            if with_reason {
                because(&change.reason, style, out);
            }
        }
    }
}

fn because(reason: &str, style: &Style, out: &mut String) {
    let room = style.columns().saturating_sub(6 + LABEL + 4);
    for line in wrap(&format!("({})", escape(reason)), room) {
        out.push_str(&format!(
            "      {:LABEL$}  {}\n",
            "",
            style.paint(Ink::Faint, &line)
        ));
    }
}

fn trim_line(out: &mut String) {
    let kept = out.trim_end_matches(' ').len();
    out.truncate(kept);
    out.push('\n');
}

/// A new counterpart: its title, then its other fields on as few lines as they need.
fn create(action: &Action, style: &Style, out: &mut String) {
    let room = style.columns();
    let title = action
        .changes
        .iter()
        .find(|change| change.field == FieldKey::Title)
        .map_or_else(|| action.title.clone(), |change| change.after.to_string());
    out.push_str(&format!(
        "  {} {}\n",
        style.paint(Ink::Add, &format!("+ new in {}:", action.target)),
        style.paint(Ink::Strong, &cut(&escape(&title), room.saturating_sub(20))),
    ));
    if let Some(id) = id_on(action, action.target.other()) {
        out.push_str(&format!(
            "      {}\n",
            style.paint(Ink::Faint, &format!("for {id}"))
        ));
    }
    let parts: Vec<String> = action
        .changes
        .iter()
        .filter(|change| change.field != FieldKey::Title)
        .map(|change| {
            format!(
                "{}: {}",
                escape(&change.field.to_string()),
                diff::brief(&change.after, 50)
            )
        })
        .collect();
    for line in join_wrapped(&parts, room.saturating_sub(6)) {
        out.push_str(&format!("      {line}\n"));
    }
}

/// Joins parts with `; ` and breaks between parts only.
fn join_wrapped(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + part.chars().count() <= room => {
                line.push_str("; ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

fn own_record(action: &Action, style: &Style, out: &mut String) {
    let (mark, ink, what) = match action.kind {
        ActionKind::Delete => ("-", Ink::Remove, format!("delete in {}", action.target)),
        ActionKind::Close => ("-", Ink::Warn, format!("close in {}", action.target)),
        ActionKind::Link => ("=", Ink::Add, "link".to_owned()),
        ActionKind::Unlink => ("x", Ink::Warn, "unlink".to_owned()),
        ActionKind::Restore => ("+", Ink::Add, format!("restore in {}", action.target)),
        ActionKind::Create | ActionKind::Update => ("*", Ink::Strong, "change".to_owned()),
    };
    let lead = format!("{mark} {what}:");
    let room = style
        .columns()
        .saturating_sub(3 + lead.chars().count())
        .max(20);
    out.push_str(&format!(
        "  {} {}\n",
        style.paint(ink, &lead),
        cut(&escape(&action.title), room)
    ));
    let detail = format!("{}: {}", both_ids(action), escape(&action.reason()));
    for line in wrap(&detail, style.columns().saturating_sub(6)) {
        out.push_str(&format!("      {}\n", style.paint(Ink::Faint, &line)));
    }
}

fn holds(holds: &[Hold], style: &Style, out: &mut String) {
    if holds.is_empty() {
        return;
    }
    out.push_str(&format!(
        "  {}\n",
        style.paint(Ink::Warn, "held, nothing is written there:")
    ));
    for hold in holds.iter().take(MAX_LISTED) {
        let what = hold
            .subject
            .within()
            .map(|subject| format!(" {}", escape(&subject.to_string())))
            .unwrap_or_default();
        let head = format!("{} {}{what}", hold.side, escape(hold.item.as_str()));
        let title = cut(
            &escape(&hold.title),
            style.columns().saturating_sub(head.chars().count() + 6),
        );
        out.push_str(&format!(
            "    {head}  {}\n",
            style.paint(Ink::Faint, &title)
        ));
        for line in wrap(&escape(&hold.reason()), style.columns().saturating_sub(6)) {
            out.push_str(&format!("      {line}\n"));
        }
    }
    more(holds.len(), "hold", "holds", style, out);
    if holds.len() <= MAX_LISTED {
        out.push('\n');
    }
}

fn more(total: usize, one: &str, many: &str, style: &Style, out: &mut String) {
    if total > MAX_LISTED {
        let rest = plural(total - MAX_LISTED, one, many);
        out.push_str(&format!(
            "  {}\n\n",
            style.paint(Ink::Faint, &format!("... and {rest} more (all: --json)"))
        ));
    }
}

fn guards(pair: &PairPlan, style: &Style, out: &mut String) {
    out.push_str(&format!(
        "  {}\n",
        style.paint(
            Ink::Warn,
            "stopped by a guard, nothing is written to this pair:"
        )
    ));
    let rows: Vec<Vec<String>> = pair
        .guarded()
        .map(|tripped| {
            vec![
                tripped.what.to_string(),
                tripped.side.to_string(),
                amount(tripped.count),
                amount(tripped.limit),
            ]
        })
        .collect();
    for line in table(&["what", "side", "planned", "let through"], &rows, style).lines() {
        out.push_str(&format!("   {line}\n"));
    }
    for tripped in pair.tripped.iter().filter(|t| t.what == Limit::Vanished) {
        let text = format!(
            "{} linked items are gone in {} at once, which is all or nearly all that this pair has. A list or project that \
             was deleted, or a token that lost its access, looks the same. If they come back nothing is lost and the pair \
             goes on by itself; only if somebody did delete them, let the plan through.",
            amount(tripped.count),
            tripped.side
        );
        for line in wrap(&text, style.columns().saturating_sub(2)) {
            out.push_str(&format!("  {line}\n"));
        }
    }
    for tripped in pair.tripped.iter().filter(|t| t.what == Limit::Noise) {
        let values = match tripped.count {
            1 => "1 value looks".to_owned(),
            many => format!("{} values look", amount(many)),
        };
        let text = format!(
            "{values} changed in {} only because this version of boardsync reads the same content differently than the \
             one before. Let through, that becomes what both sides agreed on, and nothing is written for it; if it looks \
             wrong, go back to the version before and report it.",
            tripped.side
        );
        for line in wrap(&text, style.columns().saturating_sub(2)) {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out.push_str("  to let exactly this plan through, after a look:\n");
    out.push_str("    boardsync plan --out FILE      then   boardsync apply FILE\n");
    out.push_str(&format!(
        "    boardsync reconcile --once --approve {}\n\n",
        pair.hash()
    ));
}

fn blocked(why: &str, style: &Style, out: &mut String) {
    let head = style.paint(Ink::Warn, "stopped, nothing is written to this pair:");
    out.push_str(&format!("  {head}\n"));
    for line in wrap(&escape(why), style.columns().saturating_sub(4)) {
        out.push_str(&format!("    {line}\n"));
    }
    out.push('\n');
}

fn first_contact(pair: &PairPlan, style: &Style, out: &mut String) {
    let head = match pair.ran_before {
        false => "first plan of this pair: it needs your yes.",
        true => {
            "the scope or mapping of this pair changed, or a backup was restored: the plan needs your yes."
        }
    };
    out.push_str(&format!("  {}\n", style.paint(Ink::Warn, head)));
    let large: Vec<String> = pair
        .tripped
        .iter()
        .map(|large| format!("{} {} to {}", amount(large.count), large.what, large.side))
        .collect();
    if !large.is_empty() {
        let text = format!(
            "It is larger than a later plan may be without an approval ({}); for the first one the yes covers that.",
            large.join(", ")
        );
        for line in wrap(&text, style.columns().saturating_sub(2)) {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out.push_str("    boardsync plan --out FILE      then   boardsync apply FILE\n");
    out.push_str("    or, without looking again:            boardsync reconcile --once --yes\n\n");
}
