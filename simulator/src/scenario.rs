//! Where a run begins: the cluster, the clients and the network, before anybody has done anything.

use crate::cluster::{SaslConfig, SaslMechanism};
use crate::text::{ParseError, Words, number};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::Compression;
#[cfg(feature = "exhibits")]
use client_core::config::Defect;
use client_core::config::{Acks, AdminConfig, Config, ConsumerConfig, OffsetReset, ProducerConfig, Role};
use client_core::io::Address;
use client_core::sasl::{CredentialSource, Credentials, Entropy, Mechanism, Sasl};
use client_core::time::{Duration, WallClock};
use core::fmt;

/// The beginning of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// How many brokers; their node ids are 1, 2, ...
    pub nodes: u16,
    /// The node ids whose addresses the clients begin with.
    pub bootstrap: Vec<i32>,
    /// The topics that exist: name and number of partitions.
    pub topics: Vec<(String, i32)>,
    /// Whether the brokers ask who comes.
    pub sasl: Option<SaslSetup>,
    /// The clients.
    pub clients: Vec<ClientSetup>,
    /// Whether brokers compare whom a client means with who they are, as those of Kafka 4.4 (KIP-1242).
    pub compares_nodes: bool,
    /// The network.
    pub network: NetworkSetup,
}

/// How brokers ask who comes. What there is to know, every world knows: it never stands in a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslSetup {
    /// What is switched on.
    pub mechanisms: Vec<SaslMechanism>,
    /// How long a session lasts, in milliseconds; `None` for ever.
    pub session_ms: Option<u64>,
}

/// What clients know and brokers expect.
const USERNAME: &str = "alice";
const PASSWORD: &str = "through-the-looking-glass";
const TOKEN: &str = "drink-me-and-shrink";

impl SaslSetup {
    /// Texts that nothing of a world may show.
    pub const SECRETS: [&str; 2] = [PASSWORD, TOKEN];

    /// What the cluster is configured with.
    #[must_use]
    pub fn config(&self) -> SaslConfig {
        SaslConfig {
            token: Some(TOKEN.into()),
            session_max: self.session_ms.map(Duration::from_millis),
            ..SaslConfig::with_user(&self.mechanisms, USERNAME, PASSWORD)
        }
    }
}

/// What the network does to bytes when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSetup {
    /// The shortest time that bytes travel, in microseconds.
    pub delay_micros_min: u64,
    /// The longest.
    pub delay_micros_max: u64,
    /// How streams are cut into deliveries.
    pub chunking: Chunking,
}

/// How a stream of bytes is cut into deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// As it was written.
    Whole,
    /// Into pieces of at most so many bytes.
    Fixed(u32),
    /// Into pieces of random sizes, one byte included.
    Random,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSetup {
    /// What kind.
    pub role: RoleSetup,
    /// `connect_timeout`, in milliseconds.
    pub connect_timeout_ms: u64,
    /// `request_timeout`, in milliseconds.
    pub request_timeout_ms: u64,
    /// How it says who it is, if it does.
    pub sasl: Option<Mechanism>,
    /// Settings that few scenarios change.
    pub limits: LimitSetup,
    /// A deliberate fault of the client.
    #[cfg(feature = "exhibits")]
    pub defect: Option<Defect>,
}

/// Settings that few scenarios change; `None` is the client's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitSetup {
    /// `connections_max_idle`, in milliseconds.
    pub idle_ms: Option<u64>,
    /// A producer's `batch_size`, in bytes.
    pub batch_size: Option<u32>,
    /// A producer's `max_request_size`, in bytes.
    pub max_request_size: Option<u32>,
    /// A producer's `buffer_memory`, in bytes.
    pub buffer_memory: Option<u32>,
    /// A producer's `max_in_flight`.
    pub max_in_flight: Option<u32>,
    /// A producer's `delivery_timeout`, in milliseconds.
    pub delivery_timeout_ms: Option<u64>,
    /// A producer's `max_block`, in milliseconds.
    pub max_block_ms: Option<u64>,
    /// How many headers of its own each record has, and a key; the configuration then adds two more headers, one of which
    /// each record has already.
    pub headers: Option<u32>,
    /// A producer's `compression`.
    pub compression: Option<Compression>,
    /// A consumer's `max_partition_fetch_bytes`.
    pub fetch_bytes: Option<u32>,
    /// A consumer's `fetch_max_wait`, in milliseconds.
    pub fetch_wait_ms: Option<u64>,
}

