//! A history as data: what people do, what breaks, and when. A generator writes one from a seed; the runner only reads
//! it, so a script that fails can be cut down and kept.

use super::asked::Question;
use super::customs::Customs;
use boardsync::model::{FieldKey, Side};
use serde::{Deserialize, Serialize};

/// One history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// Seed of latencies and index lags.
    pub seed: u64,
    pub setup: Setup,
    pub steps: Vec<Step>,
}

/// What stays the same during a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The services' clocks against true time, ms.
    pub skew_ado: i64,
    pub skew_clickup: i64,
    /// The local clock against true time at the start, ms.
    pub local: i64,
    pub on_delete: Deleting,
    pub backlink: bool,
    /// Side that wins conflicts; `None`: they are held.
    pub winner: Option<Side>,
    /// Whether both pairs of the configuration are used.
    pub pairs: u32,
    /// Listings lag and requests arrive later than the protocol allows for: twins may come about, unnoticed they may not.
    #[serde(default)]
    pub unbounded: bool,
    /// Services that keep, cut, unite or change values whatever an update says.
    #[serde(default)]
    pub quirks: bool,
    /// The guard's limits are ones that a handful of items can exceed.
    #[serde(default)]
    pub tight: bool,
    /// A work item is made in its first state, and brought to another one by further requests.
    #[serde(default)]
    pub walked: bool,
    /// Each pair has a canary, which carries a claim.
    #[serde(default)]
    pub canary: bool,
    /// A listing of what changed lately says nothing of a list that is gone: the others answer, and no row is missed.
    #[serde(default)]
    pub silent: bool,
    /// The custom fields, and what the services do with them.
    #[serde(default)]
    pub customs: Customs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleting {
    Unlink,
    Close,
    Delete,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A person does something.
    Act(Act),
    /// Nothing happens for so many ms.
    Wait(i64),
    /// The local clock is set by so many ms.
    Clock(i64),
    /// One cycle; `true`: sweep everything.
    Cycle(bool),
    /// A person gives a command.
    Command(Command),
    /// Something happens during the cycle or command before this step.
    During(Point, Deed),
    /// The process ends and starts again.
    Restart,
    /// The database is put back to what it was so many commits ago, and the process starts again.
    Rollback(u32),
}

/// What a person asks of boardsync itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Settles a conflict: with an even number one that waits, if there is one, else any that ever was.
    Resolve { n: u32, take: Take },
    /// Takes a choice back that no cycle has carried out yet, if there is one.
    Withdraw { n: u32 },
    /// Takes the run back that is so many runs ago.
    UndoRun { back: u32 },
    /// Takes everything back that was written to an item and its counterpart.
    UndoItem { side: Side, item: u32 },
    /// Dissolves the link of an item.
    Unlink { side: Side, item: u32 },
    /// Links two items again that a command had unlinked.
    Relink { n: u32 },
    /// Looks at the plan and keeps it.
    Plan,
    /// Carries out the plan that was kept, if it is still the plan.
    Approve,
    /// Puts the stop file there, or takes it away.
    Stop(bool),
    /// Changes which side wins conflicts.
    Winner(Option<Side>),
    /// Takes a field out of the configuration, or back in.
    Field(FieldKey),
    /// Lets a field flow to this side only, or both ways again.
    OneWay { field: FieldKey, to: Side },
    /// Another table of states, by its number.
    States(u32),
    /// Gives a pair its other name.
    Rename { pair: u32 },
    /// Carries a plan out that is shown first, with a question.
    Asked(Question),
    /// Carries out what the saved plan still says.
    ApplySaved,
    /// Takes a run back, what it created included.
    UndoCreated { back: u32 },
    /// Takes a pair over from another installation.
    Takeover { pair: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    Ado,
    ClickUp,
    /// A text of one's own.
    Merged(u32),
}

/// Where in a cycle or command. Counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Point {
    pub on: On,
    pub n: u32,
    /// After it rather than before it.
    pub after: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Any request.
    Call,
    /// A request that writes.
    Write,
    /// A request that lists.
    List,
    /// A request that reads by id.
    Read,
    /// A transaction.
    Commit,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Act(Act),
    Fault(Fault),
    /// The process is killed.
    Crash,
    Wait(i64),
    Clock(i64),
}

/// Tasks alone could stand under each other in older scripts.
fn clickup() -> Side {
    Side::ClickUp
}

