//! The file's tables turned into a [`Config`], with the environment filling what is absent.

use super::diagnostic::{Problem, Problems};
use super::mask::is_token_like;
use super::raw::Reader;
use super::rules;
use super::secret::SecretSource;
use super::{Ado, ClickUp, Config, Env, Guard, Pair, Poll, Schedule, State, pairs};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::DeTable;

const DEFAULT_JOURNAL_DAYS: u32 = 90;
const DEFAULT_POLL: Duration = Duration::from_secs(60);
const DEFAULT_SWEEP: Duration = Duration::from_secs(6 * 3600);
const DEFAULT_QUIET_TIME: Duration = Duration::from_secs(300);
/// Faster polling only burns the request budget.
const MIN_POLL: Duration = Duration::from_secs(5);
const MIN_SWEEP: Duration = Duration::from_secs(60);
const DEFAULT_ADO_REQUESTS_PER_SECOND: u32 = 10;
/// ClickUp's lowest plan allows 100 requests a minute and token (ClickUp developer docs, rate limits).
const DEFAULT_CLICKUP_REQUESTS_PER_MINUTE: u32 = 100;

/// Checks the whole file. `None` or a value: either way, problems decide whether it may be used.
pub(super) fn check(
    path: &Path,
    table: &Spanned<DeTable<'_>>,
    env: Env<'_>,
    problems: &Problems,
) -> Option<Config> {
    let set = |name: &str| {
        env(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .filter(|value| {
                let token = is_token_like(value);
                if token {
                    let help = "tokens belong into ADO_PAT and CLICKUP_API_TOKEN; if this is a real one, revoke it";
                    let what = format!("{name} holds what looks like a token");
                    problems.push(Problem::new(0..0, what, help).hiding_line());
                }
                !token
            })
    };
    let root = Reader::root(table, problems);
    let state = state(&root, path, &set, problems);
    let schedule = schedule(&root, problems);
    let guard = guard(&root);
    let ado = ado(&root, &set, problems);
    let clickup = clickup(&root, &set, problems);
    let mut pairs = pairs::pairs(&root, &set, problems);
    let (ado, clickup) = (ado?, clickup?);
    project_in_url(&root, &ado, &pairs, problems);
    let mut whole = Sha256::new();
    for pair in &mut pairs {
        let normal = serde_json::to_string(&(
            "boardsync pair 1",
            &ado.url,
            ado.time_zone.map(|zone| zone.name()),
            &clickup.url,
            &clickup.workspace,
            &*pair,
        ))
        .ok()?;
        pair.fingerprint = hex::encode(Sha256::digest(normal.as_bytes()));
    }
    let mut prints: Vec<&str> = pairs.iter().map(|pair| pair.fingerprint.as_str()).collect();
    prints.sort_unstable();
    for print in prints {
        whole.update(print);
    }
    Some(Config {
        path: path.to_path_buf(),
        fingerprint: hex::encode(whole.finalize()),
        state,
        schedule,
        ado,
        clickup,
        guard,
        pairs,
        warnings: Vec::new(),
    })
}

/// Warns of an address that was copied out of a browser together with a project. It is no error, because a collection of a
/// server may have the name of a project in it.
fn project_in_url(root: &Reader<'_>, ado: &Ado, pairs: &[Pair], problems: &Problems) {
    let Ok(url) = url::Url::parse(&ado.url) else {
        return;
    };
    let named = url.path_segments().into_iter().flatten();
    let named: Vec<String> = named.map(decoded).collect();
    let Some((last, [_, ..])) = named.split_last() else {
        return;
    };
    let is_last = |pair: &&Pair| pair.ado.project.eq_ignore_ascii_case(last);
    let Some(pair) = pairs.iter().find(is_last) else {
        return;
    };
    let table = root.table("ado", "ado");
    let at = table.string("url").map_or(table.at, |url| url.span());
    problems.push(
        Problem::new(
            at,
            format!("`url` ends with `{last}`, which is the project of pair `{}`", pair.name),
            "end it behind the organisation or collection, unless that has the same name; projects are named per pair",
        )
        .into_warning(),
    );
}

/// A part of an address as people write it.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .into_owned()
}

