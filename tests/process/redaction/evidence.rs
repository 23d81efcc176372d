//! Canaries, and the search for them in everything that a run leaves behind.

use crate::bench::{Bench, Ran};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use boardsync::model::{Service, Side};
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::seed;
use boardsync::sandbox::world::{PROJECT, World};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Two credentials that occur nowhere else.
#[derive(Clone, Debug)]
pub struct Canaries {
    pub ado: String,
    pub clickup: String,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// `count` characters of the alphabet, other ones at each call, the same ones in each run of the tests.
pub fn random(alphabet: &str, count: usize) -> String {
    let mut random = fastrand::Rng::with_seed(0x5eed ^ NEXT.fetch_add(1, Ordering::Relaxed) << 20);
    let letters: Vec<char> = alphabet.chars().collect();
    (0..count)
        .map(|_| letters[random.usize(..letters.len())])
        .collect()
}

impl Canaries {
    /// In the shape of real ones: 52 letters and digits of a personal access token, and a ClickUp token.
    pub fn real() -> Canaries {
        Canaries {
            ado: random("abcdefghijklmnopqrstuvwxyz234567", 52),
            clickup: format!(
                "pk_30{}_{}",
                random("123456789", 6),
                random("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32)
            ),
        }
    }

    /// In no known shape, with every kind of character that needs an escape somewhere.
    pub fn odd() -> Canaries {
        let odd = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=&%<>'~$!*.-_";
        Canaries {
            ado: random(odd, 30),
            clickup: random(odd, 30),
        }
    }

    pub fn of(&self, side: Side) -> &str {
        match side {
            Side::Ado => &self.ado,
            Side::ClickUp => &self.clickup,
        }
    }

    /// A world that accepts exactly these, with the seeded board and token files beside its configuration.
    pub async fn bench(&self) -> Bench {
        let ado = AdoConfig {
            pat: self.ado.clone(),
            ..AdoConfig::default()
        };
        let clickup = ClickUpConfig {
            token: self.clickup.clone(),
            quirks: Quirks {
                rate_limit: 100_000,
                ..Quirks::default()
            },
            ..ClickUpConfig::example()
        };
        let world = World::start_on(SandboxClock::real(), ado, clickup, 0)
            .await
            .unwrap();
        let mut bench = Bench::of(world, &World::example_pair());
        bench.ids = seed::ado_board(&bench.world.ado, PROJECT).unwrap();
        bench
    }
}

/// The forms of a credential that are looked for, each with a name. Made without a line of the program.
pub fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let percent: String = secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("percent", percent),
        (
            "query",
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ),
        (
            "json",
            serde_json::to_string(secret)
                .unwrap()
                .trim_matches('"')
                .to_owned(),
        ),
        ("debug", format!("{secret:?}").trim_matches('"').to_owned()),
        ("hex", hex::encode(secret)),
        // Half of a credential is a leak too: a line that was cut or wrapped.
        ("first half", secret[..secret.len() * 2 / 3].to_owned()),
        ("last half", secret[secret.len() / 3..].to_owned()),
    ];
    // As base64 behind nothing, a colon, two and three characters; the ends depend on what surrounds it.
    for lead in ["", ":", "u:", "me:"] {
        let text = format!("{lead}{secret}");
        for code in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
            let from = (lead.len() * 4).div_ceil(3) + 1;
            forms.push((
                "base64",
                code[from..code.trim_end_matches('=').len() - 1].to_owned(),
            ));
        }
    }
    forms
}

/// Whether the bytes hold the text, in any case of letters.
pub fn finds(bytes: &[u8], text: &str) -> bool {
    // Every byte its own character, so that bytes which are no text hide nothing.
    folded(bytes).contains(&folded(text.as_bytes()))
}

/// ASCII letters small, and every byte a character.
pub fn folded(bytes: &[u8]) -> String {
    let small = bytes.iter().map(u8::to_ascii_lowercase);
    small.map(char::from).collect()
}

/// Everything that runs left behind.
#[derive(Default)]
pub struct Evidence {
    artefacts: Vec<(String, Vec<u8>)>,
}

