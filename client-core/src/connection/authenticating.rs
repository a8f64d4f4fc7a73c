//! Says who this client is: on each new connection, and again before a session ends (KIP-368).
//!
//! Nothing of the application goes out before the broker is content. Requests that were sent before a connection authenticates
//! again are answered first, because brokers answer in order; new ones wait. What is said is secret: traces show asterisks.

use super::exchange::spoken;
use super::{AuthenticationPhase, Connection, ConnectionState, Settings};
use crate::cx::Cx;
use crate::error::{AuthenticationFailure, CloseReason};
use crate::io::{Event, Timer};
pub(super) use crate::protocol::redacted_response;
use crate::protocol::{
    self, ApiKey, ErrorCode, Request, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use crate::sasl::{CredentialSource, Credentials, Exchange, Mechanism, Step, printable};
use crate::time::{Duration, Instant};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;

/// How far authentication has come.
#[derive(Clone, Debug)]
pub(super) enum Authentication {
    Asking,
    ShakingHands(Credentials),
    Exchanging(Exchange),
}

impl Authentication {
    pub(super) const fn phase(&self) -> AuthenticationPhase {
        match self {
            Self::Asking => AuthenticationPhase::AwaitingCredentials,
            Self::ShakingHands(_) => AuthenticationPhase::AwaitingHandshake,
            Self::Exchanging(_) => AuthenticationPhase::AwaitingAnswer,
        }
    }
}

impl Connection {
    pub(super) fn begin_authentication(&mut self, cause: &str, settings: &Settings, cx: &mut Cx) {
        let Some(sasl) = &settings.sasl else { return };
        self.transition(ConnectionState::Authenticating, cause, cx);
        // One limit for all of it: the application's search for credentials and every message of the mechanism.
        let timer = Timer::Authenticate(self.broker);
        self.authenticate_timer.arm(timer, cx.now + settings.request_timeout, cx);
        match &sasl.credentials {
            CredentialSource::Fixed(credentials) => {
                self.shake_hands(credentials.clone(), sasl.mechanism, settings, cx);
            }
            CredentialSource::Asked => {
                self.authentication = Some(Authentication::Asking);
                cx.event(Event::CredentialsNeeded { connection: self.id(), mechanism: sasl.mechanism });
            }
        }
    }

    /// The application's answer.
    pub(super) fn handle_credentials(
        &mut self,
        answer: Result<Credentials, String>,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        let Some(sasl) = &settings.sasl else { return };
        match answer {
            Ok(credentials) => match credentials.problem(sasl.mechanism) {
                None => self.shake_hands(credentials, sasl.mechanism, settings, cx),
                Some(problem) => {
                    self.refuse(AuthenticationFailure::NoCredentials(problem.to_string()), settings, cx);
                }
            },
            Err(why) => {
                self.refuse(AuthenticationFailure::NoCredentials(printable(&why)), settings, cx);
            }
        }
        self.refresh_timers(settings, cx);
    }

    /// The broker's word on the mechanism.
    pub(super) fn handle_handshake(
        &mut self,
        response: &SaslHandshakeResponse,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        let (Some(sasl), Some(Authentication::ShakingHands(credentials))) =
            (&settings.sasl, self.authentication.take())
        else {
            return;
        };
        if response.error_code != 0 {
            let failure = if response.error_code == ErrorCode::UnsupportedSaslMechanism.code() {
                AuthenticationFailure::UnsupportedMechanism {
                    wanted: sasl.mechanism.name(),
                    enabled: printable(&response.mechanisms.join(", ")),
                }
            } else {
                refused(response.error_code, None)
            };
            return self.refuse(failure, settings, cx);
        }
        self.conversations = self.conversations.wrapping_add(1);
        let nonce = || {
            // The configuration has been checked: where a mechanism needs them, there they are.
            let entropy = sasl.entropy.as_ref();
            entropy
                .map(|bits| bits.nonce(self.broker.0, self.generation, self.conversations))
                .unwrap_or_default()
        };
        match Exchange::begin(sasl.mechanism, &credentials, nonce) {
            Ok((exchange, first)) => self.say(exchange, first, settings, cx),
            Err(error) => {
                self.refuse(AuthenticationFailure::NoCredentials(error.to_string()), settings, cx);
            }
        }
    }

    /// The broker's next message of the mechanism.
    pub(super) fn handle_authenticate(
        &mut self,
        response: SaslAuthenticateResponse,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        let Some(Authentication::Exchanging(mut exchange)) = self.authentication.take() else { return };
        if response.error_code != 0 {
            let said = exchange.refusal().map(String::from).or(response.error_message);
            return self.refuse(refused(response.error_code, said), settings, cx);
        }
        match exchange.handle(&response.auth_bytes) {
            Ok(Step::Send(message)) => self.say(exchange, message, settings, cx),
            Ok(Step::Done) => {
                self.authenticate_timer.cancel(Timer::Authenticate(self.broker), cx);
                self.begin_session(response.session_lifetime_ms, cx.now);
                self.become_ready("credentials accepted", settings, cx);
            }
            Err(error) => {
                let failure = if error.is_misbehaviour() {
                    AuthenticationFailure::Untrustworthy(error.to_string())
                } else {
                    refused(ErrorCode::SaslAuthenticationFailed.code(), Some(error.to_string()))
                };
                self.refuse(failure, settings, cx);
            }
        }
    }

    /// Whether the connection must authenticate again before the next request.
    pub(super) fn session_is_over(&self, now: Instant) -> bool {
        self.session_ends.is_some_and(|at| at <= now)
    }

    /// What authentication has been waiting for, in a word.
    pub(super) fn waits_for(&self) -> &'static str {
        match self.authentication_phase() {
            Some(AuthenticationPhase::AwaitingCredentials) | None => "credentials",
            Some(AuthenticationPhase::AwaitingHandshake) => ApiKey::SaslHandshake.name(),
            Some(AuthenticationPhase::AwaitingAnswer) => ApiKey::SaslAuthenticate.name(),
        }
    }

    // ---- inside ----

    fn shake_hands(
        &mut self,
        credentials: Credentials,
        mechanism: Mechanism,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        self.authentication = Some(Authentication::ShakingHands(credentials));
        let request = SaslHandshakeRequest { mechanism: mechanism.name().into() };
        self.ask(request.into(), settings, cx);
    }

    fn say(&mut self, exchange: Exchange, message: Vec<u8>, settings: &Settings, cx: &mut Cx) {
        self.authentication = Some(Authentication::Exchanging(exchange));
        self.ask(SaslAuthenticateRequest { auth_bytes: message.into() }.into(), settings, cx);
    }

    fn ask(&mut self, body: Request, settings: &Settings, cx: &mut Cx) {
        let api = body.api_key();
        let common = self.versions.get(&api).and_then(|theirs| spoken(api).highest_common(*theirs));
        let Some(version) = common else {
            return self.give_up(CloseReason::UnsupportedVersion { api: api.name() }, settings, cx);
        };
        self.write_own(body, version, settings, cx);
    }

    fn refuse(&mut self, failure: AuthenticationFailure, settings: &Settings, cx: &mut Cx) {
        self.give_up(CloseReason::AuthenticationFailed(failure), settings, cx);
    }

    /// Notes when to authenticate again: after 85 to 95 percent of the session, as the Java client does, so that many clients do
    /// not come at once. Brokers mind an old session only when a request comes, so an unused connection is left alone.
    fn begin_session(&mut self, lifetime_millis: i64, now: Instant) {
        let lifetime = u64::try_from(lifetime_millis).ok().filter(|millis| *millis > 0);
        self.session_ends = lifetime.map(|millis| {
            let percent = 85 + self.session_rng.below(11);
            now + Duration::from_millis(millis / 100 * percent + millis % 100 * percent / 100)
        });
    }
}

fn refused(errno: i16, said: Option<String>) -> AuthenticationFailure {
    let known = ErrorCode::try_from(errno).ok();
    let said = said.filter(|text| !text.is_empty()).map(|text| printable(&text));
    let said = said.or_else(|| known.map(|code| code.description().trim_end_matches('.').to_string()));
    AuthenticationFailure::Refused {
        name: known.map_or("UNKNOWN_ERROR_CODE", ErrorCode::name),
        errno,
        said: said.unwrap_or_else(|| format!("error {errno}")),
    }
}

/// For traces: the request with asterisks in place of what is secret; `None` if nothing in it is.
pub(super) fn redacted_request(
    request: &Request,
    version: i16,
    correlation_id: i32,
    settings: &Settings,
) -> Option<Bytes> {
    let Request::SaslAuthenticate(secret) = request else { return None };
    let frame = Request::from(protocol::redacted_request(secret)).encode(
        version,
        correlation_id,
        Some(&settings.client_id),
    );
    // What could be encoded with the secret in it can be encoded without.
    Some(frame.map_or_else(|_| Bytes::new(), |frame| frame.to_bytes()))
}
