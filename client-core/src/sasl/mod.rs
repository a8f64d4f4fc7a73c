//! SASL: how a client proves who it is. The mechanisms are pure: bytes in, bytes out, no connection and no clock.
//!
//! [`Sasl`] is the configuration, [`Credentials`] what the application knows, and `Exchange` one conversation with one broker.
//! Nothing of this module shows a secret: neither its `Debug` texts nor its errors.
//!
//! Passwords go out as the UTF-8 bytes they are, without SASLprep (RFC 4013), as Apache Kafka's Java client sends them and as its
//! brokers store them: a password set with Kafka's own tools is found again, whatever characters it has.

mod credentials;
mod oauth_bearer;
mod plain;
mod scram;

pub use credentials::{CredentialSource, Credentials, Entropy, Secret};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How a client proves who it is (`sasl.mechanism` and what goes with it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sasl {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// What the mechanism works with.
    pub credentials: CredentialSource,
    /// Where nonces come from. Only SCRAM needs them, and a driver has to give them: the core has no source of its own.
    pub entropy: Option<Entropy>,
}

impl Sasl {
    /// What a driver has left out, `None` if nothing is missing.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        let needs_entropy = matches!(self.mechanism, Mechanism::ScramSha256 | Mechanism::ScramSha512);
        (needs_entropy && self.entropy.is_none())
            .then_some("SCRAM needs entropy, which the driver has to give")
    }

    /// What is wrong with these settings, `None` if nothing is.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match &self.credentials {
            CredentialSource::Fixed(credentials) => credentials.problem(self.mechanism),
            CredentialSource::Asked => None,
        }
    }
}

/// The mechanisms that this client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// User name and password as they are (RFC 4616). Only over encrypted connections.
    Plain,
    /// A proof of the password, which itself is not sent (RFC 5802, RFC 7677).
    ScramSha256,
    /// The same with a longer hash.
    ScramSha512,
    /// A token from somewhere else (RFC 7628, KIP-255).
    OauthBearer,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Self; 4] = [Self::Plain, Self::ScramSha256, Self::ScramSha512, Self::OauthBearer];

    /// The name that brokers know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of this name, in upper or lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One conversation with one broker.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    Plain,
    Scram(scram::Scram),
    OauthBearer(oauth_bearer::OauthBearer),
}

/// What to do after a message of the broker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send this and wait for the next one.
    Send(Vec<u8>),
    /// Nothing: both sides are content.
    Done,
}

impl Exchange {
    /// Begins a conversation: returns it with the first message. `nonce` has to be new each time; only SCRAM uses it.
    pub(crate) fn begin(
        mechanism: Mechanism,
        credentials: &Credentials,
        nonce: impl FnOnce() -> String,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        if let Some(problem) = credentials.problem(mechanism) {
            return Err(SaslError::UnusableCredentials(problem));
        }
        match (mechanism, credentials) {
            (Mechanism::Plain, Credentials::Password { username, password, authorization_id }) => {
                let first = plain::message(authorization_id.as_deref(), username, password);
                Ok((Self::Plain, first))
            }
            (Mechanism::ScramSha256, Credentials::Password { username, password, authorization_id }) => {
                let hash = scram::Hash::Sha256;
                let scram =
                    scram::Scram::new(hash, authorization_id.as_deref(), username, password, &nonce());
                let first = scram.first_message();
                Ok((Self::Scram(scram), first))
            }
            (Mechanism::ScramSha512, Credentials::Password { username, password, authorization_id }) => {
                let hash = scram::Hash::Sha512;
                let scram =
                    scram::Scram::new(hash, authorization_id.as_deref(), username, password, &nonce());
                let first = scram.first_message();
                Ok((Self::Scram(scram), first))
            }
            (Mechanism::OauthBearer, Credentials::Token { value, authorization_id, extensions }) => {
                let first = oauth_bearer::message(authorization_id.as_deref(), value, extensions);
                Ok((Self::OauthBearer(oauth_bearer::OauthBearer::default()), first))
            }
            (
                Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512,
                Credentials::Token { .. },
            )
            | (Mechanism::OauthBearer, Credentials::Password { .. }) => {
                Err(SaslError::UnusableCredentials("they belong to another mechanism"))
            }
        }
    }