/// What a person does. `item` counts the items that the side ever had, round and round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Create {
        side: Side,
        n: u32,
        pair: u32,
    },
    Edit {
        side: Side,
        item: u32,
        field: FieldKey,
        n: u32,
    },
    /// Two people edit the same field of an item and of its counterpart.
    Contest {
        side: Side,
        item: u32,
        field: FieldKey,
        n: u32,
    },
    /// Back to what the field had before.
    Revert {
        side: Side,
        item: u32,
        field: FieldKey,
    },
    /// Back to what the field had before that.
    Recall {
        side: Side,
        item: u32,
        field: FieldKey,
    },
    Leave {
        side: Side,
        item: u32,
    },
    Return {
        side: Side,
        item: u32,
    },
    Delete {
        side: Side,
        item: u32,
    },
    Restore {
        side: Side,
        item: u32,
    },
    /// Moves an item to where the other pair looks.
    Move {
        side: Side,
        item: u32,
    },
    /// A pair's list is deleted or its area path renamed, or it is there again.
    Shut {
        side: Side,
        pair: u32,
        gone: bool,
    },
    /// An item comes to stand under another one. Its version stays: of a work item it does, and of a task nothing says that it moves.
    Nest {
        #[serde(default = "clickup")]
        side: Side,
        item: u32,
        under: u32,
    },
    /// A task answers 404 from now on although nobody deleted it.
    Vanish {
        item: u32,
    },
    /// All those are there again.
    Reappear,
    /// Another installation claims a pair.
    Claim {
        pair: u32,
    },
    /// Takes our marker out of the youngest item of a side.
    Unmark(Side),
    /// Renames a tag of Azure DevOps in every work item, none of which gets a revision for it.
    RenameTag {
        n: u32,
    },
    /// Copies an item together with our marker.
    Copy {
        side: Side,
        item: u32,
        n: u32,
    },
}

/// Whom the refusal of a poisoned value blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    Name,
    Nothing,
    /// A field that was not sent.
    Unsent,
    /// The whole request, with a 403.
    Forbidden,
    /// Nothing: the page of a firewall answers in the place of the service.
    Page,
}

/// What breaks. A fault that does not fit the request it falls on does nothing and is not counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No connection: nothing was sent.
    Unreachable,
    /// Sent, no answer, no effect.
    Lost,
    /// Sent, no answer, in force.
    Unanswered,
    /// Sent, no answer, in force so many ms later.
    Late(i64),
    /// Sent, no answer, and sent again by the client itself. `true`: the first attempt is in force, so that the second one
    /// meets it.
    Repeated(bool),
    /// Only a part of the update is in force, no answer.
    Partial,
    /// Delivered twice.
    Twice,
    /// 5xx, no effect.
    ServerError,
    /// The token does not work for so many ms.
    Auth(i64),
    Throttled,
    /// Refused by a rule; the field that is named, if any.
    Refused(Option<FieldKey>),
    /// Refused by a rule about the field's value, now and as long as it is sent.
    Poison {
        field: FieldKey,
        says: Says,
    },
    /// The page of a firewall with a 403 is all that comes back; `true`: the request is in force all the same.
    Page(bool),
    /// A create is in force, and the answer shows another item.
    Stranger,
    /// The service says that the version moved.
    Conflict,
    /// The answer shows only a part of the fields.
    Terse,
    /// A create takes everything but the state.
    StateDropped,
    /// A listing is empty, with a good status.
    Empty,
    /// A row is missing in a listing.
    Missing(u32),
    /// An item cannot be read for once.
    Unreadable(u32),
    /// A read by id shows an older state.
    OldRead(u32),
    /// The items of this answer and of the next ones of its side lack these fields, so many answers in a row; `both`: those of
    /// the other side too.
    LeavesOut {
        fields: Vec<FieldKey>,
        answers: u32,
        both: bool,
    },
    /// A listing of ADO comes from a replica that lags: it shows every item as it was one version ago.
    OldRows,
    /// A read by id says "deleted" of a task that is there.
    FalseGone(u32),
}

impl Fault {
    /// The word under which it is counted.
    pub fn word(&self) -> &'static str {
        match self {
            Fault::Unreachable => "unreachable",
            Fault::Lost => "lost",
            Fault::Unanswered => "unanswered",
            Fault::Late(_) => "late",
            Fault::Repeated(true) => "repeated",
            Fault::Repeated(false) => "repeated after no effect",
            Fault::Partial => "partial",
            Fault::Twice => "twice",
            Fault::ServerError => "server error",
            Fault::Auth(_) => "auth",
            Fault::Throttled => "throttled",
            Fault::Refused(None) => "refused",
            Fault::Refused(Some(_)) => "refused field",
            Fault::Poison {
                says: Says::Name, ..
            } => "poisoned, named",
            Fault::Poison {
                says: Says::Nothing,
                ..
            } => "poisoned without a name",
            Fault::Poison {
                says: Says::Unsent, ..
            } => "poisoned by an unsent name",
            Fault::Poison {
                says: Says::Forbidden,
                ..
            } => "poisoned, 403 for all",
            Fault::Poison {
                says: Says::Page, ..
            } => "poisoned, a page for all",
            Fault::Page(true) => "page after effect",
            Fault::Page(false) => "page",
            Fault::Stranger => "another item in the answer",
            Fault::Conflict => "conflict",
            Fault::Terse => "terse answer",
            Fault::StateDropped => "state dropped",
            Fault::Empty => "empty listing",
            Fault::Missing(_) => "missing row",
            Fault::Unreadable(_) => "unreadable",
            Fault::OldRead(_) => "old read",
            Fault::LeavesOut { .. } => "field left out",
            Fault::OldRows => "old listing",
            Fault::FalseGone(_) => "false gone",
        }
    }

    /// Whether a delta may miss a change for it, so that only a sweep finds it.
    pub fn hides(&self) -> bool {
        matches!(self, Fault::Empty | Fault::Missing(_) | Fault::OldRows)
    }
}
