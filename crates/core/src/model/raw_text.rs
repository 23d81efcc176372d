//! A long text as a service returned it, kept small in memory.

use super::FieldKey;
use boardsync_markup::TextFormat;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The raw texts of an item, by field. Most items have one, for which a tree would take ten times the room.
pub type RawTexts = LiteMap<FieldKey, RichText>;

/// Shorter texts, in bytes, are not packed: there is little to gain.
const WORTH_PACKING: usize = 512;
/// The fastest level. The higher ones take several times as long for a tenth of the size.
const LEVEL: u8 = 1;

/// A long text exactly as the service returned it, marker included. Kept so that a write can leave untouched blocks alone.
///
/// Only a write looks into it, but the first plan of a large board holds every text of the board. So a text of more than
/// 512 bytes is held compressed; ordinary prose takes half as much or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Plain", into = "Plain")]
pub struct RichText {
    format: TextFormat,
    text: Packed,
}

impl RichText {
    /// Wraps a raw text. An empty text stands for an empty field.
    pub fn new(format: TextFormat, text: impl Into<String>) -> RichText {
        let text = Packed::new(text.into());
        RichText { format, text }
    }

    /// Returns the markup language.
    pub fn format(&self) -> TextFormat {
        self.format
    }

    /// Returns the text, byte for byte as the service returned it.
    pub fn text(&self) -> Cow<'_, str> {
        self.text.unpacked()
    }
}

/// The stored form: the text in full.
#[derive(Serialize, Deserialize)]
struct Plain {
    format: TextFormat,
    text: String,
}

impl From<Plain> for RichText {
    fn from(plain: Plain) -> RichText {
        RichText::new(plain.format, plain.text)
    }
}

impl From<RichText> for Plain {
    fn from(raw: RichText) -> Plain {
        Plain {
            format: raw.format,
            text: raw.text().into_owned(),
        }
    }
}

/// A text, compressed where that makes it smaller. The same text always gives the same bytes, so that equal texts are equal
/// here too.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Packed {
    Not(Box<str>),
    Deflated(Box<[u8]>),
}

impl Packed {
    fn new(text: String) -> Packed {
        if text.len() > WORTH_PACKING {
            let mut packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), LEVEL);
            // A text that did not come back whole would be written over somebody's words, so each is tried out.
            if packed.len() < text.len() && inflated(&packed).as_deref() == Some(text.as_str()) {
                packed.shrink_to_fit();
                return Packed::Deflated(packed.into());
            }
        }
        Packed::Not(text.into())
    }

    fn unpacked(&self) -> Cow<'_, str> {
        match self {
            Packed::Not(text) => Cow::Borrowed(text),
            // `new` has seen these bytes give their text, so there is always one.
            Packed::Deflated(bytes) => Cow::Owned(inflated(bytes).unwrap_or_default()),
        }
    }
}

fn inflated(bytes: &[u8]) -> Option<String> {
    let bytes = miniz_oxide::inflate::decompress_to_vec(bytes).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RichText {
        RichText::new(TextFormat::Html, text)
    }

    #[test]
    fn short_long_and_incompressible_texts_come_back_byte_for_byte() {
        let prose = "<p>Füße &amp; Größe, 你好 🎉</p>\r\n".repeat(400);
        // Every byte of a linear congruential generator as a character of its own: nothing repeats.
        let mut state = 1u32;
        let noise: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap_or(' ')
        })
        .take(2_000)
        .collect();
        for text in ["", "a", &prose, &noise] {
            assert_eq!(raw(text).text(), text);
        }
        assert!(matches!(raw(&prose).text, Packed::Deflated(_)));
        assert!(matches!(raw("a").text, Packed::Not(_)));
    }

    #[test]
    fn texts_are_equal_exactly_when_their_bytes_are() {
        let long = "one two three ".repeat(200);
        assert_eq!(raw(&long), raw(&long.clone()));
        assert_ne!(raw(&long), raw(&format!("{long}.")));
        assert_ne!(raw(&long), RichText::new(TextFormat::Markdown, long));
    }

    #[test]
    fn the_stored_form_holds_the_text_in_full() {
        let text = "a \"quoted\" word ".repeat(100);
        let json = serde_json::to_value(raw(&text)).unwrap();
        assert_eq!(json, serde_json::json!({"format": "html", "text": text}));
        assert_eq!(
            serde_json::from_value::<RichText>(json).unwrap(),
            raw(&text)
        );
    }
}
