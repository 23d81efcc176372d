//! What a run was for.

use super::Reason;
use crate::model::ItemId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run was for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Cause {
    /// A cycle like any other.
    Cycle,
    /// It took another run back.
    UndoOfRun {
        /// Id of that run.
        run: String,
    },
    /// It took back everything that was written to an item and its counterpart.
    UndoOfItem {
        /// The item.
        item: ItemId,
    },
    /// Stored before there were codes.
    ToldBefore {
        /// The stored sentence.
        #[serde(skip)]
        sentence: String,
    },
}

impl Cause {
    /// Returns whether the run took something back.
    pub fn is_undo(&self) -> bool {
        match self {
            Cause::UndoOfRun { .. } | Cause::UndoOfItem { .. } => true,
            Cause::Cycle | Cause::ToldBefore { .. } => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Cycle => f.write_str("cycle"),
            Cause::UndoOfRun { run } => write!(f, "undo of {run}"),
            Cause::UndoOfItem { item } => write!(f, "undo of all writes to {item}"),
            Cause::ToldBefore { sentence } => f.write_str(sentence),
        }
    }
}

impl Reason for Cause {
    fn told_before(sentence: String) -> Cause {
        Cause::ToldBefore { sentence }
    }

    fn tell(&mut self, told: String) {
        if let Cause::ToldBefore { sentence } = self {
            *sentence = told;
        }
    }
}
