//! `check`: the configuration, then the live vocabulary and the rights of both tokens. Saves nothing anywhere.

mod compare;
mod fields;

use super::types::mapped_kinds;
use super::{Context, Failure, claims, note, print, print_json, setup};
use crate::cli::ExitCode;
use crate::config::{Config, CreateSide, Direction, Field, Pair, Place, Places};
use crate::connector::{ConnectorError, ErrorKind, Schema, SchemaFinding, Setting};
use crate::engine::stop::stop_file_stands;
use crate::model::{FieldKey, Folded, PairName, Side, Sided};
use crate::render;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Weight {
    /// Worth knowing, stops nothing.
    Warning,
    /// The configuration asks for something that a service does not have.
    Configuration,
    /// A token lacks a right.
    Rights,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    kind: Weight,
    text: String,
    /// Whether the pair stands still until it is mended. Else cycles go on, and hold only what the finding is about.
    stops: bool,
    /// Whether it is about one field, which alone stands still.
    #[serde(skip)]
    of_field: bool,
    /// Where the configuration says it; `None`: at no one place.
    #[serde(flatten)]
    place: Option<Where>,
}

/// A place in the configuration's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Where {
    file: String,
    /// Counted from 1, as the column.
    line: usize,
    column: usize,
}

/// A value that the configuration of a pair has under a key, about one of the sides.
struct At<'a> {
    pair: &'a PairName,
    key: &'a str,
    side: Side,
    value: &'a str,
}

impl From<Place> for Where {
    fn from(place: Place) -> Where {
        Where {
            file: place.file,
            line: place.line,
            column: place.column,
        }
    }
}

impl std::fmt::Display for Where {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What was found so far.
#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
    /// The file of the configuration; `None`: findings are told without their place.
    places: Option<Places>,
    /// Types of which Azure DevOps validated a new item without saving it.
    validated: BTreeSet<String>,
    /// What the canary of each pair says about whose it is.
    claims: Vec<String>,
    /// Sides that are not asked again: their token was refused altogether, or they gave no usable answer.
    silent: BTreeSet<Side>,
    /// Why a side gave no usable answer. What could not be compared for that is not known to be right.
    failed: Vec<ConnectorError>,
}

impl Report {
    fn add(&mut self, kind: Weight, text: impl Into<String>) {
        self.push(kind, text.into(), kind != Weight::Warning, None);
    }

    /// Adds an error of the configuration that is about some items alone: a name in a table that the service does not have.
    fn add_beside(&mut self, text: impl Into<String>) {
        self.push(Weight::Configuration, text.into(), false, None);
    }

    /// Adds an error about a value of the configuration. `stops`: as in [`Finding`].
    fn add_at(&mut self, at: &At<'_>, text: String, stops: bool) {
        let place = self.place(at);
        self.push(Weight::Configuration, text, stops, place);
    }

    /// Adds an error of the configuration that is about one field: that alone stands still.
    fn add_of_field(&mut self, at: &At<'_>, text: String) {
        let place = self.place(at);
        self.push_of_field(text, place);
    }

    fn push_of_field(&mut self, text: String, place: Option<Where>) {
        self.push_finding(Finding {
            kind: Weight::Configuration,
            text,
            stops: false,
            of_field: true,
            place,
        });
    }

    /// Where a value stands in the configuration's file.
    fn place(&self, at: &At<'_>) -> Option<Where> {
        let places = self.places.as_ref()?;
        let place = places.find(at.pair, at.key, at.side, at.value)?;
        Some(Where::from(place))
    }

    fn push(&mut self, kind: Weight, text: String, stops: bool, place: Option<Where>) {
        self.push_finding(Finding {
            kind,
            text,
            stops,
            of_field: false,
            place,
        });
    }

