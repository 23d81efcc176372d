//! Instants and the clock they come from.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A UTC instant in milliseconds since 1970-01-01. Instants of different hosts are never compared.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the instant moved by `ms` (which may be negative), saturating at the ends.
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }

    /// Returns `self - earlier` in milliseconds, saturating.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns RFC 3339 in UTC with milliseconds, or the raw number where chrono cannot show it.
    pub fn to_rfc3339(self) -> String {
        chrono::DateTime::from_timestamp_millis(self.0).map_or_else(
            || format!("{} ms", self.0),
            |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        )
    }

    /// Parses RFC 3339 with any offset and any number of fraction digits (ADO cuts trailing zeros).
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| Timestamp(at.timestamp_millis()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Source of local time. Production has one implementation, tests another.
pub trait Clock: Send + Sync {
    /// Returns the local wall-clock time. Only for showing, journalling and measuring local waits.
    fn now(&self) -> Timestamp;
}
