//! The feed of changed links. Links between work items move neither `System.Rev` nor `System.ChangedDate`, so no query and
//! no comparison of revisions shows them (learn.microsoft.com, reporting work item links, 7.1). The feed only says "look at
//! these two items": what their links are is read from the items.

use super::api::Select;
use super::delta::{KnownFn, attribute, row};
use super::{Scope, Shared, wiql};
use crate::connector::{ConnectorError, ErrorKind, ListedRow, Listing, Watermark};
use crate::model::{ItemId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Most pages read in one cycle; the rest follows in the next.
pub(super) const PAGES: usize = 10;
/// Most pages read in a sweep, which reads to the end: a bound on a server that never says that it is the end.
const SWEEP_PAGES: usize = 10_000;
/// How long the feed waits for a cycle that has nothing else to ask. A board where somebody is always at work has none.
const PATIENCE_MS: i64 = 10 * 60 * 1000;

/// Returns whether the feed has its turn although there is something else to ask. Both times are the server's; one that
/// went back ends the wait.
pub(super) fn is_due(read: Option<Timestamp>, now: Timestamp) -> bool {
    read.is_some_and(|read| !(0..PATIENCE_MS).contains(&now.since(read)))
}

/// Takes the continuation token out of a link to the next page.
pub(super) fn token_of(link: &str) -> Option<String> {
    url::Url::parse(link)
        .ok()?
        .query_pairs()
        .find(|(name, _)| name.eq_ignore_ascii_case("continuationToken"))
        .map(|(_, value)| value.into_owned())
}

impl Shared {
    /// Reads the feed to its end, for a sweep: rows for the known ends of changed links, and where to go on.
    pub(super) async fn fetch_links(
        &self,
        since: &Watermark,
        known: KnownFn<'_>,
    ) -> Result<Listing, ConnectorError> {
        if since.high.is_none() {
            // Nothing was read before, so there is nothing that a link could have changed since.
            return Ok(Listing::default());
        }
        let (ends, token) = self.changed_links(since, SWEEP_PAGES, known).await?;
        let rows = self.link_rows(&ends, &wiql::groups(&self.scopes)).await?;
        Ok(Listing {
            rows: rows.into_values().collect(),
            watermark: Watermark {
                link_token: token,
                ..Watermark::default()
            },
            ..Listing::default()
        })
    }

    /// Reads the feed. Returns the known ends of changed links and the token to go on from; without a token it starts
    /// where the listings have got to. A server without the feed is no error.
    pub(super) async fn changed_links(
        &self,
        since: &Watermark,
        pages: usize,
        known: KnownFn<'_>,
    ) -> Result<(BTreeSet<i64>, Option<String>), ConnectorError> {
        let mut token = since.link_token.clone();
        let mut ends = BTreeSet::new();
        let start = since.high.unwrap_or_default();
        for _ in 0..pages {
            let page = match self.api.link_feed(token.as_deref(), start).await {
                Ok(page) => page,
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
                    tracing::debug!("link feed not available: {error}");
                    return Ok((ends, None));
                }
                Err(error) => return Err(error),
            };
            for link in &page.values {
                for id in [link.source, link.target] {
                    if known(&ItemId(id.to_string())).is_some() {
                        ends.insert(id);
                    }
                }
            }
            let next = page
                .continuation_token
                .or_else(|| token_of(page.next_link.as_deref()?));
            let stuck = next.is_none() || next == token;
            token = next.or(token);
            if page.is_last_batch || stuck {
                break;
            }
        }
        Ok((ends, token))
    }

    /// Builds rows for ends of changed links. Their version says nothing (ADO-1), so it is left out: read them.
    pub(super) async fn link_rows(
        &self,
        ids: &BTreeSet<i64>,
        groups: &[wiql::Group],
    ) -> Result<BTreeMap<i64, ListedRow>, ConnectorError> {
        let mut rows = BTreeMap::new();
        if let [only] = self.scopes.as_slice() {
            for id in ids {
                rows.insert(*id, row(*id, only.pair.clone(), None));
            }
            return Ok(rows);
        }
        for (id, wire) in self
            .places(ids, Select::Fields(&super::delta::PLACE))
            .await?
        {
            let scopes: Vec<&Scope> = self.scopes.iter().collect();
            let pair = self
                .pair_of(&wire, groups)
                .or_else(|| attribute(&wire, scopes));
            if let Some(pair) = pair {
                rows.insert(id, row(id, pair, None));
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_has_its_turn_after_ten_busy_minutes() {
        let now = Timestamp(1_000_000_000);
        let ago = |ms: i64| Some(now.plus_ms(-ms));
        for (read, due) in [
            // Never: the wait begins.
            (None, false),
            (ago(0), false),
            (ago(PATIENCE_MS - 1), false),
            (ago(PATIENCE_MS), true),
            // A clock that was set back.
            (ago(-1), true),
        ] {
            assert_eq!(is_due(read, now), due, "{read:?}");
        }
    }
}
