use super::*;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use std::sync::Mutex;

type Answer = (u16, Vec<(&'static str, String)>, String);
type Given<'a> = (u16, &'a [(&'static str, &'a str)], &'a str);

/// Answers with the given responses in turn, the last one for ever, and counts.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<Vec<Answer>>>,
    calls: Arc<Mutex<u32>>,
}

async fn answer(State(script): State<Script>) -> Response {
    *script.calls.lock().unwrap() += 1;
    let (status, headers, body) = {
        let mut answers = script.answers.lock().unwrap();
        if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        }
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_str(&value).unwrap());
    }
    response
}

impl Script {
    async fn start(
        answers: &[Given<'_>],
        limit: RateLimit,
    ) -> (Script, HttpClient, CancellationToken) {
        let script = Script::default();
        *script.answers.lock().unwrap() = answers
            .iter()
            .map(|(status, headers, body)| {
                let headers = headers
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect();
                (*status, headers, (*body).to_owned())
            })
            .collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let cancel = CancellationToken::new();
        let client = client(&format!("http://127.0.0.1:{port}/org"), limit, &cancel).unwrap();
        (script, client, cancel)
    }

    fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }
}

fn client(
    base: &str,
    limit: RateLimit,
    cancel: &CancellationToken,
) -> Result<HttpClient, ConnectorError> {
    let config = ClientConfig {
        service: Service::Ado,
        base_url: Url::parse(base).unwrap(),
        authorization: SecretString::from("Basic c2VjcmV0".to_owned()),
        read_again: None,
        headers: vec![("x-probe", "yes".to_owned())],
        limit,
        timeout: Duration::from_secs(5),
        max_body: 1000,
        is_own: |answer| answer.body == b"ours",
        cancel: cancel.clone(),
        sends: None,
    };
    let timing = Timing {
        retries: 2,
        first_backoff: Duration::from_millis(2),
        max_backoff: Duration::from_millis(5),
        unexplained_throttle: Some(Duration::from_millis(30)),
        max_throttle_wait: Duration::from_millis(500),
    };
    HttpClient::with_timing(config, timing)
}

fn request(client: &HttpClient, sending: Sending) -> ApiRequest {
    ApiRequest {
        method: Method::POST,
        url: client.url("/p/_apis/x?secret=1").unwrap(),
        body: Some(("application/json".to_owned(), b"{}".to_vec())),
        operation: "probe",
        sending,
        priority: Priority::Live,
    }
}

const FAST: RateLimit = RateLimit::PerSecond(1000);

#[tokio::test]
async fn a_read_survives_temporary_failures_and_the_last_status_is_handed_back() {
    let (script, client, _) = Script::start(&[(503, &[], ""), (200, &[], "ok")], FAST).await;
    let response = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap();
    assert_eq!((response.status, script.calls()), (200, 2));
    assert_eq!(client.requests_sent(), 2);

    let (script, client, _) = Script::start(&[(500, &[], "")], FAST).await;
    let response = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap();
    assert_eq!((response.status, script.calls()), (500, 3));
}

#[tokio::test]
async fn a_create_is_never_sent_again_after_an_unclear_answer() {
    let (script, client, _) = Script::start(&[(502, &[], ""), (200, &[], "")], FAST).await;
    let response = client.send(request(&client, Sending::Once)).await.unwrap();
    assert_eq!((response.status, script.calls()), (502, 1));
}

#[tokio::test]
async fn a_throttled_create_waits_and_goes_out_again() {
    let (script, client, _) = Script::start(&[(429, &[], "ours"), (200, &[], "")], FAST).await;
    let started = Instant::now();
    let response = client.send(request(&client, Sending::Once)).await.unwrap();
    assert_eq!((response.status, script.calls()), (200, 2));
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(client.budget().throttled, 1);
}

/// Something in between throttles, before the service was asked or after.
#[tokio::test]
async fn a_create_that_the_service_itself_did_not_throttle_is_not_sent_again() {
    let (script, client, _) = Script::start(&[(429, &[], "<html>"), (200, &[], "")], FAST).await;
    let response = client.send(request(&client, Sending::Once)).await.unwrap();
    assert_eq!((response.status, script.calls()), (429, 1));
    assert_eq!(client.budget().throttled, 1);
}

/// What it overwrites may have been edited during the wait.
#[tokio::test]
async fn a_throttled_overwrite_is_not_sent_again() {
    let (script, client, _) = Script::start(&[(429, &[], ""), (200, &[], "{}")], FAST).await;
    let answer = client.send(request(&client, Sending::Fresh)).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Stale);
    assert_eq!(script.calls(), 1);
}

#[tokio::test]
async fn throttling_beyond_patience_is_an_error_that_says_how_long() {
    let (script, client, _) = Script::start(&[(429, &[("retry-after", "120")], "")], FAST).await;
    let error = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_secs(120)));
    assert_eq!(script.calls(), 1);
}

