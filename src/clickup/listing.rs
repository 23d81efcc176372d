//! Listings of the watched lists, in full and of what changed, and how far they have been read after each.

use super::places::Failed;
use super::walk::{End, Found, KNOWN_RUN, OVERLAP_MS};
use super::wire::{Page, Task};
use super::{ClickUpReader, Scope, convert, distinct};
use crate::connector::client::Priority;
use crate::connector::{
    ConnectorError, EachPage, Known, ListedRow, Listing, Reader, Swept, Watermark,
};
use crate::model::{ItemId, Timestamp};

/// What is known of an item already.
type KnownFn<'a> = &'a (dyn for<'b> Fn(&'b ItemId) -> Option<Known> + Send + Sync);

impl ClickUpReader {
    /// Lists every task of these pairs, page by page.
    pub(super) async fn list_everything(
        &self,
        scopes: &[&Scope],
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        let inner = &self.0;
        inner.forget().await;
        let mut failed = inner.look_for_places(scopes).await?;
        let watched = scopes.iter().filter(|s| !failed.contains_key(&s.pair));
        let lists = &distinct(watched.flat_map(|scope| scope.watched()));
        if lists.is_empty() {
            return Ok(Swept {
                failed,
                ..Swept::default()
            });
        }
        let mut found = Found::passing(lists, each);
        let walked = inner.walk_all(lists, None, Priority::Backfill, &mut found);
        let started = match walked.await {
            Ok(started) => started,
            Err(error) => {
                let mut left = scopes.to_vec();
                left.retain(|scope| !failed.contains_key(&scope.pair));
                let (started, lost) = inner.swept_apart(error, &left, &mut found).await?;
                failed.extend(lost);
                started
            }
        };
        if scopes.iter().all(|scope| failed.contains_key(&scope.pair)) {
            return Ok(Swept {
                failed,
                ..Swept::default()
            });
        }
        // An edit behind the walk's back is newer than its start: the watermark must not pass that.
        let high = match (found.high(), started) {
            (Some(high), Some(started)) => high.min(started),
            // Empty lists: the clock in the `Date` header need not be the one that stamps tasks, so the next look asks
            // for everything; there is nothing else to ask from.
            (high, _) => high.unwrap_or(Timestamp(0)),
        };
        Ok(Swept {
            watermark: moved(&Watermark::default(), high, started, End::Complete),
            failed,
        })
    }

    /// Lists what changed in every pair, from where the last listing has got to.
    pub(super) async fn list_changed(
        &self,
        since: &Watermark,
        known: KnownFn<'_>,
    ) -> Result<Listing, ConnectorError> {
        let inner = &self.0;
        let Some(high) = since.high else {
            let every = inner.scopes.iter().map(|scope| scope.pair.clone());
            return self.fetch_all(&every.collect()).await;
        };
        let mut failed = inner.lost_places().await?;
        let mut watched: Vec<&Scope> = inner.scopes.iter().collect();
        watched.retain(|scope| !failed.contains_key(&scope.pair));
        let mut lists = distinct(watched.iter().flat_map(|scope| scope.watched()));
        if lists.is_empty() {
            return Ok(stood_still(since, failed));
        }
        let known_page = |page: &Page| {
            let settled = match (since.settled, inner.http.server_now()) {
                (Some(settled), Some(now)) => (0..OVERLAP_MS).contains(&now.since(settled)),
                _ => false,
            };
            let mut oldest = page.tasks.iter().rev().take(KNOWN_RUN);
            settled && oldest.all(|task| is_known(task, known))
        };
        let mut found = Found::default();
        let from = window_start(since, high);
        let walked = inner
            .walk_changed(&lists, Some(from), &mut found, &known_page)
            .await;
        let (end, started) = match walked {
            Ok(walked) => walked,
            Err(error) => {
                let (walked, lost) = inner
                    .changed_apart(error, &watched, from, &mut found, &known_page)
                    .await?;
                failed.extend(lost);
                watched.retain(|scope| !failed.contains_key(&scope.pair));
                lists = distinct(watched.iter().flat_map(|scope| scope.watched()));
                match walked {
                    Some(walked) => walked,
                    None => return Ok(stood_still(since, failed)),
                }
            }
        };
        let highest = found.high().map_or(high, |seen| seen.max(high));
        let watermark = moved(since, highest, started, end);
        let rows: Vec<ListedRow> = inner.rows(&lists, found.into_tasks()).await?;
        Ok(Listing {
            rows,
            watermark,
            complete: false,
            failed,
        })
    }
}

/// A listing of what changed where no pair can be listed.
fn stood_still(since: &Watermark, failed: Failed) -> Listing {
    Listing {
        watermark: since.clone(),
        failed,
        ..Listing::default()
    }
}

/// Returns the watermark after a walk that saw `seen` as the highest change time and began at `started` by the `Date`
/// header.
fn moved(since: &Watermark, seen: Timestamp, started: Option<Timestamp>, end: End) -> Watermark {
    let peak = match since.peak {
        Some((highest, first)) if highest >= seen => Some((highest, first)),
        _ => started.map(|started| (seen, started)),
    };
    match end {
        End::Complete => Watermark {
            high: Some(seen),
            peak,
            settled: started,
            link_token: None,
            links_read: None,
        },
        // What lies below the page that it stopped at was not looked at, so the window stays.
        End::Early => Watermark {
            peak,
            ..since.clone()
        },
    }
}

/// Returns the change time above which a delta asks.
///
/// The index may show an edit late, so a delta looks back from the highest change time of the last complete walk. Once a
/// complete walk has come that much later than the first sight of that change time, everything up to it has been seen:
/// without this, a bulk would be read again every ten minutes. Only differences of `Date` headers count; that clock need
/// not be the one that stamps tasks.
fn window_start(since: &Watermark, high: Timestamp) -> Timestamp {
    let seen_again = match (since.settled, since.peak) {
        (Some(settled), Some((peak, first))) => peak == high && settled.since(first) >= OVERLAP_MS,
        _ => false,
    };
    let back = if seen_again { 1 } else { OVERLAP_MS };
    high.plus_ms(-back).max(Timestamp(0))
}

fn is_known(task: &Task, known: KnownFn<'_>) -> bool {
    match (convert::task_id(task), convert::version(task)) {
        (Some(id), Some(version)) => known(&id).is_some_and(|known| known.version == version),
        _ => false,
    }
}
