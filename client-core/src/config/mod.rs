//! The resolved configuration: plain values, checked once, owned by the client.
//!
//! [`resolve`] makes one of layers of options; Rust programs may as well fill in a [`Config`] themselves. Defaults live here and
//! nowhere else.

mod info;
mod layers;
mod options;
mod sasl;
mod value;

pub use info::{OptionInfo, OptionKind};
pub use layers::{Layer, Origin, Resolved, RoleName, resolve};
pub use value::Value;

use crate::compression::Compression;
use crate::error::Error;
use crate::io::Address;
use crate::sasl::Sasl;
use crate::time::{Duration, WallClock};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Everything a client needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Sent with every request; brokers write it into logs, metrics and quotas (`client.id`).
    pub client_id: String,
    /// Where to begin (`bootstrap.servers`). At least one.
    pub bootstrap: Vec<Address>,
    /// Ties the driver's clock to wall time, for record timestamps.
    pub wall_clock: WallClock,
    /// How long an attempt to connect may take (`socket.connection.setup.timeout.ms`).
    pub connect_timeout: Duration,
    /// How long a reply may take (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// The first wait before a broker is connected to again (`reconnect.backoff.ms`).
    pub reconnect_backoff: Duration,
    /// The longest such wait (`reconnect.backoff.max.ms`).
    pub reconnect_backoff_max: Duration,
    /// The first wait before a failed request is sent again (`retry.backoff.ms`).
    pub retry_backoff: Duration,
    /// The longest such wait (`retry.backoff.max.ms`).
    pub retry_backoff_max: Duration,
    /// When metadata is asked for again though nothing went wrong (`metadata.max.age.ms`).
    pub metadata_max_age: Duration,
    /// What to do when no known broker answers any more (`metadata.recovery.strategy`, KIP-899).
    pub metadata_recovery: MetadataRecovery,
    /// How long metadata may fail to come before everything known of the cluster is dropped and the bootstrap addresses are asked again
    /// (`metadata.recovery.rebootstrap.trigger.ms`, KIP-1102).
    pub rebootstrap_trigger: Duration,
    /// When an unused connection is closed (`connections.max.idle.ms`).
    pub connections_max_idle: Duration,
    /// The largest reply accepted, in bytes. Also the most that the records of one batch may take when decompressed.
    pub max_frame_size: usize,
    /// How to say who this client is (`sasl.mechanism`, `sasl.jaas.config`). `None` for brokers that do not ask.
    pub sasl: Option<Sasl>,
    /// What kind of client this is.
    pub role: Role,
    /// A deliberate fault, for the playground's "before" pictures.
    #[cfg(feature = "exhibits")]
    pub defect: Option<Defect>,
}

/// What to do when no known broker answers any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataRecovery {
    /// Ask the bootstrap addresses again.
    Rebootstrap,
    /// Nothing: the brokers named last are tried for ever.
    None,
}

/// What kind of client it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes records.
    Producer(ProducerConfig),
    /// Reads records.
    Consumer(ConsumerConfig),
    /// Manages topics and settings.
    Admin(AdminConfig),
}

/// What a producer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerConfig {
    /// Who must have a record before it counts as sent (`acks`).
    pub acks: Acks,
    /// How long a batch waits for company (`linger.ms`). Zero sends what the current turn has gathered at once; while
    /// requests are in flight batches fill up all the same.
    pub linger: Duration,
    /// The size at which a batch is full, in bytes before compression (`batch.size`).
    pub batch_size: usize,
    /// The largest request, and so the largest record, in bytes (`max.request.size`).
    pub max_request_size: usize,
    /// How many bytes of records may wait (`buffer.memory`).
    pub buffer_memory: usize,
    /// How long a record may take from `send()` to its end, retries included (`delivery.timeout.ms`).
    pub delivery_timeout: Duration,
    /// How long a record may wait for its topic's metadata (`max.block.ms`): the time after which a topic that does not
    /// exist is an error.
    pub max_block: Duration,
    /// How many produce requests may be unanswered per broker; 1 to 5 with idempotence
    /// (`max.in.flight.requests.per.connection`).
    pub max_in_flight: usize,
    /// Whether retries may neither duplicate nor reorder records (`enable.idempotence`, KIP-98). Needs acks=all.
    pub idempotent: bool,
    /// How batches are compressed (`compression.type`). One that would not become smaller goes uncompressed.
    pub compression: Compression,
    /// How a record without a partition gets one.
    pub partitioner: Partitioner,
    /// Headers added to each record that lacks their key (CF5), in this order.
    pub extra_headers: Vec<(Bytes, Option<Bytes>)>,
}

/// Who must have a record before it counts as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody: brokers do not answer.
    None,
    /// The partition's leader.
    Leader,
    /// All replicas in sync.
    All,
}

impl Acks {
    /// The protocol's number.
    #[must_use]
    pub const fn as_i16(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// How a record without a partition gets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitioner {
    /// As the Java client does: murmur2 of the key; without a key, one partition until its batch is full (KIP-480, KIP-794).
    Default,
    /// One partition after the other, whatever the key.
    RoundRobin,
}

/// What a consumer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// How many bytes the broker should wait for (`fetch.min.bytes`).
    pub fetch_min_bytes: i32,
    /// How long the broker may wait for them (`fetch.max.wait.ms`).
    pub fetch_max_wait: Duration,
    /// The most bytes in one reply (`fetch.max.bytes`).
    pub fetch_max_bytes: i32,
    /// The most bytes per partition in one reply (`max.partition.fetch.bytes`).
    pub max_partition_fetch_bytes: i32,
    /// Whether records of open and aborted transactions are left out (`isolation.level=read_committed`).
    pub read_committed: bool,
    /// Where to go when an offset does not exist (`auto.offset.reset`).
    pub offset_reset: OffsetReset,
    /// Whether checksums are verified (`check.crcs`).
    pub check_crcs: bool,
}

