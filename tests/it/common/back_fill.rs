//! Back-fills, killed half-way and gone on with.

use crate::common::instance::Instance;
use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::{CycleError, Scope};
use boardsync::sandbox::world::World;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

impl Instance {
    pub async fn cycle(&self) -> Result<Report, CycleError> {
        self.cycle_of(&Scope::default()).await
    }

    /// Runs one cycle and consents to a first plan.
    pub async fn cycle_of(&self, scope: &Scope) -> Result<Report, CycleError> {
        let mut yes = Consent {
            first_contact: true,
            ..Consent::default()
        };
        let writers = &self.services.writers;
        let ended = self.engine.cycle(writers, scope, &mut yes).await?;
        let report = ended.report.unwrap();
        assert!(report.stopped.is_empty(), "{:?}", report.stopped);
        assert!(report.closed.is_empty(), "{:?}", report.closed);
        Ok(report)
    }
}

/// Gives every work item its task. The first process is killed after the create number `kill` (0: never).
pub async fn back_fill(world: &World, config: &Path, kill: usize) -> Instance {
    let mut instance = Instance::open(config).await;
    if kill > 0 {
        let creates = AtomicUsize::new(0);
        instance.engine.interrupt = Some(Arc::new(move |point| {
            point == "after-create" && creates.fetch_add(1, Ordering::SeqCst) + 1 == kill
        }));
        let end = instance.cycle().await;
        assert!(matches!(end, Err(CycleError::Interrupted(_))), "{end:?}");
        drop(instance);
        assert_eq!(world.clickup.all_ids().len(), kill);
        instance = Instance::open(config).await;
    }
    let report = instance.cycle().await.unwrap();
    assert_eq!(report.failures(), 0);
    instance
}
