//! A running sandbox with a client in front of it.

use boardsync_core::model::{Service, Timestamp};
use boardsync_sandbox::clickup::{ClickUpConfig, ClickUpSandbox, Quirks};
use boardsync_sandbox::clock::SandboxClock;
use boardsync_sandbox::faults::{Fault, FaultRule, Faults};
use boardsync_sandbox::ledger::Ledger;
use boardsync_sandbox::{Running, serve};
use reqwest::Method;
use serde_json::{Value, json};

/// 2026-03-01 12:00 UTC.
pub const START: i64 = 1_772_366_400_000;
pub const BACKLOG: &str = "901100000001";
pub const BUGS: &str = "901100000002";
pub const SPACE: &str = "90110000001";
pub const TEAM: &str = "9010000001";
pub const TOKEN: &str = "pk_1001_SANDBOX";
pub const SEVERITY: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000003";
pub const EFFORT: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000002";

pub struct Bench {
    pub sandbox: ClickUpSandbox,
    pub clock: SandboxClock,
    pub ledger: Ledger,
    pub faults: Faults,
    pub server: Running,
    pub http: reqwest::Client,
}

pub struct Got {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Got {
    pub fn code(&self) -> (u16, &str) {
        (self.status, self.body["ECODE"].as_str().unwrap_or(""))
    }

    pub fn ids(&self) -> Vec<&str> {
        self.body["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["id"].as_str().unwrap())
            .collect()
    }
}

impl Bench {
    pub async fn start() -> Bench {
        Bench::with(|quirks| quirks.rate_limit = 1_000_000).await
    }

    pub async fn with(change: impl FnOnce(&mut Quirks)) -> Bench {
        let mut config = ClickUpConfig::example();
        config.users[0].timezone = "Europe/Berlin".to_owned();
        change(&mut config.quirks);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (clock, ledger, faults) = (
            SandboxClock::new(Timestamp(START)),
            Ledger::default(),
            Faults::default(),
        );
        let sandbox = ClickUpSandbox::new(clock.clone(), ledger.clone(), faults.clone(), config);
        let server = serve(sandbox.router()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Bench {
            sandbox,
            clock,
            ledger,
            faults,
            server,
            http,
        }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Got> {
        let mut request = self
            .http
            .request(method, format!("{}/api{path}", self.server.url))
            .header("Authorization", TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Got {
            status,
            body,
            headers,
        })
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, &format!("/v2{path}"), None)
            .await
            .unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.send(Method::POST, &format!("/v2{path}"), Some(body))
            .await
            .unwrap()
    }

    pub async fn put(&self, path: &str, body: Value) -> Got {
        self.send(Method::PUT, &format!("/v2{path}"), Some(body))
            .await
            .unwrap()
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, &format!("/v2{path}"), None)
            .await
            .unwrap()
    }

    pub fn make(&self, body: Value) -> String {
        self.clock.advance(1_000);
        self.sandbox.create_task(BACKLOG, &body).unwrap()
    }

    pub fn named(&self, name: &str) -> String {
        self.make(json!({ "name": name }))
    }

    pub fn updated(&self, id: &str) -> i64 {
        self.sandbox.task(id).unwrap()["date_updated"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Whether an action moves the task's `date_updated`.
    pub async fn moves(&self, id: &str, method: Method, path: &str, body: Value) -> bool {
        self.clock.advance(1_000);
        let before = self.updated(id);
        let got = self
            .send(method, &format!("/v2{path}"), Some(body))
            .await
            .unwrap();
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        self.updated(id) > before
    }

    pub fn fail(&self, path: &str, fault: Fault) {
        self.faults.add(FaultRule {
            service: Service::ClickUp,
            method: None,
            path_contains: path.to_owned(),
            fault,
            skip: 0,
            times: 1,
        });
    }
}
