//! One process of the product: its own clients and so its own limiter, the database on disk.

use boardsync::commands::Failure;
use boardsync::commands::setup::{self, Names, Services};
use boardsync::config::Config;
use boardsync::engine::Engine;
use boardsync::store::StateLock;
use std::path::Path;
use tokio_util::sync::CancellationToken;

pub struct Instance {
    pub config: Config,
    pub engine: Engine,
    pub services: Services,
    _lock: StateLock,
}

impl Instance {
    /// Starts it from a configuration file, as the daemon does.
    pub async fn open(config: &Path) -> Instance {
        Instance::start(config, Names::Anew).await
    }

    /// Starts it as `reconcile --once` does, with what is kept of the services' names.
    pub async fn once(config: &Path) -> Instance {
        Instance::start(config, Names::Kept).await
    }

    async fn start(config: &Path, names: Names) -> Instance {
        let config = setup::config(Some(config)).unwrap_or_else(die);
        let services = setup::connect(&config, &CancellationToken::new()).unwrap_or_else(die);
        let (lock, store, key) = setup::open_state(&config).unwrap_or_else(die);
        let engine = setup::engine_with(&config, &services, (store, key), names).await;
        Instance {
            config,
            engine: engine.unwrap_or_else(die),
            services,
            _lock: lock,
        }
    }
}

fn die<T>(failure: Failure) -> T {
    panic!("{}", failure.message)
}
