//! Which requests of a source are looked at: by what they are, before who sent them
//! is found out.

use std::net::IpAddr;

use ipnet::IpNet;

use super::inbound::{Inbound, Refused, Stage};
use super::source::Source;

/// Without a network, any client may call.
pub(super) fn networks(addresses: &[String]) -> Result<Vec<IpNet>, usize> {
    let parse = |(place, text): (usize, &String)| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or(address).map_err(|_| place)
    };
    addresses.iter().enumerate().map(parse).collect()
}

/// Checks where a request comes from.
pub(super) fn check_address(
    source: &Source,
    networks: &[IpNet],
    request: &Inbound<'_>,
) -> Result<(), Refused> {
    if networks.is_empty() {
        return Ok(());
    }
    let client = client(source, request);
    // A socket for both families shows IPv4 within IPv6 (RFC 4291, 2.5.5.2).
    let inside = |client: &IpAddr| networks.iter().any(|net| net.contains(client));
    let allowed = client.is_some_and(|at| inside(&at) || inside(&at.to_canonical()));
    if allowed {
        return Ok(());
    }
    let sentence = "This address may not send events to this source";
    Err(Refused::new(Stage::Allow, 403, "address", sentence))
}

/// Checks by which method a request comes, and of which type its body is.
pub(super) fn check_kind(source: &Source, request: &Inbound<'_>) -> Result<(), Refused> {
    let refused = |status, reason, sentence| Refused::new(Stage::Allow, status, reason, sentence);
    if !source.allow.methods.contains(&request.method) {
        let allowed = source.allow.methods.join(", ");
        return Err(refused(405, "method", "The source takes no events by this method").at(allowed));
    }
    let types = &source.allow.content_types;
    if !types.is_empty() {
        let essence = request.header("content-type").unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim();
        if !types.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
            let sentence = "The source takes no events of this content type";
            return Err(refused(415, "content-type", sentence).at(types.join(", ")));
        }
    }
    Ok(())
}

pub(super) fn check_size(source: &Source, request: &Inbound<'_>) -> Result<(), Refused> {
    let limit = source.allow.max_bytes;
    if request.body.len() <= limit {
        return Ok(());
    }
    let sentence = "The event is larger than the source takes";
    let refused = Refused::new(Stage::Allow, 413, "size", sentence);
    Err(refused.at(format!("at most {limit} bytes")))
}

/// The address of the client: as the host knows it, or, behind proxies, as the
/// outermost of them wrote it. What stands further to the left the client itself may
/// have written.
pub(super) fn client(source: &Source, request: &Inbound<'_>) -> Option<IpAddr> {
    let proxies = usize::from(source.proxies);
    let Some(name) = source.allow.address_header.as_deref().filter(|_| proxies > 0) else {
        return request.client;
    };
    let values = request.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let texts = values.filter_map(|(_, value)| std::str::from_utf8(value).ok());
    let entries: Vec<_> = texts.flat_map(|text| text.split(',')).map(str::trim).collect();
    let entry = entries.len().checked_sub(proxies).and_then(|place| entries.get(place))?;
    // With a port it is `1.2.3.4:5` or `[::1]:5`.
    entry.parse().ok().or_else(|| entry.parse().ok().map(|at: std::net::SocketAddr| at.ip()))
}

