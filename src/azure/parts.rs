//! A batch whose answer is too large is asked for in halves.

use super::Shared;
use super::api::Select;
use super::wire::WorkItem;
use crate::connector::ConnectorError;
use crate::connector::client::Priority;

impl Shared {
    /// Reads at most [`super::api::BATCH`] items, in halves where the answer would be too large. Returns what was read,
    /// and the ids whose answer is too large alone.
    pub(super) async fn batch_in_parts(
        &self,
        ids: &[i64],
        select: Select<'_>,
        priority: Priority,
    ) -> Result<(Vec<WorkItem>, Vec<i64>), ConnectorError> {
        let (mut read, mut too_large) = (Vec::new(), Vec::new());
        let mut open = vec![ids];
        while let Some(ids) = open.pop() {
            match self.api.batch(ids, select, priority).await {
                Ok(items) => read.extend(items),
                Err(error) if error.too_large => match ids {
                    [] => {}
                    [one] => too_large.push(*one),
                    several => {
                        let (first, second) = several.split_at(several.len() / 2);
                        open.extend([second, first]);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok((read, too_large))
    }
}
