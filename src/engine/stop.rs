//! How a running process is asked to end.
//!
//! Two steps, so that nothing is left in doubt: from the first moment on nothing new is written, while the write in hand
//! gets its answer and is recorded. Who asks (a signal, a test) is not the engine's business.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Whether a stop file is there. The name alone counts, so a link that points nowhere stops as well. What cannot be looked for
/// counts as there: to stand still is the safe mistake.
pub fn stop_file_stands(path: &Path) -> bool {
    let absent = path
        .symlink_metadata()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    !absent
}

/// Shared between the engine and who may ask it to end. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct StopSwitch {
    asked: CancellationToken,
    writing: Arc<AtomicBool>,
}

impl StopSwitch {
    /// Asks: from now on no write begins. May be called again.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Returns once somebody has asked.
    pub async fn wait(&self) {
        self.asked.cancelled().await;
    }

    /// Whether a plan is being carried out, so that a write may be in hand. `false`: everything under way is a read, which
    /// may be dropped.
    pub fn is_writing(&self) -> bool {
        self.writing.load(Ordering::SeqCst)
    }

    /// Says that a plan is being carried out until the guard is dropped. Ask whether to end only after this: then either
    /// the engine sees the question, or who asks sees the engine at work.
    pub(super) fn begin(&self) -> Writing {
        self.writing.store(true, Ordering::SeqCst);
        Writing(self.writing.clone())
    }
}

/// A plan is being carried out.
pub(super) struct Writing(Arc<AtomicBool>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
