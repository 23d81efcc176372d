//! Reads both sides and plans. Changes nothing, neither a service nor the database.

mod carriers;
mod closing;
mod half_way;
mod keep;
mod listing;
mod origin;
mod parents;
mod reading;
mod retyped;
mod sorting;
mod view;
mod waiting;

use super::{CycleError, Engine, Scope, backoff, begun};
use crate::connector::{ConnectorError, Watermark};
use crate::model::{
    BaseState, FieldKey, FieldValue, Item, ItemId, LinkId, PairName, Side, Sided, Timestamp,
    Version,
};
use crate::reconcile::choice::{Chosen, Recorded, made_of_winner};
use crate::reconcile::plan::{Plan, Rebase};
use crate::reconcile::plan_of;
use crate::reconcile::policy::Policy;
pub(super) use crate::reconcile::presence::INDEX_LAG_MS;
use crate::reconcile::settle::{self, Look};
use crate::store::{
    Choice, LinkRow, LinkState, Listed, NoteOp, Op, RESTORED, Store, StoreError, Waiting,
};
pub(super) use half_way::{sent, transit_of};
pub(super) use listing::told;
pub(crate) use origin::Deleted;
use origin::Named;
pub(super) use parents::counterpart_of_parent;
use std::collections::{BTreeMap, BTreeSet};
pub(super) use waiting::remember;

/// What is left of a field that an earlier run sent without an answer.
#[derive(Clone, Debug)]
pub enum LeftBehind {
    /// It stands at a step of ours on the way to what was wanted, or what was sent is in force while the other side has
    /// something else by now.
    HalfWay {
        /// Its base.
        base: Sided<BaseState>,
        /// What we made of the side.
        made: FieldValue,
        /// Whether a later step may still arrive, so that the note stays.
        open: bool,
    },
    /// It was in force, and somebody has edited it since.
    SetBack {
        /// The base that it made.
        base: Sided<BaseState>,
        /// What we made of the side.
        made: FieldValue,
    },
    /// What is there may be somebody's choice, although it is what it is compared with: the old value, which somebody may have
    /// set back over ours, or a step of ours that somebody has left and come back to.
    Doubted {
        /// Its value before.
        origin: FieldValue,
        /// What was sent.
        wanted: FieldValue,
        /// The base of what of it is in force, where a part is told; `None`: it stays.
        base: Option<Sided<BaseState>>,
        /// Of which sides what is there may be a choice.
        doubts: Sided<bool>,
    },
    /// Both sides have it. Holds the base, which does not wait for the end of the cycle: the note ends, and whoever takes the value
    /// back after a kill must not meet the base of before.
    Agreed(Sided<BaseState>),
    /// Nobody can tell whether what is there is the service's doing or somebody's edit. Holds the text that was sent.
    Unclear(FieldValue),
    /// Nothing: what is there counts like anything that is read.
    Settled,
}

/// What one look at both sides established, and the plan that follows.
///
/// Outside of the engine it can be looked at and not be changed: whoever takes an action out of the plan must also see to it
/// that the next cycle finds what was left undone. [`Observed::keep`] does both.
#[derive(Debug)]
pub struct Observed {
    pub(in crate::engine) plan: Plan,
    /// Everything that was read, by side and id.
    pub(in crate::engine) items: Sided<BTreeMap<ItemId, Item>>,
    /// Local time just before the tasks were asked for, for judging how old the reads are. Not after: an answer shows what
    /// was there when it was asked for, however long it takes, and other reads may follow before the first write.
    pub(in crate::engine) read_at: Timestamp,
    /// How far each side has been read.
    pub(in crate::engine) watermarks: Sided<Watermark>,
    pub(in crate::engine) findings: Findings,
}

