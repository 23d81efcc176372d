//! The three-way merge of one field, each side against its own base.
//!
//! "Changed on S" means that S's canonical value differs from S's *own* base. Values are never compared with the other
//! side's base through an inverse table: where a mapping loses something (two states beside one status), that would
//! rewrite what people chose.

mod direction;
mod formatting;
mod owed;

pub use direction::{Allowed, allowed};
pub use formatting::{Flattened, spare};

use super::policy::{FieldPolicy, Policy};
use crate::model::{FieldKey, FieldValue, Folded, Side, Sided};
use boardsync_markup::{self as markup, TextMerge};
use std::collections::BTreeSet;

/// The longest title that ADO takes (string fields hold 255 characters: docs `work-items/work-item-fields`), in UTF-16
/// units, as .NET counts: an emoji is two.
const ADO_TITLE_UNITS: usize = 255;

/// What is to be done about one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// Nothing.
    InSync,
    /// Both sides agree; the base moves to what they have.
    Rebase,
    /// Nothing, and the base stays: what was edited may not be carried to the other side.
    Against,
    /// One or both sides get a new value.
    Write {
        /// The new value per side; `None`: that side stays.
        to: Sided<Option<FieldValue>>,
        /// Why.
        reason: &'static str,
    },
    /// Both sides changed, differently.
    Conflict {
        /// The new value per side under the policy; both `None` when the field is held.
        to: Sided<Option<FieldValue>>,
        /// The side whose value is kept.
        taken: Option<Side>,
    },
    /// It cannot be decided; the reason says what is missing.
    Blocked(String),
}

/// Merges one field. `base` is `None` when the two sides never agreed on it. The result may hold writes against the
/// direction of the field, which [`allowed`] takes out.
pub fn merge_field(
    key: &FieldKey,
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    let changed = Sided::build(|side| base.is_none_or(|base| base.get(side) != now.get(side)));
    if !changed.ado && !changed.clickup {
        return Merged::InSync;
    }
    if agree(key, now, policy) {
        return Merged::Rebase;
    }
    let Some(base) = base else {
        return without_base(key, now, policy);
    };
    let flows = |side: Side| *changed.get(side) && rule.direction.writes_to(side.other());
    if !Side::BOTH.into_iter().any(flows) {
        // Whether the other side could hold it does not matter then.
        return Merged::Against;
    }
    match key {
        FieldKey::Tags => merge_tags(base, now),
        FieldKey::Assignees => merge_people(base, now, changed, rule, policy),
        FieldKey::Description => {
            let base = &owed::measured(base, now);
            match (changed.ado, changed.clickup) {
                (true, true) => merge_text(base, now, rule),
                (true, false) => carry_text(Side::Ado, base, now, "changed in Azure DevOps"),
                (false, _) => carry_text(Side::ClickUp, base, now, "changed in ClickUp"),
            }
        }
        FieldKey::Title
        | FieldKey::Type
        | FieldKey::State
        | FieldKey::Priority
        | FieldKey::StartDate
        | FieldKey::DueDate
        | FieldKey::Estimate
        | FieldKey::Points
        | FieldKey::Custom(_) => match (changed.ado, changed.clickup) {
            (true, false) => take(key, Side::Ado, now, "changed in Azure DevOps", policy),
            (false, true) => take(key, Side::ClickUp, now, "changed in ClickUp", policy),
            (true, true) | (false, false) => settle(key, now, rule, policy),
        },
    }
}

/// Returns whether the two values mean the same under the policy's tables.
pub fn agree(key: &FieldKey, now: &Sided<FieldValue>, policy: &Policy) -> bool {
    match (key, &now.ado, &now.clickup) {
        (FieldKey::State, FieldValue::Choice(ado), FieldValue::Choice(clickup)) => {
            policy.states.consistent(ado, clickup)
        }
        (FieldKey::Type, FieldValue::Choice(ado), FieldValue::Choice(clickup)) => {
            policy.types.consistent(ado, clickup)
        }
        (FieldKey::Assignees, ado, clickup) => {
            let members = clickup.members();
            match ado.members().iter().next() {
                Some(lead) => policy
                    .people
                    .translate(Side::Ado, lead)
                    .is_some_and(|lead| members.contains(&lead)),
                None => members.is_empty(),
            }
        }
        (_, ado, clickup) => ado == clickup,
    }
}

