//! People who do the work: one on ADO, any number on ClickUp.

use super::merged::one;
use super::{Form, Kind, Merge, Merged, Tables};
use crate::capabilities;
use crate::model::{FieldValue, Folded, Side, Sided};
use crate::reason::ValueWhy;
use std::collections::BTreeSet;

pub(super) struct People;

impl Kind for People {
    fn form(&self) -> Form {
        Form::People
    }

    /// ADO's one person is among those of ClickUp.
    fn agree(&self, now: &Sided<FieldValue>, tables: &Tables<'_>) -> bool {
        let members = now.clickup.members();
        match now.ado.members().iter().next() {
            Some(lead) => tables
                .people
                .translate(Side::Ado, lead)
                .is_some_and(|lead| members.contains(&lead)),
            None => members.is_empty(),
        }
    }

    fn translate(
        &self,
        from: Side,
        value: &FieldValue,
        tables: &Tables<'_>,
    ) -> Result<FieldValue, ValueWhy> {
        let FieldValue::People(people) = value else {
            return Ok(value.clone());
        };
        let known: BTreeSet<Folded> = people
            .iter()
            .filter_map(|p| tables.people.translate(from, p))
            .collect();
        if known.is_empty() {
            return Err(ValueWhy::PeopleUnmapped {
                people: people.iter().map(|p| p.shown.clone()).collect(),
                side: from.other(),
            });
        }
        // Where not all fit, the first by key, so that the choice is the same in every run.
        let most = capabilities::of(from.other()).people;
        let fitting = known.into_iter().take(most.unwrap_or(usize::MAX));
        Ok(FieldValue::from_people(fitting.collect()))
    }

    fn merge(&self, of: &Merge<'_>) -> Merged {
        merge(of)
    }

    fn same_words(&self) -> bool {
        false
    }

    fn owed(&self, side: Side, old: Option<&FieldValue>, image: FieldValue) -> FieldValue {
        match side {
            // Who was assigned before is not who was added since, so he is no new lead.
            Side::ClickUp => {
                let mut people = old.map(FieldValue::members).unwrap_or_default();
                people.extend(image.members());
                FieldValue::from_people(people)
            }
            // Nor may anybody who was added to the task be taken for the lead to be replaced.
            Side::Ado => old.cloned().unwrap_or(FieldValue::Empty),
        }
    }

    /// Where one person fits, any of those who were asked for will do.
    fn in_force(&self, side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        let (FieldValue::People(wanted), FieldValue::People(shown)) = (wanted, shown) else {
            return false;
        };
        capabilities::of(side).people.is_some() && shown.is_subset(wanted)
    }

    fn example(&self, side: Side, n: u32) -> FieldValue {
        let names = EXAMPLES.get(n as usize % EXAMPLES.len());
        let person = names.map(|names| {
            let mail = match side {
                Side::Ado => names.0,
                Side::ClickUp => names.1,
            };
            Folded::person(mail, mail)
        });
        FieldValue::from_people(person.into_iter().collect())
    }
}

/// Addresses of people on both sides, as in the table of the pair that tests use.
const EXAMPLES: [(&str, &str); 3] = [
    ("ana@contoso.com", "ana@clickup-mail.com"),
    ("bo@contoso.com", "bo@contoso.com"),
    ("cy@contoso.com", "cy@contoso.com"),
];

/// ADO's one person is the lead; ClickUp's set may hold more, and those others are left alone.
fn merge(of: &Merge<'_>) -> Merged {
    let (base, now) = (of.base, of.now);
    let people = of.tables.people;
    let lead_of = |value: &FieldValue| value.members().into_iter().next();
    let clickup_now = now.clickup.members();
    let image = |person: Option<&Folded>| person.and_then(|p| people.translate(Side::Ado, p));
    let (old_lead, new_lead) = (lead_of(&base.ado), lead_of(&now.ado));

    let ado_to_clickup = || {
        let mut set = clickup_now.clone();
        if let Some(old) = image(old_lead.as_ref()) {
            set.remove(&old);
        }
        match (&new_lead, image(new_lead.as_ref())) {
            (Some(lead), None) => Err(ValueWhy::PeopleUnmapped {
                people: vec![lead.shown.clone()],
                side: Side::ClickUp,
            }),
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
            .filter_map(|p| people.translate(Side::ClickUp, p))
            .next();
        match lead {
            Some(lead) => Ok(FieldValue::from_people(BTreeSet::from([lead]))),
            None if clickup_now.is_empty() => Ok(FieldValue::Empty),
            None => Err(ValueWhy::AssigneesUnmapped),
        }
    };
    let write = |side: Side, value: Result<FieldValue, ValueWhy>, reason| match value {
        Ok(value) if value == *now.get(side) => Merged::Rebase,
        Ok(value) => Merged::Write {
            to: one(side, value),
            reason,
        },
        Err(reason) => Merged::Blocked(reason),
    };
    match (of.changed.ado, of.changed.clickup) {
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
            let (to, value) = match of.winner {
                Some(Side::Ado) => (Side::ClickUp, ado_to_clickup()),
                Some(Side::ClickUp) => (Side::Ado, clickup_to_ado()),
                None => {
                    return Merged::Conflict {
                        to: Sided::default(),
                        taken: None,
                    };
                }
            };
            match value {
                Ok(value) => Merged::Conflict {
                    to: one(to, value),
                    taken: of.winner,
                },
                Err(reason) => Merged::Blocked(reason),
            }
        }
    }
}
