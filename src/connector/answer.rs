//! What a write came to, by what the service showed afterwards. Pure; both connectors go by it.
//!
//! A good status does not prove that a value is in force: services unite tags, cut texts, drop what their rules forbid,
//! or answer 200 and keep the old value (public client reports: taazkareem/clickup-mcp-server #23 and #60,
//! Klavis-AI/klavis #947 for ClickUp; `op: add` on `System.Tags` in Azure DevOps). So every field that was asked for is
//! compared with the answer, by meaning: sets as sets, days as days, people by key, texts by what they say to a reader.
//!
//! An update may be several calls, and somebody may edit between any two of them. What the answer to a call shows is that
//! call's; what a later read shows otherwise is somebody's edit and never taken for our own. For example: we set a title
//! (the answer shows it), then add a tag, then read the task, and the title is another one. The title that the answer
//! showed is what we wrote; the one that the read showed is for the next look at the task.

use super::Written;
use crate::capabilities::{self, Versions};
use crate::model::{FieldKey, FieldValue, Item, Side};
use std::collections::{BTreeMap, BTreeSet};

/// Longest value that a reason quotes in full, in characters; of longer ones the part where the two differ.
const QUOTED: usize = 80;

/// What was asked of an item.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The side that was written.
    pub side: Side,
    /// The fields with the values that were asked for.
    pub set: &'a BTreeMap<FieldKey, FieldValue>,
    /// The item as it was read before; `None`: a create.
    pub before: Option<&'a Item>,
    /// Fields that went out in calls of their own whose answers show nothing (ClickUp's tags). The answer that shows the
    /// item is older than those calls.
    pub apart: &'a BTreeSet<FieldKey>,
    /// Whether the status that was asked for completes the item, so that a recurring one opens again at once.
    pub completes: bool,
}

/// Returns whether `shown` is what `wanted` means on a side.
pub fn in_force(side: Side, key: &FieldKey, wanted: &FieldValue, shown: &FieldValue) -> bool {
    wanted == shown || key.kind().in_force(side, wanted, shown)
}

/// Returns the fields that were asked for and that `item` shows otherwise, with the reason. A field that it does not show
/// is no information.
pub fn contradicted(
    side: Side,
    set: &BTreeMap<FieldKey, FieldValue>,
    item: &Item,
) -> BTreeMap<FieldKey, String> {
    let wrong = set.iter().filter_map(|(key, wanted)| {
        let shown = item.fields.get(key)?;
        let wrong = !in_force(side, key, wanted, shown);
        wrong.then(|| (key.clone(), reason(side, wanted, shown)))
    });
    wrong.collect()
}

/// Says what was sent and what is there instead.
pub fn reason(side: Side, sent: &FieldValue, shown: &FieldValue) -> String {
    let (sent, shown) = pair(sent, shown);
    format!("sent {sent}, but {side} shows {shown}")
}

/// Says from which value to which.
pub fn quoted(from: &FieldValue, to: &FieldValue) -> String {
    let (from, to) = pair(from, to);
    format!("from {from} to {to}")
}

fn pair(one: &FieldValue, other: &FieldValue) -> (String, String) {
    let (one, other) = (one.to_string(), other.to_string());
    let from = parting(&one, &other);
    (excerpt(&one, from), excerpt(&other, from))
}

/// How many characters two texts begin with alike.
fn parting(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(a, b)| a == b).count()
}

fn excerpt(text: &str, from: usize) -> String {
    let length = text.chars().count();
    if length <= QUOTED {
        return format!("{text:?}");
    }
    let start = from.saturating_sub(QUOTED / 4).min(length);
    let part: String = text.chars().skip(start).take(QUOTED).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if start + QUOTED < length { "…" } else { "" };
    format!("{before}{part:?}{after} ({length} characters)")
}