impl Evidence {
    pub fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.artefacts.push((name.into(), bytes.into()));
    }

    /// Adds what a run printed.
    pub fn ran(&mut self, name: &str, ran: &Ran) {
        self.add(format!("stdout of {name}"), ran.out.as_bytes());
        self.add(format!("stderr of {name}"), ran.err.as_bytes());
    }

    /// Adds every file below the folder but those that exist to hold a secret, and every request without its
    /// `Authorization`.
    pub fn collect(&mut self, bench: &Bench) {
        self.folder(bench.folder.path());
        for (number, entry) in bench.world.ledger.entries().iter().enumerate() {
            let name = format!(
                "request {number} to {} {} {}",
                entry.service, entry.method, entry.path
            );
            let bytes = format!(
                "{} {}\n{}\n{}",
                entry.method, entry.path, entry.headers, entry.body
            );
            self.add(name, bytes.into_bytes());
        }
    }

    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else if path.extension().is_none_or(|end| end != "token") {
                self.add(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }

    /// Names of the artefacts that hold the text.
    pub fn holding(&self, text: &str) -> Vec<&str> {
        let holding = self
            .artefacts
            .iter()
            .filter(|(_, bytes)| finds(bytes, text));
        holding.map(|(name, _)| name.as_str()).collect()
    }

    /// Fails when a form of one of the credentials is in an artefact; tells how much was searched.
    #[track_caller]
    pub fn clean(&self, what: &str, canaries: &Canaries) {
        let mut leaks = Vec::new();
        for secret in [&canaries.ado, &canaries.clickup] {
            for (form, text) in forms(secret) {
                for name in self.holding(&text) {
                    let (_, bytes) = self.artefacts.iter().find(|(n, _)| n == name).unwrap();
                    let text_of = String::from_utf8_lossy(bytes);
                    let line = text_of.lines().find(|line| finds(line.as_bytes(), &text));
                    leaks.push(format!("{form} in {name}: {}", line.unwrap_or_default()));
                }
            }
        }
        let bytes: usize = self.artefacts.iter().map(|(_, bytes)| bytes.len()).sum();
        eprintln!("{what}: {} artefacts, {bytes} bytes", self.artefacts.len());
        assert!(
            leaks.is_empty(),
            "{} leaks:\n{}",
            leaks.len(),
            leaks.join("\n")
        );
    }
}

/// Fails unless each credential went to its own service only, and there in one header only.
#[track_caller]
pub fn sent_to_its_own_service_only(bench: &Bench, canaries: &Canaries) {
    let entries = bench.world.ledger.entries();
    assert!(!entries.is_empty());
    for entry in entries {
        let expected = match entry.service {
            Service::Ado => format!("Basic {}", STANDARD.encode(format!(":{}", canaries.ado))),
            Service::ClickUp if canaries.clickup.starts_with("pk_") => canaries.clickup.clone(),
            Service::ClickUp => format!("Bearer {}", canaries.clickup),
        };
        assert_eq!(
            entry.authorization, expected,
            "{} {}",
            entry.method, entry.path
        );
    }
}

#[test]
fn the_search_finds_every_form_wherever_it_stands() {
    for canaries in [Canaries::real(), Canaries::odd()] {
        let secret = &canaries.ado;
        for (number, leak) in [
            secret.clone(),
            secret.to_uppercase(),
            format!(
                "t={}",
                url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()
            ),
            format!("Basic {}", STANDARD.encode(format!(":{secret}"))),
            STANDARD.encode(format!("boardsync:{secret}")),
            hex::encode(secret),
            secret[..40.min(secret.len() - 2)].to_owned(),
        ]
        .into_iter()
        .enumerate()
        {
            let mut evidence = Evidence::default();
            let bytes = [&[0, 255][..], b"before ", leak.as_bytes(), b" after", &[7]].concat();
            evidence.add("planted", bytes);
            evidence.add("harmless", "nothing to see".as_bytes());
            let found = forms(secret)
                .iter()
                .any(|(_, form)| evidence.holding(form) == ["planted"]);
            assert!(found, "{number}: {leak}");
        }
    }
}
