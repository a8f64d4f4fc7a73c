//! Which pages may connect: the Origin and Host headers.
//!
//! A page on any site may open a WebSocket to a bridge on the visitor's own machine; only the Origin header tells
//! it apart. A page that re-points its own name at the loopback address (DNS rebinding) has a matching Origin, and
//! only the Host header tells it apart.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// The Host headers that are answered, in lower case.
#[derive(Debug)]
pub(crate) struct Hosts(BTreeSet<String>);

impl Hosts {
    /// The configured ones, and the names of the listeners themselves.
    pub(crate) fn new(configured: &[String], listening: &[SocketAddr]) -> Self {
        let mut hosts: BTreeSet<String> = configured.iter().map(|host| host.to_ascii_lowercase()).collect();
        for address in listening {
            let ip = address.ip();
            let mut names = Vec::new();
            if ip.is_loopback() || ip.is_unspecified() {
                names.extend(["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()]);
            }
            if !ip.is_unspecified() {
                names.push(match ip {
                    IpAddr::V4(v4) => v4.to_string(),
                    IpAddr::V6(v6) => format!("[{v6}]"),
                });
            }
            for name in names {
                hosts.insert(format!("{name}:{}", address.port()));
                if address.port() == 80 {
                    hosts.insert(name);
                }
            }
        }
        Self(hosts)
    }

    pub(crate) fn allows(&self, host: &str) -> bool {
        self.0.contains(&host.to_ascii_lowercase())
    }
}

/// The origins whose pages may connect.
#[derive(Debug)]
pub(crate) struct Origins {
    pub(crate) listed: BTreeSet<String>,
    /// Whether pages served by this very listener may connect.
    pub(crate) own: bool,
}

/// What the Origin header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginVerdict {
    Allowed,
    /// No Origin: not a browser. Only a token can tell who it is.
    Missing,
    Refused,
}

impl Origins {
    /// `host` is the request's Host header, already allowed.
    pub(crate) fn check(&self, origin: Option<&str>, host: &str) -> OriginVerdict {
        let Some(origin) = origin else { return OriginVerdict::Missing };
        // `null` is what sandboxed frames and local files send: anyone can make one, so it is nobody's identity.
        if origin == "null" {
            return OriginVerdict::Refused;
        }
        let own =
            || self.own && origin.strip_prefix("http://").is_some_and(|name| name.eq_ignore_ascii_case(host));
        if self.listed.contains(origin) || own() { OriginVerdict::Allowed } else { OriginVerdict::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_listener_or_configured() {
        let hosts = Hosts::new(&["Bridge.Example".to_owned()], &["127.0.0.1:8090".parse().unwrap()]);
        for allowed in ["127.0.0.1:8090", "localhost:8090", "LOCALHOST:8090", "[::1]:8090", "bridge.example"]
        {
            assert!(hosts.allows(allowed), "{allowed}");
        }
        for refused in
            ["", "localhost", "127.0.0.1", "127.0.0.1:80", "evil.example:8090", "bridge.example:8090"]
        {
            assert!(!hosts.allows(refused), "{refused}");
        }
        assert!(Hosts::new(&[], &["0.0.0.0:80".parse().unwrap()]).allows("localhost"));
        assert!(!Hosts::new(&[], &["0.0.0.0:80".parse().unwrap()]).allows("0.0.0.0"));
    }

    #[test]
    fn an_origin_is_its_own_or_listed() {
        let origins = Origins { listed: BTreeSet::from(["https://app.example".to_owned()]), own: true };
        let check = |origin| origins.check(origin, "localhost:8090");
        assert_eq!(check(None), OriginVerdict::Missing);
        assert_eq!(check(Some("http://localhost:8090")), OriginVerdict::Allowed);
        assert_eq!(check(Some("https://app.example")), OriginVerdict::Allowed);
        for refused in [
            "",
            "null",
            "http://127.0.0.1:8090",
            "https://localhost:8090",
            "http://localhost",
            "https://app.example.evil",
            "http://app.example",
        ] {
            assert_eq!(check(Some(refused)), OriginVerdict::Refused, "{refused}");
        }
        let listed_only = Origins { listed: BTreeSet::new(), own: false };
        assert_eq!(
            listed_only.check(Some("http://localhost:8090"), "localhost:8090"),
            OriginVerdict::Refused
        );
    }
}
