//! The terminal: how wide it is, whether it follows links, and a pager for what does not fit on it.

use super::{Context, env, print};
use crate::cli::PageArgs;
use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

/// Returns how many columns the terminal on stdout has; `None`: it is none, or does not say.
#[cfg(unix)]
pub(super) fn columns() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stdout).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Returns how many columns the terminal on stdout has; `None`: nobody knows.
#[cfg(not(unix))]
pub(super) fn columns() -> Option<usize> {
    None
}

/// Whether the terminal on stdout is known to make a link of an address behind a text (OSC 8). One that is not may print
/// the address in the middle of the text.
pub(super) fn follows_links() -> bool {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let among =
        |name: &str, known: &[&str]| env(name).is_some_and(|value| known.contains(&value.as_str()));
    // VTE since 0.50: the terminals of GNOME, Xfce and others.
    let vte = env("VTE_VERSION").and_then(|text| text.parse::<u32>().ok());
    std::io::stdout().is_terminal()
        && (vte.is_some_and(|version| version >= 5_000)
            || set("WT_SESSION")
            || set("KONSOLE_VERSION")
            || among(
                "TERM_PROGRAM",
                &["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper"],
            )
            || among(
                "TERM",
                &["xterm-kitty", "alacritty", "foot", "xterm-ghostty"],
            ))
}

/// Prints a text; where that helps, through a pager. Never where stdout is no terminal.
pub(super) fn page(context: &Context, args: &PageArgs, text: &str) {
    let wanted = !args.no_pager && !context.global.json && std::io::stdout().is_terminal();
    let dumb = env("TERM").is_some_and(|term| term == "dumb");
    if !wanted || dumb || !through(text) {
        print(text);
    }
}

/// Hands the text to the pager. Returns whether there was one that took it.
fn through(text: &str) -> bool {
    let pager = env("PAGER").unwrap_or_else(|| "less".to_owned());
    if pager.trim().is_empty() || pager.trim() == "cat" {
        return false;
    }
    let mut command = Command::new("sh");
    command.arg("-c").arg(&pager).stdin(Stdio::piped());
    if env("LESS").is_none() {
        // What fits on one screen is left on it, and colours are shown.
        command.env("LESS", "FRX");
    }
    // Ctrl-C is the pager's: it goes on reading there, and this program must not end under it.
    #[cfg(unix)]
    let _kept = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let text = super::hints::with_program(text);
    let text = crate::redact::mask(&text);
    if let Some(mut to) = child.stdin.take() {
        // Whoever leaves the pager early has read enough.
        let _ = to.write_all(text.as_bytes());
    }
    // 127 is the shell's word for a program that is not there.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