/// What a look found beside items and plan, for those who carry the plan out and record the cycle.
#[derive(Debug, Default)]
pub struct Findings {
    /// What a direct read found instead of an item: `Ok` evidence of a delete, `Err` why nothing is known.
    pub gone: Sided<BTreeMap<ItemId, Result<String, String>>>,
    /// Pairs that were listed in full.
    pub swept: BTreeSet<PairName>,
    /// Pairs of them whose index may lag behind what was read, so that the sweep comes again.
    pub unsettled: BTreeSet<PairName>,
    /// What linked items show of values that were sent to them and that nothing had shown.
    pub looks: BTreeMap<LinkId, Looks>,
    /// Link states that changed.
    pub states: Vec<(LinkId, LinkState)>,
    /// Links that were looked at, by pair, with both ids.
    pub links: BTreeMap<PairName, Vec<(LinkId, Sided<ItemId>)>>,
    /// Unlinked items that were looked at.
    pub fresh: BTreeMap<PairName, Vec<(Side, ItemId)>>,
    /// Versions at which the listings of a pair showed its unlinked items.
    pub(in crate::engine) listed_at: BTreeMap<PairName, Waiting>,
    /// Unlinked items that could not be read, with the reason.
    pub unreadable: BTreeMap<PairName, Vec<(Side, ItemId, String)>>,
    /// Links to look at again in the next cycle, whatever the listings say.
    pub again: BTreeMap<PairName, BTreeSet<LinkId>>,
    /// Links with something in the plan that is not to be carried out this time. They count as not looked at.
    pub left_out: BTreeSet<LinkId>,
    /// Whether something that was listed is not dealt with (pairs or items that were not asked for). Then the watermarks
    /// stay, so that the next cycle lists it again.
    pub partial: bool,
    /// Tasks that were planned from a listing: read by id before they are written to.
    pub unread: BTreeSet<ItemId>,
    /// Items that a marker names, that no listing shows and that were deleted, with the evidence.
    deleted: Deleted,
    /// What an earlier run sent without an answer, by link and side, until the link is planned.
    unanswered: BTreeMap<(LinkId, Side), Vec<half_way::Unanswered>>,
    /// What has become of that.
    pub left_behind: Vec<(LinkId, Side, FieldKey, LeftBehind)>,
    /// New bases of links between whose items nothing flows at present, of what somebody has left there.
    pub(in crate::engine) unmeasured: BTreeMap<LinkId, BTreeMap<FieldKey, Sided<BaseState>>>,
    /// Pairs that could not be listed because of their own configuration or place. Nothing of them is planned.
    pub troubled: BTreeMap<PairName, ConnectorError>,
}

/// What both items of a link show of values that were sent to them, by field. `None`: nothing was sent to that side, or it was
/// not looked at.
pub type Looks = BTreeMap<FieldKey, Sided<Option<Look>>>;

impl Findings {
    /// Adds what an item of a link shows. A later look at an item takes the place of an earlier one.
    fn look(&mut self, link: LinkId, fields: Looks) {
        for (key, looks) in fields {
            let known = self.looks.entry(link).or_default().entry(key).or_default();
            for side in Side::BOTH {
                if let Some(look) = looks.get(side) {
                    *known.get_mut(side) = Some(look.clone());
                }
            }
        }
    }

    /// The links of a pair that were looked at, with both ids.
    pub fn links_of(&self, pair: &PairName) -> &[(LinkId, Sided<ItemId>)] {
        self.links.get(pair).map_or(&[], Vec::as_slice)
    }
}

/// What is to be looked at in one pair.
#[derive(Default)]
struct Focus {
    links: BTreeMap<LinkId, LinkRow>,
    /// Unlinked items, with what a listing showed of them until everything is read.
    fresh: Sided<BTreeMap<ItemId, Option<Item>>>,
    /// Linked items that a listing showed well enough to plan from.
    held: Sided<BTreeMap<ItemId, Item>>,
    listed: Sided<BTreeSet<ItemId>>,
    /// At which versions the listings showed items that are to be read.
    versions: Sided<BTreeMap<ItemId, Version>>,
    swept: bool,
    total: u64,
}

/// What a look sets out to do.
#[derive(Default)]
struct Agenda {
    focus: BTreeMap<PairName, Focus>,
    /// Pairs whose mapping is another one than their bases were made under: everything in them counts as changed.
    forced: BTreeSet<PairName>,
    /// Pairs whose scope or mapping nobody has said yes to.
    unapproved: BTreeSet<PairName>,
}

/// Puts a link on the stored list of links to look at again.
pub(crate) fn again_op(store: &Store, pair: &PairName, link: LinkId) -> Result<Op, StoreError> {
    let mut links = store.revisits(pair)?;
    links.insert(link);
    Ok(Op::Note(NoteOp::Revisit {
        pair: pair.clone(),
        links,
    }))
}

