//! What several parts need, and what is made once: by the first of them, while the others wait for it.

use super::kafka::SharedKafka;
use crate::error::Result;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything that is made once for a run.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) package: Once,
    pub(super) bridge: Once,
    pub(super) playground: Once,
    kafka: Mutex<SharedKafka>,
}

impl Prepared {
    /// The shared Apache Kafka: whoever asks first starts it.
    pub(super) fn kafka(&self) -> MutexGuard<'_, SharedKafka> {
        // A thread that panicked has left a cluster or none: either is worth stopping.
        self.kafka.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is made at most once, unless making it fails: then the next one who needs it tries again.
#[derive(Debug, Default)]
pub(super) struct Once {
    is_made: Mutex<bool>,
}

impl Once {
    pub(super) fn ensure(&self, make: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut is_made = self.is_made.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_made {
            make()?;
            *is_made = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn it_is_made_once_by_whoever_comes_first() {
        let (once, made) = (Once::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let counted = once.ensure(|| {
                        made.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    });
                    assert!(counted.is_ok() && made.load(Ordering::SeqCst) == 1);
                });
            }
        });
    }

    #[test]
    fn what_failed_is_tried_again() {
        let once = Once::default();
        assert!(once.ensure(|| Err(Error::new("no network"))).is_err());
        let mut tries = 0;
        let mut again = || {
            once.ensure(|| {
                tries += 1;
                Ok(())
            })
        };
        assert!(again().is_ok() && again().is_ok());
        assert_eq!(tries, 1);
    }
}
