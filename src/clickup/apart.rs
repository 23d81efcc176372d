//! A listing of several pairs that is refused as a whole, asked again for each pair alone.
//!
//! The team listing takes the lists of all pairs at once. What it answers where one of them is gone or no longer shared is
//! not documented: some report that the list is left out in silence, others a 404 for the whole request (`LIST_002`). So
//! after a refusal each list is looked at, and each pair that still names a list which is there is asked for by itself. Who is
//! refused alone stands still; the others go on.

use super::api::Inner;
use super::failure::single_line;
use super::places::Failed;
use super::walk::{End, Found};
use super::wire::Page;
use super::{Scope, distinct};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::Timestamp;

/// What has come of asking apart.
struct Apart<'a> {
    inner: &'a Inner,
    failed: Failed,
    /// A pair was refused although its lists are there.
    refused: Option<ConnectorError>,
    /// A pair was answered, or there are others that were not asked: then it may well be about single lists.
    answered: bool,
}

/// Whether it may be one list that is at fault.
fn is_refused(error: &ConnectorError) -> bool {
    matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound)
}

impl<'a> Apart<'a> {
    /// Looks which lists are gone.
    ///
    /// # Errors
    /// `error`, or what it turns out to mean, where no single list can be at fault.
    async fn new(
        inner: &'a Inner,
        error: ConnectorError,
        scopes: &[&Scope],
    ) -> Result<Apart<'a>, ConnectorError> {
        let error = inner.explain(error).await;
        if !is_refused(&error) {
            return Err(error);
        }
        Ok(Apart {
            inner,
            failed: inner.look_for_places(scopes).await?,
            refused: None,
            answered: scopes.len() < inner.scopes.len(),
        })
    }

    /// The lists that a pair is asked for by; `None`: one of them is gone.
    fn lists<'s>(&self, scope: &'s Scope) -> Option<Vec<&'s str>> {
        let there = !self.failed.contains_key(&scope.pair);
        there.then(|| distinct(scope.watched()))
    }

    /// Takes in the answer for one pair.
    fn note<T>(
        &mut self,
        scope: &Scope,
        answer: Result<T, ConnectorError>,
    ) -> Result<Option<T>, ConnectorError> {
        match answer {
            Ok(answer) => {
                self.answered = true;
                Ok(Some(answer))
            }
            Err(mut error) if is_refused(&error) => {
                self.refused = Some(error.clone());
                let lists = single_line(&distinct(scope.watched()).join(", "));
                error.message = format!(
                    "the tasks of list {lists} may not be listed: {}; give the token's user access to it, or correct \
                     clickup.list or clickup.lists of this pair",
                    error.message
                );
                self.inner.places.lose(&scope.pair, error.clone());
                self.failed.insert(scope.pair.clone(), error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The pairs that stand still.
    ///
    /// # Errors
    /// Where every pair was asked and none had an answer, although lists are there: then it is not about one of them.
    fn end(self) -> Result<Failed, ConnectorError> {
        match self.refused {
            Some(error) if !self.answered => {
                self.inner.places.forget();
                Err(error)
            }
            _ => Ok(self.failed),
        }
    }
}

impl Inner {
    /// Lists what changed, pair by pair, after all together were refused with `error`. Returns how the walks ended and when
    /// the first of them began, `None` where no pair is left; and the pairs that stand still.
    pub(super) async fn changed_apart(
        &self,
        error: ConnectorError,
        scopes: &[&Scope],
        from: Timestamp,
        found: &mut Found<'_>,
        known: &(dyn Fn(&Page) -> bool + Send + Sync),
    ) -> Result<(Option<(End, Option<Timestamp>)>, Failed), ConnectorError> {
        let mut apart = Apart::new(self, error, scopes).await?;
        let mut walked = None;
        for scope in scopes {
            let Some(lists) = apart.lists(scope) else {
                continue;
            };
            let answer = self.walk_changed(&lists, Some(from), found, known).await;
            if let Some((end, started)) = apart.note(scope, answer)? {
                walked = Some(match walked {
                    Some((End::Early, first)) => (End::Early, first),
                    Some((End::Complete, first)) => (end, first),
                    None => (end, started),
                });
            }
        }
        Ok((walked, apart.end()?))
    }

    /// The same for a listing of everything. Returns when the first walk began.
    pub(super) async fn swept_apart(
        &self,
        error: ConnectorError,
        scopes: &[&Scope],
        found: &mut Found<'_>,
    ) -> Result<(Option<Timestamp>, Failed), ConnectorError> {
        let mut apart = Apart::new(self, error, scopes).await?;
        let mut first = None;
        for scope in scopes {
            let Some(lists) = apart.lists(scope) else {
                continue;
            };
            let answer = self.walk_all(&lists, None, Priority::Backfill, found).await;
            if let Some(started) = apart.note(scope, answer)? {
                first = first.or(started);
            }
        }
        Ok((first, apart.end()?))
    }
}
