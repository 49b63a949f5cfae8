//! Client addresses, and the ranges that a user may be limited to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// The most ranges of one user.
pub const ADDRESS_RANGES_MAX: usize = 64;

/// Addresses in CIDR notation (RFC 4632, RFC 4291), v4 or v6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange(IpNet);

/// A text that is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressRangeError {
    /// Neither an address nor a range.
    #[error("an address or a range like 192.0.2.0/24 or 2001:db8::/32 is expected")]
    Format,
    /// More than 64 of them.
    #[error("a user has at most {ADDRESS_RANGES_MAX} ranges of addresses")]
    TooMany,
}

impl AddressRange {
    /// Takes an address or a range. Bits behind the prefix are dropped, and a v4 address written as v6 is v4.
    ///
    /// ```
    /// use gatehouse::core::client_address::AddressRange;
    /// assert_eq!(AddressRange::parse("192.0.2.7/24").unwrap().to_string(), "192.0.2.0/24");
    /// assert!(AddressRange::parse("192.0.2.0/24").unwrap().contains("192.0.2.9"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, AddressRangeError> {
        if let Some(address) = parse_address(text) {
            return Ok(Self(IpNet::from(address)));
        }
        let net = parse_net(text).ok_or(AddressRangeError::Format)?;
        Ok(Self(canonical(net).trunc()))
    }

    /// Whether the address is one of the range. What is no address is in no range.
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        parse_address(address).is_some_and(|address| self.0.contains(&address))
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What one client has to itself, as a number: a v4 address, or the /64 of a v6 address. 0 for what is no address.
#[must_use]
pub fn network(address: Option<&str>) -> u128 {
    match address.and_then(parse_address) {
        None => 0,
        Some(IpAddr::V4(address)) => u128::from(address.to_ipv6_mapped()),
        Some(IpAddr::V6(address)) => u128::from(address) >> 64 << 64,
    }
}

/// Reads a list of ranges, each once, in the order given.
pub fn parse_ranges(texts: &[String]) -> Result<Vec<AddressRange>, AddressRangeError> {
    let mut ranges = Vec::new();
    for text in texts {
        let range = AddressRange::parse(text)?;
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    if ranges.len() > ADDRESS_RANGES_MAX { Err(AddressRangeError::TooMany) } else { Ok(ranges) }
}

/// A range of v4 addresses written as v6 (RFC 4291 §2.5.5.2) as the range of v4 addresses that it is.
fn canonical(net: IpNet) -> IpNet {
    let (IpAddr::V4(address), Some(prefix)) = (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) else {
        return net;
    };
    Ipv4Net::new(address, prefix).map_or(net, IpNet::V4)
}

/// Reads CIDR notation. Not with ipnet's own parser, which knows addresses once more (1 KB compressed).
fn parse_net(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.split_once('/')?;
    // `u8` would take a sign too.
    if prefix.starts_with('+') {
        return None;
    }
    let prefix = prefix.parse().ok()?;
    let v4 = || address.parse().ok().and_then(|address| Ipv4Net::new(address, prefix).ok()).map(IpNet::V4);
    let v6 = || address.parse().ok().and_then(|address| Ipv6Net::new(address, prefix).ok()).map(IpNet::V6);
    v4().or_else(v6)
}

fn parse_address(text: &str) -> Option<IpAddr> {
    // Tried apart: the standard library's parser of both kinds is larger than the two.
    let v4 = || text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    let v6 = || text.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical());
    v4().or_else(v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_addresses_and_no_others() {
        for (range, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.0/120", "192.0.2.7", "192.0.3.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:DB8::1", "2001:db8:0:0::1", "2001:db8::2"),
            ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
            ("::/0", "2001:db8::1", "8.8.8.8"),
        ] {
            let range = AddressRange::parse(range).unwrap();
            assert!(range.contains(inside), "{range} {inside}");
            assert!(!range.contains(outside), "{range} {outside}");
        }
        assert!(!AddressRange::parse("0.0.0.0/0").unwrap().contains("not an address"));
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/-1",
            "192.0.2.0/+8",
            "010.0.0.0/8",
            "192.0.2.0/",
            "2001:db8::/129",
            "example.test",
            "1.2.3.4 ",
            "*",
        ] {
            assert_eq!(AddressRange::parse(text), Err(AddressRangeError::Format), "{text:?}");
        }
        let many: Vec<_> = (0..65).map(|number| format!("192.0.2.{number}")).collect();
        assert_eq!(parse_ranges(&many), Err(AddressRangeError::TooMany));
        assert_eq!(parse_ranges(&["10.1.2.3/8".into(), "10.0.0.0/8".into()]).unwrap().len(), 1);
    }
}
