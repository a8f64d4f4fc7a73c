//! The one signal that ends everything.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use tokio::sync::watch;

use crate::close::CloseCause;

/// Clients are asked to come back after this, and up to twice this.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Whether the bridge is stopping.
#[derive(Debug)]
pub(crate) struct Stopping(watch::Sender<bool>);

impl Stopping {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once the bridge is stopping.
    pub(crate) async fn begun(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }

    /// Returns the cause with which sessions end, once they have to.
    pub(crate) async fn session_end(&self) -> CloseCause {
        self.begun().await;
        // Different for each session, so that a thousand clients do not come back in the same moment.
        let random = RandomState::new().build_hasher().finish();
        let jitter_ms = random % u64::try_from(RETRY_AFTER.as_millis()).unwrap_or(1).max(1);
        CloseCause::Restarting { retry_after: RETRY_AFTER + Duration::from_millis(jitter_ms) }
    }
}
