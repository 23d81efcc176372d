//! A long text that all its copies share.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Canonical Markdown. A value stands in the item, in the plan (as what is written and as where it comes from) and in what
/// is sent; on the first contact of a large board every copy of it would count, so that there is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LongText(Arc<str>);

impl LongText {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for LongText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for LongText {
    fn from(text: String) -> LongText {
        LongText(text.into())
    }
}

impl From<&str> for LongText {
    fn from(text: &str) -> LongText {
        LongText(text.into())
    }
}

impl fmt::Debug for LongText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for LongText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LongText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LongText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LongText, D::Error> {
        String::deserialize(deserializer).map(LongText::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_one_text_and_json_holds_it_plainly() {
        let text = LongText::from("a \"long\" one");
        assert!(std::ptr::eq(text.as_str(), text.clone().as_str()));
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(json, r#""a \"long\" one""#);
        assert_eq!(serde_json::from_str::<LongText>(&json).unwrap(), text);
    }
}
