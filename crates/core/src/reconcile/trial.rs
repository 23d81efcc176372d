//! Which part of a refused change to send next. Pure.
//!
//! A service mostly refuses a whole request for one of its fields, and may name no field, or one that the request did not
//! hold (closing an item that needs a root cause). What is at fault shows by leaving parts out: the state first, because
//! most rules hang on it, then tags, dates and people, then every other field goes alone. Example: title, priority and
//! `Closed` are refused for a missing root cause. Title and priority are sent without the state and arrive; the state
//! is sent alone and refused: that is the part that is held.
//!
//! Members that are added to a field that takes them one by one, as tags are, are parts of their own, so that one bad tag
//! does not keep the good ones back.

use crate::field::Suspect;
use crate::model::{FieldKey, FieldValue, Folded};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Refusals in a row after which nothing more is tried: then it is the item and not a part of it.
const MOST_IN_A_ROW: u32 = 8;
/// Refusals of one change after which nothing more is tried.
const MOST: u32 = 12;

/// What a refusal blames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blame {
    /// A field of the request.
    Field(FieldKey),
    /// A field that the request did not hold.
    Unsent,
    /// Nothing that it names.
    Nobody,
    /// The request as a whole is forbidden, and nothing is named. A new tag without the right to make tags does that.
    Forbidden,
}

/// A part of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Fields that are sent as they are wanted. One that is taken member by member, as tags are: its members are taken away.
    pub fields: BTreeSet<FieldKey>,
    /// Members that are added, by the field that takes them one by one. No set is empty.
    pub members: BTreeMap<FieldKey, BTreeSet<Folded>>,
}

impl Part {
    /// Returns everything of a change. `now` holds the target's values.
    pub fn whole(
        wanted: &BTreeMap<FieldKey, FieldValue>,
        now: &BTreeMap<FieldKey, FieldValue>,
    ) -> Part {
        let mut part = Part {
            fields: wanted.keys().cloned().collect(),
            members: BTreeMap::new(),
        };
        for (key, value) in wanted.iter().filter(|(key, _)| is_by_member(key)) {
            let (wanted, now) = (value.members(), members(now, key));
            let added: BTreeSet<Folded> = wanted.difference(&now).cloned().collect();
            if !added.is_empty() {
                if now.is_subset(&wanted) {
                    part.fields.remove(key);
                }
                part.members.insert(key.clone(), added);
            }
        }
        part
    }

    /// Returns what of `wanted` the part sends to an item that has the values `now`.
    pub fn values(
        &self,
        wanted: &BTreeMap<FieldKey, FieldValue>,
        now: &BTreeMap<FieldKey, FieldValue>,
    ) -> BTreeMap<FieldKey, FieldValue> {
        let mut values = BTreeMap::new();
        for (key, value) in wanted {
            let (taken, added) = (self.fields.contains(key), self.members.get(key));
            let sent = match key.kind().by_member() {
                _ if !taken && added.is_none() => continue,
                None => value.clone(),
                Some(of_members) => {
                    let mut sent = members(now, key);
                    if taken {
                        sent = &value.members() & &sent;
                    }
                    sent.extend(added.into_iter().flatten().cloned());
                    of_members(sent)
                }
            };
            values.insert(key.clone(), sent);
        }
        values
    }