    /// Why the broker refuses, if the mechanism let it say so before it ends the conversation.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match self {
            Self::OauthBearer(oauth_bearer) => oauth_bearer.refusal(),
            Self::Plain | Self::Scram(_) => None,
        }
    }

    /// Goes on after a message of the broker, which is content so far.
    pub(crate) fn handle(&mut self, message: &[u8]) -> Result<Step, SaslError> {
        match self {
            // What a broker may say besides "yes" has no meaning in PLAIN.
            Self::Plain => Ok(Step::Done),
            Self::Scram(scram) => scram.handle(message),
            Self::OauthBearer(oauth_bearer) => oauth_bearer.handle(message),
        }
    }
}

/// Why a conversation cannot go on. Shows nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SaslError {
    /// What the application gave cannot be used.
    UnusableCredentials(&'static str),
    /// The broker says something that the mechanism does not have.
    Malformed { expected: &'static str },
    /// The broker does not answer this conversation but another one.
    ForeignNonce,
    /// The broker asks for so few iterations that the password could be guessed.
    TooFewIterations { got: u32 },
    /// The broker asks for so many iterations that this client would stand still.
    TooManyIterations { got: u64 },
    /// The broker ended the conversation with an error of the mechanism's own.
    Refused(String),
    /// The broker does not know the password either: it is not who it pretends to be.
    WrongSignature,
}

impl SaslError {
    /// Whether it is the broker that does not keep to the rules, or is somebody else.
    pub(crate) const fn is_misbehaviour(&self) -> bool {
        !matches!(self, Self::UnusableCredentials(_) | Self::Refused(_))
    }
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusableCredentials(problem) => write!(f, "the credentials cannot be used: {problem}"),
            Self::Malformed { expected } => {
                write!(f, "expected {expected}, got something else; is this address a Kafka broker?")
            }
            Self::ForeignNonce => f.write_str(
                "the broker's nonce does not begin with ours: it answers another conversation than this one",
            ),
            Self::TooFewIterations { got } => write!(
                f,
                "the broker asks for {got} SCRAM iterations, expected at least {}; create the user's \
                 credential anew with more",
                scram::ITERATIONS_MIN
            ),
            Self::TooManyIterations { got } => write!(
                f,
                "the broker asks for {got} SCRAM iterations, expected at most {}, for more would stop this \
                 program; create the user's credential anew with fewer",
                scram::ITERATIONS_MAX
            ),
            Self::Refused(text) => write!(f, "the broker refused: {text}"),
            Self::WrongSignature => f.write_str(
                "the broker could not prove that it knows the password: it may not be the broker you mean",
            ),
        }
    }
}

