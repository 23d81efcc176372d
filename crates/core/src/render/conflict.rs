//! Conflicts: the list, and one of them in full.

use super::diff;
use super::json::{ConflictValues, FORMAT_VERSION, rfc3339, rfc3339_if_any};
use super::paint::{Ink, Style, cut, escape, fold, hanging, wrap};
use super::table::table;
use crate::model::{FieldValue, PairName, Side, Timestamp};
use crate::reason::{SettledBy, Took};
use crate::reconcile::plan::Conflict;
use serde::Serialize;
use serde_json::{Value, json};

/// How a stored conflict stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for a person, or for both sides to agree.
    Open,
    /// Somebody chose, and the choice is not carried out yet.
    Chosen {
        /// What was chosen.
        took: Took,
        /// When, by this machine's clock.
        at: Timestamp,
    },
    /// It is over.
    Settled {
        /// Which value won; `None`: neither.
        took: Option<Took>,
        /// What ended it; `None`: ended before that was recorded.
        by: Option<SettledBy>,
        /// When it ended, by this machine's clock. Of a person's choice: when it was made.
        at: Timestamp,
    },
}

impl Standing {
    /// Returns the stable word used in JSON.
    fn key(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Chosen { .. } => "chosen",
            Standing::Settled { .. } => "settled",
        }
    }

    fn took(self) -> Option<Took> {
        match self {
            Standing::Open => None,
            Standing::Chosen { took, .. } => Some(took),
            Standing::Settled { took, .. } => took,
        }
    }

    /// Whether it is over.
    pub fn is_settled(self) -> bool {
        matches!(self, Standing::Settled { .. })
    }
}

/// How an instant is written for the reader at hand: pure code knows no time zone.
pub type When<'a> = &'a dyn Fn(Timestamp) -> String;

/// A stored conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictRow {
    /// Number that `conflicts show` and `conflicts resolve` take.
    pub id: i64,
    /// The pair.
    pub pair: PairName,
    /// When it was recorded, by this machine's clock.
    pub since: Timestamp,
    /// How it stands.
    pub standing: Standing,
    /// What became of it or of a choice in it afterwards.
    pub since_then: SinceThen,
    /// Why no choice in it can be made or carried out at present, and what to do, as a sentence without a full stop; `None`: one can.
    pub barred: Option<String>,
    /// The side that the configuration has nothing of the field written to; `None`: both are written to.
    pub unwritten: Option<Side>,
    /// The line of the configuration by which a side's value wins now, as a phrase; `None`: none does, or the pair is gone.
    pub rule: Option<(Side, String)>,
    /// What differs.
    pub conflict: Conflict,
}

/// What became of a conflict, or of a choice in it, afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinceThen {
    /// The newest conflict of the same field, where it is another one: only in that one can be chosen.
    pub newer: Option<i64>,
    /// When a choice was dropped, by this machine's clock, and why, as a sentence; `None`: none was.
    pub dropped: Option<(Timestamp, String)>,
    /// When `boardsync undo` took back what settled it, by this machine's clock.
    pub taken_back: Option<Timestamp>,
    /// Why a choice is not carried out although a cycle has tried, as a sentence without a full stop; `None`: nothing keeps it,
    /// or none waits.
    pub held: Option<String>,
    /// The text of a person's own that was chosen or has settled it; `None`: a side's value was, or nobody knows any more.
    pub merged: Option<FieldValue>,
}

