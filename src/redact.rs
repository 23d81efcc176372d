//! Keeps our own credentials out of everything that is shown, stored or sent.
//!
//! Every credential is remembered in the moment it is read. From then on it is taken out of what services answer
//! (before anything is parsed, logged or stored), of log lines, errors, results and panics, and a request whose address
//! or body holds one is not sent. The last is the reason for one list for the whole process: what belongs to one service
//! must not reach the other either.
//!
//! Text that merely looks like a credential is a person's own business and stays; what is looked for are exactly the
//! credentials in use, in the forms in which an answer or an error may repeat them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{PoisonError, RwLock};

/// What stands in a credential's place. No character of it means anything in JSON, HTML, Markdown or an address.
pub const REMOVED: &str = "BOARDSYNC-CREDENTIAL-REMOVED";

/// Shorter secrets are not looked for: they would be found in ordinary words. Real tokens have 40 characters and more.
const SHORTEST: usize = 8;

/// RFC 3986's unreserved characters stay as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

static KNOWN: RwLock<Known> = RwLock::new(Known::new());

/// How many credentials are remembered, the newest ones: two are in use at a time, and a replaced one may still come
/// back for a while.
const MOST: usize = 16;

/// What is looked for.
struct Known {
    /// The forms of each credential, oldest first.
    credentials: VecDeque<BTreeSet<String>>,
    /// All forms together, longest first, so that a form inside another one does not leave its rest behind.
    forms: Vec<String>,
    /// Whether a form begins with four bytes of this [`slot`]: a body of megabytes is searched with one look for each of
    /// its bytes. Empty while nothing is known.
    begins: Vec<bool>,
}

/// How many bytes of a form are looked up at once; fewer than [`SHORTEST`].
const HEAD: usize = 4;

/// Returns the place of four bytes in the table of beginnings, the same for both cases of a letter.
fn slot(head: &[u8]) -> usize {
    let mixed = head.iter().fold(0_u32, |mixed, byte| {
        (mixed.rotate_left(5) ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x9E37_79B1)
    });
    (mixed >> 16) as usize
}

impl Known {
    const fn new() -> Known {
        Known {
            credentials: VecDeque::new(),
            forms: Vec::new(),
            begins: Vec::new(),
        }
    }

    fn remember(&mut self, secret: &str) {
        let forms = forms(secret);
        if forms.is_empty() || self.credentials.contains(&forms) {
            return;
        }
        self.credentials.push_back(forms);
        if self.credentials.len() > MOST {
            self.credentials.pop_front();
        }
        self.forms = self.credentials.iter().flatten().cloned().collect();
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        self.begins = vec![false; 1 << 16];
        for form in &self.forms {
            let head = form.as_bytes().get(..HEAD).unwrap_or_default();
            if let Some(taken) = self.begins.get_mut(slot(head)) {
                *taken = true;
            }
        }
    }

    /// Returns the first place of a credential at or behind `from`, as start and end.
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if self.forms.is_empty() {
            return None;
        }
        let rest = text.get(from..)?;
        for (offset, head) in rest.windows(HEAD).enumerate() {
            if !self.begins.get(slot(head)).is_some_and(|begins| *begins) {
                continue;
            }
            let here = rest.get(offset..).unwrap_or_default();
            let fits = |form: &&String| {
                here.get(..form.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(form.as_bytes()))
            };
            if let Some(form) = self.forms.iter().find(fits) {
                return Some((from + offset, from + offset + form.len()));
            }
        }
        None
    }

    fn mask(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut found = self.find(text, 0)?;
        let mut out = Vec::with_capacity(text.len());
        let mut done = 0;
        loop {
            out.extend_from_slice(text.get(done..found.0).unwrap_or_default());
            out.extend_from_slice(REMOVED.as_bytes());
            done = found.1;
            match self.find(text, done) {
                Some(next) => found = next,
                None => break,
            }
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(out)
    }
}

fn known() -> std::sync::RwLockReadGuard<'static, Known> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a credential; one that is replaced stays known. Repeating it changes nothing.
pub fn remember(secret: &SecretString) {
    KNOWN
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .remember(secret.expose_secret());
}

/// Returns the text without credentials; unchanged when it holds none.
pub fn mask(text: &str) -> Cow<'_, str> {
    match known().mask(text.as_bytes()) {
        Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        None => Cow::Borrowed(text),
    }
}

/// Takes the credentials out of bytes, text or not.
pub fn mask_bytes(bytes: Vec<u8>) -> Vec<u8> {
    known().mask(&bytes).unwrap_or(bytes)
}

/// Returns whether the bytes hold a credential.
pub fn holds(bytes: &[u8]) -> bool {
    known().find(bytes, 0).is_some()
}

