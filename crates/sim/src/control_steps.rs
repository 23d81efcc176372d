//! What happens at the start of a history in which a known-bad design is tried ([`super::controls`]), so that it matters
//! there.

use super::asked::Question;
use super::script::{Act, Command, Deed, Fault, On, Point, Says, Step};
use boardsync::model::{FieldKey, Side};

/// New items on both sides, and the first create meets a fault.
pub fn first_create(fault: Fault) -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: false,
    };
    let new = |side, n| Step::Act(Act::Create { side, n, pair: 0 });
    vec![
        new(Side::Ado, 41),
        new(Side::ClickUp, 20),
        new(Side::ClickUp, 37),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::During(first_write, Deed::Fault(fault)),
        Step::Wait(400_000),
        Step::Cycle(false),
    ]
}

/// The title and the due date of an item are edited, and a rule refuses the title.
pub fn refused_beside_an_edit() -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: false,
    };
    let edit = |field, n| {
        Step::Act(Act::Edit {
            side: Side::Ado,
            item: 0,
            field,
            n,
        })
    };
    let refusal = Fault::Poison {
        field: FieldKey::Title,
        says: Says::Nothing,
    };
    vec![
        Step::Act(Act::Create {
            side: Side::Ado,
            n: 41,
            pair: 0,
        }),
        Step::Wait(400_000),
        Step::Cycle(false),
        edit(FieldKey::Title, 61),
        edit(FieldKey::DueDate, 62),
        Step::Cycle(false),
        Step::During(first_write, Deed::Fault(refusal)),
        Step::Wait(400_000),
        Step::Cycle(false),
    ]
}

/// A task is completed, which takes its work item two requests, and this comes of the first one.
pub fn done_in_two_steps(deed: Deed) -> [Step; 9] {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: true,
    };
    [
        Step::Act(Act::Create {
            side: Side::Ado,
            n: 20,
            pair: 0,
        }),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::Act(Act::Edit {
            side: Side::ClickUp,
            item: 0,
            field: FieldKey::State,
            n: 3,
        }),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::During(first_write, deed),
        Step::Wait(400_000),
        Step::Cycle(false),
    ]
}

/// The process dies between those two requests, and the next cycle cannot list anything.
pub fn killed_before_a_run_that_fails() -> Vec<Step> {
    let first_call = Point {
        on: On::Call,
        n: 0,
        after: false,
    };
    let mut steps = Vec::from(done_in_two_steps(Deed::Crash));
    steps.extend([
        Step::During(first_call, Deed::Fault(Fault::ServerError)),
        Step::Wait(400_000),
        Step::Cycle(false),
    ]);
    steps
}

/// Somebody takes the assignee out of a work item, the database is put back to before, and the field is off while it is set
/// right.
pub fn emptied_and_put_back() -> Vec<Step> {
    let field = FieldKey::Assignees;
    let new = |n| {
        Step::Act(Act::Create {
            side: Side::ClickUp,
            n,
            pair: 0,
        })
    };
    let turn = Step::Command(Command::Field(field.clone()));
    vec![
        new(203),
        new(48_023),
        Step::Cycle(false),
        Step::Act(Act::Edit {
            side: Side::Ado,
            item: 0,
            field,
            n: 48_044,
        }),
        Step::Cycle(true),
        Step::Cycle(false),
        Step::Wait(600_000),
        Step::Command(Command::Approve),
        Step::Rollback(12),
        turn.clone(),
        Step::Cycle(false),
        turn,
        Step::Cycle(false),
    ]
}

/// A title goes over, its answer is lost, and somebody sets the old one back before the next cycle; on either side.
pub fn set_back_after_a_lost_answer() -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: false,
    };
    let title = FieldKey::Title;
    let mut steps = Vec::new();
    for (side, item, n) in [(Side::Ado, 0, 60), (Side::ClickUp, 0, 76)] {
        let field = title.clone();
        steps.extend([
            Step::Act(Act::Create {
                side,
                n: n + 1,
                pair: 0,
            }),
            Step::Wait(400_000),
            Step::Cycle(false),
            Step::Act(Act::Edit {
                side,
                item,
                field: field.clone(),
                n,
            }),
            Step::Cycle(false),
            Step::During(first_write, Deed::Fault(Fault::Unanswered)),
            Step::Act(Act::Revert {
                side: side.other(),
                item,
                field,
            }),
            Step::Wait(400_000),
            Step::Cycle(false),
        ]);
    }
    steps
}