/// Returns the list for people, ending in a line break. `hidden`: how many others there are that are settled, or over without
/// that anybody or a rule settled them. `program`: how the program is called in hints.
pub fn conflict_list(rows: &[ConflictRow], hidden: Ends, program: &str, style: &Style) -> String {
    let others = match hidden.words() {
        None => String::new(),
        Some(words) => {
            let text = format!("{words}, not listed here: {program} conflicts --all");
            hanging(&text, 2, style)
        }
    };
    if rows.is_empty() {
        return match others.is_empty() {
            true => "no conflicts\n".to_owned(),
            false => format!("no open conflicts; {others}"),
        };
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let Conflict {
                items,
                field,
                title,
                ..
            } = &row.conflict;
            vec![
                row.id.to_string(),
                row.pair.to_string(),
                items.ado.to_string(),
                items.clickup.to_string(),
                field.to_string(),
                match row.since_then.taken_back {
                    Some(_) => format!("{}, taken back", state(row.standing)),
                    None => state(row.standing),
                },
                cut(title, 40),
            ]
        })
        .collect();
    let mut out = table(
        &["id", "pair", "ADO", "ClickUp", "field", "state", "title"],
        &cells,
        style,
    );
    let count = |wanted: &str| {
        let of_kind = rows.iter().filter(|row| row.standing.key() == wanted);
        of_kind.count()
    };
    let mut parts = vec![format!("{} open", count("open"))];
    if count("chosen") > 0 {
        parts.push(format!(
            "{} chosen and not carried out yet",
            count("chosen")
        ));
    }
    let mut ends = Ends::default();
    for row in rows {
        ends.add(row.standing);
    }
    parts.extend(ends.words());
    let text = format!(
        "{}; {program} conflicts show ID has the values",
        parts.join(", ")
    );
    out.push_str(&hanging(&text, 2, style));
    let to_settle = |row: &&ConflictRow| row.standing == Standing::Open && row.barred.is_none();
    if rows.iter().any(|row| to_settle(&row)) {
        let text = format!(
            "settle one with {program} conflicts resolve ID --take ado, --take clickup, or for a text --take merged FILE"
        );
        out.push_str(&hanging(&text, 2, style));
    }
    let barred = rows.iter().filter(|row| !row.standing.is_settled());
    let barred = barred.filter(|row| row.barred.is_some());
    let barred: Vec<String> = barred.map(|row| row.id.to_string()).collect();
    if let Some(first) = barred.first() {
        let text = format!(
            "nothing can be chosen at present in {}; {program} conflicts show {first} says why",
            barred.join(", ")
        );
        out.push_str(&hanging(&text, 2, style));
    }
    out.push_str(&others);
    out
}

/// How many conflicts ended, by whether that settled them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// A person or a rule settled them, or both sides came to agree.
    settled: usize,
    /// Nobody did; see [`end_of`].
    over: usize,
}

impl Ends {
    /// Counts a conflict, if it has ended.
    pub fn add(&mut self, standing: Standing) {
        if let Standing::Settled { by, .. } = standing {
            match end_of(by) {
                OVER => self.over += 1,
                _ => self.settled += 1,
            }
        }
    }

    /// `2 settled, 1 over`; `None` where there are none.
    fn words(self) -> Option<String> {
        let counts = [(self.settled, SETTLED), (self.over, OVER)];
        let some = counts.into_iter().filter(|(n, _)| *n > 0);
        let parts: Vec<String> = some.map(|(n, word)| format!("{n} {word}")).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

const SETTLED: &str = "settled";
const OVER: &str = "over";

/// How a conflict ended, in a word. A newer conflict in its place, or the end of the link, leaves its two values apart: that is
/// no settlement.
fn end_of(by: Option<SettledBy>) -> &'static str {
    match by {
        Some(SettledBy::Replaced | SettledBy::Unlinked | SettledBy::Unsynced) => OVER,
        Some(SettledBy::Person | SettledBy::Rule | SettledBy::Agreed) | None => SETTLED,
    }
}

/// The state in a table, as a phrase.
fn state(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Chosen { took, .. } => format!("chosen: {took}, not carried out yet"),
        Standing::Settled { took, by, .. } => {
            let how = match (took, by) {
                (Some(took), Some(SettledBy::Person)) => format!("{took}, chosen"),
                (Some(took), Some(SettledBy::Rule)) => format!("{took}, by the rule"),
                (Some(took), _) => took.to_string(),
                (None, Some(SettledBy::Replaced)) => "replaced by a newer one".to_owned(),
                (None, Some(SettledBy::Unlinked)) => "no longer linked".to_owned(),
                (None, Some(SettledBy::Unsynced)) => "no longer synced".to_owned(),
                (None, _) => "both agree".to_owned(),
            };
            format!("{}: {how}", end_of(by))
        }
    }
}

