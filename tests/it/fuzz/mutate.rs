//! Inputs bent at random: JSON by its values, everything by its bytes. The same seed gives the same input.

use crate::fuzz::targets::Shape;
use fastrand::Rng;
use serde_json::{Value, json};

/// Longest input that is made by mutation.
const MOST_BYTES: usize = 16 << 10;

/// Text that has broken parsers, ours or others'.
const TOKENS: &[&str] = &[
    "\u{feff}",
    "\0",
    "\u{1b}[2J",
    "\u{202e}gnp.exe",
    "\u{200b}",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "e\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👦",
    "İ",
    "ß",
    "\r\n",
    "\r",
    "\n\n",
    "\t",
    "   ",
    "\\",
    "\\\\",
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "<p>",
    "</div>",
    "<ul><li>",
    "<ol start=99999999999>",
    "<td colspan=9999 rowspan=9999>",
    "<table><tr>",
    "<svg><style>",
    "<math><mtext>",
    "<template>",
    "<pre>",
    "<a href='javascript:1'>",
    "<img src=x alt=']('>",
    "<br>",
    "&lt;",
    "&amp;lt;",
    "&#0;",
    "&#x110000;",
    "&",
    "**",
    "*",
    "__",
    "_",
    "~~",
    "`",
    "```",
    "~~~",
    "[",
    "](",
    "![",
    ")",
    "[x]: y",
    "[^1]",
    "- ",
    "- [ ] ",
    "1. ",
    "999999999. ",
    "> ",
    "# ",
    "===",
    "---",
    "| a |",
    "| --- |",
    "|",
    "$$",
    "http://a.b/c",
    "Azure DevOps: [x](https://d/e#sx1:a:ado:1:0:00000000)",
    "sx1:web:ado:7:0:0a1b2c3d",
    "%00",
    "%",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "-0001-01-01T00:00:00+23:59",
    "8210266876799999",
    "-8334601228800000",
    "9223372036854775807",
    "-9223372036854775808",
    "1e400",
    "-0",
    "NaN",
    "null",
    "{}",
    "[]",
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "\n=====\n",
    "[[pair]]\n",
    "[pair]\n",
    " = ",
    "#",
    "ado.",
    "\\u{d800}",
    "a@b",
    ";",
    ",",
];

/// Makes one input out of a corpus.
pub fn input(rng: &mut Rng, shape: Shape, corpus: &[Vec<u8>]) -> Vec<u8> {
    let start = pick(rng, corpus).cloned().unwrap_or_default();
    let document = (shape == Shape::Json && rng.u8(..10) < 8)
        .then(|| serde_json::from_slice::<Value>(&start).ok())
        .flatten();
    let mut bytes = match document {
        Some(mut value) => {
            let donor = pick(rng, corpus).and_then(|other| serde_json::from_slice(other).ok());
            for _ in 0..rng.usize(1..4) {
                bend(rng, &mut value, donor.as_ref().unwrap_or(&Value::Null));
            }
            value.to_string().into_bytes()
        }
        None => {
            let mut bytes = start;
            for _ in 0..rng.usize(1..6) {
                smear(rng, &mut bytes, corpus);
            }
            bytes
        }
    };
    // What `Value` cannot hold: half a surrogate pair, a mark at the start, text after the end.
    if shape == Shape::Json && rng.u8(..20) == 0 {
        smear(rng, &mut bytes, corpus);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> Option<&'a T> {
    all.get(rng.usize(..all.len().max(1)))
}

fn token(rng: &mut Rng) -> &'static str {
    pick(rng, TOKENS).copied().unwrap_or("")
}

/// Changes one place of a document.
fn bend(rng: &mut Rng, root: &mut Value, donor: &Value) {
    let mut places = Vec::new();
    pointers(root, String::new(), &mut places);
    let Some(place) = pick(rng, &places).cloned() else {
        return;
    };
    let Some(value) = root.pointer_mut(&place) else {
        return;
    };
    match (rng.u8(..8), value) {
        (0, Value::Object(map)) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            if let Some(key) = pick(rng, &keys) {
                map.remove(key);
            }
        }
        (1, Value::Object(map)) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            if let Some(held) = pick(rng, &keys).and_then(|key| map.remove(key)) {
                map.insert(token(rng).to_owned(), held);
            }
        }
        (0 | 1, Value::Array(list)) if !list.is_empty() => {
            let at = rng.usize(..list.len());
            let held = list[at].clone();
            let times = [0, 2, 50][rng.usize(..3)];
            list.splice(at..=at, std::iter::repeat_n(held, times));
        }
        (0..=3, Value::String(text)) => {
            let mut bytes = std::mem::take(text).into_bytes();
            for _ in 0..rng.usize(1..4) {
                smear(rng, &mut bytes, &[]);
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        (2, value) => {
            // Numbers sent as text, and text sent as numbers.
            *value = match value.clone() {
                Value::Number(number) => json!(number.to_string()),
                Value::String(text) => text.parse::<i64>().map_or(json!(text), |n| json!(n)),
                other => json!([other]),
            };
        }
        (3, value) => {
            let mut others = Vec::new();
            pointers(donor, String::new(), &mut others);
            if let Some(other) = pick(rng, &others).and_then(|at| donor.pointer(at)) {
                *value = other.clone();
            }
        }
        (_, value) => *value = odd(rng),
    }
}

/// Lists the places of a document, the root among them.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(value, format!("{at}/{key}"), found);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| {
            pointers(value, format!("{at}/{n}"), found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(at);
}

fn odd(rng: &mut Rng) -> Value {
    match rng.u8(..16) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MAX),
        5 => json!(i64::MIN),
        6 => json!(u64::MAX),
        7 => json!(1e308),
        8 => json!(4.9e-324),
        // The last and the first millisecond of the calendar in use.
        9 => json!(8_210_266_876_799_999_i64),
        10 => json!(-8_334_601_228_800_000_i64),
        11 => json!([]),
        12 => json!({}),
        13 => (0..100).fold(Value::Null, |inner, _| json!([inner])),
        14 => json!("x".repeat(rng.usize(..2000))),
        _ => json!(token(rng)),
    }
}

/// Changes a few bytes.
fn smear(rng: &mut Rng, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = rng.usize(..=bytes.len());
    let end = (at + rng.usize(..24)).min(bytes.len());
    match rng.u8(..10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let copy = bytes[at..end].repeat(rng.usize(1..20));
            bytes.splice(at..at, copy);
        }
        3 => {
            let other = pick(rng, corpus).cloned().unwrap_or_default();
            let from = rng.usize(..=other.len());
            let to = (from + rng.usize(..200)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        4 => bytes.truncate(at),
        5 => bytes.insert(at, rng.u8(..)),
        6 => {
            let repeated = token(rng).repeat(rng.usize(2..40));
            bytes.splice(at..at, repeated.bytes());
        }
        _ => drop(bytes.splice(at..at, token(rng).bytes())),
    }
}
