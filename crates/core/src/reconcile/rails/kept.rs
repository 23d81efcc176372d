//! A value that a service said it took and did not: the answer shows another one.
//!
//! It may pass (an automation that ran at the same moment), so the field is sent again a few times, with growing waits. What
//! the service still does not take then is held with both values named, and everything else of the item goes on. Another
//! value, from either side, starts anew. These are our own sendings, not somebody else's changes, so they are not for
//! [`super::oscillation`] to judge.

use crate::model::{FieldValue, Side, Timestamp};
use crate::reason::RailWhy;
use crate::reconcile::plan::FieldChange;
use sha2::{Digest, Sha256};

/// Waits before the second, third and fourth time that a value is sent; after that it is not sent again.
const WAITS_MS: [i64; 3] = [0, 120_000, 600_000];

/// One field that a service did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The side that was written.
    pub side: Side,
    /// Digest of what was sent.
    pub sent: String,
    /// Digest of what is there instead.
    pub shown: String,
    /// How often it was sent.
    pub tries: u32,
    /// Local time of the last time.
    pub last_at: Timestamp,
    /// Local time of the next one; `None`: held until a value changes.
    pub retry_at: Option<Timestamp>,
    /// What was sent and what is there, in words.
    pub reason: String,
}

impl Kept {
    /// Notes that `sent` was not taken. `earlier` is what was known of the field before.
    pub fn note(
        earlier: Option<&Kept>,
        side: Side,
        (sent, shown): (&FieldValue, &FieldValue),
        reason: &str,
        now: Timestamp,
    ) -> Kept {
        let (sent, shown) = (digest(sent), digest(shown));
        let same = earlier.filter(|kept| kept.side == side && kept.sent == sent);
        let tries = same.map_or(1, |kept| kept.tries.saturating_add(1));
        let waits = usize::try_from(tries).unwrap_or(usize::MAX);
        let wait = WAITS_MS.get(waits.saturating_sub(1));
        Kept {
            side,
            sent,
            shown,
            tries,
            last_at: now,
            retry_at: wait.map(|wait| now.plus_ms(*wait)),
            reason: reason.to_owned(),
        }
    }

    /// Decides whether a change of the field may be sent now. A clock that was set back ends the wait.
    ///
    /// # Errors
    /// Why it is held.
    pub fn may_send(
        &self,
        side: Side,
        change: &FieldChange,
        now: Timestamp,
    ) -> Result<(), RailWhy> {
        let before = change.before.as_ref().map(digest);
        let other = self.side != side
            || self.sent != digest(&change.after)
            || before.is_some_and(|before| before != self.shown);
        match self.retry_at {
            _ if other => Ok(()),
            Some(at) if now >= at || now < self.last_at => Ok(()),
            again => Err(RailWhy::NotKept {
                said: self.reason.clone(),
                times: self.tries,
                side: self.side,
                again,
            }),
        }
    }
}

/// Stands for a value; long texts are not kept twice.
fn digest(value: &FieldValue) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldKey;

    fn change(before: &str, after: &str) -> FieldChange {
        FieldChange {
            field: FieldKey::Title,
            before: Some(FieldValue::text(before)),
            after: FieldValue::text(after),
            kept_back: None,
            source_value: None,
            reason: String::new(),
        }
    }

    fn sent(times: u32) -> Kept {
        let values = (&FieldValue::text("new"), &FieldValue::text("old"));
        let note = |earlier: Option<Kept>, at| {
            Kept::note(
                earlier.as_ref(),
                Side::ClickUp,
                values,
                "sent, not taken",
                Timestamp(at),
            )
        };
        (1..times).fold(note(None, 0), |kept, n| {
            note(Some(kept), i64::from(n) * 1_000_000)
        })
    }

    #[test]
    fn it_is_sent_four_times_with_growing_waits_and_then_held() {
        let waits = [1, 2, 3, 4].map(|times| {
            let kept = sent(times);
            kept.retry_at.map(|at| at.since(kept.last_at))
        });
        assert_eq!(waits, [Some(0), Some(120_000), Some(600_000), None]);
        let kept = sent(4);
        let held = kept.may_send(Side::ClickUp, &change("old", "new"), Timestamp(i64::MAX));
        assert_eq!(
            held.map_err(|why| why.to_string()),
            Err("sent, not taken (4 times); set it there by hand, or edit it in ADO to send it again".to_owned())
        );
    }

    #[test]
    fn a_wait_ends_in_time_and_when_the_clock_was_set_back() {
        let kept = sent(2);
        let at = |ms: i64| {
            kept.may_send(
                Side::ClickUp,
                &change("old", "new"),
                Timestamp(1_000_000 + ms),
            )
        };
        assert!(at(119_999).is_err());
        assert!(at(120_000).is_ok());
        assert!(at(-1).is_ok());
    }

    #[test]
    fn another_value_on_either_side_starts_anew() {
        let kept = sent(4);
        let may = |side, before: &str, after: &str| {
            kept.may_send(side, &change(before, after), Timestamp(9_000_000))
                .is_ok()
        };
        assert!(!may(Side::ClickUp, "old", "new"));
        assert!(may(Side::ClickUp, "old", "newer"));
        assert!(may(Side::ClickUp, "human", "new"));
        assert!(may(Side::Ado, "old", "new"));
        let other = (&FieldValue::text("newer"), &FieldValue::text("old"));
        let anew = Kept::note(Some(&kept), Side::ClickUp, other, "", Timestamp(0));
        assert_eq!(anew.tries, 1);
    }
}
