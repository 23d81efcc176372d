//! Every decoder of outside bytes, over the committed corpus, over inputs too large to commit, and over inputs bent at
//! random. See `tests/README.md`, "Fuzzing".
//!
//! `BOARDSYNC_FUZZ_SECONDS=N` gives every target N seconds instead of a fixed number of inputs, `BOARDSYNC_FUZZ_TARGET=a,b`
//! picks targets, `BOARDSYNC_FUZZ_SEED=N` changes the inputs. An input that breaks a law is kept in `target/fuzz`.
#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "the figures are for people"
)]

mod mutate;
mod targets;

use fastrand::Rng;
use std::collections::VecDeque;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use targets::{Shape, TARGETS, Target};

/// What an input may take: far above what any takes on a busy machine without optimisation, far below what a decoder
/// takes whose time grows with the square of its input.
const MOST_TIME: Duration = Duration::from_secs(60);

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads every file below a folder of `tests`, in the order of their names.
fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let read = fs::read_dir(root().join("tests").join(folder));
    let mut paths: Vec<PathBuf> = read
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| fs::read(&path).ok().map(|bytes| (path, bytes));
    paths.into_iter().filter_map(read).collect()
}

/// Inputs that start from the corpus and, for long texts, from the fixtures of the markup tests.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let fixtures = files(&format!("fixtures/markup/{}", target.name));
    let corpus = files(&format!("corpus/{}", target.name));
    let all = corpus.into_iter().chain(fixtures);
    all.map(|(_, bytes)| bytes).collect()
}

/// Runs one input. A broken law comes back as its message, and the input is kept.
fn run(target: &Target, input: &[u8]) -> Result<Duration, String> {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = began.elapsed();
    let broken = match outcome {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            text.unwrap_or("a panic without a message").to_owned()
        }
        Ok(()) if took > MOST_TIME => format!("{took:.1?} for {} bytes", input.len()),
        Ok(()) => return Ok(took),
    };
    let folder = root().join("target/fuzz").join(target.name);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in input {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let path = folder.join(format!("{hash:016x}"));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    let kept = kept.map_or_else(|error| error.to_string(), |()| path.display().to_string());
    let short: String = broken.chars().take(2000).collect();
    Err(format!("{}: {short}\n  input: {kept}", target.name))
}

fn chosen() -> Vec<Target> {
    let wanted: Option<String> = setting("BOARDSYNC_FUZZ_TARGET");
    let is_wanted = |target: &&Target| match &wanted {
        Some(names) => names.split(',').any(|name| name == target.name),
        None => true,
    };
    let chosen: Vec<Target> = TARGETS.iter().filter(is_wanted).copied().collect();
    assert!(!chosen.is_empty(), "no target is called {wanted:?}");
    chosen
}

/// Figures of one target.
struct Tally {
    name: &'static str,
    executions: u64,
    busy: Duration,
    slowest: Duration,
    broken: Vec<String>,
}

