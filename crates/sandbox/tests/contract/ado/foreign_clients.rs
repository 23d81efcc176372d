//! Microsoft's own clients, unchanged but for the address.

use crate::ado::world::World;
use std::process::{Command, Output};

/// Runs a client's check with the address of a fresh sandbox, the project and the token as its last arguments.
async fn run(mut command: Command) -> Output {
    let world = World::new().await;
    let url = format!("{}/contoso", world.server.url);
    command.args([&url, "Shop", "pat"]);
    let output = tokio::task::spawn_blocking(move || command.output());
    output.await.unwrap().unwrap()
}

fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Needs an interpreter with the packages of `tests/python/requirements.txt`.
#[tokio::test(flavor = "multi_thread")]
async fn microsofts_python_client_works_unchanged() {
    let Ok(python) = std::env::var("BOARDSYNC_PYTHON") else {
        println!(
            "SKIPPED: BOARDSYNC_PYTHON names no interpreter with the package azure-devops; nothing was checked"
        );
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python/ado_client_check.py"
        ))
        .env("AZURE_DEVOPS_CACHE_DIR", cache.path());
    succeeded(&run(command).await);
}

/// Needs `node`, and the package of `tests/node/package.json` installed in some folder.
#[tokio::test(flavor = "multi_thread")]
async fn microsofts_node_client_works_unchanged() {
    let Ok(modules) = std::env::var("BOARDSYNC_NODE_MODULES") else {
        println!(
            "SKIPPED: BOARDSYNC_NODE_MODULES names no folder with the package azure-devops-node-api; nothing was checked"
        );
        return;
    };
    let mut command = Command::new("node");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/node/ado_client_check.js"
        ))
        .env("NODE_PATH", modules);
    succeeded(&run(command).await);
}
