//! What the custom fields of a pair are, by what both services say of them.

use crate::config::{Config, Pair, Places};
use crate::connector::Schema;
use crate::connector::customs::CustomFields;
use crate::field::Form;
use crate::field::negotiate::{Agreed, Asked, Native, Unfit, agree, refuse_twice};
use crate::model::{FieldKey, Folded, Identity, Move, Side, Sided};
use crate::reason::ReadWhy;
use crate::reconcile::policy::Policy;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns what each custom field of a pair is, in the order of the configuration, or why it is not synced.
pub fn agreements(pair: &Pair, schema: &Sided<Schema>) -> Vec<(FieldKey, Result<Agreed, Unfit>)> {
    let customs = pair.fields.iter().filter(|field| field.key.is_custom());
    let found = customs.map(|field| {
        let asked = Asked {
            key: &field.key,
            direction: field.direction,
            time: field.time,
            scale: field.scale,
            values: &field.values,
        };
        let mut of_ado = schema.ado.customs.iter();
        let ado = of_ado.find(|native| {
            let mut names = field.ado.iter();
            names.any(|name| name.eq_ignore_ascii_case(&native.id))
        });
        let clickup: Vec<&Native> = schema
            .clickup
            .customs
            .iter()
            .filter(|native| is_named(&field.key, native))
            .collect();
        (field.key.clone(), agree(&asked, ado, &clickup))
    });
    let mut found: Vec<_> = found.collect();
    refuse_twice(&mut found);
    found
}

fn is_named(key: &FieldKey, native: &Native) -> bool {
    let FieldKey::Custom(name) = key else {
        return false;
    };
    match key.custom_id() {
        Some(id) => native.id.eq_ignore_ascii_case(id),
        None => Folded::new(&native.name) == Folded::new(name),
    }
}

/// The value in the configuration's entry for a field that is at fault, with the key under which it stands there.
pub fn at_fault(pair: &Pair, key: &FieldKey, unfit: &Unfit) -> (&'static str, String) {
    if let Some(value) = &unfit.value {
        return ("values", value.clone());
    }
    match unfit.side {
        Side::ClickUp => ("clickup", key.to_string()),
        Side::Ado => {
            let mut fields = pair.fields.iter();
            let field = fields.find(|field| field.key == *key);
            let name = field.and_then(|field| field.ado.first().cloned());
            ("ado", name.unwrap_or_default())
        }
    }
}

/// Makes a custom field unfit that another pair, which watches one of the same lists, reads as something else: a task of such a list
/// is read once, for both. `earlier`: the pairs before this one, with what was agreed on for them.
pub fn refuse_clashes<'a>(
    pair: &Pair,
    found: &mut [(FieldKey, Result<Agreed, Unfit>)],
    earlier: impl Iterator<Item = (&'a Pair, Arc<CustomFields>)>,
) {
    for (other, fields) in earlier {
        let mut lists = other.clickup.lists.iter();
        if !lists.any(|list| pair.clickup.lists.contains(list)) {
            continue;
        }
        for (key, agreed) in found.iter_mut() {
            let (Ok(own), Some(theirs)) = (&*agreed, fields.get(key)) else {
                continue;
            };
            let same_field = own.native.clickup.id == theirs.native.clickup.id;
            if same_field && own.rule.form == theirs.rule.form {
                continue;
            }
            *agreed = Err(Unfit {
                side: Side::ClickUp,
                value: None,
                text: format!(
                    "the pair {} watches one of the same lists and reads it as something else, beside another field of Azure \
                     DevOps; give both pairs fields of one type",
                    other.name
                ),
            });
        }
    }
}

