//! Why nothing is concluded from what was read.

use crate::model::{FieldKey, Side};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an item or a field is left alone by what was read of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReadWhy {
    /// The item could not be read, or it cannot be told yet whether it is there.
    Unclear {
        /// What was seen.
        said: String,
    },
    /// It seems deleted, and is asked for again before anything is concluded.
    SeemsDeleted {
        /// What was seen.
        evidence: String,
    },
    /// The item left the scope of the pair.
    OutOfScope,
    /// It changed while it waited, and nothing tells yet whether it is still in the pair.
    MayHaveLeft,
    /// The value of a field cannot be read. Nobody can tell whether it was changed, so nothing is written over it and
    /// nothing goes from it to the other side.
    FieldUnreadable {
        /// The side that shows it.
        side: Side,
        /// The field.
        field: FieldKey,
    },
    /// A field is not what the configuration says, so that nothing of it is written until that is mended: a custom field of another type,
    /// or a field of Azure DevOps that no work item has.
    FieldPaused {
        /// The field.
        field: FieldKey,
        /// What is wrong and what to do.
        said: String,
        /// Where the configuration names it, as `file:line:column`; empty: nobody knows.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        place: String,
    },
    /// An answer left a field out that was there before. That says neither that it is empty nor that nobody changed it.
    FieldLeftOut {
        /// The side that left it out.
        side: Side,
        /// The field.
        field: FieldKey,
    },
}

impl ReadWhy {
    /// Whether it is about one field, which another reading may show.
    pub fn is_of_field(&self) -> bool {
        matches!(
            self,
            ReadWhy::FieldUnreadable { .. } | ReadWhy::FieldLeftOut { .. }
        )
    }
}

impl fmt::Display for ReadWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadWhy::Unclear { said } => f.write_str(said),
            ReadWhy::SeemsDeleted { evidence } => write!(
                f,
                "seems deleted ({evidence}); asked again before anything is concluded"
            ),
            ReadWhy::OutOfScope => f.write_str(
                "no longer in the pair's scope; its fields are left alone until it comes back",
            ),
            ReadWhy::MayHaveLeft => f.write_str(
                "changed while it waited; whether it is still in the pair's scope shows in the next full listing",
            ),
            ReadWhy::FieldUnreadable { side, field } => write!(
                f,
                "{side} shows a {field} that boardsync cannot read, or would have to round, so it is left alone; set another value in {side}"
            ),
            ReadWhy::FieldPaused { field, said, place } => {
                if !place.is_empty() {
                    write!(f, "{place}: ")?;
                }
                write!(f, "{field} stands still: {said}")
            }
            ReadWhy::FieldLeftOut { side, field } => write!(
                f,
                "{side} did not show the {field}, so it is left alone until another reading shows it"
            ),
        }
    }
}
