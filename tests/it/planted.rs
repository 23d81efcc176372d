//! The table of planted faults fits the sources. `tests/planted/plant.py` plants them; a fragment that a change of the
//! sources has taken away is noticed here at once, and not with the next long run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A fault of the table; `wrong` is the runner's business.
struct Fault {
    name: String,
    loses: String,
    file: String,
    right: String,
    noticed_by: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    for entry in fs::read_dir(root().join("tests/planted")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let table: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        for (name, fault) in table {
            let text = |key: &str| match fault.get(key).and_then(toml::Value::as_str) {
                Some(text) if !text.trim().is_empty() => text.to_owned(),
                _ => panic!("{}: {name} has no {key}", path.display()),
            };
            let [right, wrong] = ["right", "wrong"].map(text);
            assert_ne!(right, wrong, "{name}");
            assert_eq!(shape(&right), shape(&wrong), "{name} would not build");
            assert!(shape(&right).0, "{name} begins or ends inside of a string");
            // As a literal TOML string has it that was meant to have two lines.
            assert!(!wrong.contains("\\n  "), "{name} would not build");
            let hints = fault.get("noticed_by").and_then(toml::Value::as_array);
            let hints = hints.into_iter().flatten();
            faults.push(Fault {
                noticed_by: hints
                    .map(|hint| hint.as_str().unwrap().to_owned())
                    .collect(),
                loses: text("loses"),
                file: text("file"),
                right: text("right"),
                name,
            });
        }
    }
    faults
}

/// What a fragment leaves open at its end: quotes and brackets. Everything is built at once, so one that does not build keeps all of
/// them from being planted.
fn shape(fragment: &str) -> (bool, [i64; 3]) {
    let count = |of: char| i64::try_from(fragment.matches(of).count()).unwrap();
    let open = [('(', ')'), ('[', ']'), ('{', '}')].map(|(a, b)| count(a) - count(b));
    (count('"') % 2 == 0, open)
}

#[test]
fn every_fragment_occurs_once_and_overlaps_no_other() {
    let mut wrong = Vec::new();
    let mut taken: BTreeMap<String, Vec<(usize, usize, String)>> = BTreeMap::new();
    for fault in faults() {
        let text = fs::read_to_string(root().join(&fault.file)).unwrap();
        let places: Vec<usize> = text.match_indices(&fault.right).map(|(at, _)| at).collect();
        let [start] = places[..] else {
            let times = places.len();
            wrong.push(format!("{}: {times} times in {}", fault.name, fault.file));
            continue;
        };
        let end = start + fault.right.len();
        let word = |char: char| char.is_alphanumeric() || char == '_';
        let inside = text[..start].ends_with(|before: char| word(before) || before == '.');
        if inside && fault.right.starts_with(word) {
            // As `engine.store()` in `self.engine.store()`: with another statement in its place nothing builds.
            wrong.push(format!("{} begins inside of an expression", fault.name));
        }
        let others = taken.entry(fault.file).or_default();
        let overlap = others.iter().find(|(a, b, _)| start < *b && *a < end);
        wrong.extend(overlap.map(|(_, _, other)| format!("{} overlaps {other}", fault.name)));
        others.push((start, end, fault.name));
    }
    assert!(
        wrong.is_empty(),
        "tests/planted/*.toml does not fit the sources any more:\n{}",
        wrong.join("\n")
    );
}

/// Where the sources of a judge's tests are, from the first folder or file of its crate.
fn sources_of(judge: &str) -> &'static str {
    match judge {
        "lib" => "src",
        "core" => "crates/core/src",
        "it" => "tests/it",
        "process" => "tests/process",
        "sim" => "crates/sim/tests",
        other => panic!("no judge is called {other}"),
    }
}

/// Every function in the sources of a judge, with the path that a test there has: `sync_rules::doubt::a_step`. Those of a `mod tests`
/// in its file are there twice, with it and without.
fn functions_of(judge: &str) -> Vec<String> {
    let mut functions = Vec::new();
    let base = root().join(sources_of(judge));
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = path.strip_prefix(&base).unwrap().with_extension("");
                let module = module.to_str().unwrap().replace('/', "::");
                let text = fs::read_to_string(&path).unwrap();
                for rest in text.split("fn ").skip(1) {
                    let name = rest.split(['(', '<']).next().unwrap_or("");
                    functions.push(format!("{module}::{name}"));
                    functions.push(format!("{module}::tests::{name}"));
                }
            }
        }
    }
    functions
}

#[test]
fn every_test_that_is_named_as_noticing_a_fault_exists() {
    let judges = ["lib", "core", "it", "process", "sim"];
    let functions = judges.map(|judge| (judge, functions_of(judge)));
    let functions = BTreeMap::from(functions);
    let mut wrong = Vec::new();
    for fault in faults() {
        for hint in fault.noticed_by {
            let (judge, test) = hint.split_once(": ").unwrap();
            if !functions[judge]
                .iter()
                .any(|function| function.contains(test))
            {
                wrong.push(format!("{}: {hint}", fault.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "tests/planted/*.toml names tests that are not there:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_part_of_the_shell_has_faults_and_each_says_what_it_costs() {
    let faults = faults();
    assert!(faults.len() >= 60, "{} faults", faults.len());
    for part in [
        "engine",
        "azure",
        "clickup",
        "connector",
        "store",
        "commands",
        "config",
    ] {
        let folder = format!("src/{part}/");
        let count = faults
            .iter()
            .filter(|f| f.file.starts_with(&folder))
            .count();
        assert!(count >= 3, "{count} faults in {folder}");
    }
    for fault in faults {
        assert!(fault.loses.ends_with('.'), "{}: a sentence", fault.name);
    }
}

/// The switch is in the copy that is judged, and nowhere else.
#[test]
fn the_program_itself_asks_no_switch() {
    let mut folders: Vec<PathBuf> = vec![root().join("src"), root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let switch = text.contains("BOARDSYNC_PLANTED") || text.contains("planted::on");
            assert!(!switch, "{}", path.display());
        }
    }
}
