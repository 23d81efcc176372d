//! One sandbox with a plain HTTP client.

use boardsync_core::model::{Service, Timestamp};
use boardsync_sandbox::ado::{AdoConfig, AdoSandbox};
use boardsync_sandbox::clock::SandboxClock;
use boardsync_sandbox::faults::{Fault, FaultRule, Faults};
use boardsync_sandbox::ledger::Ledger;
use boardsync_sandbox::{Running, serve};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

pub struct World {
    pub ado: AdoSandbox,
    pub clock: SandboxClock,
    pub ledger: Ledger,
    pub faults: Faults,
    pub http: reqwest::Client,
    pub server: Running,
}

impl World {
    pub async fn new() -> World {
        // A second installation in the same process is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = SandboxClock::new(Timestamp::parse_rfc3339("2026-05-10T08:00:00Z").unwrap());
        let (ledger, faults) = (Ledger::default(), Faults::default());
        let ado = AdoSandbox::new(
            clock.clone(),
            ledger.clone(),
            faults.clone(),
            AdoConfig::default(),
        );
        let server = serve(ado.router()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        World {
            ado,
            clock,
            ledger,
            faults,
            http,
            server,
        }
    }

    pub fn url(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{}/contoso{path}{mark}api-version=7.1", self.server.url)
    }

    /// The whole answer to a GET, headers and all.
    pub async fn answer(&self, path: &str) -> Response {
        let request = self.http.get(self.url(path)).basic_auth("", Some("pat"));
        request.send().await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, kind: &str, body: Value) -> Response {
        let request = self
            .http
            .request(method, self.url(path))
            .basic_auth("", Some("pat"));
        request
            .header("content-type", kind)
            .body(body.to_string())
            .send()
            .await
            .unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self
            .http
            .get(self.url(path))
            .basic_auth("", Some("pat"))
            .send()
            .await
            .unwrap();
        read(answer).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(
            self.send(Method::POST, path, "application/json", body)
                .await,
        )
        .await
    }

    pub async fn patch(&self, id: i64, operations: Value) -> (StatusCode, Value) {
        let path = format!("/_apis/wit/workitems/{id}");
        read(
            self.send(
                Method::PATCH,
                &path,
                "application/json-patch+json",
                operations,
            )
            .await,
        )
        .await
    }

    pub async fn create(&self, kind: &str, operations: Value) -> (StatusCode, Value) {
        let path = format!("/Shop/_apis/wit/workitems/${kind}");
        read(
            self.send(
                Method::POST,
                &path,
                "application/json-patch+json",
                operations,
            )
            .await,
        )
        .await
    }

    pub async fn wiql(&self, query: &str, options: &str) -> (StatusCode, Value) {
        self.post(
            &format!("/Shop/_apis/wit/wiql{options}"),
            json!({"query": query}),
        )
        .await
    }

    pub async fn ids(&self, condition: &str, options: &str) -> Vec<i64> {
        let query = format!("SELECT [System.Id] FROM WorkItems WHERE {condition}");
        let (status, body) = self.wiql(&query, options).await;
        assert_eq!(status, 200, "{condition}: {body}");
        let rows = body["workItems"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    }

    pub fn task(&self, title: &str) -> i64 {
        self.ado
            .create_item("Shop", "Task", &[("System.Title", title.into())])
            .unwrap()
    }

    pub fn fault(&self, path: &str, fault: Fault) {
        self.faults.add(FaultRule {
            service: Service::Ado,
            method: None,
            path_contains: path.to_owned(),
            fault,
            skip: 0,
            times: 1,
        });
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

pub fn set(field: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": format!("/fields/{field}"), "value": value.into()})
}

pub fn link(rel: &str, id: i64) -> Value {
    json!({"op": "add", "path": "/relations/-", "value": {"rel": rel, "url": format!("http://x/_apis/wit/workItems/{id}")}})
}

pub const PARENT: &str = "System.LinkTypes.Hierarchy-Reverse";
pub const CHILD: &str = "System.LinkTypes.Hierarchy-Forward";
