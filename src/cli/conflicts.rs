//! What `conflicts` takes.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `conflicts`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConflictsArgs {
    /// Which ones, where no command is given.
    #[command(flatten)]
    pub which: WhichConflicts,
    /// What to do; `list` when left out.
    #[command(subcommand)]
    pub command: Option<ConflictsCommand>,
}

/// Which conflicts are listed.
#[derive(Args, Clone, Debug, Default)]
pub struct WhichConflicts {
    /// Only open ones, without those that are chosen and not carried out yet
    #[arg(long, conflicts_with = "all")]
    pub open: bool,
    /// Settled ones too
    #[arg(long)]
    pub all: bool,
}

/// What to do with conflicts.
#[derive(Clone, Debug, Subcommand)]
pub enum ConflictsCommand {
    /// List conflicts that are open, or chosen and not carried out yet
    #[command(after_help = "Example: boardsync conflicts list --all")]
    List(WhichConflicts),
    /// Show one conflict with the base and both values
    #[command(after_help = "Example: boardsync conflicts show 7")]
    Show {
        /// Number from the list
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Choose what settles a conflict, or take the choice back; the next cycle carries it out
    ///
    /// Both items are read first: where somebody edited the field since, nothing is chosen. The choice is stored and what it
    /// will write is shown. Until a cycle has carried it out, --withdraw takes it back, and another --take replaces it.
    ///
    /// Only one process writes at a time, so stop a running daemon first and start it again afterwards.
    #[command(
        after_help = "Examples: boardsync conflicts resolve 7 --take merged text.md\n          boardsync conflicts resolve 7 --withdraw"
    )]
    Resolve {
        /// Number from the list
        #[arg(value_name = "ID")]
        id: i64,
        /// Whose value stays; `merged` is for titles and descriptions
        #[arg(
            long,
            value_enum,
            value_name = "VALUE",
            required_unless_present = "withdraw",
            conflicts_with = "withdraw"
        )]
        take: Option<Take>,
        /// Take back a choice that is not carried out yet
        #[arg(long, conflicts_with = "file")]
        withdraw: bool,
        /// With `--take merged`: a file with the text
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Whose value settles a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Take {
    /// The Azure DevOps value.
    Ado,
    /// The ClickUp value.
    #[value(name = "clickup")]
    ClickUp,
    /// A text of one's own.
    Merged,
}
