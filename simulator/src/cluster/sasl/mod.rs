//! SaslHandshake, version 1, and SaslAuthenticate, versions 0 to 2: who comes, and for how long.
//!
//! A listener that asks ([`ClusterConfig::sasl`](super::ClusterConfig::sasl)) takes ApiVersions once, then SaslHandshake, then SaslAuthenticate until
//! it is content, and nothing else before that. A failure is told after [`FAILED_AUTHENTICATION_DELAY`], and then the link
//! closes. With a longest session (KIP-368) a request after its end closes the link, unless it is the handshake of a renewal; a
//! renewal more than once a second is answered with `ILLEGAL_SASL_STATE`. A listener that does not ask answers both requests with
//! `ILLEGAL_SASL_STATE`. All of this is as in Apache Kafka.
//!
//! Deviations from Apache Kafka: version 0 of SaslHandshake is not offered. All mechanisms know the same users. There is one
//! token, and it does not expire. No SCRAM extensions are known. What a renewal may not change (mechanism, user) is refused in
//! words of our own.

mod mechanisms;
mod scram;

use super::config::InvalidClusterConfig;
use super::keyed::keyed;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::protocol::{ApiKey, ErrorCode, Response, SaslAuthenticateResponse, SaslHandshakeResponse};
use client_core::time::{Duration, Instant};
use core::fmt;
use mechanisms::{Conversation, Judged, Refusal};

/// How long a failure is kept back before it is told (`connection.failed.authentication.delay.ms`).
pub(crate) const FAILED_AUTHENTICATION_DELAY: Duration = Duration::from_millis(100);

/// Renewals that come faster are none.
const RENEWAL_DISTANCE_MIN: Duration = Duration::from_secs(1);

/// Who may come in, and how they prove who they are.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslConfig {
    /// What is switched on (`sasl.enabled.mechanisms`).
    pub mechanisms: Vec<SaslMechanism>,
    /// User names and passwords.
    pub users: Vec<(String, String)>,
    /// The token that OAUTHBEARER accepts, if any.
    pub token: Option<String>,
    /// How long a session lasts (`connections.max.reauth.ms`); `None` for ever.
    pub session_max: Option<Duration>,
    /// How often SCRAM's hash is applied.
    pub scram_iterations: u32,
}

/// A way to prove who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SaslMechanism {
    /// User name and password (RFC 4616).
    Plain,
    /// A proof of the password (RFC 5802, RFC 7677).
    ScramSha256,
    /// The same with a longer hash.
    ScramSha512,
    /// A token (RFC 7628).
    OauthBearer,
}

impl SaslMechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::ScramSha256, Self::ScramSha512, Self::OauthBearer];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }
}

impl SaslConfig {
    /// The smallest number of iterations that Apache Kafka allows.
    pub const SCRAM_ITERATIONS_MIN: u32 = 4_096;

    /// These mechanisms, one user, sessions without end.
    #[must_use]
    pub fn with_user(mechanisms: &[SaslMechanism], username: &str, password: &str) -> Self {
        Self {
            mechanisms: mechanisms.to_vec(),
            users: alloc::vec![(username.to_owned(), password.to_owned())],
            token: None,
            session_max: None,
            scram_iterations: Self::SCRAM_ITERATIONS_MIN,
        }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidClusterConfig> {
        let problem = |problem: String| Err(InvalidClusterConfig { key: "sasl", problem });
        if self.mechanisms.is_empty() {
            return problem("expected at least one mechanism, got none".to_owned());
        }
        if let Some((name, _)) = self.users.iter().find(|(name, word)| name.is_empty() || word.is_empty()) {
            return problem(format!("expected a name and a password for each user, got none for \"{name}\""));
        }
        if !(Self::SCRAM_ITERATIONS_MIN..=SCRAM_ITERATIONS_MAX).contains(&self.scram_iterations) {
            return problem(format!(
                "expected {} to {SCRAM_ITERATIONS_MAX} iterations, got {}",
                Self::SCRAM_ITERATIONS_MIN,
                self.scram_iterations
            ));
        }
        Ok(())
    }
}

/// The most that Apache Kafka's tools allow.
const SCRAM_ITERATIONS_MAX: u32 = 16_384;

impl fmt::Debug for SaslConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslConfig")
            .field("mechanisms", &self.mechanisms)
            .field("users", &self.users.len())
            .field("session_max", &self.session_max)
            .finish_non_exhaustive()
    }
}

