//! Times as people read them: in this machine's zone, with UTC beside it.

use crate::model::Timestamp;
use chrono::{DateTime, Local, TimeZone};

/// Returns an instant in local time with UTC beside it: `2026-11-29 16:13:05 (15:13:05 UTC)`.
pub(super) fn when(at: Timestamp) -> String {
    in_zone(at, &Local)
}

fn in_zone<Z: TimeZone>(at: Timestamp, zone: &Z) -> String {
    let Some(utc) = DateTime::from_timestamp_millis(at.0) else {
        return at.to_string();
    };
    let utc = utc.naive_utc();
    let local = zone.from_utc_datetime(&utc).naive_local();
    if local == utc {
        return format!("{} UTC", utc.format("%Y-%m-%d %H:%M:%S"));
    }
    let format = match local.date() == utc.date() {
        true => "%H:%M:%S",
        false => "%Y-%m-%d %H:%M:%S",
    };
    format!(
        "{} ({} UTC)",
        local.format("%Y-%m-%d %H:%M:%S"),
        utc.format(format)
    )
}

/// Returns a sentence with the instants in it told as everywhere on a screen. Where sentences are made nobody knows the
/// reader's zone, so they hold instants as JSON does: `2026-11-29T15:13:05.120Z`.
pub(super) fn in_words(text: &str) -> String {
    text.split_inclusive(' ')
        .map(|piece| instant(piece).unwrap_or_else(|| piece.to_owned()))
        .collect()
}

/// A word with the instant that it is, whatever marks stand around it; `None`: it is none.
fn instant(word: &str) -> Option<String> {
    /// `2026-11-29T15:13:05Z`.
    const SHORTEST: usize = 20;
    let start = word.find(|c: char| c.is_ascii_digit())?;
    let end = word.rfind('Z')?.checked_add(1)?;
    let (before, after) = (word.get(..start)?, word.get(end..)?);
    let text = word.get(start..end).filter(|text| text.len() >= SHORTEST)?;
    let marks = |text: &str| text.chars().all(|c| c.is_ascii_punctuation() || c == ' ');
    let at = Timestamp::parse_rfc3339(text).filter(|_| marks(before) && marks(after))?;
    Some(format!("{before}{}{after}", when(at)))
}

/// Returns how long ago an instant was, in its two largest units: `3h 5m`.
pub(super) fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = u64::try_from(now.since(at) / 1000).unwrap_or(0);
    let long = humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string();
    let units: Vec<&str> = long.split(' ').take(2).collect();
    units.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    #[test]
    fn a_time_is_told_in_the_local_zone_with_utc_beside_it() {
        let at = Timestamp::parse_rfc3339("2026-11-29T23:30:05Z").unwrap();
        let hours = |hours: i32| FixedOffset::east_opt(hours * 3600).unwrap();
        assert_eq!(in_zone(at, &hours(0)), "2026-11-29 23:30:05 UTC");
        assert_eq!(
            in_zone(at, &hours(-5)),
            "2026-11-29 18:30:05 (23:30:05 UTC)"
        );
        assert_eq!(
            in_zone(at, &hours(1)),
            "2026-11-30 00:30:05 (2026-11-29 23:30:05 UTC)"
        );
    }

    #[test]
    fn an_instant_in_a_sentence_is_told_as_any_other_and_nothing_else_is_touched() {
        let at = Timestamp::parse_rfc3339("2026-11-29T23:30:05.120Z").unwrap();
        let text =
            "restored (noticed 2026-11-29T23:30:05.120Z): nothing before 2026-11-29T23:30:05.120Z";
        let told = format!("restored (noticed {0}): nothing before {0}", when(at));
        assert_eq!(in_words(text), told);
        for text in [
            "Build 2026Z of  Z",
            "item 7, 12:30",
            "v2026-11-29T23:30:05.120Z",
        ] {
            assert_eq!(in_words(text), text);
        }
    }

    #[test]
    fn an_age_has_two_units_at_most_and_a_clock_that_was_set_back_makes_none_negative() {
        let now = Timestamp(90_061_000);
        assert_eq!(age(now, Timestamp(0)), "1day 1h");
        assert_eq!(age(now, Timestamp(90_000_000)), "1m 1s");
        assert_eq!(age(Timestamp(0), now), "0s");
    }
}
