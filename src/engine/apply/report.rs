//! What a plan is carried out with, and what came of it.

use crate::connector::ConnectorError;
use crate::model::{ItemId, PairName};
use crate::reason::Stopped;
use crate::reconcile::plan::{Action, ActionKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a person has said yes to.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    /// Yes to the very first plan of a pair, creates and updates of any number included, and to a changed scope or mapping
    /// of one that ran before. Never to what [`PairPlan::guarded`](crate::reconcile::plan::PairPlan::guarded) names.
    pub first_contact: bool,
    /// Yes to exactly the plans with these hashes, guards included.
    pub hashes: BTreeSet<String>,
}

/// What became of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Carried out; holds the id of the item that was created, where one was.
    Done(Option<ItemId>),
    /// The item moved since the plan; looked at again in the next cycle.
    Stale(String),
    /// Refused or broken; tried again later.
    Failed(String),
    /// Not tried, because of something before it.
    Skipped(String),
}

/// What a cycle did.
#[derive(Debug, Default)]
pub struct Report {
    /// Outcome per action, in order; each [`Action::named`], so without its changes.
    pub outcomes: Vec<(PairName, Action, Done)>,
    /// Pairs whose plan was not carried out.
    pub stopped: Vec<(PairName, Stopped)>,
    /// The error that closed a side, if one did.
    pub closed: Vec<ConnectorError>,
    /// Pairs that could not be listed because of their own configuration or place.
    pub troubled: Vec<(PairName, ConnectorError)>,
    /// Number of holds of each pair after the cycle, also those that an earlier one found.
    pub held: BTreeMap<PairName, usize>,
    /// Number of open conflicts of each pair after the cycle, also those that an earlier one found.
    pub open: BTreeMap<PairName, usize>,
    /// How many actions were left because the process was told to end. None of them is among the outcomes.
    pub not_begun: usize,
    /// Id under which the journal has it.
    pub cycle: String,
}

impl Report {
    /// Returns how many actions that write to a service were carried out.
    pub fn writes(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|(_, action, done)| action.kind.writes() && matches!(done, Done::Done(_)))
            .count()
    }

    /// Returns whether any pair was looked at, or could not be: a daemon leaves one alone for a while whose plan was stopped.
    pub fn looked(&self) -> bool {
        !self.held.is_empty() || !self.troubled.is_empty()
    }

    /// Returns how many actions of a kind were carried out.
    pub fn done(&self, kind: ActionKind) -> usize {
        let done = self.outcomes.iter();
        done.filter(|(_, action, done)| action.kind == kind && matches!(done, Done::Done(_)))
            .count()
    }

    /// Returns the number of holds after the cycle.
    pub fn holds(&self) -> usize {
        self.held.values().sum()
    }

    /// Returns the number of open conflicts after the cycle.
    pub fn open_conflicts(&self) -> usize {
        self.open.values().sum()
    }

    /// Returns how many actions failed, went stale or were skipped.
    pub fn failures(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|(_, _, done)| !matches!(done, Done::Done(_)))
            .count()
    }
}
