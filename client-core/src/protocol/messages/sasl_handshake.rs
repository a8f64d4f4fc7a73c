//! SaslHandshake (key 17), version 1: agree on a mechanism before SaslAuthenticate (KIP-43, KIP-152).
//!
//! Left out: version 0, after which the mechanism's bytes follow without frames of the protocol.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Names the mechanism by which the client wants to authenticate.
    pub struct SaslHandshakeRequest {
        /// The mechanism, such as `SCRAM-SHA-256`.
        mechanism: String => since(0);
    }

    /// Whether the broker knows the mechanism.
    pub struct SaslHandshakeResponse {
        /// 0, or why this does not work.
        error_code: i16 => since(0);
        /// The mechanisms that the broker has switched on.
        mechanisms: Vec<String> => since(0);
    }
}
