//! The manual pages, made from the command line's own types, so that nothing is described twice.
//!
//! `boardsync(1)` has what holds for all commands: files, environment, signals, exit status. Each command has a page with its
//! options and examples, and the configuration file one that shows it with every key.

use super::EXIT_CODES;

/// What is read and written, beside what a command names.
const FILES: [(&str, &str); 7] = [
    (
        "./config.toml, $XDG_CONFIG_HOME/boardsync/config.toml, ~/.config/boardsync/config.toml, /etc/boardsync/config.toml",
        "The configuration, the first that is there, unless --config names another one. See boardsync.toml(5).",
    ),
    (
        "boardsync.db",
        "The state: links, what both sides agreed on, the journal. Beside the configuration unless [state] path or DATABASE_URL names another place.",
    ),
    (
        "boardsync.db.key",
        "The key that signs the markers on items. Keep a copy: without it a lost state cannot be rebuilt.",
    ),
    (
        "boardsync.db.lock",
        "Locked by the one process that may write, which is named in it. It is left in place.",
    ),
    (
        "boardsync.db.sends",
        "The requests of the last minute, so that all processes together keep to the services' limits.",
    ),
    (
        "boardsync.db.backup-TIME",
        "Copies from before large plans, seven at most. They go with boardsync.db.key, which has no copy beside them.",
    ),
    (
        "boardsync.db.stop",
        "While this file is there, nothing is written to either service.",
    ),
];

const ENVIRONMENT: [(&str, &str); 10] = [
    (
        "ADO_PAT, CLICKUP_API_TOKEN",
        "The tokens, where the configuration says { env = \"...\" } of these names.",
    ),
    (
        "DATABASE_URL",
        "sqlite:///PATH of the state, where the configuration names no [state] path.",
    ),
    (
        "ADO_ORGANIZATION, ADO_PROJECT, ADO_ASSIGNED_TO, CLICKUP_WORKSPACE_ID",
        "Stand in for keys that the configuration leaves out.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Set by systemd: the folder of { credential = \"...\" }.",
    ),
    (
        "LOG_LEVEL",
        "What boardsync logs: error, warn, info, debug, trace. Wins over -v and --quiet.",
    ),
    (
        "RUST_LOG",
        "The same as a filter that may name libraries, as in hyper_util=debug,boardsync=info.",
    ),
    (
        "JOURNAL_STREAM",
        "Set by systemd: log lines get a priority and no time.",
    ),
    (
        "HTTPS_PROXY, NO_PROXY",
        "The proxy to the services, and the hosts that need none.",
    ),
    (
        "NO_COLOR, COLUMNS",
        "No colour; how wide the output may be.",
    ),
    (
        "PAGER, LESS",
        "What long output on a terminal is read with, `less` unless set, and its options. Empty or cat: no pager.",
    ),
];

const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT",
        "The write under way is finished and recorded, and no further one begins: eight seconds at most. A second one ends at once. A daemon leaves with 0.",
    ),
    (
        "SIGHUP",
        "Ends a command as the others do. A daemon goes on; it reads its configuration at its start only.",
    ),
];

/// Returns all pages with the names of their files.
///
/// # Errors
/// When a page cannot be made, which does not happen in memory.
pub fn all() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = super::command().disable_help_subcommand(true);
    root.build();
    let mut all = pages(&root, true)?;
    all.push(("boardsync.toml.5".to_owned(), configuration().into_bytes()));
    Ok(all)
}

/// The pages of a command and of those below it, by file name.
fn pages(command: &clap::Command, whole: bool) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    // Once it is built, a command below another one is called `boardsync-plan` here.
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let mut all = vec![(format!("{name}.1"), page(command, whole)?)];
    for inner in command.get_subcommands() {
        all.extend(pages(inner, false)?);
    }
    Ok(all)
}

fn page(command: &clap::Command, whole: bool) -> std::io::Result<Vec<u8>> {
    let after = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
    let examples = after(command.get_after_help()).unwrap_or_default();
    let long = after(command.get_after_long_help()).unwrap_or_default();
    let bare = command
        .clone()
        .after_help(None::<&str>)
        .after_long_help(None::<&str>);
    let mut page = Vec::new();
    clap_mangen::Man::new(bare).render(&mut page)?;
    let mut more = String::new();
    if !long.is_empty() && !long.starts_with("Exit codes:") {
        prose(&mut more, "NOTES", &long);
    }
    if whole {
        listed(&mut more, "FILES", &FILES);
        listed(&mut more, "ENVIRONMENT", &ENVIRONMENT);
        listed(&mut more, "SIGNALS", &SIGNALS);
    }
    let examples = examples.trim_start_matches("Example: ");
    section(
        &mut more,
        "EXAMPLES",
        examples.trim_start_matches("Example, "),
    );
    match whole {
        true => {
            let codes = EXIT_CODES.trim_start_matches("Exit codes:\n");
            prose(&mut more, "EXIT STATUS", codes);
            section(&mut more, "SEE ALSO", "boardsync.toml(5)");
        }
        false => {
            // A command with codes of its own has them below its long help.
            let own = long.strip_prefix("Exit codes:\n");
            let codes = own.filter(|_| long != EXIT_CODES).unwrap_or(
                "Those of boardsync(1), where files, environment and signals are described as well.",
            );
            prose(&mut more, "EXIT STATUS", codes);
            section(&mut more, "SEE ALSO", "boardsync(1), boardsync.toml(5)");
        }
    }
    page.extend(more.into_bytes());
    Ok(page)
}

