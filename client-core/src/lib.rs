//! A Kafka client that performs no I/O, reads no clock and calls nobody back.
#![no_std]

extern crate alloc;
