//! Networks as one client may hold them.

use std::net::{IpAddr, Ipv6Addr};

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is the least that anybody is
/// given (RFC 6177). IPv4 written as IPv6 is IPv4.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_is_its_64() {
        let check = |address: &str, want: &str| {
            let got = network_of(address.parse().unwrap());
            assert_eq!(got, want.parse::<IpAddr>().unwrap(), "{address}");
        };
        check("192.0.2.1", "192.0.2.1");
        check("::ffff:192.0.2.1", "192.0.2.1");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("::1", "::");
    }
}
