//! Saving a plan: for its owner only, whole or not at all, and never over anything else.

use super::Failure;
use crate::cli::ExitCode;
use crate::config::{Config, SecretSource};
use crate::reconcile::plan::Plan;
use crate::render;
use crate::store;
use std::io::ErrorKind;
use std::path::Path;

/// Refuses a file that a plan must not replace: part of the state, the configuration, a token, or anything that is no
/// saved plan. Ask before the plan is made too: a long look for nothing helps nobody.
///
/// # Errors
/// Wrong usage, with the reason.
pub(super) fn refuse(path: &Path, config: &Config) -> Result<(), Failure> {
    let refused = |what: &str| {
        let message = format!("{} {what}; name another file for the plan", path.display());
        Err(Failure::new(ExitCode::Usage, message))
    };
    if store::is_state(path, &config.state.path) || store::is_same(path, &config.state.stop_file) {
        return refused("is a file of the state");
    }
    if store::is_same(path, &config.path) {
        return refused("is the configuration");
    }
    for source in [&config.ado.pat, &config.clickup.token] {
        if let SecretSource::File(file) = source
            && store::is_same(path, &config.base_dir().join(file))
        {
            return refused("holds a token");
        }
    }
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(&format!("cannot be looked at ({error})")),
        Ok(found) => found,
    };
    if found.is_symlink() {
        return refused("is a symbolic link, which is not followed");
    }
    if !found.is_file() {
        return refused("is no regular file");
    }
    // An empty one was made to be filled (mktemp).
    if found.len() > 0 && !std::fs::read(path).is_ok_and(|bytes| is_plan(&bytes)) {
        return refused("is there and is no saved plan");
    }
    Ok(())
}

/// Whether a file is a plan of ours, of any format.
fn is_plan(bytes: &[u8]) -> bool {
    let value: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
    value.is_ok_and(|value| {
        value
            .get("format_version")
            .is_some_and(serde_json::Value::is_u64)
            && value.get("planned_at").is_some()
            && value.get("pairs").is_some_and(serde_json::Value::is_array)
    })
}

/// Saves a plan (mode 0600).
///
/// # Errors
/// As [`refuse`], and when the file cannot be written; then nothing of it is left.
pub(super) fn save(path: &Path, plan: &Plan, config: &Config) -> Result<(), Failure> {
    refuse(path, config)?;
    let text = serde_json::to_string_pretty(plan).unwrap_or_default();
    let text = render::escape_json(&text) + "\n";
    store::write_private(path, text.as_bytes(), None).map_err(|error| {
        Failure::new(
            ExitCode::Unexpected,
            format!("cannot write {}: {error}", path.display()),
        )
    })
}
