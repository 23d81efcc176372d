//! The command line as types: what may be typed, what it means, and with which code the program leaves.
//!
//! No logic beyond parsing. The manual pages and the shell completions are generated from these types, so a help
//! text is written once.

mod conflicts;
mod exit;
pub mod man;
mod parse;
mod sandbox;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub use conflicts::{ConflictsArgs, ConflictsCommand, Take, WhichConflicts};
use exit::STATUS_LONG;
pub use exit::{EXIT_CODES, ExitCode};
pub use parse::{Unparsed, command, parse, parse_from};
pub use sandbox::{Board, SandboxArgs, SandboxCommand};
use std::path::PathBuf;

const UNDO_LONG: &str = "\
A field goes back to what it was only where it still holds what was written; an edit made since stays. The plan is \
shown first. An undo is a run of its own in the journal, so it can be undone.

Where the two sides differ in a field afterwards, that is an open conflict: nothing is written to the field until somebody \
edits it on one side or settles the conflict (boardsync conflicts). Where both were taken back and agree, nothing is open.

Items that were created stay and are named, unless --delete-created is given and nobody has worked on them. Of an item, \
the creation of its counterpart is named where nothing else was written. Deleted work items come back out of the recycle bin; \
ClickUp's API cannot restore a task, so those are only named. What formatting a long text had is not in the journal.

Exit codes: 0 done, 3 something stays as it is or a conflict is open now (the output says what and why), 4 not confirmed; the others as in \
boardsync --help.";

/// Also in README.md; tests/process/playing.rs runs it line by line.
const SANDBOX_EXAMPLE: &str = "\
Example, in one terminal:
  boardsync sandbox --dir play
and in another one:
  cd play
  boardsync reconcile --once --yes
  boardsync sandbox edit ADO 5 title=\"Country list is empty\" priority=2
  boardsync sandbox edit ClickUp \"Validate postcodes\" status=\"in progress\"
  boardsync plan
  boardsync reconcile --once
  boardsync sandbox show ClickUp \"Country list is empty\"
  boardsync history 5";

/// Keeps Azure DevOps Boards work items and ClickUp tasks equal, in both directions, by polling.
#[derive(Clone, Debug, Parser)]
#[command(name = "boardsync", version, after_long_help = EXIT_CODES, disable_help_subcommand = true)]
#[command(after_help = "Start with: boardsync demo    (no account needed)")]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Configuration file [default: ./config.toml, then the user's and the system's places]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the result as JSON with a format_version
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
    /// Log more; -vv logs every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say on stderr only why the exit code is not 0, in one line; the result on stdout stays
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// How the log on stderr is written [default: text; json for a daemon with --json]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line of text for each event, its fields behind it as `name=value`.
    Text,
    /// A JSON object for each event.
    Json,
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Sync on schedule until stopped; with --once, a single cycle
    #[command(after_help = "Example: boardsync reconcile --once --pair web", after_long_help = EXIT_CODES)]
    Reconcile(ReconcileArgs),
    /// Show what one cycle would change, and write nothing
    #[command(after_help = "Example: boardsync plan --out first.plan", after_long_help = EXIT_CODES)]
    Plan(PlanArgs),
    /// Carry out exactly a saved plan; what moved since is left out
    ///
    /// Without FILE the present plan is shown, and a typed yes carries it out. A pair that a guard stops is let through
    /// only by typing the hash that its plan shows; a saved plan passes the guards for exactly what it holds.
    #[command(after_help = "Example: boardsync apply first.plan", after_long_help = EXIT_CODES)]
    Apply(ApplyArgs),
    /// Report every problem of the configuration, the live services and the tokens' rights
    #[command(after_help = "Example: boardsync check --offline", after_long_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Show what runs, how the last cycle ended, and per pair when it was last equal and what is open
    #[command(after_help = "Example: boardsync status --json", after_long_help = STATUS_LONG)]
    Status,
    /// Show per field what was agreed last, what both sides hold now, and the decision
    #[command(after_help = "Example: boardsync why 123")]
    Why(ItemArgs),
    /// Show everything that runs did to an item, oldest first, and what was done to its links by hand
    #[command(after_help = "Example: boardsync history 86d3f01jq")]
    History(HistoryArgs),
    /// Show what the last runs did, newest first, or one run, action or link in full
    ///
    /// Told is what was written, as the service answered it, with the reason; what was refused or had no answer is named as
    /// that. A cycle that found nothing to do is listed too, as "nothing written".
    #[command(after_help = "Example: boardsync log c1763742662000")]
    Log(LogArgs),
    /// List, show and settle fields that were changed on both sides
    #[command(after_help = "Example: boardsync conflicts resolve 7 --take clickup")]
    Conflicts(ConflictsArgs),
    /// List, add and remove pairings of a work item with a task
    #[command(after_help = "Example: boardsync links add web 123 86d3f01jq")]
    Links(LinksArgs),
    /// Compare both sides in full with each other and with what they last agreed on; write nothing
    #[command(after_help = "Example: boardsync verify --pair web", after_long_help = EXIT_CODES)]
    Verify(VerifyArgs),
    /// Take back what a run wrote, or everything that was written to one item
    #[command(
        after_help = "Example: boardsync undo c1763742662000\nWithout an argument the last runs are listed.",
        after_long_help = UNDO_LONG
    )]
    Undo(UndoArgs),
    /// Copy the state to a file, also while the daemon runs
    #[command(after_help = "Example: boardsync backup /var/backups/boardsync.db", after_long_help = EXIT_CODES)]
    Backup(BackupArgs),
    /// Examine the state, its key and the markers on the items
    #[command(after_help = "Example: boardsync doctor --offline", after_long_help = EXIT_CODES)]
    Doctor(DoctorArgs),
    /// Run two fake services on this machine, and act in them as a person would
    ///
    /// Without a command it serves an Azure DevOps and a ClickUp on 127.0.0.1, with a few items on a board, until Ctrl-C, and
    /// writes a configuration that reaches them. The commands are for another terminal: they show and change items of the
    /// running sandbox, not as boardsync but as Ada (Azure DevOps) or Bo (ClickUp), as they would in a browser.
    #[command(after_help = SANDBOX_EXAMPLE)]
    Sandbox(SandboxArgs),
    /// Watch the real engine at work between two fake services; takes seconds
    #[command(after_help = "Example: boardsync demo")]
    Demo(DemoArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example: boardsync completions bash > /etc/bash_completion.d/boardsync"
    )]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    #[command(after_help = "Example: boardsync man /usr/local/share/man/man1")]
    Man(ManArgs),
}

