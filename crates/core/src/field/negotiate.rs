//! What a custom field is for a pair, by what both services say of it: never by the look of a value.
//!
//! Each row of `KINDS` joins types of custom fields in ClickUp (developer.clickup.com/docs/customfields) with types of fields
//! in Azure DevOps (learn.microsoft.com, wit/fields, `FieldType`). Two types that meet in no row cannot be kept equal, and
//! [`agree`] says why.

use super::custom::Rule;
use super::{Direction, Form};
use crate::mapping::Relation;
use crate::model::{FieldKey, FieldValue, Folded, Side, Sided};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A field as the schema of a service describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Native {
    /// ClickUp: its UUID. Azure DevOps: its reference name.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The service's word for its type: `drop_down`, `double`. An Azure DevOps field that holds a person is `identity`.
    pub kind: String,
    /// What it may be set to, as (id, name) in the service's order; empty: anything. In Azure DevOps both are the name.
    pub options: Vec<(String, String)>,
    /// The least and the greatest whole number that it holds; `None`: it has no such limits.
    #[serde(default)]
    pub range: Option<(i64, i64)>,
    /// Where it is to be had: ids of lists, names of types of work items.
    pub places: BTreeSet<String>,
    /// Whether only the service itself writes it.
    pub read_only: bool,
}

impl Native {
    /// Returns the name of an option.
    pub fn option(&self, id: &str) -> Option<&str> {
        let found = self.options.iter().find(|(own, _)| own == id);
        found.map(|(_, name)| name.as_str())
    }

    /// Returns an option as a value has it: compared by its id, for whoever renames it makes no other one of it, and shown by its
    /// name.
    pub fn choice(&self, id: &str) -> Option<Folded> {
        Some(Folded::person(id, self.option(id)?))
    }

    /// Returns the id of the option with this name.
    pub fn option_id(&self, name: &Folded) -> Option<&str> {
        let mut options = self.options.iter();
        let found = options.find(|(_, own)| Folded::new(own) == *name);
        found.map(|(id, _)| id.as_str())
    }

    /// Two options whose names differ in nothing but case and blanks.
    fn alike(&self) -> Option<(&str, &str)> {
        let mut seen: Vec<(Folded, &str)> = Vec::new();
        for (_, name) in &self.options {
            let folded = Folded::new(name);
            if let Some((_, earlier)) = seen.iter().find(|(own, _)| *own == folded) {
                return Some((earlier, name));
            }
            seen.push((folded, name));
        }
        None
    }
}

/// What the configuration says of a custom field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The field.
    pub key: &'a FieldKey,
    /// Which way it flows.
    pub direction: Direction,
    /// Whether a date is a moment and not a day.
    pub time: bool,
    /// How many parts an amount of money is counted in, 1 or 100; `None`: it is not said.
    pub scale: Option<i64>,
    /// Its rows of `values`: an option of Azure DevOps beside one of ClickUp.
    pub values: &'a [(String, String)],
}

/// A custom field of a pair that both services can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// What each service calls it and says of it.
    pub native: Sided<Native>,
    /// What each side takes.
    pub rule: Rule,
}

/// Why a custom field is not synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Whose name in the configuration is at fault.
    pub side: Side,
    /// A value of `values` that is at fault, rather than the name of the field.
    pub value: Option<String>,
    /// What it is and what to do, as a phrase.
    pub text: String,
}

/// Types of both services that hold the same.
struct Join {
    clickup: &'static [&'static str],
    ado: &'static [&'static str],
    form: Form,
    /// Whether nothing may be written to ClickUp, and why.
    only_to_ado: Option<&'static str>,
}

