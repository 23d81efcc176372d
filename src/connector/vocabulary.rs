//! What the services said of their own words: types, states, lists, members, fields. Kept for a day, so that a process which
//! runs for a few seconds (`reconcile --once`) asks for nothing that the one before it knew.
//!
//! An answer that an earlier process read is *handed down*. It may have been overtaken, so nothing may depend on its being
//! right. What each of them is used for, and what follows where it is wrong:
//!
//! | handed down | a stale one says | why that is safe |
//! |---|---|---|
//! | fields of a work item type | lacks a field that was added | an item that shows the field contradicts it: the type is read anew at once. Where no item shows it, the field is taken for one that the type lacks, as it was a moment before |
//! | transitions of a work item type | a way that is not allowed any more, or a state that was renamed | the service refuses the step and nothing is written; see *refusals* below |
//! | | lacks a state that was added or renamed | an item in that state contradicts it: the type is read anew at once |
//! | statuses of a list | spells a status as it was, or lacks one | one that it lacks is looked up in a fresh answer; an old spelling is refused; a task in an unknown status contradicts it |
//! | a list is there | it was deleted or archived since | its tasks are in no listing, and what is in no listing is never taken for deleted. A task that is said to be deleted has the lists looked at first. A full listing looks at them always |
//! | members of a workspace | lacks a new member | a person who is not in it is looked up in a fresh answer, whether a task shows them or one is to get them |
//! | | has somebody who left | the service refuses them, or leaves them out, which its answer shows |
//! | task types | lacks a new one, or has an old name | one that it lacks is looked up in a fresh answer. An old name is what both sides agreed on, so nothing is written because of it |
//! | the token's user | an old time zone | days are read and written by the same zone, as in a process that has run since then; another token asks anew |
//! | a pair's vocabulary, from which states are proposed | an old table of states | a name that is not in it contradicts the answers that it was made from: the table is made anew, and the cycle looks again |
//!
//! **Refusals.** A service that refuses a write may do so because of a stale answer. So the answers that were used are read
//! anew. Where they are the same, the refusal is told as it is. Where one differs, all of that service is forgotten, and the
//! item is tried again with fresh answers: by the same call or, where what is to be overwritten must be read again first, by
//! the next cycle. What was read anew is not handed down any more, so a second refusal is told. There is no loop.
//!
//! **A day** is counted by the local clock. An answer from the future is as stale as an old one, so a clock that was set
//! back makes nothing fresh for ever. What was asked with another configuration or another ClickUp token is not handed down.
//!
//! **Who uses it.** `reconcile --once` and `plan`, unless `--full`. Every other command wants the truth and asks; those that
//! may write the database keep what they were told.

use super::Schema;
use crate::model::{Clock, Folded, Service, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long an answer may be used.
pub const LIFETIME_MS: i64 = 24 * 3_600_000;

/// How soon a process that runs on asks again for what it was told itself.
const TOLD_AGAIN_MS: i64 = 10 * 60_000;

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The service that answered.
    pub service: Service,
    /// Where it was asked: its address, and the workspace where there are several.
    pub place: String,
    /// What was asked for: `type shop/bug`, `list 901100000001`, `members`.
    pub what: String,
}

/// An answer, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// JSON.
    pub text: String,
    /// Local time.
    pub read_at: Timestamp,
}

/// The answers of both services. Shared by the clients and the database.
pub struct Vocabulary {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    handed_down: BTreeMap<Key, Answer>,
    /// What of it has been used.
    used: BTreeSet<Key>,
    /// What the database does not hold yet; `None`: it must forget it.
    unsaved: BTreeMap<Key, Option<Answer>>,
    /// Services whose answers were all read by earlier processes and are to be forgotten, whatever they were about.
    emptied: BTreeSet<Service>,
    /// Names of the states that tables were made from, folded.
    states: BTreeMap<Service, BTreeSet<String>>,
    /// Services that told this process itself what tables are made from, and when an item contradicted that last.
    told: BTreeMap<Service, Option<Timestamp>>,
    contradicted: bool,
}

/// Changes that are to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsaved {
    /// Services of which everything is forgotten first.
    pub emptied: BTreeSet<Service>,
    /// New answers, and what is to be forgotten.
    pub answers: BTreeMap<Key, Option<Answer>>,
}

impl Unsaved {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.emptied.is_empty() && self.answers.is_empty()
    }
}

impl State {
    fn add_states(&mut self, service: Service, schema: &Schema) {
        let states = schema.types.iter().flat_map(|kind| &kind.states);
        let names = states.map(|state| Folded::new(&state.name).key);
        self.states.entry(service).or_default().extend(names);
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Vocabulary::new(Arc::new(crate::clock::SystemClock))
    }
}