/// What an admin client needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// How long an operation may take, retries included, unless its caller says otherwise (`default.api.timeout.ms`).
    pub default_api_timeout: Duration,
}

/// Where to go when a position does not exist any more, or none was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// The first record there is.
    Earliest,
    /// After the last record there is.
    Latest,
    /// Nowhere: report an error.
    None,
}

/// A deliberate fault. Each is consulted at exactly one place: the place where the fix lives.
#[cfg(feature = "exhibits")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// `start()` does not notice that a start is already under way.
    NoStartGuard,
    /// A failed start leaves what it opened.
    NoRollback,
    /// The receive buffer outlives its connection.
    KeepReceiveBuffer,
    /// Requests in flight are not failed when their connection ends.
    KeepInFlight,
    /// Buffered records of an old assignment are kept.
    KeepOldAssignment,
}

#[cfg(feature = "exhibits")]
impl Defect {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::NoStartGuard,
        Self::NoRollback,
        Self::KeepReceiveBuffer,
        Self::KeepInFlight,
        Self::KeepOldAssignment,
    ];
}

impl Config {
    /// A configuration with the defaults of the Java client, where it has them.
    #[must_use]
    pub fn new(client_id: &str, bootstrap: Vec<Address>, role: Role) -> Self {
        Self {
            client_id: client_id.to_owned(),
            bootstrap,
            wall_clock: WallClock::default(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            metadata_max_age: Duration::from_secs(300),
            metadata_recovery: MetadataRecovery::Rebootstrap,
            rebootstrap_trigger: Duration::from_secs(300),
            connections_max_idle: Duration::from_secs(540),
            max_frame_size: 128 << 20,
            sasl: None,
            role,
            #[cfg(feature = "exhibits")]
            defect: None,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the first key that cannot be used.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(problem) = self.sasl.as_ref().and_then(Sasl::lacks) {
            return Err(layers::invalid("options", "sasl", problem.to_owned()));
        }
        let mut copy = self.clone();
        let wrong = copy.wrong_option();
        match wrong.or_else(|| copy.conflict().map(|conflict| (conflict.key, conflict.problem))) {
            Some((key, problem)) => Err(layers::invalid("options", key, problem)),
            None => Ok(()),
        }
    }
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            linger: Duration::ZERO,
            batch_size: 128 << 10,
            max_request_size: 1 << 20,
            buffer_memory: 32 << 20,
            delivery_timeout: Duration::from_secs(120),
            max_block: Duration::from_secs(60),
            max_in_flight: 5,
            idempotent: true,
            compression: Compression::None,
            partitioner: Partitioner::Default,
            extra_headers: Vec::new(),
        }
    }
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            fetch_min_bytes: 1,
            fetch_max_wait: Duration::from_millis(500),
            fetch_max_bytes: 50 << 20,
            max_partition_fetch_bytes: 1 << 20,
            read_committed: false,
            offset_reset: OffsetReset::Latest,
            check_crcs: true,
        }
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { default_api_timeout: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn check(change: impl FnOnce(&mut Config, &mut ProducerConfig), expected: &str) {
        let bootstrap = vec![Address { host: "b1".into(), port: 9092 }];
        let mut producer = ProducerConfig::default();
        let mut config = Config::new("test", bootstrap, Role::Producer(producer.clone()));
        change(&mut config, &mut producer);
        config.role = Role::Producer(producer);
        match config.check() {
            Ok(()) => assert_eq!(expected, "", "no error"),
            Err(Error::InvalidConfig { key, .. }) => assert_eq!(key, expected),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_bad_value_names_its_key() {
        check(|_, _| (), "");
        check(|config, _| config.bootstrap.clear(), "brokers");
        check(|config, _| config.connect_timeout = Duration::ZERO, "connectTimeoutMs");
        check(|config, _| config.request_timeout = Duration::ZERO, "requestTimeoutMs");
        check(|config, _| config.reconnect_backoff = Duration::from_secs(9), "reconnectBackoffMs");
        check(|config, _| config.retry_backoff = Duration::from_secs(9), "retryBackoffMs");
        check(|config, _| config.max_frame_size = 1, "maxFrameSize");
        check(|_, producer| producer.acks = Acks::Leader, "acks");
        check(|_, producer| producer.max_in_flight = 6, "maxInFlightRequests");
        check(|_, producer| producer.batch_size = 0, "batchSize");
        check(|_, producer| producer.max_request_size = 1, "maxRequestSize");
        check(|_, producer| producer.buffer_memory = 1, "bufferMemory");
        check(|_, producer| producer.delivery_timeout = Duration::ZERO, "deliveryTimeoutMs");
    }

    #[test]
    fn a_consumers_bad_values_name_their_keys() {
        for (bad, expected) in [
            (ConsumerConfig { fetch_min_bytes: -1, ..Default::default() }, "fetchMinBytes"),
            (ConsumerConfig { fetch_max_bytes: 0, ..Default::default() }, "fetchMaxBytes"),
            (ConsumerConfig { max_partition_fetch_bytes: 0, ..Default::default() }, "maxPartitionFetchBytes"),
            (
                ConsumerConfig { fetch_max_wait: Duration::from_secs(3_601), ..Default::default() },
                "fetchMaxWaitMs",
            ),
        ] {
            let bootstrap = vec![Address { host: "b1".into(), port: 9092 }];
            let error = Config::new("test", bootstrap, Role::Consumer(bad)).check();
            assert!(matches!(&error, Err(Error::InvalidConfig { key, .. }) if key == expected), "{error:?}");
        }
    }
}
