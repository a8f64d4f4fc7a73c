//! Addresses that are never dialled, whatever the configuration says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Cloud metadata services outside the link-local ranges: they hand out credentials to whoever asks.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Why this address is never dialled, or `None` when it may be. Asked after name resolution, about the very
/// address that is dialled next, so that a name cannot change its meaning in between.
pub(crate) fn never_dialled(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => never_dialled_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => never_dialled_v4(v4),
            None => never_dialled_v6(v6),
        },
    }
}

fn never_dialled_v4(address: Ipv4Addr) -> Option<&'static str> {
    if address.is_link_local() {
        Some("link-local-address")
    } else if METADATA_V4.contains(&address) {
        Some("metadata-address")
    } else if address.octets()[0] == 0 {
        Some("unspecified-address")
    } else if address.is_multicast() || address.is_broadcast() {
        Some("multicast-address")
    } else {
        None
    }
}

fn never_dialled_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unicast_link_local() {
        Some("link-local-address")
    } else if address == METADATA_V6 {
        Some("metadata-address")
    } else if address.is_unspecified() {
        Some("unspecified-address")
    } else if address.is_multicast() {
        Some("multicast-address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(never_dialled(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn dangerous_addresses_are_never_dialled() {
        check("127.0.0.1", None);
        check("10.0.0.1", None);
        check("2001:db8::1", None);
        check("::1", None);
        check("169.254.169.254", Some("link-local-address"));
        check("::ffff:169.254.169.254", Some("link-local-address"));
        check("fe80::1", Some("link-local-address"));
        check("fd00:ec2::254", Some("metadata-address"));
        check("100.100.100.200", Some("metadata-address"));
        check("168.63.129.16", Some("metadata-address"));
        check("0.0.0.0", Some("unspecified-address"));
        check("0.1.2.3", Some("unspecified-address"));
        check("::", Some("unspecified-address"));
        check("255.255.255.255", Some("multicast-address"));
        check("224.0.0.1", Some("multicast-address"));
        check("ff02::1", Some("multicast-address"));
    }
}