    fn push_finding(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Leaves a side alone that gave no usable answer; the other one is still compared with.
    fn leave(&mut self, side: Side, error: ConnectorError) -> Result<(), ConnectorError> {
        if error.kind == ErrorKind::Cancelled {
            return Err(error);
        }
        self.silent.insert(side);
        self.failed.push(error);
        Ok(())
    }

    /// Returns the sides that gave no usable answer as one failure, with what else was found as its problems. `None`: both
    /// answered. `file`: the configuration's.
    fn failure(&self, file: &Path) -> Option<Failure> {
        let mut failures = self.failed.iter().cloned().map(Failure::from);
        let first = failures.next()?;
        let all = failures.fold(first, |all, one| all.and(&one));
        let errors = self.findings.iter();
        let errors = errors.filter(|finding| finding.kind != Weight::Warning);
        let problem = |finding: &Finding| {
            let place = finding.place.as_ref();
            let file = place.map_or_else(|| file.display().to_string(), |at| at.file.clone());
            json!({
                "file": file, "line": place.map(|at| at.line), "column": place.map(|at| at.column), "what": finding.text,
                "help": null,
            })
        };
        Some(Failure {
            problems: errors.map(problem).collect(),
            ..all
        })
    }

    fn count(&self, kind: Weight) -> usize {
        self.findings.iter().filter(|f| f.kind == kind).count()
    }

    /// Missing rights come first: what else was found may follow from them.
    fn code(&self) -> ExitCode {
        if self.count(Weight::Rights) > 0 {
            ExitCode::Credentials
        } else if self.count(Weight::Configuration) > 0 {
            ExitCode::Config
        } else {
            ExitCode::Done
        }
    }
}

const FILE_FIRST: &str = "Neither service was asked: that is done once the file has no error.";

/// Checks the configuration, and with `offline = false` compares it with both services.
pub async fn check(context: &Context, offline: bool) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref()).map_err(|mut failure| {
        // Else a reader takes the list for all that there is.
        if !offline && !failure.problems.is_empty() {
            failure.message.push_str("\n\n");
            failure.message.push_str(FILE_FIRST);
        }
        failure
    })?;
    let mut report = Report {
        places: Some(Places::of(&config)),
        ..Report::default()
    };
    compare::overlaps(&config.pairs, &mut report);
    if let Some(why) = switched_off(&config) {
        report.add(Weight::Warning, why);
    }
    if !offline {
        let services = setup::connect(&config, &CancellationToken::new())?;
        for pair in &config.pairs {
            look_at(pair, &services, &mut report).await?;
            if pair.ado.canary.is_some() && !report.silent.contains(&Side::Ado) {
                claim_on(&config, pair, &services, &mut report).await?;
            }
        }
    }
    if let Some(failure) = report.failure(&config.path) {
        if !context.global.json {
            list(&report);
        }
        return Err(failure);
    }
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "ok": report.code() == ExitCode::Done, "warnings": config.warnings,
            "findings": report.findings, "claims": report.claims, "validated": report.validated, "pairs": config.pairs.len(),
        }));
    } else {
        show(context, &config, &report, offline);
    }
    Ok(report.code())
}

/// Why nothing would be written now, however good the configuration is; `None`: it would be.
pub(super) fn switched_off(config: &Config) -> Option<String> {
    let stop = &config.state.stop_file;
    if stop_file_stands(stop) {
        let text = "is there: nothing is written to either service; remove it to go on";
        return Some(format!("the file {} {text}", stop.display()));
    }
    let text = "[guard] read_only = true: nothing is written to either service";
    config.guard.read_only.then(|| text.to_owned())
}

/// Prints what was found, on one line each.
fn list(report: &Report) {
    for finding in &report.findings {
        let weight = match finding.kind {
            Weight::Warning => "warning",
            Weight::Configuration | Weight::Rights => "error",
        };
        let place = finding.place.as_ref();
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        let text = format!("{place}{weight}: {}", finding.text);
        // On one line each, as whoever jumps to such places reads them.
        print(&format!("{}\n", render::escape(&text)));
    }
}

fn show(context: &Context, config: &Config, report: &Report, offline: bool) {
    list(report);
    for claim in &report.claims {
        print(&render::hanging(claim, 4, &context.style));
    }
    if !report.validated.is_empty() && !context.global.quiet {
        let types: Vec<&str> = report.validated.iter().map(String::as_str).collect();
        note(&format!(
            "ADO was asked to validate a new {}; nothing was saved\n",
            render::escape(&types.join(", "))
        ));
    }
    go_on_beside(report);
    let pairs = render::plural(config.pairs.len(), "pair", "pairs");
    let path = config.path.display();
    let rights = report.count(Weight::Rights);
    let errors = report.count(Weight::Configuration) + rights;
    let counted = render::plural(errors, "error", "errors");
    print(&match (errors, offline) {
        (0, true) => format!("{path}: the configuration is well-formed ({pairs})\n"),
        (0, false) => format!("{path}: the configuration fits both services ({pairs})\n"),
        // The file itself may be as it should be.
        (errors, _) if errors == rights => {
            format!("{counted}: a service refuses what {path} needs\n")
        }
        (_, _) => format!("{path}: {counted}\n"),
    });
}

