//! What each service can and can't do, as data: who decides asks for an ability and never which service it is.
//!
//! Example: a title goes to a side whose titles have a limit. The rule reads `of(side).line` and works for either side;
//! the number and the page that it is from stand here once.

use crate::model::{Folded, Side};

/// What one service can and can't do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The service's full name, for sentences.
    pub name: &'static str,
    /// The longest single line that it holds, in UTF-16 units; `None`: none that is known.
    pub line: Option<usize>,
    /// How many people an item may have; `None`: any number.
    pub people: Option<usize>,
    /// What it takes as a tag; `None`: whatever it is.
    pub tag: Option<TagLimit>,
    /// Whether it stores tags in lower case, whatever was sent.
    pub lowers_tags: bool,
    /// Whether a write names the version that it was planned for and is refused at any other (compare-and-swap). Where it
    /// can't, a write stays close to its read, and an edit from in between shows only in what is read afterwards.
    pub compares_versions: bool,
    /// What a version is.
    pub versions: Versions,
    /// Whether it shows what was deleted, so that one answer proves a deletion. Where it can't, several answers with time
    /// between them do.
    pub proves_deletion: bool,
    /// Whether an item takes its children along when it is deleted.
    pub deletes_children: bool,
    /// Where deleted items are.
    pub bin: &'static str,
    /// Whether a program can take an item out of there.
    pub restores: bool,
    /// Whether a set is sent as what to add and what to remove, rather than whole.
    pub sets_by_difference: bool,
    /// Whether each custom field of an item that is there is set by a request of its own.
    pub sets_customs_apart: bool,
    /// Whether the answer to a write shows every field that has a value.
    pub answers_whole: bool,
    /// Whether rules of a process may set other fields in the same save.
    pub has_rules: bool,
    /// Whether it opens a recurring item again as soon as it is completed.
    pub reopens: bool,
    /// Whether a long text may hold links that work on its own pages alone.
    pub relative_links: bool,
}

/// What the versions of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Numbers of saves, from 1: each save makes the next one.
    Counted,
    /// Times: two saves may share one, and nothing tells how many there were.
    Times,
}

/// What a service takes as a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagLimit {
    /// The longest tag, in UTF-16 units.
    pub units: usize,
    /// Characters that it may not have: the service joins or cuts tags at them.
    pub without: [char; 2],
}

const ADO: Capabilities = Capabilities {
    name: "Azure DevOps",
    // String fields hold 255 characters (docs `work-items/work-item-fields`), as .NET counts: an emoji is two.
    line: Some(255),
    people: Some(1),
    // Tags are joined with `;`, cut at `,`, and take 400 characters (docs `add-tags-to-work-items`).
    tag: Some(TagLimit {
        units: 400,
        without: [';', ','],
    }),
    lowers_tags: false,
    compares_versions: true,
    versions: Versions::Counted,
    proves_deletion: true,
    deletes_children: false,
    bin: "recycle bin",
    restores: true,
    sets_by_difference: false,
    sets_customs_apart: false,
    answers_whole: true,
    has_rules: true,
    reopens: false,
    relative_links: true,
};

const CLICKUP: Capabilities = Capabilities {
    name: "ClickUp",
    line: None,
    people: None,
    tag: None,
    // Recorded answers show `ux` for a tag that was sent as `UX`; ClickUp's reference does not say so.
    lowers_tags: true,
    compares_versions: false,
    versions: Versions::Times,
    proves_deletion: false,
    // Seen by the public project mmcc007/clickup-yaml-sync: subtasks answer 404 after a delete of their parent.
    deletes_children: true,
    bin: "trash",
    restores: false,
    sets_by_difference: true,
    // developer.clickup.com reference, Set Custom Field Value: one field for each request.
    sets_customs_apart: true,
    answers_whole: false,
    has_rules: false,
    reopens: true,
    relative_links: false,
};

/// Returns what the service of a side can do.
pub fn of(side: Side) -> &'static Capabilities {
    match side {
        Side::Ado => &ADO,
        Side::ClickUp => &CLICKUP,
    }
}

/// The sides in the order in which they are written: first the one that compares no versions, so that its write stays close
/// to its read.
pub fn in_order_of_writing() -> [Side; 2] {
    let mut sides = Side::BOTH;
    sides.sort_by_key(|side| of(*side).compares_versions);
    sides
}

impl Capabilities {
    /// Returns whether it can hold a tag.
    pub fn holds_tag(&self, tag: &Folded) -> bool {
        self.tag.is_none_or(|limit| {
            !tag.shown.contains(limit.without) && units(&tag.shown) <= limit.units
        })
    }
}

/// Returns the length of a text as limits count it: in UTF-16 units.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_compares_no_versions_is_written_first() {
        assert_eq!(in_order_of_writing(), [Side::ClickUp, Side::Ado]);
    }
}
