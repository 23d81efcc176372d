//! Whether an item meets a condition.

use super::super::fields::{FieldDef, Kind};
use super::super::people;
use super::super::reply::Refusal;
use super::super::state::{State, WorkItem};
use super::parse::{Condition, Operand, Operator};
use super::syntax;
use boardsync_core::model::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;

const DAY_MS: i64 = 86_400_000;

/// What macros stand for, and the precision of dates.
#[derive(Debug)]
pub struct Scope<'a> {
    /// Id of the caller.
    pub me: &'a str,
    /// Project in the path.
    pub project: Option<&'a str>,
    pub now: Timestamp,
    /// Whether a literal may have a time (`timePrecision=true`).
    pub time: bool,
}

/// Whether an item meets a condition. Every part is looked at, so that a bad literal is refused whatever the data.
pub fn matches(
    state: &State,
    condition: &Condition,
    item: &WorkItem,
    scope: &Scope<'_>,
) -> Result<bool, Refusal> {
    Ok(match condition {
        Condition::Always => true,
        Condition::All(parts) => {
            let mut all = true;
            for part in parts {
                all &= matches(state, part, item, scope)?;
            }
            all
        }
        Condition::Any(parts) => {
            let mut any = false;
            for part in parts {
                any |= matches(state, part, item, scope)?;
            }
            any
        }
        Condition::Not(inner) => !matches(state, inner, item, scope)?,
        Condition::Compare {
            field,
            operator,
            values,
        } => {
            let mut hits = Vec::new();
            for value in values {
                hits.push(compare(state, field, *operator, value, item, scope)?);
            }
            match operator {
                Operator::NotIn => hits.iter().all(|hit| *hit),
                _ => hits.iter().any(|hit| *hit),
            }
        }
    })
}

/// Refuses a condition with a path that does not exist (any more): the whole query fails, it does not find nothing.
/// Published reports of live accounts, 2025 and 2026: 400 with TF51011.
pub fn check_paths(state: &State, condition: &Condition) -> Result<(), Refusal> {
    match condition {
        Condition::Always => Ok(()),
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().try_for_each(|part| check_paths(state, part))
        }
        Condition::Not(inner) => check_paths(state, inner),
        Condition::Compare {
            field,
            operator: Operator::Under | Operator::NotUnder,
            values,
        } => {
            let area = field.reference == "System.AreaPath";
            let gone = values.iter().find_map(|value| match value {
                Operand::Text(path) if !exists(state, area, path) => Some(path),
                _ => None,
            });
            gone.map_or(Ok(()), |path| {
                let what = if area { "area" } else { "iteration" };
                Err(Refusal::new(
                    400,
                    "SyntaxException",
                    format!(
                        "TF51011: The specified {what} path does not exist. The error is caused by \u{AB}'{path}'\u{BB}."
                    ),
                ))
            })
        }
        Condition::Compare { .. } => Ok(()),
    }
}

fn exists(state: &State, area: bool, path: &str) -> bool {
    let wanted = path.trim_end_matches('\\').to_lowercase();
    state.config.projects.iter().any(|project| {
        let nodes = if area {
            &project.areas
        } else {
            &project.iterations
        };
        let root = project.name.to_lowercase();
        wanted == root
            || nodes
                .iter()
                .any(|node| format!("{root}\\{}", node.to_lowercase()) == wanted)
    })
}

fn compare(
    state: &State,
    field: &FieldDef,
    operator: Operator,
    operand: &Operand,
    item: &WorkItem,
    scope: &Scope<'_>,
) -> Result<bool, Refusal> {
    let stored = item.fields.get(&field.reference);
    match field.kind {
        Kind::DateTime => date(stored, operator, operand, scope),
        Kind::Integer | Kind::Double => {
            let wanted = match operand {
                Operand::Number(number) => Some(*number),
                Operand::Text(text) => text.trim().parse().ok(),
                _ => None,
            };
            let actual = stored.and_then(Value::as_f64);
            Ok(ordered(
                operator,
                actual.zip(wanted).and_then(|(a, b)| a.partial_cmp(&b)),
                actual.is_none(),
            ))
        }
        _ => text(state, field, stored, operator, operand, scope),
    }
}

