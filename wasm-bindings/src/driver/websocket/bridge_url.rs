//! Which URL leads to which broker.

use client_core::{Address, Error};

/// The subprotocol that kafka-bridge speaks.
const SUBPROTOCOL: &str = "kafka-bridge.v1";
/// Where kafka-bridge listens when the URL names no path.
const PATH: &str = "/v1/tcp";

/// Where the bridge is, and how to be let in.
#[derive(Debug)]
pub struct BridgeOptions {
    url: BridgeUrl,
    token: Option<String>,
}

type UrlForBroker = Box<dyn Fn(&Address) -> Result<String, String>>;

/// How a broker's address becomes a URL.
enum BridgeUrl {
    /// kafka-bridge: this URL with `?target=host:port`.
    Target(String),
    /// Any other proxy: the whole URL comes from here, and no subprotocol is offered.
    PerBroker(UrlForBroker),
}

impl std::fmt::Debug for BridgeUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Target(url) => f.debug_tuple("Target").field(url).finish(),
            Self::PerBroker(_) => f.debug_tuple("PerBroker").finish_non_exhaustive(),
        }
    }
}

impl BridgeOptions {
    /// A kafka-bridge at this URL: `ws:`, `wss:`, `http:` or `https:`; without a path it is `/v1/tcp`. The token, if
    /// there is one, travels in the subprotocol list and never in the URL.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for key `bridge` when this is no such URL.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, Error> {
        let url = endpoint(url).map_err(|problem| Error::InvalidConfig {
            layer: "options".into(),
            key: "bridge".into(),
            problem,
        })?;
        Ok(Self { url: BridgeUrl::Target(url), token })
    }

    /// Another proxy: `url_for` says the whole URL for each broker.
    #[must_use]
    pub fn per_broker(url_for: impl Fn(&Address) -> Result<String, String> + 'static) -> Self {
        Self { url: BridgeUrl::PerBroker(Box::new(url_for)), token: None }
    }

    pub(super) fn url_for(&self, address: &Address) -> Result<String, String> {
        match &self.url {
            BridgeUrl::Target(url) => {
                let separator = if url.contains('?') { '&' } else { '?' };
                Ok(format!("{url}{separator}target={}", percent_encode(&address.to_string())))
            }
            BridgeUrl::PerBroker(url_for) => url_for(address),
        }
    }

    pub(super) fn subprotocols(&self) -> Vec<String> {
        match (&self.url, &self.token) {
            (BridgeUrl::PerBroker(_), _) => Vec::new(),
            (BridgeUrl::Target(_), None) => vec![SUBPROTOCOL.into()],
            (BridgeUrl::Target(_), Some(token)) => {
                vec![SUBPROTOCOL.into(), format!("bearer.{}", base64_url(token.as_bytes()))]
            }
        }
    }
}

/// Makes a URL with a WebSocket scheme and a path, or says what is wrong with it.
fn endpoint(url: &str) -> Result<String, String> {
    let expected = "expected a URL like ws://localhost:8090 or wss://bridge.example/v1/tcp";
    let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("{expected}, found {url:?}"))?;
    let scheme = match scheme {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        other => return Err(format!("{expected}, found the scheme {other:?}")),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(path_at);
    if host.is_empty() || host.contains('@') {
        return Err(format!(
            "{expected}, found {} host",
            if host.is_empty() { "no" } else { "a user name before the" }
        ));
    }
    let path = match path.strip_prefix('/').unwrap_or(path) {
        "" => PATH.to_owned(),
        query if query.starts_with('?') => format!("{PATH}{query}"),
        _ => path.to_owned(),
    };
    Ok(format!("{scheme}://{host}{path}"))
}

/// Percent-encodes everything but letters, digits and what host names and ports are made of.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Base64 with the URL alphabet and without padding (RFC 4648, section 5): what a subprotocol token may hold.
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for sextet in 0..=group.len() {
            let index = (bits >> (18 - 6 * sextet)) & 63;
            encoded.push(char::from(ALPHABET[index as usize]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<&str>) {
        let address = Address { host: "b1.example".into(), port: 9092 };
        let found = BridgeOptions::new(url, None).ok().map(|options| options.url_for(&address));
        assert_eq!(found, expected.map(|text| Ok(text.to_owned())), "{url}");
    }

    #[test]
    fn bridge_urls_lead_to_the_endpoint() {
        check("ws://localhost:8090", Some("ws://localhost:8090/v1/tcp?target=b1.example:9092"));
        check("http://localhost:8090/", Some("ws://localhost:8090/v1/tcp?target=b1.example:9092"));
        check("https://h/kafka#x", Some("wss://h/kafka?target=b1.example:9092"));
        check("wss://h/v1/tcp?zone=a", Some("wss://h/v1/tcp?zone=a&target=b1.example:9092"));
        check("wss://h?zone=a", Some("wss://h/v1/tcp?zone=a&target=b1.example:9092"));
        check("localhost:8090", None);
        check("ftp://localhost", None);
        check("ws:///v1/tcp", None);
        check("ws://me:secret@host", None);
    }

    #[test]
    fn a_target_is_percent_encoded() {
        assert_eq!(percent_encode("[::1]:9092"), "%5B::1%5D:9092");
        assert_eq!(percent_encode("a&b=c"), "a%26b%3Dc");
    }

    #[test]
    fn tokens_travel_in_the_subprotocol_list() {
        for (text, expected) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("\u{fb}\u{ff}", "w7vDvw")]
        {
            assert_eq!(base64_url(text.as_bytes()), expected);
        }
        let options = BridgeOptions::new("ws://h", Some("foo".into())).expect("a good URL");
        assert_eq!(options.subprotocols(), ["kafka-bridge.v1", "bearer.Zm9v"]);
    }
}
