//! Both fakes side by side, with the configuration that reaches them.

use super::ado::{AdoConfig, AdoSandbox};
use super::clickup::{ClickUpConfig, ClickUpSandbox};
use super::clock::SandboxClock;
use super::faults::Faults;
use super::ledger::Ledger;
use super::{Running, serve_on};
use boardsync_core::model::{Side, Sided};
use std::io;
use std::path::Path;

/// List in which the example workspace's first pair creates its tasks.
pub const LIST: &str = "901100000001";
/// Project of the example organisation.
pub const PROJECT: &str = "Shop";

/// Name of the file beside the configuration with the token of a person who is not boardsync.
pub fn person_file(side: Side) -> &'static str {
    match side {
        Side::Ado => "person.ado.token",
        Side::ClickUp => "person.clickup.token",
    }
}

/// Two services on loopback, until this is dropped.
pub struct World {
    /// The fake Azure DevOps.
    pub ado: AdoSandbox,
    /// The fake ClickUp.
    pub clickup: ClickUpSandbox,
    /// Every request that either has seen.
    pub ledger: Ledger,
    /// Faults that either can be told to show.
    pub faults: Faults,
    /// The time that both live in.
    pub clock: SandboxClock,
    ado_token: String,
    clickup_token: String,
    /// Of the first person besides boardsync who has a token in a service.
    person_tokens: Sided<Option<String>>,
    workspace: String,
    org: String,
    servers: [Running; 2],
}

impl World {
    /// Starts the example organisation and workspace on free ports.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(clock: SandboxClock) -> io::Result<World> {
        World::start_on(clock, AdoConfig::default(), ClickUpConfig::example(), 0).await
    }

    /// Starts the given organisation and workspace; Azure DevOps on `port`, ClickUp on the next one (0: free ports).
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start_on(
        clock: SandboxClock,
        ado: AdoConfig,
        clickup: ClickUpConfig,
        port: u16,
    ) -> io::Result<World> {
        let (ledger, faults) = (Ledger::default(), Faults::default());
        let (ado_token, org) = (ado.pat.clone(), ado.org.clone());
        let (clickup_token, workspace) = (clickup.token.clone(), clickup.workspace.clone());
        let person_tokens = Sided {
            ado: ado.others.first().map(|(token, _)| token.clone()),
            clickup: clickup.others.first().map(|(token, _)| token.clone()),
        };
        let ado = AdoSandbox::new(clock.clone(), ledger.clone(), faults.clone(), ado);
        let clickup = ClickUpSandbox::new(clock.clone(), ledger.clone(), faults.clone(), clickup);
        let next = if port == 0 { 0 } else { port.saturating_add(1) };
        let servers = [
            serve_on(ado.router(), port).await?,
            serve_on(clickup.router(), next).await?,
        ];
        Ok(World {
            ado,
            clickup,
            ledger,
            faults,
            clock,
            ado_token,
            clickup_token,
            person_tokens,
            workspace,
            org,
            servers,
        })
    }

    /// Returns the address of the organisation.
    pub fn ado_url(&self) -> String {
        let [ado, _] = &self.servers;
        format!("{}/{}", ado.url, self.org)
    }

    /// Returns the address of the ClickUp API.
    pub fn clickup_url(&self) -> &str {
        let [_, clickup] = &self.servers;
        &clickup.url
    }

    /// Returns everything of a configuration but the pairs. The tokens are read from two files beside it.
    pub fn config_head(&self) -> String {
        format!(
            "[state]\npath = \"boardsync.db\"\n\n[ado]\nurl = \"{}\"\npat = {{ file = \"ado.token\" }}\nrequests_per_second = 200\n\n\
             [clickup]\nurl = \"{}\"\nworkspace = \"{}\"\ntoken = {{ file = \"clickup.token\" }}\nrequests_per_minute = 10000\n",
            self.ado_url(),
            self.clickup_url(),
            self.workspace
        )
    }

    /// Returns the example pair.
    pub fn example_pair() -> String {
        format!(
            "[[pair]]\nname = \"web\"\nado.project = \"{PROJECT}\"\nclickup.list = \"{LIST}\"\n\
             ado.where = \"[System.WorkItemType] IN ('User Story','Task','Bug')\"\n\
             types = [[\"User Story\", \"Task\"], [\"Task\", \"Task\"], [\"Bug\", \"Bug\"]]\n\
             states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Resolved\", \"in review\"], [\"Closed\", \"complete\"]]\n\
             people = [[\"ada@contoso.example\", \"ada@example.com\"], [\"grace@contoso.example\", \"bo@example.com\"]]\n"
        )
    }

    /// The same with a custom field, the severity of bugs.
    pub fn example_with_custom() -> String {
        format!(
            "{}\n[[pair.field]]\nado = \"Microsoft.VSTS.Common.Severity\"\nclickup = \"custom:Severity\"\n\
             values = [[\"1 - Critical\", \"Critical\"], [\"2 - High\", \"Critical\"], [\"3 - Medium\", \"Minor\"], [\"4 - Low\", \"Minor\"]]\n",
            World::example_pair()
        )
    }

    /// Writes a configuration and the token files (0600; those of people as well, where they have one) into `folder` and returns the configuration's path.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_config(&self, folder: &Path, pairs: &str) -> io::Result<std::path::PathBuf> {
        secret_file(&folder.join("ado.token"), &self.ado_token)?;
        secret_file(&folder.join("clickup.token"), &self.clickup_token)?;
        for side in Side::BOTH {
            if let Some(token) = self.person_tokens.get(side) {
                secret_file(&folder.join(person_file(side)), token)?;
            }
        }
        let path = folder.join("config.toml");
        std::fs::write(&path, format!("{}\n{pairs}", self.config_head()))?;
        Ok(path)
    }
}

fn secret_file(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
