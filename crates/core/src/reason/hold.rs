//! Why something is held.

use super::{
    CreateWhy, LeftWhy, NextTry, OriginWhy, RailWhy, ReadWhy, Reason, UndoneWhy, ValueWhy,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something is deliberately not done, and what would help: by theme, each with codes of its own. No two themes share
/// a code, so the code alone is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum HoldWhy {
    /// Stored before there were codes.
    ToldBefore {
        /// What the sentence is about, where a rule asks that; `None`: something else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Topic>,
        /// The stored sentence.
        #[serde(skip)]
        sentence: String,
    },
    /// What was read of an item.
    #[serde(untagged)]
    Read(ReadWhy),
    /// A value that the other side cannot be given.
    #[serde(untagged)]
    Value(ValueWhy),
    /// Where an unlinked item came from.
    #[serde(untagged)]
    Origin(OriginWhy),
    /// A create whose answer was lost.
    #[serde(untagged)]
    Create(CreateWhy),
    /// A rail.
    #[serde(untagged)]
    Rail(RailWhy),
    /// What became of an action.
    #[serde(untagged)]
    Undone(UndoneWhy),
    /// An undo leaves it as it is.
    #[serde(untagged)]
    Left(LeftWhy),
}

/// What a sentence is about that was stored before there were codes, as far as rules ask that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// As [`OriginWhy::NamedByMarker`].
    NamedByMarker,
    /// As [`OriginWhy::CounterpartAway`].
    CounterpartAway,
}

impl HoldWhy {
    /// Returns whether nothing but this hold remembers it between two full listings: the item that the reason names is not
    /// looked at until then. So the hold stays until a full listing tells otherwise.
    pub fn stands_until_sweep(&self) -> bool {
        match self {
            HoldWhy::Origin(why) => matches!(
                why,
                OriginWhy::NamedByMarker { .. } | OriginWhy::CounterpartAway { .. }
            ),
            HoldWhy::ToldBefore { about, .. } => {
                matches!(about, Some(Topic::NamedByMarker | Topic::CounterpartAway))
            }
            HoldWhy::Read(_)
            | HoldWhy::Value(_)
            | HoldWhy::Create(_)
            | HoldWhy::Rail(_)
            | HoldWhy::Undone(_)
            | HoldWhy::Left(_) => false,
        }
    }

    /// Returns whether it ends by the choice in the conflict about the same field, which is recorded beside it.
    pub fn asks_for_choice(&self) -> bool {
        match self {
            HoldWhy::Rail(why) => matches!(
                why,
                RailWhy::RestoredDiffers | RailWhy::UndoneEachTime { .. }
            ),
            HoldWhy::Value(why) => matches!(why, ValueWhy::Flattens { .. }),
            HoldWhy::ToldBefore { .. }
            | HoldWhy::Read(_)
            | HoldWhy::Origin(_)
            | HoldWhy::Create(_)
            | HoldWhy::Undone(_)
            | HoldWhy::Left(_) => false,
        }
    }

    /// Returns whether a later cycle ends the hold, or tries again, without anybody doing anything.
    pub fn ends_by_itself(&self) -> bool {
        match self {
            HoldWhy::Rail(why) => match why {
                RailWhy::RestoredWait { .. }
                | RailWhy::RestoredNotBegun { .. }
                | RailWhy::NotKept { again: Some(_), .. } => true,
                RailWhy::FailedBefore { next, .. } => match next {
                    NextTry::Changed { .. } | NextTry::At { .. } => true,
                    NextTry::Never => false,
                },
                RailWhy::NotKept { again: None, .. }
                | RailWhy::RestoredDiffers
                | RailWhy::RestoredUnlisted { .. }
                | RailWhy::UndoneEachTime { .. }
                | RailWhy::Refused { .. } => false,
            },
            HoldWhy::Read(why) => {
                matches!(
                    why,
                    ReadWhy::MayHaveLeft
                        | ReadWhy::SeemsDeleted { .. }
                        | ReadWhy::FieldLeftOut { .. }
                )
            }
            HoldWhy::Create(why) => *why == CreateWhy::PlannedAgain,
            HoldWhy::Undone(_) => true,
            HoldWhy::ToldBefore { .. }
            | HoldWhy::Value(_)
            | HoldWhy::Origin(_)
            | HoldWhy::Left(_) => false,
        }
    }

    /// Returns whether the item gets no counterpart yet because what was made before the database was lost is looked for first.
    pub fn waits_for_lost_creates(&self) -> bool {
        matches!(
            self,
            HoldWhy::Rail(RailWhy::RestoredWait { .. } | RailWhy::RestoredNotBegun { .. })
        )
    }

    /// Returns whether the item carries a marker that this installation did not write.
    pub fn is_strangers_marker(&self) -> bool {
        match self {
            HoldWhy::Origin(why) => *why == OriginWhy::StrangersMarker,
            HoldWhy::ToldBefore { .. }
            | HoldWhy::Read(_)
            | HoldWhy::Value(_)
            | HoldWhy::Create(_)
            | HoldWhy::Rail(_)
            | HoldWhy::Undone(_)
            | HoldWhy::Left(_) => false,
        }
    }
}

impl fmt::Display for HoldWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HoldWhy::ToldBefore { sentence, .. } => f.write_str(sentence),
            HoldWhy::Read(why) => why.fmt(f),
            HoldWhy::Value(why) => why.fmt(f),
            HoldWhy::Origin(why) => why.fmt(f),
            HoldWhy::Create(why) => why.fmt(f),
            HoldWhy::Rail(why) => why.fmt(f),
            HoldWhy::Undone(why) => why.fmt(f),
            HoldWhy::Left(why) => why.fmt(f),
        }
    }
}

impl Reason for HoldWhy {
    fn told_before(sentence: String) -> HoldWhy {
        HoldWhy::ToldBefore {
            about: None,
            sentence,
        }
    }

    fn tell(&mut self, told: String) {
        if let HoldWhy::ToldBefore { sentence, .. } = self {
            *sentence = told;
        }
    }
}

impl From<ReadWhy> for HoldWhy {
    fn from(why: ReadWhy) -> HoldWhy {
        HoldWhy::Read(why)
    }
}

impl From<ValueWhy> for HoldWhy {
    fn from(why: ValueWhy) -> HoldWhy {
        HoldWhy::Value(why)
    }
}

impl From<OriginWhy> for HoldWhy {
    fn from(why: OriginWhy) -> HoldWhy {
        HoldWhy::Origin(why)
    }
}

impl From<CreateWhy> for HoldWhy {
    fn from(why: CreateWhy) -> HoldWhy {
        HoldWhy::Create(why)
    }
}

impl From<RailWhy> for HoldWhy {
    fn from(why: RailWhy) -> HoldWhy {
        HoldWhy::Rail(why)
    }
}

impl From<UndoneWhy> for HoldWhy {
    fn from(why: UndoneWhy) -> HoldWhy {
        HoldWhy::Undone(why)
    }
}

impl From<LeftWhy> for HoldWhy {
    fn from(why: LeftWhy) -> HoldWhy {
        HoldWhy::Left(why)
    }
}
