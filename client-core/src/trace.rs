//! What the client did inside, for people who watch: the playground, tests, support. Off unless switched on.

use crate::error::LossCause;
use crate::ids::{BrokerId, ConnectionId, OperationId, TopicPartition};
use crate::io::{Address, Timer};
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use bytes::Bytes;

/// One thing that happened inside the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: TraceKind,
}

/// The kinds of things that happen inside the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// The application called.
    Called {
        /// The method's name.
        call: &'static str,
        /// The operation that the call waits on, if it waits.
        operation: Option<OperationId>,
        /// What the call returned at once, in a word.
        outcome: &'static str,
    },
    /// An operation ended.
    Resolved {
        /// Which one.
        operation: OperationId,
        /// `OK`, or the error's code.
        outcome: &'static str,
    },
    /// A machine changed its state.
    Transition {
        /// Which machine.
        machine: Machine,
        /// The state it left.
        from: &'static str,
        /// The state it entered.
        to: &'static str,
        /// Why.
        cause: String,
    },
    /// A machine refused to change its state: the table has no such edge.
    TransitionRejected {
        /// Which machine.
        machine: Machine,
        /// The state it stays in.
        from: &'static str,
        /// The state it was asked to enter.
        to: &'static str,
    },
    /// A broker got its number.
    BrokerNamed {
        /// The client's number.
        broker: BrokerId,
        /// Where it listens.
        address: Address,
        /// Kafka's number, when metadata has said it.
        node: Option<i32>,
    },
    /// A request was written to a connection.
    RequestSent {
        /// Which connection.
        connection: ConnectionId,
        /// The request's name.
        api: &'static str,
        /// Kafka's number for the request.
        api_key: i16,
        /// The version used.
        api_version: i16,
        /// The number that the reply must carry.
        correlation_id: i32,
        /// The whole frame, size field included.
        frame: Bytes,
        /// Whether a reply is expected (not for `acks=0`).
        expects_reply: bool,
    },
    /// A whole reply was taken from the receive buffer and matched to its request.
    ResponseReceived {
        /// Which connection.
        connection: ConnectionId,
        /// The request's name.
        api: &'static str,
        /// Kafka's number for the request.
        api_key: i16,
        /// The version used.
        api_version: i16,
        /// The number the reply carried.
        correlation_id: i32,
        /// The whole frame, size field included.
        frame: Bytes,
    },
    /// Bytes entered the receive buffer.
    BytesReceived {
        /// Which connection.
        connection: ConnectionId,
        /// How many.
        count: usize,
        /// How many the buffer holds now.
        buffered: usize,
    },
    /// A frame left the receive buffer, size field included. Comes before it is judged.
    FrameTaken {
        /// Which connection.
        connection: ConnectionId,
        /// Its size with the size field.
        count: usize,
    },
    /// Bytes of unfinished messages were thrown away because their connection ended.
    BytesDiscarded {
        /// Which connection.
        connection: ConnectionId,
        /// How many.
        count: usize,
    },
    /// Input for an old connection was ignored.
    StaleInputIgnored {
        /// The connection it was for.
        connection: ConnectionId,
        /// What it was.
        input: &'static str,
        /// How many bytes it carried.
        count: usize,
    },
    /// The other end broke the protocol.
    ProtocolViolated {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        problem: String,
    },
    /// A request in flight failed because its connection ended.
    RequestFailed {
        /// Which connection.
        connection: ConnectionId,
        /// The request's name.
        api: &'static str,
        /// The number the reply would have carried.
        correlation_id: i32,
        /// Why.
        cause: LossCause,
    },
    /// A machine wants to be called at a time.
    TimerArmed {
        /// What for.
        timer: Timer,
        /// When.
        at: Instant,
    },
    /// A machine's time has come.
    TimerFired {
        /// What for.
        timer: Timer,
    },
    /// A machine no longer wants to be called.
    TimerCancelled {
        /// What for.
        timer: Timer,
    },
    /// Metadata was replaced by newer metadata.
    MetadataUpdated {
        /// How many brokers it names.
        brokers: usize,
        /// How many topics it names.
        topics: usize,
    },
    /// Everything known of the cluster was dropped; the bootstrap addresses are asked again (KIP-1102).
    Rebootstrapped {
        /// Why.
        cause: &'static str,
    },
    /// The bootstrap addresses lead to another cluster than before.
    ClusterChanged {
        /// The id of the cluster before.
        from: String,
        /// The id of the cluster now.
        to: String,
    },
    /// A batch was closed and given to a request.
    BatchSent {
        /// Where to.
        partition: TopicPartition,
        /// How many records.
        records: usize,
        /// Its first sequence number, -1 without idempotence.
        base_sequence: i32,
        /// How many times it has been sent before.
        retries: u32,
    },
    /// A batch was acknowledged, or failed for good.
    BatchEnded {
        /// Where it went.
        partition: TopicPartition,
        /// How many records.
        records: usize,
        /// `OK`, or the error's code.
        outcome: &'static str,
    },
    /// A fetched batch entered the consumer's buffer, or was dropped because it was no longer wanted.
    BatchFetched {
        /// Where it came from.
        partition: TopicPartition,
        /// Its first offset.
        base_offset: i64,
        /// How many bytes.
        count: usize,
        /// Whether it was kept.
        kept: bool,
    },
}

/// The machines that have states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Machine {
    /// The client's life: start and stop.
    Lifecycle,
    /// One connection.
    Connection(ConnectionId),
}

impl Machine {
    /// Why a move is refused, in words.
    #[must_use]
    pub fn refusal(self, from: &str, to: &str) -> String {
        let whose = match self {
            Self::Lifecycle => "a client's life",
            Self::Connection(_) => "a connection",
        };
        format!("{from} -> {to} is not a legal move of {whose}")
    }
}

/// Why input is ignored, in words.
#[must_use]
pub fn ignored(connection: ConnectionId, input: &str) -> String {
    format!("{connection} is not open, or not the newest connection any more: {input} is ignored")
}

/// Collects trace events while switched on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracer {
    on: bool,
    events: VecDeque<TraceEvent>,
}

impl Tracer {
    /// Switches tracing on or off. Off forgets what was not yet taken.
    pub(crate) fn set(&mut self, on: bool) {
        self.on = on;
        if !on {
            self.events.clear();
        }
    }

    /// Adds an event; `kind` is only called when tracing is on.
    pub(crate) fn add(&mut self, at: Instant, kind: impl FnOnce() -> TraceKind) {
        if self.on {
            self.events.push_back(TraceEvent { at, kind: kind() });
        }
    }

    /// The oldest event not yet taken.
    pub(crate) fn take(&mut self) -> Option<TraceEvent> {
        self.events.pop_front()
    }
}
