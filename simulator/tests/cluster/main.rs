//! The simulated cluster in dialogues of bytes: requests encoded by the client's codec, replies decoded by it.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod api_versions;
mod batch;
mod boundaries;
mod fetch;
mod find_coordinator;
mod init_producer_id;
mod links;
mod list_offsets;
mod metadata;
mod produce;
mod random;
mod sasl;
mod support;
mod topics_admin;
