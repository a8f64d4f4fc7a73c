//! Worlds: clients, cluster, network and clock together.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod admin;
mod authentication;
mod exhibits;
mod faults;
mod lesson_by_lesson;
mod lessons;
mod recordings;
mod soak;
mod starts;
mod support;
mod views;
