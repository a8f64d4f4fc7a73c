//! The option `sasl`: `{ mechanism, username, password }`, or `{ mechanism: 'oauthbearer', oauthBearerProvider }`.
//!
//! Whatever is a function in the driver's language makes the whole a question: the client asks when it needs the answer.

use super::value::Value;
use crate::sasl::{CredentialSource, Credentials, Mechanism, Sasl};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Makes settings of what a caller passed. The error shows nothing of the credentials.
pub(super) fn read(found: &[(String, Value)]) -> Result<Sasl, String> {
    let value = |key: &str| {
        let value = found.iter().rfind(|(known, _)| known == key).map(|(_, value)| value);
        value.filter(|value| **value != Value::Null)
    };
    let mechanism = match value("mechanism") {
        Some(Value::Text(name)) => Mechanism::from_name(name),
        _ => None,
    };
    let Some(mechanism) = mechanism else {
        let names = Mechanism::ALL.map(Mechanism::name).join(", ");
        return Err(format!("expected a mechanism, one of {names}"));
    };
    let known: &[&str] = match mechanism {
        Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            &["mechanism", "username", "password", "authorizationId"]
        }
        Mechanism::OauthBearer => &["mechanism", "oauthBearerProvider", "authorizationId"],
    };
    if let Some((key, _)) = found.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(format!("{mechanism} has no {key}; it has {}", known.join(", ")));
    }
    let text = |key: &str| match value(key) {
        Some(Value::Text(text)) => Ok(Given::Text(text.clone())),
        Some(Value::Other(_)) => Ok(Given::Function),
        _ => Err(format!("expected {key} to be a text, or a function that finds it")),
    };
    let authorization_id = match value("authorizationId") {
        None => None,
        Some(Value::Text(id)) => Some(id.clone()),
        Some(_) => return Err("expected authorizationId to be a text".to_owned()),
    };
    let credentials = if mechanism == Mechanism::OauthBearer {
        match text("oauthBearerProvider")? {
            Given::Function => CredentialSource::Asked,
            Given::Text(token) => CredentialSource::Fixed(Credentials::Token {
                value: token.into(),
                authorization_id,
                extensions: Vec::new(),
            }),
        }
    } else {
        match (text("username")?, text("password")?) {
            (Given::Text(username), Given::Text(password)) => {
                let password = password.into();
                CredentialSource::Fixed(Credentials::Password { username, password, authorization_id })
            }
            (Given::Function, _) | (_, Given::Function) => CredentialSource::Asked,
        }
    };
    Ok(Sasl { mechanism, credentials, entropy: None })
}

enum Given {
    Text(String),
    Function,
}

/// What may be shown of the settings.
pub(super) fn show(sasl: &Sasl) -> Value {
    let text = |key: &str, text: &str| (key.to_owned(), Value::from(text));
    let mut shown = vec![text("mechanism", sasl.mechanism.name())];
    match &sasl.credentials {
        CredentialSource::Fixed(Credentials::Password { username, .. }) => {
            shown.extend([text("username", username), text("password", "(hidden)")]);
        }
        CredentialSource::Fixed(Credentials::Token { .. }) => {
            shown.push(text("oauthBearerProvider", "(hidden)"));
        }
        CredentialSource::Asked => {}
    }
    Value::Map(shown)
}
