//! `sandbox`: both services as fakes, and a person who acts in them.
//!
//! `sandbox edit` and the like are run beside a running sandbox. They talk to it as any client does, over HTTP and with the
//! token of another user than boardsync's, so what they do is a person's edit in every respect.

mod ado;
mod clickup;
mod custom;

use super::demo::workspace;
use super::{Context, Failure, print, print_json, setup};
use crate::cli::{Board, ExitCode, SandboxArgs, SandboxCommand};
use crate::config::{Config, SecretSource};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::Side;
use crate::render;
use crate::sandbox::ado::AdoConfig;
use crate::sandbox::clickup::config::ClickUpConfig;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::seed;
use crate::sandbox::world::{PROJECT, World, person_file};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Who acts in Azure DevOps, and with which token. It opens a fake on this machine and nothing else.
const ADA: (&str, &str) = ("token-of-ada-in-the-sandbox", "ada@contoso.example");
/// Who acts in ClickUp.
const BO: (&str, i64) = ("pk_1003_BO_IN_THE_SANDBOX", 1003);

/// How long a sandbox of this machine may take to accept a connection.
const LISTENS: Duration = Duration::from_secs(2);

fn failed(what: impl std::fmt::Display) -> Failure {
    Failure::new(ExitCode::Unexpected, format!("sandbox: {what}"))
}

fn usage(what: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Usage, what)
}

/// `sandbox`.
pub async fn sandbox(context: &Context, args: SandboxArgs) -> Result<ExitCode, Failure> {
    let Some(command) = args.command else {
        return serve(context, args.port, args.dir).await;
    };
    if args.port.is_some() || args.dir.is_some() {
        return Err(usage(
            "--port and --dir are for starting a sandbox; name the configuration of a running one with --config",
        ));
    }
    act(context, command).await
}

/// Serves both fakes until it is interrupted.
async fn serve(
    context: &Context,
    port: Option<u16>,
    dir: Option<PathBuf>,
) -> Result<ExitCode, Failure> {
    let ado = AdoConfig {
        others: vec![(ADA.0.to_owned(), ADA.1.to_owned())],
        ..AdoConfig::default()
    };
    let clickup = ClickUpConfig {
        others: vec![(BO.0.to_owned(), BO.1)],
        ..workspace()
    };
    let kept = dir.is_some();
    let folder = match dir {
        Some(dir) => std::path::absolute(dir).map_err(failed)?,
        None => std::env::temp_dir().join(format!("boardsync-sandbox-{}", std::process::id())),
    };
    let (old, config) = (folder.join("boardsync.db"), folder.join("config.toml"));
    let own = folder.join(person_file(Side::Ado)).exists();
    if own && answers(&config).await {
        return Err(usage(format!(
            "a sandbox that runs now uses {}: work in that folder, or end that sandbox first, or name another folder",
            folder.display()
        )));
    }
    if old.exists() {
        return Err(usage(format!(
            "{} belongs to an earlier sandbox, whose items are gone; remove the folder or name another one",
            old.display()
        )));
    }
    // A person's own configuration would be written over.
    if config.exists() && !own {
        return Err(usage(format!(
            "{} is there and is no sandbox's; name a folder that is empty or not there yet",
            config.display()
        )));
    }
    let world = World::start_on(SandboxClock::real(), ado, clickup, port.unwrap_or(0))
        .await
        .map_err(|error| match port {
            Some(port) => failed(format!(
                "port {port} or the one after it on 127.0.0.1 cannot be used ({error}); if another sandbox runs \
                 there, leave out --port to get free ones"
            )),
            None => failed(format!("no port on 127.0.0.1 can be used: {error}")),
        })?;
    seed::ado_board(&world.ado, PROJECT).map_err(|refusal| failed(format!("{refusal:?}")))?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let path = world
        .write_config(&folder, &World::example_with_custom())
        .map_err(failed)?;
    tell(context, &world, &path);
    let _ = tokio::signal::ctrl_c().await;
    if !kept {
        let _ = std::fs::remove_dir_all(&folder);
    }
    Ok(ExitCode::Done)
}

