//! Designs that are known to be wrong. Each is put together outside the engine, around the services, the timing or the
//! database between two cycles; the judge has to catch every one of them. A judge that cannot fail proves nothing.

use super::control_steps::{
    deleted_above_another, deleted_beside_one_that_left, done_in_two_steps, edited_while_asked,
    emptied_and_put_back, first_create, gone_with_its_list, killed_before_a_run_that_fails,
    left_out_beside_an_edit, made_with_custom_fields, refused_beside_an_edit,
    set_back_after_a_lost_answer, set_between_two_calls, taken_back_after_a_lost_answer,
    taken_back_after_a_refused_call, undone_without_an_answer, vanishing_one_by_one,
};
use super::customs::Customs;
use super::generate::Range;
use super::kinds::{STATES, STYLED, states};
use super::script::{Act, Deed, Deleting, Fault, Script, Step};
use boardsync::engine::Timing;
use boardsync::mapping::Relation;
use boardsync::model::{FieldKey, FieldValue, Folded, PairName, Side, Timestamp};
use boardsync::reason::{HoldWhy, ReadWhy};
use boardsync::store::{Batch, HoldRow, Op, PartOp, RailOp, Source, Store, TransitRow};
use std::collections::BTreeSet;

/// A known-bad design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// POST, then record the link: no intent survives a restart, no marker.
    C0,
    /// Intents, blind retry: the target is never searched.
    C1,
    /// Intents and markers, but no waiting.
    C2,
    /// A restored database with markers that say nothing about their source.
    R0,
    /// A restored database, markers, but creates are not held.
    R1,
    /// Updates without an answer are queued and sent again as they were.
    U0,
    /// Planned from listings, no compare-and-swap.
    U1,
    /// Planned from direct reads, no compare-and-swap.
    U2,
    /// One base through a naive inverse of the state table.
    M0,
    /// What a listing lacks is taken for deleted.
    Absence,
    /// The watermark is the local clock.
    LocalWatermark,
    /// The base is what was sent.
    SentBase,
    /// A state that is reached in two steps is not noted: where it stops half way, that is taken for an edit.
    HalfWayEdit,
    /// A refusal counts for the whole item, whichever part of it is at fault.
    ItemBlamed,
    /// An edit takes along what its own side's service dropped elsewhere in the text.
    Losses,
    /// Whatever can be read counts as in scope, so that deletes reach outside.
    OutsideScope,
    /// What an answer shows is agreed, whatever was sent.
    NotCompared,
    /// What a read at the end of an update shows is taken for the update's own doing.
    LaterIsOwn,
    /// Tags are written by a merge with those that are there.
    TagsByAdd,
    /// A title that seems too long is cut.
    TitleCut,
    /// A choice in a conflict is never spent.
    ArmedChoice,
    /// What an undo leaves apart is told nowhere.
    SilentUndo,
    /// A yes to a pair's first plan lets any plan past the mass-change guard.
    YesPassesGuard,
    /// A pair whose list is gone ends the cycle for all pairs.
    PairEndsCycle,
    /// The page of a firewall counts as the service's own refusal.
    PageBelieved,
    /// Whatever a create is answered with is linked.
    AnyAnswer,
    /// A sweep compares versions and nothing else.
    VersionsOnly,
    /// A refusal counts as definite although the same request was sent before and had no answer.
    RepeatBelieved,
    /// What a run notes of steps under way is forgotten after the next run, whatever that one found.
    NoteOfOneRun,
    /// A field that is not synced is not frozen.
    ThawedWhileOff,
    /// Of items that vanish one by one only those of the present plan count.
    PlanAlone,
    /// Whether the list of a task that is gone is there is not asked.
    PlaceNotAsked,
    /// What had no answer and shows the old value never arrived: what was sent is sent again.
    NeverArrived,
    /// The yes to the plan that was shown counts for whatever is planned when both sides were read again.
    YesToAnything,
    /// What is in force of a write without an answer is an edit of the other side.
    OursIsTheirs,
    /// What an undo without an answer did is agreed once it is found in force, whatever says so by then.
    UndoIsAgreed,
    /// An undo without an answer has settled its field: nothing says any more that it leaves the two sides apart.
    UndoHeardOfNothing,
    /// What an answer leaves out is empty.
    LeftOutIsEmpty,
    /// What an answer leaves out is as both sides had agreed.
    LeftOutIsUnchanged,
    /// What an answer left out is not looked at again.
    LeftOutForGood,
    /// A call of an update that is refused counts for all of them: what went through before it is told nowhere.
    RefusedAsAWhole,
    /// A custom field is written over what somebody has set since the calls before it.
    CustomOverEdit,
    /// A custom field that a listing shows without a value is empty.
    UnlistedIsEmpty,
    /// A task is deleted without asking what goes with it.
    ChildrenNotAsked,
}

