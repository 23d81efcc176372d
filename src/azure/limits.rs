//! What the service takes, so that nothing is sent that it would refuse whole or keep in part. Pure.

use super::patch;
use crate::capabilities;
use crate::connector::{ConnectorError, ErrorKind};
use crate::field::{FieldSpecs, Form};
use crate::model::{FieldKey, FieldValue, Side};
use serde_json::Value;
use std::collections::BTreeMap;

/// Characters that a long text may have (learn.microsoft.com, work item fields, 2024: "1-M"; counted as .NET does, in
/// UTF-16 units, so an emoji is two).
pub(super) const MAX_LONG_TEXT: usize = 1_048_576;
/// Tags that an item may have, and characters of one (learn.microsoft.com, add tags to work items, 2024-09; more are
/// answered with TF401243).
pub(super) const MAX_TAGS: usize = 100;
pub(super) const MAX_TAG: usize = 400;
/// Years that a date may have: the range of SQL Server's `datetime` (learn.microsoft.com, datetime, Transact-SQL).
const FIRST_YEAR: &str = "1753";

/// Refuses the first field that the service does not take as it is: sent, it would have the whole item refused, or a part
/// of it kept. Fields that are not sent are not looked at.
pub(super) fn refuse_unfit(
    operation: &str,
    specs: &FieldSpecs,
    values: &BTreeMap<FieldKey, FieldValue>,
    ops: &[Value],
) -> Result<(), ConnectorError> {
    for (spec, name) in specs.on(Side::Ado) {
        let key = &spec.key;
        let path = patch::path(name);
        let op = ops
            .iter()
            .find(|op| op.get("path").and_then(Value::as_str) == Some(path.as_str()));
        let Some(text) = op.and_then(|op| op.get("value")?.as_str()) else {
            continue;
        };
        let day = matches!(
            values.get(key),
            Some(FieldValue::Day(_) | FieldValue::Moment(_))
        );
        let Some(message) = unfit(key, spec.form(), day, text) else {
            continue;
        };
        let mut error = ConnectorError::new(Side::Ado, ErrorKind::Refused, operation, message);
        error.field = Some(key.clone());
        return Err(error);
    }
    Ok(())
}

/// Says what is wrong with a text that is to be sent for a field.
fn unfit(key: &FieldKey, form: Form, day: bool, text: &str) -> Option<String> {
    let length = |text: &str| text.encode_utf16().count();
    match form {
        Form::Line => {
            let most = capabilities::of(Side::Ado).line;
            most.filter(|most| length(text) > *most).map(|most| {
                format!(
                    "{key} has {} characters as Azure DevOps counts them, and it takes {most}; nothing is cut off, so \
                     shorten it",
                    length(text)
                )
            })
        }
        Form::Tags => {
            let tags: Vec<&str> = text.split("; ").collect();
            if tags.len() > MAX_TAGS {
                let count = tags.len();
                return Some(format!("{count} tags, and Azure DevOps takes {MAX_TAGS} at most"));
            }
            let long = tags.iter().any(|tag| length(tag) > MAX_TAG);
            long.then(|| {
                format!("a tag of more than {MAX_TAG} characters, which Azure DevOps does not take")
            })
        }
        _ if day => (!holds_day(text)).then(|| {
            format!("the date {text} is outside of 1753-01-01 to 9999-12-31, which is all that Azure DevOps takes")
        }),
        _ => (length(text) > MAX_LONG_TEXT).then(|| {
            format!(
                "{} characters, and Azure DevOps takes {MAX_LONG_TEXT} at most; nothing is cut off, so shorten it",
                length(text)
            )
        }),
    }
}

/// Whether an instant in RFC 3339 is one that the service can store. Years before 0 and after 9999 begin with a sign.
fn holds_day(instant: &str) -> bool {
    let year = instant.split('-').next().unwrap_or("");
    year.len() == 4 && year >= FIRST_YEAR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::convert::instant_of;
    use crate::azure::patch::add;
    use crate::azure::tests::named;
    use chrono::NaiveDate;
    use serde_json::json;

    fn refused(key: FieldKey, value: &str) -> Option<FieldKey> {
        let specs = named(&[(FieldKey::Type, "T"), (key, "F")]);
        let ops = [add("T", json!("Bug")), add("F", json!(value))];
        refuse_unfit("probe", &specs, &BTreeMap::new(), &ops)
            .err()
            .and_then(|error| error.field)
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_sent_and_by_its_field() {
        let text = FieldKey::Description;
        assert_eq!(refused(text.clone(), &"x".repeat(MAX_LONG_TEXT)), None);
        // One character outside the basic plane counts twice.
        for long in [
            "x".repeat(MAX_LONG_TEXT + 1),
            "\u{1f600}".repeat(MAX_LONG_TEXT / 2 + 1),
        ] {
            assert_eq!(refused(text.clone(), &long), Some(text.clone()));
        }
        let tags = |count: usize| {
            (0..count)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert_eq!(refused(FieldKey::Tags, &tags(MAX_TAGS)), None);
        for many in [tags(MAX_TAGS + 1), "x".repeat(MAX_TAG + 1)] {
            assert_eq!(refused(FieldKey::Tags, &many), Some(FieldKey::Tags));
        }
    }

    #[test]
    fn a_title_is_counted_in_utf_16_units_and_fits_up_to_255() {
        let title = FieldKey::Title;
        assert_eq!(refused(title.clone(), &"x".repeat(255)), None);
        assert_eq!(
            refused(title.clone(), &format!("{}🚀", "x".repeat(253))),
            None
        );
        let long = format!("{}🚀", "x".repeat(254));
        assert_eq!(refused(title.clone(), &long), Some(title.clone()));
        let said = unfit(&title, Form::Line, false, &long).unwrap();
        assert!(said.contains("256") && said.contains("255"), "{said}");
    }

    #[test]
    fn days_that_the_service_cannot_store_are_refused_by_their_field() {
        let refused = |day: NaiveDate, zone: Option<chrono_tz::Tz>| {
            let key = FieldKey::DueDate;
            let specs = named(&[(key.clone(), "F")]);
            let values = BTreeMap::from([(key, FieldValue::Day(day))]);
            let ops = [add("F", json!(instant_of(day, zone)))];
            refuse_unfit("probe", &specs, &values, &ops)
                .err()
                .map(|error| error.field)
        };
        let day =
            |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let held = Some(Some(FieldKey::DueDate));
        assert_eq!(refused(day(1753, 1, 1), None), None);
        assert_eq!(refused(day(9999, 12, 31), None), None);
        for far in [
            day(1752, 12, 31),
            day(10_000, 1, 1),
            day(1, 1, 1),
            day(-5, 1, 1),
        ] {
            assert_eq!(refused(far, None), held, "{far}");
        }
        // Midnight in Berlin is still the year before by UTC.
        let berlin = Some(chrono_tz::Europe::Berlin);
        assert_eq!(refused(day(1753, 1, 1), berlin), held);
    }
}
