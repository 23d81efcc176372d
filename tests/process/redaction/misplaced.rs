//! A credential that was pasted into a wrong place of the configuration: refused, and shown nowhere.

use crate::bench::Bench;
use crate::redaction::evidence::{Canaries, Evidence};
use boardsync::model::Side;

/// Lines of the sample configuration and what replaces them, with `@` for the credential.
const PLACES: &[(&str, &str)] = &[
    (
        "[ado]\nurl = \"",
        "[ado]\nurl = \"https://@:x@dev.azure.com/contoso\" #",
    ),
    (
        "[ado]\nurl = \"",
        "[ado]\nurl = \"https://dev.azure.com/contoso?token=@\" #",
    ),
    (
        "[ado]\nurl = \"",
        "[ado]\nurl = \"https://dev.azure.com/@\" #",
    ),
    (
        "[clickup]\nurl = \"",
        "[clickup]\nurl = \"https://api.clickup.com/@\" #",
    ),
    (
        "[clickup]\nurl = \"",
        "[clickup]\nurl = \"https://@api.clickup.com\" #",
    ),
    ("workspace = \"", "workspace = \"@\" #"),
    ("name = \"web\"", "name = \"@\""),
    ("ado.project = \"Shop\"", "ado.project = \"@\""),
    (
        "ado.project = \"Shop\"",
        "ado.project = \"Shop\"\nado.area = \"Shop\\\\@\"",
    ),
    (
        "ado.project = \"Shop\"",
        "ado.project = \"Shop\"\nado.assigned_to = \"@\"",
    ),
    (
        "ado.project = \"Shop\"",
        "ado.project = \"Shop\"\n\"@\" = 1",
    ),
    ("IN ('User Story'", "IN ('@'"),
    ("clickup.list = \"901100000001\"", "clickup.list = \"@\""),
    (
        "clickup.list = \"901100000001\"",
        "clickup.list = \"901100000001\"\nclickup.marker = \"custom:@\"",
    ),
    ("[[\"User Story\", \"Task\"]", "[[\"@\", \"Task\"]"),
    ("[\"New\", \"to do\"]", "[\"New\", \"@\"]"),
    (
        "[\"ada@contoso.example\", \"ada@example.com\"]",
        "[\"@\", \"x\"]",
    ),
    ("{ file = \"ado.token\" }", "\"@\""),
    ("{ file = \"ado.token\" }", "{ env = \"@\" }"),
    ("{ file = \"ado.token\" }", "{ credential = \"@\" }"),
    ("{ file = \"ado.token\" }", "{ file = \"@\" }"),
    (
        "{ file = \"ado.token\" }",
        "{ command = [\"echo\", \"@\"] }",
    ),
    ("[ado]\n", "[ado]\n@\n"),
    ("requests_per_second = 200", "requests_per_second = \"@\""),
    (
        "path = \"boardsync.db\"",
        "path = \"boardsync.db\"\ntoken = \"@\"",
    ),
];

const NAMES: [&str; 6] = [
    "ADO_ORGANIZATION",
    "ADO_PROJECT",
    "ADO_ASSIGNED_TO",
    "CLICKUP_WORKSPACE_ID",
    "DATABASE_URL",
    "LOG_LEVEL",
];

async fn runs(bench: &Bench, evidence: &mut Evidence, what: &str, env: Option<(&str, &str)>) {
    let commands: [&[&str]; 7] = [
        &["check", "--offline"],
        &["check", "--offline", "--json"],
        &["check"],
        &["plan", "--out", "some.plan"],
        &["reconcile", "--once", "--yes"],
        &["status"],
        &["status", "--json"],
    ];
    for args in commands {
        let mut command = bench.command(args);
        command.env("RUST_LOG", "trace");
        command.envs(env);
        let output = tokio::task::spawn_blocking(move || {
            assert_cmd::Command::from_std(command).output().unwrap()
        })
        .await
        .unwrap();
        evidence.add(format!("stdout of {args:?}, {what}"), output.stdout);
        evidence.add(format!("stderr of {args:?}, {what}"), output.stderr);
    }
}

/// Everything but the configuration, which holds the credential by the nature of this test.
fn collect(bench: &Bench, evidence: &mut Evidence, what: &str) {
    for (name, bytes) in bench.files() {
        if !name.ends_with(".token") && name != "config.toml" {
            evidence.add(format!("{name}, {what}"), bytes);
        }
    }
    for entry in bench.world.ledger.entries() {
        let bytes = format!("{} {}\n{}", entry.path, entry.headers, entry.body);
        evidence.add(format!("request to {}, {what}", entry.service), bytes);
    }
}

async fn in_the_file(canaries: &Canaries) {
    let bench = canaries.bench().await;
    let config = std::fs::read_to_string(&bench.config).unwrap();
    let mut evidence = Evidence::default();
    for side in Side::BOTH {
        for (from, to) in PLACES {
            // A credential without a known shape that is in no place where the program looks is a name like any other.
            if side == Side::Ado && from.contains("ado.token") && canaries.ado.len() != 52 {
                continue;
            }
            assert!(config.contains(from), "{from}");
            let text = config.replacen(from, &to.replace('@', canaries.of(side)), 1);
            std::fs::write(&bench.config, text).unwrap();
            let what = format!("{side} {to}");
            runs(&bench, &mut evidence, &what, None).await;
            collect(&bench, &mut evidence, &what);
            bench.world.ledger.clear();
        }
    }
    assert!(!evidence.holding("help: ").is_empty());
    evidence.clean("misplaced in the file", canaries);
}

async fn in_the_environment(canaries: &Canaries) {
    let bench = canaries.bench().await;
    // What the file says wins, so it must not say it.
    let config = std::fs::read_to_string(&bench.config).unwrap();
    let kept: Vec<&str> = config
        .lines()
        .filter(|line| {
            !["url = \"http", "workspace", "ado.project", "path ="]
                .iter()
                .any(|s| line.starts_with(s))
        })
        .collect();
    let mut evidence = Evidence::default();
    for side in Side::BOTH {
        for name in NAMES {
            std::fs::write(&bench.config, kept.join("\n")).unwrap();
            runs(&bench, &mut evidence, name, Some((name, canaries.of(side)))).await;
            collect(&bench, &mut evidence, name);
        }
    }
    evidence.clean("misplaced in the environment", canaries);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_wrong_place_of_the_file_is_refused_and_shown_nowhere() {
    in_the_file(&Canaries::real()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_no_rule_recognises_is_shown_nowhere_either() {
    // Only characters that a TOML string takes as they are.
    let plain = |count| {
        crate::redaction::evidence::random(
            "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-.",
            count,
        )
    };
    let canaries = Canaries {
        ado: format!("a{}", plain(24)),
        clickup: format!("c{}", plain(27)),
    };
    in_the_file(&canaries).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_wrong_variable_is_refused_and_shown_nowhere() {
    in_the_environment(&Canaries::real()).await;
}
