//! The one shape of rich text between both markup languages: blocks over styled runs.

use std::rc::Rc;

/// Containers (lists, quotes) nested deeper than this are lifted into their parent, so that both writers stay in bounds.
pub(super) const MAX_LEVEL: usize = 12;

/// A set of inline styles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Style(pub(super) u8);

impl Style {
    pub(super) const PLAIN: Self = Self(0);
    pub(super) const STRONG: Self = Self(1);
    pub(super) const EM: Self = Self(2);
    pub(super) const DEL: Self = Self(4);
    pub(super) const UNDER: Self = Self(8);
    pub(super) const SUB: Self = Self(16);
    pub(super) const SUP: Self = Self(32);
    /// Outermost first; the order in which edges are settled and ties between equally long styles are nested.
    pub(super) const ALL: [Self; 6] = [
        Self::UNDER,
        Self::SUB,
        Self::SUP,
        Self::STRONG,
        Self::DEL,
        Self::EM,
    ];

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    pub(super) fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    /// Whether Markdown has no delimiter for the style, so that an inline HTML tag stands for it.
    pub(super) fn is_tag(self) -> bool {
        self.has(Self(Self::UNDER.0 | Self::SUB.0 | Self::SUP.0))
    }
    /// The style that an HTML element stands for.
    pub(super) fn of_tag(name: &str) -> Option<Self> {
        Some(match name {
            "b" | "strong" => Self::STRONG,
            "i" | "em" => Self::EM,
            "s" | "strike" | "del" => Self::DEL,
            "u" | "ins" => Self::UNDER,
            "sub" => Self::SUB,
            "sup" => Self::SUP,
            _ => return None,
        })
    }
    /// The HTML element that the writers use for a single style.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::STRONG => "strong",
            Self::EM => "em",
            Self::DEL => "del",
            Self::UNDER => "u",
            Self::SUB => "sub",
            _ => "sup",
        }
    }
}

/// A link's target, shared by the runs below it.
pub(super) type Link = Option<Rc<str>>;

/// What a run shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Leaf {
    Text(String),
    Code(String),
    Image { url: String, alt: String },
    Break,
}

/// A stretch of inline content with one style set and at most one link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) leaf: Leaf,
    pub(super) style: Style,
    pub(super) link: Link,
}

impl Run {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::plain(Leaf::Text(text.into()))
    }
    pub(super) fn line_break() -> Self {
        Self::plain(Leaf::Break)
    }
    pub(super) fn plain(leaf: Leaf) -> Self {
        Self {
            leaf,
            style: Style::PLAIN,
            link: None,
        }
    }
}

/// A list item. `task` is the state of its check box, `None` when it has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ListItem {
    pub(super) task: Option<bool>,
    pub(super) blocks: Vec<Block>,
}

/// How a table column is aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Align {
    #[default]
    None,
    Left,
    Centre,
    Right,
}

/// One table cell.
pub(super) type TableCell = Vec<Run>;

/// A block of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Block {
    Para(Vec<Run>),
    Heading(u8, Vec<Run>),
    /// Language (may be empty) and text without a final newline.
    Code(String, String),
    /// `start` is the first number of an ordered list, `None` for bullets.
    List {
        start: Option<usize>,
        items: Vec<ListItem>,
    },
    Quote(Vec<Block>),
    /// The first row is the header; every row is as long as `align`.
    Table {
        align: Vec<Align>,
        rows: Vec<Vec<TableCell>>,
    },
    Rule,
}

impl Block {
    /// Calls `change` on every group of runs in the block.
    pub(super) fn each_runs(&mut self, change: &mut impl FnMut(&mut Vec<Run>)) {
        match self {
            Self::Para(runs) | Self::Heading(_, runs) => change(runs),
            Self::List { items, .. } => items
                .iter_mut()
                .flat_map(|item| item.blocks.iter_mut())
                .for_each(|block| block.each_runs(change)),
            Self::Quote(blocks) => blocks.iter_mut().for_each(|block| block.each_runs(change)),
            Self::Table { rows, .. } => rows.iter_mut().flatten().for_each(change),
            Self::Code(..) | Self::Rule => {}
        }
    }
}
