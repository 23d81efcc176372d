//! Finds and reads the configuration file.

use super::check;
use super::diagnostic::{ConfigErrors, MaskedText, Problem, Problems};
use super::{Config, Env, SecretSource};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Most syntax errors that are shown. One slip can make a parser stumble over everything behind it, and a file that is
/// not TOML at all would be shown once for each of its characters.
const MOST_SYNTAX_ERRORS: usize = 20;

/// Returns the places where a configuration is looked for, best first. The system-wide place comes last.
pub fn search_paths(env: Env<'_>) -> Vec<PathBuf> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let mut paths = vec![PathBuf::from("config.toml")];
    if let Some(folder) = set("XDG_CONFIG_HOME") {
        paths.push(Path::new(&folder).join("boardsync/config.toml"));
    }
    if let Some(home) = set("HOME") {
        paths.push(Path::new(&home).join(".config/boardsync/config.toml"));
    }
    paths.push(PathBuf::from("/etc/boardsync/config.toml"));
    paths.dedup();
    paths
}

/// Reads and checks the given file, or the first that exists of [`search_paths`].
///
/// # Errors
/// [`ConfigErrors`]: no file, an unreadable one, or every problem inside it.
pub fn load(path: Option<&Path>, env: Env<'_>) -> Result<Config, ConfigErrors> {
    let path = match path {
        Some(path) => path.to_path_buf(),
        None => {
            let tried = search_paths(env);
            match tried.iter().find(|path| path.exists()) {
                Some(found) => found.clone(),
                None => return Err(ConfigErrors::NotFound(tried)),
            }
        }
    };
    let unreadable = |reason: String| ConfigErrors::Unreadable {
        path: path.clone(),
        reason,
    };
    let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unreadable(format!("byte {at} is not UTF-8 text"))
    })?;
    for source in sources(&text) {
        // What they hold must be known before anything of the file is shown. Whether they can be read is of interest
        // only where they are needed.
        let folder = path.parent().unwrap_or(Path::new(""));
        let _ = source.read(env, folder);
    }
    parse(&path, &text, env)
}

/// Returns where a file says that its secrets are. Looks at words, not at TOML: the file may be broken before the place.
/// Commands are left out: they may ask a person something, so they run only where the secret is needed.
fn sources(text: &str) -> Vec<SecretSource> {
    let mut found = vec![
        SecretSource::Env("ADO_PAT".to_owned()),
        SecretSource::Env("CLICKUP_API_TOKEN".to_owned()),
    ];
    for key in ["env", "file", "credential"] {
        for (at, _) in text.match_indices(key) {
            let (before, rest) = text.split_at(at);
            let value = rest
                .strip_prefix(key)
                .map(|rest| rest.trim_start_matches(['"', '\'', ' ', '\t']))
                .and_then(|rest| rest.strip_prefix('='))
                .map(str::trim_start);
            let quoted = value.and_then(|value| {
                let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                value.strip_prefix(quote)?.split(['\n', quote]).next()
            });
            let whole = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let Some(name) = quoted.filter(|name| whole && !name.is_empty()) else {
                continue;
            };
            found.push(match key {
                "env" => SecretSource::Env(name.to_owned()),
                "file" => SecretSource::File(name.into()),
                _ => SecretSource::Credential(name.to_owned()),
            });
        }
    }
    found
}

/// Checks a configuration's text. `path` is shown in messages, and its folder is where relative paths start.
///
/// # Errors
/// [`ConfigErrors::Invalid`] with every problem; syntax errors come alone, since they hide the rest.
pub fn parse(path: &Path, text: &str, env: Env<'_>) -> Result<Config, ConfigErrors> {
    let shown = path.display().to_string();
    let masked = MaskedText::new(text);
    let invalid = |problems| ConfigErrors::Invalid {
        path: shown.clone(),
        text: masked.clone(),
        problems,
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let problems = Problems::default();
    for error in errors.iter().take(MOST_SYNTAX_ERRORS) {
        problems.push(Problem::new(
            error.span().unwrap_or(0..0),
            error.message().to_owned(),
            syntax_help(error.message()),
        ));
    }
    if !errors.is_empty() {
        return Err(invalid(problems.take().0));
    }
    let config = check::check(path, &table, env, &problems);
    let (errors, warnings) = problems.take();
    match config {
        Some(mut config) if errors.is_empty() => {
            config.warnings = warnings
                .iter()
                .map(|warning| masked.one_line(&shown, warning))
                .collect();
            Ok(config)
        }
        _ => Err(invalid(errors)),
    }
}

/// What to do about a syntax error. An area path has a backslash, and nearly everybody writes it in double quotes at first.
fn syntax_help(message: &str) -> &'static str {
    match message.contains("escape") {
        true => {
            "within double quotes a backslash begins an escape sequence; use single quotes, as in ado.area = 'Fabrikam\\Web'"
        }
        false => "this is not valid TOML; see https://toml.io, or compare with config.toml.example",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_secrets_are_found_in_a_broken_file_too() {
        let text = "[ado\npat = { file = \"a b\" }\nstop_file = \"no\"\n'env'='NAME'\ncredential=\"c\nx\"\n file = 3";
        let found = sources(text);
        let (_, own) = found.split_at(2);
        assert_eq!(
            own,
            [
                SecretSource::Env("NAME".to_owned()),
                SecretSource::File("a b".into()),
                SecretSource::Credential("c".to_owned()),
            ]
        );
    }
}