impl Engine {
    /// Lists, reads and plans.
    ///
    /// # Errors
    /// A side that cannot be read in full ends the cycle: half a picture is no ground for a plan.
    pub async fn observe(&self, scope: &Scope) -> Result<Observed, CycleError> {
        let now = self.clock.now();
        let (policies, moves) = self.pairs_of(scope, now)?;
        if policies.is_empty() {
            let mut nothing = Observed::empty(now);
            nothing.findings.partial = true;
            return Ok(nothing);
        }
        let Agenda {
            mut focus,
            forced,
            unapproved,
        } = self.agenda(scope, &policies, now)?;
        let swept: BTreeSet<PairName> = focus
            .iter()
            .filter(|(_, focus)| focus.swept)
            .map(|(pair, _)| pair.clone())
            .collect();
        let mut observed = Observed::empty(now);
        observed.findings.swept = swept;
        observed.findings.partial = !moves;
        let mut listed = Listed::new()?;
        for side in Side::BOTH {
            self.list(side, &forced, &mut listed, &mut focus, &mut observed)
                .await?;
        }
        self.add_missing_and_due(&mut focus, &listed, &forced, now)?;
        let along = self.read_along(&mut focus)?;
        Engine::note_listed(&listed, &mut focus)?;
        drop(listed);
        self.read(&mut focus, &mut observed).await?;
        let unlinked = focus.iter().flat_map(|(pair, focus)| {
            let ids = focus.fresh.iter();
            ids.flat_map(move |(side, ids)| ids.keys().map(move |id| (pair, side, id)))
        });
        observed.findings.deleted = self.deleted(unlinked, &observed.items).await?;
        let mut named = self.named(&focus, &observed);
        self.end_along(along, &mut focus, &observed, &mut named);
        let mut plans = Vec::new();
        for policy in policies {
            let Some(focus) = focus.remove(&policy.pair) else {
                continue;
            };
            let policy = Policy {
                approved: !unapproved.contains(&policy.pair),
                ..policy.clone()
            };
            let policy = self.with_types(policy, &focus, &observed).await?;
            let store = self.store();
            let apart = apart(&store, &policy.pair, &focus)?;
            let mut plan = self.plan_pair(&store, &policy, &focus, &named, &mut observed)?;
            let yes = store.pair_state(&policy.pair)?.fingerprint;
            self.say_parents(&store, &policy, &observed, &mut plan)?;
            plan.ran_before = plan.first_contact && yes.is_some();
            plan.restored = plan.ran_before && yes.as_deref() == Some(RESTORED);
            // A link that no listing names is as it was when it was last looked at.
            let unnamed = usize::try_from(focus.total)
                .unwrap_or(usize::MAX)
                .saturating_sub(focus.links.len());
            plan.looked_at += unnamed;
            plan.in_sync += unnamed.saturating_sub(apart);
            plans.push(plan);
        }
        observed.plan = plan_of(now, plans);
        Ok(observed)
    }

    /// What is to be looked at, as far as the database tells.
    fn agenda(
        &self,
        scope: &Scope,
        policies: &[&Policy],
        now: Timestamp,
    ) -> Result<Agenda, StoreError> {
        let store = self.store();
        let mut agenda = Agenda::default();
        for policy in policies {
            let state = store.pair_state(&policy.pair)?;
            // A clock set back makes the age negative; then a sweep is due rather than years away.
            let due = state
                .last_sweep
                .is_none_or(|at| !(0..self.timing.sweep_ms).contains(&now.since(at)));
            let new = state.fingerprint.as_deref() != Some(policy.fingerprint.as_str());
            if new {
                agenda.unapproved.insert(policy.pair.clone());
            }
            // A changed mapping makes every item count as changed. Links of a pair that never had another one come
            // from a back-fill that was cut short, under this mapping: they are as settled as any.
            if new && begun::under_another(&store, policy, state.fingerprint.as_deref())? {
                agenda.forced.insert(policy.pair.clone());
            }
            // What was edited while a field stood still shows in no version by now.
            let resumed = resumed(&store, policy)?;
            if resumed {
                agenda.forced.insert(policy.pair.clone());
            }
            let focus = Focus {
                swept: scope.full || due || new || resumed,
                total: store.count_links(&policy.pair)?,
                ..Focus::default()
            };
            agenda.focus.insert(policy.pair.clone(), focus);
        }
        Ok(agenda)
    }

    /// Returns the pairs of this cycle, and whether the watermarks may move past the others. A pair that is left out and
    /// will be swept next time needs no listing of what changed meanwhile; any other does.
    fn pairs_of(&self, scope: &Scope, now: Timestamp) -> Result<(Vec<&Policy>, bool), StoreError> {
        let store = self.store();
        let patient = scope.patient && !scope.full;
        let mut taken = Vec::new();
        let mut moves = true;
        for policy in &self.policies {
            let named = scope.only.is_empty() || scope.only.contains(&policy.pair);
            if named && !(patient && backoff::waits(&store, policy, now)?) {
                taken.push(policy);
            } else {
                moves &= store.pair_state(&policy.pair)?.last_sweep.is_none();
            }
        }
        Ok((taken, moves))
    }

