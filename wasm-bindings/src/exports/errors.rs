//! Errors as JavaScript gets them: plain objects from which the facade makes its error classes.
//!
//! `{ kind, code, message, retriable, fatal, blame, errno?, closeCode?, layer?, key?, cause?, results? }`; `kind` is the name of
//! the class.

use super::objects::ObjectBuilder;
use client_core::Error;
use client_core::error::{CloseReason, DisconnectCause, LossCause};
use js_sys::Array;
use wasm_bindgen::JsValue;

pub(super) fn to_object(error: &Error) -> JsValue {
    builder(error).finish()
}

/// An error's object, to which more may be added.
pub(super) fn builder(error: &Error) -> ObjectBuilder {
    let config = if let Error::InvalidConfig { layer, key, .. } = error { Some((layer, key)) } else { None };
    ObjectBuilder::new()
        .with("kind", kind(error))
        .with("code", error.code())
        .with("message", error.to_string())
        .with("retriable", error.retriable())
        .with("fatal", error.fatal())
        .with("blame", error.blame().as_str())
        .with_some("errno", error.errno())
        .with_some("closeCode", error.close_code())
        .with_some("layer", config.map(|(layer, _)| layer.as_str()))
        .with_some("key", config.map(|(_, key)| key.as_str()))
        .with_some("cause", cause(error).map(to_object))
}

const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Broker { .. } | Error::MalformedReply { .. } | Error::CorruptData { .. } => "ProtocolError",
        Error::Connection { cause, .. } => match cause {
            LossCause::Remote(DisconnectCause::Bridge { .. }) => "BridgeError",
            LossCause::Local(CloseReason::AuthenticationFailed(_)) => "AuthenticationError",
            LossCause::Local(
                CloseReason::ConnectTimeout
                | CloseReason::RequestTimeout { .. }
                | CloseReason::AuthenticationTimeout { .. },
            ) => "TimeoutError",
            LossCause::Remote(_) | LossCause::Local(_) => "ConnectionError",
        },
        Error::NoBrokers { .. } => "ConnectionError",
        Error::Timeout { .. } => "TimeoutError",
        Error::Cancelled => "AbortError",
        Error::Stopped | Error::NotStarted { .. } | Error::BufferFull { .. } => "StateError",
        Error::UnsupportedVersion { .. } => "UnsupportedVersionError",
        Error::RecordTooLarge { .. } | Error::InvalidArgument { .. } => "SerializationError",
        Error::InvalidConfig { .. } => "ConfigurationError",
        Error::Fenced { .. } => "ProducerFencedError",
        Error::Internal(_) => "InternalError",
    }
}

fn cause(error: &Error) -> Option<&Error> {
    if let Error::NoBrokers { last: cause, .. } | Error::Timeout { cause, .. } = error {
        cause.as_deref()
    } else {
        None
    }
}

/// The errors of one commit or one drain, each once however many records it ended.
#[derive(Default)]
pub(super) struct ErrorTable {
    errors: Vec<Error>,
}

impl ErrorTable {
    /// The number under which JavaScript finds this error.
    pub(super) fn number(&mut self, error: Error) -> i32 {
        if self.errors.last() != Some(&error) {
            self.errors.push(error);
        }
        self.errors.len() as i32 - 1
    }

    /// All numbered errors; numbers begin at 0 again.
    pub(super) fn take(&mut self) -> Array {
        self.errors.drain(..).map(|error| to_object(&error)).collect()
    }
}
