//! Findings of one pair against vocabularies made up here.

use super::*;
use crate::connector::{SchemaState, SchemaType};
use std::path::Path;

const HEAD: &str = "[ado]\nurl = \"https://dev.azure.com/o\"\npat = { env = \"A\" }\n\
    [clickup]\nworkspace = \"1\"\ntoken = { env = \"C\" }\n\
    [[pair]]\nname = \"web\"\nado.project = \"P\"\nclickup.list = \"2\"\ntypes = [[\"Bug\", \"Bug\"]]\n";

fn pair(more: &str) -> Pair {
    let text = format!("{HEAD}{more}");
    let config = crate::config::parse(Path::new("config.toml"), &text, &|_| None);
    config.unwrap().pairs.remove(0)
}

/// A type whose states are the names in the table; `moves` lists what is allowed.
fn kind(name: &str, moves: &[(&str, &[&str])]) -> SchemaType {
    SchemaType {
        name: name.to_owned(),
        states: moves
            .iter()
            .map(|(state, _)| SchemaState {
                name: (*state).to_owned(),
                category: "InProgress".to_owned(),
            })
            .collect(),
        transitions: moves
            .iter()
            .map(|(from, to)| {
                let to = to.iter().map(|name| (*name).to_owned()).collect();
                ((*from).to_owned(), to)
            })
            .collect(),
        fields: ["Microsoft.VSTS.Common.Priority"].map(str::to_owned).into(),
        ..SchemaType::default()
    }
}

fn found(pair: &Pair, kind: SchemaType, weight: Weight) -> Vec<String> {
    let mut report = Report::default();
    let schema = Sided {
        ado: Schema {
            types: vec![kind],
            ..Schema::default()
        },
        clickup: Schema::default(),
    };
    compare(pair, &schema, &[], &mut report);
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.kind == weight)
        .map(|finding| finding.text)
        .filter(|text| !text.contains("is not kept"))
        .collect()
}

const STATES: &str =
    "states = [[\"New\", \"open\"], [\"Active\", \"doing\"], [\"Closed\", \"done\"]]\n";

#[test]
fn a_move_that_takes_steps_is_a_warning_and_names_them() {
    let bug = kind(
        "Bug",
        &[
            ("New", &["Active"]),
            ("Active", &["New", "Closed"]),
            ("Closed", &["Active", "New"]),
        ],
    );
    assert_eq!(
        found(&pair(STATES), bug.clone(), Weight::Warning),
        [
            "web: ADO type \"Bug\" blocks a direct move, so these are made in steps: New -> Active -> Closed"
        ]
    );
    assert_eq!(found(&pair(STATES), bug, Weight::Configuration), [""; 0]);
}

#[test]
fn a_move_without_any_way_is_an_error() {
    let bug = kind(
        "Bug",
        &[
            ("New", &["Active", "Closed"]),
            ("Active", &["New", "Closed"]),
            ("Closed", &[]),
        ],
    );
    let errors = found(&pair(STATES), bug, Weight::Configuration);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("allows no way for Closed -> New, Closed -> Active;"),
        "{errors:?}"
    );
}

#[test]
fn a_type_that_a_condition_names_and_ado_does_not_have_is_told_with_a_near_one() {
    let warned = |condition: &str| {
        let pair = pair(&format!("ado.where = \"{condition}\"\n"));
        found(&pair, kind("Bug", &[]), Weight::Warning)
    };
    assert_eq!(
        warned("[System.WorkItemType] IN ('Bug', 'Bugg')"),
        [
            "web: ado.where names the type \"bugg\", which ADO does not have; did you mean \"Bug\"? it has: Bug"
        ]
    );
    assert_eq!(warned("[System.WorkItemType] = 'Bug'"), [""; 0]);
}

#[test]
fn types_in_the_scope_that_stand_in_no_row_are_told_and_those_that_a_condition_leaves_out_are_not()
{
    let told = |more: &str| {
        let mut report = Report::default();
        let named = |name: &&str| kind(name, &[]);
        let schema = Sided {
            ado: Schema {
                types: ["Bug", "Epic", "Feature"].iter().map(named).collect(),
                ..Schema::default()
            },
            clickup: Schema {
                types: ["Task", "Bug"].iter().map(named).collect(),
                ..Schema::default()
            },
        };
        unmapped_types(&pair(more), &schema, &[], &mut report);
        let texts = report.findings.into_iter().map(|finding| finding.text);
        texts.collect::<Vec<_>>().join("\n")
    };
    let (ado, clickup) = (
        "ADO types that stand in no row of types: \"Epic\", \"Feature\";",
        "\"Task\"",
    );
    let both = told("");
    assert!(both.contains(ado) && both.contains(clickup), "{both}");
    let narrowed = told("ado.where = \"[System.WorkItemType] = 'Bug'\"\n");
    assert!(
        !narrowed.contains("Epic") && narrowed.contains(clickup),
        "{narrowed}"
    );
    for (condition, some) in [
        ("[System.WorkItemType] IN ('bug', 'Epic')", &["Epic"][..]),
        ("[System.WorkItemType] NOT IN ('Bug','Epic')", &["Feature"]),
        (
            "[System.Tags] CONTAINS 'a' AND [System.WorkItemType] <> 'Epic'",
            &["Feature"],
        ),
        (
            "[System.WorkItemType] IN GROUP 'Microsoft.BugCategory'",
            &[],
        ),
        ("NOT ([System.WorkItemType] = 'Epic')", &[]),
        (
            "[System.WorkItemType] = 'Epic' OR [System.WorkItemType] = 'Bug'",
            &[],
        ),
    ] {
        let text = told(&format!(
            "ado.where = \"{condition}\"\ncreate = \"clickup\"\n"
        ));
        for kind in ["Epic", "Feature", "Bug"] {
            let named = text.contains(&format!("\"{kind}\""));
            assert_eq!(named, some.contains(&kind), "{condition}: {text}");
        }
    }
    let tagged = told("ado.where = \"[System.Tags] CONTAINS 'web'\"\n");
    assert!(tagged.contains(ado), "{tagged}");
    assert_eq!(told("create = \"none\"\n"), "", "they are left alone");
    let mapped = told("ado.where = \"[System.WorkItemType] = 'Bug'\"\ncreate = \"clickup\"\n");
    assert_eq!(mapped, "");
}