/// Returns the list for programs. Values are text as a person reads them.
pub fn conflict_list_json(rows: &[ConflictRow]) -> Value {
    #[derive(Serialize)]
    struct Json<'a> {
        id: i64,
        pair: &'a PairName,
        #[serde(flatten)]
        values: ConflictValues<'a>,
        #[serde(serialize_with = "rfc3339")]
        since: Timestamp,
        state: &'static str,
        taken: Option<&'static str>,
        settled_by: Option<&'static str>,
        #[serde(serialize_with = "rfc3339_if_any")]
        settled_at: Option<Timestamp>,
        #[serde(serialize_with = "rfc3339_if_any")]
        chosen_at: Option<Timestamp>,
        #[serde(serialize_with = "rfc3339_if_any")]
        dropped_at: Option<Timestamp>,
        #[serde(serialize_with = "rfc3339_if_any")]
        taken_back_at: Option<Timestamp>,
        replaced_by: Option<i64>,
        barred: Option<&'a str>,
    }
    let of = |row: &ConflictRow| {
        let (settled_by, settled_at, chosen_at) = match row.standing {
            Standing::Open => (None, None, None),
            Standing::Chosen { at, .. } => (None, None, Some(at)),
            Standing::Settled { by, at, .. } => (by.map(SettledBy::key), Some(at), None),
        };
        json!(Json {
            id: row.id,
            pair: &row.pair,
            values: ConflictValues::of(&row.conflict),
            since: row.since,
            state: row.standing.key(),
            taken: row.standing.took().map(Took::key),
            settled_by,
            settled_at,
            chosen_at,
            dropped_at: row.since_then.dropped.as_ref().map(|(at, _)| *at),
            taken_back_at: row.since_then.taken_back,
            replaced_by: row.since_then.newer,
            barred: row.barred.as_deref(),
        })
    };
    let conflicts: Vec<Value> = rows.iter().map(of).collect();
    json!({ "format_version": FORMAT_VERSION, "conflicts": conflicts })
}

/// A value as text for programs; empty where it is empty.
pub fn plain(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => String::new(),
        other => other.to_string(),
    }
}

/// Returns one conflict with the base and both values, how it stands, and what to type about it. `program`: as in
/// [`conflict_list`].
pub fn conflict_show(row: &ConflictRow, program: &str, style: &Style, when: When<'_>) -> String {
    let pair = style.paint(Ink::Strong, &escape(&row.pair.0));
    let head = match row.standing {
        Standing::Open => "open".to_owned(),
        Standing::Chosen { took, .. } => format!("{}, not carried out yet", chosen(took)),
        Standing::Settled { by, .. } => end_of(by).to_owned(),
    };
    let mut out = format!("conflict {} in {pair}: {head}\n\n", row.id);
    let shown = row.shown();
    block(&shown, "", style, &mut out);
    if let Some(merged) = &row.since_then.merged {
        merged_value(&shown, merged, &mut out);
    }
    out.push_str(&format!("\nrecorded {}\n", when(row.since)));
    if let Some((at, why)) = &row.since_then.dropped {
        out.push_str(&hanging(&format!("{}: {why}", when(*at)), 4, style));
    }
    match row.standing {
        Standing::Open => match &row.barred {
            Some(why) => {
                let text = format!("nothing can be chosen at present: {why}");
                out.push_str(&hanging(&text, 2, style));
            }
            None => out.push_str(&offer("settle it with one of", row, None, program, style)),
        },
        Standing::Chosen { took, at } => {
            let made = format!("{} {}", chosen(took), when(at));
            let text = match (&row.barred, &row.since_then.held) {
                (Some(why), _) => format!("{made}, and no cycle carries it out at present: {why}"),
                (None, Some(why)) => format!("{made}, and is held: {why}"),
                (None, None) => format!("{made}; the next cycle of the pair carries it out"),
            };
            out.push_str(&hanging(&text, 2, style));
            out.push_str(&format!(
                "take the choice back with\n  {program} conflicts resolve {} --withdraw\n",
                row.id
            ));
            if row.barred.is_none() {
                let lead = "or choose another value with";
                out.push_str(&offer(lead, row, Some(took), program, style));
            }
        }
        Standing::Settled { took, by, at } => {
            let won = won(&row.conflict, took, by);
            let rule = row
                .rule
                .as_ref()
                .filter(|(side, _)| took == Some(Took::Of(*side)));
            let rule = rule.map_or("`conflict`", |(_, line)| line.as_str());
            out.push_str(&hanging(&ended(&won, by, &when(at), rule), 2, style));
            let back = row.since_then.taken_back;
            if let Some(back) = back {
                out.push_str(&format!("taken back {} by boardsync undo\n", when(back)));
            }
            if let Some(newer) = row.since_then.newer {
                out.push_str(&format!(
                    "a newer conflict of the same field counts now: {program} conflicts show {newer}\n"
                ));
            } else if took.is_some() && row.barred.is_none() {
                let lead = match back {
                    Some(_) => "as long as nobody edited the field since, choose again with",
                    None => {
                        "as long as nobody edited the field since, take another value instead with"
                    }
                };
                let but = took.filter(|_| back.is_none());
                out.push_str(&offer(lead, row, but, program, style));
            }
        }
    }
    out
}

