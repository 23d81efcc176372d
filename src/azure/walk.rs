//! Queries page by page, and whose fault it is when one is refused.
//!
//! Pairs share a query where their rows can be told apart, and the service refuses a query as a whole: one area that an
//! administrator renamed stops them all. So a shared query that is refused is asked again for each of its pairs, once;
//! from then on that pair asks apart, and the others share again.

use super::{Scope, Shared, wiql};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, ErrorKind, Setting};
use crate::model::{PairName, Side, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Pairs whose own query was refused the last time.
#[derive(Default)]
pub(super) struct Apart(Mutex<BTreeSet<PairName>>);

impl Apart {
    fn pairs(&self) -> BTreeSet<PairName> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn put(&self, pair: &PairName, refused: bool) {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match refused {
            true => pairs.insert(pair.clone()),
            false => pairs.remove(pair),
        };
    }
}

/// What a set of queries found.
#[derive(Default)]
pub(super) struct Found {
    /// Ids with their pair, where the query tells it.
    pub(super) ids: BTreeMap<i64, Option<PairName>>,
    /// The server's clock at the first page.
    pub(super) as_of: Timestamp,
    /// Pairs whose own query was refused, with the error.
    pub(super) failed: BTreeMap<PairName, ConnectorError>,
}

/// One page of a query.
pub(super) struct PageOfIds {
    pub(super) ids: Vec<i64>,
    /// The server's clock.
    pub(super) as_of: Timestamp,
    /// The id above which the next page begins; `None`: this was the last.
    pub(super) next: Option<i64>,
}

/// The rows of one query.
struct Rows {
    ids: Vec<i64>,
    as_of: Timestamp,
}

impl Shared {
    /// The queries of a delta.
    pub(super) fn groups(&self) -> Vec<wiql::Group> {
        wiql::groups_apart(&self.scopes, &self.apart.pairs())
    }

    /// Runs queries; the first that fails ends it.
    pub(super) async fn walk(
        &self,
        groups: &[wiql::Group],
        since: wiql::Since,
        priority: Priority,
    ) -> Result<Found, ConnectorError> {
        let mut found = Found::default();
        let mut as_of = None;
        for group in groups {
            let rows = self.ask(group, since, priority).await?;
            self.add(&mut found, &mut as_of, group, rows);
        }
        found.as_of = self.clock(as_of);
        Ok(found)
    }

    /// Runs the queries of pairs. A pair whose own query is refused is told in the result and holds nobody up. A pair that
    /// is forbidden counts as refused where another one is answered, for then the token is good; else it is the token's.
    pub(super) async fn walk_pairs(
        &self,
        groups: &[wiql::Group],
        since: wiql::Since,
        priority: Priority,
    ) -> Result<Found, ConnectorError> {
        let mut found = Found::default();
        let mut as_of = None;
        let mut forbidden = None;
        for group in groups {
            let error = match self.ask(group, since, priority).await {
                Ok(rows) => {
                    if let [pair] = group.pairs.as_slice() {
                        self.apart.put(pair, false);
                    }
                    self.add(&mut found, &mut as_of, group, rows);
                    continue;
                }
                Err(error) if is_refused(&error) || is_forbidden(&error) => error,
                Err(error) => return Err(error),
            };
            if let [pair] = group.pairs.as_slice() {
                forbidden = forbidden.or(Some(error.clone()).filter(is_forbidden));
                found.failed.insert(pair.clone(), self.refused(pair, error));
                continue;
            }
            for scope in self.scopes.iter().filter(|s| group.pairs.contains(&s.pair)) {
                let own = wiql::single(scope);
                match self.ask(&own, since, priority).await {
                    Ok(rows) => self.add(&mut found, &mut as_of, &own, rows),
                    Err(error) if is_refused(&error) || is_forbidden(&error) => {
                        forbidden = forbidden.or(Some(error.clone()).filter(is_forbidden));
                        let error = self.refused(&scope.pair, error);
                        found.failed.insert(scope.pair.clone(), error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if let (Some(error), None) = (forbidden, as_of) {
            return Err(error);
        }
        found.as_of = self.clock(as_of);
        Ok(found)
    }

    /// Notes that a pair's own query was refused, and says what of its configuration the service cannot follow.
    pub(super) fn refused(&self, pair: &PairName, error: ConnectorError) -> ConnectorError {
        self.apart.put(pair, true);
        let scope = self.scopes.iter().find(|scope| scope.pair == *pair);
        scope.map_or(error.clone(), |scope| named(error, scope))
    }

    /// Without an answer nothing was learnt about the clock.
    pub(super) fn clock(&self, as_of: Option<Timestamp>) -> Timestamp {
        as_of
            .or_else(|| self.api.http.server_now())
            .unwrap_or_default()
    }

    /// Runs one query page by page.
    async fn ask(
        &self,
        group: &wiql::Group,
        since: wiql::Since,
        priority: Priority,
    ) -> Result<Rows, ConnectorError> {
        let (mut ids, mut first, mut last) = (Vec::new(), None, 0);
        loop {
            let page = self.ask_page((group, since, last), priority).await?;
            let as_of = *first.get_or_insert(page.as_of);
            ids.extend(page.ids);
            match page.next {
                Some(next) => last = next,
                None => return Ok(Rows { ids, as_of }),
            }
        }
    }

    /// Asks for one page of a query: the ids above the last one.
    pub(super) async fn ask_page(
        &self,
        (group, since, last): (&wiql::Group, wiql::Since, i64),
        priority: Priority,
    ) -> Result<PageOfIds, ConnectorError> {
        let broken = |message: &str| {
            ConnectorError::new(Side::Ado, ErrorKind::Protocol, "query work items", message)
        };
        let query = group.query(since, last);
        let project = group.project.as_deref();
        let page = self.api.wiql(project, &query, since.page(), priority);
        let page = page.await?;
        let as_of = Timestamp::parse_rfc3339(&page.as_of);
        let as_of = as_of.ok_or_else(|| broken("asOf is not a time"))?;
        let full = page.work_items.len() >= since.page();
        let ids = page.work_items.iter().map(|row| row.id);
        let next = match ids.clone().max().filter(|_| full) {
            Some(id) if id > last => Some(id),
            Some(_) => return Err(broken("paging does not move on")),
            None => None,
        };
        Ok(PageOfIds {
            ids: ids.filter(|id| *id > 0).collect(),
            as_of,
            next,
        })
    }

    fn add(
        &self,
        found: &mut Found,
        as_of: &mut Option<Timestamp>,
        group: &wiql::Group,
        rows: Rows,
    ) {
        as_of.get_or_insert(rows.as_of);
        let pair = match group.pairs.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        for id in rows.ids {
            let held = found.ids.entry(id).or_insert_with(|| pair.cloned());
            if self.is_deeper(pair, held.as_ref()) {
                *held = pair.cloned();
            }
        }
    }

    /// An item found by the queries of two pairs belongs to the one with the deeper area.
    fn is_deeper(&self, new: Option<&PairName>, held: Option<&PairName>) -> bool {
        let depth = |pair: Option<&PairName>| {
            self.scopes
                .iter()
                .find(|scope| Some(&scope.pair) == pair)
                .map(wiql::depth)
        };
        depth(new) > depth(held)
    }
}

/// Whether it may be the query that is at fault: a path or field that is gone, a project that is gone.
pub(super) fn is_refused(error: &ConnectorError) -> bool {
    matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound)
}

/// Whether the token may not see a project, or nothing at all: a personal access token without the right scope is answered
/// so too, and nothing documented tells the two apart.
pub(super) fn is_forbidden(error: &ConnectorError) -> bool {
    error.kind == ErrorKind::Auth && error.status == Some(403)
}

/// Says whether it is the project that is not there, or the whole organisation. Of a project that it does not know, or that
/// the token may not see, the service writes a refusal of its own (`TF200016`); of an address without an organisation it has
/// none to write.
pub(super) fn unplaced(mut error: ConnectorError, scope: &Scope) -> ConnectorError {
    let own = error.code.is_some() || error.type_key.is_some();
    error.message = match own {
        true => format!(
            "pair {}: project \"{}\" is not there, or the token may not see it; put its present name into ado.project: {}",
            scope.pair, scope.project, error.message
        ),
        false => format!(
            "no organisation or collection is known at the address in [ado] url; correct it, as \
             https://dev.azure.com/ORGANISATION: {}",
            error.message
        ),
    };
    error.setting = Some(match own {
        true => Setting::Project,
        false => Setting::AdoUrl,
    });
    error
}

/// Says which part of the configuration the service cannot follow. `UNDER` a path that is gone is TF51011 (client reports).
fn named(mut error: ConnectorError, scope: &Scope) -> ConnectorError {
    let told = error.message.to_lowercase();
    let area = scope
        .area
        .as_ref()
        .map(|area| area.trim_start_matches('\\'));
    let named_area = area.filter(|area| told.contains(&area.to_lowercase()));
    let lost_path = error.code.as_deref() == Some("TF51011");
    let no_filter = scope.condition.is_none();
    if is_forbidden(&error) {
        error.kind = ErrorKind::Refused;
        error.message = format!(
            "pair {}: the token may not read work items of project \"{}\"; give its user access again, or correct \
             ado.project: {}",
            scope.pair, scope.project, error.message
        );
        return error;
    }
    if error.kind == ErrorKind::NotFound {
        return unplaced(error, scope);
    }
    let what = match (error.kind, named_area.or(area.filter(|_| no_filter))) {
        (_, Some(area)) if lost_path => format!(
            "area \"{area}\" is not there: it was renamed, moved or deleted; put its present path into ado.area"
        ),
        _ => "the query that ado.area, ado.where and ado.assigned_to make is refused".to_owned(),
    };
    error.message = format!("pair {}: {what}: {}", scope.pair, error.message);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::tests::scope;

    fn said(code: &str, message: &str, area: Option<&str>, condition: Option<&str>) -> String {
        let mut one = scope("web", "Shop");
        one.area = area.map(str::to_owned);
        one.condition = condition.map(str::to_owned);
        let mut error = ConnectorError::new(Side::Ado, ErrorKind::Refused, "probe", message);
        error.code = Some(code.to_owned());
        named(error, &one).message
    }

    #[test]
    fn a_refused_query_names_the_pair_and_the_key_to_change() {
        let gone = r"TF51011: The specified area path does not exist. The error is caused by «'Shop\Web'».";
        let told = said("TF51011", gone, Some(r"\Shop\Web"), Some("[A.B] = 1"));
        assert!(
            told.starts_with(r#"pair web: area "Shop\Web" is not there"#),
            "{told}"
        );
        assert!(
            told.contains("ado.area") && told.contains("TF51011"),
            "{told}"
        );
        // A path inside of the condition.
        let gone = r"TF51011: The specified iteration path does not exist: 'Shop\Sprint 1'.";
        let told = said(
            "TF51011",
            gone,
            Some(r"Shop\Web"),
            Some("[System.IterationPath] UNDER 'x'"),
        );
        assert!(told.contains("ado.where"), "{told}");
        let told = said("TF51005", "TF51005: no such field", None, Some("[A.B] = 1"));
        assert!(told.contains("ado.where"), "{told}");
    }
}