/// What all nodes know about their users. Copies share it.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    config: Arc<SaslConfig>,
    /// What is stored for SCRAM in place of passwords: for each user, and each of the mechanisms that is switched on.
    stored: Arc<Vec<(SaslMechanism, String, scram::Stored)>>,
    seed: u64,
}

/// What a node says to one of the two requests.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// This, and the link goes on.
    Answer(Response),
    /// This, after a while, and then the link closes.
    Refusal(Response),
}

impl Listener {
    pub(crate) fn new(config: &SaslConfig, seed: u64) -> Self {
        let mut stored = Vec::new();
        for &mechanism in &config.mechanisms {
            let Some(hash) = scram::Hash::of(mechanism) else { continue };
            for (username, password) in &config.users {
                let salt = (0..2).map(|half| keyed(seed, mechanism.name(), username, half).to_be_bytes());
                let salt = salt.collect::<Vec<_>>().concat();
                let stored_keys = scram::Stored::new(hash, password, &salt, config.scram_iterations);
                stored.push((mechanism, username.clone(), stored_keys));
            }
        }
        Self { config: Arc::new(config.clone()), stored: Arc::new(stored), seed }
    }

    fn stored(&self, mechanism: SaslMechanism, username: &str) -> Option<&scram::Stored> {
        let found = self.stored.iter().find(|(of, name, _)| (*of, name.as_str()) == (mechanism, username));
        found.map(|(_, _, stored)| stored)
    }

    /// The mechanisms that are switched on, as replies name them.
    fn names(&self) -> Vec<String> {
        self.config.mechanisms.iter().map(|mechanism| mechanism.name().into()).collect()
    }
}

/// How far a link has come with saying who is there.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    /// The listener does not ask.
    Unasked,
    /// Nobody has said anything yet, or only which versions the node speaks (`greeted`).
    Unknown { greeted: bool },
    /// A mechanism is at work; perhaps to renew what was there before.
    Proving { mechanism: SaslMechanism, conversation: Conversation, renewed: Option<Visitor> },
    /// Let in.
    Known(Visitor),
}

/// Who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    mechanism: SaslMechanism,
    user: String,
    /// When the session ends.
    ends: Option<Instant>,
    /// When the last renewal began.
    renewed_at: Option<Instant>,
}

/// What a node does about a request before it looks into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is carried out.
    Welcome,
    /// It is answered with `ILLEGAL_SASL_STATE`, and the link closes after a while.
    Refused,
    /// Nothing is said, and the link closes after a while.
    Ignored,
    /// The link closes at once: the session is over.
    Expired,
}

impl Session {
    pub(crate) const fn of(listener: Option<&Listener>) -> Self {
        if listener.is_some() { Self::Unknown { greeted: false } } else { Self::Unasked }
    }

    /// Whether a request of this API is allowed now.
    pub(crate) fn admits(&self, api: ApiKey, now: Instant) -> Admission {
        match self {
            Self::Unasked => Admission::Welcome,
            Self::Unknown { .. } if api == ApiKey::SaslHandshake => Admission::Welcome,
            Self::Unknown { greeted: false } if api == ApiKey::ApiVersions => Admission::Welcome,
            Self::Unknown { .. } => Admission::Ignored,
            Self::Proving { .. } if api == ApiKey::SaslAuthenticate => Admission::Welcome,
            Self::Proving { .. } => Admission::Refused,
            Self::Known(visitor) if api == ApiKey::SaslHandshake && visitor.may_renew(now) => {
                Admission::Welcome
            }
            Self::Known(visitor) if visitor.ends.is_some_and(|ends| ends <= now) => Admission::Expired,
            Self::Known(_) => Admission::Welcome,
        }
    }

    /// ApiVersions was answered well.
    pub(crate) fn greet(&mut self) {
        if let Self::Unknown { greeted } = self {
            *greeted = true;
        }
    }

