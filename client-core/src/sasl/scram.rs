//! SCRAM (RFC 5802, RFC 7677): each side proves to the other that it knows the password, or what was made of it.

use super::{SaslError, Secret, Step, printable};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use base64ct::{Base64, Encoding};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// Fewer iterations than that and the password could be guessed from what goes over the wire (RFC 5802; Kafka's own minimum).
pub(super) const ITERATIONS_MIN: u32 = 4096;

/// More are refused: eight times the most that Apache Kafka's tools allow, and a fraction of a second of computing. An
/// unbounded number would let anybody who answers at a broker's address stop the whole program.
pub(super) const ITERATIONS_MAX: u32 = 131_072;

/// The hash a mechanism is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

/// One conversation.
#[derive(Clone)]
pub(crate) struct Scram {
    hash: Hash,
    /// Says that there is no channel binding, and whom to act as.
    header: String,
    first_bare: String,
    nonce: String,
    password: Secret,
    /// What the broker's signature is made with and of, once our proof is out.
    expected: Option<Expected>,
}

#[derive(Clone)]
struct Expected {
    server_key: Vec<u8>,
    auth_message: String,
}

impl Scram {
    pub(super) fn new(
        hash: Hash,
        authorization_id: Option<&str>,
        username: &str,
        password: &Secret,
        nonce: &str,
    ) -> Self {
        Self {
            hash,
            header: authorization_id.map_or_else(|| "n,,".into(), |id| format!("n,a={},", escape(id))),
            first_bare: format!("n={},r={nonce}", escape(username)),
            nonce: nonce.into(),
            password: password.clone(),
            expected: None,
        }
    }

    pub(super) fn first_message(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.first_bare).into_bytes()
    }

    pub(super) fn handle(&mut self, message: &[u8]) -> Result<Step, SaslError> {
        match &self.expected {
            None => {
                let (proof, expected) = self.prove(message)?;
                self.expected = Some(expected);
                Ok(Step::Send(proof.into_bytes()))
            }
            Some(expected) => self.verify(expected, message),
        }
    }

    /// Our last message, and what the broker's last one must be.
    fn prove(&self, message: &[u8]) -> Result<(String, Expected), SaslError> {
        let server_first = ServerFirst::read(message, &self.nonce)?;
        let hash = self.hash;
        let password = self.password.reveal().as_bytes();
        let salted = hash.pbkdf2(password, &server_first.salt, server_first.iterations);
        let client_key = hash.hmac(&salted, &[b"Client Key"]);
        let stored_key = hash.digest(&client_key);
        let channel_binding = Base64::encode_string(self.header.as_bytes());
        let without_proof = format!("c={channel_binding},r={}", server_first.nonce);
        let auth_message = format!("{},{},{without_proof}", self.first_bare, server_first.text);
        let client_signature = hash.hmac(&stored_key, &[auth_message.as_bytes()]);
        let proof: Vec<u8> =
            client_key.iter().zip(&client_signature).map(|(key, signature)| key ^ signature).collect();
        let last = format!("{without_proof},p={}", Base64::encode_string(&proof));
        Ok((last, Expected { server_key: hash.hmac(&salted, &[b"Server Key"]), auth_message }))
    }

    fn verify(&self, expected: &Expected, message: &[u8]) -> Result<Step, SaslError> {
        let text = core::str::from_utf8(message)
            .map_err(|_| SaslError::Malformed { expected: "a SCRAM server's final message" })?;
        let first = text.split(',').next().unwrap_or_default();
        if let Some(error) = first.strip_prefix("e=") {
            return Err(SaslError::Refused(printable(error)));
        }
        let signature = first
            .strip_prefix("v=")
            .ok_or(SaslError::Malformed { expected: "a SCRAM server's final message" })?;
        let signature = Base64::decode_vec(signature)
            .map_err(|_| SaslError::Malformed { expected: "a signature in base64" })?;
        let parts = [expected.auth_message.as_bytes()];
        if self.hash.verifies(&expected.server_key, &parts, &signature) {
            Ok(Step::Done)
        } else {
            Err(SaslError::WrongSignature)
        }
    }
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scram").field("hash", &self.hash).field("proved", &self.expected.is_some()).finish()
    }
}

/// The broker's first message: `r=nonce,s=salt,i=iterations`, perhaps with more behind it that means nothing to us.
struct ServerFirst<'a> {
    text: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn read(message: &'a [u8], ours: &str) -> Result<Self, SaslError> {
        let malformed = SaslError::Malformed { expected: "a SCRAM server's first message" };
        let text = core::str::from_utf8(message).map_err(|_| malformed.clone())?;
        let mut attributes = text.split(',');
        let mut attribute = |name: &str| {
            let found = attributes.next().and_then(|attribute| attribute.strip_prefix(name));
            found.ok_or_else(|| malformed.clone())
        };
        // A mandatory extension (`m=`) would come first, and is to be refused by who does not know it.
        let (nonce, salt, iterations) = (attribute("r=")?, attribute("s=")?, attribute("i=")?);
        if nonce.strip_prefix(ours).is_none_or(str::is_empty) {
            return Err(SaslError::ForeignNonce);
        }
        let salt = Base64::decode_vec(salt).ok().filter(|salt| !salt.is_empty());
        let salt = salt.ok_or(SaslError::Malformed { expected: "a salt in base64" })?;
        if iterations.is_empty() || !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SaslError::Malformed { expected: "a number of iterations" });
        }
        // Digits that do not fit are a number that is too large.
        let got = iterations.parse().unwrap_or(u64::MAX);
        match u32::try_from(got) {
            Ok(got) if got < ITERATIONS_MIN => Err(SaslError::TooFewIterations { got }),
            Ok(iterations) if iterations <= ITERATIONS_MAX => Ok(Self { text, nonce, salt, iterations }),
            _ => Err(SaslError::TooManyIterations { got }),
        }
    }
}

/// A name, in which commas and equals signs would have a meaning.
pub(super) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

macro_rules! by_hash {
    ($hash:expr, $name:ident => $body:expr) => {
        match $hash {
            Hash::Sha256 => {
                type $name = Sha256;
                $body
            }
            Hash::Sha512 => {
                type $name = Sha512;
                $body
            }
        }
    };
}

impl Hash {
    const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        by_hash!(self, D => D::digest(bytes).to_vec())
    }

    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        by_hash!(self, D => mac::<Hmac<D>>(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()))
            .unwrap_or_default()
    }

    /// Whether this is the signature, in a time that does not tell how much of it is right.
    fn verifies(self, key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
        by_hash!(self, D => mac::<Hmac<D>>(key, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok()))
    }

    fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut salted = vec![0; self.size()];
        by_hash!(self, D => pbkdf2::pbkdf2_hmac::<D>(password, salt, iterations, &mut salted));
        salted
    }
}

/// HMAC takes keys of any length: there is always a result.
fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}
