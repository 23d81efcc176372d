//! The record of recent requests, in a small file beside the database: `<database>.sends`.
//!
//! It is apart from the database because commands that only look, `check` and `plan`, send requests too and may write
//! nothing into the database; and because it needs none of its care. Each process reads the file, decides and writes one
//! slot of it, all under the kernel's lock on the file, before the request leaves. That is a few microseconds and no sync:
//! what is written is in the system's memory, which the death of a process does not touch.
//!
//! | what happens | what follows |
//! |---|---|
//! | a process is killed | its notes are there; the last one perhaps without a request that left, which counts all the same |
//! | it is killed while it writes a slot | a slot never lies across two pages of memory, so it is written or not; a torn one would fail its checksum |
//! | a power cut | notes may be lost. They are older than the present boot, so in the first minute after a boot everything counts as used up, and after it nothing from before matters |
//! | the file is damaged, or no such file at all in its contents | the minute from then on counts as used up, and is told; the file is made anew |
//! | the file is not there | nothing is known, so the requests of the first minute are all paced, as they would be without any record |
//! | the wall clock is set | nothing: times are those of the monotonic clock, which all processes of a boot share |
//! | there is no folder for it, or none may be made in it | as if there were no record at all: everything is paced |
//! | a service or a token is exchanged | a record belongs to a service's address. Two tokens share it, which is slow at worst |
//!
//! No token and nothing made from one is in the file.

use super::files;
use super::open::beside;
use crate::connector::limiter::log::{Ask, Note, SendLog, Turn};
use crate::model::Service;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of the head and of each slot. A multiple of this never lies across two pages.
const SLOT: usize = 64;
/// What the file begins with.
const MAGIC: u64 = u64::from_be_bytes(*b"bssends1");
/// More than the longest period, in nanoseconds.
const LONGEST: u64 = 61_000_000_000;
/// Sends within this part of a period share a slot, so that a high limit makes no large file.
const PARTS: u64 = 256;

/// Nanoseconds on a clock that all processes of this boot share and nobody sets.
pub type Monotonic = fn() -> u64;

/// The record of one service's recent requests.
pub struct SendFile {
    path: PathBuf,
    database: PathBuf,
    key: u64,
    clock: Monotonic,
    open: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    file: Option<File>,
    /// Whether this process has looked at the file since the first minute of the boot, or made it.
    trusted: bool,
}

/// What the file says besides the sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    /// Until then everything counts as used up.
    full_until: u64,
    /// Until then it is not known what was sent before there was a file.
    unknown_until: u64,
}

/// Sends of one service that lie close together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    key: u64,
    /// When the first of them was noted.
    first: u64,
    /// When the last of them stops to count.
    until: u64,
    count: u64,
}

impl SendFile {
    /// The record beside a database for the service at this address. Opens nothing yet. `None`: this system has no clock
    /// that processes share.
    pub fn beside(database: &Path, service: Service, address: &str) -> Option<SendFile> {
        Some(SendFile::with_clock(
            database,
            service,
            address,
            monotonic()?,
        ))
    }

    /// As [`SendFile::beside`], on another clock.
    pub fn with_clock(
        database: &Path,
        service: Service,
        address: &str,
        clock: Monotonic,
    ) -> SendFile {
        let mut hash = Sha256::new();
        hash.update(service.key());
        hash.update([0]);
        hash.update(address.trim_end_matches('/'));
        let hash = hash.finalize();
        SendFile {
            path: beside(database, ".sends"),
            database: database.to_owned(),
            key: (hash.iter().take(8)).fold(0, |key, byte| key << 8 | u64::from(*byte)),
            clock,
            open: Mutex::default(),
        }
    }

