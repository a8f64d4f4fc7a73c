//! The log: events in order, with their keys and causes.

use super::{Actor, Connection, Direction, Event, Kind, MachineKind, StreamRange};
use crate::digest::Digest;
use crate::sentence::{Detail, sentence};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::io::Timer;
use client_core::time::Instant;

/// Events in order. Cloning copies pointers, not events.
#[derive(Clone, Debug, Default)]
pub struct Log {
    events: Vec<Arc<Event>>,
    step: u32,
    /// How often each key has been used without its count.
    counts: BTreeMap<String, u32>,
    pub(super) memory: Memory,
    chain: Digest,
}

/// What the log remembers to find causes and waiters.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The event that began the current step.
    pub(super) root: Option<u32>,
    /// The latest event of the current step that can cause others.
    pub(super) latest: Option<u32>,
    /// The same, per connection.
    pub(super) latest_on: BTreeMap<Connection, u32>,
    /// Where each running timer was armed.
    pub(super) armed: BTreeMap<(u8, Timer), u32>,
    /// Which call waits for an operation, and what it was.
    pub(super) waiting: BTreeMap<(u8, u64), (u32, String)>,
    /// Bytes written so far to each connection.
    pub(super) written: BTreeMap<Connection, u64>,
    /// Requests by connection and correlation id.
    pub(super) requests: BTreeMap<(Connection, i32), u32>,
    /// Requests by connection, in order, with the end of their bytes in the stream.
    pub(super) sent: BTreeMap<Connection, Vec<(u64, u32)>>,
    /// Which event asked for each connection.
    pub(super) opens: BTreeMap<Connection, u32>,
    /// What is shown in place of secret bytes, with the place in the stream where it begins.
    pub(super) secrets: BTreeMap<(Connection, Direction), Vec<(u64, Bytes)>>,
}

/// An event before it has its place in the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: Actor,
    /// What.
    pub kind: Kind,
    /// On which connection.
    pub connection: Option<Connection>,
    /// Which request or reply.
    pub correlation_id: Option<i32>,
    /// Because of which event.
    pub cause: Option<u32>,
    /// The bytes.
    pub payload: Option<Bytes>,
}

impl Entry {
    /// An event without connection, cause or bytes.
    #[must_use]
    pub const fn new(at: Instant, actor: Actor, kind: Kind) -> Self {
        Self { at, actor, kind, connection: None, correlation_id: None, cause: None, payload: None }
    }

    /// On this connection.
    #[must_use]
    pub const fn on(mut self, connection: Connection) -> Self {
        self.connection = Some(connection);
        self
    }

    /// With this correlation id.
    #[must_use]
    pub const fn correlated(mut self, correlation_id: i32) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// Because of this event.
    #[must_use]
    pub const fn because(mut self, cause: Option<u32>) -> Self {
        self.cause = cause;
        self
    }

