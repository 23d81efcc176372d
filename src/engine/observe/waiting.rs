//! Items that wait for a counterpart in a pair whose scope their place alone does not tell (`ado.where`): at which version
//! the pair's own listing last showed each.
//!
//! That a version was seen is not enough. Example: the create for a Bug is lost, somebody takes the tag away that
//! `ado.where` asks for, and the Bug is read once more while the answer is looked for. Read again at that very version it
//! has not changed since, and yet it left the pair before. Only what was listed at a version is in scope at it.

use super::INDEX_LAG_MS;
use super::Observed;
use super::origin::Named;
use crate::engine::Engine;
use crate::model::{Item, ItemId, PairName, Side, Version};
use crate::store::{NoteOp, Op, Store, StoreError, Waiting};
use std::collections::BTreeSet;

/// Remembers which of the items that this cycle looked at wait on. `swept`: it looked at all of them.
pub(in crate::engine) fn remember(
    store: &Store,
    pair: &PairName,
    observed: &Observed,
    waits: &BTreeSet<(Side, ItemId)>,
    swept: bool,
) -> Result<Option<Op>, StoreError> {
    let before = store.waiting(pair)?;
    let mut now = match swept {
        true => Waiting::default(),
        false => before.clone(),
    };
    let empty = Waiting::default();
    let listed = observed.findings.listed_at.get(pair).unwrap_or(&empty);
    for (side, id) in observed.findings.fresh.get(pair).into_iter().flatten() {
        now.get_mut(*side).remove(id);
        if let Some(version) = listed.get(*side).get(id)
            && waits.contains(&(*side, id.clone()))
        {
            now.get_mut(*side).insert(id.clone(), *version);
        }
    }
    Ok((now != before).then(|| {
        Op::Note(NoteOp::Waiting {
            pair: pair.clone(),
            items: now,
        })
    }))
}

impl Engine {
    /// The version at which an unlinked item was last listed in a pair, as far as that says anything: an index may show
    /// what left the pair a moment ago.
    pub(super) fn listed_at(
        &self,
        (pair, named): (&PairName, &Named),
        side: Side,
        item: &Item,
        known: &Waiting,
        observed: &Observed,
    ) -> Option<Version> {
        let before = known.get(side).get(&item.id).copied();
        let settled = self.server_time(side, observed).since(item.changed_at) >= INDEX_LAG_MS;
        match named.lists(pair, side, &item.id) && settled {
            true => Some(item.version),
            false => before,
        }
    }
}
