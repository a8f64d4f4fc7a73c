//! The static bearer token.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq as _;

use super::OriginVerdict;
use crate::close::CloseCause;

/// A secret. It is neither printed nor logged: `Debug` shows that there is one, not which.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

impl Token {
    /// Shorter tokens can be guessed.
    pub(crate) const BYTES_MIN: usize = 16;

    /// A secret of at least 16 bytes; `None` when `secret` is shorter.
    pub fn new(secret: &str) -> Option<Self> {
        (secret.len() >= Self::BYTES_MIN).then(|| Self(secret.as_bytes().to_owned()))
    }

    fn matches(&self, offered: &[u8]) -> bool {
        self.0.ct_eq(offered).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Who has to show the token, when there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequireToken {
    /// Every client.
    Always,
    /// Only clients without an Origin header: those that are no browsers.
    MissingOrigin,
}

/// Decides by what was offered after `bearer.`. A token that is offered must be right even where none is needed.
pub(crate) fn check_token(
    token: Option<&Token>,
    require: RequireToken,
    origin: OriginVerdict,
    offered: &[String],
) -> Result<(), CloseCause> {
    let refused = |problem| Err(CloseCause::Unauthenticated { problem });
    match (token, offered) {
        (None, _) if origin == OriginVerdict::Allowed => Ok(()),
        (None, _) => refused("origin-missing-and-no-token-configured"),
        (Some(_), []) if origin == OriginVerdict::Allowed && require == RequireToken::MissingOrigin => Ok(()),
        (Some(_), []) => refused("token-missing"),
        (Some(token), [one]) => match BASE64URL_NOPAD.decode(one.as_bytes()) {
            Ok(secret) if token.matches(&secret) => Ok(()),
            Ok(_) => refused("token-wrong"),
            Err(_) => refused("token-not-base64url"),
        },
        (Some(_), _) => refused("several-tokens"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "correct horse battery";

    fn check(token: bool, require: RequireToken, origin: OriginVerdict, offered: &[&str], expected: &str) {
        let token = token.then(|| Token::new(RIGHT).unwrap());
        let offered: Vec<String> =
            offered.iter().map(|secret| BASE64URL_NOPAD.encode(secret.as_bytes())).collect();
        let told = check_token(token.as_ref(), require, origin, &offered)
            .map_or_else(|cause| cause.reason(), |()| "ok".to_owned());
        assert_eq!(told, expected);
    }

    #[test]
    fn a_token_is_needed_where_the_policy_says() {
        use OriginVerdict::{Allowed, Missing};
        use RequireToken::{Always, MissingOrigin};
        check(false, Always, Allowed, &[], "ok");
        check(false, Always, Missing, &[], "unauthenticated problem=origin-missing-and-no-token-configured");
        check(true, Always, Allowed, &[], "unauthenticated problem=token-missing");
        check(true, Always, Allowed, &[RIGHT], "ok");
        check(true, Always, Missing, &[RIGHT], "ok");
        check(true, MissingOrigin, Allowed, &[], "ok");
        check(true, MissingOrigin, Missing, &[], "unauthenticated problem=token-missing");
        check(true, MissingOrigin, Allowed, &["wrong"], "unauthenticated problem=token-wrong");
        check(true, Always, Allowed, &[RIGHT, RIGHT], "unauthenticated problem=several-tokens");
        let not_base64 = check_token(Token::new(RIGHT).as_ref(), Always, Allowed, &["%".to_owned()]);
        assert_eq!(not_base64.unwrap_err().reason(), "unauthenticated problem=token-not-base64url");
    }

    #[test]
    fn a_token_is_never_printed() {
        assert!(!format!("{:?}", Token::new(RIGHT)).contains("correct"));
        assert_eq!(Token::new("short"), None);
    }
}
