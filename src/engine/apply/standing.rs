//! Below what a new item stands: what was asked for, what came of it, and a service that refuses it.

use super::refusal::words;
use crate::connector::{ConnectorError, ErrorKind, NewItem, Written};
use crate::model::{ItemId, PairName, Side};

/// Below what a new item stands.
#[derive(Debug)]
pub(super) struct Standing {
    /// Whether it stands where it was to stand.
    as_planned: bool,
    /// The same in words.
    words: String,
}

impl Standing {
    /// The words for the journal. What is not as planned stands in the log as well.
    pub(super) fn told(self, pair: &PairName, side: Side, id: &ItemId) -> String {
        if !self.as_planned {
            tracing::warn!(%pair, item = %format_args!("{side} {id}"), kind = "create", outcome = "at the top", "{}", self.words);
        }
        self.words
    }
}

/// Below what a new item stands that was to have a parent, by what the answer shows. `None`: it was to have none, or the answer does not
/// tell.
pub(super) fn stands(side: Side, new: &NewItem, written: &Written) -> Option<Standing> {
    let parent = new.parent.as_ref()?;
    let item = &written.item;
    let as_planned = item.parent.as_ref() == Some(parent);
    // An answer of Azure DevOps without relations, or of ClickUp without anything but the id, says nothing of a parent.
    let tells = item.parent.is_some() || item.markers.contains(&new.marker);
    tells.then(|| Standing {
        as_planned,
        words: match as_planned {
            true => format!("under {side} {parent}"),
            false => format!("{side} said yes and did not put it under {parent}"),
        },
    })
}

/// The parent of a new item, while the create is tried.
pub(super) struct ParentTried {
    /// What it was to stand under; `None`: nothing.
    under: Option<ItemId>,
    /// What to say where it is made at the top.
    pub(super) without: Option<Standing>,
}

impl ParentTried {
    pub(super) fn of(new: &NewItem) -> ParentTried {
        ParentTried {
            under: new.parent.clone(),
            without: None,
        }
    }

    /// Takes the parent out of a create that was refused with it, and puts it back into one that was refused without it too. Whether
    /// the create is to be sent again as it is now.
    pub(super) fn at_fault(
        &mut self,
        side: Side,
        new: &mut NewItem,
        error: &ConnectorError,
    ) -> bool {
        let Some(under) = &self.under else {
            return false;
        };
        // Of an item that was just deleted, Azure DevOps says that it is not there.
        let told = matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound);
        if !told || error.in_doubt {
            return false;
        }
        if new.parent.take().is_none() {
            // Something else is at fault, alone or as well.
            new.parent = Some(under.clone());
            return false;
        }
        let words = format!("not under {under}, which {side} refuses: {}", words(error));
        self.without = Some(Standing {
            as_planned: false,
            words,
        });
        true
    }
}