    /// With these bytes.
    #[must_use]
    pub fn carrying(mut self, payload: Bytes) -> Self {
        self.payload = Some(payload);
        self
    }
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All events so far.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// The latest event.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<Event>> {
        self.events.last()
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.events.len() as u32
    }

    /// Whether nothing has happened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Begins a step: events added from here on belong to it, and have the step's first event as their cause
    /// unless a better one is known.
    pub fn begin_step(&mut self, step: u32) {
        self.step = step;
        self.memory.root = None;
        self.memory.latest = None;
        self.memory.latest_on.clear();
    }

    /// Adds an event and returns its index.
    pub fn push(&mut self, entry: Entry) -> u32 {
        let index = self.len();
        let stem = key_stem(&entry);
        let count = self.counts.entry(stem.clone()).or_insert(0);
        *count += 1;
        let key = format!("{stem}.{count}");
        if self.memory.root.is_none() {
            self.memory.root = Some(index);
        }
        let cause = entry.cause.filter(|cause| *cause < index);
        let event = Event {
            index,
            step: self.step,
            at: entry.at,
            actor: entry.actor,
            kind: entry.kind,
            connection: entry.connection,
            correlation_id: entry.correlation_id,
            cause,
            key,
            payload: entry.payload,
        };
        self.chain.feed_text(&event.key);
        self.chain.feed_text(&sentence(&event, Detail::Full));
        self.chain.feed_text(&event.correlation_id.unwrap_or_default().to_string());
        if let Some(payload) = &event.payload {
            self.chain.feed_u64(payload.len() as u64);
            self.chain.feed(payload);
        }
        self.events.push(Arc::new(event));
        index
    }

    /// A fingerprint of all events so far, in the words and bytes that people see.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.chain.finish()
    }

    /// The index of the event with this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<u32> {
        self.events.iter().find(|event| event.key == key).map(|event| event.index)
    }

    /// Remembers that bytes are secret from here on in the stream, and what is shown in their place.
    pub(crate) fn hide(&mut self, connection: Connection, direction: Direction, start: u64, shown: Bytes) {
        self.memory.secrets.entry((connection, direction)).or_default().push((start, shown));
    }

    /// What may be shown of bytes of a stream.
    pub(crate) fn shown(
        &self,
        connection: Connection,
        direction: Direction,
        range: StreamRange,
        bytes: Bytes,
    ) -> Bytes {
        let secrets = self.memory.secrets.get(&(connection, direction)).into_iter().flatten();
        let mut shown: Option<Vec<u8>> = None;
        for (start, hidden) in secrets {
            let (from, to) = (range.start.max(*start), range.end.min(start + hidden.len() as u64));
            if from < to {
                let place = |at: u64, start: u64| (at - start) as usize;
                let shown = shown.get_or_insert_with(|| bytes.to_vec());
                shown[place(from, range.start)..place(to, range.start)]
                    .copy_from_slice(&hidden[place(from, *start)..place(to, *start)]);
            }
        }
        shown.map_or(bytes, Bytes::from)
    }

    /// The event that caused what follows in this step on this connection, as far as is known.
    pub(crate) fn current_cause(&self, connection: Option<Connection>) -> Option<u32> {
        connection
            .and_then(|connection| self.memory.latest_on.get(&connection).copied())
            .or(self.memory.latest)
            .or(self.memory.root)
    }

    /// Makes an event the cause of what follows in this step.
    pub(crate) fn set_current_cause(&mut self, index: u32, connection: Option<Connection>) {
        if let Some(connection) = connection {
            self.memory.latest_on.insert(connection, index);
        }
        self.memory.latest = Some(index);
    }
}

/// Actor, kind and connection: what an event is called before it is counted.
fn key_stem(entry: &Entry) -> String {
    let kind = key_word(&entry.kind);
    let actor = entry.actor;
    match entry.connection {
        Some(Connection { client: 0, id }) => {
            format!("{actor}.{kind}.b{}g{}", id.broker.0, id.generation)
        }
        Some(Connection { client, id }) => {
            format!("{actor}.{kind}.c{}b{}g{}", client + 1, id.broker.0, id.generation)
        }
        None => format!("{actor}.{kind}"),
    }
}

