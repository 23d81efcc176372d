//! Reference names that a rule is about, and those that people see. Pure.
//!
//! Which reference name holds which field is for [`crate::field::FieldSpecs`].

use crate::model::FieldKey;

pub(super) const TITLE: &str = "System.Title";
pub(super) const TYPE: &str = "System.WorkItemType";
pub(super) const STATE: &str = "System.State";
pub(super) const TAGS: &str = "System.Tags";
pub(super) const ITERATION: &str = "System.IterationPath";
pub(super) const PROJECT: &str = "System.TeamProject";
/// The relation from a child to its parent, of which every item has one at most.
pub(super) const PARENT: &str = "System.LinkTypes.Hierarchy-Reverse";
pub(super) const AREA: &str = "System.AreaPath";

/// Returns the reference name of a field that every type has, by the name that people see, in lower case.
pub(super) fn shown(name: &str) -> Option<&'static str> {
    let mut rows = FieldKey::BUILT_IN.iter().map(|key| key.row().ado);
    let row = rows.find(|ado| ado.label == Some(name))?;
    row.names.first().copied()
}
