//! `[[pair]]` tables turned into pairs, with the rules that hold between them.

use super::diagnostic::{Problem, Problems, nearest};
use super::raw::Reader;
use super::{
    AdoScope, ClickUpScope, ConflictPolicy, CreateSide, Direction, Field, OnDelete, Pair, Parents,
    rules,
};
use crate::field::Wanted;
use crate::model::{FieldKey, PairName};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

type Set<'a> = &'a dyn Fn(&str) -> Option<String>;
type Rows = Vec<(String, String)>;

const CREATE: &[(&str, CreateSide)] = &[
    ("both", CreateSide::Both),
    ("ado", CreateSide::Ado),
    ("clickup", CreateSide::ClickUp),
    ("none", CreateSide::None),
];
const ON_DELETE: &[(&str, OnDelete)] = &[
    ("unlink", OnDelete::Unlink),
    ("close", OnDelete::Close),
    ("delete", OnDelete::Delete),
];
const PARENTS: &[(&str, Parents)] = &[("new", Parents::New), ("none", Parents::None)];
const CONFLICT: &[(&str, ConflictPolicy)] = &[
    ("ado", ConflictPolicy::Ado),
    ("clickup", ConflictPolicy::ClickUp),
    ("hold", ConflictPolicy::Hold),
];
/// `none` switches a field off that is on by default.
const DIRECTION: &[(&str, Option<Direction>)] = &[
    ("both", Some(Direction::Both)),
    ("to_ado", Some(Direction::ToAdo)),
    ("to_clickup", Some(Direction::ToClickUp)),
    ("none", None),
];

/// Reads every pair. At least one is needed.
pub(super) fn pairs(root: &Reader<'_>, set: Set<'_>, problems: &Problems) -> Vec<Pair> {
    let tables = root.tables("pair", "pair");
    if tables.is_empty() && root.place_of("pair").is_none() {
        root.missing(
            "pair",
            "add a [[pair]] with a name, ado.project and clickup.list",
        );
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut watched: Vec<Pair> = Vec::new();
    for table in &tables {
        if let Some(name) = table.string("name")
            && !names.insert(name.get_ref().to_lowercase())
        {
            problems.push(Problem::new(
                name.span(),
                format!("a second pair is named `{}`", name.get_ref()),
                "pair names tell pairs apart in the database; choose another",
            ));
        }
        let Some(pair) = pair(table, set, problems) else {
            continue;
        };
        for other in &watched {
            if let Some(list) = overlap(&pair, other) {
                problems.push(Problem::new(
                    table.table("clickup", "pair.clickup").at,
                    format!(
                        "pair `{}` already watches list {list} for the same work items",
                        other.name
                    ),
                    "give each pair lists of its own, or areas that do not contain each other",
                ));
            }
        }
        watched.push(pair);
    }
    watched
}

/// Returns a list that both pairs watch while their work items may be the same ones.
fn overlap<'a>(one: &'a Pair, two: &Pair) -> Option<&'a str> {
    let same_project = one.ado.project.eq_ignore_ascii_case(&two.ado.project);
    let inside = |outer: &str, inner: &str| {
        let (outer, inner) = (outer.to_lowercase(), inner.to_lowercase());
        inner == outer || inner.starts_with(&format!("{outer}\\"))
    };
    let areas_meet = match (&one.ado.area, &two.ado.area) {
        (Some(a), Some(b)) => inside(a, b) || inside(b, a),
        _ => true,
    };
    // Conditions and assignees may keep the pairs apart; nobody can tell from the text alone.
    let alike = one.ado.condition == two.ado.condition
        || one.ado.condition.is_none()
        || two.ado.condition.is_none();
    if !(same_project && areas_meet && alike) {
        return None;
    }
    one.clickup
        .lists
        .iter()
        .find(|list| two.clickup.lists.contains(list))
        .map(String::as_str)
}

fn pair(table: &Reader<'_>, set: Set<'_>, problems: &Problems) -> Option<Pair> {
    let name = table.string("name");
    match &name {
        Some(name) if !is_name(name.get_ref()) => problems.push(Problem::new(
            name.span(),
            "a pair's name may hold letters, digits, `-`, `_` and `.` only",
            "it appears in file names, in metrics and on the command line; for example \"web\"",
        )),
        Some(_) => {}
        None if table.place_of("name").is_some() => {}
        None => table.missing("name", "add a short name, for example name = \"web\""),
    }
    let ado = ado_scope(table, set, problems);
    let clickup = clickup_scope(table, problems);
    let types = rows(table, "types", problems);
    let states = rows(table, "states", problems);
    let people = people(table, problems);
    let create = table.choice("create", CREATE).unwrap_or(CreateSide::Both);
    let on_delete = table
        .choice("on_delete", ON_DELETE)
        .unwrap_or(OnDelete::Unlink);
    let conflict = table
        .choice("conflict", CONFLICT)
        .unwrap_or(ConflictPolicy::Ado);
    let parents = table.choice("parents", PARENTS).unwrap_or_default();
    let backlink = table.flag("backlink").unwrap_or(true);
    let fields = fields(table, !types.is_empty(), problems);
    Some(Pair {
        name: PairName(name?.into_inner()),
        fingerprint: String::new(),
        ado: ado?,
        clickup: clickup?,
        create,
        on_delete,
        conflict,
        parents,
        backlink,
        types,
        states,
        people,
        fields,
    })
}

