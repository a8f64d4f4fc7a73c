//! One connection to one broker: opens it, agrees on versions, sends requests, matches replies, loses it.
//!
//! A connection is strict about order: replies come in the order of their requests, or it is closed (CN6). What
//! happens on loss has an order, too (CN7): requests in flight fail, first in first out; then the receive buffer
//! is thrown away; then everybody who waits is told; then the next attempt is planned.

mod authenticating;
mod exchange;
mod losing;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod throttling;

pub use state::{AuthenticationPhase, ConnectionState, TRANSITIONS};
pub(crate) use table::Connections;

use crate::backoff::Backoff;
use crate::cx::{Cx, Outgoing, Owner, TimerSlot};
use crate::edge::is_legal;
use crate::error::{CloseReason, DisconnectCause, LossCause};
use crate::ids::{BrokerId, ConnectionId, NodeId};
use crate::io::{Address, Deadline, Output, Timer};
use crate::protocol::{ApiKey, FrameDecoder, VersionRange};
use crate::rng::Rng;
use crate::sasl::Sasl;
use crate::time::{Duration, Instant};
use crate::trace::{Machine, TraceKind};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use authenticating::Authentication;
use bytes::Bytes;
use litemap::LiteMap;

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
    pub(crate) sasl: Option<Sasl>,
    /// Whether a client that has lost its cluster begins anew; else it cannot follow a broker's word to do so, and does not ask for it.
    pub(crate) rebootstraps: bool,
    /// The id of the cluster that the brokers have to belong to, once metadata has said it.
    pub(crate) cluster_id: Option<String>,
    /// Whether brokers of the cluster compare whom a client means to reach with who they are (KIP-1242).
    pub(crate) checks_nodes: bool,
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
    /// What the last reply to ApiVersions said; empty before it has come.
    versions: LiteMap<ApiKey, VersionRange>,
    decoder: FrameDecoder,
    next_correlation_id: i32,
    /// Requests that wait for Ready.
    queued: VecDeque<Queued>,
    /// Requests that wait for their replies, oldest first.
    in_flight: VecDeque<InFlight>,
    backoff: Backoff,
    /// Since when nothing has been in flight on a ready connection.
    unused_since: Option<Instant>,
    /// Whether to come back by itself after a loss: it has been Ready, and metadata still names it.
    wanted: bool,
    /// Whether to close as soon as nothing is in flight.
    retiring: bool,
    /// Whom it was said to be meant for, on this generation (KIP-1242).
    meant_for: Option<NodeId>,
    /// Since when it has served: since it was first Ready, whether or not it has authenticated again meanwhile.
    ready_since: Option<Instant>,
    authentication: Option<Authentication>,
    /// From when on to authenticate again before anything else is sent (KIP-368).
    session_ends: Option<Instant>,
    /// How many conversations there have been, so that none is like another.
    conversations: u32,
    session_rng: Rng,
    connect_timer: TimerSlot,
    authenticate_timer: TimerSlot,
    request_timer: TimerSlot,
    queue_timer: TimerSlot,
    reconnect_timer: TimerSlot,
    idle_timer: TimerSlot,
    /// Until when the broker wants to hear nothing.
    throttle_timer: TimerSlot,
    #[cfg(feature = "exhibits")]
    defect: Option<crate::config::Defect>,
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
            versions: LiteMap::new(),
            decoder: FrameDecoder::new(settings.max_frame_size),
            next_correlation_id: 0,
            queued: VecDeque::new(),
            in_flight: VecDeque::new(),
            backoff: Backoff::new(
                settings.reconnect_backoff,
                settings.reconnect_backoff_max,
                rng.fork("reconnect", u64::from(broker.0)),
            ),
            unused_since: None,
            wanted: false,
            retiring: false,
            meant_for: None,
            ready_since: None,
            authentication: None,
            session_ends: None,
            conversations: 0,
            session_rng: rng.fork("session", u64::from(broker.0)),
            connect_timer: TimerSlot::default(),
            authenticate_timer: TimerSlot::default(),
            request_timer: TimerSlot::default(),
            queue_timer: TimerSlot::default(),
            reconnect_timer: TimerSlot::default(),
            idle_timer: TimerSlot::default(),
            throttle_timer: TimerSlot::default(),
            #[cfg(feature = "exhibits")]
            defect: settings.defect,
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
        let meant = self.meant(settings).is_some();
        self.send_api_versions(if meant { CHECKED_API_VERSIONS } else { FIRST_API_VERSIONS }, settings, cx);
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
        if cause == DisconnectCause::Closed && self.is_idle(cx.now) {
            // Brokers and load balancers close what nobody uses. The next request opens it again (CN13).
            self.transition(ConnectionState::Disconnected, "the other end closed what was idle", cx);
            self.drop_everything(&LossCause::Remote(cause), cx);
            self.forget_service();
            self.wanted = false;
            self.cancel_timers(cx);
        } else if self.state.has_socket() {
            self.lose(LossCause::Remote(cause), settings, cx);
        }
    }

    pub(crate) fn handle_timeout(&mut self, settings: &Settings, cx: &mut Cx) {
        if self.connect_timer.fire(Timer::Connect(self.broker), cx) {
            self.give_up(CloseReason::ConnectTimeout, settings, cx);
        }
        if self.authenticate_timer.fire(Timer::Authenticate(self.broker), cx) {
            let waited_for = self.waits_for();
            self.give_up(CloseReason::AuthenticationTimeout { waited_for }, settings, cx);
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
        self.end_throttle(settings, cx);
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
        if self.may_send(cx.now) {
            self.send(outgoing, settings, cx);
        } else {
            let deadline = cx.now + outgoing.timeout;
            let deadline = outgoing.until.map_or(deadline, |until| until.min(deadline));
            self.queued.push_back(Queued { outgoing, deadline });
            if self.state == ConnectionState::Disconnected {
                self.connect("a request needs the broker", settings, cx);
            } else {
                self.send_queued(settings, cx);
            }
        }
        self.refresh_timers(settings, cx);
    }

    /// Closes whatever is open and plans nothing. Requests end with the reason.
    pub(crate) fn close(&mut self, reason: CloseReason, cx: &mut Cx) {
        self.wanted = false;
        self.forget_service();
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

    /// The request of this owner, while it waits for Ready.
    pub(crate) fn queued_by(&mut self, owner: Owner) -> Option<&mut Outgoing> {
        self.queued.iter_mut().map(|queued| &mut queued.outgoing).find(|outgoing| outgoing.owner == owner)
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

    /// Whether the last attempt failed, or the last connection was lost.
    pub(crate) const fn is_failing(&self) -> bool {
        self.is_unreachable() || self.attempts() > 0
    }

    /// Whether somebody needs it and it is not there.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_unreachable() && (self.wanted || !self.queued.is_empty())
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
            (self.authenticate_timer.at(), Timer::Authenticate(broker)),
            (self.request_timer.at(), Timer::Request(broker)),
            (self.queue_timer.at(), Timer::Queued(broker)),
            (self.reconnect_timer.at(), Timer::Reconnect(broker)),
            (self.idle_timer.at(), Timer::Idle(broker)),
            (self.throttle_timer.at(), Timer::Throttle(broker)),
        ]
        .into_iter()
        .filter_map(|(at, why)| at.map(|at| Deadline { at, why }))
        .min()
    }

    /// Whether the broker compares whom a client means to reach with who it is; `None` before it has said its versions.
    pub(crate) fn checks_node(&self) -> Option<bool> {
        self.versions.get(&ApiKey::ApiVersions).map(|theirs| theirs.max >= CHECKED_API_VERSIONS)
    }

    /// What it waits for while it authenticates.
    pub(crate) fn authentication_phase(&self) -> Option<AuthenticationPhase> {
        self.authentication.as_ref().map(Authentication::phase)
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.state == ConnectionState::Ready
            && self.unused_since.is_some_and(|since| now.since(since) >= IDLE_CLOSE_MIN)
    }

    // ---- inside ----

    fn connect(&mut self, cause: &str, settings: &Settings, cx: &mut Cx) {
        self.generation += 1;
        self.retiring = false;
        self.meant_for = None;
        cx.counters.connects += 1;
        self.transition(ConnectionState::Connecting, cause, cx);
        self.connect_timer.arm(Timer::Connect(self.broker), cx.now + settings.connect_timeout, cx);
        cx.outputs.push_back(Output::Connect { connection: self.id(), address: self.address.clone() });
    }

    /// The one place where the state changes.
    fn transition(&mut self, to: ConnectionState, cause: &str, cx: &mut Cx) {
        let from = self.state;
        if !is_legal(TRANSITIONS, from, to) {
            debug_assert!(false, "{}", Machine::Connection(self.id()).refusal(from.name(), to.name()));
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
                self.unused_since = Some(now);
                self.idle_timer.arm(Timer::Idle(broker), now + settings.max_idle, cx);
            }
        } else {
            self.unused_since = None;
            self.idle_timer.cancel(Timer::Idle(broker), cx);
        }
    }

    /// It ends without a failure: if it was ready, the failures before that are forgotten.
    const fn forget_service(&mut self) {
        if self.ready_since.take().is_some() {
            self.backoff.reset();
        }
    }

    fn cancel_timers(&mut self, cx: &mut Cx) {
        let broker = self.broker;
        self.connect_timer.cancel(Timer::Connect(broker), cx);
        self.authenticate_timer.cancel(Timer::Authenticate(broker), cx);
        self.request_timer.cancel(Timer::Request(broker), cx);
        self.queue_timer.cancel(Timer::Queued(broker), cx);
        self.reconnect_timer.cancel(Timer::Reconnect(broker), cx);
        self.idle_timer.cancel(Timer::Idle(broker), cx);
        self.throttle_timer.cancel(Timer::Throttle(broker), cx);
    }
}

/// The version in which a broker is asked for its versions as long as nobody is known to know a later one: that would cost another
/// round trip with every older broker.
const FIRST_API_VERSIONS: i16 = 4;

/// The first version which says whom the client means to reach (KIP-1242).
const CHECKED_API_VERSIONS: i16 = 5;

/// A connection that is closed from the other end after so long without use was closed for that; sooner, the broker is going down.
const IDLE_CLOSE_MIN: Duration = Duration::from_secs(10);