const KINDS: [Join; 14] = [
    Join {
        clickup: &["short_text", "text", "url", "email", "phone"],
        ado: &["string", "plainText"],
        form: Form::Plain,
        only_to_ado: None,
    },
    Join {
        clickup: &["text"],
        ado: &["html"],
        form: Form::LongText,
        only_to_ado: None,
    },
    Join {
        clickup: &["number"],
        ado: &["double", "integer"],
        form: Form::Decimal,
        only_to_ado: None,
    },
    Join {
        clickup: &["currency"],
        ado: &["double"],
        form: Form::Decimal,
        only_to_ado: Some("in which unit ClickUp takes an amount of money is not documented"),
    },
    Join {
        clickup: &["emoji"],
        ado: &["integer"],
        form: Form::Decimal,
        only_to_ado: None,
    },
    Join {
        clickup: &["manual_progress"],
        ado: &["double", "integer"],
        form: Form::Decimal,
        only_to_ado: None,
    },
    Join {
        clickup: &["formula", "rollup", "automatic_progress"],
        ado: &["double"],
        form: Form::Decimal,
        only_to_ado: Some(BY_ITSELF),
    },
    Join {
        clickup: &["formula", "rollup"],
        ado: &["string"],
        form: Form::Plain,
        only_to_ado: Some(BY_ITSELF),
    },
    Join {
        clickup: &["location"],
        ado: &["string"],
        form: Form::Plain,
        only_to_ado: Some("Azure DevOps does not hold the coordinates of a place"),
    },
    Join {
        clickup: &["date"],
        ado: &["dateTime"],
        form: Form::Day,
        only_to_ado: None,
    },
    Join {
        clickup: &["checkbox"],
        ado: &["boolean"],
        form: Form::YesNo,
        only_to_ado: None,
    },
    Join {
        clickup: &["drop_down"],
        ado: &["string"],
        form: Form::Name,
        only_to_ado: None,
    },
    Join {
        clickup: &["users"],
        ado: &["identity"],
        form: Form::People,
        only_to_ado: None,
    },
    Join {
        clickup: &["labels"],
        ado: &["string", "plainText"],
        form: Form::Names,
        only_to_ado: None,
    },
];

/// What stands between two labels in a text of Azure DevOps.
pub const LABELS_BETWEEN: char = ';';

/// Why a field that ClickUp works out is not written.
const BY_ITSELF: &str = "ClickUp works its value out by itself";

/// Types that are refused whatever stands beside them, and why.
const NEVER: [(&str, &str); 5] = [
    ("tasks", "it holds tasks and no value"),
    ("list_relationship", "it holds tasks and no value"),
    ("attachment", "it holds files and no value"),
    ("button", "setting it would press the button"),
    ("votes", "only people can vote"),
];

/// Fields of Azure DevOps that the service or its boards keep by themselves, or that move an item when they are set (its project,
/// its area). The built-in fields of a pair are the others of `System.`.
const OWN: [&str; 4] = [
    "System.",
    "WEF_",
    "Microsoft.VSTS.Common.StackRank",
    "Microsoft.VSTS.Common.BacklogPriority",
];

/// Puts together what both services say of a field that the configuration names. `ado`: the field with that reference name;
/// `clickup`: the custom fields with that name or id.
///
/// # Errors
/// Why it cannot be kept equal.
pub fn agree(
    asked: &Asked<'_>,
    ado: Option<&Native>,
    clickup: &[&Native],
) -> Result<Agreed, Unfit> {
    let clickup = in_clickup(asked.key, clickup)?;
    let ado = in_ado(ado)?;
    for (side, native) in [(Side::ClickUp, clickup), (Side::Ado, ado)] {
        if let Some((kind, why)) = NEVER.iter().find(|(kind, _)| *kind == native.kind) {
            let text = format!("it is of the type {kind}, which is not synced: {why}");
            return Err(unfit(side, text));
        }
    }
    let join = KINDS.iter().find(|join| {
        join.clickup.contains(&clickup.kind.as_str()) && join.ado.contains(&ado.kind.as_str())
    });
    let Some(join) = join else {
        return Err(apart(ado, clickup));
    };
    let to_ado_only = asked.direction == Direction::ToAdo;
    let money = clickup.kind == "currency";
    let told = money && asked.scale.is_some();
    if let Some(why) = join.only_to_ado.filter(|_| !to_ado_only && !told) {
        let or_scale = match money {
            true => ", or scale = 1 or 100 for what ClickUp counts 1.00 as",
            false => "",
        };
        let text = format!(
            "a field of the type {} flows to Azure DevOps only, for {why}; add direction = \"to_ado\"{or_scale}",
            clickup.kind
        );
        return Err(unfit(Side::ClickUp, text));
    }
    let native = Sided {
        ado: ado.clone(),
        clickup: clickup.clone(),
    };
    let form = match (join.form, asked.time) {
        (Form::Day, true) => Form::Moment,
        (_, true) => {
            let text = format!(
                "`time` is for dates, and the field is of the type {}; remove it",
                clickup.kind
            );
            return Err(unfit(Side::ClickUp, text));
        }
        (form, false) => form,
    };
    if asked.scale.is_some() && !money {
        let text = format!(
            "`scale` is for a currency, and the field is of the type {}; remove it",
            clickup.kind
        );
        return Err(unfit(Side::ClickUp, text));
    }
    let rule = rule(asked, form, &native)?;
    Ok(Agreed { native, rule })
}