fn state(
    root: &Reader<'_>,
    file: &Path,
    set: &dyn Fn(&str) -> Option<String>,
    problems: &Problems,
) -> State {
    let state = root.table("state", "state");
    let folder = file.parent().unwrap_or(Path::new(""));
    let path = match state.string("path") {
        Some(path) => folder.join(path.get_ref()),
        None => match set("DATABASE_URL").map(|url| rules::database_path(&url)) {
            Some(Ok(path)) => path,
            Some(Err((what, help))) => {
                let what = format!("in DATABASE_URL: {what}");
                problems.push(Problem::new(state.at.clone(), what, help).hiding_line());
                folder.join("boardsync.db")
            }
            None => folder.join("boardsync.db"),
        },
    };
    let stop_file = match state.string("stop_file") {
        Some(path) => folder.join(path.get_ref()),
        None => {
            let mut name = path.clone().into_os_string();
            name.push(".stop");
            PathBuf::from(name)
        }
    };
    State {
        path,
        stop_file,
        journal_days: state
            .number("journal_days", 1..=3650)
            .unwrap_or(DEFAULT_JOURNAL_DAYS),
    }
}

fn schedule(root: &Reader<'_>, problems: &Problems) -> Schedule {
    let schedule = root.table("schedule", "schedule");
    let at_least = |key: &str, least: Duration, default: Duration| {
        let Some(found) = schedule.duration(key) else {
            return default;
        };
        if *found.get_ref() < least {
            problems.push(Problem::new(
                found.span(),
                format!(
                    "`{key}` is shorter than {}",
                    humantime::format_duration(least)
                ),
                format!("use \"{}\" or more", humantime::format_duration(least)),
            ));
        }
        found.into_inner()
    };
    let every = at_least("poll", MIN_POLL, DEFAULT_POLL);
    let sweep = at_least("sweep", MIN_SWEEP, DEFAULT_SWEEP);
    let quiet = schedule.duration("quiet_time");
    if let Some(quiet) = quiet.as_ref().filter(|q| *q.get_ref() < DEFAULT_QUIET_TIME) {
        problems.push(
            Problem::new(
                quiet.span(),
                "`quiet_time` below 5m can make twins",
                "a service may list a created item only minutes later; a create sent again before that makes a second one",
            )
            .into_warning(),
        );
    }
    let mut poll = Poll::Every(every);
    if let Some(cron) = schedule.string("cron") {
        if schedule.place_of("poll").is_some() {
            problems.push(Problem::new(
                schedule.place_of("cron").unwrap_or_default(),
                "`poll` and `cron` exclude each other",
                "keep one of them",
            ));
        }
        match rules::cron(cron.get_ref()) {
            Ok(expression) => poll = Poll::Cron(expression),
            Err(reason) => problems.push(Problem::new(
                cron.span(),
                format!("not a cron expression: {reason}"),
                "six fields: second minute hour day month weekday, for example \"0 */5 * * * *\" (five fields start at second 0)",
            )),
        }
    }
    Schedule {
        poll,
        sweep,
        quiet_time: quiet.map_or(DEFAULT_QUIET_TIME, Spanned::into_inner),
    }
}

fn guard(root: &Reader<'_>) -> Guard {
    let guard = root.table("guard", "guard");
    let usual = Guard::default();
    let count = |key, default| guard.number(key, 0..=1_000_000).unwrap_or(default);
    let percent = |key, default| guard.number(key, 0..=100).unwrap_or(default);
    Guard {
        max_creates: count("max_creates", usual.max_creates),
        max_updates: count("max_updates", usual.max_updates),
        max_clears: count("max_clears", usual.max_clears),
        max_deletes: count("max_deletes", usual.max_deletes),
        creates_percent: percent("creates_percent", usual.creates_percent),
        updates_percent: percent("updates_percent", usual.updates_percent),
        clears_percent: percent("clears_percent", usual.clears_percent),
        deletes_percent: percent("deletes_percent", usual.deletes_percent),
        noise_percent: percent("noise_percent", usual.noise_percent),
        read_only: guard.flag("read_only").unwrap_or(usual.read_only),
    }
}

