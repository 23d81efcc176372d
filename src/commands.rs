//! One function per subcommand. The only place that names both connectors.

mod backup;
mod check;
mod claims;
pub mod customs;
mod cycle;
mod demo;
mod doctor;
mod hints;
mod inspect;
mod pager;
mod prompt;
pub mod rules;
mod sandbox;
pub mod saved;
pub mod setup;
mod signals;
mod survey;
pub mod types;
mod undo;
mod verify;
mod when;

use crate::cli::{Cli, ColorWhen, Command, ConflictsCommand, ExitCode, LinksCommand, LogFormat};
use crate::config::ConfigErrors;
use crate::connector::{ConnectorError, ErrorKind};
use crate::engine::CycleError;
use crate::render::Style;
use crate::store::{Holder, LockError, StoreError};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Level;

/// What a command needs of its surroundings.
pub struct Context {
    /// What was typed for every command alike.
    pub global: crate::cli::Global,
    /// How to write for the reader at hand.
    pub style: Style,
}

impl Context {
    /// How the program is to be called so that it finds what this call found: hints say so.
    pub(crate) fn program(&self) -> String {
        match &self.global.config {
            None => "boardsync".to_owned(),
            Some(path) => format!("boardsync --config {}", typed(&path.to_string_lossy())),
        }
    }
}

/// A failed command: the message for people and the exit code that goes with it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: ExitCode,
    /// What went wrong, already rendered, with what to do about it.
    pub message: String,
    /// For `--json`: the single problems of a configuration, each with its place. Empty for every other failure.
    pub problems: Vec<Value>,
    /// The same in one line, for `--quiet`; `None`: the lines of the message, one behind the other.
    pub brief: Option<String>,
}

impl Failure {
    /// Builds a failure from a message.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            problems: Vec::new(),
            brief: None,
        }
    }

    /// Returns this failure with another one named below it. Whoever mends the first need not run into the second.
    fn and(mut self, other: &Failure) -> Failure {
        let below = other.message.trim_start_matches("error: ");
        self.message = format!("{}\nerror: {below}", self.message);
        self
    }

    /// Returns the failure as a JSON result.
    fn json(&self) -> Value {
        json!({
            "format_version": 1,
            "error": { "exit_code": self.code.number(), "message": self.message, "problems": self.problems },
        })
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Failure {
            problems: errors
                .places()
                .into_iter()
                .map(|(place, problem)| {
                    json!({
                        "file": place.file, "line": place.line, "column": place.column,
                        "what": problem.what, "help": problem.help,
                    })
                })
                .collect(),
            brief: Some(errors.brief()),
            ..Failure::new(ExitCode::Config, errors.render(false).trim_end())
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::new(ExitCode::Unexpected, chain(&error))
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let text = when::in_words(&chain(&error));
        match error {
            LockError::Io { .. } => Failure::new(ExitCode::Unexpected, text),
            LockError::Held { holder, .. } => Failure::new(
                ExitCode::Locked,
                format!("{text}\nhelp: {}", way_in(&holder)),
            ),
        }
    }
}

/// What to do about a state that another process has open: a command ends by itself, a daemon does not.
fn way_in(holder: &Holder) -> String {
    if !holder.is_daemon() {
        return "only one process writes at a time: let it finish, then run this again".to_owned();
    }
    let stop = match holder.pid {
        Some(pid) => format!("`kill {pid}`, or `systemctl stop boardsync` where systemd runs it"),
        None => "`systemctl stop boardsync` where systemd runs it".to_owned(),
    };
    format!(
        "only one process writes at a time, and a daemon never ends by itself: stop it first ({stop}), run this again, then \
         start it. What only shows (status, plan, why, log, the list of conflicts) works beside it"
    )
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        let mut message = error.to_string();
        if let Some(hint) = error.hint() {
            message.push_str("\nhelp: ");
            message.push_str(hint);
        }
        Failure::new(exit_code(&error), message)
    }
}

impl From<CycleError> for Failure {
    fn from(error: CycleError) -> Self {
        match error {
            CycleError::Connector(error) => error.into(),
            CycleError::Store(error) => error.into(),
            CycleError::Paused { .. } => Failure::new(ExitCode::Unavailable, error.to_string()),
            CycleError::Backup(_) => Failure::new(ExitCode::Unexpected, chain(&error)),
            CycleError::Interrupted(_) => Failure::new(ExitCode::Unexpected, error.to_string()),
        }
    }
}

