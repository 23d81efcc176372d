//! Text without the characters that show nothing and that Azure DevOps does not take.

use std::borrow::Cow;

/// Returns the text without control characters (but for tabs and line ends) and without code points that are no
/// characters. Azure DevOps refuses a whole patch for one of them and names nothing (solidify/jira-azuredevops-migrator
/// #29, nkdAgility/azure-devops-migration-tools #1883), and a reader sees none of them, so canonical forms leave them
/// out on both sides: `a\u{1}b` and `ab` are the same. U+FFFD stays: it is a character that people may have written.
pub fn legible(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_legible) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_legible(*c)).collect())
}

fn is_legible(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || !(c.is_control() || is_no_character(c))
}

/// Returns whether Unicode sets this code point aside for good: U+FFFE and U+FFFF of each plane, U+FDD0 to U+FDEF.
pub fn is_no_character(c: char) -> bool {
    let code = u32::from(c);
    code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_nothing_is_left_out() {
        for (text, left) in [
            ("plain ü 🚀 \u{fffd}", "plain ü 🚀 \u{fffd}"),
            ("a\tb\r\nc", "a\tb\r\nc"),
            ("a\u{1}b\u{b}c\u{c}d\u{0}", "abcd"),
            ("a\u{7f}b\u{9f}", "ab"),
            ("a\u{fffe}b\u{ffff}c\u{1fffe}\u{fdd0}", "abc"),
        ] {
            assert_eq!(legible(text), left, "{text:?}");
        }
        assert!(matches!(legible("plain"), Cow::Borrowed(_)));
    }
}
