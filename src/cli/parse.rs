//! From the words of a command line to a command, and what is said where they are none.

use super::{Cli, ExitCode};
use clap::{CommandFactory, Parser, ValueHint};

/// Returns the parser, for generating manual pages and completions.
pub fn command() -> clap::Command {
    names_are_no_files(Cli::command())
}

/// Files are what a shell completes where it isn't told otherwise, also behind `--pair`.
fn names_are_no_files(command: clap::Command) -> clap::Command {
    let told = |arg: clap::Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    command.mut_args(told).mut_subcommands(names_are_no_files)
}

/// Arguments that are no command to run: help and version, or wrong usage. The message was printed for people already, unless
/// they are to be quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// `Done` for help and version, else `Usage`.
    pub code: ExitCode,
    /// What is wrong; one line that nobody has printed yet where `--quiet` was typed. Empty for help and version.
    pub message: String,
    /// Whether it was printed for people already.
    pub told: bool,
    /// Whether it is to be said as JSON too.
    pub for_json: bool,
}

/// Parses the process's arguments. Help, version and wrong usage come back as an error, after clap's message was printed.
pub fn parse() -> Result<Cli, Unparsed> {
    parse_from(std::env::args_os())
}

/// Parses the given arguments (the first is the program's name); see [`parse`].
pub fn parse_from<I, T>(args: I) -> Result<Cli, Unparsed>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
    let json = args.iter().any(|argument| argument == "--json");
    let quiet = args.iter().any(is_quiet);
    Cli::try_parse_from(args).map_err(|error| {
        if !error.use_stderr() {
            // A closed pipe while printing help changes nothing about the answer.
            let _ = error.print();
            return Unparsed {
                code: ExitCode::Done,
                message: String::new(),
                told: true,
                for_json: false,
            };
        }
        let text = error.render().to_string();
        let message = match quiet {
            true => one_line(&text),
            false => {
                let _ = error.print();
                text.trim_start_matches("error: ").trim_end().to_owned()
            }
        };
        Unparsed {
            code: ExitCode::Usage,
            message,
            told: !quiet,
            for_json: json,
        }
    })
}

/// Whether an argument asks for quiet, alone or among other short ones. What could not be parsed tells nothing else.
fn is_quiet(argument: &std::ffi::OsString) -> bool {
    let text = argument.to_string_lossy();
    let letters = text.strip_prefix('-').unwrap_or_default();
    let short = letters.contains('q') && letters.chars().all(|letter| "vq".contains(letter));
    short || text == "--quiet"
}

/// The parser's message in one line: what is wrong, its tip, and where help is.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let told: Vec<&str> = told
        .map(|line| line.trim_start_matches("error: "))
        .collect();
    format!("{}; see boardsync --help", told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn wrong_usage_leaves_with_64_and_help_with_0() {
        let code = |args: &[&str]| parse_from(args).err().map(|unparsed| unparsed.code);
        assert_eq!(code(&["boardsync", "bogus"]), Some(ExitCode::Usage));
        assert_eq!(code(&["boardsync"]), Some(ExitCode::Usage));
        assert_eq!(code(&["boardsync", "--version"]), Some(ExitCode::Done));
    }

    #[test]
    fn global_options_stand_before_and_after_the_command() {
        for args in [
            ["boardsync", "--json", "status"],
            ["boardsync", "status", "--json"],
        ] {
            assert!(parse_from(args).unwrap().global.json);
        }
    }

    /// Calls `look` with every command below this one, by its whole name.
    fn each_command(
        above: &str,
        command: &clap::Command,
        look: &mut impl FnMut(&str, &clap::Command),
    ) {
        for inner in command.get_subcommands() {
            let name = format!("{above} {}", inner.get_name());
            look(&name, inner);
            each_command(&name, inner, look);
        }
    }

    #[test]
    fn the_help_of_every_command_has_an_example_of_it_that_can_be_typed() {
        let mut seen = 0;
        each_command("boardsync", &command(), &mut |name, inner| {
            let help = inner.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let typed = help.lines().filter_map(|line| {
                line.trim_start_matches("Example: ")
                    .trim()
                    .strip_prefix("boardsync ")
            });
            let mut examples = 0;
            for line in typed {
                let line = line.split(" > ").next().unwrap();
                // What stands in quotes is one word, whichever.
                let quoted = |(at, part): (usize, &str)| match at % 2 {
                    0 => part.to_owned(),
                    _ => part.replace(' ', "_"),
                };
                let words: String = line.split('"').enumerate().map(quoted).collect();
                let words = std::iter::once("boardsync").chain(words.split_whitespace());
                assert!(parse_from(words).is_ok(), "{name}: {line}");
                examples += usize::from(format!("boardsync {line}").starts_with(name));
            }
            assert!(examples > 0, "{name} has no example of itself: {help}");
            seen += 1;
        });
        assert!(seen > 25, "{seen}");
    }

    #[test]
    fn a_yes_needs_a_single_cycle() {
        assert!(parse_from(["boardsync", "reconcile", "--yes"]).is_err());
        assert!(parse_from(["boardsync", "reconcile", "--once", "--yes"]).is_ok());
    }
}
