//! Whether the item that a create was answered with is the one that it made. Pure.
//!
//! An answer may belong to another request: a cache or a proxy mixes two up, or a service tells a wrong id. Whoever
//! believes it links two items that have nothing to do with each other, and then writes one of them over the other. The
//! marker in the answer proves that the item is ours, though an earlier request for it may have made it. Where the answer
//! does not show the marker, the item has to have our title and must not be older than the request.

use super::{ConnectorError, ErrorKind, NewItem};
use crate::model::{FieldKey, FieldValue, Item, Side, Timestamp};

/// How far the clocks of one service's machines may differ.
const MARGIN_MS: i64 = 600_000;
/// What carries our marker and is older than this was made by an earlier request: the next one is sent five minutes after
/// its answer was lost, at the earliest. People may have edited or deleted it since, so it does not tell what was made.
const AGAIN_MS: i64 = 120_000;
/// Characters of a title after which the rest may have been cut off.
const LONG: usize = 100;

/// Passes the item on that a create was answered with, where it can be the one that was made. `began`: the service's clock
/// before the request, where it has said it.
///
/// # Errors
/// The answer shows another item, or what an earlier request made. The one that this create made may be there.
pub fn refuse(
    (side, operation): (Side, &str),
    new: &NewItem,
    shown: &Item,
    began: Option<Timestamp>,
) -> Result<(), ConnectorError> {
    let told = shown.created_at > Timestamp(0);
    let before = |ms: i64| told && began.is_some_and(|began| shown.created_at < began.plus_ms(-ms));
    if shown.markers.contains(&new.marker) {
        let why = "which an earlier request for the same item made";
        return match before(AGAIN_MS) {
            true => Err(error(side, operation, shown, why)),
            false => Ok(()),
        };
    }
    if before(MARGIN_MS) {
        let why = "which was there before and does not show the marker that was sent";
        return Err(error(side, operation, shown, why));
    }
    let sent = new.fields.get(&FieldKey::Title);
    let (Some(FieldValue::Text(sent)), Some(title)) = (sent, shown.fields.get(&FieldKey::Title))
    else {
        return Ok(());
    };
    match title {
        FieldValue::Text(title) if alike(sent, title) => Ok(()),
        // Every item has a title: this answer only leaves it out.
        FieldValue::Empty => Ok(()),
        _ => Err(error(
            side,
            operation,
            shown,
            "which has another title and not the marker that was sent",
        )),
    }
}

/// Builds the error of a create whose answer shows an item that it cannot have made.
pub fn error(side: Side, operation: &str, shown: &Item, why: &str) -> ConnectorError {
    let message = format!(
        "answered with {}, {why}; nothing was linked, and the new item is looked for by its marker",
        shown.id
    );
    let mut error = ConnectorError::new(side, ErrorKind::Ambiguous, operation, message);
    error.stranger = Some(shown.id.clone());
    error
}

/// Whether a service made `shown` of the title `sent`. It may trim it, cut the end off, or write its special characters
/// otherwise (`&amp;`).
fn alike(sent: &str, shown: &str) -> bool {
    let plain = |text: &str| {
        let text = text.replace("&amp;", "&").replace("&lt;", "<");
        let text = text.replace("&gt;", ">").replace("&quot;", "\"");
        let kept = text.replace("&#39;", "'").to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    let (sent, shown) = (plain(sent), plain(shown));
    sent == shown || shown.chars().count() >= LONG && sent.starts_with(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, Timestamp, Version};
    use std::collections::{BTreeMap, BTreeSet};

    const BEGAN: i64 = 1_772_442_000_000;

    fn shown(title: Option<&str>, marker: Option<&str>) -> Item {
        let title = title.map(|title| (FieldKey::Title, FieldValue::text(title)));
        Item {
            id: ItemId::from("86t9"),
            version: Version(1),
            url: String::new(),
            fields: title.into_iter().collect(),
            raw: Default::default(),
            unread: BTreeSet::new(),
            markers: marker.into_iter().map(str::to_owned).collect(),
            backlinks: Vec::new(),
            parent: None,
            archived: false,
            container: String::new(),
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
        }
    }

    fn refused(sent: &str, shown: &Item) -> Option<ConnectorError> {
        let new = NewItem {
            parent: None,
            pair: "web".into(),
            fields: BTreeMap::from([(FieldKey::Title, FieldValue::text(sent))]),
            marker: "sx1:ours".to_owned(),
            source: "7".into(),
            source_type: "Bug".to_owned(),
            source_url: String::new(),
        };
        let began = Some(Timestamp(BEGAN));
        refuse((Side::ClickUp, "create a task"), &new, shown, began).err()
    }

    #[test]
    fn an_answer_with_another_title_and_without_our_marker_is_of_another_item() {
        let error = refused("Ours", &shown(Some("Theirs"), Some("sx1:theirs"))).unwrap();
        assert_eq!(error.stranger, Some(ItemId::from("86t9")));
        assert!(
            error.may_be_in_force() && error.message.contains("86t9"),
            "{error}"
        );
        assert!(refused("Item 10", &shown(Some("Item 1"), None)).is_some());
    }

    #[test]
    fn an_item_from_before_the_request_is_another_one_even_with_the_same_title() {
        let at = |ms| Item {
            created_at: Timestamp(ms),
            ..shown(Some("Ours"), None)
        };
        assert!(refused("Ours", &at(BEGAN - MARGIN_MS - 1)).is_some());
        assert!(refused("Ours", &at(BEGAN - MARGIN_MS)).is_none());
        assert!(refused("Ours", &at(0)).is_none(), "not told");
    }

    #[test]
    fn an_item_of_an_earlier_request_does_not_tell_what_this_one_made() {
        let at = |ms| Item {
            created_at: Timestamp(ms),
            ..shown(Some("Edited since"), Some("sx1:ours"))
        };
        assert!(refused("Ours", &at(BEGAN - AGAIN_MS - 1)).is_some());
        assert!(refused("Ours", &at(BEGAN - AGAIN_MS)).is_none());
        assert!(refused("Ours", &at(0)).is_none(), "not told");
    }

    #[test]
    fn what_a_service_makes_of_our_title_is_ours() {
        assert!(refused("Ours", &shown(Some("By a rule"), Some("sx1:ours"))).is_none());
        assert!(refused("Ours", &shown(None, None)).is_none(), "not shown");
        assert!(refused(" A & B  <c>", &shown(Some("A &amp; B <c>"), None)).is_none());
        let long = "Long title ".repeat(30);
        let cut: String = long.chars().take(255).collect();
        assert!(refused(&long, &shown(Some(&cut), None)).is_none(), "cut");
    }
}
