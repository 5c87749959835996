//! Which hosts the component may reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Which hosts the component may reach. The default is: all of them.
#[derive(Clone, Default)]
pub struct Policy {
    allow: Option<Arc<Allow>>,
    public_only: bool,
    trusted: Vec<String>,
}

type Allow = dyn Fn(&str, &str) -> bool + Send + Sync;

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("allow", &self.allow.as_ref().map(|_| "custom"))
            .field("public_only", &self.public_only)
            .field("trusted", &self.trusted)
            .finish()
    }
}

impl Policy {
    /// Everything is allowed.
    pub fn allow_all() -> Self {
        Self::default()
    }

    /// Asks a function, with the scheme and the authority (`host:port`); a
    /// refused request fails with `HTTP-request-denied`.
    pub fn allow(mut self, allow: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        self.allow = Some(Arc::new(allow));
        self
    }

    /// Refuses addresses that are not public, once the name is resolved; such
    /// a request fails with `destination-IP-prohibited`.
    pub fn public_only(mut self) -> Self {
        self.public_only = true;
        self
    }

    /// Whatever its address, this authority (`host:port`) may be reached.
    pub fn trust(mut self, authority: impl Into<String>) -> Self {
        self.trusted.push(authority.into());
        self
    }

    pub(super) fn allows(&self, scheme: &str, authority: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| allow(scheme, authority))
    }

    pub(super) fn allows_address(&self, authority: &str, address: IpAddr) -> bool {
        let trusted = || self.trusted.iter().any(|known| known.eq_ignore_ascii_case(authority));
        !self.public_only || is_public(address) || trusted()
    }
}

/// Whether an address is part of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmarking = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || shared
        || benchmarking
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // An IPv4 address within an IPv6 one: mapped, compatible or translated.
    let [a, b, c, d, e, f, high, low] = address.segments();
    let embedded = || {
        let [h, i] = high.to_be_bytes();
        let [j, k] = low.to_be_bytes();
        Ipv4Addr::new(h, i, j, k)
    };
    if [a, b, c, d, e] == [0; 5] && (f == 0 || f == 0xffff) {
        return f == 0xffff && is_public_v4(embedded());
    }
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(embedded());
    }
    if a == 0x2002 {
        // 6to4, which has the address in front.
        let ([h, i], [j, k]) = (b.to_be_bytes(), c.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(h, i, j, k));
    }
    let global_unicast = a & 0xe000 == 0x2000;
    // Assigned to protocols; one of them, Teredo, hides an IPv4 address.
    let protocols = a == 0x2001 && b < 0x200;
    let documentation = a == 0x2001 && b == 0xdb8;
    global_unicast && !protocols && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_public_addresses_from_others() {
        for public in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2001::7f00:1",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }
}
