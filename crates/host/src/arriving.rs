//! A request in the form in which hosts pass it to a component.

use crate::Body;
use http::header::{HOST, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use std::net::SocketAddr;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) SocketAddr);

/// Completes the URI of an HTTP/1.1 request, and for a component of Spin's adds
/// what Spin adds.
pub(crate) fn completed(request: http::Request<Body>, is_for_spin: bool) -> http::Request<Body> {
    let request = with_authority(request);
    if is_for_spin { as_spin_does(request) } else { request }
}

/// Adds the headers that Spin adds (4.1.0-pre, `reference/hosts.md`). To a
/// component they look as if the sender had set them; a credential in the query
/// is also in `spin-full-url`.
fn as_spin_does(mut request: http::Request<Body>) -> http::Request<Body> {
    let full_url = request.uri().to_string();
    let path = request.uri().path().to_owned();
    // A request that did not come over a socket has no client.
    let client = request
        .extensions()
        .get::<Client>()
        .map_or_else(|| "127.0.0.1:1".to_owned(), |Client(address)| address.to_string());
    let added = [
        ("spin-path-info", path.as_str()),
        ("spin-full-url", full_url.as_str()),
        ("spin-matched-route", "/..."),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", "/..."),
        ("spin-component-route", ""),
        ("spin-client-addr", client.as_str()),
    ];
    let headers = request.headers_mut();
    for (name, value) in added {
        // All characters of a URI are allowed in a header.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    request
}

fn with_authority(mut request: http::Request<Body>) -> http::Request<Body> {
    if request.uri().authority().is_some() {
        return request;
    }
    let host = request.headers().get(HOST);
    let authority = host
        .and_then(|host| Authority::try_from(host.as_bytes()).ok())
        .unwrap_or(Authority::from_static("localhost"));
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}
