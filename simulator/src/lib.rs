//! A world as a value: a simulated Kafka cluster, network and virtual clock around `client-core`.
//!
//! Reads no clock, opens no socket, spawns nothing and draws no number that is not a function of the seed.
//! A world is data: it can be cloned, compared by [`digest`], and stepped one event at a time.
//! Everything that happens lands in one [`event::Log`]; every picture is a pure function of that log ([`view`]).
#![no_std]

extern crate alloc;

pub mod check;
pub mod choice;
pub mod cluster;
pub mod digest;
pub mod event;
pub mod fault;
#[cfg(feature = "exhibits")]
pub mod lessons;
pub mod network;
pub mod random;
pub mod recording;
pub mod scenario;
pub mod sentence;
pub mod soak;
pub mod text;
pub mod timeline;
pub mod view;
pub mod world;
