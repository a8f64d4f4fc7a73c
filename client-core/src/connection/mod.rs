//! One connection to one broker: opens it, agrees on versions, sends requests, matches replies, loses it.
//!
//! A connection is strict about order: replies come in the order of their requests, or it is closed (CN6). What
//! happens on loss has an order, too (CN7): requests in flight fail, first in first out; then the receive buffer
//! is thrown away; then everybody who waits is told; then the next attempt is planned.

mod state;
mod table;

pub use state::{ConnectionState, TRANSITIONS};
pub(crate) use table::Connections;

use crate::backoff::Backoff;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target, TimerSlot};
use crate::edge::is_legal;
use crate::error::{CloseReason, DisconnectCause, Error, LossCause};
use crate::ids::{BrokerId, ConnectionId, NodeId};
use crate::io::{Address, Deadline, Event, Output, Status, Timer};
use crate::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, FrameDecoder, Request, Response, ResponseHeader, VersionRange,
};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::trace::{Machine, TraceKind};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;

/// What all connections of a client share.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) reconnect_backoff: Duration,
    pub(crate) reconnect_backoff_max: Duration,
    pub(crate) max_idle: Duration,
    pub(crate) max_frame_size: usize,
    #[cfg(feature = "exhibits")]
    pub(crate) defect: Option<crate::config::Defect>,
}

/// One connection to one broker, through all its generations.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    broker: BrokerId,
    address: Address,
    node: Option<NodeId>,
    generation: u32,
    state: ConnectionState,
    /// What the last reply to ApiVersions said; empty before Ready.
    versions: BTreeMap<ApiKey, VersionRange>,
    decoder: FrameDecoder,
    next_correlation_id: i32,
    /// Requests that wait for Ready.
    queued: VecDeque<Queued>,
    /// Requests that wait for their replies, oldest first.
    in_flight: VecDeque<InFlight>,
    backoff: Backoff,
    /// Whether to come back by itself after a loss: it has been Ready, and metadata still names it.
    wanted: bool,
    /// Whether to close as soon as nothing is in flight.
    retiring: bool,
    /// Since when it has been Ready.
    ready_since: Option<Instant>,
    connect_timer: TimerSlot,
    request_timer: TimerSlot,
    queue_timer: TimerSlot,
    reconnect_timer: TimerSlot,
    idle_timer: TimerSlot,
}

#[derive(Clone, Debug)]
struct Queued {
    outgoing: Outgoing,
    deadline: Instant,
}

/// A request that waits for its reply.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    owner: Owner,
    pub(crate) api: ApiKey,
    version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) sent_at: Instant,
    timeout: Duration,
}

impl Connection {
    pub(crate) fn new(
        broker: BrokerId,
        address: Address,
        generation: u32,
        settings: &Settings,
        rng: &Rng,
    ) -> Self {
        Self {
            broker,
            address,
            node: None,
            generation,
            state: ConnectionState::Disconnected,
            versions: BTreeMap::new(),
            decoder: FrameDecoder::new(settings.max_frame_size),
            next_correlation_id: 0,
            queued: VecDeque::new(),
            in_flight: VecDeque::new(),
            backoff: Backoff::new(
                settings.reconnect_backoff,
                settings.reconnect_backoff_max,
                rng.fork("reconnect", u64::from(broker.0)),
            ),
            wanted: false,
            retiring: false,
            ready_since: None,
            connect_timer: TimerSlot::default(),
            request_timer: TimerSlot::default(),
            queue_timer: TimerSlot::default(),
            reconnect_timer: TimerSlot::default(),
            idle_timer: TimerSlot::default(),
        }
    }

    // ---- what the world did ----

    pub(crate) fn handle_connected(&mut self, settings: &Settings, cx: &mut Cx) {
        if self.state != ConnectionState::Connecting {
            // A driver that says "connected" twice: harmless, and worth a line in the trace.
            self.reject(ConnectionState::Negotiating, cx);
            return;
        }
        self.transition(ConnectionState::Negotiating, "the transport is open", cx);
        let version = ApiKey::ApiVersions.versions().max;
        self.send_api_versions(version, settings, cx);
    }

