//! What the judge knows of commands.

use super::apart_law::Undone;
use super::guard_law::Ledger;
use super::noted::Noted;
use super::quirks::Cut;
use super::vanish::Fallen;
use super::world::Request;
use boardsync::model::{FieldKey, FieldValue, Folded, ItemId, LinkId, Side};
use boardsync::reconcile::plan::Plan;
use boardsync::store::{Choice, Conflict};
use std::collections::{BTreeMap, BTreeSet};

/// What the judge knows of commands.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Grows with every cycle and command.
    pub run: u64,
    /// Whether an undo is at work.
    pub undoing: bool,
    /// What the engine last made of a field, when (true time), and in which run.
    pub ours: BTreeMap<(Side, usize, FieldKey), (FieldValue, i64, u64)>,
    /// Fields of which a rule of the process made what they are in a save of ours.
    pub by_rule: BTreeSet<(Side, usize, FieldKey)>,
    /// Parts of values that the engine has written over, and when last (true time).
    pub replaced: BTreeMap<(Side, usize, FieldKey, String), i64>,
    /// Parts of values that the engine has written, and in which run last.
    pub brought: BTreeMap<(Side, usize, FieldKey, String), u64>,
    /// Parts that a request brought after later ones: what they replaced is ours, and no version tells of that.
    pub late: BTreeSet<(Side, usize, FieldKey, String)>,
    /// Those that a person took away where they came from before the next run, and when (true time).
    pub taken: BTreeMap<(Side, usize, FieldKey, String), i64>,
    /// What an undo set last, where nothing has moved it since.
    pub undone: BTreeMap<(Side, usize, FieldKey), Undone>,
    /// Items that the engine has removed, and nobody brought back.
    pub removed: BTreeSet<(Side, usize)>,
    /// Halves of bases that were seen as owed: link, field, side, and the value.
    pub owed: BTreeSet<(LinkId, FieldKey, Side, String)>,
    /// True time at which each conflict was first there.
    pub conflicts: BTreeMap<i64, i64>,
    /// Parts of an earlier choice's value that a later choice in the same conflict replaces: true time of the read by which
    /// that one was made, and the conflict. Whoever chooses again is told what was chosen before.
    pub given_up: BTreeMap<(Side, usize, FieldKey, String), (i64, i64)>,
    /// Links that a command dissolved.
    pub unlinked: BTreeSet<LinkId>,
    pub stopped: bool,
    /// Fields that the configuration leaves out.
    pub off: BTreeSet<FieldKey>,
    /// True time since when it leaves each of them out.
    pub off_since: BTreeMap<FieldKey, i64>,
    /// Fields that flow to one side only.
    pub one_way: BTreeMap<FieldKey, Side>,
    /// Fields that ever did.
    pub were_one_way: BTreeSet<FieldKey>,
    /// Hashes of the plan that somebody looked at.
    pub plan: BTreeSet<String>,
    /// That plan, as it was saved.
    pub saved: Option<String>,
    /// The saved plan that is carried out at present.
    pub applying: Option<Plan>,
    /// The last choice.
    pub choice: Option<Choice>,
    /// The conflict that is being settled, with the choice that waited for it.
    pub resolving: Option<(Conflict, Option<Choice>)>,
    /// Conflicts that were judged, or are not to be, by the law of half-way states.
    pub half_judged: BTreeSet<i64>,
    /// First requests of changes in two: the work item, the version that it stands on, and the state in between.
    pub steps: BTreeMap<(ItemId, i64), FieldValue>,
    /// What this cycle did.
    pub ledger: Ledger,
    /// Links that ended for tasks that nobody deleted.
    pub fallen: Fallen,
    /// Which pairs have another name than at first.
    pub renamed: [bool; 2],
    /// Which table of states the configuration has.
    pub table: usize,
    /// Parts of values that the conflict log held when the database was put back.
    pub put_back: BTreeSet<(ItemId, FieldKey, String)>,
    /// Fields of records of which the service did not take what it was sent.
    pub untaken: BTreeSet<(Side, usize, FieldKey)>,
    /// Requests that had no answer.
    pub unanswered: Vec<(Side, Request)>,
    /// Values that the history names as sent and of which it never says what became of them.
    pub noted: Vec<Noted>,
    /// Tags of a task that an update had still to bring or take away when one of its calls failed.
    pub tags_left: BTreeSet<(ItemId, Folded, bool)>,
    /// Parts that a write carried and that the service cut.
    pub cut: Vec<Cut>,
}