/// What a design is told of the moment after a cycle.
pub struct Moment {
    pub local: Timestamp,
    pub pairs: Vec<PairName>,
    /// Fields that the configuration leaves out.
    pub off: BTreeSet<FieldKey>,
}

impl Control {
    pub const ALL: [Control; 44] = [
        Control::C0,
        Control::C1,
        Control::C2,
        Control::R0,
        Control::R1,
        Control::U0,
        Control::U1,
        Control::U2,
        Control::M0,
        Control::Absence,
        Control::LocalWatermark,
        Control::SentBase,
        Control::HalfWayEdit,
        Control::ItemBlamed,
        Control::Losses,
        Control::OutsideScope,
        Control::NotCompared,
        Control::LaterIsOwn,
        Control::TagsByAdd,
        Control::TitleCut,
        Control::ArmedChoice,
        Control::SilentUndo,
        Control::YesPassesGuard,
        Control::PairEndsCycle,
        Control::PageBelieved,
        Control::AnyAnswer,
        Control::VersionsOnly,
        Control::RepeatBelieved,
        Control::NoteOfOneRun,
        Control::ThawedWhileOff,
        Control::PlanAlone,
        Control::PlaceNotAsked,
        Control::NeverArrived,
        Control::YesToAnything,
        Control::OursIsTheirs,
        Control::UndoIsAgreed,
        Control::UndoHeardOfNothing,
        Control::LeftOutIsEmpty,
        Control::LeftOutIsUnchanged,
        Control::LeftOutForGood,
        Control::RefusedAsAWhole,
        Control::CustomOverEdit,
        Control::UnlistedIsEmpty,
        Control::ChildrenNotAsked,
    ];

    /// The histories in which it is tried.
    pub fn range(self) -> Range {
        match self {
            Control::R0 | Control::R1 | Control::ThawedWhileOff => Range {
                rollbacks: true,
                ..Range::BASIC
            },
            Control::ArmedChoice
            | Control::SilentUndo
            | Control::UndoIsAgreed
            | Control::UndoHeardOfNothing => Range {
                commands: true,
                ..Range::BASIC
            },
            Control::PairEndsCycle => Range {
                config: true,
                ..Range::BASIC
            },
            Control::Absence => Range {
                listings: true,
                ..Range::BASIC
            },
            Control::LocalWatermark => Range {
                clocks: true,
                ..Range::BASIC
            },
            _ => Range::BASIC,
        }
    }