    /// Reads one link's two items and plans them alone.
    ///
    /// # Errors
    /// As [`Engine::observe`].
    pub async fn look(&self, pair: &PairName, link: LinkId) -> Result<Observed, CycleError> {
        let now = self.clock.now();
        let mut observed = Observed::empty(now);
        let row = self.store().link(link)?;
        let (Some(row), Some(policy)) = (row, self.policy(pair)) else {
            return Ok(observed);
        };
        let mut one = Focus {
            total: 1,
            ..Focus::default()
        };
        one.links.insert(link, row);
        let mut focus = BTreeMap::from([(pair.clone(), one)]);
        self.read(&mut focus, &mut observed).await?;
        if let Some(focus) = focus.get(pair) {
            let policy = self.with_types(policy.clone(), focus, &observed).await?;
            let store = self.store();
            let plan = self.plan_pair(&store, &policy, focus, &Named::default(), &mut observed)?;
            observed.plan = plan_of(now, vec![plan]);
        }
        Ok(observed)
    }
}

/// Whether a field is synced again that stood still in the cycle before.
fn resumed(store: &Store, policy: &Policy) -> Result<bool, StoreError> {
    let mut holds = store.holds(Some(&policy.pair))?.into_iter();
    Ok(holds.any(|hold| {
        let field = hold.subject.field().filter(|_| hold.item.is_none());
        field.is_some_and(|field| policy.fields.contains_key(field))
    }))
}

/// Counts the links of a pair that this look passes over although something of them is held or in conflict: nothing moved,
/// and they are not equal.
fn apart(store: &Store, pair: &PairName, focus: &Focus) -> Result<usize, StoreError> {
    let holds = store.holds(Some(pair))?.into_iter();
    let mut links: BTreeSet<LinkId> = holds.filter_map(|hold| hold.link).collect();
    let conflicts = store.conflicts(true)?.into_iter();
    let of_pair = conflicts.filter(|conflict| conflict.record.pair == *pair);
    links.extend(of_pair.map(|conflict| conflict.record.link));
    links.retain(|link| !focus.links.contains_key(link));
    Ok(links.len())
}

/// Returns the link of an item that has not been dissolved.
pub(super) fn living(
    store: &Store,
    pair: &PairName,
    side: Side,
    id: &ItemId,
) -> Result<Option<LinkRow>, StoreError> {
    let link = store.link_by_item(pair, side, id)?;
    Ok(link.filter(|link| link.state.is_living()))
}

/// Returns what a person chose for a link's conflicts and that is not carried out yet.
///
/// # Errors
/// Also when a stored choice cannot be understood: carried out by halves or left out in silence it would do harm.
pub(crate) fn chosen(
    store: &Store,
    link: LinkId,
) -> Result<BTreeMap<FieldKey, Chosen>, StoreError> {
    let choices = store.choices(link)?.into_iter();
    let chosen = |choice: Choice| Ok((choice.field.clone(), chosen_of(store, choice)?));
    choices.map(chosen).collect()
}

/// Returns a stored choice as the merge wants it.
///
/// # Errors
/// Only the database's.
pub(crate) fn chosen_of(store: &Store, choice: Choice) -> Result<Chosen, StoreError> {
    let recorded = store.conflict(choice.conflict)?.map(|conflict| Recorded {
        found: conflict.record.now,
        after: conflict.after,
        taken: conflict.record.taken,
        waiting: None,
    });
    Ok(Chosen {
        made: recorded.and_then(|recorded| made_of_winner(&recorded, choice.side, &choice.value)),
        conflict: choice.conflict,
        side: choice.side,
        value: choice.value,
        seen: choice.seen,
    })
}

/// Returns the base of a link as the merge wants it.
pub(crate) fn base_of(
    store: &Store,
    link: LinkId,
) -> Result<BTreeMap<FieldKey, Sided<FieldValue>>, StoreError> {
    Ok(values(store.base(link)?))
}

fn values(base: BTreeMap<FieldKey, Sided<BaseState>>) -> BTreeMap<FieldKey, Sided<FieldValue>> {
    let values = base.into_iter();
    values
        .map(|(key, base)| (key, base.map(|_, half| half.into_value())))
        .collect()
}

/// Turns a rebase into stored base rows.
pub(super) fn rebased(rebase: &Rebase) -> BTreeMap<FieldKey, Sided<BaseState>> {
    rebase
        .fields
        .iter()
        .map(|(key, now)| (key.clone(), settle::agreed(now.clone())))
        .collect()
}
