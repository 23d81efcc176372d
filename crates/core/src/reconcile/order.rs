//! Whether the actions of a plan can be carried out in the order in which they stand.
//!
//! An action waits for those that it names in [`Action::after`], and they run one after the other. So each of those has to
//! stand before it. Of two that wait for each other one always stands first, and so would be left undone in every cycle.

use super::plan::Action;
use crate::model::ActionId;
use std::collections::BTreeSet;

/// Returns why the plan may not be carried out; `None`: nothing waits in vain.
pub(super) fn check(actions: &[Action]) -> Option<String> {
    if actions.iter().all(|action| action.after.is_empty()) {
        return None;
    }
    let mut before: BTreeSet<&ActionId> = BTreeSet::new();
    for action in actions {
        if let Some(id) = action.after.iter().find(|id| !before.contains(id)) {
            let planned = actions.iter().any(|other| other.id == *id);
            let how = match planned {
                true => "which does not go before it",
                false => "which is not in the plan",
            };
            return Some(format!(
                "in this plan the action {} (\"{}\") waits for the action {id}, {how}: that is a fault of boardsync, and nothing \
                 of the pair is carried out. Please report it with the output of `boardsync plan --json`",
                action.id, action.title
            ));
        }
        before.insert(&action.id);
    }
    None
}
