//! What the rails of [`crate::reconcile::rails`] need from outside: the store, the clocks, a file, one small read.
//!
//! The stop file: while it is there, nothing is written to either service; cycles still look and say what they would do.
//! It is looked for right before each request that writes, so `touch` stops a running apply at its next request.
//!
//! The canary: before something is dissolved, and when a full listing lacks many items, one item that is known to be
//! there is read on each side. Where that fails, what looks like deletion is more likely a lost right. The configuration
//! may name an item per side that is read at every full listing as well.

use super::{CycleError, Engine, looked};
use crate::connector::{ConnectorError, ErrorKind, Fetched};
use crate::engine::apply::{Report, kept_of};
use crate::engine::observe::Observed;
use crate::engine::stop::StopSwitch;
use crate::model::{ActionId, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp};
use crate::reason::{Cause, RunEnd, Stopped, Switched};
use crate::reconcile::drift::{Difference, drift};
use crate::reconcile::plan::PairPlan;
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::{
    self, Rails, attempt::Waiting, breaker, oscillation, refused, restored, vanished,
};
use crate::reconcile::{LinkView, Presence, View};
use crate::store::{
    Batch, BreakerRow, CycleRow, LinkState, NoteOp, Op, RailOp, Restored, Store, StoreError,
};
use crate::telemetry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A sweep that lacks more than this share of the known items needs a canary.
const LOST_PERCENT: usize = 20;

/// What keeps writes back from outside.
#[derive(Clone, Debug, Default)]
pub struct Safety {
    /// While this file is there, nothing is written to either service.
    pub stop_file: Option<PathBuf>,
    /// Items that must be readable for a pair's plan to be carried out; the work item carries the claim on the pair.
    pub canaries: BTreeMap<PairName, Sided<Option<ItemId>>>,
    /// Where the state is: another text on another machine or in another folder. Empty: not known.
    pub place: String,
    /// This machine's name, for a claim. May be empty.
    pub host: String,
    /// Once it is asked, no write begins any more.
    pub stop: StopSwitch,
}

impl Engine {
    /// Plans one pair between the rails.
    pub(super) fn decide(
        &self,
        store: &Store,
        view: &View,
        policy: &Policy,
        swept: &BTreeSet<PairName>,
    ) -> Result<PairPlan, StoreError> {
        let rails = self.rails_for(store, view, policy, swept)?;
        Ok(rails::plan(view, policy, &rails))
    }

    /// Returns every difference of a pair, and what the next cycle does about it: that holds what the rails hold.
    /// `swept`: the pairs that were listed in full.
    ///
    /// # Errors
    /// Only the database's.
    pub fn drift(
        &self,
        store: &Store,
        view: &View,
        policy: &Policy,
        swept: &BTreeSet<PairName>,
    ) -> Result<Vec<Difference>, StoreError> {
        let rails = self.rails_for(store, view, policy, swept)?;
        Ok(drift(view, policy, &rails))
    }

    fn rails_for(
        &self,
        store: &Store,
        view: &View,
        policy: &Policy,
        swept: &BTreeSet<PairName>,
    ) -> Result<Rails, StoreError> {
        let mut rails = self.rails(store, policy)?;
        rails.unlisted = self.unlisted(store, swept)?;
        rails.ended = self.ended_lately(store, view, policy)?;
        for link in &view.links {
            let kept = kept_of(store, link.link)?;
            if !kept.is_empty() {
                rails.kept.insert(link.link, kept);
            }
        }
        Ok(rails)
    }

