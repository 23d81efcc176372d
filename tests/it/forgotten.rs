//! A test file that no `mod` line names would never run, and nobody would notice.

use std::fs;
use std::path::{Path, PathBuf};

/// Every `.rs` file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The file that has to name this one: `it/main.rs` for `it/fuzz.rs`, `it/fuzz.rs` for `it/fuzz/mutate.rs`.
fn parent(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let beside = folder.with_extension("rs");
    Some(match beside.exists() {
        true => beside,
        false => folder.join("main.rs"),
    })
}

/// The test files that nothing names.
fn forgotten(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(folder, &mut found);
    assert!(!found.is_empty(), "{} holds no tests", folder.display());
    found.retain(|path| {
        let binary = path.parent() == Some(folder);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let named = |file: PathBuf| {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.lines()
                .any(|line| line.trim_end().ends_with(&format!("mod {name};")))
        };
        !binary && name != "main" && !parent(path).is_some_and(named)
    });
    found
}

#[test]
fn every_test_file_belongs_to_a_test_binary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [
        "tests",
        "crates/markup/tests",
        "crates/core/tests",
        "crates/sandbox/tests",
        "crates/sim/tests",
    ] {
        assert_eq!(forgotten(&root.join(folder)), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_file_without_a_mod_line_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("it")).unwrap();
    for (name, text) in [
        ("main.rs", "mod named;\n"),
        ("named.rs", ""),
        ("lost.rs", ""),
    ] {
        fs::write(folder.path().join("it").join(name), text).unwrap();
    }
    assert_eq!(forgotten(folder.path()), [folder.path().join("it/lost.rs")]);
}