/// Translates a value into the other side's vocabulary.
///
/// # Errors
/// A sentence that names the value and what to do, where there is no counterpart.
pub fn translate(
    key: &FieldKey,
    from: Side,
    value: &FieldValue,
    policy: &Policy,
) -> Result<FieldValue, String> {
    match (key, value) {
        (FieldKey::State, FieldValue::Choice(name)) => policy
            .states
            .translate(from, name)
            .map(FieldValue::Choice)
            .ok_or_else(|| {
                format!("{from} state \"{name}\" stands in no row of states; add one to the pair")
            }),
        (FieldKey::Type, FieldValue::Choice(name)) => policy
            .types
            .translate(from, name)
            .map(FieldValue::Choice)
            .ok_or_else(|| {
                format!("{from} type \"{name}\" stands in no row of types; add one to the pair")
            }),
        (FieldKey::Assignees, FieldValue::People(people)) => {
            let known: BTreeSet<Folded> = people
                .iter()
                .filter_map(|p| policy.people.translate(from, p))
                .collect();
            match (known.is_empty(), from) {
                (true, _) => {
                    let names: Vec<&str> = people.iter().map(|p| p.shown.as_str()).collect();
                    Err(format!(
                        "{} has no counterpart in {}; add a row to people",
                        names.join(", "),
                        from.other()
                    ))
                }
                // ADO holds one person: the first by key, so that the choice is the same in every run.
                (false, Side::ClickUp) => {
                    Ok(FieldValue::from_people(known.into_iter().take(1).collect()))
                }
                (false, Side::Ado) => Ok(FieldValue::from_people(known)),
            }
        }
        (FieldKey::Title, FieldValue::Text(title))
            if from == Side::ClickUp && units(title) > ADO_TITLE_UNITS =>
        {
            Err(format!(
                "title has {} characters as Azure DevOps counts them, and it takes {ADO_TITLE_UNITS}; shorten it",
                units(title)
            ))
        }
        (FieldKey::Title, FieldValue::Empty) => {
            Err("title is empty; neither service takes that".to_owned())
        }
        (FieldKey::State | FieldKey::Type, FieldValue::Empty) => {
            Err(format!("{from} gives no {key}"))
        }
        (FieldKey::Tags, FieldValue::Tags(tags)) if from == Side::ClickUp => Ok(
            FieldValue::from_tags(tags.iter().filter(|tag| fits_ado(tag)).cloned().collect()),
        ),
        _ => Ok(value.clone()),
    }
}

/// Says which tags of a task stay there alone; `None`: Azure DevOps can hold all of them.
pub fn tags_that_stay(clickup: &FieldValue) -> Option<String> {
    let FieldValue::Tags(tags) = clickup else {
        return None;
    };
    let names = tags.iter().filter(|tag| !fits_ado(tag));
    let names: Vec<String> = names.map(|tag| format!("`{}`", tag.shown)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Azure DevOps takes no tag with `;` or `,` or of more than 400 characters, so {} in ClickUp alone; rename \
             it there",
            match names.as_slice() {
                [name] => format!("{name} stays"),
                names => format!("{} stay", names.join(", ")),
            }
        )
    })
}