    fn rails(&self, store: &Store, policy: &Policy) -> Result<Rails, StoreError> {
        let now = self.clock.now();
        let mark = store.restored()?;
        let mut rails = Rails {
            now,
            untrusted: mark
                .as_ref()
                .is_some_and(|mark| !mark.trusted.contains(&policy.pair)),
            newcomer: !store.has_linked(&policy.pair)? && store.takeover(&policy.pair)?.is_none(),
            not_begun_ms: mark
                .as_ref()
                .filter(|mark| mark.pairs.is_none() && !store.is_started())
                .map(|_| self.timing.quiet_ms),
            creates_held_until: mark.and_then(|mark| self.held_until(&mark)),
            ..Rails::default()
        };
        let mut thawed = BTreeMap::new();
        for freeze in store.freezes(&policy.pair)? {
            match freeze.thawed_at {
                Some(at) => {
                    thawed.insert((freeze.link, freeze.subject), at);
                }
                None => {
                    let frozen = rails.frozen.entry(freeze.link).or_default();
                    frozen.insert(freeze.subject, freeze.why);
                }
            }
        }
        let from = now.plus_ms(-oscillation::WINDOW_MS);
        for write in store.recent_writes(&policy.pair, from, now)? {
            let key = (write.link, write.subject.clone());
            if thawed.get(&key).is_some_and(|at| write.at <= *at) {
                continue;
            }
            let past = oscillation::Past {
                side: write.side,
                at: write.at,
                subject: write.subject,
                value: write.value,
            };
            rails.writes.entry(write.link).or_default().push(past);
        }
        forget_decided(store, &mut rails.writes)?;
        for attempt in store.attempts(Some(&policy.pair))? {
            if attempt.fingerprint != policy.fingerprint {
                continue;
            }
            let waiting = Waiting {
                failures: attempt.failures,
                inputs: ActionId(attempt.inputs),
                last_at: attempt.last_at,
                retry_at: attempt.retry_at,
                reason: attempt.reason,
            };
            rails.waiting.insert(attempt.about, waiting);
        }
        for row in store.refusals(&policy.pair)? {
            if row.fingerprint != policy.fingerprint {
                continue;
            }
            let refused = refused::Refused {
                field: row.field,
                value: row.value,
                version: row.version,
                why: row.why,
            };
            let of_item = rails.refused.entry((row.side, row.item)).or_default();
            of_item.push(refused);
        }
        Ok(rails)
    }

    /// Returns when links of the pair ended lately because an item was deleted, by the side that it was deleted on, as far as
    /// nobody approved that. Only asked where this view shows a deleted item.
    fn ended_lately(
        &self,
        store: &Store,
        view: &View,
        policy: &Policy,
    ) -> Result<Sided<Vec<Timestamp>>, StoreError> {
        let mut ended = Sided::<Vec<Timestamp>>::default();
        let gone = |link: &LinkView| {
            let mut sides = Side::BOTH.iter();
            sides.any(|side| matches!(link.now.get(*side), Presence::Gone { .. }))
        };
        if !view.links.iter().any(gone) {
            return Ok(ended);
        }
        let now = self.clock.now();
        // An approval that lies ahead is one from before the clock was set back: nobody knows what came after it.
        let approved = store.pair_state(&policy.pair)?.let_through;
        let approved = approved.map(|_, at| at.filter(|at| *at <= now));
        let day = now.plus_ms(-vanished::DAY_MS);
        for (side, at) in store.ended_by_a_delete(&policy.pair, day)? {
            if approved.get(side).is_none_or(|approved| at > approved) {
                ended.get_mut(side).push(at);
            }
        }
        Ok(ended)
    }

    /// Returns until when nothing is created after a restore; `None`: creates flow.
    pub(super) fn creates_held_until(
        &self,
        store: &Store,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(store.restored()?.and_then(|mark| self.held_until(&mark)))
    }

    fn held_until(&self, mark: &Restored) -> Option<Timestamp> {
        let now = self.clock.now();
        let left = Side::BOTH.map(|side| {
            match (*mark.server.get(side), self.readers.get(side).server_now()) {
                // The wait starts with this cycle; our own clock may have been set since the restore was noticed.
                (None, Some(_)) => self.timing.quiet_ms,
                (then, server) => {
                    restored::left_ms(self.timing.quiet_ms, (mark.at, now), then.zip(server))
                }
            }
        });
        let left = left.into_iter().max().unwrap_or(0);
        (left > 0).then(|| now.plus_ms(left))
    }

    /// Returns the pairs that were not listed in full since a restore. `swept`: those that this cycle lists.
    fn unlisted(
        &self,
        store: &Store,
        swept: &BTreeSet<PairName>,
    ) -> Result<BTreeSet<PairName>, StoreError> {
        let Some(mark) = store.restored()? else {
            return Ok(BTreeSet::new());
        };
        let now = self.policies.iter().map(|policy| policy.pair.clone());
        let listed = mark.trusted.union(swept).cloned().collect();
        Ok(restored::unlisted(
            mark.pairs.as_ref(),
            &now.collect(),
            &listed,
        ))
    }

