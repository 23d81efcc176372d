//! Conflicts: the list, and one of them in full.

use super::diff;
use super::json::FORMAT_VERSION;
use super::paint::{Ink, Style, cut, escape, plural};
use super::table::table;
use crate::model::{FieldValue, PairName, Side};
use crate::reconcile::plan::Conflict;
use serde_json::{Value, json};

/// A stored conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictRow {
    /// Number that `conflicts show` and `conflicts resolve` take.
    pub id: i64,
    /// The pair.
    pub pair: PairName,
    /// What differs.
    pub conflict: Conflict,
}

/// Returns the list for people, ending in a line break.
pub fn conflict_list(rows: &[ConflictRow], style: &Style) -> String {
    if rows.is_empty() {
        return "no conflicts\n".to_owned();
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let Conflict {
                items,
                field,
                title,
                taken,
                ..
            } = &row.conflict;
            vec![
                row.id.to_string(),
                row.pair.to_string(),
                items.ado.to_string(),
                items.clickup.to_string(),
                field.to_string(),
                taken.map_or_else(|| "held".to_owned(), |side| side.to_string()),
                cut(title, 40),
            ]
        })
        .collect();
    let mut out = table(
        &["id", "pair", "ADO", "ClickUp", "field", "kept", "title"],
        &cells,
        style,
    );
    let open = rows
        .iter()
        .filter(|row| row.conflict.taken.is_none())
        .count();
    out.push_str(&format!(
        "{}, {open} open; boardsync conflicts show ID has the values\n",
        plural(rows.len(), "conflict", "conflicts")
    ));
    out
}

/// Returns the list for programs. Values are text as a person reads them, `null` where there never was a base. `base`
/// is what ADO had at the last agreement and `base_clickup` what ClickUp had; they differ where a mapping loses something.
pub fn conflict_list_json(rows: &[ConflictRow]) -> Value {
    let conflicts: Vec<Value> = rows
        .iter()
        .map(|row| {
            let conflict = &row.conflict;
            json!({
                "id": row.id,
                "pair": row.pair,
                "ado": conflict.items.ado,
                "clickup": conflict.items.clickup,
                "title": conflict.title,
                "field": conflict.field,
                "base": conflict.base.as_ref().map(|base| plain(&base.ado)),
                "base_clickup": conflict.base.as_ref().map(|base| plain(&base.clickup)),
                "ado_value": plain(&conflict.now.ado),
                "clickup_value": plain(&conflict.now.clickup),
                "taken": conflict.taken.map(Side::key),
            })
        })
        .collect();
    json!({ "format_version": FORMAT_VERSION, "conflicts": conflicts })
}

/// A value as text for programs; empty where it is empty.
pub fn plain(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => String::new(),
        other => other.to_string(),
    }
}

/// Returns one conflict with the base and both values, and what to type to settle it.
pub fn conflict_show(row: &ConflictRow, style: &Style) -> String {
    let mut out = format!(
        "conflict {} in {}\n\n",
        row.id,
        style.paint(Ink::Strong, &escape(&row.pair.0))
    );
    block(&row.conflict, "", style, &mut out);
    out.push_str("\nsettle it with one of\n");
    for take in ["ado", "clickup", "merged FILE"] {
        out.push_str(&format!(
            "  boardsync conflicts resolve {} --take {take}\n",
            row.id
        ));
    }
    out
}

/// Writes one conflict: heading, base, both values. Long texts are shown as what each side did to the base.
pub(super) fn block(conflict: &Conflict, indent: &str, style: &Style, out: &mut String) {
    let room = style.columns().saturating_sub(indent.len());
    let ids = format!(
        "ADO {} = ClickUp {}",
        escape(conflict.items.ado.as_str()),
        escape(conflict.items.clickup.as_str())
    );
    let lead = format!(
        "! {} changed on both sides:",
        escape(&conflict.field.to_string())
    );
    let title = cut(
        &escape(&conflict.title),
        room.saturating_sub(lead.chars().count() + 1).max(20),
    );
    out.push_str(&format!(
        "{indent}{} {title}\n",
        style.paint(Ink::Warn, &lead)
    ));
    out.push_str(&format!("{indent}  {}\n", style.paint(Ink::Faint, &ids)));
    let long = matches!(conflict.now.ado, FieldValue::Rich(_))
        || matches!(conflict.now.clickup, FieldValue::Rich(_));
    if long {
        long_values(conflict, indent, room, style, out);
    } else {
        short_values(conflict, indent, style, out);
    }
}

fn verdict(conflict: &Conflict, side: Side) -> &'static str {
    match conflict.taken {
        Some(taken) if taken == side => "kept",
        Some(_) => "gives way",
        None => "",
    }
}

fn short_values(conflict: &Conflict, indent: &str, style: &Style, out: &mut String) {
    let mut rows: Vec<(String, String, &'static str)> = Vec::new();
    match &conflict.base {
        None => rows.push(("base".to_owned(), "(never agreed)".to_owned(), "")),
        Some(base) if base.ado == base.clickup => {
            rows.push(("base".to_owned(), escape(&base.ado.to_string()), ""));
        }
        Some(base) => {
            for side in Side::BOTH {
                rows.push((
                    format!("base {side}"),
                    escape(&base.get(side).to_string()),
                    "",
                ));
            }
        }
    }
    for side in Side::BOTH {
        rows.push((
            side.to_string(),
            escape(&conflict.now.get(side).to_string()),
            verdict(conflict, side),
        ));
    }
    for (label, value, verdict) in rows {
        let tail = if verdict.is_empty() {
            String::new()
        } else {
            format!("  {}", style.paint(Ink::Faint, &format!("({verdict})")))
        };
        out.push_str(&format!("{indent}    {label:12}  {value}{tail}\n"));
    }
}

fn long_values(conflict: &Conflict, indent: &str, room: usize, style: &Style, out: &mut String) {
    for side in Side::BOTH {
        let base = conflict.base.as_ref().map(|base| base.get(side));
        let what = match base {
            Some(_) => "since the base",
            None => "in full, as they never agreed",
        };
        let verdict = match verdict(conflict, side) {
            "" => String::new(),
            "kept" => " (kept where they overlap)".to_owned(),
            other => format!(" ({other} where they overlap)"),
        };
        out.push_str(&format!("{indent}    {side} {what}{verdict}:\n"));
        let old = base.map(diff::text).unwrap_or_default();
        let new = diff::text(conflict.now.get(side));
        for line in diff::lines(old, new, room.saturating_sub(8), style) {
            out.push_str(format!("{indent}      {line}").trim_end());
            out.push('\n');
        }
    }
}
