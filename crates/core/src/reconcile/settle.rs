//! When a base becomes what: the one home of the rules about values that both sides have agreed on.
//!
//! A base may only say what its side has shown, what we sent there, or what it still owes the other side ([`BaseState`]). A
//! wrong one loses an edit: a person's value that becomes a base counts as agreed, and never goes over. Each function here
//! takes what is known of one field and returns the base that follows. The engine finds out what is known and stores what
//! comes back; nothing else decides about bases.
//!
//! | when | rule |
//! |---|---|
//! | an update was answered, or is found in force without an answer | [`after_update`] |
//! | the same save changed a field that we did not set | [`ruled`] |
//! | a change in several requests stopped at a step of ours | [`half_way`] |
//! | a create was answered | [`after_create`], and [`left_out`] for what it was made without |
//! | the item of a create without an answer was found | [`of_found`] |
//! | items are seen at the version of our own write, or later | [`by_looks`], [`still_ours`] |
//! | a conflict is recorded, or nothing flows between two items | [`unmeasured`] |
//! | what was sent may have been set back by somebody | [`doubted`], [`doubted_without_base`] |
//! | a cycle ends | [`at_end`] |
//! | both sides mean the same without a write, or an undo in force leaves them apart with a conflict | [`agreed`] |

mod create;
mod found;
mod update;

pub use create::{Made, after_create, left_out};
pub use found::{Found, of_found};
pub use update::{Answer, after_update, half_way, ruled};

use super::merge::agree;
use super::policy::Policy;
use crate::field::text_of;
use crate::model::{BaseState, FieldKey, FieldValue, Side, Sided};
use boardsync_markup as markup;

/// The base of a field in which both sides have shown values that mean the same, or that are to stay apart.
pub fn agreed(values: Sided<FieldValue>) -> Sided<BaseState> {
    values.map(|_, value| BaseState::Shown(value))
}

/// The base of a field of which nothing is written, because the two sides, which show `now`, are in conflict or nothing flows
/// between them, and one shows something else now than what it was measured by, which the other side never had: that was not
/// taken, or an undo left the two apart. Whoever comes back to it later has chosen it, and must not be overwritten as if it
/// were agreed, so it is doubted from now on. `None`: the base stays. Values with members are merged member by member, and
/// of texts that were not taken the parts. What cannot be read of a side says nothing.
///
/// Example: both had the 6th, the work item got the 23rd, and ClickUp said yes and kept the 6th. Then Ana sets the 9th in
/// ClickUp, which is a conflict. What becomes of it later, where nobody wins by the policy:
///
/// | work item | task | so |
/// |---|---|---|
/// | the 23rd | the 9th | still a conflict |
/// | the 23rd | the 6th | still one: whoever set the 6th has chosen it over the 23rd |
/// | the 6th | the 9th | the work item gave way, and the 9th goes over |
/// | the 6th | the 6th | agreed |
///
/// The same where no conflict came of the 9th, because the work item was out of the pair at that time.
///
/// Example of an undo: the work item has the 18th, and the task has no date again. Bo sets the 17th in Azure DevOps and Ana the
/// 9th in ClickUp, which is a conflict. If Bo sets the 18th again it still is one: no task has had that date since the undo.
pub fn unmeasured(
    key: &FieldKey,
    base: &Sided<BaseState>,
    now: &Sided<Option<&FieldValue>>,
    policy: &Policy,
) -> Option<Sided<BaseState>> {
    if key.kind().by_member().is_some() {
        return None;
    }
    let values = base.iter().map(|(_, half)| half.value());
    let rendered = key.kind_of(values).is_rendered();
    let own_alone = |side: Side| match base.get(side.other()) {
        BaseState::Owed(_) => !rendered,
        BaseState::Shown(_) | BaseState::Sent(_) | BaseState::Doubted(_) => {
            is_apart(key, base, policy)
        }
    };
    let left = |side: &Side| {
        let own = base.get(*side);
        let moved = now.get(*side).is_some_and(|now| own.value() != now);
        moved && !own.is_doubted() && own_alone(*side)
    };
    let left = Side::BOTH.into_iter().filter(left);
    left.fold(None, |after, side| {
        Some(doubted(side, after.unwrap_or_else(|| base.clone())))
    })
}

