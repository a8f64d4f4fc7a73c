//! The Kafka wire protocol: messages, frames and error codes, encoded and decoded.
//!
//! This module performs no I/O and knows nothing of connections, retries or time. It turns values into
//! bytes and bytes into values, for both sides: a client encodes requests and decodes responses, the
//! simulated cluster does the opposite.
//!
//! - [`ApiKey`] and its version ranges: what we speak ([`api`]).
//! - [`Request`], [`Response`] and the structs in [`messages`]: what is said. Each schema is declared once;
//!   the struct, its encoder, its decoder and the [`Span`]s a wire inspector shows all come from it.
//! - [`Frame`], [`FrameDecoder`], [`RequestHeader`], [`ResponseHeader`]: how it is packed.
//! - [`record_batch`]: how records are stored inside of Produce requests and Fetch responses.
//! - [`ErrorCode`]: what brokers complain about, in plain words.
//!
//! No length, count or tag on the wire is trusted before it has been compared with the bytes that are left.

pub mod api;
#[cfg(all(test, not(target_family = "wasm")))]
mod cross_check;
mod decoder;
mod encoder;
mod error_code;
mod frame;
mod frame_decoder;
mod message;
pub mod messages;
#[cfg(all(test, not(target_family = "wasm")))]
mod properties;
pub mod record_batch;
mod redacted;
#[cfg(all(test, not(target_family = "wasm")))]
mod sample;
mod schema;
mod span;
mod throttle;
mod uuid;

pub use api::{ApiKey, UnknownApiKey, VersionRange};
pub use decoder::{DecodeError, DecodeProblem};
pub use encoder::{EncodeError, EncodeProblem};
pub use error_code::{ErrorCode, UnknownErrorCode};
pub use frame::{Frame, RequestHeader, ResponseHeader};
pub use frame_decoder::{FrameDecoder, FrameError, PendingFrame};
pub use message::{Message, Request, RequestMessage, Response};
pub use messages::*;
pub use redacted::{redacted_request, redacted_response};
pub use span::{SizePrefix, Span, SpanKind, Spans};
pub use uuid::Uuid;
