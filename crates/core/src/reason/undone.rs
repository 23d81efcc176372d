//! Why something of this cycle is still to be done.

use crate::model::{FieldKey, Side};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an action, or a field of one, is still to be done after the cycle that planned it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum UndoneWhy {
    /// A value that was sent is not in force.
    NotTaken {
        /// What was sent and what is there, in words.
        said: String,
    },
    /// The field is written after the item itself was created.
    AfterCreate {
        /// The side of the new item.
        side: Side,
        /// The field.
        field: FieldKey,
    },
    /// The action waits for the other half of a merge.
    WaitsForHalf,
    /// The action failed.
    Failed {
        /// Why.
        said: String,
    },
    /// The item moved since the plan.
    Stale {
        /// What was seen.
        said: String,
    },
    /// The action was not tried.
    Skipped {
        /// Why.
        said: String,
    },
}

impl fmt::Display for UndoneWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UndoneWhy::NotTaken { said }
            | UndoneWhy::Failed { said }
            | UndoneWhy::Stale { said }
            | UndoneWhy::Skipped { said } => f.write_str(said),
            UndoneWhy::AfterCreate { side, field } => write!(
                f,
                "{side} gets {field} after the item itself, because a proxy or a firewall seems to have refused the whole; \
                 it is written by itself next"
            ),
            UndoneWhy::WaitsForHalf => f.write_str("waits for the other half"),
        }
    }
}