fn fuzz(target: &Target, seed: u64, seconds: Option<u64>) -> Tally {
    let corpus = seeds(target);
    let mut tally = Tally {
        name: target.name,
        executions: 0,
        busy: Duration::ZERO,
        slowest: Duration::ZERO,
        broken: Vec::new(),
    };
    let began = Instant::now();
    let over = |done: u64| match seconds {
        Some(seconds) => began.elapsed().as_secs() >= seconds,
        None => done >= target.executions,
    };
    // A few broken inputs show the fault as well as a thousand.
    while !over(tally.executions) && tally.broken.len() < 5 {
        // Each input has its own generator, so that it depends on nothing but seed, target and number.
        let mut rng = Rng::with_seed(seed ^ tally.executions.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let input = mutate::input(&mut rng, target.shape, &corpus);
        tally.executions += 1;
        match run(target, &input) {
            Ok(took) => tally.slowest = tally.slowest.max(took),
            Err(broken) => tally.broken.push(broken),
        }
    }
    tally.busy = began.elapsed();
    tally
}

fn report(tallies: &[Tally]) {
    println!(
        "{:<16} {:>12} {:>9} {:>12}",
        "target", "executions", "hours", "slowest"
    );
    for tally in tallies {
        let hours = tally.busy.as_secs_f64() / 3600.0;
        let slowest = tally.slowest.as_secs_f64() * 1000.0;
        println!(
            "{:<16} {:>12} {hours:>9.4} {slowest:>9.1} ms",
            tally.name, tally.executions
        );
    }
    let executions: u64 = tallies.iter().map(|tally| tally.executions).sum();
    let hours: f64 = tallies
        .iter()
        .map(|tally| tally.busy.as_secs_f64() / 3600.0)
        .sum();
    println!("{:<16} {executions:>12} {hours:>9.4}", "all");
}

fn assert_whole(broken: Vec<String>) {
    assert!(
        broken.is_empty(),
        "{} inputs:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn every_target_has_a_corpus_and_survives_it() {
    let mut broken = Vec::new();
    for target in chosen() {
        let corpus = files(&format!("corpus/{}", target.name));
        assert!(corpus.len() >= 5, "{}: {} files", target.name, corpus.len());
        let results = corpus.iter().map(|(path, input)| {
            run(&target, input).map_err(|why| format!("{}: {why}", path.display()))
        });
        broken.extend(results.filter_map(Result::err));
    }
    assert_whole(broken);
}

#[test]
fn every_corpus_folder_belongs_to_a_target() {
    let folders = fs::read_dir(root().join("tests/corpus")).expect("there is a corpus");
    for folder in folders.flatten() {
        let name = folder.file_name().into_string().unwrap_or_default();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name}");
    }
}

/// Inputs that nobody wants in a repository: very deep, very long, very many.
fn large(shape: Shape) -> Vec<Vec<u8>> {
    let deep = 10_000;
    let long = 64 << 10;
    let texts = match shape {
        Shape::Json => vec![
            "[".repeat(deep),
            "{\"a\":".repeat(deep),
            format!("{}{}", "[".repeat(100), "]".repeat(100)),
            format!(r#"{{"id":{}}}"#, "9".repeat(long)),
            format!(r#"{{"message":"{}","err":"x"}}"#, "word ".repeat(long / 5)),
            format!(r#"{{"value":[{}null]}}"#, "null,".repeat(long / 5)),
            format!(r#"{{"tasks":[{}{{}}]}}"#, "{},".repeat(long / 3)),
        ],
        Shape::Text => vec![
            "x".repeat(long),
            "<div>".repeat(deep),
            "<b><i>".repeat(deep / 4),
            "> ".repeat(deep),
            "- ".repeat(deep / 4),
            "[".repeat(deep),
            "*_".repeat(deep / 4),
            "`".repeat(deep),
            "a.b = [".repeat(deep / 4),
            "[[pair]]\n".repeat(200),
            "\u{202e}\u{feff}\0".repeat(deep / 4),
            "one\n\n".repeat(200),
        ],
    };
    texts.into_iter().map(String::into_bytes).collect()
}

#[test]
fn deep_and_long_inputs_end_in_an_answer() {
    let mut broken = Vec::new();
    for target in chosen() {
        let inputs = large(target.shape);
        broken.extend(inputs.iter().filter_map(|input| run(&target, input).err()));
    }
    assert_whole(broken);
}

#[test]
fn bent_inputs_break_no_law() {
    let seed = setting("BOARDSYNC_FUZZ_SEED").unwrap_or(20_240_917);
    let seconds = setting("BOARDSYNC_FUZZ_SECONDS");
    let queue: Mutex<VecDeque<Target>> = Mutex::new(chosen().into());
    let done: Mutex<Vec<Tally>> = Mutex::default();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            // Threads of the size that the product decodes on.
            let worker = std::thread::Builder::new().stack_size(2 << 20);
            let work = || {
                let next = || queue.lock().ok()?.pop_front();
                while let Some(target) = next() {
                    let tally = fuzz(&target, seed, seconds);
                    done.lock().expect("no worker panics").push(tally);
                }
            };
            worker
                .spawn_scoped(scope, work)
                .expect("a thread can be started");
        }
    });
    let mut tallies = done.into_inner().expect("no worker panics");
    tallies.sort_by_key(|tally| tally.name);
    report(&tallies);
    assert_whole(tallies.into_iter().flat_map(|tally| tally.broken).collect());
}

/// A guard for the guard: an input that breaks a law is told, kept and named.
#[test]
fn a_broken_law_is_reported_with_its_input() {
    let broken = Target {
        name: "self_test",
        run: |bytes| assert!(!bytes.contains(&b'!'), "an exclamation mark"),
        shape: Shape::Text,
        executions: 1,
    };
    assert!(run(&broken, b"calm").is_ok());
    let told = run(&broken, b"loud!").expect_err("it is broken");
    assert!(told.starts_with("self_test: an exclamation mark"), "{told}");
    let path = told.rsplit("input: ").next().unwrap_or_default();
    assert_eq!(fs::read(path).ok().as_deref(), Some(&b"loud!"[..]));
}
