//! Sample configurations: `valid/` must load, `invalid/` must give exactly the messages beside it.
//! `UPDATE_CASES=1 cargo test --test it config_cases::` rewrites the messages; read the difference.
#![allow(clippy::print_stderr, reason = "the figures are for people")]

use boardsync::config::{
    Config, ConfigErrors, ConflictPolicy, Direction, Guard, Poll, SecretSource, known_keys, parse,
};
use boardsync::model::{FieldKey, PairName};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CANARY: &str = "canary7token7canary";

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/config")
        .join(kind);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Parses with the environment that the file asks for in `# env NAME=VALUE` lines.
fn parse_case(text: &str) -> Result<Config, ConfigErrors> {
    let environment: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# env ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    parse(Path::new("config.toml"), text, &|name| {
        environment.get(name).cloned()
    })
}

fn valid(name: &str) -> Config {
    let path = cases("valid")
        .into_iter()
        .find(|path| path.file_stem().unwrap() == name)
        .unwrap();
    parse_case(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml.example"))
        .unwrap()
}

#[test]
fn every_invalid_sample_gives_its_messages_and_no_secret() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for path in cases("invalid") {
        let text = std::fs::read_to_string(&path).unwrap();
        let errors = parse_case(&text).expect_err(&path.display().to_string());
        for shown in [
            errors.render(false),
            errors.render(true),
            errors.to_string(),
            format!("{errors:?}"),
        ] {
            assert!(
                !shown.to_lowercase().contains(CANARY),
                "{}: {shown}",
                path.display()
            );
        }
        let found = errors.render(false);
        let beside = path.with_extension("txt");
        if update {
            std::fs::write(&beside, &found).unwrap();
        } else if std::fs::read_to_string(&beside).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_valid_sample_loads() {
    for path in cases("valid") {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(errors) = parse_case(&text) {
            panic!("{}: {errors}", path.display());
        }
    }
}

#[test]
fn what_is_left_out_has_its_documented_default() {
    let config = valid("minimal");
    assert_eq!(config.state.path, Path::new("boardsync.db"));
    assert_eq!(config.state.journal_days, 90);
    assert_eq!(config.schedule.poll, Poll::Every(Duration::from_secs(60)));
    assert_eq!(config.schedule.sweep, Duration::from_secs(6 * 3600));
    assert_eq!(config.schedule.quiet_time, Duration::from_secs(300));
    assert_eq!(config.ado.pat, SecretSource::Env("ADO_PAT".into()));
    assert_eq!(config.guard, Guard::default());
    let pair = &config.pairs[0];
    assert_eq!(pair.clickup.lists, ["901100200300"]);
    assert_eq!(pair.conflict, ConflictPolicy::Ado);
    let on: Vec<String> = pair
        .fields
        .iter()
        .map(|field| field.key.to_string())
        .collect();
    assert_eq!(
        on.join(" "),
        "title status assignees priority tags start_date due_date description"
    );
    assert!(config.warnings.is_empty());
}

#[test]
fn environment_fills_only_what_the_file_leaves_out() {
    let config = valid("environment");
    assert_eq!(config.ado.url, "https://dev.azure.com/contoso");
    assert_eq!(config.clickup.workspace, "9012345");
    assert_eq!(config.state.path, Path::new("/var/lib/boardsync/state.db"));
    assert_eq!(config.pairs[0].ado.project, "Fabrikam");
    assert_eq!(config.pairs[0].ado.assigned_to.as_deref(), Some("@Me"));
    let other = |name: &str| match name {
        "ADO_ORGANIZATION" | "ADO_PROJECT" | "CLICKUP_WORKSPACE_ID" => Some("1".to_owned()),
        _ => None,
    };
    let text = std::fs::read_to_string(
        cases("valid")
            .into_iter()
            .find(|path| path.ends_with("minimal.toml"))
            .unwrap(),
    )
    .unwrap();
    assert!(text.contains("Everything that can be left out"));
    let kept = parse(Path::new("config.toml"), &text, &other).unwrap();
    assert_eq!(kept.ado.url, "https://dev.azure.com/contoso");
    assert_eq!(kept.clickup.workspace, "9012345");
    assert_eq!(kept.pairs[0].ado.project, "Fabrikam");
}

#[test]
fn field_entries_overlay_the_defaults() {
    let config = valid("two-areas-one-list");
    assert_eq!(config.schedule.poll, Poll::Cron("0 */5 * * * *".into()));
    assert_eq!(config.ado.url, "http://127.0.0.1:8080/tfs/Collection");
    assert_eq!(config.ado.time_zone, Some(chrono_tz::Europe::Berlin));
    let pair = config.pair(&PairName::from("site")).unwrap();
    assert_eq!(pair.clickup.lists, ["1", "2", "3"]);
    let field = |key: FieldKey| pair.fields.iter().find(|field| field.key == key);
    assert!(field(FieldKey::Tags).is_none());
    assert!(field(FieldKey::Type).is_some());
    let points = field(FieldKey::Points).unwrap();
    assert_eq!(points.ado, ["Microsoft.VSTS.Scheduling.Effort"]);
    assert_eq!(points.direction, Direction::ToClickUp);
    assert_eq!(points.conflict, Some(ConflictPolicy::Hold));
    assert_eq!(field(FieldKey::DueDate).unwrap().ado.len(), 3);
}

#[test]
fn condition_over_several_lines_becomes_one() {
    let config = valid("condition-over-lines");
    assert_eq!(
        config.pairs[0].ado.condition.as_deref(),
        Some("[System.WorkItemType] = 'Bug' AND [System.State] <> 'Removed'")
    );
}

#[test]
fn an_address_that_ends_with_a_project_is_warned_of() {
    let warnings = valid("project-in-the-url").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("`url` ends with `Team Web`, which is the project of pair `web`"),
        "{warnings:?}"
    );
    assert!(valid("minimal").warnings.is_empty());
}

#[test]
fn short_quiet_time_is_a_warning_with_its_place() {
    let warnings = valid("short-quiet-time").warnings;
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("config.toml:3:14: warning: "),
        "{warnings:?}"
    );
}

