//! The commands of the README as they stand there: read from the file, and run with nothing but places, tokens and the
//! addresses of the two services put in their stead.

use super::bench::{ADO_TOKEN, Bench, CLICKUP_TOKEN, end};
use super::terminal::Terminal;
use boardsync::cli::Cli;
use boardsync::sandbox::world::{LIST, PROJECT};
use clap::Parser;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn readme() -> String {
    std::fs::read_to_string("README.md").unwrap()
}

/// The code blocks in one language, without the indentation that a list gives them.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != format!("```{language}") {
            continue;
        }
        let margin = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let inside: Vec<&str> = inside
            .map(|line| line.get(margin..).unwrap_or(""))
            .collect();
        found.push(inside.join("\n"));
    }
    found
}

/// The block that holds a text.
#[track_caller]
fn block_with(language: &str, text: &str) -> String {
    let mut blocks = blocks(language).into_iter();
    blocks.find(|block| block.contains(text)).expect(text)
}

/// The commands of a block, one that goes on in the next line as one, without the remarks behind them.
fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let lines = joined.lines().map(|line| match line.split_once(" #") {
        Some((command, _)) => command.trim().to_owned(),
        None => line.trim().to_owned(),
    });
    lines.filter(|line| !line.is_empty()).collect()
}

/// The configuration of the README, for the services of a bench.
fn configuration(bench: &Bench, tokens: [&str; 2]) -> String {
    let text = block_with("toml", "[ado]");
    let workspace = &bench.world.config_head();
    let workspace = workspace.split("workspace = \"").nth(1).unwrap();
    let workspace = workspace.split('"').next().unwrap();
    let clickup = format!(
        "url = \"{}\"\nworkspace = \"{workspace}\"",
        bench.world.clickup_url()
    );
    let mut text = text;
    for (theirs, ours) in [
        (
            "https://dev.azure.com/contoso",
            bench.world.ado_url().as_str(),
        ),
        ("workspace = \"9012345\"", &clickup),
        ("\"Fabrikam\"", &format!("\"{PROJECT}\"")),
        ("901100200300", LIST),
        ("{ env = \"ADO_PAT\" }", tokens[0]),
        ("{ env = \"CLICKUP_API_TOKEN\" }", tokens[1]),
    ] {
        assert!(text.contains(theirs), "{theirs} is not in\n{text}");
        text = text.replace(theirs, ours);
    }
    text
}