/// Whether the two halves do not mean the same although neither is owed: an undo left them so. Texts that only read otherwise are
/// one side's rendering of the other.
fn is_apart(key: &FieldKey, base: &Sided<BaseState>, policy: &Policy) -> bool {
    let owed = |side: Side| matches!(base.get(side), BaseState::Owed(_));
    let values = base.as_ref().map(|_, half| half.value().clone());
    let same = match key.kind_of([&values.ado, &values.clickup]).is_rendered() {
        true => markup::same_words(text_of(&values.ado), text_of(&values.clickup)),
        false => agree(key, &values, policy),
    };
    !Side::BOTH.into_iter().any(owed) && !same
}

/// The base of a field whose value on `side` counts as an edit, whatever it is: nobody can tell whether somebody set it over
/// one of ours (see [`super::doubt`]).
pub fn doubted(side: Side, base: Sided<BaseState>) -> Sided<BaseState> {
    base.map(|at, half| match at == side {
        true => BaseState::Doubted(half.into_value()),
        false => half,
    })
}

/// The same of a field without a base, which was `origin` on `side` before something was sent to it.
pub fn doubted_without_base(side: Side, origin: FieldValue) -> Sided<BaseState> {
    let owed = BaseState::Owed(FieldValue::Empty);
    Sided::of(side, BaseState::Doubted(origin), owed)
}

/// What an item shows of a value that was sent and not shown yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It means what was sent. Holds the base: each side has what it shows.
    AsSent(Sided<BaseState>),
    /// The service made something else of it. By this base the value is sent again.
    Otherwise(Sided<BaseState>),
    /// The service has something else, and no base could tell the two apart. Both items are read and merged.
    Unclear,
}

/// What an item shows of a value that was sent to it, at the version of that very write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What is there.
    pub shown: FieldValue,
    /// Whether that means what was sent.
    pub in_force: bool,
}

/// What both items show of a field of which both halves may have been sent. `None`: neither was looked at.
///
/// The side that has what was sent comes first, for the other one is judged by it. Example: a merge wrote the text `A B` to
/// both sides, and no answer showed it. Azure DevOps has `A` now and ClickUp `A B`. So ClickUp has shown the merged text, and
/// owes `B` to the work item. The other way round the cut text would be what ClickUp was sent, its `A B` an edit of somebody,
/// or `A` an edit that takes `B` away in ClickUp.
pub fn by_looks(
    key: &FieldKey,
    base: &Sided<BaseState>,
    looks: &Sided<Option<Look>>,
) -> Option<Seen> {
    let mut sides = Side::BOTH;
    let in_force = |side: Side| looks.get(side).as_ref().is_some_and(|look| look.in_force);
    sides.sort_by_key(|side| !in_force(*side));
    let mut seen: Option<Seen> = None;
    for side in sides {
        let Some(Look { shown, in_force }) = looks.get(side) else {
            continue;
        };
        seen = Some(match &seen {
            None => by_listing(key, side, base, shown, *in_force),
            Some(Seen::Unclear) => Seen::Unclear,
            Some(Seen::AsSent(base)) => by_listing(key, side, base, shown, *in_force),
            Some(Seen::Otherwise(base)) => match by_listing(key, side, base, shown, *in_force) {
                Seen::AsSent(base) | Seen::Otherwise(base) => Seen::Otherwise(base),
                Seen::Unclear => Seen::Unclear,
            },
        });
    }
    seen
}

/// What a listing, or a read, says of a value that we sent to `side`, at the version of that very write: nobody wrote in
/// between, so what is there is what the service made of our value. `in_force` says whether that means what was sent.
///
/// Example: we wrote the description `a_b`. The listing shows `a\_b`, which reads the same: that is the base from now on,
/// and no edit. Had it shown `a`, ClickUp would have cut the text: `a` is the base there, the work item's half becomes
/// `Owed`, and the rest is sent again.
fn by_listing(
    key: &FieldKey,
    side: Side,
    base: &Sided<BaseState>,
    shown: &FieldValue,
    in_force: bool,
) -> Seen {
    let (own, other) = (base.get(side), base.get(side.other()));
    let there = BaseState::Shown(shown.clone());
    if in_force {
        return Seen::AsSent(Sided::of(side, there, other.clone()));
    }
    // The field was to be emptied, or its value is owed already and measured by nothing. From an empty base an empty value
    // is no change, so a refused emptying would never be sent again.
    if other.value().is_empty() {
        return Seen::Unclear;
    }
    let owed =
        owed_text(own.value(), shown, other.value()).unwrap_or_else(|| owed_by_listing(key, shown));
    let other = match other {
        // Nor has the other side shown yet what it made of a write to it, the other half of a merge.
        BaseState::Sent(_) => BaseState::Sent(owed),
        BaseState::Shown(_) | BaseState::Owed(_) => BaseState::Owed(owed),
        BaseState::Doubted(_) => BaseState::Doubted(owed),
    };
    Seen::Otherwise(Sided::of(side, there, other))
}

