//! What becomes of a write: it takes effect or not, and the caller hears of it or not.

use super::controls::Control;
use super::remote::{Remote, lock};
use super::script::{Fault, Says};
use super::world::{Delivery, Poison, Refusal, Request, World};
use boardsync::connector::{ConnectorError, ErrorKind, NewItem};
use boardsync::model::{FieldKey, FieldValue, Item, ItemId, Side, Version};
use std::collections::{BTreeMap, BTreeSet};

impl Remote {
    /// Delivers a request as the fault has it. `Err`: what the caller is told instead of an answer.
    pub fn deliver(
        &self,
        request: Request,
        fault: Option<&Fault>,
        delivery: Delivery,
    ) -> Result<usize, ConnectorError> {
        let mut world = lock(&self.world);
        world.requests += 1;
        if world.looking {
            let said = format!("{}: a write while looking: {request:?}", self.side);
            world.violate("I19", said);
        }
        if let Some(error) = self.misplaced(&world, &request) {
            return Err(error);
        }
        if let Some(error) = self.poisoned(&mut world, &request, fault) {
            return Err(error);
        }
        if let Some(error) = fault.and_then(|fault| self.refused(&mut world, &request, fault)) {
            return Err(error);
        }
        if let Some(error) =
            fault.and_then(|fault| self.unanswered(&mut world, &request, fault, delivery))
        {
            return Err(error);
        }
        let outcome = world.apply(self.side, &request, delivery);
        if let (Some(fault @ Fault::Twice), Ok(_)) = (fault, outcome) {
            world.count(fault.word());
            let _ = world.apply(self.side, &request, Delivery::Again);
        }
        outcome.map_err(|refusal| match refusal {
            Refusal::Moved => {
                world.count("real conflict");
                self.error(ErrorKind::Stale, "HTTP 412")
            }
            Refusal::Gone => self.error(ErrorKind::NotFound, "HTTP 404"),
        })
    }

    /// What a caller is told whose request a fault keeps from having any effect; `None`: it has one.
    fn refused(
        &self,
        world: &mut World,
        request: &Request,
        fault: &Fault,
    ) -> Option<ConnectorError> {
        let error = match fault {
            Fault::Refused(None) => {
                self.may_be_held(world, request);
                self.error(ErrorKind::Refused, "a rule")
            }
            Fault::Page(false) => {
                self.may_be_held(world, request);
                self.page()
            }
            Fault::Refused(Some(field)) if names(request, field) => {
                let (subject, _) = asked(request);
                world.refused.insert((subject, field.clone()));
                let mut error = self.error(ErrorKind::Refused, "a rule about a field");
                error.field = Some(field.clone());
                error
            }
            Fault::Conflict if self.side == Side::Ado && matches!(request, Request::Update(_)) => {
                self.error(ErrorKind::Stale, "HTTP 412")
            }
            _ => return None,
        };
        world.count(fault.word());
        Some(error)
    }

    /// What a caller is told whose request has an effect that nobody reports; `None`: the answer comes.
    fn unanswered(
        &self,
        world: &mut World,
        request: &Request,
        fault: &Fault,
        delivery: Delivery,
    ) -> Option<ConnectorError> {
        let update = matches!(request, Request::Update(_));
        match fault {
            Fault::Unanswered => {
                let _ = world.apply(self.side, request, delivery);
            }
            Fault::Late(ms) => world.later(*ms, self.side, request.clone()),
            Fault::Partial if self.side == Side::ClickUp && update => {
                let _ = world.apply(self.side, request, Delivery::Partial);
            }
            Fault::Page(true) => {
                self.may_be_held(world, request);
                let _ = world.apply(self.side, request, delivery);
            }
            _ => return None,
        }
        world.count(fault.word());
        world.told.unanswered.push((self.side, request.clone()));
        world.say(|| format!("{}: no answer ({})", self.side, fault.word()));
        Some(match fault {
            Fault::Page(_) => self.page(),
            _ => self.error(ErrorKind::Ambiguous, "no answer"),
        })
    }

    /// Notes that the fields of a request may stay apart at the end, where a hold says so.
    fn may_be_held(&self, world: &mut World, request: &Request) {
        let (item, fields) = asked(request);
        let fields = fields.into_iter().flat_map(BTreeMap::keys).cloned();
        // A tag goes in a call of its own, without fields.
        let tag = matches!(request, Request::Tag(..)).then_some(FieldKey::Tags);
        let refused = fields.chain(tag).map(|field| (item.clone(), field));
        world.refused.extend(refused);
    }

    /// Puts another item in the place of the new one that the answer to a create shows; there has to be one.
    pub fn mistaken(&self, new: &NewItem, own: Item, fault: Option<&Fault>) -> Option<Item> {
        let Some(fault @ Fault::Stranger) = fault else {
            return None;
        };
        let mut world = lock(&self.world);
        let mut records = world.side.get(self.side).records.iter();
        let other = records.rfind(|record| record.id != own.id)?;
        let shown = self.item(&world, other, other.now());
        world.count(fault.word());
        let sent = Request::Create(new.clone());
        world.told.unanswered.push((self.side, sent));
        world.say(|| format!("{}: the answer shows {}", self.side, shown.id));
        Some(shown)
    }

