//! Names that are kept for other processes ([`crate::connector::vocabulary`]), and when they are out of date.

use super::api::Inner;
use super::convert::{self, Lookups};
use super::custom;
use super::wire::Task;
use crate::connector::customs::Customs;
use crate::connector::vocabulary::{Key, Vocabulary};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{Folded, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What earlier processes were told by this workspace, and what later ones will be.
pub struct Words {
    pub(super) vocabulary: Arc<Vocabulary>,
    /// What the custom fields of each pair are.
    pub(super) customs: Arc<Customs>,
    /// Address and workspace.
    pub(super) place: String,
}

impl Words {
    pub(super) fn key(&self, what: impl Into<String>) -> Key {
        Key {
            service: Service::ClickUp,
            place: self.place.clone(),
            what: what.into(),
        }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, what: &str) -> Option<T> {
        self.vocabulary.get(&self.key(what))
    }

    pub(super) fn put<T: Serialize>(&self, what: &str, answer: &T) {
        self.vocabulary.put(self.key(what), answer);
    }

    /// Whether an answer was read by an earlier process and by none since.
    pub(super) fn is_handed_down(&self, what: &str) -> bool {
        self.vocabulary.is_handed_down(&self.key(what))
    }
}

/// What is kept of an answer about the token's user: id, name, time zone.
pub(super) type KeptMe = (i64, String, Option<String>);

pub(super) const USER: &str = "user";
pub(super) const MEMBERS: &str = "members";
pub(super) const TYPES: &str = "types";
/// What the name of a kept list begins with.
const LIST: &str = "list ";

/// What is kept of a list: the fields of [`super::wire::List`].
pub(super) const LIST_FIELDS: [&str; 7] = [
    "id",
    "name",
    "statuses",
    "space",
    "archived",
    "deleted",
    "permission_level",
];

/// The name of what is kept of a list.
pub(super) fn list_key(id: &str) -> String {
    format!("{LIST}{id}")
}

impl Inner {
    /// Whether a write was refused, and names that it may have gone by are not what an earlier process was told. Then
    /// everything that was handed down is forgotten.
    pub async fn is_outdated(&self, error: &ConnectorError) -> bool {
        let refused = matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound);
        if !refused || error.may_be_in_force() {
            return false;
        }
        let vocabulary = &self.words.vocabulary;
        let mut outdated = false;
        for (key, old) in vocabulary.used(Service::ClickUp) {
            // One that cannot be read now tells nothing, unless it is gone.
            let read = match key.what.as_str() {
                MEMBERS => self.fetch_directory(true).await.is_ok(),
                TYPES => self.fetch_types(true).await.is_ok(),
                what => match what.strip_prefix(LIST) {
                    Some(list) => self.fetch_list(list, true).await.is_ok(),
                    None => continue,
                },
            };
            tracing::debug!(what = key.what, read, "looked at after a refusal");
            outdated |= vocabulary.differs(&key, &old);
        }
        if outdated {
            vocabulary.doubt(Service::ClickUp);
            self.forget_held().await;
            self.places.forget();
        }
        outdated
    }

    /// A task in a status that its list is not known to have: what was kept of the list is out of date, and so is whatever
    /// else was made from it.
    pub(super) async fn compare_status(&self, task: &Task) {
        let status = task.status.get().and_then(|status| status.status.get());
        let (Some(list), Some(status)) = (convert::home_list(task), status) else {
            return;
        };
        let status = Folded::new(&status.0);
        let vocabulary = &self.words.vocabulary;
        let outdated = vocabulary.meet(Service::ClickUp, &status)
            || self.lacks(list, &status).await && vocabulary.contradict(Service::ClickUp);
        if outdated {
            self.forget_held().await;
            self.places.forget();
        }
    }

    /// A task whose own list of options is not the one that was kept, or a custom field that is of another type by now: what was
    /// kept of the pair is out of date, and so is whatever else was made from it.
    pub(super) async fn compare_customs(&self, task: &Task, lookups: &Lookups) {
        let Some(list) = convert::home_list(task) else {
            return;
        };
        let of_list = lookups.customs.iter();
        let mut of_list = of_list.filter(|(lists, _)| lists.iter().any(|own| own == list));
        let outdated = of_list.any(|(_, fields)| custom::differs(task, fields));
        if outdated && self.words.vocabulary.contradict(Service::ClickUp) {
            self.forget_held().await;
            self.places.forget();
        }
    }

    /// Whether a status is none of those that an earlier process was told of a list.
    async fn lacks(&self, list: &str, status: &Folded) -> bool {
        if !self.words.is_handed_down(&list_key(list)) {
            return false;
        }
        let Ok(known) = self.fetch_list(list, false).await else {
            return false;
        };
        let mut names = known.statuses.iter().filter_map(|s| s.status.get());
        !known.statuses.is_empty() && !names.any(|name| Folded::new(&name.0) == *status)
    }
}