/// Puts together what a write came to. `own` is what the answer to our own call showed, `later` what a read after all
/// calls showed. `None` when neither is there.
///
/// A read of a version older than the answer comes from a replica that lags and says nothing. At the very version of the
/// answer what it left out is there as our call left it. ClickUp's versions are times, though, and somebody may edit within
/// the millisecond of our call, so there a value that our call cannot have made is that person's (see `foreign`).
pub fn settle(asked: &Asked<'_>, own: Option<Item>, later: Option<Item>) -> Option<Written> {
    let later = match (&own, later) {
        (Some(own), Some(later)) if later.version < own.version => None,
        (_, later) => later,
    };
    let mut item = own.clone().or_else(|| later.clone())?;
    if let Some(later) = &later {
        item.version = item.version.max(later.version);
        item.changed_at = item.changed_at.max(later.changed_at);
        if own.as_ref().is_none_or(|own| !shows_its_text(own)) {
            item.markers.clone_from(&later.markers);
            item.backlinks.clone_from(&later.backlinks);
        }
        for (key, raw) in &later.raw {
            if asked.apart.contains(key) || !item.raw.contains_key(key) {
                item.raw.insert(key.clone(), raw.clone());
            }
        }
    }
    let mut written = Written {
        item,
        pending: BTreeMap::new(),
        unmarked: None,
        later: BTreeSet::new(),
    };
    written.item.fields.clear();
    let shown = |item: &Option<Item>| -> BTreeMap<FieldKey, FieldValue> {
        item.as_ref()
            .map(|item| item.fields.clone())
            .unwrap_or_default()
    };
    let (mut by_us, after) = (shown(&own), shown(&later));
    let versions = own.as_ref().zip(later.as_ref());
    if versions.is_some_and(|(own, later)| own.version == later.version) {
        for (key, value) in &after {
            let before = asked.before.and_then(|item| item.fields.get(key));
            let theirs = capabilities::of(asked.side).versions == Versions::Times
                && asked
                    .set
                    .get(key)
                    .is_some_and(|wanted| foreign(wanted, before, value));
            if !theirs {
                by_us.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    by_us.retain(|key, _| !asked.apart.contains(key));
    let stood_at = asked.before.map(|before| own.as_ref().unwrap_or(before));
    let versions = stood_at.zip(later.as_ref());
    let moved = versions.is_some_and(|(stood, later)| later.version > stood.version);
    for key in by_us.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let seen = Seen {
            key,
            before: asked.before.and_then(|item| item.fields.get(key)),
            own: by_us.get(key),
            later: after.get(key),
            moved,
        };
        match asked.set.get(key) {
            Some(wanted) => seen.asked_for(asked, wanted, &mut written),
            None => seen.untouched(&mut written),
        }
    }
    for key in &written.later {
        if !by_us.contains_key(key) {
            written.item.raw.remove(key);
        }
    }
    Some(written)
}

/// Returns whether a value cannot have come of a call that sent `wanted` where `before` was: a service keeps what was there
/// or cuts what it is sent, but it invents neither words nor dates. Example: "one two" was sent, "one" was there. "one" was
/// kept and "two" is a part; "one six" is what somebody typed.
///
/// Of a set nothing like that is known here; its members are compared one by one.
fn foreign(wanted: &FieldValue, before: Option<&FieldValue>, shown: &FieldValue) -> bool {
    if shown.is_empty() || is_set(wanted, shown) || before == Some(shown) {
        return false;
    }
    let Some(theirs) = words(shown) else {
        return before.is_some();
    };
    let ours = words(wanted).unwrap_or_default();
    let there = before.and_then(words).unwrap_or_default();
    // A word may have been cut in the middle.
    let known = |word: &String| {
        let part = |whole: &String| whole.starts_with(word.as_str());
        ours.iter().chain(&there).any(part)
    };
    !theirs.iter().all(known)
}

/// The words of a text; `None`: it is none.
fn words(value: &FieldValue) -> Option<BTreeSet<String>> {
    let text: &str = match value {
        FieldValue::Rich(text) => text,
        FieldValue::Text(text) => text,
        _ => return None,
    };
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    Some(words.map(str::to_lowercase).collect())
}

/// Returns whether a service may have cut a text that was sent without an answer. Somebody may have shortened it just as well;
/// nothing tells. What it shows
/// - lacks words that were there before and were sent again: "one two" was there, "new one two" was sent, and "new one" is
///   there; or
/// - is only a part of what was sent, and not what was there before: "one two" was there, "one three" was sent, and "one" is
///   there. The "two" went with what we sent, or somebody took it away.
pub fn may_be_cut(wanted: &FieldValue, before: &FieldValue, shown: &FieldValue) -> bool {
    let (Some(wanted), Some(before)) = (words(wanted), words(before)) else {
        return false;
    };
    let shown = words(shown).unwrap_or_default();
    let part = shown.is_subset(&wanted) && shown != wanted && shown != before;
    let mut kept = wanted.intersection(&before);
    part || kept.any(|word| !shown.contains(word))
}

/// Adds to the answer of a call what it left out, by a read at the same version: nobody wrote in between.
pub fn complete(answer: &mut Item, read: Item) {
    if read.version != answer.version {
        return;
    }
    for (key, value) in read.fields {
        answer.fields.entry(key).or_insert(value);
    }
    if !shows_its_text(answer) {
        answer.markers = read.markers;
        answer.backlinks = read.backlinks;
    }
    for (key, raw) in read.raw {
        answer.raw.entry(key).or_insert(raw);
    }
}

/// Whether an item shows the text that has its marker, which is in no custom field.
fn shows_its_text(item: &Item) -> bool {
    item.raw.keys().any(|key| !key.is_custom())
}

/// Adds what the answer to a second call showed that set one field, which the first one did not take. Of every other field
/// that answer is a later read: a person may have been faster.
pub fn second_call(
    side: Side,
    written: &mut Written,
    set: &BTreeMap<FieldKey, FieldValue>,
    field: &FieldKey,
    answer: Item,
) {
    let (one, others): (BTreeMap<_, _>, BTreeMap<_, _>) = set
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .partition(|(key, _)| key == field);
    let mut before = written.item.clone();
    before.fields.retain(|key, _| key == field);
    let mut first = written.item.clone();
    first.fields.retain(|key, _| key != field);
    let (mut own, mut later) = (answer.clone(), answer);
    own.fields.retain(|key, _| key == field);
    later.fields.retain(|key, _| key != field);
    let none = BTreeSet::new();
    let asked = |set, before| Asked {
        side,
        set,
        before,
        apart: &none,
        completes: false,
    };
    let rest = settle(&asked(&others, None), Some(first), Some(later));
    let second = settle(&asked(&one, Some(&before)), Some(own), None);
    let (Some(mut both), Some(second)) = (rest, second) else {
        return;
    };
    both.item.fields.extend(second.item.fields);
    both.pending.extend(second.pending);
    both.later.extend(second.later);
    both.later.extend(std::mem::take(&mut written.later));
    both.unmarked = written.unmarked.take();
    *written = both;
}

/// One field before, in the answer and in a later read.
struct Seen<'a> {
    key: &'a FieldKey,
    before: Option<&'a FieldValue>,
    own: Option<&'a FieldValue>,
    later: Option<&'a FieldValue>,
    /// Whether somebody or a call of ours made a new version between the last answer that shows one and that read.
    moved: bool,
}

impl Seen<'_> {
    fn asked_for(&self, asked: &Asked<'_>, wanted: &FieldValue, written: &mut Written) {
        let key = self.key;
        let taken = |shown: &FieldValue| in_force(asked.side, key, wanted, shown);
        if let Some(own) = self.own {
            if self.later.is_some_and(|later| later != own) {
                written.later.insert(key.clone());
            }
            let able = capabilities::of(asked.side);
            let differences = able.sets_by_difference && is_set(wanted, own);
            let kept = if taken(own) {
                own
            } else if self.moved_on(asked, own)
                || differences && self.added_and_removed(wanted, own)
            {
                // Ours was in force, so it is what the next look compares with; the rest is somebody else's.
                written.later.insert(key.clone());
                wanted
            } else if !able.compares_versions && foreign(wanted, self.before, own) {
                // Ours was not taken, and what stands there was typed after our read: nothing of that is agreed, and the
                // next look merges what is there.
                written.later.insert(key.clone());
                return;
            } else {
                let reason = reason(asked.side, wanted, own);
                written.pending.insert(key.clone(), reason);
                if differences && asked.before.is_some() {
                    return;
                }
                own
            };
            written.item.fields.insert(key.clone(), kept.clone());
            return;
        }
        let Some(later) = self.later else { return };
        if taken(later) {
            written.item.fields.insert(key.clone(), later.clone());
        } else if self.added_and_removed(wanted, later) {
            // What else is different is other people's.
            written.later.insert(key.clone());
            written.item.fields.insert(key.clone(), wanted.clone());
        } else if asked.before.is_none() && later.is_empty() {
            let reason = reason(asked.side, wanted, later);
            written.pending.insert(key.clone(), reason);
            written.item.fields.insert(key.clone(), later.clone());
        } else if self.stands_as_before(asked, later)
            || !self.moved && (is_set(wanted, later) || self.before == Some(later))
        {
            let reason = reason(asked.side, wanted, later);
            written.pending.insert(key.clone(), reason);
        } else {
            // The service's doing or somebody's edit: nothing tells, so it is neither agreed nor sent again blindly. Example: a
            // tag is taken off a task, and somebody puts it on again before the task is read.
            written.later.insert(key.clone());
        }
    }

    /// Whether a custom field, which has a call of its own, is as it was before that call. Services say yes to a value that they
    /// drop, and that call may make a version of its own. It is sent again, as it would be whoever had set it back.
    fn stands_as_before(&self, asked: &Asked<'_>, later: &FieldValue) -> bool {
        let apart = self.key.is_custom() && asked.apart.contains(self.key);
        apart && self.before == Some(later)
    }

    /// A field that our calls did not carry.
    fn untouched(&self, written: &mut Written) {
        let first = self.own.or(self.before);
        if let (Some(first), Some(later)) = (first, self.later)
            && first != later
        {
            written.later.insert(self.key.clone());
        }
        let known = self
            .own
            .or_else(|| self.later.filter(|_| !written.later.contains(self.key)));
        if let Some(value) = known {
            written.item.fields.insert(self.key.clone(), value.clone());
        }
    }

    /// A status that is neither the one that was sent nor the one before: ClickUp opens a recurring task again as soon as
    /// it is completed (Johannesjo/super-productivity #6508). Sending the status once more would complete the next one.
    ///
    /// Where the one that was sent completes nothing, another one is no sign that ours was ever in force: somebody may
    /// have chosen it between our read and our write, which then had no effect.
    fn moved_on(&self, asked: &Asked<'_>, shown: &FieldValue) -> bool {
        asked.completes
            && capabilities::of(asked.side).reopens
            && *self.key == FieldKey::State
            && self.before.is_some_and(|before| before != shown)
    }

    /// Whether every member that we added is there and every one that we took out is gone.
    fn added_and_removed(&self, wanted: &FieldValue, shown: &FieldValue) -> bool {
        let Some(before) = self.before.filter(|_| is_set(wanted, shown)) else {
            return false;
        };
        let (before, wanted, shown) = (before.members(), wanted.members(), shown.members());
        let mut added = wanted.difference(&before);
        let mut removed = before.difference(&wanted);
        added.all(|one| shown.contains(one)) && !removed.any(|one| shown.contains(one))
    }
}

/// Whether the field is a set, by the two values of which one may be empty.
fn is_set(one: &FieldValue, other: &FieldValue) -> bool {
    let set = |value: &FieldValue| matches!(value, FieldValue::Tags(_) | FieldValue::People(_));
    set(one) || set(other)
}

#[cfg(test)]
#[path = "answer/tests.rs"]
mod tests;