/// The base of the side whose value was not taken, where nothing but a listing tells. The two sides write a status in
/// different words, and no table is at hand here; but a status is never empty, so that an empty base tells any from it.
fn owed_by_listing(key: &FieldKey, there: &FieldValue) -> FieldValue {
    match key.kind_of([there]).same_words() {
        false => FieldValue::Empty,
        true => there.clone(),
    }
}

/// Whether a value that is seen at a later version than that of our write is still what the service made of it. Somebody
/// edited the item meanwhile, but a text that reads like the one that was sent is the service's own rendering. Example: we
/// wrote `a_b`, and then somebody set a tag; the description `a\_b` is nobody's edit. Of any other kind of value the same
/// look does not tell who set it.
pub fn still_ours(sent: &FieldValue, in_force: bool) -> bool {
    in_force && matches!(sent, FieldValue::Rich(_))
}

/// What is known at the end of a cycle of a field that was sent to a side and not shown by it, where the item has got
/// another version than the one stored before.
#[derive(Clone, Copy, Debug)]
pub struct AtEnd<'a> {
    /// What this cycle's writes to either side came to: the value that was shown, or else sent.
    pub answered: Sided<Option<&'a FieldValue>>,
    /// Whether a listing or a read of this cycle told what became of it.
    pub told: bool,
    /// Whether it was sent as the last of several steps, and nobody has judged yet how far they came.
    pub in_steps: bool,
}

/// Ends the wait for what the service made of a value. A listing may tell that as long as it shows the version of our
/// write. From the next version on, a value that is not the one that was sent may be a person's, and must never become a
/// base by being listed. `None`: the base stays as it is.
///
/// Example: we wrote `A`, and no answer showed it. Then somebody makes it `B`, and the item has a new version. The base of
/// that side is `A` from now on, as if it had been shown, so that `B` goes over.
pub fn at_end(side: Side, base: &Sided<BaseState>, of: AtEnd<'_>) -> Option<Sided<BaseState>> {
    let BaseState::Sent(sent) = base.get(side) else {
        return None;
    };
    // The new version may be that of a step before, so that the value never was there. Example: a new work item is to become
    // Resolved by way of Active, that step has no answer, and its task is deleted, so that nothing is carried on.
    if of.in_steps {
        return None;
    }
    // It was sent by this very cycle: the new version is that of our write, and the next listing may tell.
    //
    // Where something else was sent, half of a merge moves no base as long as the other half is not written. Then the base
    // still says what an earlier write sent, and nothing shows any more what the service made of that.
    if *of.answered.get(side) == Some(sent) {
        return None;
    }
    // What was told has a base of its own, which is stored unless the field was written since.
    let written = of.answered.iter().any(|(_, answered)| answered.is_some());
    if of.told && !written {
        return None;
    }
    let shown = BaseState::Shown(sent.clone());
    Some(Sided::of(side, shown, base.get(side.other()).clone()))
}

/// A half that is compared with `measure` while the side shows `there`. Where the two differ, what is there has still to go
/// over. Example: of a new task's tags "beta urgent" only "beta" was sent, so "urgent" goes over like any tag that is added.
fn measured(measure: FieldValue, there: &FieldValue) -> BaseState {
    match measure == *there {
        true => BaseState::Shown(measure),
        false => BaseState::Owed(measure),
    }
}

/// The base of a text of which the other side kept only a part: the text without what is missing there, for the edit of a
/// text is what it differs by from its own base. Each side keeps its own formatting: `sent` and `there` are the other
/// side's words, `now` this one's. `None`: it is no text.
fn owed_text(sent: &FieldValue, there: &FieldValue, now: &FieldValue) -> Option<FieldValue> {
    fn text(value: &FieldValue) -> Option<&str> {
        match value {
            FieldValue::Rich(text) => Some(text),
            FieldValue::Empty => Some(""),
            _ => None,
        }
    }
    if !matches!(there, FieldValue::Rich(_)) {
        return None;
    }
    let carried = markup::carry(text(sent)?, text(there)?, text(now)?);
    // Where nothing of the difference shows, or it shows as more than is there, the other side's words are the measure.
    let fits = markup::reads_alike(&carried, text(there)?);
    Some(match fits {
        true => FieldValue::rich(carried),
        false => there.clone(),
    })
}

#[cfg(test)]
mod tests;
