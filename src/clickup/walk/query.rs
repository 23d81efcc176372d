//! What a listing asks for.

use crate::clickup::body::segment;
use crate::connector::client::Priority;

/// Which tasks to list.
#[derive(Clone, Debug)]
pub struct Query {
    /// Path below the API root.
    pub path: String,
    /// Everything but `page`.
    pub params: Vec<(&'static str, String)>,
    /// Its place in the queue.
    pub priority: Priority,
}

impl Query {
    /// Lists tasks of several lists of a workspace.
    pub fn of_workspace<'a>(
        workspace: &str,
        lists: impl IntoIterator<Item = &'a str>,
        order_by: &str,
        priority: Priority,
    ) -> Query {
        let mut query = Query {
            path: format!("team/{}/task", segment(workspace)),
            params: common(order_by),
            priority,
        };
        // Repeated with brackets; comma-joined or bare names are refused with PUBAPITASK_017.
        query.params.extend(
            lists
                .into_iter()
                .map(|list| ("list_ids[]", list.to_owned())),
        );
        query
    }

    /// Lists tasks of one list.
    pub fn of_list(list: &str, order_by: &str, priority: Priority) -> Query {
        Query {
            path: format!("list/{}/task", segment(list)),
            params: common(order_by),
            priority,
        }
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Query {
        self.params.push((name, value.to_string()));
        self
    }
}

/// Both `subtasks` and `include_closed` default to false and would make work look deleted.
fn common(order_by: &str) -> Vec<(&'static str, String)> {
    [
        ("order_by", order_by),
        ("subtasks", "true"),
        ("include_closed", "true"),
        ("include_markdown_description", "true"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}
