//! No further create on a side whose last new item does not show its marker.
//!
//! The marker is how a create whose answer was lost is found again. A token without some scope is answered without links,
//! so nothing could be found there, and what is not found is made once more. What is remembered outlives the process.

use super::Run;
use crate::connector::{Fetched, Written};
use crate::engine::CycleError;
use crate::model::Side;
use crate::store::{NoteOp, Op, Unmarked};
use std::collections::BTreeSet;

impl Run<'_> {
    /// Says why nothing is created on a side; `None`: nothing speaks against it. The item at fault is read again, once a
    /// run: as soon as it shows its marker, or is gone, creates go on.
    pub(super) async fn unmarked(&mut self, side: Side) -> Result<Option<String>, CycleError> {
        if let Some(reason) = self.unmarked.get(side) {
            return Ok(Some(reason.clone()));
        }
        let Some(noted) = self.engine.store().unmarked(side)? else {
            return Ok(None);
        };
        let asked = BTreeSet::from([noted.item.clone()]);
        let read = self.engine.readers.get(side).fetch_items(&asked).await;
        let over = match read.ok().and_then(|mut read| read.remove(&noted.item)) {
            Some(Fetched::Seen(item)) => item.markers.contains(&noted.marker),
            Some(Fetched::Gone { .. }) => true,
            Some(Fetched::Unclear { .. }) | None => false,
        };
        if over {
            let end = NoteOp::Unmarked { side, note: None };
            self.engine.store().note(end)?;
            return Ok(None);
        }
        *self.unmarked.get_mut(side) = Some(noted.reason.clone());
        Ok(Some(noted.reason))
    }

    /// Remembers a new item that does not show its marker, to be committed with it.
    pub(super) fn note_unmarked(
        &mut self,
        side: Side,
        written: &Written,
        marker: &str,
    ) -> Option<Op> {
        let reason = format!(
            "nothing more is created in {side}: {}",
            written.unmarked.as_ref()?
        );
        tracing::error!(item = %format_args!("{side} {}", written.item.id), "{reason}");
        *self.unmarked.get_mut(side) = Some(reason.clone());
        let noted = Unmarked {
            item: written.item.id.clone(),
            marker: marker.to_owned(),
            reason,
        };
        Some(Op::Note(NoteOp::Unmarked {
            side,
            note: Some(noted),
        }))
    }
}