fn ado(
    root: &Reader<'_>,
    set: &dyn Fn(&str) -> Option<String>,
    problems: &Problems,
) -> Option<Ado> {
    let ado = root.table("ado", "ado");
    let url = match ado.place_of("url") {
        Some(_) => checked_url(&ado, problems),
        None => set("ADO_ORGANIZATION").map_or_else(
            || {
                ado.missing(
                    "url",
                    "add [ado] url = \"https://dev.azure.com/ORGANISATION\" or set ADO_ORGANIZATION",
                );
                None
            },
            |name| {
                let address = match name.contains("://") {
                    true => name,
                    false => format!("https://dev.azure.com/{name}"),
                };
                rules::service_url(&address)
                    .map_err(|(what, help)| {
                        let what = format!("in ADO_ORGANIZATION: {what}");
                        problems.push(Problem::new(ado.at.clone(), what, help));
                    })
                    .ok()
            },
        ),
    };
    let time_zone = ado.string("time_zone").and_then(|name| {
        rules::time_zone(name.get_ref())
            .map_err(|help| {
                let what = format!("`{}` is not a time zone", name.get_ref());
                problems.push(Problem::new(name.span(), what, help));
            })
            .ok()
    });
    let pat = ado.secret("pat");
    let requests_per_second = ado.number("requests_per_second", 1..=1000);
    Some(Ado {
        url: url?,
        pat: pat.unwrap_or_else(|| SecretSource::Env("ADO_PAT".to_owned())),
        requests_per_second: requests_per_second.unwrap_or(DEFAULT_ADO_REQUESTS_PER_SECOND),
        time_zone,
    })
}

fn clickup(
    root: &Reader<'_>,
    set: &dyn Fn(&str) -> Option<String>,
    problems: &Problems,
) -> Option<ClickUp> {
    let clickup = root.table("clickup", "clickup");
    let url = match clickup.place_of("url") {
        Some(_) => checked_url(&clickup, problems),
        None => Some("https://api.clickup.com".to_owned()),
    };
    let workspace = match clickup.string("workspace") {
        Some(id) => {
            if !rules::is_number(id.get_ref()) {
                problems.push(Problem::new(
                    id.span(),
                    "`workspace` must be the workspace's number",
                    "it is the first number in the address of any ClickUp page: https://app.clickup.com/9012345/...",
                ));
            }
            Some(id.into_inner())
        }
        None if clickup.place_of("workspace").is_some() => None,
        None => set("CLICKUP_WORKSPACE_ID").or_else(|| {
            clickup.missing(
                "workspace",
                "add [clickup] workspace = \"NUMBER\" or set CLICKUP_WORKSPACE_ID",
            );
            None
        }),
    };
    let token = clickup.secret("token");
    let requests_per_minute = clickup.number("requests_per_minute", 1..=100_000);
    Some(ClickUp {
        url: url?,
        workspace: workspace?,
        token: token.unwrap_or_else(|| SecretSource::Env("CLICKUP_API_TOKEN".to_owned())),
        requests_per_minute: requests_per_minute.unwrap_or(DEFAULT_CLICKUP_REQUESTS_PER_MINUTE),
    })
}

fn checked_url(table: &Reader<'_>, problems: &Problems) -> Option<String> {
    let address = table.string("url")?;
    rules::service_url(address.get_ref())
        .map_err(|(what, help)| {
            problems.push(Problem::new(address.span(), what, help).hiding_value());
        })
        .ok()
}
