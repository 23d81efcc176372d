//! Reading answers so that one odd value stays one odd value.
//!
//! A page of a hundred tasks must not be lost because of one of them: half a character in one text, a `null` where a
//! list belongs, or a row of another shape costs that text, list or row, and nothing else.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The replacement character as a JSON escape, as long as the escape that it stands for.
const REPLACEMENT: &[u8; 6] = br"\ufffd";

/// Returns a JSON body in which every escape of half a surrogate pair (`\ud83d` alone) is `\ufffd`.
///
/// Both services keep text as JavaScript strings, which may hold such halves, and send them as escapes; strict JSON
/// readers refuse the whole body then (RFC 8259, section 8.2). Bytes that are no UTF-8 become U+FFFD as well. A valid
/// pair and an escaped backslash (`\\ud83d`) stay as they are, and a body without any of this is handed back untouched.
///
/// Half a pair stands for no character, and every program shows U+FFFD in its place. So the field is not held: the text
/// goes to the other side with U+FFFD in it, both bases hold U+FFFD, and nothing is written for its sake. It reaches the
/// service that it came from only inside a text that a person edited on the other side, and looks the same there.
pub fn whole(body: Vec<u8>) -> Vec<u8> {
    let mut body = match String::from_utf8(body) {
        Ok(text) => text.into_bytes(),
        Err(error) => String::from_utf8_lossy(error.as_bytes())
            .into_owned()
            .into_bytes(),
    };
    let mut from = 0;
    let mut halves = 0_u32;
    while let Some(at) = next_escape(&body, from) {
        let first = unit(&body, at);
        let paired = matches!(first, Some(0xD800..=0xDBFF))
            && matches!(unit(&body, at + 6), Some(0xDC00..=0xDFFF));
        from = match first {
            Some(_) if paired => at + 12,
            Some(0xD800..=0xDFFF) => {
                if let Some(place) = body.get_mut(at..at + 6) {
                    place.copy_from_slice(REPLACEMENT);
                    halves += 1;
                }
                at + 6
            }
            Some(_) => at + 6,
            // Some other escape, `\\` among them: both bytes are used up.
            None => at + 2,
        };
    }
    if halves > 0 {
        tracing::debug!(
            halves,
            "an answer holds half a character; it is read as U+FFFD"
        );
    }
    body
}

/// The next backslash.
fn next_escape(body: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.iter().position(|b| *b == b'\\').map(|at| at + from)
}

/// The UTF-16 unit that a `\uXXXX` escape at `at` stands for.
fn unit(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + 6)?.strip_prefix(br"\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A row of a list; `None` where it is not what it should be.
struct Row<T>(Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Row(serde_json::from_value(value).ok()))
    }
}

/// Reads a list row by row. A row that is not what it should be is left out, and `null` is an empty list. For
/// `#[serde(deserialize_with)]`.
pub fn rows<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let rows = Option::<Vec<Row<T>>>::deserialize(deserializer)?;
    Ok(rows.into_iter().flatten().filter_map(|row| row.0).collect())
}

/// As [`rows`], with the default in place of a row that cannot be read: where the number or the place of rows counts
/// (full pages, relations that are named by their index).
pub fn rows_in_place<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let rows = Option::<Vec<Row<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| row.0.unwrap_or_default())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &str) -> String {
        String::from_utf8(whole(body.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn half_a_pair_is_read_as_one_replacement_character() {
        for (body, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\uDE00 low alone""#, "\u{fffd} low alone"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""a\ud83dA""#, "a\u{fffd}A"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
        ] {
            let text: String = serde_json::from_str(&read(body)).unwrap();
            assert_eq!(text, expected, "{body}");
            assert!(serde_json::from_str::<String>(body).is_err(), "{body}");
        }
    }

    #[test]
    fn what_is_whole_keeps_its_bytes() {
        for body in [
            "",
            "{}",
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00 \u00e4""#,
            // An escaped backslash before what looks like half a pair.
            r#""\\ud83d""#,
            r#""\\\\ud83d""#,
            "\"\u{1f600} \u{fffd}\"",
            r#""cut \ud8"#,
            r#""\u+83d""#,
        ] {
            assert_eq!(read(body), body);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        // Half a pair as some writers put it into bytes.
        let body = b"\"a\xED\xA0\xBDb\"".to_vec();
        let text: String = serde_json::from_slice(&whole(body)).unwrap();
        assert!(text.starts_with("a\u{fffd}") && text.ends_with('b'));
    }

    #[test]
    fn one_odd_row_costs_that_row_only() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        struct Name {
            name: String,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Lists {
            #[serde(deserialize_with = "rows")]
            kept: Vec<Name>,
            #[serde(deserialize_with = "rows_in_place")]
            counted: Vec<Name>,
        }
        let rows = json!([{"name": "a"}, null, {"name": 3}, "x", {"name": "b"}]);
        let lists: Lists = serde_json::from_value(json!({"kept": rows, "counted": rows})).unwrap();
        let name = |name: &str| Name {
            name: name.to_owned(),
        };
        assert_eq!(lists.kept, [name("a"), name("b")]);
        assert_eq!(
            lists.counted,
            [name("a"), name(""), name(""), name(""), name("b")]
        );
        let none: Lists = serde_json::from_value(json!({"kept": null, "counted": null})).unwrap();
        assert_eq!((none.kept.len(), none.counted.len()), (0, 0));
    }
}
