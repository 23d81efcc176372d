//! Plain tables.

use super::paint::{Ink, Style, escape};
use comfy_table::{ContentArrangement, Table, presets};

/// Returns a borderless table with a header line, folded into the style's width and ending in a line break. No rows:
/// an empty string.
pub fn table(headers: &[&str], rows: &[Vec<String>], style: &Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(style.columns()).unwrap_or(u16::MAX))
        .set_header(headers.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| escape(cell)).collect::<Vec<_>>());
    }
    let mut out = String::new();
    for (i, line) in table.lines().enumerate() {
        let line = line.trim_end();
        out.push_str(&if i == 0 {
            style.paint(Ink::Strong, line)
        } else {
            line.to_owned()
        });
        out.push('\n');
    }
    out
}
