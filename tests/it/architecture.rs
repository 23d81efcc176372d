//! The rules for imports, as a search through the sources: which room may name which, which room uses which library, and
//! what the deciding code may not reach. What a crate can't name, because it does not depend on it, needs no rule here.

use std::fs;
use std::path::{Path, PathBuf};

/// Where each room is: its file without `.rs`, with its folder beside it.
const ROOMS: &[(&str, &str)] = &[
    ("markup", "crates/markup/src"),
    ("model", "crates/core/src/model"),
    ("field", "crates/core/src/field"),
    ("capabilities", "crates/core/src/capabilities"),
    ("mapping", "crates/core/src/mapping"),
    ("marker", "crates/core/src/marker"),
    ("claim", "crates/core/src/claim"),
    ("reason", "crates/core/src/reason"),
    ("reconcile", "crates/core/src/reconcile"),
    ("render", "crates/core/src/render"),
    ("sandbox", "crates/sandbox/src"),
    ("connector", "src/connector"),
    ("azure", "src/azure"),
    ("clickup", "src/clickup"),
    ("store", "src/store"),
    ("config", "src/config"),
    ("engine", "src/engine"),
    ("views", "src/views"),
    ("commands", "src/commands"),
    ("cli", "src/cli"),
    ("clock", "src/clock"),
    ("redact", "src/redact"),
    ("telemetry", "src/telemetry"),
];

/// Rooms that decide: plain values in, plain values out.
const PURE: &[&str] = &[
    "model",
    "field",
    "capabilities",
    "reason",
    "reconcile",
    "mapping",
    "markup",
    "render",
    "marker",
    "claim",
];

/// What a pure room has no business with.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "async fn",
    "Instant",
    "SystemTime",
    "HashMap",
];

/// Libraries that do input and output: no crate that decides may depend on one.
const FORBIDDEN_DEPENDENCIES: &[&str] = &["tokio", "reqwest", "rusqlite", "axum", "tracing"];

/// A room, and the rooms of its crate that it may not name.
const FORBIDDEN: &[(&str, &str)] = &[
    ("model", "claim mapping marker reason reconcile render"),
    ("mapping", "claim marker reason reconcile render"),
    ("marker", "claim mapping reason reconcile render"),
    ("claim", "mapping reason reconcile render"),
    // The table of fields names the model, whose items name the rows of the table: the two are one floor.
    ("field", "claim marker reconcile render"),
    (
        "capabilities",
        "claim field mapping marker reason reconcile render",
    ),
    ("reason", "claim field mapping marker reconcile render"),
    ("reconcile", "render"),
    (
        "redact",
        "azure cli clickup commands config connector engine reason reconcile render sandbox store views",
    ),
    (
        "clock",
        "azure cli clickup commands config connector engine reason reconcile render sandbox store views",
    ),
    (
        "telemetry",
        "azure cli clickup commands config connector engine reason reconcile render sandbox store views",
    ),
    (
        "cli",
        "azure clickup commands config connector engine reason reconcile render sandbox store views",
    ),
    (
        "store",
        "azure cli clickup commands config engine reconcile render sandbox views",
    ),
    (
        "connector",
        "azure cli clickup commands config engine reason reconcile sandbox store views",
    ),
    (
        "azure",
        "cli clickup commands config engine reason reconcile sandbox store views",
    ),
    (
        "clickup",
        "azure cli commands config engine reason reconcile sandbox store views",
    ),
    ("engine", "azure cli clickup commands render sandbox views"),
    (
        "config",
        "azure cli clickup commands connector engine reason reconcile render sandbox store views",
    ),
    // What is shown: by a command or a page, which print it.
    ("views", "azure cli clickup commands connector sandbox"),
];

