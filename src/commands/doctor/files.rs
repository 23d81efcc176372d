//! The files: the database, its key, who may read them, and the room that is left.

use super::super::check::switched_off;
use super::super::when::{in_words, when};
use super::{Chart, Level};
use crate::config::Config;
use crate::store::{self, Health, StateLock};
use std::path::{Path, PathBuf};

/// Below this much free space a backup or the -wal file may not fit.
const LITTLE_ROOM: u64 = 100 << 20;
/// A journal of this many lines slows nothing down, but somebody should know.
const LONG_JOURNAL: u64 = 1_000_000;

/// Looks at the files.
pub(super) fn examine(config: &Config, chart: &mut Chart) {
    let database = &config.state.path;
    database_file(database, chart);
    key(database, chart);
    place(database, chart);
    modes(database, chart);
    room(database, chart);
    if let Some(why) = switched_off(config) {
        chart.add("switch", Level::Warn, why, "take it away to go on");
    }
    match StateLock::holder(database) {
        Some(holder) => chart.ok("lock", in_words(&format!("taken by {holder}"))),
        None => chart.ok("lock", "free"),
    }
}

fn database_file(database: &Path, chart: &mut Chart) {
    const CHECK: &str = "database";
    if !database.exists() {
        chart.add(
            CHECK,
            Level::Warn,
            format!("{} is not there", database.display()),
            "the first run makes it; if it was lost, restore a backup, or let it be rebuilt from the items (`boardsync doctor` tells what \
             would be, as long as the key file is there)",
        );
        return;
    }
    let health = match Health::of(database) {
        Ok(health) => health,
        Err(error) => {
            chart.add(CHECK, Level::Fail, error.to_string(), &restore(database));
            return;
        }
    };
    if health.findings.is_empty() {
        chart.ok(CHECK, format!("{} is sound", database.display()));
    } else {
        let found = format!("damaged: {}", health.findings.join("; "));
        chart.add(CHECK, Level::Fail, found, &restore(database));
    }
    let version = format!(
        "version {}, this program knows {}",
        health.version, health.newest
    );
    match health.version.cmp(&health.newest) {
        std::cmp::Ordering::Equal => chart.ok("schema", version),
        std::cmp::Ordering::Less => chart.add(
            "schema",
            Level::Warn,
            version,
            "the next run brings it up to date, after a backup of its own",
        ),
        std::cmp::Ordering::Greater => chart.add(
            "schema",
            Level::Fail,
            version,
            "use the newer program, or restore the backup made before the upgrade",
        ),
    }
    let bytes = std::fs::metadata(database).map_or(0, |metadata| metadata.len());
    let since = health
        .oldest
        .map_or_else(String::new, |at| format!(", the oldest of {}", when(at)));
    let size = format!("{} lines{since}; database {bytes} bytes", health.journal);
    if health.journal > LONG_JOURNAL {
        chart.add("journal", Level::Warn, size, "lower [state] journal_days");
    } else {
        chart.ok("journal", size);
    }
}

fn restore(database: &Path) -> String {
    let newest = store::backups(database).ok().and_then(|mut all| all.pop());
    let from = newest.map_or_else(
        || "a backup".to_owned(),
        |path| format!("a backup, the newest automatic one is {}", path.display()),
    );
    format!(
        "stop boardsync and restore {from}; without one, move the file away: markers relink the items"
    )
}

fn key(database: &Path, chart: &mut Chart) {
    const CHECK: &str = "key file";
    let path = store::key_path(database);
    match crate::store::load_key(database) {
        Ok(Some(_)) => chart.ok(CHECK, format!("{} is there", path.display())),
        Ok(None) if database.exists() => chart.add(
            CHECK,
            Level::Fail,
            format!("{} is not there", path.display()),
            "restore it from a backup (FILE.key) before the next run: a new key does not know the markers on the items",
        ),
        Ok(None) => chart.ok(CHECK, "none yet; the first run makes it"),
        Err(error) => chart.add(
            CHECK,
            Level::Fail,
            error.to_string(),
            "set its mode or owner right, or restore it from a backup (FILE.key)",
        ),
    }
}

/// Whether a run would refuse the place: see [`store::examine`].
fn place(database: &Path, chart: &mut Chart) {
    const CHECK: &str = "place";
    match store::examine(database) {
        Ok(()) => chart.ok(CHECK, "nobody else can exchange the files"),
        Err(error) => chart.add(
            CHECK,
            Level::Fail,
            error.to_string(),
            "nothing runs that could write before this is put right",
        ),
    }
}

/// Every file of the state that is there.
fn files(database: &Path) -> Vec<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut files = vec![database.to_owned()];
    files.extend([".key", ".lock", ".look.lock", ".sends", "-wal", "-shm"].map(beside));
    files.extend(store::backups(database).unwrap_or_default());
    files.retain(|path| path.exists());
    files
}

#[cfg(unix)]
fn modes(database: &Path, chart: &mut Chart) {
    use std::os::unix::fs::PermissionsExt;
    let files = files(database);
    let open: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
            (mode & 0o077 != 0).then(|| format!("{} is {mode:04o}", path.display()))
        })
        .collect();
    if open.is_empty() {
        chart.ok("file modes", format!("{} files, owner only", files.len()));
    } else {
        chart.add(
            "file modes",
            Level::Warn,
            open.join(", "),
            "chmod 600: they hold what people wrote, and the key",
        );
    }
}

#[cfg(not(unix))]
fn modes(database: &Path, chart: &mut Chart) {
    let files = files(database).len();
    chart.ok(
        "file modes",
        format!("{files} files; rights are not looked at on this system"),
    );
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

fn room(database: &Path, chart: &mut Chart) {
    let folder = match database.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let size = std::fs::metadata(database).map_or(0, |metadata| metadata.len());
    let Some(free) = free(folder) else {
        chart.ok("disk space", "not known on this system");
        return;
    };
    let found = format!("{} MiB free in {}", free >> 20, folder.display());
    if free < LITTLE_ROOM.max(size.saturating_mul(3)) {
        chart.add(
            "disk space",
            Level::Warn,
            found,
            "make room: a large plan is not carried out without a backup",
        );
    } else {
        chart.ok("disk space", found);
    }
}