    /// Opens the file, or makes it. `None`: there is none, and none can be made here.
    fn opened<'a>(&self, opened: &'a mut Opened) -> Result<Option<&'a mut File>, String> {
        if opened.file.is_none() {
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            files::private(&mut options);
            let file = match options.open(&self.path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    options.create(true);
                    match options.open(&self.path) {
                        Ok(file) => file,
                        Err(_) => return Ok(None),
                    }
                }
                other => other.map_err(|error| files::why(&error, &self.path))?,
            };
            files::keep_owner(&file, &self.database).map_err(|error| error.to_string())?;
            opened.file = Some(file);
        }
        Ok(opened.file.as_mut())
    }

    /// Does something with what the file holds, while no other process looks at it. Otherwise says why not.
    fn locked<T>(
        &self,
        act: impl FnOnce(&mut Record<'_>) -> std::io::Result<T>,
    ) -> Result<Result<T, Turn>, String> {
        let told = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let mut opened = self.held();
        let mut trusted = opened.trusted;
        let Some(file) = self.opened(&mut opened)? else {
            return Ok(Err(Turn::Nowhere));
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(Turn::Busy)),
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        let now = (self.clock)();
        let done = Record::read(file, &self.path, now, &mut trusted).and_then(|mut record| {
            let done = act(&mut record)?;
            Ok(Ok(done))
        });
        let freed = file.unlock();
        opened.trusted = trusted;
        let done = done.map_err(told)?;
        freed.map_err(told)?;
        Ok(done)
    }

    fn held(&self) -> MutexGuard<'_, Opened> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SendLog for SendFile {
    fn take(
        &self,
        ask: Ask,
        pace: &mut dyn FnMut() -> Result<(), Duration>,
    ) -> Result<Turn, String> {
        let took = self.locked(|record| {
            if let Some(wait) = record.wait(self.key, ask.limit) {
                return Ok(Turn::Wait(wait));
            }
            let unknown = record.head.unknown_until > record.now;
            let paced = unknown || record.count(self.key) >= u64::from(ask.free);
            if paced && let Err(wait) = pace() {
                return Ok(Turn::Wait(wait));
            }
            record.note(self.key, ask.period).map(Turn::Taken)
        })?;
        Ok(took.unwrap_or_else(|instead| instead))
    }

    fn later(&self, note: Note, ask: Ask) -> Result<bool, String> {
        let moved = self.locked(|record| {
            let Some(mut slot) = record.slots.get(note.place).copied() else {
                return Ok(false);
            };
            let same = slot.key == self.key && slot.first == note.first;
            if !same || slot.until <= record.now || slot.count == 0 {
                return Ok(false);
            }
            slot.count -= 1;
            // Noted again before it is taken out: a kill in between counts it twice.
            record.note_apart(self.key, ask.period)?;
            record.write(note.place, slot)?;
            Ok(true)
        })?;
        // Another process has the file this moment: a new turn is as good.
        Ok(moved.unwrap_or(false))
    }
}

/// The contents of the file, under its lock.
struct Record<'a> {
    file: &'a mut File,
    now: u64,
    head: Head,
    slots: Vec<Slot>,
}

impl<'a> Record<'a> {
    fn read(
        file: &'a mut File,
        path: &Path,
        now: u64,
        trusted: &mut bool,
    ) -> std::io::Result<Record<'a>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        let mut record = Record {
            file,
            now,
            head: Head::default(),
            slots: Vec::new(),
        };
        if bytes.is_empty() {
            record.head.unknown_until = now.saturating_add(LONGEST);
            record.write_head()?;
            *trusted = true;
            return Ok(record);
        }
        match parse(&bytes) {
            Some((head, slots)) => (record.head, record.slots) = (head, slots),
            None => {
                tracing::warn!(
                    path = %path.display(),
                    "the record of recent requests is damaged and made anew: the present minute counts as used up"
                );
                // The head first: a kill before the rest is gone leaves a file that is still damaged.
                record.head.full_until = now.saturating_add(LONGEST);
                record.write_head()?;
                record.file.set_len(SLOT as u64)?;
            }
        }
        // What lies further ahead than any note can is from an earlier boot, whose clock had run for longer.
        let end = now.saturating_add(2 * LONGEST);
        let ours = |time: u64| if time > end { 0 } else { time };
        record.head.full_until = ours(record.head.full_until);
        record.head.unknown_until = ours(record.head.unknown_until);
        for slot in &mut record.slots {
            slot.until = ours(slot.until);
        }
        if now >= LONGEST {
            *trusted = true;
        } else if !*trusted {
            record.head.full_until = record.head.full_until.max(LONGEST);
        }
        Ok(record)
    }

    /// The slots of a service that still count.
    fn live(&self, key: u64) -> impl Iterator<Item = &Slot> {
        let now = self.now;
        self.slots
            .iter()
            .filter(move |slot| slot.key == key && slot.until > now)
    }

    fn count(&self, key: u64) -> u64 {
        self.live(key)
            .fold(0, |sum, slot| sum.saturating_add(slot.count))
    }

    /// How long until there is room for one more; `None`: there is.
    fn wait(&self, key: u64, limit: u32) -> Option<Duration> {
        if self.head.full_until > self.now {
            return Some(Duration::from_nanos(self.head.full_until - self.now));
        }
        let mut count = self.count(key);
        let limit = u64::from(limit.max(1));
        if count < limit {
            return None;
        }
        let mut ends: Vec<&Slot> = self.live(key).collect();
        ends.sort_unstable_by_key(|slot| slot.until);
        for slot in ends {
            count = count.saturating_sub(slot.count);
            if count < limit {
                return Some(Duration::from_nanos(slot.until - self.now));
            }
        }
        None
    }

    /// Notes a send, together with others of this moment.
    fn note(&mut self, key: u64, period: Duration) -> std::io::Result<Note> {
        let now = self.now;
        let close = nanos(period) / PARTS;
        let near = |slot: &Slot| {
            slot.key == key && slot.count > 0 && slot.first <= now && now - slot.first <= close
        };
        let Some(place) = self.slots.iter().position(near) else {
            return self.note_apart(key, period);
        };
        let mut slot = self.slots.get(place).copied().unwrap_or_default();
        slot.count = slot.count.saturating_add(1);
        slot.until = end_of(now, period);
        self.write(place, slot)?;
        Ok(Note {
            place,
            first: slot.first,
        })
    }

    /// Notes a send in a slot of its own.
    fn note_apart(&mut self, key: u64, period: Duration) -> std::io::Result<Note> {
        let now = self.now;
        let free = self.slots.iter().position(|slot| slot.until <= now);
        let place = free.unwrap_or(self.slots.len());
        let slot = Slot {
            key,
            first: now,
            until: end_of(now, period),
            count: 1,
        };
        self.write(place, slot)?;
        Ok(Note { place, first: now })
    }

    fn write(&mut self, place: usize, slot: Slot) -> std::io::Result<()> {
        let bytes = encode([slot.key, slot.first, slot.until, slot.count]);
        self.put((place + 1) * SLOT, &bytes)?;
        match self.slots.get_mut(place) {
            Some(held) => *held = slot,
            None => self.slots.push(slot),
        }
        Ok(())
    }

    fn write_head(&mut self) -> std::io::Result<()> {
        let bytes = encode([MAGIC, self.head.full_until, self.head.unknown_until, 0]);
        self.put(0, &bytes)
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(at as u64))?;
        self.file.write_all(bytes)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// When a send of now stops to count: a little after the period, because not every request takes equally long to get there.
