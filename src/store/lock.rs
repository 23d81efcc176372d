//! The lock that makes this process the only writer of a database.

use super::files;
use crate::model::Timestamp;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held for the life of a process that writes. The kernel frees it when the process ends, however it ends.
///
/// What only the one writer may do asks for it, so that nobody can forget to take it: see [`super::Store::start`].
#[derive(Debug)]
pub struct StateLock {
    _file: File,
    path: PathBuf,
    database: PathBuf,
}

/// Who holds a lock, as far as the lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub pid: Option<u32>,
    /// What was typed, without the name of the program; `None`: not known.
    pub command: Option<String>,
    /// Local time since when.
    pub since: Option<Timestamp>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pid {
            Some(id) => write!(f, "process {id}")?,
            None => f.write_str("process unknown")?,
        }
        if let Some(command) = &self.command {
            write!(f, ", boardsync {command}")?;
        }
        match self
            .since
            .and_then(|at| DateTime::from_timestamp_millis(at.0))
        {
            Some(at) => write!(
                f,
                ", since {}",
                at.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
            None => Ok(()),
        }
    }
}

/// Why the lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process is using this state ({}, {holder})", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as the lock file says.
        holder: Holder,
    },
    /// The lock file could not be used.
    #[error("cannot lock {}: {detail}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The cause, in words.
        detail: String,
    },
}

/// Returns the path of the lock file: the database's with `.lock` appended.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    super::open::beside(database, ".lock")
}

/// A reader holds the lock for a moment while it copies the database, so a writer tries this often before it gives up.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

impl StateLock {
    /// Takes the lock of a database, creating the lock file and its directory if needed. Waits for half a second at most.
    pub fn acquire(database: &Path) -> Result<StateLock, LockError> {
        let path = lock_path(database);
        let io = |detail: String| LockError::Io {
            path: path.clone(),
            detail,
        };
        super::open::create_parent(&path).map_err(|error| io(error.to_string()))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        files::private(&mut options);
        let mut file = options
            .open(&path)
            .map_err(|error| io(files::why(&error, &path)))?;
        // Before the first byte: what lies there under a second name is not ours to cut.
        files::keep_owner(&file, database).map_err(|error| io(error.to_string()))?;
        for attempt in 1..=ATTEMPTS {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let holder = describe(&mut file);
                    return Err(LockError::Held { path, holder });
                }
                Err(TryLockError::Error(error)) => return Err(io(error.to_string())),
            }
        }
        // The content is for the message above only; the lock is the kernel's.
        let note = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}\n{}", std::process::id(), command()));
        note.map_err(|error| io(error.to_string()))?;
        Ok(StateLock {
            _file: file,
            path,
            database: database.to_owned(),
        })
    }

    /// Returns who holds the lock of a database now; `None`: nobody. Changes nothing.
    pub fn holder(database: &Path) -> Option<Holder> {
        let mut file = File::open(lock_path(database)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(describe(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Returns the path of the database that is locked.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// Returns the path of the lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The longest command that the lock file keeps, in characters.
const MAX_COMMAND: usize = 300;

/// What was typed, on one line and without credentials.
fn command() -> String {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let line = crate::redact::mask(&arguments.join(" ")).into_owned();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_COMMAND).collect()
}

/// Says who holds the lock: the process id and the command in the file, and when they were written, which is when the
/// process started.
fn describe(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let mut lines = read.iter().flat_map(|_| text.lines());
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    let command = lines.next().filter(|line| !line.is_empty());
    let since = file.metadata().and_then(|metadata| metadata.modified());
    Holder {
        pid,
        command: command.map(str::to_owned),
        since: since
            .ok()
            .map(|at| Timestamp(DateTime::<Utc>::from(at).timestamp_millis())),
    }
}
