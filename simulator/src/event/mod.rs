//! The one log that every view reads: what happened, who did it, and because of what.

mod kind;
mod log;
mod trace;

pub use kind::{CloseBy, Direction, EndCause, Group, Kind, MachineKind, Outcome, Side, StreamRange, Verdict};
pub use log::{Entry, Log};

use alloc::string::String;
use bytes::Bytes;
use client_core::ids::ConnectionId;
use client_core::time::Instant;
use core::fmt;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log, from 0.
    pub index: u32,
    /// The step of the world that it belongs to; one step can log several events. Counts from 1; 0 when
    /// no world is behind the log (a live client).
    pub step: u32,
    /// When, on the virtual clock.
    pub at: Instant,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub kind: Kind,
    /// The connection concerned.
    pub connection: Option<Connection>,
    /// The number that ties a reply to its request.
    pub correlation_id: Option<i32>,
    /// The index of the event that caused this one.
    pub cause: Option<u32>,
    /// A name that stays the same when unrelated things change: actor, kind, connection and a count.
    /// Runs are aligned by it.
    pub key: String,
    /// The bytes concerned: a frame with its size field, or a chunk of a stream.
    pub payload: Option<Bytes>,
}

impl Event {
    /// The coarse kind, for filters and symbols.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.kind.group()
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The person who watches: faults and other choices.
    You,
    /// A task of the application: T1, T2, ...
    Task(u16),
    /// A client, counted from 0.
    Client(u8),
    /// The network between clients and brokers.
    Network,
    /// A broker, by Kafka's node id.
    Broker(i32),
    /// Whoever checks the rules.
    Referee,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::You => f.write_str("you"),
            Self::Task(task) => write!(f, "T{task}"),
            Self::Client(0) => f.write_str("client"),
            Self::Client(client) => write!(f, "client{}", client + 1),
            Self::Network => f.write_str("network"),
            Self::Broker(node) => write!(f, "broker{node}"),
            Self::Referee => f.write_str("referee"),
        }
    }
}

/// A connection in a world that may hold several clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    /// Whose connection it is, counted from 0.
    pub client: u8,
    /// The client's name for it: broker and generation.
    pub id: ConnectionId,
}

impl Connection {
    /// Names a connection.
    #[must_use]
    pub const fn new(client: u8, id: ConnectionId) -> Self {
        Self { client, id }
    }

    /// The number of the client's broker.
    #[must_use]
    pub const fn broker(self) -> u16 {
        self.id.broker.0
    }

    /// The how-manieth connection to that broker.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.id.generation
    }
}

impl fmt::Display for Connection {
    /// `b1·g2`; the second client's connections are `c2·b1·g2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.client > 0 {
            write!(f, "c{}\u{b7}", self.client + 1)?;
        }
        self.id.fmt(f)
    }
}
