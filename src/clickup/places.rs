//! Whether the lists that the pairs name are still there.
//!
//! The team listing says nothing about a list that was deleted or archived: its tasks are left out, as if nobody had
//! changed one (AutoIDM/tap-clickup issue 99). So each list is asked for when a process starts and at every full listing;
//! between them an idle cycle costs no more than its one page. A process that is started for one cycle takes an earlier
//! one's word for it that a list is there ([`crate::connector::vocabulary`]), until the next full listing. A listing that is
//! refused ([`super::apart`]) and a task that is said to be deleted ([`crate::connector::Reader::fetch_place`]) have them
//! asked for again, whoever knew of them.

use super::api::Inner;
use super::failure::single_line;
use super::wire::{List, Slot};
use super::{Scope, distinct};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{PairName, Side};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const OPERATION: &str = "read a list";

/// The errors of pairs that cannot be listed.
pub(super) type Failed = BTreeMap<PairName, ConnectorError>;

/// What was wrong with the lists of each pair when they were asked for last; `None`: nothing.
type Looks = BTreeMap<PairName, Option<ConnectorError>>;

/// What was seen of the lists.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Looks>);

impl Places {
    /// Has the lists asked for again.
    pub(super) fn forget(&self) {
        self.held().clear();
    }

    /// Remembers that a pair cannot be listed, until its lists are asked for again.
    pub(super) fn lose(&self, pair: &PairName, error: ConnectorError) {
        self.held().insert(pair.clone(), Some(error));
    }

    fn held(&self) -> MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Returns the pairs whose lists are gone. Asks only for those that this process did not ask for before.
    pub(super) async fn lost_places(&self) -> Result<Failed, ConnectorError> {
        let mut due = Vec::new();
        {
            let held = self.places.held();
            let unknown = self.scopes.iter();
            due.extend(unknown.filter(|scope| !held.contains_key(&scope.pair)));
        }
        self.look(&due, false).await?;
        let held = self.places.held();
        let lost = held
            .iter()
            .filter_map(|(pair, wrong)| Some((pair.clone(), wrong.clone()?)));
        Ok(lost.collect())
    }

    /// Asks for the lists of some pairs. Returns the pairs that name one that is gone.
    ///
    /// # Errors
    /// What makes every other request fail too, and `Auth` where the token has no access to the workspace.
    pub(super) async fn look_for_places(
        &self,
        scopes: &[&Scope],
    ) -> Result<Failed, ConnectorError> {
        self.look(scopes, true).await
    }

    async fn look(&self, scopes: &[&Scope], fresh: bool) -> Result<Failed, ConnectorError> {
        let mut failed = Failed::new();
        let mut known: BTreeMap<&str, Option<ConnectorError>> = BTreeMap::new();
        for scope in scopes {
            let mut wrong = None;
            for id in distinct(scope.watched()) {
                let found = match known.get(id) {
                    Some(found) => found.clone(),
                    None => self.wrong_with(id, fresh).await?,
                };
                known.insert(id, found.clone());
                wrong = wrong.or(found);
            }
            failed.extend(wrong.clone().map(|error| (scope.pair.clone(), error)));
            self.places.held().insert(scope.pair.clone(), wrong);
        }
        Ok(failed)
    }

    /// Says what is wrong with a list; `None`: nothing.
    async fn wrong_with(
        &self,
        id: &str,
        fresh: bool,
    ) -> Result<Option<ConnectorError>, ConnectorError> {
        let gone = |message: String| {
            let message = format!(
                "{message}; correct clickup.list or clickup.lists of this pair, or undo the change in ClickUp"
            );
            ConnectorError::new(Side::ClickUp, ErrorKind::NotFound, OPERATION, message)
        };
        match self.fetch_list(id, fresh).await {
            Ok(list) => Ok(state_of(&list).map(|state| {
                let name = list.name.get().map_or(id, |name| name.0.as_str());
                gone(format!("list {} ({id}) {state}", single_line(name)))
            })),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
                if error.status == Some(401) {
                    self.need_workspace().await?;
                }
                let mut told = gone(format!(
                    "list {id} is gone or not shared with the token's user: {}",
                    error.message
                ));
                told.status = error.status;
                told.code = error.code;
                told.request_id = error.request_id;
                Ok(Some(told))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns an error that tells apart what a refused listing of the workspace means: a token that was not authorised for
    /// it, or something else.
    pub(super) async fn explain(&self, error: ConnectorError) -> ConnectorError {
        if error.status != Some(401) || error.kind == ErrorKind::Auth {
            return error;
        }
        match self.need_workspace().await {
            Ok(()) => error,
            Err(better) => better,
        }
    }

    /// Asks which workspaces the token may see (developer.clickup.com, Get Authorized Workspaces).
    async fn need_workspace(&self) -> Result<(), ConnectorError> {
        self.fetch_directory(true).await.map(|_| ())
    }
}

/// Says where a list is that is not in its place; `None`: it is there.
pub(super) fn state_of(list: &List) -> Option<&'static str> {
    if list.deleted == Slot::Is(true) {
        Some("is in the trash")
    } else if list.archived == Slot::Is(true) {
        Some("is archived, so its tasks are in no listing")
    } else {
        None
    }
}
