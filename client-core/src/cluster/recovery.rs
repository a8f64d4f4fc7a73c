//! When to drop what is known of the cluster and ask the configured addresses again (KIP-899, KIP-1102).

use crate::backoff::Backoff;
use crate::config::{Config, MetadataRecovery};
use crate::cx::{Cx, TimerSlot};
use crate::io::{Deadline, Timer};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// When to begin anew.
#[derive(Clone, Debug)]
pub(super) struct Recovery {
    is_on: bool,
    trigger: Duration,
    /// Since when metadata has been asked for without success.
    attempting_since: Option<Instant>,
    timer: TimerSlot,
    /// Beginning anew costs every connection. Where it does not help, as with a broker that is and stays misrouted, it is done less and
    /// less often.
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Recovery {
    pub(super) fn new(config: &Config, rng: &Rng) -> Self {
        let longest = config.rebootstrap_trigger.max(config.retry_backoff_max);
        Self {
            is_on: config.metadata_recovery == MetadataRecovery::Rebootstrap,
            trigger: config.rebootstrap_trigger,
            attempting_since: None,
            timer: TimerSlot::default(),
            backoff: Backoff::new(config.retry_backoff, longest, rng.fork("rebootstrap", 0)),
            not_before: None,
        }
    }

    /// Whether the client recovers by beginning anew at all.
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Metadata is asked for.
    pub(super) const fn attempt(&mut self, now: Instant) {
        if self.attempting_since.is_none() {
            self.attempting_since = Some(now);
        }
    }

    /// It did not come. Known brokers may come back, for so long.
    pub(super) fn fail(&mut self, cx: &mut Cx) {
        if let (true, Some(since), None) = (self.is_on, self.attempting_since, self.timer.at()) {
            let at = (since + self.trigger).max(self.not_before.unwrap_or(Instant::ZERO)).max(cx.now);
            self.timer.arm(Timer::Rebootstrap, at, cx);
        }
    }

    /// It came, or nobody wants it any more.
    pub(super) fn succeed(&mut self, cx: &mut Cx) {
        self.attempting_since = None;
        self.timer.cancel(Timer::Rebootstrap, cx);
    }

    /// Whether it has not come for too long.
    pub(super) fn is_due(&mut self, cx: &mut Cx) -> bool {
        self.timer.fire(Timer::Rebootstrap, cx)
    }

    pub(super) fn may_begin(&self, now: Instant) -> bool {
        self.is_on && self.not_before.is_none_or(|at| at <= now)
    }

    /// The client begins anew.
    pub(super) fn begin(&mut self, cx: &mut Cx) {
        let quiet = |at: Instant| cx.now.since(at) > self.backoff.max();
        if self.not_before.is_some_and(quiet) {
            self.backoff.reset();
        }
        self.not_before = Some(cx.now + self.backoff.next_wait());
        self.succeed(cx);
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.timer.at().map(|at| Deadline { at, why: Timer::Rebootstrap })
    }
}
