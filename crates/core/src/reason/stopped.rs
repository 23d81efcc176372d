//! Why a pair stands still.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a guard limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// New counterparts.
    Creates,
    /// Items that are changed.
    Updates,
    /// Values that are emptied.
    Clears,
    /// Items that are deleted or closed, and links that are dissolved.
    Deletes,
    /// Values that changed by reading alone.
    Noise,
    /// Linked items that are gone on one side, at once or one by one.
    Vanished,
}

impl Limit {
    /// Returns what it counts, as a phrase in the plural.
    pub fn counted(self) -> &'static str {
        match self {
            Limit::Creates => "creates",
            Limit::Updates => "updates",
            Limit::Clears => "values emptied",
            Limit::Deletes => "deletes, closes, unlinks",
            Limit::Noise => "values read differently",
            Limit::Vanished => "items gone at once",
        }
    }
}

/// Who told the program to write nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Switched {
    /// The process was told to end.
    End,
    /// The stop file is there. Holds its path.
    File(String),
}

impl Switched {
    /// Returns the path of the stop file of which a stored text speaks; `None`: it speaks of something else.
    pub fn file_in(text: &str) -> Option<&str> {
        text.strip_prefix(BY_FILE)?.strip_suffix(GO_ON)
    }
}

const BY_FILE: &str = "stopped by the file ";
const GO_ON: &str = "; remove it to go on";

impl fmt::Display for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Switched::End => {
                f.write_str("told to end before everything was done; run it again to go on")
            }
            Switched::File(path) => write!(f, "{BY_FILE}{path}{GO_ON}"),
        }
    }
}

/// What a plan waits for a yes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YesTo {
    /// The pair itself: nobody ever said yes to it.
    First,
    /// Another scope or mapping than the last yes was to.
    Changed,
    /// What a restored backup is compared with.
    Restored,
}

impl YesTo {
    /// Says why the yes is waited for, as a clause.
    pub fn why(self) -> &'static str {
        match self {
            YesTo::First => "it is the first plan of this pair",
            YesTo::Changed => {
                "the scope or mapping of the pair is another one than the last yes was for"
            }
            YesTo::Restored => "the state was restored from a backup",
        }
    }
}

/// Why a pair's plan was not carried out, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nobody has said yes to this yet.
    FirstContact(YesTo),
    /// A guard tripped.
    Guard,
    /// Nothing may be written at present.
    Switch(Switched),
    /// A known item could not be read, or the canary not claimed. Holds the sentence that says which.
    Canary(String),
    /// Another installation seems to work on the pair. Holds the sentence that says why.
    Taken(String),
    /// A write would have left the pair's own items and fields. Holds the sentence that says how.
    Firewall(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stopped::FirstContact(to) => return write!(f, "waits for a yes: {}", to.why()),
            Stopped::Guard => "stopped by a guard",
            Stopped::Switch(why) => return why.fmt(f),
            Stopped::Canary(why) | Stopped::Taken(why) | Stopped::Firewall(why) => why,
        })
    }
}
