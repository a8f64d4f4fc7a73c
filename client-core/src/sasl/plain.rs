//! PLAIN (RFC 4616): one message, which holds everything.

use super::Secret;
use alloc::vec::Vec;

pub(super) fn message(authorization_id: Option<&str>, username: &str, password: &Secret) -> Vec<u8> {
    [authorization_id.unwrap_or_default(), username, password.reveal()].join("\0").into_bytes()
}
