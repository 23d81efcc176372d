//! Why a rail holds something.

use crate::model::{FieldKey, PairName, Side, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a rail holds an item or a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RailWhy {
    /// After a restore: the two sides differ, and nobody can tell which value is the newer one.
    RestoredDiffers,
    /// After a restore: nothing is created for a while.
    RestoredWait {
        /// Local time until which.
        until: Timestamp,
    },
    /// The same, told by what only looks: the wait begins with the next cycle, and until one has noted that nobody knows when
    /// it ends.
    RestoredNotBegun {
        /// How long it takes.
        quiet_ms: i64,
    },
    /// After a restore: pairs were not listed in full since.
    RestoredUnlisted {
        /// These pairs.
        pairs: Vec<PairName>,
    },
    /// What is written is undone each time.
    UndoneEachTime {
        /// How often it was written within the hour.
        times: usize,
    },
    /// A service keeps another value than the one that was sent.
    NotKept {
        /// What was sent and what is there, in words.
        said: String,
        /// How often it was sent.
        times: u32,
        /// The side that was written.
        side: Side,
        /// Local time of the next time; `None`: not before a value changes.
        again: Option<Timestamp>,
    },
    /// A service refused a value.
    Refused {
        /// The service.
        side: Side,
        /// The field.
        field: FieldKey,
        /// The value; `None`: too long to be quoted.
        value: Option<String>,
        /// Whether it was refused alone, so that nothing else can be at fault.
        proven: bool,
        /// What the service said.
        said: String,
    },
    /// The change of the item failed before.
    FailedBefore {
        /// How often.
        times: u32,
        /// When it is tried again.
        next: NextTry,
        /// What was said of the last time.
        said: String,
    },
}

/// When a change that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NextTry {
    /// At this time, although what is wanted changed meanwhile.
    Changed {
        /// Local time.
        at: Timestamp,
    },
    /// At this time.
    At {
        /// Local time.
        at: Timestamp,
    },
    /// Not before it changes.
    Never,
}

impl fmt::Display for NextTry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextTry::Changed { at } => write!(f, "tried again, as it has changed, at {at}"),
            NextTry::At { at } => write!(f, "tried again at {at}"),
            NextTry::Never => f.write_str(
                "left alone until it changes, or until `boardsync reconcile --once --retry`",
            ),
        }
    }
}

/// How often something happened: `once`, `3 times`.
fn often(times: u32) -> String {
    match times {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

impl fmt::Display for RailWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RailWhy::RestoredDiffers => f.write_str(
                "the database was restored and the two sides differ here, so nobody can tell which value is the newer one; \
                 choose with `boardsync conflicts resolve`",
            ),
            RailWhy::RestoredWait { until } => write!(
                f,
                "the database was restored: nothing is created before {until}, so that what was made meanwhile is found first"
            ),
            RailWhy::RestoredNotBegun { quiet_ms } => {
                let wait = match (quiet_ms / 1000, quiet_ms % 60_000) {
                    (seconds, 0) => format!("{}m", seconds / 60),
                    (seconds, _) => format!("{seconds}s"),
                };
                write!(
                    f,
                    "the database was restored: nothing is created for {wait} after the next cycle begins, so that what was made \
                     meanwhile is found first"
                )
            }
            RailWhy::RestoredUnlisted { pairs } => {
                let names: Vec<&str> = pairs.iter().map(|pair| pair.0.as_str()).collect();
                write!(
                    f,
                    "the database was restored, and {} could not be listed in full since: what was made meanwhile may be \
                     there, so nothing is created before that; make it readable again, or take it out of the configuration",
                    names.join(" and ")
                )
            }
            RailWhy::UndoneEachTime { times } => write!(
                f,
                "written {times} times within the hour and undone each time, so something else keeps changing it back; \
                 stop that, then choose with `boardsync conflicts resolve`"
            ),
            RailWhy::NotKept {
                said,
                times,
                again: Some(at),
                ..
            } => write!(f, "{said} ({}); sent again at {at}", often(*times)),
            RailWhy::NotKept {
                said,
                times,
                side,
                again: None,
            } => write!(
                f,
                "{said} ({}); set it there by hand, or edit it in {} to send it again",
                often(*times),
                side.other()
            ),
            RailWhy::Refused {
                side,
                field,
                value,
                proven,
                said,
            } => {
                let shown = value.as_ref().map(|value| format!(" \"{value}\""));
                let shown = shown.unwrap_or_default();
                let untried = match proven {
                    true => "",
                    false => " (not tried alone after so many refusals)",
                };
                // The row of `people` names somebody that the service does not have, or there is none.
                let row = match field {
                    FieldKey::Assignees => {
                        format!(", or have a row of `people` of the pair name an address that {side} knows")
                    }
                    _ => String::new(),
                };
                write!(
                    f,
                    "{side} does not take {field}{shown}{untried}: {said}; change it on either side{row}, or mend the cause \
                     and run `boardsync reconcile --once --retry`"
                )
            }
            RailWhy::FailedBefore { times, next, said } => {
                write!(f, "failed {}; {next}: {said}", often(*times))
            }
        }
    }
}