    /// SaslHandshake.
    pub(crate) fn handshake(&mut self, listener: Option<&Listener>, name: &str, now: Instant) -> Said {
        let renewed = match self {
            Self::Unknown { .. } => None,
            Self::Known(visitor) if visitor.may_renew(now) => {
                visitor.renewed_at = Some(now);
                Some(visitor.clone())
            }
            Self::Unasked | Self::Proving { .. } | Self::Known(_) => {
                return Said::Answer(handshake_failed(ErrorCode::IllegalSaslState, Vec::new()));
            }
        };
        let Some(listener) = listener else {
            return Said::Answer(handshake_failed(ErrorCode::IllegalSaslState, Vec::new()));
        };
        let wanted = SaslMechanism::from_name(name).filter(|it| listener.config.mechanisms.contains(it));
        let Some(mechanism) = wanted else {
            let failed = handshake_failed(ErrorCode::UnsupportedSaslMechanism, listener.names());
            return Said::Refusal(failed);
        };
        *self = Self::Proving { mechanism, conversation: Conversation::Begun, renewed };
        Said::Answer(SaslHandshakeResponse { error_code: 0, mechanisms: listener.names() }.into())
    }

    /// SaslAuthenticate. `link` names the link, so that no two conversations have the same nonce; `locked_out` refuses everybody.
    pub(crate) fn authenticate(
        &mut self,
        listener: Option<&Listener>,
        message: &[u8],
        (link, now): (u64, Instant),
        locked_out: bool,
    ) -> Said {
        let (Some(listener), Self::Proving { mechanism, conversation, renewed }) = (listener, &mut *self)
        else {
            let said = "SaslAuthenticate request received after successful authentication";
            return Said::Answer(authenticate_failed(ErrorCode::IllegalSaslState, Some(said.into())));
        };
        let mechanism = *mechanism;
        let nonce = || {
            let half = |half| {
                keyed(listener.seed ^ link, "SCRAM nonce", mechanism.name(), half ^ now.as_micros() << 1)
            };
            format!("{:016x}{:016x}", half(0), half(1))
        };
        match conversation.judge(listener, mechanism, message, nonce, locked_out) {
            Ok(Judged::GoOn(answer)) => Said::Answer(authenticated(answer, 0)),
            Ok(Judged::Content { answer, user }) => {
                if let Some(problem) = renewed.as_ref().and_then(|before| before.changed(mechanism, &user)) {
                    return refused(problem.into());
                }
                let lifetime = listener.config.session_max;
                let renewed_at = renewed.as_ref().and_then(|before| before.renewed_at);
                let ends = lifetime.map(|lifetime| now + lifetime);
                *self = Self::Known(Visitor { mechanism, user, ends, renewed_at });
                let millis = lifetime.map_or(0, |lifetime| lifetime.as_millis());
                Said::Answer(authenticated(answer, i64::try_from(millis).unwrap_or(i64::MAX)))
            }
            Err(Refusal::Said(text)) => refused(text),
            Err(Refusal::Unsaid) => {
                let what = if renewed.is_some() { "re-authentication" } else { "authentication" };
                let name = mechanism.name();
                refused(format!(
                    "Authentication failed during {what} due to invalid credentials with SASL mechanism {name}"
                ))
            }
        }
    }
}

impl Visitor {
    /// Whether a handshake now begins a renewal, and is not one that comes out of turn.
    fn may_renew(&self, now: Instant) -> bool {
        self.ends.is_some() && self.renewed_at.is_none_or(|at| now.since(at) >= RENEWAL_DISTANCE_MIN)
    }

    /// What a renewal has changed that it may not change.
    fn changed(&self, mechanism: SaslMechanism, user: &str) -> Option<&'static str> {
        if self.mechanism != mechanism {
            Some("Cannot change the mechanism during re-authentication")
        } else if self.user != user {
            Some("Cannot change principals during re-authentication")
        } else {
            None
        }
    }
}

fn authenticated(answer: Vec<u8>, session_lifetime_ms: i64) -> Response {
    // Empty, and not missing, as Apache Kafka has it.
    let error_message = Some(String::new());
    let auth_bytes = Bytes::from(answer);
    SaslAuthenticateResponse { error_code: 0, error_message, auth_bytes, session_lifetime_ms }.into()
}

fn refused(text: String) -> Said {
    Said::Refusal(authenticate_failed(ErrorCode::SaslAuthenticationFailed, Some(text)))
}

/// The answer when a handshake has failed with this error.
pub(crate) fn handshake_failed(error: ErrorCode, mechanisms: Vec<String>) -> Response {
    SaslHandshakeResponse { error_code: error.code(), mechanisms }.into()
}

/// The answer when authentication has failed with this error.
pub(crate) fn authenticate_failed(error: ErrorCode, error_message: Option<String>) -> Response {
    SaslAuthenticateResponse { error_code: error.code(), error_message, ..Default::default() }.into()
}