fn is_name(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

fn ado_scope(table: &Reader<'_>, set: Set<'_>, problems: &Problems) -> Option<AdoScope> {
    let ado = table.table("ado", "pair.ado");
    let project = match ado.string("project") {
        Some(project) => Some(project.into_inner()),
        None if ado.place_of("project").is_some() => None,
        None => set("ADO_PROJECT").or_else(|| {
            ado.missing("project", "add ado.project = \"NAME\" or set ADO_PROJECT");
            None
        }),
    };
    let area = ado.string("area").map(|area| {
        let path = area.get_ref().as_str();
        let parts = path.split('\\').map(str::trim);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let trimmed = path.trim_matches('\\');
        if trimmed != path || path.split('\\').any(|part| part.trim().is_empty()) {
            let what = match trimmed == path {
                false => "an area path neither begins nor ends with a backslash",
                // Doubled as within double quotes, where it need not be.
                true => "an area path has one backslash between two names",
            };
            let meant = parts.join("\\");
            let help = match (parts.is_empty(), trimmed == path) {
                (true, _) => "leave ado.area out to take the whole project".to_owned(),
                (false, false) => format!("drop it: ado.area = '{meant}'"),
                (false, true) => format!("write ado.area = '{meant}'"),
            };
            problems.push(Problem::new(area.span(), what, help));
        } else if path.contains('/') && !path.contains('\\') {
            problems.push(Problem::new(
                area.span(),
                "an area path is written with backslashes",
                format!("write ado.area = '{}'", path.replace('/', "\\")),
            ));
        } else if let Some(project) = &project {
            let root = trimmed.split('\\').next().unwrap_or_default();
            if !root.eq_ignore_ascii_case(project) {
                problems.push(Problem::new(
                    area.span(),
                    format!("the area path does not begin with the project `{project}`"),
                    format!("write ado.area = '{project}\\{trimmed}'"),
                ));
            }
        }
        trimmed.to_owned()
    });
    let condition = ado.string("where").map(|text| {
        if let Some((what, help)) = rules::condition_fault(text.get_ref()) {
            problems.push(Problem::new(text.span(), what, help));
        }
        text.into_inner()
    });
    let canary = ado.number("canary", 1..=u32::MAX);
    Some(AdoScope {
        canary: canary.map(|id| id.to_string()),
        area,
        condition,
        assigned_to: ado
            .string("assigned_to")
            .map(Spanned::into_inner)
            .or_else(|| set("ADO_ASSIGNED_TO")),
        project: project?,
    })
}

fn clickup_scope(table: &Reader<'_>, problems: &Problems) -> Option<ClickUpScope> {
    let clickup = table.table("clickup", "pair.clickup");
    let list = clickup.string("list");
    let more = clickup.strings("lists");
    if list.is_none() && clickup.place_of("list").is_none() {
        clickup.missing(
            "list",
            "add clickup.list = \"NUMBER\": new tasks are created there, clickup.lists only widens what is watched",
        );
    }
    for id in list.iter().chain(&more) {
        if !rules::is_number(id.get_ref()) {
            problems.push(Problem::new(
                id.span(),
                "a ClickUp list is named by its number",
                "it is the number behind /li/ in the list's address",
            ));
        }
    }
    let marker: Option<String> = clickup.string("marker").and_then(|marker| {
        match marker.get_ref().strip_prefix("custom:").map(str::trim) {
            Some(name) if !name.is_empty() => {
                problems.push(Problem::new(
                    marker.span(),
                    "a custom field for the marker is not supported yet",
                    "leave clickup.marker out: the marker then stands in one line of the description",
                ));
                None
            }
            _ => {
                problems.push(Problem::new(
                    marker.span(),
                    "`marker` must name a custom field",
                    "write clickup.marker = \"custom:NAME\", or leave it out for a line in the description",
                ));
                None
            }
        }
    });
    let list = list?.into_inner();
    let rest: BTreeSet<String> = more.into_iter().map(Spanned::into_inner).collect();
    let others = rest.into_iter().filter(|id| *id != list);
    let canary = clickup.string("canary").map(|id| {
        if !id.get_ref().chars().all(|c| c.is_ascii_alphanumeric()) {
            problems.push(Problem::new(
                id.span(),
                "`canary` must be the id of a task",
                "it is the last part of the task's address, such as 86abc123x; custom ids with a dash are not taken",
            ));
        }
        id.into_inner()
    });
    Some(ClickUpScope {
        canary,
        lists: std::iter::once(list.clone()).chain(others).collect(),
        list,
        marker,
    })
}

fn rows(table: &Reader<'_>, key: &str, problems: &Problems) -> Rows {
    let mut seen = BTreeSet::new();
    let mut found = Rows::new();
    for row in table.rows(key) {
        let (ado, clickup) = row.get_ref();
        if !seen.insert((ado.to_lowercase(), clickup.to_lowercase())) {
            problems.push(Problem::new(
                row.span(),
                format!("this row of `{key}` stands there twice"),
                "remove one of them",
            ));
        }
        found.push(row.into_inner());
    }
    found
}

fn people(table: &Reader<'_>, problems: &Problems) -> Rows {
    let (mut ado_taken, mut clickup_taken) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Rows::new();
    for row in table.rows("people") {
        let (ado, clickup) = row.get_ref();
        let twice = !ado_taken.insert(ado.to_lowercase());
        if !clickup_taken.insert(clickup.to_lowercase()) || twice {
            problems.push(Problem::new(
                row.span(),
                "a person stands in two rows of `people`",
                "one row per person: an assignment must have one translation each way",
            ));
        }
        found.push(row.into_inner());
    }
    found.sort();
    found
}

/// A synced field; `named` is the reference name that its entry gives it.
fn field(
    key: FieldKey,
    direction: Direction,
    named: Option<String>,
    conflict: Option<ConflictPolicy>,
    values: Rows,
) -> Field {
    let Wanted { direction, ado, .. } = Wanted::new(&key, direction, named);
    Field {
        values,
        time: false,
        scale: None,
        key,
        ado,
        direction,
        conflict,
    }
}

fn fields(table: &Reader<'_>, types_given: bool, problems: &Problems) -> Vec<Field> {
    let mut chosen: BTreeMap<FieldKey, Option<Field>> = BTreeMap::new();
    for entry in table.tables("field", "pair.field") {
        let ado = entry.string("ado");
        let direction = entry
            .choice("direction", DIRECTION)
            .unwrap_or(Some(Direction::Both));
        let conflict = entry.choice("conflict", CONFLICT);
        // Before the other name, so that an entry with two wrong ones has both named.
        if let Some(name) = ado
            .as_ref()
            .filter(|name| !rules::is_reference_name(name.get_ref()))
        {
            problems.push(Problem::new(
                name.span(),
                "`ado` must be a field's reference name",
                "reference names have dots and no blanks, for example \"Microsoft.VSTS.Scheduling.Effort\"",
            ));
        }
        let Some(key) = field_key(&entry, problems) else {
            continue;
        };
        let at = entry.place_of("clickup").unwrap_or(entry.at.clone());
        if key == FieldKey::Title && direction.is_none() {
            problems.push(Problem::new(
                at.clone(),
                "`title` cannot be switched off",
                "nothing can be created without a title; use direction = \"to_ado\" or \"to_clickup\"",
            ));
        }
        if key == FieldKey::Type && direction.is_some() && !types_given {
            problems.push(Problem::new(
                at.clone(),
                "`type` needs the pair's `types` table",
                "add types = [[\"User Story\", \"Task\"]] to the pair",
            ));
        }
        let values = rows(&entry, "values", problems);
        if let FieldKey::Custom(name) = &key {
            custom(&entry, name, ado.is_some(), problems);
        } else {
            for name in ["values", "time", "scale"] {
                if let Some(at) = entry.place_of(name) {
                    problems.push(Problem::new(
                        at,
                        format!("`{name}` is for custom fields, and `{key}` is none"),
                        "remove it; states and types have tables of their own in the pair",
                    ));
                }
            }
        }
        let named = ado.map(Spanned::into_inner);
        let (time, scale) = (entry.flag("time").unwrap_or(false), scale(&entry, problems));
        let entered = direction.map(|direction| Field {
            time,
            scale,
            ..field(key.clone(), direction, named, conflict, values)
        });
        let twice = chosen
            .keys()
            .any(|own| own.to_string().to_lowercase() == key.to_string().to_lowercase());
        if chosen.insert(key.clone(), entered).is_some() || twice {
            problems.push(Problem::new(
                at,
                format!("the pair has two entries for `{key}`"),
                "keep one [[pair.field]] per field",
            ));
        }
    }
    let on = |key: &FieldKey| key.row().unasked || (*key == FieldKey::Type && types_given);
    let mut fields: Vec<Field> = FieldKey::BUILT_IN
        .into_iter()
        .filter_map(|key| match chosen.remove(&key) {
            Some(entry) => entry,
            None => on(&key).then(|| field(key, Direction::Both, None, None, Rows::new())),
        })
        .collect();
    for custom in chosen.into_values().flatten() {
        taken_by_another(table, &custom, &fields, problems);
        fields.push(custom);
    }
    fields
}

/// How many parts of a currency make one; an amount is counted in whole ones or in hundredths.
fn scale(entry: &Reader<'_>, problems: &Problems) -> Option<i64> {
    let scale = entry.number("scale", 1..=100)?;
    if let (2..=99, Some(at)) = (scale, entry.place_of("scale")) {
        problems.push(Problem::new(
            at,
            "`scale` is 1 or 100",
            "write 100 where ClickUp shows 1.00 for what its API calls 100, and 1 where both are the same",
        ));
    }
    Some(i64::from(scale))
}

/// Checks what only an entry of a custom field has.
fn custom(entry: &Reader<'_>, name: &str, has_ado: bool, problems: &Problems) {
    let at = entry.place_of("clickup").unwrap_or(entry.at.clone());
    if name.trim().is_empty() {
        problems.push(Problem::new(
            at.clone(),
            "`custom:` names no custom field",
            "write the field's name behind it, for example clickup = \"custom:Severity\"",
        ));
    }
    if let Some(id) = name.strip_prefix('#')
        && !rules::is_uuid(id)
    {
        problems.push(Problem::new(
            at,
            format!("`{id}` is not the id of a custom field"),
            "write its UUID behind the #, such as custom:#0f7c1c5e-5d0e-4e58-9d3f-000000000001, or the field's name without a #",
        ));
    }
    if !has_ado && entry.place_of("ado").is_none() {
        entry.missing(
            "ado",
            "name the field in Azure DevOps, for example ado = \"Microsoft.VSTS.Common.Severity\"",
        );
    }
}

/// Refuses a custom field whose field in Azure DevOps another entry of the pair holds already.
fn taken_by_another(table: &Reader<'_>, custom: &Field, others: &[Field], problems: &Problems) {
    let same = |one: &String| {
        let mut names = custom.ado.iter();
        names.any(|name| name.eq_ignore_ascii_case(one))
    };
    let held = |other: &&Field| match other.ado.is_empty() {
        true => {
            let mut usual = other.key.row().ado.names.iter();
            usual.any(|name| same(&(*name).to_owned()))
        }
        false => other.ado.iter().any(same),
    };
    let Some(other) = others.iter().find(held) else {
        return;
    };
    let entries = table.tables("field", "pair.field");
    let mut entries = entries.iter();
    let entry = entries.find(|entry| {
        let name = entry.string("clickup");
        name.is_some_and(|name| *name.get_ref() == custom.key.to_string())
    });
    let at = entry.and_then(|entry| entry.place_of("ado"));
    problems.push(Problem::new(
        at.unwrap_or(table.at.clone()),
        format!("`{}` holds this field of Azure DevOps already", other.key),
        format!(
            "one field of Azure DevOps has one counterpart: remove this entry, or switch `{}` off with direction = \"none\"",
            other.key
        ),
    ));
}

fn field_key(entry: &Reader<'_>, problems: &Problems) -> Option<FieldKey> {
    let Some(name) = entry.string("clickup") else {
        if entry.place_of("clickup").is_none() {
            entry.missing(
                "clickup",
                "name the field, for example clickup = \"points\"",
            );
        }
        return None;
    };
    match name.get_ref().parse() {
        Ok(FieldKey::Custom(custom)) => Some(FieldKey::Custom(custom.trim().to_owned())),
        Ok(key) => Some(key),
        Err(_) => {
            let known: Vec<String> = FieldKey::BUILT_IN.iter().map(ToString::to_string).collect();
            let written = name.get_ref().to_lowercase();
            let rows = FieldKey::BUILT_IN.iter().map(FieldKey::row);
            let meant = rows.filter(|row| row.also.contains(&written.as_str()));
            let alias = meant
                .map(|row| row.word)
                .next()
                .or_else(|| nearest(name.get_ref(), known.iter().map(String::as_str)));
            problems.push(Problem::new(
                name.span(),
                format!(
                    "`{}` is not a ClickUp field that can be synced",
                    name.get_ref()
                ),
                alias.map_or_else(
                    || format!("known fields: {}", known.join(", ")),
                    |near| format!("did you mean \"{near}\"?"),
                ),
            ));
            None
        }
    }
}
