//! The last look at a request before it is sent: does it stay within the pair's own items and mapped fields?
//!
//! A plan that was made right can never trip this. It is here for the plan that was not.

use crate::model::{FieldKey, ItemId, Side, Sided};
use crate::reconcile::policy::Policy;
use std::collections::BTreeSet;

/// Checks a change of an existing item against the link that it is made for.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn change<'a>(
    policy: &Policy,
    target: Side,
    item: &ItemId,
    link: Option<&Sided<ItemId>>,
    fields: impl Iterator<Item = &'a FieldKey>,
) -> Result<(), String> {
    match link {
        Some(items) if items.get(target) == item => {}
        Some(items) => {
            return Err(format!(
                "the write goes to {target} {item}, but its link names {}",
                items.get(target)
            ));
        }
        None => {
            return Err(format!(
                "the write goes to {target} {item}, which is linked to nothing in pair {}",
                policy.pair
            ));
        }
    }
    mapped(policy, target, fields)
}

/// Checks the fields of a write, also of a create.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn mapped<'a>(
    policy: &Policy,
    target: Side,
    fields: impl Iterator<Item = &'a FieldKey>,
) -> Result<(), String> {
    let strangers: BTreeSet<String> = fields
        .filter(|field| !policy.fields.contains_key(*field))
        .map(ToString::to_string)
        .collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = strangers.iter().map(String::as_str).collect();
    Err(format!(
        "the write to {target} sets {}, which pair {} does not map",
        names.join(", "),
        policy.pair
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::policy;

    const TITLE: [FieldKey; 1] = [FieldKey::Title];

    fn changed(item: &str, link: Option<&Sided<ItemId>>, fields: &[FieldKey]) -> String {
        let answer = change(&policy(), Side::Ado, &item.into(), link, fields.iter());
        answer.err().unwrap_or_default()
    }

    #[test]
    fn only_the_links_own_item_is_written() {
        let link = Sided {
            ado: ItemId::from("1"),
            clickup: ItemId::from("86d"),
        };
        assert_eq!(changed("1", Some(&link), &TITLE), "");
        assert_eq!(
            changed("2", Some(&link), &TITLE),
            "the write goes to ADO 2, but its link names 1"
        );
        assert_eq!(
            changed("1", None, &TITLE),
            "the write goes to ADO 1, which is linked to nothing in pair web"
        );
    }

    #[test]
    fn only_mapped_fields_are_written() {
        let strange = [FieldKey::Title, FieldKey::Custom("Custom.Risk".into())];
        let answer = mapped(&policy(), Side::ClickUp, strange.iter()).unwrap_err();
        assert!(answer.starts_with("the write to ClickUp sets "), "{answer}");
        assert!(
            answer.contains("Custom.Risk") && !answer.contains("title"),
            "{answer}"
        );
        assert_eq!(mapped(&policy(), Side::ClickUp, TITLE.iter()), Ok(()));
    }
}
