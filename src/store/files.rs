//! How the files of the state are made: never through a symbolic link, for their owner only, and so that a command
//! which root runs once does not lock the daemon out.
//!
//! Every file beside the database belongs to whom the database belongs, with the database's mode. Where that cannot be
//! had, nothing is written at all: a state that two users own by halves opens for neither.

use super::error::StoreError;
use super::lock::FileId;
use super::open::beside;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file beside a database may end in; what the automatic copies end in is told by [`is_state`].
const SUFFIXES: [&str; 11] = [
    "-wal",
    "-shm",
    "-journal",
    ".lock",
    ".look.lock",
    ".epoch",
    ".epoch.tmp",
    ".key",
    ".key.tmp",
    ".sends",
    ".stop",
];

/// Those of [`SUFFIXES`] that are written in place or renamed to. The key may be a link to where secrets are kept: it is
/// only read.
const WRITTEN: [&str; 9] = [
    "-wal",
    "-shm",
    "-journal",
    ".lock",
    ".look.lock",
    ".epoch",
    ".epoch.tmp",
    ".key.tmp",
    ".sends",
];

/// Returns whether a path is that of a database or of a file that boardsync keeps beside it, whether or not it is there.
/// For commands that are told a file to write to.
pub fn is_state(path: &Path, database: &Path) -> bool {
    let (path, database) = (whole(path), whole(database));
    let copies = [".backup-", ".before-schema-"];
    path == database
        || SUFFIXES
            .iter()
            .any(|suffix| path == beside(&database, suffix))
        || copies.iter().any(|start| {
            let start = beside(&database, start);
            path.as_os_str()
                .as_encoded_bytes()
                .starts_with(start.as_os_str().as_encoded_bytes())
        })
}

/// Tells whether a database was written since: which file it is, how long, and when it was changed last, and the same of the log
/// that SQLite keeps beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp([Option<(Option<FileId>, u64, SystemTime)>; 2]);

impl Stamp {
    /// How the files are now.
    pub fn of(database: &Path) -> Stamp {
        let stamp = |path: &Path| {
            let found = std::fs::metadata(path).ok()?;
            Some((FileId::of(path), found.len(), found.modified().ok()?))
        };
        Stamp([stamp(database), stamp(&beside(database, "-wal"))])
    }
}

/// Returns whether two paths name one file, which need not be there.
pub fn is_same(one: &Path, other: &Path) -> bool {
    whole(one) == whole(other)
}

/// The path with its folder spelt out; the last part stays as it is.
fn whole(path: &Path) -> PathBuf {
    let folder = std::fs::canonicalize(folder_of(path));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The folder of a file; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses a place for the state in which another user could exchange its files, or in which this process would leave
/// files that their owner cannot open. For a process that is going to write, before it touches anything.
///
/// # Errors
/// [`StoreError::Place`] says what is wrong and what to do.
pub fn examine(database: &Path) -> Result<(), StoreError> {
    for suffix in WRITTEN {
        let path = beside(database, suffix);
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return Err(refused(
                &path,
                "it is a symbolic link, and boardsync makes none here: somebody else put it there. Remove it",
            ));
        }
    }
    #[cfg(unix)]
    unix::examine(database)?;
    Ok(())
}

fn refused(path: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Place {
        path: path.to_owned(),
        detail: detail.into(),
    }
}

/// Has a file opened with these options created for its owner only, and never through a symbolic link.
pub(super) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(unix::NO_FOLLOW);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Gives an open file beside a database the owner and the mode of the database. Does nothing on other systems than Unix.
///
/// # Errors
/// When the file is another one's and cannot be given away, or is known under a second name as well.
pub(super) fn keep_owner(file: &File, database: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    return unix::keep_owner(file, database);
    #[cfg(not(unix))]
    {
        let _ = (file, database);
        Ok(())
    }
}

/// As [`write_private_by`], of bytes that are there already.
pub(super) fn write_private(
    path: &Path,
    bytes: &[u8],
    database: Option<&Path>,
) -> std::io::Result<()> {
    write_private_by(path, database, |file| file.write_all(bytes))
}