fn end_of(now: u64, period: Duration) -> u64 {
    now.saturating_add(nanos(period + period / 60))
}

/// Four numbers and their checksum.
fn encode(numbers: [u64; 4]) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    let all = numbers.into_iter().chain([check(numbers)]);
    for (place, number) in bytes.chunks_exact_mut(8).zip(all) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Tells a slot that was written from one that is torn or is something else. No protection against malice.
fn check(numbers: [u64; 4]) -> u64 {
    numbers.into_iter().fold(MAGIC, |sum, number| {
        (sum ^ number)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    })
}

fn decode(bytes: &[u8]) -> Option<[u64; 4]> {
    let mut numbers = bytes.chunks_exact(8).map(|chunk| {
        let mut number = [0; 8];
        number.copy_from_slice(chunk);
        u64::from_le_bytes(number)
    });
    let found = [
        numbers.next()?,
        numbers.next()?,
        numbers.next()?,
        numbers.next()?,
    ];
    (numbers.next()? == check(found)).then_some(found)
}

/// Reads the whole file; `None`: it is not one of ours, or a part of it is damaged.
fn parse(bytes: &[u8]) -> Option<(Head, Vec<Slot>)> {
    if !bytes.len().is_multiple_of(SLOT) {
        return None;
    }
    let mut chunks = bytes.chunks(SLOT);
    let [magic, full_until, unknown_until, _] = decode(chunks.next()?)?;
    if magic != MAGIC {
        return None;
    }
    let head = Head {
        full_until,
        unknown_until,
    };
    let mut slots = Vec::new();
    for chunk in chunks {
        let [key, first, until, count] = decode(chunk)?;
        slots.push(Slot {
            key,
            first,
            until,
            count,
        });
    }
    Some((head, slots))
}

/// The clock of [`SendFile::beside`].
#[cfg(unix)]
fn monotonic() -> Option<Monotonic> {
    Some(unix::since_boot)
}

#[cfg(not(unix))]
fn monotonic() -> Option<Monotonic> {
    None
}

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;
    use tokio::time::Instant;

    /// Nanoseconds of the system's monotonic clock, which begins with the boot.
    ///
    /// It is read once; from there on tokio's clock counts, which is the same one and can be moved by tests, each its own.
    pub(super) fn since_boot() -> u64 {
        static START: OnceLock<(u64, std::time::Instant)> = OnceLock::new();
        let (at, start) = *START.get_or_init(|| (now(), std::time::Instant::now()));
        let (start, here) = (Instant::from_std(start), Instant::now());
        match here.checked_duration_since(start) {
            Some(passed) => at.saturating_add(super::nanos(passed)),
            None => at.saturating_sub(super::nanos(start - here)),
        }
    }

    fn now() -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
    }
}

#[cfg(test)]
mod tests;
