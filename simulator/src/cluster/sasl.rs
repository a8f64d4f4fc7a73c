//! SaslHandshake, version 1, and SaslAuthenticate, versions 0 to 2.
//!
//! A listener that does not ask who comes answers both with `ILLEGAL_SASL_STATE`, as Apache Kafka does.

use alloc::string::String;
use client_core::protocol::{ErrorCode, Response, SaslAuthenticateResponse, SaslHandshakeResponse};

pub(crate) fn handshake_unasked() -> Response {
    handshake_failed(ErrorCode::IllegalSaslState)
}

pub(crate) fn authenticate_unasked() -> Response {
    let said = "SaslAuthenticate request received after successful authentication";
    authenticate_failed(ErrorCode::IllegalSaslState, Some(said.into()))
}

/// The answer when a handshake has failed with this error.
pub(crate) fn handshake_failed(error: ErrorCode) -> Response {
    SaslHandshakeResponse { error_code: error.code(), ..Default::default() }.into()
}

/// The answer when authentication has failed with this error.
pub(crate) fn authenticate_failed(error: ErrorCode, error_message: Option<String>) -> Response {
    SaslAuthenticateResponse { error_code: error.code(), error_message, ..Default::default() }.into()
}