/// Writes a file (mode 0600) by way of a second one, `<path>.tmp`, with what `fill` writes piece by piece: it is there in
/// full or not at all, and a symbolic link of either name is not followed. With `database`, the file gets that one's owner
/// and mode.
///
/// # Errors
/// The system's, and what `fill` returns; then the second file is gone again.
pub fn write_private_by(
    path: &Path,
    database: Option<&Path>,
    fill: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let temporary = beside(path, ".tmp");
    // A left-over would keep its own mode.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let mut file = options.open(&temporary)?;
    let written = database
        .map_or(Ok(()), |database| keep_owner(&file, database))
        .and_then(|()| fill(&mut file))
        .and_then(|()| file.sync_data())
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Words for why a file of the state cannot be opened, with what helps where another user owns it or a link lies there.
pub(super) fn why(error: &std::io::Error, path: &Path) -> String {
    #[cfg(unix)]
    if let Some(more) = unix::why(error, path) {
        return format!("{error}; {more}");
    }
    let _ = path;
    error.to_string()
}

#[cfg(unix)]
mod unix {
    use super::{beside, folder_of, refused};
    use crate::store::error::StoreError;
    use std::fs::{File, Metadata, Permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    use std::path::{Path, PathBuf};

    /// What keeps an open from following a symbolic link.
    pub(super) const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// The database itself or, before there is one, the folder that it will be in.
    fn model(database: &Path) -> std::io::Result<Metadata> {
        match std::fs::metadata(database) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::metadata(folder_of(database))
            }
            found => found,
        }
    }

    pub(super) fn keep_owner(file: &File, database: &Path) -> std::io::Result<()> {
        let (own, model) = (file.metadata()?, model(database)?);
        // A second name may be anywhere: what is changed here would change there.
        if own.nlink() > 1 {
            return Err(std::io::Error::other(
                "it has a second name (a hard link); remove it, boardsync makes it anew",
            ));
        }
        // Only root can give a file away, and for anybody else the database is their own: see `examine`.
        if me() == 0 && (own.uid(), own.gid()) != (model.uid(), model.gid()) {
            fchown(file, Some(model.uid()), Some(model.gid()))?;
        }
        let mode = match model.is_file() {
            true => 0o600 | (model.mode() & 0o066),
            false => 0o600,
        };
        // Nearly always right already, and this is done before every request that writes.
        let differs = own.mode() & 0o777 != mode;
        if differs && (own.uid() == me() || me() == 0) {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    pub(super) fn examine(database: &Path) -> Result<(), StoreError> {
        let folder = folder_of(database);
        let found = match std::fs::metadata(folder) {
            Ok(found) => found,
            // It is made in a moment, for this user only.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(refused(folder, error.to_string())),
        };
        let sticky = found.mode() & 0o1000 != 0;
        let group = found.mode() & 0o020 != 0 && !own_group(&found);
        if !sticky && (found.mode() & 0o002 != 0 || group) {
            return Err(refused(
                folder,
                format!(
                    "other users may write to this folder (mode {:04o}), so they could exchange the state and its key. Run \
                     `chmod go-w {}`, or name another folder in [state] path",
                    found.mode() & 0o7777,
                    folder.display()
                ),
            ));
        }
        if me() == 0 {
            return Ok(());
        }
        if ![0, me()].contains(&found.uid()) {
            return Err(refused(folder, belongs(found.uid())));
        }
        match std::fs::metadata(database) {
            Ok(file) if file.uid() != me() => Err(refused(database, belongs(file.uid()))),
            Ok(_) | Err(_) => writable(database),
        }
    }

    /// Refuses a state that this process may not write. SQLite says no more than "readonly database", and the file that
    /// is in the way may be one that it made itself beside a database which was read-only then.
    fn writable(database: &Path) -> Result<(), StoreError> {
        let files = ["", "-wal", "-shm"].map(|suffix| beside(database, suffix));
        for path in files
            .iter()
            .map(PathBuf::as_path)
            .chain([folder_of(database)])
        {
            match rustix::fs::access(path, rustix::fs::Access::WRITE_OK) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => {
                    let detail = format!(
                        "{} may not write it ({error}). Run `chmod u+w {}`, or name another place in [state] path",
                        user(me()),
                        path.display()
                    );
                    return Err(refused(path, detail));
                }
            }
        }
        Ok(())
    }

    /// Systems that give each user a group of the same number make folders writable for that group; nobody else is in it.
    fn own_group(folder: &Metadata) -> bool {
        folder.uid() != 0 && folder.gid() == folder.uid()
    }

    fn belongs(uid: u32) -> String {
        format!(
            "it belongs to {}, and this process runs as {}. Run boardsync as its owner (sudo -u) or as root, or name \
             another place in [state] path",
            user(uid),
            user(me())
        )
    }

    fn user(uid: u32) -> String {
        // passwd(5): name:password:uid:...
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let mut lines = users.lines().map(|line| line.split(':'));
        let name = lines.find_map(|mut parts| {
            let name = parts.next()?;
            (parts.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
        });
        match name {
            Some(name) => format!("user {name}"),
            None => format!("user number {uid}"),
        }
    }

    pub(super) fn why(error: &std::io::Error, path: &Path) -> Option<String> {
        let found = std::fs::symlink_metadata(path).ok()?;
        if found.is_symlink() {
            return Some("it is a symbolic link; remove it, boardsync makes none here".to_owned());
        }
        (error.kind() == ErrorKind::PermissionDenied && found.uid() != me()).then(|| {
            format!(
                "it belongs to {}, and this process runs as {}; as root run `chown {} {}`",
                user(found.uid()),
                user(me()),
                me(),
                path.display()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_and_its_neighbours_are_known_by_name_before_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let database = at("b.db");
        for name in [
            "b.db",
            "b.db.key",
            "b.db-wal",
            "b.db.epoch.tmp",
            "b.db.stop",
            "b.db.backup-2026-01-01",
            "b.db.before-schema-4",
        ] {
            assert!(is_state(&at(name), &database), "{name}");
            assert!(
                is_state(&folder.path().join(".").join(name), &database),
                "{name}"
            );
        }
        for name in ["first.plan", "b.db.plan", "b.d", "backup-1"] {
            assert!(!is_state(&at(name), &database), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(write_private(&path, b"text", None).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
