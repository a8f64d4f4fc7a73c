//! OAUTHBEARER (RFC 7628, KIP-255): one message with the token; if the broker does not like it, it says why, and wants a last
//! message before it ends the conversation with an error.

use super::scram::escape;
use super::{SaslError, Secret, Step, printable};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// What has been heard so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct OauthBearer {
    /// Why the broker refuses, once it has said so.
    refusal: Option<String>,
}

pub(super) fn message(
    authorization_id: Option<&str>,
    token: &Secret,
    extensions: &[(String, Secret)],
) -> Vec<u8> {
    let header = authorization_id.map_or_else(|| "n,,".into(), |id| format!("n,a={},", escape(id)));
    let mut message = header.into_bytes();
    message.push(SEPARATOR);
    let pairs = extensions.iter().map(|(key, value)| format!("{key}={}", value.reveal()));
    for pair in pairs.chain([format!("auth=Bearer {}", token.reveal())]) {
        message.extend_from_slice(pair.as_bytes());
        message.push(SEPARATOR);
    }
    message.push(SEPARATOR);
    message
}

impl OauthBearer {
    pub(super) fn handle(&mut self, message: &[u8]) -> Result<Step, SaslError> {
        if let Some(refusal) = self.refusal.take() {
            // The broker was to end it with an error of the protocol. It must not end well after a refusal.
            return Err(SaslError::Refused(refusal));
        }
        if message.is_empty() {
            return Ok(Step::Done);
        }
        self.refusal = Some(printable(&String::from_utf8_lossy(message)));
        Ok(Step::Send(vec![SEPARATOR]))
    }

    /// Why the broker refuses, if it has said so.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }
}

const SEPARATOR: u8 = 1;