    pub(crate) fn handle_received(&mut self, bytes: Bytes, settings: &Settings, cx: &mut Cx) {
        if !matches!(
            self.state,
            ConnectionState::Negotiating | ConnectionState::Authenticating | ConnectionState::Ready
        ) {
            let connection = self.id();
            cx.counters.stale_inputs += 1;
            cx.trace(|| TraceKind::StaleInputIgnored { connection, input: "Received", count: bytes.len() });
            return;
        }
        let count = bytes.len();
        self.decoder.push(bytes);
        let (connection, buffered) = (self.id(), self.decoder.buffered());
        cx.trace(|| TraceKind::BytesReceived { connection, count, buffered });
        while self.state.has_socket() && self.id() == connection {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => {
                    cx.trace(|| TraceKind::FrameTaken { connection, count: frame.len() + 4 });
                    self.handle_frame(frame, settings, cx);
                }
                Ok(None) => break,
                Err(error) => {
                    self.violated(error.to_string(), settings, cx);
                    return;
                }
            }
        }
        self.refresh_timers(settings, cx);
    }

    pub(crate) fn handle_disconnected(&mut self, cause: DisconnectCause, settings: &Settings, cx: &mut Cx) {
        if self.state.has_socket() {
            self.lose(LossCause::Remote(cause), settings, cx);
        }
    }

    pub(crate) fn handle_timeout(&mut self, settings: &Settings, cx: &mut Cx) {
        if self.connect_timer.fire(Timer::Connect(self.broker), cx) {
            self.give_up(CloseReason::ConnectTimeout, settings, cx);
        }
        if self.request_timer.fire(Timer::Request(self.broker), cx) {
            let now = cx.now;
            let late = self.in_flight.iter().find(|request| request.sent_at + request.timeout <= now);
            if let Some(api) = late.map(|request| request.api.name()) {
                self.give_up(CloseReason::RequestTimeout { api }, settings, cx);
            }
        }
        if self.queue_timer.fire(Timer::Queued(self.broker), cx) {
            self.expire_queued(cx);
        }
        if self.idle_timer.fire(Timer::Idle(self.broker), cx)
            && self.in_flight.is_empty()
            && self.queued.is_empty()
        {
            self.wanted = false;
            self.close(CloseReason::Idle, cx);
        }
        if self.reconnect_timer.fire(Timer::Reconnect(self.broker), cx) {
            if self.wanted || !self.queued.is_empty() {
                self.connect("the wait is over and it is needed", settings, cx);
            } else {
                self.transition(ConnectionState::Disconnected, "the wait is over", cx);
            }
        }
        self.refresh_timers(settings, cx);
    }

    // ---- what other machines want ----

    /// Sends the request now, or as soon as the connection is ready; opens the connection if need be.
    pub(crate) fn submit(&mut self, outgoing: Outgoing, settings: &Settings, cx: &mut Cx) {
        self.retiring = false;
        if self.state == ConnectionState::Ready {
            self.send(outgoing, settings, cx);
        } else {
            let deadline = cx.now + outgoing.timeout;
            self.queued.push_back(Queued { outgoing, deadline });
            if self.state == ConnectionState::Disconnected {
                self.connect("a request needs the broker", settings, cx);
            }
        }
        self.refresh_timers(settings, cx);
    }

    /// Closes whatever is open and plans nothing. Requests end with the reason.
    pub(crate) fn close(&mut self, reason: CloseReason, cx: &mut Cx) {
        self.wanted = false;
        self.ready_since = None;
        if self.state.has_socket() {
            let connection = self.id();
            cx.outputs.push_back(Output::Close { connection, reason: reason.clone() });
        }
        let cause = LossCause::Local(reason);
        if self.state != ConnectionState::Disconnected {
            let text = cause.to_string();
            self.transition(ConnectionState::Disconnected, &text, cx);
        }
        self.drop_everything(&cause, cx);
        self.cancel_timers(cx);
    }

    /// Newer metadata no longer names the broker: close when nothing is in flight any more.
    pub(crate) fn retire(&mut self, settings: &Settings, cx: &mut Cx) {
        self.wanted = false;
        self.retiring = true;
        self.refresh_timers(settings, cx);
    }

    /// Tells the connection which broker it leads to.
    pub(crate) const fn set_node(&mut self, node: Option<NodeId>) {
        self.node = node;
    }

    // ---- what others may ask ----

    pub(crate) const fn id(&self) -> ConnectionId {
        ConnectionId { broker: self.broker, generation: self.generation }
    }

    pub(crate) const fn state(&self) -> ConnectionState {
        self.state
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) const fn node(&self) -> Option<NodeId> {
        self.node
    }

    pub(crate) const fn in_flight(&self) -> &VecDeque<InFlight> {
        &self.in_flight
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.len()
    }

    /// How many attempts have failed since it was last ready.
    pub(crate) const fn attempts(&self) -> u32 {
        if self.ready_since.is_some() { 0 } else { self.backoff.failures() }
    }

    /// Whether requests had better wait: the last attempt failed and the next one has not succeeded yet.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self.state, ConnectionState::BackingOff)
            || (self.attempts() > 0 && !matches!(self.state, ConnectionState::Disconnected))
    }

    pub(crate) const fn backing_off_until(&self) -> Option<Instant> {
        self.reconnect_timer.at()
    }

    pub(crate) const fn decoder(&self) -> &FrameDecoder {
        &self.decoder
    }

    /// The first of the armed timers.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let broker = self.broker;
        [
            (self.connect_timer.at(), Timer::Connect(broker)),
            (self.request_timer.at(), Timer::Request(broker)),
            (self.queue_timer.at(), Timer::Queued(broker)),
            (self.reconnect_timer.at(), Timer::Reconnect(broker)),
            (self.idle_timer.at(), Timer::Idle(broker)),
        ]
        .into_iter()
        .filter_map(|(at, why)| at.map(|at| Deadline { at, why }))
        .min()
    }

    // ---- opening ----

    fn connect(&mut self, cause: &str, settings: &Settings, cx: &mut Cx) {
        self.generation += 1;
        self.retiring = false;
        cx.counters.connects += 1;
        self.transition(ConnectionState::Connecting, cause, cx);
        self.connect_timer.arm(Timer::Connect(self.broker), cx.now + settings.connect_timeout, cx);
        cx.outputs.push_back(Output::Connect { connection: self.id(), address: self.address.clone() });
    }

    fn send_api_versions(&mut self, version: i16, settings: &Settings, cx: &mut Cx) {
        let body = Request::ApiVersions(ApiVersionsRequest {
            client_software_name: "kafka-wasm".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        });
        let outgoing = Outgoing {
            owner: Owner::Connection,
            target: Target::Broker(self.broker),
            body,
            timeout: settings.request_timeout,
            expects_reply: true,
        };
        self.write(outgoing, version, settings, cx);
        self.refresh_timers(settings, cx);
    }

    fn handle_api_versions(
        &mut self,
        response: &crate::protocol::ApiVersionsResponse,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        let ranges: BTreeMap<ApiKey, VersionRange> = response
            .api_keys
            .iter()
            .filter_map(|api| {
                let key = ApiKey::try_from(api.api_key).ok()?;
                Some((key, VersionRange::new(api.min_version, api.max_version)))
            })
            .collect();
        if response.error_code == ErrorCode::UnsupportedVersion.code() {
            // KIP-511: the broker is older than we are, and has said which versions it does speak.
            let theirs = ranges.get(&ApiKey::ApiVersions).copied().unwrap_or(VersionRange::new(0, 0));
            match ApiKey::ApiVersions.versions().highest_common(theirs) {
                Some(version) if version < ApiKey::ApiVersions.versions().max => {
                    self.send_api_versions(version, settings, cx);
                }
                _ => self.give_up(
                    CloseReason::UnsupportedVersion { api: ApiKey::ApiVersions.name() },
                    settings,
                    cx,
                ),
            }
            return;
        }
        if response.error_code != 0 {
            self.violated(
                format!("ApiVersions was answered with error {}", response.error_code),
                settings,
                cx,
            );
            return;
        }
        self.versions = ranges;
        self.transition(ConnectionState::Ready, "versions known", cx);
        self.connect_timer.cancel(Timer::Connect(self.broker), cx);
        self.ready_since = Some(cx.now);
        self.wanted = true;
        while let Some(queued) = self.queued.pop_front() {
            self.send(queued.outgoing, settings, cx);
        }
    }

    // ---- sending ----

    fn send(&mut self, outgoing: Outgoing, settings: &Settings, cx: &mut Cx) {
        let api = outgoing.body.api_key();
        let ours = spoken(api);
        let theirs = self.versions.get(&api).copied();
        match theirs.and_then(|theirs| ours.highest_common(theirs)) {
            Some(version) => self.write(outgoing, version, settings, cx),
            None => {
                let error = Error::UnsupportedVersion {
                    api: api.name(),
                    ours: (ours.min, ours.max),
                    theirs: theirs.map(|range| (range.min, range.max)),
                };
                self.answer(outgoing.owner, Err(error), cx);
            }
        }
    }

    fn write(&mut self, outgoing: Outgoing, version: i16, settings: &Settings, cx: &mut Cx) {
        let api = outgoing.body.api_key();
        let correlation_id = self.next_correlation_id;
        let frame = match outgoing.body.encode(version, correlation_id, Some(&settings.client_id)) {
            Ok(frame) => frame,
            Err(error) => {
                let text = format!("{} version {version} cannot be encoded: {error}", api.name());
                self.answer(outgoing.owner, Err(Error::Internal(text)), cx);
                return;
            }
        };
        // Correlation ids wrap around and stay non-negative (CN17).
        self.next_correlation_id = correlation_id.wrapping_add(1) & i32::MAX;
        cx.counters.requests_sent += 1;
        let connection = self.id();
        cx.trace(|| TraceKind::RequestSent {
            connection,
            api: api.name(),
            api_key: api.code(),
            api_version: version,
            correlation_id,
            frame: frame.to_bytes(),
            expects_reply: outgoing.expects_reply,
        });
        for bytes in frame.into_segments() {
            cx.outputs.push_back(Output::Send { connection, bytes });
        }
        if outgoing.expects_reply {
            self.in_flight.push_back(InFlight {
                owner: outgoing.owner,
                api,
                version,
                correlation_id,
                sent_at: cx.now,
                timeout: outgoing.timeout,
            });
        }
    }

    // ---- receiving ----

    fn handle_frame(&mut self, frame: Bytes, settings: &Settings, cx: &mut Cx) {
        let correlation_id = match ResponseHeader::correlation_id_of(&frame) {
            Ok(correlation_id) => correlation_id,
            Err(error) => {
                self.violated(error.to_string(), settings, cx);
                return;
            }
        };
        let Some(request) = self.in_flight.front().cloned() else {
            self.violated(
                format!("expected nothing, got a reply with correlation id {correlation_id}"),
                settings,
                cx,
            );
            return;
        };
        if request.correlation_id != correlation_id {
            let expected = request.correlation_id;
            let text =
                format!("expected a reply with correlation id {expected}, got one with {correlation_id}");
            self.violated(text, settings, cx);
            return;
        }
        let connection = self.id();
        cx.trace(|| {
            let mut whole = Vec::with_capacity(frame.len() + 4);
            whole.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
            whole.extend_from_slice(&frame);
            TraceKind::ResponseReceived {
                connection,
                api: request.api.name(),
                api_key: request.api.code(),
                api_version: request.version,
                correlation_id,
                frame: whole.into(),
            }
        });
        match Response::decode(request.api, request.version, frame) {
            Ok((_, response)) => {
                self.in_flight.pop_front();
                cx.counters.responses_received += 1;
                if let (Owner::Connection, Response::ApiVersions(response)) = (request.owner, &response) {
                    self.handle_api_versions(response, settings, cx);
                } else {
                    self.answer(request.owner, Ok(response), cx);
                }
            }
            Err(error) => {
                let text = format!("the reply to {} cannot be decoded: {error}", request.api.name());
                self.violated(text, settings, cx);
            }
        }
    }

    /// The other end broke the protocol: nothing it says on this connection can be trusted any more.
    fn violated(&mut self, problem: String, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        cx.trace(|| TraceKind::ProtocolViolated { connection, problem: problem.clone() });
        self.give_up(CloseReason::ProtocolViolation(problem), settings, cx);
    }

    // ---- losing ----

    /// Closes from this side because of a failure, and plans the next attempt.
    fn give_up(&mut self, reason: CloseReason, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        cx.outputs.push_back(Output::Close { connection, reason: reason.clone() });
        self.lose(LossCause::Local(reason), settings, cx);
    }

    fn lose(&mut self, cause: LossCause, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        let text = cause.to_string();
        self.transition(ConnectionState::Disconnected, &text, cx);
        #[cfg(feature = "exhibits")]
        let (kept, kept_requests) = self.exhibit_kept(settings);
        self.drop_everything(&cause, cx);
        #[cfg(feature = "exhibits")]
        self.exhibit_restore(kept, kept_requests);
        self.cancel_timers(cx);
        let error = Error::Connection { connection, address: self.address.to_string(), cause };
        cx.effect(Effect::Lost { connection, error: error.clone() });
        let wait = self.next_wait(settings, cx);
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
    fn next_wait(&mut self, settings: &Settings, cx: &Cx) -> Duration {
        let served = self.ready_since.take().map(|since| cx.now.since(since));
        if served.is_some_and(|served| served >= settings.reconnect_backoff_max) {
            self.backoff.reset();
            return Duration::ZERO;
        }
        self.backoff.next_wait()
    }

    /// Fails what is in flight, throws the receive buffer away, then fails what is queued. In this order (CN7).
    fn drop_everything(&mut self, cause: &LossCause, cx: &mut Cx) {
        let connection = self.id();
        self.versions.clear();
        let failed: Vec<InFlight> = self.in_flight.drain(..).collect();
        for request in &failed {
            cx.trace(|| TraceKind::RequestFailed {
                connection,
                api: request.api.name(),
                correlation_id: request.correlation_id,
                cause: cause.clone(),
            });
        }
        let discarded = self.decoder.clear();
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

    fn expire_queued(&mut self, cx: &mut Cx) {
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
    fn answer(&self, owner: Owner, result: Result<Response, Error>, cx: &mut Cx) {
        if owner != Owner::Connection {
            cx.effect(Effect::Reply { owner, result });
        }
    }

    // ---- state and timers ----

    /// The one place where the state changes.
    fn transition(&mut self, to: ConnectionState, cause: &str, cx: &mut Cx) {
        let from = self.state;
        if !is_legal(TRANSITIONS, from, to) {
            debug_assert!(false, "{} -> {} is not a legal move of a connection", from.name(), to.name());
            self.reject(to, cx);
            return;
        }
        self.state = to;
        let machine = Machine::Connection(self.id());
        cx.trace(|| TraceKind::Transition { machine, from: from.name(), to: to.name(), cause: cause.into() });
    }

    fn reject(&self, to: ConnectionState, cx: &mut Cx) {
        let machine = Machine::Connection(self.id());
        cx.trace(|| TraceKind::TransitionRejected { machine, from: self.state.name(), to: to.name() });
    }

    /// Arms the timers which depend on what is in flight and what is queued, and closes a retired connection.
    fn refresh_timers(&mut self, settings: &Settings, cx: &mut Cx) {
        let (broker, now) = (self.broker, cx.now);
        match self.in_flight.iter().map(|request| request.sent_at + request.timeout).min() {
            Some(at) if self.state.has_socket() => self.request_timer.arm(Timer::Request(broker), at, cx),
            _ => self.request_timer.cancel(Timer::Request(broker), cx),
        }
        match self.queued.iter().map(|queued| queued.deadline).min() {
            Some(at) => self.queue_timer.arm(Timer::Queued(broker), at, cx),
            None => self.queue_timer.cancel(Timer::Queued(broker), cx),
        }
        let unused = self.in_flight.is_empty() && self.queued.is_empty();
        if self.state == ConnectionState::Ready && unused {
            if self.retiring {
                self.close(CloseReason::NoLongerNeeded, cx);
            } else if self.idle_timer.at().is_none() {
                self.idle_timer.arm(Timer::Idle(broker), now + settings.max_idle, cx);
            }
        } else {
            self.idle_timer.cancel(Timer::Idle(broker), cx);
        }
    }

    fn cancel_timers(&mut self, cx: &mut Cx) {
        let broker = self.broker;
        self.connect_timer.cancel(Timer::Connect(broker), cx);
        self.request_timer.cancel(Timer::Request(broker), cx);
        self.queue_timer.cancel(Timer::Queued(broker), cx);
        self.reconnect_timer.cancel(Timer::Reconnect(broker), cx);
        self.idle_timer.cancel(Timer::Idle(broker), cx);
    }
}

#[cfg(feature = "exhibits")]
impl Connection {
    /// What a client with the defect would have kept across the loss.
    fn exhibit_kept(&mut self, settings: &Settings) -> (Option<FrameDecoder>, VecDeque<InFlight>) {
        use crate::config::Defect;
        let decoder = (settings.defect == Some(Defect::KeepReceiveBuffer))
            .then(|| core::mem::replace(&mut self.decoder, FrameDecoder::new(settings.max_frame_size)));
        let in_flight = if settings.defect == Some(Defect::KeepInFlight) {
            core::mem::take(&mut self.in_flight)
        } else {
            VecDeque::new()
        };
        (decoder, in_flight)
    }

    fn exhibit_restore(&mut self, decoder: Option<FrameDecoder>, in_flight: VecDeque<InFlight>) {
        if let Some(decoder) = decoder {
            self.decoder = decoder;
        }
        self.in_flight = in_flight;
    }
}

/// The versions this client speaks: those of the codec, without the ones whose use needs more than the codec.
const fn spoken(api: ApiKey) -> VersionRange {
    let range = api.versions();
    match api {
        // 13 names topics by id only; until a refresh has told the id, the name must do.
        ApiKey::Produce => VersionRange::new(range.min, 12),
        ApiKey::Fetch => VersionRange::new(range.min, 12),
        ApiKey::ListOffsets
        | ApiKey::Metadata
        | ApiKey::FindCoordinator
        | ApiKey::ApiVersions
        | ApiKey::InitProducerId => range,
    }
}
