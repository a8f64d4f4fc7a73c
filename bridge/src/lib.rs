//! `kafka-bridge` carries bytes between a browser's WebSocket and a broker's TCP socket, and decides who may reach what.
//!
//! It does not speak Kafka: it reads no request, rewrites no metadata and keeps no state beyond its open
//! connections. It never dials a string that a client sent: a client names a *key*, the configuration says where
//! that key leads.
//!
//! The way of one connection, and the module that owns each step:
//!
//! ```text
//! accept ── server      socket permits, handshake timeout
//! head   ── http        Host, Origin; static files; 101 before anything is dialled
//! policy ── policy      token, connection limits, target allow-list: refusals are close codes (close)
//! dial   ── session     resolve once, refuse dangerous addresses, connect (and speak TLS: tls) within the dial timeout
//! pump   ── session     one buffer per direction; the next read waits until the last write was accepted
//! end    ── close       one cause, one code, one reason a machine can parse
//! ```

pub mod close;
pub mod config;
mod dev_broker;
mod http;
mod log;
pub mod metrics;
mod policy;
pub mod server;
mod session;
mod tls;
mod websocket;

pub use config::{Config, ConfigError};
pub use server::{Bridge, StartError, Stopped};
