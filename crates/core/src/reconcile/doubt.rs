//! Writes that nobody answered, judged by what the item shows later. Pure.
//!
//! A write may be in force although its answer is lost. If a person then sets the old value back, item and base are equal
//! again, and nothing but the version tells that somebody was there. Example: the title `Receipt` is to become `Receipts`,
//! and the connection breaks after the request. Ana sees `Receipts` and sets `Receipt` again. Were that taken for "it never
//! arrived", `Receipts` would be written a second time, and Ana's edit would be gone.
//!
//! | the item shows | at a version | its history says | so |
//! |---|---|---|---|
//! | whatever | that the write was based on | | nothing has arrived, or not yet: [`Fate::Told`] |
//! | what was sent | later | the next version is somebody else's | ours never arrived, and they set it: [`Fate::Theirs`] |
//! | the same | later | it is not, or nobody knows | it is in force: [`Fate::Told`] |
//! | something else, of a value that is taken whole | later | | somebody's edit, and the merge sees it: [`Fate::Told`] |
//! | the old value, the one that both sides last agreed on, or only a part of our change | later | every version is without our change | it never arrived: [`Fate::Told`] |
//! | the same | later | a version shows our change | somebody took it back: [`Fate::Changed`] |
//! | the same | later | a version shows a step on the way to it | [`Fate::Doubted`] |
//! | the same | later | nothing, or not each version | [`Fate::Doubted`] |
//!
//! A service that compares versions takes a write as the very next version or not at all. Example: Bo sets a due date in ClickUp
//! and it is sent to a work item at version 7, where it does not arrive. Ana sets the same date there, which is version 8. Were
//! that taken for ours, it would give way without a conflict to the next date that Bo chooses.
//!
//! The fourth row tells that somebody edited the value, and not what they made theirs of, so that the other side's value counts as
//! an edit as well from then on. The same in the rows with a doubt.
//!
//! What is doubted counts as an edit, and so becomes a conflict with the value that was to be written. That is safe and has
//! a price: on a service without a history, a write that was lost and a comment by somebody before the next look are enough
//! for such a conflict, for the comment makes a new version as well.

use crate::capabilities::{self, Versions};
use crate::field::Kind;
use crate::model::{Author, FieldKey, FieldValue, Folded, Item, Past, Side, Version};
use boardsync_markup::{self as markup, TextMerge};
use std::collections::BTreeSet;

/// A value of an update that had no usable answer.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The side that was written to.
    pub side: Side,
    /// The field.
    pub field: &'a FieldKey,
    /// Its value before.
    pub origin: &'a FieldValue,
    /// What the two sides last agreed on, as this side has it; `None`: nothing. It differs from `origin` where the write settled a
    /// conflict: whoever then sets just this value has made an edit that the merge cannot see.
    pub base: Option<&'a FieldValue>,
    /// Values that it was to pass through.
    pub via: &'a [FieldValue],
    /// The value that was sent.
    pub wanted: &'a FieldValue,
    /// The item's version before.
    pub expected: Version,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// What is there may be taken for what it looks like.
    Told,
    /// It never arrived. What is there is somebody's edit, even where it is what was sent.
    Theirs,
    /// It was in force: the side showed this. What is there by now is somebody's edit of it.
    Changed(FieldValue),
    /// Nobody can tell whether it never arrived or somebody took it back.
    Doubted,
}

/// Judges an item that was read. `history` holds the item's versions after [`Sent::expected`], as far as they are known.
pub fn judge(sent: &Sent<'_>, item: &Item, history: &[Past]) -> Fate {
    if !is_open(sent, item) {
        return match is_theirs(sent, item, history) {
            true => Fate::Theirs,
            false => Fate::Told,
        };
    }
    let Some(versions) = every_version(sent, item, history) else {
        return Fate::Doubted;
    };
    let shown = |item: &&Item| item.fields.get(sent.field).cloned();
    let values: Vec<FieldValue> = versions.iter().filter_map(shown).collect();
    if let Some(ours) = values.iter().find(|value| sent.holds(value)) {
        return Fate::Changed(ours.clone());
    }
    match values.iter().any(|value| sent.via.contains(value)) {
        true => Fate::Doubted,
        false => Fate::Told,
    }
}

