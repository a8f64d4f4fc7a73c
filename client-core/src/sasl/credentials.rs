//! What the application knows: user name and password, or a token.

use super::Mechanism;
use super::scram;
use alloc::string::String;
use alloc::vec::Vec;
use base64ct::{Base64, Encoding};
use core::fmt;

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// They are known and stay the same.
    Fixed(Credentials),
    /// The application is asked each time, by [`Event::CredentialsNeeded`](crate::io::Event::CredentialsNeeded), and answers with
    /// [`Client::provide_credentials`](crate::Client::provide_credentials).
    Asked,
}

/// What a mechanism works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// For PLAIN and SCRAM.
    Password {
        /// Who it is.
        username: String,
        /// What nobody else knows.
        password: Secret,
        /// Who to act as, if not as oneself. Apache Kafka's own brokers accept no other than the user.
        authorization_id: Option<String>,
    },
    /// For OAUTHBEARER.
    Token {
        /// The token itself (RFC 6750: letters, digits and `-._~+/`, then `=`).
        value: Secret,
        /// Who to act as, if not as oneself.
        authorization_id: Option<String>,
        /// SASL extensions (KIP-342): names of letters and values of printable text, in this order.
        extensions: Vec<(String, Secret)>,
    },
}

impl Credentials {
    /// A user name and a password.
    #[must_use]
    pub fn password(username: &str, password: &str) -> Self {
        Self::Password { username: username.into(), password: password.into(), authorization_id: None }
    }

    /// A token without extensions.
    #[must_use]
    pub fn token(value: &str) -> Self {
        Self::Token { value: value.into(), authorization_id: None, extensions: Vec::new() }
    }

    /// Why the mechanism cannot work with these, in words that show none of them.
    #[must_use]
    pub fn problem(&self, mechanism: Mechanism) -> Option<&'static str> {
        match (mechanism, self) {
            (Mechanism::OauthBearer, Self::Password { .. }) => Some("OAUTHBEARER needs a token"),
            (Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512, Self::Token { .. }) => {
                Some("a token is for OAUTHBEARER; this mechanism needs a user name and a password")
            }
            (_, Self::Password { username, .. }) if username.is_empty() => Some("the user name is empty"),
            (_, Self::Password { password, .. }) if password.reveal().is_empty() => {
                Some("the password is empty")
            }
            (Mechanism::Plain, Self::Password { username, password, authorization_id }) => {
                let id = authorization_id.as_deref().unwrap_or_default();
                let has_nul = [username, password.reveal(), id].iter().any(|text| text.contains('\0'));
                has_nul.then_some("PLAIN cannot carry a NUL character")
            }
            (_, Self::Password { .. }) => None,
            (_, Self::Token { value, authorization_id, extensions }) => {
                if !is_token(value.reveal()) {
                    Some("the token is empty or has characters that tokens do not have")
                } else if authorization_id.as_ref().is_some_and(|id| id.contains(['\u{1}', '\0'])) {
                    Some("the authorization id has control characters")
                } else if !extensions.iter().all(|(key, value)| is_extension(key, value.reveal())) {
                    Some("an extension's name must be letters (and not auth), its value printable text")
                } else {
                    None
                }
            }
        }
    }
}

/// RFC 6750, section 2.1.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

/// RFC 7628, section 3.1, and KIP-342.
fn is_extension(key: &str, value: &str) -> bool {
    let printable = |byte: u8| matches!(byte, 0x20..=0x7e | b'\t' | b'\r' | b'\n');
    !key.is_empty()
        && key != "auth"
        && key.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !value.is_empty()
        && value.bytes().all(printable)
}

/// Text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// 256 bits that nobody else knows, from a source made for that (`crypto.getRandomValues`, the operating system). They must be
/// new for each client.
///
/// A SCRAM nonce keeps a recorded conversation from being played back to a client by somebody who pretends to be the broker. Such
/// a nonce must not be guessed and not come twice, and the client's seed is made for neither: 64 bits that decide jitter.
/// Nonces are therefore computed from these bits, by a function that cannot be inverted, and equal input still gives equal output.
#[derive(Clone, PartialEq, Eq)]
pub struct Entropy(pub [u8; 32]);

impl Entropy {
    /// The nonce of one conversation, which these numbers name: 192 bits in base64.
    pub(crate) fn nonce(&self, broker: u16, generation: u32, number: u32) -> String {
        let name = [&broker.to_be_bytes()[..], &generation.to_be_bytes(), &number.to_be_bytes()];
        let bits = scram::Hash::Sha256.hmac(&self.0, &[&b"SCRAM nonce"[..], name[0], name[1], name[2]]);
        Base64::encode_string(&bits[..24])
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
