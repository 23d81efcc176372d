//! Random secrets through the ways that text takes out of the program: log lines, errors, panics.
//! `BOARDSYNC_SECRETS` says how many (default 10,000).

use crate::redaction::evidence::{folded, forms, random};
use base64::Engine as _;
use boardsync::redact;
use boardsync::telemetry::{Format, Lines};
use secrecy::SecretString;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::SubscriberExt as _;

const ALPHABETS: [&str; 3] = [
    "abcdefghijklmnopqrstuvwxyz234567",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"\\",
];

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn leaks(secret: &str, out: &[u8]) -> Option<&'static str> {
    let out = folded(out);
    let found = forms(secret)
        .into_iter()
        .find(|(form, text)| *form != "hex" && out.contains(&folded(text.as_bytes())));
    found.map(|(form, _)| form)
}

/// Error bodies of both services with this text in every place that is shown.
fn errors(text: &str) -> String {
    let body = serde_json::json!({
        "message": text, "typeKey": text, "err": text, "ECODE": text,
        "customProperties": { "ReferenceName": text }
    });
    // As the client does before anybody sees a body.
    let body = redact::mask_bytes(body.to_string().into_bytes());
    let mut out = String::new();
    for (status, write) in [(200, false), (401, false), (400, true), (500, true)] {
        {
            let ado = boardsync::azure::decode::error(status, "application/json", &body, write);
            let clickup = boardsync::clickup::decode::error(status, &body, write);
            out.push_str(&format!("{ado:?} {clickup:?} {clickup}\n"));
            out.extend(ado.map(|error| error.to_string()));
        }
    }
    out
}

#[test]
fn no_random_secret_comes_through_a_log_line_or_an_error() {
    let count = std::env::var("BOARDSYNC_SECRETS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    let sinks = [Sink::default(), Sink::default()];
    let log = |sink: &Sink, format: Format| {
        let sink = sink.clone();
        let lines = Lines::new(move || sink.clone(), format);
        tracing::Dispatch::new(tracing_subscriber::registry().with(lines))
    };
    let text = Format::Text { colour: false };
    let logs = [log(&sinks[0], text), log(&sinks[1], Format::Json)];
    let mut bytes = 0;
    for number in 0..count {
        let alphabet = ALPHABETS[number % ALPHABETS.len()];
        let secret = random(alphabet, 16 + number % 69);
        redact::remember(&SecretString::from(secret.clone()));
        let basic = base64::engine::general_purpose::STANDARD.encode(format!(":{secret}"));
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let said = format!(
            "sent {secret}; Basic {basic}; https://x.example/?t={encoded}&h={basic}#{secret}"
        );
        for log in &logs {
            tracing::dispatcher::with_default(log, || {
                tracing::error!(%said, quoted = ?said, plain = said.as_str(), "failed: {said}");
            });
        }
        let shown = errors(&said);
        // The control: without the search for it, the secret would be there.
        assert!(leaks(&secret, said.as_bytes()).is_some());
        // Quotes and backslashes of a made-up secret may end in the JSON's own, which then means nothing any more.
        assert!(
            shown.contains(redact::REMOVED) || alphabet == ALPHABETS[2],
            "{shown}"
        );
        assert_eq!(leaks(&secret, shown.as_bytes()), None, "{secret}\n{shown}");
        for sink in &sinks {
            let out = std::mem::take(&mut *sink.0.lock().unwrap());
            bytes += out.len();
            let told = String::from_utf8_lossy(&out);
            assert!(told.contains(redact::REMOVED), "{told}");
            assert_eq!(leaks(&secret, &out), None, "{secret}\n{told}");
        }
        bytes += shown.len();
    }
    eprintln!("{count} secrets, {bytes} bytes of logs and errors");
}

/// Runs only when the test below starts it in a process of its own.
#[test]
#[ignore = "panics on purpose; started by the test below"]
fn a_child_that_panics() {
    let Ok(secret) = std::env::var("REDACTION_PANIC") else {
        return;
    };
    redact::remember(&SecretString::from(secret.clone()));
    boardsync::commands::tame_panics();
    panic!("the service said {secret:?} and nobody expected that");
}

#[test]
fn a_panic_is_told_without_credentials() {
    let secret = random(ALPHABETS[1], 40);
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "redaction::property::a_child_that_panics",
            "--nocapture",
        ])
        .env("REDACTION_PANIC", &secret)
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("and nobody expected that"), "{err}");
    assert!(err.contains(redact::REMOVED), "{err}");
    assert_eq!(leaks(&secret, &output.stderr), None, "{err}");
}
