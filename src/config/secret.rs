//! Fetches the two tokens from where the configuration says they are.
//!
//! Secrets are read when they are needed and not kept in [`super::Config`], so that a rotated
//! token is picked up and nothing printable ever holds one.

use super::Env;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// How long a secret command may run.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at a running command.
const COMMAND_POLL: Duration = Duration::from_millis(20);
/// More than any token; stops a wrong path (a log, a device) from being read whole.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Where a secret comes from. Never holds the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of this name.
    Env(String),
    /// A file, relative to the configuration's folder; readable by its owner only.
    File(PathBuf),
    /// A systemd credential of this name, below `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// A program and its arguments, run without a shell; its trimmed output is the secret. Never empty.
    Command(Vec<String>),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({self})")
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Env(name) => write!(f, "environment variable {name}"),
            SecretSource::File(path) => write!(f, "file {}", path.display()),
            SecretSource::Credential(name) => write!(f, "systemd credential {name}"),
            // Arguments may hold what should not be shown.
            SecretSource::Command(argv) => write!(
                f,
                "command {}",
                argv.first().map_or("(none)", String::as_str)
            ),
        }
    }
}

/// Why a secret could not be fetched (exit code 77). Never holds any part of it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    /// The source does not exist.
    #[error("{from} is not there: {reason}")]
    Missing {
        /// The source, as shown.
        from: String,
        /// What was looked for.
        reason: String,
    },
    /// The file can be read by others.
    #[error("{path} can be read by other users (mode {mode:04o}); run `chmod 600 {path}`")]
    TooOpen {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The source gave nothing but blanks.
    #[error("{from} is empty")]
    Empty {
        /// The source, as shown.
        from: String,
    },
    /// The quotes are part of the value: no token begins with one.
    #[error(
        "{from} stands in quotes; take them out (`docker run --env-file` keeps them as part of the value)"
    )]
    Quoted {
        /// The source, as shown.
        from: String,
    },
    /// The secret cannot go into an HTTP header.
    #[error("{from} holds more than one line or characters that no token has")]
    Malformed {
        /// The source, as shown.
        from: String,
    },
    /// The command could not be run or reported failure.
    #[error("{from} failed: {reason}")]
    Command {
        /// The source, as shown.
        from: String,
        /// How it failed.
        reason: String,
    },
}

