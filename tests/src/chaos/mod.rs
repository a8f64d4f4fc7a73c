//! Chaos against real Kafka: an idempotent producer and a consumer work through a proxy whose connections break, stall
//! and are cut in the middle of messages, while brokers are killed, frozen and started again.
//!
//! Everything random comes from one seed: [`plan`] makes the schedule of faults from it, [`proxy`] the fate of
//! each connection. What applications sent, were told and read is a [`journal`]; [`verdict`] compares it with what
//! Kafka's own console consumer finds in the log. Nothing is judged by time.

#![expect(clippy::disallowed_methods, reason = "drives processes and sockets: it waits for them")]

pub mod application;
pub mod brokers;
pub mod journal;
pub mod plan;
pub mod proxy;
pub mod reader;
pub mod report;
pub mod verdict;
