//! The secret that signs markers, kept in a file beside the database.

use super::error::StoreError;
use super::open::{beside, create_parent, private};
use crate::marker::MarkerKey;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Returns the path of the key file: the database's with `.key` appended.
pub fn key_path(database: &Path) -> PathBuf {
    beside(database, ".key")
}

impl MarkerKey {
    /// Reads the key of a database from `<database>.key` (64 hex digits), creating a random one (mode 0600) when the
    /// file is not there. A file with anything else in it is an error, never overwritten.
    pub fn load_or_create(database: &Path) -> Result<MarkerKey, StoreError> {
        let path = key_path(database);
        if let Some(key) = MarkerKey::load(database)? {
            return Ok(key);
        }
        let failed = |detail: String| StoreError::File {
            operation: "create the marker key",
            path: path.clone(),
            detail,
        };
        let mut bytes = [0_u8; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut bytes)
            .map_err(|_| failed("no random numbers from the system".to_owned()))?;
        create_parent(&path).map_err(|error| failed(error.to_string()))?;
        // By way of a second file: a half-written key would be refused for ever after.
        let temporary = beside(&path, ".tmp");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        private(&mut options);
        options
            .open(&temporary)
            .and_then(|mut file| {
                writeln!(file, "{}", hex::encode(bytes))?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(|error| failed(error.to_string()))?;
        Ok(MarkerKey::new(bytes))
    }

    /// Reads the key of a database; `None` when there is no key file. Creates nothing.
    pub fn load(database: &Path) -> Result<Option<MarkerKey>, StoreError> {
        let path = key_path(database);
        let failed = |detail: String| StoreError::File {
            operation: "read the marker key",
            path: path.clone(),
            detail,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let mut bytes = [0_u8; 32];
        // The decoder's own message would repeat a character of the secret.
        hex::decode_to_slice(text.trim(), &mut bytes)
            .map_err(|_| failed("it does not hold 64 hex digits".to_owned()))?;
        Ok(Some(MarkerKey::new(bytes)))
    }
}
