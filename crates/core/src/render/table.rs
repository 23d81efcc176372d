//! Plain tables.

use super::measure::width;
use super::paint::{Ink, Style, escape, hanging};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// The blanks beside a cell.
const PADDING: usize = 2;
/// The shortest word that may be broken in a table: an address or an id, and not what a field is called.
const BREAKABLE: usize = 24;

/// Returns a borderless table with a header line, folded into the style's width and ending in a line break. No rows:
/// an empty string. Where there is no room for the words of its columns each row is a paragraph of its own.
pub fn table(headers: &[&str], rows: &[Vec<String>], style: &Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let widths = widths(headers, rows);
    let most = most(&widths, style.columns());
    let widest = widths.iter().copied().max().unwrap_or(0);
    if most.is_none_or(|most| most < widest.min(BREAKABLE + PADDING)) {
        return paragraphs(headers, rows, style);
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
    keep_words(&mut table, &widths, most.unwrap_or(widest));
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

/// How wide each column has to be for its longest word.
fn widths(headers: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let longest = |text: &str| text.split_whitespace().map(width).max().unwrap_or(0);
    let mut widths: Vec<usize> = headers.iter().map(|header| longest(header)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = longest(&escape(cell)).max(*most);
        }
    }
    widths.into_iter().map(|width| width + PADDING).collect()
}

/// The most that a column may take for its longest word, so that all of them have room; `None`: no table has.
fn most(widths: &[usize], room: usize) -> Option<usize> {
    let taken = |most: usize| widths.iter().map(|width| *width.min(&most)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or(0);
    (PADDING + 1..=widest)
        .rev()
        .find(|most| taken(*most) <= room)
}

/// Makes every column wide enough for its longest word, up to `most`: a name or a time that is broken in the middle cannot be read. The
/// columns with the longest words give way, and the others keep theirs whole.
fn keep_words(table: &mut Table, widths: &[usize], most: usize) {
    for (column, width) in table.column_iter_mut().zip(widths) {
        let width = Width::Fixed(u16::try_from(*width.min(&most)).unwrap_or(u16::MAX));
        column.set_constraint(ColumnConstraint::LowerBoundary(width));
    }
}

/// The rows one after the other: what the row is about, then each other cell on a line of its own behind the name of its column.
fn paragraphs(headers: &[&str], rows: &[Vec<String>], style: &Style) -> String {
    let mut out = String::new();
    for row in rows {
        let mut cells = headers.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let mut head = Vec::new();
        for (header, cell) in cells.by_ref() {
            head.push(cell.as_str());
            // A mark without a name says something of what comes next.
            if !header.is_empty() {
                break;
            }
        }
        for line in hanging(&head.join("  "), 4, style).lines() {
            out.push_str(&style.paint(Ink::Strong, line));
            out.push('\n');
        }
        for (header, cell) in cells {
            out.push_str(&hanging(&format!("  {header}: {cell}"), 2, style));
        }
    }
    out
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

    /// Of `description` and `custom:Severity` nothing is cut off for a neighbour.
    #[test]
    fn where_the_words_have_no_room_beside_each_other_each_row_is_a_paragraph() {
        let headers = ["", "field", "base", "Azure DevOps", "ClickUp", "decision"];
        let row = |field: &str| {
            let cells = [
                "ok",
                field,
                "1 - Critical",
                "",
                "fromclickup",
                "unchanged since the base",
            ];
            cells.map(str::to_owned).to_vec()
        };
        let style = Style {
            width: 44,
            ..Style::default()
        };
        let text = table(
            &headers,
            &[row("description"), row("custom:Severity")],
            &style,
        );
        let wanted = "ok  description\n  base: 1 - Critical\n  ClickUp: fromclickup\n  decision: unchanged since the base\n\
                      ok  custom:Severity\n  base: 1 - Critical\n  ClickUp: fromclickup\n  decision: unchanged since the base\n";
        assert_eq!(text, wanted);
    }
}
