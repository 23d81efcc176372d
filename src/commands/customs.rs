//! What the custom fields of a pair are, by what both services say of them.

use super::types::has_no_place;
use crate::config::{Config, Field, Pair, Places, did_you_mean};
use crate::connector::Schema;
use crate::connector::customs::CustomFields;
use crate::field::Form;
use crate::field::negotiate::{Agreed, Asked, Native, Unfit, agree, no_field_in_ado, refuse_twice};
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
        let ado = in_ado(field, &schema.ado);
        let clickup: Vec<&Native> = schema
            .clickup
            .customs
            .iter()
            .filter(|native| is_named(&field.key, native))
            .collect();
        let agreed = agree(&asked, ado, &clickup);
        let agreed = agreed.map_err(|unfit| match (unfit.side, ado, clickup.as_slice()) {
            (Side::ClickUp, _, []) => match unread(unfit.side, schema) {
                Some(unread) => unread,
                None => near_in_clickup(unfit, &field.key, &schema.clickup),
            },
            (Side::Ado, None, _) => match unread(unfit.side, schema) {
                Some(unread) => unread,
                None => near_in_ado(unfit, field.ado.first(), &schema.ado),
            },
            _ => unfit,
        });
        (field.key.clone(), agreed)
    });
    let mut found: Vec<_> = found.collect();
    refuse_twice(&mut found);
    found
}

/// Returns what else is wrong with the entry of a custom field than what [`agreements`] says of its name in ClickUp: the name in Azure
/// DevOps is wrong as well. `None`: nothing.
pub fn also_at_fault(pair: &Pair, key: &FieldKey, found: &Unfit, ado: &Schema) -> Option<Unfit> {
    let mut fields = pair.fields.iter();
    let field = fields.find(|field| field.key == *key)?;
    let unknown = ado.customs_unread.is_some() || in_ado(field, ado).is_some();
    if found.side == Side::Ado || unknown {
        return None;
    }
    let unfit = no_field_in_ado();
    Some(near_in_ado(unfit, field.ado.first(), ado))
}

/// The field of Azure DevOps that an entry names.
fn in_ado<'a>(field: &Field, ado: &'a Schema) -> Option<&'a Native> {
    let mut all = ado.customs.iter();
    all.find(|native| {
        let mut names = field.ado.iter();
        names.any(|name| name.eq_ignore_ascii_case(&native.id))
    })
}

/// Says that nobody can tell whether a field is there; `None`: everything was read, and it is not.
fn unread(side: Side, schema: &Sided<Schema>) -> Option<Unfit> {
    let why = schema.get(side).customs_unread.as_ref()?;
    Some(Unfit {
        side,
        value: None,
        text: format!("nobody can tell whether {side} has it: {why}"),
    })
}

/// Says which custom field may have been meant, and which ones there are.
fn near_in_clickup(mut unfit: Unfit, key: &FieldKey, clickup: &Schema) -> Unfit {
    let names: Vec<String> = match key.custom_id() {
        Some(_) => clickup.customs.iter().map(named_by_id).collect(),
        None => {
            let names = clickup.customs.iter();
            names
                .map(|native| format!("custom:{}", native.name))
                .collect()
        }
    };
    if let Some(near) = did_you_mean(&key.to_string(), names.iter().map(String::as_str)) {
        unfit.text.push_str(&format!("; did you mean \"{near}\"?"));
    } else if names.is_empty() {
        unfit.text.push_str("; they have none at all");
    } else {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        unfit
            .text
            .push_str(&format!("; they have {}", names.join(", ")));
    }
    unfit
}

fn named_by_id(native: &Native) -> String {
    format!("custom:#{}", native.id)
}

/// Says which field of Azure DevOps may have been meant.
fn near_in_ado(mut unfit: Unfit, typed: Option<&String>, ado: &Schema) -> Unfit {
    let near = typed.and_then(|typed| near_reference(typed, ado));
    if let Some(near) = near {
        unfit.text.push_str(&format!("; did you mean \"{near}\"?"));
    }
    unfit
}

/// Returns the reference name of a project's field that a slip of the finger would explain, or a name that was typed without what
/// stands before it. What stands before the last dot is alike in many names, so it may not make up for another ending.
///
/// Example: `Microsoft.VSTS.Common.Severty` and `Severity` are near to `Microsoft.VSTS.Common.Severity`, and `Custom.Cost` is not
/// near to `Custom.Note`.
pub fn near_reference(typed: &str, ado: &Schema) -> Option<String> {
    let all = || ado.types.iter().flat_map(|kind| &kind.fields);
    let (space, own) = typed.rsplit_once('.').unwrap_or(("", typed));
    let within = |name: &&String| {
        let of = name.rsplit_once('.').map(|(of, _)| of);
        of.is_some_and(|of| space.is_empty() || of.eq_ignore_ascii_case(space))
    };
    let last = |name: &String| name.rsplit('.').next().unwrap_or_default().to_owned();
    let names: Vec<String> = all().filter(within).map(last).collect();
    if let Some(near) = did_you_mean(own, names.iter().map(String::as_str)) {
        let mut found = all().filter(within);
        return found.find(|name| last(name) == near).cloned();
    }
    // The ending is right, and what stands before it has a slip.
    let alike = all().filter(|name| last(name).eq_ignore_ascii_case(own));
    did_you_mean(typed, alike.map(String::as_str)).map(str::to_owned)
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

/// Whether the configuration names another field of Azure DevOps for a built-in one than the usual.
pub fn names_its_own(field: &Field) -> bool {
    !field.key.is_custom() && field.ado != field.key.row().ado.names
}

/// Returns the built-in fields that stand still, with the reason: the configuration names a field of Azure DevOps for them that no synced
/// type has.
pub fn without_a_place(pair: &Pair, ado: &Schema, places: &Places) -> BTreeMap<FieldKey, ReadWhy> {
    let named = pair.fields.iter().filter(|field| names_its_own(field));
    let lacking = named.filter(|field| has_no_place(pair, ado, &field.key));
    let stands_still = lacking.map(|field| {
        let near = field.ado.iter().find_map(|name| near_reference(name, ado));
        let near = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        let said = format!(
            "no synced type of work items has {}{near}",
            field.ado.join(" or ")
        );
        let place = field.ado.first();
        let place = place.and_then(|name| places.find(&pair.name, "ado", Side::Ado, name));
        let place = place.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
        let why = ReadWhy::FieldPaused {
            field: field.key.clone(),
            said,
            place: place.unwrap_or_default(),
        };
        tracing::warn!(pair = %pair.name, field = %field.key, outcome = "paused", "{why}");
        (field.key.clone(), why)
    });
    stands_still.collect()
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
    for conflict in dropped {
        tracing::warn!(
            pair = %pair.name, conflict, outcome = "dropped",
            "the choice in conflict {conflict} was not carried out and is dropped: its values are of other fields than those that the \
             entry stands for now"
        );
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
