//! The rules for imports, as a search through the sources: which module may name which, and what the pure ones may not.
//! Test code inside a module is left out: everything from `#[cfg(test)]` on, and files named `tests`.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that decide: plain values in, plain values out.
const PURE: &[&str] = &[
    "model",
    "reconcile",
    "mapping",
    "markup",
    "render",
    "marker",
    "claim",
];
/// What a pure module has no business with.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "axum",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "async fn",
    "Instant",
    "SystemTime",
    "HashMap",
];
/// Module, and the modules of this crate that it may not name.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "model",
        "reconcile mapping markup render connector azure clickup store engine config commands sandbox",
    ),
    (
        "mapping",
        "reconcile connector azure clickup store engine config commands sandbox",
    ),
    (
        "markup",
        "reconcile connector azure clickup store engine config commands sandbox",
    ),
    (
        "reconcile",
        "connector azure clickup store engine config commands sandbox render",
    ),
    (
        "render",
        "connector azure clickup store engine config commands sandbox",
    ),
    (
        "store",
        "azure clickup engine config commands sandbox reconcile render",
    ),
    (
        "connector",
        "azure clickup store engine config commands sandbox reconcile",
    ),
    (
        "azure",
        "clickup store engine config commands sandbox reconcile",
    ),
    (
        "clickup",
        "azure store engine config commands sandbox reconcile",
    ),
    ("engine", "azure clickup commands sandbox render"),
    (
        "config",
        "connector azure clickup store engine commands sandbox reconcile render",
    ),
    (
        "sandbox",
        "connector azure clickup store engine config commands reconcile markup render",
    ),
];

/// Returns every source file of a module: `x.rs` and all below `x/`.
fn files(module: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![root.join(format!("{module}.rs"))];
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    found.retain(|path| {
        path.exists()
            && !path
                .components()
                .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    });
    found
}

/// Returns the lines of a file that are neither comments nor test code, numbered from 1.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.to_owned()));
    lines
        .take_while(|(_, line)| !line.contains("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

fn report(broken: Vec<String>) {
    assert!(
        broken.is_empty(),
        "import rules broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn pure_modules_touch_no_clock_file_network_or_unordered_map() {
    let mut broken = Vec::new();
    let convert = ["azure", "clickup"]
        .map(|m| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{m}/convert.rs")));
    let pure = PURE.iter().flat_map(|module| files(module)).chain(convert);
    for path in pure {
        for (number, line) in code(&path) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{}:{number}: {word}", path.display()));
            }
        }
    }
    report(broken);
}

#[test]
fn imports_run_one_way() {
    let mut broken = Vec::new();
    for (module, forbidden) in FORBIDDEN {
        let sources = files(module);
        assert!(
            !sources.is_empty(),
            "module {module} is gone; update this table"
        );
        for path in sources {
            for (number, line) in code(&path) {
                for other in forbidden.split(' ').filter(|other| names(&line, other)) {
                    broken.push(format!(
                        "{}:{number}: {module} names {other}",
                        path.display()
                    ));
                }
            }
        }
    }
    report(broken);
}

fn names(line: &str, module: &str) -> bool {
    line.match_indices(&format!("crate::{module}"))
        .any(|(at, found)| {
            !line[at + found.len()..]
                .starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
}

#[test]
fn vendor_field_names_stay_in_their_connector_and_in_configuration() {
    let mut broken = Vec::new();
    for module in [
        "model",
        "reconcile",
        "mapping",
        "markup",
        "render",
        "store",
        "engine",
        "connector",
    ] {
        for path in files(module) {
            for (number, line) in code(&path) {
                if line.contains("\"System.")
                    || line.contains("Microsoft.VSTS")
                    || line.contains("date_updated")
                {
                    broken.push(format!("{}:{number}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    report(broken);
}

#[test]
fn the_search_itself_finds_a_named_module_and_no_longer_one() {
    assert!(names("use crate::store::Store;", "store"));
    assert!(names("    let x = crate::store;", "store"));
    assert!(!names("use crate::storehouse::Store;", "store"));
    assert!(PURE.iter().all(|module| !files(module).is_empty()));
}
