//! TOML tables read key by key, each value with its place in the file.
//!
//! A reader never stops: a value of the wrong kind becomes a problem and counts as absent, so that
//! one run names everything there is to mend.

use super::diagnostic::{Problem, Problems, nearest};
use super::mask::is_token_like;
use super::secret::SecretSource;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys whose value is a secret, leads to one, or may hold one in an address.
const GUARDED: [&str; 10] = [
    "pat",
    "token",
    "bearer",
    "secret",
    "password",
    "key",
    "url",
    "env",
    "command",
    "credential",
];

/// Whether an unknown key is a slip of the finger for a key of this table whose value everybody may see (`typs` for `types`).
/// The value of any other one may be a token that was put in a wrong place, and is not shown.
fn is_slip(found: &str, known: &[&str]) -> bool {
    let meant = nearest(found, known.iter().copied());
    let guarded = nearest(found, GUARDED.into_iter()).is_some();
    !guarded && meant.is_some_and(|meant| !GUARDED.contains(&meant))
}

/// Every table with its keys. The one list from which unknown keys are told apart.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &["state", "schedule", "ado", "clickup", "guard", "pair"],
    ),
    ("state", &["path", "journal_days", "stop_file"]),
    ("schedule", &["poll", "cron", "sweep", "quiet_time"]),
    ("ado", &["url", "pat", "requests_per_second", "time_zone"]),
    (
        "clickup",
        &["url", "workspace", "token", "requests_per_minute"],
    ),
    (
        "guard",
        &[
            "max_creates",
            "max_updates",
            "max_clears",
            "max_deletes",
            "creates_percent",
            "updates_percent",
            "clears_percent",
            "deletes_percent",
            "noise_percent",
            "read_only",
        ],
    ),
    (
        "pair",
        &[
            "name",
            "ado",
            "clickup",
            "create",
            "on_delete",
            "conflict",
            "parents",
            "backlink",
            "types",
            "states",
            "people",
            "field",
        ],
    ),
    (
        "pair.ado",
        &["project", "area", "where", "assigned_to", "canary"],
    ),
    ("pair.clickup", &["list", "lists", "marker", "canary"]),
    (
        "pair.field",
        &[
            "ado",
            "clickup",
            "direction",
            "conflict",
            "values",
            "time",
            "scale",
        ],
    ),
    (SECRET, &["env", "file", "credential", "command"]),
];

/// The table name under which the keys of `pat` and `token` are listed.
const SECRET: &str = "secret source";

/// Returns every table known to the parser with its keys. The root table is `""`.
pub fn known_keys() -> &'static [(&'static str, &'static [&'static str])] {
    KEYS
}

fn keys_of(table: &str) -> &'static [&'static str] {
    KEYS.iter()
        .find(|(name, _)| *name == table)
        .map_or(&[], |(_, keys)| *keys)
}