/// Whether something listens where the configuration of a sandbox says that its Azure DevOps is.
async fn answers(config: &Path) -> bool {
    let Ok(config) = setup::config(Some(config)) else {
        return false;
    };
    let Ok(url) = url::Url::parse(&config.ado.url) else {
        return false;
    };
    let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
        return false;
    };
    let connects = tokio::net::TcpStream::connect((host, port));
    matches!(tokio::time::timeout(LISTENS, connects).await, Ok(Ok(_)))
}

fn tell(context: &Context, world: &World, path: &Path) {
    if context.global.json {
        print_json(&json!({
            "format_version": 1, "ado": world.ado_url(), "clickup": world.clickup_url(), "config": path,
        }));
        return;
    }
    let folder = path.parent().unwrap_or(path).display();
    print(&format!(
        "Azure DevOps: {}\nClickUp:      {}\n\nTry, in another terminal:\n  cd {folder}\n  boardsync plan\n  \
         boardsync reconcile --once --yes\n  boardsync sandbox show ADO\n  \
         boardsync sandbox edit ADO 5 title=\"Country list is empty\" severity=\"2 - High\"\n  boardsync plan\n\nEnd with Ctrl-C.\n",
        world.ado_url(),
        world.clickup_url(),
    ));
}

/// What a person typed as `FIELD=VALUE`.
type Changes = Vec<(String, String)>;

fn changes(typed: &[String]) -> Result<Changes, Failure> {
    let change = |text: &String| {
        let (field, value) = text.split_once('=').ok_or_else(|| {
            usage(format!(
                "{text:?} is no FIELD=VALUE, as title=\"Pay by card\""
            ))
        })?;
        let field = field.trim();
        let lower = field.to_lowercase();
        // A name that is none of these is told as it was typed.
        let field = match (
            ado::knows(&lower) || clickup::knows(&lower),
            custom::name(field),
        ) {
            (true, _) => lower,
            (false, Some(name)) => custom::key(name.trim()),
            (false, None) => field.to_owned(),
        };
        Ok((field, value.to_owned()))
    };
    typed.iter().map(change).collect()
}

/// The value of a field that holds a number; `None`: the field holds none. Both boards have four priorities, and their forms
/// offer no other.
fn number(field: &str, value: &str) -> Result<Option<Value>, Failure> {
    match field {
        "priority" => match value.trim().parse::<u8>() {
            Ok(priority @ 1..=4) => Ok(Some(json!(priority))),
            _ => Err(usage(format!(
                "priority={value}: a priority is 1 (urgent), 2 (high), 3 (normal) or 4 (low)"
            ))),
        },
        "points" => match (value.trim().parse::<u64>(), value.trim().parse::<f64>()) {
            (Ok(whole), _) => Ok(Some(json!(whole))),
            (_, Ok(points)) if points.is_finite() && points >= 0.0 => Ok(Some(json!(points))),
            _ => Err(usage(format!(
                "points={value}: points are a number, as points=3"
            ))),
        },
        _ => Ok(None),
    }
}

/// What a service of the sandbox says no to was typed wrong; anything else is no fault of the person.
fn said_no(error: ConnectorError) -> Failure {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Refused => usage(error.to_string()),
        ErrorKind::Auth
        | ErrorKind::Unreachable
        | ErrorKind::Throttled
        | ErrorKind::Ambiguous
        | ErrorKind::Protocol
        | ErrorKind::Stale
        | ErrorKind::Cancelled => error.into(),
    }
}

fn unknown(field: &str, known: &[&str]) -> Failure {
    // Plans say `status` of both sides.
    let state = match field == "status" && known.contains(&"state") {
        true => " (the status of a work item is its state)",
        false => "",
    };
    usage(format!(
        "there is no field \"{field}\" here{state}; known are: {}",
        known.join(", ")
    ))
}

