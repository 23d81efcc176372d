//! Why something is done.

use super::{Cause, Reason};
use crate::model::Side;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an action is in a plan, or why a link ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ActionWhy {
    /// A person made the item, and it has no counterpart.
    New {
        /// Where it is new.
        side: Side,
    },
    /// The counterpart has other values.
    Differs {
        /// The side of the counterpart.
        from: Side,
    },
    /// The item was made as the counterpart of the other.
    CarriesMarker,
    /// The two items were linked in another pair, and both are in this one now.
    CameTogether,
    /// Both items were deleted.
    DeletedOnBothSides,
    /// The counterpart was deleted.
    CounterpartDeleted {
        /// Where it was deleted.
        side: Side,
        /// What was seen.
        evidence: String,
        /// What follows for the item that is left.
        then: After,
    },
    /// What a run wrote is taken back.
    TakenBack {
        /// What is taken back.
        cause: Cause,
    },
    /// As that: the item that the run made goes to the bin.
    TakenBackToBin {
        /// What is taken back.
        cause: Cause,
        /// The side whose bin it is.
        side: Side,
    },
    /// A person dissolved the link.
    RemovedByHand,
    /// Stored before there were codes.
    ToldBefore {
        /// Where the counterpart was deleted; `None`: it was not, or nothing says where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted_in: Option<Side>,
        /// The stored sentence.
        #[serde(skip)]
        sentence: String,
    },
}

/// What follows for the item whose counterpart was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It stays, because somebody edited it since both sides agreed.
    EditedHere,
    /// It stays, because it has left the scope of the pair.
    OutOfScopeHere,
    /// It stays, because boardsync itself was to remove the counterpart, and that request had no answer.
    RemovedByUs,
    /// It stays, because the counterpart was deleted along with its parent, and perhaps nobody meant it.
    GoneWithParent,
    /// It stays, because nothing is known of their link any more: the database was lost.
    LinkLost,
    /// It stays, because what both sides agreed on last is not on record: the database is a copy from before. So nobody can tell
    /// whether it was edited since.
    BaseLost,
    /// It stays by the rule `on_delete = unlink`.
    Unlink,
    /// It goes by the rule `on_delete = delete`.
    Delete,
    /// It is closed by the rule `on_delete = close`.
    Close,
    /// It is closed already.
    ClosedAlready,
}

impl ActionWhy {
    /// Whether it ends a link of which nothing was on record any more.
    pub fn is_of_a_lost_link(&self) -> bool {
        matches!(
            self,
            ActionWhy::CounterpartDeleted {
                then: After::LinkLost,
                ..
            }
        )
    }

    /// Returns where the counterpart was deleted; `None`: that is not the reason.
    pub fn deleted_in(&self) -> Option<Side> {
        match self {
            ActionWhy::CounterpartDeleted { side, .. } => Some(*side),
            ActionWhy::ToldBefore { deleted_in, .. } => *deleted_in,
            ActionWhy::New { .. }
            | ActionWhy::Differs { .. }
            | ActionWhy::CarriesMarker
            | ActionWhy::CameTogether
            | ActionWhy::DeletedOnBothSides
            | ActionWhy::TakenBack { .. }
            | ActionWhy::TakenBackToBin { .. }
            | ActionWhy::RemovedByHand => None,
        }
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            After::EditedHere => "edited here since, so it stays",
            After::OutOfScopeHere => "no longer in the pair's scope here, so it stays",
            After::RemovedByUs => "removed by boardsync itself, so this one stays",
            After::GoneWithParent => "deleted there along with its parent, so this one stays",
            After::LinkLost => "their link is not on record any more, so it stays",
            After::BaseLost => {
                "what both sides agreed on last is not on record any more, so it stays"
            }
            After::Unlink => "on_delete = unlink",
            After::Delete => "on_delete = delete",
            After::Close => "on_delete = close",
            After::ClosedAlready => "closed already",
        })
    }
}

impl fmt::Display for ActionWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionWhy::New { side } => write!(f, "new in {side}"),
            ActionWhy::Differs { from } => write!(f, "differs from {from}"),
            ActionWhy::CarriesMarker => f.write_str("carries the marker of its counterpart"),
            ActionWhy::CameTogether => {
                f.write_str("both came here from the pair in which they were linked")
            }
            ActionWhy::DeletedOnBothSides => f.write_str("deleted on both sides"),
            ActionWhy::CounterpartDeleted {
                side,
                evidence,
                then,
            } => write!(f, "counterpart deleted in {side} ({evidence}); {then}"),
            ActionWhy::TakenBack { cause } => cause.fmt(f),
            ActionWhy::TakenBackToBin { cause, side } => match side {
                Side::Ado => write!(f, "{cause}; to the recycle bin"),
                Side::ClickUp => write!(
                    f,
                    "{cause}; to the trash, from where only a person can restore it"
                ),
            },
            ActionWhy::RemovedByHand => f.write_str("removed by hand"),
            ActionWhy::ToldBefore { sentence, .. } => f.write_str(sentence),
        }
    }
}

impl Reason for ActionWhy {
    fn told_before(sentence: String) -> ActionWhy {
        ActionWhy::ToldBefore {
            deleted_in: None,
            sentence,
        }
    }

    fn tell(&mut self, told: String) {
        if let ActionWhy::ToldBefore { sentence, .. } = self {
            *sentence = told;
        }
    }
}