/// A shell in a folder that finds the program under its name.
fn shell(folder: &Path, line: &str) -> Command {
    let program = PathBuf::from(assert_cmd::cargo::cargo_bin!("boardsync"));
    let path = format!(
        "{}:{}:{}",
        folder.join("shims").display(),
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = Command::new("sh");
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .args(["-c", line]);
    command
}

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_command_of_the_readme_is_one() {
    let text = readme();
    let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
    let lines = blocks("sh").into_iter().flat_map(|block| commands(&block));
    let mut tried = 0;
    for line in spans.chain(lines) {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(of) = line.strip_prefix("boardsync ") else {
            continue;
        };
        // What stands for something else.
        let of = of.replace("ado|clickup", "ado").replace("...", "ado");
        let words = super::playing::words(&of);
        let words = words.into_iter().map(|word| match word.as_str() {
            "ID" | "N" => "7".to_owned(),
            "COMMAND" => "status".to_owned(),
            _ => word,
        });
        let words = std::iter::once("boardsync".to_owned()).chain(words);
        if let Err(error) = Cli::try_parse_from(words) {
            let help = clap::error::ErrorKind::DisplayHelp;
            assert_eq!(error.kind(), help, "{line}: {error}");
        }
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_to_a_first_plan_lead_to_one() {
    let bench = Bench::new().await;
    let folder = bench.folder.path();
    for name in ["config.toml", "ado.token", "clickup.token"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let tokens = ["{ env = \"ADO_PAT\" }", "{ env = \"CLICKUP_API_TOKEN\" }"];
    std::fs::write(folder.join("config.toml"), configuration(&bench, tokens)).unwrap();
    let with_tokens = |line: &str| {
        let mut command = shell(folder, line);
        command.env("ADO_PAT", ADO_TOKEN);
        command.env("CLICKUP_API_TOKEN", CLICKUP_TOKEN);
        command
    };
    let steps = commands(&block_with("sh", "first.plan"));
    let (daemon, steps) = steps.split_last().unwrap();
    assert_eq!(daemon, "boardsync reconcile");
    for step in steps {
        let written = bench.world.ledger.writes().len();
        assert!(
            written == 0 || step.contains("apply"),
            "{step} after {written} writes"
        );
        let ran = end(with_tokens(step)).await;
        // The board has people whom the file does not name: they are held, and said.
        match step.contains("apply") {
            true => ran.left_with(3).says("created"),
            false => ran.left_with(0),
        };
    }
    assert!(bench.titles().len() > 2, "{:?}", bench.titles());
    let mut daemon = with_tokens(&format!("exec {daemon}"));
    daemon.stdout(Stdio::null()).stderr(Stdio::null());
    let _daemon = Running(daemon.spawn().unwrap());
    bench.rename(bench.ids[1], "Edited beside the daemon");
    let there = |bench: &Bench| {
        bench
            .titles()
            .contains(&"Edited beside the daemon".to_owned())
    };
    bench.until(there).await;
}

/// Where the README names a place of the whole machine, the same place below a folder.
fn below(root: &Path, text: &str) -> String {
    let mut text = text.to_owned();
    for place in ["/etc/", "/usr/bin/", "/var/lib/"] {
        text = text.replace(place, &format!("{}{place}", root.display()));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cron_line_says_nothing_while_all_is_well() {
    let bench = Bench::equal().await;
    let root = bench.folder.path();
    let etc = root.join("etc/boardsync");
    std::fs::create_dir_all(&etc).unwrap();
    for file in std::fs::read_dir(root).unwrap() {
        let file = file.unwrap();
        if file.path().is_file() {
            std::fs::rename(file.path(), etc.join(file.file_name())).unwrap();
        }
    }
    let line = block_with("cron", "boardsync");
    let command = line.splitn(6, ' ').nth(5).unwrap();
    assert!(command.starts_with("boardsync "), "{command}");
    let run = || end(shell(root, &below(root, command)));
    bench.rename(bench.ids[1], "Edited before cron came");
    let ran = run().await.left_with(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert!(
        bench
            .titles()
            .contains(&"Edited before cron came".to_owned())
    );
    std::fs::remove_file(etc.join("ado.token")).unwrap();
    let ran = run().await.left_with(77);
    assert_eq!(
        (ran.out.as_str(), ran.err.lines().count()),
        ("", 1),
        "{ran:?}"
    );
}

/// What stands in for systemd: it starts what the installed unit says, as that says it, and stops it again. As root the
/// program gets another user, as it does under `DynamicUser=yes`.
const SYSTEMCTL: &str = r#"#!/bin/sh
unit() { sed "s#/usr/bin/#$ROOT/usr/bin/#g; s#/etc/#$ROOT/etc/#g; s#/var/lib/#$ROOT/var/lib/#g" \
  "$ROOT/etc/systemd/system/boardsync.service"; }
of() { unit | sed -n "s/^$1=//p"; }
start() {
  state="$ROOT/var/lib/$(of StateDirectory)" secrets="$ROOT/run/secrets" as=
  mkdir -p "$state" "$secrets"
  of LoadCredential | while IFS=: read -r name path; do install -m 400 "$path" "$secrets/$name" || exit 1; done
  chmod "$(of StateDirectoryMode)" "$state"
  if [ "$(id -u)" = 0 ]; then
    chown -R 65534:65534 "$state" "$secrets"
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
  fi
  cd "$(of WorkingDirectory)" || exit 1
  env -i CREDENTIALS_DIRECTORY="$secrets" $(of Environment) $as $(of ExecStart) </dev/null >>"$ROOT/log" 2>&1 &
  echo $! >"$ROOT/run/pid"
}
case "$*" in
  daemon-reload) ;;
  "enable --now boardsync" | "start boardsync") start ;;
  "stop boardsync")
    pid=$(cat "$ROOT/run/pid"); kill -TERM "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done ;;
  *) echo "what is $*?" >&2; exit 1 ;;
esac
"#;

fn shim(folder: &Path, name: &str, text: &str) {
    let path = folder.join("shims").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Ends the daemon of the shim, whatever became of the test.
struct Daemon(PathBuf);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.join("run/pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systemd_procedure_installs_a_daemon_that_waits_for_a_yes() {
    let bench = Bench::new().await;
    let root = bench.folder.path();
    std::fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
    let tokens = [
        "{ credential = \"ado-pat\" }",
        "{ credential = \"clickup-token\" }",
    ];
    let head = std::fs::read_to_string("systemd/boardsync.service").unwrap();
    for token in tokens {
        assert!(
            head.contains(token),
            "the unit's head tells another configuration"
        );
    }
    std::fs::write(root.join("config.toml"), configuration(&bench, tokens)).unwrap();
    std::fs::write(root.join("ado-pat"), ADO_TOKEN).unwrap();
    std::fs::write(root.join("clickup-token"), CLICKUP_TOKEN).unwrap();
    symlink(
        std::env::current_dir().unwrap().join("systemd"),
        root.join("systemd"),
    )
    .unwrap();
    std::fs::create_dir_all(root.join("target/release")).unwrap();
    let built = assert_cmd::cargo::cargo_bin!("boardsync");
    symlink(built, root.join("target/release/boardsync")).unwrap();
    std::fs::create_dir_all(root.join("etc/systemd/system")).unwrap();
    shim(root, "systemctl", SYSTEMCTL);
    shim(root, "sudo", "#!/bin/sh\nexec \"$@\"\n");
    let _daemon = Daemon(root.to_owned());
    let as_written = |line: &str| {
        let line = below(root, line);
        let mut command = shell(root, &line);
        command.env("ROOT", root);
        command
    };

    let install = commands(&block_with("sh", "daemon-reload"));
    assert_eq!(install[0], "cargo build --release");
    for line in &install[1..] {
        end(as_written(line)).await.left_with(0);
    }
    let etc = root.join("etc/boardsync");
    let mode = |name: &str| std::fs::metadata(etc.join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("ado-pat"), mode("config.toml")), (0o600, 0o644));
    let log = || std::fs::read_to_string(root.join("log")).unwrap_or_default();
    bench.until(|_| log().contains("waits for a yes")).await;
    assert_eq!(bench.titles().len(), 0, "nobody has said yes\n{}", log());

    let answer = commands(&block_with("sh", "systemctl stop"));
    let [stop, apply, start] = answer.as_slice() else {
        panic!("{answer:?}");
    };
    end(as_written(stop)).await.left_with(0);
    let mut asked = Terminal::start(as_written(apply));
    asked.shows("Type yes to go on: ");
    asked.enters("yes");
    // Somebody whom the file does not name is held.
    asked.ends_with(3);
    let made = bench.titles().len();
    assert!(made > 2, "{made}");
    end(as_written(start)).await.left_with(0);
    bench.rename(bench.ids[1], "Edited beside the service");
    let there = |bench: &Bench| {
        bench
            .titles()
            .contains(&"Edited beside the service".to_owned())
    };
    bench.until(there).await;
    let state = root.join("var/lib/boardsync");
    let owner = std::fs::metadata(&state).unwrap().uid();
    for file in std::fs::read_dir(state).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().uid(),
            owner,
            "{}",
            file.path().display()
        );
    }
    end(as_written(stop)).await.left_with(0);
}