/// Returns the exit code that an error of a service stands for.
fn exit_code(error: &ConnectorError) -> ExitCode {
    if error.pair.is_some() || error.setting.is_some() {
        return ExitCode::Config;
    }
    match error.kind {
        ErrorKind::Auth => ExitCode::Credentials,
        ErrorKind::Unreachable
        | ErrorKind::Throttled
        | ErrorKind::Ambiguous
        | ErrorKind::Protocol => ExitCode::Unavailable,
        ErrorKind::Cancelled => ExitCode::Done,
        ErrorKind::Stale | ErrorKind::NotFound | ErrorKind::Refused => ExitCode::Unexpected,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Reads an environment variable; unset and not Unicode are both `None`.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The columns that text is broken to; `None`: nobody reads along, and every line stays whole, for whoever greps in it.
static COLUMNS: OnceLock<Option<usize>> = OnceLock::new();

/// Breaks text to the columns, where somebody reads it on a terminal.
fn to_columns(text: Cow<'_, str>, terminal: bool) -> Cow<'_, str> {
    let columns = COLUMNS.get().copied().flatten();
    match columns.filter(|_| terminal || env("COLUMNS").is_some()) {
        Some(columns) => crate::render::folded(&text, "boardsync ", columns).into(),
        None => text,
    }
}

/// Writes a result for people to stdout. A closed pipe ends the output, not the work.
pub(crate) fn print(text: &str) {
    let text = hints::with_program(text);
    // Before a line is broken: half a credential is not recognised any more.
    let text = crate::redact::mask(&text);
    let text = to_columns(text, std::io::stdout().is_terminal());
    print_raw(&text);
}

/// Writes to stdout what a program may read: its lines stay as they are.
fn print_raw(text: &str) {
    let text = crate::redact::mask(text);
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// Whether anything was said on stderr beside the log.
static SAID: AtomicBool = AtomicBool::new(false);

/// Whether stderr is a log of JSON objects, so that everything there is one.
static JSON_LOG: AtomicBool = AtomicBool::new(false);

/// Writes an error, or a note that `--quiet` has to be asked about first, to stderr.
pub(crate) fn note(text: &str) {
    SAID.store(true, Ordering::Relaxed);
    let text = hints::with_program(text);
    let text = crate::redact::mask(&text);
    let grave = ["error", "stopped"]
        .iter()
        .any(|word| text.starts_with(word))
        || has_a_place(&text);
    // A question waits for its answer on the same line; programs are asked nothing.
    let json = JSON_LOG.load(Ordering::Relaxed) && text.ends_with('\n');
    let text = match (json, crate::telemetry::to_journal()) {
        (true, _) => {
            let level = if grave { Level::ERROR } else { Level::INFO };
            crate::telemetry::said(level, text.trim_start_matches("error: ")).into()
        }
        (false, true) => crate::telemetry::prioritised(&text, if grave { 3 } else { 5 }).into(),
        (false, false) => to_columns(text, std::io::stderr().is_terminal()),
    };
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Whether a JSON result was printed. A failure after it goes to stderr alone: stdout holds one JSON text.
static PRINTED_JSON: AtomicBool = AtomicBool::new(false);

/// Writes a JSON result to stdout, indented, with a final line break. Line by line: the first plan of a large board is
/// never there as one text.
pub(crate) fn print_json(value: &(impl serde::Serialize + ?Sized)) {
    PRINTED_JSON.store(true, Ordering::Relaxed);
    let mut lines = Lines::new(|text: &str| {
        print_raw(text);
        Ok(())
    });
    let _ = serde_json::to_writer_pretty(&mut lines, value);
    let _ = lines.flush();
    print_raw("\n");
}

/// Hands on what is written to it a few whole lines at a time, with what could steer a terminal escaped. A line of
/// indented JSON holds a value whole, so that a credential in it is never cut in two.
struct Lines<F> {
    held: Vec<u8>,
    take: F,
}

impl<F: FnMut(&str) -> std::io::Result<()>> Lines<F> {
    const ENOUGH: usize = 64 << 10;

    fn new(take: F) -> Self {
        Lines {
            held: Vec::new(),
            take,
        }
    }

    fn hand_on(&mut self) -> std::io::Result<()> {
        let text = crate::render::escape_json(&String::from_utf8_lossy(&self.held));
        self.held.clear();
        (self.take)(&text)
    }
}

impl<F: FnMut(&str) -> std::io::Result<()>> Write for Lines<F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.held.extend_from_slice(bytes);
        // The line breaks are those between values; in a value they are escaped.
        if self.held.len() >= Self::ENOUGH
            && bytes.contains(&b'\n')
            && let Some(end) = self.held.iter().rposition(|b| *b == b'\n')
        {
            let rest = self.held.split_off(end + 1);
            self.hand_on()?;
            self.held = rest;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.hand_on()
    }
}

/// Columns that are reckoned with at least: in fewer nothing can be read.
const LEAST: usize = 40;

fn style(global: &crate::cli::Global) -> Style {
    let terminal = std::io::stdout().is_terminal();
    let no_color = env("NO_COLOR").is_some_and(|value| !value.is_empty());
    let (colour, choice) = match global.color {
        ColorWhen::Always => (true, anstream::ColorChoice::AlwaysAnsi),
        ColorWhen::Never => (false, anstream::ColorChoice::Never),
        ColorWhen::Auto => (
            terminal && !no_color && !global.json,
            anstream::ColorChoice::Auto,
        ),
    };
    choice.write_global();
    // Who sets the variable wants just that, also where nothing is a terminal.
    let columns = env("COLUMNS").and_then(|text| text.parse().ok());
    let columns = columns.or_else(pager::columns);
    let known = columns.map(|columns: usize| columns.max(LEAST));
    let _ = COLUMNS.set(known);
    Style {
        colour,
        width: known.unwrap_or(80),
        words: when::in_words,
    }
}

/// Has panics from now on told without credentials: their messages may quote anything.
pub fn tame_panics() {
    std::panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed").to_owned();
        note(&format!(
            "thread '{name}' {info}\nThis is a defect of boardsync; please report it.\n"
        ));
    }));
}

/// Says wrong usage as JSON too, where that was asked for. Returns the exit code.
pub fn unparsed(unparsed: crate::cli::Unparsed) -> ExitCode {
    if !unparsed.told {
        note(&format!("error: {}\n", unparsed.message));
    }
    if unparsed.for_json {
        print_json(&Failure::new(unparsed.code, unparsed.message).json());
    }
    unparsed.code
}

/// Runs what was typed.
pub async fn run(cli: Cli) -> ExitCode {
    tame_panics();
    let context = Context {
        style: style(&cli.global),
        global: cli.global,
    };
    // A sandbox has a configuration of its own, and so has the demo.
    let own = matches!(&cli.command, Command::Sandbox(_) | Command::Demo(_));
    if context.global.config.is_some() && !own {
        hints::repeat(context.program());
    }
    let daemon = matches!(&cli.command, Command::Reconcile(args) if !args.once);
    log(&context.global, daemon);
    let result = match cli.command {
        Command::Demo(_) | Command::Completions(_) | Command::Man(_) if context.global.json => {
            Err(Failure::new(
                ExitCode::Usage,
                "this command has no JSON form: leave out --json",
            ))
        }
        Command::Reconcile(args) => cycle::reconcile(&context, args).await,
        Command::Plan(args) => cycle::plan(&context, args).await,
        Command::Apply(args) => cycle::apply(&context, args).await,
        Command::Check(args) => check::check(&context, args.offline).await,
        Command::Status => inspect::status(&context),
        Command::Why(args) => inspect::why(&context, &args.item).await,
        Command::History(args) => inspect::history(&context, &args),
        Command::Log(args) => inspect::log(&context, &args),
        Command::Conflicts(args) => match args.command {
            None => inspect::conflicts(&context, &args.which),
            Some(ConflictsCommand::List(which)) => inspect::conflicts(&context, &which),
            Some(ConflictsCommand::Show { id }) => inspect::conflict(&context, id),
            Some(ConflictsCommand::Resolve { id, take, file, .. }) => match take {
                Some(take) => inspect::resolve(&context, id, take, file.as_deref()).await,
                None => inspect::withdraw_choice(&context, id),
            },
        },
        Command::Links(args) => match args.command.unwrap_or(LinksCommand::List) {
            LinksCommand::List => inspect::links(&context),
            LinksCommand::Add {
                pair,
                work_item,
                task,
            } => inspect::link(&context, &pair, &work_item, &task).await,
            LinksCommand::Remove { items, pair } => {
                inspect::unlink(&context, &items, pair.as_deref())
            }
            LinksCommand::Takeover { pair } => inspect::takeover(&context, &pair).await,
        },
        Command::Verify(args) => verify::verify(&context, args).await,
        Command::Undo(args) => undo::undo(&context, args).await,
        Command::Backup(args) => backup::backup(&context, &args),
        Command::Doctor(args) => doctor::doctor(&context, &args).await,
        Command::Completions(args) => {
            let mut out = Vec::new();
            clap_complete::generate(
                args.shell,
                &mut crate::cli::command(),
                "boardsync",
                &mut out,
            );
            print_raw(&String::from_utf8_lossy(&out));
            Ok(ExitCode::Done)
        }
        Command::Man(args) => manual(&args.dir),
        Command::Sandbox(args) => sandbox::sandbox(&context, args).await,
        Command::Demo(args) => demo::demo(&context, args).await,
    };
    let code = match result {
        Ok(code) => code,
        Err(failure) => {
            if context.global.json && !PRINTED_JSON.load(Ordering::Relaxed) {
                print_json(&failure.json());
            }
            match failure.brief.filter(|_| context.global.quiet) {
                Some(brief) => note(&format!("{brief}\n")),
                None => error(&context, failure.message.trim_start_matches("error: ")),
            }
            failure.code
        }
    };
    // Cron mails what is on stderr, so something must be there whenever somebody has to look.
    if context.global.quiet && code != ExitCode::Done && !SAID.load(Ordering::Relaxed) {
        note(&format!("exit code {}: {}\n", code.number(), code.reason()));
    }
    code
}

/// Writes the manual pages into a folder.
fn manual(folder: &std::path::Path) -> Result<ExitCode, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            ExitCode::Unexpected,
            format!("cannot write to {}: {error}", folder.display()),
        )
    };
    for (name, page) in crate::cli::man::all().map_err(failed)? {
        std::fs::write(folder.join(name), page).map_err(failed)?;
    }
    Ok(ExitCode::Done)
}

