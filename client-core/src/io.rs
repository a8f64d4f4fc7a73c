//! Everything that crosses the core's border: what the world did, and what the driver must do.

mod admin;

pub use admin::{
    AdminCommand, AdminFound, AdminResult, AdminSubject, BrokerDescription, ClusterDescription, ConfigChange,
    ConfigEntry, ConfigOperation, ConfigResource, ConfigResourceType, NewPartitions, NewTopic,
    TopicDescription,
};

use crate::error::{CloseReason, DisconnectCause, Error};
use crate::ids::{BrokerId, ConnectionId, OperationId, RecordId, TopicPartition};
use crate::sasl::Mechanism;
use crate::time::Instant;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// Where a broker listens, as configured or as metadata advertised it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A host name or an IP address.
    pub host: String,
    /// A TCP port.
    pub port: u16,
}

impl Address {
    /// Reads `host:port`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (host, port) = text.rsplit_once(':').ok_or("expected host:port, found no ':'")?;
        let port: u16 = port.parse().map_err(|_| "expected a port from 1 to 65535 after the ':'")?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("expected a host name before the ':'");
        }
        if port == 0 {
            return Err("expected a port from 1 to 65535, found 0");
        }
        if host.chars().any(|c| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#')) {
            return Err("expected a plain host name, found a URL or white space");
        }
        Ok(Self { host: host.into(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What the world did. Input for a connection that is no longer current is ignored and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The connection asked for by [`Output::Connect`] is open.
    Connected {
        /// Which one.
        connection: ConnectionId,
    },
    /// Bytes arrived. Where they are cut means nothing.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: Bytes,
    },
    /// The connection, or the attempt to make it, ended.
    Disconnected {
        /// Which one.
        connection: ConnectionId,
        /// How.
        cause: DisconnectCause,
    },
    /// The time that [`Client::poll_timeout`](crate::Client::poll_timeout) named has come. Calling it early does no harm.
    TimeoutFired,
}

/// What the driver must do, in this order. `Debug` shows how many bytes are to be sent, not which: there may be a password in them.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a connection and answer with [`Input::Connected`] or [`Input::Disconnected`].
    Connect {
        /// The name of the new connection.
        connection: ConnectionId,
        /// Where to.
        address: Address,
    },
    /// Write these bytes. One request may come as several of these, one directly after the other.
    Send {
        /// To which connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: Bytes,
    },
    /// Close the connection, or give up opening it, and forget it: no input for it is expected any more.
    Close {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// Something the application wants to know.
    Event(Event),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { connection, address } => {
                f.debug_struct("Connect").field("connection", connection).field("address", address).finish()
            }
            Self::Send { connection, bytes } => {
                f.debug_struct("Send").field("connection", connection).field("bytes", &bytes.len()).finish()
            }
            Self::Close { connection, reason } => {
                f.debug_struct("Close").field("connection", connection).field("reason", reason).finish()
            }
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}

/// Something the application wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An operation ended. Each ends exactly once.
    Completed {
        /// Which one.
        operation: OperationId,
        /// How.
        result: Result<Completion, Error>,
    },
    /// Records which were accepted for sending have been acknowledged, or have failed.
    Delivered(Delivery),
    /// The consumer's buffer was empty and now holds records.
    RecordsAvailable,
    /// The client's condition changed.
    Status(Status),
    /// A partition of the assignment needs the application's attention (AS9).
    PartitionError {
        /// Which partition.
        partition: TopicPartition,
        /// What is wrong.
        error: Error,
    },
    /// A broker asks who this client is, and the credentials are not in the configuration. Answer with
    /// [`Client::provide_credentials`](crate::Client::provide_credentials); without an answer the connection is given up after
    /// `request_timeout`.
    CredentialsNeeded {
        /// The connection that waits for them.
        connection: ConnectionId,
        /// What they are for.
        mechanism: Mechanism,
    },
    /// The client is finished: every pending and later call fails with this error (LC13).
    Fatal(Error),
}

/// What an operation ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Nothing more to say.
    Done,
    /// The partitions of a topic.
    Partitions(Vec<PartitionInfo>),
    /// Offsets found, in the order in which the partitions were named.
    Offsets(Vec<OffsetFound>),
    /// What became of each part of an [`AdminCommand`], in the order in which the parts were named.
    Admin(Vec<AdminResult>),
}

/// Which offset is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first record there is.
    Earliest,
    /// After the last record there is.
    Latest,
    /// The first record of this time or later, in Unix milliseconds.
    AtTimestamp(i64),
}

impl OffsetSpec {
    /// How ListOffsets says it: the ends of a log have special timestamps.
    #[must_use]
    pub const fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::AtTimestamp(timestamp) => timestamp,
        }
    }
}