/// What kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleSetup {
    /// Writes records.
    Producer {
        /// Whether retries may neither duplicate nor reorder.
        idempotent: bool,
        /// Who must have a record; all with idempotence.
        acks: Acks,
        /// `linger`, in milliseconds.
        linger_ms: u64,
    },
    /// Reads records.
    Consumer,
    /// Manages topics.
    Admin,
}

impl Default for Scenario {
    /// One broker, one topic with one partition, one producer, a steady network.
    fn default() -> Self {
        Self {
            nodes: 1,
            bootstrap: vec![1],
            topics: vec![("orders".to_string(), 1)],
            sasl: None,
            clients: vec![ClientSetup::default()],
            compares_nodes: false,
            network: NetworkSetup::default(),
        }
    }
}

impl Default for NetworkSetup {
    fn default() -> Self {
        Self { delay_micros_min: 1_000, delay_micros_max: 1_000, chunking: Chunking::Whole }
    }
}

impl Default for ClientSetup {
    fn default() -> Self {
        Self {
            role: RoleSetup::Producer { idempotent: true, acks: Acks::All, linger_ms: 0 },
            connect_timeout_ms: 10_000,
            request_timeout_ms: 30_000,
            sasl: None,
            limits: LimitSetup::default(),
            #[cfg(feature = "exhibits")]
            defect: None,
        }
    }
}

/// Unix milliseconds when the virtual clock shows zero: 2024-01-01 00:00 UTC. Fixed, so that runs repeat.
pub const UNIX_MILLIS_AT_ZERO: i64 = 1_704_067_200_000;

impl Scenario {
    /// Where a broker listens.
    #[must_use]
    pub fn address(node: i32) -> Address {
        Address { host: format!("broker{node}"), port: 9092 }
    }

    /// The same with a deliberate fault in every client.
    #[cfg(feature = "exhibits")]
    #[must_use]
    pub fn with_defect(mut self, defect: Option<Defect>) -> Self {
        for client in &mut self.clients {
            client.defect = defect;
        }
        self
    }

    /// The configuration of a client.
    #[must_use]
    pub fn config(&self, client: &ClientSetup, number: usize) -> Config {
        let bootstrap = self.bootstrap.iter().map(|node| Self::address(*node)).collect();
        let role = match client.role {
            RoleSetup::Producer { idempotent, acks, linger_ms } => {
                let linger = Duration::from_millis(linger_ms);
                let producer = ProducerConfig { idempotent, acks, linger, ..ProducerConfig::default() };
                Role::Producer(client.limits.of_producer(producer))
            }
            RoleSetup::Consumer => {
                let consumer =
                    ConsumerConfig { offset_reset: OffsetReset::Earliest, ..ConsumerConfig::default() };
                Role::Consumer(client.limits.of_consumer(consumer))
            }
            RoleSetup::Admin => Role::Admin(AdminConfig::default()),
        };
        let mut config = Config::new(&format!("client-{}", number + 1), bootstrap, role);
        config.wall_clock = WallClock { unix_millis_at_zero: UNIX_MILLIS_AT_ZERO };
        config.connect_timeout = Duration::from_millis(client.connect_timeout_ms);
        config.request_timeout = Duration::from_millis(client.request_timeout_ms);
        config.sasl = client.sasl.map(|mechanism| {
            let credentials = match mechanism {
                Mechanism::OauthBearer => Credentials::token(TOKEN),
                Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
                    Credentials::password(USERNAME, PASSWORD)
                }
            };
            // Nobody listens in a world: that clients differ is enough.
            let entropy = Some(Entropy([number as u8; 32]));
            Sasl { mechanism, credentials: CredentialSource::Fixed(credentials), entropy }
        });
        if let Some(millis) = client.limits.idle_ms {
            config.connections_max_idle = Duration::from_millis(millis);
        }
        #[cfg(feature = "exhibits")]
        {
            config.defect = client.defect;
        }
        config
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Which entry cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut scenario = Self { topics: Vec::new(), clients: Vec::new(), ..Self::default() };
        for entry in text.split('/') {
            let mut words = Words::new(entry);
            match words.word(ENTRIES)? {
                "compare" => scenario.compares_nodes = true,
                "nodes" => {
                    scenario.nodes = words.number("a number of brokers")?;
                    if !(1..=NODES_MAX).contains(&scenario.nodes) {
                        return Err(ParseError::new(entry, format!("expected 1 to {NODES_MAX} brokers")));
                    }
                }
                "from" => {
                    scenario.bootstrap = words
                        .word("node ids such as 1+2")?
                        .split('+')
                        .map(|node| number(node, "a node id"))
                        .collect::<Result<_, _>>()?;
                }
                "topic" => {
                    let name = words.word("a topic")?.to_string();
                    let partitions = words.number("a number of partitions")?;
                    if !(1..=PARTITIONS_MAX).contains(&partitions) {
                        return Err(ParseError::new(
                            entry,
                            format!("expected 1 to {PARTITIONS_MAX} partitions"),
                        ));
                    }
                    scenario.topics.push((name, partitions));
                }
                "client" => scenario.clients.push(ClientSetup::parse(entry, &mut words)?),
                "net" => {
                    scenario.network.delay_micros_min = words.number("microseconds")?;
                    scenario.network.delay_micros_max = words.number("microseconds")?;
                    scenario.network.chunking = match words.word("whole, random or a size")? {
                        "whole" => Chunking::Whole,
                        "random" => Chunking::Random,
                        word => Chunking::Fixed(number(word, "whole, random or a size")?),
                    };
                }
                "sasl" => scenario.sasl = Some(SaslSetup::parse(entry, &mut words)?),
                other => return Err(words.unexpected(ENTRIES, other)),
            }
            words.end()?;
        }
        if scenario.clients.is_empty() || scenario.clients.len() > CLIENTS_MAX {
            return Err(ParseError::new(text, format!("expected 1 to {CLIENTS_MAX} clients")));
        }
        Ok(scenario)
    }
}