/// A word as a shell wants it typed.
pub(crate) fn typed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", crate::render::escape(word).replace('\'', "'\\''")),
    }
}

/// A command to type after this one: with the same configuration.
pub(crate) fn next(context: &Context, command: &str) -> String {
    format!("{} {command}", context.program())
}

/// Says what went wrong and what helps, with `--quiet` in one line.
pub(crate) fn error(context: &Context, message: &str) {
    let message = match context.global.quiet {
        true => {
            let lines = message
                .lines()
                .map(|line| line.trim_start_matches("help: ").trim());
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            lines.join("; ")
        }
        false => message.to_owned(),
    };
    // A problem of the configuration begins with its place, and has the word behind that.
    match has_a_place(&message) {
        true => note(&format!("{message}\n")),
        false => note(&format!("error: {message}\n")),
    }
}

/// Whether a message begins as `config.toml:4:1: error: unknown key`.
fn has_a_place(message: &str) -> bool {
    let line = message.lines().next().unwrap_or_default();
    line.contains(": error: ")
}

/// Starts the log: what is said of libraries below a warning is noise, and with `--quiet` that as well.
fn log(global: &crate::cli::Global, daemon: bool) {
    let level = match (global.quiet, global.verbose, daemon) {
        (true, _, _) => "error",
        (false, 0, false) => "warn",
        (false, 0, true) | (false, 1, _) => "info",
        (false, 2, _) => "debug",
        (false, _, _) => "trace",
    };
    let others = if global.quiet { "error" } else { "warn" };
    let again = if daemon { level } else { "off" };
    let level = format!(
        "{others},boardsync={level},{}={again}",
        crate::telemetry::SAID_AGAIN
    );
    let json = match global.log {
        Some(format) => format == LogFormat::Json,
        None => daemon && global.json,
    };
    JSON_LOG.store(json, Ordering::Relaxed);
    crate::telemetry::init(Some(&level), json, std::io::stderr().is_terminal());
}