fn date(
    stored: Option<&Value>,
    operator: Operator,
    operand: &Operand,
    scope: &Scope<'_>,
) -> Result<bool, Refusal> {
    let wanted = match operand {
        Operand::Today(days) => day(scope.now).plus_ms(days.saturating_mul(DAY_MS)),
        Operand::Text(text) if text.is_empty() => {
            return Ok((operator == Operator::Equal) == stored.is_none());
        }
        Operand::Text(text) => {
            let at = instant(text).ok_or_else(|| syntax(format!("Not a date: {text}.")))?;
            if !scope.time && at != day(at) {
                return Err(Refusal::new(
                    400,
                    "WorkItemTrackingQueryDatePrecisionException",
                    "You cannot supply a time with the date when running a query using date precision.",
                ));
            }
            // Two published projects disagree whether fractions are honoured; whole seconds are the worse case.
            Timestamp(at.0 - at.0.rem_euclid(1_000))
        }
        _ => return Err(syntax("A date is needed.")),
    };
    let actual = stored
        .and_then(Value::as_str)
        .and_then(Timestamp::parse_rfc3339);
    let actual = if scope.time { actual } else { actual.map(day) };
    Ok(ordered(
        operator,
        actual.map(|a| a.cmp(&wanted)),
        actual.is_none(),
    ))
}

fn day(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(DAY_MS))
}

/// Parses a date literal; without a zone it is UTC, the time zone of the sandbox's accounts.
pub fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
}

fn ordered(operator: Operator, order: Option<Ordering>, unset: bool) -> bool {
    match operator {
        Operator::Equal | Operator::In => order == Some(Ordering::Equal),
        Operator::NotEqual | Operator::NotIn => unset || order.is_some_and(Ordering::is_ne),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => order.is_some_and(Ordering::is_ge),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => order.is_some_and(Ordering::is_le),
        _ => false,
    }
}

fn text(
    state: &State,
    field: &FieldDef,
    stored: Option<&Value>,
    operator: Operator,
    operand: &Operand,
    scope: &Scope<'_>,
) -> Result<bool, Refusal> {
    let wanted = match operand {
        Operand::Text(text) => text.clone(),
        Operand::Number(number) => number.to_string(),
        Operand::Me => scope.me.to_owned(),
        Operand::Project => match scope.project {
            Some(project) => project.to_owned(),
            None => return Err(syntax("The macro @project needs a project in the address.")),
        },
        Operand::Today(_) => return Err(syntax("@today needs a date field.")),
    };
    let wanted = if field.kind == Kind::Identity {
        people::resolve(&state.config.people, &wanted.clone().into())
            .map_or(wanted, |p| p.id.clone())
    } else {
        wanted
    };
    let actual = stored
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
        .to_lowercase();
    let wanted = wanted.to_lowercase();
    let has = || {
        if field.reference == "System.Tags" {
            actual.split("; ").any(|tag| tag == wanted)
        } else {
            actual.contains(&wanted)
        }
    };
    let under =
        || actual == wanted || actual.starts_with(&format!("{}\\", wanted.trim_end_matches('\\')));
    Ok(match operator {
        Operator::Under | Operator::NotUnder if field.kind != Kind::TreePath => {
            return Err(syntax(format!(
                "UNDER cannot be used with {}.",
                field.reference
            )));
        }
        Operator::Under => under(),
        Operator::NotUnder => !under(),
        Operator::Contains => has(),
        Operator::NotContains => !has(),
        _ => ordered(operator, Some(actual.cmp(&wanted)), actual.is_empty()),
    })
}

/// Sorts rows; equal ones, and rows of a query without ORDER BY, by id.
pub fn order(rows: &mut [WorkItem], by: &[(String, bool)]) {
    rows.sort_by(|a, b| {
        for (field, down) in by {
            let order = weigh(a.fields.get(field), b.fields.get(field));
            if order.is_ne() {
                return if *down { order.reverse() } else { order };
            }
        }
        a.id.cmp(&b.id)
    });
}

fn weigh(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => {
            if let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) {
                return a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            }
            let (a, b) = (a.as_str().unwrap_or(""), b.as_str().unwrap_or(""));
            // Dates have their trailing zeros cut and do not sort as text.
            match (Timestamp::parse_rfc3339(a), Timestamp::parse_rfc3339(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.to_lowercase().cmp(&b.to_lowercase()),
            }
        }
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
