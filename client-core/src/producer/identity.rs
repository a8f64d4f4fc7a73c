//! The producer's id and epoch: asked for on start, and again when a partition's numbers are out of step.

use super::queue::ProducerId;
use crate::backoff::Backoff;
use crate::broker_error::broker_error;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target, TimerSlot};
use crate::error::Error;
use crate::io::Timer;
use crate::protocol::{InitProducerIdRequest, Request, Response};
use crate::time::{Duration, Instant};
use alloc::string::ToString;

/// The producer's id and epoch.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    current: Option<ProducerId>,
    in_flight: bool,
    /// The number of the last request.
    number: u64,
    retry_timer: TimerSlot,
    backoff: Backoff,
    request_timeout: Duration,
}

impl Identity {
    pub(crate) fn new(backoff: Backoff, request_timeout: Duration) -> Self {
        Self {
            current: None,
            in_flight: false,
            number: 0,
            retry_timer: TimerSlot::default(),
            backoff,
            request_timeout,
        }
    }

    /// Begins anew: the id of an earlier start is not used again.
    pub(crate) fn begin(&mut self, cx: &mut Cx) {
        self.end(cx);
        self.request(cx);
    }

    /// The client stops.
    pub(crate) fn end(&mut self, cx: &mut Cx) {
        self.current = None;
        self.in_flight = false;
        self.backoff.reset();
        self.retry_timer.cancel(Timer::ProducerIdRetry, cx);
    }

    /// Makes another identity for a partition that has to number anew. `is_refused`: its broker refused even the first number under
    /// the current one.
    ///
    /// The same id with the next epoch is better than another id, and needs no broker: once a partition has seen it, what is still
    /// on its way under an older epoch is refused there (KIP-360). Under another id it would be taken.
    pub(crate) fn renew(&mut self, is_refused: bool, cx: &mut Cx) {
        match &mut self.current {
            Some(ProducerId { epoch, .. }) if !is_refused && *epoch < i16::MAX => *epoch += 1,
            Some(_) | None => self.request(cx),
        }
    }

    /// Asks for another id, unless that is under way.
    fn request(&mut self, cx: &mut Cx) {
        if self.in_flight || self.retry_timer.at().is_some() {
            return;
        }
        self.in_flight = true;
        self.number += 1;
        let body = Request::InitProducerId(InitProducerIdRequest {
            transactional_id: None,
            // Not used without a transactional id, but brokers check that it is positive.
            transaction_timeout_ms: 60_000,
            ..Default::default()
        });
        cx.effect(Effect::Request(Outgoing {
            owner: Owner::ProducerId(self.number),
            target: Target::Any,
            body,
            timeout: self.request_timeout,
            until: None,
            expects_reply: true,
        }));
    }

    /// The end of the request with this number.
    pub(crate) fn handle_reply(&mut self, number: u64, result: Result<Response, Error>, cx: &mut Cx) {
        if !self.in_flight || number != self.number {
            return;
        }
        self.in_flight = false;
        let error = match result {
            Ok(Response::InitProducerId(response)) if response.error_code == 0 => {
                self.current = Some(ProducerId { id: response.producer_id, epoch: response.producer_epoch });
                self.backoff.reset();
                cx.effect(Effect::StartProgress { result: Ok(()) });
                return;
            }
            Ok(Response::InitProducerId(response)) => {
                broker_error(response.error_code, "InitProducerId".to_string())
            }
            Ok(_) => Error::Internal("InitProducerId was answered with something else".into()),
            Err(error) => error,
        };
        if matches!(error, Error::Connection { .. }) {
            // The next broker is asked at once; each broker has its own wait before it is tried again. Which failures of
            // connections end a start is decided where all of them are known, not here.
            self.request(cx);
            return;
        }
        if !error.retriable() {
            cx.effect(Effect::StartProgress { result: Err(error) });
        }
        // A started client goes on asking even then: whoever runs the cluster may change their mind.
        let at = cx.now + self.backoff.next_wait();
        self.retry_timer.arm(Timer::ProducerIdRetry, at, cx);
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        if self.retry_timer.fire(Timer::ProducerIdRetry, cx) {
            self.request(cx);
        }
    }

    pub(crate) const fn current(&self) -> Option<ProducerId> {
        self.current
    }

    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry_timer.at()
    }
}
