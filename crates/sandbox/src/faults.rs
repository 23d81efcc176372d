//! Failures on demand: what a network and a service do on a bad day, at a chosen request.

use boardsync_core::model::Service;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this instead of doing anything.
    Status {
        /// HTTP status.
        status: u16,
        /// Body, sent as is (a UTF-8 BOM included).
        body: String,
        /// Value of the content-type header.
        content_type: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
    /// Does what was asked, then answers with this: a firewall or a cache in between that has its own mind.
    StatusAfterApply {
        /// HTTP status.
        status: u16,
        /// Body, sent as is.
        body: String,
        /// Value of the content-type header.
        content_type: String,
    },
    /// A firewall: a request whose body holds this gets its page with a 403, and nothing is done. Others pass.
    Firewall {
        /// What it looks for.
        text: String,
    },
    /// Does what was asked, then closes the connection without an answer.
    DropAfterApply,
    /// Closes the connection without doing anything.
    DropBeforeApply,
    /// Does what was asked, then breaks off in the middle of the answer.
    TruncateBody,
    /// Does what was asked, but answers a listing without rows.
    EmptyListing,
    /// Does what was asked, but leaves the second half of the rows out, as a page that shifted does.
    MissingPage,
    /// ClickUp: does what was asked, but leaves these members out of each task in the answer.
    LeavesOut(Vec<String>),
    /// Azure DevOps: a sign-in page with status 203.
    SignInPage,
    /// The token has been revoked (ClickUp: 401 `OAUTH_025`; Azure DevOps: 401 without a body).
    TokenRevoked,
    /// Refuses, and repeats the caller's credential in its answer, as a careless proxy or a debugging page does.
    Echo {
        /// HTTP status.
        status: u16,
        /// Where it is repeated.
        place: EchoPlace,
    },
    /// Answers properly, but late. Real milliseconds.
    Delay {
        /// How late.
        ms: u64,
    },
}

/// Where an answer repeats a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoPlace {
    /// In the text of a JSON error.
    Message,
    /// In the code of a JSON error.
    Code,
    /// In a JSON error, with escapes for single characters.
    Escaped,
    /// In a plain text.
    Text,
    /// In a web page, as a sign-in page does with the address that it came from.
    Page,
    /// In the address of a redirect.
    Location,
    /// In headers that carry request ids and challenges, and in the content type.
    Header,
}

impl Fault {
    /// What a firewall makes of a request: its page, or nothing.
    pub fn looked_at(fault: Option<Fault>, body: &[u8]) -> Option<Fault> {
        match fault {
            Some(Fault::Firewall { text }) => {
                let holds = String::from_utf8_lossy(body).contains(&text);
                holds.then(|| Fault::page(403, false))
            }
            other => other,
        }
    }

    /// The page of a firewall in place of an answer, before what was asked is done or after.
    pub fn page(status: u16, after: bool) -> Fault {
        let body = "<html><title>Request blocked</title></html>".to_owned();
        let content_type = "text/html; charset=utf-8".to_owned();
        match after {
            true => Fault::StatusAfterApply {
                status,
                body,
                content_type,
            },
            false => Fault::Status {
                status,
                body,
                content_type,
                headers: Vec::new(),
            },
        }
    }
}

impl EchoPlace {
    /// Every place.
    pub const ALL: [EchoPlace; 7] = [
        EchoPlace::Message,
        EchoPlace::Code,
        EchoPlace::Escaped,
        EchoPlace::Text,
        EchoPlace::Page,
        EchoPlace::Location,
        EchoPlace::Header,
    ];