#[test]
fn a_state_in_no_row_is_told_whatever_its_category_where_it_would_be_carried_over() {
    let mut bug = kind(
        "Bug",
        &[
            ("New", &[]),
            ("Active", &[]),
            ("Closed", &[]),
            ("Removed", &[]),
        ],
    );
    bug.transitions.clear();
    bug.states[3].category = "Removed".to_owned();
    let told = found(&pair(STATES), bug.clone(), Weight::Warning);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("state \"Removed\"") && told[0].contains("is held"),
        "{told:?}"
    );
    let back = format!("{STATES}[[pair.field]]\nclickup = \"status\"\ndirection = \"to_ado\"\n");
    assert_eq!(found(&pair(&back), bug, Weight::Warning), [""; 0]);
}

#[test]
fn only_states_that_can_be_written_have_to_be_reachable() {
    let bug = kind(
        "Bug",
        &[
            ("New", &["Closed"]),
            ("Resolved", &[]),
            ("Closed", &["New"]),
        ],
    );
    let two = "states = [[\"New\", \"open\"], [\"Closed\", \"done\"], [\"Resolved\", \"done\"]]\n";
    for weight in [Weight::Warning, Weight::Configuration] {
        assert_eq!(found(&pair(two), bug.clone(), weight), [""; 0]);
    }
    let one_way =
        format!("{STATES}[[pair.field]]\nclickup = \"status\"\ndirection = \"to_clickup\"\n");
    let bug = kind("Bug", &[("New", &[]), ("Active", &[]), ("Closed", &[])]);
    assert_eq!(found(&pair(&one_way), bug, Weight::Configuration), [""; 0]);
}

#[test]
fn a_type_without_a_written_state_is_told() {
    let bug = kind("Bug", &[("New", &["Closed"]), ("Closed", &["New"])]);
    let warnings = found(&pair(STATES), bug, Weight::Warning);
    assert_eq!(
        warnings,
        [
            "web: ADO type \"Bug\" has no state \"Active\", so it cannot follow a task to status \"doing\""
        ]
    );
}

#[test]
fn unknown_transitions_are_not_judged() {
    let mut bug = kind("Bug", &[("New", &[]), ("Active", &[]), ("Closed", &[])]);
    bug.transitions.clear();
    assert_eq!(found(&pair(STATES), bug, Weight::Configuration), [""; 0]);
}

#[test]
fn a_field_that_no_type_has_is_told() {
    let mut report = Report::default();
    let more = format!("{STATES}[[pair.field]]\nclickup = \"points\"\nado = \"Custom.Size\"\n");
    let schema = Sided {
        ado: Schema {
            types: vec![kind("Bug", &[])],
            ..Schema::default()
        },
        clickup: Schema::default(),
    };
    compare(&pair(&more), &schema, &[], &mut report);
    let texts: Vec<&str> = report.findings.iter().map(|f| f.text.as_str()).collect();
    assert!(
        texts.contains(&"web: no synced ADO type has Custom.Size, so points is not kept"),
        "{texts:?}"
    );
    assert!(
        !texts.iter().any(|text| text.contains("priority")),
        "{texts:?}"
    );
}

#[test]
fn a_field_that_no_type_has_is_named_whatever_its_name_begins_with() {
    for (field, known) in [
        ("System.Title", true),
        ("system.title", true),
        ("Microsoft.VSTS.Common.Priority", true),
        ("System.Titel", false),
        ("System.Foo", false),
        ("Custom.Points", false),
    ] {
        let row = format!("[[pair.field]]\nado = \"{field}\"\nclickup = \"points\"\n");
        let mut report = Report::default();
        let kinds = kind("Bug", &[]);
        let pair = pair(&row);
        let lacks = (&Schema::default(), &BTreeSet::new());
        fields(&pair, &typed(&pair, &[&kinds]), lacks, &mut report);
        let told = report.findings.iter().any(|found| {
            found.text.contains(&format!("has {field}"))
                && found.text.contains("points is not kept")
        });
        assert_eq!(told, !known, "{field}: {:?}", report.findings);
    }
}
