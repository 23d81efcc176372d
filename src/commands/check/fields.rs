//! The fields that the configuration names beside those that the services have. Pure.

use super::super::customs::{agreements, also_at_fault, at_fault, near_reference};
use super::super::types::{Typed, fold};
use super::{At, Report, Weight};
use crate::config::Pair;
use crate::connector::Schema;
use crate::field::Form;
use crate::field::negotiate::Agreed;
use crate::model::{FieldKey, Folded, Side, Sided};
use std::collections::BTreeSet;

/// Custom fields that are not what the configuration says. Each stands still, and the rest of the pair goes on. Returns those fields.
pub(super) fn customs(
    pair: &Pair,
    schema: &Sided<Schema>,
    report: &mut Report,
) -> BTreeSet<FieldKey> {
    let mut still = BTreeSet::new();
    // Where a side could not be asked, that is a finding of its own.
    let known = |schema: &Schema| !schema.types.is_empty();
    if !known(&schema.ado) || !known(&schema.clickup) {
        return still;
    }
    for (key, agreed) in agreements(pair, schema) {
        match agreed {
            Err(unfit) => {
                let also = also_at_fault(pair, &key, &unfit, &schema.ado);
                for unfit in [Some(unfit), also].into_iter().flatten() {
                    let (name, value) = at_fault(pair, &key, &unfit);
                    let at = At {
                        pair: &pair.name,
                        key: name,
                        side: unfit.side,
                        value: &value,
                    };
                    let text = format!("{}: {key} is not synced: {}", pair.name, unfit.text);
                    report.add_of_field(&at, text);
                }
                still.insert(key);
            }
            Ok(agreed) => {
                options(pair, &agreed, report);
                let list = &pair.clickup.list;
                if !agreed.native.clickup.places.contains(list) {
                    let text = format!(
                        "{}: list {list}, where new tasks are made, has no {key}, so that they get none; add the field to the list",
                        pair.name
                    );
                    report.add(Weight::Warning, text);
                }
            }
        }
    }
    still
}

/// Options of a drop-down that the other side has no counterpart for: whoever picks one of them finds it held.
fn options(pair: &Pair, agreed: &Agreed, report: &mut Report) {
    let rule = &agreed.rule;
    if rule.form != Form::Name {
        return;
    }
    let field = pair.fields.iter().find(|field| field.key == rule.key);
    for side in Side::BOTH {
        let flows = field.is_some_and(|field| field.direction.writes_to(side.other()));
        if !flows || *rule.open.get(side.other()) {
            continue;
        }
        let native = agreed.native.get(side);
        let alone = native.options.iter().filter(|(id, name)| {
            let option = match side {
                Side::Ado => Some(Folded::new(name)),
                Side::ClickUp => native.choice(id),
            };
            option.is_some_and(|option| rule.values.translate(side, &option).is_none())
        });
        let alone: Vec<String> = alone.map(|(_, name)| format!("\"{name}\"")).collect();
        if alone.is_empty() {
            continue;
        }
        let text = format!(
            "{}: {side} has options of {} that stand in no row of its values and that {} has not: {}; an item that has one is held. \
             Add a row for it, or add the option there",
            pair.name,
            rule.key,
            side.other(),
            alone.join(", ")
        );
        let at = At {
            pair: &pair.name,
            key: "clickup",
            side: Side::ClickUp,
            value: &rule.key.to_string(),
        };
        let place = report.place(&at);
        report.push(Weight::Warning, text, false, place);
    }
}

/// Required fields that nothing fills, and synced fields that no type has. `still`: fields that stand still for a reason that is told.
pub(super) fn fields(
    pair: &Pair,
    kinds: &[Typed<'_>],
    (ado, still): (&Schema, &BTreeSet<FieldKey>),
    report: &mut Report,
) {
    let mapped: BTreeSet<String> = pair
        .fields
        .iter()
        .flat_map(|field| &field.ado)
        .map(|name| fold(name))
        .collect();
    let unmapped = |field: &&String| !mapped.contains(&fold(field));
    for (kind, _) in kinds.iter().filter(|_| !pair.types.is_empty()) {
        for required in kind.required.iter().filter(unmapped) {
            report.add_beside(
                format!(
                    "{}: ADO type \"{}\" requires {required}, which the pair does not map; creates of it will be refused",
                    pair.name, kind.name
                ),
            );
        }
    }
    for field in pair
        .fields
        .iter()
        .filter(|field| !still.contains(&field.key))
    {
        let held = |(_, specs): &Typed<'_>| specs.name(Side::Ado, &field.key).is_some();
        let had = kinds.iter().any(held);
        if !kinds.is_empty() && !had {
            let near = field.ado.iter().find_map(|name| near_reference(name, ado));
            let near = near.filter(|near| !field.ado.contains(near));
            let near = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
            let text = format!(
                "{}: no synced ADO type has {}, so {} is not kept{near}",
                pair.name,
                field.ado.join(" or "),
                field.key
            );
            let mut names = field.ado.iter();
            // What somebody has typed is a mistake; what stands for a default is only not to be had here.
            let typed = names.find_map(|name| {
                report.place(&At {
                    pair: &pair.name,
                    key: "ado",
                    side: Side::Ado,
                    value: name,
                })
            });
            match typed {
                Some(place) => report.push_of_field(text, Some(place)),
                None => report.add(Weight::Warning, text),
            }
        }
    }
}