/// Whoever takes the comment signs away has a configuration that loads.
#[test]
fn the_custom_field_of_the_example_is_valid_once_it_is_no_comment() {
    let text = example();
    let (before, block) = text.split_once("# [[pair.field]]\n").unwrap();
    let block = block
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line));
    let block: Vec<&str> = block.collect();
    let text = format!("{before}[[pair.field]]\n{}\n", block.join("\n"));
    let config = parse_case(&text).unwrap();
    let customs = config.pairs[0].fields.iter();
    let customs: Vec<String> = customs
        .filter(|field| field.key.is_custom())
        .map(|field| {
            format!(
                "{} {} {} {:?}",
                field.key,
                field.values.len(),
                field.time,
                field.scale
            )
        })
        .collect();
    assert_eq!(
        customs,
        [
            "custom:Budget 0 false Some(100)",
            "custom:Launch 0 true None",
            "custom:Severity 2 false None"
        ]
    );
}

#[test]
fn example_loads_without_warnings_and_names_every_key() {
    let text = example();
    let config = parse_case(&text).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.warnings.is_empty());
    assert_eq!(config.guard, Guard::default());
    for (table, keys) in known_keys() {
        for key in *keys {
            let forms = match *table {
                "" => vec![format!("[{key}]"), format!("[[{key}]]")],
                "pair.ado" | "pair.clickup" => {
                    vec![format!("{}.{key} =", table.trim_start_matches("pair."))]
                }
                "pair" => vec![
                    format!("\n{key} ="),
                    format!("\n{key}."),
                    format!("[[pair.{key}]]"),
                ],
                "secret source" => vec![format!("{{ {key} =")],
                _ => vec![format!("\n{key} ="), format!("\n# {key} =")],
            };
            assert!(
                forms.iter().any(|form| text.contains(form)),
                "`{key}` of [{table}] is not in config.toml.example"
            );
        }
    }
}

#[test]
fn fingerprint_ignores_comments_order_and_schedule_but_not_scope() {
    let text = example();
    let first = parse_case(&text).unwrap();
    let same = text
        .replace("poll = \"60s\"", "poll = \"90s\"")
        .replace("journal_days = 90", "journal_days = 30")
        .replace("contoso\" ", "contoso/\" # x");
    let same = parse_case(&same).unwrap();
    assert_ne!(first, same);
    assert_eq!(first.fingerprint, same.fingerprint);
    assert_eq!(first.pairs[0].fingerprint, same.pairs[0].fingerprint);
    assert_eq!(first.fingerprint.len(), 64);
    for (from, to) in [
        ("ado.assigned_to = \"@Me\"", ""),
        ("\"in progress\"", "\"doing\""),
        ("conflict = \"ado\"  ", "conflict = \"hold\"  "),
        ("workspace = \"9012345\"", "workspace = \"1\""),
        ("dev.azure.com/contoso\"", "dev.azure.com/fabrikam\""),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let changed = parse_case(&changed).unwrap();
        assert_ne!(first.fingerprint, changed.fingerprint, "{from}");
        assert_ne!(
            first.pairs[0].fingerprint, changed.pairs[0].fingerprint,
            "{from}"
        );
    }
}

