//! What a single write without an answer came to, by what the two sides show.

use super::sent;
use crate::connector::answer;
use crate::engine::observe::LeftBehind;
use crate::field::Kind;
use crate::model::{BaseState, FieldValue, Sided, Version};
use crate::reconcile::doubt::{Fate, Made};
use crate::reconcile::merge::{agree, translate};
use crate::reconcile::policy::Policy;
use crate::reconcile::settle::{self, Answer};
use crate::store::TransitRow;

/// A write is in force.
fn half_way(base: Sided<BaseState>, made: Made) -> LeftBehind {
    LeftBehind::HalfWay {
        base,
        made: made.value,
        open: false,
    }
}

/// A write without an answer, beside what the other side shows of its field by now.
pub(super) struct Write<'a> {
    pub(super) row: &'a TransitRow,
    pub(super) there: Option<&'a FieldValue>,
    pub(super) base: Option<&'a Sided<FieldValue>>,
    /// Whether an open conflict says that the two sides differ in it.
    pub(super) contested: bool,
    pub(super) policy: &'a Policy,
}

impl Write<'_> {
    /// What it came to, where its side shows `now` at the very version that an earlier call of the same update left: what is
    /// there of it arrived, and the rest may do so yet. `None`: nothing is there.
    ///
    /// Example: a task gets its title, and the call for a tag is lost. Then the author takes the title back.
    pub(super) fn in_part(&self, now: &FieldValue) -> Option<LeftBehind> {
        let (base, made) = self.in_force(now)?;
        if self.may_be_cut(now) {
            return Some(LeftBehind::Unclear(self.row.wanted.clone()));
        }
        Some(LeftBehind::HalfWay {
            base,
            open: !made.whole,
            made: made.value,
        })
    }

    /// As [`Unanswered::measured`], where this side shows `now` at a version, and the other one `there`. At the version that our
    /// own call left, what is not as it was sent is the service's doing, and is sent again. Later it may be somebody's edit as
    /// well: then both values are kept.
    pub(super) fn not_shown(
        &self,
        version: Version,
        now: &FieldValue,
        there: &FieldValue,
    ) -> LeftBehind {
        let (side, field) = (self.row.side, &self.row.field);
        let whole = sent(self.row, self.own_base()).made(now);
        if self.agreed(now).is_some() || whole.is_some_and(|made| made.whole) {
            return LeftBehind::Settled;
        }
        if self.may_be_cut(now) {
            return LeftBehind::Unclear(self.row.wanted.clone());
        }
        let ours = version <= self.row.expected;
        if !ours && self.in_parts() {
            return LeftBehind::Settled;
        }
        if !ours {
            return self.in_doubt(None, self.doubts(true));
        }
        let own = Answer {
            sent: self.row.wanted.clone(),
            value: now.clone(),
            shown: true,
            in_force: false,
        };
        let other = Answer {
            sent: there.clone(),
            value: there.clone(),
            shown: true,
            in_force: true,
        };
        // A tag that was to go and is still there was there before: it goes the next time.
        let tags = self.row.field.kind().by_member().is_some();
        let had = || BaseState::Shown(self.row.origin.clone());
        let before = tags.then(|| Sided::build(|_| had()));
        let answers = (&own, &other);
        LeftBehind::HalfWay {
            base: settle::after_update(field, side, answers, before.as_ref(), self.policy),
            made: now.clone(),
            open: false,
        }
    }

    /// Whether the service may have cut what was sent, or somebody shortened it: nothing tells.
    pub(super) fn may_be_cut(&self, now: &FieldValue) -> bool {
        answer::may_be_cut(&self.row.wanted, &self.row.origin, now)
    }

    /// What the two sides last agreed on, as the side that was written has it.
    fn own_base(&self) -> Option<&FieldValue> {
        self.base.map(|base| base.get(self.row.side))
    }

    /// What it came to, where its side shows `now`.
    pub(super) fn came_to(&self, fate: &Fate, now: &FieldValue) -> LeftBehind {
        match fate {
            Fate::Told => match (self.agreed(now), self.in_force(now)) {
                (Some(base), _) => LeftBehind::Agreed(base),
                // Where only some of the tags are there, and yet it never arrived, those are somebody's.
                (None, Some((base, made))) if made.whole => half_way(base, made),
                (None, _) => self.replaced(now),
            },
            Fate::Theirs => match self.agreed(now) {
                Some(base) => LeftBehind::Agreed(base),
                None => LeftBehind::Settled,
            },
            Fate::Changed(ours) => self.changed(ours),
            Fate::Doubted => self.doubted(now),
        }
    }

    /// The base of a value of this side that means the same as what the other side has; `None`: it does not.
    fn agreed(&self, value: &FieldValue) -> Option<Sided<BaseState>> {
        let both = Sided::of(self.row.side, value.clone(), self.there?.clone());
        agree(&self.row.field, &both, self.policy).then(|| settle::agreed(both))
    }

    /// It was in force, and somebody has edited it since. Where the other side still has what it came from, what is there now is
    /// an edit like any other, which goes over; and so it is of values that are merged part by part.
    fn changed(&self, ours: &FieldValue) -> LeftBehind {
        if self.may_be_cut(ours) {
            return LeftBehind::Unclear(self.row.wanted.clone());
        }
        let whole = self.kind().is_whole();
        let agreed = self.agreed(ours).map(|base| (base, ours.clone()));
        let merged = || self.in_force(ours).filter(|_| !whole);
        match agreed.or_else(|| merged().map(|(base, made)| (base, made.value))) {
            Some((base, made)) => LeftBehind::SetBack { base, made },
            None => self.in_doubt(None, self.doubts(!self.in_parts())),
        }
    }

    /// Something else is there by now, which is an edit in any case. What it is an edit of nobody can tell, so each side counts as
    /// edited from now on, whatever it shows, until the two agree. Of values that are merged part by part, each part tells.
    ///
    /// Example: Bo sets the priority 3 in ClickUp instead of 2, the work item gets it, and the answer is lost. Ana makes it 4
    /// there, which contends with his 3. When Bo sets 2 again, before or after the next look, that is no less an edit of the 3
    /// than hers is. By the base of before his side would not have changed, and her 4 would go over it. The same where it is Ana
    /// who sets the 2. What shows still what was there before the write, though, never got it.
    fn replaced(&self, now: &FieldValue) -> LeftBehind {
        let edited = *now != self.row.origin && self.base.is_some();
        match edited && self.row.source.is_some() && !self.in_parts() {
            true => self.in_doubt(None, self.doubts(true)),
            false => LeftBehind::Settled,
        }
    }

    /// Nobody can tell whether it arrived. Of tags each one that is there did; and of those that are not there no doubt is left
    /// where the other side does not want them any more.
    fn doubted(&self, now: &FieldValue) -> LeftBehind {
        let of_members = self.row.field.kind().by_member().is_some();
        let part = self.in_force(now).filter(|_| of_members);
        let moot = |there| sent(self.row, self.own_base()).is_moot(now, there);
        match (self.there.is_some_and(moot), part) {
            (true, Some((base, made))) => half_way(base, made),
            (true, None) => LeftBehind::Settled,
            (false, part) => {
                let rendered = self.kind().is_rendered();
                let taken_back = rendered && self.may_be_taken_back(now);
                let doubts = self.doubts(!self.in_parts() || taken_back);
                self.in_doubt(part.map(|(base, _)| base), doubts)
            }
        }
    }

    fn kind(&self) -> &'static dyn Kind {
        self.row.field.kind_of([&self.row.wanted, &self.row.origin])
    }

    /// Whether the value is merged part by part, so that the look of it tells which parts are ours.
    fn in_parts(&self) -> bool {
        let kind = self.kind();
        kind.is_rendered() || kind.by_member().is_some()
    }

    /// That what this side shows may be somebody's choice, and whether what the other one shows may be, too. Without a base that
    /// counts as an edit anyway.
    fn doubts(&self, other: bool) -> Sided<bool> {
        Sided::of(self.row.side, true, other && self.base.is_some())
    }

    fn in_doubt(&self, base: Option<Sided<BaseState>>, doubts: Sided<bool>) -> LeftBehind {
        LeftBehind::Doubted {
            origin: self.row.origin.clone(),
            wanted: self.row.wanted.clone(),
            base,
            doubts,
        }
    }

    /// Whether the author of a text has taken the edit back on the other side, while nobody can tell whether what is here by now
    /// was made of ours. By the base alone that side would not have changed, and what is here would go over without a conflict.
    ///
    /// Example: Ana changes a line of a description, the task gets that, and the answer is lost. Ben takes that line out there,
    /// and Ana takes her change back: both are edits of her line.
    fn may_be_taken_back(&self, now: &FieldValue) -> bool {
        let (Some(there), Some(base)) = (self.there, self.base) else {
            return false;
        };
        let side = self.row.side;
        let source = self.row.source.as_ref().map(|source| &source.value);
        base.get(side.other()) == there
            && base.get(side) != now
            && source.is_some_and(|source| source != there)
    }

    /// The base of what is in force while the other side has something else: as if the answer had come, so that whatever
    /// differs from that is somebody's edit. Holds what we made of the side too. `None`: the two agree, or it is not in force.
    ///
    /// An undo leaves the two sides apart, and so does one that is found in force, as long as an open conflict says so. One that
    /// arrives after that is an edit.
    ///
    /// Example: Ana adds a tag to a work item, the task gets it, and the answer is lost. Then Ana takes the tag away again. By
    /// the base of before nobody would have touched the work item, and the tag would come back to it as an edit of the task.
    fn in_force(&self, now: &FieldValue) -> Option<(Sided<BaseState>, Made)> {
        let (side, field) = (self.row.side, &self.row.field);
        let there = self.there?.clone();
        let both = Sided::of(side, now.clone(), there);
        if agree(field, &both, self.policy) {
            return None;
        }
        let made = sent(self.row, self.own_base()).made(now)?;
        let Some(source) = &self.row.source else {
            // Noted without what the other side had.
            let image = translate(field, side, now, self.policy).ok()?;
            let base = Sided::of(
                side,
                BaseState::Shown(made.value.clone()),
                BaseState::Owed(image),
            );
            return self.kind().is_whole().then_some((base, made));
        };
        if source.apart {
            let base = Sided::of(side, made.value.clone(), source.value.clone());
            return self.contested.then_some((settle::agreed(base), made));
        }
        let own = Answer {
            sent: self.row.wanted.clone(),
            value: made.value.clone(),
            shown: true,
            in_force: made.whole,
        };
        let other = Answer {
            sent: source.wanted.as_ref().unwrap_or(&source.value).clone(),
            value: source.value.clone(),
            shown: true,
            in_force: source.wanted.is_none(),
        };
        let before = self.base.cloned().map(settle::agreed);
        let answers = (&own, &other);
        let base = settle::after_update(field, side, answers, before.as_ref(), self.policy);
        Some((base, made))
    }
}
