//! The secret that signs markers, kept in a file beside the database.

use super::error::StoreError;
use super::files::{why, write_private};
use super::open::{beside, create_parent};
use super::{NoteOp, StateLock, Store};
use crate::marker::{self, MarkerKey};
use crate::model::{ItemId, PairName, Side};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Returns the path of the key file: the database's with `.key` appended.
pub fn key_path(database: &Path) -> PathBuf {
    beside(database, ".key")
}

fn random(bytes: &mut [u8]) -> Result<(), String> {
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(bytes)
        .map_err(|_| "no random numbers from the system".to_owned())
}

/// Returns 16 random hex digits, for a claim. Fails when the system has no random numbers.
pub fn nonce() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 8];
    random(&mut bytes).map_err(|detail| StoreError::Sql {
        operation: "make a claim",
        detail,
    })?;
    Ok(hex::encode(bytes))
}

/// Copies the key of one database to where that of another belongs (mode 0600), replacing a file that is there.
/// Returns whether there was one.
pub fn copy_key(from: &Path, to: &Path) -> Result<bool, StoreError> {
    let source = key_path(from);
    let path = key_path(to);
    let failed = |error: std::io::Error| StoreError::File {
        operation: "copy the marker key to",
        path: path.clone(),
        detail: error.to_string(),
    };
    let text = match std::fs::read(&source) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let beside = (path.parent() == source.parent()).then_some(from);
    write_private(&path, &text, beside).map_err(failed)?;
    Ok(true)
}

impl Store {
    /// Returns whether `key` is the one that this database was first used with; `None`: it was used with none yet.
    pub fn knows_key(&self, key: &MarkerKey) -> Result<Option<bool>, StoreError> {
        let signed = self.key_check()?;
        Ok(signed.map(|text| marker::verify(key, &text).is_some()))
    }

    /// As [`Store::knows_key`], and remembers the key where there was none yet.
    pub fn remember_key(&mut self, key: &MarkerKey) -> Result<bool, StoreError> {
        if let Some(known) = self.knows_key(key)? {
            return Ok(known);
        }
        let signed = marker::marker(key, &PairName::from(""), Side::Ado, &ItemId::from("0"), 0);
        self.note(NoteOp::KeyCheck { signed })?;
        Ok(true)
    }
}

/// Refuses a key that other users can read: with it anybody could sign markers, and so have items taken for ours.
#[cfg(unix)]
fn refuse_open(file: &File, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file
        .metadata()
        .map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(StoreError::File {
        operation: "use the marker key",
        path: path.to_owned(),
        detail: format!(
            "other users can read it (mode {mode:04o}); run `chmod 600 {}`",
            path.display()
        ),
    })
}

#[cfg(not(unix))]
fn refuse_open(_file: &File, _path: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Reads the key of the locked database from `<database>.key` (64 hex digits), creating a random one (mode 0600) when the
/// file is not there. A file with anything else in it is an error, never overwritten.
pub fn load_or_create_key(lock: &StateLock) -> Result<MarkerKey, StoreError> {
    let database = lock.database();
    let path = key_path(database);
    if let Some(key) = load_key(database)? {
        return Ok(key);
    }
    let failed = |detail: String| StoreError::File {
        operation: "create the marker key",
        path: path.clone(),
        detail,
    };
    let mut bytes = [0_u8; 32];
    random(&mut bytes).map_err(failed)?;
    create_parent(&path).map_err(|error| failed(error.to_string()))?;
    // A half-written key would be refused for ever after.
    let text = format!("{}\n", hex::encode(bytes));
    write_private(&path, text.as_bytes(), Some(database))
        .map_err(|error| failed(error.to_string()))?;
    Ok(MarkerKey::new(bytes))
}

/// Reads the key of a database; `None` when there is no key file. Creates nothing.
pub fn load_key(database: &Path) -> Result<Option<MarkerKey>, StoreError> {
    let path = key_path(database);
    let failed = |detail: String| StoreError::File {
        operation: "read the marker key",
        path: path.clone(),
        detail,
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(why(&error, &path))),
    };
    // The open file is asked, not the path: nobody can swap it in between.
    refuse_open(&file, &path)?;
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|error| failed(error.to_string()))?;
    let mut bytes = [0_u8; 32];
    // The decoder's own message would repeat a character of the secret.
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| failed("it does not hold 64 hex digits".to_owned()))?;
    Ok(Some(MarkerKey::new(bytes)))
}
