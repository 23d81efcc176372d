//! `backup`: a verified copy of the state, with the key that signs markers.

use super::{Context, Failure, print, print_json, setup};
use crate::cli::{BackupArgs, ExitCode};
use crate::config::Config;
use crate::render;
use crate::store::{self, Store};
use serde_json::json;
use std::path::Path;

/// Copies the database as of now, also while a daemon writes it, and the key. A copy without the key would make every
/// marker a stranger's, so both go together.
pub fn backup(context: &Context, args: &BackupArgs) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let database = &config.state.path;
    if !database.exists() {
        return Err(Failure::new(
            ExitCode::Unexpected,
            format!(
                "there is no database {} to copy; the first run makes it",
                database.display()
            ),
        ));
    }
    let key_copy = store::key_path(&args.file);
    for path in [&args.file, &key_copy] {
        refuse(path, &config, args.force)?;
    }
    // As it is, and not as this program would make it: the one that goes on writing may be an older one.
    Store::copy_as_it_is(database, &args.file)?;
    let copied = Store::open_read_only(database)?;
    let key = store::copy_key(database, &args.file)?;
    let size = std::fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
    let mut links = 0;
    for pair in &config.pairs {
        links += copied.count_links(&pair.name)?;
    }
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "file": args.file, "bytes": size, "links": links,
            "key_file": key.then_some(&key_copy),
        }));
        return Ok(ExitCode::Done);
    }
    print(&format!(
        "copied {} to {} ({}, {size} bytes, checked)\n",
        database.display(),
        args.file.display(),
        render::plural(
            usize::try_from(links).unwrap_or(usize::MAX),
            "link",
            "links"
        )
    ));
    if key {
        print(&format!(
            "the key that signs markers is in {}; keep it secret and beside the copy\n",
            key_copy.display()
        ));
    } else {
        print("there is no key file yet, so there was none to copy\n");
    }
    print(&format!(
        "to restore: stop boardsync, move {} away together with its -wal and -shm files, where they are there, for they hold its \
         last changes; then put both files in place of it and {}\n",
        database.display(),
        store::key_path(database).display(),
    ));
    Ok(ExitCode::Done)
}

/// Refuses a target that would be overwritten, and always the state itself.
fn refuse(path: &Path, config: &Config, force: bool) -> Result<(), Failure> {
    let same = |other: &Path| match (std::fs::canonicalize(path), std::fs::canonicalize(other)) {
        (Ok(path), Ok(other)) => path == other,
        _ => path == other,
    };
    let database = &config.state.path;
    if same(database) || same(&store::key_path(database)) {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("{} is the state itself; name another file", path.display()),
        ));
    }
    if path.exists() && !force {
        return Err(Failure::new(
            ExitCode::Usage,
            format!(
                "{} is there already; name another file, or replace it with --force",
                path.display()
            ),
        ));
    }
    Ok(())
}
