//! What `verify` found, for people.

use super::conflict::When;
use super::diff;
use super::measure::{Label, width};
use super::paint::{Ink, Style, amount, cut, escape, hanging, plural, wrap};
use crate::model::{PairName, Side};
use crate::reason::ReadWhy;
use crate::reconcile::drift::{Difference, DriftKind};

/// The differences of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftView {
    /// The pair.
    pub pair: PairName,
    /// How many links were compared.
    pub compared: usize,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Custom fields that stand still, with the reason: nobody knows whether they are equal.
    pub not_compared: Vec<ReadWhy>,
}

/// Column in which values start, after the longest built-in name.
const LABEL: usize = 13;

/// Returns every difference for people, item by item, ending in one line of counts.
pub fn drift(view: &DriftView, style: &Style, when: When<'_>) -> String {
    let name = style.paint(Ink::Strong, &escape(&view.pair.0));
    let mut out = String::new();
    let mut last = None;
    for difference in &view.differences {
        if out.is_empty() {
            out.push_str(&format!("{name}  (values: ADO -> ClickUp)\n\n"));
        }
        if last != Some(&difference.items) {
            if last.is_some() {
                out.push('\n');
            }
            heading(difference, style, &mut out);
        }
        last = Some(&difference.items);
        body(difference, style, when, &mut out);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    for why in &view.not_compared {
        let text = format!("not compared: {}", style.sentence(&why.to_string()));
        for (n, line) in wrap(&text, style.columns().saturating_sub(6))
            .iter()
            .enumerate()
        {
            let indent = if n == 0 { "  " } else { "      " };
            out.push_str(&format!("{indent}{}\n", style.paint(Ink::Warn, line)));
        }
    }
    let apart = match view.not_compared.len() {
        0 => String::new(),
        n => format!("; {} held and not compared", plural(n, "field", "fields")),
    };
    let total = format!(
        "{}: {} compared, {}{apart}",
        escape(&view.pair.0),
        plural(view.compared, "linked pair", "linked pairs"),
        counts(view)
    );
    out.push_str(&hanging(&total, 2, style).replacen(&escape(&view.pair.0), &name, 1));
    out
}

fn heading(difference: &Difference, style: &Style, out: &mut String) {
    let ids: Vec<String> = Side::BOTH
        .iter()
        .filter_map(|side| {
            let id = difference.items.get(*side).as_ref()?;
            Some(format!("{side} {}", escape(id.as_str())))
        })
        .collect();
    let room = style.columns().saturating_sub(4);
    let (title, ids) = (cut(&escape(&difference.title), room), ids.join(" = "));
    let gap = match width(&title) + width(&ids) + 4 <= style.columns() {
        true => "  ",
        false => "\n      ",
    };
    out.push_str(&format!(
        "  {}{gap}{}\n",
        style.paint(Ink::Strong, &title),
        style.paint(Ink::Faint, &ids),
    ));
}

fn body(difference: &Difference, style: &Style, when: When<'_>, out: &mut String) {
    let label = difference.field.as_ref();
    let label = label.map(|field| Label::of(&escape(&field.to_string()), LABEL));
    if let Some(Label { above, beside }) = &label {
        if let Some(above) = above {
            out.push_str(&format!("    {above}\n"));
        }
        let room = style.columns().saturating_sub(6 + width(beside));
        let shown = difference.values.as_ref().map_or_else(
            || vec!["(not shown)".to_owned()],
            |values| diff::change(Some(&values.ado), &values.clickup, room, style),
        );
        match shown.as_slice() {
            [only] => out.push_str(&format!("    {beside}  {only}\n")),
            lines => {
                if above.is_none() {
                    out.push_str(&format!("    {}\n", beside.trim_end()));
                }
                for line in lines {
                    out.push_str(&format!("      {line}\n"));
                }
            }
        }
    }
    let ink = match difference.kind {
        DriftKind::ByRule => Ink::Faint,
        _ => Ink::Warn,
    };
    let since = difference
        .since
        .map_or_else(String::new, |at| format!(" (since {})", when(at)));
    let text = format!(
        "{}: {}{since}",
        word(difference.kind),
        style.sentence(&difference.reason)
    );
    for line in wrap(&text, style.columns().saturating_sub(6)) {
        out.push_str(&format!("      {}\n", style.paint(ink, &line)));
    }
}

/// One kind for each word, in the order in which they are counted.
const KINDS: [DriftKind; 8] = [
    DriftKind::Pending,
    DriftKind::Conflict,
    DriftKind::Held,
    DriftKind::Unmapped,
    DriftKind::Settled,
    DriftKind::Missing,
    DriftKind::Unlinked,
    DriftKind::ByRule,
];

fn word(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::Pending => "pending",
        DriftKind::Conflict => "conflict",
        DriftKind::Held => "held",
        DriftKind::Unmapped => "not mapped",
        DriftKind::Settled => "accepted difference",
        // What `status` and a plan call held is held here as well.
        DriftKind::OutOfScope | DriftKind::Unreadable => "held",
        DriftKind::Missing => "missing",
        DriftKind::Unlinked => "not linked",
        DriftKind::ByRule => "by rule",
    }
}

/// What is linked is compared and may differ; an item without a link is compared with nothing, so it is counted apart.
fn counts(view: &DriftView) -> String {
    let alone = |d: &&Difference| d.kind == DriftKind::Unlinked;
    let (alone, differences): (Vec<_>, Vec<_>) = view.differences.iter().partition(alone);
    let alone = match alone.len() {
        0 => String::new(),
        n => format!("; {} not linked", plural(n, "item", "items")),
    };
    if differences.is_empty() {
        let among = match view.not_compared.is_empty() {
            true => "",
            false => " in the other fields",
        };
        return format!("no differences{among}{alone}");
    }
    let parts: Vec<String> = KINDS
        .iter()
        .filter_map(|kind| {
            let word = word(*kind);
            let counted = differences.iter().filter(|d| self::word(d.kind) == word);
            let n = counted.count();
            (n > 0).then(|| match kind {
                DriftKind::Conflict => plural(n, "conflict", "conflicts"),
                DriftKind::Settled => plural(n, "accepted difference", "accepted differences"),
                _ => format!("{} {word}", amount(n)),
            })
        })
        .collect();
    format!(
        "{}: {}{alone}",
        plural(differences.len(), "difference", "differences"),
        parts.join(", ")
    )
}