/// Text of a peer, fit for an error: not too long, and nothing that moves a terminal's cursor.
pub(crate) fn printable(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    text.chars().take(CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn password(username: &str, password: &str) -> Credentials {
        Credentials::password(username, password)
    }

    fn begin(mechanism: Mechanism, credentials: &Credentials) -> Result<(Exchange, Vec<u8>), SaslError> {
        Exchange::begin(mechanism, credentials, || "rOprNGfwEbeRWgbNEkqO".to_string())
    }

    #[test]
    fn mechanisms_are_found_by_name() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::from_name(&mechanism.name().to_lowercase()), Some(mechanism));
        }
        assert_eq!(Mechanism::from_name("GSSAPI"), None);
    }

    /// The examples of RFC 4616, section 4.
    #[test]
    fn plain_as_in_its_rfc() {
        let (mut exchange, first) = begin(Mechanism::Plain, &password("tim", "tanstaaftanstaaf")).unwrap();
        assert_eq!(first, b"\0tim\0tanstaaftanstaaf");
        assert_eq!(exchange.handle(b""), Ok(Step::Done));
        let credentials = Credentials::Password {
            username: "Kurt".into(),
            password: "xipj3plmq".into(),
            authorization_id: Some("Ursel".into()),
        };
        assert_eq!(begin(Mechanism::Plain, &credentials).unwrap().1, b"Ursel\0Kurt\0xipj3plmq");
    }

    /// The example of RFC 7677, section 3.
    #[test]
    fn scram_sha_256_as_in_its_rfc() {
        let (mut exchange, first) = begin(Mechanism::ScramSha256, &password("user", "pencil")).unwrap();
        assert_eq!(first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server_first =
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(exchange.handle(server_first), Ok(Step::Send(expected.as_bytes().to_vec())));
        let mut impostor = exchange.clone();
        assert_eq!(exchange.handle(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(Step::Done));
        assert_eq!(
            impostor.handle(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="),
            Err(SaslError::Malformed { expected: "a signature in base64" })
        );
        assert_eq!(
            impostor.handle(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
            Err(SaslError::WrongSignature)
        );
        assert_eq!(impostor.handle(b"v="), Err(SaslError::WrongSignature));
    }

    /// No RFC has an example of SCRAM-SHA-512. These values come from another implementation (Python's hashlib and hmac), for the
    /// nonces and the salt of RFC 7677.
    #[test]
    fn scram_sha_512_as_others_compute_it() {
        let (mut exchange, _) = begin(Mechanism::ScramSha512, &password("user", "pencil")).unwrap();
        let server_first =
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==";
        assert_eq!(exchange.handle(server_first), Ok(Step::Send(expected.as_bytes().to_vec())));
        assert_eq!(
            exchange.handle(
                b"v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="
            ),
            Ok(Step::Done)
        );
    }

    #[test]
    fn names_with_commas_and_equals_signs_are_escaped() {
        let (_, first) = begin(Mechanism::ScramSha256, &password("a,b=c", "x")).unwrap();
        assert_eq!(first, b"n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
    }

    #[test]
    fn a_hostile_broker_is_refused() {
        let nonce = "rOprNGfwEbeRWgbNEkqO";
        let cases = [
            (String::new(), SaslError::Malformed { expected: "a SCRAM server's first message" }),
            ("r=x,s=AAAA,i=4096".into(), SaslError::ForeignNonce),
            (format!("r={nonce},s=AAAA,i=4096"), SaslError::ForeignNonce),
            (format!("r={nonce}x,s=AAAA,i=1"), SaslError::TooFewIterations { got: 1 }),
            (format!("r={nonce}x,s=AAAA,i=4095"), SaslError::TooFewIterations { got: 4095 }),
            (format!("r={nonce}x,s=AAAA,i=2147483647"), SaslError::TooManyIterations { got: 2_147_483_647 }),
            (
                format!("r={nonce}x,s=AAAA,i=99999999999999999999999"),
                SaslError::TooManyIterations { got: u64::MAX },
            ),
            (format!("r={nonce}x,s=AAAA,i=-5"), SaslError::Malformed { expected: "a number of iterations" }),
            (format!("r={nonce}x,s=,i=4096"), SaslError::Malformed { expected: "a salt in base64" }),
            (format!("r={nonce}x,s=A*A,i=4096"), SaslError::Malformed { expected: "a salt in base64" }),
            (
                format!("m=x,r={nonce}x,s=AAAA,i=4096"),
                SaslError::Malformed { expected: "a SCRAM server's first message" },
            ),
        ];
        for (message, expected) in cases {
            let (mut exchange, _) = begin(Mechanism::ScramSha256, &password("user", "pencil")).unwrap();
            assert_eq!(exchange.handle(message.as_bytes()), Err(expected), "{message}");
        }
        let (mut exchange, _) = begin(Mechanism::ScramSha256, &password("user", "pencil")).unwrap();
        assert_eq!(
            exchange.handle(&[0xff, 0xfe]),
            Err(SaslError::Malformed { expected: "a SCRAM server's first message" })
        );
        let first = format!("r={nonce}x,s=AAAA,i=4096");
        assert!(matches!(exchange.handle(first.as_bytes()), Ok(Step::Send(_))));
        assert_eq!(
            exchange.handle(b"e=other-error\x1b[2J"),
            Err(SaslError::Refused("other-error\u{fffd}[2J".into()))
        );
    }

    /// The example of RFC 7628, section 4.1, and the end of section 4.3.
    #[test]
    fn oauth_bearer_as_in_its_rfc() {
        let credentials = Credentials::Token {
            value: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".into(),
            authorization_id: Some("user@example.com".into()),
            extensions: vec![("host".into(), "server.example.com".into()), ("port".into(), "143".into())],
        };
        let (mut exchange, first) = begin(Mechanism::OauthBearer, &credentials).unwrap();
        let expected = b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
                         auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(first, expected);
        let mut refused = exchange.clone();
        assert_eq!(exchange.handle(b""), Ok(Step::Done));
        let error = br#"{"status":"invalid_token","scope":"example_scope"}"#;
        assert_eq!(refused.handle(error), Ok(Step::Send(vec![1])), "the dummy that lets the broker end it");
        let text = core::str::from_utf8(error).unwrap().to_string();
        assert_eq!(refused.handle(b""), Err(SaslError::Refused(text)));
    }

    #[test]
    fn credentials_are_checked_before_they_go_out() {
        let token = |value: &str, key: &str, text: &str| Credentials::Token {
            value: value.into(),
            authorization_id: None,
            extensions: vec![(key.into(), text.into())],
        };
        for (mechanism, credentials) in [
            (Mechanism::Plain, password("", "x")),
            (Mechanism::Plain, password("x", "")),
            (Mechanism::Plain, password("a\0b", "x")),
            (Mechanism::Plain, password("a", "x\0")),
            (Mechanism::ScramSha256, password("", "x")),
            (Mechanism::ScramSha512, password("x", "")),
            (Mechanism::OauthBearer, password("x", "y")),
            (Mechanism::Plain, token("abc", "k", "v")),
            (Mechanism::OauthBearer, token("", "k", "v")),
            (Mechanism::OauthBearer, token("two words", "k", "v")),
            (Mechanism::OauthBearer, token("a\u{1}b", "k", "v")),
            (Mechanism::OauthBearer, token("abc", "auth", "v")),
            (Mechanism::OauthBearer, token("abc", "k1", "v")),
            (Mechanism::OauthBearer, token("abc", "k", "v\u{1}w")),
            (Mechanism::OauthBearer, token("abc", "k", "")),
        ] {
            let result = begin(mechanism, &credentials);
            assert!(matches!(result, Err(SaslError::UnusableCredentials(_))), "{mechanism} {result:?}");
        }
        assert!(begin(Mechanism::OauthBearer, &token("a.b-c_d~e+f/g==", "traceId", "1 2\t3")).is_ok());
    }

    #[test]
    fn nothing_shows_a_secret() {
        let secrets = ["pencil-4711", "token-4711", "shared-4711"];
        let credentials = password("user", secrets[0]);
        let token = Credentials::Token {
            value: secrets[1].into(),
            authorization_id: None,
            extensions: vec![("key".into(), secrets[2].into())],
        };
        let (mut scram, _) = begin(Mechanism::ScramSha256, &credentials).unwrap();
        let before = format!("{scram:?}");
        scram.handle(b"r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4096").unwrap();
        let sasl = Sasl {
            mechanism: Mechanism::Plain,
            credentials: CredentialSource::Fixed(credentials.clone()),
            entropy: Some(Entropy([171; 32])),
        };
        let texts = [
            format!("{credentials:?}"),
            format!("{token:?}"),
            format!("{sasl:?}"),
            before,
            format!("{scram:?}"),
            format!("{:?}", begin(Mechanism::OauthBearer, &token).unwrap().0),
        ];
        for text in texts {
            assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
            assert!(!text.contains("171"), "{text}");
        }
    }

    #[test]
    fn nonces_are_long_and_never_the_same() {
        let entropy = Entropy([7; 32]);
        let mut seen = alloc::collections::BTreeSet::new();
        for broker in 0..10 {
            for generation in 0..10 {
                for number in 0..3 {
                    let nonce = entropy.nonce(broker, generation, number);
                    // 24 bytes in base64, printable and without a comma.
                    assert_eq!(nonce.len(), 32);
                    assert!(nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
                    assert!(seen.insert(nonce));
                }
            }
        }
        assert_ne!(Entropy([8; 32]).nonce(0, 0, 0), entropy.nonce(0, 0, 0));
        assert_eq!(Entropy([7; 32]).nonce(0, 0, 0), entropy.nonce(0, 0, 0));
    }
}