const ENTRIES: &str = "nodes, from, topic, sasl, client or net";

impl SaslSetup {
    fn parse(entry: &str, words: &mut Words<'_>) -> Result<Self, ParseError> {
        let names = words.word("mechanisms such as PLAIN+SCRAM-SHA-256")?.split('+');
        let mechanisms = names.map(|name| {
            let found = SaslMechanism::from_name(name);
            found.ok_or_else(|| ParseError::new(entry, format!("there is no mechanism {name}")))
        });
        let mechanisms = mechanisms.collect::<Result<_, _>>()?;
        let session_ms = words.next_if_any().map(|word| number(word, "milliseconds")).transpose()?;
        Ok(Self { mechanisms, session_ms })
    }
}

/// Limits of what a text may ask for: a link must not be able to exhaust the page that opens it.
const NODES_MAX: u16 = 50;
const PARTITIONS_MAX: i32 = 1_000;
const CLIENTS_MAX: usize = 8;

impl LimitSetup {
    fn of_producer(&self, default: ProducerConfig) -> ProducerConfig {
        let bytes = |bytes: Option<u32>, default: usize| bytes.map_or(default, |bytes| bytes as usize);
        let millis = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
        ProducerConfig {
            batch_size: bytes(self.batch_size, default.batch_size),
            max_request_size: bytes(self.max_request_size, default.max_request_size),
            buffer_memory: bytes(self.buffer_memory, default.buffer_memory),
            max_in_flight: bytes(self.max_in_flight, default.max_in_flight),
            delivery_timeout: millis(self.delivery_timeout_ms, default.delivery_timeout),
            max_block: millis(self.max_block_ms, default.max_block),
            compression: self.compression.unwrap_or(default.compression),
            extra_headers: if self.headers.is_some() { extra_headers() } else { default.extra_headers },
            ..default
        }
    }

    fn of_consumer(&self, default: ConsumerConfig) -> ConsumerConfig {
        ConsumerConfig {
            max_partition_fetch_bytes: self
                .fetch_bytes
                .and_then(|bytes| i32::try_from(bytes).ok())
                .unwrap_or(default.max_partition_fetch_bytes),
            fetch_max_wait: self.fetch_wait_ms.map_or(default.fetch_max_wait, Duration::from_millis),
            ..default
        }
    }

