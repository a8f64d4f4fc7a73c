//! A Kafka client that performs no I/O, reads no clock and calls nobody back.
//!
//! # The one contract
//!
//! Give the client one input ([`Client::handle`]) or commands, then drain [`Client::poll_output`] to `None` and do what it says,
//! then sleep until [`Client::poll_timeout`] or the next input. That is all a driver does; this crate does the rest.
//!
//! ```
//! use client_core::{Address, Client, Config, Event, Input, Instant, Output, ProducerConfig, Role, StartOptions};
//!
//! let brokers = vec![Address::parse("localhost:9092").unwrap()];
//! let config = Config::new("example", brokers, Role::Producer(ProducerConfig::default()));
//! let mut now = Instant::ZERO; // a driver reads its monotonic clock here
//! let mut client = Client::new(&config, 42, now).unwrap();
//! client.start(now, StartOptions::default());
//!
//! let mut connected = None;
//! while let Some(output) = client.poll_output() {
//!     match output {
//!         Output::Connect { connection, address } => {
//!             assert_eq!(address.to_string(), "localhost:9092"); // a driver opens a socket here
//!             connected = Some(connection);
//!         }
//!         Output::Send { connection, bytes } => println!("{connection}: {} bytes to write", bytes.len()),
//!         Output::Close { connection, reason } => println!("{connection}: close, {reason}"),
//!         Output::Event(Event::Completed { operation, result }) => println!("{operation}: {result:?}"),
//!         Output::Event(event) => println!("{event:?}"),
//!     }
//! }
//! // The next input: the socket is open. What goes out then is the first request.
//! client.handle(now, Input::Connected { connection: connected.unwrap() });
//! assert!(matches!(client.poll_output(), Some(Output::Send { .. })));
//! let deadline = client.poll_timeout().unwrap(); // sleep until then, or until something happens
//! now = deadline.at;
//! client.handle(now, Input::TimeoutFired);
//! ```
//!
//! `Received` may carry one byte or ten frames: where bytes are cut means nothing. Input for a connection of an older generation is
//! ignored, never parsed.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

// Each module imports only from those above it; a test keeps it so.
pub mod compression;
pub mod error;
pub mod ids;
pub mod rng;
pub mod time;

pub mod sasl;

pub mod config;
pub mod io;
pub mod trace;

pub mod protocol;

mod backoff;
mod broker_error;
pub mod edge;
pub mod view;

mod cx;
mod waiters;

mod admin;
mod cluster;
pub mod connection;
pub mod consumer;
pub mod lifecycle;
mod producer;

mod client;

pub use client::{Admin, Client, ConnectionView, Consumer, InFlightView, Inspect, Producer};
pub use compression::Compression;
#[cfg(feature = "exhibits")]
pub use config::Defect;
pub use config::{
    Acks, AdminConfig, Config, ConsumerConfig, MetadataRecovery, OffsetReset, Partitioner, ProducerConfig,
    Role,
};
pub use connection::{AuthenticationPhase, ConnectionState};
pub use consumer::{AssignOutcome, FetchedBatch, StartOffset};
pub use cx::Counters;
pub use error::{AuthenticationFailure, Blame, CloseReason, DisconnectCause, Error, LossCause};
pub use ids::{BrokerId, ConnectionId, NodeId, OperationId, RecordId, TopicName, TopicPartition};
pub use io::{
    Address, AdminCommand, AdminFound, AdminResult, AdminSubject, Completion, Deadline, Delivered, Delivery,
    Event, Input, OffsetFound, OffsetSpec, Output, PartitionInfo, RecordIds, Status, Timer,
};
pub use lifecycle::{LifecycleState, Start, StartOptions, StartOutcome, StopOptions};
pub use producer::Record;
pub use protocol::record_batch::RecordHeader;
pub use sasl::{CredentialSource, Credentials, Entropy, Mechanism, Sasl, Secret};
pub use time::{Duration, Instant, WallClock};
pub use trace::{Machine, TraceEvent, TraceKind};
