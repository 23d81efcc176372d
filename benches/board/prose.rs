//! Words in no order, for texts that take as much room as people's own: a line repeated over and over would pack to nothing.

use std::fmt::Write;

const SYLLABLES: [&str; 24] = [
    "an", "ber", "con", "de", "er", "fa", "ge", "hol", "in", "ka", "lo", "men", "nor", "o", "par",
    "re", "sta", "ti", "un", "ver", "wi", "xe", "ye", "zor",
];

/// Returns words of some 6 letters, at least `bytes` bytes of them; other words for each `n`.
pub fn prose(n: usize, bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(n as u64);
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        for _ in 0..random.usize(1..=4) {
            let syllable = SYLLABLES.get(random.usize(..SYLLABLES.len()));
            let _ = write!(text, "{}", syllable.unwrap_or(&""));
        }
        text.push(' ');
    }
    text
}
