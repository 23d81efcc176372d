//! Why an undo leaves something as it is.

use crate::model::{FieldKey, ItemId, Side};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an undo leaves an item or a field as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeftWhy {
    /// A run made the item, and it stays.
    MadeByRun {
        /// What the run did.
        how: MadeBy,
        /// Its id.
        run: String,
        /// Why the item stays.
        stays: Stays,
    },
    /// A run deleted a task, and only a person can bring it back.
    TaskInTrash,
    /// The item that would be written to is not there.
    Absent {
        /// How that shows.
        how: Absent,
    },
    /// One of the two items that would be linked again is not there.
    NotLinkedAgain {
        /// How that shows.
        how: Absent,
    },
    /// The two items are linked again already.
    LinkedAlready,
    /// The link is dissolved already.
    UnlinkedAlready,
    /// Somebody linked the two by hand after the link of the run had ended.
    LinkedByHand,
    /// The item left the scope of the pair.
    OutOfScopeForUndo,
    /// Without the counterpart nobody can tell whether the two would be left apart.
    CounterpartUnreadable {
        /// The side of the counterpart.
        side: Side,
        /// The counterpart.
        item: ItemId,
        /// What was seen.
        said: String,
    },
    /// The field is not synced any more.
    FieldNotSynced,
    /// The field stands still, so that nothing of it is written.
    FieldStandsStill {
        /// Why, as a sentence without a full stop.
        said: String,
    },
    /// A person's choice for the field is still to be written.
    ChoiceWaits,
    /// The item does not show the field any more.
    FieldNotShown,
    /// An edit of the counterpart is still to be carried over.
    CounterpartEdited {
        /// The side of the counterpart.
        side: Side,
    },
    /// The journal does not have the value before.
    NotRecorded,
    /// A later run wrote to the field.
    WrittenLater,
    /// A later write had no answer.
    LaterWriteUnanswered,
    /// Somebody edited the field since.
    EditedSince,
}

/// What a run did to make an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// It created it.
    Created,
    /// It took it out of the bin.
    Restored,
}

/// Why an item that a run made stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Stays {
    /// Nobody asked to delete what was created.
    NotAskedFor {
        /// The side of the counterpart.
        side: Side,
        /// The counterpart.
        item: ItemId,
        /// Why it would stay all the same; `None`: nothing else keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anyway: Option<Box<Stays>>,
    },
    /// Its create had no answer, and it was edited before it was found.
    EditedBeforeFound,
    /// It left the scope of the pair.
    OutOfScope,
    /// Somebody linked it by hand since.
    LinkedByHand,
    /// Somebody edited a field of it.
    FieldEdited {
        /// The field.
        field: FieldKey,
    },
    /// People left something at it.
    Has {
        /// What, as a phrase: `a comment`.
        what: String,
    },
    /// Whether people left something at it cannot be told.
    Unknown {
        /// What cannot be told, as a phrase: `whether it has comments`.
        what: String,
    },
    /// The version that the run left is not recorded.
    VersionUnknown,
    /// It is at another version than boardsync left it at.
    OtherVersion,
}

/// How it shows that an item is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Absent {
    /// It was deleted.
    Deleted {
        /// Where.
        side: Side,
        /// What was seen.
        evidence: String,
    },
    /// It cannot be read.
    Unclear {
        /// Where.
        side: Side,
        /// What was seen.
        said: String,
    },
}

fn bin(side: Side) -> &'static str {
    match side {
        Side::Ado => "recycle bin",
        Side::ClickUp => "trash",
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MadeBy::Created => "created",
            MadeBy::Restored => "restored",
        })
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stays::NotAskedFor {
                side,
                item,
                anyway: Some(anyway),
            } => {
                let why = anyway.to_string();
                let why = why.strip_prefix(", but ").unwrap_or(&why);
                write!(
                    f,
                    " as the counterpart of {side} {item}; it stays: only --delete-created deletes what a run created, and that \
                     would leave this one, for {why} if it is to go"
                )
            }
            Stays::NotAskedFor {
                side,
                item,
                anyway: None,
            } => write!(
                f,
                " as the counterpart of {side} {item}; it stays (--delete-created moves it to the {}, unless somebody edited it, \
                 commented on it or attached a file, or something below it stays)",
                bin(side.other())
            ),
            Stays::EditedBeforeFound => f.write_str(
                ", but it was edited before boardsync found it; delete it by hand",
            ),
            Stays::OutOfScope => {
                f.write_str(", but it left the scope of the pair; delete it by hand")
            }
            Stays::LinkedByHand => {
                f.write_str(", but somebody linked it by hand since; delete it by hand")
            }
            Stays::FieldEdited { field } => {
                write!(f, ", but its {field} was edited since; delete it by hand")
            }
            Stays::Has { what } => write!(f, ", but it has {what} by now; delete it by hand"),
            Stays::Unknown { what } => write!(
                f,
                ", but nobody can tell {what}; look, and delete it by hand"
            ),
            Stays::VersionUnknown => f.write_str(
                ", but nobody can tell whether it was edited since; look, and delete it by hand",
            ),
            Stays::OtherVersion => f.write_str(
                ", but it is not at the version at which boardsync left it: somebody may have edited what is not synced, \
                 or moved it; look, and delete it by hand",
            ),
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absent::Deleted { side, evidence } => write!(f, "{side} deleted it ({evidence})"),
            Absent::Unclear { side, said } => write!(f, "{side} does not show it ({said})"),
        }
    }
}

impl fmt::Display for LeftWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftWhy::MadeByRun { how, run, stays } => {
                return write!(f, "{how} by run {run}{stays}");
            }
            LeftWhy::TaskInTrash => {
                "deleted by that run; ClickUp's API cannot restore a task: open Trash in ClickUp, restore it \
                 there, then run this undo again to link it"
            }
            LeftWhy::Absent { how } => return how.fmt(f),
            LeftWhy::NotLinkedAgain { how } => return write!(f, "not linked again: {how}"),
            LeftWhy::LinkedAlready => "it is linked again already",
            LeftWhy::UnlinkedAlready => "the link is dissolved already",
            LeftWhy::LinkedByHand => {
                "the link of that run ended before, and somebody linked the two by hand since, which stays; `boardsync links \
                 remove` ends it"
            }
            LeftWhy::OutOfScopeForUndo => {
                "it left the scope of the pair, where nothing is written; change it by hand"
            }
            LeftWhy::CounterpartUnreadable { side, item, said } => {
                return write!(
                    f,
                    "its counterpart {item} cannot be read in {side} ({said}); run this undo again when it can"
                );
            }
            LeftWhy::FieldNotSynced => {
                "the configuration does not sync this field any more, or its entry stands for another one by now; it stays"
            }
            LeftWhy::FieldStandsStill { said } => {
                return write!(
                    f,
                    "nothing of this field is written at present: {said}; mend that, then run this undo again"
                );
            }
            LeftWhy::ChoiceWaits => {
                "a choice made with `conflicts resolve` is still to be written"
            }
            LeftWhy::FieldNotShown => "the item no longer shows this field",
            LeftWhy::CounterpartEdited { side } => {
                return write!(
                    f,
                    "{side} was edited and no cycle has carried that over yet; the edit stays and goes on with the next cycle"
                );
            }
            LeftWhy::NotRecorded => "what was there before is not recorded",
            LeftWhy::WrittenLater => "written again by a later run; that stays",
            LeftWhy::LaterWriteUnanswered => {
                "a later write of another value had no answer, and nobody can tell whether somebody typed this value again \
                 after it; it stays"
            }
            LeftWhy::EditedSince => "edited since; the edit stays",
        })
    }
}
