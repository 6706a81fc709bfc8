//! Which hosts are this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const LOCALHOST: &str = "localhost";

/// Where `localhost` may answer, in the order of RFC 6724.
const ADDRESSES: [IpAddr; 2] = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];

/// Whether a host is this machine, where nothing travels in the open.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    addresses(bare).is_some() || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The addresses of `localhost`, and none of any other name. No resolver is asked for them: a hosts file often has only one, and
/// must not lead elsewhere (RFC 6761, section 6.3).
pub(crate) fn addresses(host: &str) -> Option<[IpAddr; 2]> {
    host.eq_ignore_ascii_case(LOCALHOST).then_some(ADDRESSES)
}