/// Says of the errors that stop no cycle what they keep back all the same.
fn go_on_beside(report: &Report) {
    let beside = report.findings.iter();
    let beside = beside.filter(|finding| finding.kind == Weight::Configuration && !finding.stops);
    let (fields, items): (Vec<_>, Vec<_>) = beside.partition(|finding| finding.of_field);
    let kept = [
        (
            fields.len(),
            "only the field that it is about stands still, and the rest of the pair goes on",
            "only the fields that they are about stand still, and the rest of the pair goes on",
        ),
        (
            items.len(),
            "it goes on, and holds only the items whose type, state or person such a row was meant for",
            "it goes on, and holds only the items whose types, states or people such rows were meant for",
        ),
    ];
    for (count, one, many) in kept {
        let (these, kept) = match count {
            0 => continue,
            1 => ("one of these errors does".to_owned(), one),
            n => (format!("{n} of these errors do"), many),
        };
        print(&format!("{these} not stop `boardsync reconcile`: {kept}\n"));
    }
}

/// Reads what both services say about a pair and compares.
async fn look_at(
    pair: &Pair,
    services: &setup::Services,
    report: &mut Report,
) -> Result<(), Failure> {
    let schema = Sided {
        ado: fetch(pair, Side::Ado, services, report).await?,
        clickup: fetch(pair, Side::ClickUp, services, report).await?,
    };
    let name = &pair.name;
    let ado = schema.ado.as_ref();
    let area_lost = ado.is_some_and(|ado| compare::lacks_area(pair, ado));
    for side in Side::BOTH {
        let Some(schema) = schema.get(side) else {
            continue;
        };
        for (kind, found) in [
            (Weight::Rights, &schema.missing_rights),
            (Weight::Configuration, &schema.findings),
        ] {
            for SchemaFinding { text, about } in found {
                // What compares the names says that, with those that there are.
                let is_area = about.as_ref().is_some_and(|(key, _)| *key == "area");
                if area_lost && side == Side::Ado && is_area {
                    continue;
                }
                let place = about.as_ref().and_then(|(key, value)| {
                    let place = |key: &str| {
                        report.place(&At {
                            pair: name,
                            key,
                            side,
                            value,
                        })
                    };
                    // A list that is only watched stands under another key.
                    place(key).or_else(|| place(&format!("{key}s")))
                });
                report.push(kind, format!("{name}: {side}: {text}"), true, place);
            }
        }
        for text in &schema.warnings {
            report.add(Weight::Warning, format!("{name}: {side}: {text}"));
        }
    }
    let known = schema.ado.is_some();
    let schema = schema.map(|_, schema| schema.unwrap_or_default());
    let mut idle = Vec::new();
    if !schema.clickup.types.is_empty() && !report.silent.contains(&Side::ClickUp) {
        // Left unknown, each type counts as in use: a warning too many is better than one too few.
        let reader = &services.sources.readers.clickup;
        match reader.fetch_idle_types(name).await {
            Ok(types) => idle = types,
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error.into()),
            Err(_) => {}
        }
    }
    compare::compare(pair, &schema, &idle, report);
    if known && let Err(error) = try_writes(pair, &schema.ado, services, area_lost, report).await {
        report.leave(Side::Ado, error)?;
    }
    Ok(())
}

/// Says whose a pair is. Another installation's is worth knowing and no fault of the configuration; a canary that cannot
/// be read keeps everything from being carried out.
async fn claim_on(
    config: &Config,
    pair: &Pair,
    services: &setup::Services,
    report: &mut Report,
) -> Result<(), Failure> {
    let name = &pair.name;
    let state = setup::open_state_read_only(config)?;
    match claims::live(config, pair, services, &state).await? {
        None => {}
        Some(Ok(live)) if live.ours => report.claims.push(format!("{name}: {}", live.text)),
        Some(Ok(live)) => report.add(Weight::Warning, format!("{name}: {}", live.text)),
        Some(Err(error)) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) => {
            let canary = pair.ado.canary.as_deref().unwrap_or_default();
            report.add_at(
                &At {
                    pair: name,
                    key: "canary",
                    side: Side::Ado,
                    value: canary,
                },
                format!("{name}: ado.canary: {error}"),
                true,
            );
        }
        Some(Err(error)) => report.leave(Side::Ado, error)?,
    }
    Ok(())
}