    /// Reads one setting of a client; whether there is one of this name.
    fn read(&mut self, key: &str, value: &str, role: &RoleSetup) -> Result<bool, ParseError> {
        let producer = matches!(role, RoleSetup::Producer { .. });
        let consumer = *role == RoleSetup::Consumer;
        match key {
            "idle" => self.idle_ms = Some(number(value, "milliseconds")?),
            "batch" if producer => self.batch_size = Some(number(value, "bytes")?),
            "request-bytes" if producer => self.max_request_size = Some(number(value, "bytes")?),
            "buffer" if producer => self.buffer_memory = Some(number(value, "bytes")?),
            "in-flight" if producer => self.max_in_flight = Some(number(value, "a number of requests")?),
            "delivery" if producer => self.delivery_timeout_ms = Some(number(value, "milliseconds")?),
            "block" if producer => self.max_block_ms = Some(number(value, "milliseconds")?),
            "headers" if producer => {
                let headers = number(value, "a number of headers")?;
                if headers > HEADERS_MAX {
                    return Err(ParseError::new(value, format!("expected at most {HEADERS_MAX} headers")));
                }
                self.headers = Some(headers);
            }
            "compression" if producer => {
                let found = Compression::ALL.into_iter().find(|codec| codec.name() == value);
                let expected = "expected none, gzip, snappy, lz4 or zstd";
                self.compression = Some(found.ok_or_else(|| ParseError::new(value, expected))?);
            }
            "fetch-bytes" if consumer => self.fetch_bytes = Some(number(value, "bytes")?),
            "fetch-wait" if consumer => self.fetch_wait_ms = Some(number(value, "milliseconds")?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

const HEADERS_MAX: u32 = 100;

/// What the configuration adds to records that have headers: one that they have already, and one that they lack (CF5).
fn extra_headers() -> Vec<(Bytes, Option<Bytes>)> {
    let text = Bytes::from_static;
    vec![(text(b"own-1"), Some(text(b"never"))), (text(b"extra"), Some(text(b"added")))]
}

impl fmt::Display for LimitSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: Option<u32>| bytes.map(u64::from);
        for (key, value) in [
            ("idle", self.idle_ms),
            ("batch", bytes(self.batch_size)),
            ("request-bytes", bytes(self.max_request_size)),
            ("buffer", bytes(self.buffer_memory)),
            ("in-flight", bytes(self.max_in_flight)),
            ("delivery", self.delivery_timeout_ms),
            ("block", self.max_block_ms),
            ("headers", bytes(self.headers)),
            ("fetch-bytes", bytes(self.fetch_bytes)),
            ("fetch-wait", self.fetch_wait_ms),
        ] {
            if let Some(value) = value {
                write!(f, ":{key}={value}")?;
            }
        }
        if let Some(compression) = self.compression {
            write!(f, ":compression={}", compression.name())?;
        }
        Ok(())
    }
}

impl ClientSetup {
    fn parse(entry: &str, words: &mut Words<'_>) -> Result<Self, ParseError> {
        let mut setup = Self::default();
        setup.role = match words.word("producer, consumer or admin")? {
            "producer" => setup.role,
            "consumer" => RoleSetup::Consumer,
            "admin" => RoleSetup::Admin,
            other => return Err(words.unexpected("producer, consumer or admin", other)),
        };
        while let Some(word) = words.next_if_any() {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| ParseError::new(entry, format!("expected key=value, found {word}")))?;
            match (key, &mut setup.role) {
                ("connect", _) => setup.connect_timeout_ms = number(value, "milliseconds")?,
                ("request", _) => setup.request_timeout_ms = number(value, "milliseconds")?,
                ("sasl", _) => {
                    let found = Mechanism::from_name(value);
                    setup.sasl = Some(found.ok_or_else(|| words.unexpected("a mechanism", value))?);
                }
                ("linger", RoleSetup::Producer { linger_ms, .. }) => {
                    *linger_ms = number(value, "milliseconds")?
                }
                ("acks", RoleSetup::Producer { acks, idempotent, .. }) => {
                    (*acks, *idempotent) = match value {
                        "0" => (Acks::None, false),
                        "1" => (Acks::Leader, false),
                        "all" => (Acks::All, false),
                        "idempotent" => (Acks::All, true),
                        other => return Err(words.unexpected("acks=0, 1, all or idempotent", other)),
                    };
                }
                #[cfg(feature = "exhibits")]
                ("defect", _) => {
                    let defect = DEFECTS.iter().find(|(name, _)| *name == value);
                    let (_, defect) =
                        defect.ok_or_else(|| words.unexpected("the name of a defect", value))?;
                    setup.defect = Some(*defect);
                }
                (_, role) => {
                    if !setup.limits.read(key, value, role)? {
                        return Err(words.unexpected("a known key", key));
                    }
                }
            }
        }
        Ok(setup)
    }
}

#[cfg(feature = "exhibits")]
const DEFECTS: [(&str, Defect); 5] = [
    ("no-start-guard", Defect::NoStartGuard),
    ("no-rollback", Defect::NoRollback),
    ("keep-receive-buffer", Defect::KeepReceiveBuffer),
    ("keep-in-flight", Defect::KeepInFlight),
    ("keep-old-assignment", Defect::KeepOldAssignment),
];

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.bootstrap.iter().map(ToString::to_string).collect();
        write!(f, "nodes:{}/from:{}", self.nodes, nodes.join("+"))?;
        for (name, partitions) in &self.topics {
            write!(f, "/topic:{name}:{partitions}")?;
        }
        if let Some(SaslSetup { mechanisms, session_ms }) = &self.sasl {
            let names: Vec<_> = mechanisms.iter().map(|mechanism| mechanism.name()).collect();
            write!(f, "/sasl:{}", names.join("+"))?;
            session_ms.map_or(Ok(()), |millis| write!(f, ":{millis}"))?;
        }
        for client in &self.clients {
            write!(f, "/client:{client}")?;
        }
        if self.compares_nodes {
            f.write_str("/compare")?;
        }
        let NetworkSetup { delay_micros_min, delay_micros_max, chunking } = self.network;
        write!(f, "/net:{delay_micros_min}:{delay_micros_max}:")?;
        match chunking {
            Chunking::Whole => f.write_str("whole"),
            Chunking::Fixed(size) => size.fmt(f),
            Chunking::Random => f.write_str("random"),
        }
    }
}