/// How the sender addressed the gateway, where only forwarding headers tell.
pub(super) fn forwarded_base(source: &Source, request: &Inbound<'_>) -> Option<String> {
    let proxies = usize::from(source.proxies);
    if proxies == 0 {
        return None;
    }
    let last = |name: &str| {
        let entries: Vec<_> = request.header(name)?.split(',').map(str::trim).collect();
        // Many proxies write one value in place of those before.
        let place = entries.len().saturating_sub(proxies);
        entries.get(place).map(|entry| (*entry).to_owned())
    };
    let host = last("x-forwarded-host").or_else(|| request.authority.clone())?;
    let scheme = last("x-forwarded-proto").or_else(|| request.scheme.clone())?;
    matches!(scheme.as_str(), "http" | "https").then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn source(json: &str) -> Source {
        let json = format!(r#"{{"name":"s","topic":"t","verify":{{"none":{{}}}}{json}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn request(headers: &[(&str, &str)]) -> Inbound<'static> {
        let header = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes()))
        };
        Inbound {
            method: "POST".into(),
            target: "/in/s".into(),
            headers: headers.iter().map(header).collect(),
            body: Bytes::from_static(b"12345"),
            client: Some(IpAddr::from([203, 0, 113, 9])),
            scheme: Some("http".into()),
            authority: Some("10.0.0.1".into()),
        }
    }

    fn checked(source: &Source, request: &Inbound<'_>) -> Result<(), &'static str> {
        let networks = networks(&source.allow.addresses).unwrap();
        check_address(source, &networks, request)
            .and_then(|()| check_kind(source, request))
            .and_then(|()| check_size(source, request))
            .map_err(|refused| refused.reason)
    }

    #[test]
    fn networks_methods_types_and_sizes_are_those_of_the_source() {
        let plain = source("");
        assert_eq!(checked(&plain, &request(&[])), Ok(()));
        let get = Inbound { method: "GET".into(), ..request(&[]) };
        assert_eq!(checked(&plain, &get), Err("method"));
        let near = source(r#","allow":{"addresses":["203.0.113.0/24","2001:db8::/32"]}"#);
        assert_eq!(checked(&near, &request(&[])), Ok(()));
        let far = Inbound { client: Some(IpAddr::from([203, 0, 114, 9])), ..request(&[]) };
        assert_eq!(checked(&near, &far), Err("address"));
        let mapped = |last: u16| Some(IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0xcb00, last]));
        let as_ipv6 = |last| Inbound { client: mapped(last), ..request(&[]) };
        assert_eq!(checked(&near, &as_ipv6(0x7109)), Ok(()), "203.0.113.9");
        assert_eq!(checked(&near, &as_ipv6(0x7209)), Err("address"));
        assert_eq!(checked(&near, &Inbound { client: None, ..far }), Err("address"));
        let json = source(r#","allow":{"content_types":["application/json"]}"#);
        let typed = |value| request(&[("Content-Type", value)]);
        assert_eq!(checked(&json, &typed("Application/JSON; charset=utf-8")), Ok(()));
        assert_eq!(checked(&json, &typed("text/plain")), Err("content-type"));
        assert_eq!(checked(&json, &request(&[])), Err("content-type"));
        assert_eq!(checked(&source(r#","allow":{"max_bytes":4}"#), &request(&[])), Err("size"));
        assert_eq!(networks(&["10.0.0.1".into(), "10.0.0.0/33".into()]), Err(1));
    }

    #[test]
    fn forwarding_headers_count_only_behind_as_many_proxies() {
        let header =
            [("X-Forwarded-For", "9.9.9.9, 198.51.100.7"), ("x-forwarded-for", "10.1.1.1:80")];
        let through = |proxies: u8| {
            let allow = r#""allow":{"address_header":"x-forwarded-for"}"#;
            let source = source(&format!(r#","proxies":{proxies},{allow}"#));
            client(&source, &request(&header)).map(|address| address.to_string())
        };
        assert_eq!(through(0).as_deref(), Some("203.0.113.9"));
        assert_eq!(through(1).as_deref(), Some("10.1.1.1"));
        assert_eq!(through(2).as_deref(), Some("198.51.100.7"));
        assert_eq!(through(4), None);
        let forwarded =
            [("x-forwarded-host", "evil.test, hooks.test"), ("x-forwarded-proto", "https")];
        let base = |proxies: u8| {
            let source = source(&format!(r#","proxies":{proxies}"#));
            forwarded_base(&source, &request(&forwarded))
        };
        assert_eq!(base(0), None);
        assert_eq!(base(1).as_deref(), Some("https://hooks.test"));
    }
}
