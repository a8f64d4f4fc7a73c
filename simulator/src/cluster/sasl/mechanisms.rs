//! The broker's side of each mechanism: a message in, an answer or a verdict out.

use super::scram::{self, Challenge};
use super::{Listener, SaslMechanism};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How far a conversation has come.
#[derive(Clone, Debug)]
pub(crate) enum Conversation {
    /// Nothing has been said.
    Begun,
    /// SCRAM's challenge is out.
    Challenged { user: String, challenge: Challenge },
    /// A token was refused; the client has to acknowledge that.
    Refusing,
}

/// What a message has led to.
pub(super) enum Judged {
    /// Another message is needed.
    GoOn(Vec<u8>),
    /// It is known who this is.
    Content { answer: Vec<u8>, user: String },
}

/// A message that ends the conversation.
pub(super) enum Refusal {
    /// For a reason that clients are told.
    Said(String),
    /// For a reason that could tell too much: whether a user exists, for instance.
    Unsaid,
}

/// Apache Kafka's word for a token that is none.
const INVALID_TOKEN: &str = "{\"status\":\"invalid_token\"}";

/// Separates the parts of OAUTHBEARER's message, and acknowledges a refusal.
const SEPARATOR: char = '\u{1}';

const OTHER_ID: &str =
    "Authentication failed: Client requested an authorization id that is different from username";

impl Conversation {
    pub(super) fn judge(
        &mut self,
        listener: &Listener,
        mechanism: SaslMechanism,
        message: &[u8],
        nonce: impl FnOnce() -> String,
        locked_out: bool,
    ) -> Result<Judged, Refusal> {
        let text = core::str::from_utf8(message).map_err(|_| Refusal::Unsaid)?;
        match (&*self, mechanism) {
            (Self::Challenged { user, challenge }, _) => {
                let stored = listener.stored(mechanism, user).filter(|_| !locked_out);
                let answer = challenge.verify(stored.ok_or(Refusal::Unsaid)?, text).ok_or(Refusal::Unsaid)?;
                Ok(Judged::Content { answer: answer.into_bytes(), user: user.clone() })
            }
            (Self::Refusing, _) if text.chars().eq([SEPARATOR]) => Err(Refusal::Said(INVALID_TOKEN.into())),
            (Self::Refusing | Self::Begun, SaslMechanism::OauthBearer) => {
                let token = token_of(text).ok_or(Refusal::Unsaid)?;
                if listener.config.token.as_deref() == Some(token) && !locked_out {
                    return Ok(Judged::Content { answer: Vec::new(), user: "token".to_string() });
                }
                *self = Self::Refusing;
                Ok(Judged::GoOn(INVALID_TOKEN.into()))
            }
            (_, SaslMechanism::Plain) => {
                let parts: Vec<&str> = text.split('\0').collect();
                let [authorization_id, user, password] = parts[..] else {
                    let count = parts.len();
                    let said = format!("Invalid SASL/PLAIN response: expected 3 tokens, got {count}");
                    return Err(Refusal::Said(said));
                };
                for (what, text) in [("username", user), ("password", password)] {
                    if text.is_empty() {
                        return Err(Refusal::Said(format!("Authentication failed: {what} not specified")));
                    }
                }
                let known = listener.config.users.iter().any(|(name, word)| name == user && word == password);
                if !known || locked_out {
                    let said = "Authentication failed: Invalid username or password";
                    return Err(Refusal::Said(said.into()));
                }
                same_user(authorization_id, user)?;
                Ok(Judged::Content { answer: Vec::new(), user: user.into() })
            }
            (_, SaslMechanism::ScramSha256 | SaslMechanism::ScramSha512) => {
                let first = scram::First::read(text).ok_or(Refusal::Unsaid)?;
                let stored = listener.stored(mechanism, &first.user).ok_or(Refusal::Unsaid)?;
                same_user(&first.authorization_id, &first.user)?;
                let challenge = Challenge::new(&first, stored, &nonce());
                let answer = challenge.message().as_bytes().to_vec();
                *self = Self::Challenged { user: first.user, challenge };
                Ok(Judged::GoOn(answer))
            }
        }
    }
}

fn same_user(authorization_id: &str, user: &str) -> Result<(), Refusal> {
    let same = authorization_id.is_empty() || authorization_id == user;
    if same { Ok(()) } else { Err(Refusal::Said(OTHER_ID.into())) }
}

/// The token in OAUTHBEARER's first message: `n,,`, then pairs between separators, then one more.
fn token_of(text: &str) -> Option<&str> {
    let (header, pairs) = text.split_once(SEPARATOR)?;
    let rest = header.strip_prefix("n,")?.strip_suffix(',')?;
    let has_header = rest.is_empty() || rest.starts_with("a=");
    let pairs = pairs.strip_suffix(SEPARATOR)?.strip_suffix(SEPARATOR)?;
    let auth = pairs.split(SEPARATOR).find_map(|pair| pair.strip_prefix("auth="))?;
    let (scheme, token) = auth.split_once(' ')?;
    (has_header && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}
