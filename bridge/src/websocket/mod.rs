//! The server's half of RFC 6455, as a stream of bytes instead of a queue of messages.
//!
//! Message boundaries mean nothing between a Kafka client and a broker, so no message is ever assembled: payload
//! leaves for the broker as it arrives, out of the one buffer it was read into. That keeps memory per direction
//! at one buffer while messages may have 1 MiB, which a codec that returns whole messages cannot do.

mod decoder;
mod encoder;
mod handshake;

pub(crate) use decoder::{ControlPayload, Decoder, Event};
pub(crate) use encoder::{DATA_HEADER_BYTES, close_frame, data_header, ping_frame, pong_frame};
pub(crate) use handshake::{Handshake, HandshakeProblem, PROTOCOL};
