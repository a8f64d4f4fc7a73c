//! Dialogues with the client: it speaks, the test answers as a broker would, and a virtual clock runs when told to.
//!
//! One file a machine; [`support`] holds the other side. A test's name begins with the lines of docs/behaviour.md which it proves, as
//! in `lc1_many_starts_are_one`: `cargo xtask behaviour` reads them there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a dialogue looks at the kinds of events it is about")]

mod support;

mod admin;
mod authenticating;
mod compression;
mod connection;
mod consumer;
mod headers;
mod idempotence;
mod metadata;
mod producer;
// Random tests draw from the operating system, which wasm32 has not.
#[cfg(not(target_family = "wasm"))]
mod properties;
mod rebootstrap;
mod roles;
mod starting;
mod stopping;
mod tables;
