//! What can go wrong with the database, without the SQL library's types.

use crate::model::PairName;
use crate::reason::Reason;
use std::path::PathBuf;

/// A failed use of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or created.
    #[error("cannot open the database {}: {detail}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// The cause, in words.
        detail: String,
    },
    /// The file was written by a newer version of this program. It was not touched.
    #[error(
        "the database {} has schema version {found}, this program knows up to {known}: use the newer program, or restore the backup made before the upgrade",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Schema version of the file.
        found: i64,
        /// Newest schema version known here.
        known: i64,
    },
    /// The schema of the file could not be brought to that of this program. All or nothing of it is changed, so it is as it
    /// was.
    #[error(
        "the database {} has schema version {found} and could not be brought to version {known}, which this program needs: {detail}. Nothing was changed{saved}; the program that was used before still works on it",
        path.display()
    )]
    Upgrade {
        /// The database file.
        path: PathBuf,
        /// Schema version of the file.
        found: i64,
        /// The version that was wanted.
        known: i64,
        /// The cause in one line, with what helps where that is known.
        detail: String,
        /// The copy that was made before.
        saved: Saved,
    },
    /// The file is not a sound database. It was not touched.
    #[error(
        "the database {} is damaged ({detail}): restore a backup, or move it away to start afresh",
        path.display()
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// First finding of the check.
        detail: String,
    },
    /// Another user could exchange the files of the state, or could not open what this process leaves there. Nothing was
    /// touched.
    #[error("the state cannot be used in {}: {detail}", path.display())]
    Place {
        /// The folder or the file.
        path: PathBuf,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// Another process holds the database for longer than the busy timeout.
    #[error("the database is in use by another process")]
    Busy,
    /// The linked SQLite is too old to be safe.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// The version found.
        found: String,
    },
    /// The commit hook asked to stop there; see [`super::Store::on_commit`].
    #[error("interrupted at a commit")]
    Interrupted,
    /// No room left for the database.
    #[error("the disk with the database is full")]
    DiskFull,
    /// A stored rule was broken: a unique key, a reference, an allowed value. A programming error.
    #[error("cannot {operation}: {detail}")]
    Rule {
        /// What was being done.
        operation: &'static str,
        /// The rule.
        detail: String,
    },
    /// Something that had to be there is not.
    #[error("there is no {what} {id}")]
    Missing {
        /// Kind of record.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Any other failure of a statement.
    #[error("cannot {operation}: {detail}")]
    Sql {
        /// What was being done.
        operation: &'static str,
        /// The cause, in words.
        detail: String,
    },
    /// A stored value could not be read, or a value could not be stored, as JSON or as one of a list of words.
    #[error("cannot understand the stored {what}: {detail}")]
    Json {
        /// Which value.
        what: &'static str,
        /// The cause, in words.
        detail: String,
    },
    /// What is remembered of the claim on a pair cannot be read. Whether the claim on the canary is this installation's, only
    /// a person can say then.
    #[error(
        "what is remembered of the claim on the pair {pair} is damaged, so nobody can tell whether the pair is still this \
         installation's: make sure that no other boardsync works on it, then run `boardsync links takeover {pair}`"
    )]
    Claim {
        /// The pair.
        pair: PairName,
    },
    /// What a person chose in a conflict cannot be read. It is not left out in silence.
    #[error(
        "the choice made in conflict {conflict} is damaged ({detail}): make it again with `boardsync conflicts resolve {conflict}`"
    )]
    Choice {
        /// The conflict.
        conflict: i64,
        /// The cause, in words.
        detail: String,
    },
    /// A file beside the database (key, backup) could not be read or written.
    #[error("cannot {operation} {}: {detail}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause, in words.
        detail: String,
    },
}

/// A copy that was made before a change, if one was; as the end of a clause.
#[derive(Debug)]
pub struct Saved(pub(super) Option<PathBuf>);

impl std::fmt::Display for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(copy) => write!(f, ", and a copy of it is {}", copy.display()),
            None => Ok(()),
        }
    }
}

impl StoreError {
    /// Builds [`StoreError::Missing`].
    pub(super) fn missing(what: &'static str, id: impl ToString) -> StoreError {
        StoreError::Missing {
            what,
            id: id.to_string(),
        }
    }
}

/// Returns a converter of the SQL library's errors for `map_err`.
pub(super) fn sql(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StoreError::Busy
        }
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::DiskFull,
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Rule {
            operation,
            detail: error.to_string(),
        },
        _ => StoreError::Sql {
            operation,
            detail: error.to_string(),
        },
    }
}

/// Serialises a value for a JSON column.
pub(super) fn to_json<T: serde::Serialize>(
    what: &'static str,
    value: &T,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Json {
        what,
        detail: error.to_string(),
    })
}

/// Reads the value of a JSON column. The text itself is not repeated in the error: it may be private.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Json {
        what,
        detail: error.to_string(),
    })
}

/// Reads a reason from its code and its sentence. A code that only a later version of this program knows is shown by its
/// sentence, like a reason from before there were codes.
pub(super) fn reason<W: Reason>(
    what: &'static str,
    code: &str,
    sentence: String,
) -> Result<W, StoreError> {
    match serde_json::from_str::<W>(code) {
        Ok(mut why) => {
            why.tell(sentence);
            Ok(why)
        }
        Err(error) if error.is_data() => Ok(W::told_before(sentence)),
        Err(error) => Err(StoreError::Json {
            what,
            detail: error.to_string(),
        }),
    }
}

/// Reads a word out of a closed list.
pub(super) fn word<T>(what: &'static str, text: &str, found: Option<T>) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Json {
        what,
        detail: format!("unknown word {text:?}"),
    })
}
