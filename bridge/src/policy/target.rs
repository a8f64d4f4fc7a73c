//! From the key a client sends to what is dialled. Exact match; fails closed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::close::CloseCause;

/// What is dialled for a key: taken from the configuration, never from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A name or address of the configuration, resolved when it is dialled.
    Configured(Dial),
    /// Loopback addresses, tried in order; the client chose only the port.
    Loopback(Vec<SocketAddr>),
}

/// What the configuration says about reaching a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    /// `host:port`.
    pub(crate) address: String,
    /// Whether the broker speaks TLS there, for which its certificate has to name the host.
    pub(crate) tls: bool,
}

impl Dial {
    /// Without its port, and an IPv6 address without its brackets: what a certificate has to name.
    pub(crate) fn host(&self) -> &str {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _port)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// The allow-list.
#[derive(Debug)]
pub(crate) struct Targets {
    /// From the `host:port` that metadata advertises to what is dialled.
    listed: BTreeMap<String, Dial>,
    /// Whether every port of this machine may be reached (`allow-target-loopback`).
    loopback: bool,
}

impl Targets {
    pub(crate) fn new(listed: BTreeMap<String, Dial>, loopback: bool) -> Self {
        Self { listed, loopback }
    }

    /// Looks up what the client asked for.
    pub(crate) fn find(&self, key: Option<&str>) -> Result<Destination, CloseCause> {
        let Some(key) = key else { return Err(CloseCause::BadTarget { problem: "missing" }) };
        let (host, port) = split_host_port(key).map_err(|problem| CloseCause::BadTarget { problem })?;
        if let Some(dial) = self.listed.get(key) {
            return Ok(Destination::Configured(dial.clone()));
        }
        if self.loopback {
            let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
            match host {
                "127.0.0.1" => return Ok(Destination::Loopback(vec![v4])),
                "[::1]" => return Ok(Destination::Loopback(vec![v6])),
                "localhost" => return Ok(Destination::Loopback(vec![v4, v6])),
                _ => {}
            }
        }
        Err(CloseCause::TargetDenied { problem: "not-listed", target: key.to_owned() })
    }
}

/// Splits `host:port`, an IPv6 address being in brackets. The error is a word for a close reason.
pub(crate) fn split_host_port(text: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("no-port")?;
    let port_digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = if port_digits { port.parse::<u16>().ok().filter(|port| *port != 0) } else { None };
    let port = port.ok_or("port-out-of-range")?;
    if let Some(v6) = host.strip_prefix('[') {
        v6.strip_suffix(']').and_then(|v6| v6.parse::<Ipv6Addr>().ok()).ok_or("no-ipv6-address")?;
        return Ok((host, port));
    }
    let host_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(host_byte) {
        return Err("no-host-name");
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(loopback: bool) -> Targets {
        let dial = Dial { address: "10.0.0.1:19092".to_owned(), tls: false };
        Targets::new(BTreeMap::from([("b1.example:9092".to_owned(), dial)]), loopback)
    }

    fn check(targets: &Targets, key: &str, expected: &str) {
        let told = match targets.find(Some(key)) {
            Ok(Destination::Configured(dial)) => dial.address,
            Ok(Destination::Loopback(addresses)) => format!("{addresses:?}"),
            Err(cause) => format!("{} {}", cause.code(), cause.reason()),
        };
        assert_eq!(told, expected, "{key}");
    }

    #[test]
    fn only_an_exact_match_is_dialled_and_never_the_clients_words() {
        let targets = targets(false);
        check(&targets, "b1.example:9092", "10.0.0.1:19092");
        check(&targets, "B1.example:9092", "4403 target-denied problem=not-listed target=B1.example:9092");
        check(&targets, "b1.example:9093", "4403 target-denied problem=not-listed target=b1.example:9093");
        check(&targets, "10.0.0.1:19092", "4403 target-denied problem=not-listed target=10.0.0.1:19092");
        check(&targets, "127.0.0.1:9092", "4403 target-denied problem=not-listed target=127.0.0.1:9092");
        assert_eq!(targets.find(None).unwrap_err().reason(), "bad-target problem=missing");
    }

    #[test]
    fn what_is_no_host_and_port_is_a_bad_target() {
        for (key, problem) in [
            ("", "no-port"),
            ("b1.example", "no-port"),
            ("b1.example:", "port-out-of-range"),
            ("b1.example:0", "port-out-of-range"),
            ("b1.example:+1", "port-out-of-range"),
            ("b1.example:65536", "port-out-of-range"),
            (":9092", "no-host-name"),
            ("b1/../x:9092", "no-host-name"),
            ("b1 example:9092", "no-host-name"),
            ("::1:9092", "no-host-name"),
            ("[b1]:9092", "no-ipv6-address"),
            ("[::1:9092", "no-ipv6-address"),
        ] {
            check(&targets(true), key, &format!("4400 bad-target problem={problem}"));
        }
    }

    #[test]
    fn a_certificate_has_to_name_the_host_alone() {
        for (address, host) in
            [("b1.example:9093", "b1.example"), ("10.0.0.1:1", "10.0.0.1"), ("[::1]:1", "::1")]
        {
            assert_eq!(Dial { address: address.to_owned(), tls: true }.host(), host);
        }
    }

    #[test]
    fn loopback_is_reached_only_when_it_was_allowed() {
        check(&targets(true), "127.0.0.1:41234", "[127.0.0.1:41234]");
        check(&targets(true), "[::1]:41234", "[[::1]:41234]");
        check(&targets(true), "localhost:41234", "[127.0.0.1:41234, [::1]:41234]");
        check(
            &targets(true),
            "127.0.0.2:41234",
            "4403 target-denied problem=not-listed target=127.0.0.2:41234",
        );
    }
}
