//! The files in `schemas/`, held against everything that the program prints with `--json` in these tests.

use boardsync::cli::{Cli, Command, ConflictsCommand, LinksCommand};
use boon::{Compiler, Schemas};
use clap::Parser;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// Panics unless what a command printed is what its schema file says. Nothing is asked of a command without `--json`.
#[track_caller]
pub fn holds(args: &[String], printed: &str) {
    let program = std::iter::once("boardsync".to_owned());
    let json = args.iter().any(|arg| arg == "--json");
    let (true, false) = (json, printed.is_empty()) else {
        return;
    };
    let printed: Value = serde_json::from_str(printed).expect(printed);
    let name = match printed.get("error") {
        Some(_) => "error",
        None => {
            let parsed = Cli::try_parse_from(program.chain(args.iter().cloned())).unwrap();
            let file = file_of(&parsed.command, &printed);
            file.unwrap_or_else(|| panic!("{args:?} prints no JSON"))
        }
    };
    if let Err(why) = judge(name, &printed) {
        panic!("{args:?} is not what {name}.json says: {why}\n{printed:#}");
    }
}

/// The schema file of a command; `None`: it prints no JSON.
fn file_of(command: &Command, printed: &Value) -> Option<&'static str> {
    let planned = printed.get("planned_at").is_some();
    Some(match command {
        Command::Reconcile(_) | Command::Apply(_) if planned => "plan",
        Command::Reconcile(_) | Command::Apply(_) => "report",
        Command::Plan(_) => "plan",
        Command::Check(_) => "check",
        Command::Status => "status",
        Command::Why(_) => "why",
        Command::History(_) => "history",
        Command::Log(_) => "log",
        Command::Conflicts(args) => match &args.command {
            Some(ConflictsCommand::Resolve { take: Some(_), .. }) => "choice",
            Some(
                ConflictsCommand::Resolve { take: None, .. }
                | ConflictsCommand::List(_)
                | ConflictsCommand::Show { .. },
            )
            | None => "conflicts",
        },
        Command::Links(args) => match &args.command {
            Some(LinksCommand::Add { .. }) => "links_add",
            Some(LinksCommand::Remove { .. }) => "links_remove",
            Some(LinksCommand::Takeover { .. }) => "links_takeover",
            Some(LinksCommand::List) | None => "links",
        },
        Command::Verify(_) => "verify",
        Command::Undo(args) if args.what.is_none() => "runs",
        Command::Undo(_) => "undo",
        Command::Backup(_) => "backup",
        Command::Doctor(_) => "doctor",
        Command::Sandbox(args) if args.command.is_none() => "sandbox",
        Command::Sandbox(_) => "sandbox_items",
        Command::Demo(_) | Command::Completions(_) | Command::Man(_) => return None,
    })
}

fn judge(name: &str, value: &Value) -> Result<(), String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    let file = folder().join(format!("{name}.json"));
    let schema = compiler.compile(file.to_str().unwrap(), &mut schemas);
    let schema = schema.map_err(|error| format!("{error:#}"))?;
    schemas
        .validate(value, schema)
        .map_err(|error| error.to_string())
}

/// What a schema says of a value, which must be something: a place that it leaves open is told.
fn leaves_open(schema: &Value, at: &str, open: &mut Vec<String>) {
    let none = Map::new();
    let words = schema.as_object().unwrap_or(&none);
    let has = |word: &str| words.contains_key(word);
    for (word, inner) in words {
        let at = format!("{at}/{word}");
        match (word.as_str(), inner) {
            ("properties" | "$defs", Value::Object(members)) => {
                for (name, member) in members {
                    leaves_open(member, &format!("{at}/{name}"), open);
                }
            }
            ("anyOf", Value::Array(some)) => {
                for one in some {
                    leaves_open(one, &at, open);
                }
            }
            ("items", _) | ("additionalProperties", Value::Object(_)) => {
                leaves_open(inner, &at, open);
            }
            _ => {}
        }
    }
    let said = match words.get("type").and_then(Value::as_str) {
        Some("object") => has("properties") && has("required") && has("additionalProperties"),
        Some("array") => has("items"),
        Some("string" | "integer" | "number" | "boolean" | "null") => true,
        Some(_) => false,
        None => ["$ref", "enum", "const", "anyOf", "$defs"]
            .iter()
            .any(|word| has(word)),
    };
    if !said || words.get("additionalProperties") == Some(&Value::Bool(true)) {
        open.push(at.to_owned());
    }
}

#[test]
fn a_schema_file_leaves_nothing_open() {
    let mut looked_at = 0;
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut open = Vec::new();
        leaves_open(&schema, "", &mut open);
        assert_eq!(open, [""; 0], "{}", path.display());
        looked_at += 1;
    }
    assert!(looked_at > 20, "{looked_at}");
    for any in [
        r#"{}"#,
        r#"{"type":"object"}"#,
        r#"{"type":"array"}"#,
        r#"true"#,
    ] {
        let mut open = Vec::new();
        leaves_open(&serde_json::from_str(any).unwrap(), "", &mut open);
        assert_eq!(open.len(), 1, "{any}");
    }
}

#[test]
fn what_a_schema_file_does_not_name_is_refused() {
    let good = serde_json::json!({ "format_version": 1, "runs": [] });
    assert_eq!(judge("runs", &good), Ok(()));
    for bad in [
        serde_json::json!({ "format_version": 1 }),
        serde_json::json!({ "format_version": 2, "runs": [] }),
        serde_json::json!({ "format_version": 1, "runs": [], "more": 1 }),
        serde_json::json!({ "format_version": 1, "runs": [
            { "run": "c1", "at": "yesterday", "cause": null, "actions": 1 }
        ] }),
    ] {
        assert!(judge("runs", &bad).is_err(), "{bad}");
    }
}
