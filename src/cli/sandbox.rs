//! What `sandbox` takes.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `sandbox`.
#[derive(Args, Clone, Debug, Default)]
pub struct SandboxArgs {
    /// Port on 127.0.0.1 for Azure DevOps, the next one is ClickUp's [default: free ones]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Folder for the configuration and the state, made if it is not there. It stays when the sandbox ends, and the items do
    /// not, so a new sandbox needs another folder [default: a temporary one, which goes with the sandbox]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// What to do in a running sandbox; it is started when left out.
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
}

/// What a person does in a running sandbox, which is named by its configuration (`--config`, or `config.toml` of this folder).
#[derive(Clone, Debug, Subcommand)]
pub enum SandboxCommand {
    /// Show an item, or list all
    #[command(after_help = "Example: boardsync sandbox show ADO 5")]
    Show {
        /// Whose item
        #[arg(value_enum, ignore_case = true, value_name = "BOARD")]
        board: Board,
        /// Work item number, task id or whole title [default: list all]
        #[arg(value_name = "ITEM")]
        item: Option<String>,
    },
    /// Change fields of an item
    #[command(
        after_help = "Example: boardsync sandbox edit ADO 5 title=\"Pay by card\" priority=1"
    )]
    Edit {
        /// Whose item
        #[arg(value_enum, ignore_case = true, value_name = "BOARD")]
        board: Board,
        /// Work item number, task id or whole title
        #[arg(value_name = "ITEM")]
        item: String,
        /// What to change: title, description, state (ADO) or status (ClickUp), priority (1 to 4), points; in ADO also type,
        /// tags, assignee, severity; in ClickUp also custom fields, as custom:Severity=Critical
        #[arg(value_name = "FIELD=VALUE", required = true)]
        changes: Vec<String>,
    },
    /// Create an item
    #[command(after_help = "Example: boardsync sandbox create ClickUp title=\"Refund by voucher\"")]
    Create {
        /// Where
        #[arg(value_enum, ignore_case = true, value_name = "BOARD")]
        board: Board,
        /// As for `edit`; in ADO also type [default: User Story]
        #[arg(value_name = "FIELD=VALUE", required = true)]
        changes: Vec<String>,
    },
    /// Delete an item
    #[command(after_help = "Example: boardsync sandbox delete ADO 6")]
    Delete {
        /// Whose item
        #[arg(value_enum, ignore_case = true, value_name = "BOARD")]
        board: Board,
        /// Work item number, task id or whole title
        #[arg(value_name = "ITEM")]
        item: String,
    },
}

/// One of the two services of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// Azure DevOps.
    #[value(name = "ADO")]
    Ado,
    /// ClickUp.
    #[value(name = "ClickUp")]
    ClickUp,
}