/// Arguments of `reconcile`.
#[derive(Args, Clone, Debug, Default)]
pub struct ReconcileArgs {
    /// Run one cycle and leave
    #[arg(long)]
    pub once: bool,
    /// Show the plan and write nothing; with --once, the same as `plan`
    #[arg(long, requires = "once")]
    pub dry_run: bool,
    /// Read both sides in full instead of what changed
    #[arg(long)]
    pub full: bool,
    /// Only this pair; may be repeated
    #[arg(long, value_name = "NAME")]
    pub pair: Vec<String>,
    /// Answer yes to a pair's first plan, or to its changed scope or mapping; passes no guard of a pair that ran before
    #[arg(long, requires = "once")]
    pub yes: bool,
    /// Let through exactly the plan with this hash (the stopped plan names it), past its guard
    #[arg(long, value_name = "HASH", requires = "once")]
    pub approve: Option<String>,
    /// Try at once what waits after failures, quarantined items included
    #[arg(long, requires = "once", conflicts_with = "dry_run")]
    pub retry: bool,
    /// Look and plan only, in every cycle; hold nothing that could write
    #[arg(long, conflicts_with_all = ["yes", "approve", "retry"])]
    pub read_only: bool,
    /// Leave with 2 when changes are pending
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
}

/// How much of a long result is shown, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct PageArgs {
    /// Show everything; else a long list ends with a count of the rest
    #[arg(long)]
    pub all: bool,
    /// Print at once, not through a pager; a pager ($PAGER, else less) is used on a terminal only
    #[arg(long)]
    pub no_pager: bool,
}

/// How a plan is shown.
#[derive(Args, Clone, Debug, Default)]
pub struct ShowArgs {
    /// Show where each item is: as links in terminals that follow them, else as text
    #[arg(long)]
    pub links: bool,
    /// How much.
    #[command(flatten)]
    pub page: PageArgs,
}