/// The kind as a word of a key: fine enough that an unrelated event does not shift the count.
fn key_word(kind: &Kind) -> String {
    match kind {
        Kind::Call { call, .. } => format!("call-{}", call_name(call)),
        Kind::Resolve { what, .. } => format!("resolve-{}", call_name(what)),
        Kind::State { machine: MachineKind::Lifecycle, to, .. } => format!("lifecycle-{to}"),
        Kind::State { machine: MachineKind::Connection, to, .. } => format!("state-{to}"),
        Kind::StateRejected { to, .. } => format!("rejected-{to}"),
        Kind::BrokerNamed { broker, .. } => format!("named-b{broker}"),
        Kind::Open { .. } => "open".into(),
        Kind::Opened => "opened".into(),
        Kind::Close { .. } => "close".into(),
        Kind::Request { api, .. } => format!("request-{api}"),
        Kind::Reply { api, .. } => format!("reply-{}", api.unwrap_or("unknown")),
        Kind::Deliver { direction, .. } => match direction {
            Direction::ToBroker => "deliver-to-broker".into(),
            Direction::ToClient => "deliver-to-client".into(),
        },
        Kind::Lose { .. } => "lose".into(),
        Kind::Buffered { .. } => "buffered".into(),
        Kind::FrameTaken { .. } => "frame".into(),
        Kind::Discarded { .. } => "discarded".into(),
        Kind::Response { api, .. } => format!("response-{api}"),
        Kind::StaleIgnored { .. } => "stale".into(),
        Kind::Violation { .. } => "violation".into(),
        Kind::RequestFailed { api, .. } => format!("failed-{api}"),
        Kind::TimerArmed { timer, .. } => format!("armed-{}", timer_word(*timer)),
        Kind::TimerFired { timer } => format!("fired-{}", timer_word(*timer)),
        Kind::TimerCancelled { timer } => format!("disarmed-{}", timer_word(*timer)),
        Kind::Metadata { .. } => "metadata".into(),
        Kind::BatchSent { partition, .. } => format!("batch-{partition}"),
        Kind::BatchEnded { partition, .. } => format!("batch-ended-{partition}"),
        Kind::BatchFetched { partition, .. } => format!("fetched-{partition}"),
        Kind::Consumed { partition, .. } => format!("consumed-{partition}"),
        Kind::Status { status, .. } => format!("status-{status}"),
        Kind::Fault { fault, .. } => format!("fault-{}", fault.split(':').next().unwrap_or_default()),
        Kind::Check { rule, .. } => format!("check-{rule}"),
        Kind::Note { .. } => "note".into(),
    }
}

/// `start` out of `start(5 s)`.
fn call_name(call: &str) -> &str {
    call.split('(').next().unwrap_or(call)
}

/// A timer without its number of operation, so that keys do not depend on how many operations came before.
fn timer_word(timer: Timer) -> String {
    match timer {
        Timer::Connect(broker) => format!("connect-{broker}"),
        Timer::Authenticate(broker) => format!("authenticate-{broker}"),
        Timer::Request(broker) => format!("request-{broker}"),
        Timer::Reconnect(broker) => format!("reconnect-{broker}"),
        Timer::Idle(broker) => format!("idle-{broker}"),
        Timer::Throttle(broker) => format!("throttle-{broker}"),
        Timer::Queued(broker) => format!("queued-{broker}"),
        Timer::MetadataRetry => "metadata-retry".into(),
        Timer::MetadataAge => "metadata-age".into(),
        Timer::Rebootstrap => "rebootstrap".into(),
        Timer::ProducerIdRetry => "producer-id-retry".into(),
        Timer::StopLimit => "stop-limit".into(),
        Timer::Linger => "linger".into(),
        Timer::ProduceRetry => "produce-retry".into(),
        Timer::Delivery => "delivery".into(),
        Timer::OperationLimit(_) => "operation-limit".into(),
        Timer::FetchRetry => "fetch-retry".into(),
        Timer::AdminRetry => "admin-retry".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::ids::{BrokerId, ConnectionId};

    #[test]
    fn keys_count_per_actor_kind_and_connection() {
        let mut log = Log::new();
        let connection = Connection::new(0, ConnectionId { broker: BrokerId(1), generation: 2 });
        log.begin_step(1);
        for kind in [Kind::Opened, Kind::Discarded { count: 3 }, Kind::Discarded { count: 4 }] {
            log.push(Entry::new(Instant::ZERO, Actor::Client(0), kind).on(connection));
        }
        let keys: Vec<_> = log.events().iter().map(|event| event.key.as_str()).collect();
        assert_eq!(keys, ["client.opened.b1g2.1", "client.discarded.b1g2.1", "client.discarded.b1g2.2"]);
        assert_eq!(log.find("client.discarded.b1g2.2"), Some(2));
    }
}
