//! Query texts. Pure.

use super::Scope;
use crate::model::{PairName, Timestamp};
use std::collections::BTreeSet;

/// Rows asked for at a time where the answer is held whole anyway. Above 20,000 the service refuses (learn.microsoft.com,
/// object-limits, 2024-09).
const PAGE: usize = 19_000;

/// Rows asked for at a time by a full listing, which holds one page of ids: what it holds stays the same from some
/// thousand items on, for 14 requests more in the 1,506 that a board of 100,000 needs.
const SWEPT_PAGE: usize = 5_000;

/// Longest query text accepted (same page: 32,000 characters), less room for the paging clause.
const MAX_LENGTH: usize = 31_800;

/// A query over one or more pairs, before date and paging are filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// The pairs whose items it finds. One: every row belongs to it. Several: each row must be attributed.
    pub(super) pairs: Vec<PairName>,
    /// Project for the address, where all pairs share it; macros such as `@project` need it there.
    pub(super) project: Option<String>,
    condition: String,
}

/// Since when a query looks, and at which date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Since {
    /// Everything.
    Ever,
    /// Changed at or after.
    Changed(Timestamp),
    /// Created at or after.
    Created(Timestamp),
}

impl Since {
    /// Returns how many rows one page asks for.
    pub(super) fn page(self) -> usize {
        match self {
            Since::Ever => SWEPT_PAGE,
            Since::Changed(_) | Since::Created(_) => PAGE,
        }
    }
}

impl Group {
    /// Returns the query for one page: ids above `last`, in order. Dates come first, because that is what the service
    /// can search fastest (learn.microsoft.com, integration-bestpractices).
    pub(super) fn query(&self, since: Since, last: i64) -> String {
        let date = match since {
            Since::Ever => String::new(),
            Since::Changed(at) => format!("[System.ChangedDate] >= '{}' AND ", seconds(at)),
            Since::Created(at) => format!("[System.CreatedDate] >= '{}' AND ", seconds(at)),
        };
        let paging = if last > 0 {
            format!(" AND [System.Id] > {last}")
        } else {
            String::new()
        };
        format!(
            "SELECT [System.Id] FROM WorkItems WHERE {date}{}{paging} ORDER BY [System.Id]",
            self.condition
        )
    }
}

/// Returns the instant in whole seconds, rounded down: finer literals are not reliably honoured (ADO-4).
pub(super) fn seconds(at: Timestamp) -> String {
    let whole = Timestamp(at.0.div_euclid(1000) * 1000);
    whole.to_rfc3339().replace(".000Z", "Z")
}

/// Quotes a literal.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns one query per pair.
pub(super) fn single(scope: &Scope) -> Group {
    Group {
        pairs: vec![scope.pair.clone()],
        project: Some(scope.project.clone()),
        condition: condition(scope),
    }
}

/// Returns a query over a whole project.
pub(super) fn whole_project(scope: &Scope) -> Group {
    Group {
        pairs: vec![scope.pair.clone()],
        project: Some(scope.project.clone()),
        condition: format!("[System.TeamProject] = {}", quote(&scope.project)),
    }
}

/// Returns a query over all that the token may see.
pub(super) fn everywhere() -> Group {
    Group {
        pairs: Vec::new(),
        project: None,
        condition: "[System.Id] > 0".to_owned(),
    }
}

/// Returns the fewest queries that still allow each row to be attributed: pairs that cannot be told apart by project
/// and area, or whose condition needs a project in the address, get a query of their own.
pub(super) fn groups(scopes: &[Scope]) -> Vec<Group> {
    let mut own = Vec::new();
    let mut shared: Vec<&Scope> = Vec::new();
    for scope in scopes {
        let ambiguous = scopes
            .iter()
            .any(|other| other.pair != scope.pair && cannot_tell_apart(scope, other));
        if ambiguous || needs_project(scope) {
            own.push(single(scope));
        } else {
            shared.push(scope);
        }
    }
    let mut result = Vec::new();
    let mut chunk: Vec<&Scope> = Vec::new();
    let mut length = 200;
    for scope in shared {
        let more = condition(scope).len() + 6;
        if !chunk.is_empty() && length + more > MAX_LENGTH {
            result.push(join(&chunk));
            chunk.clear();
            length = 200;
        }
        length += more;
        chunk.push(scope);
    }
    if !chunk.is_empty() {
        result.push(join(&chunk));
    }
    result.extend(own);
    result
}