/// Tags, people and a long text go over, the answer is lost, and before the next cycle the author takes the edit back, on either
/// side.
pub fn taken_back_after_a_lost_answer() -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: false,
    };
    let mut steps = Vec::new();
    for (item, side) in (0..).zip(Side::BOTH) {
        steps.extend([
            Step::Act(Act::Create {
                side,
                n: 61 + item,
                pair: 0,
            }),
            Step::Wait(400_000),
            Step::Cycle(false),
        ]);
        let fields = [FieldKey::Tags, FieldKey::Assignees, FieldKey::Description];
        for (field, n) in fields.into_iter().zip(64..) {
            steps.extend([
                Step::Act(Act::Edit {
                    side,
                    item,
                    field: field.clone(),
                    n,
                }),
                Step::Wait(400_000),
                Step::Cycle(false),
                Step::During(first_write, Deed::Fault(Fault::Unanswered)),
                Step::Act(Act::Revert { side, item, field }),
                Step::Wait(400_000),
                Step::Cycle(false),
            ]);
        }
    }
    steps
}

/// A tag is renamed on Azure DevOps, which ClickUp learns in two calls, and the second one is refused. Before the next cycle the
/// author takes the new name back.
pub fn taken_back_after_a_refused_call() -> Vec<Step> {
    let second_write = Point {
        on: On::Write,
        n: 1,
        after: false,
    };
    let create = Act::Create {
        side: Side::Ado,
        n: 203,
        pair: 0,
    };
    let revert = Act::Revert {
        side: Side::Ado,
        item: 0,
        field: FieldKey::Tags,
    };
    let mut steps = vec![Step::Act(create), Step::Wait(400_000), Step::Cycle(false)];
    for n in [1, 3, 5] {
        steps.extend([
            Step::Act(Act::RenameTag { n }),
            Step::Wait(400_000),
            Step::Cycle(true),
            Step::During(second_write, Deed::Fault(Fault::Refused(None))),
            Step::Wait(2000),
            Step::Act(revert.clone()),
            Step::Wait(400_000),
            Step::Cycle(false),
            Step::Wait(60_000),
            Step::Cycle(false),
        ]);
    }
    steps
}

/// Two custom fields go to a task, the service takes its time over the first one, and somebody sets the second one meanwhile.
pub fn set_between_two_calls() -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: true,
    };
    let edit = |side: Side, name: &str, n: u32| Act::Edit {
        side,
        item: 0,
        field: FieldKey::Custom(name.to_owned()),
        n,
    };
    let create = Act::Create {
        side: Side::Ado,
        n: 62,
        pair: 0,
    };
    let mut steps = vec![Step::Act(create), Step::Wait(400_000), Step::Cycle(false)];
    for n in [13, 19, 25] {
        steps.extend([
            Step::Act(edit(Side::Ado, "Note", n)),
            Step::Act(edit(Side::Ado, "Size", n)),
            Step::Wait(400_000),
            Step::Cycle(false),
            Step::During(first_write, Deed::Act(edit(Side::ClickUp, "Size", n + 1))),
            Step::During(first_write, Deed::Wait(2_500)),
            Step::Wait(400_000),
            Step::Cycle(false),
        ]);
    }
    steps
}

/// A task is made with values in its custom fields.
pub fn made_with_custom_fields() -> Vec<Step> {
    let create = Act::Create {
        side: Side::ClickUp,
        n: 63,
        pair: 0,
    };
    vec![Step::Act(create), Step::Wait(400_000), Step::Cycle(false)]
}

/// A title goes over and is undone, and the answer to the undo is lost, or it arrives after a cycle that found both sides equal; on
/// either side.
pub fn undone_without_an_answer(fault: &Fault) -> Vec<Step> {
    let first_write = Point {
        on: On::Write,
        n: 0,
        after: false,
    };
    let mut steps = Vec::new();
    for (item, side) in (0..).zip(Side::BOTH) {
        steps.extend([
            Step::Act(Act::Create {
                side,
                n: 81 + item,
                pair: 0,
            }),
            Step::Wait(400_000),
            Step::Cycle(false),
            Step::Act(Act::Edit {
                side,
                item,
                field: FieldKey::Title,
                n: 84,
            }),
            Step::Wait(400_000),
            Step::Cycle(false),
            Step::Command(Command::UndoRun { back: 0 }),
            Step::During(first_write, Deed::Fault(fault.clone())),
            Step::Wait(60_000),
            Step::Cycle(false),
            Step::Wait(400_000),
            Step::Cycle(false),
        ]);
    }
    steps
}