/// A partition as metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Which partition.
    pub partition: TopicPartition,
    /// The leader's node id, `None` while there is none.
    pub leader: Option<i32>,
    /// The leader's epoch (KIP-320), -1 if the broker did not say.
    pub leader_epoch: i32,
    /// Node ids of all replicas.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub in_sync_replicas: Vec<i32>,
}

/// The answer to one offset look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFound {
    /// Which partition.
    pub partition: TopicPartition,
    /// The offset; -1 when no record is that late.
    pub offset: i64,
    /// The record's timestamp in Unix milliseconds, -1 when not applicable.
    pub timestamp: i64,
}

/// The end of some accepted records: all of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where the records went, or were to go.
    pub partition: TopicPartition,
    /// The records, in the order of the batch.
    pub records: RecordIds,
    /// How it ended.
    pub result: Result<Delivered, Error>,
}

/// An acknowledged batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The offset of the first record of the delivery; the others follow one by one. `None` with `acks=0`, where
    /// brokers do not answer.
    pub base_offset: Option<i64>,
    /// The broker's time in Unix milliseconds when the topic uses `LogAppendTime`.
    pub log_append_time: Option<i64>,
}

/// A list of record ids as runs of consecutive ids: a batch filled in order is one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordIds {
    runs: Vec<(u64, u32)>,
}

impl RecordIds {
    /// Appends an id.
    pub fn push(&mut self, id: RecordId) {
        match self.runs.last_mut() {
            Some((first, count)) if *first + u64::from(*count) == id.0 && *count < u32::MAX => *count += 1,
            _ => self.runs.push((id.0, 1)),
        }
    }

    /// The runs: first id and how many.
    #[must_use]
    pub fn runs(&self) -> &[(u64, u32)] {
        &self.runs
    }

    /// How many ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.iter().map(|(_, count)| *count as usize).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The ids one by one.
    pub fn iter(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.runs.iter().flat_map(|(first, count)| (*first..*first + u64::from(*count)).map(RecordId))
    }
}

/// The client's condition as applications see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not started.
    Idle,
    /// `start()` is under way.
    Connecting,
    /// Everything needed is there.
    Connected,
    /// A broker is away; the client tries again.
    Reconnecting {
        /// Which broker.
        broker: BrokerId,
        /// How many attempts have failed since it was last ready.
        attempt: u32,
        /// When the next attempt comes.
        next_attempt: Instant,
        /// What the last attempt ended with.
        cause: Error,
    },
    /// A quota is used up: nothing is sent to the broker until then, as it wants (KIP-219).
    Throttled {
        /// Which broker.
        broker: BrokerId,
        /// Until when.
        until: Instant,
    },
    /// No known broker can be reached; the client goes on trying.
    Offline,
    /// `stop()` is under way.
    Stopping,
    /// Finished for good.
    Fatal,
}

/// When the client wants to be called again, and what for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// The time.
    pub at: Instant,
    /// The reason.
    pub why: Timer,
}

/// The reasons for which the client wants to be called at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// When to give up an attempt to connect.
    Connect(BrokerId),
    /// When to give up waiting for the oldest request's reply.
    Request(BrokerId),
    /// When to give up authenticating.
    Authenticate(BrokerId),
    /// When to try to connect again.
    Reconnect(BrokerId),
    /// When to close a connection that nobody uses.
    Idle(BrokerId),
    /// When to send to a broker again that wanted to hear nothing for a while.
    Throttle(BrokerId),
    /// When to fail a request that waits for its connection.
    Queued(BrokerId),
    /// When to ask for metadata again after a failure.
    MetadataRetry,
    /// When metadata is too old.
    MetadataAge,
    /// When to drop what is known of the cluster because no metadata has come for too long.
    Rebootstrap,
    /// When to ask for a producer id again after a failure.
    ProducerIdRetry,
    /// When to stop waiting for the flush and fail what is left.
    StopLimit,
    /// When a batch has waited long enough for company.
    Linger,
    /// When to send a failed batch again.
    ProduceRetry,
    /// When to fail records that could not be delivered in time.
    Delivery,
    /// When to fail an operation that was given a time limit.
    OperationLimit(OperationId),
    /// When to fetch again after a failure.
    FetchRetry,
    /// When to ask again for something that an admin client wants done.
    AdminRetry,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn addresses_are_read_and_shown() {
        for text in ["localhost:9092", "[::1]:9092", "b1.example:1"] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Ok(text.to_string()));
        }
        for text in ["localhost", ":9092", "a:0", "a:70000", "http://a:1", "a b:1", "user@host:1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn consecutive_record_ids_are_one_run() {
        let mut ids = RecordIds::default();
        for id in [3, 4, 5, 9, 10] {
            ids.push(RecordId(id));
        }
        assert_eq!(ids.runs(), [(3, 3), (9, 2)]);
        assert_eq!(ids.iter().map(|id| id.0).collect::<Vec<_>>(), vec![3, 4, 5, 9, 10]);
        assert_eq!(ids.len(), 5);
    }
}
