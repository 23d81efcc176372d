//! Listing by windows of time what does not fit into one answer.
//!
//! A page has a hundred tasks, whatever their size, and cannot be made smaller. So where an answer is too large the same
//! tasks are asked for by the time that they are ordered by, half of the time at once, until each answer fits.

use super::api::Inner;
use super::walk::{Found, Query};
use crate::connector::ConnectorError;

/// The end of time: 2100-01-01. Nothing is stamped later.
const END_MS: i64 = 4_102_444_800_000;

/// The name of the filter that goes with an order.
fn filters(query: &Query) -> (&'static str, &'static str) {
    let order = query.params.iter().find(|(name, _)| *name == "order_by");
    match order.map(|(_, value)| value.as_str()) {
        Some("updated") => ("date_updated_gt", "date_updated_lt"),
        _ => ("date_created_gt", "date_created_lt"),
    }
}

/// Returns the query for the tasks of `from..to`, in ms. The bounds may be inclusive or strict, so the lower one is one ms
/// further out: a task that is seen twice counts once.
fn window(query: &Query, from: i64, to: i64) -> Query {
    let (above, below) = filters(query);
    let mut query = query.clone();
    query.params.retain(|(name, _)| *name != above);
    query.with(above, from.saturating_sub(1)).with(below, to)
}

/// Returns the halves of a window; `None`: it is one ms long.
fn halves(from: i64, to: i64) -> Option<[(i64, i64); 2]> {
    let middle = from + (to - from) / 2;
    (middle > from).then_some([(from, middle), (middle, to)])
}

impl Inner {
    /// Reads everything of a query whose answers are too large. What is too large alone is left out with a word in the
    /// log: nobody is told its id. A linked task among them is read by its id, and held by that.
    pub(super) async fn walk_windows(
        &self,
        query: &Query,
        found: &mut Found<'_>,
    ) -> Result<(), ConnectorError> {
        let (above, _) = filters(query);
        let bound = query.params.iter().find(|(name, _)| *name == above);
        let from = bound.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        let mut open = vec![(from, END_MS)];
        while let Some((from, to)) = open.pop() {
            let part = window(query, from, to);
            match self.walk_pages(&part, found, None, &|_| false).await {
                Ok(_) => {}
                Err(error) if error.too_large => match halves(from, to) {
                    Some([first, second]) => open.extend([second, first]),
                    None => tracing::error!(
                        side = "clickup",
                        at_ms = from,
                        "the tasks of this instant are too large to be listed and are left out: {error}"
                    ),
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::client::Priority;

    #[test]
    fn the_halves_of_a_window_hold_every_instant_once_and_end() {
        let mut open = vec![(0, 9)];
        let mut instants = Vec::new();
        while let Some((from, to)) = open.pop() {
            match halves(from, to) {
                Some([first, second]) => open.extend([second, first]),
                None => instants.push((from, to)),
            }
        }
        let expected: Vec<(i64, i64)> = (0..9).map(|at| (at, at + 1)).collect();
        assert_eq!(instants, expected);
    }

    #[test]
    fn a_window_replaces_the_lower_bound_of_its_query() {
        let query = Query::of_list("7", "updated", Priority::Live).with("date_updated_gt", 5);
        let part = window(&query, 10, 20);
        let bounds: Vec<_> = part
            .params
            .iter()
            .filter(|(name, _)| name.starts_with("date_"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(bounds, ["date_updated_gt=9", "date_updated_lt=20"]);
    }
}