    /// Returns the answer to a request with this `Authorization` header as an ordinary status fault: the header as it
    /// came, the token in it, and the token as an address would carry it.
    pub fn answer(self, status: u16, authorization: &str) -> Fault {
        let token = token_of(authorization);
        let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let said =
            format!("no right with {authorization} ({token}) at https://id.example/?t={encoded}");
        let json = "application/json; charset=utf-8".to_owned();
        let error = |text: &str, code: &str| {
            serde_json::json!({
                "err": text, "ECODE": code, "message": text, "typeKey": code, "errorCode": 0, "$id": "1"
            })
            .to_string()
        };
        let plain = error("refused", "TEST_001");
        let (content_type, body, headers) = match self {
            EchoPlace::Message => (json, error(&said, "TEST_001"), Vec::new()),
            EchoPlace::Code => (json, error("refused", &said), Vec::new()),
            EchoPlace::Escaped => {
                let hidden: String = said
                    .chars()
                    .map(|c| format!("\\u{:04x}", u32::from(c)))
                    .collect();
                (json, plain.replace("refused", &hidden), Vec::new())
            }
            EchoPlace::Text => ("text/plain".to_owned(), said, Vec::new()),
            EchoPlace::Page => (
                "text/html; charset=utf-8".to_owned(),
                format!("<html><title>{said}</title><body>Sign in {said}</body></html>"),
                Vec::new(),
            ),
            EchoPlace::Location => {
                let address = format!("https://id.example/{token}?t={encoded}&h={encoded}");
                (json, plain, vec![("location".to_owned(), address)])
            }
            EchoPlace::Header => {
                let names = ["x-echo", "x-request-id", "www-authenticate"];
                let headers = names.map(|name| (name.to_owned(), said.clone())).to_vec();
                (format!("application/json; token={token}"), plain, headers)
            }
        };
        Fault::Status {
            status,
            body,
            content_type,
            headers,
        }
    }
}

/// Returns the credential in an `Authorization` header: the password behind `Basic`, or what stands last.
fn token_of(authorization: &str) -> String {
    use base64::Engine as _;
    let last = authorization.rsplit(' ').next().unwrap_or_default();
    let basic = authorization.strip_prefix("Basic ").and_then(|code| {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(code)
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.split_once(':')?.1.to_owned())
    });
    basic.unwrap_or_else(|| last.to_owned())
}

/// When something goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// At which service.
    pub service: Service,
    /// For which method; `None`: any. Compared without regard to case.
    pub method: Option<String>,
    /// For paths (with query) that contain this. Compared without regard to case; empty: any.
    pub path_contains: String,
    /// What happens.
    pub fault: Fault,
    /// How many matching requests pass first.
    pub skip: u32,
    /// How often it then happens; `u32::MAX`: always.
    pub times: u32,
}

/// The rules in force. Clones share them. The first rule that fires wins.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<FaultRule>>>);

impl Faults {
    /// Adds a rule behind the others.
    pub fn add(&self, rule: FaultRule) {
        self.inner().push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.inner().clear();
    }

    /// Returns what is to go wrong with this request, and counts it.
    pub fn next(&self, service: Service, method: &str, path: &str) -> Option<Fault> {
        let path = path.to_ascii_lowercase();
        let mut rules = self.inner();
        for rule in rules.iter_mut() {
            let matches = rule.times > 0
                && rule.service == service
                && rule
                    .method
                    .as_ref()
                    .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && path.contains(&rule.path_contains.to_ascii_lowercase());
            if !matches {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.times != u32::MAX {
                rule.times -= 1;
            }
            return Some(rule.fault.clone());
        }
        None
    }

    fn inner(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lets_some_pass_then_fires_so_often() {
        let faults = Faults::default();
        faults.add(FaultRule {
            service: Service::Ado,
            method: Some("PATCH".to_owned()),
            path_contains: "/workitems/".to_owned(),
            fault: Fault::DropAfterApply,
            skip: 1,
            times: 2,
        });
        let ask = || {
            faults
                .next(Service::Ado, "patch", "/o/_apis/wit/workItems/1")
                .is_some()
        };
        assert_eq!([ask(), ask(), ask(), ask()], [false, true, true, false]);
        assert_eq!(faults.next(Service::ClickUp, "PATCH", "/workitems/"), None);
    }

    #[test]
    fn a_rule_for_ever_does_not_wear_out() {
        let faults = Faults::default();
        faults.add(FaultRule {
            service: Service::ClickUp,
            method: None,
            path_contains: String::new(),
            fault: Fault::TokenRevoked,
            skip: 0,
            times: u32::MAX,
        });
        assert!((0..5).all(|_| faults.next(Service::ClickUp, "GET", "/x").is_some()));
        faults.clear();
        assert_eq!(faults.next(Service::ClickUp, "GET", "/x"), None);
    }
}