#[tokio::test]
async fn retry_after_on_a_success_holds_the_next_request() {
    let (_, client, _) = Script::start(
        &[(200, &[("retry-after", "0.2")], ""), (200, &[], "")],
        FAST,
    )
    .await;
    let started = Instant::now();
    for _ in 0..2 {
        client
            .send(request(&client, Sending::Repeatable))
            .await
            .unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(200));
}

/// A read's answer may slow everything down; the overwrite that stands on it must not wait for that.
#[tokio::test]
async fn an_overwrite_goes_out_in_its_kept_turn_and_is_too_old_without_one() {
    let nearly_used_up: &[(&'static str, &str)] = &[
        ("date", "Thu, 01 Jan 1970 00:01:40 GMT"),
        ("x-ratelimit-remaining", "2"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-reset", "160"),
    ];
    let answers = [(200, nearly_used_up, "{}"), (200, &[][..], "{}")];
    let (script, client, _) = Script::start(&answers, FAST).await;
    client.make_room().await.unwrap();
    client.make_room().await.unwrap();
    let read = client.send(request(&client, Sending::Repeatable)).await;
    assert!(read.is_ok() && client.budget().paused_for.is_some());
    let first = client.send(request(&client, Sending::Fresh)).await;
    assert!(first.is_ok() && client.budget().paused_for.is_some());
    let second = client.send(request(&client, Sending::Fresh)).await;
    assert_eq!(second.unwrap_err().kind, ErrorKind::Stale);
    assert_eq!(script.calls(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed_and_large_bodies_are_refused() {
    let (script, client, _) =
        Script::start(&[(302, &[("location", "http://127.0.0.1:1/")], "")], FAST).await;
    let response = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap();
    assert_eq!((response.status, script.calls()), (302, 1));

    let large = "x".repeat(1001);
    let (_, client, _) = Script::start(&[(200, &[], &large)], FAST).await;
    let read = client.send(request(&client, Sending::Repeatable)).await;
    assert_eq!(read.unwrap_err().kind, ErrorKind::Protocol);
    let create = client.send(request(&client, Sending::Once)).await;
    assert_eq!(create.unwrap_err().kind, ErrorKind::Ambiguous);
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_even_for_a_create() {
    let cancel = CancellationToken::new();
    let client = client("http://127.0.0.1:1/org", FAST, &cancel).unwrap();
    let error = client
        .send(request(&client, Sending::Once))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(client.requests_sent(), 3);
    assert!(!error.to_string().contains("secret"), "{error}");
    // Whoever mends the network wants to know whereto.
    let whereto = "could not connect to 127.0.0.1:1:";
    assert!(error.to_string().contains(whereto), "{error}");
}

#[tokio::test]
async fn an_answer_cut_short_is_repeated_for_a_read_and_ambiguous_for_a_create() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 2000];
            let _ = socket.read(&mut buffer).await;
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"half\":")
                .await;
        }
    });
    let cancel = CancellationToken::new();
    let client = client(&format!("http://127.0.0.1:{port}/org"), FAST, &cancel).unwrap();
    for (sending, sent) in [(Sending::Once, 1), (Sending::Repeatable, 4)] {
        let error = client.send(request(&client, sending)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous);
        assert_eq!(client.requests_sent(), sent);
    }
}

#[tokio::test]
async fn cancelling_ends_the_wait_for_a_throttled_request() {
    let throttled = [(429, &[("retry-after", "0.4")][..], "ours")];
    let (_, client, cancel) = Script::start(&throttled, FAST).await;
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
    });
    let started = Instant::now();
    let error = client
        .send(request(&client, Sending::Once))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert!(started.elapsed() < Duration::from_millis(350));
}

#[tokio::test]
async fn the_credential_stays_on_its_host_and_off_plain_http() {
    let cancel = CancellationToken::new();
    assert!(client("http://dev.azure.com/org", FAST, &cancel).is_err());
    assert!(client("http://localhost:8080/org", FAST, &cancel).is_ok());
    let client = client("http://127.0.0.1:8080/org", FAST, &cancel).unwrap();
    let mut foreign = request(&client, Sending::Repeatable);
    foreign.url = Url::parse("http://127.0.0.1:8081/org/_apis").unwrap();
    let error = client.send(foreign).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(client.requests_sent(), 0);
}