    /// Why a service does not take a request with a poisoned value; `None`: it holds none.
    fn poisoned(
        &self,
        world: &mut World,
        request: &Request,
        fault: Option<&Fault>,
    ) -> Option<ConnectorError> {
        let (subject, Some(fields)) = asked(request) else {
            return None;
        };
        let service = world.side.get(self.side);
        let record = match request {
            Request::Create(_) => None,
            _ => service.find(&subject).map(|at| &service.records[at]),
        };
        let held = record.and_then(|record| record.now().values.get(&FieldKey::Tags));
        let held = held.map(FieldValue::members).unwrap_or_default();
        let source = record.and_then(|record| record.source.clone());
        if let Some(fault @ Fault::Poison { field, says }) = fault {
            let vital = *field == FieldKey::Title && matches!(request, Request::Create(_));
            let value = fields.get(field).filter(|_| !vital).cloned();
            let value = match (field, value) {
                (FieldKey::Tags, Some(tags)) => {
                    let new = tags.members().difference(&held).next().cloned();
                    new.map(|tag| FieldValue::from_tags(BTreeSet::from([tag])))
                }
                (_, value) => value.filter(|value| !value.is_empty()),
            };
            if let Some(value) = value {
                world.count(fault.word());
                world.poison.push(Poison {
                    side: self.side,
                    subject: subject.clone(),
                    field: field.clone(),
                    value,
                    says: *says,
                });
            }
        }
        let poison = world.poison.iter().find(|poison| {
            let sent = fields.get(&poison.field);
            let about = poison.subject == subject || Some(&poison.subject) == source.as_ref();
            let holds = sent.is_some_and(|sent| match poison.field {
                FieldKey::Tags => {
                    let bad = poison.value.members();
                    !bad.is_disjoint(&sent.members()) && bad.is_disjoint(&held)
                }
                _ => *sent == poison.value,
            });
            poison.side == self.side && about && holds
        });
        let blamed = self.is(Control::ItemBlamed) && world.blamed.contains(&subject);
        let (field, says) = match poison {
            Some(poison) => (poison.field.clone(), poison.says),
            None if blamed => (FieldKey::Title, Says::Nothing),
            None => return None,
        };
        world.blamed.insert(subject.clone());
        world.refused.insert((subject.clone(), field.clone()));
        world.say(|| format!("{} {subject}: {field} is refused ({says:?})", self.side));
        let mut error = self.error(ErrorKind::Refused, "a rule about a value");
        match says {
            Says::Name => error.field = Some(field),
            Says::Nothing => {}
            Says::Unsent => error.unsent = Some("Custom.RootCause".to_owned()),
            Says::Forbidden => error.status = Some(403),
            Says::Page => error = self.page(),
        }
        Some(error)
    }

    /// The item that the answer to a write shows.
    pub fn answered(
        &self,
        at: usize,
        asked: &BTreeMap<FieldKey, FieldValue>,
        fault: Option<&Fault>,
    ) -> Item {
        let mut world = lock(&self.world);
        let record = &world.side.get(self.side).records[at];
        let mut item = self.item(&world, record, record.now());
        if self.is(Control::SentBase) {
            for (key, value) in asked {
                item.fields.insert(key.clone(), value.clone());
            }
        }
        // ClickUp leaves out what it just stored, the description most often: in half of the histories always.
        if self.side == Side::ClickUp && world.seed % 2 == 1 {
            item.fields.remove(&FieldKey::Description);
            item.raw.clear();
        }
        // ADO answers with the whole work item; what is missing there is empty.
        if let (Some(fault @ Fault::Terse), Side::ClickUp) = (fault, self.side) {
            world.count(fault.word());
            item.fields.remove(&FieldKey::Description);
            item.fields.remove(&FieldKey::DueDate);
            item.raw.clear();
        }
        item
    }

    /// The design that replays: what got no answer goes out again as it was, before anything else.
    pub fn replay(&self) {
        let queued = std::mem::take(&mut *lock(&self.queue));
        let mut world = lock(&self.world);
        for mut change in queued {
            let service = world.side.get(self.side);
            if let Some(at) = service.find(&change.id) {
                change.expected = Version(service.records[at].now().version);
            }
            let _ = world.apply(self.side, &Request::Update(change), Delivery::Now);
        }
    }
}

/// Whether a rule about one field would look at this request.
fn names(request: &Request, field: &FieldKey) -> bool {
    match request {
        Request::Create(new) => new.fields.contains_key(field) && *field != FieldKey::Title,
        Request::Update(change) => change.set.contains_key(field),
        Request::Tag(..) => *field == FieldKey::Tags,
        Request::Delete(..) => false,
    }
}

/// The item that a request is about, which is its source for a create, and what it sets.
fn asked(request: &Request) -> (ItemId, Option<&BTreeMap<FieldKey, FieldValue>>) {
    match request {
        Request::Create(new) => (new.source.clone(), Some(&new.fields)),
        Request::Update(change) => (change.id.clone(), Some(&change.set)),
        Request::Tag(id, ..) | Request::Delete(_, id) => (id.clone(), None),
    }
}
