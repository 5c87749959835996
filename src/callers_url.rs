//! URLs that a caller gives and that the gateway calls: callbacks, sets of keys, and the
//! REST servers of destinations.
//!
//! Such a URL comes from an untrusted caller, and the gateway may be able
//! to reach servers that the caller cannot. So the host in the URL is checked
//! after parsing by the WHATWG URL standard, which normalises every notation of
//! an IPv4 address (`2130706433`, `0x7f.1`, `0177.0.0.1`).
//!
//! A component cannot check what a name resolves to: it sees no addresses, and a
//! lookup of its own would prove nothing about the connection made later. The
//! host has to do that, by `allowed_outbound_hosts` or by rules on addresses. A
//! delivery that the host refuses is a failed attempt like any other.

mod address;

use std::net::IpAddr;

use http::Uri;
use url::{Host, ParseError, Url};

/// Longer URLs are refused.
const MAX_URL_LENGTH: usize = 2048;

/// Names that are resolved only within a machine or a network.
const LOCAL_NAMES: [&str; 6] = ["localhost", "local", "internal", "lan", "home.arpa", "intranet"];

/// A URL that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallersUrl {
    /// The normalised URL, by which registrations are compared.
    pub(crate) url: String,
    pub(crate) uri: Uri,
}

/// Checks a URL. The error is the predicate of a sentence, such as "has no host".
pub(crate) fn check(text: &str, allow_private: bool) -> Result<CallersUrl, String> {
    if text.len() > MAX_URL_LENGTH {
        return Err(format!("is longer than {MAX_URL_LENGTH} bytes"));
    }
    // The parser would silently drop some of these.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must not hold spaces or control characters".into());
    }
    let url = Url::parse(text).map_err(|error| unparsable(error).to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password".into());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment, since a fragment is never sent".into());
    }
    if url.port() == Some(0) {
        return Err("has a port that cannot be reached".into());
    }
    // Percent-encoding makes a URL longer.
    if url.as_str().len() > MAX_URL_LENGTH {
        return Err(format!("is longer than {MAX_URL_LENGTH} bytes"));
    }
    if !allow_private {
        public(url.host()).map_err(|kind| format!("must not point at {kind}"))?;
    }
    let uri = Uri::try_from(url.as_str()).map_err(|_| "cannot be called")?;
    Ok(CallersUrl { url: url.into(), uri })
}

fn unparsable(error: ParseError) -> &'static str {
    match error {
        ParseError::EmptyHost => "has no host",
        ParseError::RelativeUrlWithoutBase => "must begin with http:// or https://",
        ParseError::InvalidPort => "has a port that is not a number up to 65535",
        ParseError::InvalidIpv4Address => "has a malformed IPv4 address as its host",
        ParseError::InvalidIpv6Address => "has a malformed IPv6 address as its host",
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => {
            "has a malformed host name (an international one must be in its xn-- form)"
        }
        _ => "is not a URL",
    }
}

fn public(host: Option<Host<&str>>) -> Result<(), &'static str> {
    let special = match host {
        Some(Host::Ipv4(address)) => address::special(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => address::special(IpAddr::V6(address)),
        Some(Host::Domain(name)) => special_name(name),
        None => Some("no host"),
    };
    special.map_or(Ok(()), Err)
}

/// `name` is in lower case, as the parser returns it.
fn special_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.');
    let local = LOCAL_NAMES.iter().any(|local| {
        name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    if local {
        return Some("a local name");
    }
    // Names without a dot are resolved with the network's own search list.
    (!name.contains('.')).then_some("a name without a domain")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        check(url, false).expect_err(url)
    }

    #[test]
    fn public_urls_are_taken_in_their_normal_form() {
        for (given, normal) in [
            ("https://example.com/hook?a=1&b=%20", "https://example.com/hook?a=1&b=%20"),
            ("HTTPS://EXAMPLE.com:443", "https://example.com/"),
            ("http://example.com:8080/a/../b", "http://example.com:8080/b"),
            // A proxy on the way folded the slashes of a URL within a path.
            ("https:/example.com/hook", "https://example.com/hook"),
            ("http://1.1.1.1/", "http://1.1.1.1/"),
            ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
            ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
            ("https://notlocalhost.example.com/", "https://notlocalhost.example.com/"),
            ("https://mylocal.com./", "https://mylocal.com./"),
            ("https://e.com/a|[b]^{c}?`d`|\"{e}'", "https://e.com/a|[b]^%7Bc%7D?`d`|%22{e}%27"),
        ] {
            assert_eq!(check(given, false).unwrap().url, normal, "{given}");
        }
    }

    #[test]
    fn inside_hosts_are_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.0x1",
            "%31%32%37.0.0.1",
            "127%2e0%2e0%2e1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "0xa.0x1.0x2.0x3",
            "169.254.169.254",
            "2852039166",
            "0xA9FEA9FE",
            "192.168.0.1",
            "172.16.0.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:7f00:1::]",
            "[fd00::1]",
            "[fe80::1]",
            "[ff02::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "LocalHost..",
            "a.localhost",
            "printer.local",
            "printer.local.",
            "metadata.google.internal",
            "router.lan",
            "router.home.arpa",
            "redis",
            "%6c%6f%63%61%6c%68%6f%73%74",
        ] {
            let detail = refused(&format!("http://{host}:8080/hook"));
            assert!(detail.contains("must not point at"), "{host}: {detail}");
            assert!(check(&format!("http://{host}:8080/hook"), true).is_ok(), "{host}");
        }
    }

    #[test]
    fn disguised_hosts_are_refused() {
        for url in [
            "http://１２７.0.0.1/",
            "http://ⓛocalhost/",
            "http://127。0。0。1/",
            "http://[::1%25lo]/",
            "http://127.0.0.256/",
            "http://exa\u{ad}mple.com/",
            "http://a_%00b.com/",
        ] {
            refused(url);
        }
        // Userinfo that looks like a host, and a backslash that ends one.
        assert!(refused("http://example.com@127.0.0.1/").contains("user name"));
        assert!(refused("http://127.0.0.1\\@example.com/").contains("loopback"));
    }

    #[test]
    fn whatever_is_no_plain_web_url_is_refused_with_a_reason() {
        for (url, reason) in [
            ("", "must begin with http"),
            ("example.com/hook", "must begin with http"),
            ("ftp://example.com/", "must begin with http"),
            ("file:///etc/passwd", "must begin with http"),
            ("javascript:alert(1)", "must begin with http"),
            ("data:text/plain,x", "must begin with http"),
            ("https://", "has no host"),
            ("https://user@example.com/", "user name"),
            ("https://:secret@example.com/", "password"),
            ("https://example.com/#top", "fragment"),
            ("https://example.com:70000/", "port"),
            ("https://example.com:0/", "port"),
            ("https://exa mple.com/", "spaces"),
            ("https://example.com/\nx", "spaces"),
            ("https://bücher.example/", "xn--"),
        ] {
            let detail = refused(url);
            assert!(detail.contains(reason), "{url}: {detail}");
        }
        assert!(refused(&format!("https://example.com/{}", "a".repeat(2048))).contains("longer"));
        assert!(refused(&format!("https://example.com/{}", "ü".repeat(500))).contains("longer"));
    }
}
