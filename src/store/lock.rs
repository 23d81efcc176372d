//! The lock that makes this process the only writer of a database.

use super::files;
use crate::model::Timestamp;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// Held for the life of a process that writes. The kernel frees it when the process ends, however it ends.
///
/// What only the one writer may do asks for it, so that nobody can forget to take it: see [`super::Store::start`].
#[derive(Debug)]
pub struct StateLock {
    file: File,
    path: PathBuf,
    database: PathBuf,
    /// The database that this process has opened; unset: none yet.
    opened: OnceLock<FileId>,
}

/// Tells a file from another one that later has its name: the device and the number of its inode (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns which file has this name; `None`: none has, or the system does not tell files apart like this.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<FileId> {
        FileId::from(&std::fs::metadata(path).ok()?)
    }

    /// As on other systems: files are not told apart.
    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Option<FileId> {
        None
    }

    #[cfg(unix)]
    fn from(found: &std::fs::Metadata) -> Option<FileId> {
        use std::os::unix::fs::MetadataExt;
        Some(FileId {
            device: found.dev(),
            inode: found.ino(),
        })
    }

    #[cfg(not(unix))]
    fn from(_: &std::fs::Metadata) -> Option<FileId> {
        None
    }

    fn parse(text: &str) -> Option<FileId> {
        let (device, inode) = text.split_once(' ')?;
        Some(FileId {
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
        })
    }
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
    /// The database that it has opened; `None`: none yet, or not known.
    pub database: Option<FileId>,
    /// Local time at which it last said that it is at work ([`StateLock::beat`]), or at which it started.
    pub beat: Option<Timestamp>,
}

impl Holder {
    /// Whether it runs cycles until it is stopped, as far as its command tells.
    pub fn is_daemon(&self) -> bool {
        let words = self.command.as_deref().unwrap_or_default();
        let mut words = words.split_whitespace();
        words.any(|word| word == "reconcile") && !words.any(|word| word == "--once")
    }

    /// Whether a signal stopped it in the middle of what it does, as far as this system tells.
    pub fn is_suspended(&self) -> bool {
        let stat = |pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        let Some(stat) = self.pid.and_then(stat) else {
            return false;
        };
        // proc_pid_stat(5): the name in brackets, which may hold any character, then the state.
        let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
        state.is_some_and(|rest| rest.starts_with(['T', 't']))
    }
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

/// The file in which a process that stays and only looks says that it is there. Nobody waits for it: it keeps nothing from anybody.
#[derive(Debug)]
pub struct Watching {
    /// Locked for as long as this lives.
    _file: File,
}

/// Returns the path of that file: the database's with `.look.lock` appended.
fn look_path(database: &Path) -> PathBuf {
    super::open::beside(database, ".look.lock")
}

impl Watching {
    /// Says that this process stays and only looks. `None`: it cannot be said (no such folder, no right to write in it), or
    /// another one has said it; that is only missing from what `status` says.
    pub fn begin(database: &Path) -> Option<Watching> {
        let path = look_path(database);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        files::private(&mut options);
        let mut file = options.open(path).ok()?;
        // Before the first byte: what lies there under a second name is not ours to cut.
        files::keep_owner(&file, database).ok()?;
        file.try_lock().ok()?;
        describe_self(&mut file).ok()?;
        Some(Watching { _file: file })
    }

    /// Returns who stays and only looks at a database now; `None`: nobody, as far as is known. Changes nothing.
    pub fn holder(database: &Path) -> Option<Holder> {
        holder_of(&look_path(database))
    }
}

/// Writes into a lock file who holds it. The content is for people only; the lock is the kernel's.
fn describe_self(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}\n{}", std::process::id(), command())?;
    // The file system's time of this very line: when the process started.
    let started = modified(file)?;
    writeln!(file, "{}", started.0)
}

/// Returns who holds the lock of a file; `None`: nobody.
fn holder_of(path: &Path) -> Option<Holder> {
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(describe(&mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

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
        describe_self(&mut file).map_err(|error| io(error.to_string()))?;
        Ok(StateLock {
            file,
            path,
            database: database.to_owned(),
            opened: OnceLock::new(),
        })
    }

    /// Notes which file the database is that was just opened, for [`StateLock::lost`] and for whoever reads the lock file.
    pub(super) fn opened(&self) {
        let Some(id) = FileId::of(&self.database) else {
            return;
        };
        if self.opened.set(id).is_ok() {
            // What cannot be noted is only missing from what `status` says.
            let _ = writeln!(&self.file, "{} {}", id.device, id.inode);
        }
    }

    /// Says that the holder is at work: the lock file gets the time of now. For a process that stays, at each of its cycles.
    /// `now`: local time.
    pub fn beat(&self, now: Timestamp) {
        let since = u64::try_from(now.0).map(Duration::from_millis);
        if let Some(at) = since
            .ok()
            .and_then(|ms| SystemTime::UNIX_EPOCH.checked_add(ms))
        {
            // Without it `status` calls the process late, which somebody then looks at.
            let _ = self.file.set_modified(at);
        }
    }

    /// Returns which of its files this process has lost, as a sentence: somebody put another file in the place of one, or took
    /// it away. What is written from then on goes into a file that nobody can open again, and another process could start
    /// beside this one. `None`: both are what they were.
    pub fn lost(&self) -> Option<String> {
        let own = self.file.metadata().ok().and_then(|own| FileId::from(&own));
        let files = [
            ("lock file", &self.path, own),
            ("database", &self.database, self.opened.get().copied()),
        ];
        let lost = files.into_iter().find_map(|(what, path, had)| {
            let now = FileId::of(path);
            (had.is_some() && now != had).then(|| {
                let how = match now {
                    Some(_) => "replaced by another file",
                    None => "moved or deleted",
                };
                format!("the {what} {} was {how}", path.display())
            })
        });
        lost.map(|what| format!("{what} while this process worked on it"))
    }

    /// Returns who holds the lock of a database now; `None`: nobody. Changes nothing.
    pub fn holder(database: &Path) -> Option<Holder> {
        holder_of(&lock_path(database))
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

/// Returns the time of a file, by the local clock.
fn modified(file: &File) -> std::io::Result<Timestamp> {
    let at = file.metadata()?.modified()?;
    Ok(Timestamp(DateTime::<Utc>::from(at).timestamp_millis()))
}

/// Says who holds the lock: the process id, the command, the start and the database are lines of the file, and the time of
/// the file is that of the last beat.
fn describe(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let mut lines = read.iter().flat_map(|_| text.lines());
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    let command = lines.next().filter(|line| !line.is_empty());
    let since = lines.next().and_then(|line| line.trim().parse().ok());
    let database = lines.next().and_then(FileId::parse);
    let beat = modified(file).ok();
    Holder {
        pid,
        command: command.map(str::to_owned),
        // An earlier version wrote no line of it, and the file only at its start.
        since: since.map(Timestamp).or(beat),
        database,
        beat,
    }
}
