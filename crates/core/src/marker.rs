//! The origin marker: says on an item which item it was created from, in a form that foreign text cannot forge.
//!
//! `sx1:<pair>:<ado|clickup>:<id>:<generation>:<tag>`. Deterministic, so that it can be looked for after every record
//! of the request is lost. The tag is cut to 8 hex digits: it keeps copied and mistyped markers out, and a marker is
//! only ever trusted together with the item that it is on.

use crate::model::{ItemId, PairName, Side};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;
use std::fmt;

/// First characters of every marker.
pub const PREFIX: &str = "sx1:";

/// Everything but letters, digits and `.` `_` `~` `-` is encoded, so a marker has no character that HTML, Markdown
/// or a filter expression treats specially, and no `:` inside a part.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'-');

const TAG_BYTES: usize = 4;
/// Enough that two installations on one pair never share a name.
const INSTANCE_BYTES: usize = 6;

/// The secret that signs markers.
#[derive(Clone)]
pub struct MarkerKey([u8; 32]);

impl MarkerKey {
    /// Wraps 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> MarkerKey {
        MarkerKey(bytes)
    }

    /// Returns a name for the installation that has this key, 12 hex digits: the same for the same key, and it tells nothing
    /// about the key.
    pub fn instance(&self) -> String {
        self.mac("instance").map_or_else(String::new, |mac| {
            let bytes = mac.finalize().into_bytes();
            hex::encode(bytes.get(..INSTANCE_BYTES).unwrap_or_default())
        })
    }

    fn mac(&self, unsigned: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(unsigned.as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for MarkerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkerKey(..)")
    }
}

/// The parts of a marker. Having one does not mean that it is genuine; see [`verify`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marker {
    /// The pair.
    pub pair: PairName,
    /// Side of the source item.
    pub side: Side,
    /// The source item.
    pub id: ItemId,
    /// Grows when a link is dissolved on purpose.
    pub generation: u32,
    /// The signature, 8 lower-case hex digits.
    pub tag: String,
}

/// Returns the marker for the counterpart of an item. Equal arguments give equal markers, and different ones different.
pub fn marker(
    key: &MarkerKey,
    pair: &PairName,
    source_side: Side,
    source: &ItemId,
    generation: u32,
) -> String {
    let unsigned = unsigned(pair, source_side, source, generation);
    let tag = key.mac(&unsigned).map_or_else(String::new, |mac| {
        let bytes = mac.finalize().into_bytes();
        hex::encode(bytes.get(..TAG_BYTES).unwrap_or_default())
    });
    format!("{unsigned}:{tag}")
}

fn unsigned(pair: &PairName, side: Side, id: &ItemId, generation: u32) -> String {
    format!(
        "{PREFIX}{}:{}:{}:{generation}",
        utf8_percent_encode(&pair.0, ENCODED),
        side.key(),
        utf8_percent_encode(&id.0, ENCODED),
    )
}

/// Reads a marker without checking its signature. `None` for anything that [`marker`] cannot have written; blanks
/// around it are ignored.
pub fn parse(text: &str) -> Option<Marker> {
    let text = text.trim();
    let parts: Vec<&str> = text.strip_prefix(PREFIX)?.split(':').collect();
    let [pair, side, id, generation, tag] = parts.as_slice() else {
        return None;
    };
    let marker = Marker {
        pair: PairName(percent_decode_str(pair).decode_utf8().ok()?.into_owned()),
        side: Side::from_key(side)?,
        id: ItemId(percent_decode_str(id).decode_utf8().ok()?.into_owned()),
        generation: generation.parse().ok()?,
        tag: (*tag).to_owned(),
    };
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if marker.tag.len() != 2 * TAG_BYTES || !marker.tag.bytes().all(hex) {
        return None;
    }
    // One marker has one spelling (no `+5`, `%41`, `%2f`): equal text and equal meaning are the same thing.
    let unsigned = unsigned(&marker.pair, marker.side, &marker.id, marker.generation);
    (format!("{unsigned}:{tag}") == text).then_some(marker)
}

/// Reads a marker and checks, in constant time, that it was signed with this key. `None`: not a marker, or not ours.
pub fn verify(key: &MarkerKey, text: &str) -> Option<Marker> {
    let marker = parse(text)?;
    let unsigned = unsigned(&marker.pair, marker.side, &marker.id, marker.generation);
    let tag = hex::decode(&marker.tag).ok()?;
    key.mac(&unsigned)?
        .verify_truncated_left(&tag)
        .ok()
        .map(|()| marker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> MarkerKey {
        MarkerKey::new([7; 32])
    }

    fn parts() -> impl Strategy<Value = (PairName, Side, ItemId, u32)> {
        (".{0,12}", any::<bool>(), ".{1,12}", any::<u32>()).prop_map(
            |(pair, ado, id, generation)| {
                let side = if ado { Side::Ado } else { Side::ClickUp };
                (PairName(pair), side, ItemId(id), generation)
            },
        )
    }

    proptest! {
        #[test]
        fn a_marker_is_read_back_as_written_in_plain_characters((pair, side, id, generation) in parts()) {
            let text = marker(&key(), &pair, side, &id, generation);
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || ":%._~-".contains(c)), "{}", text);
            let read = verify(&key(), &text);
            prop_assert_eq!(read.clone(), parse(&text));
            let read = read.unwrap();
            prop_assert_eq!((read.pair, read.side, read.id, read.generation), (pair, side, id, generation));
        }

        #[test]
        fn any_changed_character_makes_it_foreign((pair, side, id, generation) in parts(), at in any::<prop::sample::Index>(), new in "[ -~]") {
            let text = marker(&key(), &pair, side, &id, generation);
            let at = at.index(text.len());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &new);
            prop_assume!(changed != text && changed.trim() == changed);
            prop_assert_eq!(verify(&key(), &changed), None);
        }

        #[test]
        fn foreign_text_is_never_a_panic(text in "(sx1:)?[a-z0-9:%]{0,30}|.{0,40}") {
            prop_assert_eq!(verify(&key(), &text), None);
        }

        #[test]
        fn another_key_does_not_verify((pair, side, id, generation) in parts()) {
            let text = marker(&MarkerKey::new([8; 32]), &pair, side, &id, generation);
            prop_assert!(parse(&text).is_some());
            prop_assert_eq!(verify(&key(), &text), None);
        }
    }

    #[test]
    fn only_the_one_spelling_is_a_marker() {
        let good = marker(&key(), &"a b".into(), Side::Ado, &"12".into(), 5);
        assert!(good.starts_with("sx1:a%20b:ado:12:5:"), "{good}");
        assert!(parse(&format!(" {good}\n")).is_some());
        for (from, to) in [
            (":5:", ":+5:"),
            (":5:", ":05:"),
            ("a%20b", "%61%20b"),
            ("sx1", "SX1"),
        ] {
            assert_eq!(parse(&good.replace(from, to)), None, "{to}");
        }
        assert_eq!(parse(&good[..good.len() - 1]), None);
        assert_eq!(parse(&format!("{good}0")), None);
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(format!("{:?}", key()), "MarkerKey(..)");
    }
}