/// Says what was typed and is not there afterwards: a service may take a request and keep nothing of it. `why`: what is known of the
/// reason. `None`: everything is there.
fn not_kept(
    side: Side,
    typed: &Changes,
    shown: &Shown,
    why: impl Fn(&str) -> String,
) -> Option<Failure> {
    let kept = |field: &str| {
        let mut names = shown.fields.keys();
        field == "title" || names.any(|name| name.to_lowercase() == field.to_lowercase())
    };
    let mut lost = typed
        .iter()
        .filter(|(field, value)| !value.trim().is_empty() && !kept(field));
    let (field, value) = lost.next()?;
    Some(usage(format!(
        "{side} took {field}={value} and did not keep it, as the service does: {side} {} has no {field} now{}",
        shown.id,
        why(field)
    )))
}

/// One item, as it is shown: its id, its title, and the other fields by name.
struct Shown {
    id: String,
    title: String,
    fields: Map<String, Value>,
}

async fn act(context: &Context, command: SandboxCommand) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let board = match &command {
        SandboxCommand::Show { board, .. }
        | SandboxCommand::Edit { board, .. }
        | SandboxCommand::Create { board, .. }
        | SandboxCommand::Delete { board, .. } => *board,
    };
    let side = match board {
        Board::Ado => Side::Ado,
        Board::ClickUp => Side::ClickUp,
    };
    let deleted = matches!(command, SandboxCommand::Delete { .. });
    let shown = match side {
        Side::Ado => ado::act(&config, &token(&config, side)?, command).await?,
        Side::ClickUp => clickup::act(&config, &token(&config, side)?, command).await?,
    };
    if context.global.json {
        let items: Vec<Value> = shown
            .iter()
            .map(|item| json!({ "side": side, "id": item.id, "title": item.title, "fields": item.fields }))
            .collect();
        print_json(&json!({ "format_version": 1, "items": items }));
    } else {
        for item in &shown {
            let text = text(side, item);
            print(&match deleted {
                true => format!("deleted {text}"),
                false => text,
            });
        }
    }
    Ok(ExitCode::Done)
}

fn text(side: Side, item: &Shown) -> String {
    let mut text = format!("{side} {}  {}\n", item.id, render::escape(&item.title));
    // Custom fields have longer names than the others.
    let longest = item.fields.iter().map(|(name, _)| name.chars().count());
    let wide = longest.max().unwrap_or_default().max(12);
    let indent = format!("\n{}", " ".repeat(wide + 3));
    for (name, value) in &item.fields {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = value.trim_end().replace('\n', &indent);
        let lines: Vec<String> = value.lines().map(render::escape).collect();
        text.push_str(&format!("  {name:wide$} {}\n", lines.join("\n")));
    }
    text
}

/// The token of the person, which a running sandbox has put beside its configuration. No other configuration has one, and no
/// real service has an address with plain `http`, so none is ever touched.
fn token(config: &Config, side: Side) -> Result<SecretString, Failure> {
    let (url, file) = match side {
        Side::Ado => (&config.ado.url, person_file(side)),
        Side::ClickUp => (&config.clickup.url, person_file(side)),
    };
    let folder = config.base_dir();
    if !url.starts_with("http://") || !folder.join(file).exists() {
        return Err(usage(format!(
            "{} is not the configuration of a sandbox; start one with `boardsync sandbox --dir play` and name its \
             configuration with --config",
            config.path.display()
        )));
    }
    SecretSource::File(file.into())
        .read(&super::env, &folder)
        .map_err(|error| Failure::new(ExitCode::Credentials, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_one_column_beside_a_long_name() {
        let fields = json!({"custom:Severity": "Critical", "status": "to do", "text": "a\nb"});
        let item = Shown {
            id: "86d1".to_owned(),
            title: "One".to_owned(),
            fields: fields.as_object().cloned().unwrap_or_default(),
        };
        let text = text(Side::ClickUp, &item);
        let at = |value: &str| {
            let mut lines = text.lines();
            let line = lines.find(|line| line.ends_with(value)).unwrap_or_default();
            line.len() - value.len()
        };
        let columns = ["Critical", "to do", "a", "b"].map(at);
        assert_eq!(columns, [18; 4], "{text}");
    }
}
