//! Which items are kept equal.

use crate::model::{ItemId, LinkId, PairName};
use crate::store::{LinkRow, LinkState, Store, StoreError};
use serde::Serialize;

/// One link; also one that ended, which is kept so that its items are not taken for new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkView {
    /// Its number.
    pub id: LinkId,
    /// The pair.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// How it stands.
    pub state: Standing,
    /// Where an item is missing, or why the link ended, in words.
    pub detail: Option<String>,
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Both items are kept equal.
    Active,
    /// An item left the scope of the pair.
    OutOfScope,
    /// An item was not found where it was, and it is not certain yet what became of it.
    Missing,
    /// The two are no longer kept equal.
    Ended,
}

impl LinkView {
    /// Returns how it stands, as a phrase.
    pub fn words(&self) -> String {
        let detail = self.detail.as_deref().unwrap_or_default();
        match self.state {
            Standing::Active => "active".to_owned(),
            Standing::OutOfScope => "out of scope".to_owned(),
            Standing::Missing => format!("missing in {detail}"),
            Standing::Ended => format!("ended: {detail}"),
        }
    }
}

impl From<LinkRow> for LinkView {
    fn from(link: LinkRow) -> LinkView {
        let (state, detail) = match &link.state {
            LinkState::Active => (Standing::Active, None),
            LinkState::OutOfScope => (Standing::OutOfScope, None),
            LinkState::Missing { side, .. } => (Standing::Missing, Some(side.to_string())),
            LinkState::Tombstone { why } => (Standing::Ended, Some(why.to_string())),
        };
        LinkView {
            state,
            detail,
            id: link.id,
            pair: link.pair,
            ado: link.ado,
            clickup: link.clickup,
        }
    }
}

/// Returns every link of these pairs, pair by pair.
///
/// # Errors
/// Only the database's.
pub fn links<'a>(
    pairs: impl IntoIterator<Item = &'a PairName>,
    store: &Store,
) -> Result<Vec<LinkView>, StoreError> {
    let mut views = Vec::new();
    for pair in pairs {
        views.extend(store.links(pair)?.into_iter().map(LinkView::from));
    }
    Ok(views)
}
