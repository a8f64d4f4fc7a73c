//! How a connection keeps silent because its broker asks it to (KIP-219).
//!
//! A broker whose quota is used up answers at once, says how long it will not read from the connection, and does not read from it.
//! A client that goes on writing gains nothing and fills buffers, so it waits. What is in flight stays there.

use super::{Connection, Settings};
use crate::cx::{Cx, Effect};
use crate::io::Timer;
use crate::time::{Duration, Instant};

impl Connection {
    /// A reply has asked for so long a silence.
    pub(super) fn obey_throttle(&mut self, time: Duration, cx: &mut Cx) {
        if time.is_zero() {
            return;
        }
        let time = time.min(THROTTLE_MAX);
        // The broker reads what was sent behind that request so much later: the time is not the reply's fault.
        for request in &mut self.in_flight {
            request.timeout = request.timeout.saturating_add(time);
        }
        let until = cx.now + time;
        let before = self.throttle_timer.at();
        if before.is_none_or(|at| at < until) {
            self.throttle_timer.arm(Timer::Throttle(self.broker), until, cx);
        }
        if before.is_none() {
            cx.effect(Effect::Throttled { broker: self.broker, until });
        }
    }

    /// The silence may be over.
    pub(super) fn end_throttle(&mut self, settings: &Settings, cx: &mut Cx) {
        if self.throttle_timer.fire(Timer::Throttle(self.broker), cx) {
            cx.effect(Effect::Ready);
            self.check_node(settings, cx);
            self.send_queued(settings, cx);
        }
    }

    /// Whether nothing may be sent for a while.
    pub(crate) fn is_throttled(&self, now: Instant) -> bool {
        self.throttle_timer.at().is_some_and(|at| at > now)
    }

    /// Until when nothing is sent.
    pub(crate) const fn throttled_until(&self) -> Option<Instant> {
        self.throttle_timer.at()
    }
}

/// The longest silence that is kept. Brokers measure quotas over seconds, ask for at most as long, and every wait has to have an end.
const THROTTLE_MAX: Duration = Duration::from_secs(3_600);