/// Says that a value was chosen, as a phrase: "ClickUp's value was chosen".
pub fn chosen(took: Took) -> String {
    match took {
        Took::Of(side) => format!("{side}'s value was chosen"),
        Took::Merged => "a text merged of both was chosen".to_owned(),
    }
}

/// Says which value won, as a phrase. The rule merges long texts, and a side wins only where the two overlap.
fn won(conflict: &Conflict, took: Option<Took>, by: Option<SettledBy>) -> String {
    match took {
        Some(Took::Of(side)) if by == Some(SettledBy::Rule) && is_long(conflict) => {
            format!("both were merged, and {side}'s text won where they overlap")
        }
        Some(Took::Of(side)) => format!("{side}'s value won"),
        Some(Took::Merged) => "both were merged".to_owned(),
        None => "neither value won".to_owned(),
    }
}

/// Says what ended a conflict, as a sentence without a full stop. `rule`: the line of the configuration that settles such a one.
fn ended(won: &str, by: Option<SettledBy>, at: &str, rule: &str) -> String {
    match by {
        Some(SettledBy::Rule) => {
            format!("settled {at} by the rule of the configuration ({rule}): {won}")
        }
        Some(SettledBy::Person) => {
            format!("settled {at} by a person (boardsync conflicts resolve): {won}")
        }
        Some(SettledBy::Agreed) => format!("settled {at}: both sides came to agree"),
        Some(SettledBy::Replaced) => {
            format!("over since {at}: a newer conflict of the same field took its place")
        }
        Some(SettledBy::Unlinked) => {
            format!("over since {at}: the two items are no longer kept equal")
        }
        Some(SettledBy::Unsynced) => {
            format!(
                "over since {at}: the field is no longer synced, or its entry stands for other fields than before, so the two \
                 values stay as they are; a choice that was not carried out by then is dropped"
            )
        }
        None => format!("settled {at}: {won}"),
    }
}

/// The commands that settle a conflict. A merged text is offered where the field's kind takes one: there is nothing between
/// two states. `but`: what need not be offered. Nor is what would have to be written to a side that the field is not written to.
fn offer(lead: &str, row: &ConflictRow, but: Option<Took>, program: &str, style: &Style) -> String {
    let mut takes = Vec::new();
    for (side, take) in [(Side::Ado, "ado"), (Side::ClickUp, "clickup")] {
        let against = row.unwritten == Some(side.other());
        if !against && but != Some(Took::Of(side)) {
            takes.push(take);
        }
    }
    let now = &row.conflict.now;
    let kind = row.conflict.field.kind_of([&now.ado, &now.clickup]);
    if kind.typed("").is_some() && row.unwritten.is_none() {
        takes.push("merged FILE");
    }
    let mut out = String::new();
    if let Some(side) = row.unwritten {
        let text = format!(
            "{} is not written to {side} (`direction`), so only {side}'s value can be taken",
            row.conflict.field
        );
        out.push_str(&hanging(&text, 2, style));
    }
    if !takes.is_empty() {
        out.push_str(&format!("{lead}\n"));
    }
    for take in takes {
        out.push_str(&format!(
            "  {program} conflicts resolve {} --take {take}\n",
            row.id
        ));
    }
    out
}