/// A library, and the rooms that may name it: what it is good at happens there, and its types stay there.
const OWNERS: &[(&str, &str)] = &[
    ("rusqlite", "store"),
    ("rusqlite_migration", "store"),
    ("reqwest", "connector azure clickup"),
    ("governor", "connector"),
    ("axum", "sandbox"),
    ("tokio_cron_scheduler", "engine"),
    ("clap", "cli"),
    ("toml", "config sandbox"),
    ("scraper", "markup"),
    ("comrak", "markup sandbox"),
    ("indicatif", "commands"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every source file of a room: `x.rs` and all below `x/`. Files and folders named `tests` are left out.
fn files(room: &str) -> Vec<PathBuf> {
    let (_, place) = ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .unwrap_or_else(|| panic!("the room {room} stands in no row of ROOMS"));
    let place = root().join(place);
    let mut found = vec![place.with_extension("rs")];
    let mut folders = vec![place];
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
    let of_tests = |path: &PathBuf| {
        let below = path.strip_prefix(root()).unwrap_or(path);
        below
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    };
    found.retain(|path| path.exists() && !of_tests(path));
    found
}

/// Returns the lines of a text that are neither comments nor test code, numbered from 1. What `#[cfg(test)]` stands over
/// is left out: one line if it ends with `;`, else all up to the brace that closes it.
fn code(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent = line.len() - line.trim_start().len();
            for (_, of_test) in lines.by_ref() {
                let here = of_test.len() - of_test.trim_start().len() == indent;
                let attribute = of_test.trim_start().starts_with("#[");
                if here
                    && !attribute
                    && (of_test.ends_with(';')
                        || of_test.trim_end() == format!("{}}}", &line[..indent]))
                {
                    break;
                }
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push((at + 1, line));
        }
    }
    kept
}

/// Every line of code of a room, with its place.
fn lines_of(room: &str) -> Vec<(String, String)> {
    let sources = files(room);
    assert!(!sources.is_empty(), "the room {room} is gone; update ROOMS");
    let mut all = Vec::new();
    for path in sources {
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (number, line) in code(&text) {
            all.push((format!("{}:{number}", path.display()), line.to_owned()));
        }
    }
    all
}

fn report(broken: Vec<String>) {
    assert!(
        broken.is_empty(),
        "import rules broken:\n{}",
        broken.join("\n")
    );
}

/// Whether a line names a path that begins with these words: `crate::store` is in `use crate::store::Store`, and not in
/// `use crate::storehouse`.
fn names(line: &str, path: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(path).any(|(at, found)| {
        !line[at + found.len()..].starts_with(of_word)
            && !line[..at].ends_with(|c: char| of_word(c) || c == ':')
    })
}

#[test]
fn pure_modules_touch_no_clock_file_network_or_unordered_map() {
    let mut broken = Vec::new();
    for (place, line) in PURE.iter().flat_map(|room| lines_of(room)) {
        for word in IMPURE.iter().filter(|word| line.contains(**word)) {
            broken.push(format!("{place}: {word}"));
        }
    }
    for room in ["azure", "clickup"] {
        for (place, line) in lines_of(room)
            .iter()
            .filter(|(place, _)| place.contains("convert.rs:"))
        {
            for word in IMPURE
                .iter()
                .chain(FORBIDDEN_DEPENDENCIES)
                .filter(|word| line.contains(**word))
            {
                broken.push(format!("{place}: {word}"));
            }
        }
    }
    report(broken);
}

#[test]
fn crates_that_decide_depend_on_nothing_that_does_input_or_output() {
    for name in ["core", "markup"] {
        let path = root().join(format!("crates/{name}/Cargo.toml"));
        let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        assert!(dependencies.contains_key("serde"));
        for forbidden in FORBIDDEN_DEPENDENCIES {
            assert!(
                !dependencies.contains_key(*forbidden),
                "{name} depends on {forbidden}"
            );
        }
    }
}

#[test]
fn imports_run_one_way() {
    let mut broken = Vec::new();
    for (room, forbidden) in FORBIDDEN {
        for (place, line) in lines_of(room) {
            for other in forbidden
                .split(' ')
                .filter(|other| names(&line, &format!("crate::{other}")))
            {
                broken.push(format!("{place}: {room} names {other}"));
            }
        }
    }
    report(broken);
}

#[test]
fn each_library_stays_in_its_rooms() {
    let mut broken = Vec::new();
    for (library, owners) in OWNERS {
        let owners: Vec<&str> = owners.split(' ').collect();
        let mut used = false;
        for (room, _) in ROOMS {
            for (place, line) in lines_of(room) {
                if names(&line, library)
                    && (line.contains(&format!("{library}::")) || line.contains("use "))
                {
                    used = true;
                    if !owners.contains(room) {
                        broken.push(format!("{place}: {room} names {library}"));
                    }
                }
            }
        }
        assert!(used, "nothing names {library}; update OWNERS");
    }
    report(broken);
}

/// What would make a rule depend on how a reason is worded: the code is to be asked.
const ASKS_A_SENTENCE: &[&str] = &[
    ".starts_with(",
    ".ends_with(",
    ".contains(",
    ".eq(",
    " == \"",
    " != \"",
];

/// Places of a text that ask a sentence, or that store a word which is made of a variant's name in the source: whoever
/// renames the variant would change what is stored. Line breaks between the parts of an expression do not matter.
fn asked_sentences(text: &str) -> Vec<String> {
    let code: String = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for reason in ["reason", "reason()", "why.to_string()", "cause"] {
        for (at, _) in code.match_indices(reason) {
            let rest = &code[at + reason.len()..];
            if ASKS_A_SENTENCE.iter().any(|asks| rest.starts_with(asks)) {
                let end = rest
                    .char_indices()
                    .nth(40)
                    .map_or(rest.len(), |(end, _)| end);
                found.push(format!("{reason}{}", &rest[..end]));
            }
        }
    }
    let made_of_a_name = code.match_indices("format!(\"{:?}\"");
    found.extend(made_of_a_name.map(|(_, word)| word.to_owned()));
    found
}

#[test]
fn no_rule_reads_a_sentence() {
    let mut broken = Vec::new();
    for room in [
        "reason",
        "reconcile",
        "render",
        "store",
        "engine",
        "commands",
    ] {
        for path in files(room) {
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let lines: Vec<&str> = code(&text).into_iter().map(|(_, line)| line).collect();
            for what in asked_sentences(&lines.join("\n")) {
                broken.push(format!("{}: {what}", path.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "a rule asks a sentence; ask its code:\n{}",
        broken.join("\n")
    );
}

#[test]
fn the_search_finds_a_question_about_a_sentence_and_no_other() {
    for asks in [
        "hold.reason.starts_with(NAMED)",
        "hold\n    .reason()\n    .contains(\"x\")",
        "hold.why.to_string().ends_with(\"x\")",
        "if hold.reason == \"x\" {",
        "matches!(x, Held(reason) if reason.contains(\"x\"))",
        "cause.is_some_and(|cause| cause.starts_with(UNDO))",
        "kind: format!(\"{:?}\", action.kind).to_lowercase(),",
    ] {
        assert!(!asked_sentences(asks).is_empty(), "{asks}");
    }
    for fine in [
        "escape(&hold.reason())",
        "action.changes.iter().all(|c| c.reason == *reason)",
        "hold.why.is_strangers_marker()",
    ] {
        assert!(asked_sentences(fine).is_empty(), "{fine}");
    }
}

#[test]
fn vendor_field_names_stay_in_their_connector_and_in_the_table_of_fields() {
    let mut broken = Vec::new();
    for room in [
        "model",
        "reconcile",
        "mapping",
        "markup",
        "render",
        "store",
        "engine",
        "connector",
    ] {
        for (place, line) in lines_of(room) {
            if line.contains("\"System.")
                || line.contains("Microsoft.VSTS")
                || line.contains("date_updated")
            {
                broken.push(format!("{place}: {}", line.trim()));
            }
        }
    }
    report(broken);
}

/// Files that may name a single field, each because a rule of it is about that very field. Everything else goes by the
/// row and the kind of whichever field it has before it (`crates/core/src/field.rs`). This list may only become shorter.
const NAME_FIELDS: &[(&str, &str)] = &[
    (
        "crates/core/src/model/item.rs",
        "an item is called by its title",
    ),
    (
        "crates/core/src/reconcile/linked/gone.rs",
        "closing an item sets its state, by its type",
    ),
    (
        "crates/core/src/reconcile/origin.rs",
        "an unproven copy is known by its title",
    ),
    (
        "crates/core/src/reconcile/transit.rs",
        "a state may be reached only through others",
    ),
    (
        "crates/core/src/render/plan/item.rs",
        "a new item is shown by its title",
    ),
    (
        "src/engine/strangers.rs",
        "a state is one of those of a type of work items",
    ),
    (
        "src/views/conflicts.rs",
        "types are synced only where the pair has rows for them",
    ),
    (
        "src/views/why.rs",
        "which fields an item cannot have depends on its type",
    ),
    ("src/azure/patch.rs", "a state has its own requests"),
    ("src/azure/read.rs", "the states of a type are asked for"),
    ("src/azure/retype.rs", "a change of type is what is refused"),
    (
        "src/azure/sweep.rs",
        "a renamed tag changes items without a revision",
    ),
    (
        "src/azure/write.rs",
        "type and state decide how an item is made; without a title it is not",
    ),
    ("src/clickup.rs", "the marker stands in the description"),
    (
        "src/clickup/api.rs",
        "type names are looked up only where types are synced",
    ),
    (
        "src/clickup/convert.rs",
        "the raw description holds the footer",
    ),
    (
        "src/clickup/failure.rs",
        "codes that ClickUp has for one field each",
    ),
    (
        "src/clickup/schema.rs",
        "a space may allow one assignee per task",
    ),
    (
        "src/clickup/write.rs",
        "status, type and people are looked up first, the description has a footer",
    ),
    (
        "src/clickup/write/calls.rs",
        "tags have requests of their own",
    ),
    (
        "src/clickup/write/second.rs",
        "a create may not take its status",
    ),
    (
        "src/commands/check/compare.rs",
        "states that can't be reached",
    ),
    (
        "src/commands/types.rs",
        "the states of a type are the options of its state",
    ),
    (
        "src/commands/rules.rs",
        "types are proposed only where the pair has a table",
    ),
    (
        "src/config/pairs.rs",
        "the title can't be switched off, and types need a table",
    ),
    (
        "src/connector/answer.rs",
        "a recurring task's status moves on by itself",
    ),
    (
        "src/connector/stranger.rs",
        "an answer with another title is about another item",
    ),
    (
        "src/engine/apply.rs",
        "a new item's footer names the type of its source",
    ),
    (
        "src/engine/apply/left_out.rs",
        "a create that is refused for its state",
    ),
    (
        "src/engine/apply/rails.rs",
        "a close writes the state even where states are not synced",
    ),
    (
        "crates/core/src/reconcile/linked.rs",
        "an item that is renamed is called by its new name",
    ),
    (
        "crates/core/src/reason/rail.rs",
        "a refused assignee may need a row of people",
    ),
    (
        "src/commands/check.rs",
        "the people of a pair are looked for where assignees are synced",
    ),
    (
        "src/engine/apply/unanswered.rs",
        "the steps to a state are noted before they are sent",
    ),
    (
        "src/engine/deeds/links.rs",
        "two items are linked where a row names their types",
    ),
    (
        "crates/core/src/reconcile/policy.rs",
        "which fields a new work item can have depends on its type",
    ),
    (
        "src/engine/observe/closing.rs",
        "what a type has no place for is asked of its type",
    ),
    (
        "src/engine/observe/retyped.rs",
        "a change of type empties fields",
    ),
    (
        "src/engine/recover.rs",
        "a lost create is looked for by its title, and may stand at a state of its own steps",
    ),
    (
        "src/store/conflicts.rs",
        "conflicts are sorted by the item's title",
    ),
    (
        "src/views.rs",
        "an item is called by the title that was read or written last",
    ),
];

/// The fields that a line names, leaving out `FieldKey::Custom` and the list of all.
fn named_fields(line: &str) -> usize {
    let names = line.match_indices("FieldKey::");
    let names = names.filter_map(|(at, found)| {
        let rest = &line[at + found.len()..];
        let word: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let variant = word.starts_with(|c: char| c.is_uppercase()) && word != "BUILT_IN";
        (variant && word != "Custom").then_some(word)
    });
    names.count()
}

#[test]
fn single_fields_are_named_only_where_a_rule_is_about_that_field() {
    let rooms = ROOMS.iter().map(|(room, _)| *room);
    let rooms = rooms.filter(|room| !matches!(*room, "field" | "sandbox" | "markup"));
    let mut naming = std::collections::BTreeSet::new();
    for (place, line) in rooms.flat_map(lines_of) {
        if named_fields(&line) > 0 {
            let (file, _) = place.rsplit_once(':').unwrap();
            let below = Path::new(file).strip_prefix(root()).unwrap();
            naming.insert(below.to_str().unwrap().to_owned());
        }
    }
    let allowed: std::collections::BTreeSet<String> = NAME_FIELDS
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    let new: Vec<&String> = naming.difference(&allowed).collect();
    assert!(
        new.is_empty(),
        "these name single fields; ask the field's row or kind instead: {new:?}"
    );
    let gone: Vec<&String> = allowed.difference(&naming).collect();
    assert!(gone.is_empty(), "take these out of NAME_FIELDS: {gone:?}");
}

#[test]
fn the_search_for_fields_knows_a_key_from_a_list_or_a_type() {
    assert_eq!(named_fields("if *key == FieldKey::Tags {"), 1);
    assert_eq!(named_fields("FieldKey::Title | FieldKey::Type => x"), 2);
    assert_eq!(
        named_fields("FieldKey::Custom(_) | FieldKey::BUILT_IN | FieldKey::row"),
        0
    );
}

#[test]
fn the_search_finds_a_named_room_and_no_longer_name() {
    assert!(names("use crate::store::Store;", "crate::store"));
    assert!(names("    let x = crate::store;", "crate::store"));
    assert!(!names("use crate::storehouse::Store;", "crate::store"));
    assert!(names("fn of(e: rusqlite::Error) {", "rusqlite"));
    assert!(!names("use boardsync_toml::x;", "toml"));
}

#[test]
fn test_code_is_left_out_and_what_follows_it_is_not() {
    let text = "a\n#[cfg(test)]\nmod tests;\nb\n#[cfg(test)]\nmod inner {\n    x\n}\nc\n// d\n";
    assert_eq!(code(text), [(1, "a"), (4, "b"), (9, "c")]);
}
