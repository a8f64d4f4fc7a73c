//! `client-core` in JavaScript hosts: what it needs of the world (sockets, timers, a clock), and the classes which
//! the TypeScript facade of the npm package `kafka-wasm` calls. It decides nothing about Kafka.
//!
//! - [`driver`] runs a [`client_core::Client`] in any host with `setTimeout` and `performance.now`: browser pages,
//!   workers, Node. Rust programs for the browser use it directly, with `default-features = false`.
//! - `exports` (feature of the same name) is the boundary to JavaScript: staged writes, settlements by the batch, one copy
//!   of each fetched batch. `js/src/boundary.ts` is its other half.
//!
//! No JavaScript of the user is ever called while the client is borrowed: events wait in a queue until the facade
//! takes them.

pub mod driver;
#[cfg(feature = "exports")]
pub mod exports;
