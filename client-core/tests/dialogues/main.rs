//! Dialogues with the client: it speaks, the test answers as a broker would, and a virtual clock runs when told to.
//!
//! One file a machine; [`support`] holds the other side. A test names the lines of the behaviour list which it proves
//! (LC: lifecycle, CN: connection, AS: assignment, CF: configuration) in its doc comment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a dialogue looks at the kinds of events it is about")]

mod support;

mod connection;
mod consumer;
mod idempotence;
mod metadata;
mod producer;
// Random tests draw from the operating system, which wasm32 has not.
#[cfg(not(target_family = "wasm"))]
mod properties;
mod starting;
mod stopping;
mod tables;
