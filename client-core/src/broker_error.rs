//! Makes an application's error out of a broker's error code.

use crate::error::Error;
use crate::protocol::ErrorCode;
use alloc::string::String;

/// The error for a code other than 0; `context` says what was asked.
pub(crate) fn broker_error(code: i16, context: String) -> Error {
    match ErrorCode::try_from(code) {
        Ok(known) => Error::Broker {
            name: known.name(),
            errno: code,
            explanation: known.description(),
            advice: known.advice(),
            retriable: known.is_retriable(),
            context,
        },
        Err(_) => Error::Broker {
            name: "UNKNOWN_ERROR_CODE",
            errno: code,
            explanation: "The broker uses an error code which this client does not know.",
            advice: "Use a newer version of this client.",
            retriable: false,
            context,
        },
    }
}