/// As [`groups`], but pairs in the project of one of `apart` get a query of their own: their rows must not be attributed
/// to an outer area while the pair of the inner one is not among those that share.
pub(super) fn groups_apart(scopes: &[Scope], apart: &BTreeSet<PairName>) -> Vec<Group> {
    let projects: BTreeSet<String> = scopes
        .iter()
        .filter(|scope| apart.contains(&scope.pair))
        .map(|scope| fold(&scope.project))
        .collect();
    let (own, shared): (Vec<Scope>, Vec<Scope>) = scopes
        .iter()
        .cloned()
        .partition(|scope| projects.contains(&fold(&scope.project)));
    let mut found = groups(&shared);
    found.extend(own.iter().map(single));
    found
}

/// Returns whether the scope holds items of this project and area, judged by name. `condition` and `assigned_to` are
/// not looked at.
pub(super) fn covers(scope: &Scope, project: &str, area: &str) -> bool {
    if fold(&scope.project) != fold(project) {
        return false;
    }
    match &scope.area {
        None => true,
        Some(root) => is_under(area, root),
    }
}

/// Returns the scope with the deepest area that covers this place.
pub(super) fn attribute<'a>(
    scopes: impl IntoIterator<Item = &'a Scope>,
    project: &str,
    area: &str,
) -> Option<&'a Scope> {
    scopes
        .into_iter()
        .filter(|scope| covers(scope, project, area))
        .max_by_key(|scope| depth(scope))
}

/// Returns how deep a scope's area is; a pair without one is the shallowest.
pub(super) fn depth(scope: &Scope) -> usize {
    scope
        .area
        .as_ref()
        .map_or(0, |area| area.split('\\').filter(|p| !p.is_empty()).count())
}

fn join(scopes: &[&Scope]) -> Group {
    if let [one] = scopes {
        return single(one);
    }
    let parts: Vec<String> = scopes
        .iter()
        .map(|scope| format!("({})", condition(scope)))
        .collect();
    Group {
        pairs: scopes.iter().map(|scope| scope.pair.clone()).collect(),
        project: None,
        condition: format!("({})", parts.join(" OR ")),
    }
}

fn condition(scope: &Scope) -> String {
    let mut parts = vec![format!("[System.TeamProject] = {}", quote(&scope.project))];
    // Without an area the project's own root stands in: a path that is gone is refused, a project's name that is gone may
    // only find nothing.
    let area = scope.area.as_ref().unwrap_or(&scope.project);
    let area = area.trim_start_matches('\\');
    parts.push(format!("[System.AreaPath] UNDER {}", quote(area)));
    if let Some(condition) = &scope.condition
        && !condition.trim().is_empty()
    {
        parts.push(format!("({})", condition.trim()));
    }
    match scope.assigned_to.as_deref().map(str::trim) {
        None | Some("") => {}
        Some(me) if me.eq_ignore_ascii_case("@me") => {
            parts.push("[System.AssignedTo] = @Me".to_owned());
        }
        Some(name) => parts.push(format!("[System.AssignedTo] = {}", quote(name))),
    }
    parts.join(" AND ")
}

fn needs_project(scope: &Scope) -> bool {
    scope.condition.as_ref().is_some_and(|condition| {
        let condition = condition.to_lowercase();
        condition.contains("@project") || condition.contains("@currentiteration")
    })
}

