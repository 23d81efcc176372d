//! The table of planted faults fits the sources. `tests/planted/plant.py` plants them; a fragment that a change of the
//! sources has taken away is noticed here at once, and not with the next long run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A fault of the table; `wrong` and `noticed_by` are the runner's business.
struct Fault {
    name: String,
    loses: String,
    file: String,
    right: String,
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
            assert_ne!(text("right"), text("wrong"), "{name}");
            faults.push(Fault {
                loses: text("loses"),
                file: text("file"),
                right: text("right"),
                name,
            });
        }
    }
    faults
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
