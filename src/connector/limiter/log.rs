//! What every process of an installation has sent lately, as the limiter sees it.
//!
//! Both services count requests per credential and not per process: a daemon, a `check` in another terminal and the process
//! that was killed a moment ago use up one allowance. So each send is noted where all of them look, before it leaves. A
//! process that dies between the note and the request has noted one too many, which only makes the next one slower.

use std::time::Duration;

/// What a limiter wants to know before it lets one request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Most sends within any span of [`Ask::period`].
    pub limit: u32,
    /// With fewer sends than this in the period the request need not be paced.
    pub free: u32,
    /// The period that the service counts over.
    pub period: Duration,
}

/// A send that was noted. Whoever noted it may say later that it left only then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where in the log it stands.
    pub place: usize,
    /// When the first send that is noted there was noted, in nanoseconds of the log's own clock.
    pub first: u64,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The request may leave now, and is noted.
    Taken(Note),
    /// Not before this time has passed.
    Wait(Duration),
    /// Another process is at the log this moment.
    Busy,
    /// There is no log and none can be made, so nobody has noted anything.
    Nowhere,
}

/// Where sends are noted, for all processes of an installation.
pub trait SendLog: Send + Sync {
    /// Notes one send, if there is room for it. Where the request is not free it must have a turn of `pace` as well, which
    /// says how long it has to wait otherwise.
    ///
    /// # Errors
    /// Why the log cannot be used, in words. Nothing is then known of what others send.
    fn take(
        &self,
        ask: Ask,
        pace: &mut dyn FnMut() -> Result<(), Duration>,
    ) -> Result<Turn, String>;

    /// Notes that a send which was noted before leaves only now. `false`: its note is too old to be moved; take a new turn.
    ///
    /// # Errors
    /// As [`SendLog::take`].
    fn later(&self, note: Note, ask: Ask) -> Result<bool, String>;
}
