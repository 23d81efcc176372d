//! Normal form of blocks: what is empty vanishes, neighbours of one kind join, too deep containers are lifted.

use super::model::{Align, Block, Leaf, ListItem, MAX_LEVEL, Run, Style};
use super::tidy::tidy;
use crate::legible;

/// Marks that stand for a check box at the start of an item, with their state.
const BOXES: [(&str, bool); 6] = [
    ("☐", false),
    ("☑", true),
    ("☒", true),
    ("[ ]", false),
    ("[x]", true),
    ("[X]", true),
];

/// Brings a document's blocks into normal form.
pub(super) fn normal(blocks: Vec<Block>) -> Vec<Block> {
    level(blocks, 0)
}

fn level(blocks: Vec<Block>, depth: usize) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::Para(runs) => paragraphs(runs)
                .into_iter()
                .for_each(|runs| out.push(Block::Para(runs))),
            Block::Heading(size, runs) => {
                let runs = tidy(runs.into_iter().map(one_line).map(not_bold).collect());
                if !runs.is_empty() {
                    out.push(Block::Heading(size.clamp(1, 6), runs));
                }
            }
            Block::Code(language, text) => code(&language, &text)
                .into_iter()
                .for_each(|block| out.push(block)),
            Block::Quote(blocks) if depth >= MAX_LEVEL => out.extend(level(blocks, depth)),
            Block::Quote(blocks) => {
                let blocks = level(blocks, depth + 1);
                if let Some(Block::Quote(before)) = out.last_mut() {
                    join_into(before, blocks);
                } else if !blocks.is_empty() {
                    out.push(Block::Quote(blocks));
                }
            }
            Block::List { items, .. } if depth >= MAX_LEVEL => {
                out.extend(level(
                    items.into_iter().flat_map(|item| item.blocks).collect(),
                    depth,
                ));
            }
            Block::List { start, items } => list(&mut out, start, items, depth),
            Block::Table { align, rows } => table(align, rows)
                .into_iter()
                .for_each(|block| out.push(block)),
            Block::Rule => out.push(Block::Rule),
        }
    }
    out
}

/// Adds blocks in normal form to others, joining where they meet.
fn join_into(out: &mut Vec<Block>, blocks: Vec<Block>) {
    for block in blocks {
        match (out.last_mut(), block) {
            (
                Some(Block::List { start: a, items }),
                Block::List {
                    start: b,
                    items: more,
                },
            ) if a.is_some() == b.is_some() => items.extend(more),
            (Some(Block::Quote(before)), Block::Quote(more)) => join_into(before, more),
            (_, block) => out.push(block),
        }
    }
}

/// Tidies runs and cuts them where two or more breaks follow each other.
fn paragraphs(runs: Vec<Run>) -> Vec<Vec<Run>> {
    let runs = tidy(runs);
    if runs.is_empty() {
        return Vec::new();
    }
    let mut parts: Vec<Vec<Run>> = vec![Vec::new()];
    let mut breaks = 0;
    for run in runs {
        if run.leaf == Leaf::Break {
            breaks += 1;
            continue;
        }
        if breaks > 1 {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            if breaks == 1 {
                part.push(Run::line_break());
            }
            part.push(run);
        }
        breaks = 0;
    }
    parts
        .into_iter()
        .map(tidy)
        .filter(|part| !part.is_empty())
        .collect()
}

fn one_line(mut run: Run) -> Run {
    if run.leaf == Leaf::Break {
        run.leaf = Leaf::Text(" ".to_owned());
    }
    run
}

fn not_bold(mut run: Run) -> Run {
    run.style = run.style.without(Style::STRONG);
    run
}

/// Code with blanks kept inside lines, without blank lines around it. Nothing when there is no text.
fn code(language: &str, text: &str) -> Option<Block> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let line = legible(line);
            let kept = line.chars().filter(|c| *c != '\u{feff}');
            let line: String = kept.map(|c| if c == '\u{a0}' { ' ' } else { c }).collect();
            line.trim_end().to_owned()
        })
        .collect();
    let text = lines.join("\n").trim_matches('\n').to_owned();
    let named = |c: char| c.is_alphanumeric() || "+#_.-".contains(c);
    let word = language.split_whitespace().next().unwrap_or("");
    let language = word.chars().take_while(|c| named(*c)).collect();
    (!text.is_empty()).then_some(Block::Code(language, text))
}

fn list(out: &mut Vec<Block>, start: Option<usize>, items: Vec<ListItem>, depth: usize) {
    let mut items: Vec<ListItem> = items
        .into_iter()
        .map(|item| {
            let mut item = ListItem {
                task: item.task,
                blocks: level(item.blocks, depth + 1),
            };
            take_task(&mut item);
            item
        })
        .filter(|item| !item.blocks.is_empty())
        .collect();
    if items.is_empty() {
        return;
    }
    if let Some(Block::List {
        start: before,
        items: earlier,
    }) = out.last_mut()
        && before.is_some() == start.is_some()
    {
        earlier.append(&mut items);
        return;
    }
    // CommonMark numbers have at most nine digits.
    let start = start.map(|first| first.min(999_999_999));
    out.push(Block::List { start, items });
}

/// Turns a check box at the start of an item into its task state, when text follows; without text it stays text.
fn take_task(item: &mut ListItem) {
    let Some(Block::Para(runs)) = item.blocks.first() else {
        if let Some(state) = item.task.take()
            && !item.blocks.is_empty()
        {
            let mark = if state { "☑" } else { "☐" };
            item.blocks.insert(0, Block::Para(vec![Run::text(mark)]));
        }
        return;
    };
    if item.task.is_some() {
        return;
    }
    let Some(Run {
        leaf: Leaf::Text(text),
        ..
    }) = runs.first()
    else {
        return;
    };
    let found = BOXES
        .iter()
        .find_map(|(mark, state)| text.strip_prefix(mark).map(|rest| (*mark, *state, rest)));
    let Some((mark, state, rest)) = found else {
        return;
    };
    if mark.starts_with('[') && !rest.is_empty() && !rest.starts_with(' ') {
        return;
    }
    let mut stripped = runs.clone();
    if let Some(Run {
        leaf: Leaf::Text(text),
        ..
    }) = stripped.first_mut()
    {
        *text = rest.to_owned();
    }
    let stripped = tidy(stripped);
    if stripped.is_empty() {
        return;
    }
    item.task = Some(state);
    if let Some(first) = item.blocks.first_mut() {
        *first = Block::Para(stripped);
    }
}

/// Squares the rows; a header row is bold by itself. Nothing when every cell is empty.
fn table(mut align: Vec<Align>, rows: Vec<Vec<Vec<Run>>>) -> Option<Block> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<Vec<Vec<Run>>> = rows
        .into_iter()
        .enumerate()
        .map(|(at, row)| {
            let plain = |runs: Vec<Run>| runs.into_iter().map(not_bold).collect();
            row.into_iter()
                .map(|runs| cell(if at == 0 { plain(runs) } else { runs }))
                .collect()
        })
        .collect();
    rows.iter_mut()
        .for_each(|row: &mut Vec<Vec<Run>>| row.resize(width, Vec::new()));
    align.resize(width, Align::None);
    let empty = rows.iter().flatten().all(Vec::is_empty);
    (!empty).then_some(Block::Table { align, rows })
}

fn cell(runs: Vec<Run>) -> Vec<Run> {
    let mut runs = tidy(runs);
    runs.dedup_by(|a, b| a.leaf == Leaf::Break && b.leaf == Leaf::Break);
    runs
}
