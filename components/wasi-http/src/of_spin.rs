//! The headers that Spin adds to each request.

use std::net::{IpAddr, SocketAddr};

use crate::headers::Entries;

/// Takes away the headers that Spin has added, `spin-full-url` and others (seen with
/// 4.1.0-pre, `reference/hosts.md`), and returns the address of the client. The first holds
/// the query, and a credential may be in it; the core must take none of them for the
/// sender's.
pub fn take_headers(entries: &mut Entries) -> Option<IpAddr> {
    let client = entries.iter().find_map(client_address);
    entries.retain(|(name, _)| !is_of_spin(name));
    client
}

fn is_of_spin(name: &str) -> bool {
    const PREFIX: &str = "spin-";
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The address in `spin-client-addr`, which Spin writes as `127.0.0.1:57384` over
/// whatever the client has sent (4.1.0-pre, `reference/hosts.md`).
fn client_address((name, value): &(String, Vec<u8>)) -> Option<IpAddr> {
    let is_it = name.eq_ignore_ascii_case("spin-client-addr");
    let address = is_it.then(|| std::str::from_utf8(value).ok())?;
    address?.parse::<SocketAddr>().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(entries: &[(&str, &str)]) -> (Vec<String>, Option<IpAddr>) {
        let entry = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        let mut entries = entries.iter().map(entry).collect();
        let client = take_headers(&mut entries);
        (entries.into_iter().map(|(name, _)| name).collect(), client)
    }

    #[test]
    fn what_spin_adds_is_taken_away() {
        let (left, client) = taken(&[
            ("spin-full-url", "http://a/?token=secret"),
            ("Spin-Client-Addr", "192.0.2.7:57384"),
            ("spinach", "green"),
            ("x-spin-a", "b"),
        ]);
        assert_eq!(left, ["spinach", "x-spin-a"]);
        assert_eq!(client, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn an_address_that_is_none_is_nobodys() {
        for address in ["", "192.0.2.7", "a:1", "[::1]"] {
            assert_eq!(taken(&[("spin-client-addr", address)]).1, None, "{address}");
        }
        let six = taken(&[("spin-client-addr", "[::1]:80")]).1;
        assert_eq!(six, Some("::1".parse().unwrap()));
    }
}
