//! The credential in force, and how another one takes its place: a token is rotated while a daemon runs, so where one was
//! refused its source is read again.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Reads the whole `Authorization` header again from where it came from. May block: the source may be a program. `None`: the
/// source gives nothing now, and the credential in force stays.
pub type ReadAgain = Arc<dyn Fn() -> Option<SecretString> + Send + Sync>;

/// How long a source that gave nothing new is left alone. A refusal need not be about the token: ClickUp says 401 of a list
/// that may not be seen as well, and a source may be a program that asks a server.
const PAUSE: Duration = Duration::from_secs(4);

pub(super) struct Credential {
    held: Mutex<Held>,
    again: Option<ReadAgain>,
    /// Of several requests that are refused at once, the first reads.
    reading: tokio::sync::Mutex<Option<Instant>>,
}

struct Held {
    header: HeaderValue,
    /// Counts the credentials of this process.
    number: u64,
    /// The one that was refused last, until one is accepted.
    refused: Option<u64>,
}

impl Credential {
    pub(super) fn new(header: HeaderValue, again: Option<ReadAgain>) -> Credential {
        Credential {
            held: Mutex::new(Held {
                header,
                number: 0,
                refused: None,
            }),
            again,
            reading: tokio::sync::Mutex::new(None),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the credential in force and its number.
    pub(super) fn get(&self) -> (HeaderValue, u64) {
        let held = self.held();
        (held.header.clone(), held.number)
    }

    pub(super) fn number(&self) -> u64 {
        self.held().number
    }

    /// Notes what became of a request under a credential.
    pub(super) fn answered(&self, number: u64, refused: bool) {
        let mut held = self.held();
        match refused {
            true => held.refused = Some(number),
            false => held.refused = held.refused.filter(|refused| *refused != number),
        }
    }

    /// Whether another credential is in force than the one that was refused last. Reads the source where it may have one.
    pub(super) async fn has_changed(&self) -> bool {
        let refused = self.held().refused;
        match refused {
            Some(number) => self.changed_since(number).await,
            None => false,
        }
    }

    /// Whether another credential than this is in force, after its source was read again.
    pub(super) async fn changed_since(&self, number: u64) -> bool {
        let Some(again) = self.again.clone() else {
            return false;
        };
        let mut last = self.reading.lock().await;
        if self.number() != number {
            return true;
        }
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            return false;
        }
        let read = tokio::task::spawn_blocking(move || again()).await;
        *last = Some(Instant::now());
        let Some(header) = read.ok().flatten().and_then(|text| header(&text)) else {
            return false;
        };
        let mut held = self.held();
        if held.header.as_bytes() == header.as_bytes() {
            return false;
        }
        held.header = header;
        held.number += 1;
        *last = None;
        true
    }
}

/// Makes a header that is shown nowhere; `None`: it holds characters that no header can.
pub(super) fn header(text: &SecretString) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text.expose_secret()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_read_once_for_all_requests_that_were_refused_together() {
        let reads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reads);
        let again: ReadAgain = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Some(secret("new"))
        });
        let credential = Credential::new(header(&secret("old")).unwrap(), Some(again));
        let (_, number) = credential.get();
        credential.answered(number, true);
        let all = tokio::join!(
            credential.changed_since(number),
            credential.changed_since(number),
            credential.has_changed(),
        );
        assert_eq!(all, (true, true, true));
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        assert_eq!(credential.get().0.as_bytes(), b"new");
        credential.answered(credential.number(), false);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_has_nothing_new_is_left_alone_for_a_while() {
        let reads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reads);
        let again: ReadAgain = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Some(secret("old"))
        });
        let credential = Credential::new(header(&secret("old")).unwrap(), Some(again));
        for _ in 0..5 {
            assert!(!credential.changed_since(0).await);
        }
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        tokio::time::advance(PAUSE).await;
        assert!(!credential.changed_since(0).await);
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        assert!(!credential.has_changed().await, "nothing was refused");
    }
}