/// Returns whether a credential was taken out of this text. Such a text is not what its author wrote and is not written
/// anywhere.
pub fn is_masked(text: impl AsRef<[u8]>) -> bool {
    let wanted = REMOVED.as_bytes();
    text.as_ref()
        .windows(wanted.len())
        .any(|window| window.eq_ignore_ascii_case(wanted))
}

/// The forms in which a credential may come back: plain, escaped for JSON, HTML and addresses, and as base64 at any
/// place inside a longer text, which is how a `Basic` header carries it.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    if secret.len() < SHORTEST {
        return forms;
    }
    let mut plain = BTreeSet::from([secret.to_owned()]);
    for lead in 0..3_usize {
        // What precedes it shifts the bits; the first and the last character may carry bits of a neighbour.
        let text = [vec![0; lead], secret.as_bytes().to_vec()].concat();
        let first = (lead * 8).div_ceil(6);
        let end = text.len() * 8 / 6;
        for code in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            plain.extend(code.get(first..end).map(str::to_owned));
        }
    }
    for text in plain {
        forms.insert(utf8_percent_encode(&text, ENCODED).to_string());
        forms.insert(utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string());
        forms.insert(url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        let json = serde_json::to_string(&text).unwrap_or_default();
        forms.insert(json.trim_matches('"').to_owned());
        // A quoted text inside a JSON log line.
        let twice = serde_json::to_string(json.trim_matches('"')).unwrap_or_default();
        forms.insert(twice.trim_matches('"').to_owned());
        // .NET escapes the plus in JSON, PHP and old JavaScript the slash.
        let plus = json.trim_matches('"').replace('+', "\\u002B");
        forms.insert(json.trim_matches('"').replace('/', "\\/"));
        forms.insert(plus.replace('/', "\\/"));
        forms.insert(plus);
        forms.insert(
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
        );
        forms.insert(text);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "unit/redact+Canary_x7Qz-93";

    /// A list of its own: the global one belongs to whatever test runs beside.
    fn knowing(secret: &str) -> Known {
        let mut known = Known::new();
        known.remember(secret);
        known
    }

    fn masked(known: &Known, text: &str) -> String {
        let bytes = known.mask(text.as_bytes());
        bytes.map_or_else(
            || text.to_owned(),
            |bytes| String::from_utf8(bytes).unwrap(),
        )
    }

    #[test]
    fn every_form_of_a_credential_is_taken_out_and_the_rest_stays() {
        let known = knowing(SECRET);
        let encoded = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        for form in [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            encoded.to_lowercase(),
            encoded,
            SECRET.replace('/', "\\/"),
            SECRET.replace('+', "\\u002B"),
            STANDARD.encode(format!(":{SECRET}")),
            STANDARD.encode(format!("me:{SECRET}")),
            STANDARD.encode(format!("boardsync:{SECRET}!")),
            URL_SAFE_NO_PAD.encode(format!("x{SECRET}")),
        ] {
            let text = format!("<before> {form} <after>");
            let shown = masked(&known, &text);
            assert!(shown.starts_with("<before> "), "{shown}");
            assert!(shown.ends_with(" <after>"), "{shown}");
            assert!(is_masked(&shown), "{shown}");
            // Of a base64 text at most what it shares with its neighbours is left.
            let most = "<before>  <after>".len() + REMOVED.len() + 24;
            assert!(shown.len() <= most, "{shown}");
        }
    }

    #[test]
    fn what_only_looks_like_a_credential_stays() {
        let text = "pk_1_ABCDEFGHIJKLMNOPQRSTUVWXYZ unit/redact+canary and more";
        assert_eq!(masked(&knowing(SECRET), text), text);
        assert!(!is_masked(text));
    }

    #[test]
    fn short_secrets_are_not_looked_for() {
        assert_eq!(masked(&knowing("abc"), "abc abc"), "abc abc");
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_as_well() {
        let body = [&[0xff, 0xfe][..], SECRET.as_bytes(), &[0x80]].concat();
        let shown = knowing(SECRET).mask(&body).unwrap();
        assert_eq!(
            shown,
            [&[0xff, 0xfe][..], REMOVED.as_bytes(), &[0x80]].concat()
        );
    }

    #[test]
    fn a_replaced_credential_stays_known_for_a_while() {
        let mut known = knowing(SECRET);
        for number in 0..MOST - 1 {
            known.remember(&format!("replacement-number-{number}"));
        }
        assert!(known.find(SECRET.as_bytes(), 0).is_some());
        known.remember("one-replacement-too-many");
        assert!(known.find(SECRET.as_bytes(), 0).is_none());
        assert_eq!(known.credentials.len(), MOST);
    }
}