/// Whether only the versions in between, and who made them, tell what became of it.
pub fn wants_history(sent: &Sent<'_>, item: &Item) -> bool {
    let told = is_open(sent, item) || is_shown(sent, item);
    capabilities::of(sent.side).versions == Versions::Counted && told
}

/// Whether the item shows what was sent although the version that the write would have made is somebody else's.
fn is_theirs(sent: &Sent<'_>, item: &Item, history: &[Past]) -> bool {
    let next = Version(sent.expected.0.saturating_add(1));
    let mut versions = history.iter();
    capabilities::of(sent.side).compares_versions
        && is_shown(sent, item)
        && versions.any(|past| past.item.version == next && past.by == Author::Another)
}

/// Whether the item was touched since and shows what was sent.
fn is_shown(sent: &Sent<'_>, item: &Item) -> bool {
    let now = item.fields.get(sent.field);
    item.version > sent.expected && now.is_some_and(|now| sent.holds(now))
}

/// Whether the item was touched since and shows less than what was sent, so that its look alone does not tell.
fn is_open(sent: &Sent<'_>, item: &Item) -> bool {
    let now = item.fields.get(sent.field);
    item.version > sent.expected && now.is_some_and(|now| sent.may_be_undone(now))
}

/// Every version after the one that the write was based on; `None`: they are not all known.
fn every_version<'a>(
    sent: &Sent<'_>,
    item: &'a Item,
    history: &'a [Past],
) -> Option<Vec<&'a Item>> {
    if capabilities::of(sent.side).versions != Versions::Counted {
        return None;
    }
    let earlier = history.iter().map(|past| &past.item);
    let earlier =
        earlier.filter(|past| past.version > sent.expected && past.version < item.version);
    let versions: Vec<&Item> = earlier.chain([item]).collect();
    let mut numbered = versions.iter().zip(sent.expected.0.saturating_add(1)..);
    numbered
        .all(|(item, number)| item.version.0 == number)
        .then_some(versions)
}

/// What a write without an answer made of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The value that it left, whatever somebody made of that since.
    pub value: FieldValue,
    /// Whether all of the change is in force, and not only some of its tags.
    pub whole: bool,
}