/// An item is moved out of the pair, then its counterpart is deleted; on either side.
pub fn deleted_beside_one_that_left() -> impl Iterator<Item = Step> {
    Side::BOTH.into_iter().flat_map(|side| {
        let item = u32::from(side == Side::ClickUp);
        let gone = side.other();
        [
            Step::Act(Act::Leave { side, item }),
            Step::Cycle(true),
            Step::Act(Act::Delete { side: gone, item }),
            Step::Cycle(true),
            // A task counts as deleted when two reads some ten minutes apart say so.
            Step::Wait(700_000),
            Step::Cycle(true),
            Step::Wait(700_000),
            Step::Cycle(true),
        ]
    })
}

/// Two tasks, one under the other, and the work item of the upper one is deleted.
pub fn deleted_above_another() -> Vec<Step> {
    let new = |n: u32| {
        Step::Act(Act::Create {
            side: Side::Ado,
            n,
            pair: 0,
        })
    };
    vec![
        new(20),
        new(36),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::Wait(60_000),
        Step::Cycle(true),
        Step::Act(Act::Nest {
            side: Side::ClickUp,
            item: 1,
            under: 0,
        }),
        Step::Act(Act::Delete {
            side: Side::Ado,
            item: 0,
        }),
        Step::Wait(400_000),
        Step::Cycle(true),
        Step::Wait(60_000),
        Step::Cycle(true),
    ]
}

/// Five tasks, of which one more answers 404 each time that so many ms are over.
pub fn vanishing_one_by_one(every: i64) -> Vec<Step> {
    let new = |n: u32| {
        Step::Act(Act::Create {
            side: Side::Ado,
            n: 20 + 16 * n,
            pair: 0,
        })
    };
    let mut steps: Vec<Step> = (0..5).map(new).collect();
    steps.extend([
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::Wait(60_000),
        Step::Cycle(true),
    ]);
    for item in 0..5 {
        steps.extend([
            Step::Act(Act::Vanish { item }),
            // Nothing but a full listing or an edit tells of it.
            Step::Cycle(true),
            Step::Wait(every),
        ]);
    }
    for _ in 0..12 {
        steps.extend([Step::Cycle(false), Step::Wait(65_000)]);
    }
    steps
}

/// A list is deleted, and its tasks with it, while somebody edits the work item of one.
pub fn gone_with_its_list() -> Vec<Step> {
    let shut = |gone| {
        Step::Act(Act::Shut {
            side: Side::ClickUp,
            pair: 0,
            gone,
        })
    };
    let mut steps = vec![
        Step::Act(Act::Create {
            side: Side::Ado,
            n: 20,
            pair: 0,
        }),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::Wait(400_000),
        Step::Cycle(false),
        shut(true),
        Step::Act(Act::Edit {
            side: Side::Ado,
            item: 0,
            field: FieldKey::Title,
            n: 200,
        }),
    ];
    for n in 0..3 {
        steps.extend([Step::Cycle(false), Step::Wait(650_000 + n)]);
    }
    steps.push(shut(false));
    steps
}

/// Somebody edits a work item while the question stands, whose answer is a yes to a plan without that edit.
pub fn edited_while_asked() -> Vec<Step> {
    let edit = Act::Edit {
        side: Side::Ado,
        item: 0,
        field: FieldKey::Title,
        n: 60,
    };
    vec![
        Step::Act(Act::Create {
            side: Side::Ado,
            n: 20,
            pair: 0,
        }),
        Step::Wait(400_000),
        Step::Cycle(false),
        Step::Command(Command::Asked(Question {
            ms: 20_000,
            passes: false,
            acts: vec![edit],
        })),
    ]
}

/// An item of each side gets another title there, and the answers to that cycle's reads lack the titles.
pub fn left_out_beside_an_edit() -> Vec<Step> {
    let silent = Fault::LeavesOut {
        fields: vec![FieldKey::Title],
        answers: 2,
        both: true,
    };
    let first_read = Point {
        on: On::Read,
        n: 0,
        after: false,
    };
    let mut steps = Vec::new();
    for side in Side::BOTH {
        steps.push(Step::Act(Act::Create {
            side,
            n: 61,
            pair: 0,
        }));
        let quiet = [Step::Wait(400_000), Step::Cycle(false)];
        steps.extend(quiet.clone().into_iter().chain(quiet));
    }
    for (item, side) in (0..).zip(Side::BOTH) {
        steps.extend([
            Step::Act(Act::Edit {
                side,
                item,
                field: FieldKey::Title,
                n: 64 + item,
            }),
            Step::Wait(200_000),
            Step::Cycle(false),
            Step::During(first_read, Deed::Fault(silent.clone())),
            Step::Wait(60_000),
            Step::Cycle(false),
        ]);
    }
    steps
}
