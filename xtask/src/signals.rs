//! Ctrl-C and SIGTERM as a value, so that what was started can be stopped before the program ends.

use crate::error::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Becomes true when somebody wants the program to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// From now on the first SIGINT or SIGTERM sets the flag; the second ends the program at once.
    pub(crate) fn watch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let failed = || format!("cannot watch for signal {signal}");
            // The order counts: the first handler looks at the flag before the second one sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&flag))
                .context(failed)?;
            signal_hook::flag::register(signal, Arc::clone(&flag)).context(failed)?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