impl ConflictRow {
    /// The values with the winner beside them, where one side's won.
    fn shown(&self) -> Conflict {
        let taken = match self.standing.took() {
            Some(Took::Of(side)) if self.standing.is_settled() => Some(side),
            Some(Took::Of(_) | Took::Merged) | None => None,
        };
        Conflict {
            taken,
            ..self.conflict.clone()
        }
    }
}

/// Writes one conflict: heading, base, both values. Long texts are shown as what each side did to the base.
pub(super) fn block(conflict: &Conflict, indent: &str, style: &Style, out: &mut String) {
    let room = style.columns().saturating_sub(indent.len());
    let ids = format!(
        "ADO {} = ClickUp {}",
        escape(conflict.items.ado.as_str()),
        escape(conflict.items.clickup.as_str())
    );
    let how = match conflict.changed_on_both() {
        true => "changed on both sides",
        false => "is different on the two sides",
    };
    let lead = format!("! {} {how}:", escape(&conflict.field.to_string()));
    let title = escape(&conflict.title);
    let beside = room.saturating_sub(lead.chars().count() + 1);
    // A field that is named by its id leaves no room for the title.
    if beside < 20 {
        for (n, line) in wrap(&lead, room.saturating_sub(2)).iter().enumerate() {
            let more = if n == 0 { "" } else { "  " };
            out.push_str(&format!("{indent}{more}{}\n", style.paint(Ink::Warn, line)));
        }
        out.push_str(&format!(
            "{indent}  {}\n",
            cut(&title, room.saturating_sub(2))
        ));
    } else {
        let lead = style.paint(Ink::Warn, &lead);
        out.push_str(&format!("{indent}{lead} {}\n", cut(&title, beside)));
    }
    out.push_str(&format!("{indent}  {}\n", style.paint(Ink::Faint, &ids)));
    if is_long(conflict) {
        long_values(conflict, indent, room, style, out);
    } else {
        short_values(conflict, indent, style, out);
    }
}

/// Whether it is about a long text.
fn is_long(conflict: &Conflict) -> bool {
    let mut values = [&conflict.now.ado, &conflict.now.clickup].into_iter();
    values.any(|value| matches!(value, FieldValue::Rich(_)))
}

fn verdict(conflict: &Conflict, side: Side) -> &'static str {
    match conflict.taken {
        Some(taken) if taken == side => "kept",
        Some(_) => "gives way",
        None => "",
    }
}

/// Column in which a short value starts, behind what holds it.
const VALUE: usize = 18;

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
        // What goes on below stands under what it goes on from.
        let taken = indent.len() + VALUE;
        let said = if verdict.is_empty() {
            0
        } else {
            verdict.len() + 4
        };
        let room = style.columns().saturating_sub(taken + said);
        for (n, piece) in fold(&value, room).iter().enumerate() {
            match n {
                0 => out.push_str(&format!("{indent}    {label:12}  {piece}{tail}\n")),
                _ => out.push_str(&format!("{}{piece}\n", " ".repeat(taken))),
            }
        }
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
        let old = base.map(diff::text).unwrap_or_default();
        let new = diff::text(conflict.now.get(side));
        let lines = diff::lines(old, new, room.saturating_sub(8), style);
        let end = match (lines.is_empty(), base) {
            (false, _) => "",
            (true, Some(_)) => " unchanged",
            (true, None) => " (empty)",
        };
        out.push_str(&format!("{indent}    {side} {what}{verdict}:{end}\n"));
        for line in lines {
            out.push_str(format!("{indent}      {line}").trim_end());
            out.push('\n');
        }
    }
}

/// Writes the text that a person made of both values.
fn merged_value(conflict: &Conflict, merged: &FieldValue, out: &mut String) {
    if !is_long(conflict) {
        let value = escape(&merged.to_string());
        out.push_str(&format!("    {:12}  {value}\n", "merged"));
        return;
    }
    out.push_str("    merged of both:\n");
    for line in diff::text(merged).lines() {
        out.push_str(format!("      {}", escape(line)).trim_end());
        out.push('\n');
    }
}