impl fmt::Display for ClientSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            RoleSetup::Producer { idempotent, acks, linger_ms } => {
                let acks = match (acks, idempotent) {
                    (_, true) => "idempotent",
                    (Acks::None, false) => "0",
                    (Acks::Leader, false) => "1",
                    (Acks::All, false) => "all",
                };
                write!(f, "producer:acks={acks}:linger={linger_ms}")?;
            }
            RoleSetup::Consumer => f.write_str("consumer")?,
            RoleSetup::Admin => f.write_str("admin")?,
        }
        write!(f, ":connect={}:request={}", self.connect_timeout_ms, self.request_timeout_ms)?;
        self.sasl.map_or(Ok(()), |mechanism| write!(f, ":sasl={mechanism}"))?;
        self.limits.fmt(f)?;
        #[cfg(feature = "exhibits")]
        if let Some((name, _)) =
            self.defect.and_then(|defect| DEFECTS.iter().find(|(_, other)| *other == defect))
        {
            write!(f, ":defect={name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_round_trip_through_their_text() {
        let scenario = Scenario {
            nodes: 3,
            bootstrap: vec![1, 3],
            compares_nodes: true,
            topics: vec![("orders".into(), 3), ("a.b-c".into(), 1)],
            sasl: Some(SaslSetup { mechanisms: SaslMechanism::ALL.to_vec(), session_ms: Some(5_000) }),
            clients: vec![
                ClientSetup::default(),
                ClientSetup {
                    limits: LimitSetup {
                        batch_size: Some(700),
                        headers: Some(2),
                        compression: Some(Compression::Zstd),
                        delivery_timeout_ms: Some(9),
                        ..LimitSetup::default()
                    },
                    ..ClientSetup::default()
                },
                ClientSetup {
                    role: RoleSetup::Consumer,
                    connect_timeout_ms: 5,
                    sasl: Some(Mechanism::ScramSha512),
                    limits: LimitSetup { fetch_bytes: Some(1), ..LimitSetup::default() },
                    ..ClientSetup::default()
                },
                ClientSetup { role: RoleSetup::Admin, ..ClientSetup::default() },
            ],
            network: NetworkSetup { delay_micros_min: 1, delay_micros_max: 9, chunking: Chunking::Fixed(7) },
        };
        assert_eq!(Scenario::parse(&scenario.to_string()), Ok(scenario));
        for text in [
            "",
            "nodes:0/client:consumer",
            "nodes:1",
            "client:writer",
            "client:consumer:linger=1",
            "client:consumer:batch=1",
            "client:consumer:sasl=GSSAPI",
            "sasl:PLAIN+GSSAPI/client:consumer",
            "sasl:PLAIN:soon/client:consumer",
            "sasl/client:consumer",
            "client:admin:fetch-wait=1",
            "moon:1",
        ] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
    }
}
