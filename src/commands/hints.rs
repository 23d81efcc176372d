//! Commands that a text names, with the options that this call was given.
//!
//! Reasons are kept as values that know nothing of the command line, and say `boardsync plan` in backticks. Followed as it
//! stands, that would work on whatever configuration lies in the default place.

use std::borrow::Cow;
use std::sync::OnceLock;

/// How the program is called in hints where that is not `boardsync` alone.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Has every command in what is said from now on begin like this. Holds for the first call.
pub(super) fn repeat(program: String) {
    let _ = PROGRAM.set(program);
}

/// Has every command in a text begin as [`repeat`] was told.
pub(super) fn with_program(text: &str) -> Cow<'_, str> {
    match PROGRAM.get() {
        Some(program) => called(text, program).into(),
        None => text.into(),
    }
}

/// Example: "`boardsync plan`" becomes "`boardsync --config c.toml plan`". Where a line ends behind the name, the rest of the
/// command is on the next one.
fn called(text: &str, program: &str) -> String {
    const BARE: &str = "`boardsync";
    let mut pieces = text.split(BARE);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let command = piece.trim_start();
        let gap = piece.strip_suffix(command).unwrap_or_default();
        // More blanks than one end the cell of a table.
        let follows = gap == " " || gap.contains('\n');
        match follows && command.starts_with(|c: char| c.is_ascii_lowercase()) {
            true => out.push_str(&format!("`{program}")),
            false => out.push_str(BARE),
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_keeps_the_options_that_the_program_was_called_with() {
        let program = "boardsync --config c.toml";
        for (text, called_so) in [
            (
                "see `boardsync plan`, then `boardsync apply`",
                "see `boardsync --config c.toml plan`, then `boardsync --config c.toml apply`",
            ),
            (
                "`boardsync\n    links add`",
                "`boardsync --config c.toml\n    links add`",
            ),
            (
                "`boardsync --config c.toml plan`",
                "`boardsync --config c.toml plan`",
            ),
            (
                "`boardsync   and another cell",
                "`boardsync   and another cell",
            ),
            ("another boardsync works", "another boardsync works"),
            (
                "`boardsync.db` and `boardsync`",
                "`boardsync.db` and `boardsync`",
            ),
        ] {
            assert_eq!(called(text, program), called_so);
        }
    }
}
