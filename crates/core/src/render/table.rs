//! Plain tables.

use super::measure::width;
use super::paint::{Ink, Style, escape};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

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
    keep_words(&mut table, headers, rows, style.columns());
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

/// Makes every column wide enough for its longest word, where there is room for that: a name or a time that is broken in the
/// middle cannot be read. Where there is not, the columns with the longest words give way, and the others keep theirs whole.
fn keep_words(table: &mut Table, headers: &[&str], rows: &[Vec<String>], room: usize) {
    /// The blanks beside a cell.
    const PADDING: usize = 2;
    let longest = |text: &str| text.split_whitespace().map(width).max().unwrap_or(0);
    let mut widths: Vec<usize> = headers.iter().map(|header| longest(header)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = longest(&escape(cell)).max(*most);
        }
    }
    let widths: Vec<usize> = widths.into_iter().map(|width| width + PADDING).collect();
    let taken = |most: usize| widths.iter().map(|width| *width.min(&most)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or(0);
    let most = (PADDING + 1..=widest)
        .rev()
        .find(|most| taken(*most) <= room);
    let Some(most) = most else { return };
    for (column, width) in table.column_iter_mut().zip(&widths) {
        let width = Width::Fixed(u16::try_from(*width.min(&most)).unwrap_or(u16::MAX));
        column.set_constraint(ColumnConstraint::LowerBoundary(width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_table_breaks_lines_between_words() {
        let headers = [
            "pair",
            "last success",
            "links",
            "creates open",
            "conflicts",
            "held",
            "state",
        ];
        let row = [
            "web",
            "12 minutes ago",
            "1284",
            "0",
            "1, oldest 12m",
            "1, oldest 12m",
            "see below",
        ];
        let rows = vec![row.map(str::to_owned).to_vec()];
        let style = Style {
            width: 60,
            ..Style::default()
        };
        let text = table(&headers, &rows, &style);
        for word in headers.iter().chain(&row).flat_map(|cell| cell.split(' ')) {
            let mut words = text.split_whitespace();
            assert!(words.any(|shown| shown == word), "{word} in\n{text}");
        }
        assert!(text.lines().all(|line| width(line) <= 60), "{text}");
    }

    #[test]
    fn where_a_long_word_has_no_room_only_its_own_column_breaks_it() {
        let headers = ["field", "base", "now"];
        let value = "a-value-without-any-blank-that-is-wider-than-the-table";
        let row = ["description", value, "unchanged"].map(str::to_owned);
        let style = Style {
            width: 50,
            ..Style::default()
        };
        let text = table(&headers, &[row.to_vec()], &style);
        for word in ["description", "unchanged"] {
            let mut words = text.split_whitespace();
            assert!(words.any(|shown| shown == word), "{word} in\n{text}");
        }
        assert!(text.lines().all(|line| width(line) <= 50), "{text}");
    }
}
