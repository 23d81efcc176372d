//! Half a surrogate pair inside a text.
//!
//! The strings of JavaScript and .NET can hold one, and `JSON.stringify` writes it as a lone escape (`"\ud83d"`, ECMA-262
//! `JSON.stringify`; RFC 8259 section 8.2). Rust strings cannot, so the fakes keep a stand-in from the last private-use
//! plane and put the escape in its place when an answer leaves.

use std::borrow::Cow;

/// A stand-in is its half plus this. U+D800 to U+DFFF become U+10D800 to U+10DFFF.
const SHIFT: u32 = 0x10_0000;

/// Returns the stand-in for a half (0xD800 to 0xDFFF), for texts that tests put into a fake; `None` for any other number.
pub fn half(unit: u16) -> Option<char> {
    let number = u32::from(unit);
    let stand_in = (0xD800..=0xDFFF)
        .contains(&number)
        .then_some(number + SHIFT)?;
    char::from_u32(stand_in)
}

/// Whether a character stands for half a pair.
pub fn is_half(c: char) -> bool {
    (0xD800 + SHIFT..=0xDFFF + SHIFT).contains(&u32::from(c))
}

/// Returns JSON with the escapes of halves in place of their stand-ins.
pub fn told(json: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(json) else {
        return Cow::Borrowed(json);
    };
    if !text.contains(is_half) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_half(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c) - SHIFT));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out.into_bytes())
}

/// Returns JSON with stand-ins in place of the escapes of halves, so that serde_json reads it.
pub fn heard(json: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(json) else {
        return Cow::Borrowed(json);
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let pair = unit(tail)
            .filter(|unit| (0xD800..0xDC00).contains(unit))
            .is_some()
            && tail
                .get(6..)
                .and_then(unit)
                .is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
        let length = match unit(tail).and_then(half) {
            _ if pair => 12,
            Some(stand_in) => {
                out.push(stand_in);
                changed = true;
                rest = tail.get(6..).unwrap_or_default();
                continue;
            }
            // The escaped character may be a backslash or a quote: it goes along.
            None => 1 + tail.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (kept, after) = tail.split_at_checked(length).unwrap_or((tail, ""));
        out.push_str(kept);
        rest = after;
    }
    if !changed {
        return Cow::Borrowed(json);
    }
    out.push_str(rest);
    Cow::Owned(out.into_bytes())
}

/// The number of a `\uXXXX` escape at the start of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits
        .chars()
        .all(|c| c.is_ascii_hexdigit())
        .then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_leaves_as_its_escape_and_comes_back() {
        let high = half(0xD83D).unwrap();
        assert!(is_half(high) && half(0x41).is_none() && !is_half('\u{1F916}'));
        let json = format!("{{\"name\":\"a{high}b\"}}").into_bytes();
        let told = told(&json);
        assert_eq!(&*told, br#"{"name":"a\ud83db"}"#);
        assert_eq!(&*heard(&told), json);
    }

    #[test]
    fn whole_pairs_and_other_escapes_stay() {
        let json = br#"{"a":"\ud83e\udd16 \\ud83d \"q\" \u00fc"}"#;
        assert_eq!(&*heard(json), json);
        assert_eq!(&*told(json), json);
    }
}
