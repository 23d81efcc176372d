//! The way of every request: faults, authentication, rate limit, handler, ledger.

use super::ClickUpSandbox;
use super::answer::{Answer, BAD_TOKEN, NO_ROUTE, NO_TOKEN, RATE, Refusal};
use super::call::Call;
use super::world::World;
use super::{attachments, routes};
use crate::faults::Fault;
use crate::ledger::{self, LedgerEntry};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use boardsync_core::model::Service;
use std::time::Duration;

/// Larger bodies are read as empty; the vendor's own limit for files is 1 GB.
const BODY_CAP: usize = 64 << 20;

const SIGN_IN: &str = "<!doctype html><html><head><title>ClickUp | Log In</title></head><body><form>Log in</form></body></html>";

/// Answers one request of any method and path.
pub(super) async fn handle(State(fake): State<ClickUpSandbox>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str().to_owned();
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    let raw = axum::body::to_bytes(body, BODY_CAP)
        .await
        .unwrap_or_default();
    let (authorization, headers) = ledger::told(&parts.headers);
    let entry = LedgerEntry {
        at: fake.clock.now(),
        service: Service::ClickUp,
        method: method.clone(),
        path: path.clone(),
        status: 0,
        body: String::from_utf8_lossy(&raw).into_owned(),
        authorization: authorization.clone(),
        headers,
    };
    let content_type = header_text(&parts.headers, header::CONTENT_TYPE).unwrap_or_default();
    let call = Call::new(
        &method,
        parts.uri.path(),
        parts.uri.query().unwrap_or_default(),
        raw,
        content_type,
    );
    fake.ledger.arrived(Service::ClickUp, &method);
    let authorization = Some(authorization).filter(|value| !value.is_empty());
    let mut fault = fake.faults.next(Service::ClickUp, &method, &path);
    fault = Fault::looked_at(fault, entry.body.as_bytes());
    if let Some(Fault::Echo { status, place }) = fault {
        fault = Some(place.answer(status, authorization.as_deref().unwrap_or_default()));
    }
    let work = || {
        respond(
            &mut fake.world(),
            &call,
            parts.uri.path(),
            authorization.as_deref(),
        )
    };
    let late = match fault {
        Some(Fault::Delay { ms }) => Duration::from_millis(ms),
        _ => Duration::ZERO,
    };
    let (status, mut response) = match fault {
        Some(Fault::TokenRevoked) => finished(Answer::refusal(&BAD_TOKEN, call.v3, entry.at.0)),
        fault => faulty(fault, work),
    };
    let skew = fake.world().config.quirks.date_skew_ms;
    if let Ok(date) = HeaderValue::from_str(&fake.clock.http_date(skew)) {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
    // Recorded before the wait: a client that gives up meanwhile has changed the data all the same.
    fake.ledger.record(LedgerEntry { status, ..entry });
    tokio::time::sleep(late).await;
    response
}

/// What a client gets under a fault, with the status for the ledger; 0 means that the client got no answer.
fn faulty(fault: Option<Fault>, work: impl Fn() -> Answer) -> (u16, Response) {
    match fault {
        // A revoked token was answered before; an echo and a firewall have become a status.
        None
        | Some(
            Fault::Delay { .. } | Fault::Echo { .. } | Fault::Firewall { .. } | Fault::TokenRevoked,
        ) => finished(work()),
        Some(Fault::DropBeforeApply) => (0, crate::hang_up()),
        Some(Fault::DropAfterApply) => {
            work();
            (0, crate::hang_up())
        }
        Some(Fault::StatusAfterApply {
            status,
            body,
            content_type,
        }) => {
            work();
            finished(Answer {
                status,
                content_type,
                body: body.into(),
                headers: Vec::new(),
            })
        }
        Some(Fault::TruncateBody) => {
            let whole = work();
            (whole.status, whole.into_truncated())
        }
        Some(Fault::EmptyListing) => finished(work().emptied()),
        Some(Fault::MissingPage) => finished(work().halved()),
        Some(Fault::LeavesOut(members)) => finished(work().without(&members)),
        Some(Fault::SignInPage) => finished(Answer::html(200, SIGN_IN)),
        Some(Fault::Status {
            status,
            body,
            content_type,
            headers,
        }) => finished(Answer {
            status,
            content_type,
            body: body.into(),
            headers,
        }),
    }
}

fn finished(answer: Answer) -> (u16, Response) {
    (answer.status, answer.into_response())
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn respond(world: &mut World, call: &Call, path: &str, authorization: Option<&str>) -> Answer {
    let now = world.clock.now();
    let refuse = |refusal: &Refusal| Answer::refusal(refusal, call.v3, now.0);
    if !path.starts_with("/api/v2/") && !path.starts_with("/api/v3/") {
        let file = call.segments.get(1).filter(|_| call.method == "GET");
        let outcome = file.map_or(Err(NO_ROUTE), |id| attachments::download(world, id));
        return Answer::of(outcome, false, now.0);
    }
    let others = world.config.others.iter();
    let other = others.filter(|(token, _)| Some(token.as_str()) == authorization.map(str::trim));
    let other = other.map(|(_, user)| *user).next();
    if other.is_none()
        && let Err(refusal) = authorise(&world.config.token, authorization)
    {
        return refuse(&refusal);
    }
    let budget = world.window.take(now, world.config.quirks.rate_limit);
    let mut answer = if budget.allowed {
        let owner = world.config.token_user;
        // Everything that is done in the name of the token's user, and read in their time zone, is the caller's now.
        world.config.token_user = other.unwrap_or(owner);
        let answered = routes::answer(world, call);
        world.config.token_user = owner;
        Answer::of(answered, call.v3, now.0)
    } else {
        let mut refused = refuse(&RATE);
        if world.config.quirks.retry_after {
            refused
                .headers
                .push(("retry-after".to_owned(), "60".to_owned()));
        }
        refused
    };
    budget.stamp(&mut answer);
    answer
}

/// A personal token (`pk_`) stands alone in the header; an OAuth token follows `Bearer`.
fn authorise(token: &str, sent: Option<&str>) -> Result<(), Refusal> {
    let sent = sent
        .map(str::trim)
        .filter(|sent| !sent.is_empty())
        .ok_or(NO_TOKEN)?;
    let given = if token.starts_with("pk_") {
        Some(sent)
    } else {
        sent.strip_prefix("Bearer ")
    };
    if given == Some(token) {
        Ok(())
    } else {
        Err(BAD_TOKEN)
    }
}