impl Sent<'_> {
    fn kind(&self) -> &'static dyn Kind {
        self.field.kind_of([self.wanted, self.origin])
    }

    /// What this made of a side that shows `now`; `None`: nothing of it is in force, or nobody can tell.
    ///
    /// Example: of the tags "a" the write was to make "a b c". The task shows "a b z": ours made "a b" of it, and "z" is
    /// somebody's.
    pub fn made(&self, now: &FieldValue) -> Option<Made> {
        let kind = self.kind();
        let whole = |value: &FieldValue| Made {
            value: value.clone(),
            whole: true,
        };
        if now == self.wanted || !kind.is_whole() && kind.in_force(self.side, self.wanted, now) {
            return Some(whole(now));
        }
        if kind.is_rendered() {
            // Lines that only changed their order tell nothing.
            let told = self.holds_lines(now) && !self.holds_lines(self.origin);
            return told.then(|| whole(&self.spelled(now)));
        }
        let Some(of_members) = kind.by_member() else {
            let several = capabilities::of(self.side).people.is_none();
            let theirs = !kind.is_whole() && several && self.holds(now);
            return theirs.then(|| whole(self.wanted));
        };
        let (had, wanted, there) = (self.origin.members(), self.wanted.members(), now.members());
        // What was to come or to go and did not.
        let missing: BTreeSet<Folded> = self.missing(now);
        let made: BTreeSet<Folded> = had
            .union(&wanted)
            .filter(|member| match missing.contains(*member) {
                true => there.contains(*member),
                false => wanted.contains(*member),
            })
            .cloned()
            .collect();
        (made != had).then(|| Made {
            value: of_members(made),
            whole: missing.is_empty(),
        })
    }

    /// The text that was sent, with each line as the service spells it that shows `now`: what it dropped of a line is nobody's
    /// edit.
    fn spelled(&self, now: &FieldValue) -> FieldValue {
        let shown: Vec<&str> = crate::field::text_of(now).lines().collect();
        let lines = crate::field::text_of(self.wanted).lines().map(|line| {
            let own = |other: &&&str| !line.is_empty() && markup::same_words(other, line);
            match shown.contains(&line) {
                true => line,
                false => shown.iter().find(own).copied().unwrap_or(line),
            }
        });
        FieldValue::rich(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Whether the other side, which shows `other`, has by itself what is missing here of a change of members: then it does
    /// not matter whether that arrived and was taken back. Example: a tag's removal is in doubt, and somebody has put the tag
    /// back on the side that it was taken from.
    pub fn is_moot(&self, now: &FieldValue, other: &FieldValue) -> bool {
        let (there, other) = (now.members(), other.members());
        let missing = self.missing(now);
        let mut missing = missing.iter();
        self.field.kind().by_member().is_some()
            && missing.all(|member| there.contains(member) == other.contains(member))
    }

    /// The members that were to come and are not there, and those that were to go and are.
    fn missing(&self, now: &FieldValue) -> BTreeSet<Folded> {
        let (had, wanted, there) = (self.origin.members(), self.wanted.members(), now.members());
        let came = wanted.difference(&had).filter(|one| !there.contains(*one));
        let went = had.difference(&wanted).filter(|one| there.contains(*one));
        came.chain(went).cloned().collect()
    }

    /// Whether our change is in a value, whatever else is.
    fn holds(&self, value: &FieldValue) -> bool {
        let kind = self.kind();
        if value == self.wanted || kind.in_force(self.side, self.wanted, value) {
            return true;
        }
        if kind.is_rendered() {
            return self.holds_lines(value);
        }
        if kind.is_whole() {
            return false;
        }
        let (had, wanted) = (self.origin.members(), self.wanted.members());
        let there = value.members();
        let mut came = wanted.difference(&had);
        let mut went = had.difference(&wanted);
        came.all(|member| there.contains(member)) && !went.any(|member| there.contains(member))
    }

    /// The same of a long text, line by line: a line that the service spells in its own way is the same one.
    fn holds_lines(&self, value: &FieldValue) -> bool {
        let lines = |value: &FieldValue| -> Vec<String> {
            let lines = crate::field::text_of(value).lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (had, wanted, there) = (lines(self.origin), lines(self.wanted), lines(value));
        let has = |text: &[String], line: &str| {
            text.iter()
                .any(|other| other == line || markup::same_words(other, line))
        };
        let came: Vec<&String> = wanted.iter().filter(|line| !has(&had, line)).collect();
        let went: Vec<&String> = had.iter().filter(|line| !has(&wanted, line)).collect();
        if came.is_empty() && !went.is_empty() {
            return self.took_out(value);
        }
        came.iter().all(|line| has(&there, line)) && !went.iter().any(|line| has(&there, line))
    }

    /// Whether a text tells that a change which only takes lines out is in it: they are gone, and nothing stands in their place.
    ///
    /// Example: of `a b c` the line `b` was to go. In `a c d` it went. `a x c` may be what somebody made of `a b c`, and then
    /// ours never arrived.
    fn took_out(&self, value: &FieldValue) -> bool {
        let text = crate::field::text_of;
        let merged = markup::merge3(text(self.origin), text(self.wanted), text(value));
        merged == TextMerge::Clean(text(value).to_owned())
    }

    /// Whether a value may be what somebody made of ours by taking it back.
    fn may_be_undone(&self, value: &FieldValue) -> bool {
        match self.kind().is_whole() {
            true => {
                let before = value == self.origin || Some(value) == self.base;
                before && value != self.wanted
            }
            false => !self.holds(value),
        }
    }
}

#[cfg(test)]
mod tests;