/// ADO joins tags with `;` and cuts at `,`, and takes 400 characters (docs `add-tags-to-work-items`).
fn fits_ado(tag: &Folded) -> bool {
    !tag.shown.contains([';', ',']) && units(&tag.shown) <= 400
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn one(side: Side, value: FieldValue) -> Sided<Option<FieldValue>> {
    let mut to = Sided {
        ado: None,
        clickup: None,
    };
    *to.get_mut(side) = Some(value);
    to
}

fn take(
    key: &FieldKey,
    from: Side,
    now: &Sided<FieldValue>,
    reason: &'static str,
    policy: &Policy,
) -> Merged {
    match translate(key, from, now.get(from), policy) {
        Ok(value) if value == *now.get(from.other()) => Merged::Rebase,
        Ok(value) => Merged::Write {
            to: one(from.other(), value),
            reason,
        },
        Err(reason) => Merged::Blocked(reason),
    }
}

/// Both sides changed a value that cannot be merged: the policy's side wins, or the field is held.
fn settle(key: &FieldKey, now: &Sided<FieldValue>, rule: FieldPolicy, policy: &Policy) -> Merged {
    let held = Merged::Conflict {
        to: Sided {
            ado: None,
            clickup: None,
        },
        taken: None,
    };
    let Some(winner) = rule.winner else {
        return held;
    };
    match translate(key, winner, now.get(winner), policy) {
        Ok(value) => Merged::Conflict {
            to: one(winner.other(), value),
            taken: Some(winner),
        },
        Err(reason) => Merged::Blocked(reason),
    }
}

/// Without a base nothing tells an old value from a new one, so only filling a gap is safe; the rest is held.
fn without_base(key: &FieldKey, now: &Sided<FieldValue>, policy: &Policy) -> Merged {
    for side in Side::BOTH {
        if now.get(side.other()).is_empty() && !now.get(side).is_empty() {
            return take(key, side, now, "empty on this side at first sight", policy);
        }
    }
    for side in Side::BOTH {
        if let Err(reason) = translate(key, side, now.get(side), policy) {
            return Merged::Blocked(reason);
        }
    }
    Merged::Conflict {
        to: Sided {
            ado: None,
            clickup: None,
        },
        taken: None,
    }
}

/// Element by element: what one side added or removed since its own base happens to the other. Elements that only one
/// side can hold stay where they are.
fn merge_tags(base: &Sided<FieldValue>, now: &Sided<FieldValue>) -> Merged {
    let delta = Sided::build(|side| {
        let (old, new) = (base.get(side).members(), now.get(side).members());
        let added: BTreeSet<Folded> = new.difference(&old).cloned().collect();
        let removed: BTreeSet<Folded> = old.difference(&new).cloned().collect();
        (added, removed)
    });
    let to = Sided::build(|side| {
        let mut set = now.get(side).members();
        let (own_added, _) = delta.get(side);
        let (added, removed) = delta.get(side.other());
        for tag in removed.iter().filter(|tag| !own_added.contains(*tag)) {
            set.remove(tag);
        }
        for tag in added
            .iter()
            .filter(|tag| side == Side::ClickUp || fits_ado(tag))
        {
            if !set.contains(tag) {
                set.insert(tag.clone());
            }
        }
        let value = FieldValue::from_tags(set);
        (value != *now.get(side)).then_some(value)
    });
    if to.ado.is_none() && to.clickup.is_none() {
        Merged::Rebase
    } else {
        Merged::Write {
            to,
            reason: "tags added or removed",
        }
    }
}

/// ADO's one person is the lead; ClickUp's set may hold more, and those others are left alone.
fn merge_people(
    base: &Sided<FieldValue>,
    now: &Sided<FieldValue>,
    changed: Sided<bool>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    let lead_of = |value: &FieldValue| value.members().into_iter().next();
    let clickup_now = now.clickup.members();
    let image =
        |person: Option<&Folded>| person.and_then(|p| policy.people.translate(Side::Ado, p));
    let (old_lead, new_lead) = (lead_of(&base.ado), lead_of(&now.ado));

    let ado_to_clickup = || {
        let mut set = clickup_now.clone();
        if let Some(old) = image(old_lead.as_ref()) {
            set.remove(&old);
        }
        match (&new_lead, image(new_lead.as_ref())) {
            (Some(lead), None) => Err(format!(
                "{lead} has no counterpart in ClickUp; add a row to people"
            )),
            (_, Some(new)) => {
                set.insert(new);
                Ok(FieldValue::from_people(set))
            }
            (None, None) => Ok(FieldValue::from_people(set)),
        }
    };
    let clickup_to_ado = || {
        // Somebody who was just added is the likelier lead than one who was there before.
        let added: BTreeSet<Folded> = clickup_now
            .difference(&base.clickup.members())
            .cloned()
            .collect();
        let candidates = added.iter().chain(clickup_now.iter());
        let lead = candidates
            .filter_map(|p| policy.people.translate(Side::ClickUp, p))
            .next();
        match lead {
            Some(lead) => Ok(FieldValue::from_people(BTreeSet::from([lead]))),
            None if clickup_now.is_empty() => Ok(FieldValue::Empty),
            None => Err(
                "none of the assignees has a counterpart in Azure DevOps; add a row to people"
                    .to_owned(),
            ),
        }
    };
    let write = |side: Side, value: Result<FieldValue, String>, reason| match value {
        Ok(value) if value == *now.get(side) => Merged::Rebase,
        Ok(value) => Merged::Write {
            to: one(side, value),
            reason,
        },
        Err(reason) => Merged::Blocked(reason),
    };
    match (changed.ado, changed.clickup) {
        (true, false) => write(Side::ClickUp, ado_to_clickup(), "assigned in Azure DevOps"),
        (false, true) => {
            let lead_stays =
                image(new_lead.as_ref()).is_some_and(|lead| clickup_now.contains(&lead));
            // Nobody in ADO and somebody new in ClickUp is a new lead; a lead who is still there is left alone.
            if lead_stays {
                Merged::Rebase
            } else {
                write(Side::Ado, clickup_to_ado(), "assigned in ClickUp")
            }
        }
        (true, true) | (false, false) => {
            let lead_untouched_in_clickup = match image(old_lead.as_ref()) {
                Some(old) => clickup_now.contains(&old),
                None => base.clickup.members() == clickup_now,
            };
            if lead_untouched_in_clickup {
                return write(Side::ClickUp, ado_to_clickup(), "assigned in Azure DevOps");
            }
            // Both took the old lead away and only ClickUp names somebody: that contradicts nothing in ADO.
            if new_lead.is_none() {
                return write(Side::Ado, clickup_to_ado(), "assigned in ClickUp");
            }
            let (to, value) = match rule.winner {
                Some(Side::Ado) => (Side::ClickUp, ado_to_clickup()),
                Some(Side::ClickUp) => (Side::Ado, clickup_to_ado()),
                None => {
                    return Merged::Conflict {
                        to: Sided {
                            ado: None,
                            clickup: None,
                        },
                        taken: None,
                    };
                }
            };
            match value {
                Ok(value) => Merged::Conflict {
                    to: one(to, value),
                    taken: rule.winner,
                },
                Err(reason) => Merged::Blocked(reason),
            }
        }
    }
}

fn text_of(value: &FieldValue) -> &str {
    match value {
        FieldValue::Rich(text) => text,
        FieldValue::Text(text) => text,
        _ => "",
    }
}

/// One side's edit of a long text, made in the other side's text: what that side's service dropped was no edit, so it is
/// not carried over with it.
fn carry_text(
    from: Side,
    base: &Sided<FieldValue>,
    now: &Sided<FieldValue>,
    reason: &'static str,
) -> Merged {
    let to = from.other();
    let text = |value: &FieldValue| text_of(value).to_owned();
    let value = FieldValue::rich(markup::carry(
        &text(base.get(from)),
        &text(now.get(from)),
        &text(now.get(to)),
    ));
    match value == *now.get(to) {
        true => Merged::Rebase,
        false => Merged::Write {
            to: one(to, value),
            reason,
        },
    }
}

/// Line diff3. Where the two bases differ (a lossy rendering), each side's edit is first carried over to the other side's
/// base, so that the loss itself is not mistaken for an edit.
fn merge_text(base: &Sided<FieldValue>, now: &Sided<FieldValue>, rule: FieldPolicy) -> Merged {
    let merged = |side: Side| {
        let (own, other) = (side, side.other());
        let text = |values: &Sided<FieldValue>, side: Side| text_of(values.get(side)).to_owned();
        let own_base = text(base, own);
        let carried = markup::carry(&text(base, other), &text(now, other), &own_base);
        markup::merge3(&own_base, &text(now, own), &carried)
    };
    let write = |texts: Sided<String>| {
        texts.map(|side, text| {
            let value = FieldValue::rich(text);
            (value != *now.get(side)).then_some(value)
        })
    };
    let held = Merged::Conflict {
        to: Sided::default(),
        taken: None,
    };
    let merged = Sided::build(merged);
    let texts = |winner: Side| {
        let settled = Sided::build(|side| match merged.get(side) {
            TextMerge::Clean(text) => text.clone(),
            TextMerge::Conflict { taking_a, .. } if winner == side => taking_a.clone(),
            TextMerge::Conflict { taking_b, .. } => taking_b.clone(),
        });
        // Seen from either side it is one merge: the same words, and a conflict in both or in none.
        let clean = |side: Side| matches!(merged.get(side), TextMerge::Clean(_));
        let same = markup::same_words(text_of(&base.ado), text_of(&base.clickup));
        let differ = !markup::same_words(&settled.ado, &settled.clickup);
        // What an undo left apart is decided together with the overlap: the conflict that names it gives way to this one.
        if !same && differ && !clean(Side::Ado) && !clean(Side::ClickUp) {
            let text = match winner {
                Side::Ado => settled.ado,
                Side::ClickUp => settled.clickup,
            };
            return Sided::build(|_| text.clone());
        }
        let apart = same && differ;
        match apart || clean(Side::Ado) != clean(Side::ClickUp) {
            true => Sided {
                clickup: settled.ado.clone(),
                ado: settled.ado,
            },
            false => settled,
        }
    };
    match (&merged.ado, rule.winner) {
        (TextMerge::Clean(_), _) => {
            let to = write(texts(Side::Ado));
            match to.ado.is_none() && to.clickup.is_none() {
                true => Merged::Rebase,
                false => Merged::Write {
                    to,
                    reason: "edited on both sides, merged",
                },
            }
        }
        (TextMerge::Conflict { .. }, Some(winner)) => Merged::Conflict {
            to: write(texts(winner)),
            taken: Some(winner),
        },
        (TextMerge::Conflict { .. }, None) => held,
    }
}