/// The configuration file: the commented example is its description.
fn configuration() -> String {
    let mut page = ".TH boardsync.toml 5\n".to_owned();
    section(
        &mut page,
        "NAME",
        "boardsync.toml \u{2013} the configuration of boardsync(1)",
    );
    prose(
        &mut page,
        "DESCRIPTION",
        "A TOML file. This one has every key with its default. `boardsync check` names every problem of a file at once.",
    );
    section(
        &mut page,
        "EXAMPLES",
        include_str!("../../config.toml.example"),
    );
    let (place, what) = FILES[0];
    listed(&mut page, "FILES", &[(place, what)]);
    section(&mut page, "SEE ALSO", "boardsync(1)");
    page
}

/// A section whose lines stay as they are.
fn section(page: &mut String, title: &str, text: &str) {
    page.push_str(&format!(".SH {title:?}\n.nf\n"));
    for line in text.lines() {
        page.push_str(&plain(line));
        page.push('\n');
    }
    page.push_str(".fi\n");
}

/// A section of sentences, which the reader's terminal wraps: a line is a paragraph, and one that starts with a number, as exit
/// codes do, an entry of a list.
fn prose(page: &mut String, title: &str, text: &str) {
    page.push_str(&format!(".SH {title:?}\n"));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let entry = line.split_once("  ");
        match entry.filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit())) {
            Some((number, what)) => {
                page.push_str(&format!(".TP\n{number}\n{}\n", plain(what.trim())));
            }
            None => page.push_str(&format!(".PP\n{}\n", plain(line))),
        }
    }
}

fn listed(page: &mut String, title: &str, rows: &[(&str, &str)]) {
    page.push_str(&format!(".SH {title:?}\n"));
    for (name, what) in rows {
        page.push_str(&format!(".TP\n{}\n{}\n", plain(name), plain(what)));
    }
}

/// A line of text for roff: a backslash is its escape, and a dot or a quote at the start is a request.
fn plain(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_what_its_readers_look_for() {
        let mut seen = 0;
        for (name, page) in all().unwrap() {
            let page = String::from_utf8(page).unwrap();
            let mut sections = vec!["EXAMPLES", "SEE ALSO"];
            match name.as_str() {
                "boardsync.1" => {
                    sections.extend(["FILES", "ENVIRONMENT", "SIGNALS", "EXIT STATUS"])
                }
                "boardsync.toml.5" => sections.push("FILES"),
                _ => sections.push("EXIT STATUS"),
            }
            for section in sections {
                let head = format!(".SH {section:?}");
                let body = page.split_once(&head).map(|(_, rest)| rest.trim_start());
                let body = body.unwrap_or_else(|| panic!("{name}: {section}"));
                assert!(!body.starts_with(".nf\n.fi"), "{name}: {section}");
            }
            seen += 1;
        }
        assert!(seen > 25, "{seen}");
    }

    #[test]
    fn only_what_is_to_be_typed_keeps_its_lines_and_sentences_are_left_to_the_terminal_to_wrap() {
        let mut seen = 0;
        for (name, page) in all().unwrap() {
            let page = String::from_utf8(page).unwrap();
            let kept = page.split(".nf\n").skip(1);
            for kept in kept.map(|rest| rest.split(".fi\n").next().unwrap()) {
                let long = kept.lines().find(|line| line.chars().count() > 150);
                assert_eq!(long, None, "{name}");
                seen += 1;
            }
        }
        assert!(seen > 25, "{seen}");
        let mut page = String::new();
        prose(&mut page, "EXIT STATUS", "   0  done\n\nAll is well.");
        assert_eq!(
            page,
            ".SH \"EXIT STATUS\"\n.TP\n0\ndone\n.PP\nAll is well.\n"
        );
    }

    #[test]
    fn text_is_no_request_of_roff() {
        assert_eq!(plain(".x"), "\\&.x");
        assert_eq!(plain("a\\b --c"), "a\\eb \\-\\-c");
    }
}