/// Two pairs overlap in project and area and do not ask for the same things.
fn cannot_tell_apart(a: &Scope, b: &Scope) -> bool {
    let overlap = fold(&a.project) == fold(&b.project)
        && match (&a.area, &b.area) {
            (Some(one), Some(other)) => is_under(one, other) || is_under(other, one),
            _ => true,
        };
    let filter = |scope: &Scope| {
        let trimmed = |text: &Option<String>| text.as_deref().unwrap_or("").trim().to_owned();
        (trimmed(&scope.condition), trimmed(&scope.assigned_to))
    };
    overlap && filter(a) != filter(b)
}

fn is_under(area: &str, root: &str) -> bool {
    let clean = |path: &str| fold(path.trim_matches('\\'));
    let (area, root) = (clean(area), clean(root));
    area == root || area.starts_with(&format!("{root}\\"))
}

pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::tests::scope;

    #[test]
    fn dates_are_whole_seconds_and_quotes_are_doubled() {
        assert_eq!(seconds(Timestamp(1_999)), "1970-01-01T00:00:01Z");
        let mut one = scope("web", "O'Neill");
        one.area = Some(r"O'Neill\Web".to_owned());
        one.assigned_to = Some("@Me".to_owned());
        one.condition = Some("[System.WorkItemType] = 'Bug' OR [A.B] = 1".to_owned());
        let query = single(&one).query(Since::Changed(Timestamp(1_999)), 7);
        assert_eq!(
            query,
            "SELECT [System.Id] FROM WorkItems WHERE [System.ChangedDate] >= '1970-01-01T00:00:01Z' AND \
             [System.TeamProject] = 'O''Neill' AND [System.AreaPath] UNDER 'O''Neill\\Web' AND \
             ([System.WorkItemType] = 'Bug' OR [A.B] = 1) AND [System.AssignedTo] = @Me AND [System.Id] > 7 \
             ORDER BY [System.Id]"
        );
    }

    #[test]
    fn pairs_that_can_be_told_apart_share_one_query() {
        let scopes = [scope("a", "One"), scope("b", "Two")];
        let found = groups(&scopes);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].pairs.len(), &found[0].project), (2, &None));
        assert!(found[0].query(Since::Ever, 0).contains(") OR ("));
    }

    #[test]
    fn overlapping_pairs_with_different_conditions_get_their_own_query() {
        let mut inner = scope("b", "One");
        inner.area = Some(r"One\Web".to_owned());
        let outer = scope("a", "one");
        assert_eq!(groups(&[outer.clone(), inner.clone()]).len(), 1);
        inner.condition = Some("[System.Tags] CONTAINS 'x'".to_owned());
        assert_eq!(groups(&[outer, inner]).len(), 2);
    }

    #[test]
    fn a_project_macro_keeps_its_project_in_the_address() {
        let mut macro_pair = scope("a", "One");
        macro_pair.condition = Some("[System.IterationPath] UNDER @Project".to_owned());
        let found = groups(&[macro_pair, scope("b", "Two"), scope("c", "Three")]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|g| g.project.as_deref() == Some("One")));
    }

    #[test]
    fn long_queries_are_split() {
        let scopes: Vec<Scope> = (0..30)
            .map(|n| {
                let mut one = scope(&format!("p{n}"), &format!("P{n}"));
                one.condition = Some("x".repeat(5000));
                one
            })
            .collect();
        let found = groups(&scopes);
        assert_eq!(found.len(), 5);
        for group in &found {
            assert!(
                group
                    .query(Since::Changed(Timestamp(0)), 1_000_000_000)
                    .len()
                    <= 32_000
            );
        }
    }

    #[test]
    fn rows_go_to_the_deepest_area_and_siblings_with_a_common_prefix_stay_apart() {
        let mut web = scope("web", "One");
        web.area = Some(r"One\Web".to_owned());
        let scopes = [scope("all", "One"), web];
        let pair = |area: &str| attribute(&scopes, "ONE", area).map(|s| s.pair.0.clone());
        assert_eq!(pair(r"one\web\Shop").as_deref(), Some("web"));
        assert_eq!(pair(r"One\Website").as_deref(), Some("all"));
        assert!(attribute(&scopes, "Two", "Two").is_none());
    }
}
