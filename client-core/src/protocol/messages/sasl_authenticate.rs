//! SaslAuthenticate (key 36), versions 0 to 2: carries the messages of a SASL mechanism (KIP-152).
//!
//! 1 tells how long the session lasts (KIP-368). 2 is flexible.
//!
//! Left out: nothing. What the messages mean is in [`sasl`](crate::sasl).

use alloc::string::String;

use bytes::Bytes;

use crate::protocol::schema::schema;

schema! {
    /// A message of the client's to the mechanism's other side. Secret.
    pub struct SaslAuthenticateRequest {
        /// The message.
        auth_bytes: Bytes => since(0);
    }

    /// The answer of the mechanism's other side.
    pub struct SaslAuthenticateResponse {
        /// 0, or why authentication has failed.
        error_code: i16 => since(0);
        /// What the broker says about that.
        error_message: Option<String> => since(0), nullable_since(0);
        /// The message.
        auth_bytes: Bytes => since(0);
        /// How long the connection may be used before the client authenticates again, in milliseconds; 0 for ever.
        session_lifetime_ms: i64 => since(1), ignorable();
    }
}