/// Has fields stand still that ClickUp knows by another id than when they were synced last: somebody removed the field and made
/// another one of that name, whose tasks have no values yet. `known`: what the fields stood for then.
///
/// Example: `Severity` is deleted and made again. Every task has an empty one now, and would empty its work item's.
pub fn pause_made_anew(config: &Config, policy: &mut Policy, known: &BTreeMap<FieldKey, Identity>) {
    for (key, was) in known {
        let new = policy.customs.get(key).map(|rule| rule.id.clone());
        let Some(new) = new.filter(|new| !new.eq_ignore_ascii_case(&was.clickup)) else {
            continue;
        };
        let text = key.to_string();
        let place = Places::of(config).find(&policy.pair, "clickup", Side::ClickUp, &text);
        let place = place.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
        let why = ReadWhy::FieldPaused {
            field: key.clone(),
            said: format!(
                "ClickUp has another field of this name than before, so that what tasks show of it is nobody's edit; to sync the \
                 new one, write clickup = \"custom:#{new}\""
            ),
            place: place.unwrap_or_default(),
        };
        tracing::warn!(pair = %policy.pair, field = %key, outcome = "paused", "{why}");
        policy.fields.remove(key);
        policy.paused.insert(key.clone(), why);
    }
}

/// Returns what each field that a pair syncs stands for, where the configuration or a schema names that. `customs`: what its custom
/// fields are.
pub fn identities(
    pair: &Pair,
    policy: &Policy,
    customs: &CustomFields,
) -> BTreeMap<FieldKey, Identity> {
    let custom = |agreed: &Agreed| Identity {
        clickup: agreed.native.clickup.id.clone(),
        ado: agreed.native.ado.id.clone(),
        unit: match (agreed.rule.form, agreed.rule.scale) {
            (Form::Moment, _) => "time".to_owned(),
            (_, 1) => String::new(),
            (_, parts) => format!("1/{parts}"),
        },
    };
    let built_in = |key: &FieldKey, ado: &[String]| Identity {
        clickup: key.to_string(),
        ado: ado.join(","),
        unit: String::new(),
    };
    let wanted = pair.wanted().into_iter();
    let synced = wanted.filter(|(key, _)| policy.fields.contains_key(key));
    let stands_for = synced.filter_map(|(key, wanted)| {
        let is = match key.is_custom() {
            true => custom(customs.get(&key)?),
            false => built_in(&key, &wanted.ado),
        };
        (!is.ado.is_empty()).then_some((key, is))
    });
    stands_for.collect()
}

/// Says what becomes of the bases of fields that stand for something else by now. `dropped`: the conflicts whose choice is dropped for
/// that.
pub fn tell(pair: &Pair, moves: &[Move], dropped: &[i64]) {
    for one in moves {
        match one {
            Move::Park { field, was } => tracing::warn!(
                pair = %pair.name, %field, outcome = "begins anew",
                "{field} stands for other fields than before ({}), or counts in another unit: its values are compared anew, and \
                 nothing of it counts as cleared. If that was not meant, put the old entry back before the first run",
                was.ado
            ),
            Move::Rename { from, to } => tracing::info!(
                pair = %pair.name, field = %to, outcome = "renamed",
                "{to} is the same two fields as {from} was, and goes on from what both sides agreed on"
            ),
            Move::Unpark { .. } => {}
        }
    }
}

/// Splits what was found into what is synced and what stands still, with the reason for people.
pub fn split(
    pair: &Pair,
    found: Vec<(FieldKey, Result<Agreed, Unfit>)>,
    places: &Places,
) -> (CustomFields, BTreeMap<FieldKey, ReadWhy>) {
    let (mut synced, mut paused) = (CustomFields::new(), BTreeMap::new());
    for (key, agreed) in found {
        match agreed {
            Ok(agreed) => {
                synced.insert(key, agreed);
            }
            Err(unfit) => {
                let (name, value) = at_fault(pair, &key, &unfit);
                let place = places.find(&pair.name, name, unfit.side, &value);
                let place = place.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
                let why = ReadWhy::FieldPaused {
                    field: key.clone(),
                    said: unfit.text,
                    place: place.unwrap_or_default(),
                };
                tracing::warn!(pair = %pair.name, field = %key, outcome = "paused", "{why}");
                paused.insert(key, why);
            }
        }
    }
    (synced, paused)
}
    for conflict in dropped {
        tracing::warn!(
            pair = %pair.name, conflict, outcome = "dropped",
            "the choice in conflict {conflict} was not carried out and is dropped: its values are of other fields than those that the \
             entry stands for now"
        );
    }
