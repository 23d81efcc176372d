//! Rules of the record of recent requests, on a clock that only tests move.

use super::*;
use std::cell::Cell;

const SECOND: u64 = 1_000_000_000;
/// Long after the boot.
const DAY: u64 = 86_400 * SECOND;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(DAY) };
}

fn now() -> u64 {
    NOW.get()
}

fn pass(seconds: u64) {
    NOW.set(NOW.get() + seconds * SECOND);
}

const MINUTE: Ask = Ask {
    limit: 10,
    free: 5,
    period: Duration::from_secs(60),
};

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        NOW.set(DAY);
        Bench {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One whose first minute is over.
    fn settled() -> Bench {
        let bench = Bench::new();
        bench.process().take(MINUTE, &mut || Ok(())).unwrap();
        pass(120);
        bench
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.db.sends")
    }

    fn of(&self, service: Service, address: &str) -> SendFile {
        let database = self.folder.path().join("state.db");
        SendFile::with_clock(&database, service, address, now)
    }

    /// A process that has just been started.
    fn process(&self) -> SendFile {
        self.of(Service::ClickUp, "https://api.example.invalid")
    }
}

/// Takes as many turns as there are without pace.
fn free(process: &SendFile) -> usize {
    let mut never = || Err(Duration::from_secs(1));
    let mut turns = 0;
    while let Turn::Taken(_) = process.take(MINUTE, &mut never).unwrap() {
        turns += 1;
    }
    turns
}

/// Takes as many turns as there are with pace.
fn paced(process: &SendFile) -> usize {
    let mut turns = 0;
    while let Turn::Taken(_) = process.take(MINUTE, &mut || Ok(())).unwrap() {
        turns += 1;
    }
    turns
}

fn wait(process: &SendFile) -> u64 {
    match process.take(MINUTE, &mut || Ok(())).unwrap() {
        Turn::Wait(wait) => wait.as_secs(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fresh_process_may_send_at_once_what_others_have_left_of_the_minute() {
    let bench = Bench::settled();
    let first = bench.process();
    assert_eq!(free(&first), 5, "half of the limit");
    assert_eq!(free(&bench.process()), 0);
    pass(20);
    assert_eq!(paced(&bench.process()), 5);
    assert_eq!(
        wait(&bench.process()),
        41,
        "until the first five are out of it"
    );
    pass(42);
    assert_eq!(paced(&bench.process()), 5);
    assert_eq!(paced(&first), 0);
}

#[test]
fn before_anything_is_known_of_a_minute_every_request_is_paced() {
    let bench = Bench::new();
    assert_eq!(free(&bench.process()), 0);
    pass(30);
    assert_eq!(free(&bench.process()), 0);
    pass(32);
    assert_eq!(free(&bench.process()), 5);
}

#[test]
fn in_a_damaged_file_the_minute_counts_as_used_up() {
    let bench = Bench::settled();
    paced(&bench.process());
    let sound = std::fs::read(bench.path()).unwrap();
    let mut damaged = vec![b"not ours".to_vec(), sound[..sound.len() - 3].to_vec()];
    for at in [0, 9, 64, 70, 100] {
        let mut torn = sound.clone();
        torn[at] ^= 1;
        damaged.push(torn);
    }
    for bytes in damaged {
        std::fs::write(bench.path(), bytes).unwrap();
        assert_eq!(wait(&bench.process()), 61);
        pass(30);
        assert_eq!(
            wait(&bench.process()),
            31,
            "it is sound again, and still full"
        );
        pass(32);
        assert_eq!(paced(&bench.process()), 10);
        pass(120);
    }
}

#[test]
fn after_a_boot_the_first_minute_counts_as_used_up() {
    let bench = Bench::settled();
    paced(&bench.process());
    NOW.set(10 * SECOND);
    let process = bench.process();
    assert_eq!(wait(&process), 51);
    NOW.set(62 * SECOND);
    // The notes lie a day ahead: they are of the boot before.
    assert_eq!(paced(&process), 10);
}

#[test]
fn notes_of_an_earlier_boot_are_never_younger_than_they_say() {
    let bench = Bench::settled();
    NOW.set(70 * SECOND);
    paced(&bench.process());
    // A short boot: whatever is noted was sent before this one, however much of it is over.
    NOW.set(65 * SECOND);
    assert_eq!(paced(&bench.process()), 0);
}

#[test]
fn a_file_made_in_the_first_minute_is_trusted_by_who_made_it() {
    let bench = Bench::new();
    NOW.set(5 * SECOND);
    let process = bench.process();
    assert_eq!(paced(&process), 10);
    assert_eq!(wait(&bench.process()), 56);
}

#[test]
fn a_turn_that_is_used_later_counts_from_then_on_and_once() {
    let bench = Bench::settled();
    let process = bench.process();
    let Turn::Taken(note) = process.take(MINUTE, &mut || Ok(())).unwrap() else {
        panic!("there was room");
    };
    pass(30);
    assert!(process.later(note, MINUTE).unwrap());
    assert_eq!(paced(&process), 9);
    pass(45);
    assert_eq!(paced(&process), 0, "it left 45 seconds ago");
    pass(17);
    assert_eq!(paced(&process), 10);
    pass(120);
    assert!(!process.later(note, MINUTE).unwrap(), "its minute is over");
}

#[test]
fn services_have_records_of_their_own_and_tokens_none() {
    let bench = Bench::settled();
    assert_eq!(paced(&bench.process()), 10);
    let ado = bench.of(Service::Ado, "https://api.example.invalid");
    let elsewhere = bench.of(Service::ClickUp, "https://sandbox.example.invalid");
    assert_eq!((paced(&ado), paced(&elsewhere)), (10, 10));
    let slash = bench.of(Service::ClickUp, "https://api.example.invalid/");
    assert_eq!(paced(&slash), 0);
}

#[test]
fn a_high_limit_makes_no_large_file() {
    let bench = Bench::settled();
    let process = bench.process();
    let ask = Ask {
        limit: 10_000,
        free: 10_000,
        ..MINUTE
    };
    let mut sent = 0;
    for _ in 0..12_000 {
        NOW.set(NOW.get() + SECOND / 200);
        let turn = process.take(ask, &mut || Ok(())).unwrap();
        sent += usize::from(matches!(turn, Turn::Taken(_)));
    }
    assert_eq!(sent, 10_000);
    let size = std::fs::metadata(bench.path()).unwrap().len();
    assert!(size <= 20_000, "{size}");
}

#[test]
fn a_file_that_another_process_is_at_is_busy() {
    let bench = Bench::settled();
    let held = File::open(bench.path()).unwrap();
    held.lock().unwrap();
    assert_eq!(bench.process().take(MINUTE, &mut || Ok(())), Ok(Turn::Busy));
    held.unlock().unwrap();
    assert_eq!(free(&bench.process()), 5);
}

#[test]
fn what_cannot_be_used_is_an_error_and_what_cannot_be_made_is_none() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path()).unwrap();
    let error = bench.process().take(MINUTE, &mut || Ok(())).unwrap_err();
    assert!(!error.is_empty());
    let nowhere = SendFile::with_clock(Path::new("/nowhere/x.db"), Service::Ado, "", now);
    assert_eq!(nowhere.take(MINUTE, &mut || Ok(())), Ok(Turn::Nowhere));
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only_and_made_through_no_link() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::settled();
    let mode = std::fs::metadata(bench.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = Bench::new();
    std::os::unix::fs::symlink("/dev/null", other.path()).unwrap();
    assert!(other.process().take(MINUTE, &mut || Ok(())).is_err());
}