/// One table of the file.
pub(super) struct Reader<'a> {
    table: Option<&'a DeTable<'a>>,
    name: &'static str,
    /// Where the table is named; problems about missing keys point here.
    pub(super) at: Range<usize>,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    /// Wraps the whole file and reports its unknown keys.
    pub(super) fn root(table: &'a Spanned<DeTable<'a>>, problems: &'a Problems) -> Reader<'a> {
        Reader::new(table.get_ref(), "", 0..0, problems)
    }

    fn new(
        table: &'a DeTable<'a>,
        name: &'static str,
        at: Range<usize>,
        problems: &'a Problems,
    ) -> Reader<'a> {
        let reader = Reader {
            table: Some(table),
            name,
            at,
            problems,
        };
        reader.refuse_unknown_keys(table);
        reader
    }

    fn refuse_unknown_keys(&self, table: &DeTable<'_>) {
        let known = keys_of(self.name);
        for key in table.keys() {
            let found: &str = key.get_ref();
            if known.contains(&found) {
                continue;
            }
            let place = match self.name {
                "" => "at the top of the file".to_owned(),
                SECRET => "in a secret source".to_owned(),
                "pair" | "pair.field" => format!("in [[{}]]", self.name),
                name => format!("in [{name}]"),
            };
            let help = match nearest(found, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => self.home_of(found).map_or_else(
                    || format!("known keys: {}", known.join(", ")),
                    |home| format!("`{found}` belongs in [{home}]"),
                ),
            };
            let problem = Problem::new(key.span(), format!("unknown key `{found}` {place}"), help);
            self.problems.push(match is_slip(found, known) {
                true => problem,
                false => problem.hiding_value(),
            });
        }
    }

    /// Returns the only other table that knows this key.
    fn home_of(&self, key: &str) -> Option<&'static str> {
        let mut homes = KEYS
            .iter()
            .filter(|(name, keys)| *name != SECRET && !name.is_empty() && keys.contains(&key))
            .map(|(name, _)| *name);
        let first = homes.next()?;
        homes.next().is_none().then_some(first)
    }

    fn entry(&self, key: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        debug_assert!(keys_of(self.name).contains(&key), "{key} is not listed");
        self.table?
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)
            .map(|(name, value)| (name.span(), value))
    }

    fn wrong_kind(&self, key: &str, wanted: &str, found: &Spanned<DeValue<'_>>) {
        let kind = found.get_ref().type_str();
        self.problems.push(Problem::new(
            found.span(),
            format!("`{key}` must be {wanted}, not {} {kind}", article(kind)),
            example_of(wanted).to_owned(),
        ));
    }

    /// Returns where the key is written, if it is.
    pub(super) fn place_of(&self, key: &str) -> Option<Range<usize>> {
        self.entry(key).map(|(at, _)| at)
    }

    /// Whether a key stands there with a slip of the finger, which is a problem of its own.
    fn is_misspelt(&self, key: &str) -> bool {
        let known = keys_of(self.name);
        let typed = self.table.into_iter().flat_map(|table| table.keys());
        typed.into_iter().any(|typed| {
            let found: &str = typed.get_ref();
            !known.contains(&found) && nearest(found, known.iter().copied()) == Some(key)
        })
    }

    /// Reports that a needed key is absent.
    pub(super) fn missing(&self, key: &str, help: &str) {
        if self.is_misspelt(key) {
            return;
        }
        let (key, table) = match self.name {
            "" => (key.to_owned(), "the file".to_owned()),
            "pair" | "pair.field" => (key.to_owned(), format!("this [[{}]]", self.name)),
            "pair.ado" => (format!("ado.{key}"), "this [[pair]]".to_owned()),
            "pair.clickup" => (format!("clickup.{key}"), "this [[pair]]".to_owned()),
            name => (key.to_owned(), format!("[{name}]")),
        };
        self.problems.push(Problem::new(
            self.at.clone(),
            format!("`{key}` is missing in {table}"),
            help.to_owned(),
        ));
    }

    /// Reads a non-blank string. Blank ones are a problem, not a default.
    pub(super) fn string(&self, key: &str) -> Option<Spanned<String>> {
        let (_, value) = self.entry(key)?;
        self.string_value(key, value)
    }

    fn string_value(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_kind(key, "a string", value);
            return None;
        };
        if text.trim().is_empty() {
            self.problems.push(Problem::new(
                value.span(),
                format!("`{key}` is empty"),
                "give it a value or remove it",
            ));
            return None;
        }
        if is_token_like(text) {
            self.problems.push(
                Problem::new(
                    value.span(),
                    format!("`{key}` holds what looks like a token"),
                    "tokens belong into a place that `pat` and `token` name, never into this file; if this is a real \
                     one, revoke it",
                )
                .hiding_line(),
            );
            return None;
        }
        // A condition may be laid out over several lines; everything else is one name or address.
        let laid_out = key == "where";
        let stray = |c: char| c.is_control() && !(laid_out && c.is_whitespace());
        if text.chars().any(stray) {
            let help = match (key, super::rules::as_typed(text)) {
                ("area", Some(meant)) => format!(
                    "within double quotes a backslash begins an escape sequence; use single quotes: ado.area = '{meant}'"
                ),
                _ => "remove line breaks, tabs and escape codes from it".to_owned(),
            };
            self.problems.push(Problem::new(
                value.span(),
                format!("`{key}` holds a control character"),
                help,
            ));
            return None;
        }
        let text = match laid_out {
            true => text.split_whitespace().collect::<Vec<_>>().join(" "),
            false => text.trim().to_owned(),
        };
        Some(Spanned::new(value.span(), text))
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(&self, key: &str, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let (_, value) = self.entry(key)?;
        let Some(digits) = value.get_ref().as_integer() else {
            self.wrong_kind(key, "a whole number", value);
            return None;
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix())
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| bounds.contains(number));
        if number.is_none() {
            self.problems.push(Problem::new(
                value.span(),
                format!(
                    "`{key}` must be between {} and {}",
                    bounds.start(),
                    bounds.end()
                ),
                match *bounds.start() {
                    0 => "0 is allowed here and stands for none",
                    _ => "choose a number in this range",
                },
            ));
        }
        number
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let (_, value) = self.entry(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_kind(key, "true or false", value);
        }
        flag
    }

    /// Reads a duration such as `"90s"` or `"1h 30m"`.
    pub(super) fn duration(&self, key: &str) -> Option<Spanned<Duration>> {
        let text = self.string(key)?;
        match humantime::parse_duration(text.get_ref()) {
            Ok(duration) => Some(Spanned::new(text.span(), duration)),
            Err(_) => {
                self.problems.push(Problem::new(
                    text.span(),
                    format!("`{}` is not a duration", text.get_ref()),
                    "write a number and a unit, for example \"60s\", \"5m\", \"6h\" or \"1h 30m\"",
                ));
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(key)?;
        let found = words.iter().find(|(word, _)| word == text.get_ref());
        if found.is_none() {
            let list: Vec<String> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let near = nearest(text.get_ref(), words.iter().map(|(word, _)| *word));
            let help = near.map_or_else(
                || format!("use one of {}", list.join(", ")),
                |near| format!("did you mean \"{near}\"? Known: {}", list.join(", ")),
            );
            self.problems.push(Problem::new(
                text.span(),
                format!("`{}` is not a value of `{key}`", text.get_ref()),
                help,
            ));
        }
        found.map(|(_, value)| *value)
    }

    /// Reads an array of strings; absent gives none.
    pub(super) fn strings(&self, key: &str) -> Vec<Spanned<String>> {
        let Some((_, value)) = self.entry(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_kind(key, "an array of strings", value);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.string_value(key, item))
            .collect()
    }

    /// Reads a table of two columns, `[["a", "b"], ...]`. Each row's place is the row's own.
    pub(super) fn rows(&self, key: &str) -> Vec<Spanned<(String, String)>> {
        let Some((_, value)) = self.entry(key) else {
            return Vec::new();
        };
        let Some(rows) = value.get_ref().as_array() else {
            self.wrong_kind(key, "an array of rows", value);
            return Vec::new();
        };
        let mut found = Vec::new();
        for row in rows.iter() {
            let columns = row.get_ref().as_array().map(|columns| columns.iter());
            let columns: Vec<_> = columns.into_iter().flatten().collect();
            let [left, right] = columns.as_slice() else {
                self.problems.push(Problem::new(
                    row.span(),
                    format!("a row of `{key}` needs exactly two names"),
                    "write the ADO name first, then the ClickUp name: [\"Active\", \"in progress\"]",
                ));
                continue;
            };
            let pair = (self.string_value(key, left), self.string_value(key, right));
            if let (Some(left), Some(right)) = pair {
                let names = (left.into_inner(), right.into_inner());
                found.push(Spanned::new(row.span(), names));
            }
        }
        found
    }

    /// Opens a table; an absent or misshapen one reads as empty.
    pub(super) fn table(&self, key: &str, name: &'static str) -> Reader<'a> {
        let empty = |at| Reader {
            table: None,
            name,
            at,
            problems: self.problems,
        };
        let Some((at, value)) = self.entry(key) else {
            return empty(self.at.clone());
        };
        match value.get_ref().as_table() {
            Some(table) => Reader::new(table, name, at, self.problems),
            None => {
                self.wrong_kind(key, "a table", value);
                empty(at)
            }
        }
    }

    /// Opens every table of an array of tables.
    pub(super) fn tables(&self, key: &str, name: &'static str) -> Vec<Reader<'a>> {
        let Some((at, value)) = self.entry(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.problems.push(Problem::new(
                at,
                format!("`{name}` must be an array of tables"),
                format!("write [[{name}]] with double brackets"),
            ));
            return Vec::new();
        };
        let mut readers = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => {
                    readers.push(Reader::new(table, name, item.span(), self.problems));
                }
                None => self.wrong_kind(key, "a table", item),
            }
        }
        readers
    }

    /// Reads where a secret comes from. A token written in the file is refused and never shown.
    pub(super) fn secret(&self, key: &str) -> Option<SecretSource> {
        let (at, value) = self.entry(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.problems.push(
                Problem::new(
                    at,
                    format!("`{key}` must name a source, never hold the secret itself"),
                    format!(
                        "write {key} = {{ env = \"NAME\" }}, {{ file = \"PATH\" }}, {{ credential = \"NAME\" }} or \
                         {{ command = [\"PROGRAM\", \"ARG\"] }}; if this was a real token, revoke it"
                    ),
                )
                .hiding_value(),
            );
            return None;
        };
        let source = Reader::new(table, SECRET, at.clone(), self.problems);
        let named: Vec<&str> = keys_of(SECRET)
            .iter()
            .copied()
            .filter(|key| source.place_of(key).is_some())
            .collect();
        let [kind] = named.as_slice() else {
            self.problems.push(
                Problem::new(
                    at,
                    format!("`{key}` needs exactly one source, found {}", named.len()),
                    "keep one of env, file, credential, command",
                )
                .hiding_value(),
            );
            return None;
        };
        if *kind == "command" {
            let arguments = source.strings(kind);
            if arguments.is_empty() && source.entry(kind)?.1.get_ref().is_array() {
                self.problems.push(
                    Problem::new(
                        at,
                        format!("the command of `{key}` is empty"),
                        "name a program and its arguments: command = [\"pass\", \"show\", \"ado\"]",
                    )
                    .hiding_value(),
                );
            }
            let arguments: Vec<String> = arguments.into_iter().map(Spanned::into_inner).collect();
            return (!arguments.is_empty()).then_some(SecretSource::Command(arguments));
        }
        let name = source.string(kind)?.into_inner();
        match *kind {
            "env"
                if name
                    .chars()
                    .any(|c| !(c.is_ascii_alphanumeric() || c == '_')) =>
            {
                self.bad_secret_name(at, key, "environment variable");
                None
            }
            "credential" if name.contains('/') || name.starts_with('.') => {
                self.bad_secret_name(at, key, "credential");
                None
            }
            "env" => Some(SecretSource::Env(name)),
            "credential" => Some(SecretSource::Credential(name)),
            _ => Some(SecretSource::File(name.into())),
        }
    }

    fn bad_secret_name(&self, at: Range<usize>, key: &str, kind: &str) {
        self.problems.push(
            Problem::new(
                at,
                format!("`{key}` does not hold the name of an {kind}").replace("an cred", "a cred"),
                "give the name of the place, not the secret; if this was a real token, revoke it",
            )
            .hiding_value(),
        );
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

fn example_of(wanted: &str) -> &'static str {
    match wanted {
        "a string" => "put it in quotes",
        "a whole number" => "write digits without quotes",
        "true or false" => "write true or false without quotes",
        "an array of strings" => "write [\"one\", \"two\"]",
        "an array of rows" => "write [[\"ADO name\", \"ClickUp name\"], ...]",
        _ => "see config.toml.example for its shape",
    }
}
