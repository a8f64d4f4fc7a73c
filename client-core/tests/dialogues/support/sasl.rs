//! The broker's side of SASL, written from the RFCs and not from the client.

use base64ct::{Base64, Encoding};
use client_core::protocol::{
    ErrorCode, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;

/// Who may come in, and the conversations under way.
pub(crate) struct SaslServer {
    pub(crate) enabled: Vec<&'static str>,
    pub(crate) username: String,
    pub(crate) password: String,
    /// What is told after success, in milliseconds.
    pub(crate) lifetime: i64,
    /// A token that is accepted.
    pub(crate) token: String,
    conversations: BTreeMap<String, Conversation>,
}

#[derive(Clone)]
enum Conversation {
    Begun(&'static str),
    Challenged { sha512: bool, first_bare: String, server_first: String },
    Refusing,
}

impl SaslServer {
    pub(crate) fn new() -> Self {
        Self {
            enabled: vec!["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
            username: "alice".into(),
            password: "secret-4711".into(),
            lifetime: 0,
            token: "token-4711".into(),
            conversations: BTreeMap::new(),
        }
    }

    pub(crate) fn handshake(&mut self, host: &str, asked: &SaslHandshakeRequest) -> SaslHandshakeResponse {
        let mechanisms = self.enabled.iter().map(|name| (*name).to_owned()).collect();
        let error_code = match self.enabled.iter().find(|name| **name == asked.mechanism) {
            Some(name) => {
                self.conversations.insert(host.into(), Conversation::Begun(name));
                0
            }
            None => ErrorCode::UnsupportedSaslMechanism.code(),
        };
        SaslHandshakeResponse { error_code, mechanisms }
    }

    pub(crate) fn authenticate(
        &mut self,
        host: &str,
        asked: &SaslAuthenticateRequest,
    ) -> SaslAuthenticateResponse {
        match self.judge(host, &asked.auth_bytes) {
            Ok((answer, done)) => SaslAuthenticateResponse {
                auth_bytes: answer.into(),
                session_lifetime_ms: if done { self.lifetime } else { 0 },
                ..Default::default()
            },
            Err(said) => SaslAuthenticateResponse {
                error_code: ErrorCode::SaslAuthenticationFailed.code(),
                error_message: Some(said.into()),
                ..Default::default()
            },
        }
    }

    fn judge(&mut self, host: &str, bytes: &[u8]) -> Result<(Vec<u8>, bool), &'static str> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        match self.conversations.remove(host).ok_or("no handshake")? {
            Conversation::Begun("PLAIN") => {
                let expected = format!("\0{}\0{}", self.username, self.password);
                if text == expected { Ok((vec![], true)) } else { Err("wrong user name or password") }
            }
            Conversation::Begun("OAUTHBEARER") if text.contains(&format!("Bearer {}\x01", self.token)) => {
                Ok((vec![], true))
            }
            Conversation::Begun("OAUTHBEARER") => {
                self.conversations.insert(host.into(), Conversation::Refusing);
                Ok((br#"{"status":"invalid_token"}"#.to_vec(), false))
            }
            Conversation::Refusing => {
                assert_eq!(bytes, [1], "the dummy answer");
                Err("authentication failed")
            }
            Conversation::Begun(mechanism) => {
                let first_bare = text.strip_prefix("n,,").ok_or("channel binding")?.to_owned();
                let nonce = first_bare.split_once(",r=").ok_or("no nonce")?.1;
                assert!(nonce.len() >= 24, "enough randomness: {nonce}");
                let server_first = format!("r={nonce}server,s={},i=4096", Base64::encode_string(b"salt"));
                let answer = server_first.clone().into_bytes();
                let sha512 = mechanism == "SCRAM-SHA-512";
                self.conversations
                    .insert(host.into(), Conversation::Challenged { sha512, first_bare, server_first });
                Ok((answer, false))
            }
            Conversation::Challenged { sha512, first_bare, server_first } => {
                let (without_proof, proof) = text.rsplit_once(",p=").ok_or("no proof")?;
                let message = format!("{first_bare},{server_first},{without_proof}");
                let (expected, signature) = prove(sha512, &self.password, &message);
                let known_user = first_bare.starts_with(&format!("n={},", self.username));
                if !known_user || proof != Base64::encode_string(&expected) {
                    return Err("invalid user credentials");
                }
                Ok((format!("v={}", Base64::encode_string(&signature)).into_bytes(), true))
            }
        }
    }
}

/// The client's proof and the server's signature.
fn prove(sha512: bool, password: &str, message: &str) -> (Vec<u8>, Vec<u8>) {
    let mac = |key: &[u8], text: &[u8]| -> Vec<u8> {
        if sha512 {
            Hmac::<Sha512>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
        } else {
            Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
        }
    };
    // Hi() of RFC 5802, spelled out.
    let mut block = mac(password.as_bytes(), b"salt\0\0\0\x01");
    let mut salted = block.clone();
    for _ in 1..4096 {
        block = mac(password.as_bytes(), &block);
        salted.iter_mut().zip(&block).for_each(|(sum, byte)| *sum ^= byte);
    }
    let client_key = mac(&salted, b"Client Key");
    let stored_key =
        if sha512 { Sha512::digest(&client_key).to_vec() } else { Sha256::digest(&client_key).to_vec() };
    let signature = mac(&stored_key, message.as_bytes());
    let proof = client_key.iter().zip(&signature).map(|(one, other)| one ^ other).collect();
    (proof, mac(&mac(&salted, b"Server Key"), message.as_bytes()))
}