#[tokio::test]
async fn the_server_clock_and_request_id_come_from_headers() {
    let headers: &[(&'static str, &str)] = &[
        ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
        ("activityid", "abc"),
        ("x-ratelimit-remaining", "99"),
        ("x-ratelimit-limit", "40"),
    ];
    let (_, client, _) = Script::start(&[(200, headers, "{}")], RateLimit::PerMinute(100)).await;
    assert_eq!(client.server_now(), None);
    let response = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap();
    assert_eq!(response.request_id.as_deref(), Some("abc"));
    assert_eq!(
        client.server_now(),
        Timestamp::parse_rfc3339("2026-11-20T10:00:00Z")
    );
    assert_eq!(client.budget().limit, 40);
    assert_eq!(client.budget().remaining, Some(99));
}

fn json_response(body: &[u8]) -> ApiResponse {
    ApiResponse {
        status: 200,
        content_type: "application/json; charset=utf-8; api-version=7.1".to_owned(),
        headers: HeaderMap::new(),
        body: body.to_vec(),
        request_id: None,
        after_lost: false,
    }
}

#[test]
fn json_skips_a_byte_order_mark_and_errors_never_quote_the_body() {
    let response = json_response(b"\xEF\xBB\xBF{\"a\":1}");
    assert!(response.is_json());
    let value: serde_json::Value = response.json(Service::Ado, "probe").unwrap();
    assert_eq!(value["a"], 1);

    let response = json_response(b"{\"secret-key\":\"secret\"}");
    let error = response
        .json::<std::collections::BTreeMap<String, u32>>(Service::Ado, "probe")
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(!error.message.contains("\"secret\""), "{}", error.message);
    assert!(
        json_response(b"{} x")
            .json::<serde_json::Value>(Service::Ado, "probe")
            .is_err()
    );
}

#[test]
fn waits_count_from_the_servers_own_clock() {
    let headers = |pairs: &[(&'static str, &str)]| {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    };
    let date = ("date", "Thu, 01 Jan 1970 00:01:40 GMT");
    let both = headers(&[date, ("x-ratelimit-reset", "130"), ("retry-after", "10")]);
    assert_eq!(throttle::asked_wait(&both), Some(Duration::from_secs(30)));
    let no_date = headers(&[("x-ratelimit-reset", "130")]);
    assert_eq!(throttle::asked_wait(&no_date), None);
    let past = headers(&[date, ("x-ratelimit-reset", "90")]);
    assert_eq!(throttle::asked_wait(&past), None, "says nothing");
    let http_date = headers(&[date, ("retry-after", "Thu, 01 Jan 1970 00:01:45 GMT")]);
    assert_eq!(
        throttle::asked_wait(&http_date),
        Some(Duration::from_secs(5))
    );

    let plenty = headers(&[
        date,
        ("x-ratelimit-remaining", "50"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-reset", "130"),
    ]);
    assert_eq!(throttle::read(&plenty).slow_down(), None);
    let low = headers(&[
        date,
        ("x-ratelimit-remaining", "2"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-reset", "130"),
    ]);
    assert_eq!(
        throttle::read(&low).slow_down(),
        Some(Duration::from_secs(10))
    );
}

#[tokio::test]
async fn half_a_character_in_an_answer_is_read_as_one_replacement_character() {
    let json = [("content-type", "application/json; charset=utf-8")];
    let (_, client, _) =
        Script::start(&[(200, &json, r#"["a\ud83d", "\ud83d\ude00"]"#)], FAST).await;
    let response = client
        .send(request(&client, Sending::Repeatable))
        .await
        .unwrap();
    let texts: Vec<String> = response.json(Service::Ado, "probe").unwrap();
    assert_eq!(texts, ["a\u{fffd}", "\u{1f600}"]);
}

/// A write that is cut off may have been done, so only reads are dropped when every wait is to end.
#[tokio::test]
async fn a_write_under_way_gets_its_answer_though_every_wait_ends() {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        "{}"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/org", listener.local_addr().unwrap());
    let router = Router::new().fallback(slow);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for sending in [Sending::Once, Sending::Fresh, Sending::Repeatable] {
        let cancel = CancellationToken::new();
        let client = client(&base, FAST, &cancel).unwrap();
        let soon = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            cancel.cancel();
        };
        let (sent, ()) = tokio::join!(client.send(request(&client, sending)), soon);
        match sending {
            Sending::Once | Sending::Fresh => assert_eq!(sent.unwrap().status, 200),
            // A POST that may be repeated is a query.
            Sending::Repeatable => assert_eq!(sent.unwrap_err().kind, ErrorKind::Cancelled),
        }
    }
}

#[tokio::test]
async fn a_request_that_holds_a_credential_is_not_sent() {
    let secret = "client-tests-canary-Qx7Zw93k";
    redact::remember(&SecretString::from(secret.to_owned()));
    let (script, client, _) = Script::start(&[(200, &[], "{}")], FAST).await;
    let with = |body: &str| ApiRequest {
        body: Some(("application/json".to_owned(), body.as_bytes().to_vec())),
        ..request(&client, Sending::Once)
    };
    let address = ApiRequest {
        url: client.url(&format!("/p/{secret}/x")).unwrap(),
        ..request(&client, Sending::Repeatable)
    };
    let body = with(&format!("{{\"title\": \"see {secret}\"}}"));
    let masked = with(&format!("{{\"title\": \"see {}\"}}", redact::REMOVED));
    for request in [address, body, masked] {
        let error = client.send(request).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused, "{error}");
        assert!(!error.to_string().contains(secret), "{error}");
    }
    assert_eq!(script.calls(), 0);
}
