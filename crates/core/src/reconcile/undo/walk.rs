//! How far a field goes back: from the value that is there through the writes that made it.

use super::{By, Deed, Step};
use crate::model::{FieldKey, FieldValue, Side, Version};
use crate::reason::LeftWhy;

/// Walks back from the newest write of a field as far as the values join up: where one does not, a person's edit lies
/// between. Returns what was there before the writes that are to be taken back; `None`: they are taken back already, or
/// never were in force.
///
/// An undo and the undo of that leave the value that was written first, so they are walked through. Any other write of
/// ours carried somebody's edit, and that stays. So does a value that was typed here again: where a later run wrote to
/// the other side, it carried an edit that was made here in between, unless it wrote what a person chose in a conflict. A
/// write without an answer is passed over only where the versions tell that it never was in force.
pub(super) fn walk(
    key: &FieldKey,
    side: Side,
    (now, version): (&FieldValue, Version),
    steps: &[(&Deed, &Step)],
    deeds: &[Deed],
) -> Result<Option<FieldValue>, LeftWhy> {
    let mut at = now;
    // The version at which the item had that value.
    let mut stands = Some(version);
    let mut unsure = false;
    let mut goal: Option<&FieldValue> = None;
    let mut later_run = false;
    let mut carried: Vec<&str> = Vec::new();
    for (deed, step) in steps.iter().rev() {
        if deed.side != side {
            // Whether or not it was answered.
            if deed.by != By::Undo && !wrote_a_choice(key, side, (deed, step), steps) {
                carried.push(&deed.run);
            }
            continue;
        }
        if step.after.as_ref() != Some(at) {
            unsure = !deed.done && !only_ours((deed, deed.versions.before), stands, deeds);
            if deed.done || unsure {
                break;
            }
            // Its answer was lost.
            continue;
        }
        let typed_again = carried.iter().any(|run| *run != deed.run)
            && !(shows_in_versions(key) && only_ours((deed, deed.versions.after), stands, deeds));
        if typed_again {
            break;
        }
        match (deed.by, goal.is_some()) {
            (By::Target, true) => {}
            (By::Target, false) if at == now => {}
            (By::Undo, false) => {
                let Some(before) = &step.before else { break };
                (at, stands) = (before, deed.versions.before);
                continue;
            }
            (By::Another, false) => {
                later_run = true;
                break;
            }
            (By::Target, false) | (By::Undo | By::Another, true) => break,
        }
        let Some(before) = &step.before else {
            return Err(LeftWhy::NotRecorded);
        };
        (goal, at, stands) = (Some(before), before, deed.versions.before);
    }
    let was_there = |(deed, step): &(&Deed, &Step)| {
        deed.by == By::Target && deed.side == side && step.before.as_ref() == Some(now)
    };
    match goal {
        Some(goal) => Ok(Some(goal.clone())),
        None if steps.iter().any(was_there) => Ok(None),
        None if later_run => Err(LeftWhy::WrittenLater),
        None if unsure => Err(LeftWhy::LaterWriteUnanswered),
        None => Err(LeftWhy::EditedSince),
    }
}

/// Whether a write to the other side took no edit from here, because it wrote what a person chose in a conflict: the same
/// run wrote the same value here too, over another one. Example: a task has the title of the work item, because the rule
/// gave the conflict to Azure DevOps. Somebody chooses the task's old title, and the next run writes that to both. The
/// parts of a text or a set may be of both sides, so there the values tell nothing.
fn wrote_a_choice(
    key: &FieldKey,
    side: Side,
    (there, chosen): (&Deed, &Step),
    steps: &[(&Deed, &Step)],
) -> bool {
    let mut own = steps
        .iter()
        .filter(|(deed, _)| deed.side == side && deed.run == there.run);
    key.kind_of(&chosen.after).is_whole()
        && own.any(|(_, step)| step.after == chosen.after && step.before != chosen.after)
}

/// Whether every edit of a field moves the version of its item in both services. A ClickUp task may stay at its version
/// when a tag or a custom field is set.
fn shows_in_versions(key: &FieldKey) -> bool {
    !key.is_custom() && key.kind().by_member().is_none()
}

/// Whether from the version `at`, which the item had before or after the deed `from`, up to the version `stands` only our
/// own answered writes moved the item on. Example: an undo takes a tag off a task and its answer is lost. At the version on
/// which it was written the task still has the tag that a run put there; at a later one somebody may have put it on again.
fn only_ours(
    (from, at): (&Deed, Option<Version>),
    stands: Option<Version>,
    deeds: &[Deed],
) -> bool {
    let (Some(mut at), Some(stands)) = (at, stands) else {
        return false;
    };
    let later = deeds.iter().skip_while(|deed| !std::ptr::eq(*deed, from));
    for deed in later.filter(|deed| deed.done && deed.side == from.side) {
        if at == stands {
            break;
        }
        match deed.versions.after {
            // The deed itself.
            Some(after) if after == at => {}
            Some(after) if deed.versions.before == Some(at) => at = after,
            Some(_) | None => return false,
        }
    }
    at == stands
}