    /// Notes the services' own times and the pairs of the first cycle after a restore, and starts the wait again where
    /// only this machine's clock can tell and it was set back.
    pub(super) fn start_wait(&self) -> Result<(), StoreError> {
        let mut store = self.store();
        let Some(mut mark) = store.restored()? else {
            return Ok(());
        };
        let before = mark.clone();
        if mark.server == Sided::default() && mark.pairs.is_none() {
            let pairs = self.policies.iter().map(|policy| policy.pair.clone());
            mark.pairs = Some(pairs.collect());
        }
        for side in Side::BOTH {
            let then = mark.server.get_mut(side);
            *then = then.or_else(|| self.readers.get(side).server_now());
        }
        mark.at = mark.at.min(self.clock.now());
        if mark == before {
            return Ok(());
        }
        store.note(NoteOp::Restored(mark))
    }

    /// Returns why nothing may be written now; `None`: it may.
    pub fn stopped_by(&self) -> Option<Switched> {
        if self.safety.stop.asked() {
            return Some(Switched::End);
        }
        let path = self.safety.stop_file.as_ref()?;
        super::stop::stop_file_stands(path).then(|| Switched::File(path.display().to_string()))
    }

    /// A cycle in read-only mode: says what there would be to do. The store of such a process is a copy in memory; only
    /// the time of a sweep is kept in it, so that not every cycle lists everything, and what is wrong with a pair, so that
    /// it is told once and not in every cycle.
    pub(super) fn only_look(&self, observed: &Observed) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let mut store = self.store();
        for (pair, error) in &observed.findings.troubled {
            let mut state = store.pair_state(pair)?;
            let text = error.to_string();
            if state.last_error.as_ref() != Some(&text) {
                tracing::error!(%pair, "{}: {error}", self.stands_still());
            }
            state.last_error = Some(text);
            store.save_pair_state(pair, &state)?;
        }
        for plan in &observed.plan.pairs {
            let (held, open) = looked::still_open(&store, observed, plan)?;
            report.held.insert(plan.pair.clone(), held);
            report.open.insert(plan.pair.clone(), open);
            let mut state = store.pair_state(&plan.pair)?;
            state.last_error = None;
            if observed.findings.swept.contains(&plan.pair) {
                state.last_sweep = Some(observed.plan.planned_at);
            }
            store.save_pair_state(&plan.pair, &state)?;
        }
        Ok(report)
    }

    /// A cycle under the stop file: nothing is carried out and nothing counts as seen, so that the next one sees it again.
    pub(super) fn stand_still(
        &self,
        observed: &Observed,
        switched: &Switched,
    ) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let mut store = self.store();
        let reason = switched.to_string();
        for plan in &observed.plan.pairs {
            tracing::warn!(pair = %plan.pair, writes = plan.writes(), reason, "nothing is written");
            let mut state = store.pair_state(&plan.pair)?;
            state.last_attempt = Some(observed.plan.planned_at);
            state.last_error = Some(reason.clone());
            store.save_pair_state(&plan.pair, &state)?;
            let why = Stopped::Switch(switched.clone());
            report.stopped.push((plan.pair.clone(), why));
            let (held, open) = looked::still_open(&store, observed, plan)?;
            report.held.insert(plan.pair.clone(), held);
            report.open.insert(plan.pair.clone(), open);
            if self.safety.stop.asked() {
                report.not_begun += plan.actions.len();
            }
        }
        store.commit(&Batch(vec![Op::SaveCycle(CycleRow {
            id: format!("c{}", observed.plan.planned_at.0),
            started_at: observed.plan.planned_at,
            finished_at: Some(self.clock.now()),
            cause: Cause::Cycle,
            outcome: RunEnd::Stopped,
            counts: BTreeMap::new(),
            detail: Some(reason),
        })]))?;
        Ok(report)
    }

    /// Remembers an error that ended a cycle, where it says that the service should be left alone for a while.
    pub fn watch<T>(&self, result: Result<T, CycleError>) -> Result<T, CycleError> {
        if let Err(CycleError::Connector(error)) = &result
            && trips(error)
        {
            self.open_breaker(error)?;
        }
        result
    }

    pub(super) fn open_breaker(&self, error: &ConnectorError) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut store = self.store();
        let earlier = store.breaker(error.service)?;
        let failures = earlier
            .as_ref()
            .map_or(1, |row| row.failures.saturating_add(1));
        let row = BreakerRow {
            reason: error.to_string(),
            opened_at: earlier.map_or(now, |row| row.opened_at.min(now)),
            failures,
            retry_at: breaker::retry_at(failures, now),
        };
        let service = error.service;
        tracing::error!(target: telemetry::SAID_AGAIN, %service, retry_at = %row.retry_at, hint = error.hint().unwrap_or_default(), "{error}; left alone until then, or until the token is replaced or boardsync is started again");
        store.commit(&Batch(vec![Op::Rail(RailOp::OpenBreaker { service, row })]))
    }

    pub(super) fn close_breaker(&self, side: Side) -> Result<(), StoreError> {
        let mut store = self.store();
        if store.breaker(side)?.is_none() {
            return Ok(());
        }
        store.commit(&Batch(vec![Op::Rail(RailOp::CloseBreaker(side.into()))]))
    }

    /// Ends the waits that an earlier process left: whoever starts one anew, after replacing a token perhaps, wants to see at
    /// once whether it works. What failed is remembered, so that the next wait is as long as it would have been.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub fn try_at_once(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut store = self.store();
        for side in Side::BOTH {
            if let Some(row) = store.breaker(side)?
                && row.retry_at > now
            {
                let row = BreakerRow {
                    retry_at: now,
                    ..row
                };
                let service = side.into();
                store.commit(&Batch(vec![Op::Rail(RailOp::OpenBreaker { service, row })]))?;
            }
        }
        Ok(())
    }

    /// Asks a service that was left alone one small question. For a daemon, before each cycle.
    ///
    /// # Errors
    /// [`CycleError::Paused`] while it is still to be left alone; the service's own error when it still fails.
    pub async fn probe(&self) -> Result<(), CycleError> {
        let now = self.clock.now();
        for side in Side::BOTH {
            let Some(row) = self.store().breaker(side)? else {
                continue;
            };
            // With another token the wait is for nothing.
            if breaker::pauses(row.opened_at, row.retry_at, now)
                && !self.readers.get(side).has_another_credential().await
            {
                return Err(CycleError::Paused {
                    side,
                    until: row.retry_at,
                    reason: row.reason,
                });
            }
            let Some(id) = self.any_item(side)? else {
                continue;
            };
            let wanted = BTreeSet::from([id]);
            let answer = self.readers.get(side).fetch_items(&wanted).await;
            let answer = answer.map_err(CycleError::from);
            self.failed(now, &answer);
            self.watch(answer)?;
            tracing::info!(service = %side, "answers again");
            self.close_breaker(side)?;
        }
        Ok(())
    }

    fn any_item(&self, side: Side) -> Result<Option<ItemId>, StoreError> {
        let store = self.store();
        for policy in &self.policies {
            if let Some(id) = store.newest_link(&policy.pair, &BTreeSet::new())?
                && let Some(link) = store.link(id)?
            {
                return Ok(Some(link.item(side).clone()));
            }
        }
        Ok(None)
    }

    /// Reads one known item of each side, if this plan gives a reason to. Returns what is wrong; `None`: nothing. An
    /// item that turns out to have changed since the plan was made is added to `moved`.
    pub(super) async fn canary(
        &self,
        plan: &PairPlan,
        observed: &Observed,
        moved: &mut BTreeSet<ItemId>,
    ) -> Result<Option<String>, StoreError> {
        let dissolved = plan.actions.iter().filter(|action| action.kind.dissolves());
        let mut doubtful: BTreeSet<LinkId> = dissolved.filter_map(|action| action.link).collect();
        let looked_at = observed.findings.links_of(&plan.pair).iter();
        let ids: BTreeMap<LinkId, &Sided<_>> = looked_at.map(|(id, items)| (*id, items)).collect();
        let left = observed.findings.states.iter().filter(|(id, state)| {
            ids.contains_key(id)
                && matches!(state, LinkState::OutOfScope | LinkState::Missing { .. })
        });
        let lost: BTreeSet<LinkId> = left.map(|(id, _)| *id).collect();
        // Example: all items of a side were deleted, and one delete was left out of what a person approved, because its task was
        // edited since. That one says nothing about the others.
        let gone = |items: &&Sided<ItemId>| {
            Side::BOTH.into_iter().any(|side| {
                let found = observed.findings.gone.get(side).get(items.get(side));
                found.is_some_and(Result::is_ok)
            })
        };
        let known_gone = ids.iter().filter(|(_, items)| gone(items));
        let mut known_gone: BTreeSet<LinkId> = known_gone.map(|(link, _)| *link).collect();
        // An undo looks at no link as a cycle does. It has read its items all the same, and one of them that somebody deleted
        // says as little.
        for side in Side::BOTH {
            let gone = observed.findings.gone.get(side).iter();
            for (id, _) in gone.filter(|(_, found)| found.is_ok()) {
                let link = self.store().link_by_item(&plan.pair, side, id)?;
                known_gone.extend(link.map(|link| link.id));
            }
        }
        let total = usize::try_from(self.store().count_links(&plan.pair)?).unwrap_or(usize::MAX);
        let many = lost.len() * 100 > total.saturating_mul(LOST_PERCENT);
        let doubt = !doubtful.is_empty() || many;
        doubtful.extend(lost);
        doubtful.extend(known_gone);
        let mut wanted = Sided::<Option<ItemId>>::default();
        if doubt || observed.findings.swept.contains(&plan.pair) {
            wanted = self
                .safety
                .canaries
                .get(&plan.pair)
                .cloned()
                .unwrap_or_default();
        }
        if doubt {
            let store = self.store();
            let id = store.newest_link(&plan.pair, &doubtful)?;
            // With nothing else in the pair there is nothing to compare with; the guard still counts.
            if let Some(link) = id.map(|id| store.link(id)).transpose()?.flatten() {
                for side in Side::BOTH {
                    let wanted = wanted.get_mut(side);
                    *wanted = wanted.take().or_else(|| Some(link.item(side).clone()));
                }
            }
        }
        for side in Side::BOTH {
            let Some(id) = wanted.get(side) else { continue };
            let asked = BTreeSet::from([id.clone()]);
            let wrong = match self.readers.get(side).fetch_items(&asked).await {
                Ok(mut answer) => match answer.remove(id) {
                    Some(Fetched::Seen(now)) => {
                        let then = observed.items.get(side).get(id);
                        if then.is_some_and(|then| then.version != now.version) {
                            moved.insert(id.clone());
                        }
                        continue;
                    }
                    Some(Fetched::Gone { evidence }) => evidence,
                    Some(Fetched::Unclear { reason }) => reason,
                    None => "no answer".to_owned(),
                },
                Err(error) => error.to_string(),
            };
            return Ok(Some(format!(
                "{side} {id} cannot be read ({wrong}), so other items may only seem deleted; check the token's rights and the canary in the configuration, then run it again"
            )));
        }
        Ok(None)
    }
}