#[test]
fn absent_file_names_every_place_that_was_tried() {
    let env = |name: &str| match name {
        "HOME" => Some("/nonexistent/home".to_owned()),
        "XDG_CONFIG_HOME" => Some("/nonexistent/xdg".to_owned()),
        _ => None,
    };
    let tried = boardsync::config::search_paths(&env);
    let shown = ConfigErrors::NotFound(tried).to_string();
    for place in [
        "config.toml",
        "/nonexistent/xdg/boardsync/config.toml",
        "/nonexistent/home/.config/boardsync/config.toml",
        "/etc/boardsync/config.toml",
        "help: copy config.toml.example",
    ] {
        assert!(shown.contains(place), "{shown}");
    }
    let missing = boardsync::config::load(Some(Path::new("/nonexistent/x.toml")), &env);
    assert!(matches!(missing, Err(ConfigErrors::Unreadable { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn parse_and_render_never_panic_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(errors) = parse(Path::new("x"), &text, &|_| None) {
            prop_assert!(!errors.render(true).is_empty());
        }
    }

    #[test]
    fn damaged_example_never_panics_and_never_shows_the_token(
        at in 0usize..6000, remove in 0usize..40, insert in "[\\PC\n\"'=\\[\\]{}#]{0,6}",
    ) {
        let text = example().replace("{ env = \"ADO_PAT\" }\nrequests", &format!("\"{CANARY}\"\nrequests"));
        let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let (from, to) = (floor(at), floor(at + remove));
        let damaged = format!("{}{insert}{}", &text[..from], &text[to..]);
        // Only damage to the token's own key may unmask it: then nothing says any more that it is one.
        let intact = damaged.contains(&format!("\npat = \"{CANARY}\""));
        if let Err(errors) = parse(Path::new("x"), &damaged, &|_| None) {
            let shown = errors.render(true);
            prop_assert!(!intact || !shown.contains(CANARY), "{shown}");
        }
    }
}

/// A saved plan, an approval and remembered failures hold for one mapping. Each line that changes what is synced, or to
/// whom, makes another one of it.
#[test]
fn every_line_of_the_mapping_makes_another_fingerprint() {
    const PAIR: &str = "[ado]\nurl = \"https://dev.azure.com/contoso\"\npat = { env = \"ADO_PAT\" }\n\
        [clickup]\nworkspace = \"9012345\"\ntoken = { env = \"CLICKUP_API_TOKEN\" }\n\
        [[pair]]\nname = \"web\"\nado.project = \"Fabrikam\"\nclickup.list = \"901100200300\"\n";
    let print = |lines: &str| {
        let text = format!("{PAIR}{lines}");
        let config = parse_case(&text).unwrap_or_else(|errors| panic!("{lines}: {errors}"));
        config.pairs[0].fingerprint.clone()
    };
    let lines = [
        "people = [[\"ana@contoso.com\", \"ana@example.com\"]]",
        "people = [[\"ana@contoso.com\", \"bob@example.com\"]]",
        "states = [[\"New\", \"to do\"], [\"Closed\", \"complete\"]]",
        "states = [[\"Closed\", \"complete\"], [\"New\", \"to do\"]]",
        "types = [[\"Bug\", \"Bug\"]]",
        "ado.area = 'Fabrikam\\Web'",
        "ado.where = \"[System.Tags] CONTAINS 'sync'\"",
        "ado.assigned_to = \"@Me\"",
        "clickup.lists = [\"901100200300\", \"901100200301\"]",
        "create = \"ado\"",
        "on_delete = \"close\"",
        "on_delete = \"delete\"",
        "conflict = \"hold\"",
        "backlink = false",
        "[[pair.field]]\nado = \"Microsoft.VSTS.Scheduling.StoryPoints\"\nclickup = \"points\"",
        "[[pair.field]]\nclickup = \"title\"\ndirection = \"to_clickup\"",
    ];
    let mut prints: Vec<String> = lines.iter().map(|lines| print(lines)).collect();
    prints.push(print(""));
    let different: std::collections::BTreeSet<&String> = prints.iter().collect();
    assert_eq!(different.len(), prints.len(), "{prints:#?}");
    // What changes nothing that is synced asks for no new yes.
    assert_eq!(print(""), print("# a comment"));
}
