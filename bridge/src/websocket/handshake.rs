//! The opening handshake (RFC 6455 section 4.2), without policy: is this a WebSocket request, and what was offered?

use data_encoding::BASE64;
use hyper::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Request, Version};
use tungstenite::handshake::derive_accept_key;

/// The subprotocol clients offer and the only one ever echoed.
pub(crate) const PROTOCOL: &str = "kafka-bridge.v1";

/// What comes before the token in the subprotocol list.
const BEARER: &str = "bearer.";

/// A request that may be answered with 101.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// `Sec-WebSocket-Accept`.
    pub(crate) accept_key: String,
    /// Whether the client offered [`PROTOCOL`], which is then echoed.
    pub(crate) echo_protocol: bool,
    /// What was offered after `bearer.`, in order: still base64url, still to be checked.
    pub(crate) bearers: Vec<String>,
}

/// Why a request cannot be upgraded. Not policy: a browser never sends such a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HandshakeProblem {
    /// A plain HTTP request, or an unknown WebSocket version: 426.
    NotAnUpgrade,
    /// Something is malformed: 400, with what.
    Malformed(&'static str),
}

impl Handshake {
    pub(crate) fn read<B>(request: &Request<B>) -> Result<Self, HandshakeProblem> {
        let headers = request.headers();
        if request.version() != Version::HTTP_11 {
            return Err(HandshakeProblem::Malformed("a WebSocket needs HTTP/1.1"));
        }
        if !lists(headers, UPGRADE.as_str(), "websocket") || !lists(headers, CONNECTION.as_str(), "upgrade") {
            return Err(HandshakeProblem::NotAnUpgrade);
        }
        if request.method() != Method::GET {
            return Err(HandshakeProblem::Malformed("a WebSocket begins with GET"));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(HandshakeProblem::NotAnUpgrade);
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return Err(HandshakeProblem::Malformed("expected one Sec-WebSocket-Key"));
        };
        if BASE64.decode(key.as_bytes()).map_or(true, |nonce| nonce.len() != 16) {
            return Err(HandshakeProblem::Malformed("Sec-WebSocket-Key is not 16 bytes of base64"));
        }
        let offered: Vec<&str> = elements(headers, SEC_WEBSOCKET_PROTOCOL.as_str()).collect();
        let echo_protocol = offered.contains(&PROTOCOL);
        if !echo_protocol && !offered.is_empty() {
            return Err(HandshakeProblem::Malformed("the subprotocol list lacks kafka-bridge.v1"));
        }
        let bearers =
            offered.iter().filter_map(|element| element.strip_prefix(BEARER)).map(str::to_owned).collect();
        Ok(Self { accept_key: derive_accept_key(key.as_bytes()), echo_protocol, bearers })
    }
}

fn lists(headers: &HeaderMap, name: &str, wanted: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(wanted))
}

/// The elements of a comma-separated header, over all its lines. A line that is not ASCII has none.
fn elements<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|element| !element.is_empty())
}
