//! The program in a pseudo-terminal, as a person has it.

use super::bench::Bench;
use rexpect::process::WaitStatus;
use rexpect::session::PtySession;
use std::process::{Command, Stdio};

/// A command that runs in a terminal of its own. What it prints is read as it comes.
pub struct Terminal(PtySession);

impl Terminal {
    pub fn run(bench: &Bench, args: &[&str]) -> Terminal {
        Terminal::start(bench.command(args))
    }

    pub fn start(mut command: Command) -> Terminal {
        command
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        Terminal(rexpect::session::spawn_command(command, Some(30_000)).unwrap())
    }

    /// Types without pressing Enter.
    pub fn types(&mut self, keys: &str) {
        self.0.send(keys).unwrap();
        self.0.flush().unwrap();
    }

    pub fn enters(&mut self, line: &str) {
        self.0.send_line(line).unwrap();
    }

    pub fn ctrl_c(&mut self) {
        self.0.send_control('c').unwrap();
    }

    /// Reads until the text comes, and returns what came before it.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        let what = |error| panic!("{text:?} did not come: {error}");
        self.0.exp_string(text).unwrap_or_else(what)
    }

    /// Reads to the end. Returns the exit code and the rest of what was printed.
    #[track_caller]
    pub fn ends(&mut self) -> (i32, String) {
        let rest = self.0.exp_eof().unwrap();
        match self.0.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, rest),
            other => panic!("{other:?}\n{rest}"),
        }
    }

    #[track_caller]
    pub fn ends_with(&mut self, code: i32) -> String {
        let (left, rest) = self.ends();
        assert_eq!(left, code, "{rest}");
        rest
    }
}
