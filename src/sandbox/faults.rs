//! Failures on demand: what a network and a service do on a bad day, at a chosen request.

use crate::model::Side;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this instead of doing anything.
    Status {
        /// HTTP status.
        status: u16,
        /// Body, sent as is (a UTF-8 BOM included).
        body: String,
        /// Value of the content-type header.
        content_type: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
    /// Does what was asked, then closes the connection without an answer.
    DropAfterApply,
    /// Closes the connection without doing anything.
    DropBeforeApply,
    /// Does what was asked, then breaks off in the middle of the answer.
    TruncateBody,
    /// Does what was asked, but answers a listing without rows.
    EmptyListing,
    /// Does what was asked, but leaves the second half of the rows out, as a page that shifted does.
    MissingPage,
    /// Azure DevOps: a sign-in page with status 203.
    SignInPage,
    /// The token has been revoked (ClickUp: 401 `OAUTH_025`; Azure DevOps: 401 without a body).
    TokenRevoked,
    /// Answers properly, but late. Real milliseconds.
    Delay {
        /// How late.
        ms: u64,
    },
}

/// When something goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// At which service.
    pub service: Side,
    /// For which method; `None`: any. Compared without regard to case.
    pub method: Option<String>,
    /// For paths (with query) that contain this. Compared without regard to case; empty: any.
    pub path_contains: String,
    /// What happens.
    pub fault: Fault,
    /// How many matching requests pass first.
    pub skip: u32,
    /// How often it then happens; `u32::MAX`: always.
    pub times: u32,
}

/// The rules in force. Clones share them. The first rule that fires wins.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<FaultRule>>>);

impl Faults {
    /// Adds a rule behind the others.
    pub fn add(&self, rule: FaultRule) {
        self.inner().push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.inner().clear();
    }

    /// Returns what is to go wrong with this request, and counts it.
    pub fn next(&self, service: Side, method: &str, path: &str) -> Option<Fault> {
        let path = path.to_ascii_lowercase();
        let mut rules = self.inner();
        for rule in rules.iter_mut() {
            let matches = rule.times > 0
                && rule.service == service
                && rule
                    .method
                    .as_ref()
                    .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && path.contains(&rule.path_contains.to_ascii_lowercase());
            if !matches {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.times != u32::MAX {
                rule.times -= 1;
            }
            return Some(rule.fault.clone());
        }
        None
    }

    fn inner(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lets_some_pass_then_fires_so_often() {
        let faults = Faults::default();
        faults.add(FaultRule {
            service: Side::Ado,
            method: Some("PATCH".to_owned()),
            path_contains: "/workitems/".to_owned(),
            fault: Fault::DropAfterApply,
            skip: 1,
            times: 2,
        });
        let ask = || {
            faults
                .next(Side::Ado, "patch", "/o/_apis/wit/workItems/1")
                .is_some()
        };
        assert_eq!([ask(), ask(), ask(), ask()], [false, true, true, false]);
        assert_eq!(faults.next(Side::ClickUp, "PATCH", "/workitems/"), None);
    }

    #[test]
    fn a_rule_for_ever_does_not_wear_out() {
        let faults = Faults::default();
        faults.add(FaultRule {
            service: Side::ClickUp,
            method: None,
            path_contains: String::new(),
            fault: Fault::TokenRevoked,
            skip: 0,
            times: u32::MAX,
        });
        assert!((0..5).all(|_| faults.next(Side::ClickUp, "GET", "/x").is_some()));
        faults.clear();
        assert_eq!(faults.next(Side::ClickUp, "GET", "/x"), None);
    }
}