/// What to do with a plan beside making one.
#[derive(Clone, Debug, Subcommand)]
pub enum PlanCommand {
    /// Show a saved plan; talks to neither service
    #[command(after_help = "Example: boardsync plan show first.plan --all")]
    Show {
        /// Plan saved by `plan --out`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How it is shown.
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// Arguments of `plan`.
#[derive(Args, Clone, Debug, Default)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PlanArgs {
    /// Left out: a plan is made.
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    /// Save the plan for `apply`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Read both sides in full instead of what changed
    #[arg(long)]
    pub full: bool,
    /// Only this pair; may be repeated
    #[arg(long, value_name = "NAME")]
    pub pair: Vec<String>,
    /// Leave with 2 when changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How it is shown.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// Arguments of `apply`.
#[derive(Args, Clone, Debug, Default)]
pub struct ApplyArgs {
    /// Plan saved by `plan --out` [default: plan afresh, show the plan and ask]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Show all of the plan before the question; else a long one ends with a count of the rest
    #[arg(long, conflicts_with = "file")]
    pub all: bool,
}

/// Arguments of `check`.
#[derive(Args, Clone, Debug, Default)]
pub struct CheckArgs {
    /// Read the file only; talk to neither service
    #[arg(long)]
    pub offline: bool,
}

/// Arguments of `verify`.
#[derive(Args, Clone, Debug, Default)]
pub struct VerifyArgs {
    /// Only this pair; may be repeated
    #[arg(long, value_name = "NAME")]
    pub pair: Vec<String>,
}

/// Arguments of `undo`.
#[derive(Args, Clone, Debug, Default)]
pub struct UndoArgs {
    /// Run as `history` shows it, or work item number, task id or either address [default: list the last runs]
    #[arg(value_name = "RUN|ITEM")]
    pub what: Option<String>,
    /// Also move the items that were created to the recycle bin or trash
    #[arg(long, requires = "what")]
    pub delete_created: bool,
    /// Show what would be taken back, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, requires = "what", conflicts_with = "dry_run")]
    pub yes: bool,
    /// Show all of what would be taken back; else a long list ends with a count of the rest
    #[arg(long, requires = "what")]
    pub all: bool,
}

/// Arguments of `backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// Where to; the key that signs markers goes to FILE.key
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug, Default)]
pub struct DoctorArgs {
    /// Look at the files only; talk to neither service
    #[arg(long)]
    pub offline: bool,
}

/// One item.
#[derive(Args, Clone, Debug)]
pub struct ItemArgs {
    /// Work item number, task id or either address
    #[arg(value_name = "ITEM")]
    pub item: String,
}

/// Arguments of `history`.
#[derive(Args, Clone, Debug)]
pub struct HistoryArgs {
    /// Work item number, task id or either address
    #[arg(value_name = "ITEM")]
    pub item: String,
    /// How much.
    #[command(flatten)]
    pub page: PageArgs,
}

/// Arguments of `log`.
#[derive(Args, Clone, Debug, Default)]
pub struct LogArgs {
    /// Run or action to show in full, by its id as it stands in logs, in `history` and here [default: the last runs]
    #[arg(value_name = "RUN|ACTION", conflicts_with = "link")]
    pub what: Option<String>,
    /// Show what was done under the link of this number
    #[arg(long, value_name = "N", conflicts_with = "pair")]
    pub link: Option<i64>,
    /// Only what was done in this pair
    #[arg(long, value_name = "NAME", conflicts_with = "what")]
    pub pair: Option<String>,
    /// So many runs, the newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub last: usize,
    /// How much.
    #[command(flatten)]
    pub page: PageArgs,
}

/// Arguments of `links`.
#[derive(Args, Clone, Debug)]
pub struct LinksArgs {
    /// What to do; `list` when left out.
    #[command(subcommand)]
    pub command: Option<LinksCommand>,
}

/// What to do with links.
#[derive(Clone, Debug, Subcommand)]
pub enum LinksCommand {
    /// List every link
    #[command(after_help = "Example: boardsync links list --json")]
    List,
    /// Link a work item with a task; the next cycle fills what is empty on one side, and what differs becomes a conflict
    #[command(after_help = "Example: boardsync links add web 123 86d3f01jq")]
    Add {
        /// Name of the pair
        #[arg(value_name = "PAIR")]
        pair: String,
        /// Work item number or address
        #[arg(value_name = "WORK_ITEM")]
        work_item: String,
        /// Task id or address
        #[arg(value_name = "TASK")]
        task: String,
    },
    /// Dissolve a link; both items stay, and no cycle links them again
    #[command(
        after_help = "Only the database knows that the two are not to be linked again: should it be lost, their markers link them\n\
                      once more, unless somebody has taken those out.\n\nExamples: boardsync links remove 123 124\n          \
                      boardsync links remove --pair OLD_NAME"
    )]
    Remove {
        /// Work item numbers, task ids or addresses of either
        #[arg(value_name = "ITEM", required_unless_present = "pair")]
        items: Vec<String>,
        /// Dissolve every link of this pair instead, also of one that the configuration no longer has
        #[arg(long, value_name = "PAIR", conflicts_with = "items")]
        pair: Option<String>,
    },
    /// Make a pair this installation's after another one worked on it; stop the other one first
    #[command(after_help = "Example: boardsync links takeover web")]
    Takeover {
        /// Name of the pair
        #[arg(value_name = "PAIR")]
        pair: String,
    },
}

/// Arguments of `demo`.
#[derive(Args, Clone, Debug, Default)]
pub struct DemoArgs {
    /// Keep the database and the config of the demo, and say where
    #[arg(long)]
    pub keep: bool,
}

/// Arguments of `completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Existing folder for the pages
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}
