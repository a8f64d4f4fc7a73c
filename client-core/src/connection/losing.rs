//! How a connection ends: what fails, in which order, and when it comes back.

use super::{Connection, ConnectionState, InFlight, Settings};
use crate::cx::{Cx, Effect, Owner};
use crate::error::{CloseReason, Error, LossCause};
use crate::io::{Event, Output, Status, Timer};
use crate::protocol::Response;
use crate::time::Duration;
use crate::trace::TraceKind;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

impl Connection {
    /// Closes from this side because of a failure, and plans the next attempt.
    pub(super) fn give_up(&mut self, reason: CloseReason, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        cx.outputs.push_back(Output::Close { connection, reason: reason.clone() });
        self.lose(LossCause::Local(reason), settings, cx);
    }

    /// Closes what is open and fails what waits; an attempt that has failed keeps the next one waiting (CN9).
    pub(super) fn give_back(&mut self, reason: CloseReason, cx: &mut Cx) {
        if self.state == ConnectionState::BackingOff {
            self.wanted = false;
            self.drop_everything(&LossCause::Local(reason), cx);
            self.queue_timer.cancel(Timer::Queued(self.broker), cx);
        } else {
            self.close(reason, cx);
        }
    }

    pub(super) fn lose(&mut self, cause: LossCause, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        let text = cause.to_string();
        self.transition(ConnectionState::Disconnected, &text, cx);
        self.drop_everything(&cause, cx);
        self.cancel_timers(cx);
        let error = Error::Connection { connection, address: self.address.to_string(), cause };
        cx.effect(Effect::Lost { connection, error: error.clone() });
        let refused = error.authentication().is_some();
        if refused {
            // Credentials do not get better by being sent again, and some servers lock accounts: only a request that needs the broker
            // tries them once more, and waits ten times as long as for a broker that is away.
            self.wanted = false;
        }
        let wait = self.next_wait(settings, cx);
        let wait = if refused { wait.saturating_mul(10).max(settings.reconnect_backoff_max) } else { wait };
        self.transition(ConnectionState::BackingOff, &text, cx);
        let next_attempt = cx.now + wait;
        self.reconnect_timer.arm(Timer::Reconnect(self.broker), next_attempt, cx);
        let attempt = self.backoff.failures();
        cx.event(Event::Status(Status::Reconnecting {
            broker: self.broker,
            attempt,
            next_attempt,
            cause: error,
        }));
    }

    /// How long to wait before the next attempt. A connection that has served for a while may come back at once; one that
    /// is lost soon after each success goes on waiting longer, or a peer that accepts and closes would be hammered.
    pub(super) fn next_wait(&mut self, settings: &Settings, cx: &Cx) -> Duration {
        let served = self.ready_since.take().map(|since| cx.now.since(since));
        if served.is_some_and(|served| served >= settings.reconnect_backoff_max) {
            self.backoff.reset();
            return Duration::ZERO;
        }
        self.backoff.next_wait()
    }

    /// Fails what is in flight, throws the receive buffer away, then fails what is queued. In this order (CN7).
    pub(super) fn drop_everything(&mut self, cause: &LossCause, cx: &mut Cx) {
        let connection = self.id();
        self.versions.clear();
        self.authentication = None;
        self.session_ends = None;
        #[cfg(feature = "exhibits")]
        let keeps_in_flight = self.defect == Some(crate::config::Defect::KeepInFlight);
        #[cfg(not(feature = "exhibits"))]
        let keeps_in_flight = false;
        let failed: Vec<InFlight> =
            if keeps_in_flight { Vec::new() } else { self.in_flight.drain(..).collect() };
        for request in &failed {
            cx.trace(|| TraceKind::RequestFailed {
                connection,
                api: request.api.name(),
                correlation_id: request.correlation_id,
                cause: cause.clone(),
            });
        }
        #[cfg(feature = "exhibits")]
        let keeps_buffer = self.defect == Some(crate::config::Defect::KeepReceiveBuffer);
        #[cfg(not(feature = "exhibits"))]
        let keeps_buffer = false;
        let discarded = if keeps_buffer { 0 } else { self.decoder.clear() };
        if discarded > 0 {
            cx.counters.bytes_discarded += discarded as u64;
            cx.trace(|| TraceKind::BytesDiscarded { connection, count: discarded });
        }
        let error = Error::Connection { connection, address: self.address.to_string(), cause: cause.clone() };
        for request in failed {
            self.answer(request.owner, Err(error.clone()), cx);
        }
        for queued in core::mem::take(&mut self.queued) {
            self.answer(queued.outgoing.owner, Err(error.clone()), cx);
        }
    }

    pub(super) fn expire_queued(&mut self, cx: &mut Cx) {
        let now = cx.now;
        let (late, in_time): (Vec<_>, Vec<_>) =
            self.queued.drain(..).partition(|queued| queued.deadline <= now);
        self.queued = in_time.into();
        for queued in late {
            let error = Error::Timeout {
                what: format!("waiting for a connection to {}", self.address).into(),
                after: queued.outgoing.timeout,
                cause: None,
            };
            self.answer(queued.outgoing.owner, Err(error), cx);
        }
    }

    /// Brings the end of a request to its owner. The connection's own requests end with the connection.
    pub(super) fn answer(&self, owner: Owner, result: Result<Response, Error>, cx: &mut Cx) {
        if owner != Owner::Connection {
            cx.effect(Effect::Reply { owner, result });
        }
    }
}