fn unfit(side: Side, text: String) -> Unfit {
    Unfit {
        side,
        value: None,
        text,
    }
}

fn in_clickup<'a>(key: &FieldKey, found: &[&'a Native]) -> Result<&'a Native, Unfit> {
    match found {
        [one] => Ok(one),
        [] => Err(unfit(
            Side::ClickUp,
            format!("none of the pair's lists has a custom field {key}"),
        )),
        several => {
            let ids: Vec<String> = several.iter().map(|field| told_apart(field)).collect();
            Err(unfit(
                Side::ClickUp,
                format!(
                    "the pair's lists have {} custom fields of this name; name the one that is meant by its id: {}",
                    several.len(),
                    ids.join(", ")
                ),
            ))
        }
    }
}

/// Names a field of ClickUp that shares its name with others by its id, with what tells people which one that is.
fn told_apart(field: &Native) -> String {
    let places: Vec<&str> = field.places.iter().map(String::as_str).collect();
    let place = match places.as_slice() {
        [] => String::new(),
        [list] => format!(", in list {list}"),
        lists => format!(", in lists {}", lists.join(" and ")),
    };
    format!("\"custom:#{}\" ({}{place})", field.id, field.kind)
}

/// Says that Azure DevOps has no field of the name that the configuration gives.
pub fn no_field_in_ado() -> Unfit {
    let text = "the project has no field with this reference name".to_owned();
    unfit(Side::Ado, text)
}

fn in_ado(found: Option<&Native>) -> Result<&Native, Unfit> {
    let Some(field) = found else {
        return Err(no_field_in_ado());
    };
    let own = OWN.iter().any(|prefix| field.id.starts_with(prefix));
    if field.read_only || own {
        let text = "Azure DevOps itself or its boards keep this field; name another one".to_owned();
        return Err(unfit(Side::Ado, text));
    }
    Ok(field)
}

/// Refuses a field of ClickUp that an earlier entry of the pair holds already: two fields of Azure DevOps beside one of ClickUp
/// would take turns in writing over each other. The first of the two is synced.
///
/// Example: one entry names `custom:Size`, and another one names the same field by its id.
pub fn refuse_twice(found: &mut [(FieldKey, Result<Agreed, Unfit>)]) {
    let mut held: BTreeMap<String, FieldKey> = BTreeMap::new();
    for (key, agreed) in found {
        let Ok(own) = &*agreed else { continue };
        let id = own.native.clickup.id.to_lowercase();
        match held.get(&id) {
            Some(other) => {
                let text = format!(
                    "`{other}` of the pair is this very field of ClickUp; keep one of the two entries"
                );
                *agreed = Err(unfit(Side::ClickUp, text));
            }
            None => {
                held.insert(id, key.clone());
            }
        }
    }
}

/// Says what the type of the ClickUp field could stand beside.
fn apart(ado: &Native, clickup: &Native) -> Unfit {
    let joins = KINDS
        .iter()
        .filter(|join| join.clickup.contains(&clickup.kind.as_str()));
    let fit: Vec<&str> = joins.flat_map(|join| join.ado.iter().copied()).collect();
    match fit.is_empty() {
        true => unfit(
            Side::ClickUp,
            format!(
                "it is of the type {}, which is not known and not synced",
                clickup.kind
            ),
        ),
        false => unfit(
            Side::Ado,
            format!(
                "it is of the type {}, and the ClickUp field is of the type {}, which goes with {} only",
                ado.kind,
                clickup.kind,
                fit.join(" or ")
            ),
        ),
    }
}