/// Adds an error about a value of the configuration that a service does not know. What is the same for every pair is said
/// once, and that service is asked for nothing more.
fn unknown(pair: &Pair, setting: Setting, error: &ConnectorError, report: &mut Report) {
    let (side, table, key, variable) = match setting {
        Setting::Project => {
            let at = At {
                pair: &pair.name,
                key: "project",
                side: Side::Ado,
                value: &pair.ado.project,
            };
            // Everything else that is named there has a finding of its own.
            return report.add_at(&at, error.to_string(), true);
        }
        Setting::AdoUrl => (Side::Ado, "ado", "url", "ADO_ORGANIZATION"),
        Setting::Workspace => (
            Side::ClickUp,
            "clickup",
            "workspace",
            "CLICKUP_WORKSPACE_ID",
        ),
    };
    report.silent.insert(side);
    let place = report.places.as_ref();
    let place = place.and_then(|places| places.find_key(table, key));
    let text = match &place {
        Some(_) => error.to_string(),
        None => format!("{error}; {setting} has its value from {variable}"),
    };
    report.push(Weight::Configuration, text, true, place.map(Where::from));
}

/// Returns a side's vocabulary. What concerns only the token or this pair becomes a finding and `None`.
async fn fetch(
    pair: &Pair,
    side: Side,
    services: &setup::Services,
    report: &mut Report,
) -> Result<Option<Schema>, ConnectorError> {
    if report.silent.contains(&side) {
        return Ok(None);
    }
    let error = match services
        .sources
        .readers
        .get(side)
        .fetch_schema(&pair.name)
        .await
    {
        Ok(schema) => return Ok(Some(schema)),
        Err(error) => error,
    };
    if let Some(setting) = error.setting {
        unknown(pair, setting, &error, report);
        return Ok(None);
    }
    match error.kind {
        ErrorKind::Auth => {
            report.silent.insert(side);
            let help = error.hint().unwrap_or_default();
            report.add(Weight::Rights, format!("{error}; {help}"));
        }
        ErrorKind::NotFound | ErrorKind::Refused => {
            let text = format!("{}: {error}", pair.name);
            report.add(Weight::Configuration, text);
        }
        ErrorKind::Unreachable
        | ErrorKind::Ambiguous
        | ErrorKind::Throttled
        | ErrorKind::Stale
        | ErrorKind::Protocol
        | ErrorKind::Cancelled => report.leave(side, error)?,
    }
    Ok(None)
}

/// Has Azure DevOps validate a new item of every mapped type, the only way to learn whether its token may write. Where
/// the pair creates nothing there, one type is enough to tell that, and what rules say about creates is left out. So it is
/// where the area of the pair is not there, for which every new item would be refused.
async fn try_writes(
    pair: &Pair,
    schema: &Schema,
    services: &setup::Services,
    area_lost: bool,
    report: &mut Report,
) -> Result<(), ConnectorError> {
    let creates = matches!(pair.create, CreateSide::Both | CreateSide::Ado) && !area_lost;
    let mut types: Vec<String> = mapped_kinds(pair, schema)
        .iter()
        .map(|kind| kind.name.clone())
        .collect();
    if pair.types.is_empty() {
        // The type of created items that name none.
        types.retain(|name| Folded::new(name).key == "task");
    }
    if !creates {
        types.truncate(1);
    }
    let writer = &services.writers.ado;
    let mut may_write = true;
    for objection in writer.fetch_objections(&pair.name, &types).await? {
        let text = format!("{}: {}: {}", pair.name, Side::Ado, objection.text);
        if objection.missing_right {
            may_write = false;
            report.add(Weight::Rights, text);
        } else if creates {
            report.add(Weight::Warning, text);
        }
    }
    let people: Vec<String> = pair.people.iter().map(|(ado, _)| ado.clone()).collect();
    let assigned =
        |field: &Field| field.key == FieldKey::Assignees && field.direction != Direction::ToClickUp;
    let assigns = pair.fields.iter().any(assigned) && !area_lost;
    if let Some(kind) = types.first().filter(|_| may_write && assigns) {
        for (person, said) in writer.fetch_strangers(&pair.name, kind, &people).await? {
            let at = At {
                pair: &pair.name,
                key: "people",
                side: Side::Ado,
                value: &person,
            };
            let text = format!(
                "{}: ADO does not take {person} as an assignee: {said}",
                pair.name
            );
            report.add_at(&at, text, false);
        }
    }
    if !area_lost {
        report.validated.extend(types);
    }
    Ok(())
}