    /// What the script must have for the design to matter.
    pub fn set_up(self, script: &mut Script) {
        if matches!(
            self,
            Control::Absence
                | Control::OutsideScope
                | Control::PlanAlone
                | Control::ChildrenNotAsked
        ) {
            script.setup.on_delete = Deleting::Delete;
        }
        script.setup.quirks |= matches!(self, Control::NotCompared | Control::TagsByAdd);
        script.setup.tight |= self == Control::YesPassesGuard;
        match self {
            Control::CustomOverEdit => script.setup.customs = Customs::Shown,
            Control::UnlistedIsEmpty => script.setup.customs = Customs::Unlisted,
            _ => {}
        }
        if self == Control::PlaceNotAsked {
            script.setup.silent = true;
            // Where something is deleted or closed a full listing goes before it, and tells of the list.
            script.setup.on_delete = Deleting::Unlink;
        }
        match self {
            Control::PageBelieved => script.steps.splice(0..0, first_create(Fault::Page(true))),
            Control::AnyAnswer => script.steps.splice(0..0, first_create(Fault::Stranger)),
            _ => script.steps.splice(0..0, Vec::new()),
        };
        let first = match self {
            Control::HalfWayEdit => done_in_two_steps(Deed::Crash).into(),
            Control::RepeatBelieved => done_in_two_steps(Deed::Fault(Fault::Repeated(true))).into(),
            Control::NoteOfOneRun => killed_before_a_run_that_fails(),
            Control::ThawedWhileOff => emptied_and_put_back(),
            Control::PlanAlone => vanishing_one_by_one(65_000),
            Control::PlaceNotAsked => gone_with_its_list(),
            Control::NeverArrived => set_back_after_a_lost_answer(),
            Control::YesToAnything => edited_while_asked(),
            Control::OursIsTheirs => taken_back_after_a_lost_answer(),
            Control::UndoIsAgreed => undone_without_an_answer(&Fault::Late(100_000)),
            Control::UndoHeardOfNothing => undone_without_an_answer(&Fault::Unanswered),
            Control::LeftOutIsEmpty | Control::LeftOutIsUnchanged | Control::LeftOutForGood => {
                left_out_beside_an_edit()
            }
            Control::RefusedAsAWhole => taken_back_after_a_refused_call(),
            Control::CustomOverEdit => set_between_two_calls(),
            Control::UnlistedIsEmpty => made_with_custom_fields(),
            Control::ChildrenNotAsked => deleted_above_another(),
            _ => Vec::new(),
        };
        script.steps.splice(0..0, first);
        if self == Control::ItemBlamed {
            script.steps.splice(0..0, refused_beside_an_edit());
        }
        if self == Control::OutsideScope {
            script.steps.extend(deleted_beside_one_that_left());
        }
        if self == Control::VersionsOnly {
            script.steps.push(Step::Act(Act::RenameTag { n: 0 }));
        }
    }

    pub fn timing(self) -> Timing {
        let timing = Timing::default();
        match self {
            Control::C0 | Control::C1 | Control::C2 => Timing {
                quiet_ms: 0,
                ..timing
            },
            Control::Absence => Timing {
                gone_ms: 0,
                ..timing
            },
            // Nothing is ever too old for it.
            Control::U1 => Timing {
                stale_ms: i64::MAX,
                ..timing
            },
            _ => timing,
        }
    }

    /// Whether an item shows its marker.
    pub fn shows_markers(self) -> bool {
        !matches!(self, Control::C0 | Control::R0)
    }

    /// Whether the marker of a lost create can be found.
    pub fn finds_markers(self) -> bool {
        !matches!(self, Control::C0 | Control::C1)
    }

    pub fn swaps(self) -> bool {
        !matches!(self, Control::U0 | Control::U1 | Control::U2)
    }

    /// What happens to the database when the process starts.
    pub fn at_start(self, store: &mut Store) {
        if self == Control::C0 {
            let open = store.open_intents().unwrap_or_default();
            let ops = open
                .iter()
                .map(|intent| Op::CloseIntent { key: intent.key() });
            let _ = store.commit(&Batch(ops.collect()));
        }
    }

    /// Whether a database that was put back knows it.
    pub fn marks_restored(self) -> bool {
        !matches!(self, Control::R0 | Control::R1)
    }

