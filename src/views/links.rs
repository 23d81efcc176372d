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
    /// How it stands, as a phrase.
    pub state: String,
}

impl From<LinkRow> for LinkView {
    fn from(link: LinkRow) -> LinkView {
        LinkView {
            state: match &link.state {
                LinkState::Active => "active".to_owned(),
                LinkState::OutOfScope => "out of scope".to_owned(),
                LinkState::Missing { side, .. } => format!("missing in {side}"),
                LinkState::Tombstone { why } => format!("dissolved: {why}"),
            },
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