fn rule(asked: &Asked<'_>, form: Form, native: &Sided<Native>) -> Result<Rule, Unfit> {
    let named = matches!(form, Form::Name | Form::Names);
    if let Some((_, clickup)) = asked.values.first().filter(|_| !named) {
        return Err(Unfit {
            side: Side::ClickUp,
            value: Some(clickup.clone()),
            text: format!(
                "`values` is for options, and the field is of the type {}; remove it",
                native.clickup.kind
            ),
        });
    }
    let options = |side: Side| native.get(side).options.iter().map(|(_, name)| name);
    let rows = if named {
        for side in Side::BOTH {
            if let Some((one, other)) = native.get(side).alike() {
                let text = format!(
                    "its options \"{one}\" and \"{other}\" differ in case or blanks only, so that nothing tells them apart; \
                     rename one of them in {side}"
                );
                return Err(unfit(side, text));
            }
        }
        known_options(asked, native)?;
        if form == Form::Names {
            fit_for_a_line(native)?;
        }
        let limited = !native.ado.options.is_empty();
        let there = |name: &str| native.clickup.option_id(&Folded::new(name));
        let mut rows: Vec<(Folded, Folded)> = Vec::new();
        for (ado, clickup) in asked.values {
            let option = there(clickup).and_then(|id| native.clickup.choice(id));
            rows.extend(option.map(|option| (Folded::new(ado), option)));
        }
        for (id, name) in &native.clickup.options {
            let folded = Folded::new(name);
            let own = options(Side::Ado).find(|own| Folded::new(own) == folded);
            let own = own.map(|own| Folded::new(own));
            let own = own.or_else(|| (!limited).then_some(folded));
            rows.extend(own.zip(native.clickup.choice(id)));
        }
        rows
    } else {
        Vec::new()
    };
    // A number is written in several ways, and means the same in all.
    let listed = |name: &String| match form {
        Form::Plain => Some(Folded::new(name)),
        Form::Decimal => Some(Folded::new(&number(name)?.to_string())),
        _ => None,
    };
    let only = options(Side::Ado).filter_map(listed);
    Ok(Rule {
        key: asked.key.clone(),
        id: native.clickup.id.clone(),
        form,
        values: Relation::of(rows),
        open: Sided {
            ado: named && native.ado.options.is_empty(),
            clickup: false,
        },
        whole: native.ado.kind == "integer",
        range: native.clickup.range,
        scale: asked.scale.unwrap_or(1),
        one_line: native.ado.kind == "string",
        only: only.collect(),
    })
}

/// Reads a number of a list.
fn number(text: &str) -> Option<FieldValue> {
    let number: f64 = text.trim().parse().ok()?;
    Some(FieldValue::Number((number * 1000.0).round() as i64))
}

/// Refuses labels that cannot stand beside one another in a text of Azure DevOps, separated by `; `.
fn fit_for_a_line(native: &Sided<Native>) -> Result<(), Unfit> {
    if !native.ado.options.is_empty() {
        let text =
            "it takes one value out of a list, and labels are several; name a field for free text"
                .to_owned();
        return Err(unfit(Side::Ado, text));
    }
    let mut names = native.clickup.options.iter().map(|(_, name)| name);
    match names.find(|name| name.contains(LABELS_BETWEEN)) {
        Some(name) => {
            let text = format!(
                "its label \"{name}\" has a `{LABELS_BETWEEN}`, which separates labels in Azure DevOps; rename it in ClickUp"
            );
            Err(unfit(Side::ClickUp, text))
        }
        None => Ok(()),
    }
}

/// Refuses a row of `values` with an option that its side does not have.
fn known_options(asked: &Asked<'_>, native: &Sided<Native>) -> Result<(), Unfit> {
    for (ado, clickup) in asked.values {
        for (side, name) in [(Side::Ado, ado), (Side::ClickUp, clickup)] {
            let native = native.get(side);
            if !native.options.is_empty() && native.option_id(&Folded::new(name)).is_none() {
                let names: Vec<String> = native
                    .options
                    .iter()
                    .map(|(_, name)| format!("\"{name}\""))
                    .collect();
                return Err(Unfit {
                    side,
                    value: Some(name.clone()),
                    text: format!(
                        "{side} has no option \"{name}\" of it; it has {}",
                        names.join(", ")
                    ),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