    /// What happens to the database after a cycle. `notes`: what stood there after the last one.
    pub fn after_cycle(self, store: &mut Store, moment: &Moment, notes: &mut Vec<TransitRow>) {
        let ops: Vec<Op> = match self {
            Control::LocalWatermark => {
                let ops = Side::BOTH.map(|side| {
                    let mut watermark = store.watermark(side).unwrap_or_default();
                    watermark.high = Some(moment.local);
                    Op::SetWatermark { side, watermark }
                });
                ops.into()
            }
            Control::NoteOfOneRun => {
                let (old, new): (Vec<_>, Vec<_>) = store
                    .transits()
                    .unwrap_or_default()
                    .into_iter()
                    .partition(|row| notes.contains(row));
                *notes = new;
                let ended = old.into_iter().map(|row| PartOp::EndTransit {
                    link: row.link,
                    side: row.side,
                });
                ended.map(Op::Part).collect()
            }
            Control::NeverArrived => {
                let notes = store.transits().unwrap_or_default().into_iter();
                let whole = notes.filter(|row| {
                    row.via.is_empty() && row.field.kind_of([&row.wanted]).is_whole()
                });
                let ended = whole.map(|row| PartOp::EndTransit {
                    link: row.link,
                    side: row.side,
                });
                ended.map(Op::Part).collect()
            }
            Control::UndoIsAgreed => {
                let notes = store.transits().unwrap_or_default().into_iter();
                let undone = notes.filter(|row| row.source.as_ref().is_some_and(|one| one.apart));
                let agreed = undone.map(|row| TransitRow {
                    source: row.source.map(|one| Source {
                        apart: false,
                        ..one
                    }),
                    ..row
                });
                agreed.map(PartOp::SaveTransit).map(Op::Part).collect()
            }
            Control::OursIsTheirs => {
                let notes = store.transits().unwrap_or_default().into_iter();
                let forgotten = notes.map(|row| TransitRow {
                    source: None,
                    ..row
                });
                forgotten.map(PartOp::SaveTransit).map(Op::Part).collect()
            }
            Control::LeftOutForGood => {
                let pairs = moment.pairs.iter();
                let forgotten = pairs.filter_map(|pair| without_a_look(store, pair));
                forgotten.collect()
            }
            Control::ThawedWhileOff => {
                let pairs = moment.pairs.iter();
                let frozen = pairs.flat_map(|pair| store.freezes(pair).unwrap_or_default());
                let off = frozen.filter(|freeze| {
                    let field = freeze.subject.field();
                    freeze.thawed_at.is_none()
                        && field.is_some_and(|field| moment.off.contains(field))
                });
                let thawed = off.map(|freeze| RailOp::Thaw {
                    link: freeze.link,
                    subject: freeze.subject,
                    at: moment.local,
                });
                thawed.map(Op::Rail).collect()
            }
            _ => Vec::new(),
        };
        if !ops.is_empty() {
            let _ = store.commit(&Batch(ops));
        }
    }

    /// The state table of the policy.
    pub fn states(self, table: usize) -> Relation {
        match self {
            Control::M0 => Relation::new(STATES.map(|(ado, _)| (ado, ado))),
            _ => states(table),
        }
    }

    /// What the engine is shown of a ClickUp status: its naive inverse, for the design that keeps one base.
    pub fn shown(self, value: FieldValue) -> FieldValue {
        let row = |name: &Folded| {
            STATES
                .iter()
                .find(|(_, clickup)| Folded::new(clickup) == *name)
        };
        match &value {
            FieldValue::Choice(name) if self == Control::M0 => {
                row(name).map_or(value.clone(), |(ado, _)| FieldValue::choice(ado))
            }
            _ => value,
        }
    }

    /// What the engine's value becomes in ClickUp.
    pub fn sent(self, value: FieldValue) -> FieldValue {
        let row = |name: &Folded| STATES.iter().find(|(ado, _)| Folded::new(ado) == *name);
        match &value {
            FieldValue::Choice(name) if self == Control::M0 => {
                row(name).map_or(value.clone(), |(_, clickup)| FieldValue::choice(clickup))
            }
            FieldValue::Rich(text) if self == Control::Losses => {
                FieldValue::rich(text.replace(STYLED, ""))
            }
            _ => value,
        }
    }
}

/// Ends the holds of fields that an answer left out; `None`: there are none.
fn without_a_look(store: &Store, pair: &PairName) -> Option<Op> {
    let left_out = |row: &&HoldRow| {
        let why = &row.why;
        matches!(why, HoldWhy::Read(ReadWhy::FieldLeftOut { .. }))
    };
    let holds = store.holds(Some(pair)).unwrap_or_default();
    let item = |row: &HoldRow| Some((row.side?, row.item.clone()?));
    let items: BTreeSet<_> = holds.iter().filter(left_out).filter_map(item).collect();
    let kept = holds.iter().filter(|row| !left_out(row));
    let kept = kept.filter(|row| item(row).is_some_and(|item| items.contains(&item)));
    let op = Op::SetHoldsFor {
        pair: pair.clone(),
        holds: kept.cloned().collect(),
        items: items.clone(),
    };
    (!items.is_empty()).then_some(op)
}