    /// Returns whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.members.is_empty()
    }

    /// Adds members of a field.
    pub fn add_members(&mut self, key: FieldKey, members: BTreeSet<Folded>) {
        if !members.is_empty() {
            self.members.entry(key).or_default().extend(members);
        }
    }

    fn len(&self) -> usize {
        self.fields.len() + self.members.values().map(BTreeSet::len).sum::<usize>()
    }

    /// The part of it that is about any of the fields.
    fn of(&self, wanted: impl Fn(&FieldKey) -> bool) -> Part {
        let members = self.members.iter().filter(|(key, _)| wanted(key));
        Part {
            fields: self.fields.iter().filter(|f| wanted(f)).cloned().collect(),
            members: members.map(|(k, m)| (k.clone(), m.clone())).collect(),
        }
    }

    fn common(&self, other: &Part) -> Part {
        self.with_members_of(&self.fields & &other.fields, other, |own, others| {
            own & others
        })
    }

    fn without(&self, other: &Part) -> Part {
        self.with_members_of(&self.fields - &other.fields, other, |own, others| {
            own - others
        })
    }

    fn with_members_of(
        &self,
        fields: BTreeSet<FieldKey>,
        other: &Part,
        kept: fn(&BTreeSet<Folded>, &BTreeSet<Folded>) -> BTreeSet<Folded>,
    ) -> Part {
        let mut part = Part {
            fields,
            members: BTreeMap::new(),
        };
        let none = BTreeSet::new();
        for (key, own) in &self.members {
            let others = other.members.get(key).unwrap_or(&none);
            part.add_members(key.clone(), kept(own, others));
        }
        part
    }

    fn join(&mut self, other: Part) {
        self.fields.extend(other.fields);
        for (key, members) in other.members {
            self.add_members(key, members);
        }
    }

    /// Smaller parts that make it up: every field alone, several members of a field in two halves.
    fn pieces(self) -> Vec<Part> {
        let mut pieces: Vec<Part> = self.fields.into_iter().map(Part::field).collect();
        for (key, members) in self.members {
            let half = members.len().div_ceil(2).max(1);
            let members: Vec<Folded> = members.into_iter().collect();
            pieces.extend(members.chunks(half).map(|half| {
                let half = half.iter().cloned().collect();
                Part {
                    fields: BTreeSet::new(),
                    members: BTreeMap::from([(key.clone(), half)]),
                }
            }));
        }
        pieces
    }

    fn field(field: FieldKey) -> Part {
        Part {
            fields: BTreeSet::from([field]),
            members: BTreeMap::new(),
        }
    }
}

/// Whether a field's members are carried over and refused one by one.
pub fn is_by_member(key: &FieldKey) -> bool {
    key.kind().by_member().is_some()
}

fn members(values: &BTreeMap<FieldKey, FieldValue>, key: &FieldKey) -> BTreeSet<Folded> {
    let value = values.get(key).map(FieldValue::members);
    value.unwrap_or_default()
}

/// A part that the service did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The part.
    pub part: Part,
    /// What the service said, in its own words.
    pub words: String,
    /// Whether exactly this part was refused, rather than left untried after too many refusals.
    pub proven: bool,
}

/// What of one field the service did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Its value; of a field that is taken member by member only the members that were refused.
    pub value: FieldValue,
    /// As in [`Held`].
    pub words: String,
    /// As in [`Held`].
    pub proven: bool,
}

/// Sorts the parts that the service did not take by their fields. What was said of a field first stands. Example: the title
/// and the tag `urgent` were given up together. The title is refused with its own text, the tags with `urgent` alone.
pub fn by_field(
    held: Vec<Held>,
    wanted: &BTreeMap<FieldKey, FieldValue>,
) -> BTreeMap<FieldKey, NotTaken> {
    let mut bad: BTreeMap<FieldKey, (BTreeSet<Folded>, String, bool)> = BTreeMap::new();
    for one in held {
        let mut members = one.part.members;
        let of_members: BTreeSet<FieldKey> = members.keys().cloned().collect();
        for field in &one.part.fields | &of_members {
            let refused = members.remove(&field).unwrap_or_default();
            let entry = bad
                .entry(field)
                .or_insert_with(|| (BTreeSet::new(), one.words.clone(), one.proven));
            entry.0.extend(refused);
        }
    }
    let bad = bad.into_iter().map(|(field, (members, words, proven))| {
        let of_members = field.kind().by_member();
        let value = match of_members.filter(|_| !members.is_empty()) {
            None => wanted.get(&field).cloned().unwrap_or(FieldValue::Empty),
            Some(of_members) => of_members(members),
        };
        let not_taken = NotTaken {
            value,
            words,
            proven,
        };
        (field, not_taken)
    });
    bad.collect()
}

/// A change that was refused, on its way part by part.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What is sent now; empty when nothing is left.
    now: Part,
    /// What was left out of `now`, in this order.
    dropped: Vec<Part>,
    queue: VecDeque<Part>,
    /// What was refused before, left out first.
    suspects: Part,
    refused: u32,
    in_a_row: u32,
    held: Vec<Held>,
}

impl Trial {
    /// Starts with the whole change, which is about to be sent. `suspects` is what of it was refused before.
    pub fn new(whole: Part, suspects: Part) -> Trial {
        Trial {
            now: whole,
            dropped: Vec::new(),
            queue: VecDeque::new(),
            suspects,
            refused: 0,
            in_a_row: 0,
            held: Vec::new(),
        }
    }

    /// Returns the part to send now; `None`: nothing is left to try.
    pub fn next(&self) -> Option<&Part> {
        (!self.now.is_empty()).then_some(&self.now)
    }

