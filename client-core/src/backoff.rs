//! How long to wait before the next attempt: doubling, with jitter, up to a limit.

use crate::rng::Rng;
use crate::time::Duration;

/// Doubles the wait with each failure in a row (CN9).
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
    rng: Rng,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration, rng: Rng) -> Self {
        Self { first, max, failures: 0, rng }
    }

    /// How long to wait after this many failures, for things that count their own.
    pub(crate) fn wait_after(&mut self, failures: u32) -> Duration {
        self.failures = failures;
        self.next_wait()
    }

    /// Counts a failure and says how long to wait: `first * 2^failures`, capped at `max`, of which up to a fifth
    /// is taken off or added at random, so that many clients do not come back in step.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let base = u64::try_from(doubled.min(self.max).as_micros()).unwrap_or(u64::MAX);
        let spread = base / 5;
        let jittered =
            (base - spread).saturating_add(self.rng.below(spread.saturating_mul(2).saturating_add(1)));
        Duration::from_micros(jittered)
    }

    /// The longest wait, but for jitter.
    pub(crate) const fn max(&self) -> Duration {
        self.max
    }

    /// How many failures there were in a row.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked: the next wait is the first one again.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_within_a_fifth() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1), Rng::new(3));
        for expected in [50_u64, 100, 200, 400, 800, 1_000, 1_000, 1_000] {
            let wait = backoff.next_wait().as_micros();
            let expected = u128::from(expected) * 1_000;
            assert!((expected * 4 / 5..=expected * 6 / 5).contains(&wait), "{wait} is not about {expected}");
        }
        assert_eq!(backoff.failures(), 8);
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(60));
    }

    #[test]
    fn extreme_settings_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX, Rng::new(3));
        for _ in 0..100 {
            backoff.next_wait();
        }
        let mut zero = Backoff::new(Duration::ZERO, Duration::ZERO, Rng::new(3));
        assert_eq!(zero.next_wait(), Duration::ZERO);
    }
}
