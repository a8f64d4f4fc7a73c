//! A Kafka client that performs no I/O, reads no clock and calls nobody back.
#![no_std]

extern crate alloc;

pub mod config;
pub mod error;
pub mod ids;
pub mod io;
pub mod protocol;
pub mod rng;
pub mod time;
pub mod trace;
