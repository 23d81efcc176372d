//! Words of the journal.

use crate::model::Side;

/// What became of a request, by its line in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It is about to be sent. A line of another outcome follows, unless the program is killed.
    Sent,
    /// It was carried out.
    Done,
    /// It was refused, or had no usable answer.
    Failed,
    /// Of a create without an answer: it never showed.
    Lost,
    /// Of a create: something on the way answered, and not the service itself.
    InDoubt,
    /// Of a person's choice: it was not carried out.
    Dropped,
}

impl Outcome {
    pub(super) const ALL: [Outcome; 6] = [
        Outcome::Sent,
        Outcome::Done,
        Outcome::Failed,
        Outcome::Lost,
        Outcome::InDoubt,
        Outcome::Dropped,
    ];

    /// Returns the stable word used in the database.
    pub fn key(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Lost => "lost",
            Outcome::InDoubt => "answered in doubt",
            Outcome::Dropped => "dropped",
        }
    }

    /// Parses [`Outcome::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|word| word.key() == key)
    }
}

/// What a line of the journal is about: an action of a plan, or something beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JournalKind {
    /// A counterpart was created.
    Create,
    /// Fields were changed.
    Update,
    /// An item was moved to the bin.
    Delete,
    /// An item was closed.
    Close,
    /// Two items were linked.
    Link,
    /// A link was dissolved.
    Unlink,
    /// An item was taken out of the bin.
    Restore,
    /// A person's choice was not carried out.
    Choice,
    /// A pair was claimed for this installation.
    Claim,
}

impl JournalKind {
    pub(super) const ALL: [JournalKind; 9] = [
        JournalKind::Create,
        JournalKind::Update,
        JournalKind::Delete,
        JournalKind::Close,
        JournalKind::Link,
        JournalKind::Unlink,
        JournalKind::Restore,
        JournalKind::Choice,
        JournalKind::Claim,
    ];

    /// Returns the stable word used in the database.
    pub fn key(self) -> &'static str {
        match self {
            JournalKind::Create => "create",
            JournalKind::Update => "update",
            JournalKind::Delete => "delete",
            JournalKind::Close => "close",
            JournalKind::Link => "link",
            JournalKind::Unlink => "unlink",
            JournalKind::Restore => "restore",
            JournalKind::Choice => "choice",
            JournalKind::Claim => "claim",
        }
    }

    /// Parses [`JournalKind::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<JournalKind> {
        JournalKind::ALL.into_iter().find(|word| word.key() == key)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every pair was dealt with.
    Done,
    /// At least one pair stood still.
    Stopped,
    /// An error ended it before every pair was dealt with.
    Failed,
}

impl RunEnd {
    /// Returns the stable word used in the database.
    pub fn key(self) -> &'static str {
        match self {
            RunEnd::Done => "done",
            RunEnd::Stopped => "stopped",
            RunEnd::Failed => "failed",
        }
    }

    /// Parses [`RunEnd::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<RunEnd> {
        [RunEnd::Done, RunEnd::Stopped, RunEnd::Failed]
            .into_iter()
            .find(|word| word.key() == key)
    }
}

/// What ended a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettledBy {
    /// The configuration's `conflict = "ado"` or `"clickup"`.
    Rule,
    /// Somebody chose.
    Person,
    /// Nobody: both sides came to agree.
    Agreed,
    /// A newer conflict of the same field took its place.
    Replaced,
    /// The link of the two items ended.
    Unlinked,
    /// Its field is no longer synced, or its entry stands for other fields.
    Unsynced,
}

impl SettledBy {
    const ALL: [SettledBy; 6] = [
        SettledBy::Rule,
        SettledBy::Person,
        SettledBy::Agreed,
        SettledBy::Replaced,
        SettledBy::Unlinked,
        SettledBy::Unsynced,
    ];

    /// Returns the stable word used in the database and in JSON.
    pub fn key(self) -> &'static str {
        match self {
            SettledBy::Rule => "rule",
            SettledBy::Person => "person",
            SettledBy::Agreed => "agreed",
            SettledBy::Replaced => "replaced",
            SettledBy::Unlinked => "unlinked",
            SettledBy::Unsynced => "unsynced",
        }
    }

    /// Parses [`SettledBy::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<SettledBy> {
        SettledBy::ALL.into_iter().find(|word| word.key() == key)
    }
}

/// Which value settles a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// That of one side.
    Of(Side),
    /// A text of a person's own, made of both.
    Merged,
}

impl Took {
    /// Returns the stable word used in JSON, and on the command line after `--take`.
    pub fn key(self) -> &'static str {
        match self {
            Took::Of(side) => side.key(),
            Took::Merged => "merged",
        }
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Took::Of(side) => write!(f, "{side}'s"),
            Took::Merged => f.write_str("both merged"),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key())
    }
}

impl std::fmt::Display for JournalKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key())
    }
}

impl std::fmt::Display for RunEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key())
    }
}

/// Returns a number with thousands separators: `1,000`.
pub fn amount(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
