//! HTML tables to the model: spans padded, blocks in cells flattened to lines.

use ego_tree::NodeRef;
use scraper::Node;
use scraper::node::Element;

use super::html_in::{Around, Sink, inner};
use super::model::{Align, Block, Leaf, Run, Style, TableCell};

/// Most columns and rows that one cell may span; browsers cap likewise.
const MAX_COLSPAN: usize = 32;
const MAX_ROWSPAN: usize = 500;
/// Most cells of a squared table; a wide row among many must not blow up.
const MAX_CELLS: usize = 200_000;

/// Reads a `table` element into `sink`, its caption first.
pub(super) fn read(sink: &mut Sink, node: NodeRef<'_, Node>, around: &Around) {
    let mut lines = Vec::new();
    for child in node.children() {
        match child.value().as_element().map(Element::name) {
            Some("tr") => lines.push(child),
            Some("thead" | "tbody" | "tfoot") => {
                lines.extend(child.children().filter(|line| is(line, "tr")));
            }
            Some("caption") => {
                sink.walk(child, around);
                sink.flush();
            }
            _ => {}
        }
    }
    let mut rows: Vec<Vec<TableCell>> = Vec::new();
    let mut align: Vec<Align> = Vec::new();
    let mut spans: Vec<usize> = Vec::new();
    for line in lines {
        let row = read_row(
            line,
            around,
            &mut spans,
            rows.is_empty().then_some(&mut align),
        );
        if !row.is_empty() {
            rows.push(row);
        }
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    if width.saturating_mul(rows.len()) > MAX_CELLS {
        rows.into_iter()
            .flatten()
            .for_each(|cell| sink.push(Block::Para(cell)));
    } else if width > 0 {
        sink.push(Block::Table { align, rows });
    }
}

fn is(node: &NodeRef<'_, Node>, name: &str) -> bool {
    node.value()
        .as_element()
        .is_some_and(|element| element.name() == name)
}

/// Reads one row. `spans` holds, per column, how many further rows a cell above still covers.
fn read_row(
    line: NodeRef<'_, Node>,
    around: &Around,
    spans: &mut Vec<usize>,
    mut align: Option<&mut Vec<Align>>,
) -> Vec<TableCell> {
    let mut row: Vec<TableCell> = Vec::new();
    for node in line.children() {
        let Some(element) = node.value().as_element() else {
            continue;
        };
        if !matches!(element.name(), "td" | "th") {
            continue;
        }
        fill(&mut row, spans);
        let span = |name: &str, most: usize| {
            let given = element
                .attr(name)
                .and_then(|text| text.trim().parse::<usize>().ok());
            given.unwrap_or(1).clamp(1, most)
        };
        let (columns, below) = (
            span("colspan", MAX_COLSPAN),
            span("rowspan", MAX_ROWSPAN) - 1,
        );
        let mut content = Some(flat(inner(node, around)));
        for _ in 0..columns {
            match spans.get_mut(row.len()) {
                Some(span) => *span = below,
                None => spans.push(below),
            }
            row.push(content.take().unwrap_or_default());
            if let Some(align) = align.as_deref_mut() {
                align.push(alignment(element));
            }
        }
    }
    fill(&mut row, spans);
    row
}

/// Pads the row with empty cells where a cell above covers it.
fn fill(row: &mut Vec<TableCell>, spans: &mut [usize]) {
    while let Some(span) = spans.get_mut(row.len()).filter(|span| **span > 0) {
        *span -= 1;
        row.push(Vec::new());
    }
}

fn alignment(element: &Element) -> Align {
    let style = element
        .attr("style")
        .unwrap_or("")
        .replace(' ', "")
        .to_ascii_lowercase();
    let named = element.attr("align").unwrap_or("").to_ascii_lowercase();
    let is = |word: &str| named == word || style.contains(&format!("text-align:{word}"));
    if is("right") {
        Align::Right
    } else if is("center") {
        Align::Centre
    } else if is("left") {
        Align::Left
    } else {
        Align::None
    }
}

/// Blocks as lines of one cell: a Markdown cell holds inline content only.
fn flat(blocks: Vec<Block>) -> TableCell {
    let mut out: TableCell = Vec::new();
    for block in blocks {
        if !out.is_empty() {
            out.push(Run::line_break());
        }
        match block {
            Block::Para(runs) => out.extend(runs),
            Block::Heading(_, runs) => out.extend(runs.into_iter().map(|run| Run {
                style: run.style.with(Style::STRONG),
                ..run
            })),
            Block::Code(_, text) => {
                for line in text.lines() {
                    out.push(Run::plain(Leaf::Code(line.to_owned())));
                    out.push(Run::line_break());
                }
            }
            Block::List { start, items } => {
                for (at, item) in items.into_iter().enumerate() {
                    let mark = match (start, item.task) {
                        (_, Some(true)) => "☑ ".to_owned(),
                        (_, Some(false)) => "☐ ".to_owned(),
                        (Some(first), _) => format!("{}. ", first.saturating_add(at)),
                        (None, _) => "• ".to_owned(),
                    };
                    out.push(Run::text(mark));
                    out.extend(flat(item.blocks));
                    out.push(Run::line_break());
                }
            }
            Block::Quote(blocks) => out.extend(flat(blocks)),
            Block::Rule => out.push(Run::text("—")),
            Block::Table { rows, .. } => {
                for row in rows {
                    for (at, cell) in row.into_iter().enumerate() {
                        if at > 0 {
                            out.push(Run::text(" / "));
                        }
                        out.extend(cell);
                    }
                    out.push(Run::line_break());
                }
            }
        }
    }
    out
}