    /// The service took the part.
    pub fn accepted(&mut self) {
        self.in_a_row = 0;
        self.now = Part::default();
        // Of what was left out only the last is known to have mattered. The others go together.
        if let Some(last) = self.dropped.pop() {
            self.return_dropped();
            self.queue.extend(last.pieces());
        }
        self.advance();
    }

    /// The service refused the part.
    pub fn refused(&mut self, blame: &Blame, words: &str) {
        self.refused += 1;
        self.in_a_row += 1;
        let now = std::mem::take(&mut self.now);
        if now.len() <= 1 {
            self.hold(now, words, true);
            self.advance();
        } else if self.refused >= MOST || self.in_a_row >= MOST_IN_A_ROW {
            self.give_up(now, words);
        } else if let Some(named) = named(&now, blame) {
            self.now = now.without(&named);
            // Which of several members it is has to be found; any other field is found by its name.
            match named.len() {
                0 | 1 => self.hold(named, words, true),
                _ => self.queue.extend(named.pieces()),
            }
            self.advance();
        } else if let Some(group) = self.group(&now, blame) {
            self.now = now.without(&group);
            self.dropped.push(group);
        } else {
            for piece in now.pieces().into_iter().rev() {
                self.queue.push_front(piece);
            }
            self.return_dropped();
            self.advance();
        }
    }

    /// Returns what the service did not take, in the order in which that was found out.
    pub fn held(self) -> Vec<Held> {
        self.held
    }

    /// What to leave out next: what was refused before, then what is at fault most often.
    fn group(&self, now: &Part, blame: &Blame) -> Option<Part> {
        let usual = suspicious(blame).into_iter();
        let usual = usual.map(|group| now.of(|field| field.row().suspect == Some(group)));
        let groups = std::iter::once(now.common(&self.suspects)).chain(usual);
        let mut groups = groups.filter(|group| !group.is_empty() && group != now);
        groups.next()
    }

    fn hold(&mut self, part: Part, words: &str, proven: bool) {
        if !part.is_empty() {
            let words = words.to_owned();
            self.held.push(Held {
                part,
                words,
                proven,
            });
        }
    }

    fn give_up(&mut self, now: Part, words: &str) {
        self.return_dropped();
        let rest = std::mem::take(&mut self.queue);
        for part in std::iter::once(now).chain(rest) {
            self.hold(part, words, false);
        }
    }

    /// What was left out so far comes last, all of it together.
    fn return_dropped(&mut self) {
        let mut all = Part::default();
        for part in self.dropped.drain(..) {
            all.join(part);
        }
        if !all.is_empty() {
            self.queue.push_back(all);
        }
    }

    fn advance(&mut self) {
        if self.now.is_empty() {
            self.return_dropped();
            self.now = self.queue.pop_front().unwrap_or_default();
        }
    }
}

fn named(now: &Part, blame: &Blame) -> Option<Part> {
    let Blame::Field(key) = blame else {
        return None;
    };
    let part = now.of(|field| field == key);
    (!part.is_empty()).then_some(part)
}

/// The groups of fields that are at fault most often, in this order, where nothing is named.
fn suspicious(blame: &Blame) -> Vec<Suspect> {
    let mut groups = Suspect::ALL.to_vec();
    match blame {
        // What may be forbidden to somebody who may edit the item is to make what is not there yet.
        Blame::Forbidden => groups.sort_by_key(|group| *group != Suspect::Rights),
        Blame::Field(_) | Blame::Unsent | Blame::Nobody => {}
    }
    groups
}

/// Returns whether no item is made without this field, where its source has it.
pub fn is_vital(key: &FieldKey) -> bool {
    key.row().create.vital
}

/// Returns the fields to leave out of a create that was refused with these fields. Empty: it is not made, because what is
/// left cannot go without, or would come into being in another state than its source.
pub fn left_out(fields: &BTreeSet<FieldKey>, blame: &Blame) -> BTreeSet<FieldKey> {
    if let Blame::Field(key) = blame
        && fields.contains(key)
    {
        return [key]
            .into_iter()
            .filter(|k| !is_vital(k))
            .cloned()
            .collect();
    }
    for group in suspicious(blame) {
        let group: BTreeSet<FieldKey> = fields
            .iter()
            .filter(|key| key.row().suspect == Some(group))
            .cloned()
            .collect();
        if !group.is_empty() && !group.iter().any(is_vital) {
            return group;
        }
    }
    let mut rest = fields.iter().filter(|key| !is_vital(key));
    rest.next().into_iter().cloned().collect()
}

#[cfg(test)]
#[path = "tests/trial.rs"]
mod tests;
