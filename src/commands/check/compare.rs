//! What the configuration names beside what the services have. Pure.

use super::super::rules;
use super::super::types::{Typed, fold, mapped_kinds, typed};
use super::fields::{customs, fields};
use super::{At, Report, Weight};
use crate::azure::allowed_way;
use crate::config::{CreateSide, Pair, did_you_mean};
use crate::connector::Schema;
use crate::field::Direction;
use crate::mapping::Relation;
use crate::model::{FieldKey, Folded, Side, Sided};
use std::collections::BTreeSet;

/// Adds a sentence for everything in the pair that a service does not know or will not do. `idle`: task types that ClickUp
/// has of itself and of which there is no task.
pub(super) fn compare(pair: &Pair, schema: &Sided<Schema>, idle: &[String], report: &mut Report) {
    vocabulary(pair, schema, report);
    unknown_types(pair, &schema.ado, report);
    unmapped_types(pair, schema, idle, report);
    people(pair, &schema.clickup, report);
    let kinds = mapped_kinds(pair, &schema.ado);
    let typed = typed(pair, &kinds);
    let unfit = customs(pair, schema, report);
    fields(pair, &typed, (&schema.ado, &unfit), report);
    states(pair, schema, &typed, report);
}

/// Types, states, statuses and the area.
fn vocabulary(pair: &Pair, schema: &Sided<Schema>, report: &mut Report) {
    // Of what could not be read nobody can say that it is not there.
    let types = schema.as_ref().map(|_, schema| {
        let types = schema.types.iter().filter(|_| !schema.types_unread);
        shown(types.map(|kind| &kind.name))
    });
    let states = schema.as_ref().map(|_, schema| {
        if schema.states_unread {
            return Vec::new();
        }
        let states = schema.types.iter().flat_map(|kind| &kind.states);
        shown(states.map(|state| &state.name))
    });
    let areas = shown(schema.ado.containers.iter().map(|(path, _)| path));
    let mut named = |side: Side, (key, what): (&str, &str), wanted: &str, have: &[String]| {
        if have.is_empty() || have.iter().any(|name| fold(name) == fold(wanted)) {
            return;
        }
        let near = did_you_mean(wanted, have.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
        // Without its area a pair cannot be listed.
        let rest = match key {
            "area" => {
                ". Until that is put right the pair stands still, and what new items need is not asked"
            }
            _ => "",
        };
        let text = format!(
            "{}: {side} has no {what} \"{wanted}\"; {near}it has: {}{rest}",
            pair.name,
            have.join(", ")
        );
        let at = At {
            pair: &pair.name,
            key,
            side,
            value: wanted,
        };
        report.add_at(&at, text, key == "area");
    };
    for (ado, clickup) in &pair.types {
        named(Side::Ado, ("types", "type"), ado, &types.ado);
        named(Side::ClickUp, ("types", "type"), clickup, &types.clickup);
    }
    for (ado, clickup) in &pair.states {
        named(Side::Ado, ("states", "state"), ado, &states.ado);
        named(
            Side::ClickUp,
            ("states", "status"),
            clickup,
            &states.clickup,
        );
    }
    if let Some(area) = &pair.ado.area {
        named(Side::Ado, ("area", "area path"), area, &areas);
    }
}

/// Whether the pair's area is known not to be there. Then Azure DevOps refuses the query and every new item for that alone.
pub(super) fn lacks_area(pair: &Pair, ado: &Schema) -> bool {
    let is_it = |area: &String, path: &str| fold(path) == fold(area);
    let mut paths = ado.containers.iter().map(|(path, _)| path);
    match &pair.ado.area {
        Some(area) => !ado.containers.is_empty() && !paths.any(|path| is_it(area, path)),
        None => false,
    }
}

/// Types that a condition names and that Azure DevOps does not have: such a scope is smaller than whoever wrote it thinks.
fn unknown_types(pair: &Pair, ado: &Schema, report: &mut Report) {
    let condition = pair.ado.condition.as_deref().unwrap_or_default();
    let Some(named) = NamedTypes::of(condition).filter(|_| !ado.types_unread) else {
        return;
    };
    let have = shown(ado.types.iter().map(|kind| &kind.name));
    let is_there = |name: &&String| have.iter().any(|kind| fold(kind) == **name);
    for name in named.names.iter().filter(|name| !is_there(name)) {
        if have.is_empty() {
            continue;
        }
        let near = did_you_mean(name, have.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
        let text = format!(
            "{}: ado.where names the type \"{name}\", which ADO does not have; {near}it has: {}",
            pair.name,
            have.join(", ")
        );
        report.add(Weight::Warning, text);
    }
}

/// Types that stand in no row, of which items come into the pair all the same: each of them is held until somebody maps its
/// type or narrows the scope. Where nothing is made on the other side, such an item is left alone.
fn unmapped_types(pair: &Pair, schema: &Sided<Schema>, idle: &[String], report: &mut Report) {
    if pair.types.is_empty() {
        return;
    }
    let condition = pair.ado.condition.as_deref().unwrap_or_default();
    let narrowed = condition.to_lowercase().contains("workitemtype");
    let named = NamedTypes::of(condition);
    for side in Side::BOTH {
        let creates = match side {
            Side::Ado => matches!(pair.create, CreateSide::Both | CreateSide::ClickUp),
            Side::ClickUp => matches!(pair.create, CreateSide::Both | CreateSide::Ado),
        };
        let scope = named.as_ref().filter(|_| side == Side::Ado);
        if !creates || side == Side::Ado && narrowed && scope.is_none() {
            continue;
        }
        let have = shown(schema.get(side).types.iter().map(|kind| &kind.name));
        let rows = || {
            pair.types.iter().map(|(ado, clickup)| match side {
                Side::Ado => ado,
                Side::ClickUp => clickup,
            })
        };
        let mapped: BTreeSet<String> = rows().map(|name| fold(name)).collect();
        let misspelt = misspelt(rows(), &have);
        let missing = have.iter().filter(|name| {
            let name = fold(name);
            let idle = side == Side::ClickUp && idle.iter().any(|idle| fold(idle) == name);
            let outside = scope.is_some_and(|scope| !scope.lets_in(&name));
            !mapped.contains(&name) && !misspelt.contains(&name) && !idle && !outside
        });
        let missing: Vec<String> = missing.map(|name| format!("\"{name}\"")).collect();
        if missing.is_empty() {
            continue;
        }
        let (types, help) = match side {
            Side::Ado if narrowed => ("ADO types", ", or take it out of ado.where"),
            Side::Ado => (
                "ADO types",
                ", or narrow the scope with ado.where = \"[System.WorkItemType] IN (...)\"",
            ),
            Side::ClickUp => ("ClickUp task types", ""),
        };
        report.add(
            Weight::Warning,
            format!(
                "{}: {types} that stand in no row of types: {}; an item of such a type in the scope is held and gets no \
                 counterpart. Add a row for it{help}",
                pair.name,
                missing.join(", ")
            ),
        );
    }
}

/// The types that a condition names in its only comparison of the type: `= 'Bug'`, `IN ('Bug', 'Task')`, and the opposites.
struct NamedTypes {
    names: BTreeSet<String>,
    /// Whether those are the ones that stay out.
    out: bool,
}

impl NamedTypes {
    /// Reads them; `None`: the condition compares no type, or in another way (twice, `IN GROUP`, `UNDER`, within `NOT (...)`).
    fn of(condition: &str) -> Option<NamedTypes> {
        let lower = condition.to_lowercase();
        let (before, after) = lower.split_once("[system.workitemtype]")?;
        let before = before.trim_end_matches([' ', '(']);
        if after.contains("[system.workitemtype]") || before.ends_with("not") {
            return None;
        }
        let after = after.trim_start();
        let operators = [("not in", true), ("in", false), ("<>", true), ("=", false)];
        let mut found = operators
            .into_iter()
            .filter_map(|(operator, out)| Some((after.strip_prefix(operator)?.trim_start(), out)));
        let (values, out) = found.next()?;
        let values = match (values.strip_prefix('('), values.strip_prefix('\'')) {
            (Some(list), _) => list.split_once(')')?.0,
            (None, Some(one)) => values.get(..one.find('\'')? + 2)?,
            (None, None) => return None,
        };
        let quoted = values.split('\'').skip(1).step_by(2);
        Some(NamedTypes {
            names: quoted.map(fold).collect(),
            out,
        })
    }

    /// Whether items of a type, which is folded, may be in the scope.
    fn lets_in(&self, name: &str) -> bool {
        self.names.contains(name) != self.out
    }
}

/// Returns the names as they are spelt, without repeats, in the order in which they come.
fn shown<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names
        .filter(|name| seen.insert(fold(name)))
        .cloned()
        .collect()
}

fn people(pair: &Pair, clickup: &Schema, report: &mut Report) {
    let known: BTreeSet<String> = clickup.people.iter().map(|(key, _)| fold(key)).collect();
    for (_, person) in &pair.people {
        if !known.is_empty() && !known.contains(&fold(person)) {
            let near = did_you_mean(person, clickup.people.iter().map(|(key, _)| key.as_str()));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let text = format!(
                "{}: {person} is no member of the ClickUp workspace{near}",
                pair.name
            );
            let at = At {
                pair: &pair.name,
                key: "people",
                side: Side::ClickUp,
                value: person,
            };
            report.add_at(&at, text, false);
        }
    }
}

/// States that stand in no row, and moves that a type's rules do not allow.
fn states(pair: &Pair, schema: &Sided<Schema>, kinds: &[Typed<'_>], report: &mut Report) {
    let proposed;
    let rows = if pair.states.is_empty() {
        proposed = rules::propose_states(&schema.ado, &schema.clickup);
        &proposed
    } else {
        if carried(pair, Side::Ado) {
            unmapped_states(pair, kinds, report);
        }
        if carried(pair, Side::ClickUp) {
            unmapped_statuses(pair, &schema.clickup, report);
        }
        &pair.states
    };
    if !carried(pair, Side::ClickUp) {
        return;
    }
    let relation = Relation::new(rows.iter().map(|(a, c)| (a.as_str(), c.as_str())));
    let mut representatives: Vec<(Folded, &Folded)> = Vec::new();
    for status in relation.names(Side::ClickUp) {
        if let Some(state) = relation.translate(Side::ClickUp, status)
            && !representatives.iter().any(|(known, _)| *known == state)
        {
            representatives.push((state, status));
        }
    }
    for kind in kinds {
        transitions(pair, kind, &representatives, report);
    }
}

/// Whether a state goes from this side to the other one.
fn carried(pair: &Pair, from: Side) -> bool {
    let against = match from {
        Side::Ado => Direction::ToAdo,
        Side::ClickUp => Direction::ToClickUp,
    };
    let mut fields = pair.fields.iter();
    fields.any(|field| field.key == FieldKey::State && field.direction != against)
}

/// The names of a service that rows of `states` name with a slip of the finger. That is an error of its own, and a warning
/// that the right name stands in no row would say it twice.
fn misspelt<'a>(rows: impl Iterator<Item = &'a String>, have: &[String]) -> BTreeSet<String> {
    let known: BTreeSet<String> = have.iter().map(|name| fold(name)).collect();
    let wrong = rows.filter(|name| !known.contains(&fold(name)));
    let meant = wrong.filter_map(|name| did_you_mean(name, have.iter().map(String::as_str)));
    meant.map(fold).collect()
}

/// What becomes of items whose state has no counterpart.
const HELD: &str = "the status of a linked item that gets it is held, and a new item in it gets no counterpart. Add a row for it";

fn unmapped_states(pair: &Pair, kinds: &[Typed<'_>], report: &mut Report) {
    if pair.types.is_empty() {
        return;
    }
    let states = kinds.iter().flat_map(|(kind, _)| &kind.states);
    let have = shown(states.clone().map(|state| &state.name));
    let misspelt = misspelt(pair.states.iter().map(|(ado, _)| ado), &have);
    for state in states {
        if !misspelt.contains(&fold(&state.name))
            && !pair
                .states
                .iter()
                .any(|(ado, _)| fold(ado) == fold(&state.name))
        {
            report.add(
                Weight::Warning,
                format!(
                    "{}: ADO state \"{}\" stands in no row of states; {HELD}",
                    pair.name, state.name
                ),
            );
        }
    }
}

fn unmapped_statuses(pair: &Pair, clickup: &Schema, report: &mut Report) {
    let statuses = clickup.types.iter().flat_map(|kind| &kind.states);
    let have = shown(statuses.map(|status| &status.name));
    let misspelt = misspelt(pair.states.iter().map(|(_, clickup)| clickup), &have);
    for status in have {
        let mut rows = pair.states.iter();
        if !misspelt.contains(&fold(&status))
            && !rows.any(|(_, mapped)| fold(mapped) == fold(&status))
        {
            report.add(
                Weight::Warning,
                format!(
                    "{}: ClickUp status \"{status}\" stands in no row of states; {HELD}",
                    pair.name
                ),
            );
        }
    }
}

/// Adds a warning for pairs that take the same work items. Of two areas one of which is in the other, the deeper one has its own;
/// what a condition leaves over is not known here, so pairs with one are taken to be apart.
pub(super) fn overlaps(pairs: &[Pair], report: &mut Report) {
    let narrowed = |pair: &Pair| pair.ado.condition.is_some() || pair.ado.assigned_to.is_some();
    for (at, one) in pairs.iter().enumerate() {
        let others = pairs.iter().skip(at + 1);
        for other in others.filter(|other| !narrowed(one) && !narrowed(other)) {
            let place = |pair: &Pair| (fold(&pair.ado.project), pair.ado.area.as_deref().map(fold));
            if place(one) == place(other) {
                report.add(
                    Weight::Warning,
                    format!(
                        "{} and {} take the same work items of project {}, and each is kept in one of them only; keep the \
                         pairs apart with ado.area or ado.where",
                        one.name, other.name, one.ado.project
                    ),
                );
            }
        }
    }
}

/// Goes from every state that can be written to every other, as an edit of the status in ClickUp would.
fn transitions(
    pair: &Pair,
    (kind, specs): &Typed<'_>,
    representatives: &[(Folded, &Folded)],
    report: &mut Report,
) {
    let place = format!("{}: ADO type \"{}\"", pair.name, kind.name);
    let has = |name: &Folded| {
        let states = specs.options(&FieldKey::State);
        states.is_some_and(|states| states.contains(name))
    };
    let (own, foreign): (Vec<_>, Vec<_>) = representatives.iter().partition(|(name, _)| has(name));
    if !pair.types.is_empty() && !kind.states.is_empty() {
        for (state, status) in foreign {
            report.add(
                Weight::Warning,
                format!(
                    "{place} has no state \"{}\", so it cannot follow a task to status \"{}\"",
                    state.shown, status.shown
                ),
            );
        }
    }
    if kind.transitions.is_empty() {
        return;
    }
    let (mut detours, mut dead_ends) = (Vec::new(), Vec::new());
    for (from, _) in &own {
        for (to, _) in own.iter().filter(|(to, _)| to != from) {
            let step = format!("{} -> {}", from.shown, to.shown);
            match allowed_way(&kind.transitions, &from.shown, &to.shown) {
                Some(way) if way.len() < 2 => {}
                Some(way) => detours.push(format!("{} -> {}", from.shown, way.join(" -> "))),
                None => dead_ends.push(step),
            }
        }
    }
    if !detours.is_empty() {
        report.add(
            Weight::Warning,
            format!(
                "{place} blocks a direct move, so these are made in steps: {}",
                detours.join(", ")
            ),
        );
    }
    if !dead_ends.is_empty() {
        report.add_beside(
            format!(
                "{place} allows no way for {}; change the first row of states for the status, or the process",
                dead_ends.join(", ")
            ),
        );
    }
}

#[cfg(test)]
mod tests;