/// Environment variables that hold a secret: those that the configuration names, which is looked through before any
/// command runs, and those with a meaning of their own. A command that fetches one secret needs none of them, and one
/// service's token is nothing for a program that fetches the other's.
fn names() -> MutexGuard<'static, BTreeSet<String>> {
    static NAMES: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
        let own = ["ADO_PAT", "CLICKUP_API_TOKEN", "WEBHOOK_SECRET"];
        Mutex::new(own.map(str::to_owned).into())
    });
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SecretSource {
    /// Fetches the secret, trimmed. Relative files start at `base_dir`. Blocks, up to 30 s for a command;
    /// can be repeated at will.
    ///
    /// # Errors
    /// [`SecretError`] says which source failed and how to mend it.
    pub fn read(&self, env: Env<'_>, base_dir: &Path) -> Result<SecretString, SecretError> {
        let text = match self {
            SecretSource::Env(name) => {
                names().insert(name.clone());
                env(name)
                    .ok_or_else(|| self.missing(format!("it is not set; run: export {name}=...")))?
            }
            SecretSource::File(path) => self.read_file(&base_dir.join(path), true)?,
            SecretSource::Credential(name) => {
                let folder = env("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    self.missing("CREDENTIALS_DIRECTORY is not set, so this is not a systemd service with LoadCredential=")
                })?;
                // systemd owns the folder and its permissions (0400, or an ACL that shows as a group bit).
                self.read_file(&Path::new(&folder).join(name), false)?
            }
            SecretSource::Command(argv) => self.run(argv)?,
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty {
                from: self.to_string(),
            });
        }
        if text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']) {
            return Err(SecretError::Quoted {
                from: self.to_string(),
            });
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(SecretError::Malformed {
                from: self.to_string(),
            });
        }
        let secret = SecretString::from(text.to_owned());
        // From here on nothing that is logged, shown, stored or sent may hold it.
        crate::redact::remember(&secret);
        Ok(secret)
    }

    fn missing(&self, reason: impl fmt::Display) -> SecretError {
        SecretError::Missing {
            from: self.to_string(),
            reason: reason.to_string(),
        }
    }

    fn read_file(&self, path: &Path, private: bool) -> Result<String, SecretError> {
        let file = std::fs::File::open(path).map_err(|error| self.missing(error))?;
        // The open file is asked, not the path: nobody can swap it in between.
        let metadata = file.metadata().map_err(|error| self.missing(error))?;
        #[cfg(unix)]
        if private {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = metadata.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(SecretError::TooOpen {
                    path: path.display().to_string(),
                    mode,
                });
            }
        }
        #[cfg(not(unix))]
        let _ = private;
        if !metadata.is_file() {
            return Err(self.missing("it is not a regular file"));
        }
        let mut text = String::new();
        file.take(MAX_SECRET_BYTES)
            .read_to_string(&mut text)
            .map_err(|_| SecretError::Malformed {
                from: self.to_string(),
            })?;
        Ok(text)
    }

    fn run(&self, argv: &[String]) -> Result<String, SecretError> {
        let failed = |reason: String| SecretError::Command {
            from: self.to_string(),
            reason,
        };
        let (program, arguments) = argv
            .split_first()
            .ok_or_else(|| failed("it is empty".to_owned()))?;
        let mut command = Command::new(program);
        for name in names().iter() {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let Some(output) = child.stdout.take() else {
            return Err(failed("its output is not connected".to_owned()));
        };
        // A thread of its own: a silent program must not hold us beyond the timeout.
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = output.take(MAX_SECRET_BYTES).read_to_string(&mut text);
            let _ = sender.send(read.map(|_| text));
        });
        let mut waited = Duration::ZERO;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if waited >= COMMAND_TIMEOUT => {
                    stop(&mut child);
                    return Err(failed(format!(
                        "no end after {} s",
                        COMMAND_TIMEOUT.as_secs()
                    )));
                }
                Ok(None) => {
                    std::thread::sleep(COMMAND_POLL);
                    waited += COMMAND_POLL;
                }
                Err(error) => {
                    stop(&mut child);
                    return Err(failed(error.to_string()));
                }
            }
        };
        if !status.success() {
            return Err(failed(status.to_string()));
        }
        // A grandchild may keep the pipe open after the program has ended.
        receiver
            .recv_timeout(COMMAND_TIMEOUT.saturating_sub(waited).max(COMMAND_POLL))
            .map_err(|_| failed("its output stays open".to_owned()))?
            .map_err(|_| failed("its output is not text".to_owned()))
    }
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn read(source: &SecretSource, dir: &Path) -> Result<String, SecretError> {
        let env = |name: &str| match name {
            "TOKEN" => Some(" s3cret\n".to_owned()),
            "BLANK" => Some("  ".to_owned()),
            "QUOTED" => Some("\"s3cret\"".to_owned()),
            "LINES" => Some("a\nb".to_owned()),
            "CREDENTIALS_DIRECTORY" => Some(dir.display().to_string()),
            _ => None,
        };
        source
            .read(&env, dir)
            .map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn environment_value_is_trimmed_and_blank_or_absent_is_an_error() {
        let dir = Path::new("");
        let source = |name: &str| SecretSource::Env(name.to_owned());
        assert_eq!(read(&source("TOKEN"), dir).unwrap(), "s3cret");
        assert!(matches!(
            read(&source("BLANK"), dir),
            Err(SecretError::Empty { .. })
        ));
        assert!(matches!(
            read(&source("LINES"), dir),
            Err(SecretError::Malformed { .. })
        ));
        let none = read(&source("NONE"), dir).unwrap_err().to_string();
        assert!(none.contains("export NONE=..."), "{none}");
    }

    #[test]
    fn a_token_in_quotes_is_told_and_not_sent() {
        let quoted = read(&SecretSource::Env("QUOTED".to_owned()), Path::new(""));
        let said = quoted.unwrap_err().to_string();
        assert!(said.contains("stands in quotes"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn file_readable_by_others_is_refused_with_the_remedy() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pat");
        std::fs::write(&path, "s3cret\n").unwrap();
        let source = SecretSource::File("pat".into());
        for mode in [0o644, 0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&source, dir.path()).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&source, dir.path()).unwrap(), "s3cret");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let credential = SecretSource::Credential("pat".to_owned());
        assert_eq!(read(&credential, dir.path()).unwrap(), "s3cret");
    }

    #[cfg(unix)]
    #[test]
    fn command_runs_without_a_shell_and_failure_is_an_error() {
        let command = |argv: &[&str]| {
            SecretSource::Command(argv.iter().map(|part| (*part).to_owned()).collect())
        };
        let dir = Path::new("");
        assert_eq!(
            read(&command(&["echo", "$HOME;x"]), dir).unwrap(),
            "$HOME;x"
        );
        for argv in [&["false"][..], &["/nonexistent/program"]] {
            assert!(matches!(
                read(&command(argv), dir),
                Err(SecretError::Command { .. })
            ));
        }
    }

    #[test]
    fn debug_and_display_show_no_command_arguments() {
        let source = SecretSource::Command(vec!["pass".to_owned(), "canary".to_owned()]);
        assert!(!format!("{source:?} {source}").contains("canary"));
    }
}
