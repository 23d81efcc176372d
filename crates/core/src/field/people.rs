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
            return Err(ValueWhy::people_unmapped(people, from.other()));
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
    let leads = Leads::of(of);
    match (of.changed.ado, of.changed.clickup) {
        (true, false) => leads.to_clickup(),
        // Nobody in ADO and somebody new in ClickUp is a new lead; a lead who is still there is left alone.
        (false, true) if leads.new_is_in_clickup() => Merged::Rebase,
        (false, true) => leads.to_ado(),
        (true, true) | (false, false) if leads.old_is_left_alone() => leads.to_clickup(),
        // Both took the old lead away and only ClickUp names somebody: that contradicts nothing in ADO.
        (true, true) | (false, false) if leads.new.is_none() => leads.to_ado(),
        (true, true) | (false, false) => leads.conflict(),
    }
}

/// Who leads and who else is assigned, before and now.
struct Leads<'a> {
    of: &'a Merge<'a>,
    /// ADO's person when both sides agreed last.
    old: Option<Folded>,
    /// ADO's person now.
    new: Option<Folded>,
    /// Everybody who is assigned in ClickUp now.
    clickup: BTreeSet<Folded>,
}

impl<'a> Leads<'a> {
    fn of(of: &'a Merge<'a>) -> Leads<'a> {
        let lead = |value: &FieldValue| value.members().into_iter().next();
        Leads {
            of,
            old: lead(&of.base.ado),
            new: lead(&of.now.ado),
            clickup: of.now.clickup.members(),
        }
    }

    /// A person of ADO as ClickUp knows them.
    fn image(&self, person: Option<&Folded>) -> Option<Folded> {
        person.and_then(|person| self.of.tables.people.translate(Side::Ado, person))
    }

    fn new_is_in_clickup(&self) -> bool {
        let new = self.image(self.new.as_ref());
        new.is_some_and(|lead| self.clickup.contains(&lead))
    }

    /// Whether nobody in ClickUp touched the lead that both sides agreed on. Whoever assigns that person there again, after an
    /// undo had taken them off the task alone, has touched it.
    fn old_is_left_alone(&self) -> bool {
        let before = self.of.base.clickup.members();
        match self.image(self.old.as_ref()) {
            Some(old) => self.clickup.contains(&old) && before.contains(&old),
            None => before == self.clickup,
        }
    }

    /// What ClickUp gets: the new lead in place of the old one, among everybody else who is there.
    fn for_clickup(&self) -> Result<FieldValue, ValueWhy> {
        let mut set = self.clickup.clone();
        if let Some(old) = self.image(self.old.as_ref()) {
            set.remove(&old);
        }
        match (&self.new, self.image(self.new.as_ref())) {
            (Some(lead), None) => Err(ValueWhy::people_unmapped([lead], Side::ClickUp)),
            (_, new) => {
                set.extend(new);
                Ok(FieldValue::from_people(set))
            }
        }
    }

    /// What ADO gets: one of ClickUp's people.
    fn for_ado(&self) -> Result<FieldValue, ValueWhy> {
        // Somebody who was just added is the likelier lead than one who was there before.
        let before = self.of.base.clickup.members();
        let added = self.clickup.difference(&before);
        let mut candidates = added.chain(self.clickup.iter());
        let lead =
            candidates.find_map(|person| self.of.tables.people.translate(Side::ClickUp, person));
        match lead {
            Some(lead) => Ok(FieldValue::from_people(BTreeSet::from([lead]))),
            None if self.clickup.is_empty() => Ok(FieldValue::Empty),
            None => Err(ValueWhy::people_unmapped(&self.clickup, Side::Ado)),
        }
    }

    fn to_clickup(&self) -> Merged {
        let reason = match &self.new {
            Some(_) => "assigned in Azure DevOps",
            None => "unassigned in Azure DevOps",
        };
        self.write(Side::ClickUp, self.for_clickup(), reason)
    }

    fn to_ado(&self) -> Merged {
        let before = self.of.base.clickup.members();
        let reason = match self.clickup.is_subset(&before) {
            false => "assigned in ClickUp",
            true => "unassigned in ClickUp",
        };
        self.write(Side::Ado, self.for_ado(), reason)
    }

    fn write(
        &self,
        side: Side,
        value: Result<FieldValue, ValueWhy>,
        reason: &'static str,
    ) -> Merged {
        match value {
            Ok(value) if value == *self.of.now.get(side) => Merged::Rebase,
            Ok(value) => Merged::Write {
                to: one(side, value),
                reason,
            },
            Err(reason) => Merged::Blocked(reason),
        }
    }

    /// Both sides name another lead: the configured winner's is taken, if there is one.
    fn conflict(&self) -> Merged {
        let (to, value) = match self.of.winner {
            Some(Side::Ado) => (Side::ClickUp, self.for_clickup()),
            Some(Side::ClickUp) => (Side::Ado, self.for_ado()),
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
                taken: self.of.winner,
            },
            Err(reason) => Merged::Blocked(reason),
        }
    }
}
