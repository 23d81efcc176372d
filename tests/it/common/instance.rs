//! One process of the product: its own clients and so its own limiter, the database on disk.

use boardsync::commands::Failure;
use boardsync::commands::setup::{self, Services};
use boardsync::engine::Engine;
use boardsync::store::StateLock;
use std::path::Path;
use tokio_util::sync::CancellationToken;

pub struct Instance {
    pub engine: Engine,
    pub services: Services,
    _lock: StateLock,
}

impl Instance {
    /// Starts it from a configuration file.
    pub async fn open(config: &Path) -> Instance {
        let config = setup::config(Some(config)).unwrap_or_else(die);
        let services = setup::connect(&config, &CancellationToken::new()).unwrap_or_else(die);
        let (lock, store, key) = setup::open_state(&config).unwrap_or_else(die);
        let engine = setup::engine(&config, &services, store, key).await;
        Instance {
            engine: engine.unwrap_or_else(die),
            services,
            _lock: lock,
        }
    }
}

fn die<T>(failure: Failure) -> T {
    panic!("{}", failure.message)
}