/// Forgets what was written to a field before a person last settled a conflict of it. Whoever chooses one title and then the
/// other goes back and forth on purpose, and that is no loop.
fn forget_decided(
    store: &Store,
    writes: &mut BTreeMap<LinkId, Vec<oscillation::Past>>,
) -> Result<(), StoreError> {
    for (link, writes) in writes {
        let subjects: BTreeSet<Subject> = writes.iter().map(|past| past.subject.clone()).collect();
        for subject in subjects {
            let (Some(field), Some(_)) = (subject.field(), oscillation::judge(&subject, writes))
            else {
                continue;
            };
            if let Some(at) = store.decided_at(*link, field)? {
                writes.retain(|past| past.subject != subject || past.at > at);
            }
        }
    }
    Ok(())
}

/// Says whether an error means that the service should be left alone for a while. One that was not reached is not
/// bothered by another try, and one that throttles says itself how long to wait.
pub(super) fn trips(error: &ConnectorError) -> bool {
    match error.kind {
        ErrorKind::Auth | ErrorKind::Ambiguous | ErrorKind::Protocol => true,
        ErrorKind::Unreachable
        | ErrorKind::Throttled
        | ErrorKind::Stale
        | ErrorKind::NotFound
        | ErrorKind::Refused
        | ErrorKind::Cancelled => false,
    }
}
