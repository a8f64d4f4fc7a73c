//! The server's side of SCRAM (RFC 5802, RFC 7677), written from the RFCs and not from the client: it stores what was made of a
//! password, asks for a proof, and proves in its turn that it has what was stored.

use super::SaslMechanism;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use base64ct::{Base64, Encoding};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// The hash a mechanism is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    pub(super) const fn of(mechanism: SaslMechanism) -> Option<Self> {
        match mechanism {
            SaslMechanism::ScramSha256 => Some(Self::Sha256),
            SaslMechanism::ScramSha512 => Some(Self::Sha512),
            SaslMechanism::Plain | SaslMechanism::OauthBearer => None,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        let of = match self {
            Self::Sha256 => {
                let mac = Hmac::<Sha256>::new_from_slice(key);
                mac.map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec())
            }
            Self::Sha512 => {
                let mac = Hmac::<Sha512>::new_from_slice(key);
                mac.map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec())
            }
        };
        // HMAC takes keys of any length: there is always a result.
        of.unwrap_or_default()
    }

    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        match self {
            Self::Sha256 => {
                let mut salted = vec![0; 32];
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted);
                salted
            }
            Self::Sha512 => {
                let mut salted = vec![0; 64];
                pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut salted);
                salted
            }
        }
    }
}

/// What is stored in place of a password.
#[derive(Clone)]
pub(super) struct Stored {
    hash: Hash,
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Stored {
    pub(super) fn new(hash: Hash, password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = hash.salted(password.as_bytes(), salt, iterations);
        Self {
            hash,
            salt: salt.to_vec(),
            iterations,
            stored_key: hash.digest(&hash.hmac(&salted, b"Client Key")),
            server_key: hash.hmac(&salted, b"Server Key"),
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// The client's first message: `n,[a=id],n=user,r=nonce`, perhaps with extensions behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct First {
    header: String,
    bare: String,
    pub(super) authorization_id: String,
    pub(super) user: String,
    nonce: String,
}

impl First {
    pub(super) fn read(text: &str) -> Option<Self> {
        let bare_at = text.match_indices(',').nth(1)?.0 + 1;
        let (header, bare) = text.split_at(bare_at);
        let id = header.strip_prefix("n,")?.strip_suffix(',')?;
        let authorization_id = if id.is_empty() { String::new() } else { name(id.strip_prefix("a=")?)? };
        let mut attributes = bare.split(',');
        let user = name(attributes.next()?.strip_prefix("n=")?)?;
        let nonce = attributes.next()?.strip_prefix("r=").filter(|nonce| !nonce.is_empty())?;
        Some(Self { header: header.into(), bare: bare.into(), authorization_id, user, nonce: nonce.into() })
    }
}

/// A name, in which commas and equals signs are spelled out.
fn name(text: &str) -> Option<String> {
    let sound = text.split('=').skip(1).all(|rest| rest.starts_with("2C") || rest.starts_with("3D"));
    (sound && !text.is_empty()).then(|| text.replace("=2C", ",").replace("=3D", "="))
}

/// The server's first message, and what is needed to judge the answer.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    header: String,
    client_first_bare: String,
    nonce: String,
    text: String,
}

impl Challenge {
    pub(super) fn new(first: &First, stored: &Stored, server_nonce: &str) -> Self {
        let nonce = format!("{}{server_nonce}", first.nonce);
        let text = format!("r={nonce},s={},i={}", Base64::encode_string(&stored.salt), stored.iterations);
        Self { header: first.header.clone(), client_first_bare: first.bare.clone(), nonce, text }
    }

    pub(super) fn message(&self) -> &str {
        &self.text
    }

    /// The server's last message if the proof is right: `c=header,r=nonce,p=proof`.
    pub(super) fn verify(&self, stored: &Stored, text: &str) -> Option<String> {
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut attributes = without_proof.split(',');
        let header = attributes.next()?.strip_prefix("c=")?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        if header != Base64::encode_string(self.header.as_bytes()) || nonce != self.nonce {
            return None;
        }
        let proof = Base64::decode_vec(proof).ok()?;
        let message = format!("{},{},{without_proof}", self.client_first_bare, self.text);
        let hash = stored.hash;
        let signature = hash.hmac(&stored.stored_key, message.as_bytes());
        if proof.len() != signature.len() {
            return None;
        }
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(one, other)| one ^ other).collect();
        let server_signature = hash.hmac(&stored.server_key, message.as_bytes());
        (hash.digest(&client_key) == stored.stored_key)
            .then(|| format!("v={}", Base64::encode_string(&server_signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn stored(password: &str) -> Stored {
        let salt = Base64::decode_vec("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        Stored::new(Hash::Sha256, password, &salt, 4096)
    }

    /// The example of RFC 7677, section 3, from the server's side.
    #[test]
    fn scram_sha_256_as_in_its_rfc() {
        let stored = stored("pencil");
        let first = First::read(CLIENT_FIRST).unwrap();
        assert_eq!((first.user.as_str(), first.authorization_id.as_str()), ("user", ""));
        let challenge = Challenge::new(&first, &stored, SERVER_NONCE);
        let expected =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(challenge.message(), expected);
        let last = challenge.verify(&stored, CLIENT_FINAL);
        assert_eq!(last.as_deref(), Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }

    #[test]
    fn whatever_is_not_the_proof_is_refused() {
        let stored = stored("pencil");
        let challenge = Challenge::new(&First::read(CLIENT_FIRST).unwrap(), &stored, SERVER_NONCE);
        for (from, to) in [
            ("p=d", "p=e"),
            ("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "p=AAAA"),
            (",p=", ",q="),
            ("c=biws", "c=eSws"),
            ("$k0", "$k1"),
            ("c=biws,r=", "r="),
        ] {
            let text = CLIENT_FINAL.replace(from, to);
            assert_ne!(text, CLIENT_FINAL);
            assert_eq!(challenge.verify(&stored, &text), None, "{text}");
        }
        assert_eq!(challenge.verify(&self::stored("pencils"), CLIENT_FINAL), None, "another password");
    }

    #[test]
    fn first_messages_are_read_as_their_grammar_says() {
        let read = |text| First::read(text).map(|first| (first.authorization_id, first.user));
        assert_eq!(read("n,a=al=2Cice,n=bob=3D1,r=x"), Some(("al,ice".into(), "bob=1".into())));
        assert_eq!(read("n,,n=user,r=x,ext=1"), Some((String::new(), "user".into())));
        for text in [
            "",
            "n",
            "n,",
            "n,,",
            "n,,n=user",
            "n,,n=,r=x",
            "n,,n=user,r=",
            "y,,n=user,r=x",
            "n,b=x,n=user,r=x",
            "n,,m=x,n=user,r=x",
            "n,,n=a=2Xb,r=x",
            "p=tls-unique,,n=user,r=x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