impl Vocabulary {
    /// Builds one that knows nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Vocabulary {
        Vocabulary {
            clock,
            state: Mutex::default(),
        }
    }

    /// Takes over what earlier processes were told.
    pub fn hand_down(&self, answers: impl IntoIterator<Item = (Key, Answer)>) {
        self.held().handed_down.extend(answers);
    }

    /// Returns an answer that was handed down and is not too old.
    pub fn get<T: DeserializeOwned>(&self, key: &Key) -> Option<T> {
        let mut state = self.held();
        let answer = state.handed_down.get(key)?;
        let age = self.clock.now().since(answer.read_at);
        let read = match (0..LIFETIME_MS).contains(&age) {
            true => serde_json::from_str(&answer.text).ok(),
            false => None,
        };
        match read {
            Some(_) => state.used.insert(key.clone()),
            // Too old, or written by another version of the program.
            None => state.handed_down.remove(key).is_some(),
        };
        read
    }

    /// As [`Vocabulary::get`], for what tables of states are made from.
    pub fn get_schema(&self, key: &Key) -> Option<Schema> {
        let schema: Schema = self.get(key)?;
        self.held().add_states(key.service, &schema);
        Some(schema)
    }

    /// This process was told what tables are made from. It is kept unless some of it could not be read.
    pub fn put_schema(&self, key: Key, schema: &Schema, whole: bool) {
        {
            let mut state = self.held();
            state.add_states(key.service, schema);
            state.told.entry(key.service).or_default();
        }
        if whole {
            self.put(key, schema);
        }
    }

    /// An item of a service is in a state. Where tables were made from names of states and none knows this one, they are out of
    /// date: as [`Vocabulary::contradict`]. A state that is still unknown after that is asked for once.
    pub fn meet(&self, service: Service, state: &Folded) -> bool {
        let known = {
            let held = self.held();
            let names = held.states.get(&service);
            names.is_none_or(|names| names.is_empty() || names.contains(&state.key))
        };
        let contradicts = !known && self.contradict(service);
        if contradicts && let Some(names) = self.held().states.get_mut(&service) {
            names.insert(state.key.clone());
        }
        contradicts
    }

    /// Whether the next [`Vocabulary::get`] of this is likely to be answered: nobody has read it anew yet.
    pub fn is_handed_down(&self, key: &Key) -> bool {
        self.held().handed_down.contains_key(key)
    }

    /// Keeps an answer that was just read.
    pub fn put<T: Serialize>(&self, key: Key, answer: &T) {
        let Ok(text) = serde_json::to_string(answer) else {
            return self.drop_one(key);
        };
        // A body never shows one, but what is stored is looked at once more.
        let text = crate::redact::mask(&text).into_owned();
        let read_at = self.clock.now();
        let mut state = self.held();
        state.handed_down.remove(&key);
        state.used.remove(&key);
        state.unsaved.insert(key, Some(Answer { text, read_at }));
    }

    /// Forgets one answer, for it could not be read anew or says that something is wrong.
    pub fn drop_one(&self, key: Key) {
        let mut state = self.held();
        state.handed_down.remove(&key);
        state.used.remove(&key);
        state.unsaved.insert(key, None);
    }

    /// Forgets what earlier processes were told by a service.
    pub fn forget(&self, service: Service) {
        let mut state = self.held();
        state.handed_down.retain(|key, _| key.service != service);
        state.used.retain(|key| key.service != service);
        state.states.remove(&service);
    }

    /// Returns what was handed down of a service and has been used: a refusal may come from it.
    pub fn used(&self, service: Service) -> Vec<(Key, Answer)> {
        let state = self.held();
        let used = state.used.iter().filter(|key| key.service == service);
        used.filter_map(|key| Some((key.clone(), state.handed_down.get(key)?.clone())))
            .collect()
    }

    /// Whether this process was told something else than what was handed down to it.
    pub fn differs(&self, key: &Key, handed_down: &Answer) -> bool {
        let state = self.held();
        let told = state.unsaved.get(key);
        told.is_some_and(|told| {
            told.as_ref()
                .is_none_or(|told| told.text != handed_down.text)
        })
    }

    /// Forgets what was handed down of a service, here and in the database, because some of it turned out to be wrong.
    pub fn doubt(&self, service: Service) {
        self.forget(service);
        self.held().emptied.insert(service);
    }

    /// As [`Vocabulary::doubt`], where an item shows something that was handed down to be wrong. Tables that were made from it
    /// are wrong as well; [`Vocabulary::take_contradicted`] tells. The same where this process was told it itself, unless
    /// that was contradicted a moment ago: a service may show what its own schema does not know. Returns whether anything was used.
    ///
    /// Example: a daemon has run for a week, and somebody adds an option to a field and chooses it for a task.
    pub fn contradict(&self, service: Service) -> bool {
        let now = self.clock.now();
        let used = {
            let state = self.held();
            let lately = |at: Timestamp| (0..TOLD_AGAIN_MS).contains(&now.since(at));
            let mut handed_down = state.used.iter();
            handed_down.any(|key| key.service == service)
                || (state.told.get(&service)).is_some_and(|at| !at.is_some_and(lately))
        };
        if used {
            tracing::debug!(service = service.key(), "known names are out of date");
            self.doubt(service);
            let mut state = self.held();
            state.contradicted = true;
            state.told.insert(service, Some(now));
        }
        used
    }

    /// Returns whether an item contradicted what was handed down since this was asked last.
    pub fn take_contradicted(&self) -> bool {
        std::mem::take(&mut self.held().contradicted)
    }

    /// Returns what the database does not hold yet.
    pub fn unsaved(&self) -> Unsaved {
        let state = self.held();
        Unsaved {
            emptied: state.emptied.clone(),
            answers: state.unsaved.clone(),
        }
    }

    /// Says that these changes are stored. What came in between stays unsaved.
    pub fn saved(&self, changes: &Unsaved) {
        let mut state = self.held();
        for service in &changes.emptied {
            state.emptied.remove(service);
        }
        state
            .unsaved
            .retain(|key, answer| changes.answers.get(key) != Some(answer));
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const START: i64 = 1_800_000_000_000;

    fn key(what: &str) -> Key {
        Key {
            service: Service::ClickUp,
            place: "https://api.example.invalid/7".to_owned(),
            what: what.to_owned(),
        }
    }

    fn knowing(what: &str) -> (Vocabulary, ManualClock) {
        let clock = ManualClock::new(Timestamp(START));
        let words = Vocabulary::new(Arc::new(clock.clone()));
        let answer = Answer {
            text: "[1,2]".to_owned(),
            read_at: Timestamp(START),
        };
        words.hand_down([(key(what), answer)]);
        (words, clock)
    }

    fn read(words: &Vocabulary) -> Option<Vec<i64>> {
        words.get(&key("members"))
    }

    #[test]
    fn an_answer_is_used_for_a_day_and_one_from_the_future_never() {
        let (words, clock) = knowing("members");
        clock.advance(LIFETIME_MS - 1);
        assert_eq!(read(&words), Some(vec![1, 2]));
        clock.advance(1);
        assert_eq!(read(&words), None);
        let (words, clock) = knowing("members");
        clock.advance(-1);
        assert_eq!(read(&words), None);
        clock.advance(10);
        assert_eq!(read(&words), None, "it does not come back either");
    }

    #[test]
    fn an_answer_of_another_shape_is_none() {
        let (words, _) = knowing("members");
        assert_eq!(words.get::<String>(&key("members")), None);
    }

    #[test]
    fn what_was_used_is_compared_with_a_fresh_answer_once() {
        let (words, _) = knowing("members");
        assert!(
            words.used(Service::ClickUp).is_empty(),
            "nothing was used yet"
        );
        read(&words);
        assert!(words.used(Service::Ado).is_empty());
        let used = words.used(Service::ClickUp);
        let (members, old) = &used[0];
        assert!(!words.differs(members, old), "nobody asked yet");
        words.put(key("members"), &vec![1, 2]);
        assert!(!words.differs(members, old));
        words.put(key("members"), &vec![3]);
        assert!(words.differs(members, old));
        words.drop_one(key("members"));
        assert!(words.differs(members, old), "it cannot be read any more");
        assert!(words.used(Service::ClickUp).is_empty());
    }

    #[test]
    fn an_item_contradicts_only_what_was_used() {
        let (words, _) = knowing("members");
        assert!(!words.contradict(Service::ClickUp));
        read(&words);
        assert!(words.contradict(Service::ClickUp) && words.take_contradicted());
        assert_eq!(read(&words), None);
        assert!(!words.contradict(Service::ClickUp) && !words.take_contradicted());
        assert!(words.unsaved().emptied.contains(&Service::ClickUp));
    }

    #[test]
    fn what_is_read_while_a_commit_is_under_way_is_stored_by_the_next_one() {
        let (words, _) = knowing("members");
        words.put(key("types"), &1);
        words.put(key("user"), &1);
        let changes = words.unsaved();
        words.put(key("user"), &2);
        words.saved(&changes);
        let left = words.unsaved().answers;
        assert_eq!(left.keys().collect::<Vec<_>>(), [&key("user")]);
        assert_eq!(left[&key("user")].as_ref().unwrap().text, "2");
    }
}
