//! The canaries, one work item for each pair, with the claims on them: another installation takes a pair over, and a person
//! takes it back. Judged: nothing is written to a pair while it is another's (I18).

use super::remote::{Remote, lock};
use super::script::{Fault, On};
use super::world::World;
use boardsync::claim::{self, Claim};
use boardsync::connector::{ClaimChange, Claims, ConnectorError, ErrorKind};
use boardsync::model::{Item, ItemId, PairName, Side, Sided, Timestamp, Version};
use std::collections::{BTreeMap, BTreeSet};

/// A canary.
#[derive(Clone, Debug, Default)]
pub struct Canary {
    version: i64,
    texts: Vec<String>,
    /// True time since which another installation has claimed its pair.
    since: Option<i64>,
}

/// Who the other installation is.
const OTHER: &str = "other";

fn id_of(pair: usize) -> ItemId {
    ItemId((pair + 1).to_string())
}

impl World {
    /// What the configuration names.
    pub fn canaries(&self) -> BTreeMap<PairName, Sided<Option<ItemId>>> {
        let pairs = 0..self.setup.pairs as usize;
        let named = pairs.filter(|_| self.setup.canary).map(|n| {
            let canary = Sided {
                ado: Some(id_of(n)),
                clickup: None,
            };
            (self.name(n), canary)
        });
        named.collect()
    }

    fn canary(&mut self, side: Side, id: &ItemId) -> Option<&mut Canary> {
        let found = (0..2).find(|n| id_of(*n) == *id)?;
        (side == Side::Ado && self.setup.canary).then(|| &mut self.claims[found])
    }

    /// What a read of a canary shows; `None`: it is none.
    pub fn canary_item(&mut self, side: Side, id: &ItemId) -> Option<Item> {
        let version = Version(self.canary(side, id)?.version);
        Some(Item {
            id: id.clone(),
            version,
            url: super::world::url(side, id),
            fields: BTreeMap::new(),
            raw: Default::default(),
            unread: BTreeSet::new(),
            markers: Vec::new(),
            backlinks: Vec::new(),
            parent: None,
            archived: false,
            container: String::new(),
            created_at: Timestamp(super::world::START),
            changed_at: Timestamp(super::world::START),
        })
    }

    /// Another installation takes a pair over.
    pub fn claimed_elsewhere(&mut self, pair: u32) {
        let pair = (pair % self.setup.pairs) as usize;
        if !self.setup.canary {
            return;
        }
        let claim = Claim {
            pair: self.name(pair),
            instance: OTHER.to_owned(),
            counter: 1000,
            nonce: format!("n{}", self.now),
            at: Timestamp(self.now),
            host: "elsewhere".to_owned(),
        };
        let now = self.now;
        let canary = &mut self.claims[pair];
        canary.version += 1;
        canary.texts = vec![claim.to_string()];
        canary.since.get_or_insert(now);
        self.count("pair claimed elsewhere");
        self.say(|| format!("another installation claims pair {pair}"));
    }

    /// Pairs that another installation holds, or that a restored database does not know as its own.
    pub fn to_take_over(&self) -> Vec<u32> {
        let back = self.counts.contains_key("database put back");
        let pairs = 0..self.setup.pairs;
        let lost = |n: &u32| back || self.claims[*n as usize].since.is_some();
        pairs.filter(|n| self.setup.canary && lost(n)).collect()
    }

    /// I18, at a write to a pair: the cycle has begun after another installation claimed it.
    pub fn judge_claimed(&mut self, pair: usize) {
        let name = self.name(pair);
        let canary = &self.claims[pair % 2];
        let mut claims = canary.texts.iter().filter_map(|text| claim::parse(text));
        let theirs = claims.any(|claim| claim.pair == name && claim.instance == OTHER);
        if theirs && canary.since.is_some_and(|since| since < self.began) {
            self.violate(
                "I18",
                format!("a write to the pair {name}, which another installation has claimed"),
            );
        }
    }

    fn take_claim(&mut self, change: &ClaimChange) -> bool {
        let Some(canary) = self.canary(Side::Ado, &change.id) else {
            return false;
        };
        if canary.version != change.expected.0 {
            return false;
        }
        canary.version += 1;
        canary.texts.retain(|text| !change.replaces.contains(text));
        canary.texts.push(change.claim.clone());
        let theirs = |text: &String| claim::parse(text).is_some_and(|c| c.instance == OTHER);
        if !canary.texts.iter().any(theirs) {
            canary.since = None;
        }
        true
    }
}

impl Remote {
    pub async fn read_claims(&self, id: &ItemId) -> Result<Claims, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).and_then(|()| {
            let mut world = lock(&self.world);
            let Some(canary) = world.canary(self.side, id) else {
                return Err(self.error(ErrorKind::NotFound, "no such item"));
            };
            Ok(Claims {
                version: Version(canary.version),
                texts: canary.texts.clone(),
            })
        });
        self.back(&ons, answer).await
    }

    pub async fn write_claim(&self, change: &ClaimChange) -> Result<(), ConnectorError> {
        let ons = self.ons(On::Write);
        let first = || {
            lock(&self.world).take_claim(change);
        };
        let (fault, again) = self.send_until_answered(&ons, first).await;
        let answer = self.refuse(fault.as_ref(), true).and_then(|()| {
            let mut world = lock(&self.world);
            if world.looking || world.told.stopped {
                world.violate("I19", "a claim while nothing may be written".to_owned());
            }
            let taken = world.take_claim(change);
            world.say(|| format!("claim {}: {taken}", change.claim));
            match (taken, fault.as_ref()) {
                (false, _) => Err(self.error(ErrorKind::Stale, "HTTP 412")),
                (true, Some(Fault::Unanswered | Fault::Late(_))) => {
                    Err(self.error(ErrorKind::Ambiguous, "no answer"))
                }
                (true, _) => Ok(()),
            }
        });
        let answer = self.repeated(again, || None, answer);
        self.back(&ons, answer).await
    }
}
