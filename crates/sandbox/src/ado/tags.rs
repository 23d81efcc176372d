//! `System.Tags`: what the three patch operations do to a list of tags, and which tags are refused.

use super::patch::Mode;
use super::state::State;
use super::{Refusal, rules};
use crate::halves;
use serde_json::Value;

/// The field.
pub const TAGS: &str = "System.Tags";
/// Azure DevOps: docs add-tags-to-work-items.md, 100 tags per item of 400 characters each.
const MAX_TAGS: usize = 100;
const MAX_TAG: usize = 400;
/// Refused although it lies in the basic plane. danhellem/github-actions-issue-to-work-item issue 106.
const SPARKLES: char = '\u{2728}';

/// Returns what an operation leaves of the tags `saved`; `None` clears the field. `add` unites with what is there, so it
/// takes no tag away, with an empty text neither; `replace` sets the list, `remove` clears it. WorkItemUpdater issue 92 and
/// pull request 87. The list in the web portal (`by_hand`) is always set as a whole.
pub fn written(
    state: &State,
    project: usize,
    saved: &str,
    op: &str,
    value: &Value,
    mode: &Mode,
) -> Result<Option<Value>, Refusal> {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let unites = op == "add" && !mode.by_hand && state.quirks.add_unites_tags;
    let known = state.tags.get(&project).map_or(&[][..], Vec::as_slice);
    let mut chosen: Vec<String> = Vec::new();
    if unites {
        chosen.extend(split(saved).map(str::to_owned));
    }
    for tag in split(&text) {
        check(tag)?;
        if chosen.iter().any(|c| same(c, tag)) {
            continue;
        }
        // A tag that exists wins over another spelling of it. Azure DevOps docs issue 5055.
        match known.iter().find(|k| same(k, tag)) {
            Some(spelt) => chosen.push(spelt.clone()),
            None if mode.by_hand || state.quirks.may_create_tags => chosen.push(tag.to_owned()),
            None => return Err(may_not_create()),
        }
    }
    if chosen.len() > MAX_TAGS {
        return Err(Refusal::new(
            400,
            "WorkItemTagLimitExceededException",
            "TF401243: The work item has more than 100 tags.",
        ));
    }
    rules::text_of(&text)?;
    chosen.sort_by_key(|t| t.to_lowercase());
    Ok(Some(chosen.join("; "))
        .filter(|joined| !joined.is_empty())
        .map(Value::from))
}

fn split(joined: &str) -> impl Iterator<Item = &str> {
    joined
        .split([';', ','])
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Refuses a tag with a character beyond the basic plane, and one that is too long. Neither answer says which tag or
/// field it was. Measured character by character in a live organisation (2026); freaxnx01/agent-workflow issue 397.
fn check(tag: &str) -> Result<(), Refusal> {
    let refused = |c: char| c == SPARKLES || u32::from(c) > 0xFFFF && !halves::is_half(c);
    if tag.contains(refused) {
        return Err(Refusal::new(
            400,
            "InvalidTagNameException",
            "TF401407: The tag name is invalid. It contains invalid characters.",
        ));
    }
    if tag.encode_utf16().count() > MAX_TAG {
        return Err(Refusal::too_long());
    }
    Ok(())
}

/// The token lacks "Create tag definition". migration-tools issue 252: 403, nothing of the patch is saved, no field named.
fn may_not_create() -> Refusal {
    Refusal::new(
        403,
        "AccessDeniedException",
        "TF401289: The current user does not have permissions to create tags.",
    )
}
