//! Which addresses are not part of the public internet: the blocks of IANA's
//! special-purpose address registries for IPv4 and IPv6 (RFC 6890), and the IPv6
//! forms that contain an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address cannot be used for a callback, as in `"a loopback address"`;
/// `None` for an address of the public internet.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

const UNSPECIFIED: &str = "an unspecified address";
const LOOPBACK: &str = "a loopback address";
const PRIVATE: &str = "a private address";
const LINK_LOCAL: &str = "a link-local address";
const MULTICAST: &str = "a multicast address";
const RESERVED: &str = "a reserved address";

/// First address, length of the prefix, kind.
const SPECIAL_V4_BLOCKS: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, UNSPECIFIED),
    (Ipv4Addr::new(10, 0, 0, 0), 8, PRIVATE),
    (Ipv4Addr::new(100, 64, 0, 0), 10, PRIVATE),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, PRIVATE),
    // Protocol assignments, including the addresses that discover a NAT64.
    (Ipv4Addr::new(192, 0, 0, 0), 24, RESERVED),
    // Documentation; so are the two blocks of the same size further down.
    (Ipv4Addr::new(192, 0, 2, 0), 24, RESERVED),
    // Relays from IPv6, deprecated by RFC 7526.
    (Ipv4Addr::new(192, 88, 99, 0), 24, RESERVED),
    (Ipv4Addr::new(192, 168, 0, 0), 16, PRIVATE),
    // Benchmarks within a network (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15, RESERVED),
    (Ipv4Addr::new(198, 51, 100, 0), 24, RESERVED),
    (Ipv4Addr::new(203, 0, 113, 0), 24, RESERVED),
    (Ipv4Addr::new(224, 0, 0, 0), 4, MULTICAST),
    // Never assigned; the last address is the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4, RESERVED),
];

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    SPECIAL_V4_BLOCKS
        .iter()
        .find(|(first, length, _)| (bits ^ first.to_bits()) >> (32 - length) == 0)
        .map(|(_, _, kind)| *kind)
}

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

const SPECIAL_V6_BLOCKS: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, UNSPECIFIED),
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    // A network's own NAT64 (RFC 8215), which may lead to any address.
    (v6(0x64, 0xff9b, 1), 48, PRIVATE),
    // Protocol assignments, including Teredo, which hides an IPv4 address.
    (v6(0x2001, 0, 0), 23, RESERVED),
    // Documentation: two blocks.
    (v6(0x2001, 0xdb8, 0), 32, RESERVED),
    (v6(0x3fff, 0, 0), 20, RESERVED),
    (v6(0xfc00, 0, 0), 7, PRIVATE),
    (v6(0xfe80, 0, 0), 10, LINK_LOCAL),
    // Site-local addresses, replaced by fc00::/7 (RFC 3879).
    (v6(0xfec0, 0, 0), 10, PRIVATE),
    (v6(0xff00, 0, 0), 8, MULTICAST),
];

/// Prefixes of addresses that contain an IPv4 address: the prefix, its length, and
/// the number of bits to the right of the IPv4 address.
const V4_WITHIN_V6_BLOCKS: &[(Ipv6Addr, u32, u32)] = &[
    // IPv4-compatible, deprecated by RFC 4291.
    (Ipv6Addr::UNSPECIFIED, 96, 0),
    // IPv4-mapped.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 0),
    // IPv4-translated (RFC 2765).
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, 0),
    // NAT64.
    (v6(0x64, 0xff9b, 0), 96, 0),
    // 6to4.
    (v6(0x2002, 0, 0), 16, 80),
];

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let within = |first: &Ipv6Addr, length: u32| (bits ^ first.to_bits()) >> (128 - length) == 0;
    if let Some((_, _, kind)) =
        SPECIAL_V6_BLOCKS.iter().find(|(first, length, _)| within(first, *length))
    {
        return Some(kind);
    }
    if let Some((_, _, shift)) =
        V4_WITHIN_V6_BLOCKS.iter().find(|(first, length, _)| within(first, *length))
    {
        let inside = (bits >> shift) & u128::from(u32::MAX);
        return special_v4(Ipv4Addr::from_bits(inside as u32));
    }
    // IANA has assigned global unicast addresses only from 2000::/3.
    (bits >> 125 != 1).then_some(RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_is_open() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert_eq!(special(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn every_special_block_is_known_from_its_first_to_its_last_address() {
        for (address, kind) in [
            ("0.0.0.0", UNSPECIFIED),
            ("0.255.255.255", UNSPECIFIED),
            ("10.0.0.0", PRIVATE),
            ("10.255.255.255", PRIVATE),
            ("100.64.0.0", PRIVATE),
            ("100.127.255.255", PRIVATE),
            ("127.0.0.1", LOOPBACK),
            ("127.255.255.255", LOOPBACK),
            ("169.254.169.254", LINK_LOCAL),
            ("172.16.0.0", PRIVATE),
            ("172.31.255.255", PRIVATE),
            ("192.0.0.170", RESERVED),
            ("192.0.2.1", RESERVED),
            ("192.88.99.1", RESERVED),
            ("192.168.255.255", PRIVATE),
            ("198.18.0.0", RESERVED),
            ("198.19.255.255", RESERVED),
            ("198.51.100.7", RESERVED),
            ("203.0.113.7", RESERVED),
            ("224.0.0.1", MULTICAST),
            ("239.255.255.255", MULTICAST),
            ("240.0.0.1", RESERVED),
            ("255.255.255.255", RESERVED),
            ("::", UNSPECIFIED),
            ("::1", LOOPBACK),
            ("100::1", RESERVED),
            ("2001:2::1", RESERVED),
            ("2001:db8::1", RESERVED),
            ("3fff:fff::1", RESERVED),
            ("4000::1", RESERVED),
            ("5f00::1", RESERVED),
            ("fc00::1", PRIVATE),
            ("fdff:ffff::1", PRIVATE),
            ("fe80::1", LINK_LOCAL),
            ("febf::1", LINK_LOCAL),
            ("fec0::1", PRIVATE),
            ("ff02::1", MULTICAST),
        ] {
            assert_eq!(special(address.parse().unwrap()), Some(kind), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_seen() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
        ] {
            assert_eq!(special(address.parse().unwrap()), Some(LOOPBACK), "{address}");
        }
        assert_eq!(special("64:ff9b:1::101:101".parse().unwrap()), Some(PRIVATE));
        assert_eq!(special("2001::7f00:1".parse().unwrap()), Some(RESERVED));
    }
}
