//! Every request that reached a fake service, in order. Tests read it to prove that something was not sent.

use boardsync_core::model::{Service, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One request and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Sandbox time at which it was handled.
    pub at: Timestamp,
    /// Which service received it.
    pub service: Service,
    /// Upper-case method.
    pub method: String,
    /// Path with query, as sent.
    pub path: String,
    /// Status of the answer; 0 when the connection was closed without one.
    pub status: u16,
    /// Body of the request as text; empty when there was none or it was not UTF-8.
    pub body: String,
    /// The `Authorization` header; empty when there was none.
    pub authorization: String,
    /// The other headers, one `name: value` in a line.
    pub headers: String,
}

/// Returns the `Authorization` header and the others as an entry has them.
pub(super) fn told(headers: &axum::http::HeaderMap) -> (String, String) {
    let (mut authorization, mut others) = (String::new(), String::new());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == axum::http::header::AUTHORIZATION {
            authorization.push_str(&value);
        } else {
            others.push_str(&format!("{name}: {value}\n"));
        }
    }
    (authorization, others)
}

impl LedgerEntry {
    /// Whether the request was meant to change data, whatever came of it.
    /// Azure DevOps reads through POST in places, and `validateOnly` saves nothing.
    pub fn is_write(&self) -> bool {
        let path = self.path.to_ascii_lowercase();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        match self.method.as_str() {
            "GET" | "HEAD" | "OPTIONS" => false,
            "POST" if self.service == Service::Ado => {
                let reads = [
                    "/_apis/wit/wiql",
                    "/_apis/wit/workitemsbatch",
                    "/_apis/wit/reporting/workitemrevisions",
                ];
                !reads.iter().any(|read| path.ends_with(read))
                    && !query.contains("validateonly=true")
            }
            _ => self.service != Service::Ado || !query.contains("validateonly=true"),
        }
    }
}

/// How far a request has come when a watcher hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has arrived; nothing was done yet.
    Arrived,
    /// What it asked for is done; the answer has not left yet.
    Done,
}

/// Told of every request, with its service and method. Called in the midst of the work: it must not wait.
pub type Watcher = Arc<dyn Fn(Stage, Service, &str) + Send + Sync>;

/// The record of all requests. Clones share it.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Vec<LedgerEntry>>>, Arc<Mutex<Option<Watcher>>>);

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.inner()).finish()
    }
}

impl Ledger {
    /// Tells a watcher that a request has arrived. Every service calls this once before it does anything.
    pub fn arrived(&self, service: Service, method: &str) {
        self.tell(Stage::Arrived, service, method);
    }

    /// Adds an entry at the end.
    pub fn record(&self, entry: LedgerEntry) {
        let (service, method) = (entry.service, entry.method.clone());
        self.inner().push(entry);
        self.tell(Stage::Done, service, &method);
    }

    /// Has every request told to `watcher` from now on; `None`: to nobody. For tests that kill the client at a request.
    pub fn watch(&self, watcher: Option<Watcher>) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    fn tell(&self, stage: Stage, service: Service, method: &str) {
        let watcher = self
            .1
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(watcher) = watcher {
            watcher(stage, service, method);
        }
    }

    /// Returns all entries, oldest first.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.inner().clone()
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        self.inner().clear();
    }

    /// Returns the entries that were meant to change data, refused ones included.
    pub fn writes(&self) -> Vec<LedgerEntry> {
        let entries = self.inner();
        entries.iter().filter(|e| e.is_write()).cloned().collect()
    }

    /// Returns how many entries there are.
    pub fn count(&self) -> usize {
        self.inner().len()
    }

    fn inner(&self) -> MutexGuard<'_, Vec<LedgerEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(service: Service, method: &str, path: &str) -> LedgerEntry {
        LedgerEntry {
            at: Timestamp(1),
            service,
            method: method.to_owned(),
            path: path.to_owned(),
            status: 200,
            body: String::new(),
            authorization: String::new(),
            headers: String::new(),
        }
    }

    #[test]
    fn reads_through_post_are_not_writes() {
        let ledger = Ledger::default();
        ledger.record(entry(
            Service::Ado,
            "POST",
            "/o/_apis/wit/wiql?api-version=7.1",
        ));
        ledger.record(entry(Service::Ado, "POST", "/o/p/_apis/wit/workItemsBatch"));
        ledger.record(entry(Service::Ado, "POST", "/o/p/_apis/wit/workitems/$Bug"));
        ledger.record(entry(
            Service::Ado,
            "PATCH",
            "/o/_apis/wit/workitems/1?validateOnly=true",
        ));
        ledger.record(entry(Service::ClickUp, "PUT", "/api/v2/task/a"));
        ledger.record(entry(Service::ClickUp, "GET", "/api/v2/task/a"));
        let writes: Vec<_> = ledger.writes().into_iter().map(|e| e.path).collect();
        assert_eq!(writes, ["/o/p/_apis/wit/workitems/$Bug", "/api/v2/task/a"]);
        assert_eq!(ledger.count(), 6);
    }
}
